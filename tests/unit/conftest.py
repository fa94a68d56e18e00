# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What all unit tests share: the settings of hypothesis, and an environment without the user's own settings."""

from __future__ import annotations

import os
import typing as t

import pytest
from hypothesis import HealthCheck, settings

if t.TYPE_CHECKING:
    from pathlib import Path

_COMMON: dict[str, t.Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("brief", max_examples=20, derandomize=True, **_COMMON)
settings.register_profile("quick", max_examples=50, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=300, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_PRIVATE = ("proxy", "zapi_", "netrc", "ca_bundle")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if any(part in name.lower() for part in _PRIVATE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
