# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Every instance has a safe hostname of its own, which does not depend on the order of the fleet."""

from __future__ import annotations

import re
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.plugin_utils._hostnames import Hostnames, plain_hostname
from ansible_collections.zapi.zapi.tests.unit.naive import make_record

if t.TYPE_CHECKING:
    import random


def make_instance(**fields: t.Any) -> t.Any:
    return make_record(**fields).instance


def fleet_of(*named: tuple[str, str]) -> list[t.Any]:
    """Instances with these ids and names."""
    return [make_instance(id=identity, name=name) for identity, name in named]


def hostnames(*named: tuple[str, str], keys: t.Sequence[str] = ("name",), taken: t.Collection[str] = ()) -> dict[str, str]:
    names = Hostnames(fleet_of(*named), keys, taken)
    return {identity: names[identity] for identity, _name in named}


def test_a_host_has_the_name_of_its_instance() -> None:
    assert hostnames(("A", "shop-1"), ("B", "Padaria_São_João.2")) == {"A": "shop-1", "B": "Padaria_São_João.2"}


@pytest.mark.parametrize(
    ("name", "hostname"),
    [
        ("Loja 1", "Loja_1"),
        (" a\tb\nc\r\u00a0\u2003", "_a_b_c___"),
        ("a,b:c&d!e~f", "a_b_c_d_e_f"),
        ("a*b?c[d]e", "a_b_c_d_e"),
        ("{{ a }}", "___a___"),
        ("@group", "_group"),
        ("../../etc", ".._.._etc"),
        ("a\\b", "a_b"),
        ("a\x00b\x1bc\u2028d\u202ee\u200bf", "a_b_c_d_e_f"),
        ("😀", "😀"),
    ],
)
def test_white_space_and_characters_with_a_meaning_become_underscores(name: str, hostname: str) -> None:
    assert hostnames(("A", name)) == {"A": hostname}


@pytest.mark.parametrize("name", [".", ".."])
def test_a_hostname_does_not_lead_out_of_host_vars(name: str) -> None:
    assert hostnames(("A", name))["A"] not in {".", ".."}


def test_the_first_key_with_a_value_counts_then_the_id() -> None:
    keys = ("tenant", "payment_status", "name")
    assert plain_hostname(make_instance(id="A", name="n", tenant="t", paymentStatus="p"), keys) == "t"
    assert plain_hostname(make_instance(id="A", name="n", tenant="", paymentStatus="p"), keys) == "p"
    assert plain_hostname(make_instance(id="A", name="n", tenant="", paymentStatus=""), keys) == "n"
    assert plain_hostname(make_instance(id="A B", name="", tenant="", paymentStatus=""), keys) == "A_B"
    assert plain_hostname(make_instance(id="A"), ()) == "A"


@pytest.mark.parametrize("key", ["no_such_key", "webhooks", "token"])
def test_a_key_without_a_usable_value_is_skipped(key: str) -> None:
    assert plain_hostname(make_instance(id="A", name="n"), (key, "name")) == "n"


def test_numbers_and_booleans_can_be_hostnames() -> None:
    assert plain_hostname(make_instance(due=0), ("due_timestamp",)) == "0"
    assert plain_hostname(make_instance(whatsappConnected=False), ("whatsapp_connected",)) == "False"


def test_all_instances_with_the_same_hostname_get_their_ids() -> None:
    assert hostnames(("A", "shop"), ("B", "shop"), ("C", "other"), ("D", "shop")) == {
        "A": "shop_A",
        "B": "shop_B",
        "C": "other",
        "D": "shop_D",
    }


def test_names_that_become_the_same_hostname_are_the_same() -> None:
    assert hostnames(("A", "a b"), ("B", "a_b")) == {"A": "a_b_A", "B": "a_b_B"}


def test_a_host_with_a_name_that_is_taken_gets_its_id() -> None:
    assert hostnames(("A", "all"), ("B", "zapi"), ("C", "fine"), taken={"all", "ungrouped", "zapi"}) == {
        "A": "all_A",
        "B": "zapi_B",
        "C": "fine",
    }


