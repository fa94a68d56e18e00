# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Rows of drift and instances, as results show them: JSON values, masked. The keys of a row are always the same."""

from __future__ import annotations

import json
import typing as t
from collections import Counter

from ansible_collections.zapi.zapi.plugins.module_utils._audit import InstanceAudit
from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import Attribute, Kind
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import KEYS
from ansible_collections.zapi.zapi.plugins.module_utils._core.timestamps import iso_8601
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, mask_userinfo

from .texts import printable, text

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._audit import AuditResult, Mismatch, Missing
    from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Instance, Record
    from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

Row = dict[str, t.Any]

_KEYS_WITH_TEXTS = ("name", "middleware", "tenant", "payment_status", "webhooks", "settings", "extra")


def audit(result: AuditResult, mask: Mask) -> dict[str, t.Any]:
    """Return ``in_sync``, ``drift``, ``summary`` and ``audited_at`` of an audit."""
    return {
        "in_sync": result.in_sync,
        "drift": drift_rows(result, mask),
        "summary": audit_summary(result),
        "audited_at": iso_8601(result.now),
    }


def scope(records: t.Iterable[Record], mask: Mask, only: t.Optional[t.Sequence[str]], *, is_narrowed: bool) -> Row:
    """Return ``scope``, the IDs and names that were looked at; an empty mapping for the whole account."""
    if only is None and not is_narrowed:
        return {}
    names = [text for one in records for text in (one.instance["id"], mask.value(one.instance["name"])) if text]
    return {"scope": list(dict.fromkeys([*names, *map(mask.value, only or ())]))}


def drift_rows(result: AuditResult, mask: Mask) -> list[Row]:
    """Return the rows of drift: instances in the API's order, then by attribute; missing instances last."""
    rows: list[Row] = []
    for one in result.in_order:
        if isinstance(one, InstanceAudit):
            rows += [mismatch_row(one.record.instance, mismatch, mask) for mismatch in one.mismatches]
        elif result.unmanaged_mode != "ignore":
            rows.append(_drift_row("unmanaged", one.instance, mask))
    return rows + [missing_row(missing, mask) for missing in result.missing]


def audit_summary(result: AuditResult) -> dict[str, t.Any]:
    """Return the counts of an audit."""
    mismatches = Counter(one.requirement.attribute.name for audited in result.drifted for one in audited.mismatches)
    return {
        "instances": result.instances,
        "managed": result.managed,
        "unmanaged": len(result.unmanaged),
        "in_sync": result.in_sync_instances,
        "drifted": len(result.drifted),
        "missing": len(result.missing),
        "mismatches": dict(sorted(mismatches.items())),
        "compliance": percentage(result.in_sync_instances, result.managed + len(result.missing)),
        "unverified": result.unverified,
        "warnings": len(result.warnings),
    }


def instances(records: t.Iterable[Record], secrets: Secrets, *, include_token: bool = False) -> list[dict[str, t.Any]]:
    """Return instances as users see them: without known secrets, and without user names and passwords in ``extra``.

    Webhooks have their real URLs. ``include_token`` adds the token of each instance, null if the API did not return it.
    """
    shown = []
    for record in records:
        instance: dict[str, t.Any] = {key: record.instance.get(key) for key in KEYS}
        if instance["extra"]:
            instance["extra"] = _without_userinfo(instance["extra"])
        # Nearly no instance contains a secret: a search in one text takes a fraction of the time.
        texts = json.dumps([instance[key] for key in _KEYS_WITH_TEXTS], ensure_ascii=False)
        if secrets.mask(texts) != texts:
            instance = {**Mask(secrets).value(instance), "id": record.instance["id"]}
        if include_token:
            instance["token"] = record.credential.token if record.credential else None
        shown.append(instance)
    return shown


def mismatch_row(instance: Instance, mismatch: Mismatch, mask: Mask) -> Row:
    requirement = mismatch.requirement
    attribute = requirement.attribute
    expected, actual = (shown(attribute, value, instance, mask) for value in (mismatch.expected, mismatch.actual))
    reason = mask_reason(mismatch.reason, mask, attribute, instance) if mismatch.reason else None
    if reason is None and (actual in expected if isinstance(expected, list) else actual == expected):
        reason = Reason("masked_difference")
    return _drift_row(
        "mismatch",
        instance,
        mask,
        attribute=attribute.name,
        expected=expected,
        actual=actual,
        expectation=requirement.expectation,
        expectation_name=requirement.expectation_name,
        reason=reason,
    )


def missing_row(missing: Missing, mask: Mask) -> Row:
    instance = {"id": missing.id, "name": missing.name}
    position, name = (missing.expectation.position, missing.expectation.name) if missing.expectation else (None, None)
    reason = mask_reason(missing.reason, mask) if missing.reason else None
    return _drift_row("missing", instance, mask, expectation=position, expectation_name=name, reason=reason)


def _drift_row(kind: str, instance: t.Mapping[str, t.Any], mask: Mask, reason: t.Optional[Reason] = None, **values: t.Any) -> Row:
    return {
        "kind": kind,
        "id": instance["id"],
        "name": mask.value(instance["name"]),
        "attribute": None,
        "expected": None,
        "actual": None,
        "expectation": None,
        "expectation_name": None,
        **values,
        "note": text(reason),
        "reason": reason_dict(reason),
    }


def shown(attribute: Attribute, value: t.Any, instance: t.Mapping[str, t.Any], mask: Mask) -> t.Any:
    """Return a value of an attribute as it may be shown."""
    if isinstance(value, list) and attribute.kind in (Kind.URL, Kind.HOSTS):
        return [shown(attribute, item, instance, mask) for item in value]
    # Among hosts, a URL that leads to no certain host stands for itself.
    is_url = attribute.kind is Kind.URL or (attribute.kind is Kind.HOSTS and value in instance["webhooks"].values())
    if is_url and isinstance(value, str):
        return mask.url(value, (instance["id"], instance["name"]))
    return mask.value(value)


def mask_reason(
    reason: Reason, mask: Mask, attribute: t.Optional[Attribute] = None, instance: t.Optional[t.Mapping[str, t.Any]] = None
) -> Reason:
    """Return a reason whose values may be shown. ``value`` is one of the attribute, ``url`` is the URL of a webhook."""

    def masked(name: str, value: t.Any) -> t.Any:
        if isinstance(value, Reason):
            return mask_reason(value, mask, attribute, instance)
        if name == "value" and attribute is not None and instance is not None:
            return shown(attribute, value, instance, mask)
        return mask.url(value) if name == "url" else mask.value(value)

    return Reason(reason.code, {name: masked(name, value) for name, value in reason.values.items()})


def reason_dict(reason: t.Optional[Reason]) -> t.Optional[Row]:
    """Return a reason as a result shows it: with the words of the server only if its text quotes them."""
    if reason is None:
        return None
    values = {name: reason_dict(value) if isinstance(value, Reason) else value for name, value in reason.values.items()}
    # Texts leave out what a server says about a token, which can be one that is not known here.
    if "said" in values and printable(reason.values["said"]) not in str(text(reason)):
        del values["said"]
    return {"code": reason.code, "values": values}


def _without_userinfo(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return mask_userinfo(value)
    if isinstance(value, dict):
        return {key: _without_userinfo(item) for key, item in value.items()}
    return [_without_userinfo(item) for item in value] if isinstance(value, list) else value


def percentage(part: int, whole: int) -> float:
    """Return a percentage to one decimal, 100.0 only if all are."""
    if part == whole:
        return 100.0
    # Rounding must not hide the one instance among thousands that is not in sync.
    return min(99.9, round(100 * part / whole, 1))
