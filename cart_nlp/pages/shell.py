"""Self-contained pages: templates, and data inside them that no text can break out of."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cart_nlp.writers.flat import clean, escaped

TEMPLATES = Path(__file__).resolve().parent / "templates"
# As \u escapes these do not end a script element, and JSON.parse reads them back.
_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))


def embed(data: Any) -> Markup:
    """JSON for a script element of type application/json; `</script>` and `<!--` in it are inert.

    So is what would drive the terminal that prints the page: it stands as escapes, the data are the same.
    """
    text = escaped(orjson.dumps(_sound(data))).decode()
    for plain, inert in _ESCAPES:
        text = text.replace(plain, inert)
    return Markup(text)


def _sound(data: Any) -> Any:
    """Lone surrogates, which UTF-8 cannot hold, become the replacement mark."""
    try:
        orjson.dumps(data)
    except TypeError:
        if isinstance(data, str):
            return data.encode("utf-8", "replace").decode()
        if isinstance(data, dict):
            return {str(_sound(key)): _sound(value) for key, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [_sound(value) for value in data]
        raise
    return data


def web(url: str) -> str:
    """The address if a browser may follow it, otherwise the empty string."""
    return url if url.startswith(("https://", "http://")) else ""


def data_uri(svg: bytes) -> str:
    """An SVG as the address of an image: nothing in it can run, its ids meet no others."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def render(name: str, **context: Any) -> str:
    """The page NAME.html.j2 with the shell's and its own script and style inline.

    Its policy lets nothing but this script run, nothing but this style apply, and nothing load.
    """
    code, look = (f"{_text(f'shell.{kind}')}\n{_text(f'{name}.{kind}')}" for kind in ("js", "css"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(look)}'; script-src '{_hash(code)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    made = _environment().get_template(f"{name}.html.j2")
    # Hashes and keywords only: nothing in the policy needs escaping.
    return made.render(policy=Markup(policy), code=Markup(code), look=Markup(look), **context)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters["web"] = web
    return made


def _shown(value: Any) -> Any:
    """What a template prints, on one line and without control characters; not what is markup of ours."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Strings:
    """A pool of strings: text that repeats a thousand times is stored once and named by its number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a string, new or known."""
        return self.numbers.setdefault(text, len(self.numbers))

    def pool(self) -> list[str]:
        """All strings in the order of their numbers."""
        return list(self.numbers)
