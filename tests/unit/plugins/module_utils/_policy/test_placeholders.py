# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""``{id}`` and ``{name}`` are filled in and found again; ``{any}`` stands for one path segment or one query value."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._policy.placeholders import (
    empty_placeholder,
    expand,
    fold,
    matches,
    misplaced_any,
    own_parts,
)

ID = f"{1:032X}"


def instance(name: str, identity: str = ID) -> t.Any:
    return {"id": identity, "name": name}


@pytest.mark.parametrize(
    ("name", "url", "expanded"),
    [
        ("shop-1", "https://h/{id}/{name}?{id}", f"https://h/{ID}/shop-1?{ID}"),
        ("Pão & Cia/1", "https://h/{name}", "https://h/P%C3%A3o%20%26%20Cia%2F1"),
        ("{id}", "https://h/{name}/{id}/{any}", f"https://h/%7Bid%7D/{ID}/{{any}}"),
        ("{any}", "https://h/{name}", "https://h/%7Bany%7D"),
        ("100%", "https://h/{name}", "https://h/100%25"),
        ("a.b-c_d~e", "https://h/{name}", "https://h/a.b-c_d~e"),
        ("\ud800", "https://h/{name}", "https://h/%ED%A0%80"),
        ("", "https://h/{id}", f"https://h/{ID}"),
        ("", "https://h/{name}/x", None),
        (".", "https://h/{name}/x", None),
        ("..", "https://h/{name}/x", None),
    ],
)
def test_a_value_is_percent_encoded_and_never_empty_or_only_dots(name: str, url: str, expanded: str | None) -> None:
    assert expand(url, instance(name)) == expanded
    assert empty_placeholder(url, instance(name)) == (None if expanded else "{name}")


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_a_value_stays_in_its_segment(identity: str, name: str) -> None:
    expanded = expand("https://h/{id}/{name}", instance(name, identity))
    if expanded is not None:
        for written, meant in zip(expanded.split("/", 4)[3:], (identity, name)):
            assert unquote(written) == meant
            assert re.fullmatch(r"(?:[\w.~-]|%[0-9A-F]{2})+", written, re.A)


# The placeholder {any}


@pytest.mark.parametrize(
    ("pattern", "url", "matching"),
    [
        ("https://h/{any}", "https://h/x", True),
        ("https://h/{any}", "https://h/a.b..~%20ç!=&", True),
        ("https://h/{any}", "https://h/", False),
        ("https://h/{any}", "https://h/x/y", False),
        ("https://h/{any}", "https://h/x/", False),
        ("https://h/{any}", "https://h/x?y", False),
        ("https://h/{any}", "https://h/..", False),
        ("https://h/{any}", "https://h/.%2E", False),
        ("https://h/{any}", "https://h/..x", True),
        ("https://h/{any}", "https://h/x%2fy", False),
        ("https://h/{any}", "https://h/x%2Fy", False),
        ("https://h/{any}", "https://h/x y", False),
        ("https://h/{any}", "https://h/x\n", False),
        ("https://h/{any}", "https://h/***", False),
        ("https://h/{any}", "https://H/x", False),
        ("https://h/{any}/in", "https://h/x/in", True),
        ("https://h/{any}/in", "https://h/../in", False),
        ("https://h/{any}/in", "https://h/x/y/in", False),
        ("https://h/{any}/in", "https://h/x/in/", False),
        ("https://h/{any}/{any}?t={any}#f", "https://h/a/b?t=c#f", True),
        ("https://h/?t={any}&u=1", "https://h/?t=a/b?c=d&u=1", True),
        ("https://h/?t={any}&u=1", "https://h/?t=&u=1", False),
        ("https://h/?t={any}&u=1", "https://h/?t=..&u=1", False),
        ("https://h/?t={any}&u=1", "https://h/?t=a%2Fb&u=1", False),
        ("https://h/?t={any}", "https://h/?t=a&u=1", False),
        ("https://h/?t={any}", "https://h/?t=a#f", False),
        ("https://h?t={any}", "https://h?t=a", True),
    ],
)
def test_any_is_one_path_segment_or_one_query_value(pattern: str, url: str, matching: bool) -> None:
    assert matches(pattern, url) is matching


