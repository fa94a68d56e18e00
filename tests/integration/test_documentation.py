# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The examples of the documentation run, and the output that it shows is the real one."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
import shlex
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

ROOT = Path(__file__).parents[2]
GUIDE_FOLDER = ROOT / "docs" / "docsite" / "rst"
GUIDES = sorted(GUIDE_FOLDER.glob("*.rst"))
READMES = [ROOT / "README.md", ROOT / "README.pt-BR.md"]
# Without README.pt-BR.md, whose blocks are those of README.md: they would run twice.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tests" / "emulator" / "README.md", *GUIDES]
FENCE = re.compile(r"(?P<mark><!-- runnable -->\n+)?^```(?P<kind>[a-z+]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
# A block of any kind, with its mark.
BLOCK = re.compile(r"(?:^<!-- [a-z]+ -->\n+)?^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
DIRECTIVE = re.compile(r"(?P<mark>^\.\. runnable\n+)?^\.\. code-block:: (?P<kind>[a-z+]+)\n(?P<text>(?:\n| +.*\n)+)", re.MULTILINE)


def blocks(page):
    """Yield whether it is runnable, and the text, of each YAML example of a page."""
    for match in (FENCE if page.suffix == ".md" else DIRECTIVE).finditer(page.read_text(encoding="utf-8") + "\n"):
        if match["kind"].startswith("yaml"):
            yield bool(match["mark"]), textwrap.dedent(match["text"])


EXAMPLES = [(page, text, runnable) for page in PAGES for runnable, text in blocks(page)]
RUNNABLE = [(page, text) for page, text, runnable in EXAMPLES if runnable]


def plugin_examples(path):
    """Return the text of a plugin's EXAMPLES, without importing it."""
    if path.suffix == ".yml":
        return yaml.safe_load(path.read_text(encoding="utf-8"))["EXAMPLES"]
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "EXAMPLES":
            return ast.literal_eval(statement.value)
    raise AssertionError(f"{path} has no EXAMPLES")


def name(value):
    return value.name if isinstance(value, Path) else None


def guide_blocks(name, heading=""):
    """Yield the kind and the text of each block of a guide, or of one section of it."""
    page = (GUIDE_FOLDER / name).read_text(encoding="utf-8")
    if heading:
        page = re.split(r"\n(?=[^\n]+\n-{3,}\n)", page.partition(f"\n{heading}\n---")[2])[0]
    for match in DIRECTIVE.finditer(f"{page}\n"):
        yield match["kind"], textwrap.dedent(match["text"]).strip("\n")


def assert_printed(shown, output):
    """Assert that the output has each line of a block, in which … stands for any text."""
    for line in filter(None, map(str.strip, shown.splitlines())):
        assert re.search(".*".join(map(re.escape, line.split("…"))), output), f"{line}\nis not in\n{output}"


def run_commands(workplace, block):
    """Run the commands of a block, and return the outcome of the last one of Ansible's."""
    outcome = None
    for command in block.replace("\\\n", "").splitlines():
        if command.startswith("ansible-"):
            outcome = workplace.run(*shlex.split(command), ANSIBLE_CALLBACK_RESULT_FORMAT="yaml")
            assert "WARNING" not in outcome.output
        else:
            subprocess.run(command, shell=True, cwd=workplace.folder, check=True, timeout=60)
    return outcome


@pytest.fixture
def generated_fleet(workplace):
    """The fleet of the examples: 20 generated instances."""
    with Emulator(count=20, seed=1, now_ms=int(time.time() * 1000)) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        yield emulator


def test_there_are_runnable_examples():
    assert len(EXAMPLES) > 15
    assert len(RUNNABLE) >= 5


@pytest.mark.once
@pytest.mark.parametrize(("page", "text", "runnable"), EXAMPLES, ids=name)
def test_every_yaml_example_of_a_page_is_yaml(page, text, runnable):
    assert list(yaml.safe_load_all(text)) != [None]


@pytest.mark.parametrize(("page", "text"), RUNNABLE, ids=name)
def test_a_runnable_example_runs(workplace, generated_fleet, page, text):
    workplace.write("example.yml", text)
    outcome = workplace.run("ansible-playbook", "example.yml")
    assert outcome.status == 0, outcome.output
    assert "WARNING" not in outcome.output


@pytest.mark.slow
def test_the_tutorial_prints_what_it_shows(workplace, generated_fleet):
    for heading in ("Start the emulator", "Declare and audit", "Fix the webhook"):
        output = ""
        for kind, block in guide_blocks("getting_started_guide.rst", heading):
            if kind == "yaml":
                workplace.write("expectations.yml", block)
            elif kind == "text":
                assert_printed(block, output)
            else:
                # The emulator runs already, at another address.
                for command in re.findall("^ansible-playbook .*$", block, re.MULTILINE):
                    outcome = run_commands(workplace, command)
                    output += outcome.output
    assert outcome.status == 2


def test_the_play_of_the_inventory_guide_fails_for_each_host_that_drifted(workplace, generated_fleet):
    (play,) = (text for _runnable, text in blocks(GUIDE_FOLDER / "inventory_guide.rst") if "zapi.zapi.drift" in text)
    workplace.write("fleet.zapi.yml", "plugin: zapi.zapi.instances\n")
    expectations = [
        {"expect": {"whatsapp_connected": True, "payment_status": ["PAID", "TRIAL"]}},
        {"match": {"id": "NOSUCH"}, "expect": {"whatsapp_connected": True}},
    ]
    workplace.write("expectations.yml", {"expectations": expectations})
    workplace.write("play.yml", play)
    outcome = workplace.run("ansible-playbook", "-i", "fleet.zapi.yml", "play.yml", ANSIBLE_CALLBACK_RESULT_FORMAT="yaml")
    assert outcome.status == 2, outcome.output
    assert outcome.stdout.count("failed=1") == 2
    assert outcome.stdout.count("failed=0") == 18
    assert "whatsapp_connected is false, expected true" in outcome.stdout
    assert 'payment_status is "UNPAID", expected ["PAID", "TRIAL"]' in outcome.stdout


def shop(name, host="hooks.example.com", **fields):
    """Return an instance of the fleet in the guide on adopting."""
    identity = hashlib.md5(name.encode()).hexdigest().upper()
    ours = f"https://{host}/{identity}"
    hooks = {
        "received": f"{ours}/received",
        "receivedAndDelivery": f"{ours}/received",
        "delivery": "",
        "messageStatus": f"{ours}/status",
        "presenceChat": "",
        "connected": "",
        "disconnected": f"{ours}/disconnected",
        "receivedStatus": "",
        **fields.pop("hooks", {}),
    }
    urls = {f"{event}CallbackUrl": url for event, url in hooks.items() if url is not None}
    return {"id": identity, "name": name, "tenant": "acme", "middleware": "web", **urls, **fields}


ADOPTED_FLEET = [
    *(shop(f"Loja {number:03}") for number in range(1, 202)),
    *(shop(f"Norte {number:02}", "north.example.com") for number in range(1, 37)),
    shop("Padaria Central", hooks={"receivedAndDelivery": "https://old-hooks.example.net/hook?key=4f1c9a7e22b85d01"}),
    shop("Livraria Nova", hooks={"received": "https://hooks.example.com/{loja}/received"}),
    shop("Farmácia São João", callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"]),
]


@pytest.mark.slow
def test_the_guide_on_adopting_shows_the_adopted_file(workplace):
    texts = [text for _kind, text in guide_blocks("adopting_guide.rst")]
    (shown,) = (text for text in texts if text.startswith("# yaml-language-server"))
    (difference,) = (text for text in texts if text.startswith("@@"))
    (message,) = (text for text in texts if text.startswith("240 instances"))
    (validation,) = (text for text in texts if "no mistakes" in text)
    (mistake,) = (text for text in texts if text.startswith("The audit could not run"))

    def adopt(emulator, dest, *arguments):
        outcome = workplace.run(
            "ansible-playbook", "zapi.zapi.adopt", "-e", f"zapi_dest={dest}", *arguments, ANSIBLE_CALLBACK_RESULT_FORMAT="yaml"
        )
        assert outcome.status == 0, outcome.output
        text = (workplace.folder / dest).read_text(encoding="utf-8").replace(emulator.url, "https://api.z-api.io")
        date = re.search("^# Adopted at .*$", shown, re.MULTILINE)
        return outcome, re.sub("^# Adopted at .*$", date[0], text, flags=re.MULTILINE).splitlines()

    def validate(file):
        return workplace.run("ansible-playbook", "zapi.zapi.validate", "-e", f"expectations_file={file}")

    with Emulator(ADOPTED_FLEET) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        outcome, lines_before = adopt(emulator, "expectations.yml")
        assert lines_before == shown.splitlines()
        assert_printed(message.replace("/home/ana/fleet", str(workplace.folder)), outcome.words)
        _outcome, lines_any = adopt(emulator, "any.yml", "-e", "zapi_secrets=any")
        changed = [line.strip() for line in lines_any if line not in lines_before]
        assert changed == [next(text for text in texts if text.endswith("key={any}"))]
        emulator.change_instance(shop("Loja 017")["id"], disconnectedCallbackUrl="https://elsewhere.example.org/x")
        _outcome, lines_after = adopt(emulator, "today.yml")
    assert list(difflib.unified_diff(lines_before, lines_after, lineterm=""))[2:] == difference.splitlines()
    assert_printed(validation, validate("expectations.yml").stdout)
    workplace.write("typo.yml", "expectations:\n  - expect:\n      webhooks:\n        recieved: https://hooks.example.com/a\n")
    assert_printed(mistake, validate("typo.yml").stdout.replace('\\"', '"'))


@pytest.mark.slow
def test_the_move_to_a_new_host_works_as_the_guide_shows(workplace, generated_fleet):
    def on_new_host():
        return sum("://new.example.com/" in str(row.get("receivedCallbackUrl")) for row in generated_fleet.fleet)

    moved = []
    for kind, block in guide_blocks("converging_guide.rst", "Moving to a new host"):
        if kind == "bash":
            outcome = (
                run_commands(workplace, block) if "ansible-" in block else run_commands(workplace, f"{block}\nansible --version")
            )
            moved.append(on_new_host())
        elif kind == "text":
            assert_printed(block, outcome.stdout)
    # Adopt, sed, validate, plan, one instance, all instances, rollback
    assert moved == [0, 0, 0, 0, 1, 20, 1]
    (during_the_move,) = (block for kind, block in guide_blocks("converging_guide.rst", "Moving to a new host") if kind == "yaml")
    workplace.write("during-the-move.yml", during_the_move)
    outcome = workplace.run("ansible-playbook", "zapi.zapi.audit", "-e", "expectations_file=during-the-move.yml")
    assert outcome.status == 0, outcome.output


@pytest.mark.slow
def test_the_guide_on_ci_shows_how_jobs_read_credentials_and_fail(workplace, generated_fleet):
    texts = [text for _kind, text in guide_blocks("ci_guide.rst")]
    (script,) = (text for text in texts if text.startswith("#!"))
    (command,) = (text for text in texts if "@credentials.yml" in text)
    drifted, failed = (text for text in texts if text.startswith(("3 of 20", "The audit could not run")))
    workplace.write("vault-password.sh", script).chmod(0o700)
    credentials = [{key: row[key] for key in ("id", "token")} for row in generated_fleet.fleet]
    workplace.write("credentials.yml", {"zapi_credentials": credentials})
    (declared,) = (text for kind, text in guide_blocks("getting_started_guide.rst", "Declare and audit") if kind == "yaml")
    workplace.write("expectations.yml", declared)
    workplace.environment["VAULT_PASSWORD"] = "a password"
    run_commands(workplace, "ansible-vault encrypt credentials.yml --vault-password-file ./vault-password.sh")
    assert "$ANSIBLE_VAULT;" in (workplace.folder / "credentials.yml").read_text(encoding="utf-8")

    audit = "ansible-playbook zapi.zapi.audit -e expectations_file=expectations.yml"
    outcome = run_commands(workplace, audit)
    assert outcome.status == 2
    assert_printed(drifted, outcome.output)
    workplace.environment["ZAPI_PARTNER_TOKEN"] = "another-token"
    outcome = run_commands(workplace, audit)
    assert outcome.status == 2
    assert_printed(failed, outcome.output.replace("\n        ", " "))
    del workplace.environment["ZAPI_PARTNER_TOKEN"]
    outcome = run_commands(workplace, command)
    assert outcome.status == 2
    assert "3 of 20 managed instances drifted" in outcome.output


@pytest.fixture
def documented_fleet(workplace):
    """The fleet of the examples of plugins, which is as the examples of instance_audit declare."""
    ids = ["3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F", "0A1B2C3D4E5F60718293A4B5C6D7E8F9"]
    rows = [
        {
            "id": identity,
            "name": shop,
            "token": f"token-of-{identity}",
            "middleware": "web",
            "tenant": "acme",
            "paymentStatus": "PAID",
            "due": int((time.time() + 30 * 86_400) * 1000),
            "whatsappConnected": True,
            "phoneConnected": True,
            "receivedCallbackUrl": f"https://hooks.example.com/{identity}/received",
            "receivedAndDeliveryCallbackUrl": f"https://hooks.example.com/{identity}/received",
            "presenceChatCallbackUrl": None,
            "_me": {"receiveCallbackSentByMe": True, "callbackTypeFilters": [], "messageFilters": []},
        }
        for identity, shop in zip(ids, ("Padaria Central", "Loja 1"))
    ]
    with Emulator(rows) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        yield emulator


@pytest.mark.parametrize(
    "plugin",
    [
        "lookup/instances.py",
        "modules/instance_info.py",
        "modules/instance_audit.py",
        "modules/instance_adopt.py",
        "modules/instance_converge.py",
        "filter/drift.yml",
        "test/compliant.yml",
    ],
)
def test_the_examples_of_a_plugin_run(workplace, documented_fleet, plugin):
    tasks = yaml.safe_load(plugin_examples(ROOT / "plugins" / plugin))
    assert len(tasks) >= 2
    if "adopt" not in plugin:
        workplace.write("expectations.yml", [{"expect": {"webhooks": {"received": "https://new.example.com/{id}/received"}}}])
    variables = {"token_of_padaria_central": "token-of-3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"}
    outcome, _results = workplace.play(tasks, variables=variables)
    assert outcome.status == 0, outcome.output
    assert "WARNING" not in outcome.output


INVENTORIES = list(yaml.safe_load_all(plugin_examples(ROOT / "plugins" / "inventory" / "instances.py")))


@pytest.mark.parametrize("options", INVENTORIES, ids="-".join)
def test_the_examples_of_the_inventory_plugin_work(workplace, documented_fleet, options):
    token = workplace.environment["ZAPI_PARTNER_TOKEN"]
    workplace.write("token.vault.yml", f"partner_token: {token}\n")
    outcome, hosts, _groups = workplace.inventory(options, ACME_PARTNER_TOKEN=token)
    assert set(hosts) == {"Padaria_Central", "Loja_1"}, outcome.output
    assert "WARNING" not in outcome.output


TOKEN_IN_A_URL = re.compile(r"""/token/|[?&]\w*token=|//[^/\s"']*token[^/\s"']*@""", re.IGNORECASE)
SHOWN = [
    READMES[1],
    *PAGES,
    *(path for folder in ("plugins", "playbooks", "tests/demo") for path in sorted((ROOT / folder).rglob("*.y*ml"))),
    *(
        path
        for folder in ("lookup", "inventory", "modules", "doc_fragments")
        for path in sorted((ROOT / "plugins" / folder).glob("*.py"))
    ),
]


@pytest.mark.once
@pytest.mark.parametrize("path", SHOWN, ids=name)
def test_no_example_puts_a_token_into_a_url(path):
    assert TOKEN_IN_A_URL.search("https://api.z-api.io/instances/{{ item.id }}/token/{{ item.token }}/status")
    assert not TOKEN_IN_A_URL.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kind", "plugins"),
    [
        ("lookup", ["instances"]),
        ("inventory", ["instances"]),
        ("module", ["audit_report", "instance_info", "instance_audit", "instance_adopt", "instance_converge"]),
        ("filter", ["drift"]),
        ("test", ["compliant"]),
    ],
)
def test_ansible_doc_shows_every_plugin(workplace, kind, plugins):
    outcome = workplace.run("ansible-doc", "-t", kind, *(f"zapi.zapi.{plugin}" for plugin in plugins))
    assert outcome.status == 0, outcome.output
    assert outcome.stdout.count("EXAMPLES:") == len(plugins)
    assert "WARNING" not in outcome.output


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_prints(workplace):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    excerpts = re.findall(r"<!-- demo -->\n```text\n(.*?)```", readme, re.DOTALL)
    outcome = workplace.run("python", ROOT / "tests" / "demo.py")
    assert outcome.status == 0, outcome.output
    assert excerpts
    for excerpt in excerpts:
        assert "\n".join(lines(excerpt)) in "\n".join(lines(outcome.stdout))


def lines(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def anchors(page):
    """Return the anchors of a Markdown page's headings, in order, as GitHub derives them."""
    headings = HEADING.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))
    return [re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _marks, text in headings]


def internal_links(page):
    """Yield the file and the anchor's position of each link of a README to a file or heading, except to the other README."""
    for link in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        file, _hash, anchor = link.partition("#")
        if ":" not in link and file not in {readme.name for readme in READMES}:
            # Headings are translated, and their anchors with them. Anchors of other files are the same.
            # So are pictures, whose names have the language.
            file = file.replace(".pt_BR.", ".en.")
            yield file, anchors(page).index(anchor) if anchor and not file else anchor


@pytest.mark.once
def test_the_readmes_show_the_same_blocks():
    english, portuguese = (BLOCK.findall(page.read_text(encoding="utf-8")) for page in READMES)
    assert len(english) > 10
    assert portuguese == english


@pytest.mark.once
def test_the_readmes_have_the_same_headings_and_links():
    english, portuguese = (
        [len(marks) for marks, _text in HEADING.findall(BLOCK.sub("", page.read_text(encoding="utf-8")))] for page in READMES
    )
    assert portuguese == english
    english, portuguese = (list(internal_links(page)) for page in READMES)
    assert english
    assert portuguese == english


@pytest.mark.once
@pytest.mark.parametrize(("page", "other"), [READMES, READMES[::-1]], ids=name)
def test_each_readme_links_to_the_other_before_its_first_section(page, other):
    assert other.name in LINK.findall(page.read_text(encoding="utf-8").partition("\n## ")[0])


@pytest.mark.once
@pytest.mark.parametrize("page", [READMES[1], *(page for page in PAGES if page.suffix == ".md")], ids=name)
def test_links_lead_to_files_and_headings(page):
    links = [link.partition("#") for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]
    assert [file for file, _hash, _anchor in links if not (page.parent / file).exists()] == []
    targets = [(page.parent / file if file else page, anchor) for file, _hash, anchor in links if anchor]
    assert [anchor for target, anchor in targets if target.suffix == ".md" and anchor not in anchors(target)] == []
