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
    """Return what tells, whenever it is called, that whoever started this process is gone.

    ``result`` is the file descriptor that a module answers on. The shell that starts a module survives its parent; but then
    nobody reads what the module writes any more.
    """
    parent = os.getppid()
    return lambda: os.getppid() != parent or (result is not None and _has_no_reader(result))


def _has_no_reader(descriptor: int) -> bool:
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # that nobody reads is told without being asked for
    return bool(poll.poll(0))
