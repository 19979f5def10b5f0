# ruff: noqa: E501  (sample records stand on one line)
from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from registry_inputs import entries, split, trials

from cart_nlp.registries import InputError, read
from cart_nlp.registries.clinicaltrials import aact, aactdatabase, aactfiles
from cart_nlp.registries.containers.mending import TWICE
from cart_nlp.schema import Trial

TABLES: dict[str, list[dict[str, str]]] = {
    "studies": [
        {"nct_id": "NCT00000002", "brief_title": "Aspirin | headache", "overall_status": "Completed", "phase": "Phase 3",
         "enrollment": "100", "study_type": "Interventional", "start_month_year": "2014-10",
         "start_date": "2014-10-31", "source": "A Company", "source_class": "INDUSTRY"},
        {"nct_id": "NCT00000001", "brief_title": 'CAR-T "cells"', "overall_status": "Recruiting",
         "phase": "Phase 1/Phase 2", "enrollment": "24", "study_type": "Interventional",
         "start_month_year": "March 5, 2021", "start_date": "2021-03-05", "source": "A University",
         "source_class": "OTHER", "results_first_posted_date": "2023-01-01"},
    ],
    "brief_summaries": [{"id": "7", "nct_id": "NCT00000001", "description": "Two\nlines | and a pipe"}],
    "detailed_descriptions": [{"id": "8", "nct_id": "NCT00000001", "description": "Described"}],
    "conditions": [
        {"id": "20", "nct_id": "NCT00000001", "name": "Second"},
        {"id": "9", "nct_id": "NCT00000001", "name": "First"},
        {"id": "21", "nct_id": "NCT00000002", "name": "Headache"},
        {"id": "22", "nct_id": "NCT00000099", "name": "of no study here"},
    ],
    "keywords": [{"id": "1", "nct_id": "NCT00000001", "name": "CD19"}],
    "interventions": [
        {"id": "31", "nct_id": "NCT00000001", "intervention_type": "Biological", "name": "CD19 CAR-T", "description": "d"},
        {"id": "32", "nct_id": "NCT00000001", "intervention_type": "Drug", "name": "Fludarabine", "description": ""},
    ],
    "intervention_other_names": [{"id": "1", "nct_id": "NCT00000001", "intervention_id": "31", "name": "CTL019"}],
    "design_groups": [{"id": "1", "nct_id": "NCT00000001", "group_type": "Experimental", "title": "Arm", "description": "x"}],
    "eligibilities": [{"id": "1", "nct_id": "NCT00000001", "criteria": "Adults"}],
    "sponsors": [
        {"id": "2", "nct_id": "NCT00000001", "agency_class": "INDUSTRY", "lead_or_collaborator": "collaborator", "name": "C"},
        {"id": "1", "nct_id": "NCT00000001", "agency_class": "OTHER", "lead_or_collaborator": "lead", "name": "A University"},
    ],
    "countries": [
        {"id": "1", "nct_id": "NCT00000001", "name": "Korea, Republic of", "removed": ""},
        {"id": "2", "nct_id": "NCT00000001", "name": "France", "removed": "t"},
    ],
    "id_information": [{"id": "1", "nct_id": "NCT00000001", "id_value": "2019-001234-56"}],
    "study_references": [{"id": "1", "nct_id": "NCT00000001", "pmid": "12345", "citation": "x"}],
}  # fmt: skip


def flat(path: Path, tables: dict[str, list[dict[str, str]]] = TABLES, folder: str = "") -> Path:
    """Write tables as AACT's zip does."""

    def field(said: str) -> str:
        return '"' + said.replace('"', '""') + '"' if set(said) & set('|"\n') else said

    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in tables.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            lines = ["|".join(columns)] + ["|".join(field(row.get(c, "")) for c in columns) for row in rows]
            archive.writestr(f"{folder}{name}.txt", "\n".join(lines) + "\n")
    return path


def check(found: list[Trial]) -> None:
    assert [trial.id for trial in found] == ["NCT00000001", "NCT00000002"]
    trial = found[0]
    assert trial.sections == {
        "brief_title": 'CAR-T "cells"',
        "brief_summary": "Two\nlines | and a pipe",
        "detailed_description": "Described",
        "conditions[0]": "First",
        "conditions[1]": "Second",
        "keywords[0]": "CD19",
        "interventions[0].name": "CD19 CAR-T",
        "interventions[0].description": "d",
        "interventions[0].other_names[0]": "CTL019",
        "interventions[1].name": "Fludarabine",
        "arms[0].label": "Arm",
        "arms[0].description": "x",
        "eligibility": "Adults",
    }
    assert (trial.phase, trial.status, trial.enrollment) == ("PHASE1|PHASE2", "RECRUITING", 24)
    assert (trial.start_date, found[1].start_date) == ("2021-03-05", "2014-10")
    assert (trial.sponsor, trial.sponsor_class) == ("A University", "OTHER")
    assert (trial.collaborators, trial.collaborator_classes) == (("C",), ("INDUSTRY",))
    assert trial.countries == ("South Korea",)
    assert (trial.secondary_ids, trial.pmids, trial.has_results) == (("2019-001234-56",), ("12345",), True)
    assert (found[1].sponsor, found[1].has_results) == ("A Company", False)


