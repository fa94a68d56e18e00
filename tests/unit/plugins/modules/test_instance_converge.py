# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the module instance_converge does to a fleet, what it says of it, and when it does nothing at all."""

from __future__ import annotations

import copy
import itertools
import stat
import typing as t
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._attributes import BY_NAME, FILTERS
from ansible_collections.zapi.zapi.plugins.modules import instance_audit
from ansible_collections.zapi.zapi.plugins.modules.instance_converge import main
from ansible_collections.zapi.zapi.tests.unit.service import (
    IGNORED,
    NO_CLIENT_TOKEN,
    SENT_BY_ME,
    TAKEN_500,
    Fault,
    Service,
    known,
)
from ansible_collections.zapi.zapi.tests.unit.support import Row, assert_fit_for_users, ids, make_row

if t.TYPE_CHECKING:
    from pathlib import Path

Run = t.Callable[..., t.Any]
Items = list[dict[str, t.Any]]

NEW = "https://hooks.example.com/new"
SECRET_URL = "https://user:OpenSesame@hooks.example.com/?key=OpenSesame"
WEBHOOK: Items = [{"expect": {"webhooks": {"received": NEW}}}]
RECEIVED = "update-webhook-received"


@pytest.fixture
def service() -> t.Iterator[Service]:
    """Three instances, none of which posts to where it should."""
    with Service([known(number) for number in (1, 2, 3)]) as running:
        yield running


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda self, warning, **_: told.append(warning))
    return told


def identity(number: int) -> str:
    return str(make_row(number)["id"])


def grow(service: Service, count: int) -> None:
    service.rows = [known(number) for number in range(1, count + 1)]


# What it returns


def test_what_differs_is_set_and_told(service: Service, run_module: Run) -> None:
    service.row(2)["receivedCallbackUrl"] = NEW
    service.row(3)["whatsappConnected"] = False
    items = [{"name": "Ours", "expect": {"whatsapp_connected": True, "webhooks": {"received": NEW}}}]
    outcome = run_module(main, expectations=items)
    result = outcome.result
    assert not outcome.failed
    assert result["changed"] is True
    assert result["complete"] is True
    assert result["changes"][0] == {
        "id": identity(1),
        "name": "shop-1",
        "attribute": "webhooks.received",
        "before": "https://hooks.example.com/1",
        "after": NEW,
        "expectation": 1,
        "expectation_name": "Ours",
        "status": "changed",
        "error": None,
        "note": None,
    }
    assert ids(result["changes"]) == [identity(1), identity(3)]
    (row,) = result["remaining"]
    assert (row["kind"], row["id"], row["attribute"]) == ("mismatch", identity(3), "whatsapp_connected")
    assert result["summary"] == {
        "instances": 3,
        "managed": 3,
        "in_sync": 1,
        "to_change": 2,
        "changed": 2,
        "failed": 0,
        "not_tried": 0,
        "remaining": 1,
    }
    first, by_attribute, left = outcome.message.splitlines()
    assert first == "2 of 3 managed instances changed"
    assert by_attribute == "by attribute: webhooks.received 2"
    assert "left for people: whatsapp_connected 1" in left
    assert [row["receivedCallbackUrl"] for row in service.rows] == 3 * [NEW]


def test_a_fleet_in_sync_is_left_in_peace(service: Service, run_module: Run) -> None:
    for row in service.rows:
        row["receivedCallbackUrl"] = NEW
    outcome = run_module(main, expectations=WEBHOOK)
    assert not outcome.failed
    assert outcome.result["changed"] is False
    assert outcome.result["complete"] is True
    assert outcome.result["changes"] == outcome.result["remaining"] == []
    assert outcome.message == "0 of 3 managed instances have to be changed"
    assert [request.name for request in service.requests] == ["instances"]


def test_what_only_people_can_mend_is_no_failure(service: Service, run_module: Run) -> None:
    outcome = run_module(main, expectations=[{"expect": {"whatsapp_connected": False, "webhooks": {"delivery": None}}}])
    assert not outcome.failed
    assert outcome.result["changed"] is False
    assert outcome.result["summary"]["remaining"] == len(outcome.result["remaining"]) == 3


