# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the module instance_adopt returns, writes and fails with. How it finds what it says, test__adoption tells."""

from __future__ import annotations

import stat
import typing as t

import pytest
import yaml

from ansible_collections.zapi.zapi.plugins.modules.instance_adopt import main
from ansible_collections.zapi.zapi.tests.emulator.fleet import ME
from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.unit.support import (
    INSTANCE_TOKEN,
    PARTNER_TOKEN,
    TOLD_SETTINGS,
    PagedApi,
    assert_fit_for_users,
    honest,
    make_row,
)

if t.TYPE_CHECKING:
    from pathlib import Path

Run = t.Callable[..., t.Any]

HOOK = "https://hooks.example.com/{id}"
OTHERS = ["received_and_delivery", "delivery", "message_status", "presence_chat", "connected", "disconnected", "received_status"]
NOTHING = dict.fromkeys(OTHERS)
WHOLE = {"expect": {"webhook_hosts": ["hooks.example.com"], "webhooks": {"received": HOOK, **NOTHING}}}


def shop(number: int, /, url: str = HOOK, **fields: t.Any) -> dict[str, t.Any]:
    """A row of a fleet in which all post to a URL with their own id."""
    row = make_row(number, **fields)
    return {**row, "receivedCallbackUrl": url.replace("{id}", row["id"])}


