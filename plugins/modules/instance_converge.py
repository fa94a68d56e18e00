#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_converge
short_description: Set webhooks and settings of Z-API instances as declared
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Takes the same expectations as M(zapi.zapi.instance_audit), and sets the webhooks and settings that differ from them. Each value
    takes one request.
  - B(Only this module changes anything.) Run it with C(--check --diff) first to see the planned changes.
  - What the API cannot set needs manual action and is returned as RV(remaining). That is the connection, the payment, the days left,
    the hosts, V(webhooks.received_status), webhooks that are declared with C({any}), and everything that the API did not return.
  - The module lists and compares the whole fleet before it sets anything. Then it changes one instance, the canary, and reads it
    back. If the canary is not as planned, no other instance is changed. Otherwise the others follow, O(concurrency) requests at a
    time, and are read back too.
  - After its first failure, an instance is left alone, and the others continue. A rejection that holds for all instances, such as
    that of the C(Client-Token), or ten failing instances in a row stop the run. To continue, run the task again.
  - If several URLs are accepted and the instance has none of them, the first URL without C({any}) is set. V(null) unsets a webhook.
  - When V(received_and_delivery) is set, Z-API also turns V(notify_sent_by_me) on. If that setting is declared as false, or is false and
    not declared, setting it back is part of the plan. One request sets both muted lists, so both must be known.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Returns the plan. Neither the account nor O(backup) is written to.
  diff_mode:
    description: Returns details on what has changed, or needs changing in C(check_mode), in diff mode.
    support: full
    details:
      - Equal changes of several instances are shown once. The diff is also shown if the task fails.
