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
  - Makes a host of each instance (connected WhatsApp number) of a Z-API account, or of those that O(credentials) names.
  - Uses a YAML configuration file that ends in C(zapi.yml) or C(zapi.yaml).
  - What the API says of an instance is data. It is never templated, whatever braces a customer puts into a name.
extends_documentation_fragment:
  - zapi.zapi._connection
  - zapi.zapi._connection.plugins
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as a configuration of this plugin.
    type: str
    required: true
    choices:
      - zapi.zapi.instances
  hostnames:
    description:
      - The keys of an instance to make its hostname from. The first one that is not empty is taken, the ID in the end.
      - White space, and characters that have a meaning in host patterns, templates or paths become C(_).
      - No instance is lost. Where two would share a hostname, or where one would bear the name of a group, of C(localhost), or of a
        host that an earlier source made, their hostnames are followed by C(_) and their ID. Option C(-v) tells which ones.
      - Customers choose names. A later source's host of the same name, or its file in C(host_vars/), would be merged with the instance.
        Where there are other hosts, name the instances by C(id), or load this source last.
    type: list
    elements: str
    default:
      - name
  hostvars_prefix:
    description:
      - What the names of the variables begin with. There is one for each key of an instance, such as C(zapi_whatsapp_connected).
      - A field of the API that documentation does not mention becomes no variable where Ansible or this collection would take it for
        one of its own, such as C(ansible_shell_executable) or C(zapi_api_url). Option C(-v) tells which ones.
      - With an empty prefix, such a field can still bear the name of a variable of yours, or of one that another collection reads.
      - A prefix that begins with C(ansible_) is refused.
    type: str
    default: zapi_
  group:
    description:
      - The group of all these hosts.
    type: str
    default: zapi
  local_connection:
    description:
      - Whether hosts get C(ansible_connection=local) and the controller's own Python as C(ansible_python_interpreter), since there is
        nothing to log in to. O(compose) can override both.
    type: bool
    default: true
notes:
  - In O(keyed_groups), O(groups) and O(compose), an expression that is just a variable's name, or C(not) and such a name, is
    answered without the template engine, which is much faster.
  - The cache holds instances as the variables show them, and never a token. Whole webhook URLs are in it, as in the output of
    C(ansible-inventory --list), with whatever secrets they hold. ansible-core makes cache files that every user of the machine can
    read, so let them lie in a folder that only you can enter.
seealso:
  - plugin: zapi.zapi.instances
    plugin_type: lookup
  - module: zapi.zapi.instance_audit
"""

EXAMPLES = r"""
---
# The shortest one: fleet.zapi.yml, with the token in the environment variable ZAPI_PARTNER_TOKEN
plugin: zapi.zapi.instances

---
# Groups by connection, payment and type: zapi_disconnected, zapi_unpaid, payment_PAID, middleware_web, ...
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
# Kept for ten minutes in files; --flush-cache lists anew.
# Make the folder private first, since others could read the files:
# mkdir -p ~/.cache/zapi && chmod 700 ~/.cache/zapi
plugin: zapi.zapi.instances
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/zapi
cache_timeout: 600

---
# One of several accounts in a directory of inventory files, each with its own token and group
plugin: zapi.zapi.instances
partner_token: "{{ lookup('ansible.builtin.env', 'ACME_PARTNER_TOKEN') }}"
group: acme

---
# The token from a file that ansible-vault has encrypted
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

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._instance import show
from ansible_collections.zapi.zapi.plugins.plugin_utils._cache import entry_for, read_fleet
from ansible_collections.zapi.zapi.plugins.plugin_utils._constructed import FastConstructable
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostnames import Hostnames, plain_hostname
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import HostVariables
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import read_connection

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

display = Display()

# A group that is made of an instance's values bears the name of that instance's host once at most, since the host is then renamed.
# One that is made of the hostname does so again and again.
_NAMINGS = 4


