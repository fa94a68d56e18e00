# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Files that hold secrets: nobody else can read them, and no other file is lost for them."""

from __future__ import annotations

import os
import tempfile
import typing as t
from contextlib import suppress
from pathlib import Path

from ._errors import OptionError

_MODE = 0o600


def check_writable(option: str, name: str, *, force: t.Optional[bool] = None) -> None:
    """Refuse a file that `write_file` could not write, before there is anything to write. Raises `OptionError`.

    ``force`` is None where there is no such option.
    """
    if not name:
        raise OptionError(f"{option} is empty: name a file, or leave it out")
    path = Path(name).absolute()
    try:
        if path.is_dir():
            raise OptionError(f"{option}: {path} is a directory, name a file in it")
        if not path.parent.is_dir():
            raise OptionError(f"{option}: there is no directory {path.parent}, make it first")
        path.lstat()
        if path.exists() and not path.is_file():
            raise OptionError(f"{option}: {path} is a device or the like, name a file")
        if not force:
            advice = "name another file" + ("" if force is None else ", or set force")
            raise OptionError(f"{option}: {path} is there already, and is not overwritten: {advice}")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _unwritable(option, path, error) from None


def write_file(option: str, name: str, text: str, *, force: t.Optional[bool] = None) -> None:
    """Write a text to a file that only its owner can read. One that is there is replaced as a whole with ``force``.

    Raises `OptionError`, and then leaves everything as it was.
    """
    path = Path(name).absolute()
    check_writable(option, name, force=force)
    try:
        if force:
            _replace(Path(os.path.realpath(path)), text)
        else:
            # Whoever made the file in the meantime keeps it.
            _fill(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), text)
    except (OSError, ValueError) as error:
        raise _unwritable(option, path, error) from None


def is_private(name: str) -> bool:
    """Whether nobody but its owner can read a file, which is there."""
    return Path(name).stat().st_mode & 0o777 == _MODE


def _unwritable(option: str, path: Path, error: t.Union[OSError, ValueError]) -> OptionError:
    if isinstance(error, OSError):
        return OptionError(f"{option}: {path} cannot be written: {error.strerror}")
    return OptionError(f"{option}: no file can be called {str(path)!a}")


def _replace(path: Path, text: str) -> None:
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
    _fill(Path(beside), descriptor, text)
    try:
        Path(beside).replace(path)
    except OSError:
        Path(beside).unlink()
        raise


def _fill(path: Path, descriptor: int, text: str) -> None:
    """Write a text for good, or leave no file."""
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            os.fchmod(file.fileno(), _MODE)  # whatever the umask is
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
