# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The emulator over HTTP: it answers like Z-API, and its faults do what the README says."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from ansible_collections.zapi.zapi.tests.emulator import faults, fleet
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import DEFAULT_PARTNER_TOKEN, Emulator, main

pytestmark = pytest.mark.once

FOLDER = Path(__file__).resolve().parents[2] / "emulator"
HOOK = "https://hooks.example.com/hook"
LAPSED = {"error": "To continue sending a message, you must subscribe to this instance again"}

WEBHOOKS = {
    "update-webhook-received": ["receivedCallbackUrl"],
    "update-webhook-received-delivery": ["receivedAndDeliveryCallbackUrl"],
    "update-webhook-delivery": ["deliveryCallbackUrl"],
    "update-webhook-message-status": ["messageStatusCallbackUrl"],
    "update-webhook-chat-presence": ["presenceChatCallbackUrl"],
    "update-webhook-connected": ["connectedCallbackUrl"],
    "update-webhook-disconnected": ["disconnectedCallbackUrl"],
    "update-proxy-webhook": [],
}
URL_FIELDS = [*(field for fields in WEBHOOKS.values() for field in fields), "receivedStatusCallbackUrl"]
FILTERS = {"messageFilters": ["FILTER_FROM_GROUP"], "callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}
SETTINGS: dict[str, tuple[t.Any, t.Any]] = {  # call: the body, and what `/me` returns afterwards
    "update-notify-sent-by-me": ({"notifySentByMe": True}, {"receiveCallbackSentByMe": True}),
    "update-auto-read-message": ({"value": True}, {"autoReadMessage": True}),
    "update-auto-read-status": ({"value": True}, {"autoReadStatus": True}),
    "update-call-reject-auto": ({"value": True}, {"callRejectAuto": True}),
    "update-call-reject-message": ({"value": "Não atendo"}, {"callRejectMessage": "Não atendo"}),
    "update-filters": (FILTERS, FILTERS),
}
DOCUMENTED_FIELDS = {
    *("token", "tenant", "created", "due", "paymentStatus", "phoneConnected", "whatsappConnected", "middleware", "name", "id"),
    *URL_FIELDS,
}
ME_FIELDS = {
    *("id", "token", "name", "due", "connected", "paymentStatus", "created", "initialDataCallbackUrl", *URL_FIELDS),
    *("receiveCallbackSentByMe", "autoReadMessage", "autoReadStatus", "callRejectAuto", "callRejectMessage", *FILTERS),
}


class Reply(t.NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> t.Any:
        return json.loads(self.body)


def call(url, method, target, body=None, *, token=DEFAULT_PARTNER_TOKEN, timeout=10, context=None, **headers):
    """Send one request. A body other than text is sent as JSON; underscores in names of headers become hyphens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent.setdefault("Authorization", f"Bearer {token}")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        sent.setdefault("Content-Type", "application/json")
    netloc = urlsplit(url.url if isinstance(url, Emulator) else url).netloc
    connection = http.client.HTTPConnection(netloc, timeout=timeout)
    if context:
        connection = http.client.HTTPSConnection(netloc, timeout=timeout, context=context)
    with contextlib.closing(connection):
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


def row(number, **fields):
    return {"id": f"{number:032X}", "token": f"T{number}", "name": f"shop-{number}", "middleware": "web", **fields}


def path(instance, name):
    return f"/instances/{instance['id']}/token/{instance['token']}/{name}"


def listing(emulator, **parameters):
    reply = call(emulator, "GET", f"/instances?{urlencode(parameters)}")
    assert reply.status == 200
    return reply.json


def names(answer):
    return [instance["name"] for instance in answer["content"]]


def get(emulator, instance, name):
    reply = call(emulator, "GET", path(instance, name), token=None)
    assert reply.status == 200, reply
    return reply.json


def put(emulator, instance, name, body, **options):
    return call(emulator, "PUT", path(instance, name), body, token=None, **options)


def set_hook(emulator, number=1, **options):
    return put(emulator, row(number), "update-webhook-received", {"value": HOOK}, **options)


def hook_of(emulator):
    return emulator.fleet[0].get("receivedCallbackUrl")


@pytest.fixture
def start():
    with contextlib.ExitStack() as stack:
        yield lambda *instances, **options: stack.enter_context(Emulator(instances, **options))


@pytest.fixture
def seven(start):
    return start(*[row(number) for number in range(1, 8)])


class TestListing:
    def test_pages_hold_every_instance_once_and_in_order(self, seven):
        pages = [names(listing(seven, page=page, pageSize=3)) for page in (1, 2, 3, 4)]
        assert pages == [["shop-1", "shop-2", "shop-3"], ["shop-4", "shop-5", "shop-6"], ["shop-7"], []]
        head = {**listing(seven, page=2, pageSize=3), "content": None}
        assert head == {"total": 7, "totalPage": 3, "pageSize": 3, "page": 2, "content": None}

    def test_parameters(self, seven):
        assert names(call(seven, "GET", "/instances", {"page": 2, "pageSize": 6}).json) == ["shop-7"]
        assert names(call(seven, "GET", "/instances?page=1", {"page": 2, "pageSize": 6}).json)[0] == "shop-1"
        for query in ("page=0", "page=x", "page=", "pageSize=0", "pageSize=1.5"):
            assert call(seven, "GET", f"/instances?{query}").status == 400
        assert call(seven, "POST", "/instances", {}).status == 405

    def test_search_and_middleware(self, start):
        emulator = start(row(1, name="Pão 1"), row(0xA, middleware="mobile"), {"id": "3", "name": "other"})
        assert names(listing(emulator, query="pÃO")) == ["Pão 1"]
        assert names(listing(emulator, query="00a")) == ["shop-10"]
        assert names(listing(emulator, middleware="mobile")) == ["shop-10"]
        assert names(listing(emulator, middleware="web", query="shop")) == []
        emulator.change_instance("3", name="new")
        assert names(listing(emulator, query="NEW")) == ["new"]

    @pytest.mark.parametrize(("null_content", "content"), [(False, []), (True, None)])
    def test_empty_fleet(self, start, null_content, content):
        emulator = start(switches={"null_content": null_content}, list_status=201)
        reply = call(emulator, "GET", "/instances")
        assert (reply.status, reply.json["total"], reply.json["content"]) == (201, 0, content)

    def test_instances_are_returned_as_written(self, start):
        odd = {"id": 7, "name": "{{ x }} \ud800 ç", "due": 10**30, "receivedCallbackUrl": None}
        emulator = start({**odd, "_me": {}, "_status": {}, "_device": {}, "_lapsed": False})
        assert listing(emulator)["content"] == [odd]
        emulator.replace_fleet([row(1, name="Ação")])
        assert "Ação".encode() in call(emulator, "GET", "/instances").body

    def test_large_fleets_are_listed_fast(self):
        with Emulator(count=10_000) as emulator:
            started = time.monotonic()
            assert sum(len(listing(emulator, page=page, pageSize=200)["content"]) for page in range(1, 51)) == 10_000
            assert time.monotonic() - started < 5


class TestCredentials:
    @pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer", "Basic eDp5", "mine"])
    def test_partner_token(self, start, authorization):
        emulator = start(partner_token="mine")
        assert call(emulator, "GET", "/instances", token="mine").status == 200
        reply = call(emulator, "GET", "/instances", token=None, Authorization=authorization)
        assert (reply.status, list(reply.json)) == (401, ["error"])

    @pytest.mark.parametrize(
        ("switches", "sent", "status", "error"),
        [
            ({}, {}, 400, "your client-token is not configured"),
            ({}, {"Client_Token": "nope"}, 403, "Client-Token nope not allowed"),
            ({"client_token_refusal": 200}, {"Client_Token": "nope"}, 200, "null not allowed"),
        ],
    )
    def test_client_token(self, start, switches, sent, status, error):
        emulator = start(row(1), client_token="secret", switches=switches)
        for method, name in (("GET", "me"), ("GET", "status"), ("GET", "device"), *(("PUT", name) for name in WEBHOOKS)):
            reply = call(emulator, method, path(row(1), name), {"value": HOOK}, token=None, **sent)
            assert (reply.status, reply.json) == (status, {"error": error})
            assert call(emulator, method, path(row(1), name), {"value": HOOK}, Client_Token="secret").status == 200
        assert listing(emulator)["total"] == 1, "partner calls need no Client-Token"

    @pytest.mark.parametrize("statuses", [(404, 404), (400, 200)])
    def test_wrong_id_token_or_path(self, start, statuses):
        switches = {"credential_status": statuses[0], "path_status": statuses[1]} if statuses != (404, 404) else {}
        emulator = start(row(1), {"id": "A"}, {"id": "B", "token": ""}, switches=switches)
        for target in (
            path(row(1), "me")[:-3] + "x/me",
            path(row(2), "me"),
            "/instances/A/token/None/me",
            "/instances/B/token//me",
        ):
            reply = call(emulator, "GET", target)
            assert (reply.status, reply.json) == (statuses[0], {"error": "Instance not found"})
        for target in (path(row(1), "unknown"), "/v2/instances", "/instances/", "/"):
            reply = call(emulator, "GET", target)
            assert (reply.status, reply.json["error"]) == (statuses[1], "NOT_FOUND")
            assert reply.json["message"] == "Unable to find matching target resource method"


class TestReadCalls:
    def test_me_of_generated_instances(self):
        with Emulator(count=50) as emulator:
            for instance in emulator.fleet:
                shown = get(emulator, instance, "me")
                assert set(shown) == ME_FIELDS - ({"created"} - set(instance))
                assert shown["connected"] == instance["whatsappConnected"]
                assert all(shown[field] == instance[field] for field in set(shown) & set(instance))

    def test_me_returns_what_is_written(self, start):
        own = {"messageFilters": None, "newField": [1], "proxyUrl": "socks5://u:p@host:1", "useProxy": True}
        instance = row(1, tenant="T", phoneConnected=True, whatsappConnected=None, newCallbackUrl=None, _me=own)
        emulator = start(instance, row(1, name="another with this ID"))
        kept = {field: instance[field] for field in ("id", "token", "name", "newCallbackUrl")}
        assert get(emulator, instance, "me") == {**kept, **own, "connected": None}

    def test_switches_of_me(self, start):
        rows = [row(1, due=1648565999675), row(2, due="1648565999675", _me_without=["id"]), row(3, due=5)]
        emulator = start(*rows, switches={"me_without": "name, token", "due_in_seconds": True})
        shown = [get(emulator, instance, "me") for instance in rows]
        assert shown[:2] == [{"id": rows[0]["id"], "due": 1648565999}, {"name": "shop-2", "token": "T2", "due": 1648565999}]
        assert shown[2]["due"] == 5
        assert listing(emulator)["content"][0] == rows[0]

    @pytest.mark.parametrize(
        ("fields", "states", "error"),
        [
            ({"whatsappConnected": True, "phoneConnected": True}, [True, True, True], "You are already connected."),
            ({"phoneConnected": True}, [False, True, True], "You need to restore the session."),
            ({"_status": {"session": True}}, [False, False, True], "You need to restore the session."),
            ({}, [False, False, False], "You are not connected."),
            ({"whatsappConnected": True, "_status": {"error": "x", "smartphoneConnected": None}}, [True, None, True], "x"),
        ],
    )
    def test_status(self, start, fields, states, error):
        status = get(start(row(1, **fields)), row(1), "status")
        assert [status[field] for field in ("connected", "smartphoneConnected", "session")] == states
        assert status["error"] == error

    def test_status_without_and_device(self, start):
        emulator = start(row(1, _status_without=["connected", "smartphoneConnected", "session"], _device={"phone": "55"}), row(2))
        assert get(emulator, row(1), "status") == {"error": "You are not connected."}
        assert [get(emulator, row(number), "device") for number in (1, 2)] == [{"phone": "55"}, {}]


class TestLapsedSubscription:
    @pytest.mark.parametrize(
        ("switches", "rejected"),
        [({}, "status PUT send"), ({"lapsed_rejects": "me,device"}, "me device"), ({"lapsed_rejects": ""}, "")],
    )
    def test_rejected_calls(self, start, switches, rejected):
        emulator = start(row(1, _lapsed=True), row(2), switches=switches)
        calls = [("GET", name) for name in ("me", "status", "device")] + [("POST", "send-text")]
        for method, name in (*calls, *(("PUT", name) for name in (*WEBHOOKS, *SETTINGS))):
            reply = call(emulator, method, path(row(1), name), {}, token=None)
            assert ((reply.status, reply.json) == (400, LAPSED)) == (name.partition("-")[0] in rejected or method in rejected)
            assert call(emulator, method, path(row(2), name), {}, token=None).json != LAPSED
        assert call(emulator, "POST", path(row(2), "send-text"), {}).json.keys() == {"zaapId", "messageId", "id"}
        emulator.change_instance(row(1)["id"], _lapsed=False)
        assert set_hook(emulator).status == 200


class TestPutCalls:
    @pytest.mark.parametrize("name", [*WEBHOOKS, "update-every-webhooks"])
    def test_webhooks(self, start, name):
        fields = WEBHOOKS.get(name, URL_FIELDS)
        emulator = start(row(1), row(2))
        for url in ("http://plain.example.com", HOOK + "?x=ç", ""):
            reply = put(emulator, row(1), name, {"value": url})
            assert (reply.status, reply.json) == (200, {"value": True})
            for shown in (get(emulator, row(1), "me"), listing(emulator)["content"][0]):
                assert {field: value for field, value in shown.items() if field.endswith("Url")} == dict.fromkeys(fields, url)
            assert listing(emulator)["content"][1] == row(2)

    @pytest.mark.parametrize(("name", "body", "shown"), [(name, *both) for name, both in SETTINGS.items()])
    def test_settings(self, start, name, body, shown):
        emulator = start(row(1))
        assert put(emulator, row(1), name, body).json == {"value": True}
        assert get(emulator, row(1), "me").items() >= shown.items()
        assert listing(emulator)["content"] == [row(1)]
        body = {"disableEnqueueWhenDisconnected": True}
        assert put(emulator, row(1), "update-queue-settings", body).json == {"success": True}

    def test_a_field_is_changed_where_it_is(self, start):
        emulator = start(row(1, callRejectAuto=False, autoReadStatus=False, _me={"autoReadMessage": 0, "callRejectAuto": 0}))
        for name in ("update-auto-read-message", "update-auto-read-status", "update-call-reject-auto"):
            put(emulator, row(1), name, {"value": True})
        listed = row(1, callRejectAuto=True, autoReadStatus=True)
        assert emulator.fleet == [{**listed, "_me": {"autoReadMessage": True, "callRejectAuto": True}}]
        assert listing(emulator)["content"] == [listed]

    @pytest.mark.parametrize("body", [{"messageFilters": ["X"]}, {"callbackTypeFilters": ["X"], "messageFilters": None}])
    def test_one_list_of_filters_alone_has_no_effect(self, start, body):
        emulator = start(row(1, _me=FILTERS))
        assert put(emulator, row(1), "update-filters", body).json == {"value": True}
        assert get(emulator, row(1), "me").items() >= FILTERS.items()

    @pytest.mark.parametrize("field", faults.SENT_BY_ME_FIELDS)
    def test_sent_by_me(self, start, field):
        emulator = start(row(1, _me={field: False}), switches={"sent_by_me_field": "notifySentByMe"})
        for name, body, expected in (
            ("update-webhook-received", {"value": HOOK}, False),
            ("update-every-webhooks", {"value": HOOK}, False),
            ("update-webhook-received-delivery", {"value": ""}, True),
            ("update-every-webhooks", {"value": HOOK, "notifySentByMe": False}, False),
            ("update-notify-sent-by-me", {"notifySentByMe": True}, True),
        ):
            put(emulator, row(1), name, body)
            assert emulator.fleet[0]["_me"] == {field: expected}
            assert get(emulator, row(1), "me")["notifySentByMe"] is expected

    @pytest.mark.parametrize("name", [*WEBHOOKS, *SETTINGS, "update-queue-settings"])
    def test_invalid_bodies(self, seven, name):
        assert {put(seven, row(1), name, body).status for body in ({}, [], {"value": 1})} == {400}
        assert put(seven, row(1), name, "{", Content_Type="application/json").status == 400
        assert put(seven, row(1), name, "{}", Content_Type="text/plain").status == 415
        assert call(seven, "GET", path(row(1), name)).status == 405
        assert seven.fleet[0] == row(1)

    def test_urls(self, start):
        for switches, status in (({}, 200), ({"reject_http": True}, 400)):
            emulator = start(row(1), switches=switches)
            urls = ["http://a.example", HOOK, "", None, "https://", "https://[x", "x", "ftp://x"]
            replies = [put(emulator, row(1), "update-webhook-received", {"value": url}) for url in urls]
            assert [reply.status for reply in replies] == [status, 200, 200, 400, 400, 400, 400, 400]


class TestFaults:
    @pytest.mark.parametrize("taken", [False, True])
    @pytest.mark.parametrize(
        ("rule", "status", "body"),
        [
            ("status,code=500", 500, b'{"error": "Internal Server Error"}'),
            ("status,code=522,html=true,message=x", 522, b"<html><head><title>x"),
            ("lapsed", 400, json.dumps(LAPSED).encode()),
            ("ip_restricted", 403, b'{"error": "[IP request] not allowed"}'),
            ("html", 200, b"<html>"),
            ("redirect,location=https://elsewhere.example/", 302, b""),
            ('body,json={"value": false}', 200, b'{"value": false}'),
            ("body,text=error code: 1015,code=429,content_type=text/plain", 429, b"error code: 1015"),
            ("drop", None, None),
            ("hang", None, None),
        ],
    )
    def test_answers_that_do_not_depend_on_the_request(self, seven, rule, status, body, taken):
        seven.set_faults([f"{rule},times=1,call=update-webhook-received,taken={str(taken).lower()}"])
        reply = None
        with contextlib.suppress(OSError):
            reply = set_hook(seven, timeout=0.2)
        assert (reply and reply.status) == status
        assert reply is None or reply.body.startswith(body)
        assert hook_of(seven) == (HOOK if taken else None)
        assert set_hook(seven, 2).json == {"value": True}

    def test_status(self, seven):
        seven.set_faults(["status,code=429,retry_after=7,message=slow down,times=1", "status,code=500,echo_token=true"])
        reply = call(seven, "GET", "/instances")
        assert (reply.headers["Retry-After"], reply.json) == ("7", {"error": "slow down"})
        assert b"Bearer sesame" in call(seven, "GET", "/instances", token="sesame").body
        reply = call(seven, "GET", path(row(1), "me"), token=None, Client_Token="c-secret")
        assert f": Client-Token c-secret: token T1: GET {path(row(1), 'me')}".encode() in reply.body

    def test_drop_and_truncate(self, seven):
        seven.set_faults(["drop,times=1", "truncate"])
        with pytest.raises(ConnectionResetError) as caught:
            set_hook(seven)
        assert (caught.type, hook_of(seven)) == (ConnectionResetError, None)
        with pytest.raises(http.client.IncompleteRead) as incomplete:
            set_hook(seven)
        assert (incomplete.value.partial, hook_of(seven)) == (b'{"value', HOOK)

    @pytest.mark.parametrize("head", [False, True])
    def test_drip(self, seven, head):
        expected = call(seven, "GET", "/instances", token="x").body
        seven.set_faults([{"kind": "drip", "seconds": 0.02, "size": 9, "head": head}])
        with socket.create_connection(("127.0.0.1", urlsplit(seven.url).port), 5) as connection:
            connection.sendall(b"GET /instances HTTP/1.1\r\nConnection: close\r\n\r\n")
            received = list(iter(lambda: connection.recv(4096), b""))
        assert b"".join(received).endswith(b"\r\n\r\n" + expected)
        assert (len(received[0]) <= 9, len(received) > len(expected) // 9) == (head, True)

    def test_ignore(self, seven):
        seven.set_faults(["ignore,times=1"])
        assert get(seven, row(1), "me")["name"] == "shop-1"
        assert [(set_hook(seven).json, hook_of(seven)) for _number in range(2)] == [
            ({"value": True}, None),
            ({"value": True}, HOOK),
        ]

    def test_another_value_is_stored(self, seven):
        for rule, sent, stored in (
            ("store,value=null", HOOK, None),
            ("store,value=other", HOOK, "other"),
            ("normalize", "https://HOOKS.example.com", "https://hooks.example.com/"),
            ("normalize", "https://h.example/ç%20{x}?A=ç", "https://h.example/%C3%A7%20%7Bx%7D?A=ç"),
            ("normalize", "", ""),
        ):
            seven.set_faults([rule])
            assert put(seven, row(1), "update-webhook-received", {"value": sent}).json == {"value": True}
            assert hook_of(seven) == stored
            assert put(seven, row(1), "update-auto-read-message", {"value": True}).status == 200

    def test_huge_body_and_gzip_bomb(self, seven):
        seven.set_faults(["padding,size=3000000"])
        reply = call(seven, "GET", "/instances")
        assert (len(reply.body) > 3_000_000, reply.json["total"]) == (True, 7)
        seven.set_faults(["padding,size=30000001", "gzip"])
        reply = call(seven, "GET", "/instances")
        body = gzip.decompress(reply.body)
        assert (reply.headers["Content-Encoding"], json.loads(body)["total"]) == ("gzip", 7)
        assert len(reply.body) * 100 < 30_000_000 < len(body)

    def test_headers(self, seven):
        seven.set_faults(["header,name=content-encoding,value=br", "header,name=Content-Length,value=9,after=1,times=1"])
        first, second = (call(seven, "GET", "/instances") for _number in range(2))
        assert (first.headers["Content-Encoding"], second.body) == ("br", first.body[:9])
        seven.set_faults(["header,name=Content-Length", "status,code=500"])
        reply = call(seven, "GET", "/instances")
        assert ("Content-Length" in reply.headers, reply.json) == (False, {"error": "Internal Server Error"})

    def test_listing(self, seven):
        for rule, page, size, numbers, first in (
            ("page_size_limit,maximum=5,fallback=2", 2, 6, [7, 4, 2, 2], "shop-3"),
            ("page_size_limit,maximum=5,fallback=2", 2, 5, [7, 2, 5, 2], "shop-6"),
            ("short_pages,rows=2", 2, 4, [7, 2, 4, 2], "shop-3"),
            ("ignore_page", 3, 2, [7, 4, 2, 1], "shop-1"),
            ("ignore_page,echo=true", 3, 2, [7, 4, 2, 3], "shop-1"),
            ("counts,total=9,totalPage=x,pageSize=null,shown_page=-1", 7, 1, [9, "x", None, -1], "shop-7"),
        ):
            seven.set_faults([rule])
            answer = listing(seven, page=page, pageSize=size)
            assert ([answer[key] for key in ("total", "totalPage", "pageSize", "page")], names(answer)[0]) == (numbers, first)

    @pytest.mark.parametrize(("where", "missed"), [("end", "shop-4"), ("start", "Loja Nova 1")])
    def test_fleet_changes_while_it_is_listed(self, seven, where, missed):
        seven.set_faults([f"change_fleet,remove=1,add=1,page=2,times=1,where={where}"])
        pages = [listing(seven, page=page, pageSize=3) for page in (1, 2, 3)]
        listed, present = {name for page in pages for name in names(page)}, {instance["name"] for instance in seven.fleet}
        assert ({page["total"] for page in pages}, len(listed)) == ({7}, 7)
        assert (listed - present, present - listed) == ({"shop-1"}, {missed})

    def test_latency(self, seven):
        seven.set_faults(["latency,seconds=0.2"])
        started = time.monotonic()
        with ThreadPoolExecutor(20) as pool:
            assert [answer["total"] for answer in pool.map(lambda _number: listing(seven), range(20))] == [7] * 20
        assert 0.2 <= time.monotonic() - started < 2
        assert seven.max_concurrent > 10  # a busy machine starts threads late

    def test_order_and_counters(self, seven):
        seven.set_faults(["status,code=503,after=1,times=2", "status,code=429,times=1", "ignore_page"])
        assert [call(seven, "GET", "/instances", token="x").status for _number in range(5)] == [429, 503, 503, 401, 401]
        assert [(rule["matched"], rule["fired"]) for rule in seven.faults] == [(5, 2), (3, 1), (5, 5)]
        assert seven.requests[0]["faults"] == ["status", "ignore_page"]

    def test_filters(self, seven):
        targets = ["/instances?page=1", "/instances?page=2", path(row(1), "me"), path(row(2), "me")]
        for filters, matching in {
            "page=2": [1],
            "path=/instances/": [2, 3, 4],
            "method=PUT": [4],
            f"instance={row(1)['id']}": [2],
            "call=me": [2, 3],
            f"instance={row(2)['id']},call=me": [3],
        }.items():
            seven.set_faults([f"status,code=418,{filters}"])
            replies = [*(call(seven, "GET", target) for target in targets), set_hook(seven, 2)]
            assert [number for number, reply in enumerate(replies) if reply.status == 418] == matching

    def test_invalid_rules_and_switches(self, seven):
        for rule, message in {
            "sleep": "unknown fault 'sleep'; known faults: latency",
            "latency": "needs seconds",
            "status,code=42": "code of fault status must be an HTTP status from 200 to 599, not '42'",
            "status,code=500,colour=red": "no option colour; known options: code",
            "status,code": "expected option=value",
        }.items():
            with pytest.raises(faults.FaultError, match=message):
                seven.set_faults(["drop", rule])
        assert seven.faults == []
        with pytest.raises(faults.FaultError, match="no option due; known options: client_token_refusal"):
            Emulator([], switches={"due": True})


class TestControl:
    def test_fleet_and_instances(self, seven):
        instance = f"/_emulator/instances/{row(2)['id']}"
        shown = call(seven, "GET", "/_emulator/fleet", token=None).json
        assert shown == {"instances": seven.fleet}
        assert call(seven, "PUT", "/_emulator/fleet", shown).json == {"total": 7}
        assert call(seven, "PATCH", instance, {"name": "x", "_me": {"a": 1}}).json == row(2, name="x", _me={"a": 1})
        assert names(listing(seven))[1] == "x"
        assert call(seven, "DELETE", instance).json == {"total": 6}
        assert call(seven, "POST", "/_emulator/instances", row(8)).json == {"total": 7}
        assert call(seven, "POST", "/_emulator/instances", [row(9), row(2)]).json == {"total": 9}

    def test_faults(self, seven):
        rules = call(seven, "PUT", "/_emulator/faults", ["status,code=500", {"kind": "latency", "seconds": 0}]).json
        assert call(seven, "PUT", "/_emulator/faults", rules).json == rules, "its own output is accepted"
        assert call(seven, "GET", "/instances").status == 500
        assert call(seven, "DELETE", "/_emulator/faults").json == []
        assert call(seven, "PUT", "/_emulator/faults", ["sleep"]).status == 400
        assert call(seven, "GET", "/_emulator/nothing").status == 404


class TestLog:
    def test_entries(self, start):
        emulator = start(row(1), client_token="c-secret")
        call(emulator, "GET", "/instances?page=2", User_Agent="me/1")
        call(emulator, "GET", path(row(1), "me"), Client_Token="c-secret")
        set_hook(emulator, Client_Token="c-wrong", Authorization="Basic eDp5")
        log = call(emulator, "GET", "/_emulator/requests").json
        assert log == {"count": 3, "max_concurrent": 1, "requests": emulator.requests}
        columns = ("method", "instance", "call", "body", "status", "authorization", "client_token")
        assert [tuple(entry[column] for column in columns) for entry in log["requests"]] == [
            ("GET", None, None, None, 200, "right", "missing"),
            ("GET", row(1)["id"], "me", None, 200, "right", "right"),
            ("PUT", row(1)["id"], "update-webhook-received", {"value": HOOK}, 403, "wrong", "wrong"),
        ]
        assert log["requests"][0]["headers"]["User-Agent"] == "me/1"
        assert abs(log["requests"][0]["time"] - time.time()) < 60
        assert call(emulator, "DELETE", "/_emulator/requests").json == {"count": 0, "max_concurrent": 0, "requests": []}

    def test_has_no_token(self, start):
        emulator = start(row(1, token="i-secret"), partner_token="p-secret", client_token="c-secret")
        for target in (path(emulator.fleet[0], "x"), "/x//Token//i-secret//me", "/instances?token=i-secret&key=p%2Dsecret"):
            call(emulator, "PUT", target, {"value": f"{HOOK}/c-secret"}, token="w-secret", Client_Token="c-secret")
        set_hook(emulator, Client_Token="c-secret")
        assert "secret" not in str(emulator.requests)
        assert [entry["client_token"] for entry in emulator.requests] == ["right"] * 4

    def test_on_request(self, seven):
        seven.on_request = lambda entry: seven.change_instance(row(1)["id"], name=f"before {entry['call']}")
        assert get(seven, row(1), "me")["name"] == "before me"


class TestStartAndStop:
    def test_is_fast(self):
        before, seconds = set(threading.enumerate()), []
        for _number in range(20):
            started = time.perf_counter()
            with Emulator([row(1)]) as emulator:
                assert emulator.url
            seconds.append(time.perf_counter() - started)
        assert statistics.median(seconds) < 0.01
        assert set(threading.enumerate()) <= before

    def test_stop_ends_everything(self):
        before = set(threading.enumerate())
        emulator = Emulator([row(1)], faults=["hang,page=1", "latency,seconds=30,page=2", "drip,seconds=30,page=3"])
        emulator.start()
        address = ("127.0.0.1", urlsplit(emulator.url).port)
        with contextlib.ExitStack() as stack:
            idle, *busy = (stack.enter_context(socket.create_connection(address, 5)) for _number in range(4))
            for page, connection in enumerate(busy, 1):
                connection.sendall(f"GET /instances?page={page} HTTP/1.1\r\n\r\n".encode())
            deadline = time.monotonic() + 5
            while len(emulator.requests) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            started = time.monotonic()
            emulator.stop()
            assert time.monotonic() - started < 2
            assert (set(threading.enumerate()) <= before, idle.recv(1)) == (True, b"")
        with emulator:
            assert listing(emulator, page=4)["total"] == 1, "can be started again"


class TestFleets:
    def test_generated_fleet_depends_on_its_arguments_alone(self):
        assert fleet.generate(30, 5) == fleet.generate(30, 5) != fleet.generate(30, 6)
        assert fleet.generate(30, 5)[0]["due"] != fleet.generate(30, 5, fleet.DEFAULT_NOW_MS + fleet.DAY_MS)[0]["due"]
        assert [len({instance["id"] for instance in fleet.generate(count)}) for count in (0, 1, 2, 5)] == [0, 1, 2, 5]

    @pytest.mark.parametrize(("count", "flaws"), [(12, [1, 0, 1, 1, 0]), (25, [1, 0, 1, 1, 1]), (5000, [150, 75, 250, 150, 50])])
    def test_generated_flaws_and_forms(self, count, flaws):
        instances = fleet.generate(count)
        assert [
            sum(instance["paymentStatus"] in ("UNPAID", "CANCELED") for instance in instances),
            sum("_lapsed" in instance and instance["paymentStatus"] in ("UNPAID", "CANCELED") for instance in instances),
            sum(not instance["whatsappConnected"] for instance in instances),
            sum("old-hooks" in instance["receivedAndDeliveryCallbackUrl"] for instance in instances),
            sum(not instance["name"] for instance in instances),
        ] == flaws
        assert len({instance["name"] for instance in instances}) < count
        assert len({instance["_device"]["phone"] for instance in instances}) == count
        assert {type(instance["due"]) for instance in instances} == {int, str}
        fields = {field for instance in instances for field in instance if field[0] != "_"}
        assert fields == {*DOCUMENTED_FIELDS, "autoReadMessage", "callRejectAuto"}

    def test_example_of_the_readme(self, tmp_path):
        readme = (FOLDER / "README.md").read_text(encoding="utf-8")
        (tmp_path / "fleet.yml").write_text(readme.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
        read = fleet.read_fleet_file(tmp_path / "fleet.yml")
        first, second = read.instances
        with Emulator(read.instances, client_token=read.client_token, faults=read.faults, switches=read.switches) as emulator:
            shown = call(emulator, "GET", path(first, "me"), Client_Token=read.client_token).json
            assert set(shown) == {"id", "token", "name", "receivedCallbackUrl", *first["_me"]}
            replies = [call(emulator, "GET", path(second, name), Client_Token=read.client_token) for name in ("me", "status")]
            assert [reply.status for reply in replies] == [401, 400]

    def test_fleet_files(self, tmp_path):
        file = tmp_path / "fleet.yml"
        file.write_text("- {id: '1', created: 2026-01-02T03:04:05Z, due: 2026-05-06, tenant: null}", encoding="utf-8")
        expected = {"id": "1", "created": "2026-01-02T03:04:05Z", "due": "2026-05-06", "tenant": None}
        assert fleet.read_fleet_file(file).instances == [expected]
        for text, message in {
            "a: b": "a fleet must be a list of instances",
            "- {_status_without: error}": "_status_without of instance 1 of the fleet must be a list",
            "[": "is not valid YAML",
        }.items():
            file.write_text(text, encoding="utf-8")
            with pytest.raises(fleet.FleetError, match=message):
                fleet.read_fleet_file(file)


class TestCommandLine:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_options_override_the_fleet_file(self, tmp_path, number):
        file, ready, deadline = tmp_path / "fleet.json", tmp_path / "ready", time.monotonic() + 20
        switches = {"path_status": 200, "client_token_refusal": 403}
        document = {"client_token": "c", "instances": [row(1)], "faults": ["status,code=503,call=device"], "switches": switches}
        file.write_text(json.dumps({**document, "partner_token": "p"}), encoding="utf-8")
        arguments = ["--fleet", file, "--partner-token", "mine", "--list-status", "201", "--ready-file", ready]
        arguments += ["--fault", "status,code=500,call=device,times=1", "--switch", "client_token_refusal=401"]
        process = subprocess.Popen([sys.executable, FOLDER / "zapi_emulator.py", *arguments], stdout=-1, stderr=-1, text=True)
        try:
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            url = ready.read_text(encoding="utf-8").strip()
            reply = call(url, "GET", "/instances", token="mine")
            assert (reply.status, reply.json["content"]) == (201, [row(1)])
            replies = [call(url, "GET", path(row(1), name)) for name in ("me", "device", "device", "unknown")]
            assert [reply.status for reply in replies] == [401, 500, 503, 200]
            process.send_signal(number)
            output, errors = process.communicate(timeout=10)
            assert (process.returncode, errors, url in output, ready.exists()) == (0, "", True, False)
        finally:
            process.kill()
            process.wait()

    def test_mistakes(self, capsys):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            for arguments, message in (
                (["--fault", "sleep"], "unknown fault 'sleep'"),
                (["--switch", "due_in_seconds"], "expected NAME=VALUE"),
                (["--fleet", "none.yml"], "cannot read the fleet file"),
                (["--now", "soon"], "not a time"),
                (["--port", str(taken.getsockname()[1])], "is in use: choose another one, or omit --port to use a free one"),
            ):
                with pytest.raises(SystemExit):
                    main(arguments)
                assert message in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to create a certificate")
def test_tls(tmp_path, capfd):
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=emulator"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    trusting, rules = ssl.create_default_context(cafile=tmp_path / "cert.pem"), ["drop,page=2", "hang,page=3"]
    capfd.readouterr()
    with (
        Emulator([row(1)], tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem", faults=rules) as emulator,
        socket.create_connection(("127.0.0.1", urlsplit(emulator.url).port), 5),  # a silent client does not block the others
    ):
        assert call(emulator, "GET", "/instances", context=trusting).json["total"] == 1
        with pytest.raises(ssl.SSLCertVerificationError):
            call(emulator, "GET", "/instances", context=ssl.create_default_context())
        for page in (2, 3):
            with pytest.raises((ConnectionError, TimeoutError)):
                call(emulator, "GET", f"/instances?page={page}", context=trusting, timeout=0.5)
    assert capfd.readouterr().err == ""
