# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors


from __future__ import annotations

DOCUMENTATION = r"""
name: instances
short_description: Z-API instances as an inventory
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Adds a host for each instance (connected WhatsApp number) of a Z-API account, or for those in O(credentials).
  - Uses a YAML configuration file whose name ends with C(zapi.yml) or C(zapi.yaml).
  - Values of the API are data. They are never templated, even if a customer puts braces into a name.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.plugins
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Must be V(zapi.zapi.instances).
    type: str
    required: true
    choices:
      - zapi.zapi.instances
  hostnames:
    description:
      - The keys of an instance to use as its hostname. The first one that is not empty counts. If all are empty, the ID is used.
      - White space, and characters with a meaning in host patterns, templates or paths, are replaced with C(_).
      - No instance is lost. If two instances would have the same hostname, or if one would have the name of a group, of C(localhost) or of
        a host of an earlier source, C(_) and the ID are added. Use C(-v) to see which ones.
      - Customers choose names. A host of a later source with the same name, or a file in C(host_vars/), is merged with the instance. If
        your inventory has other hosts, use C(id), or load this source last.
    type: list
    elements: str
    default:
      - name
  hostvars_prefix:
    description:
      - The prefix of the variables. There is one variable for each key of an instance, such as C(zapi_whatsapp_connected). For the
        keys, see the return values of the lookup P(zapi.zapi.instances#lookup).
      - A prefix that begins with C(ansible_) is an error.
    type: str
    default: zapi_
  group:
    description:
      - The group to add the hosts to.
    type: str
    default: zapi
  local_connection:
    description:
      - Whether to set C(ansible_connection=local), and C(ansible_python_interpreter) to the Python of the controller. You cannot log in
        to an instance. O(compose) can override both.
    type: bool
    default: true
notes:
  - In O(keyed_groups), O(groups) and O(compose), an expression that is only the name of a variable, or C(not) and such a name, is
    evaluated without the template engine, which is much faster.
  - Options that are variables, such as C(zapi_partner_token), must be extra variables (C(-e)).
  - The cache contains instances as the variables show them, and no tokens. It contains webhook URLs with their secrets, like the output of
    C(ansible-inventory --list). All users of the machine can read cache files of ansible-core, so use a directory that only you can access.
seealso:
  - plugin: zapi.zapi.instances
    plugin_type: lookup
  - module: zapi.zapi.instance_audit
"""

EXAMPLES = r"""
---
# fleet.zapi.yml, with the token in the environment variable ZAPI_PARTNER_TOKEN
plugin: zapi.zapi.instances

---
# Groups by connection, payment and type: zapi_disconnected, zapi_unpaid, payment_PAID, middleware_web
plugin: zapi.zapi.instances
groups:
  zapi_disconnected: not zapi_whatsapp_connected
  zapi_unpaid: zapi_payment_status not in ['PAID', 'TRIAL']
keyed_groups:
  - key: zapi_payment_status
    prefix: payment
  - key: zapi_middleware
    prefix: middleware
compose:
  tenant: zapi_tenant

---
# Cached in files for ten minutes; --flush-cache refreshes them.
# Create a private directory first, since other users could read the files:
# mkdir -p ~/.cache/zapi && chmod 700 ~/.cache/zapi
plugin: zapi.zapi.instances
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/zapi
cache_timeout: 600

---
# One of several accounts, each with a file in an inventory directory
plugin: zapi.zapi.instances
partner_token: "{{ lookup('ansible.builtin.env', 'ACME_PARTNER_TOKEN') }}"
group: acme

---
# The token from a file that is encrypted with ansible-vault
plugin: zapi.zapi.instances
partner_token: "{{ (lookup('ansible.builtin.file', 'token.vault.yml') | from_yaml).partner_token }}"
"""

import sys
import typing as t
from collections import Counter

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable
from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._report.rows import instances
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.plugin_utils._cache import entry_key, read_instances
from ansible_collections.zapi.zapi.plugins.plugin_utils._constructed import FastConstructable
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostnames import Hostnames, plain_hostname
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import check_prefix, host_variables
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import read_connection

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Connection

Instances = list[dict[str, t.Any]]

display = Display()

# A group that is made of a value of an instance can have the name of that instance's host once: the host is then renamed. A group that
# is made of the hostname has it again and again.
_MAX_RENAMES = 4


