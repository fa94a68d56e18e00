# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Make this clone the collection `zapi.zapi` of the virtual environment whose Python runs this.

Ansible finds a collection by its path, `ansible_collections/zapi/zapi`, which a clone rarely has. All links are
relative: the clone can be moved.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path


def link_collection() -> Path:
    """Link the clone into the environment and return the folder to search for collections."""
    collections = Path(sys.prefix, "collections")
    link = collections / "ansible_collections" / "zapi" / "zapi"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(Path(__file__).parents[1], link.parent.resolve()))
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "zapi_collections.pth").write_text(os.path.relpath(collections, packages) + "\n", encoding="utf-8")
    return collections


if __name__ == "__main__":
    print(link_collection())
