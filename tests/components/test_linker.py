"""Names that a string alone does not decide: guarded, defined, misspelled, new."""

import time

import pytest
from spacy.language import Language

from cart_nlp import Trial, tag
from cart_nlp.pipeline import make_doc


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("CS1 CAR-T cells in myeloma", ("SLAMF7",)),
        ("CAR-T cells. Visit CS1 is at home.", ()),
        ("kappa CAR-T cells", ("kappa light chain",)),
        ("CAR-T cells act through NF-kappa B", ()),
        ("anti-CEA CAR-T cells", ("CEA",)),
        ("FAP CAR-T cells", ("FAP",)),
    ],
)
def test_guarded_name_counts_in_a_slot_only(nlp: Language, text: str, targets: tuple[str, ...]) -> None:
    assert tag(text, nlp).targets == targets


def test_short_form_defined_in_the_title_serves_the_summary(nlp: Language) -> None:
    sections = {
        "brief_title": "CAR-T cells against mesothelin (MTLN) in cancer",
        "brief_summary": "The MTLN CAR-T cells are given once.",
    }
    record = tag(Trial(id="t", sections=sections), nlp)
    assert record.targets == ("MSLN",)
    assert {(e.section, e.text) for e in record.evidence if e.field == "targets"} == {
        ("brief_title", "mesothelin"),
        ("brief_summary", "MTLN"),
    }


def test_short_form_of_another_thing_is_no_antigen(nlp: Language) -> None:
    assert (
        tag(
            "CAR-T cells. Familial adenomatous polyposis (FAP) is excluded; FAP-targeted surgery.", nlp
        ).targets
        == ()
    )


@pytest.mark.parametrize(
    ("text", "word", "target"),
    [
        ("mesothlin-targeted CAR-T cells", "mesothlin", "MSLN"),
        ("glypian-3 targeted CAR-T cells", "glypian-3", "GPC3"),
        ("cluadin18.2 CAR-T cells", "cluadin18.2", "CLDN18.2"),
        ("anti-mesotheline CAR-T", "mesotheline", "MSLN"),
    ],
)
def test_misspelled_word(nlp: Language, text: str, word: str, target: str) -> None:
    record = tag(text, nlp)
    assert record.targets == (target,)
    (evidence,) = [e for e in record.evidence if e.field == "targets"]
    assert (evidence.rule.split("; ")[0], evidence.text) == ("fuzzy", word)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("glypian-5 CAR-T cells", "GPC3"),
        ("cluadin19 CAR-T cells", "CLDN18.2"),
        ("cluadin7 CAR-T cells", "CLDN6"),
        ("CD119 CAR-T cells", "CD19"),
        ("MUC17 CAR-T cells", "MUC16"),
        ("mesothelioma CAR-T cells", "MSLN"),
    ],
)
def test_digits_and_confusables_are_never_crossed(nlp: Language, text: str, never: str) -> None:
    assert never not in tag(text, nlp).targets


@pytest.mark.parametrize("text", ["anti-XYZ1 CAR-T cells", "XYZ1-targeted CAR-T cells in cancer"])
def test_unknown_symbol_in_a_slot_is_a_novel_target(nlp: Language, text: str) -> None:
    record = tag(text, nlp)
    assert record.targets == ("XYZ1",)
    assert record.target_ids == ()
    (evidence,) = [e for e in record.evidence if e.field == "targets"]
    assert (evidence.rule.split("; ")[0], evidence.text) == ("novel", "XYZ1")


@pytest.mark.parametrize("text", ["mesothlin CAR-T cells", "glypian-3 CAR-T cells"])
def test_guesses_have_a_lower_score(nlp: Language, text: str) -> None:
    (evidence,) = [e for e in tag(text, nlp).evidence if e.field == "targets"]
    assert evidence.score < 1


@pytest.mark.parametrize(
    "text",
    [
        "CAR-T cells and anti-XYZ1 antibody",
        "anti-TNF therapy and CAR-T cells",
        "anti-HLA CAR-T",
        "The XYZ1 study of CAR-T",
    ],
)
def test_what_is_no_novel_target(nlp: Language, text: str) -> None:
    assert tag(text, nlp).targets == ()


def linking_seconds(nlp: Language, count: int) -> float:
    """Of this process, for a trial with so many interventions that each name an antigen."""
    names = {f"interventions[{at}].name": f"CD{at % 300} CAR-T {at}" for at in range(count)}
    doc = make_doc(nlp, Trial(id="t", sections=names))
    for name, component in nlp.pipeline:
        began = time.process_time()
        doc = component(doc)
        if name == "cart_linker":
            return time.process_time() - began
    raise AssertionError("there is no linker")


def test_time_grows_with_the_antigens_that_are_named(nlp: Language) -> None:
    """Linear is 8, quadratic 64."""
    ratios = []
    for _ in range(3):  # again where the machine was busy
        few, many = (min(linking_seconds(nlp, count) for _ in range(2)) for count in (1_000, 8_000))
        ratios.append(many / few)
        if ratios[-1] < 20:
            return
    pytest.fail(f"{min(ratios):.0f} times the time for eight times the names")
