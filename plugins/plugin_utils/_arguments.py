# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Where the arguments of a module come from: the task, and variables whose names begin with ``zapi_``.

In users' own plays only a few options can be variables. In the playbooks of this collection all of them can.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import OptionError
from ansible_collections.zapi.zapi.plugins.module_utils._core.names import nearest
from ansible_collections.zapi.zapi.plugins.module_utils._core.options import CONNECTION_ARGUMENTS, check_terms

from ._expectations_file import with_dates
from ._templates import OMITTED, fill_in

_CONNECTION = tuple(CONNECTION_ARGUMENTS)
_EXPECTATIONS = ("expectations", "expectations_file")
_AUDIT = (*_EXPECTATIONS, "only", "unmanaged", "fail_on_drift", "strict", "show_url_secrets")
OPTIONS = {
    "instance_info": (*_CONNECTION, "id", "name", "include_token", "include_settings"),
    "instance_audit": (*_CONNECTION, *_AUDIT, "validate_only"),
    "instance_converge": (
        *_CONNECTION,
        *_EXPECTATIONS,
        "only",
        "max_changes",
        "on_missing",
        "verify",
        "backup",
        "show_url_secrets",
    ),
    "instance_adopt": (*_CONNECTION, "only", "attributes", "secrets", "dest", "force"),
}
"""The options of each module."""
SECRETS = ("partner_token", "credentials", "client_token", "expectations")

_VARIABLES = ("partner_token", "credentials", "client_token", "api_url")  # in every play
_CHOICE = ("partner_token", "credentials")
_NARROWING = ("query", "middleware", "credentials", "only", "id", "name")
_BOOLEANS = (
    *(name for name, argument in CONNECTION_ARGUMENTS.items() if argument["type"] == "bool"),
    *("fail_on_drift", "strict", "show_url_secrets", "verify", "force"),
)
REPORT_OPTIONS = ("report", "report_language", "report_mode")
"""What the playbooks with a report pass to zapi.zapi.audit_report. The first one is its ``dest``."""
_PLAY_OPTIONS = ("accounts", *REPORT_OPTIONS)  # of no module
_PREFIX = re.compile(r"zapi[_-]", re.I)


class Playbook(t.NamedTuple):
    """A playbook of this collection."""

    title: str
    options: tuple[str, ...]  # those that can be variables
    result: str  # a key of every result that the module returns if it could run
    has_report: bool = False


PLAYBOOKS = {
    "adopt": Playbook("The adoption", OPTIONS["instance_adopt"], "summary"),
    "audit": Playbook("The audit", (*_CONNECTION, *_AUDIT), "in_sync", has_report=True),
    "converge": Playbook("The convergence", OPTIONS["instance_converge"], "changes", has_report=True),
    "overview": Playbook("The overview", _CONNECTION, "summary"),
    "validate": Playbook("The audit", _EXPECTATIONS, "declared"),
}


def task_arguments(
    module: str, written: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], templar: t.Any
) -> dict[str, t.Any]:
    """Return the arguments of a task in a user's own play. Raises `OptionError`.

    The task decides about partner token or credentials if it has either of them, then variables do, then the environment.
    """
    refuse_unknown(written, OPTIONS[module], module)
    for name in _NARROWING:
        if name in written and written[name] is None:
            raise OptionError(f"{name} is null: set a value, or leave it out")
    _check_only("only", written.get("only"))
    given = {}
    for name in _VARIABLES:
        is_decided = any(one in written for one in _CHOICE) if name in _CHOICE else name in written
        if f"zapi_{name}" in variables and not is_decided:
            value = fill_in(variables[f"zapi_{name}"], templar, f"the variable zapi_{name}")
            if value is not OMITTED and not _is_empty(value):
                given[name] = value
    _refuse_two_choices(given)
    return {**given, **written}


def refuse_unknown(written: t.Iterable[t.Any], known: t.Iterable[str], plugin: str) -> None:
    """Refuse names that are not options of a plugin or module, without their values. Raises `OptionError`."""
    options = list(known)
    for name in map(str, written):
        if name not in options:
            raise OptionError(f"{name} is not an option of zapi.zapi.{plugin}{_nearest(name, options)}")


