# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The action of every module: it completes the arguments, shows the diff, and is the first and last task of a playbook."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.garbage import garbage_collector_off
from ansible_collections.zapi.zapi.plugins.module_utils._files import checked_path
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets, quote_server

from ._accounts import check_accounts
from ._arguments import (
    OPTIONS,
    PLAYBOOKS,
    SECRETS,
    Playbook,
    playbook_arguments,
    private_variables,
    report_variables,
    task_arguments,
)
from ._expectations_file import read_expectations, with_dates

Result = dict[str, t.Any]

_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"  # as ansible-core writes it
_WATCH_INTERVAL = 0.5  # seconds

display = Display()


class InstanceAction(ActionBase):
    """Base class of the actions. Resolved arguments are never assigned to the task, since callbacks get those."""

    module: str
    path_option: str | None = None  # a file that the module writes
    writes = False  # to the account
    _supports_check_mode = True
    _supports_async = True
    _task: t.Any
    _written: dict[str, t.Any]  # the arguments that the task has

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Run the module, or the step of a playbook of this collection."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        # Each attempt of until makes an action anew, and only the task stays.
        self._written = self._task._zapi_written = getattr(self._task, "_zapi_written", dict(self._task.args))
        try:
            if "_zapi_playbook" not in variables:
                result = self._run_task(variables)
            elif private := private_variables(load_extra_vars(self._loader)):
                # They replace what the playbook sets, also which of its tasks this is: none of them may pass.
                result = {"failed": True, "msg": f"The playbook could not run: {private[0]} cannot be set with -e: leave it out"}
            elif variables.get("_zapi_step") == "verdict":
                result = self._verdict(variables)
            else:
                result = self._run_playbook(variables)
        finally:
            self._task.args = {name: self._without_secret(name, value) for name, value in self._task.args.items()}
        if self._task.diff and not self._task.no_log and result.get("diff") and not self._is_shown(result):
            display.display(CallbackBase()._get_diff(result["diff"]))
        return result

    def execute(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> Result:
        """Run the module and return its result."""
        arguments = self._with_files(arguments, variables)
        wrap_async = bool(self._task.async_val)
        # The worker is a fork. Searching all objects that it inherited would take longer than packing the module.
        with garbage_collector_off(), _exit_with_ansible() if self.writes else contextlib.nullcontext():
            result: Result = self._execute_module(module_args=arguments, task_vars=variables, wrap_async=wrap_async)
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _run_task(self, variables: dict[str, t.Any]) -> Result:
        try:
            return self.execute(task_arguments(self.module, self._written, variables, self._templar), variables)
        except ZapiError as error:
            problem = error_text(error)
        return {"failed": True, "msg": problem}

    def _run_playbook(self, variables: dict[str, t.Any]) -> Result:
        """Run the module and return its result, which is never a failure: the verdict decides."""
        playbook = PLAYBOOKS[variables["_zapi_playbook"]]
        try:
            report = report_variables(variables, self._templar) if playbook.has_report else {}
            if report:
                from ._verdict import check_report  # noqa: PLC0415 - other tasks need no formats of reports, and each import takes time

                check_report(report)
        except ZapiError as error:
            return {"changed": False, "could_not_run": error_text(error)}
        result = self._run_module(playbook, variables)
        return {**result, "report": report or None} if playbook.has_report else result

    def _run_module(self, playbook: Playbook, variables: dict[str, t.Any]) -> Result:
        arguments: dict[str, t.Any] = {}
        try:
            check_accounts(variables, self._templar)
            arguments = {
                **playbook_arguments(playbook, variables, load_extra_vars(self._loader), self._templar),
                **self._written,
            }
            self._check_playbook(arguments)
            result = self.execute(arguments, variables)
        except ZapiError as error:
            return {"changed": False, "could_not_run": error_text(error)}
        except Exception as error:  # noqa: BLE001 - the verdict reports whatever it is
            words = str(error) if isinstance(error, AnsibleError) else type(error).__name__
            secrets = Secrets(arguments.get(name) for name in ("partner_token", "client_token"))
            return {"changed": False, "could_not_run": quote_server(words, secrets)}
        if "module_stdout" in result or "msg" not in result:
            result.pop("failed", None)
            return {**result, "changed": self.writes and not self._task.check_mode, "has_died": True}
        if playbook.result not in result:
            return {**_not_failed(result), "could_not_run": str(result.get("msg"))}
        result.pop("expectations", None)  # of an adoption: -v would print their secrets
        return {**_not_failed(result), "has_failed": bool(result.get("failed"))}

    def _verdict(self, variables: dict[str, t.Any]) -> Result:
        """Return the result of the last task, which passes or fails as the first one found."""
        from ._verdict import verdict  # noqa: PLC0415

        failed, message = verdict(variables)
        return {"changed": False, "failed": failed, "msg": message, "_ansible_verbose_always": True}

    def _check_playbook(self, arguments: t.Mapping[str, t.Any]) -> None:
        if self._connection.transport != "local":
            raise OptionError(f"ansible_connection is {self._connection.transport}: the playbook runs on this machine only (local)")
        has_expectations = "expectations" in OPTIONS[self.module]
        if has_expectations and "expectations" not in arguments and "expectations_file" not in arguments:
            raise OptionError("no expectations are set: add -e expectations_file=expectations.yml")
        if self.path_option == "dest" and "dest" not in arguments:
            raise OptionError("no file is set: add -e zapi_dest=expectations.yml")

    def _with_files(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the arguments with absolute paths, and with the expectations instead of their file."""
        result = dict(arguments)
        if self.path_option in result and result[self.path_option] is not None and self._connection.transport == "local":
            result[self.path_option] = str(checked_path(self.path_option, result[self.path_option]))
        if "expectations_file" not in result:
            if "expectations" in result:
                result["expectations"] = with_dates(result["expectations"])
            return result
        if result.get("expectations") is not None:
            raise OptionError("both expectations and expectations_file are set: leave one of them out")
        file = read_expectations(result.pop("expectations_file"), self._loader, self._templar, variables)
        Expectations(file.declared, int(time.time() * 1000), lines=file.lines)
        return {**result, "expectations": file.declared}

    def _without_secret(self, name: str, value: t.Any) -> t.Any:
        # Up to ansible-core 2.18 callbacks get the argument as the template made it; an unknown option may be a misspelt token.
        return _HIDDEN if name in SECRETS or name not in OPTIONS[self.module] else value

    def _is_shown(self, result: t.Mapping[str, t.Any]) -> bool:
        """Return whether the callback shows the diff. Most do so only if a task changed something and did not fail."""
        callback = _callback()
        # Output for programs, such as the json callback's, has the diff in the result and must contain no other text.
        if "json" in callback:
            return True
        failed = _overridden(self._task.failed_when, bool(result.get("failed")))
        changed = _overridden(self._task.changed_when, bool(result.get("changed")))
        return not failed and (callback == "minimal" or changed)


def _not_failed(result: Result) -> Result:
    return {key: value for key, value in result.items() if key not in ("failed", "exception")}


def _overridden(conditions: t.Any, otherwise: bool) -> bool:
    """Return what failed_when or changed_when makes of a result, if it is just true or false."""
    values = conditions if isinstance(conditions, list) else [conditions]
    return values[0] if len(values) == 1 and isinstance(values[0], bool) else otherwise


def _callback() -> str:
    """Return the name of the callback that prints. Ad-hoc commands and the console choose it in their own way."""
    configured = str(getattr(C, "DEFAULT_STDOUT_CALLBACK", "default"))
    if "start_at_task" not in context.CLIARGS:  # not ansible-playbook
        if context.CLIARGS.get("one_line"):
            return "oneline"
        if configured == "default" or not getattr(C, "DEFAULT_LOAD_CALLBACK_PLUGINS", False):
            return "minimal"
    return configured.rpartition(".")[2]


@contextlib.contextmanager
def _exit_with_ansible() -> t.Iterator[None]:
    """End this worker and its module as soon as ansible-playbook is gone.

    Otherwise a killed ansible-playbook would leave them, and the module would go on writing.
    """
    parent, is_done = os.getppid(), threading.Event()

    def watch() -> None:
        # Python handles signals in the main thread, which does not wake up if another thread receives them.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        while not is_done.wait(_WATCH_INTERVAL):
            if os.getppid() != parent:
                for process in _descendants(os.getpid()):
                    with contextlib.suppress(OSError):
                        os.kill(process, signal.SIGTERM)
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_done.set()


def _descendants(process: int) -> list[int]:
    """Return the IDs of the processes that a process started, directly or through others."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents().items():
        children.setdefault(parent, []).append(child)
    found = [process]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def _parents() -> dict[int, int]:
    """Return the ID of the parent of each process."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):  # containers often have no ps, macOS has no /proc
        with contextlib.suppress(OSError):  # it ended in the meantime
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    if parents:
        return parents
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False)  # noqa: S607
    return {int(child): int(parent) for child, parent in map(str.split, listed.stdout.splitlines())}
