"""What the tagging run did not write stands in the flow and in the list of the excluded, with its reason."""

import csv
import hashlib
import json

import pytest

from cart_nlp import landscape
from cart_nlp.landscape import Options, run_facts, tables, unwritten
from cart_nlp.landscape.report import Asked, build
from cart_nlp.registries.entry import InputError

DECIDED = [
    {"trial_id": "NCT80000001", "stage": "study decision", "reason": "CAR cells are mentioned: “CAR-T” in a",
     "car_trial": "mention", "score": 0.123, "registry": "ClinicalTrials.gov",
     "title": "=1+1 <script>x</script>", "url": "https://clinicaltrials.gov/study/NCT80000001"},
    {"trial_id": "NCT80000002", "stage": "study decision", "reason": "no CAR cells are named",
     "car_trial": "no", "score": 0.0, "registry": "ClinicalTrials.gov", "title": "A course", "url": ""},
    {"trial_id": "NCT80000003", "stage": "study decision", "reason": "no CAR cells are named",
     "car_trial": "no", "score": 0.0, "registry": "ClinicalTrials.gov", "title": "Another", "url": ""},
]  # fmt: skip
SCREENED = [
    {"trial_id": f"NCT8100000{n}", "stage": "text screen", "reason": "no word of CAR cells in the text"}
    for n in range(4)
]


@pytest.fixture
def with_list(records_file, records):
    """Records, and beside them a run file and a list of these trials."""

    def put(lines, **counts):
        text = "".join(json.dumps(line) + "\n" for line in lines).encode()
        made = records_file.with_name("records.jsonl.screened.ndjson")
        made.write_bytes(text)
        run = {
            "counts": {"read": len(records) + 7, "screened": 4, "below": 3, "merged": 0, "rejected": 0,
                       "written": len(records), **counts},
            "screened_list": made.name,
            "outputs": [{"name": made.name, "sha256": hashlib.sha256(text).hexdigest()}],
        }  # fmt: skip
        records_file.with_name("records.jsonl.run.json").write_text(json.dumps(run))
        return records_file

    return put


def of(path, df):
    return tables(df, Options(), run_facts(path))


def test_each_trial_is_listed_with_stage_step_and_reason(with_list, df):
    found = of(with_list([*DECIDED, *SCREENED]), df)
    rows = [[cell.value for cell in row] for row in found["excluded"].rows[:7]]
    assert rows[0] == [
        "NCT81000000", "", "", "screening", "text screen", "no word of CAR cells in the text",
    ]  # fmt: skip
    assert [row[0] for row in rows] == [one["trial_id"] for one in [*SCREENED, *DECIDED]]
    assert rows[4][3:] == [
        "screening",
        "study decision",
        "CAR cells are mentioned: “CAR-T” in a (probability of inclusion 12.3 %)",
    ]
    steps = {row[4].value for row in found["excluded"].rows}
    assert steps == {"text screen", "study decision", "analysis"}
    assert {row[3].value for row in found["excluded"].rows[7:]} == {"identification", "screening"}


def test_the_flow_counts_them_by_verdict_and_leads_to_them(with_list, df):
    flow = of(with_list([*DECIDED, *SCREENED]), df)["flow"]
    assert flow.ids("tagged: CAR cells mentioned, not studied", "records") == ("NCT80000001",)
    assert flow.ids("tagged: no CAR study", "records") == ("NCT80000002", "NCT80000003")
    assert flow.ids("no word of CAR cells in the text", "records") == tuple(
        one["trial_id"] for one in SCREENED
    )
    out = sum(row[3].value for row in flow.rows if row[2].value == "out")
    assert (
        flow.value("trials included", "records") == flow.value("records read from the dump", "records") - out
    )


def test_without_the_text_screen_its_trials_are_counted_and_the_option_is_told(with_list, df):
    found = of(with_list(DECIDED), df)
    assert found["flow"].cell("no word of CAR cells in the text", "records").value == 4
    assert found["flow"].cell("no word of CAR cells in the text", "records").ids is None
    assert "--screened FILE" in found["flow"].note
    assert [row[4].value for row in found["excluded"].rows[:4]] == ["study decision"] * 3 + ["analysis"]


