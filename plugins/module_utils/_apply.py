# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Applies a plan: one instance as the canary, then the others, then reads back what was set.

Only planned calls are made. What is read back decides the status of a change, not the response to its call.
"""

from __future__ import annotations

import typing as t

from ._core.errors import Reason, RequestError, Scope, ZapiError
from ._core.instance import SUBSCRIPTION_LAPSED, Instance, Record, is_unknown
from ._core.outcome import Outcome, Status
from ._zapi.reads import read_back
from ._zapi.writes import check, put

if t.TYPE_CHECKING:
    from ._core.options import Credential
    from ._fleet import Fleet
    from ._http.exchange import Pending
    from ._http.session import RequestGroup
    from ._plan import Change, InstancePlan, Plan, PlannedCall

MAX_CANARIES = 3
MAX_FAILURES = 10
"""Instances that fail in a row before everything stops."""
_PAID = frozenset(("PAID", "ACTIVE", "TRIAL"))

Key = tuple[str, str]  # ID of an instance, name of an attribute


class Applied(t.NamedTuple):
    """How the changes of a plan ended."""

    outcomes: dict[Key, Outcome]
    stopped: t.Optional[Reason]  # why not all calls were made


def apply(plan: Plan, fleet: Fleet, *, verify: bool) -> Applied:
    """Make the calls of a plan. With ``verify``, all instances are read back, otherwise the canary alone.

    A failure is an outcome, and never an exception.
    """
    if not plan.instances:
        return Applied({}, None)
    with fleet.session.group() as group:
        run = _Run(fleet, group)
        rest = run.change_canary(plan.instances)
        run.perform((one, one.calls) for one in rest)
        if verify:
            run.verify(rest)
    outcomes = {key: outcome for one in plan.instances for key, outcome in run.outcomes_of(one)}
    is_done = all(outcome.status is Status.CHANGED for outcome in outcomes.values())
    return Applied(outcomes, None if is_done else run.stopped)


class _ActiveCall(t.NamedTuple):
    """A call of an instance that is in progress, and those that follow it."""

    planned: InstancePlan
    call: PlannedCall
    following: list[PlannedCall]


class _Run:
    def __init__(self, fleet: Fleet, group: RequestGroup) -> None:
        self.stopped: t.Optional[Reason] = None
        self._fleet = fleet
        self._group = group
        self._failures = 0  # instances in a row
        self._errors: dict[str, RequestError] = {}  # the first one of each instance that failed
        self._outcomes: dict[Key, Outcome] = {}  # of the calls that were made
        self._unread: dict[Key, Reason] = {}  # why the value is still unknown after it was set
        self._read: set[Key] = set()

    def change_canary(self, instances: t.Sequence[InstancePlan]) -> t.Sequence[InstancePlan]:
        """Change one instance and read it back. Return the others; none if it is not as it was set.

        If the server rejects an instance for a reason of its own, this says nothing about the others: the next one is the canary.
        """
        canaries = sorted(instances, key=lambda one: not _is_paid_and_connected(one.record.instance))[:MAX_CANARIES]
        for number, canary in enumerate(canaries, start=1):
            self.perform([(canary, canary.calls)])
            made = [change for change in canary.changes if _key(canary, change) in self._outcomes]
            if not self.stopped or any(self._outcomes[_key(canary, change)].may_have_taken_effect for change in made):
                self._read_canary(canary)
            if self.stopped:
                return []
            if all(self._is_proven(canary, change) for change in made):
                tried = {one.record.instance["id"] for one in canaries[:number]}
                return [one for one in instances if one.record.instance["id"] not in tried]
            self.stopped = self._canary_problem(canary, made)
            if self.stopped:
                return []
        self.stopped = Reason("canaries_rejected", {"instances": len(canaries)})
        return []

    def perform(self, calls: t.Iterable[tuple[InstancePlan, list[PlannedCall]]]) -> None:
        """Make these calls: those of an instance one after the other, those of several instances at once."""
        waiting = iter(calls)
        in_progress: dict[Pending, _ActiveCall] = {}
        while True:
            while not self.stopped and len(in_progress) < self._fleet.session.concurrency:
                following = next(waiting, None)
                if following is None:
                    break
                self._continue(*following, in_progress)
            if not in_progress:
                return
            for pending in self._wait(in_progress):
                done = in_progress.pop(pending)
                self._finish(done, pending)
                self._continue(done.planned, done.following, in_progress)

    def verify(self, instances: t.Sequence[InstancePlan]) -> None:
        """Read back what was set: webhooks with a listing, if there is one, and with ``/me`` what that does not return."""
        if self._fleet.has_middleware:
            self._read_listing([one for one in instances if any(change.attribute.read is None for change in self._to_read(one))])
        self._read_me([one for one in instances if self._to_read(one)])
        self._restore(instances)

    def outcomes_of(self, planned: InstancePlan) -> t.Iterator[tuple[Key, Outcome]]:
        """Yield how the changes of an instance ended."""
        keys = [_key(planned, change) for change in planned.changes]
        error = self._errors.get(planned.record.instance["id"])
        has_failed = any(self._outcomes[key].status is Status.FAILED for key in keys if key in self._outcomes)
        for key in keys:
            outcome = self._outcomes.get(key)
            if outcome is None:
                # If another row of the instance has the error, this one need not repeat it.
                note = Reason("after_failure", {"error": error.reason}) if error and not has_failed else None
                outcome = Outcome(Status.NOT_TRIED, note=note)
            elif outcome.status is Status.CHANGED and key in self._unread:
                outcome = outcome._replace(note=self._unread[key])
            yield key, outcome

    # Calls

    def _continue(self, planned: InstancePlan, calls: list[PlannedCall], in_progress: dict[Pending, _ActiveCall]) -> None:
        """Start the next call of an instance, if there is one."""
        has_failed = planned.record.instance["id"] in self._errors
        if has_failed or self.stopped:
            calls = [call for call in calls if self._must_restore(planned, call)]
        if calls:
            call, *following = calls
            pending = put(self._group, _credential(planned), call.name, call.body)
            in_progress[pending] = _ActiveCall(planned, call, following)
        elif not has_failed:
            self._failures = 0

    def _wait(self, in_progress: t.Collection[Pending]) -> t.Collection[Pending]:
        try:
            return self._group.wait_for_any(in_progress)
        except RequestError as error:  # no thread is left; the calls in progress still end
            self.stopped = self.stopped or error.reason
            return ()

    def _finish(self, active: _ActiveCall, pending: Pending) -> None:
        outcome = Outcome(Status.CHANGED)
        try:
            check(self._group, pending)
        except RequestError as error:
            outcome = Outcome(Status.FAILED, error.reason, is_uncertain=not _is_without_effect(error))
            self._fail(active.planned.record.instance["id"], error)
        self._outcomes.update((_key(active.planned, change), outcome) for change in active.call.changes)

    def _fail(self, identity: str, error: RequestError) -> None:
        if identity not in self._errors:
            self._errors[identity] = error
            self._failures += 1
        if error.scope is Scope.ALL:
            self.stopped = self.stopped or error.reason
        elif self._failures == MAX_FAILURES:
            self.stopped = self.stopped or Reason("failures_in_a_row", {"instances": MAX_FAILURES})

    def _must_restore(self, planned: InstancePlan, call: PlannedCall) -> bool:
        """Return whether a call undoes a side effect that the call of a webhook may have had."""
        (change, *_others) = call.changes
        webhook = self._outcomes.get((planned.record.instance["id"], change.restores or ""))
        return webhook is not None and webhook.may_have_taken_effect and _key(planned, change) not in self._outcomes

    def _restore(self, instances: t.Iterable[InstancePlan]) -> None:
        """Undo the side effects of calls that were rejected, and yet were read back as set."""
        restored = []
        for one in instances:
            for call in one.calls:
                if self._must_restore(one, call):
                    self._finish(_ActiveCall(one, call, []), put(self._group, _credential(one), call.name, call.body))
                    restored.append(one)
        self._read_me(restored)

    # Reading back

    def _read_canary(self, canary: InstancePlan) -> None:
        self._read_me([canary])
        keys = {_key(canary, change) for change in canary.changes}
        if self._fleet.has_middleware and keys & self._outcomes.keys() - self._read:
            self._read_listing([canary])  # whatever the reason is that /me did not return it
        self._restore([canary])

    def _read_listing(self, instances: t.Sequence[InstancePlan]) -> None:
        if not instances:
            return
        ids = [one.record.instance["id"] for one in instances]
        try:
            found: dict[str, t.Union[Record, ZapiError]] = {one.instance["id"]: one for one in self._fleet.list(only=ids).records}
        except ZapiError as error:
            found = dict.fromkeys(ids, error)
        for one in instances:
            self._compare(one, found.get(one.record.instance["id"], _GONE), is_listing=True)

    def _read_me(self, instances: t.Sequence[InstancePlan]) -> None:
        found = read_back(self._fleet.session, [_credential(one) for one in instances]) if instances else {}
        for one in instances:
            self._compare(one, found[one.record.instance["id"]])

    def _to_read(self, planned: InstancePlan) -> list[Change]:
        """Return the changes that were sent and not read back, except those whose reading failed."""
        return [
            change
            for change in planned.changes
            if (key := _key(planned, change)) in self._outcomes
            and key not in self._read
            and self._unread.get(key, _NOT_RETURNED) == _NOT_RETURNED
        ]

    def _compare(self, planned: InstancePlan, found: t.Union[Record, ZapiError], *, is_listing: bool = False) -> None:
        """Compare an instance with the values that it was set to."""
        for change in planned.changes:
            key = _key(planned, change)
            if key not in self._outcomes or key in self._read:
                continue
            if isinstance(found, ZapiError):
                if not (is_listing and change.attribute.read):  # another call returns it
                    self._unread[key] = Reason("not_read_back", {"error": found.reason})
            elif is_unknown(found.instance, change.attribute.name):
                self._unread.setdefault(key, _NOT_RETURNED)
            else:
                self._outcomes[key] = _read_outcome(change, self._outcomes[key], change.attribute.value(found.instance))
                self._read.add(key)
                self._unread.pop(key, None)

    def _is_proven(self, canary: InstancePlan, change: Change) -> bool:
        """Return whether a change was read back as set. One that was unknown before may stay unknown."""
        key = _key(canary, change)
        was_unknown = is_unknown(canary.record.instance, change.attribute.name)
        return self._outcomes[key].status is Status.CHANGED and (key in self._read or was_unknown)

    def _canary_problem(self, canary: InstancePlan, made: t.Iterable[Change]) -> t.Optional[Reason]:
        """Return why no other instance is touched; None if the canary was rejected for a reason of its own."""
        error = self._errors.get(canary.record.instance["id"])
        is_own = error is not None and _is_without_effect(error) and error.scope in (Scope.INSTANCE, Scope.CALL)
        keys = [_key(canary, change) for change in made]
        differs = any(
            self._outcomes[key].status is Status.FAILED and not (error and self._outcomes[key].error == error.reason)
            for key in keys
        )
        if is_own and not differs:
            return None
        unread = next((self._unread[key] for key in keys if key in self._unread), None)
        if unread is None or differs:
            return Reason("canary_differs")
        return Reason("canary_not_read_back", {"error": unread.values.get("error", unread)})


_NOT_RETURNED = Reason("not_returned")
_GONE = RequestError(Reason("instance_gone"))


def _read_outcome(change: Change, outcome: Outcome, value: t.Any) -> Outcome:
    """Return the outcome of a change whose call was sent, now that the value was read back."""
    if value == change.after:
        return Outcome(Status.CHANGED, note=Reason("set_despite_error", {"error": outcome.error}) if outcome.error else None)
    is_old = value == change.before
    found = Reason("old_value") if is_old else Reason("other_value", {"value": value})
    if outcome.error:
        return Outcome(Status.FAILED, outcome.error, note=None if is_old else found, is_uncertain=not is_old)
    return Outcome(Status.FAILED, found, is_uncertain=not is_old)


def _is_without_effect(error: RequestError) -> bool:
    """Return whether a failed call certainly set nothing: it was rejected with an error, or never sent."""
    return error.reason.code == "no_thread" or (error.scope is not Scope.UNKNOWN and error.reason.code != "value_false")


def _is_paid_and_connected(instance: Instance) -> bool:
    is_paid = (instance["payment_status"] or "").upper() in _PAID and instance["problem"] != SUBSCRIPTION_LAPSED
    return is_paid and instance["whatsapp_connected"] is True


def _key(planned: InstancePlan, change: Change) -> Key:
    return planned.record.instance["id"], change.attribute.name


def _credential(planned: InstancePlan) -> Credential:
    return t.cast("Credential", planned.record.credential)  # _plan plans no call without one
