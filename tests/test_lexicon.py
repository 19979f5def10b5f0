"""Loading and layering of lexicons, and what a name resolves to."""

from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from cart_nlp import LexiconError, lexicon, lint, load, paths, tag
from cart_nlp.cli.lexicon import app
from cart_nlp.curation.why_doubted import reasons
from cart_nlp.lookup import GUARDS, look_up
from cart_nlp.suggest import suggest

HEADER = "name,hgnc_id,symbol,full_name,kind,aliases,guarded,note,source,remove\n"


def layer(folder: Path, rows: str, table: str = "antigens", header: str = HEADER) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{table}.csv").write_text(header + rows, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("alias", "written"),
    [
        ("cd19", {"cd19", "cd-19", "cd 19"}),
        ("donor derived", {"donor derived", "donor-derived"}),
        ("claudin18.2", {"claudin18.2", "claudin-18.2", "claudin 18. 2"}),
    ],
)
def test_spellings(alias: str, written: set[str]) -> None:
    assert written <= lexicon.spellings(alias)


def test_spellings_do_not_open_a_joint_after_a_digit() -> None:
    assert lexicon.spellings("4scar") == {"4scar"}


def test_size_that_the_shipped_lexicons_promise() -> None:
    found = lexicon.load()
    antigens = [c for (label, _), c in found.concepts.items() if label == "antigen"]
    products = [c for (label, _), c in found.concepts.items() if label == "product"]
    assert len([c for c in antigens if c.fields["hgnc_id"]]) >= 180
    assert len(products) >= 150
    assert all(c.fields["source"] for c in found.concepts.values())


def test_a_fact_of_a_product_is_sourced_or_spelled() -> None:
    products = [c for (label, _), c in lexicon.load().concepts.items() if label == "product"]
    facts = ("costim", "generation", "vector", "cell_source", "edits", "armoring", "safety_switch")
    bare = [c for c in products if not c.fields["fact_source"] and not c.fields["spells"]]
    assert [c.name for c in bare if any(c.fields[column] for column in ("targets", "format", *facts))] == []
    assert len([c for c in products if c.fields["fact_source"]]) >= 450


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("iMC CAR-T cells", "costim", ("CD40", "MyD88")),
        ("PSCA CAR T cells with inducible MyD88/CD40", "costim", ("CD40", "MyD88")),
        ("CD19 CAR-T cells secreting SIRPα", "armoring", ("secreted SIRPa-Fc",)),
        ("AUTO6 CAR T cells for neuroblastoma", "products", ("1RG-CART",)),
        ("MB-102 transdermal fluorescence of the kidney", "products", ()),
        ("MB-102 CAR-T cells", "products", ("MB-102",)),
        ("EDO-S101 after CAR-T cells", "targets", ()),
    ],
)
def test_what_a_name_means(text: str, field: str, values: tuple[str, ...]) -> None:
    assert getattr(tag(text), field) == values


def test_a_user_s_row_adds_a_concept(tmp_path: Path) -> None:
    folder = layer(tmp_path, "QQX7,,,,protein,quxin seven,,,me,\n")
    record = tag("quxin seven CAR-T cells", load([folder]))
    assert record.targets == ("QQX7",)
    assert tag("quxin seven CAR-T cells").targets == ()


def test_a_user_s_alias_names_a_known_concept(tmp_path: Path) -> None:
    folder = layer(tmp_path, "CD19,,,,,quxin,,,me,\n")
    assert tag("quxin CAR-T cells", load([folder])).targets == ("CD19",)
    assert tag("CD19 CAR-T cells", load([folder])).target_ids == ("HGNC:1633",)


def test_a_user_takes_aliases_and_rows_away(tmp_path: Path) -> None:
    folder = layer(tmp_path, "BCMA,,,,,CD269,,,me,aliases\nGPC3,,,,,,,,me,row\n")
    found = lexicon.load(folder)
    assert found.get("antigen", "GPC3") is None
    assert "cd269" not in found.folded
    assert [c.name for c in found.folded["tnfrsf17"]] == ["BCMA"]


