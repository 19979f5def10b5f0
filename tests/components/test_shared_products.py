"""How several targets share products, told in many words: one receptor, one cell, together, in turn."""

import pytest

import cart_nlp

TEXTS = [
    ("BX-12 in B-cell lymphoma",
     "Two scFvs, against CD19 and against CD20, sit in the same CAR molecule.",
     ["CD19+CD20 (tandem)"]),
    ("CAR-T for multiple myeloma", "Its VHHs for BCMA and GPRC5D are fused head to tail and share one hinge.",
     ["BCMA+GPRC5D (tandem)"]),
    ("CD5 CAR and CD7 CAR co-expressing T cells in T-cell leukemia", "One dose is given.",
     ["CD5+CD7 (bicistronic)"]),
    ("CAR-T for acute myeloid leukemia",
     "Each T cell carries a CD33 CAR and a CLL1 CAR, each with its own signaling domain.",
     ["CD33+CLL1 (bicistronic)"]),
    ("CAR-T in liver cancer",
     "T cells are transduced with two lentiviral vectors, one for a GPC3 CAR and one for a B7-H3 CAR.",
     ["B7-H3+GPC3 (bicistronic)"]),
    ("Two CAR-T products in leukemia", "CD19 CAR-T and CD22 CAR-T are infused within the same hour.",
     ["CD19 (cocktail)", "CD22 (cocktail)"]),
    ("Dual-target CD33/CD123 CAR-T in leukemia", "The two products are given one after the other.",
     ["CD123 (sequential)", "CD33 (sequential)"]),
    ("BCMA/CD19 CAR-T in systemic lupus erythematosus", "A dose of one million cells per kg is given.",
     ["BCMA+CD19 (bispecific)"]),
    ("CD19/CD22 CAR-T cells co-expressing IL-15 in lymphoma", "Armored cells are given once.",
     ["CD19+CD22 (bispecific)"]),
    ("CD19/CD20 tandem CAR-T and subsequent CD22 CAR-T in lymphoma",
     "The second product follows on day 28.",
     ["CD19+CD20 (tandem)", "CD22 (sequential)"]),
    ("CD19/CD20 tandem CAR-T on day 0, then CD22 CAR-T on day 28 in leukemia", "Both are autologous.",
     ["CD19+CD20 (tandem)", "CD22 (sequential)"]),
    ("BCMA/CD19 CAR-T combined with GPRC5D CAR-T in myeloma", "Both are autologous.",
     ["BCMA+CD19 (bispecific)", "GPRC5D (cocktail)"]),
    ("CD19 CAR-T co-expressing a PD-1 switch in lymphoma", "CD22 is measured by flow cytometry.",
     ["CD19 (single)"]),
]  # fmt: skip


@pytest.mark.parametrize(("title", "summary", "wanted"), TEXTS)
def test_constructs(title: str, summary: str, wanted: list[str]) -> None:
    found = cart_nlp.tag({"id": "NCT00000001", "brief_title": title, "brief_summary": summary}).constructs
    assert sorted(f"{'+'.join(sorted(one.targets))} ({one.format})" for one in found) == wanted


def test_each_product_of_a_set_tells_its_own_format() -> None:
    """What the text states is no default, for a product among others either."""
    for joint in ("and subsequent", "followed by"):
        found = cart_nlp.tag(f"CD19/CD20 tandem CAR-T {joint} CD22 CAR-T in lymphoma")
        assert {one.format: one.basis for one in found.constructs} == {"tandem": "text", "sequential": "text"}
        (said,) = (one.text for one in found.evidence if one.value == "CD22 (sequential)")
        assert said in joint
