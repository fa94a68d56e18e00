# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Drift in words, for people, and as before and after, for ``--diff``."""

from __future__ import annotations

import json
import typing as t
from itertools import groupby, islice

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump

if t.TYPE_CHECKING:
    from .drift import Row

_FIRST_ROWS = 10


def failure_message(result: t.Mapping[str, t.Any]) -> str:
    """Say how many of how many, name the first rows, and how many more there are."""
    summary, rows = result["summary"], result["drift"]
    counts = [f"{summary['drifted']} of {summary['managed']} managed instances drifted"]
    if summary["missing"]:
        counts.append(f"{summary['missing']} missing")
    unmanaged = sum(row["kind"] == "unmanaged" for row in rows)
    if unmanaged:
        counts.append(f"{unmanaged} unmanaged")
    lines = [f"{', '.join(counts)} (compliance {summary['compliance']} %):"]
    lines += [f"- {describe(row)}" for row in islice(rows, _FIRST_ROWS)]
    if len(rows) > _FIRST_ROWS:
        lines.append(f"and {len(rows) - _FIRST_ROWS} more, see drift in the result")
    return "\n".join(lines)


def describe(row: Row) -> str:
    """Put one row of drift into words."""
    if row["kind"] == "missing":
        named = [f"{key} {_shown(row[key])}" for key in ("id", "name") if row[key] is not None]
        return f"no instance has {' and '.join(named)} (expectation {row['expectation']})"
    instance = _instance(row)
    if row["kind"] == "unmanaged":
        return f"{instance}: no expectation matches it"
    if row["attribute"] == "days_left":
        wanted = f"at least {row['expected']}"
    else:
        wanted = (
            " or ".join(_shown(value) for value in row["expected"])
            if isinstance(row["expected"], list)
            else _shown(row["expected"])
        )
    note = f"; {row['note']}" if "note" in row else ""
    return f"{instance}: {row['attribute']} is {_shown(row['actual'])}, expected {wanted} (expectation {row['expectation']}{note})"


def _shown(value: t.Any) -> str:
    return _printable(json.dumps(value, ensure_ascii=False))


def _instance(row: Row) -> str:
    return f"{_shown(row['name'])} ({_printable(row['id'])})"


def _printable(text: str) -> str:
    """Keep line breaks and control characters that a customer chose from passing for the message's own."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def diffs(rows: t.Iterable[Row]) -> list[dict[str, str]]:
    """Return before (actual) and after (expected), as YAML, for each instance that drifted."""
    mismatches = (row for row in rows if row["kind"] == "mismatch")
    return [_diff(list(group)) for _identity, group in groupby(mismatches, key=lambda row: row["id"])]


def _diff(rows: list[Row]) -> dict[str, str]:
    header = _instance(rows[0])
    return {
        "before_header": header,
        "after_header": header,
        "before": _as_yaml({row["attribute"]: row["actual"] for row in rows}),
        "after": _as_yaml({row["attribute"]: row["expected"] for row in rows}),
    }


def _as_yaml(value: dict[str, t.Any]) -> str:
    if HAS_YAML:
        return str(yaml_dump(value, default_flow_style=False, allow_unicode=True, width=1000))
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # which is YAML, too
