# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""URLs of webhooks: what is one, and which host it leads to."""

from __future__ import annotations

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import (
    UrlError,
    declared_host,
    host_of,
    is_loopback,
    parse_url,
)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://hooks.example.com/a", "hooks.example.com"),
        ("HTTPS://Hooks.Example.COM./a?b=c#d", "hooks.example.com"),
        ("https://hooks.example.com", "hooks.example.com"),
        ("https://hooks.example.com:443/a", "hooks.example.com"),
        ("https://hooks.example.com:8443/a", "hooks.example.com:8443"),
        ("http://hooks.example.com:443/a", "hooks.example.com:443"),
        ("https://user:password@hooks.example.com/", "hooks.example.com"),
        ("https://padaria-são-josé.example/", "xn--padaria-so-jos-yhb5h.example"),
        ("https://192.0.2.7/", "192.0.2.7"),
        ("https://[2001:DB8::1]:8443/", "[2001:db8::1]:8443"),
        ("https://under_score.example.com/", "under_score.example.com"),
    ],
)
def test_host(text, host):
    assert str(parse_url(text).host) == host
    assert str(host_of(text)) == host


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https:///received", "no host"),
        ("https://", "no host"),
        ("https://:443/", "no host"),
        ("https://user@/x", "no host"),
        ("hooks.example.com/a", "begin with https://"),
        ("ftp://hooks.example.com/a", "begin with https://"),
        ("https:/hooks.example.com/a", "begin with https://"),
        ("https://hooks.example.com/a b", "white space"),
        ("https://hooks.example.com/a\n", "white space"),
        (" https://hooks.example.com/a", "white space"),
        ("https://hooks.example.com/\x00", "white space"),
        ("https://hooks.example.com/\u2028", "white space"),
        ("https://hooks.example.com/\ud800", "white space"),
        ("https://hooks.example.com:/", "invalid port"),
        ("https://hooks.example.com:0/", "invalid port"),
        ("https://hooks.example.com:65536/", "invalid port"),
        ("https://hooks.example.com:443443/", "invalid port"),
        ("https://hooks.example.com:eight/", "invalid port"),
        ("https://hooks.example.com/zapi/***", "stands for a secret"),
        ("https://***@hooks.example.com/", "stands for a secret"),
        # Programs read these hosts in different ways.
        ("https://evil.org\\@hooks.example.com/", "different ways"),
        ("https://a@evil.org@hooks.example.com/", "different ways"),
        ("https://evil.org\uff0f.business.com/", "invalid host"),
        ("https://evil.org\uff1f.business.com/", "invalid host"),
        ("https://stra\u00dfe.example/", "invalid host"),
        ("https://hooks\u200d.example.com/", "white space"),
        ("https://hooks\u034f.example.com/", "invalid host"),  # a joiner that is printable
        ("https://hooks\ufe0f.example.com/", "invalid host"),
        ("https://hoo\u212as.example.com/", "invalid host"),
        ("https://hooks\u3002example.com/", "invalid host"),
        ("https://hooks.\uab70.example.com/", "invalid host"),
        ("https://hooks.\u1c80.example.com/", "invalid host"),
        ("https://hooks\u1160.example.com/", "invalid host"),
        ("https://\u2168.example.com/", "invalid host"),
        ("https://hooks..example.com/", "invalid host"),
        ("https://.example.com/", "invalid host"),
        ("https://hooks.exa%6dple.com/", "invalid host"),
        ("https://hooks.exa*mple.com/", "invalid host"),
        (f"https://{'a' * 64}.example.com/", "invalid host"),
        ("https://[2001:db8::1/", "invalid host"),
        ("https://[::zz]/", "invalid host"),
    ],
)
def test_texts_that_are_not_the_url_of_a_webhook(text, problem):
    with pytest.raises(UrlError, match=problem):
        parse_url(text)
    assert host_of(text) is None


@pytest.mark.parametrize(
    ("declared", "url", "is_covered"),
    [
        ("hooks.example.com", "https://hooks.example.com/a", True),
        ("HOOKS.example.com.", "https://hooks.example.com:8443/a", True),
        ("hooks.example.com:443", "https://hooks.example.com/a", True),
        ("hooks.example.com:8443", "https://hooks.example.com/a", False),
        ("*.example.com", "https://hooks.example.com/a", True),
        ("*.example.com", "https://a.b.example.com/a", True),
        ("*.example.com", "https://example.com/a", False),
        ("*.example.com", "https://badexample.com/a", False),
        ("example.com", "https://hooks.example.com/a", False),
        ("são.example", "https://xn--so-sia.example/a", True),
    ],
)
def test_declared_hosts(declared, url, is_covered):
    host = declared_host(declared)
    assert host is not None
    assert host.covers(host_of(url)) is is_covered


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "https://hooks.example.com", "hooks.example.com/a", "a b", "a..b", "{id}.example.com", "a:0", "a:99999", "*.1"],
)
def test_texts_that_are_not_a_declared_host(text):
    assert declared_host(text) is None


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.7", True), ("::1", True), ("example.com", False), ("10.0.0.1", False)]
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected
