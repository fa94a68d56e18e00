# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Every format says the same, and other programs read it as text: what strangers name their instances is nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import typing as t
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.zapi.zapi.plugins.module_utils._report.csv_file import COLUMNS
from ansible_collections.zapi.zapi.plugins.module_utils._report.formats import FORMATS
from ansible_collections.zapi.zapi.plugins.module_utils._report.report import build_report
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import printable, quoted
from ansible_collections.zapi.zapi.tests.unit import results as made
from ansible_collections.zapi.zapi.tests.unit.results import FAILURE, LATER, Result, audited, change, converged, row

Report = dict[str, t.Any]

JUNIT_SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit-10.xsd")))
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")


def reported(results: t.Mapping[t.Any, Result], *earlier: t.Mapping[t.Any, Result]) -> Report:
    """The report of results, after the reports of earlier ones."""
    report = None
    for one in (*earlier, results):
        report = build_report(one, report, LATER)
    assert report is not None
    return report


def drift_of(report: Report) -> list[dict[str, t.Any]]:
    return [one for account in report["accounts"] for one in account["drift"]]


# What the programs read


def rendered(report: Report, ending: str) -> str:
    text = FORMATS[ending](report)
    assert text.encode(), "a file holds no half of a character"
    return text


def read_csv(report: Report) -> list[dict[str, t.Any]]:
    """The lines of the file by column: numbers, and texts, none of which is a formula."""
    text = rendered(report, ".csv")
    heading, *lines = csv.reader(io.StringIO(text, newline=""), quoting=csv.QUOTE_NONNUMERIC, strict=True)
    assert tuple(heading) == COLUMNS
    assert text.count("\n") == len(text.splitlines()) == len(lines) + 1, "no cell has several lines"
    cells = [cell for line in t.cast("list[list[t.Any]]", lines) for cell in line if isinstance(cell, str)]
    # Many spreadsheets separate by a semicolon, whatever the file does.
    split = [cell for line in csv.reader(io.StringIO(text, newline=""), delimiter=";") for cell in line]
    assert not [cell for cell in (*cells, *split) if FORMULA.match(cell)]
    return [dict(zip(COLUMNS, line)) for line in lines]


def read_junit(report: Report) -> list[str]:
    """The test cases, each with its result."""
    text = rendered(report, ".xml")
    JUNIT_SCHEMA.validate(text)
    root = ET.fromstring(text)
    found = []
    for suite in root:
        results = [[one.tag for one in case] for case in suite.iter("testcase")]
        assert all(len(one) <= 1 for one in results)
        assert suite.get("tests") == str(len(results))
        for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(results.count([kind]))
        cases = [f"{case.get('name')}: {''.join(result) or 'passed'}" for case, result in zip(suite.iter("testcase"), results)]
        assert len(set(cases)) == len(cases), "a CI system identifies a test case by its name"
        found += cases
    is_green = root.find(".//failure") is None and root.find(".//error") is None
    assert is_green == report["in_sync"]
    return found


def read_prometheus(report: Report) -> dict[str, float]:
    """The samples by their names and labels: gauges without timestamps, whose labels have no name of an instance."""
    families = list(text_string_to_metric_families(rendered(report, ".prom")))
    assert {(one.type, one.name.startswith("zapi_audit_"), bool(one.documentation)) for one in families} == {("gauge", True, True)}
    samples = [sample for family in families for sample in family.samples]
    known = {
        "account": {printable(account["account"] or "") for account in report["accounts"]},
        "state": {"in_sync", "drifted", "missing", "unmanaged"},
        "attribute": {one["attribute"] for one in drift_of(report)},
    }
    assert all(value in known[label] for sample in samples for label, value in sample.labels.items())
    assert {sample.timestamp for sample in samples} == {None}
    found = {f"{one.name[11:]} {' '.join(one.labels.values())}".strip(): one.value for one in samples}
    assert len(found) == len(samples), "no sample comes twice"
    return found


