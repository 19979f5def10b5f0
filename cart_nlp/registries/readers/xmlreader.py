"""Read XML dumps: records are cut out of the stream, and parsed only when a trial is wanted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cart_nlp.registries import ictrp
from cart_nlp.registries.china import chictr
from cart_nlp.registries.clinicaltrials import ctgovxml
from cart_nlp.registries.containers.feeds import Feed
from cart_nlp.registries.containers.mending import mended
from cart_nlp.registries.containers.xmlrecords import cut, search_text
from cart_nlp.registries.entry import Entry, Reject, Rejected
from cart_nlp.registries.values import shapes
from cart_nlp.schema import Trial


class XmlShape(NamedTuple):
    """An XML record format: its element, the element of the id, how a record becomes a trial."""

    tag: str
    id_tag: str
    parse: Callable[[bytes], Trial]


SHAPES: dict[str, XmlShape] = {
    "ctgov-xml": XmlShape("clinical_study", "nct_id", ctgovxml.parse),
    "ctgov-search-xml": XmlShape("study", "nct_id", ctgovxml.parse_found),
    "ictrp-xml": XmlShape("Trial", "TrialID", ictrp.parse_xml),
    "chictr-xml": XmlShape("Triall?", "trial_id", chictr.parse),
}


def read(feed: Feed, *, shape: str) -> Iterator[Entry | Reject]:
    """Entries of an XML dump of the given format."""
    known = SHAPES[shape]
    tag = _tag(feed, known.tag)
    number = re.compile(rb"<" + known.id_tag.encode() + rb"[^>]{0,200}>([^<]{0,400})<")
    for record in cut(feed, tag, known.id_tag):
        place = f"byte {record.position + 1}"
        found = number.search(record.raw)
        said = found[1].decode("utf-8", "replace").strip() if found else ""
        if record.fault:
            yield Reject(feed.name, place, said or None, record.fault)
            continue
        try:
            shapes.checked_id(said, f"an id (<{known.id_tag}>)")
        except Rejected as reason:
            yield Reject(feed.name, place, None, str(reason))
            continue
        raw = mended(record.raw, feed.noting(place))
        yield Entry(feed.name, place, search_text(raw), raw, known.parse, said)


def _tag(feed: Feed, pattern: str) -> str:
    """The name that the record element has in this input, where exports differ in it; one may be damaged."""
    name = pattern.encode()
    starts, ends = (
        Counter(re.findall(rb"<" + slash + rb"(" + name + rb")[\s>]", feed.peek(), re.IGNORECASE))
        for slash in (b"", b"/")
    )
    whole = [(min(starts[each], ends[each]), starts[each], each) for each in starts]
    return max(whole)[2].decode() if whole else pattern.rstrip("?")
