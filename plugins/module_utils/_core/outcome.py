# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The outcome of a planned change."""

from __future__ import annotations

import enum
import typing as t

if t.TYPE_CHECKING:
    from .errors import Reason


class Status(enum.Enum):
    """How a planned change ended."""

    PLANNED = "planned"
    CHANGED = "changed"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


class Outcome(t.NamedTuple):
    """The outcome of a change. ``note`` explains a change that did not fail, or one that was not tried."""

    status: Status
    error: t.Optional[Reason] = None
    note: t.Optional[Reason] = None
    is_uncertain: bool = False  # the call was sent, and neither the old nor the new value was read back

    @property
    def may_have_taken_effect(self) -> bool:
        """Return whether the instance has the new value, or may have it."""
        return self.status is Status.CHANGED or self.is_uncertain
