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
            "details": {"accessToken": token, "list": [{"TOKEN": token}]},
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
    "settings": [
        {"expect": {"webhooks": {"received": [DECLARED]}, "settings": {"auto_read_message": False, "muted_webhooks": []}}}
    ],
    "given": [{"id": f"L{number}", "token": token} for number, token in enumerate(INSTANCE_TOKENS)],
    "refused": [{"id": f"R{number}", "token": token} for number, token in enumerate(INSTANCE_TOKENS)],
    "mistyped": [{"id": "L0", "token": INSTANCE_TOKENS[0], INSTANCE_TOKENS[1]: CLIENT_TOKEN}],
    "client": CLIENT_TOKEN,
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
BY_CREDENTIALS = {"credentials": "{{ given }}", "client_token": "{{ client }}"}
DOORS |= {
    "info_by_credentials": {"zapi.zapi.instance_info": {**BY_CREDENTIALS}, "no_log": True},
    "info_with_settings": {
        "zapi.zapi.instance_info": {"include_settings": True, "list_twice": True, "client_token": "{{ client }}"},
        "no_log": True,
    },
    "audit_by_credentials": {"zapi.zapi.instance_audit": {**BY_CREDENTIALS, "expectations": "{{ settings }}"}},
    "audit_of_settings": {"zapi.zapi.instance_audit": {"expectations": "{{ settings }}", "client_token": "{{ client }}"}},
    "no_client_token": {"zapi.zapi.instance_audit": {"credentials": "{{ given }}", "expectations": "{{ settings }}"}},
    "wrong_client_token": {"zapi.zapi.instance_info": {"credentials": "{{ given }}", "client_token": "{{ client | upper }}"}},
    "refused": {"zapi.zapi.instance_info": {**BY_CREDENTIALS, "credentials": "{{ refused }}"}},
    "audit_of_refused": {
        "zapi.zapi.instance_audit": {**BY_CREDENTIALS, "credentials": "{{ refused }}", "expectations": "{{ settings }}"}
    },
    "mistyped": {"zapi.zapi.instance_info": {**BY_CREDENTIALS, "credentials": "{{ mistyped }}"}},
    "refused_by_ansible": {"zapi.zapi.instance_info": {**BY_CREDENTIALS, "middleware": "{{ given }}"}},
    "unknown_option_too": {"zapi.zapi.instance_info": {**BY_CREDENTIALS, "no_such_option": 1}},
    "unreachable_by_credentials": {"zapi.zapi.instance_info": {**BY_CREDENTIALS, "api_url": "http://127.0.0.1:9", "retries": 0}},
    **{
        f"lookup_{name}": {
            "ansible.builtin.debug": {
                "msg": "{{ query('zapi.zapi.instances', retries=0, %s) | map(attribute='settings') }}" % given
            }
        }
        for name, given in {
            "by_credentials": "credentials=given, client_token=client",
            "with_settings": "include_settings=true, client_token=client",
            "refused": "credentials=refused, client_token=client",
            "mistyped": "credentials=mistyped",
            "without_client_token": "credentials=given",
        }.items()
    },
}
# What the service answers instead, to an instance's own calls as to a listing. What repeats tokens repeats all of the request's.
FAULTS = {
    "none": [],
    "client-token": [{"kind": "status", "code": 403, "message": f"Client-Token {CLIENT_TOKEN} not allowed", "after": 2}],
    "echo-404": ["status,code=404,echo_token=true"],
    "echo-401-me": ["status,code=401,echo_token=true,call=me"],
    "echo-500": ["status,code=500,echo_token=true,call=me"],
    "html": ["status,code=403,html=true,call=status"],
    "truncate": ["truncate,call=me"],
    "drop": ["drop,instance=L1"],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
def test_no_secret_is_printed_returned_or_left_behind(workplace, account, faults):
    account.set_faults(faults)
    inputs = [workplace.write("vars.json", VARIABLES)]
    tasks = [{"name": name, **task, "ignore_errors": True} for name, task in DOORS.items()]
    defaults = {"group/zapi.zapi.zapi": {"retries": 0}}  # so that no fault is waited for
    inputs.append(
        workplace.write(
            "doors.yml",
            yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]),
        )
    )
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
