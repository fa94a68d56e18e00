# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How instances come to hostnames: safe ones, one for each, the same whatever the order of the fleet."""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections import Counter

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

# They have a meaning in host patterns, in --limit or in templates; the slashes would lead out of host_vars/.
_MEANINGFUL = re.compile(r"[\s,:&!~*?\[\]{}@/\\]")


def name_hosts(fleet: Iterable[Instance], keys: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Return the hostname of each instance, by its id.

    Where the hostname is ``taken``, or two instances would share it, theirs is followed by their id.
    """
    candidates = {instance["id"]: _candidates(instance, keys) for instance in fleet}
    names = {identity: next(options) for identity, options in candidates.items()}
    while True:
        shared = Counter(names.values())
        clashing = [identity for identity, name in names.items() if shared[name] > 1 or name in taken]
        if not clashing:
            return names
        for identity in clashing:
            names[identity] = next(candidates[identity])


def plain_hostname(instance: Instance, keys: Sequence[str]) -> str:
    """Return the hostname that the first of ``keys`` makes for which the instance has a value; in the end its id does."""
    values = (instance.get(key) for key in (*keys, "id"))
    return next(_safe(str(value)) for value in values if value not in (None, "") and not isinstance(value, (dict, list)))


def _candidates(instance: Instance, keys: Sequence[str]) -> t.Iterator[str]:
    hostname, identity = plain_hostname(instance, keys), instance["id"]
    yield hostname
    yield f"{hostname}_{_safe(identity)}"
    # Needed only where somebody's name is made to look like another's name and id.
    digest = hashlib.sha256(identity.encode()).hexdigest()
    for length in range(8, len(digest) + 1):
        yield f"{hostname}_{_safe(identity)}_{digest[:length]}"


def _safe(text: str) -> str:
    text = _MEANINGFUL.sub("_", text)
    if text in (".", ".."):
        return "_" * len(text)
    return text if text.isprintable() else "".join(character if character.isprintable() else "_" for character in text)
