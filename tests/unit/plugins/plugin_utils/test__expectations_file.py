# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A file of expectations is read, or one line says what is wrong with it without quoting it."""

from __future__ import annotations

import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_file import ExpectationsFile, read_expectations, with_dates
from ansible_collections.zapi.zapi.tests.unit.engine import assert_fit_for_users

if t.TYPE_CHECKING:
    from pathlib import Path

GOOD = [{"expect": {"middleware": "web"}}]


def read(file: Path, content: str | bytes) -> ExpectationsFile:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    loader = DataLoader()
    return read_expectations(str(file), loader, Templar(loader, variables={}), {"kind": "web"})


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("- expect: {middleware: web}\n", [1]),
        ("# a comment\nexpectations: [{expect: {middleware: web}}]\n", [2]),
        ("mine: web\nexpectations:\n\n  - expect: {middleware: '{{ mine }}'}\n", [4]),
        ("expectations: [{expect: {middleware: '{{ kind }}'}}]\n", [1]),
        ("mine: [{expect: {middleware: web}}]\nexpectations: '{{ mine }}'\n", None),
        ('{"expectations": [{"expect": {"middleware": "web"}}]}', [1]),
    ],
)
def test_the_list_and_its_lines_are_read(tmp_path: Path, content: str, lines: list[int] | None) -> None:
    assert read(tmp_path / "e.yml", content) == (GOOD, lines)


def test_dates_are_text(tmp_path: Path) -> None:
    assert read(tmp_path / "e.yml", "- {until: 2027-03-01}\n").declared == [{"until": "2027-03-01"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("OpenSesame\n", "must be a list of expectations, or a mapping with the key expectations"),
        ("expectation: [OpenSesame]\n", "must have the key expectations"),
        ("expectations: [OpenSesame\n", "is not valid YAML: line 2, column 1"),
        ("- !OpenSesame x\n", "has a tag or a value that Ansible does not know, line 1"),
        ("- {{ OpenSesame }}\n", "line 1: put a value that begins with a brace in quotes"),
        ("- 'OpenSesame {{id}}'\n", "has two braces around id, which makes it a template of Ansible: write {id}"),
        ("- 'OpenSesame {{ other }}'\n", "uses a variable that is not defined: other"),
        ("- 'OpenSesame {{ '\n", "has a template with a syntax error"),
        ("- 'OpenSesame {{ 1 / 0 }}'\n", "has a template that failed"),
        ("- S\u00e3o\n".encode("latin-1"), "is not UTF-8"),
        ("$ANSIBLE_VAULT;1.1;AES256\n3030\n", "is encrypted, and no vault password decrypts it"),
    ],
)
def test_a_mistake_is_one_line_that_does_not_quote_the_file(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(tmp_path / "e.yml", content)
    assert words in assert_fit_for_users(caught.value, "OpenSesame")
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a directory"),
        ("nosuch.yml", "does not exist"),
        ("~nobody-of-this-name/e.yml", "does not exist"),
        (5, "must be the name"),
    ],
)
def test_a_name_of_no_file_is_an_error(name: t.Any, words: str) -> None:
    loader = DataLoader()
    with pytest.raises(OptionError, match=words):
        read_expectations(name, loader, Templar(loader, variables={}), {})


def test_the_keys_of_a_file_are_variables_of_this_file_only(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("mine: web\nexpectations: ['{{ mine }}']\n")
    loader = DataLoader()
    templar = Templar(loader, variables={"other": 1})
    assert read_expectations(str(tmp_path / "e.yml"), loader, templar, {"other": 1}).declared == ["web"]
    assert set(templar.available_variables) == {"other"}


def test_a_list_that_ansible_core_made_a_text_of_is_a_list_again() -> None:
    assert with_dates("[{'until': datetime.date(2027, 3, 1)}]") == [{"until": "2027-03-01"}]
    for other in (GOOD, "text", "datetime.date(", None):
        assert with_dates(other) == other
