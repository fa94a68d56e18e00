# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Results of instance_audit and instance_converge, for the tests of reports about them."""

from __future__ import annotations

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import audit_message
from ansible_collections.zapi.zapi.plugins.module_utils._report.plan import plan_message

Row = dict[str, t.Any]
Result = dict[str, t.Any]

NOW, LATER = "2026-09-21T14:13:20Z", "2026-09-22T05:00:00Z"
FAILURE: Result = {"failed": True, "msg": "GET /instances failed: api.z-api.io sent nothing for 30 seconds"}


def row(number: int = 1, **changed: t.Any) -> Row:
    """A row of drift of an instance, which has the ID A1 and the name Loja 1."""
    values = {"attribute": "whatsapp_connected", "expected": True, "actual": False, "expectation": 1, "expectation_name": None}
    return {"kind": "mismatch", "id": f"A{number}", "name": f"Loja {number}", **values, "note": None, "reason": None, **changed}


def row_without_attribute(kind: str, number: int = 1, **changed: t.Any) -> Row:
    """A row of the kind missing or unmanaged."""
    return row(number, **{**dict.fromkeys(("attribute", "expected", "actual")), "kind": kind, **changed})


def change(number: int = 1, status: str = "changed", **changed: t.Any) -> Row:
    url = "https://hooks.example.com/in"
    values = {"attribute": "webhooks.received", "before": None, "after": url, "expectation": 1, "expectation_name": None}
    outcome = {"status": status, "error": "HTTP 500" if status == "failed" else None, "note": None, "reason": None}
    return {"id": f"A{number}", "name": f"Loja {number}", **values, **outcome, **changed}


def audited(*drift: Row, managed: int = 5, unmanaged: int = 0, **changed: t.Any) -> Result:
    """The result of an audit, in sync if there are no rows."""
    ids = {kind: [one["id"] for one in drift if one["kind"] == kind] for kind in ("mismatch", "missing", "unmanaged")}
    drifted = len(set(ids["mismatch"]))
    counts = {"instances": managed + unmanaged, "managed": managed, "unmanaged": unmanaged, "in_sync": managed - drifted}
    others = {"mismatches": {}, "compliance": 90.0, "unverified": 0, "warnings": 1}
    summary = {**counts, "drifted": drifted, "missing": len(ids["missing"]), **others}
    result = {"in_sync": not drift, "drift": list(drift), "summary": summary, "audited_at": NOW, **changed}
    return {"msg": audit_message(result), "failed": not result["in_sync"], "changed": False, **result}


def converged(*changes: Row, remaining: t.Sequence[Row] = (), managed: int = 5, **changed: t.Any) -> Result:
    """The result of a convergence, complete if all changes succeeded or are planned."""
    statuses = [one["status"] for one in changes]
    counts = {"instances": managed, "managed": managed, "in_sync": managed - len(changes), "to_change": len(changes)}
    outcomes = {name: statuses.count(name) for name in ("changed", "failed", "not_tried")}
    summary = {**counts, **outcomes, "remaining": len(remaining)}
    is_complete = not {"failed", "not_tried"} & set(statuses)
    result = {"changes": list(changes), "remaining": list(remaining), "summary": summary, "complete": is_complete, **changed}
    return {"msg": plan_message(result), "failed": not result["complete"], "changed": "changed" in statuses, **result}
