# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How long an answer may take, how large it may be, and that nobody is asked any more once nobody waits."""

from __future__ import annotations

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
import time
import typing as t
import zlib

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._api import bounds, pool
from ansible_collections.zapi.zapi.plugins.module_utils._api import client as client_module
from ansible_collections.zapi.zapi.plugins.module_utils._api.client import Client
from ansible_collections.zapi.zapi.plugins.module_utils._api.leaving import nobody_waits
from ansible_collections.zapi.zapi.plugins.module_utils._api.refusals import Call
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RequestError
from ansible_collections.zapi.zapi.tests.integration.raw_server import (
    Answer,
    Line,
    RawServer,
    Request,
    chunk,
    gzip_bomb,
    head,
    json_answer,
    whole,
)
from ansible_collections.zapi.zapi.tests.unit.support import PARTNER_TOKEN, assert_fit_for_users, make_client

CALL = Call("/instances", "/instances")
CHUNKED = head("200 OK", "Transfer-Encoding: chunked")
FINE = json_answer({"content": []})


def sending(*parts: bytes) -> Answer:
    def answer(request: Request, line: Line) -> None:
        for part in parts:
            line.write(part)

    return answer


def dripping(slow: bytes, before: bytes = b"") -> Answer:
    def answer(request: Request, line: Line) -> None:
        line.write(before)
        line.drip(slow, every=0.02)
        line.hang()

    return answer


def flooding(data: bytes, before: bytes = b"") -> Answer:
    def answer(request: Request, line: Line) -> None:
        line.write(before)
        line.flood(data)

    return answer


def bombing(request: Request, line: Line) -> None:
    line.write(head("200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked"))
    for block in gzip_bomb(1000):
        line.write(chunk(block))
    line.hang()


def ask(server: RawServer, **changed: t.Any) -> t.Any:
    with make_client(api_url=server.url(), **changed) as client:
        return client.ask(CALL)


def failure(server: RawServer, **changed: t.Any) -> str:
    with pytest.raises(RequestError) as failed:
        ask(server, **changed)
    assert_fit_for_users(str(failed.value))
    return str(failed.value)


# Time


