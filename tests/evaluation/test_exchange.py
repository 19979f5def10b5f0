"""Round trips through the formats of annotation tools lose nothing and take in what was changed."""

from __future__ import annotations

import json
import random
import tempfile
import zlib
from pathlib import Path

import pytest
from gold_lines import gold_lines, line, save
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from cart_nlp.evaluation import gold as gold_set
from cart_nlp.evaluation.exchange import brat, choices, docbin, doccano, formats, label_studio, prodigy
from cart_nlp.evaluation.exchange.one_text import layout
from cart_nlp.evaluation.exchange.tasks import Span, task_of, words
from cart_nlp.evaluation.gold import GoldError
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Construct, Mention, Record, Trial

FORMATS = sorted(formats.FORMATS)


def there_and_back(lines, name, folder):
    """What import gives of an export."""
    path = Path(folder) / f"tasks{formats.FORMATS[name].SUFFIX}"
    assert formats.export(lines, name, path) == len(lines)
    return formats.imported(name, path)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(gold=gold_lines())
def test_round_trip_loses_nothing(name, gold):
    with tempfile.TemporaryDirectory() as folder:
        (back,) = there_and_back([gold], name, folder)
    assert back == gold


@pytest.mark.parametrize("name", FORMATS)
def test_bundled_gold_set_comes_back_as_it_is(name, tmp_path):
    lines = [dict(record.data) for record in gold_set.read().records]
    assert there_and_back(sorted(lines, key=lambda row: row["id"]), name, tmp_path) == sorted(
        lines, key=lambda row: row["id"]
    )


@given(gold=gold_lines())
@settings(max_examples=60, deadline=None)
def test_layout_keeps_every_section_in_place(gold):
    task = task_of(gold)
    from cart_nlp.evaluation.sections import sections_of

    for key, text in sections_of(gold["trial"]).items():
        start = task.layout.offset(key)
        assert len(task.text[start : start + len(text)]) == len(text)
        assert task.layout.locate(start, start + len(text)) == (key, 0, len(text))
    for span, row in zip(task.spans, gold.get("mentions", ()), strict=True):
        assert task.layout.locate(span.start, span.end) == (row["section"], row["start"], row["end"])


@given(gold=gold_lines())
@settings(max_examples=60, deadline=None)
def test_words_join_to_the_text_and_are_cut_at_span_edges(gold):
    task = task_of(gold)
    parts, spaces = words(task.text, task.spans)
    assert "".join(w + " " * s for w, s in zip(parts, spaces, strict=True)) == task.text
    edges = {0}
    at = 0
    for word, space in zip(parts, spaces, strict=True):
        edges |= {at, at + len(word)}
        at += len(word) + space
    assert {edge for s in task.spans for edge in (s.start, s.end)} <= edges


def test_a_span_across_two_sections_is_refused():
    shown = layout("T", {"brief_title": "ab", "brief_summary": "cd"})
    start, end = shown.offset("brief_title"), shown.offset("brief_summary") + 2
    assert shown.locate(start, end) is None


@pytest.mark.parametrize(
    "construct", ["CD19+CD22 (tandem)", "CD19 (single)", "a%2Bb+c%25 (cocktail)", "(adaptor)"]
)
def test_construct_is_read_as_it_is_shown(construct):
    assert choices.show_construct(choices.parse_construct(construct)) == construct


def test_construct_without_a_format_is_refused():
    with pytest.raises(ValueError, match="write it like"):
        choices.parse_construct("CD19+CD22")


def test_unchanged_lists_keep_their_order():
    before = {"car_trial": "product", "targets": ["CD22", "CD19"]}
    assert choices.labels_of({"car_trial": ["product"], "targets": ["CD19", "CD22"]}, before) == before


def change_label_studio(path):
    rows = json.loads(path.read_text("utf-8"))
    result = rows[0]["predictions"][0]["result"]
    for item in result:
        if item["from_name"] == "role":
            item["value"]["choices"] = ["disease_marker"]
        if item["from_name"] == "cell_type":
            item["value"]["choices"] = ["NK"]
    text = rows[0]["data"]["text"]
    at = text.index("B-ALL")
    place = {"start": at, "end": at + 5, "text": "B-ALL"}
    result.append(
        {
            "id": "new",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {**place, "labels": ["product"]},
        }
    )
    rows[0]["annotations"] = [{"id": 1, "result": result}]
    path.write_text(json.dumps(rows), "utf-8")


