# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Expectations as a file: it is read as what it was made of, whatever a customer has put into a name."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._document import SCHEMA, document, is_writable
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError

LOADERS: list[t.Any] = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]

HOSTILE = [
    # What YAML 1.1 or 1.2 takes for something else than text
    *("yes", "No", "on", "OFF", "true", "False", "y", "N", "null", "Null", "~", "", "nan", "inf", ".inf", "-.INF", ".nan", "+.5"),
    *(
        "0123",
        "0o17",
        "0x1F",
        "0b11",
        "1e3",
        "1E5",
        "12e03",
        "1_000",
        "-1",
        "+1",
        "1.",
        "12:30:45",
        "2027-03-01",
        "2027-03-01 10:00:00",
    ),
    *("12345678901234567890123456789012", "12E56789012345678901234567890123", "00000000000000000000000000000001"),
    # What begins something in YAML
    *(
        "=",
        "<<",
        "---",
        "...",
        "--- a",
        "%YAML 1.1",
        "%TAG ! x",
        "!unsafe",
        "!vault",
        "!!python/object:os.system",
        "! x",
        "&a",
        "*a",
    ),
    *("- x", "-", "--", "? x", "?", ": x", ":", "a: b", "a:", "a :b", "a #b", "#", "# a", "a#b", "|", ">", "|-", ">+2", "@a", "`a"),
    *("[a", "[]", "{}", "{a: b}", "]", "}", ",", "a, b", "[a, b]", "{id}", "https://h.example.com/{id}?a=b&c=%7B#{name}"),
    # Quotes and escapes
    *("'", '"', "''", '""', "'a'", '"a"', "it's", 'say "a"', "\\", "\\n", "\\\\", "a\\", "C:\\temp", "\\x41", "\\u0041"),
    # Blanks, ends of lines, and what cannot be seen
    *(
        " ",
        "  ",
        " a",
        "a ",
        "\ta",
        "a\t",
        "a\tb",
        "a  b",
        "a\nb",
        "\n",
        "\na",
        "a\n",
        "a\n\n",
        "a\r\nb",
        "\r",
        "a\x85b",
        "a\u2028b",
    ),
    *(
        "a\u2029b",
        "\ufeff",
        "\ufeffa",
        "a\ufeff",
        "\0",
        "a\0b",
        "\x01",
        "\x1b[31m",
        "\x7f",
        "\x80",
        "\x9f",
        "\xa0",
        "\xa0a",
        "\u200f",
    ),
    *("\u202eabc", "\u200d", "\u00ad", "\ufffe", "\uffff", "\ue000", "\U0010ffff", "\x0b", "\x0c", "a\nexpectations: []"),
    # Words and long ones
    *(
        "Pão de Açúcar",
        "cafe\u0301",
        "日本",
        "🍕",
        "\U0001f469\u200d\U0001f467",
        "a" * 5000,
        "a b " * 2000,
        "é" * 2000,
        "\n" * 500,
        "a: " * 700,
    ),
    *("$ANSIBLE_VAULT;1.1;AES256", "shop-*", "[[]vip] *", "*[0-9]-sul", "[0-9]*"),
]
NAMES = {"A1": "Padaria Central"}


def loaded(text: str) -> t.Any:
    """What the text is read as, which is the same for all loaders."""
    first, *others = [yaml.load(text.encode(), Loader=loader) for loader in LOADERS]
    assert all(other == first for other in others)
    return first


def items_with(text: str) -> list[dict[str, t.Any]]:
    """Items with a text at all places where one can stand."""
    return [
        {"expect": {"webhook_hosts": [text, text], "webhooks": {"received": text, "connected": None}}},
        {
            "name": text,
            "match": {"id": text, "name": text, "middleware": text},
            "expect": {
                "payment_status": text,
                "settings": {
                    "call_reject_message": text,
                    "auto_read_message": False,
                    "muted_webhooks": [text],
                    "muted_messages": [],
                },
            },
            "ignore": ["webhooks"],
        },
        {"match": {"id": text}, "ignore": [text]},
    ]


def assert_read_back(text: str) -> None:
    items = items_with(text)
    written = document(items, [text], {text: text})
    assert loaded(written) == {"expectations": items}
    # What stands in the file is ASCII or can be seen, so that nobody's terminal or editor is led astray.
    assert all(line.isprintable() for line in written.split("\n"))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:30]))
def test_a_hostile_text_is_read_back(text: str) -> None:
    assert_read_back(text)


