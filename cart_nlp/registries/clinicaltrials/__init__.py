"""ClinicalTrials.gov in each of its layouts, and AACT, its relational copy."""
