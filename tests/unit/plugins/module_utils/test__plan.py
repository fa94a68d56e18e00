# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What a convergence would do: changes, their order and calls, what remains, limits and rollback; also by a naive model."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils import _plan
from ansible_collections.zapi.zapi.plugins.module_utils._audit import audit
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ExpectationError, OptionError, Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, Rejected, record_from_object, with_problem
from ansible_collections.zapi.zapi.plugins.module_utils._plan import (
    Change,
    Plan,
    max_instances,
    needed_calls,
    plan,
    refuse_nothing_to_set,
    rollback_expectations,
)
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.tests.unit.naive import (
    CALLS,
    FIELDS,
    NOW,
    expectation_lists,
    fleets,
    make_record,
    plan_of,
    wishes_of,
)

OLD, NEW = "https://hooks.example.com/1", "https://hooks.example.com/new"
BOTH, SENT_BY_ME = "webhooks.received_and_delivery", "settings.notify_sent_by_me"
Expect = dict[str, t.Any]


def planned(records: Record | list[Record], declared: Expect | list[Expect], **options: t.Any) -> Plan:
    """``declared`` are expectations, or what one of them expects of all instances."""
    fleet = records if isinstance(records, list) else [records]
    expectations = declared if isinstance(declared, list) else [{"expect": declared}]
    rejected = options.pop("rejected", ())
    return plan(audit(fleet, Expectations(expectations, NOW), NOW, rejected=rejected), **{"max_changes": "100%", **options})


def changes_of(result: Plan) -> list[tuple[str, t.Any, t.Any]]:
    return [(change.attribute.name, change.before, change.after) for one in result.instances for change in one.changes]


def calls_of(result: Plan) -> list[tuple[str, t.Any]]:
    return [(call.name, call.body) for one in result.instances for call in one.calls]


def remaining_of(result: Plan) -> dict[str, str | None]:
    """The attributes that need manual action, with the codes of their reasons."""
    found = [mismatch for one in result.remaining for mismatch in one.mismatches]
    return {mismatch.requirement.attribute.name: mismatch.reason and mismatch.reason.code for mismatch in found}


def webhooks(**declared: t.Any) -> Expect:
    return {"webhooks": declared}


def settings(**declared: t.Any) -> Expect:
    return {"settings": declared}


# Changes and calls


@pytest.mark.parametrize("attribute", CALLS)
def test_each_attribute_is_set_by_its_call(attribute: str) -> None:
    group, _dot, part = attribute.partition(".")
    values: dict[str, t.Any] = {"call_reject_message": "Não", "muted_webhooks": ["delivery"], "muted_messages": ["text"]}
    result = planned(
        make_record(receiveCallbackSentByMe=True), {group: {part: NEW if group == "webhooks" else values.get(part, True)}}
    )
    if attribute == SENT_BY_ME:
        assert result.instances == []
        result = planned(make_record(), settings(notify_sent_by_me=True))
    ((name, body),) = calls_of(result)
    assert name == CALLS[attribute]
    if name == "update-filters":
        expected: Expect = {"callbackTypeFilters": [], "messageFilters": []}
        expected[FIELDS[attribute]] = ["FILTER_DELIVERY_CALLBACK" if part == "muted_webhooks" else "FILTER_TEXT_MESSAGE"]
    else:
        value = NEW if group == "webhooks" else values.get(part, True)
        expected = {"notifySentByMe" if attribute == SENT_BY_ME else "value": value}
    assert body == expected
    assert result.remaining == []


