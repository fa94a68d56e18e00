# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What somebody types where a credential or an address belongs: it is never evaluated, and never shown."""

from __future__ import annotations

import json

import pytest

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

pytestmark = [pytest.mark.attacks, pytest.mark.unmeasured]

LOOKUP = {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances') | length }} found"}}


# Templates by origin


def hostile(marker):
    """Values of a token that would be evaluated as templates, if they were any."""
    return [
        f"{{{{lookup('pipe','touch\\x20{marker}')}}}}-abracadabra",
        f"{{{{ lookup('pipe', 'touch {marker}') }}}}abracadabra",
        "abracadabra{#",
    ]


@pytest.mark.parametrize("number", range(3))
def test_the_environments_token_is_text_and_never_a_template(workplace, emulator, number):
    marker = workplace.folder / "evaluated"
    workplace.environment["ZAPI_PARTNER_TOKEN"] = hostile(marker)[number]
    outcome, _results = workplace.play([LOOKUP], "-vvvv")
    listed, hosts, _groups = workplace.inventory({}, "-vvvv")
    assert outcome.status != 0
    assert hosts == {}
    for output in (outcome.words, listed.words):
        assert "partner_token holds white space" in output or "status 401" in output
        assert "abracadabra" not in output
        assert "touch" not in output
    assert not marker.exists()


@pytest.mark.parametrize("number", range(3))
def test_the_lookups_argument_is_text_and_never_a_template(workplace, emulator, number):
    marker = workplace.folder / "evaluated"
    token = workplace.write("token", hostile(marker)[number])
    tasks = [
        {
            "ansible.builtin.command": {"argv": ["cat", str(token)]},
            "register": "said",
            "no_log": True,
        },
        {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances', partner_token=said.stdout) | length }} found"}},
    ]
    outcome, _results = workplace.play(tasks, "-vvv")
    assert outcome.status != 0
    assert "partner_token holds white space" in outcome.words or "status 401" in outcome.words
    assert "abracadabra" not in outcome.output
    assert not marker.exists()


BROKEN = {
    "undefined": ("abracadabra{{ not_there }}", "a variable in it is not defined"),
    "undefined at the end of a chain": ("abracadabra{{ chained }}", "a variable in it is not defined"),
    "syntax": ("abracadabra{{ 'x' ", "it has a mistake in its syntax"),
    "plugin": ("{{ lookup('file', 'abracadabra') }}", "it ends in an error"),
}


@pytest.mark.parametrize(("template", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_template_that_fails_says_why_and_where_and_is_not_quoted(workplace, emulator, template, reason):
    variables = {"zapi_partner_token": template, "chained": "{{ not_there }}"}
    outcome, _results = workplace.play([LOOKUP], "-vvvv", variables=variables)
    assert outcome.status != 0
    assert f"the template of partner_token (variable zapi_partner_token) could not be filled in: {reason}" in outcome.words
    extra = workplace.write("extra.yml", {"chained": "{{ not_there }}"})
    in_file, hosts, _groups = workplace.inventory({"partner_token": template}, "-vvvv", "-e", f"@{extra}")
    assert hosts == {}
    assert f"the template of partner_token (inventory file) could not be filled in: {reason}" in in_file.words
    for output in (outcome.output, in_file.output):
        assert "abracadabra" not in output


def test_a_vaulted_and_a_chained_variable_are_filled_in(workplace, emulator):
    token = workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    password = workplace.write("password", "of-the-vault")
    vaulted = workplace.run("ansible-vault", "encrypt_string", "--vault-password-file", password, token, "--name", "from_vault")
    workplace.write("vaulted.yml", vaulted.stdout + '\nzapi_partner_token: "{{ from_vault }}"\n')
    workplace.write("direct.yml", vaulted.stdout.replace("from_vault", "zapi_partner_token"))
    for variables in ("vaulted.yml", "direct.yml"):
        arguments = ("--vault-password-file", password, "-e", f"@{variables}")
        outcome, _results = workplace.play([LOOKUP], *arguments)
        assert "23 found" in outcome.output, outcome.output
        _outcome, hosts, _groups = workplace.inventory({}, *arguments)
        assert len(hosts) == 23


# Options in results and logs

API_URL_SECRET = "S3cr3tOfTheAddress"
HOOK_SECRET = "s3cr3t-of-the-hook"
HOOK = f"https://user:{HOOK_SECRET}@hooks.example.com/a,https://hooks.example.com/b?key={HOOK_SECRET}"
EXPECTATIONS = [{"expect": {"webhooks": {"received": HOOK}}}]
SLIP_OF_A_KEY = [{"expect": {"webhooks": {HOOK: "received"}}}]
SLIPS = [
    f"/instances/3C3F/token/{API_URL_SECRET}",
    f"/%74oken/{API_URL_SECRET}",
]


@pytest.mark.parametrize("slip", SLIPS)
def test_a_token_in_the_api_url_is_shown_by_no_door_and_in_no_log(workplace, emulator, slip):
    url, log = emulator.url + slip, workplace.folder / "ansible.log"
    workplace.environment["ANSIBLE_LOG_PATH"] = str(log)
    environment = {"ZAPI_API_URL": url}
    tasks = [
        {"zapi.zapi.instance_info": {"api_url": url}, "register": "from_option", "ignore_errors": True},
        {"zapi.zapi.instance_info": {}, "register": "from_environment", "ignore_errors": True},
        {"zapi.zapi.instance_info": {"page_size": 0}, "register": "other", "ignore_errors": True},
        {"zapi.zapi.instance_info": {"page_size": "x"}, "register": "wrong_type", "ignore_errors": True},
        {"zapi.zapi.instance_info": {"nonsense": 1}, "register": "unknown", "ignore_errors": True},
        {"zapi.zapi.instance_audit": {"expectations": EXPECTATIONS}, "register": "audit", "ignore_errors": True},
        {**LOOKUP, "register": "looked_up", "ignore_errors": True},
    ]
    outcome, results = workplace.play(tasks, "-vvvv", **environment)
    listed, hosts, _groups = workplace.inventory({}, "-vvvv", **environment)
    assert hosts == {}
    assert len(results) == len(tasks), outcome.output[-3000:]
    for name, result in results.items():
        assert result["failed"], name
        assert "api_url" in result["msg"] or name in ("wrong_type", "unknown")
    # Ansible prints a task as it was written where it goes wrong: in that one, the address stands in the playbook.
    for text in (outcome.output.replace(f"api_url: {url}", ""), listed.output, str(results), log.read_text()):
        assert API_URL_SECRET not in text


def test_results_hold_the_options_with_urls_masked_and_the_token_censored(workplace, emulator):
    options = {"partner_token": emulator.partner_token, "api_url": emulator.url, "query": emulator.partner_token.upper()}
    audit = {"expectations": [*EXPECTATIONS, {"match": {"id": "no-such"}, "expect": {"whatsapp_connected": True}}]}
    tasks = [
        {"zapi.zapi.instance_info": options, "register": "info"},
        {"zapi.zapi.instance_audit": {**audit, "fail_on_drift": False}, "register": "audit"},
        {"zapi.zapi.instance_audit": {**audit, "page_size": 0}, "register": "refused", "ignore_errors": True},
        {"zapi.zapi.instance_audit": {**audit, "unmanaged": "x"}, "register": "refused_by_ansible", "ignore_errors": True},
        {"zapi.zapi.instance_audit": {"expectations": SLIP_OF_A_KEY}, "register": "key", "ignore_errors": True},
        {"zapi.zapi.instance_audit": {"expectations": SLIP_OF_A_KEY, "unmanaged": "x"}, "register": "both", "ignore_errors": True},
    ]
    extra = {"ANSIBLE_INJECT_INVOCATION": "true", "ANSIBLE_LOG_PATH": str(workplace.folder / "ansible.log")}
    outcome, results = workplace.play(tasks, "-vvv", **extra)
    assert len(results) == len(tasks), outcome.output[-3000:]
    # As ansible-core prints it; what a task registers has it not.
    assert '"partner_token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in outcome.output
    assert '"query": "***"' in outcome.output
    assert outcome.output.count(f'"api_url": "{emulator.url}"') == 3  # and where work began
    assert '"received": "https://***@hooks.example.com/a,https://hooks.example.com/b?key=***"' in outcome.output
    for text in (outcome.output, str(results), (workplace.folder / "ansible.log").read_text()):
        assert HOOK_SECRET not in text
        assert emulator.partner_token not in text


def test_messages_still_name_the_server(workplace, emulator):
    _outcome, results = workplace.play(
        [{"zapi.zapi.instance_info": {"api_url": "http://127.0.0.1:9", "retries": 0}, "register": "info", "ignore_errors": True}]
    )
    assert "127.0.0.1:9" in results["info"]["msg"]


# The diff of an audit


@pytest.mark.parametrize("fail_on_drift", [True, False])
@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ("ansible", {}),
        ("ansible", {"ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"}),
        ("ansible-playbook", {}),
        ("ansible-playbook", {"ANSIBLE_STDOUT_CALLBACK": "minimal"}),
    ],
)
def test_the_diff_is_printed_once_whichever_command_runs_the_audit(workplace, emulator, command, environment, fail_on_drift):
    options = {"expectations": [{"expect": {"middleware": "none"}}], "fail_on_drift": fail_on_drift}
    if command == "ansible-playbook":
        outcome, _results = workplace.play([{"zapi.zapi.instance_audit": options}], "--diff", **environment)
    else:
        task = ("-m", "zapi.zapi.instance_audit", "-a", json.dumps(options), "--diff")
        outcome = workplace.run(command, "localhost", *task, **environment)
    assert outcome.output.count("+++ after: ") == 23, outcome.output


def test_invisible_and_turning_characters_are_escaped_in_the_diff_and_letters_are_not(workplace):
    rows = [{"id": "A1", "name": "São 🍞 \u202e1\u200b", "token": "token-of-A1", "paymentStatus": "\u2067ção\u200d🍞\u00ad"}]
    with Emulator(rows) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        options = {"expectations": [{"expect": {"payment_status": "PAID"}}], "fail_on_drift": False}
        outcome, _results = workplace.play([{"zapi.zapi.instance_audit": options}], "--diff")
    assert not [character for character in outcome.stdout if not character.isprintable() and character not in "\n\t"]
    assert "São 🍞 \\u202e1\\u200b" in outcome.stdout
    assert "\\u2067ção\\u200d🍞\\xad" in outcome.stdout
