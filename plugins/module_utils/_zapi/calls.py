# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The calls of Z-API that this collection uses, and the shape of their responses."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import CredentialKind, Request

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Connection, Credential
    from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import Pending
    from ansible_collections.zapi.zapi.plugins.module_utils._http.session import RequestGroup

# What a successful response has. None: its ``error`` may describe the instance.
_EXPECTED_FIELDS = {"me": frozenset({"id"}), "status": None, "device": None}


def listing_request(connection: Connection, page: int, page_size: int, query: t.Optional[str] = None) -> Request:
    """Return the request for one page of the listing."""
    parameters = {"page": page, "pageSize": page_size, "query": query, "middleware": connection.middleware}
    given = {name: value for name, value in parameters.items() if value is not None}
    return Request(
        "GET", "/instances", "/instances", CredentialKind.PARTNER, parameters=given, expected_fields=frozenset({"content"})
    )


def instance_request(
    credential: Credential, name: str, body: t.Optional[t.Mapping[str, t.Any]] = None, secrets: t.Sequence[str] = ()
) -> Request:
    """Return the request for a call of an instance: one that reads, such as ``me``, or, with a body, one that sets something.

    ``secrets`` are those in the body.
    """
    identity, token = quote(credential.id, safe=""), quote(credential.token, safe="")
    return Request(
        "GET" if body is None else "PUT",
        f"/instances/{identity}/token/{token}/{name}",
        f"/instances/{identity}/{name}",
        CredentialKind.INSTANCE,
        secrets=(credential.token, *secrets),
        body=body,
        expected_fields=_EXPECTED_FIELDS[name] if body is None else frozenset({"value"}),
    )


def decode_object(group: RequestGroup, pending: Pending) -> dict[str, t.Any]:
    """Wait for a response and return its JSON object. Raises `RequestError`."""
    data = group.decode(pending)
    if not isinstance(data, dict):
        values = {"request": group.session.label(pending.request), "field": "", "expected": "object", "found": json_type(data)}
        raise RequestError(Reason("wrong_shape", values))
    return data


def json_type(value: t.Any) -> str:
    """Return the JSON type of a value, "nothing" for a missing field (``...``). The value itself may be anything: it is never shown."""
    types = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return types.get(type(value), "nothing")
