# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Several accounts in one run, and the reports that the playbooks and the module audit_report write."""

from __future__ import annotations

import csv
import json
import re
import stat
from xml.etree import ElementTree as ET

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import extra, found

HOOK = "https://hooks.example.com/{id}"
EXPECTATIONS = [{"expect": {"whatsapp_connected": True, "webhooks": {"received": HOOK}}}]
TOKENS = ["token-of-padaria", "token-of-mercado", "token-of-nobody", "client-token-of-padaria"]
FILES = ["audit.csv", "audit.html", "audit.json", "audit.md", "audit.prom", "audit.xml"]
HOSTILE = [
    "=HYPERLINK(1)",
    "]]></failure>",
    "</script><script>alert(1)</script>",
    "{{ 1 / 0 }}",
    "a\nb",
    "\u202egnp",
    '"}',
    "`|`",
    "\x00",
]


def shops(prefix, *names, **fields):
    """Return a fleet with these names, connected and with the expected webhook."""
    ids = [f"{prefix}{number}" for number in range(1, len(names) + 1)]
    common = {"middleware": "web", "whatsappConnected": True, "paymentStatus": "PAID", **fields}
    return [
        {"id": one, "name": name, "token": f"token-of-{one}", "receivedCallbackUrl": HOOK.format(id=one), **common}
        for one, name in zip(ids, names)
    ]


@pytest.fixture
def padaria(workplace):
    """An account that is as declared. Its token is also the environment's."""
    with Emulator(shops("P", "Padaria 1", "Padaria 2"), partner_token="token-of-padaria") as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        workplace.environment["ZAPI_CLIENT_TOKEN"] = "client-token-of-padaria"
        workplace.write("expectations.yml", EXPECTATIONS)
        yield running


@pytest.fixture
def mercado():
    """An account with an instance that is disconnected."""
    fleet = shops("M", "Mercado 1", "Mercado 2")
    fleet[1]["whatsappConnected"] = False
    with Emulator(fleet, partner_token="token-of-mercado") as running:
        yield running


def write_accounts(workplace, accounts, **group_vars):
    """Write an inventory with the variables of these hosts."""
    workplace.write("accounts.yml", {"accounts": {"hosts": accounts, "vars": group_vars}})


def run(workplace, playbook, *arguments, accounts="accounts", **variables):
    given = extra(**variables, **({"zapi_accounts": accounts} if accounts else {}))
    return workplace.run("ansible-playbook", "-i", "accounts.yml", f"zapi.zapi.{playbook}", *given, *arguments)


def recap(outcome):
    """Return the number of failed tasks of each host."""
    lines = outcome.stdout.partition("PLAY RECAP")[2].splitlines()
    return {line.split()[0]: int(re.search(r"failed=(\d+)", line)[1]) for line in lines if "failed=" in line}


def report(workplace, name="audit.json"):
    return json.loads((workplace.folder / name).read_text(encoding="utf-8"))


def statuses(content):
    return {account["account"]: account["status"] for account in content["accounts"]}


