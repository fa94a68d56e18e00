# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A plan is applied to an emulated fleet: the canary, the others, what is read back, and the outcome of each change."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils import _apply
from ansible_collections.zapi.zapi.plugins.module_utils._apply import Applied, apply
from ansible_collections.zapi.zapi.plugins.module_utils._audit import audit
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._core.outcome import Outcome, Status
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import Pool
from ansible_collections.zapi.zapi.plugins.module_utils._plan import Plan, needed_calls, plan
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import text
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit.naive import NOW, make_object

NEW = "https://hooks.example.com/new"
RECEIVED, AUTO_READ, FILTERS = "update-webhook-received", "update-auto-read-message", "update-filters"
BOTH, SENT_BY_ME = "update-webhook-received-delivery", "update-notify-sent-by-me"
CLIENT_TOKEN = "SimSalabim"
Expect = dict[str, t.Any]
Fault = dict[str, t.Any]
Log = list[tuple[t.Optional[int], t.Optional[str]]]

WEBHOOK: Expect = {"webhooks": {"received": NEW}}
SETTING: Expect = {"settings": {"auto_read_message": True}}
MIXED: Expect = {**WEBHOOK, **SETTING}
WITH_SIDE_EFFECT: Expect = {"webhooks": {"received_and_delivery": NEW}, **SETTING}


def status(code: int, **options: t.Any) -> Fault:
    return {"kind": "status", "code": code, **options}


def body(value: t.Any, **options: t.Any) -> Fault:
    return {"kind": "body", "json": value, **options}


