# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The hostnames of instances: safe and unique, and independent of the order of the fleet."""

from __future__ import annotations

import hashlib
import itertools
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# They have a meaning in host patterns, in --limit or in templates; slashes would lead out of host_vars/.
_MEANINGFUL = re.compile(r"[\s,:&!~*?\[\]{}@/\\]")


class Hostnames:
    """The hostname of each instance of a fleet, by its ID.

    If the hostname is ``taken``, or two instances want the same one, the ID is added. Then neither of them gets the hostname itself,
    so the result does not depend on their order. There is always another name.
    """

    def __init__(self, fleet: Iterable[t.Mapping[str, t.Any]], keys: Sequence[str], taken: Iterable[str]) -> None:
        self._candidates = {instance["id"]: _candidates(instance, keys) for instance in fleet}
        self._names: dict[str, str] = {}
        # The ID of the instance with a name; None if no instance may have it.
        self._owners: dict[str, str | None] = dict.fromkeys(taken)
        self._settle(list(self._candidates))

    def __getitem__(self, identity: str) -> str:
        return self._names[identity]

    def rename(self, taken: Collection[str]) -> set[str]:
        """Rename the instances whose names are ``taken`` by now. Returns the IDs of all instances that have a new name."""
        losers = [owner for owner in map(self._owners.get, taken) if owner is not None]
        self._owners.update(dict.fromkeys(taken))
        return self._settle(losers)

    def _settle(self, waiting: list[str]) -> set[str]:
        """Give the ``waiting`` instances their next names, and also the instances that want the same names."""
        named = set(waiting)
        while waiting:
            identity = waiting.pop()
            name = next(self._candidates[identity])
            if name not in self._owners:
                self._owners[name] = identity
                self._names[identity] = name
                continue
            waiting.append(identity)
            rival, self._owners[name] = self._owners[name], None
            if rival is not None:
                waiting.append(rival)
                named.add(rival)
        return named


def plain_hostname(instance: t.Mapping[str, t.Any], keys: Sequence[str]) -> str:
    """Return the hostname from the first of ``keys`` that has a value, or from the ID."""
    values = (instance.get(key) for key in (*keys, "id"))
    return next(_safe(str(value)) for value in values if value not in (None, "") and not isinstance(value, (dict, list)))


def _candidates(instance: t.Mapping[str, t.Any], keys: Sequence[str]) -> t.Iterator[str]:
    hostname, identity = plain_hostname(instance, keys), instance["id"]
    yield hostname
    yield f"{hostname}_{_safe(identity)}"
    # Needed only if a name looks like the name and the ID of another instance.
    digest = hashlib.sha256(identity.encode()).hexdigest()
    for length in range(8, len(digest) + 1):
        yield f"{hostname}_{_safe(identity)}_{digest[:length]}"
    for number in itertools.count(2):
        yield f"{hostname}_{_safe(identity)}_{digest}_{number}"


def _safe(text: str) -> str:
    text = _MEANINGFUL.sub("_", text)
    if text in (".", ".."):
        return "_" * len(text)
    return text if text.isprintable() else "".join(character if character.isprintable() else "_" for character in text)
