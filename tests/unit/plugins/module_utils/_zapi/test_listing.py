# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Complete, or an error: every instance once and in the API's order, however a server pages, or an error that says why not."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ListingError, RequestError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import Session
from ansible_collections.zapi.zapi.plugins.module_utils._zapi.listing import list_objects
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit.engine import (
    api_object,
    assert_fit_for_users,
    connection,
    fault,
    numbers,
    objects,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 95
FLEET = objects(COUNT)
ALL = [*range(1, COUNT + 1)]
Faults = list[dict[str, t.Any]]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(FLEET) as running:
        yield running


def listing(emulator: Emulator, *, query: str | None = None, **options: t.Any) -> list[int]:
    with Session(connection(emulator, **{"page_size": 10, **options})) as session:
        return numbers(list_objects(session, query=query))


def failure(emulator: Emulator, **options: t.Any) -> dict[str, t.Any]:
    """The code and the values of the error."""
    with pytest.raises(ListingError) as failed:
        listing(emulator, **options)
    assert_fit_for_users(failed.value)
    values = dict(failed.value.reason.values)
    assert values.pop("request") == "GET /instances"
    return {"code": failed.value.reason.code, **values}


def page(count: int = 3, **fields: t.Any) -> dict[str, t.Any]:
    return {"total": count, "totalPage": 1, "pageSize": count, "page": 1, "content": objects(count), **fields}


def listings(emulator: Emulator) -> int:
    """How often the first page was requested."""
    return sum("page=1&" in f"{entry['path']}&" for entry in emulator.requests)


# Servers that return every instance

PAGING: dict[str, Faults] = {
    "as documented": [],
    "pages have at most 20 entries": [fault("page_size_limit", maximum=20, fallback=15)],
    "the same, without a page size": [
        fault("page_size_limit", maximum=20, fallback=15),
        fault("counts", pageSize=None, totalPage=None),
    ],
    "pages are shorter than reported": [fault("short_pages", rows=7)],
    "page size and count are constant": [fault("short_pages", rows=7), fault("counts", pageSize=50, totalPage=2)],
    "counts are text": [fault("counts", total="95")],
    "counts are floats": [fault("counts", total=95.0)],
    "only a total": [fault("counts", pageSize=None, totalPage=None, shown_page=None)],
}


@pytest.mark.parametrize("paging", PAGING)
@pytest.mark.parametrize("page_size", [1, 7, 20, 94, 95, 96, 1000])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_every_instance_is_returned_once_and_in_order(emulator: Emulator, paging: str, page_size: int, concurrency: int) -> None:
    emulator.set_faults(PAGING[paging])
    assert listing(emulator, page_size=page_size, concurrency=concurrency) == ALL
    assert listing(emulator, page_size=page_size, concurrency=concurrency, list_twice=True) == ALL


@pytest.mark.parametrize("page_size", [20, 95])
def test_pages_may_be_shorter_than_reported_with_a_true_page_count(emulator: Emulator, page_size: int) -> None:
    emulator.set_faults([fault("short_pages", rows=7), fault("counts", totalPage=14)])
    assert listing(emulator, page_size=page_size) == ALL


@pytest.mark.parametrize("pages", [9, 10, 11])
def test_a_page_count_may_be_off_by_one(emulator: Emulator, pages: int) -> None:
    emulator.set_faults([fault("counts", totalPage=pages)])
    assert listing(emulator) == ALL


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21])
def test_no_request_is_superfluous(emulator: Emulator, count: int) -> None:
    emulator.replace_fleet(objects(count))
    assert listing(emulator) == ALL[:count]
    assert len(emulator.requests) == max(1, -(-count // 10))


@pytest.mark.parametrize("counts", [{}, {"pageSize": 0}, {"totalPage": 1}, {"content": None}, {"content": None, "pageSize": None}])
def test_an_empty_fleet_is_an_empty_list(emulator: Emulator, counts: dict[str, t.Any]) -> None:
    emulator.set_faults([fault("body", json=page(0, totalPage=0, **counts) if "totalPage" not in counts else page(0, **counts))])
    assert listing(emulator) == []
    assert len(emulator.requests) == 1


def test_the_page_size_of_the_server_is_used(emulator: Emulator) -> None:
    emulator.set_faults([fault("page_size_limit", maximum=20, fallback=15)])
    listing(emulator, page_size=1000)
    assert ["pageSize=1000" in entry["path"] for entry in emulator.requests] == [True, *[False] * 6]
    assert sum("pageSize=15" in entry["path"] for entry in emulator.requests) == 6


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, []),
        ({"query": "a&b", "middleware": "web"}, ["query=a%26b", "middleware=web"]),
        ({"query": "SHOP-7"}, ["query=SHOP-7"]),
    ],
)
def test_query_and_middleware_narrow_every_page(emulator: Emulator, options: dict[str, str], sent: list[str]) -> None:
    with Session(connection(emulator, page_size=5, **options)) as session:
        list_objects(session)
    for entry in emulator.requests:
        assert [part for part in entry["path"].split("?")[1].split("&") if not part.startswith("page")] == sent


