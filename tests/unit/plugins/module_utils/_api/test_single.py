# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A fleet that is read instance by instance, and the settings that instances tell: in order, complete, and without a token told."""

from __future__ import annotations

import json
import re
import threading
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import pytest
import requests
import responses

from ansible_collections.zapi.zapi.plugins.module_utils._api.bounds import Allowance
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RefusedCredential, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance, show
from ansible_collections.zapi.zapi.tests.unit.support import (
    API_URL,
    PARTNER_TOKEN,
    Answer,
    WireServer,
    assert_fit_for_users,
    ids,
    make_fleet,
    make_row,
    make_rows,
    page_of,
)

CLIENT_TOKEN = "SimSalabim"
IS_CONNECTED = {"connected": True, "smartphoneConnected": True, "error": "You are already connected."}


class Request(t.NamedTuple):
    identity: str | None  # None for the listing
    token: str | None
    name: str  # "me", "status" or "instances"
    headers: t.Mapping[str, str]


def me(number: int = 1, **fields: t.Any) -> dict[str, t.Any]:
    """What an instance says of itself."""
    row = {
        key: value
        for key, value in make_row(number).items()
        if key not in ("middleware", "tenant", "phoneConnected", "whatsappConnected")
    }
    return {**row, "connected": True, "receiveCallbackSentByMe": True, "callbackTypeFilters": [], "messageFilters": [], **fields}


@dataclass
class InstanceApi:
    """Answers instances' own calls, and a listing of ``rows``; what is in ``answers`` comes instead."""

    rows: list[dict[str, t.Any]] = field(default_factory=lambda: make_rows(5))
    answers: dict[tuple[str, str], t.Any] = field(default_factory=dict)  # by id and name of the call
    received: list[Request] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    pause: float = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def answer(self, request: t.Any) -> tuple[int, dict[str, str], bytes]:
        _empty, _instances, *parts = urlsplit(request.url).path.split("/")
        identity, token, name = (unquote(parts[0]), unquote(parts[2]), parts[3]) if parts else (None, None, "instances")
        with self._lock:
            self.received.append(Request(identity, token, name, dict(request.headers)))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        time.sleep(self.pause)
        reply = self.answers.get((identity or "", name))
        if reply is None:
            reply = (200, self._usual(identity, token, name))
        with self._lock:
            self.under_way -= 1
        if isinstance(reply, Exception):
            raise reply
        status, body = reply
        return status, {"Content-Type": "application/json"}, body if isinstance(body, bytes) else json.dumps(body).encode()

    def _usual(self, identity: str | None, token: str | None, name: str) -> t.Any:
        if name == "instances":
            return page_of(self.rows, 1, 100)
        (number,) = (place for place, row in enumerate(self.rows, start=1) if (row["id"], row["token"]) == (identity, token))
        return me(number) if name == "me" else IS_CONNECTED

    @property
    def asked(self) -> list[tuple[str | None, str]]:
        return sorted((request.identity, request.name) for request in self.received if request.identity)


@pytest.fixture
def instance_api() -> t.Iterator[InstanceApi]:
    api = InstanceApi()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, re.compile(f"{re.escape(API_URL)}/instances(?:[/?].*)?"), callback=api.answer)
        yield api


def credentials(*numbers: int) -> list[dict[str, str]]:
    return [{"id": make_row(number)["id"], "token": make_row(number)["token"]} for number in numbers]


def identity(number: int) -> str:
    return str(make_row(number)["id"])


def by_credentials(*numbers: int, **changed: t.Any) -> t.Any:
    return make_fleet(partner_token=None, credentials=credentials(*numbers), **changed)


def instances(*numbers: int, **changed: t.Any) -> list[t.Any]:
    with by_credentials(*numbers, **changed) as fleet:
        return t.cast("list[t.Any]", fleet.instances())


def joined(pages: t.Iterator[list[Instance]]) -> list[Instance]:
    return [instance for page in pages for instance in page]


def compared(*numbers: int, only: list[str] | None = None, **changed: t.Any) -> tuple[list[str], dict[str, str]]:
    """The ids that came, and those that were refused, and why."""
    with by_credentials(*numbers, **changed) as fleet:
        built = fleet.compare(joined, only=only)
        assert all(not text.isspace() and text.isprintable() for text in fleet.refused.values())
        return ids(built), fleet.refused


