# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Faults, and hostile servers, customers and values: the complete fleet or an error in one line, and never a secret.

A table of cases goes through the module, the lookup and the inventory. What only the network layer sees, such as raw bytes, TLS and
proxies, is in its unit tests; faults of calls that write are in test_converge.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import time
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import MappingProxyType, SimpleNamespace

import pytest
import yaml

from ansible_collections.zapi.zapi.plugins.module_utils._zapi.listing import MAX_RELISTS
from ansible_collections.zapi.zapi.tests.emulator.faults import KINDS
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import (
    COMMANDS,
    Workplace,
    base_environment,
    found,
    found_in_files,
    plain,
)

pytestmark = pytest.mark.slow  # the unit tests of _http and _zapi have most of these faults, too
ENTRY_POINTS = ("module", "lookup", "inventory")
RETRIES = 1
MAX_MEMORY = 700 * 1024  # KiB of each process
PARTNER_TOKEN = "eyJhbGciOiJIUzI1NiJ9+partner/token~of-the-faults.c2VjcmV0=="
OTHER_SECRETS = ("F00BA123", "token-of-A1", "secret-0003", "another-secret-token-0001", "token-0002")
COMPLETE = None
CREDENTIALS = "the credentials of all instances"


class Case(t.NamedTuple):
    faults: t.Sequence[t.Any] = ()
    message: str | None = COMPLETE
    """A regular expression that the message of the error matches."""
    options: t.Mapping[str, t.Any] = MappingProxyType({})
    ids: list[str] | None = None
    """The IDs of the fleet, if they are not those of the emulator."""


def status(code, **options):
    return {"kind": "status", "code": code, **options}


def body(data=None, **options):
    return {"kind": "body", **({} if data is None else {"json": data}), **options}


def one_instance(fields, message=COMPLETE):
    """Return a case with a listing of one instance; ``fields`` is JSON, which may hold what Python cannot write."""
    text = '{"total": 1, "totalPage": 1, "pageSize": 10, "page": 1, "content": [{"id": "A1", "token": "token-of-A1", %s}]}'
    return Case([body(text=text % fields)], message, ids=["A1"])


def nested(levels):
    return '{"a":' * levels + "1" + "}" * levels


