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
    found += _of_names(names, described)
    return [condition for condition in found if len(condition.members) >= _FEWEST]


def _of_names(names: t.Sequence[str], described: t.Sequence[str]) -> t.Iterator[Condition]:
    cuts = [_cuts(name) for name in described]
    beginnings = [name[:cut] for name, places in zip(described, cuts) for cut in (*places[:_MOST_CUTS], len(name))]
    beginnings += ["" for name in described if name[:1] in _DIGITS]
    ends = [name[cut:] for name, places in zip(described, cuts) for cut in places[-_MOST_CUTS:]]
    forwards, backwards = _Index(names), _Index([name[::-1] for name in names])
    for name in _shared(described):
        yield Condition("name", escaped(name), forwards.equal(name), (0, 0))
    for literal in _shared(beginnings):
        if literal:
            yield Condition("name", f"{escaped(literal)}*", forwards.starting(literal), (_rank(literal[-1]), -len(literal)))
        rank = 4 if literal else 8
        yield Condition("name", f"{escaped(literal)}{_DIGIT}*", forwards.starting(literal, digit=True), (rank, -len(literal)))
    for literal in _shared(ends):
        rank = _rank(literal[0]) + 1
        yield Condition("name", f"*{escaped(literal)}", backwards.starting(literal[::-1]), (rank, -len(literal)))
        yield Condition("name", f"*{_DIGIT}{escaped(literal)}", backwards.starting(literal[::-1], digit=True), (5, -len(literal)))


def _rank(edge: str) -> int:
    """Return the rank of a beginning or an end with this character at the cut."""
    return 6 if edge.isalnum() else 2


def _shared(texts: t.Sequence[str]) -> list[str]:
    return sorted([text for text, count in Counter(texts).items() if count >= _FEWEST])


def escaped(name: str) -> str:
    """Return the shell pattern that means exactly this name."""
    return _SPECIAL.sub(lambda match: f"[{match[0]}]", name)


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
