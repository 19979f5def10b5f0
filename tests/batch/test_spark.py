"""The example of the docs on a real Spark, where pyspark and Java are there: the local engine's records."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cart_nlp.batch import Options, run
from cart_nlp.engines import FRAME_COLUMNS

WANT = "needs pyspark 3.5 or newer and Java 17, see docs/running.md: "
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "benchmarks" / "sample" / "trials.jsonl"
NESTED = {
    "id": "NCT00000001",
    "brief_title": "Cells for Lymphoma",
    "brief_summary": "CAR-T cells.",
    "conditions": ["Lymphoma", None],
    "interventions": [{"type": "BIOLOGICAL", "name": "Cells", "other_names": ["CTL019", "x"]}],
    "has_results": True,
}
"""Lists within structs within a list: what comes as numpy arrays within dicts."""
NO_ID = {"brief_title": "CAR-T cells, but no number"}


def missing() -> str | None:
    """Why Spark cannot run here; None if it can."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed"
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "there is no Java"
    return None


pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # pyspark warns about pandas and its own shutdown
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=f"{WANT}{missing()}"),
]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two local cores: two Python workers at a time."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of 40 trials, one of nested lists and a record without a number."""
    path = tmp_path_factory.mktemp("dump") / "trials.jsonl"
    more = "".join(json.dumps(trial) + "\n" for trial in (NESTED, NO_ID))
    path.write_bytes(SAMPLE.read_bytes() + more.encode())
    return path


@pytest.fixture(scope="module")
def local(dump: Path) -> dict[str, dict[str, Any]]:
    """What the local engine writes of it with --all: id -> record."""
    out = dump.with_name("local.jsonl")
    summary = run(Options((str(dump),), str(out), keep_all=True, workers=0))
    assert (summary.written, summary.rejected) == (41, 1)
    return {record["trial_id"]: record for record in map(json.loads, out.read_bytes().splitlines())}


def as_record(row: dict[str, Any]) -> dict[str, Any]:
    """A row of Spark as a line of the JSON output: nested values come as JSON text."""
    fields = {name: value for name, value in row.items() if name != "error"}
    nested = ("constructs", "references", "confidence", "evidence", "raw")
    return fields | {name: json.loads(fields[name]) for name in nested}


def test_two_partitions_give_the_records_of_the_local_engine(
    spark: Any, dump: Path, local: dict[str, dict[str, Any]]
) -> None:
    from cart_nlp.engines import FRAME_SCHEMA, tag_frames

    def tagged(frames: Iterator[Any]) -> Iterator[Any]:
        for frame in tag_frames(frames):
            yield frame.assign(process=os.getpid())

    trials = spark.read.json(str(dump)).repartition(2)
    assert trials.rdd.getNumPartitions() == 2
    rows = [
        row.asDict(True) for row in trials.mapInPandas(tagged, f"{FRAME_SCHEMA}, process bigint").collect()
    ]
    assert len({row.pop("process") for row in rows}) == 2, "two Python workers, neither of them this one"
    failed = [row for row in rows if row["error"]]
    assert [(row["trial_id"], row["targets"], row["error"]) for row in failed] == [
        (None, None, "record without an id")
    ]
    found = {row["trial_id"]: as_record(row) for row in rows if not row["error"]}
    assert found == local
    assert found[NESTED["id"]]["products"] == ["tisagenlecleucel"]
    assert sum(bool(record["constructs"]) for record in found.values()) > 10
    assert set(rows[0]) == set(FRAME_COLUMNS)


def test_the_example_of_the_docs_writes_the_records(
    spark: Any, dump: Path, local: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "running.md").read_text("utf-8")
    example = re.search(r"```python\n(from cart_nlp.engines import FRAME_SCHEMA.*?)```", page, re.DOTALL)
    assert example
    spark.read.json(str(dump)).write.parquet(str(tmp_path / "trials.parquet"))
    placed = re.sub(r'"(\w+\.parquet)"', lambda name: repr(str(tmp_path / name[1])), example[1])
    exec(placed, {"spark": spark})
    rows = spark.read.parquet(str(tmp_path / "records.parquet")).collect()
    wanted = {name: record for name, record in local.items() if record["car_trial"] in ("product", "related")}
    assert {row.trial_id: as_record(row.asDict(True)) for row in rows} == wanted
    assert 10 < len(rows) < 41
