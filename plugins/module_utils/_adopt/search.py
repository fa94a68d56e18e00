# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Finds the patterns whose instances share what others do not have: rules 1 to 6 of `adopt`."""

from __future__ import annotations

import re
import typing as t
from bisect import bisect_left
from collections import Counter

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import Kind
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import is_writable

from .table import Special

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

    from .table import Row, Table

Values = dict[int, t.Any]  # declared values by the numbers of their columns
_Counts = list[tuple["Row", int]]  # different rows, and how many instances have each

MIN_GROUP = 3  # instances for which a pattern is written
_MIN_SHARE = 10  # the instances without a pattern of their own decide if they are one in so many
_MAX_CUTS = 8  # in one name
_WORD = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPECIAL = re.compile(r"[*?\[]")
_LAST = "\U0010ffff"


class Pattern:
    """A middleware or a beginning of names, and what its expectation would hold at this point of the search."""

    def __init__(self, key: str, text: str, places: t.Sequence[int]) -> None:
        self.key = key  # of ``match``: middleware or name
        self.text = text
        self.places = places  # the positions of the instances that it covers, in the order of names
        self.shorter: list[Pattern] = []  # beginnings that cover the same instances and more, shortest first
        self.longer: list[Pattern] = []  # beginnings that override it
        self.counts: Counter[int] = Counter()  # the instances that it counts for, by the numbers of their rows
        self.values: Values = {}
        self.saved = (0, 0)  # IDs, and IDs for which less is declared; zeros if it is not worth its lines
        self.is_taken = False

    @property
    def condition(self) -> str:
        """The value in ``match``."""
        return self.text if self.key == "middleware" else _SPECIAL.sub(lambda match: f"[{match[0]}]", self.text) + "*"

    @property
    def rank(self) -> tuple[int, int, str]:
        """What decides between patterns that save the same number of IDs; the lowest wins."""
        return len(self.places), -len(self.text), self.text


