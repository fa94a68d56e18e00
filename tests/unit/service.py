# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Z-API in memory: what is set stays set, each request is remembered, and calls go wrong where a test says so."""

from __future__ import annotations

import json
import re
import threading
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import requests
import responses

from ansible_collections.zapi.zapi.tests.unit.support import API_URL, PARTNER_TOKEN, TOLD_SETTINGS, Row, make_row, page_of

SENT_BY_ME = ("receiveCallbackSentByMe", "notifySentByMe")
# The calls that set something: what the body holds, and the field that shows it afterwards.
WRITES: dict[str, dict[str, str]] = {
    "update-webhook-received": {"value": "receivedCallbackUrl"},
    "update-webhook-received-delivery": {"value": "receivedAndDeliveryCallbackUrl"},
    "update-webhook-delivery": {"value": "deliveryCallbackUrl"},
    "update-webhook-message-status": {"value": "messageStatusCallbackUrl"},
    "update-webhook-chat-presence": {"value": "presenceChatCallbackUrl"},
    "update-webhook-connected": {"value": "connectedCallbackUrl"},
    "update-webhook-disconnected": {"value": "disconnectedCallbackUrl"},
    "update-notify-sent-by-me": {"notifySentByMe": "receiveCallbackSentByMe"},
    "update-auto-read-message": {"value": "autoReadMessage"},
    "update-auto-read-status": {"value": "autoReadStatus"},
    "update-call-reject-auto": {"value": "callRejectAuto"},
    "update-call-reject-message": {"value": "callRejectMessage"},
    "update-filters": {"messageFilters": "messageFilters", "callbackTypeFilters": "callbackTypeFilters"},
}
# What `/me` does not tell
NOT_TOLD = ("middleware", "tenant", "phoneConnected", "whatsappConnected")


class Request(t.NamedTuple):
    method: str
    identity: str | None  # None for the listing
    name: str  # of the call: "instances", "me", "status", "update-…"
    body: t.Any
    headers: t.Mapping[str, str]


@dataclass
class Fault:
    """How a call goes wrong: what it is answered, whether its effect takes place all the same, and how often."""

    status: int = 500
    body: t.Any = field(default_factory=lambda: {"error": "no"})
    takes: bool = False
    times: int = 10**9
    breaks: bool = False  # the connection, without an answer


TRUE = {"value": True}
TAKEN_500 = Fault(500, {"error": "trouble"}, takes=True)
VALUE_FALSE = Fault(200, {"value": False})
IGNORED = Fault(200, TRUE)
NO_CLIENT_TOKEN = Fault(400, {"error": "your client-token is not configured"})


def known(number: int = 1, /, **fields: t.Any) -> Row:
    """A row that tells all settings."""
    return make_row(number, **{"receiveCallbackSentByMe": False, **TOLD_SETTINGS, **fields})


