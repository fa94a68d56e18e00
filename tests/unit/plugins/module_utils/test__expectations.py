# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A mistake in the expectations is told before anything is compared; what is right is merged in order."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import string
import typing as t
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ExpectationError
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.tests.unit.support import assert_fit_for_users, make_instance

NOW = 1_790_000_000_000  # 2026-09-21
SECRET_URL = "https://user:OpenSesame@hooks.example.com/?key=OpenSesame"


def mistake(declared: t.Any) -> str:
    """What is wrong with the expectations."""
    with pytest.raises(ExpectationError) as refused:
        Expectations(declared, NOW)
    message = str(refused.value)
    assert_fit_for_users(message, request=None, secrets=["OpenSesame"])
    return message


def expected(declared: t.Any, **fields: t.Any) -> dict[str, t.Any]:
    """What the instance has to be, by attribute."""
    instance = make_instance(**fields)
    checks = Expectations(declared, NOW).asked(instance).checks
    return {check.attribute.name: check.expected(instance) for check in checks}


def positions(declared: t.Any, **fields: t.Any) -> dict[str, int]:
    """Which expectation counts, by attribute."""
    return {check.attribute.name: check.position for check in Expectations(declared, NOW).asked(make_instance(**fields)).checks}


def matches(match: t.Any, **fields: t.Any) -> bool:
    return Expectations([{"match": match, "expect": {"days_left": 1}}], NOW).asked(make_instance(**fields)).checks != ()


def mistakes(*items: t.Any) -> list[str]:
    """The mistakes that are told at once."""
    message = mistake(list(items))
    return message.partition(" mistakes: ")[2].split("; ") if " mistakes: " in message else [message]


# Mistakes

FINE = {"expect": {"whatsapp_connected": True}}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (None, ["expectations must be a list", "null"]),
        ("text", ["expectations must be a list", "text"]),
        (SECRET_URL, ["expectations must be a list", "text"]),
        (5, ["expectations must be a list", "a number"]),
        (True, ["expectations must be a list", "a boolean"]),
        ({}, ["expectations must be a list", "a mapping"]),
        (FINE, ["expectations must be a list", "a mapping"]),
        ([], ["expectations is empty"]),
        ([None], ["expectation 1 must be a mapping", "null"]),
        (["text"], ["expectation 1 must be a mapping", "text"]),
        ([FINE, [FINE]], ["expectation 2 must be a mapping", "a list"]),
        ([FINE, {}], ["expectation 2 is empty"]),
        ([{"match": {"name": "a"}}], ["expectation 1 has neither expect nor ignore"]),
        ([{"match": {"name": "a"}, "expect": None}], ["expectation 1", "expect must be a mapping", "null"]),
        ([{"expect": {}}], ["expectation 1", "expect is empty"]),
        ([{"expect": "whatsapp_connected"}], ["expectation 1", "expect must be a mapping", "text"]),
        ([{"match": {}, "expect": {"days_left": 1}}], ["expectation 1", "match is empty"]),
        ([{"match": "shop-*", "expect": {"days_left": 1}}], ["expectation 1", "match must be a mapping", "text"]),
        ([{"match": [], "expect": {"days_left": 1}}], ["expectation 1", "match must be a mapping", "a list"]),
    ],
)
def test_what_is_no_list_of_expectations_is_refused_with_its_position(declared: t.Any, words: list[str]) -> None:
    message = mistake(declared)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("item", "wrong", "right"),
    [
        ({"expects": {"days_left": 1}}, "expects", "expect"),
        ({"matches": {"name": "a"}, "expect": {"days_left": 1}}, "matches", "match"),
        ({"Expect": {"days_left": 1}}, "Expect", "expect"),
        ({"expect": {"whatsap_connected": True}}, "whatsap_connected", "whatsapp_connected"),
        ({"expect": {"phoneConnected": True}}, "phoneConnected", "phone_connected"),
        ({"expect": {"PAYMENT_STATUS": "PAID"}}, "PAYMENT_STATUS", "payment_status"),
        ({"expect": {"day_left": 1}}, "day_left", "days_left"),
        ({"expect": {"webhook": {}}}, "webhook", "webhooks"),
        ({"expect": {"midleware": "web"}}, "midleware", "middleware"),
        ({"expect": {"webhooks": {"recieved": None}}}, "recieved", "received"),
        ({"expect": {"webhooks": {"received_and_deliver": None}}}, "received_and_deliver", "received_and_delivery"),
        ({"expect": {"webhooks": {"messageStatus": None}}}, "messageStatus", "message_status"),
        ({"match": {"nam": "a"}, "expect": {"days_left": 1}}, "nam", "name"),
        ({"match": {"ID": "a"}, "expect": {"days_left": 1}}, "ID", "id"),
        ({"match": {"midleware": "a"}, "expect": {"days_left": 1}}, "midleware", "middleware"),
    ],
)
def test_a_mistyped_name_is_told_with_its_position_and_the_nearest_right_one(item: t.Any, wrong: str, right: str) -> None:
    message = mistake([FINE, FINE, item])
    assert "expectation 3" in message
    assert f"'{wrong}'" in message
    assert f"did you mean {right}?" in message


