# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The formats of reports, by the ending of a file's name. A format is a function from a report to the text of the file."""

from __future__ import annotations

import typing as t

from .csv_file import csv_file
from .json_file import json_file
from .junit import junit
from .languages import LANGUAGES
from .markdown import markdown
from .page import page
from .prometheus import prometheus

if t.TYPE_CHECKING:
    from .report import Report

FORMATS: dict[str, t.Callable[..., str]] = {
    ".csv": csv_file,
    ".html": page,
    ".json": json_file,
    ".md": markdown,
    ".prom": prometheus,
    ".xml": junit,
}
FOR_PEOPLE = (".html", ".md")
"""The formats that take a language as well."""


def render(report: Report, ending: str, language: str) -> str:
    """Return the text of a file with this ending."""
    return FORMATS[ending](report, *([LANGUAGES[language]] if ending in FOR_PEOPLE else []))
