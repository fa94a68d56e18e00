# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fault rules and switches: their options, how they are parsed, and which rules apply to a request.

This module selects faults; `zapi_emulator.py` carries them out.
"""

from __future__ import annotations

import json
import threading
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    FaultSpec = t.Union[str, Mapping[str, t.Any], "Fault"]


class FaultError(ValueError):
    """An invalid fault rule or switch; the message is for its author."""


# --- Types of option values ---


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


def _line(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("text")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise ValueError("one line of text")
    return text


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def _flag(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("true or false")


def _names(value: t.Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("a list of names")
    return tuple(name.strip() for name in names)


def _anything(value: t.Any) -> t.Any:
    return value


def _one_of(*choices: str) -> Callable[[t.Any], str]:
    def check(value: t.Any) -> str:
        if value not in choices:
            raise ValueError(" or ".join(choices))
        return str(value)

    return check


# --- Kinds of faults, and switches ---

REQUIRED = object()
UNSET = object()

# The name in Z-API's `/me`, and the name that compatible servers use.
SENT_BY_ME_FIELDS = ("receiveCallbackSentByMe", "notifySentByMe")


class Option(t.NamedTuple):
    check: Callable[[t.Any], t.Any]
    default: t.Any = REQUIRED


class Kind(t.NamedTuple):
    options: dict[str, Option]
    # A final fault decides the answer, so at most one of them applies to a request.
    final: bool = False
    # If set, the fault only applies to requests with this method.
    method: str | None = None


# For faults whose answer does not depend on the request: does the call take effect all the same?
TAKEN = Option(_flag, False)

KINDS: dict[str, Kind] = {
    "latency": Kind({"seconds": Option(_number)}),
    "change_fleet": Kind(
        {"remove": Option(_integer, 0), "add": Option(_integer, 0), "where": Option(_one_of("start", "end"), "end")}
    ),
    "page_size_limit": Kind({"maximum": Option(_positive, 200), "fallback": Option(_positive, 15)}),
    "short_pages": Kind({"rows": Option(_positive)}),
    "ignore_page": Kind({"echo": Option(_flag, False)}),
    # `page` is a filter of every rule, so the returned page number has another name here.
    "counts": Kind({name: Option(_anything, UNSET) for name in ("total", "totalPage", "pageSize", "shown_page")}),
    "store": Kind({"value": Option(_anything)}, method="PUT"),
    "normalize": Kind({}, method="PUT"),
    "padding": Kind({"size": Option(_positive)}),
    "gzip": Kind({}),
    "header": Kind({"name": Option(_line), "value": Option(_line, None)}),
    "status": Kind(
        {
            "code": Option(_code),
            "message": Option(_line, None),
            "retry_after": Option(_line, None),
            "html": Option(_flag, False),
            "echo_token": Option(_flag, False),
            "taken": TAKEN,
        },
        final=True,
    ),
    "lapsed": Kind({"code": Option(_code, 400), "taken": TAKEN}, final=True),
    "ip_restricted": Kind({"code": Option(_code, 403), "taken": TAKEN}, final=True),
    "html": Kind({"code": Option(_code, 200), "taken": TAKEN}, final=True),
    "redirect": Kind({"location": Option(_line), "code": Option(_code, 302), "taken": TAKEN}, final=True),
    "body": Kind(
        {
            "json": Option(_anything, UNSET),
            "text": Option(_text, UNSET),
            "code": Option(_code, 200),
            "content_type": Option(_line, "application/json"),
            "taken": TAKEN,
        },
        final=True,
    ),
    "ignore": Kind({}, final=True, method="PUT"),
    "truncate": Kind({}, final=True),
    "drip": Kind({"seconds": Option(_number, 0.1), "size": Option(_positive, 1), "head": Option(_flag, False)}, final=True),
    "drop": Kind({"taken": TAKEN}, final=True),
    "hang": Kind({"taken": TAKEN}, final=True),
}

COMMON: dict[str, Option] = {
    "times": Option(_positive, None),
    "after": Option(_integer, 0),
    "page": Option(_positive, None),
    "path": Option(_line, "/"),
    "instance": Option(_line, None),
    "call": Option(_line, None),
    "method": Option(_one_of("GET", "PUT", "POST"), None),
}

# How a whole server differs from the documentation, or from other servers.
SWITCHES: dict[str, Option] = {
    "client_token_refusal": Option(_code, None),
    "credential_status": Option(_code, 404),
    "due_in_seconds": Option(_flag, False),
    "lapsed_rejects": Option(_names, ("status", "put", "send")),
    "me_without": Option(_names, ()),
    "null_content": Option(_flag, False),
    "path_status": Option(_code, 404),
    "reject_http": Option(_flag, False),
    "sent_by_me_field": Option(_one_of(*SENT_BY_ME_FIELDS), None),
}


class Target(t.NamedTuple):
    """The parts of a request that the filters of a rule refer to."""

    path: str
    page: int | None = None
    instance: str | None = None
    call: str | None = None
    method: str | None = None


@dataclass
class Fault:
    """One rule with its filters and counters."""

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
    def final(self) -> bool:
        return KINDS[self.kind].final

    def fires(self, target: Target) -> bool:
        """Count the request if it matches, and return whether the fault applies to it."""
        filters = (
            (self.page, target.page),
            (self.instance, target.instance),
            (self.call, target.call),
            (self.method, target.method),
            (KINDS[self.kind].method, target.method),
        )
        if not target.path.startswith(self.path) or any(wanted not in (None, actual) for wanted, actual in filters):
            return False
        self.matched += 1
        if self.matched <= self.after or self.fired == self.times:
            return False
        self.fired += 1
        return True

    def describe(self) -> dict[str, t.Any]:
        """Return the rule as a mapping that `parse` accepts, with its two counters."""
        rule = {"kind": self.kind, **self.options}
        rule |= {name: getattr(self, name) for name in COMMON}
        rule = {key: value for key, value in rule.items() if value is not UNSET}
        return {**rule, "matched": self.matched, "fired": self.fired}


# --- Parsing ---


def parse(spec: FaultSpec) -> Fault:
    """Parse a rule: `kind,option=value,…`, the text of a JSON object, or a mapping."""
    if isinstance(spec, Fault):
        return spec
    if isinstance(spec, str):
        spec = _parse_json(spec) if spec.lstrip().startswith("{") else _parse_text(spec)
    if not isinstance(spec, Mapping):
        raise FaultError(f"a fault must be text or a mapping, not {type(spec).__name__}")
    # GET /_emulator/faults returns the counters, and its result can be sent back unchanged.
    given = {key: value for key, value in spec.items() if key not in ("kind", "matched", "fired")}
    kind = _kind(spec.get("kind"))
    values = _values(f"fault {kind}", {**KINDS[kind].options, **COMMON}, given)
    common = {name: values.pop(name) for name in COMMON}
    if kind == "body" and (values["json"] is UNSET) == (values["text"] is UNSET):
        raise FaultError("fault body needs either json or text")
    return Fault(kind, values, **common)


def parse_switches(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the values of all switches; those that are not given have their default."""
    return _values("the server", SWITCHES, given)


