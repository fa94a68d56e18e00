# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The fleet, complete or an error: from a partner's listing, or from the calls of each instance with its own credential."""

from __future__ import annotations

import re
import typing as t

from ._core.errors import ListingError, Reason, RequestError
from ._core.instance import Record, Rejected
from ._http.session import Session
from ._secrets import Secrets
from ._zapi.listing import list_objects
from ._zapi.reads import read_details, read_instances

if t.TYPE_CHECKING:
    from ._core.options import Connection

_ID = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_MAX_SEARCHES = 10

Records = list[Record]


class Listing(t.NamedTuple):
    """The instances in the API's order or in that of the credentials, and the credentials that the server rejects."""

    records: Records
    rejected: list[Rejected]


class Fleet:
    """The instances that a connection gives access to. Use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        """Raise `RequestError` if the environment has an invalid proxy, `MessageError` if requests is not installed."""
        self.session = Session(connection)
        self._connection = connection

    def __enter__(self) -> Fleet:  # noqa: PYI034 - Self requires Python 3.11
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.session.__exit__(*exc_info)

    @property
    def api_url(self) -> str:
        """Return the address of the API."""
        return self._connection.api_url

    @property
    def is_narrowed(self) -> bool:
        """Return whether the listing need not have all instances of the account."""
        return self._connection.query is not None or self._connection.middleware is not None

    @property
    def has_middleware(self) -> bool:
        """Return whether instances have their middleware: the calls of an instance do not return it."""
        return self._connection.credentials is None

    def secrets(self, records: t.Iterable[Record] = ()) -> Secrets:
        """Return the known secrets: those of the connection and of these records."""
        connection = self._connection
        tokens = [connection.partner_token, connection.client_token, *(one.token for one in connection.credentials or ())]
        return Secrets([*tokens, *(secret for record in records for secret in record.secrets)])

    def list(self, *, only: t.Optional[t.Sequence[str]] = None) -> Listing:
        """Return the complete fleet. Raises `ListingError`, `RequestError`.

        With ``only`` (IDs and names), others may be missing: a few IDs are asked for one by one. Names need the complete fleet.
        """
        credentials = self._connection.credentials
        if credentials is None:
            found = self._search(list(dict.fromkeys(only))) if only else None
            return Listing(list_objects(self.session) if found is None else found, [])
        if only and {credential.id for credential in credentials}.issuperset(only):
            credentials = tuple(credential for credential in credentials if credential.id in only)
        records, rejected = read_instances(self.session, credentials)
        if len(rejected) == len(credentials) > 1:
            rejected = [Rejected(one.id, Reason("every_credential_rejected", one.reason.values)) for one in rejected]
        return Listing(records, rejected)

    def _search(self, ids: t.Sequence[str]) -> t.Optional[Records]:
        """Return the instances with these IDs; None if the server's search does not return each of them."""
        if self._connection.query or len(ids) > _MAX_SEARCHES or not all(map(_ID.fullmatch, ids)):
            return None
        found: Records = []
        for identity in ids:
            try:
                records = list_objects(self.session, query=identity)
            except (ListingError, RequestError):
                return None  # the complete listing reports what is wrong, if anything is
            matching = [record for record in records if record.instance["id"] == identity]
            if not matching:
                return None
            found += matching
        return found

    def complete(self, records: t.Sequence[Record], calls: t.Mapping[str, t.Sequence[Record]]) -> Records:
        """Return the records with what further calls return: ``me``, ``status`` or ``device``, each of the records given for it.

        Raises `RequestError`.
        """
        result = {record.instance["id"]: record for record in records}
        for call, needed in calls.items():
            if call in ("me", "status") and self._connection.credentials is not None:
                continue  # `list` has made them
            known = [result[record.instance["id"]] for record in needed]
            result.update((record.instance["id"], record) for record in read_details(self.session, known, call))
        return [*result.values()]

    def refuse_rejected(self, listing: Listing) -> None:
        """Raise `RequestError` if the server rejects credentials: it names all of them."""
        if listing.rejected:
            ids, count = [one.id for one in listing.rejected], len(listing.rejected) + len(listing.records)
            values = {"ids": ids, "credentials": count, "first": listing.rejected[0].reason}
            raise RequestError(Reason("credentials_rejected", values))
