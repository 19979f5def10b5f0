"""What a spaCy user does with the pipeline: saves it, packages it, stores Docs, runs workers, adds rulers."""

import copy
import email
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import orjson
import pytest
import spacy
from packaging.requirements import Requirement
from packaging.version import Version
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from cart_nlp import __version__, paths
from cart_nlp.assembly import record
from cart_nlp.lexicon import OF_CATEGORIES, LexiconError
from cart_nlp.pipeline import load, make_doc, mentions, tag
from cart_nlp.schema import Trial

TEXTS = [
    "CD19/CD22 bispecific CAR-T cells with 4-1BB for CD30+ lymphoma after prior BCMA CAR-T",
    "huCART-meso: autologous T cells with a lentiviral anti-mesothelin (MSLN) CAR",
    "Tocilizumab for cytokine release syndrome",
    "抗CD19CAR-T细胞",
]
TRIALS = [
    Trial(id=f"t{n}", study_type="INTERVENTIONAL", sections={"brief_title": text, "brief_summary": TEXTS[0]})
    for n, text in enumerate(TEXTS)
]


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load()


@pytest.fixture(scope="module")
def docs(nlp: Language) -> list[Doc]:
    return [nlp(make_doc(nlp, trial)) for trial in TRIALS]


def told(doc: Doc) -> tuple:
    """All that a Doc says: mentions with roles, the record, sections, sentences, entities, extensions."""
    return (
        mentions(doc),
        record(doc).model_dump_json(),
        [(span.label_, span.start_char, span.end_char) for span in doc.spans.get("sections", ())],
        [(sentence.start_char, sentence.end_char) for sentence in doc.sents],
        [(entity.text, entity.label_, entity.kb_id_) for entity in doc.ents],
        orjson.dumps([doc._.cart, doc._.cart_trial, doc._.cart_sections, doc._.cart_short_forms]),
    )


def test_bytes_keep_everything(nlp: Language, docs: list[Doc]) -> None:
    for doc in docs:
        again = Doc(nlp.vocab).from_bytes(doc.to_bytes())
        assert told(again) == told(doc)
        assert again._.cart == doc._.cart  # lists on both sides; a DocBin alone gives tuples back


@pytest.mark.parametrize("stored", [False, True])
def test_a_doc_that_passes_again_says_the_same(nlp: Language, docs: list[Doc], stored: bool) -> None:
    for doc in docs:
        first = told(doc)
        again = Doc(nlp.vocab).from_bytes(doc.to_bytes()) if stored else copy.deepcopy(doc)
        for _ in range(2):
            again = nlp(again)
            assert told(again) == first


def test_a_users_entities_are_evidence_in_every_pass(nlp: Language) -> None:
    doc = nlp.make_doc("Ana gives frizzle nine CAR-T cells, or CD19 CAR-T cells")
    doc.ents = [
        doc.char_span(0, 3, "PERSON"),
        doc.char_span(10, 22, "antigen", kb_id="FZ9"),
        doc.char_span(39, 43, "antigen", kb_id="CD19"),
    ]
    first = told(nlp(doc))
    assert {m.concept for m in mentions(doc) if m.rule == "ruler"} == {"FZ9", "CD19"}
    assert doc.ents[0].label_ == "PERSON"
    assert told(nlp(doc)) == first
    doc.ents = [*doc.ents, doc.char_span(4, 9, "cell_type", kb_id="NK")]
    assert [(m.concept, m.text) for m in mentions(nlp(doc)) if m.rule == "ruler"] == [
        ("NK", "gives"),
        ("FZ9", "frizzle nine"),
        ("CD19", "CD19"),
    ]


def test_a_pickled_doc_keeps_everything(docs: list[Doc]) -> None:
    for doc in docs:
        assert told(pickle.loads(pickle.dumps(doc))) == told(doc)  # noqa: S301


def test_a_docbin_keeps_everything(nlp: Language, docs: list[Doc]) -> None:
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    again = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    assert [told(doc) for doc in again] == [told(doc) for doc in docs]