def test_some_instances_have_failed(service: Service, run_module: Run) -> None:
    grow(service, 5)
    service.faults[identity(3), RECEIVED] = Fault(400, {"error": "the value is no good"})
    service.faults[identity(4), RECEIVED] = TAKEN_500
    items = [{"expect": {"webhooks": {"received": NEW}, "settings": {"auto_read_message": True}}}]
    outcome = run_module(main, expectations=items, retries=0)
    assert outcome.failed
    assert outcome.result["changed"] is True
    assert outcome.result["complete"] is False
    summary = outcome.result["summary"]
    assert {name: summary[name] for name in ("to_change", "changed", "failed", "not_tried")} == {
        "to_change": 5,
        "changed": 3,
        "failed": 1,
        "not_tried": 1,
    }
    assert [row["status"] for row in outcome.result["changes"]] == [
        *4 * ["changed"],
        "failed",
        "not_tried",
        "changed",
        "not_tried",
        *2 * ["changed"],
    ]
    lines = outcome.message.splitlines()
    assert lines[0] == "3 of 5 managed instances changed, 1 failed, 1 not tried"
    assert any(f'- "shop-3" ({identity(3)}): webhooks.received: PUT /instances/{identity(3)}/{RECEIVED} ' in line for line in lines)


def test_the_first_ten_failures_are_named(service: Service, run_module: Run) -> None:
    grow(service, 30)
    service.faults.update({(identity(number), RECEIVED): IGNORED for number in range(3, 31)})
    outcome = run_module(main, expectations=WEBHOOK, max_changes="100%")
    assert outcome.result["summary"]["failed"] == 28
    lines = outcome.message.splitlines()
    assert sum(line.startswith('- "shop-') for line in lines) == 10
    assert "and 18 more: all rows are in the result as changes" in outcome.message


@pytest.mark.parametrize(
    ("fault", "changed", "words"),
    [
        (IGNORED, False, "not as it was set to be, and no other one was touched"),
        (Fault(500), False, "not as it was set to be"),
        (NO_CLIENT_TOKEN, False, "client_token"),
    ],
)
def test_a_stop_is_told(service: Service, run_module: Run, fault: Fault, changed: bool, words: str) -> None:
    service.faults[None, RECEIVED] = fault
    outcome = run_module(main, expectations=WEBHOOK, retries=0)
    assert outcome.failed
    assert outcome.result["changed"] is changed
    assert words in outcome.message
    assert [row["status"] for row in outcome.result["changes"]] == ["failed", "not_tried", "not_tried"]
    assert outcome.result["summary"]["not_tried"] == 2


def test_where_nobody_can_know_it_counts_as_changed(service: Service, run_module: Run) -> None:
    service.faults[None, RECEIVED] = service.faults[None, "me"] = Fault(500)
    outcome = run_module(main, expectations=WEBHOOK, retries=0)
    assert outcome.failed
    assert outcome.result["changed"] is True
    assert outcome.result["summary"]["changed"] == 0


def test_running_it_again_goes_on_where_it_stopped(service: Service, run_module: Run) -> None:
    grow(service, 6)
    service.faults[identity(4), RECEIVED] = Fault(403, {"error": "[IP request] not allowed"}, times=1)
    assert run_module(main, expectations=WEBHOOK, concurrency=1).failed
    assert [one for one, _name, _body in service.calls] == [identity(number) for number in (1, 2, 3, 4)]
    service.requests.clear()
    assert not run_module(main, expectations=WEBHOOK, concurrency=1).failed
    assert [one for one, _name, _body in service.calls] == [identity(number) for number in (4, 5, 6)]


def test_without_verify_the_rest_is_not_read_back(service: Service, run_module: Run) -> None:
    run_module(main, expectations=WEBHOOK, verify=False)
    assert [request.name for request in service.requests] == ["instances", RECEIVED, "me", RECEIVED, RECEIVED]


def test_an_empty_fleet_is_warned_of(service: Service, run_module: Run, warned: list[str]) -> None:
    service.rows = []
    outcome = run_module(main, expectations=WEBHOOK)
    assert not outcome.failed
    assert outcome.result["changed"] is False
    assert any("the fleet is empty" in warning for warning in warned)


def test_a_convergence_that_manages_nothing_fails(service: Service, run_module: Run) -> None:
    outcome = run_module(main, expectations=[{"match": {"name": "x*"}, **WEBHOOK[0]}])
    assert outcome.failed
    assert "no expectation matches any of the 3 instances" in outcome.message
    assert service.puts == []


def test_only_those_that_are_named_are_changed(service: Service, run_module: Run) -> None:
    result = run_module(main, expectations=WEBHOOK, only=["shop-2"]).result
    assert [row["name"] for row in result["changes"]] == ["shop-2"]
    assert result["summary"]["instances"] == 1
    assert [one for one, _name, _body in service.calls] == [identity(2)]


def test_whoever_is_named_and_is_not_there_is_an_error(service: Service, run_module: Run) -> None:
    outcome = run_module(main, expectations=WEBHOOK, only=["shop-2", "nobody"])
    assert outcome.failed
    assert "nobody" in outcome.message
    assert service.puts == []


