# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The fleet, complete or an error. What stands above asks it for instances and knows nothing of calls and pages."""

from __future__ import annotations

import typing as t

from ._api.client import Client
from ._api.listing import Instances, T, read
from ._errors import ListingError, RequestError
from ._instance import Instance, comparable, from_row
from ._selection import Match

if t.TYPE_CHECKING:
    from ._connection import Connection


class Fleet:
    """The instances that a connection gives access to, with their real values: `_instance.show` is for what leaves a door.

    Use it as a context manager.
    """

    def __init__(self, connection: Connection, result: t.Optional[int] = None) -> None:
        """Connect. ``result`` is the file descriptor that a module writes its result to."""
        self._client = Client(connection, result)

    def __enter__(self) -> Fleet:  # noqa: PYI034 - Self came with Python 3.11
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    def instances(self) -> list[Instance]:
        """Return every instance, in the API's order. Raises `ListingError`, `RequestError`."""
        return self._list()

    def find(self, *, identity: t.Optional[str], name: t.Optional[str]) -> list[Instance]:
        """Return the instances with exactly this id and exactly this name (None: any).

        For an id the server is asked to narrow the listing. Where that finds nothing, or fails, everything is listed once: its
        search may be odd. A name may be borne by instances that the search does not know. Raises `ListingError`, `RequestError`.
        """
        match = Match(identity=identity, name=name)
        # What the user narrows stays as narrow.
        if identity is not None and not self._client.connection.query:
            try:
                found = [instance for instance in self._list(query=identity) if match.holds(instance)]
            except (ListingError, RequestError):
                found = []
            if found:
                return found
        return [instance for instance in self._list() if match.holds(instance)]

    def compare(self, build: t.Callable[[Instances], T]) -> T:
        """Return what ``build`` makes of the fleet's pages, whose instances hold what can be compared; see `listing.read`."""
        return read(self._client, comparable, build)

    def _list(self, query: t.Optional[str] = None) -> list[Instance]:
        return read(self._client, from_row, _joined, query=query)


def _joined(pages: Instances) -> list[Instance]:
    return [instance for page in pages for instance in page]