def change_lines(edit):
    def change(path):
        row = json.loads(path.read_text("utf-8"))
        edit(row)
        path.write_text(json.dumps(row) + "\n", "utf-8")

    return change


def edit_prodigy(row):
    row["spans"][0]["label"] = "antigen/disease_marker"
    row["accept"] = [a.replace("cell_type=T", "cell_type=NK") for a in row["accept"]]
    at = row["text"].index("B-ALL")
    row["spans"].append({"start": at, "end": at + 5, "label": "product", "token_start": 0, "token_end": 0})
    row["answer"] = "accept"


def edit_doccano(row):
    at = row["text"].index("B-ALL")
    row["label"] = [
        [
            start,
            end,
            {"antigen/target": "antigen/disease_marker", "cell_type=T": "cell_type=NK"}.get(name, name),
        ]
        for start, end, name in row["label"]
    ]
    row["label"].append([at, at + 5, "product"])


def change_brat(path):
    (file,) = path.glob("*.ann")
    text = (
        file.read_text("utf-8").replace("role T2 target", "role T2 disease_marker").replace('["T"]', '["NK"]')
    )
    at = file.with_suffix(".txt").read_text("utf-8").index("B-ALL")
    file.write_text(text + f"T9\tproduct {at} {at + 5}\tB-ALL\n", "utf-8")


def change_docbin(path):
    from spacy.tokens import DocBin, SpanGroup
    from spacy.vocab import Vocab

    (doc,) = DocBin().from_disk(path).get_docs(Vocab())
    old = doc.spans["mentions"][0]
    at = doc.text.index("B-ALL")
    spans = [
        doc.char_span(old.start_char, old.end_char, label="antigen", kb_id="CD19", span_id="disease_marker"),
        doc.char_span(at, at + 5, label="product"),
    ]
    doc.spans["mentions"] = SpanGroup(doc, spans=spans)
    del doc.cats["cell_type=T"]
    doc.cats["cell_type=NK"] = 1.0
    DocBin(docs=[doc], store_user_data=True).to_disk(path)


CHANGES = {
    "label-studio": change_label_studio,
    "prodigy": change_lines(edit_prodigy),
    "doccano": change_lines(edit_doccano),
    "brat": change_brat,
    "docbin": change_docbin,
}


@pytest.mark.parametrize("name", FORMATS)
def test_changes_made_in_the_tool_come_back_and_nothing_else(name, tmp_path):
    gold = line(targets=["CD22"], constructs=[{"targets": ["CD22"], "format": "single"}])
    path = tmp_path / f"tasks{formats.FORMATS[name].SUFFIX}"
    formats.export([gold], name, path)
    CHANGES[name](path)
    (back,) = formats.imported(name, path)
    marker = {**gold["mentions"][0], "role": "disease_marker", "concept": "CD19"}
    at = gold["trial"]["brief_title"].index("B-ALL")
    added = {
        "section": "brief_title",
        "start": at,
        "end": at + 5,
        "text": "B-ALL",
        "label": "product",
        "concept": "B-ALL",
        "role": "",
    }
    assert back == {**gold, "labels": {**gold["labels"], "cell_type": ["NK"]}, "mentions": [marker, added]}


def fault(name, path, content, tmp_path):
    file = tmp_path / path
    file.write_text(content, "utf-8")
    with pytest.raises(GoldError) as caught:
        formats.imported(name, file)
    return caught.value.faults


def test_faults_of_imports_are_one_line_each(tmp_path):
    task = doccano.to_json(task_of(line()))

    def doccano_fault(name, **changed):
        return fault("doccano", name, json.dumps({**task, **changed}), tmp_path)

    assert doccano_fault("a.jsonl", text="other") == [
        "a.jsonl:1: text changed in the tool; offsets no longer hold: export it again"
    ]
    assert "unknown label cell_type='Q'" in doccano_fault("b.jsonl", label=[[0, 3, "cell_type=Q"]])[-1]
    assert "lies outside the sections" in doccano_fault("c.jsonl", label=[[0, 3, "antigen"]])[0]
    options = json.dumps({**prodigy.to_json(task_of(line())), "accept": ["x"]})
    assert "write it like cell_type=NK" in fault("prodigy", "d.jsonl", options, tmp_path)[0]
    two = json.dumps(task) + "\n" + json.dumps(task)
    assert "duplicate id" in fault("doccano", "e.jsonl", two, tmp_path)[0]
    assert fault("label-studio", "f.json", "{}", tmp_path) == [
        "f.json: cannot be read as label-studio: not a list of tasks; export from Label Studio as JSON"
    ]
    assert "has no 'text'" in fault("prodigy", "g.jsonl", json.dumps({"gold": line()}), tmp_path)[0]
    with pytest.raises(GoldError, match="no format"):
        formats.named("word")