class Search:
    """The values of the first expectation, and the patterns that are taken, with their values."""

    def __init__(self, table: Table, secrets: Secrets) -> None:
        self._table = table
        self._columns = frozenset(range(len(table.columns)))
        everything = self._counted(Counter(table.row_numbers))
        self._totals = [_tally(everything, column) for column in self._columns]
        self._patterns = [
            pattern for pattern in _patterns(table) if is_writable(pattern.condition) and secrets.mask(pattern.text) == pattern.text
        ]
        for pattern in self._patterns:
            pattern.counts.update([table.row_numbers[place] for place in pattern.places])
        _relate(self._patterns)
        self._middlewares = {pattern.text: pattern for pattern in self._patterns if pattern.key == "middleware"}
        self.first = self._first_values(everything)
        self._search()
        self.taken = [pattern for pattern in self._patterns if pattern.is_taken and pattern.values]

    def declared(self, middleware: t.Optional[str], beginnings: t.Sequence[Pattern]) -> Values:
        """Return what is declared for an instance by the first expectation, its middleware and beginnings, as far as they are taken."""
        declared = dict(self.first)
        if middleware in self._middlewares:
            beginnings = [self._middlewares[middleware], *beginnings]
        for pattern in beginnings:
            if pattern.is_taken:
                declared.update(pattern.values)
        return declared

    def is_met(self, column: int, cell: t.Any, declared: Values) -> bool:
        """Return whether an instance that has this cell needs nothing else, if these values are declared."""
        if column not in declared:
            return isinstance(cell, Special)
        if cell is Special.NO_HOSTS or cell == declared[column]:
            return True
        is_list_of_hosts = self._table.columns[column].kind is Kind.HOSTS and isinstance(cell, tuple)
        return is_list_of_hosts and set(cell) <= set(declared[column])

    def _first_values(self, everything: _Counts) -> Values:
        """Rule 2."""
        values: Values = {}
        for column in self._columns:
            value = _majority(everything, column)
            if value is None:
                others = self._without_own_pattern(column)
                if sum(count for _row, count in others) * _MIN_SHARE >= len(self._table.records):
                    value = _majority(others, column)
            if value is not None:
                values[column] = value[0]
        return values

    def _without_own_pattern(self, column: int) -> _Counts:
        """Return the rows of the instances that no pattern of their own value of a column covers."""
        cells = [self._table.rows[number].cells[column] for number in self._table.row_numbers]
        covered: set[int] = set()
        for pattern in self._patterns:
            value = _majority(self._counted(pattern.counts), column)
            if value is not None and value[1] >= MIN_GROUP and self._is_own(column, *value):
                covered.update(place for place in pattern.places if cells[place] == value[0])
        return self._counted(Counter([number for place, number in enumerate(self._table.row_numbers) if place not in covered]))

    def _search(self) -> None:
        """Rule 6."""
        stale = set(self._patterns)
        while stale:
            for pattern in self._patterns:
                if pattern in stale and self._judge(pattern):
                    stale.update(pattern.longer)
            worthwhile = [pattern for pattern in self._patterns if pattern.saved > (0, 0) and not pattern.is_taken]
            most = max((pattern.saved for pattern in worthwhile), default=(0, 0))
            stale = set()
            for pattern in sorted([one for one in worthwhile if one.saved == most], key=lambda one: one.rank):
                # Taking a pattern does not change how another one is judged if no instance is in both.
                if pattern not in stale:
                    self._take(pattern)
                    stale.update(self._overlapping(pattern))

    def _judge(self, pattern: Pattern) -> bool:
        """Rules 4 and 5. Return whether the values of a pattern that is taken have changed."""
        rows = self._counted(pattern.counts)
        before: dict[t.Optional[str], Values] = {}  # by middleware: what is declared without the pattern
        for middleware in {row.middleware for row, _count in rows}:
            before[middleware] = self.first if pattern.key == "middleware" else self.declared(middleware, pattern.shorter)
        values: Values = {}
        is_own = False
        for column in self._columns:
            value = _majority(rows, column)
            if value is not None:
                new = {column: value[0]}
                lacking = [count for row, count in rows if self._is_met_by(column, row, new, before[row.middleware])]
                if sum(lacking) >= MIN_GROUP:
                    values.update(new)
                    is_own = is_own or self._is_own(column, *value)
        whole, part = self._saved(rows, before, values) if values else (0, 0)
        has_changed = pattern.is_taken and pattern.values != values
        least = MIN_GROUP if is_own else max(MIN_GROUP, self._lines(values) + 1)
        # If every instance needs an ID all the same, for instance for a URL of its own, what is declared for it counts.
        pattern.values, pattern.saved = values, (whole, part) if whole >= least else (0, part) if part >= least else (0, 0)
        return has_changed

    def _is_own(self, column: int, value: t.Any, count: int) -> bool:
        """Return whether so many are more than half of the instances with a value."""
        return 2 * count > self._totals[column][value]

    def _saved(self, rows: _Counts, before: t.Mapping[t.Optional[str], Values], values: Values) -> tuple[int, int]:
        """Return how many IDs these values save, and for how many IDs less is declared.

        Instances for which a value is wrong count against both.
        """
        whole = part = 0
        for row, count in rows:
            declared = before[row.middleware]
            lacked, lacks = self._lacks(row, values, declared), self._lacks(row, values, values)
            part += count * (lacked - lacks)
            if lacked != lacks and not self._lacks(row, self._columns - values.keys(), declared):
                whole += count * (lacked - lacks)
        return whole, part

    def _is_met_by(self, column: int, row: Row, new: Values, before: Values) -> bool:
        return not self.is_met(column, row.cells[column], before) and self.is_met(column, row.cells[column], new)

    def _lacks(self, row: Row, columns: t.Iterable[int], declared: Values) -> bool:
        return any(not self.is_met(column, row.cells[column], declared) for column in columns)

    def _lines(self, values: Values) -> int:
        """Return the number of lines of an expectation with these values and one condition."""
        names = [self._table.columns[column].name for column in values]
        groups = {name.partition(".")[0] for name in names if "." in name}
        return 3 + len(groups) + len(values) + sum(len(value) for value in values.values() if isinstance(value, tuple))

    def _take(self, pattern: Pattern) -> None:
        """Take a pattern. Its instances no longer count for shorter beginnings and middlewares (rule 4)."""
        pattern.is_taken = True
        for shorter in reversed(pattern.shorter):
            shorter.counts -= pattern.counts
            if shorter.is_taken:
                return
        for middleware in self._middlewares.values() if pattern.key == "name" else ():
            middleware.counts -= pattern.counts

    def _overlapping(self, pattern: Pattern) -> t.Iterable[Pattern]:
        if pattern.key == "middleware":
            return self._patterns
        return (pattern, *pattern.shorter, *pattern.longer, *self._middlewares.values())

    def _counted(self, counts: Counter[int]) -> _Counts:
        return [(self._table.rows[number], count) for number, count in counts.items()]


