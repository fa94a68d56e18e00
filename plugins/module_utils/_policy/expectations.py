# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""What a user declares about a fleet: parsed once, then matched with each instance. No network; the time is passed in."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache, partial

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import (
    BY_NAME,
    DECLARABLE,
    GROUPS,
    Attribute,
    Kind,
    grouped,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ExpectationError, Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import is_unknown
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import is_pattern, nfc
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import date_of
from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import declared_host, host_of

from .placeholders import ANY, ID, NAME, expand, matches
from .values import (
    Mistake,
    attribute_named,
    authority,
    for_check,
    is_list,
    kind_of,
    parse_date,
    parse_texts,
    parse_value,
    quoted,
    suggestion,
)

if t.TYPE_CHECKING:
    import datetime as dt

    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance, Record

KEYS = ("name", "match", "expect", "ignore", "until")
CONDITIONS = ("id", "name", "middleware")

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]")
_MAX_MISTAKES = 5  # that are reported at once


class Match(t.NamedTuple):
    """Conditions that all must hold. Each is a tuple of alternatives; empty: no condition. ``names`` and ``patterns`` are one."""

    ids: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()  # exact, in NFC
    patterns: tuple[re.Pattern[str], ...] = ()  # of names in NFC
    middlewares: tuple[str, ...] = ()

    def matches(self, instance: Instance) -> bool:
        """Return whether an instance meets the conditions."""
        return self.matches_named(instance, _known_name(instance))

    def matches_named(self, instance: Instance, name: t.Optional[str]) -> bool:
        """Return whether an instance with this name, in NFC, meets the conditions. None: its name is unknown."""
        return (
            (not self.ids or instance["id"] in self.ids)
            and (not self.middlewares or instance["middleware"] in self.middlewares)
            and (not (self.names or self.patterns) or (name is not None and self._has_name(name)))
        )

    def _has_name(self, name: str) -> bool:
        return name in self.names or any(pattern.match(name) for pattern in self.patterns)


class Requirement(t.NamedTuple):
    """One thing that an instance must be."""

    attribute: Attribute
    declared: t.Any  # one value, a list of accepted ones, or None (unset)
    expectation: int  # its position, from 1
    expectation_name: t.Optional[str]
    has_placeholders: bool  # {id} or {name}

    def expected(self, instance: Instance) -> t.Any:
        """Return the declared value with the instance's own ID and name. None in place of a URL whose placeholder has no value."""
        if not self.has_placeholders:
            return self.declared
        if isinstance(self.declared, str):
            return expand(self.declared, instance)
        return [expand(url, instance) for url in self.declared]

    def accepts(self, actual: t.Any, expected: t.Any) -> bool:
        """Return whether an actual value is the `expected` one, or one of those. Days and hosts are compared in `_audit`."""
        if actual is None:
            return self.declared is None
        if self.attribute.kind is Kind.MUTED or not isinstance(expected, list):
            expected = [expected]
        return actual in expected or (
            self.attribute.kind is Kind.URL
            and isinstance(actual, str)
            and any(url and ANY in url and matches(url, actual) for url in expected)
        )


class Expectation(t.NamedTuple):
    """One entry of the declared list."""

    position: int  # from 1
    name: t.Optional[str]
    match: Match
    requirements: tuple[Requirement, ...]
    ignored: frozenset[str]  # names of attributes
    until: t.Optional[dt.date]  # the last day on which it counts, in UTC
    written_names: tuple[str, ...]  # of `match`: names and patterns as they were written
    line: t.Optional[int] = None  # in its file, if known

    @property
    def label(self) -> str:
        """What rows and messages call it."""
        if self.name is None:
            return f"expectation {self.position}"
        return f'expectation {self.position}, "{self.name if self.name.isprintable() else repr(self.name)[1:-1]}"'

    @property
    def place(self) -> str:
        """The label, and the line in the file if it is known."""
        return self.label + ("" if self.line is None else f" (line {self.line})")


class Effective(t.NamedTuple):
    """The effective expectations of an instance: of each attribute, the last one that matches."""

    requirements: tuple[Requirement, ...] = ()  # sorted by attribute
    names: frozenset[str] = frozenset()  # of their attributes
    has_url: bool = False  # whether a webhook must have a URL
    calls: t.Mapping[str, tuple[str, ...]] = {}  # instance calls that may be needed, with the attributes that they return

    def get(self, name: str) -> t.Optional[Requirement]:
        """Return the requirement for an attribute, if there is one."""
        return next((one for one in self.requirements if one.attribute.name == name), None)


