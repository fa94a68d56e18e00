# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What is masked, and what stays readable."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets, mask_url, mask_userinfo, quote_server

ID = "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"
RANDOM = "q8Zt4mNw2Kx7Vb5Rc9Ld"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://hooks.example.com/zapi/received", None),
        ("https://hooks.example.com:8443/loja-centro-de-distribuicao/v2", None),
        (f"https://hooks.example.com/{ID}/received", None),
        (f"https://hooks.example.com/hook-{ID}", None),
        ("https://hooks.example.com/Padaria%20S%C3%A3o%20Jos%C3%A9%20123", None),
        ("https://user:password@hooks.example.com/a", "https://***@hooks.example.com/a"),
        ("https://hooks.example.com/a?token=secret&x=1&y", "https://hooks.example.com/a?token=***&x=***&***"),
        (f"https://hooks.example.com/a?{RANDOM}", "https://hooks.example.com/a?***"),
        (f"https://hooks.example.com/a?{RANDOM}=1", "https://hooks.example.com/a?***=***"),
        ("https://hooks.example.com/a#secret", "https://hooks.example.com/a#***"),
        (f"https://hooks.example.com/hook/{RANDOM}/received", "https://hooks.example.com/hook/***/received"),
        (f"https://hooks.example.com/{ID}{RANDOM}", "https://hooks.example.com/***"),
        ("https://hooks.example.com/abcdef123456", "https://hooks.example.com/***"),
        ("https://hooks.example.com/abcdef12345", None),
        ("https://hooks.example.com/abcdefghijklmnopqrstuvwx", "https://hooks.example.com/***"),
        ("https://hooks.example.com/123456789012345678901234", "https://hooks.example.com/***"),
        ("https://hooks.example.com/12345678901234567890123", None),
        ("https://hooks.example.com/a1b2c3-d4e5f6-a7b8c9", None),
        (f"https://hooks.example.com/{quote(RANDOM[:10])}%38%5a%74{RANDOM[10:]}", "https://hooks.example.com/***"),
        # Not to be split into scheme, host and path
        ("hooks.example.com/secret", "***"),
        ("//hooks.example.com/secret", "***"),
        ("https:///secret", "***"),
        ("https://[::1/secret", "***"),
        ("https://hooks.example.com:port/secret", "***"),
        ("https://evil\\@hooks.example.com/", "***"),
        ("secret", "***"),
        ("", "***"),
    ],
)
def test_url(url, masked):
    assert mask_url(url, (ID, "Padaria São José 123")) == (url if masked is None else masked)


def test_another_instances_id_is_masked():
    assert mask_url(f"https://hooks.example.com/{ID}", ("A1", "")) == "https://hooks.example.com/***"


@given(st.text(), st.text())
def test_any_text_can_be_masked_and_no_secret_of_the_query_stays(text, name):
    masked = mask_url(f"https://hooks.example.com/{text}?key={RANDOM}", ("A1", name))
    assert RANDOM not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("socks5://user:password@192.0.2.7:1080", "socks5://***@192.0.2.7:1080"),
        ("see http://u@a/ and https://x:y@b/c?d=e", "see http://***@a/ and https://***@b/c?d=e"),
        ("socks5://user:pa/ss#wo?rd@192.0.2.7:1080", "socks5://***@192.0.2.7:1080"),
        ("https://hooks.example.com:8443/@user", None),
        ("http://[2001:db8::1]:8080/a@b", None),
        ("mail to a@example.com", None),
    ],
)
def test_userinfo(text, masked):
    assert mask_userinfo(text) == (text if masked is None else masked)


# Known secrets


@pytest.mark.parametrize("secret", ["abracadabra", 'ab"ra\\ca&dabra', "abra+cadabra/==", "eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM"])
@pytest.mark.parametrize("before", ["", "x", "a/b?c=", "bracadab"])
def test_a_known_secret_is_masked_in_every_supported_form(secret, before):
    secrets = Secrets([None, "", secret, "hocuspocus"])
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
        masked = secrets.mask(f"{before}{form}{form} and hocuspocus")
        assert masked == f"{before}****** and ***"


def test_without_secrets_nothing_changes():
    assert Secrets().mask("abracadabra") == "abracadabra"


@given(st.lists(st.text(min_size=8), min_size=1, max_size=5), st.text(), st.text())
def test_no_known_secret_survives(secrets, before, after):
    for secret in secrets:
        masked = Secrets(secrets).mask(before + secret + after)
        assert not any(one in masked.split("***") for one in secrets)


def test_values_are_masked_at_any_depth():
    mask = Mask(Secrets(["abracadabra"]))
    assert mask.value({"abracadabra": ["x abracadabra", 7, None, True]}) == {"***": ["x ***", 7, None, True]}


def test_show_url_secrets_shows_urls_and_hides_known_secrets():
    url = f"https://hooks.example.com/{RANDOM}?token=abracadabra"
    assert Mask(Secrets(["abracadabra"])).url(url) == "https://hooks.example.com/***?token=***"
    assert Mask(Secrets(["abracadabra"]), show_url_secrets=True).url(url) == f"https://hooks.example.com/{RANDOM}?token=***"


# Words of a server


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Client-Token abracadabra not allowed", "Client-Token *** not allowed"),
        ("line\nbreak\x1b[31m\u2028 and   more", "line break [31m and more"),
        (f"no https://hooks.example.com/{RANDOM}?token=x here", "no https://hooks.example.com/***?token=*** here"),
        ("x" * 400, "x" * 300 + "…"),
        ("x" * 295 + "abracadabra", "x" * 295 + "***"),
    ],
)
def test_words_of_a_server_become_one_line_without_secrets(text, quoted):
    assert quote_server(text, Secrets(["abracadabra"])) == quoted
