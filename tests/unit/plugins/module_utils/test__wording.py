# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What people read about drift."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._diff import diffs
from ansible_collections.zapi.zapi.plugins.module_utils._drift import Audit
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._wording import converged, describe, message, summary, warnings
from ansible_collections.zapi.zapi.tests.unit.support import make_instance

NOW = 1_790_000_000_000
CONNECTED = [{"expect": {"whatsapp_connected": True}}]


def audit(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> dict[str, t.Any]:
    running = Audit(Expectations(declared, NOW), NOW, **options)
    for instance in fleet:
        running.add(instance)
    return running.finish()


def disconnected(count: int, **fields: t.Any) -> list[t.Any]:
    return [make_instance(number, whatsappConnected=False, **fields) for number in range(1, count + 1)]


def described(instance: t.Any, expect: dict[str, t.Any]) -> str:
    (row,) = audit([instance], [{"expect": expect}])["drift"]
    return describe(row)


@pytest.mark.parametrize(
    ("fields", "expect", "words"),
    [
        ({"whatsappConnected": False}, {"whatsapp_connected": True}, "whatsapp_connected is false, expected true"),
        ({"middleware": "mobile"}, {"middleware": "web"}, 'middleware is "mobile", expected "web"'),
        ({"paymentStatus": "OPEN"}, {"payment_status": ["PAID", "TRIAL"]}, 'payment_status is "OPEN", expected "PAID" or "TRIAL"'),
        ({"due": NOW}, {"days_left": 5}, "days_left is 0, expected at least 5"),
        (
            {"messageFilters": ["FILTER_FROM_GROUP"]},
            {"settings": {"muted_messages": []}},
            'settings.muted_messages is "group", expected []',
        ),
        (
            {"deliveryCallbackUrl": "https://old/?k=secret"},
            {"webhooks": {"delivery": None}},
            'webhooks.delivery is "https://old/?k=***", expected null',
        ),
    ],
)
def test_a_mismatch_is_one_line(fields: dict[str, t.Any], expect: dict[str, t.Any], words: str) -> None:
    assert described(make_instance(1, id="A", **fields), expect) == f'"shop-1" (A): {words} (expectation 1)'


def test_foreign_hosts_are_one_line() -> None:
    instance = make_instance(1, id="A", receivedCallbackUrl="https://old.example.net", deliveryCallbackUrl="https://evil.net")
    assert described(instance, {"webhook_hosts": ["hooks.example.com", "*.example.com"]}) == (
        '"shop-1" (A): webhook_hosts is "evil.net" and "old.example.net", expected only "hooks.example.com" or "*.example.com" '
        "(expectation 1; posted to by delivery, received)"
    )


def test_an_item_with_a_name_is_told_by_it() -> None:
    declared = [{"name": "All are online", **CONNECTED[0]}, {"name": "Ours", "match": {"id": "gone"}, **CONNECTED[0]}]
    rows = audit([make_instance(1, id="A", whatsappConnected=False)], declared)["drift"]
    assert [describe(row) for row in rows] == [
        '"shop-1" (A): whatsapp_connected is false, expected true (expectation 1, "All are online")',
        'no instance has id "gone" (expectation 2, "Ours")',
    ]


def test_the_note_is_told() -> None:
    line = described(make_instance(deliveryCallbackUrl="https://h/?k=1"), {"webhooks": {"delivery": "https://h/?k=2"}})
    assert "masked" in line


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"id": "gone"}, 'no instance has id "gone" (expectation 1)'),
        ({"name": "nobody"}, 'no instance has name "nobody" (expectation 1)'),
        ({"id": "gone", "name": "nobody"}, 'no instance has id "gone" and name "nobody" (expectation 1)'),
    ],
)
def test_a_missing_instance_is_one_line(match: dict[str, str], words: str) -> None:
    (row,) = audit([], [{"match": match, "expect": {"days_left": 1}}])["drift"]
    assert describe(row) == words


def test_an_unmanaged_instance_is_one_line() -> None:
    (row,) = audit([make_instance(id="A")], [{"match": {"name": "x*"}, "expect": {"days_left": 1}}], unmanaged="report")["drift"]
    assert describe(row) == '"shop-1" (A): no expectation matches it'


