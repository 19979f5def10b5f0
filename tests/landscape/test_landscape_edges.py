"""Records that a report must survive: none, one, undated, stateless, hostile."""

import datetime
import re
import zipfile

import openpyxl
import pytest

from cart_nlp.landscape import Options, frame, tables
from cart_nlp.landscape.export import safe, write_csv
from cart_nlp.landscape.report import Asked, EmptyReport, build
from cart_nlp.landscape.sponsors import read_decisions
from cart_nlp.pages import embed, web
from cart_nlp.places import PlaceError
from cart_nlp.schema import Construct, Evidence, Record

OPTIONS = Options(as_of=datetime.date(2026, 6, 30))
SCRIPT = "</script><script>document.title='hacked'</script><img src=x onerror=alert(1)>"
STEERS = "Evil\x1b[31m\x1b]0;pwned\x07\x1bc\x9b31m\u202e\nHospital"
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|_x00[01]._"
)
ARABIC, CHINESE = "مستشفى جامعة القاهرة", "北京大学人民医院"


def write(path, records):
    path.write_text("".join(r.model_dump_json() + "\n" for r in records), encoding="utf-8")
    return path


def hostile():
    evidence = (
        Evidence(
            field="targets", value=SCRIPT, basis="text", section=SCRIPT, end=3, text=SCRIPT, rule=SCRIPT
        ),
    )
    return [
        Record(
            trial_id="NCT00000001",
            title=SCRIPT,
            car_trial="product",
            targets=(SCRIPT, "CD19"),
            multi_target=True,
            sponsor="=cmd|' /C calc'!A0",
            indications=("@SUM(1)",),
            countries=(SCRIPT,),
            url="javascript:alert(1)",
            evidence=evidence,
        ),
        Record(
            trial_id="NCT00000002",
            title="x" * 5000,
            car_trial="product",
            targets=("CD19", STEERS),
            constructs=(Construct(targets=("CD19", STEERS), format="tandem"),),
            costim=(STEERS,),
            sponsor=ARABIC,
            disease_group=("solid",),
            start_date="2021",
            countries=("China", STEERS),
            collaborators=(CHINESE, "+1-2", STEERS),
            indications=("lymphoma", "=1+1", "@SUM(2)", STEERS),
            evidence=(Evidence(field="targets", value=STEERS, basis="text", section=STEERS, text=STEERS),),
        ),
        Record(
            trial_id="NCT00000003",
            title="wide " * 1000,
            car_trial="related",
            sponsor=CHINESE,
            start_date="20x1",
            why_stopped=SCRIPT,
            status="TERMINATED",
            phase="PHASE9",
            countries=("Atlantis",),
        ),
        Record(
            trial_id=f"NCT4{STEERS}",
            title=STEERS,
            registry=STEERS,
            car_trial="mention",
            url=f"http://{STEERS}",
        ),
    ]


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    build(write(folder / "r.jsonl", hostile()), folder / "out", OPTIONS, Asked(reference="study"))
    return folder / "out"


def test_one_trial(tmp_path):
    records = write(tmp_path / "r.jsonl", [Record(trial_id="NCT00000001", title="One", car_trial="product")])
    names = ("upset", "world", "flow")
    asked = Asked(reference="study", compare=records, figures=names, formats=("svg", "pdf", "tiff"))
    built = build(records, tmp_path / "out", OPTIONS, asked)
    assert built.included == 1
    assert built.tables["targets"].value("not stated", "trials") == 1
    assert built.tables["multi_target"].value("all", "%") is None
    assert all(row[7].value is None for row in built.tables["tests"].rows), "nothing can be tested"
    assert len(list((tmp_path / "out" / "figures").iterdir())) == 4 * len(names)
    assert (tmp_path / "out" / "figures" / "upset.tiff").read_bytes()[:4] in (b"II*\0", b"MM\0*")
    assert (tmp_path / "out" / "figures" / "upset.pdf").read_bytes().startswith(b"%PDF")
    openpyxl.load_workbook(tmp_path / "out" / "landscape.xlsx").close()


