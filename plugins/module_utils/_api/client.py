# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or go in any release, without notice.
# What users may rely on are the plugins and modules, as their documentation describes them.

"""One session with the API: how a request is sent, tried again, and how its failure is told."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import re
import typing as t
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.zapi.zapi.plugins.module_utils._connection import Connection, is_loopback
from ansible_collections.zapi.zapi.plugins.module_utils._errors import RefusedCall, RefusedCredential, RefusedForAll, RequestError
from ansible_collections.zapi.zapi.plugins.module_utils._redaction import MASK, quote
from ansible_collections.zapi.zapi.plugins.module_utils._version import VERSION

from .bounds import LARGEST_ANSWER, MOST_HELD, Allowance, Bounded, Broken, Left, Overdue, TooLarge, read_body
from .leaving import nobody_waits
from .pool import Pool
from .refusals import LONGEST_RETRY_AFTER, PARTNER, Call, Refusal, explain, holds_for_all, is_of_credential, is_passing

try:
    import requests
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, NewConnectionError, ReadTimeoutError
    from urllib3.util.retry import Retry
except ImportError:
    HAS_REQUESTS = False
else:
    HAS_REQUESTS = True

DEADLINE = 10
"""How many times ``timeout`` a request as a whole may take."""
_LONGEST_BACKOFF = 30
_MOST_CONNECTIONS = 1000  # kept open; urllib3 makes a place for each beforehand
_MOST_DIGITS = 400
_LONGEST_MESSAGE = 20_000
# An answer as short as this is looked at where it arrives: if it is a refusal, nobody has to wait for the pages before it.
_SHORT = 1000
# How often somebody who waits looks whether there is still anybody to wait for, in seconds
_LOOK = 0.5
_NO_JSON = object()
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Answer(t.NamedTuple):
    """What came back: ``content`` is the body, decompressed and not yet decoded."""

    status: int
    content_type: str
    content: bytearray
    location: str = ""
    retry_after: float = 0


class Client:
    """A session with the API. Use it as a context manager. On leaving, nothing is asked any more, and no thread is waited for."""

    def __init__(self, connection: Connection, result: t.Optional[int] = None) -> None:
        """Open a session. ``result``: where a module writes its result, see `nobody_waits`."""
        if not HAS_REQUESTS:
            raise RequestError(missing_required_lib("requests"))
        _keep_quiet()
        self.connection = connection
        self._session = session = requests.Session()
        # One encoding alone, which can be decompressed piece by piece.
        session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Cache-Control": "no-cache",
                "User-Agent": f"ansible-zapi/{VERSION}",
            }
        )
        # What a server has one call keep must not go out with another instance's.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Even where redirects are not followed, requests reads their target, and fails if that makes no sense.
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign] # noqa: ARG005
        self._secrets = [token for token in (connection.partner_token, connection.client_token) if token]
        self._read_environment()
        self._adapter = Bounded(pool_maxsize=min(connection.concurrency, _MOST_CONNECTIONS))
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        self._pool = Pool(connection.concurrency)
        self._nobody_waits = nobody_waits(result)
        self._tasks: set[Task] = set()

    def __enter__(self) -> Client:  # noqa: PYI034 - Self came with Python 3.11
        return self

    def __exit__(self, *exc_info: object) -> None:
        for task in tuple(self._tasks):
            task.end()
        self._pool.close()
        self._session.close()

    def _read_environment(self) -> None:
        """Take proxies and the CA bundle from the environment once, rather than with every request, and no more than that.

        A .netrc, which requests would read as well, must not replace the token. A plain http address is this very machine:
        a proxy elsewhere could not reach it, and would see the token.
        """
        session, connection = self._session, self.connection
        verify = connection.validate_certs and (connection.ca_path or True)
        try:
            found = session.merge_environment_settings(connection.api_url, {}, None, verify, None)
        except ValueError:
            raise RequestError(f"no request to {self._server} can be made: NO_PROXY holds something that is no host") from None
        session.trust_env = False
        session.verify = found["verify"]
        session.proxies = found["proxies"]
        if connection.api_url.startswith("http:"):
            session.proxies = {scheme: proxy for scheme, proxy in session.proxies.items() if _is_local(proxy)}
        self._proxy = requests.utils.select_proxy(connection.api_url, session.proxies)
        self._secrets += _userinfo(self._proxy or "")
        if not connection.validate_certs:
            warnings.filterwarnings("ignore", category=InsecureRequestWarning)

    @property
    def _server(self) -> str:
        return urlsplit(self.connection.api_url).netloc

    def task(self, *, independent: bool = False) -> Task:
        """Return a new task, in which calls are made. Use it as a context manager.

        Where they are ``independent``, a call that fails is only its own matter.
        """
        return Task(self, independent)

    def ask(self, call: Call, parameters: t.Optional[t.Mapping[str, t.Any]] = None) -> t.Any:
        """Make one call, and return the JSON of its answer. Raises `RequestError`."""
        with self.task() as task:
            return task.decode(call, task.wait(task.start(call, parameters)))

    def describe(self, call: Call) -> str:
        """Return the request's method and path, as messages name it."""
        return f"{call.method} {urlsplit(self.connection.api_url).path}{call.shown}"

    def _send(self, call: Call, parameters: t.Optional[t.Mapping[str, t.Any]], task: Task) -> Answer:
        """Make one call, with all its tries, on a thread of the pool. Raises `RequestError`, `Left`."""
        tries = 0
        while True:
            task.allowance.check()
            answer = failure = None
            try:
                answer = self._try(call, parameters, task)
            except Left:
                raise
            except Exception as error:  # noqa: BLE001 - servers and proxy settings make libraries fail in ways of their own
                failure = error
            tries += 1
            if tries <= self.connection.retries and (_may_pass(failure) if failure else _is_worth_waiting_for(answer)):
                if answer is not None:
                    task.allowance.hold(-len(answer.content))
                task.allowance.rest(_pause(tries, answer))
                continue
            if failure or answer is None:
                why = self._failure(t.cast("Exception", failure), tries, call)
                raise RequestError(f"{self.describe(call)} failed: {why}") from None
            if len(answer.content) <= _SHORT or not 200 <= answer.status < 300:
                try:
                    self.read(call, answer, tries)
                except RequestError:
                    task.allowance.hold(-len(answer.content))  # others may go on
                    raise
            return answer

    def _try(self, call: Call, parameters: t.Optional[t.Mapping[str, t.Any]], task: Task) -> Answer:
        connection = self.connection
        self._adapter.limit(task.allowance, connection.timeout, DEADLINE * connection.timeout)
        response = self._session.request(
            call.method,
            connection.api_url + call.path,
            params=parameters,
            json=call.body,
            headers=self._credentials(call),
            timeout=connection.timeout,
            allow_redirects=False,
            stream=True,
        )
        try:
            content = read_body(response, task.allowance)
        finally:
            response.close()
        headers = response.headers
        return Answer(
            response.status_code,
            headers.get("Content-Type") or "",
            content,
            headers.get("Location") or "",
            _retry_after(headers.get("Retry-After")) if is_passing(response.status_code) else 0,
        )

    def _credentials(self, call: Call) -> dict[str, str]:
        """Return the headers that open a call: what opens the one kind is never sent with the other."""
        if call.advice is PARTNER:
            return {"Authorization": f"Bearer {self.connection.partner_token}"}
        return {"Client-Token": self.connection.client_token} if self.connection.client_token else {}

    def read(self, call: Call, answer: Answer, tries: int = 1) -> t.Any:
        """Return the JSON of the answer to a call. Raises `RequestError` where there is none, or a refusal, `RefusedCredential`."""
        if not 200 <= answer.status < 300:
            raise self._refusal(call, answer, tries)
        if call.body is not None and not answer.content.strip():
            return {}  # as at times it answers to what it has taken
        try:
            # RFC 8259: JSON is UTF-8, whatever the header says.
            data = _decoded(answer.content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            data = _NO_JSON
        if data is _NO_JSON:
            raise RequestError(f"{self.describe(call)} {self._not_json(call, answer)}")
        # Refusals come with any status, success included; what was asked for may have an error of its own to tell.
        if isinstance(data, dict) and "error" in data and not call.marks & set(data):
            raise self._refusal(call, answer, tries)
        return data

    def _refusal(self, call: Call, answer: Answer, tries: int) -> RequestError:
        in_json, message = _message(answer.content)
        own_words = message
        for sent in call.secrets:
            own_words = own_words.replace(sent, MASK)
        refusal = Refusal(answer.status, message, in_json, answer.location, answer.retry_after, own_words)
        kind: type[RequestError] = RequestError
        if is_of_credential(refusal, call.advice):
            kind = RefusedCredential
        elif holds_for_all(refusal):
            kind = RefusedForAll
        elif 400 <= answer.status < 500 and not is_passing(answer.status):
            kind = RefusedCall
        return kind(f"{self.describe(call)} {explain(refusal, call.advice, self._secrets_of(call), _in(tries))}")

    def _secrets_of(self, call: Call) -> list[str]:
        return [*self._secrets, *call.secrets]

    def _not_json(self, call: Call, answer: Answer) -> str:
        kind = quote(answer.content_type, self._secrets_of(call)) or "of no stated type"
        return (
            f"was answered with something that is not JSON ({kind}): "
            "check that api_url is the API's address and that no proxy answers in its place"
        )

    def _failure(self, error: Exception, tries: int, call: Call) -> str:
        """Say why no answer came. The error's own words may hold anything: only its innermost reason is quoted."""
        server, timeout = self._server, self.connection.timeout
        if isinstance(error, Overdue):
            return (
                f"the answer from {server} was not complete within {DEADLINE * timeout:g} seconds, {DEADLINE} times the timeout: "
                f"try a longer timeout, or {call.advice.relief}"
            )
        if isinstance(error, TooLarge):
            return (
                f"the answer from {server} is larger than {_mib(LARGEST_ANSWER)}, or those to all calls under way than "
                f"{_mib(MOST_HELD)}: {call.advice.relief}"
            )
        reason = _innermost(error)
        words = quote(_words(reason), self._secrets_of(call))
        said = f" ({words})" if words else ""
        if isinstance(error, requests.exceptions.SSLError):
            return f"no trusted TLS connection to {server}{said}: check api_url, ca_path and the system's certificates"
        if self._proxy and not _is_url(self._proxy):
            return f"the environment's proxy for {server} is no URL (it is not shown): check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
        if isinstance(error, requests.exceptions.ProxyError):
            return f"the environment's proxy gave no connection to {server}{said}: check HTTPS_PROXY and NO_PROXY"
        if _is_timeout(error):
            return f"no answer from {server} within {timeout:g} seconds{_in(tries)}: try a longer timeout or a lower concurrency"
        if isinstance(error, (Broken, HTTPError)):
            return f"the answer from {server} was cut off{_in(tries)}{said}: try again, or {call.advice.relief}"
        if isinstance(error, requests.exceptions.ConnectionError):
            return f"no connection to {server}{_in(tries)}{said}: check api_url and the network"
        return f"no request to {server} can be made{said}: check api_url, ca_path and REQUESTS_CA_BUNDLE"


class Task:
    """Calls that belong together: where one of them fails, nobody needs the others.

    Use it as a context manager, from one thread.
    """

    def __init__(self, client: Client, independent: bool = False) -> None:
        self._client = client
        self._independent = independent
        self._failed: Future[t.NoReturn] = Future()
        self.allowance = Allowance()
        client._tasks.add(self)

    def __enter__(self) -> Task:  # noqa: PYI034
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()

    def end(self) -> None:
        """Let go of all that is under way: it is neither asked again nor waited for."""
        self.allowance.over.set()
        self._client._tasks.discard(self)

    def start(self, call: Call, parameters: t.Optional[t.Mapping[str, t.Any]] = None) -> Future[Answer]:
        """Have a call made on another thread; parameters that are None are left out."""

        def work() -> Answer:
            try:
                return self._client._send(call, parameters, self)
            except RefusedCredential:
                raise  # which is the matter of one instance
            except BaseException as error:
                if not self._independent:
                    self._fail(error)
                raise

        try:
            return self._client._pool.submit(work)
        except RuntimeError:
            raise RequestError("this machine has no thread to spare for a request: try again when it has less to do") from None

    def _fail(self, error: BaseException) -> None:
        with contextlib.suppress(InvalidStateError):  # the first cause is what is told
            self._failed.set_exception(error)

    def wait(self, future: Future[Answer]) -> Answer:
        """Return the answer, or raise the first failure of any call of this task. Raises `RequestError`."""
        self.wait_for_any([future])
        return future.result()

    def wait_for_any(self, futures: t.Iterable[Future[Answer]]) -> set[Future[Answer]]:
        """Return those that are answered or have failed, as soon as there is one. Raises the first failure of any call of this task."""
        either: tuple[Future[t.Any], ...] = (*futures, self._failed)
        while True:
            done, _pending = wait(either, timeout=_LOOK, return_when=FIRST_COMPLETED)
            if self._failed in done:
                raise t.cast("BaseException", self._failed.exception())
            # Also where answers come fast: whoever sets things goes on for as long as they do.
            if self._client._nobody_waits():
                raise KeyboardInterrupt
            if done:
                return done

    def decode(self, call: Call, answer: Answer) -> t.Any:
        """Return the JSON of an answer, on the one thread that needs it. Raises `RequestError`.

        Memory that a thread has used for decoding is not given to the others.
        """
        self.allowance.hold(-len(answer.content))
        return self._client.read(call, answer)


def _keep_quiet() -> None:
    """Keep the libraries' own log messages, which hold what servers said, from the log of whoever runs this."""
    for name in ("requests", "urllib3"):
        logging.getLogger(name).propagate = False


def _mib(size: int) -> str:
    return f"{size // 1024**2} MiB"


def _in(tries: int) -> str:
    return f" in {tries} tries" if tries > 1 else ""


def _may_pass(error: t.Optional[Exception]) -> bool:
    """Whether a request that failed may get an answer the next time."""
    if isinstance(error, requests.exceptions.SSLError):
        return False
    return isinstance(error, (Broken, HTTPError, requests.exceptions.ConnectionError, requests.exceptions.Timeout))


def _is_worth_waiting_for(answer: t.Optional[Answer]) -> bool:
    return answer is not None and is_passing(answer.status) and answer.retry_after <= LONGEST_RETRY_AFTER


def _pause(tries: int, answer: t.Optional[Answer]) -> float:
    if answer is not None and answer.retry_after:
        return answer.retry_after
    # With jitter, so that the calls in flight do not all come back at the same moment.
    return float(min(_LONGEST_BACKOFF, 2 ** min(tries, 10) / 2)) * random.uniform(0.5, 1)  # noqa: S311 - not for secrets


def _retry_after(value: t.Optional[str]) -> float:
    """Seconds from now, 0 where the header is missing or makes no sense."""
    try:
        return max(0.0, float(Retry().parse_retry_after(value))) if value else 0.0
    except (HTTPError, ValueError, OverflowError):
        return 0.0  # neither seconds nor a date


def _is_timeout(error: Exception) -> bool:
    if isinstance(error, (requests.exceptions.Timeout, ReadTimeoutError, TimeoutError)):
        return True
    return isinstance(_innermost(error), ReadTimeoutError)


def _is_local(proxy: str) -> bool:
    try:
        return is_loopback(urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname or "")
    except ValueError:
        return False


def _is_url(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _userinfo(proxy: str) -> list[str]:
    """The user name and the password in a proxy's address, as they stand there and as they are meant."""
    userinfo = proxy.rpartition("@")[0].rpartition("//")[2]
    parts = {part for part in userinfo.split(":") if part}
    return sorted(parts | {unquote(part) for part in parts})


def _innermost(error: BaseException) -> BaseException:
    """Follow the chain of wrapped errors to the one that says what happened."""
    wrapped = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
    return _innermost(wrapped[-1]) if wrapped else error


def _words(error: BaseException) -> str:
    text = str(error)
    # urllib3 puts the connection object in front.
    return text.rpartition(": ")[2] if isinstance(error, NewConnectionError) else text


def _integer(digits: str) -> t.Optional[int]:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _number(digits: str) -> t.Optional[float]:
    value = float(digits) if len(digits) <= _MOST_DIGITS else None
    return None if value in (float("inf"), float("-inf")) else value


# What no other program could read again (an endless number, NaN) is null.
_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=lambda _name: None)


def _decoded(text: str) -> t.Any:
    data = _DECODER.decode(text)
    if _SURROGATE.search(text):
        # Half a surrogate pair (an emoji cut in two) is no character: it could not be printed or written to any file.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return data


def _message(content: bytearray) -> tuple[bool, str]:
    """Whether an answer gives an error in JSON, and its words. Pages from a proxy say nothing of use."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return False, ""
    message = (data.get("error") or data.get("message")) if isinstance(data, dict) else None
    return bool(message), message[:_LONGEST_MESSAGE] if isinstance(message, str) else ""
