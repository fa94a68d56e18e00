# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A request, its response, and the threads that exchange them."""

from __future__ import annotations

import contextlib
import enum
import json
import math
import queue
import re
import threading
import time
import typing as t
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class CredentialKind(enum.Enum):
    """Which credential authenticates a request."""

    PARTNER = "partner"  # the partner token, in a header
    INSTANCE = "instance"  # the ID and token of an instance, in the path; the Client-Token goes with them


@dataclass(frozen=True)
class Request:
    """A request to the API. ``shown`` is its path in messages: without a token."""

    method: str
    path: str = field(repr=False)  # below api_url
    shown: str
    kind: CredentialKind
    secrets: tuple[str, ...] = field(default=(), repr=False)  # that are in the path or the body
    parameters: t.Mapping[str, t.Any] = field(default_factory=dict)
    body: t.Optional[t.Mapping[str, t.Any]] = field(default=None, repr=False)  # sent as JSON
    expected_fields: t.Optional[frozenset[str]] = frozenset()
    """A JSON object that has an ``error`` and none of these fields is a failure. None: only a known error is."""


class Response(t.NamedTuple):
    """A response. ``content`` is the body, decompressed and not yet decoded."""

    status: int
    content: bytearray
    content_type: str = ""
    location: str = ""
    retry_after: float = 0  # seconds
    attempts: int = 1

    @property
    def is_success(self) -> bool:
        """Return whether the status is one of success."""
        return 200 <= self.status < 300

    def json(self) -> t.Any:
        """Return the JSON value of the body. What cannot be written as JSON again is replaced. Raises ValueError."""
        try:
            text = self.content.decode("utf-8-sig")  # RFC 8259: JSON is UTF-8, whatever the Content-Type says
            data = _DECODER.decode(text)
            if _SURROGATE.search(text):
                # Half of a surrogate pair (an emoji cut in two) could not be printed or written to a file.
                data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
        except RecursionError:
            raise ValueError("nested too deeply") from None
        return data


def _number(digits: str) -> t.Optional[float]:
    value = float(digits)
    return value if math.isfinite(value) else None


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=lambda _name: None)


class Abandoned(Exception):
    """The response is not needed any more."""


class Pending(Future[Response]):
    """A response that is awaited. Who waits for it enforces the deadline: no server can keep it waiting longer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
        self.is_abandoned = False
        self._lock = threading.Lock()
        self._deadline = math.inf  # of the attempt that is in progress

    def begin_attempt(self, seconds: float) -> None:
        """Start the time of an attempt. Raises `Abandoned`: after the deadline nothing is sent again."""
        with self._lock:
            if self.is_abandoned:
                raise Abandoned
            self._deadline = time.monotonic() + seconds

    def end_attempt(self) -> None:
        """Stop the time of an attempt."""
        with self._lock:
            self._deadline = math.inf

    @property
    def seconds_left(self) -> float:
        """Return the seconds until the deadline; infinity if no attempt is in progress."""
        return max(0.0, self._deadline - time.monotonic())

    def abandon_if_overdue(self, error: Exception) -> bool:
        """If the deadline has passed, let the response fail with this error, and return True."""
        with self._lock:
            if self.done() or time.monotonic() < self._deadline:
                return False
            self.is_abandoned = True
            self.set_exception(error)
        return True


class Pool:
    """Daemon threads that are never joined: the executor of the standard library would wait for a server that does not answer."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: queue.SimpleQueue[t.Optional[tuple[Pending, t.Callable[[], Response]]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0

    def submit(self, pending: Pending, work: t.Callable[[], Response]) -> None:
        """Run ``work`` on the next free thread. Raises RuntimeError if the system has no thread at all. One thread may submit."""
        if not self._idle.acquire(blocking=False) and self._threads < self._size:
            try:
                self.add_thread()
            except RuntimeError:
                if not self._threads:
                    raise
                self._size = self._threads  # the system has no more of them
        self._queue.put((pending, work))

    def add_thread(self) -> None:
        """Start a thread. Raises RuntimeError."""
        threading.Thread(target=self._run, daemon=True).start()
        self._threads += 1

    def replace_thread(self) -> None:
        """Start a thread for one whose work was abandoned. Raises RuntimeError."""
        self._threads -= 1
        self.add_thread()

    def close(self) -> None:
        """End each thread as soon as it has finished its work."""
        for _thread in range(self._threads):
            self._queue.put(None)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            pending, work = item
            response, error = None, None
            try:
                response = work()
            except BaseException as caught:  # noqa: BLE001 - raised where the response is asked for
                error = caught
            with contextlib.suppress(InvalidStateError):  # it was abandoned
                pending.set_result(response) if response is not None else pending.set_exception(error)
            if pending.is_abandoned:
                return  # another thread has taken its place
            del item, pending, work, response, error  # an idle thread must not keep a response in memory
            self._idle.release()
