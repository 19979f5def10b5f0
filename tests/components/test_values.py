"""Values of the record and what must not become one: constructed trials, one kind of error each."""

import pytest
from own_texts import stated
from spacy.language import Language

from cart_nlp.pipeline import tag_trial
from cart_nlp.schema import Record, Trial

TITLE = "CD19 CAR-T cells in lymphoma"


def tagged(nlp: Language, title: str = TITLE, /, **sections: str) -> Record:
    return tag_trial(nlp, Trial(id="t", sections={"brief_title": title, **sections}))


SOURCE = [
    ("T cells are collected from each participant and changed.", {"autologous"}),
    ("The treatment uses the patient's own WBCs.", {"autologous"}),
    ("Participants will have white blood cells removed.", {"autologous"}),
    ("They get a transplant of stem cells from a sibling donor.", set()),
    ("The CAR-T cells are made from the transplant donor's blood.", {"donor_derived"}),
    ("Allogeneic CAR-T cells. A gene edited product.", {"off_the_shelf"}),
    ("Each gets autologous and allogeneic CD5 CAR T-cell therapy.", {"autologous", "donor_derived"}),
    (
        "The receptor is put into patient autologous or donor-derived T cells.",
        {"autologous", "donor_derived"},
    ),
    ("Autologous or allogeneic stem cell transplantation in the past is allowed.", set()),
    ("Umbilical cord blood-derived CAR-T (UCAR-T) cells are infused.", {"cord_blood"}),
    ("Arm A: off-the-shelf CAR-T cells. Arm B: in vivo CAR-T by LNP.", {"off_the_shelf", "in_vivo"}),
]


@pytest.mark.parametrize(("text", "wanted"), SOURCE)
def test_cell_source(nlp: Language, text: str, wanted: set[str]) -> None:
    assert stated(tagged(nlp, brief_summary=text), "cell_source") == wanted


def test_title_decides_between_own_and_donor_cells(nlp: Language) -> None:
    record = tagged(nlp, "Autologous CD19 CAR-T", brief_summary="The gene enters cells taken from a donor.")
    assert stated(record, "cell_source") == {"autologous"}
    record = tagged(nlp, "Autologous CD19 CAR-T", brief_summary="Autologous or donor-derived CAR-T cells.")
    assert stated(record, "cell_source") == {"autologous", "donor_derived"}


VECTOR = [
    ("The plasmids and transduced T cells will be subject to the stipulated tests.", set()),
    ("CAR-T cells are transduced with a lentiviral vector.", {"lentiviral"}),
]


@pytest.mark.parametrize(("text", "wanted"), VECTOR)
def test_vector(nlp: Language, text: str, wanted: set[str]) -> None:
    assert stated(tagged(nlp, brief_summary=text), "vector") == wanted


TYPE = [
    ("CMV-specific cytotoxic T lymphocytes expressing a CD19 CAR", ("virus_specific_T",)),
    ("HER2 autologous CAR VST (chimeric receptor virus-specific T cells)", ("virus_specific_T",)),
]


@pytest.mark.parametrize(("title", "wanted"), TYPE)
def test_cell_type(nlp: Language, title: str, wanted: tuple[str, ...]) -> None:
    assert tagged(nlp, title).cell_type == wanted


TARGETS = [
    ("Anti-CD19CAR-4-1BB-CD3zeta T cells", ("CD19",)),
    ("CD22 chimeric receptor (CD28-zeta-CD19t-expressing) CAR T-lymphocytes", ("CD22",)),
    ("MB-CART2019.1 in lymphoma", ("CD19", "CD20")),
    ("CAR-NK cells targeting TRBC1/2 in lymphoma", ("TRBC1", "TRBC2")),
    ("CD19/TRBC1/2 CAR-T cells in lymphoma", ("CD19", "TRBC1", "TRBC2")),
    ("CART19, 20 or 22 in lymphoma", ("CD19", "CD20", "CD22")),
    ("CART19, 22 and 70 patients were treated with CAR-T cells", ("CD19",)),
    ("CD371 CAR T cells in leukemia", ("CLL1",)),
]


@pytest.mark.parametrize(("title", "wanted"), TARGETS)
def test_targets(nlp: Language, title: str, wanted: tuple[str, ...]) -> None:
    assert tagged(nlp, title).targets == wanted


def formats(record: Record) -> set[tuple[tuple[str, ...], str]]:
    return {(c.targets, c.format) for c in record.constructs}


def test_formats_of_names(nlp: Language) -> None:
    record = tagged(nlp, "Follow-up of people treated with MB-CART2019.1")
    assert formats(record) == {(("CD19", "CD20"), "bispecific")}


def test_target_is_shown_where_the_study_names_it(nlp: Language) -> None:
    text = "The cells target GPC3. In preclinical studies, GPC3-targeted CARs slowed tumor growth in mice."
    record = tagged(nlp, "Chimeric antigen receptor T cells in liver cancer", brief_summary=text)
    assert record.targets == ("GPC3",)
    assert [e.start for e in record.evidence if e.field == "targets"] == [text.index("GPC3")]


def test_short_form_between_car_and_cells(nlp: Language) -> None:
    assert stated(tagged(nlp, "CAR-CLD18 T cells"), "targets") == {"CLDN18.2"}


