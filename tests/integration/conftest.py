# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Ansible's own commands, run as a user runs them, against the emulator."""

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
    """How a command ended, and all that it printed."""

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
    """A folder of a user's, with Ansible's commands."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def run(self, command, *arguments, **environment):
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
        # No release of ansible-core may announce the end of anything that the collection uses.
        assert "DEPRECAT" not in outcome.output, outcome.output
        return outcome

    def play(self, tasks, *arguments, variables=None, **environment):
        """Run tasks on the implicit localhost; return the outcome and what the tasks registered.

        What a task registers as ``name`` is found under that name.
        """
        names = ", ".join(f"'{task['register']}': {task['register']}" for task in tasks if "register" in task)
        # Printed, since a file would take the time of two modules.
        report = {"ansible.builtin.debug": {"msg": "results={{ {%s} | to_json | b64encode }}" % names}, "check_mode": False}
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables or {}, "tasks": [*tasks, report]}
        playbook = self.write("play.yml", yaml.safe_dump([play], sort_keys=False, allow_unicode=True))
        outcome = self.run("ansible-playbook", playbook, *arguments, **environment)
        outcome.stdout, *printed = re.split(r"results=([\w+/=]+)", outcome.stdout, maxsplit=1)
        results = json.loads(base64.b64decode(printed[0])) if printed else {}
        outcome.stdout += "".join(printed[1:])
        return outcome, results

    def inventory(self, options, *arguments, name="fleet.zapi.yml", **environment):
        """Return the outcome of ``ansible-inventory --list`` and the host variables and groups in it."""
        source = self.write(name, yaml.safe_dump({"plugin": "zapi.zapi.instances", **options}, allow_unicode=True))
        result_file = self.folder / "listed.json"
        result_file.unlink(missing_ok=True)
        outcome = self.run("ansible-inventory", "-i", source, "--list", "--output", result_file, *arguments, **environment)
        listed = json.loads(result_file.read_text(encoding="utf-8"), object_hook=plain) if result_file.exists() else {}
        hosts = listed.pop("_meta", {}).get("hostvars", {})
        return outcome, hosts, {group: set(content.get("hosts", [])) for group, content in listed.items()}


def plain(value):
    """Take the marks off that ansible-inventory puts on text which must not be templated."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def written_forms(secret):
    """Yield the usual ways of writing a secret: as it is, percent-encoded, and in base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    # Wherever it begins among other bytes, but for the characters that its neighbours have a part in
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield encode(b"x" * offset + secret.encode())[4 if offset else 0 : -4].decode()


def found(secrets, text):
    """Return the forms of secrets that are in a text."""
    return [form for secret in secrets for form in set(written_forms(secret)) if form in text]


def found_in_files(secrets, folder, inputs=()):
    """Return the files of a folder, but for what the test itself wrote, that hold a secret or have one in their names."""
    left = [path for path in folder.rglob("*") if path.is_file() and path not in inputs]
    return [path for path in left if found(secrets, path.name + path.read_text(encoding="utf-8", errors="replace"))]


def base_environment(folder):
    """Return the environment of a user who keeps everything in a folder, and nothing of whoever runs the tests."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"ZAPI_|ANSIBLE_|COVERAGE_|(https?|no|all)_proxy$", name, re.IGNORECASE)
        # How the collection is found, and the time that coverage needs when Ansible's workers end.
        or name.startswith(("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_WORKER_SHUTDOWN_"))
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
def workplace(request, tmp_path):
    environment = base_environment(tmp_path)
    if request.node.get_closest_marker("unmeasured") is None:
        environment.update({name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")})
    return Workplace(tmp_path, environment)


@pytest.fixture
def emulator(workplace):
    """An emulator with a generated fleet of 23, for which the environment holds address and token."""
    with Emulator(count=23) as running:
        workplace.environment.update(ZAPI_API_URL=running.url, ZAPI_PARTNER_TOKEN=running.partner_token)
        yield running
