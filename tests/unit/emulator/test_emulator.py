# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The emulator, asked over real HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from ansible_collections.zapi.zapi.tests.emulator import faults, fleet
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import (
    DEFAULT_PARTNER_TOKEN,
    SETTING_CALLS,
    WEBHOOK_CALLS,
    Emulator,
    main,
)

pytestmark = pytest.mark.once

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EMULATOR_FOLDER = Path(__file__).resolve().parents[2] / "emulator"
NOW_MS = fleet.DEFAULT_NOW_MS
DAY_MS = fleet.DAY_MS

DOCUMENTED_FIELDS = {
    "token", "tenant", "created", "due", "paymentStatus", "deliveryCallbackUrl", "receivedCallbackUrl",
    "disconnectedCallbackUrl", "messageStatusCallbackUrl", "receivedAndDeliveryCallbackUrl", "presenceChatCallbackUrl",
    "connectedCallbackUrl", "receivedStatusCallbackUrl", "phoneConnected", "whatsappConnected", "middleware", "name",
    "id",
}  # fmt: skip


ME_FIELDS = {
    "id", "token", "name", "due", "connected", "paymentStatus", "created", "initialDataCallbackUrl",
    *(field for field in DOCUMENTED_FIELDS if field.endswith("CallbackUrl")),
    "receiveCallbackSentByMe", "autoReadMessage", "autoReadStatus", "callRejectAuto", "callRejectMessage",
    "messageFilters", "callbackTypeFilters",
}  # fmt: skip
UNDOCUMENTED_IN_ME = ["receivedAndDeliveryCallbackUrl", "receivedStatusCallbackUrl"]


class Reply(t.NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> t.Any:
        return json.loads(self.body)


def call(
    emulator: Emulator,
    method: str,
    target: str,
    body: t.Any = None,
    *,
    token: str | None = DEFAULT_PARTNER_TOKEN,
    headers: dict[str, str] | None = None,
    timeout: float = 10,
) -> Reply:
    """Send one request; a body that is not text goes as JSON."""
    sent = dict(headers or {})
    if token is not None:
        sent.setdefault("Authorization", f"Bearer {token}")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=timeout)
    try:
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


def listing(emulator: Emulator, **parameters: t.Any) -> t.Any:
    """List with query parameters and return the parsed answer."""
    query = "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())
    reply = call(emulator, "GET", f"/instances?{query}")
    assert reply.status == 200
    return reply.json


def instance_path(instance: dict[str, t.Any], action: str) -> str:
    return f"/instances/{instance['id']}/token/{instance['token']}/{action}"


def me(emulator: Emulator, instance: dict[str, t.Any], **headers: str) -> t.Any:
    reply = call(emulator, "GET", instance_path(instance, "me"), token=None, headers=headers)
    assert reply.status == 200
    return reply.json


def put(emulator: Emulator, instance: dict[str, t.Any], action: str, body: t.Any) -> None:
    reply = call(emulator, "PUT", instance_path(instance, action), body, token=None)
    assert (reply.status, reply.json) == (200, {"value": True})


