# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The test zapi.zapi.compliant, documented in compliant.yml."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._audit import mismatches
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import warning_texts
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import read_record

display = Display()


def compliant(instance: t.Any, expectations: t.Any) -> bool:
    """Return whether an instance has no mismatch."""
    try:
        record = read_record(instance)
        now = int(time.time() * 1000)
        declared = Expectations(expectations, now)
    except ZapiError as error:
        raise AnsibleFilterError(f"zapi.zapi.compliant: {error_text(error)}") from None
    for warning in warning_texts(declared.warnings, Mask(Secrets())):
        display.warning(f"zapi.zapi.compliant: {warning}")
    return not mismatches(record, declared.effective(record.instance), now)


class TestModule:
    def tests(self) -> dict[str, t.Callable[..., bool]]:
        return {"compliant": compliant}