options:
  expectations:
    description:
      - 'A list of expectations, such as
        C({expect: {webhooks: {received: "https://hooks.example.com/{id}/received"}, settings: {muted_webhooks: []}}}).'
      - See O(zapi.zapi.instance_audit#module:expectations) for all keys.
      - At least one of them must declare a webhook or a setting. Before anything is set, the task fails if a URL is not HTTPS, or if
        the effective C(webhook_hosts) of an instance forbid its host.
      - Required, unless you set O(expectations_file).
    type: raw
  expectations_file:
    description:
      - A YAML file on the controller that contains the expectations. See O(zapi.zapi.instance_audit#module:expectations_file).
    type: path
  only:
    description:
      - IDs and exact names. Only these instances are compared and changed.
      - If no instance has an ID or name, and no expectation names it, the task fails with the nearest name that exists.
    type: list
    elements: str
  max_changes:
    description:
      - The maximum number of instances that may be changed. Either a number, or a percentage of the managed instances, which allows at
        least ten. V(100%) allows all of them.
      - If more instances need changes, the task fails before it sets anything, also in check mode. The result contains the plan.
    type: str
    default: 25%
  on_missing:
    description:
      - What to do if expectations name an instance that does not exist, or if the server rejects one of the O(credentials).
      - With V(error), the task fails before it sets anything. With V(warn), it continues with a warning. With V(skip), it continues.
    type: str
    choices:
      - error
      - warn
      - skip
    default: error
  verify:
    description:
      - Whether to read back what was changed. The canary is always read back.
    type: bool
    default: true
  backup:
    description:
      - The rollback file to write before anything is set, on the host that the module runs on. Only its owner can read it. A relative
        path starts in the working directory of the command. If the file exists, the task fails.
      - It contains expectations that restore the values before the run, including the secrets in URLs. To roll back, run this module
        with it.
    type: path
  show_url_secrets:
    description:
      - Whether to show user names, passwords, query values, and random-looking path segments of webhook URLs instead of C(***).
    type: bool
    default: false
seealso:
  - module: zapi.zapi.instance_audit
  - module: zapi.zapi.instance_adopt
"""

EXAMPLES = r"""
- name: Set the receive webhooks of all instances
  zapi.zapi.instance_converge:
    expectations:
      - expect:
          webhooks:
            received: https://hooks.example.com/{id}/received
            received_and_delivery: https://hooks.example.com/{id}/received
          settings:
            notify_sent_by_me: true
            muted_webhooks: []

- name: Move the fleet to a new host, with a rollback file
  zapi.zapi.instance_converge:
    expectations_file: expectations.yml
    max_changes: 100%
    backup: before-the-move.yml

- name: Fix one instance
  zapi.zapi.instance_converge:
    expectations_file: expectations.yml
    only:
      - 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
"""

RETURN = r"""
msg:
  description:
    - The result as text. It has the counts, the attributes, the planned changes or the first ten failures, and what needs manual action.
    - If the fleet could not be compared, the reason.
  returned: always
  type: str
  sample: |-
    50 of 340 managed instances would be changed
    50 instances: webhooks.received https://old.example.net/{id}/received → https://hooks.example.com/{id}/received
changed:
  description:
    - Whether anything was set, or would be set in check mode. Also true if a request failed and its effect is unknown.
  returned: always
  type: bool
complete:
  description:
    - Whether everything that can be set is set, or could be set in check mode. If not, the task fails.
  returned: when the fleet was compared
  type: bool
  sample: true
reason:
  description: The same reason as in C(msg) for programs, a mapping with C(code) and C(values).
  returned: if the fleet could not be compared
  type: dict
  sample:
    code: timeout
    values: {request: GET /instances, server: "api.z-api.io:443", seconds: 30.0, attempts: 4}
changes:
  description:
    - The planned changes and their outcome, in the API's order of instances, webhooks before settings.
  returned: when the fleet was compared
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the instance.
      returned: always
      type: str
    name:
      description: The name of the instance.
      returned: always
      type: str
    attribute:
      description: The attribute that is set, such as V(webhooks.received) or V(settings.muted_webhooks).
      returned: always
      type: str
    before:
      description: The value before the run.
      returned: always
      type: raw
    after:
      description: The value that is set. It is C(*** (new\)) if only a secret differs.
      returned: always
      type: raw
    expectation:
      description: The position of the expectation in the list, from 1.
      returned: always
      type: int
    expectation_name:
      description: The name of that expectation, or null.
      returned: always
      type: str
    status:
      description: V(planned), V(changed), V(failed), or V(not_tried).
      returned: always
      type: str
    error:
      description: Why the change failed, in one line, or null.
      returned: always
      type: str
    note:
      description: An explanation, or null.
      returned: always
      type: str
    reason:
      description: The error or the explanation for programs, a mapping with C(code) and C(values), or null.
      returned: always
      type: dict
  sample:
    - id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
      name: Padaria Central
      attribute: webhooks.received
      before: https://old.example.net/hook?key=***
      after: https://hooks.example.com/3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F/received
      expectation: 1
      expectation_name:
      status: changed
      error:
      note:
      reason:
remaining:
  description: What needs manual action, in rows like those of RV(zapi.zapi.instance_audit#module:drift).
  returned: when the fleet was compared
  type: list
  elements: dict
  sample: []
scope:
  description: The IDs and names that were looked at.
  returned: if O(only), O(query), or O(middleware) narrows the run
  type: list
  elements: str
  sample: [3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F, Padaria Central]
summary:
  description: The counts. C(remaining) counts rows, all others count instances.
  returned: when the fleet was compared
  type: dict
  contains:
    instances:
      description: The number of instances that were compared.
      returned: always
      type: int
    managed:
      description: The number of instances that an expectation matches.
      returned: always
      type: int
    in_sync:
      description: The number of managed instances that were as declared before the run.
      returned: always
      type: int
    to_change:
      description: The number of instances in the plan.
      returned: always
      type: int
    changed:
      description: The number of these whose changes all succeeded.
      returned: always
      type: int
    failed:
      description: The number of these with a failed change.
      returned: always
      type: int
    not_tried:
      description: The number of these with a change that was not tried and none that failed.
      returned: always
      type: int
    remaining:
      description: The number of rows in RV(remaining).
      returned: always
      type: int
  sample:
    instances: 340
    managed: 338
    in_sync: 320
    to_change: 12
    changed: 12
    failed: 0
    not_tried: 0
    remaining: 7
"""

import shlex
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._apply import Applied, apply
from ansible_collections.zapi.zapi.plugins.module_utils._audit import audit, refuse_unknown_terms, select
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import check_terms
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import iso_8601
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, write_file
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, current_time, refuse_forbidden_urls
from ansible_collections.zapi.zapi.plugins.module_utils._plan import (
    Plan,
    max_instances,
    needed_calls,
    plan,
    planned_filters,
    refuse_nothing_to_set,
    rollback_expectations,
)
from ansible_collections.zapi.zapi.plugins.module_utils._policy.document import document
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import MAX_SHOWN, describe, warning_texts
from ansible_collections.zapi.zapi.plugins.module_utils._report.plan import (
    change_rows,
    plan_diff,
    plan_message,
    plan_summary,
    remaining_rows,
)
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets


def main() -> None:
    module = Module.with_expectations(
        {
            "max_changes": {"type": "str", "default": "25%"},
            "on_missing": {"type": "str", "choices": ["error", "warn", "skip"], "default": "error"},
            "verify": {"type": "bool", "default": True},
            "backup": {"type": "path"},
        }
    )
    try:
        result = _converge(module)
    except ZapiError as error:
        result = module.failure(error)
    module.end(result)


def _converge(module: Module) -> dict[str, t.Any]:
    params, only = module.params, module.params["only"]
    now = current_time()
    expectations = Expectations(params["expectations"], now)
    refuse_nothing_to_set(expectations)
    refuse_forbidden_urls(expectations)
    check_terms(only)
    max_instances(params["max_changes"], 0)
    if params["backup"] is not None:
        check_writable("backup", params["backup"])
    with Fleet(module.connection()) as fleet:
        if not fleet.has_middleware:
            expectations.refuse_middleware()
        listing = fleet.list(only=only)
        selected = listing.records if only is None else select(listing.records, only)[0]
        records = fleet.complete(listing.records, needed_calls(selected, expectations))
        mask = Mask(fleet.secrets(records), params["show_url_secrets"])
        scope = rows.scope(selected, mask, only, is_narrowed=fleet.is_narrowed)
        audited = audit(records, expectations, now, only=only, rejected=listing.rejected)
        refuse_unknown_terms(audited, mask.secrets)
        planned = plan(audited, max_changes=params["max_changes"], on_missing=params["on_missing"])
        _warn(module, planned, mask)
        applied = Applied({}, planned.problem)
        if planned.instances and not planned.problem and not module.check_mode:
            if params["backup"] is not None:
                _write_rollback_file(module, planned, mask.secrets)
            applied = apply(planned, fleet, verify=params["verify"])
    result = _result(module, planned, applied, mask, planned_filters(selected, records, expectations))
    return {**result, **scope}


def _warn(module: Module, planned: Plan, mask: Mask) -> None:
    for warning in warning_texts(planned.audit.warnings, mask):
        module.warn(warning)
    if module.params["on_missing"] == "warn":
        missing = [row for row in remaining_rows(planned, mask) if row["kind"] == "missing"]
        for row in missing[:MAX_SHOWN]:
            module.warn(describe(row))


def _write_rollback_file(module: Module, planned: Plan, secrets: Secrets) -> None:
    """Write the expectations that restore the current values. Raises `OptionError`."""
    file = module.params["backup"]
    expectations, lost = rollback_expectations(planned)
    heading = [
        f"Rollback file: the values before zapi.zapi.instance_converge changed them at {iso_8601(current_time())}",
        f"To roll back: ansible-playbook zapi.zapi.converge -e zapi_max_changes=100% -e expectations_file={shlex.quote(file)}",
        *(f"Not included, because no expectation can declare it: {attribute} of {identity}" for attribute, identity in lost),
    ]
    names = {one.record.instance["id"]: secrets.mask(one.record.instance["name"]) for one in planned.instances}
    write_file("backup", file, document(expectations, heading, names))
    if lost:
        more = f" and {len(lost) - MAX_SHOWN} more" if len(lost) > MAX_SHOWN else ""
        shown = ", ".join(f"{attribute} of {identity}" for attribute, identity in lost[:MAX_SHOWN])
        module.warn(f"the rollback file cannot contain {shown}{more}")


def _result(module: Module, planned: Plan, applied: Applied, mask: Mask, filters: t.Optional[Reason]) -> dict[str, t.Any]:
    changes = change_rows(planned, applied.outcomes, mask)
    remaining = remaining_rows(planned, mask)
    summary = plan_summary(planned, changes, remaining)
    would_change = module.check_mode and not planned.problem
    is_complete = not planned.problem and (module.check_mode or summary["changed"] == summary["to_change"])
    result: dict[str, t.Any] = {
        "changed": bool(changes) if would_change else any(one.may_have_taken_effect for one in applied.outcomes.values()),
        "changes": changes,
        "remaining": remaining,
        "summary": summary,
        "complete": is_complete,
        "failed": not is_complete,
    }
    problem = rows.mask_reason(applied.stopped, mask) if applied.stopped else None
    result["msg"] = plan_message(result, problem, unverified=planned.audit.unverified, planned_filters=filters)
    if module._diff:
        result["diff"] = plan_diff(changes)
    return result


if __name__ == "__main__":
    main()