@pytest.mark.parametrize(
    ("item", "known"),
    [
        ({"zzz": 1, "expect": {"days_left": 1}}, ["match", "expect"]),
        (
            {"expect": {"zzz": 1}},
            ["whatsapp_connected", "phone_connected", "middleware", "payment_status", "days_left", "webhooks"],
        ),
        ({"expect": {"webhooks": {"zzz": None}}}, ["received", "received_and_delivery", "received_status"]),
        ({"match": {"zzz": "a"}, "expect": {"days_left": 1}}, ["id", "name", "middleware"]),
        ({"expect": {5: 1}}, ["days_left"]),
        ({"expect": {None: 1}}, ["days_left"]),
        ({"expect": {"a\nb": 1}}, ["days_left"]),
        ({"expect": {"z" * 5000: 1}}, ["days_left"]),
    ],
)
def test_a_name_near_to_none_is_told_with_all_that_there_are(item: t.Any, known: list[str]) -> None:
    message = mistake([item])
    assert "expectation 1" in message
    for name in known:
        assert name in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({"whatsapp_connected": "true"}, ["whatsapp_connected must be true or false", "text"]),
        ({"whatsapp_connected": None}, ["whatsapp_connected must be true or false", "null"]),
        ({"phone_connected": 1}, ["phone_connected must be true or false", "a number"]),
        ({"phone_connected": [True]}, ["phone_connected must be true or false", "a list"]),
        ({"days_left": True}, ["days_left must be a whole number", "a boolean"]),
        ({"days_left": 1.5}, ["days_left must be a whole number", "a number"]),
        ({"days_left": "soon"}, ["days_left must be a whole number", "text"]),
        ({"days_left": "9" * 5000}, ["days_left must be a whole number", "text"]),
        ({"days_left": None}, ["days_left must be a whole number", "null"]),
        ({"days_left": [5]}, ["days_left must be a whole number", "a list"]),
        ({"payment_status": None}, ["payment_status must be text", "null"]),
        ({"payment_status": 5}, ["payment_status must be text", "a number"]),
        ({"payment_status": True}, ["payment_status must be text", "a boolean"]),
        ({"payment_status": ["PAID", 5]}, ["payment_status must be text", "a number"]),
        ({"payment_status": ["PAID", None]}, ["payment_status must be text", "null"]),
        ({"payment_status": [["PAID"]]}, ["payment_status must be text", "a list"]),
        ({"payment_status": []}, ["payment_status is an empty list"]),
        ({"payment_status": ""}, ["payment_status is an empty text"]),
        ({"middleware": {"web": True}}, ["middleware must be text", "a mapping"]),
        ({"webhooks": None}, ["webhooks must be a mapping", "null"]),
        ({"webhooks": SECRET_URL}, ["webhooks must be a mapping", "text"]),
        ({"webhooks": [SECRET_URL]}, ["webhooks must be a mapping", "a list"]),
        ({"webhooks": {}}, ["webhooks is empty"]),
        ({"webhooks": {"received": 5}}, ["webhooks.received must be text", "null", "a number"]),
        ({"webhooks": {"received": True}}, ["webhooks.received must be text", "a boolean"]),
        ({"webhooks": {"received": {"url": SECRET_URL}}}, ["webhooks.received must be text", "a mapping"]),
        ({"webhooks": {"received": [SECRET_URL, None]}}, ["webhooks.received must be text", "null"]),
        ({"webhooks": {"received": []}}, ["webhooks.received is an empty list"]),
        ({"webhooks": {"received": ""}}, ["webhooks.received is an empty text", "null for an unset webhook"]),
        ({"webhooks": {"received": [SECRET_URL, ""]}}, ["webhooks.received is an empty text"]),
    ],
)
def test_a_wrong_type_is_told_with_its_place_and_without_the_value(expect: t.Any, words: list[str]) -> None:
    message = mistake([FINE, {"expect": expect}])
    assert "expectation 2" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("url", ["{{id}}", "{{ name }}", "/{{id}}/{name}"])