@pytest.mark.parametrize(
    ("declared", "fields", "changes"),
    [
        (webhooks(received=None), {}, [("webhooks.received", OLD, None)]),
        (settings(call_reject_message=None), {"callRejectMessage": "Não"}, [("settings.call_reject_message", "Não", None)]),
        (
            webhooks(received="https://h/{name}/{id}"),
            {"id": "A", "name": "Pão/1"},
            [("webhooks.received", OLD, "https://h/P%C3%A3o%2F1/A")],
        ),
        # The first of several accepted URLs, if the instance has none of them
        (webhooks(received=[NEW, OLD]), {}, []),
        (webhooks(received=["https://h/{id}", NEW]), {"id": "A"}, [("webhooks.received", OLD, "https://h/A")]),
        # {any} is never overwritten, and never set
        (webhooks(received="https://hooks.example.com/{any}"), {}, []),
        (webhooks(received=["https://h/{any}", NEW]), {}, [("webhooks.received", OLD, NEW)]),
        (webhooks(received=["https://h/{any}", NEW]), {"receivedCallbackUrl": "https://h/s3cret"}, []),
    ],
)
def test_what_is_set(declared: Expect, fields: dict[str, t.Any], changes: list[t.Any]) -> None:
    result = planned(make_record(**fields), declared)
    assert changes_of(result) == changes
    assert remaining_of(result) == {}
    if changes and changes[0][2] is None:
        assert [body for _name, body in calls_of(result)] == [{"value": ""}]


def test_a_change_has_the_expectation_that_counts() -> None:
    declared: list[Expect] = [{"expect": webhooks(received=OLD)}, {"name": "All post to us", "expect": webhooks(received=NEW)}]
    ((change,),) = [one.changes for one in planned(make_record(), declared).instances]
    assert (change.requirement.expectation, change.requirement.expectation_name) == (2, "All post to us")
    assert (change.note, change.restores) == (None, None)


def test_instances_are_in_the_apis_order_and_webhooks_before_settings() -> None:
    declared = {
        **webhooks(received=NEW, connected=NEW),
        **settings(auto_read_status=True, muted_messages=["text"], muted_webhooks=["delivery"]),
    }
    result = planned([make_record(number) for number in (3, 1)], declared)
    assert [one.record.instance["name"] for one in result.instances] == ["shop-3", "shop-1"]
    for one in result.instances:
        assert [change.attribute.name for change in one.changes] == [
            "webhooks.connected",
            "webhooks.received",
            "settings.auto_read_status",
            "settings.muted_messages",
            "settings.muted_webhooks",
        ]
        assert [change for call in one.calls for change in call.changes] == list(one.changes)
        assert [call.name for call in one.calls][2:] == ["update-auto-read-status", "update-filters"]


def test_unmanaged_instances_and_those_in_sync_are_not_in_the_plan() -> None:
    records = [make_record(1), make_record(2), make_record(3, receivedCallbackUrl=NEW)]
    result = planned(records, [{"match": {"name": ["shop-2", "shop-3"]}, "expect": webhooks(received=NEW)}])
    assert [one.record.instance["name"] for one in result.instances] == ["shop-2"]


# What remains


