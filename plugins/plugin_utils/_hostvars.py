# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How filter and test read instances: those of the lookup and the module, and the host variables of the inventory."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.zapi.zapi.plugins.module_utils._attributes import KEYS
from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

# Every instance has the first ones, and together they are nothing else. Of host variables, which hold much more, no others are
# read: up to ansible-core 2.18 each would be templated.
_SIGNS = ("id", "name", "due_timestamp", "webhooks")


def read_instance(value: t.Any) -> Instance:
    """Return what expectations are about of an instance, or of host variables that hold one under some prefix.

    Raises `ZapiError` for anything else.
    """
    if isinstance(value, Mapping):
        for prefix in _prefixes(value):
            if all(prefix + sign in value for sign in _SIGNS):
                instance = {key: value.get(prefix + key) for key in KEYS}
                if (
                    isinstance(instance["id"], str)
                    and isinstance(instance["name"], str)
                    and isinstance(instance["webhooks"], Mapping)
                ):
                    return instance
    raise ZapiError(
        "not an instance: give what zapi.zapi.instances or zapi.zapi.instance_info return, or host variables of the inventory"
    )


def _prefixes(value: Mapping[t.Any, t.Any]) -> t.Iterator[str]:
    yield ""
    yield from (key[: -len("due_timestamp")] for key in value if isinstance(key, str) and key.endswith("due_timestamp"))
