# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""An emulator of Z-API for demos, tests and trial runs. See the README in this folder."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import errno
import functools
import gzip
import json
import math
import os
import re
import selectors
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
import typing as t
from collections import deque
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

if t.TYPE_CHECKING or __package__:
    from . import faults as fault_rules
    from . import fleet as fleets
else:  # as a script, or with this folder on sys.path
    import faults as fault_rules
    import fleet as fleets

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from email.message import Message
    from types import TracebackType

    from .faults import FaultSpec

DEFAULT_PARTNER_TOKEN = "emulator-partner-token"
DEFAULT_COUNT = 50
DEFAULT_PAGE_SIZE = 15
CONTROL_PATH = "/_emulator/"

# The calls that set webhooks, and the fields that they set. No field shows the webhook of a lost proxy.
WEBHOOK_CALLS: dict[str, tuple[str, ...]] = {
    "update-webhook-received": ("receivedCallbackUrl",),
    "update-webhook-received-delivery": ("receivedAndDeliveryCallbackUrl",),
    "update-webhook-delivery": ("deliveryCallbackUrl",),
    "update-webhook-message-status": ("messageStatusCallbackUrl",),
    "update-webhook-chat-presence": ("presenceChatCallbackUrl",),
    "update-webhook-connected": ("connectedCallbackUrl",),
    "update-webhook-disconnected": ("disconnectedCallbackUrl",),
    "update-proxy-webhook": (),
}
# This call also sets the webhook that has no call of its own.
WEBHOOK_CALLS["update-every-webhooks"] = (
    *(field for fields in WEBHOOK_CALLS.values() for field in fields),
    "receivedStatusCallbackUrl",
)

# The field has two names. The call sets the one that the instance has.
SENT_BY_ME, OTHER_SENT_BY_ME = fault_rules.SENT_BY_ME_FIELDS

# The calls that set the rest: parameter, field (None: no field shows it) and type.
SETTING_CALLS: dict[str, dict[str, tuple[str | None, type]]] = {
    "update-notify-sent-by-me": {"notifySentByMe": (SENT_BY_ME, bool)},
    "update-auto-read-message": {"value": ("autoReadMessage", bool)},
    "update-auto-read-status": {"value": ("autoReadStatus", bool)},
    "update-call-reject-auto": {"value": ("callRejectAuto", bool)},
    "update-call-reject-message": {"value": ("callRejectMessage", str)},
    "update-filters": {key: (key, list) for key in ("messageFilters", "callbackTypeFilters")},
    "update-queue-settings": {"disableEnqueueWhenDisconnected": (None, bool)},
}
SETTING_FIELDS = {
    *fault_rules.SENT_BY_ME_FIELDS,
    *(field for parameters in SETTING_CALLS.values() for field, _type in parameters.values() if field),
}
METHODS = {"status": "GET", "me": "GET", "device": "GET", **dict.fromkeys((*WEBHOOK_CALLS, *SETTING_CALLS), "PUT")}

# The fields of `/me`, besides `*CallbackUrl`.
ME_FIELDS = {"id", "token", "name", "due", "paymentStatus", "created", "proxyUrl", "useProxy", *SETTING_FIELDS}

