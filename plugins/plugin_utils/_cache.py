# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Which entry of the inventory's cache is whose, and whether what stands in it can be used."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection
    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

display = Display()


def entry_for(source: str, connection: Connection) -> str:
    """Return the key of the entry that holds what ``source``, a cache key of ansible-core's, lists with this connection."""
    # Whatever decides which instances come makes another entry. No token can be read from it.
    credentials = [(credential.identity, credential.token) for credential in connection.credentials or ()]
    parts = [VERSION, connection.api_url, connection.query, connection.middleware, connection.partner_token, credentials]
    return f"{source}_{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


def read_fleet(cache: t.Mapping[str, t.Any], entry: str) -> list[Instance] | None:
    """Return the fleet in an entry, or None where there is none that can be used."""
    try:
        fleet = cache[entry]
    except KeyError:
        return None
    except Exception as error:  # noqa: BLE001 - cache plugins fail in ways of their own; none may stand in the way
        display.v(f"zapi.zapi.instances: the cache can't be read and is refreshed: {type(error).__name__}")
        return None
    if isinstance(fleet, list) and all(_is_instance(item) for item in fleet):
        return fleet
    display.v("zapi.zapi.instances: the cache holds something else than instances and is refreshed")
    return None


def _is_instance(value: t.Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("webhooks"), dict):
        return False
    return (
        all(isinstance(key, str) and "token" not in key.lower() for key in value)
        and bool(value.get("id"))
        and isinstance(value["id"], str)
    )
