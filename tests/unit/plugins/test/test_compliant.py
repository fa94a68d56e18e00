# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The test returns whether one instance meets the expectations."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.zapi.zapi.plugins.test.compliant import TestModule as Plugin
from ansible_collections.zapi.zapi.tests.unit.naive import make_record

compliant = Plugin().tests()["compliant"]


def make_instance(*args: t.Any, **fields: t.Any) -> t.Any:
    return make_record(*args, **fields).instance


CONNECTED = [{"expect": {"whatsapp_connected": True}}]


@pytest.mark.parametrize(("state", "verdict"), [(True, True), (False, False), (None, False)])
def test_an_instance_is_compliant_if_it_has_no_mismatch(state: bool | None, verdict: bool) -> None:
    assert compliant(make_instance(whatsappConnected=state), CONNECTED) is verdict


def test_host_variables_are_accepted() -> None:
    variables = {f"zapi_{key}": value for key, value in make_instance(whatsappConnected=False).items()}
    assert compliant({"inventory_hostname": "shop-1", **variables}, CONNECTED) is False


def test_what_is_missing_elsewhere_does_not_matter() -> None:
    assert compliant(make_instance(), [{"match": {"id": "gone"}, "expect": {"whatsapp_connected": False}}]) is True


def test_an_unmanaged_instance_is_compliant() -> None:
    assert compliant(make_instance(), [{"match": {"name": "x*"}, "expect": {"whatsapp_connected": False}}]) is True


def test_the_time_is_now() -> None:
    now = int(time.time() * 1000)
    declared = [{"expect": {"days_left": 5}}]
    assert compliant(make_instance(due=now + 5 * 86_400_000 + 60_000), declared) is True
    assert compliant(make_instance(due=now + 5 * 86_400_000 - 1), declared) is False


@pytest.mark.parametrize(
    ("instance", "declared", "words"),
    [
        ("shop-1", CONNECTED, "not an instance"),
        ([make_instance()], CONNECTED, "not an instance"),
        ({"id": "A"}, CONNECTED, "not an instance"),
        ({5: "A"}, CONNECTED, "not an instance"),
        ({**make_instance(), "webhooks": None}, CONNECTED, "not an instance"),
        ({**make_instance(), "settings": "text"}, CONNECTED, "not an instance"),
        ({**make_instance(), "settings": []}, CONNECTED, "not an instance"),
        ({**make_instance(), "unknown": "text"}, CONNECTED, "not an instance"),
        ({**make_instance(), "unknown": 5}, CONNECTED, "not an instance"),
        (make_instance(), [], "expectations is an empty list"),
        (make_instance(), None, "must be a list"),
        (make_instance(), [{"expect": {"whatsap_connected": True}}], "did you mean whatsapp_connected?"),
    ],
)
def test_a_mistake_is_an_error(instance: t.Any, declared: t.Any, words: str) -> None:
    with pytest.raises(AnsibleError) as refused:
        compliant(instance, declared)
    message = str(refused.value)
    assert "zapi.zapi.compliant" in message
    assert words in message
    assert message.isprintable()