@pytest.mark.parametrize(
    ("declared", "fields", "remaining"),
    [
        ({"whatsapp_connected": False, "days_left": 10_000}, {}, {"days_left": None, "whatsapp_connected": None}),
        ({"webhook_hosts": ["else.example.com"]}, {}, {"webhook_hosts": "foreign_hosts"}),
        (webhooks(received_status=NEW), {}, {"webhooks.received_status": None}),
        (webhooks(received=NEW), {"without": ["receivedCallbackUrl"]}, {"webhooks.received": "unknown"}),
        (webhooks(received=None), {"without": ["receivedCallbackUrl"]}, {"webhooks.received": "unknown"}),
        (settings(auto_read_message=True), {"without": ["autoReadMessage"]}, {"settings.auto_read_message": "unknown"}),
        (webhooks(received="https://h/{any}"), {}, {"webhooks.received": "any_placeholder"}),
        (webhooks(received="https://h/{name}"), {"name": ""}, {"webhooks.received": "placeholder_empty"}),
        (webhooks(received=["https://h/{name}", NEW]), {"name": ".."}, {"webhooks.received": "placeholder_empty"}),
        ({"whatsapp_connected": False, **webhooks(received=NEW)}, {"token": ""}, {"webhooks.received": "no_token", "whatsapp_connected": None}),
        # Muted lists
        (settings(muted_webhooks=["received"]), {"without": ["messageFilters"]}, {"settings.muted_webhooks": "unknown_lists"}),
        (settings(muted_messages=["text"]), {"callbackTypeFilters": None}, {"settings.muted_messages": "unknown_lists"}),
        (settings(muted_webhooks=["calls"]), {}, {"settings.muted_webhooks": "unknown_filter"}),
        (settings(muted_messages=["text"]), {"callbackTypeFilters": ["FILTER_CALLS_CALLBACK"]}, {"settings.muted_messages": "unknown_filter"}),
        (webhooks(received=OLD), {"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}, {"webhooks.received": "muted"}),
    ],
)  # fmt: skip
def test_what_cannot_be_set_remains(declared: Expect, fields: dict[str, t.Any], remaining: Expect) -> None:
    result = planned(make_record(**fields), declared)
    assert (result.instances, remaining_of(result)) == ([], remaining)


def test_what_remains_is_found_by_another_comparison_with_the_planned_values() -> None:
    record = make_record(
        deliveryCallbackUrl="https://else.example.net/",
        callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"],
        receivedCallbackUrl="https://old/",
    )
    declared: Expect = {"webhook_hosts": ["hooks.example.com"], **webhooks(received=NEW)}
    result = planned(record, declared)
    assert changes_of(result) == [("webhooks.received", "https://old/", NEW)]
    assert remaining_of(result) == {"webhook_hosts": "foreign_hosts", "webhooks.received": "muted"}
    (hosts, _muted) = result.remaining[0].mismatches
    assert hosts.actual == ["else.example.net"]
    result = planned(record, {**declared, **settings(muted_webhooks=[])})
    assert remaining_of(result) == {"webhook_hosts": "foreign_hosts"}


# Muted lists


def test_the_list_that_does_not_change_is_sent_as_it_is() -> None:
    record = make_record(callbackTypeFilters=["FILTER_CALLS_CALLBACK"], messageFilters=["FILTER_FROM_PRIVATE_CHAT"])
    result = planned(record, settings(muted_webhooks=[]))
    assert changes_of(result) == [("settings.muted_webhooks", ["calls"], [])]
    assert calls_of(result) == [("update-filters", {"callbackTypeFilters": [], "messageFilters": ["FILTER_FROM_PRIVATE_CHAT"]})]


# Setting received_and_delivery turns notify_sent_by_me on


def both(before: t.Any, declared: bool | None, **more: t.Any) -> Plan:
    fields: Expect = {"without": ["receiveCallbackSentByMe"]} if before == "unknown" else {"receiveCallbackSentByMe": before}
    expect: Expect = {"webhooks": {"received_and_delivery": NEW, **more}}
    return planned(make_record(**fields), expect if declared is None else {**expect, **settings(notify_sent_by_me=declared)})


@pytest.mark.parametrize(
    ("before", "declared", "change", "remaining"),
    [
        (False, None, (False, False, BOTH, "side_effect"), {}),
        (False, False, (False, False, BOTH, "side_effect"), {}),
        (True, False, (True, False, BOTH, None), {}),
        (None, False, (None, False, BOTH, "side_effect"), {}),
        ("unknown", False, (None, False, BOTH, "side_effect"), {SENT_BY_ME: "unknown"}),
        (False, True, (False, True, None, None), {}),
        (True, None, None, {}),
        (True, True, None, {}),
        ("unknown", True, None, {SENT_BY_ME: "unknown"}),
        ("unknown", None, None, {}),
        (None, None, None, {}),
    ],
)
def test_it_is_set_back_if_it_must_be_or_was_off(before: t.Any, declared: bool | None, change: t.Any, remaining: Expect) -> None:
    result = both(before, declared)
    first, *more = result.instances[0].changes
    shown = [(one.before, one.after, one.restores, one.note and one.note.code) for one in more]
    assert first.attribute.name == BOTH
    assert shown == ([change] if change else [])
    assert remaining_of(result) == remaining
    is_uncertain = before in (None, "unknown") and declared is None
    assert first.note == (Reason("side_effect_unknown", {"setting": SENT_BY_ME}) if is_uncertain else None)


def test_nothing_comes_between_the_webhook_and_what_sets_it_back() -> None:
    names = [
        change.attribute.name for change in both(False, None, presence_chat=NEW, received=NEW, delivery=NEW).instances[0].changes
    ]
    assert names.index(SENT_BY_ME) == names.index(BOTH) + 1


def test_unsetting_the_webhook_may_turn_it_on_and_other_webhooks_do_not() -> None:
    record = make_record(receivedAndDeliveryCallbackUrl=OLD)
    assert [name for name, _before, _after in changes_of(planned(record, webhooks(received_and_delivery=None)))] == [
        BOTH,
        SENT_BY_ME,
    ]
    assert len(changes_of(planned(record, webhooks(received=NEW, delivery=NEW)))) == 2


# What is refused


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ([{"name": "Ours", "expect": webhooks(received="http://h/?key=OpenSesame")}], 'expectation 1, "Ours": webhooks.received .*not an https URL'),
        ([{"expect": webhooks(received="https://{id}.example.com/x")}], "expectation 1: webhooks.received .*invalid host"),
        (
            [{"expect": {"webhook_hosts": ["h", "*.example.com"]}}, {"name": "New", "expect": webhooks(received="https://new.net/OpenSesame")}],
            'expectation 2, "New": webhooks.received .* has the host new.net, which the webhook_hosts of expectation 1 forbid',
        ),
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_set_is_refused_before_anything_is_written(declared: list[Expect], message: str) -> None:
    with pytest.raises(ExpectationError, match=message) as refused:
        planned([make_record(1), make_record(2, id="a b")], declared)
    assert "OpenSesame" not in str(refused.value)


@pytest.mark.parametrize(
    "declared",
    [
        [{"expect": webhooks(received="http://h/1")}],  # the instance has it
        [{"expect": {**webhooks(received=NEW), "webhook_hosts": ["h"]}}, {"expect": {"webhook_hosts": ["hooks.example.com"]}}],
        [{"expect": {**webhooks(received=NEW), "webhook_hosts": ["h"]}}, {"ignore": ["webhook_hosts"]}],
        [{"expect": {"webhook_hosts": ["h"]}}],
    ],
)
def test_only_urls_that_are_planned_are_refused_and_by_the_effective_hosts(declared: list[Expect]) -> None:
    planned(make_record(receivedCallbackUrl="http://h/1"), declared)


@pytest.mark.parametrize(
    ("expect", "is_refused"),
    [
        ({"whatsapp_connected": True, "webhook_hosts": ["h"], **webhooks(received_status=NEW)}, True),
        (webhooks(received=None), False),
        (settings(muted_webhooks=[]), False),
    ],
)
def test_expectations_that_name_nothing_that_can_be_set_are_refused(expect: Expect, is_refused: bool) -> None:
    ended = {"expect": webhooks(received=NEW), "until": "2020-01-01"}
    expectations = Expectations([{"expect": expect}, {"ignore": ["days_left"]}, ended], NOW)
    if is_refused:
        with pytest.raises(ExpectationError, match="no expectation names anything that can be set"):
            refuse_nothing_to_set(expectations)
    else:
        refuse_nothing_to_set(expectations)


# Why nothing may be written


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, None),
        ({"max_changes": "3"}, None),
        ({"max_changes": "25%"}, None),
        ({"max_changes": "2"}, Reason("too_many_changes", {"needed": 3, "managed": 4, "max_changes": "2", "limit": 2})),
    ],
)
def test_too_many_instances_are_a_problem_and_the_plan_is_there_all_the_same(options: t.Any, problem: Reason | None) -> None:
    records = [
        *(make_record(number) for number in (1, 2, 3)),
        make_record(4, receivedCallbackUrl=NEW),
        make_record(5, middleware="mobile"),
    ]
    result = planned(records, [{"match": {"middleware": "web"}, "expect": webhooks(received=NEW)}], **options)
    assert (result.problem, len(result.instances)) == (problem, 3)


