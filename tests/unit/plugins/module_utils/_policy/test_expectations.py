# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Expectations: mistakes are reported before any request; valid ones are matched and merged in order."""

from __future__ import annotations

import datetime as dt
import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import BY_NAME, GROUPS
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ExpectationError
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, record_from_object
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations, Requirement

NOW = 1_790_000_000_000  # 2026-09-21
FINE = {"expect": {"whatsapp_connected": True}}
SECRET_URL = "https://user:OpenSesame@hooks.example.com/?key=OpenSesame"


def make_record(**fields: t.Any) -> Record:
    record = record_from_object({"id": "A1", "name": "shop-1", "middleware": "web", **fields})
    assert record is not None
    return record


def make_instance(**fields: t.Any) -> t.Any:
    return make_record(**fields).instance


def mistake(*declared: t.Any, lines: t.Sequence[int] | None = None) -> str:
    """The message about a list of expectations."""
    with pytest.raises(ExpectationError) as error:
        Expectations(list(declared), NOW, lines)
    message = str(error.value)
    assert message.isprintable()
    assert "OpenSesame" not in message
    return message


def effective(*declared: t.Any, **fields: t.Any) -> dict[str, t.Any]:
    """What is expected of an instance, by attribute."""
    instance = make_instance(**fields)
    found = Expectations(list(declared), NOW).effective(instance)
    return {requirement.attribute.name: requirement.expected(instance) for requirement in found.requirements}


def matches(match: t.Any, **fields: t.Any) -> bool:
    expectations = Expectations([{"match": match, **FINE}], NOW)
    instance = make_instance(**fields)
    assert bool(expectations.matching(instance)) is expectations.all[0].match.matches(instance)
    return expectations.matching(instance) == (1,)


def webhook(url: t.Any) -> dict[str, t.Any]:
    return {"expect": {"webhooks": {"received": url}}}


