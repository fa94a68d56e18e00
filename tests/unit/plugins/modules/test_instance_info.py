# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The module instance_info, and what all modules share: options, errors and masked results."""

from __future__ import annotations

import json
import typing as t

import pytest

from .conftest import PARTNER_TOKEN, Service, instance


def test_the_whole_fleet(service: Service) -> None:
    run = service.run("info")
    assert run.result["total"] == 3
    assert [one["name"] for one in run.result["instances"]] == ["Loja 1", "Loja 2", "Loja 3"]
    assert run.result["changed"] is False
    assert service.calls == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"id": "A2"}, ["A2"]),
        ({"id": "a2"}, []),
        ({"name": "Loja 3"}, ["A3"]),
        ({"name": "Loja"}, []),
        ({"id": "A2", "name": "Loja 3"}, []),
        ({"query": "loja 1"}, ["A1"]),
        ({"middleware": "mobile"}, []),
    ],
)
def test_a_part_of_the_fleet(service: Service, options: dict, found: list[str]) -> None:
    assert [one["id"] for one in service.run("info", **options).result["instances"]] == found


def test_names_are_compared_whatever_the_keyboard_does(service: Service) -> None:
    service.emulator.replace_fleet([instance(1, name="Sa\u0303o Paulo"), instance(2)])
    assert service.run("info", name="S\u00e3o Paulo").result["total"] == 1


def test_the_token_only_if_it_is_wanted(service: Service) -> None:
    run = service.run("info", include_token=True, shows_tokens=True)
    assert [one["token"] for one in run.result["instances"]] == ["token-of-A1", "token-of-A2", "token-of-A3"]


def test_settings_if_they_are_wanted(service: Service) -> None:
    (found,) = service.run("info", id="A1").result["instances"]
    assert found["settings"]["muted_messages"] is None
    assert "settings.muted_messages" in found["unknown"]
    service.emulator.clear_requests()
    (found,) = service.run("info", id="A1", include_settings=True).result["instances"]
    assert found["settings"]["muted_messages"] == []
    assert service.calls == [("A1", "me")]


def test_other_fields_are_extra_without_secrets(service: Service) -> None:
    service.emulator.replace_fleet(
        [instance(1, sessionName="a", webhookSecret="b", proxyUrl="socks5://user:pass@proxy.example.com")]
    )
    (found,) = service.run("info").result["instances"]
    assert found["extra"] == {"session_name": "a", "proxy_url": "socks5://***@proxy.example.com"}


class TestCredentials:
    def test_instances_are_read_by_their_own_calls(self, service: Service) -> None:
        service.emulator.change_instance("A2", whatsappConnected=False, phoneConnected=False)
        credentials = [{"id": f"A{number}", "token": f"token-of-A{number}"} for number in (2, 1)]
        run = service.run("info", partner_token=None, credentials=credentials)
        assert [(one["id"], one["problem"]) for one in run.result["instances"]] == [("A2", "scan_qr_code"), ("A1", None)]
        assert run.result["instances"][0]["settings"]["notify_sent_by_me"] is True

    def test_all_rejected_ones_are_named(self, service: Service) -> None:
        credentials = [{"id": f"A{number}", "token": f"token-of-B{number}"} for number in (1, 2)]
        credentials.append({"id": "A3", "token": "token-of-A3"})
        run = service.run("info", partner_token=None, credentials=credentials)
        assert run.failed
        assert run.msg.startswith(
            "the server rejects 2 of 3 credentials: A1, A2; the first: GET /instances/A1/me was answered with status 404"
        )

    @pytest.mark.parametrize(
        "credentials",
        [
            "token-of-A1",
            {"token-of-A1": "A1"},
            [{"id": "A1", "tokn": "token-of-A1"}],
            [["A1", "token-of-A1"]],
            [{"token": "token-of-A1"}],
        ],
    )
    def test_an_invalid_list_is_not_repeated(self, service: Service, credentials: object) -> None:
        run = service.run("info", partner_token=None, credentials=credentials)
        assert run.failed
        assert run.msg.startswith("credentials")
        assert run.result["invocation"]["module_args"]["credentials"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class TestOptions:
    def test_a_token_is_needed(self, service: Service) -> None:
        run = service.run("info", partner_token=None)
        assert run.failed
        assert run.msg.startswith("partner_token is missing")

    @pytest.mark.parametrize("variable", ["ZAPI_PARTNER_TOKEN", "ZAPI_API_URL"])
    def test_the_environment(self, service: Service, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        monkeypatch.setenv("ZAPI_PARTNER_TOKEN", PARTNER_TOKEN)
        monkeypatch.setenv("ZAPI_API_URL", service.emulator.url)
        option = {"ZAPI_PARTNER_TOKEN": "partner_token", "ZAPI_API_URL": "api_url"}[variable]
        assert service.run("info", **t.cast("dict[str, t.Any]", {option: None})).result["total"] == 3

    def test_a_misspelt_option_is_not_repeated(self, service: Service) -> None:
        run = service.run("info", partner_tokn="s3cr3t-and-long")
        assert run.failed
        assert "partner_tokn" in run.msg
        assert "s3cr3t" not in run.printed

    def test_a_value_that_ansible_refuses_is_masked_in_all_others(self, service: Service) -> None:
        run = service.run(
            "audit", retries="many", expectations=[{"expect": {"https://a.example/?key=s3cr3t": "https://b.example/?key=s3cr3t"}}]
        )
        assert run.failed
        assert "retries" in run.msg
        assert "s3cr3t" not in run.printed

    def test_the_invocation(self, service: Service) -> None:
        shown = service.run("info", client_token="the-client-token").result["invocation"]["module_args"]
        assert shown["partner_token"] == shown["client_token"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
        assert shown["api_url"] == service.emulator.url
        assert shown["page_size"] == 100

    def test_a_pasted_instance_call_is_not_repeated(self, service: Service) -> None:
        run = service.run("info", api_url="https://api.z-api.io/instances/A1/token/token-of-A1/me")
        assert run.failed
        assert run.msg.startswith("api_url contains an instance call")

    def test_an_error_of_the_server_is_one_line(self, service: Service) -> None:
        service.emulator.set_faults([{"kind": "status", "code": 401, "echo_token": True}])
        run = service.run("info")
        assert run.failed
        assert run.msg.startswith("GET /instances was answered with status 401")
        assert "\n" not in run.msg

    def test_short_words_stay_readable(self, service: Service) -> None:
        service.emulator.replace_fleet([instance(1, name="true 100 A1")])
        run = service.run(
            "audit", expectations=[{"match": {"name": "true 100 A1"}, "expect": {"phone_connected": False}}], fail_on_drift=False
        )
        assert run.result["drift"][0]["name"] == "true 100 A1"
        assert json.loads(json.dumps(run.result["invocation"]))["module_args"]["expectations"][0]["match"] == {
            "name": "true 100 A1"
        }