def test_missing_instances_are_a_problem_unless_that_is_declared() -> None:
    declared: list[Expect] = [{"expect": webhooks(received=NEW)}, {"match": {"id": "gone"}, "ignore": ["webhooks"]}]
    rejected = [Rejected("X", Reason("credential_rejected"))]
    result = planned(make_record(), declared, rejected=rejected)
    assert result.problem == Reason("missing_instances", {"missing": [{"id": "gone", "name": None}, {"id": "X", "name": None}]})
    for on_missing in ("warn", "skip"):
        result = planned(make_record(), declared, rejected=rejected, on_missing=on_missing)
        assert (result.problem, len(result.audit.missing)) == (None, 2)


def test_expectations_that_match_nothing_are_a_problem() -> None:
    result = planned([make_record()], [{"match": {"name": "x*"}, "expect": webhooks(received=NEW)}])
    assert result.problem == Reason("nothing_managed", {"instances": 1})


@pytest.mark.parametrize(
    ("text", "managed", "limit"),
    [("0", 1000, 0), (" 12 ", 3, 12), ("25%", 1001, 250), ("25 %", 43, 10), ("25%", 44, 11), ("100%", 338, 338), ("0%", 1000, 10)],
)
def test_a_limit_is_a_number_or_a_percentage_with_at_least_ten(text: str, managed: int, limit: int) -> None:
    assert max_instances(text, managed) == limit


