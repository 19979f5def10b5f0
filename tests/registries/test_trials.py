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
        "countries": "USA; China",
    }


def test_every_reference_is_among_the_publications() -> None:
    cited = [("1", ""), ("2", "result"), ("1", "background"), ("", "result")]
    both = built("NCT00000001", "Test", "", SECTIONS, references=iter(cited))
    assert both.pmids == ("1", "2")
    assert [(each.pmid, each.type) for each in both.references] == [("1", "BACKGROUND"), ("2", "RESULT")]
    listed = built("NCT00000001", "Test", "", SECTIONS, references=cited, pmids=["3", "2"])
    assert listed.pmids == ("1", "2", "3")
    assert listed.references == both.references


def test_the_words_of_other_dates_and_countries_are_kept_where_they_are_changed() -> None:
    plain = built(
        *("NCT00000001", "Test", "", SECTIONS),
        completion_date="2021-03",
        first_posted="2020",
        countries=("China", "Japan"),
    )
    assert plain.raw == {}
    given = {"first_posted": "5 March 2021", "completion_date": "when the last has left"}
    own = dict.fromkeys(("phase", "status", "study_type", "start_date", "sponsor_class", "enrollment"), "")
    for raw in (None, own):
        trial = built("NCT00000001", "Test", "", SECTIONS, **given, countries=("Asia except Japan",), raw=raw)
        assert (trial.first_posted, trial.completion_date, trial.countries) == ("2021-03-05", None, ())
        assert trial.raw == {**given, "countries": "Asia except Japan"}


def test_lists_are_sorted_and_hold_nothing_twice() -> None:
    trial = built(
        *("NCT00000001", "Test", "", SECTIONS),
        secondary_ids=("Z-1", "A-1", "Z-1"),
        collaborators=("Z", "A", "Z"),
        collaborator_classes=("", "Other", "Industry"),
        pmids=("30", "2", "30"),
    )
    assert (trial.secondary_ids, trial.pmids) == (("A-1", "Z-1"), ("2", "30"))
    assert (trial.collaborators, trial.collaborator_classes) == (("A", "Z"), ("OTHER", "INDUSTRY"))


def test_raw_values_that_are_all_given_keep_their_order() -> None:
    given = dict.fromkeys(("sponsor_class", "enrollment", "study_type", "phase", "start_date", "status"), "x")
    assert list(built("NCT00000001", "Test", "", SECTIONS, phase="Phase 1", raw=given).raw) == list(given)


def test_a_title_whose_lines_were_broken_is_one_line() -> None:
    from cart_nlp.registries.values import shapes

    found = shapes.sections(brief_title="CD22 chimeric\n     antigen  receptor", brief_summary="One.\n\nTwo.")
    assert found == {"brief_title": "CD22 chimeric antigen receptor", "brief_summary": "One.\n\nTwo."}
