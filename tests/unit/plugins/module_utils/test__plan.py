# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What a convergence is going to do: which rows, in which order, by which calls, and what is left to people."""

from __future__ import annotations

import gc
import typing as t
import weakref

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils import _instance
from ansible_collections.zapi.zapi.plugins.module_utils._attributes import BY_NAME
from ansible_collections.zapi.zapi.plugins.module_utils._document import document
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ExpectationError, OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._plan import (
    FAILED,
    Change,
    Plan,
    limit_of,
    needs_settings,
    refuse_nothing_to_set,
    way_back,
)
from ansible_collections.zapi.zapi.tests.unit.service import WRITES, known
from ansible_collections.zapi.zapi.tests.unit.support import INSTANCE_TOKEN, Row, assert_fit_for_users, ids, make_row

NOW = 1_790_000_000_000
NEW = "https://hooks.example.com/new"
BOTH = "webhooks.received_and_delivery"
SENT_BY_ME = "settings.notify_sent_by_me"
Items = list[dict[str, t.Any]]


def webhooks(**declared: t.Any) -> Items:
    return [{"expect": {"webhooks": declared}}]


def settings(**declared: t.Any) -> Items:
    return [{"expect": {"settings": declared}}]


def make_plan(rows: Row | list[Row], items: Items, **options: t.Any) -> Plan:
    plan = Plan(Expectations(items, NOW), NOW, **{"only": None, "show_url_secrets": False, **options})
    for row in rows if isinstance(rows, list) else [rows]:
        instance = _instance.comparable(row)
        assert instance is not None
        plan.add(instance)
    return plan


def rows_of(plan: Plan, show_url_secrets: bool = False) -> list[t.Any]:
    return [row for turn in plan.turns for row in turn.rows(show_url_secrets)]


def changes_of(plan: Plan) -> list[tuple[str, t.Any, t.Any]]:
    return [(row["attribute"], row["before"], row["after"]) for row in rows_of(plan, True)]


def remaining_of(plan: Plan) -> list[t.Any]:
    return t.cast("list[t.Any]", plan.audit.finish()["drift"])


def left_of(plan: Plan) -> dict[str, str | None]:
    """The attributes that remain, and the notes on them."""
    return {row["attribute"]: row["note"] for row in remaining_of(plan)}


def calls_of(plan: Plan) -> list[tuple[str, t.Any]]:
    return [(name, body) for turn in plan.turns for name, body, _changes in turn.calls()]


def only_change(plan: Plan) -> Change:
    ((change,),) = [turn.changes for turn in plan.turns]
    return change


# What is changed


def test_a_row_of_the_plan_has_all_that_a_reader_needs() -> None:
    items = [{"expect": {"whatsapp_connected": True}}, {"name": "All post to us", **webhooks(received=NEW)[0]}]
    (row,) = rows_of(make_plan(known(name="Pão & Cia", receivedCallbackUrl="https://old.example.net/"), items))
    assert row == {
        "id": make_row()["id"],
        "name": "Pão & Cia",
        "attribute": "webhooks.received",
        "before": "https://old.example.net/",
        "after": NEW,
        "expectation": 2,
        "expectation_name": "All post to us",
        "status": "planned",
        "error": None,
        "note": None,
    }


def test_an_instance_in_sync_is_left_in_peace() -> None:
    row = known(receivedCallbackUrl=NEW, autoReadStatus=True)
    plan = make_plan(row, [{"expect": {"webhooks": {"received": NEW, "delivery": None}, "settings": {"auto_read_status": True}}}])
    assert (plan.turns, remaining_of(plan)) == ([], [])


@pytest.mark.parametrize(
    ("items", "calls"),
    [
        (webhooks(received=NEW), [("update-webhook-received", {"value": NEW})]),
        (webhooks(delivery=NEW), [("update-webhook-delivery", {"value": NEW})]),
        (webhooks(message_status=NEW), [("update-webhook-message-status", {"value": NEW})]),
        (webhooks(presence_chat=NEW), [("update-webhook-chat-presence", {"value": NEW})]),
        (webhooks(connected=NEW), [("update-webhook-connected", {"value": NEW})]),
        (webhooks(disconnected=NEW), [("update-webhook-disconnected", {"value": NEW})]),
        (webhooks(received=None), [("update-webhook-received", {"value": ""})]),
        (settings(notify_sent_by_me=True), [("update-notify-sent-by-me", {"notifySentByMe": True})]),
        (settings(auto_read_message=True), [("update-auto-read-message", {"value": True})]),
        (settings(auto_read_status=True), [("update-auto-read-status", {"value": True})]),
        (settings(call_reject_auto=True), [("update-call-reject-auto", {"value": True})]),
        (settings(call_reject_message="Não"), [("update-call-reject-message", {"value": "Não"})]),
    ],
)
def test_each_attribute_is_set_by_its_call(items: Items, calls: t.Any) -> None:
    plan = make_plan(known(), items)
    assert calls_of(plan) == calls
    assert remaining_of(plan) == []