# Mistakes


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (None, "expectations must be a list, not null"),
        (SECRET_URL, "expectations must be a list, not text"),
        (FINE, "expectations must be a list, not a mapping"),
        ([], "expectations is an empty list: nothing would be asserted"),
        ([None], "expectation 1: must be a mapping, not null"),
        ([FINE, [FINE]], "expectation 2: must be a mapping, not a list"),
        ([{}], "expectation 1: is an empty mapping"),
        ([{"match": {"name": "a"}}], "expectation 1: has neither expect nor ignore: declare what the instances must be"),
        ([{"expect": None}], "expectation 1: expect must be a mapping, not null"),
        ([{"expect": {}}], "expectation 1: expect is an empty mapping"),
        ([{"match": {}, **FINE}], "expectation 1: match is an empty mapping: leave it out to match every instance"),
        ([{"match": None, **FINE}], "expectation 1: match must be a mapping, not null: leave it out to match every instance"),
        ([{"match": "shop-*", **FINE}], "expectation 1: match must be a mapping, not text"),
        ([{"name": "", **FINE}], "expectation 1: name is empty: leave it out"),
        ([{"name": "a\nb", **FINE}], "expectation 1: name must be text of one line"),
        ([{"name": 5, **FINE}], "expectation 1: name must be text of one line, not a number"),
        ([{"ignore": []}], "expectation 1: ignore is an empty list: leave it out"),
        ([{"ignore": "webhooks"}], "expectation 1: ignore must be a list of attributes, not text"),
        ([{"ignore": [["webhooks"]]}], "expectation 1: ignore must be a list of attributes, but contains a list"),
        ([{**FINE, "until": "soon"}], "expectation 1: until must be a date such as 2027-03-01"),
        ([{**FINE, "until": 20270301}], "expectation 1: until must be a date such as 2027-03-01"),
        ([{**FINE, "until": dt.datetime(2027, 3, 1)}], "expectation 1: until must be a date such as 2027-03-01"),  # noqa: DTZ001
        ([{**FINE, "until": "2099-02-30"}], "expectation 1: until is 2099-02-30, which is not a date that exists"),
        (
            [{**webhook(None), "ignore": ["webhooks", "payment_status"]}],
            "expectation 1: expects and ignores webhooks.received: remove one of the two",
        ),
        ([{"expect": {5: 1}}], "expectation 1: expect contains a number as a key: use whatsapp_connected, phone_connected, "),
    ],
)
def test_the_message_names_the_expectation_and_the_place(declared: t.Any, message: str) -> None:
    with pytest.raises(ExpectationError) as error:
        Expectations(declared, NOW)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("declared", "advice"),
    [
        # A typo
        ({"expects": {}}, 'contains the unknown key "expects": did you mean expect?'),
        ({"expect": {"day_left": 5}}, 'expect contains the unknown key "day_left": did you mean days_left?'),
        ({"expect": {"PAYMENT_STATUS": "PAID"}}, "did you mean payment_status?"),
        ({"expect": {"webhooks": {"recieved": None}}}, 'webhooks contains the unknown key "recieved": did you mean received?'),
        ({"match": {"nmae": "a"}, **FINE}, 'match contains the unknown key "nmae": did you mean name?'),
        ({"match": {"tenant": "a"}, **FINE}, "use id, name, middleware"),
        ({"expect": {"settings": {"z" * 5000: 1}}}, "use notify_sent_by_me, auto_read_message, "),
        ({"ignore": ["webhook"]}, 'ignore contains the unknown attribute "webhook": did you mean webhooks?'),
        ({"ignore": ["webhooks.recieved"]}, "did you mean webhooks.received?"),
        # The API's own fields
        ({"expect": {"webhooks": {"receivedCallbackUrl": None}}}, "did you mean received?"),
        ({"expect": {"receivedAndDeliveryCallbackUrl": None}}, "write received_and_delivery under expect.webhooks"),
        ({"expect": {"paymentStatus": "PAID"}}, "did you mean payment_status?"),
        ({"expect": {"due": 5}}, "did you mean days_left?"),
        ({"expect": {"settings": {"receiveCallbackSentByMe": True}}}, "did you mean notify_sent_by_me?"),
        ({"ignore": ["callbackTypeFilters"]}, "did you mean settings.muted_webhooks?"),
        # A wrong indentation
        ({"webhooks": {"received": None}}, 'contains the unknown key "webhooks": indent it under expect'),
        ({"expect": None, "webhooks": {"received": None}}, "indent it under expect"),
        ({"expect": {"received": None}}, "indent it under expect.webhooks"),
        ({"auto_read_message": True, **FINE}, "indent it under expect.settings"),
        ({"id": "A1", **FINE}, "indent it under match"),
        ({"middleware": "web", **FINE}, "indent it under match or expect"),
        ({"match": {"name": "a", **FINE}}, "it is a key of the expectation itself: indent it less"),
        ({"ignore": ["received"]}, "did you mean webhooks.received?"),
    ],
)
def test_an_unknown_key_comes_with_what_to_write(declared: t.Any, advice: str) -> None:
    message = mistake(FINE, declared)
    assert message.startswith("expectation 2: ")
    assert message.partition(advice)[1], message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("whatsapp_connected", "true", "must be true or false, not text"),
        ("phone_connected", None, "must be true or false, not null"),
        ("days_left", True, "must be a whole number of days, not a boolean"),
        ("days_left", "9" * 5000, "must be a whole number of days, not text"),
        ("payment_status", None, "must be text or a list of texts, not null"),
        ("payment_status", ["PAID", 5], "must be text or a list of texts, not a number (put it in quotes)"),
        ("payment_status", [["PAID"]], "must be text or a list of texts, not a list"),
        ("payment_status", [], "is an empty list, which nothing matches"),
        ("payment_status", "", "is empty"),
        ("middleware", ["web", ""], "contains an empty text"),
        ("phone_number", "+55 11 99999-0000", 'must be digits only, with the country code, such as "5511999990000"'),
        ("phone_number", "", "must be digits only"),
        ("phone_number", "\u0665\u0665", "must be digits only"),
        ("phone_number", -5, "must be digits only"),
        ("phone_number", True, "must be digits only"),
        ("webhooks.received", 5, "must be a URL, a list of URLs or null, not a number (put it in quotes)"),
        ("webhooks.received", [SECRET_URL, None], "must be a URL, a list of URLs or null, not null"),
        ("webhooks.received", [], "is an empty list, which nothing matches"),
        ("webhooks.received", "", "is empty: write null for a webhook that must be unset"),
        ("webhook_hosts", "hooks.example.com", "must be a list of hosts, not text"),
        ("webhook_hosts", [], "is an empty list"),
        ("webhook_hosts", ["hooks.*.com"], 'contains "hooks.*.com", which is not a host: write hooks.example.com, '),
        ("webhook_hosts", ["ex ample.com"], "which is not a host"),
        ("webhook_hosts", ["evil.org\uff0f.example.com"], "which is not a host"),
        ("webhook_hosts", ["hooks.example.com:99999"], "which is not a host"),
        ("webhook_hosts", [SECRET_URL], 'contains "https://***@hooks.example.com/?key=***", which is not a host'),
        ("webhook_hosts", ["hooks.example.com/OpenSesame0123"], 'contains "hooks.example.com/***", which is not a host'),
        ("settings.call_reject_message", ["OpenSesame"], "must be text or null, not a list"),
        ("settings.muted_webhooks", None, "must be a list, not null (an empty list mutes nothing)"),
        ("settings.muted_webhooks", [5], "must be a list of texts, but contains a number"),
        ("settings.muted_webhooks", ["recieved"], 'contains the unknown word "recieved": did you mean received?'),
        ("settings.muted_webhooks", ["presence-chat"], "did you mean presence_chat?"),
        ("settings.muted_webhooks", ["FILTER_RECEIVED_CALLBACK"], "did you mean received?"),
        ("settings.muted_webhooks", ["received_and_delivery"], "write received, which mutes received_and_delivery as well"),
        ("settings.muted_webhooks", ["x" * 5000], "use received, delivery"),
        ("settings.muted_messages", ["from_group"], "did you mean group?"),
        ("settings.muted_messages", ["a b"], "use group, private_chat"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_invalid_value_is_reported_with_its_place_and_without_secrets(key: str, value: t.Any, message: str) -> None:
    group, _dot, part = key.rpartition(".")
    found = mistake({"name": "Shops", "expect": {group: {part: value}} if group else {key: value}})
    assert found.startswith(f'expectation 1, "Shops": {key} ')
    assert message in found
    assert len(found) < 300


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hooks.example.com", "is not a URL"),
        ("ftp://hooks.example.com", "is not a URL"),
        ("{name}", "is not a URL"),
        ("https:///{id}", "has no host"),
        ("https://:443/x", "has no host"),
        ("https://hooks.example.com:0/", "has an invalid port"),
        ("https://hooks.example.com:{id}/", "has an invalid port"),
        ("https://hooks.example.com:84{id}/", "has an invalid port"),
        ("https://hooks.example.com:99999/", "has an invalid port"),
        ("https://hooks..example.com/", "has an invalid host"),
        ("https://straße.example.com/", "has an invalid host"),
        ("https://hooks.example.com/x\n", "contains white space or control characters"),
        ("https://hooks.example.com/a b", "contains white space or control characters"),
        ("https://hooks.example.com/\x1b", "contains white space or control characters"),
        ("https://hooks.example.com/zapi/***", "contains ***, which stands for a secret that was masked"),
        ("https://hooks.example.com/{{id}}", "has two braces around id, which is a template for Ansible: write {id}"),
        ("https://{name}.example.com/", "contains {name} in its host"),
        ("https://hooks.example.com/x-{any}", "contains {any} in a place where it cannot be"),
        ("https://{any}.example.com/", "contains {any} in a place where it cannot be"),
        *((f"{SECRET_URL}{brace}", "contains a brace that is") for brace in ("{ID}", "{}", "{{phone}}", "{id", "}{", "{ id }")),
    ],
)
@pytest.mark.parametrize("declared", [lambda url: url, lambda url: ["https://fine.example.com", url]], ids=["one", "list"])
def test_a_declared_url_must_be_one(url: str, message: str, declared: t.Any) -> None:
    assert mistake(webhook(declared(url))).startswith(f"expectation 1: webhooks.received {message}")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "HTTPS://hooks.example.com:8443/{id}/{name}?a={any}&n={name}#{id}",
        "https://hooks.example.com/{any}/x/{any}?{id}",
        "https://{id}.example.com/",
        "https://user:password@açaí.example.com/",
        "https://[2001:db8::1]:8443/",
        ["https://a.example.com", "https://b.example.com"],
        None,
    ],
)
def test_a_url_is_accepted_as_it_is_written(url: t.Any) -> None:
    expectations = Expectations([webhook(url)], NOW)
    assert expectations.all[0].requirements[0].declared == url
    assert expectations.warnings == []


