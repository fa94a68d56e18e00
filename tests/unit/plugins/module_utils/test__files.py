# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Files that contain secrets: only their owner can read them, and no other file is lost."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils import _files
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, checked_path, is_private, write_file

TEXT = "expectations:\n  - match: {name: Pão 🍕}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "expectations.yml"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> t.Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refusal(name: t.Any, force: bool | None = None) -> str:
    """Why a file cannot be written. The check before the work says the same as writing."""
    with pytest.raises(OptionError) as checked:
        check_writable("dest", name, force=force)
    with pytest.raises(OptionError) as written:
        write_file("dest", name, TEXT, force=force)
    assert str(checked.value) == str(written.value)
    assert str(checked.value).startswith("dest")
    assert str(checked.value).isprintable()
    return str(checked.value)


@pytest.mark.parametrize("force", [None, False, True])
def test_only_the_owner_can_read_it(umask: None, file: Path, force: bool | None) -> None:
    write_file("dest", str(file), TEXT, force=force)
    assert file.read_bytes() == TEXT.encode()
    assert mode_of(file) == 0o600
    assert is_private(file)
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_others_can_read_is_not_private(file: Path) -> None:
    file.touch(0o600)
    for mode, private in ((0o644, False), (0o640, False), (0o602, False), (0o600, True)):
        file.chmod(mode)
        assert is_private(file) is private


def test_a_relative_path_starts_in_the_working_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert checked_path("dest", file.name) == file


@pytest.mark.parametrize("name", ["~/a.yml", "$HOME/a.yml", "${HOME}/a.yml", "$FOLDER/a.yml"])
def test_the_home_directory_and_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FOLDER", str(tmp_path))
    assert checked_path("dest", name) == tmp_path / "a.yml"


@pytest.mark.parametrize("name", [5, 5.0, True, ["a.yml"], {"a": 1}, "5", "007"])
def test_a_number_is_not_the_name_of_a_file(name: t.Any) -> None:
    assert "must be the name of a file" in refusal(name)


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_an_empty_name_is_an_error(name: str) -> None:
    assert refusal(name) == "dest is empty: set it to the name of a file, or leave it out"


@pytest.mark.parametrize("name", ["a.yml\n", "a.yml ", " a.yml", "\ta.yml", "new/ ", "a\nb.yml"])
def test_white_space_around_a_name_is_an_error(name: str) -> None:
    assert refusal(name) == "dest begins or ends with white space, or has several lines: correct the name"


@pytest.mark.parametrize("name", ["new/", "~/", "~", ".", "..", "new/..", "new/."])
def test_a_directory_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "directory" in refusal(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("force", [None, False, True])
def test_nothing_is_written_into_the_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool | None) -> None:
    playbooks = tmp_path / "ansible_collections" / "zapi" / "zapi" / "playbooks"
    playbooks.mkdir(parents=True)
    (tmp_path / "link").symlink_to(playbooks)
    for name in (playbooks / "a.yml", playbooks.parent / "a.yml", tmp_path / "link" / "a.yml"):
        assert "is inside this collection" in refusal(str(name), force)
    monkeypatch.chdir(playbooks)
    assert "is inside this collection" in refusal("a.yml", force)
    assert checked_path("dest", str(tmp_path / "ansible_collections" / "a.yml")).name == "a.yml"


@pytest.mark.parametrize("force", [None, False])
@pytest.mark.parametrize("target", [None, "target", "nosuch", "link"])
def test_an_existing_file_or_link_stays(tmp_path: Path, target: str | None, force: bool | None) -> None:
    (tmp_path / "target").write_text("before")
    path = tmp_path / ("target" if target is None else "link")
    if target is not None:
        path.symlink_to(target)
    before = {path.name for path in tmp_path.iterdir()}
    if target == "link":
        assert "dest: " in refusal(str(path), force)
    else:
        advice = "use another name" if force is None else "use another name, or set force"
        assert refusal(str(path), force) == f"dest: {path} already exists and is not overwritten: {advice}"
    assert {path.name for path in tmp_path.iterdir()} == before
    assert (tmp_path / "target").read_text() == "before"


def test_a_file_that_is_created_in_the_meantime_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*_args: t.Any, **_options: t.Any) -> Path:
        file.write_text("of another process")
        return file

    monkeypatch.setattr(_files, "check_writable", create)
    with pytest.raises(OptionError, match=r"^dest: .*expectations\.yml cannot be written: File exists$"):
        write_file("dest", str(file), TEXT)
    assert file.read_text() == "of another process"


def test_force_replaces_it_as_a_whole(umask: None, file: Path) -> None:
    file.write_text("before" * 1000)
    file.chmod(0o644)
    with file.open() as reader:
        write_file("dest", str(file), TEXT, force=True)
        assert reader.read() == "before" * 1000  # a program that reads it is not disturbed
    assert file.read_bytes() == TEXT.encode()
    assert mode_of(file) == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("exists", [True, False])
def test_force_follows_a_link_and_leaves_it(tmp_path: Path, exists: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if exists:
        (elsewhere / "target").write_text("before")
    link = tmp_path / "link"
    link.symlink_to("elsewhere/target")
    write_file("dest", str(link), TEXT, force=True)
    assert link.is_symlink()
    assert (elsewhere / "target").read_bytes() == TEXT.encode()
    assert mode_of(elsewhere / "target") == 0o600


@pytest.mark.parametrize("force", [None, False, True])
def test_other_places_where_no_file_can_be(tmp_path: Path, force: bool | None) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = set(tmp_path.iterdir())
    assert refusal(str(tmp_path), force) == f"dest: {tmp_path} is a directory: add the name of a file"
    missing = tmp_path / "no" / "such"
    assert refusal(str(missing / "file"), force) == f"dest: the directory {missing} does not exist: create it first"
    assert "does not exist" in refusal(str(tmp_path / "file" / "x"), force)
    for other in (tmp_path / "pipe", Path("/dev/null")):
        assert refusal(str(other), force) == f"dest: {other} is not a regular file: use another name"
    assert "File name too long" in refusal(str(tmp_path / ("x" * 300)), force)
    for name in ("a\0b", "a\ud800b"):
        assert "is not a valid name of a file" in refusal(str(tmp_path / name), force)
    assert set(tmp_path.iterdir()) == before


def full_disk(*_args: t.Any) -> t.NoReturn:
    raise OSError(28, "No space left on device")


def interrupted(*_args: t.Any) -> t.NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("step", "failure"), [("fsync", full_disk), ("fchmod", full_disk), ("fsync", interrupted)])
def test_a_failure_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch, force: bool, step: str, failure: t.Any) -> None:
    monkeypatch.setattr(os, step, failure)
    with pytest.raises((OptionError, KeyboardInterrupt)) as raised:
        write_file("dest", str(file), TEXT, force=force)
    if failure is full_disk:
        assert str(raised.value) == f"dest: {file} cannot be written: No space left on device"
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_existing_file(file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    file.write_text("before")
    monkeypatch.setattr({"fsync": os, "replace": Path}[step], step, full_disk)
    with pytest.raises(OptionError, match="No space left on device"):
        write_file("dest", str(file), TEXT, force=True)
    assert file.read_text() == "before"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("method", ["is_dir", "resolve"])
def test_a_directory_without_permissions_is_reported(file: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def denied(_path: Path) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, denied)  # root has all permissions, so this stands in for them
    assert refusal(str(file)) == f"dest: {file} cannot be written: Permission denied"
