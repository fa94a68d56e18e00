# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Drift is decided here: a fleet compared with its expectations, instance by instance. No network; the time is passed in."""

from __future__ import annotations

import json
import typing as t
from collections import Counter

from ._attributes import CHOICE, DAYS, HOSTS, MUTED, MUTED_WITH, STATE, URL
from ._errors import OptionError
from ._hosts import declared_host, host_of
from ._redaction import mask_url, without_secrets
from ._selection import composed, nearest, refuse_unborne
from ._timestamps import is_possible, iso_8601

if t.TYPE_CHECKING:
    from ._expectations import Asked, Check, Expectation, Expectations
    from ._instance import Instance


class Row(t.TypedDict):
    """A row of drift. All keys are always there."""

    kind: str  # mismatch, missing or unmanaged
    id: t.Optional[str]
    name: t.Optional[str]
    attribute: t.Optional[str]
    expected: t.Any
    actual: t.Any
    expectation: t.Optional[int]  # its position in the list, from 1
    expectation_name: t.Optional[str]
    note: t.Optional[str]


class Mismatch(t.NamedTuple):
    """A check that an instance fails, with real values."""

    check: Check
    expected: t.Any
    actual: t.Any
    note: t.Optional[str]
    is_muted: bool = False  # a webhook that is not called
    holds_but_for_muting: bool = False  # its URL is one of those that are declared


class Unmatched(t.NamedTuple):
    """An item that matched no instance and names none either."""

    item: Expectation
    nearest: t.Optional[str]  # the name that is most like the one that it asks for


UNMANAGED_CHOICES = ("ignore", "report", "drift")
_NOT_TOLD = "the API did not tell"
_MUTED_NOTE = "muted: Z-API does not call this webhook, see settings.muted_webhooks"
_ALIKE = "the two differ in a masked part only, see show_url_secrets"
_DAY = 24 * 60 * 60 * 1000
_MOST_NAMES = 10_000  # that are kept to find the nearest one
_MOST_NEAREST = 10  # items for which it is looked for


