# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""What a user declares about the fleet: checked and compiled once, then asked for every instance. No network, no clock."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import typing as t
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from ._attributes import (
    BY_NAME,
    CHOICE,
    DAYS,
    DECLARABLE,
    GROUPS,
    HOSTS,
    MUTABLE,
    MUTED,
    MUTED_WITH,
    STATE,
    TEXT,
    URL,
    Attribute,
    muted_name,
    whole_groups,
)
from ._errors import ExpectationError
from ._hosts import declared_host
from ._placeholders import expand
from ._redaction import mask_url
from ._selection import Match, composed, match_of
from ._timestamps import date_of

if t.TYPE_CHECKING:
    from ._instance import Instance

_KEYS = ("name", "match", "expect", "ignore", "until")
_CONDITIONS = ("id", "name", "middleware")
_IGNORABLE = (*DECLARABLE, *(name for name in BY_NAME if name not in DECLARABLE))
_PLACEHOLDER = re.compile(r"\{(?:id|name)\}")
_TWO_BRACES = re.compile(r"\{\{\s*(id|name)\s*\}\}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.A)
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]")
_MUTED = re.compile(r"[a-z0-9_]{1,60}")
_NEARLY = 0.8  # how much a name is like another one that is probably meant
_MOST_MISTAKES = 5  # that are told at once


class Check(t.NamedTuple):
    """One thing that an instance has to be."""

    attribute: Attribute
    declared: t.Any  # one value, a list of accepted ones, or None for an unset webhook
    position: int  # of the expectation, from 1
    title: t.Optional[str]  # of the expectation
    has_placeholders: bool

    def expected(self, instance: Instance) -> t.Any:
        """What is declared, in the form it has for this instance."""
        if not self.has_placeholders:
            return self.declared
        if isinstance(self.declared, str):
            return expand(self.declared, instance)
        return [expand(url, instance) for url in self.declared]


class Expectation(t.NamedTuple):
    """One item of the declared list."""

    position: int
    title: t.Optional[str]  # its name
    match: Match
    pattern: t.Optional[str]  # of the name, as it was written
    checks: tuple[Check, ...]
    ignored: frozenset[str]  # attributes, of those that earlier items declare
    until: t.Optional[dt.date]  # the last day on which it counts, in UTC

    @property
    def label(self) -> str:
        """What messages call it."""
        return label(self.position, self.title)


class Asked(t.NamedTuple):
    """What is asked of an instance, from all items that match it."""

    checks: tuple[Check, ...]  # sorted by attribute
    attributes: frozenset[str]
    settings: tuple[str, ...]  # those of them that a listing may not tell
    has_url: bool  # whether a webhook is to have one


