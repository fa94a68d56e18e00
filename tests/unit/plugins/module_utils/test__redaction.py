# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""No secret leaves in a URL or in words that somebody else chose."""

from __future__ import annotations

import base64
import json
import re
import time
import typing as t
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

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


# What looks random in a path

ID = "3C3F8E5F4A2B1C9D0E1F2A3B4C5D6E7F"
NAME = "Padaria Pão Dourado Savassi"
RANDOM = "Ab12Cd34Ef56"


def percent_encoded(text: str) -> str:
    return percent_encode(text, safe="")


def needlessly(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


ENCODINGS: dict[str, t.Callable[[str], str]] = {
    "as it is": lambda text: percent_encode(text, safe="!$&'()*+,=:@"),
    "once": percent_encoded,
    "twice": lambda text: percent_encoded(percent_encoded(text)),
    "lower case": lambda text: re.sub("%..", lambda match: match[0].lower(), percent_encoded(text)),
    "needlessly": needlessly,
    "needlessly, in upper case": lambda text: needlessly(text).replace("%", "\0").upper().replace("\0", "%"),
    "needlessly, twice": lambda text: needlessly(needlessly(text)),
    "needlessly, then as usual": lambda text: percent_encoded(percent_encoded(needlessly(text))),
}


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/zapi/received",
        "https://hooks.example.com/v1/webhook/received-and-delivery",
        "https://hooks.example.com/v1/webhook/message_status-and-presence_chat.php",
        "https://hooks.example.com/{id}/{name}/received",
        "https://hooks.example.com/{id}-{name}/{name}{id}v1",
        "https://a1b2c3d4e5f6a7b8c9d0.example.com:8443/received",
        "https://relay.example/https://two.example:8443/received",
        "https://relay.example/https%3A%2F%2Ftwo.example%3A8443%2Freceived",
        "https://hooks.example.com/abcdefghijklmnopqrstuvw",
        "https://hooks.example.com/abcdef12345",
        "https://hooks.example.com/abc123-abc123_abc123.abc123~abc123",
        "https://hooks.example.com/P%C3%A3o%20n%C2%BA%201",
        "hooks.example.com/received",
    ],
)
def test_an_ordinary_path_stays_as_it_is(url: str) -> None:
    assert mask_url(url) == url
    assert mask_url(url, [ID, NAME]) == url
    assert mask_text(url) == url


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (f"https://host/{RANDOM}", "https://host/***"),
        (f"https://host/{RANDOM}/a", "https://host/***/a"),
        (f"https://host/a/x-{RANDOM}.php/b", "https://host/a/***/b"),
        ("https://host/abcdefghijklmnopqrstuvwx", "https://host/***"),
        (f"https://host//{RANDOM}", "https://host//***"),
        (f"https://host/a;v={RANDOM}/b", "https://host/***/b"),
        (f"https://host\\{RANDOM}", "https://host\\***"),
        (f"https://host/a\\{RANDOM}", "https://host/***"),
        (f"https://host;{RANDOM}/a", "https://host***/a"),
        (f"https:/host/{RANDOM}/a", "https:/host/***/a"),
        (f"https:/host/@{RANDOM}/a", "***/a"),
        (f"https:/host/@{RANDOM[0]}{needlessly(RANDOM[1:])}/a", "***/a"),
        (f"https:\\\\host\\{RANDOM}//a", "***//a"),
        (f"https:\\\\host\\@{RANDOM}/a", "***/a"),
        (f"https://host:{RANDOM}/a", "https://host***/a"),
        (f"https://host/%2F{RANDOM}", "https://host/***"),
        (f"https://host/{needlessly(RANDOM)}", "https://host/***"),
        ("https://host/abc123%2Ddef456", "https://host/***"),
        ("https://host/%F3%9A%1B%00%C7%81%02%99%AB%E1%02%03", "https://host/***"),
        (f"https://host/a?{RANDOM}=S3CRET&b=S3CRET", "https://host/a?***=***&b=***"),
        (f"https://user:S3CRET@host:8443/{RANDOM}?key=S3CRET#S3CRET", "https://***@host:8443/***?key=***#***"),
        (f"https://relay.example/https://two.example:8443/{RANDOM}/b", "https://relay.example/https://two.example:8443/***/b"),
        (f"https://relay.example/{RANDOM}/https://two.example/b", "https://relay.example/***/https://two.example/b"),
        (
            f"https://relay.example/https%3A%2F%2Ftwo.example%3A8443%2F{RANDOM}%2Fb",
            "https://relay.example/https%3A%2F%2Ftwo.example%3A8443%2F***%2Fb",
        ),
        # base64, with the slashes that it may hold
        (
            "https://relay.example/https%3A%2F%2Ftwo.example%2Fb/abcdef1%2Fabcdef2%2Fabcdef3",
            "https://relay.example/https%3A%2F%2Ftwo.example%2Fb/***",
        ),
        (f"hooks.example.com/{RANDOM}/a", "hooks.example.com/***/a"),
        (f"hooks.example.com//{RANDOM}/a", "hooks.example.com//***/a"),
        (f"//host/{RANDOM}/a", "//host/***/a"),
        (f"https://host/{ID}/received", "https://host/***/received"),
    ],
)
def test_what_looks_random_in_a_path_becomes_stars(url: str, masked: str) -> None:
    assert mask_url(url) == masked
    if url.startswith("https://"):
        assert mask_text(f"see {url}, {url}") == f"see {masked}, {masked}"
        assert mask_value({"a": [url]}) == {"a": [masked]}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "name", [NAME, "shop-1", "a", "Loja 1/2 + 50% 🍞 #1?", "50%25 %zz", "joao:x@loja.example", "https://a:b@loja?x=1"]
)
def test_own_id_and_name_stay_readable(name: str, encoding: str) -> None:
    written_id, written_name = ENCODINGS[encoding](ID), ENCODINGS[encoding](name)
    for path in (
        f"{written_id}/received",
        f"x/{written_name}",
        f"{written_id}/{written_name}/{written_id}",
        f"received-{written_id}",
    ):
        url = f"https://hooks.example.com/{path}"
        assert mask_url(url, [ID, name]) == url
        assert mask_text(f"see {url}", [ID, name]) == f"see {url}"
        assert mask_value([url], (ID, name)) == [url]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", [NAME, "shop-1", "a", "Loja 1/2 + 50% 🍞 no 1", "50%25 %zz"])
