# ruff: noqa: E501  (sample records stand on one line)
"""Damage one record among several: its neighbors must come out unchanged, and every record be accounted for.

`python structural.py --count 50000 --seed 1` runs a campaign; the tests run a short one.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import zstandard
from checks import check_line, check_trial
from seeds import CHICTR_LIST, CTIS, EUCTR, NATIVE, NCI, V1, V2, packed

from cart_nlp.registries import Entry, InputError, Rejected
from cart_nlp.registries.containers.feeds import Feed, decompressed
from cart_nlp.registries.reading import read_feed
from cart_nlp.schema import Trial

Join = Callable[[list[bytes]], bytes]


class Layout(NamedTuple):
    """A format: its nth record, how records become an input, and what damage is likely to break."""

    record: Callable[[int], bytes]
    join: Join
    tokens: list[bytes]


QUOTES = [b'"', b'""', b'",', b',"', b"\n", b'"\n', b"\xff", b"caf\xe9", b"\xe5\xb5", b"\0", b"\\", b"'"]
BRACKETS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"]}",
    b"}]",
    b"},",
    b"},{",
    b":",
    b",",
    b'{"id":',
    b'{"a":[',
    b"null",
    b"\\u00",
]
TAGS = [
    b"<",
    b">",
    b"</",
    b"&",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"</Trial>",
    b"</nct_id>",
    b"<x>",
    b"/>",
    b"=",
    b"<?",
]


def dumps(value: object, at: int) -> bytes:
    return json.dumps(value, ensure_ascii=at % 2 == 0, indent=None if at % 3 else 1).encode()


def native(at: int) -> bytes:
    arms = [{"id": str(each), "label": f"Arm {each}"} for each in range(at % 3)]
    return dumps(NATIVE | {"id": f"NCT{at:08d}", "arms": arms, "brief_title": f'CAR-T "{at}" [x] {{y}}'}, at)


def v2(at: int) -> bytes:
    study = copy.deepcopy(V2)
    study["protocolSection"]["identificationModule"] |= {"nctId": f"NCT{at:08d}", "briefTitle": f'B "{at}"'}
    return dumps(study, at)


def v1(at: int) -> bytes:
    study = copy.deepcopy(V1["FullStudiesResponse"]["FullStudies"][0])
    study["Study"]["ProtocolSection"]["IdentificationModule"]["NCTId"] = f"NCT{at:08d}"
    return dumps(study | {"Rank": at}, at)


def ctis(at: int) -> bytes:
    return dumps(CTIS | {"ctNumber": f"2023-5{at:05d}-11-00"}, at)


def nci(at: int) -> bytes:
    return dumps(NCI["data"][0] | {"nct_id": f"NCT{at:08d}", "nci_id": f"NCI-2020-{at:05d}"}, at)


def guessed(at: int) -> bytes:
    return dumps({"nct_id": f"NCT{at:08d}", "title": f"CD19 CAR-T {at}", "summary": "a (b), c"}, at)


def row(at: int, mark: str = ",") -> bytes:
    cells = [f"NCT{at:08d}", f'"CAR-T{mark} ""{at}"""' if at % 2 else "CAR-T", "COMPLETED",
             '"Two\nlines"' if at % 3 else '""', "Lymphoma|Leukemia", "BIOLOGICAL: CD19 CAR-T", "U", "PHASE1"]  # fmt: skip
    return mark.join(cells).encode()


def numbered_row(at: int) -> bytes:
    return f'{at},"X-{at:04d}","CAR-T; {at}","嵌合抗原 a text",I/II'.encode()


def clinical_study(at: int) -> bytes:
    return f"""<clinical_study><id_info><nct_id>NCT{at:08d}</nct_id></id_info><brief_title>GD2 CAR &amp; {at}</brief_title>
<brief_summary><textblock>嵌合 a text</textblock></brief_summary><phase>Phase 1</phase></clinical_study>""".encode()


def who_trial(at: int) -> bytes:
    return f"""<Trial><TrialID>JPRN-jRCT{2000000000 + at}</TrialID><Public_title>CAR-T &lt;br&gt; {at}</Public_title>
<Scientific_title>S</Scientific_title><Countries>Japan;Europe</Countries></Trial>""".encode()