def listed(instances: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return what the listing shows of them."""
    return [{name: value for name, value in instance.items() if not name.startswith("_me")} for instance in instances]


def wait_until(holds: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def row(number: int, **fields: t.Any) -> dict[str, t.Any]:
    return {"id": f"{number:032X}", "token": f"T{number}", "name": f"shop-{number}", "middleware": "web", **fields}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(count=50) as running:
        yield running


@pytest.fixture
def seven() -> Iterator[Emulator]:
    with Emulator([row(number) for number in range(1, 8)]) as running:
        yield running


def address_of(emulator: Emulator) -> tuple[str, int]:
    parts = urlsplit(emulator.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def names(answer: t.Any) -> list[str]:
    return [instance["name"] for instance in answer["content"]]


class TestListing:
    def test_shape(self, emulator):
        answer = listing(emulator, page=2, pageSize=20)
        assert {key: answer[key] for key in answer if key != "content"} == {
            "total": 50,
            "totalPage": 3,
            "pageSize": 20,
            "page": 2,
        }
        assert answer["content"] == listed(emulator.fleet[20:40])

    def test_all_documented_fields(self, emulator):
        content = listing(emulator, pageSize=50)["content"]
        assert any(set(instance) >= DOCUMENTED_FIELDS for instance in content)
        assert all(instance["token"] for instance in content)

    def test_pages_hold_every_instance_once_and_in_order(self, seven):
        pages = [names(listing(seven, page=page, pageSize=3)) for page in (1, 2, 3, 4)]
        assert pages == [["shop-1", "shop-2", "shop-3"], ["shop-4", "shop-5", "shop-6"], ["shop-7"], []]

    def test_default_page_size(self, emulator):
        answer = listing(emulator)
        assert (answer["pageSize"], answer["page"], len(answer["content"])) == (15, 1, 15)

    def test_parameters_in_a_json_body(self, seven):
        reply = call(seven, "GET", "/instances", {"page": 2, "pageSize": 4})
        assert names(reply.json) == ["shop-5", "shop-6", "shop-7"]

    def test_query_string_comes_before_the_body(self, seven):
        reply = call(seven, "GET", "/instances?page=1", {"page": 2, "pageSize": 4})
        assert names(reply.json)[0] == "shop-1"

    @pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=", "pageSize=0", "pageSize=1.5"])
    def test_bad_paging(self, seven, query):
        reply = call(seven, "GET", f"/instances?{query}")
        assert reply.status == 400
        assert query.partition("=")[0] in reply.json["error"]

    @pytest.mark.parametrize("body", ["{", "[1]"])
    def test_bad_body(self, seven, body):
        assert call(seven, "GET", "/instances", body).status == 400

    @pytest.mark.parametrize(
        ("query", "found"),
        [("pÃO", ["Pão 1"]), ("00A", ["other"]), ("pão 2", []), ("", ["Pão 1", "other"])],
        ids=["name", "id", "nothing", "empty"],
    )
    def test_search(self, query, found):
        with Emulator([row(1, name="Pão 1"), row(0xA, name="other")]) as emulator:
            answer = listing(emulator, query=query)
        assert (names(answer), answer["total"]) == (found, len(found))

    def test_middleware(self):
        rows = [row(1), row(2, middleware="mobile"), {"id": "3", "name": "none"}]
        with Emulator(rows) as emulator:
            assert names(listing(emulator, middleware="mobile")) == ["shop-2"]
            assert names(listing(emulator, middleware="web", query="SHOP")) == ["shop-1"]
            assert names(listing(emulator)) == ["shop-1", "shop-2", "none"]

    def test_search_sees_changes(self, seven):
        assert listing(seven, query="new")["total"] == 0
        seven.change_instance(row(3)["id"], name="new")
        assert listing(seven, query="new")["total"] == 1

    def test_empty_fleet(self):
        with Emulator([]) as emulator:
            assert listing(emulator) == {"total": 0, "totalPage": 0, "pageSize": 15, "page": 1, "content": []}

    def test_rows_are_sent_as_given(self):
        odd = {"id": 7, "name": "{{ x }} \ud800 ç", "due": 10**30, "receivedCallbackUrl": None}
        with Emulator([odd]) as emulator:
            assert listing(emulator)["content"] == [odd]

    def test_text_is_utf8(self):
        with Emulator([row(1, name="Ação")]) as emulator:
            assert "Ação".encode() in call(emulator, "GET", "/instances").body

    def test_status_201(self):
        with Emulator([], list_status=201) as emulator:
            assert call(emulator, "GET", "/instances").status == 201

    def test_only_get(self, seven):
        reply = call(seven, "POST", "/instances", {})
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")

    def test_connection_is_kept(self, seven):
        connection = http.client.HTTPConnection(urlsplit(seven.url).netloc, timeout=5)
        with contextlib.closing(connection):
            ports = set()
            for _number in range(3):
                connection.request("GET", "/instances", headers={"Authorization": f"Bearer {DEFAULT_PARTNER_TOKEN}"})
                assert connection.getresponse().read()
                ports.add(connection.sock.getsockname()[1])
        assert len(ports) == 1


ALL_PUT_CALLS: dict[str, t.Any] = {
    **{action: {"value": "https://a.example/hook"} for action in WEBHOOK_CALLS},
    "update-notify-sent-by-me": {"notifySentByMe": True},
    "update-auto-read-message": {"value": True},
    "update-auto-read-status": {"value": True},
    "update-call-reject-auto": {"value": True},
    "update-call-reject-message": {"value": "Não atendo ligações"},
    "update-filters": {"messageFilters": ["FILTER_FROM_GROUP"], "callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]},
}
SETTINGS_SET = {
    "update-notify-sent-by-me": {"receiveCallbackSentByMe": True},
    "update-auto-read-message": {"autoReadMessage": True},
    "update-auto-read-status": {"autoReadStatus": True},
    "update-call-reject-auto": {"callRejectAuto": True},
    "update-call-reject-message": {"callRejectMessage": "Não atendo ligações"},
    "update-filters": {"messageFilters": ["FILTER_FROM_GROUP"], "callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]},
}


class TestCredentials:
    @pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic eDp5", DEFAULT_PARTNER_TOKEN, "Bearer "])
    def test_partner_token_is_demanded(self, seven, authorization):
        headers = {} if authorization is None else {"Authorization": authorization}
        reply = call(seven, "GET", "/instances", token=None, headers=headers)
        assert reply.status == 401
        assert list(reply.json) == ["error"]

    def test_own_partner_token(self):
        with Emulator([], partner_token="mine") as emulator:
            assert emulator.partner_token == "mine"
            assert call(emulator, "GET", "/instances", token="mine").status == 200
            assert call(emulator, "GET", "/instances").status == 401

    @pytest.mark.parametrize(
        ("headers", "status", "error"),
        [
            ({}, 400, "your client-token is not configured"),
            ({"Client-Token": "nope"}, 403, "Client-Token nope not allowed"),
            ({"Client-Token": "secret"}, 200, None),
        ],
    )
    def test_client_token(self, headers, status, error):
        with Emulator([row(1)], client_token="secret") as emulator:
            for method, action in [("GET", "me"), ("GET", "status"), *(("PUT", each) for each in ALL_PUT_CALLS)]:
                body = ALL_PUT_CALLS.get(action)
                reply = call(emulator, method, instance_path(row(1), action), body, token=None, headers=headers)
                assert reply.status == status
                assert error in (None, reply.json.get("error"))
            assert listing(emulator)["total"] == 1, "partner calls need no Client-Token"

    @pytest.mark.parametrize("code", [200, 400, 403])
    def test_client_token_refused_as_the_documentation_shows_it(self, code):
        with Emulator([row(1)], client_token="secret", switches={"client_token_refusal": code}) as emulator:
            for headers in ({}, {"Client-Token": "nope"}):
                reply = call(emulator, "GET", instance_path(row(1), "me"), token=None, headers=headers)
                assert (reply.status, reply.json) == (code, {"error": "null not allowed"})
            assert me(emulator, row(1), **{"Client-Token": "secret"})["id"] == row(1)["id"]

    def test_a_wrong_client_token_tells_nothing_of_the_instance(self):
        with Emulator([row(1)], client_token="secret") as emulator:
            path = instance_path(row(2), "me")
            assert call(emulator, "GET", path, token=None, headers={"Client-Token": "nope"}).status == 403
            assert call(emulator, "GET", path, token=None, headers={"Client-Token": "secret"}).status == 404

    def test_client_token_off(self, seven):
        reply = call(seven, "GET", instance_path(row(1), "me"), token=None, headers={"Client-Token": "any"})
        assert reply.status == 200


class TestInstanceCalls:
    def test_the_first_of_two_with_one_id_counts(self):
        with Emulator([row(1, name="first"), row(1, name="second")]) as emulator:
            assert call(emulator, "GET", instance_path(row(1), "me")).json["name"] == "first"
            assert names(listing(emulator)) == ["first", "second"]

    def test_status(self):
        rows = [row(1, whatsappConnected=True, phoneConnected=True), row(2)]
        with Emulator(rows) as emulator:
            up, down = (call(emulator, "GET", instance_path(each, "status"), token=None).json for each in rows)
        assert (up["connected"], up["smartphoneConnected"]) == (True, True)
        assert (down["connected"], down["smartphoneConnected"]) == (False, False)
        assert up["error"] != down["error"]

    @pytest.mark.parametrize(
        "path",
        ["/instances/{id}/token/wrong/me", "/instances/wrong/token/{token}/me", "/instances/{id}/token//me"],
    )
    def test_wrong_id_or_token(self, seven, path):
        reply = call(seven, "GET", path.format(**row(1)))
        assert (reply.status, reply.json) == (404, {"error": "Instance not found"})

    @pytest.mark.parametrize(
        "path",
        ["/instances/{id}/token/{token}/unknown", "/instances/{id}/token/{token}/", "/instances/{id}", "/instances/", "/"],
    )
    def test_an_address_that_is_none(self, seven, path):
        reply = call(seven, "GET", path.format(**row(1)))
        assert (reply.status, reply.headers.get_content_type()) == (404, "text/html")
        assert row(1)["token"].encode() not in reply.body

    def test_no_instance_answers_without_a_token(self):
        with Emulator([{"id": "A"}, {"id": "B", "token": ""}]) as emulator:
            assert call(emulator, "GET", "/instances/A/token/None/me").status == 404
            assert call(emulator, "GET", "/instances/B/token//me").status == 404

    @pytest.mark.parametrize(
        ("method", "action"), [("PUT", "me"), ("POST", "status"), *(("GET", action) for action in ALL_PUT_CALLS)]
    )
    def test_wrong_method(self, seven, method, action):
        assert call(seven, method, instance_path(row(1), action), {}).status == 405

    @pytest.mark.parametrize(("action", "fields"), list(WEBHOOK_CALLS.items()))
    def test_webhook_is_set_and_stays(self, emulator, action, fields):
        before, *others = emulator.fleet
        url = "https://new.example.com/hook?x=ç"
        put(emulator, before, action, {"value": url})
        after = listing(emulator, pageSize=50)["content"]
        assert after == listed([{**before, **dict.fromkeys(fields, url)}, *others])
        assert {field: value for field, value in me(emulator, before).items() if value == url} == dict.fromkeys(fields, url)
        put(emulator, before, action, {"value": ""})
        shown = me(emulator, before)
        assert [shown[field] for field in fields] == [""] * len(fields)
        assert [listing(emulator)["content"][0][field] for field in fields] == [""] * len(fields)

    def test_received_and_delivery_ticks_sent_by_me(self, seven):
        put(seven, row(1), "update-notify-sent-by-me", {"notifySentByMe": False})
        put(seven, row(1), "update-webhook-received", {"value": "https://a.example"})
        assert me(seven, row(1))["receiveCallbackSentByMe"] is False
        put(seven, row(1), "update-webhook-received-delivery", {"value": "https://a.example"})
        assert me(seven, row(1))["receiveCallbackSentByMe"] is True

    @pytest.mark.parametrize(("action", "changes"), list(SETTINGS_SET.items()))
    def test_setting_is_set_and_stays(self, emulator, action, changes):
        # This one's row in the listing has two of the settings.
        instance = next(each for each in emulator.fleet if "autoReadMessage" in each and not each["callRejectAuto"])
        before = me(emulator, instance)
        emulator.change_instance(instance["id"], receiveCallbackSentByMe=False)
        put(emulator, instance, action, ALL_PUT_CALLS[action])
        assert me(emulator, instance) == {**before, "receiveCallbackSentByMe": False, **changes}
        expected = {**instance, **{field: value for field, value in changes.items() if field in instance}}
        assert listed(emulator.fleet) == listing(emulator, pageSize=50)["content"]
        assert listing(emulator, query=instance["id"])["content"] == listed([expected])

    def test_there_are_no_other_settings(self):
        assert set(SETTINGS_SET) == set(SETTING_CALLS)
        assert set(ALL_PUT_CALLS) == {*SETTING_CALLS, *WEBHOOK_CALLS}

    @pytest.mark.parametrize("action", ALL_PUT_CALLS)
    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [(None, "text/plain", 415), (None, "", 415), ("{", None, 400), ("[]", None, 400), ("{}", None, 400)],
    )
    def test_what_every_setting_call_refuses(self, seven, action, body, content_type, status):
        sent = json.dumps(ALL_PUT_CALLS[action]) if body is None else body
        headers = {"Content-Type": "application/json" if content_type is None else content_type}
        assert call(seven, "PUT", instance_path(row(1), action), sent, headers=headers).status == status
        assert seven.fleet[0] == row(1)

    @pytest.mark.parametrize(
        ("action", "body"),
        [
            ("update-notify-sent-by-me", {"value": True}),
            ("update-auto-read-message", {"value": "true"}),
            ("update-call-reject-auto", {"value": None}),
            ("update-call-reject-message", {"value": False}),
            ("update-filters", {"messageFilters": []}),
            ("update-filters", {"callbackTypeFilters": []}),
            ("update-filters", {"messageFilters": None, "callbackTypeFilters": []}),
            ("update-filters", {"messageFilters": [1], "callbackTypeFilters": []}),
        ],
    )
    def test_setting_is_checked(self, seven, action, body):
        assert call(seven, "PUT", instance_path(row(1), action), body).status == 400
        assert seven.fleet[0] == row(1)

    def test_new_values_of_filters_are_kept(self, seven):
        filters = {"messageFilters": ["FILTER_FROM_MARS"], "callbackTypeFilters": []}
        put(seven, row(1), "update-filters", filters)
        assert me(seven, row(1)).items() >= filters.items()
        assert listing(seven)["content"][0] == row(1)

    def test_every_webhook_is_all_eight(self):
        assert set(WEBHOOK_CALLS["update-every-webhooks"]) == {
            field for field in DOCUMENTED_FIELDS if field.endswith("CallbackUrl")
        }
        assert len(WEBHOOK_CALLS) == 8

    def test_every_webhook_with_own_messages(self, seven):
        put(seven, row(1), "update-every-webhooks", {"value": "https://a.example", "notifySentByMe": True})
        assert me(seven, row(1))["receiveCallbackSentByMe"] is True

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            ('{"value": "https://a.example"}', "text/plain", 415),
            ('{"value": "https://a.example"}', "", 415),
            ('{"value": "https://a.example"}', "Application/JSON; charset=utf-8", 200),
            ('{"value": "http://a.example"}', "application/json", 400),
            ('{"value": "https://"}', "application/json", 400),
            ('{"value": "https://[x"}', "application/json", 400),
            ('{"value": null}', "application/json", 400),
            ('{"value": ""}', "application/json", 200),
            ('"https://a.example"', "application/json", 400),
            ("{", "application/json", 400),
            ("", "application/json", 400),
        ],
    )
    def test_webhook_is_checked(self, seven, body, content_type, status):
        path = instance_path(row(1), "update-webhook-received")
        reply = call(seven, "PUT", path, body, headers={"Content-Type": content_type})
        assert reply.status == status
        assert ("receivedCallbackUrl" in seven.fleet[0]) == (status == 200)


class TestMe:
    def test_of_a_generated_instance(self, emulator):
        for instance in emulator.fleet:
            shown = me(emulator, instance)
            assert set(shown) == ME_FIELDS - ({"created"} - set(instance))
            assert shown["connected"] == instance["whatsappConnected"]
            assert (shown["messageFilters"], shown["callbackTypeFilters"]) == ([], [])
            same = (set(shown) & set(instance)) | {"id", "token", "name", "due"}
            assert {field: shown[field] for field in same} == {field: instance[field] for field in same}

    def test_sends_what_is_written(self):
        written = {
            **row(1, tenant="T", phoneConnected=True, due="2026-01-01", whatsappConnected=None, newCallbackUrl=None),
            "autoReadMessage": 1,
            "_me": {"messageFilters": None, "due": 5, "newField": [1]},
        }
        with Emulator([written, row(2)]) as emulator:
            assert me(emulator, written) == {
                **{field: written[field] for field in ("id", "token", "name", "newCallbackUrl", "autoReadMessage")},
                "connected": None,
                **written["_me"],
            }
            assert set(me(emulator, row(2))) == {"id", "token", "name"}
            assert listing(emulator)["content"] == listed([written, row(2)])

    def test_a_field_is_changed_where_it_stands(self):
        written = row(1, autoReadStatus=False, callRejectAuto=False, _me={"autoReadMessage": False, "callRejectAuto": False})
        with Emulator([written]) as emulator:
            emulator.change_instance(written["id"], autoReadMessage=True, autoReadStatus=True, callRejectAuto=True, name="new")
            new = row(1, name="new", autoReadStatus=True, callRejectAuto=True)
            assert listing(emulator)["content"] == [new]
            assert emulator.fleet == [{**new, "_me": {"autoReadMessage": True, "callRejectAuto": True}}]
            assert written["_me"] == {"autoReadMessage": False, "callRejectAuto": False}

    @pytest.mark.parametrize(
        ("server", "own", "missing"),
        [
            (UNDOCUMENTED_IN_ME, None, UNDOCUMENTED_IN_ME),
            ("messageFilters, callbackTypeFilters", None, ["messageFilters", "callbackTypeFilters"]),
            ([], UNDOCUMENTED_IN_ME, UNDOCUMENTED_IN_ME),
            (UNDOCUMENTED_IN_ME, [], []),
            (UNDOCUMENTED_IN_ME, ["connected"], ["connected"]),
        ],
        ids=["server", "server-filters", "instance", "instance-shows", "instance-hides-others"],
    )
    def test_hidden_fields(self, server, own, missing):
        with Emulator(count=1, switches={"me_without": server}) as emulator:
            [instance] = emulator.fleet
            if own is not None:
                emulator.change_instance(instance["id"], _me_without=own)
            put(emulator, instance, "update-every-webhooks", {"value": "https://a.example"})
            assert ME_FIELDS - set(me(emulator, instance)) == set(missing)
            assert "_me_without" not in listing(emulator)["content"][0]
            assert listing(emulator)["content"][0]["receivedAndDeliveryCallbackUrl"] == "https://a.example", "hidden, yet set"

    @pytest.mark.parametrize("written", ["receiveCallbackSentByMe", "notifySentByMe"])
    @pytest.mark.parametrize("switch", [None, "receiveCallbackSentByMe", "notifySentByMe"])
    def test_spelling_of_sent_by_me(self, written, switch):
        with Emulator([row(1, **{written: False}), row(2)], switches={"sent_by_me_field": switch}) as emulator:
            for expected in (False, True):
                assert me(emulator, row(1)) == {**self.bare(1), (switch or written): expected}
                assert listing(emulator)["content"][0][written] is expected
                put(emulator, row(1), "update-notify-sent-by-me", {"notifySentByMe": True})
            put(emulator, row(2), "update-notify-sent-by-me", {"notifySentByMe": True})
            assert me(emulator, row(2)) == {**self.bare(2), (switch or "receiveCallbackSentByMe"): True}

    def bare(self, number: int) -> dict[str, t.Any]:
        return {field: row(number)[field] for field in ("id", "token", "name")}

    @pytest.mark.parametrize(
        ("due", "shown"),
        [
            (1648565999675, 1648565999),
            ("1648565999675", 1648565999),
            (1648565999, 1648565999),
            ("2026-01-01", "2026-01-01"),
            (None, None),
        ],
    )
    def test_due_in_seconds(self, due, shown):
        with Emulator([row(1, due=due)], switches={"due_in_seconds": True}) as emulator:
            assert me(emulator, row(1))["due"] == shown
            assert listing(emulator)["content"][0]["due"] == due

    @pytest.mark.parametrize(
        ("switches", "message"),
        [
            ({"due": True}, "the server has no option due; it has client_token_refusal"),
            ({"due_in_seconds": "maybe"}, "due_in_seconds of the server must be true or false"),
            ({"client_token_refusal": 42}, "an HTTP status"),
            ({"me_without": [1]}, "a list of names"),
            ({"sent_by_me_field": "sentByMe"}, "receiveCallbackSentByMe or notifySentByMe"),
        ],
    )
    def test_bad_switch(self, switches, message):
        with pytest.raises(faults.FaultError, match=message):
            Emulator([], switches=switches)


class TestFaults:
    def test_latency(self, seven):
        seven.set_faults(["latency,seconds=0.3"])
        start = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _number: listing(seven), range(20)))
        assert 0.3 <= time.monotonic() - start < 3, "requests wait side by side"
        assert [answer["total"] for answer in answers] == [7] * 20
        assert seven.max_concurrent == 20

    def test_status(self, seven):
        seven.set_faults([{"kind": "status", "code": 429, "retry_after": 7, "message": "slow down", "times": 1}])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.headers["Retry-After"], reply.json) == (429, "7", {"error": "slow down"})
        assert listing(seven)["total"] == 7

    def test_status_as_html(self, seven):
        seven.set_faults(["status,code=502,html=true"])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, "Retry-After" in reply.headers) == (502, False)
        assert reply.headers["Content-Type"].startswith("text/html")
        assert b"Bad Gateway" in reply.body

    @pytest.mark.parametrize("form", ["", ",html=true"])
    def test_status_that_repeats_the_token(self, seven, form):
        seven.set_faults([f"status,code=500,echo_token=true{form}"])
        assert b"Bearer sesame" in call(seven, "GET", "/instances", token="sesame").body
        reply = call(seven, "GET", instance_path(row(1), "me"), token=None, headers={"Client-Token": "c-secret"})
        assert f": Client-Token c-secret: token T1: GET {instance_path(row(1), 'me')}".encode() in reply.body

    def test_a_status_that_has_no_body_gets_none(self, seven):
        seven.set_faults(["body,code=204,text=x"])
        with socket.create_connection(address_of(seven), 5) as connection:
            connection.sendall(b"GET /instances HTTP/1.1\r\nConnection: close\r\n\r\n")
            received = b"".join(iter(lambda: connection.recv(4096), b""))
        assert received.startswith(b"HTTP/1.1 204 No Content\r\n")
        assert received.endswith(b"\r\n\r\n")

    def test_drop(self, seven):
        seven.set_faults(["drop,times=1"])
        with pytest.raises(ConnectionResetError) as caught:
            call(seven, "GET", "/instances")
        assert caught.type is ConnectionResetError, "a reset, not an orderly end"
        assert listing(seven)["total"] == 7

    def test_truncate(self, seven):
        whole = call(seven, "GET", "/instances").body
        seven.set_faults(["truncate"])
        with pytest.raises(http.client.IncompleteRead) as caught:
            call(seven, "GET", "/instances")
        assert caught.value.partial == whole[: len(whole) // 2]

    @pytest.mark.parametrize("head", [False, True])
    def test_drip(self, seven, head):
        expected = listing(seven)
        length = len(call(seven, "GET", "/instances").body)
        seven.set_faults([{"kind": "drip", "seconds": 0.02, "size": 50, "head": head}])
        with socket.create_connection(address_of(seven), 5) as connection:
            head_line = f"GET /instances HTTP/1.1\r\nAuthorization: Bearer {DEFAULT_PARTNER_TOKEN}\r\nConnection: close\r\n\r\n"
            connection.sendall(head_line.encode())
            start = time.monotonic()
            received = list(iter(lambda: connection.recv(4096), b""))
        assert (len(received[0]) <= 50) == head, "the head comes at once, unless it drips too"
        assert len(received) > length // 50
        assert time.monotonic() - start >= length // 50 * 0.02
        assert json.loads(b"".join(received).partition(b"\r\n\r\n")[2]) == expected

    def test_nothing_drips_for_a_client_that_left(self, seven):
        seven.set_faults(["drip,seconds=0.02"])
        before = set(threading.enumerate())
        with socket.create_connection(address_of(seven), 5) as connection:
            connection.sendall(b"GET /instances HTTP/1.1\r\n\r\n")
            assert connection.recv(4096)
        wait_until(lambda: not set(threading.enumerate()) - before)

    def test_nothing_drips_after_the_end(self):
        before = set(threading.enumerate())
        emulator = Emulator([row(1)], faults=["drip,seconds=60"])
        with emulator, socket.create_connection(address_of(emulator), 5) as connection:
            connection.sendall(b"GET /instances HTTP/1.1\r\n\r\n")
            assert connection.recv(4096)
            start = time.monotonic()
            emulator.stop()
            assert time.monotonic() - start < 2
        assert set(threading.enumerate()) <= before

    def test_hang(self, seven):
        seven.set_faults(["hang,times=1"])
        before = set(threading.enumerate())
        with pytest.raises(TimeoutError):
            call(seven, "GET", "/instances", timeout=0.3)
        wait_until(lambda: not set(threading.enumerate()) - before)
        assert listing(seven)["total"] == 7

    def test_html(self, seven):
        seven.set_faults(["html"])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.body[:6]) == (200, b"<html>")

    def test_redirect(self, seven):
        seven.set_faults(["redirect,location=https://elsewhere.example/,code=307"])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.headers["Location"]) == (307, "https://elsewhere.example/")

    @pytest.mark.parametrize("value", [None, [1], {"content": None}, "text", 0, False])
    def test_body_of_json(self, seven, value):
        seven.set_faults([{"kind": "body", "json": value}])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.json) == (200, value)

    def test_body_of_text(self, seven):
        seven.set_faults([{"kind": "body", "text": '{"total": 1,\n', "code": 201, "content_type": "text/plain"}])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.body, reply.headers["Content-Type"]) == (201, b'{"total": 1,\n', "text/plain")

    def test_ip_restricted(self, seven):
        seven.set_faults(["ip_restricted"])
        reply = call(seven, "GET", "/instances")
        assert (reply.status, reply.json) == (403, {"error": "[IP request] not allowed"})

    def test_page_size_limit(self, seven):
        seven.set_faults(["page_size_limit,maximum=5,fallback=2"])
        answer = listing(seven, page=2, pageSize=6)
        assert (answer["pageSize"], answer["totalPage"], names(answer)) == (2, 4, ["shop-3", "shop-4"])
        assert len(listing(seven, pageSize=5)["content"]) == 5

    def test_page_size_limit_of_the_facts(self):
        with Emulator(count=300, faults=["page_size_limit"]) as emulator:
            assert listing(emulator, pageSize=200)["pageSize"] == 200
            assert listing(emulator, pageSize=201)["pageSize"] == 15

    def test_short_pages(self, seven):
        seven.set_faults(["short_pages,rows=2"])
        answer = listing(seven, page=2, pageSize=4)
        assert (answer["pageSize"], answer["totalPage"], names(answer)) == (4, 2, ["shop-3", "shop-4"])

    @pytest.mark.parametrize(("option", "shown"), [("", 1), (",echo=true", 3)])
    def test_ignore_page(self, seven, option, shown):
        seven.set_faults([f"ignore_page{option}"])
        answer = listing(seven, page=3, pageSize=2)
        assert (answer["page"], names(answer)) == (shown, ["shop-1", "shop-2"])

    def test_counts(self, seven):
        seven.set_faults(["counts,total=99,totalPage=many,pageSize=null,shown_page=-1"])
        answer = listing(seven, pageSize=2)
        assert [answer[key] for key in ("total", "totalPage", "pageSize", "page")] == [99, "many", None, -1]
        assert len(answer["content"]) == 2

    def test_change_fleet(self, seven):
        seven.set_faults(["change_fleet,remove=2,add=1,page=2,times=1"])
        assert listing(seven, page=1, pageSize=3)["total"] == 7
        answer = listing(seven, page=2, pageSize=3)
        assert (answer["total"], names(answer)) == (6, ["shop-6", "shop-7", "Loja Nova 1"])

    def test_change_fleet_at_its_start(self, seven):
        seven.set_faults(["change_fleet,add=2,where=start,times=2"])
        listing(seven)
        assert names(listing(seven))[:4] == ["Loja Nova 4", "Loja Nova 3", "Loja Nova 2", "Loja Nova 1"]
        assert len({instance["id"] for instance in seven.fleet}) == 11

    @pytest.mark.parametrize(("where", "missed"), [("end", "shop-4"), ("start", "Loja Nova 1")])
    @pytest.mark.parametrize("when", ["page=2", "after=1"])
    def test_an_instance_goes_while_another_comes(self, seven, when, where, missed):
        seven.set_faults([f"change_fleet,remove=1,add=1,{when},times=1,where={where}"])
        pages = [listing(seven, page=page, pageSize=3) for page in (1, 2, 3)]
        assert {page["total"] for page in pages} == {7}
        seen = [name for page in pages for name in names(page)]
        assert len(seen) == len(set(seen)) == 7
        now = {instance["name"] for instance in seven.fleet}
        assert set(seen) - now == {"shop-1"}, "what is gone was listed"
        assert now - set(seen) == {missed}, "what is there was not"

    def test_times_and_after(self, seven):
        seven.set_faults(["status,code=503,after=1,times=2"])
        statuses = [call(seven, "GET", "/instances").status for _number in range(5)]
        assert statuses == [200, 503, 503, 200, 200]
        [rule] = seven.faults
        assert (rule["matched"], rule["fired"]) == (5, 2)

    def test_page(self, seven):
        seven.set_faults(["status,code=500,page=2"])
        assert [call(seven, "GET", f"/instances?page={page}").status for page in (1, 2, 3)] == [200, 500, 200]
        assert call(seven, "GET", "/instances", {"page": 2}).status == 500
        assert call(seven, "GET", instance_path(row(1), "me")).status == 200

    def test_path(self, seven):
        seven.set_faults(["status,code=500,path=/instances/"])
        assert call(seven, "GET", "/instances").status == 200
        assert call(seven, "GET", instance_path(row(1), "me")).status == 500

    def test_instance_and_call(self, seven):
        one, two = row(1)["id"], row(2)["id"]
        seven.set_faults(
            [
                f"status,code=404,instance={one},call=me",
                {"kind": "status", "code": 403, "html": True, "instance": two},
                "status,code=500,call=update-webhook-received,times=1",
            ]
        )
        statuses = {
            (number, action): call(seven, "PUT" if action in ALL_PUT_CALLS else "GET", path, body, token=None).status
            for number in (1, 2, 3)
            for action, body in [("me", None), ("status", None), *list(ALL_PUT_CALLS.items())[:2]]
            for path in [instance_path(row(number), action)]
        }
        assert [statuses[1, action] for action in ("me", "status", "update-webhook-received")] == [404, 200, 500]
        assert [statuses[2, action] for action in ("me", "status", "update-webhook-received")] == [403, 403, 403]
        assert [statuses[3, action] for action in ("me", "status", "update-webhook-received")] == [200, 200, 200]
        assert listing(seven)["total"] == 7, "an instance's fault leaves the listing alone"
        assert [rule["fired"] for rule in seven.faults] == [1, 4, 1]

    def test_one_instance_hangs(self, seven):
        seven.set_faults([f"hang,instance={row(1)['id']}"])
        with pytest.raises(TimeoutError):
            call(seven, "GET", instance_path(row(1), "me"), timeout=0.2)
        assert me(seven, row(2))["name"] == "shop-2"

    HOOK = "https://a.example/hook"

    def _set_hook(self, emulator, number=1, timeout=5.0):
        """Return the answer to a call that sets the hook, or None where there is none."""
        path = instance_path(row(number), "update-webhook-received")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return call(emulator, "PUT", path, {"value": self.HOOK}, token=None, timeout=timeout)
        return None

    def _has_hook(self, emulator, number=1):
        return emulator.fleet[number - 1].get("receivedCallbackUrl") == self.HOOK

    DECIDED_ALONE: t.ClassVar[dict[str, bytes | None]] = {
        "status,code=500": b'{"error": "Internal Server Error"}',
        "ip_restricted": b'{"error": "[IP request] not allowed"}',
        "html": b"<html>",
        "redirect,location=https://elsewhere.example/": b"",
        "body,json={}": b"{}",
        'body,json={"value": false}': b'{"value": false}',
        "body,text=": b"",
        "drop": None,
        "hang": None,
    }

    @pytest.mark.parametrize("taken", [False, True])
    @pytest.mark.parametrize(("rule", "answer"), DECIDED_ALONE.items(), ids=DECIDED_ALONE)
    def test_an_answer_may_have_nothing_to_do_with_what_was_taken(self, seven, rule, answer, taken):
        seven.set_faults([f"{rule},times=1,call=update-webhook-received{',taken=true' if taken else ''}"])
        reply = self._set_hook(seven, timeout=0.3)
        assert (reply and reply.body[: len(answer or b"") or None]) == answer
        assert self._has_hook(seven) == taken
        assert self._set_hook(seven, number=2).json == {"value": True}
        assert self._has_hook(seven, number=2)

    def test_every_fault_that_decides_alone_can_be_one_after_taking(self):
        able = {kind for kind, known in faults.KINDS.items() if "taken" in known.options}
        assert able == {rule.partition(",")[0] for rule in self.DECIDED_ALONE}
        assert able == {kind for kind, known in faults.KINDS.items() if known.ending} - {"truncate", "drip", "ignore"}

    def test_what_is_refused_is_not_taken(self, seven):
        seven.set_faults(["status,code=500,taken=true"])
        path = f"/instances/{row(1)['id']}/token/wrong/update-webhook-received"
        assert call(seven, "PUT", path, {"value": self.HOOK}).status == 500
        assert not self._has_hook(seven)

    def test_ignore(self, seven):
        seven.set_faults(["ignore"])
        assert self._set_hook(seven).json == {"value": True}
        assert not self._has_hook(seven)
        path = instance_path(row(1), "update-webhook-received")
        assert call(seven, "PUT", path, {"value": "http://a.example"}).status == 400, "a mistake is told all the same"
        assert me(seven, row(1))["name"] == "shop-1"
        assert listing(seven)["total"] == 7
        [rule] = seven.faults
        assert rule["fired"] == 2, "it is about what sets something, and nothing else"

    def test_ignore_once(self, seven):
        seven.set_faults([f"ignore,times=1,instance={row(1)['id']},call=update-webhook-received"])
        for number, has_hook in ((2, True), (1, False), (1, True)):
            assert self._set_hook(seven, number).json == {"value": True}
            assert self._has_hook(seven, number) == has_hook

    def test_method(self, seven):
        seven.set_faults(["status,code=500,method=PUT,after=1,times=1"])
        assert me(seven, row(1))["name"] == "shop-1"
        assert [self._set_hook(seven).status for _number in range(3)] == [200, 500, 200]
        seven.set_faults(["status,code=500,method=GET"])
        assert self._set_hook(seven).status == 200
        assert call(seven, "GET", "/instances").status == 500

    def test_ending_faults_take_turns(self, seven):
        seven.set_faults(["status,code=503,times=2", "status,code=429,times=1", "ignore_page"])
        statuses = [call(seven, "GET", "/instances?page=9").status for _number in range(4)]
        assert statuses == [503, 503, 429, 200]
        assert [rule["fired"] for rule in seven.faults] == [2, 1, 4]

    def test_faults_come_before_credentials(self, seven):
        seven.set_faults(["status,code=503"])
        assert call(seven, "GET", "/instances", token="wrong").status == 503

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("sleep", "unknown fault 'sleep'"),
            ("", "unknown fault ''"),
            ("latency", "needs seconds"),
            ("latency,seconds=-1", "not negative"),
            ("latency,seconds=nan", "not negative"),
            ("status,code=42", "an HTTP status"),
            ("status,code=500,times=0", "1 or more"),
            ("status,code=500,times=1.5", "a whole number"),
            ("status,code=500,colour=red", "no option colour; it has code"),
            ("status,code", "expected option=value"),
            ("status,code=500,html=maybe", "true or false"),
            ("change_fleet,add=1,where=middle", "start or end"),
            ("html,method=DELETE", "GET or PUT"),
            ("truncate,taken=true", "no option taken"),
            ("body", "either json or text"),
            ("body,json=1,text=x", "either json or text"),
            ('{"kind": "redirect", "location": "a\\r\\nb"}', "one line"),
            ('{"kind": "status", "code": true}', "not negative"),
            ('{"kind": ["status"]}', "unknown fault"),
            ("{", "not valid JSON"),
            (5, "text or a mapping"),
        ],
    )
    def test_bad_rule(self, spec, message):
        with pytest.raises(faults.FaultError, match=message):
            faults.parse(spec)

    def test_bad_rules_change_nothing(self, seven):
        seven.set_faults(["html"])
        with pytest.raises(faults.FaultError):
            seven.set_faults(["drop", "sleep"])
        assert [rule["kind"] for rule in seven.faults] == ["html"]

    def test_text_and_json_rules_are_alike(self):
        text = faults.parse("status,code=429,retry_after=5,times=2,page=1")
        assert text == faults.parse('{"kind":"status","code":429,"retry_after":5,"times":2,"page":1}')

    @pytest.mark.parametrize("text", ["5", "null", "x"])
    def test_free_values(self, text):
        value = {"5": 5, "null": None, "x": "x"}[text]
        assert faults.parse(f"body,json={text}")["json"] == value
        assert faults.parse({"kind": "body", "json": text})["json"] == text


class TestControl:
    def test_fleet(self, seven):
        assert call(seven, "GET", "/_emulator/fleet", token=None).json == {"instances": seven.fleet}
        reply = call(seven, "PUT", "/_emulator/fleet", [row(9)])
        assert reply.json == {"total": 1}
        assert names(listing(seven)) == ["shop-9"]
        call(seven, "PUT", "/_emulator/fleet", {"instances": []})
        assert seven.fleet == []

    def test_fleet_can_be_sent_back(self, emulator):
        instance = emulator.fleet[1]
        shown = me(emulator, instance)
        call(emulator, "PUT", "/_emulator/fleet", call(emulator, "GET", "/_emulator/fleet").json)
        assert me(emulator, instance) == shown

    def test_what_only_me_tells(self, seven):
        call(seven, "PATCH", f"/_emulator/instances/{row(2)['id']}", {"_me": {"messageFilters": []}, "_me_without": ["name"]})
        assert me(seven, row(2)) == {"id": row(2)["id"], "token": "T2", "messageFilters": []}
        assert listing(seven)["content"][1] == row(2)

    def test_instances(self, seven):
        path = f"/_emulator/instances/{row(2)['id']}"
        assert call(seven, "PATCH", path, {"name": "x", "due": None}).json == row(2, name="x", due=None)
        assert seven.fleet[1] == row(2, name="x", due=None)
        assert call(seven, "DELETE", path).json == {"total": 6}
        assert call(seven, "POST", "/_emulator/instances", row(8)).json == {"total": 7}
        assert call(seven, "POST", "/_emulator/instances", [row(9), row(10)]).json == {"total": 9}
        assert names(listing(seven)) == [f"shop-{number}" for number in (1, 3, 4, 5, 6, 7, 8, 9, 10)]

    def test_faults(self, seven):
        path = "/_emulator/faults"
        rules = call(seven, "PUT", path, ["status,code=500", {"kind": "latency", "seconds": 0}]).json
        assert [rule["kind"] for rule in rules] == ["status", "latency"]
        assert call(seven, "GET", "/instances").status == 500
        shown = call(seven, "GET", path).json
        assert shown == seven.faults
        assert call(seven, "PUT", path, shown).status == 200, "what it shows can be sent back"
        assert call(seven, "DELETE", path).json == []
        assert call(seven, "GET", "/instances").status == 200

    def test_requests(self, seven):
        call(seven, "GET", "/instances?page=2", headers={"User-Agent": "me/1"})
        call(seven, "GET", "/instances", token="wrong-secret")
        call(seven, "GET", instance_path(row(1), "me"), token=None, headers={"Client-Token": "c-secret"})
        reply = call(seven, "GET", "/_emulator/requests")
        log = reply.json
        assert (log["count"], log["max_concurrent"]) == (3, 1)
        first, second, third = log["requests"]
        assert (first["method"], first["path"], first["status"]) == ("GET", "/instances?page=2", 200)
        assert first["headers"]["User-Agent"] == "me/1"
        assert abs(first["time"] - time.time()) < 60
        assert [entry["authorization"] for entry in (first, second, third)] == ["right", "wrong", "missing"]
        assert (second["status"], third["client_token"]) == (401, "not needed")
        for secret in (DEFAULT_PARTNER_TOKEN, "wrong-secret", "c-secret", f"/{row(1)['token']}/"):
            assert secret not in reply.body.decode()
        assert [(entry["instance"], entry["call"]) for entry in (first, third)] == [(None, None), (row(1)["id"], "me")]
        assert seven.requests == log["requests"]
        assert call(seven, "DELETE", "/_emulator/requests").json == {"count": 0, "max_concurrent": 0, "requests": []}

    @pytest.mark.parametrize(
        ("target", "path"),
        [
            ("/instances/{id}/token/{token}/update-filters", "/instances/{id}/token/***/update-filters"),
            ("/instances/{id}/token/wrong/nothing", "/instances/{id}/token/***/nothing"),
            ("/x/instances//{id}//token//{token}//me", "/x/instances//{id}//token//***//me"),
            ("/instances/{id}/Token/{token}?a=b", "/instances/{id}/Token/***?a=b"),
            ("/instances?token={token}&page=2", "/instances?token=***&page=2"),
            ("/instances?key=par%74ner-secret&x=c-secret", "/instances?key=***&x=***"),
            ("/partner-secret", "/***"),
        ],
    )
    def test_log_holds_no_token_of_a_path(self, target, path):
        with Emulator([row(1)], partner_token="partner-secret", client_token="c-secret") as emulator:
            call(emulator, "GET", target.format(**row(1)), token=None)
            assert emulator.requests[0]["path"] == path.format(**row(1))

    def test_log_tells_which_credentials_came(self):
        with Emulator([row(1)], client_token="c-secret") as emulator:
            path = instance_path(row(1), "me")
            call(emulator, "GET", path, headers={"Client-Token": "c-secret"})
            call(emulator, "GET", path, token=None, headers={"Client-Token": "nope", "Authorization": "Basic eDp5"})
            call(emulator, "GET", path, token=None)
            call(emulator, "GET", "/instances", headers={"Client-Token": "c-secret"})
            seen = [(entry["call"], entry["authorization"], entry["client_token"]) for entry in emulator.requests]
        assert seen == [
            ("me", "right", "right"),
            ("me", "wrong", "wrong"),
            ("me", "missing", "missing"),
            (None, "right", "right"),
        ]

    def test_log_names_the_faults(self, seven):
        seven.set_faults(["latency,seconds=0", "status,code=500", "html"])
        call(seven, "GET", "/instances")
        assert seven.requests[0]["faults"] == ["latency", "status"]

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("PUT", "fleet", {"rows": []}, 400),
            ("PUT", "fleet", [1], 400),
            ("PUT", "fleet", {"instances": [], "partner_token": "x"}, 400),
            ("PUT", "fleet", {"instances": [], "switches": {"due_in_seconds": True}}, 400),
            ("PUT", "fleet", {"instances": [], "faults": ["drop"]}, 400),
            ("PATCH", f"instances/{row(1)['id']}", {"_me": 1}, 400),
            ("PUT", "fleet", {"instances": {}}, 400),
            ("PUT", "fleet", "{", 400),
            ("POST", "instances", "3", 400),
            ("PATCH", "instances/nobody", {}, 404),
            ("DELETE", "instances/nobody", None, 404),
            ("PUT", "faults", ["sleep"], 400),
            ("GET", "nothing", None, 404),
            ("POST", "fleet", [], 404),
        ],
    )
    def test_mistakes(self, seven, method, path, body, status):
        reply = call(seven, method, f"/_emulator/{path}", body)
        assert (reply.status, list(reply.json)) == (status, ["error"])
        assert len(seven.fleet) == 7


class TestStopping:
    def test_ends_everything(self):
        before = set(threading.enumerate())
        emulator = Emulator([row(1)], faults=["hang,page=1", "latency,seconds=30,page=2"])
        emulator.start()
        address = address_of(emulator)
        with contextlib.ExitStack() as stack:
            idle = stack.enter_context(socket.create_connection(address, 5))
            busy = [http.client.HTTPConnection(*address, timeout=10) for _number in range(2)]
            for page, connection in enumerate(busy, 1):
                stack.callback(connection.close)
                connection.request("GET", f"/instances?page={page}")
            deadline = time.monotonic() + 5
            while len(emulator.requests) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            start = time.monotonic()
            emulator.stop()
            assert time.monotonic() - start < 2
            assert set(threading.enumerate()) <= before
            assert idle.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, 5)

    def test_can_start_again(self):
        emulator = Emulator([row(1)])
        for _number in range(2):
            with emulator:
                assert listing(emulator)["total"] == 1
        emulator.stop()
        with pytest.raises(RuntimeError):
            assert emulator.url

    def test_starts_once(self, seven):
        with pytest.raises(RuntimeError):
            seven.start()


class TestGeneratedFleet:
    def test_depends_on_its_arguments_only(self):
        assert fleet.generate(30, 5, NOW_MS) == fleet.generate(30, 5, NOW_MS)
        assert fleet.generate(30, 5) != fleet.generate(30, 6)
        assert fleet.generate(30, 5)[0]["due"] != fleet.generate(30, 5, NOW_MS + DAY_MS)[0]["due"]

    @pytest.mark.parametrize("count", [0, 1, 2, 5])
    def test_tiny(self, count):
        instances = fleet.generate(count)
        assert len({instance["id"] for instance in instances}) == count
        if count:
            assert any(instance["whatsappConnected"] for instance in instances)

    @pytest.mark.parametrize("count", [12, 25, 50])
    def test_small_ones_have_something_of_each(self, count):
        instances = fleet.generate(count)
        found = [instance["name"] for instance in instances]
        dues = [instance["due"] for instance in instances if isinstance(instance["due"], int)]
        assert any(not instance["whatsappConnected"] for instance in instances)
        assert any(instance["paymentStatus"] in ("UNPAID", "CANCELED") for instance in instances)
        assert any(stale(instance) for instance in instances)
        assert any(instance["middleware"] == "mobile" for instance in instances)
        assert {type(instance["due"]) for instance in instances} == {int, str}
        assert len(set(found)) < len(found)
        assert ("" in found) == (count >= 20)
        assert dues

    def test_every_instance_mutes_nothing_and_some_send_what_is_sent_by_me(self):
        instances = [{**instance, **instance["_me"]} for instance in fleet.generate(50)]
        for instance in instances:
            assert (instance["messageFilters"], instance["callbackTypeFilters"]) == ([], [])
            assert (instance["autoReadMessage"], instance["autoReadStatus"]) == (False, False)
        assert {instance["receiveCallbackSentByMe"] for instance in instances} == {True, False}

    def test_the_listing_tells_of_settings_no_more_than_it_did(self):
        seen = {field for instance in listed(fleet.generate(200)) for field in instance}
        assert seen == DOCUMENTED_FIELDS | {"autoReadMessage", "callRejectAuto"}

    @pytest.mark.parametrize("seed", range(5))
    def test_due_dates_of_a_demo(self, seed):
        left = [due_ms(instance["due"]) - NOW_MS for instance in fleet.generate(12, seed)]
        assert min(left) < 0
        assert any(0 <= each < 5 * DAY_MS for each in left)
        assert sum(each > 5 * DAY_MS for each in left) == 10

    def test_shares_of_a_large_one(self):
        instances = fleet.generate(5000)
        assert len({instance["id"] for instance in instances}) == 5000
        disconnected = sum(not instance["whatsappConnected"] for instance in instances)
        unpaid = sum(instance["paymentStatus"] in ("UNPAID", "CANCELED") for instance in instances)
        empty = sum(not instance["name"] for instance in instances)
        assert (disconnected, unpaid, empty, sum(map(stale, instances))) == (250, 150, 50, 150)
        assert len({instance["name"] for instance in instances}) == 5000 - 100 - 50 + 1

    def test_forms(self):
        instances = fleet.generate(200)
        assert {type(instance.get("created")) for instance in instances} == {int, str, type(None)}
        assert any(instance.get("created") == "" for instance in instances)
        for field in ("tenant", "phoneConnected", "receivedStatusCallbackUrl", "created"):
            assert any(field not in instance for instance in instances)
        for instance in instances:
            assert len(instance["id"]) == 32
            assert set(instance["id"]) <= set("0123456789ABCDEF")


def stale(instance: dict[str, t.Any]) -> bool:
    own = f"https://hooks.example.com/{instance['id']}/received"
    assert instance["receivedCallbackUrl"] == own
    return bool(instance["receivedAndDeliveryCallbackUrl"] != own)


def due_ms(due: int | str) -> float:
    if isinstance(due, str) and not due.isdigit():
        return dt.datetime.fromisoformat(due.replace("Z", "+00:00")).timestamp() * 1000
    return float(due)


class TestFleetFile:
    def test_yaml(self, tmp_path):
        path = tmp_path / "fleet.yml"
        path.write_text(
            "partner_token: p\nclient_token: c\ninstances:\n"
            "- {id: '1', created: 2026-01-02T03:04:05Z, due: 2026-05-06, name: Ação, tenant: null}\n",
            encoding="utf-8",
        )
        read = fleet.read_fleet_file(path)
        assert (read.partner_token, read.client_token) == ("p", "c")
        assert read.instances == [
            {"id": "1", "created": "2026-01-02T03:04:05Z", "due": "2026-05-06", "name": "Ação", "tenant": None}
        ]

    def test_all_that_it_can_hold(self, tmp_path):
        path = tmp_path / "fleet.yml"
        path.write_text(
            "client_token: c\nfaults: ['status,code=404,instance=A', {kind: drop, times: 1}]\n"
            "switches: {due_in_seconds: true, me_without: [created]}\n"
            "instances:\n- {id: A, _me: {created: 2026-01-02}, _me_without: []}\n",
            encoding="utf-8",
        )
        read = fleet.read_fleet_file(path)
        assert read.faults == ["status,code=404,instance=A", {"kind": "drop", "times": 1}]
        assert read.switches == {"due_in_seconds": True, "me_without": ["created"]}
        assert read.instances == [{"id": "A", "_me": {"created": "2026-01-02"}, "_me_without": []}]

    def test_the_example_of_the_readme(self, tmp_path):
        readme = (EMULATOR_FOLDER / "README.md").read_text(encoding="utf-8")
        path = tmp_path / "fleet.yml"
        path.write_text(readme.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
        read = fleet.read_fleet_file(path)
        with Emulator(read.instances, client_token=read.client_token, faults=read.faults, switches=read.switches) as emulator:
            client_token = {"Client-Token": str(read.client_token)}
            assert set(me(emulator, read.instances[0], **client_token)) == {
                *("id", "token", "name", "receivedCallbackUrl", "autoReadMessage", "callbackTypeFilters")
            }
            path_of_b2 = instance_path(read.instances[1], "me")
            assert call(emulator, "GET", path_of_b2, token=None, headers=client_token).status == 401

    def test_json_needs_no_yaml(self, tmp_path, monkeypatch):
        path = tmp_path / "fleet.json"
        path.write_text('[{"id": "1"}]', encoding="utf-8")
        monkeypatch.setitem(sys.modules, "yaml", None)
        assert fleet.read_fleet_file(path) == fleet.FleetFile([{"id": "1"}])

    def test_yaml_without_pyyaml(self, tmp_path, monkeypatch):
        path = tmp_path / "fleet.yaml"
        path.write_text("[]", encoding="utf-8")
        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(fleet.FleetError, match="needs PyYAML"):
            fleet.read_fleet_file(path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("- 1", "instance 1 of the fleet must be a mapping"),
            ("a: b", "a fleet is a list"),
            ("just text", "a fleet is a list"),
            ("instances: {}", "must be a list"),
            ("instances: []\ninstance: []", "unknown key in the fleet: instance"),
            ("instances: []\npartner_token: 5", "partner_token of the fleet must be text"),
            ("instances: []\nfaults: drop", "faults of the fleet must be a list"),
            ("instances: []\nswitches: [a]", "switches of the fleet must be a mapping"),
            ("- {_me: [a]}", "_me of instance 1 of the fleet must be a mapping"),
            ("- {_me_without: name}", "_me_without of instance 1 of the fleet must be a list"),
            ("[", "is not valid YAML"),
            ("- {id: !!binary aGk=}", "a value of type bytes"),
        ],
    )
    def test_mistakes(self, tmp_path, text, message):
        path = tmp_path / "fleet.yml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(fleet.FleetError, match=message):
            fleet.read_fleet_file(path)

    def test_missing(self, tmp_path):
        with pytest.raises(fleet.FleetError, match="cannot read the fleet file"):
            fleet.read_fleet_file(tmp_path / "none.json")


class Script:
    """The emulator as a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.ready_file = folder / "ready"
        command = [sys.executable, str(EMULATOR_FOLDER / "zapi_emulator.py"), "--ready-file", str(self.ready_file)]
        self.process = subprocess.Popen(
            [*command, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def url(self) -> str:
        deadline = time.monotonic() + 20
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self.ready_file.read_text(encoding="utf-8").strip()

    def end(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=10)
        return self.process.returncode, output, errors


@pytest.fixture
def script(tmp_path):
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> Script:
            started = Script(tmp_path, *arguments)
            stack.callback(started.process.wait)
            stack.callback(started.process.kill)
            return started

        yield start


def get(url: str, token: str, **headers: str) -> Reply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", f"{parts.path}?{parts.query}", headers={"Authorization": f"Bearer {token}", **headers})
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


class TestCommandLine:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_runs_and_stops(self, script, number):
        running = script("--instances", "30", "--seed", "2", "--now", "2026-01-01")
        url = running.url()
        answer = get(f"{url}/instances?pageSize=50", DEFAULT_PARTNER_TOKEN)
        assert answer.json["content"] == listed(fleet.generate(30, 2, NOW_MS))
        code, output, errors = running.end(number)
        assert (code, errors, output.count("\n")) == (0, "", 1)
        assert url in output
        assert DEFAULT_PARTNER_TOKEN in output
        assert not running.ready_file.exists()

    def test_fleet_file_and_its_tokens(self, script, tmp_path):
        path = tmp_path / "fleet.json"
        path.write_text(json.dumps({"partner_token": "p", "instances": [row(1)]}), encoding="utf-8")
        running = script("--fleet", str(path), "--fault", "counts,total=5", "--list-status", "201")
        reply = get(f"{running.url()}/instances", "p")
        assert (reply.status, reply.json["total"], reply.json["content"]) == (201, 5, [row(1)])
        running.end(signal.SIGTERM)

    def test_option_comes_before_the_fleet_file(self, script, tmp_path):
        path = tmp_path / "fleet.json"
        path.write_text(json.dumps({"partner_token": "p", "instances": []}), encoding="utf-8")
        running = script("--fleet", str(path), "--partner-token", "mine")
        assert get(f"{running.url()}/instances", "mine").status == 200
        running.end(signal.SIGTERM)

    def test_fleet_file_with_faults_and_switches(self, script, tmp_path):
        path = tmp_path / "fleet.json"
        document = {
            "client_token": "c",
            "faults": [f"status,code=503,instance={row(2)['id']}"],
            "switches": {"due_in_seconds": True, "client_token_refusal": 403},
            "instances": [row(1, due=1648565999675, _me={"messageFilters": []}), row(2)],
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        running = script("--fleet", str(path), "--switch", "me_without=token,name", "--switch", "client_token_refusal=401")
        url = running.url()
        first, second = (get(url + instance_path(row(number), "me"), "", **{"Client-Token": "c"}) for number in (1, 2))
        assert first.json == {"id": row(1)["id"], "due": 1648565999, "messageFilters": []}
        assert second.status == 503
        refused = get(url + instance_path(row(1), "me"), "")
        assert (refused.status, refused.json) == (401, {"error": "null not allowed"}), "an option comes before the file"
        running.end(signal.SIGTERM)

    def test_demo_dates_are_near(self, script):
        running = script("--instances", "20")
        content = get(f"{running.url()}/instances?pageSize=20", DEFAULT_PARTNER_TOKEN).json["content"]
        left = [due_ms(instance["due"]) / 1000 - time.time() for instance in content]
        assert any(each < 0 for each in left)
        assert sum(each > 5 * 86_400 for each in left) >= 15
        running.end(signal.SIGTERM)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--fault", "sleep"], "unknown fault 'sleep'"),
            (["--switch", "due_in_seconds"], "expected NAME=VALUE"),
            (["--switch", "colour=red"], "the server has no option colour"),
            (["--fleet", "none.yml"], "cannot read the fleet file"),
            (["--instances", "-1"], "must not be negative"),
            (["--now", "soon"], "not a time"),
            (["--port", "99999"], "port must be"),
            (["--tls-cert", "none.pem"], "No such file"),
        ],
    )
    def test_mistakes(self, script, arguments, message):
        failed = script(*arguments)
        _output, errors = failed.process.communicate(timeout=20)
        assert failed.process.returncode != 0
        assert message in errors
        assert "Traceback" not in errors

    def test_import_with_its_folder_on_the_path(self, tmp_path):
        code = "from zapi_emulator import Emulator\nwith Emulator(count=3) as e: print(e.url, len(e.fleet))"
        environment = {**os.environ, "PYTHONPATH": str(EMULATOR_FOLDER)}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.split()[1] == "3"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=emulator", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
class TestTls:
    def connect(self, emulator: Emulator, context: ssl.SSLContext) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(urlsplit(emulator.url).netloc, timeout=5, context=context)

    def test_trusted(self, certificate):
        cert, key = certificate
        with Emulator([row(1)], tls_cert=cert, tls_key=key) as emulator:
            assert emulator.url.startswith("https://127.0.0.1:")
            connection = self.connect(emulator, ssl.create_default_context(cafile=cert))
            with contextlib.closing(connection):
                connection.request("GET", "/instances", headers={"Authorization": f"Bearer {DEFAULT_PARTNER_TOKEN}"})
                assert json.loads(connection.getresponse().read())["total"] == 1

    def test_distrusted(self, certificate, capfd):
        cert, key = certificate
        with Emulator([row(1)], tls_cert=cert, tls_key=key) as emulator:
            connection = self.connect(emulator, ssl.create_default_context())
            with contextlib.closing(connection), pytest.raises(ssl.SSLCertVerificationError):
                connection.request("GET", "/instances")
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("fault", ["drop", "hang"])
    def test_faults(self, certificate, fault):
        cert, key = certificate
        with Emulator([row(1)], tls_cert=cert, tls_key=key, faults=[fault]) as emulator:
            connection = self.connect(emulator, ssl.create_default_context(cafile=cert))
            connection.timeout = 0.5
            with contextlib.closing(connection):
                connection.request("GET", "/instances")
                with pytest.raises((ConnectionError, TimeoutError)):
                    connection.getresponse()

    def test_a_silent_client_blocks_nobody(self, certificate):
        cert, key = certificate
        with Emulator([row(1)], tls_cert=cert, tls_key=key) as emulator:
            connection = self.connect(emulator, ssl.create_default_context(cafile=cert))
            with socket.create_connection(address_of(emulator), 5), contextlib.closing(connection):
                connection.request("GET", "/instances")
                assert connection.getresponse().status == 401


def test_a_port_in_use_is_told_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        main(["--port", str(taken.getsockname()[1])])
    assert ended.value.code == 1
    *lines, rest = capsys.readouterr().err.split("\n")
    assert rest == ""
    assert [line.partition(" is in use")[2] for line in lines] == [": choose another one, or leave --port out for a free one"]
