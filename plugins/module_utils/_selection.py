# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Which instances are meant: by id, by name, by a pattern of names, by type. One place for lookup, modules and expectations."""

from __future__ import annotations

import re
import typing as t
import unicodedata
from difflib import get_close_matches
from fnmatch import translate

from ._errors import OptionError

if t.TYPE_CHECKING:
    from ._instance import Instance

# As fnmatch sees it: a bracket that is never closed is just a bracket.
_PATTERN = re.compile(r"[*?]|\[(?:!.|[^!])[^\]]*\]", re.S)


def composed(name: str) -> str:
    """Return a name as names are compared: an accent is the same one however a keyboard has put it together."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class Match(t.NamedTuple):
    """Conditions that all have to hold; None asks for nothing. Names are `composed`."""

    identity: t.Optional[str] = None
    name: t.Optional[str] = None  # exact
    pattern: t.Optional[re.Pattern[str]] = None  # of the name
    middleware: t.Optional[str] = None

    def holds(self, instance: Instance, name: str) -> bool:
        """Whether the instance, whose name composed is ``name``, is one of those that are meant."""
        return (
            (self.identity is None or self.identity == instance["id"])
            and (self.name is None or self.name == name)
            and (self.pattern is None or self.pattern.match(name) is not None)
            and (self.middleware is None or self.middleware == instance["middleware"])
        )


def match_of(conditions: t.Mapping[str, str]) -> Match:
    """Return what an expectation's ``match`` means: ``id`` and ``middleware`` are exact, ``name`` is exact or a shell pattern."""
    name = conditions.get("name")
    name = None if name is None else composed(name)
    pattern = re.compile(translate(name)) if name is not None and _PATTERN.search(name) else None
    return Match(conditions.get("id"), None if pattern else name, pattern, conditions.get("middleware"))


def select(fleet: t.Iterable[Instance], terms: t.Sequence[str]) -> tuple[list[Instance], list[str]]:
    """Return the instances that bear the terms, ids or exact names, in the order of the terms, and the terms that nobody bears."""
    bearers: dict[str, dict[str, Instance]] = {}
    for instance in fleet:
        for term in (instance["id"], composed(instance["name"])):
            bearers.setdefault(term, {})[instance["id"]] = instance
    # An instance keeps the place of the first term that it bears.
    selected: dict[str, Instance] = {}
    for term in terms:
        selected.update(bearers.get(composed(term), {}))
    return list(selected.values()), [term for term in terms if composed(term) not in bearers]


def refuse_unborne(terms: t.Iterable[str], more: str = "") -> None:
    """Refuse terms of ``only`` that no instance bears, where there are any. Raises `OptionError`."""
    unborne = sorted(set(terms))
    if unborne:
        raise OptionError(f"only names what no instance has as its ID or name: {', '.join(map(repr, unborne))}{more}")


def nearest(pattern: str, names: t.Iterable[str]) -> t.Optional[str]:
    """Return the name that a shell pattern, which fits none of them, was probably meant to fit: the first that is most like it."""
    wanted = _folded(pattern)
    folded = {_folded(name): name for name in reversed(list(names))}
    loose = re.compile(translate(wanted))
    for key in reversed(folded):
        if loose.match(key):
            return folded[key]
    literal = re.sub(r"[*?\[\]]", "", wanted)
    beginnings = {key[: len(literal)]: key for key in folded}
    near = get_close_matches(literal, beginnings, n=1) or get_close_matches(literal, folded, n=1)
    return folded[beginnings.get(near[0], near[0])] if near else None


def _folded(name: str) -> str:
    """Return a name without what a typing error is often about: case, accents and blanks."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return "".join(plain.split())
