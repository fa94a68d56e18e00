# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Fills in templates of variables and inventory files. No error repeats the words of a template: they may be secrets."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible.module_utils.common.text.converters import to_text
from jinja2 import TemplateSyntaxError, UndefinedError

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError

OMITTED: t.Any = object()
"""What `fill_in` returns for ``omit``."""

NO_PASSWORD = "no vault password decrypts {}: use --ask-vault-pass or --vault-password-file"  # noqa: S105
_MAX_CAUSES = 20


def fill_in(value: t.Any, templar: t.Any, source: str) -> t.Any:
    """Return a value with its templates filled in, as plain data. Raises `OptionError`, which names the ``source``."""
    try:
        # Up to ansible-core 2.18 omit is a text.
        return plain(templar.template(value, fail_on_undefined=True), templar.available_variables.get("omit", OMITTED))
    except Exception as error:  # noqa: BLE001 - a template can raise anything, and so can the plugins that it calls
        if type(error).__name__ == "AnsibleValueOmittedError":  # new in ansible-core 2.19
            return OMITTED
        problem = problem_of(error)
    # Outside the except block: the words of a cause quote the template.
    raise OptionError(f"{source} {problem}")


def plain(value: t.Any, omit: t.Any = OMITTED) -> t.Any:
    """Return a value whose texts are plain and decrypted. Items that are ``omit`` are left out."""
    if isinstance(value, Mapping):
        items = {plain(key): plain(item, omit) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not OMITTED}
    if isinstance(value, (list, tuple)):
        return [item for item in (plain(item, omit) for item in value) if item is not OMITTED]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = to_text(value)
    return OMITTED if text == omit else text


def causes(error: BaseException | None) -> t.Iterator[BaseException]:
    """Yield an error and its causes."""
    for _cause in range(_MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__ or getattr(error, "orig_exc", None)


def problem_of(error: BaseException) -> str:
    """Return what is wrong with a template. Completes *the value …* and quotes only the name of a variable."""
    for cause in causes(error):
        if is_vault_error(cause):
            return f"is encrypted, and {NO_PASSWORD.format('it')}"
        if isinstance(cause, TemplateSyntaxError):
            return "has a template with a syntax error"
        undefined = re.search(r"'(\w+)' is undefined", str(cause), re.A)
        if undefined:
            return _undefined_problem(undefined[1])
        if isinstance(cause, UndefinedError):
            return "has a template that uses something that is not defined"
    return f"has a template that failed ({type(error).__name__})"


def is_vault_error(error: BaseException) -> bool:
    """Return whether a value could not be decrypted. The classes of these errors depend on the release of ansible-core."""
    return "Vault" in type(error).__name__


def _undefined_problem(name: str) -> str:
    if name in ("id", "name"):
        return f"has two braces around {name}, which makes it a template of Ansible: write {{{name}}}"
    return f"uses a variable that is not defined: {name}"
