"""Values of the record and what must not become one: constructed trials, one kind of error each."""

import pytest
from spacy.language import Language

from cart_nlp.pipeline import load, tag_trial
from cart_nlp.schema import Record, Trial

TITLE = "CD19 CAR-T cells in lymphoma"


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load()


def tagged(nlp: Language, title: str = TITLE, /, **sections: str) -> Record:
    named = {key.replace("__", "].").replace("_0", "[0"): text for key, text in sections.items()}
    return tag_trial(nlp, Trial(id="t", sections={"brief_title": title, **named}))


def stated(record: Record, field: str) -> set[str]:
    """The values of a field that rest on the trial's own words."""
    return {e.value for e in record.evidence if e.field == field and e.basis == "text"}


SOURCE = [
    # A general definition, with and without the sentence that goes on from it.
    ("CAR T-cell therapy is a type of treatment that uses your own immune cells.", set()),
    (
        "CAR-T is a type of treatment in which cells are changed. T cells are taken from a patient's blood.",
        set(),
    ),
    ("CAR-T cells are a new immunotherapy made of autologous T lymphocytes.", set()),
    ("T cells are collected from each participant and changed.", {"autologous"}),
    ("The treatment uses the patient's own WBCs.", {"autologous"}),
    ("Participants will have white blood cells removed.", {"autologous"}),
    ("Patients in the absence of a suitable donor are enrolled.", set()),
    ("They get a transplant of stem cells from a sibling donor.", set()),
    ("The CAR-T cells are made from the transplant donor's blood.", {"donor_derived"}),
    ("Allogeneic CAR-T cells. A non-gene edited product.", {"donor_derived"}),
    ("Allogeneic CAR-T cells. A gene edited product.", {"off_the_shelf"}),
    ("Allogeneic CAR-T cells (UNIVERSAL).", {"donor_derived"}),
]


@pytest.mark.parametrize(("text", "wanted"), SOURCE)
def test_cell_source(nlp: Language, text: str, wanted: set[str]) -> None:
    assert stated(tagged(nlp, brief_summary=text), "cell_source") == wanted


def test_title_decides_between_own_and_donor_cells(nlp: Language) -> None:
    record = tagged(nlp, "Autologous CD19 CAR-T", brief_summary="The gene enters cells taken from a donor.")
    assert stated(record, "cell_source") == {"autologous"}
    record = tagged(nlp, "Autologous CD19 CAR-T", brief_summary="Autologous or donor-derived CAR-T cells.")
    assert stated(record, "cell_source") == {"autologous", "donor_derived"}


def test_collection_as_an_intervention_is_the_participants(nlp: Language) -> None:
    sections = {"brief_title": TITLE, "interventions[0].name": "Leukapheresis"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).cell_source == ("autologous",)
    sections["brief_title"] = "CD19 CAR-T cells after transplantation from a sibling donor"
    assert tag_trial(nlp, Trial(id="t", sections=sections)).cell_source == ()


VECTOR = [
    ("The plasmids and transduced T cells will be subject to the stipulated tests.", set()),
    ("Carriers of CAR-T in vivo are divided into two kinds: lentiviral carriers and others.", set()),
    ("CAR-T cells are transduced with a lentiviral vector.", {"lentiviral"}),
]


@pytest.mark.parametrize(("text", "wanted"), VECTOR)
def test_vector(nlp: Language, text: str, wanted: set[str]) -> None:
    assert stated(tagged(nlp, brief_summary=text), "vector") == wanted


def test_generation_of_another_group(nlp: Language) -> None:
    text = "Professor Poe's group at another place designed third generation CAR-T cells."
    assert tagged(nlp, brief_summary=text).generation == ()
    text = "We designed third generation CAR-T cells."
    assert tagged(nlp, brief_summary=text).generation == (3,)


TYPE = [
    ("CD7 CAR-T in Natural Killer/T Cell Malignancies", ("T",)),
    ("CMV-specific cytotoxic T lymphocytes expressing a CD19 CAR", ("virus_specific_T",)),
    ("HER2 autologous CAR VST (chimeric receptor virus-specific T cells)", ("virus_specific_T",)),
]


@pytest.mark.parametrize(("title", "wanted"), TYPE)
def test_cell_type(nlp: Language, title: str, wanted: tuple[str, ...]) -> None:
    assert tagged(nlp, title).cell_type == wanted


def test_name_says_more_than_the_generic_word(nlp: Language) -> None:
    record = tagged(nlp, "OL-CD19-GDT, a CAR-T cell therapy")
    assert record.cell_type == ("gamma_delta_T",)


