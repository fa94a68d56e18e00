# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The fleet as hosts and groups, through Ansible's own commands."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from ansible_collections.zapi.zapi.tests.emulator.zapi_emulator import Emulator
from ansible_collections.zapi.zapi.tests.integration.conftest import plain

CORE = tuple(map(int, version("ansible-core").split(".")[:2]))
PIPE = "{{ lookup('ansible.builtin.pipe', 'echo templated > TOUCHED') }}"
HOSTILE = [
    "",
    "all",
    "ungrouped",
    "zapi",
    "localhost",
    "127.0.0.1",
    "disconnected",
    "payment_PAID",
    "a b\tc\nd",
    "x,y:z&!~*?[1:3]",
    "../../etc/passwd",
    "@file",
    "Padaria Pão 🥖",
    "{{ 1 + 1 }}",
    PIPE,
    "{% raw %}",
    "True",
    "[1, 2]",
    "same",
    "same",
    "same_H18",
]


def serve(workplace, stack, rows, **options):
    emulator = stack(Emulator(rows, **options))
    workplace.environment.update(ZAPI_API_URL=emulator.url, ZAPI_PARTNER_TOKEN=emulator.partner_token)
    return emulator


@pytest.fixture
def stack():
    with contextlib.ExitStack() as entered:
        yield entered.enter_context


def fleet(names, **fields):
    return [{"id": f"H{number}", "name": name, "token": f"tok-{number}", **fields} for number, name in enumerate(names)]


def test_no_instance_is_lost_whatever_its_name(workplace, stack):
    rows = fleet(HOSTILE, paymentStatus="PAID", whatsappConnected=False)
    serve(workplace, stack, rows)
    options = {
        "groups": {"disconnected": "not zapi_whatsapp_connected"},
        "keyed_groups": [{"key": "zapi_payment_status", "prefix": "payment"}],
    }
    outcome, hosts, groups = workplace.inventory(options, "-v")
    assert outcome.status == 0, outcome.output
    assert {variables["zapi_id"]: variables["zapi_name"] for variables in hosts.values()} == {
        row["id"]: row["name"] for row in rows
    }
    assert groups["zapi"] == groups["disconnected"] == groups["payment_PAID"] == set(hosts)
    names = {variables["zapi_id"]: host for host, variables in hosts.items()}
    expected = {
        0: "H0",
        1: "all_H1",
        2: "ungrouped_H2",
        3: "zapi_H3",
        4: "localhost_H4",
        5: "127.0.0.1_H5",
        6: "disconnected_H6",
        7: "payment_PAID_H7",
        8: "a_b_c_d",
        9: "x_y_z______1_3_",
        10: ".._.._etc_passwd",
        11: "_file",
        12: "Padaria_Pão_🥖",
        13: "___1_+_1___",
        16: "True",
        17: "_1__2_",
        18: "same_H18",
        19: "same_H19",
        20: "same_H18_H20",
    }
    # The name of H20 is the one that H18 gets, so both get their IDs.
    expected[18] = names["H18"]
    assert {number: names[f"H{number}"] for number in expected} == expected
    assert len({names["H18"], names["H19"], names["H20"]}) == 3
    assert "zapi.zapi.instances: the host all_H1 is not named all" in outcome.output
    assert not list(workplace.folder.rglob("TOUCHED"))


