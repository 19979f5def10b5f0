"""Antigens as product names write them."""

import pytest
from spacy.language import Language

from cart_nlp import tag

TABLE = [
    ("CART19 cells in leukemia", ["CD19"]),
    ("huCART19 for lymphoma", ["CD19"]),
    ("CART-19 infusion", ["CD19"]),
    ("CD19CAR T cells in lymphoma", ["CD19"]),
    ("4SCAR19/22/123 cells in leukemia", ["CD123", "CD19", "CD22"]),
    ("4SCAR19 T cells", ["CD19"]),
    ("CAR-20/19-T cells in lymphoma", ["CD19", "CD20"]),
    ("CART-138/BCMA cells for myeloma", ["BCMA", "CD138"]),
    ("anti-CD19/22 CAR-T cells", ["CD19", "CD22"]),
    ("anti-CD19/22/20 CAR-T cells", ["CD19", "CD20", "CD22"]),
    ("CD19.20.22 CAR-T", ["CD19", "CD20", "CD22"]),
    ("19-28z T cells (chimeric antigen receptor)", ["CD19"]),
    ("CAR2219 T cells", ["CD19", "CD22"]),
    ("CD19 and CD20 or CD22 CAR-T cells", ["CD19", "CD20", "CD22"]),
    ("CD19xCD22 CAR-T cells", ["CD19", "CD22"]),
    ("CD19×CD22 CAR-T cells", ["CD19", "CD22"]),
    ("B7H3 CAR-T cells", ["B7-H3"]),
    ("CD276 CAR-T cells", ["B7-H3"]),
    ("GD-2 CAR-T cells", ["GD2"]),
    ("CLDN 18.2 CAR-T cells", ["CLDN18.2"]),
    ("Claudin18. 2 CAR-T cells", ["CLDN18.2"]),
    ("IL13Rα2 CAR-T cells", ["IL13Ra2"]),
    ("IL13Ralpha2 CAR-T cells", ["IL13Ra2"]),
    ("Lewis-Y CAR-T cells", ["LeY"]),
    ("c-Met CAR-T cells", ["c-Met"]),
    ("TnMUC1 CAR-T cells", ["MUC1"]),
    ("anti-kappa CAR-T cells", ["kappa light chain"]),
    ("NKG2DL CAR-T cells", ["NKG2D ligands"]),
    ("gp120 CAR-T cells", ["HIV Env (gp120)"]),
    ("CART-meso cells", ["MSLN"]),
    ("ＣＤ１９ CAR-T cells", ["CD19"]),
    ("CD‑19 CAR‑T cells", ["CD19"]),
    ("抗CD19嵌合抗原受体T细胞", ["CD19"]),
    ("APRIL CAR-T cells", ["BCMA", "TACI"]),
    ("DSG3-CAART cells", ["DSG3"]),
]


@pytest.mark.parametrize(("text", "targets"), TABLE)
def test_name(nlp: Language, text: str, targets: list[str]) -> None:
    assert list(tag(text, nlp).targets) == targets


@pytest.mark.parametrize(
    "text",
    [
        "CAR-T cells in 19 patients",
        "CAR-T 7 days after infusion",
        "CAR T cells at 20 mg, 22 centers",
        "CAR-T cells, 1,019 cells",
        "CAR-T in 19% of patients",
    ],
)
def test_number_that_names_nothing(nlp: Language, text: str) -> None:
    assert tag(text, nlp).targets == ()
