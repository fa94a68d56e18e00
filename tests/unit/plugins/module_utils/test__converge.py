# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A plan is carried out: the canary, the rest, what is read back, and what is said of each value on a bad day."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._api.pool import Pool
from ansible_collections.zapi.zapi.plugins.module_utils._converge import converge
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._plan import Change, Plan, needs_settings
from ansible_collections.zapi.zapi.tests.unit.service import (
    IGNORED,
    NO_CLIENT_TOKEN,
    TAKEN_500,
    VALUE_FALSE,
    Fault,
    Service,
    known,
)
from ansible_collections.zapi.zapi.tests.unit.support import (
    INSTANCE_TOKEN,
    PARTNER_TOKEN,
    assert_fit_for_users,
    ids,
    make_fleet,
    make_row,
)

NOW = 1_790_000_000_000
NEW = "https://hooks.example.com/new"
RECEIVED, AUTO_READ, FILTERS = "update-webhook-received", "update-auto-read-message", "update-filters"
BOTH, SENT_BY_ME = "update-webhook-received-delivery", "update-notify-sent-by-me"
CLIENT_TOKEN = "SimSalabim"
Items = list[dict[str, t.Any]]

WEBHOOK = ({"expect": {"webhooks": {"received": NEW}}},)
SETTING: Items = [{"expect": {"settings": {"auto_read_message": True}}}]
TWO: Items = [{"expect": {"webhooks": {"connected": NEW, "received": NEW}}}]
MIXED: Items = [{"expect": {"webhooks": {"received": NEW}, "settings": {"auto_read_message": True}}}]

