# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Expectations that a fleet meets as it is, in few lines. No network, no clock, and the same for a fleet in any order.

Every instance becomes a row with a column for each attribute, in which a URL that holds the instance's own id or name is a pattern,
and what cannot be declared is a value of its own. A value that fewer than three instances have is rare, and left to these. The
commonest row is the first item, for all. Then, as long as that saves lines, the condition (a type, a name, a beginning or an end of
names) and the row that save most become an item: first of the conditions that mean one group and its exceptions, then of those that
mean other groups as well; where conditions overlap, the narrower one counts. What a row still lacks after that is said of its
instance alone, by id. At last the items are compared with the fleet, so that they are met for certain.
"""

from __future__ import annotations

import heapq
import json
import re
import typing as t
from collections import Counter
from functools import lru_cache

from ._attributes import ATTRIBUTES, BY_NAME, GROUPS, HOSTS, MUTED_WITH, TEXT, URL, WEBHOOK_EVENTS, Attribute, nested, whole_groups
from ._document import is_writable
from ._drift import find_mismatches
from ._errors import ExpectationError
from ._expectations import Expectations
from ._hosts import declared_host, host_of
from ._patterns import Condition, conditions
from ._placeholders import fold, own_parts
from ._redaction import holds_secret, mask_url
from ._selection import composed

if t.TYPE_CHECKING:
    from ._instance import Instance

ADOPTABLE = ("webhook_hosts", "webhooks", "settings", "middleware", "payment_status", "whatsapp_connected", "phone_connected")
"""What can be adopted, as ``expect`` calls it."""
ADOPTED = ("webhook_hosts", "webhooks")
"""What is, unless somebody asks for more."""

_OWN_PARAMETER = re.compile(r"(?<=[?&])[^=&#]*=\{(?:id|name)\}(?=[&#]|\Z)")

Item = dict[str, t.Any]  # of the list of expectations
Row = tuple[int, ...]  # the number of the value in each column, or one of these:
_OPEN = -1  # cannot be declared
_ANY = -2  # meets whatever is declared: the hosts of an instance that posts nowhere
_NOTHING = -3  # nothing is declared
_RARE = -4  # left to the instances that have it

_FEWEST = 3  # instances that make a group
_LINES_AROUND = 3  # of an item, beside those for its values
_ALIKE = 0.618  # of the most instances: a row with so many may come first as well, so that one exception does not change that
_SCATTERED, _MANY = 0.1, 3  # of the most instances, and at least: so many that no condition describes come first


def adopt(fleet: t.Iterable[Instance], attributes: t.Sequence[str] = ADOPTED, secrets: t.Sequence[str] = ()) -> list[Item]:
    """Return items of expectations that all instances of the fleet meet. ``attributes`` are some of `ADOPTABLE`.

    The instances have their real values, and ids that differ. A text that holds a token of its instance's, or one of the
    ``secrets``, is not declared.
    """
    table = _Table(sorted(fleet, key=lambda instance: (instance["name"], instance["id"])), attributes, secrets)
    items = _Items(table)
    if len(table.instances) >= _FEWEST:
        for match, row in _Search(table).chosen():
            items.say(match, row)
    items.say_of_each()
    items.ignore_what_drifts()
    return items.listed


def count_secrets(items: t.Sequence[Item]) -> int:
    """Return how many of the URLs in items hold what would be masked, and is not the instance's own id or name."""
    urls = [url for item in items for url in item.get("expect", {}).get("webhooks", {}).values() if url is not None]
    return sum(mask_url(url) != url for url in [_OWN_PARAMETER.sub("", url) for url in urls])


