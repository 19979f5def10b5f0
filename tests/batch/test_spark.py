"""The example of the docs on a real Spark, where pyspark and Java are there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

pyspark = pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # pyspark warns about pandas and its own shutdown
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]


def test_map_in_pandas_gives_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    from cart_nlp.engines import FRAME_SCHEMA, tag_frame, tag_frames

    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.warehouse.dir", str(tmp_path))
        .getOrCreate()
    )
    try:
        rows = [
            (f"T{n}", "CD19/CD22 tandem CAR-T cells with 4-1BB" if n % 2 else "Aspirin") for n in range(20)
        ]
        trials = spark.createDataFrame(rows, "id string, brief_title string").repartition(2)
        found = trials.mapInPandas(tag_frames, schema=FRAME_SCHEMA).orderBy("trial_id").collect()
        expected = tag_frame(trials.toPandas()).sort_values("trial_id").to_dict("records")
        assert [row.asDict() for row in found] == expected
        assert found[1].targets == ["CD19", "CD22"]
    finally:
        spark.stop()
