# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""Where a file is that a task names."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path


def from_command(name: str) -> Path:
    """Return the path of a file on the controller: a relative one starts where the command was given.

    A module would begin elsewhere, since Ansible runs it in the folder of the playbook, even if that is one of a collection.
    """
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111 - pathlib's own fails where there is no such user


def with_path(arguments: t.Mapping[str, t.Any], option: str, connection: t.Any) -> dict[str, t.Any]:
    """Return a task's arguments with the absolute path in an option, where the module runs on the controller."""
    name = arguments.get(option)
    if not name or not isinstance(name, str) or connection.transport != "local":
        return dict(arguments)
    return {**arguments, option: str(from_command(name))}
