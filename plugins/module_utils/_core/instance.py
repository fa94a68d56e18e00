# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Where an object of the API becomes a `Record`: an instance as users see it, with its credential and its secrets."""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t
from functools import lru_cache

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible.module_utils.parsing.convert_bool import boolean

from .attributes import ATTRIBUTES, BY_NAME, GROUPS, SETTINGS, WEBHOOK_EVENTS, Kind, muted_name
from .options import Credential
from .timestamps import iso_8601, milliseconds

if t.TYPE_CHECKING:
    from .errors import Reason


class Instance(t.TypedDict, total=False):
    """An instance with its real values: only `_report` masks."""

    id: str
    name: str  # "" if it has none
    middleware: t.Optional[str]
    tenant: t.Optional[str]
    payment_status: t.Optional[str]
    created: t.Optional[str]  # ISO 8601, UTC
    due: t.Optional[str]  # ISO 8601, UTC
    due_timestamp: t.Optional[int]  # epoch milliseconds
    phone_connected: t.Optional[bool]
    whatsapp_connected: t.Optional[bool]
    webhooks: dict[str, t.Optional[str]]
    settings: dict[str, t.Any]
    unknown: list[str]  # names of attributes that the API did not return; "name" if it is unknown
    problem: t.Optional[str]  # subscription_lapsed, restore_session or scan_qr_code
    extra: dict[str, t.Any]
    phone_number: t.Optional[str]  # only if it was asked for; not part of what users see
    token: t.Optional[str]  # only with include_token; added by `_report`


class Record(t.NamedTuple):
    """An instance, its credential (None: the API did not return a token) and all secrets of its object."""

    instance: Instance
    credential: t.Optional[Credential] = None
    secrets: tuple[str, ...] = ()


class Rejected(t.NamedTuple):
    """A credential that the server rejected, and why."""

    id: str
    reason: Reason


KEYS = (
    *("id", "name", "middleware", "tenant", "payment_status", "created", "due", "due_timestamp", "phone_connected"),
    *("whatsapp_connected", "webhooks", "settings", "unknown", "problem", "extra"),
)
"""The keys of an instance as users see it."""

SUBSCRIPTION_LAPSED, RESTORE_SESSION, SCAN_QR_CODE = "subscription_lapsed", "restore_session", "scan_qr_code"
PROBLEMS = (SUBSCRIPTION_LAPSED, RESTORE_SESSION, SCAN_QR_CODE)

_MAX_FIELD_LENGTH = 200
_MAX_NESTING = 100  # ansible-core fails on deeper values
_SECONDS_LIMIT = 10**11  # smaller times are in seconds: in milliseconds they would be in 1973 or before
_SECRET_FIELD = re.compile("token|secret|password|authorization", re.I)
_WEBHOOK_FIELD = re.compile("(.+)CallbackUrl", re.S)
_SETTING_FIELDS = {field: BY_NAME[name] for name in GROUPS["settings"] for field in BY_NAME[name].fields}
_TOP_LEVEL_FIELDS = frozenset(
    ("id", "name", "tenant", "created", *(f for one in ATTRIBUTES if one.part is None for f in one.fields))
)
_UNSET_WEBHOOKS: dict[str, t.Optional[str]] = dict.fromkeys(WEBHOOK_EVENTS)
_UNSET_SETTINGS: dict[str, t.Any] = dict.fromkeys(SETTINGS)
_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
_STATES = (("whatsappConnected", "connected"), ("phoneConnected", "smartphoneConnected"))


class _Layout(t.NamedTuple):
    """Where the fields of an object go. Nearly all objects of a listing have the same fields."""

    webhooks: tuple[tuple[str, str], ...]  # (field, event)
    settings: tuple[tuple[str, str, Kind], ...]  # (field, setting, kind)
    unknown: tuple[str, ...]  # names of attributes without a field
    extra: tuple[tuple[str, str], ...]  # (field, key)
    secrets: tuple[str, ...]


