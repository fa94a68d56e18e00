# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What all unit tests share: an environment of no one, time that is not slept away, servers on loopback ports."""

from __future__ import annotations

import os
import typing as t
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.zapi.zapi.plugins.module_utils._api.bounds import Allowance
from ansible_collections.zapi.zapi.tests.unit.support import Answer, Certificate, PagedApi, WireServer

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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

_MEDDLING = ("proxy", "zapi_", "netrc", "ca_bundle")


@pytest.fixture(autouse=True)
def _environment_of_no_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if any(part in name.lower() for part in _MEDDLING):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was slept between tries, in seconds; it takes no time."""
    slept: list[float] = []
    monkeypatch.setattr(Allowance, "rest", lambda self, seconds: slept.append(seconds))
    return slept


@pytest.fixture
def wire() -> Iterator[Callable[..., WireServer]]:
    """A real HTTP server for each call, which answers what it is given, the last answer ever again."""
    with ExitStack() as servers:

        def start(*script: Answer, **options: t.Any) -> WireServer:
            return servers.enter_context(WireServer(*script, **options))

        yield start


@pytest.fixture
def api() -> Iterator[PagedApi]:
    """The listing's API without a network: say with `serve` what it answers."""
    with PagedApi() as paged:
        yield paged


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Of a server at 127.0.0.1 and localhost, signed by itself."""
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Likewise, and no server has it."""
    return Certificate.make(tmp_path_factory.mktemp("tls"))
