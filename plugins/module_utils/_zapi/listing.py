# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The complete listing: every instance once, in the API's order, or an error.

The server is trusted as little as possible. What it reports decides which pages are requested; whether the listing is complete is
decided by counting what was returned.
"""

from __future__ import annotations

import typing as t
from collections import deque
from itertools import islice

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ListingError, Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.garbage import garbage_collector_off
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, record_from_object
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import MAX_RESPONSE

from .calls import json_type, listing_request

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import Pending
    from ansible_collections.zapi.zapi.plugins.module_utils._http.session import RequestGroup, Session

MAX_RELISTS = 3
_MAX_SHORTENINGS = 10  # a server that halves the page size gets from 1,000 to 1 in as many steps


class _Changed(Exception):
    """The pages do not show one fleet at one moment; listing again may help."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class _ShortPages(Exception):
    """The server returns fewer entries on a page than it reports."""

    def __init__(self, entries: int) -> None:
        super().__init__(entries)
        self.entries = entries


class _Page(t.NamedTuple):
    number: int
    entries: list[t.Any]
    total: int
    page_size: t.Optional[int]  # as the server reports it
    pages: t.Optional[int]  # likewise
    bytes: int


def list_objects(session: Session, *, query: t.Optional[str] = None) -> list[Record]:
    """Return the records of all instances; with ``query`` or the option of that name, of those that the server's search returns.

    Lists again, up to three times, if instances come or go meanwhile. With ``list_twice``, two listings in a row must have the same
    instances. Raises `ListingError`, `RequestError`.
    """
    listing = _Listing(session, query or session.connection.query)
    page_size, is_measured = session.connection.page_size, False
    listings = relists = shortenings = 0
    previous: t.Optional[set[str]] = None
    while True:
        try:
            records = listing.list_once(page_size, is_measured)
        except _ShortPages as short:
            page_size, is_measured = short.entries, True
            shortenings += 1
            if shortenings > _MAX_SHORTENINGS:
                raise listing.error("short_pages", retries=_MAX_SHORTENINGS, entries=short.entries) from None
            continue
        except _Changed as change:
            problem, previous = change, None
        else:
            ids = {record.instance["id"] for record in records}
            if not session.connection.list_twice or ids == previous:
                return records
            is_first, previous = previous is None, ids
            if is_first:
                listings += 1
                continue
            problem = _Changed("listings_differ")
        listings += 1
        relists += 1
        if relists > MAX_RELISTS:
            raise listing.error(problem.code, listings=listings, **problem.values)


class _Listing:
    def __init__(self, session: Session, query: t.Optional[str]) -> None:
        self._session = session
        self._query = query

    def error(self, code: str, **values: t.Any) -> ListingError:
        label = self._session.label(listing_request(self._session.connection, 1, 1))
        return ListingError(Reason(code, {"request": label, **values}))

    def list_once(self, page_size: int, is_measured: bool) -> list[Record]:
        """Return the records of all pages. ``is_measured``: the pages have ``page_size`` entries, whatever the server reports."""
        records: list[Record] = []
        ids: set[str] = set()
        # Searching all records again and again for reference cycles would take a tenth of the time of a listing.
        with self._session.group() as group, garbage_collector_off():
            first = self._page(group, 1, self._start(group, 1, page_size))
            page_size, last = self._plan(first, page_size, is_measured)
            for page in self._pages(group, first, page_size, last):
                if page.total != first.total:
                    raise _Changed("total_changed", before=first.total, after=page.total)
                _check_length(page, page_size)
                for record in self._records(page):
                    identity = record.instance["id"]
                    if identity in ids:
                        raise _Changed("instance_repeated", page=page.number)
                    ids.add(identity)
                    records.append(record)
        if len(records) != first.total:
            raise _Changed("instances_missing", entries=len(records), total=first.total)
        return records

    def _plan(self, first: _Page, requested: int, is_measured: bool) -> tuple[int, int]:
        """Return the page size, and the number of the last page to request."""
        page_size = requested if is_measured or first.page_size is None else first.page_size
        entries, total = len(first.entries), first.total
        if entries > total or (total and not entries):
            raise self.error("first_page", total=total, entries=entries)
        if total == 0:
            if (first.pages or 0) > 1:
                raise self.error("pages_without_instances", pages=first.pages)
            return requested, 1
        if page_size < 1:
            raise self.error("page_size_zero")
        if entries < min(page_size, total):
            raise _ShortPages(entries)
        last = -(-total // page_size)
        if first.pages is None or is_measured:
            return page_size, last
        # Some servers count one page too many or too few.
        if abs(first.pages - last) > 1:
            raise self.error("page_count", pages=first.pages, page_size=page_size, total=total)
        # One page too many is requested as well: it must be empty.
        return page_size, max(last, first.pages)

    def _pages(self, group: RequestGroup, first: _Page, page_size: int, last: int) -> t.Iterator[_Page]:
        """Yield the pages in order, while the next ones are being fetched."""
        yield first
        # Twice as many as are fetched at once, so that a slow page does not leave threads idle; fewer if pages are large.
        max_ahead = max(1, min(2 * self._session.concurrency, MAX_RESPONSE // first.bytes))
        requests = ((number, self._start(group, number, page_size)) for number in range(2, last + 1))
        ahead = deque(islice(requests, max_ahead))
        while ahead:
            number, pending = ahead.popleft()
            yield self._page(group, number, pending)
            ahead.extend(islice(requests, 1))

    def _start(self, group: RequestGroup, number: int, page_size: int) -> Pending:
        return group.start(listing_request(self._session.connection, number, page_size, self._query))

    def _page(self, group: RequestGroup, number: int, pending: Pending) -> _Page:
        data = group.decode(pending)
        if not isinstance(data, dict):
            raise self._wrong_shape("", "object", data)
        total = self._count(data, "total")
        if total is None:
            raise self._wrong_shape("total", "count", data.get("total", ...))
        entries = data.get("content", ...)
        if entries is None and total == 0:
            entries = []  # servers written in Go write an empty list so
        if not isinstance(entries, list):
            raise self._wrong_shape("content", "array", entries)
        found = self._count(data, "page")
        if found not in (None, number):
            raise self.error("wrong_page", page=number, found=found)
        size = len(pending.result().content)
        return _Page(number, entries, total, self._count(data, "pageSize"), self._count(data, "totalPage"), size)

    def _count(self, data: dict[str, t.Any], field: str) -> t.Optional[int]:
        value = data.get(field)
        if value is None:
            return None
        try:
            if isinstance(value, bool) or int(value) != float(value) or int(value) < 0:
                raise ValueError(value)
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise self._wrong_shape(field, "count", value) from None

    def _records(self, page: _Page) -> t.Iterator[Record]:
        for position, entry in enumerate(page.entries, start=1):
            if not isinstance(entry, dict):
                raise self.error("wrong_entry", page=page.number, position=position, found=json_type(entry))
            record = record_from_object(entry)
            if record is None:
                raise self.error("entry_without_id", page=page.number, position=position)
            yield record

    def _wrong_shape(self, field: str, expected: str, found: t.Any) -> ListingError:
        return self.error("wrong_shape", field=field, expected=expected, found=json_type(found))


def _check_length(page: _Page, page_size: int) -> None:
    entries, expected = len(page.entries), max(0, min(page_size, page.total - (page.number - 1) * page_size))
    if 0 < entries < expected and page.number * page_size < page.total:
        raise _ShortPages(entries)
    if entries != expected:
        raise _Changed("page_length", page=page.number, entries=entries, expected=expected)
