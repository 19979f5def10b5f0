"""Mention → concept where a string alone does not decide: guards, short forms, misspellings, new names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rapidfuzz import fuzz, process
from spacy.language import Language

from cart_nlp.components.chains import car_words
from cart_nlp.components.literals import Literals
from cart_nlp.components.state import Component, Hit, State
from cart_nlp.components.store import lexicon_of
from cart_nlp.lexicon import Lexicon
from cart_nlp.text import lower

_SUFFIXES = ("specific", "targeted", "targeting", "directed", "redirected")
# A word, with the digits that belong to it, after "anti-" and the like or before a CAR word.
_WORD_AFTER = re.compile(r"(?:the )?(?P<word>[a-z]{6,14}(?:[\s-]?\d{1,2}(?:\.\s?\d)?)?)(?![a-z\d])")
_WORD_BEFORE = re.compile(
    r"(?<![a-z\d])(?P<word>[a-z]{6,14}(?:[\s-]?\d{1,2}(?:\.\s?\d)?)?)"
    rf"(?:[\s-](?:{'|'.join(_SUFFIXES)}))?[\s-]$"
)
_SYMBOL = r"(?P<word>[A-Z][A-Za-z]{0,4}[A-Z0-9]-?[A-Z0-9]{0,5}[a-z]?\d?)"
_SYMBOL_AFTER = re.compile(rf"(?:both )?{_SYMBOL}(?=[\s,/.;)-]|$)")
_SYMBOL_BEFORE = re.compile(rf"(?<![\w-]){_SYMBOL}[\s-](?:{'|'.join(_SUFFIXES)})[\s-]$")
OPENERS = Literals(("anti-", "anti ", "targeting ", "targets ", "against ", "specific for ", "cart-", "car-"))
_NOVEL_CONTEXT = re.compile(r"\bcar\b|car-|cart|chimeric")
_NOT_NOVEL = frozenset(
    [
        "car",
        "cart",
        "ucar",
        "ucart",
        "t",
        "nk",
        "dna",
        "rna",
        "hiv",
        "hla",
        "tcr",
        "fda",
        "gmp",
        "crs",
        "icans",
        "all",
        "aml",
        "cll",
        "nhl",
        "mm",
        "bm",
        "iv",
        "hsct",
        "cns",
        "r",
        "r/r",
        "b-all",
        "t-all",
        "dlbcl",
        "gbm",
        "hcc",
        "crc",
        "nsclc",
        "sle",
        "tnbc",
        "who",
        "egfrt",
        "pd",
        "pd1",
        "pd-1",
        "pd-l1",
        "pdl1",
        "ctla4",
        "ctla-4",
        "tnf",
        "il",
        "il6",
        "il-6",
        "cd3",
        "cd28",
        "cd3/cd28",
        "cmv",
        "ebv",
        "mhc",
        "peg",
        "abo",
        "rh",
        "ena",
        "ana",
        "dsdna",
        "aqp4",
        "achr",
        "ro",
        "la",
        "sm",
        "b-cell",
        "t-cell",
        "b",
        "cell",
        "tki",
        "vegf",
        "atg",
        "car-t",
        "car-nk",
        "aso",
    ]
)
_MIN_SCORE = 85
_CONFUSABLE = frozenset(
    [
        "mesothelioma",
        "lymphoma",
        "leukemia",
        "glypicans",
        "claudins",
        "myeloma",
        "melanoma",
        "mesothelial",
        "nucleoli",
        "nectins",
        "integrins",
        "mucins",
        "neoplasm",
    ]
)


class Linker:
    """Decides guarded hits, and adds hits for defined short forms, misspelled words and unknown symbols."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.known = lexicon.folded
        words: dict[tuple[str, str], str] = {}
        for term in lexicon.terms:
            if term.concept.label == "antigen" and not term.guarded:
                stem = re.fullmatch(r"([a-z]{6,})[ -]?(\d{1,2}(?:\.\d)?)?", lower(term.text))
                if stem:
                    words.setdefault((stem[1], stem[2] or ""), term.concept.name)
        self.words = words
        self.stems = sorted({stem for stem, _ in words})
        self.rows = {
            term.concept.name: term.concept for term in lexicon.terms if term.concept.label == "antigen"
        }

    def __call__(self, view: State) -> None:
        """Rewrite the hits of a Doc."""
        view.hits = [h for h in view.hits if h.label not in ("antigen", "ligand") or self.keep(view, h)]
        places = view.starts_of(OPENERS)
        openings = [
            at + len(opener)
            for opener, starts in places.items()
            for at in starts
            # "LCAR-AMDR": the code of a product.
            if not (opener.startswith("car") and at and view.low[at - 1].isalpha())
        ]
        heads = self.heads(view)
        new = [
            *self.defined(view),
            *self.misspelled(view, openings, heads),
            *self.novel(view, openings, heads),
        ]
        if new:
            view.hits = sorted([*view.hits, *new], key=lambda h: (h.start, -h.end))

    def keep(self, view: State, hit: Hit) -> bool:
        """Whether an antigen hit stands: its short form means it here, or a guarded one is in a CAR slot."""
        written = view.text[hit.start : hit.end]
        meaning = view.short_forms.get(written)
        if meaning is not None:
            concepts = self.known.get(lower(meaning), ())
            if any(c.name == hit.concept for c in concepts):
                return True
            if hit.guarded:
                return (
                    not concepts
                    and fuzz.partial_ratio(
                        lower(meaning),
                        lower(self.rows[hit.concept].fields.get("full_name", ""))
                        if hit.concept in self.rows
                        else "",
                    )
                    > 80
                )
        if not hit.guarded:
            return True
        low = view.low
        return (
            view.cue("guard.right").match(low, hit.end) is not None
            or view.cue("guard.left").search(low, max(0, hit.start - 40), hit.start) is not None
        )

    def defined(self, view: State) -> list[Hit]:
        """Hits of short forms that are in no lexicon but are defined here by an antigen's long form."""
        hits = []
        taken = {(h.start, h.end) for h in view.hits if h.label in ("antigen", "ligand")}
        for short, long_form in view.short_forms.items():
            concepts = [c for c in self.known.get(lower(long_form), ()) if c.label == "antigen"]
            if not concepts or any(c.name == concepts[0].name for c in self.known.get(lower(short), ())):
                continue
            for found in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(short)}(?![A-Za-z0-9])", view.text):
                if found.span() not in taken:
                    hits.append(Hit(*found.span(), "antigen", concepts[0].name, "abbreviation", concepts[0]))
        return hits

    def heads(self, view: State) -> list[tuple[int, str]]:
        """Start of each CAR word that a separate word precedes, with that word's last piece."""
        low = view.low
        found = []
        for start, _ in car_words(view):
            if start > 1 and low[start - 1] in " -":
                tail = low[max(0, start - 16) : start - 1]
                found.append((start, tail[max(tail.rfind(" "), tail.rfind("-")) + 1 :]))
        return found

    def slots(
        self,
        openings: list[int],
        heads: list[int],
        after: re.Pattern[str],
        before: re.Pattern[str],
        text: str,
    ) -> Iterator[tuple[int, int, str]]:
        """Words in a targeting slot: right after one of the openings, or right before a CAR word."""
        seen = set()
        for at in openings:
            found = after.match(text, at)
            if found and found.span("word") not in seen:
                seen.add(found.span("word"))
                yield (*found.span("word"), found["word"])
        for start in heads:
            found = before.search(text, max(0, start - 45), start)
            if found and found.span("word") not in seen:
                seen.add(found.span("word"))
                yield (*found.span("word"), found["word"])

    def misspelled(self, view: State, openings: list[int], preceded: list[tuple[int, str]]) -> list[Hit]:
        """Words in a targeting slot that are one slip away from an antigen's name; digits must be equal."""
        hits = []
        # A short word is no antigen's name misspelled; digits may belong to a longer one.
        heads = [start for start, piece in preceded if len(piece) > 5 or not piece.isalpha()]
        for start, end, word in self.slots(openings, heads, _WORD_AFTER, _WORD_BEFORE, view.low):
            letters = re.match(r"[a-z]+", word)
            if letters is None or letters[0] in _CONFUSABLE or word in self.known or letters[0] in self.known:
                continue
            best = process.extractOne(letters[0], self.stems, scorer=fuzz.ratio, score_cutoff=_MIN_SCORE)
            if best is None or abs(len(best[0]) - len(letters[0])) > 2:
                continue
            if any(h.start < end and h.end > start and h.label != "cell_type" for h in view.hits):
                continue
            digits = re.sub(r"[^\d.]", "", word)
            name = self.words.get((best[0], digits))
            if name is not None:
                hits.append(Hit(start, end, "antigen", name, "fuzzy", self.rows[name], score=best[1] / 100))
        return hits

    def novel(self, view: State, openings: list[int], preceded: list[tuple[int, str]]) -> list[Hit]:
        """Symbols in a targeting slot that no lexicon knows: "anti-XYZ1 CAR-T"."""
        hits = []
        heads = [start for start, piece in preceded if piece in _SUFFIXES]
        for start, end, word in self.slots(openings, heads, _SYMBOL_AFTER, _SYMBOL_BEFORE, view.text):
            symbol = word.rstrip("-")
            if lower(symbol) in _NOT_NOVEL or lower(symbol) in self.known or not 3 <= len(symbol) <= 10:
                continue
            if any(h.start < end and h.end > start for h in view.hits):
                continue
            first, last = view.sentence(start)
            if not _NOVEL_CONTEXT.search(view.low[max(first, start - 80) : min(last, end + 60)]):
                continue
            if re.match(r"[\s-]*(?:antibod|mab|therap(?!.{0,20}car)|drug)", view.low[end : end + 20]):
                continue
            hits.append(Hit(start, start + len(symbol), "antigen", symbol, "novel", None, score=0.4))
        return hits


@Language.factory("cart_linker", default_config={"lexicons": []})
def make(nlp: Language, name: str, lexicons: list[str]) -> LinkerComponent:
    """Create the component; `lexicons` are folders layered over the shipped ones."""
    return LinkerComponent(Linker(lexicon_of(tuple(lexicons))))


class LinkerComponent(Component):
    """Applies the linker to a Doc."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker

    def apply(self, view: State) -> None:
        self.linker(view)
