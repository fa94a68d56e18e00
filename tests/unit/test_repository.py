# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Files of the repository that must agree."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def test_the_workflow_runs_the_whole_matrix() -> None:
    noxfile = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    (matrix,) = (node.value for node in noxfile.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MATRIX")
    assert isinstance(matrix, ast.Dict)
    releases = [ast.literal_eval(key) for key in matrix.keys if key]

    workflow = yaml.safe_load((ROOT / ".github/workflows/nox.yml").read_text(encoding="utf-8"))
    sessions = workflow["jobs"]["matrix"]["strategy"]["matrix"]["session"]
    assert sessions == [*(f"matrix-{release}" for release in releases), "python3.9"]


def test_ci_builds_the_documented_execution_environment() -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    checks = tomllib.loads((ROOT / "antsibull-nox.toml").read_text(encoding="utf-8"))
    (checked,) = checks["sessions"]["ee_check"]["execution_environments"]
    documented = yaml.safe_load((ROOT / "tests/ee/execution-environment.yml").read_text(encoding="utf-8"))
    del documented["dependencies"]["galaxy"]
    assert {key: documented[key] for key in checked["config"]} == checked["config"]
