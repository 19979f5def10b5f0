"""How names are joined, glued and written: every antigen of a title is found, whatever stands between two."""

import itertools

import pytest
from spacy.language import Language

from cart_nlp.pipeline import make_doc, tag_trial
from cart_nlp.schema import Trial

ANTIGENS = (
    "BCMA",
    "CD19",
    "GPRC5D",
    "MSLN",
    "PSMA",
    "CLDN18.2",
    "B7-H3",
    "EGFRvIII",
    "IL13Ra2",
    "EpCAM",
    "5T4",
)
JOINTS = (
    "/",
    "-",
    "+",
    "x",
    "×",
    " × ",
    "&",
    "|",
    "·",
    "_",
    ":",
    "、",
    "和",
    "與",
    "∩",
    "−",
    "＋",
    "/anti-",
    " or ",
)
SUMMARY = "This study evaluates chimeric antigen receptor T cells in patients."


def antigens(nlp: Language, title: str) -> set[str]:
    """The antigens of a title, as the rulers find them."""
    doc = nlp(make_doc(nlp, Trial(id="t", sections={"brief_title": title})))
    return {span.kb_id_ for span in doc.spans["cart"] if span.label_ == "antigen"}


@pytest.mark.parametrize("joint", JOINTS)
def test_both_names_are_found_on_either_side_of_a_joint(nlp: Language, joint: str) -> None:
    for left, right in itertools.permutations(ANTIGENS, 2):
        title = f"{left}{joint}{right} CAR-T cells for cancer"
        assert {left, right} <= antigens(nlp, title), title


@pytest.mark.parametrize("name", ["PSMA", "MSLN", "BCMA", "EpCAM", "FAP", "CEA"])
def test_a_name_may_be_glued_to_the_car_behind_it(nlp: Language, name: str) -> None:
    for title in (f"{name}CART in cancer", f"CD19x{name}CART in cancer"):
        doc = nlp(make_doc(nlp, Trial(id="t", sections={"brief_title": title})))
        assert "car" in {span.label_ for span in doc.spans["cart"]}, title
        assert name in antigens(nlp, title), title


@pytest.mark.parametrize("title", ["An OSCAR for leukemia", "SIDECARS in trauma", "MADAGASCAR cohort"])
def test_a_word_that_ends_so_holds_no_car(nlp: Language, title: str) -> None:
    assert tag_trial(nlp, Trial(id="t", sections={"brief_title": title})).car_trial == "no"


def test_anti_may_be_glued_to_a_name_in_small_letters(nlp: Language) -> None:
    assert antigens(nlp, "antimesothelin CAR-T cells") == {"MSLN"}
    assert antigens(nlp, "Romantimesothelin is nothing") == set()


TARGETS = [
    ("CAR-T细胞（BCMA）治疗骨髓瘤", ("BCMA",)),
    ("靶向QXR9的CAR-T细胞治疗肝癌", ("QXR9",)),
    ("抗QXR9CAR-T细胞治疗肝癌", ("QXR9",)),
    ("FAP-28z CAR T Cells in Mesothelioma", ("FAP",)),
    ("T Cells Co-expressing a CD19 CAR and a CD22 CAR for Leukemia", ("CD19", "CD22")),
]


@pytest.mark.parametrize(("title", "wanted"), TARGETS)
def test_targets_of_titles(nlp: Language, title: str, wanted: tuple[str, ...]) -> None:
    record = tag_trial(nlp, Trial(id="t", sections={"brief_title": title, "brief_summary": SUMMARY}))
    assert record.targets == wanted


def test_a_nonproprietary_name_that_no_row_has_is_a_product_of_car_cells(nlp: Language) -> None:
    record = tag_trial(nlp, Trial(id="t", sections={"brief_title": "Quxocabtagene Autoleucel in Lupus"}))
    assert (record.car_trial, record.products) == ("product", ("quxocabtagene autoleucel",))
    known = tag_trial(nlp, Trial(id="t", sections={"brief_title": "Axicabtagene Ciloleucel in Lymphoma"}))
    assert known.products == ("axicabtagene ciloleucel",)
    assert tag_trial(nlp, Trial(id="t", sections={"brief_title": "Lifileucel in Melanoma"})).car_trial == "no"


EDITS = [
    "The cells lack {} expression; they were made from cells that lack {}.",
    "The gene for {} is switched off in the CAR T cells.",
    "Ablation of {} in CAR T cells prevents rejection.",
    "The CAR transgene is knocked in at {} by Cas9.",
    "Cas9 RNP targeting {} is electroporated before the CAR vector is added.",
    "The T cells were genetically modified to eliminate {}.",
    "In these CAR T cells expression of {} is abolished.",
    "敲除{}的通用型CAR-T",
]


@pytest.mark.parametrize("text", EDITS)
@pytest.mark.parametrize("gene", ["TRAC", "B2M", "CIITA", "RASA2"])
def test_ways_to_say_that_a_gene_is_gone(nlp: Language, text: str, gene: str) -> None:
    sections = {"brief_title": "CD19 CAR-T cells in lymphoma", "brief_summary": text.replace("{}", gene)}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).edits == (gene,)