OTHER_ID = Fault(200, {"id": "F" * 32, "receivedCallbackUrl": NEW})
# How a call fails without anybody knowing what has become of it
UNCERTAIN = [
    Fault(500, {"error": "trouble"}),
    Fault(503, b"<html>"),
    Fault(breaks=True),
    Fault(200, b"<html>"),
    Fault(200, []),
    Fault(200, {"error": "trouble"}),
    Fault(200, {"value": False}),
    Fault(302, b""),
]
# How the server refuses one instance, or one value
OWN = [
    Fault(401, {"error": "Unauthorized"}),
    Fault(403, {"error": "Forbidden"}),
    Fault(404, {"error": "Instance not found"}),
    Fault(400, {"error": "the value is no good"}),
    Fault(404, b"<html>"),
    Fault(422, b""),
]
FOR_ALL = [
    NO_CLIENT_TOKEN,
    Fault(403, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"}),
    Fault(403, {"error": "[IP request] not allowed"}),
    Fault(200, {"error": "null not allowed"}),
]


def taken(fault: Fault) -> Fault:
    return Fault(fault.status, fault.body, takes=True, breaks=fault.breaks)


@dataclass
class Done:
    """How it ended."""

    plan: Plan
    stopped: str | None

    @property
    def changes(self) -> list[Change]:
        return [change for turn in self.plan.turns for change in turn.changes]

    @property
    def statuses(self) -> list[str]:
        """What became of each row: the first letter, and what nobody can know in capitals."""
        short = {"changed": "c", "failed": "f", "not_tried": "n"}
        return [
            "".join(
                short[change.status].upper() if change.status == "failed" and change.may_have_taken_effect else short[change.status]
                for change in turn.changes
            )
            for turn in self.plan.turns
        ]

    @property
    def errors(self) -> list[str | None]:
        return [change.error for change in self.changes]

    @property
    def notes(self) -> list[str | None]:
        return [change.note for change in self.changes]


def run(service: Service, items: t.Sequence[dict[str, t.Any]] = WEBHOOK, *, verify: bool = True, **options: t.Any) -> Done:
    """Plan and carry it out; the service then remembers only what was asked after the plan."""
    expectations = Expectations(items, NOW)

    def build(pages: t.Any) -> Plan:
        plan = Plan(expectations, NOW, only=None, show_url_secrets=False)
        for page in pages:
            for instance in page:
                plan.add(instance)
        return plan

    with service, make_fleet(**{"retries": 0, "concurrency": 1, **options}) as fleet:
        plan = fleet.compare(build, needs_settings=needs_settings(expectations))
        service.requests.clear()
        service.begin()
        stopped = converge(fleet, plan.turns, verify=verify)
    done = Done(plan, stopped)
    check(done, service)
    return done


def check(done: Done, service: Service) -> None:
    """What holds on any day."""
    planned = [(turn.identity, name, body) for turn in done.plan.turns for name, body, _changes in turn.calls()]
    for call in service.calls:
        assert call in planned
    sent = [(turn.identity, change.attribute.call) for turn in done.plan.turns for change in turn.changes if change.was_sent]
    assert {(identity, name) for identity, name, _body in service.calls} == set(sent)
    for change in done.changes:
        assert change.status in ("changed", "failed", "not_tried")
        assert (change.error is not None) is (change.status == "failed")
        if change.status == "not_tried":
            assert not change.was_sent
            assert not change.may_have_taken_effect
        for text in (change.error, change.note):
            if text is not None:
                assert_fit_for_users(text, None, [CLIENT_TOKEN, "OpenSesame"])
    if done.stopped is not None:
        assert_fit_for_users(done.stopped, None, [CLIENT_TOKEN, "OpenSesame"])


def fleet_of(count: int, **fields: t.Any) -> Service:
    return Service([known(number, **fields) for number in range(1, count + 1)])


def identity(number: int) -> str:
    return str(make_row(number)["id"])


def asked(service: Service) -> list[tuple[str | None, str]]:
    return [(request.identity and str(int(request.identity, 16)), request.name) for request in service.requests]


# A good day


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_the_canary_is_set_and_read_back_before_any_other(concurrency: int) -> None:
    service = fleet_of(5)
    done = run(service, MIXED, concurrency=concurrency)
    assert done.stopped is None
    assert done.statuses == ["cc"] * 5
    assert asked(service)[:3] == [("1", RECEIVED), ("1", AUTO_READ), ("1", "me")]
    assert {one for one, _name in asked(service)[3:] if one} == {"2", "3", "4", "5"}
    for number in range(1, 6):
        calls = [name for one, name, _body in service.calls if one == identity(number)]
        assert calls == [RECEIVED, AUTO_READ], "one after the other, in the order of the rows"
        row = service.row(number)
        assert (row["receivedCallbackUrl"], row["autoReadMessage"]) == (NEW, True)


def test_nothing_is_asked_where_there_is_nothing_to_do() -> None:
    service = fleet_of(3, receivedCallbackUrl=NEW)
    assert run(service).stopped is None
    assert service.requests == []


def test_one_call_sets_two_rows() -> None:
    service = fleet_of(2)
    items: Items = [{"expect": {"settings": {"muted_webhooks": ["delivery"], "muted_messages": ["text"]}}}]
    done = run(service, items)
    assert done.statuses == ["cc", "cc"]
    assert [name for _one, name, _body in service.calls] == [FILTERS, FILTERS]
    assert service.row(2)["messageFilters"] == ["FILTER_TEXT_MESSAGE"]


def test_the_side_effect_is_gone_in_the_end() -> None:
    service = fleet_of(2)
    done = run(service, [{"expect": {"webhooks": {"received_and_delivery": NEW}}}])
    assert done.statuses == ["cc", "cc"]
    assert [name for _one, name, _body in service.calls] == [BOTH, SENT_BY_ME] * 2
    assert [row["receiveCallbackSentByMe"] for row in service.rows] == [False, False]


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_no_more_calls_are_under_way_than_are_allowed(concurrency: int) -> None:
    service = fleet_of(12)
    service.pause = 0.01
    assert run(service, MIXED, concurrency=concurrency).statuses == ["cc"] * 12
    assert service.most_under_way == concurrency


@pytest.mark.parametrize("body", [b"", b" ", {}, {"value": True}, {"value": None}])
def test_an_answer_need_not_say_much(body: t.Any) -> None:
    service = fleet_of(2)
    service.faults[None, RECEIVED] = Fault(200, body, takes=True)
    assert run(service).statuses == ["c", "c"]


def test_one_put_for_each_value_and_no_other() -> None:
    service = fleet_of(20)
    for number in range(1, 21, 2):
        service.row(number)["receivedCallbackUrl"] = NEW
    items: Items = [{"expect": {"webhooks": {"received": NEW, "delivery": None}, "settings": {"auto_read_message": True}}}]
    run(service, items, concurrency=8)
    expected: list[tuple[str, str, dict[str, t.Any]]] = [(identity(number), AUTO_READ, {"value": True}) for number in range(1, 21)]
    expected += [(identity(number), RECEIVED, {"value": NEW}) for number in range(2, 21, 2)]
    assert sorted(service.calls, key=str) == sorted(expected, key=str)


# What opens the calls


@pytest.mark.parametrize("client_token", [CLIENT_TOKEN, None])
def test_each_call_carries_its_own_key(client_token: str | None) -> None:
    service = fleet_of(3)
    service.client_token = client_token
    done = run(service, MIXED, client_token=client_token)
    assert done.statuses == ["cc"] * 3
    assert {request.name for request in service.requests} == {RECEIVED, AUTO_READ, "me", "instances"}
    for request in service.requests:
        if request.identity is None:
            assert request.headers["Authorization"] == f"Bearer {PARTNER_TOKEN}"
            assert "Client-Token" not in request.headers
        else:
            assert "Authorization" not in request.headers
            assert request.headers.get("Client-Token") == client_token
            assert PARTNER_TOKEN not in str(request.headers)


def test_with_credentials_nothing_is_listed() -> None:
    service = fleet_of(3)
    keys = [{"id": row["id"], "token": row["token"]} for row in reversed(service.rows)]
    done = run(service, MIXED, partner_token=None, credentials=keys)
    assert done.statuses == ["cc"] * 3
    assert ids([{"id": turn.identity} for turn in done.plan.turns]) == [identity(3), identity(2), identity(1)]
    assert service.asked("instances") == []
    assert sorted(service.asked("me"), key=str) == [identity(1), identity(2), identity(3)]
    assert all("Authorization" not in request.headers for request in service.requests)


# The canary


def canary_of(
    fault: Fault | None,
    name: str = RECEIVED,
    items: t.Sequence[dict[str, t.Any]] = WEBHOOK,
    me: Fault | None = None,
    **options: t.Any,
) -> tuple[Done, Service]:
    """What becomes of a fleet of four whose first instance goes wrong so."""
    service = fleet_of(4)
    if fault:
        service.faults[identity(1), name] = fault
    if me:
        service.begin = lambda: service.faults.update({(identity(1), "me"): me})  # type: ignore[method-assign]
    return run(service, items, **options), service


@pytest.mark.parametrize("fault", [*UNCERTAIN, IGNORED, Fault(200, b""), Fault(200, {})])
@pytest.mark.parametrize("verify", [True, False])
def test_a_canary_that_is_not_as_set_stops_everything(fault: Fault, verify: bool) -> None:
    done, service = canary_of(fault, verify=verify)
    assert done.statuses == ["f", "n", "n", "n"]
    assert "not as it was set to be, and no other one was touched" in str(done.stopped)
    assert asked(service) == [("1", RECEIVED), ("1", "me")]
    assert service.row(1)["receivedCallbackUrl"] == "https://hooks.example.com/1"


def test_an_old_value_is_told() -> None:
    assert canary_of(IGNORED)[0].errors[0] == "it was set, and still has its old value"
    assert "value" in str(canary_of(VALUE_FALSE)[0].errors[0])


@pytest.mark.parametrize("fault", UNCERTAIN)
@pytest.mark.parametrize("verify", [True, False])
def test_a_canary_that_has_its_value_all_the_same_is_changed(fault: Fault, verify: bool) -> None:
    done, _service = canary_of(taken(fault), verify=verify)
    assert done.stopped is None
    assert done.statuses == ["c", "c", "c", "c"]
    assert str(done.notes[0]).startswith("it is set, although PUT /instances/")
    assert done.notes[1:] == [None] * 3


def test_its_other_rows_are_not_tried_and_the_rest_goes_on() -> None:
    done, _service = canary_of(TAKEN_500, items=MIXED)
    assert done.stopped is None
    assert done.statuses == ["cn", "cc", "cc", "cc"]
    assert str(done.notes[1]).startswith("not tried, since a call before it failed: PUT /instances/")


def test_where_a_failed_row_says_why_those_not_tried_need_not() -> None:
    done, _service = canary_of(OWN[0], items=MIXED)
    assert done.statuses[0] == "fn"
    assert done.notes[1] is None


def test_a_canary_that_failed_and_of_which_nothing_is_told_stops_everything() -> None:
    service = fleet_of(3)
    service.hidden_from_me = {"receivedCallbackUrl"}
    service.faults[identity(1), RECEIVED] = Fault(500)
    done = run(service)
    assert done.statuses == ["F", "n", "n"]
    assert done.stopped is not None


@pytest.mark.parametrize("how", ["another value", "another value after an error"])
def test_a_canary_that_has_another_value_stops_everything_and_may_have_been_changed(how: str) -> None:
    service = fleet_of(2)
    service.twist = lambda row: row.update(receivedCallbackUrl=f"{NEW}/")
    if how != "another value":
        service.faults[identity(1), RECEIVED] = TAKEN_500
    done = run(service)
    assert done.statuses == ["F", "n"]
    assert done.errors[0] == "it was set, and has another value now" or "500" in str(done.errors[0])
    assert done.stopped is not None


def test_a_webhook_that_is_not_unset_is_an_old_value() -> None:
    service = fleet_of(2)
    service.faults[identity(1), RECEIVED] = IGNORED
    done = run(service, [{"expect": {"webhooks": {"received": None}}}])
    assert done.statuses == ["f", "n"]
    assert service.calls == [(identity(1), RECEIVED, {"value": ""})]


@pytest.mark.parametrize("unset", ["", None])
def test_a_webhook_that_is_unset_may_be_empty_or_null(unset: t.Any) -> None:
    service = fleet_of(2)
    service.twist = lambda row: row.update(receivedCallbackUrl=unset)
    assert run(service, [{"expect": {"webhooks": {"received": None}}}]).statuses == ["c", "c"]


@pytest.mark.parametrize("fault", OWN)
def test_a_canary_that_is_refused_for_a_reason_of_its_own_leaves_it_to_the_next_one(fault: Fault) -> None:
    done, service = canary_of(fault)
    assert done.stopped is None
    assert done.statuses == ["f", "c", "c", "c"]
    assert asked(service)[:4] == [("1", RECEIVED), ("1", "me"), ("2", RECEIVED), ("2", "me")]
    assert f"PUT /instances/{identity(1)}/{RECEIVED} " in str(done.errors[0])


@pytest.mark.parametrize("fault", OWN)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_up_to_three_are_tried(fault: Fault, count: int) -> None:
    service = fleet_of(count)
    service.faults[None, RECEIVED] = fault
    done = run(service)
    assert done.statuses == (["f", "f", "f"][:count] + ["n"] * (count - 3))
    assert "only" in str(done.stopped)
    assert "ignore" in str(done.stopped)
    assert {one for one, _name in asked(service)} == {str(number) for number in range(1, min(count, 3) + 1)}


def test_the_third_may_be_the_one() -> None:
    service = fleet_of(5)
    service.faults[identity(1), RECEIVED], service.faults[identity(2), RECEIVED] = OWN[0], OWN[3]
    done = run(service)
    assert done.stopped is None
    assert done.statuses == ["f", "f", "c", "c", "c"]


def test_the_second_may_be_wrong_where_the_first_was_refused() -> None:
    service = fleet_of(5)
    service.faults[identity(1), RECEIVED], service.faults[identity(2), RECEIVED] = OWN[0], IGNORED
    done = run(service)
    assert "not as it was set to be" in str(done.stopped)
    assert done.statuses == ["f", "f", "n", "n", "n"]


def test_a_canary_that_is_refused_half_way_is_read_back_and_leaves_it_to_the_next_one() -> None:
    done, service = canary_of(OWN[3], AUTO_READ, MIXED)
    assert done.stopped is None
    assert done.statuses == ["cf", "cc", "cc", "cc"]
    assert asked(service)[:3] == [("1", RECEIVED), ("1", AUTO_READ), ("1", "me")]


def test_not_where_what_it_was_set_to_before_is_not_there() -> None:
    service = fleet_of(3)
    service.faults[identity(1), RECEIVED], service.faults[identity(1), AUTO_READ] = IGNORED, OWN[3]
    done = run(service, MIXED)
    assert done.statuses == ["ff", "nn", "nn"]
    assert "not as it was set to be" in str(done.stopped)


@pytest.mark.parametrize("fault", FOR_ALL)
def test_a_refusal_that_holds_for_all_stops_at_the_canary(fault: Fault) -> None:
    done, service = canary_of(fault, client_token=CLIENT_TOKEN)
    assert done.statuses == ["f", "n", "n", "n"]
    assert done.stopped == done.errors[0]
    assert [one for one, _name in asked(service)] == ["1"]


def test_what_was_set_before_such_a_refusal_is_read_back() -> None:
    service = fleet_of(2)
    service.faults[identity(1), RECEIVED], service.faults[identity(1), AUTO_READ] = IGNORED, FOR_ALL[2]
    done = run(service, MIXED)
    assert done.statuses == ["ff", "nn"]
    assert done.errors[0] == "it was set, and still has its old value"
    assert "IP addresses" in str(done.stopped)


@pytest.mark.parametrize("me", [*UNCERTAIN[:6], *OWN, *FOR_ALL, OTHER_ID])
def test_a_canary_that_cannot_be_read_back_stops_everything(me: Fault) -> None:
    done, service = canary_of(None, me=me)
    assert done.statuses == ["c", "n", "n", "n"]
    assert "could not be read back, and no other one was touched" in str(done.stopped)
    assert str(done.notes[0]).startswith("not read back: ")
    assert [name for _one, name in asked(service)] == [RECEIVED, "me"]


@pytest.mark.parametrize("me", [UNCERTAIN[0], OTHER_ID])
def test_what_has_become_of_it_after_an_error_nobody_knows(me: Fault) -> None:
    done, _service = canary_of(TAKEN_500, me=me)
    assert done.statuses == ["F", "n", "n", "n"]
    assert "500" in str(done.errors[0])


def test_a_refusal_is_certain_even_if_nothing_is_read_back() -> None:
    done, _service = canary_of(OWN[3], me=UNCERTAIN[0])
    assert done.stopped is None
    assert done.statuses == ["f", "c", "c", "c"]


def test_what_me_does_not_hold_is_changed_with_a_note() -> None:
    service = fleet_of(3)
    service.hidden_from_me = {"receivedCallbackUrl"}
    done = run(service)
    assert done.stopped is None
    assert done.statuses == ["c", "c", "c"]
    assert done.notes == ["the API does not tell whether it is set", None, None]


# The rest


def rest_of(
    fault: Fault, name: str = RECEIVED, items: t.Sequence[dict[str, t.Any]] = WEBHOOK, **options: t.Any
) -> tuple[Done, Service]:
    """What becomes of a fleet of five whose third instance goes wrong so."""
    service = fleet_of(5)
    service.faults[identity(3), name] = fault
    return run(service, items, **options), service


@pytest.mark.parametrize("fault", [*UNCERTAIN, *OWN])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_failure_is_an_instances_own_matter(fault: Fault, concurrency: int) -> None:
    done, _service = rest_of(fault, concurrency=concurrency)
    assert done.stopped is None
    assert done.statuses == ["c", "c", "f", "c", "c"]
    assert f"PUT /instances/{identity(3)}/{RECEIVED} " in str(done.errors[2])


def test_it_ends_the_instances_turn() -> None:
    done, service = rest_of(OWN[0], items=MIXED)
    assert done.statuses == ["cc", "cc", "fn", "cc", "cc"]
    assert (identity(3), AUTO_READ, {"value": True}) not in service.calls


@pytest.mark.parametrize("fault", UNCERTAIN)
def test_what_was_taken_all_the_same_is_changed_where_it_is_read_back(fault: Fault) -> None:
    done, _service = rest_of(taken(fault))
    assert done.statuses == ["c"] * 5
    assert str(done.notes[2]).startswith("it is set, although ")
    done, _service = rest_of(taken(fault), verify=False)
    assert done.statuses == ["c", "c", "F", "c", "c"]


@pytest.mark.parametrize("fault", OWN)
def test_what_was_refused_is_certain_without_reading_back(fault: Fault) -> None:
    assert rest_of(fault, verify=False)[0].statuses == ["c", "c", "f", "c", "c"]


def test_trouble_that_passes_is_no_failure() -> None:
    for fault in (Fault(500, takes=True, times=1), Fault(429, times=2), Fault(breaks=True, times=1)):
        done, _service = rest_of(fault, retries=2)
        assert done.statuses == ["c"] * 5
        assert done.notes == [None] * 5


@pytest.mark.parametrize("fault", FOR_ALL)
def test_a_refusal_that_holds_for_all_stops_half_way(fault: Fault) -> None:
    done, _service = rest_of(fault, client_token=CLIENT_TOKEN)
    assert done.statuses == ["c", "c", "f", "n", "n"]
    assert done.stopped == done.errors[2]


def test_what_is_under_way_by_then_is_told_as_it_ends() -> None:
    service = fleet_of(20)
    service.pause = 0.02
    service.faults[identity(2), RECEIVED] = NO_CLIENT_TOKEN
    done = run(service, TWO, concurrency=4)
    tried = {one for one, _name, _body in service.calls}
    assert len(tried) <= 1 + 4 + 3
    for turn in done.plan.turns:
        assert any(change.was_sent for change in turn.changes) is (turn.identity in tried)
    assert done.stopped is not None
    assert done.statuses[-1] == "nn"


@pytest.mark.parametrize("fault", [UNCERTAIN[0], UNCERTAIN[6], OWN[0], OWN[3]])
def test_ten_that_fail_in_a_row_stop_everything(fault: Fault) -> None:
    service = fleet_of(20)
    service.faults.update({(identity(number), RECEIVED): fault for number in range(3, 21)})
    done = run(service)
    assert done.statuses == ["c", "c", *10 * ["f"], *8 * ["n"]]
    assert done.stopped == "10 instances failed in a row, and no other one was tried"


def test_with_more_at_once_those_under_way_are_told_as_they_end() -> None:
    service = fleet_of(40)
    service.faults.update({(identity(number), RECEIVED): OWN[3] for number in range(2, 41)})
    done = run(service, concurrency=8)
    assert 10 <= done.statuses.count("f") <= 10 + 7
    assert done.statuses.count("n") == 40 - 1 - done.statuses.count("f")


def test_nine_in_a_row_do_not() -> None:
    service = fleet_of(30)
    service.faults.update({(identity(number), RECEIVED): OWN[3] for number in range(2, 31) if number % 10})
    done = run(service)
    assert done.stopped is None
    assert done.statuses.count("f") == 26
    assert done.statuses[29] == "c"


def test_canaries_count_among_those_in_a_row() -> None:
    service = fleet_of(20)
    service.faults.update({(identity(number), RECEIVED): OWN[3] for number in range(1, 21) if number != 3})
    assert run(service).statuses == ["f", "f", "c", *10 * ["f"], *7 * ["n"]]


def refuse_threads(service: Service, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the machine have no thread for any call but the first ones."""
    submit, calls = Pool.submit, itertools.count()

    def refusing(self: Pool, work: t.Any) -> t.Any:
        if next(calls) >= after:
            raise RuntimeError("can't start new thread")
        return submit(self, work)

    service.begin = lambda: monkeypatch.setattr(Pool, "submit", refusing)  # type: ignore[method-assign]


# Two are for the canary, one for each other instance, and then each of these is listed.
@pytest.mark.parametrize(
    ("after", "statuses"),
    [
        (0, ["f", "n", "n"]),
        (1, ["c", "n", "n"]),
        (2, ["c", "f", "f"]),
        (3, ["c", "c", "f"]),
        (4, ["c", "c", "c"]),
        (6, ["c", "c", "c"]),
    ],
)
def test_a_machine_without_a_thread_to_spare_loses_nothing_of_what_was_done(
    monkeypatch: pytest.MonkeyPatch, after: int, statuses: list[str]
) -> None:
    service = fleet_of(3)
    refuse_threads(service, monkeypatch, after)
    done = run(service)
    assert done.statuses == statuses
    told = str([done.stopped, *done.errors, *done.notes])
    assert ("no thread to spare" in told) is (after < 6)


# What was read back


def test_webhooks_are_read_back_by_one_listing() -> None:
    service = fleet_of(30)
    run(service, concurrency=8)
    assert service.asked("me") == [identity(1)]
    assert service.asked("instances") == [None]


def test_a_few_are_asked_for_alone() -> None:
    service = fleet_of(30, receivedCallbackUrl=NEW)
    for number in (4, 9, 12):
        service.row(number)["receivedCallbackUrl"] = "https://old.example.net/"
    run(service, page_size=10)
    assert service.asked("me") == [identity(4)]
    assert len(service.asked("instances")) == 2


def test_settings_are_read_back_by_the_instances_own_call() -> None:
    service = fleet_of(4)
    done = run(service, SETTING)
    assert done.statuses == ["c"] * 4
    assert service.asked("me") == [identity(number) for number in range(1, 5)]
    assert service.asked("instances") == []


def test_webhooks_beside_settings_are_read_back_by_the_listing() -> None:
    """The documentation has no receivedAndDeliveryCallbackUrl in /me, whose setting brings a setting with it."""
    service = fleet_of(4)
    service.hidden_from_me = {"receivedAndDeliveryCallbackUrl"}
    service.faults[identity(3), BOTH] = IGNORED
    done = run(service, [{"expect": {"webhooks": {"received_and_delivery": NEW}}}])
    assert done.statuses == ["cc", "cc", "fc", "cc"]
    assert done.notes[::2] == ["the API does not tell whether it is set", None, None, None]


@pytest.mark.parametrize("items", [WEBHOOK, SETTING])
def test_without_verify_only_the_canary_is_read_back(items: Items) -> None:
    service = fleet_of(4)
    done = run(service, items, verify=False)
    assert done.statuses == ["c"] * 4
    assert service.asked("me") == [identity(1)]
    assert service.asked("instances") == []


@pytest.mark.parametrize(("items", "name"), [(WEBHOOK, RECEIVED), (SETTING, AUTO_READ)])
def test_an_old_value_that_is_still_there_is_a_failure(items: Items, name: str) -> None:
    done, _service = rest_of(IGNORED, name, items)
    assert done.stopped is None
    assert done.statuses == ["c", "c", "f", "c", "c"]
    assert done.errors[2] == "it was set, and still has its old value"


def test_what_a_listing_does_not_tell_is_changed_with_a_note() -> None:
    service = fleet_of(3)
    service.begin = lambda: service.hidden.add("receivedCallbackUrl")  # type: ignore[method-assign]
    done = run(service)
    assert done.statuses == ["c", "c", "c"]
    assert done.notes == [None, *2 * ["the API does not tell whether it is set"]]


def test_a_listing_that_fails_is_told_and_leaves_it_open() -> None:
    service = fleet_of(3)
    service.begin = lambda: service.faults.update({(None, "instances"): Fault(500)})  # type: ignore[method-assign]
    done = run(service)
    assert done.statuses == ["c", "c", "c"]
    assert "not all that was set could be read back: GET /instances" in str(done.stopped)
    assert [str(note).partition(":")[0] for note in done.notes] == ["None", "not read back", "not read back"]
    assert all(change.may_have_taken_effect for change in done.changes)


def test_an_instance_that_cannot_be_read_back_is_told() -> None:
    service = fleet_of(4)
    service.faults[identity(3), "me"] = Fault(500)
    done = run(service, MIXED)
    assert done.statuses == ["cc"] * 4
    assert "not all that was set could be read back" in str(done.stopped)
    assert [note is not None for note in done.notes] == [False] * 5 + [True] + [False] * 2


def test_an_instance_that_has_gone_is_told() -> None:
    service = fleet_of(3)
    service.twist = lambda row: service.rows.remove(row) if row["id"] == identity(3) else None
    done = run(service)
    assert done.statuses == ["c", "c", "c"]
    assert done.notes[2] == "not read back: the instance is not there any more"
    assert done.stopped is not None


def test_after_a_stop_what_was_sent_is_read_back_all_the_same() -> None:
    service = fleet_of(6)
    service.faults[identity(2), RECEIVED] = IGNORED
    service.faults[identity(3), RECEIVED] = TAKEN_500
    service.faults[identity(5), RECEIVED] = FOR_ALL[2]
    done = run(service)
    assert done.statuses == ["c", "f", "c", "c", "f", "n"]
    assert "IP addresses" in str(done.stopped)


def test_another_value_may_be_an_effect() -> None:
    service = fleet_of(3)
    service.twist = lambda row: row.update(receivedCallbackUrl=f"{NEW}/") if row["id"] == identity(3) else None
    done = run(service)
    assert done.statuses == ["c", "c", "F"]
    assert done.errors[2] == "it was set, and has another value now"


def test_what_a_server_does_not_set_back_is_a_failure_and_an_effect() -> None:
    service = fleet_of(3)
    service.faults[identity(2), SENT_BY_ME] = IGNORED
    done = run(service, [{"expect": {"webhooks": {"received_and_delivery": NEW}}}])
    assert done.statuses == ["cc", "cF", "cc"]


# No secret


SECRET_URL = "https://hooks.example.com/zapi/OpenSesame?key=OpenSesame"


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_no_error_repeats_what_was_set(status: int) -> None:
    for said in (SECRET_URL, SECRET_URL.partition("//")[2], SECRET_URL.replace("/", "\\/"), f"{INSTANCE_TOKEN}3 {SECRET_URL}"):
        for takes in (True, False):
            fault = Fault(status, {"error": f"{said} is no good"}, takes=takes)
            rest_of(fault, items=[{"expect": {"webhooks": {"received": SECRET_URL}}}])


def test_no_row_shows_another_token_that_a_server_repeats() -> None:
    service = fleet_of(4)
    service.row(3)["otherToken"] = "OtherWord"
    for takes in (True, False):
        service.faults[identity(3), RECEIVED] = Fault(500, {"error": "OtherWord is no good"}, takes=takes)
        done = run(service)
        shown = [row for turn in done.plan.turns for row in turn.rows(True)]
        assert "although" in str(shown[2]["note"]) or "500" in str(shown[2]["error"])
        assert "OtherWord" not in str(shown)
        service.rows = [known(number, **({"otherToken": "OtherWord"} if number == 3 else {})) for number in range(1, 5)]