def test_every_call_of_the_table_is_known_to_the_tests() -> None:
    assert {attribute.call for attribute in BY_NAME.values() if attribute.call} == set(WRITES)


@pytest.mark.parametrize("declared", [None, ""])
def test_a_message_that_is_none_is_sent_as_an_empty_one(declared: t.Any) -> None:
    plan = make_plan(known(callRejectMessage="Não"), settings(call_reject_message=declared))
    assert changes_of(plan) == [("settings.call_reject_message", "Não", None)]
    assert calls_of(plan) == [("update-call-reject-message", {"value": ""})]


def test_placeholders_stand_for_the_instances_own() -> None:
    plan = make_plan(known(name="Pão/1"), webhooks(received="https://hooks.example.com/{name}/{id}"))
    assert calls_of(plan) == [
        ("update-webhook-received", {"value": f"https://hooks.example.com/P%C3%A3o%2F1/{make_row()['id']}"}),
    ]


@pytest.mark.parametrize(
    ("has", "calls"),
    [
        ("https://a.example.com/00000000000000000000000000000001", []),
        ("https://b.example.com/", []),
        ("", [("update-webhook-received", {"value": f"https://a.example.com/{make_row()['id']}"})]),
        ("https://c.example.com/", [("update-webhook-received", {"value": f"https://a.example.com/{make_row()['id']}"})]),
    ],
)
def test_of_accepted_urls_the_first_is_set_where_the_instance_has_none_of_them(has: str, calls: t.Any) -> None:
    accepted = ["https://a.example.com/{id}", "https://b.example.com/"]
    assert calls_of(make_plan(known(receivedCallbackUrl=has), webhooks(received=accepted))) == calls


def test_later_items_and_ignore_count_as_in_the_audit() -> None:
    items: Items = [
        *webhooks(received=NEW, delivery=NEW),
        {"match": {"name": "shop-2"}, "expect": {"webhooks": {"received": f"{NEW}er"}}, "ignore": ["webhooks.delivery"]},
        {"match": {"name": "shop-3"}, "ignore": ["webhooks"]},
    ]
    plan = make_plan([known(1), known(2), known(3), known(4)], items, only=["shop-2", "shop-3", known(1)["id"]])
    assert [(row["name"], row["attribute"], row["after"], row["expectation"]) for row in rows_of(plan)] == [
        ("shop-1", "webhooks.delivery", NEW, 1),
        ("shop-1", "webhooks.received", NEW, 1),
        ("shop-2", "webhooks.received", f"{NEW}er", 2),
    ]
    assert remaining_of(plan) == []


def test_an_item_that_has_ended_sets_nothing() -> None:
    items = [*webhooks(received=NEW), {**webhooks(received=f"{NEW}er")[0], "until": "2020-01-01"}]
    assert changes_of(make_plan(known(), items)) == [("webhooks.received", "https://hooks.example.com/1", NEW)]


def test_unmanaged_instances_are_left_in_peace() -> None:
    plan = make_plan([known(1), known(2)], [{"match": {"name": "shop-2"}, **webhooks(received=NEW)[0]}])
    assert [turn.name for turn in plan.turns] == ["shop-2"]


# In which order


def test_instances_come_in_the_apis_order_and_webhooks_before_settings() -> None:
    items: Items = [
        {
            "expect": {
                "webhooks": {"received": NEW, "connected": NEW},
                "settings": {
                    "auto_read_status": True,
                    "call_reject_auto": True,
                    "muted_messages": ["text"],
                    "muted_webhooks": ["received"],
                },
            }
        }
    ]
    plan = make_plan([known(number) for number in (3, 1, 2)], items)
    assert [turn.name for turn in plan.turns] == ["shop-3", "shop-1", "shop-2"]
    order = [
        "webhooks.connected",
        "webhooks.received",
        "settings.auto_read_status",
        "settings.call_reject_auto",
        "settings.muted_messages",
        "settings.muted_webhooks",
    ]
    assert [row["attribute"] for row in rows_of(plan)] == 3 * order
    for turn in plan.turns:
        made = [change for _name, _body, changes in turn.calls() for change in changes]
        assert made == turn.changes, "calls are made in the order of the rows"


# What nothing sets