def test_names_with_braces_reach_a_playbook_as_text(workplace, stack):
    serve(workplace, stack, fleet([PIPE, "{{ 1 + 1 }}", "{% if %}"]))
    workplace.write(
        "fleet.zapi.yml",
        yaml.safe_dump({"plugin": "zapi.zapi.instances", "compose": {"composed": "zapi_name ~ '!'", "bare": "zapi_name"}}),
    )
    tasks = [
        {"ansible.builtin.debug": {"msg": "{{ zapi_name }}"}, "register": "shown"},
        {
            "ansible.builtin.copy": {
                "content": "{{ [zapi_name, composed, bare, shown.msg] | to_json }}",
                "dest": f"{workplace.folder}/{{{{ zapi_id }}}}.json",
            }
        },
    ]
    workplace.write("data.yml", yaml.safe_dump([{"hosts": "zapi", "gather_facts": False, "tasks": tasks}]))
    outcome = workplace.run("ansible-playbook", "-i", "fleet.zapi.yml", "data.yml")
    assert outcome.status == 0, outcome.output
    for identity, name in (("H0", PIPE), ("H1", "{{ 1 + 1 }}"), ("H2", "{% if %}")):
        assert json.loads((workplace.folder / f"{identity}.json").read_text(encoding="utf-8")) == [name, f"{name}!", name, name]
    assert not list(workplace.folder.rglob("TOUCHED"))


# From ansible-core 2.19 on, templates are always native.
NATIVE = pytest.mark.skipif(CORE >= (2, 19), reason="this ansible-core knows no other templates than native ones")
ODD_ROWS = fleet(
    ["plain", "", "True", "[1, 2]", "{'a': 1}", "12", "é 1", "none", "x"],
    paymentStatus="PAID",
    whatsappConnected=True,
    tenant="acme",
    due=3,
    receivedCallbackUrl="https://h/",
    env="prod",
    empty="",
    n=1,
)
ODD_ROWS[1].update(whatsappConnected=None, paymentStatus="", due=0)
ODD_ROWS[2].update(whatsappConnected=False, paymentStatus="a b-c")
for odd_row in ODD_ROWS:
    # Up to ansible-core 2.18 the template engine makes a boolean of "True", which cannot name a group of keyed_groups.
    odd_row["middleware"] = odd_row["name"].replace("True", "Truly").replace("12", "dozen")
GROUPS = {
    "up": "zapi_whatsapp_connected",
    "down": "not zapi_whatsapp_connected",
    "named": "zapi_name",
    "nameless": " not  zapi_name ",
    "paid": "zapi_payment_status == 'PAID'",
    "unknown": "zapi_no_such_variable",
    "not_unknown": "not zapi_no_such_variable",
    "light": "not zapi_due_timestamp",
    "mapped": "zapi_extra",
}
KEYED = [
    {"key": "zapi_payment_status", "prefix": "p", "separator": "-"},
    {"key": "zapi_payment_status", "prefix": "d", "default_value": "none"},
    {"key": "zapi_middleware"},
    {"key": "zapi_extra", "prefix": "extra", "trailing_separator": False},
    {"key": "zapi_extra", "prefix": "extra_default", "default_value": "fallback"},
    {"key": "zapi_unknown", "prefix": "label", "parent_group": "labels"},
    {"key": "zapi_middleware | default('web')", "prefix": "mw", "parent_group": "{{ zapi_id }}_parent"},
    {"key": "zapi_tenant", "prefix": "", "separator": "", "parent_group": "of_{{ zapi_tenant }}"},
    {"key": "zapi_problem", "prefix": "null"},
    {"key": "zapi_no_such_variable", "prefix": "undefined"},
    {"key": "inventory_hostname", "prefix": "host"},
    {"key": "bare_status", "prefix": "composed"},
]
COMPOSE = {
    "bare_status": "zapi_payment_status",
    "upper": "zapi_name | upper",
    "hooks": "zapi_webhooks",
    "connected": "zapi_whatsapp_connected",
    "negated": "not zapi_whatsapp_connected",
    "negated_name": "not zapi_name",
    "null": "zapi_problem",
    "weight": "zapi_due_timestamp",
    "ratio": "zapi_settings",
    "labels": "zapi_unknown",
    "extra": "zapi_extra",
    "name_copy": " zapi_name ",
    "undefined": "zapi_no_such_variable",
    "zapi_created": "'overwritten'",
    "ansible_connection": "'ssh'",
}


