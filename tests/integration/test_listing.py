# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What the doors return when all is well."""

from __future__ import annotations

WEBHOOKS = {
    "received",
    "received_and_delivery",
    "delivery",
    "message_status",
    "presence_chat",
    "connected",
    "disconnected",
    "received_status",
}


def test_lookup_module_and_inventory_agree_on_the_whole_fleet(workplace, emulator):
    tasks = [
        {"zapi.zapi.instance_info": {"page_size": 5}, "register": "info"},
        {"zapi.zapi.instance_info": {}, "register": "checked", "check_mode": True},
        {"ansible.builtin.set_fact": {"fleet": "{{ query('zapi.zapi.instances', page_size=7) }}"}, "register": "looked_up"},
    ]
    outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    fleet = results["info"]["instances"]
    assert results["checked"]["instances"] == fleet
    assert results["info"]["total"] == 23
    assert results["info"]["changed"] is False
    assert [instance["id"] for instance in fleet] == [row["id"] for row in emulator.fleet]
    assert results["looked_up"]["ansible_facts"]["fleet"] == fleet
    _outcome, hosts, groups = workplace.inventory({})
    assert len(hosts) == len(groups["zapi"]) == 23
    by_id = {variables["zapi_id"]: variables for variables in hosts.values()}
    for instance in fleet:
        assert set(instance["webhooks"]) == WEBHOOKS
        assert {key: by_id[instance["id"]][f"zapi_{key}"] for key in instance} == instance


def test_an_empty_fleet_is_an_empty_list(workplace, emulator):
    emulator.replace_fleet([])
    tasks = [
        {"zapi.zapi.instance_info": {}, "register": "info"},
        {"ansible.builtin.set_fact": {"fleet": "{{ query('zapi.zapi.instances') }}"}, "register": "looked_up"},
    ]
    outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    assert results["info"]["instances"] == results["looked_up"]["ansible_facts"]["fleet"] == []
    outcome, hosts, groups = workplace.inventory({})
    assert (outcome.status, hosts) == (0, {})
    assert groups["zapi"] == set() if "zapi" in groups else True


def test_tokens_come_only_when_asked_for(workplace, emulator):
    tokens = {row["id"]: row["token"] for row in emulator.fleet}
    ask = "{{ query('zapi.zapi.instances', include_token=true) | items2dict(key_name='id', value_name='token') }}"
    tasks = [
        {"zapi.zapi.instance_info": {}, "register": "without"},
        {"zapi.zapi.instance_info": {"include_token": True}, "register": "with_token", "no_log": True},
        {"ansible.builtin.set_fact": {"tokens": ask}, "register": "looked_up", "no_log": True},
    ]
    outcome, results = workplace.play(tasks, "-vvvv")
    assert outcome.status == 0, outcome.output
    assert not [instance for instance in results["without"]["instances"] if "token" in instance]
    assert {instance["id"]: instance["token"] for instance in results["with_token"]["instances"]} == tokens
    assert results["looked_up"]["ansible_facts"]["tokens"] == tokens
    assert not [token for token in (*tokens.values(), emulator.partner_token) if token in outcome.output]


def test_the_module_finds_by_id_and_by_name_in_one_request_each(workplace, emulator):
    names = [row["name"] for row in emulator.fleet]
    wanted = next(row for row in emulator.fleet if names.count(row["name"]) == 1)
    outcome, results = workplace.play(
        [{"zapi.zapi.instance_info": {key: wanted[key]}, "register": f"by_{key}"} for key in ("id", "name")]
    )
    assert outcome.status == 0, outcome.output
    for found in results.values():
        assert [instance["id"] for instance in found["instances"]] == [wanted["id"]]
    assert len(emulator.requests) == 2


def test_the_module_finds_all_that_share_a_name_and_nothing_is_no_error(workplace, emulator):
    names = [row["name"] for row in emulator.fleet]
    shared = next(name for name in names if name and names.count(name) > 1)
    tasks = [
        {"zapi.zapi.instance_info": {"name": shared}, "register": "shared"},
        {"zapi.zapi.instance_info": {"name": shared.upper()}, "register": "upper"},
        {"zapi.zapi.instance_info": {"name": ""}, "register": "nameless"},
        {"zapi.zapi.instance_info": {"id": emulator.fleet[0]["id"], "name": "another"}, "register": "both"},
    ]
    outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    assert results["shared"]["total"] == names.count(shared)
    assert results["upper"]["instances"] == []
    assert results["nameless"]["total"] == names.count("")
    assert results["both"]["total"] == 0


