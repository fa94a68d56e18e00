# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""A plan is carried out here: one instance as the canary, then the rest, then a look at what it has become.

Only calls that are in the plan are made. What an instance has afterwards decides what is said of it, not what a call was answered.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ._api.single import call_of, row_of
from ._api.writing import check, put
from ._connection import Credential
from ._errors import RefusedCall, RefusedCredential, RefusedForAll, RequestError, ZapiError
from ._instance import Instance, comparable
from ._plan import CHANGED, FAILED, NOT_TRIED, PLANNED, Change, Turn

if t.TYPE_CHECKING:
    from concurrent.futures import Future

    from ._api.client import Answer, Task
    from ._api.listing import Instances
    from ._api.refusals import Call
    from ._fleet import Fleet

Told = t.Union[Instance, ZapiError]  # an instance as it was read back, or why it was not
PlannedCall = tuple[str, dict[str, t.Any], list[Change]]

_MOST_CANARIES = 3
_MOST_FAILURES = 10  # of instances in a row
_OLD_VALUE = "it was set, and still has its old value"
_OTHER_VALUE = "it was set, and has another value now"
_GONE = "the instance is not there any more"
_NOT_TOLD = "the API does not tell whether it is set"
_CANARY = "the first instance that was changed is not as it was set to be, and no other one was touched"
_CANARY_UNREAD = "the first instance that was changed could not be read back, and no other one was touched"
_ALL_REFUSED = (
    f"the server refused what was asked of the first instances, up to {_MOST_CANARIES}, and no other one was tried: go on without "
    "them with only, or with an item that names them and has ignore"
)
_TOO_MANY = f"{_MOST_FAILURES} instances failed in a row, and no other one was tried"
_UNREAD = "not all that was set could be read back"
_ENDED = "not tried, since a call before it failed"


def converge(fleet: Fleet, turns: t.Sequence[Turn], *, verify: bool) -> t.Optional[str]:
    """Do what is planned, and note in each change what became of it. Return why it stopped before its end, or is not certain.

    With ``verify`` all instances are read back, otherwise the canary alone.
    """
    if not turns:
        return None
    with fleet.client.task(independent=True) as task:
        run = _Run(fleet, task)
        rest = run.canary(turns)
        run.perform(rest)
        if verify:
            run.verify(rest)
    for turn in turns:
        run.end(turn)
    return run.stopped


@dataclass
class _Active:
    """A turn, and the call of it that is under way."""

    turn: Turn
    calls: t.Iterator[PlannedCall]
    call: Call
    changes: list[Change]


