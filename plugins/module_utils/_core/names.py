# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""How names are compared, and the nearest existing name for one that does not exist."""

from __future__ import annotations

import re
import typing as t
import unicodedata
from difflib import get_close_matches
from fnmatch import translate

_PATTERN = re.compile(r"[*?]|\[(?:!.|[^!])[^\]]*\]", re.S)  # as fnmatch reads it: a bracket that is never closed is a plain bracket

_BRACKETS = re.compile(r"[*?\[\]]")


def nfc(name: str) -> str:
    """Return a name in Unicode's composed form, in which names are compared: keyboards write accents in two ways."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def is_pattern(name: str) -> bool:
    """Return whether a name is a shell pattern."""
    return _PATTERN.search(name) is not None


def nearest(name: str, existing: t.Iterable[str]) -> t.Optional[str]:
    """Return the existing name that a name or shell pattern was probably meant to match, None if none is similar.

    Case, accents and white space do not count.
    """
    wanted = _folded(name)
    by_folded = {_folded(one): one for one in reversed(list(existing))}
    pattern = re.compile(translate(wanted))
    for folded in reversed(by_folded):
        if folded == wanted or pattern.match(folded):
            return by_folded[folded]
    # Brackets of a name such as "[SP] Loja" are a set of letters in a pattern.
    literal = _BRACKETS.sub("", wanted)
    by_beginning = {_BRACKETS.sub("", folded)[: len(literal)]: folded for folded in by_folded} if is_pattern(name) else {}
    near = get_close_matches(literal, by_beginning, n=1) or get_close_matches(literal, by_folded, n=1)
    return by_folded[by_beginning.get(near[0], near[0])] if near else None


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return "".join(plain.split())