def test_a_template_where_a_placeholder_is_meant_is_told_as_what_it_is(url: str) -> None:
    message = mistake([{"expect": {"webhooks": {"delivery": f"{SECRET_URL}{url}"}}}])
    assert "two braces around" in message
    assert "write {name}" in message or "write {id}" in message


@pytest.mark.parametrize(
    "url", ["{ID}", "{}", "{{phone}}", "{id", "id}", "{id}{", "{ id }", "{phone}", "{name!r}", "{id:x}", "{name.secret}", "}{"]
)
@pytest.mark.parametrize(
    "form", [lambda url: url, lambda url: [url], lambda url: ["https://fine.example", url]], ids=["one", "list", "second"]
)
def test_a_brace_that_is_no_placeholder_is_told_without_the_url(url: str, form: t.Any) -> None:
    message = mistake([{"expect": {"webhooks": {"delivery": form(f"{SECRET_URL}{url}")}}}])
    assert "expectation 1: webhooks.delivery" in message
    assert "{id}" in message
    assert "{name}" in message


@pytest.mark.parametrize("key", ["id", "name", "middleware"])
@pytest.mark.parametrize("value", [5, None, True, 1.5, ["a"], {"a": "b"}])
def test_a_condition_that_is_no_text_is_told(key: str, value: t.Any) -> None:
    message = mistake([{"match": {key: value}, "expect": {"days_left": 1}}])
    assert f"expectation 1: match.{key} must be text" in message


def test_digits_of_an_id_that_yaml_took_for_a_number_are_told_with_the_remedy() -> None:
    assert "quotes" in mistake([{"match": {"id": 31415926}, "expect": {"days_left": 1}}])


def test_the_first_mistake_is_told() -> None:
    assert "expectation 1" in mistake([{"expects": 1}, {"expects": 2}])


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["https://h/{id}", "{name}", "web", "5"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["match", "expect", "id", "name", "middleware", "days_left", "webhooks", "received", "payment_status"])
            | st.text(max_size=5),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values | st.lists(st.fixed_dictionaries({"expect": json_values}, optional={"match": json_values}), min_size=1))
def test_whatever_is_declared_can_be_asked_or_is_refused_in_one_line(declared: t.Any) -> None:
    try:
        expectations = Expectations(declared, NOW)
    except ExpectationError as refused:
        assert_fit_for_users(str(refused), request=None)
    else:
        for warning in expectations.warnings:
            assert_fit_for_users(warning, request=None)
        instance = make_instance()
        for check in expectations.asked(instance).checks:
            check.expected(instance)


# What can hardly be meant


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com", "hooks.example.com", "ftp://hooks.example.com", "{name}", "https:/hooks"]
)
def test_a_webhook_that_the_api_would_refuse_makes_a_warning(url: str) -> None:
    (warning,) = Expectations([FINE, {"expect": {"webhooks": {"received": url}}}], NOW).warnings
    assert "expectation 2: webhooks.received" in warning
    assert "HTTPS" in warning


def test_a_warning_shows_no_secret_of_the_url() -> None:
    (warning,) = Expectations([{"expect": {"webhooks": {"received": SECRET_URL.replace("https", "http")}}}], NOW).warnings
    assert_fit_for_users(warning, request=None, secrets=["OpenSesame"])
    assert "hooks.example.com" in warning


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com", "HTTPS://hooks.example.com", None, ["https://a.example", "https://b.example"]]
)
def test_others_make_none(url: t.Any) -> None:
    assert Expectations([{"expect": {"webhooks": {"received": url}}}], NOW).warnings == []


# Match


def test_without_a_match_every_instance_is_meant() -> None:
    assert Expectations([FINE], NOW).asked(make_instance(name="")).checks
    assert Expectations([{"match": None, **FINE}], NOW).asked(make_instance()).checks


