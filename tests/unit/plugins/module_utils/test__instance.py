# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Every form in which a field was ever seen becomes the one form that users get, and no token comes along."""

from __future__ import annotations

import datetime as dt
import json
import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._attributes import ATTRIBUTES, GROUPS, WEBHOOK_EVENTS
from ansible_collections.zapi.zapi.tests.unit.support import INSTANCE_TOKEN, from_row, make_instance, make_row

MISSING = object()
KEYS = {
    "id",
    "name",
    "middleware",
    "tenant",
    "payment_status",
    "created",
    "due",
    "due_timestamp",
    "phone_connected",
    "whatsapp_connected",
    "webhooks",
    "settings",
    "unknown",
}
SETTINGS = [name.partition(".")[2] for name in GROUPS["settings"]]


def instance_with(field: str, value: t.Any) -> t.Any:
    """The instance of a row whose field has this value, or is missing."""
    row = make_row(**{field: value})
    if value is MISSING:
        del row[field]
    instance = from_row(row)
    assert instance is not None
    return instance


def test_the_documented_row_becomes_the_promised_instance() -> None:
    row = {
        "token": "hocuspocus",
        "tenant": "acme",
        "created": "2025-02-03T14:00:00.000Z",
        "due": 1648565999675,
        "paymentStatus": "TRIAL",
        "deliveryCallbackUrl": "https://hooks.example.com/d",
        "receivedCallbackUrl": "https://hooks.example.com/r",
        "disconnectedCallbackUrl": "https://hooks.example.com/x",
        "messageStatusCallbackUrl": "https://hooks.example.com/m",
        "receivedAndDeliveryCallbackUrl": "https://hooks.example.com/rd",
        "presenceChatCallbackUrl": "https://hooks.example.com/p",
        "connectedCallbackUrl": "https://hooks.example.com/c",
        "receivedStatusCallbackUrl": "https://hooks.example.com/s",
        "phoneConnected": False,
        "whatsappConnected": True,
        "middleware": "web",
        "name": "Padaria Central",
        "id": "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F",
    }
    assert from_row(row) == {
        "id": "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F",
        "name": "Padaria Central",
        "middleware": "web",
        "tenant": "acme",
        "payment_status": "TRIAL",
        "created": "2025-02-03T14:00:00Z",
        "due": "2022-03-29T14:59:59Z",
        "due_timestamp": 1648565999675,
        "phone_connected": False,
        "whatsapp_connected": True,
        "webhooks": {
            "received": "https://hooks.example.com/r",
            "received_and_delivery": "https://hooks.example.com/rd",
            "delivery": "https://hooks.example.com/d",
            "message_status": "https://hooks.example.com/m",
            "presence_chat": "https://hooks.example.com/p",
            "connected": "https://hooks.example.com/c",
            "disconnected": "https://hooks.example.com/x",
            "received_status": "https://hooks.example.com/s",
        },
        "settings": dict.fromkeys(SETTINGS),
        "unknown": sorted(GROUPS["settings"]),
    }


def test_the_documentations_empty_row_has_no_id_and_is_no_instance() -> None:
    assert from_row({"token": "", "name": "", "id": ""}) is None


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"name": "shop-1"}])
def test_a_row_without_id_is_no_instance(row: dict[str, t.Any]) -> None:
    assert from_row(row) is None


def test_a_row_of_nothing_but_an_id_has_all_keys() -> None:
    instance = from_row({"id": "A"})
    assert instance == {
        **dict.fromkeys(KEYS),
        "id": "A",
        "name": "",
        "webhooks": dict.fromkeys(WEBHOOK_EVENTS),
        "settings": dict.fromkeys(SETTINGS),
        "unknown": sorted(attribute.name for attribute in ATTRIBUTES if attribute.fields),
    }


# Text


@pytest.mark.parametrize(
    "identity", ["3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F", "0b0f6b1e-7d4e-4a7e-9d6e-0d3c5d1f2a3b", "a b", "{{ id }}", "a/b?c#d"]
)
def test_the_id_is_any_text_unchanged(identity: str) -> None:
    assert instance_with("id", identity)["id"] == identity


