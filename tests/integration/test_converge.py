# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Good and bad days of a convergence: what was set, what is said of it, and what the next run has left to do.

The bad days are hosts of one play, each with a server of its own. What is compared at the end is what the server holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
from collections import Counter
from types import MappingProxyType, SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import COMMANDS, Workplace, base_environment, found, found_in_files
from ansible_collections.zapi.zapi.tests.integration.raw_server import json_answer, page_of, serving, whole

pytestmark = [pytest.mark.unmeasured]

SECRET = "s3cr3t0f+the/hook"
OLD = "https://old.example.net/hook?key=" + SECRET
NEW = "https://hooks.example.com/{id}"
TOKEN = "partner+token/of-the-account"
CLIENT_TOKEN = "F00client+token/of-the-account"
FIELDS = {"webhooks.delivery": "deliveryCallbackUrl", "webhooks.received": "receivedCallbackUrl"}
CALLS = {"webhooks.delivery": "update-webhook-delivery", "webhooks.received": "update-webhook-received"}
DECLARED = [{"expect": {"webhooks": {"received": NEW, "delivery": NEW}}}]
LETTERS = {"changed": "C", "failed": "F", "not_tried": "N", "planned": "P"}


def shop(number, **fields):
    return {
        "id": f"A{number}",
        "name": f"shop-{number}",
        "token": f"token-of-shop-{number}",
        "middleware": "web",
        "whatsappConnected": True,
        "deliveryCallbackUrl": "",
        "receivedCallbackUrl": OLD,
        **fields,
    }


def shops(count):
    return [shop(number) for number in range(1, count + 1)]


def by_instance(result):
    """What became of the rows of each instance: "CF" is one that is changed and one that failed."""
    letters = {}
    for row in result["changes"]:
        letters[row["id"]] = letters.get(row["id"], "") + LETTERS[row["status"]]
    return letters


def puts(requests):
    """The instance and the call of each request that sets something."""
    return [(request["instance"], request["call"]) for request in requests if request["method"] == "PUT"]


def lacking(fleet):
    """What a run has yet to do to a fleet: the instance and the call of each value that is not the declared one."""
    return {
        (row["id"], CALLS[attribute])
        for row in fleet
        for attribute, field in FIELDS.items()
        if row.get(field) != NEW.format(id=row["id"])
    }


# Bad days


class Day(t.NamedTuple):
    """Faults, and what becomes of the rows of each instance. ``message`` is a pattern; ``untold`` are those that nobody read back."""

    faults: list[t.Any]
    outcome: str
    message: str = ""
    changed: bool = True
    options: t.Mapping[str, t.Any] = MappingProxyType({})
    after: str = ""  # of a second run with the same faults, or MENDED: of one without them. There is not always one
    untold: bool = False


MENDED = "mended"


def status(code, **options):
    return {"kind": "status", "code": code, **options}