class _Table:
    """The rows of a fleet."""

    def __init__(self, instances: list[Instance], attributes: t.Sequence[str], secrets: t.Sequence[str]) -> None:
        self.instances = instances
        self.attributes = [name for name in ADOPTABLE if name in attributes]
        names = {name for attribute in self.attributes for name in GROUPS.get(attribute, (attribute,))}
        self.columns = [attribute for attribute in ATTRIBUTES if attribute.name in names]
        self.names = [composed(instance["name"]) for instance in instances]
        self._leaks = _leaks(instances, secrets)
        self.is_usable = [is_writable(name) and not _holds_any(name, leaks) for name, leaks in zip(self.names, self._leaks)]
        kinds = [instance["middleware"] for instance in instances]
        self.types = [
            kind if kind and is_writable(kind) and not _holds_any(kind, leaks) else None for kind, leaks in zip(kinds, self._leaks)
        ]
        self._tells: dict[tuple[str, t.Any], bool] = {}
        self._unsure = [self._unsure_of(place) for place in range(len(instances))]
        self._parts = [own_parts(instance) for instance in instances]
        self._folded = {event: self._folded_urls(event) for event in WEBHOOK_EVENTS}
        self.values: list[list[t.Any]] = []
        self.rows: list[Row] = list(zip(*[self._numbered(self._cells(column)) for column in self.columns]))
        self._met: dict[tuple[int, int, int], bool] = {}

    def meets(self, column: int, cell: int, declared: int) -> bool:
        """Whether nothing remains to be said of an instance with this cell, where this is declared in the column."""
        if cell == _ANY:
            return True
        if cell == _OPEN:
            return declared in (_NOTHING, _OPEN)
        if cell == declared or min(cell, declared) < 0 or self.columns[column].kind != HOSTS:
            return cell == declared != _RARE
        key = (column, cell, declared)
        if key not in self._met:
            self._met[key] = set(self.values[column][cell]) <= set(self.values[column][declared])
        return self._met[key]

    def without_rare(self) -> list[Row]:
        """Return the rows without the values that fewer than three instances have."""
        counts = [Counter(column) for column in zip(*self.rows)]
        return [
            tuple([cell if cell == _ANY or count[cell] >= _FEWEST else _RARE for cell, count in zip(row, counts)])
            for row in self.rows
        ]

    def _numbered(self, cells: list[t.Any]) -> list[int]:
        """Return a number for each cell, and keep the values that they stand for."""
        values = sorted(set(cells) - {_OPEN, _ANY}, key=json.dumps)
        numbers = {value: number for number, value in enumerate(values)}
        self.values.append(values)
        return [numbers.get(cell, cell) for cell in cells]

    def _cells(self, column: Attribute) -> list[t.Any]:
        if column.kind == HOSTS:
            return [self._hosts(place) for place in range(len(self.instances))]
        if column.kind == URL:
            return self._url_cells(column)
        return [self._cell(place, column) for place in range(len(self.instances))]

    def _cell(self, place: int, column: Attribute) -> t.Any:
        """Return the value of an attribute that is no URL, or _OPEN."""
        instance = self.instances[place]
        value = column.value(instance)
        value = tuple(value) if isinstance(value, list) else value
        if column.name in instance["unknown"] or any(_holds_any(text, self._leaks[place]) for text in _texts(value)):
            return _OPEN
        key = (column.name, value)
        if key not in self._tells:
            self._tells[key] = all(map(is_writable, _texts(value))) and _is_declarable(column, value)
        return value if self._tells[key] else _OPEN

    def _url_cells(self, column: Attribute) -> list[t.Any]:
        event = str(column.part)
        return [
            _OPEN if column.name in unsure or (url is None and instance["webhooks"][event] is not None) else url
            for instance, url, unsure in zip(self.instances, self._folded[event], self._unsure)
        ]

    def _unsure_of(self, place: int) -> t.Collection[str]:
        """Return the webhooks that the API does not tell, or that it mutes, where nobody declares that: they do not work."""
        instance = self.instances[place]
        muted = instance["settings"]["muted_webhooks"]
        if not muted or ("settings" in self.attributes and self._cell(place, BY_NAME["settings.muted_webhooks"]) != _OPEN):
            return instance["unknown"]
        silent = {event for event in WEBHOOK_EVENTS if {event, MUTED_WITH.get(event)} & set(muted) and instance["webhooks"][event]}
        return [*instance["unknown"], *(f"webhooks.{event}" for event in silent)]

    def _folded_urls(self, event: str) -> list[t.Optional[str]]:
        """Return the URLs of a webhook with placeholders, None for those that cannot be declared as well."""
        urls = [instance["webhooks"][event] for instance in self.instances]
        if not any(urls):
            return urls
        return fold(
            [None if url is None or not _is_plain(url) or _holds_any(url, leaks) else url for url, leaks in zip(urls, self._leaks)],
            self._parts,
        )

    def _hosts(self, place: int) -> t.Any:
        """Return the hosts that all webhooks of an instance post to, as they are declared."""
        hosts = set()
        for event, url in self.instances[place]["webhooks"].items():
            if url is not None:
                start = _start(url)
                folded = self._folded[event][place] if event in self._folded else None
                hosts.add(_declared(start, start if folded is None or folded.startswith(start) else _start(folded)))
        if None in hosts or any(_holds_any(host, self._leaks[place]) for host in hosts):
            return _OPEN
        return tuple(sorted(hosts)) if hosts else _ANY


