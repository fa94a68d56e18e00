# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Rows: every key in every row, values masked, reasons as codes and as text."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import KEYS, Rejected
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets

from .conftest import DRIFT_KEYS, TOKEN, Report

SECRET_URL = "https://hooks.example.com/in?key=s3cr3t"
CONNECTED = {"expect": {"whatsapp_connected": True}}


def drift(report: Report, records: t.Any, *expectations: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    found = rows.drift_rows(report.audit(records, *expectations, **options), report.mask)
    assert all(list(row) == DRIFT_KEYS for row in found)
    assert json.loads(json.dumps(found)) == found
    return found


def test_a_mismatch(report: Report) -> None:
    expectation = {"name": "All", "expect": {"whatsapp_connected": True}}
    assert drift(report, [report.record(1, whatsappConnected=False), report.record(2)], expectation) == [
        {
            "kind": "mismatch",
            "id": "A1",
            "name": "Loja 1",
            "attribute": "whatsapp_connected",
            "expected": True,
            "actual": False,
            "expectation": 1,
            "expectation_name": "All",
            "note": None,
            "reason": None,
        }
    ]


def test_rows_are_in_the_order_of_the_api_then_by_attribute_and_missing_ones_come_last(report: Report) -> None:
    records = [report.record(3, whatsappConnected=False), report.record(2), report.record(1, whatsappConnected=False)]
    expectations = [
        {"match": {"id": ["A1", "A3"]}, "expect": {"whatsapp_connected": True, "webhooks": {"received": None}}},
        {"match": {"name": "Nobody"}, "ignore": ["webhooks"]},
    ]
    found = drift(report, records, *expectations, unmanaged="report")
    assert [(row["kind"], row["id"], row["attribute"]) for row in found] == [
        ("mismatch", "A3", "webhooks.received"),
        ("mismatch", "A3", "whatsapp_connected"),
        ("unmanaged", "A2", None),
        ("mismatch", "A1", "webhooks.received"),
        ("mismatch", "A1", "whatsapp_connected"),
        ("missing", None, None),
    ]


@pytest.mark.parametrize(("mode", "kinds"), [("ignore", []), ("report", ["unmanaged"]), ("drift", ["unmanaged"])])
def test_unmanaged_instances_have_rows_if_they_are_wanted(report: Report, mode: str, kinds: list[str]) -> None:
    expectation = {"match": {"id": "A1"}, **CONNECTED}
    assert [row["kind"] for row in drift(report, [report.record(1), report.record(2)], expectation, unmanaged=mode)] == kinds


def test_a_missing_instance_has_the_nearest_name(report: Report) -> None:
    (row,) = drift(
        report, [report.record(1)], CONNECTED, {"name": "One", "match": {"name": "loja1"}, "ignore": ["whatsapp_connected"]}
    )
    assert (row["id"], row["name"], row["expectation"], row["expectation_name"]) == (None, "loja1", 2, "One")
    assert row["note"] == 'the nearest name is "Loja 1"'
    assert row["reason"] == {"code": "nearest_name", "values": {"name": "Loja 1"}}


def test_a_rejected_credential_is_a_missing_instance(report: Report) -> None:
    values = {"request": "GET /instances/A2/me", "status": 404, "said": "", "attempts": 1}
    (row,) = drift(report, [report.record(1)], CONNECTED, rejected=[Rejected("A2", Reason("credential_rejected", values))])
    assert (row["kind"], row["id"], row["expectation"]) == ("missing", "A2", None)
    assert row["note"].startswith("GET /instances/A2/me was answered with status 404")
    assert row["reason"] == {"code": "credential_rejected", "values": values}


@pytest.mark.parametrize(
    ("fields", "expect", "code", "note"),
    [
        ({"whatsappConnected": None}, {"whatsapp_connected": True}, "null", "the API returned null"),
        ({}, {"phone_connected": True}, "unknown", "the API did not return it"),
        ({"paymentStatus": "paid"}, {"payment_status": "PAID"}, "case", "only upper and lower case differ"),
        (
            {"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]},
            {"webhooks": {"received": "https://hooks.example.com/{id}"}},
            "muted",
            "muted: Z-API does not call this webhook, see settings.muted_webhooks",
        ),
        ({}, {"webhook_hosts": ["other.example.com"]}, "foreign_hosts", "posted to by received"),
        (
            {"name": ""},
            {"webhooks": {"received": "https://hooks.example.com/{name}"}},
            "placeholder_empty",
            "the value of {name} is empty or consists of dots",
        ),
    ],
)
def test_the_note_is_the_text_of_the_reason(report: Report, fields: t.Any, expect: t.Any, code: str, note: str) -> None:
    (row,) = drift(report, [report.record(1, **fields)], {"expect": expect})
    assert (row["reason"]["code"], row["note"]) == (code, note)


class TestSecrets:
    def test_urls_are_masked_and_a_difference_in_the_masked_part_is_explained(self, report: Report) -> None:
        record = report.record(1, receivedCallbackUrl=SECRET_URL)
        (row,) = drift(report, [record], {"expect": {"webhooks": {"received": "https://hooks.example.com/in?key=other"}}})
        assert row["expected"] == row["actual"] == "https://hooks.example.com/in?key=***"
        assert row["reason"] == {"code": "masked_difference", "values": {}}
        assert row["note"] == "they differ only in the masked part, which show_url_secrets shows"
        urls = ["https://hooks.example.com/in?key=other", "https://b.example.com"]
        (row,) = drift(report, [record], {"expect": {"webhooks": {"received": urls}}})
        assert row["reason"]["code"] == "masked_difference"

    def test_show_url_secrets_shows_whole_urls_also_among_hosts(self, report: Report) -> None:
        report.mask = Mask(Secrets([TOKEN]), show_url_secrets=True)
        ambiguous = "https://a@b@evil.example/?key=s3cr3t"
        record = report.record(1, receivedCallbackUrl=SECRET_URL, deliveryCallbackUrl=ambiguous)
        expect = {"webhooks": {"received": None}, "webhook_hosts": ["other.example.com"]}
        hosts, received = drift(report, [record], {"expect": expect})
        assert received["actual"] == SECRET_URL
        assert hosts["actual"] == ["hooks.example.com", ambiguous]

    def test_a_url_that_leads_to_no_certain_host_is_masked_among_hosts(self, report: Report) -> None:
        record = report.record(1, receivedCallbackUrl="https://user:s3cr3t@a@evil.example/x", deliveryCallbackUrl="s3cr3t")
        (row,) = drift(report, [record], {"expect": {"webhook_hosts": ["hooks.example.com"]}})
        assert "s3cr3t" not in json.dumps(row)
        assert len(row["actual"]) == 2

    def test_a_token_is_masked_wherever_it_is_but_the_id_stays(self, report: Report) -> None:
        url = f"https://hooks.example.com/{TOKEN}"
        record = report.record(1, name=f"Loja {TOKEN}", receivedCallbackUrl=url, paymentStatus=TOKEN, id=TOKEN)
        found = drift(report, [record], {"expect": {"payment_status": "PAID", "webhooks": {"received": None}}}, unmanaged="drift")
        assert [row["id"] for row in found] == [TOKEN, TOKEN]
        assert {row["name"] for row in found} == {"Loja ***"}
        assert [row["actual"] for row in found] == ["***", "https://hooks.example.com/***"]

    def test_the_own_id_and_name_stay_readable_in_a_path(self, report: Report) -> None:
        identity = "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"
        url = f"https://hooks.example.com/{identity}/received"
        (row,) = drift(
            report, [report.record(1, id=identity, receivedCallbackUrl=url)], {"expect": {"webhooks": {"received": None}}}
        )
        assert row["actual"] == url


def test_the_summary_of_an_audit(report: Report) -> None:
    records = [report.record(number, whatsappConnected=number > 2) for number in range(1, 6)]
    expectations = [
        {"match": {"name": "Loja [1-4]"}, **CONNECTED},
        {"match": {"name": "Nobody"}, "ignore": ["whatsapp_connected"]},
        {"match": {"name": "shop-*"}, "ignore": ["whatsapp_connected"]},
    ]
    result = rows.audit(report.audit(records, *expectations), report.mask)
    assert list(result) == ["in_sync", "drift", "summary", "audited_at"]
    assert result["audited_at"] == "2026-09-21T14:13:20Z"
    assert result["in_sync"] is False
    assert result["summary"] == {
        "instances": 5,
        "managed": 4,
        "unmanaged": 1,
        "in_sync": 2,
        "drifted": 2,
        "missing": 1,
        "mismatches": {"whatsapp_connected": 2},
        "compliance": 40.0,
        "unverified": 0,
        "warnings": 1,
    }


def test_compliance_is_100_only_if_all_instances_are_in_sync(report: Report) -> None:
    records = [report.record(number, whatsappConnected=number > 1) for number in range(1, 3001)]
    assert rows.audit_summary(report.audit(records, CONNECTED))["compliance"] == 99.9
    assert rows.audit_summary(report.audit(records[1:], CONNECTED))["compliance"] == 100.0


class TestInstances:
    def test_every_key_and_no_token(self, report: Report) -> None:
        (instance,) = rows.instances([report.record(1)], Secrets([TOKEN]))
        assert list(instance) == list(KEYS)
        assert instance["webhooks"]["received"] == "https://hooks.example.com/A1"

    def test_the_token_if_it_is_wanted(self, report: Report) -> None:
        record = report.record(1, name=TOKEN)
        with_token, without = rows.instances([record, report.record(2, token=None)], Secrets([TOKEN]), include_token=True)
        assert (with_token["token"], with_token["name"]) == (TOKEN, "***")
        assert without["token"] is None

    def test_secrets_in_other_fields(self, report: Report) -> None:
        proxy = "socks5://user:password@proxy.example.com:1080"
        fields = {
            "proxyUrl": proxy,
            "nested": [{"url": proxy, TOKEN: 1}],
            "sessionName": f"x{TOKEN}x",
            "connectedCallbackUrl": SECRET_URL,
        }
        (instance,) = rows.instances([report.record(1, **fields)], Secrets([TOKEN]))
        masked = "socks5://***@proxy.example.com:1080"
        assert instance["extra"] == {"proxy_url": masked, "nested": [{"url": masked, "***": 1}], "session_name": "x***x"}
        assert instance["webhooks"]["connected"] == SECRET_URL  # users need the real one


def test_a_reason_has_the_words_of_the_server_only_if_its_text_quotes_them() -> None:
    """A server can repeat a secret of another account, which no mask knows."""
    said = {"request": "PUT /instances/A1", "status": 403, "said": "Client-Token F00BA123 not allowed", "attempts": 1}
    quoted = Reason("partner_token_rejected", said)
    silent = Reason("client_token_rejected", said)
    assert rows.reason_dict(quoted) == {"code": quoted.code, "values": said}
    for reason in (
        silent,
        Reason("after_failure", {"error": silent}),
        Reason("credentials_rejected", {"first": silent, "ids": ["A1"], "credentials": 2}),
    ):
        shown = rows.reason_dict(reason)
        assert "F00BA123" not in json.dumps(shown)
        assert "PUT /instances/A1" in json.dumps(shown)
