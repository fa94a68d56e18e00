# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Audits whose right answer was worked out by hand, through the module, the filter and the test."""

from __future__ import annotations

import base64
import json
import re
import time

import pytest

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

DAY = 86_400_000
NOW = int(time.time() * 1000)
SECRET = "s3cr3t-of-the-hook"
OLD = f"https://ana:{SECRET}@old.example.net/hook?key={SECRET}&v=2"


def row(identity, name, **fields):
    return {
        "id": identity,
        "name": name,
        "token": f"token-of-{identity}",
        "middleware": "web",
        "paymentStatus": "PAID",
        "due": NOW + 30 * DAY,
        "whatsappConnected": True,
        "phoneConnected": True,
        "receivedCallbackUrl": f"https://hooks.example.com/{identity}",
        "receivedAndDeliveryCallbackUrl": f"https://hooks.example.com/{identity}",
        "presenceChatCallbackUrl": "",
        **fields,
    }


FLEET = [
    row("A1", "shop-1"),
    row("A2", "shop-2", whatsappConnected=False, receivedAndDeliveryCallbackUrl=OLD),
    row("A3", "shop-2", paymentStatus="TRIAL", middleware="mobile"),
    row("A4", "Loja [Centro]", whatsappConnected=None, due=NOW + 2 * DAY + 3_600_000),
    row("A5", "", presenceChatCallbackUrl="https://hooks.example.com/A5", paymentStatus=""),
    row("A6", "á/b {{ 1 }}", receivedCallbackUrl="https://hooks.example.com/x", due=None),
]
HOOK = "https://hooks.example.com/{id}"
EXPECTATIONS = [
    {
        "match": {"middleware": "web"},
        "expect": {
            "whatsapp_connected": True,
            "payment_status": ["PAID", "TRIAL"],
            "days_left": 5,
            "webhooks": {"received": HOOK, "received_and_delivery": HOOK, "presence_chat": None},
        },
    },
    {"match": {"name": "shop-*", "middleware": "web"}, "expect": {"whatsapp_connected": False}},
    {"match": {"id": "A2"}, "expect": {"webhooks": {"received": [HOOK, f"https://x.example.com/?key={SECRET}"]}}},
    {"match": {"name": "Loja [[]Centro]"}, "expect": {"days_left": 2, "phone_connected": True}},
    {"match": {"id": "NOSUCH"}, "expect": {"phone_connected": True}},
    {"match": {"name": "no such shop"}, "expect": {"phone_connected": True}},
]


def mismatch(identity, name, attribute, expected, actual, expectation, note=None, code=None):
    return {
        "kind": "mismatch",
        "id": identity,
        "name": name,
        "attribute": attribute,
        "expected": expected,
        "actual": actual,
        "expectation": expectation,
        "expectation_name": None,
        "note": note,
        "reason": {"code": code, "values": {}} if code else None,
    }


def missing(identity, name, expectation):
    return {**mismatch(identity, name, None, None, None, expectation), "kind": "missing"}


UNMANAGED = {**mismatch("A3", "shop-2", None, None, None, None), "kind": "unmanaged"}
MASKED = "https://***@old.example.net/hook?key=***&v=***"
MISMATCHES = [
    mismatch("A1", "shop-1", "whatsapp_connected", False, True, 2),
    mismatch("A2", "shop-2", "webhooks.received_and_delivery", "https://hooks.example.com/A2", MASKED, 1),
    UNMANAGED,
    mismatch("A4", "Loja [Centro]", "whatsapp_connected", True, None, 1, "the API returned null", "null"),
    mismatch("A5", "", "payment_status", ["PAID", "TRIAL"], None, 1, "the API returned null", "null"),
    mismatch("A5", "", "webhooks.presence_chat", None, "https://hooks.example.com/A5", 1),
    mismatch("A6", "á/b {{ 1 }}", "days_left", 5, None, 1),
    mismatch("A6", "á/b {{ 1 }}", "webhooks.received", "https://hooks.example.com/A6", "https://hooks.example.com/x", 1),
    missing("NOSUCH", None, 5),
    missing(None, "no such shop", 6),
]
WITHOUT_UNMANAGED = [entry for entry in MISMATCHES if entry is not UNMANAGED]
SUMMARY = {
    "instances": 6,
    "managed": 5,
    "unmanaged": 1,
    "in_sync": 0,
    "drifted": 5,
    "missing": 2,
    "mismatches": {
        "days_left": 1,
        "payment_status": 1,
        "webhooks.presence_chat": 1,
        "webhooks.received": 1,
        "webhooks.received_and_delivery": 1,
        "whatsapp_connected": 2,
    },
    "compliance": 0.0,
    "unverified": 5,
    "warnings": 1,
}


@pytest.fixture
def shops(workplace):
    with Emulator(FLEET) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        yield running