LAPSED_ERROR = "To continue sending a message, you must subscribe to this instance again"
IP_ERROR = "[IP request] not allowed"
WRONG_PATH = {"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}

# Smaller values of `due` are taken as seconds.
MIN_DUE_MS = 10**11
# A client would read a body after one of these as the start of the next response.
BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
MEBIBYTE = 1024 * 1024
LOGGED_HEADERS = ("Accept", "Content-Type", "Host", "User-Agent")
MAX_LOGGED_REQUESTS = 100_000
MAX_BODY_BYTES = 256 * MEBIBYTE
IDLE_SECONDS = 60
HANG_SECONDS = 3600
STOP_SECONDS = 5


@dataclass
class Request:
    method: str
    target: str
    path: str
    headers: Message[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @functools.cached_property
    def instance_call(self) -> tuple[str, str, str] | None:
        """ID, token and name of an instance's own call; None for other paths."""
        parts = [unquote(part) for part in self.path.split("/")[1:]]
        if len(parts) != 5 or (parts[0], parts[2]) != ("instances", "token"):
            return None
        return parts[1], parts[3], parts[4]

    def json(self) -> t.Any:
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ZApiError(400, f"the body is not valid JSON: {error}") from error


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    # These replace the usual headers of the same name; a header with the value None is left out.
    headers: tuple[tuple[str, str | None], ...] = ()
    # How it is sent: "whole", "half" (truncated), "drip", "reset" or "never".
    delivery: str = "whole"
    fault: fault_rules.Fault | None = None


class ZApiError(Exception):
    """An error that is answered as JSON, in the form of Z-API."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, fleets.to_json({"error": message}), headers=tuple(headers.items()))


def _json_answer(value: t.Any, status: int = 200) -> Answer:
    return Answer(status, fleets.to_json(value))


def _html_answer(status: int, message: str, headers: tuple[tuple[str, str | None], ...] = ()) -> Answer:
    page = f"<html><head><title>{message}</title></head><body><h1>{message}</h1></body></html>\n"
    return Answer(status, page.encode(), "text/html; charset=utf-8", headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


# --- The API ---


class ZApi:
    """The calls of Z-API for a fleet, with its checks of credentials."""

    def __init__(
        self,
        fleet: fleets.Fleet,
        partner_token: str,
        client_token: str | None,
        list_status: int,
        switches: dict[str, t.Any],
    ) -> None:
        self.fleet = fleet
        self.partner_token = partner_token
        self.client_token = client_token
        self.list_status = list_status
        self.switches = switches

    def answer(self, request: Request, faults: Sequence[fault_rules.Fault] = ()) -> Answer:
        if request.path == "/instances":
            return self._list(request, faults)
        if request.instance_call and _method_of(request.instance_call[2]):
            return self._call_instance(request, *request.instance_call, faults)
        return _json_answer(WRONG_PATH, self.switches["path_status"])

    def partner_verdict(self, request: Request) -> str:
        """Return whether the partner token is right, wrong or missing."""
        presented = bearer_token(request)
        if presented is None:
            return "wrong" if request.headers.get("Authorization") else "missing"
        return "right" if presented == self.partner_token else "wrong"

    def client_verdict(self, request: Request) -> str:
        """Return whether the Client-Token is right, wrong, missing or not needed."""
        presented = request.headers.get("Client-Token")
        if not presented:
            return "missing"
        if self.client_token is None:
            return "not needed"
        return "right" if presented == self.client_token else "wrong"

    def _list(self, request: Request, faults: Sequence[fault_rules.Fault]) -> Answer:
        _require_method(request, "GET")
        if self.partner_verdict(request) != "right":
            raise ZApiError(401, "Unauthorized")
        wanted = _listing_parameters(request)
        page = _positive(wanted, "page", 1)
        size = _positive(wanted, "pageSize", DEFAULT_PAGE_SIZE)
        serving = _Paging(page, size, size, page, {})
        for fault in faults:
            serving = serving.under(fault)
        rows, total = self.fleet.page(serving.start, serving.stride, wanted.get("query", ""), wanted.get("middleware", ""))
        head = {
            "total": total,
            "totalPage": math.ceil(total / serving.size),
            "pageSize": serving.size,
            "page": serving.shown_page,
            **serving.counts,
        }
        if total == 0 and self.switches["null_content"]:
            return _json_answer({**head, "content": None}, self.list_status)
        # The entries are already rendered.
        body = fleets.to_json(head)[:-1] + b', "content": [' + b", ".join(rows) + b"]}"
        return Answer(self.list_status, body)

    def _call_instance(
        self, request: Request, instance_id: str, token: str, call: str, faults: Sequence[fault_rules.Fault]
    ) -> Answer:
        method = _method_of(call)
        _require_method(request, str(method))
        self._require_client_token(request)
        instance = self.fleet.find(instance_id)
        if instance is None or token != str(instance.get("token") or "") or not token:
            raise ZApiError(self.switches["credential_status"], "Instance not found")
        group = {"PUT": "put", "POST": "send"}.get(str(method), call)
        if instance.get(fleets.LAPSED) and group in self.switches["lapsed_rejects"]:
            raise ZApiError(400, LAPSED_ERROR)
        if call == "status":
            return _json_answer(_status(instance))
        if call == "me":
            return _json_answer(_me(instance, self.switches))
        if call == "device":
            return _json_answer(instance.get(fleets.DEVICE) or {})
        body = _json_body(request)
        if method == "POST":
            return _json_answer(dict.fromkeys(("zaapId", "messageId", "id"), "3EB0EMULATOR"))
        changes = self._changes(call, body)
        if not any(fault.kind == "ignore" for fault in faults):
            changes = {**_stored(changes, faults), **_side_effects(call, body)}
            self.fleet.change(instance_id, _with_known_name(changes, instance), SETTING_FIELDS)
        return _json_answer({"success": True} if call == "update-queue-settings" else {"value": True})

    def _require_client_token(self, request: Request) -> None:
        presented = request.headers.get("Client-Token")
        if self.client_token is None or presented == self.client_token:
            return
        if self.switches["client_token_refusal"]:
            raise ZApiError(self.switches["client_token_refusal"], "null not allowed")
        if not presented:
            raise ZApiError(400, "your client-token is not configured")
        # Z-API really repeats the token here.
        raise ZApiError(403, f"Client-Token {presented} not allowed")

    def _changes(self, call: str, body: fleets.Instance) -> fleets.Instance:
        """Return the fields that a call sets; ZApiError if its body is invalid."""
        if call in WEBHOOK_CALLS:
            url = body.get("value")
            schemes = ("https",) if self.switches["reject_http"] else ("https", "http")
            if not isinstance(url, str) or not (url == "" or _is_url(url, schemes)):
                raise ZApiError(400, f"the value must be empty or a URL with {' or '.join(schemes)}")
            return dict.fromkeys(WEBHOOK_CALLS[call], url)
        parameters = SETTING_CALLS[call]
        if call == "update-filters" and sum(body.get(key) is not None for key in parameters) == 1:
            return {}
        changes = {}
        for key, (field, kind) in parameters.items():
            value = body.get(key)
            if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
                raise ZApiError(400, f"{key} must be a {kind.__name__}")
            if field:
                changes[field] = value
        return changes


class _Paging(t.NamedTuple):
    """The entries that a page holds, and the numbers that it reports."""

    page: int
    size: int
    stride: int
    shown_page: int
    counts: dict[str, t.Any]

    @property
    def start(self) -> int:
        return (self.page - 1) * self.stride

    def under(self, fault: fault_rules.Fault) -> _Paging:
        if fault.kind == "page_size_limit" and self.size > fault["maximum"]:
            return self._replace(size=fault["fallback"], stride=fault["fallback"])
        if fault.kind == "short_pages":
            return self._replace(stride=min(self.stride, fault["rows"]))
        if fault.kind == "ignore_page":
            return self._replace(page=1, shown_page=self.page if fault["echo"] else 1)
        if fault.kind == "counts":
            counts = {key: value for key, value in fault.options.items() if value is not fault_rules.UNSET}
            if "shown_page" in counts:
                counts["page"] = counts.pop("shown_page")
            return self._replace(counts={**self.counts, **counts})
        return self


def bearer_token(request: Request) -> str | None:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _method_of(call: str) -> str | None:
    """Return the method of an instance's own call; None if there is no such call."""
    return "POST" if call.startswith("send-") else METHODS.get(call)


def _require_method(request: Request, method: str) -> None:
    if request.method != method:
        raise ZApiError(405, "Method Not Allowed", Allow=method)


def _listing_parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the query string, or else of a JSON body, as in an older example of the documentation."""
    parameters: dict[str, str] = {}
    if request.body.strip():
        body = request.json()
        if not isinstance(body, dict):
            raise ZApiError(400, "the body must be a JSON object")
        parameters = {key: str(value) for key, value in body.items() if value is not None}
    return {**parameters, **request.query}


def _positive(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise ZApiError(400, f"{name} must be a whole number, 1 or more")
    return int(text)


def _is_url(url: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname)
    except ValueError:
        return False


def _status(instance: fleets.Instance) -> fleets.Instance:
    connected, phone_connected = bool(instance.get("whatsappConnected")), bool(instance.get("phoneConnected"))
    shown = {
        "connected": connected,
        "smartphoneConnected": phone_connected,
        "session": connected or phone_connected,
        **(instance.get(fleets.STATUS) or {}),
    }
    if shown["connected"]:
        shown.setdefault("error", "You are already connected.")
    elif shown["session"]:
        shown.setdefault("error", "You need to restore the session.")
    else:
        shown.setdefault("error", "You are not connected.")
    hidden = instance.get(fleets.STATUS_WITHOUT, ())
    return {name: value for name, value in shown.items() if name not in hidden}


def _me(instance: fleets.Instance, switches: Mapping[str, t.Any]) -> fleets.Instance:
    """Return the fields that `/me` has, with its own names for them."""
    shown = {name: value for name, value in instance.items() if name in ME_FIELDS or name.endswith("CallbackUrl")}
    if "whatsappConnected" in instance:
        shown["connected"] = instance["whatsappConnected"]
    shown |= instance.get(fleets.ME) or {}
    if switches["due_in_seconds"] and "due" in shown:
        shown["due"] = _in_seconds(shown["due"])
    spelling = switches["sent_by_me_field"]
    if spelling:
        shown = {spelling if name in fault_rules.SENT_BY_ME_FIELDS else name: value for name, value in shown.items()}
    hidden = instance.get(fleets.ME_WITHOUT, switches["me_without"])
    return {name: value for name, value in shown.items() if name not in hidden}


def _in_seconds(due: t.Any) -> t.Any:
    if isinstance(due, str) and re.fullmatch("[0-9]+", due):
        due = int(due)
    return due // 1000 if isinstance(due, int) and due >= MIN_DUE_MS else due


def _json_body(request: Request) -> fleets.Instance:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ZApiError(415, "Unsupported Media Type")
    body = request.json()
    if not isinstance(body, dict):
        raise ZApiError(400, "the body must be a JSON object")
    return body


def _side_effects(call: str, body: fleets.Instance) -> fleets.Instance:
    """Return the settings that a call sets besides its own value."""
    if call == "update-webhook-received-delivery":
        return {SENT_BY_ME: True}
    if call == "update-every-webhooks" and isinstance(body.get("notifySentByMe"), bool):
        return {SENT_BY_ME: body["notifySentByMe"]}
    return {}


def _with_known_name(changes: fleets.Instance, instance: fleets.Instance) -> fleets.Instance:
    """Rename the field "sent by me" to the name that the instance has for it."""
    known = {*instance, *(instance.get(fleets.ME) or {})}
    if SENT_BY_ME in changes and SENT_BY_ME not in known and OTHER_SENT_BY_ME in known:
        changes[OTHER_SENT_BY_ME] = changes.pop(SENT_BY_ME)
    return changes


# --- Faults ---


def _stored(changes: fleets.Instance, faults: Iterable[fault_rules.Fault]) -> fleets.Instance:
    """Return the values that are stored in place of those that were sent."""
    for fault in faults:
        if fault.kind == "store":
            changes = dict.fromkeys(changes, fault["value"])
        elif fault.kind == "normalize":
            changes = {name: _normalized(value) if name.endswith("CallbackUrl") else value for name, value in changes.items()}
    return changes


def _normalized(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.lower(), path=quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")))


def _with_modified_body(answer: Answer, faults: Sequence[fault_rules.Fault]) -> Answer:
    """Apply `padding`, then `gzip`, then `header`."""
    size = sum(fault["size"] for fault in faults if fault.kind == "padding")
    body, headers = answer.body, answer.headers
    if any(fault.kind == "gzip" for fault in faults):
        # Each mebibyte of blanks is a copy of the same gzip member, so that a huge body needs little memory here.
        whole, rest = divmod(size, MEBIBYTE)
        body = gzip.compress(body + b" " * rest) + gzip.compress(b" " * MEBIBYTE) * whole
        headers += (("Content-Encoding", "gzip"),)
    elif size:
        body += b" " * size
    headers += tuple((fault["name"], fault["value"]) for fault in faults if fault.kind == "header")
    return replace(answer, body=body, headers=headers)


def _status_answer(fault: fault_rules.Fault, request: Request) -> Answer:
    status = fault["code"]
    message = fault["message"] or _phrase(status)
    if fault["echo_token"]:
        message += "".join(f": {secret}" for secret in _credentials(request))
    retry_after = fault["retry_after"]
    headers = (("Retry-After", retry_after),) if retry_after is not None else ()
    if fault["html"]:
        return _html_answer(status, message, headers)
    return Answer(status, fleets.to_json({"error": message}), headers=headers)


def _credentials(request: Request) -> list[str]:
    """Return every secret of a request, in the forms in which error messages repeat them."""
    authorization, client_token = request.headers.get("Authorization"), request.headers.get("Client-Token")
    secrets = [authorization] if authorization else []
    if client_token:
        secrets.append(f"Client-Token {client_token}")
    if request.instance_call:
        secrets += [f"token {request.instance_call[1]}", f"{request.method} {request.target}"]
    return secrets


def _body_answer(fault: fault_rules.Fault, request: Request) -> Answer:
    text = fault["text"]
    body = fleets.to_json(fault["json"]) if text is fault_rules.UNSET else text.encode()
    return Answer(fault["code"], body, fault["content_type"])


# Final faults that send the API's own answer in another way. The answers of all others do not depend on the request.
DELIVERIES = {"truncate": "half", "drip": "drip"}
FAULT_ANSWERS: dict[str, Callable[[fault_rules.Fault, Request], Answer]] = {
    "status": _status_answer,
    "lapsed": lambda fault, _request: _json_answer({"error": LAPSED_ERROR}, fault["code"]),
    "ip_restricted": lambda fault, _request: _json_answer({"error": IP_ERROR}, fault["code"]),
    "html": lambda fault, _request: _html_answer(fault["code"], "Welcome"),
    "redirect": lambda fault, _request: Answer(fault["code"], headers=(("Location", fault["location"]),)),
    "body": _body_answer,
    "drop": lambda _fault, _request: Answer(0, delivery="reset"),
    "hang": lambda _fault, _request: Answer(0, delivery="never"),
}


# --- The log ---


def _without_tokens(target: str, secrets: Collection[str | None]) -> str:
    """Mask the part after `token`, as in the path of an instance's call, and parts that are a known secret."""
    parts = re.split("([/?&=]+)", target)
    for index in range(0, len(parts), 2):
        if unquote(parts[index]) in secrets or (index and unquote(parts[index - 2]).lower() == "token"):
            parts[index] = "***"
    return "".join(parts)


def _body_without_tokens(body: bytes, secrets: Collection[str | None]) -> t.Any:
    """Return a JSON body parsed, any other body as text, and an empty one as None."""
    text = body.decode("utf-8", "replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


class RequestLog:
    """The requests to paths of the API, oldest first, and the highest number of concurrent ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[dict[str, t.Any]] = deque(maxlen=MAX_LOGGED_REQUESTS)
        self._count = 0
        self._running = 0
        self._max_concurrent = 0

    def begin(self, request: Request, api: ZApi) -> dict[str, t.Any]:
        instance_id, token, call = request.instance_call or (None, None, None)
        secrets = {api.partner_token, api.client_token, token}
        entry: dict[str, t.Any] = {
            "method": request.method,
            "path": _without_tokens(request.target, secrets - {token}),
            "instance": instance_id,
            "call": call,
            "body": _body_without_tokens(request.body, secrets),
            "time": time.time(),
            "authorization": api.partner_verdict(request),
            "client_token": api.client_verdict(request),
            "headers": {name: request.headers[name] for name in LOGGED_HEADERS if name in request.headers},
            "faults": [],
            "status": None,
        }
        with self._lock:
            self._entries.append(entry)
            self._count += 1
            self._running += 1
            self._max_concurrent = max(self._max_concurrent, self._running)
        return entry

    def finish(self, entry: dict[str, t.Any], status: int | None) -> None:
        with self._lock:
            entry["status"] = status
            self._running -= 1

    def report(self) -> dict[str, t.Any]:
        with self._lock:
            return {
                "count": self._count,
                "max_concurrent": self._max_concurrent,
                "requests": [dict(entry) for entry in self._entries],
            }

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._count = 0
            self._max_concurrent = self._running


# --- HTTP ---


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: _Server

    def _serve(self) -> None:
        emulator = self.server.emulator
        try:
            body = self._read_body()
        except ZApiError as error:
            self.close_connection = True
            self._send(error.answer)
            return
        path = urlsplit(self.path).path
        request = Request(self.command, self.path, path, self.headers, body)
        if path.startswith(CONTROL_PATH):
            self._send(emulator.control.answer(request))
            return
        entry = emulator.log.begin(request, emulator.api)
        status: int | None = None
        try:
            answer = emulator.answer(request, entry, self.server.stopping)
            status = answer.status or None
            if answer.delivery == "never":
                self._hang()
        finally:
            # The client may read the log as soon as it has the answer.
            emulator.log.finish(entry, status)
        self._deliver(answer)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise ZApiError(411, "send the body with a Content-Length")
        length = self.headers.get("Content-Length", "0").strip()
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise ZApiError(400, "invalid Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise ZApiError(413, "the body is too large")
        return self.rfile.read(int(length))

    def _deliver(self, answer: Answer) -> None:
        if answer.delivery == "reset":
            self._reset()
        elif answer.delivery == "never":
            self.close_connection = True
        elif answer.delivery == "drip" and answer.fault:
            self._drip(answer, answer.fault)
        else:
            half = answer.delivery == "half"
            self.close_connection = self.close_connection or half
            self._send(answer, sent=len(answer.body) // 2 if half else None)

    def _send(self, answer: Answer, sent: int | None = None) -> None:
        """Write head and body together, in as few packets as possible."""
        head, body = self._rendered(answer)
        self.wfile.write(head + body[:sent])

    def _drip(self, answer: Answer, fault: fault_rules.Fault) -> None:
        """Write piece by piece, until the client leaves or the emulator stops."""
        head, body = self._rendered(answer)
        if not fault["head"]:
            self.wfile.write(head)
            head = b""
        rest = head + body
        for start in range(0, len(rest), fault["size"]):
            if self.server.stopping.wait(fault["seconds"]):
                self.close_connection = True
                return
            self.wfile.write(rest[start : start + fault["size"]])

    def _rendered(self, answer: Answer) -> tuple[bytes, bytes]:
        length = str(len(answer.body))
        headers: dict[str, str | None] = {
            "Date": self.date_time_string(),
            "Content-Type": answer.content_type,
            "Content-Length": length,
            **{name.title(): value for name, value in answer.headers},
        }
        if headers["Content-Length"] != length:
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        bodiless = self.command == "HEAD" or answer.status in BODILESS
        return head, b"" if bodiless else answer.body

    def _reset(self) -> None:
        """Reset the connection."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The socket stays open until its file object is closed.
        self.rfile.close()
        self.connection.close()

    def _hang(self) -> None:
        """Wait until the client leaves or the emulator stops."""
        deadline = time.monotonic() + HANG_SECONDS
        with selectors.DefaultSelector() as selector:
            # A client that waits for an answer sends nothing, so a readable connection is a closed one.
            selector.register(self.connection, selectors.EVENT_READ)
            while time.monotonic() < deadline and not self.server.stopping.is_set():
                if selector.select(timeout=0.1):
                    return

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Print nothing: the log is at /_emulator/requests."""


class _Server(ThreadingHTTPServer):
    """A server in a thread of its own that can be stopped at once, with all its connections."""

    request_queue_size = 1024
    daemon_threads = True

    def __init__(self, emulator: Emulator, port: int, tls: ssl.SSLContext | None) -> None:
        self.emulator = emulator
        self.stopping = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)
        if tls:
            # The handshake is done in the handler's thread, so that a silent client does not block the others.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def stop(self) -> None:
        self.stopping.set()
        # A connection ends the wait for one. `serve_forever` would poll instead, which makes stopping slow.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.server_port), STOP_SECONDS).close()
        self._thread.join(STOP_SECONDS)
        self.server_close()
        self._close_connections()

    def verify_request(self, request: t.Any, client_address: t.Any) -> bool:
        return not self.stopping.is_set()

    def server_bind(self) -> None:
        # HTTPServer.server_bind looks up the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._connections_lock:
            self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: t.Any, client_address: t.Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._connections_lock:
                self._connections.pop(threading.current_thread(), None)

    def _close_connections(self) -> None:
        with self._connections_lock:
            connections = dict(self._connections)
        for connection in connections.values():
            with contextlib.suppress(OSError):
                # SSLSocket.shutdown would drop the TLS session while the handler's thread reads from it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        deadline = time.monotonic() + STOP_SECONDS
        for thread in connections:
            thread.join(max(0.0, deadline - time.monotonic()))

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        # Clients close connections and reject certificates. Any other error is a bug of the emulator.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


# --- The emulator ---


class Emulator:
    """A fake Z-API on a loopback port. Use it in a `with` statement, or call `start` and `stop`.

    `on_request`, if set, is called with the log entry of each request before the request is answered.
    """

    def __init__(
        self,
        instances: Iterable[Mapping[str, t.Any]] | None = None,
        *,
        count: int = DEFAULT_COUNT,
        seed: int = 1,
        now_ms: int = fleets.DEFAULT_NOW_MS,
        partner_token: str = DEFAULT_PARTNER_TOKEN,
        client_token: str | None = None,
        faults: Iterable[FaultSpec] = (),
        switches: Mapping[str, t.Any] | None = None,
        list_status: int = 200,
        port: int = 0,
        tls_cert: str | Path | None = None,
        tls_key: str | Path | None = None,
    ) -> None:
        fleet = fleets.Fleet(fleets.generate(count, seed, now_ms) if instances is None else instances)
        self.api = ZApi(fleet, partner_token, client_token, list_status, fault_rules.parse_switches(switches or {}))
        self.log = RequestLog()
        self.control = Control(self)
        self.on_request: Callable[[dict[str, t.Any]], object] | None = None
        self._rules = fault_rules.FaultRules(faults)
        self._now_ms = now_ms
        self._added = 0
        self._added_lock = threading.Lock()
        self._port = port
        self._tls: ssl.SSLContext | None = None
        if tls_cert:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(tls_cert, tls_key)
        self._server: _Server | None = None

    # Running

    def start(self) -> None:
        if self._server:
            raise RuntimeError("the emulator is already running")
        self._server = _Server(self, self._port, self._tls)

    def stop(self) -> None:
        """Close all sockets and end all threads. Does nothing if the emulator is not running."""
        server, self._server = self._server, None
        if server:
            server.stop()

    def __enter__(self) -> Emulator:  # noqa: PYI034 - typing.Self needs Python 3.11
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        if not self._server:
            raise RuntimeError("the emulator is not running")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}"

    # State

    @property
    def partner_token(self) -> str:
        return self.api.partner_token

    @property
    def client_token(self) -> str | None:
        return self.api.client_token

    @property
    def fleet(self) -> list[fleets.Instance]:
        """A copy of the instances, in the form of a fleet file."""
        return self.api.fleet.instances()

    def replace_fleet(self, instances: Iterable[Mapping[str, t.Any]]) -> None:
        self.api.fleet.replace(instances)

    def change_instance(self, instance_id: str, **fields: t.Any) -> None:
        """Set fields of an instance; KeyError if no instance has this ID."""
        if not self.api.fleet.change(instance_id, fields):
            raise KeyError(instance_id)

    @property
    def requests(self) -> list[dict[str, t.Any]]:
        """The log, oldest first."""
        entries: list[dict[str, t.Any]] = self.log.report()["requests"]
        return entries

    @property
    def max_concurrent(self) -> int:
        """The highest number of concurrent requests."""
        highest: int = self.log.report()["max_concurrent"]
        return highest

    def clear_requests(self) -> None:
        self.log.clear()

    @property
    def faults(self) -> list[dict[str, t.Any]]:
        """The rules in force, with the counters `matched` and `fired`."""
        return self._rules.describe()

    def set_faults(self, faults: Iterable[FaultSpec]) -> None:
        """Replace all fault rules."""
        self._rules.replace(faults)

    # Answering

    def answer(self, request: Request, entry: dict[str, t.Any], stopping: threading.Event) -> Answer:
        """Answer a request to a path of the API, with the faults that apply to it."""
        if self.on_request:
            self.on_request(entry)
        faults = self._rules.select(_target(request))
        entry["faults"] = [fault.kind for fault in faults]
        stopping.wait(sum(fault["seconds"] for fault in faults if fault.kind == "latency"))
        for fault in faults:
            if fault.kind == "change_fleet":
                self._change_fleet(fault)
        return _with_modified_body(self._answer(request, faults), faults)

    def _answer(self, request: Request, faults: Sequence[fault_rules.Fault]) -> Answer:
        final = next((fault for fault in faults if fault.final), None)
        if final is None or final.kind not in FAULT_ANSWERS:
            delivery = DELIVERIES.get(final.kind, "whole") if final else "whole"
            return replace(self._api_answer(request, faults), delivery=delivery, fault=final)
        if final["taken"]:
            self._api_answer(request, faults)
        return FAULT_ANSWERS[final.kind](final, request)

    def _api_answer(self, request: Request, faults: Sequence[fault_rules.Fault]) -> Answer:
        try:
            return self.api.answer(request, faults)
        except ZApiError as error:
            return error.answer

    def _change_fleet(self, fault: fault_rules.Fault) -> None:
        self.api.fleet.remove_first(fault["remove"])
        for _number in range(fault["add"]):
            with self._added_lock:
                self._added += 1
                number = self._added
            # Another seed, so that no added instance has the ID of a generated one.
            [instance] = fleets.generate(1, 1_000_000_007 + number, self._now_ms)
            instance["name"] = f"Loja Nova {number}"
            self.api.fleet.add([instance], at_start=fault["where"] == "start")


def _target(request: Request) -> fault_rules.Target:
    if request.instance_call:
        instance_id, _token, call = request.instance_call
        return fault_rules.Target(request.path, None, instance_id, call, request.method)
    return fault_rules.Target(request.path, _page_of(request), method=request.method)


def _page_of(request: Request) -> int | None:
    """Return the page that a listing requests; None for other requests."""
    if request.path != "/instances":
        return None
    try:
        return _positive(_listing_parameters(request), "page", 1)
    except ZApiError:
        return None


# --- The control calls ---


class Control:
    """The calls under /_emulator/, which read and change the state of the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._fleet = emulator.api.fleet
        self._routes: dict[tuple[str, str], Callable[[Request], t.Any]] = {
            ("GET", "fleet"): lambda _request: {"instances": self._fleet.instances()},
            ("PUT", "fleet"): self._replace_fleet,
            ("POST", "instances"): self._add_instances,
            ("GET", "faults"): lambda _request: emulator.faults,
            ("PUT", "faults"): self._set_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "requests"): lambda _request: emulator.log.report(),
            ("DELETE", "requests"): self._clear_requests,
        }
        self._instance_routes: dict[str, Callable[[Request, str], t.Any]] = {
            "PATCH": self._change_instance,
            "DELETE": self._remove_instance,
        }

    def answer(self, request: Request) -> Answer:
        try:
            return _json_answer(self._result(request))
        except ZApiError as error:
            return error.answer
        except (fault_rules.FaultError, fleets.FleetError) as error:
            return ZApiError(400, str(error)).answer

    def _result(self, request: Request) -> t.Any:
        resource, _slash, instance_id = request.path[len(CONTROL_PATH) :].partition("/")
        route = self._routes.get((request.method, resource))
        if route and not instance_id:
            return route(request)
        instance_route = self._instance_routes.get(request.method)
        if instance_route and resource == "instances" and instance_id:
            return instance_route(request, unquote(instance_id))
        raise ZApiError(404, f"unknown control call: {request.method} {request.path}")

    def _total(self) -> dict[str, int]:
        return {"total": len(self._fleet)}

    def _replace_fleet(self, request: Request) -> t.Any:
        given = fleets.parse_fleet(request.json())
        if given != fleets.FleetFile(given.instances):
            raise ZApiError(400, "only instances can be set here: faults have their own call, tokens and switches cannot change")
        self._fleet.replace(given.instances)
        return self._total()

    def _add_instances(self, request: Request) -> t.Any:
        given = request.json()
        self._fleet.add(fleets.check_instances(given if isinstance(given, list) else [given]))
        return self._total()

    def _change_instance(self, request: Request, instance_id: str) -> t.Any:
        [fields] = fleets.check_instances([request.json()])
        if not self._fleet.change(instance_id, fields):
            raise ZApiError(404, f"no instance has the ID {instance_id}")
        return self._fleet.find(str(fields.get("id", instance_id)))

    def _remove_instance(self, request: Request, instance_id: str) -> t.Any:
        if not self._fleet.remove(instance_id):
            raise ZApiError(404, f"no instance has the ID {instance_id}")
        return self._total()

    def _set_faults(self, request: Request) -> t.Any:
        rules = request.json()
        self._emulator.set_faults(rules if isinstance(rules, list) else [rules])
        return self._emulator.faults

    def _clear_faults(self, request: Request) -> t.Any:
        self._emulator.set_faults([])
        return self._emulator.faults

    def _clear_requests(self, request: Request) -> t.Any:
        self._emulator.clear_requests()
        return self._emulator.log.report()


# --- Command line ---


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="An emulator of Z-API on 127.0.0.1, for demos, tests and trial runs.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--instances", type=int, default=DEFAULT_COUNT, metavar="N",
                        help="number of generated instances (default: %(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated fleet (default: %(default)s)")
    parser.add_argument("--now", type=_moment, metavar="TIME",
                        help="time to which the dates of the generated fleet are relative: ISO 8601 or epoch "
                             "milliseconds (default: today, 00:00 UTC)")  # fmt: skip
    parser.add_argument("--fleet", metavar="FILE",
                        help="serve the instances of this YAML or JSON file")  # fmt: skip
    parser.add_argument("--partner-token", metavar="TOKEN",
                        help=f"default: {DEFAULT_PARTNER_TOKEN}")  # fmt: skip
    parser.add_argument("--client-token", metavar="TOKEN",
                        help="require this Client-Token in calls of instances")  # fmt: skip
    parser.add_argument("--list-status", type=int, default=200, choices=(200, 201),
                        help="status of a successful listing (default: %(default)s)")  # fmt: skip
    parser.add_argument("--fault", action="append", default=[], metavar="SPEC",
                        help="for example 'status,code=503,times=2'; repeatable, see the README")  # fmt: skip
    parser.add_argument("--switch", action="append", default=[], type=_switch, metavar="NAME=VALUE",
                        help="for example 'due_in_seconds=true'; repeatable, see the README")  # fmt: skip
    parser.add_argument("--ready-file", type=Path, metavar="PATH",
                        help="write the URL to this file as soon as the emulator answers; removed at its end")  # fmt: skip
    parser.add_argument("--tls-cert", metavar="FILE", help="serve HTTPS with this PEM certificate")
    parser.add_argument("--tls-key", metavar="FILE", help="key of the certificate, if it is not in the same file")
    return parser


def _switch(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text}")
    return name, value


def _moment(text: str) -> int:
    if re.fullmatch(r"[0-9]{5,14}", text):
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a time: {text}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return int(moment.timestamp() * 1000)


def _midnight_ms() -> int:
    now = dt.datetime.now(tz=dt.timezone.utc)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000


def _make_emulator(options: argparse.Namespace) -> Emulator:
    now_ms = _midnight_ms() if options.now is None else options.now
    given = fleets.read_fleet_file(options.fleet) if options.fleet else fleets.FleetFile([])
    return Emulator(
        given.instances if options.fleet else None,
        count=options.instances,
        seed=options.seed,
        now_ms=now_ms,
        partner_token=options.partner_token or given.partner_token or DEFAULT_PARTNER_TOKEN,
        client_token=options.client_token or given.client_token,
        faults=[*options.fault, *given.faults],
        switches={**given.switches, **dict(options.switch)},
        list_status=options.list_status,
        port=options.port,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
    )


def _write_ready_file(path: Path, url: str) -> None:
    # Replace the file atomically, so that a waiting script never reads a part of it.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(f"{url}\n", encoding="utf-8")
    temporary.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.instances < 0:
        parser.error("--instances must not be negative")
    if options.ready_file:
        # A file of an earlier run has a port that is closed.
        options.ready_file.unlink(missing_ok=True)
    try:
        emulator = _make_emulator(options)
        emulator.start()
    except (fault_rules.FaultError, fleets.FleetError, OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            parser.exit(1, f"{parser.prog}: port {options.port} is in use: choose another one, or omit --port to use a free one\n")
        parser.exit(1, f"{parser.prog}: {error}\n")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_unused: stop.set())
    try:
        if options.ready_file:
            _write_ready_file(options.ready_file, emulator.url)
        token = emulator.partner_token
        print(
            f"Z-API emulator with {len(emulator.api.fleet)} instances at {emulator.url}, for example: "
            f"curl -H 'Authorization: Bearer {token}' '{emulator.url}/instances?page=1&pageSize=10'",
            flush=True,
        )
        stop.wait()
    finally:
        emulator.stop()
        if options.ready_file:
            options.ready_file.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
