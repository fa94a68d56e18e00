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
  - Returns the instances (connected WhatsApp numbers) of a Z-API account, or the instances of O(credentials).
  - If no instance has the O(id) or O(name), the list is empty, and the task succeeds.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.modules
attributes:
  diff_mode:
    description: Returns details on what differs, in diff mode.
    support: N/A
    details:
      - This module compares nothing.
options:
  id:
    description:
      - Return only the instance with exactly this ID.
      - The server narrows the listing. If it finds nothing, the module lists the whole fleet once. With O(credentials), only this
        instance is read.
    type: str
  name:
    description:
      - Return only the instances with exactly this name. Names are not unique.
      - The module searches the whole listing, unless you narrow it with O(query).
    type: str
  include_token:
    description:
      - Whether to return the token of each instance, as RV(instances[].token).
      - This token authorizes sending messages as that number. Set C(no_log) on tasks that use it.
    type: bool
    default: false
  include_settings:
    description:
      - Whether to ask each instance for settings that the listing did not return. This takes one request for each of these
        instances.
      - With O(credentials), settings are always returned.
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
    msg: "{{ item.name }}: {{ item.webhooks.received }} and {{ item.webhooks.received_and_delivery }}"
  loop: "{{ fleet.instances }}"
  loop_control:
    label: "{{ item.id }}"
  when: item.webhooks.received != item.webhooks.received_and_delivery

- name: Find one instance by its name
  zapi.zapi.instance_info:
    name: Padaria Central

- name: List the mobile instances with larger pages
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
reason:
  description: The same reason as in C(msg) for programs, a mapping with C(code) and C(values).
  returned: if the fleet could not be listed
  type: dict
  sample:
    code: timeout
    values: {request: GET /instances, server: "api.z-api.io:443", seconds: 30.0, attempts: 4}
instances:
  description: The instances, in the API's order.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the instance.
      returned: success
      type: str
    name:
      description: The name that the customer chose. It may be empty, and it is not unique.
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
      description: When the instance was created, in ISO 8601 and UTC. Null if the API returned no valid date.
      returned: success
      type: str
    due:
      description: The date until which the instance is paid, in ISO 8601 and UTC. Null if the API returned no valid date.
      returned: success
      type: str
    due_timestamp:
      description: The same date in milliseconds since the epoch, or null.
      returned: success
      type: int
    phone_connected:
      description: Whether the phone is online. Null if unknown.
      returned: success
      type: bool
    whatsapp_connected:
      description: Whether the session with WhatsApp is up. Null if unknown.
      returned: success
      type: bool
    webhooks:
      description:
        - The URL of each webhook, or null if it is unset.
        - The keys V(received), V(received_and_delivery), V(delivery), V(message_status), V(presence_chat), V(connected),
          V(disconnected) and V(received_status) always exist. Other callback URLs of the API add their own keys.
      returned: success
      type: dict
    settings:
      description:
        - The settings of the instance. Null if the API did not return the value.
        - The keys V(notify_sent_by_me), V(auto_read_message), V(auto_read_status), V(call_reject_auto), V(call_reject_message),
          V(muted_webhooks) and V(muted_messages) always exist. The last two list what is B(not) delivered.
        - A partner's listing may not contain settings. See O(include_settings).
      returned: success
      type: dict
    unknown:
      description:
        - The attributes that the API did not return, such as V(settings.auto_read_message) or V(webhooks.received_and_delivery).
          Their value is null, which is not the same as unset.
      returned: success
      type: list
      elements: str
    problem:
      description:
        - What the API reported. V(subscription_lapsed), V(restore_session) (no QR code needed), V(scan_qr_code), or null if nothing
          is known.
        - It comes from the instance's own status. Without O(credentials), this module does not ask for it.
      returned: success
      type: str
    extra:
      description:
        - All other fields of the API, with names in snake case. User names and passwords in URLs are masked.
        - Fields whose names contain C(token), C(secret), C(password) or C(authorization) are left out.
      returned: success
      type: dict
    token:
      description: The token of the instance.
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
      problem:
      extra:
        session_name: padaria
total:
  description: The number of instances that are returned.
  returned: success
  type: int
  sample: 1
"""

import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import nfc
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._module import Module, without_settings
from ansible_collections.zapi.zapi.plugins.module_utils._report.rows import instances

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance


def main() -> None:
    module = Module.with_connection(
        {
            "id": {"type": "str"},
            "name": {"type": "str"},
            "include_token": {"type": "bool", "default": False, "no_log": False},
            "include_settings": {"type": "bool", "default": False},
        }
    )
    try:
        result = _list(module)
    except ZapiError as error:
        result = module.failure(error)
    module.end(result)


def _list(module: Module) -> dict[str, t.Any]:
    params = module.params
    with Fleet(module.connection()) as fleet:
        listing = fleet.list(only=None if params["id"] is None else [params["id"]])
        fleet.refuse_rejected(listing)
        records = [record for record in listing.records if _is_wanted(record.instance, params["id"], params["name"])]
        if params["include_settings"]:
            records = fleet.complete(records, {"me": without_settings(records)})
        secrets = fleet.secrets(records)
    found = instances(records, secrets, include_token=params["include_token"])
    return {"instances": found, "total": len(found)}


def _is_wanted(instance: Instance, identity: t.Optional[str], name: t.Optional[str]) -> bool:
    return identity in (None, instance["id"]) and (name is None or nfc(name) == nfc(instance["name"]))


if __name__ == "__main__":
    main()
