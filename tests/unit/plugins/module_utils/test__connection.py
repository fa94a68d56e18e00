# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Options that can't work are refused before any request, in words that help and hold no token."""

from __future__ import annotations

import math
import typing as t
from collections import UserDict, UserList

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS, Connection, Credential, is_loopback
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError
from ansible_collections.zapi.zapi.tests.unit.support import PARTNER_TOKEN, assert_fit_for_users, make_connection, options

if t.TYPE_CHECKING:
    from pathlib import Path


def refusal(**changed: t.Any) -> str:
    """Why these options are refused."""
    with pytest.raises(OptionError) as refused:
        make_connection(**changed)
    message = str(refused.value)
    assert_fit_for_users(message, request=None)
    return message


def test_the_defaults_are_those_of_the_contract() -> None:
    connection = make_connection(partner_token="12345678")
    assert connection == Connection(
        partner_token="12345678",
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


def test_the_token_is_hidden_and_read_from_the_environment() -> None:
    argument = CONNECTION_ARGUMENTS["partner_token"]
    assert argument["no_log"]
    assert argument["fallback"][1] == ["ZAPI_PARTNER_TOKEN"]
    assert CONNECTION_ARGUMENTS["api_url"]["fallback"][1] == ["ZAPI_API_URL"]


def test_options_of_the_door_itself_do_no_harm() -> None:
    assert Connection.from_options({**options(), "include_token": True}) == make_connection()


# partner_token


@pytest.mark.parametrize("token", [None, "", " ", "\n"])
def test_no_token_is_refused_saying_where_to_set_it(token: str | None) -> None:
    message = refusal(partner_token=token)
    assert "partner_token" in message
    assert "ZAPI_PARTNER_TOKEN" in message


@pytest.mark.parametrize(
    "token", ["abra\ncadabra", "abra\r\nX-Other: cadabra", "abra cadabra", "abra\tcadabra", "abra\x00cadabra", "abracadabrá"]
)
def test_a_token_that_no_header_can_carry_is_refused_without_being_told(token: str) -> None:
    message = refusal(partner_token=token)
    assert "partner_token" in message
    assert "abra" not in message
    assert "cadabr" not in message


@pytest.mark.parametrize("token", ["abracadabra\n", " abracadabra", "abracadabra\r\n"])
def test_white_space_around_a_token_comes_from_copying_and_is_dropped(token: str) -> None:
    assert make_connection(partner_token=token).partner_token == "abracadabra"


@pytest.mark.parametrize("token", ["x", "7", "abra", "cadabra", " cadabra "])
def test_a_token_so_short_that_ansible_would_censor_words_is_refused_without_being_told(token: str) -> None:
    message = refusal(partner_token=token)
    assert "partner_token has fewer than 8 characters" in message
    assert "abra" not in message


# credentials and client_token

ID = "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"
GOOD: dict[t.Any, t.Any] = {"id": ID, "token": "hocuspocus1"}
OTHER = {"id": "OTHER", "token": "hocuspocus2"}


def refused_credentials(credentials: t.Any) -> str:
    """Why these are refused, in words that hold neither a token nor a key that might be one."""
    message = refusal(credentials=credentials, partner_token=None)
    assert message.startswith("credentials")
    for secret in ("hocus", "pocus", "abra", "cadabra"):
        assert secret not in message.lower()
    return message


def test_credentials_are_taken_in_their_order_and_without_the_white_space_around_them() -> None:
    connection = make_connection(credentials=[{"id": f" {ID}\n", "token": "\thocuspocus1 "}, OTHER], partner_token=None)
    assert connection.credentials == (Credential(ID, "hocuspocus1"), Credential("OTHER", "hocuspocus2"))


def test_credentials_may_come_in_any_sequence_of_mappings() -> None:
    assert make_connection(credentials=(GOOD,)).credentials == (Credential(ID, "hocuspocus1"),)
    assert make_connection(credentials=UserList([UserDict(GOOD)])).credentials == (Credential(ID, "hocuspocus1"),)


@pytest.mark.parametrize("token", [None, "", "abra cadabra", "abra", PARTNER_TOKEN])
def test_with_credentials_a_partner_token_is_neither_looked_at_nor_kept(token: str | None) -> None:
    connection = make_connection(credentials=[GOOD], partner_token=token)
    assert connection.partner_token is None
    assert "abra" not in repr(connection)


@pytest.mark.parametrize(
    "credentials",
    [
        {ID: "hocuspocus1"},
        {"id": ID, "token": "hocuspocus1"},
        {"hocuspocus1": ID},
        f"{ID}:hocuspocus1",
        "",
        b"hocuspocus1",
        12345678,
        1.5,
        True,
        False,
        {"hocuspocus1"},
    ],
    ids=repr,
)
def test_credentials_that_are_no_list_are_refused(credentials: t.Any) -> None:
    assert refused_credentials(credentials) == "credentials must be a list, with an entry {id: …, token: …} for each instance"


def test_an_empty_list_of_credentials_is_refused() -> None:
    assert refused_credentials([]).startswith("credentials is an empty list: give an entry {id: …, token: …}")
    assert refused_credentials(()).startswith("credentials is an empty list")


@pytest.mark.parametrize(
    "entry",
    [
        "hocuspocus1",
        f"{ID}: hocuspocus1",
        [ID, "hocuspocus1"],
        [GOOD],
        None,
        12345678,
        True,
        {"hocuspocus1": ID},
        {**GOOD, "abracadabra": "hocuspocus1"},
        {**GOOD, "name": "shop-1"},
        {"id": ID, "tokn": "hocuspocus1"},
        {"Id": ID, "Token": "hocuspocus1"},
        dict([*GOOD.items(), (5, "hocuspocus1")]),
        dict([*GOOD.items(), (None, None)]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", [1, 2])
def test_an_entry_that_is_no_mapping_of_id_and_token_is_refused_by_its_place(entry: t.Any, place: int) -> None:
    message = refused_credentials([OTHER, entry] if place == 2 else [entry])
    assert message == f"credentials: entry {place} must be a mapping with the keys id and token, and no others"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "entry 1 has no id: write {id: …, token: …}"),
        ({"token": "hocuspocus1"}, "entry 1 has no id"),
        ({"id": None, "token": "hocuspocus1"}, "entry 1 has no id"),
        ({"id": "", "token": "hocuspocus1"}, "entry 1: the id is empty"),
        ({"id": " \n", "token": "hocuspocus1"}, "entry 1: the id is empty"),
        ({"id": 33388, "token": "hocuspocus1"}, "entry 1: the id must be text: put it in quotes"),
        ({"id": 3e10, "token": "hocuspocus1"}, "entry 1: the id must be text"),
        ({"id": True, "token": "hocuspocus1"}, "entry 1: the id must be text"),
        ({"id": ["hocuspocus1"], "token": "hocuspocus1"}, "entry 1: the id must be text"),
        ({"id": b"hocuspocus1", "token": "hocuspocus1"}, "entry 1: the id must be text"),
        ({"id": "hocuspocus1\nabracadabra", "token": "hocuspocus1"}, "entry 1: the id holds white space"),
        ({"id": "hocuspocus1 abracadabra", "token": "hocuspocus1"}, "entry 1: the id holds white space"),
        ({"id": "hocuspocus1\nabracadabra"}, "entry 1: the id holds white space"),
        ({"id": "hocuspocus1\x1b[31m", "token": 5}, "entry 1: the id holds white space or other characters"),
        ({"id": "hocuspocús", "token": "hocuspocus1"}, "entry 1: the id holds white space or other characters"),
        ({"id": ".", "token": "hocuspocus1"}, "entry 1: the id holds white space or other characters that no id has"),
        ({"id": "..", "token": "hocuspocus1"}, "entry 1: the id holds white space or other characters that no id has"),
        ({"id": ID}, f"entry 1 ({ID}) has no token: write {{id: …, token: …}}"),
        ({"id": ID, "token": None}, f"entry 1 ({ID}) has no token"),
        ({"id": ID, "token": ""}, f"entry 1 ({ID}): the token is empty"),
        ({"id": ID, "token": "  \t"}, f"entry 1 ({ID}): the token is empty"),
        ({"id": ID, "token": 12345678}, f"entry 1 ({ID}): the token must be text: put it in quotes"),
        ({"id": ID, "token": 1.5e20}, f"entry 1 ({ID}): the token must be text"),
        ({"id": ID, "token": True}, f"entry 1 ({ID}): the token must be text"),
        ({"id": ID, "token": ["hocuspocus1"]}, f"entry 1 ({ID}): the token must be text"),
        ({"id": ID, "token": {"hocuspocus1": "hocuspocus1"}}, f"entry 1 ({ID}): the token must be text"),
        ({"id": ID, "token": b"hocuspocus1"}, f"entry 1 ({ID}): the token must be text"),
        ({"id": ID, "token": "hocus pocus1"}, f"entry 1 ({ID}): the token holds white space"),
        ({"id": ID, "token": "hocus\npocus1"}, f"entry 1 ({ID}): the token holds white space"),
        ({"id": ID, "token": "hocuspocus1\r\nX-Other: pocus"}, f"entry 1 ({ID}): the token holds white space"),
        ({"id": ID, "token": "hocus\x00pocus1"}, f"entry 1 ({ID}): the token holds white space"),
        ({"id": ID, "token": "hocuspocús1"}, f"entry 1 ({ID}): the token holds white space or other characters"),
        ({"id": ID, "token": "pocus12"}, f"entry 1 ({ID}): the token has fewer than 8 characters"),
        ({"id": ID, "token": " pocus12 "}, f"entry 1 ({ID}): the token has fewer than 8 characters"),
    ],
    ids=repr,
)
def test_what_is_wrong_in_an_entry_is_told_with_its_id_and_without_its_token(entry: t.Any, words: str) -> None:
    assert refused_credentials([entry]).startswith(f"credentials: {words}")


def test_an_id_that_is_given_twice_is_refused_naming_it_and_both_places() -> None:
    message = refused_credentials([GOOD, OTHER, {"id": f" {ID}", "token": "abracadabra"}])
    assert message == f"credentials: entries 1 and 3 have the same id {ID}: leave one out"


@pytest.mark.parametrize("text", ["a/b?c#d%41", "%2F%2e%2e%2f", "x@y:z;w=v&u", "........", "...a....", '"<>{}|^`\\~'])
def test_characters_that_mean_something_in_urls_are_no_mistake(text: str) -> None:
    credentials = [{"id": f"{text}x", "token": text.ljust(8, "x")}]
    assert make_connection(credentials=credentials).credentials == (Credential(f"{text}x", text.ljust(8, "x")),)


@pytest.mark.parametrize(("name", "value"), [("query", "shop"), ("middleware", "web")])
def test_what_narrows_a_partners_listing_is_refused_with_credentials(name: str, value: str) -> None:
    message = refusal(credentials=[GOOD], **{name: value})
    assert message.startswith(f"{name} narrows a partner's listing")
    assert "credentials" in message


def test_an_empty_query_narrows_nothing() -> None:
    assert make_connection(credentials=[GOOD], query="").credentials == (Credential(ID, "hocuspocus1"),)


@pytest.mark.parametrize("token", [None, "", " "])
def test_neither_credentials_nor_a_partner_token_says_every_way_to_give_them(token: str | None) -> None:
    message = refusal(partner_token=token, credentials=None)
    for way in ("partner_token is", "the option", "ZAPI_PARTNER_TOKEN", "zapi_partner_token", "credentials", "{id, token}"):
        assert way in message


@pytest.mark.parametrize("token", [None, "", "  ", "\n"])
def test_an_empty_client_token_is_none(token: str | None) -> None:
    assert make_connection(client_token=token).client_token is None
    assert make_connection(credentials=[GOOD], client_token=token).client_token is None


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("Sim Salabim", "client_token holds white space"),
        ("SimSala\r\nBim: x", "client_token holds white space"),
        ("SimSalabím", "client_token holds white space or characters"),
        ("SimSala", "client_token has fewer than 8 characters"),
    ],
)
@pytest.mark.parametrize("credentials", [None, [GOOD]])
def test_a_malformed_client_token_is_refused_without_being_told(token: str, words: str, credentials: t.Any) -> None:
    message = refusal(client_token=token, credentials=credentials)
    assert message.startswith(words)
    assert "sala" not in message.lower()


