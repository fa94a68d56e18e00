# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the documentation shows is true: examples run, and the README's output is the demo's."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
import shlex
import textwrap
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
GUIDES = sorted(ROOT.glob("docs/docsite/rst/*.rst"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tests" / "emulator" / "README.md", *GUIDES]
FENCE = re.compile(r"(?P<mark><!-- runnable -->\n+)?^```(?P<kind>[a-z+]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
DIRECTIVE = re.compile(r"(?P<mark>^\.\. runnable\n+)?^\.\. code-block:: (?P<kind>[a-z+]+)\n(?P<text>(?:\n| +.*\n)+)", re.MULTILINE)


def blocks(page):
    """Yield (whether it is runnable, the text) for each YAML example of a page."""
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


def test_the_pages_have_examples_that_run():
    assert len(EXAMPLES) > 15
    assert len(RUNNABLE) >= 5


@pytest.mark.once
@pytest.mark.parametrize(("page", "text", "runnable"), EXAMPLES, ids=name)
def test_every_yaml_example_of_a_page_is_yaml(page, text, runnable):
    assert list(yaml.safe_load_all(text)) != [None]


@pytest.mark.parametrize(("page", "text"), RUNNABLE, ids=name)
def test_a_runnable_example_runs(workplace, page, text):
    # The fleet that the pages' examples speak of: 20 generated instances, today.
    with Emulator(count=20, seed=1, now_ms=int(time.time() * 1000)) as emulator:
        workplace.write("example.yml", text)
        outcome = workplace.run(
            "ansible-playbook", "example.yml", ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token
        )
    assert outcome.status == 0, outcome.output
    assert "WARNING" not in outcome.output


def test_the_play_of_the_inventory_guide_says_of_each_host_why_it_fails(workplace):
    page = ROOT / "docs" / "docsite" / "rst" / "inventory_guide.rst"
    (play,) = (text for _runnable, text in blocks(page) if "zapi.zapi.drift" in text)
    with Emulator(count=20, seed=1, now_ms=int(time.time() * 1000)) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
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
    """A row of the fleet that the guide on adopting speaks of."""
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


GROWN = [
    *(shop(f"Loja {number:03}") for number in range(1, 201)),
    *(shop(f"Norte {number:02}", "north.example.com") for number in range(1, 37)),
    shop("Padaria Central", hooks={"receivedAndDelivery": "https://old-hooks.example.net/hook?key=4f1c9a7e22b85d01"}),
    shop("Livraria Nova", hooks={"received": "https://hooks.example.com/{loja}/received"}),
    shop("Farmácia São João", callbackTypeFilters=["FILTER_RECEIVED_CALLBACK"]),
    shop("Pet Shop Cão Sabido", hooks={"receivedStatus": None}),
]


@pytest.mark.slow
def test_the_guide_on_adopting_shows_what_is_written(workplace):
    guide = (ROOT / "docs" / "docsite" / "rst" / "adopting_guide.rst").read_text(encoding="utf-8")
    texts = [textwrap.dedent(match["text"]).strip("\n") for match in DIRECTIVE.finditer(f"{guide}\n")]
    (shown,) = (text for text in texts if text.startswith("# yaml-language-server"))
    (difference,) = (text for text in texts if text.startswith("@@"))

    def adopted(emulator, dest):
        outcome = workplace.run("ansible-playbook", "zapi.zapi.adopt", "-e", f"zapi_dest={dest}")
        assert outcome.status == 0, outcome.output
        text = (workplace.folder / dest).read_text(encoding="utf-8").replace(emulator.url, "https://api.z-api.io")
        date = re.search("^# Adopted at .*$", shown, re.MULTILINE)
        return outcome, re.sub("^# Adopted at .*$", date[0], text, flags=re.MULTILINE).splitlines()

    with Emulator(GROWN) as emulator:
        workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
        outcome, lines_before = adopted(emulator, "expectations.yml")
        assert lines_before == shown.splitlines()
        assert "240 instances are described by 6 expectations" in guide
        assert "240 instances are described by 6 expectations" in outcome.stdout
        assert "1 URL holds a secret: ansible-vault encrypt" in outcome.stdout
        outcome = workplace.run("ansible-playbook", "zapi.zapi.validate", "-e", "expectations_file=expectations.yml")
        (told,) = re.findall('"msg": "(.*)"', outcome.stdout)
        assert told in texts
        emulator.change_instance(shop("Loja 017")["id"], disconnectedCallbackUrl="https://elsewhere.example.org/x")
        _outcome, lines_after = adopted(emulator, "today.yml")
    assert list(difflib.unified_diff(lines_before, lines_after, lineterm=""))[2:] == difference.splitlines()


@pytest.mark.slow
def test_the_move_of_the_converging_guide_goes_as_it_says(workplace):
    text = (ROOT / "docs" / "docsite" / "rst" / "converging_guide.rst").read_text(encoding="utf-8")
    move, way_back = text.partition("\nMoving to a new host\n---")[2].split("\nThe way back\n---")
    ids = [*(f"1997E8F3EDB924D87E0B6723524550{number:02}" for number in range(14)), "1997E8F3EDB924D87E0B6723524550A4"]
    rows = [{"id": identity, "token": f"token-of-{identity}", "name": f"shop {identity[-2:]}"} for identity in ids]
    rows[0]["name"] = "Pizzaria Bella Itália 01"
    for row in rows:
        row["receivedCallbackUrl"] = row["receivedAndDeliveryCallbackUrl"] = f"https://hooks.example.com/{row['id']}/received"

    def moved_by(command):
        """Run a command of the guide, and return how many webhooks post to the new host now."""
        outcome = workplace.run(
            *shlex.split(command.replace("\\\n", "")), ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token
        )
        assert outcome.status == 0, outcome.output
        assert "WARNING" not in outcome.output
        return sum(f"://new.example.com/{row['id']}/" in str(url) for row in emulator.fleet for url in row.values())

    with Emulator(rows) as emulator:
        moved = []
        for block in DIRECTIVE.finditer(f"{move}\n"):
            example = textwrap.dedent(block["text"]).strip()
            if block["kind"] == "yaml":
                workplace.write(example.partition("\n")[0].removeprefix("# "), example)
            else:
                moved.append(moved_by(example))
        # The audit that accepts both, the plan, a few, the rest, the audit that accepts the new one alone
        assert moved == [0, 0, 4, 30, 30]
        assert moved_by(next(DIRECTIVE.finditer(way_back))["text"]) == 4


@pytest.fixture
def documented_fleet(workplace):
    """The fleet of the plugins' examples, in sync with those of instance_audit."""
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
def test_the_examples_of_the_inventory_make_one(workplace, documented_fleet, options):
    token = workplace.environment["ZAPI_PARTNER_TOKEN"]
    workplace.write("token.vault.yml", f"partner_token: {token}\n")
    outcome, hosts, _groups = workplace.inventory(options, ACME_PARTNER_TOKEN=token)
    assert set(hosts) == {"Padaria_Central", "Loja_1"}, outcome.output
    assert "WARNING" not in outcome.output


TOKEN_IN_A_URL = re.compile(r"""/token/|[?&]\w*token=|//[^/\s"']*token[^/\s"']*@""", re.IGNORECASE)
SHOWN = [
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
        ("module", ["instance_info", "instance_audit", "instance_adopt", "instance_converge"]),
        ("filter", ["drift"]),
        ("test", ["compliant"]),
    ],
)
def test_ansible_doc_shows_every_plugin(workplace, kind, plugins):
    outcome = workplace.run("ansible-doc", "-t", kind, *(f"zapi.zapi.{plugin}" for plugin in plugins))
    assert outcome.status == 0, outcome.output
    assert outcome.stdout.count("EXAMPLES:") == len(plugins)
    assert "WARNING" not in outcome.output


@pytest.mark.once
def test_the_readme_shows_what_the_demo_prints(workplace):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = "".join(re.findall(r"<!-- demo -->\n```text\n(.*?)```", readme, re.DOTALL))
    outcome = workplace.run("python", ROOT / "tests" / "demo.py")
    assert outcome.status == 0, outcome.output
    assert lines(outcome.stdout) == lines(shown)


def lines(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]
