# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""What reports for people show: the verdict, the numbers, and what differs, in the words of a language."""

from __future__ import annotations

import typing as t
from collections import Counter

from .messages import frequency_order
from .rows import percentage

if t.TYPE_CHECKING:
    from .language import Language
    from .report import Report

_NUMBERS = ("managed", "in_sync", "drifted", "missing", "unmanaged", "new", "resolved", "changed", "carried_over")
_ALWAYS_SHOWN = ("managed", "in_sync", "drifted", "missing")


def verdict(report: Report, language: Language) -> str:
    """Return the verdict in one sentence."""
    summary = report["summary"]
    if summary["not_audited"] == summary["accounts"]:
        return language.words["verdict_not_audited"]
    if summary["not_audited"]:
        return language.words["verdict_partly"]
    return language.words["verdict_in_sync" if report["in_sync"] else "verdict_drift"]


def numbers(report: Report, language: Language) -> list[tuple[str, str]]:
    """Return the numbers with their labels. Those that are 0 are left out, except the first four."""
    summary, words = report["summary"], language.words
    shown = [name for name in _NUMBERS if summary[name] or name in _ALWAYS_SHOWN]
    rows = [(words.get(f"count_{name}") or words[name], language.number(summary[name])) for name in shown]
    asserted = summary["managed"] + summary["missing"]
    if asserted:
        rows.append((words["compliance"], f"{language.number(percentage(summary['in_sync'], asserted))} %"))
    return rows


def attributes(report: Report) -> list[tuple[str, str, int]]:
    """Return the name, the kind of row, and the number of rows of each attribute that differs, the most frequent first."""
    rows = [row for account in report["accounts"] for row in account["drift"]]
    kinds = {row["attribute"] or row["kind"]: row["kind"] for row in rows}
    counts = Counter(row["attribute"] or row["kind"] for row in rows)
    return [(name, kinds[name], count) for name, count in frequency_order(counts)]
