# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A fleet without a partner token: where plugins and modules find credentials, and what they report if those are invalid."""

from __future__ import annotations

import textwrap

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import found, found_in_files

CLIENT_TOKEN = "F8-client-token-of-the-account"


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
REJECTED = [*CREDENTIALS, {"id": "D4", "token": token_of("D4")}, {"id": "E5", "token": token_of("E5")}]
TOKENS = [entry["token"] for entry in REJECTED]
EXPECTATIONS = [{"expect": {"webhooks": {"received": "https://hooks.example.com/{id}"}, "settings": {"auto_read_message": False}}}]
# C3 has the expected webhook, but it is muted.
DRIFT = [("B2", "settings.auto_read_message"), ("C3", "webhooks.received")]


@pytest.fixture
def account(workplace):
    """An emulator that requires a Client-Token. The environment does not hold any of its tokens."""
    with Emulator(ROWS, client_token=CLIENT_TOKEN) as running:
        workplace.environment["ZAPI_API_URL"] = running.url
        yield running


def lookup(arguments="", filters=""):
    return {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances'%s)%s }}" % (arguments and f", {arguments}", filters)}}


def info(**options):
    return {"zapi.zapi.instance_info": options}


def audit(expectations="{{ expectations }}", **options):
    return {"zapi.zapi.instance_audit": {"expectations": expectations, **options}}


def registered(tasks):
    return [{**task, "register": name} for name, task in tasks.items()]


def sources(workplace, files):
    """Write inventory files and return the arguments that name them. Content that is text is appended as it is."""
    arguments = []
    for name, options in files.items():
        content = options if isinstance(options, str) else yaml.safe_dump(options, allow_unicode=True)
        arguments += ["-i", workplace.write(f"{name}.zapi.yml", f"plugin: zapi.zapi.instances\n{content}")]
    return arguments


# Where credentials come from


def test_the_fleet_is_the_same_with_a_partner_token_and_with_credentials(workplace, account):
    password = workplace.write("password", "of-the-vault")
    vaulted = workplace.run("ansible-vault", "encrypt_string", "--vault-password-file", password, token_of("B2")).stdout
    entries = "".join(
        f"\n  - id: {identity}\n    token: {token}"
        for identity, token in {
            "A1": '"{{ token_of_a1 }}"',
            "B2": textwrap.indent(vaulted, "     ").strip(),
            "C3": token_of("C3"),
        }.items()
    )
    workplace.write("vaulted.yml", f"token_of_a1: {token_of('A1')}\nin_vault:{entries}\n")
    given = {"given": CREDENTIALS, "token": account.partner_token, "client": CLIENT_TOKEN, "expectations": EXPECTATIONS}
    options = {"credentials": "{{ given }}", "client_token": "{{ client }}"}
    hosts = "groups['%s'] | map('extract', hostvars)"
    tasks = {
        "partner": lookup("include_settings=true, partner_token=token, client_token=client"),
        "option": lookup("credentials=given, client_token=client"),
        "variable": {**lookup(), "vars": {"zapi_credentials": "{{ given }}", "zapi_client_token": "{{ client }}"}},
        "vaulted": {**lookup(), "vars": {"zapi_credentials": "{{ in_vault }}", "zapi_client_token": "{{ client }}"}},
        "info": info(**options),
        "one": info(**options, id="B2"),
        "with_tokens": info(credentials="{{ in_vault }}", client_token="{{ client }}", include_token=True),
        # The first level that has a partner token or credentials decides.
        "option_first": {**lookup("partner_token=token"), "vars": {"zapi_credentials": "{{ given }}"}},
        "audit": audit(**options, fail_on_drift=False),
        "filter": lookup("credentials=given, client_token=client", " | zapi.zapi.drift(expectations)"),
        "test": lookup(
            "credentials=given, client_token=client", " | reject('zapi.zapi.compliant', expectations) | map(attribute='id')"
        ),
        "hosts": {"ansible.builtin.debug": {"msg": "{{ %s | zapi.zapi.drift(expectations) }}" % (hosts % "vaulted")}},
        "members": {"ansible.builtin.debug": {"msg": "{{ groups.vaulted + groups.templated }}"}},
    }
    files = {
        "vaulted": f"group: vaulted\nhostnames: [id]\nclient_token: '{{{{ client }}}}'\ncredentials:{entries}\n",
        "templated": {**options, "group": "templated", "hostnames": ["name"]},
    }
    arguments = ["-e", f"@{workplace.write('extra.json', given)}", "-e", "@vaulted.yml", "--vault-password-file", password]
    # The partner token of the environment is not used: options and variables precede it.
    outcome, [results] = workplace.plays(
        [registered(tasks)], *sources(workplace, files), *arguments, "-vvvv", ZAPI_PARTNER_TOKEN="partner-token-of-another-account"
    )
    assert outcome.status == 0, outcome.output
    partner = results["partner"]["msg"]
    assert [one["id"] for one in partner] == IDS
    assert partner[2]["settings"]["muted_webhooks"] == ["received"]
    # An instance's own calls return why it is disconnected, but not its middleware and tenant.
    fleet = [{**one, "middleware": None, "tenant": None, "unknown": sorted({*one["unknown"], "middleware"})} for one in partner]
    fleet[1]["problem"] = results["option"]["msg"][1]["problem"]
    for name in ("option", "variable", "vaulted"):
        assert results[name]["msg"] == fleet, name
    assert results["info"]["instances"] == fleet
    assert results["one"]["instances"] == [fleet[1]]
    assert results["with_tokens"]["instances"] == [{**one, "token": token_of(one["id"])} for one in fleet]
    assert results["option_first"]["msg"][0]["tenant"] == "acme"
    assert [(one["id"], one["attribute"]) for one in results["audit"]["drift"]] == DRIFT
    assert results["audit"]["drift"] == results["filter"]["msg"] == results["hosts"]["msg"]
    assert list(results["test"]["msg"]) == ["B2", "C3"]
    assert results["members"]["msg"] == [*IDS, "shop-1", "shop-2", "shop_3"]
    assert not [entry for entry in account.requests if entry["instance"] and entry["client_token"] != "right"]
    # Results with include_token show the tokens of instances at this verbosity, and only those.
    assert not found([CLIENT_TOKEN, account.partner_token], outcome.output)


def test_a_partner_token_and_credentials_of_the_same_level_are_an_error(workplace, account):
    both = {"zapi_partner_token": account.partner_token, "zapi_credentials": CREDENTIALS}
    tasks = {
        "variables": {**lookup(), "vars": both},
        "arguments": lookup("partner_token=zapi_partner_token, credentials=zapi_credentials"),
        "module": {**info(), "vars": both},
    }
    files = {"both": {"partner_token": "{{ 'text' }}", "credentials": CREDENTIALS}}
    outcome, [results] = workplace.plays([{"tasks": registered(tasks), "vars": both}], *sources(workplace, files))
    for name in ("variables", "module"):
        assert "both zapi_partner_token and zapi_credentials are set: leave one of them out" in results[name]["msg"], name
    for text in (results["arguments"]["msg"], outcome.words):
        assert "both partner_token and credentials are set: leave one of them out" in text
    assert not account.requests


# Rejected credentials


def test_what_the_server_rejects_is_named_without_the_token(workplace, account):
    wrong = "wr0ng-client-token"
    options = {"credentials": "{{ rejected }}", "client_token": "{{ client }}"}
    arguments = "credentials=rejected, client_token=client"
    expectations = [*EXPECTATIONS, {"match": {"id": "D4"}, "expect": {"payment_status": "PAID"}}]
    given = {"rejected": REJECTED, "given": CREDENTIALS, "client": CLIENT_TOKEN, "wrong": wrong, "expectations": expectations}
    cases = {
        "rejected": (options, arguments),
        "missing": ({"credentials": "{{ given }}"}, "credentials=given"),
        "wrong": ({"credentials": "{{ given }}", "client_token": "{{ wrong }}"}, "credentials=given, client_token=wrong"),
    }
    tasks = {}
    for name, (module_options, lookup_arguments) in cases.items():
        tasks |= {
            f"{name}_lookup": lookup(lookup_arguments),
            f"{name}_info": info(**module_options),
            f"{name}_audit": audit(**module_options),
        }
    files = {name: module_options for name, (module_options, _arguments) in cases.items()}
    extra = workplace.write("extra.json", given)
    outcome, [results] = workplace.plays([registered(tasks)], *sources(workplace, files), "-e", f"@{extra}", "-vvvv")
    message = "the server rejects 2 of 5 credentials: D4, E5; the first: GET /instances/D4/"
    for text in (results["rejected_lookup"]["msg"], results["rejected_info"]["msg"], outcome.words):
        assert message in text
    drift = results["rejected_audit"]["drift"]
    assert [(one["id"], one["attribute"]) for one in drift[:2]] == DRIFT
    assert [(one["kind"], one["id"], one["expectation"]) for one in drift[2:]] == [("missing", "D4", 2), ("missing", "E5", None)]
    for one in drift[2:]:
        assert f"GET /instances/{one['id']}/" in one["note"]
    for name, message in (
        ("missing", "the account requires a Client-Token, set client_token (environment variable ZAPI_CLIENT_TOKEN)"),
        ("wrong", "the Client-Token is missing or wrong, check client_token (environment variable ZAPI_CLIENT_TOKEN)"),
    ):
        for text in (*(results[f"{name}_{plugin}"]["msg"] for plugin in ("lookup", "info", "audit")), outcome.words):
            assert message in text
    assert not found([*TOKENS, CLIENT_TOKEN, wrong], outcome.output + str(results))


# Invalid credentials

SECRET = "s3cr3t-of-a-mistake"
NUMBER = "73481290561"
INVALID = {
    "mapping": {"A1": SECRET},
    "text": f"A1 {SECRET}",
    "number": int(NUMBER),
    "list_of_texts": [f"A1:{SECRET}"],
    "secret_as_key": [{SECRET: "A1"}],
    "number_as_token": [{"id": "A1", "token": int(NUMBER)}],
    "white_space": [{"id": "A1", "token": f"{SECRET} {SECRET}"}],
}


@pytest.mark.slow
def test_invalid_credentials_are_not_repeated_anywhere(workplace, account):
    """ansible-core would print the value of an option that it cannot convert."""
    # Without a system log, modules write none: this replaces it in the process of a module.
    replacement = "import syslog\nsyslog.syslog = lambda *message: open(%r, 'a').write(repr(message))\n"
    workplace.write("site/sitecustomize.py", replacement % str(workplace.folder / "syslog"))
    tasks, files = {}, {}
    for name, value in INVALID.items():
        given = "{{ invalid.%s }}" % name
        tasks |= {
            f"argument_{name}": lookup(f"credentials=invalid.{name}"),
            f"variable_{name}": {**lookup(), "vars": {"zapi_credentials": given}},
            f"audit_{name}": audit(credentials=given),
        }
        files |= {f"written_{name}": {"credentials": value}, f"templated_{name}": {"credentials": given}}
    # ansible-core itself refuses these tasks.
    for name in ("mapping", "number"):
        given = "{{ invalid.%s }}" % name
        tasks |= {
            f"ansible_type_{name}": info(credentials=given, page_size="x"),
            f"ansible_unknown_{name}": info(credentials=given, no_such_option=1),
        }
    workplace.write("extra.json", {"invalid": INVALID, "expectations": EXPECTATIONS})
    inventory = sources(workplace, files)
    inputs = [workplace.folder / "extra.json", *inventory[1::2]]
    outcome, [results] = workplace.plays(
        [registered(tasks)],
        *inventory,
        *("-e", "@extra.json", "-vvvv"),
        ANSIBLE_LOG_PATH="ansible.log",
        ANSIBLE_PIPELINING="0",  # Ansible's default: modules and their arguments are files for a moment
        PYTHONPATH=str(workplace.folder / "site"),
    )
    assert set(results) == set(tasks), outcome.output[-3000:]
    for name, result in results.items():
        assert result["failed"], name
        assert "\n" not in result["msg"].strip(), name
        words = "page_size" if "_type_" in name else "no_such_option" if "_unknown_" in name else "credentials"
        assert words in result["msg"], name
    for path in inputs[1:]:
        assert f"/{path.name} as an inventory source" in outcome.words
    assert not account.requests
    assert not found([SECRET, NUMBER], outcome.output + str(results))
    assert "page_size" in (workplace.folder / "syslog").read_text(encoding="utf-8")
    assert not found_in_files([SECRET, NUMBER], workplace.folder, inputs)
