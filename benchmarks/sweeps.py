"""How many titles made of patterns are read right: names joined in every way, and products side by side.

    python benchmarks/sweeps.py

The patterns were written with the tool at hand, so the counts tell where it has holes, not how good it is.
"""

import itertools
from collections import Counter
from collections.abc import Iterator

from cart_nlp.pipeline import load, tag_trial
from cart_nlp.schema import Trial

SUMMARY = "This study evaluates chimeric antigen receptor T cells in patients."
ANTIGENS = (
    "BCMA", "CD19", "GPRC5D", "MSLN", "PSMA", "HER2", "GPC3", "CLDN18.2", "B7-H3", "GD2", "EGFRvIII",
    "IL13Ra2", "MUC1", "CLL1", "CD7", "ROR1", "EpCAM", "CEA", "FAP", "DLL3", "CD33", "TROP2", "5T4",
    "CD123", "FLT3", "CD38", "LGR5", "AFP",
)  # fmt: skip
JOINTS = (
    "/", "-", "+", " x ", "x", "×", " × ", "&", " & ", " and ", "*", "|", "·", "_", ":", ".", "、", "和",
    "與", "/anti-", " plus ", "∩", "−", "＋", "／", ";", " then ", " or ",
)  # fmt: skip
TITLES = (
    "{} CAR-T cells for cancer", "Anti-{} CAR-T", "{}-CAR-T cells", "{} CART", "{}CART", "{} dual CAR T",
    "{}-targeted CAR T cells", "{} chimeric antigen receptor T cells", "CAR-T targeting {}", "{}双靶点CAR-T",
)  # fmt: skip
PRODUCTS = {
    "sequential": ("{a} CAR-T followed by {b} CAR-T", "{a} CAR-T on day 0 and {b} CAR-T on day 14",
                   "Sequential infusion of {a} and {b} CAR T cells"),
    "cocktail": ("Cocktail of {a} and {b} CAR-T cells", "{a} CAR-T and {b} CAR-T given on the same day"),
    "selectable": ("{a} CAR-T versus {b} CAR-T", "Arm A {a} CAR-T, Arm B {b} CAR-T"),
    "bicistronic": ("{a}/{b} CAR-T: two CARs on each cell", "Bicistronic {a}/{b} CAR-T"),
    "tandem": ("Single-chain bispecific CAR T cells of {a} and {b}", "Tandem {a}/{b} CAR-T"),
    "bispecific": ("{a}/{b} bispecific CAR-T", "{a}x{b} CAR-T"),
}  # fmt: skip


def pairs(step: int) -> Iterator[tuple[str, str]]:
    """Twelve pairs of antigens, others for each step."""
    for number in range(12):
        left = (5 * number + step) % len(ANTIGENS)
        yield ANTIGENS[left], ANTIGENS[(left + 3 + number + step % 7) % len(ANTIGENS)]


def main() -> None:
    """Tag every title and print what is wrong."""
    nlp = load()
    wrong: Counter[str] = Counter()
    tried = 0
    for step, (title, joint) in enumerate(itertools.product(TITLES, JOINTS)):
        for left, right in pairs(step):
            if left == right:
                continue
            sections = {"brief_title": title.replace("{}", left + joint + right), "brief_summary": SUMMARY}
            tried += 1
            wrong[joint] += {*tag_trial(nlp, Trial(id="t", sections=sections)).targets} != {left, right}
    print(f"targets of two names joined: {wrong.total()} of {tried} titles wrong; {wrong.most_common(8)}")
    tried, missed = 0, Counter[str]()
    for (form, patterns), where in itertools.product(PRODUCTS.items(), ("brief_title", "brief_summary")):
        for step, pattern in enumerate(patterns):
            for left, right in pairs(step):
                text = pattern.replace("{a}", left).replace("{b}", right) + " for relapsed cancer"
                sections = {"brief_title": "CAR-T cells in relapsed cancer", where: text}
                record = tag_trial(nlp, Trial(id="t", sections=sections))
                tried += 1
                missed[form] += {c.format for c in record.constructs} != {form} or len(record.targets) != 2
    print(f"formats of two targets: {missed.total()} of {tried} texts wrong; {missed.most_common()}")


if __name__ == "__main__":
    main()
