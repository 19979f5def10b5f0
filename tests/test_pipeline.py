"""The pipeline as a spaCy model, and the public API."""

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

import cart_nlp
from cart_nlp import paths
from cart_nlp.assembly import record
from cart_nlp.pipeline import as_trial, load, make_doc, mentions, steps, tag_trial, tag_trials
from cart_nlp.schema import TAGGED_FIELDS, Record, Trial
from cart_nlp.vocabulary import vocabulary

ROOT = Path(__file__).resolve().parents[1]
FACTORIES = sorted(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][
        "spacy_factories"
    ]
)
TEXT = "CD19/CD22 bispecific CAR-T cells with 4-1BB for lymphoma"


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load()


def test_spacy_loads_the_folder() -> None:
    nlp = spacy.load(paths.model())
    assert nlp.pipe_names == load().pipe_names
    doc = nlp(TEXT)
    assert [s.kb_id_ for s in doc.spans["cart"] if s.label_ == "antigen"] == ["CD19", "CD22"]


def test_config_holds_every_factory_once(nlp: Language) -> None:
    assert sorted(nlp.pipe_names) == FACTORIES


def test_what_components_need_comes_before_them(nlp: Language) -> None:
    assert nlp.analyze_pipes()["problems"] == {name: [] for name in nlp.pipe_names}


def test_trials_that_are_tagged_side_by_side_have_their_own_records(nlp: Language) -> None:
    texts = (TEXT, "Aspirin against headache", "CAR-T cells against BCMA in myeloma")
    trials = [Trial(id=f"T{n}", sections={"brief_title": text}) for n, text in enumerate(texts)]
    going = {trial.id: steps(nlp, trial, brief=True) for trial in trials}
    found = {}
    while going:
        for name in list(going):
            try:
                next(going[name])
            except StopIteration as end:
                found[name] = end.value
                del going[name]
    assert found == {trial.id: tag_trial(nlp, trial, brief=True) for trial in trials}
    assert [one.targets for one in found.values()] == [("CD19", "CD22"), (), ("BCMA",)]


NEED_TERMS = (
    *("cart_abbreviations", "cart_attributes", "cart_constructs", "cart_diseases", "cart_linker"),
    *("cart_products", "cart_roles", "cart_study"),
)


