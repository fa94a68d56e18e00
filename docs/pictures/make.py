# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Make the pictures of the page of a report: `nox -s browser -- --pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.zapi.zapi.tests.browser import pages

FOLDER = Path(__file__).parent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, pages.browser() as browser:
        for language in ("en", "pt_BR"):
            page = browser.new_page(viewport={"width": 1100, "height": 1000})
            page.goto(pages.write_page(Path(folder), pages.example(), language))
            page.screenshot(path=FOLDER / f"report.{language}.png")


if __name__ == "__main__":
    main()