def test_the_message_says_how_many_then_what_then_what_is_missing_then_the_rest() -> None:
    declared = [
        {"match": {"name": "shop-[123]"}, "expect": {"whatsapp_connected": True, "payment_status": "PAID"}},
        {"match": {"id": "gone"}, "expect": {"days_left": 1}},
    ]
    fleet = [make_instance(1, id="A", paymentStatus="OPEN"), *disconnected(2)[1:], make_instance(3), make_instance(4, id="D")]
    fleet[1].update(id="B", payment_status="OPEN")
    assert message(audit(fleet, declared, unmanaged="drift")).splitlines() == [
        "2 of 3 managed instances drifted, 1 missing, 1 unmanaged (compliance 25.0 %)",
        "by attribute: payment_status 2, whatsapp_connected 1",
        '- no instance has id "gone" (expectation 2)',
        '- "shop-1" (A): payment_status is "OPEN", expected "PAID" (expectation 1)',
        '- "shop-2" (B): payment_status is "OPEN", expected "PAID" (expectation 1)',
        '- "shop-2" (B): whatsapp_connected is false, expected true (expectation 1)',
        '- "shop-4" (D): no expectation matches it',
    ]


@pytest.mark.parametrize(("count", "shown", "more"), [(1, 1, 0), (10, 10, 0), (11, 10, 1), (250, 10, 240)])
@pytest.mark.parametrize("missing", [0, 12])
def test_the_message_names_the_first_ten_rows_and_how_many_more_there_are(count: int, shown: int, more: int, missing: int) -> None:
    declared = [*CONNECTED, *[{"match": {"id": f"gone-{number}"}, **CONNECTED[0]} for number in range(missing)]]
    _counts, _attributes, *lines = message(audit(disconnected(count), declared)).splitlines()
    first_missing, more = min(missing, 10), more + max(0, missing - 10)
    assert [line for line in lines if line.startswith("- ")] == lines[: first_missing + shown]
    assert all("gone" in line for line in lines[:first_missing])
    assert lines[first_missing].startswith('- "shop-1" ')
    if more:
        assert lines[-1].startswith(f"and {more} more")
        assert "-v" in lines[-1]
    assert len(lines) == first_missing + shown + bool(more)


def test_a_fleet_in_sync_is_told_as_well() -> None:
    declared = [{"match": {"name": "shop-[12]"}, "expect": {"middleware": "web"}}]
    fleet = [make_instance(number, id=str(number)) for number in (1, 2, 3)]
    assert message(audit(fleet, declared)) == "2 of 2 managed instances are as declared, 1 unmanaged"
    assert message(audit(fleet, declared, unmanaged="report")).splitlines()[1:] == ['- "shop-3" (3): no expectation matches it']


def test_an_audit_of_nothing_is_told() -> None:
    declared = [{"match": {"id": "gone"}, **CONNECTED[0]}]
    first, second = message(audit([make_instance(), make_instance(2)], declared)).splitlines()
    assert first == "no expectation matches any of the 2 instances: nothing was asserted"
    assert second == '- no instance has id "gone" (expectation 1)'


# Warnings


def warned(fleet: t.Iterable[t.Any], declared: t.Any) -> list[str]:
    expectations = Expectations(declared, NOW)
    running = Audit(expectations, NOW)
    for instance in fleet:
        running.add(instance)
    return warnings(expectations, running)


def test_what_can_hardly_be_meant_is_warned_of() -> None:
    declared = [
        {"name": "Closed", "ignore": ["days_left"], "until": "2026-03-01"},
        {"name": "The bakeries", "match": {"name": "padria*"}, **CONNECTED[0]},
        {"match": {"middleware": "mobile"}, **CONNECTED[0]},
        {"expect": {"webhooks": {"received": "http://hooks.example.com/"}}},
    ]
    assert warned([make_instance(name="Padaria Pão")], declared) == [
        "expectation 4: webhooks.received is not an HTTPS URL, and Z-API refuses others: http://hooks.example.com/",
        'expectation 1, "Closed" ended on 2026-03-01 and counts no longer: remove it, or give it another date',
        'expectation 2, "The bakeries" matched no instance: look at its name "padria*"; the nearest name is "Padaria Pão"',
        "expectation 3 matched no instance",
    ]


def test_an_empty_fleet_is_warned_of() -> None:
    assert warned([], [{"match": {"name": "x*"}, **CONNECTED[0]}]) == ["the fleet is empty: there was no instance to look at"]


