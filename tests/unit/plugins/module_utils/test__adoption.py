# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Adopting: what is written is met, is short, and stays as it is for as long as the fleet does."""

from __future__ import annotations

import copy
import itertools
import random
import re
import typing as t
from fnmatch import fnmatchcase
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils import _instance
from ansible_collections.zapi.zapi.plugins.module_utils._adoption import ADOPTABLE, ADOPTED, adopt
from ansible_collections.zapi.zapi.plugins.module_utils._document import document, is_writable
from ansible_collections.zapi.zapi.plugins.module_utils._drift import Audit
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.tests.unit.support import make_row

Items = list[dict[str, t.Any]]
EVENTS = [
    *("received", "receivedAndDelivery", "delivery", "messageStatus", "presenceChat", "connected", "disconnected", "receivedStatus")
]
FIELDS = [
    *(f"{event}CallbackUrl" for event in (*EVENTS, "initialData")),
    *("callbackTypeFilters", "messageFilters", "paymentStatus", "callRejectMessage", "autoReadMessage", "whatsappConnected"),
    "middleware",
]
NOW = 1_790_000_000_000


def instances_of(rows: t.Iterable[dict[str, t.Any]]) -> list[t.Any]:
    """The instances as the engine compares them, with their tokens."""
    return [_instance.comparable(row) for row in rows]


def adopt_rows(rows: t.Iterable[dict[str, t.Any]], attributes: t.Sequence[str] = ADOPTED, **options: t.Any) -> Items:
    return adopt(instances_of(rows), attributes, **options)


def drift(rows: t.Iterable[dict[str, t.Any]], items: Items) -> t.Any:
    running = Audit(Expectations(items, NOW), NOW, unmanaged="drift")
    for instance in instances_of(rows):
        running.add(instance)
    return [*running.finish()["drift"], *running.unmatched]


def assert_met(rows: list[dict[str, t.Any]], attributes: t.Sequence[str] = ADOPTED) -> Items:
    items = adopt_rows(rows, attributes)
    assert drift(rows, items) == []
    return items


def by_id(items: Items) -> dict[str, dict[str, t.Any]]:
    return {item["match"]["id"]: item for item in items if "id" in item.get("match", {})}


def of_groups(items: Items) -> Items:
    return [item for item in items if "id" not in item.get("match", {})]


# Fleets with a plan


def planted(
    *groups: tuple[str, int, dict[str, str]], exceptions: t.Sequence[int] = (), seed: int = 0, **fields: t.Any
) -> list[dict[str, t.Any]]:
    """A fleet in some order: for each group so many instances, with names like ``shop-{n}`` and URLs with ``{id}`` and ``{name}``.

    The instances at the places of ``exceptions`` have a webhook of their own.
    """
    rows: list[dict[str, t.Any]] = []
    for pattern, count, urls in groups:
        for _one in range(count):
            number = len(rows) + 1
            row = make_row(number, name=pattern.replace("{n}", str(number)), **fields)
            row.update({f"{event}CallbackUrl": "" for event in EVENTS})
            for event, url in urls.items():
                filled_in = url.replace("{id}", row["id"]).replace("{name}", row["name"])
                row["middleware" if event == "middleware" else f"{event}CallbackUrl"] = filled_in
            rows.append(row)
    for place in exceptions:
        rows[place]["deliveryCallbackUrl"] = f"https://odd.example.net/{place}"
    random.Random(seed).shuffle(rows)
    return rows


def scheme(host: str) -> dict[str, str]:
    return {event: f"https://{host}/{{id}}/{event}" for event in ("received", "receivedAndDelivery", "connected")}


A, B, C, D = (scheme(f"{letter}.example.com") for letter in "abcd")


def test_what_all_share_is_said_once() -> None:
    items = assert_met(planted(("shop-{n}", 20, A)))
    assert items == [
        {
            "expect": {
                "webhook_hosts": ["a.example.com"],
                "webhooks": {
                    "received": "https://a.example.com/{id}/received",
                    "received_and_delivery": "https://a.example.com/{id}/receivedAndDelivery",
                    "delivery": None,
                    "message_status": None,
                    "presence_chat": None,
                    "connected": "https://a.example.com/{id}/connected",
                    "disconnected": None,
                    "received_status": None,
                },
            }
        }
    ]


