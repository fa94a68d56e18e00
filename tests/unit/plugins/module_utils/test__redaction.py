# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""No secret leaves in a URL or in words that somebody else chose."""

from __future__ import annotations

import base64
import json
import time
import typing as t
from urllib.parse import quote as percent_encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._redaction import (
    MASK,
    hide,
    holds_secret,
    mask_text,
    mask_url,
    mask_value,
    quote,
)

SECRET = "S3CRET"

# Mask a URL


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://hooks.example.com/a/b", "https://hooks.example.com/a/b"),
        ("https://hooks.example.com:8443/a", "https://hooks.example.com:8443/a"),
        ("https://hooks.example.com:8443/@me", "https://hooks.example.com:8443/@me"),
        ("https://hooks.example.com/@me/a:b", "https://hooks.example.com/@me/a:b"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://hooks.example.com/{id}/received", "https://hooks.example.com/{id}/received"),
        ("https://hooks.example.com/a?", "https://hooks.example.com/a?"),
        ("", ""),
    ],
)
def test_a_url_without_secrets_stays_as_it_is(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://user:S3CRET@host/a", "https://***@host/a"),
        ("https://S3CRET@host/a", "https://***@host/a"),
        ("https://:S3CRET@host:8443/a", "https://***@host:8443/a"),
        ("https://user:S3CRET@[2001:db8::1]:8443/a", "https://***@[2001:db8::1]:8443/a"),
        ("https://host/a?key=S3CRET", "https://host/a?key=***"),
        ("https://host/a?key=S3CRET&other=S3CRET", "https://host/a?key=***&other=***"),
        ("https://host/a?key=S3CRET;other=S3CRET", "https://host/a?key=***;other=***"),
        ("https://host/a?key=S3CRET=S3CRET==", "https://host/a?key=***"),
        ("https://host/a?S3CRET", "https://host/a?***"),
        ("https://host/a?key=", "https://host/a?key=***"),
        ("https://host/a?key=x?S3CRET", "https://host/a?key=***"),
        ("https://host?key=S3CRET", "https://host?key=***"),
        ("https://user:S3CRET@host?key=S3CRET#S3CRET", "https://***@host?key=***#***"),
        ("https://host/a#S3CRET", "https://host/a#***"),
    ],
)
def test_userinfo_query_values_and_fragment_become_stars(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    "url",
    [
        "https://user:S3/CRET@host/a",
        "https://user:S3?CRET@host/a",
        "https://user:S3#CRET@host/a",
        "https://user:S3@CRET@host/a",
        "https://user:S3//CRET@host/a",
        "//user:S3CRET@host/a",
        "user:S3CRET@host/a",
        "host/a?key=S3CRET",
        "not a url ?key=S3CRET",
        "HTTPS://user:S3CRET@host/a",
        "https:user:S3CRET@host",
    ],
)
def test_a_secret_in_a_sloppy_url_is_masked_too(url: str) -> None:
    masked = mask_url(url)
    assert "S3" not in masked
    assert "CRET" not in masked


secrets = st.text(st.characters(codec="utf-8", exclude_characters="/?#@&;= \\[]"), max_size=12).map(lambda text: f"{SECRET}{text}")
hosts = st.sampled_from(["hooks.example.com", "127.0.0.1", "[2001:db8::1]", "xn--bcher-kva.example", "localhost"])
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", max_size=8)


@st.composite
def urls_with_secrets(draw: t.Any) -> tuple[str, str]:
    """(a URL with a secret at each place that may hold one, its host)."""
    host, secret = draw(hosts), draw(secrets)
    userinfo = draw(st.sampled_from([f"{secret}@", f"user:{secret}@", f":{secret}@", f"{secret}:{secret}@", ""]))
    port = draw(st.sampled_from(["", ":8443"]))
    path = "".join(f"/{word}" for word in draw(st.lists(words, max_size=3)))
    parameters = draw(st.lists(st.tuples(words, st.sampled_from(["=", "=x=", "=%20"])), max_size=3))
    query = draw(st.sampled_from("&;")).join(f"{key}{equals}{secret}" for key, equals in parameters)
    fragment = draw(st.sampled_from(["", f"#{secret}"]))
    scheme = draw(st.sampled_from(["https://", "http://", "HTTPS://", "//"]))
    return f"{scheme}{userinfo}{host}{port}{path}{'?' if query else ''}{query}{fragment}", host