@pytest.mark.parametrize(
    "name",
    [
        "Padaria São João",
        "{{ lookup('pipe', 'id') }}",
        "{% raw %}",
        "line\nbreak",
        "\x1b[31mred",
        "😀",
        "\u202eevil",
        "   ",
        "all",
        "null",
        "'; DROP TABLE",
        "../../etc/passwd",
        "x" * 10_000,
    ],
)
def test_the_name_is_any_text_unchanged(name: str) -> None:
    assert instance_with("name", name)["name"] == name


@pytest.mark.parametrize("name", ["", None, MISSING])
def test_no_name_is_an_empty_one(name: t.Any) -> None:
    assert instance_with("name", name)["name"] == ""


@pytest.mark.parametrize("name", [5, 1.5, True, ["a"], {"a": "b"}])
def test_a_name_that_is_no_text_becomes_one(name: t.Any) -> None:
    assert json.loads(instance_with("name", name)["name"]) == name


@pytest.mark.parametrize(
    ("field", "key"), [("middleware", "middleware"), ("tenant", "tenant"), ("paymentStatus", "payment_status")]
)
@pytest.mark.parametrize(("value", "becomes"), [("", None), (None, None), (MISSING, None), ("paid", "paid"), ("PAID", "PAID")])
def test_empty_and_missing_texts_are_null_and_others_stay(field: str, key: str, value: t.Any, becomes: t.Any) -> None:
    assert instance_with(field, value)[key] == becomes


# Dates


@pytest.mark.parametrize(
    ("raw", "due", "timestamp"),
    [
        (1648565999675, "2022-03-29T14:59:59Z", 1648565999675),
        ("1648565999675", "2022-03-29T14:59:59Z", 1648565999675),
        (" 1648565999675 ", "2022-03-29T14:59:59Z", 1648565999675),
        (1648565999675.0, "2022-03-29T14:59:59Z", 1648565999675),
        (0, "1970-01-01T00:00:00Z", 0),
        ("0", "1970-01-01T00:00:00Z", 0),
        (-1, "1969-12-31T23:59:59Z", -1),
        ("-1000", "1969-12-31T23:59:59Z", -1000),
        (-62135596800000, "0001-01-01T00:00:00Z", -62135596800000),
        (253402300799999, "9999-12-31T23:59:59Z", 253402300799999),
        ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31T23:59:59.675Z", "2026-12-31T23:59:59Z", 1798761599675),
        ("2026-12-31T23:59:59.6Z", "2026-12-31T23:59:59Z", 1798761599600),
        ("2026-12-31T23:59:59.675999999Z", "2026-12-31T23:59:59Z", 1798761599675),
        ("2026-12-31T23:59:59,675Z", "2026-12-31T23:59:59Z", 1798761599675),
        ("2026-12-31t23:59:59z", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31 23:59:59", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31T23:59:59", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31T23:59", "2026-12-31T23:59:00Z", 1798761540000),
        ("2026-12-31", "2026-12-31T00:00:00Z", 1798675200000),
        ("2026-12-31T20:59:59-03:00", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31T20:59:59-0300", "2026-12-31T23:59:59Z", 1798761599000),
        ("2026-12-31T20:59:59-03", "2026-12-31T23:59:59Z", 1798761599000),
        ("2027-01-01T05:29:59+05:30", "2026-12-31T23:59:59Z", 1798761599000),
        ("1969-12-31T23:59:59.500Z", "1969-12-31T23:59:59Z", -500),
        ("2024-02-29", "2024-02-29T00:00:00Z", 1709164800000),
    ],
)
def test_every_form_of_a_date_becomes_iso_8601_in_utc(raw: t.Any, due: str, timestamp: int) -> None:
    instance = instance_with("due", raw)
    assert (instance["due"], instance["due_timestamp"]) == (due, timestamp)
    assert instance_with("created", raw)["created"] == due


@pytest.mark.parametrize(
    "raw",
    [
        "",
        None,
        MISSING,
        "soon",
        "never",
        True,
        False,
        [],
        [1648565999675],
        {},
        math.nan,
        math.inf,
        -math.inf,
        "2026-02-30",
        "2026-13-01",
        "2023-02-29T00:00:00Z",
        "2026-12-31T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01",
        "31/12/2026",
        "٢٠٢٦-١٢-٣١",
        "١٦٤٨",
        "1_648_565_999_675",
        "1e12",
        "0x10",
        "9" * 5_000,
        "2026-12-31T23:59:59Z; DROP TABLE",
    ],
)
def test_what_names_no_date_is_null(raw: t.Any) -> None:
    instance = instance_with("due", raw)
    assert (instance["due"], instance["due_timestamp"]) == (None, None)
    assert instance_with("created", raw)["created"] is None


@pytest.mark.parametrize("raw", [253402300800000, 10**18, 10**30, -62135596800001, -(10**18), 10**400])
@pytest.mark.parametrize("form", [int, str])
def test_a_date_beyond_every_calendar_is_null_and_its_timestamp_stays(raw: int, form: t.Callable[[int], t.Any]) -> None:
    instance = instance_with("due", form(raw))
    assert instance["due"] is None
    assert instance["due_timestamp"] == raw
    assert instance_with("created", form(raw))["created"] is None


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_iso_8601_means_the_same_moment_in_every_time_zone(moment: dt.datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=dt.timezone(dt.timedelta(minutes=minutes)))
    assert instance_with("due", moment.isoformat())["due_timestamp"] == int(moment.timestamp()) * 1000


# Connection states


@pytest.mark.parametrize(("field", "key"), [("phoneConnected", "phone_connected"), ("whatsappConnected", "whatsapp_connected")])
@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        ("TRUE", True),
        (1, True),
        (0, False),
        (None, None),
        (MISSING, None),
        ("", None),
        ("maybe", None),
        (2, None),
        ([], None),
        ({}, None),
        (math.nan, None),
    ],
)
def test_a_connection_state_is_true_false_or_unknown(field: str, key: str, value: t.Any, becomes: bool | None) -> None:
    assert instance_with(field, value)[key] is becomes


