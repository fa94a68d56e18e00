# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""What a call is, what a refusal of it means, and what to do. Words only: nothing here talks to a server."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote as percent_encode
from urllib.parse import urlsplit

from ansible_collections.zapi.zapi.plugins.module_utils._redaction import quote

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._connection import Credential

LONGEST_RETRY_AFTER = 60
"""Seconds that a server may ask to wait."""


@dataclass(frozen=True)
class Advice:
    """What to do about a refusal; it depends on whose credential the call carries."""

    wrong_credential: str
    not_allowed: str
    relief: str  # what makes answers smaller, or fewer at once
    client_header: str  # what to do about a Client-Token that the server does not get, or does not take


PARTNER = Advice(
    wrong_credential="the partner token is missing or wrong, check partner_token (environment variable ZAPI_PARTNER_TOKEN)",
    not_allowed="the partner token may not list instances, check partner_token and the account's security settings",
    relief="ask for smaller pages (page_size)",
    client_header="which a partner's calls do not need: check api_url and the account's security settings",
)
INSTANCE = Advice(
    wrong_credential="there is no instance with this id and this token, or not any more: check credentials",
    not_allowed="check credentials, and the account's security settings",
    relief="lower concurrency",
    client_header="check client_token (environment variable ZAPI_CLIENT_TOKEN): it is the account's security token",
)


@dataclass(frozen=True)
class Call:
    """One kind of request. ``path`` is what is sent, and may hold a token; ``shown`` stands for it in every message."""

    path: str = field(repr=False)
    shown: str
    method: str = "GET"
    advice: Advice = PARTNER
    secrets: tuple[str, ...] = field(default=(), repr=False)  # that are in the path or the body
    marks: frozenset[str] = frozenset({"content"})  # each is a field of what was asked for, and of no refusal
    body: t.Optional[t.Mapping[str, t.Any]] = field(default=None, repr=False)  # sent as JSON


def of_instance(credential: Credential, name: str, marks: frozenset[str], **others: t.Any) -> Call:
    """Return a call of one instance, by its name, such as "me"; the others are fields of `Call`."""
    identity, token = percent_encode(credential.identity, safe=""), percent_encode(credential.token, safe="")
    secrets = (credential.token, *others.pop("secrets", ()))
    path = f"/instances/{identity}/token/{token}/{name}"
    return Call(path, f"/instances/{identity}/{name}", advice=INSTANCE, marks=marks, secrets=secrets, **others)


@dataclass(frozen=True)
class Refusal:
    """An answer that is none: the status, what the server said for people, and some of its headers."""

    status: int
    message: str
    in_json: bool = False  # whether it was said in JSON, as the API does
    location: str = ""
    # How long the server asks to wait, in seconds
    retry_after: float = 0
    # The message without what it repeats of the request, which says nothing of the reason: an address in a URL is not this machine's
    own_words: t.Optional[str] = None

    @property
    def cause(self) -> t.Optional[str]:
        """What it is about, where it is known."""
        return _cause(self.status, self.message if self.own_words is None else self.own_words)


def explain(refusal: Refusal, advice: Advice, secrets: t.Sequence[str], tries: str) -> str:
    """Say what the server refused, in its words as far as they hold no secret, and what to do.

    ``tries`` says how often the call was tried, where it was more than once.
    """
    status = refusal.status
    if 300 <= status < 400:
        target = quote(_server(refusal.location), secrets) or "elsewhere"
        return f"was redirected to {target} (status {status}), which is never followed: set api_url to the API's own address"
    trouble = _known(refusal, advice)
    if trouble:
        return f"was refused with status {status}: {trouble}"
    said = quote(refusal.message, secrets)
    outcome = f"was answered with status {status}" + (f' and "{said}"' if said else "")
    if status == 401 or is_of_credential(refusal, advice):
        return f"{outcome}: {advice.wrong_credential}"
    if status == 403:
        return f"{outcome}: {advice.not_allowed}"
    if is_passing(status):
        if refusal.retry_after > LONGEST_RETRY_AFTER:
            return (
                f"{outcome}, asking to wait {refusal.retry_after:.0f} seconds, "
                f"longer than the {LONGEST_RETRY_AFTER} that are waited for: try again later"
            )
        if status == 429:
            return f"{outcome}{tries}: too many requests, lower concurrency{' or raise page_size' if advice is PARTNER else ''}"
        return f"{outcome}{tries}: the service has trouble, try again later"
    return f"{outcome}: check that api_url is the API's address"


def is_of_credential(refusal: Refusal, advice: Advice) -> bool:
    """Whether it is an instance's own id and token that the server refused: then there is no such instance."""
    if advice is not INSTANCE or refusal.status not in (401, 403, 404) or not refusal.in_json:
        return False
    return refusal.cause in (None, _CREDENTIALS)


def holds_for_all(refusal: Refusal) -> bool:
    """Whether a refusal has nothing to do with the instance whose call it was."""
    return refusal.cause in (_NO_CLIENT_TOKEN, _CLIENT_TOKEN, _ADDRESS)


def is_passing(status: int) -> bool:
    """Whether another try may get another answer."""
    return status in (429, 500, 502, 503, 504)


def _server(url: str) -> str:
    """Return the host and port of a URL, or nothing where there are none to be found."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


# What Z-API is known to refuse
_NO_CLIENT_TOKEN, _CLIENT_TOKEN, _ADDRESS, _CREDENTIALS = "no client token", "client token", "address", "credentials"


def _cause(status: int, message: str) -> t.Optional[str]:
    """Tell what a known refusal is about."""
    if "client-token is not configured" in message.lower():
        return _NO_CLIENT_TOKEN
    subject, refused, _rest = message.lower().partition("not allowed")
    if not refused:
        return None
    if re.search(r"client[-_ ]?token|\bnull\b", subject):
        return _CLIENT_TOKEN
    if _ip_address(subject) or re.search(r"\bip\b", subject):
        return _ADDRESS
    return None if status == 405 else _CREDENTIALS  # of 405, the method is what is not allowed


def _known(refusal: Refusal, advice: Advice) -> t.Optional[str]:
    """Name the refusals that Z-API is known for. Their own words repeat a secret, so they are not quoted."""
    cause = refusal.cause
    if cause == _NO_CLIENT_TOKEN:
        return f"the server demands a Client-Token, {advice.client_header}"
    if cause == _CLIENT_TOKEN:
        return f"the Client-Token is missing or wrong, {advice.client_header}"
    if cause == _ADDRESS:
        address = _ip_address((refusal.own_words or refusal.message).lower().partition("not allowed")[0])
        return f"the account accepts listed IP addresses only{f', and {address} is not one' if address else ''}: add this machine's address to the list"
    return f"the credentials are not allowed: {advice.not_allowed}" if cause else None


def _ip_address(text: str) -> t.Optional[str]:
    for word in re.split(r"[^0-9A-Fa-f.:]+", text):
        try:
            return str(ipaddress.ip_address(word))
        except ValueError:
            continue
    return None