def failure(*numbers: int, **changed: t.Any) -> str:
    """Why the whole fails, which it has to both where all is wanted and where it is compared."""
    told = []
    for read in (instances, compared):
        with pytest.raises(RequestError) as failed:
            read(*numbers, client_token=CLIENT_TOKEN, **changed)
        assert_fit_for_users(str(failed.value), None, [CLIENT_TOKEN])
        assert failed.value.__cause__ is None
        told.append(str(failed.value))
    return told[1]


# What comes


def test_instances_come_in_the_order_of_their_credentials(instance_api: InstanceApi) -> None:
    for concurrency in (1, 3, 8):
        assert ids(instances(4, 1, 5, 2, 3, concurrency=concurrency)) == [identity(number) for number in (4, 1, 5, 2, 3)]


def test_an_instance_has_what_its_two_calls_tell(instance_api: InstanceApi) -> None:
    instance_api.answers[identity(1), "status"] = (200, {"connected": False, "smartphoneConnected": True, "error": "x"})
    instance = show(instances(1)[0], include_token=True)
    assert (instance["whatsapp_connected"], instance["phone_connected"]) == (False, True)
    assert (instance["middleware"], instance["tenant"], instance["token"]) == (None, None, "hocuspocus1")
    assert instance["settings"]["notify_sent_by_me"] is True
    assert instance["webhooks"]["received"] == "https://hooks.example.com/1"
    assert "middleware" in instance["unknown"]
    assert "whatsapp_connected" not in instance["unknown"]
    assert "error" not in instance
    assert "connected" not in instance


@pytest.mark.parametrize(
    ("status", "whatsapp", "phone", "unknown"),
    [
        ({"connected": True}, True, None, ["phone_connected"]),
        ({"smartphoneConnected": True, "error": "x"}, None, True, ["whatsapp_connected"]),
        ({}, None, None, ["phone_connected", "whatsapp_connected"]),
        ({"connected": None, "smartphoneConnected": "maybe"}, None, None, []),
        ({"connected": False, "error": "Client-Token x not allowed"}, False, None, ["phone_connected"]),
    ],
)
def test_a_state_that_the_status_does_not_tell_is_unknown(
    instance_api: InstanceApi, status: t.Any, whatsapp: t.Any, phone: t.Any, unknown: list[str]
) -> None:
    instance_api.answers[identity(1), "status"] = (200, status)
    instance_api.answers[identity(1), "me"] = (200, me(whatsappConnected=True, phoneConnected=True))
    (instance,) = instances(1)
    assert (instance["whatsapp_connected"], instance["phone_connected"]) == (whatsapp, phone)
    assert [name for name in instance["unknown"] if name.endswith("_connected")] == unknown


@pytest.mark.parametrize(
    ("due", "timestamp"),
    [
        (1798761599, 1798761599000),
        (1798761599.5, 1798761599500),
        (" 1798761599 ", 1798761599000),
        (1798761599000, 1798761599000),
        ("1798761599000", 1798761599000),
        ("2026-12-31T23:59:59Z", 1798761599000),
        (10**11 - 1, (10**11 - 1) * 1000),
        (10**11, 10**11),
        (-5, -5000),
        (0, 0),
        (10**30, 10**30),
        (10**350, 10**350),
        (-(10**350), -(10**350)),
        ("9" * 300, int("9" * 300)),
        ("soon", None),
        (True, None),
        (None, None),
        ([], None),
    ],
    ids=str,
)
def test_a_due_date_may_be_in_seconds(instance_api: InstanceApi, due: t.Any, timestamp: int | None) -> None:
    instance_api.answers[identity(1), "me"] = (200, me(due=due))
    assert instances(1)[0]["due_timestamp"] == timestamp


@pytest.mark.parametrize("named", [identity(1).lower(), "", None])
def test_an_instance_may_spell_its_id_otherwise_or_not_at_all(instance_api: InstanceApi, named: str | None) -> None:
    instance_api.answers[identity(1), "me"] = (200, me(id=named))
    assert ids(instances(1)) == [identity(1)]


def test_no_other_token_that_an_instance_names_comes_out(instance_api: InstanceApi) -> None:
    instance_api.answers[identity(1), "me"] = (200, me(token="abracadabra", name="shop abracadabra hocuspocus1"))
    (instance,) = instances(1)
    assert show(instance)["name"] == "shop *** ***"


def test_no_more_calls_are_under_way_than_concurrency_says(instance_api: InstanceApi) -> None:
    instance_api.pause = 0.01
    instances(1, 2, 3, 4, 5, concurrency=3)
    assert instance_api.most_under_way == 3


