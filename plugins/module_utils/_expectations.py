# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""What a user declares about the fleet: checked and compiled once, then asked for every instance. No network, no clock."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from urllib.parse import quote as percent_encode

from ._attributes import BY_NAME, CHOICE, DAYS, DECLARABLE, STATE, URL, WEBHOOK_EVENTS, Attribute
from ._errors import ExpectationError
from ._redaction import mask_text
from ._selection import Match, match_of

if t.TYPE_CHECKING:
    from ._instance import Instance

_CONDITIONS = ("id", "name", "middleware")
_PLACEHOLDER = re.compile(r"\{(?:id|name)\}")


class Check(t.NamedTuple):
    """One thing that an instance has to be."""

    attribute: Attribute
    declared: t.Any  # one value, a list of accepted ones, or None for an unset webhook
    position: int  # of the expectation, from 1

    def expected(self, instance: Instance) -> t.Any:
        """What is declared, in the form it has for this instance."""
        if self.attribute.kind != URL or self.declared is None:
            return self.declared
        if isinstance(self.declared, str):
            return _expand(self.declared, instance)
        return [_expand(url, instance) for url in self.declared]


class Expectation(t.NamedTuple):
    """One item of the declared list."""

    position: int
    match: Match
    checks: tuple[Check, ...]


class Expectations:
    """The declared list. ``warnings`` tells what is no mistake and yet can hardly be meant."""

    def __init__(self, declared: t.Any) -> None:
        """Check and compile the list. Raises `ExpectationError` at the first mistake."""
        self.warnings: list[str] = []
        if not _is_list(declared):
            raise ExpectationError(f"expectations must be a list, not {_kind(declared)}")
        if not declared:
            raise ExpectationError("expectations is empty: nothing would be asserted")
        self.items = [self._parse(item, position) for position, item in enumerate(declared, start=1)]
        # Most conditions of a long list name one instance each: those are looked up, only the others are tried in turn.
        self._general: list[Expectation] = []
        self._by_identity: dict[str, list[Expectation]] = {}
        self._by_name: dict[str, list[Expectation]] = {}
        for item in self.items:
            if item.match.identity is not None:
                self._by_identity.setdefault(item.match.identity, []).append(item)
            elif item.match.name is not None:
                self._by_name.setdefault(item.match.name, []).append(item)
            else:
                self._general.append(item)
        self._merged = lru_cache(maxsize=1024)(self._merge)

    def checks(self, instance: Instance) -> t.Optional[tuple[Check, ...]]:
        """Return what the instance has to be, sorted by attribute, or None where no expectation matches it."""
        candidates = self._general + self._by_name.get(instance["name"], []) + self._by_identity.get(instance["id"], [])
        positions = [item.position for item in candidates if item.match.holds(instance)]
        return self._merged(tuple(sorted(positions))) if positions else None

    def _merge(self, positions: tuple[int, ...]) -> tuple[Check, ...]:
        last = {check.attribute.name: check for position in positions for check in self.items[position - 1].checks}
        return tuple(last[name] for name in sorted(last))

    def _parse(self, item: t.Any, position: int) -> Expectation:
        where = f"expectation {position}"
        _check_mapping(item, where, ("match", "expect"))
        if "expect" not in item:
            raise ExpectationError(f"{where} has no expect: say what the instances have to be")
        match = item.get("match")
        conditions: Mapping[str, str] = {}
        if match is not None:
            conditions = _check_mapping(match, f"{where}: match", _CONDITIONS, "leave it out to mean every instance")
        for key, value in conditions.items():
            if not isinstance(value, str):
                raise ExpectationError(f"{where}: match.{key} must be text, not {_kind(value)} (put it in quotes)")
        checks = tuple(self._parse_expect(item["expect"], where, position))
        return Expectation(position, match_of(conditions), checks)

    def _parse_expect(self, expect: t.Any, where: str, position: int) -> t.Iterator[Check]:
        declared = _check_mapping(expect, f"{where}: expect", DECLARABLE, "say what the instances have to be")
        for key, value in declared.items():
            if key in BY_NAME:
                yield self._parse_attribute(BY_NAME[key], value, where, position)
                continue
            parts = _check_mapping(value, f"{where}: {key}", WEBHOOK_EVENTS, "name the webhooks")
            for part, url in parts.items():
                yield self._parse_attribute(BY_NAME[f"{key}.{part}"], url, where, position)

    def _parse_attribute(self, attribute: Attribute, value: t.Any, where: str, position: int) -> Check:
        parsers: dict[str, t.Callable[[t.Any, str], t.Any]] = {STATE: _state, CHOICE: _accepted, DAYS: _days, URL: self._parse_url}
        return Check(attribute, parsers[attribute.kind](value, f"{where}: {attribute.name}"), position)

    def _parse_url(self, value: t.Any, where: str) -> t.Any:
        if value is None:
            return None
        accepted = _accepted(value, where, " or null")
        for url in [accepted] if isinstance(accepted, str) else accepted:
            if re.search(r"[{}]", _PLACEHOLDER.sub("", url)):
                raise ExpectationError(
                    f"{where} has a brace that belongs to neither {{id}} nor {{name}}, the only placeholders there are"
                )
            if not url.lower().startswith("https://"):
                self.warnings.append(f"{where} is not an HTTPS URL, and Z-API refuses others: {mask_text(url)}")
        return accepted


