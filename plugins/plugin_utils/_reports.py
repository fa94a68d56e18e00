# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Writes reports to files, and reads the last report from its JSON file."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._files import check_writable, write_file
from ansible_collections.zapi.zapi.plugins.module_utils._report.formats import FORMATS, render
from ansible_collections.zapi.zapi.plugins.module_utils._report.languages import LANGUAGES
from ansible_collections.zapi.zapi.plugins.module_utils._report.report import (
    Report,
    Result,
    build_report,
    checked_report,
    without_news,
)
from ansible_collections.zapi.zapi.plugins.module_utils._report.texts import counted

if t.TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o600
# As `_report` writes them
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?|(\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}) \d\d:\d\d UTC", re.A)


class ReportOptions(t.NamedTuple):
    """The checked options of a report."""

    option: str  # what messages call the option with the files
    files: list[Path]
    language: str
    mode: int

    @classmethod
    def checked(
        cls, dest: t.Any, language: t.Any = None, mode: t.Any = None, *, option: str = "dest", prefix: str = ""
    ) -> ReportOptions:
        """Check the options. Raises `OptionError`, which names the ``option``, or ``language`` and ``mode`` with the ``prefix``."""
        names = _as_list(dest)
        if not names:
            raise OptionError(f"{option} must be the name of a file, or a list of names")
        files = [check_writable(option, name, force=True) for name in names]
        for file in files:
            if file.suffix.lower() not in FORMATS:
                raise OptionError(f"{option}: {file.name} has no known ending: use one of {', '.join(sorted(FORMATS))}")
        if language is not None and language not in tuple(LANGUAGES):  # it can be a list
            raise OptionError(f'{prefix}language must be {" or ".join(LANGUAGES)}, not "{language}"')
        return cls(option, files, language or "en", _MODE if mode is None else _checked_mode(f"{prefix}mode", mode))


def write_reports(
    results: t.Mapping[t.Optional[str], Result], options: ReportOptions, now: str, *, check_mode: bool
) -> dict[str, t.Any]:
    """Write a report of results by account, and return the result of the task. In check mode, write nothing.

    ``now`` is in ISO 8601. Raises `OptionError`.
    """
    previous = _last_report(options)
    report = build_report(results, previous, now)
    accepted = [report]
    if previous is not None and without_news(previous) == without_news(report):
        accepted.append(_with_news_of(previous, report))  # rows that are no longer new are not a change
    changed = False
    # The JSON file comes last: if another file cannot be written, the next report still has this one's news.
    for file in sorted(options.files, key=lambda file: file.suffix.lower() == ".json"):
        text, *others = (render(one, file.suffix.lower(), options.language) for one in accepted)
        changed = changed or not _equals(_read(options.option, file), text, *others)
        if not check_mode:
            write_file(options.option, str(file), text, force=True, mode=options.mode)
    names = [str(file) for file in options.files]
    summary = report["summary"]
    return {
        "changed": changed,
        "dest": names,
        "in_sync": report["in_sync"],
        "summary": summary,
        "msg": f"{counted(summary['rows'], 'row')}, {summary['new']} new, {summary['resolved']} resolved: {', '.join(names)}",
    }


def _as_list(value: t.Any) -> list[t.Any]:
    """Return a list that can be a text: with commas, or in JSON, as ``-e name='["…"]'`` sets it."""
    if not isinstance(value, str):
        return list(value) if isinstance(value, (list, tuple)) else [value]
    if value.lstrip().startswith("["):
        try:
            return list(json.loads(value))
        except ValueError:
            pass  # a name that begins with a bracket
    return [part.strip() for part in value.split(",")]


def _checked_mode(option: str, mode: t.Any) -> int:
    """Return the permissions of a file. Raises `OptionError`."""
    try:
        number = mode if isinstance(mode, int) and not isinstance(mode, bool) else int(str(mode), 8)
    except ValueError:
        number = -1
    if not 0o400 <= number <= 0o777:
        raise OptionError(f'{option} must be permissions in octal and in quotes, such as "0644", not {mode}')
    return number


def _last_report(options: ReportOptions) -> Report | None:
    """Return the report of the first JSON file, or None if there is no such file. Raises `OptionError`."""
    for file in options.files:
        text = _read(options.option, file) if file.suffix.lower() == ".json" else None
        if text is not None:
            try:
                return checked_report(json.loads(text))
            except ValueError:
                pass
            raise OptionError(f"{options.option}: {file} is not a report of this collection: remove it, or use another name")
    return None


def _read(option: str, file: Path) -> str | None:
    """Return the content of a file, or None if there is no such file. Raises `OptionError`."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else None
    except OSError as error:
        raise OptionError(f"{option}: {file} cannot be read: {error.strerror}") from None


def _equals(old: str | None, *accepted: str) -> bool:
    """Return whether a text is one of these, except for times."""
    return old is not None and (old in accepted or _TIMES.sub("", old) in [_TIMES.sub("", text) for text in accepted])


def _with_news_of(previous: Report, report: Report) -> Report:
    """Return the report with the new and resolved rows of the last one."""
    news = {key: previous[key] for key in ("new", "resolved")}
    return {**report, **news, "summary": {**report["summary"], **{key: len(rows) for key, rows in news.items()}}}