def test_a_group_says_what_it_does_not_share() -> None:
    items = assert_met(planted(("shop-{n}", 20, A), ("clinic-{n}", 5, {**A, "connected": "https://b.example.com/up"})))
    assert items[1:] == [
        {
            "match": {"name": "clinic-*"},
            "expect": {
                "webhook_hosts": ["a.example.com", "b.example.com"],
                "webhooks": {"connected": "https://b.example.com/up"},
            },
        }
    ]


def test_an_exception_says_what_it_has_of_its_own() -> None:
    rows = planted(("shop-{n}", 20, A), exceptions=[3])
    assert assert_met(rows)[1:] == [
        {
            "match": {"id": f"{4:032X}"},
            "expect": {
                "webhook_hosts": ["a.example.com", "odd.example.net"],
                "webhooks": {"delivery": "https://odd.example.net/3"},
            },
        }
    ]


@pytest.mark.parametrize(
    ("groups", "matches"),
    [
        ((("shop-{n}", 9, A), ("shopping-{n}", 8, B)), [{"name": "shopping-*"}]),
        ((("shop-{n}", 9, A), ("shop-vip-{n}", 8, B), ("other", 20, C)), [{"name": "shop-[0-9]*"}, {"name": "shop-vip-*"}]),
        ((("loja{n}", 20, A), ("lojas{n}", 8, B)), [{"name": "lojas[0-9]*"}]),
        ((("{n} norte", 20, A), ("{n} sul", 8, B)), [{"name": "* sul"}]),
        ((("{n}-pet-sul", 20, A), ("{n}-sul", 8, B)), [{"name": "*[0-9]-sul"}]),
        ((("{n}LojaSP", 20, A), ("{n}LojaRJ", 8, B)), [{"name": "*[0-9]LojaRJ"}]),
        ((("[vip] {n}", 8, B), ("v {n}", 20, A)), [{"name": "[[]vip] *"}]),
        ((("Padaria", 8, B), ("Padaria Central {n}", 20, A)), [{"name": "Padaria"}]),
        ((("x{n}y", 20, A), ("*?", 3, B)), [{"name": "[*][?]"}]),
        ((("ação-{n}", 8, B), ("acao-{n}", 20, A)), [{"name": "ação-*"}]),
        ((("55119{n}", 8, B), ("shop-{n}", 20, A)), [{"name": "[0-9]*"}]),
        ((("{n}", 20, {**A, "middleware": "web"}), ("{n}", 8, {**B, "middleware": "mobile"})), [{"middleware": "mobile"}]),
    ],
)
def test_groups_are_told_apart(groups: t.Any, matches: t.Any) -> None:
    items = assert_met(planted(*groups))
    assert [item["match"] for item in items[1:]] == matches


def test_a_narrow_group_within_a_wide_one_comes_after_it() -> None:
    names = iter(random.Random(1).sample([a + b + c for a in "abcdef" for b in "ghijkl" for c in "mnopqr"], 60))
    rows = planted(
        *((f"shop-{next(names)}", 1, A) for _one in range(10)), *((f"shop-vip-{next(names)}", 1, B) for _one in range(20))
    )
    rows += planted(*((f"{next(names)}", 1, C) for _one in range(30)))
    for number, row in enumerate(rows):
        row["id"] = f"{number:032X}"
        for event in ("received", "receivedAndDelivery", "connected"):
            host = row[f"{event}CallbackUrl"].split("/")[2]
            row[f"{event}CallbackUrl"] = f"https://{host}/{row['id']}/{event}"
    items = assert_met(rows)
    assert [item.get("match") for item in items] == [None, {"name": "shop-*"}, {"name": "shop-vip-*"}]


def test_with_fewer_than_three_all_are_by_id() -> None:
    for count in (1, 2):
        items = assert_met(planted(("shop-{n}", count, A)))
        assert list(by_id(items)) == [f"{number:032X}" for number in range(1, count + 1)]
        assert all(item["expect"]["webhooks"]["received"] == "https://a.example.com/{id}/received" for item in items)
        assert len(items) == count
    assert adopt([]) == []


