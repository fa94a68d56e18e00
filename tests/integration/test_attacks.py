# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Nothing that a server, a customer or a slip can do: no door hangs, grows, tells a secret, runs a command or loses an instance.

What a server can send is a table: each of its groups is one play and one inventory command, with a host or a source for
each case. What needs settings of its own stands below it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from urllib.parse import quote

import pytest
import yaml
from ansible.release import __version__ as core_version

from ansible_collections.zapi.zapi.tests.integration.conftest import (
    COMMANDS,
    Workplace,
    base_environment,
    found,
    plain,
)
from ansible_collections.zapi.zapi.tests.integration.raw_server import (
    Answer,
    Line,
    Request,
    chunk,
    gzip_bomb,
    gzipped,
    head,
    honest,
    json_answer,
    page_of,
    serving,
    whole,
)

pytestmark = [pytest.mark.attacks, pytest.mark.unmeasured]

CORE = tuple(map(int, core_version.split(".")[:2]))
DOORS = ("instance_info", "lookup", "inventory")
PAGE = 10
TOKEN = "Partn3r.t0ken+of/the-attacks=="
URL_SECRET = "URL5ecretF00D1234BEEF5678"
ECHOED = "Zebra"  # a word of the server's, to tell whether its words are quoted
MIB = 2**20
MOST_MEMORY = 700 * MIB
MARK = "ZAPI_TEST_OF_ATTACKS"
OURS = f"{os.getpid()}-"  # tests run beside each other
LONGEST_TASK, LONGEST_COMMAND = 25, 60  # seconds: nothing comes near them, unless a promise is broken


def row(number: int, **more: t.Any) -> dict[str, t.Any]:
    token = f"1nst4nceT0ken{number:04}0fTheAttacks"
    return {"id": f"A{number:04}", "name": f"shop-{number}", "token": token, "whatsappConnected": True, **more}


ROWS = [row(number) for number in range(2 * PAGE)]
LONGER = [row(number) for number in range(9 * PAGE)]


class Whole:
    """Expected: the whole fleet."""


class Either:
    """Expected: the whole fleet or an error, in one line."""


class Case(t.NamedTuple):
    answer: Answer
    outcome: t.Any = Whole  # or what the message holds, as regular expressions
    options: t.Mapping[str, t.Any] = MappingProxyType({})
    rows: list[dict[str, t.Any]] = ROWS
    tries: int | None = None  # how often each page is asked for


# The ways of answering


def sends(*parts: bytes) -> Answer:
    def answer(request: Request, line: Line) -> None:
        for part in parts:
            line.write(part)

    return answer


def drips(slow: bytes, *before: bytes) -> Answer:
    def answer(request: Request, line: Line) -> None:
        sends(*before)(request, line)
        line.drip(slow)
        line.hang()

    return answer


def floods(data: bytes, *before: bytes, pause: float = 0.0) -> Answer:
    def answer(request: Request, line: Line) -> None:
        sends(*before)(request, line)
        line.flood(data, pause)

    return answer


def hangs(request: Request, line: Line) -> None:
    line.hang()


def bombs(request: Request, line: Line) -> None:
    line.write(head("200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked"))
    for block in gzip_bomb():
        line.write(chunk(block))
    line.hang()


def refuses(form: str, status: str = "403 Forbidden") -> Answer:
    return sends(json_answer({"error": f"{ECHOED} {form} may not"}, status))


def echoes(before: str, after: bytes = b"") -> Answer:
    """Repeat the header that bears the token."""

    def answer(request: Request, line: Line) -> None:
        line.write(f"{before}{request.headers['authorization']}\r\n".encode() + after)

    return answer


def without_colon(request: Request, line: Line) -> t.Any:
    body = json.dumps(page_of(ROWS, request.page, request.size)).encode()
    start = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{request.headers['authorization']}\r\n\r\n"
    line.write(start.encode() + body)


def with_interim(request: Request, line: Line) -> t.Any:
    for status in ("103 Early Hints", "102 Processing", "100 Continue", "103 Early Hints"):
        line.write(f"HTTP/1.1 {status}\r\nLink: </x>; rel=preload\r\n\r\n".encode())
    line.write(json_answer(page_of(ROWS, request.page, request.size)))
    return True


