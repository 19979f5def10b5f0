"""The tree of diseases: ancestors, groups, systems, ids; and that a broken tree is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_nlp import lexicon
from cart_nlp.lexicon import LexiconError
from cart_nlp.ontology import Ontology, shipped

HEADER = "name,group,parent,also,aliases,source\n"
ONTOLOGY = shipped()
CONCEPTS = sorted(ONTOLOGY.below)


def tree(folder: Path, rows: str) -> Ontology:
    """The ontology of a folder's own rows."""
    (folder / "diseases.csv").write_text(HEADER + rows, "utf-8")
    return Ontology(lexicon.load(folder, shipped=False))


def test_the_path_leads_from_the_root_to_the_concept() -> None:
    assert ONTOLOGY.path("mantle cell lymphoma") == (
        "hematological disease",
        "hematological malignancy",
        "lymphoid malignancy",
        "lymphoma",
        "non-Hodgkin lymphoma",
        "B-cell non-Hodgkin lymphoma",
        "mantle cell lymphoma",
    )
    assert ONTOLOGY.parent("mantle cell lymphoma") == "B-cell non-Hodgkin lymphoma"
    assert ONTOLOGY.parent("hematological disease") is None


@pytest.mark.parametrize(
    ("concept", "ancestor", "told"),
    [
        ("diffuse large B-cell lymphoma", "lymphoma", True),
        ("diffuse large B-cell lymphoma", "B-cell malignancy", True),
        ("diffuse large B-cell lymphoma", "diffuse large B-cell lymphoma", True),
        ("diffuse large B-cell lymphoma", "leukemia", False),
        ("lymphoma", "diffuse large B-cell lymphoma", False),
        ("lupus nephritis", "systemic lupus erythematosus", True),
        ("lupus nephritis", "autoimmune kidney disease", True),
        ("multiple myeloma", "myeloid malignancy", False),
        ("chordoma", "chondrosarcoma", False),
        ("beta-thalassemia", "sickle cell disease", False),
        ("pheochromocytoma", "adrenocortical carcinoma", False),
        ("hepatocellular carcinoma", "cancer", True),
    ],
)
def test_a_trial_counts_for_every_concept_above_its_own(concept: str, ancestor: str, told: bool) -> None:
    assert ONTOLOGY.rolls_up_to(concept, ancestor) is told
    assert (concept in ONTOLOGY.below[ancestor]) is told


@pytest.mark.parametrize(
    ("concept", "group", "system"),
    [
        ("EBV-positive lymphoma", "hematological", "lymphoid"),
        ("plasma cell neoplasm", "hematological", "plasma cell"),
        ("multiple myeloma", "hematological", "plasma cell"),
        ("acute myeloid leukemia", "hematological", "myeloid"),
        ("aplastic anemia", "other", ""),
        ("immune thrombocytopenia", "autoimmune", "blood"),
        ("autoimmune hemolytic anemia", "autoimmune", "blood"),
        ("solid tumor", "solid", ""),
        ("pancreatic ductal adenocarcinoma", "solid", "digestive"),
        ("myasthenia gravis", "autoimmune", "nervous system"),
        ("cancer", "", ""),
        ("no such disease", "", ""),
    ],
)
def test_group_and_organ_system(concept: str, group: str, system: str) -> None:
    assert (ONTOLOGY.group(concept), ONTOLOGY.organ_system(concept)) == (group, system)


def test_ids_are_written_with_their_ontology() -> None:
    assert ONTOLOGY.ids("multiple myeloma") == ("DOID:9538", "NCIT:C3242", "ONCOTREE:PCM")
    assert ONTOLOGY.ids("no such disease") == ()


def test_nineteen_of_twenty_concepts_have_an_id() -> None:
    assert sum(bool(ONTOLOGY.ids(c)) for c in CONCEPTS) / len(CONCEPTS) >= 0.95


def test_the_most_specific_stay() -> None:
    given_ = ["lymphoma", "cancer", "follicular lymphoma", "B-cell malignancy", "melanoma", "melanoma"]
    assert ONTOLOGY.most_specific(given_) == ("follicular lymphoma", "melanoma")
    assert ONTOLOGY.most_specific(["of an older table", "lymphoma"]) == ("lymphoma", "of an older table")


@given(st.lists(st.sampled_from(CONCEPTS), max_size=6))
def test_nothing_is_lost_by_keeping_the_most_specific(concepts: list[str]) -> None:
    kept = ONTOLOGY.most_specific(concepts)
    assert all(any(ONTOLOGY.rolls_up_to(k, c) for k in kept) for c in concepts)
    assert set(kept) <= set(concepts)
    assert ONTOLOGY.most_specific(kept) == kept


@given(st.sampled_from(CONCEPTS))
def test_a_path_keeps_one_group(concept: str) -> None:
    groups = {ONTOLOGY.group(step) for step in ONTOLOGY.path(concept)} - {""}
    assert len(groups) <= 1
    assert concept not in ONTOLOGY.ancestors(concept)


def test_a_users_row_takes_its_place_in_the_tree(tmp_path: Path) -> None:
    rows = "node fever,hematological,lymphoma,,nodal fever,me\n"
    (tmp_path / "diseases.csv").write_text(HEADER + rows, "utf-8")
    ontology = Ontology(lexicon.load(tmp_path))
    assert ontology.rolls_up_to("node fever", "hematological malignancy")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            "a one,solid,b two,,,me\nb two,solid,a one,,,me\n",
            "diseases.csv:2: a one → b two → a one is a circle",
        ),
        ("a one,solid,,a one,,me\n", "diseases.csv:2: a one → a one is a circle"),
        ("a one,solid,c three,,,me\n", "diseases.csv:2: 'c three' above 'a one' is no disease"),
    ],
)
def test_a_broken_tree_is_told_with_its_row(tmp_path: Path, rows: str, told: str) -> None:
    with pytest.raises(LexiconError, match=told):
        tree(tmp_path, rows)
