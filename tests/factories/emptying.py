"""After a test that committed, only what it wrote is deleted.

Django truncates every table instead, and makes content types and permissions anew: seconds for
each such test, and what `kept` put by fits no longer.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from psycopg import sql

from tests.factories.kept import all_tables, guards_of, with_rows

# What the migrations leave in an empty installation.
INSTALLED = {"django_migrations", "django_content_type", "auth_permission"}


def empty(_: Any = None) -> None:
    """Neither foreign keys nor the guards of the insert-only tables look at what goes."""
    written = with_rows(one for one in all_tables() if one not in INSTALLED)
    if not written:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        away, back = guards_of(written)
        deleted = [sql.SQL("DELETE FROM {}").format(sql.Identifier(one)) for one in written]
        off = sql.SQL("SET LOCAL session_replication_role = replica")
        cursor.execute(sql.SQL(";").join([off, *away, *deleted, *back]))
