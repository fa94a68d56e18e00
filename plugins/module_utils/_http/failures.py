# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Why a request failed, as a code with values, and what that says about other requests. Words of others are masked here."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, RequestError, Scope
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets, quote_server

from .exchange import CredentialKind, Request, Response

try:
    from requests import exceptions
    from urllib3.exceptions import NewConnectionError, ProxySchemeUnknown, ReadTimeoutError
except ImportError:
    pass  # reported by the session

MAX_RETRY_AFTER = 60
"""Seconds that a server may ask to wait."""
TRANSIENT = frozenset((408, 429, 500, 502, 503, 504, *range(520, 527)))
"""The statuses after which another attempt may succeed. 520 to 526 come from the CDN."""


class UnusableResponse(Exception):
    """A response that breaks a limit or ended early: a code with values."""

    def __init__(self, code: str, **values: t.Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values


class _Rule(t.NamedTuple):
    """An error that Z-API is known to return, whatever the status."""

    words: re.Pattern[str]  # in the lower-case text of the error
    code: str
    scope: Scope
    kinds: tuple[CredentialKind, ...] = tuple(CredentialKind)


_INSTANCE, _PARTNER = (CredentialKind.INSTANCE,), (CredentialKind.PARTNER,)
_NO_CLIENT_TOKEN = re.compile("client-token is not configured")
_CLIENT_TOKEN = re.compile(r"(client[-_ ]?token|\bnull\b).*not allowed")
_RULES = (
    _Rule(_NO_CLIENT_TOKEN, "client_token_required", Scope.ALL, _INSTANCE),
    _Rule(_CLIENT_TOKEN, "client_token_rejected", Scope.ALL, _INSTANCE),
    _Rule(_NO_CLIENT_TOKEN, "client_token_not_sent", Scope.ALL, _PARTNER),
    _Rule(_CLIENT_TOKEN, "client_token_not_sent", Scope.ALL, _PARTNER),
    _Rule(re.compile(r"\bip\b.*not allowed"), "ip_not_allowed", Scope.ALL),
    _Rule(re.compile("unable to find matching target resource method"), "wrong_path", Scope.ALL),
    _Rule(re.compile("must subscribe"), "subscription_lapsed", Scope.INSTANCE, _INSTANCE),
    _Rule(re.compile("instance not found"), "credential_rejected", Scope.INSTANCE, _INSTANCE),
)
_BY_STATUS = {
    (CredentialKind.PARTNER, 401): ("partner_token_rejected", Scope.ALL),
    (CredentialKind.PARTNER, 403): ("partner_token_rejected", Scope.ALL),
    **{(CredentialKind.INSTANCE, status): ("credential_rejected", Scope.INSTANCE) for status in (401, 403, 404)},
}


def of_response(label: str, request: Request, response: Response, secrets: Secrets) -> RequestError:
    """Return the error for a response that is a failure. ``label`` is the request as messages name it."""
    error, message = _error_and_message(response)
    said, text = _words(error, message, secrets)
    values = {"request": label, "status": response.status, "said": said, "attempts": response.attempts}
    address = _ip_address(text.partition("not allowed")[0])
    code, scope = _classify(request.kind, response, bool(error or message), f"ip {text}" if address else text)
    if code == "redirected":
        values["target"] = quote_server(_authority(response.location), secrets)
    elif code == "ip_not_allowed":
        values["address"] = address
    elif code == "retry_after_too_long":
        values.update(seconds=int(response.retry_after), limit=MAX_RETRY_AFTER)
    return RequestError(Reason(code, values), scope)


def _classify(kind: CredentialKind, response: Response, is_error: bool, text: str) -> tuple[str, Scope]:
    status = response.status
    if 300 <= status < 400:
        return "redirected", Scope.UNKNOWN
    for rule in _RULES:
        # A server that fails for a while may say anything about one instance.
        if kind in rule.kinds and rule.words.search(text) and (rule.scope is Scope.ALL or status not in TRANSIENT):
            return rule.code, rule.scope
    if status in TRANSIENT:
        if response.retry_after > MAX_RETRY_AFTER:
            return "retry_after_too_long", Scope.UNKNOWN
        return "too_many_requests" if status == 429 else "service_unavailable", Scope.UNKNOWN
    # Only the API itself knows whether an instance exists: a page of a proxy proves nothing.
    if (kind, status) in _BY_STATUS and (is_error or kind is CredentialKind.PARTNER):
        return _BY_STATUS[kind, status]
    return "call_rejected" if is_error else "unexpected_status", Scope.CALL if 400 <= status < 500 else Scope.UNKNOWN


def not_json(label: str, response: Response, secrets: Secrets) -> RequestError:
    """Return the error for a response that is not JSON."""
    return RequestError(Reason("not_json", {"request": label, "content_type": quote_server(response.content_type, secrets)}))


def may_succeed_later(error: Exception) -> bool:
    """Return whether a request that got no response may get one with another attempt."""
    if isinstance(error, UnusableResponse):
        return error.code == "cut_off"
    lost = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)
    return isinstance(error, lost) and not isinstance(error, exceptions.SSLError)


