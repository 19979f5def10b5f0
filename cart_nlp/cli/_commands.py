"""What commands there are."""

COMMANDS = {
    "tag": "Read dumps and write one record per CAR trial.",
    "show": "Tag one text or one trial and print it with its evidence.",
    "evaluate": "Score records against a gold set.",
    "landscape": "Tables, tests and figures of a landscape review.",
    "view": "Records with highlighted evidence as one HTML page.",
    "review": "What to read first: records by the chance of an error.",
    "corrections": "Check a curator's corrections; merge those of two.",
    "lexicon": "Check, look up and extend the lexicons.",
    "gold": "Exchange gold records with annotation tools.",
    "diff": "What changed between two sets of records.",
    "schema": "The JSON Schema of a record, and the dictionary of its fields and values.",
    "fetch": "Download studies from ClinicalTrials.gov's v2 API.",
}
"""Command -> one line of help; the module `cart_nlp.cli.<command>` holds it."""

RECORDS = "What `cart-nlp tag` wrote, in any of its formats"
CORRECTIONS = ".csv, .jsonl or .xlsx"
"""What is read, for the help of the commands that read it."""
