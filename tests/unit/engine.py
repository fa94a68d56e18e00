# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the tests of the network share: connections to an emulated fleet, raw bytes for what the emulator cannot send, error checks."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import threading
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, record_from_object
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import text
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import DEFAULT_PARTNER_TOKEN, Emulator
from ansible_collections.zapi.zapi.tests.unit.naive import TOKEN, Object, make_object

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError

    Script = bytes | Callable[[socket.socket], object]

PARTNER_TOKEN = DEFAULT_PARTNER_TOKEN
CLIENT_TOKEN = "SimSalabim"
api_object = make_object


def options(**changed: t.Any) -> dict[str, t.Any]:
    """All connection options, with their defaults and the partner token of the emulator."""
    defaults = {name: argument.get("default") for name, argument in CONNECTION_ARGUMENTS.items()}
    return {**defaults, "partner_token": PARTNER_TOKEN, **changed}


def connection(server: Emulator | str, **changed: t.Any) -> Connection:
    """A connection to an emulator or to a URL."""
    return Connection.from_options(options(api_url=server if isinstance(server, str) else server.url, **changed))


def objects(count: int, **fields: t.Any) -> list[Object]:
    return [api_object(number, **fields) for number in range(1, count + 1)]


def records(*entries: Object) -> list[Record]:
    return [t.cast("Record", record_from_object(entry)) for entry in entries]


def identity(number: int) -> str:
    return f"{number:032X}"


def credentials(*numbers: int) -> list[dict[str, str]]:
    """The option ``credentials`` for instances of `api_object`."""
    return [{"id": identity(number), "token": f"{TOKEN}{number}"} for number in numbers]


def numbers(found: Iterable[Record]) -> list[int]:
    """The numbers of instances of `api_object`."""
    return [int(record.instance["id"], 16) for record in found]


def fault(kind: str, call: str | None = None, number: int | None = None, **options: t.Any) -> dict[str, t.Any]:
    """A fault rule of the emulator, for a call of an instance if given."""
    filters = {"call": call, "instance": None if number is None else identity(number)}
    return {"kind": kind, **{name: value for name, value in filters.items() if value is not None}, **options}


def assert_fit_for_users(error: ZapiError, *secrets: str) -> str:
    """Return the message, which is one line without a secret."""
    message = text(error.reason) or ""
    assert message.isprintable(), message
    assert message, error.reason
    for secret in (PARTNER_TOKEN, CLIENT_TOKEN, TOKEN, *secrets):
        assert secret not in message + repr(error.reason), message
    return message


# Raw bytes


class RawServer:
    """Answers each request with the next bytes of its script (or a function that writes to the socket), then with the last ones again."""

    def __init__(self, *script: Script) -> None:
        self.requests: list[bytes] = []
        self.has_left = threading.Event()  # a client closed its connection
        self._script = script
        self._is_closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> RawServer:  # noqa: PYI034 - typing.Self needs Python 3.11
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_closing = True
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                client.settimeout(10)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            while not self._is_closing:
                received = client.recv(65536)  # requests are small
                if not received:
                    self.has_left.set()
                    return
                self.requests.append(received)
                answer = self._script[min(len(self.requests), len(self._script)) - 1]
                if isinstance(answer, bytes):
                    client.sendall(answer)
                else:
                    answer(client)
                if isinstance(answer, bytes) and b"Content-Length" not in answer:
                    return


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode("latin-1") + body


def repeated(data: bytes, before: bytes = b"", pause: float = 0) -> Callable[[socket.socket], None]:
    """Send the same bytes until the client leaves, at most for some seconds."""

    def send(client: socket.socket) -> None:
        client.sendall(before)
        waiting = threading.Event()
        for _number in range(int(10 / pause) if pause else 10**6):
            client.sendall(data)
            waiting.wait(pause)

    return send


# TLS


def write_certificate(folder: Path) -> Path:
    """Write a self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now, day = dt.datetime.now(dt.timezone.utc), dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(address, critical=False)
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    form, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(encoding) + key.private_bytes(encoding, form, serialization.NoEncryption()))
    return path