@pytest.mark.parametrize("beside", ["-", "_", ".", "~", ";v=", ":"])
def test_beside_own_id_or_name_only_the_rest_is_masked(name: str, encoding: str, beside: str) -> None:
    for own in map(ENCODINGS[encoding], (ID, name)):
        url = f"https://hooks.example.com/{own}{beside}{RANDOM}"
        assert mask_url(url, [ID, name]) == f"https://hooks.example.com/{own}{beside[0]}***"
        url = f"https://hooks.example.com/{RANDOM}-{own}-{RANDOM}/received"
        assert mask_url(url, [ID, name]) == f"https://hooks.example.com/***-{own}-***/received"


def test_a_nested_url_shows_own_id_and_name_too() -> None:
    inner = f"https://two.example/{percent_encoded(NAME)}/{ID}-{RANDOM}/received"
    masked = inner.replace(RANDOM, "***")
    assert mask_url(f"https://relay.example/{inner}", [ID, NAME]) == f"https://relay.example/{masked}"
    assert mask_url(f"https://relay.example/{percent_encoded(inner)}", [ID, NAME]) == (
        f"https://relay.example/{percent_encode(masked, safe='*')}"
    )


def test_the_id_of_another_instance_is_no_own_one() -> None:
    assert mask_url(f"https://host/{ID[::-1]}/{ID}", [ID]) == f"https://host/***/{ID}"
    assert mask_url(f"https://host/{ID}{ID}", [ID]) == "https://host/***"


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("a", "abcdefghijkl+a+mnopqrstu"),
        ("12", "a1b2c3,12,d4"),
        ("Ab12", RANDOM),
        ("34", RANDOM),
        ("f56", RANDOM),
        ("+", "abcdef+ghijkl+mnopqr+stuv+wx"),
        ("%", needlessly(RANDOM)),
        ("%4", needlessly(RANDOM)),
        ("41", needlessly(RANDOM)),
        ("é", "Ab12éCd34Ef56"),
        ("*", "Ab12Cd*34Ef56"),
    ],
)
def test_no_name_chops_up_a_secret(name: str, segment: str) -> None:
    masked = mask_url(f"https://host/{segment}/a", [name]).split("/")[3]
    assert MASK in masked
    assert not re.search("[0-9A-Za-z]", masked.replace(name, "", 1))


