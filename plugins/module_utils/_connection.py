# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The options that every door shares: their argument specification, and the checks that types alone can't make."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible.module_utils.common.parameters import env_fallback

from ._errors import OptionError
from ._redaction import looks_random

DEFAULT_API_URL = "https://api.z-api.io"
CONNECTION_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "partner_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ZAPI_PARTNER_TOKEN"])},
    # Raw, since ansible-core would print what it can't convert.
    "credentials": {"type": "raw", "no_log": True},
    "client_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["ZAPI_CLIENT_TOKEN"])},
    # no_log keeps what a slip may have put into it out of the system's log, and out of ansible-core's own messages.
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

SHORTEST_TOKEN = 8
_TOKEN = re.compile(r"[!-~]+")
_LONGEST_TIMEOUT = 24 * 60 * 60
_MOST_LAYERS = 5
_MOST_RETRIES = 100  # urllib3 calls itself for each


@dataclass(frozen=True)
class Credential:
    """What opens the calls of one instance."""

    identity: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Connection:
    """The shared options, checked. ``timeout`` is in seconds; ``api_url`` has no trailing slash.

    Either there is a partner token, or there are the credentials of the instances that are the fleet.
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
        """Take the shared options out of ``options``, which may hold others. Raises `OptionError`."""
        values = {name: options[name] for name in CONNECTION_ARGUMENTS}
        if values["credentials"] is None:
            values["partner_token"] = _checked_token("partner_token", values["partner_token"])
        else:
            values["partner_token"] = None
            values["credentials"] = _checked_credentials(values["credentials"])
            for name in ("query", "middleware"):
                if values[name]:
                    raise OptionError(f"{name} narrows a partner's listing, and with credentials there is none: leave it out")
        client_token = (values["client_token"] or "").strip()
        values["client_token"] = _checked_token("client_token", client_token) if client_token else None
        values["api_url"] = _checked_url(values["api_url"])
        values["ca_path"] = _checked_ca_path(values["ca_path"])
        if not 0 < values["timeout"] <= _LONGEST_TIMEOUT:
            raise OptionError(f"timeout must be a number of seconds above 0, and a day at most, not {values['timeout']}")
        for name, least in (("retries", 0), ("page_size", 1), ("concurrency", 1)):
            if values[name] < least:
                raise OptionError(f"{name} must be {least} or more, not {values[name]}")
        if values["retries"] > _MOST_RETRIES:
            raise OptionError(f"retries must be {_MOST_RETRIES} or less, not {values['retries']}")
        return cls(**values)


def _checked_token(name: str, token: t.Optional[str]) -> str:
    if not (token or "").strip():
        raise OptionError(
            f"{name} is {'missing' if token is None else 'empty'}: set the option, the environment variable ZAPI_PARTNER_TOKEN, or the "
            "variable zapi_partner_token (which lookup, inventory and playbooks read); or give credentials (variable zapi_credentials), a list of {id, token}"
        )
    token = (token or "").strip()
    if not _TOKEN.fullmatch(token):
        # Left to the HTTP library, the message would hold the token.
        raise OptionError(f"{name} holds white space or characters that no HTTP header can carry: check how it was copied")
    if len(token) < SHORTEST_TOKEN:
        raise OptionError(
            f"{name} has fewer than {SHORTEST_TOKEN} characters, which no token of Z-API has, "
            "and ansible-core would censor every text that holds it: check how it was copied"
        )
    return token


def _checked_credentials(value: t.Any) -> tuple[Credential, ...]:
    """Take a list of ``{id, token}``. Of what it holds, messages repeat ids alone: anything else may be a token."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise OptionError("credentials must be a list, with an entry {id: …, token: …} for each instance")
    if not value:
        raise OptionError("credentials is an empty list: give an entry {id: …, token: …} for each instance, or leave it out")
    places: dict[str, int] = {}
    credentials = []
    for place, item in enumerate(value, start=1):
        credential = _checked_credential(item, f"credentials: entry {place}")
        if credential.identity in places:
            raise OptionError(
                f"credentials: entries {places[credential.identity]} and {place} have the same id {credential.identity}: leave one out"
            )
        places[credential.identity] = place
        credentials.append(credential)
    return tuple(credentials)


def _checked_credential(item: t.Any, where: str) -> Credential:
    if not isinstance(item, Mapping) or not set(item) <= {"id", "token"}:
        raise OptionError(f"{where} must be a mapping with the keys id and token, and no others")
    identity = _credential_text(item, "id", where)
    if not _TOKEN.fullmatch(identity) or not identity.strip("."):
        # Not told: it might not even be one line.
        raise OptionError(f"{where}: the id holds white space or other characters that no id has: check how it was copied")
    where = f"{where} ({identity})"
    token = _credential_text(item, "token", where)
    if not _TOKEN.fullmatch(token):
        raise OptionError(f"{where}: the token holds white space or other characters that no token has: check how it was copied")
    if len(token) < SHORTEST_TOKEN:
        raise OptionError(f"{where}: the token has fewer than {SHORTEST_TOKEN} characters, which none has: check how it was copied")
    return Credential(identity, token)


def _credential_text(item: t.Mapping[str, t.Any], key: str, where: str) -> str:
    text = item.get(key)
    if text is None:
        raise OptionError(f"{where} has no {key}: write {{id: …, token: …}}")
    if not isinstance(text, str):
        raise OptionError(f"{where}: the {key} must be text: put it in quotes")
    if not text.strip():
        raise OptionError(f"{where}: the {key} is empty: write {{id: …, token: …}}")
    return text.strip()


def _checked_ca_path(path: t.Optional[str]) -> t.Optional[str]:
    if path and not Path(path).exists():
        raise OptionError(f"ca_path names a file or directory that does not exist: {path}")
    return path or None


def _checked_url(url: t.Optional[str]) -> str:
    """Rebuild the URL from its parts, so that what was checked is what is sent."""
    try:
        parts = urlsplit((url or "").strip())
        host, port = parts.hostname, parts.port
        if "[" in parts.netloc:
            ipaddress.ip_address(host or "")  # which urlsplit() does not check before Python 3.11
    except ValueError:
        raise OptionError("api_url is not a URL: give something like https://api.z-api.io") from None
    if not url or not url.strip():
        raise OptionError("api_url is empty: leave it out to use https://api.z-api.io")
    if parts.scheme not in ("https", "http") or not host or re.search(r"[\s\\%]", parts.netloc):
        raise OptionError("api_url is not an http(s) URL: give something like https://api.z-api.io")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise OptionError("api_url must hold no user name, no query and no fragment: credentials have options of their own")
    if _holds_credential(parts.path):
        raise OptionError(
            "api_url holds an instance's call, or a token: give the API's address only, up to before /instances "
            f"(such as {DEFAULT_API_URL})"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise OptionError(
            f"api_url is plain http to {host}: the token would travel in the clear, use https (http is for loopback addresses only)"
        )
    netloc = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port is not None else "") + parts.path.rstrip("/")


def _holds_credential(path: str) -> bool:
    """Whether a path goes on to an instance, or has a part that looks like a token and unlike the name of anything."""
    for _layer in range(_MOST_LAYERS):
        if "%" not in path:
            break
        path = unquote(path)
    else:
        return True
    return any(part.lower() in ("instances", "token") or looks_random(part) for part in re.split(r"[\s/\\;,=]+", path))


def is_loopback(host: str) -> bool:
    """Whether the host names this very machine, without asking any name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
