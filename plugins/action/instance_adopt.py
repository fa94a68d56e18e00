# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Runs the module zapi.zapi.instance_adopt as usual, with the file that it writes where the command was given."""

from __future__ import annotations

import typing as t

from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.zapi.zapi.plugins.plugin_utils._paths import with_path


class ActionModule(NormalAction):
    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        self._task.args = with_path(self._task.args, "dest", self._connection)
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result
