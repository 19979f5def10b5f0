"""What the pages of landscape, view and evaluate share: shell, policy, escaping, embedded data."""

from cart_nlp.pages.shell import Strings, data_uri, embed, render, web

MARK = b'<meta name="generator" content="cart-nlp">'
"""By which a page of ours is known."""

__all__ = ["MARK", "Strings", "data_uri", "embed", "render", "web"]
