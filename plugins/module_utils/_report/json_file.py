# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A report as JSON."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from .report import Report


def json_file(report: Report) -> str:
    """Return the report as JSON in ASCII, since UTF-8 cannot encode lone surrogates, which names can contain."""
    return json.dumps(report, indent=1) + "\n"
