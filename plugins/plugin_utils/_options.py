# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""How lookup and inventory read the connection options, and which of their values are templates."""

from __future__ import annotations

import typing as t

from ansible import constants as C

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection

from ._arguments import refuse_unknown
from ._templates import OMITTED, fill_in, plain

# From highest to lowest. The first that has a partner token or credentials decides which of the two is used.
_LEVELS = ("option", "variable", "environment")
_CHOICE = ("partner_token", "credentials")
_NARROWING = ("query", "middleware", "credentials")


def read_connection(
    plugin: t.Any,
    templar: t.Any,
    *,
    variables: t.Any,
    arguments: t.Mapping[str, t.Any] | None = None,
    inventory_file: t.Mapping[str, t.Any] | None = None,
) -> Connection:
    """Return the connection of a plugin whose options are set. Raises `OptionError`.

    Values of variables and of an ``inventory_file`` are templates. Ansible has already filled in the templates of a lookup's
    ``arguments``: what looks like a template in them, or in the environment, is data.
    """
    written = (arguments if inventory_file is None else inventory_file) or {}
    # ansible-core ignores unknown options: a misspelt token would leave the account to the environment.
    refuse_unknown(written, C.config.get_configuration_definitions(plugin.plugin_type, plugin._load_name), "instances")
    for name in _NARROWING:
        if name in written and written[name] is None:
            raise OptionError(f"{name} is null: set a value, or leave it out")
    options = {name: plain(plugin.get_option(name)) for name in CONNECTION_ARGUMENTS}
    levels: dict[str, str] = {}
    for name in ("partner_token", "credentials", "client_token", "api_url"):
        value, origin = _value_and_origin(plugin, name, variables, written)
        if origin.startswith("var: "):
            value = fill_in(value, templar, f"the variable {origin[5:]}")
        elif origin == "Direct" and inventory_file is not None:
            value = fill_in(value, templar, name)
        if value is OMITTED:
            value = CONNECTION_ARGUMENTS[name].get("default")
        elif value is not None:
            levels[name] = _level(origin)
        options[name] = plain(value)
    return Connection.from_options({**options, **_one_choice(levels)})


def _value_and_origin(plugin: t.Any, name: str, variables: t.Any, written: t.Mapping[str, t.Any]) -> tuple[t.Any, str]:
    value, origin = C.config.get_config_value_and_origin(
        name, plugin_type=plugin.plugin_type, plugin_name=plugin._load_name, variables=variables, direct=written
    )
    return value, str(origin)


def _level(origin: str) -> str:
    return "option" if origin == "Direct" else "variable" if origin.startswith("var: ") else "environment"


def _one_choice(levels: t.Mapping[str, str]) -> dict[str, None]:
    """Return null for the one of partner token and credentials that does not count. Both at one level are an error."""
    if len({*_CHOICE} & {*levels}) < 2:
        return {}
    token, credentials = (_LEVELS.index(levels[name]) for name in _CHOICE)
    if token == credentials:
        names = " and ".join(f"zapi_{name}" if levels[name] == "variable" else name for name in _CHOICE)
        raise OptionError(f"both {names} are set: leave one of them out")
    return {"credentials": None} if token < credentials else {"partner_token": None}
