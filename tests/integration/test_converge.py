# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A convergence through Ansible: the playbook, check mode and diff, the rollback file, failures and interruptions."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
import typing as t
from types import MappingProxyType

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import COMMANDS, extra, found, found_in_files

SECRET = "s3cr3t0f+the/hook"
OLD = "https://old.example.net/hook?key=" + SECRET
NEW = "https://hooks.example.com/{id}"
TOKEN = "partner+token/of-the-account"
CLIENT_TOKEN = "F00client+token/of-the-account"
FIELDS = {"webhooks.delivery": "deliveryCallbackUrl", "webhooks.received": "receivedCallbackUrl"}
CALLS = {"webhooks.delivery": "update-webhook-delivery", "webhooks.received": "update-webhook-received"}
DECLARED = [{"expect": {"webhooks": {"received": NEW, "delivery": NEW}}}]
LETTERS = {"changed": "C", "failed": "F", "not_tried": "N", "planned": "P"}


def shops(count):
    """Instances of which nothing is as declared."""
    return [
        {
            "id": f"A{number}",
            "name": f"shop-{number}",
            "token": f"token-of-shop-{number}",
            "middleware": "web",
            "whatsappConnected": True,
            "deliveryCallbackUrl": "",
            "receivedCallbackUrl": OLD,
        }
        for number in range(1, count + 1)
    ]


@pytest.fixture
def account(workplace):
    workplace.write("expectations.yml", {"expectations": DECLARED})
    with Emulator(shops(3), partner_token=TOKEN) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=TOKEN)
        yield running


def statuses(result):
    """The statuses of the changes of each instance: "CC CF" are four changes of two instances, and the last one failed."""
    letters = {}
    for row in result["changes"]:
        letters[row["id"]] = letters.get(row["id"], "") + LETTERS[row["status"]]
    return " ".join(letters.values())


def puts(emulator):
    """The instance and the call of each request that sets a value."""
    return [(request["instance"], request["call"]) for request in emulator.requests if request["method"] == "PUT"]


def differing(fleet):
    """The instance and the call of each value that is not the declared one."""
    return {
        (row["id"], CALLS[attribute])
        for row in fleet
        for attribute, field in FIELDS.items()
        if row.get(field) != NEW.format(id=row["id"])
    }


def converge(workplace, *arguments, **environment):
    return workplace.run("ansible-playbook", "zapi.zapi.converge", *arguments, **environment)


def recap(outcome):
    [line] = re.findall(r"^localhost +: (.*)$", outcome.stdout, re.MULTILINE)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def diff_headers(output):
    return re.findall(r"^--- before: (.*)$", output, re.MULTILINE)


ALL = '3 instances: "shop-1", "shop-2", "shop-3"'


# The playbook


def test_check_mode_a_run_a_second_run_and_a_rollback(workplace, account):
    before = account.fleet
    (workplace.folder / "elsewhere").mkdir()
    options = {"expectations_file": "expectations.yml", "zapi_backup": "back.yml"}
    planned = converge(workplace, *extra(**options), "--check", "--diff")
    assert planned.status == 0, planned.output
    assert "3 of 3 managed instances would be changed" in planned.stdout
    assert recap(planned)["changed"] == 1
    assert puts(account) == []
    assert not (workplace.folder / "back.yml").exists()

    plays = [
        ("converge", options),
        ("audit", {"expectations_file": "expectations.yml"}),
        ("converge", {"expectations_file": "expectations.yml"}),
        ("converge", {"expectations_file": "back.yml"}),
    ]
    imports = [{"import_playbook": f"zapi.zapi.{name}", "vars": variables} for name, variables in plays]
    workplace.write("elsewhere/main.yml", yaml.safe_dump(imports))
    done = workplace.run("ansible-playbook", "elsewhere/main.yml", "--diff")
    assert done.status == 0, done.output
    assert re.findall(r"\d of 3 managed instances[\w ]*", done.stdout) == [
        "3 of 3 managed instances changed",
        "3 of 3 managed instances are as declared",
        "0 of 3 managed instances need changes",
        "3 of 3 managed instances changed",
    ]
    assert recap(done)["changed"] == 2
    shown = [re.search(r"^--- before.*?^changed:", one.stdout, re.MULTILINE | re.DOTALL)[0] for one in (planned, done)]
    assert shown[0] == shown[1], "a run makes the changes that check mode shows"
    assert diff_headers(done.stdout) == [ALL, ALL]

    back = workplace.folder / "back.yml"
    assert back.stat().st_mode & 0o777 == 0o600
    assert SECRET in back.read_text()
    assert not found([SECRET], planned.output + done.output)
    assert len(puts(account)) == 12
    assert account.fleet == before


