# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Expectations as the text of a YAML file, written as a person would have.

It holds no tag and no anchor, and whatever YAML could take for something else than text is in quotes.
"""

from __future__ import annotations

import re
import typing as t

from ._errors import OptionError

SCHEMA = "https://raw.githubusercontent.com/zapi/ansible-zapi/main/docs/schemas/expectations.json"
"""Where editors find the schema of such a file."""

# What neither YAML 1.1 nor 1.2 takes for anything else. Colons and hashes count only beside blanks.
_PLAIN = re.compile(r"[A-Za-z](?:[\w./*@+%=?&~$!()',;{}-]|[:#](?=\S)| (?=[\w(*+]))*", re.A)
_OTHER_THAN_TEXT = re.compile(r"(?:y|yes|n|no|true|false|on|off|null|nan|inf)", re.I)
_TEMPLATE = re.compile(r"\{[{%#]|[}%#]\}|\A#jinja2:")


def is_writable(text: str) -> bool:
    """Whether a file can hold the text: it is UTF-8, and nothing that Ansible could take for a template."""
    if _TEMPLATE.search(text):
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def document(items: t.Sequence[t.Mapping[str, t.Any]], heading: t.Sequence[str], names: t.Mapping[str, str]) -> str:
    """Return the items as the text of a file that holds them as ``expectations``.

    ``heading`` are lines of a comment on top. ``names`` has the names of instances by id; they stand behind their ids as comments.
    Raises `OptionError` for an id that Ansible could take for a template.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        *(_comment(line) for line in heading),
        "---",
        "expectations:" if items else "expectations: []",
    ]
    for item in items:
        first, *others = _item(item, names)
        lines += [f"  - {first}", *(f"    {line}" for line in others)]
    return "\n".join([*lines, ""])


def _item(item: t.Mapping[str, t.Any], names: t.Mapping[str, str]) -> t.Iterator[str]:
    for key, value in item.items():
        if key == "match":
            yield from _match(value, names)
        elif key == "ignore":
            yield from _listed(key, value)
        elif key == "expect":
            yield "expect:"
            for line in _mapping(value):
                yield f"  {line}"
        else:
            yield f"{key}: {_scalar(value)}"


def _match(conditions: t.Mapping[str, str], names: t.Mapping[str, str]) -> t.Iterator[str]:
    for text in conditions.values():
        if not is_writable(text):
            raise OptionError(
                f"the file cannot hold what Ansible could take for a template, or what is no text: {text[:60].encode('ascii', 'backslashreplace').decode()!r}"
            )
    yield "match:"
    for key, condition in conditions.items():
        name = names.get(condition, "") if key == "id" else ""
        yield f"  {key}: {_scalar(condition)}" + (f"  {_comment(name)}" if name.strip() else "")


def _mapping(mapping: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, dict):
            yield f"{key}:"
            for line in _mapping(value):
                yield f"  {line}"
        elif isinstance(value, list):
            yield from _listed(key, value)
        else:
            yield f"{key}: {_scalar(value)}"


def _listed(key: str, values: t.Sequence[str]) -> t.Iterator[str]:
    if not values:
        yield f"{key}: []"
        return
    yield f"{key}:"
    for value in values:
        yield f"  - {_scalar(value)}"


def _scalar(value: t.Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and not _OTHER_THAN_TEXT.fullmatch(value):
        return value
    return f'"{"".join(map(_quoted, value))}"'


def _quoted(character: str) -> str:
    """Return a character as it stands between double quotes."""
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else _escaped(character)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _comment(text: str) -> str:
    """Return a line of comment, whatever a customer has put into it."""
    return f"# {''.join(character if character.isprintable() else _escaped(character) for character in text)}".rstrip()