@pytest.mark.parametrize(
    "text", ["", "%", "all", "-1", "101%", "0.25", "25%%", "1e3", "½", "٣", "1 000", "1" * 20, "x" * 500, "1\n2"]
)
def test_any_other_limit_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="max_changes must be a number of instances, or a percentage such as 25%") as refused:
        max_instances(text, 100)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


# Which instances are asked before planning


@pytest.mark.parametrize(
    ("declared", "without", "fields", "call"),
    [
        (settings(auto_read_message=True), ["autoReadMessage"], {}, "me"),
        (settings(auto_read_message=True), ["autoReadStatus"], {}, None),
        ({"phone_number": "5511999990000"}, [], {}, "device"),
        (settings(muted_webhooks=["received"]), ["messageFilters"], {}, "me"),
        (settings(muted_webhooks=["received"]), ["autoReadStatus"], {}, None),
        (webhooks(received_and_delivery=NEW), ["receiveCallbackSentByMe"], {}, "me"),
        (webhooks(received_and_delivery=NEW), [], {}, None),
        (webhooks(received_and_delivery=NEW), ["receiveCallbackSentByMe"], {"receivedAndDeliveryCallbackUrl": NEW}, None),
        (webhooks(received_and_delivery=["https://h/{any}"]), ["receiveCallbackSentByMe"], {"receivedAndDeliveryCallbackUrl": "https://h/1"}, None),
        (webhooks(received_and_delivery=NEW), ["receiveCallbackSentByMe", "receivedAndDeliveryCallbackUrl"], {}, None),
        (webhooks(received=NEW), ["receiveCallbackSentByMe", "autoReadMessage"], {}, None),
    ],
)  # fmt: skip
def test_an_instance_is_asked_only_for_what_its_plan_depends_on(
    declared: Expect, without: list[str], fields: Expect, call: str | None
) -> None:
    records = [make_record(1, without=without, **fields), make_record(2, name="x", without=without)]
    needed = needed_calls(records, Expectations([{"match": {"name": "shop-*"}, "expect": declared}], NOW))
    assert needed == ({call: records[:1]} if call else {})


# Rollback


def test_the_rollback_declares_what_was_there_before() -> None:
    secret = "https://user:OpenSesame@hooks.example.com/hook?key=OpenSesame"
    record = make_record(
        receivedCallbackUrl=secret,
        receivedAndDeliveryCallbackUrl=OLD,
        callRejectMessage="Não",
        messageFilters=["FILTER_TEXT_MESSAGE"],
    )
    declared: Expect = {
        "webhooks": {"received": NEW, "received_and_delivery": NEW, "delivery": NEW},
        "settings": {"auto_read_message": True, "call_reject_message": None, "muted_messages": []},
    }
    result = planned([record, make_record(2, name="other")], [{"match": {"name": "shop-*"}, "expect": declared}])
    expectations, lost = rollback_expectations(result)
    assert lost == []
    assert expectations == [
        {
            "match": {"id": record.instance["id"]},
            "expect": {
                "webhooks": {"received": secret, "received_and_delivery": OLD, "delivery": None},
                "settings": {
                    "notify_sent_by_me": False,
                    "auto_read_message": False,
                    "call_reject_message": "Não",
                    "muted_messages": ["text"],
                },
            },
        }
    ]
    Expectations(expectations, NOW)


