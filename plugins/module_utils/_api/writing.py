# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The one place that writes to the API: an instance's own calls that set something."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._connection import SHORTEST_TOKEN
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._redaction import mask_url

from .refusals import of_instance

if t.TYPE_CHECKING:
    from concurrent.futures import Future

    from ansible_collections.zapi.zapi.plugins.module_utils._connection import Credential

    from .client import Answer, Client, Task
    from .refusals import Call


def put(task: Task, credential: Credential, name: str, body: t.Mapping[str, t.Any]) -> tuple[Call, Future[Answer]]:
    """Begin a call of an instance that sets what is in ``body``; `check` reads its answer."""
    # A refusal that repeats what was to be set may repeat a secret.
    secrets = [secret for value in body.values() if isinstance(value, str) for secret in _secrets_in(value)]
    call = of_instance(credential, name, frozenset({"value"}), method="PUT", body=body, secrets=secrets)
    return call, task.start(call)


def _secrets_in(value: str) -> t.Iterator[str]:
    """Yield what no message may repeat of a value: all of it and, of a URL with secrets, the parts that hold them. No word is one."""
    parts = [value]
    if mask_url(value) != value:
        rest = value.partition("://")[2]
        authority, _slash, path = rest.partition("/")
        query = re.split("[?#]", rest, maxsplit=1)[1:]
        parts += [rest, path, *re.split("[:=&;#]", "&".join([authority.rpartition("@")[0], *query]))]
    yield from (part for part in parts if len(part) >= SHORTEST_TOKEN)


def check(client: Client, task: Task, call: Call, answer: Future[Answer]) -> None:
    """Read the answer to a call of `put`, which has come. Raises `RequestError` where it is a refusal, or none that makes sense."""
    data = task.decode(call, answer.result())
    if not isinstance(data, dict):
        raise RequestError(f"{client.describe(call)} was answered with JSON of another shape: it is no object")
    if data.get("value") is False:
        raise RequestError(f'{client.describe(call)} was answered with {{"value": false}}: the server did not take it')
