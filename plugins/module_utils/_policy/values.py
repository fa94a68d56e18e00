# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Parses the declared value of an attribute, by its kind. Messages never contain a value, except words that are misspelt."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import (
    BY_NAME,
    FILTERS,
    GROUPS,
    MUTED_WITH,
    Attribute,
    Kind,
    muted_name,
)
from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import MASK, UrlError, declared_host, parse_url
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import looks_random, mask_url

from .placeholders import ANY, NAME, PLACEHOLDERS, misplaced_any

MUTED_WORD = "[a-z0-9_]{1,60}"
DIGITS = "[0-9]{1,20}"
DAYS = r"\s*[+-]?[0-9]{1,9}\s*"

_TWO_BRACES = re.compile(r"\{\{\s*(id|name|any)\s*\}\}")
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.A)
_SIMILAR = 0.8  # similarity from which an unknown word of a muted list is a typo
_MAX_QUOTE = 60


class Mistake(ValueError):
    """A declared value is invalid. Its text completes *the value …*."""


def parse_value(attribute: Attribute, value: t.Any) -> t.Any:
    """Return the declared value of an attribute: one value, a list of accepted ones, or None. Raises `Mistake`."""
    return _PARSERS[attribute.kind](attribute, value)


def parse_texts(value: t.Any, what: str = "text or a list of texts") -> tuple[str, ...]:
    """Return one text or a list of texts as a tuple. Raises `Mistake`."""
    texts = list(value) if is_list(value) else [value]
    if not texts:
        raise Mistake("is an empty list, which nothing matches")
    for text in texts:
        if not isinstance(text, str):
            advice = "" if text is None or is_list(text) or isinstance(text, Mapping) else " (put it in quotes)"
            raise Mistake(f"must be {what}, not {kind_of(text)}{advice}")
    return tuple(texts)


def parse_date(value: t.Any) -> dt.date:
    """Return a date that YAML has read, or the text that it became as an argument of a module. Raises `Mistake`."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Mistake("must be a date such as 2027-03-01")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise Mistake(f"is {value}, which is not a date that exists") from None


def is_list(value: t.Any) -> bool:
    """Return whether a value is a list, as a user sees it."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def kind_of(value: t.Any) -> str:
    """Return the type of a value in the words of YAML; the value itself may be a secret."""
    if value is None:
        return "null"
    kinds: dict[str, t.Any] = {
        "a boolean": bool,
        "a number": (int, float),
        "text": (str, bytes),
        "a mapping": Mapping,
        "a date": dt.date,
    }
    name = "a list" if is_list(value) else type(value).__name__
    return next((kind for kind, types in kinds.items() if isinstance(value, types)), name)


def quoted(word: str) -> str:
    """Return a misspelt word as a message can show it: it could be a URL, with or without its scheme."""
    if "://" in word:
        shown = mask_url(word)
    elif re.search(r"[/?#@]", word):
        shown = mask_url(f"https://{word}").replace("https://", "", 1)
    else:
        shown = MASK if looks_random(word) and not word.isalpha() else word
    return f'"{repr(shown[:_MAX_QUOTE])[1:-1]}"'


def suggestion(word: str, known: t.Collection[str]) -> str:
    """Return the nearest known word as a question, or all of them if none is similar."""
    near = get_close_matches(word[:_MAX_QUOTE].lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"


def attribute_named(word: str) -> t.Optional[str]:
    """Return the attribute, or the group of attributes, that a word means: its name, its part or the API's field."""
    if word in GROUPS:
        return word
    field = word.replace("_", "").lower()
    for name, attribute in BY_NAME.items():
        if word in (name, attribute.part) or field in (known.lower() for known in attribute.fields):
            return name
    return None


def authority(url: str) -> str:
    """Return the part of a URL that holds user name, host and port."""
    return re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]


def for_check(url: str) -> str:
    """Return a declared URL with a harmless value for each placeholder. It is a letter, so that a port cannot contain one."""
    return _PLACEHOLDER.sub("x", url)


