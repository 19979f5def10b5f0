"""The pipeline from its config: load it, turn a Trial into what its components read, tag it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp import paths
from cart_nlp.schema import Record, Trial

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from cart_nlp.components.state import State

MAX_SECTION, MAX_TEXT = 60_000, 600_000
"""Characters of a section and of a trial that are read; the longest real ones have a tenth of that."""
GAP = "\n\n"
"""Between two sections of a Doc; no mention crosses it."""


def load(lexicons: Sequence[str | Path] = ()) -> Language:
    """The shipped pipeline, with a user's lexicon folders layered over the shipped ones.

    Raises lexicon.LexiconError if a lexicon cannot be used.
    """
    import spacy

    layers = [str(Path(folder)) for folder in lexicons]
    overrides: dict[str, Any] = {}
    if layers:
        from spacy.util import load_config

        components = load_config(paths.model() / "config.cfg")["components"]
        overrides = {
            f"components.{name}.lexicons": layers
            for name, settings in components.items()
            if "lexicons" in settings
        }
    return spacy.load(paths.model(), config=overrides)


def make_state(trial: Trial) -> State:
    """What the components work on: the sections of a trial in reading order, joined to one text."""
    from cart_nlp.components.state import Section, State

    parts, sections, at = [], [], 0
    for key, whole in trial.sections.items():
        text = whole[:MAX_SECTION]
        if text and at + len(text) < MAX_TEXT:
            sections.append(Section.of(key, at, at + len(text)))
            parts.append(text)
            at += len(text) + len(GAP)
    return State(GAP.join(parts), sections, trial=trial)


def make_doc(nlp: Language, trial: Trial) -> Doc:
    """The Doc of a trial, not yet tagged; its sections are `doc.spans["sections"]`."""
    from cart_nlp.components.state import attach

    view = make_state(trial)
    doc = nlp.make_doc(view.original)
    attach(doc, view)
    return doc


class TrialTagger:
    """Runs a pipeline over trials.

    The shipped components read text, so the tokens of a Doc and its spans are made only where a component
    that is not theirs has been added.
    """

    def __init__(self, nlp: Language) -> None:
        from cart_nlp.components.spans import Spans
        from cart_nlp.components.state import Component

        steps = [step for _, step in nlp.pipeline]
        self._nlp = nlp
        self._steps = [step for step in steps if isinstance(step, Component)]
        self._whole = all(isinstance(step, Component | Spans) for step in steps)

    def read(self, trial: Trial) -> State:
        """All that the pipeline finds in a trial."""
        if not self._whole:
            from cart_nlp.components.state import state

            return state(self._nlp(make_doc(self._nlp, trial)))
        view = make_state(trial)
        for step in self._steps:
            step.apply(view)
            if view.notes.get("car_trial") in ("no", "mention"):
                break  # nothing that is still to be found would be written
        return view

    def tag(self, trial: Trial) -> Record:
        """The record of one trial."""
        from cart_nlp.assembly import record

        return record(self.read(trial))


def tag_trial(nlp: Language, trial: Trial) -> Record:
    """The record of one trial; for many, one `TrialTagger(nlp)` spares a look at the pipeline for each."""
    return TrialTagger(nlp).tag(trial)


def tag(source: str | Trial | Mapping[str, Any], nlp: Language | None = None) -> Record:
    """The record of one text, trial, or registry record given as a mapping.

    >>> tag("CD19/CD22 bispecific CAR-T cells with 4-1BB").targets
    ('CD19', 'CD22')
    """
    if isinstance(source, str):
        trial = Trial(id="text", sections={"text": source})
    elif isinstance(source, Trial):
        trial = source
    else:
        from cart_nlp.registries import from_mapping

        trial = from_mapping(source)
    return tag_trial(nlp or _default(), trial)


_loaded: list[Any] = []


def _default() -> Any:
    if not _loaded:
        _loaded.append(load())
    return _loaded[0]