@pytest.mark.parametrize(
    ("name", "matching", "others"),
    [
        ("shop-1", ["shop-1"], ["shop-11", "a shop-1", "Shop-1", ""]),
        ("shop-*", ["shop-1", "shop-", "shop-a\nb"], ["shop", "a shop-1", "Shop-1"]),
        ("*", ["", "anything", "line\nbreak"], []),
        ("shop-?", ["shop-1", "shop-?"], ["shop-", "shop-12"]),
        ("shop-[12]", ["shop-1", "shop-2"], ["shop-3", "shop-[12]", "shop-12"]),
        ("shop-[!12]", ["shop-3", "shop-!"], ["shop-1", "shop-"]),
        ("shop-[a-c]*", ["shop-a", "shop-cd"], ["shop-d", "shop-A"]),
        ("[[]vip] shop", ["[vip] shop"], ["[[]vip] shop", "vip] shop", "v shop"]),
        ("what[?]", ["what?"], ["whats"]),
        ("[*]", ["*"], ["a", ""]),
        ("a.b", ["a.b"], ["axb"]),
        ("a.*", ["a.b", "a."], ["ab", "axb"]),
        ("(a|b)*", ["(a|b)", "(a|b)c"], ["a", "b"]),
        ("", [""], ["a", " "]),
        ("Pão*", ["Pão de Queijo"], ["Pao de Queijo"]),
        ("{{ x }}", ["{{ x }}"], [""]),
    ],
)
def test_a_name_is_exact_or_a_shell_pattern(name: str, matching: list[str], others: list[str]) -> None:
    assert [other for other in matching if not matches({"name": name}, name=other)] == []
    assert [other for other in others if matches({"name": name}, name=other)] == []


@pytest.mark.parametrize("identity", ["*", "A*", "a", "AA", "?"])
def test_an_id_is_exact(identity: str) -> None:
    assert matches({"id": "A"}, id="A")
    assert not matches({"id": identity}, id="A")


def test_a_middleware_is_exact_and_a_missing_one_is_none() -> None:
    assert matches({"middleware": "web"}, middleware="web")
    assert not matches({"middleware": "web"}, middleware="mobile")
    assert not matches({"middleware": "web"}, middleware="")
    assert not matches({"middleware": "*"}, middleware="web")


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({"id": "A", "name": "shop-1", "middleware": "web"}, True),
        ({"id": "B", "name": "shop-1", "middleware": "web"}, False),
        ({"id": "A", "name": "other", "middleware": "web"}, False),
        ({"id": "A", "name": "shop-1", "middleware": "mobile"}, False),
    ],
)
@pytest.mark.parametrize("name", ["shop-1", "shop-*"])
def test_all_conditions_have_to_hold(fields: dict[str, str], meant: bool, name: str) -> None:
    assert matches({"id": "A", "name": name, "middleware": "web"}, **fields) is meant


# Merge


def test_the_last_expectation_that_matches_counts_for_each_attribute_and_each_webhook() -> None:
    declared = [
        {"expect": {"whatsapp_connected": True, "days_left": 5, "webhooks": {"received": "https://a", "delivery": "https://a"}}},
        {"match": {"name": "shop-*"}, "expect": {"days_left": 9, "webhooks": {"delivery": "https://b", "connected": None}}},
        {"match": {"name": "other-*"}, "expect": {"days_left": 99, "whatsapp_connected": False}},
        {"match": {"id": f"{1:032X}"}, "expect": {"webhooks": {"connected": "https://c"}}},
    ]
    assert expected(declared) == {
        "days_left": 9,
        "webhooks.connected": "https://c",
        "webhooks.delivery": "https://b",
        "webhooks.received": "https://a",
        "whatsapp_connected": True,
    }
    assert positions(declared) == {
        "days_left": 2,
        "webhooks.connected": 4,
        "webhooks.delivery": 2,
        "webhooks.received": 1,
        "whatsapp_connected": 1,
    }


def test_the_order_of_the_list_counts_and_not_how_narrow_a_condition_is() -> None:
    by_id = {"match": {"id": f"{1:032X}"}, "expect": {"days_left": 1}}
    by_name = {"match": {"name": "shop-1"}, "expect": {"days_left": 2}}
    general = {"expect": {"days_left": 3}}
    assert expected([by_id, by_name, general]) == {"days_left": 3}
    assert expected([general, by_id, by_name]) == {"days_left": 2}
    assert expected([by_name, general, by_id]) == {"days_left": 1}


def test_null_overrides_a_url_and_a_url_null() -> None:
    unset = {"expect": {"webhooks": {"received": None}}}
    url = {"expect": {"webhooks": {"received": "https://a"}}}
    assert expected([url, unset]) == {"webhooks.received": None}
    assert expected([unset, url]) == {"webhooks.received": "https://a"}


def test_what_no_expectation_matches_is_told_from_what_has_nothing_to_be() -> None:
    assert Expectations([{"match": {"name": "nobody"}, **FINE}], NOW).asked(make_instance()).checks == ()


def test_days_left_may_be_digits_since_older_templates_give_only_text() -> None:
    assert expected([{"expect": {"days_left": " 5"}}]) == {"days_left": 5}
    assert expected([{"expect": {"days_left": "-3"}}]) == {"days_left": -3}


# Placeholders

