#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_audit
short_description: Assert that all Z-API instances are as declared
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Compares a whole fleet of Z-API instances with declared expectations, and fails where they differ. The fleet is all instances of
    an account, or those that O(credentials) names.
  - The listing is complete, or the audit fails saying why. Every mistake in the expectations is refused before anything is
    compared. Up to five are told at once.
  - An audit of nothing is no audit. Where no expectation matches any of the instances, the task fails, whatever
    O(fail_on_drift) says. An empty fleet is warned of.
  - Secrets in the webhook URLs of the expectations and of the fleet are masked in whatever the task returns or prints.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  diff_mode:
    description: Returns details on what differs, in diff mode.
    support: full
    details:
      - Before is what the instance is, after is what it is expected to be.
options:
  expectations:
    description:
      - A list of expectations, each a dictionary with C(expect) or C(ignore), or both, and with C(match) unless every instance is
        meant.
      - C(match) holds conditions, which all have to hold. V(id) is exact. V(name) is exact, or a shell pattern with V(*), V(?) or
        brackets (write C([[]) for a literal C([)). V(middleware) is exact.
      - C(expect) says what these instances have to be, with at least one of the following keys.
      - V(whatsapp_connected) and V(phone_connected) are booleans. An unknown state is neither.
      - V(middleware) and V(payment_status) are one value, or a list of accepted ones.
      - V(days_left) is the least number of days until the instance is due.
      - V(webhooks) maps events (such as V(received)) to a URL, to a list of accepted URLs, or to null, for unset. In a URL, C({id})
        and C({name}) stand for the instance's own, percent-encoded. Any other brace is an error.
      - A declared URL is a webhook that works. Where the API told that it is muted, it is drift, unless V(settings) declares that
        V(muted_webhooks) holds it. V(received_and_delivery) is muted with V(received).
      - V(webhook_hosts) is a list of hosts, such as V(hooks.example.com), V(*.example.com) or V(hooks.example.com:8443). No webhook
        of any kind may post anywhere else, also none that has no other expectation.
      - V(settings) maps settings to what they have to be. V(notify_sent_by_me), V(auto_read_message), V(auto_read_status) and
        V(call_reject_auto) are booleans, V(call_reject_message) is a text, or null for none.
      - V(muted_webhooks) and V(muted_messages), also under V(settings), are lists of what is B(not) delivered, and may be empty. The
        first one holds V(received), V(delivery), V(connected), V(disconnected), V(presence_chat) or V(message_status), the second one
        V(group), V(private_chat), V(text), V(image), V(video), V(audio) or V(document). They are compared as sets.
      - Where a setting is expected of an instance and the listing did not tell it, the instance is asked by itself.
      - What is unknown equals nothing, not even null.
      - C(ignore) is a list of attributes that earlier expectations declare and that are not asked of these instances, such as
        V(whatsapp_connected) or V(webhooks.received); V(webhooks) means all webhooks, V(settings) all
        settings. A later expectation may ask again.
      - C(until) is a date, such as V(2027-03-01), the last day (in UTC) on which the expectation counts. After it the expectation is
        as if it were not there, and a warning says so.
      - C(name) is a text of one line. Messages and rows name the expectation by it as well.
      - Expectations merge in order. For each attribute, and for each single webhook or setting, the last expectation that matches an
        instance counts.
      - An expectation that names an ID, or a name that is no pattern, which no instance has, is itself drift. A warning tells of one
        that matches no instance for another reason, with the nearest name that is there.
      - Names are compared in Unicode's composed form (NFC), so that an accent is the same accent on every keyboard.
      - Needed, unless O(expectations_file) is given.
    type: raw
  expectations_file:
    description:
      - A file on the controller that holds the list as C(expectations), or is the list. A relative path starts where the command
        was given.
      - It is read as a file of variables is. M(ansible.builtin.include_vars) says how. It may be encrypted as a whole, or have
        encrypted values and templates, which may also use its other keys.
    type: path
  only:
    description:
      - IDs and exact names. No other instance is looked at, and no expectation is missing an instance because of that.
      - It is an error where no instance bears one of them and no expectation names it.
      - Where all of them are IDs, the server is asked for these instances alone, in a listing for ten of them at most.
    type: list
    elements: str
  unmanaged:
    description:
      - What to do about instances that no expectation matches.
      - With V(ignore) they are only counted, with V(report) they have a row in RV(drift) but do not spoil RV(in_sync), with V(drift)
        they are drift.
    type: str
    choices:
      - ignore
      - report
      - drift
    default: ignore
  fail_on_drift:
    description:
      - Whether the task fails on drift.
    type: bool
    default: true
  validate_only:
    description:
      - Whether to check the expectations and nothing else. No server is asked, no token is needed, and the task says what they
        declare, or fails as the audit would.
    type: bool
    default: false
    version_added: 0.2.0
  show_url_secrets:
    description:
      - Whether to show the user names, passwords, query values and random-looking parts of the path of webhook URLs instead of
        C(***).
    type: bool
    default: false
seealso:
  - module: zapi.zapi.instance_info
  - plugin: zapi.zapi.drift
    plugin_type: filter
  - plugin: zapi.zapi.compliant
    plugin_type: test
"""

EXAMPLES = r"""
- name: Assert that the whole fleet posts its messages to us, is connected, and is paid for
  zapi.zapi.instance_audit:
    expectations:
      - expect:
          whatsapp_connected: true
          payment_status: [PAID, TRIAL]
          days_left: 5
          webhooks:
            received: https://hooks.example.com/{id}/received
            received_and_delivery: https://hooks.example.com/{id}/received
            presence_chat: null

- name: Audit with exceptions, without failing
  zapi.zapi.instance_audit:
    expectations:
      - expect:
          whatsapp_connected: true
      - match:
          name: "Loja *"
          middleware: web
        expect:
          payment_status: PAID
      - name: Closed for the holidays
        match:
          id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
        ignore: [whatsapp_connected]
        until: 2099-03-01
    unmanaged: report
    fail_on_drift: false
  register: audit

- name: Assert that no webhook of one instance posts to a foreign host
  zapi.zapi.instance_audit:
    expectations:
      - expect:
          webhook_hosts: [hooks.example.com, "*.example.org"]
    only:
      - 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F

- name: Assert that nothing is muted, without a partner token
  zapi.zapi.instance_audit:
    credentials:
      - id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
        token: "{{ token_of_padaria_central }}"
    expectations:
      - expect:
          settings:
            notify_sent_by_me: true
            muted_webhooks: []
            muted_messages: []

- name: Check that a file of expectations has no mistake
  zapi.zapi.instance_audit:
    expectations_file: expectations.yml
    validate_only: true

- name: Show how much of the fleet is in sync
  ansible.builtin.debug:
    msg: "{{ audit.summary.compliance }} % of {{ audit.summary.managed }} instances"
"""

RETURN = r"""
msg:
  description:
    - The audit in words. How many of how many, on drift also what drifted, the most frequent attribute first, then the first ten
      missing instances and the first ten other rows.
    - Where the fleet could not be compared, the reason. With O(validate_only=true), what the expectations declare.
  returned: always
  type: str
  sample: |-
    1 of 340 managed instances drifted (compliance 99.7 %)
    by attribute: whatsapp_connected 1
    - "Padaria Central" (3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F): whatsapp_connected is false, expected true (expectation 1)
declared:
  description: What the expectations declare, in numbers.
  returned: with O(validate_only=true)
  type: dict
  contains:
    expectations:
      description: How many expectations there are.
      returned: always
      type: int
    attributes:
      description: Which attributes they declare.
      returned: always
      type: list
      elements: str
    instances_named:
      description: How many instances they name, by ID or by exact name.
      returned: always
      type: int
  sample:
    expectations: 7
    attributes: [webhooks, webhook_hosts]
    instances_named: 4
audited_at:
  description: When the audit began, as ISO 8601 in UTC. Days left and ends of expectations are counted from it.
  returned: when the fleet was compared
  type: str
  sample: "2026-12-31T02:00:00Z"
in_sync:
  description: Whether there is no drift. False as well where no expectation matches any of the instances.
  returned: when the fleet was compared
  type: bool
  sample: false
drift:
  description: What is not as declared, in the API's order of instances, then by attribute; missing instances come last.
  returned: when the fleet was compared
  type: list
  elements: dict
  contains:
    kind:
      description: V(mismatch), V(missing) or V(unmanaged).
      returned: always
      type: str
    id:
      description: The instance's ID. Null where an instance is missing of which only the name is known.
      returned: always
      type: str
    name:
      description: The instance's name. Null where an instance is missing of which only the ID is known.
      returned: always
      type: str
    attribute:
      description:
        - What differs, such as V(whatsapp_connected), V(webhooks.received), V(settings.muted_webhooks) or V(webhook_hosts). Null for
          missing and unmanaged instances.
      returned: always
      type: str
    expected:
      description: What was declared, with placeholders filled in.
      returned: always
      type: raw
    actual:
      description: What the instance has. For V(webhook_hosts), a list of the hosts that were not declared.
      returned: always
      type: raw
    expectation:
      description:
        - The position of the expectation in the list, from 1. Null for unmanaged instances, and for a refused credential
          of O(credentials) that no expectation names.
      returned: always
      type: int
    expectation_name:
      description: The name of that expectation, null where it has none.
      returned: always
      type: str
    note:
      description:
        - What is not plain to see, or null. That the two sides differ in a masked part only, or in upper and lower case only, that
          the API did not tell the value, that a webhook is muted, which webhooks post to a foreign host, or why the server refused a
          credential.
      returned: always
      type: str
  sample:
    - kind: mismatch
      id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
      name: Padaria Central
      attribute: webhooks.received
      expected: https://hooks.example.com/3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F/received
      actual: https://old.example.net/hook?key=***
      expectation: 1
      expectation_name:
      note:
summary:
  description: The audit in numbers.
  returned: when the fleet was compared
  type: dict
  contains:
    instances:
      description: How many instances were looked at, the whole fleet or those of O(only).
      returned: always
      type: int
    managed:
      description: How many of them an expectation matches.
      returned: always
      type: int
    unmanaged:
      description: How many of them none matches.
      returned: always
      type: int
    in_sync:
      description: How many managed instances are as declared.
      returned: always
      type: int
    drifted:
      description: How many managed instances are not.
      returned: always
      type: int
    missing:
      description: How many expectations name an instance that does not exist, and how many other credentials the server refused.
      returned: always
      type: int
    mismatches:
      description: How many instances differ, by attribute.
      returned: always
      type: dict
    compliance:
      description:
        - The percentage of managed and missing instances that are in sync, to one decimal.
        - It is 100.0 only if all of them are, or if there are none.
      returned: always
      type: float
    unverified:
      description:
        - How many instances have a declared URL, and nobody knows whether its webhook is muted, since the API did not tell.
        - Expect V(settings.muted_webhooks) of them, and they are asked.
      returned: always
      type: int
  sample:
    instances: 340
    managed: 338
    unmanaged: 2
    in_sync: 326
    drifted: 12
    missing: 1
    mismatches:
      webhooks.received_and_delivery: 9
      whatsapp_connected: 4
    compliance: 96.2
    unverified: 0
"""

import time
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._diff import diffs
from ansible_collections.zapi.zapi.plugins.module_utils._drift import UNMANAGED_CHOICES, Audit
from ansible_collections.zapi.zapi.plugins.module_utils._expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._module import (
    EXPECTATIONS_ARGUMENTS,
    EXPECTATIONS_SOURCES,
    Module,
    run,
    run_offline,
)
from ansible_collections.zapi.zapi.plugins.module_utils._wording import message, printable, summary, warnings

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._api.listing import Instances
    from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet


def main() -> None:
    module = Module(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            **EXPECTATIONS_ARGUMENTS,
            "unmanaged": {"type": "str", "choices": list(UNMANAGED_CHOICES), "default": "ignore"},
            "fail_on_drift": {"type": "bool", "default": True},
            "validate_only": {"type": "bool", "default": False},
        },
        required_one_of=[EXPECTATIONS_SOURCES],
        mutually_exclusive=[EXPECTATIONS_SOURCES],
        supports_check_mode=True,
    )
    show_url_secrets = module.params["show_url_secrets"]
    if module.params["validate_only"]:
        run_offline(module, lambda: _validate(module), show_url_secrets)
    run(module, lambda fleet: _audit(module, fleet), show_url_secrets)


def _validate(module: Module) -> dict[str, t.Any]:
    expectations = Expectations(module.params["expectations"], _now())
    for warning in expectations.warnings:
        module.warn(printable(warning))
    declared = expectations.summary()
    return {"msg": summary(declared), "declared": declared}


def _audit(module: Module, fleet: Fleet) -> dict[str, t.Any]:
    params, now = module.params, _now()
    expectations = Expectations(params["expectations"], now)
    if not fleet.tells_middleware:
        expectations.refuse_middleware()
    only = params["only"]

    def compare(pages: Instances) -> Audit:
        audit = Audit(expectations, now, unmanaged=params["unmanaged"], only=only, show_url_secrets=params["show_url_secrets"])
        for page in pages:
            for instance in page:
                audit.add(instance)
        return audit

    needs_settings = expectations.needs_settings if expectations.names_settings else None
    audit = fleet.compare(compare, only=only, needs_settings=needs_settings)
    audit.refuse(fleet.refused)
    audit.refuse_unborne()
    for warning in warnings(expectations, audit):
        module.warn(warning)
    result = audit.finish()
    result["msg"] = message(result)
    if module._diff:
        result["diff"] = diffs(result["drift"])
    nothing_asserted = result["summary"]["instances"] and not result["summary"]["managed"]
    result["failed"] = not result["in_sync"] and (params["fail_on_drift"] or bool(nothing_asserted))
    return result


def _now() -> int:
    return int(time.time() * 1000)


if __name__ == "__main__":
    main()
