# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A report is made of results and of the last report. What was not looked at is never in sync and never resolved."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._report import plan as plans
from ansible_collections.zapi.zapi.plugins.module_utils._report import report as reports
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import audit_message
from ansible_collections.zapi.zapi.tests.unit import results as made
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users
from ansible_collections.zapi.zapi.tests.unit.results import FAILURE, LATER, NOW, Result, audited, change, converged, row

from .conftest import DRIFT_KEYS, Report

MISSING = made.row_without_attribute("missing", id=None)
UNMANAGED = made.row_without_attribute("unmanaged", 9)


def reported(audits: t.Any, previous: t.Any = None, now: str = LATER) -> dict[str, t.Any]:
    """The report of audits, as it is read from its JSON file."""
    report = reports.build_report(reports.audit_results(audits), previous, now)
    return reports.checked_report(json.loads(json.dumps(report)))


def all_rows(report: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [one for account in report["accounts"] for one in account["drift"]]


def keys(found: t.Iterable[dict[str, t.Any]]) -> set[tuple[t.Any, ...]]:
    return set(map(reports.row_key, found))


def labels(found: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    return [f"{one['account']} {one['id'] or one['name']}{' carried over' * one['carried_over']}" for one in found]


RESULTS: dict[str, tuple[Result, str, list[str | None]]] = {
    "in sync": (audited(), "in_sync", []),
    "drift": (audited(row(1), row(2)), "drift", ["A1", "A2"]),
    "a missing instance": (audited(MISSING), "drift", [None]),
    "warnings with strict": (audited(in_sync=False), "drift", []),
    "unmanaged: report": (audited(UNMANAGED, unmanaged=1, in_sync=True), "in_sync", ["A9"]),
    "unmanaged: drift": (audited(UNMANAGED, unmanaged=1), "drift", ["A9"]),
    "an empty fleet": (audited(managed=0), "in_sync", []),
    "no expectation matches": (audited(UNMANAGED, managed=0, unmanaged=1, in_sync=False), "not_audited", []),
    "failed": (FAILURE, "not_audited", []),
    "unreachable": ({"unreachable": True, "msg": "no route"}, "not_audited", []),
    "a failure of another module": ({**FAILURE, "summary": {"instances": 5}}, "not_audited", []),
    "everything set": (converged(change(1), change(2)), "in_sync", []),
    "something failed": (converged(change(1), change(2, "failed"), change(3, "not_tried")), "drift", ["A2", "A3"]),
    "planned only": (converged(change(1, "planned")), "drift", ["A1"]),
    "remaining": (converged(change(1), remaining=[row(2), MISSING]), "drift", ["A2", None]),
    "refused to set anything": (converged(complete=False), "drift", []),
}


@pytest.mark.parametrize(("result", "status", "ids"), RESULTS.values(), ids=RESULTS)
def test_only_an_account_that_was_looked_at_is_in_sync(result: Result, status: str, ids: list[str | None]) -> None:
    (alone,) = reported(result)["accounts"]
    report = reported({"padaria": result, "mercado": audited()})
    account, other = report["accounts"]
    assert (alone["account"], account["account"], alone["status"]) == (None, "padaria", account["status"])
    assert (account["status"], other["status"], report["in_sync"]) == (status, "in_sync", status == "in_sync")
    assert (account["message"], account["summary"] is None) == (result["msg"], status == "not_audited")
    assert [one["id"] for one in account["drift"]] == ids
    assert (report["summary"]["rows"], report["summary"]["not_audited"]) == (len(ids), status == "not_audited")


def test_a_convergence_reports_what_it_changed_and_what_is_left() -> None:
    changes = [change(1), change(2, "failed"), change(3, "not_tried", note="not tried, because an earlier call failed")]
    report = reported({"padaria": converged(*changes, remaining=[row(2)])}, now=NOW)
    (account,) = report["accounts"]
    assert (account["changes"], report["summary"]["changed"]) == ([{**change(1), "account": "padaria"}], 1)
    assert [one["note"] for one in account["drift"]] == ["HTTP 500", changes[2]["note"], None]
    shown = {"attribute": "webhooks.received", "expected": change()["after"], "actual": None, "note": "HTTP 500"}
    assert account["drift"][0] == {**row(2), **shown, "account": "padaria", "carried_over": False}
    counts = {"instances": 5, "managed": 5, "in_sync": 3, "drifted": 2, "missing": 0, "unmanaged": 0}
    assert (account["audited_at"], account["summary"]) == (NOW, counts)


def test_real_audits_and_convergences(report: Report) -> None:
    records = [report.record(number, whatsappConnected=number > 1, receivedCallbackUrl=None) for number in (1, 2, 3)]
    expect = {"whatsapp_connected": True, "webhooks": {"received": "https://a.b"}}
    expectation = {"match": {"id": ["A1", "A2", "A7"]}, "expect": expect}
    audit = rows.audit(report.audit(records, expectation, unmanaged="drift"), report.mask)
    plan = report.plan(records, expectation, on_missing="skip")
    changes, remaining = plans.change_rows(plan, {}, report.mask), plans.remaining_rows(plan, report.mask)
    summary = plans.plan_summary(plan, changes, remaining)
    convergence = {"changes": changes, "remaining": remaining, "summary": summary, "complete": True, "failed": False}
    audits = {"a": {**audit, "msg": audit_message(audit)}, "b": {**convergence, "msg": plans.plan_message(convergence)}}
    found = reported(audits)
    counts = {"instances": 3, "managed": 2, "in_sync": 0, "drifted": 2, "missing": 1, "unmanaged": 1}
    assert [account["summary"] for account in found["accounts"]] == [counts, counts]
    assert {name: audit["summary"][name] for name in counts} == counts
    a = ["a A1", "a A1", "a A2", "a A3", "a A7"]
    assert sorted(labels(all_rows(found))) == [*a, "b A1", "b A1", "b A2", "b A7"]
    assert all(list(one) == [*DRIFT_KEYS, "account", "carried_over"] for one in all_rows(found))


SAME: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], bool]] = {
    "other values": (row(1), row(1, actual=None, expected=[1], note="null", name="Loja renamed", expectation=2), True),
    "another attribute": (row(1), row(1, attribute="phone_connected"), False),
    "another instance of the same name": (row(1), row(2, name="Loja 1"), False),
    "another kind": (made.row_without_attribute("missing"), made.row_without_attribute("unmanaged"), False),
    "missing by name": (MISSING, {**MISSING, "note": "another", "expectation": 3}, True),
    "missing by another name": (MISSING, {**MISSING, "name": "Loja 2"}, False),
    "missing by ID": (made.row_without_attribute("missing"), made.row_without_attribute("missing", name=None), True),
}


