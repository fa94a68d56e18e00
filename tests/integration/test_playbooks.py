# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The playbooks: where their options come from, how they end, and that nothing else decides how they run. And the modules' actions."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import extra

SECRET = "s3cr3t-of-the-hook"
URL = f"https://hooks.example.com/received?key={SECRET}"
FLEET = [
    {
        "id": f"A{number}",
        "name": f"shop-{number}",
        "token": f"token-of-A{number}",
        "middleware": "web",
        "whatsappConnected": True,
        "paymentStatus": "PAID",
        "receivedCallbackUrl": URL,
    }
    for number in (1, 2)
]
GOOD = [{"expect": {"whatsapp_connected": True, "webhooks": {"received": URL}}}]
DRIFT = [{"expect": {"whatsapp_connected": False}}]


@pytest.fixture
def shops(workplace):
    with Emulator(FLEET) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        workplace.write("good.yml", GOOD)
        workplace.write("drift.yml", DRIFT)
        yield running


def run(workplace, playbook, *arguments, **environment):
    return workplace.run("ansible-playbook", f"zapi.zapi.{playbook}", *arguments, **environment)


def messages(outcome):
    return [json.loads(text) for text in re.findall(r'"msg": ("(?:[^"\\]|\\.)*")', outcome.stdout)]


def problem(outcome, title="The audit"):
    """Return why a playbook could not run: its last message, which is one line."""
    assert outcome.status == 2, outcome.output
    last = messages(outcome)[-1]
    assert last.startswith(f"{title} could not run: ")
    assert "\n" not in last
    return last.removeprefix(f"{title} could not run: ")


# What they do


def test_files_variables_and_all_playbooks_in_one_run(workplace, shops):
    (workplace.folder / "elsewhere").mkdir()
    mapping = yaml.safe_dump({"expectations": GOOD})
    workplace.write("mapping.yml", mapping)
    workplace.write("templates.yml", "host: hooks.example.com\n" + mapping.replace("//hooks.example.com", "//{{ host }}"))
    workplace.write("home/there.yml", GOOD)
    second = {"id": "A2", "token": "{{ lookup('ansible.builtin.env', 'SECOND_TOKEN') }}"}
    connection = {"zapi_api_url": shops.url, "zapi_credentials": [{"id": "A1", "token": "token-of-A1"}, second]}
    plays = [
        ("audit", {"expectations_file": "mapping.yml"}),
        ("audit", {"expectations_file": "templates.yml"}),
        ("audit", {"expectations_file": "~/there.yml"}),
        ("audit", {"expectations_file": "$HOME/there.yml", **connection}),
        ("audit", {"expectations": GOOD, "zapi_only": "shop-1", "zapi_retries": "0", "zapi_timeout": "5"}),
        ("audit", {"zapi_expectations": DRIFT, "zapi_fail_on_drift": False}),
        ("validate", {"expectations_file": "good.yml"}),
        ("overview", {}),
        ("overview", connection),
        ("adopt", {"zapi_dest": "adopted.yml"}),
        ("audit", {"expectations_file": "adopted.yml", "zapi_unmanaged": "drift"}),
        ("converge", {"expectations_file": "adopted.yml"}),
    ]
    imports = [{"import_playbook": f"zapi.zapi.{name}", "vars": variables} for name, variables in plays]
    workplace.write("elsewhere/main.yml", yaml.safe_dump(imports))
    outcome = workplace.run("ansible-playbook", "elsewhere/main.yml", SECOND_TOKEN="token-of-A2")
    assert outcome.status == 0, outcome.output
    assert "skipping" not in outcome.output
    assert "token-of-A" not in outcome.output
    assert SECRET not in outcome.output
    shown = messages(outcome)
    assert len(shown) == len(plays)
    assert [re.split(r",| \(|\n", text)[0] for text in shown] == [
        *["2 of 2 managed instances are as declared"] * 4,
        "1 of 1 managed instances are as declared",
        "2 of 2 managed instances drifted",
        "1 expectation",
        *["2 instances"] * 2,
        "2 instances are described by 1 expectation",
        "2 of 2 managed instances are as declared",
        "0 of 2 managed instances need changes",
    ]
    assert (workplace.folder / "adopted.yml").exists()


def test_drift_fails_the_last_task_and_shows_the_diff(workplace, shops):
    # What a user of another tool would call his variables replaces nothing.
    outcome = run(
        workplace, "audit", *extra(expectations_file="drift.yml", audit="nightly", run="x"), "--diff", "--tags", "nothing"
    )
    assert outcome.status == 2
    assert "+whatsapp_connected: false" in outcome.stdout
    assert [message.splitlines()[0] for message in messages(outcome)] == ["2 of 2 managed instances drifted (compliance 0.0 %)"]
    assert "could not run" not in outcome.output
    assert "failed=1" in outcome.stdout


def test_adopted_secrets_are_never_shown(workplace, shops):
    outcome = run(workplace, "adopt", *extra(zapi_dest="adopted.yml"), "-vvv")
    assert outcome.status == 0, outcome.output
    assert SECRET not in outcome.output
    assert "1 URL" in outcome.words
    assert SECRET in (workplace.folder / "adopted.yml").read_text()


