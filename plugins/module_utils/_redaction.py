# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Where secrets are kept from the user's eyes.

Two kinds of text need it: webhook URLs, which carry secrets in known places (`mask_url`), and words that somebody else
chose, such as a server's error message, which may carry one anywhere (`quote`).
"""

from __future__ import annotations

import base64
import re
import typing as t
from urllib.parse import quote as percent_encode

MASK = "***"

_SCHEME = re.compile(r"([^/?#@]*//)?")
_AUTHORITY = re.compile(r"[^/?#]*")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d+)?")
_PARAMETER = re.compile(r"[^&;]+")

_URL_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s\"'<>]+")
# "token: x", "token=x", "/token/x", and "Bearer x" where x does not look like a word of the sentence.
_CREDENTIAL = re.compile(
    r"((?i:token|bearer|basic|secret|passw(?:or)?d|pwd|api[-_ ]?key|authorization)(?:[\"'\s]*[:=/]+[\"'\s]*|[\"'\s]+(?=\S*[A-Z\d])))"
    r"((?i:bearer |basic )?[^\s\"',;&}]+)"
)
_RUN = re.compile(r"[\w.~+/=%-]{16,}", re.A)
_LONGEST_READ = 1000
_LONGEST_QUOTE = 200


def mask_url(url: str) -> str:
    """Return the URL with its userinfo and the values of its query (and its fragment) replaced by ``***``.

    Any text will do: where it is no proper URL, more is masked rather than less.
    """
    start = t.cast("re.Match[str]", _SCHEME.match(url)).end()
    scheme, rest = url[:start], url[start:]
    authority = t.cast("re.Match[str]", _AUTHORITY.match(rest)).group()
    end = authority.rfind("@") + 1
    if not _HOST.fullmatch(authority[end:]):
        # Not a host yet: a password with a raw "/", "?" or "#" in it ends at some later "@".
        end = rest.rfind("@") + 1
    rest = (f"{MASK}@" if end else "") + rest[end:]
    rest, hash_sign, _fragment = rest.partition("#")
    rest, question_mark, query = rest.partition("?")
    query = _PARAMETER.sub(_mask_parameter, query)
    return f"{scheme}{rest}{question_mark}{query}" + (f"#{MASK}" if hash_sign else "")


def _mask_parameter(match: re.Match[str]) -> str:
    key, equals, _value = match.group().partition("=")
    return f"{key}={MASK}" if equals else MASK


def mask_value(value: t.Any) -> t.Any:
    """Return the value with every URL in it masked, at any depth of lists and dictionaries."""
    if isinstance(value, str):
        return mask_url(value)
    if isinstance(value, dict):
        return {key: mask_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_value(item) for item in value]
    return value


def quote(text: str, secrets: t.Iterable[str] = ()) -> str:
    """Return somebody else's words fit for an error message: one line, shortened, without secrets.

    ``secrets`` are the known ones; whatever else looks like a credential goes as well.
    """
    for secret in secrets:
        for form in _written_forms(secret):
            text = text.replace(form, MASK)
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())[:_LONGEST_READ]
    text = _URL_IN_TEXT.sub(lambda match: mask_url(match.group()), text)
    text = _CREDENTIAL.sub(rf"\1{MASK}", text)
    text = _RUN.sub(lambda match: MASK if _is_opaque(match.group()) else match.group(), text)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def _is_opaque(run: str) -> bool:
    """Whether a long run of characters is mixed as no word is, or longer than any word."""
    return len(run) >= 32 or (any(map(str.isdigit, run)) and any(map(str.isalpha, run)))


def _written_forms(secret: str) -> list[str]:
    """The secret as it is, and as servers and proxies may write it."""
    raw = secret.encode("utf-8", "replace")
    forms = {secret, percent_encode(secret, safe="")}
    forms.update(encode(raw).decode("ascii").rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode))
    return sorted((form for form in forms if form), key=len, reverse=True)