class Expectations:
    """The declared list. ``active`` are those that have not ended, ``warnings`` what is valid but probably not meant."""

    def __init__(self, declared: t.Any, now: int, lines: t.Optional[t.Sequence[int]] = None) -> None:
        """Parse the list. ``now`` is in epoch milliseconds, ``lines`` are those of the expectations in their file, if known.

        Raises `ExpectationError` with up to five mistakes.
        """
        if not is_list(declared):
            raise ExpectationError(f"expectations must be a list, not {kind_of(declared)}")
        if not declared:
            raise ExpectationError("expectations is an empty list: nothing would be asserted")
        mistakes: list[str] = []
        self.all: list[Expectation] = []
        for position, entry in enumerate(declared, start=1):
            parser = _Parser(position, lines[position - 1] if lines and position <= len(lines) else None)
            expectation = parser.parse(entry)
            mistakes += [f"{expectation.place}: {mistake}" for mistake in parser.mistakes]
            self.all.append(expectation)
        _refuse(mistakes)
        today = date_of(now)
        self.active = [one for one in self.all if one.until is None or today <= one.until]
        self.ended = [one for one in self.all if one.until is not None and one.until < today]
        self.warnings = [Reason("expectation_ended", {"expectation": one.label, "until": str(one.until)}) for one in self.ended]
        self.warnings += [
            Reason("http_url", {"expectation": one.label, "attribute": requirement.attribute.name, "url": url})
            for one in self.active
            for requirement in one.requirements
            for url in _urls(requirement)
            if not url.lower().startswith("https://")
        ]
        # Most conditions of a long list are IDs and exact names: those are looked up, and only the others are tried one by one.
        # Each position comes with the conditions that remain.
        self._by_id: dict[str, list[tuple[int, Match]]] = {}
        self._by_name: dict[str, list[tuple[int, Match]]] = {}
        self._others: list[tuple[int, Match]] = []
        for expectation in self.active:
            self._index(expectation.position, expectation.match)
        self._merged = lru_cache(maxsize=1024)(self._merge)

    def matching(self, instance: Instance) -> tuple[int, ...]:
        """Return the positions of the active expectations that match an instance, in order."""
        name = _known_name(instance)
        candidates = self._others + self._by_id.get(instance["id"], [])
        if name is not None:
            candidates += self._by_name.get(name, [])
        return tuple(sorted({position for position, match in candidates if match.matches_named(instance, name)}))

    def effective(self, instance: Instance) -> Effective:
        """Return the effective expectations of an instance, empty if no expectation matches it."""
        return self._merged(self.matching(instance))

    def unknown_calls(self, records: t.Iterable[Record]) -> dict[str, list[Record]]:
        """Return, by instance call, the records with an attribute that is expected, unknown, and returned by this call."""
        needed: dict[str, list[Record]] = {}
        if not any(requirement.attribute.read for one in self.active for requirement in one.requirements):
            return needed  # no instance has to be matched
        for record in records:
            for call, names in self.effective(record.instance).calls.items():
                if any(is_unknown(record.instance, name) for name in names):
                    needed.setdefault(call, []).append(record)
        return needed

    def summary(self) -> dict[str, t.Any]:
        """Return ``expectations`` (their number), ``attributes`` (that are declared), ``instances_named`` (the number of them)."""
        names = {requirement.attribute.name for one in self.all for requirement in one.requirements}
        ids = {identity for one in self.all for identity in one.match.ids}
        exact_names = {name for one in self.all if not one.match.ids for name in one.match.names}
        return {"expectations": len(self.all), "attributes": grouped(names), "instances_named": len(ids) + len(exact_names)}

    def refuse_middleware(self) -> None:
        """Refuse ``match.middleware``, if instances are read with credentials. Raises `ExpectationError`."""
        _refuse(
            [
                f"{one.place}: match.middleware matches nothing with credentials, since the instance's own calls do not return it"
                for one in self.active
                if one.match.middlewares
            ]
        )

    def forbidden_urls(self) -> list[str]:
        """Return a message for each URL whose host the ``webhook_hosts`` of the same expectation forbid.

        A host that contains ``{id}`` is known only when the expectations of an instance are compared.
        """
        messages = []
        for one in self.all:
            accepted: list[str] = next((part.declared for part in one.requirements if part.attribute.kind is Kind.HOSTS), [])
            for requirement in one.requirements if accepted else ():
                for url in _urls(requirement):
                    host = host_of(for_check(url))
                    is_covered = host and any(other and other.covers(host) for other in map(declared_host, accepted))
                    if ID not in authority(url).rpartition("@")[2] and not is_covered:
                        messages.append(
                            f"{one.place}: {requirement.attribute.name} posts to {host}, which its webhook_hosts forbid"
                        )
        return messages

    def _index(self, position: int, match: Match) -> None:
        if match.ids:
            rest = match._replace(ids=())
            for identity in match.ids:
                self._by_id.setdefault(identity, []).append((position, rest))
            return
        rest = match._replace(names=frozenset(), patterns=())
        for name in match.names:
            self._by_name.setdefault(name, []).append((position, rest))
        if match.patterns or not match.names:
            self._others.append((position, match._replace(names=frozenset())))

    def _merge(self, positions: tuple[int, ...]) -> Effective:
        last: dict[str, Requirement] = {}
        for position in positions:
            expectation = self.all[position - 1]
            for name in expectation.ignored:
                last.pop(name, None)
            last.update((one.attribute.name, one) for one in expectation.requirements)
        requirements = tuple(last[name] for name in sorted(last))
        calls: dict[str, tuple[str, ...]] = {}
        for one in requirements:
            if one.attribute.read is not None:
                calls[one.attribute.read] = (*calls.get(one.attribute.read, ()), one.attribute.name)
        return Effective(requirements, frozenset(last), any(map(_urls, requirements)), calls)


