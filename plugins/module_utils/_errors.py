# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The one family of exceptions that the engine raises."""

from __future__ import annotations


class ZapiError(Exception):
    """Anything that goes wrong, told in one line that a user can act on and that holds no secret."""


class OptionError(ZapiError):
    """An option has a value that can't be used."""


class RequestError(ZapiError):
    """A request got no usable answer."""


class RefusedCredential(RequestError):
    """The server knows no instance with this id and this token."""


class RefusedCall(RequestError):
    """The server refuses what one call asks for: it would refuse it again."""


class RefusedForAll(RequestError):
    """The server refuses a call for a reason that holds for every instance: the Client-Token, or this machine's address."""


class ListingError(ZapiError):
    """The server's pages do not add up to a complete listing."""


class ExpectationError(ZapiError):
    """The declared expectations have a mistake."""
