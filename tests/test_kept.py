"""What is kept of compiled lexicons changes nothing that is found, and is never out of date."""

import hashlib
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from cart_nlp import kept, lexicon, search
from cart_nlp.conditions import Reader
from cart_nlp.lexicon import Lexicon, Term
from cart_nlp.ontology import Ontology
from cart_nlp.screening import Screen, hits_of
from cart_nlp.text import lower, spellings
from cart_nlp.vocabulary import Vocabulary

TEXT = (
    "CD19xCD22 CAR-T or huCART-meso (IL7R, mesothelin) with 4-1BB; not CD 28. iC9, RA, ALL, lentiviral vector"
)
CONDITIONS = (
    "Leukaemia, Myeloid, Acute; relapsed B-cell leukemia and lymphoma (RA), kidney tumours, Lupus, ALL"
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to keep things in."""
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def said(known: Lexicon) -> tuple:
    """All that a lexicon holds, and what its compiled forms find."""
    low = TEXT.lower()
    vocabulary = Vocabulary(known)
    rows = {name: list(map(str, table)) for name, table in known.rules.items()}
    return (
        list(known.concepts.items()),
        *(known.terms, known.stops, known.cue_rows, known.patterns, known.qualifiers, known.digest),
        *(known.files, rows, known.cd_numbers),
        vocabulary.terms(TEXT, low),
        vocabulary.cues(low),
        Reader(known, Ontology(known)).read(CONDITIONS),
    )


def folder_of(tmp_path: Path, alias: str) -> Path:
    layer = tmp_path / "mine"
    layer.mkdir(exist_ok=True)
    (layer / "antigens.csv").write_text(f"name,aliases\nQQP7,{alias}\n", "utf-8")
    return layer


def test_what_is_kept_says_the_same_as_what_is_compiled(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = folder_of(tmp_path, "quaxin")
    made = said(lexicon.load(layer))
    assert sorted(path.name.partition("-")[0] for path in place.iterdir()) == [
        "diseases",
        "lexicon",
        "spellings",
    ]
    with monkeypatch.context() as patch:  # nothing is compiled now
        for module, name in (("lexicon", "_tables"), ("vocabulary", "_spelled"), ("conditions", "_names")):
            patch.delattr(f"cart_nlp.{module}.{name}")
        again = said(lexicon.load(layer))
    monkeypatch.setenv(kept.VARIABLE, "")
    assert made == again == said(lexicon.load(layer))


def test_a_changed_lexicon_is_read_anew(place: Path, tmp_path: Path) -> None:
    def found(alias: str) -> list[str]:
        known = lexicon.load(folder_of(tmp_path, alias))
        return [term.concept for term in Vocabulary(known).terms("quaxin, quoxin", "quaxin, quoxin")]

    assert found("quaxin") == ["QQP7"]
    assert found("quaxin | quoxin") == ["QQP7", "QQP7"]
    assert found("other") == []


def test_terms_added_to_a_lexicon_are_found_and_not_kept(place: Path) -> None:
    known = lexicon.load()
    Vocabulary(known)
    before = set(place.iterdir())
    more = known.with_terms([Term("quaxin", known.concepts["antigen", "CD19"], False, False)])
    assert [term.concept for term in Vocabulary(more).terms("quaxin", "quaxin")] == ["CD19"]
    assert set(place.iterdir()) == before


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "none of ours", "a folder"])
def test_what_is_damaged_is_made_anew(place: Path, damage: str) -> None:
    def make() -> list[str]:
        made.append(1)
        return ["CD19"]

    made: list[int] = []
    assert kept.kept("some", b"k", [__name__], make) == ["CD19"]
    assert kept.kept("some", b"k", [__name__], make) == ["CD19"]
    assert len(made) == 1
    (path,) = place.iterdir()
    content = path.read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(
            {
                "cut": content[:-3],
                "changed": content.replace(b"CD19", b"CD22"),
                "empty": b"",
                "none of ours": b'["CD22"]',
            }[damage]
        )
    assert kept.kept("some", b"k", [__name__], make) == ["CD19"]
    assert len(made) == 2
    if damage != "a folder":
        assert path.read_bytes() == content


def test_where_nothing_can_be_written_nothing_is_kept(place: Path) -> None:
    place.write_text("a file where the folder should be")
    assert kept.kept("some", b"k", [__name__], lambda: 1) == 1
    assert kept.kept("some", b"k", [__name__], lambda: 2) == 2


def test_what_json_cannot_hold_is_not_kept(place: Path) -> None:
    assert kept.kept("some", b"k", [__name__], lambda: ["\ud800"]) == ["\ud800"]
    assert not place.exists() or not list(place.iterdir())


def test_other_code_and_other_keys_are_kept_apart(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("made_up")
    module.__file__ = str(tmp_path / "made_up.py")
    monkeypatch.setitem(sys.modules, "made_up", module)

    def value(code: str, key: bytes, new: int) -> int:
        Path(module.__file__ or "").write_text(code)
        kept._made_by.cache_clear()  # as in another process
        return kept.kept("some", key, ["made_up"], lambda: new)

    assert value("a = 1", b"k", 1) == 1
    assert value("a = 1", b"k", 2) == 1
    assert value("a = 2", b"k", 3) == 3
    assert value("a = 2", b"l", 4) == 4
    assert value("a = 1", b"k", 5) == 1


def test_the_oldest_of_a_kind_go(place: Path) -> None:
    for number in range(kept.MOST + 3):
        kept.kept("some", bytes([number]), [__name__], lambda: 1)
        kept.kept("other", b"k", [__name__], lambda: 1)
    names = [path.name.partition("-")[0] for path in place.iterdir()]
    assert (names.count("some"), names.count("other")) == (kept.MOST, 1)


def test_processes_that_begin_at_once_find_the_same(place: Path) -> None:
    code = (
        "from cart_nlp import tag; print(tag('CD19/CD22 tandem CAR-T with 4-1BB, Lupus').model_dump_json())"
    )
    begun = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = {process.communicate()[0] for process in begun}
    assert [process.returncode for process in begun] == [0, 0]
    assert len(told) == 1 and json.loads(told.pop())["targets"] == ["CD19", "CD22"]
    assert sorted(path.suffix for path in place.iterdir()) == [".json"] * 3


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({kept.VARIABLE: ""}, None),
        ({kept.VARIABLE: "/else/where"}, "/else/where"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/cart-nlp"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/home/me"}, "/home/me/.cache/cart-nlp"),
        ({"HOME": "/home/me"}, "/home/me/.cache/cart-nlp"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_folder(variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (kept.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = kept.folder()
    assert (None if found is None else str(found)) == expected


def test_every_spelling_tells_its_concepts() -> None:
    known = lexicon.load()
    table: dict[str, list] = {}
    for term in known.terms:
        for spelling in spellings(lower(term.text)):
            found = table.setdefault(spelling, [])
            if term.concept not in found:
                found.append(term.concept)
    assert {spelling: list(known.folded[spelling]) for spelling in known.folded} == table
    for none in ("cd19-", "c d19", " cd19", "quaxin", "", "-"):
        assert none not in known.folded and known.folded.get(none, ()) == ()


SEEN = (b"CD19 CAR-T cells in lymphoma", "CD19 CAR\u2011T", b"aspirin after a car crash", b"huCART-meso")


def test_what_a_screen_looks_for_is_kept_and_lets_the_same_through(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = tmp_path / "mine"
    layer.mkdir()
    rows = layer / "cues.csv"
    head = "text,category,direction,scope,source\n"
    rows.write_text(f"{head}frizzled,screen_receptor,both,inside,me\n", "utf-8")
    texts = (*SEEN, b"of frizzled things", b"of ruffled things")
    wanted = Screen(lexicon.load(layer)).candidates(texts)
    assert wanted[-2:] == [True, False]
    assert list(map(hits_of([layer]), texts)) == wanted
    with monkeypatch.context() as within:
        within.delattr("cart_nlp.lexicon.load")
        assert list(map(hits_of([layer]), texts)) == wanted
    rows.write_text(f"{head}ruffled,screen_receptor,both,inside,me\n", "utf-8")
    assert list(map(hits_of([layer]), texts)) == [*wanted[:-2], False, True]
    assert len(list(place.glob("needles-*.json"))) == 2


@pytest.fixture
def screened(place: Path) -> tuple[Path, list[bool]]:
    """What was kept of a screen, and what it let through."""
    pytest.importorskip("hyperscan")
    found = Screen(lexicon.load()).candidates(SEEN)
    (path,) = place.glob("screen-*.bin")
    return path, found


def test_a_screen_that_is_kept_lets_the_same_through_and_is_not_compiled_again(
    screened: tuple[Path, list[bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert screened[1] == [True, True, False, True]
    monkeypatch.delattr("hyperscan.Database")
    assert Screen(lexicon.load()).candidates(SEEN) == screened[1]


def test_a_screen_of_other_strings_is_not_taken_for_what_is_kept(place: Path) -> None:
    """As when the code changes that makes the strings of a lexicon."""
    pytest.importorskip("hyperscan")
    for word, found in ((b"aspirin", [True, False]), (b"caffeine", [False, True])):
        made = search.Search([search.Needle(word)], keep=True)
        assert [made.hits(text) for text in (b"aspirin daily", b"caffeine daily")] == found
    assert len(list(place.glob("screen-*.bin"))) == 2


@pytest.mark.parametrize("harm", ["cut", "empty", "of another processor", "anybody's", "anybody's folder"])
def test_a_screen_that_cannot_be_trusted_is_compiled_anew(
    screened: tuple[Path, list[bool]], harm: str
) -> None:
    import hyperscan

    path, found = screened
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[:-1])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "of another processor":
        foreign = data[32:40] + bytes(byte ^ 255 for byte in data[40:64]) + data[64:]
        path.write_bytes(hashlib.sha256(foreign).digest() + foreign)
    else:
        (path if harm == "anybody's" else path.parent).chmod(0o777)
        planted = hyperscan.Database()
        planted.compile(expressions=[b"nothing"], ids=[0], elements=1, flags=[0])
        data = hyperscan.dumpb(planted)
        path.write_bytes(hashlib.sha256(data).digest() + data)
    assert Screen(lexicon.load()).candidates(SEEN) == found
