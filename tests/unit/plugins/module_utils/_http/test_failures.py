# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Which code and which scope the responses of a server have, and that no secret is in them."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import RequestError, Scope
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Credential
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import Session
from ansible_collections.zapi.zapi.plugins.module_utils._zapi.calls import instance_request, listing_request
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit import naive
from ansible_collections.zapi.zapi.tests.unit.engine import (
    CLIENT_TOKEN,
    PARTNER_TOKEN,
    assert_fit_for_users,
    connection,
    fault,
    identity,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = f"{naive.TOKEN}1"
LAPSED = {"error": "To continue sending a message, you must subscribe to this instance again"}
NOT_FOUND = {"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}
NO_CLIENT_TOKEN = {"error": "your client-token is not configured"}
LISTING, ME, STATUS, DEVICE, PUT = "listing", "me", "status", "device", "update-webhook-received"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(count=1) as running:
        yield running


def fetch(server: Emulator, call: str, **options: t.Any) -> t.Any:
    with Session(connection(server, client_token=CLIENT_TOKEN, **options)) as session, session.group() as group:
        if call == LISTING:
            request = listing_request(session.connection, 1, 100)
        else:
            request = instance_request(Credential(identity(1), TOKEN), call, {"value": "x"} if call == PUT else None)
        return group.decode(group.start(request))


def failure(server: Emulator, call: str, status: int, body: t.Any, **options: t.Any) -> RequestError:
    content = {"text": body} if isinstance(body, str) else {"json": body}
    server.set_faults([fault("body", code=status, **content)])
    with pytest.raises(RequestError) as failed:
        fetch(server, call, **{"retries": 0, **options})
    assert_fit_for_users(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("call", "status", "body", "code", "scope"),
    [
        # A credential
        (LISTING, 401, {"error": "Unauthorized"}, "partner_token_rejected", Scope.ALL),
        (LISTING, 401, "<html>", "partner_token_rejected", Scope.ALL),
        (LISTING, 403, {"error": "Forbidden"}, "partner_token_rejected", Scope.ALL),
        (ME, 400, {"error": "Instance not found"}, "credential_rejected", Scope.INSTANCE),
        (ME, 404, {"error": "Instance not found"}, "credential_rejected", Scope.INSTANCE),
        (STATUS, 200, {"error": "Instance not found"}, "credential_rejected", Scope.INSTANCE),
        (PUT, 404, {"error": "no"}, "credential_rejected", Scope.INSTANCE),
        (ME, 401, {"error": "Unauthorized"}, "credential_rejected", Scope.INSTANCE),
        (PUT, 403, {"message": "This instance is not allowed"}, "credential_rejected", Scope.INSTANCE),
        (ME, 404, {"error": {"code": 1}}, "credential_rejected", Scope.INSTANCE),
        # A page of a proxy proves nothing about an instance
        (ME, 403, "<html>", "unexpected_status", Scope.CALL),
        (ME, 404, "", "unexpected_status", Scope.CALL),
        (ME, 404, {}, "unexpected_status", Scope.CALL),
        (LISTING, 404, {"error": "Instance not found"}, "call_rejected", Scope.CALL),
        # A subscription
        (STATUS, 400, LAPSED, "subscription_lapsed", Scope.INSTANCE),
        (PUT, 400, LAPSED, "subscription_lapsed", Scope.INSTANCE),
        (DEVICE, 402, LAPSED, "subscription_lapsed", Scope.INSTANCE),
        (ME, 500, LAPSED, "service_unavailable", Scope.UNKNOWN),
        # The account, or the address
        (ME, 400, NO_CLIENT_TOKEN, "client_token_required", Scope.ALL),
        (PUT, 404, NO_CLIENT_TOKEN, "client_token_required", Scope.ALL),
        (LISTING, 400, NO_CLIENT_TOKEN, "client_token_not_sent", Scope.ALL),
        (ME, 403, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"}, "client_token_rejected", Scope.ALL),
        (ME, 401, {"error": "CLIENT TOKEN x NOT ALLOWED"}, "client_token_rejected", Scope.ALL),
        (STATUS, 200, {"error": "null not allowed"}, "client_token_rejected", Scope.ALL),
        (LISTING, 200, {"error": "null not allowed"}, "client_token_not_sent", Scope.ALL),
        (LISTING, 403, {"error": "[IP request] not allowed"}, "ip_not_allowed", Scope.ALL),
        (STATUS, 200, {"error": "[IP request] not allowed"}, "ip_not_allowed", Scope.ALL),
        (PUT, 403, {"error": "[203.0.113.7] not allowed"}, "ip_not_allowed", Scope.ALL),
        (ME, 404, NOT_FOUND, "wrong_path", Scope.ALL),
        (STATUS, 200, NOT_FOUND, "wrong_path", Scope.ALL),
        (LISTING, 404, NOT_FOUND, "wrong_path", Scope.ALL),
        # A call
        (PUT, 400, {"error": "no"}, "call_rejected", Scope.CALL),
        (PUT, 405, {"error": "Method not allowed"}, "call_rejected", Scope.CALL),
        (PUT, 422, "", "unexpected_status", Scope.CALL),
        (PUT, 200, {"error": "trouble"}, "call_rejected", Scope.UNKNOWN),
        (ME, 200, {"error": None}, "unexpected_status", Scope.UNKNOWN),
        (PUT, 501, "", "unexpected_status", Scope.UNKNOWN),
        (PUT, 429, "error code: 1015", "too_many_requests", Scope.UNKNOWN),
        (PUT, 522, "<html>", "service_unavailable", Scope.UNKNOWN),
    ],
)
def test_a_response_has_a_code_and_a_scope(
    emulator: Emulator, call: str, status: int, body: t.Any, code: str, scope: Scope
) -> None:
    error = failure(emulator, call, status, body)
    assert (error.reason.code, error.scope) == (code, scope)
    assert error.reason.values["status"] == status


@pytest.mark.parametrize("call", [STATUS, DEVICE])
def test_some_responses_have_an_error_that_describes_the_instance(emulator: Emulator, call: str) -> None:
    answer = {"error": "You are not connected."}
    emulator.set_faults([fault("body", json=answer)])
    assert fetch(emulator, call) == answer


@pytest.mark.parametrize(("call", "answer"), [(ME, {"id": "1", "error": "x"}), (LISTING, {"content": [], "error": "x"})])
def test_what_was_requested_may_have_an_error_of_its_own(emulator: Emulator, call: str, answer: t.Any) -> None:
    emulator.set_faults([fault("body", json=answer)])
    assert fetch(emulator, call) == answer


def test_the_server_is_quoted(emulator: Emulator) -> None:
    values = failure(emulator, ME, 404, NOT_FOUND).reason.values
    assert values["said"] == "Unable to find matching target resource method"
    assert values["request"] == f"GET /instances/{identity(1)}/me"
    assert failure(emulator, PUT, 415, {"message": "Unsupported\nmedia type"}).reason.values["said"] == "Unsupported media type"
    assert failure(emulator, PUT, 403, {"error": "[2001:db8::7] not allowed"}).reason.values["address"] == "2001:db8::7"
    assert len(failure(emulator, ME, 500, {"error": "so it is, " * 2000}).reason.values["said"]) < 310


@pytest.mark.parametrize(
    "location", ["https://elsewhere.example/instances", "https://x@elsewhere.example?token=1", "/", "https://[", "//"]
)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(emulator: Emulator, location: str, status: int) -> None:
    emulator.clear_requests()
    emulator.set_faults([fault("redirect", location=location, code=status)])
    with pytest.raises(RequestError) as failed:
        fetch(emulator, LISTING)
    assert_fit_for_users(failed.value)
    assert failed.value.reason.code == "redirected"
    assert failed.value.reason.values["target"] == ("elsewhere.example" if "elsewhere" in location else "")
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
@pytest.mark.parametrize("said", ["Client-Token {}", "{} not allowed", "Bearer {}\nx", "https://x/token/{}/me", "{{{}}}"])
def test_no_error_repeats_a_secret(emulator: Emulator, status: int, said: str) -> None:
    token = 'open/"sesame'
    for call, secret in ((LISTING, token), (ME, TOKEN), (PUT, CLIENT_TOKEN)):
        for written in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            text = said.format(written)
            error = failure(emulator, call, status, {"error": text}, partner_token=token)
            assert written not in assert_fit_for_users(error, secret)


@pytest.mark.parametrize("call", [LISTING, ME])
def test_a_server_that_repeats_the_whole_request_is_not_quoted_with_its_secrets(emulator: Emulator, call: str) -> None:
    emulator.set_faults([fault("status", code=403, echo_token=True)])
    with pytest.raises(RequestError) as failed:
        fetch(emulator, call)
    assert_fit_for_users(failed.value)


@given(
    st.binary()
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.dictionaries(st.sampled_from(["error", "message", "content"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([200, 204, 300, 304, 400, 401, 403, 404, 418, 429, 500, 599]),
    st.sampled_from(["application/json", "text/html", "nonsense; charset=nonsense", PARTNER_TOKEN]),
    st.sampled_from([LISTING, ME, STATUS, PUT]),
)
def test_every_response_is_data_or_a_request_error(
    emulator: Emulator, body: bytes, status: int, content_type: str, call: str
) -> None:
    emulator.set_faults([fault("body", text=body.decode("latin-1"), code=status, content_type=content_type)])
    try:
        fetch(emulator, call, retries=0)
    except RequestError as error:
        assert_fit_for_users(error)