URL = "https://hooks.example.com/{id}/{name}?n={name}"


def test_placeholders_stand_for_the_instances_own_percent_encoded() -> None:
    declared = [{"expect": {"webhooks": {"received": URL, "delivery": [URL, "https://b/{id}"]}}}]
    url = "https://hooks.example.com/A%2FB/P%C3%A3o%20%26%20Cia?n=P%C3%A3o%20%26%20Cia"
    assert expected(declared, id="A/B", name="Pão & Cia") == {
        "webhooks.received": url,
        "webhooks.delivery": [url, "https://b/A%2FB"],
    }


def test_a_placeholder_in_a_name_is_not_expanded_again() -> None:
    declared = [{"expect": {"webhooks": {"received": "https://h/{name}/{id}"}}}]
    assert expected(declared, id="{name}", name="{id}") == {"webhooks.received": "https://h/%7Bid%7D/%7Bname%7D"}


UNRESERVED = set(string.ascii_letters + string.digits + "-._~")


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_no_name_can_put_anything_but_text_into_a_url(identity: str, name: str) -> None:
    instance = make_instance(id=identity, name=name)
    (check,) = Expectations([{"expect": {"webhooks": {"received": "https://h/{id}/{name}"}}}], NOW).asked(instance).checks
    _https, _empty, _host, in_id, in_name = check.expected(instance).split("/")
    for written, meant in ((in_id, identity), (in_name, name)):
        assert unquote(written) == meant
        assert set(re.sub(r"%[0-9A-F]{2}", "", written)) <= UNRESERVED


# Exceptions, names, hosts


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"ignore": []}, "ignore is an empty list"),
        ({"ignore": "webhooks"}, "ignore must be a list of attributes, not text"),
        ({"ignore": None}, "ignore must be a list of attributes, not null"),
        ({"ignore": ["whatsap_connected"]}, "did you mean whatsapp_connected?"),
        ({"ignore": ["webhooks.recieved"]}, "did you mean webhooks.received?"),
        ({"ignore": ["webhook"]}, "did you mean webhooks?"),
        ({"ignore": [5]}, "does not know '5'"),
        ({"ignore": [["webhooks"]]}, "does not know"),
        ({**FINE, "until": "soon"}, "until must be a date such as 2027-03-01"),
        ({**FINE, "until": "2027-02-30"}, "until must be a date"),
        ({**FINE, "until": "2027-3-1"}, "until must be a date"),
        ({**FINE, "until": 20270301}, "until must be a date"),
        ({**FINE, "until": None}, "until must be a date"),
        ({**FINE, "until": dt.datetime(2027, 3, 1)}, "until must be a date"),  # noqa: DTZ001 - as YAML reads it
        ({**FINE, "name": ""}, "name is empty: leave it out"),
        ({**FINE, "name": "a\nb"}, "name must be text of one line"),
        ({**FINE, "name": 5}, "name must be text of one line, not a number"),
        ({**FINE, "name": None}, "name must be text of one line, not null"),
        ({"expect": {"webhook_hosts": "hooks.example.com"}}, "webhook_hosts must be a list of host names, not text"),
        ({"expect": {"webhook_hosts": []}}, "webhook_hosts is an empty list"),
        ({"expect": {"webhook_hosts": [5]}}, "webhook_hosts must be text"),
        ({"expect": {"webhook_hosts": ["https://hooks.example.com/"]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["hooks.example.com/x"]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["*"]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["hooks.*.com"]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["{name}.example.com"]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["a b"]}}, "no host name"),
        ({"expect": {"webhook_hosts": [SECRET_URL]}}, "no host name"),
        ({"expect": {"webhook_hosts": ["hooks.example.com/OpenSesame0123456789"]}}, "no host name"),
        ({"expect": {"hooks.example.com/OpenSesame0123456789": 1}}, "does not know"),
    ],
)
def test_a_mistake_in_an_exception_a_name_or_a_host_is_told(item: t.Any, words: str) -> None:
    message = mistake([FINE, item])
    assert words in message
    assert "expectation 2" in message


def test_mistakes_name_the_item_by_its_name_as_well() -> None:
    assert mistake([{"name": "The shops", "expect": {"days_left": "x"}}]).startswith(
        'expectation 1, "The shops": days_left must be'
    )


