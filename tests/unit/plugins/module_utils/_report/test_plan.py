# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Rows, message and diff of a convergence."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.outcome import Outcome, Status
from ansible_collections.zapi.zapi.plugins.module_utils._report import plan as report_plan
from ansible_collections.zapi.zapi.plugins.module_utils._report.plan import change_rows, plan_diff, plan_message, remaining_rows

from .conftest import DRIFT_KEYS, TOKEN, Report

CHANGE_KEYS = ["id", "name", "attribute", "before", "after", "expectation", "expectation_name", "status", "error", "note", "reason"]
SECRET_URL = "https://hooks.example.com/in?key=s3cr3t"
CONNECTED = {"expect": {"whatsapp_connected": True}}
MOVED = {"expect": {"webhooks": {"received": "https://new.example.com/{id}"}}}


def planned(report: Report, plan: t.Any, outcomes: t.Any = None, stopped: Reason | None = None) -> str:
    changes, remaining = change_rows(plan, outcomes or {}, report.mask), remaining_rows(plan, report.mask)
    summary = report_plan.plan_summary(plan, changes, remaining)
    return plan_message({"changes": changes, "remaining": remaining, "summary": summary}, stopped or plan.problem)


class TestChanges:
    EXPECTATION: t.ClassVar = {"name": "All", "expect": {"webhooks": {"received": "https://new.example.com/{id}"}}}

    def change(self, report: Report, outcome: Outcome | None = None, **fields: t.Any) -> dict[str, t.Any]:
        outcomes = {("A1", "webhooks.received"): outcome} if outcome else {}
        (row,) = change_rows(report.plan([report.record(1, **fields)], self.EXPECTATION), outcomes, report.mask)
        assert list(row) == CHANGE_KEYS
        return row

    def test_a_planned_change(self, report: Report) -> None:
        assert self.change(report) == {
            "id": "A1",
            "name": "Loja 1",
            "attribute": "webhooks.received",
            "expectation": 1,
            "expectation_name": "All",
            "before": "https://hooks.example.com/A1",
            "after": "https://new.example.com/A1",
            "status": "planned",
            "error": None,
            "note": None,
            "reason": None,
        }

    def test_a_failure(self, report: Report) -> None:
        values = {"request": "PUT /instances/A1/update-webhook-received", "status": 400, "said": "no", "attempts": 1}
        row = self.change(report, Outcome(Status.FAILED, Reason("call_rejected", values)))
        assert row["status"] == "failed"
        assert row["error"] == 'PUT /instances/A1/update-webhook-received was rejected with status 400 and "no"'
        assert row["reason"] == {"code": "call_rejected", "values": values}

    def test_a_note_inside_a_note(self, report: Report) -> None:
        inner = Reason("nearest_name", {"name": TOKEN})
        row = self.change(
            report,
            Outcome(Status.CHANGED, note=Reason("unmatched_expectation", {"expectation": inner, "pattern": None, "nearest": None})),
        )
        assert row["note"] == 'the nearest name is "***" matches no instance'
        assert row["reason"]["values"]["expectation"] == {"code": "nearest_name", "values": {"name": "***"}}

    def test_only_a_secret_differs(self, report: Report) -> None:
        expectation = {"expect": {"webhooks": {"received": "https://hooks.example.com/in?key=other"}}}
        plan = report.plan([report.record(1, receivedCallbackUrl=SECRET_URL)], expectation)
        (row,) = change_rows(plan, {}, report.mask)
        assert (row["before"], row["after"]) == ("https://hooks.example.com/in?key=***", "*** (new)")
        assert row["reason"]["code"] == "masked_difference"
        assert "s3cr3t" not in json.dumps(row)
        assert "other" not in json.dumps(row)

    def test_a_side_effect_is_explained(self, report: Report) -> None:
        expectation = {"expect": {"webhooks": {"received_and_delivery": "https://new.example.com"}}}
        plan = report.plan([report.record(1, receiveCallbackSentByMe=False)], expectation)
        _webhook, setting = change_rows(plan, {}, report.mask)
        assert setting["attribute"] == "settings.notify_sent_by_me"
        assert setting["note"] == "setting webhooks.received_and_delivery turns it on"

    def test_what_remains(self, report: Report) -> None:
        expectations = [self.EXPECTATION, CONNECTED, {"match": {"id": "B1"}, "ignore": ["webhooks"]}]
        plan = report.plan([report.record(1, whatsappConnected=False), report.record(2)], *expectations)
        remaining = remaining_rows(plan, report.mask)
        assert all(list(row) == DRIFT_KEYS for row in remaining)
        assert [(row["kind"], row["id"], row["attribute"]) for row in remaining] == [
            ("mismatch", "A1", "whatsapp_connected"),
            ("missing", "B1", None),
        ]

    def test_the_summary_counts_instances(self, report: Report) -> None:
        hooks = dict.fromkeys(("received", "delivery"), "https://new.example.com/{id}")
        plan = report.plan([report.record(number) for number in range(1, 6)], {"expect": {"webhooks": hooks}})
        outcomes = {(f"A{number}", f"webhooks.{event}"): Outcome(Status.CHANGED) for number in range(1, 6) for event in hooks}
        outcomes["A1", "webhooks.received"] = Outcome(Status.FAILED)
        outcomes["A2", "webhooks.received"] = Outcome(Status.NOT_TRIED)
        outcomes["A3", "webhooks.delivery"] = Outcome(Status.FAILED)
        outcomes["A3", "webhooks.received"] = Outcome(Status.NOT_TRIED)
        changes = change_rows(plan, outcomes, report.mask)
        assert report_plan.plan_summary(plan, changes, [1, 2, 3]) == {
            "instances": 5,
            "managed": 5,
            "in_sync": 0,
            "to_change": 5,
            "changed": 2,
            "failed": 2,
            "not_tried": 1,
            "remaining": 3,
        }

    def test_equal_changes_are_one_group(self, report: Report) -> None:
        records = [report.record(number) for number in range(1, 5)]
        records += [report.record(5, receivedCallbackUrl="https://old.example.com/A5"), report.record(6, receivedCallbackUrl=None)]
        plan = report.plan(records, self.EXPECTATION)
        groups = report_plan.change_groups(change_rows(plan, {}, report.mask))
        assert [(group.before, group.after, len(group.rows)) for group in groups] == [
            ("https://hooks.example.com/{id}", "https://new.example.com/{id}", 4),
            ("https://old.example.com/A5", "https://new.example.com/A5", 1),
            (None, "https://new.example.com/A6", 1),
        ]

    def test_urls_that_differ_in_a_secret_only_are_one_group(self, report: Report) -> None:
        records = [report.record(number, receivedCallbackUrl=f"https://hooks.example.com/?key={number}") for number in range(1, 4)]
        groups = report_plan.change_groups(change_rows(report.plan(records, self.EXPECTATION), {}, report.mask))
        assert [(group.before, len(group.rows)) for group in groups] == [("https://hooks.example.com/?key=***", 3)]


