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

from ansible_collections.zapi.zapi.plugins.module_utils import _instance
from ansible_collections.zapi.zapi.plugins.module_utils._attributes import ATTRIBUTES, GROUPS, WEBHOOK_EVENTS
from ansible_collections.zapi.zapi.tests.unit.support import INSTANCE_TOKEN, TOLD_SETTINGS, from_row, make_instance, make_row

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


# Settings

DEFAULTS: dict[str, t.Any] = {"receiveCallbackSentByMe": False, **TOLD_SETTINGS}


def test_the_settings_have_names_that_cannot_be_misread() -> None:
    instance = make_instance(
        receiveCallbackSentByMe=True,
        autoReadMessage=False,
        autoReadStatus=True,
        callRejectAuto=False,
        callRejectMessage="Não atendemos ligações",
        callbackTypeFilters=["FILTER_RECEIVED_CALLBACK", "FILTER_DELIVERY_CALLBACK"],
        messageFilters=["FILTER_TEXT_MESSAGE", "FILTER_FROM_GROUP"],
    )
    assert instance["settings"] == {
        "notify_sent_by_me": True,
        "auto_read_message": False,
        "auto_read_status": True,
        "call_reject_auto": False,
        "call_reject_message": "Não atendemos ligações",
        "muted_webhooks": ["delivery", "received"],
        "muted_messages": ["group", "text"],
    }
    assert instance["unknown"] == []
    assert set(instance) == KEYS


def test_all_seven_settings_are_always_there() -> None:
    for fields in ({}, {"autoReadMessage": True}, DEFAULTS):
        assert sorted(make_instance(**fields)["settings"]) == sorted(SETTINGS)
    assert len(SETTINGS) == 7


@pytest.mark.parametrize("field", DEFAULTS)
def test_a_setting_that_is_not_told_is_null_and_unknown(field: str) -> None:
    told = {name: value for name, value in DEFAULTS.items() if name != field}
    everything, without = make_instance(**DEFAULTS), make_instance(**told)
    (unknown,) = without["unknown"]
    assert everything["unknown"] == []
    assert unknown in GROUPS["settings"]
    part = unknown.partition(".")[2]
    assert without["settings"] == {**everything["settings"], part: None}


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ("receiveCallbackSentByMe", "notify_sent_by_me"),
        ("notifySentByMe", "notify_sent_by_me"),
        ("autoReadMessage", "auto_read_message"),
        ("autoReadStatus", "auto_read_status"),
        ("callRejectAuto", "call_reject_auto"),
    ],
)
@pytest.mark.parametrize(
    ("value", "becomes"),
    [(True, True), (False, False), ("true", True), ("FALSE", False), (1, True), (0, False)]
    + [(odd, None) for odd in (None, "", "maybe", 2, [], {}, [True], {"value": True})],
)
def test_a_switch_is_true_false_or_null(field: str, part: str, value: t.Any, becomes: bool | None) -> None:
    instance = make_instance(**{field: value})
    assert instance["settings"][part] is becomes
    assert f"settings.{part}" not in instance["unknown"]


@pytest.mark.parametrize(
    ("value", "becomes"),
    [("Ligue depois", "Ligue depois"), ("", None), (None, None), (" ", " "), (5, "5"), (True, "true"), ("{{ x }}", "{{ x }}")],
)
def test_what_a_caller_is_told_is_text_or_null(value: t.Any, becomes: str | None) -> None:
    instance = make_instance(callRejectMessage=value)
    assert instance["settings"]["call_reject_message"] == becomes
    assert "settings.call_reject_message" not in instance["unknown"]


