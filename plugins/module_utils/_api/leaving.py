# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Whether anybody still waits for what is asked. An orphan must not go on asking with somebody's token."""

from __future__ import annotations

import os
import select
import typing as t


def nobody_waits(result: t.Optional[int] = None) -> t.Callable[[], bool]:
    """Return what tells, whenever it is called, that whoever wants an answer is gone.

    A module names the file descriptor that it writes its ``result`` to: the shell that started it survives its parent, but then
    nobody reads any more. A plugin is left when it runs in a worker of Ansible's whose parent is gone. A command of the user's own
    may well outlive the shell that it was started from.
    """
    if result is not None:
        return lambda: _has_no_reader(result)
    from multiprocessing import parent_process  # noqa: PLC0415 - modules do without, and start sooner

    parent = parent_process()
    return lambda: parent is not None and os.getppid() != parent.pid


def _has_no_reader(descriptor: int) -> bool:
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # that nobody reads is told without being asked for
    return bool(poll.poll(0))
