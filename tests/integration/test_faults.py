# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Every fault through every door: the right result, or one clear line, and never a token.

All faults are hosts of one play, so that a minute is enough for all of them. The engine's unit tests know more of them, and
the guide on errors has this table in words.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest
import yaml

from ansible_collections.zapi.zapi.plugins.module_utils._api.listing import RELISTS
from ansible_collections.zapi.zapi.tests.emulator.faults import KINDS
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import Workplace, base_environment, found, found_in_files, plain

pytestmark = [pytest.mark.attacks, pytest.mark.once]

FLEET = 50
TIMEOUT = 1
RETRIES = 1
TOKEN = "eyJhbGciOiJIUzI1NiJ9+partner/token~of-the-faults.c2VjcmV0=="
HOOK = "https://ana:secret+of/the-hook@hooks.example.com/?key=value+of/the-hook"
DOORS = ("instance_info", "instance_audit", "lookup", "inventory")
WHOLE_FLEET = None


class Case(t.NamedTuple):
    faults: list[t.Any]
    message: str | None = WHOLE_FLEET
    options: t.Mapping[str, t.Any] = MappingProxyType({})


def status(code, **options):
    return {"kind": "status", "code": code, **options}


def body(**options):
    return {"kind": "body", **options}


OTHER_SECRETS = ("F00BA123", "token-of-A1", "secret-0003", "another-secret-token-0001", "token-0002")
CASES = {
    "none": Case([]),
    "wrong_token": Case([], "status 401.*check partner_token", {"partner_token": "another-secret-token-0001"}),
    "token_with_line_break": Case([], "partner_token holds white space", {"partner_token": "secret\ntoken-0002"}),
    "empty_token": Case([], "partner_token is empty", {"partner_token": ""}),
    "echoed_token": Case([status(403, echo_token=True)], "status 403"),
    "echoed_client_token": Case([status(403, message="Client-Token F00BA123 not allowed")], "Client-Token is missing or wrong"),
    "ip_restricted": Case(["ip_restricted"], "listed IP addresses only"),
    "throttled_shortly": Case([status(429, retry_after="1", times=1)]),
    "throttled_two_hours": Case([status(429, retry_after="7200")], "asking to wait 7200 seconds"),
    "throttled_forever": Case([status(429)], "status 429.* in 2 tries: too many requests"),
    "error_502_once": Case([status(502, html=True, times=1, page=3)]),
    "error_503_forever": Case([status(503, html=True)], "status 503 in 2 tries: the service has trouble"),
    "dropped_once": Case([{"kind": "drop", "times": 1}]),
    "dropped_forever": Case(["drop"], "no connection to 127.0.0.1.* in 2 tries"),
    "cut_once": Case([{"kind": "truncate", "times": 1, "page": 2}]),
    "cut_forever": Case(["truncate"], "was cut off in 2 tries"),
    "drips": Case([{"kind": "drip", "seconds": 0.01, "size": 2000, "head": True}]),
    "drips_forever": Case(["drip"], "was not complete within 10 seconds, 10 times the timeout"),
    "hangs": Case(["hang"], "no answer from 127.0.0.1.* within 1 seconds in 2 tries"),
    "slow": Case([{"kind": "latency", "seconds": 0.1}]),
    "html": Case(["html"], r"not JSON \(text/html"),
    "redirect": Case(
        [{"kind": "redirect", "location": "https://elsewhere.example/?t=secret-0003"}], "redirected to elsewhere.example"
    ),
    "page_size_limited": Case([{"kind": "page_size_limit", "maximum": 20, "fallback": 7}], options={"page_size": 100}),
    "pages_shorter_than_claimed": Case([{"kind": "short_pages", "rows": 4}]),
    "page_ignored": Case(["ignore_page"], "says of page 2 that it is another one"),
    "page_ignored_and_echoed": Case(
        [{"kind": "ignore_page", "echo": True}], "no complete listing in 4 attempts: an instance came twice"
    ),
    "fleet_changes_once": Case([{"kind": "change_fleet", "add": 1, "times": 1, "after": 2, "where": "start"}]),
    "fleet_changes_always": Case([{"kind": "change_fleet", "add": 1, "where": "start"}], "no complete listing in 4 attempts"),
    "counts_as_text": Case([{"kind": "counts", "total": "50", "totalPage": "5", "pageSize": "10"}]),
    "total_0_with_rows": Case([{"kind": "counts", "total": 0}], "reported 0 instances and sent 10"),
    "too_few_rows": Case([{"kind": "counts", "total": 51}], "no complete listing|gave pages shorter"),
    "billion_pages": Case(
        [body(json={"total": 10**11, "totalPage": 10**9, "pageSize": 100, "content": []})], "reported 100000000000"
    ),
    "content_null": Case([body(json={"total": 1, "content": None})], "content is null"),
    "row_without_id": Case([body(json={"total": 1, "content": [{"token": "token-of-A1"}]})], "row 1 of page 1 has no id"),
    "deep_json": Case([body(text="[" * 200_000)], "not JSON"),
    "page_size_option_0": Case([], "page_size must be 1 or more", {"page_size": 0}),
    "api_url_in_the_clear": Case([], "token would travel in the clear", {"api_url": "http://api.z-api.io"}),
    "api_url_refused": Case([], "no connection to 127.0.0.1:9 in 2 tries", {"api_url": "http://127.0.0.1:9"}),
}


