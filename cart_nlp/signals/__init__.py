"""Named facts about mentions and trials, on which the scorers rest."""
