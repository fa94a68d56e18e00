# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Run Ansible's own commands as a user runs them, against the emulator."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

COMMANDS = Path(sys.executable).parent
TIMEOUT = 240


@dataclass
class Outcome:
    """The exit status of a command and everything that it printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self):
        return f"{self.stdout}\n{self.stderr}"

    @property
    def words(self):
        """The output without the line breaks and borders that Ansible puts into warnings."""
        return " ".join(self.output.split())


class Workplace:
    """A user's folder and environment, in which Ansible's commands run.

    Starting Ansible takes longer than most tasks: prefer several tasks, or several plays, in one run.
    """

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment

    def write(self, name, content):
        """Write a file and return its path; what is not text is written as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def run(self, command, *arguments, **environment):
        """Run one of Ansible's commands and return its outcome."""
        done = subprocess.run(
            [COMMANDS / command, *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        # The collection must not use anything that a supported release of ansible-core deprecates.
        assert "DEPRECAT" not in outcome.output, outcome.output
        return outcome

    def play(self, tasks, *arguments, variables=None, **environment):
        """Run tasks on the implicit localhost; return the outcome and the registered results by name."""
        outcome, (results,) = self._run_plays([{"vars": variables or {}, "tasks": tasks}], arguments, environment)
        return outcome, results

    def plays(self, plays, *arguments, **environment):
        """Run independent plays in one process; return the outcome and, for each play, its registered results by name.

        A play is a list of tasks, or a mapping with ``tasks`` and other keywords, such as ``vars``. It runs on the implicit
        localhost, and the next tasks and plays run even if a task fails. Facts and registered results stay set in the next plays.
        """
        independent = [{"ignore_errors": True, **(play if isinstance(play, dict) else {"tasks": play})} for play in plays]
        return self._run_plays(independent, arguments, environment)

    def _run_plays(self, plays, arguments, environment):
        content = [
            {"hosts": "localhost", "gather_facts": False, **play, "tasks": [*play["tasks"], show_results(number, play["tasks"])]}
            for number, play in enumerate(plays)
        ]
        playbook = self.write("play.yml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        outcome = self.run("ansible-playbook", playbook, *arguments, **environment)
        shown = dict(RESULTS.findall(outcome.stdout))
        outcome.stdout = RESULTS.sub("", outcome.stdout)
        return outcome, [json.loads(base64.b64decode(shown.get(str(number), "e30="))) for number in range(len(plays))]

    def inventory(self, options, *arguments, name="fleet.zapi.yml", **environment):
        """Return the outcome of ``ansible-inventory --list`` and its host variables and groups."""
        source = self.write(name, yaml.safe_dump({"plugin": "zapi.zapi.instances", **options}, allow_unicode=True))
        result_file = self.folder / "listed.json"
        result_file.unlink(missing_ok=True)
        outcome = self.run("ansible-inventory", "-i", source, "--list", "--output", result_file, *arguments, **environment)
        listed = json.loads(result_file.read_text(encoding="utf-8"), object_hook=plain) if result_file.exists() else {}
        hosts = listed.pop("_meta", {}).get("hostvars", {})
        return outcome, hosts, {group: set(content.get("hosts", [])) for group, content in listed.items()}


RESULTS = re.compile(r"results(\d+)=([\w+/=]+)")


def show_results(number, tasks):
    """Return the task that prints the registered results of a play. Writing them to a file would take two more modules."""
    names = ", ".join(f"'{task['register']}': {task['register']}" for task in tasks if "register" in task)
    return {"ansible.builtin.debug": {"msg": "results%d={{ {%s} | to_json | b64encode }}" % (number, names)}, "check_mode": False}


def extra(**variables):
    """Return the arguments that set extra variables, whatever characters their values contain."""
    return ["-e", json.dumps({name: str(value) if isinstance(value, Path) else value for name, value in variables.items()})]


def plain(value):
    """Remove the marks that ansible-inventory puts on text which must not be templated."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def written_forms(secret):
    """Yield the usual forms of a secret: as it is, percent-encoded, and in base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    # At any offset within other bytes, without the characters that depend on those bytes
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield encode(b"x" * offset + secret.encode())[4 if offset else 0 : -4].decode()


def found(secrets, text):
    """Return the forms of secrets that a text contains."""
    return [form for secret in secrets for form in set(written_forms(secret)) if form in text]


def found_in_files(secrets, folder, inputs=()):
    """Return the files of a folder whose name or content has a secret, except the files that the test wrote itself."""
    left = [path for path in folder.rglob("*") if path.is_file() and path not in inputs]
    return [path for path in left if found(secrets, path.name + path.read_text(encoding="utf-8", errors="replace"))]


def base_environment(folder):
    """Return the environment of a user whose files are all in a folder, without the settings of the user who runs the tests."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == "ANSIBLE_COLLECTIONS_PATH" or not re.match(r"ZAPI_|ANSIBLE_|(https?|no|all)_proxy$", name, re.IGNORECASE)
    }
    environment.update(
        HOME=str(folder / "home"),
        ANSIBLE_HOME=str(folder / "ansible"),
        ANSIBLE_REMOTE_TEMP=str(folder / "ansible" / "remote"),
        ANSIBLE_DEPRECATION_WARNINGS="1",
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
        ANSIBLE_PIPELINING="1",
        ANSIBLE_INVENTORY_ENABLED="zapi.zapi.instances,ansible.builtin.auto,ansible.builtin.yaml,ansible.builtin.ini",
        COLUMNS="5000",
    )
    return environment


@pytest.fixture
def workplace(tmp_path):
    return Workplace(tmp_path, base_environment(tmp_path))


@pytest.fixture
def emulator(workplace):
    """An emulator with a generated fleet of 23 instances; the environment holds its URL and token."""
    with Emulator(count=23) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        yield running