def test_each_account_is_audited_by_itself_and_all_are_in_one_report(workplace, padaria, mercado):
    credentials = [{"id": one["id"], "token": one["token"]} for one in mercado.fleet[:1]]
    accounts = {
        "padaria": {"zapi_partner_token": "token-of-padaria"},
        "mercado": {
            "zapi_partner_token": "{{ tokens.mercado }}",
            "tokens": {"mercado": "token-of-mercado"},
            "zapi_api_url": mercado.url,
        },
        "one-shop": {"zapi_credentials": credentials, "zapi_api_url": mercado.url},
        "without-token": {},
        "unreachable": {"zapi_partner_token": "token-of-nobody", "zapi_api_url": "http://127.0.0.1:9", "zapi_retries": 0},
        "undefined": {"zapi_partner_token": "{{ missing_variable }}"},
        "elsewhere": {"zapi_partner_token": "token-of-padaria", "ansible_connection": "ssh", "ansible_host": "192.0.2.1"},
    }
    write_accounts(workplace, accounts, expectations_file="expectations.yml")
    first = run(workplace, "audit", "-vvv", zapi_report=FILES)
    assert first.status == 2, first.output
    in_sync = ["padaria", "one-shop", "elsewhere"]
    assert recap(first) == {name: int(name not in in_sync) for name in accounts}
    content = report(workplace)
    not_audited = ["without-token", "unreachable", "undefined"]
    assert statuses(content) == {
        **dict.fromkeys(in_sync, "in_sync"),
        "mercado": "drift",
        **dict.fromkeys(not_audited, "not_audited"),
    }
    assert [account["account"] for account in content["accounts"]] == list(accounts)
    problems = {account["account"]: account["problem"] for account in content["accounts"] if account["problem"]}
    assert "neither zapi_partner_token nor zapi_credentials" in problems["without-token"]
    assert "cannot connect to 127.0.0.1:9" in problems["unreachable"]
    assert "missing_variable" in problems["undefined"]
    assert not content["in_sync"]
    assert {stat.S_IMODE((workplace.folder / name).stat().st_mode) for name in FILES} == {0o600}
    files = "".join((workplace.folder / name).read_text(encoding="utf-8") for name in FILES)
    assert not found([*TOKENS, *(row["token"] for row in mercado.fleet)], first.output + files)
    # The environment's Client-Token is another account's.
    assert {entry["client_token"] for entry in mercado.log.report()["requests"]} == {"missing"}

    mercado.change_instance("M1", whatsappConnected=False)
    padaria.change_instance("P2", receivedCallbackUrl="https://other.example.org/x")
    second = run(workplace, "audit", "--limit", "mercado", zapi_report=FILES, zapi_report_mode="0640")
    assert recap(second) == {"mercado": 1}
    content = report(workplace)
    # Accounts that the limit excludes keep what the last report said.
    assert statuses(content)["padaria"] == "in_sync"
    assert [account["account"] for account in content["accounts"] if not account["carried_over"]] == ["mercado"]
    assert [(row["account"], row["id"]) for row in content["new"]] == [("mercado", "M1")]
    assert {stat.S_IMODE((workplace.folder / name).stat().st_mode) for name in FILES} == {0o640}


@pytest.mark.slow
def test_thirty_accounts(workplace, padaria):
    accounts = {f"account-{number:02}": {"zapi_partner_token": "token-of-padaria"} for number in range(30)}
    accounts["account-07"]["zapi_partner_token"] = "another-token"
    write_accounts(workplace, accounts, expectations_file="expectations.yml", zapi_accounts="accounts")
    outcome = run(workplace, "audit", "--forks", "10", zapi_report="audit.json")
    assert outcome.status == 2, outcome.output
    assert recap(outcome) == {name: int(name == "account-07") for name in accounts}
    assert statuses(report(workplace)) == {name: "not_audited" if name == "account-07" else "in_sync" for name in accounts}


def test_a_report_for_each_account_and_one_if_every_account_fails(workplace, padaria, mercado):
    accounts = {
        "padaria": {"zapi_partner_token": "token-of-padaria"},
        "mercado": {"zapi_partner_token": "token-of-mercado", "zapi_api_url": mercado.url},
    }
    write_accounts(workplace, accounts, expectations_file="expectations.yml", zapi_report="{{ inventory_hostname }}.json")
    outcome = run(workplace, "audit")
    assert outcome.status == 2, outcome.output
    assert statuses(report(workplace, "padaria.json")) == {"padaria": "in_sync"}
    assert statuses(report(workplace, "mercado.json")) == {"mercado": "drift"}

    accounts["padaria"]["zapi_report"] = ["padaria.md", "both.json"]
    accounts["mercado"]["zapi_report"] = ["both.json"]
    accounts["without-report"] = {"zapi_partner_token": "token-of-padaria"}
    write_accounts(workplace, accounts, expectations_file="expectations.yml")
    outcome = run(workplace, "audit")
    assert outcome.words.count("both.json is also in the report of") >= 2
    assert not (workplace.folder / "both.json").exists()
    accounts["mercado"]["zapi_report"] = ["mercado.json"]
    write_accounts(workplace, accounts, expectations_file="expectations.yml")
    outcome = run(workplace, "audit")
    assert statuses(report(workplace, "both.json")) == {"padaria": "in_sync"}

    write_accounts(workplace, {"first": {}, "second": {"zapi_partner_token": "no"}}, expectations_file="expectations.yml")
    outcome = run(workplace, "audit", "-e", 'zapi_report=["audit.json","audit.xml","audit.prom"]')
    assert outcome.status == 2, outcome.output
    assert recap(outcome) == {"first": 1, "second": 1}
    assert statuses(report(workplace)) == {"first": "not_audited", "second": "not_audited"}
    assert len(ET.parse(workplace.folder / "audit.xml").getroot().findall(".//error")) == 2
    assert 'zapi_audit_up{account="first"} 0\n' in (workplace.folder / "audit.prom").read_text()


