"""What the pages of landscape, view and evaluate share: shell, policy, escaping, embedded data."""

from cart_nlp.pages.shell import Strings, data_uri, embed, render, web

__all__ = ["Strings", "data_uri", "embed", "render", "web"]