@pytest.mark.parametrize("key", ["id", "name", "middleware"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "must be text or a list of texts, not a number (put it in quotes)"),
        (["a", 5], "must be text or a list of texts, not a number (put it in quotes)"),
        (dt.date(2027, 3, 1), "must be text or a list of texts, not a date (put it in quotes)"),
        ([["a"]], "must be text or a list of texts, not a list"),
        (None, "must be text or a list of texts, not null"),
        ([], "is an empty list, which nothing matches"),
    ],
)
def test_a_condition_is_text_or_a_list_of_texts(key: str, value: t.Any, message: str) -> None:
    assert mistake({"match": {key: value}, **FINE}) == f"expectation 1: match.{key} {message}"


def test_up_to_five_mistakes_are_reported_at_once_with_their_lines() -> None:
    declared = [
        FINE,
        {"name": "Shops", "match": {"id": 5}, "expect": {"days_left": "soon", "webhooks": {"received": "x", "delivery": 5}}},
        {"expect": {"middleware": [], "payment_status": "", "phone_connected": 1}},
    ]
    message = mistake(*declared, lines=[3, 7, 20])
    assert message.startswith('expectations have 7 mistakes: expectation 2, "Shops" (line 7): match.id must be ')
    assert message.count("; expectation 2") == 3
    assert message.count("; expectation 3 (line 20): ") == 1
    assert message.endswith("; and 2 more")
    assert mistake({"name": "a\u202eb\ud800"}).startswith('expectation 1, "a\\u202eb\\ud800": has neither')
    assert mistake(None, lines=[2]) == "expectation 1 (line 2): must be a mapping, not null"


