# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Runs the module zapi.zapi.instance_audit as usual, with expectations from a file on the controller, and shows its diff."""

from __future__ import annotations

from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_action import ExpectationsAction


class ActionModule(ExpectationsAction):
    pass
