# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the module instance_audit returns and fails with."""

from __future__ import annotations

import datetime as dt
import json
import typing as t

import pytest
import yaml

from ansible_collections.zapi.zapi.plugins.modules.instance_audit import main
from ansible_collections.zapi.zapi.tests.unit.support import (
    PagedApi,
    assert_fit_for_users,
    honest,
    make_row,
    make_rows,
    page_of,
)

Run = t.Callable[..., t.Any]

CONNECTED = [{"expect": {"whatsapp_connected": True}}]
SECRET_URL = "https://user:OpenSesame@hooks.example.com/?key=OpenSesame"


def disconnected(count: int, **fields: t.Any) -> list[t.Any]:
    return [make_row(number, whatsappConnected=False, **fields) for number in range(1, count + 1)]


def test_a_fleet_in_sync_is_told_so(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(make_rows(3)))
    result = run_module(main, expectations=CONNECTED).result
    assert result["in_sync"] is True
    assert result["drift"] == []
    assert not result.get("changed")
    assert result["summary"] == {
        "instances": 3,
        "managed": 3,
        "unmanaged": 0,
        "in_sync": 3,
        "drifted": 0,
        "missing": 0,
        "mismatches": {},
        "compliance": 100.0,
        "unverified": 0,
    }


def test_drift_fails_with_a_message_and_all_rows(api: PagedApi, run_module: Run) -> None:
    api.serve(honest([*disconnected(12), make_row(13)]))
    outcome = run_module(main, expectations=CONNECTED)
    assert outcome.failed
    first, attributes, *lines = outcome.message.splitlines()
    assert "12 of 13" in first
    assert attributes == "by attribute: whatsapp_connected 12"
    assert len(lines) == 11
    assert "and 2 more" in lines[-1]
    assert len(outcome.result["drift"]) == 12
    assert outcome.result["in_sync"] is False
    assert not outcome.result.get("changed")
    assert outcome.result["summary"]["drifted"] == 12


def test_drift_need_not_fail(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(disconnected(1)))
    outcome = run_module(main, expectations=CONNECTED, fail_on_drift=False)
    assert not outcome.failed
    assert outcome.result["in_sync"] is False
    assert len(outcome.result["drift"]) == 1


def test_check_mode_is_the_same(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(disconnected(1)))
    normal = run_module(main, expectations=CONNECTED)
    checked = run_module(main, expectations=CONNECTED, _ansible_check_mode=True)
    assert checked.failed
    assert checked.message == normal.message
    assert checked.result["drift"] == normal.result["drift"]


@pytest.mark.parametrize(
    ("unmanaged", "failed", "kinds"), [("ignore", False, []), ("report", False, ["unmanaged"]), ("drift", True, ["unmanaged"])]
)
def test_unmanaged_instances_are_ignored_reported_or_drift(
    api: PagedApi, run_module: Run, unmanaged: str, failed: bool, kinds: list[str]
) -> None:
    api.serve(honest(make_rows(2)))
    outcome = run_module(main, expectations=[{"match": {"name": "shop-1"}, **CONNECTED[0]}], unmanaged=unmanaged)
    assert outcome.failed is failed
    assert [row["kind"] for row in outcome.result["drift"]] == kinds
    assert outcome.result["summary"]["unmanaged"] == 1


def test_missing_instances_are_drift(api: PagedApi, run_module: Run) -> None:
    outcome = run_module(main, expectations=[{"match": {"id": "gone"}, **CONNECTED[0]}])
    assert outcome.failed
    assert "1 missing" in outcome.message
    assert outcome.result["summary"]["compliance"] == 0.0


def test_a_diff_comes_in_diff_mode_only(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(disconnected(2)))
    assert "diff" not in run_module(main, expectations=CONNECTED).result
    first, second = run_module(main, expectations=CONNECTED, _ansible_diff=True).result["diff"]
    assert "shop-1" in first["before_header"]
    assert "shop-2" in second["before_header"]
    assert yaml.safe_load(first["before"]) == {"whatsapp_connected": False}
    assert yaml.safe_load(first["after"]) == {"whatsapp_connected": True}


