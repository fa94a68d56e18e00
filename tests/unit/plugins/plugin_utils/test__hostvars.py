# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Instances become host variables, none of which is an option; filter and test take instances from wherever users have them."""

from __future__ import annotations

import ast
import re
import typing as t
from collections.abc import Iterator, Mapping
from pathlib import Path

import ansible
import pytest
import yaml
from ansible.vars.reserved import get_reserved_names
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError, ZapiError
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import (
    INSTANCE_KEYS,
    TRUST_IS_EXPLICIT,
    HostVariables,
    read_instance,
)
from ansible_collections.zapi.zapi.tests.unit.support import assert_fit_for_users, make_instance

INSTANCE = make_instance(sessionName="main")
# All that expectations can be about.
KEYS = ["id", "name", "middleware", "payment_status", "due_timestamp", "phone_connected", "whatsapp_connected", "webhooks"]


def host_variables(prefix: str) -> dict[str, t.Any]:
    return {
        "inventory_hostname": "shop-1",
        "group_names": ["zapi"],
        "ansible_connection": "local",
        "id": 5,
        **{f"{prefix}{key}": value for key, value in INSTANCE.items()},
    }


def assert_read(value: t.Any) -> None:
    read: t.Any = read_instance(value)
    assert {key: read[key] for key in KEYS} == {key: INSTANCE[key] for key in KEYS}


def test_an_instance_is_read_as_it_is() -> None:
    assert_read(INSTANCE)


@pytest.mark.parametrize("prefix", ["zapi_", "z", "my_zapi_instance_", "_"])
def test_host_variables_are_read_whatever_their_prefix(prefix: str) -> None:
    assert_read(host_variables(prefix))


def test_host_variables_without_a_prefix_are_read() -> None:
    assert_read({"inventory_hostname": "shop-1", **INSTANCE})


def test_a_users_own_variable_of_a_like_name_does_no_harm() -> None:
    assert_read({"invoice_due_timestamp": 5, **host_variables("zapi_")})


def test_other_variables_are_not_even_looked_at() -> None:
    class Lazy(Mapping):  # type: ignore[type-arg]
        """As Ansible's host variables, which are templated when they are read."""

        def __getitem__(self, key: str) -> t.Any:
            assert key.startswith("zapi_")
            return host_variables("zapi_")[key]

        def __iter__(self) -> Iterator[str]:
            return iter(host_variables("zapi_"))

        def __len__(self) -> int:
            return len(host_variables("zapi_"))

        def __contains__(self, key: object) -> bool:
            return key in host_variables("zapi_")

    assert_read(Lazy())


def test_the_instance_that_was_given_is_left_alone() -> None:
    given_instance = make_instance()
    read_instance(given_instance)["id"] = "changed"
    assert given_instance == make_instance()


@pytest.mark.parametrize("value", [None, "shop-1", 5, True, [INSTANCE], b"x"])
def test_what_is_no_dictionary_is_refused(value: t.Any) -> None:
    with pytest.raises(ZapiError, match="not an instance") as refused:
        read_instance(value)
    assert_fit_for_users(str(refused.value), request=None)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"id": "A", "name": "shop-1"},
        {key: value for key, value in INSTANCE.items() if key != "webhooks"},
        {"zapi_due_timestamp": 5, "other_id": "A", "other_name": "", "other_webhooks": {}},
        {**INSTANCE, "id": None},
        {**INSTANCE, "name": 5},
        {**INSTANCE, "webhooks": "https://hooks.example.com"},
        {5: "number", None: "null"},
    ],
)
def test_a_dictionary_that_is_no_instance_is_refused(value: t.Any) -> None:
    with pytest.raises(ZapiError, match="not an instance") as refused:
        read_instance(value)
    assert_fit_for_users(str(refused.value), request=None)


@given(
    st.dictionaries(st.text() | st.integers() | st.none() | st.sampled_from(["id", "name", "due_timestamp", "webhooks"]), st.none())
)
def test_any_dictionary_is_an_instance_or_refused(value: t.Any) -> None:
    try:
        read_instance(value)
    except ZapiError as refused:
        assert_fit_for_users(str(refused), request=None)


# Host variables of instances

ROOT = Path(__file__).parents[4]
# Without an API's field that is called like one: those are keys of every instance, which always become variables.
OPTIONS_OF_OTHERS = (
    "ansible_shell_executable",
    "ansible_connection",
    "ansible_python_interpreter",
    "ansible_host",
    "ansible_become",
    "ANSIBLE_SSH_ARGS",
    "ansible_",
    "_ansible_delegated_vars",
    "inventory_hostname",
    "inventory_hostname_short",
    "inventory_dir",
    "inventory_file",
    "group_names",
    "groups",
    "hostvars",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_path",
    "omit",
    "vars",
    "environment",
    "item",
    "lookup",
    "query",
    "q",
    "with_items",
    "discovered_interpreter_python",
    "delegated_vars",
    "port",
    "become",
    "vars_files",
)
OPTIONS_OF_OURS = (
    "zapi_partner_token",
    "zapi_credentials",
    "zapi_client_token",
    "zapi_api_url",
    "zapi_validate_certs",
    "zapi_ca_path",
    "zapi_timeout",
    "zapi_retries",
    "zapi_page_size",
    "zapi_concurrency",
    "zapi_query",
    "zapi_list_twice",
    "zapi_only",
    "zapi_max_changes",
    "zapi_dest",
    "zapi_force",
    "zapi_report",
    "zapi_accounts",
    "zapi_unmanaged",
    "zapi_fail_on_drift",
    "zapi_show_url_secrets",
    "zapi_on_missing",
    "zapi_verify",
    "zapi_backup",
    "zapi_attributes",
    "zapi_language",
    "zapi_title",
    "zapi_expectations",
    "zapi_expectations_file",
    "expectations",
    "expectations_file",
    "unmanaged",
    "fail_on_drift",
    "show_url_secrets",
    "hook",
    "ZAPI_API_URL",
)


