# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The filter zapi.zapi.drift, documented in drift.yml."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._drift import UNMANAGED_CHOICES, Audit, Row
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._wording import warnings
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import read_instance

display = Display()


def drift(fleet: t.Any, expectations: t.Any, unmanaged: str = "ignore", show_url_secrets: bool = False) -> list[Row]:
    """Return the rows of drift of a list of instances."""
    if isinstance(fleet, (str, Mapping)) or not isinstance(fleet, t.Iterable):
        raise AnsibleFilterError(f"zapi.zapi.drift needs a list of instances, not {type(fleet).__name__}")
    if unmanaged not in UNMANAGED_CHOICES:
        raise AnsibleFilterError(f"zapi.zapi.drift: unmanaged must be one of {', '.join(UNMANAGED_CHOICES)}, not {unmanaged!r}")
    try:
        now = int(time.time() * 1000)
        declared = Expectations(expectations, now)
        audit = Audit(declared, now, unmanaged=unmanaged, show_url_secrets=show_url_secrets)
        for instance in fleet:
            audit.add(read_instance(instance))
    except ZapiError as error:
        raise AnsibleFilterError(f"zapi.zapi.drift: {error}") from None
    # One instance, such as a play's host, is no fleet: what others are asked matches nothing there.
    for warning in declared.warnings if audit.looked_at == 1 else warnings(declared, audit):
        display.warning(f"zapi.zapi.drift: {warning}")
    rows: list[Row] = audit.finish()["drift"]
    return rows


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"drift": drift}
