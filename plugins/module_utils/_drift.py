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

from ._attributes import DAYS, URL
from ._redaction import mask_value, without_secrets
from ._timestamps import is_possible

if t.TYPE_CHECKING:
    from ._expectations import Check, Expectations
    from ._instance import Instance


class Row(t.TypedDict, total=False):
    """A row of drift. All keys are always there, but for ``note``."""

    kind: str  # mismatch, missing or unmanaged
    id: t.Optional[str]
    name: t.Optional[str]
    attribute: t.Optional[str]
    expected: t.Any
    actual: t.Any
    expectation: t.Optional[int]  # its position in the list, from 1
    note: str


UNMANAGED_CHOICES = ("ignore", "report", "drift")
_DAY = 24 * 60 * 60 * 1000


class Audit:
    """Takes the instances of a fleet one by one and keeps only what is wrong.

    ``now`` is in epoch milliseconds. The rows are in `finish`'s return; an instance that is in sync leaves nothing but counts.
    """

    def __init__(self, expectations: Expectations, now: int, *, unmanaged: str = "ignore", show_url_secrets: bool = False) -> None:
        self._expectations = expectations
        self._now = now
        self._unmanaged = unmanaged
        self._show_url_secrets = show_url_secrets
        self._unseen_ids = {item.match.identity for item in expectations.items if item.match.identity is not None}
        self._unseen_names = {item.match.name for item in expectations.items if item.match.name is not None}
        self._rows: list[Row] = []
        self._counts: Counter[str] = Counter()
        self._mismatches: Counter[str] = Counter()

    def add(self, instance: Instance) -> None:
        """Compare one instance."""
        self._counts["instances"] += 1
        self._unseen_ids.discard(instance["id"])
        self._unseen_names.discard(instance["name"])
        checks = self._expectations.checks(instance)
        if checks is None:
            self._counts["unmanaged"] += 1
            if self._unmanaged != "ignore":
                self._keep(_row("unmanaged", instance["id"], instance["name"]), instance)
            return
        mismatches = list(find_mismatches(instance, checks, self._now))
        self._counts["drifted" if mismatches else "in_sync"] += 1
        for check, expected, actual in mismatches:
            self._mismatches[check.attribute.name] += 1
            self._keep(self._mismatch(instance, check, expected, actual), instance)

    def _keep(self, row: Row, instance: Instance) -> None:
        """Keep a row without the instance's own tokens, whatever text a customer has put them into."""
        texts = json.dumps([row["name"], row["expected"], row["actual"]])
        kept: Row = without_secrets(row, instance.get("tokens", ()), texts)
        kept["id"] = instance["id"]
        self._rows.append(kept)

    def _mismatch(self, instance: Instance, check: Check, expected: t.Any, actual: t.Any) -> Row:
        row = _row("mismatch", instance["id"], instance["name"], check.attribute.name, expected, actual, check.position)
        if check.attribute.kind == URL and not self._show_url_secrets:
            row["expected"], row["actual"] = mask_value(expected), mask_value(actual)
            if _satisfies(row["actual"], row["expected"]):
                row["note"] = "the two differ in a masked part only, see show_url_secrets"
        return row

    def finish(self) -> dict[str, t.Any]:
        """Return ``in_sync``, ``drift`` and ``summary``, once all instances have been added."""
        missing = [
            _row("missing", item.match.identity, item.match.name, position=item.position)
            for item in self._expectations.items
            if item.match.identity in self._unseen_ids or item.match.name in self._unseen_names
        ]
        counts = self._counts
        managed = counts["in_sync"] + counts["drifted"]
        unmanaged_drift = counts["unmanaged"] if self._unmanaged == "drift" else 0
        return {
            "in_sync": not (counts["drifted"] or missing or unmanaged_drift),
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
            },
        }


def find_mismatches(instance: Instance, checks: t.Iterable[Check], now: int) -> t.Iterator[tuple[Check, t.Any, t.Any]]:
    """Yield (check, expected, actual) for each check that the instance fails. ``now`` is in epoch milliseconds."""
    for check in checks:
        expected, actual = check.expected(instance), check.attribute.value(instance)
        if check.attribute.kind == DAYS:
            actual = _days_until(actual, now)
            holds = actual is not None and actual >= expected
        else:
            holds = _satisfies(actual, expected)
        if not holds:
            yield check, expected, actual


def _satisfies(actual: t.Any, expected: t.Any) -> bool:
    return bool(actual in expected if isinstance(expected, list) else actual == expected)


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
) -> Row:
    return {
        "kind": kind,
        "id": identity,
        "name": name,
        "attribute": attribute,
        "expected": expected,
        "actual": actual,
        "expectation": position,
    }


def _percent(part: int, whole: int) -> float:
    if part == whole:
        return 100.0
    # Rounding must not hide the one instance among thousands that is not in sync.
    return min(99.9, round(100 * part / whole, 1))
