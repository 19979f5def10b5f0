"""Kinds of faults that real records showed, each in words of our own with the value that is right.

What is still wrong stands in test_known_misses.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from own_texts import Sections, result
from spacy.language import Language

from cart_nlp import registries
from cart_nlp.pipeline import tag_trial
from cart_nlp.registries.entry import Entry

NAMES = ("interventions[0].name", "interventions[1].name")


def beside(title: str, *names: str) -> dict[str, str]:
    """A trial that lists its interventions."""
    return {"brief_title": title, **dict(zip(NAMES, names, strict=True))}


TABLE: list[tuple[Sections, dict[str, Any]]] = [
    # CAR is the short form of a drug or of a regimen.
    ("Phase I trial of cyclophosphamide, alvocidib and rituximab (CAR) in leukemia", {"car_trial": "no"}),
    ("Carfilzomib, lenalidomide and rituximab (CAR) in lymphoma", {"car_trial": "no"}),
    ("Carfilzomib (CAR) + elotuzumab (ELO) in myeloma", {"car_trial": "no", "targets": []}),
    # Antigens of the disease and of other drugs.
    ("Anti-CD22 CAR-T therapy for CD19-refractory lymphoma patients", {"targets": ["CD22"]}),
    (
        beside("CD19 CAR-T cells in lymphoma", "CD19 CAR-T cells", "Rituximab (anti-CD20)"),
        {"targets": ["CD19"]},
    ),
    (beside("BCMA CAR-T cells in myeloma", "BCMA CAR-T", "Daratumumab (anti-CD38)"), {"targets": ["BCMA"]}),
    (
        beside("CD19 CAR-T in B-ALL", "CD19 CAR-T", "Inotuzumab ozogamicin (anti-CD22)"),
        {"targets": ["CD19"]},
    ),
    (
        beside("MSLN CAR-T cells in mesothelioma", "MSLN CAR-T", "atezolizumab (anti-PD-L1)"),
        {"targets": ["MSLN"]},
    ),
    (
        beside("GPRC5D CAR-T in myeloma", "GPRC5D CAR-T", "Teclistamab (anti-BCMA/CD3)"),
        {"targets": ["GPRC5D"]},
    ),
    # What arms the cells, and what does not.
    (
        "CD30.CAR-CCR4 T cells in Hodgkin lymphoma",
        {"targets": ["CD30"], "armoring": ["CCR4"]},
    ),
    (
        "CD19 CAR-T cells\nThe CAR-T cells secreted IFN-gamma and IL-2 on contact with target cells.",
        {"armoring": []},
    ),
    ("GD2 CAR-T cells plus aldesleukin (IL-2) injections", {"armoring": []}),
    ("CD19 CAR-T cells\nT cells are transduced and expanded ex vivo in IL-7 and IL-15.", {"armoring": []}),
    (
        "GPC3 CAR-T cells that secrete PD-L1 and LAG-3 nanobodies",
        {"targets": ["GPC3"], "armoring": ["secreted LAG3 antibody", "secreted PD-L1 antibody"]},
    ),
    (
        "MSLN CAR-T cells secreting PD1/LAG-3 nanobodies",
        {"targets": ["MSLN"], "armoring": ["secreted LAG3 antibody", "secreted PD-1 antibody"]},
    ),
    (
        "MUC1 CAR-T cells secreting PD-1 blocking scFv",
        {"targets": ["MUC1"], "armoring": ["secreted PD-1 antibody"]},
    ),
    ("Anti-CTLA-4 armored anti-GPC3 CAR-T cells", {"targets": ["GPC3"]}),
    # Where the cells come from.
    ("CD7 CAR-T cells from an HLA-mismatched transplant donor", {"cell_source": ["donor_derived"]}),
    ("自体CD19 CAR-T治疗淋巴瘤", {"cell_type": ["T"], "targets": ["CD19"]}),
    (
        "供体来源CD7 CAR-T治疗T细胞白血病",
        {"cell_source": ["donor_derived"], "cell_type": ["T"], "targets": ["CD7"]},
    ),
    (
        "通用型CD7嵌合抗原受体T细胞治疗白血病",
        {"cell_source": ["off_the_shelf"], "cell_type": ["T"], "targets": ["CD7"]},
    ),
    # Costimulation, spelled or inside a name.
    (
        "CAR-T cells for myeloma\n"
        "The CAR has the intracellular signaling domain of cluster of differentiation 27 (CD27).",
        {"costim": ["CD27"], "targets": []},
    ),
    ("M971BBz CAR-T cells in leukemia", {"costim": ["4-1BB"]}),
    ("GPC3-DAP10-CAR T cells in liver cancer", {"costim": ["DAP10"], "targets": ["GPC3"]}),
    (
        "CD19 CAR-T cells with CD28/4-1BB domains",
        {"costim": ["4-1BB", "CD28"], "targets": ["CD19"]},
    ),
    # Products that belong together.
    (
        "CD19 CAR-T and CD22 CAR-T given in sequence for B-ALL",
        {"constructs": ["CD19 (sequential)", "CD22 (sequential)"]},
    ),
    (
        "CAR-T cells in B-ALL\nCD22 CAR-T cells are infused 28 to 42 days after the CD19 CAR-T cells.",
        {"constructs": ["CD19 (sequential)", "CD22 (sequential)"]},
    ),
    ("DuoCAR20.19.22 T cells in lymphoma", {"constructs": ["CD19+CD20+CD22 (bispecific)"]}),
    (
        "Combination transfer of αBCMA-TCRz-41BB and αCD38-TCRz-41BB CAR-T cells in myeloma",
        {"constructs": ["BCMA (cocktail)", "CD38 (cocktail)"]},
    ),
    # Genes in a row, and a switch that is none.
    ("CD19 CAR-T cells with TRAC and B2M knockout", {"edits": ["B2M", "TRAC"]}),
    ("CD70 CAR-T cells with TRAC/B2M/PD-1 triple knockout", {"edits": ["B2M", "PD-1", "TRAC"]}),
    ("CD19 CAR-T cells\nSafety switch: none.", {"safety_switch": []}),
    # Targets and CARs inside names.
    ("HER2 CAR-T cells resistant to TGF-beta", {"targets": ["HER2"]}),
    ("CART-HER2-MSLN cells in ovarian cancer", {"car_trial": "product", "targets": ["HER2", "MSLN"]}),
    ("CD38\\GPRC5D CAR-T cells in myeloma", {"targets": ["CD38", "GPRC5D"]}),
    # Diseases.
    ("CAR-T cells in EBV-positive lymphoma", {"disease_group": ["hematological"]}),
    ({"brief_title": "CAR-T cells", "conditions[0]": "Solid Malignant Tumors"}, {"disease_group": ["solid"]}),
    (
        {"brief_title": "CAR-T cells", "conditions[0]": "Plasma cell neoplasm"},
        {"disease_group": ["hematological"]},
    ),
    # Help for those who got the cells.
    ("Web app for CAR-T recipients", {"car_trial": "related"}),
    ("Educational video for patients receiving CAR-T therapy", {"car_trial": "related"}),
    ("Nurse-led program for CAR-T recipients", {"car_trial": "related"}),
    # A plain sentence says what the product is, or nothing does.
    (
        "ABC-101 in lupus\nABC-101 (autologous CAR T cells targeting CD19) is given once.",
        {"car_trial": "product", "targets": ["CD19"]},
    ),
    (
        "XY injection in myeloma\nThe injection consists of BCMA CAR-T cells of the patient.",
        {"car_trial": "product", "targets": ["BCMA"]},
    ),
    (
        "A study in large B-cell lymphoma\n"
        "Participants receive axicabtagene ciloleucel after lymphodepletion.",
        {"car_trial": "product", "products": ["axicabtagene ciloleucel"]},
    ),
    ("EDO-S101 in relapsed lymphoma", {"car_trial": "no"}),
]


def name(row: Any) -> str | None:
    if isinstance(row, str):
        return row
    return " ".join(row.values()) if "brief_title" in row else ""


@pytest.mark.parametrize(("sections", "wanted"), TABLE, ids=name)
def test_fault_is_mended(nlp: Language, sections: Sections, wanted: dict[str, Any]) -> None:
    assert result(nlp, sections, wanted) == wanted


def test_greek_letters_that_were_encoded_twice_are_read(nlp: Language, tmp_path: Path) -> None:
    study = {"nctId": "NCT00000001", "briefTitle": "IL13RÎ±2 CAR-T cells in glioma"}
    file = tmp_path / "studies.json"
    file.write_text(
        json.dumps([{"protocolSection": {"identificationModule": study}}], ensure_ascii=False), "utf-8"
    )
    (entry,) = (entry for entry in registries.read(file) if isinstance(entry, Entry))
    assert tag_trial(nlp, entry.trial()).targets == ("IL13Ra2",)
