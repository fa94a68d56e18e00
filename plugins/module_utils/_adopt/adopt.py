# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Expectations that a fleet meets today, as a person would write them. The same for a fleet in any order.

The rules, with the functions that keep them:

1. An expectation holds, attribute by attribute, what more than half of the instances that it covers have (`search._majority`).
2. The first one covers all instances. If no value of an attribute has a majority, it takes what more than half of those instances
   have that no pattern of their own (5) covers, if they are a tenth of the fleet or more (`Search._first_values`).
3. A pattern is a middleware, or a beginning of names cut at a word boundary, that at least three instances share, but not all
   (`search._patterns`).
4. A pattern counts for those instances that no longer beginning covers (`Search._take`), and holds an attribute only if at least
   three of them lack the value (`Search._judge`).
5. If it covers more than half of a value's instances (its own pattern), it must save three IDs net; any other must save more IDs than
   it has lines. Instances for which it is wrong count against it (`Search._judge`, `Search._saved`).
6. The pattern that saves most IDs is taken first, then all are judged again; ties: fewest instances, longest text, alphabetical
   (`Search._search`, `Pattern.rank`).
7. Order: all, middleware, shorter beginnings, longer ones, IDs; alphabetical within a level. Patterns of one level that hold the
   same share one expectation (`_Writer.write_patterns`).
8. What an instance still lacks is declared for its ID; instances that lack exactly the same share a list, in the order of names
   (`_Writer.write_ids`).
9. Unknown and undeclarable values differ from every value (`Special`, `Search.is_met`), and are ignored by ID only, with a comment.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._audit import mismatches
from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import GROUPS, grouped, nested
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._policy.placeholders import ANY, PLACEHOLDERS
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import mask_url

from .search import Search
from .table import Special, read_table

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

    from .search import Pattern, Values
    from .table import Row, Table

ADOPTABLE = ("webhook_hosts", "webhooks", "settings", "middleware", "payment_status", "whatsapp_connected", "phone_connected")
"""The keys of ``expect`` that can be adopted."""
ADOPTED = ("webhook_hosts", "webhooks")
"""Those that are adopted by default."""


class Adoption(t.NamedTuple):
    """What a fleet is, as expectations."""

    expectations: list[dict[str, t.Any]]  # as users write them
    comments: dict[str, str]  # by the ID of an instance: why something of it is ignored, such as unknown or muted
    secrets: int  # the number of URLs in the expectations that contain what a result would mask
    left: list[str]  # with ``any_secrets``: host and path of each URL in which nothing was recognized as a secret


def adopt(
    records: t.Sequence[Record], attributes: t.Sequence[str] = ADOPTED, *, secrets: Secrets, any_secrets: bool = False
) -> Adoption:
    """Return expectations that all instances meet.

    ``attributes`` are some of `ADOPTABLE`. No value with one of the ``secrets`` is declared. With ``any_secrets``, ``{any}`` replaces
    what is recognized as a secret in a URL.
    """
    adopted = [name for name in ADOPTABLE if name in attributes]
    table = read_table(records, adopted, secrets, any_secrets=any_secrets)
    writer = _Writer(table, Search(table, secrets), adopted)
    writer.write_patterns()
    writer.write_ids()
    writer.ignore_drift()
    webhooks = [expectation.get("expect", {}).get("webhooks", {}) for expectation in writer.expectations]
    urls = [url for values in webhooks for url in values.values() if url is not None]
    masked = [url for url in urls if mask_url(url, PLACEHOLDERS) != url]
    left = {re.split("[?#]", url.partition("://")[2], maxsplit=1)[0] for url in urls if any_secrets and ANY not in url}
    return Adoption(writer.expectations, writer.comments, len(masked), sorted(left))


