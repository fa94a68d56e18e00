# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""An adoption through Ansible: a fleet meets the file that was written for it, whichever way the file takes into an audit."""

from __future__ import annotations

import contextlib
import json
import re
import stat

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import extra, found, found_in_files

PARTNER_TOKEN = "p4rtn3r-token-of-the-account"
USERINFO = "ana.hook-user:p4ss-w0rd-of-ana"
QUERY_VALUE = "qu3ry-value-of-the-hook"
# Names that YAML, Ansible or a shell pattern could take for something else
HOSTILE = [
    *("{{ lookup('ansible.builtin.pipe', 'touch evaluated') }}", "{% raw %}", "{# x #}", "#jinja2: variable_start_string:'['"),
    *('it\'s "quoted"', "a\nb: [\n- c", "\u2028", "🍕 Pizzaria", "!unsafe x", "!vault |", "- x", "? x", "a: b #c", "*a", "&a"),
    *("yes", "null", "0123", "1e3", "12:30:45", "2027-03-01", "0x1F", "~", "", " ", "%s", "C:\\new", "[vip] *", "Sa\u0303o"),
]
WORDS = ["centro", "norte", "sul", "praia"]


def row(number, name, url, **fields):
    identity = f"{number:032X}"
    return {
        "id": identity,
        "name": name,
        "token": f"1nst4nce-token-{number:04d}",
        "tenant": "acme",
        "middleware": "web",
        "whatsappConnected": number % 2 == 0,
        "receivedCallbackUrl": url.replace("{id}", identity),
        "deliveryCallbackUrl": "",
        **fields,
    }


def hostile_fleet():
    """Shops, groups with similar names, each hostile name once, and three instances that share each of them."""
    hook = f"https://{USERINFO}@hooks.example.com/{{id}}?key={QUERY_VALUE}"
    names = [*(f"shop-{number}" for number in range(1, 13)), *(f"shopping-{word}-{number}" for word in WORDS for number in (1, 10))]
    rows = [row(number, name, hook) for number, name in enumerate(names, 1) if name.startswith("shop-")]
    rows += [
        row(number, name, f"https://malls.example.com/{QUERY_VALUE}") for number, name in enumerate(names, 1) if "ping" in name
    ]
    rows += [row(number, name, "https://{id}.odd.example.net/x") for number, name in enumerate(HOSTILE, 101)]
    rows += [
        row(200 + 10 * place + number, name, f"https://h{place}.example.net/", middleware="mobile")
        for place, name in enumerate(HOSTILE)
        for number in range(3)
    ]
    odd_urls = [
        "https://a.example.com/{{ x }}",
        "https://a.example.com/{x}",
        "ftp://a",
        "no url",
        "https://a/#\n",
        "!unsafe",
        "yes",
    ]
    rows += [row(900 + number, f"odd-{number}", url) for number, url in enumerate(odd_urls)]
    rows.append(row(950, "its own token", "https://hooks.example.com/1nst4nce-token-0950"))
    del rows[0]["deliveryCallbackUrl"]
    return rows


FLEET = hostile_fleet()
TOKENS = [PARTNER_TOKEN, *(one["token"] for one in FLEET)]
SECRETS = [*TOKENS, *USERINFO.split(":"), QUERY_VALUE]

SHOPS = [row(number, f"shop-{number}", "https://hooks.example.com/{id}") for number in range(1, 5)]


@pytest.fixture
def serve(workplace):
    """Return a function that starts an emulator with these instances and sets the environment variables for it."""
    with contextlib.ExitStack() as stack:

        def start(rows):
            running = stack.enter_context(Emulator(rows, partner_token=PARTNER_TOKEN))
            workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN)
            return running

        yield start


def adopt(workplace, *arguments, **environment):
    return workplace.run("ansible-playbook", "zapi.zapi.adopt", *arguments, **environment)


def messages(outcome):
    return [json.loads(text) for text in re.findall(r'"msg": ("(?:[^"\\]|\\.)*")', outcome.stdout)]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.slow
