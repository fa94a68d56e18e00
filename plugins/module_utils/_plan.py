# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Plans a convergence from an audit alone: what would be set, in which order, and what needs manual action."""

from __future__ import annotations

import re
import typing as t

from ._audit import AuditResult, InstanceAudit, Mismatch, mismatches
from ._core.attributes import BY_NAME, FILTERS, MUTED_WEBHOOKS, NOTIFY_SENT_BY_ME, RECEIVED_AND_DELIVERY, Attribute, Kind, nested
from ._core.errors import ExpectationError, OptionError, Reason
from ._core.instance import Instance, Record, is_unknown
from ._core.urls import UrlError, declared_host, parse_url
from ._policy.document import is_writable
from ._policy.placeholders import ANY, expand

if t.TYPE_CHECKING:
    from ._policy.expectations import Effective, Expectations, Requirement

_LIMIT = re.compile(r"\s*(\d{1,9})\s*(%?)\s*", re.A)
_MIN_PERCENTAGE = 10  # instances that any percentage allows
_MUTED_LISTS = tuple(BY_NAME[name] for name in FILTERS)


class Change(t.NamedTuple):
    """A value that is to be set."""

    attribute: Attribute
    before: t.Any
    after: t.Any
    requirement: Requirement  # why
    note: t.Optional[Reason] = None
    restores: t.Optional[str] = None  # the webhook whose call changes this value, which is therefore set again


class PlannedCall(t.NamedTuple):
    """A call of an instance that makes one change, or both changes of the muted lists."""

    name: str  # such as update-webhook-received
    body: dict[str, t.Any]
    changes: tuple[Change, ...]


class InstancePlan(t.NamedTuple):
    """What is to be done to one instance, and which mismatches remain afterwards."""

    record: Record
    changes: tuple[Change, ...]  # in the order of the calls: webhooks first
    remaining: tuple[Mismatch, ...]

    @property
    def calls(self) -> list[PlannedCall]:
        """Return the calls in their order."""
        by_call: dict[str, list[Change]] = {}
        for change in self.changes:
            by_call.setdefault(str(change.attribute.call), []).append(change)
        return [PlannedCall(name, self._body(changes), tuple(changes)) for name, changes in by_call.items()]

    def _body(self, changes: list[Change]) -> dict[str, t.Any]:
        values = {change.attribute: change.after for change in changes}
        if changes[0].attribute in _MUTED_LISTS:
            # With one list alone, the API ignores the call.
            values = {attribute: values.get(attribute, attribute.value(self.record.instance)) for attribute in _MUTED_LISTS}
        return {attribute.parameter: _api_value(attribute, value) for attribute, value in values.items()}


class Plan(t.NamedTuple):
    """A convergence, before anything is written."""

    audit: AuditResult
    instances: list[InstancePlan]  # that have changes, in the API's order
    remaining: list[InstanceAudit]  # what needs manual action, besides `audit.missing`
    problem: t.Optional[Reason]  # why nothing may be written


def plan(audit_result: AuditResult, *, max_changes: str = "25%", on_missing: str = "error") -> Plan:
    """Plan what makes the drifted instances meet their expectations, as far as there are calls for it.

    ``max_changes`` is as in `max_instances`; ``on_missing`` is error, warn or skip. Raises `OptionError`, and `ExpectationError` for a
    planned URL that is not https, or whose host the instance's own ``webhook_hosts`` forbid.
    """
    limit = max_instances(max_changes, audit_result.managed)
    instances, remaining = [], []
    for audited in audit_result.drifted:
        planned = _instance_plan(audited, audit_result.now)
        if planned.changes:
            _refuse_urls(planned, audited.effective)
            instances.append(planned)
        if planned.remaining:
            remaining.append(audited._replace(mismatches=planned.remaining))
    problem = None
    if audit_result.asserts_nothing:
        problem = Reason("nothing_managed", {"instances": audit_result.instances})
    elif audit_result.missing and on_missing == "error":
        problem = Reason("missing_instances", {"missing": [{"id": one.id, "name": one.name} for one in audit_result.missing]})
    elif len(instances) > limit:
        values = {"needed": len(instances), "managed": audit_result.managed, "max_changes": max_changes, "limit": limit}
        problem = Reason("too_many_changes", values)
    return Plan(audit_result, instances, remaining, problem)