EVERYTHING_ELSE = {
    "whatsapp_connected": False,
    "phone_connected": False,
    "middleware": "mobile",
    "payment_status": "TRIAL",
    "days_left": 100_000,
    "webhook_hosts": ["else.example.com"],
    "webhooks": {"received_status": NEW},
}


@pytest.mark.parametrize("key", EVERYTHING_ELSE)
def test_what_no_call_sets_is_left_to_people(key: str) -> None:
    plan = make_plan(known(), [{"expect": {key: EVERYTHING_ELSE[key]}}])
    assert plan.turns == []
    (row,) = remaining_of(plan)
    assert row["kind"] == "mismatch"
    assert row["attribute"].startswith(key)


def test_it_is_left_beside_what_is_set() -> None:
    items: Items = [{"expect": {**EVERYTHING_ELSE, "webhooks": {"received": NEW, "received_status": NEW}}}]
    plan = make_plan(known(), items)
    assert changes_of(plan) == [("webhooks.received", "https://hooks.example.com/1", NEW)]
    assert set(left_of(plan)) == {*EVERYTHING_ELSE, "webhooks.received_status"} - {"webhooks"}


@pytest.mark.parametrize("declared", [NEW, None])
def test_a_webhook_that_is_unknown_is_not_written_over(declared: t.Any) -> None:
    row = known()
    del row["deliveryCallbackUrl"]
    plan = make_plan(row, webhooks(delivery=declared))
    assert plan.turns == []
    assert left_of(plan) == {"webhooks.delivery": "the API did not tell"}


@pytest.mark.parametrize("declared", [True, False])
def test_nor_is_a_setting(declared: bool) -> None:
    row = known()
    del row["autoReadMessage"]
    plan = make_plan(row, settings(auto_read_message=declared, auto_read_status=True))
    assert changes_of(plan) == [("settings.auto_read_status", False, True)]
    assert left_of(plan) == {"settings.auto_read_message": "the API did not tell"}


def test_a_webhook_that_is_unset_by_null_is_no_unknown_one() -> None:
    assert changes_of(make_plan(known(receivedCallbackUrl=None), webhooks(received=NEW))) == [("webhooks.received", None, NEW)]


@pytest.mark.parametrize("fields", [{"token": None}, {"token": ""}])
def test_an_instance_whose_token_is_not_told_has_no_calls(fields: Row) -> None:
    items: Items = [{"expect": {"whatsapp_connected": False, "webhooks": {"received": NEW, "received_and_delivery": NEW}}}]
    plan = make_plan(known(**fields), items)
    assert plan.turns == []
    left = left_of(plan)
    assert set(left) == {"whatsapp_connected", "webhooks.received", BOTH}
    assert left["whatsapp_connected"] is None
    assert "token" in str(left["webhooks.received"])


def test_hosts_count_as_they_will_be() -> None:
    old = "https://old.example.net/"
    items: Items = [{"expect": {"webhook_hosts": ["hooks.example.com"], "webhooks": {"received": NEW}}}]
    assert remaining_of(make_plan(known(receivedCallbackUrl=old), items)) == []
    plan = make_plan(known(receivedCallbackUrl=old, deliveryCallbackUrl="https://else.example.net/"), items)
    (row,) = remaining_of(plan)
    assert (row["actual"], row["note"]) == (["else.example.net"], "posted to by delivery")


def test_a_host_that_is_new_is_told_where_it_is_not_accepted() -> None:
    items: Items = [{"expect": {"webhook_hosts": ["hooks.example.com"], "webhooks": {"received": "https://new.example.net/"}}}]
    (row,) = remaining_of(make_plan(known(), items))
    assert (row["attribute"], row["actual"]) == ("webhook_hosts", ["new.example.net"])


def test_instances_that_are_not_there_remain() -> None:
    plan = make_plan([known(1)], [*webhooks(received=NEW), {"match": {"id": "gone"}, **webhooks(received=NEW)[0]}])
    assert [(row["kind"], row["id"]) for row in remaining_of(plan)] == [("missing", "gone")]


# Setting received_and_delivery turns notify_sent_by_me on


def moved(**fields: t.Any) -> Row:
    return known(receivedAndDeliveryCallbackUrl="https://old.example.net/", **fields)


