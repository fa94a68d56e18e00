# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How an answer is read: under a deadline, up to a size, and no longer than somebody wants it.

`requests` knows a time-out for each wait only. A server that sends a byte now and then, or interim answers without end,
keeps such a client for ever, in the head of the answer as well as in its body. So the deadline stands where all bytes pass:
between the socket and `http.client`.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
import time
import typing as t
import zlib

try:
    from requests.adapters import HTTPAdapter
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError:  # told by the client
    HTTPAdapter = object  # type: ignore[assignment,misc]

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, once decompressed."""
LARGEST_REFUSAL = 1024 * 1024
"""Bytes of a refusal that are read; its first words are enough."""
MOST_HELD = 4 * LARGEST_ANSWER
"""Bytes of all answers that are under way or wait for their turn."""

_PIECE = 64 * 1024
_MEMBER = b"\x1f\x8b"  # how what gzip has compressed begins
# How soon a thread that waits for the server notices that nobody waits for it any more, in seconds.
_NOTICE = 0.25


class Overdue(Exception):
    """The request as a whole took longer than it may."""


class Left(Exception):
    """Nobody wants the answer any more."""


class TooLarge(Exception):
    """The answer, or all answers together, are larger than they may be."""


class Broken(Exception):
    """The answer ended early, or is not compressed as it says."""


class Allowance:
    """What the calls of one task may use together, and whether the task is over. Any thread may ask."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._held = 0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise `Left` where the task is over."""
        if self.over.is_set():
            raise Left

    def rest(self, seconds: float) -> None:
        """Do nothing for so long, or until the task is over."""
        self.over.wait(seconds)

    def hold(self, size: int) -> None:
        """Count bytes that are kept (or, below 0, let go). Raises `TooLarge`."""
        with self._lock:
            self._held += size
            if size > 0 and self._held > MOST_HELD:
                raise TooLarge


class _Limits(threading.local):
    """What holds for the request that this thread is about."""

    allowance: Allowance
    timeout: float
    deadline: float  # of time.monotonic()


class _Reader(io.RawIOBase):
    """The bytes that a socket receives, as long as they may come."""

    def __init__(self, sock: t.Any, raw: t.Any, limits: _Limits) -> None:
        self._sock = sock
        self._raw = raw  # what http.client had: it counts who uses the socket
        self._allowance, self._timeout, self._deadline = limits.allowance, limits.timeout, limits.deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        patience = time.monotonic() + self._timeout
        while True:
            self._allowance.check()
            now = time.monotonic()
            if now >= self._deadline:
                raise Overdue
            if now >= patience:
                raise socket.timeout("timed out")  # up to Python 3.9 that is no TimeoutError, and the libraries want it
            self._sock.settimeout(min(_NOTICE, patience - now, self._deadline - now))
            with contextlib.suppress(socket.timeout):
                return int(self._sock.recv_into(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class Bounded(HTTPAdapter):
    """An adapter whose connections read under the limits of the thread that uses them."""

    def __init__(self, **options: t.Any) -> None:
        self._limits = limits = _Limits()

        class Response(http.client.HTTPResponse):
            def __init__(self, sock: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
                super().__init__(sock, *args, **kwargs)
                self.fp = io.BufferedReader(_Reader(sock, self.fp.detach(), limits), _PIECE)

            def _read_status(self) -> tuple[str, int, str]:
                version, status, reason = super()._read_status()  # type: ignore[misc]
                # http.client skips 100 alone, and takes 102 and 103 for the answer.
                return version, (100 if status in (102, 103) else status), reason

        def bounded(pool: t.Any) -> t.Any:
            class Connection(pool.ConnectionCls):  # type: ignore[misc]
                response_class = Response

                def connect(self) -> None:
                    super().connect()
                    limits.allowance.check()

                def send(self, data: t.Any) -> None:
                    limits.allowance.check()
                    super().send(data)

            return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

        self._pools = {"http": bounded(HTTPConnectionPool), "https": bounded(HTTPSConnectionPool)}
        super().__init__(**options)

    def limit(self, allowance: Allowance, timeout: float, deadline: float) -> None:
        """Say what holds for the next request of this thread; ``timeout`` and ``deadline`` are in seconds from now."""
        self._limits.allowance, self._limits.timeout = allowance, timeout
        self._limits.deadline = time.monotonic() + deadline

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def read_body(response: t.Any, allowance: Allowance) -> bytearray:
    """Return the body of a response of `requests` that was asked for as a stream, decompressed.

    Of a refusal no more than its beginning is read. Raises `Broken`, `TooLarge`, `Left`, `Overdue`, and what `urllib3` raises.
    """
    refused = not 200 <= response.status_code < 300
    body = bytearray()
    try:
        for piece in _decompressed(_pieces(response), response.headers.get("Content-Encoding")):
            body += piece
            allowance.hold(len(piece))
            if len(body) > (LARGEST_REFUSAL if refused else LARGEST_ANSWER):
                if refused:
                    return body
                raise TooLarge
    except BaseException:
        allowance.hold(-len(body))
        body.clear()  # what failed holds on to it
        raise
    return body


def _pieces(response: t.Any) -> t.Iterator[bytes]:
    counted = response.status_code not in (204, 304) and "Transfer-Encoding" not in response.headers
    promised = (response.headers.get("Content-Length") or "").strip()[:20]
    received = 0
    while piece := response.raw.read(_PIECE, decode_content=False):
        received += len(piece)
        yield piece
    # Not every release of urllib3 counts for itself.
    if counted and promised.isascii() and promised.isdigit() and received < int(promised):
        raise Broken(f"{received} of {promised} bytes came")


def _decompressed(pieces: t.Iterator[bytes], encoding: t.Optional[str]) -> t.Iterator[bytes]:
    """Decompress in small pieces: a few bytes may stand for very many."""
    if (encoding or "identity").strip().lower() in ("identity", ""):
        yield from pieces
        return
    if t.cast("str", encoding).strip().lower() not in ("gzip", "x-gzip"):
        raise Broken("compressed in a way that was not asked for")
    inflate, begun = zlib.decompressobj(16 + zlib.MAX_WBITS), False
    try:
        for piece in pieces:
            begun, rest = True, piece
            while rest:
                if inflate.eof:
                    if not rest.startswith(_MEMBER[: len(rest)]):
                        break  # padding, which all readers of gzip pass over
                    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
                yield inflate.decompress(rest, _PIECE)
                rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        # What is left of the last piece has been given out above, but for what the library itself still holds.
        while begun and not inflate.eof:
            held = inflate.decompress(b"", _PIECE)
            if not held:
                raise Broken("its compression has no end")
            yield held
    except zlib.error:
        raise Broken("it is not compressed as it says") from None