FAULTS = {
    "no_fault": Case(),
    "wrong_token": Case([], "status 401.*check partner_token", {"partner_token": "another-secret-token-0001"}),
    "token_with_line_break": Case([], "partner_token.*white space", {"partner_token": "secret\ntoken-0002"}),
    "token_too_short": Case([], "partner_token.* 8 characters", {"partner_token": "s3cre7x"}),
    "echoed_token": Case([status(403, echo_token=True)], "status 403"),
    "echoed_client_token": Case([status(403, message="Client-Token F00BA123 not allowed")], "the server expects a Client-Token"),
    "ip_restricted": Case(["ip_restricted"], "accepts listed IP addresses only"),
    "lapsed_listing": Case(["lapsed"], "was rejected with status 400"),
    "throttled_shortly": Case([status(429, retry_after="1", times=1)]),
    "throttled_two_hours": Case([status(429, retry_after="7200")], "asks to wait 7200 seconds"),
    "error_503_forever": Case([status(503, html=True)], "status 503 after 2 attempts: the service is overloaded"),
    "error_of_10_megabytes": Case([status(403, message="word " * 2_000_000)], "status 403"),
    "dropped_once": Case([{"kind": "drop", "times": 1}]),
    "dropped_forever": Case(["drop"], "cannot connect to 127.0.0.1.* after 2 attempts"),
    "cut_off_once": Case([{"kind": "truncate", "times": 1, "page": 2}]),
    "cut_off_forever": Case(["truncate"], "was cut off after 2 attempts"),
    "drips": Case([{"kind": "drip", "seconds": 0.01, "size": 2000, "head": True}]),
    "drips_forever": Case(["drip"], "not complete within 10 seconds, 10 times the timeout", {"timeout": 1}),
    "hangs": Case(["hang"], "sent nothing for 1 seconds after 2 attempts", {"timeout": 1}),
    "compressed_and_slow": Case(["gzip", "latency,seconds=0.1"]),
    "too_large": Case(["padding,size=70000000"], "exceed 64 MiB: reduce page_size"),
    "gzip_bomb": Case(["padding,size=200000000,page=2", "gzip"], "exceed 64 MiB: reduce page_size"),
    "unexpected_encoding": Case(["header,name=Content-Encoding,value=br"], "Content-Encoding br, which was not requested"),
    "wrong_length": Case(["header,name=Content-Length,value=5"], "was not answered with JSON"),
    "no_content_type": Case(["header,name=Content-Type"]),
    "html": Case(["html"], r"not answered with JSON \(content type text/html"),
    "redirect": Case([{"kind": "redirect", "location": "https://b.example/?t=secret-0003"}], "redirected to b.example .status 302"),
    "page_size_limited": Case([{"kind": "page_size_limit", "maximum": 20, "fallback": 7}], options={"page_size": 100}),
    "pages_shorter_than_reported": Case([{"kind": "short_pages", "rows": 4}]),
    "page_ignored": Case(["ignore_page"], "returned page 1 instead of page 2"),
    "page_ignored_and_echoed": Case(["ignore_page,echo=true"], "no complete listing in 4 attempts: an instance .*twice"),
    "fleet_changes_once": Case([{"kind": "change_fleet", "add": 1, "times": 1, "after": 2, "where": "start"}]),
    "total_0_with_entries": Case([{"kind": "counts", "total": 0}], "10 entries on the first page, and a total of 0"),
    "total_of_5000_digits": Case([body(text='{"total": %s, "content": []}' % ("9" * 5000))], "."),
    "too_few_entries": Case([{"kind": "counts", "total": 24}], "no complete listing|fewer entries than its page size"),
    "billion_pages": Case([body({"total": 10**11, "totalPage": 10**9, "pageSize": 100, "content": []})], "a total of 100000000000"),
    "deep_json": Case([body(text="[" * 200_000)], "not answered with JSON"),
    "page_size_option_0": Case([], "page_size must be at least 1", {"page_size": 0}),
    "plain_http": Case([], "api_url.*https", {"api_url": "http://api.z-api.io"}),
    "connection_refused": Case([], "cannot connect to 127.0.0.1:9 after 2 attempts", {"api_url": "http://127.0.0.1:9"}),
}
CREDENTIAL_FAULTS = {
    "credentials": ([], COMPLETE),
    "credentials_lapsed": (["lapsed,call=me,times=1", "lapsed,call=status"], COMPLETE),
    "credentials_rejected": ([status(404, message="Instance not found", call="me", times=1)], "rejects 1 of 23 credentials"),
    "credentials_all_rejected": ([status(404, message="Instance not found")], "rejects 23 of 23 credentials.*so check api_url"),
    "credentials_blocked": (["body,text=,code=403,call=me"], "status 403: check that api_url"),
}
VALUES = {
    "nested_90": one_instance(f'"deep": {nested(90)}'),
    "nested_250": one_instance(f'"deep": {nested(250)}'),
    "field_name_of_60000_characters": one_instance(f'"{"A" * 60_000}": 1'),
    "due_of_5000_digits": one_instance(f'"due": {"9" * 5000}', "not answered with JSON"),
    "not_numbers": one_instance('"due": NaN, "x": -Infinity, "y": 1e999'),
    "lone_surrogate": one_instance('"name": "\\ud800", "paymentStatus": "\\udfff"'),
    "other_types": one_instance('"name": ["x"], "whatsappConnected": "no", "created": {}, "receivedCallbackUrl": 1, "due": []'),
    "variables_of_ansible": one_instance(
        '"ansible_host": "a.example", "ansibleConnection": "ssh", "groups": {}, "zapi_api_url": "https://a.example"'
    ),
}
CASES = {
    **FAULTS,
    **{name: Case(faults, message, {"credentials": CREDENTIALS}) for name, (faults, message) in CREDENTIAL_FAULTS.items()},
    **VALUES,
}
# These wait most of the time: they have processes of their own.
SLOWEST = ["drips_forever"]
SLOW = ["hangs", "dropped_forever", "throttled_shortly", "error_503_forever"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Send every case through every entry point, each with its own server."""
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        servers = {
            (entry_point, name): stack.enter_context(Emulator(count=23, partner_token=PARTNER_TOKEN, faults=case.faults))
            for entry_point in ENTRY_POINTS
            for name, case in CASES.items()
        }
        secrets = {PARTNER_TOKEN, *OTHER_SECRETS}
        for server in servers.values():
            secrets.update(entry["token"] for entry in server.fleet if entry.get("token"))
        parts = {"slowest": SLOWEST, "slow": SLOW, "fast": [name for name in CASES if name not in SLOWEST + SLOW]}
        running = [
            pool.submit(function, Workplace(folder / part, base_environment(folder / part)), names, servers)
            for function in (_play, _list_inventories)
            for part, names in parts.items()
        ]
        answers, outputs = {}, []
        for future in running:
            found_answers, output = future.result()
            answers.update(found_answers)
            outputs.append(output)
        fleets = {key: CASES[key[1]].ids or [entry["id"] for entry in server.fleet] for key, server in servers.items()}
        requests = {key: Counter(request["path"] for request in server.requests) for key, server in servers.items()}
    return SimpleNamespace(
        answers=answers, fleets=fleets, requests=requests, folder=folder, secrets=secrets, output="\n".join(outputs)
    )


def _options(entry_point, name, servers):
    server = servers[entry_point, name]
    options = {"api_url": server.url, "partner_token": PARTNER_TOKEN, "timeout": 10, "retries": RETRIES, "page_size": 10}
    options.update(CASES[name].options)
    if "credentials" in options:
        del options["partner_token"]
        options["credentials"] = [{"id": entry["id"], "token": entry["token"]} for entry in server.fleet]
    return options


def _play(workplace, names, servers):
    """Run the module and the lookup for each case; return their results and the output."""
    plays = []
    # Not in the playbook: from ansible-core 2.19 on, an error quotes the lines that it is about.
    given = {name: {entry_point: _options(entry_point, name, servers) for entry_point in ENTRY_POINTS} for name in names}
    variables = workplace.write("variables.json", given)
    for name in names:
        module = {option: "{{ %s.module.%s }}" % (name, option) for option in given[name]["module"]}
        lookup = ", ".join(f"{option}={name}.lookup.{option}" for option in given[name]["lookup"])
        plays.append([
            {"zapi.zapi.instance_info": module, "register": "module"},
            {"ansible.builtin.set_fact": {"fleet": "{{ query('zapi.zapi.instances', %s) }}" % lookup}, "register": "lookup"},
        ])  # fmt: skip
    outcome, results = workplace.plays(plays, "-vvvv", "-e", f"@{variables}")
    answers = {}
    for name, registered in zip(names, results):
        for entry_point, result in registered.items():
            instances = result.get("instances") or result.get("ansible_facts", {}).get("fleet") or []
            answers[entry_point, name] = (result.get("failed", False), result.get("msg", ""), instances)
    return answers, outcome.output


def _list_inventories(workplace, names, servers):
    """Read each case as an inventory source; return what each of them added, and the output."""
    sources = []
    for name in names:
        options = {"plugin": "zapi.zapi.instances", "group": f"case_{name}", "hostvars_prefix": f"{name}__", "hostnames": ["id"]}
        options.update(_options("inventory", name, servers))
        options.update(cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(workplace.folder / "cache"))
        sources += ["-i", workplace.write(f"{name}.zapi.yml", yaml.safe_dump(options))]
    result_file = workplace.folder / "inventory.json"
    # Without the plugin auto, which reads a source again that has failed.
    enabled = "zapi.zapi.instances,ansible.builtin.yaml"
    arguments = ("--list", "-vvvv", "--output", result_file)
    outcome = workplace.run("ansible-inventory", *sources, *arguments, ANSIBLE_INVENTORY_ENABLED=enabled)
    listed = json.loads(result_file.read_text(encoding="utf-8"), object_hook=plain)
    # The errors of a source come before the line that says that it could not be parsed.
    parts = re.split(r"Unable to parse (.*?) as an inventory source", " ".join(outcome.stderr.split()))
    errors = {path.rpartition("/")[2].partition(".")[0]: error for error, path in zip(parts[0::2], parts[1::2])}
    answers = {}
    for name in names:
        hosts = [listed["_meta"]["hostvars"][host] for host in listed.get(f"case_{name}", {}).get("hosts", [])]
        prefix = f"{name}__"
        instances = [{key[len(prefix) :]: value for key, value in host.items() if key.startswith(prefix)} for host in hosts]
        answers["inventory", name] = (name in errors, errors.get(name, ""), instances)
    return answers, outcome.output


@pytest.mark.parametrize("name", CASES)
def test_a_fault_ends_in_the_complete_fleet_or_in_an_error_of_one_line(run, name):
    for entry_point in ENTRY_POINTS:
        has_failed, message, instances = run.answers[entry_point, name]
        ids = [instance["id"] for instance in instances]
        if CASES[name].message is COMPLETE:
            assert not has_failed, f"{entry_point}: {message}"
            assert ids == run.fleets[entry_point, name], entry_point
        else:
            assert has_failed, entry_point
            assert ids == [], entry_point
            assert re.search(CASES[name].message, message), f"{entry_point}: {message}"
            if entry_point != "inventory":  # whose message has the output of other sources around it
                assert "\n" not in message.strip()


def test_no_page_is_requested_more_often_than_the_options_allow(run):
    limit = (RETRIES + 1) * (MAX_RELISTS + 1)
    assert {key: requests for key, requests in run.requests.items() if max(requests.values(), default=0) > limit} == {}


def test_no_secret_and_no_traceback_is_printed_or_left_behind(run):
    inputs = [*run.folder.glob("*/variables.json"), *run.folder.glob("*/*.zapi.yml")]
    assert list((run.folder / "fast" / "cache").iterdir())
    assert not found_in_files(run.secrets, run.folder, inputs)
    assert len(run.output) > 100_000
    assert not found(run.secrets, run.output)
    assert "Traceback" not in run.output


def test_no_process_needs_much_memory_whatever_the_server_sends(run):
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < MAX_MEMORY


def test_an_instance_whose_subscription_has_lapsed_says_so(run):
    for entry_point in ENTRY_POINTS:
        _has_failed, _message, instances = run.answers[entry_point, "credentials_lapsed"]
        assert {instance["problem"] for instance in instances} == {"subscription_lapsed"}, entry_point


def test_values_beyond_a_limit_are_left_out(run):
    for entry_point in ENTRY_POINTS:
        [kept], [deep], [long] = (
            run.answers[entry_point, name][2] for name in ("nested_90", "nested_250", "field_name_of_60000_characters")
        )
        assert "deep" in kept["extra"], entry_point
        assert "deep" not in deep["extra"], entry_point
        assert max(map(len, long["extra"]), default=0) < 1000, entry_point


def test_every_kind_of_fault_of_the_emulator_is_among_the_cases():
    faults = [fault for case in CASES.values() for fault in case.faults]
    kinds = {fault.partition(",")[0] if isinstance(fault, str) else fault["kind"] for fault in faults}
    assert kinds == {name for name, kind in KINDS.items() if kind.method != "PUT"}


# Interruption


def _interrupt(folder, entry_point, number):
    """Send a signal to a command while a page hangs; return its status, its duration after the signal, and later requests."""
    workplace = Workplace(folder, base_environment(folder))
    with Emulator(count=23, partner_token=PARTNER_TOKEN, faults=["hang,page=2", status(503, page=3)]) as server:
        workplace.environment.update(ZAPI_API_URL=server.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN)
        options = {"retries": 20, "timeout": 2, "page_size": 10}
        keywords = ", ".join(f"{name}={value}" for name, value in options.items())
        tasks = {
            "module": {"zapi.zapi.instance_info": options},
            "lookup": {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances', %s) | length }}" % keywords}},
        }
        if entry_point == "inventory":
            workplace.write("fleet.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances", **options}))
            command = ["ansible-inventory", "-i", "fleet.zapi.yml", "--list"]
        else:
            play = {"hosts": "localhost", "gather_facts": False, "tasks": [tasks[entry_point]]}
            workplace.write("play.yml", yaml.safe_dump([play]))
            command = ["ansible-playbook", "play.yml"]
        process = subprocess.Popen(
            [COMMANDS / command[0], *command[1:]],
            cwd=folder,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + 30
            while len(server.requests) < 3 and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.5)  # until it retries
            os.killpg(process.pid, number)
            begin = time.monotonic()
            process.wait(15)
            seconds = time.monotonic() - begin
            time.sleep(0.5)  # for what is being sent at this moment
            before = len(server.requests)
            time.sleep(2)
            return process.returncode, seconds, len(server.requests) - before, before
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_command_at_once(tmp_path, number):
    # A child ignores SIGINT if its parent does, as commands in the background of a shell do.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ThreadPoolExecutor() as pool:
        for name in ENTRY_POINTS:
            (tmp_path / name).mkdir()
        running = {name: pool.submit(_interrupt, tmp_path / name, name, number) for name in ENTRY_POINTS}
    for name, future in running.items():
        code, seconds, later, before = future.result()
        assert before >= 3, f"{name}: the listing had not begun"
        assert code != 0, name
        assert seconds < 5, f"{name} took {seconds:.1f} seconds"
        assert later == 0, f"{name} sent {later} requests after its end"


# Values that contain the token of their own instance

OWN_TOKENS = ("9F86D081884C7D659A2FEAA0", "s3cret+T0ken/of=A2zz")


def test_the_token_of_an_instance_is_masked_in_all_its_values_but_compared_unmasked(workplace):
    fleet = [
        {
            "id": f"A{number}",
            "token": token,
            "name": f"shop {token}",
            "note": f'{{"auth": "{token}"}}',
            "lists": [{token: [token]}],
            "receivedCallbackUrl": f"https://hooks.example.com/{token}/in?key={token}",
        }
        for number, token in enumerate(OWN_TOKENS)
    ]
    expectations = [{"match": {"id": row["id"]}, "expect": {"webhooks": {"received": row["receivedCallbackUrl"]}}} for row in fleet]
    other = [{"expect": {"payment_status": "PAID", "webhooks": {"received": "https://new.example.com/"}}}]
    variables = workplace.write("variables.json", {"met": expectations, "other": other})
    audit = {"zapi.zapi.instance_audit": {"expectations": "{{ met }}"}, "register": "met_audit"}
    tasks = [
        {"zapi.zapi.instance_info": {}, "register": "info"},
        {"zapi.zapi.instance_info": {"include_token": True}, "register": "info_with_token", "no_log": True},
        {"ansible.builtin.set_fact": {"x": "{{ query('zapi.zapi.instances') }}"}, "register": "lookup"},
        audit,
        {"zapi.zapi.instance_audit": {"expectations": "{{ other }}", "fail_on_drift": False}, "register": "other_audit"},
    ]
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
    with Emulator(fleet, partner_token=PARTNER_TOKEN) as server:
        workplace.environment.update(ZAPI_API_URL=server.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN)
        outcome, results = workplace.play(tasks, "-e", f"@{variables}", "-vvvv", "--diff")
        listed, hosts, _groups = workplace.inventory(cache)
    assert outcome.status == 0, outcome.output
    assert results["met_audit"]["in_sync"]
    assert [row["attribute"] for row in results["other_audit"]["drift"]].count("webhooks.received") == 2
    assert [instance["token"] for instance in results.pop("info_with_token")["instances"]] == list(OWN_TOKENS)
    assert len(hosts) == 2
    assert not found(OWN_TOKENS, outcome.output + listed.output + json.dumps([results, hosts]))
    assert not found_in_files(OWN_TOKENS, workplace.folder, [variables])