def read_markdown(report: Report) -> list[str]:
    """The texts of code on the page that a CommonMark renderer with GitHub's tables makes of the file."""
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(rendered(report, ".md"))
    page = ET.fromstring(f"<body>{html}</body>")  # stricter than a parser of HTML
    elements = Counter(element.tag for element in page.iter())
    assert set(elements) <= {"body", "h1", "h2", "h3", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}
    sections = len(report["accounts"]) + bool(report["new"]) + bool(report["resolved"])
    assert (elements["h1"], elements["h2"]) == (1, sections)
    tables = [[["".join(cell.itertext()) for cell in row] for row in table.iter("tr")] for table in page.iter("table")]
    assert all(len(row) == len(table[0]) for table in tables for row in table)
    changes = [one for account in report["accounts"] for one in account["changes"]]
    listed = Counter(one["id"] for one in (*drift_of(report), *report["new"], *report["resolved"], *changes) if one["id"])
    assert Counter(row[1] for table in tables for row in table if row[1] in listed) == listed
    return ["".join(code.itertext()) for code in page.iter("code")]


def check(report: Report) -> None:
    """Every format can be encoded, is read by its programs, and has every account and instance by its name, as text."""
    assert rendered(report, ".html")
    rows = [*drift_of(report), *report["resolved"]]
    changes = [one for account in report["accounts"] for one in account["changes"]]

    text = rendered(report, ".json")
    assert text.isascii()
    assert json.loads(text) == report

    lines = read_csv(report)
    failed = [account for account in report["accounts"] if account["status"] == "not_audited"]
    assert len(lines) == len(rows) + len(changes) + len(failed)
    for column in ("name", "account", "note"):
        written = {line[column].replace("'", "") for line in lines}  # the apostrophes that texts begin with
        assert {printable(one[column] or "").replace("'", "") for one in rows} <= written

    cases = read_junit(report)
    reported = [one for one in drift_of(report) if one["kind"] == "mismatch"]
    assert {f"{quoted(one['name'])} ({one['id']}): failure" for one in reported} <= set(cases)
    instances = {(one["account"], one["id"] or f"name {one['name']}") for one in drift_of(report)}
    assert len(cases) == len(instances) + len(report["accounts"])

    assert read_prometheus(report)

    code = read_markdown(report)
    names = [one["name"] for one in (*rows, *changes)] + [account["account"] for account in report["accounts"]]
    assert {printable(name) for name in names if name and name.strip(" ")} <= set(code)


# What they read of usual reports

LOST = made.row_without_attribute("missing", id=None, name="Loja 7")
UNMANAGED = made.row_without_attribute("unmanaged", 9)
CASES: dict[str, tuple[list[t.Any], list[str], list[str]]] = {  # results; test cases; status, kind and name in CSV
    "in sync": ([{None: audited()}], ["all other instances: passed"], []),
    "drift": (
        [{None: audited(row(1), row(1, attribute="middleware"), row(2), LOST)}],
        ['"Loja 1" (A1): failure', '"Loja 2" (A2): failure', "Loja 7 (missing): failure", "all other instances: passed"],
        ["open mismatch Loja 1", "open mismatch Loja 1", "open mismatch Loja 2", "open missing Loja 7"],
    ),
    "not audited": ([{None: FAILURE}], ["audit: error"], ["not_audited  "]),
    "warnings with strict": ([{None: audited(in_sync=False)}], ["all other instances: failure"], []),
    "unmanaged: report": (
        [{None: audited(UNMANAGED, unmanaged=1, in_sync=True)}],
        ['"Loja 9" (A9): skipped', "all other instances: passed"],
        ["open unmanaged Loja 9"],
    ),
    "unmanaged: drift": (
        [{None: audited(UNMANAGED, unmanaged=1)}],
        ['"Loja 9" (A9): skipped', "all other instances: failure"],
        ["open unmanaged Loja 9"],
    ),
    "a convergence": (
        [{None: converged(change(1), change(2, "failed"))}],
        ['"Loja 2" (A2): failure', "all other instances: passed"],
        ["open mismatch Loja 2", "changed change Loja 1"],
    ),
    "an incomplete convergence": ([{None: converged(complete=False, msg="")}], ["all other instances: failure"], []),
    "two expectations for a missing instance": (
        [{None: audited(LOST, {**LOST, "expectation": 2})}],
        ["Loja 7 (missing): failure", "all other instances: passed"],
        ["open missing Loja 7", "open missing Loja 7"],
    ),
    "several accounts, new and resolved rows": (
        [
            {"padaria": audited(row(1)), "mercado": audited(row(2)), "otica": audited(row(3)), "banca": audited(row(4))},
            {"padaria": audited(), "mercado": FAILURE, "otica": audited(row(3), row(5))},
        ],
        [
            *("all other instances: passed", '"Loja 2" (A2): failure', "audit: error", '"Loja 3" (A3): failure'),
            *('"Loja 5" (A5): failure', "all other instances: passed", '"Loja 4" (A4): failure', "all other instances: passed"),
        ],
        [
            *("not_audited  ", "carried_over mismatch Loja 2", "open mismatch Loja 3", "new mismatch Loja 5"),
            *("carried_over mismatch Loja 4", "resolved mismatch Loja 1"),
        ],
    ),
}


