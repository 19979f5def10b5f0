from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import permutations

import pytest

from cart_nlp.registries import dedupe
from cart_nlp.registries.dedupe import Merge, merge
from cart_nlp.registries.values import normalize
from cart_nlp.registries.values.identifiers import identities, registry_of, url_of
from cart_nlp.schema import Trial


def trial(number: str, *others: str, title: str = "", **fields: object) -> Trial:
    return Trial(
        id=number,
        registry=registry_of(number),
        sections={"brief_title": title or f"Title of {number}"},
        secondary_ids=others,
        **fields,  # type: ignore[arg-type]
    )


def merged(*trials: Trial) -> tuple[list[Trial], list[Merge]]:
    notes: list[Merge] = []
    return list(merge(trials, notes.append)), notes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NCT01234567", ("NCT01234567",)),
        ("nct01234567", ("NCT01234567",)),
        ("EUCTR2019-001234-56-DE", ("2019-001234-56",)),
        ("2019-001234-56", ("2019-001234-56",)),
        ("CTIS2023-507385-11-00", ("2023-507385-11",)),
        ("2023-507385-11-00", ("2023-507385-11",)),
        ("ChiCTR-OIC-17011310", ("CHICTR17011310",)),
        ("ChiCTR1800014870", ("CHICTR1800014870",)),
        ("U1111-1296-5487;2022-003405-30;NCT05697861", ("NCT05697861", "2022-003405-30", "U1111-1296-5487")),
        ("JPRN-jRCT2033200149", ("JRCT2033200149",)),
        ("JPRN-UMIN000012345", ("UMIN000012345",)),
        ("JapicCTI-184242", ("JAPICCTI-184242",)),
        ("ISRCTN12345678", ("ISRCTN12345678",)),
        ("DRKS00032447", ("DRKS00032447",)),
        ("CTRI/2021/05/033348", ("CTRI/2021/05/033348",)),
        ("NCI-2020-08118", ("NCI-2020-08118",)),
        ("PHASE-2020-12", ()),
        ("XNCT012345678", ()),
        ("12-C-0112", ()),
        ("", ()),
    ],
)
def test_identities(text: str, found: tuple[str, ...]) -> None:
    assert identities([text]) == found


def test_pages() -> None:
    assert url_of("NCT01234567") == "https://clinicaltrials.gov/study/NCT01234567"
    assert url_of("2023-507385-11-00").endswith("/view/2023-507385-11-00")
    assert url_of("X-1") == ""


def test_records_that_name_each_other_become_one() -> None:
    found, notes = merged(
        trial("ChiCTR1800014870", "NCT00000001", countries=("China",), enrollment=20),
        trial("NCT00000009"),
        trial("NCT00000001", "2019-001234-56", countries=("Spain",)),
        trial("EUCTR2019-001234-56-ES", title="EU title"),
    )
    assert [each.id for each in found] == ["NCT00000001", "NCT00000009"]
    assert found[0].sections == {
        "brief_title": "Title of NCT00000001",
        "ChiCTR1800014870/brief_title": "Title of ChiCTR1800014870",
        "EUCTR2019-001234-56-ES/brief_title": "EU title",
    }
    assert found[0].countries == ("China", "Spain")
    assert found[0].enrollment == 20
    assert found[0].secondary_ids == ("2019-001234-56", "ChiCTR1800014870", "EUCTR2019-001234-56-ES")
    assert notes == [
        Merge(
            "NCT00000001",
            ("ChiCTR1800014870", "EUCTR2019-001234-56-ES"),
            ("NCT00000001", "2019-001234-56"),
        )
    ]
    assert "merged ChiCTR1800014870" in str(notes[0])


def test_two_registrations_in_one_registry_stay_two() -> None:
    found, notes = merged(trial("NCT00000001", "2019-001234-56"), trial("NCT00000002", "2019-001234-56"))
    assert [each.id for each in found] == ["NCT00000001", "NCT00000002"]
    assert notes == [Merge("NCT00000001", ("NCT00000002",), ("2019-001234-56",), refused=True)]
    assert "not merged" in str(notes[0])


def test_the_same_record_twice_is_written_once() -> None:
    found, notes = merged(
        trial("NCT00000001"), trial("NCT00000001"), trial("NCT00000001", title="Longer, changed title")
    )
    assert len(found) == 1
    assert found[0].sections == {
        "brief_title": "Longer, changed title",
        "NCT00000001/brief_title": "Title of NCT00000001",
    }
    assert notes[0].merged == ("NCT00000001", "NCT00000001")


def test_records_of_no_known_registry_merge_only_with_themselves() -> None:
    found, _ = merged(trial("A-1"), trial("B-1", "A-1"), trial("A-1"))
    assert [each.id for each in found] == ["A-1", "B-1"]


def test_raw_values_and_scalars_of_the_lead_win() -> None:
    found, _ = merged(
        trial("NCT00000001", status="COMPLETED", raw={"status": "Completed"}),
        trial(
            "DRKS00000001", "NCT00000001", status="RECRUITING", phase="PHASE1", raw={"status": "recruiting"}
        ),
    )
    assert (found[0].status, found[0].phase) == ("COMPLETED", "PHASE1")
    assert found[0].raw == {"status": "Completed", "DRKS00000001/status": "recruiting"}


