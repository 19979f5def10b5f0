"""The shipped lexicons pass; every kind of fault is told with file and line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cart_nlp import lexicon, lint, paths
from cart_nlp.cli.lexicon import app

ANTIGENS = "name,hgnc_id,symbol,full_name,kind,aliases,guarded,note,source\n"
PRODUCTS = (
    "name,aliases,guarded,spells,targets,format,costim,generation,vector,cell_source,cell_type,edits,armoring,"
    "safety_switch,developer,note,source,fact_source\n"
)
STOPS = "text,blocks,reason,example\n"
SHORT = "name,aliases,guarded,source\n"


def faults(folder: Path, **files: str | bytes) -> list[str]:
    """The faults of a user's folder, as `file:line: message` without the folder."""
    for name, content in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [str(fault).removeprefix(f"{folder}/") for fault in lint.check(folder)]


def test_shipped_lexicons_have_no_fault() -> None:
    assert [str(fault) for fault in lint.check()] == []


@pytest.mark.parametrize(
    ("table", "content", "told"),
    [
        ("antigens", "name;source\n", "antigens.csv:1: no column 'name;source'"),
        ("antigens", "name,aliases\n", "antigens.csv:1: the column 'source' is missing"),
        ("antigen", SHORT, "antigen.csv:1: no table of that name"),
        ("antigens", b"name,aliases,source\nXYZ1,\xff,me\n", "antigens.csv:2: byte 0xff is not UTF-8"),
        ("antigens", SHORT + "XYZ1,a\n", "antigens.csv:2: 2 cells under 4 columns"),
        ("antigens", SHORT + 'XYZ1,"a"b,,me\n', "antigens.csv:2: not CSV"),
        ("antigens", SHORT.replace("\n", "\r\n"), "antigens.csv:1: a carriage return"),
        ("cell_types", SHORT + "XB,abcd,,me\nXA,efgh,,me\n", "cell_types.csv:3: not sorted: 'XA' after 'XB'"),
        ("cell_types", SHORT + "XAA,abcd,,me\nXAA,efgh,,me\n", "cell_types.csv:3: 'XAA' stands twice"),
        ("cell_types", SHORT + "XAA,abcd,,\n", "cell_types.csv:2: 'XAA' has no source"),
        (
            "cell_types",
            SHORT + "XAA,abcd ||  efgh,,me\n",
            "cell_types.csv:2: aliases: join values with ' | '",
        ),
        ("cell_types", SHORT + "XAA,ab,,me\n", "cell_types.csv:2: 'ab' is too short"),
        ("cell_types", SHORT + "XAA,10-12,,me\n", "cell_types.csv:2: '10-12' is a mere number"),
        (
            "cell_types",
            SHORT + "XAA,gh-cell | gh cell,,me\n",
            "cell_types.csv:2: 'gh cell' is found by 'gh-cell'",
        ),
        (
            "cell_types",
            SHORT + "XAA,ghcell | ghcells,,me\n",
            "cell_types.csv:2: 'ghcells' is found as the plural",
        ),
        (
            "cell_types",
            SHORT + "XAA,ghcell,ghcell,me\n",
            "cell_types.csv:2: 'ghcell' is both free and guarded",
        ),
        (
            "antigens",
            ANTIGENS + "XYZ1,,,,protein,CD269,,,me\n",
            "'CD269' means 'XYZ1' here and 'BCMA' in antigens.csv",
        ),
        (
            "antigens",
            ANTIGENS + "XYZ1,hgnc:1,,,protein,,,,me\n",
            "antigens.csv:2: hgnc_id: 'hgnc:1' is no HGNC id",
        ),
        ("antigens", ANTIGENS + "XYZ1,,,,gene,,,,me\n", "antigens.csv:2: kind: 'gene' is none of protein"),
        (
            "antigens",
            "name,kind,usual_role,source\nXYZ1,protein,marker,me\n",
            "antigens.csv:2: usual_role: 'marker' is none of cell_marker",
        ),
        ("diseases", "name,group,source\nxyzitis,blood,me\n", "diseases.csv:2: group: 'blood' is none of"),
        (
            "ligands",
            "name,targets,source\nXL1,NOPE,me\n",
            "ligands.csv:2: targets: 'NOPE' is no name in antigens",
        ),
        (
            "products",
            PRODUCTS + "XP1,,,NOPE,,,,,,,,,,,,,me,\n",
            "targets (in spells): 'NOPE' is no name in antigens",
        ),
        ("products", PRODUCTS + "XP1,,,color=red,,,,,,,,,,,,,me,\n", "spells: no field 'color'"),
        ("products", PRODUCTS + "XP1,,,,CD19,double,,,,,,,,,,,me,\n", "format: 'double' is none of single"),
        ("products", PRODUCTS + "XP1,,,,CD19,,,6,,,,,,,,,me,\n", "generation: '6' is none of 1, 2, 3, 4, 5"),
        (
            "products",
            PRODUCTS + "XP1,,,,CD19,,,,viral,,,,,,,,me,\n",
            "vector: 'viral' is no name in vectors.csv",
        ),
        (
            "products",
            PRODUCTS + "XPQ-1001,,,CD20,CD19 | CD20,,CD28,,,,,,,,,,me,\n",
            "products.csv:2: 'XPQ-1001' asserts targets=CD19, costim=CD28 without fact_source",
        ),
        (
            "products",
            PRODUCTS + "XPQ-1001,,,,CD19,,,,,,,,,,,,me,curator: well known\n",
            "products.csv:2: fact_source: 'curator: well known' is no source of facts",
        ),
        (
            "products",
            PRODUCTS + "XPQ-1001,,,,CD19,,,,,,,,,,,,me,NCT01234567\n",
            "products.csv:2: fact_source: 'NCT01234567' is no source of facts",
        ),
        (
            "products",
            PRODUCTS + "XPQ-1001,,,,,,,,,,,,,,,,me,PMID 1\n",
            "products.csv:2: fact_source: 'XPQ-1001' asserts no fact",
        ),
        (
            "products",
            PRODUCTS + "XQ-101,,,,,,,,,,,,,,,,me,\n",
            "products.csv:2: 'XQ-101' is a short code, which may name other things; put it in guarded",
        ),
        (
            "products",
            PRODUCTS + "XPQ1001,,,,,,,,,,,,,,,,me,\nYY-XPQ1001,,,,,,,,,,,,,,,,me,\n",
            "products.csv:2: 'XPQ1001' is a piece of 'yy-xpq1001'; put it in guarded",
        ),
        ("stoplist", STOPS + "CD19,CD19,test,CD19 here\n", "'CD19' (CD19) never counts: the stoplist has it"),
        ("stoplist", STOPS + "abc,NOPE,test,abc\n", "stoplist.csv:2: blocks: 'NOPE' is no name in any table"),
        ("stoplist", STOPS + "abc,CD19,,abc\n", "stoplist.csv:2: 'abc': the column 'reason' is empty"),
        ("stoplist", STOPS + "abc,CD19,why,other\n", "stoplist.csv:2: example: must hold 'abc'"),
        ("antigens", "name,source,remove\nNOPE,me,row\n", "antigens.csv:2: nothing named 'NOPE' to remove"),
        (
            "antigens",
            "name,source,remove\nCD19,me,all\n",
            "antigens.csv:2: remove: 'all' is none of row, aliases",
        ),
        (
            "antigens",
            "name,aliases,source,remove\nCD19,B9,me,aliases\n",
            "antigens.csv:2: 'CD19' has no alias 'B9' to take away",
        ),
    ],
)
def test_fault(tmp_path: Path, table: str, content: str | bytes, told: str) -> None:
    found = faults(tmp_path, **{table: content})
    assert [line for line in found if told in line], found
    assert all(line.startswith(f"{table}.csv:") for line in found), found


