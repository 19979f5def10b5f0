"""The download: paging, rate limits, errors, against a server that behaves as ClinicalTrials.gov's does."""

from __future__ import annotations

import email.utils
import gzip
import json
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cart_nlp.fetch import Api, FetchError, fetch
from cart_nlp.registries import InputError, read

COMMAND = (sys.executable, "-c", "from cart_nlp.cli import main; main()", "fetch", "CAR-T", "-o", "o.jsonl")


class Server(ThreadingHTTPServer):
    """Replays the v2 API: studies by page, next page by token, and faults set in advance."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.studies = [f"NCT{n:08}" for n in range(25)]
        self.faults: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[dict[str, str]] = []
        self.trickles = b""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/v2"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.trickles:
            self._trickle(self.server.trickles)
            return
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

    def _trickle(self, answer: bytes) -> None:
        for code in answer:
            try:
                self.wfile.write(bytes([code]))
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

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
    assert sorted(tmp_path.iterdir()) == [tmp_path / name, tmp_path / f"{name}.fetch.json"]


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


def test_a_server_that_is_not_there_is_given_up_soon_and_told_meanwhile(
    waits: list[float], tmp_path: Path
) -> None:
    said: list[str] = []
    with httpx.Client() as client:
        api = Api(client, "http://127.0.0.1:9", 0, sleep=waits.append, say=said.append)
        with pytest.raises(FetchError, match=r"gave up after 3 tries \(ConnectError"):
            fetch("CAR-T", tmp_path / "o.jsonl", api)
    assert waits == [1, 2]
    assert [line.partition("; ")[2] for line in said] == ["trying again in 1 s", "trying again in 2 s"]


def test_only_studies_changed_since_a_day_are_asked_for() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["filter.advanced"])
        return httpx.Response(200, stream=httpx.ByteStream(b'{"studies": []}'))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        list(Api(client, "http://api", 0).pages("CAR-T", since="2026-01-31"))
    assert asked == ["AREA[LastUpdatePostDate]RANGE[2026-01-31,MAX]"]


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


def serving(server: Server, *pages: dict[str, Any] | bytes, **headers: str) -> None:
    bodies = [page if isinstance(page, bytes) else json.dumps(page).encode() for page in pages]
    server.faults = [(200, headers, body) for body in bodies]


def test_entries_without_a_number_and_repeated_ones_are_counted(
    server: Server, api: Api, tmp_path: Path
) -> None:
    good = {"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}
    odd = [
        {},
        None,
        3,
        {"protocolSection": []},
        {"protocolSection": {"identificationModule": {"nctId": " "}}},
    ]
    serving(server, {"studies": [good, *odd, good], "totalCount": 7})
    found = fetch("CAR-T", tmp_path / "o.jsonl", api)
    assert (found.studies, found.nameless, found.again, found.total) == (1, 5, 1, 7)


def command(server: Server, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    options = ("--base-url", server.base, "--pause", "0", *words)
    return subprocess.run([*COMMAND, *options], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_study_that_comes_twice_stands_for_no_other(server: Server, tmp_path: Path) -> None:
    study = {"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}
    serving(server, {"studies": [study, study], "totalCount": 2})
    done = command(server, tmp_path)
    told = "the API gave 1 study less than it announced and 1 twice; run again"
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, [f"cart-nlp fetch: {told}"])
    assert ids(tmp_path / "o.jsonl") == ["NCT00000001"]


@pytest.mark.parametrize("out", ["o.jsonl", "o.jsonl.gz"])
def test_what_a_search_without_hits_wrote_is_read_as_no_records(
    server: Server, api: Api, tmp_path: Path, out: str
) -> None:
    server.studies = []
    path = tmp_path / out
    fetch("CAR-T", path, api)
    said: list[str] = []
    assert list(read(path, report=said.append)) == []
    assert said == [f"{path}: holds no records: the search of cart-nlp fetch found no study"]
    (tmp_path / f"{out}.fetch.json").unlink()
    with pytest.raises(InputError, match="is empty"):
        list(read(path))


class Streamed(httpx.SyncByteStream):
    """A body that is read once, as from a network."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