@pytest.mark.parametrize(
    "text",
    [
        ID,
        NAME,
        RANDOM,
        f"The instance {ID} (shop-1) is not there",
        f"instances/{ID}/token",
        f"https://hooks.example.com/a does not answer for {ID}, {RANDOM} neither",
        f'{{"url":"https://hooks.example.com/a","id":"{ID}"}}',
        "Fale conosco em https://wa.me/5511999999999 de segunda a sexta das 9h as 18h",
    ],
)
def test_what_looks_random_outside_of_urls_stays(text: str) -> None:
    assert mask_text(text) == text
    assert mask_value([{text: text}]) == [{text: text}]


def test_a_path_in_the_url_of_a_servers_words_is_masked() -> None:
    assert quote(f"could not post to https://hooks.example.com/{RANDOM}/a: 404") == (
        "could not post to https://hooks.example.com/***/a: 404"
    )


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
mixed_secrets = st.text(f"{LETTERS}0123456789", min_size=12, max_size=40).filter(
    lambda text: any(map(str.isdigit, text)) and any(map(str.isalpha, text))
)
long_secrets = st.text(f"{LETTERS}0123456789!$'()+,=", min_size=24, max_size=60)
path_secrets = mixed_secrets | long_secrets | st.lists(mixed_secrets, min_size=2, max_size=3).map("-".join)
names = st.text(st.characters(codec="utf-8"), max_size=20) | st.text("aA1-+.%25/:@?#; ", max_size=5) | st.just(NAME)
encodings = st.sampled_from(list(ENCODINGS.values()))


@st.composite
def urls_with_secret_paths(draw: t.Any) -> tuple[str, str]:
    """(a URL with a secret in its path, its host), with places for what is to stand beside the secret."""
    host = draw(hosts)
    before, after = (
        draw(st.lists(words.map("/{}".format) | st.sampled_from(["/{id}", "/{name}", "/"]), max_size=2)) for _side in "12"
    )
    segment = draw(
        st.sampled_from(
            [
                "SECRET",
                "SECRET",
                "ID-SECRET",
                "SECRET-ID",
                "NAME_SECRET.NAME",
                "ID~NAME-SECRET",
                "SECRET.php",
                ";v=SECRET",
                "ID;SECRET",
            ]
        )
    )
    path = f"{''.join(before)}/{segment}{''.join(after)}"
    scheme = draw(st.sampled_from(["https://", "http://", "HTTPS://", "//", ""]))
    userinfo = draw(st.sampled_from(["", "user:pass@"])) if scheme else ""
    end = draw(st.sampled_from(["", "?", "?a=b", "#a"]))
    return f"{scheme}{userinfo}{host}{draw(st.sampled_from(['', ':8443']))}{path}{end}", host


@given(urls_with_secret_paths(), path_secrets, names, encodings, encodings, st.integers(0, 3), st.booleans())
def test_no_secret_of_a_path_survives_whatever_its_neighbour_is_called(
    case: tuple[str, str],
    secret: str,
    name: str,
    encode_secret: t.Callable[[str], str],
    encode_own: t.Callable[[str], str],
    layers: int,
    is_nested: bool,
) -> None:
    template, host = case
    url = template.replace("ID", encode_own(ID)).replace("NAME", encode_own(name)).replace("SECRET", encode_secret(secret))
    if is_nested and not url.startswith("/"):
        for _layer in range(layers):
            url = percent_encoded(url)
        url = f"https://relay.example/get/{url}"
    masked = mask_url(url, [ID, name])
    layers_of_masked = [masked]
    for _layer in range(9):
        layers_of_masked.append(unquote(layers_of_masked[-1]))
    # The name itself may happen to look like a secret.
    for run in secret.split("-"):
        if run not in name:
            assert not any(run in layer for layer in layers_of_masked)
    # In a path, a colon before anything but a port begins a password.
    if not is_nested or ("://" in template and "[" not in host):
        assert host in layers_of_masked[-1]
    if url.lower().startswith("http"):
        assert not any(run in unquote(mask_text(f"see {url}, or not", [ID, name])) for run in secret.split("-") if run not in name)


