# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""A session with the API: how requests are sent, limited and retried."""

from __future__ import annotations

import contextlib
import logging
import random
import re
import resource
import threading
import typing as t
import warnings
from concurrent.futures import FIRST_COMPLETED, wait
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.zapi.zapi.plugins.module_utils._core.errors import MessageError, Reason, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._core.urls import is_loopback
from ansible_collections.zapi.zapi.plugins.module_utils._core.version import VERSION
from ansible_collections.zapi.zapi.plugins.module_utils._secrets import Secrets

from . import failures
from .exchange import Abandoned, CredentialKind, Pending, Pool, Request, Response
from .failures import MAX_RETRY_AFTER, TRANSIENT, UnusableResponse

if t.TYPE_CHECKING:
    from ansible_collections.zapi.zapi.plugins.module_utils._core.options import Connection

try:
    import requests
    from urllib3.exceptions import HTTPError, InsecureRequestWarning
    from urllib3.util.retry import Retry
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

DEADLINE = 10
"""The maximum duration of an attempt, as a multiple of ``timeout``."""
MAX_RESPONSE = 64 * 1024 * 1024
"""Bytes of one response, decompressed."""
MAX_HELD = 4 * MAX_RESPONSE
"""Bytes of all responses of a group that are not decoded yet."""
_MAX_ERROR = 1024 * 1024  # bytes that are read of a response that is an error
_CHUNK = 16 * 1024  # compressed bytes; old releases of urllib3 decompress a chunk as a whole
_MAX_BACKOFF = 30  # seconds
_MAX_CONNECTIONS = 1000  # urllib3 reserves memory for each of them
_MAX_WAIT = 1  # seconds; Python handles a signal after the wait if another thread received it
_OTHER_FILES = 32  # that a process may have open beside its connections
_ENCODINGS = ("", "identity", "gzip", "x-gzip")


