# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Runs the module zapi.zapi.instance_converge as usual, with expectations from a file, and shows its diff where it fails, too.

Its backup is written where the command was given.
"""

from __future__ import annotations

import typing as t

from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_action import ExpectationsAction
from ansible_collections.zapi.zapi.plugins.plugin_utils._paths import with_path


class ActionModule(ExpectationsAction):
    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return with_path(super().arguments(task_vars), "backup", self._connection)