# Webhooks


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("receivedCallbackUrl", "received"),
        ("receivedAndDeliveryCallbackUrl", "received_and_delivery"),
        ("deliveryCallbackUrl", "delivery"),
        ("messageStatusCallbackUrl", "message_status"),
        ("presenceChatCallbackUrl", "presence_chat"),
        ("connectedCallbackUrl", "connected"),
        ("disconnectedCallbackUrl", "disconnected"),
        ("receivedStatusCallbackUrl", "received_status"),
        ("initialDataCallbackUrl", "initial_data"),
        ("historySyncCallbackUrl", "history_sync"),
    ],
)
@pytest.mark.parametrize(("value", "becomes"), [("https://h/x", "https://h/x"), ("", None), (None, None)])
def test_a_callback_url_is_the_webhook_of_its_event(field: str, event: str, value: t.Any, becomes: str | None) -> None:
    instance = make_instance(**{field: value})
    assert instance["webhooks"][event] == becomes
    assert set(instance) == KEYS


def test_all_eight_webhooks_are_always_there() -> None:
    instance = from_row({"id": "A"})
    assert instance is not None
    assert list(instance["webhooks"]) == list(WEBHOOK_EVENTS)
    assert len(WEBHOOK_EVENTS) == 8


# Other fields


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("sessionName", "session_name"),
        ("autoReadSomething", "auto_read_something"),
        ("plain", "plain"),
        ("already_snake", "already_snake"),
        ("with-dash", "with_dash"),
        ("with space", "with_space"),
    ],
)
@pytest.mark.parametrize("value", ["text", "", None, 5, True, [1, {"camelCase": None}], {"camelCase": "x"}])
def test_fields_that_nobody_knows_yet_come_under_their_snake_case_name_unchanged(field: str, key: str, value: t.Any) -> None:
    assert make_instance(**{field: value})[key] == value