@given(urls_with_secrets())
def test_no_secret_of_any_url_survives_and_its_host_always_does(case: tuple[str, str]) -> None:
    url, host = case
    masked = mask_url(url)
    assert SECRET not in masked
    assert host in masked


@given(st.text())
def test_any_text_can_be_masked_and_masking_it_again_changes_nothing(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)


def test_urls_are_masked_at_any_depth_of_a_value() -> None:
    url, masked = "https://host/a?key=S3CRET", "https://host/a?key=***"
    assert mask_value({"a": [url, {"b": (url, None, 5, True)}]}) == {"a": [masked, {"b": [masked, None, 5, True]}]}


def test_masking_a_value_leaves_the_original_alone() -> None:
    value = {"a": ["https://host/?key=S3CRET"]}
    mask_value(value)
    assert value == {"a": ["https://host/?key=S3CRET"]}


def test_urls_in_keys_are_masked_too_and_alike_keys_do_not_swallow_each_other() -> None:
    value = {"https://host/a?key=S3CRET": 1, "https://host/a?key=CRETS3": 2, "https://host/a?key=*** (2)": 3, 4: "x"}
    masked = mask_value({"webhooks": value})["webhooks"]
    assert list(masked.values()) == [1, 2, 3, "x"]
    assert next(iter(masked)) == "https://host/a?key=***"
    assert "S3" not in str(masked)
    assert masked[4] == "x"


# Every URL in a text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop-1",
        "Padaria São João 100",
        "https://one.example/a,https://two.example/b",
        "https://one.example/a; https://two.example/@me/a:b",
        "https://hooks.example.com/Loja%20%231/50%25/a%40b/received",
        "https://relay.example/https://two.example/b",
        "https://relay.example/https%3A%2F%2Ftwo.example%3A8443%2Fb",
        "https://hooks.example.com//double/@me",
    ],
)
def test_a_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize("between", [",", ", ", " ", ";", "; ", "\n", "\r\n", "\t", "|", "> <"])
def test_every_url_of_a_text_is_masked_not_the_first(between: str) -> None:
    urls = ["https://one.example/a?key=S3CRET", "https://user:S3CRET@two.example/b", "https://three.example/c#S3CRET"]
    masked = ["https://one.example/a?key=***", "https://***@two.example/b", "https://three.example/c#***"]
    assert mask_text(between.join(urls)) == between.join(masked)


@pytest.mark.parametrize("layers", range(4))
@pytest.mark.parametrize(
    ("inner", "masked"),
    [
        ("https://user:S3CRET@two.example/b", "https://***@two.example/b"),
        ("https://S3CRET@two.example/b", "https://***@two.example/b"),
        ("https:/user:S3CRET@two.example/b", "https:/***@two.example/b"),
        ("//user:S3CRET@two.example:8443/b", "//***@two.example:8443/b"),
        ("user:S3CRET@two.example/b", "***@two.example/b"),
        ("https://user:S3/CRET@two.example/b", "https://***@two.example/b"),
        ("https://user:S3//CRET@two.example/b", "https://***@two.example/b"),
        ("https://two.example/b?key=S3CRET", "https://two.example/b?***"),
        ("https://two.example/b#S3CRET", "https://two.example/b#***"),
        ("https://user:S3CRET@two.example/b?key=S3CRET", "https://***@two.example/b?***"),
        ("https://user:S3?CRET@two.example/b", "https://***@two.example/b"),
    ],
)
def test_a_url_in_the_path_of_another_is_masked_percent_encoded_or_not(inner: str, masked: str, layers: int) -> None:
    for _layer in range(layers):
        inner, masked = percent_encode(inner, safe=""), percent_encode(masked, safe="*")
    said = mask_text(f"https://relay.example/get/{inner}")
    assert "S3" not in said
    assert "CRET" not in said
    if layers:
        assert said == f"https://relay.example/get/{masked}"


@pytest.mark.parametrize(
    "text",
    [
        "https://one.example/?https://user:S3CRET@two.example=1",
        "https%3A%2F%2Fuser%3AS3CRET%40two.example%2Fb%3Fkey%3DS3CRET",
        "HTTPS%3a%2f%2fuser%3aS3CRET%40two.example",
        '{"url": "https:\\/\\/user:S3CRET@two.example\\/b?key=S3CRET"}',
        '["https://one.example/?a=S3CRET","https://user:S3CRET@two.example"]',
        "see https://one.example/a, user:S3CRET@two.example",
        "%20//x//S3CRET@two.example/",
    ],
)
def test_a_secret_in_a_sloppy_text_is_masked_too(text: str) -> None:
    masked = mask_text(text)
    assert "S3" not in masked
    assert "CRET" not in masked


