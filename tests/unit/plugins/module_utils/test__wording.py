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
from ansible_collections.zapi.zapi.plugins.module_utils._wording import describe, failure_message
from ansible_collections.zapi.zapi.tests.unit.support import make_instance

NOW = 1_790_000_000_000
CONNECTED = [{"expect": {"whatsapp_connected": True}}]


def audit(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> dict[str, t.Any]:
    running = Audit(Expectations(declared), NOW, **options)
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
        ({"whatsappConnected": None}, {"whatsapp_connected": True}, "whatsapp_connected is null, expected true"),
        ({"paymentStatus": "OPEN"}, {"payment_status": ["PAID", "TRIAL"]}, 'payment_status is "OPEN", expected "PAID" or "TRIAL"'),
        ({"due": NOW}, {"days_left": 5}, "days_left is 0, expected at least 5"),
        (
            {"deliveryCallbackUrl": "https://old/?k=secret"},
            {"webhooks": {"delivery": None}},
            'webhooks.delivery is "https://old/?k=***", expected null',
        ),
    ],
)
def test_a_mismatch_is_one_line(fields: dict[str, t.Any], expect: dict[str, t.Any], words: str) -> None:
    assert described(make_instance(1, id="A", **fields), expect) == f'"shop-1" (A): {words} (expectation 1)'


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


def test_the_message_says_how_many_of_how_many() -> None:
    declared = [
        {"match": {"name": "shop-[123]"}, "expect": {"whatsapp_connected": True}},
        {"match": {"id": "gone"}, "expect": {"days_left": 1}},
    ]
    fleet = [*disconnected(2), make_instance(3), make_instance(4), make_instance(5)]
    first, *lines = failure_message(audit(fleet, declared, unmanaged="drift")).splitlines()
    assert "2 of 3 managed instances" in first
    assert "1 missing" in first
    assert "2 unmanaged" in first
    assert "25.0 %" in first
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("count", "shown", "more"), [(1, 1, None), (10, 10, None), (11, 10, "and 1 more"), (250, 10, "and 240 more")]
)
def test_the_message_names_the_first_ten_rows_and_how_many_more_there_are(count: int, shown: int, more: str | None) -> None:
    _first, *lines = failure_message(audit(disconnected(count), CONNECTED)).splitlines()
    assert [line for line in lines if line.startswith("- ")] == lines[:shown]
    assert lines[0].startswith('- "shop-1" ')
    if more:
        assert lines[shown].startswith(more)
        assert len(lines) == shown + 1
    else:
        assert len(lines) == shown


HOSTILE = ["a\n- forged", "a\r\nb", "a\x1b[31mb", "a\x9b31mb", "a\x85b", "a\u2028b", "a\u202eb", "\x00", 'a"b']


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "id", "paymentStatus", "deliveryCallbackUrl"])
def test_nothing_that_a_customer_chose_passes_for_the_messages_own_words(text: str, field: str) -> None:
    instance = make_instance(**{"whatsappConnected": False, field: text})
    expect = {"whatsapp_connected": True, "payment_status": "PAID?", "webhooks": {"delivery": "https://h"}}
    message = failure_message(audit([instance], [{"expect": expect}]))
    assert len(message.splitlines()) == 4
    assert message.replace("\n", "").isprintable()


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
