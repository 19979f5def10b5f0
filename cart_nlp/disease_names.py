"""The ways in which one name of a disease is written, generated so that the table says each name once.

British spelling, plurals, genitives ("Crohn's disease"), "X neoplasm" beside "X cancer", and the inverted
names of MeSH ("Leukemia, Myeloid, Acute") follow rules; what follows none is an alias in the table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import combinations, pairwise

from cart_nlp.text import fold, lower

_BRITISH = tuple(
    (re.compile(american), british)
    for american, british in (
        (r"leukemi", "leukaemi"),
        (r"\banemi", "anaemi"),
        (r"(thrombocyth|globulin|polycyth)emi", r"\1aemi"),
        (r"\bhem(?=at|ol|op|orr|ost)", "haem"),
        (r"tumor", "tumour"),
        (r"\besoph", "oesoph"),
        (r"(gastro-?)esoph", r"\1oesoph"),
        (r"\bgynec", "gynaec"),
        (r"\bpediatr", "paediatr"),
        (r"\bceliac", "coeliac"),
        (r"\bpheochrom", "phaeochrom"),
        (r"(general|sensit|necrot)iz", r"\1is"),
    )
)
_AMERICAN = tuple(
    (re.compile(british), american)
    for british, american in (
        (r"aemi(?=[ac])", "emi"),
        (r"^haem", "hem"),
        (r"tumour", "tumor"),
        (r"^(gastro)?oesoph", r"\1esoph"),
        (r"^gynaec", "gynec"),
        (r"^paediatr", "pediatr"),
        (r"^coeliac", "celiac"),
        (r"^phaeochrom", "pheochrom"),
        (r"(general|sensit|necrot)is(?=[ei])", r"\1iz"),
        (r"ological$", "ologic"),
    )
)
_WORD = re.compile(
    r"(?P<word>[^\W_\u2e80-\u9fff\uac00-\ud7af]+?)(?:(?:['`´]|&#39;)s?)?(?![^\W_\u2e80-\u9fff])"
    r"|[\u3040-\u30ff\u3400-\u9fff]|(?<=\w)\+"
)
_CANCER = re.compile(r"(.+) cancer")
_LOGIC = re.compile(r"\b(\w+ologic)(al)?\b")
_ADJECTIVE = re.compile(r"(?:al|ar|an|ic|ine|cell|negative|positive|resistant)$")
_UNTURNED = re.compile(r"\b(?:of|in|with|and|or|the|to|from|without)\b|[,;()+]")
_PERSON = re.compile(r"(?<![^\s-])([A-Z][^\W\d_A-Z]{3,})(?= [a-z])")
_LONG_WORD = 64
_MOST_TURNED = 6
"""Words of a name beyond which nobody inverts it."""


def british(name: str) -> str:
    """The British spelling of a lower-case name; the name itself where there is no other."""
    for american, spelling in _BRITISH:
        name = american.sub(spelling, name)
    return name


def _plural(name: str) -> str:
    """The plural that is more than a plain -s, else nothing."""
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    if re.search(r"(?:tas|os|it)is$", name):
        return f"{name[:-2]}{'ides' if name.endswith('itis') else 'es'}"
    return ""


def variants(name: str) -> tuple[str, ...]:
    """Other spellings of a lower-case English name, the name itself left out.

    >>> variants("kidney cancer")
    ('kidney neoplasm', 'kidney tumor', 'kidney tumour', 'cancer of kidney', 'cancer of the kidney', \
'neoplasm of kidney', 'neoplasm of the kidney')
    """
    if not name.isascii() or (" " not in name and len(name) < 5):
        return ()
    forms = [name]
    if found := _CANCER.fullmatch(name):
        site = found[1]
        forms += [f"{site} neoplasm", f"{site} tumor"]
        if not _ADJECTIVE.search(site):
            forms += [f"{head} of {the}{site}" for head in ("cancer", "neoplasm") for the in ("", "the ")]
    forms += [_LOGIC.sub(lambda m: m[1] + ("" if m[2] else "al"), form) for form in forms]
    forms += [plural for form in forms if (plural := _plural(form))]
    every = [spelling for form in forms for spelling in (form, british(form))]
    return tuple(form for form in dict.fromkeys(every) if form != name)


def genitive(name: str) -> str:
    """A name with the genitive of the person that the disease is named after; itself where there is none.

    A person is a capitalized word before one in small letters.

    >>> genitive("non-Hodgkin lymphoma"), genitive("Graves disease"), genitive("Merkel-positive")
    ("non-Hodgkin's lymphoma", "Graves' disease", 'Merkel-positive')
    """
    return _PERSON.sub(lambda found: found[1] + ("'" if found[1].endswith("s") else "'s"), name)


def unclaimed(names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Regular spellings that are no name by themselves, each once and with the name that it spells."""
    told = set(names)
    for name in names:
        for spelling in variants(name):
            if spelling not in told:
                told.add(spelling)
                yield spelling, name


