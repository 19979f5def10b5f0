"""Coined names of products: which words are looked at, how they are built, which are taken."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from cart_nlp import tag
from cart_nlp.pipeline import load, make_doc, tag_trial
from cart_nlp.schema import Trial
from cart_nlp.scoring.candidates import NameScorer
from cart_nlp.scoring.linear import Linear
from cart_nlp.signals.doc import vocabulary_of
from cart_nlp.signals.names import build, names
from cart_nlp.signals.products import instances, together
from cart_nlp.signals.reading import Reading, read
from cart_nlp.training.build import FINDERS


def reading(nlp: Language, **sections: str) -> Reading:
    doc = make_doc(nlp, Trial(id="t", sections=sections))
    for name in FINDERS:
        doc = nlp.get_pipe(name)(doc)
    return read(doc, vocabulary_of(nlp, "test"))


def found(nlp: Language, text: str, section: str = "brief_summary") -> list[tuple[str, str]]:
    return [(mention.concept, mention.row) for mention in names(reading(nlp, **{section: text}))]


@pytest.mark.parametrize(
    ("text", "name", "row"),
    [
        ("Infusion of QZX-415 CAR-T cells", "QZX-415", "code"),
        ("Infusion of qv415A (a CAR-T)", "qv415A", "code"),
        ("The W321 cells are given", "W321", "code"),
        ("Patients get CAR.70-QZ cells", "CAR.70-QZ", "built"),
        ("CD22-XQART or CD22-XUCART cells", "CD22-XUCART", "built"),
        ("Two doses of QCAR19.22s", "QCAR19.22", "built"),
        ("QZ19-BBz cells", "QZ19-BBz", "built"),
        ("children get STORMY T cells", "STORMY T cells", "word"),
        ("children get GLIMMER-T cells", "GLIMMER-T", "word"),
    ],
)
def test_words_that_may_be_a_name(nlp: Language, text: str, name: str, row: str) -> None:
    assert (name, row) in found(nlp, text)


@pytest.mark.parametrize(
    "text",
    [
        "CD19 CAR-T cells", "anti-CD19-CAR-T cells", "CAR-positive T cells", "CD19-targeted CAR-T",
        "post-CAR", "CAR-T/CAR-NK cells", "IL-15 and PD-1", "RP2D on D28, VP-16", "NCT01234567", "AJCC-8",
        "K562 cells", "given in 2019 and 2020-21", "Patients with lymphoma and Leukemia get T cells",
        "tisagenlecleucel",
    ],
)  # fmt: skip
def test_words_that_are_no_name(nlp: Language, text: str) -> None:
    assert found(nlp, text) == []


def test_a_user_s_word_for_cells_ends_a_name(tmp_path: Path) -> None:
    head = "text,category,direction,scope,hits,misses,source\n"
    (tmp_path / "cues.csv").write_text(head + "=QTL,name_cells,both,inside,,,me\n", "utf-8")
    assert found(load([tmp_path]), "children get GLIMMER QTL cells")[:1] == [("GLIMMER QTL cells", "word")]
    assert found(load([tmp_path]), "children get GLIMMER Qtl") == []


def test_eligibility_and_conditions_name_no_product(nlp: Language) -> None:
    for section in ("eligibility", "conditions", "primary_outcomes"):
        assert found(nlp, "QZX-415 CAR-T cells", section) == []


def test_one_name_printed_in_two_ways_is_one(nlp: Language) -> None:
    text = "QZX-415 cells. The dose of qzx-415 is not known; QZX_415 is stored."
    assert {name for name, _ in found(nlp, text)} == {"QZX-415"}


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("QZX-415", "x-9"),
        ("CD22-UCART", "A-xCT"),
        ("CAR-GPRC5D", "C-A"),
        ("CD22CART", "ACT"),
        ("QZ.CD70.CAR-T", "x.A.CT"),
        ("CAR20.19.22", "CA.A.A"),
    ],
)
def test_how_a_name_is_built(nlp: Language, name: str, plan: str) -> None:
    held = reading(nlp, brief_title=f"{name} cells")
    (mention,) = names(held)
    (form,) = [signal for signal in build(held, mention) if signal.startswith("form=")]
    assert re.sub("x+T?$", "x", form) == "form=" + plan


def test_a_longer_name_is_no_mention_of_the_known_one_that_it_holds(nlp: Language) -> None:
    held = list(instances(reading(nlp, brief_title="CTL019-QX cells", brief_summary="CTL019-QX is new.")))
    assert {one.concept for one in held} == {"CTL019-QX"}
    alone = instances(reading(nlp, brief_title="CTL019-T cells"))
    assert {one.concept for one in alone} == {"tisagenlecleucel"}, "but a word for cells more"
    both = instances(reading(nlp, brief_title="CTL019/QX cells"))
    assert {one.concept for one in both} == {"tisagenlecleucel", "CTL019/QX"}, "which one, the scorer tells"


def test_what_all_mentions_of_a_candidate_tell(nlp: Language) -> None:
    held = reading(
        nlp,
        brief_title="QZX-1 CAR-T cells",
        brief_summary="QZX-1 CAR-T cells are given with WVU-77. QZX-1 is frozen. QZX-2 was tried before.",
    )
    said = together(instances(held))
    assert {"mentions>=3", "most", "share>0.5", "new&in=title", "new"} <= set(said["QZX-1"])
    assert {"not_named", "rivals_new>=2"} <= set(said["QZX-2"])
    assert "most" not in said["WVU-77"]


def test_a_scorer_of_names_reads_all_mentions_at_once(nlp: Language) -> None:
    held = instances(reading(nlp, brief_title="QZX-1 CAR-T cells", brief_summary="QZX-1 cells. WVU-77."))
    scorer = NameScorer(Linear({"yes": {"": -1.0, "mentions>=2": 3.0}}))
    first, second = scorer.score(held)
    assert (first.concept, round(first.probability, 3)) == ("QZX-1", 0.881)
    assert (second.concept, round(second.probability, 3)) == ("WVU-77", 0.269)
    assert len(first.scored) == 2 and scorer.to_json() == {"together": scorer.candidate.to_json()}


@pytest.mark.parametrize(
    ("title", "summary", "products"),
    [
        ("QZX-415 CAR-T cells in lymphoma", "Safety of QZX-415, an autologous CAR-T product.", ("QZX-415",)),
        (
            "CAR-T cells in myeloma",
            "QZX-415 is a BCMA CAR-T product. The dose of QZX-415 is set.",
            ("QZX-415",),
        ),
        ("CD70-QUCART cells in renal cancer", "CD70-QUCART are allogeneic CAR-T cells.", ("CD70-QUCART",)),
        ("CD19 CAR-T cells in lymphoma", "IL-6 and CRP are measured on D28; RP2D is set.", ()),
        ("CD19 CAR-T cells after VP-16", "VP-16 is given as bridging before CD19 CAR-T cells.", ()),
    ],
)
def test_which_names_are_taken(nlp: Language, title: str, summary: str, products: tuple[str, ...]) -> None:
    trial = Trial(id="t", sections={"brief_title": title, "brief_summary": summary})
    assert tag_trial(nlp, trial).products == products


def test_a_coined_name_has_its_words_as_evidence_and_a_confidence(nlp: Language) -> None:
    text = "QZX-415 CAR-T cells in lymphoma: a study of QZX-415"
    record = tag(text, nlp)
    entries = [entry for entry in record.evidence if entry.field == "products"]
    assert {(text[e.start : e.end], e.basis, e.rule.partition(";")[0]) for e in entries} <= {
        ("QZX-415", "text", "code"),
        ("QZX-415", "text", "novel"),
    }
    assert entries and 0 < record.confidence["products"] < 1


@settings(deadline=None, max_examples=60)
@given(st.text("ABCRTz19.-/+_()sKN \n", max_size=60))
def test_names_lie_where_they_say_and_overlap_nothing(nlp: Language, text: str) -> None:
    held = reading(nlp, brief_summary="CAR-T cells. " + text)
    reached = 0
    for mention in names(held):
        assert reached <= mention.start < mention.end <= len(held.text)
        assert mention.concept.casefold().replace("_", "-")[:1] == held.text[mention.start].casefold()
        reached = mention.end


def test_a_long_run_of_joined_words_takes_time_in_proportion(nlp: Language) -> None:
    def seconds(size: int) -> float:
        """Of the processor, the least of three: linear work takes four times as long for the longer text."""
        took = []
        for _ in range(3):
            held = reading(nlp, brief_summary="A-b." * size)
            start = time.process_time()
            names(held)
            took.append(time.process_time() - start)
        return min(took)

    assert seconds(8_000) < 8 * max(seconds(2_000), 0.002)


def test_each_place_that_states_a_name_is_evidence(nlp: Language) -> None:
    trial = Trial(
        id="t",
        sections={
            "brief_title": "QZX-415 CAR-T cells in lymphoma",
            "brief_summary": "QZX-415 is an autologous CAR-T product.",
            "interventions[0].name": "QZX-415",
        },
    )
    record = tag_trial(nlp, trial)
    assert {e.section for e in record.evidence if e.field == "products"} == set(trial.sections)