CUES = "text,category,direction,scope,hits,misses,source,remove\n"
STOPS = "text,blocks,reason,example,remove\n"
QUALIFIERS = "name,kind,source,remove\n"


def test_a_user_takes_away_a_cue_a_stop_and_a_qualifier(tmp_path: Path) -> None:
    layer(tmp_path, "previous,prior,left,clause,,,me,row\n", "cues", CUES)
    layer(tmp_path, "4-1BB agonist,4-1BB,,,row\n", "stoplist", STOPS)
    layer(tmp_path, "relapsed,state,me,row\n", "disease_qualifiers", QUALIFIERS)
    before, after = lexicon.load(), lexicon.load(tmp_path)
    assert before.words("prior") - after.words("prior") == {"previous"}
    assert {stop[:2] for stop in before.stops} - {stop[:2] for stop in after.stops} == {
        ("4-1bb agonist", "4-1BB")
    }
    assert before.qualifiers - after.qualifiers == {"relapsed"}
    assert len(look_up("4-1BB agonist").stops) == 1 + len(look_up("4-1BB agonist", [tmp_path]).stops)


def test_what_is_taken_away_may_be_a_row_of_another_layer_and_comes_back_in_the_next(tmp_path: Path) -> None:
    rows = ("foozed,prior,left,clause,,,me,\n", "foozed,prior,left,clause,,,me,row\n")
    one, two = (layer(tmp_path / str(at), row, "cues", CUES) for at, row in enumerate(rows))
    said = [
        "foozed" in lexicon.load(*layers).words("prior") for layers in ((one,), (one, two), (one, two, one))
    ]
    assert said == [True, False, True]
    assert lint.check(one, two) == []


@pytest.mark.parametrize(
    ("table", "header", "row", "told"),
    [
        ("cues", CUES, "foozed,prior,left,clause,,,me,row\n", "'foozed'"),
        ("cues", CUES, "previous,prior,left,clause,,,me,aliases\n", "'aliases' is none of row"),
        ("stoplist", STOPS, "4-1BB agonist,CD19,,,row\n", "4-1BB agonist"),
        ("disease_qualifiers", QUALIFIERS, "foozed,state,me,row\n", "'foozed'"),
        ("disease_qualifiers", QUALIFIERS, "relapsed,state,me,rows\n", "'rows' is none of row"),
        ("antigens", HEADER, "CD19,,,,,,,,me,rows\n", "'rows' is none of row, aliases"),
    ],
)
def test_nothing_to_take_away_is_told_by_what_loads_and_by_the_check(
    tmp_path: Path, table: str, header: str, row: str, told: str
) -> None:
    layer(tmp_path, row, table, header)
    with pytest.raises(LexiconError, match=f"{table}.csv:2: .*{told}"):
        lexicon.load(tmp_path)
    assert any(told in fault.message and fault.line == 2 for fault in lint.check(tmp_path))


def test_a_row_of_a_layer_is_told_by_its_folder(tmp_path: Path) -> None:
    header = "name,aliases,kind,source\n"
    first = layer(tmp_path / "a: b", "QQX7,quxin seven,protein,me\n", header=header)
    layer(first, "QQ-cel,quxincel,me\n", "products", "name,aliases,source\n")
    (tmp_path / "other").mkdir()
    second = layer(tmp_path / "other" / "a: b", "QQX8,quxin eight,protein,me\n", header=header)
    nlp = load([first, second])
    nlp.to_disk(tmp_path / "model")
    text = "Quxincel: quxin seven, quxin eight and CD19 CAR-T cells"
    for each in (nlp, spacy.load(tmp_path / "model")):
        record = tag(text, each)
        rules = {
            e.value: e.rule.partition(";")[0] for e in record.evidence if e.field in ("targets", "products")
        }
        assert rules.pop("CD19").startswith("antigens.csv:")
        assert rules == {
            "QQX7": "a_ b/antigens.csv:2",
            "QQX8": "a_ b(2)/antigens.csv:2",
            "QQ-cel": "a_ b/products.csv:2",
        }
        assert not [reason for reason in reasons(record) if "unknown" in reason.text]