@pytest.mark.parametrize("name", NEED_TERMS)
def test_a_factory_without_the_terms_says_what_it_needs(name: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe(name)
    need = rf"{name}: the pipeline has no cart_terms before it; add it with nlp\.add_pipe.*"
    with pytest.raises(ValueError, match=need):
        nlp("Anti-CD19 CAR-T cells (CART19)")


@pytest.mark.parametrize("name", sorted({*FACTORIES} - {*NEED_TERMS}))
def test_a_factory_that_needs_no_other_works_alone(name: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe(name)
    assert nlp("Anti-CD19 CAR-T cells (CART19)").text == "Anti-CD19 CAR-T cells (CART19)"


@pytest.mark.parametrize(
    ("names", "field", "value"),
    [
        (["cart_attributes"], "costim", "4-1BB"),
        (["cart_diseases"], "indications", "lymphoma"),
        (["cart_roles", "cart_constructs"], "targets", "CD19"),
    ],
)
def test_without_a_study_decision_values_are_read_and_none_is_claimed(
    names: list[str], field: str, value: str
) -> None:
    nlp = spacy.blank("en")
    for name in ("cart_terms", *names, "cart_confidence"):
        nlp.add_pipe(name)
    state = nlp("CD19 CAR-T cells with 4-1BB for lymphoma")._.cart
    assert [one[0] for one in state["values"][field]] == [value]
    assert field in state["confidence"] and state["confidence"].keys().isdisjoint(["car_trial", "focus"])


def test_constructs_without_roles_say_what_they_need() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("cart_terms")
    nlp.add_pipe("cart_constructs")
    with pytest.raises(ValueError, match="cart_constructs: the pipeline has no cart_roles before it"):
        nlp("CD19 CAR-T cells")


@pytest.mark.parametrize("name", sorted({*FACTORIES} - {"cart_constructs"}))
def test_a_factory_after_the_terms_works(name: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("cart_terms")
    if name != "cart_terms":
        nlp.add_pipe(name)
    doc = nlp("Anti-CD19 CAR-T cells (CART19)")
    assert "CD19" in {span.kb_id_ for span in doc.spans["cart"]}


def test_pipeline_assembled_by_hand_gives_the_same_spans(nlp: Language) -> None:
    by_hand = spacy.blank("en")
    by_hand.tokenizer = registry.tokenizers.get("cart_nlp.tokenizer.v1")()(by_hand)
    for name in nlp.pipe_names:
        by_hand.add_pipe(name)
    docs = [each(TEXT) for each in (nlp, by_hand)]
    assert mentions(docs[0]) == mentions(docs[1])
    assert record(docs[0]) == record(docs[1])
    assert ("CD19", "antigen", "CD19", "target") in {
        (m.text, m.label, m.concept, m.role) for m in mentions(docs[0])
    }


def test_public_api() -> None:
    assert {"Record", "Trial", "__version__", "load", "tag"} <= set(cart_nlp.__all__)
    record = cart_nlp.tag(TEXT)
    assert isinstance(record, Record)
    assert (record.targets, record.costim, record.multi_target) == (("CD19", "CD22"), ("4-1BB",), True)
    assert record.target_ids == ("HGNC:1633", "HGNC:1643")
    assert [(c.targets, c.format) for c in record.constructs] == [(("CD19", "CD22"), "bispecific")]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cart_nlp.nothing  # type: ignore[attr-defined]


def test_tag_takes_text_trial_and_mapping() -> None:
    trial = Trial(id="NCT00000001", sections={"brief_title": TEXT})
    mapping = {"id": "NCT00000001", "brief_title": TEXT}
    records = [cart_nlp.tag(source) for source in (TEXT, trial, mapping)]
    assert {record.targets for record in records} == {("CD19", "CD22")}
    assert [record.trial_id for record in records] == ["text", "NCT00000001", "NCT00000001"]


def test_import_is_light() -> None:
    code = "import sys, cart_nlp; print([m for m in ('spacy', 'pandas', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sections_are_spans_and_nothing_crosses_them(nlp: Language) -> None:
    trial = Trial(
        id="t",
        sections={"brief_title": "Study of anti-CD19", "brief_summary": "Patients receive CAR-T cells."},
    )
    doc = nlp(make_doc(nlp, trial))
    assert [(s.label_, s.text) for s in doc.spans["sections"]] == list(trial.sections.items())
    starts = {span.start_char for span in doc.spans["sections"]}
    assert starts <= {sentence.start_char for sentence in doc.sents}
    assert tag_trial(nlp, trial).targets == ("CD19",)


def test_entities_are_mentions_that_do_not_overlap(nlp: Language) -> None:
    doc = nlp("huCART-meso cells, CD19 CAR-T cells")
    spans = {(s.start, s.end, s.label_, s.kb_id_) for s in doc.spans["cart"]}
    entities = [(e.start, e.end, e.label_, e.kb_id_) for e in doc.ents]
    assert set(entities) <= spans
    assert len(entities) < len(spans)
    assert ("huCART-meso", "product") in {(e.text, e.label_) for e in doc.ents}
    assert "XW-135" in {e.text for e in nlp("Study of XW-135 CAR-T cells in leukemia").ents}  # in no lexicon
    assert all(left[1] <= right[0] for left, right in pairwise(entities))


def test_every_mention_is_its_own_characters(nlp: Language) -> None:
    """Whatever the lexicon finds inside a word becomes whole tokens with just those characters."""
    doc = nlp("抗CD19CAR-T, CD19xCD22-CAR, huCART19 and CTL019, 4SCAR19/22")
    found = {(m.text, m.label, m.concept) for m in mentions(doc)}
    assert {("CD19", "antigen", "CD19"), ("CD22", "antigen", "CD22"), ("22", "antigen", "CD22")} <= found
    for mention, span in zip(mentions(doc), doc.spans["cart"], strict=True):
        assert doc.text[mention.start : mention.end] == mention.text == span.text


def test_rejected_mentions_are_told_with_their_role(nlp: Language) -> None:
    doc = nlp("CD22 CAR-T cells for CD20+ lymphoma after prior BCMA CAR-T")
    roles = {m.concept: m.role for m in mentions(doc) if m.label == "antigen"}
    assert roles == {"CD22": "target", "CD20": "disease_marker", "BCMA": "prior_therapy"}
    assert record(doc).targets == ("CD22",)


def test_evidence_of_values_and_offsets(nlp: Language) -> None:
    sections = {
        "brief_title": "Autologous IL13Rα2‑CAR T cells for CD30+ lymphoma",
        "brief_summary": "Les cellules (ＣＤ１９ CAR-T, ζ‑chain) 抗CD22 CAR-T, lentiviral, 4‑1BB. Ünïcödé İ",
    }
    record = tag_trial(nlp, Trial(id="t", sections=sections))
    for evidence in record.evidence:
        if evidence.basis != "default":
            assert sections[evidence.section][evidence.start : evidence.end] == evidence.text
    for field in TAGGED_FIELDS:
        value = getattr(record, field)
        values = value if isinstance(value, tuple) else (value,) if value else ()
        told = {e.value for e in record.evidence if e.field == field}
        assert {str(each) for each in values} == told
    assert "IL13Ra2" in record.targets
    assert record.disease_markers == ("CD30",)


def test_planned_follow_up_is_a_field_with_its_words(nlp: Language) -> None:
    sections = {
        "brief_title": "CD22 CAR-T cells for lymphoma",
        "brief_summary": "Visits end after 24 months of follow-up; they are contacted for fifteen years.",
    }
    trial = Trial(id="t", sections=sections)
    found = tag_trial(nlp, trial)
    assert found.follow_up_years == 15
    (told,) = [e for e in found.evidence if e.field == "follow_up_years"]
    assert (told.value, told.basis, told.text) == ("15", "text", "fifteen years")
    assert sections[told.section][told.start : told.end] == told.text
    assert record(nlp(make_doc(nlp, trial))).follow_up_years == 15, "from the Doc alone"


def test_determinism(nlp: Language) -> None:
    trial = Trial(id="t", sections={"brief_title": TEXT, "brief_summary": "CART19 or CART22, autologous."})
    records = [tag_trial(each, trial).model_dump_json() for each in (nlp, load(), nlp)]
    assert len(set(records)) == 1


def test_records_of_many_are_those_of_each(nlp: Language) -> None:
    trials = [Trial(id=f"t{n}", sections={"brief_title": f"CD{n} CAR-T cells"}) for n in (19, 20, 22, 7)]
    assert list(tag_trials(nlp, trials)) == [tag_trial(nlp, trial) for trial in trials]


def test_a_component_of_someone_else_gets_its_doc() -> None:
    nlp = load()
    seen = []

    @Language.component("someone_elses")
    def look(doc: Doc) -> Doc:
        seen.append([span.text for span in doc.spans["cart"]])
        return doc

    nlp.add_pipe("someone_elses", last=True)
    assert tag_trial(nlp, Trial(id="t", sections={"brief_title": TEXT})).targets == ("CD19", "CD22")
    assert "CD19" in seen[0]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "\x00", "a" * 20_000, "(" * 3_000, "CAR-" * 3_000, "CD19/" * 3_000]
)
def test_odd_texts_are_tagged(text: str) -> None:
    record = cart_nlp.tag(text)
    assert record.trial_id == "text"


def test_trial_that_is_not_about_car_cells_has_no_values() -> None:
    record = cart_nlp.tag(
        "CARTO mapping of atrial fibrillation in patients with CD19+ lymphoma, followed for 5 years"
    )
    assert record.car_trial == "no" and record.follow_up_years is None
    assert not any(getattr(record, field) for field in TAGGED_FIELDS)


def test_a_folder_that_is_edited_is_read_anew(tmp_path: Path) -> None:
    for word, other in (("zorblatt", "blorp"), ("blorp", "zorblatt")):
        (tmp_path / "car_words.csv").write_text(
            f"name,aliases,guarded,note,source\n{word} cells,,,,curator\n", encoding="utf-8"
        )
        nlp = load([tmp_path])
        assert "car" in {m.label for m in mentions(nlp(f"CD19 {word} cells"))}
        assert "car" not in {m.label for m in mentions(nlp(f"CD19 {other} cells"))}
    assert vocabulary((str(tmp_path),)) is vocabulary((str(tmp_path),)), "compiled once as long as it stays"


def test_unknown_lexicon_folder_is_one_line(tmp_path: Path) -> None:
    from cart_nlp.lexicon import LexiconError

    with pytest.raises(LexiconError, match=re.escape(str(tmp_path / "none"))):
        load([tmp_path / "none"])


BRIEF = (
    TEXT,
    "Infusion of anti-BCMA CAR-T cells in CD38+ myeloma after CD19 CAR-T, with PD-1 knocked out",
    "Antibody against CD20 in patients who relapsed after CD19 CAR-T cells",
    "Aspirin against headache",
)


@pytest.mark.parametrize("level", ["", "product", "no"])
@pytest.mark.parametrize("text", BRIEF)
def test_a_brief_doc_gives_the_same_record(nlp: Language, text: str, level: str) -> None:
    trial = Trial(id="t", sections={"brief_title": text, "conditions[0]": "lymphoma"})
    assert tag_trial(nlp, trial, level, brief=True) == tag_trial(nlp, trial, level)


def test_evidence_of_a_title_points_into_the_title_as_it_is_read(nlp: Language) -> None:
    written = "Study  of\tCD19  CAR-T\ncells"
    trial = as_trial({"id": "x", "brief_title": written, "brief_summary": written})
    assert (
        trial.sections["brief_title"] == " ".join(written.split())
        and trial.sections["brief_summary"] == written
    )
    told = [e for e in tag_trial(nlp, trial).evidence if e.field == "targets"]
    assert {e.section for e in told} == {"brief_title", "brief_summary"}
    assert all(trial.sections[e.section][e.start : e.end] == e.text == "CD19" for e in told)
