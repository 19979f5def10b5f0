"""A DuckDB store of records that later runs bring up to date, with the history of every value.

Tables: `records`, `constructs`, `evidence` (the current state, nested types), `history` (each value with
the time since when, and until when, it held), `trials` (what was looked at, by content) and `runs`.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import orjson

from cart_nlp.batch.marks import Marks, Way
from cart_nlp.readback import FOREIGN, is_interrupt, tables_of
from cart_nlp.schema import UNCOMPARED, Record
from cart_nlp.writers import OutputError
from cart_nlp.writers.columns import Types, batches

if TYPE_CHECKING:
    from cart_nlp.batch.journal import Journal

FORMAT = 2
HISTORY = tuple(name for name in Record.model_fields if name not in UNCOMPARED or name == "raw")
"""Fields whose values have a history; evidence and confidence go with the values that they support."""

_TABLES = """
CREATE TABLE meta(format INTEGER);
CREATE TABLE runs(session VARCHAR, started TIMESTAMP, version VARCHAR, lexicons VARCHAR, model VARCHAR,
    options VARCHAR, changes VARCHAR);
CREATE TABLE trials(trial_id VARCHAR, digest VARCHAR, tagger VARCHAR, included BOOLEAN,
    first_seen TIMESTAMP, last_seen TIMESTAMP, vanished TIMESTAMP);
