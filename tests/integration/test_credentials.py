# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A fleet without a partner token, its settings and muted webhooks, and what is wrong with credentials: through every door."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import found, found_in_files
from ansible_collections.zapi.zapi.tests.integration.raw_server import RawServer, json_answer

CLIENT_TOKEN = "F8-client-token-of-the-account"
HOOK = "https://hooks.example.com/{id}"


def token_of(identity):
    return f"1nst4nce-token-of-{identity}"


def row(identity, name, **fields):
    me = {"autoReadMessage": False, "receiveCallbackSentByMe": True, "callbackTypeFilters": [], "messageFilters": []}
    return {
        "id": identity,
        "name": name,
        "token": token_of(identity),
        "tenant": "acme",
        "middleware": "web",
        "paymentStatus": "PAID",
        "due": 1798761599000,
        "created": "2025-02-03T14:00:00Z",
        "whatsappConnected": True,
        "phoneConnected": True,
        "receivedCallbackUrl": f"https://hooks.example.com/{identity}",
        **fields,
        "_me": {**me, **fields.get("_me", {})},
    }


ROWS = [
    row("A1", "shop-1"),
    row("B2", "shop-2", whatsappConnected=False, _me={"autoReadMessage": True}),
    row("C3", "shop 3", phoneConnected=False, _me={"callbackTypeFilters": ["FILTER_RECEIVED_CALLBACK"]}),
]
IDS = [one["id"] for one in ROWS]
CREDENTIALS = [{"id": identity, "token": token_of(identity)} for identity in IDS]
TOKENS = [token_of(identity) for identity in IDS]
# What is wrong with this fleet: B2 marks messages as read, and C3's webhook is muted.
EXPECTATIONS = [{"expect": {"webhooks": {"received": HOOK}, "settings": {"auto_read_message": False}}}]
DRIFT = [("B2", "settings.auto_read_message"), ("C3", "webhooks.received")]


@pytest.fixture
def account(workplace):
    """An emulator with three instances, of whose tokens the environment knows none."""
    with Emulator(ROWS) as running:
        workplace.environment["ZAPI_API_URL"] = running.url
        yield running


def lookup(arguments="", filters=""):
    return {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances'%s)%s }}" % (arguments and f", {arguments}", filters)}}


def registered(tasks, **more):
    return [{**task, "register": name, **more} for name, task in tasks.items()]


def attributes(rows):
    return [(one["id"], one["attribute"]) for one in rows]


def calls(emulator):
    """How often each instance was asked, by its id and the call; None stands for a listing."""
    return Counter((entry["instance"], entry["call"]) for entry in emulator.requests)


def vaulted(workplace, **secrets):
    """Return the arguments that open the vault, and secrets as YAML, encrypted."""
    password = workplace.write("password", "of-the-vault")
    texts = {}
    for name, secret in secrets.items():
        done = workplace.run("ansible-vault", "encrypt_string", "--vault-password-file", password, secret)
        texts[name] = "\n".join(
            [done.stdout.splitlines()[0], *(f"        {line.strip()}" for line in done.stdout.splitlines()[1:])]
        )
    return ("--vault-password-file", password), texts


def credentials_yaml(name, entries):
    return f"{name}:\n" + "".join(f"  - id: {identity}\n    token: {token}\n" for identity, token in entries.items())


# The same fleet, either way


def test_the_fleet_is_the_same_by_partner_token_and_by_credentials(workplace, account):
    tasks = {
        "partner": lookup("include_settings=true, partner_token=token"),
        "option": lookup("credentials=given"),
        "variable": {**lookup(), "vars": {"zapi_credentials": "{{ given }}"}},
        "templated": {
            **lookup(),
            "vars": {"zapi_credentials": [{"id": identity, "token": "{{ '%s' }}" % token_of(identity)} for identity in IDS]},
        },
        "term": {**lookup(), "vars": {"zapi_credentials": "{{ given }}"}},
        "info": {"zapi.zapi.instance_info": {"credentials": "{{ given }}"}},
        "info_of_one": {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "id": "B2"}},
        "info_by_name": {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "name": "shop 3"}},
        "info_of_none": {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "id": "NONE"}},
        "info_with_token": {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "include_token": True}},
    }
    tasks["term"]["ansible.builtin.debug"] = {"msg": "{{ query('zapi.zapi.instances', 'shop 3', 'A1') }}"}
    extra = workplace.write("extra.json", {"given": CREDENTIALS, "token": account.partner_token})
    outcome, results = workplace.play(registered(tasks), "-e", f"@{extra}")
    assert outcome.status == 0, outcome.output
    partner = results["partner"]["msg"]
    assert [one["id"] for one in partner] == IDS
    assert partner[2]["settings"]["muted_webhooks"] == ["received"]
    assert partner[0]["settings"]["call_reject_auto"] is None
    assert "settings.call_reject_auto" in partner[0]["unknown"]
    fleet = [{**one, "middleware": None, "tenant": None, "unknown": sorted({*one["unknown"], "middleware"})} for one in partner]
    for name in ("option", "variable", "templated"):
        assert results[name]["msg"] == fleet, name
    assert results["term"]["msg"] == [fleet[2], fleet[0]]
    assert results["info"]["instances"] == fleet
    assert results["info_of_one"]["instances"] == [fleet[1]]
    assert results["info_by_name"]["instances"] == [fleet[2]]
    assert results["info_of_none"]["instances"] == []
    assert results["info_with_token"]["instances"] == [{**one, "token": token_of(one["id"])} for one in fleet]


