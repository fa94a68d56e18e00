# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Reads a file of expectations, as Ansible reads a file of variables, and tells in one line what is wrong with it.

Webhook URLs hold secrets, and the errors of ansible-core quote what they are about, from 2.19 on with lines of the file: none of
their words are told.
"""

from __future__ import annotations

import ast
import re
import typing as t
from collections.abc import Mapping, Sequence

from jinja2 import TemplateSyntaxError
from yaml import YAMLError
from yaml.constructor import ConstructorError

from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import TRUST_IS_EXPLICIT
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import plain
from ansible_collections.zapi.zapi.plugins.plugin_utils._paths import from_command

if t.TYPE_CHECKING:
    from pathlib import Path

_KEY = "expectations"
_LONGEST_CHAIN = 20
_WRITTEN_DATE = re.compile(r"datetime\.date\((\d{1,4}), (\d{1,2}), (\d{1,2})\)")
_NO_PASSWORD = "no vault password opens {}: use --ask-vault-pass or --vault-password-file"  # noqa: S105


def read_expectations(name: str, loader: t.Any, templar: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return what stands under ``expectations`` in a file, or the list that it is, with its templates filled in.

    A relative path starts where the command was given. Raises `OptionError`.
    """
    file = from_command(name)
    available = templar.available_variables
    try:
        if file.is_dir():
            raise OptionError(f"{file} is a directory: name a file in it")
        if not file.exists():
            raise OptionError(f"there is no file {file}: a relative path starts where the command was given")
        content = loader.load_from_file(str(file), **({"trusted_as_template": True} if TRUST_IS_EXPLICIT else {}))
        declared, others = _taken_apart(content, file)
        templar.available_variables = {**variables, **others}
        return plain(templar.template(declared, fail_on_undefined=True))
    except OptionError:
        raise
    except Exception as error:  # noqa: BLE001 - a template can raise anything
        problem = _problem(list(_chain(error)), file)
    finally:
        templar.available_variables = available
    # Out of the except block, so that the error has no cause: its words quote the file.
    raise OptionError(f"{file} {problem}")


def with_dates(declared: t.Any) -> t.Any:
    """Return expectations as a list where an old ansible-core has made a text of them.

    Up to 2.18 a list that holds a date, such as that of ``until``, comes out of a template as Python would write it.
    """
    if not isinstance(declared, str) or "datetime.date(" not in declared:
        return declared
    try:
        return ast.literal_eval(_WRITTEN_DATE.sub(lambda match: "'{:0>4}-{:0>2}-{:0>2}'".format(*match.groups()), declared))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return declared  # which is told as the text that it is


def _taken_apart(content: t.Any, file: Path) -> tuple[t.Any, t.Mapping[str, t.Any]]:
    """Return what is declared, and the file's other keys: its templates may use them."""
    if content is None:
        raise OptionError(f"{file} is empty")
    if isinstance(content, Mapping):
        if _KEY not in content:
            raise OptionError(f"{file} lacks the key expectations, with the list of them")
        return content[_KEY], {key: value for key, value in content.items() if key != _KEY}
    if isinstance(content, str) or not isinstance(content, Sequence):
        raise OptionError(f"{file} holds neither a list nor the key expectations with a list")
    return content, {}


def _chain(error: t.Optional[BaseException]) -> t.Iterator[BaseException]:
    for _link in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__ or getattr(error, "orig_exc", None)


def _problem(errors: Sequence[BaseException], file: Path) -> str:
    for error in errors:
        if isinstance(error, OSError):
            return f"cannot be read: {error.strerror}"
        if isinstance(error, UnicodeError):
            return "is no UTF-8: save it in that encoding"
        if isinstance(error, YAMLError):
            return _yaml_problem(error)
        if "Vault" in type(error).__name__:  # of several, none of which every ansible-core has
            whole = file.read_bytes().startswith(b"$ANSIBLE_VAULT")
            return f"is encrypted, and {_NO_PASSWORD.format('it')}" if whole else _locked()
        if isinstance(error, TemplateSyntaxError):
            return "has a template with a mistake in its syntax"
        undefined = re.search(r"'(\w+)' is undefined", str(error), re.A)
        if undefined:
            return _undefined_problem(undefined[1])
    return "holds a template that cannot be filled in, or something that Ansible cannot read"


def _locked() -> str:
    return f"has encrypted values, and {_NO_PASSWORD.format('them')}"


def _yaml_problem(error: YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return "is no YAML: it holds characters that are none of a text"
    words = str(getattr(error, "problem", ""))
    if not isinstance(error, ConstructorError):
        return f"is no YAML that can be read: look at line {mark.line + 1}, column {mark.column + 1}"
    if "vault" in words:
        return _locked()
    if "key" in words:
        return f"has a brace where YAML expects text: look at line {mark.line + 1}. Quote what begins with a brace"
    return f"has a tag or a value that Ansible does not know: look at line {mark.line + 1}"


def _undefined_problem(name: str) -> str:
    if name in ("id", "name"):
        return f"has two braces around {name}, which is a template of Ansible's. One is right: write {{{name}}}"
    return f"uses a variable that is not defined: {name}. Give it in the file, or with -e"