# A fleet that changes meanwhile

CHANGES = [{"remove": 1}, {"add": 1}, {"add": 1, "where": "start"}, {"remove": 1, "add": 2}, {"remove": 95}]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("times", [1, 3])
def test_a_fleet_that_changes_is_listed_again(emulator: Emulator, change: dict[str, t.Any], times: int) -> None:
    emulator.set_faults([fault("change_fleet", page=3, times=times, **change)])
    found = listing(emulator, concurrency=1)
    assert found == [int(entry["id"], 16) for entry in emulator.fleet]
    assert listings(emulator) >= 2


def test_a_fleet_that_keeps_changing_is_an_error(emulator: Emulator) -> None:
    emulator.set_faults([fault("change_fleet", add=1, page=3)])
    error = failure(emulator, concurrency=1)
    assert (error["code"], error["listings"]) == ("total_changed", 4)
    assert error["after"] == error["before"] + 1
    assert listings(emulator) == 4


def test_an_instance_that_is_returned_twice_is_an_error_only_if_it_is_every_time(emulator: Emulator) -> None:
    emulator.replace_fleet([*FLEET[:20], FLEET[0], *FLEET[21:]])
    assert failure(emulator) == {"code": "instance_repeated", "page": 3, "listings": 4}
    emulator.replace_fleet(FLEET)
    emulator.set_faults([fault("ignore_page", echo=True, page=2, times=1)])
    assert listing(emulator) == ALL


# Servers that never return a complete listing


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ([fault("ignore_page")], "wrong_page"),
        ([fault("ignore_page", echo=True)], "instance_repeated"),
        ([fault("counts", total=96)], "page_length"),
        ([fault("counts", total=94)], "page_length"),
        ([fault("counts", total=5)], "first_page"),
        ([fault("counts", total=0)], "first_page"),
        ([fault("counts", pageSize=0)], "page_size_zero"),
        ([fault("counts", totalPage=8)], "page_count"),
        ([fault("counts", totalPage=12)], "page_count"),
        ([fault("counts", totalPage=10**9)], "page_count"),
        ([fault("counts", total=10**10, totalPage=10**9)], "page_length"),
        ([fault("counts", total=96, page=3)], "total_changed"),
        ([fault("body", json=page(0, total=95, totalPage=10))], "first_page"),
        ([fault("body", json=page(0, totalPage=9))], "pages_without_instances"),
        ([fault("body", json=page(0, total=95, page=4), page=4)], "page_length"),
        ([fault("counts", totalPage=11), fault("body", json=page(1, total=95, page=11), page=11)], "page_length"),
        ([fault("short_pages", rows=90 - step, page=1, after=step) for step in range(12)], "short_pages"),
    ],
)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_impossible_listing_is_an_error_and_no_endless_loop(
    emulator: Emulator, faults: Faults, code: str, concurrency: int
) -> None:
    emulator.set_faults(faults)
    assert failure(emulator, concurrency=concurrency, page_size=95 if code == "short_pages" else 10)["code"] == code
    assert len(emulator.requests) < 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], ("", "object", "array")),
        (None, ("", "object", "null")),
        ("hocuspocus", ("", "object", "string")),
        (5, ("", "object", "number")),
        (True, ("", "object", "boolean")),
        ({}, ("total", "count", "nothing")),
        ({"content": []}, ("total", "count", "nothing")),
        (page(total=None), ("total", "count", "null")),
        (page(total="hocuspocus"), ("total", "count", "string")),
        (page(total=True), ("total", "count", "boolean")),
        (page(total=-1), ("total", "count", "number")),
        (page(total=1.5), ("total", "count", "number")),
        (page(total=10**400), ("total", "count", "number")),
        (page(pageSize=[100]), ("pageSize", "count", "array")),
        (page(totalPage={}), ("totalPage", "count", "object")),
        (page(page="x"), ("page", "count", "string")),
        ({"total": 1}, ("content", "array", "nothing")),
        (page(content=None), ("content", "array", "null")),
        (page(content={"0": {}}), ("content", "array", "object")),
    ],
)
def test_json_of_another_shape_is_an_error_that_names_types_only(
    emulator: Emulator, body: t.Any, expected: tuple[str, ...]
) -> None:
    emulator.set_faults([fault("body", json=body)])
    assert failure(emulator) == dict(zip(("code", "field", "expected", "found"), ("wrong_shape", *expected)))
    assert len(emulator.requests) == 1, "another listing cannot help"