def test_a_name_that_looks_like_a_name_and_an_id_replaces_no_host() -> None:
    names = hostnames(("A", "shop"), ("B", "shop"), ("C", "shop_A"))
    assert len(set(names.values())) == 3
    assert names["B"] == "shop_B"


def fleet_without_free_names(count: int) -> list[tuple[str, str]]:
    """An instance, and others with the names that it would get, one after the other."""
    victim = Hostnames(fleet_of(("A", "shop")), ["name"], ())
    fleet = [("A", "shop")]
    while len(fleet) <= count:
        fleet.append((f"B{len(fleet)}", victim["A"]))
        victim.rename({victim["A"]})
    return fleet


def test_there_is_always_another_hostname() -> None:
    fleet = fleet_without_free_names(300)
    names = hostnames(*fleet)
    assert len(set(names.values())) == len(fleet)
    assert hostnames(*reversed(fleet)) == names


def test_ten_thousand_hostile_names_cost_a_moment() -> None:
    fleet = fleet_without_free_names(10_000)
    started = time.process_time()
    names = hostnames(*fleet)
    assert time.process_time() - started < 5  # starting again in each round would take minutes
    assert len(set(names.values())) == len(fleet)


def test_names_that_are_taken_later_are_replaced() -> None:
    names = Hostnames(fleet_of(("A", "shop"), ("B", "other"), ("C", "shop_A")), ["name"], ())
    assert names.rename({"nobody", "shop"}) == {"A", "C"}
    assert names["A"].startswith("shop_A_")
    assert (names["B"], names["C"]) == ("other", "shop_A_C")
    assert names.rename({"nobody", "shop"}) == set()


def test_an_empty_fleet_has_no_hosts() -> None:
    assert hostnames() == {}


ids_ = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(["A", "B", "A B", "A_B", "shop", "a:b"])
names_ = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["", "shop", "shop_A", "shop_B", "shop_A_B", "all", "A", "A_B", "zapi", "a b"]
)
fleets = st.dictionaries(ids_, names_, max_size=12).map(lambda names: list(names.items()))
takens = st.sets(st.sampled_from(["all", "ungrouped", "zapi", "shop", "shop_A", "A", "A_B", "all_A"]))


@given(fleets, takens)
def test_every_instance_of_any_fleet_has_a_safe_hostname_of_its_own(named: list[tuple[str, str]], taken: set[str]) -> None:
    names = hostnames(*named, taken=taken)
    assert set(names) == {identity for identity, _name in named}
    assert len(set(names.values())) == len(names)
    assert taken.isdisjoint(names.values())
    for name in names.values():
        assert name
        assert not re.search(r"[\s,:&!~*?\[\]{}@/\\]", name)
        assert name.isprintable()


@given(fleets, takens, st.randoms(use_true_random=False))
def test_hostnames_do_not_depend_on_the_order_of_the_fleet(
    named: list[tuple[str, str]], taken: set[str], chance: random.Random
) -> None:
    shuffled = list(named)
    chance.shuffle(shuffled)
    assert hostnames(*named, taken=taken) == hostnames(*shuffled, taken=taken)


@given(fleets, takens)
def test_only_instances_without_a_free_hostname_are_renamed(named: list[tuple[str, str]], taken: set[str]) -> None:
    plain = {instance["id"]: plain_hostname(instance, ["name"]) for instance in fleet_of(*named)}
    names = hostnames(*named, taken=taken)
    for identity, name in plain.items():
        if (
            list(plain.values()).count(name) == 1
            and name not in taken
            and not any(name.startswith(f"{other}_") for other in plain.values())
        ):
            assert names[identity] == name


@given(fleets, takens, takens)
def test_names_taken_later_have_the_same_effect_as_names_taken_before(
    named: list[tuple[str, str]], taken: set[str], later: set[str]
) -> None:
    names = Hostnames(fleet_of(*named), ["name"], taken)
    before = {identity: names[identity] for identity, _name in named}
    renamed = names.rename(later)
    after = {identity: names[identity] for identity, _name in named}
    assert after == hostnames(*named, taken=taken | later)
    assert renamed == {identity for identity in before if before[identity] != after[identity]}