def truncated(*, times: int) -> Answer:
    """Gzip that ends in the middle, though the length is that of what is sent; honest gzip after so many times."""
    seen: dict[str, int] = {}

    def answer(request: Request, line: Line) -> None:
        body = gzipped(json.dumps(page_of(ROWS, request.page, request.size)).encode())
        seen[request.target] = seen.get(request.target, 0) + 1
        if seen[request.target] <= times:
            body = body[: len(body) // 2]
        line.write(whole(body, "200 OK", "Content-Encoding: gzip"))

    return answer


def swapped(request: Request, line: Line) -> t.Any:
    """Page 3 in place of page 2, and the other way round; each says truly which one it is."""
    page = {2: 3, 3: 2}.get(request.page, request.page)
    line.write(json_answer(page_of(LONGER[: 3 * PAGE], page, request.size)))
    return True


def raw_json(rows: str, total: str = "1") -> Answer:
    body = '{"total": %s, "totalPage": 1, "pageSize": 10, "page": 1, "content": [%s]}' % (total, rows)
    return sends(whole(body.encode()))


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# More of what servers may do with time and sizes is among the unit tests.
HASTY = {"timeout": 1, "retries": 3}
DEADLINE = 10
ONE = [row(0)]
BLANKS = b" " * (256 * 1024)
# More forms are among the unit tests.
ENCODED = {
    "entities": "".join(f"&#{ord(character)};" for character in TOKEN),
    "broken_into_lines": "\n".join(TOKEN[start : start + 6] for start in range(0, len(TOKEN), 6)),
    "percent_twice": "".join(f"%25{ord(character):02x}" for character in TOKEN),
    "base64": base64.b64encode(f"x{TOKEN}".encode()).decode(),
}

GROUPS: dict[str, dict[str, Case]] = {
    "time": {
        name: Case(answer, [rf"\b{DEADLINE}(\.0)? seconds"], HASTY, rows, tries=1)
        for name, answer, rows in (
            ("drip_headers", drips(b"X-Slow: 1\r\n" * 50, b"HTTP/1.1 200 OK\r\n"), ROWS),
            ("drip_body", drips(b" " * 300, head("200 OK", "Content-Length: 1000")), ROWS),
            ("flood_100", floods(CONTINUE * 20, pause=0.02), ROWS),
            ("drip_later", honest(LONGER, later=drips(b" " * 300, head("200 OK", "Content-Length: 1000"))), LONGER),
        )
    },
    "size": {
        name: Case(answer, said, {"retries": 0}, LONGER, tries=1)
        for name, answer, *said in (
            ("gzip_bomb_later", honest(LONGER, later=bombs), "64 MiB", "page_size"),
            ("endless_body", floods(BLANKS, head()), "64 MiB", "page_size"),
            # The status says more than the length does.
            ("endless_500", floods(BLANKS, head("500 Down")), "status 500|64 MiB"),
        )
    },
    "words": {
        "honest": Case(honest(ROWS), tries=1),
        "token_in_status_line": Case(echoes("HTTP/1.1 "), [r"\S"]),
        "token_in_bare_status_line": Case(echoes("", b"Server: x\r\n\r\n"), [r"\S"]),
        "token_in_header_without_colon": Case(without_colon),
        "body_without_status": Case(sends(json.dumps(page_of(ROWS, 1, PAGE)).encode()), [r"\S"]),
        "interim_answers": Case(with_interim, tries=1),
        "gzip_cut_once": Case(truncated(times=1), tries=2),
        "gzip_cut_forever": Case(truncated(times=99), ["was cut off in 2 tries"], tries=2),
        "other_page": Case(swapped, ["page 2"], rows=LONGER[: 3 * PAGE]),
        "counts_contradict": Case(
            sends(json_answer({"total": 0, "totalPage": 7, "pageSize": PAGE, "content": []})), [r"0 instances", "7 pages"]
        ),
        "ten_megabytes_of_words": Case(refuses("word " * 2 * MIB), ["status 403"]),
        "long_field_name": Case(raw_json(json.dumps(row(0, **{"A" * 60_000: 1}))), rows=ONE),
        "due_of_5000_digits": Case(raw_json(json.dumps(row(0))[:-1] + ', "due": %s}' % ("9" * 5000)), Either, rows=ONE),
        "total_of_5000_digits": Case(raw_json(json.dumps(row(0)), "9" * 5000), [r"."], rows=ONE),
        "no_numbers": Case(raw_json(json.dumps(row(0))[:-1] + ', "due": NaN, "x": -Infinity, "y": 1e999}'), Either, rows=ONE),
        "nested_90": Case(raw_json(json.dumps(row(0))[:-1] + ', "deep": %s}' % nested(90)), rows=ONE),
        "refusal_while_another_hangs": Case(
            honest(LONGER[: 3 * PAGE], page_2=hangs, page_3=refuses("no", "401 Unauthorized")),
            ["status 401"],
            {"timeout": 20, "retries": 3},
            LONGER[: 3 * PAGE],
        ),
        "token_in_api_url": Case(
            hangs, [r"api_url[^/.]* token"], {"api_url": f"http://127.0.0.1:9/instances/3C3F8E5F4A2B1C9D/token/{URL_SECRET}"}
        ),
        "token_in_longer_api_url": Case(
            hangs,
            [r"api_url[^/.]* token"],
            {"api_url": f"http://127.0.0.1:9/v/instances/3C3F8E5F4A2B1C9D/Token/{URL_SECRET}/status/"},
        ),
        "token_of_7_characters": Case(hangs, ["partner_token", r"\b(8|eight)\b"], {"partner_token": "s3cre7x"}),
        **{f"refusal_{name}": Case(refuses(form), ["status 403"]) for name, form in ENCODED.items()},
    },
    # Apart, since it takes all other hosts of its play with it where it does harm.
    "depth": {"nested_250": Case(raw_json(json.dumps(row(0))[:-1] + ', "deep": %s}' % nested(250)), rows=ONE)},
}
CASES = {name: case for group in GROUPS.values() for name, case in group.items()}
FORKS = {"time": 10, "size": 2, "words": 6, "depth": 1}
DEFAULTS = {"retries": 1, "timeout": 5, "page_size": PAGE, "concurrency": 8}


class Watch:
    """Watches the memory of all processes that carry a mark, and ends those that take too much of it: the machine is shared."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:  # noqa: PYI034 - Self came with Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            for process in marked():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
                    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
                    command = (
                        Path(f"/proc/{process}/environ")
                        .read_text(encoding="utf-8")
                        .partition(f"{MARK}={OURS}")[2]
                        .partition("\0")[0]
                    )
                    self.peaks[command] = max(self.peaks.get(command, 0), peak)
                    if peak > MOST_MEMORY:
                        os.kill(process, signal.SIGKILL)


def marked(mark: str | None = None) -> list[int]:
    """The processes that were started with a mark in their environment, this one or any, and live."""
    sign = f"\0{MARK}={OURS}" + ("" if mark is None else f"{mark}\0")
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            if state != "Z" and sign.encode() in b"\0" + (folder / "environ").read_bytes():
                processes.append(int(folder.name))
    return processes


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Send every case through every door."""
    folder = tmp_path_factory.mktemp("attacks")
    answers = {}
    by_case = {name: case.answer for name, case in CASES.items()}
    with serving(by_case, lifetime=20) as server, Watch() as watch:
        # First what is slow by the clock: the server must have the time to be slow in time.
        for groups in (("time",), ("size", "words", "depth")):
            with ThreadPoolExecutor(8) as beside:
                started = [beside.submit(_play, folder / f"play_{group}", group, GROUPS[group], server) for group in groups]
                for group in groups:
                    # Sources are read one after the other: what takes its time is read by several commands.
                    parts = [[*GROUPS[group]]] if group in ("words", "depth") else [[name] for name in GROUPS[group]]
                    started += [beside.submit(_inventories, folder / f"inventory_{part[0]}", part, server) for part in parts]
                for task in started:
                    answers.update(task.result())
    output = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("output.txt")))
    return SimpleNamespace(answers=answers, server=server, folder=folder, output=output, peaks=watch.peaks)


