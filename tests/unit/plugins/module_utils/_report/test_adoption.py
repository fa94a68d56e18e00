# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""The message of an adoption."""

from __future__ import annotations

from ansible_collections.zapi.zapi.plugins.module_utils._report.adoption import adopt_message, left_text, secrets_text


class TestAdopt:
    def test_where_it_is(self) -> None:
        summary = {"instances": 340, "expectations": 7, "secrets": 0}
        assert adopt_message(summary) == "340 instances are described by 7 expectations"
        assert adopt_message(summary, "/a/b.yml") == "340 instances are described by 7 expectations, in /a/b.yml"
        summary = {"instances": 1, "expectations": 1, "secrets": 0}
        assert adopt_message(summary, "/a/b.yml", is_planned=True) == (
            "1 instance is described by 1 expectation; /a/b.yml would be written"
        )

    def test_secrets_have_two_ways_out(self) -> None:
        assert secrets_text(2, "/a b/c.yml", is_any=False) == (
            "2 URLs in /a b/c.yml contain secrets: before you commit it, encrypt the file (ansible-vault encrypt '/a b/c.yml'), "
            "or adopt with secrets: any (in the playbook: -e zapi_secrets=any)"
        )
        assert secrets_text(1, "/c.yml", is_any=True) == (
            "1 URL in /c.yml has a query value in which no secret was recognized: review the file before you commit it, "
            "or encrypt the file (ansible-vault encrypt /c.yml)"
        )

    def test_what_was_left_as_it_is(self) -> None:
        assert left_text([]) == []
        lines = left_text([f"hooks.example.com/{number}" for number in range(12)])
        assert lines[0] == "no secret was recognized in these hosts and paths: review them before you commit the file"
        assert (lines[1], lines[-1], len(lines)) == ("- hooks.example.com/0", "and 2 more", 12)
