# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Times in all forms that the API writes them."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import date_of, is_possible, iso_8601, milliseconds

INVALID: list[t.Any] = [None, "", "soon", True, [], {}, float("inf"), float("nan"), "2022-02-30", "2022-03-29T24:00"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1648565999675, 1648565999675),
        ("1648565999675", 1648565999675),
        (1648565999675.9, 1648565999675),
        ("2022-03-29T14:59:59.675Z", 1648565999675),
        ("2022-03-29T11:59:59.675-03:00", 1648565999675),
        ("2022-03-29 14:59:59,675", 1648565999675),
        ("2022-03-29", 1648512000000),
        ("2022-03-29T14:59", 1648565940000),
        *((value, None) for value in INVALID),
    ],
)
def test_milliseconds(value, expected):
    assert milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1648565999675, "2022-03-29T14:59:59Z"),
        (-62135596800000, "0001-01-01T00:00:00Z"),
        (10**17, None),
        (-(10**17), None),
        (None, None),
    ],
)
def test_iso_8601(value, text):
    assert iso_8601(value) == text
    assert is_possible(value) is (text is not None)


@given(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_zone_does_not_change_the_moment(moment, minutes):
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    moment = moment.replace(microsecond=0, tzinfo=dt.timezone.utc)
    value = milliseconds(moment.astimezone(zone).isoformat())
    assert iso_8601(value) == moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    assert date_of(value) == moment.date()
