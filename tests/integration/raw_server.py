# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A server that answers whatever bytes it is told to, as slowly as it is told to.

An HTTP library would refuse to send most of what an attacker sends. So this one knows sockets only: it reads a request and
hands it, with the line to the client, to a function. How long and how much may be written has an end.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
import typing as t
import zlib
from urllib.parse import parse_qs, urlsplit

LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 64 * 1024


class Request(t.NamedTuple):
    """A request. ``time`` is that of time.monotonic(), when it was complete."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    connection: int
    number: int  # counted from 1, over all connections
    time: float
    body: bytes = b""

    @property
    def case(self) -> str:
        """The first part of the path: one server is many APIs."""
        return urlsplit(self.target).path.split("/")[1]

    @property
    def parameters(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def page(self) -> int:
        return int(self.parameters.get("page", 1))

    @property
    def size(self) -> int:
        return int(self.parameters.get("pageSize", 100))


class Gone(Exception):
    """The client has left, the server is being closed, or the time or the bytes of the connection are used up."""


class Line:
    """The line to one client, as an answer writes to it."""

    def __init__(self, server: RawServer, connection: socket.socket, number: int) -> None:
        self.number = number
        self._server = server
        self._socket = connection
        self._end = time.monotonic() + server.lifetime
        self._bytes = server.most_bytes

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._bytes <= 0:
                raise Gone
            self._check()
            if select.select([], [self._socket], [], 0.1)[1]:
                try:
                    sent = self._socket.send(view[: 256 * 1024])
                except OSError:
                    self._left()
                view = view[sent:]
                self._bytes -= sent

    def drip(self, data: bytes, every: float = 0.1) -> None:
        """Write one byte after the other."""
        for index in range(len(data)):
            self.write(data[index : index + 1])
            self.wait(every)

    def flood(self, data: bytes, pause: float = 0.0) -> t.NoReturn:
        """Write the same again and again, until the client leaves."""
        while True:
            self.write(data)
            if pause:
                self.wait(pause)

    def wait(self, seconds: float) -> None:
        """Write nothing for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check(min(left, 0.1))

    def hang(self) -> t.NoReturn:
        """Write nothing any more, until the client leaves."""
        while True:
            self._check(0.1)

    def _check(self, seconds: float = 0.0) -> None:
        """Look whether the client is still there."""
        if self._server.closing or time.monotonic() > self._end:
            raise Gone
        if select.select([self._socket], [], [], seconds)[0]:
            try:
                data = self._socket.recv(1, socket.MSG_PEEK)
            except OSError:
                data = b""
            if not data:
                self._left()
            time.sleep(seconds)  # the client said more than was asked for: nobody reads it

    def _left(self) -> t.NoReturn:
        self._server.left.setdefault(self.number, time.monotonic())
        raise Gone

    def read_head(self) -> tuple[bytes, bytes]:
        """Return a request's head, and what has already come of its body."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
            head += self._read()
        head, _end, body = head.partition(b"\r\n\r\n")
        return head, body

    def read_body(self, begun: bytes, length: int) -> bytes:
        """Return a body as a whole, of which something has already come."""
        while len(begun) < min(length, LONGEST_BODY):
            begun += self._read()
        return begun

    def _read(self) -> bytes:
        while True:
            if self._server.closing or time.monotonic() > self._end:
                raise Gone
            if select.select([self._socket], [], [], 0.1)[0]:
                try:
                    data = self._socket.recv(4096)
                except OSError:
                    data = b""
                if not data:
                    self._left()
                return data


# Writes the answer to a request; true where the connection is to be kept for another request.
Answer = t.Callable[[Request, Line], t.Any]


class RawServer:
    """A server on a loopback port, from ``with`` to the end of it.

    It remembers each request, in order; the connections that are open; and when a client left of its own accord, by the
    number of the connection. The times are those of time.monotonic().
    """

    def __init__(self, answer: Answer, *, lifetime: float = 60, most_bytes: int = 2**30) -> None:
        self.answer = answer
        self.lifetime = lifetime
        self.most_bytes = most_bytes
        self.requests: list[Request] = []
        self.open: set[int] = set()
        self.left: dict[int, float] = {}
        self.failures: list[BaseException] = []
        self.closing = False
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]

    def url(self, case: str = "") -> str:
        return f"http://127.0.0.1:{self.port}" + (f"/{case}" if case else "")

    def of(self, case: str) -> list[Request]:
        """The requests of one case."""
        return [request for request in self.requests if request.case == case]

    def __enter__(self) -> RawServer:  # noqa: PYI034 - Self came with Python 3.11
        self._start(self._accept)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.closing = True
        self._listener.close()
        for thread in list(self._threads):
            thread.join(5)

    def _start(self, work: t.Callable[..., None], *arguments: t.Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while not self.closing:
            try:
                if not select.select([self._listener], [], [], 0.1)[0]:
                    continue
                connection, _address = self._listener.accept()
            except (OSError, ValueError):
                return  # it was closed
            number += 1
            self.open.add(number)
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        line = Line(self, connection, number)
        with connection:
            try:
                while self.answer(self._remember(line), line):
                    pass
                # Not a reset, which could overtake the answer
                connection.shutdown(socket.SHUT_WR)
            except (Gone, OSError):
                pass
            except Exception as error:  # noqa: BLE001 - a mistake in a test is told where the test looks
                self.failures.append(error)
            finally:
                self.open.discard(number)

    def _remember(self, line: Line) -> Request:
        head, body = line.read_head()
        first, *others = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _colon, value in (text.partition(":") for text in others)}
        body = line.read_body(body, int(headers.get("content-length", 0)))
        with self._lock:
            request = Request(method, target, headers, line.number, len(self.requests) + 1, time.monotonic(), body)
            self.requests.append(request)
        return request


def page_of(rows: t.Sequence[t.Any], page: int, size: int) -> dict[str, t.Any]:
    """What an honest API says of one page."""
    return {
        "total": len(rows),
        "totalPage": -(-len(rows) // size),
        "pageSize": size,
        "page": page,
        "content": list(rows[(page - 1) * size : page * size]),
    }


def head(status: str = "200 OK", *headers: str, kind: str = "application/json") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers, "", ""]).encode("latin-1")


def whole(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An answer with the length of its body."""
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def json_answer(data: t.Any, status: str = "200 OK", *headers: str) -> bytes:
    return whole(json.dumps(data).encode(), status, *headers)


def gzip_bomb(mebibytes: int = 10_000) -> t.Iterator[bytes]:
    """Yield a gzip stream without an end, a kilobyte for each MiB of blanks that it expands to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for _block in range(mebibytes):
        yield block


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def honest(rows: t.Sequence[t.Any], **others: Answer) -> Answer:
    """Answer as the API does. ``others`` answer single pages: ``page_2=…``, and ``later=…`` all but the first."""

    def answer(request: Request, line: Line) -> t.Any:
        special = others.get(f"page_{request.page}") or (others.get("later") if request.page > 1 else None)
        if special:
            return special(request, line)
        line.write(json_answer(page_of(rows, request.page, request.size)))
        return True

    return answer


@contextlib.contextmanager
def serving(answers: t.Mapping[str, Answer], **options: t.Any) -> t.Iterator[RawServer]:
    """One server for many cases: a request's case, up to a dot, decides who answers. What failed in an answer is raised."""

    def answer(request: Request, line: Line) -> t.Any:
        return answers[request.case.partition(".")[0]](request, line)

    with RawServer(answer, **options) as server:
        yield server
    if server.failures:
        raise server.failures[0]