CACHE = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}

# What the lookup is given where a case says nothing: it can't be told to omit an option.
DEFAULTS = {"api_url": "''", "partner_token": "''", "timeout": TIMEOUT, "retries": RETRIES, "page_size": 10, "concurrency": 4}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Send every case through every door, with a server each for modules, lookup and inventory."""
    folder = tmp_path_factory.mktemp("faults")
    workplace = Workplace(folder, base_environment(folder))
    with contextlib.ExitStack() as stack:
        emulators = {
            (door, name): stack.enter_context(Emulator(count=FLEET, partner_token=TOKEN, faults=case.faults))
            for door in DOORS
            for name, case in CASES.items()
        }
        # Inventory sources are read one after the other and mostly wait: the play has the time to itself.
        with ThreadPoolExecutor() as beside:
            inventories = beside.submit(_inventories, workplace, emulators)
            answers = _play(workplace, emulators)
            answers["inventory"], output = inventories.result()
        fleets = {key: [row["id"] for row in emulator.fleet] for key, emulator in emulators.items()}
        asked = {key: Counter(request["path"] for request in emulator.requests) for key, emulator in emulators.items()}
        secrets = {TOKEN, "secret+of/the-hook", "value+of/the-hook", *OTHER_SECRETS}
        for emulator in emulators.values():
            secrets.update(row["token"] for row in emulator.fleet if row.get("token"))
    workplace.write("inventories.log", output)
    return SimpleNamespace(answers=answers, fleets=fleets, asked=asked, folder=folder, secrets=secrets)


def _options(door, name, emulators):
    return {
        "api_url": emulators[door, name].url,
        "partner_token": TOKEN,
        "timeout": TIMEOUT,
        "retries": RETRIES,
        "page_size": 10,
        **CASES[name].options,
    }


def _play(workplace, emulators):
    """Run both modules and the lookup for every case; return what each of them answered."""
    hosts = {name: {"given": {door: _options(door, name, emulators) for door in DOORS}} for name in CASES}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    # Not in the playbook: from ansible-core 2.19 on, an error quotes the lines that it is about.
    expectations = [{"match": {"name": "-"}, "expect": {"days_left": 0, "webhooks": {"received": HOOK}}}]
    variables = {**connection, "expectations": expectations}
    workplace.write("hosts.yml", yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}))
    names = sorted({option for case in hosts.values() for options in case["given"].values() for option in options})
    shared = {name: "{{ given[door].%s | default(omit) }}" % name for name in names}
    keywords = ", ".join(f"{name}=given.lookup.{name} | default({DEFAULTS[name]})" for name in names)
    tasks = [
        {
            "zapi.zapi.instance_info": shared,
            "vars": {"door": "instance_info"},
            "register": "by_instance_info",
        },
        {
            "zapi.zapi.instance_audit": {
                **shared,
                "unmanaged": "report",
                "expectations": "{{ expectations }}",
            },
            "vars": {"door": "instance_audit"},
            "register": "by_instance_audit",
        },
        {
            "ansible.builtin.set_fact": {"instances": "{{ query('zapi.zapi.instances', %s) }}" % keywords},
            "register": "by_lookup",
        },
    ]
    collected = "{%% set all = {} %%}{%% for host in groups.all %%}{%% set _ = all.update({host: {%s}}) %%}{%% endfor %%}{{ all | to_json }}"
    report = {
        "ansible.builtin.copy": {
            "content": collected % ", ".join(f"'{door}': hostvars[host].by_{door}" for door in DOORS[:3]),
            "dest": f"{workplace.folder}/answers.json",
        },
        "no_log": True,
    }
    plays = [
        {"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [{**task, "ignore_errors": True} for task in tasks]},
        {"hosts": "localhost", "gather_facts": False, "tasks": [report]},
    ]
    workplace.write("faults.yml", yaml.safe_dump(plays, sort_keys=False))
    outcome = workplace.run("ansible-playbook", "-i", "hosts.yml", "faults.yml", "-vvvv", "--diff", "--forks", "8")
    workplace.write("play.log", outcome.output)
    assert outcome.status == 0, outcome.output[-5000:]
    answers = {door: {} for door in DOORS[:3]}
    for name, results in json.loads((workplace.folder / "answers.json").read_text(encoding="utf-8")).items():
        for door, result in results.items():
            found = result.get("instances") or result.get("drift") or result.get("ansible_facts", {}).get("instances") or []
            rows = [row["id"] for row in found if row.get("kind") != "missing"]
            # An audit that compared the fleet has done its work: a missing instance is no fault of the listing.
            failed = result.get("failed", False) and "summary" not in result
            answers[door][name] = (failed, result.get("msg", ""), rows)
    return answers


def _inventories(workplace, emulators):
    """Read every case as an inventory source of one command; return what each of them gave, and the output."""
    sources = []
    for name in CASES:
        options = {"plugin": "zapi.zapi.instances", **_options("inventory", name, emulators), **CACHE, "group": f"case_{name}"}
        sources += ["-i", workplace.write(f"{name}.zapi.yml", yaml.safe_dump(options))]
    outcome = workplace.run("ansible-inventory", *sources, "--list", "-vvvv", "--output", "inventory.json")
    listed = json.loads((workplace.folder / "inventory.json").read_text(encoding="utf-8"), object_hook=plain)
    variables = listed["_meta"]["hostvars"]
    # What is said of a source stands before the line that gives it up.
    said = re.split(r"Unable to parse (.*?) as an inventory source", " ".join(outcome.stderr.split()))
    # Up to ansible-core 2.18 warnings are broken into lines, even in the middle of a path.
    problems = {Path(path.replace(" ", "")).name.partition(".")[0]: problem for problem, path in zip(said[0::2], said[1::2])}
    answers = {}
    for name in CASES:
        ids = [variables[host]["zapi_id"] for host in listed.get(f"case_{name}", {}).get("hosts", [])]
        answers[name] = (name in problems, problems.get(name, ""), ids)
    return answers, outcome.output


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_a_fault_ends_in_the_right_fleet_or_in_one_clear_line(run, door, name):
    failed, message, ids = run.answers[door][name]
    if CASES[name].message is WHOLE_FLEET:
        assert not failed, message
        assert ids == run.fleets[door, name]
    else:
        assert failed
        assert ids == []
        assert re.search(CASES[name].message, message)
        assert "Traceback" not in message
        assert door == "inventory" or "\n" not in message.strip()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_no_page_is_asked_for_more_often_than_the_options_allow(run, door, name):
    # Which is what bounds the time, whatever the server does.
    assert max(run.asked[door, name].values(), default=0) <= (RETRIES + 1) * (RELISTS + 1)


def test_every_kind_of_fault_that_the_emulator_knows_is_among_the_cases():
    kinds = {fault if isinstance(fault, str) else fault["kind"] for case in CASES.values() for fault in case.faults}
    # Nothing is set here: that is the matter of test_converge.
    assert kinds == {kind for kind, known in KINDS.items() if known.method != "PUT"}


def test_no_secret_is_printed_returned_or_left_behind_whatever_happens(run):
    folder, secrets = run.folder, run.secrets
    inputs = [folder / "hosts.yml", *folder.glob("*.zapi.yml")]
    assert list((folder / "cache").iterdir())
    assert not found_in_files(secrets, folder, inputs)
    output = "".join((folder / name).read_text(encoding="utf-8") for name in ("play.log", "inventories.log"))
    assert len(output) > 100_000
    assert not found(secrets, output)
    assert "Traceback" not in output
