# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Conditions by which a person would describe groups of instances: a type, a name, the beginning or the end of names.

A beginning or an end is cut at a word's boundary. Whom a condition means is judged against all names of the fleet: ``shop*``
means a ``shopping`` as well.
"""

from __future__ import annotations

import re
import typing as t
from bisect import bisect_left
from collections import Counter

_FEWEST = 3  # instances that make a group
_MOST_CUTS = 8  # at each end of a name
_SPECIAL = re.compile(r"[*?\[]")
_WORD = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DIGITS = frozenset("0123456789")
_DIGIT = "[0-9]"
_LAST = "\U0010ffff"

T = t.TypeVar("T", str, "tuple[str, bool, int]")


class Condition(t.NamedTuple):
    """What ``match`` of an expectation says, and the places of the instances that it means."""

    key: str
    value: str
    members: t.Sequence[int]
    rank: tuple[int, int]  # of two that mean the same, the lower one is what a person would rather write

    @property
    def is_number(self) -> bool:
        """Whether it is a beginning or an end in which a number stands, and no word."""
        literal = self.value.replace(_DIGIT, "")
        return "*" in literal and any(map(str.isdigit, literal)) and not any(map(str.isalpha, literal))


def conditions(names: t.Sequence[str], types: t.Sequence[t.Optional[str]], described: t.Sequence[str]) -> list[Condition]:
    """Return the conditions that mean three instances or more.

    ``names``, which are composed, and ``types`` (middleware, None where it is not known) are those of all instances.
    ``described`` are the names that beginnings and ends are taken from.
    """
    found = [
        Condition("middleware", kind, [place for place, one in enumerate(types) if one == kind], (1, 0))
        for kind in sorted({kind for kind in types if kind is not None})
    ]
    beginnings, ends = _Index(names), _Index([name[::-1] for name in names])
    found += [Condition("name", escaped(name), beginnings.equal(name), (0, 0)) for name in _shared(iter(described))]
    for literal, digit, rank in _shared(one for name in described for one in _beginnings(name)):
        members = beginnings.starting(literal, digit)
        found.append(Condition("name", f"{escaped(literal)}{_DIGIT if digit else ''}*", members, (rank, -len(literal))))
    for literal, digit, rank in _shared(one for name in described for one in _ends(name)):
        members = ends.starting(literal[::-1], digit)
        found.append(Condition("name", f"*{_DIGIT if digit else ''}{escaped(literal)}", members, (rank + 1, -len(literal))))
    return [condition for condition in found if len(condition.members) >= _FEWEST]


def _shared(found: t.Iterator[T]) -> list[T]:
    return sorted([one for one, count in Counter(found).items() if count >= _FEWEST])


def escaped(name: str) -> str:
    """Return the shell pattern that means exactly this name."""
    return _SPECIAL.sub(lambda match: f"[{match[0]}]", name)


def _beginnings(name: str) -> t.Iterator[tuple[str, bool, int]]:
    """Yield beginnings of a name, whether a digit has to follow, and their rank."""
    if name[:1] in _DIGITS:
        yield "", True, 8
    for cut in [*_cuts(name)[:_MOST_CUTS], len(name)]:
        beginning = name[:cut]
        if beginning:
            yield beginning, False, 6 if beginning[-1].isalnum() else 2
            if name[cut : cut + 1] in _DIGITS:
                yield beginning, True, 4


def _ends(name: str) -> t.Iterator[tuple[str, bool, int]]:
    for cut in _cuts(name)[-_MOST_CUTS:]:
        end = name[cut:]
        yield end, False, 6 if end[0].isalnum() else 2
        if name[cut - 1] in _DIGITS:
            yield end, True, 4


def _cuts(name: str) -> list[int]:
    """Return where words begin or end within a name: beside what is no letter or digit, between the two, before a capital."""
    cuts = []
    for word in _WORD.finditer(name):
        if not word[0].islower() and word[0].isalpha():
            cuts += [word.start() + capital.start() for capital in _CAPITAL.finditer(word[0])]
        cuts.append(word.end())
    return cuts[:-1]


class _Index:
    """Texts, and the places where they stand, to be found by their beginnings."""

    def __init__(self, texts: t.Sequence[str]) -> None:
        ordered = sorted(range(len(texts)), key=texts.__getitem__)
        self._places = ordered
        self._texts = [texts[place] for place in ordered]

    def equal(self, text: str) -> list[int]:
        first = bisect_left(self._texts, text)
        last = first
        while last < len(self._texts) and self._texts[last] == text:
            last += 1
        return self._places[first:last]

    def starting(self, text: str, digit: bool = False) -> list[int]:
        """Return the places of the texts that begin so, where ``digit`` with a digit from 0 to 9 after it."""
        if digit:
            return self._places[bisect_left(self._texts, f"{text}0") : bisect_left(self._texts, f"{text}:")]
        first = bisect_left(self._texts, text)
        last = bisect_left(self._texts, text + _LAST, first)
        while last < len(self._texts) and self._texts[last].startswith(text):
            last += 1
        return self._places[first:last]