class _Writer:
    """Writes the expectations of a fleet."""

    def __init__(self, table: Table, search: Search, attributes: t.Sequence[str]) -> None:
        self.expectations: list[dict[str, t.Any]] = []
        self.comments: dict[str, str] = {}
        self._table = table
        self._search = search
        self._attributes = attributes
        self._left_out = {name for key in attributes for name in GROUPS.get(key, ())} - {column.name for column in table.columns}

    def write_patterns(self) -> None:
        """Write the first expectation, and those with patterns (rule 7)."""
        if self._search.first:
            self._add({}, self._search.first)
        levels: dict[int, dict[str, list[Pattern]]] = {}
        for pattern in self._search.taken:
            level = 0 if pattern.key == "middleware" else 1 + sum(shorter in self._search.taken for shorter in pattern.shorter)
            levels.setdefault(level, {}).setdefault(repr(sorted(pattern.values.items())), []).append(pattern)
        for _level, sharing in sorted(levels.items()):
            groups = [sorted(group, key=lambda one: one.text) for group in sharing.values()]
            for group in sorted(groups, key=lambda group: group[0].text):
                self._add({group[0].key: [pattern.condition for pattern in group]}, group[0].values)

    def write_ids(self) -> None:
        """Write what remains (rules 8 and 9)."""
        homes: dict[int, Pattern] = {}  # the longest beginning by the instance's position
        for pattern in self._search.taken:
            if pattern.key == "name":
                homes.update(dict.fromkeys(pattern.places, pattern))
        remaining: dict[t.Any, tuple[Values, list[str], str]] = {}
        groups: dict[str, tuple[Values, list[str], list[str]]] = {}
        for place, (record, number) in enumerate(zip(self._table.records, self._table.row_numbers)):
            key = (number, homes.get(place))
            if key not in remaining:
                remaining[key] = self._remaining(self._table.rows[number], homes.get(place))
            values, ignored, comment = remaining[key]
            if values or ignored:
                identity = record.instance["id"]
                groups.setdefault(repr((values, ignored)), (values, ignored, []))[2].append(identity)
                if comment:
                    self.comments[identity] = comment
        for values, ignored, ids in groups.values():
            self._add({"id": ids}, values, ignored)

    def ignore_drift(self) -> None:
        """Compare the expectations with the fleet, and ignore what it does not meet, if anything is left."""
        if not self.expectations:
            return
        expectations = Expectations(self.expectations, 0)
        groups: dict[tuple[str, ...], list[str]] = {}
        for record in self._table.records:
            found = mismatches(record, expectations.effective(record.instance), 0)
            if found:
                names = grouped({mismatch.requirement.attribute.name for mismatch in found})
                groups.setdefault(tuple(names), []).append(record.instance["id"])
                self.comments[record.instance["id"]] = Special.UNDECLARABLE.value
        for ignored, ids in groups.items():
            self._add({"id": ids}, {}, ignored)

    def _remaining(self, row: Row, home: t.Optional[Pattern]) -> tuple[Values, list[str], str]:
        """Return what an instance with this row still lacks, what has to be ignored, and why."""
        beginnings = [*home.shorter, home] if home else []
        declared = self._search.declared(row.middleware, beginnings)
        lacking = {column: cell for column, cell in enumerate(row.cells) if not self._search.is_met(column, cell, declared)}
        values = {column: cell for column, cell in lacking.items() if not isinstance(cell, Special)}
        names = {self._table.columns[column].name for column in lacking if column not in values}
        ignored = [name for name in grouped(names | self._left_out) if name not in self._left_out] if names else []
        if not declared and not lacking:
            ignored, lacking = list(self._attributes), dict(enumerate(row.cells))  # no expectation matches it, and one must
        comments = {cell.value for cell in lacking.values() if isinstance(cell, Special) and cell.value}
        return values, ignored, ", ".join(sorted(comments))

    def _add(self, match: t.Mapping[str, list[str]], values: Values, ignored: t.Sequence[str] = ()) -> None:
        expectation: dict[str, t.Any] = {}
        if match:
            expectation["match"] = {key: texts if len(texts) > 1 else texts[0] for key, texts in match.items()}
        if values:
            by_name = {self._table.columns[column].name: value for column, value in sorted(values.items())}
            expectation["expect"] = nested({name: list(one) if isinstance(one, tuple) else one for name, one in by_name.items()})
        if ignored:
            expectation["ignore"] = list(ignored)
        self.expectations.append(expectation)
