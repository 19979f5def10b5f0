"""spaCy's DocBin: spans in `doc.spans["mentions"]`, choices in `doc.cats`, the gold line in user data."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cart_nlp import outputs
from cart_nlp.evaluation.exchange.choices import pack, unpack
from cart_nlp.evaluation.exchange.tasks import Span, Task, merge, words
from cart_nlp.shallow import json_of

SUFFIX = ".spacy"
SPANS = "mentions"
_LARGEST = 1 << 28
"""Bytes of the largest file once it is decompressed: some ten thousand trials."""
_PIECE = 1 << 20


def to_doc(task: Task, vocab: Any) -> Any:
    """The Doc of a task, tokenized so that every span is on token edges."""
    from spacy.tokens import Doc

    tokens, spaces = words(task.text, task.spans)
    doc = Doc(vocab, words=tokens, spaces=spaces)
    spans = []
    for s in task.spans:
        span = doc.char_span(s.start, s.end, label=s.label, kb_id=s.concept, span_id=s.role)
        if span is None:
            raise ValueError(f"{task.id}: span [{s.start}:{s.end}] is off the token edges")
        spans.append(span)
    doc.spans[SPANS] = spans
    doc.cats = dict.fromkeys(pack(task.choices), 1.0)
    # As text: msgpack gives lists back as tuples.
    doc.user_data["gold"] = json.dumps(task.gold, ensure_ascii=False)
    return doc


def from_doc(doc: Any) -> dict[str, Any]:
    """The gold line of an annotated Doc; raises ValueError or KeyError with what is wrong."""
    spans = [Span(s.start_char, s.end_char, s.label_, s.id_, s.kb_id_) for s in doc.spans.get(SPANS, ())]
    choices = unpack(name for name, value in doc.cats.items() if value >= 0.5)
    return merge(json_of(doc.user_data["gold"]), spans, choices, doc.text)


def from_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The gold line of a row of `read`."""
    return from_doc(row["doc"])


def write(tasks: Iterable[Task], path: Path) -> int:
    """Write one DocBin; returns how many trials."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    vocab = Vocab()
    docs = [to_doc(task, vocab) for task in tasks]
    outputs.write(path, DocBin(docs=docs, store_user_data=True).to_bytes())
    return len(docs)


def _checked(data: bytes) -> None:
    """Raise ValueError for what would fill the memory once it is decompressed."""
    machine = zlib.decompressobj()
    try:
        size = 0
        while data and not machine.eof:
            size += len(machine.decompress(data, _PIECE))
            if size > _LARGEST:
                raise ValueError(f"inflates to more than {_LARGEST >> 20} MiB: not read")
            data = machine.unconsumed_tail
    except zlib.error as error:
        raise ValueError(f"damaged ({error}); export it again") from None


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row with the Doc) of every trial."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    data = path.read_bytes()
    _checked(data)
    for number, doc in enumerate(DocBin().from_bytes(data).get_docs(Vocab()), 1):
        yield f"{path.name}: document {number}", {"doc": doc}
