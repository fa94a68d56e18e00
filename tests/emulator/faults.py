# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fault rules and switches: what they may say, and which of the rules a request meets.

This module decides; the emulator carries out.
"""

from __future__ import annotations

import json
import threading
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class FaultError(ValueError):
    """A fault rule or a switch that makes no sense; the message is for the person who wrote it."""


# --- The values that options take ---


def _number(value: t.Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < float("inf"):
        raise ValueError("a number that is not negative")
    return number


def _integer(value: t.Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("a whole number")
    return int(number)


def _positive(value: t.Any) -> int:
    number = _integer(value)
    if number < 1:
        raise ValueError("1 or more")
    return number


def _code(value: t.Any) -> int:
    number = _integer(value)
    if not 200 <= number <= 599:
        raise ValueError("an HTTP status from 200 to 599")
    return number


def _text(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("text")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("one line of text")
    return text


def _raw(value: t.Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _flag(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("true or false")


def _place(value: t.Any) -> str:
    if value not in ("start", "end"):
        raise ValueError("start or end")
    return str(value)


def _method(value: t.Any) -> str:
    if value not in ("GET", "PUT"):
        raise ValueError("GET or PUT")
    return str(value)


def _names(value: t.Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("a list of names")
    return tuple(name.strip() for name in names)


def _sent_by_me_field(value: t.Any) -> str:
    if value not in SENT_BY_ME_FIELDS:
        raise ValueError(" or ".join(SENT_BY_ME_FIELDS))
    return str(value)


def _anything(value: t.Any) -> t.Any:
    return value


# --- The kinds of faults ---

REQUIRED = object()
UNSET = object()

# Z-API's own spelling, and that of compatible servers.
SENT_BY_ME_FIELDS = ("receiveCallbackSentByMe", "notifySentByMe")


class Option(t.NamedTuple):
    check: Callable[[t.Any], t.Any]
    default: t.Any = REQUIRED


class Kind(t.NamedTuple):
    options: dict[str, Option]
    # An ending fault decides the answer, so a request meets one of them at most.
    ending: bool = False
    # The only requests that it is about
    method: str | None = None


# Of the faults whose answer has nothing to do with what was asked: whether that is done all the same.
TAKEN = Option(_flag, False)

KINDS: dict[str, Kind] = {
    "latency": Kind({"seconds": Option(_number)}),
    "change_fleet": Kind(
        {
            "remove": Option(_integer, 0),
            "add": Option(_integer, 0),
            "where": Option(_place, "end"),
        }
    ),
    "page_size_limit": Kind({"maximum": Option(_positive, 200), "fallback": Option(_positive, 15)}),
    "short_pages": Kind({"rows": Option(_positive)}),
    "ignore_page": Kind({"echo": Option(_flag, False)}),
    # `page` is every rule's filter, so the reported one has another name here.
    "counts": Kind({name: Option(_anything, UNSET) for name in ("total", "totalPage", "pageSize", "shown_page")}),
    "status": Kind(
        {
            "code": Option(_code),
            "message": Option(_text, None),
            "retry_after": Option(_text, None),
            "html": Option(_flag, False),
            "echo_token": Option(_flag, False),
            "taken": TAKEN,
        },
        ending=True,
    ),
    "ip_restricted": Kind({"code": Option(_code, 403), "taken": TAKEN}, ending=True),
    "html": Kind({"code": Option(_code, 200), "taken": TAKEN}, ending=True),
    "redirect": Kind({"location": Option(_text), "code": Option(_code, 302), "taken": TAKEN}, ending=True),
    "body": Kind(
        {
            "json": Option(_anything, UNSET),
            "text": Option(_raw, UNSET),
            "code": Option(_code, 200),
            "content_type": Option(_text, "application/json"),
            "taken": TAKEN,
        },
        ending=True,
    ),
    "ignore": Kind({}, ending=True, method="PUT"),
    "truncate": Kind({}, ending=True),
    "drip": Kind(
        {"seconds": Option(_number, 0.1), "size": Option(_positive, 1), "head": Option(_flag, False)},
        ending=True,
    ),
    "drop": Kind({"taken": TAKEN}, ending=True),
    "hang": Kind({"taken": TAKEN}, ending=True),
}

COMMON: dict[str, Option] = {
    "times": Option(_positive, None),
    "after": Option(_integer, 0),
    "page": Option(_positive, None),
    "path": Option(_text, "/"),
    "instance": Option(_text, None),
    "call": Option(_text, None),
    "method": Option(_method, None),
}

# How a whole server differs from the documentation, or from other servers.
SWITCHES: dict[str, Option] = {
    "client_token_refusal": Option(_code, None),
    "due_in_seconds": Option(_flag, False),
    "me_without": Option(_names, ()),
    "sent_by_me_field": Option(_sent_by_me_field, None),
}


class Place(t.NamedTuple):
    """What a rule may ask of a request: where it goes."""

    path: str
    page: int | None = None
    instance: str | None = None
    call: str | None = None
    method: str | None = None


@dataclass
class Fault:
    """One rule, and how often it was met."""

    kind: str
    options: dict[str, t.Any]
    times: int | None = None
    after: int = 0
    page: int | None = None
    path: str = "/"
    instance: str | None = None
    call: str | None = None
    method: str | None = None
    matched: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __getitem__(self, option: str) -> t.Any:
        return self.options[option]

    @property
    def ending(self) -> bool:
        return KINDS[self.kind].ending

    def meets(self, place: Place) -> bool:
        """Count the request if it matches, and say whether the fault strikes it."""
        wanted = (
            *((self.page, place.page), (self.instance, place.instance), (self.call, place.call)),
            *((method, place.method) for method in (self.method, KINDS[self.kind].method)),
        )
        if not place.path.startswith(self.path) or any(mine not in (None, its) for mine, its in wanted):
            return False
        self.matched += 1
        if self.matched <= self.after or self.fired == self.times:
            return False
        self.fired += 1
        return True

    def describe(self) -> dict[str, t.Any]:
        """Return the rule as it could be written, with its two counters."""
        rule = {"kind": self.kind, **self.options}
        rule |= {name: getattr(self, name) for name in COMMON}
        rule = {key: value for key, value in rule.items() if value is not UNSET}
        return {**rule, "matched": self.matched, "fired": self.fired}


# --- Reading rules ---


def parse(spec: str | Mapping[str, t.Any] | Fault) -> Fault:
    """Make a rule of `kind,option=value,…`, of a JSON object's text, or of a mapping."""
    if isinstance(spec, Fault):
        return spec
    if isinstance(spec, str):
        spec = _parse_json(spec) if spec.lstrip().startswith("{") else _parse_text(spec)
    if not isinstance(spec, Mapping):
        raise FaultError(f"a fault is text or a mapping, not {type(spec).__name__}")
    # The counters are part of what GET /_emulator/faults shows, which may be sent back as it is.
    given = {key: value for key, value in spec.items() if key not in ("kind", "matched", "fired")}
    kind = _kind(spec.get("kind"))
    values = _values(f"fault {kind}", {**KINDS[kind].options, **COMMON}, given)
    common = {name: values.pop(name) for name in COMMON}
    if kind == "body" and (values["json"] is UNSET) == (values["text"] is UNSET):
        raise FaultError("fault body needs either json or text")
    return Fault(kind, values, **common)