def test_a_hostile_fleet_meets_its_file_in_every_audit(workplace, serve):
    serve(FLEET)
    outcome = adopt(workplace, *extra(zapi_dest="fleet.yml"), "-vvv", "--diff", ANSIBLE_LOG_PATH="ansible.log")
    assert outcome.status == 0, outcome.output
    file = workplace.folder / "fleet.yml"
    headline = messages(outcome)[-1]
    assert re.fullmatch(rf"{len(FLEET)} instances are described by \d+ expectations, in {re.escape(str(file))}", headline)
    # A warning breaks its lines anywhere in a path.
    assert "".join(f"1 URL in {file} contains a secret".split()) in "".join(outcome.output.split())
    # Only the file contains secrets, and only its owner can read it.
    assert not found(SECRETS, outcome.output)
    assert (workplace.folder / "ansible.log").exists()
    assert found_in_files(SECRETS, workplace.folder) == [file]
    assert mode_of(file) == 0o600
    text = file.read_text(encoding="utf-8")
    assert not found(TOKENS, text)
    # Nothing in it is a template or a tag, except in comments.
    assert not re.search(r"\{[{%#]|[%#}]\}", re.sub(r"  # .*", "", text))
    assert not re.search(r"^\s*(- )?(\w+: )?[!&*]", text, re.M)
    declared = yaml.safe_load(text)["expectations"]

    workplace.write("password", "the right one")
    encrypted = workplace.run("ansible-vault", "encrypt", file, "--output", "secret.yml", "--vault-password-file", "password")
    assert encrypted.status == 0, encrypted.output
    audit = {"unmanaged": "drift"}
    tasks = [
        {"zapi.zapi.instance_audit": {**audit, "expectations_file": "fleet.yml"}, "register": "by_file"},
        {"zapi.zapi.instance_audit": {**audit, "expectations_file": "secret.yml"}, "register": "by_encrypted_file"},
        {"ansible.builtin.include_vars": {"file": "fleet.yml"}},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ expectations }}"}, "register": "by_variable"},
        {"ansible.builtin.include_vars": {"file": "secret.yml", "name": "secret"}},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ secret.expectations }}"}, "register": "by_encrypted_variable"},
        {"zapi.zapi.instance_adopt": {}, "register": "adopted", "no_log": True},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ adopted.expectations }}"}, "register": "by_result"},
        {"zapi.zapi.instance_converge": {"expectations_file": "fleet.yml"}, "register": "converged", "check_mode": True},
    ]
    outcome, results = workplace.play(tasks, "--vault-password-file", "password")
    assert outcome.status == 0, outcome.output
    assert results.pop("adopted")["expectations"] == declared
    converged = results.pop("converged")
    assert (converged["changed"], converged["changes"], converged["remaining"]) == (False, [], [])
    for name, result in results.items():
        assert result["drift"] == [], name
        assert result["summary"]["managed"] == len(FLEET), name
    assert len(results) == 5
    assert not (workplace.folder / "evaluated").exists()


def test_a_path_starts_in_the_working_directory(workplace, serve):
    serve(SHOPS)
    (workplace.folder / "elsewhere").mkdir()
    (workplace.folder / "home").mkdir()
    files = ("here.yml", "~/there.yml", "$HOME/also.yml")
    imports = [{"import_playbook": "zapi.zapi.adopt", "vars": {"zapi_dest": file}} for file in files]
    own = {"hosts": "localhost", "gather_facts": False, "tasks": [{"zapi.zapi.instance_adopt": {"dest": "elsewhere/task.yml"}}]}
    workplace.write("elsewhere/main.yml", yaml.safe_dump([*imports, own]))
    outcome = workplace.run("ansible-playbook", "elsewhere/main.yml", ANSIBLE_PIPELINING="0")
    assert outcome.status == 0, outcome.output
    written = {str(path.relative_to(workplace.folder)): mode_of(path) for path in workplace.folder.rglob("*.yml")}
    assert written.pop("elsewhere/main.yml")
    assert written == dict.fromkeys(("here.yml", "home/there.yml", "home/also.yml", "elsewhere/task.yml"), 0o600)


def test_an_existing_file_and_check_mode(workplace, serve):
    serve(SHOPS)
    file = workplace.write("fleet.yml", "before")
    forced = {"dest": "fleet.yml", "force": True}
    tasks = [
        {"zapi.zapi.instance_adopt": {"dest": "fleet.yml"}, "register": "refused"},
        {"zapi.zapi.instance_adopt": forced, "register": "checked", "check_mode": True},
        {"ansible.builtin.slurp": {"src": str(file)}, "register": "before"},
        {"zapi.zapi.instance_adopt": forced, "register": "forced"},
    ]
    outcome, (results,) = workplace.plays([tasks], "--diff")
    assert results["refused"]["msg"] == f"dest: {file} already exists and is not overwritten: use another name, or set force"
    assert results["before"]["content"] == "YmVmb3Jl"
    assert results["checked"]["changed"] is results["forced"]["changed"] is True
    assert yaml.safe_load(file.read_text())["expectations"] == results["forced"]["expectations"]
    assert mode_of(file) == 0o600
    assert "hooks.example.com" not in outcome.output, "the diff shows no content of the file"


def test_options_are_variables_and_the_file_is_validated_without_a_network(workplace, serve):
    running = serve(SHOPS)
    del workplace.environment["ZAPI_API_URL"], workplace.environment["ZAPI_PARTNER_TOKEN"]
    connection = {"zapi_partner_token": PARTNER_TOKEN, "zapi_api_url": running.url, "zapi_page_size": 3}
    options = {"zapi_only": ["shop-1", SHOPS[1]["id"]], "zapi_attributes": ["middleware"], "zapi_dest": "fleet.yml"}
    plays = [
        {"import_playbook": "zapi.zapi.adopt", "vars": {**connection, **options}},
        {"import_playbook": "zapi.zapi.validate", "vars": {"expectations_file": "fleet.yml", "zapi_api_url": "http://127.0.0.1:9"}},
    ]
    outcome = workplace.run("ansible-playbook", workplace.write("main.yml", yaml.safe_dump(plays)), "-vvv")
    assert outcome.status == 0, outcome.output
    assert messages(outcome)[-1].startswith("1 expectation, no mistakes: declares middleware")
    assert PARTNER_TOKEN not in outcome.output
    text = (workplace.folder / "fleet.yml").read_text()
    assert "# Instances: 2, a part of them (only)\n" in text
    assert yaml.safe_load(text)["expectations"] == [{"expect": {"middleware": "web"}}]
