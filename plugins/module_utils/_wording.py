# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Drift in words, for people."""

from __future__ import annotations

import json
import typing as t
from itertools import islice

from ._attributes import BY_NAME, DAYS

if t.TYPE_CHECKING:
    from ._drift import Row

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
    instance = instance_label(row)
    if row["kind"] == "unmanaged":
        return f"{instance}: no expectation matches it"
    if row["attribute"] is not None and BY_NAME[row["attribute"]].kind == DAYS:
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
    return printable(json.dumps(value, ensure_ascii=False))


def instance_label(row: Row) -> str:
    return f"{_shown(row['name'])} ({printable(row['id'] or '')})"


def printable(text: str) -> str:
    """Keep line breaks and control characters that a customer chose from passing for the message's own."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