CREATE TABLE history(trial_id VARCHAR, field VARCHAR, value VARCHAR, since TIMESTAMP, until TIMESTAMP);
"""
_MARKS = """
DROP TABLE IF EXISTS marks;
DROP TABLE IF EXISTS marking;
CREATE TABLE marks(mark UBIGINT, trial_id VARCHAR, digest VARCHAR, tagger VARCHAR);
CREATE TABLE marking(kind VARCHAR, seed UBIGINT);
"""
"""Raw records of the last run by a mark of their bytes, with id and digest of the trial; NULL: not a CAR.
`marking`: how they are marked."""
_UNWRITTEN = "CREATE TABLE IF NOT EXISTS unwritten(trial_id VARCHAR, line VARCHAR)"
"""What the list of a run says of each trial that was tagged and is neither product nor related."""
_LISTS = ", ".join(["unnest(?::VARCHAR[])"] * 3)
_TYPES = Types[str](
    plain={str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"},
    date="DATE",
    list_of="{}[]".format,
    map_of="MAP({}, {})".format,
    struct_of=lambda fields: f"STRUCT({_columns(fields)})",
)


def _columns(fields: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in fields)


_COLUMNS = {name: _columns(fields) for name, fields in _TYPES.tables().items()}
"""Table → its columns with their types, as SQL has them."""


class Store:
    """The store at a path, new or not; `key` names what its values depend on besides the trials."""

    def __init__(self, path: Path, key: str) -> None:
        """Read what it holds; raises OutputError if the file is no store or is in use."""
        self._path = path
        self._key = key
        self._digests: dict[str, str] = {}
        self._ids: frozenset[str] = frozenset()
        self._unwritten: dict[str, bytes] = {}
        self._marks: Marks | None = None
        self._new_marks: Marks | None = None
        self.session: str | None = None
        """The run that brought it to its present state."""
        if path.exists():
            with connected(path, read_only=True) as base:
                tables = tables_of(base)
                if "unwritten" in tables:
                    self._unwritten = _unwritten(base)
                rows = base.execute(
                    "SELECT trial_id, digest, tagger, included FROM trials WHERE vanished IS NULL"
                ).fetchall()
                if tables.issuperset(("marks", "marking")):
                    self._marks = _marks(base, key)
                last = base.execute("SELECT session FROM runs ORDER BY started DESC LIMIT 1").fetchone()
            self.session = last[0] if last else None
            # An older version did not keep why a trial is not written: those are tagged again.
            self._digests = {
                trial: digest
                for trial, digest, tagger, included in rows
                if tagger == key and (included or trial in self._unwritten)
            }
            self._ids = frozenset(trial for trial, _, _, included in rows if included)

    def digests(self) -> dict[str, str]:
        """Id -> digest of the trials that need not be tagged again while their digest stays."""
        return self._digests

    def ids(self) -> frozenset[str]:
        """Ids of the trials that have a record now."""
        return self._ids

    def unwritten(self) -> dict[str, bytes]:
        """Id -> what the list of what was not written says of trials that an earlier run left out."""
        return self._unwritten

    def marks(self) -> Marks:
        """Raw records that need not be parsed to be compared."""
        return self._marks or Marks()

    def mark(self, marks: Marks) -> None:
        """Keep these for the next run, instead of those that there are."""
        self._new_marks = marks

    def apply(self, journal: Journal, complete: bool, stage: Path) -> dict[str, int]:
        """Bring the store to what a run found, in one transaction; a run is applied once only.

        A new one is made at `stage` and renamed into its place. Trials of which the run saw nothing have
        vanished, unless an input could not be read (the run is not `complete`) or they may be among what was
        rejected. Returns counts: new, changed, unchanged, vanished, dropped
        (no CAR trial any more), retagged, stored.
        """
        fresh = not self._path.exists()
        with connected(self._path, read_only=False, stage=stage if fresh else None) as base:
            session = str(journal.header["session"])
            done = base.execute("SELECT changes FROM runs WHERE session = ?", [session]).fetchone()
            if done:
                counts: dict[str, int] = orjson.loads(done[0])
                return counts
            base.begin()
            counts = _Update(base, journal, self._key).run(complete and not journal.astray)
            _note_run(base, journal.header, counts)
            if complete and self._new_marks is not None:
                _keep_marks(base, self._new_marks, self._marks, self._key)
            elif counts["new"] and not fresh:
                # An earlier run may have let one of these go: changed back, it has to be looked at.
                base.execute("DROP TABLE IF EXISTS marks")
            base.commit()
            if fresh:
                # Only the file is renamed, and where the disk is full, closing leaves the rows in its log.
                base.execute("CHECKPOINT")
        if fresh:
            stage.replace(self._path)
        return counts

    def confirm(self, header: dict[str, Any]) -> dict[str, int]:
        """Note that a run saw what the last one saw: nothing changes but the time of the last look."""
        with connected(self._path, read_only=False) as base:
            base.begin()
            base.execute(
                "UPDATE trials SET last_seen = ? WHERE vanished IS NULL", [_time(str(header["session"]))]
            )
            counts = dict.fromkeys(("new", "changed", "unchanged", "vanished", "dropped", "retagged"), 0)
            counts["unchanged"] = counts["stored"] = len(self._ids)
            _note_run(base, header, counts)
            base.commit()
        return counts


def _marks(base: duckdb.DuckDBPyConnection, key: str) -> Marks | None:
    """The marks of a run with this key; None where they are made in a way that is not known here."""
    way = Way(*(base.execute("SELECT kind, seed FROM marking").fetchone() or ("", 0)))
    if not way.known:
        return None
    found = Marks(way)
    # As one text: quicker than rows, and without numpy, which takes longer to import than all else here.
    query = "SELECT to_json(list(mark))::VARCHAR FROM marks WHERE tagger = ? AND trial_id IS NULL"
    (screened,) = base.execute(query, [key]).fetchone() or (None,)
    found.screened.update(orjson.loads(screened or "null") or ())
    query = "SELECT mark, trial_id, digest FROM marks WHERE tagger = ? AND trial_id IS NOT NULL"
    rows = base.execute(query, [key]).fetchall()
    found.trials.update({mark: (trial, digest) for mark, trial, digest in rows})
    return found


def _unwritten(base: duckdb.DuckDBPyConnection) -> dict[str, bytes]:
    rows = base.execute("SELECT trial_id, line FROM unwritten").fetchall()
    return {trial: line.encode() for trial, line in rows}


def _keep_marks(base: duckdb.DuckDBPyConnection, marks: Marks, before: Marks | None, key: str) -> None:
    """Bring the table of marks to those of a run; `before` are those of this key that it has."""
    if before is None or before.way != marks.way:
        base.execute(_MARKS)
        base.execute("INSERT INTO marking VALUES (?, ?)", list(marks.way))
        before = Marks(marks.way)
    trials = marks.trials.items() - before.trials.items()
    gone = (before.screened - marks.screened) | dict(before.trials.items() - marks.trials.items()).keys()
    base.execute("DELETE FROM marks WHERE tagger != ?", [key])
    for chunk in _chunks(gone):
        base.execute(f"DELETE FROM marks WHERE mark IN (SELECT {_NUMBERS})", [orjson.dumps(chunk).decode()])
    for chunk in _chunks(marks.screened - before.screened):
        query = f"INSERT INTO marks SELECT {_NUMBERS}, NULL, NULL, ?"
        base.execute(query, [orjson.dumps(chunk).decode(), key])
    for chunk in _chunks((mark, *found) for mark, found in trials):
        columns = "unnest(?::UBIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])"
        base.execute(f"INSERT INTO marks SELECT {columns}, ?", [*map(list, zip(*chunk, strict=True)), key])


_NUMBERS = "unnest(from_json_strict(?, '[\"UBIGINT\"]'))"
"""Numbers from a parameter of JSON, which is far quicker than one that is a list."""


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Sorted values, many at a time."""
    waiting = iter(sorted(values))
    while chunk := list(islice(waiting, 100_000)):
        yield chunk


