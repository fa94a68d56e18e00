# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Starts commands and emulators for the benchmarks, measures the commands, and ends whatever it started.

The benchmarks' own process must stay small: Linux counts the memory of a process that starts another one as that one's,
too. Whatever holds a fleet runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

EMULATOR = Path(__file__).parents[1] / "emulator" / "zapi_emulator.py"
PARTNER_TOKEN = "emulator-partner-token"
COMMAND_SECONDS = 1800
READY_SECONDS = 120
STOP_SECONDS = 10


class BenchmarkError(Exception):
    """A command did not do what was to be measured."""


class Run(t.NamedTuple):
    """One run of a command."""

    seconds: float
    # Of processor time, with that of the processes that it started and waited for.
    cpu_seconds: float
    # The largest peak of resident memory among the process and those that it started and waited for.
    mebibytes: float
    output: str


class Workshop:
    """A temporary folder, and commands that run in it without the user's own settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
        if not collections:
            raise BenchmarkError("ANSIBLE_COLLECTIONS_PATH must name the folder of the collections: use make bench")
        foreign = ("ANSIBLE_", "ZAPI_", "PYTHON")
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(foreign) and not name.lower().endswith("_proxy")
            },
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
            "HOME": str(folder),
            "PYTHONPATH": collections,
        }

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *command: str | Path, stdin: str = "", statuses: Collection[int] = (0,)) -> Run:
        """Run a command to its end, with a process group of its own so that no part of it survives."""
        with tempfile.TemporaryFile(dir=self.folder) as given, tempfile.TemporaryFile(dir=self.folder) as printed:
            given.write(stdin.encode())
            given.seek(0)
            begin = time.perf_counter()
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=self.folder,
                env=self._environment,
                stdin=given,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            timer = threading.Timer(COMMAND_SECONDS, _kill_group, [process.pid])
            timer.daemon = True
            timer.start()
            try:
                _process_id, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                _kill_group(process.pid)
                process.wait(STOP_SECONDS)
                raise
            finally:
                timer.cancel()
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            printed.seek(0)
            output = printed.read().decode("utf-8", "replace")
        if process.returncode not in statuses:
            raise BenchmarkError(f"status {process.returncode} of {' '.join(map(str, command))}:\n{output[-3000:]}")
        return Run(seconds, usage.ru_utime + usage.ru_stime, _mebibytes(usage), output)

    def ansible(self, command: str, *arguments: str | Path, statuses: Collection[int] = (0,)) -> Run:
        """Run one of ansible-core's commands, with the Python that runs this."""
        return self.run(sys.executable, Path(sys.executable).with_name(command), *arguments, statuses=statuses)

    @contextlib.contextmanager
    def emulator(self, instances: int, *faults: str, fleet: Path | None = None) -> Iterator[str]:
        """Run an emulator in a process of its own and give its URL."""
        ready = self.folder / "emulator.url"
        ready.unlink(missing_ok=True)
        command: Sequence[str | Path] = [
            *(sys.executable, EMULATOR, "--ready-file", ready),
            *(("--instances", str(instances)) if fleet is None else ("--fleet", fleet)),
            "--switch=lapsed_rejects=",  # so that every instance can be changed
            *(f"--fault={fault}" for fault in faults),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self.folder, env=self._environment)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchmarkError(f"no emulator with {instances} instances: status {process.poll()}")
                time.sleep(0.05)
            yield ready.read_text(encoding="utf-8").strip()
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            # A killed one leaves it.
            ready.unlink(missing_ok=True)


def own_peak() -> float:
    """Return the peak of this process's memory: no smaller one can be measured."""
    return _mebibytes(resource.getrusage(resource.RUSAGE_SELF))


def _mebibytes(usage: resource.struct_rusage) -> float:
    # Linux counts in KiB, macOS in bytes.
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _kill_group(identity: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(identity, signal.SIGKILL)
