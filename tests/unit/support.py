# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fleets, the servers that list them with all their habits, and what is demanded of every error message."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.zapi.zapi.plugins.module_utils import _instance
from ansible_collections.zapi.zapi.plugins.module_utils._api.client import Client
from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

API_URL = "https://api.z-api.io"
# A word like any other: nothing but knowing it can tell that it is a secret.
PARTNER_TOKEN = "abracadabra"
INSTANCE_TOKEN = "hocuspocus"

# Webhooks that the rows here have not set
UNSET = ["receivedAndDelivery", "delivery", "messageStatus", "presenceChat", "connected", "disconnected", "receivedStatus"]

# What an instance's own call tells of its settings, but for notify_sent_by_me, which has two names
TOLD_SETTINGS: dict[str, t.Any] = {
    "autoReadMessage": False,
    "autoReadStatus": False,
    "callRejectAuto": False,
    "callRejectMessage": "",
    "callbackTypeFilters": [],
    "messageFilters": [],
}

Row = dict[str, t.Any]


# Options, rows and instances


def options(**changed: t.Any) -> dict[str, t.Any]:
    """The shared options as Ansible hands them over: all of them, defaults filled in, of their types."""
    defaults = {name: argument.get("default") for name, argument in CONNECTION_ARGUMENTS.items()}
    return {**defaults, "partner_token": PARTNER_TOKEN, **changed}


def make_connection(**changed: t.Any) -> Connection:
    return Connection.from_options(options(**changed))


def make_client(**changed: t.Any) -> Client:
    return Client(make_connection(**changed))


def make_fleet(**changed: t.Any) -> Fleet:
    return Fleet(make_connection(**changed))


def make_row(number: int = 1, /, **fields: t.Any) -> Row:
    """A row of the listing as the API documents it; ``fields`` replace some or add others."""
    return {
        "id": f"{number:032X}",
        "name": f"shop-{number}",
        "token": f"{INSTANCE_TOKEN}{number}",
        "tenant": "acme",
        "created": "2025-02-03T14:00:00Z",
        "due": 1798761599000,
        "paymentStatus": "PAID",
        "phoneConnected": True,
        "whatsappConnected": True,
        "middleware": "web",
        **{f"{event}CallbackUrl": "" for event in UNSET},
        "receivedCallbackUrl": f"https://hooks.example.com/{number}",
        **fields,
    }


def make_rows(count: int) -> list[Row]:
    return [make_row(number) for number in range(1, count + 1)]


def make_instance(number: int = 1, /, **fields: t.Any) -> t.Any:
    """An instance as every door returns it; ``fields`` are those of the API's row."""
    instance = from_row(make_row(number, **fields))
    assert instance is not None
    return instance


def from_row(row: Row, include_token: bool = False) -> t.Any:
    """The instance that a row becomes, as doors return it."""
    instance = _instance.from_row(row)
    return None if instance is None else _instance.show(instance, include_token)


def ids(items: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    return [item["id"] for item in items]


# What every error message has to be


def assert_fit_for_users(message: str, request: str | None = "GET /instances", secrets: Sequence[str] = ()) -> None:
    """One line that names the request, if one failed, and no secret."""
    assert message.isprintable(), f"more than one line, or control characters: {message!r}"
    for secret in (PARTNER_TOKEN, INSTANCE_TOKEN, *secrets):
        assert secret not in message
    assert "Traceback" not in message
    if request is not None:
        assert request in message


# The listing, as servers do it


class Asked(t.NamedTuple):
    """A request for a page."""

    page: int
    size: int
    query: str | None
    middleware: str | None
    attempt: int  # how often the first page has been asked for by now, this time included
    number: int  # of the request, from 1


Pages = t.Callable[[Asked], t.Any]


def page_of(rows: Sequence[t.Any], number: int, size: int, /, **claimed: t.Any) -> dict[str, t.Any]:
    """What an honest server answers, but for what it is made to claim."""
    return {
        "total": len(rows),
        "totalPage": -(-len(rows) // size),
        "pageSize": size,
        "page": number,
        "content": list(rows[(number - 1) * size : number * size]),
        **claimed,
    }


def honest(rows: Sequence[t.Any]) -> Pages:
    return lambda asked: page_of(rows, asked.page, asked.size)


@dataclass
class PagedApi:
    """Answers `GET /instances` from a function, and remembers what was asked."""

    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pages: Pages = honest([])
        self._lock = threading.Lock()
        self._mock = responses.RequestsMock(assert_all_requests_are_fired=False)

    def __enter__(self) -> PagedApi:  # noqa: PYI034 - Self came with Python 3.11
        self._mock.start()
        self._mock.add_callback(responses.GET, f"{API_URL}/instances", callback=self._answer)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._mock.stop(allow_assert=False)

    def serve(self, pages: Pages) -> None:
        self._pages = pages

    @property
    def attempts(self) -> int:
        """How many listings were begun."""
        return sum(asked.page == 1 for asked in self.asked)

    def _answer(self, request: t.Any) -> tuple[int, dict[str, str], bytes]:
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        with self._lock:
            page = int(parameters["page"])
            asked = Asked(
                page=page,
                size=int(parameters["pageSize"]),
                query=parameters.get("query"),
                middleware=parameters.get("middleware"),
                attempt=self.attempts + (page == 1),
                number=len(self.asked) + 1,
            )
            self.asked.append(asked)
        answer = self._pages(asked)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return 200, {"Content-Type": "application/json"}, body


# Real HTTP on a loopback port, where it matters what goes over the wire


@dataclass
class Answer:
    """What a `WireServer` answers; ``how`` may be "drop" (no answer), "stall" (never) or "truncate" (half of it)."""

    status: int = 200
    body: t.Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = ""

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Received(t.NamedTuple):
    method: str
    target: str
    headers: t.Mapping[str, str]
    body: bytes = b""


class WireServer:
    """Answers from a script, the last answer ever again, and remembers what it received."""

    def __init__(self, *script: Answer, certificate: Certificate | None = None) -> None:
        self.received: list[Received] = []
        self._script = script
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.path)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> WireServer:  # noqa: PYI034
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.address}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                server._answer(self)

            do_CONNECT = do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *args: t.Any) -> None:
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            answer = self._script[min(len(self.received), len(self._script) - 1)]
            self.received.append(Received(handler.command, handler.path, dict(handler.headers.items()), body))
        if answer.how in ("drop", "stall"):
            if answer.how == "stall":
                self._closing.wait(10)
            handler.close_connection = True
            return
        content = answer.content
        handler.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if answer.how == "truncate":
            content = content[: len(content) // 2]
            handler.close_connection = True
        handler.wfile.write(content)


@dataclass(frozen=True)
class Certificate:
    """Signed by itself, together with its key in one file."""

    path: Path

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        today = dt.datetime.now(dt.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - dt.timedelta(days=1))
            .not_valid_after(today + dt.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = folder / "certificate.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return cls(path)


def listing_of(count: int, **claimed: t.Any) -> Answer:
    """A listing of one page."""
    return Answer(body={**page_of(make_rows(count), 1, 100), **claimed})