def test_with_credentials_the_same_is_done(service: Service, run_module: Run) -> None:
    keys = [{"id": row["id"], "token": row["token"]} for row in service.rows]
    result = run_module(main, partner_token=None, credentials=keys, expectations=WEBHOOK).result
    assert result["summary"]["changed"] == 3
    assert service.asked("instances") == []


def test_settings_that_the_listing_does_not_tell_are_asked_for(service: Service, run_module: Run) -> None:
    service.hidden = {*SENT_BY_ME, "autoReadMessage"}
    items = [{"expect": {"settings": {"auto_read_message": True}}}, {"match": {"name": "shop-2"}, "ignore": ["settings"]}]
    result = run_module(main, expectations=items, _ansible_check_mode=True).result
    assert [row["name"] for row in result["changes"]] == ["shop-1", "shop-3"]
    assert service.asked("me") == [identity(1), identity(3)]


# Check mode


@pytest.mark.parametrize("diff", [True, False])
def test_check_mode_returns_the_plan_and_writes_nothing(service: Service, run_module: Run, tmp_path: Path, diff: bool) -> None:
    backup = tmp_path / "back.yml"
    options = {"expectations": WEBHOOK, "backup": str(backup), "_ansible_diff": diff}
    checked = run_module(main, _ansible_check_mode=True, **options)
    assert not checked.failed
    assert checked.result["changed"] is True
    assert checked.result["complete"] is True
    assert [row["status"] for row in checked.result["changes"]] == 3 * ["planned"]
    assert checked.message.splitlines()[0] == "3 of 3 managed instances would be changed"
    assert {name: checked.result["summary"][name] for name in ("changed", "failed", "not_tried")} == dict.fromkeys(
        ("changed", "failed", "not_tried"), 0
    )
    assert [request.name for request in service.requests] == ["instances"]
    assert not backup.exists()
    real = run_module(main, **options)
    assert [{**row, "status": "planned"} for row in real.result["changes"]] == checked.result["changes"]
    assert real.result.get("diff") == checked.result.get("diff")
    assert ("diff" in real.result) is diff


def test_check_mode_on_a_fleet_in_sync_would_change_nothing(service: Service, run_module: Run) -> None:
    items = [{"expect": {"webhooks": {"delivery": None}}}]
    assert run_module(main, expectations=items, _ansible_check_mode=True).result["changed"] is False


# The diff


def test_a_diff_shows_before_and_after_of_each_instance(service: Service, run_module: Run) -> None:
    service.row(3)["receivedCallbackUrl"] = NEW
    items = [{"expect": {"webhooks": {"received": NEW}, "settings": {"muted_messages": ["text"]}}}]
    assert "diff" not in run_module(main, expectations=items, _ansible_check_mode=True).result
    one, two, three = run_module(main, expectations=items, _ansible_diff=True).result["diff"]
    assert "shop-1" in one["before_header"]
    assert yaml.safe_load(two["before"]) == {"webhooks.received": "https://hooks.example.com/2", "settings.muted_messages": []}
    assert yaml.safe_load(two["after"]) == {"webhooks.received": NEW, "settings.muted_messages": ["text"]}
    assert yaml.safe_load(three["after"]) == {"settings.muted_messages": ["text"]}


def test_a_diff_shows_what_is_set_back(service: Service, run_module: Run) -> None:
    items = [{"expect": {"webhooks": {"received_and_delivery": NEW}}}]
    one = run_module(main, expectations=items, _ansible_diff=True).result["diff"][0]
    assert "# setting webhooks.received_and_delivery turns it on" in one["before"]
    assert yaml.safe_load(one["before"])["settings.notify_sent_by_me"] is False


def test_a_failed_task_has_the_diff_of_what_was_changed(service: Service, run_module: Run) -> None:
    service.faults[identity(2), RECEIVED] = IGNORED
    outcome = run_module(main, expectations=WEBHOOK, _ansible_diff=True)
    assert outcome.failed
    assert ["shop-2" in one["before_header"] for one in outcome.result["diff"]] == [False, False]


# How many


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("max_changes", "allowed"), [("25%", 10), ("0", 0), ("10", 10), (5, 5), ("29%", 11)])
def test_more_than_allowed_are_not_begun(
    service: Service, run_module: Run, tmp_path: Path, check_mode: bool, max_changes: t.Any, allowed: int
) -> None:
    grow(service, 40)
    for number in range(13, 41):
        service.row(number)["receivedCallbackUrl"] = NEW
    backup = tmp_path / "back.yml"
    outcome = run_module(
        main,
        expectations=WEBHOOK,
        max_changes=max_changes,
        backup=str(backup),
        _ansible_check_mode=check_mode,
        _ansible_diff=True,
    )
    assert outcome.failed
    assert outcome.result["changed"] is False
    assert outcome.result["complete"] is False
    assert f"12 instances would be changed, and max_changes ({max_changes}) allows {allowed}" in outcome.message
    assert [row["status"] for row in outcome.result["changes"]] == 12 * ["planned"]
    assert len(outcome.result["diff"]) == 12
    assert service.puts == []
    assert not backup.exists()