KEYS = ["name", "match", "expect", "ignore", "until", "id", "webhooks", "settings", "received"]
texts = st.text(max_size=8) | st.sampled_from(["https://h/{id}", "{any}", *KEYS, *BY_NAME])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
expectations_of_any_values = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS[:5], json_values))


@given(json_values | st.lists(expectations_of_any_values, min_size=1))
def test_any_json_value_is_parsed_or_refused_in_one_line(declared: t.Any) -> None:
    expectations, message = None, ""
    try:
        expectations = Expectations(declared, NOW)
    except ExpectationError as error:
        message = str(error)
    assert message.isprintable()
    if expectations:
        instance = make_instance()
        for requirement in expectations.effective(instance).requirements:
            requirement.expected(instance)
        assert isinstance(expectations.forbidden_urls(), list)


# Match


@pytest.mark.parametrize(
    ("name", "matching", "others"),
    [
        ("shop-1", ["shop-1"], ["shop-11", "a shop-1", "Shop-1", ""]),
        ("shop-*", ["shop-1", "shop-", "shop-a\nb"], ["shop", "a shop-1", "Shop-1"]),
        ("*", ["", "anything", "line\nbreak"], []),
        ("shop-?", ["shop-1", "shop-?"], ["shop-", "shop-12"]),
        ("shop-[!12]", ["shop-3", "shop-!"], ["shop-1", "shop-"]),
        ("[[]vip] shop", ["[vip] shop"], ["[[]vip] shop", "vip] shop", "v shop"]),
        ("[SP] shop", ["S shop"], ["[SP] shop"]),
        ("[SP", ["[SP"], ["S"]),
        ("a.*", ["a.b", "a."], ["ab", "axb"]),
        ("", [""], ["a", " "]),
        ("Pão*", ["Pão de Queijo", "Pa\u0303o"], ["Pao de Queijo"]),
        ("Pa\u0303o", ["Pão"], ["Pao"]),
        (["shop-1", "bar-*", "Pa\u0303o"], ["shop-1", "bar-2", "Pão"], ["shop-2", "bar", ""]),
    ],
)
def test_a_name_is_exact_or_a_shell_pattern(name: t.Any, matching: list[str], others: list[str]) -> None:
    assert [other for other in matching if not matches({"name": name}, name=other)] == []
    assert [other for other in others if matches({"name": name}, name=other)] == []


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"id": "A1"}, True),
        ({"id": ["B2", "A1"]}, True),
        ({"id": "A*"}, False),
        ({"id": "a1"}, False),
        ({"middleware": ["mobile", "web"]}, True),
        ({"middleware": "*"}, False),
        ({"id": ["A1", "B2"], "name": ["x", "shop-*"], "middleware": "web"}, True),
        ({"id": ["A1", "B2"], "name": ["x", "bar-*"], "middleware": "web"}, False),
        ({"id": "B2", "name": "shop-1"}, False),
        ({"name": "shop-1", "middleware": "mobile"}, False),
    ],
)
def test_all_conditions_must_hold_and_any_value_of_each(match: t.Any, expected: bool) -> None:
    assert matches(match) is expected