@pytest.mark.slow
def test_adopt_converge_validate_and_overview_take_accounts(workplace, padaria, mercado):
    accounts = {
        "padaria": {"zapi_partner_token": "token-of-padaria", "zapi_dest": "padaria.yml"},
        "mercado": {"zapi_partner_token": "token-of-mercado", "zapi_api_url": mercado.url, "zapi_dest": "mercado.yml"},
    }
    write_accounts(workplace, accounts, zapi_force=True)
    expectations = [{"expect": {"webhooks": {"received": "https://new.example.com/{id}"}, "whatsapp_connected": True}}]
    plays = [
        ("overview", {}),
        ("adopt", {}),
        ("validate", {"expectations_file": "{{ inventory_hostname }}.yml"}),
        ("converge", {"expectations": expectations, "zapi_max_changes": "100%", "zapi_report": ["converge.json", "converge.xml"]}),
    ]
    imports = [{"import_playbook": f"zapi.zapi.{name}", "vars": {**vars_, "zapi_accounts": ["accounts"]}} for name, vars_ in plays]
    workplace.write("all.yml", yaml.safe_dump(imports))
    outcome = workplace.run("ansible-playbook", "-i", "accounts.yml", "all.yml")
    assert outcome.status == 0, outcome.output
    assert (workplace.folder / "padaria.yml").exists()
    assert (workplace.folder / "mercado.yml").exists()
    for fleet in (padaria.fleet, mercado.fleet):
        assert {row["receivedCallbackUrl"] for row in fleet} == {f"https://new.example.com/{row['id']}" for row in fleet}
    content = report(workplace, "converge.json")
    assert {account["account"]: len(account["changes"]) for account in content["accounts"]} == {"padaria": 2, "mercado": 2}
    # What needs manual action is drift, although the convergence is green.
    assert statuses(content) == {"padaria": "in_sync", "mercado": "drift"}
    assert [row["attribute"] for row in content["accounts"][1]["drift"]] == ["whatsapp_connected"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-e", "zapi_accounts=acounts"], 'zapi_accounts: "acounts" matches no host; the nearest name is accounts'),
        (
            ["-e", "zapi_accounts=accounts", "-e", "zapi_partner_token=token-of-padaria"],
            "zapi_partner_token is set for all accounts",
        ),
        (["-e", "zapi_accounts=accounts", "--limit", "other"], "--limit excludes all hosts of zapi_accounts"),
        (["--limit", "padaria"], "--limit excludes localhost, where this playbook runs"),
    ],
)
def test_a_run_of_nothing_or_with_one_token_for_all_is_refused(workplace, padaria, arguments, problem):
    workplace.write("accounts.yml", {"accounts": {"hosts": {"padaria": {}}}, "others": {"hosts": {"other": {}}}})
    outcome = workplace.run(
        "ansible-playbook", "-i", "accounts.yml", "zapi.zapi.audit", "-e", "expectations_file=expectations.yml", *arguments
    )
    assert outcome.status in (1, 4), outcome.output
    assert problem in outcome.words
    assert padaria.log.report()["requests"] == []


