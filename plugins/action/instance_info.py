# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The action of zapi.zapi.instance_info. In the playbook overview it reads the fleet itself."""

from __future__ import annotations

import typing as t

from ansible_collections.zapi.zapi.plugins.plugin_utils._action import InstanceAction


class ActionModule(InstanceAction):
    module = "instance_info"

    def execute(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        if "_zapi_playbook" not in variables:
            return super().execute(arguments, variables)
        # Imported late: other tasks need no HTTP library on the controller.
        from ansible_collections.zapi.zapi.plugins.plugin_utils._overview import read_overview  # noqa: PLC0415

        return read_overview(arguments)