@pytest.mark.slow
def test_with_an_id_only_that_instance_is_asked(workplace, account):
    task = {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "id": "B2"}}
    outcome, results = workplace.play(registered({"info": task}), variables={"given": CREDENTIALS})
    assert outcome.status == 0, outcome.output
    assert results["info"]["total"] == 1
    assert calls(account) == {("B2", "me"): 1, ("B2", "status"): 1}


def test_requests_carry_what_opens_them_and_nothing_else(workplace):
    """The partner token is never sent with an instance's call, nor the Client-Token with a listing."""

    def answer(request, line):
        path = request.target.partition("?")[0]
        me = {"id": "A1", "name": "shop", "autoReadMessage": True}
        page = {"total": 1, "totalPage": 1, "pageSize": 100, "page": 1, "content": [{**me, "token": token_of("A1")}]}
        page["content"][0].pop("autoReadMessage")
        line.write(json_answer({"/instances": page}.get(path) or (me if path.endswith("/me") else {"connected": True})))
        return True

    tasks = {
        "partner": {"zapi.zapi.instance_info": {"include_settings": True}},
        "info": {"zapi.zapi.instance_info": {"credentials": CREDENTIALS[:1]}},
        "looked_up": lookup("credentials=[{'id': 'A1', 'token': token}]"),
    }
    with RawServer(answer) as server:
        environment = {"ZAPI_API_URL": server.url(), "ZAPI_PARTNER_TOKEN": "partner-token", "ZAPI_CLIENT_TOKEN": CLIENT_TOKEN}
        outcome, results = workplace.play(registered(tasks), variables={"token": token_of("A1")}, **environment)
    assert outcome.status == 0, outcome.output
    assert not server.failures
    assert results["partner"]["instances"][0]["settings"]["auto_read_message"] is True
    own = [request for request in server.requests if "/token/" in request.target]
    listings = [request for request in server.requests if request not in own]
    assert len(own) == 5
    assert len(listings) == 1
    for request in own:
        assert "authorization" not in request.headers
        assert request.headers["client-token"] == CLIENT_TOKEN
    for request in listings:
        assert request.headers["authorization"] == "Bearer partner-token"
        assert "client-token" not in request.headers
    for request in server.requests:
        assert request.headers["user-agent"].startswith("ansible-zapi/")
        assert request.headers["cache-control"] == "no-cache"


@pytest.mark.slow
def test_vaulted_and_templated_tokens_are_opened_in_every_door(workplace, account):
    arguments, secrets = vaulted(workplace, of_b2=token_of("B2"))
    entries = {"A1": '"{{ token_of_a1 }}"', "B2": secrets["of_b2"], "C3": token_of("C3")}
    workplace.write("extra.yml", f"token_of_a1: {token_of('A1')}\n" + credentials_yaml("zapi_credentials", entries))
    arguments = (*arguments, "-e", "@extra.yml")
    tasks = {
        "variable": lookup(filters=" | map(attribute='id')"),
        "option": lookup("credentials=zapi_credentials", " | map(attribute='id')"),
        "info": {"zapi.zapi.instance_info": {"credentials": "{{ zapi_credentials }}"}},
        "audit": {
            "zapi.zapi.instance_audit": {
                "credentials": "{{ zapi_credentials }}",
                "expectations": EXPECTATIONS,
                "fail_on_drift": False,
            }
        },
    }
    outcome, results = workplace.play(registered(tasks), *arguments)
    assert outcome.status == 0, outcome.output
    assert list(results["variable"]["msg"]) == list(results["option"]["msg"]) == IDS
    assert [one["id"] for one in results["info"]["instances"]] == IDS
    assert attributes(results["audit"]["drift"]) == DRIFT
    by_variable, hosts, _groups = workplace.inventory({}, *arguments)
    assert list(hosts) == ["shop-1", "shop-2", "shop_3"], by_variable.output
    # In the file itself
    source = workplace.write("own.zapi.yml", "plugin: zapi.zapi.instances\n" + credentials_yaml("credentials", entries))
    workplace.write("token.yml", f"token_of_a1: {token_of('A1')}\n")
    listed = workplace.run("ansible-inventory", "-i", source, "--graph", "-vvvv", *arguments[:2], "-e", "@token.yml")
    assert listed.status == 0, listed.output
    assert [name in listed.stdout for name in ("--shop-1", "--shop-2", "--shop_3")] == [True] * 3
    assert not found(TOKENS, outcome.output + by_variable.output + listed.output)


