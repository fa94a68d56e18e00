# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The calls that set something: what is sent, which answers say that it was taken, and how a refusal is told."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._api.writing import check, put
from ansible_collections.zapi.zapi.plugins.module_utils._connection import Credential
from ansible_collections.zapi.zapi.plugins.module_utils._errors import (
    RefusedCall,
    RefusedCredential,
    RefusedForAll,
    RequestError,
)
from ansible_collections.zapi.zapi.plugins.module_utils._redaction import holds_secret
from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION
from ansible_collections.zapi.zapi.tests.unit.support import (
    INSTANCE_TOKEN,
    PARTNER_TOKEN,
    Answer,
    WireServer,
    assert_fit_for_users,
    make_client,
    make_row,
)

Wire = t.Callable[..., WireServer]

ID = make_row()["id"]
CALL = "update-webhook-received"
CLIENT_TOKEN = "SimSalabim"
SECRET_URL = "https://OpenSesame:OpenSesame@hooks.example.com/zapi/OpenSesame/hook?key=OpenSesame"
TRUE = Answer(body={"value": True})
SHOWN = f"PUT /instances/{ID}/{CALL}"


def write(api_url: str, body: t.Any = None, *, identity: str = ID, token: str = INSTANCE_TOKEN, **changed: t.Any) -> None:
    with make_client(api_url=api_url, **changed) as client, client.task(independent=True) as task:
        call, answer = put(task, Credential(identity, token), CALL, {"value": SECRET_URL} if body is None else body)
        task.wait_for_any([answer])
        check(client, task, call, answer)


def failure(server: WireServer, body: t.Any = None, **changed: t.Any) -> RequestError:
    with pytest.raises(RequestError) as failed:
        write(server.url, body, **changed)
    assert_fit_for_users(str(failed.value), SHOWN, ["OpenSesame", CLIENT_TOKEN])
    return failed.value


# What is sent


@pytest.mark.parametrize("client_token", [CLIENT_TOKEN, None])
def test_a_call_carries_what_opens_it_and_no_partner_token(wire: Wire, client_token: str | None) -> None:
    server = wire(TRUE)
    write(server.url, client_token=client_token)
    (received,) = server.received
    assert (received.method, received.target) == ("PUT", f"/instances/{ID}/token/{INSTANCE_TOKEN}/{CALL}")
    assert received.headers.get("Client-Token") == client_token
    assert "Authorization" not in received.headers
    assert PARTNER_TOKEN not in str(received)
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["User-Agent"] == f"ansible-zapi/{VERSION}"


def test_id_and_token_are_one_part_of_the_path_each(wire: Wire) -> None:
    server = wire(TRUE)
    write(f"{server.url}/base/", identity="a/b?c", token="d/../e#f%20g")
    assert server.received[0].target == f"/base/instances/a%2Fb%3Fc/token/d%2F..%2Fe%23f%2520g/{CALL}"


@pytest.mark.parametrize(
    "body",
    [
        {"value": ""},
        {"value": False},
        {"value": "Não atendo 😀"},
        {"notifySentByMe": True},
        {"callbackTypeFilters": [], "messageFilters": ["FILTER_TEXT_MESSAGE"]},
    ],
)
def test_the_body_is_sent_as_json(wire: Wire, body: t.Any) -> None:
    server = wire(TRUE)
    write(server.url, body)
    assert json.loads(server.received[0].body) == body


# What was taken


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "body",
    [b"", b" \r\n", {}, {"value": True}, {"value": None}, {"value": True, "error": "You are already connected."}, {"id": "x"}],
)
def test_an_answer_that_refuses_nothing_will_do(wire: Wire, status: int, body: t.Any) -> None:
    server = wire(Answer(status, body))
    write(server.url)
    assert len(server.received) == 1


def test_no_content_will_do(wire: Wire) -> None:
    write(wire(Answer(204)).url)


@pytest.mark.parametrize("body", [{"value": False}, {"value": False, "error": "no"}])
def test_a_value_of_false_is_a_refusal(wire: Wire, body: t.Any) -> None:
    error = failure(wire(Answer(body=body)))
    assert error.__class__ is RequestError, "what has become of it, nobody knows"
    assert 'answered with {"value": false}' in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>OpenSesame</html>", "not JSON"),
        (b'{"value": tru', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ([{"value": True}], "JSON of another shape"),
        (b"true", "JSON of another shape"),
        (b"null", "JSON of another shape"),
        ({"error": "the value is no good"}, "the value is no good"),
    ],
)
def test_what_is_no_answer_to_it_is_told_and_not_certain(wire: Wire, body: t.Any, words: str) -> None:
    server = wire(Answer(body=body))
    error = failure(server)
    assert error.__class__ is RequestError
    assert words in str(error)
    assert len(server.received) == 1


