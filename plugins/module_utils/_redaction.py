# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Where secrets are kept from the user's eyes.

There are three kinds: the secrets that a URL carries in known places (`mask_url`, `mask_text`, `mask_value`), a secret that is
known, wherever it stands (`holds_secret`, `hide`), and words that somebody else chose, such as a server's error message, which
may hold either and others (`quote`).
"""

from __future__ import annotations

import binascii
import re
import typing as t
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus, unquote

MASK = "***"

# URLs


def _written(character: str) -> str:
    """Match a character as it is, or percent-encoded, also several times over."""
    return f"(?:{re.escape(character)}|%(?:25){{0,9}}{ord(character):02x})"


_COLON, _SLASH, _AT = map(_written, ":/@")
_SCHEME = re.compile(r"([^/?#@%]*//)?")
_AUTHORITY = re.compile(r"[^/?#]*")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d+)?")
_PARAMETER = re.compile(r"[^&;]+")
_BETWEEN_URLS = re.compile(rf'([\s,;|"<>]+)(?=[a-z][a-z0-9+.-]{{0,20}}{_COLON}{_SLASH}{_SLASH})', re.I)

# Inside a path
_INNER_START = f"(?:{_COLON}{_SLASH}|{_SLASH}{_SLASH})"
_INNER_URL = re.compile(_INNER_START, re.I)
_INNER_QUERY = re.compile(f"{_written('?')}|{_written('#')}", re.I)
_INNER_AT = re.compile(_AT, re.I)
_INNER_USERINFO = re.compile(
    # What is no host and port yet is a password with a slash in it, and ends at some later "@".
    f"({_INNER_START})(?:(?!{_SLASH}|{_COLON}|{_AT}).)*{_COLON}(?!\\d*(?:{_SLASH}|$)).*(?={_AT}$)"
    f"|({_INNER_START})(?:(?!{_SLASH}|{_written('?')}|{_written('#')}).)+(?={_AT})"
    f"|(^|{_SLASH})(?:(?!{_SLASH}|{_COLON}|{_AT}).)*{_COLON}(?:(?!{_SLASH}).)*(?={_AT})",
    re.I | re.S,
)
# Its end is cut off with the outer URL's query.
_INNER_PASSWORD = re.compile(
    f"({_COLON}{_SLASH}{_SLASH}?(?:(?!{_SLASH}|{_COLON}|{_AT}).)*{_COLON})(?!\\d*(?:{_SLASH}|$))(?:(?!{_SLASH}).)+", re.I | re.S
)


def mask_url(url: str, readable: t.Sequence[str] = ()) -> str:
    """Return the URL with its userinfo and the values of its query (and its fragment) replaced by ``***``.

    Any text will do: where it is no proper URL, more is masked rather than less. The path stays readable, but for URLs in it.
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
    return f"{scheme}{_mask_inside(rest)}{question_mark}{query}" + (f"#{MASK}" if hash_sign else "")


def _mask_parameter(match: re.Match[str]) -> str:
    key, equals, _value = match.group().partition("=")
    return f"{_mask_inside(key)}={MASK}" if equals else MASK


def _mask_inside(path: str) -> str:
    """Mask what a URL within a path has of userinfo and query, percent-encoded or not."""
    if not any(sign in path for sign in ("@", "%", ":/")):
        return path
    ends = [match.end() for match in _INNER_AT.finditer(path)]
    if ends:
        # Nothing after the last "@" is userinfo; not to look there keeps this linear.
        before, after = path[: ends[-1]], path[ends[-1] :]
        path = _INNER_USERINFO.sub(lambda match: "".join(filter(None, match.groups())) + MASK, before) + after
    path = _INNER_PASSWORD.sub(rf"\1{MASK}", path)
    url = _INNER_URL.search(path)
    query = _INNER_QUERY.search(path, url.end()) if url else None
    return path[: query.end()] + MASK if query else path


def mask_text(text: str) -> str:
    """Return the text with every URL in it masked as by `mask_url`."""
    if not any(sign in text for sign in "@?#%"):
        return text
    pieces = _BETWEEN_URLS.split(text)
    pieces[::2] = map(mask_url, pieces[::2])
    return "".join(pieces)


def mask_value(value: t.Any) -> t.Any:
    """Return the value with every URL in it masked, at any depth of lists and dictionaries, keys included."""
    return _with_each_text(value, mask_text)


def _with_each_text(value: t.Any, change: t.Callable[[str], str]) -> t.Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        changed: dict[t.Any, t.Any] = {}
        alike: dict[t.Any, int] = {}
        for key, item in value.items():
            name = shown = change(key) if isinstance(key, str) else key
            while name in changed:  # which masking made of another key
                alike[shown] = alike.get(shown, 1) + 1
                name = f"{shown} ({alike[shown]})"
            changed[name] = _with_each_text(item, change)
        return changed
    if isinstance(value, (list, tuple)):
        return [_with_each_text(item, change) for item in value]
    return value