@pytest.mark.parametrize("leading_separator", [True, False])
@pytest.mark.parametrize("native", ["0", pytest.param("1", marks=NATIVE)])
def test_groups_and_composed_variables_are_those_of_ansible_core(workplace, stack, leading_separator, native):
    serve(workplace, stack, ODD_ROWS)
    # With ids as hostnames, since hosts that bear a group's name are renamed.
    construct = {
        "compose": COMPOSE,
        "groups": GROUPS,
        "keyed_groups": KEYED,
        "leading_separator": leading_separator,
        "strict": False,
    }
    environment = {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "silently"}
    if CORE < (2, 19):
        environment["ANSIBLE_JINJA2_NATIVE"] = native
    _outcome, ours, our_groups = workplace.inventory({"hostnames": ["id"], **construct}, **environment)
    assert len(ours) == len(ODD_ROWS)

    workplace.write("1.zapi.yml", "{plugin: zapi.zapi.instances, hostnames: [id]}")
    workplace.write("2.constructed.yml", yaml.safe_dump({"plugin": "ansible.builtin.constructed", **construct}))
    outcome = workplace.run("ansible-inventory", "-i", "1.zapi.yml", "-i", "2.constructed.yml", "--list", **environment)
    core = json.loads(outcome.stdout, object_hook=plain)
    theirs = core.pop("_meta")["hostvars"]
    assert ours == theirs
    assert {name: set(group.get("hosts", [])) for name, group in core.items()} == our_groups
    assert len(our_groups) > 20


def test_parents_are_those_of_ansible_core(workplace, stack):
    serve(workplace, stack, ODD_ROWS)
    construct = {"keyed_groups": KEYED}
    workplace.write("1.zapi.yml", "{plugin: zapi.zapi.instances, hostnames: [id]}")
    workplace.write("2.constructed.yml", yaml.safe_dump({"plugin": "ansible.builtin.constructed", **construct}))
    workplace.write("one.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances", "hostnames": ["id"], **construct}))
    environment = {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "silently"}
    graphs = [
        workplace.run("ansible-inventory", *sources, "--graph", **environment).stdout
        for sources in (("-i", "one.zapi.yml"), ("-i", "1.zapi.yml", "-i", "2.constructed.yml"))
    ]
    assert sorted(graphs[0].splitlines()) == sorted(graphs[1].splitlines())
    assert "@of_acme:" in graphs[0]


STRICT = [
    ({"compose": {"x": "zapi_no_such_variable"}}, "Could not set x for host"),
    ({"groups": {"x": "zapi_no_such_variable"}}, "Could not add host"),
    ({"keyed_groups": [{"key": "zapi_nothing_at_all"}]}, "Could not generate group for host"),
    ({"keyed_groups": [{"key": "zapi_payment_status"}]}, "No key or key resulted empty for zapi_payment_status"),
]


def sources(workplace, every_options):
    """Write a source for each of the options, and return the arguments that name them all."""
    arguments = []
    for number, options in enumerate(every_options):
        arguments += ["-i", workplace.write(f"{number}.zapi.yml", {"plugin": "zapi.zapi.instances", **options})]
    return arguments


def test_a_strict_expression_that_fails_leaves_no_half_fleet(workplace, stack):
    rows = fleet(["a", "b"], paymentStatus="PAID")
    rows[1]["paymentStatus"] = ""
    serve(workplace, stack, rows)
    arguments = sources(workplace, [{**construct, "strict": True} for construct, _message in STRICT])
    outcome = workplace.run("ansible-inventory", *arguments, "--list")
    assert outcome.status == 0
    assert not [message for _construct, message in STRICT if message not in outcome.words]
    assert "Traceback" not in outcome.output
    assert json.loads(outcome.stdout)["_meta"]["hostvars"] == {}


def test_composed_variables_that_replace_our_own_are_used_by_groups(workplace, stack):
    serve(workplace, stack, fleet(["a"], paymentStatus="PAID"))
    construct = {"compose": {"zapi_payment_status": "'composed'"}, "keyed_groups": [{"key": "zapi_payment_status", "prefix": "p"}]}
    _outcome, _hosts, groups = workplace.inventory(construct)
    assert "p_composed" in groups


