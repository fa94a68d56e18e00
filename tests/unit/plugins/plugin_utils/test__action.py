# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.zapi.zapi.plugins.plugin_utils import _action


def blocked_signals(thread):
    """Return the signals that a thread does not receive."""
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text(encoding="utf-8")
    mask = int(status.partition("SigBlk:")[2].split()[0], 16)
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
def test_the_thread_that_watches_ansible_receives_no_signal():
    before = set(threading.enumerate())
    with _action._exit_with_ansible():
        (watcher,) = set(threading.enumerate()) - before
        end = time.monotonic() + 10
        while not blocked_signals(watcher) and time.monotonic() < end:
            time.sleep(0.01)
        assert {signal.SIGINT, signal.SIGTERM} <= blocked_signals(watcher)
    watcher.join(10)
    assert not watcher.is_alive()
