# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How an object of the API becomes an instance, with its credential and its secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import (
    KEYS,
    is_unknown,
    problem_of,
    record_from_calls,
    record_from_object,
    with_phone_number,
    with_settings,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Credential

DOCUMENTED = {
    "token": "hocuspocus",
    "tenant": "acme",
    "created": "2025-02-03T14:00:00Z",
    "due": 1798761599000,
    "paymentStatus": "PAID",
    "deliveryCallbackUrl": "",
    "receivedCallbackUrl": "https://hooks.example.com/1",
    "disconnectedCallbackUrl": None,
    "messageStatusCallbackUrl": "",
    "receivedAndDeliveryCallbackUrl": "",
    "presenceChatCallbackUrl": "",
    "connectedCallbackUrl": "",
    "receivedStatusCallbackUrl": "",
    "phoneConnected": False,
    "whatsappConnected": True,
    "middleware": "web",
    "name": "Padaria Central",
    "id": "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F",
}
EVENTS = [
    "received",
    "received_and_delivery",
    "delivery",
    "message_status",
    "presence_chat",
    "connected",
    "disconnected",
    "received_status",
]
SETTINGS = ["notify_sent_by_me", "auto_read_message", "auto_read_status", "call_reject_auto", "call_reject_message"]
SETTINGS += ["muted_webhooks", "muted_messages"]


def instance(**fields):
    record = record_from_object({"id": "A1", **fields})
    assert record is not None
    return record.instance


def test_the_documented_object():
    record = record_from_object(DOCUMENTED)
    assert record is not None
    assert record.instance == {
        "id": "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F",
        "name": "Padaria Central",
        "middleware": "web",
        "tenant": "acme",
        "payment_status": "PAID",
        "created": "2025-02-03T14:00:00Z",
        "due": "2026-12-31T23:59:59Z",
        "due_timestamp": 1798761599000,
        "phone_connected": False,
        "whatsapp_connected": True,
        "webhooks": {**dict.fromkeys(EVENTS), "received": "https://hooks.example.com/1"},
        "settings": dict.fromkeys(SETTINGS),
        "unknown": sorted(f"settings.{name}" for name in SETTINGS),
        "problem": None,
        "extra": {},
    }
    assert record.credential == Credential("3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F", "hocuspocus")
    assert record.secrets == ("hocuspocus",)


def test_an_object_with_nothing_but_an_id_has_every_key():
    found = instance()
    assert list(found) == list(KEYS)
    assert found["name"] == ""
    assert list(found["webhooks"]) == EVENTS
    assert list(found["settings"]) == SETTINGS
    assert is_unknown(found, "webhooks.received")
    assert is_unknown(found, "phone_number")


@pytest.mark.parametrize("identity", [None, "", True, 1.5, [], {}])
def test_an_object_without_an_id_is_none(identity):
    assert record_from_object({"id": identity}) is None


@pytest.mark.parametrize(("value", "name"), [(None, ""), ("", ""), (" x\n", " x\n"), (7, "7"), ({"a": 1}, '{"a": 1}')])
def test_names(value, name):
    assert instance(name=value)["name"] == name


@pytest.mark.parametrize(
    ("value", "state"), [(True, True), ("false", False), (0, False), (None, None), ("maybe", None), ([], None)]
)
def test_booleans(value, state):
    found = instance(whatsappConnected=value, autoReadMessage=value)
    assert found["whatsapp_connected"] is state
    assert found["settings"]["auto_read_message"] is state


def test_null_is_known_for_a_boolean_and_unknown_for_a_list():
    found = instance(whatsappConnected=None, autoReadMessage=None, callbackTypeFilters=None, messageFilters="x")
    assert not is_unknown(found, "whatsapp_connected")
    assert not is_unknown(found, "settings.auto_read_message")
    assert is_unknown(found, "settings.muted_webhooks")
    assert is_unknown(found, "settings.muted_messages")


def test_any_callback_url_is_a_webhook():
    found = instance(historySyncCallbackUrl="https://hooks.example.com/h", presenceChatCallbackUrl="")
    assert found["webhooks"]["history_sync"] == "https://hooks.example.com/h"
    assert found["webhooks"]["presence_chat"] is None


@pytest.mark.parametrize("field", ["receiveCallbackSentByMe", "notifySentByMe"])
def test_a_setting_has_two_names(field):
    assert instance(**{field: True})["settings"]["notify_sent_by_me"] is True


def test_the_first_of_two_names_counts():
    assert instance(notifySentByMe=True, receiveCallbackSentByMe=False)["settings"]["notify_sent_by_me"] is False


