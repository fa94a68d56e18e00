# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Variables and groups are those of the base class of ansible-core; a value that cannot name a group affects only its host."""

from __future__ import annotations

import typing as t

import pytest
from ansible import template as ansible_template
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.template import Templar

from ansible_collections.zapi.zapi.plugins.plugin_utils._constructed import FastConstructable
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import host_variables
from ansible_collections.zapi.zapi.tests.unit.naive import make_record


def trusted(value: t.Any) -> t.Any:
    """The value as it comes from an inventory file: its texts are templates."""
    if isinstance(value, dict):
        return {trusted(key): trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    trust = getattr(ansible_template, "trust_as_template", str)
    return trust(value) if isinstance(value, str) else value


def plugin_of(base: type[t.Any], **options: t.Any) -> t.Any:
    """A plugin with this base class, ready to construct."""

    class Plugin(BaseInventoryPlugin, base):  # type: ignore[misc]
        NAME = "plugin"

        def get_option(self, option: str, hostvars: t.Any = None) -> t.Any:
            defaults = {"strict": False, "use_extra_vars": False, "leading_separator": True}
            return {"compose": {}, "groups": {}, "keyed_groups": [], **defaults, **trusted(options)}[option]

    plugin = Plugin()
    plugin.inventory, plugin._vars, plugin._ungrouped = InventoryData(), {}, {}
    plugin.templar = Templar(loader=DataLoader())
    return plugin


def construct(plugin: t.Any, **fields: t.Any) -> tuple[dict[str, t.Any], set[str]]:
    """Return the variables and groups of the host that the plugin makes of an instance with these fields."""
    data = host_variables({**make_record().instance, **fields}, "zapi_")
    plugin.inventory.add_host("host")
    host = plugin.inventory.hosts["host"]
    for name, value in data.items():
        host.set_variable(name, value)
    if isinstance(plugin, FastConstructable):
        plugin._construct("host", data)
    else:
        plugin._set_composite_vars(plugin.get_option("compose"), host.get_vars(), "host", strict=plugin.get_option("strict"))
        for add, option in (
            (plugin._add_host_to_composed_groups, "groups"),
            (plugin._add_host_to_keyed_groups, "keyed_groups"),
        ):
            add(plugin.get_option(option), host.get_vars(), "host", strict=plugin.get_option("strict"), fetch_hostvars=False)
    return host.get_vars(), {group.name for group in host.get_groups()}


OPTIONS = {
    "compose": {
        "name": "zapi_name",
        "connected": "zapi_whatsapp_connected",
        "negated": " not  zapi_name ",
        "engine": "zapi_name ~ '!'",
        "undefined": "zapi_no_such_variable",
        "zapi_tenant": "'composed'",
    },
    "groups": {"up": "zapi_whatsapp_connected", "down": "not zapi_whatsapp_connected", "named": "zapi_name == 'shop'"},
    "keyed_groups": [
        {"key": "zapi_payment_status", "prefix": "payment"},
        {"key": "zapi_tenant", "prefix": "tenant", "parent_group": "{{ zapi_middleware }}"},
        {"key": "name", "prefix": "name"},
        {"key": "inventory_hostname", "prefix": "host"},
    ],
}


@pytest.mark.parametrize("name", ["shop", "", "12", "none", "[1, 2]", "{'a': 1}", "{{ 1 + 1 }}", "a b"])
@pytest.mark.parametrize("connected", [True, False, None])
def test_the_results_are_those_of_ansible_core(name: str, connected: bool | None) -> None:
    fields = {"name": name, "whatsapp_connected": connected, "payment_status": "PAID", "tenant": "acme", "middleware": "web"}
    ours = construct(plugin_of(FastConstructable, **OPTIONS), **fields)
    assert ours == construct(plugin_of(Constructable, **OPTIONS), **fields)
    assert "payment_PAID" in ours[1]


def test_a_bare_name_needs_no_template_engine() -> None:
    plugin = plugin_of(
        FastConstructable,
        compose={"copy": "zapi_name"},
        groups={"down": "not zapi_whatsapp_connected"},
        keyed_groups=[{"key": "zapi_name", "prefix": "name"}],
    )

    class NoEngine:
        available_variables: t.ClassVar[dict[str, t.Any]] = {}

        def template(self, value: t.Any, *_args: t.Any, **_options: t.Any) -> t.Any:
            assert value is None  # the parent group that there is none of
            return value

    plugin.templar = NoEngine()
    variables, groups = construct(plugin, name="shop", whatsapp_connected=False)
    assert variables["copy"] == "shop"
    assert groups - {"all"} == {"down", "name_shop"}


# A name that a customer chooses, where the group's parent is called like it
OWN_PARENT = {"key": "zapi_name", "prefix": "", "separator": "", "parent_group": "shops"}


def test_a_value_that_can_t_name_a_group_costs_its_own_host_that_group_only() -> None:
    plugin = plugin_of(
        FastConstructable,
        keyed_groups=[OWN_PARENT, {"key": "zapi_due_timestamp"}, {"key": "zapi_payment_status", "prefix": "payment"}],
    )
    _variables, groups = construct(plugin, name="shops", due_timestamp=5, payment_status="PAID")
    assert "payment_PAID" in groups
    assert plugin._ungrouped == {"zapi_name": {"host"}, "zapi_due_timestamp": {"host"}}


def test_a_value_that_can_t_name_a_group_is_an_error_where_that_is_asked_for() -> None:
    with pytest.raises(Exception, match="add group to itself"):
        construct(plugin_of(FastConstructable, keyed_groups=[OWN_PARENT], strict=True), name="shops")


@pytest.mark.parametrize(
    "keyed", ["zapi_name", {}, {"key": "zapi_name", "default_value": "none", "trailing_separator": False}], ids=str
)
def test_a_keyed_group_that_no_value_can_make_is_an_error_in_any_case(keyed: t.Any) -> None:
    with pytest.raises(AnsibleError):
        construct(plugin_of(FastConstructable, keyed_groups=[keyed]), name="shop")
