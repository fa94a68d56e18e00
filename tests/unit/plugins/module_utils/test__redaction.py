# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""No secret leaves in a URL or in words that somebody else chose."""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote as percent_encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._redaction import MASK, mask_url, mask_value, quote

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
