"""What every reader's finds go through on their way to a trial."""

from __future__ import annotations

from cart_nlp.registries.values.trials import built

SECTIONS = {"brief_title": "CD19 CAR-T cells"}


def test_values_are_normalized_and_what_the_registry_wrote_is_kept() -> None:
    trial = built(
        *("NCT00000001", "Test", "", SECTIONS),
        phase="Phase 1/Phase 2",
        status="Recruiting",
        start_date="March 2021",
        sponsor_class="Industry",
        collaborators=("A", "B"),
        collaborator_classes=("NIH", "?"),
        countries=("USA", "China", "USA"),
        raw={"status": "open", "start_date": "", "sponsor_affiliation": "Somewhere"},
    )
    assert (trial.phase, trial.status, trial.start_date) == ("PHASE1|PHASE2", "RECRUITING", "2021-03")
    assert (trial.sponsor, trial.sponsor_class, trial.collaborator_classes) == (None, "INDUSTRY", ("NIH", ""))
    assert trial.countries == ("China", "United States")
    assert trial.url == "https://clinicaltrials.gov/study/NCT00000001"
    assert trial.raw == {
        "phase": "Phase 1/Phase 2",
        "status": "open",
        "sponsor_class": "Industry",
        "sponsor_affiliation": "Somewhere",
    }


def test_every_reference_is_among_the_publications() -> None:
    cited = [("1", ""), ("2", "result"), ("1", "background"), ("", "result")]
    both = built("NCT00000001", "Test", "", SECTIONS, references=iter(cited))
    assert both.pmids == ("1", "2")
    assert [(each.pmid, each.type) for each in both.references] == [("1", "BACKGROUND"), ("2", "RESULT")]
    listed = built("NCT00000001", "Test", "", SECTIONS, references=cited, pmids=["3", "2"])
    assert listed.pmids == ("3", "2", "1")
    assert listed.references == both.references


def test_raw_values_that_are_all_given_keep_their_order() -> None:
    given = dict.fromkeys(("sponsor_class", "enrollment", "study_type", "phase", "start_date", "status"), "x")
    assert list(built("NCT00000001", "Test", "", SECTIONS, phase="Phase 1", raw=given).raw) == list(given)


def test_a_title_whose_lines_were_broken_is_one_line() -> None:
    from cart_nlp.registries.values import shapes

    found = shapes.sections(brief_title="CD22 chimeric\n     antigen  receptor", brief_summary="One.\n\nTwo.")
    assert found == {"brief_title": "CD22 chimeric antigen receptor", "brief_summary": "One.\n\nTwo."}
