# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as JUnit XML, the form of test results that CI systems read."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree as ET

from .messages import describe, difference, instance_label
from .report import by_instance, row_key
from .texts import counted, printable

if t.TYPE_CHECKING:
    from .report import Report
    from .rows import Row

_SUITE = "zapi.zapi"
_OTHERS = "all other instances"


def junit(report: Report) -> str:
    """Return the report as XML: a suite for each account, in it a case for each instance that drifted or is missing.

    One more case is for all other instances, or for an audit that could not run.
    """
    root = ET.Element("testsuites", name=_SUITE)
    new = set(map(row_key, report["new"]))
    for account in report["accounts"]:
        suite = ET.SubElement(root, "testsuite", name=printable(account["account"] or _SUITE))
        _add_cases(suite, account, new)
        count = {kind: str(len(suite.findall(f"testcase/{kind}"))) for kind in ("failure", "error", "skipped")}
        suite.set("tests", str(len(suite)))
        suite.attrib.update(failures=count["failure"], errors=count["error"], skipped=count["skipped"])
        if account["audited_at"]:
            suite.set("timestamp", account["audited_at"].rstrip("Z"))
    resolved = [describe(row) for row in report["resolved"]]
    if resolved and len(root):
        ET.SubElement(root[0], "system-out").text = _lines([f"{counted(len(resolved), 'row')} resolved:", *resolved])
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_cases(suite: ET.Element, account: Report, new: t.Container[tuple[t.Any, ...]]) -> None:
    has_failure = False
    for rows in by_instance(account["drift"]):
        case = _case(suite, _case_name(rows[0]))
        if rows[0]["kind"] == "unmanaged":
            ET.SubElement(case, "skipped", message=difference(rows[0]))
            continue
        has_failure = True
        lines = [f"{difference(row)}{_state(row, new)}" for row in rows]
        has_one = len(lines) == 1 or rows[0]["kind"] == "missing"  # several expectations can name a missing instance
        message = lines[0] if has_one else f"{len(lines)} attributes differ"
        ET.SubElement(case, "failure", message=printable(message), type=rows[0]["kind"]).text = _lines(lines)
    lines = account["message"].splitlines() or [""]
    if account["status"] == "not_audited":
        error = ET.SubElement(_case(suite, "audit"), "error", message=printable(lines[0]), type="not_audited")
        error.text = _lines(lines)
    else:
        others = _case(suite, _OTHERS)
        if account["status"] == "drift" and not has_failure:
            ET.SubElement(others, "failure", message=printable(lines[0]), type="drift").text = _lines(lines)


def _case_name(row: Row) -> str:
    if row["kind"] == "missing":
        return f"{row['id'] if row['id'] is not None else row['name']} (missing)"
    return instance_label(row)


def _case(suite: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", name=printable(name), classname=suite.attrib["name"])


def _lines(lines: t.Iterable[str]) -> str:
    """Return lines of text that XML can hold."""
    return "\n".join(map(printable, lines))


def _state(row: Row, new: t.Container[tuple[t.Any, ...]]) -> str:
    return " [not looked at this time]" if row["carried_over"] else " [new]" if row_key(row) in new else ""
