# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Writes expectations.json, the JSON Schema of expectations. `make schema` runs this."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.zapi.zapi.plugins.module_utils._policy.schema import schema

text = f"{json.dumps(schema(), indent=2)}\n"
Path(__file__).with_name("expectations.json").write_text(text, encoding="utf-8")
