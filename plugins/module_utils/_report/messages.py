# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The message of an audit and what other messages share, from results whose values are masked."""

from __future__ import annotations

import typing as t
from itertools import groupby

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import BY_NAME, Kind
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason

from .rows import Row, mask_reason
from .texts import counted, printable, quoted, text

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask

Result = t.Mapping[str, t.Any]

MAX_SHOWN = 10
_UNKNOWN_FILTERS = "unknown_filters"
_QUALIFIERS = {Kind.DAYS: "at least ", Kind.HOSTS: "only "}


def audit_message(result: Result, warnings: t.Sequence[str] = ()) -> str:
    """Return the message of an audit. ``result`` has ``in_sync``, ``drift`` and ``summary``; ``warnings`` are those that strict counts."""
    rows, summary = result["drift"], result["summary"]
    missing = [row for row in rows if row["kind"] == "missing"]
    of_instances = [list(group) for _identity, group in groupby((row for row in rows if row["kind"] != "missing"), _identity_of)]
    lines = [_audit_headline(result)]
    lines += by_attribute(summary["mismatches"])
    lines += [f"- {missing_text(row)}" for row in missing[:MAX_SHOWN]]
    lines += [_instance_text(group) for group in of_instances[:MAX_SHOWN]]
    hidden = max(0, len(missing) - MAX_SHOWN) + max(0, len(of_instances) - MAX_SHOWN)
    lines += [f"and {hidden} more: all rows are in the result key drift, which -v shows"] if hidden else []
    lines += unknown_filters(summary["unverified"])
    lines += [f"- strict: {warning}" for warning in warnings]
    return "\n".join(lines)


def validation_message(declared: Result) -> str:
    """Return the message of a validation. ``declared`` is what `Expectations.summary` returns."""
    count, attributes, named = declared["expectations"], declared["attributes"], declared["instances_named"]
    verb = "declares" if count == 1 else "declare"
    what = (
        f"{verb} {', '.join(attributes)}"
        if attributes
        else f"{verb} nothing and only {'ignores' if count == 1 else 'ignore'} attributes"
    )
    return f"{counted(count, 'expectation')}, no mistakes: {what}; {counted(named, 'instance')} named by ID or name"


def warning_texts(reasons: t.Iterable[Reason], mask: Mask) -> list[str]:
    """Return the texts of warnings, the first ten of each code. Unknown filters are part of the messages instead."""
    texts: list[str] = []
    for _code, group in groupby((one for one in reasons if one.code != _UNKNOWN_FILTERS), lambda reason: reason.code):
        shown = [str(text(mask_reason(reason, mask))) for reason in group]
        texts += shown[:MAX_SHOWN]
        texts += [f"and {len(shown) - MAX_SHOWN} more of these warnings"] if len(shown) > MAX_SHOWN else []
    return texts


def describe(row: Row) -> str:
    """Return a row of drift as one line."""
    return missing_text(row) if row["kind"] == "missing" else f"{instance_label(row)}: {difference(row)}"


def instance_label(row: t.Mapping[str, t.Any]) -> str:
    """Return the name and the ID of an instance, as messages show it."""
    return f"{quoted(row['name'])} ({printable(row['id'] or '')})"


def _identity_of(row: Row) -> t.Any:
    return row["id"]


def _audit_headline(result: Result) -> str:
    summary = result["summary"]
    if summary["instances"] and not summary["managed"]:
        return f"no expectation matches any of the {summary['instances']} instances: nothing was asserted"
    as_declared = (
        f"{summary['in_sync']} of {summary['managed']} managed instances are as declared, {summary['unmanaged']} unmanaged"
    )
    if result["in_sync"]:
        return as_declared
    unmanaged = sum(row["kind"] == "unmanaged" for row in result["drift"])
    if not (summary["drifted"] or summary["missing"] or unmanaged):
        return f"{as_declared}, but {counted(summary['warnings'], 'warning')} with strict"
    counts = [f"{summary['drifted']} of {summary['managed']} managed instances drifted"]
    counts += [f"{summary['missing']} missing"] if summary["missing"] else []
    counts += [f"{unmanaged} unmanaged"] if unmanaged else []
    return f"{', '.join(counts)} (compliance {summary['compliance']} %)"


def unknown_filters(instances: int) -> list[str]:
    return [str(text(Reason(_UNKNOWN_FILTERS, {"instances": instances})))] if instances else []


def by_attribute(counts: t.Mapping[str, int]) -> list[str]:
    return [f"by attribute: {frequent_first(counts)}"] if counts else []


def frequency_order(counts: t.Mapping[str, int]) -> list[tuple[str, int]]:
    """Return names with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def frequent_first(counts: t.Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in frequency_order(counts))


def missing_text(row: Row) -> str:
    named = [f"the {word} {quoted(row[key])}" for key, word in (("id", "ID"), ("name", "name")) if row[key] is not None]
    return f"no instance has {' and '.join(named)}{_source(row)}"


def _instance_text(rows: t.Sequence[Row]) -> str:
    """Return all rows of an instance: one beside its name, several beneath it."""
    if len(rows) == 1:
        return f"- {describe(rows[0])}"
    return "\n".join([f"- {instance_label(rows[0])}:", *(f"    {difference(row)}" for row in rows)])


def difference(row: Row) -> str:
    """Return what a row says about its instance."""
    if row["kind"] == "missing":
        return missing_text(row)
    if row["kind"] == "unmanaged":
        return "no expectation matches it"
    attribute = BY_NAME.get(row["attribute"])  # a report can contain rows of another version
    qualifier = _QUALIFIERS.get(attribute.kind, "") if attribute else ""
    actual, expected = _values(row["actual"], " and "), _values(row["expected"], " or ")
    return f"{row['attribute']} is {actual}, expected {qualifier}{expected}{_source(row)}"


def _source(row: Row) -> str:
    parts = [] if row["expectation"] is None else [_label(row["expectation"], row["expectation_name"])]
    parts += [row["note"]] if row["note"] else []
    return f" ({printable('; '.join(parts))})" if parts else ""


def _label(position: int, name: t.Optional[str]) -> str:
    return f"expectation {position}" + (f", {quoted(name)}" if name else "")


def _values(value: t.Any, conjunction: str) -> str:
    return conjunction.join(map(quoted, value)) if isinstance(value, list) and value else quoted(value)
