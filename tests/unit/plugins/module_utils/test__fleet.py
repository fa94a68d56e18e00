# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What a fleet is asked for, and that no instance is lost, whatever the server's search knows."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._instance import show
from ansible_collections.zapi.zapi.tests.unit.support import Asked, PagedApi, Pages, honest, ids, make_fleet, make_row, page_of

if t.TYPE_CHECKING:
    from collections.abc import Callable


# Find


def searching(search: Callable[[Asked, t.Any], bool], fleet: list[t.Any]) -> Pages:
    """A server that searches name and id in its own way."""
    return lambda asked: page_of([row for row in fleet if asked.query is None or search(asked, row)], asked.page, asked.size)


def as_documented(asked: Asked, row: t.Any) -> bool:
    return asked.query in row["name"] or asked.query in row["id"]


def finding_nothing(asked: Asked, row: t.Any) -> bool:
    return False


def finding_everything(asked: Asked, row: t.Any) -> bool:
    return True


SOUGHT = [
    make_row(1),
    make_row(2, name="shop"),
    make_row(3, name="shop"),
    make_row(4, name="shop", middleware="mobile"),
    make_row(5, name=""),
]


@pytest.mark.parametrize("search", [as_documented, finding_nothing, finding_everything])
@pytest.mark.parametrize(
    ("identity", "name", "numbers"),
    [
        (make_row(1)["id"], None, [1]),
        (None, "shop", [2, 3, 4]),
        (None, "shop-1", [1]),
        (None, "", [5]),
        (make_row(3)["id"], "shop", [3]),
        (make_row(1)["id"], "shop", []),
        (None, "sho", []),
        (None, "SHOP", []),
        (None, "shop-?", []),
        ("1", None, []),
        (None, None, [1, 2, 3, 4, 5]),
    ],
)
def test_instances_are_found_by_exact_id_and_name_however_the_server_searches(
    api: PagedApi, search: t.Any, identity: str | None, name: str | None, numbers: list[int]
) -> None:
    api.serve(searching(search, SOUGHT))
    with make_fleet() as fleet:
        found = fleet.find(identity=identity, name=name)
    assert ids(found) == [make_row(number)["id"] for number in numbers]


def knowing_one_namesake(asked: Asked, row: t.Any) -> bool:
    return bool(row["id"] == make_row(3)["id"])


def test_an_id_is_looked_for_with_the_servers_help(api: PagedApi) -> None:
    api.serve(searching(as_documented, SOUGHT))
    with make_fleet() as fleet:
        fleet.find(identity=SOUGHT[0]["id"], name=None)
    assert [asked.query for asked in api.asked] == [SOUGHT[0]["id"]]


def test_only_a_search_that_finds_nothing_is_followed_by_one_listing_of_everything(api: PagedApi) -> None:
    api.serve(searching(finding_nothing, SOUGHT))
    with make_fleet() as fleet:
        fleet.find(identity="NOBODY", name=None)
    assert [asked.query for asked in api.asked] == ["NOBODY", None]


def test_a_search_that_fails_is_followed_by_a_listing_of_everything(api: PagedApi) -> None:
    pages = searching(as_documented, SOUGHT)
    api.serve(lambda asked: {"error": "query is not allowed here"} if asked.query else pages(asked))
    with make_fleet() as fleet:
        assert ids(fleet.find(identity=SOUGHT[2]["id"], name=None)) == [SOUGHT[2]["id"]]


def test_a_name_is_looked_for_in_the_whole_listing(api: PagedApi) -> None:
    api.serve(searching(knowing_one_namesake, SOUGHT))
    with make_fleet() as fleet:
        assert ids(fleet.find(identity=None, name="shop")) == ids(SOUGHT[1:4])
    assert [asked.query for asked in api.asked] == [None]


def test_the_users_own_query_is_what_narrows_the_search(api: PagedApi) -> None:
    api.serve(searching(as_documented, SOUGHT))
    with make_fleet(query="shop") as fleet:
        assert ids(fleet.find(identity=None, name="shop-1")) == ids(SOUGHT[:1])
        assert fleet.find(identity=SOUGHT[4]["id"], name=None) == []
    assert {asked.query for asked in api.asked} == {"shop"}


# Tokens


def test_instances_have_their_real_values_until_they_are_shown(api: PagedApi) -> None:
    hook = "https://hooks.example.com/hocuspocus1"
    api.serve(honest([make_row(1, name="shop hocuspocus1", receivedCallbackUrl=hook)]))
    with make_fleet() as fleet:
        (found,) = fleet.find(identity=None, name="shop hocuspocus1")
        (compared,) = fleet.compare(lambda pages: [instance for page in pages for instance in page])
    assert found["webhooks"]["received"] == compared["webhooks"]["received"] == hook
    assert "hocuspocus" not in json.dumps(show(found))
