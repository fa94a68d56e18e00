#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_converge
short_description: Make webhooks and settings of Z-API instances what is declared
version_added: 0.2.0
author: zapi.zapi contributors (@zapi)
description:
  - Takes the very expectations that M(zapi.zapi.instance_audit) takes, and sets the webhooks and settings that differ from them, one
    call for each. What no call can set is left to people and is in RV(remaining). That is the connection, the payment, the days left, the
    hosts, V(webhooks.received_status), and all that the API did not tell.
  - B(It writes to your account.) Try it first with C(--check --diff), which returns the plan. A run does exactly that, if nothing
    changes in between.
  - The fleet is listed and compared in full before anything is set. Then one instance, the canary, is changed and read back. If it is
    not as it was set to be, no other one is touched. The others follow, O(concurrency) calls at once, and are read back as well.
  - An instance's first failure ends its turn, and the others go on. A refusal that holds for all of them (the C(Client-Token), this
    machine's address), or ten instances that fail in a row, stops everything. Running the task again goes on where it stopped.
  - Of a list of accepted URLs, the first is set where the instance has none of them. V(null) unsets a webhook.
  - Setting V(received_and_delivery) turns V(notify_sent_by_me) on at Z-API. Where that is declared false, or is false now and not
    declared, setting it back is part of the plan. One call sets both muted lists, so both have to be known.
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
      - The diff is shown also where the task fails.
