# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""No secret of a run is in anything that it prints, returns or leaves behind, in no usual way of writing it.

What is printed when the service misbehaves is searched by test_faults.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import found, found_in_files

pytestmark = pytest.mark.unmeasured

PARTNER_TOKEN = "eyJhbGciOi+J9/partner==.tok~en&of?the-run"
CLIENT_TOKEN = "F8client+token/of-the-account"
USERINFO = "ana.hook-user:p4ss+w0rd-of-ana"
QUERY_VALUE = "qu3ry+value/of-the-hook"
INSTANCE_TOKENS = [f"1nst4nce+token/{number}-of-the-run" for number in range(3)]
HOOK = f"https://{USERINFO}@old.example.net/hook?key={QUERY_VALUE}"
DECLARED = f"https://{USERINFO}.declared@hooks.example.com/?key={QUERY_VALUE}.declared"
TOKENS = [PARTNER_TOKEN, CLIENT_TOKEN, *INSTANCE_TOKENS]
SECRETS = [*TOKENS, *USERINFO.split(":"), QUERY_VALUE]


def test_the_search_finds_every_form():
    for form in (HOOK, quote(HOOK, safe=""), base64.b64encode(f"Basic {HOOK}".encode()).decode()):
        assert found([QUERY_VALUE], form)
    assert not found([QUERY_VALUE], "nothing of the kind")


@pytest.fixture
def account(workplace):
    rows = [
        {
            "id": f"L{number}",
            "name": f"shop-{number}",
            "token": token,
            "instanceToken": token,
            "settings": {"accessToken": token, "list": [{"TOKEN": token}]},
            "whatsappConnected": False,
            "receivedCallbackUrl": HOOK,
        }
        for number, token in enumerate(INSTANCE_TOKENS)
    ]
    with Emulator(rows, partner_token=PARTNER_TOKEN, client_token=CLIENT_TOKEN) as emulator:
        # The token comes as a secret comes in AWX: from the environment.
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN)
        yield emulator


EXPECTATIONS = [{"expect": {"whatsapp_connected": True, "webhooks": {"received": [DECLARED], "delivery": DECLARED}}}]
# In a file of their own: from ansible-core 2.19 on, an error quotes the lines of the playbook that it is about.
VARIABLES = {
    "expectations": EXPECTATIONS,
    "bad_placeholder": [{"expect": {"webhooks": {"received": DECLARED + "{" + QUERY_VALUE + "}"}}}],
    "not_https": [{"expect": {"webhooks": {"received": DECLARED.replace("https", "http")}}}],
}
DOORS = {
    "instance_info": {"zapi.zapi.instance_info": {}, "register": "info", "no_log": True},
    "audit": {"zapi.zapi.instance_audit": {"expectations": "{{ expectations }}"}},
    "audit_without_failing": {
        "zapi.zapi.instance_audit": {"expectations": "{{ expectations }}", "fail_on_drift": False, "unmanaged": "report"}
    },
    "filter": {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances') | zapi.zapi.drift(expectations) }}"}},
    "test": {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances') | select('zapi.zapi.compliant', expectations) }}"}},
    "mistake": {"zapi.zapi.instance_audit": {"expectations": "{{ expectations + [{'expect': {'webhook': expectations}}] }}"}},
    "bad_placeholder": {"zapi.zapi.instance_audit": {"expectations": "{{ bad_placeholder }}"}},
    "not_https": {"zapi.zapi.instance_audit": {"expectations": "{{ not_https }}"}},
    "wrong_option": {"zapi.zapi.instance_audit": {"expectations": "{{ expectations }}", "unmanaged": "{{ expectations }}"}},
    "unknown_option": {"zapi.zapi.instance_audit": {"expectations": "{{ expectations }}", "no_such_option": 1}},
    "unreachable": {
        "zapi.zapi.instance_audit": {"expectations": "{{ expectations }}", "api_url": "http://127.0.0.1:9", "retries": 0}
    },
}


@pytest.mark.parametrize("echo", [False, True])
def test_no_secret_is_printed_returned_or_left_behind(workplace, account, echo):
    if echo:
        account.set_faults([{"kind": "status", "code": 403, "message": f"Client-Token {CLIENT_TOKEN} not allowed", "after": 2}])
    inputs = [workplace.write("vars.json", VARIABLES)]
    tasks = [{"name": name, **task, "ignore_errors": True} for name, task in DOORS.items()]
    inputs.append(workplace.write("doors.yml", yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])))
    # Without pipelining, which is Ansible's default: modules and their arguments are files for a moment.
    environment = {"ANSIBLE_LOG_PATH": "ansible.log", "ANSIBLE_PIPELINING": "0"}
    outcome = workplace.run("ansible-playbook", "doors.yml", "-e", "@vars.json", "-vvvv", "--diff", **environment)
    assert outcome.status == 0, outcome.output
    assert not found(SECRETS, outcome.output)
    assert (workplace.folder / "ansible.log").exists()
    assert not found_in_files(SECRETS, workplace.folder, inputs)


def test_neither_inventory_nor_its_cache_holds_a_token(workplace, account):
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
    for options in (cache, {**cache, "strict": True, "compose": {"x": "no_such_variable"}}, {"partner_token": "another"}):
        outcome, hosts, _groups = workplace.inventory(options, "-vvvv", ANSIBLE_LOG_PATH="ansible.log")
        assert not found(TOKENS, outcome.output + json.dumps(hosts))
    assert list((workplace.folder / "cache").iterdir())
    assert not found_in_files(TOKENS, workplace.folder)


def test_the_system_s_log_is_told_no_secret(workplace, account):
    # Without a system log, modules say nothing anywhere: this stands in for it, for the module's own process.
    stand_in = "import syslog\nsyslog.syslog = lambda *said: open(%r, 'a').write(repr(said))\n" % str(workplace.folder / "syslog")
    workplace.write("site/sitecustomize.py", stand_in)
    outcome, _results = workplace.play(
        [{"zapi.zapi.instance_audit": {"expectations": EXPECTATIONS, "fail_on_drift": False}}],
        PYTHONPATH=str(workplace.folder / "site"),
    )
    assert outcome.status == 0, outcome.output
    said = (workplace.folder / "syslog").read_text(encoding="utf-8")
    assert "fail_on_drift" in said
    assert not found(SECRETS, said)
