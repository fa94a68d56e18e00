# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How requests are sent and tried again, and how their failure is told. The servers are real, on loopback ports."""

from __future__ import annotations

import base64
import email.utils
import gzip
import json
import re
import socket
import time
import typing as t
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import responses
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._api import client as client_module
from ansible_collections.zapi.zapi.plugins.module_utils._api.listing import LIST
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RequestError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION
from ansible_collections.zapi.zapi.tests.unit.support import (
    API_URL,
    INSTANCE_TOKEN,
    PARTNER_TOKEN,
    Answer,
    Certificate,
    WireServer,
    assert_fit_for_users,
    make_client,
)

Wire = t.Callable[..., WireServer]

FINE = Answer(body={"content": []})
GALAXY = Path(__file__).parents[5] / "galaxy.yml"


def get(api_url: str, **changed: t.Any) -> t.Any:
    with make_client(api_url=api_url, **changed) as client:
        return client.ask(LIST, {"page": 1})


def failure(api_url: str, secrets: tuple[str, ...] = (), **changed: t.Any) -> str:
    """How the failing request is told."""
    with pytest.raises(RequestError) as failed:
        get(api_url, **changed)
    message = str(failed.value)
    assert_fit_for_users(message, f"GET {urlsplit(api_url).path.rstrip('/')}/instances", secrets)
    return message


