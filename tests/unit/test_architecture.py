# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Which files may import which: the picture in CONTRIBUTING.md, checked."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
COLLECTION = "ansible_collections.zapi.zapi.plugins"

# A package imports only from packages before it in this list.
LAYERS = [
    "_core",
    "_secrets",
    "_policy",
    "_audit",
    "_plan",
    "_adopt",
    "_report",
    "_http",
    "_zapi",
    "_fleet",
    "_apply",
    "_files",
    "_module",
]
# These decide and render, and know no network.
PURE_FOLDERS = ["filter", "test"]
PUBLIC_FOLDERS = ["action", "filter", "inventory", "lookup", "modules", "test"]
PRIVATE_LINE = "# Private to this collection: it may change or be removed in any release, without notice.\n"


def read_plugins() -> dict[str, str]:
    """The source of each file by its path without the ending, such as ``module_utils/_zapi/listing``."""
    return {file.relative_to(PLUGINS).with_suffix("").as_posix(): file.read_text("utf-8") for file in PLUGINS.rglob("*.py")}


def imported_names(path: str, source: str) -> Iterator[str]:
    """The dotted name of everything that a file imports, wherever in it, for type checkers or not."""
    package = [*COLLECTION.split("."), *path.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def own_path(name: str) -> str | None:
    """The path below ``plugins`` that a dotted name of this collection begins with."""
    prefix = f"{COLLECTION}."
    return name.removeprefix(prefix).replace(".", "/") if name.startswith(prefix) else None


def layer(path: str) -> str | None:
    folder, _slash, rest = path.partition("/")
    return rest.split("/")[0] if folder == "module_utils" else None


def violations(sources: Mapping[str, str]) -> list[str]:
    """One line for each import that breaks a rule."""
    return [f"{path}: {line}" for path, source in sorted(sources.items()) for line in check(path, source)]


def check(path: str, source: str) -> Iterator[str]:
    folder = path.partition("/")[0]
    if folder == "module_utils" and layer(path) not in LAYERS:
        yield "add its package to LAYERS"
        return
    for name in imported_names(path, source):
        if name.split(".")[0] in ("requests", "urllib3") and layer(path) != "_http":
            yield f"imports {name}: only _http speaks HTTP"
        if (
            folder in ("module_utils", "modules")
            and name.split(".")[0] == "ansible"
            and not name.startswith("ansible.module_utils")
        ):
            yield f"imports {name}: modules run where only ansible.module_utils exists"
        own = own_path(name)
        if own is not None:
            yield from check_own(path, own)


def check_own(path: str, own: str) -> Iterator[str]:
    folder, own_folder = path.partition("/")[0], own.partition("/")[0]
    if own.startswith("module_utils/_zapi/writes") and layer(path) != "_apply":
        yield f"imports {own}: only _apply writes"
    if folder == "module_utils":
        own_layer = layer(own)
        is_below = own_layer in LAYERS and LAYERS.index(own_layer) <= LAYERS.index(str(layer(path)))
        if not is_below or (own_layer == layer(path) and "/" not in path.removeprefix("module_utils/")):
            yield f"imports {own}: it is not in a package above"
    elif own_folder != "module_utils" and (own_folder != "plugin_utils" or folder == "modules"):
        yield f"imports {own}: nothing imports from a plugin, and modules do not import from plugin_utils"


def reachable(path: str, sources: Mapping[str, str]) -> set[str]:
    """The files that a file imports, directly or through others."""
    reached: set[str] = set()
    ahead = [path]
    while ahead:
        current = ahead.pop()
        for name in imported_names(current, sources[current]):
            own = own_path(name) or ""
            for file in (own, own.rpartition("/")[0]):
                if file in sources and file not in reached:
                    reached.add(file)
                    ahead.append(file)
    return reached


def test_a_package_imports_only_from_packages_above_it() -> None:
    sources = read_plugins()
    assert "module_utils/_zapi/listing" in sources
    assert violations(sources) == []


@pytest.mark.parametrize("folder", PURE_FOLDERS)
def test_filter_and_test_reach_no_network(folder: str) -> None:
    sources = read_plugins()
    files = [path for path in sources if path.startswith(f"{folder}/")]
    assert files
    for path in files:
        assert not [one for one in reachable(path, sources) if layer(one) in ("_http", "_zapi", "_fleet", "_apply")]


def test_contributing_shows_the_layers() -> None:
    picture = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    assert [name for name in re.findall(r"^\s*(_[a-z]+)", picture, re.M) if name in LAYERS] == LAYERS


def test_private_files_say_so() -> None:
    for path, source in read_plugins().items():
        if path.partition("/")[0] not in PUBLIC_FOLDERS:
            assert "/_" in path, f"{path}: the name of a private file or of its folder begins with an underscore"
            assert f"\n\n{PRIVATE_LINE}\n" in source, f"{path} does not say that it is private"


@pytest.mark.parametrize(
    ("path", "statement"),
    [
        ("module_utils/_audit", "from ._report.rows import x"),
        ("module_utils/_core/urls", "from ansible_collections.zapi.zapi.plugins.module_utils._secrets import x"),
        ("module_utils/_audit", "if t.TYPE_CHECKING:\n    from ._plan import Plan"),
        ("module_utils/_new", "import json"),
        ("module_utils/_fleet", "import requests"),
        ("module_utils/_fleet", "from ._zapi.writes import put"),
        ("module_utils/_core/options", "from ansible.errors import AnsibleError"),
        ("modules/instance_info", "from ansible_collections.zapi.zapi.plugins.plugin_utils._options import x"),
        ("lookup/instances", "from ansible_collections.zapi.zapi.plugins.inventory.instances import x"),
    ],
)
def test_the_rules_find_a_violation(path: str, statement: str) -> None:
    assert violations({path: statement})
