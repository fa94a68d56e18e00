# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Adoption: a fleet meets what was written, which follows the nine rules, contains no token and depends on no order."""

from __future__ import annotations

import json
import random
import re
import typing as t
from fnmatch import fnmatchcase
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._adopt.adopt import ADOPTABLE, ADOPTED, Adoption, adopt
from ansible_collections.zapi.zapi.plugins.module_utils._audit import audit
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import record_from_object
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import document, is_writable
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

Object = dict[str, t.Any]  # of the API
Expected = list[dict[str, t.Any]]
NOW = 1_790_000_000_000
EVENTS = [
    *("received", "receivedAndDelivery", "delivery", "messageStatus", "presenceChat", "connected", "disconnected", "receivedStatus")
]
A, B, C, D = (f"https://{letter}.example.com/{{id}}" for letter in "abcd")


def make_object(number: int, name: str, urls: t.Mapping[str, str | None], **fields: t.Any) -> Object:
    """An object of the listing with these webhooks only; ``{id}`` and ``{name}`` in a URL are filled in."""
    identity = fields.pop("id", f"{number:032X}")
    filled_in = {
        event: url and url.replace("{id}", identity).replace("{name}", quote(name, safe="")) for event, url in urls.items()
    }
    webhooks = {f"{event}CallbackUrl": url for event, url in filled_in.items()}
    return {"id": identity, "name": name, "token": f"sesame{number:026X}", **webhooks, **fields}


def fleet(*pairs: tuple[str, str | None], **fields: t.Any) -> list[Object]:
    """A fleet with one webhook, ``received``: its name and its URL."""
    return [make_object(number, name, {"received": url}, **fields) for number, (name, url) in enumerate(pairs, start=1)]


def numbered(pattern: str, count: int, url: str) -> list[tuple[str, str | None]]:
    return [(pattern.replace("#", str(number)), url) for number in range(1, count + 1)]


def run(objects: t.Sequence[Object], attributes: t.Sequence[str], any_secrets: bool = False) -> Adoption:
    records = [record for record in map(record_from_object, objects) if record is not None]
    secrets = Secrets(secret for record in records for secret in record.secrets)
    return adopt(records, attributes, secrets=secrets, any_secrets=any_secrets)


def adopt_checked(objects: t.Sequence[Object], attributes: t.Sequence[str] = ADOPTED, any_secrets: bool = False) -> Adoption:
    """Adopt a fleet, and check what is true of every fleet."""
    adoption = run(objects, attributes, any_secrets)
    expectations = adoption.expectations
    assert run(objects[::-1], attributes, any_secrets) == adoption
    records = [record for record in map(record_from_object, objects) if record is not None]
    result = audit(records, Expectations(expectations, NOW), NOW, unmanaged="drift")
    assert result.in_sync, (result.drifted, result.missing, result.unmanaged)
    assert {warning.code for warning in result.warnings} <= {"http_url", "unknown_filters"}
    text = json.dumps(expectations)
    assert not any(record.credential and record.credential.token in text for record in records)
    ignored_ids = set()
    for expectation in expectations:
        match = expectation.get("match", {})
        assert len(match) <= 1
        if "ignore" in expectation:
            ignored_ids.update(listed(match["id"]))
        for pattern in listed(match.get("name", [])):
            assert 3 <= sum(fnmatchcase(record.instance["name"], pattern) for record in records) < len(records)
        assert not any("*" in host for host in expectation.get("expect", {}).get("webhook_hosts", []))
    assert set(adoption.comments) <= ignored_ids
    return adoption