@pytest.mark.parametrize("max_changes", ["12", "100%", "30%"])
def test_as_many_as_allowed_are_changed(service: Service, run_module: Run, max_changes: str) -> None:
    grow(service, 40)
    for number in range(13, 41):
        service.row(number)["receivedCallbackUrl"] = NEW
    assert run_module(main, expectations=WEBHOOK, max_changes=max_changes).result["summary"]["changed"] == 12


def test_a_percentage_is_of_the_managed_ones(service: Service, run_module: Run) -> None:
    grow(service, 48)
    items = [{"match": {"name": "shop-1*"}, **WEBHOOK[0]}]  # 11 of 48
    outcome = run_module(main, expectations=items)
    assert outcome.failed
    assert "11 instances would be changed, and max_changes (25%) allows 10" in outcome.message


# Who is not there


GONE: Items = [*WEBHOOK, {"match": {"id": "gone"}, "expect": {"whatsapp_connected": True}}]


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_instance_that_is_not_there_stops_everything(service: Service, run_module: Run, check_mode: bool) -> None:
    outcome = run_module(main, expectations=GONE, _ansible_check_mode=check_mode)
    assert outcome.failed
    assert outcome.result["changed"] is False
    assert 'no instance has id "gone"' in outcome.message
    assert [row["status"] for row in outcome.result["changes"]] == 3 * ["planned"]
    assert [row["kind"] for row in outcome.result["remaining"]] == ["missing"]
    assert service.puts == []


@pytest.mark.parametrize(("on_missing", "warnings"), [("warn", 1), ("skip", 0)])
def test_unless_it_may_be(service: Service, run_module: Run, warned: list[str], on_missing: str, warnings: int) -> None:
    outcome = run_module(main, expectations=GONE, on_missing=on_missing)
    assert not outcome.failed
    assert outcome.result["summary"]["changed"] == 3
    assert [row["kind"] for row in outcome.result["remaining"]] == ["missing"]
    assert sum("gone" in warning for warning in warned) == warnings


@pytest.mark.parametrize("on_missing", ["error", "warn", "skip"])
def test_a_credential_that_is_refused_is_one_that_is_not_there(
    service: Service, run_module: Run, warned: list[str], on_missing: str
) -> None:
    keys = [{"id": row["id"], "token": row["token"]} for row in service.rows]
    del service.rows[1]
    outcome = run_module(main, partner_token=None, credentials=keys, expectations=WEBHOOK, on_missing=on_missing)
    assert outcome.failed is (on_missing == "error")
    assert [(row["kind"], row["id"]) for row in outcome.result["remaining"]] == [("missing", identity(2))]
    assert len(service.puts) == (0 if on_missing == "error" else 2)
    assert len(warned) == (on_missing == "warn")


def test_of_many_the_first_ten_are_named(service: Service, run_module: Run, warned: list[str]) -> None:
    items = [*WEBHOOK, *({"match": {"id": f"gone-{number}"}, **WEBHOOK[0]} for number in range(12))]
    assert "gone-9" in run_module(main, expectations=items).message
    assert "and 2 more" in run_module(main, expectations=items).message
    run_module(main, expectations=items, on_missing="warn")
    assert len(warned) == 10


