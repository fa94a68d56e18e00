# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""A page's row becomes an instance here, in the form that every door returns."""

from __future__ import annotations

import json
import re
import typing as t
from contextlib import suppress
from functools import lru_cache

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.parsing.convert_bool import boolean

from ._attributes import ATTRIBUTES, BY_NAME, GROUPS, MUTED, STATE, WEBHOOK_EVENTS, muted_name
from ._redaction import hide, holds_secret
from ._timestamps import iso_8601, milliseconds


class Instance(t.TypedDict, total=False):
    """An instance. The API's further fields are there as well, under their names in snake case."""

    id: str
    name: str  # "" where it has none
    middleware: t.Optional[str]
    tenant: t.Optional[str]
    payment_status: t.Optional[str]
    created: t.Optional[str]  # ISO 8601, in UTC
    due: t.Optional[str]  # likewise
    due_timestamp: t.Optional[int]  # epoch milliseconds
    phone_connected: t.Optional[bool]
    whatsapp_connected: t.Optional[bool]
    webhooks: dict[str, t.Optional[str]]
    settings: dict[str, t.Any]
    unknown: list[str]  # the attributes that the answer did not hold, by the names that rows of drift have for them
    token: t.Optional[str]  # where it was asked for
    tokens: list[t.Optional[str]]  # until it is shown


_LONGEST_NAME = 200  # characters of a field's name
_MOST_LEVELS = 100  # of nesting
_WEBHOOK_FIELD = re.compile(r"(.+)CallbackUrl", re.S)
_SETTINGS = {field: BY_NAME[name] for name in GROUPS["settings"] for field in BY_NAME[name].fields}
_NO_SETTINGS = dict.fromkeys(str(attribute.part) for attribute in _SETTINGS.values())
_KNOWN_FIELDS = ("id", "name", "middleware", "tenant", "paymentStatus", "created", "due", "phoneConnected", "whatsappConnected")


class _Layout(t.NamedTuple):
    """Where the fields of a row go. Nearly all rows of a listing have the same fields."""

    webhooks: tuple[tuple[str, str], ...]  # (field, event)
    settings: tuple[tuple[str, str, str], ...]  # (field, name of the setting, what may be declared of it)
    unknown: list[str]  # the attributes that no field is there for
    others: tuple[tuple[str, str], ...]  # (field, key), of those that nobody knows yet
    tokens: tuple[str, ...]
    names: str  # all that the API's names for fields become, of those that nobody knows yet


def from_row(row: t.Mapping[str, t.Any]) -> t.Optional[Instance]:
    """Return the instance that a row of the listing describes, or None where the row has no id.

    It has its real values. ``tokens`` holds its credential first, then those of the row's tokens that a text of it repeats;
    `show` makes it fit for showing.
    """
    layout = _layout(tuple(row))
    instance = _comparable(row, layout)
    if instance is None:
        return None
    instance["created"] = iso_8601(milliseconds(row.get("created")))
    instance["due"] = iso_8601(instance["due_timestamp"])
    everything = t.cast("dict[str, t.Any]", instance)
    for field, key in layout.others:
        with suppress(_TooDeep):
            everything.setdefault(key, _without_tokens(row[field]))
    credential, *others = instance["tokens"]
    text = _texts(instance, layout)
    instance["tokens"] = [credential, *[secret for secret in {credential, *others} if holds_secret(text, secret)]]
    return instance


def comparable(row: t.Mapping[str, t.Any]) -> t.Optional[Instance]:
    """Return the part of `from_row` that can be compared with expectations; the rest takes most of the time.

    ``tokens`` holds all of the row's, its credential first.
    """
    return _comparable(row, _layout(tuple(row)))


def _comparable(row: t.Mapping[str, t.Any], layout: _Layout) -> t.Optional[Instance]:
    identity = row.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool) or identity == "":
        return None
    webhooks: dict[str, t.Optional[str]] = dict.fromkeys(WEBHOOK_EVENTS)
    for field, event in layout.webhooks:
        webhooks[event] = _text(row[field])
    credential = _text(row.get("token")) or _text(row.get("instanceToken"))
    settings, unknown = _NO_SETTINGS.copy(), layout.unknown.copy()
    if layout.settings:
        settings, unknown = _settings(row, layout)
    return {
        "id": str(identity),
        "name": _text(row.get("name")) or "",
        "middleware": _text(row.get("middleware")),
        "tenant": _text(row.get("tenant")),
        "payment_status": _text(row.get("paymentStatus")),
        "due_timestamp": milliseconds(row.get("due")),
        "phone_connected": _flag(row.get("phoneConnected")),
        "whatsapp_connected": _flag(row.get("whatsappConnected")),
        "webhooks": webhooks,
        "settings": settings,
        "unknown": unknown,
        "tokens": [
            credential,
            *[row[field] for field in layout.tokens if isinstance(row[field], str) and row[field] != credential],
        ],
    }


