# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Modules, run within the test's own process."""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass

import pytest
from ansible.module_utils import basic

from ansible_collections.zapi.zapi.tests.unit.support import INSTANCE_TOKEN, PARTNER_TOKEN

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Outcome:
    """How a module ended, and all that it said."""

    result: dict[str, t.Any]
    printed: str

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def message(self) -> str:
        return str(self.result["msg"])


@contextlib.contextmanager
def _arguments(arguments: dict[str, t.Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        if hasattr(basic, "_ANSIBLE_PROFILE"):  # ansible-core 2.19 and later
            patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
        yield


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a module with a partner token and the given options, and makes sure that no token comes out unasked."""
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, **_: logged.append(str(msg)))

    def run(main: Callable[[], None], *, tokens_expected: bool = False, **options: t.Any) -> Outcome:
        given = {"partner_token": PARTNER_TOKEN, **options}
        arguments = {name: value for name, value in given.items() if value is not None}
        logged.clear()
        with _arguments(arguments), pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        printed = captured.out + captured.err + "".join(logged)
        assert PARTNER_TOKEN not in printed
        assert tokens_expected or INSTANCE_TOKEN not in printed
        assert "Traceback" not in printed
        outcome = Outcome(json.loads(captured.out), printed)
        assert ended.value.code == (1 if outcome.failed else 0)
        return outcome

    return run