ODD = (None, 5, "x", [5], {"x": 5})


def places(value, path=()):
    """Every place in a JSON value, as a path of keys."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def odd_ones(value):
    """The value with each place in it replaced by values of other types."""
    return [replaced(value, path, odd) for path in places(value) for odd in ODD]


TASKS = {
    "label-studio": lambda task: {
        **label_studio.to_json(task),
        "annotations": [{"id": 1, "updated_at": "2026-01-01", "result": label_studio.results(task)}],
    },
    "prodigy": lambda task: {**prodigy.to_json(task), "tokens": [], "options": []},
    "doccano": doccano.to_json,
}


@pytest.mark.parametrize("name", TASKS)
def test_a_value_of_another_type_is_a_fault_of_one_line_or_none(name, tmp_path):
    lines = []
    for row in odd_ones(TASKS[name](task_of(line()))):
        path = tmp_path / "tasks.json"
        path.write_text(json.dumps([row] if name == "label-studio" else row) + "\n", "utf-8")
        try:
            formats.imported(name, path)
        except GoldError as error:
            lines += error.faults
    assert len(lines) > 80
    assert [fault for fault in lines if "\n" in fault or not fault.startswith("tasks.json")] == []


def told(name, path):
    """The faults of an import, each of which must be one line that names a file."""
    try:
        formats.imported(name, path)
    except GoldError as error:
        assert [fault for fault in error.faults if "\n" in fault or ": " not in fault] == []
        return error.faults
    return []


PIECES = [b"", b"\t", b" ", b"\n", b";", b"T1", b"99999999", b"9" * 5000, b"{", b"[" * 4000, b"null", b'"',
          b"A1\t", b"#1\t", b"x-", b"_x", b"\xff", b"\0"]  # fmt: skip


@pytest.mark.parametrize("suffix", [".ann", ".txt", ".json"])
def test_a_damaged_brat_file_is_a_fault_of_one_line_or_none(suffix, tmp_path):
    brat.write([task_of(line())], tmp_path)
    (file,) = tmp_path.glob(f"*{suffix}")
    whole = file.read_bytes()
    faults = []
    noise = random.Random(suffix)
    for _ in range(250):
        at = noise.randrange(len(whole) + 1)
        file.write_bytes(whole[:at] + noise.choice(PIECES) + whole[at + noise.choice((0, 1, 3, 20)) :])
        faults += told("brat", tmp_path)
    if suffix == ".json":
        for row in odd_ones(line()):
            file.write_text(json.dumps(row), "utf-8")
            faults += told("brat", tmp_path)
    assert len(faults) > 100
    file.unlink()
    if suffix != ".ann":
        file.mkdir()
    assert len(told("brat", tmp_path)) == 1


def test_odd_values_in_a_docbin_are_a_fault_of_one_line_or_none(tmp_path):
    path, faults = tmp_path / "a.spacy", []
    task = task_of(line())
    doc = docbin.to_doc(task, Vocab())
    golds = [*(json.dumps(row) for row in odd_ones(line())), "[", "", 5, [1], {"a": 1}]
    for gold in golds:
        doc.user_data["gold"] = gold
        path.write_bytes(DocBin(docs=[doc], store_user_data=True).to_bytes())
        faults += told("docbin", path)
    for name in (*doc.cats, "q", "car_trial=", "=x"):
        for value in ("x", [1], None, 1.0):
            other = docbin.to_doc(task, Vocab())
            other.cats = {**other.cats, name: value}
            path.write_bytes(DocBin(docs=[other], store_user_data=True).to_bytes())
            faults += told("docbin", path)
    assert len(faults) > 100


def test_a_damaged_docbin_is_a_fault_of_one_line_or_none(tmp_path):
    path = tmp_path / "a.spacy"
    docbin.write([task_of(line())], path)
    packed = path.read_bytes()
    whole = zlib.decompress(packed)
    noise = random.Random(5)
    faults = []
    for at in range(400):
        data = bytearray(whole if at % 4 else packed)
        place = noise.randrange(len(data))
        if at % 3:
            data[place : place + noise.choice((1, 1, 5))] = noise.randbytes(noise.choice((1, 1, 4)))
        else:
            del data[place:]
        path.write_bytes(zlib.compress(bytes(data)) if at % 4 else data)
        faults += told("docbin", path)
    assert len(faults) > 200


def test_a_docbin_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "a.spacy"
    machine = zlib.compressobj(9)
    path.write_bytes(b"".join(machine.compress(bytes(1 << 20)) for _ in range(300)) + machine.flush())
    assert told("docbin", path) == [
        "a.spacy: cannot be read as docbin: inflates to more than 256 MiB: not read"
    ]


def test_a_gold_line_of_other_types_is_a_fault_of_one_line_or_none(tmp_path):
    lines = []
    for row in odd_ones(line()):
        try:
            gold_set.read(save(tmp_path / "gold.jsonl", [row]))
        except GoldError as error:
            lines += error.faults
    assert len(lines) > 100
    assert [fault for fault in lines if "\n" in fault or not fault.startswith("gold.jsonl:1: ")] == []


TEXTS = st.lists(st.sampled_from(["", "CD19 CAR-T", "B-ALL"]), max_size=3)


@given(
    lists=st.tuples(TEXTS, TEXTS, TEXTS),
    interventions=st.lists(
        st.fixed_dictionaries({"name": st.sampled_from(["", "CAR"]), "other_names": TEXTS}), max_size=3
    ),
    arms=st.lists(st.fixed_dictionaries({"label": st.just(""), "description": st.sampled_from(["", "A"])})),
)
@settings(max_examples=60, deadline=None)
def test_a_tagged_trial_keeps_its_sections_where_items_are_empty(lists, interventions, arms):
    sections = shapes.sections(
        brief_title="CD19 CAR-T", conditions=lists[0], keywords=lists[1], secondary_outcomes=lists[2],
        interventions=interventions, arms=arms,
    )  # fmt: skip
    trial = Trial(id="NCT1", sections=sections)
    marks = [
        Mention(section=key, start=0, end=1, text=text[0], label="antigen", concept="CD19", role="target")
        for key, text in sections.items()
    ]
    gold = formats.preannotated(trial, Record(trial_id="NCT1", car_trial="no"), marks)
    task = task_of(gold)
    assert [task.text[span.start : span.end] for span in task.spans] == [mark.text for mark in marks]


def test_what_is_no_json_is_told_with_its_line(tmp_path):
    task = json.dumps(doccano.to_json(task_of(line())))
    (told,) = fault("doccano", "a.jsonl", f"{task}\n{{broken\n", tmp_path)
    assert told.startswith("a.jsonl: cannot be read as doccano: line 2 is not JSON: ")
    (told,) = fault("label-studio", "b.json", "[" * 100_000, tmp_path)
    assert told.startswith("b.json: cannot be read as label-studio: ")


def test_label_studio_offsets_in_utf16_units_of_old_versions_are_understood():
    gold = line(title="😀 CD19 CAR-T in B-ALL")
    row = label_studio.to_json(task_of(gold))
    for item in row["predictions"][0]["result"]:
        if "start" in item["value"]:
            item["value"]["start"] += 1
            item["value"]["end"] += 1
    assert label_studio.from_json(row) == gold


def test_label_studio_takes_the_last_annotation_that_was_not_cancelled():
    gold = line()
    row = label_studio.to_json(task_of(gold))
    old = {"id": 1, "updated_at": "2026-01-01", "result": []}
    good = {"id": 2, "updated_at": "2026-01-02", "result": label_studio.results(task_of(gold))}
    cancelled = {"id": 3, "updated_at": "2026-01-03", "result": [], "was_cancelled": True}
    assert label_studio.from_json({**row, "annotations": [old, good, cancelled]}) == gold


def test_several_annotations_of_a_label_studio_task_are_told(tmp_path):
    path, heard, rows = tmp_path / "t.json", [], []
    for number, who in enumerate((7, {"id": 8, "email": "ben@example.org"}, None), 1):
        task = task_of(line(f"NCT0000000{number}"))
        old = {"id": 1, "updated_at": "2026-01-01", "completed_by": 3, "result": []}
        new = {"id": 2, "updated_at": "2026-01-02", "completed_by": who, "result": label_studio.results(task)}
        rows.append({**label_studio.to_json(task), "annotations": [new, old]})
    alone = task_of(line("NCT00000004"))
    one = {"id": 4, "completed_by": 3, "result": label_studio.results(alone)}
    rows.append({**label_studio.to_json(alone), "annotations": [one, {**one, "was_cancelled": True}]})
    path.write_text(json.dumps(rows), "utf-8")
    assert len(formats.pairs("label-studio", path, heard.append)) == 4
    assert heard == [
        "3 of 4 tasks have several annotations, and only the newest is taken: NCT00000001 (by 7), "
        "NCT00000002 (by ben@example.org), NCT00000003 (annotation 2)"
    ]


def test_doccano_labels_stay_within_its_database_field():
    targets = [f"ANTIGEN{i}" for i in range(20)]
    gold = line(constructs=[{"targets": targets, "format": "selectable"}])
    row = doccano.to_json(task_of(gold))
    assert max(len(name) for _, _, name in row["label"]) <= doccano.LONGEST
    assert doccano.from_json(row) == gold


def skipped(name):
    """Tasks of a tool that nobody labeled: skipped, rejected or ignored, as it exports them."""
    row = formats.FORMATS[name].to_json(task_of(line("NCT00000002")))
    if name == "prodigy":
        return [{**row, "answer": "reject"}, {**row, "answer": "ignore"}]
    cancelled = {"id": 1, "updated_at": "2026-01-01", "result": [], "was_cancelled": True}
    return [{**row, "annotations": [cancelled]}, {**row, "annotations": [], "cancelled_annotations": 1}]


@pytest.mark.parametrize("name", ["label-studio", "prodigy"])
def test_tasks_that_were_skipped_or_rejected_are_left_out_and_told(name, tmp_path):
    path, heard = tmp_path / "t.json", []

    def imported(rows):
        text = json.dumps(rows) if name == "label-studio" else "".join(json.dumps(row) + "\n" for row in rows)
        path.write_text(text, "utf-8")
        return [after for _, after in formats.pairs(name, path, heard.append)]

    done = formats.FORMATS[name].to_json(task_of(line()))
    assert imported([done, *skipped(name)]) == [line()]
    assert heard == ["2 of 3 tasks were skipped or rejected, and are left out"]
    with pytest.raises(GoldError, match=r"t\.json: no task in it but 2 skipped or rejected; give what"):
        imported(skipped(name))


def test_brat_writes_a_span_over_a_line_end_in_pieces():
    gold = line(title="CD19\nCD22 CAR")
    gold["mentions"][0] |= {"start": 0, "end": 9, "text": "CD19\nCD22"}
    text = brat.standoff(task_of(gold))
    start = task_of(gold).spans[0].start
    assert f"T2\tantigen {start} {start + 4};{start + 5} {start + 9}\tCD19 CD22" in text
    assert brat.parse(text)[0] == [Span(start, start + 9, "antigen", "target", "CD19")]


def test_docbin_feeds_a_span_categorizer(tmp_path):
    import spacy
    from spacy.tokens import DocBin

    path = tmp_path / "x.spacy"
    docbin.write([task_of(line())], path)
    (doc,) = DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    (span,) = doc.spans["mentions"]
    assert (span.text, span.label_, span.kb_id_, span.id_) == ("CD19", "antigen", "CD19", "target")
    assert doc.cats["targets=CD19"] == 1.0


def test_tool_records_become_lines_to_correct(tmp_path):
    trial = Trial(
        id="NCT1",
        sections={
            "brief_title": "CD19 CAR-T",
            "interventions[0].name": "CART19",
            "interventions[0].other_names[0]": "CTL019",
            "arms[1].label": "B",
            "conditions[0]": "ALL",
        },
    )
    found = Record(
        trial_id="NCT1",
        car_trial="product",
        targets=("CD19",),
        constructs=(Construct(targets=("CD19",), format="single"),),
    )
    common = {"section": "brief_title", "label": "antigen", "concept": "CD19"}
    marks = [
        Mention(start=0, end=4, text="CD19", role="target", **common),
        Mention(start=0, end=3, text="CD1", role="unclear", **common),
    ]
    made = formats.preannotated(trial, found, marks)
    assert formats.line_faults(made) == []
    assert [m["role"] for m in made["mentions"]] == ["target", ""]
    from cart_nlp.evaluation.sections import sections_of

    assert sections_of(made["trial"]) == trial.sections
    gold_set.read(save(tmp_path / "g.jsonl", [made]))
