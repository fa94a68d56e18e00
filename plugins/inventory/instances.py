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
  - Makes a host of each instance (connected WhatsApp number) of a Z-API partner account.
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
      - No instance is lost. Where two would share a hostname, or where one would bear the name of a group or of C(localhost), their
        hostnames are followed by C(_) and their ID. Option C(-v) tells which ones.
    type: list
    elements: str
    default:
      - name
  hostvars_prefix:
    description:
      - What the names of the variables begin with. There is one for each key of an instance, such as C(zapi_whatsapp_connected).
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
  - The cache holds instances as the variables show them, and never a token.
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
# Kept for ten minutes in files; --flush-cache lists anew
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

import hashlib
import json
import re
import sys
import typing as t

from ansible import constants as C
from ansible import template as ansible_template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.display import Display
from ansible.utils.unsafe_proxy import AnsibleUnsafeText

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._instance import show
from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostnames import name_hosts, plain_hostname
from ansible_collections.zapi.zapi.plugins.plugin_utils._options import option_problem, read_connection

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

display = Display()

# From ansible-core 2.19 on, only text that is marked as trusted is templated; before, all that is not marked as unsafe.
_TRUST_IS_EXPLICIT = hasattr(ansible_template, "trust_as_template")
_BARE_EXPRESSION = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*)\s*", re.A)
# Groups that hosts make may bear other hosts' names; renaming those may make further groups, but hardly ever does.
_NAMINGS = 4
_UNKNOWN = object()


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "zapi.zapi.instances"

    inventory: t.Any
    _vars: t.Any

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("zapi.yml", "zapi.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            self._read_config_data(path)
        except AnsibleError as error:
            raise AnsibleParserError(option_problem(error)) from None
        prefix = self.get_option("hostvars_prefix")
        if not re.fullmatch(r"([A-Za-z_]\w*)?", prefix, re.A):
            raise AnsibleParserError(f"hostvars_prefix must be fit to begin a variable's name, which {prefix!r} is not")
        self.templar.available_variables = self._vars
        try:
            fleet = self._fleet(read_connection(self, self.templar), path, cache)
        except ZapiError as error:
            # Without its cause, whose words may hold anything.
            raise AnsibleParserError(str(error)) from None
        self._place(fleet)

    def _fleet(self, connection: Connection, path: str, cache: bool) -> list[Instance]:
        """Return the fleet, from the cache where that is wanted and there is one."""
        if not self.get_option("cache"):
            return _listed(connection)
        # Whatever decides which instances come makes another entry. The token itself can't be read from it.
        parts = [VERSION, connection.api_url, connection.query, connection.middleware, connection.partner_token]
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"
        fleet = self._cached(key) if cache else None
        if fleet is None:
            fleet = self._cache[key] = _listed(connection)
        return fleet

    def _cached(self, key: str) -> list[Instance] | None:
        try:
            fleet = self._cache[key]
        except KeyError:
            return None
        except Exception as error:  # noqa: BLE001 - cache plugins fail in ways of their own; none may stand in the way
            display.v(f"zapi.zapi.instances: the cache can't be read and is refreshed: {type(error).__name__}")
            return None
        if isinstance(fleet, list) and all(_is_instance(item) for item in fleet):
            return fleet
        display.v("zapi.zapi.instances: the cache holds something else than instances and is refreshed")
        return None

    def _place(self, fleet: list[Instance]) -> None:
        """Make a host of every instance, or of none."""
        inventory, keys = self.inventory, self.get_option("hostnames")
        group = inventory.add_group(self._sanitize_group_name(self.get_option("group")))
        taken = {*C.LOCALHOST, *map(self._sanitize_group_name, self.get_option("groups")), *self._hosts_of_other_fleets(fleet)}
        older = set(inventory.hosts)
        placed: dict[str, str] = {}
        try:
            for _naming in range(_NAMINGS):
                names = name_hosts(fleet, keys, taken.union(inventory.groups))
                for instance in fleet:
                    name, former = names[instance["id"]], placed.get(instance["id"])
                    if former not in (None, name):
                        inventory.remove_host(inventory.hosts[former])
                    # A host of a group's name, which an earlier host has made just now, would pass for the group.
                    if former != name and name not in inventory.groups:
                        self._add(instance, name, group)
                        placed[instance["id"]] = name
                if inventory.groups.keys().isdisjoint(names.values()):
                    break
            else:
                raise AnsibleParserError("keyed_groups make a group of every host's name: give them a prefix")
        except AnsibleError:
            for name in set(placed.values()) - older:
                inventory.remove_host(inventory.hosts[name])
            raise
        for instance in fleet:
            plain, name = plain_hostname(instance, keys), placed[instance["id"]]
            if plain != name:
                display.v(
                    f"zapi.zapi.instances: host {name} is not called {plain}, which another instance, a group or localhost bears too"
                )

    def _hosts_of_other_fleets(self, fleet: list[Instance]) -> list[str]:
        """Hosts that another source has made of other instances, unlike hosts of the user's own, which merge as usual."""
        variable = f"{self.get_option('hostvars_prefix')}id"
        ours = {None, *(instance["id"] for instance in fleet)}
        return [name for name, host in self.inventory.hosts.items() if host.vars.get(variable) not in ours]

    def _add(self, instance: Instance, name: str, group: str) -> None:
        inventory, strict = self.inventory, self.get_option("strict")
        inventory.add_host(name, group)
        host = inventory.hosts[name]
        variables = self._variables(instance)
        for key, value in variables.items():
            host.set_variable(key, value)
        self._data = {**variables, "inventory_hostname": host.name}
        self._set_composite_vars(self.get_option("compose"), host.get_vars(), name, strict=strict)
        now = host.get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), now, name, strict=strict, fetch_hostvars=False)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), now, name, strict=strict, fetch_hostvars=False)

    def _variables(self, instance: Instance) -> dict[str, t.Any]:
        prefix = self.get_option("hostvars_prefix")
        data = instance if _TRUST_IS_EXPLICIT else _unsafe(instance)
        variables = {prefix + key: value for key, value in data.items() if (prefix + key).isidentifier()}
        if self.get_option("local_connection"):
            variables.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
        return variables

    # The two places where the mix-in evaluates an expression. An instance's own data needs no template engine, which takes most
    # of the time. Whatever the engine would do more than return the value is left to it.

    def _compose(self, template: t.Any, variables: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        negated, value = self._own_data(template, variables)
        plain = _TRUST_IS_EXPLICIT or negated or (isinstance(value, str) and not _looks_like_python(value))
        if value is _UNKNOWN or not plain:
            return super()._compose(template, variables, *args, **kwargs)
        self.templar.available_variables = variables  # which parent_group is evaluated with
        return not value if negated else value

    def _add_host_to_composed_groups(
        self, groups: t.Any, variables: t.Any, host: str, strict: bool = False, fetch_hostvars: bool = True
    ) -> None:
        left = {}
        for group, condition in (groups or {}).items():
            negated, value = self._own_data(condition, variables)
            if value is _UNKNOWN or not (negated or isinstance(value, bool)):
                left[group] = condition
            elif bool(value) != negated:
                self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), host)
        super()._add_host_to_composed_groups(left, variables, host, strict=strict, fetch_hostvars=fetch_hostvars)

    def _own_data(self, expression: t.Any, variables: t.Any) -> tuple[bool, t.Any]:
        """Return (whether negated, the value) where the expression is the bare name of a variable that is still our own data."""
        match = _BARE_EXPRESSION.fullmatch(expression) if isinstance(expression, str) else None
        if match is None or (self.get_option("use_extra_vars") and match[2] in self._vars):
            return False, _UNKNOWN
        value = self._data.get(match[2], _UNKNOWN)
        return bool(match[1]), value if variables.get(match[2]) is value else _UNKNOWN


def _listed(connection: Connection) -> list[Instance]:
    with Fleet(connection) as fleet:
        return [show(instance) for instance in fleet.instances()]


def _is_instance(value: t.Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("webhooks"), dict):
        return False
    return (
        all(isinstance(key, str) and "token" not in key.lower() for key in value)
        and bool(value.get("id"))
        and isinstance(value["id"], str)
    )


def _unsafe(value: t.Any) -> t.Any:
    """Mark every text of a value, as ansible-core's wrap_var() does, which takes three times as long."""
    if isinstance(value, str):
        return AnsibleUnsafeText(value)
    if isinstance(value, dict):
        # What can name a variable is no template.
        return {key if key.isidentifier() else AnsibleUnsafeText(key): _unsafe(item) for key, item in value.items()}
    return [_unsafe(item) for item in value] if isinstance(value, list) else value


def _looks_like_python(text: str) -> bool:
    """Whether the template engine of ansible-core up to 2.18 would make something else of a text than this text."""
    return bool(getattr(C, "DEFAULT_JINJA2_NATIVE", False)) or text.startswith(("{", "[")) or text in ("True", "False")
