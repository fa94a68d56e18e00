# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How lookup and inventory read the shared options, and which of their values are templates."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible import constants as C
from ansible.errors import AnsibleUndefinedVariable
from ansible.module_utils.common.text.converters import to_text
from jinja2 import TemplateSyntaxError

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError

# The options that have a variable. From there, and from an inventory file, they come as they were written there.
_TEMPLATED = ("partner_token", "credentials", "client_token")
_LONGEST_CHAIN = 20


def read_connection(
    plugin: t.Any,
    templar: t.Any,
    *,
    variables: t.Any,
    arguments: t.Optional[t.Mapping[str, t.Any]] = None,
    inventory_file: t.Optional[t.Mapping[str, t.Any]] = None,
) -> Connection:
    """Return the shared options of a plugin whose options are set, from these sources among others. Raises `OptionError`.

    Where a value came from decides whether it is a template. Ansible has templated the ``arguments`` already: what looks like
    a template in them, or in the environment, was put there by somebody who may not run anything here.
    """
    options = {name: plugin.get_option(name) for name in CONNECTION_ARGUMENTS}
    for name in _TEMPLATED:
        value, origin = C.config.get_config_value_and_origin(
            name,
            plugin_type=plugin.plugin_type,
            plugin_name=plugin._load_name,
            variables=variables,
            direct=arguments if inventory_file is None else inventory_file,
        )
        if origin.startswith("var: "):
            value = _filled_in(value, templar, f"{name} (variable {origin[5:]})")
        elif origin == "Direct" and inventory_file is not None:
            value = _filled_in(value, templar, f"{name} (inventory file)")
        options[name] = plain(value)
    return Connection.from_options(options)


def plain(value: t.Any) -> t.Any:
    """Return a value whose texts are texts, and no longer encrypted ones."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else to_text(value)


def _filled_in(value: t.Any, templar: t.Any, where: str) -> t.Any:
    try:
        return templar.template(value, fail_on_undefined=True)
    except Exception as error:  # noqa: BLE001 - a template can raise anything, also what a plugin that it calls raises
        problem = _template_problem(error)
    # Out of the except block, so that the error has no cause: the words of that one quote the template.
    raise OptionError(f"the template of {where} could not be filled in: {problem}")


def _template_problem(error: BaseException) -> str:
    cause: t.Optional[BaseException] = error
    for _link in range(_LONGEST_CHAIN):
        if isinstance(cause, AnsibleUndefinedVariable):
            return "a variable in it is not defined"
        if isinstance(cause, TemplateSyntaxError):
            return "it has a mistake in its syntax"
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return f"it ends in an error ({type(error).__name__})"
