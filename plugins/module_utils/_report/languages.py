# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The languages of reports for people. A language is one catalogue: texts of reasons, words, names of attributes, and forms."""

from __future__ import annotations

import typing as t

from .language_en import ENGLISH
from .language_pt_br import PORTUGUESE

if t.TYPE_CHECKING:
    from .language import Language

LANGUAGES: t.Mapping[str, Language] = {"en": ENGLISH, "pt_BR": PORTUGUESE}