@pytest.mark.parametrize(
    "row",
    [
        "XPQ-1001,,,CD20,CD20,,,,,,,,,,,,me,\n",
        "XPQ-1001,,,,CD19,,,,,,,,,,,,me,NCIt C1 | doi:10.1000/1 | NCT01234567 official title\n",
        "XQ-101,,XQ-101,,,,,,,,,,,,,,me,\n",
        "XQCAR,,,,,,,,,,,,,,,,me,\nYY-XPQ1001,YY-XPQ1001 cells,XPQ1001,,,,,,,,,,,,,,me,\n",
    ],
    ids=["spelled", "sourced", "guarded", "a CAR by name, and a guarded piece"],
)
def test_a_sound_product_has_no_fault(tmp_path: Path, row: str) -> None:
    assert faults(tmp_path, products=PRODUCTS + row) == []


def test_users_need_no_source_of_facts(tmp_path: Path) -> None:
    assert faults(tmp_path, products="name,targets,source\nXPQ-1001,CD19,me\n") == []


@pytest.mark.parametrize(
    "row",
    ["XYZ1,,,,protein,,CD269,,me\n", "XYZ1,,,,protein,xyz one,,,me\n", "CD19,,,,,my CD19 name,,,me\n"],
    ids=["guarded on one side", "new", "alias for a known name"],
)
def test_good_rows_of_a_user(tmp_path: Path, row: str) -> None:
    assert faults(tmp_path, antigens=ANTIGENS + row) == []


