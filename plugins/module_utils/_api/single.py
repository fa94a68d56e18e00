# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""An instance's own calls that read: the fleet of somebody who has no partner token, and the settings that no listing tells."""

from __future__ import annotations

import re
import typing as t
from collections import deque
from itertools import islice

from ansible_collections.zapi.zapi.plugins.module_utils._connection import Credential
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RefusedCredential, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._instance import Instance, add_settings

from .refusals import Call, of_instance

if t.TYPE_CHECKING:
    from concurrent.futures import Future

    from .client import Answer, Client, Task
    from .listing import Instances, Make, T

_MARKS = {"me": frozenset({"id"}), "status": frozenset({"connected", "smartphoneConnected"})}
_SECONDS_BELOW = 10**11  # a time that is smaller is in seconds: in milliseconds it would be one of 1973 or before


def read(
    client: Client, credentials: t.Sequence[Credential], make: Make, build: t.Callable[[Instances], T]
) -> tuple[T, dict[str, str]]:
    """Return what ``build`` makes of the instances, in the order of their credentials, and why which ids are refused.

    ``build`` gets an iterator over lists of instances; ``make`` turns a row like those of a listing into an instance.
    Raises `RequestError`.
    """
    refused: dict[str, str] = {}
    with client.task() as task:
        return build(_instances(client, task, credentials, make, refused)), refused


def tell_settings(client: Client, instances: t.Iterable[Instance]) -> None:
    """Ask instances of a listing for the settings that it did not tell. Raises `RequestError`."""
    # An instance without a token has no calls: what is not known of it stays unknown.
    asked = ((one, [call_of(Credential(one["id"], token), "me")]) for one in instances if (token := one["tokens"][0]))
    with client.task() as task:
        for instance, calls in _in_order(client, task, asked):
            try:
                (answer,) = _answers(client, task, calls)
            except RefusedCredential as refusal:
                raise RequestError(str(refusal)) from None
            add_settings(instance, answer)


def _instances(
    client: Client, task: Task, credentials: t.Sequence[Credential], make: Make, refused: dict[str, str]
) -> t.Iterator[list[Instance]]:
    asked = ((one, [call_of(one, "me"), call_of(one, "status")]) for one in credentials)
    for credential, calls in _in_order(client, task, asked):
        try:
            me, status = _answers(client, task, calls)
        except RefusedCredential as refusal:
            refused[credential.identity] = str(refusal)
            continue
        instance = make(row_of(client, credential, me, status))
        if instance is not None:
            yield [instance]


_Asked = t.TypeVar("_Asked")
_Calls = list[tuple[Call, "Future[Answer]"]]


def _in_order(client: Client, task: Task, asked: t.Iterator[tuple[_Asked, list[Call]]]) -> t.Iterator[tuple[_Asked, _Calls]]:
    """Yield calls under way, those of one instance together, while those of the next ones are on their way."""
    most = 2 * client.connection.concurrency  # so that a slow instance does not leave the others idle
    ahead: deque[tuple[_Asked, _Calls]] = deque()
    while True:
        for subject, calls in islice(asked, most - len(ahead)):
            ahead.append((subject, [(call, task.start(call)) for call in calls]))
        if not ahead:
            return
        yield ahead.popleft()


def call_of(credential: Credential, name: str) -> Call:
    """Return one of the calls of an instance that read: "me" or "status"."""
    return of_instance(credential, name, _MARKS[name])


def _answers(client: Client, task: Task, calls: _Calls) -> list[dict[str, t.Any]]:
    """Return what the calls of one instance are answered with. Raises `RequestError`, and `RefusedCredential` only once all are."""
    answers, refusals = [], []
    for call, future in calls:
        try:
            answer = task.decode(call, task.wait(future))
        except RefusedCredential as refusal:
            # The others are looked at all the same: what is wrong with them must not depend on who was faster.
            refusals.append(refusal)
            continue
        if not isinstance(answer, dict):
            raise RequestError(
                f"{client.describe(call)} was answered with JSON of another shape: it is no object: check that api_url is the API's address"
            )
        answers.append(answer)
    if refusals:
        raise refusals[0]
    return answers


def row_of(client: Client, credential: Credential, me: dict[str, t.Any], status: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the answers of one instance as a listing would have it in a row. Raises `RequestError` for that of another one."""
    named = me.get("id")
    if named not in (None, "") and str(named).lower() != credential.identity.lower():
        raise RequestError(
            f"{client.describe(call_of(credential, 'me'))} was answered for another instance: check that api_url is the API's address"
        )
    row = {field: value for field, value in me.items() if field != "connected"}
    row.update(id=credential.identity, token=credential.token)
    if isinstance(me.get("token"), str) and me["token"] != credential.token:
        row["otherToken"] = me["token"]  # no text may show it either
    if "due" in row:
        row["due"] = _in_milliseconds(row["due"])
    for field, state in (("whatsappConnected", "connected"), ("phoneConnected", "smartphoneConnected")):
        row.pop(field, None)
        if state in status:
            row[field] = status[state]
    return row


def _in_milliseconds(due: t.Any) -> t.Any:
    is_number = isinstance(due, (int, float)) and not isinstance(due, bool)
    if not is_number and not (isinstance(due, str) and re.fullmatch(r"\s*[+-]?\d{1,12}\s*", due, re.A)):
        return due
    moment = float(due) if isinstance(due, str) else due  # a whole number may be larger than any that has a point
    return int(moment * 1000) if abs(moment) < _SECONDS_BELOW else due
