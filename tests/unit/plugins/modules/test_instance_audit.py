# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The module instance_audit."""

from __future__ import annotations

import pytest

from .conftest import Service, instance

RECEIVED = "https://hooks.example.com/{id}"
CONNECTED = [{"expect": {"whatsapp_connected": True}}]
WEBHOOKS = [{"expect": {"webhooks": {"received": RECEIVED}}}]
UNKNOWN_FILTERS = "of 3 instances the mute filters are unknown: expect settings.muted_webhooks to check them"


def test_a_fleet_in_sync(service: Service) -> None:
    run = service.run("audit", expectations=CONNECTED)
    assert not run.failed
    assert run.result["in_sync"] is True
    assert run.result["changed"] is False
    assert run.result["drift"] == []
    assert run.msg == "3 of 3 managed instances are as declared, 0 unmanaged"
    assert set(run.result) == {"in_sync", "drift", "summary", "audited_at", "msg", "changed", "invocation"}


@pytest.mark.parametrize("fails", [True, False])
def test_drift(service: Service, fails: bool) -> None:
    service.emulator.change_instance("A2", whatsappConnected=False)
    run = service.run("audit", expectations=CONNECTED, fail_on_drift=fails)
    assert run.failed is fails
    assert run.result["in_sync"] is False
    assert [row["id"] for row in run.result["drift"]] == ["A2"]
    assert "diff" not in run.result
    assert run.msg.splitlines()[2] == '- "Loja 2" (A2): whatsapp_connected is false, expected true (expectation 1)'


def test_check_mode_and_diff(service: Service) -> None:
    service.emulator.change_instance("A2", whatsappConnected=False)
    run = service.run("audit", expectations=CONNECTED, check=True, diff=True)
    assert run.result["changed"] is False
    (diff,) = run.result["diff"]
    assert (diff["before"], diff["after"]) == ("whatsapp_connected: false\n", "whatsapp_connected: true\n")


def test_settings_are_asked_of_those_instances_only_that_need_them(service: Service) -> None:
    expectations = [{"match": {"id": "A2"}, "expect": {"settings": {"call_reject_auto": True}}}]
    run = service.run("audit", expectations=expectations)
    assert [row["actual"] for row in run.result["drift"]] == [False]
    assert service.calls == [("A2", "me")]


def test_with_only_no_other_instance_is_asked(service: Service) -> None:
    expectations = [{"expect": {"settings": {"call_reject_auto": False}}}, {"match": {"id": "B1"}, "ignore": ["settings"]}]
    run = service.run("audit", expectations=expectations, only=["Loja 3"])
    assert not run.failed
    assert run.result["summary"]["instances"] == 1
    assert service.calls == [("A3", "me")]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ([], "only is an empty list: leave it out to select every instance"),
        (["A1", ""], "only: entry 2 is empty: remove it, or write an ID or a name"),
        (["loja 1"], 'only: no instance has the ID or name "loja 1"; the nearest name is "Loja 1"'),
    ],
)
def test_an_only_that_selects_nothing(service: Service, only: list[str], message: str) -> None:
    run = service.run("audit", expectations=CONNECTED, only=only)
    assert run.failed
    assert run.msg == message


def test_nothing_is_asserted(service: Service) -> None:
    run = service.run("audit", expectations=[{"match": {"name": "shop-*"}, **CONNECTED[0]}], fail_on_drift=False)
    assert run.failed
    assert run.msg.startswith("no expectation matches any of the 3 instances")


def test_unmanaged_instances(service: Service) -> None:
    expectations = [{"match": {"id": "A1"}, **CONNECTED[0]}]
    run = service.run("audit", expectations=expectations, unmanaged="report")
    assert run.result["in_sync"] is True
    assert [row["kind"] for row in run.result["drift"]] == ["unmanaged", "unmanaged"]
    assert service.run("audit", expectations=expectations, unmanaged="drift").failed


@pytest.mark.parametrize("module", ["audit", "converge", "adopt"])
def test_a_nearest_name_is_shown_without_another_instances_token(service: Service, module: str) -> None:
    service.emulator.replace_fleet([instance(1, name="old token-of-A2 shop"), instance(2)])
    run = service.run(module, only=["old token shop"], expectations=None if module == "adopt" else WEBHOOKS)
    assert run.msg == 'only: no instance has the ID or name "old token shop"; the nearest name is "old *** shop"'


class TestWarnings:
    def test_what_matched_nothing(self, service: Service) -> None:
        run = service.run("audit", expectations=[*CONNECTED, {"match": {"name": "lója?*"}, "ignore": ["whatsapp_connected"]}])
        assert not run.failed
        assert run.warnings == ['expectation 2: the name "lója?*" matches no instance; the nearest name is "Loja 1"']
        assert run.result["summary"]["warnings"] == 1

    def test_unknown_mute_filters_are_in_the_message_alone(self, service: Service) -> None:
        run = service.run("audit", expectations=WEBHOOKS)
        assert not run.failed
        assert run.warnings == []
        assert run.msg.splitlines() == ["3 of 3 managed instances are as declared, 0 unmanaged", UNKNOWN_FILTERS]
        assert (run.result["summary"]["unverified"], run.result["summary"]["warnings"]) == (3, 1)

    @pytest.mark.parametrize("fails", [True, False])
    def test_strict_counts_them_as_drift(self, service: Service, fails: bool) -> None:
        expectations = [*WEBHOOKS, {"name": "Old", "match": {"id": "A1"}, "ignore": ["webhooks"], "until": "2020-01-01"}]
        run = service.run("audit", expectations=expectations, strict=True, fail_on_drift=fails)
        assert run.failed is fails
        assert run.result["in_sync"] is False
        assert run.warnings == []
        assert run.msg.splitlines() == [
            "3 of 3 managed instances are as declared, 0 unmanaged, but 2 warnings with strict",
            UNKNOWN_FILTERS,
            '- strict: expectation 2, "Old" ended on 2020-01-01 and has no effect',
        ]

    def test_an_empty_fleet(self, service: Service) -> None:
        service.emulator.replace_fleet([])
        run = service.run("audit", expectations=CONNECTED)
        assert not run.failed
        assert run.warnings == ["the fleet is empty: there is no instance to compare"]
        assert service.run("audit", expectations=CONNECTED, strict=True).failed


