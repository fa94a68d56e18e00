# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Reports are written to files as a whole, and a task has changed something only if there is more news than the time."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._reports import ReportOptions, write_reports
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users
from ansible_collections.zapi.zapi.tests.unit.results import FAILURE, LATER, NOW, audited, row

NAMES = [f"audit.{ending}" for ending in ("csv", "html", "json", "md", "prom", "xml")]
IN_SYNC, DRIFT, MORE_DRIFT = audited(), audited(row(1)), audited(row(1), row(2))


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(result: t.Any, dest: t.Any = NAMES, now: str = NOW, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return write_reports({None: result}, ReportOptions.checked(dest, **options), now, check_mode=check_mode)


# Options


DESTS: list[tuple[t.Any, list[str]]] = [
    ("a.json, b c.MD,d.xml", ["a.json", "b c.MD", "d.xml"]),
    ('["a.json", "b,c.csv"]', ["a.json", "b,c.csv"]),
    ("[a].prom", ["[a].prom"]),
    (["a.json", "sub/../b.csv"], ["a.json", "sub/../b.csv"]),
]


@pytest.mark.parametrize(("dest", "names"), DESTS)
def test_dest_is_a_list_or_the_text_of_one(dest: t.Any, names: list[str], tmp_path: Path) -> None:
    Path("sub").mkdir()
    assert ReportOptions.checked(dest).files == [tmp_path / name for name in names]


@pytest.mark.parametrize(("mode", "number"), [(None, 0o600), ("0644", 0o644), ("644", 0o644), (420, 0o644), ("0777", 0o777)])
def test_the_mode_is_octal(mode: t.Any, number: int) -> None:
    assert ReportOptions.checked("a.json", mode=mode).mode == number


OPTION_MISTAKES: dict[str, list[dict[str, t.Any]]] = {
    "dest must be the name of a file": [{"dest": dest} for dest in ([], "[]", 5, ["a.json", 5], '["a.json", 5]')],
    "dest is empty": [{"dest": ""}, {"dest": "a.json,"}, {"dest": ["a.json", " "]}],
    "dest: audit.pdf has no known ending: use one of .csv, .": [{"dest": "audit.pdf"}, {"dest": ["a.json", "audit.pdf"]}],
    "has no known ending": [{"dest": "audit"}, {"dest": ".json"}, {"dest": "audit.json.gz"}],
    "does not exist: create it first": [{"dest": "no/such/audit.json"}],
    "folder.json is a directory": [{"dest": "folder.json"}],
    "zapi_report_language must be en or pt_BR": [{"language": "xx"}, {"language": True}, {"language": ["en"]}],
    "zapi_report_mode must be permissions in octal and in quotes": [
        {"mode": mode} for mode in ("rw", "", "0888", "01644", "0", True, False, 644, 0, -1, 4.2, ["0644"])
    ],
}


@pytest.mark.parametrize(("words", "options"), [(words, one) for words, options in OPTION_MISTAKES.items() for one in options])
def test_a_mistake_in_the_options_is_one_line(words: str, options: dict[str, t.Any]) -> None:
    Path("folder.json").mkdir()
    with pytest.raises(OptionError) as caught:
        ReportOptions.checked(**{"dest": "a.json", "prefix": "zapi_report_", **options})
    assert words in assert_fit_for_users(caught.value)


# Files


def test_the_result_of_the_task(tmp_path: Path) -> None:
    write(DRIFT)
    assert '"new"' not in Path("audit.csv").read_text(encoding="utf-8"), "the first report"
    result = write(MORE_DRIFT)
    assert Path("audit.csv").read_text(encoding="utf-8").count('"new"') == 1
    files = [str(tmp_path / name) for name in NAMES]
    assert result["dest"] == files
    assert result["msg"] == f"2 rows, 1 new, 0 resolved: {', '.join(files)}"
    assert (result["changed"], result["in_sync"], result["summary"]["rows"], result["summary"]["new"]) == (True, False, 2, 1)


@pytest.mark.parametrize(("options", "mode"), [({}, 0o600), ({"mode": "0644"}, 0o644)])
def test_only_the_owner_can_read_the_files_unless_a_mode_is_given(options: t.Any, mode: int, tmp_path: Path) -> None:
    Path("audit.csv").touch(0o666)
    umask = os.umask(0o077)
    try:
        write(DRIFT, **options)
    finally:
        os.umask(umask)
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == dict.fromkeys(NAMES, mode)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write(DRIFT)
    with (tmp_path / "audit.csv").open(encoding="utf-8") as reader:
        write(IN_SYNC)
        assert "Loja 1" in reader.read(), "whoever reads the old file reads it to its end"
    assert "Loja 1" not in Path("audit.md").read_text(encoding="utf-8").partition("## ")[0]
    assert sorted(file.name for file in tmp_path.iterdir()) == NAMES, "no temporary file is left"


def test_a_symbolic_link_stays(tmp_path: Path) -> None:
    Path("target").touch()
    Path("link.csv").symlink_to("target")
    Path("dangling.json").symlink_to("elsewhere")
    assert write(DRIFT, ["link.csv", "dangling.json"])["changed"]
    assert Path("link.csv").is_symlink()
    assert "Loja 1" in Path("target").read_text(encoding="utf-8")
    assert json.loads(Path("elsewhere").read_text(encoding="utf-8"))["in_sync"] is False
    assert not write(DRIFT, ["link.csv", "dangling.json"])["changed"]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert write(DRIFT, check_mode=True)["changed"]
    assert not list(tmp_path.iterdir())
    write(DRIFT)
    before = {file.name: (file.stat().st_ino, file.read_bytes()) for file in tmp_path.iterdir()}
    assert not write(DRIFT, now=LATER, check_mode=True)["changed"]
    assert write(MORE_DRIFT, check_mode=True)["changed"]
    assert {file.name: (file.stat().st_ino, file.read_bytes()) for file in tmp_path.iterdir()} == before


# What has changed


@pytest.mark.parametrize("dest", [*NAMES, NAMES, list(reversed(NAMES))], ids=str)
@pytest.mark.parametrize("result", [IN_SYNC, DRIFT, FAILURE], ids=["in sync", "drift", "not audited"])
def test_the_same_results_change_nothing(result: t.Any, dest: t.Any) -> None:
    assert [write(result, dest, now)["changed"] for now in (NOW, LATER, LATER)] == [True, False, False]


@pytest.mark.parametrize("dest", [*NAMES, NAMES], ids=str)
def test_new_and_resolved_rows_are_a_change_and_that_they_are_not_new_any_more_is_none(dest: t.Any) -> None:
    results = [DRIFT, MORE_DRIFT, MORE_DRIFT, MORE_DRIFT, DRIFT, DRIFT, IN_SYNC, FAILURE, FAILURE]
    changed = [write(result, dest, f"2026-09-{number:02}T00:00:00Z")["changed"] for number, result in enumerate(results, start=1)]
    assert changed == [True, True, False, False, True, False, True, True, False]


def test_a_file_that_is_missing_or_was_edited_is_a_change() -> None:
    write(DRIFT)
    Path("audit.prom").unlink()
    assert write(DRIFT)["changed"]
    Path("audit.xml").write_bytes(b"\xff")
    assert write(DRIFT)["changed"]
    assert not write(DRIFT)["changed"]


FOREIGN = [b"", b"{", b"\xff", b"[]", b"5", b'{"version": 1}', b'{"version": 2, "accounts": []}', b'{"expectations": []}']


@pytest.mark.parametrize("content", FOREIGN, ids=lambda content: repr(content[:20]))
def test_a_json_file_that_is_not_a_report_stays(content: bytes, tmp_path: Path) -> None:
    Path("audit.json").write_bytes(content)
    with pytest.raises(OptionError) as caught:
        write(DRIFT)
    message = assert_fit_for_users(caught.value)
    assert f"dest: {tmp_path}/audit.json is not a report of this collection: remove it, or use another name" in message
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [content]