@pytest.mark.parametrize("field", ["receiveCallbackSentByMe", "notifySentByMe"])
def test_where_nobody_declares_it_and_it_is_false_it_is_set_back(field: str) -> None:
    row = moved()
    del row["receiveCallbackSentByMe"]
    plan = make_plan({**row, field: False}, webhooks(received_and_delivery=NEW))
    assert changes_of(plan) == [(BOTH, "https://old.example.net/", NEW), (SENT_BY_ME, False, False)]
    assert calls_of(plan)[-1] == ("update-notify-sent-by-me", {"notifySentByMe": False})
    assert remaining_of(plan) == []
    first, second = rows_of(plan)
    assert (first["note"], first["expectation"], second["expectation"]) == (None, 1, 1)
    assert second["note"] == "setting webhooks.received_and_delivery turns it on"


def test_where_it_is_ignored_nobody_declares_it() -> None:
    items: Items = [*settings(notify_sent_by_me=True), {**webhooks(received_and_delivery=NEW)[0], "ignore": ["settings"]}]
    assert changes_of(make_plan(moved(), items))[1:] == [(SENT_BY_ME, False, False)]


@pytest.mark.parametrize("is_on", [True, False])
def test_where_it_is_declared_false_it_is_set_to_that_afterwards(is_on: bool) -> None:
    items: Items = [*webhooks(received_and_delivery=NEW), {"name": "Silent", **settings(notify_sent_by_me=False)[0]}]
    plan = make_plan(moved(receiveCallbackSentByMe=is_on), items)
    assert changes_of(plan)[1:] == [(SENT_BY_ME, is_on, False)]
    assert rows_of(plan)[1]["expectation_name"] == "Silent"
    assert remaining_of(plan) == []


def test_where_it_is_declared_false_and_unknown_it_is_set_back_and_remains() -> None:
    row = moved()
    del row["receiveCallbackSentByMe"]
    items = [{"expect": {**webhooks(received_and_delivery=NEW)[0]["expect"], **settings(notify_sent_by_me=False)[0]["expect"]}}]
    plan = make_plan(row, items)
    assert changes_of(plan)[1:] == [(SENT_BY_ME, None, False)]
    assert left_of(plan) == {SENT_BY_ME: "the API did not tell"}


@pytest.mark.parametrize(
    ("is_on", "declared", "more"),
    [
        (True, None, []),
        (True, True, []),
        (False, True, [(SENT_BY_ME, False, True)]),
    ],
)
def test_where_it_may_be_on_nothing_is_set_back(is_on: bool, declared: bool | None, more: t.Any) -> None:
    items = webhooks(received_and_delivery=NEW) + ([] if declared is None else settings(notify_sent_by_me=declared))
    assert changes_of(make_plan(moved(receiveCallbackSentByMe=is_on), items))[1:] == more


def test_where_it_stays_unknown_a_note_says_so() -> None:
    row = moved()
    del row["receiveCallbackSentByMe"]
    plan = make_plan(row, webhooks(received_and_delivery=NEW))
    (one,) = rows_of(plan)
    assert one["note"] == "this turns settings.notify_sent_by_me on; whether it was, the API does not tell"


def test_unsetting_the_webhook_may_turn_it_on_as_well() -> None:
    assert changes_of(make_plan(moved(), webhooks(received_and_delivery=None)))[1:] == [(SENT_BY_ME, False, False)]


def test_other_webhooks_turn_nothing_on() -> None:
    assert len(changes_of(make_plan(moved(), webhooks(received=NEW, delivery=NEW)))) == 2


def test_nothing_comes_between_the_webhook_and_what_sets_it_back() -> None:
    """Where a call fails in between, the turn ends, and the next run could not tell that it was off."""
    items: Items = [
        *webhooks(received=NEW, received_and_delivery=NEW, presence_chat=NEW),
        *settings(auto_read_message=True, call_reject_auto=True, muted_webhooks=["delivery"]),
    ]
    attributes = [attribute for attribute, _before, _after in changes_of(make_plan(moved(), items))]
    assert attributes.index(SENT_BY_ME) == attributes.index(BOTH) + 1
    assert attributes.index(SENT_BY_ME) == 3, "webhooks come first"


@pytest.mark.parametrize(
    ("row", "items", "asked"),
    [
        # What is declared
        ({"autoReadMessage": None}, settings(auto_read_message=True), False),
        ({}, settings(auto_read_message=True), True),
        ({}, webhooks(received=NEW), False),
        ({"callbackTypeFilters": []}, settings(muted_webhooks=["received"]), True),
        ({"callbackTypeFilters": [], "messageFilters": []}, settings(muted_webhooks=["received"]), False),
        # What is turned on
        ({}, webhooks(received_and_delivery=NEW), True),
        ({"receivedAndDeliveryCallbackUrl": NEW}, webhooks(received_and_delivery=NEW), False),
        ({"receivedAndDeliveryCallbackUrl": NEW}, webhooks(received_and_delivery=["https://a.example.com", NEW]), False),
        ({}, webhooks(received_and_delivery=None), False),
        ({"notifySentByMe": False}, webhooks(received_and_delivery=NEW), False),
        ({"receiveCallbackSentByMe": True}, webhooks(received_and_delivery=NEW), False),
    ],
)
def test_an_instance_is_asked_first_only_where_what_is_set_depends_on_it(row: Row, items: Items, asked: bool) -> None:
    instance = _instance.comparable(make_row(**row))
    assert instance is not None
    assert needs_settings(Expectations(items, NOW))(instance) is asked


