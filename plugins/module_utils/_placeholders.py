# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""``{id}`` and ``{name}`` in URLs: filled in, and found again in the URLs of a fleet."""

from __future__ import annotations

import typing as t
from collections import Counter
from urllib.parse import quote as percent_encode

if t.TYPE_CHECKING:
    from ._instance import Instance

_FEWEST = 3  # instances whose URLs make a pattern that others are tried with
_MOST_PATTERNS = 8
_SEPARATORS = frozenset(["", *"/?&=#"])


def expand(url: str, instance: Instance) -> str:
    """Return the URL with the instance's own id and name, percent-encoded, in place of the placeholders."""
    for placeholder, value in (("{id}", instance["id"]), ("{name}", instance["name"])):
        if placeholder in url:
            # What is put in holds no brace: percent-encoding takes them all.
            url = url.replace(placeholder, _encoded(value))
    return url


def own_parts(instance: Instance) -> tuple[str, str]:
    """Return the instance's id and name as URLs hold them."""
    return _encoded(instance["id"]), _encoded(instance["name"])


def fold(urls: t.Sequence[t.Optional[str]], parts: t.Sequence[tuple[str, str]]) -> list[t.Optional[str]]:
    """Return the URLs of one webhook, each with placeholders where it holds the `own_parts` of its instance; None stays None.

    A URL has no braces of its own. A name may stand in it by chance, as ``hooks`` does in a host: of the ways to read a URL, that
    which most instances share is taken. Where fewer than three do, an id is one anyway, and a name where it is all between two
    separators.
    """
    readings = [[] if url is None else _readings(url, *own) for url, own in zip(urls, parts)]
    shared = Counter(reading for several in readings for reading in several)
    common = {reading: count for reading, count in shared.items() if count >= _FEWEST}
    patterns = sorted((one for one in common if "{name}" in one), key=lambda one: (-common[one], one))[:_MOST_PATTERNS]

    def chosen(url: str, identity: str, name: str, several: list[str]) -> str:
        if name and url.count(name) > 1:
            # Some of them by chance: which ones, others tell.
            several = [*several, *(one for one in patterns if one.replace("{id}", identity).replace("{name}", name) == url)]
        return max(several, key=lambda one: common.get(one, 0))

    return [
        url if url is None or len(several) == 1 else chosen(url, *own, several) for url, own, several in zip(urls, parts, readings)
    ]


def _readings(url: str, identity: str, name: str) -> list[str]:
    """Return the ways to read a URL, the one to be preferred first."""
    with_id = url.replace(identity, "{id}")
    if not name or name not in url:
        return [url] if with_id == url else [with_id, url]
    if url.count(name) == with_id.count(name) == 1 and name not in "{id}":
        # It nearly always stands there once: this takes a fraction of the time.
        before, _name, after = url.partition(name)
        bare = [with_id] if with_id == url else [with_id, url]
        named = [one.replace(name, "{name}") for one in bare]
        is_alone = before[-1:] in _SEPARATORS and after[:1] in _SEPARATORS
        return [one for pair in zip(named, bare) for one in pair] if is_alone else [*bare, *named]
    readings = [
        _with_name(with_id, name, _is_separator),
        with_id,
        _with_name(url, name, _is_separator),
        url,
        *(_with_name(with_id, name, is_edge) for is_edge in (_is_no_word, _is_anything)),
        *(_with_name(url, name, is_edge) for is_edge in (_is_no_word, _is_anything)),
    ]
    return list(dict.fromkeys(readings))


def _with_name(url: str, name: str, is_edge: t.Callable[[str], bool]) -> str:
    """Return the URL with ``{name}`` for the name, wherever both characters beside it, "" at the end, are an edge."""
    parts = url.split("{id}")
    for place, part in enumerate(parts):
        if name in part:
            before, *others = part.split(name)
            parts[place] = before
            for number, after in enumerate(others, start=1):
                is_last = number == len(others) and place == len(parts) - 1
                is_it = is_edge(before[-1:] or "x") and is_edge(after[:1] or ("" if is_last else "x"))
                parts[place] += ("{name}" if is_it else name) + after
                before = after
    return "{id}".join(parts)


def _is_separator(character: str) -> bool:
    return character in _SEPARATORS


def _is_no_word(character: str) -> bool:
    return not character.isalnum()


def _is_anything(_character: str) -> bool:
    return True


def _encoded(value: str) -> str:
    plain = value.isascii() and value.isalnum()  # as ids are; encoding them takes most of the time
    return value if plain else percent_encode(value, safe="", errors="surrogatepass")
