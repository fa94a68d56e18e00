# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How requests are sent, limited and retried. The servers are real, on loopback ports."""

from __future__ import annotations

import email.utils
import gzip
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import MessageError, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._core.version import VERSION
from ansible_collections.zapi.zapi.plugins.module_utils._http import session as session_module
from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import CredentialKind, Pool, Request
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import Session
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit.engine import (
    CLIENT_TOKEN,
    PARTNER_TOKEN,
    RawServer,
    api_object,
    assert_fit_for_users,
    connection,
    credentials,
    fault,
    repeated,
    response,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTING = Request("GET", "/instances", "/instances", CredentialKind.PARTNER, expected_fields=frozenset({"content"}))
[ONE] = credentials(1)
TOKEN = ONE["token"]
OWN = {"kind": CredentialKind.INSTANCE, "secrets": (TOKEN,)}
ME = Request("GET", f"/instances/{ONE['id']}/token/{TOKEN}/me", f"/instances/{ONE['id']}/me", **OWN)  # type: ignore[arg-type]
PUT = Request("PUT", ME.path, ME.shown, body={"value": "x"}, **OWN)  # type: ignore[arg-type]
EMPTY = response(b'{"content": []}')


def fetch(server: Emulator | str, request: Request = LISTING, **options: t.Any) -> t.Any:
    with Session(connection(server, **options)) as session, session.group() as group:
        return group.decode(group.start(request))


def failure(server: Emulator | str, request: Request = LISTING, *, secrets: t.Sequence[str] = (), **options: t.Any) -> t.Any:
    """The code and the values of the failure."""
    with pytest.raises(RequestError) as failed:
        fetch(server, request, **options)
    assert_fit_for_users(failed.value, *secrets)
    assert failed.value.__cause__ is None
    return failed.value.reason


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator([api_object(1)], client_token=CLIENT_TOKEN) as running:
        yield running


@pytest.fixture
def closed_url() -> Iterator[str]:
    """An address that refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


# What is sent


@pytest.mark.parametrize(
    ("request_", "client_token", "authorization", "sent_client_token"),
    [(LISTING, CLIENT_TOKEN, "right", "missing"), (ME, CLIENT_TOKEN, "missing", "right"), (ME, None, "missing", "missing")],
)
def test_a_request_has_its_own_kind_of_credential_only(
    emulator: Emulator, request_: Request, client_token: str | None, authorization: str, sent_client_token: str
) -> None:
    emulator.set_faults([fault("body", json={})])
    fetch(emulator, request_, client_token=client_token)
    [entry] = emulator.requests
    assert (entry["authorization"], entry["client_token"]) == (authorization, sent_client_token)
    assert entry["headers"]["User-Agent"] == f"ansible-zapi/{VERSION}"


def test_parameters_are_in_the_query(emulator: Emulator) -> None:
    request = Request("GET", "/instances", "", CredentialKind.PARTNER, parameters={"page": 2, "query": "Pão & Cia"})
    fetch(emulator, request)
    assert parse_qs(urlsplit(emulator.requests[0]["path"]).query) == {"page": ["2"], "query": ["Pão & Cia"]}


def test_the_path_of_api_url_comes_first_and_is_in_messages(emulator: Emulator) -> None:
    reason = failure(f"{emulator.url}/z-api/v2/")
    assert (reason.code, reason.values["request"]) == ("wrong_path", "GET /z-api/v2/instances")


@pytest.mark.parametrize("machine", ["machine 127.0.0.1", "default"])
def test_a_netrc_does_not_replace_the_token(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    (tmp_path / ".netrc").write_text(f"{machine} login someone password else\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    fetch(emulator)
    assert emulator.requests[0]["authorization"] == "right"


def test_cookies_are_not_sent_back() -> None:
    with RawServer(response(b"{}", "200 OK", "Set-Cookie: instance=1; Path=/")) as server:
        with Session(connection(server.url)) as session, session.group() as group:
            for _number in range(2):
                group.decode(group.start(LISTING))
        assert [b"cookie" in received.lower() for received in server.requests] == [False, False]


def test_no_representation_holds_a_secret() -> None:
    with Session(connection("http://127.0.0.1:9", client_token=CLIENT_TOKEN)) as session:
        shown = repr((PUT, session.connection))
    assert not [secret for secret in (TOKEN, CLIENT_TOKEN, PARTNER_TOKEN) if secret in shown]


# Responses


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=iso-8859-1"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_json_is_utf8(emulator: Emulator, content_type: str, bom: str) -> None:
    emulator.set_faults([fault("body", text=f'{bom}{{"content": "Pão"}}', content_type=content_type)])
    assert fetch(emulator) == {"content": "Pão"}


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: gzip.compress(data[:9], mtime=0) + gzip.compress(data[9:])])
def test_gzip_is_requested_and_decompressed(compress: t.Any) -> None:
    with RawServer(response(compress(b'{"content": [1]}'), "200 OK", "Content-Encoding: gzip")) as server:
        assert fetch(server.url) == {"content": [1]}
        assert b"Accept-Encoding: gzip\r\n" in server.requests[0]


def test_what_cannot_be_written_as_json_again_is_replaced(emulator: Emulator) -> None:
    emulator.set_faults([fault("body", text=r'{"content": ["Loja \ud83d", "\ud83d\ude00", NaN, -Infinity, 1e999, 1.5, 5]}')])
    assert fetch(emulator) == {"content": ["Loja ?", "😀", None, None, None, 1.5, 5]}


@pytest.mark.parametrize(
    "body", ["", "{}", '{"success": true}', '{"success": true, "error": null}', '{"value": true, "error": "none"}']
)
def test_a_call_that_sets_something_may_return_little(emulator: Emulator, body: str) -> None:
    emulator.set_faults([fault("body", text=body)])
    assert fetch(emulator, Request(**{**vars(PUT), "expected_fields": frozenset({"value"})})) == (json.loads(body) if body else {})


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("<!DOCTYPE html><html>Welcome!</html>", "text/html"),
        ("<html>", f"text/html; token={PARTNER_TOKEN}"),
        ("", "application/json"),
        ("   ", "application/json"),
        ('{"content": [', "application/json"),
        ("{'content': []}", "application/json"),
        ("[" * 100_000, "application/json"),
        ('{"content": %s}' % ("9" * 5000), "application/json"),
    ],
)
def test_what_is_not_json_is_an_error(emulator: Emulator, text: str, content_type: str) -> None:
    emulator.set_faults([fault("body", text=text, content_type=content_type)])
    if sys.version_info >= (3, 11) or "9" not in text:
        assert failure(emulator).code == "not_json"


# Retries


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 522, 526])
def test_a_transient_error_is_retried(emulator: Emulator, pauses: list[float], status: int) -> None:
    emulator.set_faults([fault("status", code=status, html=True, times=2)])
    assert fetch(emulator)["total"] == 1
    assert len(pauses) == 2


@pytest.mark.parametrize("retries", [0, 1, 100])
def test_a_lasting_error_is_reported_after_all_attempts(emulator: Emulator, retries: int) -> None:
    emulator.set_faults([fault("status", code=503, message="busy")])
    reason = failure(emulator, retries=retries)
    assert reason.code == "service_unavailable"
    assert (reason.values["status"], reason.values["said"], reason.values["attempts"]) == (503, "busy", retries + 1)
    assert len(emulator.requests) == retries + 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 501, 505, 527])
def test_no_other_error_is_retried(emulator: Emulator, pauses: list[float], status: int) -> None:
    emulator.set_faults([fault("status", code=status, retry_after="1")])
    failure(emulator)
    assert (len(emulator.requests), pauses) == (1, [])


def test_pauses_grow_exponentially_with_jitter(emulator: Emulator, pauses: list[float]) -> None:
    emulator.set_faults([fault("status", code=503)])
    failure(emulator, retries=9)
    limits = [min(30, 2**number) for number in range(9)]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, limits))
    assert len({pause / limit for pause, limit in zip(pauses, limits)}) > 1


@pytest.mark.parametrize(("retry_after", "pause"), [("1", 1), ("60", 60), ("soon", 0.5), ("0", 0.5), ("-5", 0.5), ("99:99", 0.5)])
def test_retry_after_is_respected(emulator: Emulator, pauses: list[float], retry_after: str, pause: float) -> None:
    emulator.set_faults([fault("status", code=429, retry_after=retry_after, times=1)])
    fetch(emulator)
    assert pause <= pauses[0] <= 2 * pause


def test_retry_after_may_be_a_date(emulator: Emulator, pauses: list[float]) -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    emulator.set_faults([fault("status", code=503, retry_after=date, times=1)])
    fetch(emulator)
    assert 25 <= pauses[0] <= 31


def test_a_long_retry_after_is_an_error_at_once(emulator: Emulator, pauses: list[float]) -> None:
    emulator.set_faults([fault("status", code=429, retry_after="5", times=1), fault("status", code=429, retry_after="7200")])
    reason = failure(emulator)
    assert (reason.code, reason.values["seconds"], reason.values["limit"]) == ("retry_after_too_long", 7200, 60)
    assert (len(emulator.requests), pauses) == (2, [5])


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)) | st.integers().map(str))
@example("Mon, 01 Jan 99999999999 00:00:00 GMT")
@example("Mon, 01 Jan 2026 00:00:00 +99999999999999999999")
def test_no_retry_after_is_a_traceback(retry_after: str) -> None:
    assert session_module._retry_after(retry_after) >= 0


def test_a_group_that_is_over_sends_nothing(emulator: Emulator) -> None:
    emulator.set_faults([fault("status", code=503)])
    is_asked = threading.Event()
    emulator.on_request = lambda _entry: is_asked.set()
    with Session(connection(emulator, retries=100, concurrency=1)) as session:
        with session.group() as group:
            group.start(LISTING)
            pending = group.start(LISTING)
            assert is_asked.wait(10)
        assert pending.exception(10) is not None
        count = len(emulator.requests)
        time.sleep(0.05)
        assert len(emulator.requests) == count


# No usable response


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_a_lost_connection_is_retried(emulator: Emulator, kind: str) -> None:
    emulator.set_faults([fault(kind, times=2)])
    assert fetch(emulator)["total"] == 1


@pytest.mark.parametrize(("kind", "code"), [("drop", "connection_failed"), ("truncate", "cut_off"), ("hang", "timeout")])
def test_no_response_is_reported_after_all_attempts(emulator: Emulator, kind: str, code: str) -> None:
    emulator.set_faults([fault(kind)])
    reason = failure(emulator, retries=2, timeout=0.2)
    assert (reason.code, reason.values["attempts"], reason.values["server"]) == (code, 3, urlsplit(emulator.url).netloc)
    assert len(emulator.requests) == 3


@pytest.mark.parametrize(
    "raw",
    [
        response(gzip.compress(b'{"content": []}', mtime=0)[:20], "200 OK", "Content-Encoding: gzip"),
        response(b"not gzip", "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}",
    ],
)
def test_a_body_that_ends_early_is_an_error(raw: bytes) -> None:
    with RawServer(raw, raw, EMPTY) as server:
        assert failure(server.url, retries=1).code in ("cut_off", "not_json")


def test_a_refused_connection_is_reported(closed_url: str) -> None:
    reason = failure(closed_url, retries=2)
    assert (reason.code, reason.values["attempts"]) == ("connection_failed", 3)
    assert "refused" in reason.values["said"]


@pytest.mark.parametrize("host", ["nowhere.example", "a" * 70 + ".example", "a..example", "xn--.example"])
def test_a_host_that_does_not_exist_is_reported(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def no_such_host(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    assert failure(f"https://{host}", retries=0).code in ("connection_failed", "invalid_request")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", f"x {PARTNER_TOKEN}"])
def test_an_encoding_that_was_not_requested_is_named(emulator: Emulator, encoding: str) -> None:
    emulator.set_faults([fault("header", name="Content-Encoding", value=encoding)])
    reason = failure(emulator)
    assert reason.code == "unexpected_encoding"
    assert reason.values["encoding"] == encoding.replace(PARTNER_TOKEN, "***")
    assert len(emulator.requests) == 1
    emulator.set_faults([fault("header", name="Content-Encoding", value="br"), fault("status", code=401)])
    assert failure(emulator).code == "partner_token_rejected", "the status of an error is sufficient"


# Limits


@pytest.mark.parametrize("request_", [LISTING, PUT], ids=["GET", "PUT"])
@pytest.mark.parametrize(
    "script",
    [
        repeated(b"O", b"HTTP/1.1 200 ", 0.02),
        repeated(b"y", b"HTTP/1.1 200 OK\r\nX: ", 0.02),
        repeated(b" ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", 0.02),
        repeated(b"HTTP/1.1 100 Continue\r\n\r\n", b"", 0.02),
    ],
    ids=["status line", "header", "body", "interim responses"],
)
def test_a_request_has_a_deadline_and_is_never_retried_after_it(
    script: t.Any, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "DEADLINE", 0.1)
    with RawServer(script) as server:
        began = time.monotonic()
        reason = failure(server.url, request_, timeout=3)
        assert 0.3 <= time.monotonic() - began < 3
        assert (reason.code, reason.values["seconds"]) == ("deadline", pytest.approx(0.3))
        time.sleep(0.1)
        assert len(server.requests) == 1


def test_other_requests_go_on_after_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "DEADLINE", 0.1)
    drip = repeated(b"O", b"HTTP/1.1 200 ", 0.02)
    with (
        RawServer(drip, drip, EMPTY) as server,
        Session(connection(server.url, timeout=3, concurrency=1)) as session,
        session.group() as group,
    ):
        slow = [group.start(PUT) for _number in range(2)]
        fine = group.start(LISTING)
        for pending in slow:
            with pytest.raises(RequestError):
                group.decode(pending)
        assert group.decode(fine) == {"content": []}


def test_a_slow_response_in_time_is_complete(emulator: Emulator) -> None:
    emulator.set_faults([fault("drip", seconds=0.001, size=50, head=True)])
    assert fetch(emulator, timeout=5)["total"] == 1


def test_a_response_is_limited_in_size(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_RESPONSE", 2**20)
    for faults in ([fault("padding", size=2**21)], [fault("padding", size=2**24), fault("gzip")]):
        emulator.clear_requests()
        emulator.set_faults(faults)
        assert failure(emulator).code == "too_large"
        assert len(emulator.requests) == 1
    with RawServer(
        repeated(b"4000\r\n%s\r\n" % (b" " * 0x4000), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    ) as server:
        assert failure(server.url).code == "too_large"


def test_the_responses_of_a_group_are_limited_in_size_together(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_HELD", 3 * 2**20)
    emulator.set_faults([fault("padding", size=2**20)])
    with Session(connection(emulator)) as session, session.group() as group:
        for _number in range(5):  # a response that is decoded is not counted any more
            group.decode(group.start(LISTING))
        started = [group.start(LISTING) for _number in range(4)]
        codes = [t.cast("t.Any", pending.exception(10)).reason.code for pending in started if pending.exception(10)]
        assert set(codes) == {"too_large"}


def test_of_an_error_only_the_beginning_is_read() -> None:
    with RawServer(repeated(b" " * 65_536, b"HTTP/1.1 403 No\r\n\r\n")) as server:
        assert failure(server.url).code == "partner_token_rejected"


# TLS


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", None])
def test_a_certificate_is_verified(
    certificate: Path, other_certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, pauses: list[float]
) -> None:
    with Emulator(tls_cert=certificate) as emulator:
        assert failure(emulator).code == "tls_failed"
        if variable:
            monkeypatch.setenv(variable, str(certificate))
            assert fetch(emulator)["total"] == 50
            assert failure(emulator, ca_path=str(other_certificate)).code == "tls_failed", "the option counts more"
        assert fetch(emulator, ca_path=str(certificate))["total"] == 50
        assert pauses == [], "another attempt cannot help"


@pytest.mark.parametrize("has_bundle", [False, True])
def test_without_validate_certs_any_certificate_is_accepted(
    certificate: Path, other_certificate: Path, monkeypatch: pytest.MonkeyPatch, has_bundle: bool, recwarn: t.Any
) -> None:
    if has_bundle:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_certificate))
    with Emulator(tls_cert=certificate) as emulator:
        assert fetch(emulator, validate_certs=False)["total"] == 50
    assert not recwarn.list


def test_an_invalid_ca_bundle_is_an_error(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("nothing\n", encoding="utf-8")
    with Emulator(tls_cert=certificate) as emulator:
        assert failure(emulator, ca_path=str(bundle)).code in ("tls_failed", "invalid_request")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
        assert "/nowhere/bundle.pem" in failure(emulator).values["said"]


# Proxies


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_on_this_machine_is_used(
    emulator: Emulator, closed_url: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, emulator.url)
    assert fetch(closed_url)["total"] == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    failure(closed_url, retries=0)


@pytest.mark.parametrize("proxy", ["http://proxy.example.com:3128", "192.0.2.1:3128", "http://127.0.0.1:1@192.0.2.1:3128"])
def test_plain_http_never_uses_a_proxy_elsewhere(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert fetch(emulator, retries=0)["total"] == 1


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_for_https_does_not_see_the_token(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with RawServer(response(b"", "502 Bad Gateway")) as proxy:
        monkeypatch.setenv(variable, f"http://someone:OpenSesame@{proxy.address}")
        reason = failure("https://api.z-api.io", retries=1, secrets=["OpenSesame", "someone"])
        assert all(received.startswith(b"CONNECT api.z-api.io:443") for received in proxy.requests)
        assert all(PARTNER_TOKEN.encode() not in received for received in proxy.requests)
    assert (reason.code, reason.values["variable"], reason.values["attempts"]) == ("proxy_failed", variable, 2)


@pytest.mark.parametrize("proxy", ["http://[", "http://127.0.0.1:port", "http://", "nonsense:x:y"])
def test_an_invalid_proxy_is_an_error(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert failure("https://api.z-api.io", retries=0)._asdict() == {"code": "invalid_proxy", "values": {"variable": "HTTPS_PROXY"}}


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:9", "socks5://127.0.0.1:9", "http://127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_an_error(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert failure("https://api.z-api.io", retries=0).code in ("proxy_failed", "connection_failed")


# Logs, threads and files


@pytest.mark.parametrize("raw", [b"HTTP/1.1 Bearer %s\r\n\r\n", b"HTTP/1.1 200 OK\r\nBearer %s\r\n\r\n{}"])
def test_the_log_messages_of_the_libraries_go_nowhere(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", emitted.append)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    with RawServer(raw % PARTNER_TOKEN.encode()) as server:
        try:
            fetch(server.url, retries=1)
        except RequestError as error:
            assert_fit_for_users(error)
    assert emitted == []


@pytest.mark.parametrize(("threads", "concurrency"), [(2, 2), (99, 5)])
def test_no_more_requests_than_threads_or_concurrency(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, threads: int, concurrency: int
) -> None:
    emulator.set_faults([fault("latency", seconds=0.01)])
    submit = Pool.add_thread
    left = [None] * threads

    def add_thread(pool: t.Any) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        submit(pool)

    monkeypatch.setattr(Pool, "add_thread", add_thread)
    with Session(connection(emulator, concurrency=5)) as session, session.group() as group:
        pending = [group.start(LISTING) for _number in range(20)]
        assert [group.decode(one)["total"] for one in pending] == [1] * 20
    assert emulator.max_concurrent == concurrency


def test_without_any_thread_a_request_fails(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def add_thread(_pool: t.Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Pool, "add_thread", add_thread)
    assert failure(emulator).code == "no_thread"


@pytest.mark.parametrize(("limit", "concurrency"), [(256, 112), (10, 1), (10**6, 500), (resource.RLIM_INFINITY, 500)])
def test_concurrency_is_limited_by_the_available_file_descriptors(
    monkeypatch: pytest.MonkeyPatch, limit: int, concurrency: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (limit, limit))
    with Session(connection("http://127.0.0.1:9", concurrency=500)) as session:
        assert session.concurrency == concurrency


def test_connections_are_closed_on_exit() -> None:
    with RawServer(EMPTY) as server:
        fetch(server.url)
        assert server.has_left.wait(10)


def test_without_requests_the_usual_message_of_ansible_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "HAS_REQUESTS", False)
    with pytest.raises(MessageError, match=r"Failed to import the required Python library \(requests\)"):
        Session(connection("http://127.0.0.1:9"))


WAIT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # the background jobs of a shell inherit that it is ignored
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.tests.unit.engine import connection
with Fleet(connection(sys.argv[1])) as fleet:
    fleet.list()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, {-signal.SIGTERM}), (signal.SIGINT, {-signal.SIGINT, 1, 130})])
def test_a_signal_ends_a_run_at_once(emulator: Emulator, number: int, status: set[int]) -> None:
    emulator.set_faults([fault("hang")])
    is_asked = threading.Event()
    emulator.on_request = lambda _entry: is_asked.set()
    path = os.pathsep.join([*sys.path, os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, emulator.url], env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE
    )
    try:
        assert is_asked.wait(30)
        began = time.monotonic()
        process.send_signal(number)
        process.communicate(timeout=20)
    finally:
        process.kill()
    assert time.monotonic() - began < 3
    assert process.returncode in status
