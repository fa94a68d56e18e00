# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Fixtures of what sends requests: no time to wait, certificates."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._http.session import RequestGroup
from ansible_collections.zapi.zapi.tests.unit.engine import write_certificate

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each pause between two attempts. They take no time."""
    seconds: list[float] = []
    monkeypatch.setattr(RequestGroup, "sleep", lambda _group, pause: seconds.append(pause))
    return seconds


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate and key of a server, in one file."""
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that no server has."""
    return write_certificate(tmp_path_factory.mktemp("tls"))
