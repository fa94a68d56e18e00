# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""One authenticated session with the API: how a request is sent, tried again, and how its failure is told."""

from __future__ import annotations

import ipaddress
import json
import random
import re
import typing as t
import warnings
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection, is_loopback
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._redaction import quote
from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, MaxRetryError, NewConnectionError, ReadTimeoutError, SSLError
    from urllib3.util.retry import Retry
except ImportError:
    HAS_REQUESTS = False
    Retry = object  # type: ignore[assignment,misc]
else:
    HAS_REQUESTS = True

LONGEST_RETRY_AFTER = 60
_RETRIED_STATUSES = (429, 500, 502, 503, 504)
_LONGEST_BACKOFF = 30
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MOST_CONNECTIONS = 1000  # kept open; urllib3 makes a place for each beforehand


class _Retry(Retry):
    """urllib3's policy, but for how long it waits, and for what no further try can mend."""

    RETRY_AFTER_STATUS_CODES: frozenset[int] = frozenset()  # it would add 413 to the statuses asked for

    def get_backoff_time(self) -> float:
        # With jitter, so that the pages in flight do not all come back at the same moment.
        return float(min(_LONGEST_BACKOFF, 2 ** min(len(self.history), 10) / 2) * random.uniform(0.5, 1))  # noqa: S311 - not for secrets

    def get_retry_after(self, response: t.Any) -> t.Optional[float]:
        try:
            seconds = super().get_retry_after(response)
        except (HTTPError, ValueError, OverflowError):
            return None  # neither seconds nor a date
        return None if seconds is None else float(seconds)

    def increment(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        error, response = kwargs.get("error"), kwargs.get("response")
        too_long = response is not None and (self.get_retry_after(response) or 0) > LONGEST_RETRY_AFTER
        if too_long or isinstance(error, SSLError):
            raise _no_more_tries(error)
        return super().increment(*args, **kwargs)


def _no_more_tries(reason: t.Any) -> MaxRetryError:
    return MaxRetryError(t.cast("t.Any", None), "", reason)


class Client:
    """A session with the API. Use it as a context manager; `get` may be called from several threads.

    What it returns is decoded by `decode`, on the one thread that needs the data: memory that a thread has used for it is not
    given to the others.
    """

    def __init__(self, connection: Connection) -> None:
        if not HAS_REQUESTS:
            raise RequestError(missing_required_lib("requests"))
        self.connection = connection
        self._secrets = (connection.partner_token,)
        self._session = session = requests.Session()
        session.headers.update({"Accept": "application/json", "User-Agent": f"ansible-zapi/{VERSION}"})
        session.auth = self._authenticate
        # Even where redirects are not followed, requests reads their target, and fails if that makes no sense.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign] # noqa: ARG005
        self._read_environment()
        self._policy = _Retry(total=connection.retries, status_forcelist=_RETRIED_STATUSES, raise_on_status=False)
        adapter = HTTPAdapter(max_retries=self._policy, pool_maxsize=min(connection.concurrency, _MOST_CONNECTIONS))
        session.mount("https://", adapter)
        session.mount("http://", adapter)

    def __enter__(self) -> Client:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def _authenticate(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Bearer {self.connection.partner_token}"
        return request

    def _read_environment(self) -> None:
        """Take proxies and the CA bundle from the environment once, rather than with every request, and no more than that.

        A .netrc, which requests would read as well, must not replace the token. A plain http address is this very machine:
        a proxy elsewhere could not reach it, and would see the token.
        """
        session, connection = self._session, self.connection
        verify = connection.validate_certs and (connection.ca_path or True)
        found = session.merge_environment_settings(connection.api_url, {}, None, verify, None)
        session.trust_env = False
        session.verify = found["verify"]
        session.proxies = found["proxies"]
        if connection.api_url.startswith("http:"):
            session.proxies = {scheme: proxy for scheme, proxy in session.proxies.items() if _is_local(proxy)}
        if not connection.validate_certs:
            warnings.filterwarnings("ignore", category=InsecureRequestWarning)

    def get(self, path: str, **parameters: t.Any) -> t.Any:
        """Return the response to ``GET path``, with its body; parameters that are None are left out. Raises `RequestError`."""
        policy = self._policy
        while True:
            try:
                return self._session.get(
                    self.connection.api_url + path,
                    params=parameters,
                    timeout=self.connection.timeout,
                    allow_redirects=False,
                )
            except (OSError, HTTPError) as error:  # requests' own exceptions are OSErrors
                failure = error
            try:
                # requests reads the body when urllib3's own tries are over: a broken one counts here, by the same policy.
                if not _is_broken_body(failure):
                    raise _no_more_tries(failure)
                policy = policy.increment("GET", path, error=failure)
            except MaxRetryError:
                raise RequestError(f"{self.describe(path)} failed: {self._failure(failure)}") from None
            policy.sleep()

    def decode(self, path: str, response: t.Any) -> t.Any:
        """Return the JSON of the response to ``GET path``. Raises `RequestError` where there is none, or a refusal."""
        problem = None if 200 <= response.status_code < 300 else self._refusal(response)
        try:
            # RFC 8259: JSON is UTF-8, whatever the header says.
            data = problem or _decoded(response.content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            problem = self._not_json(response)
        else:
            # Refusals come with any status, success included.
            if isinstance(data, dict) and "error" in data and "content" not in data:
                problem = self._refusal(response)
        if problem:
            raise RequestError(f"{self.describe(path)} {problem}")
        return data

    def describe(self, path: str) -> str:
        """Return the request's method and path, as messages name it."""
        return f"GET {urlsplit(self.connection.api_url).path}{path}"

    def _tries(self) -> str:
        return f" in {self.connection.retries + 1} tries" if self.connection.retries else ""

    def _failure(self, error: Exception) -> str:
        """Say why no answer came. The error's own words may hold anything: only its innermost reason is quoted."""
        server = urlsplit(self.connection.api_url).netloc
        reason = _innermost(error)
        said = quote(_words(reason), self._secrets)
        if isinstance(error, requests.exceptions.SSLError):
            return f"no trusted TLS connection to {server} ({said}): check api_url, ca_path and the system's certificates"
        if isinstance(error, requests.exceptions.ProxyError):
            return f"the environment's proxy gave no connection to {server} ({said}): check HTTPS_PROXY and NO_PROXY"
        if isinstance(error, requests.exceptions.Timeout) or isinstance(reason, ReadTimeoutError):
            return f"no answer from {server} within {self.connection.timeout:g} seconds{self._tries()}: try a longer timeout or a lower concurrency"
        if _is_broken_body(error):
            return f"the answer from {server} was cut off{self._tries()} ({said}): try again, or ask for smaller pages (page_size)"
        if isinstance(error, requests.exceptions.ConnectionError):
            return f"no connection to {server}{self._tries()} ({said}): check api_url and the network"
        return f"no request to {server} can be made ({said}): check api_url, ca_path and REQUESTS_CA_BUNDLE"

    def _not_json(self, response: t.Any) -> str:
        kind = quote(response.headers.get("Content-Type") or "of no stated type", self._secrets)
        return (
            f"was answered with something that is not JSON ({kind}): "
            "check that api_url is the API's address and that no proxy answers in its place"
        )

    def _refusal(self, response: t.Any) -> str:
        """Say what the server refused, in its words as far as they hold no secret, and what to do."""
        status, message = response.status_code, _message(response)
        if 300 <= status < 400:
            target = quote(_server(response.headers.get("Location") or "") or "elsewhere", self._secrets)
            return f"was redirected to {target} (status {status}), which is never followed: set api_url to the API's own address"
        trouble = _known_refusal(status, message)
        if trouble:
            return f"was refused with status {status}: {trouble}"
        said = quote(message, self._secrets)
        outcome = f"was answered with status {status}" + (f' and "{said}"' if said else "")
        if status == 401:
            return (
                f"{outcome}: the partner token is missing or wrong, check partner_token (environment variable ZAPI_PARTNER_TOKEN)"
            )
        if status == 403:
            return f"{outcome}: the partner token may not list instances, check partner_token and the account's security settings"
        if status in _RETRIED_STATUSES:
            wait = self._policy.get_retry_after(response.raw) or 0
            if wait > LONGEST_RETRY_AFTER:
                return (
                    f"{outcome}, asking to wait {wait:.0f} seconds, "
                    f"longer than the {LONGEST_RETRY_AFTER} that are waited for: try again later"
                )
            if status == 429:
                return f"{outcome}{self._tries()}: too many requests, lower concurrency or raise page_size"
            return f"{outcome}{self._tries()}: the service has trouble, try again later"
        return f"{outcome}: check that api_url is the API's address"


def _server(url: str) -> str:
    """Return the host and port of a URL, or nothing where there are none to be found."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _is_local(proxy: str) -> bool:
    try:
        return is_loopback(urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname or "")
    except ValueError:
        return False


def _is_broken_body(error: Exception) -> bool:
    """Whether the answer began and then broke: outside urllib3's own tries, its errors come without a MaxRetryError."""
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return True
    return isinstance(error, requests.exceptions.ConnectionError) and isinstance(next(iter(error.args), None), ReadTimeoutError)


def _innermost(error: BaseException) -> BaseException:
    """Follow the chain of wrapped errors to the one that says what happened."""
    wrapped = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
    return _innermost(wrapped[-1]) if wrapped else error


def _words(error: BaseException) -> str:
    text = str(error)
    # urllib3 puts the connection object in front.
    return text.rpartition(": ")[2] if isinstance(error, NewConnectionError) else text


def _decoded(text: str) -> t.Any:
    data = json.loads(text)
    if _SURROGATE.search(text):
        # Half a surrogate pair (an emoji cut in two) is no character: it could not be printed or written to any file.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return data


def _message(response: t.Any) -> str:
    """What a JSON answer gives as its error, or nothing: pages from a proxy say nothing of use."""
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    message = (data.get("error") or data.get("message")) if isinstance(data, dict) else None
    return message if isinstance(message, str) else ""


def _known_refusal(status: int, message: str) -> t.Optional[str]:
    """Name the refusals that Z-API is known for. Their own words repeat a secret, so they are not quoted."""
    if "client-token is not configured" in message.lower():
        return "the server demands a Client-Token, which a partner's calls do not need: check api_url and the account's security settings"
    subject, refused, _rest = message.lower().partition("not allowed")
    if not refused:
        return None
    if re.search(r"client-?token|\bnull\b", subject):
        return "the Client-Token is missing or wrong, which a partner's calls do not need: check api_url and the account's security settings"
    address = _ip_address(subject)
    if address or re.search(r"\bip\b", subject):
        return f"the account accepts listed IP addresses only{f', and {address} is not one' if address else ''}: add this machine's address to the list"
    if status == 405:
        return None  # the method is not
    return "the credentials are not allowed: check partner_token and the account's security settings"


def _ip_address(text: str) -> t.Optional[str]:
    for word in re.split(r"[^0-9A-Fa-f.:]+", text):
        try:
            return str(ipaddress.ip_address(word))
        except ValueError:
            continue
    return None