# Known secrets

_SHORTEST_SECRET = 4  # a shorter one is any word
_MOST_LAYERS = 5

_BLANKS = bytes(range(0x21)) + b"\x7f\\"  # and what may escape the next character
_NO_PART = _BLANKS + bytes(range(0x80, 0x100))  # of a secret in ASCII
_FOLDED = bytes(range(256)).lower().translate(bytes.maketrans(b"-_", b"+/"))  # one case, and one alphabet of base64
_INVISIBLE = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]+"
)
_BACKSLASHED = re.compile(r"\\(?:u\{0*([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([0-7]{3})|[nrt]|)", re.I)
_BACKSLASHED_BASES = (16, 16, 16, 8)
_LONG_BACKSLASHED = re.compile(r"\\U([0-9a-fA-F]{8})")
_ENTITY = re.compile(r"&(?:#x0*([0-9a-f]{1,6})|#0*([0-9]{1,7})|([a-z][a-z0-9]{1,31}));?", re.I)
_PERCENT_U = re.compile("%u([0-9a-f]{4})", re.I)


def holds_secret(text: str, secret: t.Optional[str]) -> bool:
    """Whether the secret stands in the text, however it is written: in another case, escaped, encoded, broken into lines.

    It is meant for one call for each instance of a fleet: texts can be joined, with a line break for instance.
    """
    if not secret or len(secret) < _SHORTEST_SECRET:
        return False
    return _holds(text, secret)


def _holds(text: str, secret: str) -> bool:
    is_ascii = secret.isascii()
    raw = secret.encode("utf-8", "ignore")
    plain, hexadecimal = _bare(secret, is_ascii), binascii.hexlify(raw)
    first, second, third = _base64_forms(raw)
    try:
        for layer in _unescaped(text):
            bare = _bare(layer, is_ascii)
            if plain in bare or hexadecimal in bare or first in bare or second in bare or third in bare:
                return True
    except _WrappedTooOften:
        return True
    return False


def _bare(text: str, is_ascii: bool) -> bytes:
    """Return the text in one case, without anything that can hide a secret by standing between its characters."""
    if is_ascii:
        # Whatever is left out here with the blanks is no part of the secret.
        return text.encode("utf-8", "ignore").translate(_FOLDED, _NO_PART)
    return _INVISIBLE.sub("", text).lower().encode("utf-8", "ignore").translate(_FOLDED, _BLANKS)


