# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The frame of every module: connect, do the work, report the result or the error."""

from __future__ import annotations

import typing as t

from ._connection import Connection
from ._errors import ZapiError
from ._fleet import Fleet

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

_RESULT = 1  # a module answers on its standard output


def run(module: AnsibleModule, work: t.Callable[[Fleet], dict[str, t.Any]], **reported: t.Any) -> t.NoReturn:
    """End the module with what ``work`` returns, which may hold ``failed``; ``reported`` goes into every result."""
    # White space for a token would be censored as one, in every message.
    module.no_log_values = {value for value in module.no_log_values if value.strip()}
    try:
        with Fleet(Connection.from_options(module.params), _RESULT) as fleet:
            result = work(fleet)
    except ZapiError as error:
        result = {"failed": True, "msg": str(error)}
    # Out of the except block: up to ansible-core 2.18 the traceback would be part of the result.
    if result.pop("failed", False):
        module.fail_json(changed=False, **result, **reported)
    module.exit_json(changed=False, **result, **reported)
