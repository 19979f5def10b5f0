"""The mentions in the texts of records, with their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from cart_nlp.schema import Mention, Record, Trial


def mentions_of(trials: Iterable[Trial], lexicons: tuple[str, ...] = ()) -> dict[str, tuple[Mention, ...]]:
    """The mentions of some trials with their roles, by id; tags their text again."""
    from cart_nlp.evaluation.predictions import mentions_of as found_in
    from cart_nlp.evaluation.predictions import pipeline
    from cart_nlp.pipeline import make_doc

    nlp = pipeline(tuple(map(Path, lexicons)))
    return {trial.id: found_in(nlp(make_doc(nlp, trial))) for trial in trials}


def looked_up(marks: Mapping[str, Sequence[Mention]]) -> Callable[[Record], Sequence[Mention] | None]:
    """The mentions of a record, as the queue asks for them."""
    return lambda record: marks.get(record.trial_id)