@pytest.mark.slow
def test_filter_and_test_judge_instances_and_hosts_read_by_credentials(workplace, account):
    tasks = {
        "filter": lookup(filters=" | zapi.zapi.drift(expectations)"),
        "test": lookup(filters=" | reject('zapi.zapi.compliant', expectations) | map(attribute='id')"),
        "hosts": {
            "ansible.builtin.debug": {"msg": "{{ groups['zapi'] | map('extract', hostvars) | zapi.zapi.drift(expectations) }}"}
        },
        "host": {
            "ansible.builtin.debug": {
                "msg": "{{ groups['zapi'] | map('extract', hostvars) | reject('zapi.zapi.compliant', expectations) | map(attribute='zapi_id') }}"
            }
        },
        "audit": {
            "zapi.zapi.instance_audit": {
                "credentials": "{{ zapi_credentials }}",
                "expectations": EXPECTATIONS,
                "fail_on_drift": False,
            }
        },
    }
    source = workplace.write("fleet.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances"}))
    extra = workplace.write("extra.json", {"zapi_credentials": CREDENTIALS, "expectations": EXPECTATIONS})
    outcome, results = workplace.play(registered(tasks), "-i", source, "-e", f"@{extra}")
    assert outcome.status == 0, outcome.output
    assert results["audit"]["drift"] == results["filter"]["msg"] == results["hosts"]["msg"]
    assert attributes(results["audit"]["drift"]) == DRIFT
    assert "muted" in results["audit"]["drift"][1]["note"]
    assert list(results["test"]["msg"]) == list(results["host"]["msg"]) == ["B2", "C3"]
    assert results["audit"]["summary"]["unverified"] == 0


@pytest.mark.slow
def test_module_defaults_take_the_credentials(workplace, account):
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {
            "group/zapi.zapi.zapi": {"credentials": "{{ given }}", "client_token": CLIENT_TOKEN, "api_url": account.url}
        },
        "tasks": [
            {"zapi.zapi.instance_info": {}, "register": "info", "failed_when": "info.total != 3"},
            {"zapi.zapi.instance_audit": {"expectations": [{"expect": {"payment_status": "PAID"}}]}},
        ],
    }
    workplace.write("defaults.yml", yaml.safe_dump([play]))
    extra = workplace.write("extra.json", {"given": CREDENTIALS})
    outcome = workplace.run("ansible-playbook", "defaults.yml", "-e", f"@{extra}", ZAPI_API_URL="http://127.0.0.1:9")
    assert outcome.status == 0, outcome.output
    assert {entry["client_token"] for entry in account.requests} == {"not needed"}


# The Client-Token


@pytest.fixture
def guarded(workplace):
    """An emulator that demands a Client-Token."""
    with Emulator(ROWS, client_token=CLIENT_TOKEN) as running:
        workplace.environment["ZAPI_API_URL"] = running.url
        yield running


@pytest.mark.slow
def test_the_client_token_comes_by_option_variable_and_environment(workplace, guarded):
    audit = {"credentials": "{{ zapi_credentials }}", "expectations": [{"expect": {"payment_status": "PAID"}}]}
    templated = {"zapi_client_token": "{{ 'F8-client' }}{{ '-token-of-the-account' }}"}
    tasks = {
        "option": lookup("client_token=given", " | length"),
        "variable": {**lookup(filters=" | length"), "vars": templated},
        "info": {"zapi.zapi.instance_info": {"credentials": "{{ zapi_credentials }}", "client_token": "{{ given }}"}},
        "audit": {"zapi.zapi.instance_audit": {**audit, "client_token": "{{ given }}"}},
        "partner": {
            "zapi.zapi.instance_info": {
                "partner_token": guarded.partner_token,
                "include_settings": True,
                "client_token": "{{ given }}",
            }
        },
    }
    extra = workplace.write("extra.json", {"zapi_credentials": CREDENTIALS, "given": CLIENT_TOKEN})
    outcome, results = workplace.play(registered(tasks), "-e", f"@{extra}", "-vvvv")
    assert outcome.status == 0, outcome.output
    assert str(results["option"]["msg"]) == str(results["variable"]["msg"]) == "3"
    environment = {"ZAPI_CLIENT_TOKEN": CLIENT_TOKEN}
    tasks = {
        "looked_up": lookup(filters=" | length"),
        "info": {"zapi.zapi.instance_info": {"credentials": "{{ zapi_credentials }}"}},
        "audit": {"zapi.zapi.instance_audit": audit},
    }
    by_environment, results = workplace.play(registered(tasks), "-e", f"@{extra}", "-vvvv", **environment)
    assert by_environment.status == 0, by_environment.output
    assert str(results["looked_up"]["msg"]) == "3"
    listed, hosts, _groups = workplace.inventory({}, "-e", f"@{extra}", "-vvvv", **environment)
    assert len(hosts) == 3, listed.output
    templated = {"client_token": "{{ given }}"}
    listed_too, hosts, _groups = workplace.inventory(templated, "-e", f"@{extra}", "-vvvv")
    assert len(hosts) == 3, listed_too.output
    assert not found([*TOKENS, CLIENT_TOKEN], outcome.output + by_environment.output + listed.output + listed_too.output)
    assert {entry["client_token"] for entry in guarded.requests} <= {"right", "not needed", "missing"}
    assert not [entry for entry in guarded.requests if entry["instance"] and entry["client_token"] != "right"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "message"),
    [(None, "the server demands a Client-Token"), ("wr0ng-client-token", "the Client-Token is missing or wrong")],
    ids=["missing", "wrong"],
)
def test_a_missing_or_wrong_client_token_is_told_as_one_and_refuses_no_credential(workplace, guarded, given, message):
    options = {"credentials": "{{ zapi_credentials }}", **({"client_token": given} if given else {})}
    tasks = {
        "looked_up": lookup("client_token=given" if given else ""),
        "info": {"zapi.zapi.instance_info": options},
        "audit": {"zapi.zapi.instance_audit": {**options, "expectations": EXPECTATIONS}},
    }
    extra = workplace.write("extra.json", {"zapi_credentials": CREDENTIALS, "given": given})
    outcome, results = workplace.play(registered(tasks, ignore_errors=True), "-e", f"@{extra}")
    listed, hosts, _groups = workplace.inventory({"client_token": given} if given else {}, "-e", f"@{extra}")
    assert hosts == {}
    assert len(results) == len(tasks), outcome.output
    # A warning may be wrapped at a hyphen.
    for said in (*(result["msg"] for result in results.values()), listed.words.replace("Client- Token", "Client-Token")):
        assert message in said
        assert "client_token" in said
        assert "ZAPI_CLIENT_TOKEN" in said
    assert not found([*TOKENS, CLIENT_TOKEN, "wr0ng-client-token"], str(results) + listed.output)


