# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Generates the JSON Schema of expectations from the table of attributes and the parser's keys. `make schema` writes it."""

from __future__ import annotations

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import (
    BY_NAME,
    DECLARABLE,
    FILTERS,
    GROUPS,
    MUTED_WITH,
    Attribute,
    Kind,
)

from .document import SCHEMA_URL
from .expectations import CONDITIONS, KEYS
from .values import DAYS, DIGITS, MUTED_WORD

Schema = dict[str, t.Any]

_DESCRIPTIONS = {
    "name": "A text of one line, used in rows and messages.",
    "match": "The instances that are meant: all conditions must hold. Without it, every instance is.",
    "match.id": "IDs of instances, exact: one, or a list.",
    "match.name": "Names of instances, exact or as shell patterns with *, ? or brackets: one, or a list.",
    "match.middleware": "Types of instances, exact, such as web or mobile: one, or a list.",
    "expect": "What these instances must be.",
    "ignore": "Attributes that earlier expectations declare and that these instances need not meet.",
    "until": "The last day, in UTC, on which this expectation counts.",
    "webhooks": "Where the instance posts its events: the event, and a URL, a list of accepted URLs, or null for unset. In a URL, {id} and "
    "{name} stand for the instance's own, percent-encoded; {any} stands for one path segment or one query value.",
    "settings": "The settings of the instance that can be changed.",
}

