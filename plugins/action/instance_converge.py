# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Runs the module zapi.zapi.instance_converge as usual, with expectations from a file, and shows its diff where it fails, too.

Its backup is written where the command was given. And it ends with Ansible: where that is killed, nothing is set any more.
"""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._api.leaving import nobody_waits
from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_action import ExpectationsAction
from ansible_collections.zapi.zapi.plugins.plugin_utils._paths import with_path

_LOOK = 0.5  # seconds


class ActionModule(ExpectationsAction):
    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[dict[str, t.Any]] = None) -> dict[str, t.Any]:
        with _leaving_with_ansible():
            return super().run(tmp, task_vars)

    def arguments(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        return with_path(super().arguments(task_vars), "backup", self._connection)


@contextlib.contextmanager
def _leaving_with_ansible() -> t.Iterator[None]:
    """End this process as soon as the one that started it is gone.

    A killed ansible-playbook leaves the worker that this is, which goes on reading from the module; and the module goes on setting
    things for as long as anybody reads.
    """
    is_done, is_orphan = threading.Event(), nobody_waits()

    def watch() -> None:
        while not is_done.wait(_LOOK):
            if is_orphan():
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_done.set()