def audit(register="audit", **options):
    return {"zapi.zapi.instance_audit": {"expectations": EXPECTATIONS, **options}, "register": register}


def test_module_filter_and_test_give_the_rows_worked_out_by_hand(workplace, shops):
    tasks = [
        audit("ignored", fail_on_drift=False, page_size=2),
        audit("reported", fail_on_drift=False, unmanaged="report"),
        audit("counted", fail_on_drift=False, unmanaged="drift"),
        {"zapi.zapi.instance_info": {}, "register": "info"},
        {
            "ansible.builtin.set_fact": {
                "filtered": "{{ info.instances | zapi.zapi.drift(expectations) }}",
                "filtered_all": "{{ query('zapi.zapi.instances') | zapi.zapi.drift(expectations, unmanaged='drift') }}",
                "of_hosts": "{{ groups.zapi | map('extract', hostvars) | zapi.zapi.drift(expectations) }}",
                "compliant": "{{ info.instances | select('zapi.zapi.compliant', expectations) | map(attribute='id') }}",
                "hosts_compliant": "{{ groups.zapi | map('extract', hostvars) | select('zapi.zapi.compliant', expectations)"
                " | map(attribute='zapi_id') }}",
            },
            "register": "facts",
        },
    ]
    workplace.write("fleet.zapi.yml", "plugin: zapi.zapi.instances\n")
    outcome, results = workplace.play(tasks, "-i", "fleet.zapi.yml", variables={"expectations": EXPECTATIONS})
    assert outcome.status == 0, outcome.output
    for result in (results["ignored"], results["reported"], results["counted"]):
        assert result["summary"] == SUMMARY
        assert result["in_sync"] is result["changed"] is False
    assert results["ignored"]["drift"] == WITHOUT_UNMANAGED
    assert results["reported"]["drift"] == results["counted"]["drift"] == MISMATCHES
    facts = results["facts"]["ansible_facts"]
    assert facts["filtered"] == facts["of_hosts"] == WITHOUT_UNMANAGED
    assert facts["filtered_all"] == MISMATCHES
    assert facts["compliant"] == facts["hosts_compliant"] == ["A3"]


def test_only_unmanaged_drift_spoils_a_fleet_in_sync(workplace, shops):
    expectations = [{"match": {"id": "A1"}, "expect": {"whatsapp_connected": True}}]
    choices = {"ignore": (True, 0), "report": (True, 5), "drift": (False, 5)}
    tasks = [audit(unmanaged, unmanaged=unmanaged, expectations=expectations) for unmanaged in choices]
    outcome, results = workplace.play([{**task, "ignore_errors": True} for task in tasks])
    assert outcome.status == 0, outcome.output
    for unmanaged, (in_sync, rows) in choices.items():
        result = results[unmanaged]
        assert result["in_sync"] is in_sync
        assert result.get("failed", False) is not in_sync
        assert result["summary"]["compliance"] == 100.0
        assert len(result["drift"]) == rows


def test_a_failure_says_how_many_shows_ten_rows_and_counts_the_rest(workplace):
    with Emulator([row(f"B{number}", f"shop-{number}", whatsappConnected=False) for number in range(12)]) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        outcome, results = workplace.play(
            [{**audit(expectations=[{"expect": {"whatsapp_connected": True}}]), "ignore_errors": True}]
        )
    lines = results["audit"]["msg"].splitlines()
    assert outcome.status == 0, outcome.output
    assert lines[0] == "12 of 12 managed instances drifted (compliance 0.0 %)"
    assert lines[1] == "by attribute: whatsapp_connected 12"
    assert lines[2] == '- "shop-0" (B0): whatsapp_connected is false, expected true (expectation 1)'
    assert len(lines) == 13
    assert lines[-1] == "and 2 more: all rows are in the result key drift, which -v shows"
    assert len(results["audit"]["drift"]) == 12


def test_the_task_fails_on_drift_with_ansible_s_own_status(workplace, shops):
    outcome, _results = workplace.play([audit()])
    assert outcome.status == 2
    assert "5 of 5 managed instances drifted, 2 missing (compliance 0.0 %)" in outcome.output
    assert "before:" not in outcome.output


def test_check_mode_is_the_same_and_diff_shows_actual_and_expected_as_yaml(workplace, shops):
    tasks = [{**audit("hidden", fail_on_drift=False), "no_log": True}, audit("shown", fail_on_drift=False)]
    outcome, results = workplace.play(tasks, "--check", "--diff")
    assert outcome.status == 0, outcome.output
    assert results["shown"]["drift"] == WITHOUT_UNMANAGED
    _play, hidden, shown = outcome.output.split("TASK [zapi.zapi.instance_audit]")
    assert '--- before: actual, "shop-2" (A2)' in shown
    assert f'-webhooks.received_and_delivery: "{MASKED}"' in shown
    assert '+webhooks.received_and_delivery: "https://hooks.example.com/A2"' in shown
    assert "before:" not in hidden