class Expectations:
    """The declared list. ``warnings`` tells what is no mistake and yet can hardly be meant."""

    def __init__(self, declared: t.Any, now: int) -> None:
        """Check and compile the list. Raises `ExpectationError` with its first mistakes. ``now`` is in epoch milliseconds."""
        self.warnings: list[str] = []
        self._mistakes: list[str] = []
        if not _is_list(declared):
            raise ExpectationError(f"expectations must be a list, not {_kind(declared)}")
        if not declared:
            raise ExpectationError("expectations is empty: nothing would be asserted")
        self.items = [self._parse(item, position) for position, item in enumerate(declared, start=1)]
        if self._mistakes:
            raise ExpectationError(_in_one_line(self._mistakes))
        today = date_of(now)
        self.active = [item for item in self.items if item.until is None or today <= item.until]
        self.warnings += [
            f"{item.label} ended on {item.until} and counts no longer: remove it, or give it another date"
            for item in self.items
            if item.until is not None and item.until < today
        ]
        # Most conditions of a long list name one instance each: those are looked up, only the others are tried in turn.
        self._general: list[Expectation] = []
        self._by_identity: dict[str, list[Expectation]] = {}
        self._by_name: dict[str, list[Expectation]] = {}
        for item in self.active:
            if item.match.identity is not None:
                self._by_identity.setdefault(item.match.identity, []).append(item)
            elif item.match.name is not None:
                self._by_name.setdefault(item.match.name, []).append(item)
            else:
                self._general.append(item)
        self.merged = lru_cache(maxsize=1024)(self._merge)
        self.names_settings = any(check.attribute.key == "settings" for item in self.active for check in item.checks)

    def summary(self) -> dict[str, t.Any]:
        """Return ``expectations``, how many there are, ``attributes``, those that are declared, and ``instances_named``, how many."""
        names = {check.attribute.name for item in self.items for check in item.checks}
        named = {(item.match.identity, item.match.identity is None and item.match.name) for item in self.items}
        return {
            "expectations": len(self.items),
            "attributes": whole_groups(names),
            "instances_named": len(named - {(None, None)}),
        }

    def matching(self, instance: Instance, name: str) -> tuple[int, ...]:
        """Return the positions of the items that match the instance, whose name composed is ``name``, in their order."""
        candidates = self._general + self._by_name.get(name, []) + self._by_identity.get(instance["id"], [])
        return tuple(sorted([item.position for item in candidates if item.match.holds(instance, name)]))

    def asked(self, instance: Instance) -> Asked:
        """Return what is asked of the instance, which is nothing where no item matches it."""
        return self.merged(self.matching(instance, composed(instance["name"])))

    def needs_settings(self, instance: Instance) -> bool:
        """Whether a setting is asked of the instance that is not known of it."""
        return any(name in instance["unknown"] for name in self.asked(instance).settings)

    def refuse_middleware(self) -> None:
        """Refuse conditions that can match nothing where instances are read by their own calls, which do not tell their type."""
        mistakes = [
            f"{item.label}: match.middleware can match nothing with credentials, since an instance's own calls do not tell it"
            for item in self.active
            if item.match.middleware is not None
        ]
        if mistakes:
            raise ExpectationError(_in_one_line(mistakes))

    def _merge(self, positions: tuple[int, ...]) -> Asked:
        """Return what counts of the items at these positions."""
        last: dict[str, Check] = {}
        for position in positions:
            item = self.items[position - 1]
            for name in item.ignored:
                last.pop(name, None)
            last.update((check.attribute.name, check) for check in item.checks)
        checks = tuple(last[name] for name in sorted(last))
        return Asked(
            checks,
            frozenset(last),
            tuple(check.attribute.name for check in checks if check.attribute.key == "settings"),
            any(check.attribute.kind == URL and check.declared is not None for check in checks),
        )

    # What is written in the list. A mistake is noted, and the rest is read on.

    @contextlib.contextmanager
    def _noted(self) -> t.Iterator[None]:
        try:
            yield
        except ExpectationError as mistake:
            self._mistakes.append(str(mistake))

    def _parse(self, item: t.Any, position: int) -> Expectation:
        before = len(self._mistakes)
        title = self._title(item, position)
        where = label(position, title)
        written = self._entries(item, where, _KEYS)
        if len(self._mistakes) == before and "expect" not in written and "ignore" not in written:
            self._mistakes.append(f"{where} has neither expect nor ignore: say what the instances have to be")
        conditions: dict[str, str] = {}
        if written.get("match") is not None:
            conditions = self._conditions(written["match"], where)
        checks: tuple[Check, ...] = ()
        if "expect" in written:
            checks = tuple(self._checks(written["expect"], where, position, title))
        ignored: frozenset[str] = frozenset()
        until = None
        with self._noted():
            ignored = frozenset(self._ignored(written["ignore"], where)) if "ignore" in written else ignored
        with self._noted():
            until = _date(written["until"], f"{where}: until") if "until" in written else None
        match = match_of(conditions)
        return Expectation(position, title, match, conditions.get("name") if match.pattern else None, checks, ignored, until)

    def _title(self, item: t.Any, position: int) -> t.Optional[str]:
        if not isinstance(item, Mapping) or "name" not in item:
            return None
        name = item["name"]
        if isinstance(name, str) and name.strip() and not _CONTROL.search(name):
            return str(name)
        problem = "must be text of one line" if not isinstance(name, str) or name.strip() else "is empty: leave it out"
        self._mistakes.append(f"{label(position)}: name {problem}" + ("" if isinstance(name, str) else f", not {_kind(name)}"))
        return None

    def _entries(self, value: t.Any, where: str, known: Sequence[str], advice: str = "") -> dict[str, t.Any]:
        """Return what a mapping has of the known keys, and note everything else."""
        problem = None
        if not isinstance(value, Mapping):
            problem = f"must be a mapping, not {_kind(value)}"
        elif not value:
            problem = "is empty" + (f": {advice}" if advice else "")
        if problem:
            self._mistakes.append(f"{where} {problem}")
            return {}
        for key in value:
            if key not in known:
                self._mistakes.append(f"{where} does not know {_quoted(key)}: {_hint(key, known)}")
        return {key: entry for key, entry in value.items() if key in known}

    def _conditions(self, value: t.Any, where: str) -> dict[str, str]:
        conditions = self._entries(value, f"{where}: match", _CONDITIONS, "leave it out to mean every instance")
        for key, condition in conditions.items():
            if not isinstance(condition, str):
                self._mistakes.append(f"{where}: match.{key} must be text, not {_kind(condition)} (put it in quotes)")
        return {key: condition for key, condition in conditions.items() if isinstance(condition, str)}

    def _checks(self, value: t.Any, where: str, position: int, title: t.Optional[str]) -> t.Iterator[Check]:
        for key, declared in self._entries(value, f"{where}: expect", DECLARABLE, "say what the instances have to be").items():
            parts = {key: declared}
            if key in GROUPS:
                known = [BY_NAME[name].part or "" for name in GROUPS[key]]
                written = self._entries(declared, f"{where}: {key}", known, f"name the {key}")
                parts = {f"{key}.{part}": entry for part, entry in written.items()}
            for name, entry in parts.items():
                with self._noted():
                    attribute, value = BY_NAME[name], self._value(BY_NAME[name], entry, f"{where}: {name}")
                    yield Check(attribute, value, position, title, attribute.kind == URL and "{" in str(value))

    def _value(self, attribute: Attribute, value: t.Any, where: str) -> t.Any:
        parsers: dict[str, t.Callable[[t.Any, str], t.Any]] = {
            STATE: _state,
            CHOICE: _accepted,
            DAYS: _days,
            URL: self._url,
            HOSTS: _hosts,
            TEXT: _text,
            MUTED: lambda value, where: _muted(value, where, MUTABLE[attribute.name]),
        }
        return parsers[attribute.kind](value, where)

    def _url(self, value: t.Any, where: str) -> t.Any:
        if value is None:
            return None
        accepted = _accepted(value, where, " or null")
        for url in [accepted] if isinstance(accepted, str) else accepted:
            slip = _TWO_BRACES.search(url)
            if slip:
                raise ExpectationError(
                    f"{where} has two braces around {slip[1]}, which is a template of Ansible's: write {{{slip[1]}}}"
                )
            if re.search(r"[{}]", _PLACEHOLDER.sub("", url)):
                raise ExpectationError(
                    f"{where} has a brace that belongs to neither {{id}} nor {{name}}, the only placeholders there are"
                )
            if not url.lower().startswith("https://"):
                self.warnings.append(f"{where} is not an HTTPS URL, and Z-API refuses others: {mask_url(url)}")
        return accepted

    def _ignored(self, value: t.Any, where: str) -> t.Iterator[str]:
        where = f"{where}: ignore"
        if not _is_list(value):
            raise ExpectationError(f"{where} must be a list of attributes, not {_kind(value)}")
        if not value:
            raise ExpectationError(f"{where} is an empty list: leave it out")
        for name in value:
            if not isinstance(name, str) or name not in _IGNORABLE:
                self._mistakes.append(f"{where} does not know {_quoted(name)}: {_hint(name, _IGNORABLE)}")
            else:
                yield from GROUPS.get(name, (name,))