def test_extra_variables_win_only_with_use_extra_vars(workplace, stack):
    serve(workplace, stack, fleet(["a"], paymentStatus="PAID"))
    keyed = {"keyed_groups": [{"key": "zapi_payment_status", "prefix": "p"}]}
    _outcome, _hosts, groups = workplace.inventory(keyed, "-e", "zapi_payment_status=extra")
    assert "p_PAID" in groups
    _outcome, _hosts, groups = workplace.inventory({**keyed, "use_extra_vars": True}, "-e", "zapi_payment_status=extra")
    assert "p_extra" in groups


def test_a_host_that_bears_the_name_of_a_group_that_another_host_makes(workplace, stack):
    rows = fleet(["first", "PAID", "TRIAL", "last"], paymentStatus="PAID")
    rows[3]["paymentStatus"] = "TRIAL"
    serve(workplace, stack, rows)
    outcome, hosts, groups = workplace.inventory({"keyed_groups": [{"key": "zapi_payment_status", "prefix": "", "separator": ""}]})
    assert set(hosts) == {"first", "PAID_H1", "TRIAL_H2", "last"}
    assert groups["PAID"] == {"first", "PAID_H1", "TRIAL_H2"}
    assert groups["TRIAL"] == {"last"}
    assert "same name" not in outcome.output


def test_customers_who_name_groups_empty_no_inventory(workplace, stack):
    # "True" is a boolean to templates of ansible-core up to 2.18; "shops" would be its own parent.
    names = ["first", "shops", "True", "zapi", "first_H0", "[1, 2]", "last"]
    serve(workplace, stack, fleet(names))
    keyed = {"keyed_groups": [{"key": "zapi_name", "prefix": "", "separator": "", "parent_group": "shops"}]}
    outcome, hosts, groups = workplace.inventory(keyed)
    assert outcome.status == 0, outcome.output
    assert sorted(variables["zapi_name"] for variables in hosts.values()) == sorted(names)
    assert set(hosts).isdisjoint(groups)
    # Each is counted once, also if it was renamed afterwards.
    assert f"for {1 if CORE >= (2, 19) else 2} hosts the value of zapi_name is not a valid name" in outcome.words
    _outcome, hosts, _groups = workplace.inventory({**keyed, "strict": True})
    assert hosts == {}


def test_groups_of_every_host_s_name_are_refused(workplace, stack):
    serve(workplace, stack, fleet(["a", "b"]))
    outcome, hosts, _groups = workplace.inventory({"keyed_groups": [{"key": "inventory_hostname", "prefix": "", "separator": ""}]})
    assert hosts == {}
    assert "set a prefix" in outcome.words


def test_hostnames_prefix_group_and_connection_can_be_chosen(workplace, stack):
    serve(workplace, stack, fleet(["a", "b"], tenant="s 1"))
    options = {"hostnames": ["tenant", "name"], "hostvars_prefix": "my_", "group": "shops", "local_connection": False}
    _outcome, hosts, groups = workplace.inventory(options)
    assert set(hosts) == groups["shops"] == {"s_1_H0", "s_1_H1"}
    assert hosts["s_1_H0"]["my_name"] == "a"
    assert "ansible_connection" not in hosts["s_1_H0"]
    _outcome, hosts, _groups = workplace.inventory({"compose": {"ansible_connection": "'ssh'"}})
    assert hosts["a"]["ansible_connection"] == "ssh"
    assert Path(hosts["a"]["ansible_python_interpreter"]).parent == Path(sys.executable).parent