@pytest.mark.parametrize(("old", "new", "is_same"), SAME.values(), ids=SAME)
def test_a_row_is_the_same_if_account_kind_instance_and_attribute_are(old: t.Any, new: t.Any, is_same: bool) -> None:
    previous = reported({"padaria": audited(old)})
    report = reported({"padaria": audited(new)}, previous)
    assert report["new"] == ([] if is_same else all_rows(report))
    assert report["resolved"] == ([] if is_same else all_rows(previous))
    other_account = reported({"mercado": audited(new), "padaria": audited(old)}, previous)
    assert (labels(other_account["new"]), other_account["resolved"]) == ([f"mercado {new['id'] or new['name']}"], [])


class TestCarriedOver:
    previous = reported({"a": audited(row(1), row(2), MISSING), "b": audited(row(1))}, now=NOW)

    def test_an_account_without_a_result(self) -> None:
        report = reported({"b": audited()}, self.previous)
        b, a = report["accounts"]
        assert (b["carried_over"], a["carried_over"], a["status"], a["audited_at"]) == (False, True, "drift", NOW)
        assert labels(a["drift"]) == ["a A1 carried over", "a A2 carried over", "a Loja 1 carried over"]
        assert (labels(report["resolved"]), report["new"], report["in_sync"]) == (["b A1"], [], False)
        assert (report["summary"]["carried_over"], report["summary"]["managed"]) == (3, 10)

    def test_an_account_that_could_not_be_audited(self) -> None:
        report = reported({"a": FAILURE, "b": audited(managed=0, unmanaged=2, in_sync=False)}, self.previous)
        assert [account["status"] for account in report["accounts"]] == ["not_audited", "not_audited"]
        assert keys(all_rows(report)) == keys(all_rows(self.previous))
        assert (report["new"], report["resolved"], report["summary"]["carried_over"]) == ([], [], 4)

    @pytest.mark.parametrize(
        ("scope", "found", "left"),
        [
            (["A1"], [], ["a A2 carried over", "a Loja 1 carried over"]),
            (["A2", "Loja 2"], [row(2)], ["a A2", "a A1 carried over", "a Loja 1 carried over"]),
            # The missing instance has no ID. Another instance of this name was not looked at.
            (["Loja 1"], [], ["a A1 carried over", "a A2 carried over"]),
            (["A1", "A2", "Loja 1"], [], []),
            # With query or middleware, what is missing is outside the scope and found all the same.
            (["A3"], [MISSING], ["a Loja 1", "a A1 carried over", "a A2 carried over"]),
            (None, [], []),
        ],
    )
    def test_instances_outside_the_scope(self, scope: t.Any, found: t.Any, left: list[str]) -> None:
        report = reported({"a": audited(*found, scope=scope), "b": audited()}, self.previous)
        (a, _b) = report["accounts"]
        assert (labels(a["drift"]), a["status"]) == (left, "drift" if left else "in_sync")
        assert keys(report["resolved"]) == keys(all_rows(self.previous)) - keys(a["drift"])

    def test_names_are_compared_in_nfc_and_unmanaged_instances_are_no_drift(self) -> None:
        previous = reported(audited({**MISSING, "name": "São"}, UNMANAGED, unmanaged=1))
        report = reported(audited(scope=["Sa\u0303o"]), previous)
        assert (labels(all_rows(report)), report["in_sync"]) == (["None A9 carried over"], True)


