# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The frame of every module: its options, its connection, and its result with masked options."""

from __future__ import annotations

import gc
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._core.attributes import GROUPS
from ._core.errors import ExpectationError
from ._core.options import CONNECTION_ARGUMENTS, MIN_TOKEN_LENGTH, Connection
from ._report.rows import mask_reason, reason_dict
from ._report.texts import error_text
from ._secrets import Mask, Secrets

if t.TYPE_CHECKING:
    from ._core.errors import ZapiError
    from ._core.instance import Record
    from ._policy.expectations import Expectations

Arguments = dict[str, dict[str, t.Any]]
Result = dict[str, t.Any]

_MAX_MESSAGES = 5
_CENSORED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"  # what ansible-core shows in place of a secret
_SECRET_OPTIONS = ("partner_token", "client_token", "credentials", "api_url")

_EXPECTATIONS_ARGUMENTS: Arguments = {
    # no_log keeps webhook URLs out of the system's log. In results they are masked.
    "expectations": {"type": "raw", "no_log": True},
    "expectations_file": {"type": "path"},  # the action plugin reads it, and passes expectations instead
    "only": {"type": "list", "elements": "str"},
    "show_url_secrets": {"type": "bool", "default": False, "no_log": False},
}
_EXPECTATIONS_SOURCES = ["expectations", "expectations_file"]


class Module(AnsibleModule):
    """A module with the connection options. All of its results show its options without secrets."""

    _api_url: t.Optional[str] = None  # once it is checked

    @classmethod
    def with_connection(cls, arguments: Arguments, **options: t.Any) -> Module:
        """Return a module with these options and those of the connection."""
        return cls(argument_spec={**CONNECTION_ARGUMENTS, **arguments}, supports_check_mode=True, **options)

    @classmethod
    def with_expectations(cls, arguments: Arguments) -> Module:
        """Return a module that also has the options of modules with expectations."""
        return cls.with_connection(
            {**_EXPECTATIONS_ARGUMENTS, **arguments},
            required_one_of=[_EXPECTATIONS_SOURCES],
            mutually_exclusive=[_EXPECTATIONS_SOURCES],
        )

    def connection(self) -> Connection:
        """Return the checked connection options. Raises `OptionError`."""
        connection = Connection.from_options(self.params)
        self._api_url = connection.api_url
        return connection

    def failure(self, error: ZapiError) -> Result:
        """Return the result of a failed module."""
        mask = self.mask()
        return {"failed": True, "msg": mask.text(error_text(error)), "reason": reason_dict(mask_reason(error.reason, mask))}

    def end(self, result: Result) -> t.NoReturn:
        """End the module with a result, which can contain ``failed`` and ``changed``.

        Do not call it in an except block: up to ansible-core 2.18, the result would contain the traceback.
        """
        # ansible-core masks each of these values in the whole result. It would take every string and number in expectations and
        # credentials, and short words. `_report` has masked the tokens of instances.
        tokens = [self.params[name] for name in ("partner_token", "client_token")]
        self.no_log_values = {token for token in tokens if token and len(token.strip()) >= MIN_TOKEN_LENGTH}
        result = {"changed": False, **result, "invocation": self._invocation()}
        gc.freeze()  # The process ends: Python would search all instances for reference cycles first.
        if result.pop("failed", False):
            self.fail_json(**result)
        self.exit_json(**result)
        raise AssertionError("exit_json ends the module")

    def fail_json(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        """Fail, with masked options also if ansible-core itself refuses them."""
        super().fail_json(*args, **{"invocation": self._invocation(), **kwargs})
        raise AssertionError("fail_json ends the module")

    def mask(self) -> Mask:
        """Return the mask for texts made of the options."""
        params = self.params
        credentials = params.get("credentials")
        entries = [entry for entry in credentials if isinstance(entry, dict)] if isinstance(credentials, list) else []
        tokens = [params.get("partner_token"), params.get("client_token"), *(entry.get("token") for entry in entries)]
        texts = [token.strip() for token in tokens if isinstance(token, str)]
        secrets = Secrets(token for token in texts if len(token) >= MIN_TOKEN_LENGTH)
        return Mask(secrets, bool(params.get("show_url_secrets")))

    def _invocation(self) -> Result:
        """Return the options without secrets. An unknown option is left out: it can be a misspelt secret one."""
        known = {name: self.params[name] for name in self.argument_spec if name in self.params}
        censored = {name: _CENSORED for name in _SECRET_OPTIONS if known.get(name) is not None}
        checked = {"api_url": self._api_url} if self._api_url else {}
        return {"module_args": {**_masked({**known, **censored}, self.mask()), **checked}}


def current_time() -> int:
    """Return the time in epoch milliseconds."""
    return int(time.time() * 1000)


def without_settings(records: t.Iterable[Record]) -> list[Record]:
    """Return the records of which the API did not return all settings."""
    names = frozenset(GROUPS["settings"])
    return [record for record in records if not names.isdisjoint(record.instance["unknown"])]


def refuse_forbidden_urls(expectations: Expectations) -> None:
    """Refuse URLs whose host the same expectation forbids. Raises `ExpectationError`."""
    messages = expectations.forbidden_urls()
    if messages:
        more = f"; and {len(messages) - _MAX_MESSAGES} more" if len(messages) > _MAX_MESSAGES else ""
        raise ExpectationError("; ".join(messages[:_MAX_MESSAGES]) + more)


def _masked(value: t.Any, mask: Mask) -> t.Any:
    if isinstance(value, str):
        return mask.url(value) if "://" in value else mask.text(value)
    if isinstance(value, dict):
        return {_masked(key, mask): _masked(item, mask) for key, item in value.items()}
    return [_masked(item, mask) for item in value] if isinstance(value, (list, tuple)) else value
