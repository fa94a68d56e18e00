#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_audit
short_description: Assert that Z-API instances are as declared
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Compares a fleet of Z-API instances with declared expectations, and fails if they differ. The fleet is all instances of an
    account, or the instances of O(credentials).
  - The listing is complete, or the task fails. Mistakes in the expectations are errors before any request. Up to five of them are
    reported at once.
  - If no expectation matches any instance, the task fails, even with O(fail_on_drift=false). An empty fleet causes a warning.
  - Secrets in webhook URLs are masked in everything that the task returns or prints.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  diff_mode:
    description: Returns details on what differs, in diff mode.
    support: full
    details:
      - The diff shows actual values (C(-)) and expected values (C(+)).
options:
  expectations:
    description:
      - 'A list of expectations. This one applies to all instances:
        C({expect: {whatsapp_connected: true, payment_status: [PAID, TRIAL], webhook_hosts: [hooks.example.com]}}).'
      - 'This one declares the webhooks of some instances:
        C({match: {name: "shop-*"}, expect: {webhooks: {received: "https://hooks.example.com/{id}/received", presence_chat: null}}}).'
      - 'This one excepts an instance for some time:
        C({match: {id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F}, ignore: [whatsapp_connected], until: 2027-03-01}).'
      - For each attribute, and for each webhook and setting, the last expectation that matches an instance counts.
      - A value that the API did not return is unknown. It equals nothing, not even null.
      - An ID or exact name that no instance has is drift (RV(drift[].kind=missing)). An expectation or a pattern that matches no
        instance for another reason causes a warning with the nearest name that exists.
      - Names are compared in Unicode's composed form (NFC), so it does not matter how a keyboard writes accents.
      - Required, unless you set O(expectations_file).
    type: raw
    suboptions:
      match:
        description:
          - Selects instances. All of its conditions must hold. Each of them is one value or a list of values, any of which matches.
            Without it, the expectation applies to all instances.
        type: dict
        suboptions:
          id:
            description: Exact IDs.
            type: raw
          name:
            description: Exact names, or shell patterns with V(*), V(?), or brackets. C([[]) is a literal C([).
            type: raw
          middleware:
            description: Exact types of instances, such as V(web).
            type: raw
      expect:
        description: The declared values, at least one. Required, unless C(ignore) is set.
        type: dict
        suboptions:
          whatsapp_connected:
            description: Whether the instance is connected to WhatsApp. An unknown state is neither true nor false.
            type: bool
          phone_connected:
            description: Whether the phone is online. An unknown state is neither true nor false.
            type: bool
          payment_status:
            description: The billing state, such as V(PAID) or V(TRIAL), or a list of accepted states.
            type: raw
          middleware:
            description: The type of the instance, or a list of accepted types.
            type: raw
          days_left:
            description: The minimum number of days until the due date.
            type: int
          phone_number:
            description:
              - The number that the instance is paired with. It contains only digits and includes the country code. Only instances
                whose expectations declare it are asked for it.
            type: str
          webhooks:
            description:
              - Maps events to a URL, a list of accepted URLs, or null (unset). The events are V(received), V(received_and_delivery),
                V(delivery), V(message_status), V(presence_chat), V(connected), V(disconnected), and V(received_status).
              - In a URL, C({id}) and C({name}) stand for the ID and the name of the instance, percent-encoded. C({name}) cannot be
                part of the host. C({any}) stands for any path segment or query value. Other braces are errors.
              - A webhook that is declared with a URL must also work. If the API returned that it is muted, it has drifted, unless
                C(settings) declares it in C(muted_webhooks). V(received_and_delivery) is muted together with
                V(received).
            type: dict
          webhook_hosts:
            description:
              - A list of hosts, such as V(hooks.example.com), V(*.example.com), or V(hooks.example.com:8443). No webhook of any kind
                may post to another host, even if it has no expectation of its own.
            type: raw
          settings:
            description:
              - Maps settings to values. If a setting is not in the listing, the instance is asked for it.
              - V(notify_sent_by_me), V(auto_read_message), V(auto_read_status), and V(call_reject_auto) are booleans.
                V(call_reject_message) is a text, or null for none.
              - V(muted_webhooks) and V(muted_messages) are lists of what is B(not) delivered. The order does not matter, and a list
                can be empty. The former takes V(received), V(delivery), V(connected), V(disconnected), V(presence_chat), and
                V(message_status). The latter takes V(group), V(private_chat), V(text), V(image), V(video), V(audio), and V(document).
            type: dict
      ignore:
        description:
          - Attributes that earlier expectations declare and that these instances need not meet, such as V(whatsapp_connected) or
            V(webhooks.received). V(webhooks) stands for all webhooks, V(settings) for all settings.
        type: raw
      until:
        description: The last day, in UTC, on which the expectation counts. After it, the expectation has no effect and causes a warning.
        type: str
      name:
        description: A text of one line, which messages and rows use.
        type: str
  expectations_file:
    description:
      - A YAML file on the controller that contains the list, either as C(expectations) or as the whole document. A relative path
        starts in the working directory of the command.
      - It is read like a file of variables, see M(ansible.builtin.include_vars). It can be encrypted with C(ansible-vault) as a
        whole, or contain encrypted values and templates, which can use the file's other keys.
    type: path
  only:
    description:
      - IDs and exact names. Only these instances are audited, and only these can be missing.
      - If no instance has an ID or name, and no expectation names it, the task fails with the nearest name that exists.
      - If all of them are IDs, at most ten, the server narrows the listing.
    type: list
    elements: str
  unmanaged:
    description:
      - What to do about instances that no expectation matches.
      - V(ignore) only counts them. V(report) adds rows to RV(drift) without changing RV(in_sync). V(drift) counts them as drift.
    type: str
    choices:
      - ignore
      - report
      - drift
    default: ignore
  fail_on_drift:
    description:
      - Whether the task fails if RV(in_sync) is false.
    type: bool
    default: true
  strict:
    description:
      - Whether warnings make RV(in_sync) false. These are expectations and patterns that match no instance, expectations that ended,
        unknown mute filters, and an empty fleet.
    type: bool
    default: false
  validate_only:
    description:
      - Whether to only check the expectations. No request is sent and no token is needed. The task returns RV(declared), or fails as
        the audit would.
      - It also refuses URLs that the C(webhook_hosts) of the same expectation forbid.
    type: bool
    default: false
  show_url_secrets:
    description:
      - Whether to show user names, passwords, query values, and random-looking path segments of webhook URLs instead of C(***).
    type: bool
    default: false
seealso:
  - module: zapi.zapi.instance_converge
  - module: zapi.zapi.instance_info
  - plugin: zapi.zapi.drift
    plugin_type: filter
  - plugin: zapi.zapi.compliant
    plugin_type: test
"""

EXAMPLES = r"""
- name: Assert that all instances are connected, paid for, and post to our host
  zapi.zapi.instance_audit:
    expectations:
      - expect:
          whatsapp_connected: true
          payment_status: [PAID, TRIAL]
          webhooks:
            received: https://hooks.example.com/{id}/received
            received_and_delivery: https://hooks.example.com/{id}/received
            presence_chat: null

- name: Audit with exceptions, without failing
  zapi.zapi.instance_audit:
    expectations:
      - expect:
          whatsapp_connected: true
          payment_status: [PAID, TRIAL]
      - match:
          name: ["Loja *", "Padaria *"]
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

- name: Show how much of the fleet is in sync
  ansible.builtin.debug:
    msg: "{{ audit.summary.compliance }} % of {{ audit.summary.managed }} instances"

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

- name: Check a file of expectations without a request
  zapi.zapi.instance_audit:
    expectations_file: expectations.yml
    validate_only: true
"""

RETURN = r"""
msg:
  description:
    - The result as text. It has the counts, the attributes that differ (the most frequent first), the missing instances, and the rows
      of the first ten instances.
    - If the fleet could not be compared, the reason. With O(validate_only=true), what the expectations declare.
  returned: always
  type: str
  sample: |-
    1 of 340 managed instances drifted (compliance 99.7 %)
    by attribute: whatsapp_connected 1
    - "Padaria Central" (3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F): whatsapp_connected is false, expected true (expectation 1)
reason:
  description: The same reason as in C(msg) for programs, a mapping with C(code) and C(values).
  returned: if the fleet could not be compared
  type: dict
  sample:
    code: timeout
    values: {request: GET /instances, server: "api.z-api.io:443", seconds: 30.0, attempts: 4}
declared:
  description: What the expectations declare.
  returned: with O(validate_only=true)
  type: dict
  contains:
    expectations:
      description: The number of expectations.
      returned: always
      type: int
    attributes:
      description: The attributes that they declare.
      returned: always
      type: list
      elements: str
    instances_named:
      description: The number of instances that they name by ID or exact name.
      returned: always
      type: int
  sample:
    expectations: 7
    attributes: [webhooks, webhook_hosts]
    instances_named: 4
audited_at:
  description: When the audit began, in ISO 8601 and UTC. C(days_left) and C(until) are relative to it.
  returned: when the fleet was compared
  type: str
  sample: "2026-12-31T02:00:00Z"
in_sync:
  description: Whether there is no drift. It is also false if no expectation matches any instance, and for warnings with O(strict=true).
  returned: when the fleet was compared
  type: bool
  sample: false
drift:
  description: The differences, in the API's order of instances, then by attribute. Missing instances come last.
  returned: when the fleet was compared
  type: list
  elements: dict
  contains:
    kind:
      description: V(mismatch), V(missing), or V(unmanaged).
      returned: always
      type: str
    id:
      description: The ID of the instance. Null for a missing instance that was named by its name.
      returned: always
      type: str
    name:
      description: The name of the instance. Null for a missing instance that was named by its ID.
      returned: always
      type: str
    attribute:
      description:
        - The attribute that differs, such as V(whatsapp_connected), V(webhooks.received), V(settings.muted_webhooks), or
          V(webhook_hosts). Null for missing and unmanaged instances.
      returned: always
      type: str
    expected:
      description: The declared value, with placeholders filled in.
      returned: always
      type: raw
    actual:
      description: The value that the instance has. For V(webhook_hosts), a list of the hosts that are not declared.
      returned: always
      type: raw
    expectation:
      description:
        - The position of the expectation in the list, from 1. Null for unmanaged instances, and for rejected O(credentials) that no
          expectation names.
      returned: always
      type: int
    expectation_name:
      description: The name of that expectation, or null.
      returned: always
      type: str
    note:
      description:
        - An explanation, or null. For example that the API did not return the value, that a webhook is muted, which webhooks post to
          a foreign host, or why an instance is disconnected.
      returned: always
      type: str
    reason:
      description: The same explanation for programs, a mapping with C(code) and C(values), or null.
      returned: always
      type: dict
  sample:
    - kind: mismatch
      id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
      name: Padaria Central
      attribute: webhook_hosts
      expected: [hooks.example.com]
      actual: [old.example.net]
      expectation: 1
      expectation_name:
      note: posted to by received, delivery
      reason:
        code: foreign_hosts
        values:
          webhooks: [received, delivery]
scope:
  description:
    - The IDs and names that were looked at. M(zapi.zapi.audit_report) keeps what an earlier audit found about the others.
  returned: if O(only), O(query), or O(middleware) narrows the audit
  type: list
  elements: str
  sample: [3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F, Padaria Central]
summary:
  description: The counts.
  returned: when the fleet was compared
  type: dict
  contains:
    instances:
      description: The number of instances that were audited, the whole fleet or those of O(only).
      returned: always
      type: int
    managed:
      description: The number of instances that an expectation matches.
      returned: always
      type: int
    unmanaged:
      description: The number of instances that no expectation matches.
      returned: always
      type: int
    in_sync:
      description: The number of managed instances that are as declared.
      returned: always
      type: int
    drifted:
      description: The number of managed instances that are not.
      returned: always
      type: int
    missing:
      description: The number of IDs and names in expectations that no instance has, and of other credentials that the server rejected.
      returned: always
      type: int
    mismatches:
      description: The number of instances that differ, by attribute.
      returned: always
      type: dict
    compliance:
      description: The percentage of managed and missing instances that are in sync, to one decimal. It is 100.0 only if all are.
      returned: always
      type: float
    unverified:
      description:
        - The number of instances with a declared URL whose mute filters are unknown, because the listing did not return them.
        - Expect V(settings.muted_webhooks) to check them.
      returned: always
      type: int
    warnings:
      description: The number of findings that O(strict=true) counts as drift.
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
    warnings: 0
"""

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._audit import (
    UNMANAGED_CHOICES,
    audit,
    refuse_unknown_terms,
    select,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import check_terms
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, current_time, refuse_forbidden_urls
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._report.diff import audit_diff
from ansible_collections.zapi.zapi.plugins.module_utils._report.messages import audit_message, validation_message, warning_texts
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask


def main() -> None:
    module = Module.with_expectations(
        {
            "unmanaged": {"type": "str", "choices": list(UNMANAGED_CHOICES), "default": "ignore"},
            "fail_on_drift": {"type": "bool", "default": True},
            "strict": {"type": "bool", "default": False},
            "validate_only": {"type": "bool", "default": False},
        }
    )
    try:
        result = _validate(module) if module.params["validate_only"] else _audit(module)
    except ZapiError as error:
        result = module.failure(error)
    module.end(result)


def _validate(module: Module) -> dict[str, t.Any]:
    expectations = Expectations(module.params["expectations"], current_time())
    refuse_forbidden_urls(expectations)
    for warning in warning_texts(expectations.warnings, module.mask()):
        module.warn(warning)
    declared = expectations.summary()
    return {"msg": validation_message(declared), "declared": declared}


def _audit(module: Module) -> dict[str, t.Any]:
    params, only = module.params, module.params["only"]
    now = current_time()
    expectations = Expectations(params["expectations"], now)
    check_terms(only)
    with Fleet(module.connection()) as fleet:
        if not fleet.has_middleware:
            expectations.refuse_middleware()
        listing = fleet.list(only=only)
        selected = listing.records if only is None else select(listing.records, only)[0]
        records = fleet.complete(listing.records, expectations.unknown_calls(selected))
        mask = Mask(fleet.secrets(records), params["show_url_secrets"])
        scope = rows.scope(selected, mask, only, is_narrowed=fleet.is_narrowed)
    audited = audit(
        records, expectations, now, only=only, unmanaged=params["unmanaged"], strict=params["strict"], rejected=listing.rejected
    )
    refuse_unknown_terms(audited, mask.secrets)
    warnings = warning_texts(audited.warnings, mask)
    result = {**rows.audit(audited, mask), **scope}
    result["msg"] = audit_message(result, warnings if params["strict"] else ())
    for warning in () if params["strict"] else warnings:
        module.warn(warning)
    if module._diff:
        result["diff"] = audit_diff(result["drift"])
    result["failed"] = audited.asserts_nothing or (params["fail_on_drift"] and not audited.in_sync)
    return result


if __name__ == "__main__":
    main()
