# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""What a convergence is going to do: which values of which instances are set, in which order, and what is left to people.

It is decided here before anything is written. No network; the time is passed in.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from ._attributes import BY_NAME, FILTERS, MUTED, STATE, URL, nested
from ._document import is_writable
from ._drift import Audit, Mismatch, find_mismatches, masked, satisfies
from ._errors import ExpectationError, OptionError
from ._expectations import label
from ._redaction import without_secrets

if t.TYPE_CHECKING:
    from ._attributes import Attribute
    from ._expectations import Asked, Check, Expectations
    from ._instance import Instance

PLANNED, CHANGED, FAILED, NOT_TRIED = "planned", "changed", "failed", "not_tried"

_BOTH = "webhooks.received_and_delivery"
_SENT_BY_ME = "settings.notify_sent_by_me"
_SET_BACK = "setting webhooks.received_and_delivery turns it on"
_WAS_UNKNOWN = "this turns settings.notify_sent_by_me on; whether it was, the API does not tell"
_UNKNOWN_LISTS = "one call sets both muted lists, and the API did not tell them"
_UNKNOWN_FILTER = "no call is known that mutes {}"
_NO_TOKEN = "the API did not tell the instance's token: it has no calls"  # noqa: S105
_NEW = "*** (new)"
_LIMIT = re.compile(r"\s*(\d{1,9})\s*(%?)\s*", re.A)
_LEAST = 10  # instances that any percentage allows


class ChangeRow(t.TypedDict):
    """A row of changes. All keys are always there."""

    id: str
    name: str
    attribute: str
    before: t.Any
    after: t.Any
    expectation: int
    expectation_name: t.Optional[str]
    status: str
    error: t.Optional[str]
    note: t.Optional[str]


