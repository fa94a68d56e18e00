# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Pages become a complete listing here: every instance once, in the API's order, or a `ListingError`.

The server is believed as little as possible. What it reports decides which pages are asked for; whether the listing is
complete is decided by counting what came.
"""

from __future__ import annotations

import typing as t
from collections import deque
from itertools import islice

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ListingError
from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

from .bounds import LARGEST_ANSWER
from .refusals import Call

if t.TYPE_CHECKING:
    from concurrent.futures import Future

    from .client import Answer, Client, Task

T = t.TypeVar("T")
Instances = t.Iterator[list[Instance]]
Make = t.Callable[[t.Mapping[str, t.Any]], t.Optional[Instance]]

LIST = Call("/instances", "/instances")
RELISTS = 3
# Each time with shorter pages than before; a server that halves them gets from 1,000 to 1 in this many steps.
_SHORTENINGS = 10


class _Changed(Exception):
    """The pages are not those of one fleet at one moment; listing again may help."""


class _ShorterPages(Exception):
    """The server's pages hold fewer rows than it claims."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class _Page(t.NamedTuple):
    number: int
    rows: list[t.Any]
    total: int
    size: t.Optional[int]  # rows a page, as the server reports it
    pages: t.Optional[int]  # likewise


def read(client: Client, make: Make, build: t.Callable[[Instances], T], *, query: t.Optional[str] = None) -> T:
    """Return what ``build`` makes of the fleet, which it gets as an iterator over pages of instances.

    ``build`` is called anew, with a new iterator, whenever the listing has to start over: it must keep nothing between calls.
    Only a call that saw the complete fleet returns. ``make`` turns a row of the API into an instance,
    or into None where it has no id. ``query`` narrows the listing in place of the option of that name. With ``list_twice``, the
    listing before has to name the same instances. Raises `ListingError`, `RequestError`.
    """
    listing = _Listing(client, query or client.connection.query or None, make)
    size, known = client.connection.page_size, False
    listings = relists = shortenings = 0
    before: t.Optional[set[str]] = None
    while True:
        seen: set[str] = set()
        try:
            built = build(listing.pages(size, known, seen))
        except _ShorterPages as shorter:
            size, known = shorter.length, True
            shortenings += 1
            if shortenings > _SHORTENINGS:
                raise listing.error(f"gave pages shorter than they claim, ever again, at last with {size} rows") from None
            continue
        except _Changed as change:
            listings += 1
            before, problem = None, str(change)
        else:
            listings += 1
            if not client.connection.list_twice or seen == before:
                return built
            first, before = before is None, seen
            if first:
                continue
            problem = "two listings in a row did not name the same instances"
        relists += 1
        if relists > RELISTS:
            raise listing.error(f"gave no complete listing in {listings} attempts: {problem}") from None


