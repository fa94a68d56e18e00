# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The page of a report in Chromium: what it shows, that it loads and runs nothing else, and that everyone can use it."""

from __future__ import annotations

import contextlib

import pytest

pytest.importorskip("playwright")

from axe_playwright_python.sync_playwright import Axe

from ansible_collections.zapi.zapi.plugins.module_utils._report.report import build_report
from ansible_collections.zapi.zapi.tests.browser import pages

pytestmark = pytest.mark.skipif(pages.CHROMIUM is None, reason="Chromium is not installed (Debian package chromium)")

WIDTHS = (320, 2000)
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 1 / 0 }}{% raw %}",
    "]]>&amp;&#60;",
    "\u202egnp.exe\u2066",
    "\x00\x1b[31m\n\r\t",
    "\ud800",
    "",
    " ",
    "x" * 4000,
    "</style></title></textarea><!--",
]


@pytest.fixture(scope="module")
def browser():
    with pages.browser() as running:
        yield running


@contextlib.contextmanager
def opened(browser, address, **options):
    """Open a page and fail if it prints, asks for something else, or has an error."""
    context = browser.new_context(**options)
    problems = []
    try:
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("request", lambda request: None if request.url.partition("#")[0] == address else problems.append(request.url))
        page.goto(address)
        yield page
        assert problems == []
    finally:
        context.close()


def visible_groups(page):
    return page.locator("table.rows tbody:not([hidden])")


@pytest.mark.parametrize("language", ["en", "pt_BR"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_fits_every_screen(browser, tmp_path, language, theme):
    address = pages.write_page(tmp_path, pages.example(), language)
    for width in WIDTHS:
        with opened(browser, address, color_scheme=theme, viewport={"width": width, "height": 800}, bypass_csp=True) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = Axe().run(page, options=AXE).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_it_is_complete_without_javascript_and_in_print(browser, tmp_path):
    address = pages.write_page(tmp_path, pages.example(), "pt_BR")
    with opened(browser, address, java_script_enabled=False) as page:
        text = page.inner_text("body")
        assert page.locator("#controls").is_hidden()
        assert len(page.pdf()) > 10_000
    assert "Nem todas as instâncias estão como declarado, e nem todas as contas puderam ser auditadas" in text
    for words in (
        "mercado",
        "Farmácia Vida Nova",
        "leia o QR code",
        "a assinatura venceu",
        "Pagamento",
        "86,8 %",
        "29/11/2026 06:17 UTC",
    ):
        assert words in text
    assert text.index("mercado") < text.index("Padaria Trigo de Ouro")


def test_filter_and_sort_work_by_keyboard(browser, tmp_path):
    with opened(browser, pages.write_page(tmp_path, pages.example())) as page:
        everything = visible_groups(page).count()
        assert everything == 7
        page.get_by_label("Filter").focus()
        page.keyboard.type("CONFEITARIA sao")
        assert visible_groups(page).count() == 1
        assert page.locator("output").inner_text() == "1"
        page.get_by_label("Filter").fill("")
        page.get_by_label("Attribute").first.focus()
        page.get_by_label("Attribute").first.select_option("whatsapp_connected")
        assert visible_groups(page).count() == 1
        page.get_by_label("Attribute").first.select_option("")
        page.get_by_label("Only new rows").focus()
        page.keyboard.press("Space")
        assert visible_groups(page).count() == 2
        page.keyboard.press("Space")

        header = page.locator("table.rows").first.locator("thead th").first
        header.locator("button").focus()
        for key, order in (("Enter", "ascending"), ("Space", "descending")):
            page.keyboard.press(key)
            assert header.get_attribute("aria-sort") == order
            names = page.locator("table.rows").first.locator("tbody th").all_inner_texts()
            assert names == sorted(names, reverse=order == "descending")


def test_a_link_leads_to_an_instance(browser, tmp_path):
    address = pages.write_page(tmp_path, pages.example())
    with opened(browser, address) as page:
        page.locator("table.rows tbody th a").last.click()
        target = page.url.partition("#")[2]
        assert page.locator(f"tbody#{target}:target").inner_text().startswith("Farmácia Savassi")


def test_hostile_names_are_text(browser, tmp_path):
    rows = [pages.row(name, "webhooks.received", name, [name]) for name in HOSTILE]
    failed = {"failed": True, "msg": "\n".join(HOSTILE)}
    report = build_report({HOSTILE[0]: pages.result(rows, len(rows)), HOSTILE[1]: failed}, None, pages.NOW)
    with opened(browser, pages.write_page(tmp_path, report), viewport={"width": 320, "height": 800}) as page:
        assert page.locator("img, body script:not(:last-child), svg svg, iframe, object").count() == 0
        assert visible_groups(page).count() == len(rows)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert HOSTILE[0] in page.inner_text("body")


def test_an_audit_in_sync_and_one_that_could_not_run(browser, tmp_path):
    reports = {
        "All instances are as declared": {None: pages.result([], 5)},
        "The audit could not run": {None: {"failed": True, "msg": "The audit could not run: no network"}},
    }
    for verdict, results in reports.items():
        with opened(browser, pages.write_page(tmp_path, build_report(results, None, pages.NOW))) as page:
            assert page.locator("h1").inner_text() == verdict
            assert page.locator("#controls").is_hidden()
            assert page.locator(".alert").count() == (verdict == "The audit could not run")


def test_ten_thousand_rows_are_less_than_six_mebibytes(browser, tmp_path):
    address = pages.write_page(tmp_path, pages.large(10_000))
    assert (tmp_path / "en.html").stat().st_size < 6 * 1024 * 1024
    with opened(browser, address) as page:
        page.get_by_label("Filter").fill("ouro 09999")
        assert visible_groups(page).count() == 1
