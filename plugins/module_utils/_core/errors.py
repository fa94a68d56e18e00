# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The exceptions of the engine. Each carries a reason: a code with values, from which `_report` makes the text."""

from __future__ import annotations

import enum
import typing as t


class Reason(t.NamedTuple):
    """Why a row drifts, a call failed or a run stopped. ``code`` is a key of the catalogue in `_report.texts`."""

    code: str
    values: t.Mapping[str, t.Any] = {}


class Scope(enum.Enum):
    """What a failed request says about other requests."""

    INSTANCE = "instance"  # every call of this instance fails: its ID or token is rejected, or its subscription has lapsed
    CALL = "call"  # the server rejects what this call asks for, and would reject it again
    ALL = "all"  # every call fails: the Client-Token, this machine's IP address, or a wrong path
    UNKNOWN = "unknown"  # no usable answer; another attempt may succeed


class ZapiError(Exception):
    """Base class. ``reason`` holds no secret and no unmasked word of a server."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code, dict(reason.values))
        self.reason = reason


class MessageError(ZapiError):
    """An error with a text of its own: one line that names the option and says what to do."""

    code = "message"

    def __init__(self, message: str) -> None:
        super().__init__(Reason(self.code, {"message": message}))

    def __str__(self) -> str:
        return str(self.reason.values["message"])


class OptionError(MessageError):
    """An option has an invalid value."""


class ExpectationError(MessageError):
    """The expectations have mistakes."""


class RequestError(ZapiError):
    """A request got no usable answer. ``scope`` says what that means for other requests."""

    def __init__(self, reason: Reason, scope: Scope = Scope.UNKNOWN) -> None:
        super().__init__(reason)
        self.scope = scope


class ListingError(ZapiError):
    """The pages of the server do not add up to a complete listing."""