def test_a_partial_failure_is_changed_and_failed_and_shows_no_secret(workplace, account):
    secret = "0th3r+s3cr3t/of-the-hook"
    declared = [{"expect": {"webhooks": {"received": f"https://hooks.example.com/{{id}}?key={secret}", "delivery": OLD}}}]
    inputs = [workplace.write("expectations.yml", {"expectations": declared}), workplace.write("password", "the right one")]
    vault = ["--vault-password-file", "password"]
    assert workplace.run("ansible-vault", "encrypt", "expectations.yml", *vault).status == 0
    said = f"https://hooks.example.com/A3?key={secret} is invalid, and so are token-of-shop-3 and {secret}"
    account.set_faults([{"kind": "status", "code": 400, "message": said, "instance": "A3", "call": CALLS["webhooks.received"]}])
    options = extra(expectations_file="expectations.yml", zapi_backup="back.yml")
    environment = {"ANSIBLE_LOG_PATH": "ansible.log", "ANSIBLE_PIPELINING": "0"}
    outcome = converge(workplace, *options, *vault, "--diff", "-vvv", **environment)
    assert outcome.status == 2, outcome.output
    assert (recap(outcome)["changed"], recap(outcome)["failed"]) == (1, 1)
    assert "2 of 3 managed instances changed, 1 failed" in outcome.stdout
    assert r"- \"shop-3\" (A3): webhooks.received: PUT" in outcome.stdout
    assert diff_headers(outcome.stdout) == [ALL, '2 instances: "shop-1", "shop-2"'], "what failed is not shown as changed"
    assert [row["receivedCallbackUrl"] for row in account.fleet] == [
        *(f"https://hooks.example.com/{identity}?key={secret}" for identity in ("A1", "A2")),
        OLD,
    ]
    secrets = [secret, SECRET, TOKEN, *(row["token"] for row in account.fleet)]
    assert not found(secrets, outcome.output)
    assert (workplace.folder / "ansible.log").stat().st_size > 10_000
    assert found_in_files(secrets, workplace.folder, inputs) == [workplace.folder / "back.yml"]
    assert not found([TOKEN, "token-of-shop"], (workplace.folder / "back.yml").read_text())


def test_the_playbook_shows_a_plan_that_is_too_large_once(workplace, account):
    outcome = converge(workplace, *extra(expectations_file="expectations.yml", zapi_max_changes="2"), "--check", "--diff")
    assert outcome.status == 2
    assert (recap(outcome)["changed"], recap(outcome)["failed"]) == (0, 1)
    assert "3 of 3 managed instances need changes, and max_changes (2) allows 2" in outcome.stdout
    assert diff_headers(outcome.stdout) == [ALL]


# Tasks


def task(name, **options):
    keywords = {key: options.pop(key) for key in ("check_mode", "failed_when", "changed_when", "no_log") if key in options}
    options = {"expectations": "{{ declared }}", "retries": 0, "max_changes": "100%", **options}
    return {"zapi.zapi.instance_converge": options, "register": name, **keywords}


def run_tasks(workplace, tasks, *arguments, **variables):
    """Run the tasks with variables of a file: errors of ansible-core 2.19 and later quote lines of the playbook."""
    workplace.write("given.yml", {"declared": DECLARED, **variables})
    outcome, (results,) = workplace.plays([tasks], "-e", "@given.yml", *arguments)
    assert outcome.status == 0, outcome.output
    return outcome, results