TARGETS = [
    ("CAR-T cells for EGFR family member positive solid tumors", ()),
    ("Anti-CD19CAR-4-1BB-CD3zeta T cells", ("CD19",)),
    ("CD22 chimeric receptor (CD28-zeta-CD19t-expressing) CAR T-lymphocytes", ("CD22",)),
    ("MB-CART2019.1 in lymphoma", ("CD19", "CD20")),
    ("CAR-NK cells targeting TRBC1/2 in lymphoma", ("TRBC1", "TRBC2")),
    ("CD371 CAR T cells in leukemia", ("CLL1",)),
    ("RD133 injection, CAR-T for MSLN-positive tumors", ()),
]


@pytest.mark.parametrize(("title", "wanted"), TARGETS)
def test_targets(nlp: Language, title: str, wanted: tuple[str, ...]) -> None:
    assert tagged(nlp, title).targets == wanted


def test_tag_is_no_target(nlp: Language) -> None:
    record = tagged(
        nlp, "Anti-biotin CAR T cells with a biotin adaptor", brief_summary="An adaptor recognizes CD20."
    )
    assert "biotin" not in record.targets


def formats(record: Record) -> set[tuple[tuple[str, ...], str]]:
    return {(c.targets, c.format) for c in record.constructs}


def test_formats_of_names(nlp: Language) -> None:
    record = tagged(nlp, "Follow-up of people treated with MB-CART2019.1")
    assert formats(record) == {(("CD19", "CD20"), "bispecific")}
    record = tagged(nlp, "CART-meso-19 T cells in cancer")
    assert formats(record) == {(("CD19",), "cocktail"), (("MSLN",), "cocktail")}


def test_payloads(nlp: Language) -> None:
    assert tagged(nlp, "A CAR-T combined expression of IL-15").armoring == ("IL-15",)
    assert tagged(nlp, "CD19 CAR-T combined with IL-15").armoring == ()
    assert tagged(nlp, "BCOR and ZC3H12 genes knock-out CD19 CAR-T").edits == ("BCOR", "ZC3H12A")
    assert stated(tagged(nlp, "IL-8 receptor (CXCR2) modified CD70 CAR-T"), "armoring") == {"CXCR2"}


def test_drug_of_a_switch_does_not_name_it(nlp: Language) -> None:
    sections = {"brief_title": TITLE, "interventions[0].name": "Rimiducid"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).safety_switch == ()
    sections["brief_summary"] = "The CAR-T cells carry a safety switch."
    assert tag_trial(nlp, Trial(id="t", sections=sections)).safety_switch == ("other",)
    sections["brief_summary"] = "The CAR-T cells carry inducible caspase 9 as a safety switch."
    record = tag_trial(nlp, Trial(id="t", sections=sections))
    assert record.safety_switch == ("iCasp9",)
    assert {e.section for e in record.evidence if e.field == "safety_switch"} == {"brief_summary"}


def test_evidence_points_to_the_words_of_the_study(nlp: Language) -> None:
    general = "Background: Doctors have developed a therapy that uses a person's own T cells. "
    study = "Design: Participants will have apheresis to collect cells for the CAR-T cells."
    own = [e for e in tagged(nlp, brief_summary=general + study).evidence if e.field == "cell_source"]
    assert [e.text for e in own] == ["Participants will have apheresis"]
    # Where the study says nothing of its own, the value keeps its words.
    assert tagged(nlp, brief_summary=general + "Design: CAR-T cells are given once.").cell_source == (
        "autologous",
    )


def test_lymphocytes_that_are_depleted_are_no_source(nlp: Language) -> None:
    text = "Chemotherapy lowers the number of the patient's lymphocytes before the CAR-T cells."
    assert tagged(nlp, brief_summary=text).cell_source == ()


def test_target_is_shown_where_the_study_names_it(nlp: Language) -> None:
    text = "XQ-cel targets GPC3. In preclinical studies, GPC3-targeted CARs slowed tumor growth in mice."
    record = tagged(nlp, "XQ-cel chimeric antigen receptor T cells", brief_summary=text)
    assert record.targets == ("GPC3",)
    assert [e.start for e in record.evidence if e.field == "targets"] == [text.index("GPC3")]


def test_assay_of_the_tumor_is_a_target_only_where_it_chooses_the_product(nlp: Language) -> None:
    title = "Dual-targeting CAR-NK cells for glioma"
    assay = "Participants will undergo tumor antigen profiling for EGFR, GD2, and B7-H3."
    assert tagged(nlp, title, brief_summary=assay).targets == ()
    chosen = tagged(nlp, title, brief_summary=assay + " Based on this, the best construct is given.")
    assert chosen.targets == ("B7-H3", "EGFR", "GD2")
    assert {c.format for c in chosen.constructs} == {"selectable"}


def test_product_inside_another_name(nlp: Language) -> None:
    assert tagged(nlp, "huCART-meso cells in cancer").products == ("huCART-meso",)


def test_domains_that_a_name_spells(nlp: Language) -> None:
    assert stated(tagged(nlp, "IM19-CD28 and IM19-41BB CAR-T cells"), "costim") == {"CD28", "4-1BB"}


