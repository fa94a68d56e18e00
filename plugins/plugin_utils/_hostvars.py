# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""How instances become host variables, and how filter and test read instances out of them again."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible import template as ansible_template
from ansible.utils.unsafe_proxy import AnsibleUnsafeText

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import KEYS, Record
from ansible_collections.zapi.zapi.plugins.module_utils._policy.values import is_list, kind_of

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance

# From ansible-core 2.19 on, only text that is marked as trusted is templated; before, all that is not marked as unsafe.
TRUST_IS_EXPLICIT = hasattr(ansible_template, "trust_as_template")

# Together only instances have these keys. Of host variables only those of an instance are read: up to ansible-core 2.18 each would
# be templated.
_SIGNS = ("id", "name", "due_timestamp", "webhooks")
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "name": (str,),
    "webhooks": (Mapping,),
    "settings": (Mapping, type(None)),
    "unknown": (list, tuple, type(None)),
}


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that the name of a variable cannot have. Raises `OptionError`."""
    if not re.fullmatch(r"([A-Za-z_]\w*)?", prefix, re.A):
        raise OptionError(f'hostvars_prefix: no variable can have a name that begins with "{prefix}"')
    if prefix.lower().lstrip("_").startswith("ansible_"):
        raise OptionError(f"hostvars_prefix must not be {prefix}: variables with this prefix are options of Ansible")


def host_variables(instance: Mapping[str, t.Any], prefix: str) -> dict[str, t.Any]:
    """Return a variable for each key of an instance. Texts are marked as data where ansible-core needs that."""
    values = instance if TRUST_IS_EXPLICIT else _unsafe(instance)
    return {f"{prefix}{key}": value for key, value in values.items()}


def read_records(value: t.Any) -> list[Record]:
    """Return the instances of a list. Raises `OptionError`."""
    if isinstance(value, Mapping):
        if not isinstance(value.get("instances"), Sequence) and _read(value) is not None:
            raise OptionError("this is one instance, not a list: use the test zapi.zapi.compliant, or put it into a list")
        raise OptionError(f"this is not a list of instances but {_described(value)}")
    if isinstance(value, (str, bytes)) or not isinstance(value, t.Iterable):
        raise OptionError(f"this is not a list of instances but {_described(value)}")
    return [read_record(item, f"item {position}") for position, item in enumerate(value, start=1)]


def read_record(value: t.Any, subject: str = "this") -> Record:
    """Return the instance in a value, which is one, or host variables with some prefix. Raises `OptionError`."""
    record = _read(value)
    if record is None:
        advice = ": test one instance, or use the filter zapi.zapi.drift" if is_list(value) else ""
        raise OptionError(f"{subject} is not an instance but {_described(value)}{advice}")
    return record


def _read(value: t.Any) -> Record | None:
    """Return the instance in a value, None if there is none. Its credential and secrets are not known."""
    for prefix in _prefixes(value) if isinstance(value, Mapping) else ():
        if all(prefix + sign in value for sign in _SIGNS):
            instance = {key: value.get(prefix + key) for key in KEYS}
            if all(isinstance(instance[key], types) for key, types in _TYPES.items()):
                instance["unknown"] = list(instance["unknown"] or ())
                return Record(t.cast("Instance", instance))
    return None


def _described(value: t.Any) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("instances"), Sequence):
        return "the result of zapi.zapi.instance_info: use .instances"
    return kind_of(value)


def _prefixes(value: Mapping[t.Any, t.Any]) -> t.Iterator[str]:
    yield ""
    yield from (key[: -len("due_timestamp")] for key in value if isinstance(key, str) and key.endswith("due_timestamp"))


def _unsafe(value: t.Any) -> t.Any:
    """Mark every text of a value, as ansible-core's wrap_var() does, which takes three times as long."""
    if isinstance(value, str):
        return AnsibleUnsafeText(value)
    if isinstance(value, Mapping):
        # A valid name of a variable is not a template.
        return {key if key.isidentifier() else AnsibleUnsafeText(key): _unsafe(item) for key, item in value.items()}
    return [_unsafe(item) for item in value] if isinstance(value, list) else value
