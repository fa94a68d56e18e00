# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The entries of the inventory's cache: whose they are, and whether they can be used."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible.utils.display import Display

from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import KEYS
from ansible_collections.zapi.zapi.plugins.module_utils._core.version import VERSION

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Connection

display = Display()


def entry_key(source: str, connection: Connection) -> str:
    """Return the key of the entry for ``source``, which is a cache key of ansible-core, and a connection."""
    # Everything that decides which instances are listed. A hash reveals no token.
    credentials = [(credential.id, credential.token) for credential in connection.credentials or ()]
    parts = [VERSION, connection.api_url, connection.query, connection.middleware, connection.partner_token, credentials]
    return f"{source}_{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


def read_instances(cache: t.Mapping[str, t.Any], key: str) -> list[dict[str, t.Any]] | None:
    """Return the instances of an entry, None if there is no entry that can be used."""
    try:
        instances = cache[key]
    except KeyError:
        return None
    except Exception as error:  # noqa: BLE001 - each cache plugin has its own errors
        display.v(f"zapi.zapi.instances: the cache cannot be read and is refreshed: {type(error).__name__}")
        return None
    if isinstance(instances, list) and all(_is_instance(one) for one in instances):
        return instances
    display.v("zapi.zapi.instances: the cache does not contain instances and is refreshed")
    return None


def _is_instance(value: t.Any) -> bool:
    return (
        isinstance(value, dict) and set(value) == set(KEYS) and isinstance(value["id"], str) and isinstance(value["webhooks"], dict)
    )
