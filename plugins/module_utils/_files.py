# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Files that can contain secrets: only their owner can read them, unless a mode is given, and no other file is lost.

Every function takes the name of the option, which its messages quote.
"""

from __future__ import annotations

import os
import tempfile
import typing as t
from contextlib import suppress
from pathlib import Path

from ._core.errors import OptionError

_MODE = 0o600
_COLLECTION = ("ansible_collections", "zapi", "zapi")


def checked_path(option: str, name: t.Any) -> Path:
    """Return the absolute path of a file; ``~`` and environment variables are expanded. Raises `OptionError`.

    A relative path starts in the working directory of this process.
    """
    if not isinstance(name, str) or name.strip().isdigit():  # with -e zapi_backup=5, a number is text
        raise OptionError(f"{option} must be the name of a file, not a number: write ./5 for a file of that name")
    if not name.strip():
        raise OptionError(f"{option} is empty: set it to the name of a file, or leave it out")
    if name != name.strip() or len(name.splitlines()) > 1:  # such as the line breaks of a block scalar
        raise OptionError(f"{option} begins or ends with white space, or has several lines: correct the name")
    expanded = os.path.expanduser(os.path.expandvars(name))  # noqa: PTH111 - pathlib fails if there is no such user
    if expanded.endswith(("/", "/.", "/..")):
        raise OptionError(f"{option}: {expanded} names a directory: add the name of a file")
    path = Path(expanded).absolute()
    try:
        if _is_in_collection(path) or _is_in_collection(path.resolve()):
            raise OptionError(f"{option}: {path} is inside this collection, which the next upgrade replaces: choose another folder")
    except (OSError, ValueError, RuntimeError) as error:  # a null byte, a link to itself
        raise _not_writable(option, path, error) from None
    return path


def check_writable(option: str, name: t.Any, *, force: t.Optional[bool] = None) -> Path:
    """Return the absolute path of a file that `write_file` can write. Raises `OptionError`.

    ``force`` is None if there is no such option.
    """
    path = checked_path(option, name)
    try:
        if path.is_dir():
            raise OptionError(f"{option}: {path} is a directory: add the name of a file")
        if not path.parent.is_dir():
            raise OptionError(f"{option}: the directory {path.parent} does not exist: create it first")
        path.lstat()
        if path.exists() and not path.is_file():
            raise OptionError(f"{option}: {path} is not a regular file: use another name")
        if not force:
            advice = "use another name" + ("" if force is None else ", or set force")
            raise OptionError(f"{option}: {path} already exists and is not overwritten: {advice}")
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise _not_writable(option, path, error) from None
    return path


def write_file(option: str, name: t.Any, text: str, *, force: t.Optional[bool] = None, mode: int = _MODE) -> None:
    """Write a text to a file. With ``force``, an existing file is replaced as a whole.

    Raises `OptionError`, and then leaves everything as it was.
    """
    path = check_writable(option, name, force=force)
    try:
        if force:
            _replace(Path(os.path.realpath(path)), text, mode)
        else:
            # O_EXCL: a file that another process creates in the meantime stays.
            _write(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), text, mode)
    except (OSError, ValueError) as error:
        raise _not_writable(option, path, error) from None


def is_private(path: Path) -> bool:
    """Return whether only its owner can read a file that exists."""
    return path.stat().st_mode & 0o777 == _MODE


def _is_in_collection(path: Path) -> bool:
    return any(path.parts[start : start + 3] == _COLLECTION for start in range(len(path.parts) - 3))


def _not_writable(option: str, path: Path, error: Exception) -> OptionError:
    if isinstance(error, OSError):
        return OptionError(f"{option}: {path} cannot be written: {error.strerror}")
    return OptionError(f"{option}: {str(path)!a} is not a valid name of a file")


def _replace(path: Path, text: str, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    _write(Path(temporary), descriptor, text, mode)
    try:
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink()
        raise


def _write(path: Path, descriptor: int, text: str, mode: int) -> None:
    """Write a text to the disk, or leave no file."""
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask is
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
