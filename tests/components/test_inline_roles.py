"""Roles of antigens: texts that carry the role of every antigen in them, `[CD19|target]`.

What the scorer is known to get wrong stands in test_known_misses.py.
"""

import pytest
from own_texts import Sections, roles, unmarked
from spacy.language import Language

from cart_nlp.components.roles import ROLES
from cart_nlp.pipeline import mentions

ELIGIBILITY, NAME, ARM, CONDITION = (
    "eligibility",
    "interventions[0].name",
    "arms[0].description",
    "conditions[0]",
)

TABLE: list[Sections] = [
    # The target: attached to the CAR, bound by it, named as its specificity.
    "[CD19|target] CAR-T cells in B-cell lymphoma",
    "CAR-T cells targeting [BCMA|target] in myeloma",
    "Anti-[mesothelin|target] chimeric antigen receptor T cells",
    "[GPC3|target]-targeted CAR-T cells for liver cancer",
    "Safety of [CD19|target]/[CD22|target] CAR-T",
    "[BCMA|target] and [GPRC5D|target] dual-target CAR-T in relapsed myeloma",
    "[DLL3|target] CAR-NK cells in small cell lung cancer",
    {"brief_summary": "We will give CAR-T cells that recognize [GD2|target]."},
    {"brief_summary": "The chimeric antigen receptor binds to the antigen [CLDN18.2|target]."},
    {"brief_summary": "QX-11 is made of autologous T cells with a CAR directed against [ROR1|target]."},
    {NAME: "anti-[CD7|target] CAR-T"},
    {ARM: "Autologous T cells transduced with a lentiviral vector encoding an anti-[CD5|target] CAR"},
    "靶向[CD19|target]的嵌合抗原受体T细胞治疗淋巴瘤",
    # What the disease or the participants must carry.
    "CAR-T cells in [CD19|disease_marker]+ leukemia",
    "CAR-T cells in [GPC3|disease_marker]-positive hepatocellular carcinoma",
    "[CD22|target] CAR-T cells for [CD19|disease_marker]+ leukemia",
    {"brief_summary": "Expression of [CD22|disease_marker] on blasts is measured by flow."},
    {"brief_summary": "[CD19|target] CAR-T for patients with [CD20|disease_marker] positive lymphoma."},
    {"brief_summary": "[CD7|target] CAR-T cells for people with [CD7|disease_marker] positive lymphoma."},
    {CONDITION: "[CD30|disease_marker]+ Hodgkin lymphoma"},
    {ELIGIBILITY: "The tumor shows [HER2|disease_marker] by biopsy."},
    # What the participants have had before.
    "[CD7|target] CAR-T in patients previously exposed to anti-[CD5|prior_therapy] CAR-T",
    {"brief_summary": "Patients relapsed after prior [CD19|prior_therapy] CAR-T are treated."},
    {"brief_summary": "[CD22|target] CAR-T after failed [CD19|prior_therapy] CAR-T."},
    {"brief_summary": "[GPRC5D|target] CAR-T in myeloma that progressed after [BCMA|prior_therapy] CAR-T."},
    {ELIGIBILITY: "Earlier treatment with any [CD19|prior_therapy]-directed CAR-T cells is an exclusion."},
    # What is told of the field.
    {"brief_summary": "[CD19|background] CAR-T has shown success in leukemia. We study [CD7|target] CAR-T."},
    # Cells: those that are made, sorted, counted.
    {"brief_summary": "[CD25|cell_marker] positive cells are depleted with beads before the CAR is added."},
    {"brief_summary": "[CD4|cell_marker] and [CD8|cell_marker] T cells are selected and carry the CAR."},
    {"brief_summary": "[CD8|cell_marker]+ T cells that carry the [CD19|target] CAR persist in the blood."},
    # Changes and domains of the cells.
    {"brief_summary": "[MSLN|target] CAR-T cells secreting a [PD-1|armoring] nanobody"},
    {"brief_summary": "The [CD19|target] CAR has a [CD28|signaling] costimulatory domain."},
]

