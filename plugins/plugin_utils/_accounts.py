# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The hosts that a playbook of this collection runs on: ``localhost``, or the accounts of ``zapi_accounts``."""

from __future__ import annotations

import typing as t

from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import nearest

from ._templates import fill_in

_LOCALHOST = "localhost"
_TOKENS = ("zapi_partner_token", "zapi_credentials", "zapi_client_token")
_EXCLUSIONS = "!&"


def play_pattern(variables: t.Mapping[str, t.Any], templar: t.Any) -> str:
    """Return the pattern of the hosts that a playbook runs on. Raises `OptionError` if it matches none.

    ``variables`` are those of the play: of ``-e``, of ``import_playbook`` and of the play itself. So these tokens would be all accounts'.
    """
    if "zapi_accounts" not in variables:
        if not _hosts(_LOCALHOST, variables):
            raise OptionError("--limit excludes localhost, where this playbook runs")
        return _LOCALHOST
    pattern = _checked_pattern(fill_in(variables["zapi_accounts"], templar, "zapi_accounts"))
    for name in _TOKENS:
        if name in variables:
            raise OptionError(
                f"{name} is set for all accounts, with -e or in the vars of import_playbook: set it in the variables of each host"
            )
    unlimited = {**variables, "ansible_limit": None}
    for part in split_host_pattern(pattern):
        if not _hosts(part.lstrip(_EXCLUSIONS), unlimited):
            groups = variables["groups"]
            found = nearest(part.lstrip(_EXCLUSIONS), [*(name for name, hosts in groups.items() if hosts), *groups["all"]])
            raise OptionError(f'zapi_accounts: "{part}" matches no host' + (f"; the nearest name is {found}" if found else ""))
    if not _hosts(pattern, unlimited):
        raise OptionError(f'zapi_accounts: "{pattern}" matches no host')
    if not _hosts(pattern, variables):
        raise OptionError("--limit excludes all hosts of zapi_accounts")
    return pattern


def check_accounts(variables: t.Mapping[str, t.Any], templar: t.Any) -> None:
    """Refuse ``zapi_accounts`` from where the play could not see it. ``variables`` are those of a task. Raises `OptionError`."""
    if "zapi_accounts" in variables and variables["ansible_play_hosts_all"] == [_LOCALHOST]:
        hosts = _hosts(_checked_pattern(fill_in(variables["zapi_accounts"], templar, "zapi_accounts")), variables)
        if hosts != [_LOCALHOST]:
            raise OptionError(
                "zapi_accounts is set in variables of a host or group, which the playbook cannot read in time: "
                "set it with -e or in the vars of import_playbook"
            )


def _checked_pattern(value: t.Any) -> str:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) and part.strip(" ,") for part in parts):
        raise OptionError("zapi_accounts must be the name of a group, a pattern of hosts, or a list of these")
    return ",".join(part.strip(" ,") for part in parts)


def _hosts(pattern: str, variables: t.Mapping[str, t.Any]) -> list[str]:
    """Return the hosts of this run that a pattern matches, as ansible-core finds them."""
    inventory = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    for group, hosts in variables["groups"].items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group)
    inventory.subset(variables.get("ansible_limit"))
    return [host.name for host in inventory.get_hosts(pattern)]
