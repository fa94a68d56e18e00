# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The playbooks of the collection: how they are given what they need, and what they say where that is wrong."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

pytestmark = pytest.mark.unmeasured

SECRET = "s3cr3t-of-the-hook"
URL = f"https://hooks.example.com/received?key={SECRET}"
FLEET = [
    {
        "id": f"A{number}",
        "name": f"shop-{number}",
        "token": f"token-of-A{number}",
        "middleware": "web",
        "whatsappConnected": True,
        "receivedCallbackUrl": URL,
    }
    for number in (1, 2)
]
GOOD = [{"expect": {"whatsapp_connected": True, "webhooks": {"received": URL}}}]
IN_SYNC = "TASK [Assert that the fleet is as declared]"


@pytest.fixture
def shops(workplace):
    with Emulator(FLEET) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        yield running


def audit(workplace, *arguments, **environment):
    return workplace.run("ansible-playbook", "zapi.zapi.audit", *arguments, **environment)


def from_file(workplace, content, *arguments, name="expectations.yml"):
    """Audit with a file of expectations, as talkative as can be; whatever is in it, its secret is not told."""
    workplace.write(name, content)
    outcome = audit(workplace, "-e", f"expectations_file={name}", "-vvv", *arguments)
    assert SECRET not in outcome.output, outcome.output
    return outcome


def problem(outcome):
    """Return why the audit could not run, which is the last message and stands in one line."""
    assert outcome.status == 2, outcome.output
    *_others, last = re.findall(r'"msg": ("(?:[^"\\]|\\.)*")', outcome.stdout)
    message = json.loads(last)
    assert message.count("The audit could not run: ") == 1
    assert "\n" not in message
    return message.removeprefix("The audit could not run: ")


FORMS = {
    "a key of a mapping": yaml.safe_dump({"expectations": GOOD}),
    "a plain list": yaml.safe_dump(GOOD),
    "JSON": json.dumps({"expectations": GOOD}),
    "a plain list in JSON": json.dumps(GOOD),
    "with templates": yaml.safe_dump({"expectations": GOOD}).replace("hooks.example.com", "{{ host }}"),
    "with a variable of its own": f"host: hooks.example.com\n{yaml.safe_dump({'expectations': GOOD})}".replace(
        "//hooks.example.com", "//{{ host }}"
    ),
    "with a default": yaml.safe_dump({"expectations": GOOD}).replace("hooks.example", "{{ id | default('hooks') }}.example"),
    "with unused braces": "# not {{ id }}, but {id}\n" + yaml.safe_dump({"expectations": GOOD}),
}


@pytest.mark.slow
@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_a_file_of_expectations(workplace, shops, content):
    outcome = from_file(workplace, content, "-e", "host=hooks.example.com")
    assert outcome.status == 0, outcome.output
    assert IN_SYNC in outcome.stdout
    assert "failed=0" in outcome.stdout
    assert "ERROR" not in outcome.output
    assert not list(workplace.folder.rglob("link"))


def test_drift_fails_unless_it_is_not_to(workplace, shops):
    workplace.write("declared.yml", {"expectations": [{"expect": {"whatsapp_connected": False}}]})
    outcome = audit(workplace, "-e", "expectations_file=declared.yml", "--diff")
    assert outcome.status == 2
    assert "2 of 2 managed instances drifted" in outcome.stdout
    assert "+whatsapp_connected: false" in outcome.stdout
    assert "could not run" not in outcome.output
    outcome = audit(workplace, "-e", "expectations_file=declared.yml", "-e", "zapi_fail_on_drift=false")
    assert outcome.status == 0, outcome.output
    assert "2 of 2 managed instances drifted" in outcome.stdout


@pytest.mark.slow
def test_the_options_are_variables(workplace, shops):
    workplace.write("declared.yml", [{"match": {"id": "A1"}, **GOOD[0]}])
    del workplace.environment["ZAPI_API_URL"], workplace.environment["ZAPI_PARTNER_TOKEN"]
    connection = ["-e", f"zapi_api_url={shops.url} zapi_partner_token={shops.partner_token} zapi_page_size=1 zapi_retries=0"]
    outcome = audit(workplace, *connection, "-e", "expectations_file=declared.yml", "-e", "zapi_unmanaged=drift")
    assert outcome.status == 2
    assert "A2" in outcome.stdout
    assert len(shops.requests) == 2
    outcome = audit(workplace, *connection, "-e", "expectations_file=declared.yml")
    assert outcome.status == 0, outcome.output
    only = json.dumps({"zapi_only": ["shop-1"]})
    outcome = audit(workplace, *connection, "-e", "expectations_file=declared.yml", "-e", only)
    assert outcome.status == 0, outcome.output
    assert "1 of 1 managed instances" in outcome.stdout
    outcome = workplace.run("ansible-playbook", "zapi.zapi.overview", *connection, "-e", f"zapi_hook={URL}")
    assert outcome.status == 0, outcome.output
    assert "2 instances" in outcome.stdout
    assert "2 with stale webhooks" in outcome.stdout  # received_and_delivery is unset


