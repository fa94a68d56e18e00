# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What --diff shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.diff import audit_diff

if TYPE_CHECKING:
    from .conftest import Report


def test_actual_and_expected_values_of_each_instance(report: Report) -> None:
    records = [report.record(1, whatsappConnected=False), report.record(2), report.record(3, whatsappConnected=False)]
    expect = {"whatsapp_connected": True, "settings": {"muted_messages": []}, "webhooks": {"delivery": None}}
    result = report.audit([*records, report.record(4, messageFilters=["FILTER_FROM_GROUP"])], {"expect": expect})
    diffs = audit_diff(rows.drift_rows(result, report.mask))
    assert diffs[0] == {
        "before_header": 'actual, "Loja 1" (A1)',
        "after_header": 'expected, "Loja 1" (A1)',
        "before": "whatsapp_connected: false\n",
        "after": "whatsapp_connected: true\n",
    }
    assert len(diffs) == 3
    assert diffs[2]["before"] == 'settings.muted_messages: ["group"]\n'
    assert diffs[2]["after"] == "settings.muted_messages: []\n"


def test_sides_that_look_alike_have_a_comment(report: Report) -> None:
    record = report.record(1, receivedCallbackUrl="https://hooks.example.com/?key=a")
    result = report.audit([record], {"expect": {"webhooks": {"received": "https://hooks.example.com/?key=b"}}})
    (diff,) = audit_diff(rows.drift_rows(result, report.mask))
    assert diff["before"] == (
        'webhooks.received: "https://hooks.example.com/?key=***"  # they differ only in the masked part, which show_url_secrets shows\n'
    )
    assert diff["after"] == 'webhooks.received: "https://hooks.example.com/?key=***"\n'


def test_missing_and_unmanaged_instances_are_not_in_the_diff(report: Report) -> None:
    result = report.audit([report.record(1)], {"match": {"id": "B1"}, "expect": {"whatsapp_connected": True}}, unmanaged="drift")
    assert audit_diff(rows.drift_rows(result, report.mask)) == []


def test_values_stay_valid_yaml_on_one_line(report: Report) -> None:
    expect = {"settings": {"call_reject_message": "Não: 🍕 #1"}}
    strange = "a\u202eb\u0007c: d"
    result = report.audit([report.record(1, callRejectMessage=strange)], {"expect": expect})
    (diff,) = audit_diff(rows.drift_rows(result, report.mask))
    assert diff["before"].rstrip("\n").isprintable()
    assert yaml.safe_load(diff["before"]) == {"settings.call_reject_message": strange}
    assert "🍕" in diff["after"]
    assert yaml.safe_load(diff["after"]) == {"settings.call_reject_message": "Não: 🍕 #1"}
