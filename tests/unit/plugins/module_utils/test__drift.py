# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Drift: what differs, in which order, how it is counted and masked; and the same as a second, naive program decides it."""

from __future__ import annotations

import gc
import typing as t
import weakref
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._drift import Audit
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.tests.unit.support import make_instance

DAY = 24 * 60 * 60 * 1000
NOW = 1_790_000_000_000
KEYS = ["kind", "id", "name", "attribute", "expected", "actual", "expectation"]


def audit(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> dict[str, t.Any]:
    running = Audit(Expectations(declared), NOW, **options)
    for instance in fleet:
        running.add(instance)
    return running.finish()


def drift(fleet: t.Iterable[t.Any], declared: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    rows = audit(fleet, declared, **options)["drift"]
    assert all(set(row) - {"note"} == set(KEYS) for row in rows)
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
        assert [row[key] for key in KEYS[3:]] == [None] * 4
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
    assert "note" not in row
    (row,) = drift(fleet, expectations, show_url_secrets=True)
    assert (row["expected"], row["actual"]) == (declared, url)
    assert "note" not in row


@pytest.mark.parametrize("declared", [SECRET_URL, [SECRET_URL], ["https://b", SECRET_URL]])
def test_what_differs_in_a_masked_part_only_is_drift_and_says_so(declared: t.Any) -> None:
    fleet = [make_instance(deliveryCallbackUrl=SECRET_URL.replace("Open", "Shut"))]
    expectations = [{"expect": {"webhooks": {"delivery": declared}}}]
    (row,) = drift(fleet, expectations)
    assert "Sesame" not in str(row)
    assert "masked" in row["note"]
    assert "show_url_secrets" in row["note"]
    (row,) = drift(fleet, expectations, show_url_secrets=True)
    assert "note" not in row


def test_the_comparison_is_on_the_real_urls() -> None:
    assert drift([make_instance(deliveryCallbackUrl=SECRET_URL)], [{"expect": {"webhooks": {"delivery": SECRET_URL}}}]) == []


def test_what_is_no_webhook_is_not_masked() -> None:
    (row,) = drift([make_instance(paymentStatus="WHY?=x")], [{"expect": {"payment_status": "PAID?=y"}}])
    assert (row["expected"], row["actual"]) == ("PAID?=y", "WHY?=x")


# Numbers


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

    running = Audit(Expectations([{"expect": {"whatsapp_connected": True}}]), NOW)
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
        if key == "name" and naive_is_pattern(value):
            if not naive_glob(value, instance["name"]):
                return False
        elif instance[key] != value:
            return False
    return True


def naive_expand(url: str, instance: dict[str, t.Any]) -> str:
    parts = url.replace("{id}", "\0id\0").replace("{name}", "\0name\0").split("\0")
    return "".join(quote(instance[part], safe="") if part in ("id", "name") else part for part in parts)


def naive_row(kind: str, *rest: t.Any) -> dict[str, t.Any]:
    return dict(zip(KEYS, [kind, *rest]))


def naive_wishes(instance: dict[str, t.Any], declared: list[dict[str, t.Any]]) -> dict[str, tuple[t.Any, int]] | None:
    """(what the instance has to be, position) by attribute, or None where it is unmanaged."""
    wishes: dict[str, tuple[t.Any, int]] = {}
    managed = False
    for position, item in enumerate(declared, start=1):
        if naive_matches(item.get("match") or {}, instance):
            managed = True
            for attribute, value in item["expect"].items():
                if attribute == "webhooks":
                    wishes.update({f"webhooks.{event}": (url, position) for event, url in value.items()})
                else:
                    wishes[attribute] = (value, position)
    return wishes if managed else None


def naive_verdict(instance: dict[str, t.Any], attribute: str, wish: t.Any) -> tuple[bool, t.Any, t.Any]:
    """(whether it is fine, what was expected, what was found)."""
    if attribute == "days_left":
        days = None if instance["due"] is None else (instance["due_timestamp"] - NOW) // DAY
        return days is not None and days >= wish, wish, days
    found = instance[attribute] if "." not in attribute else instance["webhooks"][attribute.partition(".")[2]]
    if "." in attribute and isinstance(wish, list):
        wish = [naive_expand(url, instance) for url in wish]
    elif "." in attribute and wish is not None:
        wish = naive_expand(wish, instance)
    return (found in wish if isinstance(wish, list) else found == wish), wish, found


def naive_rows(fleet: list[dict[str, t.Any]], declared: list[dict[str, t.Any]], unmanaged: str) -> list[dict[str, t.Any]]:
    rows = []
    for instance in fleet:
        wishes = naive_wishes(instance, declared)
        if wishes is None and unmanaged != "ignore":
            rows.append(naive_row("unmanaged", instance["id"], instance["name"], None, None, None, None))
        for attribute, (wish, position) in sorted((wishes or {}).items(), key=lambda item: item[0]):
            fine, expected, found = naive_verdict(instance, attribute, wish)
            if not fine:
                rows.append(naive_row("mismatch", instance["id"], instance["name"], attribute, expected, found, position))
    for position, item in enumerate(declared, start=1):
        match = item.get("match") or {}
        name = match.get("name")
        name = None if name is not None and naive_is_pattern(name) else name
        no_such_id = "id" in match and all(instance["id"] != match["id"] for instance in fleet)
        no_such_name = name is not None and all(instance["name"] != name for instance in fleet)
        if no_such_id or no_such_name:
            rows.append(naive_row("missing", match.get("id"), name, None, None, None, position))
    return rows


some_ids = st.sampled_from(["A", "B", "C", "a*", "[A]", "{id}"])
some_names = st.sampled_from(["", "s", "shop-1", "shop-2", "Shop-1", "[vip]", "*", "{name}", "ü?"]) | st.text(
    "ab[]*!?-", max_size=3
)
patterns = st.sampled_from(["*", "shop-*", "shop-?", "s*1", "[[]vip]", "[!s]*", "shop-[12]", "?*", "[*]", "[]", "[!]"])
some_urls = st.sampled_from(
    ["https://h/1", "https://h/2", "https://h/A", "https://h/shop-1", "https://u:s@h/?k=1", "https://u:t@h/?k=2"]
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
        }
        fleet.append(make_instance(id=identity, **row))
    return fleet


texts = st.sampled_from(["PAID", "TRIAL", "web", "mobile"])
expects = st.fixed_dictionaries(
    {},
    optional={
        "whatsapp_connected": st.booleans(),
        "phone_connected": st.booleans(),
        "middleware": texts | st.lists(texts, min_size=1, max_size=2),
        "payment_status": texts | st.lists(texts, min_size=1, max_size=2),
        "days_left": st.integers(-2, 6),
        "webhooks": st.dictionaries(
            events, st.none() | declared_urls | st.lists(declared_urls, min_size=1, max_size=2), min_size=1
        ),
    },
).filter(bool)
conditions = st.fixed_dictionaries(
    {}, optional={"id": some_ids | st.just("gone"), "name": some_names | patterns, "middleware": st.sampled_from(["web", "mobile"])}
).filter(bool)
expectation_lists = st.lists(
    st.fixed_dictionaries({"expect": expects}, optional={"match": conditions | st.none()}), min_size=1, max_size=6
)


@given(fleets(), expectation_lists, st.sampled_from(["ignore", "report", "drift"]))
def test_a_naive_program_comes_to_the_same_rows_and_numbers(fleet: t.Any, declared: t.Any, unmanaged: str) -> None:
    result = audit(fleet, declared, unmanaged=unmanaged, show_url_secrets=True)
    rows = naive_rows(fleet, declared, unmanaged)
    assert result["drift"] == rows

    drifted = {row["id"] for row in rows if row["kind"] == "mismatch"}
    managed = [instance for instance in fleet if any(naive_matches(item.get("match") or {}, instance) for item in declared)]
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
    assert summary["compliance"] == (100.0 if good == all_ else min(99.9, round(100 * good / all_, 1)))
    assert result["in_sync"] == (not drifted and not missing and (unmanaged != "drift" or len(managed) == len(fleet)))


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
