# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Compares a fleet with its expectations: real values in, real values out. No network; the time is passed in."""

from __future__ import annotations

import json
import typing as t
from functools import lru_cache

from ._core.attributes import MUTED_WEBHOOKS, MUTED_WITH, Kind
from ._core.errors import OptionError, Reason
from ._core.instance import RESTORE_SESSION, SCAN_QR_CODE, SUBSCRIPTION_LAPSED, Instance, Record, Rejected
from ._core.names import is_pattern, nearest, nfc
from ._core.options import check_terms
from ._core.timestamps import is_possible
from ._core.urls import MASK, declared_host, host_of
from ._policy.placeholders import empty_placeholder

if t.TYPE_CHECKING:
    from ._policy.expectations import Effective, Expectation, Expectations, Requirement
    from ._secrets import Secrets

UNMANAGED_CHOICES = ("ignore", "report", "drift")

_DAY = 24 * 60 * 60 * 1000
_MAX_COMPARED = 50_000  # names that an audit compares to find nearest ones: some two seconds
_MAX_TERMS = 10  # in a message
_STATES = frozenset(("whatsapp_connected", "phone_connected"))
# Which attributes an instance's problem explains
_EXPLAINED = {SUBSCRIPTION_LAPSED: _STATES | {"payment_status"}, RESTORE_SESSION: _STATES, SCAN_QR_CODE: _STATES}


class Mismatch(t.NamedTuple):
    """A requirement that an instance does not meet."""

    requirement: Requirement
    expected: t.Any  # with the instance's own ID and name in place of the placeholders, if they can be filled in
    actual: t.Any  # None: unset or unknown; days_left: whole days; webhook_hosts: hosts, and URLs that lead to no certain host
    reason: t.Optional[Reason] = None  # what the two values do not show
    is_muted_only: bool = False  # the URL is accepted, but the webhook is muted


class InstanceAudit(t.NamedTuple):
    """A managed instance that drifted. The mismatches are sorted by attribute."""

    record: Record
    effective: Effective
    mismatches: tuple[Mismatch, ...]


class Missing(t.NamedTuple):
    """An ID or exact name that no instance has, or an instance whose credential the server rejected."""

    id: t.Optional[str]
    name: t.Optional[str]
    expectation: t.Optional[Expectation]  # that has it in its match
    reason: t.Optional[Reason]  # the nearest name or ID, or why the credential is rejected


class UnknownTerm(t.NamedTuple):
    """A term that no instance has as its ID or name, and the nearest name or ID."""

    term: str
    nearest: t.Optional[Reason]


class AuditResult(t.NamedTuple):
    """What `audit` found. All counts are numbers of instances; lists of instances are in the API's order."""

    now: int  # epoch milliseconds
    instances: int
    managed: int
    in_sync_instances: int
    unverified: int  # a webhook must have a URL, and the mute filters are unknown
    drifted: list[InstanceAudit]
    missing: list[Missing]
    unmanaged: list[Record]
    in_order: list[t.Union[InstanceAudit, Record]]  # `drifted` and `unmanaged` together
    warnings: list[Reason]
    unmanaged_mode: str  # one of `UNMANAGED_CHOICES`
    is_strict: bool
    unknown_terms: list[UnknownTerm]  # of ``only``

    @property
    def asserts_nothing(self) -> bool:
        """Return whether there are instances, and no expectation matches any of them."""
        return bool(self.instances and not self.managed)

    @property
    def in_sync(self) -> bool:
        """Return whether the fleet is as declared."""
        has_unmanaged_drift = self.unmanaged_mode == "drift" and self.unmanaged
        has_strict_warnings = self.is_strict and self.warnings
        return not (self.drifted or self.missing or has_unmanaged_drift or has_strict_warnings or self.asserts_nothing)


