"""The pipeline from its config: load it, turn a Trial into a Doc, tag it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cart_nlp import paths
from cart_nlp.paths import Folders, folders
from cart_nlp.schema import UNREAD, Mention, Record, Trial

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

MAX_SECTION, MAX_TEXT = 60_000, 600_000
"""Characters of a section and of a trial that are read; the longest real ones have a tenth of that."""
GAP = "\n\n"
"""Between two sections of a Doc; no mention crosses it."""


def load(lexicons: Folders = ()) -> Language:
    """The shipped pipeline, with a user's lexicon folder, or several, layered over the shipped ones.

    A component that you add and that corrects mentions assigns `doc.spans["cart"]` anew: a span that is
    replaced or changed within the group may be passed over by the components behind it.

    Raises lexicon.LexiconError if a lexicon cannot be used.
    """
    import spacy

    from cart_nlp.signals.doc import vocabulary_of

    layers = [str(Path(folder)) for folder in folders(lexicons)]
    readers = ("cart_terms", "cart_patterns")
    overrides: dict[str, Any] = {f"components.{name}.lexicons": layers for name in readers} if layers else {}
    nlp = spacy.load(paths.model(), config=overrides)
    vocabulary_of(nlp, "cart_nlp")  # faults of the lexicons are told now, not with the first text
    return nlp


def unread(trial: Trial) -> dict[str, int]:
    """Section -> the character from which on it is not read, for a trial longer than any real one."""
    if sum(map(len, trial.sections.values())) <= MAX_SECTION:
        return {}
    found, at = {}, 0
    for key, whole in trial.sections.items():
        length = min(len(whole), MAX_SECTION)
        if at + length >= MAX_TEXT:
            found[key] = 0
            continue
        at += length + len(GAP)
        if length < len(whole):
            found[key] = length
    return found


def make_doc(nlp: Language, trial: Trial, *, level: str = "", brief: bool = False) -> Doc:
    """The Doc of a trial, not yet tagged: its sections in reading order, joined to one text.

    `doc._.cart_sections` has their keys and offsets, `doc.spans["sections"]` the same as spans; what is too
    long to be read is left out, and the record of the Doc says so. `level` and `brief` as for `tag_trial`.
    """
    from cart_nlp.extensions import register
    from cart_nlp.signals.reading import page_of

    register()
    parts: list[str] = []
    sections: list[list[Any]] = []
    at, cut = 0, unread(trial)
    for key, whole in trial.sections.items():
        if text := whole[: cut.get(key)]:
            sections.append([key, at, at + len(text)])
            parts.append(text)
            at += len(text) + len(GAP)
    text = GAP.join(parts)
    doc = nlp.make_doc(text)
    doc._.cart_sections = sections
    page_of(doc, text)
    known: dict[str, Any] = {"id": trial.id, "study_type": trial.study_type or ""}
    if cut:
        known[UNREAD] = "; ".join(f"{key} from {read}" for key, read in cut.items())
    if level:
        known["car_trial"] = level
    if brief:
        known["brief"] = True
    else:
        of_key = (doc.char_span(start, end, key, alignment_mode="contract") for key, start, end in sections)
        doc.spans["sections"] = [span for span in of_key if span is not None]
    doc._.cart_trial = known
    return doc


def tag_trial(nlp: Language, trial: Trial, level: str = "", *, brief: bool = False) -> Record:
    """The record of one trial; with `level`, as of one whose car_trial is known to be that.

    With `brief`, the Doc gets nothing that its record does not need: for the shipped components alone,
    since those that others add may read it.
    """
    from cart_nlp.assembly import record
    from cart_nlp.signals.reading import forget

    doc = make_doc(nlp, trial, level=level, brief=brief)
    found = record(nlp(doc), trial)
    forget(doc)
    return found


def steps(
    nlp: Language, trial: Trial, level: str = "", *, brief: bool = False
) -> Generator[None, None, Record]:
    """`tag_trial` a step at a time: the Doc, each component, the record.

    Who takes the same step of several trials in turn is done an eighth sooner than with one trial after the
    other: what a component runs and looks up then stays in the caches of the processor. The components are
    called as they are: what one raises comes through, whatever error handler the pipeline has.
    """
    from cart_nlp.assembly import record
    from cart_nlp.signals.reading import forget

    doc = make_doc(nlp, trial, level=level, brief=brief)
    try:
        yield
        for _, component in nlp.pipeline:
            doc = component(doc)
            yield
        return record(doc, trial)
    finally:
        forget(doc)


def mentions(doc: Doc) -> tuple[Mention, ...]:
    """Every mention of a tagged Doc, by place, with offsets into its section.

    Antigens and ligands have the role that they play there, those that are no target as well.
    """
    from cart_nlp.assembly import place_of
    from cart_nlp.signals.reading import MENTIONS
    from cart_nlp.vocabulary import GUARDED

    place = place_of(doc)
    found = []
    for span in doc.spans.get(MENTIONS, ()):
        start, end = span.start_char, span.end_char
        key, first, _ = place.section(start)
        found.append(
            Mention(
                section=key,
                start=start - first,
                end=end - first,
                text=place.text[start:end],
                label=span.label_,
                concept=span.kb_id_,
                role=span._.cart_role if span.label_ in ("antigen", "ligand") else "",
                rule=span.id_.rstrip(GUARDED),
            )
        )
    return tuple(found)


def tag_trials(nlp: Language, trials: Iterable[Trial]) -> Iterator[Record]:
    """The records of many trials, in their order."""
    for trial in trials:
        yield tag_trial(nlp, trial)


def as_trial(source: str | Trial | Mapping[str, Any]) -> Trial:
    """A text, a trial, or a registry record given as a mapping, as a Trial; raises InputError for others."""
    if isinstance(source, Trial):
        return source
    if isinstance(source, str):
        return Trial(id="text", sections={"text": source})
    from cart_nlp.registries import from_mapping
    from cart_nlp.registries.entry import NAME_KEYS, InputError, Rejected

    if not isinstance(source, Mapping):
        raise InputError(f"the record: a {type(source).__name__}, not a text, a Trial or a mapping")
    try:
        return from_mapping(source)
    except Rejected as fault:
        said = str(fault).replace(NAME_KEYS, "give it `id` and `brief_title`, or give a Trial")
        raise InputError(f"the record: {said}") from None


def tag(source: str | Trial | Mapping[str, Any], nlp: Language | None = None) -> Record:
    """The record of one text, trial, or registry record given as a mapping.

    Raises InputError with the reason for a mapping that makes no trial.

    >>> tag("CD19/CD22 bispecific CAR-T cells with 4-1BB").targets
    ('CD19', 'CD22')
    """
    return tag_trial(nlp or _default(), as_trial(source))


_loaded: list[Any] = []


def _default() -> Any:
    if not _loaded:
        _loaded.append(load())
    return _loaded[0]
