"""Mentions as spans of a Doc: whole tokens, which are cut where a mention begins or ends within one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from spacy.tokens import Doc, Span

from cart_nlp.signals.reading import MENTIONS, Mention, keep_mentions


def write_mentions(doc: Doc, mentions: Iterable[Mention]) -> None:
    """Write mentions to `doc.spans["cart"]` as whole tokens, which are cut where one begins or ends."""
    found = sorted(set(mentions), key=lambda m: (m.start, -m.end, m.label, m.concept, m.row))
    spans = _spans(doc, found)
    if None in spans:
        cut(doc, {edge for m, span in zip(found, spans, strict=True) if span is None for edge in m[:2]})
        spans = _spans(doc, found)
    doc.spans[MENTIONS] = [span for span in spans if span is not None]
    keep_mentions(doc, [mention for mention, span in zip(found, spans, strict=True) if span is not None])


def _spans(doc: Doc, mentions: Iterable[Mention]) -> list[Span | None]:
    """The span of each mention, None for one that is not whole tokens."""
    return [
        doc.char_span(start, end, label, concept, span_id=row) for start, end, label, concept, row in mentions
    ]


def cut(doc: Doc, edges: set[int]) -> None:
    """Split the tokens within which one of some places lies, so that it becomes an edge of tokens."""
    inside: dict[int, list[int]] = {}
    for edge in sorted(edges):
        around = doc.char_span(edge, edge + 1, alignment_mode="expand")
        if around is not None and around.start_char < edge < around.end_char:
            inside.setdefault(around.start, []).append(edge - around.start_char)
    if inside:
        _split(doc, inside)


def _split(doc: Doc, inside: Mapping[int, Sequence[int]]) -> None:
    """Split tokens at places within them; spans, which the retokenizer drops, stay where they were."""
    groups = {
        key: [(s.start_char, s.end_char, s.label, s.kb_id, s.id) for s in group]
        for key, group in doc.spans.items()
    }
    with doc.retokenize() as retokenizer:
        for number, inner in inside.items():
            token = doc[number]
            parts = [token.text[a:b] for a, b in itertools.pairwise([0, *inner, len(token)])]
            retokenizer.split(token, parts, heads=[(token, n) for n in range(len(parts))])
    for key, spans in groups.items():
        again = (doc.char_span(s, e, label=label, kb_id=kb, span_id=i) for s, e, label, kb, i in spans)
        doc.spans[key] = [span for span in again if span is not None]
