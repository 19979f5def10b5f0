"""The public functions: the same records by every way, one clear error, nothing dropped in silence."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import cart_nlp
from cart_nlp.batch.worker import load_tagger
from cart_nlp.landscape.dataframe import frame as as_frame
from cart_nlp.pipeline import as_trial
from cart_nlp.schema import Evidence, Record, Trial

SAMPLE = Path(__file__).resolve().parent.parent / "benchmarks" / "sample" / "trials.jsonl"
TRIALS = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()]
TITLE = "Tandem CD19/CD22 CAR-T Cells With 4-1BB in B-ALL"


@pytest.fixture(scope="module")
def tagged() -> pd.DataFrame:
    return cart_nlp.tag_file(SAMPLE)


def test_what_is_public_is_listed_and_there():
    assert dir(cart_nlp) == sorted(cart_nlp.__all__)
    for name in cart_nlp.__all__:
        assert getattr(cart_nlp, name) is not None
        assert getattr(cart_nlp, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = cart_nlp.nothing


def test_importing_the_package_loads_nothing_heavy():
    source = "import sys, cart_nlp; print(sorted({'pandas', 'spacy', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_file_gives_a_row_a_record(tagged):
    assert len(tagged) == 33
    assert list(tagged.columns) == list(Record.model_fields)
    assert set(tagged["car_trial"]) == {"product", "related"}
    assert len(cart_nlp.tag_file(SAMPLE, everything=True)) == 40


def test_a_stream_gives_the_rows_of_the_file(tagged):
    pd.testing.assert_frame_equal(as_frame(list(cart_nlp.iter_records(SAMPLE))), tagged)


def test_a_stream_that_is_not_read_to_its_end_leaves_no_worker():
    found = cart_nlp.iter_records(SAMPLE, workers=1)
    assert isinstance(next(found), Record)
    found.close()


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_the_command_wrote_reads_as_what_the_function_gives(tagged, tmp_path, suffix):
    from cart_nlp.batch import Options, run

    out = tmp_path / f"records{suffix}"
    run(Options((str(SAMPLE),), str(out), workers=0))
    pd.testing.assert_frame_equal(cart_nlp.read(out), tagged)


def test_a_frame_gives_the_records_of_its_file(tagged):
    found = cart_nlp.tag_frame(pd.DataFrame(TRIALS, dtype=object), everything=False)
    pd.testing.assert_frame_equal(found.drop(columns="error").reset_index(drop=True), tagged)
    assert list(found["error"]) == [None] * 33


STUDY = {
    "protocolSection": {"identificationModule": {"nctId": "NCT90000001", "briefTitle": TITLE}},
}
COLUMNS = [
    {"id": "NCT90000001", "brief_title": TITLE},
    {"nct_id": "NCT90000001", "official_title": TITLE},
    {"NCT Number": "NCT90000001", "Study Title": TITLE},
    {"NCT Number": "NCT90000001", "Title": TITLE, "Start Date": pd.Timestamp("2024-03-01"), "Phases": None},
    {"TrialID": "NCT90000001", "Public_title": TITLE, "Scientific_title": TITLE},
    STUDY,
]


@pytest.mark.parametrize("row", COLUMNS, ids=lambda row: " ".join(list(row)[:2]))
def test_the_registries_own_column_names_work(row):
    (found,) = cart_nlp.tag_frame(pd.DataFrame([row])).to_dict("records")
    assert (found["trial_id"], found["error"]) == ("NCT90000001", None)
    assert found["targets"] == ("CD19", "CD22")


def test_a_flattened_study_of_the_api_works():
    found = cart_nlp.tag_frame(pd.json_normalize([STUDY]))
    assert found["targets"].tolist() == [("CD19", "CD22")]


def test_columns_with_names_of_their_own_are_named():
    odd = pd.DataFrame({"Nr": ["NCT90000001"], "Name": [TITLE]}, index=["row"])
    found = cart_nlp.tag_frame(odd, columns={"id": "Nr", "title": "Name"})
    assert found.loc["row", "targets"] == ("CD19", "CD22")


@pytest.mark.parametrize("rows", [0, 245])
def test_a_frame_without_an_id_is_one_error_that_names_the_columns(rows):
    frame = pd.DataFrame({"Nr": ["1"] * rows, "headline": [TITLE] * rows})
    with pytest.raises(cart_nlp.InputError) as fault:
        cart_nlp.tag_frame(frame)
    assert str(fault.value) == (
        "the frame: no column for the trial's id; name it with columns={'id': COLUMN}; there are Nr, headline"
    )


def test_a_row_that_cannot_be_tagged_keeps_its_place_with_the_reason():
    frame = pd.DataFrame({"id": ["NCT1", None, "NCT3"], "brief_title": [TITLE] * 3}, index=[5, 6, 7])
    found = cart_nlp.tag_frame(frame)
    assert list(found.index) == [5, 6, 7]
    assert list(found["error"].isna()) == [True, False, True]
    assert "without an id" in found.loc[6, "error"]
    assert found.loc[6, "targets"] == ()


@pytest.mark.parametrize(
    "index",
    [
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["src", "row"]),
        pd.DatetimeIndex(["2021-03-05", "2021-03-06"], tz="Asia/Tokyo", name="day"),
        pd.CategoricalIndex(["x", "y"], name="kind"),
        pd.Index(["x", "x"], name="twice"),
    ],
    ids=lambda index: type(index).__name__,
)
@pytest.mark.parametrize("kept", [[0, 1], [1], []])
def test_the_rows_that_come_back_have_the_index_of_the_frame(index: pd.Index, kept: list[int]) -> None:
    titles = ["CD19 CAR-T cells" if row in kept else "Aspirin" for row in range(2)]
    frame = pd.DataFrame({"id": ["NCT1", "NCT2"], "brief_title": titles}, index=index)
    found = cart_nlp.tag_frame(frame, everything=False)
    pd.testing.assert_index_equal(found.index, index.take(kept))
    assert list(found.index.names) == list(index.names)


def test_a_record_that_cannot_be_used_is_told(tmp_path):
    dump = tmp_path / "dump.jsonl"
    dump.write_text(json.dumps({"id": "NCT1", "brief_title": TITLE}) + "\nnot JSON\n")
    with pytest.warns(cart_nlp.RejectWarning, match=r"dump\.jsonl, line 2: "):
        assert len(cart_nlp.tag_file(dump)) == 1
    told: list[str] = []
    assert len(list(cart_nlp.iter_records(dump, on_reject=told.append))) == 1
    assert len(told) == 1


def test_an_input_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(cart_nlp.InputError, match="no such file"):
        cart_nlp.tag_file(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"workers": -1}, "workers=-1: give a whole number, 0 or more"),
        ({"workers": 10**20}, "workers=100000000000000000000: give 10000 or less"),
        ({"workers": 1.5}, "workers=1.5: give a whole number, 0 or more"),
        ({"workers": "2"}, "workers='2': give a whole number, 0 or more"),
        ({"timeout": 0}, "timeout=0: give 0.1 seconds or more"),
        ({"timeout": float("nan"), "workers": 1}, "timeout=nan: give 0.1 seconds or more"),
        ({"timeout": None, "workers": 1}, "timeout=None: give 0.1 seconds or more"),
    ],
    ids=str,
)
def test_an_option_that_no_run_can_work_with_is_an_error_before_anything_is_read(option, said):
    for call in (cart_nlp.iter_records, cart_nlp.tag_file):
        with pytest.raises(cart_nlp.InputError) as fault:
            call(SAMPLE, **option)
        assert str(fault.value) == said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": ""}, "id=: names no column"),
        ({"id": None}, "id=None: names no column"),
        (["id=Nr"], r"give fields and their columns, not a list"),
    ],
    ids=str,
)
def test_columns_that_name_nothing_are_an_error(columns, said):
    with pytest.raises(cart_nlp.InputError, match=said):
        cart_nlp.tag_file(SAMPLE, columns=columns)
    with pytest.raises(cart_nlp.InputError, match=said):
        cart_nlp.tag_frame(pd.DataFrame(TRIALS[:1], dtype=object), columns=columns)


def test_half_a_character_is_a_lost_one_wherever_the_text_comes_from():
    text = "A \ud800 CD19 CAR-T study"
    record = {"id": "NCT90000001", "brief_title": text, "sponsor": text, "collaborators": [text]}
    trial = as_trial(record)
    given = Trial(**trial.model_dump() | {"sections": {"brief_title": text}, "sponsor": text,
                                          "collaborators": (text,)})  # fmt: skip
    assert given == trial
    assert cart_nlp.tag(given).title == text.replace("\ud800", "\ufffd")
    found = Trial(id="a", why_stopped=text, raw={"status": text})
    assert found.why_stopped == found.raw["status"] == text.replace("\ud800", "\ufffd")
    assert cart_nlp.tag(text).targets == ("CD19",)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"x": 1}, "no known record format: its keys are x; give it `id` and `brief_title`, or give a Trial"),
        ({"brief_title": TITLE}, "record without an id"),
        (
            {"trial_id": "NCT1", "car_trial": "yes"},
            "records that cart-nlp has written, not a registry's export",
        ),
        (None, "a NoneType, not a text, a Trial or a mapping"),
        ([TITLE], "a list, not a text, a Trial or a mapping"),
    ],
    ids=str,
)
def test_what_is_no_trial_is_an_error(source, said):
    with pytest.raises(cart_nlp.InputError) as fault:
        cart_nlp.tag(source)
    assert str(fault.value).startswith(f"the record: {said}")


def test_advice_is_in_the_words_of_a_call(tmp_path):
    (tmp_path / "dump.jsonl").write_text('{"x": 1}\n')
    (tmp_path / "table.csv").write_text("Nr,Name\n1,CAR\n")
    (tmp_path / "text.txt").write_text("once upon a time")
    told: list[str] = []
    list(cart_nlp.iter_records(tmp_path / "dump.jsonl", on_reject=told.append))
    for name in ("table.csv", "text.txt"):
        with pytest.raises(cart_nlp.InputError) as fault:
            cart_nlp.tag_file(tmp_path / name)
        told.append(str(fault.value))
    with pytest.raises(cart_nlp.InputError) as fault:
        cart_nlp.tag_file(tmp_path / "table.csv", columns={"colour": "Nr"})
    told.append(str(fault.value))
    assert "its keys are x; name them with columns={'id': …, 'title': …}" in told[0]
    assert "name it with columns={'id': COLUMN}; there are Nr, Name" in told[1]
    assert "force one with format=…" in told[2]
    assert "columns: colour=…: no such field" in told[3]
    assert not any("--" in line for line in told)


def test_one_folder_of_lexicons_needs_no_list(tmp_path):
    (tmp_path / "antigens.csv").write_text("name,aliases,source\nXYZ1,xyz one,me\n")
    text = {"id": "NCT1", "brief_title": "Xyz one CAR-T cells"}
    (tmp_path / "dump.jsonl").write_text(json.dumps(text) + "\n")
    for folder in (tmp_path, str(tmp_path)):
        (record,) = cart_nlp.iter_records(tmp_path / "dump.jsonl", lexicons=folder)
        assert record.targets == ("XYZ1",)
        assert cart_nlp.tag_frame(pd.DataFrame([text]), lexicons=folder)["targets"].tolist() == [("XYZ1",)]
        assert cart_nlp.tag(text, cart_nlp.load(folder)).targets == ("XYZ1",)
    with pytest.raises(cart_nlp.LexiconError, match=r"^my: no such folder of lexicons"):
        cart_nlp.tag_file(SAMPLE, lexicons="my")


def test_a_folder_is_told_to_be_one(tmp_path):
    with pytest.raises(cart_nlp.InputError, match=r"is a directory, not a file; write records with"):
        cart_nlp.read(tmp_path)


def test_a_store_that_is_open_is_told_to_be_open(tmp_path):
    import duckdb

    from cart_nlp.batch import Options, run

    store = tmp_path / "store.duckdb"
    run(Options((str(SAMPLE),), str(store), workers=0))
    source = (
        "import sys, cart_nlp\ntry: cart_nlp.read(sys.argv[1])\nexcept cart_nlp.InputError as e: print(e)"
    )
    for read_only in (True, False):
        with duckdb.connect(str(store), read_only=read_only):
            with pytest.raises(cart_nlp.InputError) as fault:
                cart_nlp.read(store)
            own = f"{store}: this process has the store open already; close that connection first"
            assert str(fault.value) == own
    with duckdb.connect(str(store)):
        done = subprocess.run(
            [sys.executable, "-c", source, str(store)], capture_output=True, text=True, check=True
        )
    other = "another process has the store open for writing; try again when it has closed it"
    assert done.stdout == f"{store}: {other}\n"
    assert len(cart_nlp.read(store)) == 33


def test_no_input_is_an_error():
    with pytest.raises(cart_nlp.InputError, match="no input is named: give the path of a dump"):
        cart_nlp.tag_file()


def test_a_record_may_take_for_ever(tagged):
    assert len(cart_nlp.tag_file(SAMPLE, workers=1, timeout=float("inf"))) == len(tagged)


def test_a_notebook_shows_what_a_record_says_and_runs_nothing():
    record = Record(
        trial_id="NCT1",
        title="<script>alert(1)</script>",
        url="javascript:alert(1)",
        car_trial="product",
        targets=("CD19",),
        evidence=(
            Evidence(field="targets", value="CD19", basis="text", section="brief_title", text="<b>CD19</b>"),
        ),
    )
    shown = record._repr_html_()
    assert "<script" not in shown and "javascript" not in shown and "<b>" not in shown
    assert "CD19 <small" in shown and "brief_title" in shown
    linked = record.model_copy(update={"url": "https://example.org/?a=1&b=2"})._repr_html_()
    assert 'href="https://example.org/?a=1&amp;b=2"' in linked


def test_a_frame_takes_corrections(tmp_path):
    head = "trial_id,field,action,value\n"
    (tmp_path / "c.csv").write_text(f"{head}NCT2,targets,add,CD22\nNCT1,car_trial,set,no\n")
    frame = pd.DataFrame({"id": ["NCT1", "NCT2"], "brief_title": ["CD19 CAR-T", "CD7 CAR-T"]}, index=[7, 9])
    found = cart_nlp.tag_frame(frame, corrections=tmp_path / "c.csv", everything=False)
    assert list(found["targets"]) == [("CD22", "CD7")] and list(found.index) == [9]
    assert {"curator"} <= {one.basis for one in found["evidence"][9]}


def test_a_worker_s_words_have_what_a_user_s_patterns_ask(tmp_path):
    (tmp_path / "patterns").mkdir()
    tokens = [{"lower": "zorb"}, {"SHAPE": "dd"}, {"IS_PUNCT": True}]
    row = {"label": "antigen", "id": "CD19", "pattern": tokens, "hits": [], "misses": []}
    (tmp_path / "patterns" / "own.jsonl").write_text(json.dumps(row), "utf-8")
    tagger = load_tagger((str(tmp_path),))
    for text, targets in (("CAR-T cells against zorb 47.", ("CD19",)), ("CAR-T cells against zorb Qx.", ())):
        assert tagger(Trial(id="t", sections={"brief_title": text})).targets == targets


def test_lexicons_that_are_edited_while_a_program_runs_count_as_they_are(tmp_path):
    rows = [{"id": name, "brief_title": f"{name} cells against CD19"} for name in ("Zorblatt", "Blorp")]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    folder = tmp_path / "lexicons"
    folder.mkdir()
    for name in ("Zorblatt", "Blorp"):
        table = f"name,aliases,guarded,note,source\n{name.lower()},{name} cells,,,curator\n"
        (folder / "car_words.csv").write_text(table, "utf-8")
        for workers in (0, 1):
            found = cart_nlp.iter_records(tmp_path / "in.jsonl", lexicons=[folder], workers=workers)
            assert [record.trial_id for record in found] == [name], workers
        found = cart_nlp.tag_frame(pd.DataFrame(rows), lexicons=[folder], everything=False)
        assert list(found["trial_id"]) == [name]


TYPED = """
import cart_nlp
from cart_nlp.schema import Construct, Evidence, Mention, Record

cart_nlp.Trial(id="x", sections={"text": "CD19"})
Record(trial_id="x", constructs=(Construct(targets=("CD19",), format="single"),))
Evidence(field="targets", value="CD19", basis="text")
Mention(section="text", start=0, end=4, text="CD19", label="antigen", concept="CD19")
"""


@pytest.mark.slow
def test_who_checks_types_may_leave_out_what_has_a_default(tmp_path):
    (tmp_path / "mine.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