def test_each_instance_is_asked_twice_and_nothing_else_is(instance_api: InstanceApi) -> None:
    instances(1, 2)
    assert len(instance_api.received) == 4
    assert instance_api.asked == [(identity(number), name) for number in (1, 2) for name in ("me", "status")]


# Headers and paths


def test_the_partner_token_never_goes_with_an_instances_call_nor_the_client_token_with_a_listing(instance_api: InstanceApi) -> None:
    with make_fleet(client_token=CLIENT_TOKEN) as fleet:
        fleet.instances(settings=True)
    with by_credentials(1, client_token=CLIENT_TOKEN) as fleet:
        fleet.instances()
    assert {request.name for request in instance_api.received} == {"instances", "me", "status"}
    for request in instance_api.received:
        sent = (request.headers.get("Authorization"), request.headers.get("Client-Token"))
        assert sent == ((f"Bearer {PARTNER_TOKEN}", None) if request.identity is None else (None, CLIENT_TOKEN))


def test_without_a_client_token_none_is_sent(instance_api: InstanceApi) -> None:
    instances(1)
    assert not any("Client-Token" in request.headers for request in instance_api.received)


@pytest.mark.parametrize("text", ["a/../b", "a?b#c", "%2F%41", "x@y:z;w", "......../", "a b\u00e9"])
def test_ids_and_tokens_stay_one_segment_of_the_path_on_the_wire(wire: t.Callable[..., WireServer], text: str) -> None:
    server = wire(Answer(body={"connected": True, "id": text}))
    if text.isascii() and " " not in text:
        with make_fleet(api_url=server.url, partner_token=None, credentials=[{"id": text, "token": f"tok-{text}-en"}]) as fleet:
            assert ids(fleet.instances()) == [text]
    else:
        rows = page_of([make_row(1, id=text, token=f"tok-{text}-en")], 1, 100)
        server = wire(Answer(body=rows), Answer(body={"id": text}))
        with make_fleet(api_url=server.url) as fleet:
            fleet.instances(settings=True)
        server.received.pop(0)
    for received in server.received:
        _empty, _instances, one, _token, other, name = received.target.split("/")
        assert (unquote(one), unquote(other)) == (text, f"tok-{text}-en")
        assert name in ("me", "status")


# Refused credentials

NOT_FOUND = (404, {"error": "Instance not found"})


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("call", ["me", "status"])
@pytest.mark.parametrize(
    "body", [{"error": "no such instance"}, {"message": "Forbidden"}, {"error": "This instance is not allowed"}]
)
def test_a_refused_credential_does_not_hide_the_others(instance_api: InstanceApi, status: int, call: str, body: t.Any) -> None:
    instance_api.answers[identity(2), call] = (status, body)
    came, refused = compared(1, 2, 3)
    assert came == [identity(1), identity(3)]
    assert list(refused) == [identity(2)]
    assert f"GET /instances/{identity(2)}/{call} was " in refused[identity(2)]
    assert "api_url" not in refused[identity(2)]
    with pytest.raises(RequestError, match="refuses 1 of 3 credentials") as failed:
        instances(1, 2, 3)
    assert identity(2) in str(failed.value)
    assert_fit_for_users(str(failed.value), f"GET /instances/{identity(2)}/{call}", ["/token/"])


def test_all_that_are_refused_are_named_at_once_and_where_all_are_the_address_is_in_doubt(instance_api: InstanceApi) -> None:
    for number in (1, 2, 3):
        instance_api.answers[identity(number), "me"] = NOT_FOUND
    with pytest.raises(RequestError) as failed:
        instances(1, 2, 3, 4)
    assert str(failed.value).startswith(
        f"the server refuses 3 of 4 credentials, those of {', '.join(map(identity, (1, 2, 3)))}; the first: "
    )
    assert "api_url" not in str(failed.value)
    with pytest.raises(RequestError, match="check api_url as well"):
        instances(1, 2)
    came, refused = compared(1, 2)
    assert came == []
    assert all(why.endswith("; as all credentials are refused, check api_url as well") for why in refused.values())
    assert "api_url" not in compared(1)[1][identity(1)]


@pytest.mark.parametrize("calls", [("me", "status"), ("status", "me")])
def test_any_other_failure_beside_a_refusal_fails_the_whole_whichever_was_faster(
    instance_api: InstanceApi, calls: tuple[str, str]
) -> None:
    instance_api.answers[identity(2), calls[0]] = NOT_FOUND
    instance_api.answers[identity(2), calls[1]] = (400, {"error": "trouble"})
    for _time in range(10):
        with pytest.raises(RequestError, match="trouble"):
            compared(1, 2)


