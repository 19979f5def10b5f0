"""The extension attributes of Docs and Spans in which the pipeline keeps what it decides."""

from __future__ import annotations

from spacy.tokens import Doc, Span


def register() -> None:
    """Declare the extensions; done once a process, harmless again.

    `doc._.cart_sections`: [key, start, end] of each section, characters of the Doc. `doc._.cart_short_forms`:
    short form → long form. `doc._.cart`: what was decided, plain values by name. `span._.cart_role`: what a
    mention of an antigen does there.

    Raises ValueError if another library has declared one of them otherwise.
    """
    for name in ("cart_sections", "cart_short_forms", "cart", "cart_trial"):
        _declare(Doc, name, None)
    _declare(Span, "cart_role", "")


def _declare(holder: type[Doc] | type[Span], name: str, default: str | None) -> None:
    if not holder.has_extension(name):
        holder.set_extension(name, default=default)
    elif holder.get_extension(name) != (default, None, None, None):
        what = f"{holder.__name__.lower()}._.{name}"
        raise ValueError(
            f"cart_nlp: {what} was declared by another library before; "
            f"take it away with {holder.__name__}.remove_extension({name!r}), or run the two apart"
        )
