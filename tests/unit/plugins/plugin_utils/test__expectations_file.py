# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""A file of expectations is read, or it is told in one line what is wrong with it, without its words."""

from __future__ import annotations

import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.zapi.zapi.plugins.module_utils._errors import OptionError
from ansible_collections.zapi.zapi.plugins.plugin_utils._expectations_file import read_expectations, with_dates
from ansible_collections.zapi.zapi.tests.unit.support import assert_fit_for_users

if t.TYPE_CHECKING:
    from pathlib import Path

GOOD = [{"expect": {"middleware": "web"}}]


def read(file: Path, content: str | bytes) -> t.Any:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    loader = DataLoader()
    return read_expectations(str(file), loader, Templar(loader, variables={}), {"kind": "web"})


@pytest.mark.parametrize(
    "content",
    [
        "- expect: {middleware: web}\n",
        "expectations: [{expect: {middleware: web}}]\n",
        "expectations: [{expect: {middleware: '{{ kind }}'}}]\n",
        "mine: web\nexpectations: [{expect: {middleware: '{{ mine }}'}}]\n",
    ],
)
def test_a_list_or_what_stands_under_its_key_is_read(tmp_path: Path, content: str) -> None:
    assert read(tmp_path / "e.yml", content) == GOOD


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("OpenSesame\n", "holds neither a list nor the key"),
        ("expectation: [OpenSesame]\n", "lacks the key expectations"),
        ("expectations: [OpenSesame\n", "is no YAML that can be read: look at line 2, column 1"),
        ("- !OpenSesame x\n", "has a tag or a value that Ansible does not know: look at line 1"),
        ("- {{ OpenSesame }}\n", "Quote what begins with a brace"),
        ("- 'OpenSesame {{id}}'\n", "two braces around id"),
        ("- 'OpenSesame {{ other }}'\n", "uses a variable that is not defined: other"),
        ("- 'OpenSesame {{ '\n", "a template with a mistake in its syntax"),
        ("- 'OpenSesame {{ 1 / 0 }}'\n", "holds a template that cannot be filled in"),
        ("- S\u00e3o\n".encode("latin-1"), "is no UTF-8"),
        ("$ANSIBLE_VAULT;1.1;AES256\n3030\n", "is encrypted, and no vault password opens it"),
    ],
)
def test_what_is_wrong_is_told_without_the_words_of_the_file(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(OptionError) as refused:
        read(tmp_path / "e.yml", content)
    assert words in str(refused.value)
    assert_fit_for_users(str(refused.value), request=None, secrets=["OpenSesame"] if "OpenSesame" not in words else [])
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    loader = DataLoader()
    nobody = "~nobody-of-this-name/e.yml"
    for path, words in ((tmp_path, "is a directory"), (tmp_path / "nosuch.yml", "there is no file"), (nobody, "there is no file")):
        with pytest.raises(OptionError, match=words):
            read_expectations(str(path), loader, Templar(loader, variables={}), {})


def test_the_file_s_own_keys_are_nobody_else_s(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("mine: web\nexpectations: ['{{ mine }}']\n")
    loader = DataLoader()
    templar = Templar(loader, variables={"theirs": 1})
    assert read_expectations(str(tmp_path / "e.yml"), loader, templar, {"theirs": 1}) == ["web"]
    assert set(templar.available_variables) == {"theirs"}


def test_a_list_that_an_old_ansible_core_made_a_text_of_is_a_list_again() -> None:
    assert with_dates("[{'until': datetime.date(2027, 3, 1)}]") == [{"until": "2027-03-01"}]
    for other in (GOOD, "text", "datetime.date(", None):
        assert with_dates(other) == other
