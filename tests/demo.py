# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The demo that `make demo` runs: adopt, audit and converge a fleet of the emulator, then audit it again.

It succeeds only if the first audit finds drift and the last one finds none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator

ROOT = Path(__file__).parents[1]
ADOPTED = ".cache/adopted.yml"
DECLARED = "tests/demo/expectations.yml"
ADOPT = ("ansible-playbook", "zapi.zapi.adopt", "-e", f"zapi_dest={ADOPTED}")
AUDIT = ("ansible-playbook", "zapi.zapi.audit", "-e", f"expectations_file={DECLARED}", "--diff")
CONVERGE = ("ansible-playbook", "zapi.zapi.converge", "-e", f"expectations_file={DECLARED}", "-e", "zapi_on_missing=skip", "--diff")

NEW_ID = "5A1C0DE05A1C0DE05A1C0DE05A1C0DE0"
YEAR_MS = 365 * 86_400_000
TIMEOUT = 120
# From ansible-core 2.19 on, Ansible prints the message of a failed task twice. The demo leaves the first one out.
REPEATED = re.compile(r"^[^\n]*\[ERROR\]: Task failed: .*?(?=^[^\n]*fatal: \[)", re.DOTALL | re.MULTILINE)

# The Makefile sets these. The user's own settings of Ansible must not change what the demo shows.
KEPT_SETTINGS = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "ANSIBLE_REMOTE_TEMP")


class DemoError(Exception):
    """A command ended with another status than expected."""


def environment(emulator: Emulator) -> dict[str, str]:
    """The environment of the commands: the emulator as Z-API, and tests/demo/ansible.cfg."""
    foreign = [name for name in os.environ if name.startswith("ANSIBLE_") and name not in KEPT_SETTINGS]
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    env["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "demo" / "ansible.cfg")
    env["ANSIBLE_FORCE_COLOR" if sys.stdout.isatty() else "ANSIBLE_NOCOLOR"] = "true"
    env["ZAPI_API_URL"] = emulator.url
    env["ZAPI_PARTNER_TOKEN"] = emulator.partner_token
    return env


def show(text: str) -> None:
    print(text, flush=True)


def run(command: t.Sequence[str], env: dict[str, str], status: int) -> None:
    """Run a command, show its standard output, and raise an error if it does not end with this status."""
    show(f"$ {' '.join(command)}")
    done = subprocess.run(
        # Python runs the script, since a script's first line cannot hold an interpreter with a long path or with spaces.
        [sys.executable, str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=TIMEOUT,
        check=False,
    )
    output = REPEATED.sub("", done.stdout).replace(f"{ROOT}/", "")
    show("\n".join(line.rstrip() for line in output.splitlines()))
    if done.returncode != status:
        raise DemoError(f"the exit status is {done.returncode} instead of {status}: {done.stderr}")


def show_adopted() -> None:
    """Show the first two expectations that were adopted."""
    text = (ROOT / ADOPTED).read_text(encoding="utf-8")
    _heading, start, listed = text.partition("expectations:\n")
    adopted = re.split(r"^(?=  - )", listed, flags=re.MULTILINE)[1:]
    show(f"\n# The file {ADOPTED} begins with:\n{start}{''.join(adopted[:2])}")


def repair(emulator: Emulator, now_ms: int) -> None:
    """Change what the collection cannot set."""
    by_name = {instance["name"]: instance for instance in emulator.fleet}

    def change(name: str, action: str, **fields: t.Any) -> None:
        emulator.change_instance(by_name[name]["id"], **fields)
        show(f"- {name}: {action}")

    change("Ótica Bom Olhar Copacabana", "restore the session", whatsappConnected=True, phoneConnected=True)
    change("Padaria Trigo de Ouro Boa Vista", "pay", paymentStatus="PAID")

    hook = f"https://hooks.example.com/{NEW_ID}/received"
    new = {"id": NEW_ID, "name": "Padaria Pão Dourado Savassi", "due": now_ms + YEAR_MS, "paymentStatus": "TRIAL",
           "middleware": "web", "phoneConnected": True, "whatsappConnected": True,
           "receivedCallbackUrl": hook, "receivedAndDeliveryCallbackUrl": hook, "presenceChatCallbackUrl": ""}  # fmt: skip
    emulator.replace_fleet([*emulator.fleet, new])
    show("- Padaria Pão Dourado Savassi: create")


def demo() -> None:
    now_ms = int(time.time() * 1000)
    (ROOT / ADOPTED).parent.mkdir(exist_ok=True)
    (ROOT / ADOPTED).unlink(missing_ok=True)
    with Emulator(count=20, seed=1, now_ms=now_ms) as emulator:
        env = environment(emulator)
        show("# An account with 20 instances, on the emulator. Write the expectations that it meets today:")
        run(ADOPT, env, 0)
        show_adopted()
        show(f"# {DECLARED} is such a file after a review: one host for all instances, paid and connected. Audit the account:")
        run(AUDIT, env, 2)
        show("\n# Exit status 2: the account drifted. Show what the collection would set:")
        run((*CONVERGE, "--check"), env, 0)
        show("\n# Set it:")
        run(CONVERGE, env, 0)
        show("\n# The rest needs manual action:")
        repair(emulator, now_ms)
        show("\n# Audit the account again:")
        run(AUDIT, env, 0)
        show("\n# Exit status 0: the account is in sync.")


def main() -> int:
    try:
        demo()
    except (DemoError, subprocess.TimeoutExpired) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