def _workplace(folder, mark):
    folder.mkdir(parents=True)
    # Without the plugin "auto", which would read every source that failed once more
    enabled = "zapi.zapi.instances,ansible.builtin.yaml"
    log = str(folder / "ansible.log")
    environment = {MARK: OURS + mark, "ANSIBLE_LOG_PATH": log, "ANSIBLE_INVENTORY_ENABLED": enabled}
    return Workplace(folder, {**base_environment(folder), **environment})


def _options(door, name, server):
    return {**DEFAULTS, "api_url": server.url(f"{name}.{door}"), "partner_token": TOKEN, **CASES[name].options}


def _run(workplace, *command):
    """Run a command that takes a minute at most; return all that it printed."""
    with (workplace.folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [COMMANDS / command[0], *map(str, command[1:])],
            cwd=workplace.folder,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LONGEST_COMMAND)
        # Also what a task that took too long has left behind
        _end(workplace.folder.name)
        process.wait(10)
    return (workplace.folder / "output.txt").read_text(encoding="utf-8", errors="replace")


def _end(mark):
    for process in marked(mark):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)


def _play(folder, group, cases, server):
    """Run the module and the lookup for every case of a group; return what each of them answered."""
    workplace = _workplace(folder, folder.name)
    hosts = {name: {"given": {door: _options(door, name, server) for door in DOORS}} for name in cases}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    workplace.write("hosts.yml", yaml.safe_dump({"all": {"hosts": hosts, "vars": connection}}))
    names = ("api_url", "partner_token", *DEFAULTS)
    given = {name: "{{ given.instance_info.%s }}" % name for name in names}
    keywords = ", ".join(f"{name}=given.lookup.{name}" for name in names)
    looked_up = {"instances": "{{ query('zapi.zapi.instances', %s) }}" % keywords}
    collected = "{%% set all = {} %%}{%% for host in groups.all %%}{%% set _ = all.update({host: {%s}}) %%}{%% endfor %%}{{ all | to_json }}"
    both = "'instance_info': hostvars[host].by_module, 'lookup': hostvars[host].by_lookup"
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "strategy": "free",
            "ignore_errors": True,
            "timeout": LONGEST_TASK,
            "tasks": [
                {"zapi.zapi.instance_info": given, "register": "by_module"},
                {"ansible.builtin.set_fact": looked_up, "register": "by_lookup"},
            ],
        },
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.copy": {"content": collected % both, "dest": f"{folder}/answers.json"}, "no_log": True}],
        },
    ]
    workplace.write("attacks.yml", yaml.safe_dump(plays, sort_keys=False))
    _run(workplace, "ansible-playbook", "-i", "hosts.yml", "attacks.yml", "-vvvv", "--forks", FORKS[group])
    if not (folder / "answers.json").exists():
        return {}
    answers = {}
    for name, results in json.loads((folder / "answers.json").read_text(encoding="utf-8")).items():
        for door, result in results.items():
            instances = result.get("instances") or result.get("ansible_facts", {}).get("instances") or []
            answers[door, name] = SimpleNamespace(
                failed=result.get("failed", False), message=result.get("msg", ""), instances=instances
            )
    return answers


