# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The API's many forms of a time, parsed as epoch milliseconds and written as ISO 8601."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from functools import lru_cache

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - all times here are in UTC
_SECOND = dt.timedelta(seconds=1)
# The years 1 to 9999, in epoch milliseconds
_FIRST, _AFTER_LAST = -62_135_596_800_000, 253_402_300_800_000
_ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,](\d+))?)?))?\s*(?:Z|([+-])(\d\d):?(\d\d)?)?",
    re.I | re.A,
)
_INTEGER = re.compile(r"[+-]?\d+", re.A)


def milliseconds(value: t.Any) -> t.Optional[int]:
    """Return epoch milliseconds from a number, from digits in a string, or from ISO 8601 text (UTC if it has no zone)."""
    try:
        if isinstance(value, str):
            moment = _ISO_8601.fullmatch(value.strip())
            if moment:
                return _from_iso_8601(moment)
            return int(value) if _INTEGER.fullmatch(value.strip()) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
    except (ValueError, OverflowError):
        pass  # not a number, or a date that does not exist: null
    return None


def _from_iso_8601(match: re.Match[str]) -> int:
    date, clock, fraction, sign, zone_hours, zone_minutes = match.groups()
    clock = (clock or "00:00")[:8]
    if clock.startswith("24"):
        raise ValueError(clock)  # some releases of Python accept it as the next day
    since = dt.datetime.fromisoformat(f"{date}T{clock}") - _EPOCH
    milliseconds = since // _SECOND * 1000 + int(((fraction or "") + "000")[:3])
    if not zone_hours:
        return milliseconds
    offset = (int(zone_hours) * 60 + int(zone_minutes or 0)) * 60_000
    return milliseconds + offset if sign == "-" else milliseconds - offset


def iso_8601(milliseconds: t.Optional[int]) -> t.Optional[str]:
    """Return a time in epoch milliseconds as ISO 8601, to the second; None if it is outside the years 1 to 9999."""
    if milliseconds is None or not is_possible(milliseconds):
        return None
    days, seconds = divmod(milliseconds // 1000, 86_400)
    return f"{_day(days)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    """Return a day as ISO 8601, given as days since 1970: the times of a fleet are on few of them."""
    return (_EPOCH + dt.timedelta(days=days)).date().isoformat()


def date_of(milliseconds: int) -> dt.date:
    """Return the day, in UTC, of a time in epoch milliseconds that `is_possible`."""
    return (_EPOCH + dt.timedelta(seconds=milliseconds // 1000)).date()


def is_possible(milliseconds: t.Any) -> bool:
    """Return whether a time in epoch milliseconds is in the years 1 to 9999."""
    return isinstance(milliseconds, int) and _FIRST <= milliseconds < _AFTER_LAST
