# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Print how long Chromium takes to load a page with 10,000 rows, and to filter and sort them: `nox -s browser -- --time`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from ansible_collections.zapi.zapi.tests.browser import pages

FILTER = """text => {
  const field = document.querySelector("input[type=search]");
  const begin = performance.now();
  field.value = text;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  document.body.offsetHeight;
  return performance.now() - begin;
}"""
SORT = """() => {
  const begin = performance.now();
  document.querySelector("thead button").click();
  document.body.offsetHeight;
  return performance.now() - begin;
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, pages.browser() as browser:
        address = pages.write_page(Path(folder), pages.large(10_000))
        loads, filters, sorts = [], [], []
        for _round in range(5):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(address)
            loads.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
            filters += [page.evaluate(FILTER, text) for text in ("9", "ouro 99", "received", "nothing has this", "")]
            sorts.append(page.evaluate(SORT))
            page.close()
    for name, times in (("load", loads), ("filter", filters), ("sort", sorts)):
        print(f"{name}: median {median(times):.0f} ms, maximum {max(times):.0f} ms, {len(times)} times")


if __name__ == "__main__":
    main()