def listed(value: t.Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def identity(number: int) -> str:
    return f"{number:032X}"


# The nine rules. Each fleet has one webhook; the expectations are those that a person would write.

RULES: dict[str, tuple[list[tuple[str, str | None]], str]] = {
    "1: the first expectation holds what more than half have": (
        [("ana", A), ("bia", A), ("caio", A), ("davi", B), ("eva", None)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: 4}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: 5}
          expect: {webhooks: {received: null}}
        """,
    ),
    "1: exactly half is not a majority": (
        [("ana", A), ("bia", A), ("caio", B), ("davi", B)],
        """
        - match: {id: [1, 2]}
          expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: [3, 4]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "2: those without a pattern of their own decide": (
        [*numbered("shop-#", 4, A), *numbered("clinic-#", 4, B), ("ana", C), ("bia", C), ("caio", D)],
        """
        - expect: {webhooks: {received: "https://c.example.com/{id}"}}
        - match: {name: clinic-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: 11}
          expect: {webhooks: {received: "https://d.example.com/{id}"}}
        """,
    ),
    "2: fewer than a tenth do not decide": (
        [*numbered("shop-#", 10, A), *numbered("clinic-#", 10, B), ("ana", C), ("bia", C)],
        """
        - match: {name: clinic-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: [21, 22]}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        """,
    ),
    "3: a beginning is cut at a word boundary": (
        [*numbered("shop-#", 5, A), *numbered("shopping#", 4, B), ("shopper", A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: shopping*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "3: a beginning is cut before a capital, and a shell pattern's characters are escaped": (
        [*numbered("Loja[SP]#", 5, A), *numbered("LojaRJ#", 4, B), *numbered("LojaMG#", 3, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: LojaRJ*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "3: three instances make a pattern, two do not": (
        [*numbered("[vip] #", 3, B), *numbered("clinic-#", 2, C), *numbered("shop-#", 6, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: "[[]vip] *"}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: [4, 5]}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        """,
    ),
    "4: a longer beginning takes its instances out": (
        [*numbered("shop-#", 3, B), *numbered("shop-vip-#", 4, C), *numbered("clinic-#", 9, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {name: shop-vip-*}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        """,
    ),
    "4: a longer beginning returns to what all have": (
        [*numbered("shop-#", 10, B), *numbered("shop-vip-#", 6, A), *numbered("clinic-#", 12, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {name: shop-vip-*}
          expect: {webhooks: {received: "https://a.example.com/{id}"}}
        """,
    ),
    "5: a pattern of its own saves three IDs net": (
        [*numbered("shop-#", 4, B), ("shop-x", A), *numbered("clinic-#", 9, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: 5}
          expect: {webhooks: {received: "https://a.example.com/{id}"}}
        """,
    ),
    "5: a pattern of its own that saves two is not written": (
        [*numbered("shop-#", 3, B), ("shop-x", A), *numbered("clinic-#", 9, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: [1, 2, 3]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "5: any other pattern saves more IDs than it has lines": (
        [*numbered("shop-#", 6, B), *numbered("x#y", 5, B), *[(name, B) for name in "bcdefgh"], *numbered("clinic-#", 25, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: shop-*}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: [12, 13, 14, 15, 16, 17, 18, 7, 8, 9, 10, 11]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "6: of beginnings with the same instances, the longest is taken": (
        [*numbered("loja sp vila #", 4, B), *numbered("clinic #", 9, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: "loja sp vila *"}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "6: of beginnings that save the same, the one with the fewest instances is taken": (
        [*numbered("loja sp #", 4, B), ("loja rj", None), *numbered("clinic #", 9, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: "loja sp *"}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: 5}
          expect: {webhooks: {received: null}}
        """,
    ),
    "7: patterns of one level that hold the same share one expectation": (
        [*numbered("shop-#", 6, B), *numbered("bar-#", 6, B), *numbered("cafe-#", 3, C), *numbered("clinic-#", 16, A)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {name: [bar-*, shop-*]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {name: cafe-*}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        """,
    ),
    "8: equal exceptions share a list in the order of names": (
        [("zoe", B), ("lia", C), ("ana", B), *numbered("shop-#", 5, A), ("Zoe", B)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: [9, 3, 1]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        - match: {id: 2}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        """,
    ),
    "9: a name that Ansible could take for a template is not used": (
        [*numbered("shop-#", 9, A), *numbered("{{ evil }} #", 3, B), *numbered("{% x %} #", 3, C)],
        """
        - expect: {webhooks: {received: "https://a.example.com/{id}"}}
        - match: {id: [13, 14, 15]}
          expect: {webhooks: {received: "https://c.example.com/{id}"}}
        - match: {id: [10, 11, 12]}
          expect: {webhooks: {received: "https://b.example.com/{id}"}}
        """,
    ),
    "one instance": ([("shop", A)], '- expect: {webhooks: {received: "https://a.example.com/{id}"}}'),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    pairs, text = RULES[rule]
    expected: Expected = yaml.safe_load(text)
    for expectation in expected:
        if "id" in expectation.get("match", {}):
            ids = [identity(number) for number in t.cast("list[int]", listed(expectation["match"]["id"]))]
            expectation["match"]["id"] = ids if len(ids) > 1 else ids[0]
    assert adopt_checked(fleet(*pairs), ["webhooks"]).expectations == expected


def test_an_empty_fleet_has_no_expectations() -> None:
    assert run([], ADOPTED) == Adoption([], {}, 0, [])


def test_a_middleware_is_a_pattern_and_comes_before_beginnings() -> None:
    objects = [
        *fleet(*numbered("#-web", 9, A), middleware="web"),
        *fleet(*numbered("#-mobile", 4, B), ("shop-1", C), ("shop-2", C), ("shop-3", C), middleware="mobile"),
    ]
    for number, one in enumerate(objects):
        one["receivedCallbackUrl"] = one["receivedCallbackUrl"].replace(one["id"], identity(number))
        one["id"] = identity(number)
    assert adopt_checked(objects, ["webhooks"]).expectations == [
        {"expect": {"webhooks": {"received": A}}},
        {"match": {"middleware": "mobile"}, "expect": {"webhooks": {"received": B}}},
        {"match": {"name": "shop-*"}, "expect": {"webhooks": {"received": C}}},
    ]


def test_a_pattern_holds_only_what_its_instances_lack() -> None:
    both = {"delivery": "https://a.example.com/x"}
    schemes = {"shop": {"received": A, **both}, "clinic": {"received": B, **both}}
    objects = [make_object(number, f"{name}-{number}", schemes[name]) for number, name in enumerate(["shop"] * 5 + ["clinic"] * 3)]
    assert adopt_checked(objects).expectations[1:] == [
        {
            "match": {"name": "clinic-*"},
            "expect": {"webhook_hosts": ["a.example.com", "b.example.com"], "webhooks": {"received": B}},
        }
    ]


# Values


def test_received_status_is_left_out_unless_an_instance_has_it() -> None:
    objects = [make_object(number, f"shop-{number}", {**dict.fromkeys(EVENTS), "received": A}) for number in range(4)]
    [expectation] = adopt_checked(objects).expectations
    assert expectation["expect"] == {
        "webhook_hosts": ["a.example.com"],
        "webhooks": {
            "received": A,
            **dict.fromkeys(["received_and_delivery", "delivery", "message_status", "presence_chat", "connected", "disconnected"]),
        },
    }
    objects[0]["receivedStatusCallbackUrl"] = "https://a.example.com/status"
    first, exception = adopt_checked(objects).expectations
    assert first["expect"]["webhooks"]["received_status"] is None
    assert exception["expect"] == {"webhooks": {"received_status": "https://a.example.com/status"}}


def test_what_was_not_returned_is_left_out_or_ignored() -> None:
    objects = fleet(*numbered("shop-#", 6, A))
    assert list(adopt_checked(objects).expectations[0]["expect"]["webhooks"]) == ["received"]
    del objects[0]["receivedCallbackUrl"]
    adoption = adopt_checked(objects, ["webhooks"])
    assert adoption.expectations[1:] == [{"match": {"id": identity(1)}, "ignore": ["webhooks.received"]}]
    assert adoption.comments == {identity(1): "unknown"}


def test_a_fleet_of_which_nothing_is_known_is_managed() -> None:
    objects = [make_object(number, f"shop-{number}", {}) for number in range(1, 4)]
    adoption = adopt_checked(objects)
    assert adoption.expectations == [
        {"match": {"id": [identity(number) for number in (1, 2, 3)]}, "ignore": ["webhook_hosts", "webhooks"]}
    ]
    assert adoption.comments == dict.fromkeys(map(identity, (1, 2, 3)), "unknown")


def test_a_muted_webhook_is_declared_only_with_its_filter() -> None:
    urls = dict.fromkeys(("received", "receivedAndDelivery", "delivery"), A)
    objects = [make_object(number, f"shop-{number}", urls, callbackTypeFilters=[], messageFilters=[]) for number in range(1, 6)]
    objects[0]["callbackTypeFilters"] = ["FILTER_RECEIVED_CALLBACK"]
    adoption = adopt_checked(objects)
    assert adoption.expectations[1:] == [
        {"match": {"id": identity(1)}, "ignore": ["webhooks.received", "webhooks.received_and_delivery"]}
    ]
    assert adoption.comments == {identity(1): "muted"}
    adoption = adopt_checked(objects, [*ADOPTED, "settings"])
    assert adoption.expectations[1:] == [
        {"match": {"id": identity(1)}, "expect": {"settings": {"muted_webhooks": ["received"]}}},
    ]
    assert adoption.comments == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example.com/{id}/received",
        "https://a.example.com/{{ lookup('env', 'HOME') }}",
        "https://a.example.com/TOKEN",
        "https://a.example.com/?x=TOKEN",
        "https://a.example.com/\udc80",
        "https://a.example.com/***",
        "https:///received",
        "a text",
    ],
)
def test_what_cannot_be_declared_is_ignored_by_id(url: str) -> None:
    objects = fleet(*numbered("shop-#", 6, A))
    objects[0]["receivedCallbackUrl"] = url.replace("TOKEN", objects[0]["token"])
    adoption = adopt_checked(objects, ["webhooks"])
    assert adoption.expectations[1:] == [{"match": {"id": identity(1)}, "ignore": ["webhooks.received"]}]
    assert adoption.comments == {identity(1): "cannot be declared"}


def test_a_short_word_in_a_field_of_secrets_is_not_a_token() -> None:
    objects = fleet(*numbered("shop-#", 4, A), tokenType="a")
    assert [one["expect"]["webhooks"]["received"] for one in adopt_checked(objects).expectations] == [A]


def test_a_token_is_in_no_pattern_of_names() -> None:
    objects = fleet(*numbered("shop-#", 9, A), *numbered("abracadabra-#", 3, B))
    objects[0]["token"] = "abracadabra"
    assert [one.get("match") for one in adopt_checked(objects).expectations] == [None, {"id": [identity(n) for n in (10, 11, 12)]}]


@pytest.mark.parametrize(
    ("names", "url"),
    [
        (["hooks", "shop", "received", "com"], "https://hooks.example.com/{name}/received"),
        (["received", "a", "b", "c"], "https://h.example.com/received/{name}"),
        (["id", "name", "x", "y"], "https://h.example.com/{id}/{name}"),
        (["Pão de Açúcar", "a/b", "50%", "é"], "https://h.example.com/?who={name}"),
        (["a", "b", "c", "d"], "https://h.example.com:8443/{id}?name={name}"),
    ],
)
def test_own_ids_and_names_are_placeholders(names: list[str], url: str) -> None:
    [expectation] = adopt_checked(fleet(*((name, url) for name in names))).expectations
    host = url.split("/")[2]
    assert expectation["expect"] == {"webhook_hosts": [host], "webhooks": {"received": url}}


def test_a_name_in_a_host_is_no_placeholder() -> None:
    objects = [
        make_object(number, name, {"received": f"https://{name}.example.com/{{name}}"}) for number, name in enumerate("abcd")
    ]
    expectations = adopt_checked(objects).expectations
    assert [one["expect"] for one in expectations] == [
        {"webhook_hosts": [f"{name}.example.com"], "webhooks": {"received": f"https://{name}.example.com/{{name}}"}}
        for name in "abcd"
    ]


def test_a_host_with_an_id_is_declared_by_the_url_alone() -> None:
    objects = fleet(*numbered("shop-#", 6, "https://{id}.hooks.example.com/in"))
    assert adopt_checked(objects).expectations == [{"expect": {"webhooks": {"received": "https://{id}.hooks.example.com/in"}}}]
    objects = [*fleet(*numbered("shop-#", 6, A)), make_object(7, "own", {"received": "https://{id}.hooks.example.com/in"})]
    adoption = adopt_checked(objects)
    assert adoption.expectations[1:] == [
        {
            "match": {"id": identity(7)},
            "expect": {"webhooks": {"received": "https://{id}.hooks.example.com/in"}},
            "ignore": ["webhook_hosts"],
        }
    ]
    assert adoption.comments == {identity(7): "has a host of its own"}


def test_an_instance_without_webhooks_allows_every_host() -> None:
    expectations = adopt_checked(fleet(*numbered("shop-#", 6, A), ("new", None))).expectations
    assert expectations[1:] == [{"match": {"id": identity(7)}, "expect": {"webhooks": {"received": None}}}]
    assert adopt_checked(fleet(("new", None)), ["webhook_hosts"]).expectations == [
        {"match": {"id": identity(1)}, "ignore": ["webhook_hosts"]}
    ]


def test_the_host_of_an_unknown_webhook_counts() -> None:
    objects = fleet(*numbered("shop-#", 6, A))
    objects[0]["initialDataCallbackUrl"] = "https://odd.example.net/x"
    assert adopt_checked(objects).expectations[1:] == [
        {"match": {"id": identity(1)}, "expect": {"webhook_hosts": ["a.example.com", "odd.example.net"]}}
    ]


def test_only_what_was_asked_for_is_adopted() -> None:
    objects = fleet(
        *numbered("shop-#", 6, A), whatsappConnected=False, paymentStatus="LATE", autoReadMessage=True, middleware="web"
    )
    assert set(adopt_checked(objects).expectations[0]["expect"]) == {"webhook_hosts", "webhooks"}
    [expectation] = adopt_checked(objects, ADOPTABLE).expectations
    assert expectation["expect"] == {
        "whatsapp_connected": False,
        "middleware": "web",
        "payment_status": "LATE",
        "webhook_hosts": ["a.example.com"],
        "webhooks": {"received": A},
        "settings": {"auto_read_message": True},
    }


# Secrets in URLs

RANDOM = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.mark.parametrize(
    ("url", "declared"),
    [
        (f"https://h.example.com/{RANDOM}", "https://h.example.com/{any}"),
        (f"https://h.example.com/in/{RANDOM}/{{id}}", "https://h.example.com/in/{any}/{id}"),
        (f"https://h.example.com/in/x-{RANDOM}?a=b", "https://h.example.com/in/{any}?a=b"),
        (f"https://h.example.com/?q={RANDOM}&tenant=acme", "https://h.example.com/?q={any}&tenant=acme"),
        *(
            (f"https://h.example.com/?{key}=x", f"https://h.example.com/?{key}={{any}}")
            for key in ("token", "secret", "key", "sig", "pass", "s")
        ),
        ("https://h.example.com/?accessToken=x&api_key=a==", "https://h.example.com/?accessToken={any}&api_key={any}"),
    ],
)
def test_secrets_become_any(url: str, declared: str) -> None:
    adoption = adopt_checked(fleet(*numbered("shop-#", 4, url)), any_secrets=True)
    assert [one["expect"]["webhooks"]["received"] for one in adoption.expectations] == [declared]
    assert adoption.left == []


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://h.example.com/in/{id}/{name}", "h.example.com/in/{id}/{name}"),
        ("https://h.example.com:8443/in?tenant=acme&status=1&monkeys=2", "h.example.com:8443/in"),
        ("https://h.example.com/in?token={id}", "h.example.com/in"),
        ("https://h.example.com/in?token=", "h.example.com/in"),
        (f"https://h.example.com/a%2F{RANDOM}", f"h.example.com/a%2F{RANDOM}"),  # {any} does not stand for an encoded slash
        (f"https://h.example.com/in#{RANDOM}", "h.example.com/in"),
    ],
)
def test_everything_else_stays_and_is_reported(url: str, left: str) -> None:
    adoption = adopt_checked(fleet(*numbered("shop-#", 4, url)), any_secrets=True)
    assert [one["expect"]["webhooks"]["received"] for one in adoption.expectations] == [url]
    assert adoption.left == [left]


def test_a_fleet_with_a_secret_per_instance_has_one_expectation() -> None:
    chance = random.Random(1)
    objects = fleet(*((f"shop-{number}", f"https://h.example.com/{chance.getrandbits(128):032x}") for number in range(9)))
    assert len(adopt_checked(objects).expectations) == 10
    assert len(adopt_checked(objects, any_secrets=True).expectations) == 1


def test_urls_with_secrets_are_counted() -> None:
    urls = [
        "https://h/{id}/{name}",
        "https://h/?id={id}",
        f"https://h/{RANDOM}",
        "https://u:p@h/",
        "https://h/?a=b",
        "https://h/#x",
    ]
    objects = fleet(*((f"{letter}", url) for letter, url in zip("uvwxyz", urls)))
    assert adopt_checked(objects, ["webhooks"]).secrets == 4
    assert adopt_checked(objects, ["webhooks"], any_secrets=True).secrets == 3
    assert adopt_checked(objects, ["webhooks"], any_secrets=True).left == ["h/", "h/{id}/{name}", "u:p@h/"]


# Any fleet

names = st.sampled_from(
    [
        *(
            "",
            "a",
            "id",
            "shop-1",
            "shop-2",
            "shop-3",
            "shopping",
            "e",
            ".",
            "..",
            "{{ x }}",
            "{id}",
            "#jinja2: x",
            "*",
            "[a]",
            "a*b",
        ),
        *(
            "ü",
            "u\u0308",
            "u\u0308x",
            "\n",
            "a\nb",
            "\U0010ffff",
            "shop-\U0010ffff",
            "\udc80",
            "shop-\udc80",
            "sesame",
            "A B C D E",
        ),
    ]
) | st.text(max_size=3)
urls = st.sampled_from(
    [
        *("", "https://a/x", "https://b/ID/x", "https://b/NAME/x", "https://NAME.b.c/ID", "https://ID.b.c/", "https://a/NAME/NAME"),
        *("https://a:1ID/", "https://ID:x@a/", "ftp://a", "http://a/x", "https://a/{id}", "https://a/{{ x }}", "https://a/TOKEN"),
        *("https://h.b:8443/NAME?token=ID", "https://\u00fc.de/x", "no url", "https://u:p@a/x?k=ID#NAME", "{{", "https://A.B/x\\y"),
        *("https://a/***", "https://a/\udc80", "https://a/ x", f"https://a/{RANDOM}", f"https://a/{RANDOM}%2Fx?s=..", "https:///x"),
        *(
            "https://a/?token=TOKEN",
            f"https://a/ID{RANDOM}",
            "https://a/?s=%2e",
            "https://xn--/",
            "https://a.b./x",
            "https://a?x=/y",
        ),
    ]
)
odd = st.sampled_from([None, "", 0, 17, True, "x", [], ["y"], {"z": 1}, "TOKEN", ["FILTER_RECEIVED_CALLBACK"], ["FILTER_RECEIVED"]])
FIELDS = [
    *(f"{event}CallbackUrl" for event in (*EVENTS, "initialData")),
    *("callbackTypeFilters", "messageFilters", "paymentStatus", "callRejectMessage", "autoReadMessage", "whatsappConnected"),
    *("middleware", "name"),
]


@st.composite
def fleets(draw: st.DrawFn) -> list[Object]:
    """Small fleets that share much, with hostile texts, and fields that are missing or of another type."""
    objects: dict[str, Object] = {}
    schemes = draw(st.lists(st.dictionaries(st.sampled_from(EVENTS), urls), min_size=1, max_size=3))
    prefixes = draw(st.lists(st.sampled_from(["shop-", "shop-vip-", "loja ", "x"]), min_size=1))
    for number in range(draw(st.integers(1, 16))):
        name = draw(names) if draw(st.integers(0, 2)) == 0 else f"{draw(st.sampled_from(prefixes))}{number}"
        own = draw(
            st.sampled_from([identity(number), identity(number), f"{number}", f"a{number}*", f"{{{number}}}", ".", "sesame"])
        )
        one = make_object(
            number, name, dict.fromkeys(EVENTS), middleware=draw(st.sampled_from(["web", "mobile", None, "{{"])), id=own
        )
        scheme = {**draw(st.sampled_from(schemes)), **draw(st.dictionaries(st.sampled_from(EVENTS), urls, max_size=1))}
        words = {"ID": own, "NAME": quote(name, safe="", errors="surrogatepass"), "TOKEN": one["token"]}
        for event, url in scheme.items():
            one[f"{event}CallbackUrl"] = "".join(str(words.get(part, part)) for part in re.split("(ID|NAME|TOKEN)", url))
        fields = st.sampled_from(FIELDS)
        one.update(draw(st.dictionaries(fields, odd.map(lambda value: one["token"] if value == "TOKEN" else value), max_size=2)))  # noqa: B023
        for field in draw(st.lists(fields, max_size=2)):
            one.pop(field, None)
        objects[own] = one
    return list(objects.values())


@given(fleets(), st.lists(st.sampled_from(ADOPTABLE), min_size=1, unique=True), st.booleans())
def test_any_fleet_meets_what_was_adopted(objects: list[Object], attributes: list[str], any_secrets: bool) -> None:
    expectations = adopt_checked(objects, attributes, any_secrets).expectations
    objects = [one for one in objects if is_writable(one["id"])]
    if objects:
        expectations = run(objects, attributes, any_secrets).expectations
        text = document(expectations, ["A fleet"], {one["id"]: str(one.get("name")) for one in objects})
        assert yaml.safe_load(text) == {"expectations": expectations}


SCHEMES = [
    {event: f"https://{letter}.example.com/{{id}}/{event}" for event in ("received", "delivery", "connected")} for letter in "abc"
]


def planted(seed: int) -> list[Object]:
    """A fleet in groups, with exceptions."""
    chance = random.Random(seed)
    patterns = chance.sample(
        ["shop-#", "shopping-#", "shop vip #", "shop", "", "# sul", "x#", "#", "Loja Centro #"], chance.randrange(1, 6)
    )
    objects: list[Object] = []
    for pattern in patterns:
        scheme = chance.choice([*SCHEMES, {"received": "https://x.example.com/{name}"}])
        for _one in range(chance.randrange(1, 12)):
            number = len(objects) + 1
            objects.append(make_object(number, pattern.replace("#", str(number)), {**dict.fromkeys(EVENTS), **scheme}))
            objects[-1]["middleware"] = chance.choice(["web", "web", "mobile"])
    for one in chance.sample(objects, chance.randrange(len(objects))):
        field = f"{chance.choice(EVENTS)}CallbackUrl"
        one[field] = chance.choice(
            ["", None, "https://odd.example.net/x", f"https://odd.example.net/{one['id']}", one["token"], "{id}"]
        )
        if chance.randrange(4) == 0:
            one.pop(chance.choice([field, "middleware", "name"]), None)
    chance.shuffle(objects)
    return objects


def test_hundreds_of_planted_fleets_meet_what_was_adopted() -> None:
    for seed in range(300):
        adopt_checked(planted(seed), random.Random(seed).choice([ADOPTED, ["webhooks"], ["webhook_hosts"], ADOPTABLE]))


def test_groups_and_exceptions_have_an_expectation_each() -> None:
    """k groups and e exceptions have k + e + 1 expectations at most."""
    for seed in range(20):
        chance = random.Random(seed)
        patterns = chance.sample(["shop-#", "shopping-#", "loja #", "clinica#", "pet.shop.#"], 3)
        pairs = [(pattern, scheme) for pattern, scheme in zip(patterns, SCHEMES) for _one in range(15 + chance.randrange(3))]
        objects = [make_object(number, pattern.replace("#", str(number)), scheme) for number, (pattern, scheme) in enumerate(pairs)]
        for one in chance.sample(objects, 5):
            one["connectedCallbackUrl"] = f"https://odd.example.net/{one['name']}/x"
        assert len(adopt_checked(objects).expectations) <= 3 + 5 + 1
