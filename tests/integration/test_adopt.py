# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The first five minutes with a fleet: it is adopted, the file is looked at, validated and encrypted, and the audit is green."""

from __future__ import annotations

import json
import re
import stat

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import found, found_in_files
from ansible_collections.zapi.zapi.tests.integration.test_playbooks import SLIPS

pytestmark = pytest.mark.unmeasured

PARTNER_TOKEN = "p4rtn3r-token-of-the-account"
CLIENT_TOKEN = "cl13nt-token-of-the-account"
USERINFO = "ana.hook-user:p4ss-w0rd-of-ana"
QUERY_VALUE = "qu3ry-value-of-the-hook"
# Each way of looking like something else, in names and URLs
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
    """Shops, groups that are called alike, each hostile name once, and some that have one in common."""
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
TOKENS = [PARTNER_TOKEN, CLIENT_TOKEN, *(one["token"] for one in FLEET)]
SECRETS = [*TOKENS, *USERINFO.split(":"), QUERY_VALUE]

SHOPS = [row(number, f"shop-{number}", "https://hooks.example.com/{id}") for number in range(1, 5)]
GOOD = [{"expect": {"webhooks": {"received": "https://hooks.example.com/{id}"}}}]


def served(workplace, rows, **options):
    """An emulator with these instances, for which the environment holds address and token."""
    running = Emulator(rows, partner_token=PARTNER_TOKEN, **options)
    running.start()
    workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=PARTNER_TOKEN)
    return running


@pytest.fixture
def hostile(workplace):
    running = served(workplace, FLEET)
    yield running
    running.stop()


@pytest.fixture
def shops(workplace):
    running = served(workplace, SHOPS)
    yield running
    running.stop()


def adopt(workplace, *arguments, **environment):
    arguments = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
    return workplace.run("ansible-playbook", "zapi.zapi.adopt", *arguments, **environment)


def message_of(outcome):
    """The last message, whatever the callback breaks its line into."""
    *_others, last = re.findall(r'"msg": ("(?:[^"\\]|\\.)*")', outcome.stdout)
    return json.loads(last)


def problem(outcome, beginning="The adoption could not run: "):
    """Return why it could not run, which is the last message and stands in one line."""
    assert outcome.status == 2, outcome.output
    message = message_of(outcome)
    assert message.count(beginning) == 1
    assert "\n" not in message
    return message.removeprefix(beginning)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


# From the fleet to the green audit


def test_a_hostile_fleet_is_adopted_and_meets_what_was_written(workplace, hostile):
    outcome = adopt(workplace, "-e", "zapi_dest=fleet.yml", "-vvv", "--diff", ANSIBLE_LOG_PATH="ansible.log")
    assert outcome.status == 0, outcome.output
    file = workplace.folder / "fleet.yml"
    assert re.fullmatch(
        rf"{len(FLEET)} instances are described by \d+ expectations, in {re.escape(str(file))}; "
        rf"2 URLs hold secrets: ansible-vault encrypt {re.escape(str(file))}",
        message_of(outcome),
    )
    # What it holds is told nowhere else, and only its owner can read it.
    assert not found(SECRETS, outcome.output)
    assert (workplace.folder / "ansible.log").exists()
    assert found_in_files(SECRETS, workplace.folder) == [file]
    assert mode_of(file) == 0o600
    text = file.read_text(encoding="utf-8")
    assert not found(TOKENS, text)
    # Nothing in it is a template or a tag, but for the names in comments.
    declared = yaml.safe_load(text)
    assert not re.search(r"\{[{%#]|[%#}]\}", re.sub(r"  # .*", "", text))
    assert not re.search(r"^\s*(- )?(\w+: )?[!&*]", text, re.M)
    patterns = {item["match"]["name"] for item in declared["expectations"] if "name" in item.get("match", {})}
    assert {"shopping-*", "!unsafe x", "yes", "0123", "1e3", "a\nb: [[]\n- c", "[[]vip] [*]", "S\u00e3o"} <= patterns
    assert not any("{" in pattern or pattern.startswith("#jinja2") for pattern in patterns)

    # Through every way into the audit
    workplace.write("password", "the right one")
    encrypted = workplace.run("ansible-vault", "encrypt", file, "--output", "secret.yml", "--vault-password-file", "password")
    assert encrypted.status == 0, encrypted.output
    audit = {"unmanaged": "drift", "fail_on_drift": False}
    tasks = [
        {"zapi.zapi.instance_audit": {**audit, "expectations_file": "fleet.yml"}, "register": "by_file"},
        {"zapi.zapi.instance_audit": {**audit, "expectations_file": "secret.yml"}, "register": "by_encrypted_file"},
        {"ansible.builtin.include_vars": {"file": "fleet.yml"}},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ expectations }}"}, "register": "by_variable"},
        {"ansible.builtin.include_vars": {"file": "secret.yml", "name": "secret"}},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ secret.expectations }}"}, "register": "by_encrypted_variable"},
        {"zapi.zapi.instance_converge": {"expectations_file": "fleet.yml"}, "register": "converged", "check_mode": True},
        {"zapi.zapi.instance_adopt": {}, "register": "adopted", "no_log": True},
        {"zapi.zapi.instance_audit": {**audit, "expectations": "{{ adopted.expectations }}"}, "register": "by_result"},
    ]
    outcome, results = workplace.play(tasks, "--vault-password-file", "password")
    assert outcome.status == 0, outcome.output
    assert results.pop("adopted")["expectations"] == declared["expectations"]
    converged = results.pop("converged")
    assert (converged["changed"], converged["changes"], converged["remaining"]) == (False, [], [])
    for name, result in results.items():
        assert result["drift"] == [], name
        assert result["summary"]["managed"] == len(FLEET)
        assert all("is not an HTTPS URL" in warning for warning in result.get("warnings", [])), name
    assert len(results) == 5
    assert not (workplace.folder / "evaluated").exists()


