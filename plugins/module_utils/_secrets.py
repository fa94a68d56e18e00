# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""How secrets are masked. Called at two exits only: when `_report` makes a result, and when a request error is made.

Two kinds of secrets: those that are known (`Secrets`), wherever they are, and those that a URL carries in known places or in
path segments that look random (`mask_url`).
"""

from __future__ import annotations

import json
import re
import typing as t
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ._core.urls import MASK

_MIN_MIXED_RUN = 12  # characters of a random run that mixes letters and digits
_MIN_RUN = 24  # characters of any random run
_RUN = re.compile(r"[^-_.~]+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.I)
# Also in what is not a URL because a password has one of /?# in it: what follows the colon is not a port. The length is limited so
# that a hostile text takes no time.
_USERINFO = re.compile(r"(?<=://)(?:[^\s/?#]*@|[^\s/?#@\[]*:(?!\d*(?:[/?#\s]|$))\S{0,500}@)")
_PLACEHOLDERS = frozenset(("{id}", "{name}", "{any}"))
_MAX_SEARCHED = 16  # secrets of one length that are searched one by one
_MIN_SECRET = 4  # shorter values of fields such as tokenType are words
_MAX_QUOTE = 300  # characters of a server's words in a message


class Secrets:
    """The known secrets of a run. Finds them as they are, percent-encoded and JSON-escaped."""

    def __init__(self, secrets: t.Iterable[t.Optional[str]] = ()) -> None:
        by_length: dict[int, set[str]] = {}
        for secret in secrets:
            if secret and len(secret) >= _MIN_SECRET:
                by_length.setdefault(len(secret), set()).add(secret)
                if not (secret.isascii() and secret.isalnum()):
                    for form in (quote(secret, safe=""), json.dumps(secret)[1:-1]):
                        by_length.setdefault(len(form), set()).add(form)
        self._matchers = [_matcher(by_length[length]) for length in sorted(by_length, reverse=True)]

    def mask(self, text: str) -> str:
        """Return the text with ``***`` for each known secret."""
        for mask in self._matchers:
            text = mask(text)
        return text


class Mask(t.NamedTuple):
    """What a result may show: no known secret, and no secret of a URL unless ``show_url_secrets``."""

    secrets: Secrets
    show_url_secrets: bool = False

    def text(self, text: str) -> str:
        """Return a text without known secrets."""
        return self.secrets.mask(text)

    def url(self, url: str, readable: t.Sequence[str] = ()) -> str:
        """Return a URL as it may be shown; see `mask_url`."""
        return self.secrets.mask(url if self.show_url_secrets else mask_url(url, readable))

    def value(self, value: t.Any) -> t.Any:
        """Return a JSON value without known secrets, keys included."""
        if isinstance(value, str):
            return self.secrets.mask(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, (list, tuple)) else value


def mask_url(url: str, readable: t.Sequence[str] = ()) -> str:
    """Return the URL with ``***`` for its userinfo, query values, fragment and path segments that look random.

    ``readable`` are the instance's own ID and name, which stay readable in the path. A text that cannot be split into scheme, host
    and path is shown as ``***``.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return MASK
    if not parts.scheme or not host or not url.lower().startswith(f"{parts.scheme}://") or "\\" in parts.netloc:
        return MASK
    authority = parts.netloc.rpartition("@")[2]
    if port is None and authority.endswith(":"):
        return MASK
    netloc = f"{MASK}@{authority}" if "@" in parts.netloc else authority
    path = "/".join(_mask_segment(segment, readable) for segment in parts.path.split("/"))
    query = "&".join(_mask_parameter(parameter) for parameter in parts.query.split("&")) if parts.query else ""
    return urlunsplit((parts.scheme, netloc, path, query, MASK if parts.fragment else ""))


def mask_userinfo(text: str) -> str:
    """Return a text with ``***`` for the user name and password of each URL in it; everything else stays."""
    return _USERINFO.sub(f"{MASK}@", text) if "://" in text and "@" in text else text


def looks_random(text: str) -> bool:
    """Return whether a path segment, decoded, looks like a secret: a long run, or a shorter one that mixes letters and digits."""
    if len(text) < _MIN_MIXED_RUN:
        return False
    for run in _RUN.findall(text):
        is_mixed = any(map(str.isalpha, run)) and any(map(str.isdigit, run))
        if len(run) >= (_MIN_MIXED_RUN if is_mixed else _MIN_RUN):
            return True
    return False


def quote_server(text: str, secrets: Secrets) -> str:
    """Return words that a server or a library chose as one line of limited length, without secrets."""
    masked = _URL.sub(lambda match: mask_url(match[0]), secrets.mask(text))
    line = " ".join("".join(character if character.isprintable() else " " for character in masked).split())
    return line if len(line) <= _MAX_QUOTE else f"{line[:_MAX_QUOTE]}…"


def _mask_segment(segment: str, readable: t.Sequence[str]) -> str:
    decoded = unquote(segment)
    if not looks_random(decoded):
        return segment
    rest = decoded
    for own in sorted(filter(None, readable), key=len, reverse=True):
        rest = rest.replace(own, "\0")
    pieces = rest.split("\0")
    return MASK if len(pieces) == 1 or any(map(looks_random, pieces)) else segment


def _mask_parameter(parameter: str) -> str:
    key, equals, value = parameter.partition("=")
    if not equals:
        return MASK if parameter else ""
    return f"{_mask_segment(key, ())}={value if value in _PLACEHOLDERS else MASK}"


def _matcher(secrets: set[str]) -> t.Callable[[str], str]:
    """Return a function that masks secrets of one length."""
    if len(secrets) <= _MAX_SEARCHED:
        ordered = sorted(secrets)

        def mask(text: str) -> str:
            for secret in ordered:
                if secret in text:
                    text = text.replace(secret, MASK)
            return text

        return mask

    length = len(next(iter(secrets)))
    # A secret can only be inside a run of the characters that these secrets consist of.
    characters = "".join(sorted(set().union(*secrets)))
    runs = re.compile(f"[{re.escape(characters)}]{{{length},}}")

    def mask_run(match: re.Match[str]) -> str:
        run = match[0]
        parts, start, position = [], 0, 0
        while position <= len(run) - length:
            if run[position : position + length] in secrets:
                parts += [run[start:position], MASK]
                start = position = position + length
            else:
                position += 1
        return "".join([*parts, run[start:]]) if parts else run

    return lambda text: runs.sub(mask_run, text)