options:
  expectations:
    description:
      - What the fleet has to be, as O(zapi.zapi.instance_audit#module:expectations) describes it.
      - At least one has to name something that can be set. A URL that would be set has to be HTTPS.
      - Needed, unless O(expectations_file) is given.
    type: raw
  expectations_file:
    description:
      - A file on the controller that holds them, as O(zapi.zapi.instance_audit#module:expectations_file) describes it.
    type: path
  only:
    description:
      - IDs and exact names. No other instance is looked at or changed.
      - It is an error where no instance bears one of them and no expectation names it.
    type: list
    elements: str
  max_changes:
    description:
      - How many instances may be changed. A number, or a percentage of the managed instances, which is never taken for less than ten
        of them. V(100%) says that all of them may.
      - Where more have to be, the task fails before anything is set, in check mode as well, with the plan in its result.
    type: str
    default: 25%
  on_missing:
    description:
      - What to do about expectations that name an instance which is not there, and about credentials that the server refuses.
      - With V(error), the task fails before anything is set.
    type: str
    choices:
      - error
      - warn
      - skip
    default: error
  verify:
    description:
      - Whether what was changed is read back. The canary is in any case.
    type: bool
    default: true
  backup:
    description:
      - A file to write before anything is set, where the module runs. Only its owner can read it. A relative path starts where the
        command was given. A file that is there is an error.
      - It holds expectations that restore what is about to be changed. Converging with it is the way back. The URLs in it have their
        secrets.
    type: path
  show_url_secrets:
    description:
      - Whether to show the user names, passwords, query values and random-looking parts of the path of webhook URLs instead of
        C(***).
    type: bool
    default: false
seealso:
  - module: zapi.zapi.instance_audit
  - module: zapi.zapi.instance_adopt
"""

EXAMPLES = r"""
- name: Post the messages of all instances to us
  zapi.zapi.instance_converge:
    expectations:
      - expect:
          webhooks:
            received: https://hooks.example.com/{id}/received
            received_and_delivery: https://hooks.example.com/{id}/received
          settings:
            notify_sent_by_me: true
            muted_webhooks: []

- name: Move the fleet to a new host, with a way back
  zapi.zapi.instance_converge:
    expectations_file: expectations.yml
    max_changes: 100%
    backup: before-the-move.yml

- name: Mend one instance
  zapi.zapi.instance_converge:
    expectations_file: expectations.yml
    only:
      - 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
"""

RETURN = r"""
msg:
  description:
    - The convergence in words. How many instances, what by attribute, the first ten failures, and what is left for people.
    - Where the fleet could not be compared, the reason.
  returned: always
  type: str
  sample: |-
    12 of 340 managed instances changed
    by attribute: webhooks.received 12, webhooks.received_and_delivery 9
changed:
  description:
    - Whether anything was set, or would be in check mode. True also where a call failed and nobody can know what became of it.
  returned: always
  type: bool
complete:
  description:
    - Whether all is set that can be, or may be in check mode. The task fails where it is not. For playbooks that decide on their own.
  returned: when the fleet was compared
  type: bool
  sample: true
changes:
  description:
    - What is to be set, and what became of it, in the API's order of instances, webhooks before settings.
  returned: when the fleet was compared
  type: list
  elements: dict
  contains:
    id:
      description: The instance's ID.
      returned: always
      type: str
    name:
      description: The instance's name.
      returned: always
      type: str
    attribute:
      description: What is set, such as V(webhooks.received) or V(settings.muted_webhooks).
      returned: always
      type: str
    before:
      description: What the instance had.
      returned: always
      type: raw
    after:
      description: What it is set to. C(*** (new\)) where the two differ in a secret only.
      returned: always
      type: raw
    expectation:
      description: The position of the expectation in the list, from 1.
      returned: always
      type: int
    expectation_name:
      description: The name of that expectation, null where it has none.
      returned: always
      type: str
    status:
      description: V(planned), V(changed), V(failed) or V(not_tried).
      returned: always
      type: str
    error:
      description: Why it failed, in one line, or null.
      returned: always
      type: str
    note:
      description: What is not plain to see, or null.
      returned: always
      type: str
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
remaining:
  description: What no call mends, as rows of RV(zapi.zapi.instance_audit#module:drift).
  returned: when the fleet was compared
  type: list
  elements: dict
  sample: []
summary:
  description: The convergence in numbers. All but C(remaining), which counts rows, count instances.
  returned: when the fleet was compared
  type: dict
  contains:
    instances:
      description: How many instances were looked at.
      returned: always
      type: int
    managed:
      description: How many of them an expectation matches.
      returned: always
      type: int
    in_sync:
      description: How many managed instances were as declared before.
      returned: always
      type: int
    to_change:
      description: How many have something that can be set and differs.
      returned: always
      type: int
    changed:
      description: How many of these are as they were to be.
      returned: always
      type: int
    failed:
      description: How many are not, since something failed.
      returned: always
      type: int
    not_tried:
      description: How many are not, since something was not tried.
      returned: always
      type: int
    remaining:
      description: How many rows RV(remaining) has.
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

import time
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._converge import converge
from ansible_collections.zapi.zapi.plugins.module_utils._diff import diffs_of_changes
from ansible_collections.zapi.zapi.plugins.module_utils._document import document
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, write_file
from ansible_collections.zapi.zapi.plugins.module_utils._module import EXPECTATIONS_ARGUMENTS, EXPECTATIONS_SOURCES, Module, run
from ansible_collections.zapi.zapi.plugins.module_utils._plan import Plan, limit_of, needs_settings, refuse_nothing_to_set, way_back
from ansible_collections.zapi.zapi.plugins.module_utils._timestamps import iso_8601
from ansible_collections.zapi.zapi.plugins.module_utils._wording import converged, describe, printable, warnings

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._api.listing import Instances
    from ansible_collections.zapi.zapi.plugins.module_utils._drift import Row
    from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet

_FIRST = 10


def main() -> None:
    module = Module(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            **EXPECTATIONS_ARGUMENTS,
            "max_changes": {"type": "str", "default": "25%"},
            "on_missing": {"type": "str", "choices": ["error", "warn", "skip"], "default": "error"},
            "verify": {"type": "bool", "default": True},
            "backup": {"type": "path"},
        },
        required_one_of=[EXPECTATIONS_SOURCES],
        mutually_exclusive=[EXPECTATIONS_SOURCES],
        supports_check_mode=True,
    )
    run(module, lambda fleet: _converge(module, fleet), module.params["show_url_secrets"])


def _converge(module: Module, fleet: Fleet) -> dict[str, t.Any]:
    params = module.params
    plan = _plan(module, fleet)
    audited = plan.audit.finish()
    missing = [row for row in audited["drift"] if row["kind"] == "missing"]
    if params["on_missing"] == "warn":
        for row in missing[:_FIRST]:
            module.warn(describe(row))
    summary = audited["summary"]
    problem = _problem(plan, summary, missing, params)
    if plan.turns and not problem and not module.check_mode:
        if params["backup"]:
            _back_up(module, plan)
        problem = converge(fleet, plan.turns, verify=params["verify"])
    return _result(module, plan, audited, problem)


def _plan(module: Module, fleet: Fleet) -> Plan:
    params, now = module.params, int(time.time() * 1000)
    expectations = Expectations(params["expectations"], now)
    if not fleet.tells_middleware:
        expectations.refuse_middleware()
    refuse_nothing_to_set(expectations)
    limit_of(params["max_changes"], 0)
    if params["backup"] is not None:
        check_writable("backup", params["backup"])

    def build(pages: Instances) -> Plan:
        plan = Plan(expectations, now, only=params["only"], show_url_secrets=params["show_url_secrets"])
        for page in pages:
            for instance in page:
                plan.add(instance)
        return plan

    plan = fleet.compare(build, only=params["only"], needs_settings=needs_settings(expectations))
    plan.audit.refuse(fleet.refused)
    plan.audit.refuse_unborne()
    for warning in warnings(expectations, plan.audit):
        module.warn(warning)
    plan.refuse_plain_urls()
    return plan


def _problem(plan: Plan, summary: t.Mapping[str, int], missing: list[Row], params: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """Return why nothing may be set, or None."""
    if summary["instances"] and not summary["managed"]:
        return f"no expectation matches any of the {summary['instances']} instances"
    if missing and params["on_missing"] == "error":
        more = f"; and {len(missing) - _FIRST} more" if len(missing) > _FIRST else ""
        told = "; ".join(map(describe, missing[:_FIRST]))
        return f"nothing was set, since on_missing is error: {told}{more}"
    limit = limit_of(params["max_changes"], summary["managed"])
    if len(plan.turns) > limit:
        return (
            f"nothing was set: {len(plan.turns)} instances would be changed, and max_changes ({params['max_changes']}) allows {limit}. "
            "Look at the plan (--check --diff); max_changes=100% allows all of them"
        )
    return None


def _back_up(module: Module, plan: Plan) -> None:
    items, lost = way_back(plan.turns)
    heading = [
        f"What instances had before zapi.zapi.instance_converge changed it, at {iso_8601(int(time.time() * 1000))}",
        "To go back: ansible-playbook zapi.zapi.converge -e zapi_max_changes=100% -e expectations_file=(this file)",
        *(f"Not in it, since no expectation can declare it: {one}" for one in lost),
    ]
    names = {turn.identity: next(turn.rows(show_url_secrets=False))["name"] for turn in plan.turns}
    write_file("backup", module.params["backup"], document(items, heading, names))
    if lost:
        more = " and more" if len(lost) > _FIRST else ""
        module.warn(printable(f"the backup cannot hold {', '.join(lost[:_FIRST])}{more}"))


def _result(module: Module, plan: Plan, audited: t.Mapping[str, t.Any], problem: t.Optional[str]) -> dict[str, t.Any]:
    turns, summary = plan.turns, audited["summary"]
    failed = sum(turn.has("failed") for turn in turns)
    not_tried = sum(turn.has("not_tried") and not turn.has("failed") for turn in turns)
    result: dict[str, t.Any] = {
        "changed": any(change.may_have_taken_effect for turn in turns for change in turn.changes),
        "changes": [row for turn in turns for row in turn.rows(module.params["show_url_secrets"])],
        "remaining": audited["drift"],
        "summary": {
            **{name: summary[name] for name in ("instances", "managed", "in_sync")},
            "to_change": len(turns),
            "changed": sum(all(change.status == "changed" for change in turn.changes) for turn in turns),
            "failed": failed,
            "not_tried": not_tried,
            "remaining": len(audited["drift"]),
        },
        "complete": not (problem or failed or not_tried),
    }
    result["failed"] = not result["complete"]
    if module.check_mode and not problem:
        result["changed"] = bool(turns)
    result["msg"] = converged(result, problem)
    if module._diff:
        result["diff"] = diffs_of_changes(result["changes"])
    return result


if __name__ == "__main__":
    main()