@given(st.lists(urls_with_secrets(), min_size=1, max_size=4), st.sampled_from([",", " ", ";", ", ", "\n"]), st.integers(0, 2))
def test_no_secret_of_any_url_in_a_text_survives_and_all_hosts_do(cases: list[tuple[str, str]], between: str, layers: int) -> None:
    urls = [url if url[0] != "/" else f"https:{url}" for url, _host in cases]
    inner = urls[-1]
    for _layer in range(layers):
        inner = percent_encode(inner, safe="")
    masked = mask_text(between.join([*urls, f"https://relay.example/{inner}"]))
    assert SECRET not in masked
    assert all(host in masked for _url, host in cases)


@given(st.text("aé1:/?#@&;=%%,. 25403AaFf[]*", max_size=60) | st.text())
def test_any_text_can_be_masked_and_masking_all_its_urls_again_changes_nothing(text: str) -> None:
    assert mask_text(mask_text(text)) == mask_text(text)


# Hide a known secret


TOKEN = "Abra-Cada_bra+9"


def escaped(template: str) -> t.Callable[[str], str]:
    return lambda secret: "".join(template.format(ord(character), character) for character in secret)


def in_base64(offset: int, encode: t.Callable[[bytes], bytes] = base64.b64encode) -> t.Callable[[str], str]:
    return lambda secret: encode(b"\xfb" * offset + secret.encode() + b"?~").decode()


def broken(by: str, every: int = 3) -> t.Callable[[str], str]:
    return lambda secret: by.join(secret[start : start + every] for start in range(0, len(secret), every))


IN_PLACE: dict[str, t.Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "percent": lambda secret: percent_encode(secret, safe=""),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    **{f"base64 at {offset}": in_base64(offset) for offset in range(3)},
    **{f"base64 for URLs at {offset}": in_base64(offset, base64.urlsafe_b64encode) for offset in range(3)},
}
WRAPPED: dict[str, t.Callable[[str], str]] = {
    "percent, needlessly": escaped("%{:02x}"),
    "percent, twice": lambda secret: percent_encode(escaped("%{:02X}")(secret)),
    "percent, many times": escaped("%2525252525252525{:02x}"),
    "decimal entities": escaped("&#{};"),
    "decimal entities with zeros": escaped("&#000000000{};"),
    "hexadecimal entities": escaped("&#x{:X};"),
    "entities, twice": escaped("&amp;#x{:x};"),
    "entities, many times": escaped("&amp;amp;amp;amp;amp;#{};"),
    "\\u": escaped("\\u{:04x}"),
    "\\\\u": escaped("\\\\\\u{:04X}"),
    "\\u{}": escaped("\\u{{{:x}}}"),
    "\\U": escaped("\\U{:08x}"),
    "%u": escaped("%u{:04x}"),
    "\\x": escaped("\\x{:02x}"),
    "octal": escaped("\\{:03o}"),
    "JSON in a text": lambda secret: json.dumps(json.dumps(broken("\n")(secret))),
    "JSON with a slash": broken("\\"),
    "lines": broken("\r\n"),
    "blanks": broken(" ", 1),
    "zero width": broken("\u200b", 1),
    "other invisible ones": broken("\u2060\u00ad\u202e\ufeff", 2),
    "null": broken("\0"),
    "hex in lines": lambda secret: broken("\n", 7)(secret.encode().hex()),
    "base64 in lines": lambda secret: broken("\n", 5)(in_base64(1)(secret)),
    "base64, percent-encoded": lambda secret: escaped("%{:02x}")(in_base64(2)(secret)),
    "several": lambda secret: percent_encode(escaped("&#x{:x};")(broken("\n")(secret))),
}


@pytest.mark.parametrize("way", IN_PLACE)
def test_a_known_secret_is_hidden_in_place_however_it_is_written(way: str) -> None:
    text = f"https://hooks.example.com/São/{IN_PLACE[way](TOKEN)}/received"
    assert holds_secret(text, TOKEN)
    hidden = hide(text, TOKEN)
    assert hidden.startswith("https://hooks.example.com/São/")
    assert hidden.endswith("/received")
    assert MASK in hidden
    assert not holds_secret(hidden, TOKEN)


