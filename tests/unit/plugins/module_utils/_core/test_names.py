# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How names are compared, and the nearest existing name."""

from __future__ import annotations

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.names import is_pattern, nearest, nfc


def test_an_accent_is_the_same_however_it_was_typed():
    assert nfc("Padaria Sa\u0303o Jose\u0301") == nfc("Padaria São José") == "Padaria São José"


@pytest.mark.parametrize(
    ("name", "expected"), [("shop-*", True), ("shop-?", True), ("[ab]", True), ("[SP] Loja", True), ("[SP", False)]
)
def test_patterns(name, expected):
    assert is_pattern(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("padaria sao jose", "Padaria São José"),
        ("PADARIA\u00a0SÃO  JOSÉ", "Padaria São José"),
        ("Padria São José", "Padaria São José"),
        ("shpo-*", "shop-1"),
        ("Shop *", "shop-1"),
        ("mercado-*", None),
        ("x", None),
    ],
)
def test_nearest_name(name, expected):
    assert nearest(name, ["Padaria São José", "shop-1", "shop-2", "Loja 7"]) == expected


def test_brackets_of_a_name_are_often_written_in_a_pattern():
    assert nearest("[sp]*", ["Loja 7", "[SP] Loja 1"]) == "[SP] Loja 1"
