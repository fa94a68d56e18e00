# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

"""Reports for people say the same in every language."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.zapi.zapi.plugins.module_utils._core.attributes import BY_NAME
from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason
from ansible_collections.zapi.zapi.plugins.module_utils._report.formats import FOR_PEOPLE, render
from ansible_collections.zapi.zapi.plugins.module_utils._report.languages import LANGUAGES
from ansible_collections.zapi.zapi.plugins.module_utils._report.report import build_report
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import TEXTS, text
from ansible_collections.zapi.zapi.tests.unit.results import FAILURE, LATER, audited, row

from .test_texts import VALUES

EN, PT = LANGUAGES["en"], LANGUAGES["pt_BR"]
LAPSED = {"code": "subscription_lapsed", "values": {}}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_catalogue_is_complete(language: t.Any) -> None:
    assert set(language.reasons.texts) == set(TEXTS)
    assert set(language.words) == set(EN.words)
    assert set(language.attributes) == set(BY_NAME)
    assert all(language.words.values())


@pytest.mark.parametrize("code", sorted(set(TEXTS) - {"message"}))
def test_a_reason_has_a_text_of_its_own_with_the_same_values(code: str) -> None:
    english, portuguese = (text(Reason(code, VALUES), language.reasons) or "" for language in (EN, PT))
    assert portuguese not in ("", english)
    assert portuguese.isprintable()
    for value in ("GET /instances", "api.example.com:443", "HTTPS_PROXY", "expectation 2", "Loja 1", "webhooks.received"):
        assert (value in english) == (value in portuguese)


def test_numbers_and_times() -> None:
    assert [language.number(1_234_567) for language in (EN, PT)] == ["1,234,567", "1.234.567"]
    assert [language.number(99.9) for language in (EN, PT)] == ["99.9", "99,9"]
    assert [language.time(LATER) for language in (EN, PT)] == ["2026-09-22 05:00 UTC", "22/09/2026 05:00 UTC"]
    assert PT.time("yesterday") == "yesterday"


@pytest.mark.parametrize(
    ("reason", "note", "expected"),
    [
        (LAPSED, "lapsed", "a assinatura venceu: renove ou cancele"),
        (
            {"code": "after_failure", "values": {"error": LAPSED}},
            "x",
            "não tentado, porque uma chamada anterior falhou: a assinatura",
        ),
        ({"code": "of_another_version", "values": {}}, "its note", "its note"),
        ({"code": "nearest_name", "values": {}}, "its note", "its note"),
        ("nonsense", "its note", "its note"),
        (None, "its note", "its note"),
        (None, None, ""),
    ],
)
def test_the_note_of_a_row(reason: t.Any, note: t.Any, expected: str) -> None:
    assert PT.note(row(reason=reason, note=note)).startswith(expected)


def test_a_reason_that_is_not_one_of_ours_is_not_translated() -> None:
    for reason in ("Not Found", {"code": "message", "values": {"message": "only is empty"}}, {"code": "x"}, None):
        assert PT.could_not_run({"reason": reason}) is None


def test_values() -> None:
    shown = row(attribute="payment_status", expected=["PAID", "TRIAL"], actual=None)
    assert (PT.actual(shown), PT.expected(shown)) == ("nenhum", '"PAID" ou "TRIAL"')
    assert PT.expected(row(attribute="days_left", expected=5)) == "no mínimo 5"
    assert PT.expected(row(attribute="webhook_hosts", expected=["a.example", "b.example"])) == 'somente "a.example" ou "b.example"'
    assert (PT.actual(row(kind="missing")), PT.expected(row(kind="unmanaged"))) == ("", "")


@pytest.mark.parametrize("ending", FOR_PEOPLE)
def test_no_word_of_another_language_is_left(ending: str) -> None:
    failed = {**FAILURE, "reason": {"code": "credential_rejected", "values": VALUES}}
    results = {"padaria": audited(row(1, reason=LAPSED), row(2)), "mercado": failed}
    report = build_report(results, build_report({"padaria": audited(row(1), row(3))}, None, LATER), LATER)
    pages = {name: render(report, ending, name) for name in LANGUAGES}
    for name, language in LANGUAGES.items():
        (other,) = (one for one in LANGUAGES if one != name)
        foreign = [word for key, word in LANGUAGES[other].words.items() if len(word) > 12 and word != language.words[key]]
        assert [word for word in foreign if word in pages[name]] == []
    assert "A auditoria não pôde ser feita: GET /instances foi respondida com" in pages["pt_BR"]
    assert "a assinatura venceu" in pages["pt_BR"]
