# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Drift as before and after, for ``--diff``."""

from __future__ import annotations

import json
import typing as t
from itertools import groupby

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump

from ._wording import instance_label

if t.TYPE_CHECKING:
    from ._drift import Row


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


def _as_yaml(value: dict[str, t.Any]) -> str:
    if HAS_YAML:
        return str(yaml_dump(value, default_flow_style=False, allow_unicode=True, width=1000))
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"  # which is YAML, too
