# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Drift in words, for people."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from itertools import islice

from ._attributes import BY_NAME, DAYS, HOSTS
from ._expectations import label

if t.TYPE_CHECKING:
    from ._drift import Audit, Row, Unmatched
    from ._expectations import Expectations

_FIRST_ROWS = 10
_FIRST_WARNINGS = 10


def message(result: t.Mapping[str, t.Any]) -> str:
    """Put an audit into words: how many of how many, what by attribute, what is missing, the first rows, how many more there are."""
    rows = result["drift"]
    missing = [row for row in rows if row["kind"] == "missing"]
    others = [row for row in rows if row["kind"] != "missing"]
    shown = [describe(row) for row in (*missing[:_FIRST_ROWS], *others[:_FIRST_ROWS])]
    lines = [_headline(result), *_by_attribute(result["summary"]["mismatches"]), *[f"- {line}" for line in shown]]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more: all rows are in the result as drift, and -v shows it")
    return "\n".join(lines)


def _headline(result: t.Mapping[str, t.Any]) -> str:
    summary = result["summary"]
    if summary["instances"] and not summary["managed"]:
        return f"no expectation matches any of the {summary['instances']} instances: nothing was asserted"
    if result["in_sync"]:
        return f"{summary['in_sync']} of {summary['managed']} managed instances are as declared, {summary['unmanaged']} unmanaged"
    counts = [f"{summary['drifted']} of {summary['managed']} managed instances drifted"]
    counts += [f"{summary['missing']} missing"] if summary["missing"] else []
    unmanaged = sum(row["kind"] == "unmanaged" for row in result["drift"])
    counts += [f"{unmanaged} unmanaged"] if unmanaged else []
    return f"{', '.join(counts)} (compliance {summary['compliance']} %)"


def _by_attribute(mismatches: t.Mapping[str, int]) -> list[str]:
    return [f"by attribute: {_frequent_first(mismatches)}"] if mismatches else []


def _frequent_first(counts: t.Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def describe(row: Row) -> str:
    """Put one row of drift into words."""
    if row["kind"] == "missing":
        named = [f"{key} {_shown(row[key])}" for key in ("id", "name") if row[key] is not None]
        return f"no instance has {' and '.join(named)} {_source(row)}"
    instance = instance_label(row)
    if row["kind"] == "unmanaged":
        return f"{instance}: no expectation matches it"
    only = {DAYS: "at least ", HOSTS: "only "}.get(BY_NAME[row["attribute"] or ""].kind, "")
    actual, expected = _values(row["actual"], " and "), _values(row["expected"], " or ")
    return f"{instance}: {row['attribute']} is {actual}, expected {only}{expected} {_source(row)}"


def _source(row: Row) -> str:
    parts = [] if row["expectation"] is None else [label(row["expectation"], row["expectation_name"])]
    parts += [row["note"]] if row["note"] else []
    return printable(f"({'; '.join(parts)})")


def converged(result: t.Mapping[str, t.Any], problem: t.Optional[str]) -> str:
    """Put a convergence into words: how many instances, what by attribute, what failed, the first ten of it, and what remains.

    Where ``changes`` are all planned, nothing has been set.
    """
    rows, counts = result["changes"], result["summary"]
    is_plan = all(row["status"] == "planned" for row in rows)
    lines = [_converged_headline(counts, is_plan=is_plan)]
    lines += [problem] if problem else []
    lines += _by_attribute(Counter(row["attribute"] for row in rows if is_plan or row["status"] == "changed"))
    told = _failures(rows, is_explained=problem is not None)
    lines += [
        f"- {instance_label(row)}: {row['attribute']}: {printable(row['error'] or row['note'] or '')}" for row in told[:_FIRST_ROWS]
    ]
    if len(told) > _FIRST_ROWS:
        lines.append(f"and {len(told) - _FIRST_ROWS} more: all rows are in the result as changes, and -v shows it")
    if result["remaining"]:
        left = Counter(row["attribute"] or row["kind"] for row in result["remaining"])
        lines.append(
            f"left for people: {_frequent_first(left)}; these rows are in the result as remaining, and zapi.zapi.audit tells them"
        )
    return "\n".join(lines)


def _failures(rows: t.Sequence[t.Mapping[str, t.Any]], *, is_explained: bool) -> list[t.Mapping[str, t.Any]]:
    """Return the rows that failed, and, unless that is explained, those not tried of instances that have no such row."""
    failed = [row for row in rows if row["status"] == "failed"]
    if not is_explained:
        ids = {row["id"] for row in failed}
        failed += [row for row in rows if row["status"] == "not_tried" and row["id"] not in ids]
    return failed


def _converged_headline(counts: t.Mapping[str, int], *, is_plan: bool) -> str:
    of = f"of {counts['managed']} managed instances"
    if not counts["to_change"]:
        return f"0 {of} have to be changed"
    if is_plan:
        return f"{counts['to_change']} {of} would be changed"
    parts = [f"{counts['changed']} {of} changed"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{counts['not_tried']} not tried"] if counts["not_tried"] else []
    return ", ".join(parts)


def summary(declared: t.Mapping[str, t.Any]) -> str:
    """Say in one line what `Expectations.summary` counts."""
    items, attributes, named = declared["expectations"], declared["attributes"], declared["instances_named"]
    count = f"{items} expectation{'' if items == 1 else 's'} without a mistake"
    about = (
        f"{'it declares' if items == 1 else 'they declare'} {', '.join(attributes)}"
        if attributes
        else "nothing is declared, only ignored"
    )
    return f"{count}: {about}; {named or 'no'} instance{' is' if named == 1 else 's are'} named"


def warnings(expectations: Expectations, audit: Audit) -> list[str]:
    """Say what is no drift and yet can hardly be meant, once all instances have been added."""
    unmatched = audit.unmatched
    said = [*expectations.warnings]
    if not audit.looked_at and not audit.refused:
        said.append("the fleet is empty: there was no instance to look at")
    said += [_unmatched(one) for one in islice(unmatched, _FIRST_WARNINGS)]
    if len(unmatched) > _FIRST_WARNINGS:
        said.append(f"{len(unmatched) - _FIRST_WARNINGS} more expectations matched no instance")
    return [printable(warning) for warning in said]


def _unmatched(one: Unmatched) -> str:
    item = one.item
    if item.pattern is None:
        return f"{item.label} matched no instance"
    near = "" if one.nearest is None else f"; the nearest name is {_shown(one.nearest)}"
    return f"{item.label} matched no instance: look at its name {_shown(item.pattern)}{near}"


def _values(value: t.Any, between: str) -> str:
    return between.join(map(_shown, value)) if isinstance(value, list) and value else _shown(value)


def _shown(value: t.Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def instance_label(row: t.Mapping[str, t.Any]) -> str:
    """Return what messages call the instance of a row: its name and its id."""
    return f"{_shown(row['name'])} ({printable(row['id'] or '')})"


def printable(text: str) -> str:
    """Keep line breaks and control characters that a customer chose from passing for the message's own."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
