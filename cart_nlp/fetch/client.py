"""A polite client of ClinicalTrials.gov's v2 API, whose answers are bounded in size and in time."""

from __future__ import annotations

import contextlib
import email.utils
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from cart_nlp import shallow

API = "https://clinicaltrials.gov/api/v2"
PAGE = 1_000
"""Studies a page, the most that the API gives."""
PAUSE = 1.2
"""Seconds between two requests: the API allows about fifty a minute."""
TRIES = 6
CONNECT_TRIES = 3
LONGEST_WAIT = 120.0
ANSWER_BYTES = 64 << 20
"""Bytes of an answer, unpacked; a page of a thousand studies with results has half of that."""
ANSWER_VALUES = 4_000_000
"""JSON values of an answer, so many that they fill some hundred megabytes."""
PATIENCE = 5.0
"""How many times the time-out a whole answer may take, however it trickles."""
REDIRECTS = 5
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_SMALLER = "a smaller --page-size"


class FetchError(Exception):
    """A download that failed: one line with what was asked, what came and what to do."""


class _Again(Exception):
    """A fault that may pass: the reason, and the seconds that the server asks to wait."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Api:
    """A polite client: requests are spaced, faults that pass are waited out, `Retry-After` is obeyed.

    Answers are bounded in size and in time.
    """

    client: httpx.Client
    base: str = API
    pause: float = PAUSE
    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep
    timeout: float = 60.0
    say: Callable[[str], None] = lambda line: None
    """Hears why a request is tried again, and when."""
    _last: float = field(default=float("-inf"))

    def pages(self, query: str, page_size: int = PAGE, since: str | None = None) -> Iterator[dict[str, Any]]:
        """The pages of a query (`query.term` of the API) in their order; raises FetchError.

        `since` leaves out studies that were not changed on that day or later.
        """
        parameters = {"query.term": query, "pageSize": str(page_size), "countTotal": "true", "format": "json"}
        if since is not None:
            parameters["filter.advanced"] = f"AREA[LastUpdatePostDate]RANGE[{since},MAX]"
        seen: set[str] = set()
        while True:
            page = self._get(parameters)
            yield page
            token = page.get("nextPageToken")
            if not token:
                return
            if not isinstance(token, str):
                raise FetchError(f"{self.shown()}: the next page's token is no text; is this the v2 API?")
            if token in seen:
                raise FetchError(f"{self.shown()}: the API repeats page {token[:40]!r}; try again later")
            seen.add(token)
            parameters["pageToken"] = token

    def shown(self) -> str:
        """The address without a password that stands in it."""
        scheme, mark, rest = self.base.partition("://")
        authority, slash, path = rest.partition("/")
        return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}" if mark else self.base

    def _get(self, parameters: dict[str, str]) -> dict[str, Any]:
        url = f"{self.shown().rstrip('/')}/studies"
        reason = ""
        tries = self.tries
        for attempt in range(1, self.tries + 1):
            self._space()
            try:
                request = self.client.build_request(
                    "GET", f"{self.base.rstrip('/')}/studies", params=parameters
                )
                return self._answer(request, url)
            except _Again as fault:
                reason, wait = str(fault), fault.wait or _backoff(attempt)
            except httpx.UnsupportedProtocol as fault:
                raise FetchError(f"{url}: {fault}") from None
            except httpx.TransportError as fault:
                reason, wait = f"{type(fault).__name__}: {fault}", _backoff(attempt)
                if isinstance(fault, httpx.ConnectError):
                    tries = min(tries, CONNECT_TRIES)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
                raise FetchError(f"{url}: {fault}") from None
            if attempt >= tries:
                break
            wait = min(wait, LONGEST_WAIT)
            self.say(f"{reason}; trying again in {wait:.0f} s")
            self.sleep(wait)
        raise FetchError(f"{url}: gave up after {tries} tries ({reason}); try again later")

    def _answer(self, request: httpx.Request, url: str) -> dict[str, Any]:
        """The page that a request brings, within the bounds of size and time."""
        with _watched(request, self.timeout * PATIENCE) as late:
            try:
                for _ in range(REDIRECTS + 1):
                    answer = self.client.send(request, stream=True, follow_redirects=False)
                    with contextlib.closing(answer):
                        if answer.next_request is None:
                            return _page(answer, url)
                        late.watch(answer.next_request)
                        request = _redirected(request, answer.next_request, url)
            except httpx.TransportError:
                if late.struck:
                    seconds = self.timeout * PATIENCE
                    raise _Again(f"an answer was not complete after {seconds:g} s") from None
                raise
        raise FetchError(f"{url}: more than {REDIRECTS} redirects; give the address that they lead to")

    def _space(self) -> None:
        wait = self._last + self.pause - time.monotonic()
        if wait > 0:
            self.sleep(wait)
        self._last = time.monotonic()


class _Watch:
    """Breaks the connection of a request when its time is over: a time-out of httpx is for one read only."""

    def __init__(self) -> None:
        self.struck = False
        self._stream: Any = None

    def watch(self, request: httpx.Request) -> None:
        """Note the connection that this request makes."""
        request.extensions = {**request.extensions, "trace": self._trace}

    def _trace(self, event: str, about: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = about["return_value"]

    def strike(self) -> None:
        """End whatever the connection is waiting for."""
        self.struck = True
        found = self._stream and self._stream.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if found is not None:
                found.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _watched(request: httpx.Request, seconds: float) -> Iterator[_Watch]:
    late = _Watch()
    late.watch(request)
    # A connection of its own, which the watch sees begin.
    request.headers.update({"Connection": "close", "Accept-Encoding": "gzip"})
    timer = threading.Timer(seconds, late.strike)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _redirected(asked: httpx.Request, to: httpx.Request, url: str) -> httpx.Request:
    """Where an answer sends us; raises FetchError if that gives up the encryption."""
    if asked.url.scheme == "https" and to.url.scheme != "https":
        raise FetchError(f"{url}: redirects to {to.url.scheme}://{to.url.host}, unencrypted: not followed")
    return to


def _page(answer: httpx.Response, url: str) -> dict[str, Any]:
    """The page that an answer holds; raises FetchError, or _Again for what may pass."""
    code = answer.status_code
    if code in _AGAIN:
        raise _Again(f"HTTP {code}", _retry_after(answer))
    body = _body(answer, ANSWER_BYTES if code == 200 else 1 << 16, url)
    if code != 200:
        said = " ".join(body[:200].decode("utf-8", "replace").split())
        raise FetchError(f"{url}: HTTP {code}: {said or 'no reason given'}")
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    if len(body) > ANSWER_BYTES or values > ANSWER_VALUES:
        raise FetchError(
            f"{url}: the answer is larger than {ANSWER_BYTES >> 20} MiB or {ANSWER_VALUES:,} values; "
            f"give {_SMALLER}"
        )
    try:
        page = shallow.json_of(body, orjson.loads)
    except ValueError as fault:
        raise _Again(f"the answer is not JSON of studies: {fault}") from None
    if not isinstance(page, dict) or not isinstance(page.get("studies"), list):
        raise _Again("the answer holds no list of studies")
    return page


def _body(answer: httpx.Response, most: int, url: str) -> bytearray:
    """The content of an answer, unpacked; no more of it than shows that it is longer than `most`.

    httpx would unpack whole chunks, which may each be a bomb.
    """
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise FetchError(f"{url}: the answer is packed as {coding!r}, which was not asked for")
    machine = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    body = bytearray()
    try:
        for chunk in answer.iter_raw():
            while chunk and len(body) <= most:
                body += machine.decompress(chunk, 1 << 20) if machine else chunk
                chunk = machine.unconsumed_tail if machine else b""
            if len(body) > most:
                return body
    except zlib.error as fault:
        raise _Again(f"the answer is damaged: {fault}") from None
    if machine is not None and not machine.eof:
        raise _Again("the answer was cut short")
    return body


def _backoff(attempt: int) -> float:
    return float(2 ** (attempt - 1))


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or as a date; None if it says nothing."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