def test_workers_of_spacy_keep_everything(nlp: Language, docs: list[Doc]) -> None:
    pairs = [(make_doc(nlp, trial), trial.id) for trial in TRIALS]
    found = list(nlp.pipe(pairs, as_tuples=True, n_process=2, batch_size=2))
    assert [name for _, name in found] == [trial.id for trial in TRIALS]
    assert [told(doc) for doc, _ in found] == [told(doc) for doc in docs]
    assert [doc._.cart for doc, _ in found] == [doc._.cart for doc in docs]


def test_a_batch_is_its_docs(nlp: Language) -> None:
    assert [told(doc) for doc in nlp.pipe(TEXTS)] == [told(nlp(text)) for text in TEXTS]


OWN = "name,aliases,kind,source\nXYZ1,xyzin,protein,me\n"
ASK = """
import sys, spacy
nlp = spacy.load({model!r})
doc = nlp("xyzin CAR-T cells for CD30+ lymphoma")
from cart_nlp import paths
from cart_nlp.assembly import record
from cart_nlp.lexicon import OF_CATEGORIES
found = record(doc)
print(found.targets, found.disease_markers, found.car_trial, paths.lexicons().is_dir())
"""


def _away_from_the_data(folder: Path) -> dict[str, str]:
    """An environment in which the package has its code, but no lexicons and no model beside it."""
    shutil.copytree(
        Path(__file__).resolve().parents[1] / "cart_nlp",
        folder / "cart_nlp",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.slow
def test_a_saved_model_is_whole(tmp_path: Path) -> None:
    """Lexicons, a user's layer, added names, patterns and weights go with it: nothing else is read."""
    layer = tmp_path / "own"
    layer.mkdir()
    (layer / "antigens.csv").write_text(OWN, encoding="utf-8")
    nlp = load([layer])
    nlp.to_disk(tmp_path / "model")
    shutil.rmtree(layer)
    env = _away_from_the_data(tmp_path / "code")
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(model=str(tmp_path / "model"))],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.split("\n")[0] == "('XYZ1',) ('CD30',) product False", done.stderr[-2000:]


def test_a_saved_model_refuses_a_layer_that_it_was_not_made_with(tmp_path: Path) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "antigens.csv").write_text(OWN, encoding="utf-8")
    load([tmp_path / "own"]).to_disk(tmp_path / "model")
    for name in ("own", "other"):
        layers = {"components.cart_terms.lexicons": [str(tmp_path / name)]}
        if name == "own":
            assert tag("xyzin CAR-T", spacy.load(tmp_path / "model", config=layers)).targets == ("XYZ1",)
            continue
        with pytest.raises(LexiconError, match="/other: the saved model has lexicons of its own"):
            spacy.load(tmp_path / "model", config=layers)


@pytest.mark.slow
@pytest.mark.parametrize("category", OF_CATEGORIES)
def test_a_model_that_was_saved_before_categories_were_rows(
    tmp_path: Path, nlp: Language, category: str
) -> None:
    nlp.to_disk(tmp_path / "older")
    for table in (tmp_path / "older/cart_terms/lexicons").glob("*/cues.csv"):
        rows = table.read_text(encoding="utf-8").splitlines(keepends=True)
        table.write_text("".join(row for row in rows if f",{category}," not in row), encoding="utf-8")
    older = spacy.load(tmp_path / "older")
    words = nlp.get_pipe("cart_terms").vocabulary.lexicon.words(category)
    assert words and older.get_pipe("cart_terms").vocabulary.lexicon.words(category) == words
    assert [tag(text, older) for text in TEXTS] == [tag(text, nlp) for text in TEXTS]
    again = load().from_bytes(older.to_bytes()).get_pipe("cart_terms").vocabulary.lexicon
    assert again.words(category) == words and again.files.keys() > {"1/cues.csv"}


def _requirements(wheel: Path) -> list[Requirement]:
    """What a wheel needs."""
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (name for name in packed.namelist() if name.endswith(".dist-info/METADATA"))
        said = email.message_from_bytes(packed.read(name))
    return [Requirement(line) for line in said.get_all("Requires-Dist", [])]


def test_the_model_needs_this_release(nlp: Language) -> None:
    (need,) = map(Requirement, nlp.meta["requirements"])
    major, minor, *_ = Version(__version__).release
    fits = need.specifier.contains
    assert need.name == "cart-nlp" and fits(__version__, prereleases=True)
    assert not fits(f"{major}.{minor + 1}.0") and not fits(f"{major}.{minor - 1}.9")


