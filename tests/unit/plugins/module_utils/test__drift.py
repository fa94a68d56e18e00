# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Drift: what differs, in which order, how it is counted and masked; and the same as a second, naive program decides it."""

from __future__ import annotations

import datetime as dt
import gc
import typing as t
import unicodedata
import weakref
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._drift import Audit
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._instance import comparable
from ansible_collections.zapi.zapi.plugins.module_utils._wording import message
from ansible_collections.zapi.zapi.tests.unit.support import TOLD_SETTINGS, from_row, make_instance, make_row

CONNECTED: dict[str, t.Any] = {"expect": {"whatsapp_connected": True}}
DAY = 24 * 60 * 60 * 1000
NOW = 1_790_000_000_000
KEYS = ["kind", "id", "name", "attribute", "expected", "actual", "expectation", "expectation_name", "note"]


def audit(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> dict[str, t.Any]:
    running = Audit(Expectations(declared, NOW), NOW, **options)
    for instance in fleet:
        running.add(instance)
    return running.finish()


def drift(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    rows = audit(fleet, declared, **options)["drift"]
    assert all(list(row) == KEYS for row in rows)
    return t.cast("list[dict[str, t.Any]]", rows)


def actual(expect: dict[str, t.Any], **fields: t.Any) -> list[t.Any]:
    """What the one instance has where it differs."""
    return [row["actual"] for row in drift([make_instance(**fields)], [{"expect": expect}])]


# Rows


def test_a_mismatch_is_a_row_of_the_promised_form() -> None:
    declared = [{"expect": {"days_left": -10_000}}, {"expect": {"webhooks": {"received": "https://hooks.example.com/{id}"}}}]
    assert drift([make_instance(id="A", receivedCallbackUrl="https://old.example.net/hook")], declared) == [
        {
            "kind": "mismatch",
            "id": "A",
            "name": "shop-1",
            "attribute": "webhooks.received",
            "expected": "https://hooks.example.com/A",
            "actual": "https://old.example.net/hook",
            "expectation": 2,
            "expectation_name": None,
            "note": None,
        }
    ]


def test_rows_come_in_the_order_of_the_fleet_then_by_attribute_and_missing_ones_last() -> None:
    declared = [
        {"match": {"id": "gone"}, "expect": {"days_left": 1}},
        {
            "expect": {
                "whatsapp_connected": False,
                "webhooks": {"received": "https://b", "delivery": "https://a"},
                "payment_status": "TRIAL",
                "days_left": 10_000,
                "middleware": "mobile",
                "phone_connected": False,
            }
        },
        {"match": {"name": "nobody"}, "expect": {"days_left": 1}},
    ]
    rows = drift([make_instance(2, id="Z"), make_instance(1, id="A")], declared)
    attributes = [
        "days_left",
        "middleware",
        "payment_status",
        "phone_connected",
        "webhooks.delivery",
        "webhooks.received",
        "whatsapp_connected",
    ]
    assert [(row["id"], row["attribute"]) for row in rows] == [
        *(("Z", attribute) for attribute in attributes),
        *(("A", attribute) for attribute in attributes),
        ("gone", None),
        (None, None),
    ]


def test_a_fleet_in_sync_has_no_rows() -> None:
    declared = [
        {
            "expect": {
                "whatsapp_connected": True,
                "phone_connected": True,
                "middleware": "web",
                "payment_status": ["TRIAL", "PAID"],
                "days_left": 5,
                "webhooks": {"received": "https://hooks.example.com/1", "delivery": None, "connected": ["https://a", "https://b"]},
            }
        }
    ]
    result = audit([make_instance(connectedCallbackUrl="https://b")], declared)
    assert result["drift"] == []
    assert result["in_sync"]


# Comparison


@pytest.mark.parametrize("attribute", ["whatsapp_connected", "phone_connected"])
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("state", [True, False, None])
def test_an_unknown_connection_state_is_neither_true_nor_false(attribute: str, declared: bool, state: bool | None) -> None:
    field = {"whatsapp_connected": "whatsappConnected", "phone_connected": "phoneConnected"}[attribute]
    assert actual({attribute: declared}, **{field: state}) == ([] if state is declared else [state])


@pytest.mark.parametrize(
    ("declared", "status", "drifted"),
    [
        ("PAID", "PAID", False),
        ("PAID", "paid", True),
        ("PAID", "", True),
        ("PAID", "PAID ", True),
        (["PAID", "TRIAL"], "TRIAL", False),
        (["PAID", "TRIAL"], "OVERDUE", True),
        (["PAID"], None, True),
    ],
)
def test_a_status_is_one_value_or_one_of_a_list_exactly(declared: t.Any, status: str | None, drifted: bool) -> None:
    assert actual({"payment_status": declared}, paymentStatus=status) == ([status or None] if drifted else [])
    assert actual({"middleware": declared}, middleware=status) == ([status or None] if drifted else [])


@pytest.mark.parametrize(
    ("declared", "url", "drifted"),
    [
        ("https://a", "https://a", False),
        ("https://a", "https://a/", True),
        ("https://a", "HTTPS://A", True),
        ("https://a", "", True),
        (None, "", False),
        (None, None, False),
        (None, "https://a", True),
        (["https://a", "https://b"], "https://b", False),
        (["https://a", "https://b"], "https://c", True),
        (["https://a", "https://b"], None, True),
        ("https://{name}", "https://shop-1", False),
        (["https://{name}"], "https://shop-2", True),
    ],
)
def test_a_webhook_is_one_url_or_one_of_a_list_or_unset_exactly(declared: t.Any, url: str | None, drifted: bool) -> None:
    assert actual({"webhooks": {"presence_chat": declared}}, presenceChatCallbackUrl=url) == ([url or None] if drifted else [])


@pytest.mark.parametrize(
    ("declared", "due", "days"),
    [
        (5, NOW + 5 * DAY, []),
        (5, NOW + 5 * DAY - 1, [4]),
        (5, NOW + 5 * DAY + 1, []),
        (5, NOW + 6 * DAY, []),
        (5, NOW + DAY, [1]),
        (1, NOW + DAY - 1, [0]),
        (0, NOW, []),
        (0, NOW - 1, [-1]),
        (0, NOW + 1, []),
        (-1, NOW - DAY, []),
        (-1, NOW - DAY - 1, [-2]),
        (5, "", [None]),
        (5, "nonsense", [None]),
        (-10_000, None, [None]),
        (5, 253402300799999, []),
        (5, 10**30, [None]),
    ],
)
def test_days_left_are_whole_days_until_due(declared: int, due: t.Any, days: list[int | None]) -> None:
    assert actual({"days_left": declared}, due=due) == days


# Missing


@pytest.mark.parametrize(
    ("match", "row"),
    [
        ({"id": "gone"}, ("gone", None)),
        ({"name": "nobody"}, (None, "nobody")),
        ({"id": "gone", "name": "nobody"}, ("gone", "nobody")),
        ({"id": "gone", "name": "shop-1"}, ("gone", "shop-1")),
        ({"id": "gone", "name": "shop-*"}, ("gone", None)),
        ({"name": "nobody", "middleware": "web"}, (None, "nobody")),
        ({"name": ""}, (None, "")),
    ],
)
def test_an_expectation_that_names_nobody_is_drift(match: dict[str, str], row: tuple[str | None, str | None]) -> None:
    declared = [{"expect": {"days_left": 1}}, {"match": match, "expect": {"days_left": 1}}]
    result = audit([make_instance()], declared)
    (only,) = result["drift"]
    assert (only["id"], only["name"]) == row
    assert (only["kind"], only["attribute"], only["expected"], only["actual"], only["expectation"]) == (
        "missing",
        None,
        None,
        None,
        2,
    )
    assert not result["in_sync"]
    assert result["summary"]["missing"] == 1
    assert "mismatches" in result["summary"]
    assert result["summary"]["mismatches"] == {}


@pytest.mark.parametrize(
    "match",
    [
        {"name": "nob*"},
        {"name": "?"},
        {"middleware": "mobile"},
        {"name": "shop-1", "middleware": "mobile"},
        {"id": "A", "name": "shop-2"},
    ],
)
def test_a_pattern_that_matches_nobody_is_none_nor_is_an_instance_of_another_kind(match: dict[str, str]) -> None:
    assert drift([make_instance(1, id="A"), make_instance(2, id="B")], [{"match": match, "expect": {"days_left": 10_000}}]) == []


def test_each_expectation_that_names_nobody_has_its_row() -> None:
    declared = [{"match": {"id": "gone"}, "expect": {"days_left": 1}}] * 3
    assert [row["expectation"] for row in drift([], declared)] == [1, 2, 3]


def test_in_an_empty_fleet_all_that_is_named_is_missing() -> None:
    result = audit([], [{"match": {"name": "a"}, "expect": {"days_left": 1}}, {"expect": {"days_left": 1}}])
    assert result["summary"]["missing"] == 1
    assert result["summary"]["compliance"] == 0.0


# Unmanaged


@pytest.mark.parametrize(("mode", "rows", "in_sync"), [("ignore", 0, True), ("report", 2, True), ("drift", 2, False)])
def test_unmanaged_instances_are_ignored_reported_or_drift(mode: str, rows: int, in_sync: bool) -> None:
    fleet = [make_instance(1, id="A"), make_instance(2, id="B"), make_instance(3, id="C")]
    result = audit(fleet, [{"match": {"id": "B"}, "expect": {"whatsapp_connected": True}}], unmanaged=mode)
    assert result["in_sync"] is in_sync
    assert [row["kind"] for row in result["drift"]] == ["unmanaged"] * rows
    assert result["summary"]["unmanaged"] == 2
    assert result["summary"]["managed"] == 1
    assert result["summary"]["compliance"] == 100.0
    for row in result["drift"]:
        assert [row[key] for key in KEYS[3:]] == [None] * 6
        assert (row["id"], row["name"]) in {("A", "shop-1"), ("C", "shop-3")}


def test_by_default_unmanaged_instances_are_only_counted() -> None:
    result = audit([make_instance()], [{"match": {"name": "x*"}, "expect": {"days_left": 1}}])
    assert result["drift"] == []
    assert result["summary"]["unmanaged"] == 1


def test_rows_of_unmanaged_instances_keep_their_place_in_the_fleet() -> None:
    fleet = [make_instance(number, id=str(number)) for number in range(4)]
    rows = drift(fleet, [{"match": {"name": "shop-[02]"}, "expect": {"middleware": "mobile"}}], unmanaged="report")
    assert [(row["id"], row["kind"]) for row in rows] == [
        ("0", "mismatch"),
        ("1", "unmanaged"),
        ("2", "mismatch"),
        ("3", "unmanaged"),
    ]


# Masks

SECRET_URL = "https://user:OpenSesame@hooks.example.com/a?key=OpenSesame"
MASKED_URL = "https://***@hooks.example.com/a?key=***"


@pytest.mark.parametrize(
    ("declared", "url", "expected_shown", "actual_shown"),
    [
        (SECRET_URL, "https://old.example.net/?k=OpenSesame", MASKED_URL, "https://old.example.net/?k=***"),
        ([SECRET_URL, "https://b"], "https://old.example.net", [MASKED_URL, "https://b"], "https://old.example.net"),
        (None, SECRET_URL, None, MASKED_URL),
        (SECRET_URL, None, MASKED_URL, None),
    ],
)
def test_urls_in_rows_are_masked_unless_asked_for(
    declared: t.Any, url: str | None, expected_shown: t.Any, actual_shown: t.Any
) -> None:
    fleet = [make_instance(deliveryCallbackUrl=url)]
    expectations = [{"expect": {"webhooks": {"delivery": declared}}}]
    (row,) = drift(fleet, expectations)
    assert (row["expected"], row["actual"]) == (expected_shown, actual_shown)
    assert row["note"] is None
    (row,) = drift(fleet, expectations, show_url_secrets=True)
    assert (row["expected"], row["actual"]) == (declared, url)
    assert row["note"] is None


@pytest.mark.parametrize("declared", [SECRET_URL, [SECRET_URL], ["https://b", SECRET_URL]])
def test_what_differs_in_a_masked_part_only_is_drift_and_says_so(declared: t.Any) -> None:
    fleet = [make_instance(deliveryCallbackUrl=SECRET_URL.replace("Open", "Shut"))]
    expectations = [{"expect": {"webhooks": {"delivery": declared}}}]
    (row,) = drift(fleet, expectations)
    assert "Sesame" not in str(row)
    assert "masked" in row["note"]
    assert "show_url_secrets" in row["note"]
    (row,) = drift(fleet, expectations, show_url_secrets=True)
    assert row["note"] is None


def test_the_comparison_is_on_the_real_urls() -> None:
    assert drift([make_instance(deliveryCallbackUrl=SECRET_URL)], [{"expect": {"webhooks": {"delivery": SECRET_URL}}}]) == []


def test_what_is_no_webhook_is_not_masked() -> None:
    (row,) = drift([make_instance(paymentStatus="WHY?=x")], [{"expect": {"payment_status": "PAID?=y"}}])
    assert (row["expected"], row["actual"]) == ("PAID?=y", "WHY?=x")


# Hosts


def posts_to(declared: list[str], *urls: str) -> list[t.Any]:
    """Which hosts are foreign."""
    fields = dict(zip(["receivedCallbackUrl", "initialDataCallbackUrl", "deliveryCallbackUrl"], urls))
    rows = drift([make_instance(**{"receivedCallbackUrl": "", **fields})], [{"expect": {"webhook_hosts": declared}}])
    return t.cast("list[t.Any]", rows[0]["actual"]) if rows else []


@pytest.mark.parametrize(
    ("declared", "url", "foreign"),
    [
        ("hooks.example.com", "https://hooks.example.com/x", []),
        ("hooks.example.com", "https://HOOKS.example.com./x", []),
        ("HOOKS.example.com", "https://hooks.example.com", []),
        ("hooks.example.com", "https://hooks.example.com:8443/x", []),
        ("hooks.example.com:8443", "https://hooks.example.com:8443/x", []),
        ("hooks.example.com:443", "https://hooks.example.com/x", []),
        ("hooks.example.com:8443", "https://hooks.example.com/x", ["hooks.example.com"]),
        ("hooks.example.com:8443", "https://hooks.example.com:9/x", ["hooks.example.com:9"]),
        ("*.example.com", "https://a.b.example.com/x", []),
        ("*.example.com", "https://example.com/x", ["example.com"]),
        ("*.example.com", "https://badexample.com/x", ["badexample.com"]),
        ("hooks.example.com", "https://hooks.example.com.evil.net/x", ["hooks.example.com.evil.net"]),
        ("hooks.example.com", "https://hooks.example.com@evil.net/x", ["evil.net"]),
        ("hooks.example.com", "https://evil.net/hooks.example.com", ["evil.net"]),
        ("hooks.example.com", "https://evil.net?hooks.example.com", ["evil.net"]),
        ("pão.example.com", "https://xn--po-sia.example.com/x", []),
        ("[::1]:8443", "https://[::1]:8443/x", []),
        ("hooks.example.com", "https://hooks.example.com\\@evil.net/", ["https://***@evil.net/"]),
        ("hooks.example.com", "https://a@hooks.example.com@evil.net/", ["https://***@evil.net/"]),
        ("hooks.example.com", " https://hooks.example.com/", [" https://hooks.example.com/"]),
        ("hooks.example.com", "hooks.example.com/x", ["hooks.example.com/x"]),
        ("hooks.example.com", "ftp://hooks.example.com/x", ["ftp://hooks.example.com/x"]),
        ("hooks.example.com", "https://hooks.example.com\n", ["https://hooks.example.com\n"]),
        ("hooks.example.com", "https://hooks%2eexample.com/", ["https://hooks%2eexample.com/"]),
    ],
)
def test_a_webhook_posts_to_a_declared_host_or_to_a_foreign_one(declared: str, url: str, foreign: list[str]) -> None:
    assert posts_to([declared], url) == foreign


def test_foreign_hosts_are_found_in_every_webhook_also_in_those_that_nobody_knows_yet() -> None:
    instance = make_instance(
        receivedCallbackUrl="https://a.net/", initialDataCallbackUrl="https://b.net/", deliveryCallbackUrl="https://a.net/x"
    )
    (row,) = drift([instance], [{"expect": {"webhook_hosts": ["hooks.example.com", "*.example.org"]}}])
    assert row["attribute"] == "webhook_hosts"
    assert row["expected"] == ["hooks.example.com", "*.example.org"]
    assert row["actual"] == ["a.net", "b.net"]
    assert row["note"] == "posted to by received, delivery, initial_data"


def test_an_instance_without_webhooks_posts_nowhere() -> None:
    assert posts_to(["hooks.example.com"]) == []


def test_the_secrets_of_a_url_without_a_certain_host_are_masked() -> None:
    assert "OpenSesame" not in str(posts_to(["hooks.example.com"], "ftp://user:OpenSesame@x/?key=OpenSesame"))


# Notes


@pytest.mark.parametrize(
    ("expect", "fields", "note"),
    [
        ({"payment_status": "PAID"}, {"paymentStatus": "paid"}, "only upper and lower case differ"),
        ({"payment_status": ["TRIAL", "PAID"]}, {"paymentStatus": "Paid"}, "only upper and lower case differ"),
        ({"payment_status": "PAID"}, {"paymentStatus": "OPEN"}, None),
        ({"payment_status": "PAID"}, {"paymentStatus": ""}, "the API did not tell"),
        ({"whatsapp_connected": True}, {"whatsappConnected": None}, "the API did not tell"),
        ({"whatsapp_connected": True}, {"whatsappConnected": False}, None),
    ],
)
def test_a_note_says_what_is_not_plain_to_see(expect: dict[str, t.Any], fields: dict[str, t.Any], note: str | None) -> None:
    (row,) = drift([make_instance(**fields)], [{"expect": expect}])
    assert row["note"] == note


# Unknown

TOLD: dict[str, t.Any] = {**TOLD_SETTINGS, "notifySentByMe": True}
NOT_TOLD = "the API did not tell"


def without(*fields: str, **others: t.Any) -> t.Any:
    """An instance whose answer did not hold these fields."""
    instance = comparable({field: value for field, value in make_row(**{**TOLD, **others}).items() if field not in fields})
    assert instance is not None
    return instance


@pytest.mark.parametrize(
    ("field", "expect", "attribute"),
    [
        ("whatsappConnected", {"whatsapp_connected": False}, "whatsapp_connected"),
        ("phoneConnected", {"phone_connected": True}, "phone_connected"),
        ("middleware", {"middleware": ["web", "mobile"]}, "middleware"),
        ("paymentStatus", {"payment_status": "PAID"}, "payment_status"),
        ("due", {"days_left": -10_000}, "days_left"),
        ("receivedCallbackUrl", {"webhooks": {"received": None}}, "webhooks.received"),
        ("receivedCallbackUrl", {"webhooks": {"received": "https://h/{id}"}}, "webhooks.received"),
        ("receivedCallbackUrl", {"webhooks": {"received": ["https://h", "https://i"]}}, "webhooks.received"),
        ("notifySentByMe", {"settings": {"notify_sent_by_me": False}}, "settings.notify_sent_by_me"),
        ("callRejectMessage", {"settings": {"call_reject_message": None}}, "settings.call_reject_message"),
        ("callRejectMessage", {"settings": {"call_reject_message": "x"}}, "settings.call_reject_message"),
        ("callbackTypeFilters", {"settings": {"muted_webhooks": []}}, "settings.muted_webhooks"),
        ("messageFilters", {"settings": {"muted_messages": ["group"]}}, "settings.muted_messages"),
    ],
)
def test_what_is_unknown_equals_nothing_not_even_null(field: str, expect: dict[str, t.Any], attribute: str) -> None:
    (row,) = drift([without(field)], [{"expect": expect}])
    assert (row["attribute"], row["actual"], row["note"]) == (attribute, None, NOT_TOLD)


def test_what_is_unknown_and_not_asked_for_is_no_drift() -> None:
    assert drift([without("receivedCallbackUrl", "callbackTypeFilters", "due")], [CONNECTED]) == []


def test_unset_is_not_unknown() -> None:
    declared = [{"expect": {"webhooks": {"received": None}, "settings": {"call_reject_message": None, "muted_webhooks": []}}}]
    assert drift([without(receivedCallbackUrl=None, callRejectMessage=None)], declared) == []


# Settings


@pytest.mark.parametrize(
    ("declared", "field", "value", "drifted", "found"),
    [
        ({"notify_sent_by_me": True}, "notifySentByMe", True, False, None),
        ({"notify_sent_by_me": True}, "notifySentByMe", False, True, False),
        ({"auto_read_message": False}, "autoReadMessage", True, True, True),
        ({"auto_read_status": False}, "autoReadStatus", None, True, None),
        ({"call_reject_auto": True}, "callRejectAuto", "true", False, None),
        ({"call_reject_message": "Ligue"}, "callRejectMessage", "Ligue", False, None),
        ({"call_reject_message": "Ligue"}, "callRejectMessage", "ligue", True, "ligue"),
        ({"call_reject_message": "Ligue"}, "callRejectMessage", "", True, None),
        ({"call_reject_message": ""}, "callRejectMessage", "", False, None),
        ({"call_reject_message": ""}, "callRejectMessage", None, False, None),
        ({"call_reject_message": None}, "callRejectMessage", "Ligue", True, "Ligue"),
        ({"muted_messages": []}, "messageFilters", [], False, None),
        ({"muted_messages": []}, "messageFilters", ["FILTER_FROM_GROUP"], True, ["group"]),
        ({"muted_messages": ["text", "group"]}, "messageFilters", ["FILTER_FROM_GROUP", "FILTER_TEXT_MESSAGE"], False, None),
        ({"muted_messages": ["group"]}, "messageFilters", ["FILTER_TEXT_MESSAGE", "FILTER_FROM_GROUP"], True, ["group", "text"]),
        ({"muted_messages": ["sticker"]}, "messageFilters", ["FILTER_STICKER_MESSAGE"], False, None),
        ({"muted_webhooks": ["delivery", "delivery"]}, "callbackTypeFilters", ["FILTER_DELIVERY_CALLBACK"], False, None),
        ({"muted_webhooks": ["delivery"]}, "callbackTypeFilters", [], True, []),
    ],
)
def test_a_setting_is_compared_exactly_and_muted_lists_as_sets(
    declared: dict[str, t.Any], field: str, value: t.Any, drifted: bool, found: t.Any
) -> None:
    assert [row["actual"] for row in drift([without(**{field: value})], [{"expect": {"settings": declared}}])] == [found] * drifted


def test_a_rows_muted_lists_are_sorted_on_both_sides() -> None:
    instance = without(messageFilters=["FILTER_VIDEO_MESSAGE", "FILTER_AUDIO_MESSAGE"])
    (row,) = drift([instance], [{"expect": {"settings": {"muted_messages": ["text", "group"]}}}])
    assert (row["expected"], row["actual"]) == (["group", "text"], ["audio", "video"])


# A declared URL is a webhook that works

HOOK = "https://hooks.example.com/1"
RECEIVED, AND_DELIVERY = "webhooks.received", "webhooks.received_and_delivery"


def muting(*names: str, **fields: t.Any) -> t.Any:
    """An instance with both receive webhooks set, which mutes these."""
    filters = [f"FILTER_{name.upper()}_CALLBACK" for name in names]
    return without(**{"receivedAndDeliveryCallbackUrl": HOOK, "callbackTypeFilters": filters, **fields})


BOTH: dict[str, t.Any] = {"received": HOOK, "received_and_delivery": HOOK}


@pytest.mark.parametrize(
    ("muted", "webhooks", "declared", "rows"),
    [
        ([], BOTH, None, []),
        (["received"], BOTH, None, [RECEIVED, AND_DELIVERY]),
        (["received"], {"received": HOOK}, None, [RECEIVED]),
        (["received"], {"received": [HOOK, "https://b"]}, None, [RECEIVED]),
        (["received"], {"received_and_delivery": HOOK}, None, [AND_DELIVERY]),
        (["received_and_delivery"], BOTH, None, [AND_DELIVERY]),
        (["delivery", "connected", "presence_chat"], BOTH, None, []),
        (["delivery"], {"delivery": None}, None, []),
        (["received"], {"delivery": None}, None, []),
        (["received"], BOTH, ["received"], []),
        (["received", "delivery"], BOTH, ["delivery", "received"], []),
        (["received"], BOTH, [], ["settings.muted_webhooks", RECEIVED, AND_DELIVERY]),
        (["received"], BOTH, ["delivery"], ["settings.muted_webhooks", RECEIVED, AND_DELIVERY]),
        ([], BOTH, ["received"], ["settings.muted_webhooks"]),
    ],
)
def test_a_declared_url_that_is_muted_is_drift_unless_that_is_declared(
    muted: list[str], webhooks: dict[str, t.Any], declared: list[str] | None, rows: list[str]
) -> None:
    expect: dict[str, t.Any] = {"webhooks": webhooks}
    if declared is not None:
        expect["settings"] = {"muted_webhooks": declared}
    assert [row["attribute"] for row in drift([muting(*muted)], [{"expect": expect}])] == rows


def test_the_row_of_a_muted_webhook_says_so_though_both_sides_are_alike() -> None:
    (row,) = drift([muting("received")], [{"expect": {"webhooks": {"received": HOOK}}}])
    assert row["expected"] == row["actual"] == HOOK
    assert row["note"] == "muted: Z-API does not call this webhook, see settings.muted_webhooks"


def test_what_is_muted_and_not_the_declared_url_either_is_one_row_that_says_so() -> None:
    (row,) = drift([muting("received", receivedCallbackUrl="https://old")], [{"expect": {"webhooks": {"received": HOOK}}}])
    assert (row["expected"], row["actual"]) == (HOOK, "https://old")
    assert row["note"].startswith("muted: ")


def test_what_is_muted_and_differs_in_a_masked_part_only_says_both() -> None:
    instance = muting("received", receivedCallbackUrl=SECRET_URL.replace("Open", "Shut"))
    (row,) = drift([instance], [{"expect": {"webhooks": {"received": SECRET_URL}}}])
    assert row["expected"] == row["actual"] == MASKED_URL
    assert row["note"].startswith("muted: ")
    assert row["note"].endswith("; the two differ in a masked part only, see show_url_secrets")
    (row,) = drift([instance], [{"expect": {"webhooks": {"received": SECRET_URL}}}], show_url_secrets=True)
    assert "masked" not in row["note"]


def test_a_muted_webhook_with_its_declared_secret_is_not_said_to_differ_in_it() -> None:
    (row,) = drift([muting("received", receivedCallbackUrl=SECRET_URL)], [{"expect": {"webhooks": {"received": SECRET_URL}}}])
    assert row["note"] == "muted: Z-API does not call this webhook, see settings.muted_webhooks"


def test_what_is_unknown_and_muted_says_both() -> None:
    instance = without("receivedAndDeliveryCallbackUrl", callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"])
    (row,) = drift([instance], [{"expect": {"webhooks": {"received_and_delivery": HOOK}}}])
    assert row["note"] == f"{NOT_TOLD}; muted: Z-API does not call this webhook, see settings.muted_webhooks"


def test_what_is_muted_spoils_the_audit() -> None:
    result = audit([muting("received"), muting(id="B")], [{"expect": {"webhooks": BOTH}}])
    assert not result["in_sync"]
    assert result["summary"]["mismatches"] == {RECEIVED: 1, AND_DELIVERY: 1}
    assert result["summary"]["compliance"] == 50.0


@pytest.mark.parametrize(
    ("expect", "filters", "count"),
    [
        ({"webhooks": {"received": HOOK}}, None, 1),
        ({"webhooks": {"received": [HOOK]}}, None, 1),
        ({"webhooks": {"received": "https://old"}}, None, 1),
        ({"webhooks": {"received": None}}, None, 0),
        ({"whatsapp_connected": True, "webhook_hosts": ["hooks.example.com"]}, None, 0),
        ({"settings": {"muted_webhooks": []}}, None, 0),
        ({"webhooks": {"received": HOOK}}, [], 0),
        ({"webhooks": {"received": HOOK}}, ["FILTER_RECEIVED_CALLBACK"], 0),
    ],
)
def test_unverified_are_those_with_a_declared_url_of_which_nobody_knows_whether_it_is_muted(
    expect: dict[str, t.Any], filters: t.Any, count: int
) -> None:
    assert audit([without(callbackTypeFilters=filters)], [{"expect": expect}])["summary"]["unverified"] == count


def test_unverified_are_of_those_that_are_looked_at() -> None:
    declared = [{"match": {"name": "shop-*"}, "expect": {"webhooks": {"received": HOOK}}}]
    fleet = [make_instance(1, id="A"), make_instance(2, id="B"), make_instance(3, id="C", name="x")]
    assert audit(fleet, declared)["summary"]["unverified"] == 2
    assert audit(fleet, declared, only=["B", "x"])["summary"]["unverified"] == 1
    assert audit(fleet, [*declared, {"ignore": ["webhooks"]}])["summary"]["unverified"] == 0


def test_a_token_in_a_setting_is_in_no_row() -> None:
    instance = without(callRejectMessage="Ligue hocuspocus1", messageFilters=["FILTER_HOCUSPOCUS1"])
    rows = drift([instance], [{"expect": {"settings": {"call_reject_message": "hocuspocus1", "muted_messages": []}}}])
    assert len(rows) == 2
    assert "hocuspocus" not in str(rows)


# Refused credentials


def refusing(refused: dict[str, str], declared: t.Any, fleet: t.Iterable[t.Any] = (), **options: t.Any) -> Audit:
    running = Audit(Expectations(declared, NOW), NOW, **options)
    for instance in fleet:
        running.add(instance)
    running.refuse(refused)
    return running


def missing_rows(running: Audit) -> list[tuple[t.Any, ...]]:
    rows = [row for row in running.finish()["drift"] if row["kind"] == "missing"]
    assert all(list(row) == KEYS for row in rows)
    assert all(row["attribute"] is row["expected"] is row["actual"] is None for row in rows)
    return [(row["id"], row["name"], row["expectation"], row["expectation_name"], row["note"]) for row in rows]


def test_a_refused_credential_is_a_missing_instance_with_the_reason() -> None:
    running = refusing({"X": "why X", "Y": "why Y"}, [CONNECTED], [make_instance(id="A")])
    assert missing_rows(running) == [("X", None, None, None, "why X"), ("Y", None, None, None, "why Y")]
    result = running.finish()
    assert not result["in_sync"]
    assert result["summary"]["missing"] == 2
    assert result["summary"]["instances"] == 1
    assert result["summary"]["compliance"] == 33.3


def test_where_items_name_a_refused_one_as_well_their_rows_are_the_only_ones_and_have_the_reason() -> None:
    declared = [
        CONNECTED,
        {"name": "The shop", "match": {"id": "X"}, **CONNECTED},
        {"match": {"id": "gone"}, **CONNECTED},
        {"match": {"id": "X", "name": "shop-9"}, "ignore": ["webhooks"]},
    ]
    running = refusing({"X": "why X", "Y": "why Y"}, declared, [make_instance(id="A")])
    assert missing_rows(running) == [
        ("X", None, 2, "The shop", "why X"),
        ("gone", None, 3, None, None),
        ("X", "shop-9", 4, None, "why X"),
        ("Y", None, None, None, "why Y"),
    ]
    assert running.finish()["summary"]["missing"] == 4


def test_an_item_that_ended_makes_no_row_for_a_refused_one_but_the_refusal_does() -> None:
    ended = {"match": {"id": "X"}, **CONNECTED, "until": "2026-09-20"}
    assert missing_rows(refusing({"X": "why"}, [CONNECTED, ended], [make_instance()])) == [("X", None, None, None, "why")]


def test_of_refused_ones_only_those_that_are_named_have_a_row() -> None:
    declared = [CONNECTED, {"match": {"id": "X"}, **CONNECTED}]
    assert missing_rows(refusing({"X": "why", "Y": "why"}, declared, only=["Y"])) == [("Y", None, None, None, "why")]
    assert missing_rows(refusing({"X": "why", "Y": "why"}, declared, only=["X"])) == [("X", None, 2, None, "why")]
    by_name = refusing({"X": "why", "Y": "why"}, declared, [make_instance(id="A")], only=["shop-1"])
    assert missing_rows(by_name) == []
    assert by_name.finish()["in_sync"]


def test_a_refused_one_that_only_names_is_borne_and_others_are_not() -> None:
    assert refusing({"X": "why"}, [CONNECTED], only=["X"]).unborne == []
    assert refusing({"X": "why"}, [CONNECTED], only=["X", "nobody"]).unborne == ["nobody"]
    assert refusing({"X": "why"}, [CONNECTED], only=["shop-1"]).unborne == ["shop-1"]


def test_where_all_are_refused_nothing_is_in_sync() -> None:
    result = refusing({"X": "why", "Y": "why"}, [CONNECTED]).finish()
    assert not result["in_sync"]
    assert result["summary"]["compliance"] == 0.0


def test_the_message_tells_refused_ones_in_one_line_each() -> None:
    declared = [CONNECTED, {"name": "The shop", "match": {"id": "X"}, **CONNECTED}]
    text = message(refusing({"X": "it was refused", "Y": "it is gone"}, declared, [make_instance(id="A")]).finish())
    assert text.splitlines() == [
        "0 of 1 managed instances drifted, 2 missing (compliance 33.3 %)",
        '- no instance has id "X" (expectation 2, "The shop"; it was refused)',
        '- no instance has id "Y" (it is gone)',
    ]


# Exceptions


@pytest.mark.parametrize(
    ("exception", "drifted"),
    [
        ({"ignore": ["whatsapp_connected"]}, False),
        ({"ignore": ["phone_connected"]}, True),
        ({"ignore": ["whatsapp_connected"], "match": {"name": "another"}}, True),
        ({"ignore": ["whatsapp_connected"], "until": "2026-09-21"}, False),
        ({"ignore": ["whatsapp_connected"], "until": "2026-09-20"}, True),
        ({"ignore": ["whatsapp_connected"], "until": dt.date(2026, 9, 21)}, False),
        ({"ignore": ["whatsapp_connected"], "expect": {"whatsapp_connected": False}}, False),
    ],
)
def test_what_is_ignored_is_not_asked_until_the_last_day(exception: dict[str, t.Any], drifted: bool) -> None:
    rows = drift([make_instance(whatsappConnected=False)], [CONNECTED, exception])
    assert any(row["kind"] == "mismatch" for row in rows) is drifted


def test_later_items_ask_again_for_what_was_ignored() -> None:
    declared = [CONNECTED, {"ignore": ["whatsapp_connected"]}, CONNECTED]
    assert [row["expectation"] for row in drift([make_instance(whatsappConnected=False)], declared)] == [3]


def test_all_webhooks_are_ignored_at_once_but_not_their_hosts() -> None:
    instance = make_instance(receivedCallbackUrl="https://evil.net", deliveryCallbackUrl="https://evil.net")
    baseline = {"expect": {"webhooks": {"received": "https://h", "delivery": "https://h"}, "webhook_hosts": ["h"]}}
    assert [row["attribute"] for row in drift([instance], [baseline, {"ignore": ["webhooks"]}])] == ["webhook_hosts"]


def test_an_instance_that_only_an_ignore_matches_is_managed() -> None:
    result = audit([make_instance()], [{"match": {"name": "shop-1"}, "ignore": ["webhooks"]}], unmanaged="drift")
    assert result["in_sync"]
    assert result["summary"]["managed"] == 1


@pytest.mark.parametrize("odd", [5, "received", True, {"received": 1}])
def test_what_is_muted_in_data_at_hand_may_be_odd(odd: t.Any) -> None:
    instance = make_instance(receivedCallbackUrl="https://h")
    instance["settings"]["muted_webhooks"] = odd
    assert drift([instance], [{"expect": {"webhooks": {"received": "https://h"}}}]) == []


def test_an_item_that_ended_is_as_if_it_were_not_there() -> None:
    ended = {"match": {"id": "gone"}, "expect": {"days_left": 1}, "until": "2026-09-20"}
    result = audit([make_instance()], [ended, CONNECTED])
    assert result["in_sync"]
    assert result["summary"]["missing"] == 0


# Names


@pytest.mark.parametrize("declared", ["Pão de Açúcar", "P?o de A*", "Pão*"])
@pytest.mark.parametrize("form_there", ["NFC", "NFD"])
@pytest.mark.parametrize("form_here", ["NFC", "NFD"])
def test_an_accent_is_the_same_on_every_keyboard(declared: str, form_there: t.Any, form_here: t.Any) -> None:
    instance = make_instance(name=unicodedata.normalize(form_there, "Pão de Açúcar"), whatsappConnected=False)
    rows = drift([instance], [{"match": {"name": unicodedata.normalize(form_here, declared)}, **CONNECTED}])
    assert [(row["kind"], row["name"]) for row in rows] == [("mismatch", instance["name"])]


# Only some of them


def looked_at(fleet: t.Iterable[t.Any], declared: t.Any, only: list[str]) -> Audit:
    running = Audit(Expectations(declared, NOW), NOW, only=only)
    for instance in fleet:
        running.add(instance)
    return running


FOUR = [make_instance(number, id=letter, whatsappConnected=False) for number, letter in enumerate("ABCD", start=1)]


def test_only_those_that_are_named_are_looked_at() -> None:
    result = looked_at(FOUR, [CONNECTED], ["B", "shop-4"]).finish()
    assert [row["id"] for row in result["drift"]] == ["B", "D"]
    assert result["summary"]["instances"] == 2


def test_nothing_is_missing_because_it_was_not_looked_at() -> None:
    declared = [
        CONNECTED,
        {"match": {"id": "A"}, **CONNECTED},
        {"match": {"name": "nobody"}, **CONNECTED},
        {"match": {"name": "x*"}, **CONNECTED},
    ]
    running = looked_at(FOUR, declared, ["B"])
    assert [row["kind"] for row in running.finish()["drift"]] == ["mismatch"]
    assert running.unmatched == []
    assert running.unborne == []


def test_what_only_names_and_nobody_bears_is_known() -> None:
    running = looked_at(FOUR, [CONNECTED, {"match": {"name": "gone"}, **CONNECTED}], ["B", "gone", "nobody"])
    assert [(row["kind"], row["name"]) for row in running.finish()["drift"]] == [("mismatch", "shop-2"), ("missing", "gone")]
    assert running.unborne == ["nobody"]


# An audit of nothing


def unmatched(fleet: t.Iterable[t.Any], match: dict[str, str]) -> list[tuple[int, str | None]]:
    running = Audit(Expectations([CONNECTED, {"match": match, **CONNECTED}], NOW), NOW)
    for instance in fleet:
        running.add(instance)
    return [(one.item.position, one.nearest) for one in running.unmatched]


@pytest.mark.parametrize(
    ("match", "found"),
    [
        ({"name": "Padaria Pao*"}, [(2, "Padaria Pão Dourado")]),
        ({"name": "padaria*"}, [(2, "Padaria Pão Dourado")]),
        ({"name": "Padraia *"}, [(2, "Padaria Pão Dourado")]),
        ({"name": "Padaria  Pão*"}, [(2, "Padaria Pão Dourado")]),
        ({"name": "zzz*"}, [(2, None)]),
        ({"name": "Padaria*"}, []),
        ({"middleware": "mobile"}, [(2, None)]),
        ({"middleware": "web"}, []),
        ({"id": "A", "middleware": "mobile"}, [(2, None)]),
        ({"id": "gone"}, []),
        ({"name": "nobody"}, []),
    ],
)
def test_what_matches_nothing_is_known_with_the_nearest_name(match: dict[str, str], found: list[t.Any]) -> None:
    fleet = [make_instance(1, id="A", name="Loja 1"), make_instance(2, name="Padaria Pão Dourado"), make_instance(3, name="Loja 2")]
    assert unmatched(fleet, match) == found


def test_the_nearest_name_holds_no_token_of_its_instance() -> None:
    row = make_row(name="Loja tok-OpenSesame-1", token="tok-OpenSesame-1")
    running = Audit(Expectations([CONNECTED, {"match": {"name": "loja*"}, **CONNECTED}], NOW), NOW)
    instance = comparable(row)
    assert instance is not None
    running.add(instance)
    (one,) = running.unmatched
    assert one.nearest is not None
    assert "OpenSesame" not in one.nearest
    assert one.nearest.startswith("Loja")


def test_in_an_empty_fleet_nothing_is_said_of_patterns() -> None:
    assert unmatched([], {"name": "x*"}) == []


def test_where_nothing_is_managed_nothing_is_in_sync() -> None:
    assert not audit([make_instance()], [{"match": {"name": "x*"}, **CONNECTED}])["in_sync"]
    assert audit([], [{"match": {"name": "x*"}, **CONNECTED}])["in_sync"]


# Numbers


def test_the_time_of_the_audit_is_told() -> None:
    assert audit([], [CONNECTED])["audited_at"] == "2026-09-21T14:13:20Z"


def test_the_summary_counts_instances_and_mismatches() -> None:
    fleet = [
        make_instance(1, whatsappConnected=False, paymentStatus=""),
        make_instance(2, whatsappConnected=False),
        make_instance(3),
        make_instance(4, middleware="mobile"),
    ]
    declared = [
        {"match": {"middleware": "web"}, "expect": {"whatsapp_connected": True, "payment_status": "PAID", "days_left": -10_000}},
        {"match": {"id": "gone"}, "expect": {"days_left": 1}},
    ]
    assert audit(fleet, declared)["summary"] == {
        "instances": 4,
        "managed": 3,
        "unmanaged": 1,
        "in_sync": 1,
        "drifted": 2,
        "missing": 1,
        "mismatches": {"whatsapp_connected": 2, "payment_status": 1},
        "compliance": 25.0,
        "unverified": 0,
    }


@pytest.mark.parametrize(
    ("good", "bad", "missing", "compliance"),
    [
        (0, 0, 0, 100.0),
        (1, 0, 0, 100.0),
        (0, 1, 0, 0.0),
        (0, 0, 1, 0.0),
        (1, 1, 0, 50.0),
        (2, 1, 0, 66.7),
        (1, 2, 0, 33.3),
        (1, 0, 2, 33.3),
        (998, 1, 1, 99.8),
        (999, 1, 0, 99.9),
        (1999, 1, 0, 99.9),
        (4999, 0, 1, 99.9),
        (1, 4999, 0, 0.0),
    ],
)
def test_compliance_has_one_decimal_and_is_100_only_without_drift(good: int, bad: int, missing: int, compliance: float) -> None:
    fleet = [make_instance(number, whatsappConnected=number <= good) for number in range(1, good + bad + 1)]
    declared = [{"expect": {"whatsapp_connected": True}}] + [
        {"match": {"id": f"gone-{n}"}, "expect": {"days_left": 1}} for n in range(missing)
    ]
    result = audit(fleet, declared)
    assert result["summary"]["compliance"] == compliance
    assert result["in_sync"] == (compliance == 100.0)


def test_an_instance_in_sync_is_forgotten() -> None:
    class Remembered(dict):  # type: ignore[type-arg]
        """A dictionary that can be watched."""

    running = Audit(Expectations([{"expect": {"whatsapp_connected": True}}], NOW), NOW)
    instance: t.Any = Remembered(make_instance())
    watch = weakref.ref(instance)
    running.add(instance)
    del instance
    gc.collect()
    assert watch() is None


# A second program that decides the same, with no thought of speed


def naive_glob(pattern: str, name: str) -> bool:
    """Shell patterns, character by character."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(naive_glob(pattern[1:], name[skipped:]) for skipped in range(len(name) + 1))
    if not name:
        return False
    if pattern[0] == "[":
        end = pattern.find("]", 3 if pattern[1:2] == "!" else 2)
        if end > 0:
            inside = pattern[1:end]
            negated = inside.startswith("!")
            return (name[0] in inside[negated:]) != negated and naive_glob(pattern[end + 1 :], name[1:])
    return pattern[0] in ("?", name[0]) and naive_glob(pattern[1:], name[1:])


def naive_is_pattern(text: str) -> bool:
    """Whether there is a wildcard, or a bracket that is closed after at least one character."""
    if "*" in text or "?" in text:
        return True
    for place, character in enumerate(text):
        first = place + (2 if text[place + 1 : place + 2] == "!" else 1)
        if character == "[" and "]" in text[first + 1 :]:
            return True
    return False


def naive_matches(match: dict[str, str], instance: dict[str, t.Any]) -> bool:
    for key, value in match.items():
        if key == "name":
            pattern, name = nfc(value), nfc(instance["name"])
            if not (naive_glob(pattern, name) if naive_is_pattern(pattern) else pattern == name):
                return False
        elif instance[key] != value:
            return False
    return True


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def naive_counts(item: dict[str, t.Any]) -> bool:
    """Whether the item has not ended yet; NOW is in 2026."""
    return "until" not in item or item["until"] >= "2026-09-21"


def naive_expand(url: str, instance: dict[str, t.Any]) -> str:
    parts = url.replace("{id}", "\0id\0").replace("{name}", "\0name\0").split("\0")
    return "".join(quote(instance[part], safe="") if part in ("id", "name") else part for part in parts)


def naive_row(kind: str, *rest: t.Any) -> dict[str, t.Any]:
    return dict(zip(KEYS, [kind, *rest, None]))


def naive_wishes(instance: dict[str, t.Any], declared: list[dict[str, t.Any]]) -> dict[str, tuple[t.Any, int]] | None:
    """(what the instance has to be, position) by attribute, or None where it is unmanaged."""
    wishes: dict[str, tuple[t.Any, int]] = {}
    managed = False
    for position, item in enumerate(declared, start=1):
        if naive_counts(item) and naive_matches(item.get("match") or {}, instance):
            managed = True
            for ignored in item.get("ignore", []):
                for attribute in [known for known in wishes if known == ignored or known.startswith(f"{ignored}.")]:
                    del wishes[attribute]
            for attribute, value in item.get("expect", {}).items():
                if attribute in ("webhooks", "settings"):
                    wishes.update({f"{attribute}.{part}": (wish, position) for part, wish in value.items()})
                else:
                    wishes[attribute] = (value, position)
    return wishes if managed else None


def naive_verdict(instance: dict[str, t.Any], attribute: str, wish: t.Any) -> tuple[bool, t.Any, t.Any]:
    """(whether it is fine, what was expected, what was found)."""
    if attribute == "days_left":
        days = None if instance["due"] is None else (instance["due_timestamp"] - NOW) // DAY
        return days is not None and days >= wish, wish, days
    if attribute == "webhook_hosts":
        posted_to = {url.split("/")[2].rpartition("@")[2] for url in instance["webhooks"].values() if url}
        foreign = sorted(host for host in posted_to if host not in wish and not ("*.h" in wish and host.endswith(".h")))
        return not foreign, wish, foreign
    group, _dot, part = attribute.partition(".")
    found = instance[group][part] if part else instance[group]
    if group == "settings":
        wish = sorted(set(wish)) if isinstance(wish, list) else (wish or None if part == "call_reject_message" else wish)
        return found == wish, wish, found
    if group == "webhooks" and isinstance(wish, list):
        wish = [naive_expand(url, instance) for url in wish]
    elif group == "webhooks" and wish is not None:
        wish = naive_expand(wish, instance)
    return (found in wish if isinstance(wish, list) else found == wish), wish, found


def naive_is_muted(instance: dict[str, t.Any], attribute: str, wishes: dict[str, tuple[t.Any, int]]) -> bool:
    """Whether a webhook that is to have a URL is muted, and is not meant to be."""
    if not attribute.startswith("webhooks.") or wishes[attribute][0] is None:
        return False
    switch = {"webhooks.received_and_delivery": "received"}.get(attribute, attribute.partition(".")[2])
    meant = wishes.get("settings.muted_webhooks", ([], 0))[0]
    return switch in (instance["settings"]["muted_webhooks"] or []) and switch not in meant


def naive_note(instance: dict[str, t.Any], attribute: str, is_muted: bool, alike: bool) -> str | None:
    notes = []
    if attribute in instance["unknown"] or (attribute in NAIVE_STATES and naive_found(instance, attribute) is None):
        notes.append("the API did not tell")
    if is_muted:
        notes.append("muted: Z-API does not call this webhook, see settings.muted_webhooks")
    if alike:
        notes.append("only upper and lower case differ")
    return "; ".join(notes) or None


NAIVE_STATES = ["whatsapp_connected", "phone_connected", "middleware", "payment_status", "settings.notify_sent_by_me"]


def naive_found(instance: dict[str, t.Any], attribute: str) -> t.Any:
    group, _dot, part = attribute.partition(".")
    return instance[group][part] if part else instance[group]


def naive_rows(
    fleet: list[dict[str, t.Any]], declared: list[dict[str, t.Any]], unmanaged: str, refused: dict[str, str]
) -> list[dict[str, t.Any]]:
    rows = []
    for instance in fleet:
        wishes = naive_wishes(instance, declared)
        if wishes is None and unmanaged != "ignore":
            rows.append(naive_row("unmanaged", instance["id"], instance["name"], None, None, None, None, None))
        for attribute, (wish, position) in sorted((wishes or {}).items(), key=lambda item: item[0]):
            fine, expected, found = naive_verdict(instance, attribute, wish)
            is_muted = naive_is_muted(instance, attribute, wishes or {})
            if not fine or is_muted or attribute in instance["unknown"]:
                title = declared[position - 1].get("name")
                row = naive_row("mismatch", instance["id"], instance["name"], attribute, expected, found, position, title)
                wishes_here = expected if isinstance(expected, list) else [expected]
                alike = attribute == "payment_status" and found == "paid" and "PAID" in wishes_here
                note = naive_note(instance, attribute, is_muted, alike)
                if attribute == "webhook_hosts":
                    note = f"posted to by {', '.join(naive_posting(instance, found))}"
                rows.append({**row, "note": note})
    for position, item in enumerate(declared, start=1):
        match = item.get("match") or {}
        name = match.get("name")
        name = None if name is None or naive_is_pattern(nfc(name)) else nfc(name)
        no_such_id = "id" in match and all(instance["id"] != match["id"] for instance in fleet)
        no_such_name = name is not None and all(nfc(instance["name"]) != name for instance in fleet)
        if naive_counts(item) and (no_such_id or no_such_name):
            row = naive_row("missing", match.get("id"), name, None, None, None, position, item.get("name"))
            rows.append({**row, "note": refused.get(match.get("id", ""))})
    told = [row["id"] for row in rows if row["kind"] == "missing"]
    for identity, why in refused.items():
        if identity not in told:
            rows.append({**naive_row("missing", identity, None, None, None, None, None, None), "note": why})
    return rows


def naive_posting(instance: dict[str, t.Any], hosts: list[str]) -> list[str]:
    """The webhooks that post to these hosts, host by host."""
    return [
        event
        for host in hosts
        for event, url in instance["webhooks"].items()
        if url and url.split("/")[2].rpartition("@")[2] == host
    ]


some_ids = st.sampled_from(["A", "B", "C", "a*", "[A]", "{id}"])
some_names = st.sampled_from(
    ["", "s", "shop-1", "shop-2", "Shop-1", "[vip]", "*", "{name}", "ü?", "u\u0308?", "Pão", "Pa\u0303o"]
) | st.text("ab[]*!?-", max_size=3)
patterns = st.sampled_from(
    ["P?o", "Pa\u0303*", "Pã*", "*", "shop-*", "shop-?", "s*1", "[[]vip]", "[!s]*", "shop-[12]", "?*", "[*]", "[]", "[!]"]
)
some_urls = st.sampled_from(
    ["https://h/1", "https://h/2", "https://h/A", "https://h/shop-1", "https://u:s@h/?k=1", "https://u:t@h/?k=2", "https://x.h/1"]
)
declared_urls = some_urls | st.sampled_from(["https://h/{id}", "https://h/{name}", "https://h/{name}{id}"])
events = st.sampled_from(["received", "received_and_delivery", "delivery", "received_status"])


@st.composite
def fleets(draw: t.Any) -> list[dict[str, t.Any]]:
    fleet = []
    for identity in draw(st.lists(some_ids, unique=True)):
        row = {
            "name": draw(some_names),
            "due": draw(st.sampled_from([None, NOW, NOW + DAY, NOW + 5 * DAY - 1, NOW + 5 * DAY, NOW - DAY, 10**30])),
            "paymentStatus": draw(st.sampled_from(["PAID", "TRIAL", "paid", "", None])),
            "middleware": draw(st.sampled_from(["web", "mobile", None])),
            "phoneConnected": draw(st.sampled_from([True, False, None])),
            "whatsappConnected": draw(st.sampled_from([True, False, None])),
            "receivedCallbackUrl": draw(some_urls | st.none()),
            "receivedAndDeliveryCallbackUrl": draw(some_urls | st.just("")),
            "deliveryCallbackUrl": draw(some_urls | st.none()),
            "notifySentByMe": draw(st.booleans() | st.none()),
            "callRejectMessage": draw(st.sampled_from(["", "Ligue", None])),
            "callbackTypeFilters": draw(st.none() | st.lists(st.sampled_from(MUTING), unique=True)),
            "messageFilters": draw(st.none() | st.lists(st.sampled_from(["FILTER_FROM_GROUP", "FILTER_X_MESSAGE"]))),
        }
        whole = make_row(id=identity, **row)
        for field in draw(st.sets(st.sampled_from([*row, "receivedStatusCallbackUrl"]).filter(lambda one: one != "name"))):
            del whole[field]
        fleet.append(from_row(whole))
    return fleet


MUTING = ["FILTER_RECEIVED_CALLBACK", "FILTER_DELIVERY_CALLBACK", "FILTER_RECEIVED_STATUS_CALLBACK"]
declared_settings = st.fixed_dictionaries(
    {},
    optional={
        "notify_sent_by_me": st.booleans(),
        "call_reject_message": st.sampled_from(["Ligue", "", None]),
        "muted_webhooks": st.lists(st.sampled_from(["received", "delivery", "connected"])),
        "muted_messages": st.lists(st.sampled_from(["group", "x"])),
    },
).filter(bool)


texts = st.sampled_from(["PAID", "TRIAL", "web", "mobile"])
expects = st.fixed_dictionaries(
    {},
    optional={
        "whatsapp_connected": st.booleans(),
        "phone_connected": st.booleans(),
        "middleware": texts | st.lists(texts, min_size=1, max_size=2),
        "payment_status": texts | st.lists(texts, min_size=1, max_size=2),
        "days_left": st.integers(-2, 6),
        "webhook_hosts": st.lists(st.sampled_from(["h", "x.h", "*.h", "other"]), min_size=1, max_size=2),
        "webhooks": st.dictionaries(
            events, st.none() | declared_urls | st.lists(declared_urls, min_size=1, max_size=2), min_size=1
        ),
        "settings": declared_settings,
    },
).filter(bool)
conditions = st.fixed_dictionaries(
    {}, optional={"id": some_ids | st.just("gone"), "name": some_names | patterns, "middleware": st.sampled_from(["web", "mobile"])}
).filter(bool)
beside = {
    "match": conditions | st.none(),
    "name": st.sampled_from(["Closed", "Loja \N{WAVING HAND SIGN}"]),
    "until": st.sampled_from(["2026-09-20", "2026-09-21", "2027-03-01"]),
}
ignored = st.lists(
    st.sampled_from(
        ["whatsapp_connected", "webhooks", "webhooks.received", "webhook_hosts", "days_left", "settings", "settings.muted_webhooks"]
    ),
    min_size=1,
)
expectation_lists = st.lists(
    st.fixed_dictionaries({"expect": expects}, optional={**beside, "ignore": ignored})
    | st.fixed_dictionaries({"ignore": ignored}, optional=beside),
    min_size=1,
    max_size=6,
)


refusals = st.dictionaries(st.sampled_from(["gone", "X", "Y"]), st.just("it was refused"))


@given(fleets(), expectation_lists, st.sampled_from(["ignore", "report", "drift"]), refusals)
def test_a_naive_program_comes_to_the_same_rows_and_numbers(fleet: t.Any, declared: t.Any, unmanaged: str, refused: t.Any) -> None:
    result = refusing(refused, declared, fleet, unmanaged=unmanaged, show_url_secrets=True).finish()
    rows = naive_rows(fleet, declared, unmanaged, refused)
    assert result["drift"] == rows

    drifted = {row["id"] for row in rows if row["kind"] == "mismatch"}
    counting = [item for item in declared if naive_counts(item)]
    managed = [instance for instance in fleet if any(naive_matches(item.get("match") or {}, instance) for item in counting)]
    missing = sum(row["kind"] == "missing" for row in rows)
    good, all_ = len(managed) - len(drifted), len(managed) + missing
    summary = result["summary"]
    assert summary["instances"] == len(fleet)
    assert summary["managed"] == len(managed)
    assert summary["unmanaged"] == len(fleet) - len(managed)
    assert summary["in_sync"] == good
    assert summary["drifted"] == len(drifted)
    assert summary["missing"] == missing
    assert sum(summary["mismatches"].values()) == sum(row["kind"] == "mismatch" for row in rows)
    in_doubt = [instance for instance in fleet if "settings.muted_webhooks" in instance["unknown"]]
    urls = [naive_wishes(instance, declared) or {} for instance in in_doubt]
    assert summary["unverified"] == sum(
        any(name.startswith("webhooks.") and wish for name, (wish, _position) in one.items()) for one in urls
    )
    assert summary["compliance"] == (100.0 if good == all_ else min(99.9, round(100 * good / all_, 1)))
    looked = bool(managed) or not fleet
    assert result["in_sync"] == (not drifted and not missing and looked and (unmanaged != "drift" or len(managed) == len(fleet)))


@given(fleets(), expectation_lists)
def test_masking_changes_no_verdict(fleet: t.Any, declared: t.Any) -> None:
    shown, masked = audit(fleet, declared, show_url_secrets=True), audit(fleet, declared)
    assert shown["summary"] == masked["summary"]
    where = [
        [(row["kind"], row["id"], row["attribute"], row["expectation"]) for row in result["drift"]] for result in (shown, masked)
    ]
    assert where[0] == where[1]


@given(fleets(), expectation_lists)
def test_the_order_of_the_fleet_changes_no_number(fleet: t.Any, declared: t.Any) -> None:
    assert audit(fleet, declared)["summary"] == audit(reversed(fleet), declared)["summary"]
