# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The fleet of a user without a partner token, and details that the listing does not return: one instance's failure is its own."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._http.session import Session
from ansible_collections.zapi.zapi.plugins.module_utils._zapi.reads import read_back, read_details, read_instances
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit import engine
from ansible_collections.zapi.zapi.tests.unit.engine import (
    CLIENT_TOKEN,
    api_object,
    assert_fit_for_users,
    connection,
    fault,
    identity,
    numbers,
    objects,
    records,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, Rejected

Fault = dict[str, t.Any]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(objects(5), client_token=CLIENT_TOKEN) as running:
        yield running


def instances(emulator: Emulator, *of: int, **options: t.Any) -> tuple[list[Record], list[Rejected]]:
    given = connection(emulator, **{"client_token": CLIENT_TOKEN, "retries": 0, "credentials": engine.credentials(*of), **options})
    with Session(given) as session:
        return read_instances(session, given.credentials or ())


def details(emulator: Emulator, call: str, *entries: dict[str, t.Any]) -> list[t.Any]:
    with Session(connection(emulator, client_token=CLIENT_TOKEN, retries=0)) as session:
        return [record.instance for record in read_details(session, records(*entries), call)]


LISTED = [
    {field: value for field, value in entry.items() if "Filters" not in field and "auto" not in field} for entry in objects(3)
]
LAPSED, REJECTED = fault("lapsed"), fault("status", code=404, message="Instance not found")
OWN: list[Fault] = [REJECTED, *(fault("status", code=code) for code in (401, 403)), {**REJECTED, "code": 400}]
OTHERS: list[tuple[Fault, str]] = [
    (fault("status", code=403, html=True), "unexpected_status"),
    (fault("status", code=500), "service_unavailable"),
    (fault("body", json={"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}), "wrong_path"),
    (fault("ip_restricted"), "ip_not_allowed"),
    (fault("status", code=400, message="your client-token is not configured"), "client_token_required"),
    (fault("html"), "not_json"),
    (fault("body", json=[]), "wrong_shape"),
    (fault("drop"), "connection_failed"),
]


# With credentials


def test_instances_are_returned_in_the_order_of_their_credentials(emulator: Emulator) -> None:
    found, rejected = instances(emulator, 3, 1, 5)
    assert (numbers(found), rejected) == ([3, 1, 5], [])
    assert sorted((entry["instance"], entry["call"]) for entry in emulator.requests) == [
        (identity(number), call) for number in (1, 3, 5) for call in ("me", "status")
    ]
    assert {(entry["authorization"], entry["client_token"]) for entry in emulator.requests} == {("missing", "right")}


def test_no_more_requests_at_once_than_concurrency(emulator: Emulator) -> None:
    emulator.set_faults([fault("latency", seconds=0.01)])
    instances(emulator, 1, 2, 3, 4, 5, concurrency=3)
    assert emulator.max_concurrent == 3


def test_an_instance_has_what_both_calls_return(emulator: Emulator) -> None:
    emulator.change_instance(identity(1), whatsappConnected=False, _me={"token": "OpenSesame1", "due": 1_790_000_000})
    [record] = instances(emulator, 1)[0]
    instance = record.instance
    assert (instance["name"], instance["payment_status"]) == ("shop-1", "PAID")
    assert (instance["whatsapp_connected"], instance["phone_connected"], instance["problem"]) == (False, True, "restore_session")
    assert instance["settings"]["muted_webhooks"] == []
    assert instance["unknown"] == ["middleware"]
    assert instance["due"] == datetime.fromtimestamp(1_790_000_000, timezone.utc).isoformat()[:19] + "Z"
    assert record.credential is not None
    assert record.secrets == (record.credential.token, "OpenSesame1")


@pytest.mark.parametrize("without", [["connected"], ["connected", "smartphoneConnected", "session"]])
def test_a_state_that_status_does_not_return_is_unknown(emulator: Emulator, without: list[str]) -> None:
    emulator.change_instance(identity(1), whatsappConnected=False, phoneConnected=False, _status_without=without)
    [record] = instances(emulator, 1)[0]
    assert "whatsapp_connected" in record.instance["unknown"]
    assert record.instance["problem"] == "scan_qr_code"


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("call", ["me", "status"])
def test_a_rejected_credential_does_not_hide_the_others(emulator: Emulator, own: Fault, call: str) -> None:
    emulator.set_faults([{**own, "instance": identity(2), "call": call}])
    found, rejected = instances(emulator, 1, 2, 3)
    assert numbers(found) == [1, 3]
    [(rejected_id, reason)] = rejected
    assert (rejected_id, reason.code) == (identity(2), "credential_rejected")
    assert reason.values["request"] == f"GET /instances/{identity(2)}/{call}"


@pytest.mark.parametrize("calls", [["me"], ["status"], ["me", "status"]])
def test_an_instance_whose_subscription_has_lapsed_exists(emulator: Emulator, calls: list[str]) -> None:
    emulator.set_faults([{**LAPSED, "instance": identity(2), "call": call} for call in calls])
    found, rejected = instances(emulator, 1, 2, 3)
    assert (numbers(found), rejected) == ([1, 2, 3], [])
    instance = found[1].instance
    assert instance["problem"] == "subscription_lapsed"
    assert ("name" in instance["unknown"]) == ("payment_status" in instance["unknown"]) == ("me" in calls)
    assert ("whatsapp_connected" in instance["unknown"]) == ("status" in calls)
    assert instance["name"] == ("" if "me" in calls else "shop-2")


def test_a_lapsed_subscription_proves_that_the_instance_exists(emulator: Emulator) -> None:
    emulator.set_faults([{**LAPSED, "call": "status"}, {**REJECTED, "call": "me"}])
    found, rejected = instances(emulator, 1)
    assert (numbers(found), rejected) == ([1], [])


def test_a_rejected_status_of_an_instance_that_exists_leaves_its_states_unknown(emulator: Emulator) -> None:
    emulator.set_faults([fault("status", "status", 2, code=400, message="You are not connected.")])
    found, rejected = instances(emulator, 1, 2, 3)
    assert (numbers(found), rejected) == ([1, 2, 3], [])
    assert "whatsapp_connected" in found[1].instance["unknown"]


@pytest.mark.parametrize("error", [None, "", False])
def test_an_error_that_is_none_is_not_a_failure(emulator: Emulator, error: t.Any) -> None:
    emulator.set_faults([fault("body", "status", 1, json={"connected": True, "smartphoneConnected": None, "error": error})])
    [record] = instances(emulator, 1)[0]
    assert (record.instance["whatsapp_connected"], record.instance["phone_connected"]) == (True, None)


@pytest.mark.parametrize(("other", "code"), OTHERS)
@pytest.mark.parametrize("calls", [("me", "status"), ("status", "me")])
def test_any_other_failure_fails_the_whole(emulator: Emulator, other: Fault, code: str, calls: tuple[str, str]) -> None:
    fails, is_rejected = calls
    here = {"instance": identity(2)}
    emulator.set_faults([{**other, **here, "call": fails}, {**REJECTED, **here, "call": is_rejected}])
    with pytest.raises(RequestError) as failed:
        instances(emulator, 1, 2, 3)
    assert_fit_for_users(failed.value)
    assert failed.value.reason.code == code
    assert failed.value.reason.values["request"] == f"GET /instances/{identity(2)}/{fails}"


@pytest.mark.parametrize(
    ("returned", "is_accepted"), [(identity(10).lower(), True), ("", True), (None, True), (identity(2), False)]
)
def test_an_answer_for_another_instance_is_an_error(emulator: Emulator, returned: str | None, is_accepted: bool) -> None:
    emulator.replace_fleet([api_object(10)])
    emulator.set_faults([fault("body", call="me", json={"id": returned, "name": "x"})])
    if is_accepted:
        assert numbers(instances(emulator, 10)[0]) == [10]
        return
    with pytest.raises(RequestError) as failed:
        instances(emulator, 10)
    assert failed.value.reason.code == "other_instance"


@pytest.mark.parametrize("text", ["a/../b", "a?b#c=&d", "%2F%41-%00", "x@y:z;w!"])
def test_an_id_and_a_token_are_one_segment_of_the_path_each(text: str) -> None:
    with Emulator([api_object(1, id=text, token=text * 2)]) as emulator:
        found, rejected = instances(emulator, credentials=[{"id": text, "token": text * 2}], client_token=None)
    assert ([record.instance["id"] for record in found], rejected) == ([text], [])


# Details


@pytest.mark.parametrize("call", ["me", "status", "device"])
def test_each_record_is_completed_by_its_own_call(emulator: Emulator, call: str) -> None:
    for number in (1, 2, 3):
        fields = {"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"], "_device": {"phone": f"+55 (11) 9999-{number:04}"}}
        emulator.change_instance(identity(number), whatsappConnected=False, **fields)
    found = details(emulator, call, *LISTED)
    assert [entry["call"] for entry in emulator.requests] == [call] * 3
    assert [one["id"] for one in found] == [identity(number) for number in (1, 2, 3)]
    for number, instance in enumerate(found, start=1):
        assert instance["settings"]["muted_webhooks"] == (["received"] if call == "me" else None)
        assert instance["problem"] == ("restore_session" if call == "status" else None)
        assert instance.get("phone_number") == (f"55119999{number:04}" if call == "device" else None)


def test_a_record_without_a_token_is_not_asked(emulator: Emulator) -> None:
    [instance] = details(emulator, "me", {**LISTED[0], "token": ""})
    assert "settings.muted_webhooks" in instance["unknown"]
    assert emulator.requests == []


@pytest.mark.parametrize("own", [*OWN, LAPSED, fault("status", code=400, message="Does not work in multi device version")])
@pytest.mark.parametrize("call", ["me", "status", "device"])
def test_an_instance_whose_own_call_is_rejected_stays_unknown(emulator: Emulator, own: Fault, call: str) -> None:
    emulator.set_faults([{**own, "instance": identity(2), "call": call}])
    found = details(emulator, call, *LISTED)
    assert [one["problem"] for one in found if one["id"] == identity(2)] == ["subscription_lapsed" if own is LAPSED else None]
    assert "settings.muted_webhooks" in found[1]["unknown"]
    assert ("settings.muted_webhooks" in found[2]["unknown"]) == (call != "me")
    assert found[1].get("phone_number") is None


def test_a_server_may_have_no_device_call(emulator: Emulator) -> None:
    emulator.set_faults([fault("status", code=404, html=True, call="device")])
    assert [one.get("phone_number") for one in details(emulator, "device", *LISTED)] == [None] * 3


@pytest.mark.parametrize(("other", "code"), OTHERS)
def test_any_other_failure_of_a_detail_fails_the_whole(emulator: Emulator, other: Fault, code: str) -> None:
    emulator.set_faults([{**other, "instance": identity(2)}])
    with pytest.raises(RequestError) as failed:
        details(emulator, "me", *LISTED)
    assert failed.value.reason.code == code


def test_reading_back_returns_a_record_or_an_error_for_each(emulator: Emulator) -> None:
    emulator.set_faults([{**LAPSED, "instance": identity(2)}, fault("html", number=3)])
    given = connection(emulator, client_token=CLIENT_TOKEN, credentials=engine.credentials(1, 2, 3))
    with Session(given) as session:
        found = read_back(session, given.credentials or ())
    assert list(found) == [identity(1), identity(2), identity(3)]
    one, two, three = found.values()
    assert not isinstance(one, RequestError)
    assert one.instance["webhooks"]["received"] == "https://hooks.example.com/1"
    assert [error.reason.code for error in (two, three) if isinstance(error, RequestError)] == ["subscription_lapsed", "not_json"]