def _is_plain(url: str) -> bool:
    """Whether a URL can be declared as it is."""
    return "{" not in url and "}" not in url and ((url.startswith("http") and url.isascii()) or is_writable(url))


def _leaks(instances: t.Sequence[Instance], secrets: t.Sequence[str]) -> list[list[str]]:
    """Return for each instance those of its tokens and of the secrets that a text of it holds."""
    texts = [_text_of(instance) for instance in instances]
    # Looked through once, there is mostly none of them.
    everything = "\n".join(texts) if secrets else ""
    secrets = [secret for secret in secrets if holds_secret(everything, secret)]
    return [
        [secret for secret in (*(instance.get("tokens") or ()), *secrets) if secret and holds_secret(text, secret)]
        for instance, text in zip(instances, texts)
    ]


def _text_of(instance: Instance) -> str:
    values = [instance["name"], instance["middleware"], instance["payment_status"], *instance["webhooks"].values()]
    values += [text for value in instance["settings"].values() if value and value is not True for text in _texts(value)]
    return "\n".join([value for value in values if value])


def _holds_any(text: t.Optional[str], secrets: t.Sequence[str]) -> bool:
    return bool(secrets and text) and any(holds_secret(str(text), secret) for secret in secrets)


def _texts(value: t.Any) -> t.Sequence[str]:
    return (value,) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()


def _is_declarable(column: Attribute, value: t.Any) -> bool:
    if value is None and column.kind != TEXT:
        return False  # unknown
    try:
        Expectations([{"expect": nested({column.name: list(value) if isinstance(value, tuple) else value})}], 0)
    except ExpectationError:
        return False
    return True


