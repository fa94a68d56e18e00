# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.


from __future__ import annotations

DOCUMENTATION = r"""
name: _play_hosts
short_description: Private to the playbooks of this collection
version_added: 0.1.0
author: zapi.zapi contributors (@zapi)
description:
  - Returns the hosts that a playbook of this collection runs on. It may change or be removed in any release, without notice.
"""

EXAMPLES = r"""
- name: This lookup is private
  ansible.builtin.debug:
    msg: Use a playbook of this collection with the variable zapi_accounts.
"""

RETURN = r"""
_raw:
  description: One mapping with C(pattern) and C(problem). One of them is null.
  type: list
  elements: dict
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.plugin_utils._accounts import play_pattern


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:  # noqa: ARG002
        try:
            return [{"pattern": play_pattern(variables, self._templar), "problem": None}]
        except ZapiError as error:
            return [{"pattern": None, "problem": error_text(error)}]
