"""A live AACT PostgreSQL database, read with a server-side cursor, some hundred studies at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cart_nlp.registries.clinicaltrials import aact
from cart_nlp.registries.containers.feeds import shown
from cart_nlp.registries.entry import Entry, InputError, Reject, Rejected
from cart_nlp.registries.values import shapes

if TYPE_CHECKING:
    import psycopg

_AT_A_TIME = 500
_WAIT = 10
_SCHEMES = ("postgresql://", "postgres://")
_SHAPES = {
    "user": re.compile(r"[\w.@-]*"),
    "host": re.compile(r"[\w./:,-]*"),
    "port": re.compile(r"[0-9,]*"),
    "dbname": re.compile(r"[\w.-]*"),
}
"""Part of an address -> what it looks like; anything else may be a piece of the password."""


def recognizes(name: str) -> bool:
    """Whether an input is the address of a database."""
    return name.strip().lower().startswith(_SCHEMES)


def _address(url: str) -> str:
    """The address as the driver takes it: it knows its schemes in lower case only."""
    scheme, mark, rest = url.strip().partition("://")
    return f"{scheme.lower()}{mark}{rest}"


def _parts(url: str) -> dict[str, str] | None:
    """The parts of an address as the driver reads it; None where they make no sense.

    A password with a bare sign of those that divide an address ends up in its other parts, so each of
    them must look like what it is.
    """
    from psycopg import ProgrammingError, conninfo

    try:
        found = {name: str(value) for name, value in conninfo.conninfo_to_dict(_address(url)).items()}
    except (ProgrammingError, ValueError):
        return None
    return found if all(shape.fullmatch(found.get(name, "")) for name, shape in _SHAPES.items()) else None


def shown_address(url: str) -> str:
    """The address without its password and options, fit for messages and provenance."""
    try:
        parts = _parts(url)
    except ImportError:
        parts = None
    if parts is None:
        return "postgresql://…"
    user = parts["user"] + "@" if "user" in parts else ""
    port = ":" + parts["port"] if "port" in parts else ""
    return f"postgresql://{user}{parts.get('host', '')}{port}/{parts.get('dbname', '')}"


def read(url: str) -> Iterator[Entry | Reject]:
    """Entries of all studies of the database, ordered by NCT number, as of one moment.

    What the address leaves out comes from where PostgreSQL's own programs take it: PGPASSWORD and its like,
    ~/.pgpass. Raises InputError if the database cannot be reached or is no copy of AACT.
    """
    try:
        import psycopg
    except ImportError:
        raise InputError(
            f"{shown_address(url)}: pip install 'cart-nlp[postgres]' to read a database"
        ) from None
    name = shown_address(url)
    parts = _parts(url)
    if parts is None:
        raise InputError(
            f"{name}: the address cannot be read; in a password write % / ? # @ as %25 %2F %3F %23 %40, "
            "or leave it out and set PGPASSWORD or ~/.pgpass"
        )
    last = ""
    try:
        with psycopg.connect(_address(url), connect_timeout=_WAIT) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            columns = _columns(connection, name)
            for each in _studies(connection, columns, name):
                last = each.place
                yield each
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        for secret in (parts.get("password"), parts.get("sslpassword")):
            reason = reason.replace(secret, "…") if secret else reason
        if not last:
            raise InputError(f"{name}: the database cannot be read: {shown(reason[:300])}") from None
        lost = f"the connection was lost, studies are missing: {shown(reason[:300])}"
        yield Reject(name, f"after {last}", None, lost)


def _columns(connection: psycopg.Connection, name: str) -> dict[str, list[str]]:
    """Table -> the needed columns that this copy has; tables in schema ctgov or else on the search path."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path TO ctgov, public")
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema IN ('ctgov', 'public') AND table_name = ANY(%s)",
            (list(aact.TABLES),),
        )
        present = set(cursor.fetchall())
    found = {
        table: [column for column in columns if (table, column) in present]
        for table, columns in aact.TABLES.items()
        if (table, "nct_id") in present
    }
    if "studies" not in found:
        raise InputError(f"{name}: no table ctgov.studies; is this an AACT database?")
    return found


def _select(table: str, columns: list[str]) -> str:
    """A query whose names are those of aact.TABLES: nothing in it comes from outside."""
    return "SELECT nct_id::text" + "".join(f", {column}::text" for column in columns) + f" FROM {table}"


def _studies(
    connection: psycopg.Connection, columns: dict[str, list[str]], name: str
) -> Iterator[Entry | Reject]:
    with connection.cursor(name="cart_nlp_studies") as studies:
        studies.itersize = _AT_A_TIME
        studies.execute(_select("studies", columns["studies"]) + " ORDER BY nct_id")
        while batch := studies.fetchmany(_AT_A_TIME):
            rows = _children(connection, columns, [number for number, *_ in batch])
            for number, *values in batch:
                place = f"ctgov.studies: {str(number)[:40]}"
                try:
                    checked = shapes.checked_id(number, "an nct_id")
                except Rejected as reason:
                    yield Reject(name, place, None, str(reason))
                    continue
                own = {column: value or "" for column, value in zip(columns["studies"], values, strict=True)}
                study = aact.Study(checked, own, rows.get(number, {}))
                yield Entry(name, place, aact.text(study), study, aact.parse, study.number)


def _children(
    connection: psycopg.Connection, columns: dict[str, list[str]], numbers: list[str]
) -> dict[str, dict[str, list[aact.Row]]]:
    """Study -> table -> rows, for the studies of one batch."""
    found: dict[str, dict[str, list[aact.Row]]] = {}
    with connection.cursor() as cursor:
        for table, names in columns.items():
            if table == "studies" or not names:
                continue
            query = _select(table, names) + " WHERE nct_id = ANY(%s) ORDER BY nct_id, id"
            cursor.execute(query, (numbers,))
            for number, *values in cursor:
                row = {column: value or "" for column, value in zip(names, values, strict=True)}
                found.setdefault(number, {}).setdefault(table, []).append(row)
    return found