class Audit:
    """Takes the instances of a fleet one by one and keeps only what is wrong.

    ``now`` is in epoch milliseconds. With ``only``, ids and exact names, no other instance is looked at; an empty one is an
    `OptionError`. ``mend`` gets an instance's mismatches, and returns those that have a row all the same. The rows are in `finish`'s
    return; an instance that is in sync leaves nothing but counts.
    """

    def __init__(
        self,
        expectations: Expectations,
        now: int,
        *,
        unmanaged: str = "ignore",
        only: t.Optional[t.Sequence[str]] = None,
        show_url_secrets: bool = False,
        mend: t.Optional[t.Callable[[Instance, Asked, list[Mismatch]], list[Mismatch]]] = None,
    ) -> None:
        if only is not None and not only:
            raise OptionError("only is an empty list: leave it out to look at every instance")
        self._mend = mend
        self._expectations = expectations
        self._now = now
        self._unmanaged = unmanaged
        self._show_url_secrets = show_url_secrets
        self._only = None if only is None else frozenset(map(composed, only))
        items = expectations.active
        self._unseen_ids = self._looked_for({item.match.identity for item in items if item.match.identity is not None})
        self._unseen_names = self._looked_for({item.match.name for item in items if item.match.name is not None})
        self._unborne = set(self._only or ())
        self._unmatched = {item.position for item in items}
        self._unmatched_patterns = {item.position for item in items if item.pattern is not None}
        self._names: dict[str, t.Sequence[t.Optional[str]]] = {}  # with their instance's tokens, for as long as one is looked for
        self.refused: dict[str, str] = {}
        self._rows: list[Row] = []
        self._counts: Counter[str] = Counter()
        self._mismatches: Counter[str] = Counter()

    def add(self, instance: Instance) -> None:
        """Compare one instance."""
        name = composed(instance["name"])
        if self._only is not None:
            if instance["id"] not in self._only and name not in self._only:
                return
            self._unborne -= {instance["id"], name}
        self._counts["instances"] += 1
        self._unseen_ids.discard(instance["id"])
        self._unseen_names.discard(name)
        positions = self._expectations.matching(instance, name)
        if self._unmatched:
            self._unmatched.difference_update(positions)
        if self._unmatched_patterns:
            self._remember(instance, positions)
        if not positions:
            self._counts["unmanaged"] += 1
            if self._unmanaged != "ignore":
                self._keep(_row("unmanaged", instance["id"], instance["name"]), instance)
            return
        asked = self._expectations.merged(positions)
        if asked.has_url and "settings.muted_webhooks" in (instance.get("unknown") or ()):
            self._counts["unverified"] += 1
        mismatches = list(find_mismatches(instance, asked, self._now))
        self._counts["drifted" if mismatches else "in_sync"] += 1
        if mismatches and self._mend is not None:
            mismatches = self._mend(instance, asked, mismatches)
        for mismatch in mismatches:
            self._mismatches[mismatch.check.attribute.name] += 1
            self._keep(self._mismatch(instance, mismatch), instance)

    def finish(self) -> dict[str, t.Any]:
        """Return ``in_sync``, ``drift``, ``summary`` and ``audited_at``, once all instances have been added."""
        missing = self._missing()
        counts = self._counts
        managed = counts["in_sync"] + counts["drifted"]
        unmanaged_drift = counts["unmanaged"] if self._unmanaged == "drift" else 0
        return {
            # Where none of the instances is managed, nothing has been asserted.
            "in_sync": not (counts["drifted"] or missing or unmanaged_drift or (counts["instances"] and not managed)),
            "drift": self._rows + missing,
            "summary": {
                "instances": counts["instances"],
                "managed": managed,
                "unmanaged": counts["unmanaged"],
                "in_sync": counts["in_sync"],
                "drifted": counts["drifted"],
                "missing": len(missing),
                "mismatches": dict(sorted(self._mismatches.items())),
                "compliance": _percent(counts["in_sync"], managed + len(missing)),
                "unverified": counts["unverified"],
            },
            "audited_at": iso_8601(self._now),
        }

    @property
    def looked_at(self) -> int:
        """How many instances were looked at."""
        return self._counts["instances"]

    @property
    def unborne(self) -> list[str]:
        """The terms of ``only`` that no instance bears, and that no item names: of those, there is a row."""
        return sorted(self._unborne - self._unseen_ids - self._unseen_names)

    def refuse_unborne(self) -> None:
        """Refuse terms of ``only`` that are `unborne`. Raises `OptionError`."""
        refused = f"; the server refuses the credentials of {', '.join(self.refused)}" if self.refused else ""
        refuse_unborne(self.unborne, refused)

    @property
    def unmatched(self) -> list[Unmatched]:
        """The items that matched no instance, but for those of which there is a row. With ``only`` nobody can know them."""
        if self._only is not None or not self.looked_at:
            return []
        items = [item for item in self._expectations.active if item.position in self._unmatched and not self._is_missing(item)]
        return [
            Unmatched(item, self._nearest(item.pattern) if item.pattern is not None and place < _MOST_NEAREST else None)
            for place, item in enumerate(items)
        ]

    def refuse(self, refused: t.Mapping[str, str]) -> None:
        """Take the ids whose credentials the server refused, and why: such an instance is not there."""
        self.refused = {identity: why for identity, why in refused.items() if self._only is None or identity in self._only}
        self._unborne -= set(self.refused)

    def _missing(self) -> list[Row]:
        """The rows of instances that are named, or whose credentials are given, and that are not there."""
        rows = [
            _row(
                "missing",
                item.match.identity,
                item.match.name,
                position=item.position,
                title=item.title,
                note=self.refused.get(item.match.identity or ""),
            )
            for item in self._expectations.active
            if self._is_missing(item)
        ]
        named = {row["id"] for row in rows}
        return rows + [_row("missing", identity, None, note=why) for identity, why in self.refused.items() if identity not in named]

    def _looked_for(self, terms: set[str]) -> set[str]:
        return terms if self._only is None else terms & self._only

    def _is_missing(self, item: Expectation) -> bool:
        return item.match.identity in self._unseen_ids or item.match.name in self._unseen_names

    def _remember(self, instance: Instance, positions: tuple[int, ...]) -> None:
        """Keep a name for as long as a pattern has matched none: it may be the one that was meant."""
        self._unmatched_patterns.difference_update(positions)
        if not self._unmatched_patterns:
            self._names.clear()
        elif len(self._names) < _MOST_NAMES:
            self._names[instance["name"]] = instance.get("tokens", ())

    def _nearest(self, pattern: str) -> t.Optional[str]:
        name = nearest(pattern, self._names)
        return None if name is None else t.cast("str", without_secrets(name, self._names[name], name))

    def _keep(self, row: Row, instance: Instance) -> None:
        """Keep a row without the instance's own tokens, whatever text a customer has put them into."""
        texts = json.dumps([row["name"], row["expected"], row["actual"], row["note"]])
        kept: Row = without_secrets(row, instance.get("tokens", ()), texts)
        kept["id"] = instance["id"]
        self._rows.append(kept)

    def _mismatch(self, instance: Instance, mismatch: Mismatch) -> Row:
        check, expected, actual, note, *_muting = mismatch
        if check.attribute.kind == URL and not self._show_url_secrets:
            readable = (instance["id"], instance["name"])
            expected, actual = masked(expected, readable), masked(actual, readable)
            if satisfies(actual, expected) and not satisfies(mismatch.actual, mismatch.expected):
                note = f"{note}; {_ALIKE}" if note else _ALIKE
        return _row(
            "mismatch", instance["id"], instance["name"], check.attribute.name, expected, actual, check.position, check.title, note
        )


