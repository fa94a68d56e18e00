# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The action of zapi.zapi.instance_audit."""

from __future__ import annotations

from ansible_collections.zapi.zapi.plugins.plugin_utils._action import InstanceAction


class ActionModule(InstanceAction):
    module = "instance_audit"
