# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The fleet, complete or an error. What stands above asks it for instances, and does not know which of two ways answered.

Either a partner's listing tells all instances, or each of them is asked by itself, with its credential.
"""

from __future__ import annotations

import re
import typing as t

from ._api import listing, single
from ._api.client import Client
from ._errors import ListingError, RequestError
from ._instance import Instance, comparable, from_row
from ._selection import Match, composed, refuse_unborne, select

if t.TYPE_CHECKING:
    from ._api.listing import Instances, Make, T
    from ._connection import Connection, Credential

_ID = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FEW = 10  # ids, that a listing is narrowed to one by one


class Fleet:
    """The instances that a connection gives access to, with their real values: `_instance.show` is for what leaves a door.

    Use it as a context manager. ``refused`` holds the ids whose credentials the server refused, and why, after `compare`.
    """

    def __init__(self, connection: Connection, result: t.Optional[int] = None) -> None:
        """Connect. ``result`` is the file descriptor that a module writes its result to."""
        self._client = Client(connection, result)
        self.refused: dict[str, str] = {}

    def __enter__(self) -> Fleet:  # noqa: PYI034 - Self came with Python 3.11
        self._client.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.__exit__(*exc_info)

    @property
    def client(self) -> Client:
        """The session with the API."""
        return self._client

    @property
    def address(self) -> str:
        """The API's address, which holds no secret."""
        return self._client.connection.api_url

    @property
    def tells_middleware(self) -> bool:
        """Whether instances come with their type: their own calls do not tell it."""
        return self._client.connection.credentials is None

    def instances(self, *, settings: bool = False) -> list[Instance]:
        """Return every instance, in the API's order, or in that of the credentials.

        With ``settings``, instances are asked for those that a listing did not tell. Raises `ListingError`, `RequestError`.
        """
        return self._complete(self._all(self._client.connection.credentials), settings)

    def find(self, *, identity: t.Optional[str], name: t.Optional[str], settings: bool = False) -> list[Instance]:
        """Return the instances with exactly this id and exactly this name (None: any).

        For an id the server is asked to narrow the listing. Where that finds nothing, or fails, everything is listed once: its
        search may be odd. A name may be borne by instances that the search does not know. Raises `ListingError`, `RequestError`.
        """
        match = Match(identity=identity, name=None if name is None else composed(name))
        found = self._narrowed(identity, from_row) if identity is not None and self._can_narrow else []
        matching = [instance for instance in found if match.holds(instance, composed(instance["name"]))]
        if not matching:
            credentials = self._client.connection.credentials
            if credentials is not None and identity is not None:
                credentials = tuple(credential for credential in credentials if credential.identity == identity)
            everything = self._all(credentials)
            matching = [instance for instance in everything if match.holds(instance, composed(instance["name"]))]
        return self._complete(matching, settings)

    def compare(
        self,
        build: t.Callable[[Instances], T],
        *,
        only: t.Optional[t.Sequence[str]] = None,
        needs_settings: t.Optional[t.Callable[[Instance], bool]] = None,
    ) -> T:
        """Return what ``build`` makes of the fleet's pages, whose instances hold what can be compared; see `listing.read`.

        ``only`` names those that it is about, by ids and names. Where that are a few ids, the server is asked for these alone.
        Instances that ``needs_settings`` says so of are asked for what the listing did not tell. Raises `ListingError`, `RequestError`.
        """
        credentials = self._named(only)
        if credentials is not None:
            built, refused = single.read(self._client, credentials, comparable, build)
            self.refused = {identity: f"{why}{_if_all(refused, credentials)}" for identity, why in refused.items()}
            return built
        if needs_settings is not None:
            build = self._telling_settings(build, needs_settings, only)
        if only is not None and self._can_narrow and len(set(only)) <= _FEW and all(map(_ID.fullmatch, only)):
            pages: list[list[Instance]] = []
            for identity in dict.fromkeys(only):
                pages.append(self._narrowed(identity, comparable))
                if not pages[-1]:
                    break
            else:
                return build(iter(pages))
        return listing.read(self._client, comparable, build)

    def adoptable(self, *, only: t.Optional[t.Sequence[str]] = None, settings: bool = False) -> list[Instance]:
        """Return what can be compared of every instance, or of those that ``only`` names by ids and names.

        With ``settings``, they are asked for those that a listing did not tell. Raises `ListingError`, `RequestError`, and `OptionError`
        where no instance bears one of the names.
        """
        instances = self.compare(_joined, only=only, needs_settings=_lacks_settings if settings else None)
        self._refuse_refused(self._named(only) or ())
        if only is None:
            return instances
        selected, unborne = select(instances, only)
        refuse_unborne(unborne)
        return selected

    @property
    def _can_narrow(self) -> bool:
        """Whether the server can be asked for an id. What the user narrows stays as narrow."""
        return self.tells_middleware and not self._client.connection.query

    def _named(self, only: t.Optional[t.Sequence[str]]) -> t.Optional[tuple[Credential, ...]]:
        """Return the credentials of those that it is about: of all, where one of them may be named by its name."""
        credentials = self._client.connection.credentials
        if credentials is None or only is None:
            return credentials
        ids = set(only)
        named = tuple(credential for credential in credentials if credential.identity in ids)
        return named if len(named) == len(ids) else credentials

    def _all(self, credentials: t.Optional[tuple[Credential, ...]]) -> list[Instance]:
        if credentials is None:
            return listing.read(self._client, from_row, _joined)
        instances, refused = single.read(self._client, credentials, from_row, _joined)
        self.refused = {identity: f"{why}{_if_all(refused, credentials)}" for identity, why in refused.items()}
        self._refuse_refused(credentials)
        return instances

    def _refuse_refused(self, credentials: t.Sized) -> None:
        if self.refused:
            raise RequestError(
                f"the server refuses {len(self.refused)} of {len(credentials)} credentials, those of {', '.join(self.refused)}; "
                f"the first: {next(iter(self.refused.values()))}"
            )

    def _narrowed(self, identity: str, make: Make) -> list[Instance]:
        """Return the instance with this id as the server's search finds it, in a list that is empty where it does not."""
        try:
            found = listing.read(self._client, make, _joined, query=identity)
        except (ListingError, RequestError):
            return []
        return [instance for instance in found if instance["id"] == identity]

    def _complete(self, instances: list[Instance], settings: bool) -> list[Instance]:
        if settings and self.tells_middleware:
            single.tell_settings(self._client, filter(_lacks_settings, instances))
        return instances

    def _telling_settings(
        self, build: t.Callable[[Instances], T], needs_settings: t.Callable[[Instance], bool], only: t.Optional[t.Sequence[str]]
    ) -> t.Callable[[Instances], T]:
        named = None if only is None else frozenset(map(composed, only))

        def is_asked(instance: Instance) -> bool:
            is_named = named is None or instance["id"] in named or composed(instance["name"]) in named
            return is_named and needs_settings(instance)

        def told(pages: Instances) -> Instances:
            for page in pages:
                single.tell_settings(self._client, filter(is_asked, page))
                yield page

        return lambda pages: build(told(pages))


def _if_all(refused: t.Sized, credentials: t.Sized) -> str:
    return "; as all credentials are refused, check api_url as well" if len(refused) == len(credentials) > 1 else ""


def _lacks_settings(instance: Instance) -> bool:
    return any(attribute.startswith("settings.") for attribute in instance["unknown"])


def _joined(pages: Instances) -> list[Instance]:
    return [instance for page in pages for instance in page]