# What is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expectations": [{"expect": {"whatsapp_connected": True}}]}, "no expectation names anything that can be set"),
        ({"expectations": [{"expect": {"webhooks": {"received_status": NEW}}}]}, "no expectation names anything that can be set"),
        ({"expectations": []}, "expectations is empty"),
        ({"expectations": None}, "expectations"),
        ({"expectations": [{"expect": {"webhooks": {"recieved": NEW}}}]}, "did you mean received?"),
        ({"expectations": [{**WEBHOOK[0], "until": "2020-01-01"}]}, "no expectation names anything that can be set"),
        ({"max_changes": "many"}, "max_changes"),
        ({"max_changes": 0.25}, "max_changes"),
        ({"on_missing": "ignore"}, "on_missing"),
        ({"only": []}, "only is an empty list"),
        ({"backup": "/nowhere/at/all.yml"}, "backup"),
        ({"backup": "/"}, "backup"),
        ({"partner_token": None}, "partner_token"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_mistake_is_told_before_any_request(
    service: Service, run_module: Run, options: dict[str, t.Any], words: str, check_mode: bool
) -> None:
    outcome = run_module(main, **{"expectations": WEBHOOK, "_ansible_check_mode": check_mode, **options})
    assert outcome.failed
    assert words in outcome.message
    assert_fit_for_users(outcome.message, None)
    assert "changes" not in outcome.result
    assert service.requests == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_url_that_is_not_https_sets_nothing(service: Service, run_module: Run, tmp_path: Path, check_mode: bool) -> None:
    items = [*WEBHOOK, {"match": {"name": "shop-3"}, "expect": {"webhooks": {"delivery": SECRET_URL.replace("https", "http")}}}]
    backup = tmp_path / "back.yml"
    outcome = run_module(main, expectations=items, backup=str(backup), _ansible_check_mode=check_mode)
    assert outcome.failed
    assert "expectation 2: webhooks.delivery is not an HTTPS URL" in outcome.message
    assert "OpenSesame" not in outcome.printed
    assert service.puts == []
    assert not backup.exists()


def test_middleware_is_refused_with_credentials(service: Service, run_module: Run) -> None:
    keys = [{"id": row["id"], "token": row["token"]} for row in service.rows]
    items = [*WEBHOOK, {"match": {"middleware": "web"}, **WEBHOOK[0]}]
    assert "match.middleware" in run_module(main, partner_token=None, credentials=keys, expectations=items).message
    assert service.requests == []


@pytest.mark.parametrize("fault", [Fault(500), Fault(401, {"error": "Unauthorized"}), Fault(200, b"<html>")])
def test_a_listing_that_fails_sets_nothing(service: Service, run_module: Run, fault: Fault) -> None:
    service.faults[None, "instances"] = fault
    outcome = run_module(main, expectations=WEBHOOK, retries=0)
    assert outcome.failed
    assert_fit_for_users(outcome.message)
    assert "changes" not in outcome.result
    assert service.puts == []


# The way back


def test_the_backup_is_there_before_anything_is_set(service: Service, run_module: Run, tmp_path: Path) -> None:
    backup = tmp_path / "back.yml"
    there = []
    service.twist = lambda row: there.append(yaml.safe_load(backup.read_text("utf-8"))["expectations"])
    run_module(main, expectations=WEBHOOK, backup=str(backup))
    assert len(there) == 3
    assert there[0] == [
        {"match": {"id": identity(number)}, "expect": {"webhooks": {"received": f"https://hooks.example.com/{number}"}}}
        for number in (1, 2, 3)
    ]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    text = backup.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=")
    assert "zapi_max_changes=100%" in text
    assert f"id: {identity(2)}  # shop-2" in text or f'id: "{identity(2)}"  # shop-2' in text


def test_it_stays_where_everything_fails(service: Service, run_module: Run, tmp_path: Path) -> None:
    backup = tmp_path / "back.yml"
    service.faults[None, RECEIVED] = Fault(500)
    assert run_module(main, expectations=WEBHOOK, backup=str(backup), retries=0).failed
    assert len(yaml.safe_load(backup.read_text("utf-8"))["expectations"]) == 3


def test_it_holds_urls_with_their_secrets_and_no_token_beside_them(service: Service, run_module: Run, tmp_path: Path) -> None:
    service.row(1).update(name="loja hocuspocus1", receivedCallbackUrl=SECRET_URL)
    backup = tmp_path / "back.yml"
    outcome = run_module(main, expectations=WEBHOOK, backup=str(backup))
    assert "OpenSesame" not in outcome.printed
    text = backup.read_text("utf-8")
    assert yaml.safe_load(text)["expectations"][0]["expect"]["webhooks"]["received"] == SECRET_URL
    assert "hocuspocus" not in text


def test_where_nothing_changes_there_is_none(service: Service, run_module: Run, tmp_path: Path) -> None:
    backup = tmp_path / "back.yml"
    run_module(main, expectations=[{"expect": {"webhooks": {"delivery": None}}}], backup=str(backup))
    assert not backup.exists()


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("how", ["file", "link to nowhere"])
def test_a_file_that_is_there_is_never_overwritten(
    service: Service, run_module: Run, tmp_path: Path, check_mode: bool, how: str
) -> None:
    backup = tmp_path / "back.yml"
    if how == "file":
        backup.write_text("mine", encoding="utf-8")
    else:
        backup.symlink_to(tmp_path / "else.yml")
    outcome = run_module(main, expectations=WEBHOOK, backup=str(backup), _ansible_check_mode=check_mode)
    assert outcome.failed
    assert "is there already, and is not overwritten" in outcome.message
    assert service.requests == []
    assert how != "file" or backup.read_text("utf-8") == "mine"
    assert not (tmp_path / "else.yml").exists()


def test_a_file_that_came_in_the_meantime_stops_everything(service: Service, run_module: Run, tmp_path: Path) -> None:
    backup = tmp_path / "back.yml"
    service.on_listing = lambda: backup.write_text("mine", encoding="utf-8")
    outcome = run_module(main, expectations=WEBHOOK, backup=str(backup))
    assert outcome.failed
    assert service.puts == []
    assert backup.read_text("utf-8") == "mine"


def test_what_it_cannot_hold_is_warned_of(service: Service, run_module: Run, warned: list[str], tmp_path: Path) -> None:
    service.row(2)["receivedCallbackUrl"] = "http://old.example.net/"
    backup = tmp_path / "back.yml"
    run_module(main, expectations=WEBHOOK, backup=str(backup))
    assert f"the backup cannot hold webhooks.received of {identity(2)}" in warned
    text = backup.read_text("utf-8")
    assert f"# Not in it, since no expectation can declare it: webhooks.received of {identity(2)}" in text
    assert [item["match"]["id"] for item in yaml.safe_load(text)["expectations"]] == [identity(1), identity(3)]


def test_what_a_warning_says_is_one_line(service: Service, run_module: Run, warned: list[str], tmp_path: Path) -> None:
    service.row(2).update(id="a\nb", receivedCallbackUrl="http://old.example.net/")
    run_module(main, expectations=WEBHOOK, backup=str(tmp_path / "back.yml"))
    for warning in warned:
        assert_fit_for_users(warning, None)


# Secrets


@pytest.mark.parametrize("declared", [SECRET_URL, [SECRET_URL, "https://b"], "https://hooks.example.com/4f9c27d1b88eOpenSesame"])
@pytest.mark.parametrize("fault", [None, IGNORED, Fault(400, {"error": f"no good: {SECRET_URL}"}), Fault(500, takes=True)])
@pytest.mark.parametrize("check_mode", [True, False])
def test_no_secret_of_any_url_comes_out(
    service: Service, run_module: Run, declared: t.Any, fault: Fault | None, check_mode: bool
) -> None:
    service.row(2)["receivedCallbackUrl"] = SECRET_URL.replace("/?", "/other?")
    if fault:
        service.faults[identity(2), RECEIVED] = fault
    items = [{"expect": {"webhooks": {"received": declared}}}]
    outcome = run_module(main, expectations=items, retries=0, _ansible_diff=True, _ansible_check_mode=check_mode)
    assert outcome.failed is (fault is not None and not fault.takes and not check_mode)
    assert "OpenSesame" not in outcome.printed
    assert "hooks.example.com" in outcome.printed


def test_secrets_of_urls_are_shown_if_asked_for(service: Service, run_module: Run) -> None:
    items = [{"expect": {"webhooks": {"received": SECRET_URL}}}]
    assert run_module(main, expectations=items, show_url_secrets=True).result["changes"][0]["after"] == SECRET_URL


def test_names_that_would_pass_for_lines_do_not(service: Service, run_module: Run) -> None:
    service.row(2)["name"] = "x\n- everything is fine\u202e"
    service.faults[identity(2), RECEIVED] = IGNORED
    message = run_module(main, expectations=WEBHOOK).message
    assert all(line.isprintable() for line in message.splitlines())
    assert "- everything is fine" not in message.splitlines()


# Any fleet, any expectations


EVENTS = {name.partition(".")[2]: attribute for name, attribute in BY_NAME.items() if name.startswith("webhooks.")}
SETTABLE = [event for event, attribute in EVENTS.items() if attribute.call]
DECLARED_URLS = [
    "https://hooks.example.com/{id}/received",
    "https://hooks.example.com/{name}/x?key=OpenSesame",
    "https://hooks.example.com/4f9c27d1b88eOpenSesame",
    "https://new.example.net/{id}/{name}",
]
ODD_URLS = [None, "", "https://old.example.net/x?key=OpenSesame", "http://plain.example.net/", "https://old.example.net/{phone}"]
NAMES = ["shop-1", "shop-2", "Pão & Cia", "loja [1]", "a\nb", "{id}", "{{ x }}", "*", "", "%2F/..", "e\u0301", "😀"]
MUTED_WEBHOOKS = [
    [],
    ["FILTER_RECEIVED_CALLBACK"],
    ["FILTER_DELIVERY_CALLBACK", "FILTER_RECEIVED_CALLBACK"],
    ["FILTER_CALLS_CALLBACK"],
]
MUTED_MESSAGES = [[], ["FILTER_TEXT_MESSAGE"], ["FILTER_TEXT_MESSAGE", "FILTER_FROM_GROUP"], ["FILTER_CALLS_MESSAGE"]]
SETTING_FIELDS = [
    *(SENT_BY_ME[0], "autoReadMessage", "autoReadStatus", "callRejectAuto", "callRejectMessage"),
    *("callbackTypeFilters", "messageFilters"),
]


def some(values: t.Sequence[t.Any], most: int = 3) -> st.SearchStrategy[list[t.Any]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=most)


@st.composite
def rows(draw: t.Callable[..., t.Any], number: int, needs_token: bool) -> Row:
    """An instance: set as some expectation may want it, or not, muted, and with fields that nothing tells."""
    identity = make_row(number)["id"]
    name = draw(st.sampled_from([*NAMES, f"loja hocuspocus{number}"]))
    urls = [url.replace("{id}", identity).replace("{name}", quote(name, safe="")) for url in DECLARED_URLS]
    fields: Row = {
        "name": name,
        "whatsappConnected": draw(st.booleans()),
        "paymentStatus": draw(st.sampled_from(["PAID", "TRIAL"])),
        "middleware": draw(st.sampled_from(["web", "mobile"])),
        "callbackTypeFilters": draw(st.sampled_from(MUTED_WEBHOOKS)),
        "messageFilters": draw(st.sampled_from(MUTED_MESSAGES)),
        "callRejectMessage": draw(st.sampled_from(["", "Não atendo", "{{ x }}", "yes"])),
    }
    for field in ("autoReadMessage", "autoReadStatus", "callRejectAuto", SENT_BY_ME[0]):
        fields[field] = draw(st.booleans())
    for attribute in EVENTS.values():
        fields[attribute.fields[0]] = draw(st.sampled_from([*urls, *ODD_URLS]))
    row = known(number, **fields)
    if draw(st.booleans()):
        row[SENT_BY_ME[1]] = row.pop(SENT_BY_ME[0])
    untold = [*SETTING_FIELDS, SENT_BY_ME[1], *(attribute.fields[0] for attribute in EVENTS.values())]
    for field in draw(some(untold, 5)):
        row.pop(field, None)
    if not needs_token and name in NAMES and draw(st.integers(0, 9)) == 9:
        row["token"] = None
    return row


URLS = st.sampled_from(DECLARED_URLS)
ACCEPTED = st.one_of(URLS, URLS, st.lists(URLS, min_size=1, max_size=3), st.none())
DECLARED_SETTINGS: dict[str, st.SearchStrategy[t.Any]] = {
    "muted_messages": st.sampled_from([["group"], [], ["text", "group"], ["calls"]]),
    "muted_webhooks": st.sampled_from([["received"], [], ["delivery"], ["calls"]]),
    "notify_sent_by_me": st.booleans(),
    "auto_read_message": st.booleans(),
    "call_reject_message": st.sampled_from([None, "", "Não atendo"]),
}
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        "whatsapp_connected": st.booleans(),
        "payment_status": st.just(["PAID", "OPEN"]),
        "webhook_hosts": st.just(["hooks.example.com", "old.example.net"]),
    },
)
IGNORED_ONES = some(
    ["webhooks", "settings", "webhook_hosts", "webhooks.received", "webhooks.received_and_delivery", "settings.notify_sent_by_me"],
    2,
)