def _kind(kind: t.Any) -> str:
    if not isinstance(kind, str) or kind not in KINDS:
        raise FaultError(f"unknown fault {kind!r}; known faults: {', '.join(KINDS)}")
    return kind


def _values(owner: str, known: Mapping[str, Option], given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise FaultError(f"{owner} has no option {', '.join(unknown)}; known options: {', '.join(known)}")
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
        raise FaultError(f"the fault is not valid JSON: {error}: {text}") from None


def _parse_text(text: str) -> dict[str, t.Any]:
    kind, *settings = text.split(",")
    rule: dict[str, t.Any] = {"kind": kind.strip()}
    options = KINDS[_kind(rule["kind"])].options
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals:
            raise FaultError(f"expected option=value in fault {text!r}, found {setting!r}")
        accepts_json = name in options and options[name].check is _anything
        rule[name] = _json_or_text(value) if accepts_json else value
    return rule


def _json_or_text(text: str) -> t.Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class FaultRules:
    """The rules in force. Every method is thread-safe."""

    def __init__(self, specs: Iterable[FaultSpec] = ()) -> None:
        self._lock = threading.Lock()
        self._faults = [parse(spec) for spec in specs]

    def replace(self, specs: Iterable[FaultSpec]) -> None:
        faults = [parse(spec) for spec in specs]
        with self._lock:
            self._faults = faults

    def select(self, target: Target) -> list[Fault]:
        """Return the faults that apply to a request, and count it.

        If a final fault applies, the final faults after it do not see the request: `status,code=503,times=2`
        before `status,code=429,times=1` makes three failures, in that order.
        """
        selected: list[Fault] = []
        has_final = False
        with self._lock:
            for fault in self._faults:
                if not (fault.final and has_final) and fault.fires(target):
                    selected.append(fault)
                    has_final = has_final or fault.final
        return selected

    def describe(self) -> list[dict[str, t.Any]]:
        with self._lock:
            return [fault.describe() for fault in self._faults]