def triall(at: int) -> bytes:
    return f"""<Triall><main><trial_id>ChiCTR{2000000000 + at}</trial_id><public_title>CAR-T 嵌合 {at}</public_title></main>
<countries><country2>China</country2></countries></Triall>""".encode()


def euctr(at: int) -> bytes:
    return EUCTR.replace("2022-002568-62", f"2022-00{at:04d}-62").encode()


def list_row(at: int) -> bytes:
    start, end = CHICTR_LIST.index("<tr>"), CHICTR_LIST.index("</table>")
    return CHICTR_LIST[start:end].replace("ChiCTR2500111173", f"ChiCTR{2500000000 + at}").encode()


def between(before: bytes, middle: bytes, after: bytes) -> Join:
    return lambda records: before + middle.join(records) + after


HEADER = b"NCT Number,Study Title,Study Status,Brief Summary,Conditions,Interventions,Sponsor,Phases"
LAYOUTS: dict[str, Layout] = {
    "v2 page": Layout(v2, between(b'{"totalCount": 9, "studies": [', b",", b'], "nextPageToken": "x"}'), BRACKETS + QUOTES),
    "v2 array": Layout(v2, between(b"[", b",\n", b"]"), BRACKETS + QUOTES),
    "v2 one after another": Layout(v2, between(b"", b"\n", b"\n"), BRACKETS + QUOTES),
    "v1": Layout(v1, between(b'{"FullStudiesResponse": {"NStudiesFound": 9, "FullStudies": [', b", ", b"]}}"), BRACKETS + QUOTES),
    "ctis": Layout(ctis, between(b"[", b",", b"]"), BRACKETS + QUOTES),
    "nci": Layout(nci, between(b'{"total": 9, "data": [', b",", b"]}"), BRACKETS + QUOTES),
    "native array": Layout(native, between(b"[\n", b",\n", b"\n]\n"), BRACKETS + QUOTES),
    "guessed array": Layout(guessed, between(b"[", b", ", b"]"), BRACKETS + QUOTES),
    "lines": Layout(lambda at: json.dumps(json.loads(native(at))).encode(), between(b"", b"\n", b"\n"), BRACKETS + QUOTES),
    "csv": Layout(row, between(HEADER + b"\r\n", b"\r\n", b"\r\n"), QUOTES),
    "tsv": Layout(lambda at: row(at, "\t"), between(HEADER.replace(b",", b"\t") + b"\n", b"\n", b"\n"), [*QUOTES, b"\t"]),
    "sep": Layout(lambda at: row(at, ";"), between(b"sep=;\n" + HEADER.replace(b",", b";") + b"\n", b"\n", b"\n"), [*QUOTES, b";"]),
    "own csv": Layout(numbered_row, between(b"No,id,title,summary,phase\n", b"\n", b"\n"), QUOTES),
    "ctgov xml": Layout(clinical_study, between(b'<?xml version="1.0" encoding="UTF-8"?>\n<all>', b"\n", b"\n</all>"), TAGS + QUOTES),
    "ictrp xml": Layout(who_trial, between(b"<Trials_downloaded_from_ICTRP>\n", b"\n", b"</Trials_downloaded_from_ICTRP>"), TAGS + QUOTES),
    "chictr xml": Layout(triall, between(b"<trials>", b"\n", b"</trials>"), TAGS + QUOTES),
    "euctr": Layout(euctr, between(b"", b"\n", b""), [*QUOTES, b"Summary\n", b"EudraCT Number: 2020-001234-11\n", b"A.2 ", b":"]),
    "chictr list": Layout(list_row, between(b'<html><body><table class="table1">', b"\n", b"</table></body></html>"), TAGS + QUOTES),
}  # fmt: skip