def answered(code: int, page: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(code, headers=headers, stream=Streamed(json.dumps(page).encode()))


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    page=st.fixed_dictionaries(
        {"studies": st.lists(ODD, max_size=3) | ODD}, optional={"nextPageToken": ODD, "totalCount": ODD}
    ),
    retry=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=9)
    | st.sampled_from(["nan", "inf", "-1", "1e999", "9" * 400, "Mon, 01 Jan 99999 00:00:00 GMT"]),
)
def test_any_json_ends_in_a_file_or_in_one_line(tmp_path: Path, page: dict[str, Any], retry: str) -> None:
    answers = [
        answered(503, **{"Retry-After": retry}),
        answered(200, page),
        *(answered(200, {"studies": []}) for _ in range(9)),
    ]
    waits: list[float] = []
    with httpx.Client(transport=httpx.MockTransport(lambda request: answers.pop(0))) as client:
        try:
            found = fetch("CAR-T", tmp_path / "o.jsonl", Api(client, pause=0, sleep=waits.append))
        except FetchError as fault:
            assert "\n" not in str(fault)
        else:
            assert found.total is None or isinstance(found.total, int)
    assert all(0 <= wait <= 120 for wait in waits)


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_an_answer_without_an_end_is_bounded(
    server: Server, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    monkeypatch.setattr("cart_nlp.fetch.client.ANSWER_BYTES", 1 << 20)
    body = b'{"studies": [' + b" " * (64 << 20) + b"]}"
    serving(server, gzip.compress(body) if coding == "gzip" else body, **{"Content-Encoding": coding})
    tracemalloc.start()
    with pytest.raises(FetchError, match=r"the answer is larger than 1 MiB or .* --page-size"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (200 << 20 if coding == "identity" else 8 << 20)  # the server is of this process
    assert list(tmp_path.iterdir()) == []


def test_an_answer_of_very_many_values_is_refused(server: Server, api: Api, tmp_path: Path) -> None:
    serving(server, b'{"studies": [' + b"{}," * 4_000_000 + b"{}]}")
    with pytest.raises(FetchError, match="the answer is larger than"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)


@pytest.mark.parametrize("levels", [300, 100_000])
def test_an_answer_that_is_nested_too_deep_is_refused(
    server: Server, api: Api, tmp_path: Path, levels: int
) -> None:
    study = b'{"protocolSection": {"identificationModule": {"nctId": "NCT00000001", "x": %s}}}'
    page = b'{"studies": [' + study % (b"[" * levels + b"]" * levels) + b"]}"
    serving(server, *[page] * 6)
    with pytest.raises(FetchError, match=r"not JSON of studies: (nested deeper|depth limit)"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)
    assert list(tmp_path.iterdir()) == []


def test_packing_that_was_not_asked_for_is_refused(server: Server, api: Api, tmp_path: Path) -> None:
    serving(server, b"x" * 100, **{"Content-Encoding": "br"})
    with pytest.raises(FetchError, match="packed as 'br'"):
        fetch("CAR-T", tmp_path / "o.jsonl", api)


def test_a_packed_page_is_read_and_a_cut_one_tried_again(
    server: Server, api: Api, tmp_path: Path, waits: list[float]
) -> None:
    page = gzip.compress(b'{"studies": [{"protocolSection": {"identificationModule": {"nctId": "NCT1"}}}]}')
    serving(server, page[:-9], page[:20] + b"x" + page[21:], page, **{"Content-Encoding": "gzip"})
    assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 1
    assert waits == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 400,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 9999,
    ],
    ids=["headers", "body"],
)
def test_an_answer_that_trickles_ends(
    server: Server, tmp_path: Path, waits: list[float], answer: bytes
) -> None:
    server.trickles = answer
    before = time.monotonic()
    with httpx.Client(timeout=5) as client:
        api = Api(client, server.base, pause=0, tries=2, sleep=waits.append, timeout=0.1)
        with pytest.raises(
            FetchError, match=r"gave up after 2 tries \(an answer was not complete after 0.5 s"
        ):
            fetch("CAR-T", tmp_path / "o.jsonl", api)
    assert time.monotonic() - before < 4


