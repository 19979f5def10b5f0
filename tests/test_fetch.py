"""The download: paging, rate limits, errors, against a server that behaves as ClinicalTrials.gov's does."""

from __future__ import annotations

import email.utils
import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx
import pytest

from cart_nlp.fetch import Api, FetchError, fetch

COMMAND = (sys.executable, "-c", "from cart_nlp.cli import main; main()", "fetch", "CAR-T", "-o", "o.jsonl")


class Server(ThreadingHTTPServer):
    """Replays the v2 API: studies by page, next page by token, and faults set in advance."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.studies = [f"NCT{n:08}" for n in range(25)]
        self.faults: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[dict[str, str]] = []
        self.lost_after: int | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v2"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        url = urlparse(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append(asked)
        if self.server.faults:
            self._answer(*self.server.faults.pop(0))
            return
        if url.path != "/api/v2/studies":
            self._answer(404, {}, b"no such resource")
            return
        start = int(asked.get("pageToken", "t0").removeprefix("t"))
        size = int(asked["pageSize"])
        page: dict[str, Any] = {
            "studies": [
                {"protocolSection": {"identificationModule": {"nctId": study}}}
                for study in self.server.studies[start : start + size]
            ]
        }
        if asked.get("countTotal") == "true" and start == 0:
            page["totalCount"] = len(self.server.studies)
        if start + size < len(self.server.studies):
            page["nextPageToken"] = f"t{start + size}"
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(page).encode())

    def _answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + int(headers.get("X-Missing", 0))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(server: Server, waits: list[float]) -> Iterator[Api]:
    with httpx.Client(timeout=5) as client:
        yield Api(client, server.base, pause=0, sleep=waits.append)


def ids(path: Path) -> list[str]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return [
        json.loads(line)["protocolSection"]["identificationModule"]["nctId"] for line in content.splitlines()
    ]


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz"])
def test_all_pages_are_written_in_order(server: Server, api: Api, tmp_path: Path, name: str) -> None:
    found = fetch("CAR-T", tmp_path / name, api, page_size=10)
    assert (found.studies, found.total, found.pages) == (25, 25, 3)
    assert ids(tmp_path / name) == server.studies
    assert [asked.get("pageToken") for asked in server.asked] == [None, "t10", "t20"]
    assert {asked["query.term"] for asked in server.asked} == {"CAR-T"}
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_what_is_downloaded_can_be_read(api: Api, tmp_path: Path) -> None:
    from cart_nlp.registries import Entry, read

    fetch("CAR-T", tmp_path / "o.jsonl", api)
    found = list(read(tmp_path / "o.jsonl"))
    assert len(found) == 25
    assert all(isinstance(entry, Entry) for entry in found)


def test_a_limit_stops_early(server: Server, api: Api, tmp_path: Path) -> None:
    assert fetch("CAR-T", tmp_path / "o.jsonl", api, page_size=10, limit=12).studies == 12
    assert ids(tmp_path / "o.jsonl") == server.studies[:12]
    assert len(server.asked) == 2


def test_retry_after_is_obeyed_as_seconds_and_as_a_date(
    server: Server, api: Api, tmp_path: Path, waits: list[float]
) -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    server.faults = [(429, {"Retry-After": "7"}, b"slow down"), (503, {"Retry-After": date}, b"")]
    assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 25
    assert waits[0] == 7
    assert 25 < waits[1] <= 31


def test_faults_that_pass_are_tried_again_with_longer_waits(
    server: Server, api: Api, tmp_path: Path, waits: list[float]
) -> None:
    server.faults = [
        (500, {}, b""),
        (502, {}, b""),
        (200, {}, b"<html>maintenance"),
        (200, {}, b'{"studies": 3}'),
    ]
    assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 25
    assert waits == [1, 2, 4, 8]


def test_an_answer_cut_short_is_tried_again(
    server: Server, api: Api, tmp_path: Path, waits: list[float]
) -> None:
    server.faults = [(200, {"Connection": "close", "X-Missing": "100"}, b'{"studies": []}')]
    assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 25
    assert waits == [1]


def test_a_fault_that_stays_ends_with_one_line_and_no_file(server: Server, api: Api, tmp_path: Path) -> None:
    server.faults = [(503, {}, b"")] * 6
    with pytest.raises(FetchError, match=r"gave up after 6 tries \(HTTP 503\)"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_request_is_not_repeated(server: Server, api: Api, tmp_path: Path) -> None:
    server.faults = [(400, {}, b"unknown  area\nof search")]
    with pytest.raises(FetchError, match="HTTP 400: unknown area of search"):
        fetch("AREA[x]", tmp_path / "o.jsonl", api)
    assert len(server.asked) == 1


def test_a_page_that_leads_to_itself_ends_the_download(server: Server, api: Api, tmp_path: Path) -> None:
    again = json.dumps({"studies": [], "nextPageToken": "t10"}).encode()
    server.faults = [(200, {}, again), (200, {}, again)]
    with pytest.raises(FetchError, match="repeats page 't10'"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)


def test_requests_are_spaced(server: Server, waits: list[float], tmp_path: Path) -> None:
    with httpx.Client() as client:
        fetch("CAR-T", tmp_path / "o.jsonl", Api(client, server.base, 60, sleep=waits.append), page_size=10)
    assert len(waits) == 2
    assert all(50 < wait <= 60 for wait in waits)


def test_no_server_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from cart_nlp.cli import main; main()",
            "fetch",
            "CAR-T",
            "-o",
            "o.jsonl",
            "--base-url",
            "nonsense://127.0.0.1:9",
            "--pause",
            "0",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("cart-nlp fetch: nonsense://127.0.0.1:9/studies")
    assert done.stderr.count("\n") == 1


def test_the_command_writes_and_says_how_much(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from cart_nlp.cli import main; main()",
            "fetch",
            "CAR-T",
            "-o",
            "o.jsonl",
            "--base-url",
            server.base,
            "--pause",
            "0",
            "--page-size",
            "10",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "cart-nlp fetch: 25 of 25 studies → o.jsonl\n")
    assert len(ids(tmp_path / "o.jsonl")) == 25