class Session:
    """A session with the API. Use it as a context manager: on exit its connections are closed, and no thread is waited for.

    ``concurrency`` is the maximum number of concurrent requests; ``secrets`` are those that every request may carry.
    """

    def __init__(self, connection: Connection) -> None:
        """Raise `RequestError` if the environment has an invalid proxy, `MessageError` if requests is not installed."""
        if not HAS_REQUESTS:
            raise MessageError(missing_required_lib("requests"))
        for name in ("requests", "urllib3"):
            logging.getLogger(name).propagate = False  # their log messages contain what servers sent
        self.connection = connection
        self.concurrency = min(connection.concurrency, _max_connections())
        self.server = urlsplit(connection.api_url).netloc
        self._base_path = urlsplit(connection.api_url).path
        self._session = session = requests.Session()
        session.headers.update({
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Cache-Control": "no-cache",
            "User-Agent": f"ansible-zapi/{VERSION}",
        })  # fmt: skip
        # A cookie that a server sets for one instance must not be sent with the calls of another one.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # requests parses the target of a redirect that it does not follow, and fails if it is invalid.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign] # noqa: ARG005
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=self.concurrency)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._proxy_variable, userinfo = self._use_environment()
        self._secrets = [secret for secret in (connection.partner_token, connection.client_token, *userinfo) if secret]
        self.secrets = Secrets(self._secrets)
        self._pool = Pool(self.concurrency)

    def __enter__(self) -> Session:  # noqa: PYI034 - Self requires Python 3.11
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pool.close()
        self._session.close()

    def group(self) -> RequestGroup:
        """Return a new group of requests. Use it as a context manager."""
        return RequestGroup(self)

    def label(self, request: Request) -> str:
        """Return the method and path of a request as messages name it."""
        return f"{request.method} {self._base_path}{request.shown}"

    def decode(self, request: Request, response: Response) -> t.Any:
        """Return the JSON value of a response. Raises `RequestError` if it is a failure or not JSON."""
        if response.is_success:
            if request.body is not None and not response.content.strip():
                return {}  # some calls that set something return an empty body
            try:
                data = response.json()
            except ValueError:
                raise failures.not_json(self.label(request), response, self._secrets_of(request)) from None
            expected = request.expected_fields
            # An error can come with any status. An empty error beside other fields is not a failure.
            if not isinstance(data, dict) or "error" not in data or not data.keys().isdisjoint(expected or ()):
                return data
            if not data["error"] and len(data) > 1:
                return data
        error = failures.of_response(self.label(request), request, response, self._secrets_of(request))
        if response.is_success and request.expected_fields is None and error.reason.code == "call_rejected":
            return data
        raise error

    def _secrets_of(self, request: Request) -> Secrets:
        return Secrets([*self._secrets, *request.secrets])

    def _use_environment(self) -> tuple[t.Optional[str], list[str]]:
        """Use the proxies and the CA bundle of the environment. Return the variable with the proxy, and its user name and password.

        They are read once, and nothing else is: a .netrc would replace the token. Plain http only leads to this machine, so a proxy
        on another one is not used for it: it would see the token.
        """
        session, connection = self._session, self.connection
        verify = connection.validate_certs and (connection.ca_path or True)
        try:
            settings = session.merge_environment_settings(connection.api_url, {}, None, verify, None)
        except ValueError:
            raise RequestError(Reason("invalid_no_proxy", {"server": self.server})) from None
        session.trust_env = False
        session.verify, session.proxies = settings["verify"], settings["proxies"]
        if not connection.validate_certs:
            warnings.filterwarnings("ignore", category=InsecureRequestWarning)
        scheme = urlsplit(connection.api_url).scheme
        if scheme == "http":
            session.proxies = {name: proxy for name, proxy in session.proxies.items() if is_loopback(_proxy_host(proxy) or "")}
        proxy = requests.utils.select_proxy(connection.api_url, session.proxies)
        if not proxy:
            return None, []
        variable = f"{scheme.upper()}_PROXY" if scheme in session.proxies else "ALL_PROXY"
        if _proxy_host(proxy) is None:
            raise RequestError(Reason("invalid_proxy", {"variable": variable}))
        parts = [part for part in proxy.rpartition("@")[0].rpartition("//")[2].split(":") if len(part) > 2]
        return variable, [*parts, *map(unquote, parts)]

    def _send(self, pending: Pending, group: RequestGroup) -> Response:
        """Send a request until it has a response, on a thread of the pool. Raises `RequestError`, `Abandoned`."""
        request, attempts = pending.request, 0
        while True:
            group.check()
            attempts += 1
            response = failure = None
            pending.begin_attempt(DEADLINE * self.connection.timeout)
            try:
                response = self._attempt(request, group)._replace(attempts=attempts)
            except Abandoned:
                raise
            except Exception as error:  # noqa: BLE001 - servers and proxies make the libraries fail in many ways
                failure = error
            finally:
                pending.end_attempt()
            if response is not None and response.is_success:
                return response
            if attempts <= self.connection.retries and _is_worth_another_attempt(response, failure):
                group.sleep(_pause(attempts, response))
            elif response is not None:
                return response
            else:
                raise self._failure(t.cast("Exception", failure), request, attempts)

    def _attempt(self, request: Request, group: RequestGroup) -> Response:
        connection = self.connection
        headers = {}
        if request.kind is CredentialKind.PARTNER:
            headers["Authorization"] = f"Bearer {connection.partner_token}"
        elif connection.client_token:
            headers["Client-Token"] = connection.client_token
        with contextlib.closing(
            self._session.request(
                request.method,
                connection.api_url + request.path,
                params=request.parameters,
                json=request.body,
                headers=headers,
                timeout=connection.timeout,
                allow_redirects=False,
                stream=True,
            )
        ) as response:
            content = _read(response, group)
            headers_of = response.headers
            return Response(
                response.status_code,
                content,
                headers_of.get("Content-Type") or "",
                headers_of.get("Location") or "",
                _retry_after(headers_of.get("Retry-After")),
            )

    def _failure(self, error: Exception, request: Request, attempts: int) -> RequestError:
        return failures.of_exception(
            error,
            self.label(request),
            self.server,
            attempts,
            timeout=self.connection.timeout,
            proxy_variable=self._proxy_variable,
            secrets=self._secrets_of(request),
        )

    def _submit(self, pending: Pending, group: RequestGroup) -> None:
        try:
            self._pool.submit(pending, lambda: self._send(pending, group))
        except RuntimeError:
            pending.set_exception(self._no_thread(pending))

    def _abandon_if_overdue(self, pending: Pending) -> None:
        seconds = DEADLINE * self.connection.timeout
        values = {"request": self.label(pending.request), "server": self.server, "seconds": seconds}
        if pending.abandon_if_overdue(RequestError(Reason("deadline", values))):
            try:
                self._pool.replace_thread()
            except RuntimeError:
                raise self._no_thread(pending) from None

    def _no_thread(self, pending: Pending) -> RequestError:
        return RequestError(Reason("no_thread", {"request": self.label(pending.request), "server": self.server}))


