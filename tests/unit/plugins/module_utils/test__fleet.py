# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How the fleet is listed: from a partner's listing or with credentials, narrowed if possible, and completed with further calls."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet, Listing
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit import naive
from ansible_collections.zapi.zapi.tests.unit.engine import (
    CLIENT_TOKEN,
    PARTNER_TOKEN,
    api_object,
    assert_fit_for_users,
    connection,
    credentials,
    fault,
    identity,
    numbers,
    objects,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REJECTED = fault("status", code=404, message="Instance not found")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(objects(15)) as running:
        yield running


def listing(emulator: Emulator, only: Sequence[str] | None = None, **options: t.Any) -> Listing:
    with Fleet(connection(emulator, retries=0, **options)) as fleet:
        return fleet.list(only=only)


def searches(emulator: Emulator) -> list[str | None]:
    """What each listing searched for."""
    return [entry["path"].partition("query=")[2] or None for entry in emulator.requests]


# With a partner token


def test_a_few_ids_are_searched_for_one_by_one(emulator: Emulator) -> None:
    found = listing(emulator, [identity(7), identity(2), identity(7)])
    assert (numbers(found.records), found.rejected) == ([7, 2], [])
    assert searches(emulator) == [identity(7), identity(2)]


def test_a_search_returns_the_exact_id_only(emulator: Emulator) -> None:
    emulator.replace_fleet([api_object(1, name=f"not {identity(2)}"), *objects(3)[1:]])
    assert numbers(listing(emulator, [identity(2)]).records) == [2]


@pytest.mark.parametrize(
    ("only", "options"),
    [
        (None, {}),
        ([], {}),
        (["shop-1"], {}),
        ([identity(1), "shop-2"], {}),
        ([identity(number) for number in range(1, 12)], {}),
    ],
)
def test_anything_else_needs_the_complete_listing(emulator: Emulator, only: list[str] | None, options: dict[str, str]) -> None:
    assert len(listing(emulator, only, **options).records) == 15
    assert searches(emulator) == [None]


def test_the_users_own_query_is_the_only_one(emulator: Emulator) -> None:
    assert numbers(listing(emulator, [identity(2)], query="shop-2").records) == [2]
    assert searches(emulator) == ["shop-2"]


def test_an_id_that_a_search_does_not_find_is_looked_up_in_the_complete_listing(emulator: Emulator) -> None:
    assert len(listing(emulator, [identity(1), identity(99), identity(2)]).records) == 15
    assert searches(emulator) == [identity(1), identity(99), None]


@pytest.mark.parametrize("body", [{"error": "query is not allowed"}, {"total": 5, "content": []}, []])
def test_a_search_that_fails_is_followed_by_the_complete_listing(emulator: Emulator, body: t.Any) -> None:
    emulator.set_faults([fault("body", json=body, times=1)])
    assert len(listing(emulator, [identity(1)]).records) == 15


# With credentials


@pytest.mark.parametrize(
    ("only", "read"),
    [(None, [3, 1, 2]), ([identity(2), identity(3)], [3, 2]), (["shop-1"], [3, 1, 2]), ([identity(2), identity(9)], [3, 1, 2])],
)
def test_only_the_named_credentials_are_read_if_all_terms_are_their_ids(
    emulator: Emulator, only: list[str] | None, read: list[int]
) -> None:
    assert numbers(listing(emulator, only, credentials=credentials(3, 1, 2)).records) == read
    assert len(emulator.requests) == 2 * len(read)


def test_rejected_credentials_are_returned_and_can_be_refused(emulator: Emulator) -> None:
    with Fleet(connection(emulator, credentials=credentials(1, 20, 2, 21))) as fleet:
        found = fleet.list()
        assert numbers(found.records) == [1, 2]
        assert [(one.id, one.reason.code) for one in found.rejected] == [
            (identity(number), "credential_rejected") for number in (20, 21)
        ]
        with pytest.raises(RequestError) as failed:
            fleet.refuse_rejected(found)
        fleet.refuse_rejected(found._replace(rejected=[]))
    values = failed.value.reason.values
    assert (failed.value.reason.code, values["ids"], values["credentials"]) == (
        "credentials_rejected",
        [identity(20), identity(21)],
        4,
    )
    assert identity(21) in assert_fit_for_users(failed.value)


@pytest.mark.parametrize(("numbers_", "code"), [([20, 21], "every_credential_rejected"), ([20], "credential_rejected")])
def test_if_all_credentials_are_rejected_api_url_is_in_doubt(emulator: Emulator, numbers_: list[int], code: str) -> None:
    assert {one.reason.code for one in listing(emulator, credentials=credentials(*numbers_)).rejected} == {code}


# Details and properties


def test_records_are_completed_by_the_calls_that_they_need(emulator: Emulator) -> None:
    emulator.replace_fleet(
        [api_object(number, _device={"phone": f"55{number}"}, whatsappConnected=False) for number in range(1, 5)]
    )
    with Fleet(connection(emulator)) as fleet:
        records = fleet.list().records
        emulator.clear_requests()
        found = fleet.complete(records, {"status": records[1:3], "device": records[2:]})
    assert numbers(found) == [1, 2, 3, 4]
    assert [one.instance["problem"] for one in found] == [None, "restore_session", "restore_session", None]
    assert [one.instance.get("phone_number") for one in found] == [None, None, "553", "554"]
    assert sorted(entry["call"] for entry in emulator.requests) == ["device", "device", "status", "status"]


def test_with_credentials_me_and_status_are_not_repeated(emulator: Emulator) -> None:
    with Fleet(connection(emulator, credentials=credentials(1, 2))) as fleet:
        records = fleet.list().records
        emulator.clear_requests()
        assert numbers(fleet.complete(records, {"me": records, "status": records, "device": records[:1]})) == [1, 2]
    assert [entry["call"] for entry in emulator.requests] == ["device"]


@pytest.mark.parametrize("own", [None, credentials(1, 20)])
def test_a_fleet_knows_its_secrets(emulator: Emulator, own: t.Any) -> None:
    with Fleet(connection(emulator, client_token=CLIENT_TOKEN, credentials=own)) as fleet:
        assert (fleet.api_url, fleet.has_middleware) == (emulator.url, own is None)
        tokens = [CLIENT_TOKEN, f"{naive.TOKEN}1", f"{naive.TOKEN}20" if own else PARTNER_TOKEN]
        masked = fleet.secrets(fleet.list().records).mask(" ".join(tokens))
    assert masked == "*** *** ***"