@pytest.mark.parametrize("way", WRAPPED)
def test_a_text_whose_secret_shows_only_once_unwrapped_is_hidden_as_a_whole(way: str) -> None:
    text = f"https://hooks.example.com/{WRAPPED[way](TOKEN)}/received"
    assert holds_secret(text, TOKEN)
    assert hide(text, TOKEN) == MASK


def test_a_secret_in_place_does_not_hide_that_it_is_there_wrapped_as_well() -> None:
    assert hide(f"{TOKEN} and {WRAPPED['lines'](TOKEN)}", TOKEN) == MASK


def test_a_secret_is_hidden_at_any_depth_and_in_keys_and_the_original_is_left_alone() -> None:
    value = {"a": [TOKEN, {f"x{TOKEN}": (TOKEN.upper(), None, 5, True)}], f"x{TOKEN.lower()}": "b"}
    before = json.dumps(value)
    assert hide(value, TOKEN) == {"a": [MASK, {f"x{MASK}": [MASK, None, 5, True]}], f"x{MASK}": "b"}
    assert json.dumps(value) == before
    assert hide({f"x{TOKEN}": 1, f"x{TOKEN.upper()}": 2}, TOKEN) == {f"x{MASK}": 1, f"x{MASK} (2)": 2}


@pytest.mark.parametrize("secret", [None, "", "a", "web"])
def test_what_is_as_short_as_any_word_is_no_secret_to_hide(secret: str | None) -> None:
    assert not holds_secret("a web of any words", secret)
    assert hide({"web": ["a web of any words"]}, secret) == {"web": ["a web of any words"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://hooks.example.com/a%20b/50%25?x=1&y=2",
        "Padaria São João 🍞 — 100 %",
        "C:\\new\\table &amp; &#1234567890123; \\x4 %zz",
        "&#" + "9" * 10_000 + ";",
        "Abra-Cada",
    ],
)
def test_where_no_secret_is_nothing_is_hidden(text: str) -> None:
    assert not holds_secret(text, TOKEN)
    assert hide(text, TOKEN) == text


any_secret = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=8, max_size=40)


@given(st.text(max_size=100), st.text(max_size=100), any_secret, st.sampled_from([*IN_PLACE.values(), *WRAPPED.values()]))
def test_no_way_of_writing_any_secret_in_any_text_is_missed(
    before: str, after: str, secret: str, write: t.Callable[[str], str]
) -> None:
    text = f"{before} {write(secret)} {after}"
    assert holds_secret(text, secret)
    assert not holds_secret(hide(text, secret), secret)
    assert not holds_secret(quote(text, [secret]), secret)


@given(st.text("\\%&#;uxXU0159afAF{}amp \n", max_size=80))
def test_any_text_can_be_looked_through(text: str) -> None:
    holds_secret(text, TOKEN)
    hide(text, TOKEN)