def test_a_token_that_cannot_be_filled_in_is_not_replaced_by_the_environment_s(workplace, shops):
    workplace.write("declared.yml", GOOD)
    outcome = audit(workplace, "-e", "expectations_file=declared.yml", "-e", "zapi_partner_token='{{ customer_token }}'")
    assert "a variable whose name begins with zapi_" in problem(outcome)
    assert shops.requests == []


@pytest.mark.parametrize("playbook", ["audit", "converge"])
def test_a_part_of_the_fleet_that_cannot_be_filled_in_is_not_the_whole(workplace, shops, playbook):
    workplace.write("declared.yml", GOOD)
    arguments = ["-e", "expectations_file=declared.yml", "-e", "zapi_only='{{ shops_of_today }}'"]
    outcome = workplace.run("ansible-playbook", f"zapi.zapi.{playbook}", *arguments)
    assert outcome.status == 2, outcome.output
    assert "a variable whose name begins with zapi_" in outcome.words
    assert shops.requests == []


@pytest.mark.slow
def test_a_fleet_without_a_partner_token_is_a_variable(workplace, shops):
    del workplace.environment["ZAPI_PARTNER_TOKEN"]
    workplace.environment["SECOND_TOKEN"] = FLEET[1]["token"]
    second = {"id": "A2", "token": "{{ lookup('ansible.builtin.env', 'SECOND_TOKEN') }}"}
    workplace.write("credentials.yml", {"zapi_credentials": [{"id": "A1", "token": FLEET[0]["token"]}, second]})
    workplace.write("declared.yml", [{"expect": {"webhooks": {"received": URL}}}])
    for playbook, words in (("overview", "2 instances"), ("audit", "2 of 2 managed instances are as declared")):
        arguments = ["-e", "@credentials.yml", "-e", "expectations_file=declared.yml", "-vvv"]
        outcome = workplace.run("ansible-playbook", f"zapi.zapi.{playbook}", *arguments)
        assert outcome.status == 0, outcome.output
        assert words in outcome.stdout
        assert "token-of-A" not in outcome.output


@pytest.mark.slow
def test_a_path_is_relative_to_where_the_command_is_given(workplace, shops):
    home = workplace.folder / "home"
    (workplace.folder / "elsewhere").mkdir()
    workplace.write("elsewhere/main.yml", "- import_playbook: zapi.zapi.audit\n")
    for name in ("here.yml", "home/there.yml"):
        workplace.write(name, GOOD)
    for playbook in ("elsewhere/main.yml", "zapi.zapi.audit"):
        for file in ("here.yml", "~/there.yml", home / "there.yml"):
            outcome = workplace.run("ansible-playbook", playbook, "-e", f"expectations_file={file}")
            assert outcome.status == 0, outcome.output


@pytest.mark.slow
def test_an_imported_audit_takes_its_variables_and_no_others(workplace, shops):
    workplace.write("good.yml", GOOD)
    workplace.write("bad.yml", {"expectations": [{"expect": {"whatsapp_connected": False}}]})

    def imported(**variables):
        return {"import_playbook": "zapi.zapi.audit", "vars": variables}

    plays = [
        imported(expectations_file="bad.yml", zapi_fail_on_drift=False),
        imported(expectations_file="good.yml"),
        imported(expectations=GOOD),
        imported(),
    ]
    workplace.write("main.yml", yaml.safe_dump(plays))
    outcome = workplace.run("ansible-playbook", "main.yml")
    assert "no expectations are given" in problem(outcome)
    assert outcome.stdout.count(IN_SYNC) == 3
    assert outcome.stdout.count("2 of 2 managed instances drifted") == 1


@pytest.fixture
def vault(workplace):
    """Encrypt with the password of a file, which is also returned."""
    password = workplace.write("password", "the right one")

    def encrypt(*arguments):
        outcome = workplace.run("ansible-vault", *arguments, "--vault-password-file", password)
        assert outcome.status == 0, outcome.output
        return outcome.stdout

    return encrypt, password


@pytest.mark.slow
def test_a_file_that_is_encrypted_as_a_whole(workplace, shops, vault):
    encrypt, password = vault
    for content in ({"expectations": GOOD}, GOOD):
        workplace.write("plain.yml", content)
        encrypt("encrypt", "plain.yml", "--output", "secret.yml")
        encrypted = (workplace.folder / "secret.yml").read_text()
        outcome = from_file(workplace, encrypted, "--vault-password-file", password)
        assert outcome.status == 0, outcome.output
        outcome = from_file(workplace, encrypted)
        assert "expectations.yml is encrypted, and no vault password opens it" in problem(outcome)