class InventoryModule(BaseInventoryPlugin, FastConstructable, Cacheable):
    NAME = "zapi.zapi.instances"

    def verify_file(self, path: str) -> bool:
        if not super().verify_file(path):
            return False
        if not path.endswith(("zapi.yml", "zapi.yaml")):
            # Told by ansible-core's auto, which asks because the file names this plugin. Who asks about every file takes it for no.
            raise AnsibleParserError("a file with this plugin must end in zapi.yml or zapi.yaml, such as fleet.zapi.yml")
        return True

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            config = self._read_config_data(path)
        except AnsibleError as error:
            raise AnsibleParserError(str(error)) from None
        self.templar.available_variables = self._vars
        try:
            variables = HostVariables(self.get_option("hostvars_prefix"))
            connection = read_connection(self, self.templar, variables=self._vars, inventory_file=config)
            fleet = self._fleet(connection, path, cache)
        except ZapiError as error:
            # Without its cause, whose words may hold anything.
            raise AnsibleParserError(str(error)) from None
        self._place(fleet, variables)

    def _fleet(self, connection: Connection, path: str, cache: bool) -> list[Instance]:
        """Return the fleet, from the cache where that is wanted and there is one."""
        if not self.get_option("cache"):
            return _listed(connection)
        entry = entry_for(self.get_cache_key(path), connection)
        fleet = read_fleet(self._cache, entry) if cache else None
        if fleet is None:
            fleet = self._cache[entry] = _listed(connection)
        return fleet

    def _place(self, fleet: list[Instance], variables: HostVariables) -> None:
        """Make a host of every instance, or of none."""
        inventory, keys = self.inventory, self.get_option("hostnames")
        group = inventory.add_group(self._sanitize_group_name(self.get_option("group")))
        groups = map(self._sanitize_group_name, self.get_option("groups") or ())
        # Hosts that are there are other sources', with whatever these hosts may do: no instance becomes one of them.
        hostnames = Hostnames(fleet, keys, {*C.LOCALHOST, *inventory.hosts, *inventory.groups, *groups})
        placed: dict[str, str] = {}
        namings: Counter[str] = Counter()
        waiting = fleet
        self._ungrouped = {}
        try:
            while waiting:
                for instance in waiting:
                    identity, name = instance["id"], hostnames[instance["id"]]
                    if identity in placed:
                        self._remove(placed.pop(identity))
                    # A host of a group's name, which an earlier host has made just now, would pass for the group.
                    if name in inventory.groups:
                        continue
                    placed[identity] = name
                    self._add(instance, name, group, variables)
                    namings[identity] += name in inventory.groups
                    if namings[identity] == _NAMINGS:
                        raise AnsibleParserError("keyed_groups make a group of every host's name: give them a prefix")
                renamed = hostnames.give_way(inventory.groups)
                waiting = [instance for instance in fleet if instance["id"] in renamed]
        except Exception:
            for name in placed.values():
                self._remove(name)
            raise
        self._tell(fleet, placed, variables)

    def _add(self, instance: Instance, name: str, group: str, variables: HostVariables) -> None:
        self.inventory.add_host(name, group)
        data = variables.of(instance)
        if self.get_option("local_connection"):
            data.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
        for key, value in data.items():
            self.inventory.hosts[name].set_variable(key, value)
        self._construct(name, data)

    def _remove(self, name: str) -> None:
        """As the inventory's own remove_host(), which looks into every group that there is."""
        host = self.inventory.hosts.pop(name)
        for group in list(host.groups):
            group.remove_host(host)
        for hosts in self._ungrouped.values():
            hosts.discard(name)

    def _tell(self, fleet: list[Instance], placed: dict[str, str], variables: HostVariables) -> None:
        """Say what is not as one would expect: with -v, unless it is a mistake."""
        for expression, hosts in self._ungrouped.items():
            display.warning(
                f"zapi.zapi.instances: hosts that lack a group: {len(hosts)}. keyed_groups make a name of {expression} that no group "
                "can bear, or a group its own parent: give them a prefix"
            )
        for instance in fleet:
            plain, name = plain_hostname(instance, self.get_option("hostnames")), placed[instance["id"]]
            if plain != name:
                display.v(
                    f"zapi.zapi.instances: host {name} is not called {plain}, "
                    "which another instance, another source's host, a group or localhost bears too"
                )
        if variables.left_out:
            display.v(
                "zapi.zapi.instances: these fields of the API become no variables, since no variable can be called so, or since Ansible "
                f"or this collection would take it for one of its own: {', '.join(variables.left_out[:10])}{' ...' if variables.left_out[10:] else ''}"
            )


def _listed(connection: Connection) -> list[Instance]:
    with Fleet(connection) as fleet:
        return [show(instance) for instance in fleet.instances()]
