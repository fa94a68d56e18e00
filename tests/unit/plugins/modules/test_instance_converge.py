# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The module instance_converge: the plan, its limits, the rollback file, and the result of a run."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from .conftest import Service, instance

if t.TYPE_CHECKING:
    from pathlib import Path

NEW = "https://new.example.com/{id}"
MOVED: list[dict[str, t.Any]] = [{"expect": {"webhooks": {"received": NEW}}}]
CALL = "update-webhook-received"


def received(service: Service) -> list[str]:
    return [one["receivedCallbackUrl"] for one in service.emulator.fleet]


def test_a_run_and_a_second_one(service: Service) -> None:
    run = service.run("converge", expectations=MOVED)
    assert not run.failed
    assert (run.result["changed"], run.result["complete"], run.result["remaining"]) == (True, True, [])
    assert received(service) == [f"https://new.example.com/A{number}" for number in (1, 2, 3)]
    assert [(row["id"], row["status"], row["error"]) for row in run.result["changes"]] == [
        (f"A{n}", "changed", None) for n in (1, 2, 3)
    ]
    assert run.msg.splitlines()[:2] == ["3 of 3 managed instances changed", "by attribute: webhooks.received 3"]
    service.emulator.clear_requests()
    run = service.run("converge", expectations=MOVED)
    assert (run.result["changed"], run.result["complete"], run.result["changes"]) == (False, True, [])
    assert run.msg.splitlines()[0] == "0 of 3 managed instances need changes"
    assert service.written == []


@pytest.mark.parametrize("check", [True, False])
def test_the_plan_and_the_diff(service: Service, tmp_path: Path, check: bool) -> None:
    run = service.run("converge", expectations=MOVED, check=check, diff=True, backup=str(tmp_path / "rollback.yml"))
    assert run.result["changed"] is True
    assert {row["status"] for row in run.result["changes"]} == {"planned" if check else "changed"}
    (diff,) = run.result["diff"]
    assert diff["before_header"] == '3 instances: "Loja 1", "Loja 2", "Loja 3"'
    assert diff["after"] == 'webhooks.received: "https://new.example.com/{id}"\n'
    assert bool(service.written) is not check
    assert (tmp_path / "rollback.yml").exists() is not check
    if check:
        line = "3 instances: webhooks.received https://hooks.example.com/{id} → https://new.example.com/{id}"
        assert line in run.msg.splitlines()


def test_what_needs_manual_action(service: Service) -> None:
    service.emulator.change_instance("A1", whatsappConnected=False)
    run = service.run("converge", expectations=[{"expect": {**MOVED[0]["expect"], "whatsapp_connected": True}}])
    assert run.result["complete"] is True
    assert [(row["id"], row["attribute"]) for row in run.result["remaining"]] == [("A1", "whatsapp_connected")]
    assert "needs manual action: whatsapp_connected 1; run zapi.zapi.audit for details (result key remaining)" in run.msg
    assert run.result["summary"] == {
        "instances": 3,
        "managed": 3,
        "in_sync": 0,
        "to_change": 3,
        "changed": 3,
        "failed": 0,
        "not_tried": 0,
        "remaining": 1,
    }


def test_only(service: Service) -> None:
    assert not service.run("converge", expectations=MOVED, only=["Loja 2"]).failed
    assert [identity for identity, _call, _body in service.written] == ["A2"]
    run = service.run("converge", expectations=MOVED, only=["loja 2"])
    assert run.msg == 'only: no instance has the ID or name "loja 2"; the nearest name is "Loja 2"'


def test_settings_are_read_before_they_are_planned(service: Service) -> None:
    run = service.run("converge", expectations=[{"match": {"id": "A1"}, "expect": {"settings": {"muted_messages": ["group"]}}}])
    assert run.result["complete"] is True
    assert service.written == [("A1", "update-filters", {"callbackTypeFilters": [], "messageFilters": ["FILTER_FROM_GROUP"]})]


