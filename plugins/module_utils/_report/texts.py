# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""The catalogue of texts: one for each code of a `Reason`. No other file makes a text of a code."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import Reason, ZapiError

Values = t.Mapping[str, t.Any]
Template = t.Union[str, t.Callable[[Values], str]]

_CHECK_API_URL = "check that api_url is the API's address"
_REJECTED = "{request} was rejected with status {status}"
_ANSWERED = "{request} was answered with {answer}"
_OTHER_SHAPE = "{request} was answered with JSON of another shape"
_INCOMPLETE = "{request} returned no complete listing in {listings} attempts"
_LISTING = "try again later or with another page_size, and check that api_url is the API's address"
_MAX_IDS = 10
_LAPSED = "the subscription has lapsed: renew or cancel it"
_NO_INSTANCE = "no instance has this ID and token (any more), check credentials"


class Catalogue(t.NamedTuple):
    """The texts of one language by code, and the parts of texts that depend on several values."""

    texts: t.Mapping[str, Template]
    derived: t.Mapping[str, t.Callable[[Values], str]]


def text(reason: t.Optional[Reason], catalogue: t.Optional[Catalogue] = None) -> t.Optional[str]:
    """Return the text of a reason, in one line, in English unless a catalogue is given. Its values must be masked."""
    if reason is None:
        return None
    catalogue = catalogue or ENGLISH
    template = catalogue.texts[reason.code]
    return template(reason.values) if callable(template) else template.format_map(Shown(reason.values, catalogue))


def error_text(error: ZapiError) -> str:
    """Return the message of an error, in one line."""
    return str(text(error.reason))


