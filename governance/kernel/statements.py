"""Queries of the ORM that are built once in a process, and prepared once by a connection.

Building a query of ten parts costs the ORM milliseconds of processor time and the server one more
to plan it, where running it takes a tenth of one. What runs at every claim and every event of the
audit log is built once therefore, with markers in place of the values of the moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.postgresql.psycopg_any import sql as literals
from psycopg.types.numeric import Int8

Compiled = tuple[str, Sequence[Any]]
_LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)
_MARKERS: dict[type, Callable[[int], Any]] = {
    int: lambda number: 2_000_000_000 + number,
    datetime: lambda number: _LONG_AGO + timedelta(seconds=number),
    date: lambda number: _LONG_AGO.date() + timedelta(days=number),
    UUID: lambda number: UUID(int=number),
}


class _PreparedCursor(ServerBindingCursor):
    def execute(self, query: Any, params: Any = None) -> Any:
        return super().execute(query, params, prepare=True)


def prepared_cursor() -> AbstractContextManager[Any]:
    """A cursor whose statements the server plans once; values are bound there, as `%(name)s`.

    Where PLACET_PREPARED is 0 (a pooler that gives each transaction another connection), it plans
    them each time.
    """
    connection.ensure_connection()
    found: AbstractContextManager[Any] = connection._prepare_cursor(  # what cursor() does as well
        _PreparedCursor(connection.connection)
    )
    return found


class Statement:
    """What `build` makes of one value of each kind, as a statement for any values.

    `build` takes them by name and gives SQL with its parameters; it may do nothing else with them
    than put them into the query. That is checked: it is built twice with different values, and
    whatever else differs raises RuntimeError. What does not differ stands in the statement, so that
    the server may use an index that holds for it alone.
    """

    def __init__(self, build: Callable[..., Compiled], kinds: dict[str, type]) -> None:
        self._build, self._kinds = build, kinds

    def run(self, **values: Any) -> list[tuple[Any, ...]]:
        """All rows; `values` are those of this moment, one of each kind."""
        with prepared_cursor() as cursor:
            cursor.execute(self.sql, {name: _bound(one) for name, one in values.items()})
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    @cached_property
    def sql(self) -> str:
        first, second = self._markers(1), self._markers(len(self._kinds) + 1)
        (text, one), (again, other) = self._build(**first), self._build(**second)
        if text != again or len(one) != len(other):
            raise RuntimeError(f"{self._build.__qualname__}: the query depends on its values.")
        names = {(first[name], second[name]): name for name in self._kinds}
        given = zip(one, other, strict=True)
        return re.sub("%%|%s", lambda found: self._filled(found[0], given, names), text)

    def _markers(self, start: int) -> dict[str, Any]:
        kinds = enumerate(self._kinds.items(), start)
        return {name: _MARKERS[kind](number) for number, (name, kind) in kinds}

    def _filled(self, found: str, given: Any, names: dict[Any, str]) -> str:
        if found == "%%":
            return found
        one, other = next(given)
        if (one, other) in names:
            return f"%({names[one, other]})s"
        if one != other:
            raise RuntimeError(f"{self._build.__qualname__}: {one!r} was made of its values.")
        plain = one.value if isinstance(one, Enum) else one
        return literals.Literal(plain).as_string(None).replace("%", "%%")


def statement(**kinds: type) -> Callable[[Callable[..., Compiled]], Statement]:
    """Make a Statement of the function below; `kinds` are int, datetime, date or UUID."""
    return lambda build: Statement(build, kinds)


def _bound(value: Any) -> Any:
    # Of one size whatever its value, or the server would plan the statement for each size.
    return Int8(value) if type(value) is int else value
