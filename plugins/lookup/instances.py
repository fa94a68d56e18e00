# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
name: instances
short_description: List Z-API instances
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Returns the instances (connected WhatsApp numbers) of a Z-API account, or those that O(credentials) names.
  - The lookup runs on the controller, and lists the whole fleet each time. To use the list more than once, keep it in a variable
    with M(ansible.builtin.set_fact), or use the module M(zapi.zapi.instance_info).
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.plugins
options:
  _terms:
    description:
      - IDs or names, exact ones. Each contributes all instances that bear it, in the order of the terms, and none twice.
      - Without any, the whole fleet is returned, in the API's order.
    type: list
    elements: str
  on_missing:
    description:
      - What to do when a term matches no instance.
      - With V(error) the lookup fails, with V(warn) it warns and goes on, with V(skip) it just goes on.
    type: str
    choices:
      - error
      - warn
      - skip
    default: error
  include_token:
    description:
      - Whether to return the token of each instance, as RV(_raw[].token).
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
  - module: zapi.zapi.instance_info
  - plugin: zapi.zapi.instances
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Show the names of the whole fleet
  ansible.builtin.debug:
    msg: "{{ query('zapi.zapi.instances') | map(attribute='name') }}"

- name: Find one instance by its name, and do without where there is none
  ansible.builtin.debug:
    msg: "{{ query('zapi.zapi.instances', 'Padaria Central', on_missing='skip') }}"

- name: Show the instances that are not connected
  ansible.builtin.debug:
    msg: "{{ query('zapi.zapi.instances') | rejectattr('whatsapp_connected') | map(attribute='id') }}"

- name: Show the instances whose two receive webhooks differ
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.webhooks.received }} but {{ item.webhooks.received_and_delivery }}"
  loop: "{{ query('zapi.zapi.instances') }}"
  loop_control:
    label: "{{ item.id }}"
  when: item.webhooks.received != item.webhooks.received_and_delivery
"""

RETURN = r"""
_raw:
  description: The instances.
  type: list
  elements: dict
  contains:
    id:
      description: The instance's ID.
      type: str
    name:
      description: The name that the customer chose. May be empty, and is not unique.
      type: str
    middleware:
      description: V(web) or V(mobile), or null.
      type: str
    tenant:
      description: The account, or null.
      type: str
    payment_status:
      description: The billing state, such as V(PAID) or V(TRIAL), or null.
      type: str
    created:
      description: When the instance was created, as ISO 8601 in UTC; null where the API names no possible date.
      type: str
    due:
      description: Until when the instance is paid, as ISO 8601 in UTC; null where the API names no possible date.
      type: str
    due_timestamp:
      description: The same in milliseconds since the epoch, or null.
      type: int
    phone_connected:
      description: Whether the phone is online; null if unknown.
      type: bool
    whatsapp_connected:
      description: Whether the session with WhatsApp is up; null if unknown.
      type: bool
    webhooks:
      description:
        - The URL that each event is posted to, or null where it is unset.
        - Always has the keys V(received), V(received_and_delivery), V(delivery), V(message_status), V(presence_chat),
          V(connected), V(disconnected) and V(received_status). Further callback URLs of the API add their own keys.
      type: dict
    settings:
      description:
        - How the instance treats messages and calls, and what it does not deliver. Null where the API did not tell.
        - Always has the keys V(notify_sent_by_me), V(auto_read_message), V(auto_read_status), V(call_reject_auto),
          V(call_reject_message), V(muted_webhooks) and V(muted_messages). What stands in the two last ones is B(not) delivered.
        - A partner's listing may not tell them, see O(include_settings).
      type: dict
    unknown:
      description:
        - What the API's answer did not hold at all, such as V(settings.auto_read_message) or V(webhooks.received_and_delivery). Its
          value is null, which is not the same as unset.
      type: list
      elements: str
    token:
      description: The instance's token.
      type: str
      returned: with O(include_token=true)
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
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance, show
from ansible_collections.zapi.zapi.plugins.module_utils._selection import select
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import read_connection

display = Display()


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[Instance]:
        try:
            self.set_options(var_options=variables, direct=kwargs)
            with Fleet(read_connection(self, self._templar, variables=variables, arguments=kwargs)) as fleet:
                instances = fleet.instances(settings=self.get_option("include_settings"))
        except ZapiError as error:
            # Without its cause, whose words may hold anything.
            raise AnsibleLookupError(str(error)) from None
        except AnsibleError as error:
            raise AnsibleLookupError(str(error)) from None
        if terms:
            instances = self._select(instances, [str(term) for term in self._flatten(terms)])
        return [show(instance, self.get_option("include_token")) for instance in instances]

    def _select(self, fleet: list[Instance], terms: list[str]) -> list[Instance]:
        selected, missing = select(fleet, terms)
        if missing:
            self._report(f"no instance has the ID or name {', '.join(map(repr, missing))}")
        return selected

    def _report(self, problem: str) -> None:
        on_missing = self.get_option("on_missing")
        if on_missing == "error":
            raise AnsibleLookupError(f"{problem}: check the spelling, or set on_missing")
        if on_missing == "warn":
            display.warning(f"zapi.zapi.instances: {problem}")