def test_a_table_that_a_spreadsheet_has_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "antigens.csv").write_bytes(b"\xef\xbb\xbfname,aliases,kind,source\nQQX7,quxin,protein,me\n")
    assert tag("quxin CAR-T cells", load(tmp_path)).targets == ("QQX7",)


def test_an_expression_is_made_of_the_words_of_a_category(tmp_path: Path) -> None:
    head = "text,category,direction,scope,hits,misses,source\n"
    rows = "=Qx.A,quxin,both,inside,,,me\nqx*,quxin,both,inside,,,me\n\u2423end,quxin,both,inside,,,me\n"
    (tmp_path / "cues.csv").write_text(head + rows, "utf-8")
    found = lexicon.load(tmp_path)
    assert found.expression("<<quxin>>").findall("Qx.A QxNA qx.a qxn the end") == ["Qx.A", "qx", "qx", " end"]
    assert found.expression("<<quxin>>", low=True).findall("qx.a qxna") == ["qx.a", "qx"]
    assert found.expression("a?<<nothing>>").search("a nothing") is None


def test_a_user_tells_what_a_number_at_a_car_word_counts(tmp_path: Path) -> None:
    text = "CAR-T20 quxes in lymphoma"
    assert tag(text).targets == ("CD20",)
    head = "text,category,direction,scope,hits,misses,source\n"
    (tmp_path / "cues.csv").write_text(head + "qux*,number_counts,both,inside,,,me\n", "utf-8")
    assert tag(text, load([tmp_path])).targets == ()


def test_layers_change_the_digest(tmp_path: Path) -> None:
    folder = layer(tmp_path, "QQX7,,,,protein,,,,me,\n")
    assert lexicon.load(folder).digest != lexicon.load().digest == lexicon.load().digest


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("QQX7,a\n", "antigens.csv:2: the number of cells"),
        ("NOPE,,,,,,,,me,row\n", "nothing named 'NOPE' to remove"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, rows: str, told: str) -> None:
    with pytest.raises(lexicon.LexiconError, match=told):
        lexicon.load(layer(tmp_path, rows))