segments = st.from_regex(r"\A[a-z0-9.~=!-]{1,6}\Z").filter(lambda text: text.strip("."))


@given(st.lists(segments, min_size=1, max_size=5), st.data())
def test_a_pattern_matches_what_it_was_made_of(path: list[str], data: st.DataObject) -> None:
    hidden = data.draw(st.sets(st.integers(0, len(path) - 1)))
    pattern = "/".join("{any}" if place in hidden else segment for place, segment in enumerate(path))
    url = "https://h/" + "/".join(path)
    assert matches(f"https://h/{pattern}", url)
    assert not matches(f"https://h/{pattern}", f"{url}/x")


@pytest.mark.parametrize("url", ["https://h/{any}", "https://h?a=1&b={any}#x", "https://h/{any}/?{any2}={any}", "https://h/x"])
def test_places_where_any_can_be(url: str) -> None:
    assert not misplaced_any(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://{any}/",
        "https://{any}:x@h/",
        "https://h/{any}x",
        "https://h/?{any}",
        "https://h/?{any}=1",
        "https://h/?a=x{any}",
        "https://h/#{any}",
    ],
)
def test_places_where_any_cannot_be(url: str) -> None:
    assert misplaced_any(url)


# Found again


def folded(url: str, *names: str, others: int = 0) -> list[str | None]:
    """The patterns of instances with these names, and of others, named x-0 and so on, that share the pattern."""
    instances = [instance(name, f"{number:032X}") for number, name in enumerate([*names, *(f"x-{n}" for n in range(others))], 1)]
    return fold([expand(url, one) for one in instances], [own_parts(one) for one in instances])[: len(names)]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/{id}/received",
        "https://hooks.example.com/{name}?id={id}",
        "https://{id}.example.com/",
        "https://hooks.example.com/in-{name}-out",
        "https://hooks.example.com/{name}/{name}",
        "https://hooks.example.com/{id}{name}",
        "https://hooks.example.com/api/{name}/received",
        "https://hooks.example.com/received",
    ],
)
def test_a_pattern_that_three_share_is_found_again(url: str) -> None:
    assert folded(url, "hooks", "e", "Pão", "id", "received", others=3) == [url] * 5


def test_a_name_in_a_host_is_not_a_placeholder() -> None:
    urls: list[str | None] = [f"https://shop-{number}.example.com/x" for number in range(5)]
    assert fold(urls, [(f"ID{number}", f"shop-{number}") for number in range(5)]) == urls
    assert fold(["https://a/a"] * 3, [("1", "a")] * 3) == ["https://a/{name}"] * 3


def test_a_name_that_is_in_the_path_by_chance_is_not_a_placeholder() -> None:
    assert folded("https://h/received", "h", "received", "rec", others=3) == ["https://h/received"] * 3


def test_without_others_an_id_is_a_placeholder_and_a_name_between_separators() -> None:
    assert folded("https://h/{id}", "hooks") == ["https://h/{id}"]
    assert folded("https://h/{name}/x", "shop-1") == ["https://h/{name}/x"]
    assert folded("https://h/x{name}x", "shop-1") == ["https://h/xshop-1x"]


def test_what_cannot_be_filled_in_is_not_folded() -> None:
    instances = [instance("x"), instance(".."), instance("")]
    urls = [None, "https://h/..", "https://h//x"]
    assert fold(urls, [own_parts(one) for one in instances]) == urls


texts = st.sampled_from(["A1", "a", "e", "hooks", "id", "name", "x", "%C3%A3", "", "com"])


@given(
    st.lists(
        st.tuples(
            st.lists(texts | st.sampled_from(["/", "?", "=", ".", "-"]), max_size=8).map("".join),
            st.tuples(texts.filter(bool), texts),
        ),
        max_size=6,
    )
)
def test_expand_undoes_fold(urls: list[tuple[str, tuple[str, str]]]) -> None:
    patterns = fold([f"https://{url}" for url, _own in urls], [own for _url, own in urls])
    for (url, (identity, name)), pattern in zip(urls, patterns):
        assert pattern is not None
        assert pattern.replace("{id}", identity).replace("{name}", name) == f"https://{url}"
        assert "{name}" not in re.split(r"[/?#]", pattern.removeprefix("https://"))[0]