@st.composite
def expectations(draw: t.Callable[..., t.Any], count: int, with_middleware: bool) -> Items:
    matches: list[t.Any] = [{"id": make_row(number)["id"]} for number in range(1, count + 1)]
    matches += [{"name": name} for name in ("shop-*", "Pão & Cia", "*o*", "shop-1", "\u00e9")]
    if with_middleware:
        matches.append({"middleware": "web"})
    items = []
    for number in range(draw(st.integers(1, 4))):
        events = some([*EVENTS, "received_and_delivery"]) if number else some(SETTABLE).filter(bool)
        webhooks = {event: draw(ACCEPTED) for event in draw(events)}
        settings = {name: draw(DECLARED_SETTINGS[name]) for name in draw(some([*DECLARED_SETTINGS]))}
        expect = {**draw(OTHERS), **({"webhooks": webhooks} if webhooks else {}), **({"settings": settings} if settings else {})}
        item: dict[str, t.Any] = {"expect": expect or {"whatsapp_connected": True}}
        if number:
            item["match"] = draw(st.sampled_from(matches))
            ignored = draw(IGNORED_ONES)
            if ignored:
                item["ignore"] = ignored
                if draw(st.booleans()):
                    del item["expect"]
        items.append(item)
    return items


class Case(t.NamedTuple):
    rows: list[Row]
    items: Items
    hidden: set[str]
    by_credentials: bool