def test_secrets_in_urls_are_shown_only_when_asked_for(workplace, shops):
    outcome, results = workplace.play(
        [audit(fail_on_drift=False), audit("shown", fail_on_drift=False, show_url_secrets=True)], "-vvvv", "--diff"
    )
    assert outcome.status == 0, outcome.output
    hidden = outcome.output.partition("TASK [zapi.zapi.instance_audit]")[2].rpartition("TASK [zapi.zapi.instance_audit]")[0]
    assert MASKED in hidden
    assert SECRET not in hidden
    assert [entry["actual"] for entry in results["shown"]["drift"] if entry["id"] == "A2"] == [OLD]
    for word in ("PAID", "NOSUCH", "no such shop"):
        assert word in hidden


def test_urls_that_differ_in_a_secret_only_say_so(workplace, shops):
    expectations = [{"match": {"id": "A2"}, "expect": {"webhooks": {"received_and_delivery": OLD.replace(SECRET, "another")}}}]
    outcome, results = workplace.play([audit(fail_on_drift=False, expectations=expectations)], "-vvv")
    [entry] = results["audit"]["drift"]
    assert entry["expected"] == entry["actual"] == MASKED
    assert "masked part" in entry["note"]
    assert "another" not in outcome.output


MISTAKES = [
    ([{"expect": {"whatsap_connected": True}}], "expectation 1: expect.*did you mean whatsapp_connected"),
    (
        [{"expect": {"days_left": 1}}, {"expect": {"webhooks": {"recieved": None}}}],
        "expectation 2: webhooks.*did you mean received",
    ),
    ([{"match": {"name": "x"}}], "expectation 1: has neither expect nor ignore"),
    ([], "expectations is an empty list"),
    ([{"match": {}, "expect": {"days_left": 1}}], "expectation 1: match is an empty mapping"),
    ([{"expect": {"whatsapp_connected": "maybe"}}], "whatsapp_connected must be true or false, not text"),
    ([{"expect": {"webhooks": {"received": "https://h/{token}"}}}], "brace"),
    ({"expect": {}}, "expectations must be a list, not a mapping"),
]


def test_a_mistake_is_refused_before_anything_is_asked(workplace, shops):
    doors = {
        "audit": {"zapi.zapi.instance_audit": {"expectations": "{{ expectations }}"}},
        "filter": {"ansible.builtin.set_fact": {"rows": "{{ [] | zapi.zapi.drift(expectations) }}"}},
        "test": {"ansible.builtin.set_fact": {"ok": "{{ instance is zapi.zapi.compliant(expectations) }}"}},
    }
    tasks = [
        {**task, "vars": {"expectations": expectations}, "register": f"{door}_{number}", "ignore_errors": True}
        for door, task in doors.items()
        for number, (expectations, _message) in enumerate(MISTAKES)
    ]
    instance = {"id": "A", "name": "", "due_timestamp": None, "webhooks": {}}
    _outcome, results = workplace.play(tasks, variables={"instance": instance})
    for door in doors:
        for number, (_expectations, message) in enumerate(MISTAKES):
            result = results[f"{door}_{number}"]
            assert result["failed"]
            assert re.search(message, result["msg"]), result["msg"]
    assert shops.requests == []


def test_a_webhook_that_is_not_https_is_warned_of(workplace, shops):
    expectations = [{"expect": {"webhooks": {"received": f"http://ana:{SECRET}@h/"}}}]
    filtered = {"ansible.builtin.set_fact": {"rows": "{{ [] | zapi.zapi.drift(expectations) }}"}, "register": "filter"}
    outcome, results = workplace.play(
        [audit(expectations=expectations, fail_on_drift=False), filtered], variables={"expectations": expectations}
    )
    assert outcome.status == 0, outcome.output
    assert "with an http URL, which sends messages unencrypted (http://***@h/)" in " ".join(results["audit"]["warnings"])
    assert outcome.words.count("with an http URL") >= 2
    assert SECRET not in outcome.output


# What incidents were about

