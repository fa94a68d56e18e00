# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The report of one or several audits, as plain data: the content of the JSON file, and what every other form is made of.

A report is ``{version, created_at, in_sync, summary, accounts, new, resolved}``. An account is ``{account, status, message,
audited_at, carried_over, summary, drift, changes}``, with ``status`` one of `STATUSES`. Its rows of drift are those of an audit
with the keys ``account`` and ``carried_over``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError

from .rows import Row

Report = dict[str, t.Any]
Result = t.Mapping[str, t.Any]

VERSION = 1
STATUSES = ("in_sync", "drift", "not_audited")
_DRIFT_KEYS = frozenset(("kind", "id", "name", "attribute", "expected", "actual", "expectation", "expectation_name", "note", "reason"))
_CHANGE_KEYS = frozenset(("id", "name", "attribute", "before", "after", "expectation", "expectation_name", "status", "error", "note"))
_ACCOUNT_KEYS = frozenset(("account", "status", "message", "audited_at", "carried_over", "summary", "drift", "changes"))
_COUNTS = ("instances", "managed", "in_sync", "drifted", "missing", "unmanaged")


def audit_results(audits: t.Any) -> dict[t.Optional[str], Result]:
    """Return results by account; None is the account of a single result. Raises `OptionError` for anything else."""
    if not isinstance(audits, Mapping) or not audits:
        raise OptionError("audits must be a result of instance_audit or instance_converge, or a mapping of accounts to results")
    # No result is without a message, and no account has a text as its result.
    results = {None: audits} if isinstance(audits.get("msg"), str) else {str(name): result for name, result in audits.items()}
    for name, result in results.items():
        if not _is_result(result):
            place = "audits" if name is None else f'audits: "{name}"'
            raise OptionError(f"{place} is not a result of instance_audit or instance_converge: register the task, and use its variable")
    return results


def build_report(results: t.Mapping[t.Optional[str], Result], previous: t.Optional[Report], now: str) -> Report:
    """Return the report of results that `audit_results` returned. ``now`` is in ISO 8601.

    ``previous`` is the last report. What was not looked at this time is carried over from it.
    """
    before = {account["account"]: account for account in previous["accounts"]} if previous else {}
    accounts = [_account(name, result, before.get(name), now) for name, result in results.items()]
    accounts += [_carried_over(account) for name, account in before.items() if name not in results]
    rows = [row for account in accounts for row in account["drift"]]
    keys = set(map(row_key, rows))
    old_rows = {row_key(row): row for account in before.values() for row in account["drift"]}
    new = [row for row in rows if previous and row_key(row) not in old_rows]
    resolved = [row for key, row in old_rows.items() if key not in keys]
    return {
        "version": VERSION,
        "created_at": now,
        "in_sync": all(account["status"] == "in_sync" for account in accounts),
        "summary": _summary(accounts, rows, new, resolved),
        "accounts": accounts,
        "new": new,
        "resolved": resolved,
    }


def checked_report(content: t.Any) -> Report:
    """Return the content of a JSON file if it is a report of this version. Raises `ValueError`."""
    if not isinstance(content, dict) or content.get("version") != VERSION or not isinstance(content.get("accounts"), list):
        raise ValueError("not a report")
    for account in content["accounts"]:
        if not isinstance(account, dict) or not account.keys() >= _ACCOUNT_KEYS or not _are_rows(account["drift"], _DRIFT_KEYS):
            raise ValueError("not an account")
    return content


def without_news(report: Report) -> t.Any:
    """Return what makes two reports equal: everything except times and what is new and resolved."""
    return [{**account, "audited_at": None} for account in report["accounts"]]


def row_key(row: Row) -> tuple[t.Any, ...]:
    """Return what identifies a row in the report of another time."""
    return row["account"], row["kind"], row["id"] if row["id"] is not None else f"name:{row['name']}", row["attribute"]


