# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Instances become host variables; filter and test read instances from there, and from results."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import KEYS
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import (
    TRUST_IS_EXPLICIT,
    check_prefix,
    host_variables,
    read_record,
    read_records,
)
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users
from ansible_collections.zapi.zapi.tests.unit.naive import make_record

INSTANCE: dict[str, t.Any] = {key: make_record(sessionName="main").instance.get(key) for key in KEYS}


def all_variables(prefix: str) -> dict[str, t.Any]:
    own = {"inventory_hostname": "shop-1", "ansible_connection": "local", "invoice_due_timestamp": 5}
    return {**own, **host_variables(INSTANCE, prefix)}


def test_every_key_of_an_instance_is_a_variable() -> None:
    assert host_variables(INSTANCE, "my_") == {f"my_{key}": value for key, value in INSTANCE.items()}


@pytest.mark.parametrize("prefix", ["zapi_", "z", "my_zapi_instance_", "_", ""])
def test_an_instance_is_read_from_host_variables_with_any_prefix(prefix: str) -> None:
    assert read_record(all_variables(prefix)).instance == INSTANCE


def test_other_host_variables_are_not_read() -> None:
    class Lazy(Mapping):  # type: ignore[type-arg]
        """Like the host variables of Ansible, which are templated when they are read."""

        def __getitem__(self, key: str) -> t.Any:
            assert key.startswith("zapi_") or key == "instances"
            return all_variables("zapi_")[key]

        def __iter__(self) -> Iterator[str]:
            return iter(all_variables("zapi_"))

        def __len__(self) -> int:
            return len(all_variables("zapi_"))

        def __contains__(self, key: object) -> bool:
            return key in all_variables("zapi_")

    assert read_record(Lazy()).instance == INSTANCE


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "not an instance but null"),
        ("shop-1", "not an instance but text"),
        ([INSTANCE], "not an instance but a list: test one instance, or use the filter zapi.zapi.drift"),
        ({"instances": [INSTANCE], "total": 1}, "the result of zapi.zapi.instance_info: use .instances"),
        ({"id": "A", "name": "shop-1"}, "not an instance but a mapping"),
        ({**INSTANCE, "name": 5}, "not an instance but a mapping"),
        ({**INSTANCE, "webhooks": "https://hooks.example.com"}, "not an instance but a mapping"),
        ({**INSTANCE, "settings": []}, "not an instance but a mapping"),
        ({5: "number", None: "null"}, "not an instance but a mapping"),
    ],
)
def test_what_is_not_an_instance_is_named(value: t.Any, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        read_record(value)
    assert words in assert_fit_for_users(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (INSTANCE, "one instance, not a list: use the test zapi.zapi.compliant"),
        ({"instances": [INSTANCE], "total": 1}, "the result of zapi.zapi.instance_info: use .instances"),
        ("shop-1", "not a list of instances but text"),
        (5, "not a list of instances but a number"),
        ([INSTANCE, {}], "item 2 is not an instance but a mapping"),
    ],
)
def test_what_is_not_a_list_of_instances_is_named(value: t.Any, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        read_records(value)
    assert words in assert_fit_for_users(caught.value)


@given(st.dictionaries(st.text() | st.integers() | st.sampled_from(["id", "name", "due_timestamp", "webhooks"]), st.none()))
def test_any_mapping_is_an_instance_or_an_error(value: t.Any) -> None:
    with pytest.raises(OptionError, match="not an instance"):
        read_record(value)


@pytest.mark.parametrize("prefix", ["ansible_", "Ansible_ssh_", "_ansible_", "1-", "a b", "é", "{{ x }}", "a\n"])
def test_a_prefix_that_no_variable_may_have_is_an_error(prefix: str) -> None:
    with pytest.raises(OptionError, match="hostvars_prefix"):
        check_prefix(prefix)


@pytest.mark.skipif(TRUST_IS_EXPLICIT, reason="from ansible-core 2.19 on, text is data unless it is marked as a template")
def test_every_text_is_marked_as_data() -> None:
    made = host_variables({**INSTANCE, "name": "{{ 1 }}", "extra": {"{{ 2 }}": ["{{ 3 }}"], "plain": "{{ 4 }}"}}, "zapi_")
    key, plain = made["zapi_extra"]
    assert plain == "plain"
    assert all(
        hasattr(text, "__UNSAFE__") for text in (made["zapi_name"], key, made["zapi_extra"][key][0], made["zapi_extra"][plain])
    )
