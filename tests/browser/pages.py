# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Pages of invented audits, and the browser that shows them."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import typing as t

from playwright.sync_api import sync_playwright

from ansible_collections.zapi.zapi.plugins.module_utils._report.formats import render
from ansible_collections.zapi.zapi.plugins.module_utils._report.report import build_report

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

Results = dict[t.Optional[str], t.Mapping[str, t.Any]]

BEFORE, NOW = "2026-11-28T06:17:00Z", "2026-11-29T06:17:00Z"
HOOK = "https://hooks.example.com/{}/received"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def row(
    name: str, attribute: str | None, actual: t.Any, expected: t.Any, reason: t.Any = None, kind: str = "mismatch"
) -> dict[str, t.Any]:
    """Return a row of drift. The ID is made of the name."""
    identity = hashlib.md5(name.encode("utf-8", "backslashreplace")).hexdigest().upper()
    return {
        "kind": kind,
        "id": None if kind == "missing" else identity,
        "name": name,
        "attribute": attribute,
        "expected": expected,
        "actual": actual,
        "expectation": 1,
        "expectation_name": None,
        "note": reason and reason["code"],
        "reason": reason,
    }


def result(rows: Sequence[dict[str, t.Any]], managed: int) -> dict[str, t.Any]:
    """Return the result of an audit with these rows."""
    return {
        "msg": "an audit",
        "in_sync": not rows,
        "drift": list(rows),
        "summary": {"instances": managed, "managed": managed},
        "audited_at": NOW,
    }


def example() -> dict[str, t.Any]:
    """Return the report of three accounts, one of which could not be audited, with new and resolved rows."""
    hosts = {"code": "foreign_hosts", "values": {"webhooks": ["received", "delivery"]}}
    padaria = [
        row(
            "Padaria Trigo de Ouro", "payment_status", "CANCELED", ["PAID", "TRIAL"], {"code": "subscription_lapsed", "values": {}}
        ),
        row("Padaria Trigo de Ouro", "whatsapp_connected", False, True, {"code": "scan_qr_code", "values": {}}),
        row("Confeitaria São João", "webhook_hosts", ["old.example.net"], ["hooks.example.com"], hosts),
        row("Confeitaria São João", "webhooks.received", "https://old.example.net/hook?key=***", HOOK.format("C1")),
        row("Café da Esquina", None, None, None, {"code": "nearest_name", "values": {"name": "Café da Praça"}}, "missing"),
    ]
    old = [row(f"Farmácia {place}", "webhooks.delivery", None, HOOK.format(place)) for place in ("Centro", "Moema", "Savassi")]
    farmacia = [row("Farmácia Vida Nova", "settings.muted_webhooks", ["received"], []), *old]
    values = {"request": "GET /instances", "status": 401, "said": "Unauthorized"}
    failed = {"failed": True, "msg": "The audit could not run", "reason": {"code": "partner_token_rejected", "values": values}}
    first: Results = {"padaria": result(padaria[2:], 40), "farmacia": result(old, 12)}
    results: Results = {"padaria": result([*padaria[:2], *padaria[3:]], 40), "farmacia": result(farmacia, 12), "mercado": failed}
    return build_report(results, build_report(first, None, BEFORE), NOW)


def large(instances: int) -> dict[str, t.Any]:
    """Return the report of a fleet of which every instance has drifted."""
    kinds: tuple[tuple[str, t.Any, t.Any], ...] = (
        ("webhooks.received", "https://old.example.net/{}?key=***", HOOK),
        ("webhooks.delivery", None, HOOK),
        ("whatsapp_connected", False, True),
    )
    rows = []
    for number in range(instances):
        attribute, actual, expected = kinds[number % len(kinds)]
        actual, expected = (value.format(number) if isinstance(value, str) else value for value in (actual, expected))
        rows.append(row(f"Padaria Trigo de Ouro {number:05}", attribute, actual, expected))
    return build_report({None: result(rows, instances)}, None, NOW)


def write_page(folder: Path, report: dict[str, t.Any], language: str = "en") -> str:
    """Write the page of a report and return its address."""
    file = folder / f"{language}.html"
    file.write_text(render(report, ".html", language), encoding="utf-8")
    return file.as_uri()


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root needs it
        try:
            yield running
        finally:
            running.close()
