# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The connection options: what is refused before any request, in messages that contain no token."""

from __future__ import annotations

from collections import UserDict, UserList

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, Connection, Credential

TOKEN = "abracadabra"


def options(**changed):
    defaults = {name: argument.get("default") for name, argument in CONNECTION_ARGUMENTS.items()}
    return {**defaults, "partner_token": TOKEN, **changed}


def refusal(**changed):
    with pytest.raises(OptionError) as refused:
        Connection.from_options(options(**changed))
    message = str(refused.value)
    assert message.isprintable()
    return message


def test_defaults():
    assert Connection.from_options({**options(), "another": 1}) == Connection(
        partner_token=TOKEN,
        credentials=None,
        client_token=None,
        api_url="https://api.z-api.io",
        validate_certs=True,
        ca_path=None,
        timeout=30,
        retries=3,
        page_size=100,
        concurrency=8,
        query=None,
        middleware=None,
        list_twice=False,
    )


def test_no_token_is_in_the_representation():
    connection = Connection.from_options(options(client_token="hocuspocus", credentials=[{"id": "A1", "token": "simsalabim"}]))
    for token in (TOKEN, "hocuspocus", "simsalabim"):
        assert token not in repr(connection)


# Tokens


@pytest.mark.parametrize("token", [None, "", " ", "\n"])
def test_a_missing_token_names_the_ways_to_set_it(token):
    message = refusal(partner_token=token)
    assert all(word in message for word in ("partner_token", "ZAPI_PARTNER_TOKEN", "zapi_partner_token", "credentials"))


@pytest.mark.parametrize("name", ["partner_token", "client_token"])
@pytest.mark.parametrize("token", ["abra\ncadabra", "abra\r\nX-Other: cadabra", "abra cadabra", "abra\x00cadabra", "abracadabrá"])
def test_a_token_that_a_header_cannot_carry_is_refused(name, token):
    message = refusal(**{name: token})
    assert name in message
    assert "abra" not in message


@pytest.mark.parametrize("name", ["partner_token", "client_token"])
def test_a_short_token_is_refused(name):
    assert refusal(**{name: "abracad"}) == f"{name} is too short (at least 8 characters): check how it was copied"


def test_white_space_around_tokens_is_ignored():
    connection = Connection.from_options(options(partner_token=f" {TOKEN}\n", client_token=" hocuspocus "))
    assert (connection.partner_token, connection.client_token) == (TOKEN, "hocuspocus")


def test_an_empty_client_token_is_none():
    assert Connection.from_options(options(client_token=" ")).client_token is None


# Credentials


def test_credentials_replace_the_partner_token():
    given = UserList([UserDict(id=" A1 ", token=" simsalabim "), {"id": "B2", "token": "hocuspocus"}])
    connection = Connection.from_options(options(credentials=given))
    assert connection.partner_token is None
    assert connection.credentials == (Credential("A1", "simsalabim"), Credential("B2", "hocuspocus"))


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ("simsalabim", "must be a list"),
        ({"id": "A1", "token": "simsalabim"}, "must be a list"),
        ([], "empty list"),
        (["simsalabim"], "entry 1 must be a mapping"),
        ([{"id": "A1", "token": "simsalabim", "simsalabim": 1}], "entry 1 must be a mapping"),
        ([{"token": "simsalabim"}], "entry 1 has no id"),
        ([{"id": "A1"}], "entry 1 (A1) has no token"),
        ([{"id": 17, "token": "simsalabim"}], "the id must be text: put it in quotes"),
        ([{"id": "A1", "token": 1234567890}], "the token must be text: put it in quotes"),
        ([{"id": " ", "token": "simsalabim"}], "the id is empty"),
        ([{"id": "A1", "token": ""}], "the token is empty"),
        ([{"id": "A 1", "token": "simsalabim"}], "invalid characters"),
        ([{"id": "..", "token": "simsalabim"}], "invalid characters"),
        ([{"id": "A1", "token": "simsala bim"}], "invalid characters"),
        ([{"id": "A1", "token": "simsala"}], "too short"),
        ([{"id": "A1", "token": "simsalabim"}, {"id": "a1", "token": "hocuspocus"}], "entries 1 and 2 have the same ID a1"),
    ],
)
def test_invalid_credentials(credentials, words):
    message = refusal(credentials=credentials)
    assert words in message
    assert "simsala" not in message.replace("ID", "")
    assert "1234567890" not in message


@pytest.mark.parametrize(("name", "value"), [("query", "shop"), ("middleware", "web")])
def test_what_narrows_a_listing_is_refused_with_credentials(name, value):
    assert name in refusal(credentials=[{"id": "A1", "token": "simsalabim"}], **{name: value})


@pytest.mark.parametrize("name", ["query", "middleware"])
def test_an_empty_narrowing_is_refused(name):
    assert f"{name} is empty" in refusal(**{name: " "})


# The address


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://api.z-api.io/", "https://api.z-api.io"),
        (" https://API.z-api.io ", "https://api.z-api.io"),
        ("https://gateway.example.com:8443/zapi/", "https://gateway.example.com:8443/zapi"),
        ("https://gateway.example.com/401retryafter", "https://gateway.example.com/401retryafter"),
        ("https://gateway.example.com/integration2024", "https://gateway.example.com/integration2024"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_api_url(url, cleaned):
    assert Connection.from_options(options(api_url=url)).api_url == cleaned


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.z-api.io", "ftp://api.z-api.io", "https://", "https://[::1", "https://a b", "http://api.z-api.io"),
        *("https://user:hocuspocus@api.z-api.io", "https://api.z-api.io?token=hocuspocus", "https://api.z-api.io#hocuspocus"),
        "https://api.z-api.io/instances/A1/token/hocuspocus/status",
        "https://api.z-api.io/Instances",
        "https://gateway.example.com/%69nstances/A1/token/hocuspocus",
        "https://gateway.example.com/zapi/token/hocuspocus",
    ],
)
def test_invalid_api_url(url):
    message = refusal(api_url=url)
    assert "api_url" in message
    assert "hocuspocus" not in message


# Numbers and files


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", 0), ("timeout", -1), ("timeout", float("nan")), ("timeout", 10**6), ("retries", -1), ("retries", 101)],
)
def test_numbers_out_of_range(name, value):
    assert name in refusal(**{name: value})


@pytest.mark.parametrize("name", ["page_size", "concurrency"])
def test_counts_must_be_positive(name):
    assert refusal(**{name: 0}) == f"{name} must be at least 1, not 0"


def test_a_ca_path_that_does_not_exist(tmp_path):
    assert "ca_path" in refusal(ca_path=str(tmp_path / "none.pem"))
    assert Connection.from_options(options(ca_path=str(tmp_path))).ca_path == str(tmp_path)