def standard(word: str) -> str:
    """A word in the one form in which names are compared: lower case, American, singular, no accents.

    >>> [standard(word) for word in ("Tumours", "Malignancies", "Sjögren", "metastases", "Lupus")]
    ['tumor', 'malignancy', 'sjogren', 'metastasis', 'lupus']
    """
    return _remembered(word) if len(word) < _LONG_WORD else _standard(word)


def _standard(word: str) -> str:
    word = "positive" if word == "+" else lower(word)
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for spelling, american in _AMERICAN:
        word = spelling.sub(american, word)
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith("itides"):
        return f"{word[:-3]}s"
    if word.endswith("tases"):
        return f"{word[:-2]}is"
    return word if word.endswith(("ss", "us", "is")) else word[:-1]


_remembered = lru_cache(maxsize=1 << 14)(_standard)


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text with their offsets; an English genitive is left out of its word.

    A Chinese or Japanese character is a word, and so is the plus of "Ph+". An apostrophe may be printed as
    `&#39;`.
    """
    for found in _WORD.finditer(fold(text)):
        group = found.lastgroup or 0
        yield found[group], *found.span(group)


def key(name: str) -> tuple[str, ...]:
    """What a name is compared by: its words in standard form."""
    return tuple(standard(word) for word, _, _ in words(name))


def inverted(name: str) -> frozenset[tuple[str, ...]]:
    """The keys of the inverted forms of a name, its qualifiers behind its head in reading or reverse order.

    >>> ("leukemia", "myeloid", "acute") in inverted("acute myeloid leukemia")
    True
    """
    if not name.isascii() or _UNTURNED.search(name):
        return frozenset()
    parts = [key(part) for part in _compounds(name)]
    if not 2 <= len(parts) <= _MOST_TURNED:
        return frozenset()
    found = set()
    for at in range(1, len(parts)):
        head, before = parts[at:], parts[:at]
        for chunks in _chunkings(before):
            found.add(_join([*head, *(part for chunk in reversed(chunks) for part in chunk)]))
        found.add(_join([*head, *before]))
    return frozenset(found) - {_join(parts)}


def _compounds(name: str) -> list[str]:
    """The parts that stay together when a name is turned: words, and what a hyphen joins ("B-cell")."""
    name = re.sub(r"\b(b|t|nk|mast|germ) cell\b", r"\1-cell", name, flags=re.IGNORECASE)
    return name.split()


def _chunkings(parts: list[tuple[str, ...]]) -> Iterable[list[list[tuple[str, ...]]]]:
    """Every way to cut a list into runs."""
    inner = range(1, len(parts))
    for size in range(len(parts)):
        for cuts in combinations(inner, size):
            edges = [0, *cuts, len(parts)]
            yield [parts[a:b] for a, b in pairwise(edges)]


def _join(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(word for part in parts for word in part)
