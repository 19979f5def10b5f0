"""Our screening and tagging beside what others would use: entity ruler, medspaCy and EDS-NLP, same terms.

All are given the same sample of the dump in the same process, one core. Each anchor is used in its quickest
way that finds the terms: it splits into tokens and looks terms up, and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from conftest import SHARE

WARM = 50
pytestmark = pytest.mark.filterwarnings("ignore")  # the anchors and what they import warn of their own future


def measured(benchmark: Any, row: str, texts: list[str], found: Callable[[str], int]) -> None:
    """Time the look-up of all texts, after some to warm up."""
    for text in texts[:WARM]:
        found(text)
    benchmark.extra_info |= {"row": row, "share": SHARE}
    benchmark.extra_info["matches"] = benchmark.pedantic(lambda: sum(map(found, texts)), rounds=2)
    assert benchmark.extra_info["matches"] > 1_000, "an anchor that finds nothing measures nothing"


def test_screening_and_tagging(benchmark: Any, sample: list[bytes]) -> None:
    from cart_nlp import lexicon
    from cart_nlp.pipeline import load, tag_trial
    from cart_nlp.registries.general.native import parse
    from cart_nlp.screening import Screen

    hits = Screen(lexicon.load()).hits

    def fresh() -> tuple[tuple[Any], dict[str, Any]]:
        nlp = load()
        tag_trial(nlp, parse({"id": "NCT00000001", "brief_title": "CD19 CAR-T cells in lymphoma"}))
        return (nlp,), {}

    def run(nlp: Any) -> int:
        return sum(bool(tag_trial(nlp, parse(orjson.loads(line))).targets) for line in sample if hits(line))

    benchmark.extra_info |= {"row": "sample", "share": SHARE, "trials": len(sample)}
    benchmark.extra_info["with_targets"] = benchmark.pedantic(run, setup=fresh, rounds=3)


def test_naive_entity_ruler(benchmark: Any, texts: list[str], terms: dict[str, list[str]]) -> None:
    """Tokenize everything with spaCy's English tokenizer, then an entity ruler with our terms."""
    import spacy

    naive = spacy.blank("en")
    ruler = naive.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": label, "pattern": text} for label in terms for text in terms[label]])
    measured(benchmark, "naive", texts, lambda text: len(naive(text).ents))


def test_medspacy(benchmark: Any, texts: list[str], terms: dict[str, list[str]]) -> None:
    """medspaCy's TargetMatcher on spaCy's English tokenizer, which is quicker than medspaCy's own."""
    # Its release pins spaCy < 3.8 on Python 3.11, but this part of it runs on 3.8.
    medspacy = pytest.importorskip(
        "medspacy",
        reason="medspaCy is not installed; on Python 3.11 its pin of spaCy < 3.8 has to be overruled: "
        "pip install PyRuSH jsonschema medspacy_quickumls && pip install --no-deps medspacy",
    )
    import spacy
    from medspacy.target_matcher import TargetRule

    nlp = spacy.blank("en")
    # Into a span group: writing entities one by one, its default, takes longer.
    matcher = nlp.add_pipe("medspacy_target_matcher", config={"result_type": "group"})
    matcher.add([TargetRule(text, label) for label in terms for text in terms[label]])
    benchmark.extra_info["version"] = medspacy.__version__
    measured(benchmark, "medspacy", texts, lambda text: len(nlp(text).spans["medspacy_spans"]))


def test_edsnlp(benchmark: Any, texts: list[str], terms: dict[str, list[str]]) -> None:
    """EDS-NLP's matcher on its own tokenizer."""
    edsnlp = pytest.importorskip("edsnlp", reason="EDS-NLP is not installed: pip install edsnlp")
    nlp = edsnlp.blank("eds")
    nlp.add_pipe("eds.matcher", config={"terms": terms, "attr": "LOWER", "term_matcher": "exact"})
    benchmark.extra_info["version"] = edsnlp.__version__
    measured(benchmark, "edsnlp", texts, lambda text: len(nlp(text).ents))
