"""No command writes over what it reads, over what is not its own, or half a file."""

import os
from pathlib import Path

import pytest

from cart_nlp.outputs import claim, claim_folder, write
from cart_nlp.places import PlaceError


def test_an_input_is_never_written_over_also_through_links(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("cart-nlp")
    (tmp_path / "link").symlink_to(source)
    os.link(source, tmp_path / "hard")
    for out in (source, tmp_path / "link", tmp_path / "hard", tmp_path / "sub" / ".." / "in.csv"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        with pytest.raises(PlaceError, match="is read by this command"):
            claim(out, [source], force=True)
    folder = tmp_path / "inputs"
    folder.mkdir()
    with pytest.raises(PlaceError, match="is read by this command"):
        claim(folder / "new.html", [folder], force=True)
    assert claim(tmp_path / "new", [source]) == tmp_path / "new"


def test_what_is_not_ours_stays_without_force(tmp_path):
    other, mine = tmp_path / "thesis.html", tmp_path / "page.html"
    other.write_text("my own words")
    mine.write_text("<p>made by cart-nlp")
    (tmp_path / "empty").touch()
    with pytest.raises(PlaceError, match="not from this command; --force"):
        claim(other, [], ours=[b"cart-nlp"])
    assert claim(other, [], ours=[b"cart-nlp"], force=True) == other
    assert claim(mine, [], ours=[b"cart-nlp"]) == mine
    assert claim(tmp_path / "empty", []) == tmp_path / "empty"
    with pytest.raises(PlaceError, match="is a directory"):
        claim(tmp_path, [], force=True)


def test_standard_output_is_no_file_named_like_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlaceError, match="standard output"):
        claim(Path("-"), [], force=True)
    with pytest.raises(PlaceError, match="standard output"):
        claim_folder(Path("-"), [])
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file_and_holds_no_input(tmp_path):
    out = tmp_path / "report"
    assert claim_folder(out, []) == out
    out.mkdir()
    (out / "records.jsonl").touch()
    assert claim_folder(out, []) == out
    with pytest.raises(PlaceError, match="holds what this command reads"):
        claim_folder(out, [out / "records.jsonl"])
    with pytest.raises(PlaceError, match="is a file"):
        claim_folder(out / "records.jsonl", [])


def test_a_file_is_replaced_whole_with_its_rights(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    path.chmod(0o640)
    write(path, "new é")
    assert path.read_text("utf-8") == "new é" and path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
    with pytest.raises(PlaceError, match="cannot be written"):
        write(tmp_path / "none" / "a.csv", b"")
