# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A convergence as results show it: rows of changes, the message, and the diff of values before and after."""

from __future__ import annotations

import json
import typing as t
from collections import Counter

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.outcome import Outcome, Status
from ansible_collections.zapi.zapi.plugins.module_utils._policy.placeholders import fold, own_parts

from .diff import Diff, diff_line
from .messages import MAX_SHOWN, by_attribute, frequent_first, instance_label, missing_text, unknown_filters
from .rows import Row, mask_reason, mismatch_row, missing_row, reason_dict, shown
from .texts import printable, quoted, text

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance
    from ansible_collections.zapi.zapi.plugins.module_utils._plan import Change, Plan
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask

_MAX_NAMES = 3  # of the instances of a group
_NEW_SECRET = "*** (new)"  # noqa: S105 - the new value of a change that differs only in a secret
_PLANNED = Outcome(Status.PLANNED)


def change_rows(plan: Plan, outcomes: t.Mapping[tuple[str, str], Outcome], mask: Mask) -> list[Row]:
    """Return the rows of changes, in the order of the plan. ``outcomes`` are by instance ID and attribute name."""
    return [
        _change_row(one.record.instance, change, outcomes.get((one.record.instance["id"], change.attribute.name), _PLANNED), mask)
        for one in plan.instances
        for change in one.changes
    ]


def remaining_rows(plan: Plan, mask: Mask) -> list[Row]:
    """Return the rows of drift that need manual action; missing instances last."""
    rows = [mismatch_row(one.record.instance, mismatch, mask) for one in plan.remaining for mismatch in one.mismatches]
    return rows + [missing_row(missing, mask) for missing in plan.audit.missing]


def plan_summary(plan: Plan, changes: t.Iterable[Row], remaining: t.Sized) -> dict[str, int]:
    """Return the counts of a convergence: of instances, except ``remaining``, which counts rows."""
    statuses: dict[str, set[str]] = {}
    for row in changes:
        statuses.setdefault(row["id"], set()).add(row["status"])
    return {
        "instances": plan.audit.instances,
        "managed": plan.audit.managed,
        "in_sync": plan.audit.in_sync_instances,
        "to_change": len(statuses),
        "changed": sum(found == {"changed"} for found in statuses.values()),
        "failed": sum("failed" in found for found in statuses.values()),
        "not_tried": sum("not_tried" in found and "failed" not in found for found in statuses.values()),
        "remaining": len(remaining),
    }


def plan_message(
    result: t.Mapping[str, t.Any],
    problem: t.Optional[Reason] = None,
    *,
    unverified: int = 0,
    planned_filters: t.Optional[Reason] = None,
) -> str:
    """Return the message of a convergence. ``result`` has ``changes``, ``remaining`` and ``summary``.

    ``problem`` is why nothing may be set, or why the run stopped, masked. If all changes are planned, nothing was set.
    ``unverified`` is the number of instances whose mute filters are unknown, ``planned_filters`` says of
    how many an audit would not know them.
    """
    rows, summary = result["changes"], result["summary"]
    is_plan = all(row["status"] == "planned" for row in rows)
    lines = [_plan_headline(summary, is_plan=is_plan, is_refused=is_plan and problem is not None)]
    failures, repetitions = _failures(rows, problem)
    lines += [f"{text(problem)}{f' ({repetitions} instances)' if repetitions > 1 else ''}"] if problem else []
    if problem and problem.code == "missing_instances":
        missing = [f"- {missing_text(row)}" for row in result["remaining"] if row["kind"] == "missing"]
        lines += missing[:MAX_SHOWN] + _more(len(missing), "remaining")
    lines += by_attribute(Counter(row["attribute"] for row in rows if is_plan or row["status"] == "changed"))
    lines += _shown_groups(change_groups(rows)) if is_plan else failures
    if result["remaining"]:
        remaining = Counter(row["attribute"] or row["kind"] for row in result["remaining"])
        lines.append(f"needs manual action: {frequent_first(remaining)}; run zapi.zapi.audit for details (result key remaining)")
    lines += unknown_filters(unverified)
    lines += [str(text(planned_filters))] if planned_filters else []
    return "\n".join(lines)


def plan_diff(changes: t.Iterable[Row]) -> list[Diff]:
    """Return the values before and after of equal changes that are planned or made. Groups of the same instances are one block."""
    blocks: dict[tuple[str, ...], list[ChangeGroup]] = {}
    for group in change_groups(row for row in changes if row["status"] in ("planned", "changed")):
        blocks.setdefault(tuple(row["id"] for row in group.rows), []).append(group)
    return [_block_diff(groups) for groups in blocks.values()]


class ChangeGroup(t.NamedTuple):
    """Changes of one attribute whose masked values are the same pattern of ``{id}`` and ``{name}``.

    The values of a single change are its own, without placeholders.
    """

    attribute: str
    before: t.Any
    after: t.Any
    rows: list[Row]


def change_groups(changes: t.Iterable[Row]) -> list[ChangeGroup]:
    """Group rows of changes, the largest group first."""
    by_attribute: dict[str, list[Row]] = {}
    for row in changes:
        by_attribute.setdefault(row["attribute"], []).append(row)
    groups: dict[str, ChangeGroup] = {}
    for attribute, rows in by_attribute.items():
        for row, before, after in zip(rows, _patterns(rows, "before"), _patterns(rows, "after")):
            key = json.dumps([attribute, before, after])
            groups.setdefault(key, ChangeGroup(attribute, before, after, [])).rows.append(row)
    return sorted(map(_with_own_values, groups.values()), key=lambda group: -len(group.rows))