def test_an_instance_is_not_asked_for_a_webhook_that_is_never_set() -> None:
    row = make_row()
    del row["receivedAndDeliveryCallbackUrl"]
    instance = _instance.comparable(row)
    assert instance is not None
    assert needs_settings(Expectations(webhooks(received_and_delivery=NEW), NOW))(instance) is False


# Muted


def test_one_call_sets_both_muted_lists() -> None:
    plan = make_plan(known(), settings(muted_webhooks=["received", "delivery"], muted_messages=["group", "text"]))
    body = {
        "callbackTypeFilters": ["FILTER_DELIVERY_CALLBACK", "FILTER_RECEIVED_CALLBACK"],
        "messageFilters": ["FILTER_FROM_GROUP", "FILTER_TEXT_MESSAGE"],
    }
    assert calls_of(plan) == [("update-filters", body)]
    assert changes_of(plan) == [
        ("settings.muted_messages", [], ["group", "text"]),
        ("settings.muted_webhooks", [], ["delivery", "received"]),
    ]


@pytest.mark.parametrize("extra", [{}, {"muted_messages": ["private_chat", "image"]}])
def test_the_list_that_does_not_change_is_sent_as_it_is(extra: dict[str, t.Any]) -> None:
    row = known(
        callbackTypeFilters=["FILTER_PRESENCE_CHAT_CALLBACK"], messageFilters=["FILTER_IMAGE_MESSAGE", "FILTER_FROM_PRIVATE_CHAT"]
    )
    plan = make_plan(row, settings(muted_webhooks=[], **extra))
    assert changes_of(plan) == [("settings.muted_webhooks", ["presence_chat"], [])]
    assert calls_of(plan) == [
        ("update-filters", {"callbackTypeFilters": [], "messageFilters": ["FILTER_IMAGE_MESSAGE", "FILTER_FROM_PRIVATE_CHAT"]})
    ]


@pytest.mark.parametrize(("missing", "declared"), [("messageFilters", "muted_webhooks"), ("callbackTypeFilters", "muted_messages")])
@pytest.mark.parametrize("how", ["missing", "null", "no list"])
def test_where_one_list_is_unknown_the_other_one_remains(missing: str, declared: str, how: str) -> None:
    row = known(**{missing: None if how == "null" else "all"})
    if how == "missing":
        del row[missing]
    plan = make_plan(
        row, [*settings(**{declared: ["text" if declared == "muted_messages" else "received"]}), *webhooks(received=NEW)]
    )
    assert [change[0] for change in changes_of(plan)] == ["webhooks.received"]
    assert left_of(plan) == {f"settings.{declared}": "one call sets both muted lists, and the API did not tell them"}


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        ({}, {"muted_webhooks": ["calls"]}),
        ({"callbackTypeFilters": ["FILTER_CALLS_CALLBACK"]}, {"muted_messages": ["text"]}),
        ({"messageFilters": ["FILTER_CALLS_MESSAGE"]}, {"muted_messages": ["calls", "text"]}),
    ],
)
def test_a_filter_that_no_call_is_known_for_is_never_sent(fields: Row, declared: dict[str, t.Any]) -> None:
    plan = make_plan(known(**fields), settings(**declared))
    assert plan.turns == []
    assert set(left_of(plan).values()) == {"no call is known that mutes calls"}


def test_a_filter_that_no_call_is_known_for_can_be_taken_away() -> None:
    plan = make_plan(known(callbackTypeFilters=["FILTER_CALLS_CALLBACK"]), settings(muted_webhooks=[]))
    assert calls_of(plan) == [("update-filters", {"callbackTypeFilters": [], "messageFilters": []})]


