# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as Markdown, for the summary of a CI job. The template is the file ``markdown.md.j2`` beside this one."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from pathlib import Path

from .messages import frequency_order
from .texts import printable, quoted

if t.TYPE_CHECKING:
    from .report import Report

_MAX_ROWS = 500  # of one table: GitHub shows at most 1 MiB
_STATUSES = {"in_sync": "✅ as declared", "drift": "❌ not as declared", "not_audited": "❌ could not be audited"}


def markdown(report: Report) -> str:
    """Return the report as Markdown with tables, as GitHub and GitLab render them."""
    # Imported late: managed nodes need no Jinja.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    def text(value: t.Any) -> t.Any:
        """Return what an expression of the template prints: code, if it is a text that is not of the template itself."""
        return Markup(_code(value)) if isinstance(value, str) and not isinstance(value, Markup) else value  # noqa: S704

    def cell(value: t.Any) -> Markup:
        return Markup("" if value is None else _code(value).replace("|", "\\|"))  # noqa: S704

    environment = Environment(
        autoescape=True, finalize=text, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters.update(
        cell=cell,
        value=lambda value: cell(None if value is None else quoted(value)),
        block=lambda value: Markup(_block(value)),  # noqa: S704
    )
    template = environment.from_string(Path(__file__).with_suffix(".md.j2").read_text(encoding="utf-8"))
    attributes = Counter(row["attribute"] or row["kind"] for account in report["accounts"] for row in account["drift"])
    return template.render(
        report=report,
        attributes=frequency_order(attributes),
        max_rows=_MAX_ROWS,
        status=lambda account: Markup(_STATUSES[account["status"]]),  # noqa: S704
    )


def _code(value: str) -> str:
    """Return a text as code of Markdown, where nothing has a meaning except backticks of the same number."""
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