@pytest.mark.parametrize("folder", ["", "20250101_export/"])
def test_flat_files(tmp_path: Path, folder: str) -> None:
    path = flat(tmp_path / "aact.zip", folder=folder)
    check(trials(path))
    assert "CD19 CAR-T" in str(entries(path)[0].text)


def test_many_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined range by range, the studies come out whole and in order."""
    monkeypatch.setattr(aactfiles, "_STUDIES_A_FILE", 7)
    numbers = [f"NCT{at:08d}" for at in range(1, 101)]
    scattered = sorted(numbers, key=lambda number: number[::-1])
    tables = {
        "studies": [{"nct_id": number, "brief_title": f"T {number}"} for number in scattered],
        "interventions": [
            {"id": str(at), "nct_id": number, "name": f"{at} of {number}"}
            for at in (3, 11, 2)
            for number in numbers
        ],
    }
    found = trials(flat(tmp_path / "aact.zip", tables))
    assert [trial.id for trial in found] == numbers
    for trial in found:
        assert list(trial.sections.values()) == [
            f"T {trial.id}",
            *(f"{at} of {trial.id}" for at in (2, 3, 11)),
        ]


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tables = {
            "studies": [{"nct_id": f"NCT{at:08d}", "brief_title": "T" * 50} for at in range(count)],
            "interventions": [
                {"id": str(at), "nct_id": f"NCT{at:08d}", "name": "N" * 2000} for at in range(count)
            ],
        }
        path = flat(tmp_path / f"{count}.zip", tables)
        del tables
        tracemalloc.start()
        assert sum(1 for _ in read(path)) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(16_000) < 1.6 * peak(4_000)


def test_mended_letters_are_told_once(tmp_path: Path) -> None:
    tables = {
        "studies": [{"nct_id": "NCT00000001", "brief_title": "TGF-Î² CAR-T"}],
        "interventions": [{"id": "1", "nct_id": "NCT00000001", "name": "IFN-Î³ cells"}],
    }
    path = flat(tmp_path / "aact.zip", tables)
    notes: list[str] = []
    (found,) = read(path, report=notes.append)
    assert found.trial().sections == {"brief_title": "TGF-β CAR-T", "interventions[0].name": "IFN-γ cells"}
    assert notes == [
        f"{path}:{name}.txt: 1 record {TWICE} (the first at line 2)" for name in ("studies", "interventions")
    ]


def test_broken_tables(tmp_path: Path) -> None:
    tables = {name: list(rows) for name, rows in TABLES.items()}
    tables["studies"] = [*TABLES["studies"], TABLES["studies"][0], {"nct_id": "", "brief_title": "no id"}]
    path = flat(tmp_path / "aact.zip", tables)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("design_outcomes.txt", "id|nct_id|outcome_type|measure\n1|NCT00000001|primary\n")
    ids, rejects = split(read(path))
    assert ids == ["NCT00000001", "NCT00000002"]
    assert sorted(each.reason.split(";")[0] for each in rejects) == [
        "3 fields where the header has 4",
        "record without an nct_id",
        "the study stands in studies.txt more than once",
    ]


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = flat(tmp_path / "aact.zip", {"interventions": TABLES["interventions"]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("studies.txt", "nct_id|brief_title|brief_title\nNCT00000001|CAR-T|\n")
    with pytest.raises(InputError, match=r"aact\.zip:studies\.txt: the column 'brief_title' stands twice"):
        list(read(path))


def test_no_studies(tmp_path: Path) -> None:
    path = flat(tmp_path / "aact.zip", {"studies": [], "interventions": []})
    with pytest.raises(InputError, match=r"studies\.txt holds no studies"):
        list(read(path))


SECRET = "hid%d/en#wo?rd:of@them"
"""A password with every sign that divides an address."""
LEAKS = re.compile("hid|en#wo|rd:of|wo%3f|them", re.IGNORECASE)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hidden@host:5432/aact", "postgresql://me@host:5432/aact"),
        (" POSTGRESQL://me:hidden@host/aact", "postgresql://me@host/aact"),
        ("postgres://me:hidden@h/aact?password=hidden&sslpassword=hidden", "postgresql://me@h/aact"),
        (f"Postgres://me:{quote(SECRET, safe='')}@h/aact", "postgresql://me@h/aact"),
        ("postgresql://me@x:hidden@h/aact", None),
        ("postgresql://", "postgresql:///"),
        (f"postgresql://me:{SECRET}@host/aact", None),
        *[
            (f"postgresql://me:{start}hid{sign}them@host/aact", None)
            for sign in "%/?#@["
            for start in ("", "12")
        ],
        ("postgresql://me:12/them@host/aact", "postgresql://…"),
        ("postgresql:///aact?passwrd=hidden", "postgresql://…"),
    ],
)
def test_the_password_is_never_told(url: str, shown: str | None) -> None:
    assert aactdatabase.recognizes(url)
    found = aactdatabase.shown_address(url)
    assert not LEAKS.search(found)
    assert found == shown or shown is None
    if "host" in url:
        with pytest.raises(InputError) as caught:
            list(read(url))
        assert not LEAKS.search(str(caught.value))
        assert "\n" not in str(caught.value)


def test_without_the_driver_nothing_of_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"^postgresql://…: pip install 'cart-nlp\[postgres\]'"):
        list(read("postgresql://me:hidden@host/aact"))


def test_the_files_of_a_run_do_not_hold_the_password(tmp_path: Path) -> None:
    from cart_nlp.batch import BatchError, Options, run

    (tmp_path / "in.jsonl").write_text('{"id": "NCT00000001", "brief_title": "CAR-T"}\n')
    url = f"POSTGRESQL://me:{quote(SECRET, safe='')}@127.0.0.1:1/aact"
    options = Options((url, str(tmp_path / "in.jsonl")), str(tmp_path / "out.jsonl"), workers=0)
    summary = run(options)
    assert summary.faults[0].startswith("postgresql://me@127.0.0.1:1/aact: the database cannot be read")
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    said = [*files.values(), *summary.faults, *summary.notes]
    with pytest.raises(BatchError, match="postgresql://me@127") as caught:
        run(dataclasses.replace(options, resume=True))
    said.append(str(caught.value))
    assert not any("hid" in text or quote(SECRET, safe="") in text for text in said)
    assert (tmp_path / "out.jsonl.run.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "url", ["postgresql://me:hidden@127.0.0.1:1/aact", "postgresql://%zz", "postgres://[x"]
)
def test_no_database_there(url: str) -> None:
    with pytest.raises(InputError) as caught:
        list(read(url))
    said = str(caught.value)
    assert "hidden" not in said
    assert "\n" not in said
    assert "cannot be read" in said


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real PostgreSQL server of its own, on a socket in a temporary folder."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data, as_user = folder / "data", {"user": user} if user else {}
        run = {"check": True, "capture_output": True, "cwd": name, **as_user}
        subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "tester", "-E", "UTF8"], **run)
        rules = data / "pg_hba.conf"
        rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
        options = f"-k {name} -c listen_addresses= -c fsync=off"
        subprocess.run(
            [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], **run
        )
        try:
            yield f"postgresql://tester@/postgres?host={name}"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)


@pytest.fixture
def database(server: str) -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS ctgov CASCADE")
        connection.execute("CREATE SCHEMA ctgov")
        for table, rows in TABLES.items():
            columns = list(dict.fromkeys(column for row in rows for column in row))
            kinds = {"start_date": "date", "enrollment": "integer", "removed": "boolean", "id": "integer"}
            listed = ", ".join(f"{column} {kinds.get(column, 'text')}" for column in columns)
            connection.execute(f"CREATE TABLE ctgov.{table} ({listed})")
            for row in rows:
                marks = ", ".join(["%s"] * len(columns))
                connection.execute(
                    f"INSERT INTO ctgov.{table} VALUES ({marks})",
                    [row.get(column) or None for column in columns],
                )
    yield server


def test_a_real_database(database: str, tmp_path: Path) -> None:
    found = trials(database)
    check(found)
    assert found == trials(flat(tmp_path / "aact.zip"))


def test_a_database_in_many_batches(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aactdatabase, "_AT_A_TIME", 1)
    check(trials(database))


@pytest.mark.parametrize("way", ["address", "environment", "file"])
def test_the_password_comes_from_where_postgresql_takes_it(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS locked")
        literal = psycopg.sql.Literal(SECRET).as_string(connection)
        connection.execute(f"CREATE ROLE locked SUPERUSER LOGIN PASSWORD {literal}")
    url = database.replace("tester@", "locked@")
    with pytest.raises(InputError, match="password"):
        list(read(url))
    if way == "address":
        url = database.replace("tester@", f"locked:{quote(SECRET, safe='')}@")
    elif way == "environment":
        monkeypatch.setenv("PGPASSWORD", SECRET)
    else:
        (tmp_path / "pgpass").write_text(f"*:*:*:locked:{SECRET.replace(':', chr(92) + ':')}\n")
        (tmp_path / "pgpass").chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    check(trials(url))
    with pytest.raises(InputError, match="cannot be read") as caught:
        list(read(database.replace("tester@", f"locked:{quote(SECRET + '!', safe='')}@")))
    assert not LEAKS.search(str(caught.value))


def test_a_database_that_is_no_aact(server: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS ctgov CASCADE")
    with pytest.raises(InputError, match=r"no table ctgov\.studies; is this an AACT database"):
        list(read(server))


def test_a_connection_that_is_lost_is_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setattr(aactdatabase, "_AT_A_TIME", 1)
    found = []
    for each in read(database):
        if not found:
            with psycopg.connect(database, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
        found.append(each)
    assert "the connection was lost, studies are missing" in found[-1].reason


def test_every_needed_column_is_one_of_aact() -> None:
    """The names of the tables stay safe to be put into a query."""
    for table, columns in aact.TABLES.items():
        assert all(name.replace("_", "").isalpha() for name in (table, *columns))
