# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The base class of ansible-core for ``compose``, ``groups`` and ``keyed_groups``, with the same results in less time."""

from __future__ import annotations

import re
import typing as t

from ansible import constants as C
from ansible.plugins.inventory import Constructable

from ._hostvars import TRUST_IS_EXPLICIT

_BARE_EXPRESSION = re.compile(r"\s*(not\s+)?([A-Za-z_]\w*)\s*", re.A)
_UNKNOWN = object()


class FastConstructable(Constructable):
    """For inventory plugins whose host variables are plain data.

    An expression that is only the name of such a variable is evaluated without the template engine, which takes most of the time.
    """

    inventory: t.Any
    templar: t.Any
    _vars: t.Any
    _data: dict[str, t.Any]
    # Hosts without a group, by the expression that should have named it.
    _ungrouped: dict[str, set[str]]

    def _construct(self, name: str, data: t.Mapping[str, t.Any]) -> None:
        """Set the composed variables and the groups of a host whose variables are ``data``."""
        host, strict = self.inventory.hosts[name], self.get_option("strict")
        self._data = {**data, "inventory_hostname": host.name}
        self._set_composite_vars(self.get_option("compose"), host.get_vars(), name, strict=strict)
        now = host.get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), now, name, strict=strict, fetch_hostvars=False)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), now, name, strict=strict, fetch_hostvars=False)

    def _add_host_to_keyed_groups(
        self, keys: t.Any, variables: t.Any, host: str, strict: bool = False, fetch_hostvars: bool = True
    ) -> None:
        """As the base class, but a value that cannot name a group affects only its own host."""
        for keyed in keys or ():
            try:
                super()._add_host_to_keyed_groups([keyed], variables, host, strict=strict, fetch_hostvars=fetch_hostvars)
            except Exception:
                if strict or _is_invalid(keyed):
                    raise
                self._ungrouped.setdefault(str(keyed.get("key")), set()).add(host)

    # The two places where the base class evaluates an expression.

    def _compose(self, template: t.Any, variables: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        negated, value = self._own_data(template, variables)
        plain = TRUST_IS_EXPLICIT or negated or (isinstance(value, str) and not _looks_like_python(value))
        if value is _UNKNOWN or not plain:
            return super()._compose(template, variables, *args, **kwargs)
        self.templar.available_variables = variables  # for parent_group
        return not value if negated else value

    def _add_host_to_composed_groups(
        self, groups: t.Any, variables: t.Any, host: str, strict: bool = False, fetch_hostvars: bool = True
    ) -> None:
        others = {}
        for group, condition in (groups or {}).items():
            negated, value = self._own_data(condition, variables)
            if value is _UNKNOWN or not (negated or isinstance(value, bool)):
                others[group] = condition
            elif bool(value) != negated:
                self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), host)
        super()._add_host_to_composed_groups(others, variables, host, strict=strict, fetch_hostvars=fetch_hostvars)

    def _own_data(self, expression: t.Any, variables: t.Any) -> tuple[bool, t.Any]:
        """Return whether the expression is negated, and the value if it is the name of a variable that still is our own data."""
        match = _BARE_EXPRESSION.fullmatch(expression) if isinstance(expression, str) else None
        if match is None or (self.get_option("use_extra_vars") and match[2] in self._vars):
            return False, _UNKNOWN
        value = self._data.get(match[2], _UNKNOWN)
        return bool(match[1]), value if variables.get(match[2]) is value else _UNKNOWN


def _is_invalid(keyed: t.Any) -> bool:
    """Return whether no value could make a group of this item of keyed_groups."""
    return not keyed or not isinstance(keyed, dict) or None not in (keyed.get("default_value"), keyed.get("trailing_separator"))


def _looks_like_python(text: str) -> bool:
    """Return whether the template engine of ansible-core up to 2.18 would convert a text to another type."""
    return bool(getattr(C, "DEFAULT_JINJA2_NATIVE", False)) or text.startswith(("{", "[")) or text in ("True", "False")