class Service:
    """Answers the listing and instances' own calls. ``rows`` are the truth; ``hidden`` names what the listing does not tell of it.

    ``faults`` are by id and call; an id of None means that call of any instance. Use it as a context manager.
    """

    def __init__(self, rows: t.Sequence[Row] = ()) -> None:
        self.rows = [*rows]
        self.hidden: set[str] = set()
        self.hidden_from_me: set[str] = set()
        self.faults: dict[tuple[str | None, str], Fault] = {}
        self.requests: list[Request] = []
        self.under_way = self.most_under_way = 0
        self.pause: float = 0
        self.client_token: str | None = None
        self.twist: t.Callable[[Row], t.Any] = lambda row: None  # after something was set
        self.on_listing: t.Callable[[], t.Any] = lambda: None
        self._lock = threading.RLock()
        self._mock = responses.RequestsMock(assert_all_requests_are_fired=False)

    def __enter__(self) -> Service:  # noqa: PYI034 - Self came with Python 3.11
        self._mock.start()
        for method in (responses.GET, responses.PUT):
            self._mock.add_callback(method, re.compile(f"{re.escape(API_URL)}/instances(?:[/?].*)?"), callback=self._answer)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._mock.stop(allow_assert=False)

    def begin(self) -> None:
        """What happens between the plan and the first call."""

    @property
    def puts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "PUT"]

    @property
    def calls(self) -> list[tuple[str | None, str, t.Any]]:
        """All that was set: of whom, by which call, and the body."""
        return [(request.identity, request.name, request.body) for request in self.puts]

    def asked(self, name: str) -> list[str | None]:
        """Who was asked by this call, in order."""
        return [request.identity for request in self.requests if request.name == name]

    def row(self, number: int) -> Row:
        return self._find(make_row(number)["id"])

    def _find(self, identity: str | None) -> Row:
        return next(row for row in self.rows if row["id"] == identity)

    def _answer(self, request: t.Any) -> tuple[int, dict[str, str], bytes]:
        _empty, _instances, *parts = urlsplit(request.url).path.split("/")
        identity, token, name = (unquote(parts[0]), unquote(parts[2]), parts[3]) if parts else (None, None, "instances")
        body = json.loads(request.body) if request.body else None
        with self._lock:
            self.requests.append(Request(request.method, identity, name, body, dict(request.headers)))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        time.sleep(self.pause)
        with self._lock:
            self.under_way -= 1
            status, reply = self._reply(request, identity, token, name, body)
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        return status, {"Content-Type": "application/json"}, content

    def _reply(self, request: t.Any, identity: str | None, token: str | None, name: str, body: t.Any) -> tuple[int, t.Any]:
        fault = self.faults.get((identity, name)) or self.faults.get((None, name))
        if fault and fault.times > 0:
            fault.times -= 1
            if fault.takes:
                self._usual(request, identity, token, name, body)
            if fault.breaks:
                raise requests.exceptions.ConnectionError(ConnectionResetError("gone"))
            return fault.status, fault.body
        return self._usual(request, identity, token, name, body)

    def _usual(self, request: t.Any, identity: str | None, token: str | None, name: str, body: t.Any) -> tuple[int, t.Any]:
        if identity is None:
            if request.headers.get("Authorization") != f"Bearer {PARTNER_TOKEN}":
                return 401, {"error": "Unauthorized"}
            self.on_listing()
            return 200, self._page(parse_qs(urlsplit(request.url).query))
        if self.client_token and request.headers.get("Client-Token") != self.client_token:
            return 403, {"error": f"Client-Token {request.headers.get('Client-Token')} not allowed"}
        row = next((row for row in self.rows if (row["id"], row.get("token")) == (identity, token)), None)
        if row is None:
            return 404, {"error": "Instance not found"}
        if request.method == "PUT":
            return self._set(row, name, body)
        if name == "status":
            return 200, {"connected": row["whatsappConnected"], "smartphoneConnected": row["phoneConnected"], "error": "x"}
        return 200, {field: value for field, value in row.items() if field not in {*NOT_TOLD, *self.hidden_from_me}}

    def _page(self, asked: t.Mapping[str, list[str]]) -> t.Any:
        wanted, kind = asked.get("query", [""])[0].lower(), asked.get("middleware", [None])[0]
        rows = [
            {field: value for field, value in row.items() if field not in self.hidden}
            for row in self.rows
            if (wanted in row["name"].lower() or wanted in row["id"].lower()) and kind in (None, row["middleware"])
        ]
        return page_of(rows, int(asked["page"][0]), int(asked["pageSize"][0]))

    def _set(self, row: Row, name: str, body: t.Any) -> tuple[int, t.Any]:
        fields = WRITES.get(name)
        if fields is None or not isinstance(body, dict) or set(body) != set(fields):
            return 400, {"error": "there is no such call, or its body is another one"}
        for parameter, shown in fields.items():
            value = body[parameter]
            if shown.endswith("CallbackUrl") and not (value == "" or value.startswith("https://")):
                return 400, {"error": "the value must be an HTTPS URL"}
            self._show(row, shown, value)
        if name == "update-webhook-received-delivery":
            self._show(row, SENT_BY_ME[0], True)
        self.twist(row)
        return 200, TRUE

    def _show(self, row: Row, shown: str, value: t.Any) -> None:
        spelled = [field for field in (SENT_BY_ME if shown in SENT_BY_ME else (shown,)) if field in row]
        if spelled:  # what nothing tells of an instance, nothing tells afterwards
            row[spelled[0]] = value
