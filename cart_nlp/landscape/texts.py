"""What a report needs from the trials' own text: the follow-up that it plans."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cart_nlp.curation.laying import read_trials
from cart_nlp.followup import planned


def with_follow_up(df: pd.DataFrame, texts: Iterable[Path]) -> pd.DataFrame:
    """The records with `follow_up_years`, the longest that each trial's text plans, and its evidence."""
    sections = {one: t.sections for one, t in read_trials(texts, set(df["trial_id"])).items()}
    found = [planned(sections.get(i, {})) for i in df["trial_id"]]
    df = df.copy()
    df["follow_up_years"] = pd.Series([f.years if f else None for f in found], df.index, dtype=object)
    df["has_text"] = pd.Series([bool(sections.get(i)) for i in df["trial_id"]], df.index, dtype=bool)
    df["evidence"] = pd.Series(
        [(*e, f.evidence()) if f else e for e, f in zip(df["evidence"], found, strict=True)],
        df.index,
        dtype=object,
    )
    return df
