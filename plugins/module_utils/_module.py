# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""The frame of every module: connect, do the work, report the result or the error."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._connection import SHORTEST_TOKEN, Connection, Credential
from ._errors import ZapiError
from ._fleet import Fleet
from ._redaction import mask_value, without_secrets

_RESULT = 1  # a module answers on its standard output
# What ansible-core itself shows in place of a secret.
_CENSORED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# The options that are secret as a whole. Those others that have no_log hold URLs, and have it for the system's log.
_TOKENS = ("partner_token", "client_token", "credentials")


# What modules that take expectations share
EXPECTATIONS_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    # Kept out of the system's log, since webhook URLs hold secrets. In the result they are masked, by run().
    "expectations": {"type": "raw", "no_log": True},
    "expectations_file": {"type": "path"},  # the action plugin puts what is in it in the place of the former
    "only": {"type": "list", "elements": "str"},
    "show_url_secrets": {"type": "bool", "default": False, "no_log": False},
}
EXPECTATIONS_SOURCES = ["expectations", "expectations_file"]


class Module(AnsibleModule):
    """A module whose options stay masked also where ansible-core itself refuses them, before `run` is reached."""

    def fail_json(self, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        if "invocation" not in kwargs:
            # ansible-core censors what no_log options hold, but not the keys of dictionaries in them, which may be URLs.
            censored = dict.fromkeys((*_TOKENS, "api_url"), _CENSORED)
            kwargs["invocation"] = {"module_args": mask_value({**self.params, **censored})}
        super().fail_json(*args, **kwargs)
        raise AssertionError("fail_json ends the module")


def run(module: AnsibleModule, work: t.Callable[[Fleet], dict[str, t.Any]], show_url_secrets: bool = False) -> t.NoReturn:
    """End the module with what ``work`` returns, which may hold ``failed`` and ``changed``.

    Every result has the module's options in it, without tokens, and without the secrets of URLs unless ``show_url_secrets``.
    """
    shown = _shown(module, show_url_secrets)
    credentials: tuple[Credential, ...] = ()
    try:
        connection = Connection.from_options(module.params)
        shown["api_url"] = connection.api_url
        credentials = connection.credentials or ()
        with Fleet(connection, _RESULT) as fleet:
            result = work(fleet)
    except ZapiError as error:
        result = {"failed": True, "msg": str(error)}
    _end(module, result, shown, credentials)


def run_offline(module: AnsibleModule, work: t.Callable[[], dict[str, t.Any]], show_url_secrets: bool = False) -> t.NoReturn:
    """End the module likewise, where no server is asked: the options of the connection do not count."""
    shown = _shown(module, show_url_secrets)
    try:
        result = work()
    except ZapiError as error:
        result = {"failed": True, "msg": str(error)}
    _end(module, result, shown)


def _shown(module: AnsibleModule, show_url_secrets: bool) -> dict[str, t.Any]:
    """Return the module's options as its result may show them."""
    params = module.params
    censored = {name: _CENSORED for name in (*_TOKENS, "api_url") if params[name] is not None}
    options = {**params, **censored}
    return options if show_url_secrets else t.cast("dict[str, t.Any]", mask_value(options))


def _end(
    module: AnsibleModule, result: dict[str, t.Any], shown: dict[str, t.Any], credentials: t.Sequence[Credential] = ()
) -> t.NoReturn:
    tokens = [module.params[name] for name in ("partner_token", "client_token") if module.params[name]]
    # What is censored in messages, too. Of an option that has no_log this would be every name and number in it, and the server;
    # a token that is refused as too short would be any word. With the tokens of thousands of instances it would take minutes:
    # none of them gets into a result in the first place.
    module.no_log_values = {token for token in tokens if len(token.strip()) >= SHORTEST_TOKEN}
    texts = json.dumps(shown, default=str)
    # Of thousands, only those that stand there as they are: to look for each in every way of writing it would take seconds.
    tokens += [credential.token for credential in credentials if credential.token in texts]
    shown = without_secrets(shown, tokens, texts)
    result = {"changed": False, **result, "invocation": {"module_args": shown}}
    # Out of every except block: up to ansible-core 2.18 the traceback would be part of the result.
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
