"""What the site adds to the pages of this folder: pages kept elsewhere, the commands, the dictionary."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "lexicons/README.md": "lexicons.md",
    "benchmarks/gold/README.md": "gold.md",
}
"""Page of the project that is no document of this folder -> its name on the site."""
_SHIM = "https://unpkg.com/iframe-worker/shim"
_CODE = re.compile(r"(<pre[^>]*>(?:<span></span>)?)<code")
_EXAMPLE = re.compile(r"(?:<blockquote>\s*){3}<p>(.*?)</p>\s*(?:</blockquote>\s*){3}", re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]*)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are kept elsewhere."""
    for source, name in ELSEWHERE.items():
        if name != "readme.md":
            files.append(File.generated(config, name, content=(ROOT / source).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is made from the code, and turn links of the checkout into links of the site."""
    name = page.file.src_uri
    home = {site: source for source, site in ELSEWHERE.items()}.get(name, f"docs/{name}")
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", commands())
    if "<!-- dictionary -->" in markdown:
        markdown = markdown.replace("<!-- dictionary -->", dictionary())
    if name.startswith("reference/"):
        return markdown
    return _LINK.sub(lambda found: _link(found, Path(home), Path(name)), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """An example of a docstring begins with >>>, which Markdown takes for a quotation in a quotation."""
    return _EXAMPLE.sub(r"<pre><code>&gt;&gt;&gt; \1</code></pre>", html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Put right what the theme does not do for a page on a disk, or for somebody who cannot see it.

    It fetches its shim of workers from elsewhere, leaves the search without a name, and blocks of code out of
    reach of the keyboard.
    """
    output = output.replace(
        _SHIM, os.path.relpath("assets/iframe-worker.js", Path(page.file.dest_uri).parent)
    )
    output = output.replace(' role="dialog"', ' role="dialog" aria-label="Search"', 1)
    return _CODE.sub(r'\1<code tabindex="0"', output)


def on_post_build(config: Any, **_: Any) -> None:
    """The theme's page for an address that is not there looks for its files at the root of a server."""
    Path(config["site_dir"], "404.html").unlink(missing_ok=True)


def _link(found: re.Match[str], home: Path, page: Path) -> str:
    text, target, anchor = found[1], found[2], found[3] or ""
    if not target or "://" in target or target.startswith("mailto:"):
        return found[0]
    path = os.path.normpath(home.parent / target)
    if path in ELSEWHERE:
        inside = "index.md" if path == "README.md" else ELSEWHERE[path]
        anchor = "" if path == "README.md" else anchor
    elif path.startswith("docs/") and (ROOT / path).is_file():
        inside = path.removeprefix("docs/")
    else:
        return text  # a file of the checkout that is no page
    return f"[{text}]({os.path.relpath(inside, page.parent or '.')}{anchor})"


def commands() -> str:
    """The help of every command, as it is printed."""
    from cart_nlp.cli import COMMANDS
    from cart_nlp.cli._running import command_of, leaves

    parts = []
    for name in COMMANDS:
        for path, command in leaves(name, command_of(name, importlib.import_module(f"cart_nlp.cli.{name}"))):
            context = command.context_class(command, info_name=f"cart-nlp {path}", terminal_width=72)
            parts.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts)


def dictionary() -> str:
    """Every field with its type; values and meanings stand on the page of the labels."""
    from cart_nlp.dictionary import entries

    lines = ["| field | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{entry.field}` | {entry.type} | {entry.meaning} |" for entry in entries() if not entry.value
    ]
    return "\n".join(lines)
