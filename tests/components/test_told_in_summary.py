"""Target sets of trials whose title names no antigen: the summary tells the own one beside another's."""

import pytest

import cart_nlp

TITLES = ("CAR-T for B-ALL", "CAR T Cells in Refractory ALL")
ONE_OF_TWO = [
    "{own} CAR-T for patients who relapsed after {other} CAR-T.",
    "{own} CAR-T cells are given to those who failed {other} CAR-T.",
    "{own} CAR-T after failure of {other} CAR-T.",
    "{own} CAR-T, for children whose disease came back following {other} CAR-T.",
    "{own} CAR-T in disease refractory to {other} CAR-T.",
    "{own} CAR-T cells for people in whom {other} CAR-T did not last.",
    "{own} CAR-T where {other} CAR-T or antibodies to {other} no longer work.",
    "{own} CAR-T is tried in patients who did not respond to {other} CAR-T.",
    "{own} CAR-T cells when {other} CAR-T was not enough.",
    "{own} CAR-T is infused at three dose levels. Earlier {other} CAR-T is allowed.",
    "{own} CAR-T is infused at three dose levels. After {other} CAR-T many patients relapse.",
    "CAR T cells aimed at {own} are infused. Unlike {other}, {own} is kept at relapse.",
]
BOTH = [
    "{own} CAR-T cells are given first, {other} CAR-T cells a month later.",
    "{own} CAR-T is followed by {other} CAR-T.",
    "{own} CAR-T and {other} CAR-T are given together.",
    "T cells that carry one CAR against {own} and another against {other}.",
]


def _targets(title: str, summary: str) -> list[str]:
    return sorted(cart_nlp.tag({"id": "NCT00000001", "brief_title": title, "brief_summary": summary}).targets)


@pytest.mark.parametrize("text", ONE_OF_TWO)
def test_the_other_antigen_is_no_target(text: str) -> None:
    found = [
        _targets(title, text.format(own=own, other=other))
        for title in TITLES
        for own, other in (("CD22", "CD19"), ("CD19", "CD22"))
    ]
    assert found == [["CD22"], ["CD19"]] * len(TITLES)


@pytest.mark.parametrize("text", BOTH)
def test_two_by_plan_are_both_targets(text: str) -> None:
    found = [_targets(title, text.format(own="CD22", other="CD19")) for title in TITLES]
    assert found == [["CD19", "CD22"]] * len(TITLES)


@pytest.mark.parametrize(
    ("title", "summary", "own"),
    [
        ("Claudin18.2 CAR-T After Failure of Zolbetuximab", "", "CLDN18.2"),
        ("Claudin18.2 CAR-T After Failure of Zolbetuximab", "Earlier: Claudin18.2 antibodies.", "CLDN18.2"),
        ("CD30 CAR-T After Failure of Brentuximab Vedotin", "", "CD30"),
        ("BCMA CAR-T After Failure of BCMA-targeted ADC", "", "BCMA"),
        ("Second CD19 CAR-T After Failure of the First CD19 CAR-T", "", "CD19"),
        ("GD2 CAR-T in Neuroblastoma", "After failure of dinutuximab, patients get GD2 CAR-T.", "GD2"),
    ],
)
def test_the_antigen_of_what_failed_is_the_own_one_too(title: str, summary: str, own: str) -> None:
    """No figure tells of these: without the cues of `salvage` cross-validation is the same, and half fail."""
    assert _targets(title, summary) == [own]