MUTED = {"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}


def test_a_webhook_that_is_muted_is_set_and_remains() -> None:
    plan = make_plan(known(**MUTED), webhooks(received=NEW))
    assert changes_of(plan) == [("webhooks.received", "https://hooks.example.com/1", NEW)]
    assert "muted" in str(left_of(plan)["webhooks.received"])


def test_a_webhook_that_is_muted_and_has_its_url_remains_without_a_call() -> None:
    plan = make_plan(
        known(receivedCallbackUrl=NEW, receivedAndDeliveryCallbackUrl=NEW, **MUTED),
        webhooks(received=NEW, received_and_delivery=NEW),
    )
    assert plan.turns == []
    assert set(left_of(plan)) == {"webhooks.received", BOTH}


def test_where_the_lists_are_declared_no_webhook_remains() -> None:
    items: Items = [{"expect": {"webhooks": {"received": NEW}, "settings": {"muted_webhooks": []}}}]
    plan = make_plan(known(**MUTED), items)
    assert [change[0] for change in changes_of(plan)] == ["webhooks.received", "settings.muted_webhooks"]
    assert remaining_of(plan) == []
    plan = make_plan(known(receivedCallbackUrl=NEW, **MUTED), items)
    assert [change[0] for change in changes_of(plan)] == ["settings.muted_webhooks"]
    assert remaining_of(plan) == []


def test_where_the_other_list_alone_is_declared_the_webhook_is_muted_all_the_same() -> None:
    items: Items = [{"expect": {"webhooks": {"received": NEW}, "settings": {"muted_messages": ["text"]}}}]
    plan = make_plan(known(receivedCallbackUrl=NEW, **MUTED), items)
    assert changes_of(plan) == [("settings.muted_messages", [], ["text"])]
    assert "muted" in str(left_of(plan)["webhooks.received"])


def test_where_the_lists_cannot_be_set_the_webhook_remains_with_them() -> None:
    row = known(receivedCallbackUrl=NEW, **MUTED)
    del row["messageFilters"]
    plan = make_plan(row, [{"expect": {"webhooks": {"received": NEW}, "settings": {"muted_webhooks": []}}}])
    assert plan.turns == []
    assert set(left_of(plan)) == {"webhooks.received", "settings.muted_webhooks"}


# What is shown


OLD_SECRET = "https://user:OpenSesame@hooks.example.com/hook?key=OpenSesame"


def test_secrets_of_urls_are_masked_unless_they_are_asked_for() -> None:
    plan = make_plan(known(receivedCallbackUrl=OLD_SECRET), webhooks(received=f"{NEW}?key=OpenSesame"))
    (row,) = rows_of(plan)
    assert (row["before"], row["after"]) == ("https://***@hooks.example.com/hook?key=***", f"{NEW}?key=***")
    (row,) = rows_of(plan, True)
    assert (row["before"], row["after"]) == (OLD_SECRET, f"{NEW}?key=OpenSesame")


@pytest.mark.parametrize("end", ["?key={}", "/{}"])
def test_where_both_sides_look_alike_the_new_one_says_that_it_is_new(end: str) -> None:
    old, new = NEW + end.format("4f9c27d1b88e"), NEW + end.format("4f9c27d1b88f")
    plan = make_plan(known(receivedCallbackUrl=old), webhooks(received=new))
    (row,) = rows_of(plan)
    assert (row["before"], row["after"]) == (NEW + end.format("***"), "*** (new)")
    assert calls_of(plan) == [("update-webhook-received", {"value": new})]


def test_where_a_token_hides_what_changes_the_new_one_says_so_as_well() -> None:
    name = f"{INSTANCE_TOKEN}1"
    row = known(name=name, receivedCallbackUrl=f"https://hooks.example.com/{name.upper()}")
    plan = make_plan(row, webhooks(received="https://hooks.example.com/{name}"))
    for show in (True, False):
        (shown,) = rows_of(plan, show)
        assert (shown["before"], shown["after"]) == ("https://hooks.example.com/***", "*** (new)")
    assert calls_of(plan) == [("update-webhook-received", {"value": f"https://hooks.example.com/{name}"})]


def test_what_is_set_back_says_nothing_of_the_kind() -> None:
    assert [row["after"] for row in rows_of(make_plan(moved(), webhooks(received_and_delivery=NEW)))] == [NEW, False]


@pytest.mark.parametrize("show_url_secrets", [True, False])
def test_no_row_holds_a_token_of_its_instance(show_url_secrets: bool) -> None:
    row = known(
        name=f"loja {INSTANCE_TOKEN}1",
        receivedCallbackUrl=f"https://old.example.net/{INSTANCE_TOKEN}1",
        instanceToken="SimSalabim",
        callRejectMessage="SimSalabim!",
    )
    items: Items = [
        *webhooks(received="https://hooks.example.com/{name}"),
        *settings(call_reject_message=None, muted_webhooks=["calls"]),
    ]
    plan = make_plan(row, items)
    for change in plan.turns[0].changes:
        change.status, change.error, change.note = FAILED, f"PUT said {INSTANCE_TOKEN}1", "it is set, although SimSalabim"
    shown = [*rows_of(plan, show_url_secrets), *remaining_of(plan)]
    assert {one["id"] for one in shown} == {row["id"]}
    assert {one["name"] for one in shown} == {"loja ***"}
    assert INSTANCE_TOKEN not in str(shown)
    assert "SimSalabim" not in str(shown)
    assert INSTANCE_TOKEN in str(calls_of(plan)), "what is masked is never sent"


def test_no_token_is_in_the_representation_of_a_turn() -> None:
    (turn,) = make_plan(known(instanceToken="SimSalabim"), webhooks(received=NEW)).turns
    assert INSTANCE_TOKEN not in repr(turn)
    assert "SimSalabim" not in repr(turn)


def test_the_id_stays_even_if_it_is_the_token() -> None:
    (row,) = rows_of(make_plan(known(id="hocuspocus", token="hocuspocus"), webhooks(received=NEW)))
    assert row["id"] == "hocuspocus"


# How many may change


@pytest.mark.parametrize(
    ("text", "managed", "limit"),
    [
        ("0", 1000, 0),
        ("1", 1000, 1),
        (" 12 ", 3, 12),
        ("25%", 1000, 250),
        ("25%", 1001, 250),
        ("25 %", 41, 10),
        ("25%", 43, 10),
        ("25%", 44, 11),
        ("100%", 338, 338),
        ("100%", 3, 10),
        ("0%", 1000, 10),
        ("1%", 0, 10),
    ],
)
def test_a_limit_is_a_number_or_a_percentage_of_ten_at_least(text: str, managed: int, limit: int) -> None:
    assert limit_of(text, managed) == limit


@pytest.mark.parametrize(
    "text", ["", " ", "%", "all", "-1", "101%", "0.25", "25%%", "1e3", "½", "٣", "1 000", "25 percent", "1" * 20, "x" * 500, "1\n2"]
)
def test_any_other_limit_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="max_changes must be a number of instances, or a percentage such as 25%") as refused:
        limit_of(text, 100)
    assert_fit_for_users(str(refused.value), None)
    assert len(str(refused.value)) < 200