ROWS = st.one_of(
    st.builds(row, st.integers(1, 4), attribute=st.sampled_from(["whatsapp_connected", "middleware"])),
    st.builds(made.row_without_attribute, st.just("unmanaged"), st.integers(1, 4)),
    st.builds(made.row_without_attribute, st.just("missing"), st.integers(1, 4), id=st.none()),
)


def in_scope(one: t.Mapping[str, t.Any], scope: t.Sequence[str] | None) -> bool:
    return scope is None or (one["name"] if one["id"] is None else one["id"]) in scope


@st.composite
def some_results(draw: st.DrawFn) -> dict[str, Result]:
    """Results of some of three accounts. Some audits failed, and some are narrowed to a few instances."""
    found = {}
    for name in draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True)):
        scope = draw(st.none() | st.lists(st.sampled_from(["A1", "A2", "A3", "Loja 1", "Loja 2"]), unique=True))
        drift = draw(st.lists(ROWS, max_size=6, unique_by=lambda one: (one["kind"], one["name"], one["attribute"])))
        audit = audited(*(one for one in drift if in_scope(one, scope)), scope=scope)
        found[name] = FAILURE if draw(st.integers(0, 4)) == 0 else audit
    return found


@given(first=some_results(), second=some_results())
def test_new_and_resolved_rows_are_the_difference_of_two_reports(first: dict[str, Result], second: dict[str, Result]) -> None:
    old = reported(first)
    report = reported(second, old)
    new, resolved, left = keys(report["new"]), keys(report["resolved"]), keys(all_rows(report))
    assert (left - new) | resolved == keys(all_rows(old))
    assert not resolved & left
    assert not new & keys(all_rows(old))
    assert len(left) == report["summary"]["rows"], "no row comes twice"
    for one in report["resolved"]:
        result = second[one["account"]]
        assert result is not FAILURE
        assert in_scope(one, result["scope"]), "only what was looked at is resolved"
    again = reported(second, report)
    assert again["new"] == again["resolved"] == []
    assert reports.without_news(again) == reports.without_news(report)


MISTAKES: dict[str, t.Any] = {
    "audits must be a result of instance_audit or instance_converge, or a mapping": [[], {}, None, "audit", [audited()]],
    "audits is not a result": [
        {"msg": "ok", "changed": False},
        {**audited(), "drift": [{"id": "A1"}]},
        {**audited(), "summary": {}},
    ],
    'audits: "mercado" is not a result': [
        {"padaria": audited(), "mercado": one} for one in ({}, None, "text", {"skipped": True}, {**converged(), "remaining": None})
    ],
}


@pytest.mark.parametrize(("words", "audits"), [(words, one) for words, values in MISTAKES.items() for one in values])
def test_what_is_not_a_result_is_refused_with_the_name_of_its_account(words: str, audits: t.Any) -> None:
    with pytest.raises(OptionError) as caught:
        reports.audit_results(audits)
    assert words in assert_fit_for_users(caught.value)


VALUES: st.SearchStrategy[t.Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=2) | st.sampled_from([[], {}, [[]], [{}]])
)


def places(content: t.Any) -> list[dict[str, t.Any]]:
    """The mappings in a result or report: itself, summaries, accounts, and rows."""
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [content] * (isinstance(content, dict) and bool(content)) + [place for value in inner for place in places(value)]


@given(
    data=st.data(), value=VALUES, result=st.sampled_from([audited(row(1), MISSING, scope=["A1"]), converged(change(2, "failed"))])
)
def test_results_and_reports_that_were_edited_are_refused_or_used(data: st.DataObject, value: t.Any, result: Result) -> None:
    def edited(content: t.Any) -> t.Any:
        copy = json.loads(json.dumps(content))
        place = data.draw(st.sampled_from(places(copy)), label="place")
        place[data.draw(st.sampled_from(sorted(place)), label="key")] = value
        return copy

    previous = reported({"a": result, "b": FAILURE})
    with contextlib.suppress(OptionError):
        result = dict(reports.audit_results({"a": edited(result)})["a"])
    with contextlib.suppress(ValueError):
        previous = reports.checked_report(edited(previous))
    assert reported({"a": result}, previous)
