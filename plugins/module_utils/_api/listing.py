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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ListingError
from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance, from_row

if t.TYPE_CHECKING:
    from .client import Client

T = t.TypeVar("T")
Instances = t.Iterator[list[Instance]]

PATH = "/instances"
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


def list_instances(client: Client, *, include_token: bool = False) -> list[Instance]:
    """Return every instance, in the API's order. Raises `ListingError`, `RequestError`."""
    return read(client, _joined, include_token=include_token)


def _joined(pages: Instances) -> list[Instance]:
    return [instance for page in pages for instance in page]


def find_instances(
    client: Client, *, identity: t.Optional[str] = None, name: t.Optional[str] = None, include_token: bool = False
) -> list[Instance]:
    """Return the instances with exactly this id and exactly this name (None: any).

    The server is asked to narrow the listing. Where that finds none, everything is listed once: its search may be odd.
    """

    def matching(pages: Instances) -> list[Instance]:
        return [
            instance
            for instance in _joined(pages)
            if (identity is None or instance["id"] == identity) and (name is None or instance["name"] == name)
        ]

    narrowed = client.connection.query or identity or name
    found = read(client, matching, query=narrowed, include_token=include_token)
    if not found and narrowed and not client.connection.query:
        found = read(client, matching, include_token=include_token)
    return found


def read(client: Client, build: t.Callable[[Instances], T], *, query: t.Optional[str] = None, include_token: bool = False) -> T:
    """Return what ``build`` makes of the fleet, which it gets as an iterator over pages of instances.

    ``build`` is called anew, with a new iterator, whenever the listing has to start over: it must keep nothing between calls.
    Only a call that saw the complete fleet returns. ``query`` narrows the listing in place of the setting of that name.
    Raises `ListingError`, `RequestError`.
    """
    listing = _Listing(client, query or client.connection.query or None, include_token)
    size, known = client.connection.page_size, False
    relists = shortenings = 0
    while True:
        try:
            return build(listing.pages(size, known))
        except _ShorterPages as shorter:
            size, known = shorter.length, True
            shortenings += 1
            if shortenings > _SHORTENINGS:
                raise listing.error(f"gave pages shorter than they claim, ever again, at last with {size} rows") from None
        except _Changed as change:
            relists += 1
            if relists > RELISTS:
                raise listing.error(f"gave no complete listing in {relists} attempts: {change}") from None


class _Listing:
    """One way of asking for the fleet."""

    def __init__(self, client: Client, query: t.Optional[str], include_token: bool) -> None:
        self._client = client
        self._query = query
        self._include_token = include_token

    def error(self, problem: str) -> ListingError:
        return ListingError(
            f"{self._client.describe(PATH)} {problem}: try again in a while, with another page_size, and check that api_url is the API's address"
        )

    def pages(self, size: int, known: bool) -> Instances:
        """Go through the fleet once. ``known``: the server's pages have been seen to hold ``size`` rows, whatever it reports."""
        first = self._read(1, self._get(1, size))
        length, last = self._plan(first, size, known)
        seen: set[str] = set()
        with closing(self._in_order(first, length, last)) as pages:
            for page in pages:
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
            return size, 1
        if length < 1:
            raise self.error(f"reported pages of {length} rows")
        if rows < min(length, total):
            raise _ShorterPages(rows)
        last = -(-total // length)
        if first.pages is None or known:
            return length, last
        if first.pages > last + 1:
            raise self.error(f"reported {first.pages} pages of {length} rows for {total} instances")
        # One page more than the rows need is looked at: some servers count that way, and it must be empty.
        return length, max(last, first.pages)

    def _in_order(self, first: _Page, length: int, last: int) -> t.Generator[_Page, None, None]:
        """Yield the pages one after the other, while the next ones are on their way."""
        yield first
        if last == 1:
            return
        concurrency = self._client.connection.concurrency
        pool = ThreadPoolExecutor(max_workers=min(concurrency, last - 1))
        try:
            requests = ((number, pool.submit(self._get, number, length)) for number in range(2, last + 1))
            # Twice as many as are in flight, so that a slow page does not leave the others idle.
            ahead = deque(islice(requests, 2 * concurrency))
            while ahead:
                number, request = ahead.popleft()
                response = request.result()
                ahead.extend(islice(requests, 1))
                yield self._read(number, response)
        finally:
            pool.shutdown(cancel_futures=True)

    def _get(self, number: int, size: int) -> t.Any:
        middleware = self._client.connection.middleware
        return self._client.get(PATH, page=number, pageSize=size, query=self._query, middleware=middleware)

    def _read(self, number: int, response: t.Any) -> _Page:
        answer = self._client.decode(PATH, response)
        if not isinstance(answer, dict):
            raise self._misshapen(f"it is {_kind(answer)} instead of an object")
        rows = answer.get("content")
        if not isinstance(rows, list):
            raise self._misshapen(f"content is {_kind(rows)} instead of a list")
        total = self._count(answer, "total")
        if total is None:
            raise self._misshapen("total is missing")
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
            try:
                instance = from_row(row, self._include_token)
            except RecursionError:
                raise self._misshapen(f"row {position} of page {page.number} is nested too deeply") from None
            if instance is None:
                raise self._misshapen(f"row {position} of page {page.number} has no id")
            if instance["id"] in seen:
                raise _Changed(f"an instance came twice, the second time on page {page.number}")
            seen.add(instance["id"])
            instances.append(instance)
        return instances

    def _misshapen(self, problem: str) -> ListingError:
        return ListingError(
            f"{self._client.describe(PATH)} was answered with JSON of another shape: {problem}: check that api_url is the API's address"
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