def damaged(noise: random.Random, record: bytes, tokens: list[bytes]) -> bytes:
    """A record with one to three faults."""
    data = bytearray(record)
    for _ in range(noise.choice((1, 1, 1, 2, 3))):
        at = noise.randrange(len(data) + 1)
        near = [place for place, byte in enumerate(data) if byte in b'"{}[]<>,:\n;']
        if near and noise.random() < 0.6:
            at = noise.choice(near)
        end = min(len(data), at + noise.choice((1, 1, 1, 2, 5, 40)))
        way = noise.randrange(6)
        if way == 0:
            del data[at:end]
        elif way == 1:
            data[at:at] = noise.choice(tokens)
        elif way == 2:
            data[at:end] = noise.choice(tokens)
        elif way == 3:
            data[at:at] = data[at:end] * noise.choice((1, 2, 9))
        elif way == 4 and at < len(data):
            data[at] ^= 1 << noise.randrange(8)
        else:
            del data[at:]
    return bytes(data)


class Fault(AssertionError):
    """What a campaign is looking for."""


def read(data: bytes, size: int) -> tuple[list[Trial], int]:
    """The trials, and how many rejects there were."""
    trials: list[Trial] = []
    rejects = 0
    source = Feed("input", iter([data[at : at + size] for at in range(0, len(data), size)]))
    for each in read_feed(decompressed(source), None, None, lambda said: check_line(said)):
        if isinstance(each, Entry):
            try:
                trial = each.trial()
            except Rejected:
                rejects += 1
            else:
                check_trial(trial)
                trials.append(trial)
        else:
            check_line(each.reason)
            rejects += 1
    return trials, rejects


@cache
def whole(name: str, at: int) -> Trial:
    """The nth trial of a layout, as it is read when nothing is broken."""
    found, rejects = read(LAYOUTS[name].join([LAYOUTS[name].record(at)]), 1 << 16)
    assert rejects == 0
    return found[0]


def check(noise: random.Random, name: str) -> str:
    """One mutation; returns what became of the damaged record. Raises Fault with the input."""
    layout = LAYOUTS[name]
    count = noise.choice((2, 3, 5, 9))
    first = noise.randrange(1, 300)
    records = [layout.record(at) for at in range(first, first + count)]
    at = noise.randrange(count)
    neighbors = [whole(name, first + each) for each in range(count) if each != at]
    broken = damaged(noise, records[at], layout.tokens)
    data = layout.join([*records[:at], broken, *records[at + 1 :]])
    packing = noise.randrange(30)
    packed_data = {0: lambda: gzip.compress(data, 1), 1: lambda: zstandard.compress(data),
                   2: lambda: packed({"a": data})}.get(packing, lambda: data)()  # fmt: skip
    try:
        found, rejects = read(packed_data, noise.choice((7, 100, 1 << 16)))
    except InputError as error:
        raise Fault(f"{name}: refused: {error}", data) from None
    lost = [trial.id for trial in neighbors if trial not in found]
    if lost:
        raise Fault(f"{name}: {lost} came to harm, {rejects} rejects", data)
    if whole(name, first + at).id.encode() in broken and len(found) + rejects < count:
        raise Fault(f"{name}: the damaged record is not accounted for", data)
    return "read" if len(found) == count else "rejected"


def main(arguments: list[str]) -> int:
    """Run a campaign; exit 1 after it if anything failed, with the first failing input of each kind kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layout", choices=LAYOUTS, action="append")
    parser.add_argument("--keep", type=Path, help="folder for failing inputs")
    chosen = parser.parse_args(arguments)
    names = chosen.layout or list(LAYOUTS)
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    began = time.perf_counter()
    for at in range(chosen.count):
        name = names[at % len(names)]
        noise = random.Random(f"{chosen.seed}/{at}")
        try:
            counts[check(noise, name)] += 1
        except Fault as fault:
            faults[name] += 1
            print(f"{at}: {fault.args[0]}")
            if chosen.keep and faults[name] < 20:
                (chosen.keep / f"{name.replace(' ', '-')}-{at}").write_bytes(fault.args[1])
        except Exception:
            print(f"{at}: {name}", file=sys.stderr)
            raise
    print(f"{chosen.count:,} mutations, seed {chosen.seed}: {dict(counts)}, faults {dict(faults)}")
    print(f"{time.perf_counter() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
