"""`cart-nlp tag` with the real pipeline: exit codes, one line a fault, the summary, every kind of output."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cart_nlp.console import CLOSED_PIPE

TRIALS = [
    {"id": "NCT90000001", "brief_title": "CD19/CD22 tandem CAR-T cells with 4-1BB for B-cell lymphoma"},
    {"id": "NCT90000002", "brief_title": "Aspirin for headache", "sponsor": "A Hospital", "phase": "PHASE2"},
    {"id": "NCT90000003", "brief_title": "Combination antiretroviral therapy (cART) and CD4+ T cells"},
    {"id": "NCT90000004", "brief_title": "Lentiviral anti-BCMA CAR-T cells in multiple myeloma"},
]


def tag(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cart_nlp.cli import main; main()", "tag", *arguments],
        cwd=folder,
        stdout=more.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        **more,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(trial) + "\n" for trial in TRIALS))
    return tmp_path


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_dump_becomes_records_and_the_summary_adds_up(folder: Path) -> None:
    done = tag(folder, "in.jsonl", "-o", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first == (
        "cart-nlp tag: 4 read = 2 screened out (1 by the text screen, 1 tagged and no CAR study)"
        " + 2 written + 0 rejected"
    )
    assert second.startswith("cart-nlp tag: → out.jsonl in ")
    assert [(r["trial_id"], r["targets"]) for r in records(folder / "out.jsonl")] == [
        ("NCT90000001", ["CD19", "CD22"]),
        ("NCT90000004", ["BCMA"]),
    ]
    for record in records(folder / "out.jsonl"):
        title = record["title"]
        for entry in record["evidence"]:
            if entry["basis"] == "text":
                assert title[entry["start"] : entry["end"]] == entry["text"]


def test_every_trial_is_written_with_all_and_a_screened_one_is_as_if_tagged(folder: Path) -> None:
    from cart_nlp.batch.jobs import bare_record
    from cart_nlp.pipeline import load, tag_trial
    from cart_nlp.registries import Entry, read

    assert tag(folder, "in.jsonl", "-o", "out.jsonl", "--all").returncode == 0
    assert [r["trial_id"] for r in records(folder / "out.jsonl")] == [t["id"] for t in TRIALS]
    entry = list(read(folder / "in.jsonl"))[1]
    assert isinstance(entry, Entry)
    found, bare = tag_trial(load(), entry.trial()), bare_record(entry.trial())
    unread = {"car_score": found.car_score, "confidence": found.confidence}
    assert bare.confidence == {}, "the pipeline never read it"
    assert bare.model_copy(update=unread) == found
    assert bare.sponsor == "A Hospital"


def test_bad_inputs_get_one_line_each_and_the_others_are_tagged(folder: Path) -> None:
    (folder / "folder").mkdir()
    (folder / "empty.jsonl").touch()
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    packed = gzip.compress((folder / "in.jsonl").read_bytes() * 50)
    (folder / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "bad.jsonl").write_bytes(
        b'{"brief_title": "CAR-T cells without id"}\n{"id": "X1", "brief_tit\n'
    )
    inputs = ["none.jsonl", "folder", "empty.jsonl", "picture.csv", "bad.jsonl", "in.jsonl"]
    done = tag(folder, *inputs, "-o", "out.jsonl")
    assert done.returncode == 2
    said = done.stderr.splitlines()
    for name in ("none.jsonl", "folder", "empty.jsonl", "picture.csv"):
        assert sum(line.startswith(f"cart-nlp tag: {name}: ") for line in said) == 1
    assert "Traceback" not in done.stderr
    assert [r["trial_id"] for r in records(folder / "out.jsonl")] == ["NCT90000001", "NCT90000004"]
    rejects = records(folder / "out.jsonl.rejects.jsonl")
    assert [reject["source"] for reject in rejects] == ["bad.jsonl", "bad.jsonl"]
    cut = tag(folder, "cut.jsonl.gz", "in.jsonl", "-o", "cut.jsonl")
    assert cut.returncode == 1
    assert "trunc" in records(folder / "cut.jsonl.rejects.jsonl")[-1]["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in.jsonl", "-o", "out.doc"], "no format of that suffix"),
        (["in.jsonl", "-o", "no/where.csv"], "there is no folder"),
        (["in.jsonl", "-o", "out.csv", "--lexicon", "nowhere"], "no such folder of lexicons"),
        (["in.jsonl", "-o", "out.csv", "--map", "title"], "write FIELD=COLUMN"),
        (["in.jsonl", "-o", "out.csv", "--format", "nonsense"], "no format 'nonsense'"),
        (["-", "-o", "out.csv", "--resume"], "-: cannot be resumed"),
        (["in.jsonl", "-o", "-", "--resume"], "standard output cannot be continued"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(folder: Path, arguments: list[str], said: str) -> None:
    done = tag(folder, *arguments, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(folder.glob("out*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_line(folder: Path) -> None:
    (folder / "shut").mkdir(mode=0o500)
    done = tag(folder, "in.jsonl", "-o", "shut/out.csv")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("out.csv", "out.csv"),
        ("./deep/out.csv", "deep/out.csv"),
        ("out.parquet", "out.parquet, out.constructs.parquet, out.evidence.parquet"),
        ("linked.parquet", "linked.parquet, deep/real.constructs.parquet, deep/real.evidence.parquet"),
        ("out.duckdb", "out.duckdb"),
    ],
)
def test_what_was_written_is_told_by_the_names_that_were_given(folder: Path, out: str, told: str) -> None:
    (folder / "deep").mkdir()
    (folder / "linked.parquet").symlink_to("deep/real.parquet")
    told = told.replace("deep/real", f"{folder}/deep/real")
    first = tag(folder, "in.jsonl", "-o", out)
    assert first.stderr.splitlines()[1].startswith(f"cart-nlp tag: → {told} in "), first.stderr
    again = tag(folder, "in.jsonl", "-o", out, "--resume")
    assert again.stderr.splitlines()[0].endswith(f"already complete: 2 records in {told.partition(',')[0]}")


def test_lists_that_were_named_are_told_by_their_names(folder: Path) -> None:
    done = tag(folder, "in.jsonl", "-o", "out.csv", "--rejects", "./bad.jsonl", "--screened", "left.ndjson")
    assert done.stderr.splitlines()[1].startswith("cart-nlp tag: → out.csv, bad.jsonl, left.ndjson in ")


def test_standard_output_gets_json_lines(folder: Path) -> None:
    done = tag(folder, "in.jsonl", "-o", "-")
    assert done.returncode == 0
    assert [json.loads(line)["trial_id"] for line in done.stdout.splitlines()] == [
        "NCT90000001",
        "NCT90000004",
    ]
    assert tag(folder, "-", "-o", "-", input=(folder / "in.jsonl").read_text()).stdout == done.stdout


def test_a_closed_pipe_and_a_full_device_are_one_line(folder: Path) -> None:
    for shell, said, code in (
        ("| true", "closed by its reader", CLOSED_PIPE),
        ("> /dev/full", "No space left", 2),
    ):
        program = "from cart_nlp.cli import main; main()"
        script = f'set -o pipefail; "$0" -c "$1" tag in.jsonl -o - {shell}'
        done = subprocess.run(
            ["bash", "-c", script, sys.executable, program],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert done.returncode == code
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_full_disk_is_one_line_and_the_run_can_go_on(folder: Path) -> None:
    more = "".join(json.dumps({**TRIALS[0], "id": f"NCT8{n % 198:07}"}) + "\n" for n in range(200))
    (folder / "in.jsonl").write_text(more)
    full = tag(
        folder,
        "in.jsonl",
        "-o",
        "out.jsonl",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert full.returncode == 2
    assert full.stderr.count("\n") == 1
    assert "File too large" in full.stderr
    assert "--resume then goes on" in full.stderr
    assert [path.name for path in folder.glob("out*")] == ["out.jsonl.journal"]
    done = tag(folder, "in.jsonl", "-o", "out.jsonl", "--resume")
    assert done.returncode == 0
    assert "resumed: " in done.stderr
    assert "2 ids stand more than once" in done.stderr  # once before the end of the disk, once behind it
    assert len(records(folder / "out.jsonl")) == 200


def test_registrations_of_one_trial_are_merged_and_told(folder: Path) -> None:
    twin = {**TRIALS[0], "id": "ChiCTR2400000001", "secondary_ids": ["NCT90000001"]}
    (folder / "twin.jsonl").write_text(json.dumps(twin) + "\n")
    done = tag(folder, "in.jsonl", "twin.jsonl", "-o", "out.jsonl", "--dedupe")
    assert done.returncode == 0, done.stderr
    assert " + 2 written + 1 merged + 0 rejected" in done.stderr
    assert "5 read = 2 screened out" in done.stderr
    assert "merged" in done.stderr.splitlines()[0]
    assert "ChiCTR2400000001" in done.stderr.splitlines()[0]
    assert len(records(folder / "out.jsonl")) == 2


def test_frames_give_the_records(folder: Path) -> None:
    import pandas as pd

    from cart_nlp.engines import FRAME_COLUMNS, tag_frame, tag_frames
    from cart_nlp.pipeline import tag as tag_one
    from cart_nlp.registries.general.native import parse

    frame = pd.DataFrame([*TRIALS, {"id": None, "brief_title": "CAR-T cells"}])
    found = tag_frame(frame)
    assert list(found.columns) == list(FRAME_COLUMNS)
    assert found["trial_id"].tolist() == [*(t["id"] for t in TRIALS), None]
    assert found["targets"].tolist()[0] == ["CD19", "CD22"]
    assert found["error"].tolist() == [None, None, None, None, "record without an id"]
    whole = tag_one(parse(TRIALS[0])).to_json()
    row = found.iloc[0].to_dict()
    nested = ("constructs", "references", "confidence", "evidence", "raw")
    assert {k: v for k, v in row.items() if k not in (*nested, "error")} == {
        k: v for k, v in whole.items() if k not in nested
    }
    assert json.loads(row["evidence"]) == whole["evidence"]
    (chosen,) = tag_frames([frame], keep_all=False)
    assert chosen["trial_id"].tolist() == ["NCT90000001", "NCT90000004", None]


@pytest.mark.parametrize("delay", [0.4, 0.6, 0.8, 1.2])
def test_an_interrupt_while_the_worker_loads_says_nothing_of_it(tmp_path: Path, delay: float) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "NCT00000001", "brief_title": "CD19 CAR-T cells"}\n' * 50)
    command = [sys.executable, "-c", "from cart_nlp.cli import main; main()"]
    job = subprocess.Popen(
        [*command, "tag", str(source), "-o", str(tmp_path / "out.jsonl")],
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    time.sleep(delay)
    os.killpg(job.pid, signal.SIGINT)
    said = job.communicate(timeout=60)[1]
    assert "cart-nlp worker" not in said
    assert "spawn_main" not in said
