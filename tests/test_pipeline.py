"""The pipeline as a spaCy model, and the public API."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

import cart_nlp
from cart_nlp import paths, registries
from cart_nlp.assembly import record
from cart_nlp.pipeline import TrialTagger, load, make_doc, tag_trial
from cart_nlp.schema import TAGGED_FIELDS, Record, Trial

ROOT = Path(__file__).resolve().parents[1]
FACTORIES = sorted(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][
        "spacy_factories"
    ]
)
SAMPLE = ROOT / "benchmarks" / "sample" / "trials.jsonl"
TEXT = "CD19/CD22 bispecific CAR-T cells with 4-1BB for lymphoma"


def test_spacy_loads_the_folder() -> None:
    nlp = spacy.load(paths.model())
    assert nlp.pipe_names == load().pipe_names
    doc = nlp(TEXT)
    assert [s.kb_id_ for s in doc.spans["cart"] if s.label_ == "antigen"] == ["CD19", "CD22"]


def test_config_holds_every_factory_once() -> None:
    assert sorted(spacy.load(paths.model()).pipe_names) == FACTORIES


@pytest.mark.parametrize("name", FACTORIES)
def test_add_pipe(name: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe(name)
    assert nlp("Anti-CD19 CAR-T cells (CART19)").text == "Anti-CD19 CAR-T cells (CART19)"


def test_pipeline_assembled_by_hand_gives_the_same_spans() -> None:
    shipped = load()
    nlp = spacy.blank("en")
    nlp.tokenizer = registry.tokenizers.get("cart_nlp.tokenizer.v1")()(nlp)
    for name in shipped.pipe_names:
        nlp.add_pipe(name)
    docs = [each(TEXT) for each in (shipped, nlp)]
    said = [[(s.text, s.label_, s.kb_id_, s._.role) for s in doc.spans["cart"]] for doc in docs]
    assert said[0] == said[1]
    assert ("CD19", "antigen", "CD19", "target") in said[0]


def test_public_api() -> None:
    assert sorted(cart_nlp.__all__) == sorted(["Record", "Trial", "__version__", "load", "tag"])
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


def test_sections_are_spans_and_nothing_crosses_them() -> None:
    nlp = load()
    trial = Trial(
        id="t", sections={"brief_title": "Study of anti-CD19", "brief_summary": "CAR-T cells are given."}
    )
    doc = nlp(make_doc(nlp, trial))
    assert [(s.label_, s.text) for s in doc.spans["sections"]] == list(trial.sections.items())
    assert tag_trial(nlp, trial).targets == ("CD19",)


def test_evidence_of_values_and_offsets() -> None:
    sections = {
        "brief_title": "Autologous IL13Rα2‑CAR T cells",
        "brief_summary": "Les cellules (ＣＤ１９ CAR-T, ζ‑chain) 抗CD22 CAR-T, lentiviral, 4‑1BB. Ünïcödé İ",
    }
    record = tag_trial(load(), Trial(id="t", sections=sections))
    for evidence in record.evidence:
        assert sections[evidence.section][evidence.start : evidence.end] == evidence.text
    for field in TAGGED_FIELDS:
        value = getattr(record, field)
        values = value if isinstance(value, tuple) else (value,) if value else ()
        told = {e.value for e in record.evidence if e.field == field}
        assert {str(each) for each in values} == told
    assert "IL13Ra2" in record.targets


def test_determinism() -> None:
    trial = Trial(id="t", sections={"brief_title": TEXT, "brief_summary": "CART19 or CART22, autologous."})
    first, second = load(), load()
    records = [tag_trial(nlp, trial).model_dump_json() for nlp in (first, second, first)]
    assert len(set(records)) == 1


def test_a_trial_has_the_same_record_with_a_doc_and_without() -> None:
    nlp = load()
    tagger = TrialTagger(nlp)
    trials = [read.trial() for read in registries.read(SAMPLE) if isinstance(read, registries.Entry)]
    assert len(trials) > 30
    for trial in trials:
        assert tagger.tag(trial) == record(nlp(make_doc(nlp, trial)))


def test_a_component_of_someone_else_gets_its_doc() -> None:
    nlp = load()
    seen = []

    @Language.component("someone_elses")
    def look(doc: Doc) -> Doc:
        seen.append([span.text for span in doc.spans["cart"]])
        return doc

    nlp.add_pipe("someone_elses", last=True)
    assert TrialTagger(nlp).tag(Trial(id="t", sections={"brief_title": TEXT})).targets == ("CD19", "CD22")
    assert "CD19" in seen[0]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "\x00", "a" * 20_000, "(" * 3_000, "CAR-" * 3_000, "CD19/" * 3_000]
)
def test_odd_texts_are_tagged(text: str) -> None:
    record = cart_nlp.tag(text)
    assert record.trial_id == "text"


def test_trial_that_is_not_about_car_cells_has_no_values() -> None:
    record = cart_nlp.tag("CARTO mapping of atrial fibrillation in patients with CD19+ lymphoma")
    assert record.car_trial == "no"
    assert not any(getattr(record, field) for field in TAGGED_FIELDS)


def test_unknown_lexicon_folder_is_one_line(tmp_path: Path) -> None:
    from cart_nlp.lexicon import LexiconError

    with pytest.raises(LexiconError, match=re.escape(str(tmp_path / "none"))):
        load([tmp_path / "none"])
