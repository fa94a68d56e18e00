# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""What the instances of a fleet have, as expectations can declare it: a row for each instance, a column for each attribute."""

from __future__ import annotations

import enum
import re
import typing as t
from functools import lru_cache
from urllib.parse import unquote

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import (
    ATTRIBUTES,
    BY_NAME,
    GROUPS,
    MUTED_WEBHOOKS,
    MUTED_WITH,
    WEBHOOK_EVENTS,
    Attribute,
    Kind,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import snake_case
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import nfc
from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import declared_host, host_of
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import is_writable
from ansible_collections.zapi.zapi.plugins.module_utils._policy.placeholders import ANY, PLACEHOLDERS, fold, own_parts
from ansible_collections.zapi.zapi.plugins.module_utils._policy.values import Mistake, authority, parse_value
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import looks_random

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance, Record
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

_RECEIVED_STATUS = "webhooks.received_status"  # nearly always unset, and no call sets it alone
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_SECRET_KEY = re.compile(r"(?:token|secret|key|(?:^|_)(?:sig|signature|pass|password|passwd|s))(?:_|$)")


class Special(enum.Enum):
    """A value that no expectation can declare. The text is the comment for an instance that is ignored because of it."""

    UNKNOWN = "unknown"
    MUTED = "muted"  # a declared URL is a webhook that works
    UNDECLARABLE = "cannot be declared"
    OWN_HOST = "has a host of its own"  # which its URL declares, with {id}
    NO_HOSTS = ""  # posts nowhere, which every list of hosts allows


class Row(t.NamedTuple):
    """What an instance has. A list is a tuple here."""

    middleware: t.Optional[str]
    cells: tuple[t.Any, ...]


class Table(t.NamedTuple):
    """The rows of a fleet, in the order of names."""

    records: list[Record]
    names: list[str]  # in NFC
    columns: list[Attribute]
    rows: list[Row]  # different ones
    row_numbers: list[int]  # the position of each instance's row in ``rows``


def read_table(records: t.Iterable[Record], attributes: t.Collection[str], secrets: Secrets, *, any_secrets: bool) -> Table:
    """Return the table of a fleet. ``attributes`` are keys of ``expect``; with ``any_secrets``, ``{any}`` replaces secrets in URLs."""
    pairs = sorted(
        ((nfc(record.instance["name"]), record) for record in records), key=lambda pair: (pair[0], pair[1].instance["id"])
    )
    ordered = [record for _name, record in pairs]
    names = {name for attribute in attributes for name in GROUPS.get(attribute, (attribute,))}
    columns = [attribute for attribute in ATTRIBUTES if attribute.name in names]
    reader = _Reader(ordered, columns, secrets, any_secrets)
    cells = {attribute: reader.cells(attribute) for attribute in columns}
    columns = [one for one in columns if one.name != _RECEIVED_STATUS or any(isinstance(cell, str) for cell in cells[one])]
    found: dict[Row, int] = {}
    middlewares = [record.instance["middleware"] for record in ordered]
    width = len(columns)
    lines = zip(*(cells[attribute] for attribute in columns)) if width else [()] * len(ordered)
    row_numbers = [found.setdefault(Row(*pair), len(found)) for pair in zip(middlewares, lines)]
    return Table(ordered, [name for name, _record in pairs], columns, list(found), row_numbers)


class _Reader:
    """Reads the columns of a table."""

    def __init__(self, records: list[Record], columns: list[Attribute], secrets: Secrets, any_secrets: bool) -> None:
        self._instances = [record.instance for record in records]
        self._webhooks = [instance["webhooks"] for instance in self._instances]
        self._columns = frozenset(column.name for column in columns)
        self._secrets = secrets
        self._any_secrets = any_secrets
        self._own_parts = [own_parts(instance) for instance in self._instances]
        self._muted = [place for place, instance in enumerate(self._instances) if instance["settings"]["muted_webhooks"]]
        self._unknown: dict[str, list[int]] = {}  # positions of instances by the names of columns
        for place, instance in enumerate(self._instances):
            for name in self._columns.intersection(instance["unknown"]):
                self._unknown.setdefault(name, []).append(place)
        self._checked: dict[tuple[str, t.Any], t.Any] = {}
        self._patterns: dict[str, list[t.Any]] = {}

    def cells(self, attribute: Attribute) -> list[t.Any]:
        """Return the cells of a column."""
        if attribute.kind is Kind.HOSTS:
            return self._hosts()
        if attribute.kind is Kind.URL:
            cells = self._with_placeholders(attribute).copy()
            for place in self._muted:
                if cells[place] is not None and self._is_muted(attribute, self._instances[place]):
                    cells[place] = Special.MUTED
        else:
            cells = [self._cell(attribute, instance) for instance in self._instances]
        for place in self._unknown.get(attribute.name, ()):
            cells[place] = Special.UNKNOWN
        return cells

    def _cell(self, attribute: Attribute, instance: Instance) -> t.Any:
        value = attribute.value(instance)
        if value is None and attribute.kind is not Kind.TEXT:
            return Special.UNKNOWN
        return self._check(attribute, tuple(value) if isinstance(value, list) else value)

    def _check(self, attribute: Attribute, value: t.Any) -> t.Any:
        """Return a value, or `Special.UNDECLARABLE` if an expectation or a file cannot hold it, or if it contains a known secret."""
        key = (attribute.name, value)
        if key not in self._checked:
            texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
            is_declarable = all(is_writable(text) and self._secrets.mask(text) == text for text in texts)
            try:
                parse_value(attribute, list(value) if isinstance(value, tuple) else value)
            except Mistake:
                is_declarable = False
            self._checked[key] = value if is_declarable else Special.UNDECLARABLE
        return self._checked[key]

    def _is_muted(self, attribute: Attribute, instance: Instance) -> bool:
        """Return whether a webhook is muted and no expectation will declare that."""
        is_declared = MUTED_WEBHOOKS.name in self._columns and not isinstance(self._cell(MUTED_WEBHOOKS, instance), Special)
        names = {attribute.part, MUTED_WITH.get(attribute.part or "")}
        return not is_declared and not names.isdisjoint(instance["settings"]["muted_webhooks"])

    def _with_placeholders(self, attribute: Attribute) -> list[t.Any]:
        """Return the URLs of a webhook with placeholders."""
        if attribute.name not in self._patterns:
            urls = [webhooks[str(attribute.part)] for webhooks in self._webhooks]
            if any(urls):
                folded = fold([url if self._is_plain(url) else None for url in urls], self._own_parts)
                urls = [url and self._pattern(attribute, pattern) for url, pattern in zip(urls, folded)]
            self._patterns[attribute.name] = urls
        return self._patterns[attribute.name]

    def _is_plain(self, url: t.Optional[str]) -> bool:
        """Return whether a URL contains no brace, which would be a placeholder, and no known secret."""
        return url is not None and "{" not in url and "}" not in url and self._secrets.mask(url) == url

    def _pattern(self, attribute: Attribute, pattern: t.Optional[str]) -> t.Any:
        if pattern is None:
            return Special.UNDECLARABLE
        return self._check(attribute, _with_any(pattern) if self._any_secrets else pattern)

    def _hosts(self) -> list[t.Any]:
        """Return the hosts that all webhooks of each instance post to."""
        is_adopted = not self._columns.isdisjoint(GROUPS["webhooks"])
        columns = [self._with_placeholders(BY_NAME[name]) for name in GROUPS["webhooks"]] if is_adopted else []
        by_patterns: dict[tuple[t.Any, ...], t.Any] = {}
        cells = []
        for place, instance in enumerate(self._instances):
            patterns = tuple([column[place] for column in columns])
            if not is_adopted or Special.UNDECLARABLE in patterns or len(instance["webhooks"]) > len(WEBHOOK_EVENTS):
                cells.append(self._hosts_of(instance, patterns))
                continue
            if patterns not in by_patterns:  # instances with equal patterns post to the same hosts
                by_patterns[patterns] = self._hosts_of(instance, patterns)
            cells.append(by_patterns[patterns])
        return cells

    def _hosts_of(self, instance: Instance, patterns: t.Iterable[t.Any]) -> t.Any:
        if any(isinstance(pattern, str) and "{" in authority(pattern).rpartition("@")[2] for pattern in patterns):
            return Special.OWN_HOST
        hosts = set()
        for url in instance["webhooks"].values():
            if url is not None:
                host = host_of(url)
                declared = None if host is None else declared_host(str(host))
                if host is None or declared is None or not declared.covers(host) or self._secrets.mask(str(host)) != str(host):
                    return Special.UNDECLARABLE
                hosts.add(str(host))
        return tuple(sorted(hosts)) or Special.NO_HOSTS


@lru_cache(maxsize=4096)
def _with_any(url: str) -> str:
    """Return a URL with ``{any}`` for each path segment and each query value that is recognized as a secret."""
    before_fragment, hash_mark, fragment = url.partition("#")
    before_query, question_mark, query = before_fragment.partition("?")
    scheme, separator, rest = before_query.partition("://")
    host, *segments = rest.split("/")
    path = "/".join([host, *(ANY if _is_secret(segment) else segment for segment in segments)])
    pairs = [parameter.partition("=") for parameter in query.split("&")]
    query = "&".join([key + equals + (ANY if _is_secret(value, key) else value) for key, equals, value in pairs])
    return f"{scheme}{separator}{path}{question_mark}{query}{hash_mark}{fragment}"


def _is_secret(text: str, key: str = "") -> bool:
    """Return whether a path segment or query value looks random, or its key says that it is a secret, and ``{any}`` can stand for it."""
    others = [unquote(part) for part in _PLACEHOLDER.split(text) if part]  # than the instance's own ID and name
    if not "".join(others).strip(".") or "%2f" in text.lower():
        return False
    return any(map(looks_random, others)) or (bool(key) and _SECRET_KEY.search(snake_case(unquote(key)).lower()) is not None)