UNSEEN: list[Sections] = [
    # Written for the trained scorer, none of them changed after it was tried.
    "[GPRC5D|target] CAR-T cells in myeloma that came back after [BCMA|prior_therapy]-directed CAR-T cells",
    "[CD7|target] CAR-T cells in T-cell leukemia\n"
    "CAR-T cells against [CD19|background] have changed the treatment of B-cell leukemia. "
    "For T-cell leukemia nothing alike exists.",
    "[CD22|target] CAR-T cells for leukemia that relapsed after [CD19|prior_therapy] CAR-T",
    "[CD7|target] CAR-T cells in T-cell leukemia\n"
    "The [CD7|edit] gene of the cells is knocked out so that they do not kill each other.",
    "[CD19|target] and [BCMA|target] CAR-T cells in lupus nephritis",
    "Chimeric antigen receptor T cells against [GD2|target] for children with neuroblastoma",
    "[CD70|target] CAR-NK cells in kidney cancer\nTumors must be [CD70|disease_marker]-positive in a biopsy.",
    "[BCMA|target] CAR-T in myeloma\nPeople who had [GPRC5D|prior_therapy] CAR-T earlier may take part.",
    "[BCMA|target] CAR-T cells followed by a [CD38|coadministered] antibody",
    "[GPC3|target] CAR-T cells that secrete an anti-[CTLA-4|armoring] antibody in liver cancer",
    "[CD19|target] CAR-T cells in B-ALL\n"
    "[CD4|cell_marker]+ and [CD8|cell_marker]+ T cells are infused at a ratio of one to one.",
    "CAR-T cells in [MSLN|disease_marker]-positive ovarian cancer",
    "Universal CAR-T cells for [CD123|disease_marker]+ acute myeloid leukemia",
    "[CLL-1|target] CAR-T for [CD33|disease_marker]-positive leukemia",
    "[CD20|target] CAR-T cells for people whose lymphoma progressed on [CD19|prior_therapy] CAR-T cells",
    "[Claudin18.2|target] CAR-T in gastric cancer\nEncouraged by results of [CD19|background] CAR-T cells "
    "in blood cancers, we test CAR-T cells in gastric cancer.",
    "[FAP|target] CAR-T cells in sarcoma\n"
    "In earlier trials of other groups, [HER2|background] CAR-T cells were safe.",
    "[EGFRvIII|target] CAR-T cells in glioblastoma with a [PD-L1|coadministered] antibody",
    "[CD19|target] CAR-T cells with a [CD20|coadministered] bispecific antibody",
    "Sequential [CD19|target] and [CD22|target] CAR-T cells in B-ALL",
    "[HER2|target] CAR macrophages in solid tumors that overexpress [HER2|disease_marker]",
    "[PSMA|target] CAR-T cells with [PD-1|edit] knockout in prostate cancer",
    "[CD19|target] CAR-T cells with [PD-1|edit] knocked down by shRNA",
    "[MUC1|target] CAR-T cells that express a [PD-1|armoring] switch receptor",
    {
        "brief_title": "[GPRC5D|target] CAR-T cells in myeloma",
        ELIGIBILITY: "Prior therapy directed at [BCMA|prior_therapy] is allowed.",
    },
    {
        "brief_title": "CAR-T cells in gastric cancer",
        CONDITION: "[CLDN18.2|disease_marker]-positive gastric cancer",
    },
    "[ROR1|target] CAR-T cells in breast cancer\n"
    "[ROR1|disease_marker] must be present on more than 20% of tumor cells.",
    "靶向[BCMA|target]的CAR-T细胞治疗多发性骨髓瘤",
    "[BCMA|target] CAR-T cells in myeloma\n"
    "The T cells are selected with [CD8|cell_marker] beads before transduction.",
    "[CD38|target] CAR-T cells in leukemia that relapsed after transplantation",
    "Tandem CAR-T cells that bind [CD19|target] and [CD20|target] in relapsed lymphoma",
    "Dual CAR-T cells against [BCMA|target] and [CD19|target] in myeloma that relapsed after "
    "[BCMA|prior_therapy] CAR-T",
    "[CEA|target] CAR-T cells given into the liver artery",
]


def name(sections: Sections) -> str:
    return sections if isinstance(sections, str) else " ".join(sections.values())


@pytest.mark.parametrize("sections", [*TABLE, *UNSEEN], ids=name)
def test_role_of_every_antigen(nlp: Language, sections: Sections) -> None:
    found, wanted = roles(nlp, sections)
    assert found == wanted


def test_marks_are_taken_off() -> None:
    assert unmarked("a [CD19|target] and [B7-H3|edit]s") == (
        "a CD19 and B7-H3s",
        [(2, "CD19", "target"), (11, "B7-H3", "edit")],
    )
    assert unmarked("plain [text]") == ("plain [text]", [])


def test_roles_survive_overlapping_names(nlp: Language) -> None:
    """A product's name that spells its antigen is both, and only the antigen has a role."""
    found = mentions(nlp("CART19 cells in lymphoma"))
    assert {(m.label, m.concept): m.role for m in found}[("antigen", "CD19")] == "target"
    assert {m.role for m in found if m.label not in ("antigen", "ligand")} == {""}


def test_every_role_that_texts_carry_is_known() -> None:
    text = " ".join(name(sections) for sections in [*TABLE, *UNSEEN])
    assert {role for *_, role in unmarked(text)[1]} <= set(ROLES)