class _Parser:
    """Parses one expectation. Each mistake is added to ``mistakes``, and parsing continues."""

    def __init__(self, position: int, line: t.Optional[int]) -> None:
        self.mistakes: list[str] = []
        self._position = position
        self._line = line
        self._name: t.Optional[str] = None

    def parse(self, declared: t.Any) -> Expectation:
        """Return the expectation; without what is invalid, if there are mistakes."""
        keys = self._mapping(declared, "", KEYS)
        if "name" in keys:
            self._name = self._value("name", _line_of_text, keys["name"])
        match, written_names = self._match(keys["match"]) if "match" in keys else (Match(), ())
        requirements: tuple[Requirement, ...] = ()
        # An empty expect is one mistake with the keys that should be indented under it.
        if "expect" in keys and not (keys["expect"] is None and self.mistakes):
            requirements = tuple(self._requirements(keys["expect"]))
        ignored = self._ignored(keys["ignore"]) if "ignore" in keys else frozenset()
        until = self._value("until", parse_date, keys["until"]) if "until" in keys else None
        if not self.mistakes and not {"expect", "ignore"}.intersection(keys):
            self.mistakes.append("has neither expect nor ignore: declare what the instances must be")
        both = grouped(ignored.intersection(one.attribute.name for one in requirements))
        if both:
            self.mistakes.append(f"expects and ignores {', '.join(both)}: remove one of the two")
        return Expectation(self._position, self._name, match, requirements, ignored, until, written_names, self._line)

    def _match(self, declared: t.Any) -> tuple[Match, tuple[str, ...]]:
        conditions: dict[str, tuple[str, ...]] = {}
        for key, value in self._mapping(declared, "match", CONDITIONS, ": leave it out to match every instance").items():
            conditions[key] = self._value(f"match.{key}", _names if key == "name" else _exact_values, value) or ()
        written = conditions.get("name", ())
        names = [nfc(name) for name in written]
        match = Match(
            conditions.get("id", ()),
            frozenset(name for name in names if not is_pattern(name)),
            tuple(re.compile(translate(name)) for name in names if is_pattern(name)),
            conditions.get("middleware", ()),
        )
        return match, written

    def _requirements(self, declared: t.Any) -> t.Iterator[Requirement]:
        for key, entry in self._mapping(declared, "expect", DECLARABLE).items():
            values = {key: entry}
            if key in GROUPS:
                parts = [name.partition(".")[2] for name in GROUPS[key]]
                values = {f"{key}.{part}": value for part, value in self._mapping(entry, f"expect.{key}", parts).items()}
            for name, value in values.items():
                attribute, before = BY_NAME[name], len(self.mistakes)
                parsed = self._value(name, partial(parse_value, attribute), value)
                if len(self.mistakes) == before:
                    has_placeholders = attribute.kind is Kind.URL and any(ID in url or NAME in url for url in _as_list(parsed))
                    yield Requirement(attribute, parsed, self._position, self._name, has_placeholders)

    def _ignored(self, declared: t.Any) -> frozenset[str]:
        if not is_list(declared):
            self.mistakes.append(f"ignore must be a list of attributes, not {kind_of(declared)}")
            return frozenset()
        if not declared:
            self.mistakes.append("ignore is an empty list: leave it out")
        ignored: set[str] = set()
        for name in declared:
            if not isinstance(name, str):
                self.mistakes.append(f"ignore must be a list of attributes, but contains {kind_of(name)}")
            elif name in GROUPS or name in BY_NAME:
                ignored.update(GROUPS.get(name, (name,)))
            else:
                meant = attribute_named(name)
                advice = f"did you mean {meant}?" if meant else suggestion(name, list(dict.fromkeys((*DECLARABLE, *BY_NAME))))
                self.mistakes.append(f"ignore contains the unknown attribute {quoted(name)}: {advice}")
        return frozenset(ignored)

    def _mapping(self, declared: t.Any, level: str, known: t.Collection[str], if_empty: str = "") -> dict[str, t.Any]:
        """Return the known keys of a mapping, whose place is ``level`` ("": the expectation itself)."""
        subject = f"{level.rpartition('.')[2]} " if level else ""
        if not isinstance(declared, Mapping):
            self.mistakes.append(f"{subject}must be a mapping, not {kind_of(declared)}{if_empty if declared is None else ''}")
            return {}
        if not declared:
            self.mistakes.append(f"{subject}is an empty mapping{if_empty}")
        for key in declared:
            if not isinstance(key, str):
                self.mistakes.append(f"{subject}contains {kind_of(key)} as a key: use {', '.join(known)}")
            elif key not in known:
                self.mistakes.append(f"{subject}contains the unknown key {quoted(key)}: {_advice(key, level, known)}")
        return {key: value for key, value in declared.items() if key in known}

    def _value(self, subject: str, parse: t.Callable[[t.Any], t.Any], value: t.Any) -> t.Any:
        try:
            return parse(value)
        except Mistake as mistake:
            self.mistakes.append(f"{subject} {mistake}")
            return None