# Refused credentials

REFUSED = [*CREDENTIALS, {"id": "D4", "token": "wr0ng-token-of-D4"}, {"id": "E5", "token": "wr0ng-token-of-E5"}]
SECRETS_OF_REFUSED = [entry["token"] for entry in REFUSED]


def fail_by_every_door(workplace, credentials, expectations=None, **options):
    """Return what the lookup, the module and the inventory say, and the result of the audit."""
    tasks = {
        "looked_up": lookup(),
        "info": {"zapi.zapi.instance_info": {"credentials": "{{ zapi_credentials }}", **options}},
        "audit": {
            "zapi.zapi.instance_audit": {
                "credentials": "{{ zapi_credentials }}",
                "expectations": expectations or EXPECTATIONS,
                **options,
            }
        },
    }
    extra = workplace.write("extra.json", {"zapi_credentials": credentials})
    outcome, results = workplace.play(registered(tasks, ignore_errors=True), "-vvvv", "-e", f"@{extra}")
    assert len(results) == len(tasks), outcome.output
    listed, hosts, _groups = workplace.inventory({}, "-vvvv", "-e", f"@{extra}")
    assert hosts == {}
    assert all(results[name]["failed"] for name in ("looked_up", "info"))
    assert not found([entry["token"] for entry in credentials], outcome.output + str(results) + listed.output)
    return [results["looked_up"]["msg"], results["info"]["msg"], listed.words], results["audit"]


def test_refused_credentials_are_missing_in_the_audit_and_elsewhere_all_named_at_once(workplace, account):
    expectations = [*EXPECTATIONS, {"match": {"id": "D4"}, "expect": {"payment_status": "PAID"}}]
    said, audit = fail_by_every_door(workplace, REFUSED, expectations)
    for message in said:
        assert "the server refuses 2 of 5 credentials, those of D4, E5" in message
        assert "GET /instances/D4/me" in message
        assert "api_url" not in message
    missing = [one for one in audit["drift"] if one["kind"] == "missing"]
    assert [(one["id"], one["expectation"]) for one in missing] == [("D4", 2), ("E5", None)]
    for one in missing:
        assert f"GET /instances/{one['id']}/" in one["note"]
        assert "status 404" in one["note"]
    assert attributes(audit["drift"])[:2] == DRIFT
    assert (audit["summary"]["instances"], audit["summary"]["missing"], audit["failed"]) == (3, 2, True)
    assert 'no instance has id "E5"' in audit["msg"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [401, 403])
def test_401_and_403_with_a_json_error_refuse_as_well(workplace, account, code):
    account.set_faults([f"status,code={code},message=not yours,instance=B2,echo_token=true"])
    said, audit = fail_by_every_door(workplace, CREDENTIALS)
    assert all("the server refuses 1 of 3 credentials, those of B2" in message for message in said)
    assert [one["id"] for one in audit["drift"] if one["kind"] == "missing"] == ["B2"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [403, 404])
def test_a_web_page_refuses_no_credential(workplace, account, code):
    account.set_faults([f"status,code={code},html=true,instance=B2"])
    said, audit = fail_by_every_door(workplace, CREDENTIALS)
    for message in (*said, audit["msg"]):
        assert "credentials, those of" not in message
        assert f"status {code}" in message
        assert "GET /instances/B2/" in message
    assert "drift" not in audit