def test_no_name_matches_an_instance_whose_name_is_unknown() -> None:
    instance = {**make_instance(name=""), "unknown": ["name"]}
    expectations = Expectations([{"match": {"name": ["", "*"]}, **FINE}, {"match": {"id": "A1"}, **FINE}], NOW)
    assert expectations.matching(t.cast("t.Any", instance)) == (2,)


def test_names_and_ids_of_a_match_are_kept_as_written() -> None:
    (expectation,) = Expectations([{"match": {"id": ["B", "A"], "name": ["Pa\u0303o", "a-*"]}, **FINE}], NOW).all
    assert expectation.match.ids == ("B", "A")
    assert expectation.match.names == {"Pão"}
    assert len(expectation.match.patterns) == 1
    assert expectation.written_names == ("Pa\u0303o", "a-*")


# Effective expectations


def test_the_last_expectation_that_matches_counts_for_each_attribute() -> None:
    url = "https://a.example.com"
    declared = [
        {
            "expect": {
                "days_left": "5",
                "webhooks": {"received": url, "delivery": url},
                "settings": {"muted_webhooks": ["delivery"]},
            }
        },
        {
            "match": {"name": "shop-*"},
            "expect": {"days_left": -9, "webhooks": {"delivery": None}, "settings": {"muted_webhooks": []}},
        },
        {"match": {"name": "other"}, "expect": {"days_left": 99}},
        {"match": {"id": ["A1"]}, "expect": {"webhooks": {"delivery": [url]}}},
        {"match": {"id": "A1"}, "expect": {"payment_status": ["PAID", "TRIAL"]}, "ignore": ["settings", "whatsapp_connected"]},
    ]
    expected = {"days_left": -9, "payment_status": ["PAID", "TRIAL"], "webhooks.delivery": [url], "webhooks.received": url}
    assert effective(*declared) == expected
    found = Expectations(declared, NOW).effective(make_instance())
    assert [requirement.expectation for requirement in found.requirements] == [2, 5, 4, 1]
    assert found.names == set(expected)
    assert found.has_url
    assert found.get("settings.muted_webhooks") is None
    assert t.cast(Requirement, found.get("days_left")).declared == -9
    assert effective(*declared[2:3]) == {}


