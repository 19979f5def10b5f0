"""spaCy is loaded without its command line, and is as ever for whoever wants that."""

import subprocess
import sys
from pathlib import Path

import orjson

SCRIPT = """
import sys
from pathlib import Path

import orjson
from cart_nlp.lean import import_spacy
import_spacy()
import spacy
assert "spacy.cli" not in sys.modules
assert spacy.blank("en")("CAR T cells")[0].text == "CAR"
assert spacy.info(silent=True)["spacy_version"] == spacy.__version__
import spacy.cli
assert spacy.cli.info.__module__ == "spacy.cli.info"
assert callable(spacy.cli.download)
import_spacy()
print("fine")
"""


def test_spacy_comes_without_its_command_line_which_can_still_be_had() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_show_does_not_load_the_command_line_of_spacy() -> None:
    code = (
        "import sys; sys.argv = ['cart-nlp', 'show', 'CD19 CAR-T cells']\n"
        "from cart_nlp.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(name in sys.modules for name in ('spacy', 'spacy.cli', 'cart_nlp.registries.reading')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True False False", done.stderr


def test_nothing_switches_the_search_for_garbage_on_while_a_pipeline_loads() -> None:
    code = (
        "import gc\n"
        "from cart_nlp.lean import nothing_to_collect\n"
        "before = gc.get_threshold()\n"
        "found = []\n"
        "gc.callbacks.append(lambda phase, info: found.append(phase))\n"
        "with nothing_to_collect():\n"
        "    from cart_nlp.pipeline import load\n"
        "    load()\n"
        "    assert not found, len(found)\n"
        "assert gc.get_threshold() == before and gc.isenabled()\n"
        "print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


def test_a_run_into_a_store_leaves_nothing_on_standard_error_but_its_summary(tmp_path: Path) -> None:
    lines = [orjson.dumps({"id": f"N{n}", "brief_title": "Aspirin for headache"}) for n in range(3)]
    (tmp_path / "dump.jsonl").write_bytes(b"\n".join(lines))
    words = [sys.executable, "-m", "cart_nlp", "tag", "dump.jsonl", "-o", "out.duckdb"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0
    assert all(line.startswith("cart-nlp tag: ") for line in done.stderr.splitlines()), done.stderr


def test_a_store_needs_neither_pandas_nor_arrow(tmp_path: Path) -> None:
    trial = {"id": "N1", "brief_title": "CD19 CAR-T cells for lymphoma", "conditions": ["Lymphoma"]}
    (tmp_path / "dump.jsonl").write_bytes(orjson.dumps(trial))
    code = (
        "import sys; sys.argv = ['cart-nlp', 'tag', 'dump.jsonl', '-o', 'out.duckdb', '--workers', '0']\n"
        "from cart_nlp.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(name in sys.modules for name in ('duckdb', 'pandas', 'pyarrow')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stdout == "True False False\n", done.stderr
    assert "1 written" in done.stderr
