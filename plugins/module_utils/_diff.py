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

from ._plan import CHANGED, PLANNED
from ._wording import instance_label, printable

if t.TYPE_CHECKING:
    from ._drift import Row
    from ._plan import ChangeRow


def diffs(rows: t.Iterable[Row]) -> list[dict[str, str]]:
    """Return before (actual) and after (expected), as YAML, for each instance that drifted."""
    mismatches = (row for row in rows if row["kind"] == "mismatch")
    return [_diff(list(group)) for _identity, group in groupby(mismatches, key=lambda row: row["id"])]


def diffs_of_changes(changes: t.Iterable[ChangeRow]) -> list[dict[str, str]]:
    """Return before and after likewise, for each instance of which something is to be changed, or was."""
    shown = [change for change in changes if change["status"] in (PLANNED, CHANGED)]
    rows = [{**change, "kind": "mismatch", "actual": change["before"], "expected": change["after"]} for change in shown]
    return diffs(t.cast("list[Row]", rows))


def _diff(rows: list[Row]) -> dict[str, str]:
    header = instance_label(rows[0])
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(_line(row["attribute"], row["actual"], _reason(row)) for row in rows),
        "after": "".join(_line(row["attribute"], row["expected"]) for row in rows),
    }


def _reason(row: Row) -> str:
    """Return why the two sides differ where they look alike, as a comment."""
    return f"  # {printable(row['note'])}" if row["note"] and row["actual"] == row["expected"] else ""


def _line(attribute: t.Optional[str], value: t.Any, comment: str = "") -> str:
    as_json = f"{attribute}: {json.dumps(value, ensure_ascii=False)}"  # which is YAML, too
    text = str(yaml_dump({attribute: value}, default_flow_style=False, allow_unicode=True, width=1000)) if HAS_YAML else as_json
    # YAML leaves characters as they are that turn the direction of writing, or that nobody sees; and it may escape an emoji.
    # Between the quotes of JSON, what printable() makes of such characters means the same in YAML.
    readable = all(line.isprintable() for line in text.splitlines()) and "\\U" not in text
    text = text if readable and HAS_YAML else f"{printable(as_json)}\n"
    return text if not comment else f"{text[:-1]}{comment}\n"