@pytest.mark.parametrize(
    "answer",
    [
        dripping(b"HTTP/1.1 200 " + b"O" * 10_000),
        dripping(b"X: " + b"y" * 10_000, b"HTTP/1.1 200 OK\r\n"),
        dripping(b" " * 10_000, head()),
        dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
        flooding(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        flooding(b"X: y\r\n" * 100, CHUNKED + chunk(b"{}") + b"0\r\n"),
    ],
    ids=["status line", "header", "body", "interim answers", "flood of interim answers", "trailers"],
)
def test_a_request_as_a_whole_has_a_deadline_and_is_then_not_tried_again(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    # A time-out that even a busy machine keeps
    monkeypatch.setattr(client_module, "DEADLINE", 0.5)
    with RawServer(answer, most_bytes=2**34) as server:
        began = time.monotonic()
        message = failure(server, timeout=3)
        took = time.monotonic() - began
        assert "was not complete within 1.5 seconds" in message
        assert 1.5 <= took < 10
        assert len(server.requests) == 1


def test_an_answer_in_time_is_taken_however_it_comes() -> None:
    with RawServer(dripping(FINE)) as server:
        assert ask(server, timeout=5) == {"content": []}


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints", "100 Continue"])
def test_an_interim_answer_is_not_the_answer(status: str) -> None:
    with RawServer(sending(f"HTTP/1.1 {status}\r\nLink: x\r\n\r\n".encode() * 2, FINE)) as server:
        assert ask(server) == {"content": []}


# Size


@pytest.mark.parametrize("answer", [bombing, flooding(b" " * 65_536, head()), flooding(chunk(b" " * 65_536), CHUNKED)])
def test_an_answer_has_a_largest_size(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LARGEST_ANSWER", 2**20)
    with RawServer(answer) as server:
        message = failure(server)
        assert "MiB" in message
        assert "page_size" in message
        assert len(server.requests) == 1


def test_answers_under_way_have_a_largest_size_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_HELD", 3 * 2**20)
    page = sending(whole(b'{"content": [], "x": "' + b"y" * 2**20 + b'"}'))
    with RawServer(page) as server, make_client(api_url=server.url()) as client, client.task() as task:
        for _answer in range(10):  # one after the other they are not
            task.decode(CALL, task.wait(task.start(CALL)))
        started = [task.start(CALL) for _call in range(4)]
        with pytest.raises(RequestError, match="MiB"):
            all(map(task.wait, started))


def test_of_a_refusal_only_the_beginning_is_read() -> None:
    words = json.dumps({"error": "never"}).encode()
    with RawServer(flooding(b" " * 65_536, head("403 Forbidden") + words)) as server:
        assert "status 403" in failure(server)


# Compression


def packed(body: bytes) -> bytes:
    return whole(body, "200 OK", "Content-Encoding: gzip", "Connection: close")


@pytest.mark.parametrize("parts", [1, 3])
def test_a_compressed_answer_may_have_several_members(parts: int) -> None:
    text = b'{"content": []}'
    members = [gzip.compress(piece) for piece in cut(text, parts)]
    with RawServer(sending(packed(b"".join(members)))) as server:
        assert ask(server) == {"content": []}


def test_what_pads_a_compressed_answer_is_passed_over() -> None:
    with RawServer(sending(packed(gzip.compress(b'{"content": []}') + b"\0" * 100))) as server:
        assert ask(server) == {"content": []}


def cut(text: bytes, parts: int) -> list[bytes]:
    size = -(-len(text) // parts)
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b'{"content": []}')[:-9], b"", b"no gzip at all", zlib.compress(b"{}")],
    ids=["cut", "none", "other", "deflate"],
)
def test_a_compressed_answer_that_is_none_is_asked_for_again(body: bytes) -> None:
    with RawServer(sending(packed(body))) as server:
        message = failure(server, retries=1)
        assert "cut off in 2 tries" in message or "not JSON" in message
        assert len(server.requests) == (2 if "cut off" in message else 1)


def test_no_other_compression_is_asked_for_or_taken() -> None:
    with RawServer(sending(whole(b"\x1b\x00", "200 OK", "Content-Encoding: br"))) as server:
        failure(server, retries=0)
        assert server.requests[0].headers["accept-encoding"] == "gzip"


# Data


@pytest.mark.parametrize(
    "number", ["9" * 401, "-" + "9" * 401, "1." + "0" * 401, "1e999", "-1e999", "NaN", "Infinity", "-Infinity"]
)
def test_a_number_that_nobody_could_read_again_is_null(number: str) -> None:
    with RawServer(sending(whole(f'{{"content": [{number}, 5, 1.5]}}'.encode()))) as server:
        assert ask(server) == {"content": [None, 5, 1.5]}


def test_a_long_number_within_the_bound_stays() -> None:
    with RawServer(sending(whole(f'{{"content": [{"9" * 400}]}}'.encode()))) as server:
        assert ask(server) == {"content": [int("9" * 400)]}


# Logs


@pytest.mark.parametrize(
    "answer",
    [
        sending(f"HTTP/1.1 Bearer {PARTNER_TOKEN}\r\n\r\n".encode()),
        sending(f"HTTP/1.1 200 OK\r\nBearer {PARTNER_TOKEN}\r\n".encode() + FINE.partition(b"\r\n")[2]),
        sending(f'{{"content": "{PARTNER_TOKEN}"}}'.encode()),
    ],
)
def test_nothing_that_the_libraries_log_reaches_the_log_of_whoever_asks(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[logging.LogRecord] = []
    log = logging.Handler()
    monkeypatch.setattr(log, "emit", told.append)
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(log)
    try:
        with RawServer(answer) as server:
            ask(server, retries=1)
    except RequestError as error:
        assert_fit_for_users(str(error))
    finally:
        root.removeHandler(log)
    assert told == []


# Leaving


def hanging(*pages: str) -> Answer:
    """Answers that never come, but for page 3, which is refused."""

    def answer(request: Request, line: Line) -> None:
        if request.page == 3:
            line.write(json_answer({"error": "no"}, "401 Unauthorized"))
        line.hang()

    return answer


def test_the_first_failure_of_a_task_is_told_at_once_whatever_else_is_waited_for() -> None:
    with RawServer(hanging()) as server, make_client(api_url=server.url(), timeout=30) as client:
        began = time.monotonic()
        with client.task() as task:
            first, _second, _third = [task.start(CALL, {"page": page}) for page in (1, 2, 3)]
            with pytest.raises(RequestError, match="401"):
                task.wait(first)
        assert time.monotonic() - began < 10


def test_a_task_that_is_over_asks_no_more() -> None:
    with RawServer(sending(json_answer({}, "503 Busy"))) as server, make_client(api_url=server.url(), retries=100) as client:
        with client.task() as task:
            task.start(CALL)
            while not server.requests:
                time.sleep(0.01)
        time.sleep(0.5)
        asked = len(server.requests)
        time.sleep(0.5)
        assert len(server.requests) == asked


@pytest.mark.parametrize("answer", [hanging(), sending(json_answer({}))], ids=["none", "fast"])
def test_who_waits_for_an_answer_looks_whether_anybody_waits_for_it(answer: t.Any) -> None:
    reader, writer = os.pipe()
    with RawServer(answer) as server:
        client = make_client(api_url=server.url(), timeout=30)
        with Client(client.connection, result=writer) as watched:
            os.close(reader)
            with pytest.raises(KeyboardInterrupt):
                watched.ask(CALL)
    os.close(writer)


def test_a_result_that_nobody_reads_any_more_is_noticed() -> None:
    reader, writer = os.pipe()
    left = nobody_waits(writer)
    assert not left()
    os.close(reader)
    assert left()
    os.close(writer)


ORPHAN = """
import multiprocessing, os, sys, time
from ansible_collections.zapi.zapi.plugins.module_utils._api.leaving import nobody_waits

def work(report):
    left = nobody_waits()
    before, deadline = left(), time.monotonic() + 20
    open(report + ".ready", "w").close()
    while not left() and time.monotonic() < deadline:
        time.sleep(0.05)
    with open(report + ".draft", "w") as file:
        file.write(f"{before} {left()}")
    os.rename(report + ".draft", report)

if __name__ == "__main__":
    report = sys.argv[1]
    if sys.argv[2] == "worker":
        multiprocessing.get_context("fork").Process(target=work, args=(report,)).start()
        while not os.path.exists(report + ".ready"):
            time.sleep(0.01)
        os._exit(0)
    work(report)
"""


def test_a_worker_whose_parent_is_gone_is_left_by_everybody(tmp_path: t.Any) -> None:
    report = tmp_path / "report"
    subprocess.run([sys.executable, "-c", ORPHAN, str(report), "worker"], check=True, timeout=60)
    deadline = time.monotonic() + 30
    while not report.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert report.read_text(encoding="utf-8") == "False True"


# Threads


def test_where_the_system_gives_fewer_threads_fewer_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_two(thread: t.Any) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    narrow = pool.Pool(5)
    assert [future.result(10) for future in [narrow.submit(lambda: 1) for _work in range(20)]] == [1] * 20
    narrow.close()


def test_without_any_thread_the_request_fails_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: t.Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with make_client() as client, pytest.raises(RequestError, match="thread"):
        client.ask(CALL)
