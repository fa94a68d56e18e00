# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Expectations as a file: YAML reads back what was written, and no name of a customer is more than a comment."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import SCHEMA_URL, document, is_writable
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations

LOADERS: list[t.Any] = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]

# What YAML 1.1 or 1.2 reads as something else than text, and what has a meaning at a beginning or beside a space
OTHER_THAN_TEXT = (
    "yes No OFF true y N null ~ nan .inf -.INF +.5 0123 0o17 0x1F 0b11 1e3 1_000 -1 1. 12:30:45 2027-03-01 = << --- ..."
)
INDICATORS = "!unsafe !!python/object:os.system &a *a - a: # a#b | >+2 @a `a [a [] {} ] , $ANSIBLE_VAULT;1.1;AES256 *[0-9]"
HOSTILE = [
    *OTHER_THAN_TEXT.split(),
    *("", "12345678901234567890123456789012", "12E56789012345678901234567890123"),
    *INDICATORS.split(),
    *("--- a", "%YAML 1.1", "- x", "? x", ": x", "a: b", "a :b", "a #b", "{a: b}", "a, b", "https://h/{id}?a=b&c=%7B#{name}"),
    # Quotes, escapes, white space, and what cannot be seen
    *("'", '"', "it's", 'say "a"', "\\", "\\n", "a\\", " ", " a", "a ", "\ta", "a\tb", "a  b", "a\nb", "\n", "a\r\nb", "a\n- b"),
    *("a\x85b", "a\u2028b", "\ufeffa", "\0", "\x1b[31m", "\x7f", "\xa0a", "\u200f", "\u202eabc", "\ufffe", "\U0010ffff", "\x0b"),
    *("a\nexpectations: []", "Pão de Açúcar", "cafe\u0301", "日本", "🍕", "a" * 5000, "a b " * 2000),
]


def loaded(text: str) -> t.Any:
    """What all loaders read."""
    first, *others = [yaml.load(text.encode(), Loader=loader) for loader in LOADERS]
    assert all(other == first for other in others)
    return first


def assert_read_back(text: str) -> None:
    expectations: list[dict[str, t.Any]] = [
        {"expect": {"webhook_hosts": [text, text], "webhooks": {"received": text, "connected": None}}},
        {
            "name": text,
            "match": {"id": [text, "A1"], "name": text, "middleware": [text]},
            "expect": {"days_left": 5, "settings": {"call_reject_message": text, "auto_read_message": False, "muted_webhooks": []}},
            "ignore": [text],
        },
        {"match": {"id": text}, "ignore": ["webhooks"]},
    ]
    written = document(expectations, [text], {text: text, "A1": text}, {"A1": "muted"})
    assert loaded(written) == {"expectations": expectations}
    assert all(line.isprintable() and line == line.rstrip() for line in written.split("\n"))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_a_hostile_text_is_read_back(text: str) -> None:
    assert_read_back(text)


@given(st.text(st.characters(codec="utf-8")) | st.text(" -:#?!&*,[]{}'\"\\|>%@`=<~yno019.exE\n\ta"))
def test_any_text_is_read_back(text: str) -> None:
    if is_writable(text):
        assert_read_back(text)


