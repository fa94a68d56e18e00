# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How lookup and inventory read the shared options."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS, Connection


def read_connection(plugin: t.Any, templar: t.Any) -> Connection:
    """Return the shared options of a plugin whose options are set. Raises `OptionError`."""
    options = {name: plugin.get_option(name) for name in CONNECTION_ARGUMENTS}
    # From a variable or an inventory source, the token comes as it was written there.
    token = templar.template(options["partner_token"])
    options["partner_token"] = None if token is None else to_text(token)
    return Connection.from_options(options)


def option_problem(error: Exception) -> str:
    """Return what to tell the user about an option that ansible-core refused."""
    if "partner_token" in str(error):
        return "partner_token is missing: set the option, the environment variable ZAPI_PARTNER_TOKEN or the variable zapi_partner_token"
    return str(error)