@pytest.mark.slow
def test_where_all_are_refused_the_address_may_be_wrong(workplace, account):
    account.set_faults(["status,code=404"])
    said, audit = fail_by_every_door(workplace, CREDENTIALS)
    for message in said:
        assert "the server refuses 3 of 3 credentials, those of A1, B2, C3" in message
        assert "check api_url as well" in message
    assert [one["id"] for one in audit["drift"]] == IDS
    assert all("check api_url as well" in one["note"] for one in audit["drift"])
    assert audit["summary"]["compliance"] == 0.0


# Bad input

SECRET = "s3cr3t-of-a-slip"
NUMBER = "73481290561"
SHORT = "q7x~z"  # too short for the search in every form
GOOD = {"id": "A1", "token": f"{SECRET}-1"}
# What is given, and what every door says. No message, log or file repeats anything of it but the ids.
SLIPS = {
    "mapping": ({"A1": SECRET}, "credentials must be a list, with an entry {id: …, token: …} for each instance"),
    "one entry": (GOOD, "credentials must be a list, with an entry {id: …, token: …} for each instance"),
    "text": (f"A1 {SECRET}", "credentials must be a list, with an entry {id: …, token: …} for each instance"),
    "number": (int(NUMBER), "credentials must be a list, with an entry {id: …, token: …} for each instance"),
    "empty list": ([], "credentials is an empty list: give an entry {id: …, token: …} for each instance, or leave it out"),
    "list of texts": ([f"A1:{SECRET}"], "credentials: entry 1 must be a mapping with the keys id and token, and no others"),
    "nested list": ([[GOOD]], "credentials: entry 1 must be a mapping with the keys id and token, and no others"),
    "wrong key": (
        [{"id": "A1", "tokn": SECRET}],
        "credentials: entry 1 must be a mapping with the keys id and token, and no others",
    ),
    "id as key": ([GOOD, {"A1": SECRET}], "credentials: entry 2 must be a mapping with the keys id and token, and no others"),
    "secret as key": ([{SECRET: "A1"}], "credentials: entry 1 must be a mapping with the keys id and token, and no others"),
    "one key more": (
        [{**GOOD, "note": SECRET}],
        "credentials: entry 1 must be a mapping with the keys id and token, and no others",
    ),
    "no token": ([GOOD, {"id": "B2"}], "credentials: entry 2 (B2) has no token: write {id: …, token: …}"),
    "null token": ([{"id": "B2", "token": None}], "credentials: entry 1 (B2) has no token: write {id: …, token: …}"),
    "no id": ([{"token": SECRET}], "credentials: entry 1 has no id: write {id: …, token: …}"),
    "number for a token": (
        [{"id": "A1", "token": int(NUMBER)}],
        "credentials: entry 1 (A1): the token must be text: put it in quotes",
    ),
    "number for an id": ([{"id": 11, "token": SECRET}], "credentials: entry 1: the id must be text: put it in quotes"),
    "list for a token": ([{"id": "A1", "token": [SECRET]}], "credentials: entry 1 (A1): the token must be text: put it in quotes"),
    "mapping for a token": ([{"id": "A1", "token": {SECRET: SECRET}}], "credentials: entry 1 (A1): the token must be text"),
    "blank token": ([{"id": "A1", "token": " \t"}], "credentials: entry 1 (A1): the token is empty: write {id: …, token: …}"),
    "blank id": ([{"id": " ", "token": SECRET}], "credentials: entry 1: the id is empty: write {id: …, token: …}"),
    "white space in a token": (
        [{"id": "A1", "token": f"{SECRET} {SECRET}"}],
        "credentials: entry 1 (A1): the token holds white space",
    ),
    "short token": ([{"id": "A1", "token": SHORT}], "credentials: entry 1 (A1): the token has fewer than 8 characters"),
    "an id twice": ([GOOD, {"id": "B2", "token": SECRET}, GOOD], "credentials: entries 1 and 3 have the same id A1: leave one out"),
}
SYSLOG = "import syslog\nsyslog.syslog = lambda *said: open(%r, 'a').write(repr(said))\n"


def leaked(text):
    return [*found([SECRET, NUMBER], text), *([SHORT] if SHORT in text else [])]


@pytest.fixture
def recorded(workplace):
    """A workplace whose commands keep a log, and whose modules tell a stand-in for the system's log, in files of it."""
    workplace.write("site/sitecustomize.py", SYSLOG % str(workplace.folder / "syslog"))
    python_path = ":".join(filter(None, (str(workplace.folder / "site"), workplace.environment.get("PYTHONPATH"))))
    # Without pipelining, which is Ansible's default: modules and their arguments are files for a moment.
    workplace.environment.update(ANSIBLE_LOG_PATH="ansible.log", ANSIBLE_PIPELINING="0", PYTHONPATH=python_path)
    return workplace


