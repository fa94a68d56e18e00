# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A playbook runs on localhost or on the accounts of zapi_accounts. A run without any host would be green, so it is an error."""

from __future__ import annotations

import typing as t
from pathlib import Path
from types import MappingProxyType

import pytest
from ansible import template as ansible_template
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._accounts import check_accounts, play_pattern
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users

TOKEN = "OpenSesame"
ACCOUNTS = ["padaria", "mercado", "otica"]
GROUPS: t.Mapping[str, list[str]] = MappingProxyType(
    {"all": [*ACCOUNTS, "web"], "ungrouped": ["web"], "accounts": ACCOUNTS, "sul": ["mercado"], "closed": []}
)
trusted = getattr(ansible_template, "trust_as_template", str)


def in_play(groups: t.Any = GROUPS, limit: str | None = None, **variables: t.Any) -> str:
    """The pattern of a play's hosts."""
    given = {"groups": groups, "ansible_limit": limit, **variables}
    return play_pattern(given, Templar(DataLoader(), variables=given))


@pytest.fixture(autouse=True)
def _files_of_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sul.retry").write_text("mercado\nweb\n", encoding="utf-8")
    Path("here.retry").write_text("localhost\n", encoding="utf-8")


@pytest.mark.parametrize("groups", [{"all": [], "ungrouped": []}, GROUPS], ids=["no inventory", "an inventory"])
@pytest.mark.parametrize("limit", [None, "localhost", "all:localhost", "@here.retry"])
def test_without_accounts_a_playbook_runs_on_localhost(groups: t.Any, limit: str | None) -> None:
    assert in_play(groups, limit) == "localhost"


@pytest.mark.parametrize("limit", ["accounts", "mercado", "!localhost", "!web", "all", "@sul.retry", "no-such-host"])
def test_a_limit_that_excludes_localhost_is_an_error(limit: str) -> None:
    with pytest.raises(OptionError, match="--limit excludes localhost"):
        in_play(limit=limit)


def test_a_localhost_of_the_inventory_is_one() -> None:
    groups = {"all": ["localhost"], "ungrouped": [], "here": ["localhost"]}
    assert in_play(groups, "here") == in_play(groups, zapi_accounts="here").replace("here", "localhost") == "localhost"


PATTERNS = ["accounts", "padaria, mercado", "accounts:!sul", "accounts:&sul", "acc*", "~^pad", "accounts[0:1]", "all"]
LISTS = [(["padaria", "sul"], "padaria,sul"), (["accounts", "!otica"], "accounts,!otica"), (trusted("{{ chosen }}"), "sul")]


@pytest.mark.parametrize(("value", "pattern"), [*zip(PATTERNS, PATTERNS), *LISTS])
def test_accounts_are_a_pattern_of_hosts_or_a_list(value: t.Any, pattern: str) -> None:
    assert in_play(zapi_accounts=value, chosen="sul") == pattern


@pytest.mark.parametrize("limit", ["sul", "mercado:localhost", "@sul.retry", "accounts:!padaria", "web:mercado"])
def test_a_limit_selects_among_the_accounts(limit: str) -> None:
    assert in_play(limit=limit, zapi_accounts=["accounts", "!otica"]) == "accounts,!otica"


MISTAKES: dict[str, list[dict[str, t.Any]]] = {
    'zapi_accounts: "acounts" matches no host; the nearest name is accounts': [
        {"zapi_accounts": value} for value in ("acounts", ["padaria", "acounts"], "padaria:acounts")
    ],
    'zapi_accounts: "!mercdo" matches no host; the nearest name is mercado': [{"zapi_accounts": "accounts:!mercdo"}],
    'zapi_accounts: "x" matches no host': [{"zapi_accounts": "x"}, {"zapi_accounts": "x", "groups": {"all": [], "ungrouped": []}}],
    'zapi_accounts: "closed" matches no host': [{"zapi_accounts": "closed"}],
    'zapi_accounts: "sul:!mercado" matches no host': [{"zapi_accounts": "sul:!mercado"}],
    "zapi_accounts must be the name of a group, a pattern of hosts, or a list of these": [
        {"zapi_accounts": value}
        for value in ("", " ", ",", None, [], [""], ["padaria", None], True, 5, {"padaria": 1}, [["padaria"]])
    ],
    "zapi_accounts uses a variable that is not defined: nothing": [{"zapi_accounts": trusted("{{ nothing }}")}],
    "--limit excludes all hosts of zapi_accounts": [
        {"zapi_accounts": "accounts", "limit": limit} for limit in ("web", "localhost", "!accounts", "@here.retry", "no-such-host")
    ],
    **{
        f"{name} is set for all accounts, with -e or in the vars of import_playbook": [{"zapi_accounts": "accounts", name: value}]
        for name, value in (
            ("zapi_partner_token", TOKEN),
            ("zapi_client_token", ""),
            ("zapi_credentials", [{"id": "A", "token": TOKEN}]),
        )
    },
}


@pytest.mark.parametrize(("words", "case"), [(words, one) for words, cases in MISTAKES.items() for one in cases])
def test_a_mistake_is_one_line_without_secrets(words: str, case: dict[str, t.Any]) -> None:
    with pytest.raises(OptionError) as caught:
        in_play(**case)
    message = assert_fit_for_users(caught.value, TOKEN)
    assert message.startswith(words)
    assert "nearest" in words or "nearest" not in message


def check(value: t.Any, hosts: list[str], groups: t.Any = GROUPS) -> None:
    given = {"groups": groups, "ansible_limit": None, "ansible_play_hosts_all": hosts, "zapi_accounts": value}
    check_accounts(given, Templar(DataLoader(), variables=given))


@pytest.mark.parametrize("value", ["accounts", ["padaria"], "closed", trusted("{{ groups['accounts'] }}")])
def test_accounts_that_only_the_variables_of_hosts_name_are_refused(value: t.Any) -> None:
    """The play ran on localhost, since it could not see them: that it audited one account would go unnoticed."""
    with pytest.raises(OptionError, match="zapi_accounts is set in variables of a host or group, which the playbook cannot read"):
        check(value, ["localhost"])


def test_accounts_that_the_play_has_seen_are_accepted() -> None:
    check("accounts", ACCOUNTS)
    check("accounts", ["padaria"])
    check("localhost", ["localhost"])
    check("here", ["localhost"], {"all": ["localhost"], "ungrouped": [], "here": ["localhost"]})
    check_accounts({"groups": GROUPS, "ansible_play_hosts_all": ["localhost"]}, None)
