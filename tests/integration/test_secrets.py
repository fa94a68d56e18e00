# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""What somebody types where a credential or an address belongs: it is never evaluated, and never shown."""

from __future__ import annotations

import pytest

LOOKUP = {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances') | length }} found"}}


# Templates by origin


def hostile(marker):
    """Values of a token that would be evaluated as templates, if they were any."""
    return [
        f"{{{{lookup('pipe','touch\\x20{marker}')}}}}-abracadabra",
        f"{{{{ lookup('pipe', 'touch {marker}') }}}}abracadabra",
        "abracadabra{#",
        "abracadabra{%",
        "{{abracadabra}}",
    ]


@pytest.mark.parametrize("number", range(5))
def test_the_environments_token_is_text_and_never_a_template(workplace, emulator, number):
    marker = workplace.folder / "evaluated"
    workplace.environment["ZAPI_PARTNER_TOKEN"] = hostile(marker)[number]
    outcome, _results = workplace.play([LOOKUP], "-vvvv")
    listed, hosts, _groups = workplace.inventory({}, "-vvvv")
    assert outcome.status != 0
    assert hosts == {}
    for output in (outcome.words, listed.words):
        assert "partner_token holds white space" in output or "status 401" in output
        assert "abracadabra" not in output
        assert "touch" not in output
    assert not marker.exists()


@pytest.mark.parametrize("number", range(5))
def test_the_lookups_argument_is_text_and_never_a_template(workplace, emulator, number):
    marker = workplace.folder / "evaluated"
    token = workplace.write("token", hostile(marker)[number])
    tasks = [
        {
            "ansible.builtin.command": {"argv": ["cat", str(token)]},
            "register": "said",
            "no_log": True,
        },
        {"ansible.builtin.debug": {"msg": "{{ query('zapi.zapi.instances', partner_token=said.stdout) | length }} found"}},
    ]
    outcome, _results = workplace.play(tasks, "-vvv")
    assert outcome.status != 0
    assert "partner_token holds white space" in outcome.words or "status 401" in outcome.words
    assert "abracadabra" not in outcome.output
    assert not marker.exists()


BROKEN = {
    "undefined": ("abracadabra{{ not_there }}", "a variable in it is not defined"),
    "undefined at the end of a chain": ("abracadabra{{ chained }}", "a variable in it is not defined"),
    "syntax": ("abracadabra{{ 'x' ", "it has a mistake in its syntax"),
    "block": ("abracadabra{% if %}", "it has a mistake in its syntax"),
    "filter": ("{{ 'abracadabra' | from_json }}", "it ends in an error"),
    "plugin": ("{{ lookup('file', 'abracadabra') }}", "it ends in an error"),
}


@pytest.mark.parametrize(("template", "reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_template_that_fails_says_why_and_where_and_is_not_quoted(workplace, emulator, template, reason):
    variables = {"zapi_partner_token": template, "chained": "{{ not_there }}"}
    outcome, _results = workplace.play([LOOKUP], "-vvvv", variables=variables)
    assert outcome.status != 0
    assert f"the template of partner_token (variable zapi_partner_token) could not be filled in: {reason}" in outcome.words
    extra = workplace.write("extra.yml", {"chained": "{{ not_there }}"})
    in_file, hosts, _groups = workplace.inventory({"partner_token": template}, "-vvvv", "-e", f"@{extra}")
    assert hosts == {}
    assert f"the template of partner_token (inventory file) could not be filled in: {reason}" in in_file.words
    for output in (outcome.output, in_file.output):
        assert "abracadabra" not in output


def test_a_vaulted_and_a_chained_variable_are_filled_in(workplace, emulator):
    token = workplace.environment.pop("ZAPI_PARTNER_TOKEN")
    password = workplace.write("password", "of-the-vault")
    vaulted = workplace.run("ansible-vault", "encrypt_string", "--vault-password-file", password, token, "--name", "from_vault")
    workplace.write("vaulted.yml", vaulted.stdout + '\nzapi_partner_token: "{{ from_vault }}"\n')
    workplace.write("direct.yml", vaulted.stdout.replace("from_vault", "zapi_partner_token"))
    for variables in ("vaulted.yml", "direct.yml"):
        arguments = ("--vault-password-file", password, "-e", f"@{variables}")
        outcome, _results = workplace.play([LOOKUP], *arguments)
        assert "23 found" in outcome.output, outcome.output
        _outcome, hosts, _groups = workplace.inventory({}, *arguments)
        assert len(hosts) == 23
