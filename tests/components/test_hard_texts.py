"""Texts of our own that the first trained scorers read wrong, with the value that the guidelines want."""

from typing import Any

import pytest
from own_texts import Sections, result, roles
from spacy.language import Language

TITLE = "CD19 CAR-T cells in lymphoma"
NAME, OTHER = "interventions[0].name", "interventions[1].name"

ROLES: list[Sections] = [
    # an antigen before CAR-T reads as the study's own, whatever stands around it
    {"brief_summary": "[CD19|background] CAR-T has shown success in leukemia."},
    {
        "brief_summary": "So far CAR-T cells against [CD19|background] were approved. "
        "This trial tests [CD70|target] CAR-T."
    },
    "Prior [CD19|prior_therapy], [CD20|prior_therapy] and [CD22|prior_therapy] CAR-T excluded",
    # an antibody that is given has another's role
    {"brief_summary": "Patients get CAR-T cells and a [CD38|coadministered] antibody."},
    # another drug against the trial's own antigen reads as the target
    "[DLL3|target] CAR-T cells in small cell lung cancer\n"
    "Participants may have had a [DLL3|prior_therapy]-targeted antibody before.",
    # an antibody that is given or secreted has another's role
    {
        "brief_summary": "[CD19|target] CAR-T cells are followed by a bispecific antibody "
        "against [CD20|coadministered]."
    },
    "[CD19|target] CAR-T cells secreting [PD-L1|armoring] nanobodies",
    # the gene that is taken out is the target, or is the trial's only antigen
    {"brief_summary": "CAR-T cells with knocked out [CD70|edit]"},
    "[CD7|edit] knocked-out [CD7|target] CAR-T cells",
    "[CD5|edit]-deleted [CD5|target] CAR-T cells in T-cell lymphoma",
    # B cells that are counted read as the disease
    "[CD19|target] CAR-T cells in lymphoma\n"
    "B cells that are [CD20|cell_marker]+ are counted in the blood every month.",
    # an antigen before CAR-T reads as the study's own, whatever stands around it
    "[CD22|target] CAR-T for [CD19|prior_therapy] CAR-T failures",
    # another drug against the trial's own antigen reads as the target
    "[CD19|target] CAR-T cells for leukemia\n"
    "Patients who got blinatumomab, an antibody against [CD19|prior_therapy], are eligible.",
    # the antigen of a checkpoint inhibitor is no mention
    "[CD19|target] CAR-T with a [PD-1|coadministered] inhibitor in lymphoma",
    "[CD30|target] CAR-T cells in Hodgkin lymphoma that failed [PD-1|prior_therapy] inhibitors",
]