@dataclass
class Change:
    """One value that is to be set, with real values."""

    attribute: Attribute
    before: t.Any
    after: t.Any
    check: Check  # why
    note: t.Optional[str] = None
    status: str = PLANNED
    error: t.Optional[str] = None
    was_sent: bool = False
    is_certain: bool = False  # the old or the new value was read back, or the server refused to change it

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether the instance has the value, or nobody can know: the call failed and nothing was read back, or another value was."""
        return self.status == CHANGED or (self.was_sent and not self.is_certain)


@dataclass
class Turn:
    """What is to be done to one instance. ``calls`` are made one after the other."""

    identity: str
    name: str
    token: str = field(repr=False)  # its credential
    secrets: t.Sequence[t.Optional[str]] = field(repr=False)  # all tokens of its row
    changes: list[Change]
    filters: dict[str, t.Any]  # the muted lists that no change is about, which one call sets together with those that are

    def calls(self) -> list[tuple[str, dict[str, t.Any], list[Change]]]:
        """Return the name of each call, its body, and the changes that it makes."""
        by_call: dict[str, list[Change]] = {}
        for change in self.changes:
            by_call.setdefault(str(change.attribute.call), []).append(change)
        return [(call, self._body(changes), changes) for call, changes in by_call.items()]

    def _body(self, changes: list[Change]) -> dict[str, t.Any]:
        body = {change.attribute.parameter: _sent(change.attribute, change.after) for change in changes}
        if changes[0].attribute.kind == MUTED:
            others = {BY_NAME[name].parameter: _sent(BY_NAME[name], value) for name, value in self.filters.items()}
            body = {**others, **body}
        return body

    def rows(self, show_url_secrets: bool) -> t.Iterator[ChangeRow]:
        """Yield the changes as they are shown: no token, and no secret of a URL unless ``show_url_secrets``."""
        for change in self.changes:
            before, after = change.before, change.after
            if change.attribute.kind == URL and not show_url_secrets:
                before, after = (masked(value, (self.identity, self.name)) for value in (before, after))
            row: ChangeRow = {
                "id": self.identity,
                "name": self.name,
                "attribute": change.attribute.name,
                "before": before,
                "after": after,
                "expectation": change.check.position,
                "expectation_name": change.check.title,
                "status": change.status,
                "error": change.error,
                "note": change.note,
            }
            row = without_secrets(row, self.secrets, json.dumps([self.name, before, after, change.error, change.note]))
            row["id"] = self.identity
            if row["before"] == row["after"] and change.before != change.after:
                row["after"] = _NEW
            yield row

    def was_sent(self, key: str) -> bool:
        """Whether anything was sent that stands under this key of an instance."""
        return any(change.was_sent and change.attribute.key == key for change in self.changes)

    def has(self, status: str) -> bool:
        """Whether a change of this instance has this status."""
        return any(change.status == status for change in self.changes)


class Plan:
    """Takes the instances of a fleet one by one, and keeps what is to be changed, and what remains for people.

    ``now`` is in epoch milliseconds; ``only`` and ``show_url_secrets`` are as in `Audit`, which ``audit`` is, of what remains.
    """

    def __init__(self, expectations: Expectations, now: int, *, only: t.Optional[t.Sequence[str]], show_url_secrets: bool) -> None:
        self._now = now
        self.audit = Audit(expectations, now, only=only, show_url_secrets=show_url_secrets, mend=self._mend)
        self.turns: list[Turn] = []
        self.add = self.audit.add

    def _mend(self, instance: Instance, asked: Asked, mismatches: list[Mismatch]) -> list[Mismatch]:
        """Plan what mends these mismatches, and return those that there will be all the same."""
        token = instance["tokens"][0]
        changes, notes = _planned(instance, asked, mismatches)
        if changes and not token:
            return [mismatch._replace(note=_NO_TOKEN) if mismatch.check.attribute.call else mismatch for mismatch in mismatches]
        if changes:
            planned = {change.attribute.name for change in changes}
            filters = {name: BY_NAME[name].value(instance) for name in FILTERS if name not in planned}
            self.turns.append(Turn(instance["id"], instance["name"], str(token), tuple(instance["tokens"]), changes, filters))
            mismatches = list(find_mismatches(_changed(instance, changes), asked, self._now))
        return [mismatch._replace(note=notes.get(mismatch.check.attribute.name, mismatch.note)) for mismatch in mismatches]

    def refuse_plain_urls(self) -> None:
        """Refuse to set a URL that is not https, which the API refuses. Raises `ExpectationError`."""
        for turn in self.turns:
            for change in turn.changes:
                if change.attribute.kind == URL and change.after is not None and not change.after.lower().startswith("https://"):
                    where = label(change.check.position, change.check.title)
                    raise ExpectationError(f"{where}: {change.attribute.name} is not an HTTPS URL, and Z-API refuses others")


def refuse_nothing_to_set(expectations: Expectations) -> None:
    """Refuse expectations that no call could make true. Raises `ExpectationError`."""
    if not any(check.attribute.call for item in expectations.active for check in item.checks):
        raise ExpectationError(
            "no expectation names anything that can be set: webhooks (but for received_status) and settings can. "
            "zapi.zapi.instance_audit asserts the rest"
        )


def needs_settings(expectations: Expectations) -> t.Callable[[Instance], bool]:
    """Return what tells whether an instance has to be asked for its settings before one can plan what to do to it."""

    def is_needed(instance: Instance) -> bool:
        asked = expectations.asked(instance)
        unknown = instance["unknown"]
        if any(name in unknown for name in asked.settings):
            return True
        if any(name in FILTERS for name in asked.settings) and any(name in unknown for name in FILTERS):
            return True
        return _SENT_BY_ME in unknown and _BOTH not in unknown and _BOTH in asked.attributes and _sets_both(instance, asked)

    return is_needed


def way_back(turns: t.Iterable[Turn]) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Return expectations that restore what is about to be changed, and what of it no expectation can declare."""
    items, lost = [], []
    for turn in turns:
        values: dict[str, t.Any] = {}
        for change in turn.changes:
            if _is_restorable(change):
                values[change.attribute.name] = change.before
            else:
                lost.append(f"{change.attribute.name} of {turn.identity}")
        if values:
            items.append({"match": {"id": turn.identity}, "expect": nested(values)})
    return items, lost


def _is_restorable(change: Change) -> bool:
    """Whether a convergence can set the value that was there before."""
    before = change.before
    if change.attribute.kind == URL and before is not None:
        return not set("{}") & set(before) and is_writable(before) and before.lower().startswith("https://")
    if change.attribute.kind == MUTED:
        return set(before) <= set(FILTERS[change.attribute.name])
    return before is not None if change.attribute.kind == STATE else is_writable(before or "")