class TestPlan:
    def test_equal_changes_are_one_line(self, report: Report) -> None:
        records = [report.record(number) for number in range(1, 51)]
        records.append(report.record(51, receivedCallbackUrl=None, name="Padaria"))
        assert planned(report, report.plan(records, MOVED, max_changes="100%")).splitlines() == [
            "51 of 51 managed instances would be changed",
            "by attribute: webhooks.received 51",
            "50 instances: webhooks.received https://hooks.example.com/{id} → https://new.example.com/{id}",
            '"Padaria" (A51): webhooks.received null → https://new.example.com/A51',
        ]

    def test_other_values_and_notes(self, report: Report) -> None:
        expect = {"webhooks": {"received_and_delivery": "https://new.example.com"}, "settings": {"muted_messages": ["group"]}}
        plan = report.plan([report.record(1, receiveCallbackSentByMe=False)], {"expect": expect})
        assert planned(report, plan).splitlines()[2:] == [
            '"Loja 1" (A1): webhooks.received_and_delivery null → https://new.example.com',
            '"Loja 1" (A1): settings.notify_sent_by_me false → false (setting webhooks.received_and_delivery turns it on)',
            '"Loja 1" (A1): settings.muted_messages [] → ["group"]',
        ]

    def test_many_different_changes(self, report: Report) -> None:
        records = [report.record(number, receivedCallbackUrl=f"https://{number}.example.com") for number in range(1, 13)]
        lines = planned(report, report.plan(records, MOVED, max_changes="100%")).splitlines()
        assert len(lines) == 2 + 10 + 1
        assert lines[-1] == "and 2 more: all rows are in the result key changes, which -v shows"

    def test_nothing_to_change_and_manual_action(self, report: Report) -> None:
        expect = {"webhooks": {"received": "https://hooks.example.com/{id}"}, "whatsapp_connected": True}
        assert planned(report, report.plan([report.record(1, whatsappConnected=False)], {"expect": expect})).splitlines() == [
            "0 of 1 managed instances need changes",
            "needs manual action: whatsapp_connected 1; run zapi.zapi.audit for details (result key remaining)",
        ]

    def test_missing_instances_are_named_with_the_nearest_name(self, report: Report) -> None:
        plan = report.plan([report.record(1)], MOVED, {"match": {"name": "loja 1"}, "ignore": ["webhooks"]})
        assert planned(report, plan).splitlines()[:3] == [
            "1 of 1 managed instances need changes",
            "nothing was set: instances are missing, and on_missing is error",
            '- no instance has the name "loja 1" (expectation 2; the nearest name is "Loja 1")',
        ]

    def test_too_many_changes(self, report: Report) -> None:
        plan = report.plan([report.record(number) for number in range(1, 13)], MOVED)
        assert planned(report, plan).splitlines()[1] == (
            "nothing was set: 12 of 12 managed instances need changes, and max_changes (25%, at least 10) allows 10: "
            "review the plan with --check --diff; max_changes=100% allows all of them"
        )

    def test_changed(self, report: Report) -> None:
        plan = report.plan([report.record(1)], MOVED)
        assert planned(report, plan, {("A1", "webhooks.received"): Outcome(Status.CHANGED)}).splitlines() == [
            "1 of 1 managed instances changed",
            "by attribute: webhooks.received 1",
        ]

    def test_a_failure_of_several_instances_is_one_line(self, report: Report) -> None:
        plan = report.plan([report.record(number) for number in range(1, 8)], MOVED)
        outcomes = {}
        for number in range(1, 6):
            values = {"request": f"PUT /instances/A{number}/update-webhook-received", "status": 400, "said": "no", "attempts": 1}
            outcomes[f"A{number}", "webhooks.received"] = Outcome(Status.FAILED, Reason("call_rejected", values))
        values = {"request": "PUT /instances/A6/update-webhook-received", "status": 400, "said": "other", "attempts": 1}
        outcomes["A6", "webhooks.received"] = Outcome(Status.FAILED, Reason("call_rejected", values))
        outcomes["A7", "webhooks.received"] = Outcome(Status.NOT_TRIED)
        assert planned(report, plan, outcomes).splitlines() == [
            "0 of 7 managed instances changed, 6 failed, 1 not tried",
            (
                '- 5 instances ("Loja 1", "Loja 2", "Loja 3" and 2 more): webhooks.received: '
                'PUT /instances/{id}/update-webhook-received was rejected with status 400 and "no"'
            ),
            '- "Loja 6" (A6): webhooks.received: PUT /instances/A6/update-webhook-received was rejected with status 400 and "other"',
            '- "Loja 7" (A7): webhooks.received: not tried',
        ]

    def test_what_stopped_the_run_is_not_repeated(self, report: Report) -> None:
        plan = report.plan([report.record(number) for number in range(1, 4)], MOVED)
        values = {"request": "PUT /instances/A1/update-webhook-received", "status": 403, "said": "", "attempts": 1}
        stopped = Reason("client_token_rejected", values)
        other = Reason("client_token_rejected", {**values, "request": "PUT /instances/A2/update-webhook-received"})
        outcomes = {
            ("A1", "webhooks.received"): Outcome(Status.FAILED, stopped),
            ("A3", "webhooks.received"): Outcome(Status.NOT_TRIED),
        }
        text = (
            "PUT /instances/A1/update-webhook-received was rejected with status 403: the Client-Token is missing or wrong, "
            "check client_token (environment variable ZAPI_CLIENT_TOKEN): it is the account's security token"
        )
        outcomes["A2", "webhooks.received"] = Outcome(Status.NOT_TRIED)
        headline = "0 of 3 managed instances changed, 1 failed, 2 not tried"
        assert planned(report, plan, outcomes, stopped).splitlines() == [headline, text]
        outcomes["A2", "webhooks.received"] = Outcome(Status.FAILED, other)
        headline = "0 of 3 managed instances changed, 2 failed, 1 not tried"
        assert planned(report, plan, outcomes, stopped).splitlines() == [headline, f"{text} (2 instances)"]


