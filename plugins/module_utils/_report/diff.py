# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The diff of an audit: actual and expected values."""

from __future__ import annotations

import typing as t
from itertools import groupby

from .messages import instance_label
from .texts import printable, quoted

if t.TYPE_CHECKING:
    from .rows import Row

Diff = dict[str, str]


def audit_diff(rows: t.Iterable[Row]) -> list[Diff]:
    """Return the actual (before) and expected values (after) of each instance that drifted."""
    mismatches = (row for row in rows if row["kind"] == "mismatch")
    return [_instance_diff(list(group)) for _identity, group in groupby(mismatches, lambda row: row["id"])]


def _instance_diff(rows: t.Sequence[Row]) -> Diff:
    label = instance_label(rows[0])
    return {
        "before_header": f"actual, {label}",
        "after_header": f"expected, {label}",
        "before": "".join(diff_line(row["attribute"], row["actual"], _comment(row)) for row in rows),
        "after": "".join(diff_line(row["attribute"], row["expected"]) for row in rows),
    }


def _comment(row: Row) -> str:
    """Return why the two sides differ if they look alike."""
    return f"  # {printable(row['note'])}" if row["note"] and row["actual"] == row["expected"] else ""


def diff_line(attribute: str, value: t.Any, comment: str = "") -> str:
    """Return a line of a diff, which is valid YAML: the escapes of `printable` mean the same in its quotes."""
    return f"{attribute}: {quoted(value)}{comment}\n"