def max_instances(max_changes: str, managed: int) -> int:
    """Return how many instances may be changed: a number, or a percentage of the managed ones, at least ten. Raises `OptionError`."""
    match = _LIMIT.fullmatch(max_changes)
    number = int(match[1]) if match else 0
    if match is None or (match[2] and number > 100):
        raise OptionError(f"max_changes must be a number of instances, or a percentage such as 25%, not {max_changes[:60]!r}")
    return max(_MIN_PERCENTAGE, managed * number // 100) if match[2] else number


def refuse_nothing_to_set(expectations: Expectations) -> None:
    """Refuse expectations that name nothing that can be set. Raises `ExpectationError`."""
    if not any(requirement.attribute.call for one in expectations.active for requirement in one.requirements):
        raise ExpectationError(
            "no expectation names anything that can be set: webhooks (except received_status) and settings can be set; "
            "zapi.zapi.instance_audit asserts the rest"
        )


def needed_calls(records: t.Sequence[Record], expectations: Expectations) -> dict[str, list[Record]]:
    """Return which instance calls to make for which records before planning.

    These are the calls of `Expectations.unknown_calls`, and those that read what is set together with a declared value: the other
    muted list, and notify_sent_by_me if received_and_delivery is to be set.
    """
    calls = expectations.unknown_calls(records)
    call = str(NOTIFY_SENT_BY_ME.read)
    ids = {record.instance["id"] for record in calls.get(call, ())}
    settings = [
        record
        for record in records
        if record.instance["id"] in ids or _depends_on_settings(record.instance, expectations.effective(record.instance))
    ]
    return {**calls, call: settings} if settings else calls


def planned_filters(listed: t.Sequence[Record], records: t.Iterable[Record], expectations: Expectations) -> t.Optional[Reason]:
    """Return a reason if mute filters are known only because `needed_calls` has read them: an audit counts them as unknown.

    ``listed`` are the records before these calls, ``records`` those after them.
    """
    name = MUTED_WEBHOOKS.name
    asked = {record.instance["id"] for record in expectations.unknown_calls(listed).get(str(MUTED_WEBHOOKS.read), ())}
    instances = [record.instance for record in listed if record.instance["id"] not in asked]
    unknown = {one["id"] for one in instances if is_unknown(one, name) and expectations.effective(one).has_url}
    count = sum(record.instance["id"] in unknown and not is_unknown(record.instance, name) for record in records)
    return Reason("planned_filters", {"instances": count}) if count else None


def rollback_expectations(planned: Plan) -> tuple[list[dict[str, t.Any]], list[tuple[str, str]]]:
    """Return expectations that restore what the plan changes, and the values that no expectation can declare.

    The latter as pairs of an attribute's name and an instance's ID.
    """
    expectations, lost = [], []
    for one in planned.instances:
        identity = one.record.instance["id"]
        values = {change.attribute.name: change.before for change in one.changes if _is_declarable(change.attribute, change.before)}
        lost += [(change.attribute.name, identity) for change in one.changes if change.attribute.name not in values]
        if values:
            expectations.append({"match": {"id": identity}, "expect": nested(values)})
    return expectations, lost


def _instance_plan(audited: InstanceAudit, now: int) -> InstancePlan:
    record, instance = audited.record, audited.record.instance
    reasons = _unsettable_lists(
        instance, audited.mismatches
    )  # why an attribute cannot be set although there is a call, by its name
    changes = []
    for mismatch in audited.mismatches:
        attribute = mismatch.requirement.attribute
        if (
            attribute.call
            and attribute.name not in reasons
            and not mismatch.is_muted_only
            and not is_unknown(instance, attribute.name)
        ):
            after, reason = _value_to_set(mismatch, instance)
            if reason:
                reasons[attribute.name] = reason
            else:
                changes.append(Change(attribute, mismatch.actual, after, mismatch.requirement))
    changes = sorted(_with_restored_setting(instance, audited.effective, changes), key=_order)
    if changes and record.credential is None:
        reasons.update((change.attribute.name, Reason("no_token")) for change in changes)
        changes = []
    remaining: t.Iterable[Mismatch] = audited.mismatches
    if changes:
        remaining = mismatches(record._replace(instance=_changed(instance, changes)), audited.effective, now)
    explained = [one._replace(reason=reasons.get(one.requirement.attribute.name, one.reason)) for one in remaining]
    return InstancePlan(record, tuple(changes), tuple(explained))


def _value_to_set(mismatch: Mismatch, instance: Instance) -> tuple[t.Any, t.Optional[Reason]]:
    """Return the value to set for a mismatch, or why there is none. Of several accepted values it is the first."""
    requirement = mismatch.requirement
    values = requirement.declared if isinstance(requirement.declared, list) else [requirement.declared]
    if requirement.attribute.kind is Kind.MUTED or values == [None]:
        return requirement.declared, None
    if requirement.attribute.kind is not Kind.URL:
        return values[0], None
    pattern = next((url for url in values if ANY not in url), None)
    if pattern is None:
        return None, Reason("any_placeholder")
    url = expand(pattern, instance)
    return url, mismatch.reason if url is None else None


def _unsettable_lists(instance: Instance, found: t.Iterable[Mismatch]) -> dict[str, Reason]:
    """Return the muted lists that cannot be set, by their names, and why: one call sets both, with the API's names for filters."""
    wanted = {one.requirement.attribute: one.expected for one in found if one.requirement.attribute in _MUTED_LISTS}
    if any(is_unknown(instance, attribute.name) for attribute in _MUTED_LISTS):
        return {attribute.name: Reason("unknown_lists") for attribute in wanted if not is_unknown(instance, attribute.name)}
    lists = {attribute: wanted.get(attribute, attribute.value(instance)) for attribute in _MUTED_LISTS}
    filters = [one for attribute, names in lists.items() for one in names if one not in FILTERS[attribute.name]]
    return {attribute.name: Reason("unknown_filter", {"filters": filters}) for attribute in wanted} if filters else {}


def _with_restored_setting(instance: Instance, effective: Effective, changes: list[Change]) -> list[Change]:
    """Return the changes, and the one that undoes a side effect: received_and_delivery turns notify_sent_by_me on."""
    by_name = {change.attribute.name: change for change in changes}
    webhook = by_name.get(RECEIVED_AND_DELIVERY.name)
    if webhook is None:
        return changes
    requirement = effective.get(NOTIFY_SENT_BY_ME.name)
    before = NOTIFY_SENT_BY_ME.value(instance)
    if requirement is None and before is None:
        by_name[RECEIVED_AND_DELIVERY.name] = webhook._replace(
            note=Reason("side_effect_unknown", {"setting": NOTIFY_SENT_BY_ME.name})
        )
    elif before is False if requirement is None else requirement.declared is False:
        # If it is on, it would be set anyway.
        note = None if before else Reason("side_effect", {"webhook": RECEIVED_AND_DELIVERY.name})
        by_name[NOTIFY_SENT_BY_ME.name] = Change(
            NOTIFY_SENT_BY_ME, before, False, requirement or webhook.requirement, note, restores=RECEIVED_AND_DELIVERY.name
        )
    return list(by_name.values())


def _order(change: Change) -> tuple[bool, str, bool]:
    """Return where a change comes: webhooks first, and what undoes a side effect right after its webhook."""
    return (
        change.attribute.key != "webhooks" and not change.restores,
        change.restores or change.attribute.name,
        bool(change.restores),
    )


def _changed(instance: Instance, changes: t.Iterable[Change]) -> Instance:
    """Return the instance as it will be."""
    values: dict[str, t.Any] = {**instance}
    for change in changes:
        key, part = change.attribute.key, change.attribute.part
        values[key] = change.after if part is None else {**values[key], part: change.after}
    return t.cast("Instance", values)


def _api_value(attribute: Attribute, value: t.Any) -> t.Any:
    if attribute in _MUTED_LISTS:
        return [FILTERS[attribute.name][one] for one in value]
    return "" if value is None else value


def _refuse_urls(planned: InstancePlan, effective: Effective) -> None:
    hosts = effective.get("webhook_hosts")
    for change in planned.changes:
        if change.attribute.kind is Kind.URL and change.after is not None:
            problem = _url_problem(change.after, hosts)
            if problem:
                where = f"{_label(change.requirement)}: {change.attribute.name}"
                raise ExpectationError(f"{where} of the instance {planned.record.instance['id']} {problem}")


def _url_problem(url: str, hosts: t.Optional[Requirement]) -> t.Optional[str]:
    """Return why a URL may not be set; it completes *the value …*."""
    try:
        parsed = parse_url(url)
    except UrlError as error:
        return str(error)
    if parsed.scheme != "https":
        return "is not an https URL: only https URLs are set"
    if hosts and not any(one is not None and one.covers(parsed.host) for one in map(declared_host, hosts.declared)):
        return f"has the host {parsed.host}, which the webhook_hosts of {_label(hosts)} forbid: add it there, or correct the URL"
    return None


def _label(requirement: Requirement) -> str:
    name = "" if requirement.expectation_name is None else f', "{requirement.expectation_name}"'
    return f"expectation {requirement.expectation}{name}"


def _depends_on_settings(instance: Instance, effective: Effective) -> bool:
    """Return whether a planned call would also set a setting that is unknown."""
    if any(attribute.name in effective.names for attribute in _MUTED_LISTS):
        return any(is_unknown(instance, attribute.name) for attribute in _MUTED_LISTS)
    webhook = effective.get(RECEIVED_AND_DELIVERY.name)
    if webhook is None or not is_unknown(instance, NOTIFY_SENT_BY_ME.name) or is_unknown(instance, RECEIVED_AND_DELIVERY.name):
        return False
    return not webhook.accepts(RECEIVED_AND_DELIVERY.value(instance), webhook.expected(instance))


def _is_declarable(attribute: Attribute, value: t.Any) -> bool:
    """Return whether an expectation can declare a value, so that a convergence sets it."""
    if attribute.kind is Kind.MUTED:
        return set(value) <= set(FILTERS[attribute.name])
    if attribute.kind is Kind.BOOLEAN:
        return value is not None
    if value is None:
        return attribute.kind in (Kind.URL, Kind.TEXT)
    if attribute.kind is not Kind.URL or not is_writable(value):
        return is_writable(value)
    try:
        return parse_url(value).scheme == "https" and not set("{}") & set(value)
    except UrlError:
        return False