_END = r"(?!\s)$"  # validators in Python let $ match before a line break at the end
# Escaped for ECMA-262 as well. Control characters: those of ASCII and of Latin-1.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_OTHER = rf"[^{{}}\s{_CONTROL}]"
_IN_SEGMENT = rf"(?:[^/?#{{}}\s{_CONTROL}]|\{{id\}}|\{{name\}})"
_IN_KEY = rf"(?:[^=&#{{}}\s{_CONTROL}]|\{{id\}}|\{{name\}})"
_IN_VALUE = rf"(?:[^&#{{}}\s{_CONTROL}]|\{{id\}}|\{{name\}})"
_PARAMETER = rf"(?:{_IN_KEY}*(?:=(?:\{{any\}}|{_IN_VALUE}*))?)"
# From 1 to 65535, with leading zeros up to five digits, as the parser reads it
_PORT = r"(?![0-9]{6})0*(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_LABEL = rf"(?:[^./?#@:\[\]\\%{{}}\s{_CONTROL}]|\{{id\}})+"
_URL = (
    r"^(?!.*\*\*\*)[Hh][Tt][Tt][Pp][Ss]?://"
    rf"(?:(?:[^/?#@\\{{}}\s{_CONTROL}]|\{{id\}}|\{{name\}})*@)?"
    rf"(?:\[[0-9A-Fa-f:.]+\]|{_LABEL}(?:\.{_LABEL})*\.?)(?::{_PORT})?"
    rf"(?:/(?:\{{any\}}|{_IN_SEGMENT}*))*"
    rf"(?:\?{_PARAMETER}(?:&{_PARAMETER})*)?"
    rf"(?:#(?:{_OTHER}|\{{id\}}|\{{name\}})*)?{_END}"
)
_HOST = rf"^(?:\*\.)?(?:\[[0-9A-Fa-f:.]+\]|[^/?#@:%*{{}}\\\[\]\s{_CONTROL}]+)(?::{_PORT})?{_END}"
_LINE = rf"^[^{_CONTROL}\u2028\u2029]*[^\s{_CONTROL}][^{_CONTROL}\u2028\u2029]*{_END}"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _END

_TEMPLATE: Schema = {"$ref": "#/$defs/template"}
_URL_OR_TEMPLATE = {"type": "string", "pattern": rf"{_URL}|\{{\{{"}
_TEXT: Schema = {"type": "string", "minLength": 1}


def schema() -> Schema:
    """Return the schema, of draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        "title": "Expectations of zapi.zapi",
        "description": "What a fleet of Z-API instances must be: a list, or a mapping with the list as expectations. "
        "Generated from the collection's table of attributes.",
        "if": {"type": "array"},
        "then": {"$ref": "#/$defs/expectations"},
        "else": {
            "type": "object",
            "required": ["expectations"],
            "properties": {"expectations": _templated({"$ref": "#/$defs/expectations"}, "What the instances must be.")},
        },
        "$defs": {
            "template": {
                "description": "A template, which Ansible replaces by its value before the expectations are parsed.",
                "type": "string",
                "pattern": r"\{\{",
            },
            "expectations": {"type": "array", "minItems": 1, "items": _templated({"$ref": "#/$defs/expectation"})},
            "expectation": {
                **_mapping({key: _templated(_KEYS[key](), _DESCRIPTIONS[key]) for key in KEYS}),
                "anyOf": [{"required": ["expect"]}, {"required": ["ignore"]}],
            },
            # With anyOf, editors would show the descriptions of its parts in place of the webhook's.
            "urls": {
                "type": ["string", "null", "array"],
                "pattern": _URL_OR_TEMPLATE["pattern"],
                "minItems": 1,
                "items": {"$ref": "#/$defs/url"},
            },
            "url": _URL_OR_TEMPLATE,
        },
    }


def _match() -> Schema:
    values = {key: _one_or_list({"type": "string"} if key == "name" else _TEXT) for key in CONDITIONS}
    return _mapping({key: {"description": _DESCRIPTIONS[f"match.{key}"], **value} for key, value in values.items()})


def _expect() -> Schema:
    expected: Schema = {}
    for key in DECLARABLE:
        if key in GROUPS:
            parts = {name.partition(".")[2]: _attribute(BY_NAME[name]) for name in GROUPS[key]}
            expected[key] = _templated(_mapping(parts), _DESCRIPTIONS[key])
        else:
            expected[key] = _attribute(BY_NAME[key])
    return _mapping(expected)


def _ignore() -> Schema:
    names = list(dict.fromkeys((*DECLARABLE, *BY_NAME)))
    return {"type": "array", "minItems": 1, "items": {"anyOf": [{"enum": names}, _TEMPLATE]}}


_KEYS: dict[str, t.Callable[[], Schema]] = {
    "name": lambda: {"type": "string", "pattern": _LINE},
    "match": _match,
    "expect": _expect,
    "ignore": _ignore,
    "until": lambda: {"type": "string", "format": "date", "pattern": _DATE},
}


def _attribute(attribute: Attribute) -> Schema:
    if attribute.kind is Kind.URL:
        return {"description": attribute.description, "$ref": "#/$defs/urls"}
    return _templated(_KINDS[attribute.kind](attribute), attribute.description)


def _muted(attribute: Attribute) -> Schema:
    # The API may have filters that are not known yet.
    others = {"type": "string", "pattern": f"^(?!filter_|from_)(?!.*_(callback|message)$){MUTED_WORD}{_END}"}
    known = FILTERS[attribute.name]
    words: Schema = {"anyOf": [{"enum": list(known)}, others, _TEMPLATE]}
    wrong = sorted(word for word, other in MUTED_WITH.items() if other in known)
    return {"type": "array", "items": {**words, "not": {"enum": wrong}} if wrong else words}


_KINDS: dict[Kind, t.Callable[[Attribute], Schema]] = {
    Kind.BOOLEAN: lambda _attribute: {"type": "boolean"},
    Kind.CHOICE: lambda _attribute: _one_or_list(_TEXT),
    Kind.DAYS: lambda _attribute: {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": f"^{DAYS}$"}]},
    Kind.HOSTS: lambda _attribute: {
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "pattern": rf"{_HOST}|\{{\{{"},
    },
    Kind.TEXT: lambda _attribute: {"type": ["string", "null"]},
    Kind.MUTED: _muted,
    Kind.PHONE: lambda _attribute: {
        "anyOf": [
            {"type": "string", "pattern": f"^{DIGITS}{_END}"},
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10**20},
        ]
    },
}


def _one_or_list(text: Schema) -> Schema:
    return {"anyOf": [text, {"type": "array", "minItems": 1, "items": {"anyOf": [text, _TEMPLATE]}}]}


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}


def _templated(schema: Schema, description: t.Optional[str] = None) -> Schema:
    """Return a schema that also accepts a template."""
    described = {} if description is None else {"description": description}
    return {**described, "anyOf": [schema, _TEMPLATE]}
