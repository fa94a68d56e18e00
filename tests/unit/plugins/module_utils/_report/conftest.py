# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Real audits and plans of small fleets, for the tests of what is reported about them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._audit import AuditResult, audit
from ansible_collections.zapi.zapi.plugins.module_utils._core.instance import Record, record_from_object
from ansible_collections.zapi.zapi.plugins.module_utils._plan import Plan, plan
from ansible_collections.zapi.zapi.plugins.module_utils._policy.expectations import Expectations
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Mask, Secrets

NOW = 1_790_000_000_000
TOKEN = "9F3C51A07E2D4B68A1C05D7E93F2B846"
DRIFT_KEYS = ["kind", "id", "name", "attribute", "expected", "actual", "expectation", "expectation_name", "note", "reason"]


@dataclass
class Report:
    """Makes audits and plans. Instances are numbered: instance 1 has the ID A1, the name Loja 1 and a token of its own."""

    mask: Mask = field(default_factory=lambda: Mask(Secrets([TOKEN])))

    def record(self, number: int, **fields: t.Any) -> Record:
        settings = {"receiveCallbackSentByMe": True, "callbackTypeFilters": [], "messageFilters": []}
        entry = {"id": f"A{number}", "name": f"Loja {number}", "token": TOKEN, "whatsappConnected": True, **settings}
        others = ("receivedAndDelivery", "delivery", "messageStatus", "presenceChat", "connected", "disconnected")
        webhooks = {"receivedCallbackUrl": f"https://hooks.example.com/A{number}", **{f"{one}CallbackUrl": None for one in others}}
        record = record_from_object({**entry, **webhooks, **fields})
        assert record is not None
        return record

    def audit(self, records: t.Sequence[Record], *expectations: t.Any, **options: t.Any) -> AuditResult:
        return audit(records, Expectations(list(expectations), NOW), NOW, **options)

    def plan(self, records: t.Sequence[Record], *expectations: t.Any, **options: t.Any) -> Plan:
        return plan(self.audit(records, *expectations), **options)


@pytest.fixture
def report() -> Report:
    return Report()
