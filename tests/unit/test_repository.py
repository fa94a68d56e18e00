# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What two files of the repository say, and must say alike."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from ansible_collections.zapi.zapi.plugins.module_utils._connection import CONNECTION_ARGUMENTS

ROOT = Path(__file__).parents[2]

# All releases of ansible-core would find the same.
pytestmark = pytest.mark.once


def test_the_workflow_runs_the_whole_matrix() -> None:
    noxfile = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in noxfile.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    matrix = ast.literal_eval(constants["MATRIX"])
    oldest = tuple(ast.literal_eval(constants[name]) for name in ("OLDEST_TARGET_CORE", "OLDEST_TARGET"))

    workflow = yaml.safe_load((ROOT / ".github/workflows/nox.yml").read_text(encoding="utf-8"))
    rows = [(row["core"], row["python"]) for row in workflow["jobs"]["matrix"]["strategy"]["matrix"]["include"]]

    # The first Python is the one that the session bears in its name, where it is installed.
    assert rows == [oldest, *((core, pythons[0]) for core, pythons in matrix.items())]


def test_the_playbooks_take_all_options_of_the_connection() -> None:
    variables = yaml.safe_load((ROOT / "playbooks/vars/connection.yml").read_text(encoding="utf-8"))
    assert variables["zapi_connection_options"] == list(CONNECTION_ARGUMENTS)