def audit(
    records: t.Sequence[Record],
    expectations: Expectations,
    now: int,
    *,
    only: t.Optional[t.Sequence[str]] = None,
    unmanaged: str = "ignore",
    strict: bool = False,
    rejected: t.Sequence[Rejected] = (),
) -> AuditResult:
    """Compare the instances with their expectations. ``now`` is in epoch milliseconds.

    With ``only`` (IDs and exact names), no other instance, ID or name counts. ``rejected`` are the credentials that the server rejected.
    Raises `OptionError` for an ``only`` that `check_terms` refuses.
    """
    selection = _Selection(records, only, rejected)
    in_order: list[t.Union[InstanceAudit, Record]] = []
    unverified = 0
    by_positions: dict[tuple[int, ...], Effective] = {}  # positions of expectations that match
    for record in selection.records:
        positions = expectations.matching(record.instance)
        if not positions:
            in_order.append(record)
            continue
        effective = by_positions.get(positions)
        if effective is None:
            effective = by_positions[positions] = expectations.effective(record.instance)
        found = mismatches(record, effective, now)
        if found:
            in_order.append(InstanceAudit(record, effective, tuple(found)))
        if effective.has_url and MUTED_WEBHOOKS.name in (record.instance.get("unknown") or ()):
            unverified += 1
    drifted = [one for one in in_order if isinstance(one, InstanceAudit)]
    unmanaged_records = [one for one in in_order if isinstance(one, Record)]
    managed = len(selection.records) - len(unmanaged_records)
    missing, warnings = selection.missing(expectations)
    warnings += selection.unnamed(expectations, {one.values["expectation"] for one in warnings})
    if only is None:
        matched = {position for positions in by_positions for position in positions}
        explained = {one.expectation.label for one in missing if one.expectation}
        explained |= {one.values["expectation"] for one in warnings if one.code == "unknown_name"}
        warnings += selection.unmatched(expectations, matched, explained)
    if unverified:
        warnings.append(Reason("unknown_filters", {"instances": unverified}))
    return AuditResult(
        now=now,
        instances=len(selection.records),
        managed=managed,
        in_sync_instances=managed - len(drifted),
        unverified=unverified,
        drifted=drifted,
        missing=missing,
        unmanaged=unmanaged_records,
        in_order=in_order,
        warnings=[*expectations.warnings, *warnings],
        unmanaged_mode=unmanaged,
        is_strict=strict,
        unknown_terms=selection.unknown_terms(missing),
    )


def select(records: t.Iterable[Record], terms: t.Sequence[str]) -> tuple[list[Record], list[str]]:
    """Return the records that have the terms as IDs or exact names, in the order of the terms, and the terms without a match.

    A term that is an ID selects that instance alone. A record comes once, at its first term.
    """
    by_id: dict[str, Record] = {}
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_id[record.instance["id"]] = record
        by_name.setdefault(nfc(record.instance["name"]), []).append(record)
    selected: dict[str, Record] = {}
    unmatched = []
    for term in terms:
        found = [by_id[term]] if term in by_id else by_name.get(nfc(term), [])
        selected.update((record.instance["id"], record) for record in found)
        if not found:
            unmatched.append(term)
    return list(selected.values()), unmatched


def refuse_unknown_terms(result: AuditResult, secrets: Secrets) -> None:
    """Refuse terms of ``only`` that no instance has. Raises `OptionError`."""
    if result.unknown_terms:
        raise OptionError(f"only: {unknown_terms_text(result.unknown_terms, secrets)}")


def unknown_terms(records: t.Iterable[Record], terms: t.Iterable[str]) -> list[UnknownTerm]:
    """Return the terms, each with the nearest existing name or ID."""
    existing = _Existing(records)
    return [existing.unknown_term(term) for term in terms]


def unknown_terms_text(terms: t.Sequence[UnknownTerm], secrets: Secrets) -> str:
    """Return one line that names the terms, up to ten of them, without known secrets."""
    texts = [f"no instance has the ID or name {_quoted(one.term)}{_advice(one.nearest)}" for one in terms[:_MAX_TERMS]]
    more = [f"and {len(terms) - _MAX_TERMS} more"] if len(terms) > _MAX_TERMS else []
    return secrets.mask("; ".join([*texts, *more]))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _advice(near: t.Optional[Reason]) -> str:
    if near is None:
        return ""
    kind, value = next(iter(near.values.items()))
    return f"; the nearest {'ID' if kind == 'id' else kind} is {_quoted(value)}"


