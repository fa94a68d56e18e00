# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The calls that set something: what is sent, which responses accept it, and that no error repeats a secret of the value."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import RequestError, Scope
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Credential
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import Session
from ansible_collections.zapi.zapi.plugins.module_utils._zapi.writes import check, put
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit import naive
from ansible_collections.zapi.zapi.tests.unit.engine import (
    CLIENT_TOKEN,
    api_object,
    assert_fit_for_users,
    connection,
    fault,
    identity,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

CALL = "update-webhook-received"
SECRET = "k7Qz3xW9mB2v"
URL = f"https://someone:OpenSesame@hooks.example.com/zapi/{SECRET}/received?key=Alibaba%2140&e=receive#Fragment"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator([api_object(1)], client_token=CLIENT_TOKEN) as running:
        yield running


def write(emulator: Emulator, value: t.Any = URL, call: str = CALL, *, body: t.Any = None, **options: t.Any) -> None:
    given = connection(emulator, **{"client_token": CLIENT_TOKEN, "retries": 0, **options})
    with Session(given) as session, session.group() as group:
        check(group, put(group, Credential(identity(1), f"{naive.TOKEN}1"), call, body or {"value": value}))


def failure(emulator: Emulator, value: t.Any = URL, **options: t.Any) -> RequestError:
    with pytest.raises(RequestError) as failed:
        write(emulator, value, **options)
    assert failed.value.reason.values["request"] == f"PUT /instances/{identity(1)}/{CALL}"
    assert_fit_for_users(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (CALL, {"value": URL}),
        (CALL, {"value": ""}),
        ("update-auto-read-message", {"value": True}),
        ("update-filters", {"messageFilters": [], "callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}),
    ],
)
def test_the_body_is_sent_as_json_with_the_credential_of_the_instance(emulator: Emulator, call: str, body: t.Any) -> None:
    write(emulator, call=call, body=body)
    [entry] = emulator.requests
    assert (entry["method"], entry["call"], entry["body"], entry["status"]) == ("PUT", call, body, 200)
    assert (entry["authorization"], entry["client_token"]) == ("missing", "right")


@pytest.mark.parametrize("body", ['{"value": true}', '{"success": true}', "{}", "", '{"value": "x"}'])
@pytest.mark.parametrize("status", [200, 201])
def test_a_response_without_a_rejection_is_success(emulator: Emulator, body: str, status: int) -> None:
    emulator.set_faults([fault("body", text=body, code=status)])
    write(emulator)


@pytest.mark.parametrize(
    ("body", "code", "scope"),
    [
        ({"value": False}, "value_false", Scope.CALL),
        ({"value": False, "error": "no"}, "value_false", Scope.CALL),
        ({"error": "trouble"}, "call_rejected", Scope.UNKNOWN),
        ([{"value": True}], "wrong_shape", Scope.UNKNOWN),
        (True, "wrong_shape", Scope.UNKNOWN),
        (None, "wrong_shape", Scope.UNKNOWN),
    ],
)
def test_a_response_with_status_200_may_be_a_rejection(emulator: Emulator, body: t.Any, code: str, scope: Scope) -> None:
    emulator.set_faults([fault("body", json=body)])
    error = failure(emulator)
    assert (error.reason.code, error.scope) == (code, scope)


def test_a_lapsed_subscription_is_named(emulator: Emulator) -> None:
    emulator.change_instance(identity(1), _lapsed=True)
    error = failure(emulator)
    assert (error.reason.code, error.scope) == ("subscription_lapsed", Scope.INSTANCE)


def test_transient_errors_are_retried(emulator: Emulator) -> None:
    emulator.set_faults([fault("status", code=500, times=1), fault("drop", times=1), fault("status", code=429, times=1)])
    write(emulator, retries=3)
    assert [entry["body"] for entry in emulator.requests] == [{"value": URL}] * 4


@pytest.mark.parametrize(
    "url", ["https://203.0.113.7/x", "https://[2001:db8::7]/x", "https://h.example.com/null", "https://h.example.com/ip/x"]
)
@pytest.mark.parametrize("said", ["{} not allowed", "the value {} is not allowed here"])
def test_what_an_error_repeats_of_the_value_is_not_its_cause(emulator: Emulator, url: str, said: str) -> None:
    emulator.set_faults([fault("status", code=400, message=said.format(url))])
    error = failure(emulator, url)
    assert (error.reason.code, error.scope) == ("call_rejected", Scope.CALL)


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
@pytest.mark.parametrize(
    "part",
    [URL, URL.partition("://")[2], URL[URL.index("/zapi") :], "someone:OpenSesame", "OpenSesame", f"zapi/{SECRET}", SECRET,
     "key=Alibaba%2140", "Alibaba!40", "Fragment"],
)  # fmt: skip
def test_no_error_repeats_a_secret_of_the_value(emulator: Emulator, status: int, part: str) -> None:
    for written in (part, quote(part, safe=""), json.dumps({"value": part})):
        emulator.set_faults([fault("body", json={"error": f"no {written} here"}, code=status)])
        message = assert_fit_for_users(failure(emulator))
        for secret in ("OpenSesame", SECRET, "Alibaba", "Fragment"):
            assert secret not in message


@pytest.mark.parametrize("value", ["o", "a", "the", "no"])
def test_a_short_value_does_not_make_an_error_unreadable(emulator: Emulator, value: str) -> None:
    emulator.set_faults([fault("status", code=400, message="no more than usual, at the most")])
    assert failure(emulator, value).reason.values["said"] == "no more than usual, at the most"
