# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The fleet, complete or an error. What stands above asks it for instances and knows nothing of calls and pages."""

from __future__ import annotations

import re
import typing as t

from ._api.client import Client
from ._api.listing import Instances, T, read
from ._errors import ListingError, RequestError
from ._instance import Instance, comparable, from_row
from ._selection import Match, composed

if t.TYPE_CHECKING:
    from ._connection import Connection

_ID = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FEW = 10  # ids, that are asked for one by one


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
        match = Match(identity=identity, name=None if name is None else composed(name))
        # What the user narrows stays as narrow.
        if identity is not None and not self._client.connection.query:
            found = [one for one in self._narrowed(identity, from_row) if match.holds(one, composed(one["name"]))]
            if found:
                return found
        return [instance for instance in self._list() if match.holds(instance, composed(instance["name"]))]

    def compare(self, build: t.Callable[[Instances], T], only: t.Optional[t.Sequence[str]] = None) -> T:
        """Return what ``build`` makes of the fleet's pages, whose instances hold what can be compared; see `listing.read`.

        ``only`` names those that it is about. Where that are a few ids, the server is asked for these alone, as in `find`.
        """
        if only is not None and len(set(only)) <= _FEW and all(map(_ID.fullmatch, only)) and not self._client.connection.query:
            pages = []
            for identity in dict.fromkeys(only):
                pages.append(self._narrowed(identity, comparable))
                if not pages[-1]:
                    break
            else:
                return build(pages)
        return read(self._client, comparable, build)

    def _narrowed(self, identity: str, convert: t.Callable[[t.Mapping[str, t.Any]], t.Optional[Instance]]) -> list[Instance]:
        """Return the instance with this id as the server's search finds it, in a list that is empty where it does not."""
        try:
            found = read(self._client, convert, _joined, query=identity)
        except (ListingError, RequestError):
            return []
        return [instance for instance in found if instance["id"] == identity]

    def _list(self) -> list[Instance]:
        return read(self._client, from_row, _joined)


def _joined(pages: Instances) -> list[Instance]:
    return [instance for page in pages for instance in page]