def test_the_overview_lists_what_is_wrong(workplace):
    fleet = [{**FLEET[0], "id": f"B{number}", "name": f"mute-{number}", "whatsappConnected": False} for number in range(12)]
    fleet += [{**FLEET[0], "name": "lapsed", "_lapsed": True, "paymentStatus": "CANCELED", "receivedCallbackUrl": ""}]
    with Emulator(fleet) as shops:
        outcome = run(workplace, "overview", ZAPI_API_URL=shops.url, ZAPI_PARTNER_TOKEN=shops.partner_token)
    assert outcome.status == 0, outcome.output
    lines = messages(outcome)[-1].splitlines()
    assert lines[0] == "13 instances, 1 connected"
    assert lines[1] == "payment:"
    assert "CANCELED: 1 (lapsed)" in lines[2]
    assert "and 2 more)" in lines[3]
    assert "- received: 1 (lapsed)" in lines
    assert "- hooks.example.com: 12 instances" in lines
    assert "mute filters are unknown: 13 instances" in lines


# How they refuse


MISTAKES = {
    "no expectations are set": {},
    "zapi_onyl is not a variable of these playbooks; the nearest name is zapi_only": {
        "expectations_file": "good.yml",
        "zapi_onyl": "A1",
    },
    "zapi_fail_on_drift must be true or false": {"expectations_file": "drift.yml", "zapi_fail_on_drift": "ture"},
    "only is not a variable of this playbook: write zapi_only": {"expectations_file": "good.yml", "only": "A1"},
    "uses a variable that is not defined: customer_token": {
        "expectations_file": "good.yml",
        "zapi_partner_token": "{{ customer_token }}",
    },
    "ansible_connection is ssh": {"expectations_file": "good.yml", "ansible_connection": "ssh"},
    "expectation 1 (line 4)": {"expectations_file": "wrong.yml"},
}


