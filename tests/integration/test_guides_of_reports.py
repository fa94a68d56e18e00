# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The examples of the guides on accounts and on reports, and the directory examples/accounts."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import COMMANDS, TIMEOUT, Outcome, found
from ansible_collections.zapi.zapi.tests.integration.test_documentation import (
    ROOT,
    TOKEN_IN_A_URL,
    assert_printed,
    guide_blocks,
    plugin_examples,
)

EXAMPLE = ROOT / "examples" / "accounts"
ACCOUNTS, REPORTS = "accounts_guide.rst", "reports_guide.rst"
TOKENS = ("token-of-padaria", "token-of-mercado", "B0F83F67C1D13954752410CD", "729F71035EF8195BD94A2BB3")
OLD_HOOK = "https://old-hooks.example.net/hook"
SLACK_PATH = "/services/T0/B0/s3cr3t-of-slack"


def shell(workplace, script, stdin="", **environment):
    """Run a block of a guide with bash, which stops at the first command that fails."""
    path = f"{COMMANDS}:{workplace.environment['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=workplace.folder,
        env={**workplace.environment, "PATH": path, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", **environment},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert "DEPRECAT" not in outcome.output, outcome.output
    assert not found(TOKENS, outcome.output)
    return outcome


def blocks_of(guide, kind, heading=""):
    return [text for one, text in guide_blocks(guide, heading) if one == kind]


def write_files(workplace, guide, heading=""):
    """Write the blocks of a guide that begin with the name of a YAML file, and return the texts by name."""
    texts = {}
    for kind, text in guide_blocks(guide, heading):
        name = re.match(r"# ([\w./-]+\.yml)\n", text)
        if name and kind != "bash":
            workplace.write(name[1], f"{text}\n")
            texts[name[1]] = text
    return texts


def write_vault_script(workplace):
    (script,) = (text for text in blocks_of("ci_guide.rst", "bash") if text.startswith("#!"))
    workplace.write("vault-password.sh", script).chmod(0o700)
    workplace.environment["VAULT_PASSWORD"] = "example"


def read_report(workplace, name="audit.json"):
    return json.loads((workplace.folder / name).read_text(encoding="utf-8"))


def statuses(report):
    return {account["account"]: account["status"] for account in report["accounts"]}


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture
def emulators(workplace):
    """The emulators that the README of the example starts, by the names of the accounts."""
    commands = re.findall(r"zapi_emulator\.py (.*) &$", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    documented = yaml.safe_load((EXAMPLE / "emulators.yml").read_text(encoding="utf-8"))["accounts"]["hosts"]
    ports = {variables["zapi_api_url"].rpartition(":")[2]: name for name, variables in documented.items()}
    with ExitStack() as stack:
        running = {}
        for command in commands:
            options = dict(zip(*[iter(shlex.split(command))] * 2))
            emulator = Emulator(
                count=int(options["--instances"]),
                seed=int(options.get("--seed", 1)),
                now_ms=int(time.time() * 1000),
                partner_token=options.get("--partner-token", "another-token"),
            )
            running[ports[options["--port"]]] = stack.enter_context(emulator)
        assert len(running) == len(documented)
        yield running


def addresses(emulators):
    """The variables of emulators.yml, with the ports that are free here."""
    return {"accounts": {"hosts": {name: {"zapi_api_url": one.url} for name, one in emulators.items()}}}


def write_addresses(workplace, emulators):
    """Let the commands of the guides, which name only accounts.yml, reach the emulators. Other hosts reach that of padaria."""
    urls = {name: one.url for name, one in emulators.items()}
    workplace.write("group_vars/all.yml", {"urls": urls, "zapi_api_url": "{{ urls[inventory_hostname] | default(urls.padaria) }}"})


@contextmanager
def slack():
    """An HTTP server that stands for Slack: its URL, and the messages that it got."""
    messages = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append((self.path, json.loads(body)["text"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{SLACK_PATH}", messages
        finally:
            server.shutdown()
            thread.join(timeout=10)


# examples/accounts


@pytest.mark.slow
def test_the_example_of_accounts_runs_as_it_is(workplace, emulators):
    shutil.copytree(EXAMPLE, workplace.folder, dirs_exist_ok=True)
    workplace.write("emulators.yml", addresses(emulators))
    _start, commands = re.findall(r"```bash\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    outcome = shell(workplace, commands)
    assert outcome.status == 2, outcome.output
    assert re.findall(r"^(\w+) .*failed=(\d)", outcome.stdout, re.MULTILINE) == [("mercado", "0"), ("otica", "0"), ("padaria", "1")]
    assert statuses(read_report(workplace)) == {"padaria": "drift", "mercado": "in_sync", "otica": "in_sync"}
    assert not found(TOKENS, (workplace.folder / "audit.md").read_text(encoding="utf-8"))

    # The command of both READMEs, and a change since the last report
    (command,) = re.findall(r"^ansible-playbook .*zapi_accounts.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    write_addresses(workplace, emulators)
    emulators["otica"].change_instance("3558F7366C0F7A46DA0EA12A899562AC", whatsappConnected=False)
    outcome = shell(workplace, command, VAULT_PASSWORD="example")
    assert outcome.status == 2, outcome.output
    report = read_report(workplace)
    assert [(row["account"], row["attribute"]) for row in report["new"]] == [("otica", "whatsapp_connected")]
    assert statuses(report)["otica"] == "drift"


@pytest.mark.once
def test_the_files_of_the_example():
    files = [path for path in EXAMPLE.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "GNU General Public License v3.0+ (see COPYING" in text, path
        assert not TOKEN_IN_A_URL.findall(text)
        if path.suffix != ".md":
            assert not found(TOKENS, text), path
    assert len((EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()) <= 30
    assert (EXAMPLE / "vault-password.sh").stat().st_mode & 0o100


@pytest.mark.once
def test_the_guide_on_accounts_shows_the_files_of_the_example(workplace):
    shown = write_files(workplace, ACCOUNTS, "Write the inventory")
    assert set(shown) == {"accounts.yml", "group_vars/accounts.yml", "host_vars/padaria.yml", "host_vars/otica.yml"}
    for name, text in shown.items():
        lines = (EXAMPLE / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in text.splitlines()[1:] if line not in lines] == []


# The guide on accounts


@pytest.fixture
def guided(workplace, emulators):
    """A folder with the files of the guide on accounts, except the token of padaria, and the script of the guide on CI."""
    assert "accounts.yml" in write_files(workplace, ACCOUNTS, "Write the inventory")
    (workplace.folder / "host_vars" / "padaria.yml").unlink()
    write_vault_script(workplace)
    write_addresses(workplace, emulators)
    return workplace


@pytest.mark.slow
def test_the_guide_on_accounts_from_the_first_token_to_the_playbook(guided, emulators):
    (encrypt,) = blocks_of(ACCOUNTS, "bash", "Write the inventory")
    for name in ("padaria", "mercado"):
        assert shell(guided, encrypt.replace("padaria", name), stdin=f"token-of-{name}\n").status == 0
        text = (guided.folder / "host_vars" / f"{name}.yml").read_text(encoding="utf-8")
        assert text.startswith("zapi_partner_token: !vault |")

    start, converge, report, import_command = blocks_of(ACCOUNTS, "bash", "Run the playbooks")
    adopt, audit = start.splitlines()
    outcome = shell(guided, adopt)
    assert outcome.status == 0, outcome.output
    for name in emulators:
        assert mode(guided.folder / "expectations" / f"{name}.yml") == 0o600

    padaria = emulators["padaria"]
    instance = padaria.fleet[0]["id"]
    hook = padaria.fleet[0]["receivedCallbackUrl"]
    padaria.change_instance(instance, receivedCallbackUrl=OLD_HOOK)
    outcome = shell(guided, audit)
    assert outcome.status == 2, outcome.output
    (recap,) = blocks_of(ACCOUNTS, "text", "Run the playbooks")
    assert_printed(recap, outcome.stdout)

    # The plan, then the first account
    outcome = shell(guided, converge)
    assert outcome.status == 0, outcome.output
    assert outcome.stdout.count("managed instances would be changed") == 1
    assert outcome.stdout.count("managed instances changed") == 1
    assert padaria.fleet[0]["receivedCallbackUrl"] == hook
    assert [path.name for path in guided.folder.glob("before-*")] == ["before-padaria.yml"]

    for command in (report, import_command):
        if "audit.yml" in command:
            assert list(write_files(guided, ACCOUNTS, "Run the playbooks")) == ["audit.yml"]
            (guided.folder / "audit.json").unlink()
        outcome = shell(guided, command)
        assert outcome.status == 0, outcome.output
        assert statuses(read_report(guided)) == dict.fromkeys(emulators, "in_sync")
        assert (guided.folder / "audit.md").exists()


@pytest.mark.slow
def test_an_account_uses_its_own_token_and_fails_by_itself(guided, emulators):
    assert list(write_files(guided, ACCOUNTS, "Which token is used")) == ["host_vars/padaria.yml"]
    shutil.copytree(EXAMPLE / "expectations", guided.folder / "expectations")
    value = shell(
        guided, "ansible-vault encrypt_string --vault-password-file ./vault-password.sh text", VAULT_PASSWORD="other"
    ).stdout
    guided.write("host_vars/mercado.yml", f"zapi_partner_token: {value}")
    guided.write("accounts.yml", {"accounts": {"hosts": dict.fromkeys(("padaria", "mercado", "otica", "nova"))}})
    emulators["otica"].change_instance("3558F7366C0F7A46DA0EA12A899562AC", token="renewed-token")
    command = "ansible-playbook -i accounts.yml zapi.zapi.audit -e zapi_accounts=accounts -e zapi_report=audit.json"
    own = {
        "PADARIA_TOKEN": "token-of-padaria",
        "ZAPI_PARTNER_TOKEN": "token-of-padaria",
        "ANSIBLE_VAULT_PASSWORD_FILE": "vault-password.sh",
    }
    outcome = shell(guided, command, **own)
    assert outcome.status == 2, outcome.output
    report = read_report(guided)
    assert statuses(report) == {"padaria": "drift", "mercado": "not_audited", "otica": "drift", "nova": "not_audited"}
    messages = {account["account"]: account["message"] for account in report["accounts"]}
    assert "ZAPI_PARTNER_TOKEN does not count" in messages["nova"]
    assert "zapi_partner_token is encrypted, and no vault password decrypts it" in messages["mercado"]
    assert messages["mercado"].startswith("The audit could not run:")

    # What stops all accounts does so before any request.
    for emulator in emulators.values():
        emulator.clear_requests()
    guided.write("tokens.yml", {"zapi_partner_token": "token-of-padaria"})
    outcome = shell(guided, f"{command} -e @tokens.yml", **own)
    assert outcome.status in (1, 4), outcome.output
    assert "zapi_partner_token is set for all accounts" in outcome.words
    password = guided.write("other-password", "other")
    shell(guided, f"ansible-vault encrypt host_vars/padaria.yml --vault-password-file {shlex.quote(str(password))}")
    outcome = shell(guided, command, **own)
    assert outcome.status not in (0, 2), outcome.output
    assert not any(emulator.requests for emulator in emulators.values())


@pytest.mark.slow
def test_awx_injects_a_file_with_credentials(workplace, fleet):
    write_files(workplace, ACCOUNTS, "AWX")
    credentials = [{"id": row["id"], "token": row["token"]} for row in fleet.fleet[:2]]
    injected = workplace.write("injected", yaml.safe_dump(credentials))
    workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    outcome = workplace.run(
        *("ansible-playbook", "audit-with-credentials.yml", "-e", "expectations_file=expectations.yml"),
        ACCOUNT_CREDENTIALS=str(injected),
    )
    assert "of 2 managed instances" in outcome.output
    assert not found([one["token"] for one in credentials], outcome.output)


@pytest.mark.slow
def test_awx_keeps_encrypted_values_and_slices_accounts(workplace, emulators):
    # AWX reads the source like this, without a password, and gives jobs the hosts of a slice as a script.
    shutil.copytree(EXAMPLE, workplace.folder / "project")
    workplace.write("project/emulators.yml", addresses(emulators))
    workplace.write("empty.cfg", "")
    options = {"ANSIBLE_CONFIG": str(workplace.folder / "empty.cfg"), "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.script,yaml"}
    outcome = shell(workplace, "cd project; ansible-inventory -i accounts.yml -i emulators.yml --list --export", **options)
    assert outcome.status == 0, outcome.output
    listed = json.loads(outcome.stdout)
    assert "__ansible_vault" in listed["_meta"]["hostvars"]["padaria"]["zapi_partner_token"]

    (sliced,) = (text for text in blocks_of(ACCOUNTS, "yaml", "AWX") if "audit.yml" in text)
    (workplace.folder / "reports").mkdir()
    workplace.write("project/audit.yml", sliced.replace("/reports/", f"{workplace.folder}/reports/"))
    listed["accounts"]["hosts"].remove("otica")
    workplace.write("slice.json", listed)
    workplace.write("slice.sh", '#!/bin/sh\ncat "${0%sh}json"\n').chmod(0o700)
    workplace.write("password", "example")
    command = "cd project; ansible-playbook -i ../slice.sh audit.yml --vault-password-file ../password"
    outcome = shell(workplace, command, **options)
    assert outcome.status == 2, outcome.output
    names = sorted(path.name for path in (workplace.folder / "reports").iterdir())
    assert names == ["mercado.json", "mercado.md", "padaria.json", "padaria.md"]
    assert statuses(read_report(workplace, "reports/padaria.json")) == {"padaria": "drift"}


# The guide on reports


@pytest.fixture
def fleet(workplace):
    """The fleet of the tutorial, and its file of expectations."""
    (declared,) = (text for kind, text in guide_blocks("getting_started_guide.rst", "Declare and audit") if kind == "yaml")
    workplace.write("expectations.yml", declared)
    with Emulator(count=20, seed=1, now_ms=int(time.time() * 1000)) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        yield emulator


def test_reports_of_an_audit_and_of_a_convergence(workplace, fleet):
    audit, converge = blocks_of(REPORTS, "bash", "Write a report")
    (with_mode,) = blocks_of(REPORTS, "bash", "Protect the files")
    outcome = shell(workplace, audit)
    assert outcome.status == 2, outcome.output
    report = read_report(workplace)
    assert (report["in_sync"], len(report["accounts"][0]["drift"]), report["new"]) == (False, 4, [])
    assert [mode(workplace.folder / name) for name in ("audit.json", "audit.md")] == [0o600, 0o600]

    outcome = shell(workplace, converge)
    assert outcome.status == 0, outcome.output
    report = read_report(workplace)
    assert {row["attribute"] for row in report["resolved"]} == {"webhook_hosts", "webhooks.received_and_delivery"}
    assert [row["attribute"] for row in report["accounts"][0]["changes"]] == ["webhooks.received_and_delivery"]
    assert {row["attribute"] for row in report["accounts"][0]["drift"]} == {"whatsapp_connected", "payment_status"}
    assert (workplace.folder / "converge.md").exists()

    outcome = shell(workplace, with_mode, ZAPI_PARTNER_TOKEN="wrong-token")
    assert outcome.status == 2, outcome.output
    assert mode(workplace.folder / "audit.md") == 0o644
    assert "The audit could not run: " in (workplace.folder / "audit.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_one_report_for_each_account(workplace, emulators):
    shutil.copytree(EXAMPLE, workplace.folder, dirs_exist_ok=True)
    write_addresses(workplace, emulators)
    (command,) = blocks_of(REPORTS, "bash", "Several accounts")
    assert shell(workplace, f"{command} --check", VAULT_PASSWORD="example").status == 2
    assert list(workplace.folder.glob("audit-*")) == []
    outcome = shell(workplace, command, VAULT_PASSWORD="example")
    assert outcome.status == 2, outcome.output
    for name in emulators:
        assert set(statuses(read_report(workplace, f"audit-{name}.json"))) == {name}
        assert (workplace.folder / f"audit-{name}.md").exists()


def github_steps():
    (text,) = blocks_of(REPORTS, "yaml", "GitHub Actions")
    return yaml.safe_load(text)["jobs"]["audit"]["steps"]


def gitlab_job():
    (text,) = blocks_of(REPORTS, "yaml", "GitLab CI")
    return yaml.safe_load(text)["audit"]


def ci_commands():
    """The shell commands of each CI example."""
    job = gitlab_job()
    (jenkins,) = blocks_of(REPORTS, "text", "Jenkins")
    return {
        "GitHub": [step["run"] for step in github_steps() if "run" in step],
        "GitLab": [*job["before_script"], *job["script"], *job["after_script"]],
        "Jenkins": re.findall(r"^ *sh '(.*)'$", jenkins, re.MULTILINE),
    }


@pytest.mark.once
def test_the_ci_examples_run_the_same_commands_and_use_files_that_exist():
    commands = {name: [one for one in found if one.startswith("ansible-playbook")] for name, found in ci_commands().items()}
    assert all(len(one) == 2 for one in commands.values())
    assert commands["GitHub"] == commands["GitLab"] == commands["Jenkins"]
    (playbook,) = (text for text in blocks_of(REPORTS, "yaml", "Write a report") if "# audit.yml" in text)
    files = yaml.safe_load(playbook)[0]["vars"]["zapi_report"]

    steps = github_steps()
    after = steps[[step.get("name") for step in steps].index("Audit") + 1 :]
    assert {step["if"] for step in after} == {"always()"}
    caches = [step["with"] for step in steps if "actions/cache/" in step.get("uses", "")]
    assert [(cache["path"], cache["key"].startswith(caches[0]["restore-keys"])) for cache in caches] == [("audit.json", True)] * 2
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)
    uploaded = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    job = gitlab_job()
    used = [*uploaded, *job["cache"]["paths"], *job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert set(used) <= set(files)
    assert job["cache"]["when"] == job["artifacts"]["when"] == "always"


@pytest.mark.slow
def test_a_ci_job_shows_the_report_and_sends_what_is_new(workplace, fleet):
    assert list(write_files(workplace, REPORTS, "Write a report")) == ["audit.yml"]
    assert list(write_files(workplace, REPORTS, "A message to Slack")) == ["notify.yml"]
    write_vault_script(workplace)
    credentials = [{key: row[key] for key in ("id", "token")} for row in fleet.fleet]
    workplace.write("credentials.yml", {"zapi_credentials": credentials})
    del workplace.environment["ZAPI_PARTNER_TOKEN"]
    assert shell(workplace, "ansible-vault encrypt credentials.yml --vault-password-file ./vault-password.sh").status == 0
    audit, show, notify = (one for one in ci_commands()["GitHub"] if not re.match("pip|ansible-galaxy", one))
    assert [notify] == blocks_of(REPORTS, "bash", "A message to Slack")

    with slack() as (url, messages):
        workplace.environment.update(SLACK_WEBHOOK_URL=url, GITHUB_STEP_SUMMARY=str(workplace.folder / "summary"))
        outcome = shell(workplace, audit)
        assert outcome.status == 2, outcome.output
        assert shell(workplace, f"{show}; {notify}").status == 0
        assert "Ótica Bom Olhar Copacabana" in (workplace.folder / "summary").read_text(encoding="utf-8")
        assert "<testsuites" in (workplace.folder / "audit.xml").read_text(encoding="utf-8")
        # In the first report, no row is new.
        assert messages == []

        pwned = workplace.folder / "pwned"
        name = "{{ lookup('ansible.builtin.pipe', 'touch %s') }} <!channel> & \n new: nothing" % pwned
        fleet.change_instance(fleet.fleet[0]["id"], name=name, whatsappConnected=False)
        (connected,) = (row for row in fleet.fleet[1:] if not row["whatsappConnected"])
        fleet.change_instance(connected["id"], whatsappConnected=True)
        outcome = shell(workplace, audit)
        assert outcome.status == 2, outcome.output
        outcome = shell(workplace, notify)
        assert outcome.status == 0, outcome.output
        assert SLACK_PATH not in outcome.output
        ((path, text),) = messages
        assert path == SLACK_PATH
        shown = " ".join(name.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert text.strip().splitlines() == [
            "1 new, 1 resolved, 4 in total",
            f"new: {shown}, whatsapp_connected",
            "resolved: Ótica Bom Olhar Copacabana, whatsapp_connected",
        ]
        assert not pwned.exists()

        # The report of yesterday is not sent again.
        report = read_report(workplace)
        workplace.write("audit.json", {**report, "created_at": "2026-01-01T00:00:00Z"})
        outcome = shell(workplace, notify)
        assert outcome.status == 2, outcome.output
        assert "audit.json is older than one hour" in outcome.output
        assert len(messages) == 1


@pytest.mark.slow
def test_metrics_and_a_spreadsheet(workplace, fleet):
    (command,) = blocks_of(REPORTS, "bash", "node_exporter")
    for name in ("etc/zapi", "var/lib/zapi", "var/lib/node_exporter"):
        (workplace.folder / name).mkdir(parents=True)
    # Relative, since -e name=value ends at a space, which the folder's path can contain
    command = command.replace("/etc/zapi", "etc/zapi").replace("/var/lib", "../../var/lib")
    token = workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    workplace.write("etc/zapi/token.env", f"export ZAPI_PARTNER_TOKEN={token}\n")
    shutil.move(workplace.folder / "expectations.yml", workplace.folder / "etc/zapi/expectations.yml")
    fleet.change_instance(fleet.fleet[0]["id"], name="=1+1", whatsappConnected=False)
    report = "../../var/lib/zapi/audit.json,../../audit.csv"
    outcome = shell(workplace, f"{command} -e zapi_fail_on_drift=false")
    assert outcome.status == 0, outcome.output

    metrics = workplace.folder / "var/lib/node_exporter/zapi.prom"
    assert mode(metrics) == 0o644
    text = metrics.read_text(encoding="utf-8")
    assert "\nzapi_audit_in_sync 0\n" in text
    names = set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE))
    guide = (ROOT / "docs/docsite/rst" / REPORTS).read_text(encoding="utf-8")
    assert set(re.findall(r"``(zapi_audit_\w+)``", guide)) == names
    (rules,) = blocks_of(REPORTS, "yaml", "node_exporter")
    expressions = " ".join(rule["expr"] for rule in yaml.safe_load(rules)["groups"][0]["rules"])
    assert set(re.findall(r"zapi_audit_\w+", expressions)) <= names
    for state in ("in_sync", "drifted", "missing", "unmanaged"):
        assert f'zapi_audit_instances{{state="{state}"}}' in text

    # The last -e counts.
    outcome = shell(workplace, f"{command} -e zapi_report={report} -e zapi_fail_on_drift=false")
    assert outcome.status == 0, outcome.output
    with (workplace.folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"open"}
    assert "'=1+1" in {row["name"] for row in rows}

    # The tables of keys, and the command for programs
    report = read_report(workplace, "var/lib/zapi/audit.json")
    section = guide.partition("\nRead the JSON\n---")[2]
    whole, account = (set(re.findall(r"^   \* - (``.*)$", part, re.MULTILINE)) for part in section.split("An account:"))
    assert {name for cell in whole for name in re.findall("``(.*?)``", cell)} <= set(report)
    assert {name for cell in account for name in re.findall("``(.*?)``", cell)} <= set(report["accounts"][0])
    if shutil.which("jq"):
        (jq,) = blocks_of(REPORTS, "bash", "Read the JSON")
        outcome = shell(workplace, f"cd var/lib/zapi; {jq}")
        assert outcome.stdout.splitlines() == ["=1+1", "Ótica Bom Olhar Copacabana"]


def test_the_examples_of_the_module_run(workplace, fleet):
    tasks = yaml.safe_load(plugin_examples(ROOT / "plugins" / "modules" / "audit_report.py"))
    failed = {"failed": True, "msg": "The audit could not run: no network"}
    outcome, _results = workplace.play(tasks, variables={"audit_of_padaria": failed, "audit_of_mercado": failed})
    assert outcome.status == 0, outcome.output
    assert statuses(read_report(workplace, "fleet.json")) == {"padaria": "not_audited", "mercado": "not_audited"}
