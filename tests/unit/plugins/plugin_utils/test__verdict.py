# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Which host writes a report about which hosts, and how a playbook ends."""

from __future__ import annotations

import typing as t

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._verdict import check_report, results_to_report, verdict
from ansible_collections.zapi.zapi.tests.unit.results import Result, audited, change, converged, row

if t.TYPE_CHECKING:
    from pathlib import Path

COULD_NOT_RUN = {"changed": False, "could_not_run": "no\ntoken"}
DIED = {"changed": True, "has_died": True, "module_stdout": "Killed"}
NO_RUN = {"failed": True, "msg": "Timed out"}
DRIFT, CONVERGED, FAILED = audited(row(1)), converged(change(1)), converged(change(1, "failed"))
INTERRUPTED = "was interrupted: the module crashed or was killed"


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clone can be inside a collection path, where no report may be written."""
    monkeypatch.chdir(tmp_path)


def run(result: Result, report: t.Any = None) -> Result:
    """What the first task registers for a result, on a host with this zapi_report or without one."""
    has_failed = {"has_failed": result["failed"]} if "failed" in result and result is not NO_RUN else {}
    return {**result, **has_failed, "report": {"report": report} if report else None}


def reported(runs: t.Mapping[str, t.Any], present: t.Iterable[str] | None = None, **variables: t.Any) -> dict[str, t.Any]:
    """What each host reports that is present in the play. ``runs`` are what the first task registered, None for nothing."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=None, parse=False)
    manager = VariableManager(loader=loader, inventory=inventory)
    for host, registered in runs.items():
        inventory.add_host(host, "all")
        if registered is not None:
            manager.set_nonpersistent_facts(host, {"_zapi_run": registered})
    common = {"_zapi_playbook": "audit", "ansible_play_hosts_all": list(runs), "ansible_play_hosts": list(present or runs)}
    hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
    by_host = {host: {**common, "hostvars": hostvars, "inventory_hostname": host, **variables} for host in present or runs}
    found = {host: results_to_report(given) for host, given in by_host.items()}
    return {host: results for host, results in found.items() if results is not None}


def messages(results: t.Mapping[str | None, Result]) -> dict[str | None, str]:
    return {host: result["msg"] for host, result in results.items()}


class TestResultsToReport:
    def test_localhost(self) -> None:
        drift = run(DRIFT, "a.json")
        assert reported({"localhost": drift}) == {"localhost": {None: drift}}
        assert reported({"localhost": run(audited())}) == {}, "no report is wanted"
        assert reported({"localhost": COULD_NOT_RUN}) == reported({"localhost": None}) == {}
        failed = reported({"localhost": run(COULD_NOT_RUN, "a.json")})["localhost"]
        assert (failed[None]["failed"], messages(failed)) == (True, {None: "The audit could not run: no token"})

    def test_hosts_with_the_same_variables_have_one_report(self) -> None:
        unmanaged = audited(managed=0, unmanaged=3, in_sync=False)
        registered = {"padaria": audited(), "mercado": DRIFT, "otica": DIED, "banca": NO_RUN, "feira": unmanaged}
        runs = {**{host: run(result, "a.json") for host, result in registered.items()}, "bazar": COULD_NOT_RUN}
        (results,) = reported(runs, zapi_accounts="accounts").values()
        assert [results[host] for host in ("padaria", "mercado")] == [runs[host] for host in ("padaria", "mercado")]
        assert all(results[host]["failed"] for host in runs if host != "padaria")
        assert messages(results) == {
            **{host: registered[host]["msg"] for host in ("padaria", "mercado")},
            "otica": f"The audit {INTERRUPTED}",
            "banca": "The audit could not run: Timed out",
            "feira": f"The audit could not run: {unmanaged['msg']}",
            "bazar": "The audit could not run: no token",
        }

    def test_the_first_host_of_the_play_that_has_the_report_writes_it(self) -> None:
        runs = {"padaria": run(audited(), "a.json"), "mercado": COULD_NOT_RUN, "otica": run(audited(), "a.json")}
        assert list(reported(runs, zapi_accounts="all")) == ["padaria"]
        found = reported(runs, ["mercado", "otica"], zapi_accounts="all")
        assert {host: list(results) for host, results in found.items()} == {"otica": list(runs)}
        # What a host that has left the play registered is of an earlier one.
        assert messages(found["otica"])["padaria"] == "The audit could not run: the host failed before this playbook began"

    def test_several_reports(self) -> None:
        reports = {"padaria": "a.json", "mercado": ["m.json", "m.csv"], "otica": "a.json", "feira": "f.json", "banca": None}
        runs = {**{host: run(audited(), report) for host, report in reports.items()}, "bazar": COULD_NOT_RUN}
        found = reported(runs, [host for host in runs if host != "feira"], zapi_accounts="all")
        assert {host: list(results) for host, results in found.items()} == {"padaria": ["padaria", "otica"], "mercado": ["mercado"]}
        runs["mercado"] = run(audited(), ["m.csv", "./a.json"])
        with pytest.raises(OptionError, match=r"zapi_report: .+/a\.json is also in the report of mercado, which has other files"):
            reported(runs, zapi_accounts="all")

    def test_a_convergence(self) -> None:
        runs = {"padaria": run(CONVERGED, "a.json"), "mercado": run(DIED, "a.json"), "otica": COULD_NOT_RUN}
        (results,) = reported(runs, zapi_accounts="all", _zapi_playbook="converge").values()
        assert results["padaria"] == runs["padaria"]
        assert (
            messages(results)["mercado"] == f"The convergence {INTERRUPTED}; some values may have been set: run the playbook again"
        )
        assert messages(results)["otica"] == "The convergence could not run: no token"


