# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

from __future__ import annotations

import gc

from ansible_collections.zapi.zapi.plugins.module_utils._core.garbage import garbage_collector_off


def test_the_garbage_collector_is_off_until_the_outer_block_ends():
    assert gc.isenabled()
    with garbage_collector_off():
        with garbage_collector_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
