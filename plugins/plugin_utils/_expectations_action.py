# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Runs a module that takes expectations: they may come from a file on the controller, and its diff is shown.

Most callbacks show the diff of a task only if it changed something and did not fail.
"""

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible import context
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_file import read_expectations, with_dates

display = Display()


class ExpectationsAction(NormalAction):
    """What the actions of these modules share."""

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        try:
            self._task.args = self.arguments(task_vars or {})
        except ZapiError as error:
            return {"failed": True, "msg": str(error)}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if self._task.diff and not self._task.no_log and result.get("diff") and not self._is_shown(result):
            display.display(CallbackBase()._get_diff(result["diff"]))
        return result

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the task's arguments, with the expectations in place of their file. Raises `OptionError`."""
        arguments = dict(self._task.args)
        file = arguments.pop("expectations_file", None)
        if file is None:
            if "expectations" in arguments:
                arguments["expectations"] = with_dates(arguments["expectations"])
            return arguments
        if arguments.get("expectations") is not None:
            raise OptionError("both expectations and expectations_file are given: leave one of them out")
        if not isinstance(file, str) or not file:
            raise OptionError("expectations_file must be the name of a file")
        return {**arguments, "expectations": read_expectations(file, self._loader, self._templar, task_vars)}

    def _is_shown(self, result: t.Mapping[str, t.Any]) -> bool:
        """Whether the callback shows the diff."""
        callback = _callback()
        # Output that a program reads, such as the json callback's, has the diff in the result and bears no other text.
        if "json" in callback:
            return True
        failed = _decided(self._task.failed_when, bool(result.get("failed")))
        changed = _decided(self._task.changed_when, bool(result.get("changed")))
        return not failed and (callback == "minimal" or changed)


def _decided(conditions: t.Any, otherwise: bool) -> bool:
    """Return what a task that has true or false as its failed_when or changed_when makes of its result."""
    values = conditions if isinstance(conditions, list) else [conditions]
    return values[0] if len(values) == 1 and isinstance(values[0], bool) else otherwise


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
