# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The connection options: their argument specification; and the checks of options that types alone cannot make."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible.module_utils.common.parameters import env_fallback

from .errors import OptionError
from .urls import is_loopback

DEFAULT_API_URL = "https://api.z-api.io"
CONNECTION_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "partner_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ZAPI_PARTNER_TOKEN"])},
    # ansible-core would print a value that it cannot convert: raw.
    "credentials": {"type": "raw", "no_log": True},
    "client_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ZAPI_CLIENT_TOKEN"])},
    # A pasted instance call holds a token: no_log keeps it out of the system's log and of ansible-core's own messages.
    "api_url": {"type": "str", "default": DEFAULT_API_URL, "no_log": True, "fallback": (env_fallback, ["ZAPI_API_URL"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 30},
    "retries": {"type": "int", "default": 3},
    "page_size": {"type": "int", "default": 100},
    "concurrency": {"type": "int", "default": 8},
    "query": {"type": "str"},
    "middleware": {"type": "str", "choices": ["web", "mobile"]},
    "list_twice": {"type": "bool", "default": False},
}

MIN_TOKEN_LENGTH = 8
MAX_TIMEOUT = 24 * 60 * 60
MAX_RETRIES = 100
_TOKEN = re.compile(r"[!-~]+")  # what an HTTP header and a URL can carry


@dataclass(frozen=True)
class Credential:
    """The ID and the token of an instance: they authenticate its own calls."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Connection:
    """The connection options, checked. ``timeout`` is in seconds; ``api_url`` has no trailing slash.

    Exactly one of ``partner_token`` and ``credentials`` is set.
    """

    partner_token: t.Optional[str] = field(repr=False)
    credentials: t.Optional[tuple[Credential, ...]] = field(repr=False)
    client_token: t.Optional[str] = field(repr=False)
    api_url: str
    validate_certs: bool
    ca_path: t.Optional[str]
    timeout: float
    retries: int
    page_size: int
    concurrency: int
    query: t.Optional[str]
    middleware: t.Optional[str]
    list_twice: bool

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Connection:
        """Check the connection options in ``options``, which may hold others. Raises `OptionError`."""
        values = {name: options[name] for name in CONNECTION_ARGUMENTS}
        if values["credentials"] is None:
            values["partner_token"] = _checked_token("partner_token", values["partner_token"])
        else:
            values["partner_token"] = None
            values["credentials"] = _checked_credentials(values["credentials"])
        for name in ("query", "middleware"):
            if values[name] is not None and not values[name].strip():
                raise OptionError(f"{name} is empty: leave it out to list every instance")
            if values[name] is not None and values["credentials"] is not None:
                raise OptionError(f"{name} narrows a partner's listing: leave it out with credentials")
        client_token = (values["client_token"] or "").strip()
        values["client_token"] = _checked_token("client_token", client_token) if client_token else None
        values["api_url"] = _checked_api_url(values["api_url"])
        values["ca_path"] = _checked_ca_path(values["ca_path"])
        if not 0 < values["timeout"] <= MAX_TIMEOUT:
            raise OptionError(f"timeout must be greater than 0 and at most {MAX_TIMEOUT} seconds, not {values['timeout']}")
        for name, minimum in (("retries", 0), ("page_size", 1), ("concurrency", 1)):
            if values[name] < minimum:
                raise OptionError(f"{name} must be at least {minimum}, not {values[name]}")
        if values["retries"] > MAX_RETRIES:
            raise OptionError(f"retries must be at most {MAX_RETRIES}, not {values['retries']}")
        return cls(**values)


def check_terms(terms: t.Optional[t.Sequence[t.Any]], option: str = "only") -> None:
    """Refuse an empty list, and terms that are empty or null: a part of the fleet never becomes all of it. Raises `OptionError`."""
    if terms is None:
        return
    if not terms:
        raise OptionError(f"{option} is an empty list: leave it out to select every instance")
    for position, term in enumerate(terms, start=1):
        if term is None or (isinstance(term, str) and not term.strip()):
            raise OptionError(f"{option}: entry {position} is empty: remove it, or write an ID or a name")
        if isinstance(term, (bool, list, Mapping)):
            raise OptionError(f"{option}: entry {position} must be text: an ID or a name")


def _checked_token(name: str, token: t.Optional[str]) -> str:
    token = token if token is None else token.strip()
    if not token:
        raise OptionError(
            f"{name} is {'missing' if token is None else 'empty'}: set the option, the variable zapi_partner_token or the environment "
            "variable ZAPI_PARTNER_TOKEN. Without a partner token, set credentials (variable zapi_credentials), a list of {id, token}"
        )
    if not _TOKEN.fullmatch(token):
        raise OptionError(f"{name} contains white space or characters that an HTTP header cannot carry: check how it was copied")
    if len(token) < MIN_TOKEN_LENGTH:
        # ansible-core would mask every text that contains such a token.
        raise OptionError(f"{name} is too short (at least {MIN_TOKEN_LENGTH} characters): check how it was copied")
    return token


def _checked_credentials(value: t.Any) -> tuple[Credential, ...]:
    """Check a list of ``{id, token}``. Messages repeat only IDs: everything else may be a token."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise OptionError("credentials must be a list with an entry {id: …, token: …} for each instance")
    if not value:
        raise OptionError("credentials is an empty list: add an entry {id: …, token: …} for each instance, or leave it out")
    positions: dict[str, int] = {}
    credentials = []
    for position, entry in enumerate(value, start=1):
        credential = _checked_credential(entry, f"credentials: entry {position}")
        first = positions.setdefault(credential.id.lower(), position)
        if first != position:
            raise OptionError(f"credentials: entries {first} and {position} have the same ID {credential.id}: remove one of them")
        credentials.append(credential)
    return tuple(credentials)


def _checked_credential(entry: t.Any, where: str) -> Credential:
    if not isinstance(entry, Mapping) or not set(entry) <= {"id", "token"}:
        raise OptionError(f"{where} must be a mapping with the keys id and token, and no others")
    identity = _credential_text(entry, "id", where)
    if not _TOKEN.fullmatch(identity) or not identity.strip("."):
        raise OptionError(f"{where}: the id contains white space or other invalid characters: check how it was copied")
    where = f"{where} ({identity})"
    token = _credential_text(entry, "token", where)
    if not _TOKEN.fullmatch(token):
        raise OptionError(f"{where}: the token contains white space or other invalid characters: check how it was copied")
    if len(token) < MIN_TOKEN_LENGTH:
        raise OptionError(f"{where}: the token is too short (at least {MIN_TOKEN_LENGTH} characters): check how it was copied")
    return Credential(identity, token)


def _credential_text(entry: t.Mapping[str, t.Any], key: str, where: str) -> str:
    text = entry.get(key)
    if text is None:
        raise OptionError(f"{where} has no {key}: write {{id: …, token: …}}")
    if not isinstance(text, str):
        raise OptionError(f"{where}: the {key} must be text: put it in quotes")
    if not text.strip():
        raise OptionError(f"{where}: the {key} is empty: write {{id: …, token: …}}")
    return text.strip()


def _checked_ca_path(path: t.Optional[str]) -> t.Optional[str]:
    if path and not Path(path).exists():
        raise OptionError(f"ca_path: there is no file or directory {path}")
    return path or None


def _checked_api_url(url: t.Optional[str]) -> str:
    """Rebuild the URL from its parts, so that the value that was checked is the value that is used."""
    url = (url or "").strip()
    if not url:
        raise OptionError(f"api_url is empty: leave it out to use {DEFAULT_API_URL}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if "[" in parts.netloc:
            ipaddress.ip_address(host or "")  # urlsplit() checks this from Python 3.11 on
    except ValueError:
        raise OptionError(f"api_url is not a URL: use a value such as {DEFAULT_API_URL}") from None
    if parts.scheme not in ("https", "http") or not host or re.search(r"[\s\\%]", parts.netloc):
        raise OptionError(f"api_url is not an http(s) URL: use a value such as {DEFAULT_API_URL}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise OptionError("api_url must not contain a user name, a query or a fragment: credentials have options of their own")
    if {"instances", "token"}.intersection(unquote(parts.path).lower().split("/")):
        raise OptionError(f"api_url contains an instance call: use only the part before /instances, such as {DEFAULT_API_URL}")
    if parts.scheme == "http" and not is_loopback(host):
        raise OptionError(
            f"api_url must be https: plain http would send the token to {host} unencrypted (http works for loopback addresses only)"
        )
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port is not None else "") + parts.path.rstrip("/")
