# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The comparison of a fleet with its expectations, also by a naive model."""

from __future__ import annotations

import typing as t
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._audit import (
    AuditResult,
    InstanceAudit,
    Mismatch,
    audit,
    refuse_unknown_terms,
    select,
    unknown_terms,
    unknown_terms_text,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import (
    Record,
    Rejected,
    record_from_object,
    with_phone_number,
    with_problem,
)
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets
from ansible_collections.zapi.zapi.tests.unit.naive import (
    DAY,
    NOW,
    expectation_lists,
    fleets,
    has_not_ended,
    make_record,
    matches,
    missing_of,
    rows_of,
    wishes_of,
)

HOOK = "https://hooks.example.com/1"
CONNECTED: dict[str, t.Any] = {"expect": {"whatsapp_connected": True}}
ANYTHING: dict[str, t.Any] = {"expect": {"days_left": -10_000}}
Expect = dict[str, t.Any]


def audited(records: Record | list[Record], declared: Expect | list[Expect], **options: t.Any) -> AuditResult:
    """``declared`` are expectations, or what one of them expects of all instances."""
    fleet = records if isinstance(records, list) else [records]
    expectations = declared if isinstance(declared, list) else [{"expect": declared}]
    return audit(fleet, Expectations(expectations, NOW), NOW, **options)


def found(record: Record, declared: Expect | list[Expect]) -> list[Mismatch]:
    return [mismatch for one in audited(record, declared).drifted for mismatch in one.mismatches]


def only_mismatch(record: Record, declared: Expect | list[Expect]) -> Mismatch:
    (mismatch,) = found(record, declared)
    return mismatch


def code(reason: Reason | None) -> str | None:
    return reason and reason.code


# What a mismatch holds


def test_a_mismatch_has_real_values_and_the_expectation_that_counts() -> None:
    secret = "https://user:OpenSesame@hooks.example.com/?key=OpenSesame"
    declared = [CONNECTED, {"name": "All", "expect": {"webhooks": {"delivery": "https://hooks.example.com/{id}"}}}]
    (one,) = audited(make_record(id="A", deliveryCallbackUrl=secret), declared).drifted
    (mismatch,) = one.mismatches
    assert (mismatch.expected, mismatch.actual, mismatch.reason) == ("https://hooks.example.com/A", secret, None)
    requirement = mismatch.requirement
    assert (requirement.attribute.name, requirement.expectation, requirement.expectation_name) == ("webhooks.delivery", 2, "All")
    assert one.record.instance["id"] == "A"


def test_instances_are_in_the_apis_order_and_mismatches_by_attribute() -> None:
    declared = {
        "whatsapp_connected": False,
        "webhooks": {"received": "https://b", "delivery": "https://a"},
        "payment_status": "TRIAL",
        "days_left": 10_000,
    }
    records = [make_record(number) for number in (2, 3, 1)]
    result = audited(records, [{"match": {"name": ["shop-1", "shop-2"]}, "expect": declared}])
    assert [one.record.instance["name"] for one in result.drifted] == ["shop-2", "shop-1"]
    for one in result.drifted:
        attributes = [mismatch.requirement.attribute.name for mismatch in one.mismatches]
        assert attributes == ["days_left", "payment_status", "webhooks.delivery", "webhooks.received", "whatsapp_connected"]
    places = [one.record if isinstance(one, InstanceAudit) else one for one in result.in_order]
    assert places == records
    assert [isinstance(one, InstanceAudit) for one in result.in_order] == [True, False, True]


# Comparison

SAME: t.Any = object()


@pytest.mark.parametrize(
    ("declared", "fields", "actual"),
    [
        ({"whatsapp_connected": True}, {"whatsappConnected": True}, SAME),
        ({"whatsapp_connected": True}, {"whatsappConnected": False}, False),
        ({"phone_connected": False}, {"phoneConnected": None}, None),
        ({"payment_status": "PAID"}, {"paymentStatus": "PAID"}, SAME),
        ({"payment_status": "PAID"}, {"paymentStatus": "PAID "}, "PAID "),
        ({"payment_status": ["PAID", "TRIAL"]}, {"paymentStatus": "TRIAL"}, SAME),
        ({"payment_status": ["PAID", "TRIAL"]}, {"paymentStatus": ""}, None),
        ({"middleware": "web"}, {"middleware": "mobile"}, "mobile"),
        ({"webhooks": {"delivery": HOOK}}, {"deliveryCallbackUrl": HOOK}, SAME),
        ({"webhooks": {"delivery": HOOK}}, {"deliveryCallbackUrl": f"{HOOK}/"}, f"{HOOK}/"),
        ({"webhooks": {"delivery": HOOK}}, {"deliveryCallbackUrl": ""}, None),
        ({"webhooks": {"delivery": None}}, {"deliveryCallbackUrl": None}, SAME),
        ({"webhooks": {"delivery": None}}, {"deliveryCallbackUrl": HOOK}, HOOK),
        ({"webhooks": {"delivery": ["https://a", HOOK]}}, {"deliveryCallbackUrl": HOOK}, SAME),
        ({"webhooks": {"delivery": ["https://a", "https://b"]}}, {"deliveryCallbackUrl": HOOK}, HOOK),
        ({"webhooks": {"delivery": "https://h/{name}?i={id}"}}, {"deliveryCallbackUrl": "https://h/a%20b?i=X"}, SAME),
        ({"webhooks": {"delivery": "https://h/{any}/x"}}, {"deliveryCallbackUrl": "https://h/s3cret/x"}, SAME),
        ({"webhooks": {"delivery": "https://h/{any}/x"}}, {"deliveryCallbackUrl": "https://h/s3/cret/x"}, "https://h/s3/cret/x"),
        ({"webhooks": {"delivery": "https://h/{id}?k={any}"}}, {"deliveryCallbackUrl": "https://h/X?k=1"}, SAME),
        ({"webhooks": {"delivery": "https://h/{id}?k={any}"}}, {"deliveryCallbackUrl": None}, None),
        ({"settings": {"auto_read_message": True}}, {"autoReadMessage": "true"}, SAME),
        ({"settings": {"call_reject_message": "Ligue"}}, {"callRejectMessage": "ligue"}, "ligue"),
        ({"settings": {"call_reject_message": None}}, {"callRejectMessage": ""}, SAME),
        (
            {"settings": {"muted_messages": ["text", "group"]}},
            {"messageFilters": ["FILTER_FROM_GROUP", "FILTER_TEXT_MESSAGE"]},
            SAME,
        ),
        ({"settings": {"muted_messages": []}}, {"messageFilters": ["FILTER_FROM_GROUP"]}, ["group"]),
        ({"days_left": 5}, {"due": NOW + 5 * DAY}, SAME),
        ({"days_left": 5}, {"due": NOW + 5 * DAY - 1}, 4),
        ({"days_left": 0}, {"due": NOW - 1}, -1),
        ({"days_left": -10_000}, {"due": None}, None),
        ({"days_left": 5}, {"due": 10**30}, None),
        ({"webhook_hosts": ["h"]}, {"receivedCallbackUrl": "https://h/x"}, SAME),
        ({"webhook_hosts": ["h"]}, {"receivedCallbackUrl": ""}, SAME),
    ],
)
def test_comparison_is_exact(declared: Expect, fields: dict[str, t.Any], actual: t.Any) -> None:
    mismatches = found(make_record(id="X", name="a b", **fields), declared)
    assert [one.actual for one in mismatches] == ([] if actual is SAME else [actual])


@pytest.mark.parametrize(
    ("declared", "url", "foreign"),
    [
        ("hooks.example.com", "https://HOOKS.example.com./x", []),
        ("hooks.example.com", "https://hooks.example.com:8443/x", []),
        ("hooks.example.com:8443", "https://hooks.example.com:9/x", ["hooks.example.com:9"]),
        ("hooks.example.com:443", "https://hooks.example.com?x=/y", []),
        ("*.example.com", "https://a.b.example.com/x", []),
        ("*.example.com", "https://example.com/x", ["example.com"]),
        ("hooks.example.com", "https://hooks.example.com.evil.net/x", ["hooks.example.com.evil.net"]),
        ("hooks.example.com", "https://hooks.example.com@evil.net/x", ["evil.net"]),
        ("hooks.example.com", "https://evil.net?/hooks.example.com", ["evil.net"]),
        # What leads to no certain host stands for itself
        ("hooks.example.com", "https://hooks.example.com\\@evil.net/", ["https://hooks.example.com\\@evil.net/"]),
        ("hooks.example.com", "https://hooks.example.com/a b", ["https://hooks.example.com/a b"]),
        ("hooks.example.com", "https://hooks.example.com/\n", ["https://hooks.example.com/\n"]),
        ("hooks.example.com", "https://hooks.example.com/***", ["https://hooks.example.com/***"]),
        ("hooks.example.com", "http:///hooks.example.com/x", ["http:///hooks.example.com/x"]),
        ("hooks.example.com", "hooks.example.com/x", ["hooks.example.com/x"]),
    ],
)
def test_a_webhook_posts_to_a_declared_host_or_to_a_foreign_one(declared: str, url: str, foreign: list[str]) -> None:
    mismatches = found(make_record(receivedCallbackUrl=url), {"webhook_hosts": [declared]})
    assert [one.actual for one in mismatches] == ([foreign] if foreign else [])


def test_foreign_hosts_come_with_the_webhooks_that_post_to_them_also_with_unknown_ones() -> None:
    urls = {
        "receivedCallbackUrl": "https://b.net/1",
        "initialDataCallbackUrl": "https://a.net/",
        "deliveryCallbackUrl": "https://b.net/2",
    }
    mismatch = only_mismatch(make_record(**urls), {"webhook_hosts": ["hooks.example.com"]})
    assert mismatch.actual == ["a.net", "b.net"]
    assert mismatch.reason == Reason("foreign_hosts", {"webhooks": ["initial_data", "received", "delivery"]})


@pytest.mark.parametrize(
    ("phone", "actual"), [("5511999990000", SAME), ("+55 11 99999-0000", SAME), ("5511999990001", "5511999990001")]
)
def test_a_paired_phone_number_is_its_digits(phone: str, actual: t.Any) -> None:
    record = with_phone_number(make_record(), {"phone": phone})
    assert [one.actual for one in found(record, {"phone_number": "5511999990000"})] == ([] if actual is SAME else [actual])


# Reasons


@pytest.mark.parametrize(
    ("declared", "fields", "reason"),
    [
        ({"payment_status": ["TRIAL", "PAID"]}, {"paymentStatus": "paid"}, "case"),
        ({"payment_status": "PAID"}, {"paymentStatus": "OPEN"}, None),
        ({"payment_status": "PAID"}, {"paymentStatus": None}, "null"),
        ({"whatsapp_connected": True}, {"whatsappConnected": None}, "null"),
        ({"settings": {"auto_read_status": False}}, {"autoReadStatus": None}, "null"),
        ({"phone_number": "5511999990000"}, {}, "unknown"),
        ({"webhooks": {"received": HOOK}}, {"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}, "muted"),
        ({"webhooks": {"received": "https://h/{name}"}}, {"name": ""}, "placeholder_empty"),
        ({"webhooks": {"received": "https://h/{name}"}}, {"name": ".."}, "placeholder_empty"),
        ({"webhooks": {"delivery": "https://h/{name}"}}, {"name": ""}, "placeholder_empty"),
        # What the instance's problem explains
        ({"whatsapp_connected": True}, {"whatsappConnected": False, "problem": "restore_session"}, "restore_session"),
        ({"phone_connected": True}, {"phoneConnected": False, "problem": "scan_qr_code"}, "scan_qr_code"),
        ({"payment_status": "PAID"}, {"paymentStatus": "OPEN", "problem": "scan_qr_code"}, None),
        ({"payment_status": "PAID"}, {"paymentStatus": "OPEN", "problem": "subscription_lapsed"}, "subscription_lapsed"),
        ({"whatsapp_connected": True}, {"without": ["whatsappConnected"], "problem": "subscription_lapsed"}, "subscription_lapsed"),
        (
            {"settings": {"auto_read_status": True}},
            {"without": ["autoReadStatus"], "problem": "subscription_lapsed"},
            "subscription_lapsed",
        ),
        ({"settings": {"auto_read_status": True}}, {"problem": "subscription_lapsed"}, None),
        ({"whatsapp_connected": False}, {"problem": "scan_qr_code"}, None),
    ],
)
def test_a_reason_says_what_the_two_values_do_not_show(declared: Expect, fields: dict[str, t.Any], reason: str | None) -> None:
    assert code(only_mismatch(make_record(**fields), declared).reason) == reason


def test_a_placeholder_without_a_value_stays_as_it_is_declared() -> None:
    declared = ["https://h/{name}", "https://h/{id}"]
    mismatch = only_mismatch(make_record(id="A", name=""), {"webhooks": {"received": declared}})
    assert mismatch.expected == ["https://h/{name}", "https://h/A"]
    assert mismatch.reason == Reason("placeholder_empty", {"placeholder": "{name}"})
    assert found(make_record(id="A", name="", receivedCallbackUrl="https://h/A"), {"webhooks": {"received": declared}}) == []


@pytest.mark.parametrize(
    ("field", "declared"),
    [
        ("whatsappConnected", {"whatsapp_connected": False}),
        ("paymentStatus", {"payment_status": "PAID"}),
        ("due", {"days_left": -10_000}),
        ("receivedCallbackUrl", {"webhooks": {"received": None}}),
        ("receivedCallbackUrl", {"webhooks": {"received": [HOOK, "https://i"]}}),
        ("callRejectMessage", {"settings": {"call_reject_message": None}}),
        ("callbackTypeFilters", {"settings": {"muted_webhooks": []}}),
    ],
)
def test_unknown_equals_nothing_not_even_null(field: str, declared: Expect) -> None:
    mismatch = only_mismatch(make_record(without=[field]), declared)
    assert (mismatch.actual, code(mismatch.reason)) == (None, "unknown")


def test_data_at_hand_may_lack_keys() -> None:
    instance: t.Any = {"id": "A", "name": "a", "settings": {"muted_webhooks": "received"}, "webhooks": {"received": HOOK}}
    assert [code(one.reason) for one in found(Record(instance), {"webhooks": {"received": HOOK}, "payment_status": "PAID"})] == [
        "unknown"
    ]


# Muted webhooks

RECEIVED, BOTH, FILTERS = "webhooks.received", "webhooks.received_and_delivery", "settings.muted_webhooks"


@pytest.mark.parametrize(
    ("muted", "webhooks", "declared", "attributes"),
    [
        ([], [RECEIVED, BOTH], None, []),
        (["received"], [RECEIVED, BOTH], None, [RECEIVED, BOTH]),
        (["received"], [BOTH], None, [BOTH]),
        (["delivery", "connected"], [RECEIVED, BOTH], None, []),
        (["received"], [RECEIVED, BOTH], ["received"], []),
        (["received"], [RECEIVED], [], [FILTERS, RECEIVED]),
        ([], [RECEIVED], ["received"], [FILTERS]),
    ],
)
def test_a_webhook_that_is_muted_is_drift_unless_that_is_declared(
    muted: list[str], webhooks: list[str], declared: list[str] | None, attributes: list[str]
) -> None:
    filters = [f"FILTER_{name.upper()}_CALLBACK" for name in muted]
    record = make_record(receivedAndDeliveryCallbackUrl=HOOK, callbackTypeFilters=filters)
    expect: Expect = {"webhooks": {name.partition(".")[2]: HOOK for name in webhooks}}
    if declared is not None:
        expect["settings"] = {"muted_webhooks": declared}
    mismatches = found(record, expect)
    assert [one.requirement.attribute.name for one in mismatches] == attributes
    assert all(one.is_muted_only is (one.requirement.attribute.name != FILTERS) for one in mismatches)


def test_a_webhook_that_is_muted_and_has_another_url_is_one_row() -> None:
    record = make_record(receivedCallbackUrl="https://old", callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"])
    mismatch = only_mismatch(record, {"webhooks": {"received": HOOK}})
    assert (mismatch.actual, code(mismatch.reason), mismatch.is_muted_only) == ("https://old", "muted", False)


@pytest.mark.parametrize(
    ("declared", "without", "count"),
    [
        ({"webhooks": {"received": HOOK}}, ["callbackTypeFilters"], 1),
        ({"webhooks": {"received": HOOK}}, [], 0),
        ({"webhooks": {"presence_chat": None}}, ["callbackTypeFilters"], 0),
        ({"whatsapp_connected": True}, ["callbackTypeFilters"], 0),
    ],
)
def test_unknown_filters_are_counted_and_a_warning_in_a_green_audit_too(declared: Expect, without: list[str], count: int) -> None:
    result = audited(make_record(without=without), declared)
    assert (result.in_sync, result.unverified) == (True, count)
    assert result.warnings == ([Reason("unknown_filters", {"instances": 1})] if count else [])


# Missing instances


@pytest.mark.parametrize(
    ("match", "rows"),
    [
        ({"id": "gone"}, [("gone", None)]),
        ({"name": "nobody"}, [(None, "nobody")]),
        ({"name": ""}, [(None, "")]),
        ({"id": "gone", "name": "nobody"}, [("gone", "nobody")]),
        ({"id": "gone", "name": "shop-1"}, [("gone", "shop-1")]),
        ({"id": "gone", "name": "shop-*"}, [("gone", None)]),
        ({"id": "A", "name": "nobody"}, [("A", "nobody")]),
        ({"name": "nobody", "middleware": "web"}, [(None, "nobody")]),
        ({"id": ["gone", "A", "lost", "gone"]}, [("gone", None), ("lost", None)]),
        ({"id": ["gone", "A"], "name": ["x", "shop-1", "shop-*", "y"]}, [("gone", None), (None, "x"), (None, "y")]),
        # These match nothing, and name nothing either
        ({"name": "nob*"}, []),
        ({"middleware": "mobile"}, []),
        ({"id": "A", "name": "shop-2"}, []),
    ],
)
def test_an_id_or_exact_name_that_no_instance_has_is_missing(match: Expect, rows: list[t.Any]) -> None:
    result = audited([make_record(1, id="A"), make_record(2, id="B")], [ANYTHING, {"match": match, **ANYTHING}])
    assert [(one.id, one.name) for one in result.missing] == rows
    assert {one.expectation and one.expectation.position for one in result.missing} <= {2}
    assert result.in_sync is not bool(rows)


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ({"name": "padaria sao  joao"}, Reason("nearest_name", {"name": "Padaria São João"})),
        ({"id": "3c3f8e5f4a2b1c9d0e1f2a3b4c5d6e7f"}, Reason("nearest_id", {"id": "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"})),
        ({"id": "gone", "name": "Padaria Sao Joao"}, Reason("nearest_name", {"name": "Padaria São João"})),
        ({"name": "Zzz"}, None),
    ],
)
def test_a_missing_one_comes_with_the_nearest_that_exists(match: Expect, reason: Reason | None) -> None:
    record = make_record(id="3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F", name="Padaria São João")
    (missing,) = audited(record, [ANYTHING, {"match": match, **ANYTHING}]).missing
    assert missing.reason == reason


def test_while_a_name_is_unknown_a_name_that_nobody_has_is_a_warning() -> None:
    lapsed = make_record(1)
    lapsed.instance["unknown"].append("name")
    lapsed.instance["name"] = ""
    declared = [ANYTHING, {"match": {"name": ["x", "shop-2"]}, **ANYTHING}, {"match": {"id": "gone"}, **ANYTHING}]
    result = audited([lapsed, make_record(2)], [*declared, {"match": {"name": ""}, **ANYTHING}])
    assert [one.id for one in result.missing] == ["gone"]
    unknown = [
        Reason("unknown_name", {"expectation": f"expectation {position}", "name": name}) for position, name in ((2, "x"), (4, ""))
    ]
    assert result.warnings == unknown


@pytest.mark.parametrize(
    ("match", "is_warning"),
    [
        ({"name": "shop-*"}, True),
        ({"name": "shop-2"}, True),  # which another instance can also be named
        ({"name": "shop-*", "id": f"{1:032X}"}, True),
        ({"name": "shop-*", "id": f"{2:032X}"}, False),
        ({"id": f"{2:032X}"}, False),
    ],
)
def test_an_instance_that_a_name_may_mean_is_a_warning_while_its_name_is_unknown(match: Expect, is_warning: bool) -> None:
    lapsed = make_record(1)
    lapsed.instance["unknown"].append("name")
    lapsed.instance["name"] = ""
    result = audited(
        [lapsed, make_record(2)], [{"match": {"id": f"{2:032X}"}, **ANYTHING}, {"match": match, **ANYTHING}], strict=True
    )
    unknown_names = [one for one in result.warnings if one.code == "unknown_names"]
    assert unknown_names == ([Reason("unknown_names", {"ids": [f"{1:032X}"]})] if is_warning else [])
    assert not (is_warning and result.in_sync)


def test_an_expectation_that_ended_is_a_warning_and_otherwise_not_there() -> None:
    result = audited(make_record(), [ANYTHING, {"match": {"id": "gone"}, "until": "2026-09-20", **ANYTHING}])
    assert (result.in_sync, [code(one) for one in result.warnings]) == (True, ["expectation_ended"])


# Credentials that the server rejected

WHY = Reason("credential_rejected", {"request": "GET"})


def test_a_rejected_credential_is_missing_with_its_reason_once() -> None:
    declared = [CONNECTED, {"match": {"id": ["X", "gone"]}, **CONNECTED}]
    result = audited(make_record(), declared, rejected=[Rejected("X", WHY), Rejected("Y", WHY)])
    assert [(one.id, one.expectation and one.expectation.position, one.reason) for one in result.missing] == [
        ("X", 2, WHY),
        ("gone", 2, None),
        ("Y", None, WHY),
    ]
    assert (result.in_sync, result.instances) == (False, 1)


def test_if_all_are_rejected_the_fleet_is_not_empty_and_not_in_sync() -> None:
    result = audited([], [CONNECTED], rejected=[Rejected("X", WHY)])
    assert (result.in_sync, result.warnings) == (False, [])


def test_with_only_the_other_rejected_ones_do_not_count() -> None:
    rejected = [Rejected("X", WHY), Rejected("Y", WHY)]
    named_x = make_record(id="A", name="X")
    assert [one.id for one in audited([named_x], [CONNECTED], only=["X"], rejected=rejected).missing] == ["X"]
    assert audited([named_x], [CONNECTED], only=["X"], rejected=rejected).instances == 0
    assert audited([named_x], [CONNECTED], only=["A"], rejected=rejected).in_sync


# Unmanaged instances


@pytest.mark.parametrize(("mode", "in_sync"), [("ignore", True), ("report", True), ("drift", False)])
def test_unmanaged_instances_are_counted_and_with_drift_they_are_drift(mode: str, in_sync: bool) -> None:
    records = [make_record(number, id=identity) for number, identity in ((1, "A"), (2, "B"), (3, "C"))]
    result = audited(records, [{"match": {"id": "B"}, **CONNECTED}], unmanaged=mode)
    assert [one.instance["id"] for one in result.unmanaged] == ["A", "C"]
    assert (result.in_sync, result.instances, result.managed, result.in_sync_instances) == (in_sync, 3, 1, 1)


def test_an_instance_that_only_an_ignore_matches_is_managed() -> None:
    assert audited(make_record(), [{"ignore": ["webhooks"]}], unmanaged="drift").in_sync


def test_expectations_that_match_no_instance_assert_nothing() -> None:
    result = audited(make_record(), [{"match": {"name": "x*"}, **CONNECTED}])
    assert (result.asserts_nothing, result.in_sync) == (True, False)


# Warnings


@pytest.mark.parametrize(
    ("match", "patterns"),
    [
        ({"name": "lija *"}, [("lija *", "Loja 1")]),
        ({"name": "zzzzzz*"}, [("zzzzzz*", None)]),
        ({"name": ["Loja *", "zz*", "yy*"]}, [("zz*", None), ("yy*", None)]),
        ({"name": ["Loja *", "Loja 1"]}, []),
        ({"name": "Loja *", "middleware": "mobile"}, [(None, None)]),
        ({"name": "zzzzzz*", "middleware": "mobile"}, [("zzzzzz*", None)]),
        ({"middleware": "mobile"}, [(None, None)]),
        ({"id": "gone"}, []),
        ({"id": "gone", "name": "zz*"}, []),
        ({"id": "A", "name": "Loja 2"}, [(None, None)]),
    ],
)
def test_what_matches_no_instance_is_a_warning_unless_it_is_missing(match: Expect, patterns: list[t.Any]) -> None:
    records = [make_record(number, id="AB"[number - 1], name=f"Loja {number}") for number in (1, 2)]
    result = audited(records, [ANYTHING, {"name": "Shops", "match": match, **ANYTHING}])
    assert [(one.values["pattern"], one.values["nearest"]) for one in result.warnings] == patterns
    assert all(
        one.code == "unmatched_expectation" and one.values["expectation"] == 'expectation 2, "Shops"' for one in result.warnings
    )
    assert result.in_sync is not bool(result.missing)


@pytest.mark.parametrize(
    ("records", "declared"),
    [
        ([], [ANYTHING]),
        ([make_record()], [ANYTHING, {"match": {"name": "x*"}, **ANYTHING}]),
        ([make_record()], [ANYTHING, {"until": "2020-01-01", **ANYTHING}]),
        ([make_record(without=["callbackTypeFilters"])], [{"expect": {"webhooks": {"received": HOOK}}}]),
    ],
    ids=["empty fleet", "matches nothing", "ended", "unknown filters"],
)
def test_strict_makes_of_a_warning_a_failure(records: list[Record], declared: list[Expect]) -> None:
    lenient, strict = audited(records, declared), audited(records, declared, strict=True)
    assert len(lenient.warnings) == len(strict.warnings) == 1
    assert (lenient.in_sync, strict.in_sync) == (True, False)


# Only

FLEET = [
    make_record(1, id="A", name="shop"),
    make_record(2, id="B", name="shop"),
    make_record(3, id="C", name="A"),
    make_record(4, id="D", name="Pão"),
]


@pytest.mark.parametrize(
    ("terms", "ids", "unmatched"),
    [
        (["A"], "A", []),
        (["A", "D", "B"], "ADB", []),
        (["shop"], "AB", []),
        (["C", "shop", "A"], "CAB", []),
        ([unicodedata.normalize("NFD", "Pão")], "D", []),
        (["x", "D", "shop*", "a"], "D", ["x", "shop*", "a"]),
    ],
)
def test_terms_select_ids_or_exact_names_in_their_order(terms: list[str], ids: str, unmatched: list[str]) -> None:
    selected, left = select(FLEET, terms)
    assert ("".join(one.instance["id"] for one in selected), left) == (ids, unmatched)


def test_with_only_nothing_else_counts() -> None:
    declared = [{"expect": {"middleware": "mobile"}}, {"match": {"id": "gone"}, **ANYTHING}, {"match": {"name": "x*"}, **ANYTHING}]
    result = audited(FLEET, declared, only=["D", "A"])
    assert [one.record.instance["id"] for one in result.drifted] == ["A", "D"], "in the API's order"
    assert (result.instances, result.missing, result.warnings, result.unknown_terms) == (2, [], [], [])


def test_a_term_that_an_expectation_names_is_missing_and_any_other_one_is_unknown() -> None:
    declared = [ANYTHING, {"match": {"id": "gone", "name": "nobody"}, **ANYTHING}]
    result = audited(FLEET, declared, only=["gone", "Pao", "nobody", "d", "zzz"])
    assert [(one.id, one.name) for one in result.missing] == [("gone", "nobody")]
    with pytest.raises(OptionError) as refused:
        refuse_unknown_terms(result, Secrets())
    assert str(refused.value) == (
        'only: no instance has the ID or name "Pao"; the nearest name is "Pão"; '
        'no instance has the ID or name "d"; the nearest ID is "D"; no instance has the ID or name "zzz"'
    )
    refuse_unknown_terms(audited(FLEET, declared, only=["A"]), Secrets())


def test_many_unknown_terms_are_counted() -> None:
    text = unknown_terms_text(unknown_terms(FLEET, [f"unknown {number}" for number in range(12)]), Secrets())
    assert text.count("no instance has") == 10
    assert text.endswith("; and 2 more")


@pytest.mark.parametrize("only", [[], [""], ["A", None], ["A", " "], [["A"]]])
def test_a_part_never_becomes_the_whole(only: t.Any) -> None:
    with pytest.raises(OptionError, match=r"^only"):
        audited(FLEET, [CONNECTED], only=only)


# A naive model of it


@given(fleets(), expectation_lists, st.sampled_from(["ignore", "report", "drift"]))
def test_a_naive_model_finds_the_same(fleet: t.Any, declared: list[Expect], unmanaged: str) -> None:
    records = [with_problem(t.cast("Record", record_from_object(entry)), problem) for entry, problem in fleet]
    result = audited(records, declared, unmanaged=unmanaged)
    wishes = {entry["id"]: wishes_of(entry, declared) for entry, _problem in fleet}
    managed = {identity: wish for identity, wish in wishes.items() if wish is not None}
    rows = {entry["id"]: rows_of(entry, problem, managed[entry["id"]]) for entry, problem in fleet if entry["id"] in managed}
    drifted = {identity: found for identity, found in rows.items() if found}
    assert {
        one.record.instance["id"]: [
            (m.requirement.attribute.name, m.expected, m.actual, m.requirement.expectation, code(m.reason), m.is_muted_only)
            for m in one.mismatches
        ]
        for one in result.drifted
    } == {identity: [tuple(row) for row in found] for identity, found in drifted.items()}
    assert [one.instance["id"] for one in result.unmanaged] == [identity for identity, wish in wishes.items() if wish is None]
    entries = [entry for entry, _problem in fleet]
    missing = missing_of(entries, declared)
    assert [(one.id, one.name, one.expectation and one.expectation.position) for one in result.missing] == missing
    unverified = [
        entry["id"]
        for entry in entries
        if entry.get("callbackTypeFilters") is None
        and any(
            name.startswith("webhooks.") and wish is not None for name, (wish, _position) in managed.get(entry["id"], {}).items()
        )
    ]
    counts = (result.instances, result.managed, result.in_sync_instances, result.unverified)
    assert counts == (len(fleet), len(managed), len(managed) - len(drifted), len(unverified))
    unmatched = {
        position
        for position, one in enumerate(declared, start=1)
        if has_not_ended(one) and not any(matches(one.get("match", {}), entry) for entry in entries)
    } - {position for _id, _name, position in missing}
    warned = {one.values["expectation"] for one in result.warnings if one.code == "unmatched_expectation"}
    assert {f"expectation {position}" for position in unmatched if fleet} <= warned
    is_green = not drifted and not missing and bool(managed or not fleet)
    assert result.in_sync is (is_green and (unmanaged != "drift" or not result.unmanaged))
    assert audited(records, declared, strict=True).in_sync is (is_green and not result.warnings)
