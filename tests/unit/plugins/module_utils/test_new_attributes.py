# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""All that the engine needs for a new setting is its row in the table of attributes; for a call that sets a value, the name of it.

The engine computes much from the table when it is imported, so a process of its own imports a copy with another table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

MODULE_UTILS = Path(__file__).parents[4] / "plugins" / "module_utils"
ROWS = """\
    _setting("auto_archive", Kind.BOOLEAN, "autoArchive", call="auto-archive", description="Chats are archived."),
)

BY_NAME ="""
MIDDLEWARE = ('"The type of the instance, such as web or mobile."', '"The type.", call="update-middleware"')
SCRIPT = """
import json
from ansible_collections.zapi.zapi.plugins.module_utils import _audit, _plan
from ansible_collections.zapi.zapi.plugins.module_utils._adopt.adopt import adopt
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import ExpectationError
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import record_from_object, with_settings
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._policy.schema import schema
from ansible_collections.zapi.zapi.plugins.module_utils._report import rows
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets

mask = Mask(Secrets())


def run(expect):
    expectations = Expectations([{"expect": expect}], 0)
    audited = _audit.audit([record], expectations, 0)
    planned = _plan.plan(audited, max_changes="100%")
    calls = [(call.name, call.body) for one in planned.instances for call in one.calls]
    back, _lost = _plan.rollback_expectations(planned)
    return {"drift": rows.audit(audited, mask)["drift"], "calls": calls, "back": back}


def mistake(expect):
    try:
        Expectations([{"expect": expect}], 0)
    except ExpectationError as error:
        return str(error)


listed = record_from_object({"id": "A1", "name": "Loja", "token": "token-of-A1", "middleware": "web"})
asked = Expectations([{"expect": {"settings": {"auto_archive": True}}}], 0).unknown_calls([listed])
record = with_settings(listed, {"autoArchive": "false"})
print(json.dumps({
    "unknown": listed.instance["unknown"],
    "asked": {call: len(records) for call, records in asked.items()},
    "setting": run({"settings": {"auto_archive": True}}),
    "mistake": mistake({"settings": {"autoArchive": True}}),
    "wrong": mistake({"settings": {"auto_archive": "x"}}),
    "schema": schema(),
    "adopted": adopt([record], ["settings"], secrets=Secrets()).expectations,
    "top_level": run({"middleware": "mobile"}),
}))
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    root = tmp_path_factory.mktemp("engine")
    copy = root / "ansible_collections" / "zapi" / "zapi" / "plugins" / "module_utils"
    shutil.copytree(MODULE_UTILS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "_core" / "attributes.py"
    code = table.read_text("utf-8")
    assert code.count(")\n\nBY_NAME =") == 1
    assert code.count(MIDDLEWARE[0]) == 1
    table.write_text(code.replace(")\n\nBY_NAME =", ROWS).replace(*MIDDLEWARE), "utf-8")
    script = root / "script.py"
    script.write_text(SCRIPT, "utf-8")
    packages = os.pathsep.join([str(root), *(path for path in sys.path if "collections" not in Path(path).name)])
    done = subprocess.run(
        [sys.executable, "-S", script],
        env={**os.environ, "PYTHONPATH": packages},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


def test_a_new_setting_is_parsed_and_described(engine: dict[str, t.Any]) -> None:
    assert "did you mean auto_archive?" in engine["mistake"]
    assert "settings.auto_archive must be true or false" in engine["wrong"]
    validator = Draft202012Validator(engine["schema"])
    assert validator.is_valid([{"expect": {"settings": {"auto_archive": True}}, "ignore": ["settings.auto_archive"]}])
    assert not validator.is_valid([{"expect": {"settings": {"auto_archive": "x"}}}])
    assert "Chats are archived." in json.dumps(engine["schema"])


def test_a_new_setting_is_read_compared_and_adopted(engine: dict[str, t.Any]) -> None:
    assert "settings.auto_archive" in engine["unknown"]
    assert engine["asked"] == {"me": 1}
    [row] = engine["setting"]["drift"]
    assert (row["attribute"], row["expected"], row["actual"]) == ("settings.auto_archive", True, False)
    assert engine["adopted"] == [{"expect": {"settings": {"auto_archive": False}}}]


def test_a_new_setting_is_set_and_rolled_back(engine: dict[str, t.Any]) -> None:
    assert engine["setting"]["calls"] == [["update-auto-archive", {"value": True}]]
    assert engine["setting"]["back"] == [{"match": {"id": "A1"}, "expect": {"settings": {"auto_archive": False}}}]


def test_a_key_of_an_instance_is_set_if_the_table_names_a_call(engine: dict[str, t.Any]) -> None:
    assert engine["top_level"]["calls"] == [["update-middleware", {"value": "mobile"}]]
    assert engine["top_level"]["back"] == [{"match": {"id": "A1"}, "expect": {"middleware": "web"}}]