def test_refusals_of_the_playbook_itself(workplace, padaria):
    """The variables of a group come too late to choose hosts. An unknown ending is refused before the audit."""
    workplace.write("accounts.yml", {"all": {"vars": {"zapi_accounts": "accounts"}}, "accounts": {"hosts": {"padaria": {}}}})
    outcome = run(workplace, "audit", accounts=None, expectations_file="expectations.yml")
    assert outcome.status == 2
    assert "zapi_accounts is set in variables of a host or group" in outcome.words
    outcome = run(workplace, "audit", accounts="padaria", expectations_file="expectations.yml", zapi_report="report.pdf")
    assert outcome.status == 2
    assert "report.pdf has no known ending" in outcome.words
    assert padaria.log.report()["requests"] == []


def test_a_host_that_failed_earlier_is_in_the_report(workplace, padaria):
    token = {"zapi_partner_token": "token-of-padaria"}
    write_accounts(workplace, {"padaria": token, "failed": token}, expectations_file="expectations.yml")
    plays = [
        {"import_playbook": "zapi.zapi.audit", "vars": {"zapi_accounts": "accounts"}},
        {
            "hosts": "accounts",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.fail": {}, "when": "inventory_hostname == 'failed'"}],
        },
        {"import_playbook": "zapi.zapi.audit", "vars": {"zapi_accounts": "accounts", "zapi_report": "audit.json"}},
    ]
    workplace.write("all.yml", yaml.safe_dump(plays, sort_keys=False))
    outcome = workplace.run("ansible-playbook", "-i", "accounts.yml", "all.yml")
    assert outcome.status == 2
    # What the first audit registered for it does not count.
    assert statuses(report(workplace)) == {"padaria": "in_sync", "failed": "not_audited"}


def test_reports_of_hostile_names_from_a_play(workplace):
    fleet = shops("H", *HOSTILE)
    for row in fleet:
        row["whatsappConnected"] = False
    with Emulator(fleet) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        write = {"audits": "{{ audit }}", "dest": FILES, "language": "pt_BR"}
        tasks = [
            {"zapi.zapi.instance_audit": {"expectations": EXPECTATIONS, "fail_on_drift": False}, "register": "audit"},
            {"zapi.zapi.audit_report": write, "check_mode": True, "register": "checked"},
            {"zapi.zapi.audit_report": write, "register": "written"},
            {"zapi.zapi.audit_report": write, "register": "again"},
            {
                "zapi.zapi.audit_report": {"audits": {"{{ 'A' }}": "{{ audit }}", "=2": "{{ failed }}"}, "dest": "accounts.json"},
                "vars": {"failed": {"failed": True, "msg": "{{ 1 / 0 }} failed"}},
                "register": "accounts",
                "ignore_errors": True,
            },
            {
                "zapi.zapi.audit_report": {"audits": "{{ audit.drift }}", "dest": "x.json"},
                "ignore_errors": True,
                "register": "wrong",
            },
            {"zapi.zapi.audit_report": {"audits": "{{ audit }}", "dst": "x.json"}, "ignore_errors": True, "register": "unknown"},
        ]
        outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    assert [results[name]["changed"] for name in ("checked", "written", "again")] == [True, True, False]
    assert not results["written"]["in_sync"]
    names = [row["name"] for row in report(workplace)["accounts"][0]["drift"]]
    assert names == HOSTILE
    with (workplace.folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(HOSTILE)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert len(ET.parse(workplace.folder / "audit.xml").getroot().findall(".//failure")) == len(HOSTILE)
    page = (workplace.folder / "audit.html").read_text(encoding="utf-8")
    assert "WhatsApp conectado" in page
    assert "<script>alert" not in page
    assert "audits must be a result" in results["wrong"]["msg"]
    assert "dst is not an option of zapi.zapi.audit_report" in results["unknown"]["msg"]