@pytest.mark.parametrize("calls", [("me",), ("status",), ("me", "status"), ()])
def test_nothing_is_held_any_more_of_what_was_refused_or_answered(
    instance_api: InstanceApi, monkeypatch: pytest.MonkeyPatch, calls: tuple[str, ...]
) -> None:
    sizes: list[int] = []
    hold = Allowance.hold

    def counted(allowance: Allowance, size: int) -> None:
        if not allowance.over.is_set():  # as that of a thread which another test left behind is
            sizes.append(size)
        hold(allowance, size)

    monkeypatch.setattr(Allowance, "hold", counted)
    for call in calls:
        instance_api.answers[identity(2), call] = NOT_FOUND
    compared(1, 2, 3)
    assert sum(sizes) == 0
    assert sizes


# Failures of the whole


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, b"<html>Not Found</html>"), ["status 404", "check that api_url is the API's address"]),
        ((401, b"<html>x</html>"), ["status 401"]),
        ((403, b""), ["status 403"]),
        ((404, {}), ["status 404", "api_url"]),
        ((404, [1]), ["status 404", "api_url"]),
        ((403, {"error": "[10.1.2.3] not allowed"}), ["IP addresses", "10.1.2.3"]),
        ((403, {"error": "[IP request] not allowed"}), ["IP addresses"]),
        ((400, {"error": "your client-token is not configured"}), ["demands a Client-Token", "client_token", "ZAPI_CLIENT_TOKEN"]),
        ((404, {"error": "your client-token is not configured"}), ["demands a Client-Token"]),
        ((403, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"}), ["Client-Token is missing or wrong", "client_token"]),
        ((401, {"error": f"Client-Token {CLIENT_TOKEN} not allowed"}), ["Client-Token is missing or wrong"]),
        ((403, {"error": "null not allowed"}), ["Client-Token is missing or wrong"]),
        ((200, {"error": "null not allowed"}), ["Client-Token is missing or wrong"]),
        ((200, {"error": "Instance not found"}), ["status 200", "Instance not found"]),
        ((500, {"error": "x"}), ["status 500", "in 2 tries"]),
        ((429, {"error": "x"}), ["too many requests, lower concurrency"]),
        ((302, b""), ["redirected"]),
        ((200, b"<html>"), ["not JSON"]),
        ((200, b""), ["not JSON"]),
        ((200, []), ["JSON of another shape"]),
        ((200, "text"), ["JSON of another shape"]),
        ((200, None), ["JSON of another shape"]),
        ((200, me(2)), ["answered for another instance", "api_url"]),
        (requests.exceptions.ReadTimeout("hocuspocus1"), ["within 30 seconds", "in 2 tries"]),
        (requests.exceptions.ConnectionError("/instances/x/token/hocuspocus1/me"), ["no connection"]),
        (requests.exceptions.InvalidURL("https://x/token/hocuspocus1/me"), ["no request to api.z-api.io can be made"]),
        (requests.exceptions.ChunkedEncodingError("x"), ["api.z-api.io"]),
    ],
    ids=repr,
)
def test_any_other_failure_fails_the_whole_naming_the_call_by_its_full_id(
    instance_api: InstanceApi, answer: t.Any, words: list[str]
) -> None:
    instance_api.answers[identity(1), "me"] = answer
    message = failure(2, 1, 3, retries=1)
    assert message.startswith(f"GET /instances/{identity(1)}/me ")
    for word in words:
        assert word in message
    assert "page_size" not in message
    assert "partner" not in message


@pytest.mark.parametrize(
    "echo",
    [
        "no hocuspocus1 here",
        f"Client-Token {CLIENT_TOKEN} is wrong",
        "GET https://api.z-api.io/instances/1/token/hocuspocus1/me failed",
        "/instances/1/token/hocuspocus%31/me",
        "HOCUSPOCUS1",
        "aG9jdXNwb2N1czE=",
        "simsalabim",
    ],
)
@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_that_repeats_a_secret_is_told_without_it(instance_api: InstanceApi, echo: str, status: int) -> None:
    instance_api.answers[identity(1), "me"] = (status, {"error": echo})
    with pytest.raises(RequestError) as failed:
        instances(1, client_token=CLIENT_TOKEN, retries=0)
    message = str(failed.value)
    assert_fit_for_users(message, f"GET /instances/{identity(1)}/me", [CLIENT_TOKEN])
    for secret in ("hocuspocus", "simsalabim", "ag9jdxnwb2n1cze"):
        assert secret not in message.lower()


