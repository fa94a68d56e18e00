# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Python's garbage collector, where looking for reference cycles takes time and finds none."""

from __future__ import annotations

import contextlib
import gc
import typing as t


@contextlib.contextmanager
def garbage_collector_off() -> t.Iterator[None]:
    """Let the garbage collector rest: what has no reference cycles is freed without it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # Everything new counts as old from here on: the next collection does not search it.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