def test_the_audit_is_green_and_every_later_difference_is_news(workplace, shops):
    assert adopt(workplace, "-e", "zapi_dest=fleet.yml").status == 0
    audit = ["zapi.zapi.audit", "-e", "expectations_file=fleet.yml", "-e", "zapi_unmanaged=drift"]
    outcome = workplace.run("ansible-playbook", *audit)
    assert outcome.status == 0, outcome.output
    assert "4 of 4 managed instances are as declared, 0 unmanaged" in outcome.stdout
    shops.change_instance(SHOPS[2]["id"], deliveryCallbackUrl="https://evil.example.net/")
    outcome = workplace.run("ansible-playbook", *audit)
    assert outcome.status == 2
    assert "1 of 4 managed instances drifted" in outcome.stdout


# The file


@pytest.mark.attacks
@pytest.mark.parametrize("pipelining", ["0", "1"])
def test_a_path_is_relative_to_where_the_command_is_given(workplace, shops, pipelining):
    (workplace.folder / "elsewhere").mkdir()
    (workplace.folder / "home").mkdir()
    imported = [
        {"import_playbook": "zapi.zapi.adopt", "vars": {"zapi_dest": "here.yml"}},
        {"import_playbook": "zapi.zapi.adopt", "vars": {"zapi_dest": "~/there.yml"}},
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"zapi.zapi.instance_adopt": {"dest": "elsewhere/task.yml"}}],
        },
    ]
    workplace.write("elsewhere/main.yml", yaml.safe_dump(imported))
    outcome = workplace.run("ansible-playbook", "elsewhere/main.yml", ANSIBLE_PIPELINING=pipelining)
    assert outcome.status == 0, outcome.output
    written = {path.relative_to(workplace.folder) for path in workplace.folder.rglob("*.yml")}
    assert {str(path) for path in written} == {"elsewhere/main.yml", "here.yml", "home/there.yml", "elsewhere/task.yml"}
    for name in ("here.yml", "home/there.yml", "elsewhere/task.yml"):
        assert mode_of(workplace.folder / name) == 0o600


