# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The playbook overview: reads the fleet on the controller, and returns a text about it."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection
from ansible_collections.zapi.zapi.plugins.module_utils._fleet import Fleet
from ansible_collections.zapi.zapi.plugins.module_utils._report.overview import overview
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import error_text
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask

_MAX_STATUS_CALLS = 50


def read_overview(arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return ``msg`` and ``summary``. Raises `ZapiError`."""
    validated = ArgumentSpecValidator(CONNECTION_ARGUMENTS).validate(arguments)
    if validated.error_messages:
        raise OptionError("; ".join(validated.error_messages))
    with Fleet(Connection.from_options(validated.validated_parameters)) as fleet:
        listing = fleet.list()
        records, notes = listing.records, []
        unexplained = [one for one in records if one.instance["whatsapp_connected"] is False and one.instance["problem"] is None]
        try:
            records = fleet.complete(records, {"status": unexplained[:_MAX_STATUS_CALLS]})
        except ZapiError as error:
            notes.append(f"the reasons of disconnections are unknown: {error_text(error)}")
        if len(unexplained) > _MAX_STATUS_CALLS:
            notes.append(
                f"only the first {_MAX_STATUS_CALLS} of {len(unexplained)} disconnected instances were asked for the reason"
            )
        message = overview(records, listing.rejected, Mask(fleet.secrets(records)), notes=notes)
    return {"changed": False, "msg": message, "summary": {"instances": len(records), "rejected": len(listing.rejected)}}
