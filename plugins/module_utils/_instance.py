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
from functools import lru_cache

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.parsing.convert_bool import boolean

from ._timestamps import iso_8601, milliseconds

Instance = dict[str, t.Any]

WEBHOOK_EVENTS = (
    "received",
    "received_and_delivery",
    "delivery",
    "message_status",
    "presence_chat",
    "connected",
    "disconnected",
    "received_status",
)

_WEBHOOK_FIELD = re.compile(r"(.+)CallbackUrl", re.S)
_KNOWN_FIELDS = ("id", "name", "middleware", "tenant", "paymentStatus", "created", "due", "phoneConnected", "whatsappConnected")


def from_row(row: t.Mapping[str, t.Any], include_token: bool = False) -> t.Optional[Instance]:
    """Return the instance that a row of the listing describes, or None where the row has no id.

    The instance's token is in it, as ``token``, only with ``include_token``; any other token never is.
    """
    identity = row.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool) or identity == "":
        return None
    due = milliseconds(row.get("due"))
    instance: Instance = {
        "id": str(identity),
        "name": _text(row.get("name")) or "",
        "middleware": _text(row.get("middleware")),
        "tenant": _text(row.get("tenant")),
        "payment_status": _text(row.get("paymentStatus")),
        "created": iso_8601(milliseconds(row.get("created"))),
        "due": iso_8601(due),
        "due_timestamp": due,
        "phone_connected": _flag(row.get("phoneConnected")),
        "whatsapp_connected": _flag(row.get("whatsappConnected")),
        "webhooks": dict.fromkeys(WEBHOOK_EVENTS),
    }
    for field, value in row.items():
        event, key = _place(field)
        if event:
            instance["webhooks"][event] = _text(value)
        elif key:
            instance.setdefault(key, without_tokens(value))
    if include_token:
        instance["token"] = _text(row.get("token")) or _text(row.get("instanceToken"))
    return instance


@lru_cache(maxsize=1024)
def _place(field: str) -> tuple[t.Optional[str], t.Optional[str]]:
    """Where a field of a row goes: (webhook event, None), (None, key of the instance), or nowhere."""
    if field in _KNOWN_FIELDS or _is_token(field):
        return None, None
    event = _WEBHOOK_FIELD.fullmatch(field)
    return (snake_case(event[1]), None) if event else (None, snake_case(field))


def snake_case(name: str) -> str:
    """Return ``paymentStatus`` as ``payment_status``, fit to be (part of) a variable's name."""
    snake = next(iter(camel_dict_to_snake_dict({name: None})))
    return re.sub(r"\W", "_", snake, flags=re.A)


def without_tokens(value: t.Any) -> t.Any:
    """Return the value without any field whose name contains "token", however deep it lies."""
    if isinstance(value, dict):
        return {key: without_tokens(item) for key, item in value.items() if not _is_token(key)}
    if isinstance(value, list):
        return [without_tokens(item) for item in value]
    return value


def _is_token(field: str) -> bool:
    return "token" in field.lower()


def _text(value: t.Any) -> t.Optional[str]:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(without_tokens(value))


def _flag(value: t.Any) -> t.Optional[bool]:
    if value is None or isinstance(value, bool):
        return value
    try:
        return t.cast("bool", boolean(value))
    except TypeError:
        return None