def test_a_file_that_is_there_is_replaced_by_force_only(workplace, shops):
    file = workplace.write("fleet.yml", "before")
    assert problem(adopt(workplace, "-e", "zapi_dest=fleet.yml")) == (
        f"dest: {file} is there already, and is not overwritten: name another file, or set force"
    )
    assert file.read_text() == "before"
    tasks = [
        {"zapi.zapi.instance_adopt": {"dest": "fleet.yml", "force": True}, "register": "checked", "check_mode": True, "diff": True},
        {"ansible.builtin.slurp": {"src": str(file)}, "register": "before"},
        {"zapi.zapi.instance_adopt": {"dest": "fleet.yml", "force": True}, "register": "forced", "diff": True},
        {"zapi.zapi.instance_adopt": {"dest": "fleet.yml", "force": True}, "register": "again"},
        {"zapi.zapi.instance_adopt": {"dest": "fleet.yml"}, "register": "refused", "ignore_errors": True},
        {"zapi.zapi.instance_adopt": {"dest": "new.yml"}, "register": "new", "check_mode": True},
    ]
    outcome, results = workplace.play(tasks, "--diff", ANSIBLE_PIPELINING="0")
    assert outcome.status == 0, outcome.output
    assert results["before"]["content"] == "YmVmb3Jl"
    assert [results[name]["changed"] for name in ("checked", "forced", "again", "refused", "new")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert results["refused"]["failed"]
    assert yaml.safe_load(file.read_text())["expectations"] == results["forced"]["expectations"]
    assert mode_of(file) == 0o600
    assert not (workplace.folder / "new.yml").exists()
    assert "before:" not in outcome.output
    assert "hooks.example.com" not in outcome.output


def test_check_mode_writes_nothing(workplace, shops):
    outcome = adopt(workplace, "-e", "zapi_dest=fleet.yml", "--check", "--diff", "-vvv")
    assert outcome.status == 0, outcome.output
    assert message_of(outcome) == (f"4 instances are described by 1 expectation; {workplace.folder / 'fleet.yml'} would be written")
    assert "changed=1" in outcome.stdout
    assert not (workplace.folder / "fleet.yml").exists()
    assert "hooks.example.com" not in outcome.output


# What the playbook is given


@pytest.mark.attacks
def test_the_options_are_variables(workplace, shops):
    del workplace.environment["ZAPI_API_URL"], workplace.environment["ZAPI_PARTNER_TOKEN"]
    workplace.write("vars.yml", {"zapi_partner_token": PARTNER_TOKEN, "zapi_api_url": shops.url, "zapi_page_size": 3})
    options = {"zapi_dest": "fleet.yml", "zapi_only": ["shop-1", SHOPS[1]["id"]], "zapi_attributes": ["middleware"]}
    outcome = adopt(workplace, "-e", "@vars.yml", "-e", options, "-vvv")
    assert outcome.status == 0, outcome.output
    assert PARTNER_TOKEN not in outcome.output
    text = (workplace.folder / "fleet.yml").read_text()
    assert "# Instances: 2, a part of them (only)\n" in text
    assert [(item["match"]["id"], item["expect"]) for item in yaml.safe_load(text)["expectations"]] == [
        (one["id"], {"middleware": "web"}) for one in SHOPS[:2]
    ]
    outcome = adopt(workplace, "-e", "@vars.yml", "-e", "zapi_dest=fleet.yml zapi_force=true")
    assert outcome.status == 0, outcome.output
    assert yaml.safe_load((workplace.folder / "fleet.yml").read_text())["expectations"][0]["expect"]["webhooks"]["received"] == (
        "https://hooks.example.com/{id}"
    )


@pytest.mark.attacks
def test_a_fleet_without_a_partner_token(workplace):
    rows = [{**one, "_me": {"callbackTypeFilters": [], "autoReadMessage": True}} for one in SHOPS]
    running = served(workplace, rows, client_token=CLIENT_TOKEN)
    del workplace.environment["ZAPI_PARTNER_TOKEN"]
    credentials = [{"id": one["id"], "token": one["token"]} for one in SHOPS]
    variables = {"zapi_credentials": credentials, "zapi_client_token": CLIENT_TOKEN}
    workplace.write("given.yml", {**variables, "zapi_attributes": ["webhook_hosts", "webhooks", "settings"]})
    outcome = adopt(workplace, "-e", "@given.yml", "-e", "zapi_dest=fleet.yml", "-vvv")
    assert outcome.status == 0, outcome.output
    assert not found(TOKENS, outcome.output + (workplace.folder / "fleet.yml").read_text())
    assert not any(request["path"] == "/instances" for request in running.requests)
    [item] = yaml.safe_load((workplace.folder / "fleet.yml").read_text())["expectations"]
    assert item["expect"]["settings"] == {"auto_read_message": True, "muted_webhooks": []}
    audit = ["zapi.zapi.audit", "-e", "@given.yml", "-e", "expectations_file=fleet.yml", "-e", "zapi_unmanaged=drift"]
    assert workplace.run("ansible-playbook", *audit).status == 0
    # Who is not there is an error, and all of them are named.
    workplace.write("given.yml", {**variables, "zapi_credentials": [*credentials, {"id": "F1", "token": "1nst4nce-token-0001"}]})
    why = problem(adopt(workplace, "-e", "@given.yml", "-e", "zapi_dest=other.yml", "-vvv"))
    assert why.startswith(
        "the server refuses 1 of 5 credentials, those of F1; the first: GET /instances/F1/me was answered with status 404"
    )
    assert not (workplace.folder / "other.yml").exists()
    running.stop()


MISTAKES = {
    "there is no file to write. Name it: -e zapi_dest=expectations.yml": [],
    "is a directory, name a file in it": ["-e", "zapi_dest=."],
    "attributes": ["-e", "zapi_dest=x.yml", "-e", {"zapi_attributes": ["days_left"]}],
    # Not the whole fleet instead of a part of it
    "a variable whose name begins with zapi_ holds a template": ["-e", "zapi_dest=x.yml", "-e", "zapi_only='{{ nobody }}'"],
}


@pytest.mark.attacks
@pytest.mark.parametrize(("words", "arguments"), MISTAKES.items(), ids=MISTAKES)
def test_what_is_wrong_is_told_in_one_line(workplace, shops, words, arguments):
    assert words in problem(adopt(workplace, *arguments))
    assert not (workplace.folder / "x.yml").exists()


@pytest.mark.attacks
def test_other_reasons_are_told_in_the_same_words(workplace, shops):
    assert "partner_token" in problem(adopt(workplace, "-e", "zapi_dest=x.yml", ZAPI_PARTNER_TOKEN=""))
    shops.replace_fleet([])
    assert problem(adopt(workplace, "-e", "zapi_dest=x.yml")) == "the fleet is empty: there is nothing to adopt"
    assert not (workplace.folder / "x.yml").exists()


# Knowing that a file is right


def validate(workplace, *arguments):
    arguments = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
    return workplace.run("ansible-playbook", "zapi.zapi.validate", *arguments, "-vvv")


def test_a_file_is_validated_without_token_and_network(workplace):
    workplace.write("good.yml", {"expectations": [*GOOD, {"match": {"id": "A1"}, "ignore": ["webhooks"], "until": "2099-03-01"}]})
    outcome = validate(workplace, "-e", "expectations_file=good.yml", "-e", {"zapi_api_url": "http://127.0.0.1:9"})
    assert outcome.status == 0, outcome.output
    assert message_of(outcome) == ("2 expectations without a mistake: they declare webhooks.received; 1 instance is named")
    assert "changed=0" in outcome.stdout


VALIDATED = {
    "expectations:\n  - expect: {webhooks: {received: 'https://{{ host }}/s3cr3t'}}\n": "uses a variable that is not defined: host",
    "expectations:\n  - expect: {webhooks: {received: 'https://h/{{id}}'}}\n": "has two braces around id",
    "expectations:\n  - expect: {whatsap_connected: true, webhooks: {recieved: 'https://h/?s3cr3t'}}\n": "did you mean whatsapp_connected",
}


@pytest.mark.attacks
@pytest.mark.parametrize(("content", "words"), VALIDATED.items(), ids=VALIDATED.values())
def test_a_mistake_is_status_2_and_what_the_audit_says(workplace, content, words):
    workplace.write("wrong.yml", content)
    outcome = validate(workplace, "-e", "expectations_file=wrong.yml")
    message = problem(outcome, "The audit could not run: ")
    assert words in message
    assert "s3cr3t" not in outcome.output
    audit = workplace.run(
        "ansible-playbook", "zapi.zapi.audit", "-e", "expectations_file=wrong.yml", ZAPI_PARTNER_TOKEN=PARTNER_TOKEN
    )
    assert message == problem(audit, "The audit could not run: ")


@pytest.mark.attacks
def test_what_is_wrong_with_the_variables_is_status_2_as_well(workplace):
    workplace.write("good.yml", GOOD)
    assert "no expectations are given" in problem(validate(workplace), "The audit could not run: ")
    both = validate(workplace, "-e", "expectations_file=good.yml", "-e", {"expectations": GOOD})
    assert "both expectations and expectations_file are given" in problem(both, "The audit could not run: ")
    template = validate(workplace, "-e", {"expectations": [{"expect": {"middleware": "{{ nobody }}"}}]})
    assert "cannot be filled in" in problem(template, "The audit could not run: ")
    mistake = validate(workplace, "-e", {"expectations": [{"expect": {}}]})
    assert problem(mistake, "The audit could not run: ").startswith("expectation 1: expect is empty")
    assert validate(workplace, "-e", {"expectations": GOOD}).status == 0


@pytest.mark.attacks
def test_every_slip_in_a_file_is_told_as_the_audit_tells_it(workplace):
    """In one play, since a command for each would take minutes."""
    tasks = []
    for number, content in enumerate(SLIPS):
        file = workplace.write(f"slip-{number}.yml", content)
        for name, options in {"validated": {"validate_only": True}, "audited": {"partner_token": "a-token-of-nobody"}}.items():
            task = {"zapi.zapi.instance_audit": {"expectations_file": str(file), **options}}
            tasks.append({**task, "register": f"{name}_{number}", "ignore_errors": True})
    outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    for number, words in enumerate(SLIPS.values()):
        validated = results[f"validated_{number}"]
        assert validated["failed"]
        assert words in validated["msg"]
        assert validated["msg"] == results[f"audited_{number}"]["msg"]