IGNORED: Fault = {"kind": "ignore"}
# A call fails, and may have taken effect
UNCERTAIN: list[Fault] = [
    status(500),
    status(503, html=True),
    {"kind": "drop"},
    {"kind": "html"},
    body(["ok"]),
    body({"error": "trouble"}),
    body({"value": False}),
    {"kind": "redirect", "location": "/x"},
    {"kind": "hang"},
]
# The server rejects one instance, or one value
OWN: list[Fault] = [status(401), status(403), status(404), status(422, message="no"), {"kind": "lapsed"}]
# It rejects everyone
FOR_ALL: list[Fault] = [
    status(400, message="your client-token is not configured"),
    status(403, message=f"Client-Token {CLIENT_TOKEN} not allowed"),
    {"kind": "ip_restricted"},
    body({"error": "null not allowed"}),
    body({"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}),
]


class Done(t.NamedTuple):
    plan: Plan
    applied: Applied
    log: Log  # the number of each instance (None: the listing), and its call
    bodies: list[t.Any]  # of the calls that set something
    fleet: list[dict[str, t.Any]]
    max_concurrent: int

    @property
    def outcomes(self) -> list[list[Outcome]]:
        keys = [[(one.record.instance["id"], change.attribute.name) for change in one.changes] for one in self.plan.instances]
        return [[self.applied.outcomes[key] for key in group] for group in keys]

    @property
    def statuses(self) -> str:
        """The outcomes of each instance: the first letter of the status, in upper case if it is uncertain."""
        return " ".join(
            "".join(one.status.value[0].upper() if one.is_uncertain else one.status.value[0] for one in group)
            for group in self.outcomes
        )

    @property
    def stopped(self) -> str | None:
        return self.applied.stopped and self.applied.stopped.code

    @property
    def puts(self) -> Log:
        return [(number, call) for number, call in self.log if (call or "").startswith("update-")]


def fault_of(number: int | None = None, fault: Fault | None = None, call: str | None = None, **options: t.Any) -> Fault:
    """A fault of the calls that set something, of one instance or of all."""
    of = {} if number is None else {"instance": f"{number:032X}"}
    of_call = {"method": "PUT"} if call is None else {"call": call}
    return {**(fault or status(500)), **of, **of_call, **options}


def run(
    fleet: int | list[dict[str, t.Any]],
    faults: t.Sequence[Fault] = (),
    declared: Expect | None = None,
    *,
    verify: bool = True,
    switches: dict[str, t.Any] | None = None,
    on_request: t.Callable[[Emulator, dict[str, t.Any]], object] | None = None,
    **options: t.Any,
) -> Done:
    """Plan for a fleet without faults, and apply the plan with faults. The log begins after the plan."""
    objects = [make_object(number) for number in range(1, fleet + 1)] if isinstance(fleet, int) else fleet
    with Emulator(objects, switches=switches, client_token=CLIENT_TOKEN) as emulator:
        defaults = {name: argument.get("default") for name, argument in CONNECTION_ARGUMENTS.items()}
        given = {
            "partner_token": emulator.partner_token,
            "client_token": CLIENT_TOKEN,
            "retries": 0,
            "concurrency": 1,
            "timeout": 0.5,
        }
        connection = Connection.from_options({**defaults, "api_url": emulator.url, **given, **options})
        with Fleet(connection) as api:
            expectations = Expectations([{"expect": declared or WEBHOOK}], NOW)
            records = api.list().records
            records = api.complete(records, needed_calls(records, expectations))
            planned = plan(audit(records, expectations, NOW), max_changes="100%")
            emulator.clear_requests()
            emulator.set_faults(faults)
            if on_request is not None:
                emulator.on_request = lambda entry: on_request(emulator, entry)
            applied = apply(planned, api, verify=verify)
        log = [(entry["instance"] and int(entry["instance"], 16), entry["call"]) for entry in emulator.requests]
        bodies = [entry["body"] for entry in emulator.requests if entry["method"] == "PUT"]
        done = Done(planned, applied, log, bodies, emulator.fleet, emulator.max_concurrent)
    check(done)
    return done


def check(done: Done) -> None:
    """What holds always."""
    planned = {(int(one.record.instance["id"], 16), call.name) for one in done.plan.instances for call in one.calls}
    assert set(done.puts) <= planned
    assert len(done.puts) == len(set(done.puts)), "no call is made twice"
    for outcome in done.applied.outcomes.values():
        assert outcome.status is not Status.PLANNED
        assert (outcome.error is not None) is (outcome.status is Status.FAILED)
    if all(outcome.status is Status.CHANGED for outcome in done.applied.outcomes.values()):
        assert done.applied.stopped is None
    reasons = [reason for outcome in done.applied.outcomes.values() for reason in (outcome.error, outcome.note)]
    for reason in [*reasons, done.applied.stopped]:
        shown = text(reason) or ""
        assert shown.isprintable()
        for secret in (CLIENT_TOKEN, "hocuspocus", "emulator-partner-token"):
            assert secret not in shown


# Nothing goes wrong


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_canary_is_set_and_read_back_before_any_other_instance(concurrency: int) -> None:
    done = run(5, declared=MIXED, concurrency=concurrency)
    assert (done.statuses, done.stopped) == ("cc cc cc cc cc", None)
    assert done.log[:3] == [(1, RECEIVED), (1, AUTO_READ), (1, "me")]
    for number in range(1, 6):
        assert [call for one, call in done.puts if one == number] == [RECEIVED, AUTO_READ], (
            "one after the other, in the order of the plan"
        )
    assert {(entry["receivedCallbackUrl"], entry["autoReadMessage"]) for entry in done.fleet} == {(NEW, True)}


def test_a_fleet_in_sync_gets_no_request() -> None:
    done = run([make_object(receivedCallbackUrl=NEW)])
    assert (done.applied, done.log) == (Applied({}, None), [])


def test_one_call_sets_both_muted_lists() -> None:
    done = run(2, declared={"settings": {"muted_webhooks": ["delivery"], "muted_messages": ["text"]}})
    assert (done.statuses, done.puts) == ("cc cc", [(1, FILTERS), (2, FILTERS)])
    assert done.bodies[0] == {"callbackTypeFilters": ["FILTER_DELIVERY_CALLBACK"], "messageFilters": ["FILTER_TEXT_MESSAGE"]}


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_no_more_calls_are_in_progress_than_allowed(concurrency: int) -> None:
    done = run(12, [{"kind": "latency", "seconds": 0.02, "method": "PUT"}], MIXED, concurrency=concurrency)
    assert done.statuses == " ".join(["cc"] * 12)
    assert done.max_concurrent == concurrency


@pytest.mark.parametrize(
    "answer", [{"text": ""}, {"text": " "}, {"json": {}}, {"json": {"success": True}}, {"json": {"value": None}}]
)
def test_the_response_to_a_call_may_say_little(answer: Fault) -> None:
    assert run(2, [fault_of(None, {"kind": "body", **answer}, taken=True)]).statuses == "c c"


def test_with_credentials_nothing_is_listed() -> None:
    objects = [make_object(number) for number in (1, 2, 3)]
    credentials = [{"id": one["id"], "token": one["token"]} for one in reversed(objects)]
    done = run(objects, declared=MIXED, partner_token=None, credentials=credentials)
    assert done.statuses == "cc cc cc"
    assert [number for number, call in done.log if call == "me"] == [3, 2, 1]
    assert (None, None) not in done.log


# The canary


@pytest.mark.parametrize(
    ("first", "canary"),
    [
        ({"paymentStatus": "OPEN"}, 2),
        ({"paymentStatus": None}, 2),
        ({"whatsappConnected": False}, 2),
        ({"whatsappConnected": None}, 2),
        ({"paymentStatus": "active"}, 1),
        ({"paymentStatus": "TRIAL"}, 1),
    ],
)
def test_the_canary_is_paid_and_connected_if_an_instance_is(first: dict[str, t.Any], canary: int) -> None:
    done = run([make_object(1, **first), make_object(2), make_object(3)])
    assert done.log[:2] == [(canary, RECEIVED), (canary, "me")]
    assert [number for number, _call in done.puts] == [canary, *({1, 2, 3} - {canary})]
    assert run([make_object(1, whatsappConnected=False), make_object(2, paymentStatus="")]).puts == [(1, RECEIVED), (2, RECEIVED)]


@pytest.mark.parametrize("fault", [*UNCERTAIN, IGNORED])
@pytest.mark.parametrize("verify", [True, False])
def test_a_canary_that_is_not_as_it_was_set_stops_everything(fault: Fault, verify: bool) -> None:
    done = run(3, [fault_of(1, fault)], verify=verify)
    assert (done.statuses, done.stopped) == ("f n n", "canary_differs")
    assert done.log == [(1, RECEIVED), (1, "me")]


@pytest.mark.parametrize("fault", UNCERTAIN)
def test_a_canary_that_is_as_it_was_set_is_changed_whatever_the_response_was(fault: Fault) -> None:
    done = run(3, [fault_of(1, fault, taken=True)], MIXED)
    assert (done.statuses, done.stopped) == ("cn cc cc", None)
    (first, second), *_others = done.outcomes
    assert (first.note and first.note.code, second.note and second.note.code) == ("set_despite_error", "after_failure")


@pytest.mark.parametrize(
    ("fault", "error"), [(IGNORED, "old_value"), (body({"value": False}), "value_false"), (status(500), "service_unavailable")]
)
def test_an_old_value_is_certain(fault: Fault, error: str) -> None:
    ((outcome,), _other) = run(2, [fault_of(1, fault)]).outcomes
    assert outcome.error
    assert (outcome.error.code, outcome.may_have_taken_effect) == (error, False)


def test_another_value_is_shown_and_may_be_an_effect() -> None:
    done = run(2, [fault_of(1, {"kind": "store", "value": f"{NEW}/"})])
    ((outcome,), _other) = done.outcomes
    assert (done.statuses, done.stopped) == ("F n", "canary_differs")
    assert outcome.error == Reason("other_value", {"value": f"{NEW}/"})
    ((outcome,), _other) = run(2, [fault_of(1, {"kind": "store", "value": f"{NEW}/"}), fault_of(1, taken=True)]).outcomes
    assert outcome.error
    assert outcome.error.code == "service_unavailable"
    assert outcome.note == Reason("other_value", {"value": f"{NEW}/"})


@pytest.mark.parametrize("fault", OWN)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_up_to_three_canaries_may_be_rejected_for_a_reason_of_their_own(fault: Fault, count: int) -> None:
    done = run(5, [fault_of(number, fault) for number in range(1, count + 1)])
    expected = ["f"] * count + ["c"] * (5 - count) if count < 3 else ["f", "f", "f", "n", "n"]
    assert (done.statuses.split(), done.stopped) == (expected, None if count < 3 else "canaries_rejected")
    assert done.log[:2] == [(1, RECEIVED), (1, "me")]
    assert len({number for number, _call in done.log if number}) == (5 if count < 3 else 3)


def test_the_next_canary_is_paid_and_connected_as_well() -> None:
    objects = [make_object(number, paymentStatus="PAID" if number in (2, 4) else "OPEN") for number in range(1, 5)]
    done = run(objects, [fault_of(2, OWN[0])])
    assert [number for number, _call in done.puts] == [2, 4, 1, 3]


def test_a_canary_that_is_rejected_half_way_leaves_it_to_the_next_one_if_the_rest_of_it_is_as_set() -> None:
    done = run(3, [fault_of(1, OWN[3], AUTO_READ)], MIXED)
    assert (done.statuses, done.stopped) == ("cf cc cc", None)
    done = run(3, [fault_of(1, OWN[3], AUTO_READ), fault_of(1, IGNORED, RECEIVED)], MIXED)
    assert (done.statuses, done.stopped) == ("ff nn nn", "canary_differs")


@pytest.mark.parametrize("fault", FOR_ALL)
def test_a_rejection_that_holds_for_all_stops_everything(fault: Fault) -> None:
    done = run(4, [fault_of(1, fault)])
    assert (done.statuses, done.log) == ("f n n n", [(1, RECEIVED)])
    assert done.applied.stopped == done.outcomes[0][0].error
    done = run(5, [fault_of(3, fault)], MIXED)
    assert done.statuses == "cc cc fn nn nn"
    assert done.applied.stopped == done.outcomes[2][0].error


def test_what_was_set_before_such_a_rejection_is_read_back() -> None:
    done = run(2, [fault_of(1, FOR_ALL[2], AUTO_READ), fault_of(1, IGNORED, RECEIVED)], MIXED)
    assert (done.statuses, done.stopped) == ("ff nn", "ip_not_allowed")
    assert done.outcomes[0][0].error == Reason("old_value")


UNREADABLE = [status(500), status(404), FOR_ALL[2], {"kind": "html"}, body({"id": "F" * 32})]


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_canary_that_cannot_be_read_back_stops_everything(fault: Fault) -> None:
    unreadable = {**fault, "method": "GET"}  # /me and the listing
    done = run(3, [unreadable])
    assert (done.statuses, done.stopped) == ("c n n", "canary_not_read_back")
    note = done.outcomes[0][0].note
    assert note
    assert (note.code, done.applied.stopped) == ("not_read_back", Reason("canary_not_read_back", dict(note.values)))
    done = run(3, [unreadable, fault_of(1, taken=True)])
    assert (done.statuses, done.stopped) == ("F n n", "canary_not_read_back")


@pytest.mark.parametrize("fault", UNREADABLE)
def test_if_me_is_rejected_the_canary_is_read_back_with_a_listing(fault: Fault) -> None:
    done = run(3, [{**fault, "call": "me"}])
    assert (done.statuses, done.stopped) == ("c c c", None)
    assert done.log[:3] == [(1, RECEIVED), (1, "me"), (None, None)]
    done = run(3, [{**fault, "call": "me"}, fault_of(1, IGNORED)])
    assert (done.statuses, done.stopped) == ("f n n", "canary_differs")


def test_what_me_does_not_return_is_read_back_with_a_listing() -> None:
    switches = {"me_without": ["receivedCallbackUrl"]}
    done = run(3, switches=switches)
    assert (done.statuses, done.stopped) == ("c c c", None)
    assert done.log[:3] == [(1, RECEIVED), (1, "me"), (None, None)]
    done = run(3, [fault_of(1, IGNORED)], switches=switches)
    assert (done.statuses, done.stopped) == ("f n n", "canary_differs")


def test_a_canary_that_proves_nothing_stops_everything() -> None:
    def hide(emulator: Emulator, entry: dict[str, t.Any]) -> None:
        if entry["call"] == "me":
            emulator.replace_fleet(
                [{key: value for key, value in one.items() if key != "receivedCallbackUrl"} for one in emulator.fleet]
            )

    done = run(3, on_request=hide)
    assert (done.statuses, done.stopped) == ("c n n", "canary_not_read_back")
    assert done.outcomes[0][0].note == Reason("not_returned")


# The others


@pytest.mark.parametrize("fault", [*UNCERTAIN, *OWN])
def test_a_failure_concerns_one_instance_and_ends_its_turn(fault: Fault) -> None:
    done = run(5, [fault_of(3, fault)], MIXED, concurrency=3)
    assert (done.statuses, done.stopped) == ("cc cc fn cc cc", None)
    assert (3, AUTO_READ) not in done.puts
    assert done.outcomes[2][1].note is None, "the row that failed has the error"


@pytest.mark.parametrize("fault", UNCERTAIN)
def test_without_verify_a_failed_call_is_uncertain_unless_it_was_rejected(fault: Fault) -> None:
    assert run(3, [fault_of(3, fault, taken=True)]).statuses == "c c c"
    assert run(3, [fault_of(3, fault, taken=True)], verify=False).statuses == "c c F"
    assert run(3, [fault_of(3, OWN[0])], verify=False).statuses == "c c f"


@pytest.mark.parametrize("fault", [status(500), OWN[0], OWN[3]])
def test_ten_failures_in_a_row_stop_everything(fault: Fault) -> None:
    done = run(15, [fault_of(number, fault) for number in range(3, 16)])
    assert (done.statuses, done.stopped) == (" ".join([*"cc", *"f" * 10, *"nnn"]), "failures_in_a_row")
    done = run(15, [fault_of(number, fault) for number in range(2, 15) if number != 8])
    assert (done.stopped, done.statuses.count("f")) == (None, 12)


def test_with_several_calls_at_once_those_in_progress_still_end() -> None:
    done = run(30, [fault_of(number, OWN[3]) for number in range(2, 31)], concurrency=4)
    assert 10 <= done.statuses.count("f") <= 13
    assert done.statuses.count("f") == len(done.puts) - 1


@pytest.mark.parametrize("fault", [status(500), FOR_ALL[2]])
def test_if_all_rows_are_changed_nothing_has_stopped(fault: Fault) -> None:
    numbers = range(2, 12) if fault["kind"] == "status" else [11]
    done = run(11, [fault_of(number, fault, taken=True) for number in numbers])
    assert (done.statuses, done.applied.stopped) == (" ".join("c" * 11), None)


# Reading back


def test_webhooks_are_read_back_with_one_listing_and_settings_with_me() -> None:
    done = run(20, concurrency=4)
    assert [entry for entry in done.log if not entry[1] or entry[1] == "me"] == [(1, "me"), (None, None)]
    done = run(4, declared=SETTING)
    assert [entry for entry in done.log if not entry[1] or entry[1] == "me"] == [(number, "me") for number in (1, 2, 3, 4)]


def test_a_listing_that_returns_settings_makes_me_needless_and_one_that_does_not_is_completed() -> None:
    assert [number for number, call in run(3, declared=MIXED).log if call == "me"] == [1]
    hidden = [{**make_object(number), "_me": {"autoReadMessage": False}} for number in (1, 2, 3)]
    for one in hidden:
        del one["autoReadMessage"]
    done = run(hidden, [fault_of(3, IGNORED, AUTO_READ)], MIXED)
    assert (done.statuses, done.outcomes[2][1].error) == ("cc cc cf", Reason("old_value"))
    assert [number for number, call in done.log if call == "me"] == [1, 2, 3]


@pytest.mark.parametrize("declared", [WEBHOOK, SETTING])
def test_without_verify_only_the_canary_is_read_back(declared: Expect) -> None:
    done = run(4, declared=declared, verify=False)
    assert done.statuses == "c c c c"
    assert [number for number, call in done.log if call in (None, "me")] == [1]


@pytest.mark.parametrize(("declared", "call"), [(WEBHOOK, RECEIVED), (SETTING, AUTO_READ)])
def test_an_old_value_that_is_still_there_is_a_failure(declared: Expect, call: str) -> None:
    done = run(4, [fault_of(3, IGNORED, call)], declared)
    assert (done.statuses, done.stopped, done.outcomes[2][0].error) == ("c c f c", None, Reason("old_value"))


def test_what_is_not_read_back_has_a_note() -> None:
    done = run(3, [{**status(500), "page": 1}])
    assert (done.statuses, done.stopped) == ("c c c", None)
    assert [outcome.note and outcome.note.code for (outcome,) in done.outcomes] == [None, "not_read_back", "not_read_back"]
    without_verify = run(3, [{**status(500), "page": 1}], verify=False)
    assert [outcome.note for (outcome,) in without_verify.outcomes] == [None, None, None]


def test_settings_are_read_back_even_if_the_listing_fails() -> None:
    done = run(3, [{**status(500), "page": 1}], MIXED)
    assert [[outcome.note is not None for outcome in group] for group in done.outcomes] == [
        [False, False],
        [False, False],
        [False, False],
    ]


def test_an_instance_that_is_gone_has_a_note() -> None:
    def remove(emulator: Emulator, entry: dict[str, t.Any]) -> None:
        if entry["instance"] is None:
            emulator.replace_fleet(emulator.fleet[:2])

    done = run(3, on_request=remove)
    assert done.statuses == "c c c"
    assert done.outcomes[2][0].note == Reason("not_read_back", {"error": Reason("instance_gone")})


# Side effects


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("fault", UNCERTAIN)
def test_a_side_effect_is_undone_whenever_the_call_may_have_taken_effect(fault: Fault, number: int, taken: bool) -> None:
    done = run(2, [fault_of(number, fault, BOTH, taken=taken)], WITH_SIDE_EFFECT)
    assert [call for one, call in done.puts if one == number] == [BOTH, SENT_BY_ME]
    assert done.fleet[number - 1]["receiveCallbackSentByMe"] is False
    assert done.statuses.split()[number - 1] == ("ccn" if taken else "fcn")


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("fault", OWN)
def test_a_call_that_was_rejected_has_none_unless_it_is_read_back_as_set(fault: Fault, number: int) -> None:
    done = run(3, [fault_of(number, fault, BOTH)], WITH_SIDE_EFFECT)
    assert [call for one, call in done.puts if one == number] == [BOTH]
    assert done.statuses.split()[number - 1] == "fnn"
    done = run(3, [fault_of(number, fault, BOTH, taken=True)], WITH_SIDE_EFFECT)
    assert [call for one, call in done.puts if one == number] == [BOTH, SENT_BY_ME]
    assert done.fleet[number - 1]["receiveCallbackSentByMe"] is False
    assert done.statuses.split()[number - 1] == "ccn"


def test_it_is_undone_before_anything_else_is_set_and_after_a_stop() -> None:
    faults = [{"kind": "latency", "seconds": 0.15, "instance": f"{3:032X}", "call": BOTH}, fault_of(2, FOR_ALL[2])]
    done = run(4, faults, WITH_SIDE_EFFECT, concurrency=2)
    assert (done.statuses, done.stopped) == ("ccc fnn ccn nnn", "ip_not_allowed")
    assert [call for number, call in done.puts if number == 1] == [BOTH, SENT_BY_ME, AUTO_READ]


def test_a_side_effect_that_stays_is_a_failure_and_an_effect() -> None:
    done = run(3, [fault_of(2, IGNORED, SENT_BY_ME)], WITH_SIDE_EFFECT)
    assert done.statuses == "ccc cFc ccc"


# The machine


# Two are for the canary, one for each other instance, and the last one for the listing.
@pytest.mark.parametrize(
    ("threads", "statuses", "stopped"),
    [
        (0, "f n n", "canary_not_read_back"),
        (1, "c n n", "canary_not_read_back"),
        (3, "c c f", None),
        (4, "c c c", None),
        (5, "c c c", None),
    ],
)
def test_without_another_thread_nothing_is_lost_of_what_was_done(
    monkeypatch: pytest.MonkeyPatch, threads: int, statuses: str, stopped: str | None
) -> None:
    submit, left = Pool.submit, threads

    def submit_while_threads_are_left(pool: Pool, *arguments: t.Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise RuntimeError("can't start new thread")
        submit(pool, *arguments)

    def apply_with_few_threads(*arguments: t.Any, **options: t.Any) -> Applied:
        monkeypatch.setattr(Pool, "submit", submit_while_threads_are_left)
        return _apply.apply(*arguments, **options)

    monkeypatch.setitem(globals(), "apply", apply_with_few_threads)
    done = run(3)
    assert (done.statuses, done.stopped) == (statuses, stopped)


def test_an_interruption_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: t.Any) -> t.NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(_apply, "check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(3)
