# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A second, naive implementation of audit and plan, written from the contract alone, and random fleets for both.

It works on the API's own objects, and knows the API's names by itself: it is an independent witness.
"""

from __future__ import annotations

import copy
import re
import typing as t
import unicodedata
from fnmatch import fnmatchcase
from urllib.parse import quote

from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, record_from_object, with_problem

NOW = 1_790_000_000_000  # 2026-09-21
DAY = 24 * 60 * 60 * 1000
TOKEN = "hocuspocus"

Object = dict[str, t.Any]  # of the API's listing
Declared = dict[str, t.Any]  # an expectation

FIELDS = {
    "whatsapp_connected": "whatsappConnected",
    "phone_connected": "phoneConnected",
    "middleware": "middleware",
    "payment_status": "paymentStatus",
    "days_left": "due",
    "webhooks.received": "receivedCallbackUrl",
    "webhooks.received_and_delivery": "receivedAndDeliveryCallbackUrl",
    "webhooks.delivery": "deliveryCallbackUrl",
    "webhooks.message_status": "messageStatusCallbackUrl",
    "webhooks.presence_chat": "presenceChatCallbackUrl",
    "webhooks.connected": "connectedCallbackUrl",
    "webhooks.disconnected": "disconnectedCallbackUrl",
    "webhooks.received_status": "receivedStatusCallbackUrl",
    "settings.notify_sent_by_me": "receiveCallbackSentByMe",
    "settings.auto_read_message": "autoReadMessage",
    "settings.auto_read_status": "autoReadStatus",
    "settings.call_reject_auto": "callRejectAuto",
    "settings.call_reject_message": "callRejectMessage",
    "settings.muted_webhooks": "callbackTypeFilters",
    "settings.muted_messages": "messageFilters",
}
CALLS = {
    "webhooks.received": "update-webhook-received",
    "webhooks.received_and_delivery": "update-webhook-received-delivery",
    "webhooks.delivery": "update-webhook-delivery",
    "webhooks.message_status": "update-webhook-message-status",
    "webhooks.presence_chat": "update-webhook-chat-presence",
    "webhooks.connected": "update-webhook-connected",
    "webhooks.disconnected": "update-webhook-disconnected",
    "settings.notify_sent_by_me": "update-notify-sent-by-me",
    "settings.auto_read_message": "update-auto-read-message",
    "settings.auto_read_status": "update-auto-read-status",
    "settings.call_reject_auto": "update-call-reject-auto",
    "settings.call_reject_message": "update-call-reject-message",
    "settings.muted_webhooks": "update-filters",
    "settings.muted_messages": "update-filters",
}
FILTERS = {
    "received": "FILTER_RECEIVED_CALLBACK",
    "delivery": "FILTER_DELIVERY_CALLBACK",
    "group": "FILTER_FROM_GROUP",
    "text": "FILTER_TEXT_MESSAGE",
    "x": "FILTER_X_MESSAGE",  # not known
}
BOTH, SENT_BY_ME = "webhooks.received_and_delivery", "settings.notify_sent_by_me"
MUTED = ("settings.muted_webhooks", "settings.muted_messages")
STATES = ("whatsapp_connected", "phone_connected")
BOOLEANS = (
    *STATES,
    *(f"settings.{name}" for name in ("notify_sent_by_me", "auto_read_message", "auto_read_status", "call_reject_auto")),
)
UNKNOWN: t.Any = "unknown"


def make_object(number: int = 1, /, **fields: t.Any) -> Object:
    """An instance as the API returns it, with all fields; its first webhook is set."""
    return {
        "id": f"{number:032X}",
        "name": f"shop-{number}",
        "token": f"{TOKEN}{number}",
        "tenant": "acme",
        "created": "2025-02-03T14:00:00Z",
        "due": NOW + 30 * DAY,
        "paymentStatus": "PAID",
        "phoneConnected": True,
        "whatsappConnected": True,
        "middleware": "web",
        **{field: "" for name, field in FIELDS.items() if name.startswith("webhooks.")},
        **{FIELDS[name]: False for name in BOOLEANS if name.startswith("settings.")},
        "callRejectMessage": "",
        "callbackTypeFilters": [],
        "messageFilters": [],
        "receivedCallbackUrl": f"https://hooks.example.com/{number}",
        **fields,
    }


def make_record(number: int = 1, /, *, without: t.Collection[str] = (), problem: str | None = None, **fields: t.Any) -> Record:
    """The record of `make_object`. ``without`` are fields that the API does not return."""
    record = record_from_object({field: value for field, value in make_object(number, **fields).items() if field not in without})
    assert record is not None
    return with_problem(record, problem)


# Audit


def value_of(entry: Object, name: str) -> t.Any:
    value = entry.get(FIELDS[name], UNKNOWN)
    if name in MUTED and value is not UNKNOWN:
        return UNKNOWN if value is None else sorted(ours for ours, api in FILTERS.items() if api in value)
    return None if value == "" else value


def matches(condition: Declared, entry: Object) -> bool:
    def is_any(key: str, accepts: t.Callable[[str], bool]) -> bool:
        return key not in condition or any(map(accepts, as_list(condition[key])))

    return (
        is_any("id", lambda identity: bool(identity == entry["id"]))
        and is_any("name", lambda name: fnmatchcase(nfc(entry["name"]), nfc(name)))
        and is_any("middleware", lambda middleware: bool(middleware == entry.get("middleware")))
    )


def as_list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [value]


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def has_not_ended(declared: Declared) -> bool:
    return str(declared.get("until", "9999-12-31")) >= "2026-09-21"


def wishes_of(entry: Object, expectations: list[Declared]) -> dict[str, tuple[t.Any, int]] | None:
    """The declared value and the position of its expectation, by attribute; None: unmanaged."""
    wishes: dict[str, tuple[t.Any, int]] = {}
    is_managed = False
    for position, one in enumerate(expectations, start=1):
        if has_not_ended(one) and matches(one.get("match", {}), entry):
            is_managed = True
            ignored = [name for name in wishes if name in one.get("ignore", []) or name.partition(".")[0] in one.get("ignore", [])]
            for name in ignored:
                del wishes[name]
            for key, value in one.get("expect", {}).items():
                parts = {f"{key}.{part}": item for part, item in value.items()} if key in ("webhooks", "settings") else {key: value}
                wishes.update((name, (item, position)) for name, item in parts.items())
    return wishes if is_managed else None


def filled(url: str, entry: Object) -> str | None:
    for placeholder, value in (("{id}", entry["id"]), ("{name}", entry["name"])):
        if placeholder in url and not value.strip("."):
            return None
    return url.replace("{id}", quote(entry["id"], safe="")).replace("{name}", quote(entry["name"], safe=""))


def accepts(url: str | None, actual: t.Any) -> bool:
    return (
        url is not None and actual is not None and re.fullmatch(re.escape(url).replace(r"\{any\}", r"[^/?#]+"), actual) is not None
    )


def hosts_of(entry: Object) -> set[str]:
    return {url.split("/")[2] for name in FIELDS if name.startswith("webhooks.") and (url := entry.get(FIELDS[name]))}


def host_is_accepted(host: str, declared: list[str]) -> bool:
    return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in declared)


def is_muted(entry: Object, name: str, wishes: dict[str, tuple[t.Any, int]]) -> bool:
    switch = "received" if name == BOTH else name.partition(".")[2]
    muted = value_of(entry, "settings.muted_webhooks")
    return muted is not UNKNOWN and switch in muted and switch not in wishes.get("settings.muted_webhooks", ([], 0))[0]


class Row(t.NamedTuple):
    attribute: str
    expected: t.Any
    actual: t.Any
    position: int
    reason: str | None
    is_muted_only: bool


def rows_of(entry: Object, problem: str | None, wishes: dict[str, tuple[t.Any, int]]) -> list[Row]:
    rows = []
    for name, (wish, position) in sorted(wishes.items()):
        verdict = _verdict(entry, name, wish)
        muted = name.startswith("webhooks.") and wish is not None and is_muted(entry, name, wishes)
        if verdict is not None or muted:
            expected, actual, reason = verdict or (_shown(entry, wish), value_of(entry, name), None)
            explains = name in STATES if problem in ("restore_session", "scan_qr_code") else name in (*STATES, "payment_status")
            if problem and (explains or (problem == "subscription_lapsed" and reason == "unknown")) and actual is not True:
                reason = problem
            reason = reason or ("muted" if muted else None)
            rows.append(Row(name, expected, actual, position, reason or _difference(name, expected, actual), verdict is None))
    return rows


def _verdict(entry: Object, name: str, wish: t.Any) -> tuple[t.Any, t.Any, str | None] | None:
    """What is expected, what there is, and why, if the two differ."""
    if name == "webhook_hosts":
        foreign = sorted(host for host in hosts_of(entry) if not host_is_accepted(host, wish))
        return (wish, foreign, "foreign_hosts") if foreign else None
    actual = value_of(entry, name)
    if name.startswith("webhooks."):
        urls = [None if wish is None else filled(url, entry) for url in as_list(wish)]
        is_met = actual is None if wish is None else actual is not UNKNOWN and any(accepts(url, actual) for url in urls)
        expected = _shown(entry, wish)
        reason = "placeholder_empty" if wish is not None and None in urls else None
    elif name == "days_left":
        actual = actual if actual is UNKNOWN or actual is None else (actual - NOW) // DAY
        is_met, expected, reason = isinstance(actual, int) and actual >= wish, wish, None
    else:
        expected = sorted(set(wish)) if name in MUTED else wish or None if name == "settings.call_reject_message" else wish
        is_met = actual == expected if name in MUTED else actual in as_list(expected)
        reason = None
    if actual is UNKNOWN:
        return expected, None, "unknown"
    return None if is_met else (expected, actual, reason)


def _shown(entry: Object, wish: t.Any) -> t.Any:
    if isinstance(wish, list):
        return [filled(url, entry) or url for url in wish]
    return wish and (filled(wish, entry) or wish)


def _difference(name: str, expected: t.Any, actual: t.Any) -> str | None:
    if actual is None and name in (*BOOLEANS, "payment_status", "middleware"):
        return "null"
    if name in ("payment_status", "middleware") and actual.lower() in [one.lower() for one in as_list(expected)]:
        return "case"
    return None


def missing_of(fleet: list[Object], expectations: list[Declared]) -> list[tuple[str | None, str | None, int]]:
    """The ID, the name and the position of each row of kind missing."""
    rows: list[tuple[str | None, str | None, int]] = []
    for position, one in enumerate(expectations, start=1):
        match = one.get("match", {}) if has_not_ended(one) else {}
        ids, names = [list(dict.fromkeys(map(nfc, as_list(match.get(key, []))))) for key in ("id", "name")]
        exact = [name for name in names if not re.search(r"[*?]", name)]
        gone = [identity for identity in ids if all(entry["id"] != identity for entry in fleet)]
        unnamed = [name for name in exact if all(nfc(entry["name"]) != name for entry in fleet)]
        if len(ids) == len(names) == 1:
            rows += [(ids[0], exact[0] if exact else None, position)] if gone or unnamed else []
        else:
            rows += [*((identity, None, position) for identity in gone), *((None, name, position) for name in unnamed)]
    return rows


# Plan


class PlanModel(t.NamedTuple):
    changes: list[tuple[str, t.Any, t.Any, bool]]  # attribute, before, after, whether it restores what a webhook's call changes
    remaining: list[str]  # attributes
    is_refused: bool


def plan_of(entry: Object, problem: str | None, wishes: dict[str, tuple[t.Any, int]]) -> PlanModel:
    rows = rows_of(entry, problem, wishes)
    changes: dict[str, tuple[t.Any, t.Any, bool]] = {}
    for row in rows:
        after = _after(entry, row, wishes)
        if after is not UNKNOWN:
            changes[row.attribute] = row.actual, after, False
    lists = {name: changes[name][1] if name in changes else value_of(entry, name) for name in MUTED}
    if UNKNOWN in lists.values() or any("x" in names for names in lists.values()):
        changes = {name: change for name, change in changes.items() if name not in MUTED}
    if BOTH in changes:
        before, declared = value_of(entry, SENT_BY_ME), wishes.get(SENT_BY_ME, (None, 0))[0]
        if declared is False or (declared is None and before is False):
            changes[SENT_BY_ME] = None if before is UNKNOWN else before, False, True
    if not entry.get("token"):
        changes = {}
    urls = [after for name, (_before, after, _restores) in changes.items() if name.startswith("webhooks.") and after]
    hosts = wishes.get("webhook_hosts", (None, 0))[0]
    is_refused = any(url.startswith("http:") or (hosts and not host_is_accepted(url.split("/")[2], hosts)) for url in urls)
    after_all = copy.deepcopy(entry)
    for name, (_before, after, _restores) in changes.items():
        if value_of(entry, name) is not UNKNOWN:
            after_all[FIELDS[name]] = [FILTERS[one] for one in after] if name in MUTED else after
    # Settings come after webhooks, and what restores one right after its webhook.
    order = sorted(
        changes, key=lambda name: (BOTH, 1) if changes[name][2] else (name if name.startswith("webhooks.") else f"~{name}", 0)
    )
    return PlanModel(
        [(name, *changes[name]) for name in order], [row.attribute for row in rows_of(after_all, problem, wishes)], bool(is_refused)
    )


def _after(entry: Object, row: Row, wishes: dict[str, tuple[t.Any, int]]) -> t.Any:
    """The value to set, `UNKNOWN` if there is none."""
    if row.attribute not in CALLS or row.is_muted_only or value_of(entry, row.attribute) is UNKNOWN:
        return UNKNOWN
    wish = wishes[row.attribute][0]
    if row.attribute.startswith("webhooks.") and wish is not None:
        patterns = [url for url in as_list(wish) if "{any}" not in url]
        return (filled(patterns[0], entry) if patterns else None) or UNKNOWN
    return row.expected


# Random fleets and expectations

_some_ids = st.sampled_from(["A", "B", "C", "a*"])
_some_names = st.sampled_from(["", "..", "s", "shop-1", "shop-2", "Shop-1", "{name}", "P\u00e3o", "Pa\u0303o"])
_patterns = st.sampled_from(["P?o", "P\u00e3*", "*", "shop-*", "shop-?", "s*1", "?*"])
_urls = st.sampled_from([*(f"https://h/{end}" for end in ("1", "A", "shop-1", "hook/7f9c")), "https://x.h/1", "https://x.h/2"])
_declared_urls = _urls | st.sampled_from(
    ["http://h/1", "https://h/{id}", "https://h/{name}", "https://x.h/{name}/{id}", "https://h/hook/{any}"]
)
_texts = st.sampled_from(["PAID", "TRIAL", "web", "mobile"])


def _one_or_more(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[t.Any]:
    return strategy | st.lists(strategy, min_size=1, max_size=3)


@st.composite
def fleets(draw: t.Any) -> list[tuple[Object, str | None]]:
    """API objects, each with the instance's problem."""
    fleet = []
    for identity in draw(st.lists(_some_ids, unique=True, max_size=4)):
        webhooks = {FIELDS[f"webhooks.{name}"]: draw(_urls | st.sampled_from(["", None])) for name in _EVENTS}
        entry = make_object(
            **webhooks,
            id=identity,
            name=draw(_some_names),
            token=draw(st.sampled_from([TOKEN, TOKEN, TOKEN, ""])),
            due=draw(st.sampled_from([None, NOW, NOW + 5 * DAY - 1, NOW + 5 * DAY, NOW - DAY])),
            paymentStatus=draw(st.sampled_from(["PAID", "TRIAL", "paid", "", None])),
            middleware=draw(st.sampled_from(["web", "mobile", None])),
            whatsappConnected=draw(st.sampled_from([True, False, None])),
            receiveCallbackSentByMe=draw(st.sampled_from([True, False, None])),
            callRejectMessage=draw(st.sampled_from(["", "Ligue", None])),
            callbackTypeFilters=draw(st.none() | st.lists(st.sampled_from([*FILTERS.values()][:2]), unique=True)),
            messageFilters=draw(st.none() | st.lists(st.sampled_from([*FILTERS.values()][2:]), unique=True)),
        )
        absent = draw(st.sets(st.sampled_from([field for name, field in FIELDS.items()]), max_size=2))
        problem = draw(st.sampled_from([None, None, "subscription_lapsed", "restore_session", "scan_qr_code"]))
        fleet.append(({field: value for field, value in entry.items() if field not in absent}, problem))
    return fleet


