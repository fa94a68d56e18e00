# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The filter compares a list of instances like the audit compares a fleet, and names what is not such a list."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.zapi.zapi.plugins.filter.drift import FilterModule, display
from ansible_collections.zapi.zapi.tests.unit.naive import make_record


def make_instance(*args: t.Any, **fields: t.Any) -> t.Any:
    return make_record(*args, **fields).instance


CONNECTED = [{"expect": {"whatsapp_connected": True}}]
drift = FilterModule().filters()["drift"]


def test_the_filter_returns_the_rows_of_drift() -> None:
    rows = drift([make_instance(1), make_instance(2, id="B", whatsappConnected=False)], CONNECTED)
    assert rows == [
        {
            "kind": "mismatch",
            "id": "B",
            "name": "shop-2",
            "attribute": "whatsapp_connected",
            "expected": True,
            "actual": False,
            "expectation": 1,
            "expectation_name": None,
            "note": None,
            "reason": None,
        }
    ]


def test_host_variables_and_any_iterable_are_accepted() -> None:
    fleet = ({f"zapi_{key}": value for key, value in make_instance(number, whatsappConnected=False).items()} for number in (1, 2))
    assert [row["name"] for row in drift(fleet, CONNECTED)] == ["shop-1", "shop-2"]
    assert drift({"a": make_instance()}.values(), CONNECTED) == []


def test_the_time_is_now() -> None:
    declared = [{"expect": {"days_left": 5}}]
    now = int(time.time() * 1000)
    assert drift([make_instance(due=now + 5 * 86_400_000 + 60_000)], declared) == []
    (row,) = drift([make_instance(due=now + 5 * 86_400_000 - 1)], declared)
    assert row["actual"] == 4


@pytest.mark.parametrize("timestamp", [None, "soon", "1790000000000"])
def test_a_due_date_of_another_type_is_unknown(timestamp: t.Any) -> None:
    (row,) = drift([{**make_instance(), "due_timestamp": timestamp}], [{"expect": {"days_left": -10_000}}])
    assert row["actual"] is None


@pytest.mark.parametrize(("unmanaged", "kinds"), [("ignore", []), ("report", ["unmanaged"]), ("drift", ["unmanaged"])])
def test_unmanaged_instances_are_reported_if_asked_for(unmanaged: str, kinds: list[str]) -> None:
    rows = drift([make_instance()], [{"match": {"name": "x*"}, "expect": {"days_left": 1}}], unmanaged=unmanaged)
    assert [row["kind"] for row in rows] == kinds


def test_missing_instances_are_rows() -> None:
    assert [row["kind"] for row in drift([], [{"match": {"id": "gone"}, "expect": {"days_left": 1}}])] == ["missing"]


def test_urls_are_masked_unless_asked_for() -> None:
    fleet, declared = [make_instance(deliveryCallbackUrl="https://h/?k=secret")], [{"expect": {"webhooks": {"delivery": None}}}]
    assert drift(fleet, declared)[0]["actual"] == "https://h/?k=***"
    assert drift(fleet, declared, show_url_secrets=True)[0]["actual"] == "https://h/?k=secret"


@pytest.mark.parametrize(
    ("fleet", "declared", "options", "words"),
    [
        ("shop-1", CONNECTED, {}, "list of instances"),
        (None, CONNECTED, {}, "list of instances"),
        (5, CONNECTED, {}, "list of instances"),
        (make_instance(), CONNECTED, {}, "one instance, not a list: use the test zapi.zapi.compliant"),
        ({"instances": [], "total": 0}, CONNECTED, {}, "the result of zapi.zapi.instance_info: use .instances"),
        (["shop-1"], CONNECTED, {}, "not an instance"),
        ([{"id": "A"}], CONNECTED, {}, "not an instance"),
        ([{5: "A"}], CONNECTED, {}, "not an instance"),
        ([{**make_instance(), "webhooks": None}], CONNECTED, {}, "not an instance"),
        ([{**make_instance(), "name": None}], CONNECTED, {}, "not an instance"),
        ([{**make_instance(), "id": ["A"]}], CONNECTED, {}, "not an instance"),
        ([], [], {}, "expectations is an empty list"),
        ([], [{"expect": {"days_lef": 1}}], {}, "did you mean days_left?"),
        ([], CONNECTED, {"unmanaged": "reprot"}, "unmanaged must be one of ignore, report, drift"),
        ([], CONNECTED, {"unmanaged": None}, "unmanaged must be one of"),
        ([], CONNECTED, {"unmanaged": ["report"]}, "unmanaged must be one of"),
    ],
)
def test_a_mistake_is_an_error(fleet: t.Any, declared: t.Any, options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        drift(fleet, declared, **options)
    message = str(refused.value)
    assert "zapi.zapi.drift" in message
    assert words in message
    assert message.isprintable()


def test_an_http_url_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(display, "warning", warnings.append)
    drift([make_instance()], [{"expect": {"webhooks": {"received": "http://user:OpenSesame@hooks.example.com"}}}])
    (warning,) = warnings
    assert "http URL" in warning
    assert "OpenSesame" not in warning


@pytest.mark.parametrize(("count", "told"), [(0, ["the fleet is empty"]), (1, []), (2, ["expectation 2"])])
def test_patterns_without_a_match_are_no_warning_for_one_instance(
    monkeypatch: pytest.MonkeyPatch, count: int, told: list[str]
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(display, "warning", warnings.append)
    drift([make_instance(number) for number in range(1, count + 1)], [*CONNECTED, {"match": {"name": "x*"}, **CONNECTED[0]}])
    assert len(warnings) == len(told)
    assert all(words in warning for words, warning in zip(told, warnings))


@pytest.mark.parametrize("is_known", [True, False])
def test_unknown_mute_filters_are_a_warning(monkeypatch: pytest.MonkeyPatch, is_known: bool) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(display, "warning", warnings.append)
    one = make_instance(without=[] if is_known else ["callbackTypeFilters"])
    drift([one], [{"expect": {"webhooks": {"received": one["webhooks"]["received"] or "https://hooks.example.com"}}}])
    assert [("of 1 instance" in warning, "include_settings" in warning) for warning in warnings] == [(True, True)] * (not is_known)
