# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Who may import whom: the picture in CONTRIBUTING.md, held."""

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

# The engine, from the ground up: a file imports only from files that come before it. A new file is given its place here.
# Not all of them are there yet.
ENGINE = {
    "words and shapes": "_version _errors _attributes _timestamps _hosts _redaction _connection _instance",
    "pure": "_placeholders _selection _expectations _drift _wording _document _plan _patterns _adoption _events _diff",
    "network": "_api/leaving _api/refusals _api/bounds _api/pool _api/client _api/listing _api/single _api/writing",
    "whole": "_fleet _converge _files _module",
}
ORDER = [f"module_utils/{name}" for group in ENGINE.values() for name in group.split()]
# The doors import from the engine and, where they run on the controller, from plugin_utils. Nobody imports from a door.
DOORS = ["action", "filter", "inventory", "lookup", "modules", "test"]
# These two decide, and never ask a server.
PURE_DOORS = ["filter", "test"]
# Ansible copies these to where a module runs, without the rest of Ansible.
ON_TARGETS = ["module_utils", "modules"]

PRIVATE = (
    "# Private to this collection: it may change or go in any release, without notice.\n"
    "# What users may rely on are the plugins and modules, as their documentation describes them.\n"
)


# Reading


def read_plugins() -> dict[str, str]:
    """The source of each file, by its path without the ending: ``module_utils/_api/client``."""
    return {file.relative_to(PLUGINS).with_suffix("").as_posix(): file.read_text("utf-8") for file in PLUGINS.rglob("*.py")}


def imported(path: str, source: str) -> Iterator[str]:
    """The full dotted name of everything that a file imports, wherever in it, for type checkers or not."""
    package = [*COLLECTION.split("."), *path.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package itself, each further one the package around it.
            above = package[: len(package) - node.level + 1] if node.level else []
            yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)


def own_file(name: str) -> str | None:
    """The file of this collection that a dotted name belongs to, as `read_plugins` calls it; None for what is not ours."""
    if not within(name, COLLECTION):
        return name if within(name, "ansible_collections") else None
    parts = name.removeprefix(f"{COLLECTION}.").split(".")
    return "/".join(parts[:3] if parts[:2] == ["module_utils", "_api"] else parts[:2])


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def folder(path: str) -> str:
    return path.partition("/")[0]


# Judging


def judge(sources: Mapping[str, str]) -> list[str]:
    """Whatever breaks a rule, one line each."""
    names = {path: list(imported(path, source)) for path, source in sources.items()}
    files = {path: [file for file in map(own_file, names[path]) if file] for path in names}
    return [
        line
        for path in sorted(sources)
        for line in (*judge_others(path, names[path]), *judge_own(path, files[path]), *judge_reach(path, files))
    ]


def judge_others(path: str, names: list[str]) -> Iterator[str]:
    """What a file imports that is not of this collection."""
    for name in names:
        if not path.startswith("module_utils/_api/") and any(within(name, library) for library in ("requests", "urllib3")):
            yield f"{path} imports {name}: HTTP is spoken in _api only"
        if folder(path) in ON_TARGETS and within(name, "ansible") and not within(name, "ansible.module_utils"):
            yield f"{path} imports {name}: where modules run, there is only ansible.module_utils"


def judge_own(path: str, files: list[str]) -> Iterator[str]:
    """What a file imports of this collection."""
    home = folder(path)
    if home == "module_utils" and path not in ORDER:
        yield f"{path} has no place: give it one, in ENGINE"
        return
    if home not in ["module_utils", "plugin_utils", "doc_fragments", *DOORS]:
        yield f"{path} has no place: say in this test what {home} may import"
    before = ORDER[: ORDER.index(path)] if home == "module_utils" else ORDER
    for file in files:
        if file == "module_utils/_api/writing" and path != "module_utils/_converge":
            yield f"{path} imports {file}: only _converge writes"
        if home not in ON_TARGETS and file.startswith("plugin_utils/"):
            continue
        if file not in before:
            yield f"{path} imports {file}: {'that does not come before it' if home == 'module_utils' else 'it may not'}"


def judge_reach(path: str, files: Mapping[str, list[str]]) -> Iterator[str]:
    """What a door that asks no server imports, directly or through others."""
    if folder(path) not in PURE_DOORS:
        return
    reached: set[str] = set()
    ahead = [path]
    while ahead:
        file = ahead.pop()
        if file not in reached:
            reached.add(file)
            ahead += files.get(file, [])
    yield from (f"{path} reaches {file}: it must not need a network" for file in reached if file.startswith("module_utils/_api/"))


# The tests


def test_each_file_imports_only_what_it_may() -> None:
    sources = read_plugins()
    assert "module_utils/_api/client" in sources
    assert judge(sources) == []


def test_the_picture_in_contributing_shows_the_engine() -> None:
    picture = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    shown = [f"module_utils/{name}" for name in re.findall(r"(?<![\w/])_[a-z_]+(?:/[a-z_]+)?", picture)]
    assert {path for path in read_plugins() if folder(path) == "module_utils"} <= set(shown)
    assert shown == [path for path in ORDER if path in shown]


def test_private_files_say_so() -> None:
    private = {path: source for path, source in read_plugins().items() if folder(path) not in DOORS}
    assert private
    for path, source in private.items():
        assert "/_" in path, f"{path}: the name of a private file or of its folder begins with an underscore"
        assert f"\n\n{PRIVATE}\n" in source, f"{path} does not say that it is private"