def _boolean(_attribute: Attribute, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise Mistake(f"must be true or false, not {kind_of(value)}")
    return value


def _choice(_attribute: Attribute, value: t.Any) -> t.Any:
    texts = parse_texts(value)
    if "" in texts:
        raise Mistake("contains an empty text" if is_list(value) else "is empty")
    return list(texts) if is_list(value) else texts[0]


def _days(_attribute: Attribute, value: t.Any) -> int:
    # Digits as text as well: up to ansible-core 2.18, a template inside a structure cannot return a number.
    if isinstance(value, str) and re.fullmatch(DAYS, value, re.A):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Mistake(f"must be a whole number of days, not {kind_of(value)}")
    return value


def _url(_attribute: Attribute, value: t.Any) -> t.Any:
    if value is None:
        return None
    urls = parse_texts(value, "a URL, a list of URLs or null")
    for url in urls:
        _check_url(url)
    return list(urls) if is_list(value) else urls[0]


def _check_url(url: str) -> None:
    if not url:
        raise Mistake("is empty: write null for a webhook that must be unset")
    typo = _TWO_BRACES.search(url)
    if typo:
        raise Mistake(f"has two braces around {typo[1]}, which is a template for Ansible: write {{{typo[1]}}}")
    if re.search("[{}]", _PLACEHOLDER.sub("", url)):
        raise Mistake(f"contains a brace that is not part of a placeholder: the placeholders are {', '.join(PLACEHOLDERS)}")
    if NAME in authority(url).rpartition("@")[2]:
        raise Mistake(f"contains {NAME} in its host: a customer who renames an instance would move its webhook")
    if misplaced_any(url):
        raise Mistake(
            f"contains {ANY} in a place where it cannot be: it stands for one whole path segment or one whole query value"
        )
    try:
        parse_url(for_check(url))
    except UrlError as error:
        raise Mistake(str(error)) from None


def _hosts(_attribute: Attribute, value: t.Any) -> list[str]:
    if not is_list(value):
        raise Mistake(f"must be a list of hosts, not {kind_of(value)}")
    hosts = parse_texts(value, "a list of hosts")
    for host in hosts:
        if declared_host(host) is None:
            raise Mistake(
                f"contains {quoted(host)}, which is not a host: write hooks.example.com, *.example.com or hooks.example.com:8443"
            )
    return list(hosts)


def _text(_attribute: Attribute, value: t.Any) -> t.Optional[str]:
    if value is not None and not isinstance(value, str):
        raise Mistake(f"must be text or null, not {kind_of(value)}")
    return value or None


def _muted(attribute: Attribute, value: t.Any) -> list[str]:
    if not is_list(value):
        raise Mistake(f"must be a list, not {kind_of(value)} (an empty list mutes nothing)")
    known = FILTERS.get(attribute.name, {})
    for word in value:
        if not isinstance(word, str):
            raise Mistake(f"must be a list of texts, but contains {kind_of(word)}")
        advice = _advice_for_muted(word, known)
        if advice:
            raise Mistake(f"contains the unknown word {quoted(word)}: {advice}")
    return sorted(set(value))


def _advice_for_muted(word: str, known: t.Collection[str]) -> t.Optional[str]:
    """Return what to write instead of a word of a muted list, None if it is valid: the API may have filters that are not known yet."""
    plain = muted_name(word)
    if MUTED_WITH.get(plain) in known:
        return f"write {MUTED_WITH[plain]}, which mutes {plain} as well"
    is_typo = plain not in known and get_close_matches(plain, known, n=1, cutoff=_SIMILAR)
    if is_typo or not re.fullmatch(MUTED_WORD, plain):
        return suggestion(word, known)
    return None if plain == word else f"did you mean {plain}?"


def _phone(_attribute: Attribute, value: t.Any) -> str:
    # A number as well: that is what YAML reads, if it has no quotes. No country code begins with 0.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**20 else value
    if not isinstance(text, str) or not re.fullmatch(DIGITS, text):
        raise Mistake('must be digits only, with the country code, such as "5511999990000"')
    return text


_PARSERS: dict[Kind, t.Callable[[Attribute, t.Any], t.Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.DAYS: _days,
    Kind.URL: _url,
    Kind.HOSTS: _hosts,
    Kind.TEXT: _text,
    Kind.MUTED: _muted,
    Kind.PHONE: _phone,
}