def of_exception(
    error: Exception, label: str, server: str, attempts: int, *, timeout: float, proxy_variable: t.Optional[str], secrets: Secrets
) -> RequestError:
    """Return the error for a request that got no usable response.

    ``timeout`` is in seconds; ``proxy_variable`` is the environment variable with the proxy that was used. The texts of library
    errors may hold anything: only the innermost one is quoted.
    """
    cause = _innermost(error)
    text = str(cause)
    if isinstance(cause, NewConnectionError):
        text = text.rpartition(": ")[2]  # the connection object is in front
    values: dict[str, t.Any] = {"request": label, "server": server, "attempts": attempts, "said": quote_server(text, secrets)}
    if isinstance(error, UnusableResponse):
        code = error.code
        own = {name: quote_server(value, secrets) if isinstance(value, str) else value for name, value in error.values.items()}
        values = {**values, "said": "", **own}
    elif isinstance(error, (exceptions.ProxyError, exceptions.InvalidSchema)) or isinstance(cause, ProxySchemeUnknown):
        code = "proxy_failed"
        values["variable"] = proxy_variable
    elif isinstance(error, exceptions.SSLError):
        code = "tls_failed"
    elif isinstance(error, exceptions.Timeout) or isinstance(cause, (ReadTimeoutError, TimeoutError)):
        code = "timeout"
        values["seconds"] = timeout
    elif isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        code = "cut_off"
    else:
        code = "connection_failed" if isinstance(error, exceptions.ConnectionError) else "invalid_request"
    return RequestError(Reason(code, values))


def _error_and_message(response: Response) -> tuple[t.Any, t.Any]:
    """Return the two fields of an error of the API; None for anything else: pages of proxies say nothing useful."""
    try:
        data = response.json()
    except ValueError:
        data = None
    return (data.get("error"), data.get("message")) if isinstance(data, dict) else (None, None)


def _words(error: t.Any, message: t.Any, secrets: Secrets) -> tuple[str, str]:
    """Return the words of an error to quote, and all of them in lower case; both without secrets."""
    texts = [text for text in (error, message) if isinstance(text, str)]
    if len(texts) == 2 and re.fullmatch("[A-Z_]+", texts[0]):
        texts.reverse()  # the error is a code, such as NOT_FOUND, and the message explains it
    return quote_server(texts[0], secrets) if texts else "", secrets.mask(" ".join(texts)).lower()


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _ip_address(text: str) -> str:
    for word in re.split(r"[^0-9A-Fa-f.:]+", text):
        try:
            return str(ipaddress.ip_address(word))
        except ValueError:
            continue
    return ""


def _innermost(error: BaseException) -> BaseException:
    wrapped = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
    return _innermost(wrapped[-1]) if wrapped else error