def _base64_forms(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what base64 makes of these bytes wherever they begin, but for the characters that their neighbours have a part in.

    They are in one case, as `_bare` makes them: nothing else looks like them by chance.
    """
    bits = len(raw) * 8
    return (
        binascii.b2a_base64(raw, newline=False)[: bits // 6].lower(),
        binascii.b2a_base64(b"x" + raw, newline=False)[2 : (bits + 8) // 6].lower(),
        binascii.b2a_base64(b"xx" + raw, newline=False)[3 : (bits + 16) // 6].lower(),
    )


def _unescape_backslashes(text: str) -> str:
    text = re.sub(r"\\{2,}", r"\\", text)
    text = _LONG_BACKSLASHED.sub(lambda match: _character(match[1], 16), text)
    return _BACKSLASHED.sub(_backslashed, text)


def _unescape_entities(text: str) -> str:
    return _ENTITY.sub(_entity, re.sub("&(?:amp;)+", "&", text))


def _unescape_percents(text: str) -> str:
    return unquote(re.sub("%(?:25)+", "%", text), errors="ignore")


def _unescape_percent_u(text: str) -> str:
    return _PERCENT_U.sub(lambda match: _character(match[1], 16), text)


# Each undoes one layer of its kind, or all of them where they repeat only themselves.
_ESCAPES = (("\\", _unescape_backslashes), ("&", _unescape_entities), ("%", _unescape_percent_u), ("%", _unescape_percents))


def _unescaped(text: str) -> t.Iterator[str]:
    """Yield the text, and what it becomes while it is unescaped layer by layer."""
    yield text
    for _layer in range(_MOST_LAYERS):
        before = text
        for sign, unescape_one in _ESCAPES:
            if sign in text:
                text = unescape_one(_INVISIBLE.sub("", text))
                yield text
        if text == before:
            return
    raise _WrappedTooOften


class _WrappedTooOften(Exception):
    """A text is escaped in more layers than anybody honest would use."""


def _backslashed(match: re.Match[str]) -> str:
    group = match.lastindex
    return _character(match[group], _BACKSLASHED_BASES[group - 1]) if group else ""


def _entity(match: re.Match[str]) -> str:
    if match[3]:
        named = unescape(f"&{match[3]};")
        return match[0] if named.endswith(";") else named
    return _character(match[1], 16) if match[1] else _character(match[2], 10)


def _character(digits: str, base: int) -> str:
    code = int(digits, base)
    return chr(code) if code <= 0x10FFFF else ""


def hide(value: t.Any, secret: t.Optional[str]) -> t.Any:
    """Return the value with ``***`` for the secret, at any depth of lists and dictionaries, keys included.

    Where the secret shows only after unescaping a text, or after taking white space out, all of the text is replaced.
    """
    if not secret or len(secret) < _SHORTEST_SECRET:
        return value

    def hidden(text: str) -> str:
        if not holds_secret(text, secret):
            return text
        text = _plain_forms(secret).sub(MASK, text)
        return MASK if holds_secret(text, secret) else text

    return _with_each_text(value, hidden)


def without_secrets(value: t.Any, secrets: t.Iterable[t.Optional[str]], text: str) -> t.Any:
    """Hide the secrets in a value, all of whose texts are in ``text``: looked through once, there is mostly nothing to hide."""
    for secret in secrets:
        if holds_secret(text, secret):
            value = hide(value, secret)
    return value


@lru_cache(maxsize=64)
def _plain_forms(secret: str) -> re.Pattern[str]:
    """Match the secret where it can be replaced in place: as it is, percent-encoded as usual, in hex and in base64."""
    raw = secret.encode("utf-8", "ignore")
    base64 = [form.decode("ascii") for form in _base64_forms(raw)]
    forms = {secret, percent_encode(secret, safe=""), percent_encode(secret), quote_plus(secret), raw.hex(), *base64}
    forms.update(form.replace("+", "-").replace("/", "_") for form in base64)
    longest_first = sorted(filter(None, forms), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.I)


# Somebody else's words

_URL_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s\"'<>]+")
# "token: x", "token=x", "/token/x", and "Bearer x" where x does not look like a word of the sentence.
_CREDENTIAL = re.compile(
    r"((?i:token|bearer|basic|secret|passw(?:or)?d|pwd|api[-_ ]?key|authorization)(?:[\"'\s]*[:=/]+[\"'\s]*|[\"'\s]+(?=\S*[A-Z\d])))"
    r"((?i:bearer |basic )?[^\s\"',;&}]+)"
)
_RUN = re.compile(r"[\w.~+/=%-]{16,}", re.A)
_LONGEST_READ = 1000
_LONGEST_QUOTE = 200
_LONGEST_ESCAPE = 16  # how many characters may stand for one of a secret


def quote(text: str, secrets: t.Iterable[str] = ()) -> str:
    """Return somebody else's words fit for an error message: one line, shortened, without secrets.

    ``secrets`` are the known ones; whatever else looks like a credential goes as well. Where a known one is written so that it
    can't be replaced in place, nothing is quoted: the result is empty.
    """
    secrets = [secret for secret in secrets if secret]
    # Read on for as long as a secret can be that begins in what is quoted, and leave that out again: half a secret might be there.
    beyond = _LONGEST_ESCAPE * max(map(len, secrets), default=0)
    is_cut = len(text) > _LONGEST_READ + beyond
    text = text[: _LONGEST_READ + beyond]
    for secret in secrets:
        text = _plain_forms(secret).sub(MASK, text)
    if any(holds_secret(text, secret) for secret in secrets):
        return ""
    if is_cut:
        text = text[: max(0, len(text) - beyond)]
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    if is_cut or len(text) > _LONGEST_READ:
        text = text[:_LONGEST_READ].rpartition(" ")[0]  # the last word may be half a credential
    text = _URL_IN_TEXT.sub(lambda match: mask_text(match.group()), text)
    text = _CREDENTIAL.sub(rf"\1{MASK}", text)
    text = _RUN.sub(lambda match: MASK if _is_opaque(match.group()) else match.group(), text)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def looks_random(segment: str) -> bool:
    """Whether a part of a path looks like a secret, and unlike the name of anything.

    That is a run without ``-``, ``_``, ``.`` and ``~`` which mixes 12 or more letters and digits, or is 24 or longer.
    """
    return any(
        len(run) >= 24 or (len(run) >= 12 and any(map(str.isdigit, run)) and any(map(str.isalpha, run)))
        for run in re.split(r"[-_.~]+", segment)
    )


def _is_opaque(run: str) -> bool:
    """Whether a long run of characters is mixed as no word is, or longer than any word."""
    return len(run) >= 32 or (any(map(str.isdigit, run)) and any(map(str.isalpha, run)))