@pytest.mark.parametrize(("results", "cases", "lines"), CASES.values(), ids=CASES)
def test_every_format_of_usual_reports(results: list[t.Any], cases: list[str], lines: list[str]) -> None:
    report = reported(results[-1], *results[:-1])
    check(report)
    assert read_junit(report) == cases
    assert [" ".join(str(line[name]) for name in ("status", "kind", "name")) for line in read_csv(report)] == lines


def test_the_numbers_for_prometheus() -> None:
    results, _cases, _lines = CASES["several accounts, new and resolved rows"]
    accounts = ("padaria", "mercado", "otica", "banca")
    numbers = read_prometheus(reported(results[1], results[0]))
    assert [numbers[f"up {name}"] for name in accounts] == [1, 0, 1, 1]
    assert [numbers[f"in_sync {name}"] for name in accounts] == [1, 0, 0, 0]
    assert [numbers[f"{name}_rows otica"] for name in ("new", "resolved")] == [1, 0]
    assert [numbers[f"{name}_rows padaria"] for name in ("new", "resolved")] == [0, 1]
    states = ("in_sync", "drifted", "missing", "unmanaged")
    assert [numbers[f"instances otica {state}"] for state in states] == [3, 2, 0, 0]
    assert [numbers.get(f"mismatches {name} whatsapp_connected", 0) for name in accounts] == [0, 1, 2, 1]
    assert "instances mercado drifted" not in numbers, "unknown"
    assert read_prometheus(reported({None: converged(change(1), change(2))}))["changed_values"] == 2


def test_the_words_of_junit() -> None:
    drift = [row(1), row(1, attribute="middleware", expected=["web"], actual=None, note="unknown"), row(2)]
    root = ET.fromstring(rendered(reported({"a": audited(*drift), "b": FAILURE}, {"a": audited(row(2), row(3))}), ".xml"))
    several, one, error = (case for case in root.iter() if case.tag in ("failure", "error"))
    assert (one.get("message"), one.get("type")) == ("whatsapp_connected is false, expected true (expectation 1)", "mismatch")
    assert several.get("message") == "2 attributes differ"
    assert (several.text or "").splitlines() == [
        "whatsapp_connected is false, expected true (expectation 1) [new]",
        'middleware is null, expected "web" (expectation 1; unknown) [new]',
    ]
    assert (error.get("message"), error.get("type"), error.text) == (FAILURE["msg"], "not_audited", FAILURE["msg"])
    resolved = (root.findtext("testsuite/system-out") or "").splitlines()
    assert resolved == ["1 row resolved:", '"Loja 3" (A3): whatsapp_connected is false, expected true (expectation 1)']
    assert [suite.get("timestamp") for suite in root] == ["2026-09-21T14:13:20", None]
    twice = ET.fromstring(rendered(reported({None: audited(LOST, {**LOST, "expectation": 2})}), ".xml"))
    assert [one.get("message") for one in twice.iter("failure")] == ['no instance has the name "Loja 7" (expectation 1)']


