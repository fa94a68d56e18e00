# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Options that can't work are refused before any request, in words that help and hold no token."""

from __future__ import annotations

import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS, Connection, is_loopback
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError
from ansible_collections.zapi.zapi.tests.unit.support import assert_fit_for_users, make_connection, options

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
