# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""How instances come to hostnames: safe ones, one for each, the same whatever the order of the fleet."""

from __future__ import annotations

import hashlib
import itertools
import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance

# They have a meaning in host patterns, in --limit or in templates; the slashes would lead out of host_vars/.
_MEANINGFUL = re.compile(r"[\s,:&!~*?\[\]{}@/\\]")


class Hostnames:
    """The hostname of each instance of a fleet, by its id.

    Where the hostname is ``taken``, or two instances would share it, theirs is followed by their id. What two would like to be
    called, nobody is called: so it does not matter who comes first. There is always another name.
    """

    def __init__(self, fleet: Iterable[Instance], keys: Sequence[str], taken: Iterable[str]) -> None:
        self._candidates = {instance["id"]: _candidates(instance, keys) for instance in fleet}
        self._names: dict[str, str] = {}
        # Who bears a name; None where nobody may.
        self._bearers: dict[str, str | None] = dict.fromkeys(taken)
        self._settle(list(self._candidates))

    def __getitem__(self, identity: str) -> str:
        return self._names[identity]

    def give_way(self, taken: Collection[str]) -> set[str]:
        """Rename all whose names are ``taken`` by now. Returns the ids of all that were renamed because of that."""
        losers = [bearer for bearer in map(self._bearers.get, taken) if bearer is not None]
        self._bearers.update(dict.fromkeys(taken))
        return self._settle(losers)

    def _settle(self, waiting: list[str]) -> set[str]:
        """Give those who are ``waiting`` their next names, and those whom they drive out of theirs."""
        named = set(waiting)
        while waiting:
            identity = waiting.pop()
            name = next(self._candidates[identity])
            if name not in self._bearers:
                self._bearers[name] = identity
                self._names[identity] = name
                continue
            waiting.append(identity)
            rival, self._bearers[name] = self._bearers[name], None
            if rival is not None:
                waiting.append(rival)
                named.add(rival)
        return named


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
    for number in itertools.count(2):
        yield f"{hostname}_{_safe(identity)}_{digest}_{number}"


def _safe(text: str) -> str:
    text = _MEANINGFUL.sub("_", text)
    if text in (".", ".."):
        return "_" * len(text)
    return text if text.isprintable() else "".join(character if character.isprintable() else "_" for character in text)