def parse_switches(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return every switch, those that are not given with their default."""
    return _values("the server", SWITCHES, given)


def _kind(kind: t.Any) -> str:
    if not isinstance(kind, str) or kind not in KINDS:
        raise FaultError(f"unknown fault {kind!r}; there are {', '.join(KINDS)}")
    return kind


def _values(owner: str, known: Mapping[str, Option], given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise FaultError(f"{owner} has no option {', '.join(unknown)}; it has {', '.join(known)}")
    return {name: _value(owner, name, option, given) for name, option in known.items()}


def _value(owner: str, name: str, option: Option, given: Mapping[str, t.Any]) -> t.Any:
    if name not in given:
        if option.default is REQUIRED:
            raise FaultError(f"{owner} needs {name}")
        return option.default
    value = given[name]
    if value is None and option.default is None:
        return None
    try:
        return option.check(value)
    except ValueError as error:
        raise FaultError(f"{name} of {owner} must be {error}, not {value!r}") from None


def _parse_json(text: str) -> t.Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise FaultError(f"not valid JSON: {error}: {text}") from None


def _parse_text(text: str) -> dict[str, t.Any]:
    kind, *settings = text.split(",")
    rule: dict[str, t.Any] = {"kind": kind.strip()}
    options = KINDS[_kind(rule["kind"])].options
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals:
            raise FaultError(f"expected option=value in fault {text!r}, found {setting!r}")
        free = name in options and options[name].check is _anything
        rule[name] = _literal(value) if free else value
    return rule


def _literal(text: str) -> t.Any:
    """Read a JSON value; whatever is none is taken as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class FaultPlan:
    """The rules in force. Every method may be called from any thread."""

    def __init__(self, specs: Iterable[str | Mapping[str, t.Any] | Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults = [parse(spec) for spec in specs]

    def replace(self, specs: Iterable[str | Mapping[str, t.Any] | Fault]) -> None:
        faults = [parse(spec) for spec in specs]
        with self._lock:
            self._faults = faults

    def strike(self, place: Place) -> list[Fault]:
        """Return the faults that a request meets.

        Once an ending fault strikes, later ending ones do not see the request: `status 503, times 2`
        before `status 429, times 1` makes three failures, in that order.
        """
        struck: list[Fault] = []
        ended = False
        with self._lock:
            for fault in self._faults:
                if not (fault.ending and ended) and fault.meets(place):
                    struck.append(fault)
                    ended = ended or fault.ending
        return struck

    def describe(self) -> list[dict[str, t.Any]]:
        with self._lock:
            return [fault.describe() for fault in self._faults]
