#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: List Z-API instances
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Returns the instances (connected WhatsApp numbers) of a Z-API account, or those that O(credentials) names; all of them, or those
    of an ID or a name.
  - Nothing found is an empty list, not an error.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  diff_mode:
    description: Returns details on what differs, in diff mode.
    support: N/A
    details:
      - There is nothing to compare.
options:
  id:
    description:
      - Returns only the instance with exactly this ID.
      - The server is asked to narrow the listing. Where that finds nothing, or fails, everything is listed once. With O(credentials),
        only this instance is asked.
    type: str
  name:
    description:
      - Returns only the instances with exactly this name. Names are not unique.
      - They are looked for in the whole listing, unless O(query) narrows it.
    type: str
  include_token:
    description:
      - Whether to return the token of each instance, as RV(instances[].token).
      - Whoever has this token can send messages as that number. Set C(no_log) on tasks that use it.
    type: bool
    default: false
  include_settings:
    description:
      - Whether to ask each instance by itself for the settings that the listing did not tell, which takes a call for each of them.
      - With O(credentials) they are told in any case.
    type: bool
    default: false
seealso:
  - module: zapi.zapi.instance_audit
  - plugin: zapi.zapi.instances
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: List the whole fleet
  zapi.zapi.instance_info:
  register: fleet

- name: Show how many instances there are
  ansible.builtin.debug:
    msg: "{{ fleet.total }} instances"

- name: Show the instances that are not connected
  ansible.builtin.debug:
    msg: "{{ fleet.instances | rejectattr('whatsapp_connected') | map(attribute='name') }}"

- name: Show the instances whose two receive webhooks differ
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.webhooks.received }} but {{ item.webhooks.received_and_delivery }}"
  loop: "{{ fleet.instances }}"
  loop_control:
    label: "{{ item.id }}"
  when: item.webhooks.received != item.webhooks.received_and_delivery

- name: Find one instance by its name
  zapi.zapi.instance_info:
    name: Padaria Central

- name: List the mobile instances, asking for more of them at once
  zapi.zapi.instance_info:
    middleware: mobile
    page_size: 200

- name: Get the token of one instance
  zapi.zapi.instance_info:
    id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
    include_token: true
  register: with_token
  no_log: true
"""

RETURN = r"""
instances:
  description: The instances, in the API's order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The instance's ID.
      returned: success
      type: str
    name:
      description: The name that the customer chose. May be empty, and is not unique.
      returned: success
      type: str
    middleware:
      description: V(web) or V(mobile), or null.
      returned: success
      type: str
    tenant:
      description: The account, or null.
      returned: success
      type: str
    payment_status:
      description: The billing state, such as V(PAID) or V(TRIAL), or null.
      returned: success
      type: str
    created:
      description: When the instance was created, as ISO 8601 in UTC; null where the API names no possible date.
      returned: success
      type: str
    due:
      description: Until when the instance is paid, as ISO 8601 in UTC; null where the API names no possible date.
      returned: success
      type: str
    due_timestamp:
      description: The same in milliseconds since the epoch, or null.
      returned: success
      type: int
    phone_connected:
      description: Whether the phone is online; null if unknown.
      returned: success
      type: bool
    whatsapp_connected:
      description: Whether the session with WhatsApp is up; null if unknown.
      returned: success
      type: bool
    webhooks:
      description:
        - The URL that each event is posted to, or null where it is unset.
        - Always has the keys V(received), V(received_and_delivery), V(delivery), V(message_status), V(presence_chat),
          V(connected), V(disconnected) and V(received_status). Further callback URLs of the API add their own keys.
      returned: success
      type: dict
    settings:
      description:
        - How the instance treats messages and calls, and what it does not deliver. Null where the API did not tell.
        - Always has the keys V(notify_sent_by_me), V(auto_read_message), V(auto_read_status), V(call_reject_auto),
          V(call_reject_message), V(muted_webhooks) and V(muted_messages). What stands in the two last ones is B(not) delivered.
        - A partner's listing may not tell them, see O(include_settings).
      returned: success
      type: dict
    unknown:
      description:
        - What the API's answer did not hold at all, such as V(settings.auto_read_message) or V(webhooks.received_and_delivery). Its
          value is null, which is not the same as unset.
      returned: success
      type: list
      elements: str
    token:
      description: The instance's token.
      returned: with O(include_token=true)
      type: str
  sample:
    - id: 3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F
      name: Padaria Central
      middleware: web
      tenant: acme
      payment_status: PAID
      created: "2025-02-03T14:00:00Z"
      due: "2026-12-31T23:59:59Z"
      due_timestamp: 1798761599000
      phone_connected: true
      whatsapp_connected: true
      webhooks:
        received: https://hooks.example.com/3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F/received
        received_and_delivery: https://hooks.example.com/3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F/received
        delivery:
        message_status:
        presence_chat:
        connected:
        disconnected:
        received_status:
      settings:
        notify_sent_by_me: true
        auto_read_message: false
        auto_read_status: false
        call_reject_auto: false
        call_reject_message:
        muted_webhooks: []
        muted_messages: [group]
      unknown: []
total:
  description: How many instances are returned.
  returned: success
  type: int
  sample: 1
"""

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._instance import show
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, run

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet


def main() -> None:
    module = Module(
        argument_spec={
            **CONNECTION_ARGUMENTS,
            "id": {"type": "str"},
            "name": {"type": "str"},
            "include_token": {"type": "bool", "default": False, "no_log": False},
            "include_settings": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )

    def find(fleet: Fleet) -> dict[str, t.Any]:
        params = module.params
        found = fleet.find(identity=params["id"], name=params["name"], settings=params["include_settings"])
        instances = [show(instance, params["include_token"]) for instance in found]
        return {"instances": instances, "total": len(instances)}

    run(module, find)


if __name__ == "__main__":
    main()