class TestCredentials:
    def options(self, *numbers: int, wrong: int = 0) -> dict:
        tokens = {number: "token-of-B" if number == wrong else f"token-of-A{number}" for number in numbers}
        return {"partner_token": None, "credentials": [{"id": f"A{number}", "token": token} for number, token in tokens.items()]}

    def test_a_rejected_credential_is_a_row_and_the_others_are_audited(self, service: Service) -> None:
        run = service.run("audit", expectations=CONNECTED, **self.options(1, 2, wrong=1))
        (row,) = run.result["drift"]
        assert (row["kind"], row["id"], row["reason"]["code"]) == ("missing", "A1", "credential_rejected")
        assert run.result["summary"]["in_sync"] == 1

    def test_a_lapsed_subscription_and_a_disconnection_are_explained(self, service: Service) -> None:
        lapsed = instance(1, _lapsed=True, paymentStatus="UNPAID")
        service.emulator.replace_fleet([lapsed, instance(2, whatsappConnected=False, phoneConnected=False), instance(3)])
        expect = {"whatsapp_connected": True, "payment_status": "PAID"}
        run = service.run("audit", expectations=[{"expect": expect}], **self.options(1, 2, 3))
        assert [(row["id"], row["attribute"], row["note"]) for row in run.result["drift"]] == [
            ("A1", "payment_status", "the subscription has lapsed: renew or cancel it"),
            ("A1", "whatsapp_connected", "the subscription has lapsed: renew or cancel it"),
            ("A2", "whatsapp_connected", "scan a QR code"),
        ]

    def test_middleware_matches_nothing(self, service: Service) -> None:
        run = service.run("audit", expectations=[{"match": {"middleware": "web"}, **CONNECTED[0]}], **self.options(1))
        assert run.failed
        assert "match.middleware matches nothing with credentials" in run.msg
        assert service.emulator.requests == []


class TestSecrets:
    URL = "https://hooks.example.com/in?key=s3cr3t"

    def test_urls_are_masked_everywhere(self, service: Service) -> None:
        service.emulator.change_instance(
            "A1", receivedCallbackUrl="https://hooks.example.com/in?key=s3cr3t-too", name="token-of-A1"
        )
        run = service.run("audit", expectations=[{"expect": {"webhooks": {"received": self.URL}}}], diff=True)
        assert "s3cr3t" not in run.printed
        assert run.result["drift"][0]["name"] == "***"

    def test_show_url_secrets(self, service: Service) -> None:
        expectations = [{"expect": {"webhooks": {"received": self.URL}}}]
        run = service.run("audit", expectations=expectations, show_url_secrets=True, diff=True)
        assert run.result["drift"][0]["expected"] == self.URL
        assert self.URL in run.msg
        assert self.URL in run.result["diff"][0]["after"]


class TestExpectations:
    @pytest.mark.parametrize("validate", [True, False])
    def test_mistakes_are_errors_before_any_request(self, service: Service, validate: bool) -> None:
        run = service.run("audit", expectations=[{"expect": {"whatsap_connected": True}}], validate_only=validate)
        assert run.failed
        assert run.msg.startswith("expectation 1: ")
        assert "whatsapp_connected" in run.msg
        assert service.emulator.requests == []

    def test_they_are_required(self, service: Service) -> None:
        assert "one of the following is required: expectations, expectations_file" in service.run("audit").msg

    def test_validation_needs_no_account(self, service: Service) -> None:
        expectations = [
            *CONNECTED,
            {"match": {"id": ["A1", "A2"]}, "expect": {"webhooks": {"received": "http://a.example/?k=s3cr3t"}}},
        ]
        run = service.run("audit", partner_token=None, validate_only=True, expectations=expectations)
        assert (
            run.msg == "2 expectations, no mistakes: declare whatsapp_connected, webhooks.received; 2 instances named by ID or name"
        )
        assert run.result["declared"] == {
            "expectations": 2,
            "attributes": ["whatsapp_connected", "webhooks.received"],
            "instances_named": 2,
        }
        assert len(run.warnings) == 1
        assert "s3cr3t" not in run.printed
        assert service.emulator.requests == []

    def test_validation_refuses_urls_that_the_same_expectation_forbids(self, service: Service) -> None:
        expectations = [{"expect": {"webhook_hosts": ["other.example.com"], "webhooks": {"received": RECEIVED}}}]
        run = service.run("audit", validate_only=True, expectations=expectations)
        assert run.failed
        assert run.msg == "expectation 1: webhooks.received posts to hooks.example.com, which its webhook_hosts forbid"
        assert not service.run("audit", expectations=expectations, fail_on_drift=False).failed
