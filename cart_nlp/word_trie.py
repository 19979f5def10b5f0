"""Names as sequences of words, found in a longer sequence in one walk. A trie is plain values, to be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Key = tuple[str, ...]
Trie = dict[str, Any]
"""Word → the trie of what may follow it; under `END` what the key stands for that ends here."""
END = "\n"
"""No word of any text."""
LONGEST = 24
"""Words that a name may go across, so that the work stays bounded on any text."""


def add(trie: Trie, key: Key, value: Any) -> bool:
    """Make a key findable; whether it is new. One that is there already keeps its value."""
    for word in key:
        trie = trie.setdefault(word, {})
    new = bool(key) and END not in trie
    if new:
        trie[END] = value
    return new


def get(trie: Trie, key: Key) -> Any:
    """The value of a key, None for one that was not added."""
    for word in key:
        if (below := trie.get(word)) is None:
            return None
        trie = below
    return trie.get(END)


def walk(
    trie: Trie,
    words: Sequence[str],
    at: int,
    skips: Callable[[int], bool],
    ends: Callable[[int], bool],
) -> Iterator[tuple[int, Any]]:
    """The value of every key that the words from `at` on spell, with the place of its last word.

    `skips`: a word that may stand inside a name without being part of it; `ends`: one after which no
    name goes on.
    """
    nodes = [trie]
    for last in range(at, min(len(words), at + LONGEST)):
        word = words[last]
        inside = [node[word] for node in nodes if word in node]
        for node in inside:
            if END in node:
                yield last, node[END]
        nodes = inside + nodes if last > at and skips(last) else inside
        if not nodes or ends(last):
            return