def test_an_audit_that_has_to_list_again_counts_every_instance_once(api: PagedApi, run_module: Run) -> None:
    before, after = disconnected(30), disconnected(30)[1:]
    api.serve(lambda asked: page_of(before if asked.number == 1 else after, asked.page, asked.size))
    result = run_module(main, expectations=CONNECTED, page_size=10).result
    assert result["summary"]["instances"] == 29
    assert len(result["drift"]) == 29


def test_query_and_middleware_narrow_the_audit(api: PagedApi, run_module: Run) -> None:
    run_module(main, expectations=CONNECTED, query="shop", middleware="web")
    assert {(asked.query, asked.middleware) for asked in api.asked} == {("shop", "web")}


# Secrets


@pytest.mark.parametrize("declared", [SECRET_URL, [SECRET_URL, "https://b"], None, SECRET_URL.replace("https", "http")])
@pytest.mark.parametrize("diff", [True, False])
def test_no_secret_of_any_url_comes_out(api: PagedApi, run_module: Run, declared: t.Any, diff: bool) -> None:
    api.serve(honest([*make_rows(1), make_row(2, receivedCallbackUrl=SECRET_URL.replace("/?", "/other?"))]))
    expectations = [{"expect": {"webhooks": {"received": declared}}}]
    outcome = run_module(main, expectations=expectations, _ansible_diff=diff)
    assert outcome.failed
    assert "OpenSesame" not in outcome.printed
    assert "hooks.example.com" in outcome.printed


@pytest.mark.parametrize(
    "expectations",
    [SECRET_URL, [SECRET_URL], [{"expect": SECRET_URL}], [{"expect": {"webhooks": {"received": SECRET_URL + "{x}"}}}]],
)
def test_nor_with_a_mistake_in_the_expectations(api: PagedApi, run_module: Run, expectations: t.Any) -> None:
    outcome = run_module(main, expectations=expectations)
    assert outcome.failed
    assert "OpenSesame" not in outcome.printed


def test_secrets_of_urls_are_shown_if_asked_for(api: PagedApi, run_module: Run) -> None:
    api.serve(honest([make_row(receivedCallbackUrl=SECRET_URL)]))
    expectations = [{"expect": {"webhooks": {"received": "https://hooks.example.com/{id}?key=2"}}}]
    (row,) = run_module(main, expectations=expectations, show_url_secrets=True).result["drift"]
    assert row["actual"] == SECRET_URL
    assert row["expected"] == f"https://hooks.example.com/{make_row()['id']}?key=2"


def test_names_and_numbers_of_the_expectations_are_not_censored_in_the_result(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(disconnected(1, paymentStatus="OPEN")))
    expectations = [{"match": {"name": "shop-1"}, "expect": {"payment_status": "PAID", "days_left": 5}}]
    outcome = run_module(main, expectations=expectations, fail_on_drift=False)
    assert "****" not in json.dumps({**outcome.result, "invocation": None})
    assert outcome.result["drift"][0]["name"] == "shop-1"
    assert outcome.result["drift"][0]["expected"] == "PAID"


# Errors


@pytest.mark.parametrize(
    ("expectations", "words"),
    [
        (None, "expectations"),
        ([], "expectations is empty"),
        ("text", "expectations must be a list"),
        ([CONNECTED[0], {"expect": {"whatsap_connected": True}}], "did you mean whatsapp_connected?"),
        ([{"expect": {"webhooks": {"received": "https://{phone}"}}}], "brace"),
    ],
)
def test_a_mistake_in_the_expectations_is_told_before_any_request(
    api: PagedApi, run_module: Run, expectations: t.Any, words: str
) -> None:
    outcome = run_module(main, expectations=expectations)
    assert outcome.failed
    assert words in outcome.message
    assert_fit_for_users(outcome.message, request=None)
    assert api.asked == []
    assert "drift" not in outcome.result


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"partner_token": None}, "partner_token"),
        ({"partner_token": ""}, "partner_token is empty"),
        ({"partner_token": " "}, "partner_token is empty"),
        ({"partner_token": "abra\ncadabra"}, "partner_token"),
        ({"api_url": "http://api.z-api.io"}, "api_url"),
        ({"unmanaged": "reprot"}, "unmanaged"),
    ],
)
def test_a_mistake_in_the_other_options_is_told(api: PagedApi, run_module: Run, options: dict[str, t.Any], words: str) -> None:
    outcome = run_module(main, expectations=CONNECTED, **options)
    assert outcome.failed
    assert words in outcome.message
    assert_fit_for_users(outcome.message, request=None, secrets=["cadabra"])
    assert "cadabra" not in outcome.printed