def test_lookup_terms_select_in_their_order_and_none_twice(workplace, emulator):
    fleet = emulator.fleet
    names = [row["name"] for row in fleet]
    shared = next(name for name in names if name and names.count(name) > 1)
    sharing = [row["id"] for row in fleet if row["name"] == shared]
    last = fleet[-1]["id"]
    tasks = [
        {
            "ansible.builtin.set_fact": {
                "ids": "{{ query('zapi.zapi.instances', last, shared, sharing[1], last) | map(attribute='id') }}"
            },
            "register": "selected",
        }
    ]
    outcome, results = workplace.play(tasks, variables={"last": last, "shared": shared, "sharing": sharing})
    assert outcome.status == 0, outcome.output
    assert results["selected"]["ansible_facts"]["ids"] == [last, *sharing]


def test_a_lookup_term_that_matches_nothing(workplace, emulator):
    ask = "{{ query('zapi.zapi.instances', 'No Such ' ~ '%s', on_missing='%s') }}"
    tasks = [
        {"ansible.builtin.set_fact": {"found": ask % (choice, choice)}, "register": choice, "ignore_errors": True}
        for choice in ("error", "warn", "skip")
    ]
    outcome, results = workplace.play(tasks)
    assert outcome.status == 0, outcome.output
    assert results["error"]["failed"]
    assert "No Such error" in results["error"]["msg"]
    assert "No Such warn" in outcome.words
    assert "No Such skip" not in outcome.output
    for choice in ("warn", "skip"):
        assert results[choice]["ansible_facts"]["found"] == []


def test_the_token_is_taken_from_the_option_the_environment_and_a_templated_variable(workplace, emulator):
    token = workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    count = "{{ query('zapi.zapi.instances') | length }}"
    variables = {"zapi_partner_token": "{{ from_vault }}", "from_vault": token, "option": token}
    tasks = [
        {"ansible.builtin.set_fact": {"number": count}, "register": "variable"},
        {"ansible.builtin.set_fact": {"number": count.replace("')", "', partner_token=option)")}, "register": "option_of_lookup"},
        {"zapi.zapi.instance_info": {"partner_token": "{{ from_vault }}"}, "register": "module_option"},
    ]
    outcome, results = workplace.play(tasks, variables=variables)
    assert outcome.status == 0, outcome.output
    assert int(results["variable"]["ansible_facts"]["number"]) == 23
    assert int(results["option_of_lookup"]["ansible_facts"]["number"]) == 23
    assert results["module_option"]["total"] == 23
    for options in ({"partner_token": "{{ lookup('ansible.builtin.env', 'FROM_CI') }}"}, {}):
        extra = [] if options else ["-e", "zapi_partner_token={{ other }}", "-e", f"other={token}"]
        _outcome, hosts, _groups = workplace.inventory(options, *extra, FROM_CI=token)
        assert len(hosts) == 23


def test_module_defaults_of_the_action_group_reach_both_modules(workplace, emulator):
    workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    block = {
        "module_defaults": {"group/zapi.zapi.zapi": {"partner_token": emulator.partner_token}},
        "block": [
            {"zapi.zapi.instance_info": {}, "register": "info"},
            {"zapi.zapi.instance_audit": {"expectations": [{"expect": {"middleware": ["web", "mobile"]}}]}, "register": "audit"},
        ],
    }
    outcome, _results = workplace.play([block])
    assert outcome.status == 0, outcome.output


def test_query_and_middleware_narrow_the_listing_on_the_server(workplace, emulator):
    mobile = [row["id"] for row in emulator.fleet if row.get("middleware") == "mobile"]
    outcome, results = workplace.play([{"zapi.zapi.instance_info": {"middleware": "mobile"}, "register": "info"}])
    assert outcome.status == 0, outcome.output
    assert [instance["id"] for instance in results["info"]["instances"]] == mobile
    assert all("middleware=mobile" in request["path"] for request in emulator.requests)


def test_without_requests_every_door_says_which_library_is_missing(workplace, emulator):
    workplace.write("without/requests/__init__.py", "raise ImportError('not here')\n")
    without = {"PYTHONPATH": str(workplace.folder / "without")}
    tasks = [
        {"zapi.zapi.instance_info": {}, "register": "info", "ignore_errors": True},
        {"ansible.builtin.set_fact": {"x": "{{ query('zapi.zapi.instances') }}"}, "register": "looked_up", "ignore_errors": True},
    ]
    outcome, results = workplace.play(tasks, **without)
    assert outcome.status == 0, outcome.output
    for door in ("info", "looked_up"):
        assert "Failed to import the required Python library (requests)" in results[door]["msg"]
    outcome, hosts, _groups = workplace.inventory({}, **without)
    assert "Failed to import the required Python library (requests)" in outcome.words
    assert hosts == {}
    assert emulator.requests == []
