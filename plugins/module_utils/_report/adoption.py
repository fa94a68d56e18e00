# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The message of an adoption."""

from __future__ import annotations

import shlex
import typing as t

from .messages import MAX_SHOWN
from .texts import counted, printable


def adopt_message(summary: t.Mapping[str, int], file: t.Optional[str] = None, *, is_planned: bool = False) -> str:
    """Return the first line of the message of an adoption. ``file`` is what was written or is planned."""
    instances = counted(summary["instances"], "instance is", "instances are")
    message = f"{instances} described by {counted(summary['expectations'], 'expectation')}"
    if file is None:
        return message
    return message + (f"; {printable(file)} would be written" if is_planned else f", in {printable(file)}")


def secrets_text(count: int, file: str, *, is_any: bool) -> str:
    """Return how many adopted URLs contain what a result would mask, and how to protect it. ``is_any``: ``{any}`` has replaced some."""
    encrypt = f"encrypt the file (ansible-vault encrypt {shlex.quote(file)})"
    urls = f"{counted(count, 'URL')} in {printable(file)}"
    if is_any:
        has = "has a query value" if count == 1 else "have query values"
        return f"{urls} {has} in which no secret was recognized: review the file before you commit it, or {encrypt}"
    has = "contains a secret" if count == 1 else "contain secrets"
    return f"{urls} {has}: before you commit it, {encrypt}, or adopt with secrets: any (in the playbook: -e zapi_secrets=any)"


def left_text(left: t.Sequence[str]) -> list[str]:
    """Return the lines about hosts and paths in which no secret was recognized."""
    if not left:
        return []
    more = [f"and {len(left) - MAX_SHOWN} more"] if len(left) > MAX_SHOWN else []
    return [
        "no secret was recognized in these hosts and paths: review them before you commit the file",
        *(f"- {printable(one)}" for one in left[:MAX_SHOWN]),
        *more,
    ]