# Some of them


def test_an_id_is_found_by_asking_only_that_one(instance_api: InstanceApi) -> None:
    with by_credentials(1, 2, 3) as fleet:
        assert ids(fleet.find(identity=identity(2), name=None)) == [identity(2)]
        assert fleet.find(identity=identity(2), name="other") == []
        assert {request.identity for request in instance_api.received} == {identity(2)}
        instance_api.received.clear()
        assert fleet.find(identity=identity(4), name=None) == []
        assert fleet.find(identity=identity(2)[1:], name=None) == []
    assert instance_api.received == []


def test_a_name_is_found_by_asking_all(instance_api: InstanceApi) -> None:
    with by_credentials(1, 2, 3) as fleet:
        assert ids(fleet.find(identity=None, name="shop-2", settings=True)) == [identity(2)]
    assert len(instance_api.received) == 6


def test_only_the_named_are_read_if_all_are_ids(instance_api: InstanceApi) -> None:
    assert compared(1, 2, 3, only=[identity(3), identity(1), identity(1)])[0] == [identity(1), identity(3)]
    assert {request.identity for request in instance_api.received} == {identity(1), identity(3)}
    assert len(compared(1, 2, 3, only=[identity(3), "shop-1"])[0]) == 3
    assert len(compared(1, 2, 3, only=[identity(5)])[0]) == 3


# Settings that a listing does not tell


def test_include_settings_asks_those_whose_settings_are_unknown_and_that_have_a_token(instance_api: InstanceApi) -> None:
    told = {field: me()[field] for field in ("receiveCallbackSentByMe", "callbackTypeFilters", "messageFilters")}
    told.update(autoReadMessage=False, autoReadStatus=False, callRejectAuto=False, callRejectMessage="")
    instance_api.rows = [make_row(1), make_row(2, **told), make_row(3, token=""), make_row(4, **{**told, "messageFilters": None})]
    with make_fleet() as fleet:
        found = fleet.instances(settings=True)
    assert instance_api.asked == [(identity(1), "me"), (identity(4), "me")]
    assert [instance["settings"]["muted_messages"] for instance in found] == [[], [], None, []]
    assert found[0]["settings"]["notify_sent_by_me"] is True
    instance_api.received.clear()
    with make_fleet() as fleet:
        fleet.instances()
    assert instance_api.asked == []


def test_compare_asks_those_that_need_settings_and_no_others(instance_api: InstanceApi) -> None:
    def needed(instance: t.Any) -> bool:
        return instance["name"] in ("shop-2", "shop-4")

    with make_fleet() as fleet:
        built = fleet.compare(joined, needs_settings=needed)
        assert instance_api.asked == [(identity(2), "me"), (identity(4), "me")]
        assert [instance["settings"]["muted_webhooks"] for instance in built] == [None, [], None, [], None]
        instance_api.received.clear()
        fleet.compare(joined, needs_settings=needed, only=["shop-4", "shop-5", identity(1)])
        assert instance_api.asked == [(identity(4), "me")]
        instance_api.received.clear()
        fleet.compare(joined, needs_settings=needed, only=[identity(2)])
        assert instance_api.asked == [(identity(2), "me")]


@pytest.mark.parametrize("answer", [NOT_FOUND, (500, b""), (404, b"<html>"), (200, [])], ids=repr)
def test_an_instance_of_a_listing_that_does_not_tell_its_settings_fails_the_whole(instance_api: InstanceApi, answer: t.Any) -> None:
    instance_api.answers[identity(2), "me"] = answer
    with make_fleet(retries=0) as fleet, pytest.raises(RequestError) as failed:
        fleet.instances(settings=True)
    assert not isinstance(failed.value, RefusedCredential)
    assert_fit_for_users(str(failed.value), f"GET /instances/{identity(2)}/me", ["/token/"])


def test_an_id_of_a_listing_that_holds_anything_makes_one_line(instance_api: InstanceApi) -> None:
    instance_api.rows = [make_row(1, id="a\nb\x1b[31m\u2028/?c")]
    instance_api.answers["a\nb\x1b[31m\u2028/?c", "me"] = NOT_FOUND
    with make_fleet() as fleet, pytest.raises(RequestError) as failed:
        fleet.instances(settings=True)
    assert_fit_for_users(str(failed.value), "GET /instances/a%0Ab%1B%5B31m%E2%80%A8%2F%3Fc/me")