def test_up_to_five_mistakes_are_told_at_once() -> None:
    wrong: list[t.Any] = [
        {"expect": {"whatsap_connected": True, "days_left": "soon", "webhooks": {"recieved": None, "delivery": 5}}},
        {"match": {"nmae": "x", "id": 5}, "expect": {"middleware": []}},
        "text",
    ]
    found = mistakes(FINE, *wrong)
    assert [one[:13] for one in found[:5]] == ["expectation 2"] * 4 + ["expectation 3"]
    assert found[5:] == ["and 3 more"]
    assert len(mistakes(*wrong[:1])) == 4
    assert mistake(wrong[2:]) == "expectation 1 must be a mapping, not text"


def test_a_misspelt_expect_is_one_mistake() -> None:
    assert mistake([{"expct": {"days_left": 1}}]) == "expectation 1 does not know 'expct': did you mean expect?"


# Settings

ASKED = {
    "notify_sent_by_me": True,
    "auto_read_message": False,
    "auto_read_status": False,
    "call_reject_auto": True,
    "call_reject_message": "Ligue depois",
    "muted_webhooks": ["presence_chat", "delivery"],
    "muted_messages": ["group"],
}


def settings(**declared: t.Any) -> list[dict[str, t.Any]]:
    return [{"expect": {"settings": declared}}]


def test_every_setting_can_be_declared() -> None:
    assert expected(settings(**ASKED)) == {
        "settings.notify_sent_by_me": True,
        "settings.auto_read_message": False,
        "settings.auto_read_status": False,
        "settings.call_reject_auto": True,
        "settings.call_reject_message": "Ligue depois",
        "settings.muted_webhooks": ["delivery", "presence_chat"],
        "settings.muted_messages": ["group"],
    }


@pytest.mark.parametrize(("text", "means"), [(None, None), ("", None), (" ", " "), ("{id}", "{id}"), ("[a]", "[a]")])
def test_what_a_caller_is_told_is_text_or_null_and_an_empty_text_is_null(text: str | None, means: str | None) -> None:
    assert expected(settings(call_reject_message=text)) == {"settings.call_reject_message": means}


@pytest.mark.parametrize("part", ["muted_webhooks", "muted_messages"])
@pytest.mark.parametrize(
    ("names", "means"),
    [([], []), ((), []), (["sticker"], ["sticker"]), (["b_2", "a"], ["a", "b_2"]), (["a", "b", "a"], ["a", "b"])],
)
def test_muted_lists_may_be_empty_hold_what_is_new_and_are_sets(part: str, names: t.Any, means: list[str]) -> None:
    assert expected(settings(**{part: names})) == {f"settings.{part}": means}