@lru_cache(maxsize=256)
def _layout(fields: tuple[str, ...]) -> _Layout:
    webhooks, settings, extra, secrets = [], [], [], []
    for field in fields:
        event = _WEBHOOK_FIELD.fullmatch(field)
        if _SECRET_FIELD.search(field):
            secrets.append(field)
        elif field in _TOP_LEVEL_FIELDS or len(field) > _MAX_FIELD_LENGTH:
            continue
        elif field in _SETTING_FIELDS:
            attribute = _SETTING_FIELDS[field]
            if field == next(name for name in attribute.fields if name in fields):
                settings.append((field, str(attribute.part), attribute.kind))
        elif event:
            webhooks.append((field, snake_case(event[1])))
        else:
            extra.append((field, snake_case(field)))
    unknown = sorted(attribute.name for attribute in ATTRIBUTES if attribute.fields and not set(attribute.fields) & set(fields))
    return _Layout(tuple(webhooks), tuple(settings), tuple(unknown), tuple(extra), tuple(secrets))


def record_from_object(entry: t.Mapping[str, t.Any]) -> t.Optional[Record]:
    """Return the record of an object of a listing, None if the object has no ID."""
    identity = entry.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool) or identity == "":
        return None
    layout = _layout(tuple(entry))
    webhooks = _UNSET_WEBHOOKS.copy()
    for field, event in layout.webhooks:
        value = entry[field]
        webhooks[event] = value if value and isinstance(value, str) else _text(value)  # a call for each webhook takes time
    settings = _UNSET_SETTINGS.copy()
    unknown = [*layout.unknown]
    for field, part, kind in layout.settings:
        settings[part] = _setting(entry[field], kind)
        if kind is Kind.MUTED and settings[part] is None:
            unknown.append(f"settings.{part}")  # null is not an empty list
            unknown.sort()
    get = entry.get
    due = milliseconds(get("due"))
    instance: Instance = {
        "id": str(identity),
        "name": _text(get("name")) or "",
        "middleware": _text(get("middleware")),
        "tenant": _text(get("tenant")),
        "payment_status": _text(get("paymentStatus")),
        "created": _created(get("created")),
        "due": iso_8601(due),
        "due_timestamp": due,
        "phone_connected": _boolean(get("phoneConnected")),
        "whatsapp_connected": _boolean(get("whatsappConnected")),
        "webhooks": webhooks,
        "settings": settings,
        "unknown": unknown,
        "problem": None,
        "extra": {key: value for field, key in layout.extra if (value := _without_secrets(entry[field])) is not _TOO_DEEP},
    }
    token = _text(get("token")) or _text(get("instanceToken"))
    secrets = tuple({value: None for field in layout.secrets if isinstance(value := entry[field], str) and value})
    return Record(instance, Credential(instance["id"], token) if token else None, secrets)


def record_from_calls(
    credential: Credential,
    me: t.Optional[t.Mapping[str, t.Any]],
    status: t.Optional[t.Mapping[str, t.Any]],
    *,
    has_lapsed: bool = False,
) -> Record:
    """Return the record of an instance that was read with ``/me`` and ``/status``. None: the call was rejected."""
    entry = {field: value for field, value in (me or {}).items() if field != "connected"}
    entry["id"] = credential.id
    if "due" in entry:
        entry["due"] = _in_milliseconds(entry["due"])
    for field, state in _STATES:
        entry.pop(field, None)
        if status is not None and state in status:
            entry[field] = status[state]
    record = t.cast("Record", record_from_object(entry))  # it has an ID
    instance = record.instance
    if me is None:
        instance["unknown"] = sorted([*instance["unknown"], "name"])
    instance["problem"] = SUBSCRIPTION_LAPSED if has_lapsed else problem_of(status or {})
    return record._replace(credential=credential, secrets=tuple(dict.fromkeys((credential.token, *record.secrets))))