CLOSED, FOREIGN, MISSED = "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F", "0A1B2C3D4E5F60718293A4B5C6D7E8F9", "5E6F708192A3B4C5D6E7F80912A3B4C5"
PATH_SECRET = "k7Jd0Qx3vB9mT2sLw8Zr"
INCIDENTS = [
    row(CLOSED, "Padaria Pa\u0303o Dourado", whatsappConnected=False),
    row(FOREIGN, "Loja 2", initialDataCallbackUrl=f"https://evil.example.net/hook/{PATH_SECRET}", paymentStatus="paid"),
    row(MISSED, "Loja 3", deliveryCallbackUrl=f"https://hooks.example.com/{MISSED}/{PATH_SECRET}"),
]
DECLARED = """
- name: The whole fleet
  expect:
    whatsapp_connected: true
    payment_status: PAID
    webhook_hosts: [hooks.example.com]
- name: Closed for the holidays
  match: {name: "Padaria P\u00e3o*"}
  ignore: [whatsapp_connected]
  until: 2099-03-01
- name: Was to end in March
  match: {name: "Loja *"}
  ignore: [payment_status]
  until: 2026-03-01
- name: Deliveries
  match: {id: 5E6F708192A3B4C5D6E7F80912A3B4C5}
  expect: {webhooks: {delivery: "https://hooks.example.com/{id}"}}
- name: Nobody is called so
  match: {name: "L\u00f3ja *"}
  expect: {phone_connected: true}
"""
PLAY = f"""
- hosts: localhost
  gather_facts: false
  vars:
    expectations: {DECLARED.replace(chr(10), chr(10) + "      ")}
  tasks:
    - zapi.zapi.instance_audit: {{expectations: "{{{{ expectations }}}}", fail_on_drift: false}}
      register: audit
    - zapi.zapi.instance_audit:
        expectations: "{{{{ expectations }}}}"
        fail_on_drift: false
        only: [{CLOSED}, "Padaria P\u00e3o Dourado"]
      register: only
    - zapi.zapi.instance_info:
      register: info
    - ansible.builtin.set_fact:
        rows: "{{{{ info.instances | zapi.zapi.drift(expectations) }}}}"
        compliant: "{{{{ info.instances | select('zapi.zapi.compliant', expectations) | map(attribute='id') }}}}"
    - ansible.builtin.debug:
        msg: "results={{{{ dict(audit=audit, only=only, rows=rows, compliant=compliant) | to_json | b64encode }}}}"
"""


def test_what_incidents_were_about_is_found_by_module_filter_and_test(workplace):
    workplace.write("play.yml", PLAY)
    with Emulator(INCIDENTS) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        outcome = workplace.run("ansible-playbook", "play.yml", "-vvv", "--diff")
    assert outcome.status == 0, outcome.output
    shown, _results, printed = outcome.stdout.partition("results=")
    results = json.loads(base64.b64decode(re.match(r"[\w+/=]+", printed).group()))
    audit = results["audit"]
    told = [
        (entry["id"], entry["attribute"], entry["actual"], entry["expectation_name"], entry["note"]) for entry in audit["drift"]
    ]
    assert told == [
        (FOREIGN, "payment_status", "paid", "The whole fleet", "only upper and lower case differ"),
        (FOREIGN, "webhook_hosts", ["evil.example.net"], "The whole fleet", "posted to by initial_data"),
        (MISSED, "webhooks.delivery", f"https://hooks.example.com/{MISSED}/***", "Deliveries", None),
    ]
    assert results["rows"] == audit["drift"]
    assert results["compliant"] == [CLOSED]
    assert results["only"]["in_sync"] is True
    assert results["only"]["summary"]["instances"] == 1
    assert results["only"]["msg"] == "1 of 1 managed instances are as declared, 0 unmanaged"
    ended, unmatched = audit["warnings"]
    assert ended.startswith('expectation 3, "Was to end in March" ended on 2026-03-01')
    assert unmatched == 'expectation 5, "Nobody is called so": the name "Lója *" matches no instance; the nearest name is "Loja 2"'
    assert not results["only"].get("warnings") or unmatched not in results["only"]["warnings"]
    # instance_info shows webhooks as they are: they were asked for.
    audited = shown.partition("zapi.zapi.instance_info")[0] + outcome.stderr
    assert PATH_SECRET not in audited
    assert "matches no instance" in outcome.words


def test_an_audit_of_nothing_fails_and_says_what_came(workplace, shops):
    nothing = {"expectations": [{"match": {"name": "Shop*"}, "expect": {"whatsapp_connected": True}}], "fail_on_drift": False}
    outcome, results = workplace.play([{**audit(**nothing), "ignore_errors": True}])
    assert results["audit"]["failed"]
    assert results["audit"]["msg"] == "no expectation matches any of the 6 instances: nothing was asserted"
    assert "the nearest name is" in outcome.words


def test_up_to_five_mistakes_are_told_at_once(workplace, shops):
    wrong = [{"expect": {"whatsap_connected": True, "days_left": "soon"}}, {"ignore": [], "until": "soon", "name": ""}]
    _outcome, results = workplace.play([{**audit(expectations=wrong), "ignore_errors": True}])
    message = results["audit"]["msg"]
    assert "\n" not in message
    for words in ("5 mistakes", "whatsapp_connected", "days_left", "ignore", "until", "name"):
        assert words in message