@st.composite
def cases(draw: t.Callable[..., t.Any]) -> Case:
    count, by_credentials = draw(st.integers(1, 5)), draw(st.booleans())
    fleet = [draw(rows(number, by_credentials)) for number in range(1, count + 1)]
    hidden = draw(st.sampled_from([set(), {*SETTING_FIELDS, *SENT_BY_ME}])) or set(draw(some(SETTING_FIELDS)))
    return Case(fleet, draw(expectations(count, not by_credentials)), hidden, by_credentials)


def keys_of(rows: t.Iterable[t.Any]) -> set[tuple[str, str, str]]:
    return {(row["kind"], row["id"], row["attribute"]) for row in rows}


def values_of(row: Row) -> dict[str, t.Any]:
    """What an instance has, in one form: nothing is None, lists are sorted, and what has two names has one."""
    return {
        (SENT_BY_ME[0] if field in SENT_BY_ME else field): sorted(value)
        if isinstance(value, list)
        else (None if value == "" else value)
        for field, value in row.items()
    }


def differences(before: list[Row], after: list[Row]) -> set[tuple[str, str]]:
    """The id and the field of each value that is not the same."""
    return {
        (one["id"], field)
        for one, other in zip(before, after)
        for field, value in values_of(one).items()
        if values_of(other)[field] != value
    }