def playbook_arguments(
    playbook: Playbook, variables: t.Mapping[str, t.Any], extra: t.Mapping[str, t.Any], templar: t.Any
) -> dict[str, t.Any]:
    """Return the arguments that variables set in a playbook of this collection. ``extra`` are those of ``-e``. Raises `OptionError`."""
    _check_names(playbook, variables, extra)
    given: dict[str, t.Any] = {}
    for option in playbook.options:
        names = [name for name in _names(option) if name in variables]
        if len(names) > 1:
            raise OptionError(f"both {names[0]} and {names[1]} are set: leave one of them out")
        for name in names:
            value = fill_in(variables[name], templar, name)
            if value is not OMITTED:
                given[option] = _checked(option, name, value)
    _refuse_two_choices(given)
    if "zapi_accounts" in variables and "partner_token" in playbook.options:
        if not any(given.get(name) for name in _CHOICE):
            raise OptionError(
                "this account has neither zapi_partner_token nor zapi_credentials: set one of them in the variables of the host; "
                "with zapi_accounts, ZAPI_PARTNER_TOKEN does not count"
            )
        # The empty text keeps the module from using ZAPI_CLIENT_TOKEN.
        given.setdefault("client_token", "")
    return given


def report_variables(variables: t.Mapping[str, t.Any], templar: t.Any) -> dict[str, t.Any]:
    """Return the options of a report that variables set, by their names without the prefix ``zapi_``. Raises `OptionError`.

    Without ``zapi_report`` there is no report, and the others do not count.
    """
    given: dict[str, t.Any] = {}
    for option in REPORT_OPTIONS:
        name = f"zapi_{option}"
        if name in variables and "zapi_report" in variables:
            value = fill_in(variables[name], templar, name)
            if value is not OMITTED:
                given[option] = _checked(option, name, value)
    return given if "report" in given else {}


def private_variables(extra: t.Mapping[str, t.Any]) -> list[str]:
    """Return the names of extra variables that would replace what a playbook of this collection sets itself."""
    return [name for name in map(str, extra) if name.startswith("_zapi_")]


def _check_names(playbook: Playbook, variables: t.Mapping[str, t.Any], extra: t.Mapping[str, t.Any]) -> None:
    if "zapi_id" in variables and "zapi_webhooks" in variables:
        raise OptionError("this host is an instance of the inventory: run the playbook on localhost")
    options = sorted({*_PLAY_OPTIONS, *(option for one in PLAYBOOKS.values() for option in one.options)})
    for name in map(str, variables):
        option = _PREFIX.sub("", name, count=1)
        if _PREFIX.match(name) and name not in (f"zapi_{one}" for one in options):
            hint = _nearest(option, options, "zapi_")
            raise OptionError(
                f"{name} is not a variable of these playbooks{hint or ' (in your own playbooks, use another prefix)'}"
            )
    for option in (*_PLAY_OPTIONS, *playbook.options):
        if option in extra and option not in _EXPECTATIONS:
            raise OptionError(f"{option} is not a variable of this playbook: write zapi_{option}")


def _names(option: str) -> tuple[str, ...]:
    return (option, f"zapi_{option}") if option in _EXPECTATIONS else (f"zapi_{option}",)


def _checked(option: str, name: str, value: t.Any) -> t.Any:
    """Return the value of a variable, checked as far as the module could not name the variable."""
    if _is_empty(value):
        raise OptionError(f"{name} is {'null' if value is None else 'empty'}: set a value, or leave it out")
    if option in _BOOLEANS:
        try:
            boolean(value)
        except TypeError:
            raise OptionError(f'{name} must be true or false, not "{value}"') from None
    if option == "only":
        _check_only(name, value)
    if option != "expectations":
        return value
    expectations = with_dates(value)
    if isinstance(expectations, str):
        raise OptionError(f"{name} is text, not a list: put the list into a file and set expectations_file")
    return expectations


def _check_only(name: str, value: t.Any) -> None:
    terms = value.split(",") if isinstance(value, str) else value
    if isinstance(terms, list):
        check_terms(terms, name)


def _is_empty(value: t.Any) -> bool:
    return value is None or (isinstance(value, (str, list, Mapping)) and not (value.strip() if isinstance(value, str) else value))


def _refuse_two_choices(given: t.Mapping[str, t.Any]) -> None:
    if all(name in given for name in _CHOICE):
        raise OptionError("both zapi_partner_token and zapi_credentials are set: leave one of them out")


def _nearest(name: str, existing: t.Iterable[str], prefix: str = "") -> str:
    found = nearest(name, existing)
    return f"; the nearest name is {prefix}{found}" if found else ""