VERDICTS: dict[str, tuple[str, Result | None, bool, str]] = {
    "in sync": ("audit", run(audited()), False, audited()["msg"]),
    "drift": ("audit", run(DRIFT), True, DRIFT["msg"]),
    "drift that does not fail": ("audit", run({**DRIFT, "failed": False}), False, DRIFT["msg"]),
    "an audit that could not run": ("audit", COULD_NOT_RUN, True, "The audit could not run: no token"),
    "an audit that was killed": ("audit", DIED, True, f"The audit {INTERRUPTED}"),
    "a first task without a result": ("audit", {}, True, "The audit could not run: its first task did not run"),
    "no first task": ("audit", None, True, "The audit could not run: its first task did not run"),
    "a timeout of the first task": ("audit", NO_RUN, True, "The audit could not run: Timed out"),
    "a convergence": ("converge", run(CONVERGED), False, CONVERGED["msg"]),
    "a convergence that failed": ("converge", run(FAILED), True, FAILED["msg"]),
    "an adoption that could not run": ("adopt", COULD_NOT_RUN, True, "The adoption could not run: no token"),
}


@pytest.mark.parametrize(("playbook", "registered", "failed", "message"), VERDICTS.values(), ids=VERDICTS)
def test_a_playbook_ends_as_its_first_task_found(playbook: str, registered: t.Any, failed: bool, message: str) -> None:
    variables = {"_zapi_playbook": playbook, **({} if registered is None else {"_zapi_run": registered})}
    assert verdict(variables) == (failed, message)
    assert verdict({**variables, "_zapi_report": {"changed": True, "msg": "2 rows"}}) == (failed, message)
    with_failure = verdict({**variables, "_zapi_report": {"failed": True, "msg": "a.json: No space left on device"}})
    words = "\nThe report could not be written: a.json: No space left on device"
    assert with_failure == (True, message + words * (playbook != "adopt")), "an adoption has no report"


def test_the_variables_of_a_report() -> None:
    options = check_report({"report": "a.json,b.md", "report_mode": "0640", "report_language": "en"})
    assert ([file.name for file in options.files], options.mode, options.option) == (["a.json", "b.md"], 0o640, "zapi_report")
    for name, value in (("report", "a.pdf"), ("report_mode", "rw"), ("report_language", "xx")):
        with pytest.raises(OptionError, match=f"^zapi_{name}"):
            check_report({"report": "a.json", name: value})
