# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Which values of the connection options are templates, and what Ansible prints of invalid ones."""

from __future__ import annotations

import json

import yaml

LOOKUP = {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances') | length }}"}}


def lookup(arguments):
    return {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances', %s) | length }}" % arguments}}


def source(workplace, name, **options):
    """Write an inventory file and return the arguments that name it."""
    return ["-i", workplace.write(f"{name}.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances", **options}))]


def registered(tasks):
    return [{**task, "register": name} for name, task in tasks.items()]


# Templates


def test_values_of_the_environment_and_of_arguments_are_not_templates(workplace, emulator):
    marker = workplace.folder / "evaluated"
    # Relative paths: that of the folder can contain a space.
    without_space = "{{lookup('pipe','touch\\x20evaluated')}}-abracadabra"
    given = {"plain": without_space, "spaced": "{{ lookup('pipe', 'touch evaluated') }}abracadabra", "comment": "abracadabra{#"}
    workplace.write("extra.yml", "".join(f"{name}: !unsafe {json.dumps(value)}\n" for name, value in given.items()))
    tasks = {"from_environment": LOOKUP, "module": {"zapi.zapi.instance_info": {}}}
    for name in given:
        tasks[f"token_{name}"] = lookup(f"partner_token={name}")
        tasks[f"credentials_{name}"] = lookup("credentials=[{'id': 'A1', 'token': %s}]" % name)
    outcome, [results] = workplace.plays(
        [registered(tasks)], *source(workplace, "fleet"), "-e", "@extra.yml", "-vvvv", ZAPI_PARTNER_TOKEN=without_space
    )
    assert set(results) == set(tasks), outcome.output
    for name, result in results.items():
        words = "contains white space" if "spaced" in name else "status 404" if "credentials" in name else "status 401"
        assert words in result["msg"], name
    assert "status 401" in outcome.stderr  # from the inventory
    assert "abracadabra" not in outcome.output + str(results)
    assert not marker.exists()


def test_a_template_that_fails_is_not_quoted(workplace, emulator):
    undefined = "uses a variable that is not defined: not_there"
    broken = {
        "undefined": ("abracadabra{{ not_there }}", undefined),
        "chain": ("abracadabra{{ chained }}", undefined),
        "syntax": ("abracadabra{{ 'x' ", "has a template with a syntax error"),
        "plugin": ("{{ lookup('file', 'abracadabra') }}", "has a template that failed"),
        "credentials": ([{"id": "A1", "token": "abracadabra{{ not_there }}"}], undefined),
    }
    plays, inventory = [], []
    for name, (template, _words) in broken.items():
        option = "credentials" if name == "credentials" else "partner_token"
        tasks = {"lookup": LOOKUP, "module": {"zapi.zapi.instance_info": {}}}
        plays.append({"tasks": registered(tasks), "vars": {f"zapi_{option}": template}})
        inventory += source(workplace, name, **{option: template})
    extra = workplace.write("extra.yml", {"chained": "{{ not_there }}"})
    outcome, results = workplace.plays(plays, *inventory, "-e", f"@{extra}", "-vvvv")
    for (name, (_template, words)), result in zip(broken.items(), results):
        option = "credentials" if name == "credentials" else "partner_token"
        for plugin in ("lookup", "module"):
            assert f"the variable zapi_{option} {words}" in result[plugin]["msg"], (name, plugin)
        assert f"plugin: {option} {words}" in outcome.words, name  # from the inventory
    assert "abracadabra" not in outcome.output + str(results)


# Options in results and logs

API_URL_SECRET = "S3cr3tOfTheAddress"
HOOK_SECRET = "s3cr3t-of-the-hook"
HOOK = f"https://user:{HOOK_SECRET}@hooks.example.com/a?key={HOOK_SECRET}"
EXPECTATIONS = [{"expect": {"webhooks": {"received": HOOK}}}]


