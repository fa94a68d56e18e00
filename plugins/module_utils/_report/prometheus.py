# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as Prometheus text: gauges without timestamps, for the textfile collector of node_exporter."""

from __future__ import annotations

import typing as t
from collections import Counter

from .report import STATUSES
from .texts import printable

if t.TYPE_CHECKING:
    from .report import Report

Samples = t.Iterable[tuple[dict[str, str], int]]


def prometheus(report: Report) -> str:
    """Return the report as text. Labels are accounts, attributes and words of this file, never names of instances."""
    lines: list[str] = []
    for name, explanation, samples in _metrics(report):
        lines += [f"# HELP zapi_audit_{name} {explanation}", f"# TYPE zapi_audit_{name} gauge"]
        lines += [f"zapi_audit_{name}{_labels(labels)} {value}" for labels, value in samples]
    return "\n".join([*lines, ""])


def _metrics(report: Report) -> t.Iterator[tuple[str, str, Samples]]:
    accounts = [(_account(one["account"]), one) for one in report["accounts"]]
    yield (
        "up",
        "Whether the account could be audited.",
        [(label, int(one["status"] != STATUSES[2])) for label, one in accounts],
    )
    yield (
        "in_sync",
        "Whether the account was audited and is as declared.",
        [(label, int(one["status"] == STATUSES[0])) for label, one in accounts],
    )
    yield (
        "instances",
        "Number of instances by state.",
        [
            ({**label, "state": state}, one["summary"][state])
            for label, one in accounts
            if one["summary"]
            for state in ("in_sync", "drifted", "missing", "unmanaged")
        ],
    )
    yield (
        "mismatches",
        "Number of instances whose attribute is not as declared.",
        [
            ({**label, "attribute": attribute}, count)
            for label, one in accounts
            for attribute, count in sorted(Counter(row["attribute"] for row in one["drift"] if row["attribute"]).items())
        ],
    )
    for key, explanation in (
        ("new", "Number of rows that the last audit did not have."),
        ("resolved", "Number of rows that only the last audit had."),
    ):
        counts = Counter(row["account"] for row in report[key])
        yield f"{key}_rows", explanation, [(label, counts[one["account"]]) for label, one in accounts]
    yield (
        "changed_values",
        "Number of values that a convergence changed.",
        [(label, len(one["changes"])) for label, one in accounts],
    )


def _account(name: t.Optional[str]) -> dict[str, str]:
    return {} if name is None else {"account": name}


def _labels(labels: t.Mapping[str, str]) -> str:
    return "{{{}}}".format(",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())) if labels else ""


def _escaped(value: str) -> str:
    return printable(value).replace("\\", r"\\").replace('"', r"\"")