def test_the_values_of_csv() -> None:
    values = [(30, -3), (["a", "b"], "b"), (True, None), ("", "=1"), ([], {"a": 1})]
    lines = read_csv(reported({None: audited(*(row(1, expected=expected, actual=actual) for expected, actual in values))}))
    assert [(line["expected"], line["actual"]) for line in lines] == [
        *((30, -3), ('["a", "b"]', "b"), ("true", ""), ("", "'=1"), ("[]", '{"a": 1}')),
    ]


# What strangers name their instances

HOSTILE: dict[str, list[str]] = {
    "formulas": ['=HYPERLINK("http://evil.example";"x")', "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\uff1d1", "'=1", "\x85=1"],
    "formulas behind semicolons": ["a;=1+1", 'a;"=1+1', "a; +1;;-1", ";", '";"', ';"', '=";'],
    "lines": ["a\nb", "a\r\n=1", "\u2028=1", '"} 1\nzapi_audit_up 1', "\x0b", "\x1d", "x\n# h", "```\n# h", "| a |\n| - |"],
    "characters": ["\x00", "\x1b[31mred", "\u202egnp.exe", "a\u200b", "\ufeff=1", "\ufffe", "\ud800", "\udc00\ud800", "\U0010ffff"],
    "writing": ["e\u0301\u0300", "\ufdfa", "\U0001f469\u200d\U0001f467", "x" * 9_000, "", " ", "   ", " a "],
    "labels": ['"}', "\\", '\\"', "\\n", "{id}", "%s", "$x"],
    "templates": ["{{ 1/0 }}", "{% raw %}", "{% endraw %}{{ x }}", "{# x #}", "${{ x }}"],
    "markup": ["]]>", "<![CDATA[", "&amp;", "&#0;", "<!-- x", "<script>alert(1)</script>", "</script>", "</testsuite>", '" on="x'],
    "code": ["`", "``", "a`b", "` `", "```", "`````` x", "x ```", "```text", "`|`", "`\\|`", "|", "\\|", "a\\\\|b"],
    "Markdown": ["[x](http://y)", "![x](y)", "<http://y>", "http://y", "# h", "- x", "1. x", "> x", "*x*", "~~x~~", "---", "@user"],
}
FRAGMENTS = st.sampled_from([text for texts in HOSTILE.values() for text in texts if len(text) < 100]) | st.characters()
# JSON has no halves of a character beside each other.
TEXTS = st.lists(FRAGMENTS, max_size=5).map(
    lambda parts: "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)


def hostile_report(name: str, account: str, value: t.Any, note: str) -> Report:
    """A report that has these texts everywhere."""
    drift = [
        row(1, name=name, expected=value, actual=[value, value], note=note, expectation_name=name),
        row(1, name=name, attribute="middleware", actual=value),
        made.row_without_attribute("missing", id=None, name=name, note=note),
        made.row_without_attribute("unmanaged", 2, name=name),
        row(3, name=name),
    ]
    first = {account: audited(*drift[:4]), "other account": audited(*drift)}
    changes = [change(1, name=name, before=value, after=[value]), change(2, "failed", name=name, error=note)]
    second = {account: audited(*drift[1:]), "converged account": converged(*changes), "failed account": {**FAILURE, "msg": note}}
    return reported(second, first)


@pytest.mark.parametrize("texts", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_text_in_every_format(texts: list[str]) -> None:
    for text in texts:
        report = hostile_report(text, f"account {text}", text, text)
        check(report)
        assert {one["name"] for one in json.loads(rendered(report, ".json"))["resolved"]} == {text}


@pytest.mark.slow
@given(name=TEXTS, account=TEXTS, value=TEXTS | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS, max_size=1), note=TEXTS)
def test_any_text_is_text_in_every_format(name: str, account: str, value: t.Any, note: str) -> None:
    check(hostile_report(name, account, value, note))
