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

from ._attributes import WEBHOOK_EVENTS
from ._redaction import without_secrets
from ._timestamps import iso_8601, milliseconds

Instance = dict[str, t.Any]

_LONGEST_NAME = 200  # characters of a field's name
_MOST_LEVELS = 100  # of nesting
_WEBHOOK_FIELD = re.compile(r"(.+)CallbackUrl", re.S)
_KNOWN_FIELDS = ("id", "name", "middleware", "tenant", "paymentStatus", "created", "due", "phoneConnected", "whatsappConnected")


def from_row(row: t.Mapping[str, t.Any]) -> t.Optional[Instance]:
    """Return the instance that a row of the listing describes, or None where the row has no id.

    It has its real values, and ``tokens``: what no text may repeat where the instance is shown. `show` makes it fit for that.
    """
    instance = comparable(row)
    if instance is None:
        return None
    instance["created"] = iso_8601(milliseconds(row.get("created")))
    instance["due"] = iso_8601(instance["due_timestamp"])
    for field, value in row.items():
        key = _place(field)[1]
        if key:
            with suppress(_TooDeep):
                instance.setdefault(key, _without_tokens(value))
    return instance


def comparable(row: t.Mapping[str, t.Any]) -> t.Optional[Instance]:
    """Return the part of `from_row` that can be compared with expectations. The rest takes most of the time."""
    identity = row.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool) or identity == "":
        return None
    webhooks: dict[str, t.Optional[str]] = dict.fromkeys(WEBHOOK_EVENTS)
    tokens = [_text(row.get("token")) or _text(row.get("instanceToken"))]
    for field, value in row.items():
        event, _key = _place(field)
        if event:
            webhooks[event] = _text(value)
        elif isinstance(value, str) and value and _is_token(field):
            tokens.append(value)
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
        "tokens": tokens,
    }


def show(instance: Instance, include_token: bool = False) -> Instance:
    """Return an instance of `from_row` as doors show it.

    Its credential is in it, as ``token``, only with ``include_token``. Otherwise neither that nor any other token of its row is,
    in whatever text it stands; but for the id, by which the instance is known.
    """
    credential, *others = instance.pop("tokens")
    if include_token:
        return {**instance, "token": credential}
    return {**without_secrets(instance, [credential, *others], _all_text(instance)), "id": instance["id"]}


@lru_cache(maxsize=1024)
def _place(field: str) -> tuple[t.Optional[str], t.Optional[str]]:
    """Where a field of a row goes: (webhook event, None), (None, key of the instance), or nowhere."""
    if field in _KNOWN_FIELDS or _is_token(field) or len(field) > _LONGEST_NAME:
        return None, None
    event = _WEBHOOK_FIELD.fullmatch(field)
    return (snake_case(event[1]), None) if event else (None, snake_case(field))


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


def _all_text(instance: Instance) -> str:
    # Most values are texts; what some others hold is written out.
    values = (*instance.values(), *instance["webhooks"].values())
    return "\n".join(
        [value if isinstance(value, str) else json.dumps(value) for value in values if isinstance(value, (str, list, dict))]
    )


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
