# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The calls of an instance that read: the fleet of a user without a partner token, and what the listing does not return."""

from __future__ import annotations

import typing as t
from collections import deque
from itertools import islice

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, RequestError, Scope
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import (
    SUBSCRIPTION_LAPSED,
    Record,
    Rejected,
    problem_of,
    record_from_calls,
    with_phone_number,
    with_problem,
    with_settings,
)

from .calls import decode_object, instance_request

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Credential
    from ansible_collections.zapi.zapi.plugins.module_utils._http.exchange import Pending
    from ansible_collections.zapi.zapi.plugins.module_utils._http.session import RequestGroup, Session

Answer = t.Union[dict[str, t.Any], RequestError]


def read_instances(session: Session, credentials: t.Sequence[Credential]) -> tuple[list[Record], list[Rejected]]:
    """Return the instances of these credentials, in their order, and the credentials that the server rejects.

    Raises `RequestError` for every failure that is not one instance's own.
    """
    records, rejected = [], []
    with session.group() as group:
        for credential, answers in zip(credentials, _answers(group, credentials, ("me", "status"))):
            errors = [answer for answer in answers if isinstance(answer, RequestError)]
            me, status = (None if isinstance(answer, RequestError) else answer for answer in answers)
            for error in errors:
                # If /me is answered, any other rejection of /status leaves the states unknown, as with a partner token.
                if error.scope is not Scope.INSTANCE and (me is None or not _is_own(error, "status")):
                    raise error
            has_lapsed = any(map(_has_lapsed, errors))  # so the server knows the instance
            reasons = [error.reason for error in errors if error.scope is Scope.INSTANCE]
            if reasons and not has_lapsed:
                rejected.append(Rejected(credential.id, reasons[0]))
                continue
            records.append(record_from_calls(credential, me, status, has_lapsed=has_lapsed))
    return records, rejected


def read_details(session: Session, records: t.Sequence[Record], call: str) -> list[Record]:
    """Return the records with what a call returns: ``me`` (settings), ``status`` (problem) or ``device`` (phone number).

    If an instance's own call is rejected, or the record has no credential, its values stay unknown. Raises `RequestError` for every
    other failure.
    """
    add = {"me": with_settings, "status": _with_status, "device": with_phone_number}[call]
    result = []
    with session.group() as group:
        answers = _answers(group, [record.credential for record in records if record.credential], (call,))
        for record in records:
            (answer,) = next(answers) if record.credential else (None,)
            if isinstance(answer, RequestError):
                if not _is_own(answer, call):
                    raise answer
                result.append(with_problem(record, SUBSCRIPTION_LAPSED) if _has_lapsed(answer) else record)
            else:
                result.append(record if answer is None else add(record, answer))
    return result


def read_back(session: Session, credentials: t.Sequence[Credential]) -> dict[str, t.Union[Record, RequestError]]:
    """Return, by ID, what ``me`` returns of each instance, or why it could not be read."""
    with session.group() as group:
        return {
            credential.id: answer if isinstance(answer, RequestError) else record_from_calls(credential, answer, None)
            for credential, (answer,) in zip(credentials, _answers(group, credentials, ("me",)))
        }


def _answers(group: RequestGroup, credentials: t.Sequence[Credential], calls: t.Sequence[str]) -> t.Iterator[list[Answer]]:
    """Yield the answers to these calls of each instance, in order, while those of the next instances are being fetched."""
    requests = ((one, [group.start(instance_request(one, call)) for call in calls]) for one in credentials)
    # Twice as many as are fetched at once, so that a slow instance does not leave threads idle.
    ahead = deque(islice(requests, 2 * group.session.concurrency))
    while ahead:
        credential, pending = ahead.popleft()
        yield [_answer(group, credential, call, one) for call, one in zip(calls, pending)]
        ahead.extend(islice(requests, 1))


def _answer(group: RequestGroup, credential: Credential, call: str, pending: Pending) -> Answer:
    try:
        data = decode_object(group, pending)
    except RequestError as error:
        return error
    identity = data.get("id") if call == "me" else None
    if identity not in (None, "") and str(identity).lower() != credential.id.lower():
        return RequestError(Reason("other_instance", {"request": group.session.label(pending.request)}))
    return data


def _has_lapsed(error: RequestError) -> bool:
    return error.reason.code == SUBSCRIPTION_LAPSED


def _is_own(error: RequestError, call: str) -> bool:
    """Return whether a failure concerns one instance only. Some servers have no ``device``."""
    if error.scope is Scope.CALL:
        return error.reason.code == "call_rejected" or call == "device"
    return error.scope is Scope.INSTANCE


def _with_status(record: Record, status: t.Mapping[str, t.Any]) -> Record:
    return with_problem(record, problem_of(status) or record.instance["problem"])
