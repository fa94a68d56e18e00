# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Runs the module zapi.zapi.instance_audit as usual, and shows its diff.

Most callbacks show the diff of a task only if it changed something. An audit never does, and often fails as well.
"""

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible import context
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

display = Display()


class ActionModule(NormalAction):
    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if self._task.diff and not self._task.no_log and result.get("diff") and not _is_shown_by(_callback(), result):
            display.display(CallbackBase()._get_diff(result["diff"]))
        return result


def _is_shown_by(callback: str, result: t.Mapping[str, t.Any]) -> bool:
    # Output that a program reads, such as the json callback's, has the diff in the result and bears no other text.
    return "json" in callback or (callback == "minimal" and not result.get("failed"))


def _callback() -> str:
    """Return the name of the callback that prints, which ad-hoc commands and the console choose in their own way."""
    configured = str(getattr(C, "DEFAULT_STDOUT_CALLBACK", "default"))
    if "start_at_task" not in context.CLIARGS:  # not ansible-playbook
        if context.CLIARGS.get("one_line"):
            return "oneline"
        # Only this one spelling of the default is taken for none.
        if configured == "default" or not getattr(C, "DEFAULT_LOAD_CALLBACK_PLUGINS", False):
            return "minimal"
    return configured.rpartition(".")[2]
