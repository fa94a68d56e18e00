# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The calls that set something. Nothing else in this collection writes to the API."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote, urlsplit

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, RequestError, Scope
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import looks_random

from .calls import decode_object, instance_request

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Credential
    from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import Pending
    from ansible_collections.zapi.zapi.plugins.module_utils._http.session import RequestGroup

_MIN_SECRET = 4  # characters; shorter texts are also parts of words


def put(group: RequestGroup, credential: Credential, call: str, body: t.Mapping[str, t.Any]) -> Pending:
    """Start a call of an instance, such as ``update-webhook-received``. `check` waits for its response."""
    # An error may repeat the value.
    secrets = [secret for value in body.values() if isinstance(value, str) for secret in _secrets(value)]
    return group.start(instance_request(credential, call, body, secrets))


def check(group: RequestGroup, pending: Pending) -> None:
    """Wait for the response to a call of `put`. Raises `RequestError` if it was rejected or if the response is unusable."""
    if decode_object(group, pending).get("value") is False:
        raise RequestError(Reason("value_false", {"request": group.session.label(pending.request)}), Scope.CALL)


def _secrets(value: str) -> list[str]:
    """Return what messages must not repeat of a value: all of it, and the parts of a URL that `mask_url` hides."""
    parts = [value]
    try:
        url = urlsplit(value)
    except ValueError:
        return parts
    if url.netloc:
        parameters = [parameter.partition("=") for parameter in url.query.split("&")]
        hidden = [*url.netloc.rpartition("@")[0].split(":"), *(value or key for key, _equals, value in parameters), url.fragment]
        hidden += [segment for segment in url.path.split("/") if looks_random(unquote(segment))]
        parts += hidden + [unquote(part) for part in hidden]
    return [part for part in parts if len(part) >= _MIN_SECRET]