def test_a_listing_that_fails_fails_the_audit_without_a_verdict(api: PagedApi, run_module: Run) -> None:
    api.serve(lambda asked: page_of(make_rows(95), 1, asked.size))
    outcome = run_module(main, expectations=CONNECTED, page_size=10)
    assert outcome.failed
    assert_fit_for_users(outcome.message)
    assert "in_sync" not in outcome.result


def test_a_webhook_that_the_api_would_refuse_makes_a_warning(
    api: PagedApi, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda self, warning, **_: warnings.append(warning))
    declared = [
        {"expect": {"webhooks": {"received": SECRET_URL.replace("https", "http")}}},
        {"match": {"name": "x*"}, **CONNECTED[0]},
        {**CONNECTED[0], "until": "2020-01-01"},
    ]
    api.serve(honest(make_rows(1)))
    run_module(main, expectations=declared)
    not_https, ended, unmatched = warnings
    assert "HTTPS" in not_https
    assert "2020-01-01" in ended
    assert "matched no instance" in unmatched
    for warning in warnings:
        assert_fit_for_users(warning, request=None, secrets=["OpenSesame"])


# What is looked at


def test_in_every_case_there_are_words_and_a_time(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(make_rows(2)))
    result = run_module(main, expectations=CONNECTED).result
    assert result["msg"] == "2 of 2 managed instances are as declared, 0 unmanaged"
    assert abs(dt.datetime.now(dt.timezone.utc) - dt.datetime.fromisoformat(result["audited_at"][:-1] + "+00:00")) < dt.timedelta(
        hours=1
    )


@pytest.mark.parametrize("fail_on_drift", [True, False])
def test_an_audit_that_manages_nothing_fails(api: PagedApi, run_module: Run, fail_on_drift: bool) -> None:
    api.serve(honest(make_rows(2)))
    outcome = run_module(main, expectations=[{"match": {"name": "x*"}, **CONNECTED[0]}], fail_on_drift=fail_on_drift)
    assert outcome.failed
    assert "no expectation matches any of the 2 instances" in outcome.message
    assert outcome.result["in_sync"] is False


def test_an_empty_fleet_is_in_sync(api: PagedApi, run_module: Run) -> None:
    assert run_module(main, expectations=CONNECTED).result["in_sync"] is True


def ids_of(count: int) -> list[str]:
    return [f"{number:032X}" for number in range(1, count + 1)]


FLEET = [make_row(number, id=identity, whatsappConnected=False) for number, identity in enumerate(ids_of(30), start=1)]


def by_search(asked: t.Any) -> t.Any:
    """A server whose search knows ids."""
    return page_of([row for row in FLEET if asked.query in (None, row["id"])], asked.page, asked.size)


@pytest.mark.parametrize(
    ("only", "requests"),
    [
        (ids_of(1), 1),
        (ids_of(3), 3),
        ([*ids_of(2), ids_of(1)[0]], 2),
        (["shop-1"], 3),
        (ids_of(11), 3),
        (ids_of(1)[0], 1),
    ],
)
def test_few_ids_are_asked_for_alone(api: PagedApi, run_module: Run, only: t.Any, requests: int) -> None:
    api.serve(by_search)
    result = run_module(main, expectations=CONNECTED, only=only, page_size=10).result
    looked_for = {only} if isinstance(only, str) else set(only)
    assert {row["id"] for row in result["drift"]} == (looked_for & set(ids_of(30)) or {ids_of(1)[0]})
    assert result["summary"]["instances"] == len(looked_for)
    assert len(api.asked) == requests


def test_where_the_search_of_the_server_finds_nothing_all_is_listed(api: PagedApi, run_module: Run) -> None:
    api.serve(lambda asked: page_of([] if asked.query else FLEET, asked.page, asked.size))
    result = run_module(main, expectations=CONNECTED, only=ids_of(2)).result
    assert [row["id"] for row in result["drift"]] == ids_of(2)