@pytest.mark.slow
def test_a_task_shows_its_diff_once_whether_it_fails_or_not(workplace, account):
    tasks = [
        task("too_many", max_changes=2),
        task("too_many_and_no_failure", max_changes=2, failed_when=False),
        task("too_many_and_changed", max_changes=2, check_mode=True, failed_when=False, changed_when=True),
        task("planned_and_no_change", check_mode=True, changed_when=False),
        task("hidden", check_mode=True, no_log=True),
        task("partly", only=["A1", "shop-2"]),
        task("rest", failed_when=False),
    ]
    account.set_faults(["status,code=500,instance=A2,method=PUT,times=1"])
    outcome, results = run_tasks(workplace, tasks, "--diff")
    # The output begins with the first task.
    texts = re.split(r"^TASK .*\n", outcome.stdout, flags=re.MULTILINE)[1:]
    shown = {one["register"]: diff_headers(text) for one, text in zip(tasks, texts)}
    assert shown == {
        "too_many": [ALL],
        "too_many_and_no_failure": [ALL],
        "too_many_and_changed": [ALL],
        "planned_and_no_change": [ALL],
        "hidden": [],
        "partly": ['"shop-1" (A1)'],
        "rest": ['2 instances: "shop-2", "shop-3"'],
    }
    assert {name for name, result in results.items() if result.get("failed")} == {"too_many", "partly"}
    assert statuses(results["partly"]) == "CC FN"


def test_check_mode_returns_what_a_run_does(workplace, account):
    declared = [
        {"expect": {"webhooks": {"received": NEW, "delivery": [NEW, OLD], "received_and_delivery": NEW, "connected": None}}},
        {"name": "The second one", "match": {"name": "shop-2"}, "expect": {"settings": {"muted_messages": ["group"]}}},
        {"match": {"name": "shop-*"}, "expect": {"whatsapp_connected": False, "webhooks": {"received_status": NEW}}},
    ]
    muted = {"callbackTypeFilters": ["FILTER_DISCONNECTED_CALLBACK"], "messageFilters": [], "receiveCallbackSentByMe": False}
    for row in account.fleet:
        account.change_instance(row["id"], **muted, connectedCallbackUrl=OLD, receivedAndDeliveryCallbackUrl="")
    tasks = [task("planned", check_mode=True), task("done"), task("again", check_mode=True)]
    _outcome, results = run_tasks(workplace, tasks, "--diff", declared=declared)
    planned, done, again = (results[name] for name in ("planned", "done", "again"))
    assert {row["status"] for row in done["changes"]} == {"changed"}, done["msg"]
    assert [{**row, "status": "changed"} for row in planned["changes"]] == done["changes"]
    assert planned["diff"] == done["diff"]
    assert planned["remaining"] == done["remaining"] == again["remaining"] != []
    assert planned["changed"] is done["changed"] is True
    assert (again["changed"], again["changes"]) == (False, [])
    assert len(puts(account)) == len(done["changes"]) == 3 * 5 + 1
    for row in account.fleet:
        assert row["receiveCallbackSentByMe"] is False, "what setting a webhook turns on is set back"
        assert row["callbackTypeFilters"] == ["FILTER_DISCONNECTED_CALLBACK"]
        assert row["messageFilters"] == (["FILTER_FROM_GROUP"] if row["name"] == "shop-2" else [])
        assert row["connectedCallbackUrl"] == ""


# Failures, and the run after them


class Failure(t.NamedTuple):
    """The faults of a server, and the statuses of each instance. ``message`` is part of the result's message."""

    faults: list[t.Any]
    statuses: str
    message: str
    options: t.Mapping[str, t.Any] = MappingProxyType({})


def status(code, **options):
    return {"kind": "status", "code": code, "method": "PUT", **options}


FAILURES = {
    "client_token_half_way": Failure(
        [status(403, message=f"Client-Token {CLIENT_TOKEN} not allowed", after=4)],
        "CC CC FN NN",
        "the Client-Token is missing or wrong",
        {"concurrency": 1},
    ),
    "rejections_that_repeat_secrets": Failure(
        [
            status(400, instance="A2", echo_token=True),
            status(500, instance="A3", echo_token=True),
            status(400, instance="A4", message=f"{OLD} must not be replaced"),
        ],
        "CC FN FN FN",
        "1 of 4 managed instances changed, 3 failed",
    ),
    "responses_or_requests_are_lost": Failure(
        ["drop,instance=A2,taken=true", "hang,instance=A3", status(502, instance="A4", html=True)],
        "CC CN FN FN",
        "1 of 4 managed instances changed, 2 failed, 1 not tried",
    ),
    "not_stored": Failure(["ignore,instance=A3"], "CC CC FF CC", "the call succeeded, but the old value is still there"),
    "canary_is_not_read_back": Failure(
        ["status,code=500,call=me", "status,code=404,page=1,after=1"],  # after the first listing
        "CC NN NN NN",
        "the first instance (canary) could not be read back",
    ),
}


