# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The placeholders of declared URLs: ``{id}`` and ``{name}`` of the instance, ``{any}`` for a part that is not compared."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from urllib.parse import quote

from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import host_of

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance

ID, NAME, ANY = "{id}", "{name}", "{any}"
PLACEHOLDERS = (ID, NAME, ANY)
_OWN: tuple[tuple[str, t.Literal["id", "name"]], ...] = (
    (ID, "id"),
    (NAME, "name"),
)  # and the keys of an instance that they stand for

_MIN_SHARED = 3  # instances whose URLs make a pattern that other URLs are compared with
_MAX_PATTERNS = 8
_SEPARATORS = frozenset(("", *"/?&=#"))
_OWN_ID = "\0"  # stands for {id} while the name is searched for, which could be "id"
# One path segment, or one query value: not only dots, which programs resolve, and without an encoded slash
_ANY_SEGMENT = re.compile(r"(?!(?:\.|%2e)+(?:[/?#]|\Z))(?:(?!%2f)[^/?#])+", re.I)
_ANY_VALUE = re.compile(r"(?!(?:\.|%2e)+(?:[&#]|\Z))(?:(?!%2f)[^&#])+", re.I)


def expand(url: str, instance: Instance) -> t.Optional[str]:
    """Return the URL with the instance's own ID and name, percent-encoded; None if one of them is empty or only dots.

    ``{any}`` stays as it is.
    """
    for placeholder, key in _OWN:
        if placeholder in url:
            value = instance[key]
            if not value.strip("."):
                return None
            # An inserted value contains no brace: percent-encoding replaces them.
            url = url.replace(placeholder, _encoded(value))
    return url


def empty_placeholder(url: str, instance: Instance) -> t.Optional[str]:
    """Return the placeholder in the URL whose value is empty or only dots, which a path would lose. None: there is none."""
    return next((placeholder for placeholder, key in _OWN if placeholder in url and not instance[key].strip(".")), None)


def own_parts(instance: Instance) -> tuple[str, str]:
    """Return the instance's ID and name as URLs contain them; "" if it can't be a placeholder's value."""
    identity, name = instance["id"], instance["name"]
    return _encoded(identity) if identity.strip(".") else "", _encoded(name) if name.strip(".") else ""


def matches(pattern: str, url: str) -> bool:
    """Return whether a URL is the pattern, in which each ``{any}`` stands for one path segment or one query value."""
    first, *others = pattern.split(ANY)
    if not url.startswith(first):
        return False
    position = len(first)
    is_query = "?" in first
    for text in others:
        part = (_ANY_VALUE if is_query else _ANY_SEGMENT).match(url, position)
        if part is None or not url.startswith(text, part.end()):
            return False
        position = part.end() + len(text)
        is_query = is_query or "?" in text
    # The URL of a webhook that works: no white space in it, and no mask in place of a secret
    return position == len(url) and host_of(url) is not None


def misplaced_any(url: str) -> bool:
    """Return whether an ``{any}`` in the URL is anything else than a whole path segment or a whole query value."""
    before_fragment, _hash, fragment = url.partition("#")
    before_query, _question_mark, query = before_fragment.partition("?")
    host, *segments = before_query.partition("://")[2].split("/")
    pairs = [parameter.partition("=") for parameter in query.split("&")]
    return (
        any(ANY in text for text in (host, fragment, *(key for key, _equals, _value in pairs)))
        or any(ANY in segment and segment != ANY for segment in segments)
        or any(ANY in value and value != ANY for _key, _equals, value in pairs)
    )


def fold(urls: t.Sequence[t.Optional[str]], parts: t.Sequence[tuple[str, str]]) -> list[t.Optional[str]]:
    """Return the URLs of one webhook, each with placeholders in place of its instance's `own_parts`; None stays None.

    ``expand`` turns each pattern into its URL again. A name can be in a URL by chance, as a word of the path: of the readings of a URL,
    the one that most instances share is taken. If fewer than three share one, the ID is a placeholder, and the name is one if it
    is all between two separators. A name in a host never is: a customer who renames an instance must not move a webhook.
    """
    readings = [[] if url is None else _readings(url, *own) for url, own in zip(urls, parts)]
    counts = Counter(reading for several in readings for reading in several)
    shared = {reading: count for reading, count in counts.items() if count >= _MIN_SHARED}
    patterns = sorted((one for one in shared if NAME in one), key=lambda one: (-shared[one], one))[:_MAX_PATTERNS]
    folded: list[t.Optional[str]] = []
    for url, (identity, name), several in zip(urls, parts, readings):
        if url is None or len(several) == 1:
            folded.append(url)
            continue
        if name and url.count(name) > 1:  # some of them by chance: the patterns of other instances show which
            several += [one for one in patterns if one.replace(ID, identity).replace(NAME, name) == url]
        folded.append(max(several, key=lambda one: shared.get(one, 0)))
    return folded


def _readings(url: str, identity: str, name: str) -> list[str]:
    """Return the patterns that a URL can be read as, the preferred one first."""
    with_id = url.replace(identity, _OWN_ID) if identity else url
    ways = [url] if with_id == url else [with_id, url]
    if name and name in url:
        certain: list[str] = []
        uncertain: list[str] = []
        for way in ways:
            for edge, reading in _with_name(way, name):
                (certain if edge == _SEPARATED else uncertain).append(reading)
            certain.append(way)
        ways = list(dict.fromkeys([*certain, *uncertain]))
    return [way.replace(_OWN_ID, ID) for way in ways]


_SEPARATED, _WORD, _INSIDE = range(3)  # where a name is: between two separators, a word of its own, or inside a word


def _with_name(url: str, name: str) -> t.Iterator[tuple[int, str]]:
    """Yield the URL with ``{name}`` where the name is between two separators, then also where it is a word, then everywhere.

    Yields only readings that differ, each with the edge that it needs.
    """
    end_of_host = min((place for place in (url.find(mark, url.find("://") + 3) for mark in "/?#") if place >= 0), default=len(url))
    texts = url[end_of_host:].split(name)
    edges = [max(_edge(before[-1:]), _edge(after[:1])) for before, after in zip(texts, texts[1:])]
    for limit in sorted(set(edges)):
        named = "".join(text + (NAME if edge <= limit else name) for text, edge in zip(texts, edges))
        yield limit, url[:end_of_host] + named + texts[-1]


def _edge(character: str) -> int:
    if character in _SEPARATORS:
        return _SEPARATED
    return _INSIDE if character.isalnum() else _WORD


def _encoded(value: str) -> str:
    plain = value.isascii() and value.isalnum()  # most IDs are; encoding them would take most of the time
    return value if plain else quote(value, safe="", errors="surrogatepass")