NUMBERS = itertools.count()


@given(cases())
def test_any_fleet_becomes_what_any_expectations_declare_and_can_go_back(run_module: Run, tmp_path: Path, case: Case) -> None:
    backup = tmp_path / f"back-{next(NUMBERS)}.yml"
    keys = [{"id": row["id"], "token": row["token"]} for row in case.rows]
    options: dict[str, t.Any] = {"partner_token": None, "credentials": keys} if case.by_credentials else {}
    asked = {**options, "expectations": case.items, "on_missing": "skip", "max_changes": "100%"}
    before = copy.deepcopy(case.rows)
    with Service(case.rows) as service:
        service.hidden = case.hidden
        # The plan says what will be done
        checked = run_module(main, **asked, _ansible_check_mode=True)
        assert not checked.failed, checked.message
        assert service.puts == []
        assert "OpenSesame" not in checked.printed
        plan = run_module(main, **asked, show_url_secrets=True, _ansible_check_mode=True).result
        # It is done, and nothing else
        real = run_module(main, **asked, backup=str(backup)).result
        assert not real.get("failed"), real["msg"]
        assert list(map(as_planned, real["changes"])) == checked.result["changes"]
        assert {row["status"] for row in real["changes"]} <= {"changed"}
        assert real["remaining"] == checked.result["remaining"]
        assert_is_as_planned(before, service.rows, plan["changes"])
        assert_sent_once(service, plan["changes"])
        # Nobody finds more than was told, and a second time there is nothing to do
        told = keys_of(real["remaining"])
        audit = run_module(instance_audit.main, **options, expectations=case.items, fail_on_drift=False).result
        assert keys_of(audit["drift"]) <= told
        if case.by_credentials or not case.hidden:
            assert keys_of(audit["drift"]) == told
        service.requests.clear()
        again = run_module(main, **asked).result
        assert service.puts == []
        assert (again["changes"], again["changed"], keys_of(again["remaining"]) <= told) == ([], False, True)
        # And back again
        if real["changes"]:
            assert_can_go_back(
                service, before, backup.read_text("utf-8"), lambda items: run_module(main, **{**asked, "expectations": items})
            )
        else:
            assert not backup.exists()


def as_planned(row: t.Any) -> t.Any:
    """A row of a run as the plan has it."""
    note = (row["note"] or "").removesuffix("the API does not tell whether it is set").removesuffix("; ")
    return {**row, "status": "planned", "note": note or None}


def assert_is_as_planned(before: list[Row], after: list[Row], changes: list[t.Any]) -> None:
    planned = {row["id"]: row for row in copy.deepcopy(before)}
    for change in changes:
        attribute, row, value = BY_NAME[change["attribute"]], planned[change["id"]], change["after"]
        if isinstance(value, str):
            value = value.replace("***", f"{row['token']}")  # which no option shows
        elif isinstance(value, list):
            value = [FILTERS[attribute.name][one] for one in value]
        for field in attribute.fields:
            if field in row:  # otherwise nothing tells what has become of it
                row[field] = value
    assert differences([*planned.values()], after) == set()


def assert_sent_once(service: Service, changes: list[t.Any]) -> None:
    calls = {(change["id"], BY_NAME[change["attribute"]].call) for change in changes}
    sent = [(request.identity, request.name) for request in service.puts]
    assert len(sent) == len(set(sent))
    assert set(sent) == calls


def assert_can_go_back(service: Service, before: list[Row], text: str, converge: t.Callable[[Items], t.Any]) -> None:
    lost = [line.rpartition(": ")[2].split(" of ") for line in text.splitlines() if line.startswith("# Not in it")]
    fields = {(one, spelled) for attribute, one in lost for spelled in BY_NAME[attribute].fields}
    items = yaml.safe_load(text)["expectations"]
    if items:
        outcome = converge(items)
        assert not outcome.failed, outcome.message
    assert differences(before, service.rows) <= fields
