"""Evidence: every place is listed or counted, constructs have words, the registry's field is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from cart_nlp.assembly import MAX_EVIDENCE
from cart_nlp.pipeline import tag_trial
from cart_nlp.schema import Evidence, Record, Trial
from cart_nlp.writers.flat import evidence_parts


def of(record: Record, field: str, value: str = "") -> list[Evidence]:
    return [e for e in record.evidence if e.field == field and value in ("", e.value)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=9).filter(any))
def test_places_that_are_not_listed_are_counted(nlp: Language, times: list[int]) -> None:
    sections = {f"arms[{n}].description": "CD19 CAR-T cells are infused. " * k for n, k in enumerate(times)}
    record = tag_trial(nlp, Trial(id="NCT1", sections=sections))
    for field, value in (("targets", "CD19"), ("car_trial", "product"), ("cell_type", "T")):
        found = of(record, field, value)
        assert len(found) + sum(e.more for e in found) == sum(times)
        assert len(found) <= MAX_EVIDENCE
        assert all(e.more == 0 for e in found[1:])
    assert len(of(record, "targets")) == min(MAX_EVIDENCE, sum(k > 0 for k in times))


def test_a_flat_table_says_how_many_more_there_are(nlp: Language) -> None:
    sections = {f"arms[{n}].description": "CD19 CAR-T cells. CD19 CAR-T cells." for n in range(4)}
    record = tag_trial(nlp, Trial(id="NCT1", sections=sections))
    (part,) = (p for p in evidence_parts(record.to_json()["evidence"]) if p.startswith("targets"))
    assert part == "targets=CD19 [arms[0].description 0-4: CD19] +7"


def test_a_count_of_none_is_not_written(nlp: Language) -> None:
    record = tag_trial(nlp, Trial(id="NCT1", sections={"brief_title": "CD19 CAR-T cells"}))
    assert all("more" not in e for e in record.to_json()["evidence"])


@pytest.mark.parametrize(
    ("title", "value", "basis", "words", "rule"),
    [
        ("CD19 CAR-T cells", "CD19 (single)", "text", "CD19", "formats.toml#"),
        ("CD19/CD22 tandem CAR-T cells", "CD19+CD22 (tandem)", "text", "tandem", "formats.toml#"),
        ("CD19/CD20 CAR-T cells", "CD19+CD20 (bispecific)", "default", "", "formats."),
        ("Brexu-cel in leukemia", "CD19 (single)", "product", "Brexu-cel", "products.csv:"),
    ],
)
def test_a_construct_has_the_words_or_the_rule_of_its_format(
    nlp: Language, title: str, value: str, basis: str, words: str, rule: str
) -> None:
    record = tag_trial(nlp, Trial(id="NCT1", sections={"brief_title": title}))
    (said,) = of(record, "constructs")
    assert (said.value, said.basis, said.text) == (value, basis, words)
    assert said.rule.startswith(rule)
    assert record.constructs[0].basis == basis
    if words:
        assert title[said.start : said.end] == words


def test_what_the_registered_type_of_a_study_decides_names_the_field(nlp: Language) -> None:
    sections = {"brief_title": "People with lymphoma who were given CD19 CAR-T cells before"}
    trial = Trial(id="NCT1", sections=sections, study_type="OBSERVATIONAL")
    record = tag_trial(nlp, trial)
    assert record.focus == "biomarker_or_observational"
    (said,) = of(record, "focus")
    assert (said.basis, said.section, said.text) == ("registry", "study_type", "OBSERVATIONAL")
    assert said.start == said.end == 0
    assert "focus=biomarker_or_observational [registry: study_type OBSERVATIONAL]" in evidence_parts(
        record.to_json()["evidence"]
    )


def test_the_words_of_a_focus_come_before_the_registered_type(nlp: Language) -> None:
    title = "Long-term follow-up of people who were given CD19 CAR-T cells"
    trial = Trial(id="NCT1", sections={"brief_title": title}, study_type="OBSERVATIONAL")
    (said,) = of(tag_trial(nlp, trial), "focus")
    assert (said.basis, said.text, said.more) == ("text", "Long-term follow-up", 0)