def _inventories(folder, cases, server):
    """Read each case as an inventory source of one command; return what each of them gave."""
    workplace = _workplace(folder, folder.name)
    sources = []
    for name in cases:
        options = {"plugin": "zapi.zapi.instances", **_options("inventory", name, server), "group": f"case_{name}"}
        options["hostvars_prefix"] = f"{name}_"
        options["hostnames"] = ["id"]
        sources += ["-i", workplace.write(f"{name}.zapi.yml", yaml.safe_dump(options))]
    output = _run(workplace, "ansible-inventory", *sources, "--list", "-vvvv", "--output", "inventory.json")
    if not (folder / "inventory.json").exists():
        return {}
    listed = json.loads((folder / "inventory.json").read_text(encoding="utf-8"), object_hook=plain)
    said = re.split(r"Unable to parse (.*?) as an inventory source", " ".join(output.split()))
    problems = {Path(path.replace(" ", "")).name.partition(".")[0]: problem for problem, path in zip(said[0::2], said[1::2])}
    answers = {}
    for name in cases:
        hosts = [listed["_meta"]["hostvars"][host] for host in listed.get(f"case_{name}", {}).get("hosts", [])]
        prefix = f"{name}_"
        instances = [{key[len(prefix) :]: value for key, value in host.items() if key.startswith(prefix)} for host in hosts]
        answers["inventory", name] = SimpleNamespace(failed=name in problems, message=problems.get(name, ""), instances=instances)
    return answers


@pytest.mark.once
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_what_a_server_sends_ends_in_the_fleet_or_in_one_clear_line(run, door, name):
    assert (door, name) in run.answers, "the whole command ended"
    failed, message, instances = vars(run.answers[door, name]).values()
    expected = CASES[name].outcome
    assert "Module failed" not in message
    assert "Traceback" not in message
    assert URL_SECRET not in message
    if expected is Whole or (expected is Either and not failed):
        assert not failed, message
        assert [instance["id"] for instance in instances] == [known["id"] for known in CASES[name].rows]
    else:
        assert failed
        assert instances == []
        for pattern in [] if expected is Either else expected:
            assert re.search(pattern, message), f"{pattern} is not in: {message}"
        assert door == "inventory" or "\n" not in message.strip()
        assert door == "inventory" or len(message) < 700


@pytest.mark.once
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.tries])
def test_a_page_is_asked_for_as_often_as_the_fault_deserves(run, door, name):
    asked = [request.target for request in run.server.of(f"{name}.{door}")]
    assert asked
    assert {asked.count(target) for target in asked} == {CASES[name].tries}


@pytest.mark.once
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", [*GROUPS["time"], *GROUPS["words"], *GROUPS["depth"]])
def test_no_answer_holds_a_door_for_long(run, door, name):
    # Seen from the server, from the first request to the last client that left: the noise of other processes is not in it.
    requests = run.server.of(f"{name}.{door}")
    for request in requests:
        # One that closed the line itself was not left.
        took = run.server.left.get(request.connection, request.time) - requests[0].time
        assert took < (DEADLINE + 10 if name in GROUPS["time"] else 6 + 2), f"page {request.page} took {took:.1f} seconds"
    hanging = [request for request in requests if name == "refusal_while_another_hangs" and request.page == 2]
    for request in hanging + (requests if name in GROUPS["time"] else []):
        assert request.connection in run.server.left, f"page {request.page}: the client never left"