class InventoryModule(BaseInventoryPlugin, FastConstructable, Cacheable):
    NAME = "zapi.zapi.instances"

    def verify_file(self, path: str) -> bool:
        if not super().verify_file(path):
            return False
        if not path.endswith(("zapi.yml", "zapi.yaml")):
            # Only the plugin auto of ansible-core shows this, because the file names this plugin. Others take it for no.
            raise AnsibleParserError(
                "the name of a file for this plugin must end with zapi.yml or zapi.yaml, such as fleet.zapi.yml"
            )
        return True

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            config = self._read_config_data(path)
        except AnsibleError as error:
            raise AnsibleParserError(str(error)) from None
        self.templar.available_variables = self._vars
        try:
            check_prefix(self.get_option("hostvars_prefix"))
            connection = read_connection(self, self.templar, variables=self._vars, inventory_file=config)
            fleet = self._list(connection, path, cache)
        except ZapiError as error:
            # Without its cause, whose words may be secrets.
            raise AnsibleParserError(error_text(error)) from None
        self._add_fleet(fleet)

    def _list(self, connection: Connection, path: str, cache: bool) -> Instances:
        """Return the fleet, from the cache if it is enabled and has it."""
        if not self.get_option("cache"):
            return _list_instances(connection)
        key = entry_key(self.get_cache_key(path), connection)
        fleet = read_instances(self._cache, key) if cache else None
        if fleet is None:
            fleet = self._cache[key] = _list_instances(connection)
        return fleet

    def _add_fleet(self, fleet: Instances) -> None:
        """Add a host for each instance, or none if that fails."""
        inventory, keys = self.inventory, self.get_option("hostnames")
        group = inventory.add_group(self._sanitize_group_name(self.get_option("group")))
        groups = map(self._sanitize_group_name, self.get_option("groups") or ())
        # Existing hosts belong to other sources: no instance becomes one of them.
        hostnames = Hostnames(fleet, keys, {*C.LOCALHOST, *inventory.hosts, *inventory.groups, *groups})
        added: dict[str, str] = {}
        renames: Counter[str] = Counter()
        waiting = fleet
        self._ungrouped = {}
        try:
            while waiting:
                for instance in waiting:
                    identity, name = instance["id"], hostnames[instance["id"]]
                    if identity in added:
                        self._remove(added.pop(identity))
                    # An earlier host has just made a group of this name. The host would be taken for the group.
                    if name in inventory.groups:
                        continue
                    added[identity] = name
                    self._add(instance, name, group)
                    renames[identity] += name in inventory.groups
                    if renames[identity] == _MAX_RENAMES:
                        raise AnsibleParserError("keyed_groups make a group with the name of each host: set a prefix")
                renamed = hostnames.rename(inventory.groups)
                waiting = [instance for instance in fleet if instance["id"] in renamed]
        except Exception:
            for name in added.values():
                self._remove(name)
            raise
        self._report(fleet, added)

    def _add(self, instance: dict[str, t.Any], name: str, group: str) -> None:
        self.inventory.add_host(name, group)
        data = host_variables(instance, self.get_option("hostvars_prefix"))
        if self.get_option("local_connection"):
            data.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
        for key, value in data.items():
            self.inventory.hosts[name].set_variable(key, value)
        self._construct(name, data)

    def _remove(self, name: str) -> None:
        """As remove_host() of the inventory, which searches all groups."""
        host = self.inventory.hosts.pop(name)
        for group in list(host.groups):
            group.remove_host(host)
        for hosts in self._ungrouped.values():
            hosts.discard(name)

    def _report(self, fleet: Instances, added: dict[str, str]) -> None:
        """Warn about values that cannot name a group; with -v, show which hosts have other names than expected."""
        for expression, hosts in self._ungrouped.items():
            display.warning(
                f"zapi.zapi.instances: keyed_groups: for {len(hosts)} hosts the value of {expression} is not a valid name of a group, or "
                "makes a group its own parent: set a prefix"
            )
        for instance in fleet:
            plain, name = plain_hostname(instance, self.get_option("hostnames")), added[instance["id"]]
            if plain != name:
                display.v(
                    f"zapi.zapi.instances: the host {name} is not named {plain}: another instance, another source's host, a group or "
                    "localhost also has this name"
                )


def _list_instances(connection: Connection) -> Instances:
    with Fleet(connection) as fleet:
        listing = fleet.list()
        fleet.refuse_rejected(listing)
        return instances(listing.records, fleet.secrets(listing.records))