WRONG = [
    ({"hostvars_prefix": "1-"}, "hostvars_prefix: no variable can have a name that begins with"),
    ({"hostvars_prefix": "Ansible_"}, "hostvars_prefix must not be Ansible_"),
    ({"concurrency": 0}, "concurrency must be at least 1"),
    ({"page_size": "many"}, "page_size"),
    ({"middleware": "telnet"}, "middleware"),
    ({"partner_token": "wrong-token-of-somebody"}, "check partner_token"),
    ({"api_url": "http://127.0.0.1:9", "retries": 0}, "cannot connect to 127.0.0.1:9"),
    ({"query": None}, "query is null"),
    ({"partner_token": "{{ no_such_variable }}"}, "partner_token uses a variable that is not defined: no_such_variable"),
    (
        {"partner_token": "a-token", "credentials": [{"id": "A", "token": "another-token"}]},
        "both partner_token and credentials are set",
    ),
    (
        {"partner_tokn": "wrong-token-of-somebody"},
        "partner_tokn is not an option of zapi.zapi.instances; the nearest name is partner_token",
    ),
]


def test_a_wrong_option_is_one_clear_message(workplace, emulator):
    arguments = [*sources(workplace, [options for options, _message in WRONG]), "--list", "-vvv"]
    outcome = workplace.run("ansible-inventory", *arguments, "--output", "listed.json")
    assert not [message for _options, message in WRONG if message not in outcome.words]
    assert json.loads((workplace.folder / "listed.json").read_text(encoding="utf-8"))["_meta"]["hostvars"] == {}
    assert "Traceback" not in outcome.output
    assert "wrong-token-of-somebody" not in outcome.output
    assert emulator.partner_token not in outcome.output


def test_a_source_that_fails_fails_the_command_where_that_is_asked_for(workplace, emulator):
    outcome, hosts, _groups = workplace.inventory({"page_size": 0}, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1")
    assert outcome.status != 0
    assert hosts == {}


def test_a_missing_token_says_where_to_put_one(workplace, emulator):
    outcome, hosts, _groups = workplace.inventory({}, ZAPI_PARTNER_TOKEN="")
    assert hosts == {}
    assert "partner_token is empty" in outcome.words
    del workplace.environment["ZAPI_PARTNER_TOKEN"]
    outcome, hosts, _groups = workplace.inventory({})
    assert (
        "partner_token is missing: set the option, the variable zapi_partner_token or the environment variable ZAPI_PARTNER_TOKEN"
        in outcome.words
    )


def test_a_file_of_another_name_is_left_to_other_plugins_silently(workplace, emulator):
    workplace.environment["ANSIBLE_INVENTORY_ENABLED"] = "zapi.zapi.instances,ansible.builtin.yaml"
    source = workplace.write("hosts.yml", "all: {hosts: {a: {}}}\n")
    outcome = workplace.run("ansible-inventory", "-i", source, "--list")
    assert outcome.stderr.strip() == ""
    assert "a" in json.loads(outcome.stdout)["_meta"]["hostvars"] or "a" in outcome.stdout


def test_a_file_of_another_name_that_names_the_plugin_is_told_the_rule(workplace, emulator):
    for name in ("fleet.yml", "zapi.yml.yaml"):
        outcome, hosts, _groups = workplace.inventory({}, name=name)
        assert hosts == {}
        assert "the name of a file for this plugin must end with zapi.yml or zapi.yaml" in outcome.words
    outcome, _hosts, _groups = workplace.inventory({}, name="fleet.yml", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    assert outcome.status != 0


HOSTILE_FIELDS = {
    "ansibleConnection": "EVIL",
    "ansible_shell_executable": "EVIL",
    "zapiApiUrl": "EVIL",
    "environment": {"PATH": "EVIL"},
}


def test_a_field_of_the_api_is_not_a_variable_of_its_own(workplace, stack):
    serve(workplace, stack, fleet(["a"], proxyUrl="socks5://user:OpenSesame@proxy.example.com:1080", **HOSTILE_FIELDS))
    for prefix in ("", "zapi_"):
        outcome, hosts, _groups = workplace.inventory({"hostvars_prefix": prefix})
        assert hosts["a"]["ansible_connection"] == "local"
        assert [name for name, value in hosts["a"].items() if "EVIL" in str(value)] == [f"{prefix}extra"]
        assert hosts["a"][f"{prefix}extra"]["proxy_url"] == "socks5://***@proxy.example.com:1080"
        assert "OpenSesame" not in (workplace.folder / "listed.json").read_text() + outcome.output


def test_an_instance_becomes_no_host_that_another_source_made_before(workplace, stack):
    rows = fleet(["db-prod-1", "mine", "shop", "by_id"])
    serve(workplace, stack, rows)
    workplace.write("fleet/10-servers.yml", yaml.safe_dump({"all": {"hosts": {
        "db-prod-1": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"},
        "mine": {"zapi_id": "H1"},
        "later": {},
    }}}))  # fmt: skip
    workplace.write("fleet/20-first.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances"}))
    workplace.write("fleet/30-again.zapi.yml", yaml.safe_dump({"plugin": "zapi.zapi.instances"}))
    outcome = workplace.run("ansible-inventory", "-i", "fleet", "--list", "-v", "--output", "listed.json")
    hosts = json.loads((workplace.folder / "listed.json").read_text(encoding="utf-8"), object_hook=plain)["_meta"]["hostvars"]
    assert hosts["db-prod-1"] == {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}
    assert hosts["mine"] == {"zapi_id": "H1"}  # not even where it is the same instance
    found = sorted(variables["zapi_id"] for variables in hosts.values() if "zapi_name" in variables)
    assert found == sorted(2 * [row["id"] for row in rows])
    assert {"db-prod-1_H0", "mine_H1", "shop", "shop_H2"} <= set(hosts)
    assert "the host db-prod-1_H0 is not named db-prod-1" in outcome.words