def mismatches(record: Record, effective: Effective, now: int) -> list[Mismatch]:
    """Return the requirements that an instance does not meet. ``now`` is in epoch milliseconds."""
    instance = record.instance
    unknown: t.Collection[str] = instance.get("unknown") or ()
    if effective.names.isdisjoint(unknown):
        unknown = ()
    muted = _undeclared_muted(instance, effective)
    found = []
    for requirement in effective.requirements:
        attribute, reason = requirement.attribute, None
        kind, actual = attribute.kind, attribute.value(instance)
        expected = requirement.expected(instance) if requirement.has_placeholders else requirement.declared
        is_unknown = attribute.name in unknown or attribute.key not in instance
        if is_unknown:
            is_met, reason = False, Reason("unknown")
        elif kind is Kind.DAYS:
            actual = _days_until(actual, now)
            is_met = actual is not None and actual >= expected
        elif kind is Kind.HOSTS:
            actual, reason = _foreign_hosts(actual, expected)
            is_met = not actual
        else:
            is_met = (actual == expected and actual is not None) or requirement.accepts(actual, expected)
        is_muted = bool(muted and kind is Kind.URL and attribute.part in muted and requirement.declared is not None)
        if not is_met or is_muted:
            if requirement.has_placeholders:
                expected, placeholder = _filled_in(requirement, expected, instance)
                if placeholder and not is_met:
                    reason = reason or Reason("placeholder_empty", {"placeholder": placeholder})
            reason = _problem(instance, attribute.name, actual, is_unknown=is_unknown) or reason
            reason = reason or (Reason("muted") if is_muted else _difference(kind, expected, actual))
            found.append(Mismatch(requirement, expected, actual, reason, is_muted and is_met))
    return found


def _filled_in(requirement: Requirement, expected: t.Any, instance: Instance) -> tuple[t.Any, t.Optional[str]]:
    """Return the expected URLs, as they are declared if a placeholder has no value, and that placeholder."""
    pairs = list(zip(requirement.declared, expected)) if isinstance(expected, list) else [(requirement.declared, expected)]
    shown = [declared if url is None else url for declared, url in pairs]
    placeholder = next((empty_placeholder(declared, instance) for declared, url in pairs if url is None), None)
    return shown if isinstance(expected, list) else shown[0], placeholder


def _undeclared_muted(instance: Instance, effective: Effective) -> t.Collection[str]:
    """Return the webhooks that are muted, except those whose muting is declared."""
    muted = (instance.get("settings") or {}).get(MUTED_WEBHOOKS.part or "")
    if not muted or not isinstance(muted, list):
        return ()
    requirement = effective.get(MUTED_WEBHOOKS.name)
    undeclared = set(muted).difference(requirement.declared if requirement else ())
    return undeclared | {event for event, other in MUTED_WITH.items() if other in undeclared}


def _problem(instance: Instance, name: str, actual: t.Any, *, is_unknown: bool) -> t.Optional[Reason]:
    """Return the instance's problem if it explains the value of an attribute."""
    problem = instance.get("problem")
    if problem is None or actual is True:
        return None
    explains = name in _EXPLAINED.get(problem, ()) or (is_unknown and problem == SUBSCRIPTION_LAPSED)
    return Reason(problem) if explains else None


def _difference(kind: Kind, expected: t.Any, actual: t.Any) -> t.Optional[Reason]:
    """Return why a known value is not the expected one, if the two values do not show it."""
    if kind in (Kind.BOOLEAN, Kind.CHOICE) and actual is None:
        return Reason("null")
    accepted = expected if isinstance(expected, list) else [expected]
    if kind is Kind.CHOICE and actual.lower() in map(str.lower, accepted):
        return Reason("case")
    return None


