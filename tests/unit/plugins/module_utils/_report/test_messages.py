# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Messages, as users read them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import audit_message, validation_message, warning_texts

from .conftest import TOKEN, Report

CONNECTED = {"expect": {"whatsapp_connected": True}}


def audited(report: Report, records: t.Any, *expectations: t.Any, **options: t.Any) -> str:
    result = report.audit(records, *expectations, **options)
    warnings = warning_texts(result.warnings, report.mask)
    return audit_message(rows.audit(result, report.mask), warnings if result.is_strict else ())


class TestAudit:
    def test_in_sync(self, report: Report) -> None:
        expectation = {"match": {"id": "A1"}, **CONNECTED}
        message = audited(report, [report.record(1), report.record(2)], expectation)
        assert message == "1 of 1 managed instances are as declared, 1 unmanaged"

    def test_the_rows_of_one_instance_are_together(self, report: Report) -> None:
        records = [
            report.record(1, whatsappConnected=False, receivedCallbackUrl="https://evil.example"),
            report.record(2, whatsappConnected=False, name="Loja\n2"),
            report.record(3),
        ]
        expect = {"whatsapp_connected": True, "webhook_hosts": ["hooks.example.com"]}
        absent = {"name": "Closed", "match": {"id": ["B1"]}, "ignore": ["whatsapp_connected"]}
        assert audited(report, records, {"expect": expect}, absent).splitlines() == [
            "2 of 3 managed instances drifted, 1 missing (compliance 25.0 %)",
            "by attribute: whatsapp_connected 2, webhook_hosts 1",
            '- no instance has the ID "B1" (expectation 2, "Closed")',
            '- "Loja 1" (A1):',
            '    webhook_hosts is "evil.example", expected only "hooks.example.com" (expectation 1; posted to by received)',
            "    whatsapp_connected is false, expected true (expectation 1)",
            '- "Loja\\n2" (A2): whatsapp_connected is false, expected true (expectation 1)',
        ]

    def test_the_first_ten_instances_and_where_the_others_are(self, report: Report) -> None:
        records = [report.record(number, whatsappConnected=False, phoneConnected=False) for number in range(1, 13)]
        expect = {"whatsapp_connected": True, "phone_connected": True}
        lines = audited(report, records, {"expect": expect}).splitlines()
        assert len([line for line in lines if line.startswith("- ")]) == 10
        assert lines[-1] == "and 2 more: all rows are in the result key drift, which -v shows"

    def test_several_accepted_values_days_and_unmanaged_instances(self, report: Report) -> None:
        records = [report.record(1, paymentStatus=None, due=1), report.record(2)]
        expectation = {"match": {"id": "A1"}, "expect": {"payment_status": ["PAID", "TRIAL"], "days_left": 5}}
        lines = audited(report, records, expectation, unmanaged="drift").splitlines()
        assert lines[0] == "1 of 1 managed instances drifted, 1 unmanaged (compliance 0.0 %)"
        assert lines[-3].startswith("    days_left is -")
        assert lines[-3].endswith(", expected at least 5 (expectation 1)")
        assert lines[-2] == '    payment_status is null, expected "PAID" or "TRIAL" (expectation 1; the API returned null)'
        assert lines[-1] == '- "Loja 2" (A2): no expectation matches it'

    def test_nothing_is_asserted(self, report: Report) -> None:
        message = audited(report, [report.record(1)], {"match": {"name": "shop-*"}, **CONNECTED})
        assert message == "no expectation matches any of the 1 instances: nothing was asserted"

    @pytest.mark.parametrize("connected", [True, False])
    def test_unknown_mute_filters_are_in_every_message(self, report: Report, connected: bool) -> None:
        expect = {"whatsapp_connected": True, "webhooks": {"received": "https://hooks.example.com/{id}"}}
        record = report.record(1, callbackTypeFilters=None, whatsappConnected=connected)
        line = "of 1 instance the mute filters are unknown: expect settings.muted_webhooks to check them"
        assert audited(report, [record], {"expect": expect}).splitlines()[-1] == line

    def test_strict_names_what_it_counts(self, report: Report) -> None:
        expect = {"webhooks": {"received": "https://hooks.example.com/{id}"}}
        expectations = [{"expect": expect}, {"match": {"name": "lója-*"}, "ignore": ["webhooks"]}]
        record = report.record(1, callbackTypeFilters=None)
        assert audited(report, [record], *expectations, strict=True).splitlines() == [
            "1 of 1 managed instances are as declared, 0 unmanaged, but 2 warnings with strict",
            "of 1 instance the mute filters are unknown: expect settings.muted_webhooks to check them",
            '- strict: expectation 2: the name "lója-*" matches no instance; the nearest name is "Loja 1"',
        ]


def test_validation() -> None:
    declared = {"expectations": 2, "attributes": ["webhooks", "days_left"], "instances_named": 1}
    assert (
        validation_message(declared) == "2 expectations, no mistakes: declare webhooks, days_left; 1 instance named by ID or name"
    )
    declared = {"expectations": 1, "attributes": [], "instances_named": 0}
    assert validation_message(declared) == (
        "1 expectation, no mistakes: declares nothing and only ignores attributes; 0 instances named by ID or name"
    )


def test_warnings_are_masked_and_limited(report: Report) -> None:
    many = [Reason("expectation_ended", {"expectation": f"expectation {number}", "until": "2026-01-01"}) for number in range(1, 13)]
    url = {"expectation": "expectation 1", "attribute": "webhooks.received", "url": "http://hooks.example.com/?key=s3cr3t"}
    name = {"expectation": f"expectation 3, {TOKEN}", "pattern": None, "nearest": None}
    texts = warning_texts([*many, Reason("http_url", url), Reason("unmatched_expectation", name)], report.mask)
    assert texts[9:11] == ["expectation 10 ended on 2026-01-01 and has no effect", "and 2 more of these warnings"]
    assert texts[11:] == [
        "expectation 1: webhooks.received is declared with an http URL, which sends messages unencrypted (http://hooks.example.com/?key=***)",
        "expectation 3, *** matches no instance",
    ]