def test_show_tells_concept_row_and_kind() -> None:
    (meaning,) = look_up("CD269").meanings
    assert (meaning.concept, meaning.label, meaning.kind) == ("BCMA", "antigen", "free")
    assert meaning.fields["hgnc_id"] == "HGNC:11913"
    file, line = meaning.row.split(":")

    assert (
        (paths.lexicons() / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("BCMA,")
    )


def test_show_tells_guards_exact_case_and_stops() -> None:
    guarded = {m.label: m for m in look_up("CS1").meanings}["antigen"]
    assert (guarded.concept, guarded.kind) == ("SLAMF7", "guarded")
    assert guarded.needs.startswith("names it only where the words around say so: it is bound to a CAR")
    labels = {concept.label for concept in lexicon.load().concepts.values()}
    assert labels <= GUARDS.keys(), "every kind of name can be guarded"
    exact = look_up("all").meanings[0]
    assert exact.kind == "guarded, exact case"
    assert "which 'all' is not" in exact.needs
    assert {stop.blocks for stop in look_up("CD119").stops} == {"CD19"}


def test_show_names_the_nearest() -> None:
    answer = look_up("mesothlin")
    assert answer.meanings == []
    assert answer.nearest[0] == ("mesothelin", "antigen", "MSLN")


def test_show_of_a_user_s_row(tmp_path: Path) -> None:
    (meaning,) = look_up("quxin", [layer(tmp_path, "CD19,,,,,quxin,,,me,\n")]).meanings
    assert (meaning.concept, meaning.row) == ("CD19", f"{tmp_path}/antigens.csv:2")


def test_show_command() -> None:
    run = CliRunner().invoke
    found = run(app, ["show", "mesothelin"])
    assert (found.exit_code, found.stdout.splitlines()[0][:16]) == (0, "MSLN (antigen, a")
    missing = run(app, ["show", "nothing at all\x1b[31m"])
    assert missing.exit_code == 1
    assert "\x1b" not in missing.stdout


def test_suggest_counts_unknown_antigens_and_codes(tmp_path: Path) -> None:
    lines = [
        '{"id": "NCT00000001", "brief_title": "Anti-XYZ1 CAR-T cells", "brief_summary": "QT-999C CAR-T"}',
        '{"id": "NCT00000002", "brief_title": "XYZ1-targeted CAR-T \\u001b[31m", "brief_summary": "CD19"}',
        '{"id": "NCT00000003", "brief_title": "Anti-XYZ2 antibody in asthma", "brief_summary": "drug"}',
    ]
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join(lines) + "\n", encoding="utf-8")
    survey = suggest([dump])
    found = {c.term: (c.kind, len(c.trials), c.example_id) for c in survey.candidates}
    assert found == {"XYZ1": ("antigen", 2, "NCT00000001"), "QT-999C": ("product", 1, "NCT00000001")}
    assert (survey.read, survey.tagged) == (3, 2)
    out = tmp_path / "terms.csv"
    done = CliRunner().invoke(app, ["suggest", str(dump), "--min", "2", "--out", str(out)])
    assert done.exit_code == 0
    assert [line.split(",")[:4] for line in out.read_text(encoding="utf-8").splitlines()] == [
        ["term", "kind", "trials", "mentions"],
        ["XYZ1", "antigen", "2", "2"],
    ]
    assert CliRunner().invoke(app, ["suggest", str(tmp_path / "none.jsonl")]).exit_code == 2


def test_codes_that_the_cues_name_as_none_are_not_suggested(tmp_path: Path) -> None:
    text = "QT-999 CAR-T cells, CAR011 cells, grant 4711 CAR-T cells and AZD1234 CAR-T cells"
    dump = tmp_path / "dump.jsonl"
    dump.write_text(f'{{"id": "NCT00000001", "brief_title": "CAR-T cells", "brief_summary": "{text}"}}\n')
    assert {c.term for c in suggest([dump]).candidates} == {"QT-999", "CAR011"}
    mine = layer(
        tmp_path / "mine",
        "qt,not_code,left,inside,,,mine\n",
        "cues",
        "text,category,direction,scope,hits,misses,source\n",
    )
    assert {c.term for c in suggest([dump], [mine]).candidates} == {"CAR011"}


@pytest.mark.parametrize(
    ("name", "concepts", "needs"),
    [
        ("acute myeloid leukaemia", ["acute myeloid leukemia"], "names it wherever it stands as a word"),
        ("Leukemia, Myeloid, Acute", ["acute myeloid leukemia"], "is read in conditions and keywords"),
        (
            "melanoma; B-cell adult ALL",
            ["B-cell acute lymphoblastic leukemia", "melanoma"],
            "is read in cond",
        ),
        ("CAR-T injection", [], ""),
    ],
)
def test_a_disease_is_looked_up_as_conditions_are_read(name: str, concepts: list[str], needs: str) -> None:
    meanings = look_up(name).meanings
    assert [meaning.concept for meaning in meanings] == concepts
    assert all(meaning.needs.startswith(needs) for meaning in meanings)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "holds no lexicon"), ("", "no column 'name'"), ("title,aliases\nCD19,B4\n", "no column 'name'")],
)
def test_an_empty_folder_and_a_wrong_header_are_refused_as_the_check_refuses_them(tmp_path, content, told):
    if content is not None:
        (tmp_path / "antigens.csv").write_text(content)
    with pytest.raises(LexiconError, match=told):
        lexicon.load(tmp_path)
    assert lint.check(tmp_path)