def limit_of(max_changes: str, managed: int) -> int:
    """Return how many instances may be changed. Raises `OptionError`."""
    match = _LIMIT.fullmatch(max_changes)
    number = int(match[1]) if match else 0
    if match is None or (match[2] and number > 100):
        raise OptionError(f"max_changes must be a number of instances, or a percentage such as 25%, not {max_changes[:60]!r}")
    return max(_LEAST, managed * number // 100) if match[2] else number


def _planned(instance: Instance, asked: Asked, mismatches: list[Mismatch]) -> tuple[list[Change], dict[str, str]]:
    """Return the changes, in their order, and why which attributes cannot be set although there is a call for it."""
    changes = []
    problems = _problems_of_lists(instance, mismatches)
    for mismatch in mismatches:
        attribute = mismatch.check.attribute
        is_settable = attribute.call is not None and attribute.name not in instance["unknown"]
        if is_settable and attribute.name not in problems and not mismatch.holds_but_for_muting:
            wanted = mismatch.expected[0] if attribute.kind == URL and isinstance(mismatch.expected, list) else mismatch.expected
            changes.append(Change(attribute, mismatch.actual, wanted, mismatch.check))
    changes += _set_back(instance, asked, changes)
    return sorted(changes, key=_place), problems


def _place(change: Change) -> tuple[bool, bool, str]:
    """Return where a change comes: webhooks before settings.

    Right after the last webhook in the alphabet comes what undoes its side effect. Were it left out because another call fails, the
    next run could not know that it is missing.
    """
    attribute = change.attribute
    return attribute.key != "webhooks", attribute.name != _SENT_BY_ME, attribute.name


def _changed(instance: Instance, changes: list[Change]) -> Instance:
    """Return the instance as it will be."""
    parts: dict[str, dict[str, t.Any]] = {"webhooks": {**instance["webhooks"]}, "settings": {**instance["settings"]}}
    for change in changes:
        parts[change.attribute.key][str(change.attribute.part)] = change.after
    return t.cast("Instance", {**instance, **parts})


def _problems_of_lists(instance: Instance, mismatches: list[Mismatch]) -> dict[str, str]:
    """Return the muted lists that have to change and cannot be set, and why: one call sets both."""
    wanted = {mismatch.check.attribute.name: mismatch.expected for mismatch in mismatches if mismatch.check.attribute.kind == MUTED}
    unknown = [name for name in FILTERS if name in instance["unknown"]]
    if unknown:
        return {name: _UNKNOWN_LISTS for name in wanted if name not in unknown}
    lists = {name: wanted.get(name, BY_NAME[name].value(instance)) for name in FILTERS}
    uncalled = [one for name, ones in lists.items() for one in ones if one not in FILTERS[name]]
    return dict.fromkeys(wanted, _UNKNOWN_FILTER.format(", ".join(uncalled))) if uncalled else {}


def _set_back(instance: Instance, asked: Asked, changes: list[Change]) -> t.Iterator[Change]:
    """Yield what undoes the side effect of a webhook: with received_and_delivery, the API turns notify_sent_by_me on."""
    by_name = {change.attribute.name: change for change in changes}
    both = by_name.get(_BOTH)
    if both is None or _SENT_BY_ME in by_name:
        return
    check = next((one for one in asked.checks if one.attribute.name == _SENT_BY_ME), None)
    was = BY_NAME[_SENT_BY_ME].value(instance)
    if was is False or (check is not None and check.declared is False):
        yield Change(BY_NAME[_SENT_BY_ME], was, False, check or both.check, _SET_BACK)
    elif was is None:
        both.note = _WAS_UNKNOWN


def _sets_both(instance: Instance, asked: Asked) -> bool:
    check = next(one for one in asked.checks if one.attribute.name == _BOTH)
    return not satisfies(check.attribute.value(instance), check.expected(instance))


def _sent(attribute: Attribute, value: t.Any) -> t.Any:
    """Return a value as the API takes it."""
    if attribute.kind == MUTED:
        return [FILTERS[attribute.name][one] for one in value]
    return "" if value is None else value
