"""Evidence on real registry text: offsets slice the original words, every value has some, two runs agree."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cart_nlp.pipeline import load, tag_trial
from cart_nlp.registries import read
from cart_nlp.registries.entry import Entry
from cart_nlp.schema import TAGGED_FIELDS, Trial

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
EVERY = 3

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="needs the real corpus at ../shared/corpus"),
]


def trials(tmp_path: Path) -> Iterator[Trial]:
    """Every third trial of the CAR trials and of the labeled ones."""
    lines = gzip.decompress((CORPUS / "car-trials.jsonl.gz").read_bytes()).decode().splitlines()
    gold = (CORPUS / "gold-dev.jsonl").read_text(encoding="utf-8").splitlines()
    lines += [json.dumps(json.loads(line)["trial"]) for line in gold]
    dump = tmp_path / "some.jsonl"
    dump.write_text("\n".join(lines[::EVERY]), encoding="utf-8")
    for entry in read(dump):
        assert isinstance(entry, Entry)
        yield entry.trial()


def test_evidence(tmp_path: Path) -> None:
    nlp = load()
    count = 0
    for trial in trials(tmp_path):
        record = tag_trial(nlp, trial)
        for e in record.evidence:
            if e.basis in ("text", "product"):
                assert trial.sections[e.section][e.start : e.end] == e.text, (trial.id, e.field, e.rule)
                assert e.text.strip(), (trial.id, e.field, e.rule)
        for field in TAGGED_FIELDS:
            value = getattr(record, field)
            values = value if isinstance(value, tuple) else (value,) if value else ()
            told = {e.value for e in record.evidence if e.field == field}
            assert {str(each) for each in values} == told, (trial.id, field)
            assert list(values) == sorted(set(values)), (trial.id, field)
        in_constructs = {target for construct in record.constructs for target in construct.targets}
        assert in_constructs == set(record.targets), trial.id
        if count % 40 == 0:
            assert tag_trial(nlp, trial) == record, trial.id
        count += 1
    assert count > 500