@pytest.mark.slow
@pytest.mark.parametrize(("words", "variables"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_is_one_line_before_any_request(workplace, shops, words, variables):
    workplace.write("wrong.yml", f"# {SECRET}\n\nexpectations:\n  - expect: {{whatsap_connected: true}}\n")
    outcome = run(workplace, "audit", *extra(**variables), "-vvv")
    assert words in problem(outcome)
    assert SECRET not in outcome.output
    assert shops.requests == []


@pytest.mark.parametrize(
    "variables", [{"_zapi_run": {"has_failed": False, "msg": "green"}}, {"_zapi_step": "run"}, {"_zapi_playbook": "validate"}]
)
def test_extra_variables_do_not_replace_those_of_the_playbook(workplace, shops, variables):
    outcome = run(workplace, "audit", *extra(expectations_file="drift.yml", **variables))
    (name,) = variables
    assert f"{name} cannot be set with -e" in problem(outcome, "The playbook")
    assert shops.requests == []


def test_other_reasons_have_the_same_words(workplace, shops):
    assert "partner_token is empty" in problem(run(workplace, "audit", *extra(expectations_file="good.yml"), ZAPI_PARTNER_TOKEN=""))
    nobody = [{"match": {"name": "nobody-*"}, **GOOD[0]}]
    assert "no expectation matches any of the 2 instances" in problem(run(workplace, "audit", *extra(expectations=nobody)))
    assert "no file is set" in problem(run(workplace, "adopt"), "The adoption")


def test_a_limit_without_localhost_is_not_a_green_run(workplace, shops):
    outcome = run(workplace, "audit", *extra(expectations_file="good.yml"), "--limit", "shops")
    assert outcome.status in (1, 4)
    assert "--limit excludes localhost" in outcome.words
    assert run(workplace, "audit", *extra(expectations_file="good.yml"), "--limit", "localhost").status == 0


# In the module's process only: Ansible loads the inventory plugin, too.
DYING = """
import os, signal, sys
if "ansible.cli" not in sys.modules:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("playbook", "advice"), [("audit", ""), ("converge", "; some values may have been set: run the playbook again")]
)
def test_a_module_that_dies_is_not_said_not_to_have_run(workplace, shops, playbook, advice):
    workplace.write("dying/requests.py", DYING)
    outcome = run(workplace, playbook, *extra(expectations_file="good.yml"), PYTHONPATH=str(workplace.folder / "dying"))
    assert outcome.status == 2
    assert messages(outcome)[-1].endswith(f"was interrupted: the module crashed or was killed{advice}")


@pytest.mark.slow
def test_vaults(workplace, shops):
    password = workplace.write("password", "the right one")
    for content, name in (({"expectations": GOOD}, "mapping.yml"), (GOOD, "list.yml")):
        workplace.write(name, content)
        assert workplace.run("ansible-vault", "encrypt", name, "--vault-password-file", password).status == 0
    value = workplace.run("ansible-vault", "encrypt_string", URL, "--vault-password-file", password).stdout
    workplace.write("value.yml", f"expectations:\n  - expect:\n      webhooks:\n        received: {value}")
    names = ("mapping.yml", "list.yml", "value.yml")
    workplace.write("main.yml", [{"import_playbook": "zapi.zapi.audit", "vars": {"expectations_file": name}} for name in names])
    outcome = workplace.run("ansible-playbook", "main.yml", "--vault-password-file", password, "-vvv")
    assert outcome.status == 0, outcome.output
    assert SECRET not in outcome.output
    outcome = run(workplace, "audit", *extra(expectations_file="list.yml"))
    assert "list.yml is encrypted, and no vault password decrypts it" in problem(outcome)
    outcome = run(workplace, "audit", *extra(expectations_file="value.yml"))
    assert "value.yml has encrypted values, and no vault password decrypts them" in problem(outcome)


@pytest.mark.slow
def test_neither_inventory_nor_configuration_decides_how_they_run(workplace, shops):
    names = ("port", "user", "password", "become_user", "shell_executable", "python_interpreter", "become_method")
    hostile = {f"ansible_{name}": "{{ no_such_variable }}" for name in names}
    hostile.update(ansible_connection="ssh", ansible_become=True, ansible_shell_type="powershell", ansible_host="192.0.2.1")
    workplace.write("hosts.yml", {"all": {"hosts": {"localhost": hostile}}})
    workplace.write("ansible.cfg", "[defaults]\nstrategy = free\n[privilege_escalation]\nbecome = true\n")
    outcome = run(workplace, "audit", "-i", "hosts.yml", *extra(expectations_file="good.yml"))
    assert outcome.status == 0, outcome.output


# The modules' actions in users' own plays

LEAK = """
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "leak"
    CALLBACK_TYPE = "notification"

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.write(task.args)

    def v2_runner_on_ok(self, result, **kwargs):
        self.write((getattr(result, "_task_fields", None) or result.task_fields)["args"])

    v2_runner_on_failed = v2_runner_retry = v2_runner_item_on_ok = v2_runner_on_ok

    def write(self, value):
        with open("leaks.txt", "a") as file:
            file.write(repr(value))
"""


def test_arguments_of_users_own_tasks(workplace, shops):
    workplace.write("callbacks/leak.py", LEAK)
    token = shops.partner_token
    workplace.write("secret.yml", GOOD)
    info = "zapi.zapi.instance_info"
    # ansible-core does not quote the path of an asynchronous module.
    can_be_asynchronous = shlex.quote(str(workplace.folder)) == str(workplace.folder)
    tasks = [
        {info: {"partner_token": "{{ mine }}", "name": "shop-1"}, "register": "templated"},
        {info: {"partner_tokn": "{{ mine }}"}, "register": "misspelt"},
        {info: {"query": None}, "register": "without_value"},
        {info: {"name": "shop-1"}, "vars": {"zapi_partner_token": "{{ mine }}"}, "register": "variable"},
        {info: {}, "vars": {"zapi_partner_token": "", "zapi_client_token": "{{ omit }}"}, "register": "by_environment"},
        {
            info: {"partner_token": "{{ mine }}"},
            "until": "attempts.attempts == 2",
            "retries": 3,
            "delay": 0,
            "register": "attempts",
        },
        {info: {"name": "{{ item }}"}, "loop": ["shop-1", "shop-2"], "register": "loop"},
        {info: {"partner_token": "{{ mine }}"}, "async": 60, "poll": 0, "register": "started", "when": can_be_asynchronous},
        {info: {}, "module_defaults": {"group/zapi.zapi.zapi": {"partner_token": "{{ mine }}"}}, "register": "by_defaults"},
        {"zapi.zapi.instance_audit": {"expectations_file": "secret.yml"}, "register": "audit", "check_mode": True},
        {"zapi.zapi.instance_converge": {"expectations_file": "good.yml", "backup": 5}, "register": "number"},
    ]
    outcome, (result,) = workplace.plays(
        [{"tasks": tasks, "vars": {"mine": "{{ 'emulator-' ~ lookup('ansible.builtin.env', 'REST') }}"}}],
        *("-vvv",),
        REST=token.removeprefix("emulator-"),
        ANSIBLE_CALLBACK_PLUGINS="callbacks",
        ANSIBLE_CALLBACKS_ENABLED="leak",
    )
    assert result["templated"]["total"] == result["variable"]["total"] == 1
    assert "partner_tokn is not an option" in result["misspelt"]["msg"]
    assert "query is null" in result["without_value"]["msg"]
    assert result["by_environment"]["total"] == result["by_defaults"]["total"] == 2
    assert result["started"].get("started") == (1 if can_be_asynchronous else None)
    assert (result["attempts"]["attempts"], result["attempts"]["total"]) == (2, 2)
    assert [one["total"] for one in result["loop"]["results"]] == [1, 1]
    assert result["audit"]["in_sync"] is True
    assert "backup must be the name of a file" in result["number"]["msg"]
    # The arguments, as callbacks get them
    leaks = (workplace.folder / "leaks.txt").read_text()
    assert token not in leaks + outcome.output
    assert SECRET not in leaks
