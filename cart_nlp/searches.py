"""Which search brought a dump: a file beside it, by which `tag` and `landscape` know."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from cart_nlp import __version__, shallow
from cart_nlp.places import begun

SUFFIX = ".fetch.json"


def note(part: Path, final: Path, search: dict[str, Any]) -> None:
    """Write OUT.fetch.json for a dump that is complete at `part` and about to be put at `final`."""
    with part.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    content = {"tool": "cart-nlp fetch", "version": __version__, "search": search, "sha256": sha256}
    beside = final.with_name(final.name + SUFFIX)
    written = beside.with_name(beside.name + ".cart-nlp-part")
    try:
        with begun(written) as out:
            out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        written.replace(beside)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def search_of(dump: Path, sha256: str) -> dict[str, Any] | None:
    """The search behind a dump with this hash; None where none is noted, or one of another dump."""
    dump = dump.resolve()  # `fetch` writes through a link
    beside = dump.with_name(dump.name + SUFFIX)
    try:
        content = shallow.json_of(beside.read_bytes(), orjson.loads)
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("sha256") != sha256:
        return None
    search = content.get("search")
    return search if isinstance(search, dict) else None