@pytest.mark.parametrize(
    ("fields", "declared"),
    [
        ({"receivedCallbackUrl": "http://old.example.net/"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https://old.example.net/{id}"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https://old.example.net/a b"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "https:///x"}, webhooks(received=NEW)),
        ({"receivedCallbackUrl": "{{ lookup('env', 'HOME') }}"}, webhooks(received=NEW)),
        ({"autoReadMessage": None}, settings(auto_read_message=True)),
        ({"callRejectMessage": "{{ x }}"}, settings(call_reject_message=None)),
        ({"callbackTypeFilters": ["FILTER_CALLS_CALLBACK"]}, settings(muted_webhooks=[])),
    ],
)
def test_what_no_expectation_can_declare_is_named(fields: Expect, declared: Expect) -> None:
    record = make_record(deliveryCallbackUrl=OLD, **fields)
    result = planned(record, {**declared, "webhooks": {**declared.get("webhooks", {}), "delivery": NEW}})
    expectations, lost = rollback_expectations(result)
    assert expectations == [{"match": {"id": record.instance["id"]}, "expect": {"webhooks": {"delivery": OLD}}}]
    assert len(lost) == 1
    assert lost[0][1] == record.instance["id"]


@given(st.text(max_size=12), st.booleans())
def test_what_is_in_a_rollback_is_parsed_as_it_was(text: str, is_url: bool) -> None:
    if is_url:
        result = planned(make_record(receivedCallbackUrl=f"https://old.example.net/{text}"), webhooks(received=NEW))
    else:
        result = planned(make_record(callRejectMessage=f"Não {text}"), settings(call_reject_message=None))
    expectations, lost = rollback_expectations(result)
    assert bool(expectations) is not bool(lost)
    if expectations:
        (requirement,) = Expectations(expectations, NOW).all[0].requirements
        assert requirement.declared == result.instances[0].changes[0].before


# An attribute that is not part of webhooks or settings


def test_a_top_level_attribute_with_a_call_is_set_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    record = make_record()
    expectations = Expectations([{"expect": {"payment_status": ["TRIAL", "PAID"], "middleware": "web"}}], NOW)
    expectation = expectations.all[0]
    requirements = tuple(one._replace(attribute=one.attribute._replace(call="update-x")) for one in expectation.requirements)
    monkeypatch.setattr(expectations, "all", [expectation._replace(requirements=requirements)])
    record.instance["payment_status"] = "OPEN"
    result = _plan.plan(audit([record], expectations, NOW))
    assert changes_of(result) == [("payment_status", "OPEN", "TRIAL")]
    assert calls_of(result) == [("update-x", {"value": "TRIAL"})]
    assert result.remaining == []


# A naive model of it


@hypothesis_settings(max_examples=150)
@given(fleets(), expectation_lists)
def test_a_naive_model_plans_the_same(fleet: t.Any, declared: list[Expect]) -> None:
    records = [with_problem(t.cast("Record", record_from_object(entry)), problem) for entry, problem in fleet]
    wishes = {entry["id"]: wishes_of(entry, declared) or {} for entry, _problem in fleet}
    models = {entry["id"]: plan_of(entry, problem, wishes[entry["id"]]) for entry, problem in fleet}
    if any(model.is_refused for model in models.values()):
        with pytest.raises(ExpectationError):
            planned(records, declared)
        return
    result = planned(records, declared, on_missing="skip", max_changes="2")

    def shown(change: Change) -> tuple[str, t.Any, t.Any, bool]:
        return change.attribute.name, change.before, change.after, change.restores is not None

    changes = {one.record.instance["id"]: [*map(shown, one.changes)] for one in result.instances}
    assert changes == {identity: model.changes for identity, model in models.items() if model.changes}
    remaining = {one.record.instance["id"]: [m.requirement.attribute.name for m in one.mismatches] for one in result.remaining}
    assert remaining == {identity: model.remaining for identity, model in models.items() if model.remaining}
    is_managed = any(wishes_of(entry, declared) is not None for entry, _problem in fleet)
    expected = "nothing_managed" if fleet and not is_managed else "too_many_changes" if len(changes) > 2 else None
    assert (result.problem and result.problem.code) == expected