def test_a_fleet_that_is_loaded_last_touches_no_host(workplace, stack):
    serve(workplace, stack, fleet(["db-prod-1"]))
    workplace.write("hosts/servers.yml", "all: {hosts: {db-prod-1: {ansible_host: 192.0.2.1}}}\n")
    workplace.write("hosts/zz-fleet.zapi.yml", "plugin: zapi.zapi.instances\n")
    outcome = workplace.run("ansible-inventory", "-i", "hosts", "--list", "--output", "listed.json")
    assert outcome.status == 0, outcome.output
    hosts = json.loads((workplace.folder / "listed.json").read_text(encoding="utf-8"), object_hook=plain)["_meta"]["hostvars"]
    assert hosts.pop("db-prod-1") == {"ansible_host": "192.0.2.1"}
    assert set(hosts) == {"db-prod-1_H0"}


def test_names_that_leave_no_hostname_leave_one_after_all(workplace, stack):
    digest = hashlib.sha256(b"H0").hexdigest()
    names = ["shop", "shop", "shop_H0", *(f"shop_H0_{digest[:length]}" for length in range(8, 65))]
    names += [f"shop_H0_{digest}_{number}" for number in range(2, 40)]
    serve(workplace, stack, fleet(names))
    outcome, hosts, _groups = workplace.inventory({})
    assert outcome.status == 0, outcome.output
    assert "WARNING" not in outcome.output
    assert sorted(variables["zapi_name"] for variables in hosts.values()) == sorted(names)


def test_several_accounts_in_one_directory_lose_no_instance(workplace, stack):
    first = stack(Emulator([{"id": "A1", "name": "shop"}, {"id": "A2", "name": "only"}]))
    second = stack(Emulator([{"id": "B1", "name": "shop"}]))
    for name, emulator in (("acme", first), ("beta", second)):
        options = {"plugin": "zapi.zapi.instances", "api_url": emulator.url, "partner_token": emulator.partner_token, "group": name}
        workplace.write(f"fleet/{name}.zapi.yml", yaml.safe_dump(options))
    workplace.write("fleet/zz.yml", "all: {hosts: {only: {owner: ana}}}\n")
    outcome = workplace.run("ansible-inventory", "-i", "fleet", "--list")
    hosts = json.loads(outcome.stdout, object_hook=plain)["_meta"]["hostvars"]
    assert {host: variables["zapi_id"] for host, variables in hosts.items()} == {"shop": "A1", "only": "A2", "shop_B1": "B1"}
    assert hosts["only"]["owner"] == "ana"


CACHE = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache", "cache_timeout": 600}