class _Listing:
    """One way of asking for the fleet."""

    def __init__(self, client: Client, query: t.Optional[str], make: Make) -> None:
        self._client = client
        self._query = query
        self._make = make

    def error(self, problem: str) -> ListingError:
        return ListingError(
            f"{self._client.describe(LIST)} {problem}: try again in a while, with another page_size, and check that api_url is the API's address"
        )

    def pages(self, size: int, known: bool, seen: set[str]) -> Instances:
        """Go through the fleet once, and note its ids in ``seen``.

        ``known``: the server's pages have been seen to hold ``size`` rows, whatever it reports.
        """
        with self._client.task() as task:
            answer = task.wait(self._ask(task, 1, size))
            first = self._read(task, 1, answer)
            length, last = self._plan(first, size, known)
            for page in self._in_order(task, first, len(answer.content), length, last):
                if page.total != first.total:
                    raise _Changed(f"the number of instances changed from {first.total} to {page.total} on the way")
                _check_length(page, length)
                yield self._instances(page, seen)
            if len(seen) != first.total:
                raise _Changed(f"{len(seen)} of {first.total} instances came")

    def _plan(self, first: _Page, size: int, known: bool) -> tuple[int, int]:
        """Return how many rows a page holds, and how many pages to ask for."""
        length = size if known or first.size is None else first.size
        rows, total = len(first.rows), first.total
        if rows > total or (total and not rows):
            raise self.error(f"reported {total} instances and sent {rows} on the first page")
        if total == 0:
            if (first.pages or 0) > 1:
                raise self.error(f"reported 0 instances on {first.pages} pages")
            return size, 1
        if length < 1:
            raise self.error(f"reported pages of {length} rows")
        if rows < min(length, total):
            raise _ShorterPages(rows)
        last = -(-total // length)
        if first.pages is None or known:
            return length, last
        # Some servers count one page more than the rows need, or one less.
        if abs(first.pages - last) > 1:
            raise self.error(f"reported {first.pages} pages of {length} rows for {total} instances")
        # One page more is looked at: it must be empty.
        return length, max(last, first.pages)

    def _in_order(self, task: Task, first: _Page, largest: int, length: int, last: int) -> t.Iterator[_Page]:
        """Yield the pages one after the other, while the next ones are on their way. ``largest``: bytes of an answer, so far."""
        yield first
        requests = ((number, self._ask(task, number, length)) for number in range(2, last + 1))
        ahead: deque[tuple[int, Future[Answer]]] = deque()
        while True:
            # Twice as many as are in flight, so that a slow page does not leave the others idle; fewer where pages are large.
            most = max(1, min(2 * self._client.connection.concurrency, LARGEST_ANSWER // max(1, largest)))
            ahead.extend(islice(requests, most - len(ahead)))
            if not ahead:
                return
            number, request = ahead.popleft()
            answer = task.wait(request)
            largest = max(largest, len(answer.content))
            yield self._read(task, number, answer)

    def _ask(self, task: Task, number: int, size: int) -> Future[Answer]:
        middleware = self._client.connection.middleware
        return task.start(LIST, {"page": number, "pageSize": size, "query": self._query, "middleware": middleware})

    def _read(self, task: Task, number: int, response: Answer) -> _Page:
        answer = task.decode(LIST, response)
        if not isinstance(answer, dict):
            raise self._misshapen(f"it is {_kind(answer)} instead of an object")
        rows = answer.get("content")
        if not isinstance(rows, list):
            raise self._misshapen(f"content is {_kind(rows)} instead of a list")
        total = self._count(answer, "total")
        if total is None:
            raise self._misshapen("total is missing")
        if self._count(answer, "page") not in (None, number):
            raise self.error(f"says of page {number} that it is another one")
        return _Page(number, rows, total, self._count(answer, "pageSize"), self._count(answer, "totalPage"))

    def _count(self, answer: dict[str, t.Any], field: str) -> t.Optional[int]:
        value = answer.get(field)
        if value is None:
            return None
        try:
            if isinstance(value, bool) or int(value) != float(value) or int(value) < 0:
                raise ValueError(value)
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise self._misshapen(f"{field} is {_kind(value)} that is no count") from None

    def _instances(self, page: _Page, seen: set[str]) -> list[Instance]:
        instances = []
        for position, row in enumerate(page.rows, start=1):
            if not isinstance(row, dict):
                raise self._misshapen(f"row {position} of page {page.number} is {_kind(row)} instead of an object")
            instance = self._make(row)
            if instance is None:
                raise self._misshapen(f"row {position} of page {page.number} has no id")
            if instance["id"] in seen:
                raise _Changed(f"an instance came twice, the second time on page {page.number}")
            seen.add(instance["id"])
            instances.append(instance)
        return instances

    def _misshapen(self, problem: str) -> ListingError:
        return ListingError(
            f"{self._client.describe(LIST)} was answered with JSON of another shape: {problem}: check that api_url is the API's address"
        )


def _check_length(page: _Page, length: int) -> None:
    expected = max(0, min(length, page.total - (page.number - 1) * length))
    rows = len(page.rows)
    if 0 < rows < expected and page.number * length < page.total:
        raise _ShorterPages(rows)
    if rows != expected:
        raise _Changed(f"page {page.number} holds {rows} instances instead of {expected}")


def _kind(value: t.Any) -> str:
    """Name the JSON type of a value, which itself may hold anything and is never shown."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for kind, name in ((dict, "an object"), (list, "a list"), (str, "text")):
        if isinstance(value, kind):
            return name
    return "a number"