def test_spacy_finds_no_fault_with_the_config() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spacy", "debug", "config", str(paths.model() / "config.cfg")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "Config is valid" in done.stdout, done.stdout + done.stderr[-2000:]


def test_a_component_to_be_trained_can_be_added() -> None:
    nlp = load()
    own = nlp.add_pipe("textcat")
    for label in ("mine", "other"):
        own.add_label(label)
    doc = nlp.make_doc("CD19 CAR-T cells")
    examples = [Example.from_dict(doc, {"cats": {"mine": 1.0, "other": 0.0}})]
    nlp.initialize(lambda: examples)
    assert nlp.update(examples)["textcat"] > 0
    assert tag(TEXTS[0], nlp) == tag(TEXTS[0], load())


def test_a_packaged_model_is_installed_and_loaded_by_name(tmp_path: Path, nlp: Language) -> None:
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "dist").mkdir()
    spacy_cli = [sys.executable, "-m", "spacy", "package", str(tmp_path / "model"), str(tmp_path / "dist")]
    made = subprocess.run(
        [*spacy_cli, "--build", "wheel", "--force"], capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )  # fmt: skip
    wheels = sorted((tmp_path / "dist").rglob("*.whl"))
    assert len(wheels) == 1, made.stdout[-2000:] + made.stderr[-2000:]
    needed = {need.name: need for need in _requirements(wheels[0])}
    assert needed.keys() == {"spacy", "cart-nlp"} and __version__ in needed["cart-nlp"].specifier
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", target, *wheels], check=True, capture_output=True, timeout=120)
    env = _away_from_the_data(tmp_path / "code")
    env["PYTHONPATH"] += os.pathsep + str(target)
    ask = ASK.format(model="en_cart_base").replace("xyzin", "BCMA")
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split("\n")[0] == "('BCMA',) ('CD30',) product False", done.stderr[-2000:]


def test_the_pipeline_pickled_before_and_after_its_first_text() -> None:
    nlp = load()
    fresh = pickle.loads(pickle.dumps(nlp))  # noqa: S301
    found = [tag(text, nlp) for text in TEXTS]
    for again in (fresh, pickle.loads(pickle.dumps(nlp)), copy.deepcopy(nlp)):  # noqa: S301
        assert [tag(text, again) for text in TEXTS] == found


def test_the_pipeline_as_bytes(nlp: Language) -> None:
    again = load().from_bytes(nlp.to_bytes())
    assert told(again(TEXTS[0])) == told(nlp(TEXTS[0]))


@pytest.mark.parametrize("ruler", ["span_ruler", "entity_ruler"])
def test_a_ruler_before_ours_is_evidence_like_ours(ruler: str) -> None:
    nlp = load()
    own = nlp.add_pipe(ruler, before="cart_terms")
    own.add_patterns(
        [{"label": "antigen", "pattern": [{"LOWER": "frizzle"}, {"LOWER": "nine"}], "id": "FZ9"}]
    )
    doc = nlp("Frizzle nine CAR-T cells after prior CD19 CAR-T")
    assert record(doc).targets == ("FZ9",)
    assert {(m.text, m.concept, m.role) for m in mentions(doc) if m.concept == "FZ9"} == {
        ("Frizzle nine", "FZ9", "target")
    }


def test_a_ruler_under_its_own_key_is_read_where_it_is_named() -> None:
    nlp = load()
    own = nlp.add_pipe("span_ruler", before="cart_terms", config={"spans_key": "mine"})
    own.add_patterns([{"label": "antigen", "pattern": "frizzle", "id": "FZ9"}])
    assert record(nlp("frizzle CAR-T cells")).targets == ()
    nlp.get_pipe("cart_terms").ruler_keys += ("mine",)
    assert record(nlp("frizzle CAR-T cells")).targets == ("FZ9",)


def test_names_of_other_labels_stay_their_owners() -> None:
    nlp = load()
    own = nlp.add_pipe("entity_ruler", before="cart_terms")
    own.add_patterns([{"label": "CITY", "pattern": "Boston"}])
    doc = nlp("CD19 CAR-T cells in Boston")
    assert ("Boston", "CITY") in {(entity.text, entity.label_) for entity in doc.ents}
    assert "Boston" not in {m.text for m in mentions(doc)}