class RequestGroup:
    """Requests that belong together. After the exit of this context manager none of them is sent or retried."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._is_over = threading.Event()
        self._held = 0
        self._lock = threading.Lock()

    def __enter__(self) -> RequestGroup:  # noqa: PYI034
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._is_over.set()

    def start(self, request: Request) -> Pending:
        """Send a request on another thread."""
        pending = Pending(request)
        self.session._submit(pending, self)
        return pending

    def wait_for_any(self, pending: t.Collection[Pending]) -> set[Pending]:
        """Return those that have a response or have failed, as soon as there is one."""
        while True:
            seconds = min(_MAX_WAIT, *(one.seconds_left for one in pending))
            done, others = wait(pending, timeout=seconds, return_when=FIRST_COMPLETED)
            if done:
                return t.cast("set[Pending]", done)
            for one in others:
                self.session._abandon_if_overdue(t.cast("Pending", one))

    def decode(self, pending: Pending) -> t.Any:
        """Wait for a response and return its JSON value. Raises `RequestError`."""
        self.wait_for_any([pending])
        response = pending.result()
        if response.is_success:
            self.hold(-len(response.content))
        return self.session.decode(pending.request, response)

    def check(self) -> None:
        """Raise `Abandoned` if no response of this group is needed any more."""
        if self._is_over.is_set():
            raise Abandoned

    def sleep(self, seconds: float) -> None:
        """Wait before another attempt, at most until the group is over."""
        self._is_over.wait(seconds)

    def hold(self, size: int) -> None:
        """Count bytes of responses that are kept, or, if negative, released. Raises `UnusableResponse`."""
        with self._lock:
            self._held += size
            if size > 0 and self._held > MAX_HELD:
                raise UnusableResponse("too_large", limit=MAX_HELD // 1024**2)


def _read(response: t.Any, group: RequestGroup) -> bytearray:
    """Return the body of a streamed response of `requests`; of an error only the beginning."""
    is_success = 200 <= response.status_code < 300
    encoding = (response.headers.get("Content-Encoding") or "").strip().lower()
    if encoding not in _ENCODINGS:
        if is_success:
            raise UnusableResponse("unexpected_encoding", encoding=encoding)
        return bytearray()
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            group.check()
            body += chunk
            if not is_success:
                if len(body) > _MAX_ERROR:
                    break
                continue
            group.hold(len(chunk))
            if len(body) > MAX_RESPONSE:
                raise UnusableResponse("too_large", limit=MAX_RESPONSE // 1024**2)
        if is_success and _is_cut_off(response):
            raise UnusableResponse("cut_off")
    except BaseException:
        if is_success:
            group.hold(-len(body))
        raise
    return body


def _is_cut_off(response: t.Any) -> bool:
    """Return whether a body has fewer bytes than announced: not every release of urllib3 checks this itself."""
    length = response.headers.get("Content-Length") or ""
    has_length = re.fullmatch("[0-9]{1,20}", length) and "Transfer-Encoding" not in response.headers
    return bool(has_length) and response.raw.tell() < int(length)


def _is_worth_another_attempt(response: t.Optional[Response], failure: t.Optional[Exception]) -> bool:
    if response is None:
        return failures.may_succeed_later(t.cast("Exception", failure))
    return response.status in TRANSIENT and response.retry_after <= MAX_RETRY_AFTER


def _pause(attempts: int, response: t.Optional[Response]) -> float:
    if response is not None and response.retry_after:
        return response.retry_after
    # With jitter, so that concurrent requests are not all retried at the same moment.
    return float(min(_MAX_BACKOFF, 2 ** min(attempts, 10) / 2)) * random.uniform(0.5, 1)  # noqa: S311 - not for secrets


def _retry_after(value: t.Optional[str]) -> float:
    """Return a Retry-After header in seconds from now; 0 if it is missing or invalid."""
    try:
        return max(0.0, float(Retry().parse_retry_after(value))) if value else 0.0
    except (HTTPError, ValueError, OverflowError):
        return 0.0


def _max_connections() -> int:
    """Return how many connections this process can open: each of them may need a second file while TLS is set up."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(1, min(_MAX_CONNECTIONS, (limit - _OTHER_FILES) // 2))


def _proxy_host(proxy: str) -> t.Optional[str]:
    """Return the host of a proxy's URL; None if it is not a URL."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        port = parts.port
    except ValueError:
        return None
    return parts.hostname if port != 0 else None
