# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The filter zapi.zapi.drift, documented in drift.yml."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._audit import UNMANAGED_CHOICES, audit
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import warning_texts
from ansible_collections.zapi.zapi.plugins.module_utils._report.rows import Row, drift_rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text, text
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import read_records

display = Display()


def drift(fleet: t.Any, expectations: t.Any, unmanaged: str = "ignore", show_url_secrets: bool = False) -> list[Row]:
    """Return the rows of drift of a list of instances."""
    if unmanaged not in UNMANAGED_CHOICES:
        raise AnsibleFilterError(f"zapi.zapi.drift: unmanaged must be one of {', '.join(UNMANAGED_CHOICES)}, not {unmanaged!r}")
    try:
        now = int(time.time() * 1000)
        declared = Expectations(expectations, now)
        result = audit(read_records(fleet), declared, now, unmanaged=unmanaged)
    except ZapiError as error:
        raise AnsibleFilterError(f"zapi.zapi.drift: {error_text(error)}") from None
    mask = Mask(Secrets(), show_url_secrets)
    # One instance, such as a play's host, is not a fleet: expectations for others match nothing there.
    warnings = declared.warnings if result.instances == 1 else result.warnings
    texts = warning_texts(warnings, mask)
    if result.unverified:  # the filter cannot ask
        texts.append(f"{text(Reason('unknown_filters', {'instances': result.unverified}))}, of a fleet with include_settings")
    for warning in texts:
        display.warning(f"zapi.zapi.drift: {warning}")
    return drift_rows(result, mask)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"drift": drift}
