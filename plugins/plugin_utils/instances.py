# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""How filter and test read instances: those of the lookup and the module, and the host variables of the inventory."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.zapi.zapi.plugins.module_utils.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils.instance import Instance

# Every instance has them, and together they are nothing else.
_SIGNS = ("id", "name", "due_timestamp", "webhooks")


def read_instance(value: t.Any) -> Instance:
    """Return the instance that a value is, or that host variables hold under some prefix. Raises `ZapiError`."""
    if not isinstance(value, Mapping):
        raise ZapiError(f"an instance must be a dictionary, not {type(value).__name__}: give what zapi.zapi.instances or instance_info return")
    prefix = next((prefix for prefix in _prefixes(value) if all(prefix + sign in value for sign in _SIGNS)), None)
    if prefix is None:
        raise ZapiError(
            "a dictionary that is no instance: it lacks id, name, due_timestamp or webhooks "
            "(give the instances that zapi.zapi.instances or instance_info return, or host variables of the inventory)"
        )
    # Host variables hold much else, and templating it all would be for nothing.
    return {key[len(prefix) :]: value[key] for key in value if key.startswith(prefix)}


def _prefixes(value: Mapping[str, t.Any]) -> t.Iterator[str]:
    yield ""
    yield from (key[: -len("due_timestamp")] for key in value if key.endswith("due_timestamp"))
