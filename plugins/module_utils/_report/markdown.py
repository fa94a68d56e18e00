# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as Markdown, for the summary of a CI job. The template is the file ``markdown.md.j2`` beside this one."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from .headline import attributes, numbers, verdict
from .language_en import ENGLISH
from .texts import printable, quoted

if t.TYPE_CHECKING:
    from .language import Language
    from .report import Report

_MAX_ROWS = 500  # of one table: GitHub shows at most 1 MiB
_SYMBOLS = {"in_sync": "✅", "drift": "❌", "not_audited": "❌"}


def markdown(report: Report, language: Language = ENGLISH) -> str:
    """Return the report as Markdown with tables, as GitHub and GitLab render them."""
    # Imported late: managed nodes need no Jinja.
    from jinja2 import ChainableUndefined, Environment  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    def text(value: t.Any) -> t.Any:
        """Return what an expression of the template prints: code, if it is a text that is not ours."""
        return Markup(_code(value)) if isinstance(value, str) and not isinstance(value, Markup) else value

    def cell(value: t.Any) -> Markup:
        return Markup(_code(value).replace("|", "\\|") if value else "")

    environment = Environment(autoescape=True, finalize=text, undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        own=Markup, cell=cell, value=lambda value: cell(quoted(value)), block=lambda value: Markup(_block(value))
    )
    template = environment.from_string(Path(__file__).with_suffix(".md.j2").read_text(encoding="utf-8"))
    symbol = _SYMBOLS["in_sync" if report["in_sync"] else "drift"]
    rendered = template.render(
        report=report,
        language=language,
        words={name: Markup(word) for name, word in language.words.items()},
        verdict=Markup(f"{symbol} {verdict(report, language)}"),
        numbers=[(Markup(label), Markup(value)) for label, value in numbers(report, language)],
        attributes=[(name, count) for name, _kind, count in attributes(report)],
        max_rows=_MAX_ROWS,
        status=lambda account: Markup(f"{_SYMBOLS[account['status']]} {language.words[account['status']]}"),
    )
    return f"{rendered}\n"


def _code(value: str) -> str:
    """Return a text as code, in which only a run of backticks of the same length has a meaning."""
    shown = printable(value) or '""'
    fence = "`" * (_longest_backticks(shown) + 1)
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _block(value: str) -> str:
    """Return lines of text as a block of code."""
    lines = [printable(line) for line in value.splitlines()]
    fence = "`" * max(3, _longest_backticks(value) + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _longest_backticks(value: str) -> int:
    return max(map(len, re.findall("`+", value)), default=0)