def test_removed_alias_is_free_for_another_concept(tmp_path: Path) -> None:
    header = ANTIGENS.replace("\n", ",remove\n")
    rows = "BCMA,,,,,CD269,,,me,aliases\nXYZ1,,,,protein,CD269,,,me,\n"
    assert faults(tmp_path, antigens=header + rows) == []


def entry(**changes: object) -> str:
    """A good pattern as a line of JSON, with some keys changed; None takes one away."""
    good = {
        "label": "antigen", "id": "CD19", "pattern": [{"LOWER": "frizzle"}, {"LOWER": "nine"}],
        "hits": ["Frizzle nine CAR"], "misses": ["frizzle ten"],
    }  # fmt: skip
    return json.dumps({key: value for key, value in {**good, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (entry(), ""),
        (entry(hits=["frizzle ten CAR"]), "does not match its hit 'frizzle ten CAR'"),
        (entry(misses=["a frizzle nine"]), "matches in its miss 'a frizzle nine'"),
        (entry(pattern="frizzle"), "a plain phrase is an alias in a table"),
        (entry(pattern=[{"LOWER": "Frizzle"}]), "LOWER: 'Frizzle' never matches"),
        (entry(pattern=[{"LOUDER": "frizzle"}]), "no token pattern: "),
        (entry(misses=None), "the key 'misses' is missing"),
        (entry(color=1), "no key 'color'"),
        (entry(label="gene"), "no label 'gene'; there are antigen"),
        (entry(id="FZ9"), "'FZ9' is no antigen in the tables"),
        ("{", "not JSON"),
        ("[1]", "not an object"),
    ],
)
def test_pattern(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "p.jsonl").write_text(line + "\n", encoding="utf-8")
    found = [str(fault) for fault in lint.check(tmp_path)]
    assert len(found) == bool(told), found
    assert all(f"{tmp_path}/patterns/p.jsonl:1: " in line and told in line for line in found)


def test_a_pattern_stands_once(tmp_path: Path) -> None:
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "p.jsonl").write_text(f"{entry()}\n{entry()}\n", encoding="utf-8")
    (found,) = [str(fault) for fault in lint.check(tmp_path)]
    assert found.endswith("p.jsonl:2: the pattern stands in line 1 already; take one away")


CUES = "text,category,direction,scope,hits,misses,source\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("in the wake of,prior,left,clause,in the wake of CD19 CAR-T,awake of it,me\n", ""),
        ("in the wake,prior,left,clause,the wake,,me\n", "'in the wake' is not found in its hit 'the wake'"),
        ("in the wake,prior,left,clause,,seen in the wake of it,me\n", "is found in its miss"),
        ("after,nothing,left,clause,,,me\n", "nothing asks for the category 'nothing'"),
        ("after,priro,left,clause,,,me\n", "nothing asks for the category 'priro'; did you mean prior"),
        ("in the wake of,prior,up,clause,,,me\n", "direction: 'up' is none of left, right, both"),
        ("in the wake of,prior,left,page,,,me\n", "scope: 'page' is none of adjacent, near"),
        ("In the wake,prior,left,clause,,,me\n", "the cue 'In the wake' is 'in the wake'"),
        ("=QTL,name_cells,both,inside,,,me\n", ""),
        ("shelf,another_car,both,inside,,,me\nstored,shelf,left,clause,,,me\n", ""),
        ("shelf,another_car,both,inside,,,me\n", "no cue is of the category 'shelf', which 'another_car'"),
        ("=qtl,name_cells,both,inside,,,me\n", "the cue '=qtl' is 'qtl'"),
        ("=Wake,prior,left,clause,,,me\n", "the cue '=Wake' is '=wake'"),
        ("in*wake,prior,left,clause,,,me\n", "* stands at an end of them"),
        ("in the wake of,prior,left,clause,,,\n", "the column 'source' is empty"),
    ],
)
def test_cue(tmp_path: Path, row: str, told: str) -> None:
    found = faults(tmp_path, cues=CUES + row)
    assert len(found) == bool(told), found
    assert all(told in line and line.startswith("cues.csv:2: ") for line in found), found


