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
from .markdown import markdown
from .prometheus import prometheus

if t.TYPE_CHECKING:
    from .report import Report

FORMATS: dict[str, t.Callable[[Report], str]] = {
    ".csv": csv_file,
    ".json": json_file,
    ".md": markdown,
    ".prom": prometheus,
    ".xml": junit,
}