@pytest.mark.parametrize(
    ("key", "written", "meant"),
    [
        ("call_reject_message", "", None),
        ("call_reject_message", "{id}", "{id}"),
        ("muted_webhooks", ["new_filter", "delivery", "delivery"], ["delivery", "new_filter"]),
        ("muted_messages", [], []),
    ],
)
def test_a_setting_is_what_the_api_would_return(key: str, written: t.Any, meant: t.Any) -> None:
    assert effective({"expect": {"settings": {key: written}}}) == {f"settings.{key}": meant}


@pytest.mark.parametrize("number", ["5511999990000", 5511999990000])
def test_a_phone_number_may_have_no_quotes(number: t.Any) -> None:
    assert effective({"expect": {"phone_number": number}}) == {"phone_number": "5511999990000"}


def test_an_expectation_that_ended_is_a_warning_and_does_not_count() -> None:
    ended = {"name": "Holidays", "until": "2026-09-20", "expect": {"days_left": 9, **webhook("http://a.example.com")["expect"]}}
    last_day = {"until": dt.date(2026, 9, 21), "expect": {"days_left": 5}}
    expectations = Expectations([last_day, ended], NOW)
    assert expectations.effective(make_instance()).names == {"days_left"}
    assert [one.position for one in expectations.active] == [1]
    assert [one.label for one in expectations.ended] == ['expectation 2, "Holidays"']
    (warning,) = expectations.warnings
    assert warning == ("expectation_ended", {"expectation": 'expectation 2, "Holidays"', "until": "2026-09-20"})


def test_a_url_that_is_not_https_is_a_warning() -> None:
    (warning,) = Expectations([webhook(["https://a.example.com", "HTTP://b.example.com/{id}"])], NOW).warnings
    assert warning.code == "http_url"
    assert warning.values == {"expectation": "expectation 1", "attribute": "webhooks.received", "url": "HTTP://b.example.com/{id}"}


@pytest.mark.parametrize(
    ("expect", "actual", "accepted"),
    [
        ({"whatsapp_connected": True}, True, True),
        ({"whatsapp_connected": False}, None, False),
        ({"payment_status": "PAID"}, "PAID", True),
        ({"payment_status": ["TRIAL", "PAID"]}, "PAID", True),
        ({"payment_status": ["TRIAL"]}, "trial", False),
        ({"phone_number": "5511"}, "5511", True),
        ({"settings": {"muted_messages": []}}, [], True),
        ({"settings": {"muted_messages": ["text", "group"]}}, ["group", "text"], True),
        ({"settings": {"muted_messages": ["text"]}}, "text", False),
        ({"settings": {"call_reject_message": ""}}, None, True),
        ({"webhooks": {"received": None}}, None, True),
        ({"webhooks": {"received": None}}, "https://a.example.com", False),
        ({"webhooks": {"received": "https://a.example.com/{id}"}}, "https://a.example.com/A1", True),
        ({"webhooks": {"received": "https://a.example.com/{name}"}}, None, False),
        ({"webhooks": {"received": ["https://a.example.com/{name}", "https://b.example.com"]}}, "https://b.example.com", True),
        ({"webhooks": {"received": "https://a.example.com/{id}/{any}"}}, "https://a.example.com/A1/s3cr3t", True),
        ({"webhooks": {"received": "https://a.example.com/{id}/{any}"}}, "https://a.example.com/B2/s3cr3t", False),
        ({"webhooks": {"received": ["https://a.example.com/", "https://b.example.com/{any}"]}}, "https://b.example.com/x", True),
        ({"webhooks": {"received": "https://a.example.com/{any}"}}, 5, False),
    ],
)
def test_comparison_is_exact(expect: t.Any, actual: t.Any, accepted: bool) -> None:
    instance = make_instance(name="..")
    (requirement,) = Expectations([{"expect": expect}], NOW).effective(instance).requirements
    assert requirement.accepts(actual, requirement.expected(instance)) is accepted


