# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The JSON Schema of expectations and the parser say the same, but for what a schema cannot say (`CANNOT_SAY`)."""

from __future__ import annotations

import json
import re
import runpy
import typing as t
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ExpectationError
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMA = json.loads((SCHEMAS / "expectations.json").read_text("utf-8"))
NOW = 1_790_000_000_000

# What the parser refuses and a schema cannot: the words of its messages.
CANNOT_SAY = [
    r"must be a date",  # 2027-02-30
    r"muted_\w+ does not know .*: (did you mean|it can hold)",  # a name that is nearly a known one
    r"must be a whole number of days, not a number",  # 5.0, which is an integer in JSON
]


def schema_accepts(declared: t.Any) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(declared)


def refusal(declared: t.Any) -> str:
    """Why the parser refuses what is declared; "" if it does not."""
    try:
        Expectations(declared, NOW)
    except ExpectationError as error:
        return str(error)
    return ""


def test_the_schema_is_what_the_table_of_attributes_makes() -> None:
    made = runpy.run_path(str(SCHEMAS / "make.py"))["make_schema"]()
    assert made == SCHEMA, "it is not current: make schema"


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def properties(schema: t.Any) -> t.Iterator[tuple[str, t.Any]]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for part in schema.values():
            yield from properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from properties(part)


def test_every_key_is_described() -> None:
    found = list(properties(SCHEMA))
    assert len(found) > 30
    assert [key for key, schema in found if not schema.get("description", "").endswith(".")] == []


# What the schema can make


def instances_of(schema: t.Any) -> st.SearchStrategy[t.Any]:
    """Values that the schema accepts, but for templates."""
    if "$ref" in schema:
        return instances_of(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "object" or "properties" in schema:
        return st.fixed_dictionaries({}, optional={key: instances_of(part) for key, part in schema["properties"].items()}).filter(
            lambda made: Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]}).is_valid(made)
        )
    if "anyOf" in schema:
        return st.one_of([instances_of(part) for part in schema["anyOf"] if part.get("$ref") != "#/$defs/template"])
    return simple_instances_of(schema)


def simple_instances_of(schema: t.Any) -> st.SearchStrategy[t.Any]:
    kind = schema["type"]
    if isinstance(kind, list):
        return st.one_of([simple_instances_of({**schema, "type": one}) for one in kind])
    if kind == "array":
        return st.lists(instances_of(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "string" and "pattern" in schema:
        pattern = schema["pattern"].removesuffix(r"|\{\{")
        return st.from_regex(re.compile(pattern.replace("$", r"\Z"), re.ASCII), alphabet=st.characters(codec="utf-8"))
    plain = {
        "string": st.text(min_size=schema.get("minLength", 0), max_size=5),
        "boolean": st.booleans(),
        "integer": st.integers(),
        "null": st.none(),
    }
    return plain[kind]


good_items = instances_of(SCHEMA["$defs"]["expectation"])


@given(st.lists(good_items, min_size=1, max_size=2))
def test_what_the_schema_makes_the_parser_takes(declared: list[t.Any]) -> None:
    assert schema_accepts(declared)
    assert schema_accepts({"expectations": declared, "host": "a variable of the file's own"})
    why = refusal(declared)
    assert not why or any(re.search(words, why) for words in CANNOT_SAY), why


# Mistakes

anything = st.recursive(
    st.sampled_from(
        [None, True, 0, 5, 5.5, "", " ", "x", "{id}", "{x", "https://a/{id}", "2027-03-01", "received", "group", "a\nb"]
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
    """The value with another one at a place, or with one key more, or less, there."""
    if path:
        copy: t.Any = dict(value) if isinstance(value, dict) else list(value)
        copy[path[0]] = with_change(copy[path[0]], path[1:], new, how)
        return copy
    if how == "add" and isinstance(value, dict):
        return {**value, "something": new}
    if how == "add" and isinstance(value, list):
        return [*value, new]
    if how == "empty" and isinstance(value, (dict, list)):
        return type(value)()
    return new


@given(st.data(), st.lists(good_items, min_size=1, max_size=2), anything, st.sampled_from(["replace", "add", "empty"]))
def test_they_agree_on_mistakes(data: st.DataObject, declared: list[t.Any], new: t.Any, how: str) -> None:
    path = data.draw(st.sampled_from(list(places(declared))))
    changed = with_change(declared, path, new, how)
    # A mapping at the top is a file, in which the parser does not look for the list.
    assume(not isinstance(changed, dict))
    why = refusal(changed)
    if not any(re.search(words, why) for words in CANNOT_SAY):
        assert schema_accepts(changed) == (not why), why


@pytest.mark.parametrize(
    "declared",
    [
        "{{ expectations }}",
        ["{{ shared }}"],
        [{"match": "{{ m }}", "expect": "{{ e }}"}],
        [
            {
                "match": {"id": "{{ i }}", "name": "{{ n }}", "middleware": "{{ m }}"},
                "ignore": "{{ i }}",
                "until": "{{ u }}",
                "name": "{{ n }}",
            }
        ],
        [{"expect": dict.fromkeys(SCHEMA["$defs"]["expectation"]["properties"]["expect"]["anyOf"][0]["properties"], "{{ x }}")}],
        [{"expect": {"webhooks": {"received": "https://{{ host }}/{id}"}, "webhook_hosts": ["{{ host }}"]}}],
        [{"expect": {"webhooks": {"received": ["https://{{ host }}/{id}", "{{ other }}"]}, "payment_status": ["{{ p }}"]}}],
        [{"expect": {"settings": {"muted_webhooks": ["{{ w }}"], "notify_sent_by_me": "{{ n }}"}}, "ignore": ["{{ i }}"]}],
    ],
)
def test_a_template_passes_anywhere(declared: t.Any) -> None:
    assert schema_accepts({"expectations": declared})


@pytest.mark.parametrize("declared", [{}, {"expectation": []}, {"expectations": None}, {"expectations": "x"}, [], None, "x", 5])
def test_what_is_no_file_of_expectations_is_refused(declared: t.Any) -> None:
    assert not schema_accepts(declared)
