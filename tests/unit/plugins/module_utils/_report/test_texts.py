# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Each code has a text, and the text has every value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.zapi.zapi.plugins import module_utils
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError, Reason, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import PROBLEMS
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import TEXTS, error_text, printable, quoted, text

PLUGINS = Path(module_utils.__path__[0])
ANSWERED = {"request": "GET /instances", "status": 400, "said": "no", "attempts": 1}

# A value for each name that any code uses
VALUES = {
    "request": "GET /instances",
    "server": "api.example.com:443",
    "status": 400,
    "said": "no",
    "attempts": 3,
    "variable": "HTTPS_PROXY",
    "target": "evil.example",
    "address": "192.0.2.1",
    "content_type": "text/html",
    "encoding": "br",
    "seconds": 30.0,
    "limit": 64,
    "field": "total",
    "expected": "count",
    "found": "null",
    "page": 2,
    "position": 3,
    "listings": 3,
    "before": 7,
    "after": 8,
    "entries": 5,
    "total": 9,
    "retries": 10,
    "pages": 4,
    "page_size": 15,
    "ids": ["A1", "A2"],
    "credentials": 3,
    "first": Reason("credential_rejected", ANSWERED),
    "webhooks": ["received", "delivery"],
    "placeholder": "{name}",
    "name": "Loja 1",
    "id": "A1",
    "expectation": "expectation 2",
    "until": "2026-01-01",
    "attribute": "webhooks.received",
    "url": "http://hooks.example.com",
    "pattern": "shop-*",
    "nearest": "shop 1",
    "instances": 12,
    "filters": ["poll"],
    "webhook": "webhooks.received_and_delivery",
    "setting": "settings.notify_sent_by_me",
    "missing": [],
    "needed": 30,
    "managed": 40,
    "max_changes": "25%",
    "message": "only is empty",
    "value": True,
    "reason": Reason("null"),
    "error": Reason("null"),
    "count": 10,
    "canaries": 3,
    "call": "me",
}
_CREATED = re.compile(
    r'(?:Reason|error|_Changed|UnusableResponse)\(\s*"([a-z_]+)"|code = "([a-z_]+)"|"([a-z_]+)", Scope\.|_Rule\(.*, "([a-z_]+)", Scope'
)


def sources() -> str:
    layers = ("_audit.py", "_plan.py", "_apply.py", "_fleet.py", "_core", "_policy", "_adopt", "_http", "_zapi")
    files = [path for layer in layers for path in (PLUGINS / layer, *(PLUGINS / layer).glob("*.py")) if path.is_file()]
    assert len(files) > len(layers)
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_code_that_is_created_is_in_the_catalogue() -> None:
    created = {code for groups in _CREATED.findall(sources()) for code in groups if code}
    assert {"muted", "redirected", "timeout", "too_many_changes", "page_count", "credentials_rejected", "wrong_path"} <= created
    assert created | set(PROBLEMS) <= set(TEXTS)


def test_every_code_in_the_catalogue_is_created() -> None:
    written = sources() + '"masked_difference"'
    assert [code for code in TEXTS if f'"{code}"' not in written] == []


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_a_text_is_one_line(code: str) -> None:
    line = text(Reason(code, VALUES))
    assert line
    assert line.isprintable()
    assert not line.endswith((".", " ", ":"))
    assert "  " not in line
    assert not re.search(r"\{(?!any\}|\"value\"|name\})", line)


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        ("foreign_hosts", {"webhooks": ["delivery", "received"]}, "posted to by delivery, received"),
        ("subscription_lapsed", {}, "the subscription has lapsed: renew or cancel it"),
        (
            "subscription_lapsed",
            {**ANSWERED, "request": "GET /instances/A1/me"},
            'GET /instances/A1/me was answered with status 400 and "no": the subscription has lapsed: renew or cancel it',
        ),
        (
            "redirected",
            {**ANSWERED, "status": 302, "target": ""},
            "GET /instances was redirected to another address (status 302); redirects are never followed: set api_url to the API's own address",
        ),
        (
            "service_unavailable",
            {**ANSWERED, "said": "", "status": 503, "attempts": 4},
            "GET /instances was answered with status 503 after 4 attempts: the service is overloaded or fails, try again later",
        ),
        ("call_rejected", ANSWERED, 'GET /instances was rejected with status 400 and "no"'),
        (
            "not_json",
            {**ANSWERED, "content_type": ""},
            (
                "GET /instances was not answered with JSON (content type missing): check that api_url is the API's address "
                "and that no proxy answers in its place"
            ),
        ),
        (
            "credentials_rejected",
            {"ids": ["A1", "A2"], "credentials": 3, "first": Reason("credential_rejected", {**ANSWERED, "said": ""})},
            (
                "the server rejects 2 of 3 credentials: A1, A2; the first: GET /instances was answered with status 400: "
                "no instance has this ID and token (any more), check credentials"
            ),
        ),
        (
            "too_many_changes",
            {"needed": 30, "managed": 40, "max_changes": "25%", "limit": 10},
            (
                "nothing was set: 30 of 40 managed instances need changes, and max_changes (25%, at least 10) allows 10: "
                "review the plan with --check --diff; max_changes=100% allows all of them"
            ),
        ),
        (
            "too_many_changes",
            {"needed": 3, "managed": 40, "max_changes": "2", "limit": 2},
            (
                "nothing was set: 3 of 40 managed instances need changes, and max_changes (2) allows 2: "
                "review the plan with --check --diff; max_changes=100% allows all of them"
            ),
        ),
        (
            "unmatched_expectation",
            {"expectation": "expectation 2", "pattern": "shop-*", "nearest": "Shop 1"},
            'expectation 2: the name "shop-*" matches no instance; the nearest name is "Shop 1"',
        ),
        (
            "unmatched_expectation",
            {"expectation": "expectation 2", "pattern": None, "nearest": None},
            "expectation 2 matches no instance",
        ),
    ],
)
def test_texts(code: str, values: dict, expected: str) -> None:
    assert text(Reason(code, values)) == expected


def test_no_reason_has_no_text() -> None:
    assert text(None) is None


def test_the_text_of_an_error() -> None:
    assert error_text(OptionError("only is empty")) == "only is empty"
    assert error_text(RequestError(Reason("call_rejected", ANSWERED))) == 'GET /instances was rejected with status 400 and "no"'


def test_what_a_customer_wrote_stays_on_one_line() -> None:
    assert printable("Loja\n1\u202e") == "Loja\\n1\\u202e"
    assert quoted('Loja "1"\x1b') == '"Loja \\"1\\"\\u001b"'
    assert text(Reason("nearest_name", {"name": "a\nb"})) == 'the nearest name is "a\\nb"'
    assert quoted("Pão 🍕") == '"Pão 🍕"'