@pytest.mark.parametrize("field", ["payment_status", "due_timestamp", "webhooks", "whatsapp_connected", "settings", "unknown"])
def test_an_unknown_field_replaces_none_that_users_rely_on(field: str) -> None:
    assert make_instance(**{field: "nonsense"}) == make_instance()


# Tokens


@pytest.mark.parametrize(
    "field",
    ["token", "instanceToken", "clientToken", "TOKEN", "accessTokenCallbackUrl", "x-token", "tokens", "my_token_2", "toKen"],
)
@pytest.mark.parametrize("value", [INSTANCE_TOKEN, [INSTANCE_TOKEN], {"value": INSTANCE_TOKEN}])
def test_no_field_named_like_a_token_comes_out(field: str, value: t.Any) -> None:
    assert INSTANCE_TOKEN not in json.dumps(make_instance(**{field: value}))


@pytest.mark.parametrize(
    "field", ["preferences", "callRejectMessage", "name", "tenant", "paymentStatus", "receivedCallbackUrl", "middleware"]
)
@pytest.mark.parametrize(
    "value",
    [
        {"token": INSTANCE_TOKEN, "kept": 1},
        {"kept": 1, "deep": [{"instanceToken": INSTANCE_TOKEN}, [[{"Token": {"a": INSTANCE_TOKEN}}]]]},
        [{"kept": 1, "TOKEN": INSTANCE_TOKEN}],
    ],
)
def test_nor_one_that_lies_deeper(field: str, value: t.Any) -> None:
    written = json.dumps(make_instance(**{field: value}))
    assert INSTANCE_TOKEN not in written
    assert "kept" in written


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        ({"token": "a"}, "a"),
        ({"token": "a", "instanceToken": "b"}, "a"),
        ({"token": "", "instanceToken": "b"}, "b"),
        ({"token": None, "instanceToken": "b"}, "b"),
        ({"instanceToken": "b"}, "b"),
        ({"token": "", "instanceToken": ""}, None),
        ({}, None),
    ],
)
def test_the_credential_comes_as_token_if_asked_for_and_no_other_with_it(fields: dict[str, t.Any], token: str | None) -> None:
    instance = from_row({"id": "A", "otherToken": INSTANCE_TOKEN, **fields}, include_token=True)
    assert instance is not None
    assert instance["token"] == token
    assert "instance_token" not in instance
    assert INSTANCE_TOKEN not in json.dumps(instance)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=12), children, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [*make_row(), "instanceToken", "due_timestamp", "webhooks", "CallbackUrl", "xCallbackUrl", "", "é", "1"]
) | st.text(max_size=12)


@given(st.dictionaries(fields, json_values), st.booleans())
def test_any_row_becomes_an_instance_of_the_promised_types_or_none(row: dict[str, t.Any], include_token: bool) -> None:
    instance = from_row(row, include_token)
    if instance is None:
        assert row.get("id") in (None, "", True, False) or isinstance(row["id"], (dict, list, float))
        return
    assert set(instance) >= KEYS
    assert ("token" in instance) == include_token
    assert isinstance(instance["id"], str)
    assert instance["id"]
    assert isinstance(instance["name"], str)
    for key in ("middleware", "tenant", "payment_status", "created", "due"):
        assert instance[key] is None or isinstance(instance[key], str)
        assert instance[key] != ""
    for key in ("phone_connected", "whatsapp_connected"):
        assert instance[key] in (True, False, None)
        assert not isinstance(instance[key], int) or isinstance(instance[key], bool)
    assert instance["due_timestamp"] is None or (
        isinstance(instance["due_timestamp"], int) and not isinstance(instance["due_timestamp"], bool)
    )
    assert all(url is None or (isinstance(url, str) and url) for url in instance["webhooks"].values())
    assert set(WEBHOOK_EVENTS) <= set(instance["webhooks"])
    assert all("token" not in key.lower() for key in instance if key != "token")