def test_a_cue_of_the_shipped_ones_is_not_said_again(tmp_path: Path) -> None:
    known = next(iter(lexicon.load().cue_rows))
    row = f"{known.text},{known.category},{known.direction},{known.scope},,,me\n"
    (found,) = faults(tmp_path, cues=CUES + row)
    assert f"{known.text!r} stands under {known.category!r} already, in cues.csv:" in found


def rule(**changes: object) -> str:
    good = {"name": "asked", "verdict": "other", "needs": ["focus_other@title"],
            "hits": ["Outpatient care after CAR-T"], "misses": ["CD19 CAR-T cells"]}  # fmt: skip
    pairs = {key: value for key, value in {**good, **changes}.items() if value is not None}
    return "[[rule]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in pairs.items())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (rule(), ""),
        (
            rule(hits=["CD19 CAR-T cells"]),
            "1: rule 'asked': its hit 'CD19 CAR-T cells' is decided by no rule",
        ),
        (rule(misses=["Outpatient CAR-T"]), "1: rule 'asked': decides its miss 'Outpatient CAR-T'"),
        (
            rule() + rule(name="late"),
            "7: rule 'late': its hit 'Outpatient care after CAR-T' is decided by asked",
        ),
        (rule(verdict="fun"), "1: rule 'asked': no verdict 'fun' of focus"),
        (rule(needs=None), "1: rule 'asked': holds everywhere"),
        (rule(hits=None), "1: rule 'asked': the key 'hits' is missing"),
        (rule(color="red"), "1: rule 'asked': no key 'color'"),
        ("[[rule]\n", "1: not TOML"),
    ],
)
def test_rule(tmp_path: Path, body: str, told: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "focus.toml").write_text(body, encoding="utf-8")
    found = [str(fault) for fault in lint.check(tmp_path)]
    assert len(found) == bool(told), found
    assert all(f"{tmp_path}/rules/focus.toml:{told}" in line for line in found), found


@pytest.mark.parametrize("place", ["rules/colors.toml", "patterns/p.toml"])
def test_a_file_that_nothing_reads_is_told(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir()
    path.write_text("", encoding="utf-8")
    (tmp_path / "cell_types.csv").write_text(SHORT, encoding="utf-8")
    assert [fault.path for fault in lint.check(tmp_path)] == [path]


def test_fix_orders_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.csv"
    path.write_bytes(
        b"\xef\xbb\xbfname,aliases,guarded,source\r\nXB, abcd|efgh | abcd,,me\r\nXA,ijkl,,me\r\n"
    )
    assert lint.fix(tmp_path) == ([path], [])
    assert path.read_bytes() == b"name,aliases,guarded,source\nXA,ijkl,,me\nXB,abcd | efgh,,me\n"
    assert lint.fix(tmp_path) == ([], [])


def test_fix_leaves_a_broken_table_alone(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.csv"
    path.write_text(SHORT + "XB,a\n", encoding="utf-8")
    rewritten, kept = lint.fix(tmp_path)
    assert (rewritten, [fault.line for fault in kept]) == ([], [2])
    assert path.read_text(encoding="utf-8") == SHORT + "XB,a\n"


def test_shipped_tables_are_in_canonical_form() -> None:
    from cart_nlp.lint import tables

    for path in paths.lexicons().glob("*.csv"):
        assert tables.canonical(path) == path.read_text(encoding="utf-8"), path.name


def test_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    good = run(app, ["check"])
    assert (good.exit_code, good.stdout) == (0, "")
    assert "0 faults" in good.stderr
    (tmp_path / "cell_types.csv").write_text(SHORT + "XAA,abcd,,\n", encoding="utf-8")
    bad = run(app, ["check", str(tmp_path)])
    assert bad.exit_code == 1
    assert bad.stdout.startswith(f"{tmp_path}/cell_types.csv:2: 'XAA' has no source")
    missing = run(app, ["check", str(tmp_path / "none")])
    assert (missing.exit_code, "no such folder" in missing.stdout) == (1, True)