def _start(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


@lru_cache(maxsize=1024)
def _declared(start: str, folded: str) -> t.Optional[str]:
    """Return how a host is declared: as it is, or as what is above it, where the instance's own id or name begins it.

    It is that of a URL which starts so, up to the path, and which starts with ``folded`` where it has placeholders.
    """
    host = host_of(start)
    if host is None:
        return None
    text = str(host)
    labels = folded.rpartition("/")[2].split(":")[0].split(".")
    own = max([place for place, one in enumerate(labels) if "{" in one], default=-1) + 1
    above = host.name.split(".")[own - len(labels) :] if own else []
    if len(above) > 1 and own < len(labels):
        wider = ".".join(["*", *above]) + text[len(host.name) :]
        declared = declared_host(wider)
        text = wider if declared is not None and declared.holds(host) else text
    declared = declared_host(text)
    return text if declared is not None and declared.holds(host) else None


class _Judged(t.NamedTuple):
    """What taking a condition would do. The least is the best."""

    saved: int  # lines, with a minus
    others: int  # instances that it means as well
    rank: tuple[int, int]
    value: str
    place: int
    row: int  # what the item says
    having: int  # instances that have this row


class _Search:
    """Finds the conditions and rows that make the items of groups."""

    def __init__(self, table: _Table) -> None:
        self._table = table
        rows = _with_their_like(table)
        counts = Counter(rows)
        # In an order that counts alone do not change.
        self._distinct = sorted(counts, key=lambda row: [_sort_key(table, column, cell) for column, cell in enumerate(row)])
        numbers = {row: number for number, row in enumerate(self._distinct)}
        self._rows = [numbers[row] for row in rows]
        self._sizes = {numbers[row]: count for row, count in counts.items() if count >= _FEWEST and _says_something(row)}
        described = [
            name for name, row, is_usable in zip(table.names, self._rows, table.is_usable) if row in self._sizes and is_usable
        ]
        found = conditions(table.names, table.types, described) if self._sizes else []
        self._conditions = [condition for condition in found if self._is_no_chance(condition)]
        self._exact, meant = self._exact_ones()
        self._first = self._commonest(meant)
        self._costs: dict[tuple[int, int], int] = {}
        # For each instance, how many its narrowest condition means, and the row that this one says
        self._widths = [len(rows) + 1] * len(rows)
        self._said = [self._first] * len(rows)

    def chosen(self) -> list[tuple[t.Optional[Condition], Row]]:
        """Return the conditions of the items, None for that of all instances, and what is said there; the wider ones first."""
        if not self._sizes:
            return []
        taken = self._greedy()
        return [(None, self._distinct[self._first]), *((one, self._distinct[row]) for one, row in self._ordered(taken))]

    def _is_no_chance(self, condition: Condition) -> bool:
        """Whether a condition is more than a number that a few have in common by chance, as ``*-7`` may be."""
        if not condition.is_number:
            return True
        row, count, _others = self._commonest_of(Counter(map(self._rows.__getitem__, condition.members)))
        return 2 * count >= self._sizes.get(row, 0)

    def _exact_ones(self) -> tuple[list[int], dict[int, set[int]]]:
        """Return the places of the conditions that mean one group and its exceptions, and by rows whom they mean.

        A condition that means three or more whom a narrower one describes as another group is not exact.
        """
        describing, widths = self._describing()
        exact = []
        meant: dict[int, set[int]] = {}
        for place, row in describing:
            members = self._conditions[place].members
            if sum(widths[member] < len(members) and self._rows[member] != row for member in members) < _FEWEST:
                exact.append(place)
                meant.setdefault(row, set()).update(members)
        return exact, meant

    def _describing(self) -> tuple[list[tuple[int, int]], list[int]]:
        """Return the places of the conditions that describe a row, with that; and how many the narrowest one means, by instances."""
        pure = []
        for place, condition in enumerate(self._conditions):
            row, count, others = self._commonest_of(Counter(map(self._rows.__getitem__, condition.members)))
            if count >= max(_FEWEST, others):
                pure.append((others / count, len(condition.members), place, row))
        describing = []
        widths = [len(self._rows) + 1] * len(self._rows)
        meant: dict[int, set[int]] = {}
        for _impurity, width, place, row in sorted(pure):
            members = self._conditions[place].members
            new = set(members).difference(meant.get(row, ()))
            rows = [self._rows[member] for member in new]
            # What adds more others than instances of the group to those whom purer conditions mean tells nothing of it.
            if 2 * rows.count(row) >= sum(own in self._sizes for own in rows):
                describing.append((place, row))
                meant.setdefault(row, set()).update(new)
                for member in members:
                    if self._rows[member] == row:
                        widths[member] = min(width, widths[member])
        return describing, widths

    def _commonest(self, meant: t.Mapping[int, t.Collection[int]]) -> int:
        """Return the row that comes first: one that no exact condition describes where many instances have it, or the commonest.

        ``meant`` has by rows whom exact conditions mean. It tells how common a row is, too, since one more exception is no change.
        """
        if not self._sizes:
            return -1
        described: set[int] = set().union(*meant.values())
        left = [place for place in range(len(self._rows)) if place not in described]
        scattered = Counter(self._rows[place] for place in left)
        weights = {row: len(meant.get(row, ())) + scattered[row] for row in sorted(self._sizes)}
        most = max(weights.values())
        # Those whose names cannot be used are left to their ids.
        nameable = Counter(self._rows[place] for place in left if self._table.is_usable[place])
        row = max(weights, key=lambda row: nameable[row])
        if nameable[row] >= max(_MANY, _SCATTERED * most):
            return row
        return next(row for row, weight in weights.items() if weight >= _ALIKE * most)

    def _commonest_of(self, counts: t.Mapping[int, int]) -> tuple[int, int, int]:
        """Return the commonest of these rows that make a group, how many have it, and how many have other ones that do."""
        of_groups = [(-count, row) for row, count in counts.items() if row in self._sizes]
        count, row = min(of_groups, default=(0, -1))
        return row, -count, count - sum(count for count, _row in of_groups)

    def _greedy(self) -> list[tuple[Condition, int]]:
        """Take the condition and the row that save most lines, again and again: of the exact conditions first, then of the others."""
        taken: list[tuple[Condition, int]] = []
        left = set(range(len(self._conditions)))
        for places in (self._exact, left):
            # Again: a wide condition may be worth something only now that narrower ones are taken.
            while heap := self._worthwhile(left.intersection(places)):
                heapq.heapify(heap)
                while heap:
                    judged = heapq.heappop(heap)
                    again = self._judged(judged.place)
                    if again == judged:
                        self._take(judged)
                        taken.append((self._conditions[judged.place], judged.row))
                        left.remove(judged.place)
                    elif again.saved < 0:
                        heapq.heappush(heap, again)
        return taken

    def _worthwhile(self, places: t.Iterable[int]) -> list[_Judged]:
        """Return what taking these conditions would do, but for those that mean more others than a condition that does the same."""
        judged = [one for one in map(self._judged, places) if one.saved < 0]
        fewest: dict[tuple[int, int], int] = {}
        for one in judged:
            fewest[one.row, one.having] = min(one.others, fewest.get((one.row, one.having), one.others))
        return [one for one in judged if one.others == fewest[one.row, one.having]]

    def _take(self, judged: _Judged) -> None:
        members = self._conditions[judged.place].members
        for member in members:
            if len(members) < self._widths[member]:
                self._widths[member], self._said[member] = len(members), judged.row

    def _judged(self, place: int) -> _Judged:
        condition = self._conditions[place]
        width = len(condition.members)
        concerned = [member for member in condition.members if width < self._widths[member]]
        groups = Counter(zip(map(self._rows.__getitem__, concerned), map(self._said.__getitem__, concerned)))
        of_rows: Counter[int] = Counter()
        for (own, _said), number in groups.items():
            of_rows[own] += number
        row, count, others = self._commonest_of(of_rows)
        wanting = sum(number for (own, said), number in groups.items() if own == row != said)
        saved = 0
        # Otherwise it would rather be said of another group.
        if wanting >= _FEWEST and count >= others:
            saved = self._cost(row, self._first)
            saved += sum((self._cost(own, row) - self._cost(own, said)) * number for (own, said), number in groups.items())
        return _Judged(saved, width - count, condition.rank, condition.value, place, row, count)

    def _cost(self, own: int, said: int) -> int:
        """Return how many lines an instance with one row takes where an item says another one."""
        key = (own, said)
        if key not in self._costs:
            first, cells, declared = self._distinct[self._first], self._distinct[own], self._distinct[said]
            differing = sum(
                not self._table.meets(column, cell, first[column] if declared[column] == _RARE else declared[column])
                for column, cell in enumerate(cells)
            )
            self._costs[key] = differing + _LINES_AROUND if differing else 0
        return self._costs[key]

    def _ordered(self, taken: list[tuple[Condition, int]]) -> list[tuple[Condition, int]]:
        """Return what was taken in the order of their names, but for the narrower of two that overlap: it comes later."""
        depths: list[tuple[int, str, str, int]] = []
        below = [0] * len(self._rows)
        for place, (condition, _row) in sorted(enumerate(taken), key=lambda one: (-len(one[1][0].members), one[1][0][:2])):
            depth = max(below[member] for member in condition.members)
            for member in condition.members:
                below[member] = depth + 1
            depths.append((depth, condition.key, condition.value, place))
        return [taken[place] for *_depth, place in sorted(depths)]


def _sort_key(table: _Table, column: int, cell: int) -> str:
    return json.dumps(table.values[column][cell]) if cell >= 0 else f"~{cell}"


def _with_their_like(table: _Table) -> list[Row]:
    """Return the rows without rare values; in place of one that had some, the commonest that is the same but for these."""
    rows = table.without_rare()
    counts = Counter(rows)
    frequent = sorted((row for row, count in counts.items() if count >= _FEWEST), key=lambda row: (-counts[row], row))
    like: dict[Row, Row] = {}
    for row in counts:
        rare = row.count(_RARE)
        if rare:
            fuller = (one for one in frequent if one.count(_RARE) < rare and _is_like(table, one, row))
            like[row] = next(fuller, row)
    return [like.get(row, row) for row in rows]


def _is_like(table: _Table, one: Row, row: Row) -> bool:
    """Whether a row is like one with rare values, whose webhooks may post to more hosts for that."""
    return all(
        cell in (own, _RARE) or (table.columns[column].kind == HOSTS and table.meets(column, own, cell))
        for column, (own, cell) in enumerate(zip(one, row))
    )


def _says_something(row: Row) -> bool:
    """Whether an item can say a row, or that there is nothing to say."""
    return any(cell >= 0 for cell in row) or _RARE not in row


class _Items:
    """Makes items, and keeps for each instance what they declare of it."""

    def __init__(self, table: _Table) -> None:
        self.listed: list[Item] = []
        self._table = table
        self._declared: list[t.Optional[Row]] = [None] * len(table.instances)  # None for instances that no item means
        self._nothing: Row = (_NOTHING,) * len(table.columns)
        self._own: dict[int, Item] = {}  # the items of single instances

    def say(self, condition: t.Optional[Condition], row: Row) -> None:
        """Add the item that says what those of the condition's instances lack that have the row."""
        members = range(len(self._table.rows)) if condition is None else condition.members
        before = {self._declared[place] for place in members if _is_row(self._table.rows[place], row)}
        said = [
            cell
            if cell != _RARE and any(not self._table.meets(column, cell, (one or self._nothing)[column]) for one in before)
            else _RARE
            for column, cell in enumerate(row)
        ]
        item = self._item({} if condition is None else {condition.key: condition.value}, said)
        if len(item) == (condition is not None):
            if None not in before:
                return
            item["ignore"] = list(self._table.attributes)
        self.listed.append(item)
        after: dict[t.Optional[Row], Row] = {}
        for place in members:
            old = self._declared[place]
            if old not in after:
                after[old] = tuple(
                    [
                        one if cell == _RARE else _NOTHING if cell in (_OPEN, _ANY) else cell
                        for one, cell in zip(old or self._nothing, said)
                    ]
                )
            self._declared[place] = after[old]

    def say_of_each(self) -> None:
        """Add items for the instances of which something remains to be said."""
        for place, row in enumerate(self._table.rows):
            declared = self._declared[place]
            if declared == row:
                continue
            said = [
                _RARE if self._table.meets(column, cell, one) else cell
                for column, (cell, one) in enumerate(zip(row, declared or self._nothing))
            ]
            item = self._item({}, said)
            if item or declared is None:
                self._own_item(place).update(item or {"ignore": list(self._table.attributes)})

    def ignore_what_drifts(self) -> None:
        """Compare the items with the fleet, and leave out what is not met after all."""
        if not self.listed:
            return
        expectations = Expectations(self.listed, 0)
        drifting: dict[t.Any, set[str]] = {}
        for place, (instance, row) in enumerate(zip(self._table.instances, self._table.rows)):
            asked = expectations.asked(instance)
            # Where the same is asked of the same row, the answer is the same.
            key = (row, id(asked))
            if key not in drifting:
                drifting[key] = {mismatch.check.attribute.name for mismatch in find_mismatches(instance, asked, 0)}
            if drifting[key]:
                self._ignore(place, drifting[key])

    def _ignore(self, place: int, names: set[str]) -> None:
        item = self._own_item(place)
        for name in names:
            group, dot, part = name.partition(".")
            (item.get("expect", {}).get(group, {}) if dot else item.get("expect", {})).pop(part or group, None)
        item["ignore"] = whole_groups({*item.get("ignore", ()), *names})

    def _own_item(self, place: int) -> Item:
        if place not in self._own:
            self._own[place] = {"match": {"id": self._table.instances[place]["id"]}}
            self.listed.append(self._own[place])
        return self._own[place]

    def _item(self, match: dict[str, str], said: t.Sequence[int]) -> Item:
        """Return an item that says what is no _RARE."""
        item: Item = {"match": match} if match else {}
        values: dict[str, t.Any] = {}
        ignored = []
        for attribute, cell, known in zip(self._table.columns, said, self._table.values):
            if cell == _OPEN:
                ignored.append(attribute.name)
            elif cell >= 0:
                values[attribute.name] = list(known[cell]) if isinstance(known[cell], tuple) else known[cell]
        if values:
            item["expect"] = nested(values)
        if ignored:
            item["ignore"] = whole_groups(ignored)
        return item


def _is_row(full: Row, row: Row) -> bool:
    """Whether a row is the other one, but for what is rare in that."""
    return all(cell in (own, _RARE) for own, cell in zip(full, row))