def _note_run(base: duckdb.DuckDBPyConnection, header: dict[str, Any], counts: dict[str, int]) -> None:
    """Add a run to the table of runs."""
    session = str(header["session"])
    base.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            session,
            _time(session),
            *(header[name] for name in ("version", "lexicons", "model")),
            orjson.dumps(header["options"]).decode(),
            orjson.dumps(counts).decode(),
        ],
    )


class connected:
    """A connection to a store, closed at the end; faults become OutputError with the file's name.

    A new one is made at `stage`, the place until it is whole.
    """

    def __init__(self, path: Path, read_only: bool, stage: Path | None = None) -> None:
        self._path, self._read_only, self._stage = path, read_only, stage

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        try:
            place = str(self._stage or self._path)
            self._base = duckdb.connect(place, read_only=self._read_only, config=FOREIGN)
            if self._stage:
                self._base.execute(_TABLES)
                self._base.execute("INSERT INTO meta VALUES (?)", [FORMAT])
            if not tables_of(self._base).issuperset(("meta", "runs", "trials", "history")):
                self._base.close()
                raise OutputError(
                    f"{self._path}: a DuckDB file, but no store of cart-nlp; choose another name"
                )
            found = self._base.execute("SELECT max(format) FROM main.meta").fetchone()
        except duckdb.Error as fault:
            raise OutputError(f"{self._path}: cannot be opened as a store: {_first_line(fault)}") from None
        if found is None or found[0] != FORMAT:
            self._base.close()
            raise OutputError(
                f"{self._path}: store format {found and found[0]}, this version writes {FORMAT}; "
                "name a new store"
            )
        return self._base

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        self._base.close()
        if is_interrupt(fault):
            raise KeyboardInterrupt from None
        if isinstance(fault, duckdb.Error):
            raise OutputError(
                f"{self._path}: {_first_line(fault)}; the store is as it was before; free some space if that "
                "is what it lacks, --resume then goes on"
            ) from None


def _first_line(fault: Exception) -> str:
    return str(fault).strip().splitlines()[0]


