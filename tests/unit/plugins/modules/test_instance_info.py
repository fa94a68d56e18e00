# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the module instance_info returns and fails with."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, run
from ansible_collections.zapi.zapi.plugins.modules.instance_info import main
from ansible_collections.zapi.zapi.tests.unit.support import (
    PagedApi,
    assert_fit_for_users,
    honest,
    ids,
    listing_of,
    make_instance,
    make_row,
    make_rows,
)

Run = t.Callable[..., t.Any]


def test_the_fleet_is_returned_and_counted(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(make_rows(3)))
    result = run_module(main).result
    assert result["instances"] == [make_instance(number) for number in (1, 2, 3)]
    assert result["total"] == 3
    assert not result.get("changed")


def test_nothing_found_is_an_empty_list(api: PagedApi, run_module: Run) -> None:
    result = run_module(main, name="nobody").result
    assert (result["instances"], result["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"id": make_row(2)["id"]}, [2]),
        ({"name": "shop-3"}, [3]),
        ({"name": "shop"}, []),
        ({"id": make_row(2)["id"], "name": "shop-3"}, []),
    ],
)
def test_id_and_name_narrow_it_down(api: PagedApi, run_module: Run, options: dict[str, str], numbers: list[int]) -> None:
    api.serve(honest(make_rows(5)))
    result = run_module(main, **options).result
    assert ids(result["instances"]) == [make_row(number)["id"] for number in numbers]
    assert result["total"] == len(numbers)


def test_query_and_middleware_are_asked_of_the_server(api: PagedApi, run_module: Run) -> None:
    run_module(main, query="shop", middleware="mobile")
    assert {(asked.query, asked.middleware) for asked in api.asked} == {("shop", "mobile")}


def test_check_mode_is_the_same(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(make_rows(2)))
    assert run_module(main, _ansible_check_mode=True).result["total"] == 2


def test_tokens_come_only_if_asked_for(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(make_rows(2)))
    assert all("token" not in instance for instance in run_module(main).result["instances"])
    tokens = run_module(main, include_token=True, tokens_expected=True).result["instances"]
    assert [instance["token"] for instance in tokens] == ["hocuspocus1", "hocuspocus2"]


def test_token_and_address_may_come_from_the_environment(run_module: Run, wire: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = wire(listing_of(2))
    monkeypatch.setenv("ZAPI_PARTNER_TOKEN", "opensesame")
    monkeypatch.setenv("ZAPI_API_URL", server.url)
    outcome = run_module(main, partner_token=None)
    assert outcome.result["total"] == 2
    assert server.received[0].headers["Authorization"] == "Bearer opensesame"
    assert "opensesame" not in outcome.printed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"partner_token": None}, ["partner_token"]),
        ({"partner_token": ""}, ["partner_token is empty", "ZAPI_PARTNER_TOKEN"]),
        ({"partner_token": " "}, ["partner_token is empty", "ZAPI_PARTNER_TOKEN"]),
        ({"partner_token": "abra\ncadabra"}, ["partner_token", "white space"]),
        ({"api_url": ""}, ["api_url is empty"]),
        ({"api_url": "ftp://api.z-api.io"}, ["api_url", "URL"]),
        ({"api_url": "http://api.z-api.io"}, ["api_url", "clear"]),
        ({"page_size": 0}, ["page_size must be 1 or more, not 0"]),
        ({"concurrency": -1}, ["concurrency must be 1 or more, not -1"]),
        ({"retries": -1}, ["retries must be 0 or more, not -1"]),
        ({"timeout": 0}, ["timeout"]),
        ({"timeout": "nan"}, ["timeout"]),
        ({"timeout": "inf"}, ["timeout"]),
        ({"timeout": "soon"}, ["timeout"]),
        ({"middleware": "fax"}, ["middleware"]),
        ({"ca_path": "/nowhere/bundle.pem"}, ["ca_path", "/nowhere/bundle.pem"]),
    ],
)
def test_a_mistake_in_the_options_is_told_before_any_request(
    api: PagedApi, run_module: Run, options: dict[str, t.Any], words: list[str]
) -> None:
    outcome = run_module(main, **options)
    assert outcome.failed
    assert api.asked == []
    for word in words:
        assert word in outcome.message
    assert_fit_for_users(outcome.message, request=None, secrets=["cadabra"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (["hocuspocus"], "another shape"),
        (b"<html>", "not JSON"),
        ({"error": "Bearer abracadabra not allowed"}, "partner_token"),
        ({"total": 2, "content": [make_row()]}, "attempts"),
    ],
)
def test_a_failing_request_is_told(api: PagedApi, run_module: Run, answer: t.Any, words: str) -> None:
    api.serve(lambda asked: answer)
    outcome = run_module(main)
    assert outcome.failed
    assert words in outcome.message
    assert_fit_for_users(outcome.message)
    assert "instances" not in outcome.result


def test_without_requests_the_missing_library_is_told(run_module: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.zapi.zapi.plugins.module_utils._api.client.HAS_REQUESTS", False)
    outcome = run_module(main)
    assert outcome.failed
    assert "Failed to import the required Python library (requests)" in outcome.message


def test_what_the_work_says_of_changes_is_passed_on(run_module: Run) -> None:
    def changing() -> None:
        run(Module(argument_spec=CONNECTION_ARGUMENTS), lambda _client: {"changed": True})

    assert run_module(changing).result["changed"] is True
