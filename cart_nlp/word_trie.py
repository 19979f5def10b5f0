"""Names as sequences of words, found in a longer sequence in one walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Key = tuple[str, ...]
LONGEST = 24
"""Words that a name may go across, so that the work stays bounded on any text."""


@dataclass(slots=True)
class WordTrie:
    """A step on the way through the keys: the words that go on from here, and the key that ends here."""

    below: dict[str, WordTrie] = field(default_factory=dict)
    key: Key = ()

    def add(self, key: Key) -> None:
        """Make a key findable."""
        node = self
        for word in key:
            node = node.below.setdefault(word, WordTrie())
        node.key = key

    def walk(
        self, words: Sequence[str], at: int, skips: Callable[[int], bool], ends: Callable[[int], bool]
    ) -> Iterator[tuple[int, Key]]:
        """Every key that the words from `at` on spell, with the place of its last word.

        `skips`: a word that may stand inside a name without being part of it; `ends`: one after which no
        name goes on.
        """
        nodes = [self]
        for last in range(at, min(len(words), at + LONGEST)):
            inside = [node.below[words[last]] for node in nodes if words[last] in node.below]
            yield from ((last, node.key) for node in inside if node.key)
            nodes = inside + (nodes if last > at and skips(last) else [])
            if not nodes or ends(last):
                return
