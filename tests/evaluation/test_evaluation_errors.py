"""The list of errors with its guesses, and the groups of trials."""

from __future__ import annotations

import pytest
from test_evaluation_metrics import record

from cart_nlp.evaluation import breakdown, errors, groups
from cart_nlp.evaluation.gold import GoldRecord
from cart_nlp.evaluation.matching import match
from cart_nlp.schema import Construct, Evidence, Trial


def labeled(text="", section="brief_summary", car="product", trial=None, **labels):
    """A gold record with one section of text."""
    made = trial or Trial(id="T1", sections={section: text} if text else {})
    return GoldRecord(made.id, made, {"car_trial": car, **labels})


def found(gold, **fields):
    """The errors of a record against the gold, as (field, error, value, kind)."""
    made = record(**fields)
    rows = errors.find([gold], {"T1": made}, [match(gold, made)])
    return [(e["field"], e["error"], e["value"], e["kind"]) for e in rows]


def at(text, word, field="targets", section="brief_summary", basis="text"):
    """Evidence of a word where it stands in the text."""
    start = text.index(word)
    return Evidence(
        field=field,
        value=word,
        basis=basis,
        section=section,
        start=start,
        end=start + len(word),
        text=word,
        rule="r",
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No prior CD20 CAR-T is allowed.", "prior therapy, it seems"),
        ("Patients with CD20 positive lymphoma.", "disease marker, it seems"),
        ("Responses to CD20 CAR-T have been high.", "background, it seems"),
        ("The cells bind CD20.", "over-reading"),
    ],
)
def test_kind_of_a_wrong_target_is_read_from_the_words_around_it(text, kind):
    gold = labeled(text, targets=[])
    assert found(gold, targets=("CD20",), evidence=(at(text, "CD20"),)) == [
        ("targets", "wrong", "CD20", kind)
    ]


def test_eligibility_only():
    text = "Adults. CD20."
    gold = labeled(text, section="eligibility")
    rows = found(gold, targets=("CD20",), evidence=(at(text, "CD20", section="eligibility"),))
    assert rows == [("targets", "wrong", "CD20", "eligibility only")]


def test_disease_markers_are_guessed_of_targets_only():
    text = "expressing IL-15"
    rows = found(labeled(text), armoring=("IL-15",), evidence=(at(text, "IL-15", field="armoring"),))
    assert rows == [("armoring", "wrong", "IL-15", "over-reading")]


@pytest.mark.parametrize(
    ("gold", "fields", "expected"),
    [
        (
            labeled(targets=["FRa"]),
            {"targets": ("FRA",)},
            [("targets", "missed", "FRa", "canonical name"), ("targets", "wrong", "FRA", "canonical name")],
        ),
        (
            labeled(edits=["PD-1"]),
            {"armoring": ("PD-1",)},
            [
                ("armoring", "wrong", "PD-1", "belongs to edits"),
                ("edits", "missed", "PD-1", "not under this name: synonym or implied"),
            ],
        ),
        (
            labeled("one in the text: cord blood", cell_source=["cord_blood"]),
            {},
            [("cell_source", "missed", "cord_blood", "in the text, not taken")],
        ),
        (
            labeled(product_targets=["CD19"]),
            {"targets": ("CD19",)},
            [("targets", "wrong", "CD19", "product knowledge taken for stated")],
        ),
        (
            labeled(vector=["lnp"]),
            {"car": "no"},
            [("car_trial", "wrong", "no", "screening"), ("vector", "missed", "lnp", "screening")],
        ),
        (labeled(car="related"), {}, [("car_trial", "wrong", "product", "level")]),
        (
            labeled(car="no"),
            {"vector": ("lnp",)},
            [("car_trial", "wrong", "product", "screening"), ("vector", "wrong", "lnp", "screening")],
        ),
        (labeled(focus="other"), {"focus": "treatment"}, [("focus", "wrong", "treatment", "focus")]),
    ],
)
def test_other_kinds(gold, fields, expected):
    assert found(gold, **fields) == expected


@pytest.mark.parametrize(
    ("predicted", "kind"),
    [
        (Construct(targets=("CD19", "CD22"), format="tandem"), "format"),
        (Construct(targets=("CD19",), format="single"), "grouping"),
    ],
)
def test_kinds_of_construct_errors(predicted, kind):
    targets = ("CD19", "CD22")
    gold = labeled(targets=list(targets), constructs=[{"targets": list(targets), "format": "bispecific"}])
    rows = found(gold, targets=targets, constructs=(predicted,))
    assert {row[3] for row in rows} == {kind}
    assert ("constructs", "missed", "CD19+CD22 (bispecific)", kind) in rows


def test_construct_errors_that_follow_from_targets():
    gold = labeled(targets=["CD19"], constructs=[{"targets": ["CD19"], "format": "single"}])
    rows = found(gold, targets=("CD20",), constructs=(Construct(targets=("CD20",), format="single"),))
    assert {row[3] for row in rows if row[0] == "constructs"} == {"follows from targets"}


def test_errors_as_text_are_grouped_and_counted():
    text = "prior CD20 CAR-T"
    gold = labeled(text, targets=["CD19"], target_evidence=["CD19 CAR"], note="see title")
    made = record(targets=("CD20",), evidence=(at(text, "CD20"),))
    lines = list(breakdown.errors(errors.find([gold], {"T1": made}, [match(gold, made)])))
    assert lines == [
        "",
        "targets: not under this name: synonym or implied (1)",
        "  T1  missed CD19; gold: CD19",
        "      gold saw 'CD19 CAR'",
        "      note: see title",
        "",
        "targets: prior therapy, it seems (1)",
        "  T1  wrong CD20; gold: CD19",
        "      from brief_summary[6:10] 'CD20', rule r",
        "      gold saw 'CD19 CAR'",
        "      note: see title",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("CD19 CAR-T", "English"),
        ("抗CD19嵌合抗原受体T细胞治疗淋巴瘤", "Chinese"),
        ("CAR-T for lymphoma patients 淋巴瘤患者", "bilingual"),
    ],
)
def test_language(text, language):
    assert groups.language(labeled(text)) == language


@pytest.mark.parametrize(
    ("dates", "span"),
    [
        ({"first_posted": "2021-03", "start_date": "2014"}, "2020–2024"),
        ({"start_date": "May 2014"}, "2010–2014"),
        ({}, "unknown"),
    ],
)
def test_year(dates, span):
    assert groups.year(labeled(trial=Trial(id="T1", **dates))) == span


def test_a_trial_of_two_disease_groups_counts_in_both():
    gold = labeled(disease_group=["solid", "hematological"], targets=["CD19"])
    plain = GoldRecord("T2", Trial(id="T2"), {"car_trial": "no"})
    result = {}
    matches = [match(gold, record(targets=("CD19",))), match(plain, record("T2", car="no"))]
    groups.add_groups(result, [gold, plain], matches)
    assert list(result["groups"]) == ["disease group"]
    rows = result["groups"]["disease group"]
    assert sorted(rows) == ["hematological", "none labeled", "solid"]
    assert rows["solid"]["targets"]["exact"] == 1.0
    assert rows["none labeled"]["targets"]["exact"] is None
    assert any(line.startswith("disease group: solid") for line in breakdown.groups(result["groups"]))