def _foreign_hosts(webhooks: t.Mapping[str, t.Optional[str]], declared: t.Sequence[str]) -> tuple[list[str], t.Optional[Reason]]:
    """Return the hosts that webhooks post to and that are not declared; a URL that leads to no certain host stands for itself."""
    foreign: dict[str, list[str]] = {}
    accepted = tuple(declared)
    for event, url in webhooks.items():
        if url is not None and not _posts_to(_origin(url), accepted):
            foreign.setdefault(str(host_of(url) or url), []).append(event)
    if not foreign:
        return [], None
    hosts = sorted(foreign)
    return hosts, Reason("foreign_hosts", {"webhooks": [event for host in hosts for event in foreign[host]]})


def _origin(url: str) -> str:
    """Return a part of a URL that leads to the same host, if the URL is valid: a fleet has many URLs and few hosts."""
    end = url.find("/", len("https://"))
    return url[:end] if end > 0 and url.isprintable() and " " not in url and MASK not in url else url


@lru_cache(maxsize=4096)
def _posts_to(url: str, declared: tuple[str, ...]) -> bool:
    """Return whether a URL leads to one of the declared hosts."""
    host = host_of(url)
    return host is not None and any(one is not None and one.covers(host) for one in map(declared_host, declared))


def _days_until(moment: t.Any, now: int) -> t.Optional[int]:
    """Return whole days, negative once the moment is over; None if it is not a possible date. Both are in epoch milliseconds."""
    return (moment - now) // _DAY if is_possible(moment) else None


class _Existing:
    """The IDs and names of a fleet, in its order."""

    def __init__(self, records: t.Iterable[Record]) -> None:
        self.ids: dict[str, None] = {}
        self.names: dict[str, None] = {}  # in NFC
        self.has_unknown_names = False
        for record in records:
            instance = record.instance
            self.ids[instance["id"]] = None
            if "name" in (instance.get("unknown") or ()):
                self.has_unknown_names = True
            else:
                self.names[nfc(instance["name"])] = None
        self._compared = 0

    def nearest_name(self, name: str) -> t.Optional[Reason]:
        near = self._nearest(name, self.names)
        return None if near is None else Reason("nearest_name", {"name": near})

    def nearest_id(self, identity: str) -> t.Optional[Reason]:
        near = self._nearest(identity, self.ids)
        return None if near is None else Reason("nearest_id", {"id": near})

    def unknown_term(self, term: str) -> UnknownTerm:
        return UnknownTerm(term, self.nearest_name(term) or self.nearest_id(term))

    def _nearest(self, wanted: str, existing: t.Collection[str]) -> t.Optional[str]:
        self._compared += len(existing)
        return nearest(wanted, existing) if self._compared <= _MAX_COMPARED else None