def test_fewer_than_three_alike_are_no_group() -> None:
    assert of_groups(assert_met(planted(("shop-{n}", 20, A), ("clinic-{n}", 2, B))))[1:] == []
    assert len(of_groups(assert_met(planted(("shop-{n}", 20, A), ("clinic-{n}", 3, B))))) == 2


@pytest.mark.parametrize("count", [40, 300])
@pytest.mark.parametrize("kinds", [1, 2, 3, 4])
@pytest.mark.parametrize("unknown", [False, True])
def test_a_planted_fleet_takes_few_items(count: int, kinds: int, unknown: bool) -> None:
    """k schemes and e exceptions: k + e + 2 items at most."""
    for seed in range(5):
        chance = random.Random(seed)
        names = chance.sample(["shop-{n}", "shopping-{n}", "loja {n}", "clinica{n}", "{n} sul", "pet.shop.{n}"], kinds)
        sizes = [count // kinds + chance.randrange(3) for _name in names]
        groups = list(zip(names, sizes, (A, B, C, D)))
        rows = planted(*groups, exceptions=chance.sample(range(sum(sizes)), 5), seed=seed)
        if unknown:
            for row in rows:
                if row["name"].startswith("shop"):
                    del row["presenceChatCallbackUrl"], row["receivedStatusCallbackUrl"]
        items = assert_met(rows)
        assert len(items) <= kinds + 5 + 2, items
        for item in items:
            # A pattern means its own group only.
            pattern = item.get("match", {}).get("name")
            if pattern:
                assert len({row["receivedCallbackUrl"][:9] for row in rows if fnmatchcase(row["name"], pattern)}) == 1


def test_one_more_exception_changes_its_own_lines_only() -> None:
    for seed in range(10):
        chance = random.Random(seed)
        groups = [("shop-{n}", 20, A), ("shopping-{n}", 20, B), ("loja {n}", 19 + chance.randrange(3), C)]
        places = chance.sample(range(59), 6)
        lines = [written(planted(*groups, exceptions=places[:count])).splitlines() for count in range(len(places) + 1)]
        for fewer, more in zip(lines, lines[1:]):
            assert [line for line in fewer if line not in more] == []
            assert len(more) - len(fewer) == 8


@pytest.mark.parametrize("sizes", [(10, 10, 10), (5, 8, 8), (20, 4, 3)])
def test_one_more_that_is_as_another_group_changes_its_own_lines_only(sizes: tuple[int, int, int]) -> None:
    groups = [("lojas-sp-{n}", sizes[0], A), ("loja-{n}", sizes[1], B), ("loja-sp-{n}", sizes[2], C)]
    rows = planted(*groups)
    for here, there in itertools.permutations("abc", 2):
        changed = copy.deepcopy(rows)
        odd = next(row for row in changed if row["receivedCallbackUrl"].startswith(f"https://{here}."))
        for event in EVENTS:
            odd[f"{event}CallbackUrl"] = odd[f"{event}CallbackUrl"].replace(f"//{here}.", f"//{there}.")
        fewer, more = adopt_rows(rows), assert_met(changed)
        if sizes["abc".index(here)] > 3:
            assert [item for item in more if item.get("match") != {"id": odd["id"]}] == fewer
        assert len(more) <= len(fewer) + 3


def test_a_pattern_of_one_group_counts_more_than_a_line() -> None:
    """``loja-*`` would mean the exception as well, and another group."""
    rows = planted(("lojas-sp-{n}", 20, A), ("loja-{n}", 5, B), ("loja-sp-{n}", 5, C))
    odd = next(row for row in rows if row["name"].startswith("loja-sp-"))
    for event in EVENTS:
        odd[f"{event}CallbackUrl"] = odd[f"{event}CallbackUrl"].replace("//c.", "//b.")
    assert [item["match"] for item in assert_met(rows)[1:]] == [{"name": "loja-[0-9]*"}, {"name": "loja-sp-*"}, {"id": odd["id"]}]


def test_a_number_in_common_is_chance() -> None:
    """A pattern of numbers says what most of a scheme's instances have, or nothing."""
    rows = planted(
        *((f"{name}-{number}", 1, one) for name, one in (("shop", A), ("loja", B), ("clinic", C)) for number in range(20))
    )
    odd = [row for row in rows if row["name"] in ("shop-7", "loja-7", "clinic-7", "shop-9")]
    for row in odd:
        row["receivedCallbackUrl"] = "https://old.example.net/hook"
    assert set(by_id(assert_met(rows))) == {row["id"] for row in odd}
    assert of_groups(assert_met(planted(("{n}-2024", 20, A), ("{n}-2025", 20, B))))[1:][0]["match"] == {"name": "*-2025"}


def test_what_no_pattern_tells_comes_first() -> None:
    names = random.Random(1).sample([a + b + c for a in "abcdef" for b in "ghijkl" for c in "mnopqr"], 5)
    items = assert_met(planted(("shop-{n}", 20, A), ("clinic-{n}", 9, B), *((name, 1, C) for name in names)))
    assert [item.get("match") for item in items] == [None, {"name": "clinic-*"}, {"name": "shop-*"}]


def test_exceptions_that_are_alike_are_no_scheme() -> None:
    rows = planted(("shop-{n}", 20, A), ("shopping-{n}", 20, B), ("loja {n}", 20, C))
    before = of_groups(assert_met(rows))
    for row in rows[::6]:
        row["receivedCallbackUrl"] = "https://old.example.net/hook"
        assert of_groups(assert_met(rows)) == before


def test_any_order_makes_the_same_text() -> None:
    groups = [("shop-{n}", 20, A), ("shopping-{n}", 20, B), ("twice", 4, C), ("", 3, D)]
    texts = {written(planted(*groups, exceptions=[1, 2, 41], seed=seed)) for seed in range(10)}
    assert len(texts) == 1


# What stands in a URL


@pytest.mark.parametrize(
    ("names", "url"),
    [
        # A name that stands there by chance as well
        (["hooks", "shop", "received", "e", "com"], "https://hooks.example.com/{name}/received"),
        (["received", "a", "b", "c"], "https://h.example.com/received/{name}"),
        (["id", "name", "x", "y"], "https://h.example.com/{id}/{name}"),
        (["Pão de Açúcar", "a/b", "50%", "é"], "https://h.example.com/?who={name}"),
        (["a", "b", "c"], "https://{name}.example.com/in"),
        (["a.b", "b.c", "c.d"], "https://x-{name}.shops.example.com:8443/in"),
    ],
)
def test_placeholders_are_found_again(names: list[str], url: str) -> None:
    rows = []
    for number, name in enumerate(names, start=1):
        row = make_row(number, name=name)
        row["receivedCallbackUrl"] = url.replace("{id}", row["id"]).replace("{name}", quote(name, safe=""))
        rows.append(row)
    [item] = assert_met(rows)
    assert item["expect"]["webhooks"]["received"] == url
    assert "{" not in str(item["expect"]["webhook_hosts"])


def test_a_host_of_each_instance_is_declared_by_what_is_above_it() -> None:
    [item] = assert_met(planted(("shop-{n}", 5, {"received": "https://{name}.hooks.example.com:8443/x"})))
    assert item["expect"]["webhook_hosts"] == ["*.hooks.example.com:8443"]


def test_a_host_that_few_post_to_is_not_allowed_to_others() -> None:
    items = assert_met(planted(("shop-{n}", 20, A), exceptions=[1, 2, 3, 4, 5]))
    assert items[0]["expect"]["webhook_hosts"] == ["a.example.com"]
    assert len(of_groups(items)) == 1


def test_what_cannot_be_declared_is_ignored_where_it_is_asked() -> None:
    rows = planted(("shop-{n}", 9, A))
    rows.sort(key=lambda row: row["id"])
    rows[0]["receivedCallbackUrl"] = "https://a.example.com/{id}/received"
    rows[1]["receivedCallbackUrl"] = "https://a.example.com/{{ lookup('env', 'HOME') }}"
    rows[2]["connectedCallbackUrl"] = f"https://a.example.com/{rows[2]['token']}"
    rows[3]["initialDataCallbackUrl"] = "no host"
    del rows[4]["presenceChatCallbackUrl"]
    for event in EVENTS:
        del rows[5][f"{event}CallbackUrl"]
    items = assert_met(rows)
    assert {identity[-1]: (item.get("expect"), item["ignore"]) for identity, item in by_id(items).items()} == {
        "1": (None, ["webhooks.received"]),
        "2": (None, ["webhooks.received"]),
        "3": (None, ["webhooks.connected"]),
        "4": (None, ["webhook_hosts"]),
        "5": (None, ["webhooks.presence_chat"]),
        "6": (None, ["webhooks"]),
    }


def test_a_muted_webhook_is_declared_only_with_its_filter() -> None:
    rows = planted(("shop-{n}", 9, A), callbackTypeFilters=[], messageFilters=[])
    rows.sort(key=lambda row: row["id"])
    rows[0]["callbackTypeFilters"] = ["FILTER_RECEIVED_CALLBACK"]
    assert by_id(assert_met(rows)) == {
        rows[0]["id"]: {"match": {"id": rows[0]["id"]}, "ignore": ["webhooks.received", "webhooks.received_and_delivery"]}
    }
    items = by_id(assert_met(rows, [*ADOPTED, "settings"]))
    assert items == {
        rows[0]["id"]: {"match": {"id": rows[0]["id"]}, "expect": {"settings": {"muted_webhooks": ["received"]}}},
    }


def test_nothing_is_adopted_unasked() -> None:
    rows = planted(("shop-{n}", 9, A), whatsappConnected=False, paymentStatus="LATE", autoReadMessage=True)
    [item] = assert_met(rows)
    assert set(item["expect"]) == {"webhook_hosts", "webhooks"}
    [item] = assert_met(rows, ADOPTABLE)
    assert item["expect"]["whatsapp_connected"] is False
    assert item["expect"]["payment_status"] == "LATE"
    assert item["expect"]["settings"] == {"auto_read_message": True}
    [item] = assert_met(rows, ["middleware"])
    assert item == {"expect": {"middleware": "web"}}


def test_instances_of_which_nothing_can_be_declared_are_managed_all_the_same() -> None:
    rows = planted(("shop-{n}", 9, {}))
    for row in rows:
        for event in EVENTS:
            del row[f"{event}CallbackUrl"]
    assert assert_met(rows) == [{"ignore": ["webhook_hosts", "webhooks"]}]
    assert assert_met(rows[:1]) == [{"match": {"id": rows[0]["id"]}, "ignore": ["webhook_hosts", "webhooks"]}]
    assert assert_met(rows, ["webhook_hosts"]) == [{"ignore": ["webhook_hosts"]}]


def test_a_name_that_could_be_a_template_is_not_used() -> None:
    items = assert_met(planted(("shop-{n}", 20, A), ("{{ evil }}", 5, B), ("{% x %}-{n}", 5, C)))
    assert len(items) == 11
    assert "{{" not in str(items)
    assert "{%" not in str(items)


def test_a_token_in_a_name_or_a_url_stays_there() -> None:
    rows = planted(("shop-{n}", 20, A), ("clinic-{n}", 5, B))
    for row in rows:
        if row["name"].startswith("clinic"):
            row["name"] = "clinic-sesame-sesame"
            row["token"] = "sesame-sesame"
    rows[0]["deliveryCallbackUrl"] = "https://a.example.com/the-partner-token"
    items = adopt_rows(rows, secrets=["the-partner-token"])
    assert drift(rows, items) == []
    assert "sesame" not in str(items)
    assert "the-partner-token" not in str(items)


# Fleets without a plan


some_text = st.sampled_from(
    ["", "a", "id", "shop-1", "shop-2", "shopping", "e", "{{ x }}", "{id}", "#", "*", "[a]", "ü", "u\u0308", "\n"]
)
some_urls = (
    st.sampled_from(
        [
            *(
                "",
                "https://a/x",
                "https://b/ID/x",
                "https://b/NAME/x",
                "https://NAME.b.c/ID",
                "https://a/NAME/NAME",
                "ftp://a",
                "https://a/{id}",
            ),
            *("https://h.b:8443/TOKEN", "https://\u00fc.de/x", "no url", "https://u:p@a/x?k=ID#NAME", "{{", "https://A.B/x\\y"),
        ]
    )
    | st.none()
)
odd = st.sampled_from([None, "", 0, 17, True, "x", [], ["y"], {"z": 1}, "TOKEN", "FILTER_RECEIVED_CALLBACK"])


def filled_in(url: str, words: dict[str, str]) -> str:
    return re.sub("ID|NAME|TOKEN", lambda word: words[word[0]], url)


@st.composite
def fleets(draw: st.DrawFn) -> list[dict[str, t.Any]]:
    """Small fleets that share much, with fields missing or of other types."""
    rows: list[dict[str, t.Any]] = []
    schemes = draw(st.lists(st.dictionaries(st.sampled_from(EVENTS), some_urls), min_size=1, max_size=3))
    for number in range(draw(st.integers(0, 14))):
        row = make_row(number, name=draw(some_text), middleware=draw(st.sampled_from(["web", "mobile", None])))
        row["id"] = draw(st.sampled_from([row["id"], row["id"], f"{number}", f"a{number}*", f"{{{number}}}"]))
        urls = {**draw(st.sampled_from(schemes)), **draw(st.dictionaries(st.sampled_from(EVENTS), some_urls, max_size=1))}
        for event, url in urls.items():
            row[f"{event}CallbackUrl"] = url and filled_in(url, {"ID": row["id"], "NAME": row["name"], "TOKEN": row["token"]})
        fields = st.sampled_from(FIELDS)
        row.update(draw(st.dictionaries(fields, odd, max_size=2)))
        for field in draw(st.lists(fields, max_size=2)):
            row.pop(field, None)
        rows.append(row)
    return rows


@given(fleets(), st.lists(st.sampled_from(ADOPTABLE), min_size=1, unique=True), st.randoms(use_true_random=False))
def test_any_fleet_meets_what_was_adopted(rows: list[dict[str, t.Any]], attributes: list[str], chance: random.Random) -> None:
    items = adopt_rows(rows, attributes)
    assert not rows or drift(rows, items) == []
    shuffled = rows.copy()
    chance.shuffle(shuffled)
    assert adopt_rows(shuffled, attributes) == items
    assert not any(row["token"] in str(items) for row in rows)
    assert all(is_writable(text) for text in texts(items) if not any(row["id"] == text for row in rows))


def test_a_thousand_fleets_meet_what_was_adopted() -> None:
    for seed in range(1000):
        chance = random.Random(seed)
        names = chance.sample(["shop-{n}", "shopping-{n}", "shop", "", "{n} sul", "x{n}", "{n}"], chance.randrange(1, 5))
        groups = [
            (name, chance.randrange(1, 9), chance.choice([A, B, C, {"received": "https://x.example.com/{name}"}])) for name in names
        ]
        rows = planted(*groups, seed=seed)
        for row in chance.sample(rows, chance.randrange(len(rows))):
            field = f"{chance.choice(EVENTS)}CallbackUrl"
            row[field] = chance.choice(
                ["", None, "https://odd.example.net/x", f"https://odd.example.net/{row['id']}", row["token"], "{id}"]
            )
            row.pop(chance.choice([field, "middleware", "none"]), None)
        assert_met(rows, chance.choice([ADOPTED, ["webhooks"], ["webhook_hosts"], ADOPTABLE]))


def texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def written(rows: list[dict[str, t.Any]]) -> str:
    return document(adopt_rows(rows), ["a fleet"], {row["id"]: row["name"] for row in rows})


@given(fleets())
def test_the_text_is_read_as_what_was_adopted(rows: list[dict[str, t.Any]]) -> None:
    rows = [row for row in rows if is_writable(row["id"])]
    items = adopt_rows(rows, ADOPTABLE)
    if items:
        assert yaml.safe_load(document(items, ["a fleet"], {row["id"]: row["name"] for row in rows})) == {"expectations": items}