def by_instance(rows: t.Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each instance, in the order of their first rows."""
    groups: dict[tuple[t.Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["account"], row["id"], row["name"] if row["id"] is None else None), []).append(row)
    return list(groups.values())


def _is_result(result: t.Any) -> bool:
    if not isinstance(result, Mapping) or not isinstance(result.get("msg"), str):
        return False
    if "drift" in result:
        return _are_rows(result["drift"], _DRIFT_KEYS) and _has_counts(result)
    if "changes" in result:
        return (
            _are_rows(result["changes"], _CHANGE_KEYS) and _are_rows(result.get("remaining"), _DRIFT_KEYS) and _has_counts(result)
        )
    return bool(result.get("failed") or result.get("unreachable"))


def _are_rows(value: t.Any, keys: frozenset[str]) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) and keys <= row.keys() for row in value)


def _has_counts(result: Result) -> bool:
    summary = result.get("summary")
    return isinstance(summary, Mapping) and all(isinstance(summary.get(name), int) for name in ("instances", "managed"))


def _account(name: t.Optional[str], result: Result, before: t.Optional[Report], now: str) -> Report:
    """Return the section of an account with a new result."""
    old_rows = before["drift"] if before else []
    common = {"account": name, "message": result["msg"], "carried_over": False}
    if "summary" not in result or result["summary"]["managed"] == 0 < result["summary"]["instances"]:
        rows = [{**row, "carried_over": True} for row in old_rows]
        return {**common, "status": "not_audited", "audited_at": None, "summary": None, "drift": rows, "changes": []}
    found = [{**row, "account": name, "carried_over": False} for row in _open_rows(result)]
    scope = None if result.get("scope") is None else frozenset(result["scope"])
    carried = [{**row, "carried_over": True} for row in old_rows if scope is not None and scope.isdisjoint((row["id"], row["name"]))]
    is_in_sync = result["in_sync"] if "drift" in result else result["complete"] and not found
    still_drifts = any(row["kind"] != "unmanaged" for row in carried)
    return {
        **common,
        "status": "in_sync" if is_in_sync and not still_drifts else "drift",
        "audited_at": result.get("audited_at", now),
        "summary": _counts(result, found),
        "drift": found + carried,
        "changes": [{**row, "account": name} for row in result.get("changes", ()) if row["status"] == "changed"],
    }


def _carried_over(account: Report) -> Report:
    """Return the section of an account that has no result this time."""
    rows = [{**row, "carried_over": True} for row in account["drift"]]
    return {**account, "carried_over": True, "drift": rows, "changes": []}


def _open_rows(result: Result) -> list[Row]:
    """Return the rows that are left after an audit or a convergence."""
    if "drift" in result:
        return list(result["drift"])
    not_set = [_as_drift(change) for change in result["changes"] if change["status"] != "changed"]
    return [*not_set, *result["remaining"]]


def _as_drift(change: Row) -> Row:
    return {
        "kind": "mismatch",
        "id": change["id"],
        "name": change["name"],
        "attribute": change["attribute"],
        "expected": change["after"],
        "actual": change["before"],
        "expectation": change["expectation"],
        "expectation_name": change["expectation_name"],
        "note": change["error"] or change["note"] or change["status"].replace("_", " "),
        "reason": change.get("reason"),
    }


def _counts(result: Result, rows: t.Iterable[Row]) -> dict[str, int]:
    """Return the numbers of instances after an audit or a convergence."""
    instances, managed = result["summary"]["instances"], result["summary"]["managed"]
    drifted = {row["id"] for row in rows if row["kind"] == "mismatch"}
    missing = sum(row["kind"] == "missing" for row in rows)
    values = (instances, managed, managed - len(drifted), len(drifted), missing, instances - managed)
    return dict(zip(_COUNTS, values))


def _summary(accounts: t.Sequence[Report], rows: t.Sequence[Row], new: t.Sized, resolved: t.Sized) -> dict[str, int]:
    counts = [account["summary"] for account in accounts if account["summary"]]
    return {
        "accounts": len(accounts),
        "not_audited": sum(account["status"] == "not_audited" for account in accounts),
        **{name: sum(one[name] for one in counts) for name in _COUNTS},
        "rows": len(rows),
        "new": len(new),
        "resolved": len(resolved),
        "carried_over": sum(row["carried_over"] for row in rows),
        "changed": sum(len(account["changes"]) for account in accounts),
    }
