# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Where secrets are kept from the user's eyes.

There are three kinds: the secrets that a URL carries in known places, and in its path where it looks random (`mask_url`,
`mask_text`, `mask_value`), a secret that is known, wherever it stands (`holds_secret`, `hide`), and words that somebody else
chose, such as a server's error message, which may hold either and others (`quote`).
"""

from __future__ import annotations

import binascii
import re
import typing as t
from collections.abc import Mapping
from functools import lru_cache, partial
from html import unescape
from itertools import groupby
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus, unquote

MASK = "***"

# URLs


def _written(character: str) -> str:
    """Match a character as it is, or percent-encoded, also several times over."""
    return f"(?:{re.escape(character)}|%(?:25){{0,9}}{ord(character):02x})"


_COLON, _SLASH, _BACKSLASH, _AT = map(_written, ":/\\@")
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


# What looks random in a path
_SHORTEST_RANDOM = 12
_LONG_RUN = re.compile(rf"[^-_.~/]{{{_SHORTEST_RANDOM}}}")  # without one nothing looks random
_URL = re.compile(f"(?:https?{_COLON}|{_COLON}(?:{_SLASH}|{_BACKSLASH}))(?:{_SLASH}|{_BACKSLASH})", re.I)
_HOST_NAME = re.compile(r"(?:\*\*\*@)?(\[[^\]/\\%]*\]|[^]/\\%\s:;,=&+$!'()*@[]*)(?::\d{0,5}(?![^/\\\s]))?\\*")
_BETWEEN_WORDS = re.compile(r'([\s"<>]+)')
_SET_ASIDE = re.compile("\0(\\d+)\0")
_NESTED_HOST = re.compile(f"{_COLON}{_SLASH}({_SLASH})|{_SLASH}({_SLASH})(?=(?:\\*\\*\\*{_AT})?[\\w-]*\\.)", re.I)
_NESTED_PORT = re.compile(f"{_COLON}\\d{{1,5}}\\Z", re.I)
# A URL whose own slashes are encoded so many times may hold others, encoded once more, in a name or a secret.
_SEPARATORS = (re.compile("(/)"), *(re.compile(f"(%(?:25){{0,{times}}}2f)", re.I) for times in range(10)))
_ESCAPE = re.compile(rb"%(?:25)*([0-9a-f]{2})", re.I)
_PLACEHOLDERS = (b"{id}", b"{name}")
_WORD_BYTE = re.compile(rb"[0-9A-Za-z\x80-\xff]")
_CUTS = frozenset("-_.~;,:=+@!$&'() ")
_BY_NO_CHANCE, _MAYBE_BY_CHANCE = 1, 2


def mask_url(url: str, readable: t.Sequence[str] = ()) -> str:
    """Return the URL with ``***`` for its userinfo, the values of its query, its fragment, and what looks random in its path.

    ``readable`` are an instance's id and name: they stay readable in the path, however they are percent-encoded. So do hosts,
    and the placeholders ``{id}`` and ``{name}``. Any text will do: where it is no proper URL, more is masked rather than less.
    """
    mask_segments = partial(_mask_segments, readable=_decoded_all(readable))
    return _mask(url, readable, mask_segments, mask_segments)


def _mask(url: str, readable: t.Sequence[str], mask_random: t.Callable[[str], str], mask_name: t.Callable[[str], str]) -> str:
    """Mask the URL; ``mask_random`` is for what looks random in the path, ``mask_name`` in the names of parameters."""
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
    rest, aside = _set_aside(rest, readable)
    rest = _mask_inside(rest)
    if "\\" in scheme:
        scheme = mask_random(scheme)  # which may hold a path, with backslashes for slashes
    # "host//secret" is no scheme and host.
    has_host = scheme in ("", "//") or scheme.endswith("://")
    host = t.cast("re.Match[str]", _HOST_NAME.match(rest))
    if (end > len(authority) or "\\" in authority) and (looks_random(host[1]) or rest.startswith("%", host.end())):
        has_host = False  # The "@" that ended a password may have been one of the path.
    path = host.end() if has_host else 0
    rest = rest[:path] + mask_random(rest[path:])
    if aside:
        rest = _SET_ASIDE.sub(lambda match: aside[int(match[1])], rest)
    query = _PARAMETER.sub(lambda match: _mask_parameter(match, mask_name), query)
    return f"{scheme}{rest}{question_mark}{query}" + (f"#{MASK}" if hash_sign else "")


def _mask_parameter(match: re.Match[str], mask_name: t.Callable[[str], str]) -> str:
    key, equals, _value = match.group().partition("=")
    return f"{mask_name(_mask_inside(key))}={MASK}" if equals else MASK


def _set_aside(path: str, readable: t.Sequence[str]) -> tuple[str, list[str]]:
    """Replace the segments that are readable as a whole, so that nothing in a name is taken for a part of the URL."""
    aside: list[str] = []
    readable = [text for text in readable if text]
    if not readable or "\0" in path:
        return path, aside
    decoded = _decoded_all(readable)
    segments = path.split("/")
    for position, segment in enumerate(segments):
        if segment in readable or ("%" in segment and _decoded(segment)[0] in decoded):
            segments[position] = f"\0{len(aside)}\0"
            aside.append(segment)
    return "/".join(segments), aside


def _mask_segments(path: str, readable: t.Sequence[bytes]) -> str:
    """Mask the segments that look random, also those of a URL within the path."""
    if not _LONG_RUN.search(path):
        return path
    masked: list[str] = []
    after, separator = 0, _SEPARATORS[0]
    for nested in (*_NESTED_HOST.finditer(path), None):
        inner, slash, outer = path[after : nested.start() if nested else None].partition("/")
        pieces = [*separator.split(inner), slash, *_SEPARATORS[0].split(outer)]
        port = _NESTED_PORT.search(pieces[0]) if after else None
        if port:
            pieces[:1] = [pieces[0][: port.start()], port.group()]
        masked += (_mask_segment(piece, readable) for piece in pieces)
        if nested:
            masked.append(nested.group())
            after, separator = nested.end(), _SEPARATORS[len(nested[1] or nested[2]) // 2]
    return "".join(masked)


def _mask_words(path: str, readable: t.Sequence[bytes]) -> str:
    """Mask likewise in what follows the host in a text: of the words behind the URL only those that are a path again."""
    url, *words = _BETWEEN_WORDS.split(path)
    words[1::2] = (_mask_segments(word, readable) if any(sign in word for sign in "/\\%") else word for word in words[1::2])
    return "".join((_mask_segments(url, readable), *words))


def _mask_segment(segment: str, readable: t.Sequence[bytes]) -> str:
    """Return ``***`` for a segment that looks random, or for what it has beside readable texts if that does."""
    if not _LONG_RUN.search(segment):
        return segment
    decoded, places = _decoded(segment)
    # No honest URL escapes a cut: it might be there to cut a secret.
    judged = bytes(ord("%") if byte in b"-_.~" and places[at + 1] - places[at] > 1 else byte for at, byte in enumerate(decoded))
    if not _hides_secret(judged):
        return segment
    marks = _marks(decoded, readable)
    if not any(marks):
        return MASK
    if not _hides_secret(bytes(byte for byte, mark in zip(judged, marks) if mark != _BY_NO_CHANCE)):
        return segment
    raw, start, parts = segment.encode("utf-8", "surrogatepass"), 0, []
    for is_readable, group in groupby(marks, bool):
        end = start + len(list(group))
        part = raw[places[start] : places[end]].decode("utf-8", "surrogatepass")
        parts.append(part if is_readable else _mask_beside(part, start > 0, end < len(marks)))
        start = end
    return "".join(parts)


def _mask_beside(part: str, after_readable: bool, before_readable: bool) -> str:
    """Mask a part but for the sign that cuts it off from a readable text."""
    first = part[0] if after_readable and part[0] in _CUTS else ""
    last = part[-1] if before_readable and part[-1] in _CUTS else ""
    return part if part in (first, last) else f"{first}{MASK}{last}"


def _hides_secret(decoded: bytes) -> bool:
    try:
        return looks_random(decoded.decode("utf-8"))
    except UnicodeDecodeError:
        return len(decoded) >= _SHORTEST_RANDOM  # bytes that are no text


def _decoded(segment: str) -> tuple[bytes, t.Sequence[int]]:
    """Return the segment without any layer of percent signs, and where each of its bytes (and the end) was before."""
    text = segment.encode("utf-8", "surrogatepass")
    places: t.Sequence[int] = range(len(text) + 1)
    for _layer in range(_MOST_LAYERS):
        decoded, after = bytearray(), 0
        origins: list[int] = []
        for match in _ESCAPE.finditer(text):
            decoded += text[after : match.start()]
            origins += places[after : match.start() + 1]
            decoded.append(int(match[1], 16))
            after = match.end()
        if not after:
            break
        text, places = bytes(decoded + text[after:]), [*origins, *places[after:]]
    return text, places


def _decoded_all(texts: t.Sequence[str]) -> list[bytes]:
    return [_decoded(text)[0] for text in texts if text]


def _marks(decoded: bytes, readable: t.Sequence[bytes]) -> bytearray:
    """Return for each byte whether it belongs to a readable text that stands by itself."""
    marks = bytearray(len(decoded))
    for text in (*readable, *_PLACEHOLDERS):
        is_placeholder = text in _PLACEHOLDERS
        mark = _BY_NO_CHANCE if is_placeholder or len(text) >= _SHORTEST_RANDOM else _MAYBE_BY_CHANCE
        start = decoded.find(text)
        while start >= 0:
            end = start + len(text)
            # As a part of a longer word it might be a part of a secret.
            if is_placeholder or not (_WORD_BYTE.match(decoded, max(0, start - 1), start) or _WORD_BYTE.match(decoded, end)):
                marks[start:end] = bytes([mark]) * len(text)
            start = decoded.find(text, start + 1)
    return marks


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


def mask_text(text: str, readable: t.Sequence[str] = ()) -> str:
    """Return the text with every URL in it masked as by `mask_url`. What looks random outside of URLs stays: it may be an id."""
    if not _URL.search(text) and not any(sign in text for sign in "@?#%"):
        return text
    decoded = _decoded_all(readable)
    mask_words, mask_segments = partial(_mask_words, readable=decoded), partial(_mask_segments, readable=decoded)
    pieces = _BETWEEN_URLS.split(text)
    pieces[::2] = (
        _mask(piece, readable, mask_words, mask_segments) if _URL.search(piece) else _mask(piece, (), str, str)
        for piece in pieces[::2]
    )
    return "".join(pieces)


def mask_value(value: t.Any, readable: t.Sequence[str] = ()) -> t.Any:
    """Return the value with every URL in it masked, at any depth of lists and dictionaries, keys included."""
    return _with_each_text(value, partial(mask_text, readable=readable))


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
