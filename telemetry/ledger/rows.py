"""Rows that every call writes, with SQL that is made once from the model instead of each time.

The ORM's own columns and conversions; most of the processor time of an ordinary `save` or
`get` goes into writing the same SQL again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

from governance.kernel.statements import executed

Row = TypeVar("Row", bound=models.Model)
Fields = tuple["models.Field[Any, Any]", ...]


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model. Keys that the database gives are not read back."""
    if not rows:
        return
    statement, one_row, fields = _insertion(type(rows[0]))
    values = [_value(field, row) for row in rows for field in fields]
    with executed(statement + ", ".join([one_row] * len(rows)), values):
        pass
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def written(row: models.Model) -> dict[str, Any]:
    """The row by its columns, for a function that reads rows from JSON (see `as_json`)."""
    return {column: getattr(row, name) for column, name in _columns(type(row))}


def as_json(value: Any) -> str:
    """JSON as PostgreSQL reads its own types from it: bytes in hexadecimal, the rest as text."""
    return json.dumps(value, default=_text, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return "\\x" + value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def update(row: models.Model, names: Sequence[str]) -> None:
    """Write these attributes of one row, by its key."""
    statement, fields = _updating(type(row), tuple(names))
    values = [_value(field, row) for field in fields]
    with executed(statement, [*values, row.pk]):
        pass


def lock(row: Row) -> Row | None:
    """The row as it is now, for update; what it points to is kept where it still does."""
    model = type(row)
    statement, fields = _locking(model)
    with executed(statement, [row.pk]) as cursor:
        found = cursor.fetchone()
    if found is None:
        return None
    values = [_read(field, value) for field, value in zip(fields, found, strict=True)]
    fresh = model.from_db(connection.alias, [field.attname for field in fields], values)
    for field in fields:
        is_same = getattr(fresh, field.attname) == getattr(row, field.attname)
        if isinstance(field, models.ForeignKey) and is_same and field.is_cached(row):
            field.set_cached_value(fresh, field.get_cached_value(row))
    return fresh


def _value(field: models.Field[Any, Any], row: models.Model) -> Any:
    value = getattr(row, field.attname)
    if isinstance(value, DatabaseDefault):  # nobody gave one: the constant that the column has
        value = field.db_default
    return field.get_db_prep_save(value, connection)


def _read(field: models.Field[Any, Any], value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return convert(value, None, connection) if convert else value


@cache
def _insertion(model: type[models.Model]) -> tuple[str, str, Fields]:
    fields = tuple(one for one in _fields(model) if not isinstance(one, models.AutoField))
    names = ", ".join(_column(one) for one in fields)
    one_row = f"({', '.join(['%s'] * len(fields))})"
    return f"INSERT INTO {_table(model)} ({names}) VALUES ", one_row, fields  # noqa: S608  # names of the model


@cache
def _columns(model: type[models.Model]) -> tuple[tuple[str, str], ...]:
    """Column and attribute of each field."""
    return tuple((str(one.column), one.attname) for one in _fields(model))


@cache
def _updating(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Fields]:
    by_name = {one.name: one for one in _fields(model)} | {
        one.attname: one for one in _fields(model)
    }
    fields = tuple(by_name[name] for name in names)
    changes = ", ".join(f"{_column(one)} = %s" for one in fields)
    return f"UPDATE {_table(model)} SET {changes} WHERE {_key(model)} = %s", fields  # noqa: S608  # names of the model


@cache
def _locking(model: type[models.Model]) -> tuple[str, Fields]:
    fields = _fields(model)
    names = ", ".join(_column(one) for one in fields)
    return f"SELECT {names} FROM {_table(model)} WHERE {_key(model)} = %s FOR UPDATE", fields  # noqa: S608  # names of the model


def _fields(model: type[models.Model]) -> Fields:
    return tuple(model._meta.concrete_fields)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _key(model: type[models.Model]) -> str:
    return _column(model._meta.pk)


def _column(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(field.column))
