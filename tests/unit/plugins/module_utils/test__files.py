# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Files that hold secrets: only their owner can read them, and nothing is lost for them."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils import _files
from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, is_private, write_file

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
    """Why a file cannot be written, which is told before anything is made as well as when it is written."""
    with pytest.raises(OptionError) as checked:
        check_writable("dest", str(name), force=force)
    with pytest.raises(OptionError) as written:
        write_file("dest", str(name), TEXT, force=force)
    assert str(checked.value) == str(written.value)
    assert str(checked.value).startswith("dest: ")
    return str(checked.value)


@pytest.mark.parametrize("force", [None, False, True])
def test_only_the_owner_can_read_it(umask: None, file: Path, force: bool | None) -> None:
    write_file("dest", str(file), TEXT, force=force)
    assert file.read_bytes() == TEXT.encode()
    assert mode_of(file) == 0o600
    assert is_private(str(file))
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_others_can_read_is_not_private(file: Path) -> None:
    file.touch(0o600)
    for mode, private in ((0o644, False), (0o640, False), (0o602, False), (0o600, True)):
        file.chmod(mode)
        assert is_private(str(file)) is private


def test_a_relative_path_starts_where_the_process_runs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    write_file("dest", file.name, TEXT)
    assert file.read_bytes() == TEXT.encode()


@pytest.mark.parametrize("force", [None, False])
def test_a_file_that_is_there_stays(file: Path, force: bool | None) -> None:
    file.write_text("before")
    advice = "name another file" if force is None else "name another file, or set force"
    assert refusal(file, force) == f"dest: {file} is there already, and is not overwritten: {advice}"
    assert file.read_text() == "before"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("force", [None, False])
@pytest.mark.parametrize("target", ["target", "nosuch", "link"], ids=["a file", "nothing", "itself"])
def test_a_link_is_there_whatever_it_leads_to(tmp_path: Path, target: str, force: bool | None) -> None:
    (tmp_path / "target").write_text("before")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert "is there already" in refusal(link, force)
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"target", "link"}
    assert (tmp_path / "target").read_text() == "before"


def test_one_that_comes_in_the_meantime_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "check_writable", lambda *_, **__: file.write_text("of somebody else"))
    with pytest.raises(OptionError, match=r"^dest: .*expectations\.yml cannot be written: File exists$"):
        write_file("dest", str(file), TEXT)
    assert file.read_text() == "of somebody else"


def test_force_replaces_it_as_a_whole(umask: None, file: Path) -> None:
    file.write_text("before" * 1000)
    file.chmod(0o644)
    before = file.open()
    number = file.stat().st_ino
    write_file("dest", str(file), TEXT, force=True)
    assert file.read_bytes() == TEXT.encode()
    assert mode_of(file) == 0o600
    # Whoever was reading it reads on in what was there.
    assert file.stat().st_ino != number
    assert before.read() == "before" * 1000
    before.close()
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
    assert [path.name for path in elsewhere.iterdir()] == ["target"]


@pytest.mark.parametrize("force", [None, False, True])
def test_what_is_no_place_for_a_file_is_told(tmp_path: Path, force: bool | None) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = set(tmp_path.iterdir())
    assert refusal(tmp_path, force) == f"dest: {tmp_path} is a directory, name a file in it"
    missing = tmp_path / "no" / "such"
    assert refusal(missing / "file", force) == f"dest: there is no directory {missing}, make it first"
    assert refusal(tmp_path / "file" / "x", force) == f"dest: there is no directory {tmp_path / 'file'}, make it first"
    # As root, it would not be a device any more.
    for other in (tmp_path / "pipe", Path("/dev/null")):
        assert refusal(other, force) == f"dest: {other} is a device or the like, name a file"
    assert "File name too long" in refusal(tmp_path / ("x" * 300), force)
    for name in ("a\0b", "a\ud800b"):
        message = refusal(tmp_path / name, force)
        assert message.startswith("dest: no file can be called ")
        assert message.isprintable()
    assert set(tmp_path.iterdir()) == before


class FullDisk(OSError):
    def __init__(self) -> None:
        super().__init__(28, "No space left on device")


def full_disk(*_args: t.Any) -> t.NoReturn:
    raise FullDisk


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
def test_a_failure_leaves_what_was_there(file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    file.write_text("before")
    monkeypatch.setattr({"fsync": os, "replace": Path}[step], step, full_disk)
    with pytest.raises(OptionError, match="No space left on device"):
        write_file("dest", str(file), TEXT, force=True)
    assert file.read_text() == "before"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_that_cannot_be_written_is_told(file: Path, monkeypatch: pytest.MonkeyPatch, force: bool) -> None:
    def denied(*_args: t.Any, **_options: t.Any) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    # Root may write everywhere, so it is a stand-in that refuses.
    monkeypatch.setattr(os, "open", denied)
    monkeypatch.setattr("tempfile.mkstemp", denied)
    with pytest.raises(OptionError) as raised:
        write_file("dest", str(file), TEXT, force=force)
    assert str(raised.value) == f"dest: {file} cannot be written: Permission denied"


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_that_cannot_be_entered_is_told(file: Path, monkeypatch: pytest.MonkeyPatch, force: bool) -> None:
    def denied(_path: Path) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    assert refusal(file, force) == f"dest: {file} cannot be written: Permission denied"