def test_target_that_the_laboratory_tells_too(nlp: Language) -> None:
    sections = {
        "brief_title": "XQ-cel chimeric antigen receptor T cells",
        "brief_summary": "XQ-cel targets GPC3. In preclinical studies, GPC3-targeted CARs slowed tumors.",
    }
    record = tag_trial(nlp, Trial(id="t", sections=sections))
    assert record.targets == ("GPC3",)
    starts = [e.start for e in record.evidence if e.field == "targets" and e.section == "brief_summary"]
    assert starts == [sections["brief_summary"].index("GPC3")]


def test_domains_that_a_name_spells(nlp: Language) -> None:
    assert stated(tagged(nlp, "IM19-CD28 and IM19-41BB CAR-T cells"), "costim") == {"CD28", "4-1BB"}


def test_edited_graft_is_no_edit_of_the_cells(nlp: Language) -> None:
    text = "CD45 CAR-T cells follow a transplant of CD45 base edited hematopoietic stem cells."
    assert tagged(nlp, brief_summary=text).edits == ()


def test_vaccine_gives_no_disease(nlp: Language) -> None:
    record = tagged(
        nlp, "RSV vaccine after CAR-T cells", brief_summary="CAR-T recipients with blood cancer get it."
    )
    assert record.disease_group == ("hematological",)


def test_every_antigen_of_named_products_has_a_construct(nlp: Language) -> None:
    record = tagged(nlp, "Axicabtagene ciloleucel, ciltacabtagene autoleucel and radiation")
    assert {t for c in record.constructs for t in c.targets} == set(record.targets) == {"BCMA", "CD19"}


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


GENERATION = [
    ("We designed third generation CAR-T cells.", (3,)),
    ("A third-generation lentiviral vector carries the second-generation CAR.", (2,)),
]


@pytest.mark.parametrize(("text", "wanted"), GENERATION)
def test_generation_of_the_study(nlp: Language, text: str, wanted: tuple[int, ...]) -> None:
    assert tagged(nlp, brief_summary=text).generation == wanted


COSTIM = [
    ("Cells are activated with anti-CD3/CD28 costimulation before transduction.", ()),
    ("Expansion under CD3/CD28 co-stimulation is at least fivefold.", ()),
    ("The CAR has CD28 costimulation.", ("CD28",)),
    ("The CAR includes CD3 and CD28 co-stimulation domains.", ("CD28",)),
]


@pytest.mark.parametrize(("text", "wanted"), COSTIM)
def test_stimulation_of_the_culture_is_no_domain(nlp: Language, text: str, wanted: tuple[str, ...]) -> None:
    assert tagged(nlp, brief_summary=text).costim == wanted


@pytest.mark.parametrize("antigen", ["EGFR", "HER2"])
def test_cells_with_a_receptor_are_no_switch(nlp: Language, antigen: str) -> None:
    assert tagged(nlp, f"CAR-{antigen} T cells in solid tumors").safety_switch == ()
    told = f"The CAR-T cells express {antigen}t as a safety switch."
    assert tagged(nlp, brief_summary=told).safety_switch == (f"{antigen}t",)


def test_a_regulatory_cell_written_with_a_hyphen_is_one(nlp: Language) -> None:
    assert tagged(nlp, "Chimeric Antigen Receptor T-Reg Cells in kidney transplantation").cell_type == (
        "Treg",
    )


def test_collection_as_an_intervention_is_the_participants(nlp: Language) -> None:
    sections = {"brief_title": TITLE, "interventions[0].name": "Leukapheresis"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).cell_source == ("autologous",)


def test_payloads(nlp: Language) -> None:
    assert tagged(nlp, "A CAR-T combined expression of IL-15").armoring == ("IL-15",)
    assert tagged(nlp, "BCOR and ZC3H12 genes knock-out CD19 CAR-T").edits == ("BCOR", "ZC3H12A")
    assert stated(tagged(nlp, "IL-8 receptor (CXCR2) modified CD70 CAR-T"), "armoring") == {"CXCR2"}


def test_drug_of_a_switch_does_not_name_it(nlp: Language) -> None:
    sections = {"brief_title": TITLE, "interventions[0].name": "Rimiducid"}
    assert tag_trial(nlp, Trial(id="t", sections=sections)).safety_switch == ()
    sections["brief_summary"] = "The CAR-T cells carry inducible caspase 9 as a safety switch."
    record = tag_trial(nlp, Trial(id="t", sections=sections))
    assert record.safety_switch == ("iCasp9",)
    assert {e.section for e in record.evidence if e.field == "safety_switch"} == {"brief_summary"}


def test_assay_that_chooses_the_product_names_its_targets(nlp: Language) -> None:
    text = "Participants will undergo tumor antigen profiling for EGFR, GD2, and B7-H3."
    chosen = text + " Based on this, the best construct is given."
    record = tagged(nlp, "Dual-targeting CAR-NK cells for glioma", brief_summary=chosen)
    assert record.targets == ("B7-H3", "EGFR", "GD2")


def test_general_words_are_the_source_where_the_study_says_nothing(nlp: Language) -> None:
    text = "Background: Doctors have developed a therapy that uses a person's own T cells. "
    record = tagged(nlp, brief_summary=text + "Design: CAR-T cells are given once.")
    assert record.cell_source == ("autologous",)


def test_lists_of_numbers_are_no_product(nlp: Language) -> None:
    assert tagged(nlp, "Tandem CART-19/20 cells").products == ()


def test_list_of_antigens_is_one_product(nlp: Language) -> None:
    panel = "CAR-T cells targeting CD19/CD22/CD7 are given."
    record = tagged(nlp, "CAR-T cells in leukemia", brief_summary=panel)
    assert {c.format for c in record.constructs} == {"bispecific"}