@pytest.fixture
def refused_url() -> t.Iterator[str]:
    """An address that takes no connection: its port is ours, and nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


def test_the_version_is_that_of_the_collection() -> None:
    if not GALAXY.exists():
        pytest.skip("an installed collection has no galaxy.yml")
    assert yaml.safe_load(GALAXY.read_text(encoding="utf-8"))["version"] == VERSION


# What is sent


def test_a_request_carries_the_token_and_says_who_sends_it(wire: Wire) -> None:
    server = wire(FINE)
    assert get(server.url) == {"content": []}
    (received,) = server.received
    assert received.method == "GET"
    assert received.headers["Authorization"] == f"Bearer {PARTNER_TOKEN}"
    assert received.headers["User-Agent"] == f"ansible-zapi/{VERSION}"
    assert "Client-Token" not in received.headers


def test_parameters_go_into_the_query_and_those_that_are_none_are_left_out(wire: Wire) -> None:
    server = wire(FINE)
    with make_client(api_url=server.url) as client:
        client.ask(LIST, {"page": 2, "pageSize": 50, "query": "Pão & Cia", "middleware": None})
    asked = urlsplit(server.received[0].target)
    assert asked.path == "/instances"
    assert parse_qs(asked.query) == {"page": ["2"], "pageSize": ["50"], "query": ["Pão & Cia"]}


def test_the_path_of_the_api_url_comes_first_and_is_told(wire: Wire) -> None:
    server = wire(Answer(404, {"error": "not here"}))
    assert "GET /z-api/v2/instances " in failure(f"{server.url}/z-api/v2/")
    assert server.received[0].target.startswith("/z-api/v2/instances?")


@pytest.mark.parametrize("machine", ["machine 127.0.0.1", "default"])
def test_a_netrc_does_not_replace_the_token(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"{machine} login someone password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = wire(FINE)
    get(server.url)
    assert server.received[0].headers["Authorization"] == f"Bearer {PARTNER_TOKEN}"


def test_what_a_server_has_one_call_keep_does_not_go_out_with_another(wire: Wire) -> None:
    server = wire(Answer(body=FINE.body, headers={"Set-Cookie": "instance=one; Path=/"}))
    with make_client(api_url=server.url) as client:
        client.ask(LIST)
        client.ask(LIST)
    assert [request.headers.get("Cookie") for request in server.received] == [None, None]


# What is answered


@pytest.mark.parametrize("status", [200, 201])
def test_every_documented_success_status_is_one(wire: Wire, status: int) -> None:
    assert get(wire(Answer(status, {"content": [1]})).url) == {"content": [1]}


def test_json_is_utf8_whatever_the_header_says(wire: Wire) -> None:
    body = json.dumps({"content": "Pão"}, ensure_ascii=False).encode()
    headers = {"Content-Type": "text/plain; charset=iso-8859-1"}
    assert get(wire(Answer(body=body, headers=headers)).url) == {"content": "Pão"}
    assert get(wire(Answer(body=b"\xef\xbb\xbf" + body)).url) == {"content": "Pão"}


def test_a_compressed_answer_is_read(wire: Wire) -> None:
    server = wire(Answer(body=gzip.compress(b'{"content": [1]}'), headers={"Content-Encoding": "gzip"}))
    assert get(server.url) == {"content": [1]}


def test_half_a_surrogate_pair_becomes_a_character_that_can_be_written(wire: Wire) -> None:
    answer = get(wire(Answer(body=rb'{"content": [{"name": "Loja \ud83d", "\uDE00": ["\ude00", "\ud83d\ude00", "\\ud83d"]}]}')).url)
    json.dumps(answer, ensure_ascii=False).encode()
    assert answer["content"][0]["name"] == "Loja ?"
    assert ["?", "😀", "\\ud83d"] in answer["content"][0].values()


# Refusals


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"error": "Unauthorized"}, ["401", "partner token", "partner_token", "ZAPI_PARTNER_TOKEN"]),
        (401, b"", ["401", "partner_token"]),
        (401, b"<html>Unauthorized</html>", ["401", "partner_token"]),
        (403, {"error": "Forbidden"}, ["403", "partner_token"]),
        (400, {"error": "your client-token is not configured"}, ["400", "Client-Token"]),
        (403, {"error": "Client-Token F0e1D2 not allowed"}, ["403", "Client-Token"]),
        (400, {"error": "null not allowed"}, ["Client-Token"]),
        (403, {"error": "null not allowed"}, ["Client-Token"]),
        (200, {"error": "null not allowed"}, ["Client-Token"]),
        (403, {"error": "[IP request] not allowed"}, ["IP addresses"]),
        (403, {"error": "[203.0.113.7] not allowed"}, ["IP addresses", "203.0.113.7"]),
        (403, {"error": "[2001:db8::7] not allowed"}, ["IP addresses", "2001:db8::7"]),
        (200, {"error": "[IP request] not allowed"}, ["IP addresses"]),
        (401, {"error": "[IP request] not allowed"}, ["IP addresses"]),
        (404, {"error": "Instance not found"}, ["404", "Instance not found", "api_url"]),
        (405, {"error": "Method not allowed"}, ["405"]),
        (415, {"message": "Unsupported media type"}, ["415", "Unsupported media type"]),
        (200, {"error": "something else"}, ["something else"]),
        (200, {"error": None}, ["200"]),
        (418, {"error": {"token": "F0e1D2"}}, ["418"]),
        (404, [1, 2], ["404"]),
        (404, b"\xff\xfe", ["404"]),
    ],
)
def test_a_refusal_is_told_with_what_to_do(wire: Wire, status: int, body: t.Any, told: list[str]) -> None:
    server = wire(Answer(status, body))
    message = failure(server.url, secrets=("F0e1D2",))
    for words in told:
        assert words in message
    assert len(server.received) == 1, "no further try can mend it"


def test_a_wrong_method_is_no_matter_of_credentials(wire: Wire) -> None:
    message = failure(wire(Answer(405, {"error": "Method not allowed"})).url)
    assert "Client-Token" not in message
    assert "credentials" not in message
    assert "api_url" in message


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500])
@pytest.mark.parametrize(
    "error",
    [
        "Client-Token {} not allowed",
        "token {} not allowed",
        "{} not allowed",
        "Bearer {} is invalid",
        "invalid: {}",
        "line one\nAuthorization: Bearer {}\nline three",
        "https://api.z-api.io/instances?token={}",
    ],
)
def test_an_error_that_repeats_the_partner_token_does_not_show_it(wire: Wire, status: int, error: str) -> None:
    failure(wire(Answer(status, {"error": error.format(PARTNER_TOKEN)})).url, retries=0)


@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize(
    "encode",
    [
        lambda token: token,
        lambda token: quote(token, safe=""),
        lambda token: base64.b64encode(token.encode()).decode(),
        lambda token: base64.b64encode(token.encode()).decode().rstrip("="),
    ],
    ids=["raw", "percent-encoded", "base64", "base64 without padding"],
)
@pytest.mark.parametrize("token", ["open/sesame", "eyJhbGciOiJIUzI1NiJ9.eyJwIjoiYWNtZSJ9.c2lnbmF0dXJl+/=", "12345678"])
def test_nor_in_another_encoding(wire: Wire, status: int, encode: t.Callable[[str], str], token: str) -> None:
    written = encode(token)
    failure(wire(Answer(status, {"error": f"<{written}> may not"})).url, secrets=(token, written), partner_token=token, retries=0)


@pytest.mark.parametrize(
    "error",
    [
        "GET /instances/3C3F8E5F/token/F0E1D2C3B4A5968778695A4B/status failed",
        f"no route to https://api.z-api.io/instances/3C3F8E5F/token/{INSTANCE_TOKEN}/me",
        f'{{"instanceToken": "{INSTANCE_TOKEN}"}}',
    ],
)
def test_an_error_that_repeats_an_instances_token_does_not_show_it(wire: Wire, error: str) -> None:
    failure(wire(Answer(500, {"error": error})).url, secrets=("F0E1D2C3B4A5968778695A4B",), retries=0)


@pytest.mark.parametrize("text", ["so it is, ", "a", "token: ", "https://", "a1.", "not allowed "])
def test_a_long_error_is_shortened_and_takes_no_time(wire: Wire, text: str) -> None:
    url = wire(Answer(404, {"error": text * (20_000 // len(text))})).url
    began = time.process_time()
    message = failure(url, retries=0)
    assert len(message) < 500
    assert time.process_time() - began < 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_not_followed(wire: Wire, status: int) -> None:
    elsewhere = wire(FINE)
    location = f"{elsewhere.url}/instances?token={PARTNER_TOKEN}"
    server = wire(Answer(status, headers={"Location": location}))
    message = failure(server.url)
    assert elsewhere.received == []
    assert len(server.received) == 1
    assert "redirect" in message
    assert elsewhere.address in message
    assert str(status) in message


@pytest.mark.parametrize("location", [None, "", "/instances/", "https://[", "//", f"https://{PARTNER_TOKEN}@elsewhere.example/"])
def test_a_redirect_to_nowhere_is_told_as_well(wire: Wire, location: str | None) -> None:
    assert "redirect" in failure(wire(Answer(302, headers={"Location": location} if location is not None else {})).url)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!DOCTYPE html><html>Welcome!</html>", "text/html"),
        (b"<html>", f"text/html; token={PARTNER_TOKEN}"),
        (b"", "application/json"),
        (b"", ""),
        (b"   ", "application/json"),
        (b'{"content": [', "application/json"),
        (b"{'content': []}", "application/json"),
        (b'{"content": "\xe7"}', "application/json; charset=latin-1"),
        (b"[" * 100_000, "application/json"),
    ],
    ids=[
        "a web page",
        "a token in the type",
        "nothing",
        "nothing of no type",
        "blanks",
        "half",
        "no JSON",
        "no UTF-8",
        "deep",
    ],
)
def test_what_is_not_json_is_told_so(wire: Wire, body: bytes, content_type: str) -> None:
    message = failure(wire(Answer(body=body, headers={"Content-Type": content_type})).url)
    assert "not JSON" in message
    assert "api_url" in message


def test_an_answer_without_content_is_not_json(wire: Wire) -> None:
    assert "not JSON" in failure(wire(Answer(204)).url)


# Tries and waits


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_that_passes_is_sat_out(wire: Wire, naps: list[float], status: int) -> None:
    server = wire(Answer(status, b"<html>"), FINE)
    assert get(server.url) == {"content": []}
    assert len(server.received) == 2
    assert len(naps) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_trouble_that_stays_is_told_after_all_tries(wire: Wire, status: int, retries: int) -> None:
    server = wire(Answer(status, b"<html>"))
    message = failure(server.url, retries=retries)
    assert len(server.received) == retries + 1
    assert str(status) in message
    assert (f"{retries + 1} tries" in message) == (retries > 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 501, 505])
def test_other_trouble_is_not_tried_again_even_if_the_server_says_when(wire: Wire, naps: list[float], status: int) -> None:
    server = wire(Answer(status, {"error": "no"}, {"Retry-After": "1"}))
    failure(server.url)
    assert len(server.received) == 1
    assert naps == []


def test_waits_grow_exponentially_and_are_not_all_the_same(wire: Wire, naps: list[float]) -> None:
    failure(wire(Answer(503)).url, retries=9)
    assert len(naps) == 9
    for number, nap in enumerate(naps, start=1):
        longest = min(30, 2 ** (number - 1))
        assert longest / 2 <= nap <= longest
    assert len({nap / min(30, 2**number) for number, nap in enumerate(naps)}) > 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [1, 7, 60])
def test_a_short_retry_after_is_waited_for(wire: Wire, naps: list[float], status: int, seconds: int) -> None:
    assert get(wire(Answer(status, headers={"Retry-After": str(seconds)}), FINE).url) == {"content": []}
    assert naps == [seconds]


def test_a_retry_after_that_is_a_date_is_waited_for(wire: Wire, naps: list[float]) -> None:
    get(wire(Answer(429, headers={"Retry-After": email.utils.formatdate(time.time() + 30, usegmt=True)}), FINE).url)
    assert len(naps) == 1
    assert 25 <= naps[0] <= 31


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("retry_after", ["61", "7200", "in two hours"])
def test_a_long_retry_after_fails_at_once_and_says_so(wire: Wire, naps: list[float], status: int, retry_after: str) -> None:
    if retry_after == "in two hours":
        retry_after = email.utils.formatdate(time.time() + 7200, usegmt=True)
    server = wire(Answer(status, {"error": "slow down"}, {"Retry-After": retry_after}), FINE)
    message = failure(server.url)
    assert len(server.received) == 1
    assert naps == []
    assert "tries" not in message
    assert re.search(r"wait (61|7200|71\d\d) seconds", message)
    assert "60" in message


def test_a_long_retry_after_after_a_short_one_fails_then(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(429, headers={"Retry-After": "5"}), Answer(429, headers={"Retry-After": "7200"}), FINE)
    assert "7200 seconds" in failure(server.url)
    assert len(server.received) == 2
    assert naps == [5]


@pytest.mark.parametrize(
    "retry_after",
    ["soon", "", "-5", "1.5", "NaN", "99:99", "9" * 5000, "Mon, 99 Foo 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "0"],
)
def test_a_retry_after_that_makes_no_sense_is_as_good_as_none(wire: Wire, naps: list[float], retry_after: str) -> None:
    assert get(wire(Answer(429, headers={"Retry-After": retry_after}), FINE).url) == {"content": []}
    assert len(naps) == 1
    assert 0.5 <= naps[0] <= 1


def test_no_retry_after_needs_none(wire: Wire, naps: list[float]) -> None:
    message = failure(wire(Answer(429, {"error": "too fast"})).url)
    assert len(naps) == 3
    for words in ("429", "too fast", "4 tries", "concurrency"):
        assert words in message


def test_without_retries_a_short_retry_after_is_not_waited_for(wire: Wire, naps: list[float]) -> None:
    assert "429" in failure(wire(Answer(429, headers={"Retry-After": "5"})).url, retries=0)
    assert naps == []


# The real server is not needed here, and many examples are.
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f")) | st.integers().map(str))
@example("Mon, 01 Jan 99999999999 00:00:00 GMT")
@example("Mon, 01 Jan 2026 00:00:00 +99999999999999999999")
@example("0, 0 0 0")
def test_no_retry_after_can_break_anything(retry_after: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{API_URL}/instances", status=429, headers={"Retry-After": retry_after})
        assert "429" in failure(API_URL)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.text() | st.integers(), lambda x: st.dictionaries(st.sampled_from(["error", "message", "content"]), x)
    ).map(lambda x: json.dumps(x).encode()),
    st.integers(200, 599),
    st.sampled_from(["application/json", "text/html", "", "nonsense; charset=nonsense", PARTNER_TOKEN]),
)
def test_whatever_is_answered_gives_data_or_a_request_error(body: bytes, status: int, content_type: str) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{API_URL}/instances", body=body, status=status, content_type=content_type)
        try:
            get(API_URL)
        except RequestError as error:
            assert_fit_for_users(str(error))


# No answer


def test_a_connection_that_breaks_once_is_tried_again(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(how="drop"), FINE)
    assert get(server.url) == {"content": []}
    assert len(naps) == 1


def test_a_connection_that_always_breaks_is_told_after_all_tries(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(how="drop"))
    message = failure(server.url)
    assert len(server.received) == 4
    assert len(naps) == 3
    assert "no connection" in message
    assert "4 tries" in message
    assert server.address in message


def test_a_refused_connection_is_told_after_all_tries(refused_url: str, naps: list[float]) -> None:
    message = failure(refused_url, retries=2)
    assert len(naps) == 2
    assert "refused" in message
    assert "3 tries" in message
    assert "api_url" in message


def test_a_host_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_host(*_: t.Any, **__: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    message = failure("https://nowhere.example")
    assert "nowhere.example" in message
    assert "Name or service not known" in message or "resolve" in message


@pytest.mark.parametrize(
    "host", ["a" * 70 + ".example", "a..example", "-.example", "*.example", "ü" * 80 + ".example", "xn--.example"]
)
def test_a_host_that_can_not_be_is_told(host: str) -> None:
    failure(f"https://{host}", retries=0)


def test_an_answer_that_never_comes_is_told_as_a_timeout(wire: Wire) -> None:
    server = wire(Answer(how="stall"))
    message = failure(server.url, timeout=0.05, retries=1)
    assert len(server.received) == 2
    assert "0.05 seconds" in message
    assert "2 tries" in message
    assert "timeout" in message


def test_an_answer_that_is_cut_off_once_is_asked_for_again(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(body={"content": [1, 2, 3]}, how="truncate"), Answer(body={"content": [1, 2, 3]}))
    assert get(server.url) == {"content": [1, 2, 3]}
    assert len(naps) == 1


def test_an_answer_that_is_always_cut_off_is_told_after_all_tries(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(body={"content": [1, 2, 3]}, how="truncate"))
    message = failure(server.url)
    assert len(server.received) == 4
    assert len(naps) == 3
    assert "cut off" in message
    assert "4 tries" in message


def test_an_answer_that_is_badly_compressed_is_told(wire: Wire) -> None:
    failure(wire(Answer(body=b"abracadabra", headers={"Content-Encoding": "gzip"})).url)


@pytest.mark.parametrize("timeout", [1e9, 1e20, 1e300])
def test_a_timeout_beyond_all_clocks_is_taken_or_refused(wire: Wire, timeout: float) -> None:
    try:
        get(wire(FINE).url, timeout=timeout)
    except ZapiError as refused:
        assert_fit_for_users(str(refused), request=None)


@pytest.mark.parametrize("retries", [100])
def test_a_great_many_retries_are_possible(wire: Wire, retries: int) -> None:
    server = wire(Answer(503))
    failure(server.url, retries=retries)
    assert len(server.received) == retries + 1


# TLS


def test_an_untrusted_certificate_is_told_at_once(wire: Wire, certificate: Certificate, naps: list[float]) -> None:
    server = wire(FINE, certificate=certificate)
    message = failure(server.url)
    assert server.received == []
    assert naps == [], "no further try can mend it"
    assert "TLS" in message
    assert "ca_path" in message


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment_is_used(
    wire: Wire, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate.path))
    assert get(wire(FINE, certificate=certificate).url) == {"content": []}


def test_ca_path_is_used(wire: Wire, certificate: Certificate) -> None:
    assert get(wire(FINE, certificate=certificate).url, ca_path=str(certificate.path)) == {"content": []}


def test_ca_path_counts_more_than_the_environment(
    wire: Wire, certificate: Certificate, other_certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = wire(FINE, certificate=certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other_certificate.path))
    assert get(server.url, ca_path=str(certificate.path)) == {"content": []}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.path))
    assert "TLS" in failure(server.url, ca_path=str(other_certificate.path))


@pytest.mark.parametrize("bundle", ["none", "in the environment", "as ca_path"])
def test_without_validate_certs_any_certificate_will_do(
    wire: Wire,
    certificate: Certificate,
    other_certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
    recwarn: t.Any,
) -> None:
    path = str(other_certificate.path)
    if bundle == "in the environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
    ca_path = path if bundle == "as ca_path" else None
    server = wire(FINE, certificate=certificate)
    assert get(server.url, validate_certs=False, ca_path=ca_path) == {"content": []}
    assert not recwarn.list, "it was asked for"


def test_a_ca_bundle_that_does_not_exist_is_told(wire: Wire, certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    message = failure(wire(FINE, certificate=certificate).url)
    assert "REQUESTS_CA_BUNDLE" in message
    assert "/nowhere/bundle.pem" in message


def test_a_ca_bundle_that_holds_none_is_told(wire: Wire, certificate: Certificate, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("nothing of use\n", encoding="utf-8")
    assert "ca_path" in failure(wire(FINE, certificate=certificate).url, ca_path=str(bundle))


def test_plain_http_where_tls_was_meant_is_told(wire: Wire) -> None:
    message = failure(wire(FINE).url.replace("http:", "https:"), retries=1)
    assert "TLS" in message or "no connection" in message


# Proxies


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_on_this_machine_is_used_for_plain_http(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, refused_url: str
) -> None:
    proxy = wire(FINE)
    monkeypatch.setenv(variable, f"{scheme}{proxy.address}")
    assert get(refused_url) == {"content": []}
    assert proxy.received[0].target.startswith(f"{refused_url}/instances?")


@pytest.mark.parametrize(
    "proxy",
    ["http://proxy.example.com:3128", "proxy.example.com:3128", "http://192.0.2.1:3128", "http://127.0.0.1:1@192.0.2.1:3128"],
)
def test_a_proxy_elsewhere_never_sees_the_token_of_plain_http(wire: Wire, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("ALL_PROXY", proxy)
    server = wire(FINE)
    assert get(server.url, retries=0) == {"content": []}
    assert server.received[0].target.startswith("/instances?")


def test_no_proxy_is_honoured(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = wire(FINE), wire(FINE)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get(server.url)
    assert proxy.received == []
    assert len(server.received) == 1


def test_https_asks_the_proxy_for_a_tunnel_and_does_not_show_it_the_token(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = wire(Answer(502))
    monkeypatch.setenv("HTTPS_PROXY", f"http://someone:OpenSesame@{proxy.address}")
    message = failure(API_URL, secrets=("OpenSesame",), retries=1)
    assert {(received.method, received.target) for received in proxy.received} == {("CONNECT", "api.z-api.io:443")}
    assert all(PARTNER_TOKEN not in str(received) for received in proxy.received)
    assert "proxy" in message
    assert "HTTPS_PROXY" in message


@pytest.mark.parametrize(
    "proxy", ["http://[", "http://127.0.0.1:port", "http://[::1", "nonsense", "http://", "ftp://127.0.0.1", "socks5://127.0.0.1:9"]
)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", API_URL])
def test_a_proxy_that_makes_no_sense_is_told_or_left_out(monkeypatch: pytest.MonkeyPatch, proxy: str, url: str) -> None:
    def no_such_host(*_: t.Any, **__: t.Any) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    failure(url, retries=0)


# Without requests


def test_without_requests_ansibles_usual_message_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "HAS_REQUESTS", False)
    with pytest.raises(RequestError, match=r"Failed to import the required Python library \(requests\)") as failed:
        make_client()
    assert_fit_for_users(str(failed.value), request=None)


def test_a_task_makes_its_calls_on_several_threads_at_once(wire: Wire) -> None:
    server = wire(FINE)
    with make_client(api_url=server.url) as client, client.task() as task:
        started = [task.start(LIST, {"page": page}) for page in range(40)]
        answers = [task.decode(LIST, task.wait(answer)) for answer in started]
    assert answers == [{"content": []}] * 40
