# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The module instance_adopt: what it returns, and the file that it writes."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from .conftest import Service, instance

if t.TYPE_CHECKING:
    from pathlib import Path

IDS = [f"{number:032X}" for number in (1, 2)]  # as Z-API's: an instance with such an ID can be searched for
SECRET_URL = "https://hooks.example.com/in/Zk3xQ9vT7mLp2RwY?token=s3cr3t"


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "fleet file.yml"


def test_a_file_that_the_fleet_meets(service: Service, dest: Path) -> None:
    run = service.run("adopt", dest=str(dest))
    assert run.msg == f"3 instances are described by 1 expectation, in {dest}"
    assert run.result["changed"] is True
    assert run.result["summary"] == {"instances": 3, "expectations": 1, "secrets": 0}
    assert run.warnings == []
    assert yaml.safe_load(dest.read_text())["expectations"] == run.result["expectations"]
    assert run.result["expectations"][0]["expect"]["webhooks"]["received"] == "https://hooks.example.com/{id}"
    assert service.run("audit", expectations=run.result["expectations"], unmanaged="drift").result["drift"] == []


def test_the_heading_says_when_how_many_and_which_account(service: Service, dest: Path) -> None:
    service.run("adopt", dest=str(dest), query="Loja", only=["A1", "A2"])
    lines = dest.read_text().splitlines()
    assert lines[1].startswith("# Adopted at 20")
    assert lines[1].endswith("Z by zapi.zapi.instance_adopt")
    assert lines[2:5] == [
        f'# Account: tenant "acme" at {service.emulator.url}',
        "# Instances: 2, a part of them (query, only)",
        "---",
    ]


def test_the_account_in_the_heading_is_no_directive(service: Service, dest: Path) -> None:
    service.emulator.replace_fleet([instance(1, tenant='a" vim: set ft=sh: # yamllint disable')])
    service.run("adopt", dest=str(dest))
    assert f'# Account: tenant "a vim set ft=sh yamllint disable" at {service.emulator.url}' in dest.read_text().splitlines()


@pytest.mark.parametrize("only", ["Loja 1", IDS[0]])
def test_a_part_of_the_fleet_with_the_token_of_another_instance(service: Service, dest: Path, only: str) -> None:
    one, other = (instance(number, id=identity) for number, identity in enumerate(IDS, start=1))
    service.emulator.replace_fleet([{**one, "receivedCallbackUrl": f"https://hooks.example.com/?t={other['token']}"}, other])
    run = service.run("adopt", dest=str(dest), only=[only])
    assert run.result["summary"]["instances"] == 1
    assert other["token"] not in dest.read_text() + str(run.result)


def test_without_a_file(service: Service) -> None:
    run = service.run("adopt", attributes=["webhooks", "settings"], only=["Loja 1"])
    assert run.result["changed"] is False
    assert run.msg == "1 instance is described by 1 expectation"
    assert run.result["expectations"][0]["expect"]["settings"]["notify_sent_by_me"] is True
    assert service.calls == [("A1", "me")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": []}, "attributes is an empty list: leave it out to adopt webhook_hosts and webhooks"),
        ({"only": [""]}, "only: entry 1 is empty: remove it, or write an ID or a name"),
        ({"only": ["loja 1"]}, 'only: no instance has the ID or name "loja 1"; the nearest name is "Loja 1"'),
        ({"dest": " "}, "dest is empty: set it to the name of a file, or leave it out"),
        ({"dest": "/tmp/"}, "dest: /tmp/ names a directory: add the name of a file"),
    ],
)
def test_refusals(service: Service, options: dict, message: str) -> None:
    run = service.run("adopt", **options)
    assert run.failed
    assert run.msg == message


def test_an_empty_fleet(service: Service) -> None:
    service.emulator.replace_fleet([])
    assert service.run("adopt").msg == "the fleet is empty: there is nothing to adopt"