def test_a_token_in_the_api_url_is_not_repeated(workplace, emulator):
    pasted = f"{emulator.url}/instances/3C3F/token/{API_URL_SECRET}"
    encoded = f"{emulator.url}/%74oken/{API_URL_SECRET}"
    info, audit = "zapi.zapi.instance_info", "zapi.zapi.instance_audit"
    tasks = {
        "option": {info: {"api_url": "{{ encoded }}"}},
        "argument": lookup("api_url=encoded"),
        "variable": {info: {}, "vars": {"zapi_api_url": "{{ encoded }}"}},
        "from_environment": {info: {}},
        "environment_lookup": LOOKUP,
        "audit": {audit: {"expectations": "{{ expectations }}"}},
        # ansible-core itself refuses these.
        "wrong_type": {info: {"page_size": "x"}},
        "unknown": {info: {"nonsense": 1}},
        "misspelt": lookup("partner_tokn=encoded"),
    }
    extra = workplace.write("extra.json", {"encoded": encoded, "expectations": EXPECTATIONS})
    inventory = [*source(workplace, "environment"), *source(workplace, "option", api_url="{{ encoded }}")]
    outcome, [results] = workplace.plays(
        [registered(tasks)], *inventory, "-e", f"@{extra}", "-vvvv", ANSIBLE_LOG_PATH="ansible.log", ZAPI_API_URL=pasted
    )
    assert set(results) == set(tasks), outcome.output[-3000:]
    for name, result in results.items():
        assert result["failed"], name
        assert "api_url contains an instance call" in result["msg"] or name in ("wrong_type", "unknown", "misspelt"), name
    assert "partner_tokn is not an option of zapi.zapi.instances" in results["misspelt"]["msg"]
    assert "api_url contains an instance call" in " ".join(outcome.stderr.split())  # from the inventory
    assert not emulator.requests
    for text in (outcome.output, str(results), (workplace.folder / "ansible.log").read_text(encoding="utf-8")):
        assert API_URL_SECRET not in text


def test_printed_options_are_masked(workplace, emulator):
    audit = "zapi.zapi.instance_audit"
    options = {"partner_token": emulator.partner_token, "api_url": emulator.url, "query": emulator.partner_token}
    tasks = {
        "info": {"zapi.zapi.instance_info": options},
        "audit": {audit: {"expectations": "{{ expectations }}", "fail_on_drift": False}},
        "out_of_range": {audit: {"expectations": "{{ expectations }}", "page_size": 0}},
        "not_a_choice": {audit: {"expectations": "{{ expectations }}", "unmanaged": "x"}},
        "secret_as_key": {audit: {"expectations": "{{ invalid }}"}},
        "secret_as_key_and_not_a_choice": {audit: {"expectations": "{{ invalid }}", "unmanaged": "x"}},
    }
    given = {"expectations": EXPECTATIONS, "invalid": [{"expect": {"webhooks": {HOOK: "received"}}}]}
    extra = workplace.write("extra.json", given)
    outcome, [results] = workplace.plays(
        [registered(tasks)], "-e", f"@{extra}", "-vvv", ANSIBLE_INJECT_INVOCATION="true", ANSIBLE_LOG_PATH="ansible.log"
    )
    assert {name for name, result in results.items() if result.get("failed")} == set(tasks) - {"info", "audit"}, outcome.output
    assert '"partner_token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in outcome.output
    assert '"received": "https://***@hooks.example.com/a?key=***"' in outcome.output
    for text in (outcome.output, str(results), (workplace.folder / "ansible.log").read_text(encoding="utf-8")):
        assert HOOK_SECRET not in text
        assert emulator.partner_token not in text


def test_ad_hoc_commands_show_the_diff_once(workplace, emulator):
    """These commands print results in another way than ansible-playbook does."""
    for fails in (True, False):
        options = {"expectations": [{"expect": {"middleware": "none"}}], "fail_on_drift": fails}
        task = ("-m", "zapi.zapi.instance_audit", "-a", json.dumps(options), "--diff")
        outcome = workplace.run("ansible", "localhost", *task)
        assert outcome.output.count('middleware: "none"') == 23, outcome.output