def label(position: int, title: t.Optional[str] = None) -> str:
    """Return what messages call the item at this position, from 1."""
    return f"expectation {position}" + ("" if title is None else f', "{title}"')


def _in_one_line(mistakes: list[str]) -> str:
    if len(mistakes) == 1:
        return mistakes[0]
    more = f"; and {len(mistakes) - _MOST_MISTAKES} more" if len(mistakes) > _MOST_MISTAKES else ""
    return f"expectations have {len(mistakes)} mistakes: {'; '.join(mistakes[:_MOST_MISTAKES])}{more}"


def _quoted(value: t.Any) -> str:
    # It may be a URL, with or without its scheme.
    return repr(mask_url(str(value))[:60])


def _hint(value: t.Any, known: Sequence[str]) -> str:
    near = get_close_matches(str(value)[:60].lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else f"it can hold {', '.join(known)}"


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


def _hosts(value: t.Any, where: str) -> list[str]:
    if not _is_list(value):
        raise ExpectationError(f"{where} must be a list of host names, not {_kind(value)}")
    accepted = t.cast("list[str]", _accepted(value, where))
    for host in accepted:
        if declared_host(host) is None:
            raise ExpectationError(
                f"{where} holds what is no host name: {_quoted(host)}; write hooks.example.com, *.example.com or hooks.example.com:8443"
            )
    return accepted


def _text(value: t.Any, where: str) -> t.Optional[str]:
    if value is not None and not isinstance(value, str):
        raise ExpectationError(f"{where} must be text or null, not {_kind(value)}")
    return value or None


def _muted(value: t.Any, where: str, known: Sequence[str]) -> list[str]:
    if not _is_list(value):
        raise ExpectationError(f"{where} must be a list, not {_kind(value)} (an empty one mutes nothing)")
    for name in value:
        plain = muted_name(name) if isinstance(name, str) else ""
        hint = None
        if plain in MUTED_WITH:
            hint = f"it is muted with {MUTED_WITH[plain]}, write that"
        # The API may come to mute what is not known yet; what is nearly a known name is a slip.
        elif plain not in known and (not _MUTED.fullmatch(plain) or get_close_matches(plain, known, n=1, cutoff=_NEARLY)):
            hint = _hint(name, known)
        elif plain != name:
            hint = f"did you mean {plain}?"
        if hint:
            raise ExpectationError(f"{where} does not know {_quoted(name)}: {hint}")
    return sorted(set(value))


def _date(value: t.Any, where: str) -> dt.date:
    # A date in YAML is text once it has been an argument of a module.
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        with contextlib.suppress(ValueError):  # no calendar has it
            return dt.date.fromisoformat(value)
    raise ExpectationError(f"{where} must be a date such as 2027-03-01")


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
