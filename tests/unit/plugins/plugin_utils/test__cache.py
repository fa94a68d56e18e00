# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The inventory's cache holds for one account, one address and one narrowing, and what is no fleet in it is not used."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.plugin_utils._cache import entry_for, read_fleet
from ansible_collections.zapi.zapi.tests.unit.support import PARTNER_TOKEN, make_connection, make_instance


def test_the_same_source_and_account_have_the_same_entry() -> None:
    assert entry_for("source", make_connection()) == entry_for("source", make_connection(timeout=5, page_size=7))
    assert entry_for("source", make_connection()).startswith("source_")


@pytest.mark.parametrize(
    "changed",
    [{"partner_token": "somebody-elses"}, {"api_url": "https://other.example.com"}, {"query": "a"}, {"middleware": "web"}],
)
def test_what_decides_which_instances_come_makes_another_entry(changed: dict[str, t.Any]) -> None:
    assert entry_for("source", make_connection(**changed)) != entry_for("source", make_connection())


def test_another_source_has_another_entry() -> None:
    assert entry_for("one", make_connection()) != entry_for("other", make_connection())


def test_the_token_is_not_in_the_entry() -> None:
    assert PARTNER_TOKEN not in entry_for("source", make_connection())


@pytest.mark.parametrize("fleet", [[], [make_instance()], [make_instance(1), make_instance(2, sessionName="main")]])
def test_a_fleet_is_read_as_it_was_written(fleet: list[t.Any]) -> None:
    assert read_fleet({"entry": fleet}, "entry") == fleet


def test_where_there_is_none_there_is_none() -> None:
    assert read_fleet({}, "entry") is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        {"id": "A", "webhooks": {}},
        ["foreign"],
        [make_instance(), None],
        [{"id": "A"}],
        [{"id": "", "webhooks": {}}],
        [{"id": 5, "webhooks": {}}],
        [{"id": "A", "webhooks": []}],
        [{"id": "A", "webhooks": {}, 5: "number"}],
        [{"id": "A", "webhooks": {}, "token": "t"}],
        [{"id": "A", "webhooks": {}, "clientToken": "t"}],
    ],
)
def test_what_is_no_fleet_is_not_used(content: t.Any) -> None:
    assert read_fleet({"entry": content}, "entry") is None


@pytest.mark.parametrize("failure", [ValueError, OSError, RuntimeError])
def test_a_cache_that_fails_is_no_obstacle(failure: type[Exception]) -> None:
    class Broken(dict):  # type: ignore[type-arg]
        def __getitem__(self, key: str) -> t.Any:
            raise failure("broken")

    assert read_fleet(Broken(), "entry") is None