class TestRefusals:
    """Nothing is written, and the message says why."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"expectations": [{"expect": {"whatsapp_connected": True}}]}, "no expectation names anything that can be set"),
            ({"max_changes": "many"}, "max_changes must be a number of instances, or a percentage such as 25%, not 'many'"),
            ({"only": []}, "only is an empty list: leave it out to select every instance"),
            ({"backup": "/nosuch/a.yml"}, "backup: the directory /nosuch does not exist: create it first"),
            (
                {"expectations": [{"expect": {"webhook_hosts": ["a.example"], "webhooks": {"received": NEW}}}]},
                "expectation 1: webhooks.received posts to new.example.com, which its webhook_hosts forbid",
            ),
        ],
    )
    def test_before_any_request(self, service: Service, options: dict, message: str) -> None:
        run = service.run("converge", **{"expectations": MOVED, **options})
        assert run.failed
        assert run.msg.startswith(message)
        assert service.emulator.requests == []

    @pytest.mark.parametrize(
        "expectations",
        [
            [{"expect": {"webhooks": {"received": "http://new.example.com/{id}"}}}],
            [*MOVED, {"match": {"id": "A3"}, "expect": {"webhook_hosts": ["a.example"]}}],
        ],
    )
    def test_urls_of_the_plan(self, service: Service, expectations: list, tmp_path: Path) -> None:
        run = service.run("converge", expectations=expectations, backup=str(tmp_path / "a.yml"))
        assert run.failed
        assert "webhooks.received" in run.msg
        assert service.written == []
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("check", [True, False])
    def test_too_many_changes(self, service: Service, check: bool) -> None:
        run = service.run("converge", expectations=MOVED, max_changes="2", check=check)
        assert run.failed
        assert (run.result["changed"], run.result["complete"]) == (False, False)
        assert [row["status"] for row in run.result["changes"]] == ["planned"] * 3
        assert "nothing was set: 3 of 3 managed instances need changes, and max_changes (2) allows 2" in run.msg
        assert service.written == []

    @pytest.mark.parametrize("on_missing", ["error", "warn", "skip"])
    def test_missing_instances(self, service: Service, on_missing: str) -> None:
        expectations = [*MOVED, {"match": {"name": "loja 1"}, "ignore": ["webhooks"]}]
        run = service.run("converge", expectations=expectations, on_missing=on_missing)
        line = 'no instance has the name "loja 1" (expectation 2; the nearest name is "Loja 1")'
        assert run.failed is (on_missing == "error")
        assert (f"- {line}" in run.msg.splitlines()) is (on_missing == "error")
        assert (line in run.warnings) is (on_missing == "warn")
        assert bool(service.written) is (on_missing != "error")

    def test_nothing_is_managed(self, service: Service) -> None:
        run = service.run("converge", expectations=[{"match": {"name": "shop-*"}, **MOVED[0]}])
        assert run.failed
        assert "nothing was set: no expectation matches any of the 3 instances" in run.msg

    def test_a_file_that_exists(self, service: Service, tmp_path: Path) -> None:
        (tmp_path / "a.yml").write_text("before")
        run = service.run("converge", expectations=MOVED, backup=str(tmp_path / "a.yml"))
        assert "already exists and is not overwritten: use another name" in run.msg
        assert service.emulator.requests == []


class TestRollback:
    def test_the_file_restores_what_was_there(self, service: Service, tmp_path: Path) -> None:
        service.emulator.change_instance("A2", receivedCallbackUrl="https://hooks.example.com/?key=s3cr3t")
        before, file = received(service), tmp_path / "rollback file.yml"
        run = service.run("converge", expectations=MOVED, backup=str(file))
        assert "s3cr3t" not in run.printed
        assert file.stat().st_mode & 0o777 == 0o600
        heading = file.read_text().splitlines()[1:3]
        assert heading[0].startswith("# Rollback file: the values before zapi.zapi.instance_converge changed them at ")
        assert heading[1] == (
            f"# To roll back: ansible-playbook zapi.zapi.converge -e zapi_max_changes=100% -e expectations_file='{file}'"
        )
        assert not service.run("converge", expectations=yaml.safe_load(file.read_text())["expectations"]).failed
        assert received(service) == before

    def test_what_it_cannot_contain(self, service: Service, tmp_path: Path) -> None:
        service.emulator.change_instance("A2", receivedCallbackUrl="not a URL")
        run = service.run("converge", expectations=MOVED, backup=str(tmp_path / "a.yml"))
        assert run.warnings == ["the rollback file cannot contain webhooks.received of A2"]
        assert "# Not included, because no expectation can declare it: webhooks.received of A2" in (tmp_path / "a.yml").read_text()

    def test_it_is_complete_before_the_first_write(self, service: Service, tmp_path: Path) -> None:
        seen: list[int] = []
        file = tmp_path / "a.yml"
        service.emulator.on_request = lambda entry: seen.append(len(file.read_text())) if entry["method"] == "PUT" else None
        service.run("converge", expectations=MOVED, backup=str(file))
        assert seen == [len(file.read_text())] * 3


class TestFailures:
    def test_one_instance(self, service: Service) -> None:
        service.emulator.set_faults([{"kind": "status", "code": 400, "message": "no", "call": CALL, "instance": "A2"}])
        run = service.run("converge", expectations=MOVED)
        assert run.failed
        assert (run.result["changed"], run.result["complete"]) == (True, False)
        assert [row["status"] for row in run.result["changes"]] == ["changed", "failed", "changed"]
        assert run.result["changes"][1]["reason"]["code"] == "call_rejected"
        assert run.msg.splitlines()[0] == "2 of 3 managed instances changed, 1 failed"
        assert f'- "Loja 2" (A2): webhooks.received: PUT /instances/A2/{CALL} was rejected with status 400 and "no"' in run.msg

    def test_the_canary(self, service: Service) -> None:
        service.emulator.set_faults([{"kind": "ignore", "method": "PUT"}])
        run = service.run("converge", expectations=MOVED)
        assert [row["status"] for row in run.result["changes"]] == ["failed", "not_tried", "not_tried"]
        assert len(service.written) == 1
        assert "the first instance (canary) is not as it was set to be, and no other instance was changed" in run.msg.splitlines()
        assert run.result["changed"] is False

    def test_another_value_is_shown_masked(self, service: Service) -> None:
        service.emulator.set_faults([{"kind": "store", "value": "https://other.example/?key=s3cr3t", "method": "PUT"}])
        run = service.run("converge", expectations=MOVED, only=["A1"])
        (row,) = run.result["changes"]
        assert row["error"] == "it has another value: https://other.example/?key=***; the server may have normalised it"
        assert run.result["changed"] is True
        assert "s3cr3t" not in run.printed

    def test_a_rejection_that_holds_for_all_is_said_once(self, service: Service) -> None:
        service.emulator.set_faults([{"kind": "ip_restricted", "method": "PUT"}])
        run = service.run("converge", expectations=MOVED)
        assert run.msg.count("listed IP addresses") == 1
        assert run.result["summary"]["changed"] == 0


def test_middleware_matches_nothing_with_credentials(service: Service) -> None:
    credentials = [{"id": "A1", "token": "token-of-A1"}]
    expectations = [{"match": {"middleware": "web"}, **MOVED[0]}]
    assert "match.middleware" in service.run("converge", partner_token=None, credentials=credentials, expectations=expectations).msg
    assert not service.run("converge", partner_token=None, credentials=credentials, expectations=MOVED).failed
    assert received(service)[0] == "https://new.example.com/A1"


def test_an_instance_whose_subscription_is_known_to_have_lapsed_is_not_the_canary(service: Service) -> None:
    service.emulator.set_faults([{"kind": "lapsed", "instance": "A1", "call": "me"}])
    expect = {"webhooks": {"received_and_delivery": "https://hooks.example.com/{id}"}}
    assert not service.run("converge", expectations=[{"expect": expect}]).failed
    assert service.written[0][0] == "A2"


def test_mute_filters_that_only_the_plan_reads_are_counted_apart_from_those_that_an_audit_does_not_know(service: Service) -> None:
    moved = [{"match": {"id": "A2"}, "expect": {"webhooks": {"received_and_delivery": "https://hooks.example.com/A2"}}}]
    expectations = [{"expect": {"webhooks": {"received": "https://hooks.example.com/{id}"}}}, *moved]
    assert "of 3 instances the mute filters are unknown" in service.run("audit", expectations=expectations).msg
    assert service.run("converge", check=True, expectations=expectations).msg.splitlines()[-2:] == [
        "of 2 instances the mute filters are unknown: expect settings.muted_webhooks to check them",
        "of 1 instance the mute filters were read for this plan only: expect settings.muted_webhooks to audit them",
    ]
    assert (
        service.run("converge", expectations=[*expectations, {"expect": {"settings": {"muted_webhooks": []}}}]).msg.count("of ")
        == 1
    )


def test_unknown_mute_filters_are_said(service: Service) -> None:
    service.emulator.replace_fleet([instance(1, receivedCallbackUrl="https://new.example.com/A1")])
    run = service.run("converge", expectations=MOVED)
    assert run.msg.splitlines()[1].startswith("of 1 instance the mute filters are unknown")
