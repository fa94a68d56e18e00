# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""What a language of reports consists of."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import MessageError, Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import milliseconds

from .texts import Catalogue, quoted, text

if t.TYPE_CHECKING:
    from .rows import Row


class Language(t.NamedTuple):
    """A catalogue of texts, and the forms of numbers and dates."""

    tag: str  # of HTML
    reasons: Catalogue
    words: t.Mapping[str, str]
    attributes: t.Mapping[str, str]
    thousands: str
    decimal: str
    date: str  # with the fields year, month, day and clock

    def number(self, value: float) -> str:
        """Return a number; if it is not an integer, with one decimal."""
        digits = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        return digits.translate({ord(","): self.thousands, ord("."): self.decimal})

    def time(self, iso_8601: str) -> str:
        """Return a time in UTC as people read it, to the minute."""
        if milliseconds(iso_8601) is None:
            return iso_8601
        year, month, day = iso_8601[:10].split("-")
        return self.date.format(year=year, month=month, day=day, clock=iso_8601[11:16])

    def attribute(self, name: t.Optional[str], kind: str = "") -> str:
        """Return the name of an attribute, or of the kind of a row without one."""
        if name is None:
            return self.words[f"kind_{kind}"]
        return self.attributes.get(name, name)

    def note(self, row: Row) -> str:
        """Return the note of a row."""
        return self._text(row["reason"]) or row["note"] or ""

    def could_not_run(self, account: t.Mapping[str, t.Any]) -> t.Optional[str]:
        """Return why an account could not be audited, or None if this is not known in this language."""
        reason = account["reason"]  # any module's result can have this key
        found = self._text(reason) if _is_reason(reason) and reason["code"] != MessageError.code else None
        return f"{self.words['could_not_run']}: {found}" if found else None

    def actual(self, row: Row) -> str:
        """Return the value that an instance has."""
        return "" if row["kind"] in ("missing", "unmanaged") else self.value(row["actual"], self.words["and"])

    def expected(self, row: Row) -> str:
        """Return the value that an instance must have."""
        if row["kind"] in ("missing", "unmanaged"):
            return ""
        template = self.words.get(f"expected_{row['attribute']}", "{}")
        return template.format(self.value(row["expected"], self.words["or"]))

    def _text(self, reason: t.Any) -> t.Optional[str]:
        """Return the text of a reason of a result. One of another version can be unknown to this catalogue."""
        try:
            return text(_reason(reason), self.reasons) if reason else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def value(self, value: t.Any, conjunction: str = "") -> str:
        """Return a value of an attribute. With a conjunction, a list is a text of its items."""
        if conjunction and isinstance(value, list) and value:
            return f" {conjunction} ".join(map(quoted, value))
        return self.words.get(f"value_{json.dumps(value)}", "") or quoted(value)


def _reason(value: t.Any) -> Reason:
    """Return a reason from its form in results."""
    values = {name: _reason(item) if _is_reason(item) else item for name, item in value["values"].items()}
    return Reason(value["code"], values)


def _is_reason(value: t.Any) -> bool:
    return isinstance(value, dict) and set(value) == {"code", "values"}