@pytest.mark.slow
@pytest.mark.unmeasured
def test_no_door_repeats_mistyped_credentials_and_all_say_the_same_of_them(recorded, account):
    tasks = {}
    for name in SLIPS:
        slip = f"slips['{name}']"
        key = name.replace(" ", "_")
        tasks[f"option_{key}"] = lookup(f"credentials={slip}")
        tasks[f"variable_{key}"] = {**lookup(), "vars": {"zapi_credentials": "{{ %s }}" % slip}}
        tasks[f"info_{key}"] = {"zapi.zapi.instance_info": {"credentials": "{{ %s }}" % slip}}
        tasks[f"audit_{key}"] = {"zapi.zapi.instance_audit": {"credentials": "{{ %s }}" % slip, "expectations": EXPECTATIONS}}
        if name in list(SLIPS)[:4]:
            # Where ansible-core itself refuses the task, it has seen the credentials as well.
            tasks[f"refused_{key}"] = {"zapi.zapi.instance_info": {"credentials": "{{ %s }}" % slip, "page_size": "x"}}
            tasks[f"unknown_{key}"] = {"zapi.zapi.instance_info": {"credentials": "{{ %s }}" % slip, "no_such_option": 1}}
    inputs = [recorded.write("extra.json", {"slips": {name: value for name, (value, _message) in SLIPS.items()}})]
    outcome, results = recorded.play(registered(tasks, ignore_errors=True), "-vvvv", "-e", "@extra.json")
    assert len(results) == len(tasks), outcome.output[-3000:]
    for name, (_value, message) in SLIPS.items():
        for door in ("option", "variable", "info", "audit"):
            result = results[f"{door}_{name.replace(' ', '_')}"]
            assert result["failed"], (door, name)
            assert message in result["msg"], (door, name)
            assert "\n" not in result["msg"].strip(), (door, name)
    for name, result in results.items():
        if name.startswith(("refused_", "unknown_")):
            assert ("page_size" if name.startswith("refused_") else "no_such_option") in result["msg"]
    assert not account.requests
    assert not leaked(outcome.output + str(results))
    assert "page_size" in (recorded.folder / "syslog").read_text(encoding="utf-8")
    assert not found_in_files([SECRET, NUMBER], recorded.folder, inputs)


@pytest.mark.slow
@pytest.mark.unmeasured
def test_the_inventory_repeats_no_mistyped_credentials_either(recorded, account):
    """Every slip is a source of its own, as it stands in the file and as a variable brings it."""
    inputs = [recorded.write("extra.json", {"slips": {name: value for name, (value, _message) in SLIPS.items()}})]
    for number, (name, (value, _message)) in enumerate(SLIPS.items()):
        for kind, credentials in (("written", value), ("templated", "{{ slips['%s'] }}" % name)):
            source = {"plugin": "zapi.zapi.instances", "credentials": credentials}
            inputs.append(recorded.write(f"{kind}{number}.zapi.yml", yaml.safe_dump(source)))
    sources = [argument for path in inputs[1:] for argument in ("-i", path.name)]
    outcome = recorded.run("ansible-inventory", *sources, "--graph", "-vvvv", "-e", "@extra.json")
    # Of the same words for two sources, Ansible prints the first.
    for path in inputs[1:]:
        assert f"/{path.name} as an inventory source" in outcome.words
    for name, (_value, message) in SLIPS.items():
        assert message in outcome.words, name
    assert not account.requests
    assert not leaked(outcome.output)
    assert not found_in_files([SECRET, NUMBER], recorded.folder, inputs)


@pytest.mark.slow
def test_what_goes_with_credentials_and_what_is_missing_without(workplace, account):
    without = (
        "partner_token is missing: set the option, the environment variable ZAPI_PARTNER_TOKEN, or the variable zapi_partner_token "
        "(which lookup, inventory and playbooks read); or give credentials (variable zapi_credentials), a list of {id, token}"
    )
    narrowed = "{} narrows a partner's listing, and with credentials there is none: leave it out"
    faults = {"nothing": ({}, without)}
    for name, value in (("query", "shop"), ("middleware", "web")):
        faults[name] = ({name: value, "credentials": CREDENTIALS}, narrowed.format(name))
    tasks = {}
    for name, (options, _message) in faults.items():
        arguments = ", ".join(
            f"{option}={'given' if option == 'credentials' else repr(value)}" for option, value in options.items()
        )
        tasks[f"{name}_lookup"] = lookup(arguments)
        tasks[f"{name}_info"] = {"zapi.zapi.instance_info": options}
        tasks[f"{name}_audit"] = {"zapi.zapi.instance_audit": {**options, "expectations": EXPECTATIONS}}
    match = [{"match": {"middleware": "web"}, "expect": {"payment_status": "PAID"}}]
    tasks["match"] = {"zapi.zapi.instance_audit": {"credentials": CREDENTIALS, "expectations": match}}
    outcome, results = workplace.play(registered(tasks, ignore_errors=True), variables={"given": CREDENTIALS})
    assert len(results) == len(tasks), outcome.output
    for name, (options, message) in faults.items():
        said = [results[f"{name}_{door}"]["msg"] for door in ("lookup", "info", "audit")]
        listed, hosts, _groups = workplace.inventory(options)
        assert hosts == {}
        assert said[1] == said[2] == message
        assert message in said[0]
        assert message in listed.words
    assert "middleware" in results["match"]["msg"]
    assert "credentials" in results["match"]["msg"]
    assert not account.requests


