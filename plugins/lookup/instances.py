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
  - Returns the instances (connected WhatsApp numbers) of a Z-API account, or those in O(credentials).
  - The lookup runs on the controller and lists the fleet each time it is evaluated. To use the list several times, store it with
    M(ansible.builtin.set_fact), or use the module M(zapi.zapi.instance_info).
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.plugins
options:
  _terms:
    description:
      - IDs or exact names. The result has the instances in the order of the terms, each of them once.
      - A term that is the ID of an instance selects this instance only. A name selects all instances with this name.
      - An empty term, or an empty list of terms, is an error.
      - Without terms, the lookup returns the whole fleet in the API's order.
    type: list
    elements: str
  on_missing:
    description:
      - What to do if a term matches no instance.
      - V(error) fails and names the nearest existing name, V(warn) shows a warning, V(skip) does nothing.
    type: str
    choices:
      - error
      - warn
      - skip
    default: error
  include_token:
    description:
      - Whether to return the token of each instance as RV(_raw[].token).
      - This token allows sending messages from the number. Set C(no_log) on tasks that use it.
    type: bool
    default: false
  include_settings:
    description:
      - Whether to request the settings that the listing did not return, with one call for each instance.
      - With O(credentials), settings are always requested.
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

- name: Find an instance by its name, which may not exist
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
      description: The ID of the instance.
      type: str
    name:
      description: The name that the customer chose. It may be empty, and it is not unique.
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
      description: When the instance was created, in ISO 8601 and UTC. Null if the API returned no valid date.
      type: str
    due:
      description: The date until which the instance is paid, in ISO 8601 and UTC. Null if the API returned no valid date.
      type: str
    due_timestamp:
      description: The same date in milliseconds since the epoch, or null.
      type: int
    phone_connected:
      description: Whether the phone is online. Null if unknown.
      type: bool
    whatsapp_connected:
      description: Whether the session with WhatsApp is up. Null if unknown.
      type: bool
    webhooks:
      description:
        - The URL of each webhook, or null if it is unset.
        - The keys V(received), V(received_and_delivery), V(delivery), V(message_status), V(presence_chat), V(connected),
          V(disconnected) and V(received_status) always exist. Other callback URLs of the API add their own keys.
      type: dict
    settings:
      description:
        - The settings of the instance. Null if the API did not return the value.
        - The keys V(notify_sent_by_me), V(auto_read_message), V(auto_read_status), V(call_reject_auto), V(call_reject_message),
          V(muted_webhooks) and V(muted_messages) always exist. The last two list what is B(not) delivered.
        - A partner's listing may not contain settings. See O(include_settings).
      type: dict
    unknown:
      description:
        - The attributes that the API did not return, such as V(settings.auto_read_message) or V(webhooks.received_and_delivery).
          Their value is null, which is not the same as unset.
      type: list
      elements: str
    problem:
      description:
        - What the API reported. V(subscription_lapsed), V(restore_session) (no QR code needed), V(scan_qr_code), or null if nothing
          is known.
        - It comes from the instance's own status. Without O(credentials), this module does not ask for it.
      type: str
    extra:
      description:
        - All other fields of the API, with names in snake case. User names and passwords in URLs are masked.
        - Fields whose names contain C(token), C(secret), C(password) or C(authorization) are left out.
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
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._audit import select, unknown_terms, unknown_terms_text
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import check_terms
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._module import without_settings
from ansible_collections.zapi.zapi.plugins.module_utils._report.rows import instances
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import read_connection

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

display = Display()


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        try:
            self.set_options(var_options=variables, direct=kwargs)
            connection = read_connection(self, self._templar, variables=variables, arguments=kwargs)
            only: list[t.Any] | None = None
            if terms:
                only = [one if isinstance(one, str) or one is None else str(one) for one in self._flatten(terms)]
            check_terms(only, "terms")
            with Fleet(connection) as fleet:
                listing = fleet.list(only=only)
                fleet.refuse_rejected(listing)
                records = listing.records if only is None else self._select(listing.records, only, fleet.secrets(listing.records))
                if self.get_option("include_settings"):
                    records = fleet.complete(records, {"me": without_settings(records)})
                secrets = fleet.secrets(records)
        except ZapiError as error:
            problem = error_text(error)
        except AnsibleError as error:
            problem = str(error)
        else:
            return instances(records, secrets, include_token=self.get_option("include_token"))
        # Outside the except block: the words of a cause may be secrets.
        raise AnsibleLookupError(problem)

    def _select(self, records: list[Record], terms: list[str], secrets: Secrets) -> list[Record]:
        selected, missing = select(records, terms)
        on_missing = self.get_option("on_missing")
        if missing and on_missing != "skip":
            problem = unknown_terms_text(unknown_terms(records, missing), secrets)
            if on_missing == "error":
                raise AnsibleLookupError(f"{problem}: check the spelling, or set on_missing")
            display.warning(f"zapi.zapi.instances: {problem}")
        return selected