def test_collaborators_of_all_records_stay_with_their_classes() -> None:
    records = [
        trial(
            "NCT00000001", collaborators=("A", "B"), collaborator_classes=("", "OTHER"), sponsor_class="OTHER"
        ),
        trial("DRKS00000001", "NCT00000001", collaborators=("C",)),
        trial(
            "ISRCTN00000001",
            "NCT00000001",
            collaborators=("B", "A", "D"),
            collaborator_classes=("NIH", "FED", "INDUSTRY"),
        ),
    ]
    for order in permutations(records):
        ((found,), _) = merged(*order)
        classes = dict(zip(found.collaborators, found.collaborator_classes, strict=True))
        assert classes == {"A": "FED", "B": "OTHER", "C": "", "D": "INDUSTRY"}
        assert found.collaborators == ("A", "B", "C", "D")
        paid = found.sponsor_class, found.collaborator_classes, found.sponsor, found.collaborators
        assert normalize.funding(*paid) == "mixed"
    ((found,), _) = merged(*records[:1], trial("NCT00000001"))
    assert found.collaborator_classes == ("", "OTHER")
    ((found,), _) = merged(records[1], trial("DRKS00000001"))
    assert (found.collaborators, found.collaborator_classes) == (("C",), ())


def test_publications_of_all_records_keep_their_types() -> None:
    one, other = {"pmid": "1", "type": ""}, {"pmid": "2", "type": "DERIVED"}
    found, _ = merged(
        trial("NCT00000001", pmids=("1",), references=(one,)),
        trial("DRKS00000001", "NCT00000001", pmids=("2", "1"), references=(other, one | {"type": "RESULT"})),
    )
    assert found[0].pmids == ("1", "2")
    assert [(each.pmid, each.type) for each in found[0].references] == [("1", "RESULT"), ("2", "DERIVED")]


def test_nothing_is_lost_whatever_the_order() -> None:
    """Against a brute-force closure: the same groups come out of every order of the records."""
    noise = random.Random(5)
    kinds = ("NCT0000000{}", "2019-00000{}-11", "DRKS0000000{}")
    records = [
        trial(kind.format(at), kinds[(k + 1) % 3].format(at))
        for k, kind in enumerate(kinds)
        for at in range(8)
    ]
    for _ in range(20):
        noise.shuffle(records)
        found, notes = merged(*records)
        assert sorted(each.id for each in found) == [f"NCT0000000{at}" for at in range(8)]
        assert all(len(each.sections) == 3 for each in found)
        assert sum(len(note.merged) for note in notes) == 16


def test_memory_holds_numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records wait in a file: what is kept of each is a handful of small objects."""
    import tracemalloc

    text = "x" * 100_000
    tracemalloc.start()
    count = sum(1 for _ in merge(trial(f"NCT{at:08d}", title=text + str(at)) for at in range(300)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300
    assert peak < 10 * len(text)


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dedupe.tempfile, "TemporaryFile", full)
    with pytest.raises(dedupe.InputError, match="No space left on device; set TMPDIR"):
        list(merge([trial("NCT00000001")]))


def shared_number(count: int) -> list[Trial]:
    return [trial(f"NCT{n:08}", "2019-001234-56") for n in range(count)]


def shared_numbers(count: int) -> list[Trial]:
    shared = [f"2019-{n:06}-12" for n in range(8)]
    return [trial(f"NCT{n:08}", *shared, *(f"NCT{n + k:08}" for k in (1, 2, 3))) for n in range(count)]


def one_trial(count: int) -> list[Trial]:
    return [trial("NCT00000001", title=f"Version {n}", pmids=(str(n),)) for n in range(count)]


def star(count: int) -> list[Trial]:
    return [trial("NCT00000001", *(f"DRKS{n:08}" for n in range(count)))] + [
        trial(f"DRKS{n:08}") for n in range(count)
    ]


@pytest.mark.parametrize("make", [shared_number, shared_numbers, one_trial, star])
def test_time_and_report_grow_with_the_records_only(make: Callable[[int], list[Trial]]) -> None:
    def measured(count: int) -> tuple[float, int]:
        """Seconds of the processor, the least of three, and the length of the report."""
        trials, took = make(count), []
        for _ in range(3):
            notes: list[Merge] = []
            began = time.process_time()
            assert list(merge(trials, notes.append))
            took.append(time.process_time() - began)
        return min(took), sum(len(str(note)) for note in notes)

    (short, said), (long, said_then) = measured(500), measured(2_000)
    assert long < 4 * 2.5 * short + 0.5
    assert said_then <= 4 * 1.5 * said + 1_000


def test_registrations_that_share_a_number_are_told_once_each() -> None:
    whole, notes = merged(*shared_number(100))
    assert len(whole) == 100
    assert [note.refused for note in notes] == [True] * 99
    assert {note.merged[0] for note in notes} == {f"NCT{n:08}" for n in range(1, 100)}