@pytest.mark.slow
def test_a_template_in_a_credential_that_fails_is_not_quoted(workplace, account):
    broken = [{"id": "A1", "token": f"{SECRET}{{{{ not_there }}}}"}]
    outcome, results = workplace.play(
        registered({"looked_up": {**lookup(), "vars": {"zapi_credentials": broken}}}, ignore_errors=True), "-vvvv"
    )
    listed, hosts, _groups = workplace.inventory({"credentials": broken}, "-vvvv")
    assert hosts == {}
    problem = "the template of credentials ({}) could not be filled in: a variable in it is not defined"
    assert problem.format("variable zapi_credentials") in results["looked_up"]["msg"]
    assert problem.format("inventory file") in listed.words
    assert not found([SECRET], outcome.output + str(results) + listed.output)


@pytest.mark.slow
def test_what_looks_like_a_template_in_an_argument_stays_text(workplace, account):
    marker = workplace.folder / "evaluated"
    token = "{{lookup('pipe','touch\\x20%s')}}" % marker
    tasks = {"looked_up": lookup("credentials=[{'id': 'A1', 'token': extra_token}]")}
    extra = workplace.write("extra.yml", "extra_token: !unsafe " + json.dumps(token) + "\n")
    outcome, results = workplace.play(registered(tasks, ignore_errors=True), "-e", f"@{extra}")
    assert len(results) == 1, outcome.output
    assert "those of A1" in results["looked_up"]["msg"]
    assert not marker.exists()


# The cache


@pytest.mark.slow
def test_the_cache_holds_no_token_and_other_credentials_make_another_entry(workplace, account):
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
    for round_number in (1, 2):
        for credentials in (CREDENTIALS[:2], CREDENTIALS):
            extra = workplace.write("extra.json", {"zapi_credentials": credentials})
            _outcome, hosts, _groups = workplace.inventory(cache, "-e", f"@{extra}")
            assert len(hosts) == len(credentials), round_number
    # 2 instances, then 3, by two calls each, and none in the second round
    assert sum(calls(account).values()) == 10
    kept = [path for path in (workplace.folder / "cache").rglob("*") if path.is_file()]
    assert len(kept) >= 1
    assert not found_in_files(TOKENS, workplace.folder / "cache")
    # Another token for the same id is another entry: who may not read an instance is not told of it.
    extra = workplace.write(
        "extra.json", {"zapi_credentials": [*CREDENTIALS[:1], {**CREDENTIALS[1], "token": "wr0ng-token-of-B2"}]}
    )
    outcome, hosts, _groups = workplace.inventory(cache, "-e", f"@{extra}")
    assert hosts == {}
    assert "those of B2" in outcome.words


# Settings


@pytest.mark.slow
def test_only_instances_of_which_an_item_names_a_setting_are_asked(workplace, account):
    workplace.environment["ZAPI_PARTNER_TOKEN"] = account.partner_token
    some = [
        {"expect": {"payment_status": "PAID"}},
        {"match": {"name": "shop-*"}, "expect": {"settings": {"auto_read_message": False}}},
        {"match": {"id": "A1"}, "ignore": ["settings"]},
    ]
    for expectations, asked in ((EXPECTATIONS, ["A1", "B2", "C3"]), (some, ["B2"]), (some[:1], [])):
        account.clear_requests()
        task = {"zapi.zapi.instance_audit": {"expectations": expectations, "fail_on_drift": False}}
        outcome, results = workplace.play(registered({"audit": task}))
        assert outcome.status == 0, outcome.output
        assert calls(account) == {(None, None): 1, **{(identity, "me"): 1 for identity in asked}}
        wanted = {"settings.auto_read_message": 1} if asked else {}
        assert {k: v for k, v in results["audit"]["summary"]["mismatches"].items() if k != "webhooks.received"} == wanted


@pytest.mark.slow
def test_settings_are_asked_for_where_they_are_wanted(workplace, account):
    workplace.environment["ZAPI_PARTNER_TOKEN"] = account.partner_token
    tasks = {
        "plain": {"zapi.zapi.instance_info": {}},
        "told": {"zapi.zapi.instance_info": {"include_settings": True}},
        "looked_up": lookup("include_settings=true"),
        "plain_lookup": lookup(),
    }
    outcome, results = workplace.play(registered(tasks))
    assert outcome.status == 0, outcome.output
    assert calls(account) == {(None, None): 4, ("A1", "me"): 2, ("B2", "me"): 2, ("C3", "me"): 2}
    for fleet in (results["plain"]["instances"], results["plain_lookup"]["msg"]):
        assert [one["settings"]["auto_read_message"] for one in fleet] == [None] * 3
        assert all("settings.auto_read_message" in one["unknown"] for one in fleet)
    for fleet in (results["told"]["instances"], results["looked_up"]["msg"]):
        assert [one["settings"]["auto_read_message"] for one in fleet] == [False, True, False]
        assert [one["settings"]["muted_webhooks"] for one in fleet] == [[], [], ["received"]]
        assert not any("settings.auto_read_message" in one["unknown"] for one in fleet)