def _advice(key: str, level: str, known: t.Collection[str]) -> str:
    """Return what to write instead of a key that is unknown at a level."""
    if key in KEYS:
        return "it is a key of the expectation itself: indent it less"
    attribute = attribute_named(key)
    if attribute is None:
        return "indent it under match" if key in CONDITIONS else suggestion(key, known)
    group, _dot, part = attribute.rpartition(".")
    place = f"expect.{group}" if group else "expect"
    if place == level:
        return f"did you mean {part}?"
    if key in CONDITIONS:
        place = f"match or {place}"
    return f"indent it under {place}" if key == part else f"write {part} under {place}"


def _refuse(mistakes: t.Sequence[str]) -> None:
    """Raise `ExpectationError` with up to five of the mistakes, if there are any."""
    if not mistakes:
        return
    if len(mistakes) == 1:
        raise ExpectationError(mistakes[0])
    more = f"; and {len(mistakes) - _MAX_MISTAKES} more" if len(mistakes) > _MAX_MISTAKES else ""
    raise ExpectationError(f"expectations have {len(mistakes)} mistakes: {'; '.join(mistakes[:_MAX_MISTAKES])}{more}")


def _line_of_text(value: t.Any) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise Mistake("must be text of one line" + ("" if isinstance(value, str) else f", not {kind_of(value)}"))
    if not value.strip():
        raise Mistake("is empty: leave it out")
    return value


def _names(value: t.Any) -> tuple[str, ...]:
    return parse_texts(value)  # "": an instance without a name


def _exact_values(value: t.Any) -> tuple[str, ...]:
    texts = parse_texts(value)
    if "" in texts:
        raise Mistake("contains an empty text" if is_list(value) else "is empty")
    return texts


def _as_list(declared: t.Any) -> list[str]:
    return declared if isinstance(declared, list) else [] if declared is None else [declared]


def _urls(requirement: Requirement) -> list[str]:
    """Return the declared URLs of a webhook; none for other attributes and for a webhook that must be unset."""
    return _as_list(requirement.declared) if requirement.attribute.kind is Kind.URL else []


def _known_name(instance: Instance) -> t.Optional[str]:
    """Return the name of an instance in NFC; None if the API did not return it."""
    name = instance["name"]
    return None if not name and "name" in (instance.get("unknown") or ()) else nfc(name)