def _patterns(rows: t.Sequence[Row], key: str) -> t.Sequence[t.Any]:
    """Return the values of the rows, with ``{id}`` and ``{name}`` in URLs."""
    urls = [row[key] if isinstance(row[key], str) and "://" in row[key] else None for row in rows]
    folded = fold(urls, [own_parts(t.cast("Instance", row)) for row in rows])
    return [row[key] if url is None else url for row, url in zip(rows, folded)]


def _with_own_values(group: ChangeGroup) -> ChangeGroup:
    first = group.rows[0]
    return group if len(group.rows) > 1 else group._replace(before=first["before"], after=first["after"])


def _change_row(instance: Instance, change: Change, outcome: Outcome, mask: Mask) -> Row:
    before, after = (shown(change.attribute, value, instance, mask) for value in (change.before, change.after))
    notes = [outcome.note, change.note]
    if before == after and change.before != change.after:
        after = _NEW_SECRET
        notes.append(Reason("masked_difference"))
    reasons = [mask_reason(one, mask, change.attribute, instance) for one in notes if one is not None]
    error = mask_reason(outcome.error, mask, change.attribute, instance) if outcome.error else None
    return {
        "id": instance["id"],
        "name": mask.text(instance["name"]),
        "attribute": change.attribute.name,
        "before": before,
        "after": after,
        "expectation": change.requirement.expectation,
        "expectation_name": change.requirement.expectation_name,
        "status": outcome.status.value,
        "error": text(error),
        "note": "; ".join(filter(None, map(text, reasons))) or None,
        "reason": reason_dict(error or next(iter(reasons), None)),
    }


def _plan_headline(counts: t.Mapping[str, int], *, is_plan: bool, is_refused: bool) -> str:
    managed = f"of {counts['managed']} managed instances"
    if is_refused or not counts["to_change"]:
        return f"{counts['to_change']} {managed} need changes"
    if is_plan:
        return f"{counts['to_change']} {managed} would be changed"
    parts = [f"{counts['changed']} {managed} changed"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{counts['not_tried']} not tried"] if counts["not_tried"] else []
    return ", ".join(parts)


def _shown_groups(groups: t.Sequence[ChangeGroup]) -> list[str]:
    lines = [_group_text(group) for group in groups[:MAX_SHOWN]]
    return lines + _more(len(groups), "changes")


def _group_text(group: ChangeGroup) -> str:
    who = instance_label(group.rows[0]) if len(group.rows) == 1 else f"{len(group.rows)} instances"
    notes = ", ".join(dict.fromkeys(row["note"] for row in group.rows if row["note"]))
    note = f" ({printable(notes)})" if notes else ""
    return f"{who}: {group.attribute} {_plain(group.before)} → {_plain(group.after)}{note}"


def _plain(value: t.Any) -> str:
    """Return a value for a line of a plan: URLs without quotes."""
    return printable(value) if isinstance(value, str) and "://" in value and " " not in value else quoted(value)


def _failures(rows: t.Sequence[Row], problem: t.Optional[Reason]) -> tuple[list[str], int]:
    """Return a line for each reason of failures, and how many instances failed because of the problem, which is not repeated.

    Without a problem, changes that were not tried have lines, too.
    """
    failed_ids = {row["id"] for row in rows if row["status"] == "failed"}
    by_reason: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == "failed" or (row["status"] == "not_tried" and not problem and row["id"] not in failed_ids):
            by_reason.setdefault(_reason_key(row["reason"]), []).append(row)
    repeated = by_reason.pop(_reason_key(reason_dict(problem)), []) if problem else []
    lines = [f"- {_failure_text(group)}" for group in by_reason.values()]
    return lines[:MAX_SHOWN] + _more(len(lines), "changes"), len({row["id"] for row in repeated})


def _reason_key(reason: t.Optional[Row]) -> str:
    """Return a text that is equal for equal reasons of different requests."""
    values = {name: value for name, value in (reason["values"] if reason else {}).items() if name != "request"}
    return json.dumps([reason and reason["code"], values], sort_keys=True)


def _failure_text(rows: t.Sequence[Row]) -> str:
    first = rows[0]
    line = printable(first["error"] or first["note"] or "not tried")
    by_id = list({row["id"]: row for row in rows}.values())
    attributes = ", ".join(dict.fromkeys(row["attribute"] for row in rows))
    if len(by_id) == 1:
        return f"{instance_label(first)}: {attributes}: {line}"
    # The name of a request contains the ID.
    return f"{len(by_id)} instances ({_names_text(by_id)}): {attributes}: {line.replace(first['id'], '{id}')}"


def _names_text(rows: t.Sequence[Row]) -> str:
    """Return the first names of the instances of rows, and how many more there are."""
    names = [quoted(row["name"]) for row in rows[:_MAX_NAMES]]
    more = f" and {len(rows) - _MAX_NAMES} more" if len(rows) > _MAX_NAMES else ""
    return ", ".join(names) + more


def _more(count: int, key: str) -> list[str]:
    return [f"and {count - MAX_SHOWN} more: all rows are in the result key {key}, which -v shows"] if count > MAX_SHOWN else []


def _block_diff(groups: t.Sequence[ChangeGroup]) -> Diff:
    rows = groups[0].rows
    label = instance_label(rows[0]) if len(rows) == 1 else f"{len(rows)} instances: {_names_text(rows)}"
    return {
        "before_header": label,
        "after_header": label,
        "before": "".join(diff_line(group.attribute, group.before) for group in groups),
        "after": "".join(diff_line(group.attribute, group.after) for group in groups),
    }
