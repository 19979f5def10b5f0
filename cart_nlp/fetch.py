"""Studies from ClinicalTrials.gov's v2 API, page by page, as one JSON line a study."""

from __future__ import annotations

import email.utils
import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import httpx
import orjson

API = "https://clinicaltrials.gov/api/v2"
PAGE = 1_000
"""Studies a page, the most that the API gives."""
PAUSE = 1.2
"""Seconds between two requests: the API allows about fifty a minute."""
TRIES = 6
LONGEST_WAIT = 120.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class FetchError(Exception):
    """A download that failed: one line with what was asked, what came and what to do."""


@dataclass(frozen=True)
class Fetched:
    """What a download brought: studies written, and how many the API said there are."""

    studies: int
    total: int | None
    pages: int


@dataclass
class Api:
    """A polite client: requests are spaced, faults that pass are waited out, `Retry-After` is obeyed."""

    client: httpx.Client
    base: str = API
    pause: float = PAUSE
    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep
    _last: float = float("-inf")

    def pages(self, query: str, page_size: int = PAGE) -> Iterator[dict[str, Any]]:
        """The pages of a query (`query.term` of the API) in their order; raises FetchError."""
        parameters = {"query.term": query, "pageSize": str(page_size), "countTotal": "true", "format": "json"}
        seen: set[str] = set()
        while True:
            page = self._get(parameters)
            yield page
            token = page.get("nextPageToken")
            if not token:
                return
            if token in seen:
                raise FetchError(f"{self.base}: the API repeats page {token!r}; try again later")
            seen.add(token)
            parameters["pageToken"] = token

    def _get(self, parameters: dict[str, str]) -> dict[str, Any]:
        url = f"{self.base.rstrip('/')}/studies"
        for attempt in range(1, self.tries + 1):
            self._space()
            try:
                answer = self.client.get(url, params=parameters)
            except httpx.TransportError as fault:
                reason, wait = f"{type(fault).__name__}: {fault}", _backoff(attempt)
            except (httpx.HTTPError, httpx.InvalidURL) as fault:
                raise FetchError(f"{url}: {fault}") from None
            else:
                if answer.status_code == 200:
                    page, reason = _page(answer)
                    if page is not None:
                        return page
                    wait = _backoff(attempt)
                elif answer.status_code in _AGAIN:
                    reason = f"HTTP {answer.status_code}"
                    wait = _retry_after(answer) or _backoff(attempt)
                else:
                    said = " ".join(answer.text[:200].split())
                    raise FetchError(f"{url}: HTTP {answer.status_code}: {said or 'no reason given'}")
            if attempt < self.tries:
                self.sleep(min(wait, LONGEST_WAIT))
        raise FetchError(f"{url}: gave up after {self.tries} tries ({reason}); try again later")

    def _space(self) -> None:
        wait = self._last + self.pause - time.monotonic()
        if wait > 0:
            self.sleep(wait)
        self._last = time.monotonic()


def _page(answer: httpx.Response) -> tuple[dict[str, Any] | None, str]:
    """The page that an answer holds, or the reason why it is none."""
    try:
        page = orjson.loads(answer.content)
    except orjson.JSONDecodeError as fault:
        return None, f"the answer is not JSON: {fault}"
    if not isinstance(page, dict) or not isinstance(page.get("studies"), list):
        return None, "the answer holds no list of studies"
    return page, ""


def _backoff(attempt: int) -> float:
    return float(2 ** (attempt - 1))


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or as a date; None if it says nothing."""
    said = answer.headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def fetch(
    query: str,
    out: Path,
    api: Api,
    *,
    page_size: int = PAGE,
    limit: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Fetched:
    """Write the studies of a query to a JSONL file (gzipped if its name ends in .gz), each id once.

    The file appears when it is complete. `progress` is called with studies so far and their total. Raises
    FetchError if the API or the file fails; nothing is left behind then.
    """
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as raw:
            if out.name.endswith(".gz"):
                with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    found = _write(cast(IO[bytes], packed), query, api, page_size, limit, progress)
            else:
                found = _write(raw, query, api, page_size, limit, progress)
        part.replace(out)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise FetchError(f"{out}: cannot be written: {fault.strerror or fault}") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return found


def _write(
    file: IO[bytes],
    query: str,
    api: Api,
    page_size: int,
    limit: int | None,
    progress: Callable[[int, int | None], None] | None,
) -> Fetched:
    seen: set[str] = set()
    total: int | None = None
    pages = 0
    for page in api.pages(query, min(page_size, limit or page_size)):
        pages += 1
        total = page.get("totalCount", total)
        for study in page["studies"]:
            found = _id(study)
            if found is not None and found not in seen and (limit is None or len(seen) < limit):
                seen.add(found)
                file.write(orjson.dumps(study) + b"\n")
        if progress is not None:
            progress(len(seen), total)
        if limit is not None and len(seen) >= limit:
            break
    return Fetched(len(seen), total, pages)


def _id(study: Any) -> str | None:
    """The NCT number of a study, or None for what is no study."""
    try:
        found = study["protocolSection"]["identificationModule"]["nctId"]
    except (KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