WRONG_CLIENT_TOKEN = status(403, message=f"Client-Token {CLIENT_TOKEN} not allowed", method="PUT")
ONE_BY_ONE = {"concurrency": 1}
STOPPED_BY_CANARY = "the first instance that was changed is not as it was set to be, and no other one was touched"
DAYS = {
    "none": Day([], "CC CC CC CC", "^4 of 4 managed instances changed"),
    # Refusals that hold for all
    "client_token_at_the_canary": Day([WRONG_CLIENT_TOKEN], "FN NN NN NN", "Client-Token is missing or wrong", changed=False),
    "client_token_half_way": Day(
        [{**WRONG_CLIENT_TOKEN, "after": 4}], "CC CC FN NN", "Client-Token", options=ONE_BY_ONE, after=MENDED
    ),
    "refused_with_success": Day(
        [{"kind": "body", "json": {"error": "null not allowed"}, "method": "PUT", "after": 4}],
        "CC CC FN NN",
        "Client-Token is missing",
        options=ONE_BY_ONE,
    ),
    "client_token_after_a_lie": Day(["ignore,times=1", WRONG_CLIENT_TOKEN], "FF NN NN NN", "Client-Token", changed=False),
    # An instance's own
    "own_refusals": Day(
        [status(code, instance=f"A{number}", method="PUT") for number, code in ((2, 401), (3, 403), (4, 404))],
        "CC FN FN FN",
        r'^1 of 4 managed instances changed, 3 failed\n(.*\n)*- "shop-2" \(A2\): webhooks.delivery: PUT .*status 401',
    ),
    "own_refusal_of_one_call": Day(
        [status(403, call="update-webhook-received", instance="A2")], "CC CF CC CC", "webhooks.received: PUT .*status 403"
    ),
    "refusals_that_repeat_secrets": Day(
        [
            status(400, instance="A2", method="PUT", echo_token=True),
            status(500, instance="A3", method="PUT", echo_token=True),
            status(400, instance="A4", method="PUT", message=f"not {OLD}, but {SECRET}"),
        ],
        "CC FN FN FN",
        "3 failed",
    ),
    "refused_canaries": Day(["status,code=404,instance=A1", "status,code=403,instance=A2"], "FN FN CC CC", "2 failed"),
    "refused_canaries_only": Day(
        [status(404, instance=f"A{number}") for number in (1, 2, 3)],
        "FN FN FN NN",
        "the first instances, up to 3, and no other one was tried: go on without them with only",
        changed=False,
    ),
    "refused_canary_whose_value_is_there": Day(
        ["status,code=404,instance=A1,method=PUT,taken=true,times=1"],
        "CN CC CC CC",
        r'"shop-1" \(A1\): webhooks.received: not tried, since a call before it failed: PUT .*status 404',
    ),
    # A yes that is none, and a no
    "not_taken_by_the_canary": Day(["ignore,times=1"], "FC NN NN NN", STOPPED_BY_CANARY),
    "not_taken": Day(["ignore,instance=A3"], "CC CC FF CC", "it was set, and still has its old value", after=MENDED),
    "false_by_the_canary": Day(
        [{"kind": "body", "json": {"value": False}, "method": "PUT"}], "FN NN NN NN", STOPPED_BY_CANARY, changed=False
    ),
    "false_and_yet_taken": Day(
        [{"kind": "body", "json": {"value": False}, "instance": "A3", "taken": True}], "CC CC CN CC", "1 not tried", after=MENDED
    ),
    # Odd answers
    "odd_and_taken": Day(
        [
            {"kind": "body", "json": {}, "instance": "A1", "method": "PUT", "taken": True},
            {"kind": "body", "text": "", "instance": "A2", "taken": True},
            {"kind": "html", "instance": "A3", "taken": True},
            {"kind": "body", "json": ["ok"], "instance": "A4", "taken": True},
        ],
        "CC CC CN CN",
        r'2 not tried\nby attribute: webhooks.delivery 4, webhooks.received 2\n- "shop-3" \(A3\): webhooks.received: not tried',
        after=MENDED,
    ),
    "odd_and_not_taken": Day(
        [
            {"kind": "body", "json": {}, "instance": "A2"},
            {"kind": "body", "text": "", "instance": "A3"},
            {"kind": "html", "instance": "A4"},
        ],
        "CC FF FF FN",
        "3 failed",
        after=MENDED,
    ),
    # Errors of which nobody can know what they mean, until it is read back
    "error_once": Day([status(500, method="PUT", times=1, taken=True)], "CC CC CC CC", "^4 of 4", options={"retries": 1}),
    "error_once_at_the_canary": Day([status(500, method="PUT", times=1, taken=True)], "CN CC CC CC", "1 not tried", after=MENDED),
    "error_for_ever_and_taken": Day([status(500, method="PUT", taken=True)], "CN CN CN CN", "4 not tried", after="C C C C"),
    "error_for_ever": Day([status(500, method="PUT")], "FN NN NN NN", STOPPED_BY_CANARY, changed=False),
    "lost_and_taken": Day(
        ["truncate,method=PUT,instance=A2", "drop,instance=A3,taken=true", "hang,instance=A4,taken=true"],
        "CC CN CN CN",
        "3 not tried",
        after=MENDED,
    ),
    "lost": Day(
        [status(502, instance="A2", html=True), "drop,instance=A3", "hang,instance=A4"],
        "CC FN FN FN",
        "(?s)the service has trouble.*no connection.*no answer from .* within 2 seconds",
        after=MENDED,
    ),
    "timeout_of_the_canary": Day(["hang,instance=A1,method=PUT"], "FN NN NN NN", STOPPED_BY_CANARY, changed=False),
    # Many failures
    "ten_in_a_row": Day(
        [status(500, method="PUT", after=2)],
        "CC" + " FN" * 10 + " NN NN",
        "10 instances failed in a row, and no other one was tried",
        options=ONE_BY_ONE,
        after="FN NN NN NN NN NN NN NN NN NN NN NN",
    ),
    "every_second": Day(
        [status(404, method="PUT", instance=f"A{number}") for number in range(2, 25, 2)],
        "CC FN " * 12,
        "12 of 24 managed instances changed, 12 failed",
        options=ONE_BY_ONE,
    ),
    # What cannot be read back
    "canary_unread": Day(
        ["status,code=500,call=me"],
        "CC NN NN NN",
        "the first instance that was changed could not be read back, and no other one was touched: .*/me .*status 500",
        untold=True,
        after=MENDED,
    ),
    "rest_unread": Day(["status,code=500,after=1,page=1"], "CC CC CC CC", "not all that was set could be read back", untold=True),
    "not_taken_and_unverified": Day(
        ["ignore,instance=A3"], "CC CC CC CC", "^4 of 4", options={"verify": False}, untold=True, after=MENDED
    ),
    "error_unverified": Day(["status,code=500,instance=A3,taken=true"], "CC CC FN CC", options={"verify": False}, untold=True),
}


def size(day):
    return len(day.outcome.split())