def test_all_that_is_known_to_be_muted_can_be_declared() -> None:
    webhooks = ["connected", "delivery", "disconnected", "message_status", "presence_chat", "received"]
    messages = ["audio", "document", "group", "image", "private_chat", "text", "video"]
    assert expected(settings(muted_webhooks=webhooks, muted_messages=messages)) == {
        "settings.muted_webhooks": webhooks,
        "settings.muted_messages": messages,
    }


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"notify_sent_by_me": "true"}, "settings.notify_sent_by_me must be true or false, not text"),
        ({"notify_sent_by_me": None}, "settings.notify_sent_by_me must be true or false, not null"),
        ({"auto_read_message": 1}, "settings.auto_read_message must be true or false, not a number"),
        ({"auto_read_status": [True]}, "settings.auto_read_status must be true or false, not a list"),
        ({"call_reject_auto": {}}, "settings.call_reject_auto must be true or false, not a mapping"),
        ({"call_reject_message": 5}, "settings.call_reject_message must be text or null, not a number"),
        ({"call_reject_message": True}, "settings.call_reject_message must be text or null, not a boolean"),
        ({"call_reject_message": ["OpenSesame"]}, "settings.call_reject_message must be text or null, not a list"),
        ({"muted_webhooks": None}, "settings.muted_webhooks must be a list, not null (an empty one mutes nothing)"),
        ({"muted_webhooks": "received"}, "settings.muted_webhooks must be a list, not text"),
        ({"muted_webhooks": False}, "settings.muted_webhooks must be a list, not a boolean"),
        ({"muted_messages": {"group": True}}, "settings.muted_messages must be a list, not a mapping"),
        ({"muted_webhooks": ["recieved"]}, "does not know 'recieved': did you mean received?"),
        ({"muted_webhooks": ["presence-chat"]}, "does not know 'presence-chat': did you mean presence_chat?"),
        ({"muted_webhooks": ["conected", "sticker"]}, "does not know 'conected': did you mean connected?"),
        ({"muted_webhooks": ["Received"]}, "does not know 'Received': did you mean received?"),
        ({"muted_webhooks": [" received"]}, "does not know ' received': did you mean received?"),
        ({"muted_webhooks": ["FILTER_RECEIVED_CALLBACK"]}, "does not know 'FILTER_RECEIVED_CALLBACK': did you mean received?"),
        ({"muted_webhooks": ["received_callback"]}, "does not know 'received_callback': did you mean received?"),
        (
            {"muted_webhooks": ["received_and_delivery"]},
            "does not know 'received_and_delivery': it is muted with received, write that",
        ),
        ({"muted_webhooks": ["FILTER_RECEIVED_AND_DELIVERY_CALLBACK"]}, "it is muted with received, write that"),
        ({"muted_webhooks": ["received", 5]}, "does not know '5': it can hold received, delivery"),
        ({"muted_webhooks": [None]}, "does not know 'None': it can hold"),
        ({"muted_webhooks": [["received"]]}, "settings.muted_webhooks does not know"),
        ({"muted_webhooks": [{"received": True}]}, "settings.muted_webhooks does not know"),
        ({"muted_webhooks": [""]}, "does not know '': it can hold"),
        ({"muted_webhooks": ["a b"]}, "does not know 'a b': it can hold"),
        ({"muted_webhooks": ["x" * 5000]}, "it can hold received"),
        ({"muted_webhooks": [SECRET_URL]}, "settings.muted_webhooks does not know"),
        ({"muted_messages": ["groups"]}, "does not know 'groups': did you mean group?"),
        ({"muted_messages": ["privat_chat"]}, "does not know 'privat_chat': did you mean private_chat?"),
        ({"muted_messages": ["from_group"]}, "does not know 'from_group': did you mean group?"),
        ({"muted_messages": ["text_message"]}, "does not know 'text_message': did you mean text?"),
        ({"muted_messages": ["FILTER_FROM_NEWSLETTER"]}, "does not know 'FILTER_FROM_NEWSLETTER': did you mean newsletter?"),
        ({"notify_sent_by_you": True}, "does not know 'notify_sent_by_you': did you mean notify_sent_by_me?"),
        ({"notifySentByMe": True}, "does not know 'notifySentByMe': did you mean notify_sent_by_me?"),
        ({"muted_webhook": []}, "does not know 'muted_webhook': did you mean muted_webhooks?"),
        ({"autoReadMessage": True}, "did you mean auto_read_message?"),
        ({}, "settings is empty: name the settings"),
    ],
    ids=repr,
)
def test_a_mistake_in_a_setting_is_told_with_what_to_write(declared: dict[str, t.Any], words: str) -> None:
    message = mistake([FINE, *settings(**declared)])
    assert message.startswith("expectation 2: ")
    assert words in message
    assert len(message) < 300


@pytest.mark.parametrize(("value", "kind"), [(None, "null"), ([], "a list"), ("auto", "text"), (True, "a boolean")])
def test_settings_are_a_mapping(value: t.Any, kind: str) -> None:
    assert mistake([{"expect": {"settings": value}}]) == f"expectation 1: settings must be a mapping, not {kind}"


def test_the_last_expectation_counts_for_each_single_setting() -> None:
    declared = [
        *settings(notify_sent_by_me=True, muted_webhooks=["delivery"], muted_messages=["group"]),
        {"match": {"name": "shop-*"}, "expect": {"settings": {"muted_webhooks": []}}},
    ]
    assert positions(declared) == {
        "settings.notify_sent_by_me": 1,
        "settings.muted_messages": 1,
        "settings.muted_webhooks": 2,
    }
    assert expected(declared)["settings.muted_webhooks"] == []


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        (["settings"], {"whatsapp_connected"}),
        (["settings.muted_webhooks"], {"whatsapp_connected", "settings.notify_sent_by_me"}),
        (["webhooks"], {"whatsapp_connected", "settings.notify_sent_by_me", "settings.muted_webhooks"}),
    ],
)
def test_settings_can_be_ignored_one_by_one_and_all_at_once(ignored: list[str], left: set[str]) -> None:
    declared = [FINE, *settings(notify_sent_by_me=True, muted_webhooks=[]), {"ignore": ignored}]
    assert set(expected(declared)) == left


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("settings.muted_webhook", "settings.muted_webhooks"),
        ("setting", "settings"),
        ("settings.notify", "settings.notify_sent_by_me"),
    ],
)
def test_a_mistyped_setting_to_be_ignored_is_told(name: str, near: str) -> None:
    assert f"did you mean {near}?" in mistake([{"ignore": [name]}])