def find_mismatches(instance: Instance, asked: Asked, now: int) -> t.Iterator[Mismatch]:
    """Yield the checks that the instance fails. ``now`` is in epoch milliseconds."""
    unknown: t.Sequence[str] = instance.get("unknown") or ()
    if asked.attributes.isdisjoint(unknown):
        unknown = ()
    muted = (instance.get("settings") or {}).get("muted_webhooks")
    muted = _muted_webhooks(muted, asked) if muted and isinstance(muted, list) else None
    for check in asked.checks:
        attribute, note = check.attribute, None
        kind, actual = attribute.kind, attribute.value(instance)
        expected = check.expected(instance) if check.has_placeholders else check.declared
        if unknown and attribute.name in unknown:
            holds, note = False, _NOT_TOLD
        elif kind == DAYS:
            actual = _days_until(actual, now)
            holds = actual is not None and actual >= expected
        elif kind == HOSTS:
            actual, note = _foreign_hosts(actual, expected)
            holds = not actual
        elif kind == MUTED or not isinstance(expected, list):
            holds = actual == expected
        else:
            holds = actual in expected
        is_muted = bool(muted and kind == URL and expected is not None and attribute.part in muted)
        if is_muted:
            note = f"{note}; {_MUTED_NOTE}" if note else _MUTED_NOTE
        if is_muted or not holds:
            yield Mismatch(check, expected, actual, note or _note(kind, expected, actual), is_muted, holds)


def _muted_webhooks(muted: list[str], asked: Asked) -> set[str]:
    """Return the webhooks that are muted although nobody declared that."""
    declared = next((check.declared for check in asked.checks if check.attribute.name == "settings.muted_webhooks"), ())
    undeclared = set(muted).difference(declared)
    return undeclared | {event for event, other in MUTED_WITH.items() if other in undeclared}


def satisfies(actual: t.Any, expected: t.Any) -> bool:
    """Whether a value is the expected one, or one of those that are accepted."""
    return bool(actual in expected if isinstance(expected, list) else actual == expected)


def _note(kind: str, expected: t.Any, actual: t.Any) -> t.Optional[str]:
    """Say why a value is not the expected one, where that is not plain to see."""
    if kind in (STATE, CHOICE) and actual is None:
        return _NOT_TOLD
    if kind == CHOICE and actual.lower() in [text.lower() for text in (expected if isinstance(expected, list) else [expected])]:
        return "only upper and lower case differ"
    return None


def _foreign_hosts(webhooks: t.Mapping[str, t.Optional[str]], declared: list[str]) -> tuple[list[str], str]:
    """Return the hosts that webhooks post to and that are not declared, and by which webhooks.

    A URL that leads to no certain host stands for itself, without its secrets.
    """
    accepted = [declared_host(text) for text in declared]
    posting: dict[str, list[str]] = {}
    for event, url in webhooks.items():
        if url is not None:
            host = host_of(url)
            if host is None or not any(one is not None and one.holds(host) for one in accepted):
                posting.setdefault(mask_url(url) if host is None else str(host), []).append(event)
    return sorted(posting), f"posted to by {', '.join(event for host in sorted(posting) for event in posting[host])}"


def masked(value: t.Any, readable: t.Sequence[str]) -> t.Any:
    """Return a URL, a list of URLs or None without secrets; an instance's id and name, ``readable``, stay."""
    if isinstance(value, list):
        return [mask_url(url, readable) for url in value]
    return None if value is None else mask_url(value, readable)


def _days_until(moment: t.Any, now: int) -> t.Optional[int]:
    """Whole days, below 0 once the moment is over, or None where it is no possible date. Both are in epoch milliseconds."""
    return (moment - now) // _DAY if is_possible(moment) else None


def _row(
    kind: str,
    identity: t.Optional[str],
    name: t.Optional[str],
    attribute: t.Optional[str] = None,
    expected: t.Any = None,
    actual: t.Any = None,
    position: t.Optional[int] = None,
    title: t.Optional[str] = None,
    note: t.Optional[str] = None,
) -> Row:
    return {
        "kind": kind,
        "id": identity,
        "name": name,
        "attribute": attribute,
        "expected": expected,
        "actual": actual,
        "expectation": position,
        "expectation_name": title,
        "note": note,
    }


def _percent(part: int, whole: int) -> float:
    if part == whole:
        return 100.0
    # Rounding must not hide the one instance among thousands that is not in sync.
    return min(99.9, round(100 * part / whole, 1))