def moved(to: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "old.example":
            return answered(301, Location=to)
        return answered(200, {"studies": []})

    return answer


@pytest.mark.parametrize(
    ("base", "to", "said"),
    [
        ("https://old.example", "http://new.example/studies", "redirects to http://new.example, unencrypted"),
        ("https://old.example", "https://old.example/studies", "more than 5 redirects"),
        ("https://old.example", "https://new.example/studies", None),
        ("http://old.example", "https://new.example/studies", None),
    ],
)
def test_a_redirect_never_gives_up_the_encryption(
    tmp_path: Path, base: str, to: str, said: str | None
) -> None:
    with httpx.Client(transport=httpx.MockTransport(moved(to))) as client:
        api = Api(client, base, pause=0)
        if said is None:
            assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 0
        else:
            with pytest.raises(FetchError, match=said):
                fetch("CAR-T", tmp_path / "o.jsonl", api)


def test_a_password_in_the_address_is_not_told(tmp_path: Path) -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda request: answered(404))) as client:
        api = Api(client, "https://me:hidden@mirror.example/api", pause=0)
        with pytest.raises(FetchError, match=r"^https://mirror.example/api/studies: HTTP 404"):
            fetch("CAR-T", tmp_path / "o.jsonl", api)


def test_only_a_regular_file_is_written(api: Api, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to("/dev/null")
    with pytest.raises(FetchError, match="is not a regular file"):
        fetch("CAR-T", tmp_path / "link.jsonl", api)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "o.jsonl.cart-nlp-part").symlink_to(tmp_path / "precious")
    assert fetch("CAR-T", tmp_path / "o.jsonl", api).studies == 25
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "o.jsonl.cart-nlp-part").exists()


def test_a_download_that_is_ended_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.trickles = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 999
    job = subprocess.Popen(
        [*COMMAND, "--base-url", server.base, "--pause", "0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl.cart-nlp-part"]
    time.sleep(0.2)
    job.terminate()
    said = job.communicate(timeout=30)[1]
    assert (job.returncode, said) == (130, "cart-nlp fetch: interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_what_the_server_says_does_not_steer_the_terminal(server: Server, tmp_path: Path) -> None:
    server.faults = [(404, {}, b"\x1b]0;title\x07 \xe2\x80\xae gone")]
    done = subprocess.run(
        [*COMMAND, "--base-url", server.base], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "\\x1b]0;title\\x07 \\u202e gone" in done.stderr


def test_the_search_stands_beside_the_dump_and_reaches_the_flow(
    server: Server, api: Api, tmp_path: Path
) -> None:
    from cart_nlp.batch import Options, run
    from cart_nlp.landscape import frame, run_facts, tables
    from cart_nlp.schema import Record

    dump, out = tmp_path / "d.jsonl", tmp_path / "r.jsonl"
    fetch('"CAR T" OR CAR-NK', dump, api, limit=20)
    noted = json.loads((tmp_path / "d.jsonl.fetch.json").read_text("utf-8"))["search"]
    assert (noted["query"], noted["source"], noted["limit"], noted["studies"]) == (
        '"CAR T" OR CAR-NK',
        "127.0.0.1",
        20,
        20,
    )
    record = frame([Record(trial_id="NCT00000001", car_trial="product")])
    run(Options(inputs=(str(dump),), out=str(out), workers=0))
    note = tables(record, run=run_facts(out))["flow"].note
    assert f'“"CAR T" OR CAR-NK” (127.0.0.1, the first 20 only); date of the search: {noted["date"]}' in note
    dump.write_text(dump.read_text("utf-8") + "\n", encoding="utf-8")
    run(Options(inputs=(str(dump),), out=str(out), workers=0))
    assert "search" not in run_facts(out)["inputs"][0], "another dump by now"
    assert "The search behind the records is not told" in tables(record, run=run_facts(out))["flow"].note