def test_where_credentials_are_refused_the_fleet_is_not_called_empty() -> None:
    expectations = Expectations(CONNECTED, NOW)
    running = Audit(expectations, NOW)
    running.refuse({"A": "it is gone"})
    assert warnings(expectations, running) == []


def test_hundreds_of_items_that_match_nothing_are_ten_lines_and_a_number() -> None:
    lines = warned([make_instance()], [{"match": {"name": f"x{number}*"}, **CONNECTED[0]} for number in range(300)])
    assert len(lines) == 11
    assert lines[-1] == "290 more expectations matched no instance"


@pytest.mark.parametrize("text", ["a\n- forged", "a\x1b[31mb", "a\u202eb"])
def test_a_name_in_a_warning_is_in_one_line(text: str) -> None:
    (line,) = warned([make_instance(name=text)], [{"match": {"name": "A*"}, **CONNECTED[0]}])
    assert line.isprintable()


HOSTILE = ["a\n- forged", "a\r\nb", "a\x1b[31mb", "a\x9b31mb", "a\x85b", "a\u2028b", "a\u202eb", "\x00", 'a"b']


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "id", "paymentStatus", "deliveryCallbackUrl"])
def test_nothing_that_a_customer_chose_passes_for_the_messages_own_words(text: str, field: str) -> None:
    instance = make_instance(**{"whatsappConnected": False, field: text})
    expect = {"whatsapp_connected": True, "payment_status": "PAID?", "webhooks": {"delivery": "https://h"}}
    text = message(audit([instance], [{"name": "Loja\u202e", "expect": expect}]))
    assert len(text.splitlines()) == 5
    assert text.replace("\n", "").isprintable()


def test_a_diff_shows_before_and_after_of_each_drifted_instance_as_yaml() -> None:
    expect = {"whatsapp_connected": True, "days_left": 5, "webhooks": {"received": ["https://a", "https://b"], "delivery": None}}
    fleet = [
        make_instance(1, id="A", name="Pão", whatsappConnected=False, receivedCallbackUrl="https://a"),
        make_instance(2, id="B", receivedCallbackUrl="https://b"),
        make_instance(3, id="C", due=NOW, receivedCallbackUrl="", deliveryCallbackUrl="https://h/?k=secret"),
    ]
    declared = [{"expect": expect}, {"match": {"id": "gone"}, "expect": {"days_left": 1}}]
    first, second = diffs(audit(fleet, declared)["drift"])
    assert first["before_header"] == first["after_header"]
    assert "Pão" in first["before_header"]
    assert "A" in first["before_header"]
    assert yaml.safe_load(first["before"]) == {"whatsapp_connected": False}
    assert yaml.safe_load(first["after"]) == {"whatsapp_connected": True}
    assert yaml.safe_load(second["before"]) == {"days_left": 0, "webhooks.delivery": "https://h/?k=***", "webhooks.received": None}
    assert yaml.safe_load(second["after"]) == {
        "days_left": 5,
        "webhooks.delivery": None,
        "webhooks.received": ["https://a", "https://b"],
    }


def test_where_both_sides_look_alike_the_diff_says_why() -> None:
    fleet = [
        make_instance(1, callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"]),
        make_instance(2, receivedCallbackUrl="https://hooks.example.com/1?key=another", callbackTypeFilters=[]),
    ]
    declared = [
        {"expect": {"webhooks": {"received": "https://hooks.example.com/1"}}},
        {"match": {"name": "shop-2"}, "expect": {"webhooks": {"received": "https://hooks.example.com/1?key=one"}}},
    ]
    muted, alike = diffs(audit(fleet, declared)["drift"])
    assert "# muted" in muted["before"]
    assert "# the two differ in a masked part only" in alike["before"]
    for one in (muted, alike):
        assert yaml.safe_load(one["before"]) == yaml.safe_load(one["after"])
        assert one["before"] != one["after"]


def test_without_pyyaml_the_diff_is_yaml_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.zapi.zapi.plugins.module_utils._diff.HAS_YAML", False)
    (only,) = diffs(audit(disconnected(1), CONNECTED)["drift"])
    assert yaml.safe_load(only["before"]) == {"whatsapp_connected": False}
    assert yaml.safe_load(only["after"]) == {"whatsapp_connected": True}


def test_instances_that_share_a_name_have_a_diff_each() -> None:
    assert len(diffs(audit(disconnected(2, name="same"), CONNECTED)["drift"])) == 2


def test_unmanaged_and_missing_instances_have_no_diff() -> None:
    declared = [{"match": {"id": "gone"}, "expect": {"days_left": 1}}]
    assert diffs(audit([make_instance()], declared, unmanaged="drift")["drift"]) == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "id"])