@pytest.mark.parametrize(
    "part",
    [
        "words, ",
        "%2525",
        "%",
        "&#97;",
        "&amp;",
        "&#",
        "\\",
        "\\u",
        "//a:b@",
        "https://a:b",
        ":/",
        "@:",
        "/a:",
        "//",
        '"token',
        "token ",
        "?a=1&",
    ],
)
def test_megabytes_of_anything_take_no_time(part: str) -> None:
    text = part * (300_000 // len(part)) + "@"
    started = time.process_time()
    quote(text * 30, [TOKEN])
    assert time.process_time() - started < 0.5
    mask_text(text)
    hide(text, TOKEN)
    assert time.process_time() - started < 10


# Quote somebody else's words


def test_harmless_words_are_quoted_as_they_are() -> None:
    words = "The page could not be found: ask example.com's administrators (code 42)"
    assert quote(words) == words


@pytest.mark.parametrize(
    "written",
    [
        "{}",
        "Bearer {}",
        "token={}",
        "<b>{}</b>",
        "{0} and {0} again",
        "before{}after",
        "first line\n{}\r\nlast line",
        "https://user:{}@host/",
    ],
)
def test_a_known_secret_is_never_quoted(written: str) -> None:
    said = quote(f"not allowed: {written.format('abracadabra')}", ["abracadabra"])
    assert "abracadabra" not in said
    assert MASK in said


@pytest.mark.parametrize("secret", ["abra ca/da+bra?=", "a%b", "ab", "açaí-com-granola"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda secret: secret,
        lambda secret: percent_encode(secret, safe=""),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    ],
    ids=["raw", "percent-encoded", "base64", "base64 for URLs"],
)
def test_a_known_secret_is_not_quoted_in_another_encoding_either(secret: str, encode: t.Callable[[str], str]) -> None:
    written = encode(secret).rstrip("=")
    assert written not in quote(f"«{encode(secret)}» may not", [secret])


@pytest.mark.parametrize(
    "words",
    [
        "GET /instances/3C3F/token/{}/status not found",
        "https://api.z-api.io/instances/3C3F/token/{}/send-text",
        '{{"token": "{}"}}',
        "{{'instanceToken': '{}'}}",
        "Client-Token {} not allowed",
        "Authorization: Bearer {}",
        "password={} is wrong",
        "https://user:{}@hooks.example.com/",
        "https://hooks.example.com/?key={}",
        "who is {}?",
    ],
)
@pytest.mark.parametrize(
    "secret",
    [
        "F0E1D2C3B4A5968778695A4B",
        "Fb4c9d8e7f6a5b4c3d2e1f0a9b8c7d6eS",
        "eyJhbGciOiJIUzI1NiJ9.eyJwYXJ0bmVyIjoiYWNtZSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg",
    ],
    ids=["hexadecimal", "account security token", "JWT"],
)
def test_what_looks_like_a_credential_is_not_quoted_though_nobody_knows_it(words: str, secret: str) -> None:
    assert secret not in quote(words.format(secret))


def test_the_quote_is_one_line() -> None:
    assert quote("  first\r\nsecond\tthird\x00\x1b[31m\u2028fourth\x85 ") == "first second third [31m fourth"


def test_a_long_text_is_shortened() -> None:
    said = quote("so it is, " * 100)
    assert len(said) == 200
    assert said.endswith("…")


@pytest.mark.parametrize("before", ["", " ", "%20", "=3D", "url_", "1", "é", "<", "(", "a.b-c+"])
def test_the_secrets_of_a_url_are_not_quoted_whatever_stands_before_it(before: str) -> None:
    said = quote(f"see {before}https://user:hunter@hooks.example.com/a?key=hunter")
    assert "hunter" not in said
    assert "hooks.example.com" in said


@pytest.mark.parametrize("way", WRAPPED)
def test_nothing_is_quoted_where_a_known_secret_shows_once_unwrapped(way: str) -> None:
    assert quote(f"not allowed: {WRAPPED[way](TOKEN)}", [TOKEN]) == ""


@pytest.mark.parametrize("way", IN_PLACE)
@pytest.mark.parametrize("before", [0, 150, 900, 990, 1100, 1235])
def test_a_cut_leaves_no_part_of_a_known_secret(way: str, before: int) -> None:
    written = IN_PLACE[way](TOKEN)
    for space in range(before, before + 40):
        said = quote(" " * space + written + " no" * 5_000, [TOKEN])
        assert written[5:10] not in said
        assert written[-12:-7] not in said


@pytest.mark.parametrize("write", [escaped("&#x{:04x};"), escaped("%{:02x}"), broken(" ", 2)])
def test_a_cut_leaves_no_part_of_a_wrapped_secret(write: t.Callable[[str], str]) -> None:
    # What is between is masked and so makes room for what would not have been quoted.
    for size in (*range(60), *range(900, 1_300, 7)):
        said = quote("https://h/?" + "x" * size + " " + write(TOKEN * 3) + " no" * 5_000, [TOKEN * 3])
        assert write(TOKEN)[:12] not in said


@pytest.mark.parametrize("size", range(985, 1_003))
def test_shortening_leaves_no_part_of_a_secret(size: int) -> None:
    assert "abra" not in quote(" " * size + "abracadabra", ["abracadabra"])


# What a header can carry, without the stars that secrets are replaced by.
tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=8, max_size=40)


@given(st.text(max_size=300), st.text(max_size=300), tokens, st.booleans())
def test_no_known_secret_survives_in_any_text(before: str, after: str, secret: str, encoded: bool) -> None:
    written = percent_encode(secret, safe="") if encoded else secret
    said = quote(before + written + after, [secret])
    assert written not in said
    assert said.isprintable()
    assert len(said) <= 200
