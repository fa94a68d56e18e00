# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Makes expectations.json, the JSON Schema of expectations, from the table of attributes. `make schema` runs this."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.zapi.zapi.plugins.module_utils._attributes import (
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
)
from ansible_collections.zapi.zapi.plugins.module_utils._document import SCHEMA

FILE = Path(__file__).with_name("expectations.json")

Schema = dict[str, t.Any]

DESCRIPTIONS = {
    "whatsapp_connected": "Whether the session with WhatsApp is up.",
    "phone_connected": "Whether the phone is online.",
    "middleware": "The type of the instance, such as web or mobile: one value, or a list of accepted ones.",
    "payment_status": "The billing state, such as PAID or TRIAL: one value, or a list of accepted ones.",
    "days_left": "The least number of days until the instance is due.",
    "webhooks": "Where the instance posts its events: the event, and a URL, a list of accepted URLs, or null for unset. "
    "In a URL, {id} and {name} stand for the instance's own, percent-encoded.",
    "webhooks.received": "A message was received.",
    "webhooks.received_and_delivery": "A message was received, or was sent by the number itself.",
    "webhooks.delivery": "A message was handed to WhatsApp.",
    "webhooks.message_status": "A message's status changed.",
    "webhooks.presence_chat": "Someone is typing.",
    "webhooks.connected": "The number connected.",
    "webhooks.disconnected": "The number disconnected.",
    "webhooks.received_status": "A WhatsApp status (story) was received.",
    "webhook_hosts": "The only hosts that any webhook may post to: hooks.example.com, *.example.com or hooks.example.com:8443.",
    "settings": "The settings that travel with the webhooks.",
    "settings.notify_sent_by_me": "Messages that the number itself sends reach the receive webhook too.",
    "settings.auto_read_message": "Incoming messages are marked as read.",
    "settings.auto_read_status": "Stories are marked as read.",
    "settings.call_reject_auto": "Calls are rejected.",
    "settings.call_reject_message": "What the caller is told; null for nothing.",
    "settings.muted_webhooks": "The webhooks that are NOT called, whatever their URL. received mutes received_and_delivery as well.",
    "settings.muted_messages": "The kinds of messages that are NOT delivered.",
}

TEMPLATE: Schema = {"$ref": "#/$defs/template"}
PATTERN_OF_URL = r"^([^{}]|\{id\}|\{name\})+$|\{\{"
TEXT_NOT_EMPTY: Schema = {"type": "string", "minLength": 1}
KINDS: dict[str, Schema] = {
    STATE: {"type": "boolean"},
    CHOICE: {"anyOf": [TEXT_NOT_EMPTY, {"type": "array", "minItems": 1, "items": {"anyOf": [TEXT_NOT_EMPTY, TEMPLATE]}}]},
    DAYS: {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*[+-]?[0-9]{1,9}\s*$"}]},
    HOSTS: {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "string",
            "pattern": r"^(\*\.)?(\[[0-9A-Fa-f:.]+\]|[^/?#@:%*{}\\\[\]\s\u0000-\u001f]+)(:[0-9]{1,5})?$|\{\{",
        },
    },
    TEXT: {"type": ["string", "null"]},
}


def make_schema() -> Schema:
    """Return the schema, of draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "Expectations of zapi.zapi",
        "description": "What a fleet of Z-API instances has to be: a list, or a mapping with the list as expectations. "
        "Made from the collection's table of attributes.",
        "if": {"type": "array"},
        "then": {"$ref": "#/$defs/expectations"},
        "else": {
            "type": "object",
            "required": ["expectations"],
            "properties": {"expectations": templated({"$ref": "#/$defs/expectations"}, "What the instances have to be.")},
        },
        "$defs": {
            "template": {
                "description": "A template of Ansible's, which is filled in before the expectations are read.",
                "type": "string",
                "pattern": r"\{\{",
            },
            "expectations": {"type": "array", "minItems": 1, "items": templated({"$ref": "#/$defs/expectation"})},
            "expectation": expectation(),
            # Also a template. With anyOf, editors would show what the parts say, not what the webhook is.
            "urls": {
                "type": ["string", "null", "array"],
                "pattern": PATTERN_OF_URL,
                "minItems": 1,
                "items": {"$ref": "#/$defs/url"},
            },
            "url": {"type": "string", "pattern": PATTERN_OF_URL},
        },
    }


def expectation() -> Schema:
    expected: Schema = {}
    for key in DECLARABLE:
        if key in GROUPS:
            parts = {str(BY_NAME[name].part): value_of(name) for name in GROUPS[key]}
            expected[key] = templated(mapping(parts), DESCRIPTIONS[key])
        else:
            expected[key] = value_of(key)
    ignorable = [*DECLARABLE, *(name for name in BY_NAME if name not in DECLARABLE)]
    conditions = {
        "id": text("The instance's ID, exact."),
        "name": text("The instance's name: exact, or a shell pattern with *, ? or brackets."),
        "middleware": text("The type, exact, such as web or mobile."),
    }
    return {
        **mapping(
            {
                "name": {
                    **text("What messages call this expectation, in one line."),
                    "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$",
                },
                "match": templated(
                    {**mapping(conditions), "type": ["object", "null"]},
                    "Which instances are meant: all conditions have to hold. Left out, every instance is.",
                ),
                "expect": templated(mapping(expected), "What these instances have to be."),
                "ignore": templated(
                    {"type": "array", "minItems": 1, "items": {"anyOf": [{"enum": ignorable}, TEMPLATE]}},
                    "Attributes that earlier expectations declare and that are not asked of these instances.",
                ),
                "until": templated(
                    {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
                    "The last day, in UTC, on which this expectation counts.",
                ),
            }
        ),
        "anyOf": [{"required": ["expect"]}, {"required": ["ignore"]}],
    }


def value_of(name: str) -> Schema:
    kind = BY_NAME[name].kind
    if kind == URL:
        return {"description": DESCRIPTIONS[name], "$ref": "#/$defs/urls"}
    return templated(muted(name) if kind == MUTED else KINDS[kind], DESCRIPTIONS[name])


def muted(name: str) -> Schema:
    # The API may come to mute what is not known yet.
    others = {"type": "string", "pattern": "^(?!filter_|from_)(?!.*_(callback|message)$)[a-z0-9_]{1,60}$"}
    known = {"enum": list(MUTABLE[name])}
    return {"type": "array", "items": {"anyOf": [known, others, TEMPLATE], "not": {"enum": sorted(MUTED_WITH)}}}


def mapping(properties: Schema) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}


def text(description: str) -> Schema:
    return {"description": description, "type": "string"}


def templated(schema: Schema, description: str | None = None) -> Schema:
    """Return a schema that a template passes as well."""
    described = {} if description is None else {"description": description}
    return {**described, "anyOf": [schema, TEMPLATE]}


if __name__ == "__main__":
    FILE.write_text(f"{json.dumps(make_schema(), indent=2)}\n", encoding="utf-8")
