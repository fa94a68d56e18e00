# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Writes expectations as the text of a YAML file, as a person would: without tags and anchors.

PyYAML is not a requirement of the modules, and would write neither comments nor this layout.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError

SCHEMA_URL = "https://raw.githubusercontent.com/zapi/ansible-zapi/main/docs/schemas/expectations.json"
"""Where editors find the schema of such a file."""

# What neither YAML 1.1 nor 1.2 reads as anything else than text. Colons and hashes count only beside spaces.
_PLAIN = re.compile(r"[A-Za-z](?:[\w./*@+%=?&~$!()',;{}-]|[:#](?=\S)| (?=[\w(*+]))*", re.A)
_OTHER_THAN_TEXT = re.compile(r"(?:y|yes|n|no|true|false|on|off|null|nan|inf)", re.I)
_TEMPLATE = re.compile(r"\{[{%#]|[}%#]\}|\A#jinja2:")


def is_writable(text: str) -> bool:
    """Return whether a file can hold the text: UTF-8 can encode it, and Ansible cannot take it for a template."""
    return not _TEMPLATE.search(text) and not any("\ud800" <= character <= "\udfff" for character in text)


def document(
    expectations: t.Sequence[t.Mapping[str, t.Any]],
    heading: t.Sequence[str],
    names: t.Mapping[str, str],
    comments: t.Optional[t.Mapping[str, str]] = None,
) -> str:
    """Return the text of a file with these expectations.

    ``heading`` are lines of a comment at the top. ``names`` has the names of instances by ID, ``comments`` our words about them, such
    as *muted*: both are a comment behind each ID in a ``match``. Raises `OptionError` for a text that is not `is_writable`.
    """
    comments = comments or {}
    remarks = {identity: _remark(names.get(identity, ""), comments.get(identity)) for identity in {**names, **comments}}
    lines = [f"# yaml-language-server: $schema={SCHEMA_URL}", *(f"# {_escaped(line)}".rstrip() for line in heading), "---"]
    lines.append("expectations:" if expectations else "expectations: []")
    for expectation in expectations:
        first, *others = [line for key, value in expectation.items() for line in _entry(key, value, remarks)]
        lines += [f"  - {first}", *(f"    {line}" for line in others)]
    return "\n".join([*lines, ""])


def _entry(key: str, value: t.Any, remarks: t.Mapping[str, str]) -> t.Iterator[str]:
    """Yield the lines of a key with its value. Only a ``match`` has the key ``id``."""
    behind = remarks if key == "id" else {}
    if isinstance(value, Mapping):
        yield f"{key}:"
        for inner_key, inner in value.items():
            for line in _entry(inner_key, inner, remarks):
                yield f"  {line}"
    elif isinstance(value, (list, tuple)):
        yield f"{key}:" if value else f"{key}: []"
        for element in value:
            yield f"  - {_scalar(element)}{behind.get(element, '')}"
    else:
        yield f"{key}: {_scalar(value)}{behind.get(value, '')}"


def _scalar(value: t.Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if not is_writable(value):
        shown = value[:60].encode("ascii", "backslashreplace").decode()
        raise OptionError(f"the file cannot contain {shown!r}: Ansible could take it for a template, or it is not valid text")
    if _PLAIN.fullmatch(value) and not _OTHER_THAN_TEXT.fullmatch(value):
        return value
    characters = (f"\\{character}" if character in '"\\' else _escaped(character) for character in value)
    return f'"{"".join(characters)}"'


def _remark(name: str, comment: t.Optional[str]) -> str:
    """Return the comment behind an ID: the name in quotes, then our words.

    Names come from strangers. Programs such as yamllint and ansible-lint find their directives at the beginning of a comment, before
    a colon or behind a hash: the quotes prevent the first, and the name loses colons and hashes.
    """
    plain = " ".join(_escaped(re.sub('[:#"]', " ", name)).split())
    words = [f'"{plain}"'] if plain else []
    return f"  # {', '.join([*words, comment] if comment else words)}" if plain or comment else ""


def _escaped(text: str) -> str:
    """Return a text in which characters that cannot be seen are written as in double quotes."""
    return text if text.isprintable() else "".join(one if one.isprintable() else _code(ord(one)) for one in text)


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