@given(st.text(alphabet=st.characters(codec="utf-8")).filter(is_writable))
def test_any_text_is_read_back(text: str) -> None:
    assert_read_back(text)


@given(st.text(alphabet=" -:#?!&*,[]{}'\"\\|>%@`=<~yno019.exE\n\ta").filter(is_writable))
def test_any_text_of_what_yaml_looks_for_is_read_back(text: str) -> None:
    assert_read_back(text)


@pytest.mark.parametrize("name", ["y", "N", "yes", "Off", "null", "nan", "0123", "1e3", "12:30", "=", "shop:", "shop #1", "*-sul"])
def test_what_any_reader_could_take_for_something_else_is_in_quotes(name: str) -> None:
    assert f'name: "{name}"\n' in document([{"match": {"name": name}, "ignore": ["webhooks"]}], [], {})


def test_it_is_written_as_a_person_would() -> None:
    items: list[dict[str, t.Any]] = [
        {
            "expect": {
                "webhook_hosts": ["hooks.example.com", "*.example.org"],
                "webhooks": {"received": "https://hooks.example.com/{id}?a=b", "presence_chat": None},
            }
        },
        {"match": {"name": "shop-*"}, "expect": {"whatsapp_connected": True, "settings": {"muted_webhooks": []}}},
        {"match": {"id": "A1"}, "ignore": ["webhooks.received"]},
        {"match": {"id": "00A1"}, "ignore": ["settings"]},
    ]
    heading = ["Adopted at 2026-12-31T02:00:00Z by zapi.zapi.instance_adopt", "Instances: 4"]
    assert document(items, heading, {**NAMES, "00A1": ""}) == (
        f"""\
# yaml-language-server: $schema={SCHEMA}
# Adopted at 2026-12-31T02:00:00Z by zapi.zapi.instance_adopt
# Instances: 4
---
expectations:
  - expect:
      webhook_hosts:
        - hooks.example.com
        - "*.example.org"
      webhooks:
        received: https://hooks.example.com/{{id}}?a=b
        presence_chat: null
  - match:
      name: shop-*
    expect:
      whatsapp_connected: true
      settings:
        muted_webhooks: []
  - match:
      id: A1  # Padaria Central
    ignore:
      - webhooks.received
  - match:
      id: "00A1"
    ignore:
      - settings
"""
    )


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:30]))
def test_a_comment_ends_where_its_line_does(name: str) -> None:
    items = [{"match": {"id": "A1"}, "ignore": ["webhooks"]}]
    written = document(items, [], {"A1": name})
    assert len(written.split("\n")) == len(document(items, [], NAMES).split("\n"))
    assert len(written.splitlines()) == len(document(items, [], NAMES).splitlines())
    assert loaded(written) == {"expectations": items}
    assert not re.search(r"[ \t]$", written, re.M)


def test_a_comment_shows_a_name_that_can_be_seen_as_it_is() -> None:
    items = [{"match": {"id": "A1"}, "ignore": ["webhooks"]}]
    for name in ("Pão de Açúcar", "日本 🍕", "{{ lookup('env', 'HOME') }}", "!unsafe", "a # b"):
        assert f"id: A1  # {name}\n" in document(items, [], {"A1": name})
    assert "id: A1  # a\\x0ab\\u2028c\\ufeff\n" in document(items, [], {"A1": "a\nb\u2028c\ufeff"})
    assert "id: A1  # \\ud800\n" in document(items, [], {"A1": "\ud800"})


@pytest.mark.parametrize(
    "text", ["{{ x }}", "a}}", "{%", "%}", "{#", "#}", "#jinja2: variable_start_string:'['", "\ud800", "a\udfffb"]
)
def test_what_could_be_a_template_is_not_written(text: str) -> None:
    assert not is_writable(text)
    for key in ("id", "name", "middleware"):
        with pytest.raises(OptionError, match="could take for a template, or what is no text") as raised:
            document([{"match": {key: text}, "ignore": ["webhooks"]}], [], {})
        assert str(raised.value).isascii()


@pytest.mark.parametrize(
    "text", ["", "{id}", "{ {", "{id}{name}", "} }", "100%", "a #jinja2:", "{", "}{", "%{id}", "#{name}", "日本"]
)
def test_what_could_be_none_is_written(text: str) -> None:
    assert is_writable(text)


def test_no_tag_and_no_anchor_is_in_a_file() -> None:
    written = document(items_with("!unsafe &a *a"), ["!vault"], {})
    for line in written.splitlines():
        assert not re.match(r"\s*(?:- )*(?:[\w]+: )?[!&*]", line), line