def test_equal_changes_are_one_block(report: Report) -> None:
    records = [report.record(number) for number in range(1, 6)]
    plan = report.plan(records, {"expect": {"webhooks": {"received": "https://new.example.com/{id}"}}})
    changes = change_rows(plan, {}, report.mask)
    label = '5 instances: "Loja 1", "Loja 2", "Loja 3" and 2 more'
    assert plan_diff(changes) == [
        {
            "before_header": label,
            "after_header": label,
            "before": 'webhooks.received: "https://hooks.example.com/{id}"\n',
            "after": 'webhooks.received: "https://new.example.com/{id}"\n',
        }
    ]


def test_changes_of_the_same_instances_are_one_block(report: Report) -> None:
    hooks = {"received": "https://new.example.com/{id}", "delivery": "https://new.example.com/{id}"}
    plan = report.plan([report.record(1), report.record(2)], {"expect": {"webhooks": hooks}})
    (diff,) = plan_diff(change_rows(plan, {}, report.mask))
    assert diff["after"] == 'webhooks.delivery: "https://new.example.com/{id}"\nwebhooks.received: "https://new.example.com/{id}"\n'


def test_only_what_is_planned_or_made_is_shown(report: Report) -> None:
    plan = report.plan([report.record(1), report.record(2)], {"expect": {"webhooks": {"received": "https://new.example.com/{id}"}}})
    outcomes = {("A1", "webhooks.received"): Outcome(Status.FAILED), ("A2", "webhooks.received"): Outcome(Status.CHANGED)}
    (diff,) = plan_diff(change_rows(plan, outcomes, report.mask))
    assert diff["before_header"] == '"Loja 2" (A2)'
    assert diff["after"] == 'webhooks.received: "https://new.example.com/A2"\n'