def test_a_report_of_nothing_is_refused_before_anything_is_written(tmp_path):
    records = write(tmp_path / "r.jsonl", [Record(trial_id="NCT00000001", car_trial="mention")])
    with pytest.raises(EmptyReport, match="1 CAR mentioned, not studied"):
        build(records, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_stale_files_go_and_files_of_others_stay(tmp_path):
    records = write(tmp_path / "r.jsonl", [Record(trial_id="NCT00000001", car_trial="product")])
    out = tmp_path / "out"
    build(records, out, OPTIONS, Asked(reference="study", figures=("upset", "world")))
    others = ("notes.txt", "tables/mine.ods", "tables/notes.csv", "figures/mine.png", "figures/mine.csv")
    for name in others:
        (out / name).write_text("mine")
    build(records, out, OPTIONS, Asked(figures=("world",), formats=("png",)))
    assert not (out / "tables" / "reference.csv").exists()
    figures = sorted(p.name for p in (out / "figures").iterdir())
    assert figures == ["mine.csv", "mine.png", "world.csv", "world.png"]
    assert {(out / name).read_text() for name in others} == {"mine"}


@pytest.mark.parametrize("name", ["report.html", "run.json", "landscape.xlsx"])
def test_a_file_that_is_not_ours_is_not_written_over(tmp_path, name):
    records = write(tmp_path / "r.jsonl", [Record(trial_id="NCT00000001", car_trial="product")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    with pytest.raises(PlaceError, match=f"{name}: is there already and no run.json of a report lists it"):
        build(records, tmp_path / "out", OPTIONS)
    assert (tmp_path / "out" / name).read_text() == "{}"


def test_no_dates_no_countries():
    found = tables(frame([Record(trial_id="A1", car_trial="product", targets=("CD19",))]), OPTIONS)
    assert [row[0].value for row in found["trials_by_year"].rows] == ["not stated"]
    assert found["regions"].value("not stated", "trials") is None and found["regions"].missing
    assert found["countries"].rows == [] and found["new_targets"].rows == []


def test_undated_trials_are_counted_not_dropped_silently():
    records = [
        Record(trial_id="A1", car_trial="product"),
        Record(trial_id="A2", car_trial="product", start_date="2024-04-30"),
        Record(trial_id="A3", car_trial="product", start_date="2023", first_posted="2024-05-01"),
    ]
    flow = tables(frame(records), Options(until="2024-04", as_of=OPTIONS.as_of))["flow"]
    assert flow.ids("no date, cannot be placed in time", "records") == ("A1",)
    assert flow.ids("registered after 2024-04", "records") == ("A3",), "the posting date goes first"
    assert flow.ids("trials included", "records") == ("A2",)


def test_no_text_becomes_markup(hostile_report):
    page = (hostile_report / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2 and page.count("</script") == 2, (
        "the data and the code, nothing of a record"
    )
    assert "<img src=x" not in page and "javascript:" not in page
    assert "&lt;script&gt;" in page
    policy = re.search(r'content="(default-src[^"]*)"', page)[1]
    assert "unsafe" not in policy and "default-src 'none'" in policy
    assert not re.search(r'(src|href)="(https?:)?//', page), "nothing is loaded from elsewhere"
    markdown = (hostile_report / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown and "<img" not in markdown


def test_no_text_becomes_a_formula(hostile_report):
    for path in (hostile_report / "tables").glob("*.csv"):
        # A spreadsheet of some countries begins a new cell at each semicolon.
        assert not re.search(r'(^|,|;) ?"?[=@]', path.read_text(encoding="utf-8"), re.MULTILINE), path
    book = openpyxl.load_workbook(hostile_report / "landscape.xlsx")
    values = {cell.value for row in book["sponsors"].iter_rows() for cell in row if cell.data_type == "s"}
    assert "=cmd|' /C calc'!A0" in values and {ARABIC, CHINESE} <= values
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_no_text_drives_a_terminal(hostile_report):
    def texts():
        for path in hostile_report.rglob("*"):
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as book:
                    yield from ((f"{path.name}/{name}", book.read(name)) for name in book.namelist())
            elif path.is_file() and path.suffix != ".png":
                yield path.name, path.read_bytes()

    found = {name: STEERING.findall(data.decode("utf-8")) for name, data in texts()}
    assert len(found) > 100 and {name: signs for name, signs in found.items() if signs} == {}
    for name in ("tables/sponsors.csv", "tables/excluded.csv", "report.md", "figures/sponsors.svg"):
        # What is no control character still stands there, on one line.
        assert "Evil" in (hostile_report / name).read_text("utf-8")
    assert "Evil[31m]0;pwnedc31m Hospital,academic," in (
        hostile_report / "tables" / "sponsors.csv"
    ).read_text("utf-8")


def test_a_reviewed_list_has_the_names_as_they_are_counted(tmp_path):
    names = ("Acme\x1b Bio\nCo Ltd", "Acme Bio Co., Ltd.")
    records = [Record(trial_id=f"A{n}", car_trial="product", sponsor=name) for n, name in enumerate(names)]
    merges = tables(frame(records), OPTIONS)["sponsor_merges"]
    assert len(merges.rows) == 1 and len(tables(frame(records), OPTIONS)["sponsors"].rows) == 1
    write_csv(merges.frame.assign(decision="refused"), tmp_path / "m.csv")
    decided = Options(as_of=OPTIONS.as_of, sponsor_decisions=read_decisions(tmp_path / "m.csv"))
    assert len(tables(frame(records), decided)["sponsors"].rows) == 2


def test_unknown_country_and_phase_are_kept(hostile_report):
    countries = (hostile_report / "tables" / "countries.csv").read_text(encoding="utf-8")
    assert "Atlantis,Other regions,1" in countries
    phases = (hostile_report / "tables" / "phases.csv").read_text(encoding="utf-8")
    assert "not stated,3," in phases


@pytest.mark.parametrize(
    "text, expected",
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "-1"),
        ("-1.71", "-1.71"),
        ("-1+1", "'-1+1"),
        ("x; -1", "x; '-1"),
        ("@x", "'@x"),
        ("\t=x", "' =x"),
        ("\x1b=x", "'=x"),
        ("a\x1b[31m\u202eb\nc", "a[31mb c"),
        ("a=1", "a=1"),
        ("A; =1; B;@x", "A; '=1; B;'@x"),
        (-1, -1),
        (None, ""),
    ],
)
def test_safe(text, expected):
    assert safe(text) == expected


def test_embedded_json_cannot_end_its_element():
    import json

    data = ["</script><!--", "\u2028", "a & b", STEERS, "\ud800"]
    text = str(embed(data))
    assert "<" not in text and ">" not in text and "&" not in text and not STEERING.search(text)
    assert json.loads(text) == ["</script><!--", "\u2028", "a & b", STEERS, "?"]


@pytest.mark.parametrize(
    "url, expected",
    [("https://x.org", "https://x.org"), ("javascript:alert(1)", ""), ("data:text/html,x", ""), ("", "")],
)
def test_only_web_addresses_are_links(url, expected):
    assert web(url) == expected


def test_same_bytes_again(tmp_path, records_file):
    asked = Asked(figures=("world", "upset"), formats=("svg", "pdf"))
    first = build(records_file, tmp_path / "a", OPTIONS, asked).folder
    second = build(records_file, tmp_path / "b", OPTIONS, asked).folder
    names = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert len(names) > 100
    assert [n for n in names if (first / n).read_bytes() != (second / n).read_bytes()] == []