class _Run:
    def __init__(self, fleet: Fleet, task: Task) -> None:
        self.stopped: t.Optional[str] = None
        self._fleet = fleet
        self._client = fleet.client
        self._task = task
        self._failures = 0  # in a row
        self._errors: dict[str, ZapiError] = {}  # by id, of the instances whose turn has failed

    def canary(self, turns: t.Sequence[Turn]) -> t.Sequence[Turn]:
        """Change one instance and read it back. Return the others, or none where something is wrong with that.

        One that is refused for a reason of its own says nothing about the others: then the next one is the canary.
        """
        for number, turn in enumerate(turns[:_MOST_CANARIES], start=1):
            self.perform([turn])
            if self.stopped and not turn.has(CHANGED):
                return []
            told = self._ask([turn])[turn.identity]
            _read_back(turn, {"webhooks": told, "settings": told})
            if self.stopped:
                return []
            is_read = not isinstance(told, ZapiError)
            if is_read and all(change.status == CHANGED for change in turn.changes if change.was_sent):
                return turns[number:]
            is_own_matter = isinstance(self._errors.get(turn.identity), (RefusedCredential, RefusedCall))
            if not is_own_matter or any(change.error in (_OLD_VALUE, _OTHER_VALUE) for change in turn.changes):
                self.stopped = _CANARY if is_read else f"{_CANARY_UNREAD}: {told}"
                return []
        self.stopped = _ALL_REFUSED
        return []

    def perform(self, turns: t.Iterable[Turn]) -> None:
        """Make the calls of these instances: those of one after the other, those of several at once."""
        waiting = iter(turns)
        under_way: dict[Future[Answer], _Active] = {}
        while True:
            while not self.stopped and len(under_way) < self._client.connection.concurrency:
                turn = next(waiting, None)
                if turn is None:
                    break
                self._go_on(turn, iter(turn.calls()), under_way)
            if not under_way:
                return
            for answer in self._task.wait_for_any(under_way):
                self._take(under_way.pop(answer), answer, under_way)

    def _go_on(self, turn: Turn, calls: t.Iterator[PlannedCall], under_way: dict[Future[Answer], _Active]) -> None:
        """Make the next call of an instance, or end its turn."""
        if self.stopped:
            return
        planned = next(calls, None)
        if planned is None:
            self._failures = 0
            return
        name, body, changes = planned
        try:
            call, answer = put(self._task, Credential(turn.identity, turn.token), name, body)
        except ZapiError as error:  # no thread for it: what is done already is told all the same
            for change in changes:
                change.status, change.error = FAILED, str(error)
            self._fail(turn, error)
            return
        for change in changes:
            change.was_sent = True
        under_way[answer] = _Active(turn, calls, call, changes)

    def _take(self, active: _Active, answer: Future[Answer], under_way: dict[Future[Answer], _Active]) -> None:
        """Note what a call was answered."""
        try:
            check(self._client, self._task, active.call, answer)
        except ZapiError as error:
            is_refused = isinstance(error, (RefusedCredential, RefusedCall, RefusedForAll))
            for change in active.changes:
                change.status, change.error, change.is_certain = FAILED, str(error), is_refused
            self._fail(active.turn, error)
            return
        for change in active.changes:
            change.status = CHANGED
        self._go_on(active.turn, active.calls, under_way)

    def _fail(self, turn: Turn, error: ZapiError) -> None:
        self._errors[turn.identity] = error
        self._failures += 1
        if isinstance(error, RefusedForAll):
            self.stopped = str(error)
        elif self._failures == _MOST_FAILURES and not self.stopped:
            self.stopped = _TOO_MANY

    def verify(self, turns: t.Sequence[Turn]) -> None:
        """Read back what was sent to these instances: webhooks by a listing, where there is one, settings by their own calls."""
        is_listed = self._fleet.tells_middleware
        listed = {turn.identity for turn in turns if is_listed and turn.was_sent("webhooks")}
        by_me = self._ask([turn for turn in turns if turn.was_sent("settings") or (turn.was_sent("webhooks") and not is_listed)])
        by_listing = self._listed(listed)
        for turn in turns:
            own = by_me.get(turn.identity)
            unread = _read_back(turn, {"webhooks": by_listing.get(turn.identity, own), "settings": own})
            if unread is not None:
                self.stopped = self.stopped or f"{_UNREAD}: {unread}"

    def end(self, turn: Turn) -> None:
        """Note what was not tried. Where no row of the instance tells why its turn has ended, these do."""
        error = None if turn.has(FAILED) else self._errors.get(turn.identity)
        for change in turn.changes:
            if change.status == PLANNED:
                change.status = NOT_TRIED
                if error is not None:
                    change.note = _with(change.note, f"{_ENDED}: {error}")

    def _listed(self, ids: set[str]) -> dict[str, Told]:
        """Return these instances as a new listing has them."""

        def build(pages: Instances) -> dict[str, Instance]:
            return {instance["id"]: instance for page in pages for instance in page if instance["id"] in ids}

        if not ids:
            return {}
        try:
            found = self._fleet.compare(build, only=sorted(ids))
        except ZapiError as error:
            return dict.fromkeys(ids, error)
        return {identity: found.get(identity, RefusedCredential(_GONE)) for identity in ids}

    def _ask(self, turns: t.Sequence[Turn]) -> dict[str, Told]:
        """Return these instances as their own calls tell them."""
        credentials = [Credential(turn.identity, turn.token) for turn in turns]
        try:
            asked = [(one, call, self._task.start(call)) for one, call in ((one, call_of(one, "me")) for one in credentials)]
        except ZapiError as error:
            return {one.identity: error for one in credentials}
        return {one.identity: self._told(one, call, answer) for one, call, answer in asked}

    def _told(self, credential: Credential, call: Call, answer: Future[Answer]) -> Told:
        try:
            me = self._task.decode(call, self._task.wait(answer))
            if not isinstance(me, dict):
                return RequestError(f"{self._client.describe(call)} was answered with JSON of another shape: it is no object")
            return comparable(row_of(self._client, credential, me, {})) or RefusedCredential(_GONE)
        except ZapiError as error:
            return error


def _read_back(turn: Turn, told: t.Mapping[str, t.Optional[Told]]) -> t.Optional[ZapiError]:
    """Note in the changes of an instance what it has become, as it was told of webhooks and of settings.

    Return why something that was set could not be read back.
    """
    unread = None
    for change in turn.changes:
        now = told[change.attribute.key]
        if not change.was_sent or now is None:
            continue
        if isinstance(now, ZapiError):
            if change.status == CHANGED:
                change.note = _with(change.note, f"not read back: {now}")
                unread = now
        elif change.attribute.name not in now["unknown"]:
            _compare(change, change.attribute.value(now))
        elif change.status == CHANGED:
            change.note = _with(change.note, _NOT_TOLD)
    return unread


def _compare(change: Change, value: t.Any) -> None:
    if value in (change.before, change.after):
        change.is_certain = True
    if value == change.after:
        if change.error:
            change.note = _with(change.note, f"it is set, although {change.error}")
        change.status, change.error = CHANGED, None
    else:
        change.status = FAILED
        change.error = change.error or (_OLD_VALUE if value == change.before else _OTHER_VALUE)


def _with(note: t.Optional[str], more: str) -> str:
    return f"{note}; {more}" if note else more
