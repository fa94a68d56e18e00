# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The JSON Schema and the parser accept the same, except for what a schema cannot express (`NOT_EXPRESSIBLE`)."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ExpectationError
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._policy.schema import schema

FILE = Path(__file__).parents[5] / "docs" / "schemas" / "expectations.json"
SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA)
NOW = 1_790_000_000_000

# Messages of the parser about what the schema accepts
NOT_EXPRESSIBLE = [
    r"not a date that exists",
    r"contains the unknown word .*: (did you mean|use)",  # a word that is similar to a known one
    r"must be a whole number of days, not a number",  # 5.0, which is an integer in JSON
    r"must be digits only",  # likewise
    r"expects and ignores",
    r"has an invalid (host|port)",
    r"which is not a host",
    r"white space or control characters",  # all but those of Latin-1
]


def refusal(declared: t.Any) -> str:
    """The message of the parser; "": it accepts."""
    try:
        Expectations(declared, NOW)
    except ExpectationError as error:
        return str(error)
    return ""


def is_expressible(message: str) -> bool:
    return not any(re.search(words, message) for words in NOT_EXPRESSIBLE)


def test_the_file_is_current() -> None:
    assert json.loads(FILE.read_text("utf-8")) == SCHEMA, "run make schema"


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def properties(part: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    if isinstance(part, dict):
        yield from part.get("properties", {}).items()
        for inner in part.values():
            yield from properties(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from properties(inner)


def test_every_key_is_described() -> None:
    found = list(properties(SCHEMA))
    assert len(found) > 30
    assert [key for key, part in found if not part.get("description", "").endswith(".")] == []


# What the schema generates


def values_of(part: t.Any) -> st.SearchStrategy[t.Any]:
    """Values that the schema accepts, without templates."""
    if "$ref" in part:
        return values_of(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "properties" in part:
        validator = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})
        optional = {key: values_of(value) for key, value in part["properties"].items()}
        return st.fixed_dictionaries({}, optional=optional).filter(validator.is_valid)
    if "anyOf" in part:
        return st.one_of([values_of(one) for one in part["anyOf"] if one.get("$ref") != "#/$defs/template"])
    if isinstance(part["type"], list):
        return st.one_of([values_of({**part, "type": one}) for one in part["type"]])
    if part["type"] == "array":
        return st.lists(values_of(part["items"]), min_size=part.get("minItems", 0), max_size=3)
    if part["type"] == "string" and "pattern" in part:
        pattern = part["pattern"].removesuffix(r"|\{\{").removesuffix("$") + r"\Z"
        return st.from_regex(re.compile(pattern, re.ASCII), alphabet=st.characters(codec="latin-1"))
    return {
        "string": st.text(min_size=part.get("minLength", 0), max_size=5),
        "boolean": st.booleans(),
        "integer": st.integers(part.get("exclusiveMinimum", -(10**30)) + 1, part.get("exclusiveMaximum", 10**30) - 1),
        "null": st.none(),
    }[part["type"]]


good_expectations = st.lists(values_of(SCHEMA["$defs"]["expectation"]), min_size=1, max_size=2)
generated = pytest.mark.skipif(sys.version_info < (3, 10), reason="the last hypothesis for Python 3.9 cannot generate the URLs")


@generated
@given(good_expectations)
def test_the_parser_accepts_what_the_schema_generates(declared: list[t.Any]) -> None:
    assert VALIDATOR.is_valid(declared)
    assert VALIDATOR.is_valid({"expectations": declared, "host": "a variable of the file"})
    message = refusal(declared)
    assert not message or not is_expressible(message), message


# Mistakes


anything = st.recursive(
    st.sampled_from(
        [None, True, 0, 5, 5.5, "", " ", "x", "{id}", "{x", "https://a/{id}", "2027-03-01", "received", "group", "a\nb", "x\n"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["expect", "webhooks", "received", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    yield path
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def with_change(value: t.Any, path: tuple[t.Any, ...], new: t.Any, how: str) -> t.Any:
    """The value with another one at a place, or with one key more, or none, there."""
    if path:
        copy: t.Any = dict(value) if isinstance(value, dict) else list(value)
        copy[path[0]] = with_change(copy[path[0]], path[1:], new, how)
        return copy
    if how == "add" and isinstance(value, (dict, list)):
        return {**value, "something": new} if isinstance(value, dict) else [*value, new]
    return type(value)() if how == "empty" and isinstance(value, (dict, list)) else new


@generated
@given(st.data(), good_expectations, anything, st.sampled_from(["replace", "add", "empty"]))
def test_both_agree_on_mistakes(data: st.DataObject, declared: list[t.Any], new: t.Any, how: str) -> None:
    path = data.draw(st.sampled_from(list(places(declared))))
    changed = with_change(declared, path, new, how)
    assume(not isinstance(changed, dict))  # a file, in which the parser does not look for the list
    message = refusal(changed)
    if is_expressible(message):
        assert VALIDATOR.is_valid(changed) == (not message), message


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https:///{id}",
            "https:// /x",
            "hooks.example.com",
            "ftp://h/",
            "https://h/a b",
            "https://h/x\n",
            "https://h:x/",
            "https://h:0/",
            "https://h:65536/",
            "https://h:8{id}/",
            "https://./x",
            "https://h..example.com/",
            "https://h/***",
        ),
        *("https://{name}.h/", "https://h/{x}", "https://h/x-{any}", "https://h/?{any}", "https://h/#{any}", "https://{any}/", ""),
    ],
)
def test_both_refuse_what_is_not_the_url_of_a_webhook(url: str) -> None:
    for declared in (url, ["https://fine.example.com", url]):
        expectations = [{"expect": {"webhooks": {"received": declared}}}]
        assert refusal(expectations)
        assert not VALIDATOR.is_valid(expectations)


@pytest.mark.parametrize(
    "declared",
    [
        "{{ expectations }}",
        ["{{ shared }}"],
        [{"match": "{{ m }}", "expect": "{{ e }}"}],
        [{"match": {"id": ["{{ i }}"], "name": "{{ n }}"}, "ignore": ["{{ i }}"], "until": "{{ u }}", "name": "{{ n }}"}],
        [
            {
                "expect": dict.fromkeys(
                    ["whatsapp_connected", "days_left", "phone_number", "webhooks", "webhook_hosts", "settings"], "{{ x }}"
                )
            }
        ],
        [{"expect": {"webhooks": {"received": ["https://{{ host }}/{id}", "{{ other }}"]}, "payment_status": ["{{ p }}"]}}],
        [
            {
                "expect": {
                    "webhook_hosts": ["{{ host }}"],
                    "settings": {"muted_webhooks": ["{{ w }}"], "notify_sent_by_me": "{{ n }}"},
                }
            }
        ],
    ],
)
def test_a_template_is_accepted_anywhere(declared: t.Any) -> None:
    assert VALIDATOR.is_valid({"expectations": declared})


@pytest.mark.parametrize("declared", [{}, {"expectation": []}, {"expectations": None}, {"expectations": "x"}, [], None, "x", 5])
def test_other_files_are_refused(declared: t.Any) -> None:
    assert not VALIDATOR.is_valid(declared)
