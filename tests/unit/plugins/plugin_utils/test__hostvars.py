# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Filter and test take instances from wherever users have them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.zapi.zapi.plugins.module_utils._errors import ZapiError
from ansible_collections.zapi.zapi.plugins.plugin_utils._hostvars import read_instance
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
    read = read_instance(value)
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
