# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""An entry of the inventory's cache belongs to one connection, and is used only if it contains instances."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._report.rows import instances
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets
from ansible_collections.zapi.zapi.plugins.plugin_utils._cache import entry_key, read_instances
from ansible_collections.zapi.zapi.tests.unit.engine import PARTNER_TOKEN, connection
from ansible_collections.zapi.zapi.tests.unit.naive import make_record


def make_connection(**changed: t.Any) -> t.Any:
    return connection("https://api.z-api.io", **changed)


def make_instance(*args: t.Any, **fields: t.Any) -> t.Any:
    return instances([make_record(*args, **fields)], Secrets())[0]


def test_the_same_source_and_account_have_the_same_entry() -> None:
    assert entry_key("source", make_connection()) == entry_key("source", make_connection(timeout=5, page_size=7))
    assert entry_key("source", make_connection()).startswith("source_")


@pytest.mark.parametrize(
    "changed",
    [{"partner_token": "another-token"}, {"query": "a"}, {"middleware": "web"}],
)
def test_options_that_select_instances_make_another_entry(changed: dict[str, t.Any]) -> None:
    assert entry_key("source", make_connection(**changed)) != entry_key("source", make_connection())


def test_another_source_has_another_entry() -> None:
    assert entry_key("one", make_connection()) != entry_key("other", make_connection())


def test_the_token_is_not_in_the_entry() -> None:
    assert PARTNER_TOKEN not in entry_key("source", make_connection())


@pytest.mark.parametrize("fleet", [[], [make_instance()], [make_instance(1), make_instance(2, sessionName="main")]])
def test_instances_are_read_as_they_were_written(fleet: list[t.Any]) -> None:
    assert read_instances({"entry": fleet}, "entry") == fleet


def test_no_entry_is_none() -> None:
    assert read_instances({}, "entry") is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        make_instance(),
        ["foreign"],
        [make_instance(), None],
        [{"id": "A", "webhooks": {}}],
        [{**make_instance(), "id": 5}],
        [{**make_instance(), "webhooks": []}],
        [{**make_instance(), "token": "t"}],
        [{key: value for key, value in make_instance().items() if key != "extra"}],
    ],
)
def test_other_content_is_not_used(content: t.Any) -> None:
    assert read_instances({"entry": content}, "entry") is None


@pytest.mark.parametrize("failure", [ValueError, OSError, RuntimeError])
def test_a_cache_that_fails_is_ignored(failure: type[Exception]) -> None:
    class Broken(dict):  # type: ignore[type-arg]
        def __getitem__(self, key: str) -> t.Any:
            raise failure("broken")

    assert read_instances(Broken(), "entry") is None
