# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as one HTML page. The template is ``page.html.j2``; it contains ``page.css`` and ``page.js``, which load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t
from pathlib import Path

from .headline import attributes, numbers, verdict
from .language_en import ENGLISH
from .report import by_instance, row_key
from .texts import printable

if t.TYPE_CHECKING:
    from .language import Language
    from .report import Report
    from .rows import Row


def page(report: Report, language: Language = ENGLISH) -> str:
    """Return the report as a page that needs no network and is complete without JavaScript."""
    # Imported late: managed nodes need no Jinja.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    labels = "".join(f"--{name}: {json.dumps(language.words[name])};" for name in ("actual", "expected"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_file(".html.j2")).render(
        report=report,
        language=language,
        words=language.words,
        verdict=verdict(report, language),
        numbers=numbers(report, language),
        attributes=attributes(report),
        new=set(map(row_key, report["new"])),
        key=row_key,
        anchor=_anchor,
        by_instance=by_instance,
        printable=printable,
        hash=_hash,
        style=Markup(f"{_file('.css')}:root {{{labels}}}\n"),
        script=Markup(_file(".js")),
    )


def _file(ending: str) -> str:
    return Path(__file__).with_name(f"page{ending}").read_text(encoding="utf-8")


def _anchor(row: Row) -> str:
    """Return the name of the place of an instance in the page, which stays the same in later reports."""
    identity = json.dumps([row["account"], row["id"], row["name"] if row["id"] is None else None])
    return f"i{hashlib.sha256(identity.encode()).hexdigest()[:10]}"


def _hash(content: str) -> str:
    """Return the hash with which a Content-Security-Policy allows a style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
