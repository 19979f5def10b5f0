# ruff: noqa: E501  (sample records stand on one line)
"""Mutate the seeds of every format, many thousand times, with a fixed seed: `python campaign.py --help`."""

from __future__ import annotations

import argparse
import gzip
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from checks import check_readers, check_trial
from seeds import packed, regressions, seeds

from cart_nlp.schema import Trial

TOKENS = [
    b'"', b"{", b"}", b"[", b"]", b"<", b">", b"</", b"&", b"&#0;", b"&#x1F;", b"&lol9;", b"&nbsp;", b"|", b",",
    b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\\u0000",
    b"NaN", b"1e999", b"-0", b"9" * 400, b"null", b'"id":', b'"id": null,', b"<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    b"<!DOCTYPE x [", b"<![CDATA[", b"]]>", b"<!--", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xc2\xa0", b"\xe2\x80\x91",
    b"\xd0\xa1AR-T", b"CAR-T", b"CD19/CD22", b"\x1b[31m", b"=cmd|' /C calc'!A0", b"NCT00000001", b"Trial", b"<Trial>",
    b"</Trial>", b"<clinical_study>", b"EudraCT Number: ", b"A.3 x:", b"D.IMP: 1\n", b'{"studies":[', b"(((((", b"[" * 50,
    "嵌合抗原受体".encode(), "嵌合抗原受体".encode("gb18030"), b"\xc3", b" " * 300, b"ab" * 300, b"-" * 300,
]  # fmt: skip


def mutated(noise: random.Random, pool: list[bytes]) -> bytes:
    """One input: a seed, changed in one to eight ways, now and then packed."""
    data = bytearray(noise.choice(pool))
    for _ in range(noise.choice((1, 1, 2, 3, 5, 8))):
        at = noise.randrange(len(data) + 1)
        end = min(len(data), at + int(noise.expovariate(1 / 20)) + 1)
        way = noise.randrange(8)
        if way == 0 and at < len(data):
            data[at] ^= 1 << noise.randrange(8)
        elif way == 1:
            del data[at:end]
        elif way == 2:
            data[at:at] = data[at:end] * noise.choice((1, 2, 50))
        elif way == 3:
            data[at:end] = noise.choice(TOKENS)
        elif way == 4:
            data[at:at] = noise.choice(TOKENS) * noise.choice((1, 1, 3, 40))
        elif way == 5:
            other = noise.choice(pool)
            start = noise.randrange(len(other) + 1)
            data[at:end] = other[start : start + noise.randrange(1, 400)]
        elif way == 6 and noise.random() < 0.3:
            del data[at:]
        else:
            data[at:end] = noise.randbytes(noise.randrange(1, 9))
    found = bytes(data[: 1 << 17])
    packing = noise.randrange(40)
    if packing == 0:
        found = gzip.compress(found, 1)
        return found[: noise.randrange(len(found) + 1)] if noise.random() < 0.5 else found
    if packing == 1:
        return packed({"a": found, "b.json": pool[0]})
    if packing == 2:
        return found.decode("utf-8", "replace").encode(
            noise.choice(("utf-16", "utf-16-le", "gb18030", "utf-8-sig"))
        )
    return found


def main(arguments: list[str]) -> int:
    """Run a campaign and print its figures; exit 1 at the first failure, which is kept as a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tag", type=int, default=0, metavar="N", help="tag every Nth input's text as well")
    parser.add_argument("--keep", type=Path, default=Path("failure.bin"), help="where a failing input goes")
    chosen = parser.parse_args(arguments)
    noise = random.Random(chosen.seed)
    pool = [*seeds().values(), *regressions().values()]
    tagger = _tagger() if chosen.tag else None
    counts: Counter[str] = Counter()
    slowest = 0.0
    began = time.perf_counter()
    for at in range(chosen.count):
        data = mutated(noise, pool)
        size = noise.choice((1, 7, 100, 1 << 16))
        start = time.perf_counter()
        try:
            counts += check_readers(data, size if len(data) < 20_000 else 1 << 16)
            if tagger and at % chosen.tag == 0:
                tagger(data.decode("utf-8", "replace")[:4000])
                counts["tagged"] += 1
        except BaseException:
            chosen.keep.write_bytes(data)
            print(f"input {at} of seed {chosen.seed} failed; it is in {chosen.keep}", file=sys.stderr)
            raise
        took = time.perf_counter() - start
        slowest = max(slowest, took)
        if took > 5:
            chosen.keep.write_bytes(data)
            print(
                f"input {at} of seed {chosen.seed} took {took:.1f} s; it is in {chosen.keep}", file=sys.stderr
            )
            return 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{chosen.count:,} inputs, seed {chosen.seed}: {dict(counts)}")
    print(f"slowest {slowest:.2f} s, memory {memory:.0f} MB, {time.perf_counter() - began:.0f} s in all")
    return 0


def _tagger():
    import cart_nlp

    def tag(text: str) -> None:
        clean = text.replace("\ud800", " ") or "-"
        trial = Trial(id="X", sections={"brief_title": clean[:300], "brief_summary": clean})
        check_trial(trial)
        record = cart_nlp.tag(trial)
        for each in record.evidence:
            if each.basis == "text":
                assert trial.sections[each.section][each.start : each.end] == each.text

    tag("CD19 CAR-T")  # loads the pipeline, so that no input is charged with it
    return tag


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