class TestFile:
    def test_an_existing_one_stays_without_force(self, service: Service, dest: Path) -> None:
        dest.write_text("before")
        run = service.run("adopt", dest=str(dest))
        assert run.msg == f"dest: {dest} already exists and is not overwritten: use another name, or set force"
        assert service.emulator.requests == []
        assert service.run("adopt", dest=str(dest), force=True).result["changed"] is True

    def test_one_that_differs_in_its_date_stays_as_it_is(self, service: Service, dest: Path) -> None:
        service.run("adopt", dest=str(dest))
        text = dest.read_text().replace("# Adopted at 2", "# Adopted at 1")
        dest.write_text(text)
        run = service.run("adopt", dest=str(dest), force=True)
        assert run.result["changed"] is False
        assert dest.read_text() == text
        dest.chmod(0o644)  # others can read it
        assert service.run("adopt", dest=str(dest), force=True).result["changed"] is True
        assert dest.stat().st_mode & 0o777 == 0o600

    def test_check_mode_writes_nothing(self, service: Service, dest: Path) -> None:
        run = service.run("adopt", dest=str(dest), check=True)
        assert run.result["changed"] is True
        assert run.msg.endswith(f"; {dest} would be written")
        assert not dest.exists()


class TestSecrets:
    @pytest.fixture(autouse=True)
    def _fleet(self, service: Service) -> None:
        fields: list[dict[str, t.Any]] = [{}, {}, {"receivedCallbackUrl": SECRET_URL}]
        service.emulator.replace_fleet([instance(number, **one) for number, one in enumerate(fields, start=1)])

    def test_keep(self, service: Service, dest: Path) -> None:
        run = service.run("adopt", dest=str(dest))
        text = (
            f"1 URL in {dest} contains a secret: before you commit it, encrypt the file (ansible-vault encrypt '{dest}'), "
            "or adopt with secrets: any (in the playbook: -e zapi_secrets=any)"
        )
        assert run.warnings == [text]
        assert text not in run.msg  # it would be printed twice
        assert SECRET_URL in dest.read_text()

    def test_any(self, service: Service, dest: Path) -> None:
        run = service.run("adopt", dest=str(dest), secrets="any")
        assert run.warnings == []
        assert "s3cr3t" not in run.printed + dest.read_text()
        assert "https://hooks.example.com/in/{any}?token={any}" in dest.read_text()
        assert run.msg.splitlines()[1:] == [
            "no secret was recognized in these hosts and paths: review them before you commit the file",
            "- hooks.example.com/{id}",
        ]
        assert service.run("audit", expectations=run.result["expectations"], unmanaged="drift").result["drift"] == []

    def test_any_leaves_other_query_values(self, service: Service, dest: Path) -> None:
        service.emulator.replace_fleet([instance(1, receivedCallbackUrl=f"{SECRET_URL}&v=2"), instance(2), instance(3)])
        run = service.run("adopt", dest=str(dest), secrets="any")
        assert "https://hooks.example.com/in/{any}?token={any}&v=2" in dest.read_text()
        assert "1 URL in" in run.warnings[0]
        assert "has a query value in which no secret was recognized: review the file before you commit it" in run.warnings[0]

    def test_no_token_is_in_the_file(self, service: Service, dest: Path) -> None:
        url = "https://hooks.example.com/token-of-A1"
        service.emulator.replace_fleet([instance(1, name="token-of-A1", receivedCallbackUrl=url), instance(2), instance(3)])
        service.run("adopt", dest=str(dest))
        assert "token-of-" not in dest.read_text()

    def test_rejected_credentials_fail(self, service: Service) -> None:
        credentials = [{"id": "A1", "token": "token-of-A1"}, {"id": "A2", "token": "token-of-B2"}]
        assert "the server rejects 1 of 2 credentials: A2" in service.run("adopt", partner_token=None, credentials=credentials).msg