@pytest.mark.parametrize("only", [["nobody"], ["shop-1", "nobody"], ["F" * 32]])
def test_whoever_is_named_and_is_not_there_is_an_error(api: PagedApi, run_module: Run, only: list[str]) -> None:
    api.serve(by_search)
    outcome = run_module(main, expectations=CONNECTED, only=only)
    assert outcome.failed
    assert only[-1] in outcome.message
    assert "shop-1" not in outcome.message
    assert "in_sync" not in outcome.result


def test_only_is_no_empty_list(api: PagedApi, run_module: Run) -> None:
    outcome = run_module(main, expectations=CONNECTED, only=[])
    assert "only is an empty list" in outcome.message
    assert api.asked == []


# Only the expectations

DECLARED = [
    {"expect": {"whatsapp_connected": True, "webhooks": {"received": SECRET_URL}}},
    {"match": {"id": "A1"}, "expect": {"settings": {"muted_webhooks": []}}},
    {"match": {"name": "shop-*"}, "ignore": ["webhooks"]},
]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"partner_token": None},
        {"partner_token": "short"},
        {"partner_token": None, "api_url": "http://api.z-api.io", "timeout": 0, "only": []},
        {"partner_token": None, "credentials": "all wrong hocuspocus"},
        {"_ansible_check_mode": True},
    ],
    ids=str,
)
def test_expectations_are_validated_without_a_server(api: PagedApi, run_module: Run, options: dict[str, t.Any]) -> None:
    outcome = run_module(main, validate_only=True, expectations=DECLARED, **options)
    assert not outcome.failed, outcome.message
    assert outcome.message == (
        "3 expectations without a mistake: they declare whatsapp_connected, webhooks.received, settings.muted_webhooks; "
        "1 instance is named"
    )
    assert outcome.result["declared"] == {
        "expectations": 3,
        "attributes": ["whatsapp_connected", "webhooks.received", "settings.muted_webhooks"],
        "instances_named": 1,
    }
    assert outcome.result["changed"] is False
    assert not {"in_sync", "drift", "summary", "audited_at"} & set(outcome.result)
    assert "OpenSesame" not in outcome.printed
    assert api.asked == []


MISTAKES = [
    [],
    {"expect": {}},
    "{{ x }}",
    [{"expect": {"whatsap_connected": True}}],
    [{"expect": {"webhooks": {"received": SECRET_URL + "{token}"}}}],
    [{"expect": {"webhooks": {"received": "https://h/{{id}}"}}}],
    [{"match": {}, "expect": {"days_left": "soon"}}, {"ignore": []}, {"until": "2027-02-30", "ignore": ["webhooks"]}],
    [{"match": {"id": 12}, "ignore": [SECRET_URL]}],
]


@pytest.mark.parametrize("declared", MISTAKES, ids=str)
def test_a_mistake_is_told_as_the_audit_would_tell_it(api: PagedApi, run_module: Run, declared: t.Any) -> None:
    validated = run_module(main, validate_only=True, partner_token=None, expectations=declared)
    assert validated.failed
    assert validated.message == run_module(main, expectations=declared).message
    assert "declared" not in validated.result
    assert_fit_for_users(validated.printed.replace("\n", ""), request=None, secrets=["OpenSesame"])
    assert api.asked == []


def test_what_can_hardly_be_meant_is_warned_of_without_a_server(run_module: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda self, warning, **_: warnings.append(warning))
    declared = [
        {"expect": {"webhooks": {"received": SECRET_URL.replace("https", "http")}}},
        {**CONNECTED[0], "name": "Closed\u202e", "until": "2020-01-01"},
    ]
    assert not run_module(main, validate_only=True, partner_token=None, expectations=declared).failed
    not_https, ended = warnings
    assert "is not an HTTPS URL, and Z-API refuses others" in not_https
    assert 'expectation 2, "Closed\\u202e" ended on 2020-01-01' in ended
    for warning in warnings:
        assert_fit_for_users(warning, request=None, secrets=["OpenSesame"])


def test_expectations_are_needed_for_that_as_well(run_module: Run) -> None:
    outcome = run_module(main, validate_only=True, partner_token=None)
    assert outcome.failed
    assert "expectations" in outcome.message