def _expand(url: str, instance: Instance) -> str:
    for placeholder, value in (("{id}", instance["id"]), ("{name}", instance["name"])):
        if placeholder in url:
            # What is put in holds no brace: percent-encoding takes them all.
            plain = value.isascii() and value.isalnum()  # as ids are; encoding them takes most of the time
            url = url.replace(placeholder, value if plain else percent_encode(value, safe=""))
    return url


def _check_mapping(value: t.Any, where: str, known: Sequence[str], advice: str = "") -> Mapping[str, t.Any]:
    """Return the value if it is a mapping with some of the known keys and no others."""
    if not isinstance(value, Mapping):
        raise ExpectationError(f"{where} must be a mapping, not {_kind(value)}")
    if not value:
        raise ExpectationError(f"{where} is empty" + (f": {advice}" if advice else ""))
    for key in value:
        if key not in known:
            near = get_close_matches(str(key).lower(), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it can hold {', '.join(known)}"
            raise ExpectationError(f"{where} does not know {mask_text(str(key))[:60]!r}: {hint}")
    return value


def _accepted(value: t.Any, where: str, also: str = "") -> t.Union[str, list[str]]:
    """Check one text or a list of accepted ones."""
    values = list(value) if _is_list(value) else [value]
    if not values:
        raise ExpectationError(f"{where} is an empty list: nothing could ever satisfy it")
    for text in values:
        if not isinstance(text, str):
            raise ExpectationError(f"{where} must be text, a list of texts{also}, not {_kind(text)}")
        if not text:
            raise ExpectationError(f"{where} is an empty text" + (": use null for an unset webhook" if also else ""))
    return values if _is_list(value) else values[0]


def _state(value: t.Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ExpectationError(f"{where} must be true or false, not {_kind(value)}")
    return value


def _days(value: t.Any, where: str) -> int:
    # Digits in a text too: up to ansible-core 2.18 a template inside a structure can't give a number.
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,9}", value.strip(), re.A):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpectationError(f"{where} must be a whole number of days, not {_kind(value)}")
    return value


def _is_list(value: t.Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _kind(value: t.Any) -> str:
    """Name the type of a value as a YAML author knows it; the value itself may be secret."""
    if value is None:
        return "null"
    for kind, types in (("a boolean", bool), ("a number", (int, float)), ("text", (str, bytes)), ("a mapping", Mapping)):
        if isinstance(value, types):
            return kind
    return "a list" if _is_list(value) else type(value).__name__
