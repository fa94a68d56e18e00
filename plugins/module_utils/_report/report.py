# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The report of one or several audits, as plain data: the content of the JSON file, and what every other form is made of.

A report is ``{version, created_at, in_sync, summary, accounts, new, resolved}``. An account is ``{account, status, message,
problem, reason, audited_at, carried_over, summary, drift, changes}``. Its ``status`` is one of `STATUSES`; ``problem`` is the message
if rows alone do not explain the status, or null; ``reason`` is that of a failed result, or null. Its rows of drift are those of an
audit with the keys ``account`` and ``carried_over``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import nfc

if t.TYPE_CHECKING:
    from .rows import Row

Report = dict[str, t.Any]
Result = t.Mapping[str, t.Any]

VERSION = 1
STATUSES = ("in_sync", "drift", "not_audited")
_COUNTS = ("instances", "managed", "in_sync", "drifted", "missing", "unmanaged")

# The keys of mappings, and the types of their values
_Types = t.Mapping[str, t.Any]
_TEXT = (str, type(None))
_ROW: _Types = {
    "kind": str,
    **dict.fromkeys(("id", "name", "attribute", "expectation_name", "note"), _TEXT),
    **dict.fromkeys(("expected", "actual", "expectation", "reason"), object),
}
_CHANGE: _Types = {
    "status": str,
    **dict.fromkeys(("id", "name", "attribute", "expectation_name", "error", "note"), _TEXT),
    **dict.fromkeys(("before", "after", "expectation"), object),
}
_AUDIT: _Types = {"msg": str, "in_sync": bool, "drift": list, "summary": Mapping}
_CONVERGENCE: _Types = {"msg": str, "complete": bool, "changes": list, "remaining": list, "summary": Mapping}
_REPORT: _Types = {"version": int, **dict.fromkeys(("accounts", "new", "resolved"), list)}
_ACCOUNT: _Types = {
    **dict.fromkeys(("account", "problem", "audited_at"), _TEXT),
    **dict.fromkeys(("status", "message"), str),
    **dict.fromkeys(("drift", "changes"), list),
    "carried_over": bool,
    "reason": object,
    "summary": (dict, type(None)),
}
_REPORT_ROW: _Types = {**_ROW, "account": _TEXT, "carried_over": bool}


def audit_results(audits: t.Any) -> dict[t.Optional[str], Result]:
    """Return results by account; None is the account of a single result. Raises `OptionError` for anything else."""
    if not isinstance(audits, Mapping) or not audits:
        raise OptionError("audits must be a result of instance_audit or instance_converge, or a mapping of accounts to results")
    # Every result has a message; if this is a mapping of accounts, its values are mappings.
    is_one = isinstance(audits.get("msg"), str)
    results: dict[t.Optional[str], Result] = {None: audits} if is_one else {str(name): one for name, one in audits.items()}
    for name, result in results.items():
        if not _is_result(result):
            place = "audits" if name is None else f'audits: "{name}"'
            raise OptionError(
                f"{place} is not a result of instance_audit or instance_converge: register the task, and use its variable"
            )
    return results


def build_report(results: t.Mapping[t.Any, Result], previous: t.Optional[Report], now: str) -> Report:
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
    if not _has(content, _REPORT) or content["version"] != VERSION or not _are_all(content["accounts"], _ACCOUNT):
        raise ValueError("not a report")
    for account in content["accounts"]:
        counts = account["summary"]
        if account["status"] not in STATUSES or not (counts is None or _has(counts, dict.fromkeys(_COUNTS, int))):
            raise ValueError("not an account")
    for rows in (content["new"], content["resolved"], *(account["drift"] for account in content["accounts"])):
        if not _are_all(rows, _REPORT_ROW):
            raise ValueError("not rows of drift")
    return t.cast("Report", content)


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
    if _has(result, _AUDIT):
        are_rows = _are_all(result["drift"], _ROW) and isinstance(result.get("audited_at"), _TEXT)
    elif _has(result, _CONVERGENCE):
        are_rows = _are_all(result["changes"], _CHANGE) and _are_all(result["remaining"], _ROW)
    else:
        has_failed = _has(result, {"msg": str}) and (result.get("failed") or result.get("unreachable"))
        return bool(has_failed) and not _was_looked_at(result)
    scope = result.get("scope") or []
    is_scope = isinstance(scope, list) and all(isinstance(one, str) for one in scope)
    return are_rows and is_scope and _has(result["summary"], dict.fromkeys(("instances", "managed"), int))


def _was_looked_at(result: Result) -> bool:
    """Return whether a result is one of an audit or a convergence that could read the account."""
    return "drift" in result or "changes" in result


def _are_all(values: t.Iterable[t.Any], types: _Types) -> bool:
    return all(_has(value, types) for value in values)


def _has(value: t.Any, types: _Types) -> bool:
    """Return whether a value is a mapping with these keys, whose values have these types."""
    return isinstance(value, Mapping) and all(name in value and isinstance(value[name], one) for name, one in types.items())


def _account(name: t.Optional[str], result: Result, before: t.Optional[Report], now: str) -> Report:
    """Return the section of an account with a new result."""
    old_rows = before["drift"] if before else []
    common = {"account": name, "message": result["msg"], "reason": result.get("reason"), "carried_over": False}
    if not _was_looked_at(result) or result["summary"]["managed"] == 0 < result["summary"]["instances"]:
        rows = [{**row, "carried_over": True} for row in old_rows]
        none = {"problem": result["msg"], "audited_at": None, "summary": None, "drift": rows, "changes": []}
        return {**common, "status": "not_audited", **none}
    found = [{**row, "account": name, "carried_over": False} for row in _open_rows(result)]
    keys = set(map(row_key, found))
    carried = [{**row, "carried_over": True} for row in _outside(old_rows, result.get("scope")) if row_key(row) not in keys]
    is_in_sync = result["in_sync"] if "drift" in result else result["complete"] and not found
    still_drifts = any(row["kind"] != "unmanaged" for row in carried)
    is_explained = is_in_sync or (found and result.get("complete", True))
    return {
        **common,
        "status": "in_sync" if is_in_sync and not still_drifts else "drift",
        "problem": None if is_explained else result["msg"],
        "audited_at": result.get("audited_at", now),
        "summary": _counts(result, found),
        "drift": found + carried,
        "changes": [{**row, "account": name} for row in result.get("changes", ()) if row["status"] == "changed"],
    }


def _outside(rows: t.Iterable[Row], scope: t.Optional[t.Sequence[str]]) -> list[Row]:
    """Return the rows whose instances were not looked at. Names count for rows without an ID only: two instances can share one."""
    if scope is None:
        return []
    looked_at = set(map(nfc, scope))
    return [row for row in rows if nfc(row["name"] or "" if row["id"] is None else row["id"]) not in looked_at]


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
