# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The text of an overview of a fleet: what is down, unpaid, unset or muted, and where webhooks post to."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import MUTED_WEBHOOKS, MUTED_WITH
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import RESTORE_SESSION, SCAN_QR_CODE, SUBSCRIPTION_LAPSED
from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import host_of

from .rows import mask_reason
from .texts import counted, printable, text

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance, Record, Rejected
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask

_MAX_NAMES = 10
_RECEIVE_WEBHOOKS = ("received", "received_and_delivery")
_UNKNOWN = "unknown"
_LAPSED = "subscription lapsed"
_PAID = ("PAID", "ACTIVE", "TRIAL")


def overview(records: t.Sequence[Record], rejected: t.Sequence[Rejected], mask: Mask, *, notes: t.Sequence[str] = ()) -> str:
    """Return the overview. ``notes`` are texts about what is not known."""
    instances = [record.instance for record in records]
    connected = sum(instance["whatsapp_connected"] is True for instance in instances)
    lines = [f"{counted(len(instances), 'instance')}, {connected} connected"]
    lines += [f"credential rejected: {printable(one.id)}: {text(mask_reason(one.reason, mask))}" for one in rejected[:_MAX_NAMES]]
    lines += [f"and {len(rejected) - _MAX_NAMES} more credentials rejected"] if len(rejected) > _MAX_NAMES else []
    lines += _section("payment", _payment(instances), mask)
    lines += _section("not connected", _disconnected(instances), mask)
    lines += _section("receive webhooks that are not set", _unset(instances), mask)
    lines += _section("muted", _muted(instances), mask)
    without_filters = sum(MUTED_WEBHOOKS.name in instance["unknown"] for instance in instances)
    lines += [f"mute filters are unknown: {counted(without_filters, 'instance')}"] if without_filters else []
    hosts = Counter(host for instance in instances for host in _hosts(instance))
    lines += ["hosts that webhooks post to:"] if hosts else []
    lines += [
        f"- {host}: {counted(count, 'instance')}" for host, count in sorted(hosts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return "\n".join([*lines, *notes])


def _payment(instances: t.Iterable[Instance]) -> dict[str, list[Instance]]:
    """Group by payment: lapsed subscriptions, other states, those that are paid, unknown."""
    groups: dict[str, list[Instance]] = {}
    for instance in instances:
        lapsed = instance["problem"] == SUBSCRIPTION_LAPSED
        groups.setdefault(_LAPSED if lapsed else instance["payment_status"] or _UNKNOWN, []).append(instance)
    order = {_LAPSED: 0, _UNKNOWN: 3}
    return {state: groups[state] for state in sorted(groups, key=lambda one: (order.get(one, 1 + (one.upper() in _PAID)), one))}


def _disconnected(instances: t.Iterable[Instance]) -> dict[str, list[Instance]]:
    """Group the instances that are not connected by the reason, as far as it is known."""
    groups: dict[str, list[Instance]] = {str(text(Reason(problem))): [] for problem in (RESTORE_SESSION, SCAN_QR_CODE)}
    for instance in instances:
        is_lapsed = instance["problem"] == SUBSCRIPTION_LAPSED  # and named above, with the payments
        if instance["whatsapp_connected"] is not True and not is_lapsed:
            state = "state unknown" if instance["whatsapp_connected"] is None else "reason unknown"
            groups.setdefault(str(text(Reason(instance["problem"]))) if instance["problem"] else state, []).append(instance)
    return groups


def _unset(instances: t.Sequence[Instance]) -> dict[str, list[Instance]]:
    return {
        event: [one for one in instances if one["webhooks"][event] is None and f"webhooks.{event}" not in one["unknown"]]
        for event in _RECEIVE_WEBHOOKS
    }


def _muted(instances: t.Iterable[Instance]) -> dict[str, list[Instance]]:
    """Group by what is not delivered: webhooks, and kinds of messages."""
    groups: dict[str, list[Instance]] = {}
    for instance in instances:
        muted = list(instance["settings"]["muted_webhooks"] or ())
        muted += [event for event, other in MUTED_WITH.items() if other in muted]
        muted += [f"messages: {kind}" for kind in instance["settings"]["muted_messages"] or ()]
        for one in muted:
            groups.setdefault(one, []).append(instance)
    return groups


def _hosts(instance: Instance) -> set[str]:
    return {str(host_of(url) or "(not a valid URL)") for url in instance["webhooks"].values() if url}


def _section(title: str, groups: t.Mapping[str, t.Sequence[Instance]], mask: Mask) -> list[str]:
    lines = [f"- {printable(mask.text(name))}: {len(found)} ({_names(found, mask)})" for name, found in groups.items() if found]
    return [f"{title}:", *lines] if lines else []


def _names(instances: t.Sequence[Instance], mask: Mask) -> str:
    names = [printable(mask.text(instance["name"] or instance["id"])) for instance in instances[:_MAX_NAMES]]
    more = f" and {len(instances) - _MAX_NAMES} more" if len(instances) > _MAX_NAMES else ""
    return ", ".join(names) + more