def test_drug_before_the_cells_is_no_product(nlp: Language) -> None:
    sections = {"brief_title": "XQ7777 prior to CD19 CAR-T", "interventions[0].name": "XQ7777"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).products == ()


def test_code_of_a_drug_after_the_cells_is_no_product(nlp: Language) -> None:
    sections = {"brief_title": "XQ200 in lymphoma post CART failure", "interventions[0].name": "XQ200"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).products == ()


def test_products_of_history_and_lists_of_numbers(nlp: Language) -> None:
    text = "This paved the way for tisagenlecleucel."
    record = tagged(nlp, "Outcomes after CD19 CAR-T", brief_summary=text)
    assert record.products == () and record.vector == ()
    assert tagged(nlp, "Tandem CART-19/20 cells").products == ()
    assert tagged(nlp, "CART-19 cells").products == ("CART-19",)


def test_edited_graft_is_no_edit_of_the_cells(nlp: Language) -> None:
    text = "CD45 CAR-T cells follow a transplant of CD45 base edited hematopoietic stem cells."
    assert tagged(nlp, brief_summary=text).edits == ()


def test_vaccine_gives_no_disease(nlp: Language) -> None:
    record = tagged(
        nlp, "RSV vaccine in CAR-T recipients", brief_summary="Patients with blood cancer after CAR-T."
    )
    assert record.disease_group == ("hematological",)


def test_pair_that_only_an_arm_names(nlp: Language) -> None:
    record = tagged(
        nlp,
        "Dual CAR-NK cells in ovarian cancer",
        arms_0__description="CAR-NK cells targeting MSLN and GPC3.",
        **{
            "arms[1].description": "CAR-NK cells targeting MSLN and HER2.",
            "arms[2].description": "CAR-NK cells targeting GPC3 and HER2.",
        },
    )
    assert {frozenset(c.targets) for c in record.constructs} == {
        frozenset({"MSLN", "GPC3"}),
        frozenset({"MSLN", "HER2"}),
        frozenset({"GPC3", "HER2"}),
    }


def test_list_of_products_with_one_antigen_each(nlp: Language) -> None:
    panel = "CAR-T cells targeting CD19/CD22/CD7 are given."
    title = "CAR-T cells in leukemia"
    assert {c.format for c in tagged(nlp, title, brief_summary=panel).constructs} == {"bispecific"}
    keywords = {f"keywords[{n}]": f"{name} CAR-T" for n, name in enumerate(("CD19", "CD22", "CD7"))}
    record = tagged(nlp, title, brief_summary=panel, **keywords)
    assert {(c.targets, c.format) for c in record.constructs} == {
        (("CD19",), "selectable"),
        (("CD22",), "selectable"),
        (("CD7",), "selectable"),
    }


def test_every_antigen_of_named_products_has_a_construct(nlp: Language) -> None:
    record = tagged(nlp, "Axicabtagene ciloleucel, ciltacabtagene autoleucel and radiation")
    assert {t for c in record.constructs for t in c.targets} == set(record.targets) == {"BCMA", "CD19"}


def test_slip_in_the_label_of_an_arm(nlp: Language) -> None:
    sections = {"brief_title": "BCMA-CS1 cCAR T cells in myeloma", "arms[0].label": "BCMA-CD33 cCAR T cells"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).targets == ("BCMA", "SLAMF7")


def test_stray_blank_in_a_name_makes_no_second_product(nlp: Language) -> None:
    text = "The dose of CART-PSMA- TGFbRDN cells is raised."
    assert tagged(nlp, "CART-PSMA-TGFbRDN in prostate cancer", brief_summary=text).products == (
        "CART-PSMA-TGFβRDN",
    )


def test_short_form_of_the_receptor_is_no_second_product(nlp: Language) -> None:
    text = "PBLTT52CAR19 cells express an anti-CD19 chimeric antigen receptor (CAR19)."
    assert tagged(nlp, "TT52CAR19 in leukemia", brief_summary=text).products == ("PBLTT52CAR19",)


def test_infiltrating_lymphocytes_carry_the_receptor(nlp: Language) -> None:
    record = tagged(nlp, "CAR-TILs in solid tumors", brief_summary="The CAR-TILs are infused once.")
    assert (record.targets, record.cell_type) == ((), ("T",))


def test_code_beside_a_receptor_is_the_product(nlp: Language) -> None:
    record = tagged(nlp, "Study of XW-135 CAR-T cells in leukemia")
    assert (record.targets, record.products) == ((), ("XW-135",))


def test_weakened_expression_is_an_edit(nlp: Language) -> None:
    text = "The CD19 CAR-T cells are edited to weaken HLA expression."
    assert tagged(nlp, brief_summary=text).edits == ("HLA-I",)
