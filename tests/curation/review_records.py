"""Records with confidences of their own, and the texts that they were made from, for tests of the review."""

from cart_nlp.schema import Construct, Evidence, Mention, Record, Trial

TITLE = "CD19/CD22 CAR-T cells after anti-CD20 antibody"


def trial(number=1):
    return Trial(
        id=f"NCT9{number:07}",
        sections={"brief_title": TITLE, "brief_summary": f"A summary 𝛂 of study {number}. " * 3},
    )


def record(number=1, confidence=None, **changes):
    start = TITLE.index("CD19")
    place = {"basis": "text", "section": "brief_title", "rule": "antigens.csv:3"}
    sure = {"car_trial": 0.99, "targets": 0.9, "constructs": 0.7, "cell_type": 1.0, "focus": 0.98}
    given = {
        "trial_id": f"NCT9{number:07}",
        "title": TITLE,
        "url": "https://example.org/x",
        "car_trial": "product",
        "car_score": 0.95,
        "targets": ("CD19", "CD22"),
        "multi_target": True,
        "constructs": (Construct(targets=("CD19", "CD22"), format="bispecific", basis="default"),),
        "cell_type": ("T",),
        "focus": "treatment",
        "confidence": sure if confidence is None else confidence,
        "evidence": (
            Evidence(field="targets", value="CD19", start=start, end=start + 4, text="CD19", **place),
            Evidence(field="targets", value="CD22", start=start + 5, end=start + 9, text="CD22", **place),
            Evidence(field="cell_type", value="T", start=start + 14, end=start + 15, text="T", **place),
        ),
    }
    return Record(**{**given, **changes})


def mentions():
    start = TITLE.index("CD20")
    common = {"section": "brief_title", "label": "antigen"}
    first = TITLE.index("CD19")
    return (
        Mention(start=first, end=first + 4, text="CD19", concept="CD19", role="target", **common),
        Mention(start=start, end=start + 4, text="CD20", concept="CD20", role="coadministered", **common),
    )