def test_a_muted_webhook_is_drift_unless_it_is_declared_so(workplace, account):
    muted_declared = [{"expect": {"webhooks": {"received": HOOK}, "settings": {"muted_webhooks": ["received"]}}}]
    tasks = {}
    for name, expectations in (("plain", "plain"), ("declared", "declared")):
        given = "{{ %s }}" % expectations
        tasks[f"{name}_audit"] = {
            "zapi.zapi.instance_audit": {"credentials": CREDENTIALS, "expectations": given, "fail_on_drift": False, "only": ["C3"]}
        }
        tasks[f"{name}_filter"] = lookup("'C3', credentials=given", f" | zapi.zapi.drift({expectations})")
        tasks[f"{name}_test"] = lookup("'C3', credentials=given", f" | select('zapi.zapi.compliant', {expectations}) | length")
    variables = {"given": CREDENTIALS, "plain": [{"expect": {"webhooks": {"received": HOOK}}}], "declared": muted_declared}
    outcome, results = workplace.play(registered(tasks), variables=variables)
    assert outcome.status == 0, outcome.output
    [drifted] = results["plain_audit"]["drift"]
    assert (drifted["attribute"], drifted["expected"], drifted["actual"]) == ("webhooks.received",) + (
        "https://hooks.example.com/C3",
    ) * 2
    assert "muted" in drifted["note"]
    assert results["plain_filter"]["msg"] == [drifted]
    assert str(results["plain_test"]["msg"]) == "0"
    assert results["declared_audit"]["in_sync"]
    assert list(results["declared_filter"]["msg"]) == []
    assert str(results["declared_test"]["msg"]) == "1"


@pytest.mark.slow
def test_a_partner_s_audit_counts_the_instances_whose_filters_nobody_knows(workplace, account):
    workplace.environment["ZAPI_PARTNER_TOKEN"] = account.partner_token
    expectations = [{"match": {"name": "shop-*"}, "expect": {"webhooks": {"received": HOOK}}}]
    outcome, results = workplace.play(registered({"audit": {"zapi.zapi.instance_audit": {"expectations": expectations}}}))
    assert outcome.status == 0, outcome.output
    assert results["audit"]["summary"]["unverified"] == 2
    assert calls(account) == {(None, None): 1}


# Listing twice


@pytest.mark.slow
def test_list_twice_finds_what_counting_does_not_through_every_door(workplace):
    """An instance goes before page 2 is asked for, while another comes: each count is right, and one is on no page."""
    rows = [row(f"N{number}", f"number-{number}") for number in range(6)]
    options = {"page_size": 2, "concurrency": 1}
    expectations = [{"expect": {"payment_status": ["PAID", "TRIAL"]}}]

    def ids(twice):
        more = {**options, "list_twice": twice}
        arguments = ", ".join(f"{name}={value}" for name, value in more.items())
        doors = {
            "looked_up": lookup(arguments.lower(), " | map(attribute='id')"),
            "info": {"zapi.zapi.instance_info": more},
            "audit": {
                "zapi.zapi.instance_audit": {**more, "expectations": expectations, "unmanaged": "report", "fail_on_drift": False}
            },
        }
        listed = {}
        for name in (*doors, "inventory"):
            with Emulator(rows, faults=["change_fleet,remove=1,add=1,page=2,times=1"]) as running:
                environment = {"ZAPI_API_URL": running.url, "ZAPI_PARTNER_TOKEN": running.partner_token}
                if name == "inventory":
                    outcome, hosts, _groups = workplace.inventory({**more, "hostnames": ["id"]}, **environment)
                    listed[name] = set(hosts)
                else:
                    outcome, results = workplace.play(registered({name: doors[name]}), **environment)
                    result = results.get(name)
                    assert result, outcome.output
                    listed[name] = (
                        set(result["msg"])
                        if name == "looked_up"
                        else {one["id"] for one in result["instances"]}
                        if name == "info"
                        else result["summary"]["instances"]
                    )
                now = {one["id"] for one in running.fleet}
                listed[name] = listed[name] == (len(now) if name == "audit" else now)
                listed[f"requests of {name}"] = len(running.requests)
        return listed

    once, twice = ids(False), ids(True)
    for name in ("looked_up", "info", "inventory"):
        assert not once[name], name
        assert twice[name], name
    assert twice["audit"]
    for name in ("looked_up", "info", "audit", "inventory"):
        assert once[f"requests of {name}"] == 3
        assert twice[f"requests of {name}"] == 9
