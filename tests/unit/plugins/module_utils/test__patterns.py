# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The conditions that describe groups of names, and whom they mean."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._patterns import conditions, escaped
from ansible_collections.zapi.zapi.plugins.module_utils._selection import composed, match_of
from ansible_collections.zapi.zapi.tests.unit.support import make_instance


def found(*names: str, types: t.Sequence[str | None] | None = None) -> dict[str, list[str]]:
    """By what conditions say, the names that they mean."""
    ordered = sorted(names)
    places = types if types is not None else [None] * len(names)
    return {
        condition.value: [ordered[place] for place in sorted(condition.members)]
        for condition in conditions(ordered, places, ordered)
    }


def numbered(pattern: str, *numbers: int) -> list[str]:
    return [pattern.replace("{n}", str(number)) for number in numbers]


def test_a_beginning_is_cut_where_a_word_ends() -> None:
    names = numbered("shop-sp-{n}", 1, 2, 30)
    assert found(*names) == dict.fromkeys(
        ["shop*", "shop-*", "shop-sp*", "shop-sp-*", "shop-sp-[0-9]*"],
        names,
    )


def test_an_end_is_cut_where_a_word_begins() -> None:
    names = numbered("{n} Loja Sul", 1, 2, 30)
    assert found(*names) == dict.fromkeys(
        ["[0-9]*", "*Sul", "* Sul", "*Loja Sul", "* Loja Sul", "*[0-9] Loja Sul"],
        names,
    )


@pytest.mark.parametrize(
    ("names", "value", "meant"),
    [
        (["shop-1", "shop-2", "shop-3", "shopping-1"], "shop*", 4),
        (["shop-1", "shop-2", "shop-3", "shopping-1"], "shop-*", 3),
        (["shop-1", "shop-2", "shop-3", "shop-vip"], "shop-[0-9]*", 3),
        (["shop-1", "shop-2", "shop-3", "Shop-4"], "shop-*", 3),
        (["shop", "shop", "shop", "shop-1"], "shop", 3),
        (["LojaSP1", "LojaSP2", "LojaSP3", "LojaRJ1"], "LojaSP*", 3),
        (["lojaSp", "lojaRj", "lojaMg", "lojas"], "loja*", 4),
        (["ação1", "ação2", "ação3", "acao1"], "ação*", 3),
        (["日本1", "日本2", "日本3", "日1"], "日本*", 3),
        (["[a] 1", "[a] 2", "[a] 3", "a 1"], "[[]a] *", 3),
        (["a*1", "a*2", "a*3", "ab1"], "a[*][0-9]*", 3),
        (["55111", "55112", "55113", "a"], "[0-9]*", 3),
        (["a\n1", "a\n2", "a\n3", "a 1"], "a\n*", 3),
    ],
)
def test_a_condition_is_judged_against_all_names(names: list[str], value: str, meant: int) -> None:
    assert len(found(*names)[value]) == meant


def test_fewer_than_three_are_no_group() -> None:
    assert found("shop-1", "shop-2", "clinic-1", "clinic-2", types=["web", "web", "mobile", None]) == {}
    assert found() == {}


def test_a_type_is_a_condition_where_it_is_known() -> None:
    assert found("a", "b", "c", "d", types=["web", "web", "web", None]) == {"web": ["a", "b", "c"]}


def test_names_that_are_not_to_be_used_are_meant_all_the_same() -> None:
    names = sorted([*numbered("shop-{n}", 1, 2, 3), "shop-{{ x }}"])
    usable = [name for name in names if "{" not in name]
    by_value = {condition.value: condition.members for condition in conditions(names, [None] * 4, usable)}
    assert len(by_value["shop-*"]) == 4
    assert not any("{" in value for value in by_value)


def test_what_a_person_would_rather_write_has_the_lower_rank() -> None:
    names = numbered("shop-{n}", 1, 2, 3)
    ranked = sorted(conditions(names, ["web"] * 3, names), key=lambda condition: condition.rank)
    assert [condition.value for condition in ranked] == ["web", "shop-*", "shop-[0-9]*", "shop*"]


def test_long_names_have_few_conditions() -> None:
    names = [" ".join(["word"] * 3000) + f" {number}" for number in range(3)]
    assert len(found(*names)) < 50


@pytest.mark.parametrize("name", ["shop", "*", "?", "[a]", "[!a]", "a[", "]", "\\", "a\nb", "", "[[]", "ação *"])
def test_an_escaped_name_means_itself_only(name: str) -> None:
    match = match_of({"name": escaped(name)})
    assert match.holds(make_instance(), composed(name))
    assert not match.holds(make_instance(), f"{name}x")
    assert not match.holds(make_instance(), f"x{name}")


some_names = st.lists(
    st.text(alphabet="aAbé\u0301\u03381٣²-_ .[]!*?\\\n", max_size=6).map(composed) | st.text(max_size=3).map(composed), max_size=12
)


@given(some_names)
def test_conditions_mean_whom_expectations_mean(names: list[str]) -> None:
    for condition in conditions(names, [None] * len(names), names):
        match = match_of({condition.key: condition.value})
        assert sorted(condition.members) == [place for place, name in enumerate(names) if match.holds(make_instance(), name)]
        assert len(condition.members) >= 3
