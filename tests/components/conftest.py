"""One pipeline for all tests of the components: it takes a second to load."""

import pytest
from spacy.language import Language

from cart_nlp.pipeline import load


@pytest.fixture(scope="session")
def nlp() -> Language:
    return load()
