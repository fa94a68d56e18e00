# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Modules that run in the process of the test, against an emulator in the same process."""

from __future__ import annotations

import contextlib
import inspect
import json
import typing as t
from dataclasses import dataclass, field

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings

from ansible_collections.zapi.zapi.plugins.modules import instance_adopt, instance_audit, instance_converge, instance_info
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

if t.TYPE_CHECKING:
    from collections.abc import Iterator

PARTNER_TOKEN = "the-partner-token-of-the-tests"
MAINS = {"adopt": instance_adopt.main, "audit": instance_audit.main, "converge": instance_converge.main, "info": instance_info.main}
# Since ansible-core 2.21, modules return `invocation` on request only.
_INJECT_INVOCATION = "_ansible_inject_invocation"
_SHOW_INVOCATION = {_INJECT_INVOCATION: True} if _INJECT_INVOCATION in inspect.getsource(basic) else {}
_OTHERS = ("receivedAndDelivery", "delivery", "messageStatus", "presenceChat", "connected", "disconnected", "receivedStatus")


def instance(number: int, **fields: t.Any) -> dict[str, t.Any]:
    """An instance with the ID A1, the name Loja 1 and the token token-of-A1; its settings are returned by /me only."""
    settings = {"receiveCallbackSentByMe": True, "callbackTypeFilters": [], "messageFilters": [], "callRejectAuto": False}
    return {
        "id": f"A{number}",
        "token": f"token-of-A{number}",
        "name": f"Loja {number}",
        "middleware": "web",
        "tenant": "acme",
        "paymentStatus": "PAID",
        "whatsappConnected": True,
        "phoneConnected": True,
        "receivedCallbackUrl": f"https://hooks.example.com/A{number}",
        **{f"{one}CallbackUrl": "" for one in _OTHERS},
        "_me": settings,
        **fields,
    }


@dataclass(frozen=True)
class Run:
    """How a module ended, and everything that it printed or logged."""

    result: dict[str, t.Any]
    printed: str

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def msg(self) -> str:
        return str(self.result["msg"])

    @property
    def warnings(self) -> list[str]:
        found = self.result.get("warnings", [])
        return [one if isinstance(one, str) else one["event"]["msg"] for one in found]


@dataclass
class Service:
    """The emulated Z-API, and the modules as an account of it sees them."""

    emulator: Emulator
    capture: pytest.CaptureFixture[str]
    logged: list[str] = field(default_factory=list)

    def run(self, module: str, *, check: bool = False, diff: bool = False, shows_tokens: bool = False, **options: t.Any) -> Run:
        """Run a module, and assert that it prints no token. An option of None is not set."""
        connection = {"partner_token": PARTNER_TOKEN, "api_url": self.emulator.url, "retries": 0, "timeout": 5}
        given = {name: value for name, value in {**connection, **options}.items() if value is not None}
        arguments = {**given, **_SHOW_INVOCATION, "_ansible_check_mode": check, "_ansible_diff": diff}
        self.logged.clear()
        warnings._global_warnings.clear()  # a module is usually alone in its process
        self.capture.readouterr()
        with _arguments(arguments), pytest.raises(SystemExit) as ended:
            MAINS[module]()
        captured = self.capture.readouterr()
        printed = captured.out + captured.err + "".join(self.logged)
        assert PARTNER_TOKEN not in printed
        assert shows_tokens or "token-of-" not in printed
        assert "Traceback" not in printed
        run = Run(json.loads(captured.out), printed)
        assert ended.value.code == (1 if run.failed else 0)
        return run

    @property
    def calls(self) -> list[tuple[str | None, str | None]]:
        """The instance calls that were made: ID and name."""
        return [(one["instance"], one["call"]) for one in self.emulator.requests if one["instance"]]

    @property
    def written(self) -> list[tuple[str | None, str | None, t.Any]]:
        """The calls that write: ID, name and body."""
        return [(one["instance"], one["call"], one["body"]) for one in self.emulator.requests if one["method"] == "PUT"]


@contextlib.contextmanager
def _arguments(arguments: dict[str, t.Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        if hasattr(basic, "_ANSIBLE_PROFILE"):  # ansible-core 2.19 and later
            patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
            # If other tests have imported the controller, warnings would be printed by it.
            patch.setattr("ansible.module_utils.common.warnings._internal.is_controller", False)
        yield


@pytest.fixture
def service(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A fleet of three instances."""
    with Emulator([instance(number) for number in (1, 2, 3)], partner_token=PARTNER_TOKEN) as emulator:
        running = Service(emulator, capsys)
        monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, **_: running.logged.append(str(msg)))
        yield running
