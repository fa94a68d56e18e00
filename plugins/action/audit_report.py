# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The action of zapi.zapi.audit_report, which is also the second task of the playbooks that have a report."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import iso_8601
from ansible_collections.zapi.zapi.plugins.module_utils._report.report import audit_results
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.plugin_utils._arguments import refuse_unknown
from ansible_collections.zapi.zapi.plugins.plugin_utils._reports import ReportOptions, write_reports
from ansible_collections.zapi.zapi.plugins.plugin_utils._verdict import check_report, results_to_report

_OPTIONS = ("audits", "dest", "language", "mode")
Result = dict[str, t.Any]


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False
    _task: t.Any

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            return self._playbook_report(variables) if "_zapi_playbook" in variables else self._report(self._task.args)
        except ZapiError as error:
            return {"failed": True, "msg": error_text(error)}

    def _report(self, arguments: Result) -> Result:
        refuse_unknown(arguments, _OPTIONS, "audit_report")
        for name in ("audits", "dest"):
            if arguments.get(name) is None:
                raise OptionError(f"{name} is missing")
        options = ReportOptions.checked(arguments["dest"], arguments.get("language"), arguments.get("mode"))
        return self._write(audit_results(arguments["audits"]), options)

    def _playbook_report(self, variables: Result) -> Result:
        results = results_to_report(variables)
        if results is None:
            return {"changed": False}
        return self._write(results, check_report(variables["_zapi_run"]["report"]))

    def _write(self, results: t.Any, options: ReportOptions) -> Result:
        now = str(iso_8601(int(time.time() * 1000)))
        return write_reports(results, options, now, check_mode=self._task.check_mode)
