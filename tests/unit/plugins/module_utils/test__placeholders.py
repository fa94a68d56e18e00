# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""``{id}`` and ``{name}`` in URLs, filled in and found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._placeholders import expand, fold, own_parts
from ansible_collections.zapi.zapi.tests.unit.support import make_instance

ID = f"{1:032X}"


@pytest.mark.parametrize(
    ("name", "url", "expanded"),
    [
        ("shop-1", "https://h/{id}/{name}?{id}", f"https://h/{ID}/shop-1?{ID}"),
        ("Pão & Cia/1", "https://h/{name}", "https://h/P%C3%A3o%20%26%20Cia%2F1"),
        ("{id}", "https://h/{name}/{id}", f"https://h/%7Bid%7D/{ID}"),
        ("{name}", "https://h/{name}", "https://h/%7Bname%7D"),
        ("100%", "https://h/{name}", "https://h/100%25"),
        ("", "https://h/{name}/x", "https://h//x"),
        ("a.b-c_d~e", "https://h/{name}", "https://h/a.b-c_d~e"),
        ("\ud800", "https://h/{name}", "https://h/%ED%A0%80"),
        ("shop-1", "https://h/x", "https://h/x"),
    ],
)
def test_they_stand_for_the_instance_s_own(name: str, url: str, expanded: str) -> None:
    assert expand(url, make_instance(1, name=name)) == expanded


def folded(url: str, *names: str, others: int = 0) -> list[str | None]:
    """The URL of instances with these names, as it is read; and that of others, called x-1 and so on, which make it a pattern."""
    instances = [make_instance(number, name=name) for number, name in enumerate([*names, *[f"x-{n}" for n in range(others)]], 1)]
    urls = [expand(url, instance) for instance in instances]
    return fold(urls, [own_parts(instance) for instance in instances])[: len(names)]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/{id}/received",
        "https://hooks.example.com/{name}?id={id}",
        "https://{name}.example.com/",
        "https://hooks.example.com/in-{name}-out",
        "https://hooks.example.com/{name}/{name}",
        "https://hooks.example.com/{id}{name}",
        "https://hooks.example.com/received",
    ],
)
def test_what_three_share_is_found_again(url: str) -> None:
    assert folded(url, "hooks", "e", "Pão", "received", others=3) == [url] * 4


def test_a_name_that_stands_there_by_chance_is_no_placeholder() -> None:
    assert (
        folded("https://hooks.example.com/received", "hooks", "received", "com", others=3)
        == ["https://hooks.example.com/received"] * 3
    )


def test_of_one_alone_an_id_is_one_and_a_name_between_separators() -> None:
    assert folded("https://hooks.example.com/{id}", "hooks") == ["https://hooks.example.com/{id}"]
    assert folded("https://hooks.example.com/{name}/x", "shop-1") == ["https://hooks.example.com/{name}/x"]
    assert folded("https://hooks.example.com/x{name}x", "shop-1") == ["https://hooks.example.com/xshop-1x"]


def test_what_is_no_url_stays_so() -> None:
    assert fold([None, None], [("A", "a"), ("B", "b")]) == [None, None]
    assert fold([], []) == []


parts = st.sampled_from(["A1", "a", "e", "hooks", "id", "name", "x", "%C3%A3", "", "com"])


@given(
    st.lists(
        st.tuples(
            st.lists(parts | st.sampled_from(["/", "?", "=", ".", "-"]), max_size=8).map("".join),
            st.tuples(parts.filter(bool), parts),
        ),
        max_size=6,
    )
)
def test_what_is_read_is_what_was_there(urls: list[tuple[str, tuple[str, str]]]) -> None:
    read = fold([url for url, _own in urls], [own for _url, own in urls])
    for (url, (identity, name)), reading in zip(urls, read):
        assert reading is not None
        assert reading.replace("{id}", identity).replace("{name}", name) == url