OURS = f"from {COLLECTION}"


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        # Down only
        ("module_utils/_instance", "from ._drift import Row", "imports module_utils/_drift: that does not come before it"),
        ("module_utils/_instance", "from . import _drift", "imports module_utils/_drift: that does not come before it"),
        ("module_utils/_drift", "from ._api.client import Client", "imports module_utils/_api/client: that does not come"),
        ("module_utils/_wording", "from ._api import client", "imports module_utils/_api/client: that does not come"),
        ("module_utils/_drift", f"{OURS}.module_utils._api.client import Client", "imports module_utils/_api/client: that does"),
        ("module_utils/_drift", f"import {COLLECTION}.module_utils._api.client as c", "imports module_utils/_api/client: that"),
        ("module_utils/_drift", "if t.TYPE_CHECKING:\n    from ._module import run", "imports module_utils/_module: that does"),
        ("module_utils/_drift", "def f():\n    from ._wording import w", "imports module_utils/_wording: that does not come"),
        ("module_utils/_drift", "from ._drift import Row", "imports module_utils/_drift: that does not come before it"),
        ("module_utils/_api/client", "from .listing import read", "imports module_utils/_api/listing: that does not come"),
        ("module_utils/_api/client", "from .._module import run", "imports module_utils/_module: that does not come before it"),
        ("module_utils/_fleet", "from ..plugin_utils._hostvars import h", "imports plugin_utils/_hostvars"),
        ("module_utils/_module", f"{OURS}.modules.instance_info import main", "imports modules/instance_info"),
        ("module_utils/_module", f"{OURS}.module_utils import *", "imports module_utils/*: that does not come before it"),
        (
            "module_utils/_module",
            "from ansible_collections.community.general.plugins.module_utils.x import y",
            "imports ansible_collections.community.general",
        ),
        # A place for everything
        ("module_utils/_new", "", "has no place"),
        ("module_utils/_drift", "from ._new import x", "imports module_utils/_new: that does not come before it"),
        ("callback/fleet", "", "has no place"),
        # HTTP
        ("module_utils/_fleet", "import requests", "imports requests: HTTP is spoken in _api only"),
        ("module_utils/_errors", "from requests.adapters import HTTPAdapter", "imports requests.adapters.HTTPAdapter: HTTP"),
        ("inventory/instances", "try:\n    import urllib3.util\nexcept ImportError: ...", "imports urllib3.util: HTTP is spoken"),
        # Ansible
        ("module_utils/_api/client", "from ansible.errors import AnsibleError", "imports ansible.errors.AnsibleError: where"),
        ("module_utils/_connection", "from ansible import constants as C", "imports ansible.constants: where modules run"),
        ("modules/instance_info", "import ansible", "imports ansible: where modules run"),
        # Writing
        ("module_utils/_fleet", "from ._api.writing import put", "imports module_utils/_api/writing: only _converge writes"),
        ("module_utils/_module", "from ._api.writing import put", "imports module_utils/_api/writing: only _converge writes"),
        ("modules/instance_converge", f"{OURS}.module_utils._api.writing import put", "only _converge writes"),
        # Doors
        ("modules/instance_audit", f"{OURS}.modules.instance_info import main", "imports modules/instance_info: it may not"),
        ("inventory/instances", f"{OURS}.lookup.instances import LookupModule", "imports lookup/instances: it may not"),
        ("plugin_utils/_hostvars", f"{OURS}.inventory.instances import x", "imports inventory/instances: it may not"),
        ("modules/instance_info", f"{OURS}.plugin_utils._options import x", "imports plugin_utils/_options: it may not"),
        ("filter/drift", f"{OURS}.module_utils._api.client import Client", "reaches module_utils/_api/client"),
        ("test/compliant", f"{OURS}.module_utils._api.client import Client", "reaches module_utils/_api/client"),
    ],
)
def test_what_breaks_a_rule_is_told(path: str, source: str, complaint: str) -> None:
    assert [line for line in judge({path: source}) if complaint in line and line.startswith(f"{path} ")]


def test_a_pure_door_is_followed_to_where_it_leads() -> None:
    sources = {
        "filter/drift": f"{OURS}.plugin_utils._hostvars import read_instance",
        "plugin_utils/_hostvars": f"{OURS}.module_utils._module import run",
        "module_utils/_module": "from ._api.client import Client",
    }
    assert judge(sources) == ["filter/drift reaches module_utils/_api/client: it must not need a network"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/_drift", "import json\nfrom ._expectations import Check\nfrom ._redaction import mask_value"),
        ("module_utils/_connection", "from ansible.module_utils.common.parameters import env_fallback"),
        (
            "module_utils/_api/client",
            f"import requests\nfrom .refusals import Call\n{OURS}.module_utils._errors import RequestError",
        ),
        ("module_utils/_converge", "from ._api.writing import put\nfrom ._plan import Plan"),
        ("modules/instance_info", f"from ansible.module_utils.basic import AnsibleModule\n{OURS}.module_utils._module import run"),
        ("lookup/instances", f"from ansible.errors import AnsibleError\n{OURS}.plugin_utils._options import read_connection"),
        ("plugin_utils/_cache", f"{OURS}.plugin_utils._options import read_connection\n{OURS}.module_utils._fleet import Fleet"),
        ("filter/drift", f"{OURS}.module_utils._drift import Audit"),
        ("lookup/instances", "import requests_but_another"),
    ],
)
def test_what_keeps_the_rules_is_left_in_peace(path: str, source: str) -> None:
    assert judge({path: source}) == []