def test_white_space_around_a_client_token_is_dropped() -> None:
    assert make_connection(client_token=" SimSalabim\n").client_token == "SimSalabim"


def test_no_token_is_in_the_representation_of_a_connection_or_a_credential() -> None:
    partner = make_connection(client_token="SimSalabim")
    by_credentials = make_connection(credentials=[GOOD], client_token="SimSalabim")
    for shown in (
        repr(partner),
        repr(by_credentials),
        repr(by_credentials.credentials),
        str(by_credentials),
        f"{by_credentials!r}",
    ):
        for secret in (PARTNER_TOKEN, "hocuspocus", "SimSalabim"):
            assert secret not in shown
    assert ID in repr(by_credentials.credentials)


@pytest.mark.parametrize(("name", "variable"), [("client_token", "ZAPI_CLIENT_TOKEN"), ("credentials", None)])
def test_the_other_secrets_are_hidden_too_and_only_texts_come_from_the_environment(name: str, variable: str | None) -> None:
    argument = CONNECTION_ARGUMENTS[name]
    assert argument["no_log"]
    assert argument.get("fallback", (None, [None]))[1] == [variable]


def test_ansible_checks_nothing_of_the_credentials_since_it_would_print_them() -> None:
    assert CONNECTION_ARGUMENTS["credentials"]["type"] == "raw"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("hocuspocus1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "token"]) | st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(json_values | st.lists(st.fixed_dictionaries({"id": json_values, "token": st.just("hocuspocus1") | json_values})))
def test_whatever_credentials_hold_they_are_taken_or_told_in_one_line(value: t.Any) -> None:
    told, taken = "", None
    try:
        taken = make_connection(credentials=value, partner_token=None).credentials
    except OptionError as refused:
        told = str(refused)
    assert bool(told) is not bool(taken)
    assert told.isprintable()
    assert all(len(credential.token) >= 8 and credential.identity for credential in taken or ())


# api_url


def test_a_slip_in_the_api_url_is_kept_out_of_the_systems_log() -> None:
    assert CONNECTION_ARGUMENTS["api_url"]["no_log"]


@pytest.mark.parametrize(
    "path",
    [
        "/instances/3C3F/token/abracadabra",
        "/instances/3C3F/token/abracadabra/send-text",
        "/instances",
        "/v2/token/abracadabra",
        "/TOKEN/abracadabra",
        "/Instances/abracadabra",
        "/%74oken/abracadabra",
        "/%2574o%6b%65n/abracadabra",
        "/token%2Fabracadabra",
        "/a;token=abracadabra",
        "/abracadabra2026",
        "/z-api/ABRACADABRA0/v2",
        "/%61bracadabra2026",
        "/abracadabraabracadabraab",
        "/%25252525252525256162",
    ],
)
@pytest.mark.parametrize("host", ["https://api.z-api.io", "http://127.0.0.1:8080", "http://api.z-api.io"])
def test_a_token_in_the_api_url_is_refused_and_nothing_of_the_address_is_told(path: str, host: str) -> None:
    message = refusal(api_url=host + path)
    assert "api_url" in message
    assert "up to before /instances" in message
    for part in ("3C3F", "abra", "ABRA", "send-text", "v2"):
        assert part not in message


@pytest.mark.parametrize("path", ["/z-api/v2", "/gateway/whatsapp", "/api%20gateway", "/integrations", "/v1.2/zapi-prod-eu"])
def test_a_base_path_may_stand_in_the_api_url(path: str) -> None:
    assert make_connection(api_url=f"https://gateway.example.com{path}/").api_url == f"https://gateway.example.com{path}"


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example.com/SeCr",
        "http://user:SeCr@gateway.example.com/",
        "https://gateway.example.com:SeCr/",
        "ftp://gateway.example.com/SeCr?SeCr#SeCr",
        "https://gateway.example.com/SeCr?SeCr#SeCr",
        "https://[SeCr]/SeCr",
        "https://gate way.example.com/SeCr",
    ],
)
def test_no_refusal_quotes_path_query_or_userinfo(url: str) -> None:
    assert "secr" not in refusal(api_url=url).lower()


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("https://api.z-api.io", "https://api.z-api.io"),
        ("https://api.z-api.io/", "https://api.z-api.io"),
        ("https://api.z-api.io//", "https://api.z-api.io"),
        (" https://api.z-api.io\n", "https://api.z-api.io"),
        ("HTTPS://API.Z-API.IO", "https://api.z-api.io"),
        ("https://gateway.example.com:8443/z-api/v2/", "https://gateway.example.com:8443/z-api/v2"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://LOCALHOST", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_an_api_url_is_used_without_its_trailing_slash(given_url: str, used: str) -> None:
    assert make_connection(api_url=given_url).api_url == used


@pytest.mark.parametrize("url", [None, "", "  "])
def test_an_empty_api_url_is_refused(url: str | None) -> None:
    assert "api_url is empty" in refusal(api_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "api.z-api.io",
        "not a URL",
        "https://",
        "https:///instances",
        "https:api.z-api.io",
        "https://api.z-api.io:port",
        "https://api.z-api.io:99999",
        "https://[::1",
        "https://[not-an-address]",
        "https://api z-api.io",
        "https://api.z-api.io\\evil.example",
        "https://api%2ez-api.io",
        "ftp://api.z-api.io",
        "file:///etc/passwd",
        "//api.z-api.io",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_http_url_is_refused(url: str) -> None:
    message = refusal(api_url=url)
    assert "api_url" in message
    assert "URL" in message
    assert "https://api.z-api.io" in message


@pytest.mark.parametrize(
    "url",
    [
        "http://api.z-api.io",
        "http://192.168.0.7:8080",
        "http://10.0.0.1",
        "http://[2001:db8::1]",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://notlocalhost",
        "http://2130706433",
        "http://0x7f.1",
    ],
)
def test_plain_http_is_refused_but_for_this_very_machine(url: str) -> None:
    message = refusal(api_url=url)
    assert "http" in message
    assert "clear" in message


@pytest.mark.parametrize(
    "url",
    [
        "https://user:abracadabra@api.z-api.io",
        "https://abracadabra@api.z-api.io",
        "https://@api.z-api.io",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1:80@evil.example",
        "https://api.z-api.io?token=abracadabra",
        "https://api.z-api.io/#abracadabra",
        "https://api.z-api.io/?a",
    ],
)
def test_an_api_url_with_credentials_a_query_or_a_fragment_is_refused_without_being_told(url: str) -> None:
    assert "api_url" in refusal(api_url=url)


@given(st.text() | st.builds("http{}://{}".format, st.sampled_from(["", "s"]), st.text(":/?#@[]\\%. \n\taé0127", max_size=20)))
def test_any_text_is_an_api_url_or_refused_and_plain_http_goes_to_this_machine_only(url: str) -> None:
    try:
        used = make_connection(api_url=url).api_url
    except OptionError as refused:
        assert_fit_for_users(str(refused), request=None)
        return
    assert used.startswith("https://") or any(used.startswith(f"http://{host}") for host in ("127.", "localhost", "[::1]", "[0"))


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.255.255.254", "::1"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "localhost.", "0.0.0.0", "::", "128.0.0.1", "fe80::1"])
def test_other_addresses_are_not_taken_for_loopback(host: str) -> None:
    assert not is_loopback(host)


# Numbers and paths


@pytest.mark.parametrize("timeout", [0, -1, -0.0, math.nan, math.inf, -math.inf])
def test_a_timeout_that_is_no_time_is_refused(timeout: float) -> None:
    message = refusal(timeout=timeout)
    assert "timeout" in message
    assert str(timeout) in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retries", -1),
        ("page_size", 0),
        ("page_size", -100),
        ("concurrency", 0),
        ("concurrency", -1),
    ],
)
def test_a_number_below_its_least_is_refused(name: str, value: int) -> None:
    message = refusal(**{name: value})
    assert name in message
    assert str(value) in message


@pytest.mark.parametrize(
    ("name", "value"),
    [("retries", 0), ("page_size", 1), ("concurrency", 1), ("timeout", 0.001), ("page_size", 10**6)],
)
def test_a_number_at_its_least_and_a_large_one_are_taken(name: str, value: float) -> None:
    assert getattr(make_connection(**{name: value}), name) == value


def test_a_ca_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "bundle.pem")
    message = refusal(ca_path=path)
    assert "ca_path" in message
    assert path in message


def test_a_ca_path_may_be_a_file_or_a_folder_and_an_empty_one_is_none(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    assert make_connection(ca_path=str(bundle)).ca_path == str(bundle)
    assert make_connection(ca_path=str(tmp_path)).ca_path == str(tmp_path)
    assert make_connection(ca_path="").ca_path is None