def _time(session: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(session).astimezone(datetime.UTC).replace(tzinfo=None)


class _Update:
    """One run's changes, staged in temporary tables and then merged by set operations."""

    def __init__(self, base: duckdb.DuckDBPyConnection, journal: Journal, key: str) -> None:
        self._base, self._journal, self._key = base, journal, key
        self._at = _time(str(journal.header["session"]))

    def run(self, complete: bool) -> dict[str, int]:
        """Stage, count, merge."""
        self._stage_outcomes()
        self._stage_records()
        counts = self._counted(complete)
        self._merge_unwritten()
        self._merge_history()
        self._merge_parts()
        self._merge_trials()
        counts["stored"] = self._count("SELECT count(*) FROM records")
        return counts

    def _do(self, query: str, *values: Any) -> None:
        self._base.execute(query, list(values))

    def _count(self, query: str) -> int:
        row = self._base.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _stage_outcomes(self) -> None:
        self._do("CREATE TEMP TABLE seen(trial_id VARCHAR, digest VARCHAR, kind VARCHAR)")
        kinds = ("record", "below", "same", "still", "screened", "reject")
        found = (o for o in self._journal.outcomes() if o.kind in kinds)
        while chunk := list(islice(found, 50_000)):
            columns = ([o.id for o in chunk], [o.digest for o in chunk], [o.kind for o in chunk])
            self._do(f"INSERT INTO seen SELECT {_LISTS}", *columns)
        # What the text screen let go leaves a record only where no other entry of that id was tagged.
        self._do("""
            DELETE FROM seen WHERE kind = 'screened' AND (
              trial_id NOT IN (SELECT trial_id FROM trials WHERE included AND vanished IS NULL)
              OR trial_id IN (SELECT trial_id FROM seen WHERE kind NOT IN ('screened', 'reject')));
            CREATE TEMP TABLE staged AS SELECT DISTINCT * FROM seen WHERE kind != 'reject';
        """)

    def _stage_records(self) -> None:
        self._do("CREATE TEMP TABLE staged_history(trial_id VARCHAR, field VARCHAR, value VARCHAR)")
        known = {row[0] for row in self._base.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if known.issuperset(_COLUMNS) and not self._journal.counts["record"]:
            for part in _COLUMNS:
                self._do(f"CREATE TEMP TABLE staged_{part} AS SELECT * FROM {part} LIMIT 0")
            return
        for rows in batches(self._journal.records()):
            for (part, listed), found in zip(_COLUMNS.items(), rows, strict=True):
                for place in (f"TABLE IF NOT EXISTS {part}", f"TEMP TABLE IF NOT EXISTS staged_{part}"):
                    self._do(f"CREATE {place}({listed})")
                kind = json.dumps(f"STRUCT({listed})[]")
                unpacked = f"unnest(from_json_strict(?, '{kind}'), max_depth := 2)"
                self._do(f"INSERT INTO staged_{part} SELECT {unpacked}", orjson.dumps(found).decode())
        values = self._values()
        while chunk := list(islice(values, 50_000)):
            columns = map(list, zip(*chunk, strict=True))
            self._do(f"INSERT INTO staged_history SELECT {_LISTS}", *columns)

    def _values(self) -> Iterator[tuple[str, str, str]]:
        """Trial, field and value (as JSON) of all that the tagged records say; empty values are left out."""
        for line in self._journal.records():
            record = orjson.loads(line)
            for name in HISTORY:
                if record.get(name) not in (None, "", [], {}):
                    yield record["trial_id"], name, orjson.dumps(record[name]).decode()

    def _counted(self, complete: bool) -> dict[str, int]:
        self._do("""
            CREATE TEMP TABLE before AS SELECT trial_id FROM trials WHERE included AND vanished IS NULL;
            CREATE TEMP TABLE now AS SELECT trial_id, field, value FROM history WHERE until IS NULL
                AND trial_id IN (SELECT trial_id FROM staged WHERE kind = 'record');
            CREATE TEMP TABLE differing AS SELECT DISTINCT trial_id FROM (
                (SELECT * FROM staged_history EXCEPT SELECT * FROM now)
                UNION ALL (SELECT * FROM now EXCEPT SELECT * FROM staged_history));
            CREATE TEMP TABLE gone(trial_id VARCHAR);
        """)
        if complete:
            self._do("INSERT INTO gone SELECT trial_id FROM trials WHERE vanished IS NULL "
                     "AND trial_id NOT IN (SELECT trial_id FROM seen)")  # fmt: skip
        self._do("""
            CREATE TEMP TABLE tagged AS SELECT trial_id FROM staged WHERE kind = 'record';
            CREATE TEMP TABLE kept AS SELECT * FROM tagged INTERSECT SELECT * FROM before;
        """)
        sets = {
            "new": "SELECT * FROM tagged EXCEPT SELECT * FROM before",
            "changed": "SELECT * FROM kept INTERSECT SELECT * FROM differing",
            "unchanged": "(SELECT * FROM kept EXCEPT SELECT * FROM differing) "
            "UNION ALL SELECT trial_id FROM staged WHERE kind = 'same'",
            "vanished": "SELECT * FROM gone INTERSECT SELECT * FROM before",
            "dropped": "SELECT trial_id FROM staged WHERE kind IN ('below', 'screened') "
            "INTERSECT SELECT * FROM before",
            "retagged": "SELECT trial_id FROM staged WHERE kind IN ('record', 'below')",
        }
        return {name: self._count(f"SELECT count(*) FROM ({query})") for name, query in sets.items()}

    def _merge_unwritten(self) -> None:
        self._do(_UNWRITTEN)
        self._do("""
            DELETE FROM unwritten WHERE trial_id IN (SELECT trial_id FROM gone)
              OR trial_id IN (SELECT trial_id FROM staged WHERE kind IN ('record', 'below', 'screened'))
        """)
        below = (o for o in self._journal.outcomes() if o.kind == "below")
        while chunk := list(islice(below, 50_000)):
            columns = ([o.id for o in chunk], [o.payload.decode() for o in chunk])
            self._do("INSERT INTO unwritten SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", *columns)

    def _merge_history(self) -> None:
        self._do("""
            UPDATE history SET until = ? WHERE until IS NULL
              AND (trial_id IN (SELECT trial_id FROM staged WHERE kind IN ('record', 'below', 'screened'))
                   OR trial_id IN (SELECT trial_id FROM gone))
              AND (trial_id, field, value) NOT IN (SELECT (trial_id, field, value) FROM staged_history)
        """, self._at)  # fmt: skip
        self._do("""
            INSERT INTO history SELECT s.trial_id, s.field, s.value, ?, NULL FROM staged_history s
            WHERE (s.trial_id, s.field) NOT IN (SELECT (trial_id, field) FROM history WHERE until IS NULL)
        """, self._at)  # fmt: skip

    def _merge_parts(self) -> None:
        for part in _COLUMNS:
            self._do(f"""
                DELETE FROM {part} WHERE trial_id IN (SELECT trial_id FROM gone)
                  OR trial_id IN (SELECT trial_id FROM staged WHERE kind IN ('record', 'below', 'screened'));
                INSERT INTO {part} SELECT * FROM staged_{part};
            """)

    def _merge_trials(self) -> None:
        self._do("UPDATE trials SET vanished = ? WHERE trial_id IN (SELECT trial_id FROM gone)", self._at)
        self._do("DELETE FROM trials WHERE vanished IS NOT NULL AND NOT included")
        self._do("""
            UPDATE trials SET digest = s.digest, tagger = ?, last_seen = ?, vanished = NULL,
              included = CASE s.kind WHEN 'record' THEN true WHEN 'below' THEN false
                                    WHEN 'screened' THEN false ELSE included END
            FROM staged s WHERE trials.trial_id = s.trial_id
        """, self._key, self._at)  # fmt: skip
        self._do("""
            INSERT INTO trials SELECT s.trial_id, s.digest, ?, s.kind = 'record', ?, ?, NULL FROM staged s
            WHERE s.trial_id NOT IN (SELECT trial_id FROM trials)
        """, self._key, self._at, self._at)  # fmt: skip
