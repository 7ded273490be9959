"""What many tests begin with, made once by the services and from then on put back as rows.

The organisation of most tests takes two thousand statements to make, and forty to put back.
Each process keeps its own; only what was made in an empty database is kept, and it is put back
only into an empty one. Elsewhere, and after a flush, it is made again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, TypeVar

from django.db import connection, transaction
from psycopg import sql

Made = TypeVar("Made")
# Of the installation itself, or written by the triggers on what is put back.
NOT_KEPT = {
    *("django_migrations", "django_content_type", "auth_permission", "django_site"),
    "gateway_governingchange",
}
# Bits of pg_trigger.tgtype: at each row that is inserted; at whatever is deleted.
INSERTED, DELETED = 1 | 4, 8


@dataclass(frozen=True)
class Kept:
    """The object as it was made, its rows as statements, and the installation that they fit."""

    made: Any
    statements: sql.Composed
    tables: tuple[str, ...]
    installation: tuple[Any, ...]


_kept: dict[str, Kept] = {}


def once(name: str, make: Callable[[], Made]) -> Made:
    """What `make` makes in the database, and a copy of the object that it answers."""
    kept = _kept.get(name)
    if with_rows(kept.tables if kept else _kept_tables()):
        return make()
    if kept is not None and kept.installation == _installation():
        _put_back(kept)
        made: Made = copy.deepcopy(kept.made)
        return made
    made = make()
    tables = tuple(_after_what_they_name(with_rows(_kept_tables())))
    _kept[name] = Kept(copy.deepcopy(made), _as_statements(tables), tables, _installation())
    return made


def _put_back(kept: Kept) -> None:
    """Rows and references fit, as they did: neither triggers nor foreign keys look again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(kept.statements)


def _kept_tables() -> list[str]:
    return [name for name in all_tables() if name not in NOT_KEPT]


@cache
def all_tables() -> list[str]:
    """All of them, a partitioned one once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]


def with_rows(names: Iterable[str]) -> list[str]:
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(
            sql.Literal(name), sql.Identifier(name)
        )
        for name in names
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [name for (name,) in cursor.fetchall()]


def _after_what_they_name(tables: list[str]) -> list[str]:
    """Triggers that cannot be switched off look at the rows that a new one names.

    Where tables name one another in a circle, the reference that may be empty comes later.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text, attnotnull"
            " FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]"
            " WHERE contype = 'f' AND conrelid <> confrelid ORDER BY 3 DESC, 1, 2"
        )
        named: dict[str, set[str]] = {name: set() for name in tables}
        for table, other, _ in cursor.fetchall():
            if table in named and other in named and not _leads(named, other, table):
                named[table].add(other)
    return list(TopologicalSorter(named).static_order())


def _leads(named: dict[str, set[str]], start: str, end: str) -> bool:
    return start == end or any(_leads(named, one, end) for one in named[start])


def _installation() -> tuple[Any, ...]:
    """Rows name content types and permissions by keys that a flush gives anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT max(id) FROM django_content_type), (SELECT max(id) FROM auth_permission)"
        )
        found: tuple[Any, ...] = cursor.fetchone()
    return found


def _as_statements(tables: tuple[str, ...]) -> sql.Composed:
    """Guards that look at each new row are away for that long, in a transaction of the test."""
    away, back = guards_of(tables, INSERTED)
    return sql.SQL(";").join(
        [
            sql.SQL("SET LOCAL session_replication_role = replica"),
            *away,
            *(_as_statement(name) for name in tables),
            *back,
            sql.SQL("SET LOCAL session_replication_role = origin"),
        ]
    )


def guards_of(
    names: Iterable[str], at: int = DELETED
) -> tuple[list[sql.Composed], list[sql.Composed]]:
    """What takes these triggers of the tables away, and what brings them back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'A'"
            " AND tgtype::integer & %s = %s AND tgrelid::regclass::text = ANY(%s)",
            [at, at, list(names)],
        )
        guards = [tuple(map(sql.Identifier, one)) for one in cursor.fetchall()]
    away = [sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(*one) for one in guards]
    back = [sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(*one) for one in guards]
    return away, back


def _as_statement(table: str) -> sql.Composed:
    name = sql.Identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
        columns = sql.SQL(", ").join(sql.Identifier(one) for (one,) in cursor.fetchall())
        cursor.execute(sql.SQL("SELECT jsonb_agg(to_jsonb(one))::text FROM {} one").format(name))
        (rows,) = cursor.fetchone()
    return sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM"
        " jsonb_populate_recordset(NULL::{}, {}::jsonb) ON CONFLICT DO NOTHING"
    ).format(name, columns, columns, name, sql.Literal(rows))