@pytest.mark.slow
def test_a_file_with_encrypted_values(workplace, shops, vault):
    encrypt, password = vault
    value = encrypt("encrypt_string", URL)
    content = f"expectations:\n  - expect:\n      webhooks:\n        received: {value}"
    outcome = from_file(workplace, content, "--vault-password-file", password)
    assert outcome.status == 0, outcome.output
    for arguments in ([], ["--vault-password-file", workplace.write("wrong", "the wrong one")]):
        outcome = from_file(workplace, content, *arguments)
        assert "expectations.yml has encrypted values, and no vault password opens them" in problem(outcome)
        assert "[ERROR]: Task failed: Error" not in outcome.output


def one(url):
    return f'expectations:\n  - expect: {{webhooks: {{received: "{url}"}}}}\n'


SLIPS = {
    "": "is empty",
    "# nothing yet\n": "is empty",
    f"expectation: [{SECRET}]\n": "lacks the key expectations",
    f"all of {SECRET}\n": "holds neither a list nor the key expectations",
    f"expectations: [{SECRET}\n": "is no YAML that can be read: look at line 2, column 1",
    f"expectations:\n\t- {SECRET}\n": "is no YAML that can be read: look at line 2, column 1",
    f"expectations:\n  - !secret {SECRET}\n": "has a tag or a value that Ansible does not know: look at line 2",
    "expectations:\n  - expect: {{ all }}\n": "look at line 2. Quote what begins with a brace",
    one(URL.replace("received", "{{id}}")): "has two braces around id, which is a template of Ansible's. One is right: write {id}",
    one(URL.replace("received", "{{ name }}")): "One is right: write {name}",
    one(URL.replace("hooks.", "{{ hosts.of[0] }}")): "uses a variable that is not defined: hosts",
    one(URL.replace("hooks.", "{{ hosts ")): "has a template with a mistake in its syntax",
    one(URL.replace("hooks.", "{{ 1 / 0 }}")): "a template that cannot be filled in",
    "[]": "expectations is empty",
    one(URL.replace("received", "{token}")): "expectation 1",
}


@pytest.mark.slow
@pytest.mark.parametrize(("content", "words"), SLIPS.items(), ids=SLIPS.values())
def test_what_is_wrong_with_a_file_is_told_in_one_line(workplace, shops, content, words):
    assert words in problem(from_file(workplace, content))
    assert shops.requests == []


OTHER_SLIPS = {
    "no expectations are given": [],
    "both expectations and expectations_file are given": ["-e", {"expectations": GOOD, "expectations_file": "good.yml"}],
    "there is no file ": ["-e", "expectations_file=nosuch.yml"],
    "is a directory": ["-e", "expectations_file=home"],
    "expectations_file must be the name of a file": ["-e", {"expectations_file": ["good.yml"]}],
    "expectations is text, not a list": ["-e", 'expectations=\'[{"expect": {"days_left": 1}}]\''],
    "template or an encrypted value in expectations": ["-e", {"expectations": [{"expect": {"middleware": "{{id}}"}}]}],
    "did you mean whatsapp_connected": ["-e", {"expectations": [{"expect": {"whatsap_connected": True}}]}],
    "unmanaged": ["-e", "expectations_file=good.yml", "-e", "zapi_unmanaged=no"],
}


@pytest.mark.slow
@pytest.mark.parametrize(("words", "arguments"), OTHER_SLIPS.items(), ids=OTHER_SLIPS)
def test_what_is_wrong_with_the_variables_is_told_in_one_line(workplace, shops, words, arguments):
    (workplace.folder / "home").mkdir()
    workplace.write("good.yml", GOOD)
    arguments = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
    outcome = audit(workplace, *arguments)
    assert words in problem(outcome)
    assert shops.requests == []


@pytest.mark.slow
def test_other_reasons_are_told_in_the_same_words(workplace, shops):
    workplace.write("good.yml", GOOD)
    assert "partner_token" in problem(audit(workplace, "-e", "expectations_file=good.yml", ZAPI_PARTNER_TOKEN=""))
    assert "wrong" in problem(audit(workplace, "-e", "expectations_file=good.yml", ZAPI_PARTNER_TOKEN="another-token"))
    # A Python that looks for its libraries in the wrong place first
    workplace.write("broken/requests.py", "raise ImportError\n")
    outcome = audit(workplace, "-e", "expectations_file=good.yml", PYTHONPATH=str(workplace.folder / "broken"))
    assert "requests" in problem(outcome)


def test_an_audit_that_manages_no_instance_is_none(workplace, shops):
    outcome = audit(workplace, "-e", json.dumps({"expectations": [{"match": {"name": "nobody-*"}, **GOOD[0]}]}))
    problem(outcome)