@pytest.mark.once
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to measure the memory of processes")
def test_no_answer_takes_more_memory_than_what_is_asked_for_at_once(run):
    assert {command: peak // MIB for command, peak in run.peaks.items() if peak > MOST_MEMORY} == {}


@pytest.mark.once
def test_every_request_asks_caches_to_stand_aside(run):
    assert run.server.requests
    assert {request.headers.get("cache-control") for request in run.server.requests} == {"no-cache"}


@pytest.mark.once
def test_neither_output_nor_log_tells_a_secret_or_a_traceback(run):
    secrets = [TOKEN, URL_SECRET, "s3cre7x", *(known["token"] for known in LONGER)]
    logs = list(run.folder.rglob("ansible.log"))
    assert logs
    texts = {"the output": run.output}
    texts.update({str(log.relative_to(run.folder)): log.read_text(encoding="utf-8", errors="replace") for log in logs})
    assert {where: told for where, text in texts.items() if (told := found(secrets, text))} == {}
    assert [where for where, text in texts.items() if "Traceback" in text] == []


@pytest.mark.once
@pytest.mark.parametrize("form", ENCODED)
def test_a_server_s_words_are_not_quoted_where_they_hold_the_token(run, form):
    for door in DOORS:
        answer = run.answers[door, f"refusal_{form}"]
        for start in range(0, len(ENCODED[form]) - 8, 8):
            piece = ENCODED[form][start : start + 8].strip()
            assert piece not in answer.message, f"{door}: {answer.message}"
        if form not in ("hex", "base64", "base64_in_lines"):
            assert ECHOED not in answer.message, f"{door}: {answer.message}"


@pytest.mark.once
@pytest.mark.parametrize("door", DOORS)
def test_a_field_past_a_bound_is_left_out_and_one_within_is_kept(run, door):
    def fields(name):
        return run.answers[door, name].instances[0] if (door, name) in run.answers else None

    assert "deep" in fields("nested_90")
    assert fields("nested_250") is not None, "the whole command ended"
    assert "deep" not in fields("nested_250")
    assert max(map(len, fields("long_field_name"))) < 1000


# Leaving

LEFT_AFTER = 1.5
SIGNALS = {
    "ctrl_c": (os.killpg, signal.SIGINT),
    "term": (os.killpg, signal.SIGTERM),
    "int_alone": (os.kill, signal.SIGINT),
    # Up to ansible-core 2.18, SIGTERM to the command alone leaves its worker behind, which goes on reading from the module.
    "term_alone": (os.kill, signal.SIGTERM),
}


def slow_and_failing(request: Request, line: Line) -> t.Any:
    if request.page % 2:
        line.hang()
    line.wait(0.3)
    line.write(json_answer({}, "503 Down"))
    return True


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupted")
    cases = {f"{door}_{name}": (door, *how) for door in DOORS for name, how in SIGNALS.items()}
    answer = honest(LONGER, later=slow_and_failing)
    with serving(dict.fromkeys(cases, answer), lifetime=30) as server, ThreadPoolExecutor(3) as beside:
        done = {name: beside.submit(_interrupt, folder / name, name, server, *case) for name, case in cases.items()}
        return {name: task.result() for name, task in done.items()}


def _interrupt(folder, name, server, door, send, number):
    workplace = _workplace(folder, name)
    options = {**DEFAULTS, "api_url": server.url(name), "partner_token": TOKEN, "timeout": 1, "retries": 50}
    if door == "inventory":
        workplace.write("fleet.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances", **options}))
        command = ["ansible-inventory", "-i", "fleet.zapi.yml", "--list"]
    else:
        keywords = ", ".join(f"{option}={value!r}" for option, value in options.items())
        lookup = {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances', %s) | length }}" % keywords}}
        task = lookup if door == "lookup" else {"zapi.zapi.instance_info": options}
        workplace.write("play.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        command = ["ansible-playbook", "play.yml"]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [COMMANDS / command[0], *command[1:]],
            cwd=folder,
            env=workplace.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + 30
            while len(server.of(name)) < 5 and time.monotonic() < end and process.poll() is None:
                time.sleep(0.05)
            time.sleep(0.7)  # until it tries again what failed
            sent = time.monotonic()
            send(process.pid, number)
            time.sleep(LEFT_AFTER + 2.5)
            asked = [round(request.time - sent, 1) for request in server.of(name) if request.time > sent + LEFT_AFTER]
            still_open = {request.connection for request in server.of(name)} & server.open
            remaining = marked(name)
        finally:
            _end(name)
            process.wait(10)
    text = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
    before = [request for request in server.of(name) if request.time <= sent]
    return SimpleNamespace(before=before, asked=asked, open=still_open, remaining=remaining, status=process.returncode, output=text)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to find the processes")
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("door", DOORS)
def test_leaving_is_leaving(interrupted, door, name):
    if (door, name) == ("instance_info", "term_alone") and CORE < (2, 19):
        pytest.skip("this ansible-core leaves its worker, and with it the module, behind")
    left = interrupted[f"{door}_{name}"]
    assert len(left.before) > 5, "the listing was not on its way"
    assert left.asked == [], "the server is asked on"
    assert left.open == set(), "connections are open"
    assert left.remaining == [], "processes live on"
    assert not found([TOKEN], left.output)


# What a customer or a server can name

HARMFUL = {
    "ansibleShellExecutable": "PROGRAM",
    "ansibleConnection": "ssh",
    "ansible_host": "attacker.example",
    "ansibleBecome": True,
    "ansiblePythonInterpreter": "PROGRAM",
    "inventoryHostname": "other",
    "inventory_hostname_short": "other",
    "groupNames": ["all"],
    "hostvars": {},
    "groups": {},
    "playHosts": [],
    "vars": {},
    "environment": {"PATH": "/nowhere"},
    "zapiCredentials": [{"id": "x", "token": "y"}],
    "zapiApiUrl": "https://attacker.example",
    "zapi_partner_token": "attackers-own-token",
    "zapiClientToken": "attackers-own-token",
    # for other prefixes than none
    "shellExecutable": "PROGRAM",
    "pythonInterpreter": "PROGRAM",
    "connection": "ssh",
    "host": "attacker.example",
    "credentials": [{"id": "x", "token": "y"}],
    "apiUrl": "https://attacker.example",
}
OPTIONS_OF_OURS = {"zapi_credentials", "zapi_api_url", "zapi_partner_token", "zapi_client_token"}


def test_no_field_becomes_a_variable_that_is_an_option(workplace):
    program = workplace.write("program", f'#!/bin/sh\ntouch {workplace.folder}/TOUCHED\nexec /bin/sh "$@"\n')
    program.chmod(0o755)
    fields = json.loads(json.dumps(HARMFUL).replace("PROGRAM", str(program)))
    prefixes = {"none": "", "usual": "zapi_", "ours": "ansible_"}
    rows = {name: [row(number, **fields)] for number, name in enumerate(prefixes)}
    sources = []
    with serving({name: honest(fleet) for name, fleet in rows.items()}) as server:
        for name, prefix in prefixes.items():
            options = {"plugin": "zapi.zapi.instances", "api_url": server.url(name), "partner_token": TOKEN}
            options.update(hostvars_prefix=prefix, group=f"with_{name}")
            sources += ["-i", workplace.write(f"{name}.zapi.yml", yaml.safe_dump(options))]
        listed = workplace.run("ansible-inventory", *sources, "--list")
        outcome = workplace.run("ansible", *sources, "with_none:with_usual:with_ours", "-m", "command", "-a", "true")
    hosts = json.loads(listed.stdout, object_hook=plain)["_meta"]["hostvars"]
    assert {"shop-0", "shop-1"} <= hosts.keys(), listed.output
    for host, variables in hosts.items():
        ansibles_own = {name: value for name, value in variables.items() if name.startswith(("ansible_", "inventory_", "group"))}
        assert ansibles_own.pop("ansible_connection", "local") == "local", host
        assert ansibles_own.pop("ansible_python_interpreter", sys.executable) == sys.executable, host
        # With such a prefix, the instance's own keys may be there, or the prefix is refused.
        assert not {"ansible_shell_executable", "ansible_host", "ansible_become", "ansible_credentials"} & ansibles_own.keys(), host
        assert not {"inventory_hostname", "inventory_hostname_short", "group_names", "groups"} & ansibles_own.keys(), host
        assert not OPTIONS_OF_OURS & variables.keys(), host
        assert not {"hostvars", "play_hosts", "vars", "environment"} & variables.keys(), host
    assert outcome.stdout.count("rc=0") >= 2, outcome.output
    assert not (workplace.folder / "TOUCHED").exists()


def test_an_instance_is_never_merged_into_another_source_s_host(workplace):
    fleet = [row(0, name="db-prod-1"), row(1, name="db_prod-2"), row(2)]
    workplace.write("static.ini", "db-prod-1 ansible_host=10.0.0.1 mine=1\n[databases]\ndb-prod-1\ndb_prod-2 zapi_id=A0001\n")
    with serving({"instances": honest(fleet)}) as server:
        options = {"plugin": "zapi.zapi.instances", "api_url": server.url(), "partner_token": TOKEN}
        workplace.write("fleet.zapi.yml", yaml.safe_dump(options))
        outcome = workplace.run("ansible-inventory", "-i", "static.ini", "-i", "fleet.zapi.yml", "--list")
    listed = json.loads(outcome.stdout, object_hook=plain)
    hosts = listed["_meta"]["hostvars"]
    assert hosts["db-prod-1"] == {"ansible_host": "10.0.0.1", "mine": 1}
    assert hosts["db_prod-2"] == {"zapi_id": "A0001"}
    assert set(listed["zapi"]["hosts"]) == {"db-prod-1_A0000", "db_prod-2_A0001", "shop-2"}
    assert hosts["db-prod-1_A0000"]["zapi_id"] == "A0000"


@pytest.mark.once
def test_no_names_that_customers_choose_lose_an_instance(workplace):
    identity = "A0000"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    names = ["x", "x", f"x_{identity}", *(f"x_{identity}_{digest[:length]}" for length in range(65))]
    names += [f"x_{identity}_{number}" for number in range(1, 70)]
    fleet = [row(number, name=name) for number, name in enumerate(names)]
    with serving({"instances": honest(fleet)}) as server:
        outcome, hosts, groups = workplace.inventory({"api_url": server.url(), "partner_token": TOKEN})
    assert outcome.status == 0, outcome.output
    assert sorted(variables["zapi_id"] for variables in hosts.values()) == sorted(known["id"] for known in fleet), outcome.output
    assert len(groups["zapi"]) == len(fleet)


# An instance's token by its value

OWN = "9F86D081884C7D659A2FEAA0"
ODD = "s3cret+T0ken/of=A2zz"
FORMS = {
    "name": "shop {}",
    "note": '{{"auth": "{}", "list": ["{}"]}}',
    "address": "https://api.z-api.io/instances/X/token/{}/send-text",
    "receivedCallbackUrl": "https://hooks.example.com/{}/in?key={}",
}
KEY_SECRETS = ["K3ySecret0001", "K3ySecret0002", "K3ySecret0003", "K3ySecret0004"]
TWO_URLS = "https://ana:K3ySecret0001@a.example/ and https://b.example/?k=K3ySecret0002"


def with_own_token(number, token):
    percent = "".join(f"%{byte:02X}" for byte in token.encode())
    fields = {field: form.format(*[token] * form.count("{}")) for field, form in FORMS.items()}
    return row(
        number,
        token=token,
        **{
            **fields,
            "deliveryCallbackUrl": f"https://hooks.example.com/{quote(token, safe='')}",
            "presenceChatCallbackUrl": f"https://hooks.example.com/p/{percent}",
            "connectedCallbackUrl": TWO_URLS,
            "packed": base64.b64encode(f"id:{token}".encode()).decode(),
            "lower": {"list": [token.lower()], token: 1},
        },
    )


def told(token, value):
    """The forms of a token that are somewhere in a value."""
    text = json.dumps(value, ensure_ascii=False)
    percent = "".join(f"%{byte:02X}" for byte in token.encode())
    return found([token], text) + [form for form in (percent,) if form in text]


@pytest.fixture(scope="module")
def by_value(tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_value")
    workplace = Workplace(folder, base_environment(folder))
    fleet = [
        with_own_token(0, OWN),
        with_own_token(1, ODD),
        row(2, name="shop\u202e\u2066gpj\u200b\u200d.exe", paymentStatus="\u202eDIAP"),
    ]
    real = fleet[0]["receivedCallbackUrl"]
    expectations = {
        "sync": [{"match": {"id": fleet[0]["id"]}, "expect": {"webhooks": {"received": real}}}],
        "mismatch": [
            {
                "expect": {
                    "payment_status": "PAID",
                    "webhooks": dict.fromkeys(("received", "delivery", "connected"), "https://new.example/"),
                }
            }
        ],
        "odd_key": [{"expect": {"webhooks": {"https://ana:K3ySecret0003@h.example/?k=K3ySecret0004": None}}}],
    }
    vars_file = workplace.write("vars.json", {"given": expectations})
    audit = {name: {"expectations": "{{ given.%s }}" % name, "fail_on_drift": False} for name in expectations}
    tasks = [
        {"zapi.zapi.instance_info": {}, "register": "info"},
        {"zapi.zapi.instance_info": {"include_token": True}, "register": "info_with_token", "no_log": True},
        {"ansible.builtin.set_fact": {"x": "{{ query('zapi.zapi.instances') }}"}, "register": "lookup", "no_log": True},
        {
            "ansible.builtin.set_fact": {"x": "{{ query('zapi.zapi.instances', include_token=true) }}"},
            "register": "lookup_with_token",
            "no_log": True,
        },
        {"zapi.zapi.instance_audit": audit["mismatch"], "register": "mismatch"},
        {"zapi.zapi.instance_audit": audit["sync"], "register": "sync", "no_log": True},
        {"zapi.zapi.instance_audit": audit["odd_key"], "register": "odd_key", "ignore_errors": True},
    ]
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
    with serving({"instances": honest(fleet)}) as server:
        workplace.environment.update(ZAPI_API_URL=server.url(), ZAPI_PARTNER_TOKEN=TOKEN)
        outcome, results = workplace.play(tasks, "-e", f"@{vars_file}", "-vvvv", "--diff")
        listed, hosts, _groups = workplace.inventory(cache)
        arguments = json.dumps({**audit["mismatch"], "expectations": expectations["mismatch"]})
        ad_hoc = workplace.run("ansible", "localhost", "-m", "zapi.zapi.instance_audit", "-a", arguments, "--diff")
    return SimpleNamespace(outcome=outcome, results=results, listed=listed, hosts=hosts, ad_hoc=ad_hoc, folder=folder)


def test_an_instance_s_own_token_comes_out_of_no_door_by_its_value(by_value):
    results = by_value.results
    places = {door: results.get(door) for door in ("info", "lookup", "mismatch", "sync")}
    places.update(
        hosts=by_value.hosts, inventory=by_value.listed.output, output=by_value.outcome.output, ad_hoc=by_value.ad_hoc.output
    )
    places["cache"] = [path.read_text(encoding="utf-8") for path in (by_value.folder / "cache").iterdir()]
    assert all(places.values()), f"nothing came from {[place for place, value in places.items() if not value]}"
    leaks = {place: forms for place, value in places.items() if (forms := told(OWN, value) + told(ODD, value))}
    assert leaks == {}


def test_an_instance_s_own_token_comes_where_it_was_asked_for(by_value):
    for door in ("info_with_token", "lookup_with_token"):
        result = by_value.results[door]
        instances = result.get("instances") or result["ansible_facts"]["x"]
        assert [instance["token"] for instance in instances[:2]] == [OWN, ODD], door
        assert instances[0]["webhooks"]["received"] == FORMS["receivedCallbackUrl"].format(OWN, OWN), door


def test_an_audit_compares_what_is_masked_elsewhere(by_value):
    assert by_value.results["sync"]["in_sync"] is True
    assert {row["attribute"] for row in by_value.results["mismatch"]["drift"]} >= {"webhooks.received", "webhooks.delivery"}


def test_every_url_in_a_text_is_masked_and_every_key_too(by_value):
    assert by_value.results["odd_key"]["failed"]
    rows = json.dumps([by_value.results["mismatch"], by_value.results["odd_key"]])
    assert "a.example" in rows, "the webhook with two URLs is a row"
    assert not found(KEY_SECRETS[:2], rows)
    assert not found(KEY_SECRETS[2:], rows)
    # The module that lists shows whole URLs, and the command shows its result.
    audits = by_value.outcome.output[by_value.outcome.output.index("TASK [zapi.zapi.instance_audit]") :]
    assert not found(KEY_SECRETS, audits + by_value.ad_hoc.output)


def test_characters_that_turn_or_hide_text_are_escaped(by_value):
    hidden = "\u202e\u2066\u200b\u200d"
    audits = by_value.outcome.output[by_value.outcome.output.index("TASK [zapi.zapi.instance_audit]") :]
    diffs = "\n".join(line for line in audits.splitlines() if line[:1] in ("+", "-"))
    assert "DIAP" in diffs, "the diff is shown"
    assert {
        place for place, text in (("diff", diffs), ("msg", by_value.results["mismatch"]["msg"])) if set(hidden) & set(text)
    } == set()


def test_an_ad_hoc_command_shows_the_diff_once(by_value):
    headers = re.findall(r"^\+\+\+ .*\((A\d+)\)", by_value.ad_hoc.stdout, re.MULTILINE)
    assert headers == ["A0000", "A0001", "A0002"], by_value.ad_hoc.stdout


# Slips


@pytest.mark.once
@pytest.mark.parametrize(
    "proxy", ["http://user:PROXYPASS@[", "http://user:PROXYPASS@host:port", "http://user:PROXYPASS@host:99999"]
)
def test_a_proxy_setting_that_is_no_url_is_told_in_one_line(workplace, proxy):
    environment = {"HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "ZAPI_PARTNER_TOKEN": TOKEN, "ZAPI_API_URL": "https://127.0.0.1:9"}
    tasks = [
        {"zapi.zapi.instance_info": {"retries": 0}, "register": "by_module", "ignore_errors": True},
        {
            "ansible.builtin.set_fact": {"x": "{{ query('zapi.zapi.instances', retries=0) }}"},
            "register": "by_lookup",
            "ignore_errors": True,
        },
    ]
    outcome, results = workplace.play(tasks, "-vvvv", **environment)
    listed, hosts, _groups = workplace.inventory({"retries": 0}, "-vvvv", **environment)
    assert hosts == {}
    messages = {**{door: result["msg"] for door, result in results.items()}, "inventory": listed.words}
    for door, message in messages.items():
        assert "proxy" in message.lower(), f"{door}: {message[-1000:]}"
        assert door == "inventory" or "\n" not in message.strip(), door
    assert "PROXYPASS" not in outcome.output + listed.output + json.dumps(results)
    assert "Traceback" not in outcome.output + listed.output + json.dumps(results)


@pytest.mark.once
def test_an_odd_search_loses_no_instance(workplace):
    fleet = [row(0, name="twin"), row(1), row(2, name="twin"), *(row(number) for number in range(3, 25))]

    def searching(search: Answer) -> Answer:
        def answer(request: Request, line: Line) -> t.Any:
            return (search if "query" in request.parameters else honest(fleet))(request, line)

        return answer

    searches = {
        "knows_one": searching(honest([fleet[2]])),
        "refuses": searching(sends(json_answer({"error": "no search"}, "400 Bad Request"))),
    }
    tasks = []
    with serving(searches) as server:
        for search in searches:
            for option, value in (("name", "twin"), ("id", "A0001")):
                arguments = {"api_url": server.url(search), option: value, "retries": 0, "partner_token": TOKEN}
                task = {"zapi.zapi.instance_info": arguments, "register": f"{search}_{option}", "ignore_errors": True}
                tasks.append(task)
        outcome, results = workplace.play(tasks)
    ids = {name: [instance["id"] for instance in result.get("instances", [])] for name, result in results.items()}
    expected = {
        f"{search}_{option}": found for search in searches for option, found in (("name", ["A0000", "A0002"]), ("id", ["A0001"]))
    }
    assert ids == expected, outcome.output[-2000:]


@pytest.mark.once
def test_threads_that_cannot_be_started_make_a_narrower_listing(workplace):
    fleet = [row(number) for number in range(300)]
    # Each thread takes 8 MiB of addresses: there is room for some, not for hundreds.
    arguments = json.dumps({"concurrency": 3000, "page_size": 1, "retries": 0})

    def unhurried(request: Request, line: Line) -> t.Any:
        line.wait(0.2)  # or few threads would do
        return honest(fleet)(request, line)

    with serving({"instances": unhurried}) as server:
        workplace.environment.update(ZAPI_API_URL=server.url(), ZAPI_PARTNER_TOKEN=TOKEN)
        command = f"ulimit -s 8192 -v 1000000 && exec {COMMANDS}/ansible localhost -m zapi.zapi.instance_info -a '{arguments}'"
        done = subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=workplace.folder,
            env={**workplace.environment, "MALLOC_ARENA_MAX": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    assert '"total": 300' in done.stdout, done.stdout[-1000:] + done.stderr[-1000:]