def test_the_header_of_a_diff_is_one_printable_line(text: str, field: str) -> None:
    (only,) = diffs(audit([make_instance(**{"whatsappConnected": False, field: text})], CONNECTED)["drift"])
    assert only["before_header"].isprintable()


@given(st.text(st.characters(codec="utf-8")))
def test_any_value_survives_the_yaml_of_a_diff(text: str) -> None:
    instance = make_instance(paymentStatus=text)
    rows = audit([instance], [{"expect": {"payment_status": "another"}}])["drift"]
    for only in diffs(rows):
        assert yaml.safe_load(only["before"]) == {"payment_status": text or None}


def why(status: str, text: t.Optional[str]) -> dict[str, t.Optional[str]]:
    return {"error": text if status == "failed" else None, "note": None if status == "failed" else text}


def convergence(*statuses: tuple[str, t.Optional[str]]) -> dict[str, t.Any]:
    """The result of a convergence with one row for each status and error, each of an instance of its own."""
    changes = [
        {"id": f"A{number}", "name": "shop", "attribute": "webhooks.received", "status": status, **why(status, text)}
        for number, (status, text) in enumerate(statuses)
    ]
    counts = {status: sum(row["status"] == status for row in changes) for status in ("changed", "failed", "not_tried")}
    return {"changes": changes, "remaining": [], "summary": {"managed": 20, "to_change": len(changes), **counts}}


@pytest.mark.parametrize(
    ("statuses", "problem", "words"),
    [
        ([], None, ["0 of 20 managed instances have to be changed"]),
        ([("planned", None)], None, ["1 of 20 managed instances would be changed", "by attribute: webhooks.received 1"]),
        ([("changed", None)], None, ["1 of 20 managed instances changed", "by attribute: webhooks.received 1"]),
        (
            [("planned", None)] * 2,
            "nothing was set: too many",
            ["2 of 20 managed instances would be changed", "nothing was set: too many", "by attribute: webhooks.received 2"],
        ),
        (
            [("changed", None), ("failed", "it broke")],
            None,
            [
                "1 of 20 managed instances changed, 1 failed",
                "by attribute: webhooks.received 1",
                '- "shop" (A1): webhooks.received: it broke',
            ],
        ),
        (
            # Calls were made: it must not read like a plan.
            [("not_tried", None)] * 2,
            "10 instances failed in a row",
            ["0 of 20 managed instances changed, 2 not tried", "10 instances failed in a row"],
        ),
        (
            [("changed", None), ("not_tried", "a call before it failed")],
            None,
            [
                "1 of 20 managed instances changed, 1 not tried",
                "by attribute: webhooks.received 1",
                '- "shop" (A1): webhooks.received: a call before it failed',
            ],
        ),
    ],
)
def test_a_convergence_in_words(statuses: list[t.Any], problem: t.Optional[str], words: list[str]) -> None:
    assert converged(convergence(*statuses), problem).splitlines() == words


def test_of_many_failures_the_first_ten_are_told() -> None:
    said = converged(convergence(*[("failed", "it broke\nhere")] * 12), None).splitlines()
    assert sum(line.startswith("- ") for line in said) == 10
    assert said[-1] == "and 2 more: all rows are in the result as changes, and -v shows it"


# What is declared


@pytest.mark.parametrize(
    ("items", "attributes", "named", "words"),
    [
        (
            7,
            ["webhooks", "webhook_hosts"],
            4,
            "7 expectations without a mistake: they declare webhooks, webhook_hosts; 4 instances are named",
        ),
        (1, ["days_left"], 1, "1 expectation without a mistake: it declares days_left; 1 instance is named"),
        (1, ["days_left"], 0, "1 expectation without a mistake: it declares days_left; no instances are named"),
        (2, [], 2, "2 expectations without a mistake: nothing is declared, only ignored; 2 instances are named"),
    ],
)
def test_what_is_declared_is_one_line(items: int, attributes: list[str], named: int, words: str) -> None:
    assert summary({"expectations": items, "attributes": attributes, "instances_named": named}) == words