@pytest.mark.parametrize("text", ["CD30+ Hodgkin lymphoma", "lymphoma in Boston", "CAR"])
def test_an_entity_of_another_label_is_kept_whole(nlp: Language, text: str) -> None:
    doc = nlp.make_doc("CD19 CAR-T cells for CD30+ Hodgkin lymphoma in Boston")
    start = doc.text.index(text)
    doc.ents = [doc.char_span(start, start + len(text), "MINE", span_id="me")]
    for _ in range(2):
        doc = nlp(doc)
        assert [e.text for e in doc.ents if (e.label_, e.id_) == ("MINE", "me")] == [text]
        others = {e.text for e in doc.ents if e.label_ != "MINE"}
        assert "CD19" in others and others <= {m.text for m in mentions(doc)}, "no stumps of ours"
        assert record(doc).targets == ("CD19",)


def test_a_component_that_corrects_mentions_assigns_the_group_anew() -> None:
    @Language.component("seven_for_twenty_two")
    def correct(doc: Doc) -> Doc:
        doc.spans["cart"] = [
            Span(
                doc, s.start, s.end, s.label_, kb_id="CD7" if s.kb_id_ == "CD22" else s.kb_id_, span_id=s.id_
            )
            for s in doc.spans["cart"]
        ]
        return doc

    nlp = load()
    nlp.add_pipe("seven_for_twenty_two", after="cart_linker")
    assert record(nlp("CD19/CD22 tandem CAR-T cells")).targets == ("CD19", "CD7")


def test_an_extension_of_another_library_under_our_name_is_told_in_one_line() -> None:
    source = (
        "from spacy.tokens import Doc; Doc.set_extension('cart', default=[])\n"
        "import cart_nlp; cart_nlp.tag('CD19 CAR-T cells')"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
    assert done.stderr.splitlines()[-1].startswith(
        "ValueError: cart_nlp: doc._.cart was declared by another library before; "
    )


def test_what_others_write_to_the_doc_stays_theirs(nlp: Language) -> None:
    doc = nlp.make_doc(TEXTS[0])
    doc.user_data["vectors"] = np.zeros(3)
    assert record(nlp(doc)).model_dump() == record(nlp(TEXTS[0])).model_dump()


def test_names_can_be_added(nlp: Language, tmp_path: Path) -> None:
    own = load()
    terms = own.get_pipe("cart_terms")
    terms.add_patterns([{"label": "antigen", "pattern": "frizzle-9", "id": "FZ9"}])
    assert tag("Frizzle 9 CAR-T cells", own).targets == ("FZ9",)
    assert {"label": "antigen", "pattern": "frizzle-9", "id": "FZ9"} in terms.patterns
    own.to_disk(tmp_path / "model")
    assert tag("Frizzle 9 CAR-T cells", spacy.load(tmp_path / "model")).targets == ("FZ9",)
    assert tag("Frizzle 9 CAR-T cells", load().from_bytes(own.to_bytes())).targets == ("FZ9",)
    assert tag("Frizzle 9 CAR-T cells", nlp).targets != ("FZ9",)


def test_what_a_ruler_gives_it_takes() -> None:
    terms = load().get_pipe("cart_terms")
    given = terms.patterns
    assert {"label": "antigen", "pattern": "mesothelin", "id": "MSLN"} in given
    terms.add_patterns(given[:5])
    assert terms.added == given[:5]
    assert "ALS" not in {one["pattern"] for one in given}, "it counts in its case alone, an added name in any"


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ({"label": "gene", "pattern": "x1"}, "cart_terms: label 'gene' is none of"),
        ({"label": "antigen", "pattern": [{"LOWER": "x"}]}, "is a token pattern; a span_ruler takes it"),
    ],
)
def test_a_name_that_cannot_be_added_is_refused(pattern: dict, line: str) -> None:
    terms = load().get_pipe("cart_terms")
    with pytest.raises(ValueError, match=line) as fault:
        terms.add_patterns([pattern])
    assert "\n" not in str(fault.value)
    with pytest.raises(ValueError, match=line):
        terms.add_patterns([{"label": "antigen", "pattern": "frizzle-9"}, pattern])
    assert terms.added == [], "nothing of what is refused in part is added"