def _tally(rows: _Counts, column: int) -> Counter[t.Any]:
    counts: Counter[t.Any] = Counter()
    for row, count in rows:
        counts[row.cells[column]] += count
    return counts


def _majority(rows: _Counts, column: int) -> t.Optional[tuple[t.Any, int]]:
    """Rule 1. Return the value that more than half of the instances have, and how many; None if there is none."""
    counts = _tally(rows, column)
    total = sum(counts.values())
    return next(
        ((value, count) for value, count in counts.items() if 2 * count > total and not isinstance(value, Special)),
        None,
    )


def _patterns(table: Table) -> list[Pattern]:
    """Rule 3. Return middlewares, then beginnings of names, shorter ones first.

    Of beginnings that cover the same instances, only the longest is returned.
    """
    places_of: dict[str, list[int]] = {}
    for place, number in enumerate(table.row_numbers):
        places_of.setdefault(table.rows[number].middleware or "", []).append(place)
    patterns = [Pattern("middleware", text, places) for text, places in sorted(places_of.items()) if text]
    by_places: dict[range, str] = {}
    cuts = Counter([name[:cut] for name in table.names for cut in _cuts(name)])
    for text in [text for text, count in cuts.items() if count >= MIN_GROUP]:
        places = _places(table.names, text)
        by_places[places] = max(text, by_places.get(places, ""), key=len)
    patterns += [Pattern("name", by_places[places], places) for places in sorted(by_places, key=lambda one: (one[0], -len(one)))]
    return [pattern for pattern in patterns if MIN_GROUP <= len(pattern.places) < len(table.names)]


def _cuts(name: str) -> list[int]:
    """Return where a name can be cut: where letters, digits or other characters end, and before a capital."""
    cuts: list[int] = []
    for word in _WORD.finditer(name):
        if not word[0].islower() and word[0].isalpha():
            cuts += [word.start() + capital.start() for capital in _CAPITAL.finditer(word[0])]
        cuts.append(word.end())
        if len(cuts) >= _MAX_CUTS:
            break
    return cuts[:_MAX_CUTS]


def _places(names: t.Sequence[str], beginning: str) -> range:
    """Return the positions of the names, which are sorted, that have a beginning."""
    first = bisect_left(names, beginning)
    last = bisect_left(names, beginning + _LAST, first)
    while last < len(names) and names[last].startswith(beginning):
        last += 1
    return range(first, last)


def _relate(patterns: t.Iterable[Pattern]) -> None:
    """Fill in the longer and shorter beginnings. One of two either covers all instances of the other, or none."""
    middlewares: list[Pattern] = []
    shorter: list[Pattern] = []
    for pattern in patterns:
        if pattern.key == "middleware":
            middlewares.append(pattern)
            continue
        while shorter and shorter[-1].places[-1] < pattern.places[0]:
            shorter.pop()
        pattern.shorter = list(shorter)
        for one in (*middlewares, *shorter):
            one.longer.append(pattern)
        shorter.append(pattern)