@pytest.mark.parametrize(
    "entry", [None, "hocuspocus", [api_object()], {"token": "hocuspocus"}, api_object(id=""), api_object(id=None)]
)
def test_an_entry_that_is_not_an_instance_is_an_error(emulator: Emulator, entry: t.Any) -> None:
    emulator.set_faults([fault("body", json=page(content=[api_object(1), entry, api_object(3)]))])
    error = failure(emulator)
    assert (error["code"], error["page"], error["position"]) in (("wrong_entry", 1, 2), ("entry_without_id", 1, 2))


def test_a_request_that_fails_on_a_later_page_is_an_error_and_nothing_more_is_sent(emulator: Emulator) -> None:
    emulator.replace_fleet(objects(1000))
    emulator.set_faults([fault("html", page=3)])
    with pytest.raises(RequestError) as failed:
        listing(emulator, concurrency=2)
    assert failed.value.reason.code == "not_json"
    assert len(emulator.requests) < 20


# Two listings


def test_with_list_twice_two_listings_in_a_row_have_the_same_instances(emulator: Emulator) -> None:
    # Between the first two pages the first instance goes and another one comes: no count changes, and number 11 is on no page.
    swap = fault("change_fleet", remove=1, add=1, page=2, times=1)
    emulator.set_faults([swap])
    assert 11 not in listing(emulator, concurrency=1)
    assert listings(emulator) == 1
    emulator.replace_fleet(FLEET)
    emulator.set_faults([swap])
    found = listing(emulator, concurrency=1, list_twice=True)
    assert found == [int(entry["id"], 16) for entry in emulator.fleet]
    assert listings(emulator) == 1 + 3


def test_with_list_twice_a_fleet_that_never_stays_the_same_is_an_error(emulator: Emulator) -> None:
    emulator.set_faults([fault("change_fleet", remove=1, add=1, page=1)])
    assert failure(emulator, list_twice=True) == {"code": "listings_differ", "listings": 5}


# Anything anywhere

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5", " 7 ", "1e3", 10**20]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "total", "content", "error"]), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = [(), *[(field,) for field in page()], *[("content", 1)], *[("content", 1, field) for field in api_object()]]


@given(st.sampled_from(PLACES), VALUES)
def test_whatever_is_returned_is_a_listing_or_an_error(place: tuple[t.Any, ...], value: t.Any) -> None:
    body: t.Any = copy.deepcopy(page())
    if place:
        target = body
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = value
    with Emulator([], faults=[fault("body", json=body if place else value)]) as emulator:
        try:
            assert len(listing(emulator)) == body["total"]
        except ZapiError as error:
            assert_fit_for_users(error)


@given(st.integers(0, 40), st.integers(1, 50), st.integers(1, 50), st.booleans())
def test_a_fleet_of_any_length_is_listed_in_pages_of_any_length(count: int, page_size: int, limit: int, has_counts: bool) -> None:
    faults = [fault("short_pages", rows=limit), *([] if has_counts else [fault("counts", pageSize=None, totalPage=None)])]
    with Emulator(objects(count), faults=faults) as emulator:
        assert listing(emulator, page_size=page_size) == ALL[:count]