def add_settings(instance: Instance, answer: t.Mapping[str, t.Any]) -> None:
    """Add the settings that an instance's own call tells, as far as its row did not."""
    told = comparable({**answer, "id": instance["id"]})
    for name in GROUPS["settings"]:
        if told is not None and name in instance["unknown"] and name not in told["unknown"]:
            part = name.partition(".")[2]
            instance["settings"][part] = told["settings"][part]
            instance["unknown"].remove(name)
    text = json.dumps(instance["settings"])
    tokens = {instance["tokens"][0], *(told["tokens"] if told is not None else ())}
    instance["tokens"] += [secret for secret in tokens if holds_secret(text, secret)]


def show(instance: Instance, include_token: bool = False) -> Instance:
    """Return an instance of `from_row` as doors show it.

    Its credential is in it, as ``token``, only with ``include_token``. Otherwise neither that nor any other token of its row is,
    in whatever text it stands; but for the id, by which the instance is known.
    """
    credential, *repeated = instance.pop("tokens")
    if include_token:
        instance["token"] = credential
        return instance
    identity = instance["id"]
    for secret in repeated:
        instance = hide(instance, secret)
    instance["id"] = identity
    return instance


def _texts(instance: Instance, layout: _Layout) -> str:
    """All texts of the instance, but for its id, in one."""
    values: list[t.Any] = [instance["name"], instance["middleware"], instance["tenant"], instance["payment_status"], layout.names]
    values += instance["webhooks"].values()
    if layout.settings:
        values.append(json.dumps(instance["settings"]))
    for _field, key in layout.others:
        value = instance.get(key)
        values.append(json.dumps(value) if isinstance(value, (dict, list)) else value)
    return "\n".join([value for value in values if isinstance(value, str)])


@lru_cache(maxsize=256)
def _layout(fields: tuple[str, ...]) -> _Layout:
    webhooks, settings, others, tokens = [], [], [], []
    for field in fields:
        event = _WEBHOOK_FIELD.fullmatch(field)
        if _is_token(field):
            tokens.append(field)
        elif field in _KNOWN_FIELDS or len(field) > _LONGEST_NAME:
            continue
        elif field in _SETTINGS:
            attribute = _SETTINGS[field]
            if field == next(name for name in attribute.fields if name in fields):
                settings.append((field, str(attribute.part), attribute.kind))
        elif event:
            webhooks.append((field, snake_case(event[1])))
        else:
            others.append((field, snake_case(field)))
    names = "\n".join([event for _field, event in webhooks if event not in WEBHOOK_EVENTS] + [key for _field, key in others])
    unknown = sorted(attribute.name for attribute in ATTRIBUTES if attribute.fields and not set(attribute.fields) & set(fields))
    return _Layout(tuple(webhooks), tuple(settings), unknown, tuple(others), tuple(tokens), names)


def _settings(row: t.Mapping[str, t.Any], layout: _Layout) -> tuple[dict[str, t.Any], list[str]]:
    """Return the settings that a row tells, and what is not known of the instance."""
    settings = {**_NO_SETTINGS, **{part: _setting(row[field], kind) for field, part, kind in layout.settings}}
    # What is null nobody can take for an empty list.
    untold = [f"settings.{part}" for _field, part, kind in layout.settings if kind == MUTED and settings[part] is None]
    return settings, sorted([*layout.unknown, *untold])


def _setting(value: t.Any, kind: str) -> t.Any:
    if kind == STATE:
        return _flag(value)
    if kind != MUTED:
        return _text(value)
    if not isinstance(value, list):
        return None
    return sorted({muted_name(text) for text in map(_text, value) if text is not None})


def snake_case(name: str) -> str:
    """Return ``paymentStatus`` as ``payment_status``, fit to be (part of) a variable's name."""
    snake = next(iter(camel_dict_to_snake_dict({name: None})))
    return re.sub(r"\W", "_", snake, flags=re.A)


class _TooDeep(Exception):
    """A value is nested more deeply than ansible-core could bear."""


def _without_tokens(value: t.Any, level: int = 1) -> t.Any:
    """Return the value without any field whose name contains "token", however deep it lies. Raises `_TooDeep`."""
    if not isinstance(value, (dict, list)):
        return value
    if level == _MOST_LEVELS:
        raise _TooDeep
    if isinstance(value, dict):
        return {
            key: _without_tokens(item, level + 1) for key, item in value.items() if not _is_token(key) and len(key) <= _LONGEST_NAME
        }
    return [_without_tokens(item, level + 1) for item in value]


def _is_token(field: str) -> bool:
    return "token" in field.lower()


def _text(value: t.Any) -> t.Optional[str]:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    with suppress(_TooDeep):
        return json.dumps(_without_tokens(value))
    return None


def _flag(value: t.Any) -> t.Optional[bool]:
    if value is None or isinstance(value, bool):
        return value
    try:
        return t.cast("bool", boolean(value))
    except TypeError:
        return None
