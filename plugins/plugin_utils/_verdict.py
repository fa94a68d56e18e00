# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The second and the last task of a playbook: the report and the verdict, from what the first task registered."""

from __future__ import annotations

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError

from ._arguments import PLAYBOOKS, Playbook
from ._reports import ReportOptions

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._report.report import Result

_EARLY_FAILURE = {"could_not_run": "the host failed before this playbook began"}


def verdict(variables: t.Mapping[str, t.Any]) -> tuple[bool, str]:
    """Return whether the playbook fails, and its message."""
    playbook = PLAYBOOKS[variables["_zapi_playbook"]]
    run, report = variables.get("_zapi_run", {}), variables.get("_zapi_report", {})
    problem = _problem(playbook, run)
    failed, message = (True, problem) if problem else (run["has_failed"], run["msg"])
    if playbook.has_report and report.get("failed"):
        return True, f"{message}\nThe report could not be written: {report.get('msg')}"
    return failed, message


def check_report(report: t.Mapping[str, t.Any]) -> ReportOptions:
    """Return the checked options of a report. ``report`` is what `report_variables` returns. Raises `OptionError`."""
    return ReportOptions.checked(
        report["report"], report.get("report_language"), report.get("report_mode"), option="zapi_report", prefix="zapi_report_"
    )


def results_to_report(variables: t.Mapping[str, t.Any]) -> dict[str | None, Result] | None:
    """Return the results that this host writes to its report, by account. None: it has no report, or another host writes it.

    Hosts with the same variables have one report, which the first of them writes. Hosts whose variables are not known, because
    they failed earlier, are in it, unless there are other reports. Raises `OptionError` if another report has one of the files.
    """
    playbook, me = PLAYBOOKS[variables["_zapi_playbook"]], variables["inventory_hostname"]
    present = variables["ansible_play_hosts"]
    report = _run_of(me, variables).get("report")
    if report is None or me != next(host for host in present if _run_of(host, variables).get("report") == report):
        return None
    runs = {host: _run_of(host, variables) if host in present else _EARLY_FAILURE for host in variables["ansible_play_hosts_all"]}
    others = {host: run["report"] for host, run in runs.items() if "report" in run and run["report"] != report}
    _refuse_shared_files(report, others)
    included = {host: run for host, run in runs.items() if (run["report"] == report if "report" in run else not others)}
    results = {host: _result(playbook, run) for host, run in included.items()}
    return results if "zapi_accounts" in variables else {None: results[me]}


def _refuse_shared_files(report: t.Mapping[str, t.Any], others: t.Mapping[str, t.Any]) -> None:
    files = check_report(report).files
    for host, other in others.items():
        for file in check_report(other).files if other else ():
            if file in files:
                raise OptionError(
                    f"zapi_report: {file} is also in the report of {host}, which has other files: use the name of the host in all names"
                )


def _run_of(host: str, variables: t.Mapping[str, t.Any]) -> Result:
    """Return what the first task registered for a host."""
    # An index of hostvars would fill in the templates of all variables of the host.
    found = variables["hostvars"].raw_get(host).get("_zapi_run", {})
    return found if isinstance(found, dict) else {}


def _result(playbook: Playbook, run: Result) -> Result:
    problem = _problem(playbook, run)
    return {"failed": True, "msg": problem, "reason": run.get("reason")} if problem else run


def _problem(playbook: Playbook, run: Result) -> str | None:
    """Return why there is no result, as the message of the playbook; None if there is one."""
    if run.get("has_died"):
        advice = "; some values may have been set: run the playbook again" if playbook.result == "changes" else ""
        return f"{playbook.title} was interrupted: the module crashed or was killed{advice}"
    problem = run.get("could_not_run")
    if problem is None and "has_failed" not in run:
        problem = str(run.get("msg") or "its first task did not run")
    if problem is None and playbook.result == "in_sync" and run["summary"]["managed"] == 0 < run["summary"]["instances"]:
        problem = run["msg"]
    return None if problem is None else f"{playbook.title} could not run: {' '.join(problem.split())}"
