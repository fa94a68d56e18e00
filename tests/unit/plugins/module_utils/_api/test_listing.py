# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Complete, or an error: whatever habits a server has, a listing gives every instance once and in order, or says why not."""

from __future__ import annotations

import copy
import itertools
import json
import math
import threading
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._api.listing import read
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ListingError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._instance import comparable
from ansible_collections.zapi.zapi.tests.unit.support import (
    Asked,
    PagedApi,
    Pages,
    assert_fit_for_users,
    honest,
    ids,
    make_client,
    make_fleet,
    make_row,
    make_rows,
    page_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

FLEET = make_rows(95)


def listing(**changed: t.Any) -> list[t.Any]:
    with make_fleet(**changed) as fleet:
        return fleet.instances()


def failure(**changed: t.Any) -> str:
    """Why the listing fails."""
    with pytest.raises(ListingError) as failed:
        listing(**changed)
    message = str(failed.value)
    assert_fit_for_users(message)
    assert len(message) < 1000
    return message


# Habits of servers that have every instance to give


def clamping(asked: Asked) -> t.Any:
    """At most 20 rows a page; who asks for more gets 15."""
    return page_of(FLEET, asked.page, asked.size if asked.size <= 20 else 15)


def clamping_quietly(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, min(asked.size, 15), pageSize=None)


def claiming_more_than_sending(asked: Asked) -> t.Any:
    """Pages of 10 rows, whatever they claim to be; the count of pages follows from the claim."""
    return page_of(FLEET, asked.page, min(asked.size, 10), pageSize=asked.size, totalPage=-(-len(FLEET) // asked.size))


def claiming_more_pages_than_the_claim_needs(asked: Asked) -> t.Any:
    """Likewise, and the count of pages is the true one."""
    return page_of(FLEET, asked.page, min(asked.size, 10), pageSize=asked.size)


def claiming_a_constant(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, min(asked.size, 10), pageSize=50, totalPage=2)


def halving(asked: Asked) -> t.Any:
    """Sends half of what is asked for, down to pages of one row."""
    return page_of(FLEET, asked.page, max(1, asked.size // 2), pageSize=asked.size)


def one_page_more_than_needed(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, totalPage=-(-len(FLEET) // asked.size) + 1)


def counts_as_text(asked: Asked) -> t.Any:
    page = page_of(FLEET, asked.page, asked.size)
    return {**page, "total": str(page["total"]), "pageSize": str(page["pageSize"]), "totalPage": str(page["totalPage"])}


def counts_with_a_point(asked: Asked) -> t.Any:
    page = page_of(FLEET, asked.page, asked.size)
    return {**page, "total": float(page["total"]), "pageSize": float(page["pageSize"]), "totalPage": float(page["totalPage"])}


def only_a_total(asked: Asked) -> t.Any:
    return {"total": len(FLEET), "content": page_of(FLEET, asked.page, asked.size)["content"]}


def nulls_for_counts(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, pageSize=None, totalPage=None, page=None)


def number_of_the_page_as_text(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, page=str(asked.page))


def one_page_less_than_needed(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, totalPage=-(-len(FLEET) // asked.size) - 1)


GOOD_HABITS: list[Pages] = [
    honest(FLEET),
    clamping,
    clamping_quietly,
    claiming_more_than_sending,
    claiming_more_pages_than_the_claim_needs,
    claiming_a_constant,
    halving,
    one_page_more_than_needed,
    counts_as_text,
    counts_with_a_point,
    only_a_total,
    nulls_for_counts,
    number_of_the_page_as_text,
    one_page_less_than_needed,
]


@pytest.mark.parametrize("habit", GOOD_HABITS, ids=lambda habit: habit.__name__)
@pytest.mark.parametrize("page_size", [1, 7, 19, 20, 50, 94, 95, 96, 1000])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_every_instance_comes_once_and_in_order(api: PagedApi, habit: Pages, page_size: int, concurrency: int) -> None:
    api.serve(habit)
    assert ids(listing(page_size=page_size, concurrency=concurrency)) == ids(FLEET)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 20, 21])
def test_fleets_of_every_length_around_a_page_are_listed(api: PagedApi, count: int) -> None:
    api.serve(honest(make_rows(count)))
    assert ids(listing(page_size=10)) == ids(make_rows(count))
    assert len(api.asked) == max(1, -(-count // 10)), "no request is made in vain"


@pytest.mark.parametrize(
    ("claimed", "why"),
    [({"pageSize": 0}, "no size"), ({"totalPage": 1}, "pages"), ({"pageSize": 10**9}, "size"), ({}, "nothing")],
)
def test_an_empty_fleet_is_an_empty_list_whatever_else_is_claimed(api: PagedApi, claimed: dict[str, int], why: str) -> None:
    api.serve(lambda asked: page_of([], 1, asked.size, **claimed))
    assert listing() == []
    assert len(api.asked) == 1, why


def test_a_server_that_allows_shorter_pages_only_is_asked_in_its_own_page_size(api: PagedApi) -> None:
    api.serve(clamping)
    listing(page_size=1000)
    assert [asked.size for asked in api.asked] == [1000] + [15] * 6
    assert sorted(asked.page for asked in api.asked) == [1, 2, 3, 4, 5, 6, 7]


def test_a_listing_of_pages_shorter_than_claimed_starts_over_with_that_length(api: PagedApi) -> None:
    api.serve(claiming_more_than_sending)
    listing(page_size=50, concurrency=1)
    assert api.attempts == 2
    assert {asked.size for asked in api.asked if asked.attempt == 2} == {10}


def test_query_and_middleware_narrow_the_listing_on_every_page(api: PagedApi) -> None:
    api.serve(honest(FLEET))
    listing(page_size=10, query="shop & more", middleware="web")
    assert {(asked.query, asked.middleware) for asked in api.asked} == {("shop & more", "web")}


def test_without_them_they_are_not_sent(api: PagedApi) -> None:
    api.serve(honest(FLEET))
    listing(query="")
    assert {(asked.query, asked.middleware) for asked in api.asked} == {(None, None)}


# What changes once, and what always does


def after_the_first_page(before: list[t.Any], after: list[t.Any], attempts: float = 1, **claimed: t.Any) -> Pages:
    """The fleet changes on the way of so many attempts."""

    def pages(asked: Asked) -> t.Any:
        changing = asked.attempt <= attempts
        return page_of(before if changing and asked.page == 1 else after, asked.page, asked.size, **(claimed if changing else {}))

    return pages


CHANGES: dict[str, tuple[list[t.Any], list[t.Any], dict[str, t.Any]]] = {
    "an instance of the first page vanishes": (FLEET, FLEET[1:], {}),
    "an instance of the last page vanishes": (FLEET, FLEET[:-1], {}),
    "an instance appears at the start": (FLEET[1:], FLEET, {}),
    "an instance appears at the end": (FLEET[:-1], FLEET, {}),
    "one appears and another vanishes": (FLEET[1:], FLEET[:-1], {}),
    "one vanishes and the total does not tell": (FLEET, FLEET[1:], {"total": 95, "totalPage": 10}),
    "one appears and the total does not tell": (FLEET[1:], FLEET, {"total": 94, "totalPage": 10}),
    "all vanish": (FLEET, [], {}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_fleet_that_changes_on_the_way_is_listed_again(api: PagedApi, change: str, attempts: int, concurrency: int) -> None:
    before, after, claimed = CHANGES[change]
    api.serve(after_the_first_page(before, after, attempts, **claimed))
    assert ids(listing(page_size=10, concurrency=concurrency)) == ids(after)
    assert api.attempts == attempts + 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_fleet_that_never_rests_is_listed_four_times_and_then_fails(api: PagedApi, change: str) -> None:
    before, after, claimed = CHANGES[change]
    api.serve(after_the_first_page(before, after, math.inf, **claimed))
    message = failure(page_size=10)
    assert api.attempts == 4
    assert "4 attempts" in message


def test_a_total_that_rises_with_every_page_is_told(api: PagedApi) -> None:
    api.serve(lambda asked: page_of(FLEET, asked.page, asked.size, total=95 + asked.page))
    assert "changed from 96 to 97" in failure(page_size=10)


def test_an_instance_that_came_twice_is_told(api: PagedApi) -> None:
    again = [*FLEET[:20], FLEET[0], *FLEET[21:]]
    api.serve(honest(again))
    message = failure(page_size=10)
    assert "twice" in message
    assert "page 3" in message
    assert api.attempts == 4


def test_an_instance_that_comes_twice_once_is_no_matter(api: PagedApi) -> None:
    again = [*FLEET[:20], FLEET[0], *FLEET[21:]]
    api.serve(lambda asked: page_of(again if asked.attempt == 1 else FLEET, asked.page, asked.size))
    assert ids(listing(page_size=10)) == ids(FLEET)
    assert api.attempts == 2


# Servers that give no complete listing, ever


def ignoring_page(asked: Asked) -> t.Any:
    return page_of(FLEET, 1, asked.size)


def ignoring_page_and_claiming_not_to(asked: Asked) -> t.Any:
    return page_of(FLEET, 1, asked.size, page=asked.page)


def sending_everything_on_every_page(asked: Asked) -> t.Any:
    return page_of(FLEET, 1, asked.size, content=FLEET)


def a_row_less_on_the_last_page(asked: Asked) -> t.Any:
    return page_of(FLEET[:-1], asked.page, asked.size, total=95, totalPage=-(-95 // asked.size))


def a_row_more_than_claimed(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, content=FLEET[(asked.page - 1) * asked.size :][: asked.size + 1])


def something_on_the_page_after_the_last(asked: Asked) -> t.Any:
    page = page_of(FLEET, asked.page, asked.size, totalPage=11)
    return page if page["content"] else {**page, "content": [make_row(999)]}


def a_page_in_the_middle_is_empty(asked: Asked) -> t.Any:
    page = page_of(FLEET, asked.page, asked.size)
    return {**page, "content": []} if asked.page == 4 else page


def a_page_in_the_middle_is_short(asked: Asked) -> t.Any:
    page = page_of(FLEET, asked.page, asked.size)
    return {**page, "content": page["content"][:-1]} if asked.page == 2 else page


def a_billion_pages_of_nothing(asked: Asked) -> t.Any:
    return {"total": 10**11, "totalPage": 10**9, "pageSize": 100, "page": asked.page, "content": []}


def a_billion_pages_after_the_first(asked: Asked) -> t.Any:
    return page_of(FLEET, 1, 10, total=10**10, totalPage=10**9, content=FLEET[:10] if asked.page == 1 else [])


def a_billion_pages_of_the_same(asked: Asked) -> t.Any:
    return page_of(FLEET, 1, 10, total=10**10, totalPage=10**9)


def a_billion_pages_of_few_rows(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, totalPage=10**9)


def more_rows_than_instances(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, total=5)


def rows_of_nothing(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, total=0)


def instances_without_rows(asked: Asked) -> t.Any:
    return page_of([], 1, asked.size, total=95, totalPage=10)


def pages_of_no_length(asked: Asked) -> t.Any:
    return page_of(FLEET, asked.page, asked.size, pageSize=0)


BAD_HABITS: list[Pages] = [
    ignoring_page,
    ignoring_page_and_claiming_not_to,
    sending_everything_on_every_page,
    a_row_less_on_the_last_page,
    a_row_more_than_claimed,
    something_on_the_page_after_the_last,
    a_page_in_the_middle_is_empty,
    a_page_in_the_middle_is_short,
    a_billion_pages_of_nothing,
    a_billion_pages_after_the_first,
    a_billion_pages_of_the_same,
    a_billion_pages_of_few_rows,
    more_rows_than_instances,
    rows_of_nothing,
    instances_without_rows,
    pages_of_no_length,
]


@pytest.mark.parametrize("habit", BAD_HABITS, ids=lambda habit: t.cast("str", habit.__name__))
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_impossible_server_makes_an_error_that_says_what_to_do_and_no_endless_loop(
    api: PagedApi, habit: Pages, concurrency: int
) -> None:
    api.serve(habit)
    message = failure(page_size=10, concurrency=concurrency)
    assert "api_url" in message
    assert len(api.asked) < 200


def test_pages_that_get_ever_shorter_are_not_followed_for_ever(api: PagedApi) -> None:
    rows = make_rows(100)
    api.serve(lambda asked: page_of(rows, asked.page, asked.size - 1, pageSize=asked.size))
    assert "shorter" in failure(page_size=100)
    assert len(api.asked) < 30


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ([], "a list"),
        ([make_row()], "a list"),
        (None, "null"),
        ("instances", "text"),
        (5, "a number"),
        (True, "a boolean"),
        ({}, "content"),
        ({"total": 1}, "content"),
        ({"total": 1, "content": None}, "content"),
        ({"total": 1, "content": {"0": make_row()}}, "content"),
        ({"total": 1, "content": "rows"}, "content"),
        ({"content": [make_row()]}, "total"),
        ({"total": None, "content": [make_row()]}, "total"),
        ({"total": "many", "content": [make_row()]}, "total"),
        ({"total": "", "content": [make_row()]}, "total"),
        ({"total": [], "content": [make_row()]}, "total"),
        ({"total": {"a": "hocuspocus"}, "content": [make_row()]}, "total"),
        ({"total": True, "content": [make_row()]}, "total"),
        ({"total": -1, "content": [make_row()]}, "total"),
        ({"total": 1.5, "content": [make_row()]}, "total"),
        ({"total": math.nan, "content": [make_row()]}, "total"),
        ({"total": math.inf, "content": [make_row()]}, "total"),
        ({"total": 10**400, "content": [make_row()]}, "total"),
        ({"total": "9" * 5000, "content": [make_row()]}, "total"),
        ({"total": 1, "pageSize": -1, "content": [make_row()]}, "pageSize"),
        ({"total": 1, "pageSize": "hocuspocus", "content": [make_row()]}, "pageSize"),
        ({"total": 1, "pageSize": [100], "content": [make_row()]}, "pageSize"),
        ({"total": 1, "totalPage": -1, "content": [make_row()]}, "totalPage"),
        ({"total": 1, "totalPage": {}, "content": [make_row()]}, "totalPage"),
        ({"total": 1, "content": [None]}, "row 1 of page 1"),
        ({"total": 1, "content": ["hocuspocus"]}, "row 1 of page 1"),
        ({"total": 1, "content": [[make_row()]]}, "row 1 of page 1"),
        ({"total": 2, "content": [make_row(), {"name": "no id", "token": "hocuspocus"}]}, "row 2 of page 1 has no id"),
        ({"total": 2, "content": [make_row(), make_row(id="")]}, "row 2 of page 1 has no id"),
        ({"total": 1, "content": [make_row(id=None)]}, "row 1 of page 1 has no id"),
    ],
)
def test_json_of_another_shape_is_told_with_what_is_odd_about_it_and_not_what_it_holds(
    api: PagedApi, answer: t.Any, what: str
) -> None:
    api.serve(lambda asked: answer)
    message = failure()
    assert "another shape" in message
    assert what in message
    assert api.attempts == 1, "it would be no better the next time"


def test_another_shape_on_a_later_page_is_told_as_well(api: PagedApi) -> None:
    api.serve(lambda asked: page_of(FLEET, asked.page, asked.size) if asked.page != 3 else ["hocuspocus"])
    assert "another shape" in failure(page_size=10)
    api.serve(honest([*FLEET[:34], {"name": "no id"}, *FLEET[35:]]))
    assert "row 5 of page 4 has no id" in failure(page_size=10)


def test_a_failing_request_on_a_later_page_is_told_and_nothing_more_is_asked(api: PagedApi) -> None:
    api.serve(lambda asked: page_of(make_rows(10_000), asked.page, 10) if asked.page != 3 else b"<html>")
    with pytest.raises(ZapiError, match="not JSON"):
        listing(page_size=10, concurrency=2)
    assert len(api.asked) < 20


@pytest.mark.parametrize("depth", [100, 400, 600, 900])
def test_a_row_however_deep_is_an_instance_or_an_error(api: PagedApi, depth: int) -> None:
    row = json.dumps(make_row(extra="deep")).replace('"deep"', "[" * depth + "]" * depth)
    api.serve(lambda asked: f'{{"total": 1, "content": [{row}]}}'.encode())
    try:
        assert len(listing()) == 1
    except ZapiError as error:
        assert_fit_for_users(str(error))


# Any value anywhere


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5", "-1", "1e3", " 7 ", "hocuspocus", 10**20]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "token", "total", "content", "error", "x"]), children, max_size=3)
    ),
    max_leaves=6,
)


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """Every place in a JSON value, as the keys that lead there."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


PLACES = list(places(page_of(make_rows(3), 1, 3)))


def put(page: t.Any, place: tuple[t.Any, ...], value: t.Any) -> t.Any:
    if not place:
        return value
    page = copy.deepcopy(page)
    target = page
    try:
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = value
    except (KeyError, IndexError, TypeError):
        pass  # another change took the place away
    return page


@given(
    st.dictionaries(
        st.integers(1, 4), st.lists(st.tuples(st.sampled_from(PLACES), json_values), min_size=1, max_size=3), min_size=1
    ),
    st.integers(1, 12),
)
def test_whatever_a_page_holds_anywhere_gives_instances_or_an_error(changes: dict[int, list[t.Any]], page_size: int) -> None:
    rows = make_rows(10)

    def pages(asked: Asked) -> t.Any:
        page: t.Any = page_of(rows, asked.page, min(asked.size, 3))
        for place, value in changes.get(asked.page, []):
            page = put(page, place, value)
        return page

    with PagedApi() as api:
        api.serve(pages)
        try:
            instances = listing(page_size=page_size, concurrency=1, retries=0)
        except ZapiError as error:
            assert_fit_for_users(str(error))
        else:
            assert len(set(ids(instances))) == len(instances)
            assert all(set(instance) >= {"id", "name", "webhooks"} and "token" not in instance for instance in instances)
        assert len(api.asked) < 500


# In parallel


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_never_more_requests_are_in_flight_than_allowed(api: PagedApi, concurrency: int) -> None:
    in_flight = most = 0
    lock = threading.Lock()

    def pages(asked: Asked) -> t.Any:
        nonlocal in_flight, most
        with lock:
            in_flight += 1
            most = max(most, in_flight)
        time.sleep(0.005)
        with lock:
            in_flight -= 1
        return page_of(FLEET, asked.page, asked.size)

    api.serve(pages)
    listing(page_size=5, concurrency=concurrency)
    assert most <= concurrency


def test_as_many_requests_are_in_flight_as_allowed(api: PagedApi) -> None:
    together = threading.Barrier(4, timeout=10)

    def pages(asked: Asked) -> t.Any:
        if 2 <= asked.page <= 5:
            together.wait()  # breaks, and the listing with it, unless four requests get here at once
        return page_of(FLEET, asked.page, asked.size)

    api.serve(pages)
    assert ids(listing(page_size=10, concurrency=4)) == ids(FLEET)


@pytest.mark.parametrize("slow", [2, 5, 9])
def test_pages_come_in_order_though_one_is_slow(api: PagedApi, slow: int) -> None:
    def pages(asked: Asked) -> t.Any:
        if asked.page == slow:
            time.sleep(0.05)
        return page_of(FLEET, asked.page, asked.size)

    api.serve(pages)
    assert ids(listing(page_size=10, concurrency=8)) == ids(FLEET)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_pages_are_not_fetched_far_ahead_of_their_use(api: PagedApi, concurrency: int) -> None:
    api.serve(honest(FLEET))
    ahead = []

    def build(pages: t.Iterator[t.Any]) -> None:
        for number, _page in enumerate(pages, start=1):
            time.sleep(0.03)
            ahead.append(max(asked.page for asked in api.asked) - number)

    with make_client(page_size=5, concurrency=concurrency) as client:
        read(client, comparable, build)
    assert len(ahead) == 19
    assert max(ahead) <= 2 * concurrency


def test_no_thread_outlives_a_listing_for_long(api: PagedApi) -> None:
    before = threading.active_count()
    api.serve(honest(FLEET))
    listing(page_size=5)
    api.serve(ignoring_page)
    failure(page_size=5)
    # Nobody waits for them; they end by themselves.
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


# What is made of the pages


def test_what_is_made_of_the_pages_begins_anew_when_the_listing_does(api: PagedApi) -> None:
    api.serve(after_the_first_page(FLEET, FLEET[1:], attempts=2))
    calls: list[list[str]] = []

    def build(pages: Callable[[], t.Any]) -> list[str]:
        calls.append([])
        for page in t.cast("t.Iterable[t.Any]", pages):
            calls[-1] += ids(page)
        return calls[-1]

    with make_client(page_size=10) as client:
        assert read(client, comparable, t.cast("t.Any", build)) == ids(FLEET[1:])
    assert len(calls) == 3
    assert calls[-1] == ids(FLEET[1:])


def test_only_a_complete_listing_is_returned_from(api: PagedApi) -> None:
    api.serve(a_row_less_on_the_last_page)
    seen = []
    with make_client(page_size=10) as client, pytest.raises(ListingError):
        read(client, comparable, lambda pages: seen.append([ids(page) for page in pages]))
    assert seen == [], "nobody got as far as the end"


def test_an_error_in_what_is_made_of_the_pages_is_nobody_elses(api: PagedApi) -> None:
    api.serve(honest(FLEET))

    def build(pages: t.Iterator[t.Any]) -> None:
        next(pages)
        raise LookupError("mine")

    with make_client(page_size=10) as client, pytest.raises(LookupError, match="mine"):
        read(client, comparable, build)


def test_pages_are_read_one_by_one(api: PagedApi) -> None:
    api.serve(honest(FLEET))
    with make_client(page_size=10) as client:
        assert read(client, comparable, lambda pages: [len(page) for page in pages]) == [10] * 9 + [5]


@given(st.integers(0, 60), st.integers(1, 70), st.integers(1, 70), st.booleans(), st.booleans())
def test_a_fleet_of_any_length_is_listed_in_pages_of_any_length(
    count: int, page_size: int, limit: int, claims: bool, counts: bool
) -> None:
    rows = make_rows(count)

    def pages(asked: Asked) -> t.Any:
        page = page_of(rows, asked.page, min(asked.size, limit))
        if claims:
            page["pageSize"] = asked.size
        if not counts:
            del page["totalPage"], page["pageSize"]
        return page

    with PagedApi() as api:
        api.serve(pages)
        assert ids(listing(page_size=page_size, concurrency=1)) == ids(rows)


def test_numbers_of_requests_stay_small_in_the_worst_case(api: PagedApi) -> None:
    numbers = itertools.count(1)
    api.serve(lambda asked: page_of(make_rows(1000), asked.page, asked.size, total=1000 + next(numbers)))
    failure(page_size=1, concurrency=2)
    assert len(api.asked) <= 4 * (1 + 2 * 2 + 1)


# Twice


def swapped(*moments: list[t.Any]) -> Pages:
    """One fleet for each listing that is begun, the last one ever again."""
    return lambda asked: page_of(moments[min(asked.attempt, len(moments)) - 1], asked.page, asked.size)


A_FLEET = make_rows(25)
ANOTHER = [*make_rows(24), make_row(99)]  # one went, and one came: every count is the same


def test_by_default_a_fleet_is_listed_once(api: PagedApi) -> None:
    api.serve(swapped(A_FLEET, ANOTHER))
    assert ids(listing(page_size=10)) == ids(A_FLEET)
    assert api.attempts == 1


@pytest.mark.parametrize("rows", [[], make_rows(1), A_FLEET], ids=len)
def test_two_listings_that_name_the_same_are_enough(api: PagedApi, rows: list[t.Any]) -> None:
    api.serve(honest(rows))
    assert ids(listing(page_size=10, list_twice=True)) == ids(rows)
    assert api.attempts == 2


def test_two_listings_may_come_in_different_orders_and_the_last_one_counts(api: PagedApi) -> None:
    api.serve(swapped(A_FLEET, A_FLEET[::-1]))
    assert ids(listing(page_size=10, list_twice=True)) == ids(A_FLEET[::-1])


@pytest.mark.parametrize(
    ("moments", "attempts"),
    [
        ([A_FLEET, ANOTHER], 3),
        ([A_FLEET, ANOTHER, A_FLEET], 4),
        ([A_FLEET, ANOTHER, A_FLEET, ANOTHER], 5),
        ([A_FLEET, make_rows(26)], 3),
    ],
)
def test_a_swap_between_two_listings_is_noticed_and_listed_again(api: PagedApi, moments: list[t.Any], attempts: int) -> None:
    api.serve(swapped(*moments))
    assert ids(listing(page_size=10, list_twice=True)) == ids(moments[-1])
    assert api.attempts == attempts


def test_a_swap_on_the_way_of_the_first_listing_is_noticed_by_the_second(api: PagedApi) -> None:
    """The gap that counting leaves: number 25 stood on the last page, went, and another came to the first one."""

    def moving(asked: Asked) -> t.Any:
        now = A_FLEET if asked.attempt == 1 and asked.page < 3 else ANOTHER
        return page_of(now, asked.page, asked.size)

    torn = [*make_rows(20), *ANOTHER[20:]]
    api.serve(moving)
    assert ids(listing(page_size=10, list_twice=True, concurrency=1)) == ids(ANOTHER) == ids(torn)


def test_a_fleet_that_never_stays_the_same_is_an_error(api: PagedApi) -> None:
    api.serve(lambda asked: page_of([*make_rows(24), make_row(100 + asked.attempt)], asked.page, asked.size))
    message = failure(page_size=10, list_twice=True)
    assert "two listings in a row did not name the same instances" in message
    assert f"in {api.attempts} attempts" in message
    assert api.attempts == 5


def test_a_listing_that_changes_on_the_way_is_none_of_the_two(api: PagedApi) -> None:
    def changing(asked: Asked) -> t.Any:
        return page_of(A_FLEET, asked.page, asked.size, **({"total": 26} if asked.attempt == 2 and asked.page == 2 else {}))

    api.serve(changing)
    assert ids(listing(page_size=10, list_twice=True)) == ids(A_FLEET)
    assert api.attempts == 4


@pytest.mark.parametrize("habit", GOOD_HABITS, ids=lambda habit: habit.__name__)
@pytest.mark.parametrize("page_size", [1, 20, 1000])
def test_short_pages_are_no_change(api: PagedApi, habit: Pages, page_size: int) -> None:
    api.serve(habit)
    assert ids(listing(page_size=page_size, list_twice=True)) == ids(FLEET)


def test_what_is_built_is_built_anew_for_each_listing(api: PagedApi) -> None:
    api.serve(swapped(A_FLEET, ANOTHER))
    with make_fleet(list_twice=True) as fleet:
        built = fleet.compare(lambda pages: [instance["id"] for page in pages for instance in page])
    assert built == ids(ANOTHER)