@pytest.mark.parametrize(
    ("declared", "needed"),
    [
        (settings(auto_read_message=True), True),
        (settings(muted_webhooks=[]), True),
        (settings(notify_sent_by_me=True), False),
        ([FINE], False),
        ([{"expect": {"webhooks": {"received": "https://h"}}}], False),
        ([{"match": {"name": "other"}, **settings(auto_read_message=True)[0]}], False),
        ([*settings(auto_read_message=True), {"ignore": ["settings"]}], False),
        ([*settings(auto_read_message=True), {"ignore": ["settings.auto_read_message"]}], False),
        ([{**settings(auto_read_message=True)[0], "until": "2026-09-20"}], False),
        ([{**settings(auto_read_message=True)[0], "until": "2026-09-21"}], True),
    ],
)
def test_settings_are_needed_where_one_is_asked_for_that_is_not_known(declared: t.Any, needed: bool) -> None:
    assert Expectations(declared, NOW).needs_settings(make_instance(notifySentByMe=True)) is needed


def test_whether_any_setting_is_asked_for_at_all_is_known_beforehand() -> None:
    assert Expectations(settings(auto_read_message=True), NOW).names_settings
    assert not Expectations([FINE, {"ignore": ["settings"]}], NOW).names_settings
    assert not Expectations([{**settings(auto_read_message=True)[0], "until": "2026-09-20"}, FINE], NOW).names_settings


def refused_middleware(*items: t.Any) -> str:
    with pytest.raises(ExpectationError) as refused:
        Expectations(list(items), NOW).refuse_middleware()
    assert_fit_for_users(str(refused.value), request=None)
    return str(refused.value)


def test_conditions_on_the_middleware_can_be_refused_all_at_once_by_position_and_name() -> None:
    web = {"match": {"middleware": "web"}, **FINE}
    assert refused_middleware(FINE, web).startswith("expectation 2: match.middleware can match nothing with credentials")
    both = refused_middleware({**web, "name": "Shops"}, FINE, {"match": {"name": "a*", "middleware": "mobile"}, **FINE})
    assert both.startswith('expectations have 2 mistakes: expectation 1, "Shops": match.middleware')
    assert "; expectation 3: match.middleware" in both


def test_no_other_condition_is_and_none_of_an_item_that_ended() -> None:
    ended = {"match": {"middleware": "web"}, **FINE, "until": "2026-09-20"}
    Expectations([FINE, {"match": {"name": "a"}, **FINE}, {"expect": {"middleware": "web"}}, ended], NOW).refuse_middleware()


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(
                        ["name", "match", "expect", "ignore", "until", "webhooks", "webhook_hosts", "id", "settings", *ASKED]
                    )
                    | st.text(),
                    inner,
                )
            ),
        ),
        min_size=1,
    )
)
def test_whatever_stands_in_the_list_is_taken_or_told(declared: t.Any) -> None:
    with contextlib.suppress(ExpectationError):
        Expectations(declared, NOW)


# What is declared, in numbers


def test_what_is_declared_is_counted() -> None:
    item = {"expect": {"days_left": 1}}
    declared = [
        {"match": {"name": "shop-*"}, "expect": {"webhook_hosts": ["a.example.com"], "webhooks": {"received": None}}},
        {"match": {"id": "A1"}, **item},
        {"match": {"id": "A1", "name": "shop-1"}, **item},
        {"match": {"id": "A2", "name": "shop-*"}, **item},
        {"match": {"name": "shop-1"}, **item},
        {"match": {"name": "shop-1", "middleware": "web"}, "ignore": ["settings"]},
        {"match": {"name": ""}, **item, "until": "2020-01-01"},
        {"match": {"middleware": "web"}, "expect": {"settings": {"muted_messages": []}}},
    ]
    assert Expectations(declared, NOW).summary() == {
        "expectations": 8,
        "attributes": ["days_left", "webhooks.received", "webhook_hosts", "settings.muted_messages"],
        "instances_named": 4,  # A1, A2, shop-1, and the one without a name
    }


def test_whole_groups_are_counted_by_their_names() -> None:
    events = ["received", "received_and_delivery", "delivery", "message_status", "presence_chat", "connected", "disconnected"]
    declared = [
        {"expect": {"webhooks": dict.fromkeys(events)}},
        {"expect": {"webhooks": {"received_status": None}, "days_left": 1}},
    ]
    assert Expectations(declared, NOW).summary()["attributes"] == ["webhooks", "days_left"]
    assert len(Expectations(declared[:1], NOW).summary()["attributes"]) == 7


def test_where_nothing_is_declared_nothing_is_counted() -> None:
    assert Expectations([{"ignore": ["webhooks"]}], NOW).summary() == {"expectations": 1, "attributes": [], "instances_named": 0}