@pytest.mark.slow
def test_results_agree_with_the_server_and_the_next_run_sets_the_rest(workplace):
    with contextlib.ExitStack() as stack:
        emulators = {
            name: stack.enter_context(Emulator(shops(4), partner_token=TOKEN, client_token=CLIENT_TOKEN, faults=failure.faults))
            for name, failure in FAILURES.items()
        }
        connection = {"partner_token": "{{ token }}", "client_token": "{{ client }}", "timeout": 1}
        tasks = [task(name, api_url=emulators[name].url, **connection, **failure.options) for name, failure in FAILURES.items()]
        given = {"token": TOKEN, "client": CLIENT_TOKEN}
        first, results = run_tasks(workplace, tasks, "--diff", "-vvv", **given)
        left = {}
        for name, emulator in emulators.items():
            result, asked, left[name] = results[name], puts(emulator), differing(emulator.fleet)
            assert statuses(result) == FAILURES[name].statuses, result
            assert FAILURES[name].message in result["msg"]
            assert (result["failed"], result["complete"], result["changed"]) == (True, False, True), name
            assert len(asked) == len(set(asked)), name
            for row in result["changes"]:
                call = (row["id"], CALLS[row["attribute"]])
                assert (call in left[name]) is (row["status"] != "changed"), row
                assert (call in asked) is (row["status"] != "not_tried"), row
            emulator.clear_requests()
            emulator.set_faults([])
        second, results = run_tasks(workplace, tasks, "--diff", "-vvv", **given)
        for name, emulator in emulators.items():
            assert results[name]["complete"], results[name]["msg"]
            assert sorted(puts(emulator)) == sorted(left[name])
            assert differing(emulator.fleet) == set()
    shown = first.output + second.output
    assert not found([TOKEN, CLIENT_TOKEN, SECRET, *(row["token"] for row in shops(4))], shown)
    assert "Traceback" not in shown


# Interruptions, and the run after them

INTERRUPTIONS = {
    "SIGTERM": (os.killpg, signal.SIGTERM, "expectations.yml"),
    "Ctrl-C": (os.killpg, signal.SIGINT, "expectations.yml"),
    # A job is killed: of Ansible's processes, only the first one is gone.
    "SIGKILL": (os.kill, signal.SIGKILL, "back.yml"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("send", "number", "file"), INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_an_interruption_and_the_next_run(workplace, send, number, file):
    fleet = shops(20)
    workplace.write("expectations.yml", {"expectations": DECLARED})
    # A child ignores SIGINT if its parent does, as commands in the background of a shell do.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Emulator(fleet, partner_token=TOKEN, faults=["latency,seconds=0.3,method=PUT"]) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=TOKEN)
        options = {"zapi_max_changes": "100%", "zapi_concurrency": "3"}
        arguments = extra(expectations_file="expectations.yml", zapi_backup="back.yml", **options)
        process = subprocess.Popen(
            [COMMANDS / "ansible-playbook", "zapi.zapi.converge", *arguments],
            cwd=workplace.folder,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + 60
            while len(puts(emulator)) < 8 and time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            sent = time.time()
            send(process.pid, number)
            assert process.wait(20) != 0
            time.sleep(4)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        asked = puts(emulator)
        assert len(asked) >= 8
        assert [entry for entry in emulator.requests if entry["time"] > sent + 3] == [], "nothing is sent any more"
        left = differing(emulator.fleet)
        assert left == differing(fleet) - set(asked)
        assert left, "the run was interrupted before its end"

        emulator.set_faults([])
        emulator.clear_requests()
        outcome = converge(workplace, *extra(expectations_file=file, **options))
        assert outcome.status == 0, outcome.output
        if file == "back.yml":
            assert sorted(puts(emulator)) == sorted(asked)
            assert emulator.fleet == fleet
        else:
            assert sorted(puts(emulator)) == sorted(left)
            assert differing(emulator.fleet) == set()