@pytest.mark.parametrize(
    ("field", "part", "raw", "names"),
    [
        ("callbackTypeFilters", "muted_webhooks", raw, names)
        for raw, names in [
            ([], []),
            (["FILTER_RECEIVED_CALLBACK"], ["received"]),
            (["FILTER_DELIVERY_CALLBACK"], ["delivery"]),
            (["FILTER_CONNECTED_CALLBACK"], ["connected"]),
            (["FILTER_DISCONNECTED_CALLBACK"], ["disconnected"]),
            (["FILTER_PRESENCE_CHAT_CALLBACK"], ["presence_chat"]),
            (["FILTER_MESSAGE_STATUS_CALLBACK"], ["message_status"]),
            (["filter_received_callback", "Filter_Message_Status_Callback"], ["message_status", "received"]),
            (["FILTER_RECEIVED_STATUS_CALLBACK"], ["received_status"]),
            (["RECEIVED", "FILTER_RECEIVED_CALLBACK", "FILTER_RECEIVED_CALLBACK"], ["received"]),
        ]
    ]
    + [
        ("messageFilters", "muted_messages", raw, names)
        for raw, names in [
            ([], []),
            (["FILTER_FROM_GROUP"], ["group"]),
            (["FILTER_FROM_PRIVATE_CHAT"], ["private_chat"]),
            (["FILTER_TEXT_MESSAGE"], ["text"]),
            (["FILTER_VIDEO_MESSAGE", "FILTER_IMAGE_MESSAGE", "FILTER_AUDIO_MESSAGE"], ["audio", "image", "video"]),
            (["FILTER_DOCUMENT_MESSAGE"], ["document"]),
            (["FILTER_STICKER_MESSAGE"], ["sticker"]),
            (["FILTER_FROM_NEWSLETTER"], ["newsletter"]),
            (["FROM_NEWSLETTER", "from_group"], ["group", "newsletter"]),
            (["FILTER_SOMETHING_NEW"], ["something_new"]),
            (["SOMETHING_NEW"], ["something_new"]),
            ([5, None, "", True], ["5", "true"]),
        ]
    ],
)
def test_what_is_muted_goes_by_our_names_sorted_each_once(field: str, part: str, raw: t.Any, names: list[str]) -> None:
    instance = make_instance(**{field: raw})
    assert instance["settings"][part] == names
    assert f"settings.{part}" not in instance["unknown"]


@pytest.mark.parametrize(("field", "part"), [("callbackTypeFilters", "muted_webhooks"), ("messageFilters", "muted_messages")])
@pytest.mark.parametrize("raw", [None, "", "FILTER_RECEIVED_CALLBACK", 5, True, {}, {"FILTER_TEXT_MESSAGE": True}])
def test_what_is_no_list_is_not_taken_for_an_empty_one(field: str, part: str, raw: t.Any) -> None:
    instance = make_instance(**{**DEFAULTS, field: raw})
    assert instance["settings"][part] is None
    assert instance["unknown"] == [f"settings.{part}"]


@pytest.mark.parametrize("fields", [{"receiveCallbackSentByMe": True, "notifySentByMe": False}])
@pytest.mark.parametrize("order", [1, -1])
def test_of_two_names_for_one_setting_the_apis_own_counts(fields: dict[str, bool], order: int) -> None:
    instance = make_instance(**dict(list(fields.items())[::order]))
    assert instance["settings"]["notify_sent_by_me"] is True
    assert "notify_sent_by_me" not in instance
    assert "receive_callback_sent_by_me" not in instance


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("whatsappConnected", "whatsapp_connected"),
        ("phoneConnected", "phone_connected"),
        ("middleware", "middleware"),
        ("paymentStatus", "payment_status"),
        ("due", "days_left"),
        ("receivedCallbackUrl", "webhooks.received"),
        ("receivedAndDeliveryCallbackUrl", "webhooks.received_and_delivery"),
        ("receivedStatusCallbackUrl", "webhooks.received_status"),
    ],
)
@pytest.mark.parametrize(("value", "unknown"), [(MISSING, True), (None, False), ("", False)])
def test_unknown_is_what_the_answer_did_not_hold_by_the_names_of_drift(field: str, name: str, value: t.Any, unknown: bool) -> None:
    row = make_row(**DEFAULTS)
    row[field] = value
    if value is MISSING:
        del row[field]
    instance = from_row(row)
    assert instance["unknown"] == ([name] if unknown else [])


def test_unknown_is_sorted() -> None:
    unknown = from_row({"id": "A", "messageFilters": None, "callbackTypeFilters": 5})["unknown"]
    assert unknown == sorted(unknown)
    assert {"settings.muted_messages", "settings.muted_webhooks"} < set(unknown)