VALUES: list[tuple[Sections, dict[str, Any]]] = [
    # the code of a drug before or after the cells reads as the product's
    ({"brief_title": "XQ200 in lymphoma post CART failure", NAME: "XQ200"}, {"products": []}),
    # care, review or a drug beside CAR-T reads as a trial of the cells
    (
        "Hospital care at home for CAR-T and transplant",
        {"car_trial": "related", "focus": "quality_of_life_or_cost"},
    ),
    # CAR-T cells of the background or of a later treatment read as the study's
    (
        "Zetamab in lymphoma\nCAR-T cells have improved survival. We study Zetamab.",
        {"car_trial": "mention"},
    ),
    (
        {
            "brief_title": "Zetamab in lymphoma",
            "primary_outcomes[0]": "Share of patients who proceed to CAR T-cell therapy",
        },
        {"car_trial": "mention"},
    ),
    # a product that one place names, or an old name of a CAR, is not seen as the study's
    (
        {
            "brief_title": "A new model of transplantation",
            "brief_summary": "A graft with high-dose drugs, CD19-CART and Tregs is given.",
            "conditions[0]": "CD19-chimeric antigen receptor T cells",
            NAME: "new transplant model",
        },
        {"car_trial": "product"},
    ),
    # the background, or other people's work, gives a value
    (
        "Outcomes after CD19 CAR-T\nThis paved the way for tisagenlecleucel.",
        {"products": []},
    ),
    # a general sentence tells where the study's cells come from
    (
        TITLE + "\nChemotherapy lowers the number of the patient's lymphocytes before the CAR-T cells.",
        {"cell_source": []},
    ),
    # the adaptor's tag is a target
    ("Anti-biotin CAR T cells with a biotin adaptor\nAn adaptor recognizes CD20.", {"targets": ["CD20"]}),
    # a switch that stands plainly
    (TITLE + "\nThe CAR-T cells carry a safety switch.", {"safety_switch": ["other"]}),
    (TITLE + "\nAn inducible suicide switch is part of the cells.", {"safety_switch": ["other"]}),
    (TITLE + "\nPatients with other diseases are excluded.", {"safety_switch": []}),
    (TITLE + "\nThe cells are made without a suicide gene.", {"safety_switch": []}),
    # a CAR word that letters are glued to is no acronym
    ("CD123 UCART in AML", {"car_trial": "product", "targets": ["CD123"]}),
    ("CAR-γδ T cells in lymphoma", {"car_trial": "product", "cell_type": ["gamma_delta_T"]}),
    ("Anti-CD19:TCRζ CAR-T cells in lymphoma", {"targets": ["CD19"]}),
    # denied
    ("No CAR-T cells are given in this study. Patients with ALL get rituximab.", {"car_trial": "mention"}),
    ("CAR-T cells against mesothelin, PSMA and not against CD19.", {"targets": ["MSLN", "PSMA"]}),
    # one sentence tells what the code of the title is
    (
        {
            "brief_title": "HX-31 in myeloma",
            "brief_summary": "HX-31 is a bispecific CAR-T that sees BCMA and CD19.",
        },
        {"car_trial": "product", "targets": ["BCMA", "CD19"]},
    ),
    (
        {
            "brief_title": "QX-7 in lymphoma",
            "brief_summary": "QX-7 is a tablet. Share of patients who need CAR-T.",
        },
        {"car_trial": "mention"},
    ),
    # an antigen of another drug is a target
    ("Epcoritamab (CD20xCD3) after axi-cel in lymphoma", {"targets": ["CD19"]}),
    # a slip in the label of an arm counts beside the title
    ("BCMA-CS1 cCAR T cells in myeloma. Arm: BCMA-CD33 cCAR T cells", {"targets": ["BCMA", "SLAMF7"]}),
    # a domain inside a pair of names is taken for a marker of the disease
    ("CD19 CAR-T cells with CD28/4-1BB domains", {"disease_markers": []}),
    # days apart are no sequence yet
    # the title joins what the text parts
    (
        {
            "brief_title": "Dual-target HER2/CEA CAR-T cells in gastric cancer",
            "brief_summary": "The two products are given one after the other.",
        },
        {"constructs": ["CEA (sequential)", "HER2 (sequential)"]},
    ),
    (
        {
            "brief_title": "CD19/BCMA CAR-T cells in lupus",
            "brief_summary": "The product is a 1:1 mixture of CD19 CAR-T cells and BCMA CAR-T cells.",
        },
        {"constructs": ["BCMA (cocktail)", "CD19 (cocktail)"]},
    ),
    (
        "CD19 and BCMA CAR-T in lupus\n"
        "CD19 and BCMA CAR-T, first CD19 CAR-T on day 0, then BCMA CAR-T on day 3.",
        {"constructs": ["BCMA (sequential)", "CD19 (sequential)"]},
    ),
    # arms or keywords that part the antigens are laid together
    (
        {
            "brief_title": "CAR-T cells in leukemia",
            "brief_summary": "CAR-T cells targeting CD19/CD22/CD7 are given.",
            "keywords[0]": "CD19 CAR-T",
            "keywords[1]": "CD22 CAR-T",
            "keywords[2]": "CD7 CAR-T",
        },
        {"constructs": ["CD19 (selectable)", "CD22 (selectable)", "CD7 (selectable)"]},
    ),
    # a general sentence on CAR-T, or on other cells, tells where the study's come from
    (TITLE + "\nPatients in the absence of a suitable donor are enrolled.", {"cell_source": []}),
    # the source is read against a word beside it
    (
        "XQ-11 in healthy volunteers\n"
        "XQ-11 is an in vivo CAR-T product: nanoparticles with the mRNA of a CD19 CAR.",
        {"cell_source": ["in_vivo"]},
    ),
    ("自体CD19 CAR-T治疗淋巴瘤", {"cell_source": ["autologous"]}),
    # the carrier is taken from the disease, from a general word, or not from a name
    ("CD7 CAR-T in Natural Killer/T Cell Malignancies", {"cell_type": ["T"]}),
    ("OL-CD19-GDT, a CAR-T cell therapy", {"cell_type": ["gamma_delta_T"]}),
    # a switch or a name that stands plainly is missed
    ("huCART-meso cells in cancer", {"products": ["huCART-meso"]}),
    ("CART-19 cells", {"products": ["CART-19"]}),
    # care, review or a drug beside CAR-T reads as a trial of the cells
    (
        {
            "brief_title": "NT-77 after axicabtagene ciloleucel",
            NAME: "NT-77",
            OTHER: "Commercial anti-CD19 CAR-T cells",
        },
        {"car_trial": "related"},
    ),
    # an antigen of another drug is a target
    (
        "CD19-directed CAR-T cells, then glofitamab: dual targeting of CD19 and CD20",
        {"targets": ["CD19"]},
    ),
    # an antigen that no lexicon knows is lost where little supports it
    ("CAR-T cells targeting XYZ1", {"targets": ["XYZ1"]}),
    # the code of a product is a target that no lexicon knows
    ("LCAR-QMDR CAR-T cells in AML", {"stated targets": []}),
    # an antigen behind another gene in a name is lost
    ("C7R-GD2.CART cells in glioma", {"targets": ["GD2"]}),
    # the source is read against a word beside it
    ("Allogeneic, 3rd party CD19-specific CAR T cells", {"cell_source": ["off_the_shelf"]}),
    ("CD7 CAR-T cells\nCell source. Autologous: No; Allogeneic: Yes", {"cell_source": ["donor_derived"]}),
    # an assay that chooses the product
    (
        "Dual-targeting CAR-NK cells for glioma\nParticipants will undergo tumor antigen profiling for "
        "EGFR, GD2, and B7-H3. Based on this, the best construct is given.",
        {"constructs": ["B7-H3 (selectable)", "EGFR (selectable)", "GD2 (selectable)"]},
    ),
    # products that share a target are laid together
    (
        "Anti-CD33 or anti-CD33/CLL1 CAR-T cells in AML",
        {"constructs": ["CD33 (selectable)", "CD33+CLL1 (bispecific)"]},
    ),
    (
        "Dual CAR-NK cells (DLL3/CD56, DLL3/GD2 and CD56/GD2) in lung cancer",
        {"constructs": ["CD56+DLL3 (bispecific)", "CD56+GD2 (bispecific)", "DLL3+GD2 (bispecific)"]},
    ),
    (
        {
            "brief_title": "Dual CAR-NK cells in ovarian cancer",
            "arms[0].description": "CAR-NK cells targeting MSLN and GPC3.",
            "arms[1].description": "CAR-NK cells targeting MSLN and HER2.",
            "arms[2].description": "CAR-NK cells targeting GPC3 and HER2.",
        },
        {"constructs": ["GPC3+HER2 (bispecific)", "GPC3+MSLN (bispecific)", "HER2+MSLN (bispecific)"]},
    ),
    # a short name beside a sure antigen is one, as in the same coordination
    ("CAR T cells targeting HER2 and FAP in solid tumors", {"targets": ["FAP", "HER2"]}),
    ("HER2/FAP bispecific CAR-T for gastric cancer", {"targets": ["FAP", "HER2"]}),
    ("CAR-T cells targeting EGFR and MET", {"targets": ["EGFR", "c-Met"]}),
    ("IL13Ra2 CAR-T cells secreting a PD-L1 antibody in glioma", {"targets": ["IL13Ra2"]}),
    # a drug that binds the antigen of the CAR as well
    ("CD19 CAR-T in patients previously given blinatumomab", {"targets": ["CD19"]}),
    ("CD19 CAR-T cells after prior blinatumomab", {"targets": ["CD19"]}),
    ("Blinatumomab in CD19 positive leukemia", {"targets": []}),
    # what goes on from the name of a CAR is spelled by it
    ("4SCAR33/123 cells in leukemia", {"targets": ["CD123", "CD33"]}),
    # the disease marker is all that is told of the binder
    ("CAR-T cells for CD30 positive lymphoma", {"targets": ["CD30"]}),
    ("Dual targeting of BCMA and GPRC5D with cilta-cel followed by talquetamab", {"targets": ["BCMA"]}),
    # the generation of a vector or drug
    (TITLE + "\nT cells are transduced with a third-generation lentiviral vector.", {"generation": []}),
    (TITLE + "\nThe lymphoma came back after second generation TKIs.", {"generation": []}),
    (
        TITLE + "\nT cells are transduced with a lentiviral vector of the third generation.",
        {"generation": []},
    ),
    (TITLE + "\n采用第三代慢病毒载体转导T细胞。", {"generation": []}),
    (TITLE + "\n使用第三代CAR结构。", {"generation": [3]}),
    (TITLE + "\nA third-generation CAR is used.", {"generation": [3]}),
    ("A CD19 CAR of the third generation in a lentiviral vector", {"generation": [3]}),
    ("The CD19 CAR is third generation, lentiviral vector based.", {"generation": [3]}),
    # T cells that are "infected", in Chinese, are transduced
    ("采用逆转录病毒感染T细胞制备的CD19 CAR-T治疗淋巴瘤", {"vector": ["retroviral"]}),
    # in Chinese: an earlier CAR, what a study of CAR cells is about, whose cells
    ("GPRC5D CAR-T治疗BCMA CAR-T治疗后进展的多发性骨髓瘤", {"targets": ["GPRC5D"]}),
    ("化疗失败后CD19 CAR-T治疗淋巴瘤", {"car_trial": "product", "targets": ["CD19"]}),
    ("CD19 CAR-T治疗狼疮\nT细胞取自患者本人，转导后回输。", {"cell_source": ["autologous"]}),
    # a drug beside the cells arms them, an armed cell is not seen
    ("Anti-CTLA-4 armored anti-GPC3 CAR-T cells", {"armoring": ["secreted CTLA-4 antibody"]}),
]


@pytest.mark.parametrize("sections", ROLES)
def test_role(nlp: Language, sections: Sections) -> None:
    found, wanted = roles(nlp, sections)
    assert found == wanted


@pytest.mark.parametrize(("sections", "wanted"), VALUES)
def test_value(nlp: Language, sections: Sections, wanted: dict[str, Any]) -> None:
    assert result(nlp, sections, wanted) == wanted