# What was refused


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "Unauthorized"}, RefusedCredential),
        (403, {"error": "Forbidden"}, RefusedCredential),
        (404, {"error": "Instance not found"}, RefusedCredential),
        (404, b"<html>", RefusedCall),
        (401, b"", RefusedCall),
        (400, {"error": "no"}, RefusedCall),
        (405, {"error": "Method not allowed"}, RefusedCall),
        (415, {"error": "no"}, RefusedCall),
        (422, b"", RefusedCall),
        (400, {"error": "your client-token is not configured"}, RefusedForAll),
        (403, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"}, RefusedForAll),
        (403, {"error": "null not allowed"}, RefusedForAll),
        (403, {"error": "[203.0.113.7] not allowed"}, RefusedForAll),
        (200, {"error": "[IP request] not allowed"}, RefusedForAll),
        (302, b"", RequestError),
        (429, b"", RequestError),
        (500, {"error": "no"}, RequestError),
        (503, b"<html>", RequestError),
    ],
)
def test_whose_matter_a_refusal_is(wire: Wire, status: int, body: t.Any, kind: type[RequestError]) -> None:
    assert failure(wire(Answer(status, body)), client_token=CLIENT_TOKEN, retries=0).__class__ is kind


@pytest.mark.parametrize(
    "url",
    [
        "https://203.0.113.7/hook",
        "https://[2001:db8::7]/hook",
        "https://hooks.example.com/ip/hook",
        "https://hooks.example.com/null",
        "https://hooks.example.com/client-token/hook",
    ],
)
@pytest.mark.parametrize("words", ["{} not allowed", "the value {} is not allowed here"])
def test_what_a_refusal_repeats_of_the_value_is_not_its_reason(wire: Wire, url: str, words: str) -> None:
    error = failure(wire(Answer(400, {"error": words.format(url)})), {"value": url}, client_token=CLIENT_TOKEN)
    assert error.__class__ is RefusedCall
    assert "203.0.113.7" not in str(error)


def test_trouble_that_passes_is_sat_out(wire: Wire, naps: list[float]) -> None:
    server = wire(Answer(500), Answer(how="drop"), Answer(429), TRUE)
    write(server.url)
    assert [json.loads(received.body) for received in server.received] == 4 * [{"value": SECRET_URL}]
    assert len(naps) == 3


def test_an_answer_that_never_comes_is_told_and_not_certain(wire: Wire) -> None:
    error = failure(wire(Answer(how="stall")), timeout=0.2, retries=0)
    assert error.__class__ is RequestError
    assert "no answer" in str(error)


# Secrets


def spread(url: str) -> str:
    return " ".join(url)


def escaped(url: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in url)


def entities(url: str) -> str:
    return "".join(f"&#{ord(character)};" for character in url)


WRITINGS: list[t.Callable[[str], str]] = [
    str,
    str.upper,
    lambda url: quote(url, safe=""),
    lambda url: quote(quote(url, safe=""), safe=""),
    lambda url: html.escape(url).replace("/", "&#x2F;"),
    lambda url: url.replace("/", "\\/"),
    lambda url: json.dumps(json.dumps({"value": url})),
    lambda url: base64.b64encode(url.encode()).decode(),
    lambda url: url.encode().hex(),
    spread,
    escaped,
    entities,
]
PARTS: list[t.Callable[[str], str]] = [
    lambda url: url.partition("://")[2],
    lambda url: url[url.index("/zapi") :],
    lambda url: quote(url[url.index("/zapi") :], safe=""),
    lambda url: url.partition("?")[2],
    lambda url: url.rpartition("=")[2],
]


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_no_error_repeats_the_url_in_whatever_way_it_is_written(wire: Wire, status: int) -> None:
    for written in (writing(SECRET_URL) for writing in [*WRITINGS, *PARTS]):
        for words in ("{}", "the value {} is no good", "{} not allowed", "token {} x"):
            said = words.format(written)
            server = wire(Answer(status, {"error": said}, headers={"Location": written.replace("\n", "")[:200]}))
            message = str(failure(server, retries=0))
            assert not holds_secret(message, SECRET_URL), said
            assert not holds_secret(message, "OpenSesame"), said


def test_nor_the_token(wire: Wire) -> None:
    for writing in WRITINGS:
        message = str(failure(wire(Answer(400, {"error": f"token {writing(INSTANCE_TOKEN)} is no good"}))))
        assert not holds_secret(message, INSTANCE_TOKEN)


@pytest.mark.parametrize("text", ["o", "a", "the", "no"])
def test_a_word_that_is_set_does_not_make_the_servers_words_unreadable(wire: Wire, text: str) -> None:
    error = failure(wire(Answer(400, {"error": "no more than the usual, at most"})), {"value": text})
    assert "no more than the usual, at most" in str(error)


def test_no_secret_is_in_the_representation_of_a_call(wire: Wire) -> None:
    with make_client(api_url=wire(TRUE).url) as client, client.task(independent=True) as task:
        call, _answer = put(task, Credential(ID, INSTANCE_TOKEN), CALL, {"value": SECRET_URL})
        assert INSTANCE_TOKEN not in repr(call)
        assert "OpenSesame" not in repr(call)
