# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Which host a webhook posts to, and whether that is one of those that are declared."""

from __future__ import annotations

import re
import typing as t
from contextlib import suppress
from functools import lru_cache

# What programs read differently (a backslash, a second "@", an escaped character) is read as no host at all.
_AUTHORITY = re.compile(
    r"(https?)://(?:[^/?#@\\\s]*@)?(\[[0-9a-f:.]+\]|[^/?#@:%\\\[\]\s\x00-\x1f]+)(?::([0-9]{1,5}))?(?=[/?#]|\Z)", re.I
)
_DECLARED = re.compile(r"(\*\.)?(\[[0-9a-f:.]+\]|[^/?#@:%*{}\\\[\]\s\x00-\x1f]+)(?::([0-9]{1,5}))?", re.I)
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Host(t.NamedTuple):
    """Where a URL leads: a name or an address in lower case, and a port."""

    name: str
    port: int
    is_default: bool  # whether the port is the one of the URL's scheme

    def __str__(self) -> str:
        return self.name if self.is_default else f"{self.name}:{self.port}"


class DeclaredHost(t.NamedTuple):
    """A host that webhooks may post to, or, with ``subdomains``, all that are below it. ``port`` is None for any."""

    name: str
    subdomains: bool
    port: t.Optional[int]

    def holds(self, host: Host) -> bool:
        """Whether this is the host, or above it."""
        if self.port is not None and self.port != host.port:
            return False
        return host.name.endswith(f".{self.name}") if self.subdomains else host.name == self.name


def host_of(url: str) -> t.Optional[Host]:
    """Return the host that an http(s) URL leads to, or None where not every program would read the same one."""
    match = _AUTHORITY.match(url)
    if not match:
        return None
    scheme, name, port = match.groups()
    default = _DEFAULT_PORTS[scheme.lower()]
    number = int(port) if port else default
    return Host(_plain(name), number, number == default)


@lru_cache(maxsize=1024)
def declared_host(text: str) -> t.Optional[DeclaredHost]:
    """Return what ``hooks.example.com``, ``*.example.com`` or ``hooks.example.com:8443`` means, None for anything else."""
    match = _DECLARED.fullmatch(text)
    if not match:
        return None
    star, name, port = match.groups()
    return DeclaredHost(_plain(name), bool(star), int(port) if port else None)


def _plain(name: str) -> str:
    name = name.lower()
    if not name.isascii():
        with suppress(UnicodeError):  # no name of a host: it equals only itself
            name = name.encode("idna").decode("ascii")  # as it is sent over the wire
    return name.removesuffix(".")