def test_the_file_is_what_a_person_would_write() -> None:
    expectations: list[dict[str, t.Any]] = [
        {
            "expect": {
                "payment_status": ["PAID", "TRIAL"],
                "webhook_hosts": ["hooks.example.com", "*.example.org"],
                "webhooks": {"received": "https://hooks.example.com/{id}?a={any}", "presence_chat": None},
            }
        },
        {"name": "Shops", "match": {"name": "shop-*"}, "expect": {"whatsapp_connected": True, "settings": {"muted_webhooks": []}}},
        {"match": {"id": ["A1", "00A2", "A3", "A4"]}, "ignore": ["webhooks.received"]},
        {"match": {"id": "A1"}, "expect": {"webhooks": {"delivery": None}}},
    ]
    names = {"A1": "Padaria Central", "00A2": "", "A3": "Pão 3"}
    comments = {"A3": "unknown", "A4": "muted"}
    written = document(expectations, ["Adopted at 2026-12-31T02:00:00Z", "Instances: 4"], names, comments)
    assert written == (
        f"""\
# yaml-language-server: $schema={SCHEMA_URL}
# Adopted at 2026-12-31T02:00:00Z
# Instances: 4
---
expectations:
  - expect:
      payment_status:
        - PAID
        - TRIAL
      webhook_hosts:
        - hooks.example.com
        - "*.example.org"
      webhooks:
        received: https://hooks.example.com/{{id}}?a={{any}}
        presence_chat: null
  - name: Shops
    match:
      name: shop-*
    expect:
      whatsapp_connected: true
      settings:
        muted_webhooks: []
  - match:
      id:
        - A1  # "Padaria Central"
        - "00A2"
        - A3  # "Pão 3", unknown
        - A4  # muted
    ignore:
      - webhooks.received
  - match:
      id: A1  # "Padaria Central"
    expect:
      webhooks:
        delivery: null
"""
    )
    assert len(Expectations(loaded(written)["expectations"], 0).all) == 4
    assert document([], [], {}).endswith("---\nexpectations: []\n")


@pytest.mark.parametrize("text", ["y", "Off", "null", "nan", "0123", "1e3", "12:30", "=", "shop:", "shop #1", "*-sul"])
def test_a_text_that_any_reader_could_take_for_something_else_is_in_quotes(text: str) -> None:
    assert f'name: "{text}"\n' in document([{"match": {"name": text}, "ignore": ["webhooks"]}], [], {})


def comment(name: str) -> str:
    """The comment behind the ID of an instance with this name."""
    written = document([{"match": {"id": "A1"}, "ignore": ["webhooks"]}], [], {"A1": name})
    assert len(written.splitlines()) == 7
    assert loaded(written) == {"expectations": [{"match": {"id": "A1"}, "ignore": ["webhooks"]}]}
    return written.splitlines()[4].partition("id: A1")[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("日本 🍕", '  # "日本 🍕"'),
        ("Loja #3: Centro", '  # "Loja 3 Centro"'),
        ("{{ lookup('env', 'HOME') }}", "  # \"{{ lookup('env', 'HOME') }}\""),
        ('a" b', '  # "a b"'),
        ("a\nb\u2028c\ufeff", '  # "a\\x0ab\\u2028c\\ufeff"'),
        ("\ud800", '  # "\\ud800"'),
        (" \t ", '  # "\\x09"'),
        ("  ", ""),
        (":#", ""),
    ],
)
def test_a_name_is_a_comment_of_one_line(name: str, expected: str) -> None:
    assert comment(name) == expected


DIRECTIVES = """\
yamllint disable
yamllint disable rule:colons
yamllint disable-line
noqa
noqa: yaml[truthy]
a # noqa
a #noqa: x
vim: set ft=sh:
x vi:noai:sw=3
-*- mode: sh -*-
gitleaks:allow
checkov:skip=CKV_1
pragma: allowlist secret
prettier-ignore
yaml-language-server: $schema=https://evil.example.com
#jinja2: x
""".splitlines()


@pytest.mark.parametrize("name", DIRECTIVES)
def test_a_name_is_never_a_directive_to_a_program(name: str) -> None:
    assert re.fullmatch(r'  # "[^:#"]+"', comment(name))


@pytest.mark.parametrize(
    "text", ["{{ x }}", "a}}", "{%", "%}", "{#", "#}", "#jinja2: variable_start_string:'['", "\ud800", "a\udfffb"]
)
def test_a_text_that_could_be_a_template_is_refused(text: str) -> None:
    assert not is_writable(text)
    for expectation in ({"match": {"id": [text]}}, {"match": {"name": text}}, {"expect": {"webhooks": {"received": text}}}):
        with pytest.raises(OptionError, match="Ansible could take it for a template") as error:
            document([expectation], [], {})
        assert str(error.value).isascii()


@pytest.mark.parametrize(
    "text", ["", "{id}", "{ {", "{id}{name}", "} }", "100%", "a #jinja2:", "{", "}{", "%{id}", "#{name}", "日本"]
)
def test_a_text_that_cannot_be_a_template_is_written(text: str) -> None:
    assert is_writable(text)
