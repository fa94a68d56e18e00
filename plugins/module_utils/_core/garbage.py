# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Work during which the search for reference cycles takes time and finds none."""

from __future__ import annotations

import contextlib
import gc
import typing as t


@contextlib.contextmanager
def garbage_collector_off() -> t.Iterator[None]:
    """Disable the garbage collector. Objects without reference cycles are freed without it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # These two move all new objects to the oldest generation, which the next collections do not search.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