@given(st.integers(0, 100), st.integers(0, 10_000))
def test_no_percentage_allows_more_than_it_says(percent: int, managed: int) -> None:
    limit = limit_of(f"{percent}%", managed)
    assert limit == 10 or limit * 100 <= percent * managed


# What is refused before anything is sent


@pytest.mark.parametrize(
    "expect",
    [
        {"whatsapp_connected": True, "payment_status": "PAID", "days_left": 5, "webhook_hosts": ["a.example.com"]},
        {"webhooks": {"received_status": NEW}},
    ],
)
@pytest.mark.parametrize("more", [[], [{"ignore": ["webhooks"]}], [{**webhooks(received=NEW)[0], "until": "2020-01-01"}]])
def test_expectations_that_nothing_can_set_are_refused(expect: dict[str, t.Any], more: Items) -> None:
    with pytest.raises(ExpectationError, match="no expectation names anything that can be set") as refused:
        refuse_nothing_to_set(Expectations([{"expect": expect}, *more], NOW))
    assert_fit_for_users(str(refused.value), None)


@pytest.mark.parametrize("items", [webhooks(received=None), settings(muted_webhooks=[]), settings(call_reject_message="")])
def test_one_that_can_be_set_will_do(items: Items) -> None:
    refuse_nothing_to_set(Expectations([{"expect": {"whatsapp_connected": True}}, *items], NOW))


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/?key=OpenSesame", "hooks.example.com/OpenSesame", "ftp://OpenSesame", "https:/x"]
)
def test_an_url_that_is_not_https_is_refused_where_it_would_be_set(url: str) -> None:
    items = [{"name": "Ours", **webhooks(received=url)[0]}]
    with pytest.raises(ExpectationError, match=r'expectation 1, "Ours": webhooks\.received is not an HTTPS URL') as refused:
        make_plan(known(), items).refuse_plain_urls()
    assert_fit_for_users(str(refused.value), None, ["OpenSesame"])


@pytest.mark.parametrize("declared", ["http://a.example.com/", [NEW, "http://a.example.com/"], "HTTPS://a.example.com/", None])
def test_and_only_there(declared: t.Any) -> None:
    make_plan(known(receivedCallbackUrl="http://a.example.com/"), webhooks(received=declared)).refuse_plain_urls()


# Memory