def test_no_instance_shares_its_settings_or_what_is_unknown_of_it_with_another() -> None:
    first, second = _instance.comparable({"id": "A"}), _instance.comparable({"id": "B"})
    assert first is not None
    assert second is not None
    first["settings"]["muted_webhooks"] = ["received"]
    first["unknown"].clear()
    assert second["settings"]["muted_webhooks"] is None
    assert second["unknown"]


# Settings that the instance itself tells


def told_by_itself(row: dict[str, t.Any], answer: dict[str, t.Any]) -> t.Any:
    instance = _instance.from_row(row)
    assert instance is not None
    _instance.add_settings(instance, answer)
    return instance


def test_an_instances_own_answer_adds_what_its_row_did_not_tell() -> None:
    instance = told_by_itself(
        make_row(autoReadMessage=True),
        {**DEFAULTS, "autoReadMessage": False, "notifySentByMe": True, "callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]},
    )
    assert instance["settings"] == {
        "notify_sent_by_me": False,
        "auto_read_message": True,
        "auto_read_status": False,
        "call_reject_auto": False,
        "call_reject_message": None,
        "muted_webhooks": ["received"],
        "muted_messages": [],
    }
    assert instance["unknown"] == []


def test_what_the_instance_does_not_tell_either_stays_unknown() -> None:
    instance = told_by_itself(make_row(), {"autoReadMessage": False, "callbackTypeFilters": None})
    assert instance["unknown"] == sorted(set(GROUPS["settings"]) - {"settings.auto_read_message"})
    assert instance["settings"]["muted_webhooks"] is None


@pytest.mark.parametrize("answer", [{}, {"id": 5}, {"id": None}, {"id": "other", "name": "other"}])
def test_an_answer_adds_nothing_but_settings(answer: dict[str, t.Any]) -> None:
    row = make_row()
    del row["receivedCallbackUrl"]
    before = _instance.from_row(row)
    more = {"receivedCallbackUrl": "https://evil.net", "whatsappConnected": False, "paymentStatus": "x", "sessionName": "x"}
    assert told_by_itself(row, {**answer, **more}) == before


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


@pytest.mark.parametrize(
    "message", ["{}", "Ligue {} agora", "https://h/?k={}", "\u2028{}", "%68ocuspocus1", "HOCUSPOCUS1", "hocus\npocus1"]
)
def test_a_token_in_a_setting_never_comes_out_wherever_the_setting_came_from(message: str) -> None:
    message = message.format("hocuspocus1")
    in_row = make_instance(callRejectMessage=message)
    muted = make_instance(messageFilters=[f"FILTER_{message}"])
    added = _instance.show(told_by_itself(make_row(), {"callRejectMessage": message}))
    for shown in (in_row, muted, added):
        assert "pocus1" not in json.dumps(shown).lower()
        assert "***" in json.dumps(shown["settings"])


def test_nor_does_another_token_that_the_instance_itself_names() -> None:
    answer = {"token": "abracadabra", "instanceToken": "SimSalabim", "callRejectMessage": "abracadabra, SimSalabim!"}
    assert _instance.show(told_by_itself(make_row(), answer))["settings"]["call_reject_message"] == "***, ***!"


def test_settings_are_real_until_they_are_shown_and_with_the_token() -> None:
    assert _instance.from_row(make_row(callRejectMessage="hocuspocus1"))["settings"]["call_reject_message"] == "hocuspocus1"  # type: ignore[index]
    shown = from_row(make_row(callRejectMessage="Ligue"), include_token=True)
    assert (shown["token"], shown["settings"]["call_reject_message"]) == ("hocuspocus1", "Ligue")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=12), children, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        *make_row(),
        *DEFAULTS,
        "notifySentByMe",
        "instanceToken",
        "due_timestamp",
        "webhooks",
        "CallbackUrl",
        "xCallbackUrl",
        "",
        "é",
        "1",
    ]
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
    assert list(instance["settings"]) == SETTINGS
    for part in ("muted_webhooks", "muted_messages"):
        muted = instance["settings"][part]
        assert (muted is None) == (f"settings.{part}" in instance["unknown"])
        assert muted is None or (muted == sorted(set(muted)) and all(isinstance(name, str) and name for name in muted))
    assert set(instance["unknown"]) <= {attribute.name for attribute in ATTRIBUTES}
    assert all("token" not in key.lower() for key in instance if key != "token")
