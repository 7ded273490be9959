"""Queries of the ORM that are built once in a process, and prepared once by a connection.

Building a query of ten parts costs the ORM milliseconds of processor time and the server one more
to plan it, where running it takes a tenth of one. What runs at every claim and every event of the
audit log is built once therefore, with markers in place of the values of the moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.types.numeric import Int8

Compiled = tuple[str, Sequence[Any]]
_LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)
_MARKERS: dict[type, Callable[[int], Any]] = {
    int: lambda number: 2_000_000_000 + number,
    datetime: lambda number: _LONG_AGO + timedelta(seconds=number),
    date: lambda number: _LONG_AGO.date() + timedelta(days=number),
    UUID: lambda number: UUID(int=number),
}


class _Prepared(psycopg.Cursor[Any]):
    """Binds on the server, which parses and plans a statement once for each connection."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> _Prepared:
        return super().execute(query, params, **options | {"prepare": True})

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        # psycopg keeps no text of what it prepared, and Django's log of queries asks for it.
        self._query = super()._convert_query(query, params)
        return self._query


class _Raw(_Prepared, psycopg.RawCursor[Any]):
    """Takes the server's own `$1`: psycopg reads a long text of its own anew each time."""


@contextmanager
def executed(statement: str, values: Any) -> Iterator[CursorWrapper]:
    """A statement that is the same each time, by way of Django's own wrappers and log.

    Where PLACET_PREPARED is 0 (a pooler that gives each transaction another connection) it is
    planned each time.
    """
    with _wrapped(_Prepared) as cursor:
        cursor.execute(statement, values)
        yield cursor


def is_deadlock(error: DatabaseError) -> bool:
    """Whether the database ended this transaction because it and another waited for each other.

    Nothing of it was written, and the other one goes on.
    """
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


def _wrapped(kind: type[psycopg.Cursor[Any]]) -> CursorWrapper:
    own = connections[DEFAULT_DB_ALIAS]  # once: `connection` looks for the thread's each time
    own.ensure_connection()
    wrap = own.make_debug_cursor if own.queries_logged else own.make_cursor
    prepared: Any = kind(own.connection)
    return wrap(prepared)


class Statement:
    """What `build` makes of one value of each kind, as a statement for any values.

    Kinds are int, datetime, date and UUID. `build` takes the values by name and gives SQL with its
    parameters; it may do nothing else with them than put them into the query. That is checked: it
    is built twice with different values, and whatever else differs raises RuntimeError. What does
    not differ stands in the statement, so that an index that holds for it alone may be used.
    """

    def __init__(self, build: Callable[..., Compiled], kinds: dict[str, type]) -> None:
        self._build, self._kinds = build, kinds

    def run(self, **values: Any) -> list[tuple[Any, ...]]:
        """All rows; `values` are those of this moment, one of each kind."""
        with _wrapped(_Raw) as cursor:
            cursor.execute(self.sql, [_bound(values[name]) for name in self._kinds])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    @cached_property
    def sql(self) -> str:
        """With `$1` for the first of the kinds, and so on."""
        first, second = self._markers(1), self._markers(len(self._kinds) + 1)
        (text, one), (again, other) = self._build(**first), self._build(**second)
        if text != again or len(one) != len(other):
            raise RuntimeError(f"{self._build.__qualname__}: the query depends on its values.")
        places = {(first[name], second[name]): n for n, name in enumerate(self._kinds, 1)}
        given = zip(one, other, strict=True)
        return re.sub("%%|%s", lambda found: self._filled(found[0], given, places), text)

    def _markers(self, start: int) -> dict[str, Any]:
        kinds = enumerate(self._kinds.items(), start)
        return {name: _MARKERS[kind](number) for number, (name, kind) in kinds}

    def _filled(self, found: str, given: Any, places: dict[Any, int]) -> str:
        if found == "%%":
            return "%"
        one, other = next(given)
        if (one, other) in places:
            return f"${places[one, other]}"
        if one != other:
            raise RuntimeError(f"{self._build.__qualname__}: {one!r} was made of its values.")
        plain = one.value if isinstance(one, Enum) else one
        return sql.Literal(plain).as_string(None)


def _bound(value: Any) -> Any:
    # Of one size whatever its value, or the server would plan the statement for each size.
    return Int8(value) if type(value) is int else value
