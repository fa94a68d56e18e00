# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The arguments of a module come from the task and from variables, and what is not certain is an error."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import template as ansible_template
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.zapi.zapi.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._arguments import (
    OPTIONS,
    PLAYBOOKS,
    playbook_arguments,
    private_variables,
    task_arguments,
)
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users

ROOT = Path(__file__).parents[4]
TOKEN = "OpenSesame"
CREDENTIALS = [{"id": "A", "token": TOKEN}]
trusted = getattr(ansible_template, "trust_as_template", str)


def templar(variables: t.Mapping[str, t.Any]) -> Templar:
    return Templar(DataLoader(), variables=dict(variables))


def in_task(written: dict[str, t.Any], **variables: t.Any) -> dict[str, t.Any]:
    return task_arguments("instance_audit", written, variables, templar(variables))


def in_playbook(playbook: str = "audit", extra: t.Collection[str] = (), **variables: t.Any) -> dict[str, t.Any]:
    return playbook_arguments(PLAYBOOKS[playbook], variables, dict.fromkeys(extra), templar(variables))


@pytest.mark.parametrize("module", OPTIONS)
def test_the_options_are_those_of_the_documentation(module: str) -> None:
    source = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    documented = yaml.safe_load(source.split('DOCUMENTATION = r"""')[1].split('"""')[0])["options"]
    connection = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert sorted(OPTIONS[module]) == sorted([*documented, *connection])


# Users' own plays


def test_four_options_can_be_variables() -> None:
    given = {"zapi_partner_token": trusted("{{ mine }}"), "zapi_client_token": "c", "zapi_api_url": "u", "zapi_only": ["A"]}
    assert in_task({"timeout": 5}, mine=TOKEN, **given) == {
        "partner_token": TOKEN,
        "client_token": "c",
        "api_url": "u",
        "timeout": 5,
    }


@pytest.mark.parametrize("empty", ["", " ", None, []])
def test_an_empty_variable_counts_as_not_set(empty: t.Any) -> None:
    assert in_task({}, zapi_partner_token=empty, zapi_credentials=CREDENTIALS) == {"credentials": CREDENTIALS}


def test_the_first_level_that_has_either_of_token_and_credentials_decides() -> None:
    assert in_task({"partner_token": TOKEN}, zapi_credentials=CREDENTIALS) == {"partner_token": TOKEN}
    assert in_task({"credentials": CREDENTIALS}, zapi_partner_token=TOKEN) == {"credentials": CREDENTIALS}
    # module_defaults may have set the token: the module takes the credentials.
    both = {"partner_token": TOKEN, "credentials": CREDENTIALS}
    assert in_task(both) == both
    with pytest.raises(OptionError, match="both zapi_partner_token and zapi_credentials are set"):
        in_task({}, zapi_partner_token=TOKEN, zapi_credentials=CREDENTIALS)


TASK_MISTAKES: dict[str, tuple[dict[t.Any, t.Any], dict[str, t.Any]]] = {
    "partner_tokn is not an option of zapi.zapi.instance_audit; the nearest name is partner_token": ({"partner_tokn": TOKEN}, {}),
    "5 is not an option of zapi.zapi.instance_audit": ({5: TOKEN}, {}),
    "query is null": ({"query": None}, {}),
    "only is null": ({"only": None}, {}),
    "only: entry 2 is empty": ({"only": "a,"}, {}),
    "the variable zapi_partner_token uses a variable that is not defined: x": ({}, {"zapi_partner_token": trusted("{{ x }}")}),
    "the variable zapi_client_token has a template with a syntax error": ({}, {"zapi_client_token": trusted(f"{{{{ '{TOKEN}' ")}),
}


@pytest.mark.parametrize(("words", "case"), TASK_MISTAKES.items(), ids=TASK_MISTAKES)
def test_a_mistake_in_a_task_is_one_line_without_secrets(words: str, case: tuple[t.Any, t.Any]) -> None:
    written, variables = case
    with pytest.raises(OptionError) as caught:
        in_task(written, **variables)
    assert words in assert_fit_for_users(caught.value, TOKEN)


# Playbooks


def test_every_option_can_be_a_variable_in_a_playbook() -> None:
    given: dict[str, t.Any] = {"zapi_only": ["A"], "zapi_timeout": "5", "zapi_fail_on_drift": "no", "expectations_file": "e.yml"}
    assert in_playbook(**given) == {"only": ["A"], "timeout": "5", "fail_on_drift": "no", "expectations_file": "e.yml"}
    assert in_playbook(zapi_only=[5511999990000]) == {"only": [5511999990000]}, "a name that YAML reads as a number"
    assert in_playbook(zapi_expectations_file="e.yml") == {"expectations_file": "e.yml"}
    # Variables of other playbooks are known, so that group_vars can be shared.
    assert in_playbook(zapi_dest="x.yml", zapi_backup="", zapi_max_changes="5") == {}


PLAYBOOK_MISTAKES: dict[str, dict[str, t.Any]] = {
    "zapi_onyl is not a variable of these playbooks; the nearest name is zapi_only": {"zapi_onyl": "A"},
    "ZAPI_ONLY is not a variable of these playbooks; the nearest name is zapi_only": {"ZAPI_ONLY": "A"},
    "zapi_validate_only is not a variable": {"zapi_validate_only": True},
    "zapi_customer is not a variable of these playbooks (in your own playbooks, use another prefix)": {"zapi_customer": "A"},
    "only is not a variable of this playbook: write zapi_only": {"extra": ["only"]},
    "zapi_fail_on_drift must be true or false": {"zapi_fail_on_drift": "ture"},
    "zapi_strict must be true or false": {"zapi_strict": 2},
    "zapi_fail_on_drift is empty": {"zapi_fail_on_drift": ""},
    "zapi_query is null": {"zapi_query": None},
    "zapi_only is empty": {"zapi_only": []},
    "zapi_only: entry 2 is empty": {"zapi_only": ["A", None]},
    "zapi_only: entry 1 must be text": {"zapi_only": [["A"]]},
    "zapi_only uses a variable that is not defined: shops": {"zapi_only": trusted("{{ shops }}")},
    "both expectations and zapi_expectations are set": {"expectations": [1], "zapi_expectations": [1]},
    "expectations is text, not a list": {"expectations": "[{}]"},
    "expectations has two braces around id": {"expectations": [{"expect": {"middleware": trusted("{{id}}")}}]},
    "both zapi_partner_token and zapi_credentials are set": {"zapi_partner_token": TOKEN, "zapi_credentials": CREDENTIALS},
    "this host is an instance": {"zapi_id": "A", "zapi_webhooks": {}, "zapi_name": "n"},
}


@pytest.mark.parametrize(("words", "case"), PLAYBOOK_MISTAKES.items(), ids=PLAYBOOK_MISTAKES)
def test_a_mistake_in_the_variables_of_a_playbook_is_one_line_without_secrets(words: str, case: dict[str, t.Any]) -> None:
    with pytest.raises(OptionError) as caught:
        in_playbook(**case)
    assert words in assert_fit_for_users(caught.value, TOKEN)


def test_bare_names_are_those_of_the_playbook_at_hand() -> None:
    assert in_playbook("validate", ["only", "backup", "expectations_file"]) == {}
    with pytest.raises(OptionError, match="backup is not a variable of this playbook: write zapi_backup"):
        in_playbook("converge", ["backup"])


def test_variables_of_the_playbooks_themselves_are_found() -> None:
    assert private_variables(t.cast("dict[str, t.Any]", {"_zapi_run": 1, "zapi_only": 1, 5: 1})) == ["_zapi_run"]