class _Selection:
    """What an audit is about, and what does not exist of it."""

    def __init__(self, records: t.Sequence[Record], only: t.Optional[t.Sequence[str]], rejected: t.Sequence[Rejected]) -> None:
        check_terms(only)
        self.records = records
        self._existing = _Existing(records)
        self._rejected = {one.id: one.reason for one in rejected if only is None or one.id in only}
        self._unmatched: t.Optional[list[str]] = None  # terms of ``only``
        if only is not None:
            found, self._unmatched = select(records, [term for term in only if term not in self._rejected])
            ids = {record.instance["id"] for record in found}
            self.records = [record for record in records if record.instance["id"] in ids]

    def missing(self, expectations: Expectations) -> tuple[list[Missing], list[Reason]]:
        """Return the IDs and exact names that no instance has, and warnings for names while a name is unknown."""
        missing, warnings = [], []
        for expectation in expectations.active:
            ids = [
                identity
                for identity in dict.fromkeys(expectation.match.ids)
                if identity in self._rejected or self._is_missing(identity, self._existing.ids)
            ]
            exact = list(dict.fromkeys(nfc(name) for name in expectation.written_names if not is_pattern(nfc(name))))
            names = [name for name in exact if self._is_missing(name, self._existing.names)]
            if names and self._existing.has_unknown_names:
                warnings += [Reason("unknown_name", {"expectation": expectation.label, "name": name}) for name in names]
                names = []
            pairs: list[tuple[t.Optional[str], t.Optional[str]]]
            if len(set(expectation.match.ids)) == 1 and len(set(map(nfc, expectation.written_names))) == 1:
                # Both mean one instance, which has one row.
                pairs = [(expectation.match.ids[0], exact[0] if exact else None)] if ids or names else []
            else:
                pairs = [*((identity, None) for identity in ids), *((None, name) for name in names)]
            missing += [Missing(*pair, expectation, self._reason(*pair)) for pair in pairs]
        listed = {one.id for one in missing}
        missing += [Missing(identity, None, None, reason) for identity, reason in self._rejected.items() if identity not in listed]
        return missing, warnings

    def unnamed(self, expectations: Expectations, explained: t.Collection[str]) -> list[Reason]:
        """Return a warning for instances without a known name that may be meant by the name or pattern of an expectation.

        ``explained`` are labels of expectations with a warning of their own.
        """
        named = [one.match for one in expectations.active if one.written_names and one.label not in explained]
        matches = [match._replace(names=frozenset(), patterns=()) for match in named]
        unnamed = [record.instance for record in self.records if "name" in (record.instance.get("unknown") or ())]
        ids = [instance["id"] for instance in unnamed if any(match.matches_named(instance, None) for match in matches)]
        return [Reason("unknown_names", {"ids": ids})] if ids else []

    def unmatched(self, expectations: Expectations, matched: t.Collection[int], explained: t.Collection[str]) -> list[Reason]:
        """Return warnings for an empty fleet, and for expectations and patterns of a list that match no instance.

        ``matched`` are positions of expectations, ``explained`` labels of those that need no warning of their own.
        """
        if not self.records:
            return [] if self._rejected else [Reason("empty_fleet")]
        warnings = []
        for expectation in expectations.active:
            is_unmatched = expectation.position not in matched and expectation.label not in explained
            patterns: list[t.Optional[str]] = []
            if is_unmatched or len(expectation.written_names) > 1:
                written = [name for name in expectation.written_names if is_pattern(nfc(name))]
                pairs = zip(written, expectation.match.patterns)
                patterns += [name for name, pattern in pairs if not any(map(pattern.match, self._existing.names))]
            if patterns or is_unmatched:
                warnings += [self._unmatched_warning(expectation, pattern) for pattern in patterns or [None]]
        return warnings

    def unknown_terms(self, missing: t.Sequence[Missing]) -> list[UnknownTerm]:
        """Return the terms of ``only`` that nothing has, except those that have a row in ``missing``."""
        listed = {value for one in missing for value in (one.id, one.name)}
        terms = [term for term in self._unmatched or () if not {term, nfc(term)} & listed]
        return [self._existing.unknown_term(term) for term in terms]

    def _is_missing(self, wanted: str, existing: t.Container[str]) -> bool:
        """Return whether nothing has an ID or name in NFC; with ``only``, whether that is one of the terms."""
        if self._unmatched is None:
            return wanted not in existing
        return any(wanted in (term, nfc(term)) for term in self._unmatched)

    def _reason(self, identity: t.Optional[str], name: t.Optional[str]) -> t.Optional[Reason]:
        """Return why there is a row for an ID and a name, one of which may exist."""
        if identity is not None and identity in self._rejected:
            return self._rejected[identity]
        if identity is not None and identity not in self._existing.ids:
            near = self._existing.nearest_id(identity)
            if near or name is None:
                return near
        return self._existing.nearest_name(name) if name is not None and name not in self._existing.names else None

    def _unmatched_warning(self, expectation: Expectation, pattern: t.Optional[str]) -> Reason:
        near = None if pattern is None else self._existing.nearest_name(pattern)
        values = {"expectation": expectation.label, "pattern": pattern, "nearest": near and near.values["name"]}
        return Reason("unmatched_expectation", values)