def printable(line: str) -> str:
    """Return the text with escapes for line breaks and control characters, which a customer may have put into a name."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def quoted(value: t.Any) -> str:
    """Return a JSON value as messages show it: texts are in quotes, on one line."""
    return printable(json.dumps(value, ensure_ascii=False))


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


class Shown(dict[str, t.Any]):
    """The values of a reason as a template shows them, and what templates derive from several of them."""

    def __init__(self, values: Values, catalogue: t.Optional[Catalogue] = None) -> None:
        self._catalogue = catalogue or ENGLISH
        super().__init__({name: _shown(value, self._catalogue) for name, value in values.items()})

    def __missing__(self, name: str) -> str:
        return self._catalogue.derived[name](self)


def _shown(value: t.Any, catalogue: Catalogue) -> t.Any:
    if isinstance(value, Reason):
        return text(value, catalogue)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_shown(item, catalogue)) for item in value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return printable(value) if isinstance(value, str) else value


def if_any(name: str, template: str, otherwise: str = "") -> t.Callable[[Values], str]:
    """Return a function that fills in the template if the value is not empty."""
    return lambda values: template.format_map(values) if values.get(name) else otherwise


_DERIVED: dict[str, t.Callable[[Values], str]] = {
    "answer": lambda values: f"status {values['status']}" + (f' and "{values["said"]}"' if values["said"] else ""),
    "words": if_any("said", " ({said})"),
    "tries": lambda values: f" after {values['attempts']} attempts" if values["attempts"] > 1 else "",
    "target_or_other": if_any("target", "{target}", "another address"),
    "excluded": if_any("address", ", and {address} is not one of them"),
    "content_type_or_missing": if_any("content_type", "{content_type}", "missing"),
    "max_changes_shown": lambda values: (
        f"{values['max_changes']}, at least 10" if "%" in values["max_changes"] else values["max_changes"]
    ),
    "field_or_response": if_any("field", "{field}", "the response"),
}


def _subscription_lapsed(values: Values) -> str:
    return _LAPSED if "request" not in values else f"{_ANSWERED}: {_LAPSED}".format_map(Shown(values))


def _unmatched_expectation(values: Values) -> str:
    subject = (
        "{expectation} matches no instance"
        if values["pattern"] is None
        else '{expectation}: the name "{pattern}" matches no instance'
    )
    near = '; the nearest name is "{nearest}"' if values["nearest"] else ""
    return f"{subject}{near}".format_map(Shown(values))


def _unknown_names(values: Values) -> str:
    ids = values["ids"]
    more = f" and {len(ids) - _MAX_IDS} more" if len(ids) > _MAX_IDS else ""
    return (
        f"of {counted(len(ids), 'instance')} the API did not return the name, so that expectations for a name do not apply: "
        f"{', '.join(map(printable, ids[:_MAX_IDS]))}{more}"
    )


def _credentials_rejected(values: Values) -> str:
    ids = values["ids"]
    first = text(values["first"])
    return f"the server rejects {len(ids)} of {values['credentials']} credentials: {', '.join(map(printable, ids))}; the first: {first}"


TEXTS: dict[str, Template] = {
    "message": lambda values: str(values["message"]),
    # Rows of drift
    "unknown": "the API did not return it",
    "null": "the API returned null",
    "case": "only upper and lower case differ",
    "muted": "muted: Z-API does not call this webhook, see settings.muted_webhooks",
    "foreign_hosts": "posted to by {webhooks}",
    "subscription_lapsed": _subscription_lapsed,
    "restore_session": "restore the session; this needs no QR code",
    "scan_qr_code": "scan a QR code",
    "placeholder_empty": "the value of {placeholder} is empty or consists of dots",
    "masked_difference": "they differ only in the masked part, which show_url_secrets shows",
    "nearest_name": 'the nearest name is "{name}"',
    "nearest_id": 'the nearest ID is "{id}"',
    # Plans
    "any_placeholder": "a URL with {{any}} cannot be set: the value in its place is not known",
    "no_token": "the API did not return the token of the instance, which its own calls need",
    "unknown_lists": "one call sets both muted lists, and the API did not return both",
    "unknown_filter": "no call is known that mutes {filters}",
    "side_effect": "setting {webhook} turns it on",
    "side_effect_unknown": "this turns {setting} on; the API did not return whether it was on before",
    "nothing_managed": "nothing was set: no expectation matches any of the {instances} instances",
    "missing_instances": "nothing was set: instances are missing, and on_missing is error",
    "too_many_changes": "nothing was set: {needed} of {managed} managed instances need changes, and max_changes ({max_changes_shown}) "
    "allows {limit}: review the plan with --check --diff; max_changes=100% allows all of them",
    # Outcomes of changes
    "after_failure": "not tried, because an earlier call failed: {error}",
    "old_value": "the call succeeded, but the old value is still there",
    "other_value": "it has another value: {value}; the server may have normalised it",
    "set_despite_error": "it is set, although the call failed: {error}",
    "not_returned": "not read back: the API does not return it",
    "not_read_back": "not read back: {error}",
    "instance_gone": "the instance is gone",
    "canary_differs": "the first instance (canary) is not as it was set to be, and no other instance was changed",
    "canary_not_read_back": "the first instance (canary) could not be read back, and no other instance was changed: {error}",
    "canaries_rejected": "the server rejected the changes of the first instances (canaries, up to {instances}), and no other instance was "
    "changed: exclude them with only, or with an expectation that ignores these attributes",
    "failures_in_a_row": "{instances} instances in a row failed, and the others were not tried",
    # Warnings
    "expectation_ended": "{expectation} ended on {until} and has no effect",
    "http_url": "{expectation}: {attribute} is declared with an http URL, which sends messages unencrypted ({url})",
    "unmatched_expectation": _unmatched_expectation,
    "unknown_name": '{expectation}: no instance is known to have the name "{name}", but the API did not return all names',
    "unknown_names": _unknown_names,
    "unknown_filters": lambda values: (
        f"of {counted(values['instances'], 'instance')} the mute filters are unknown: expect settings.muted_webhooks to check them"
    ),
    "planned_filters": lambda values: (
        f"of {counted(values['instances'], 'instance')} the mute filters were read for this plan only: "
        "expect settings.muted_webhooks to audit them"
    ),
    "empty_fleet": "the fleet is empty: there is no instance to compare",
    # The server rejects a request
    "redirected": "{request} was redirected to {target_or_other} (status {status}); redirects are never followed: "
    "set api_url to the API's own address",
    "client_token_required": f"{_REJECTED}: the account requires a Client-Token, set client_token "
    "(environment variable ZAPI_CLIENT_TOKEN) to the account's security token",
    "client_token_rejected": f"{_REJECTED}: the Client-Token is missing or wrong, check client_token "
    "(environment variable ZAPI_CLIENT_TOKEN): it is the account's security token",
    "client_token_not_sent": f"{_REJECTED}: the server expects a Client-Token, which a partner's calls do not need: "
    "check api_url and the account's security settings",
    "ip_not_allowed": f"{_REJECTED}: the account accepts listed IP addresses only{{excluded}}: add this machine's address to the list",
    "wrong_path": f"{_ANSWERED}: the server has no such path, {_CHECK_API_URL}",
    "partner_token_rejected": f"{_ANSWERED}: the partner token is wrong or may not list instances, check partner_token "
    "(environment variable ZAPI_PARTNER_TOKEN) and the account's security settings",
    "credential_rejected": f"{_ANSWERED}: {_NO_INSTANCE}",
    "every_credential_rejected": f"{_ANSWERED}: {_NO_INSTANCE}; the server rejects all credentials, so check api_url as well",
    "too_many_requests": f"{_ANSWERED}{{tries}}: too many requests, lower concurrency",
    "service_unavailable": f"{_ANSWERED}{{tries}}: the service is overloaded or fails, try again later",
    "retry_after_too_long": f"{_ANSWERED}: the server asks to wait {{seconds}} seconds, more than the maximum of {{limit}}: "
    "try again later",
    "unexpected_status": f"{_ANSWERED}: {_CHECK_API_URL}",
    "call_rejected": "{request} was rejected with {answer}",
    "value_false": '{request} was answered with {{"value": false}}: the server rejects the value',
    "not_json": f"{{request}} was not answered with JSON (content type {{content_type_or_missing}}): {_CHECK_API_URL} "
    "and that no proxy answers in its place",
    "unexpected_encoding": "{request} was answered with the Content-Encoding {encoding}, which was not requested: "
    "check api_url and the proxies in between",
    "credentials_rejected": _credentials_rejected,
    # A request gets no usable answer
    "deadline": "{request} failed: the response from {server} was not complete within {seconds:g} seconds, 10 times the timeout: "
    "increase timeout, or reduce page_size or concurrency",
    "timeout": "{request} failed: {server} sent nothing for {seconds:g} seconds{tries}: increase timeout or lower concurrency",
    "too_large": "{request} failed: the responses from {server} exceed {limit} MiB: reduce page_size or concurrency",
    "cut_off": "{request} failed: the response from {server} was cut off{tries}{words}: try again, or reduce page_size",
    "connection_failed": "{request} failed: cannot connect to {server}{tries}{words}: check api_url and the network",
    "tls_failed": "{request} failed: no trusted TLS connection to {server}{words}: check api_url, ca_path and the system's certificates",
    "proxy_failed": "{request} failed: the proxy does not connect to {server}{tries}{words}: "
    "check the environment variables {variable} and NO_PROXY",
    "invalid_proxy": "the environment variable {variable} is not the URL of a proxy",
    "invalid_no_proxy": "cannot connect to {server}: the environment variable NO_PROXY contains an invalid host",
    "invalid_request": "{request} failed: the request cannot be sent{words}: "
    "check api_url, ca_path and the environment variable REQUESTS_CA_BUNDLE",
    "no_thread": "{request} failed: this machine cannot start another thread: try again when it is less busy",
    # The answers do not add up
    "wrong_shape": f"{_OTHER_SHAPE}: {{field_or_response}} is {{found}} instead of {{expected}}: {_CHECK_API_URL}",
    "other_instance": f"{{request}} was answered for another instance: {_CHECK_API_URL}",
    "wrong_entry": f"{_OTHER_SHAPE}: entry {{position}} of page {{page}} is {{found}} instead of object: {_CHECK_API_URL}",
    "entry_without_id": f"{_OTHER_SHAPE}: entry {{position}} of page {{page}} has no ID: {_CHECK_API_URL}",
    "total_changed": f"{_INCOMPLETE}: the number of instances changed from {{before}} to {{after}}: {_LISTING}",
    "instance_repeated": f"{_INCOMPLETE}: an instance was returned twice, the second time on page {{page}}: {_LISTING}",
    "page_length": f"{_INCOMPLETE}: page {{page}} has {{entries}} entries instead of {{expected}}: {_LISTING}",
    "instances_missing": f"{_INCOMPLETE}: {{entries}} of {{total}} instances were returned: {_LISTING}",
    "listings_differ": f"{_INCOMPLETE}: two listings in a row had different instances: {_LISTING}",
    "short_pages": "{request} returned fewer entries than its page size, even after {retries} retries (the last page had {entries}): "
    + _LISTING,
    "first_page": f"{{request}} returned {{entries}} entries on the first page, and a total of {{total}}: {_LISTING}",
    "pages_without_instances": f"{{request}} returned a total of 0 instances on {{pages}} pages: {_LISTING}",
    "page_size_zero": f"{{request}} returned a page size of 0: {_LISTING}",
    "page_count": f"{{request}} returned a page count of {{pages}} for {{total}} instances with {{page_size}} on a page: {_LISTING}",
    "wrong_page": f"{{request}} returned page {{found}} instead of page {{page}}: {_LISTING}",
}

ENGLISH = Catalogue(TEXTS, _DERIVED)
