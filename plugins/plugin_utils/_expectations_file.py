# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Reads a file of expectations the way Ansible reads a file of variables.

Webhook URLs contain secrets, and errors of ansible-core quote what they are about, from 2.19 on with lines of the file. So the
messages here quote neither.
"""

from __future__ import annotations

import ast
import os
import re
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from yaml.constructor import ConstructorError

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError

from ._hostvars import TRUST_IS_EXPLICIT
from ._templates import NO_PASSWORD, causes, is_vault_error, plain, problem_of

_KEY = "expectations"
_WRITTEN_DATE = re.compile(r"datetime\.date\((\d{1,4}), (\d{1,2}), (\d{1,2})\)")
_LOADER: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ExpectationsFile(t.NamedTuple):
    """The list of a file, with its templates filled in."""

    declared: t.Any
    lines: list[int] | None  # the line of each item, if the file is YAML that lists them


def read_expectations(name: t.Any, loader: t.Any, templar: t.Any, variables: t.Mapping[str, t.Any]) -> ExpectationsFile:
    """Read the list that a file has under ``expectations``, or the list that it is.

    A relative path starts in the working directory. Templates can use ``variables`` and the other keys of the file. Raises
    `OptionError`.
    """
    file = _path(name)
    available = templar.available_variables
    try:
        content = loader.load_from_file(str(file), **({"trusted_as_template": True} if TRUST_IS_EXPLICIT else {}))
        declared, others = _split(content, file)
        templar.available_variables = {**variables, **others}
        declared = with_dates(plain(templar.template(declared, fail_on_undefined=True), variables.get("omit")))
        return ExpectationsFile(declared, _lines(file, declared))
    except OptionError:
        raise
    except Exception as error:  # noqa: BLE001 - a template can raise anything
        problem = _problem(list(causes(error)), file)
    finally:
        templar.available_variables = available
    # Outside the except block: the words of a cause quote the file.
    raise OptionError(f"{file} {problem}")


def with_dates(declared: t.Any) -> t.Any:
    """Return expectations as a list if ansible-core made a text of them.

    Up to ansible-core 2.18, the result of a template that is a list with a date, such as that of ``until``, is the text that Python
    would write.
    """
    if not isinstance(declared, str) or "datetime.date(" not in declared:
        return declared
    try:
        return ast.literal_eval(_WRITTEN_DATE.sub(lambda match: "'{:0>4}-{:0>2}-{:0>2}'".format(*match.groups()), declared))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return declared


def _path(name: t.Any) -> Path:
    if not isinstance(name, str) or not name.strip():
        raise OptionError("expectations_file must be the name of a file")
    file = Path(os.path.expanduser(os.path.expandvars(name))).absolute()  # noqa: PTH111 - pathlib fails if there is no such user
    if file.is_dir():
        raise OptionError(f"expectations_file: {file} is a directory: add the name of a file")
    if not file.exists():
        raise OptionError(f"expectations_file: {file} does not exist (a relative path starts in the working directory)")
    return file


def _split(content: t.Any, file: Path) -> tuple[t.Any, t.Mapping[str, t.Any]]:
    """Return the list and the other keys of the file."""
    if content is None:
        raise OptionError(f"{file} is empty")
    if isinstance(content, Mapping):
        if _KEY not in content:
            raise OptionError(f"{file} must have the key expectations, with a list of expectations")
        return content[_KEY], {key: value for key, value in content.items() if key != _KEY}
    if isinstance(content, str) or not isinstance(content, Sequence):
        raise OptionError(f"{file} must be a list of expectations, or a mapping with the key expectations")
    return content, {}


def _lines(file: Path, declared: t.Any) -> list[int] | None:
    """Return the line of each item of the list, None if the file is encrypted or a template makes the list."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
    except (yaml.YAMLError, ValueError):  # encrypted, or JSON that is not YAML
        return None
    if isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == _KEY), None)
    if not isinstance(node, yaml.SequenceNode) or not isinstance(declared, list) or len(node.value) != len(declared):
        return None
    return [item.start_mark.line + 1 for item in node.value]


def _problem(errors: Sequence[BaseException], file: Path) -> str:
    for error in errors:
        if isinstance(error, OSError):
            return f"cannot be read: {error.strerror}"
        if isinstance(error, UnicodeError):
            return "is not UTF-8: save it in that encoding"
        if isinstance(error, yaml.YAMLError):
            return _yaml_problem(error)
        if is_vault_error(error):
            is_whole = file.read_bytes().startswith(b"$ANSIBLE_VAULT")
            return f"is encrypted, and {NO_PASSWORD.format('it')}" if is_whole else _encrypted_values()
    return problem_of(errors[0])


def _encrypted_values() -> str:
    return f"has encrypted values, and {NO_PASSWORD.format('them')}"


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return "is not valid YAML: it has characters that text cannot have"
    problem = str(getattr(error, "problem", ""))
    if not isinstance(error, ConstructorError):
        return f"is not valid YAML: line {mark.line + 1}, column {mark.column + 1}"
    if "vault" in problem:
        return _encrypted_values()
    if "key" in problem:
        return f"has a brace where YAML expects text, line {mark.line + 1}: put a value that begins with a brace in quotes"
    return f"has a tag or a value that Ansible does not know, line {mark.line + 1}"