def files(workplace):
    return sorted(path for path in (workplace.folder / "cache").iterdir() if path.is_file())


def test_the_cache_saves_requests_until_it_is_flushed(workplace, emulator):
    _outcome, listed, groups = workplace.inventory(CACHE)
    assert len(listed) == 23
    count = len(emulator.requests)
    _outcome, cached, cached_groups = workplace.inventory(CACHE)
    assert (cached, cached_groups) == (listed, groups)
    assert len(emulator.requests) == count
    emulator.replace_fleet(emulator.fleet[:5])
    workplace.write("hosts.yml", "[{hosts: all}]")
    flushed = workplace.run("ansible-playbook", "-i", "fleet.zapi.yml", "hosts.yml", "--list-hosts", "--flush-cache")
    assert "hosts (5)" in flushed.output
    _outcome, again, _groups = workplace.inventory(CACHE)
    assert len(again) == 5


def test_the_cache_holds_no_token_of_any_kind(workplace, emulator):
    workplace.inventory(CACHE)
    content = "".join(f"{path.name} {path.read_text(encoding='utf-8')}" for path in files(workplace))
    assert emulator.fleet[0]["id"] in content
    assert not [secret for secret in (emulator.partner_token, *(row["token"] for row in emulator.fleet)) if secret in content]


@pytest.mark.slow
def test_another_account_address_or_narrowing_is_another_cache_entry(workplace, stack):
    serve(workplace, stack, fleet(["a", "b"], middleware="web"))
    workplace.inventory(CACHE)
    _outcome, hosts, _groups = workplace.inventory({**CACHE, "query": "a"})
    assert set(hosts) == {"a"}
    _outcome, hosts, _groups = workplace.inventory({**CACHE, "middleware": "mobile"})
    assert hosts == {}
    serve(workplace, stack, fleet(["c"]))
    _outcome, hosts, _groups = workplace.inventory(CACHE)
    assert set(hosts) == {"c"}
    _outcome, hosts, _groups = workplace.inventory({**CACHE, "partner_token": "somebody-elses"})
    assert hosts == {}
    assert len(files(workplace)) == 4


def test_a_broken_or_foreign_cache_file_is_ignored_and_refreshed(workplace, emulator):
    workplace.inventory(CACHE)
    [path] = files(workplace)
    for content in ("{ broken", '["foreign"]', '[{"id": "A", "webhooks": {}, "token": "t"}]'):
        path.write_text(content, encoding="utf-8")
        outcome, hosts, _groups = workplace.inventory(CACHE)
        assert outcome.status == 0
        assert len(hosts) == 23
        refreshed = path.read_text(encoding="utf-8")
        assert len(json.loads(refreshed)) == 23 or "__payload__" in refreshed


def test_refresh_inventory_in_a_playbook_lists_anew(workplace, emulator):
    workplace.inventory(CACHE)
    emulator.replace_fleet(emulator.fleet[:5])
    tasks = [
        {"ansible.builtin.debug": {"msg": "before {{ groups.zapi | length }}"}},
        {"ansible.builtin.meta": "refresh_inventory"},
        {"ansible.builtin.debug": {"msg": "after {{ groups.zapi | length }}"}},
    ]
    outcome, _results = workplace.play(tasks, "-i", "fleet.zapi.yml")
    assert outcome.status == 0, outcome.output
    assert "before 23" in outcome.output
    assert "after 5" in outcome.output


def test_hosts_run_tasks_on_the_controller_with_its_own_python(workplace, emulator):
    workplace.write("fleet.zapi.yml", "plugin: zapi.zapi.instances\n")
    outcome = workplace.run("ansible", "-i", "fleet.zapi.yml", "zapi", "-m", "ansible.builtin.ping", "--limit", "zapi[0:1]")
    assert outcome.status == 0, outcome.output
    assert outcome.output.count('"ping": "pong"') == 2
    listed = workplace.run("ansible", "all", "-i", "fleet.zapi.yml", "--list-hosts")
    assert "hosts (23)" in listed.output