def test_an_empty_name_is_the_name_of_no_segment() -> None:
    url = "https://relay.example/https://shop-of-two.example:8443//a"
    assert mask_url(url, [ID, ""]) == url


@given(path_secrets, names, encodings, st.sampled_from(["-", "_", ".", "~"]))
def test_own_id_stays_beside_any_secret(secret: str, name: str, encode: t.Callable[[str], str], cut: str) -> None:
    own = encode(ID)
    url = f"https://host/{own}/{own}{cut}{secret}/x"
    assert mask_url(url, [ID]) == f"https://host/{own}/{own}{cut}***/x"


@given(names, encodings.filter(lambda encode: encode is not ENCODINGS["as it is"]))
def test_any_own_name_stays_readable_as_a_segment(name: str, encode: t.Callable[[str], str]) -> None:
    url = f"https://hooks.example.com/{encode(name)}/received"
    assert mask_url(url, [ID, name]) == url


@given(long_secrets, st.data(), encodings)
def test_no_part_of_a_secret_that_happens_to_be_a_name_shows_more_of_it(
    secret: str, data: st.DataObject, encode: t.Callable[[str], str]
) -> None:
    start = data.draw(st.integers(0, len(secret) - 1))
    name = secret[start : start + data.draw(st.integers(1, 11))]
    masked = mask_url(f"https://host/{encode(secret)}", [ID, name])
    shown = unquote(unquote(unquote(masked.removeprefix("https://host/")))).replace(name, "")
    assert MASK in masked
    assert not re.search("[0-9A-Za-z]", shown)


PIECES = (
    "https://",
    "host",
    ":8443",
    "//",
    "/",
    "%2F",
    "%252F",
    ":",
    "%3A",
    "@",
    "%40",
    "?",
    "#",
    "=",
    "&",
    ";",
    " ",
    ",",
    "\\",
    '"',
)
pieces = st.sampled_from(
    [*PIECES, "***", "-", ".", "%", "25", "41", "é", "%C3", "a", "\0", "{id}", "{name}", ID, RANDOM, needlessly(RANDOM)]
)


@given(st.lists(pieces, max_size=20).map("".join), st.lists(pieces, max_size=3).map("".join))
def test_any_path_can_be_masked_and_masking_it_again_changes_nothing(text: str, name: str) -> None:
    for readable in ((), (ID, name)):
        for url in (text, f"https://host/{text}"):
            masked = mask_url(url, readable)
            assert mask_url(masked, readable) == masked
            # An "@" that is masked with a word of a text is not there to end the next word's userinfo.
            masked = mask_text(re.sub("@|%40", "", url), readable)
            assert mask_text(masked, readable) == masked


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


# A token holds none of the signs that escape others.
any_secret = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*%&\\"), min_size=8, max_size=40)


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
        "a1",
        "a;",
        "a-",
        "/a1b2c3d4e5f6",
        "://a1b2c3d4e5f6/",
        "%2F%2Fa.",
        "%3A%2F%2Fa%3A1",
        "%25%34%31",
        "%C3",
        "{id}",
    ],
)
def test_megabytes_of_anything_take_no_time(part: str) -> None:
    text = part * (300_000 // len(part)) + "@"
    started = time.process_time()
    quote(text * 30, [TOKEN])
    assert time.process_time() - started < 0.5
    mask_text(text)
    mask_url(f"https://host/{text}", ["a", "a" * 30, "//a:b@"])
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