def variables(prefix: str = "zapi_", **fields: t.Any) -> dict[str, t.Any]:
    return HostVariables(prefix).of(t.cast("t.Any", {**make_instance(), **fields}))


def docstrings(path: Path) -> t.Iterator[t.Any]:
    """The YAML of all texts in a Python file that hold options."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"^ *options:|^ *vars:", node.value, re.M):
            try:
                yield yaml.safe_load(node.value)
            except yaml.YAMLError:
                continue


def named_in_vars(value: t.Any) -> t.Iterator[str]:
    """The variables that options are read from, as documentation has them."""
    if isinstance(value, dict):
        for entry in value.get("vars") or () if isinstance(value.get("vars"), list) else ():
            if "name" in entry:
                yield entry["name"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from named_in_vars(item)


def variables_that_ansible_core_reads() -> set[str]:
    plugins = Path(ansible.__file__).parent / "plugins"
    names = {name for path in plugins.rglob("*.py") for text in docstrings(path) for name in named_in_vars(text)}
    base = yaml.safe_load((plugins.parent / "config" / "base.yml").read_text(encoding="utf-8"))
    # Such as delegated_vars['ansible_host']
    return {name.partition("[")[0] for name in (*names, *named_in_vars(base)) if name != "_z_test_entry"}


def variables_that_the_collection_reads() -> set[str]:
    options = set(CONNECTION_ARGUMENTS)
    for path in (ROOT / "plugins" / "modules").glob("*.py"):
        options.update(*(text["options"] for text in docstrings(path) if isinstance(text, dict)))
    playbooks = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").rglob("*.yml"))
    return {f"zapi_{option}" for option in options} | set(re.findall(r"zapi_\w+", playbooks))


def test_every_key_of_an_instance_is_a_variable() -> None:
    instance = make_instance()
    assert set(instance) <= INSTANCE_KEYS
    assert variables() == {f"zapi_{key}": value for key, value in instance.items()}
    assert variables("") == instance


def test_new_fields_of_the_api_are_variables_too() -> None:
    assert variables(session_name="main")["zapi_session_name"] == "main"
    assert variables("", session_name="main")["session_name"] == "main"


def test_what_can_name_no_variable_is_none() -> None:
    assert set(variables("", **{"1st": 1, "": 2, "a-b": 3})) == set(make_instance())


@pytest.mark.parametrize("variable", [*OPTIONS_OF_OTHERS, *OPTIONS_OF_OURS])
def test_no_field_becomes_an_option_whatever_the_prefix(variable: str) -> None:
    for length in range(len(variable)):
        prefix, key = variable[:length], variable[length:]
        if key in INSTANCE_KEYS or prefix.lower().lstrip("_").startswith("ansible_"):
            continue
        made = HostVariables(prefix)
        assert variable not in made.of(t.cast("t.Any", {**make_instance(), key: "hostile"}))
        assert made.left_out == [key]


def test_what_ansible_core_and_this_collection_read_is_never_a_field() -> None:
    core, ours = variables_that_ansible_core_reads(), variables_that_the_collection_reads()
    assert len(core) > 100
    assert {"zapi_api_url", "zapi_fail_on_drift"} <= ours
    fields = dict.fromkeys(core | ours | get_reserved_names(), "hostile")
    assert set(variables("", **fields)) == set(make_instance())
    assert set(variables("zapi_", **{name.removeprefix("zapi_"): "hostile" for name in ours})) == set(variables())


def test_the_middleware_of_an_instance_stays_though_an_option_is_called_like_it() -> None:
    assert variables(middleware="web")["zapi_middleware"] == "web"


@pytest.mark.parametrize("prefix", ["ansible_", "ANSIBLE_", "Ansible_ssh_", "_ansible_"])
def test_a_prefix_that_makes_options_of_everything_is_refused(prefix: str) -> None:
    with pytest.raises(OptionError, match="hostvars_prefix must not be") as refused:
        HostVariables(prefix)
    assert_fit_for_users(str(refused.value), request=None)


@pytest.mark.parametrize("prefix", ["1-", "a b", "é", "{{ x }}", "a\n"])
def test_a_prefix_that_begins_no_variable_is_refused(prefix: str) -> None:
    with pytest.raises(OptionError, match="hostvars_prefix must be fit") as refused:
        HostVariables(prefix)
    assert_fit_for_users(str(refused.value), request=None)


@pytest.mark.parametrize("prefix", ["", "zapi_", "my_"])
def test_filter_and_test_read_what_the_inventory_makes(prefix: str) -> None:
    assert_read({"inventory_hostname": "shop-1", **HostVariables(prefix).of(INSTANCE)})


@pytest.mark.skipif(TRUST_IS_EXPLICIT, reason="from ansible-core 2.19 on, text is data unless it is marked as a template")
def test_every_text_is_marked_as_data() -> None:
    made = variables(name="{{ 1 }}", extra={"{{ 2 }}": ["{{ 3 }}"], "plain": {"deep": "{{ 4 }}"}})
    [key] = set(made["zapi_extra"]) - {"plain"}
    texts = [made["zapi_name"], key, made["zapi_extra"][key][0], made["zapi_extra"]["plain"]["deep"]]
    assert [text for text in texts if getattr(text, "__UNSAFE__", False)] == ["{{ 1 }}", "{{ 2 }}", "{{ 3 }}", "{{ 4 }}"]
