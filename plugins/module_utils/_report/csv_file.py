# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as CSV: a line for each row of drift, each resolved one, and each change."""

from __future__ import annotations

import csv
import io
import json
import re
import typing as t

from .report import row_key
from .texts import printable

if t.TYPE_CHECKING:
    from .report import Report
    from .rows import Row

COLUMNS = (
    *("account", "status", "kind", "id", "name", "attribute", "expected", "actual", "expectation", "expectation_name", "note"),
)
# What a spreadsheet takes for a formula. With other regional settings it splits at semicolons, also inside quotation marks.
_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def csv_file(report: Report) -> str:
    """Return the report as CSV with a heading. An apostrophe keeps texts from being formulas."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row[column]) for column in COLUMNS] for row in _rows(report))
    return file.getvalue()


def _rows(report: Report) -> t.Iterator[Row]:
    new = set(map(row_key, report["new"]))
    for account in report["accounts"]:
        if account["status"] == "not_audited":
            empty = dict.fromkeys(COLUMNS)
            yield {**empty, "account": account["account"], "status": "not_audited", "note": account["message"]}
        for row in account["drift"]:
            yield {**row, "status": "carried_over" if row["carried_over"] else "new" if row_key(row) in new else "open"}
        for change in account["changes"]:
            yield {**change, "kind": "change", "expected": change["after"], "actual": change["before"]}
    for row in report["resolved"]:
        yield {**row, "status": "resolved"}


def _cell(value: t.Any) -> t.Any:
    if isinstance(value, (list, dict, bool)):
        value = json.dumps(value, ensure_ascii=False)
    return _FORMULA.sub(r"\1'", printable(value)) if isinstance(value, str) else value