_EVENTS = ("received", "received_and_delivery", "delivery", "received_status")
_expects = st.fixed_dictionaries(
    {},
    optional={
        "whatsapp_connected": st.booleans(),
        "middleware": _one_or_more(_texts),
        "payment_status": _one_or_more(_texts),
        "days_left": st.integers(-2, 6),
        "webhook_hosts": st.lists(st.sampled_from(["h", "x.h", "*.h", "other"]), min_size=1, max_size=3),
        "webhooks": st.dictionaries(st.sampled_from(_EVENTS), st.none() | _one_or_more(_declared_urls), min_size=1),
        "settings": st.fixed_dictionaries(
            {},
            optional={
                "notify_sent_by_me": st.booleans(),
                "auto_read_message": st.booleans(),
                "call_reject_message": st.sampled_from(["Ligue", "", None]),
                "muted_webhooks": st.lists(st.sampled_from(["received", "delivery"])),
                "muted_messages": st.lists(st.sampled_from(["group", "text", "x"])),
            },
        ).filter(bool),
    },
).filter(bool)
_matches = st.fixed_dictionaries(
    {},
    optional={
        "id": _one_or_more(_some_ids | st.just("gone")),
        "name": _one_or_more(_some_names | _patterns),
        "middleware": _one_or_more(st.sampled_from(["web", "mobile"])),
    },
).filter(bool)
_beside = {"match": _matches, "until": st.sampled_from(["2026-09-20", "2026-09-21", "2027-03-01"])}
_ignored = st.lists(st.sampled_from(["whatsapp_connected", "days_left", "webhook_hosts", "settings.muted_webhooks"]), min_size=1)


def _is_consistent(one: Declared) -> bool:
    """Whether no attribute is both expected and ignored."""
    names = [f"{key}.{part}" for key in ("webhooks", "settings") for part in one.get("expect", {}).get(key, {})]
    return not set(one.get("ignore", ())) & {*one.get("expect", {}), *names}


expectation_lists = st.lists(
    (
        st.fixed_dictionaries({"expect": _expects}, optional={**_beside, "ignore": _ignored})
        | st.fixed_dictionaries({"ignore": _ignored | st.just(["webhooks"])}, optional=_beside)
    ).filter(_is_consistent),
    min_size=1,
    max_size=5,
)
