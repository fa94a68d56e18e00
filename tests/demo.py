# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What `make demo` shows: a fleet of the emulator is looked at, audited, repaired and audited again.

It succeeds only if the first audit finds the drift and the second one finds none.
"""

from __future__ import annotations

import os
import re
import signal
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
STOP_SECONDS = 5

# What the Makefile sets; of the user's own settings, none must change what the demo shows.
KEPT_SETTINGS = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "ANSIBLE_REMOTE_TEMP")


class DemoError(Exception):
    """The demo did not go as it should."""


def environment(emulator: Emulator) -> dict[str, str]:
    """What the commands see: the emulator as Z-API, and tests/demo/ansible.cfg."""
    foreign = [name for name in os.environ if name.startswith("ANSIBLE_") and name not in KEPT_SETTINGS]
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    env["ANSIBLE_CONFIG"] = str(ROOT / "tests" / "demo" / "ansible.cfg")
    env["ANSIBLE_FORCE_COLOR" if sys.stdout.isatty() else "ANSIBLE_NOCOLOR"] = "true"
    env["ZAPI_API_URL"] = emulator.url
    env["ZAPI_PARTNER_TOKEN"] = emulator.partner_token
    return env


def show(text: str) -> None:
    print(text, flush=True)


def run(command: t.Sequence[str], env: dict[str, str], status: int, said: str) -> None:
    """Run and show a command, which has to end with this status and to have said this."""
    show(f"$ {' '.join(command)}")
    lines: list[str] = []
    process = subprocess.Popen(
        # By way of Python: the path of a clone may be too long or have blanks, which a script's first line can't have.
        [sys.executable, str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        for line in without_repeats(t.cast("t.IO[str]", process.stdout), lines):
            show(line.rstrip().replace(f"{ROOT}/", ""))
        process.wait()
    finally:
        stop(process)
    output = "".join(lines)
    if process.returncode != status or said not in output:
        raise DemoError(f"this ended with {process.returncode} instead of {status}, or did not say {said!r}:\n{output}")


def without_repeats(output: t.Iterable[str], lines: list[str]) -> t.Iterator[str]:
    """Yield the lines that are worth showing, and put all of them into ``lines``."""
    task, is_repeated, is_blank_next = None, False, False
    for line in output:
        lines.append(line)
        # From ansible-core 2.19 on, a failure is told twice, the first time with where in which file the task is.
        is_repeated = "[ERROR]: Task failed: " in line or (is_repeated and "fatal: [" not in line)
        if line.startswith("TASK ["):
            task = line
        elif task and line.startswith("skipping: "):
            task, is_blank_next = None, True  # what is skipped is no news
        elif not is_repeated and not (is_blank_next and not line.strip()):
            if task:
                yield task
            task, is_blank_next = None, False
            yield line


def stop(process: subprocess.Popen[str]) -> None:
    """End a command that still runs, and the workers that it has started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def show_adopted() -> None:
    """Show the first two items that were adopted."""
    text = (ROOT / ADOPTED).read_text(encoding="utf-8")
    _heading, start, listed = text.partition("expectations:\n")
    first, second, *others = re.split(r"^  - ", listed, flags=re.MULTILINE)[1:]
    show(f"# {ADOPTED} says:\n{start}  - {first}  - {second}")
    show(f"# and {len(others)} more, for instances of which the API does not tell received_status.\n")


def repair(emulator: Emulator, now_ms: int) -> None:
    """Do what the people do whom a failed audit calls, once the webhooks are mended."""
    by_name = {instance["name"]: instance for instance in emulator.fleet}

    def change(name: str, what: str, **fields: t.Any) -> None:
        emulator.change_instance(by_name[name]["id"], **fields)
        show(f"- {name} {what}")

    change("Ótica Bom Olhar Copacabana", "scans the QR code again", whatsappConnected=True, phoneConnected=True)
    change("Ótica Íris Jardim América", "is renewed for a year", due=now_ms + YEAR_MS)
    change("Padaria Trigo de Ouro Boa Vista", "pays", paymentStatus="PAID")

    hook = f"https://hooks.example.com/{NEW_ID}/received"
    new = {"id": NEW_ID, "name": "Padaria Pão Dourado Savassi", "due": now_ms + YEAR_MS, "paymentStatus": "TRIAL",
           "middleware": "web", "phoneConnected": True, "whatsappConnected": True,
           "receivedCallbackUrl": hook, "receivedAndDeliveryCallbackUrl": hook, "presenceChatCallbackUrl": ""}  # fmt: skip
    emulator.replace_fleet([*emulator.fleet, new])
    show("- Padaria Pão Dourado Savassi is created")


def demo() -> None:
    now_ms = int(time.time() * 1000)
    (ROOT / ADOPTED).parent.mkdir(exist_ok=True)
    (ROOT / ADOPTED).unlink(missing_ok=True)
    with Emulator(count=20, seed=1, now_ms=now_ms) as emulator:
        env = environment(emulator)
        show("# An account with 20 instances, on the emulator. What are their webhooks?")
        run(ADOPT, env, 0, "20 instances are described by 7 expectations")
        show_adopted()
        show(f"# Somebody has made {DECLARED} of it: one host for all, paid for and connected. Is it so?")
        run(AUDIT, env, 2, "4 of 20 managed instances drifted, 1 missing")
        show("# No: exit status 2. What could be mended by itself?")
        run((*CONVERGE, "--check"), env, 0, "1 of 20 managed instances would be changed")
        show("# Do it:")
        run(CONVERGE, env, 0, "1 of 20 managed instances changed")
        show("# The rest is for people:")
        repair(emulator, now_ms)
        show("\n# And now?")
        run(AUDIT, env, 0, "21 of 21 managed instances are as declared")
        show("# Yes: exit status 0.")


def main() -> int:
    # Leave through the finally clauses, as with Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(128 + signal.SIGTERM))
    try:
        demo()
    except DemoError as error:
        print(f"The demo did not go as it should: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
