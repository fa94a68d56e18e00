# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""An instance is the same through every door, so its documentation is, too."""

from __future__ import annotations

import typing as t

import yaml

from ansible_collections.zapi.zapi.plugins.lookup import instances
from ansible_collections.zapi.zapi.plugins.modules import instance_info


def without_returned(value: t.Any) -> t.Any:
    """When a value is returned is for each door to say: a module's documentation must, a lookup's need not."""
    if not isinstance(value, dict):
        return value
    return {key: without_returned(field) for key, field in value.items() if key != "returned"}


def test_lookup_and_module_document_an_instance_alike() -> None:
    of_lookup = without_returned(yaml.safe_load(instances.RETURN)["_raw"])
    of_module = without_returned(yaml.safe_load(instance_info.RETURN)["instances"])
    # The lists as a whole are not alike: a lookup returns the instances in the order of its terms.
    assert of_lookup.pop("description")
    assert of_module.pop("description")
    assert of_lookup == of_module
    assert set(of_lookup) == {"type", "elements", "contains", "sample"}