def test_more_than_can_be_shown_is_told(with_list, df, monkeypatch):
    monkeypatch.setattr(unwritten, "LISTED", 3)
    found = of(with_list([*SCREENED, *DECIDED]), df)
    assert [row[4].value for row in found["excluded"].rows[:7]].count("text screen") == 3
    said = "1 more trials of the text screen are listed in records.jsonl.screened.ndjson only."
    assert said in found["flow"].note
    assert said in found["excluded"].note
    assert found["flow"].cell("no word of CAR cells in the text", "records").ids is None


def test_a_list_that_was_changed_or_is_gone_is_told_and_not_taken_over(with_list, df):
    path = with_list(DECIDED)
    beside = path.with_name("records.jsonl.screened.ndjson")
    beside.write_text(beside.read_text().replace("A course", "B course"))
    found = of(path, df)
    assert "is not as the run wrote it" in found["flow"].note
    assert found["flow"].value("tagged: no CAR study", "records") == 3
    assert {row[4].value for row in found["excluded"].rows} == {"analysis"}
    beside.unlink()
    assert "is not there any more" in of(path, df)["flow"].note


def test_a_trial_that_the_records_hold_is_excluded_or_included_once(with_list, df):
    held = {**DECIDED[1], "trial_id": df["trial_id"][0]}
    found = of(with_list([DECIDED[0], held]), df)
    assert [row[4].value for row in found["excluded"].rows].count("study decision") == 1


@pytest.mark.parametrize("line", ["{", "[1]"])
def test_a_damaged_list_is_one_line(with_list, line):
    path = with_list(DECIDED)
    beside = path.with_name("records.jsonl.screened.ndjson")
    text = (beside.read_text() + line + "\n").encode()
    beside.write_bytes(text)
    run = path.with_name("records.jsonl.run.json")
    said = json.loads(run.read_text())
    said["outputs"][0]["sha256"] = hashlib.sha256(text).hexdigest()
    run.write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"screened\.ndjson:4: .*; tag again"):
        run_facts(path)


def test_what_a_store_counts_is_no_exclusion(with_list, df):
    counts = {"new": 9, "changed": 8, "unchanged": 7, "vanished": 6, "dropped": 5, "retagged": 4, "stored": 3}
    flow = of(with_list([*DECIDED, *SCREENED], **counts), df)["flow"]
    assert not [row for row in flow.rows if "as the run names it" in str(row[0].value)]


def test_what_a_store_kept_from_earlier_runs_is_told(with_list, df):
    held = len(df)
    assert "earlier runs" not in of(with_list(DECIDED, written=held, stored=held), df)["flow"].note
    note = of(with_list(DECIDED, written=held - 2, stored=held), df)["flow"].note
    assert f"Of these {held} records the store has 2 from earlier runs" in note
    assert "changed since, or cut" not in note
    assert "changed since, or cut" in of(with_list(DECIDED, written=held, stored=held + 1), df)["flow"].note


def test_the_report_lists_them_as_text(with_list, tmp_path, options):
    made = build(
        with_list([*DECIDED, *SCREENED]), tmp_path / "out", options, Asked(image_files=False, figures=())
    )
    page = made.page.read_text()
    assert "NCT80000001" in page
    assert "<script>x</script>" not in page
    with (made.folder / "tables" / "excluded.csv").open() as rows:
        titles = {row["trial"]: row["title"] for row in csv.DictReader(rows)}
    assert titles["NCT80000001"] == "'=1+1 <script>x</script>"


def test_what_a_run_reads_is_included_or_excluded(tmp_path, in_process):
    """From the dump to the report: no trial is lost on the way, and each is in one list."""
    from cart_nlp.paths import sample

    out = tmp_path / "records.jsonl"
    done = in_process("tag", sample(), "-o", out, "--workers", 0, "--screened", tmp_path / "list.ndjson")
    assert done.returncode == 0
    run = run_facts(out)
    found = tables(landscape.read_records(out), Options(), run)
    included = found["flow"].ids("trials included", "records")
    excluded = [row[0].value for row in found["excluded"].rows]
    assert len(included) + len(excluded) == run["counts"]["read"] == 40
    assert not set(included) & set(excluded)
