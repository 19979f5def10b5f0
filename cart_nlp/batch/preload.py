"""What the server of worker processes imports: the pipeline, loaded once for all that are copied from it."""

from __future__ import annotations

import contextlib
import json
import os

from cart_nlp.batch.jobs import FAULTS, TaggerSource
from cart_nlp.batch.processes import PRELOAD
from cart_nlp.batch.worker import load_tagger, tagger_of
from cart_nlp.lexicon import LexiconError

if wanted := os.environ.pop(PRELOAD, ""):  # it is not set where a program imports this
    # The run tells the user what is wrong with a lexicon, a worker the rest.
    with contextlib.suppress(OSError, ImportError, LexiconError, *FAULTS):
        tagger_of(TaggerSource(load_tagger, (tuple(json.loads(wanted)),)))
