# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Nothing that a run prints, returns or leaves behind contains a secret, in any usual form.

test_faults searches what is printed if the API misbehaves.
"""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from urllib.parse import quote

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import found, found_in_files

PARTNER_TOKEN = "eyJhbGciOi+J9/partner==.tok~en&of?the-run"
CLIENT_TOKEN = "F8client+token/of-the-account"
USERINFO = "ana.hook-user:p4ss+w0rd-of-ana"
QUERY_VALUE = "qu3ry+value/of-the-hook"
INSTANCE_TOKENS = [f"1nst4nce+token/{number}-of-the-run" for number in range(3)]
HOOK = f"https://{USERINFO}@old.example.net/hook?key={QUERY_VALUE}"
DECLARED = f"https://{USERINFO}.declared@hooks.example.com/?key={QUERY_VALUE}.declared"
TOKENS = [PARTNER_TOKEN, CLIENT_TOKEN, *INSTANCE_TOKENS]
SECRETS = [*TOKENS, *USERINFO.split(":"), QUERY_VALUE]
ROWS = [
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
# In a file of their own: from ansible-core 2.19 on, an error quotes the lines of the playbook that it is about.
VARIABLES = {
    "expectations": [{"expect": {"whatsapp_connected": True, "webhooks": {"received": [DECLARED], "delivery": DECLARED}}}],
    "settings": [
        {"expect": {"webhooks": {"received": [DECLARED]}, "settings": {"auto_read_message": False, "muted_webhooks": []}}}
    ],
    "given": [{"id": f"L{number}", "token": token} for number, token in enumerate(INSTANCE_TOKENS)],
    "rejected": [{"id": f"R{number}", "token": token} for number, token in enumerate(INSTANCE_TOKENS)],
    "client": CLIENT_TOKEN,
    "bad_placeholder": [{"expect": {"webhooks": {"received": DECLARED + "{" + QUERY_VALUE + "}"}}}],
    "not_https": [{"expect": {"webhooks": {"received": DECLARED.replace("https", "http")}}}],
}
OWN_CALLS = {"credentials": "{{ given }}", "client_token": "{{ client }}"}


def info(**options):
    return {"zapi.zapi.instance_info": options}


def audit(expectations="{{ expectations }}", **options):
    return {"zapi.zapi.instance_audit": {"expectations": expectations, **options}}


def converge(expectations="{{ settings }}", **options):
    return {"zapi.zapi.instance_converge": {"expectations": expectations, "client_token": "{{ client }}", **options}}


def debug(expression):
    return {"ansible.builtin.debug": {"msg": "{{ %s }}" % expression}}


# Instances and adopted expectations contain whole URLs: hide these results, and search all else that is printed.
HIDDEN = {
    "info": {**info(include_settings=True, client_token="{{ client }}"), "no_log": True},
    "adopt": {"zapi.zapi.instance_adopt": {}, "no_log": True},
}
TASKS = {
    "audit": audit(),
    "filter": debug("query('zapi.zapi.instances') | zapi.zapi.drift(expectations)"),
    "compliant": debug("query('zapi.zapi.instances') | select('zapi.zapi.compliant', expectations)"),
    "looked_up": debug("query('zapi.zapi.instances', credentials=given, client_token=client) | map(attribute='settings')"),
    "mistake": audit("{{ expectations + [{'expect': {'webhook': expectations}}] }}"),
    "bad_placeholder_": audit("{{ bad_placeholder }}"),
    "http_url": converge("{{ not_https }}"),
    # ansible-core itself refuses these.
    "wrong_choice": audit(unmanaged="{{ expectations }}"),
    "unknown_option": audit(no_such_option=1),
    "wrong_middleware": info(**OWN_CALLS, middleware="{{ given }}"),
    "unreachable": audit(**OWN_CALLS, api_url="http://127.0.0.1:9"),
    "no_client_token": audit("{{ settings }}", credentials="{{ given }}"),
    "wrong_client_token": info(credentials="{{ given }}", client_token="{{ client | upper }}"),
    "rejected_info": info(credentials="{{ rejected }}", client_token="{{ client }}"),
    "rejected_audit": audit("{{ settings }}", credentials="{{ rejected }}", client_token="{{ client }}"),
    "planned": {**converge(), "check_mode": True},
    "converged": converge(),
}
# Responses that repeat the tokens of the request.
FAULTS = [
    {"kind": "status", "code": 403, "message": f"Client-Token {CLIENT_TOKEN} not allowed", "after": 2},
    "status,code=404,echo_token=true",
    "status,code=401,echo_token=true,call=me",
    "status,code=500,echo_token=true,call=me",
]
TASKS_WITH_FAULTS = {
    "info": {**info(**OWN_CALLS), "no_log": True},
    "audit": audit("{{ settings }}", client_token="{{ client }}"),
    "looked_up": debug(
        "query('zapi.zapi.instances', credentials=given, client_token=client, retries=0) | map(attribute='settings')"
    ),
    "converge": converge(),
}


def test_the_search_finds_every_form():
    for form in (HOOK, quote(HOOK, safe=""), base64.b64encode(f"Basic {HOOK}".encode()).decode()):
        assert found([QUERY_VALUE], form)
    assert not found([QUERY_VALUE], "another text")


def test_no_secret_is_printed_returned_or_left_behind(workplace):
    # Without a system log, modules write none: this replaces it in the process of a module.
    replacement = "import syslog\nsyslog.syslog = lambda *message: open(%r, 'a').write(repr(message))\n"
    workplace.write("site/sitecustomize.py", replacement % str(workplace.folder / "syslog"))
    inputs = [workplace.write("vars.json", VARIABLES)]
    plays = []
    with ExitStack() as stack:
        for faults, tasks in (([], HIDDEN | TASKS), *(([one], TASKS_WITH_FAULTS) for one in FAULTS)):
            emulator = stack.enter_context(Emulator(ROWS, partner_token=PARTNER_TOKEN, client_token=CLIENT_TOKEN, faults=faults))
            plays.append(
                {
                    "tasks": [task if "no_log" in task else {**task, "register": name} for name, task in tasks.items()],
                    "vars": {"zapi_api_url": emulator.url},
                    "module_defaults": {"group/zapi.zapi.zapi": {"retries": 0}},
                }
            )
        outcome, results = workplace.plays(
            plays,
            *("-e", "@vars.json", "-vvvv", "--diff"),
            ANSIBLE_LOG_PATH="ansible.log",
            ANSIBLE_PIPELINING="0",  # Ansible's default: modules and their arguments are files for a moment
            PYTHONPATH=str(workplace.folder / "site"),
            ZAPI_PARTNER_TOKEN=PARTNER_TOKEN,
        )
    assert outcome.status == 0, outcome.output
    succeeded = {name for name, result in results[0].items() if not result.get("failed")}
    assert succeeded == {"filter", "compliant", "looked_up", "planned", "converged"}
    for of_faults in results[1:]:
        assert set(of_faults) == set(TASKS_WITH_FAULTS) - {"info"}
    assert not found(SECRETS, outcome.output)
    assert not found(SECRETS, json.dumps(results, ensure_ascii=False))
    assert outcome.output.count("no_log: true") >= len(HIDDEN)
    assert "client_token" in (workplace.folder / "syslog").read_text(encoding="utf-8")
    assert (workplace.folder / "ansible.log").exists()
    assert not found_in_files(SECRETS, workplace.folder, inputs)


def test_no_token_is_in_the_inventory_or_its_cache(workplace):
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
    with Emulator(ROWS, partner_token=PARTNER_TOKEN) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN, ANSIBLE_LOG_PATH="ansible.log")
        for options in (cache, {"strict": True, "compose": {"x": "no_such_variable"}}):
            outcome, hosts, _groups = workplace.inventory(options, "-vvvv")
            assert not found(TOKENS, outcome.output + json.dumps(hosts))
    assert list((workplace.folder / "cache").iterdir())
    assert not found_in_files(TOKENS, workplace.folder)