# The whole list


def test_calls_are_needed_for_what_is_expected_and_unknown() -> None:
    declared = [
        {"expect": {"settings": {"auto_read_message": True}}},
        {"match": {"name": "shop-2"}, "ignore": ["settings"], "expect": {"phone_number": "5511"}},
        {"match": {"name": "shop-3"}, "expect": {"phone_number": "5511"}},
    ]
    records = [make_record(), make_record(autoReadMessage=False), make_record(name="shop-2"), make_record(name="shop-3")]
    calls = Expectations(declared, NOW).unknown_calls(records)
    assert calls == {"me": [records[0], records[3]], "device": [records[2], records[3]]}
    assert Expectations([FINE], NOW).unknown_calls(records) == {}


def test_the_summary_counts_what_is_declared() -> None:
    item = {"expect": {"days_left": 1}}
    declared = [
        {
            "expect": {
                "webhook_hosts": ["a.example.com"],
                "webhooks": dict.fromkeys(name.partition(".")[2] for name in GROUPS["webhooks"]),
            }
        },
        {"match": {"id": ["A1", "A2"], "name": "shop-1"}, **item},
        {"match": {"id": "A1"}, **item, "until": "2020-01-01"},
        {"match": {"name": ["shop-1", "shop-*", ""]}, "ignore": ["settings"]},
    ]
    assert Expectations(declared, NOW).summary() == {
        "expectations": 4,
        "attributes": ["webhooks", "days_left", "webhook_hosts"],
        "instances_named": 4,  # A1, A2, shop-1, and the one without a name
    }


def test_conditions_on_the_middleware_can_be_refused() -> None:
    web = {"match": {"middleware": "web"}, **FINE}
    with pytest.raises(
        ExpectationError, match=r"^expectations have 2 mistakes: expectation 1, \"Web\": match\.middleware matches nothing"
    ):
        Expectations([{"name": "Web", **web}, web, {**web, "until": "2020-01-01"}], NOW).refuse_middleware()
    Expectations([FINE, {"expect": {"middleware": "web"}}], NOW).refuse_middleware()


def test_a_literal_url_that_its_own_expectation_forbids_is_found() -> None:
    hosts = {"webhook_hosts": ["a.example.com", "*.example.org"]}
    allowed = ["https://a.example.com:8443/{id}", "https://x.example.org/{any}", "https://{id}.example.net"]
    declared = [
        {"expect": {**hosts, "webhooks": {"received": allowed}}},
        webhook("https://b.example.com"),
        {
            "name": "Shops",
            "expect": {**hosts, "webhooks": {"received": [*allowed, "https://b.example.com/{id}"], "delivery": None}},
        },
        {"expect": {**hosts, "webhooks": {"received": "https://{id}:{name}@c.example.com/"}}},  # {id} is not in the host
    ]
    assert Expectations(declared, NOW).forbidden_urls() == [
        'expectation 3, "Shops": webhooks.received posts to b.example.com, which its webhook_hosts forbid',
        "expectation 4: webhooks.received posts to c.example.com, which its webhook_hosts forbid",
    ]


def test_ten_thousand_expectations_for_ten_thousand_instances_are_looked_up() -> None:
    ids = [f"{number:032X}" for number in range(10_000)]
    instances = [make_instance(id=identity, name=f"shop-{identity}") for identity in ids]
    names = [f"shop-{identity}" for identity in ids]
    declared = [
        FINE,
        {"match": {"id": ids}, **FINE},
        {"match": {"name": names}, **FINE},
        *({"match": {"id": one}, **FINE} for one in ids),
    ]
    start = time.process_time()
    expectations = Expectations(declared, NOW)
    assert all(expectations.matching(instance) == (1, 2, 3, place) for place, instance in enumerate(instances, start=4))
    assert time.process_time() - start < 5  # trying each expectation with each instance takes more than 30 seconds
