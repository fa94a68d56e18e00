# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The test zapi.zapi.compliant, documented in compliant.yml."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._drift import find_mismatches
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import read_instance

display = Display()


def compliant(instance: t.Any, expectations: t.Any) -> bool:
    """Return whether an instance has no mismatch."""
    try:
        subject = read_instance(instance)
        now = int(time.time() * 1000)
        declared = Expectations(expectations, now)
    except ZapiError as error:
        raise AnsibleFilterError(f"zapi.zapi.compliant: {error}") from None
    for warning in declared.warnings:
        display.warning(f"zapi.zapi.compliant: {warning}")
    return not any(find_mismatches(subject, declared.asked(subject), now))


class TestModule:
    def tests(self) -> dict[str, t.Callable[..., bool]]:
        return {"compliant": compliant}