def shops(count: int, **fields: t.Any) -> list[dict[str, t.Any]]:
    return [shop(number, **fields) for number in range(1, count + 1)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "expectations.yml"


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What modules warned of."""
    told: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.warn", lambda self, warning, **_: told.append(warning))
    return told


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[int], None]:
    """Set the time that the module sees, in seconds."""

    def set_to(seconds: int) -> None:
        monkeypatch.setattr("time.time", lambda: float(seconds))

    return set_to


# What it returns


def test_a_fleet_becomes_expectations(api: PagedApi, run_module: Run, warnings: list[str]) -> None:
    api.serve(honest([*shops(9), shop(10, "https://odd.example.net/x")]))
    result = run_module(main).result
    exception = {"webhook_hosts": ["odd.example.net"], "webhooks": {"received": "https://odd.example.net/x"}}
    assert result["expectations"] == [WHOLE, {"match": {"id": f"{10:032X}"}, "expect": exception}]
    assert result["summary"] == {"instances": 10, "items": 2, "secrets": 0}
    assert result["msg"] == "10 instances are described by 2 expectations"
    assert result["changed"] is False
    assert warnings == []


def test_one_is_told_as_one(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(shops(1)))
    assert run_module(main).message == "1 instance is described by 1 expectation"


def test_nothing_but_the_listing_is_asked(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(shops(150)))
    run_module(main)
    assert [(asked.page, asked.query) for asked in api.asked] == [(1, None), (2, None)]


def test_what_is_adopted_is_chosen(api: PagedApi, run_module: Run) -> None:
    api.serve(honest(shops(3, paymentStatus="LATE", whatsappConnected=False)))
    attributes = ["middleware", "payment_status", "whatsapp_connected", "phone_connected"]
    [item] = run_module(main, attributes=attributes).result["expectations"]
    assert item == {"expect": {"middleware": "web", "payment_status": "LATE", "whatsapp_connected": False, "phone_connected": True}}


def test_only_narrows_it_down(api: PagedApi, run_module: Run) -> None:
    api.serve(honest([*shops(5), shop(6, "https://odd.example.net/x", name="shop-1")]))
    result = run_module(main, only=["shop-1", f"{3:032X}"]).result
    assert result["summary"]["instances"] == 3
    assert {item["match"]["id"] for item in result["expectations"] if "match" in item} >= {f"{6:032X}"}
    outcome = run_module(main, only=["shop-1", "nobody", "shop-?"])
    assert outcome.failed
    assert outcome.message == "only names what no instance has as its ID or name: 'nobody', 'shop-?'"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"only": []}, "only is an empty list: leave it out"),
        ({"attributes": []}, "attributes is an empty list: leave it out"),
        ({"attributes": ["webhook"]}, "attributes"),
        ({"attributes": ["days_left"]}, "attributes"),
        ({"attributes": ["webhooks.received"]}, "attributes"),
        ({"dest": ""}, "dest is empty"),
        ({"dest": "/nowhere/at/all/x.yml"}, "dest: there is no directory /nowhere/at/all, make it first"),
        ({"dest": "/"}, "dest: / is a directory"),
        ({"partner_token": None}, "partner_token"),
    ],
)
def test_a_mistake_is_told_before_anything_is_asked(api: PagedApi, run_module: Run, options: dict[str, t.Any], words: str) -> None:
    outcome = run_module(main, **options)
    assert outcome.failed
    assert words in outcome.message
    assert_fit_for_users(outcome.message, request=None)
    assert api.asked == []


def test_an_empty_fleet_is_an_error_and_writes_nothing(api: PagedApi, run_module: Run, file: Path) -> None:
    for options in ({"dest": str(file)}, {"dest": str(file), "force": True}, {}):
        outcome = run_module(main, **options)
        assert outcome.failed
        assert outcome.message == "the fleet is empty: there is nothing to adopt"
        assert "expectations" not in outcome.result
    file.write_text("before")
    assert run_module(main, dest=str(file), force=True).failed
    assert file.read_text() == "before"


def test_a_failing_listing_writes_nothing(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(lambda asked: {"error": "Bearer abracadabra not allowed"})
    outcome = run_module(main, dest=str(file))
    assert outcome.failed
    assert_fit_for_users(outcome.message)
    assert not file.exists()


# What it writes


def test_the_file_holds_what_is_returned(api: PagedApi, run_module: Run, file: Path, clock: t.Any) -> None:
    clock(1_798_682_400)
    api.serve(honest([*shops(9), shop(10, "https://odd.example.net/x", name="Padaria Central")]))
    result = run_module(main, dest=str(file)).result
    text = file.read_text(encoding="utf-8")
    assert result["changed"] is True
    assert result["msg"] == f"10 instances are described by 2 expectations, in {file}"
    assert yaml.safe_load(text) == {"expectations": result["expectations"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    heading, _dashes, content = text.partition("---\n")
    assert heading.splitlines() == [
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/zapi/ansible-zapi/main/docs/schemas/expectations.json",
        "# Adopted at 2026-12-31T02:00:00Z by zapi.zapi.instance_adopt",
        "# Account: tenant acme at https://api.z-api.io",
        "# Instances: 10",
    ]
    assert 'id: "0000000000000000000000000000000A"  # Padaria Central\n' in content


def test_the_heading_says_what_was_narrowed_and_which_account_it_is(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest([*shops(3), *[shop(number, tenant="other") for number in (4, 5)]]))
    run_module(main, dest=str(file), middleware="web", query="shop", only=["shop-1", "shop-4"])
    heading = file.read_text().partition("---\n")[0]
    assert "# Account: https://api.z-api.io\n" in heading
    assert "# Instances: 2, a part of them (query, middleware, only)\n" in heading


def test_check_mode_reads_and_writes_nothing(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest(shops(3)))
    checked = run_module(main, dest=str(file), _ansible_check_mode=True).result
    assert not file.exists()
    written = run_module(main, dest=str(file)).result
    for key in ("changed", "expectations", "summary"):
        assert checked[key] == written[key]
    assert checked["msg"] == f"3 instances are described by 1 expectation; {file} would be written"
    assert written["msg"] == f"3 instances are described by 1 expectation, in {file}"
    before = file.stat()
    again = run_module(main, dest=str(file), force=True, _ansible_check_mode=True).result
    assert again["changed"] is False
    api.serve(honest(shops(4)))
    again = run_module(main, dest=str(file), force=True, _ansible_check_mode=True).result
    assert again["changed"] is True
    assert file.stat() == before
    assert run_module(main, dest=str(file), _ansible_check_mode=True).failed


def test_no_diff_is_told(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest(shops(3)))
    assert "diff" not in run_module(main, dest=str(file), _ansible_diff=True).result


def test_a_file_that_is_there_needs_force(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest(shops(3)))
    file.write_text("before")
    outcome = run_module(main, dest=str(file))
    assert outcome.failed
    assert outcome.message == f"dest: {file} is there already, and is not overwritten: name another file, or set force"
    assert (api.asked, file.read_text()) == ([], "before")
    assert run_module(main, dest=str(file), force=True).result["changed"] is True
    assert yaml.safe_load(file.read_text()) == {"expectations": [WHOLE]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_differs_in_its_date_only_stays(api: PagedApi, run_module: Run, file: Path, clock: t.Any) -> None:
    api.serve(honest(shops(3)))
    clock(1_798_682_400)
    run_module(main, dest=str(file))
    before = file.read_bytes()
    clock(1_798_682_400 + 86_400)
    assert run_module(main, dest=str(file), force=True).result["changed"] is False
    assert file.read_bytes() == before
    # Whose mode is another one, is not private: it is written anew.
    file.chmod(0o640)
    assert run_module(main, dest=str(file), force=True).result["changed"] is True
    assert b"2027-01-01" in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    api.serve(honest(shops(4)))
    assert run_module(main, dest=str(file), force=True).result["changed"] is True


def test_a_file_that_cannot_be_read_is_replaced(
    api: PagedApi, run_module: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: Path) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    api.serve(honest(shops(3)))
    run_module(main, dest=str(file))
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    assert run_module(main, dest=str(file), force=True).result["changed"] is True


def test_the_same_fleet_in_any_order_makes_the_same_file(api: PagedApi, run_module: Run, file: Path, clock: t.Any) -> None:
    clock(1_798_682_400)
    rows = [*shops(9), shop(10, "https://odd.example.net/x", name="")]
    api.serve(honest(rows))
    run_module(main, dest=str(file))
    before = file.read_bytes()
    api.serve(honest(rows[::-1]))
    run_module(main, dest=str(file.with_name("other.yml")))
    assert file.with_name("other.yml").read_bytes() == before


def test_a_relative_path_starts_where_the_module_runs(
    api: PagedApi, run_module: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.serve(honest(shops(3)))
    monkeypatch.chdir(file.parent)
    assert str(file) in run_module(main, dest=file.name).message
    assert file.exists()


def test_an_id_that_no_file_can_hold_is_told(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest([*shops(3), {**shop(4, "https://odd.example.net/x"), "id": "{{ evil }}"}]))
    outcome = run_module(main, dest=str(file))
    assert outcome.failed
    assert "the file cannot hold what Ansible could take for a template" in outcome.message
    assert not file.exists()
    assert run_module(main).result["expectations"][1]["match"] == {"id": "{{ evil }}"}


@pytest.mark.parametrize("name", ["{{ lookup('env', 'HOME') }}", "!unsafe x", "a\nb: [", "#", "'\"", "yes", "0123", "\u2028", "🍕"])
def test_a_hostile_name_is_a_comment_or_a_text(api: PagedApi, run_module: Run, file: Path, name: str) -> None:
    api.serve(
        honest(
            [
                *shops(9),
                *[shop(number, "https://odd.example.net/x", name=name) for number in range(10, 14)],
                shop(14, "https://odd.example.net/y", name=name),
            ]
        )
    )
    result = run_module(main, dest=str(file)).result
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {"expectations": result["expectations"]}
    assert {key for item in result["expectations"] for key in item.get("match", {})} == ({"id"} if "{{" in name else {"id", "name"})


# Secrets


def test_urls_are_whole_and_their_secrets_are_counted(api: PagedApi, run_module: Run, file: Path, warnings: list[str]) -> None:
    url = "https://ana:s3cr3t-of-ana@hooks.example.com/{id}?key=s3cr3t-of-the-hook"
    api.serve(honest([*shops(3, url=url), shop(4, "https://hooks.example.com/?key=another"), shop(5, "https://h/?id={id}")]))
    outcome = run_module(main, dest=str(file))
    assert outcome.result["expectations"][0]["expect"]["webhooks"]["received"] == url
    assert outcome.result["summary"]["secrets"] == 2
    assert outcome.message.endswith(f", in {file}; 2 URLs hold secrets: ansible-vault encrypt {file}")
    assert warnings == [f"2 URLs hold secrets in {file}: ansible-vault encrypt {file}"]
    assert yaml.safe_load(file.read_text()) == {"expectations": outcome.result["expectations"]}
    # Without a file, there is nothing to encrypt.
    outcome = run_module(main)
    assert outcome.message == "5 instances are described by 3 expectations; 2 URLs hold secrets"
    assert len(warnings) == 1
    api.serve(honest(shops(3, url=url)))
    assert run_module(main).message.endswith("; 1 URL holds a secret")


TOKEN = f"{INSTANCE_TOKEN}1"
PLACES: list[dict[str, t.Any]] = [
    {"name": f"shop {TOKEN}"},
    {"name": f"shop {PARTNER_TOKEN}"},
    {"receivedCallbackUrl": f"https://hooks.example.com/{TOKEN}/x"},
    {"receivedCallbackUrl": f"https://hooks.example.com/{PARTNER_TOKEN}"},
    {"receivedCallbackUrl": f"https://{TOKEN}.example.com/"},
    {"initialDataCallbackUrl": f"https://{TOKEN}.example.com/"},
    {"receivedCallbackUrl": "https://hooks.example.com/other-secret", "otherToken": "other-secret"},
    {"middleware": TOKEN},
    {"middleware": PARTNER_TOKEN},
    {"paymentStatus": PARTNER_TOKEN},
    {"tenant": TOKEN},
    {"tenant": PARTNER_TOKEN},
    {"callRejectMessage": f"call {TOKEN}"},
    {"callbackTypeFilters": [TOKEN]},
]


@pytest.mark.parametrize("alike", [1, 4], ids=["one", "a group"])
@pytest.mark.parametrize("fields", PLACES, ids=str)
def test_no_token_is_returned_or_written(
    api: PagedApi, run_module: Run, file: Path, fields: dict[str, t.Any], alike: int, warnings: list[str]
) -> None:
    """`run_module` looks for them in what is returned and printed."""
    odd = [{**shop(number, token=TOKEN), **TOLD_SETTINGS, "notifySentByMe": True, **fields} for number in range(1, alike + 1)]
    others = [shop(number, **TOLD_SETTINGS, notifySentByMe=True, tenant=fields.get("tenant", "acme")) for number in range(5, 8)]
    api.serve(honest([*odd, *others]))
    outcome = run_module(main, dest=str(file), attributes=["webhook_hosts", "webhooks", "settings", "middleware", "payment_status"])
    assert not outcome.failed, outcome.message
    text = file.read_text(encoding="utf-8")
    for secret in (INSTANCE_TOKEN, PARTNER_TOKEN, "other-secret"):
        assert secret not in text.lower()
        assert secret not in outcome.printed.lower()
        assert secret not in str(warnings)


# Settings, and a fleet without a partner token


def settings_told(**changed: t.Any) -> dict[str, t.Any]:
    return {**TOLD_SETTINGS, "receiveCallbackSentByMe": True, **changed}


def test_settings_are_asked_of_those_whose_listing_does_not_tell_them(run_module: Run) -> None:
    with Emulator(
        [*[{**row, ME: settings_told()} for row in shops(3)], {**shop(4), **settings_told(autoReadMessage=True)}],
        partner_token=PARTNER_TOKEN,
    ) as emulator:
        result = run_module(main, api_url=emulator.url, attributes=["settings"]).result
        asked = sorted(request["path"].split("/")[2] for request in emulator.requests if request["path"].endswith("/me"))
        assert asked == [f"{number:032X}" for number in (1, 2, 3)]
        assert run_module(main, api_url=emulator.url).result["summary"]["items"] == 1
        assert len([request for request in emulator.requests if request["path"].endswith("/me")]) == 3
    assert result["expectations"] == [
        {
            "expect": {
                "settings": {
                    "notify_sent_by_me": True,
                    "auto_read_message": False,
                    "auto_read_status": False,
                    "call_reject_auto": False,
                    "call_reject_message": None,
                    "muted_webhooks": [],
                    "muted_messages": [],
                }
            }
        },
        {"match": {"id": f"{4:032X}"}, "expect": {"settings": {"auto_read_message": True}}},
    ]


def given(*rows: dict[str, t.Any]) -> list[dict[str, str]]:
    return [{"id": row["id"], "token": row["token"]} for row in rows]


def test_a_fleet_without_a_partner_token(run_module: Run, file: Path) -> None:
    rows = shops(4, name="shop hocuspocus1")
    with Emulator([{**row, ME: settings_told()} for row in rows]) as emulator:
        options = {"partner_token": None, "credentials": given(*rows), "api_url": emulator.url}
        result = run_module(main, **options, dest=str(file), attributes=["webhook_hosts", "webhooks", "middleware"]).result
        assert {request["path"].rpartition("/")[2] for request in emulator.requests} == {"me", "status"}
        account = f"# Account: {emulator.url}\n"
    # Their own calls do not tell the type.
    assert result["expectations"] == [WHOLE]
    assert account in file.read_text().partition("---\n")[0]
    assert INSTANCE_TOKEN not in file.read_text()


@pytest.mark.parametrize("only", [None, [f"{1:032X}", f"{9:032X}"]])
def test_a_refused_credential_is_an_error_and_writes_nothing(run_module: Run, file: Path, only: list[str] | None) -> None:
    rows = shops(2)
    with Emulator(rows) as emulator:
        options = {"partner_token": None, "credentials": given(*rows, shop(9)), "api_url": emulator.url, "retries": 0}
        outcome = run_module(main, **options, dest=str(file), only=only)
    assert outcome.failed
    assert f"the server refuses 1 of {2 if only else 3} credentials, those of {9:032X}" in outcome.message
    assert_fit_for_users(outcome.message, request=None)
    assert not file.exists()


def test_one_that_is_not_asked_for_may_be_refused(run_module: Run) -> None:
    rows = shops(2)
    with Emulator(rows) as emulator:
        options = {"partner_token": None, "credentials": given(*rows, shop(9)), "api_url": emulator.url, "retries": 0}
        result = run_module(main, **options, only=[f"{1:032X}"]).result
    assert [item["match"] for item in result["expectations"]] == [{"id": f"{1:032X}"}]


def test_the_folder_is_left_as_it_was_but_for_the_file(api: PagedApi, run_module: Run, file: Path) -> None:
    api.serve(honest(shops(3)))
    run_module(main, dest=str(file))
    run_module(main, dest=str(file), force=True)
    assert list(file.parent.iterdir()) == [file]
