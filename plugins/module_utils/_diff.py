# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Drift as before and after, for ``--diff``."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from itertools import groupby

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump

from ._wording import instance_label, printable

if t.TYPE_CHECKING:
    from ._drift import Row


_ESCAPED = re.compile(r"((?<!\\)(?:\\\\)*)\\U([0-9A-Fa-f]{8})")


def diffs(rows: t.Iterable[Row]) -> list[dict[str, str]]:
    """Return before (actual) and after (expected), as YAML, for each instance that drifted."""
    mismatches = (row for row in rows if row["kind"] == "mismatch")
    return [_diff(list(group)) for _identity, group in groupby(mismatches, key=lambda row: row["id"])]


def _diff(rows: list[Row]) -> dict[str, str]:
    header = instance_label(rows[0])
    return {
        "before_header": header,
        "after_header": header,
        "before": _as_yaml({row["attribute"]: row["actual"] for row in rows}),
        "after": _as_yaml({row["attribute"]: row["expected"] for row in rows}),
    }


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[2], 16)
    return match[1] + chr(code) if code <= sys.maxunicode and chr(code).isprintable() else match.group()


def _as_yaml(value: dict[str, t.Any]) -> str:
    if HAS_YAML:
        text = str(yaml_dump(value, default_flow_style=False, allow_unicode=True, width=1000))
    else:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # which is YAML, too
    # YAML may escape an emoji, and leaves characters as they are that turn the direction of writing, or that nobody sees.
    text = _ESCAPED.sub(_unescaped, text)
    return "".join(printable(line) + "\n" for line in text.split("\n")[:-1])
