"""While a call waits for somebody else it keeps nothing of the database."""

from __future__ import annotations

from django.db import connection


def rest_connection() -> None:
    """Nothing of the database is kept while a provider thinks."""
    if not connection.in_atomic_block:
        connection.close()