def test_filters_have_our_names():
    found = instance(
        callbackTypeFilters=["FILTER_RECEIVED_CALLBACK", "FILTER_PRESENCE_CHAT_CALLBACK", "FILTER_RECEIVED_CALLBACK"],
        messageFilters=["FILTER_FROM_GROUP", "FILTER_TEXT_MESSAGE", "FILTER_NEW"],
    )
    assert found["settings"]["muted_webhooks"] == ["presence_chat", "received"]
    assert found["settings"]["muted_messages"] == ["group", "new", "text"]


# Unknown fields and secrets


def test_other_fields_are_in_extra_under_their_snake_case_names():
    found = instance(sessionName="x", isOk=1, nested={"aB": [1]}, **{"a b": 2, "ansible_host": 3})
    assert found["extra"] == {"session_name": "x", "is_ok": 1, "nested": {"aB": [1]}, "a_b": 2, "ansible_host": 3}


@pytest.mark.parametrize("field", ["instanceToken", "clientSecret", "proxyPassword", "Authorization", "TOKEN2"])
def test_fields_that_hold_secrets_by_their_names_are_dropped_at_any_depth(field):
    record = record_from_object({"id": "A1", field: "hocuspocus", "other": {"list": [{field: "hocuspocus", "kept": 1}]}})
    assert record is not None
    assert "hocuspocus" not in json.dumps(record.instance)
    assert record.instance["extra"] == {"other": {"list": [{"kept": 1}]}}
    assert record.secrets == ("hocuspocus",)


def test_absurd_fields_are_dropped():
    deep = 1
    for _level in range(150):
        deep = [deep]
    assert instance(deep=deep, **{"x" * 201: 1})["extra"] == {}


@given(
    st.dictionaries(
        st.sampled_from([*DOCUMENTED, "extraField", "callbackTypeFilters", "autoReadMessage"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_object_becomes_an_instance_with_every_key_or_none(entry):
    record = record_from_object(entry)
    if record is not None:
        assert list(record.instance) == list(KEYS)
        assert isinstance(record.instance["id"], str)
        json.dumps(record.instance)


# An instance's own calls


ME = {"id": "a1", "token": "simsalabim", "name": "shop", "due": 1798761599, "connected": True, "paymentStatus": "PAID"}


def test_an_instance_that_was_read_with_its_own_calls():
    record = record_from_calls(Credential("A1", "hocuspocus"), ME, {"connected": False, "error": "You are not connected."})
    found = record.instance
    assert (found["id"], found["name"], found["due"]) == ("A1", "shop", "2026-12-31T23:59:59Z")
    assert found["whatsapp_connected"] is False
    assert found["problem"] == "scan_qr_code"
    assert "phone_connected" in found["unknown"]
    assert record.credential == Credential("A1", "hocuspocus")
    assert set(record.secrets) == {"hocuspocus", "simsalabim"}


def test_a_lapsed_instance_exists_although_its_calls_are_rejected():
    found = record_from_calls(Credential("A1", "hocuspocus"), None, None, has_lapsed=True).instance
    assert (found["id"], found["name"], found["problem"]) == ("A1", "", "subscription_lapsed")
    assert {"name", "whatsapp_connected", "payment_status", "webhooks.received"} <= set(found["unknown"])


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({"connected": True, "error": "You are already connected."}, None),
        ({"connected": False, "error": "You need to restore the session."}, "restore_session"),
        ({"error": "You are not connected."}, "scan_qr_code"),
        ({"connected": False}, None),
        ({"connected": False, "error": 7}, None),
    ],
)
def test_problems(status, problem):
    assert problem_of(status) == problem


def test_settings_of_an_own_call_add_to_what_the_listing_returned():
    record = record_from_object({"id": "A1", "token": "hocuspocus", "autoReadMessage": True})
    assert record is not None
    read = with_settings(record, {"autoReadMessage": False, "callRejectAuto": True, "callbackTypeFilters": [], "name": "x"})
    assert read.instance["settings"]["auto_read_message"] is True
    assert read.instance["settings"]["call_reject_auto"] is True
    assert read.instance["settings"]["muted_webhooks"] == []
    assert read.instance["name"] == ""
    assert "settings.call_reject_auto" not in read.instance["unknown"]
    assert "settings.muted_messages" in read.instance["unknown"]
    assert record.instance["settings"]["call_reject_auto"] is None


@pytest.mark.parametrize(
    ("device", "number"),
    [
        ({"phone": "+55 11 99999-0000"}, "5511999990000"),
        ({"phone": 5511999990000}, "5511999990000"),
        ({"phone": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_phone_number(device, number):
    record = record_from_object({"id": "A1"})
    assert record is not None
    assert with_phone_number(record, device).instance.get("phone_number") == number
