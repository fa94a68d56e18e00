# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Threads for the calls of a door: a bounded number of them, and nobody ever waits for one to end.

The executor of the standard library joins its threads when the program ends. A server that hangs would then hold up the
program, or ansible-playbook, for as long as it likes.
"""

from __future__ import annotations

import itertools
import queue
import threading
import typing as t
from concurrent.futures import Future

Work = t.Callable[[], t.Any]


class Pool:
    """Runs work on at most ``width`` threads."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._work: queue.SimpleQueue[t.Optional[tuple[Future[t.Any], Work]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0

    def submit(self, work: Work) -> Future[t.Any]:
        """Have the work done as soon as a thread is free. Only one thread may submit. Raises `RuntimeError` without any thread."""
        future: Future[t.Any] = Future()
        if not self._idle.acquire(blocking=False) and self._threads < self._width:
            self._grow()
        self._work.put((future, work))
        return future

    def _grow(self) -> None:
        try:
            threading.Thread(target=self._run, daemon=True).start()
        except RuntimeError:
            # The system gives no more threads: with fewer of them it takes longer.
            if not self._threads:
                raise
            self._width = self._threads
        else:
            self._threads += 1

    def close(self) -> None:
        """Let the threads go, each as soon as it is done with what it does."""
        for _thread in itertools.repeat(None, self._threads):
            self._work.put(None)

    def _run(self) -> None:
        while True:
            item = self._work.get()
            if item is None:
                return
            future, work = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                    future.set_exception(error)
            # An answer must not be kept because its thread has nothing else to do.
            del future, work, item
            self._idle.release()