def problem_of(status: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """Return the problem that an answer to ``/status`` names, None if it names none."""
    error = status.get("error")
    if not isinstance(error, str) or status.get("connected") is True:
        return None
    text = error.lower()
    if "restore" in text:
        return RESTORE_SESSION
    return SCAN_QR_CODE if "not connected" in text else None


def with_settings(record: Record, me: t.Mapping[str, t.Any]) -> Record:
    """Return the record with the settings of an answer to ``/me``, as far as they were unknown."""
    read = record_from_object({**me, "id": record.instance["id"]})
    if read is None:
        return record
    new = {name for name in GROUPS["settings"] if name in record.instance["unknown"] and name not in read.instance["unknown"]}
    settings = {
        **record.instance["settings"],
        **{part: read.instance["settings"][part] for part in (n.partition(".")[2] for n in new)},
    }
    unknown = [name for name in record.instance["unknown"] if name not in new]
    instance = t.cast("Instance", {**record.instance, "settings": settings, "unknown": unknown})
    return record._replace(instance=instance, secrets=tuple(dict.fromkeys((*record.secrets, *read.secrets))))


def with_problem(record: Record, problem: t.Optional[str]) -> Record:
    """Return the record with another ``problem``."""
    return record._replace(instance=t.cast("Instance", {**record.instance, "problem": problem}))


def with_phone_number(record: Record, device: t.Optional[t.Mapping[str, t.Any]]) -> Record:
    """Return the record with the phone number of an answer to ``/device``. None: the call was rejected, it stays unknown."""
    phone = (device or {}).get("phone")
    digits = re.sub(r"\D", "", str(phone), flags=re.A) if isinstance(phone, (str, int)) and not isinstance(phone, bool) else ""
    if device is None or not digits:
        return record
    return record._replace(instance=t.cast("Instance", {**record.instance, "phone_number": digits}))


def is_unknown(instance: t.Mapping[str, t.Any], name: str) -> bool:
    """Return whether the API did not return an attribute of an instance."""
    return name in (instance.get("unknown") or ()) or BY_NAME[name].key not in instance


def snake_case(name: str) -> str:
    """Return ``paymentStatus`` as ``payment_status``: a valid part of a variable's name."""
    snake = next(iter(camel_dict_to_snake_dict({name: None})))
    return re.sub(r"\W", "_", snake, flags=re.A)


_TOO_DEEP: t.Any = object()


def _without_secrets(value: t.Any, level: int = 1) -> t.Any:
    """Return a JSON value without fields that hold secrets by their names, at any depth; `_TOO_DEEP` for an absurd nesting."""
    if not isinstance(value, (dict, list)):
        return value
    if level == _MAX_NESTING:
        return _TOO_DEEP
    if isinstance(value, dict):
        fields = [key for key in value if len(key) <= _MAX_FIELD_LENGTH and not _SECRET_FIELD.search(key)]
        items = {key: _without_secrets(value[key], level + 1) for key in fields}
        return _TOO_DEEP if any(item is _TOO_DEEP for item in items.values()) else items
    elements = [_without_secrets(item, level + 1) for item in value]
    return _TOO_DEEP if any(item is _TOO_DEEP for item in elements) else elements


def _text(value: t.Any) -> t.Optional[str]:
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    plain = _without_secrets(value)
    return None if plain is _TOO_DEEP else json.dumps(plain)


def _created(value: t.Any) -> t.Optional[str]:
    if isinstance(value, str) and _UTC.fullmatch(value):  # nearly all values are, and this is faster
        moment = value[:19]
        try:
            dt.datetime.fromisoformat(moment)
        except ValueError:
            return None
        return f"{moment}Z"
    return iso_8601(milliseconds(value))


def _setting(value: t.Any, kind: Kind) -> t.Any:
    if kind is Kind.BOOLEAN:
        return _boolean(value)
    if kind is not Kind.MUTED:
        return _text(value)
    if not isinstance(value, list):
        return None
    return sorted({muted_name(text) for text in map(_text, value) if text is not None})


def _boolean(value: t.Any) -> t.Optional[bool]:
    if value is None or isinstance(value, bool):
        return value
    try:
        return t.cast("bool", boolean(value))
    except TypeError:
        return None


def _in_milliseconds(due: t.Any) -> t.Any:
    is_number = isinstance(due, (int, float)) and not isinstance(due, bool)
    if not is_number and not (isinstance(due, str) and re.fullmatch(r"\s*[+-]?\d{1,12}\s*", due, re.A)):
        return due
    moment = float(due) if isinstance(due, str) else due
    return int(moment * 1000) if abs(moment) < _SECONDS_LIMIT else due
