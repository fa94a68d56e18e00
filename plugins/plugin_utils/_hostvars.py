# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How instances become host variables, and how filter and test read instances out of them again."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible import template as ansible_template
from ansible.utils.unsafe_proxy import AnsibleUnsafeText
from ansible.vars.reserved import is_reserved_name

from ansible_collections.zapi.zapi.plugins.module_utils._attributes import KEYS
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError, ZapiError

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

# From ansible-core 2.19 on, only text that is marked as trusted is templated; before, all that is not marked as unsafe.
TRUST_IS_EXPLICIT = hasattr(ansible_template, "trust_as_template")

# What every instance has. All other keys are fields of the API's, whose names are the server's to choose.
INSTANCE_KEYS = frozenset(
    {
        "id",
        "name",
        "middleware",
        "tenant",
        "payment_status",
        "created",
        "due",
        "due_timestamp",
        "phone_connected",
        "whatsapp_connected",
        "webhooks",
        "settings",
        "unknown",
    }
)

# Variables that Ansible reads as options or sets itself, whatever the release. Others are reserved in some.
_ANSIBLES_OWN = re.compile(
    r"""
    (ansible|inventory|role|with|discovered_interpreter)_.*
    |delegated_vars|environment|group_names|groups|hostvars|item|omit|play_hosts|playbook_dir|vars
    |cycler|dict|joiner|lipsum|lookup|namespace|now|q|query|range|undef
    """,
    re.VERBOSE,
)
# Variables that this collection reads: options of its plugins, modules and playbooks.
_COLLECTIONS_OWN = re.compile(
    r"""
    zapi_(
        partner_token|credentials|client_token|api_url|validate_certs|ca_path|timeout|retries|page_size|concurrency|query
        |middleware|list_twice|accounts|attributes|audits|backup|dest|expectations|expectations_file|fail_on_drift|force|hook
        |id|include_settings|include_token|initial|interval|language|max_changes|name|on_missing|only|report|settle
        |show_url_secrets|title|unmanaged|validate_only|verify|connection|connection_options|play_options
        |given_options|filled_in|is_text
    )
    |expectations|expectations_file|fail_on_drift|hook|show_url_secrets|unmanaged
    """,
    re.VERBOSE,
)

# Every instance has the first ones, and together they are nothing else. Of host variables, which hold much more, no others are
# read: up to ansible-core 2.18 each would be templated.
_SIGNS = ("id", "name", "due_timestamp", "webhooks")


class HostVariables:
    """Makes host variables of instances: one for each key, under a prefix, marked as data where ansible-core wants that.

    A field of the API's never becomes a variable that Ansible or this collection takes for an option. Raises `OptionError` for
    a prefix that can't be used.
    """

    def __init__(self, prefix: str) -> None:
        if not re.fullmatch(r"([A-Za-z_]\w*)?", prefix, re.A):
            raise OptionError(f"hostvars_prefix must be fit to begin a variable's name, which {prefix!r} is not")
        if _plain(prefix).startswith("ansible_"):
            raise OptionError(f"hostvars_prefix must not be {prefix}: variables whose names begin so are Ansible's own options")
        self._prefix = prefix
        self._names: dict[str, str | None] = {}

    def of(self, instance: Instance) -> dict[str, t.Any]:
        """Return the variables of an instance's host."""
        data = instance if TRUST_IS_EXPLICIT else _unsafe(instance)
        return {name: value for key, value in data.items() if (name := self._name(key)) is not None}

    @property
    def left_out(self) -> list[str]:
        """The fields, of all instances so far, that became no variable."""
        return sorted(key for key, name in self._names.items() if name is None)

    def _name(self, key: str) -> str | None:
        if key not in self._names:
            name = self._prefix + key
            self._names[key] = name if key in INSTANCE_KEYS or (name.isidentifier() and not _is_option(name)) else None
        return self._names[key]


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
                    and isinstance(instance["settings"], (Mapping, type(None)))
                    and isinstance(instance["unknown"], (list, tuple, type(None)))
                ):
                    return t.cast("Instance", instance)
    raise ZapiError(
        "not an instance: give what zapi.zapi.instances or zapi.zapi.instance_info return, or host variables of the inventory"
    )


def _prefixes(value: Mapping[t.Any, t.Any]) -> t.Iterator[str]:
    yield ""
    yield from (key[: -len("due_timestamp")] for key in value if isinstance(key, str) and key.endswith("due_timestamp"))


def _is_option(variable: str) -> bool:
    name = _plain(variable)
    return bool(_ANSIBLES_OWN.fullmatch(name) or is_reserved_name(name) or _COLLECTIONS_OWN.fullmatch(name))


def _plain(name: str) -> str:
    """Return a name as it is compared: ansible-core has internal variables that begin with an underscore, too."""
    return name.lower().lstrip("_")


def _unsafe(value: t.Any) -> t.Any:
    """Mark every text of a value, as ansible-core's wrap_var() does, which takes three times as long."""
    if isinstance(value, str):
        return AnsibleUnsafeText(value)
    if isinstance(value, dict):
        # What can name a variable is no template.
        return {key if key.isidentifier() else AnsibleUnsafeText(key): _unsafe(item) for key, item in value.items()}
    return [_unsafe(item) for item in value] if isinstance(value, list) else value