@pytest.mark.parametrize("url", ["https://hooks.example.com/new", "https://old.example.net/"], ids=["in sync", "to be changed"])
def test_an_instance_is_forgotten_but_for_what_is_to_be_changed(url: str) -> None:
    class Remembered(dict):  # type: ignore[type-arg]
        """A dictionary that can be watched."""

    plan = make_plan([], webhooks(received="https://hooks.example.com/new"))
    instance: t.Any = Remembered(_instance.comparable(known(receivedCallbackUrl=url)) or {})
    watch = weakref.ref(instance)
    plan.add(instance)
    del instance
    gc.collect()
    assert watch() is None
    assert len(plan.turns) == (url == "https://old.example.net/")


# The way back


def restored(plan: Plan) -> tuple[t.Any, list[str]]:
    items, lost = way_back(plan.turns)
    read = yaml.safe_load(document(items, ["Back"], {turn.identity: turn.name for turn in plan.turns}))["expectations"]
    assert read == items
    return items, lost


def test_the_way_back_declares_what_was_there_before() -> None:
    row = moved(callRejectMessage="Não atendo", messageFilters=["FILTER_TEXT_MESSAGE"], presenceChatCallbackUrl=NEW)
    items: Items = [
        {
            "expect": {
                "whatsapp_connected": False,
                "webhooks": {"received": OLD_SECRET, "received_and_delivery": NEW, "delivery": NEW, "presence_chat": None},
                "settings": {"auto_read_message": True, "call_reject_message": None, "muted_messages": []},
            }
        }
    ]
    back, lost = restored(make_plan([row, known(2)], items, only=["shop-1"]))
    assert lost == []
    assert back == [
        {
            "match": {"id": row["id"]},
            "expect": {
                "webhooks": {
                    "delivery": None,
                    "presence_chat": NEW,
                    "received": "https://hooks.example.com/1",
                    "received_and_delivery": "https://old.example.net/",
                },
                "settings": {
                    "notify_sent_by_me": False,
                    "auto_read_message": False,
                    "call_reject_message": "Não atendo",
                    "muted_messages": ["text"],
                },
            },
        }
    ]
    way = make_plan({**row, "receivedCallbackUrl": OLD_SECRET, "callRejectMessage": ""}, back)
    assert [change[0] for change in changes_of(way)] == ["webhooks.received", "settings.call_reject_message"]


def test_what_changes_in_no_instance_is_not_in_it() -> None:
    plan = make_plan([known(1), known(2, receivedCallbackUrl=NEW), known(3)], webhooks(received=NEW))
    assert ids([item["match"] for item in restored(plan)[0]]) == [known(1)["id"], known(3)["id"]]


@pytest.mark.parametrize(
    ("fields", "items"),
    [
        ({"receivedCallbackUrl": "http://old.example.net/"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https://old.example.net/{phone}"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https://old.example.net/{id}"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "{{ lookup('env', 'HOME') }}"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https://old.example.net/\ud83d"}, webhooks(received=NEW)),
        ({"autoReadMessage": None}, settings(auto_read_message=True)),
        ({"callRejectMessage": "{{ x }}"}, settings(call_reject_message=None)),
        ({"callRejectMessage": "#jinja2: x"}, settings(call_reject_message=None)),
        ({"callbackTypeFilters": ["FILTER_CALLS_CALLBACK"]}, settings(muted_webhooks=[])),
    ],
)
def test_what_cannot_be_restored_is_named(fields: Row, items: Items) -> None:
    plan = make_plan(known(**fields), items)
    assert restored(plan) == ([], [f"{only_change(plan).attribute.name} of {make_row()['id']}"])


def test_the_rest_of_such_an_instance_can_be() -> None:
    row = known(receivedCallbackUrl="http://old.example.net/", deliveryCallbackUrl="https://old.example.net/")
    back, lost = restored(make_plan(row, webhooks(received=NEW, delivery=NEW)))
    assert back[0]["expect"] == {"webhooks": {"delivery": "https://old.example.net/"}}
    assert lost == [f"webhooks.received of {row['id']}"]


@given(st.text(max_size=12), st.sampled_from(["webhooks", "settings"]))
@example("", "webhooks")
@example("{", "settings")
def test_what_can_be_restored_is_read_again_as_it_was(text: str, kind: str) -> None:
    if kind == "webhooks":
        plan = make_plan(known(receivedCallbackUrl=f"https://old.example.net/{text}"), webhooks(received=NEW))
    else:
        plan = make_plan(known(callRejectMessage=f"Não {text}"), settings(call_reject_message=None))
    back, lost = restored(plan)
    assert bool(back) is not bool(lost)
    if back:
        Expectations(back, NOW)
        ((value,),) = [part.values() for part in back[0]["expect"].values()]
        assert value == only_change(plan).before