def converging(name, emulator):
    return {
        "api_url": emulator.url,
        "partner_token": TOKEN,
        "client_token": CLIENT_TOKEN,
        "timeout": 2,
        "retries": 0,
        "concurrency": 2,
        "max_changes": "100%",
        **DAYS[name].options,
    }


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Let every day begin with a fleet of which nothing is as declared, and let some have another run after them."""
    folder = tmp_path_factory.mktemp("days")
    workplace = Workplace(folder, base_environment(folder))
    with contextlib.ExitStack() as stack:
        emulators = {
            name: stack.enter_context(Emulator(shops(size(day)), partner_token=TOKEN, client_token=CLIENT_TOKEN, faults=day.faults))
            for name, day in DAYS.items()
        }
        first = _day(workplace, emulators, "first")
        again = {name: emulator for name, emulator in emulators.items() if DAYS[name].after}
        for name, emulator in again.items():
            emulator.clear_requests()
            if DAYS[name].after == MENDED:
                emulator.set_faults([])
        return SimpleNamespace(first=first, second=_day(workplace, again, "second"), folder=folder)


def _day(workplace, emulators, name):
    """Run the task once for every day; return what it returned, what was asked meanwhile, and what the server holds then."""
    hosts = {name: {"given": converging(name, emulator)} for name, emulator in emulators.items()}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    # Not in the playbook: from ansible-core 2.19 on, an error quotes the lines that it is about.
    workplace.write("hosts.yml", yaml.safe_dump({"all": {"hosts": hosts, "vars": {**connection, "declared": DECLARED}}}))
    options = sorted({option for host in hosts.values() for option in host["given"]})
    task = {
        "zapi.zapi.instance_converge": {"expectations": "{{ declared }}"}
        | {option: "{{ given.%s | default(omit) }}" % option for option in options},
        "register": "result",
        "ignore_errors": True,
    }
    collected = "{% set all = {} %}{% for host in groups.all %}{% set _ = all.update({host: hostvars[host].result}) %}{% endfor %}"
    report = {
        "ansible.builtin.copy": {"content": collected + "{{ all | to_json }}", "dest": f"{workplace.folder}/{name}.json"},
        "no_log": True,
    }
    plays = [
        {"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [task]},
        {"hosts": "localhost", "gather_facts": False, "tasks": [report]},
    ]
    workplace.write("days.yml", yaml.safe_dump(plays, sort_keys=False))
    outcome = workplace.run("ansible-playbook", "-i", "hosts.yml", "days.yml", "--forks", "4", "--diff", "-vvv")
    assert outcome.status == 0, outcome.output[-5000:]
    results = json.loads((workplace.folder / f"{name}.json").read_text(encoding="utf-8"))
    return SimpleNamespace(
        results=results,
        requests={name: emulator.requests for name, emulator in emulators.items()},
        fleets={name: emulator.fleet for name, emulator in emulators.items()},
        output=outcome.output,
    )


@pytest.mark.attacks
@pytest.mark.parametrize("name", DAYS)
def test_what_is_said_of_a_bad_day(days, name):
    day, result = DAYS[name], days.first.results[name]
    assert " ".join(by_instance(result).values()) == day.outcome.strip(), result
    assert re.search(day.message, result["msg"]), result["msg"]
    assert result["changed"] is day.changed
    letters = by_instance(result).values()
    counts = result["summary"]
    assert counts["to_change"] == size(day)
    assert counts["failed"] == sum("F" in one for one in letters)
    assert counts["not_tried"] == sum("N" in one and "F" not in one for one in letters)
    assert counts["changed"] == sum(one == "CC" for one in letters)
    is_all = set(day.outcome) <= set("C ")
    assert result.get("failed", False) is not result["complete"]
    assert result["complete"] is (is_all and "read back" not in day.message)
    assert "Traceback" not in result["msg"]
    changed = Counter(row["attribute"] for row in result["changes"] if row["status"] == "changed")
    told = re.findall(r"(webhooks\.\w+) (\d+)", "".join(re.findall("^by attribute: (.*)$", result["msg"], re.MULTILINE)))
    assert {attribute: int(count) for attribute, count in told} == changed
    for letter, line in zip(letters, by_instance(result)):
        # Whatever is not as it should be has a reason, which is told of each instance or of all.
        assert letter == "CC" or line in result["msg"] or letter == "NN" or len(letters) > 10 or "no other one" in result["msg"]
    for row in result["changes"]:
        assert (row["error"] is not None) == (row["status"] == "failed")
        assert "\n" not in (row["error"] or "")


@pytest.mark.attacks
@pytest.mark.parametrize("name", DAYS)
def test_what_is_said_is_what_the_server_holds(days, name):
    now = {row["id"]: row for row in days.first.fleets[name]}
    asked = puts(days.first.requests[name])
    result = days.first.results[name]
    for row in result["changes"]:
        value = now[row["id"]][FIELDS[row["attribute"]]]
        was_set = value == NEW.format(id=row["id"])
        assert was_set or value in (OLD, "")
        if row["status"] == "not_tried":
            assert (row["id"], CALLS[row["attribute"]]) not in asked
            assert not was_set
        elif not DAYS[name].untold:
            assert was_set == (row["status"] == "changed"), row
    # What is known to have been changed is said to be changed.
    assert result["changed"] or lacking(now.values()) == lacking(shops(len(now)))


@pytest.mark.attacks
@pytest.mark.parametrize("name", DAYS)
def test_nothing_is_sent_that_is_not_in_the_plan_and_the_canary_comes_first(days, name):
    requests = days.first.requests[name]
    asked = puts(requests)
    retries = DAYS[name].options.get("retries", 0)
    planned = [(row["id"], CALLS[row["attribute"]]) for row in days.first.results[name]["changes"]]
    assert set(asked) <= set(planned)
    assert all(asked.count(one) <= 1 + retries for one in asked)
    assert {request["authorization"] for request in requests if request["instance"]} == {"missing"}
    assert {request["client_token"] for request in requests if request["instance"]} == {"right"}
    assert {request["client_token"] for request in requests if not request["instance"]} == {"missing"}
    # Of no other instance is anything set before the canary was read back.
    reads = [place for place, request in enumerate(requests) if request["call"] == "me"] or [len(requests)]
    assert {identity for identity, _call in puts(requests[: reads[0]])} == {"A1"}
    each = [[call for identity, call in asked if identity == one["id"]] for one in days.first.fleets[name]]
    assert all(calls == sorted(calls) for calls in each), "an instance's calls are in the order of its rows"


@pytest.mark.attacks
@pytest.mark.parametrize("name", [name for name, day in DAYS.items() if day.after == MENDED])
def test_the_next_run_does_what_is_left_and_no_more(days, name):
    left = lacking(days.first.fleets[name])
    result = days.second.results[name]
    asked = puts(days.second.requests[name])
    assert sorted(asked) == sorted(left)
    assert lacking(days.second.fleets[name]) == set()
    assert result["complete"]
    assert not result.get("failed", False)
    assert result["changed"] is bool(left)
    assert [row["status"] for row in result["changes"]] == ["changed"] * len(left)


@pytest.mark.attacks
@pytest.mark.parametrize("name", [name for name, day in DAYS.items() if day.after not in (MENDED, "")])
def test_the_next_run_of_a_day_that_stays_bad(days, name):
    result = days.second.results[name]
    assert " ".join(by_instance(result).values()) == DAYS[name].after
    assert result["complete"] is (set(DAYS[name].after) <= set("C "))
    left = lacking(days.first.fleets[name])
    assert {(row["id"], CALLS[row["attribute"]]) for row in result["changes"]} == left


@pytest.mark.attacks
def test_no_bad_day_tells_a_secret(days):
    secrets = [TOKEN, CLIENT_TOKEN, SECRET, *(row["token"] for row in shops(24))]
    for run in (days.first, days.second):
        assert len(run.output) > 20_000
        assert not found(secrets, run.output)
        assert not found(secrets, json.dumps(run.results))
        assert "Traceback" not in run.output


# A server that turns hostile half-way, and remembers everything


class Account:
    """What a server holds of shops, which their calls change; it answers as the API does, until it turns hostile.

    From the call that sets the ``peace``-th value on, ``hostile`` decides: it gets the number of the call since then, and returns
    whether the value is taken (or another value, which is taken in its place), and what is answered: a status and a body, or None
    for a connection that ends. ``afterwards`` decides likewise what is answered to whatever reads.
    """

    def __init__(self, count, peace, hostile=None, afterwards=None):
        self.rows = {row["id"]: row for row in shops(count)}
        self.start = {identity: dict(row) for identity, row in self.rows.items()}
        self.peace = peace
        self.hostile = hostile or (lambda number: (True, (200, {"value": True})))
        self.afterwards = afterwards or (lambda path: None)
        self.log = []  # ("PUT", id, call, value) or ("GET", path), in their order

    @property
    def puts(self):
        return [entry for entry in self.log if entry[0] == "PUT"]

    def answer(self, request, line):
        _empty, _case, *parts = urlsplit(request.target).path.split("/")
        if request.method == "PUT":
            answer = self._set(unquote(parts[1]), unquote(parts[3]), parts[4], json.loads(request.body)["value"])
        else:
            path = "/".join(part for part in parts if not part.startswith("token"))
            is_hostile = len(self.puts) >= self.peace
            self.log.append(("GET", path))
            answer = (self.afterwards(path) if is_hostile else None) or self._told(parts, request)
        if answer is None:
            return False
        code, body = answer
        line.write(json_answer(body, f"{code} Some") if not isinstance(body, bytes) else whole(body, f"{code} Some"))
        return True

    def _told(self, parts, request):
        if len(parts) == 1:
            return 200, page_of(list(self.rows.values()), request.page, request.size)
        row = self.rows.get(parts[1])
        return (200, row) if row and row["token"] == parts[3] else (404, {"error": "Instance not found"})

    def _set(self, identity, token, call, value):
        number = len(self.puts) - self.peace
        self.log.append(("PUT", identity, call, value))
        row = self.rows.get(identity)
        if row is None or token != row["token"]:
            return 404, {"error": "Instance not found"}
        taken, answer = self.hostile(number) if number >= 0 else (True, (200, {"value": True}))
        if taken:
            row[next(FIELDS[name] for name, one in CALLS.items() if one == call)] = value if taken is True else taken
        return answer


TRUE = {"value": True}
ODD_ANSWERS = [
    (False, (200, TRUE)),
    (True, (500, {"error": "oops"})),
    (False, (200, {})),
    ("https://attacker.example/", (200, TRUE)),
    (True, None),
    (False, None),
    (True, (200, b"")),
    (True, (200, b"<html>")),
    (False, (200, {"value": False})),
    (True, (200, {"value": False})),
    (False, (404, {"error": "Instance not found"})),
    (True, (204, b"")),
    (False, (400, {"error": f"{OLD} is better than {NEW}?key={SECRET}"})),
    (True, (429, b"")),
    (False, (200, [])),
    (True, (302, b"")),
]
PEACE = 9
HOSTILE = {
    "friendly": {},
    "refuses_for_all": {
        "hostile": lambda number: (False, (403, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"})),
        "afterwards": lambda path: (403, {"error": "Client-Token x not allowed"}) if path != "instances" else None,
    },
    "refuses_for_all_what_it_takes": {"hostile": lambda number: (True, (403, {"error": "[10.0.0.1] not allowed"}))},
    "answers_oddly": {"hostile": lambda number: ODD_ANSWERS[number % len(ODD_ANSWERS)]},
    "answers_oddly_in_another_order": {"hostile": lambda number: ODD_ANSWERS[-number % len(ODD_ANSWERS)]},
    "forgets": {"hostile": lambda number: (False, (200, TRUE))},
    "writes_something_else": {"hostile": lambda number: ("https://attacker.example/", (200, TRUE))},
    "lists_nonsense_afterwards": {"afterwards": lambda path: (200, {"total": 5, "content": [{"id": 1}] * 7})},
    "lists_nobody_afterwards": {"afterwards": lambda path: (200, page_of([], 1, 100))},
    "lists_what_was_before_afterwards": {"afterwards": lambda path: (200, page_of(shops(12), 1, 100))},
    "breaks_down": {"hostile": lambda number: (False, None), "afterwards": lambda path: (503, b"down")},
}
UNREAD = {name for name in HOSTILE if "afterwards" in name or name == "breaks_down"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    workplace = Workplace(folder, base_environment(folder))
    accounts = {name: Account(12, PEACE, **how) for name, how in HOSTILE.items()}
    with serving({name: account.answer for name, account in accounts.items()}, lifetime=120) as server:
        workplace.write("given.yml", {"declared": DECLARED, "token": TOKEN})
        options = {
            "expectations": "{{ declared }}",
            "partner_token": "{{ token }}",
            "max_changes": "100%",
            "retries": 0,
            "timeout": 5,
            "concurrency": 3,
        }
        tasks = [
            {
                "zapi.zapi.instance_converge": {**options, "api_url": server.url(name)},
                "register": name,
                "ignore_errors": True,
            }
            for name in HOSTILE
        ]
        outcome, results = workplace.play(tasks, "-e", "@given.yml", "--diff", "-vvv")
    assert outcome.status == 0, outcome.output
    return SimpleNamespace(accounts=accounts, results=results, output=outcome.output)


@pytest.mark.attacks
@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_server_holds_is_what_the_plan_has_and_what_the_result_says(hostile, name):
    account, result = hostile.accounts[name], hostile.results[name]
    assert "Traceback" not in json.dumps(result)
    planned = {(row["id"], CALLS[row["attribute"]]): row for row in result["changes"]}
    assert len(planned) == 24
    asked = [(identity, call) for _method, identity, call, _value in account.puts]
    assert len(asked) == len(set(asked)), "each is set once at most"
    for _method, identity, call, value in account.puts:
        assert value == NEW.format(id=identity)
        assert planned[identity, call]["status"] != "not_tried"
    for (identity, call), row in planned.items():
        field = FIELDS[row["attribute"]]
        value, before = account.rows[identity][field], account.start[identity][field]
        is_set = value == NEW.format(id=identity)
        if row["status"] == "not_tried":
            assert (identity, call) not in asked
            assert value == before
        elif row["status"] == "changed":
            assert is_set or (name in UNREAD and "not read back" in row["note"]), row
        elif name not in UNREAD:
            assert not is_set, row
        # Whatever else the instance has, it is as it was.
        others = {key: value for key, value in account.start[identity].items() if key not in FIELDS.values()}
        assert {**account.rows[identity], **others} == account.rows[identity]
    assert result["changed"] is True, "the canary was changed at least"
    assert result["complete"] is (name == "friendly")


@pytest.mark.attacks
@pytest.mark.parametrize("name", HOSTILE)
def test_the_order_of_all_that_a_server_is_asked(hostile, name):
    """The fleet, the canary, a look at it, all others, and a look at these."""
    log = hostile.accounts[name].log
    sets = [place for place, entry in enumerate(log) if entry[0] == "PUT"]
    assert log[0] == ("GET", "instances")
    assert sets[:2] == [1, 2]
    assert [entry[1] for entry in log[1:3]] == ["A1", "A1"]
    assert log[3] == ("GET", "instances/A1/me")
    assert all(entry[1] != "A1" for entry in log[4:] if entry[0] == "PUT")
    assert [entry[0] for entry in log[4 : sets[-1] + 1]] == ["PUT"] * (len(sets) - 2), "nothing is read between"
    assert set(log[sets[-1] + 1 :]) == {("GET", "instances")}
    if name == "refuses_for_all":
        assert PEACE <= len(sets) <= PEACE + 3, "what is under way comes to its end, and nothing is begun"


@pytest.mark.attacks
def test_no_word_of_a_hostile_server_tells_a_secret(hostile):
    told = hostile.output + json.dumps(hostile.results)
    assert not found([TOKEN, CLIENT_TOKEN, SECRET, *(row["token"] for row in shops(12))], told)
    assert "attacker.example" not in json.dumps(hostile.results), "what a server makes up is in no row"


# The playbook and the task


@pytest.fixture
def account(workplace):
    """Three shops, of which nothing is as declared; a file declares it."""
    rows = [shop(number, id=f"{number:032X}") for number in (1, 2, 3)]
    workplace.write("expectations.yml", {"expectations": DECLARED})
    with Emulator(rows, partner_token=TOKEN) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=TOKEN, ZAPI_CLIENT_TOKEN="")
        yield running


def converge(workplace, *arguments, **environment):
    variables = ["-e", "expectations_file=expectations.yml", "-e", "zapi_retries=0"]
    return workplace.run("ansible-playbook", "zapi.zapi.converge", *variables, *arguments, **environment)


def recap(outcome):
    [line] = re.findall(r"^localhost +: (.*)$", outcome.stdout, re.MULTILINE)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def diffs(output):
    """How often the diff of which instance is shown."""
    names = re.findall(r'^--- before: "(.*?)" \(', output, re.MULTILINE)
    return {name: names.count(name) for name in names}


ALL = {"shop-1": 1, "shop-2": 1, "shop-3": 1}


def test_the_playbook_sets_what_differs_and_then_nothing(workplace, account):
    planned = converge(workplace, "--check", "--diff")
    assert planned.status == 0, planned.output
    assert puts(account.requests) == []
    assert recap(planned)["changed"] == 1
    assert "3 of 3 managed instances would be changed" in planned.stdout
    done = converge(workplace, "--diff")
    assert done.status == 0, done.output
    assert recap(done)["changed"] == 1
    assert "3 of 3 managed instances changed" in done.stdout
    shown = [re.search(r"^--- before.*?^changed:", one.stdout, re.MULTILINE | re.DOTALL)[0] for one in (planned, done)]
    assert shown[0] == shown[1], "a run does what check mode has shown"
    assert diffs(done.stdout) == ALL
    assert lacking(account.fleet) == set()
    account.clear_requests()
    again = converge(workplace, "--diff")
    assert again.status == 0, again.output
    assert (recap(again)["changed"], diffs(again.stdout), puts(account.requests)) == (0, {}, [])
    assert "0 of 3 managed instances have to be changed" in again.stdout


@pytest.mark.attacks
def test_a_partial_success_of_the_playbook_counts_as_changed_and_as_failed(workplace, account):
    second = account.fleet[1]["id"]
    account.set_faults([f"status,code=404,instance={second},call=update-webhook-received"])
    outcome = converge(workplace, "--diff")
    assert outcome.status == 2
    assert (recap(outcome)["changed"], recap(outcome)["failed"]) == (1, 1)
    assert "2 of 3 managed instances changed, 1 failed" in outcome.stdout
    assert f'- \\"shop-2\\" ({second}): webhooks.received: PUT' in outcome.stdout
    assert outcome.stdout.count("+webhooks.received: ") == 2, "what failed is not shown as done"
    assert diffs(outcome.stdout) == ALL


@pytest.mark.attacks
@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["run", "check"])
def test_the_playbook_shows_a_plan_that_is_too_large_once(workplace, account, mode):
    outcome = converge(workplace, "--diff", "-e", "zapi_max_changes=2", *mode)
    assert outcome.status == 2
    assert (recap(outcome)["changed"], recap(outcome)["failed"]) == (0, 1)
    assert "3 instances would be changed, and max_changes (2) allows 2" in outcome.stdout
    assert diffs(outcome.stdout) == ALL
    assert puts(account.requests) == []


@pytest.mark.attacks
def test_the_playbook_that_fails_altogether_has_changed_nothing(workplace, account):
    account.set_faults(["status,code=500,method=PUT"])
    outcome = converge(workplace, "--diff")
    assert outcome.status == 2
    assert (recap(outcome)["changed"], recap(outcome)["failed"]) == (0, 1)
    assert STOPPED_BY_CANARY in outcome.stdout
    assert diffs(outcome.stdout) == {}


def task(name, **options):
    keywords = {key: options.pop(key) for key in ("check_mode", "diff", "failed_when", "changed_when", "no_log") if key in options}
    options = {"expectations": "{{ declared }}", "retries": 0, "max_changes": "100%", **options}
    return {"zapi.zapi.instance_converge": options, "register": name, "ignore_errors": True, **keywords}


def play(workplace, tasks, *arguments, declared=None, **environment):
    workplace.write("declared.yml", {"declared": declared or DECLARED})
    outcome, results = workplace.play(tasks, "-e", "@declared.yml", *arguments, **environment)
    assert outcome.status == 0, outcome.output
    return outcome, results


@pytest.mark.slow
def test_the_task_shows_each_diff_once(workplace, account):
    first = account.fleet[0]["id"]
    tasks = [
        task("too_many", max_changes=2),
        task("too_many_checked", max_changes=2, check_mode=True),
        task("too_many_and_no_failure", max_changes=2, failed_when=False),
        task("too_many_checked_and_no_failure", max_changes=2, check_mode=True, failed_when=False, changed_when=True),
        task("planned", check_mode=True),
        task("planned_and_no_change", check_mode=True, changed_when=False),
        task("hidden", check_mode=True, no_log=True),
        task("partly", only=[first, "shop-2"]),
        task("nothing", only=[first]),
        task("rest", failed_when=False),
    ]
    account.set_faults([f"status,code=500,instance={account.fleet[1]['id']},method=PUT,times=1"])
    outcome, results = play(workplace, tasks, "--diff")
    # The output begins with the first task; each has a line of stars.
    texts = re.split(r"^TASK .*\n", outcome.stdout, flags=re.MULTILINE)[1:]
    shown = {one["register"]: diffs(text) for one, text in zip(tasks, texts)}
    assert shown == {
        "too_many": ALL,
        "too_many_checked": ALL,
        "too_many_and_no_failure": ALL,
        "too_many_checked_and_no_failure": ALL,
        "planned": ALL,
        "planned_and_no_change": ALL,
        "hidden": {},
        "partly": {"shop-1": 1},
        "nothing": {},
        "rest": {"shop-2": 1, "shop-3": 1},
    }
    assert {name for name, result in results.items() if result.get("failed")} == {"too_many", "too_many_checked", "partly"}
    assert by_instance(results["partly"]) == {first: "CC", account.fleet[1]["id"]: "FN"}
    assert results["planned"]["changes"] == results["too_many"]["changes"]


@pytest.mark.attacks
def test_check_mode_returns_what_a_run_does(workplace, account):
    declared = [
        {"expect": {"webhooks": {"received": NEW, "delivery": [NEW, OLD], "received_and_delivery": NEW, "connected": None}}},
        {"name": "The second one", "match": {"name": "shop-2"}, "expect": {"settings": {"muted_messages": ["group"]}}},
        {"match": {"name": "shop-*"}, "expect": {"whatsapp_connected": False, "webhooks": {"received_status": NEW}}},
    ]
    muted = {"callbackTypeFilters": ["FILTER_DISCONNECTED_CALLBACK"], "messageFilters": [], "receiveCallbackSentByMe": False}
    for row in account.fleet:
        account.change_instance(row["id"], **muted, connectedCallbackUrl=OLD, receivedAndDeliveryCallbackUrl="", _me={})
    tasks = [task("planned", check_mode=True), task("done"), task("again", check_mode=True)]
    _outcome, results = play(workplace, tasks, "--diff", declared=declared)
    planned, done, again = (results[name] for name in ("planned", "done", "again"))
    assert {row["status"] for row in planned["changes"]} == {"planned"}
    assert {row["status"] for row in done["changes"]} == {"changed"}, done["msg"]
    assert [{**row, "status": "changed"} for row in planned["changes"]] == done["changes"]
    assert planned["diff"] == done["diff"]
    assert planned["remaining"] == done["remaining"] == again["remaining"] != []
    assert planned["changed"] is done["changed"] is True
    assert (again["changed"], again["changes"]) == (False, [])
    asked = puts(account.requests)
    rows = [(row["id"], row["attribute"]) for row in done["changes"]]
    assert len(asked) == len(set(rows)) == 3 * 5 + 1, "a PUT for each row"
    for identity in {row["id"] for row in account.fleet}:
        attributes = [attribute for one, attribute in rows if one == identity]
        sent_by_me = attributes.index("settings.notify_sent_by_me")
        assert attributes[:sent_by_me] == sorted(attribute for attribute in attributes if attribute.startswith("webhooks"))
        assert attributes[sent_by_me + 1 :] in ([], ["settings.muted_messages"])
    for row in account.fleet:
        assert row["receiveCallbackSentByMe"] is False, "what a webhook turns on is set back"
        assert row["callbackTypeFilters"] == ["FILTER_DISCONNECTED_CALLBACK"]
        assert row["messageFilters"] == (["FILTER_FROM_GROUP"] if row["name"] == "shop-2" else [])
        assert row["connectedCallbackUrl"] == ""


NO_CALL = [{"expect": {"whatsapp_connected": True, "webhooks": {"received_status": NEW}, "webhook_hosts": ["x.example"]}}]
PLAIN = [{"expect": {"webhooks": {"received": f"http://hooks.example.com/{{id}}?key={SECRET}"}}}]
NOBODY = [*DECLARED, {"match": {"name": "shop-9"}, "expect": {"webhooks": {"received": NEW}}}]
REFUSED = {
    "nothing_to_set": ({"expectations": NO_CALL}, "no expectation names anything that can be set"),
    "plain_http": ({"expectations": PLAIN}, "expectation 1: webhooks.received is not an HTTPS URL"),
    "too_many": ({"max_changes": "0"}, r"3 instances would be changed, and max_changes \(0\) allows 0"),
    "missing": ({"expectations": NOBODY}, "nothing was set, since on_missing is error: .*shop-9"),
    "only_none": ({"only": []}, "only is an empty list"),
    "backup_is_there": ({"backup": "declared.yml"}, "declared.yml is there already, and is not overwritten"),
    "credential": ({"credentials": [{"id": "X", "token": "token-of-nobody"}]}, "nothing was set.*X"),
}


@pytest.mark.attacks
def test_what_is_refused_before_anything_is_set(workplace, account):
    tasks = [task(name, **options) for name, (options, _words) in REFUSED.items()]
    checked = ("too_many", "missing")
    tasks += [task(f"{name}_checked", check_mode=True, **REFUSED[name][0]) for name in checked]
    outcome, results = play(workplace, tasks, "-vvv")
    assert puts(account.requests) == []
    for name, result in results.items():
        words = REFUSED[name.removesuffix("_checked")][1]
        assert result["failed"], name
        assert re.search(words, result["msg"]), result["msg"]
        assert result["changed"] is False
        assert {row["status"] for row in result.get("changes", [])} <= {"planned"}
    for name in checked:
        assert len(results[name]["changes"]) == len(results[f"{name}_checked"]["changes"]) == 6, "the plan is in the result"
    assert not found([SECRET, TOKEN], outcome.output)


@pytest.mark.attacks
def test_what_is_set_all_the_same(workplace, account):
    first = account.fleet[0]["id"]
    tasks = [
        task("planned", check_mode=True, backup="unwritten.yml"),
        task("one", only=["shop-1"], max_changes=1),
        task("warned", expectations=NOBODY, on_missing="warn", only=["shop-2", "shop-9"]),
        task("skipped", expectations=NOBODY, on_missing="skip", max_changes="1%"),
    ]
    outcome, results = play(workplace, tasks)
    assert not any(result.get("failed") for result in results.values()), results
    assert not list(workplace.folder.rglob("unwritten.yml")), "check mode writes nothing"
    assert by_instance(results["one"]) == {first: "CC"}
    assert by_instance(results["warned"]) == {account.fleet[1]["id"]: "CC"}
    assert by_instance(results["skipped"]) == {account.fleet[2]["id"]: "CC"}, "a percentage is never less than ten instances"
    assert [len(results[name]["remaining"]) for name in ("one", "warned", "skipped")] == [0, 1, 1]
    assert "shop-9" in " ".join(results["warned"]["warnings"])
    assert not results["skipped"].get("warnings")
    assert outcome.words.count("shop-9") >= 1


@pytest.mark.slow
def test_the_way_back(workplace, account):
    before = account.fleet
    workplace.write("elsewhere/main.yml", "- import_playbook: zapi.zapi.converge\n")
    arguments = ["-e", "expectations_file=expectations.yml", "-e", "zapi_backup=back.yml"]
    back = workplace.folder / "back.yml"
    done = workplace.run("ansible-playbook", "elsewhere/main.yml", *arguments)
    assert done.status == 0, done.output
    assert back.stat().st_mode & 0o777 == 0o600
    assert not found([SECRET], done.output)
    text = back.read_text(encoding="utf-8")
    assert SECRET in text
    account.clear_requests()
    refused = workplace.run("ansible-playbook", "elsewhere/main.yml", *arguments)
    assert refused.status == 2
    assert "back.yml is there already, and is not overwritten" in refused.stdout
    assert back.read_text(encoding="utf-8") == text
    assert account.requests == []
    returned = workplace.run(
        "ansible-playbook", "zapi.zapi.converge", "-e", "expectations_file=back.yml", "-e", "zapi_max_changes=100%"
    )
    assert returned.status == 0, returned.output
    assert account.fleet == before
    assert not found([SECRET], returned.output)


@pytest.mark.attacks
def test_the_backup_is_written_before_anything_is_set_and_nothing_is_set_without_it(workplace):
    seen = []
    backup, full = workplace.folder / "back.yml", workplace.folder / "full"
    full.mkdir()

    def look(number):
        seen.append(backup.read_text(encoding="utf-8") if backup.exists() else None)
        return True, (200, TRUE)

    watched, spared = Account(2, 0, look), Account(2, 0)
    with serving({"watched": watched.answer, "spared": spared.answer}) as server:
        options = {"partner_token": TOKEN, "backup": str(backup)}
        tasks = [
            task("watched", api_url=server.url("watched"), **options),
            # A file of this name is there, though it leads nowhere.
            task("spared", api_url=server.url("spared"), **{**options, "backup": str(full / "link")}),
        ]
        (full / "link").symlink_to("nowhere")
        _outcome, results = play(workplace, tasks)
    assert not results["watched"].get("failed"), results["watched"]
    assert set(seen) == {backup.read_text(encoding="utf-8")}
    assert results["spared"]["failed"]
    assert spared.puts == []


@pytest.mark.attacks
def test_a_fleet_of_credentials(workplace):
    rows = shops(3)
    given = [{"id": row["id"], "token": row["token"]} for row in rows]
    with Emulator(rows, client_token=CLIENT_TOKEN) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN="", ZAPI_CLIENT_TOKEN="")
        workplace.write("given.yml", {"given": given, "client": CLIENT_TOKEN})
        common = {"credentials": "{{ given }}", "timeout": 5}
        refused = [*given, {"id": "A4", "token": "token-of-nobody"}]
        workplace.write("refused.yml", {"refused": refused})
        tasks = [
            task("without", **common),
            task("wrong", **common, client_token="some-other-token"),
            task("unknown", **{**common, "credentials": "{{ refused }}"}, client_token="{{ client }}"),
        ]
        files = ["-e", "@given.yml", "-e", "@refused.yml", "-vvv"]
        outcome, results = play(workplace, tasks, *files)
        assert puts(emulator.requests) == []
        assert "demands a Client-Token" in results["without"]["msg"]
        assert "Client-Token is missing or wrong" in results["wrong"]["msg"]
        assert "nothing was set, since on_missing is error" in results["unknown"]["msg"]
        emulator.clear_requests()
        tasks = [task("done", **{**common, "credentials": "{{ refused }}"}, client_token="{{ client }}", on_missing="skip")]
        again, results = play(workplace, tasks, *files)
        assert by_instance(results["done"]) == {"A1": "CC", "A2": "CC", "A3": "CC"}, results["done"]["msg"]
        assert lacking(emulator.fleet) == set()
        requests = emulator.requests
        assert {request["authorization"] for request in requests} == {"missing"}
        assert {request["client_token"] for request in requests} == {"right"}
        assert {request["instance"] for request in requests} == {"A1", "A2", "A3", "A4"}, "nothing is listed"
        last = max(place for place, request in enumerate(requests) if request["method"] == "PUT")
        assert {request["call"] for request in requests[last + 1 :]} == {"me"}
    for one in (outcome, again):
        assert not found([CLIENT_TOKEN, SECRET, *(row["token"] for row in rows)], one.output)


@pytest.mark.attacks
def test_a_file_that_ansible_vault_encrypted_and_no_secret_anywhere(workplace, account):
    secret = "0th3r+s3cr3t/of-the-hook"
    declared = [{"expect": {"webhooks": {"received": f"https://hooks.example.com/{{id}}?key={secret}", "delivery": OLD}}}]
    inputs = [workplace.write("expectations.yml", {"expectations": declared}), workplace.write("password", "the right one")]
    vault = ["--vault-password-file", "password"]
    encrypted = workplace.run("ansible-vault", "encrypt", "expectations.yml", *vault)
    assert encrypted.status == 0, encrypted.output
    third = account.fleet[2]["id"]
    said = f"https://hooks.example.com/{third}?key={secret} is no good, and token-of-shop-3 neither, nor {secret}"
    account.set_faults([{"kind": "status", "code": 400, "message": said, "instance": third, "method": "PUT"}])
    environment = {"ANSIBLE_LOG_PATH": "ansible.log", "ANSIBLE_PIPELINING": "0"}
    outcome = converge(workplace, *vault, "--diff", "-vvv", "-e", "zapi_backup=back.yml", **environment)
    assert outcome.status == 2, outcome.output
    assert "2 of 3 managed instances changed, 1 failed" in outcome.stdout
    assert "+webhooks.received: https://hooks.example.com/" in outcome.stdout
    assert "+webhooks.delivery: https://old.example.net/hook?key=***" in outcome.stdout
    assert [row["receivedCallbackUrl"] for row in account.fleet[:2]] == [
        f"https://hooks.example.com/{row['id']}?key={secret}" for row in account.fleet[:2]
    ]
    secrets = [secret, SECRET, TOKEN, *(row["token"] for row in account.fleet)]
    assert not found(secrets, outcome.output)
    assert (workplace.folder / "ansible.log").stat().st_size > 10_000
    assert found_in_files(secrets, workplace.folder, inputs) == [workplace.folder / "back.yml"]
    assert not found([TOKEN, "token-of-shop"], (workplace.folder / "back.yml").read_text(encoding="utf-8"))


ENDS = {
    "term_and_go_on": (os.killpg, signal.SIGTERM, "expectations.yml"),
    # As somebody cancels a job who has no more patience: of Ansible's processes, only the first one is gone.
    "kill_alone_and_go_back": (os.kill, signal.SIGKILL, "back.yml"),
}


@pytest.mark.attacks
@pytest.mark.parametrize(("send", "number", "file"), ENDS.values(), ids=ENDS)
def test_an_end_in_the_middle_and_the_next_run(workplace, send, number, file):
    workplace.write("expectations.yml", {"expectations": DECLARED})
    limits = ["-e", "zapi_max_changes=100%", "-e", "zapi_concurrency=3"]
    declared = ["-e", "expectations_file=expectations.yml"]
    with Emulator(shops(30), partner_token=TOKEN, faults=["latency,seconds=0.3,method=PUT"]) as emulator:
        before = emulator.fleet
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=TOKEN)
        process = subprocess.Popen(
            [COMMANDS / "ansible-playbook", "zapi.zapi.converge", *declared, *limits, "-e", "zapi_backup=back.yml"],
            cwd=workplace.folder,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + 60
            while len(puts(emulator.requests)) < 12 and time.monotonic() < end and process.poll() is None:
                time.sleep(0.02)
            sent = time.time()
            send(process.pid, number)
            assert process.wait(20) != 0
            time.sleep(2)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        asked = puts(emulator.requests)
        assert len(asked) >= 12
        assert [entry for entry in emulator.requests if entry["time"] > sent + 1.5] == [], "nobody goes on"
        left = lacking(emulator.fleet)
        assert left == lacking(shops(30)) - set(asked)
        assert len(left) == 60 - len(asked) > 0
        emulator.set_faults([])
        emulator.clear_requests()
        outcome = workplace.run("ansible-playbook", "zapi.zapi.converge", "-e", f"expectations_file={file}", *limits)
        assert outcome.status == 0, outcome.output
        goes_on = file == "expectations.yml"
        assert sorted(puts(emulator.requests)) == sorted(left if goes_on else asked)
        assert lacking(emulator.fleet) == (set() if goes_on else lacking(before))
        assert goes_on or emulator.fleet == before
