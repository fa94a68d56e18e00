# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""URLs of webhooks and the hosts that they lead to, read strictly: what programs read in different ways is not accepted."""

from __future__ import annotations

import ipaddress
import re
import stringprep
import typing as t
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit

MASK = "***"
"""What takes the place of a secret in every output."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_DECLARED = re.compile(r"(\*\.)?(\[[0-9A-Fa-f:.]+\]|[^/?#@:%*{}\\\[\]\s]+)(?::([0-9]{1,5}))?")
# Sigma, which depends on what follows, a full stop, and letters that only newer versions of IDNA leave out.
_AMBIGUOUS = frozenset("Σ\u3002\u115f\u1160\u17b4\u17b5")


class Host(t.NamedTuple):
    """A host as it is looked up: lower case, IDNA-encoded. ``is_default``: the port is the one of the URL's scheme."""

    name: str
    port: int
    is_default: bool

    def __str__(self) -> str:
        return self.name if self.is_default else f"{self.name}:{self.port}"


class DeclaredHost(t.NamedTuple):
    """A host of ``webhook_hosts``, or, with ``subdomains``, all hosts below it. ``port`` is None for any port."""

    name: str
    subdomains: bool
    port: t.Optional[int]

    def covers(self, host: Host) -> bool:
        """Return whether a host is this one, or is below it."""
        if self.port is not None and self.port != host.port:
            return False
        return host.name.endswith(f".{self.name}") if self.subdomains else host.name == self.name


class UrlError(ValueError):
    """A text is not the URL of a webhook. Its text completes *the value …* and repeats nothing of the value."""


class WebhookUrl(t.NamedTuple):
    """The URL of a webhook."""

    text: str
    scheme: str  # https or http
    host: Host


def parse_url(text: str) -> WebhookUrl:
    """Parse the URL of a webhook. Raises `UrlError`."""
    if MASK in text:
        raise UrlError(
            f"contains {MASK}, which stands for a secret that was masked; take the real value from the Z-API panel, "
            "from an adopted file or with show_url_secrets"
        )
    if not text.isprintable() or any(character.isspace() for character in text):
        raise UrlError("contains white space or control characters")
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS:
        raise UrlError("is not a URL: it must begin with https://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if rest[len(authority) : len(authority) + 1] == "\\" or authority.count("@") > 1:
        raise UrlError("has a host that programs read in different ways")
    host = _host(authority.rpartition("@")[2], scheme)
    try:
        if urlsplit(text).hostname is None:
            raise UrlError("has no host")
    except ValueError:
        raise UrlError("has an invalid host") from None
    return WebhookUrl(text, scheme, host)


def _host(authority: str, scheme: str) -> Host:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::([^:\[\]]*))?", authority)
    if match is None:
        raise UrlError("has an invalid host or port")
    if not match[1]:
        raise UrlError("has no host")
    name = host_name(match[1])
    if name is None:
        raise UrlError("has an invalid host")
    default = _DEFAULT_PORTS[scheme]
    if match[2] is None:
        return Host(name, default, is_default=True)
    port = int(match[2]) if re.fullmatch("[0-9]{1,5}", match[2]) else 0
    if not 0 < port < 65536:
        raise UrlError("has an invalid port")
    return Host(name, port, port == default)


@lru_cache(maxsize=4096)
def host_of(text: str) -> t.Optional[Host]:
    """Return the host that a URL leads to, None if the text is not the URL of a webhook or if its host is ambiguous."""
    try:
        return parse_url(text).host
    except UrlError:
        return None


@lru_cache(maxsize=1024)
def declared_host(text: str) -> t.Optional[DeclaredHost]:
    """Parse a host of ``webhook_hosts``: hooks.example.com, *.example.com or hooks.example.com:8443. None: it is not one."""
    match = _DECLARED.fullmatch(text)
    if match is None:
        return None
    star, written, port = match.groups()
    name = host_name(written)
    if name is None or (port is not None and not 0 < int(port) < 65536) or (star and not re.search("[a-z]", name)):
        return None
    return DeclaredHost(name, bool(star), int(port) if port else None)


@lru_cache(maxsize=4096)
def host_name(written: str) -> t.Optional[str]:
    """Return a host in lower case and IDNA-encoded, as it is looked up; None if programs could read it in different ways."""
    name = written.lower().removesuffix(".") if not written.startswith("[") else written.lower()
    if name.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    if not written.isascii():
        if _is_ambiguous(written, name):
            return None
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = name.split(".")
    return name if len(name) <= 253 and all(map(_LABEL.fullmatch, labels)) else None


def _is_ambiguous(written: str, name: str) -> bool:
    """Return whether programs, or versions of IDNA, could read a host in different ways; ``name`` is the host in lower case."""
    return (
        not _AMBIGUOUS.isdisjoint(written)
        or unicodedata.normalize("NFKC", written) != written
        or unicodedata.normalize("NFKC", name.casefold()) != name  # such as ß
        # Letters that the first version does not know, and those that it leaves out, such as joiners
        or any(stringprep.in_table_a1(letter) or stringprep.in_table_b1(letter) for letter in name)
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, without asking a name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
