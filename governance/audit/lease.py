"""A pack builder's second connection: its lease on the pack, and its progress.

The rows are read in one REPEATABLE READ, READ ONLY transaction, so that all tables of a pack
show the same moment. Nothing can be written in it, and what another transaction of the same
connection wrote would be seen by nobody before its end. So progress goes through a connection
of its own, in autocommit. The other way, to export the snapshot and read through an alias,
would ask that of every app's evidence section.

The same connection holds the lease: an advisory lock of its session, which PostgreSQL lets go
when the worker dies. No clock is in it, so a slow query cannot outlive it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ROWS_BETWEEN = 2_000
_UPDATE = """
UPDATE audit_auditpack SET steps_done = %s, step_label = %s, rows_done = %s
WHERE id = %s AND state = 'building'
"""


class Cancelled(Exception):
    """The pack is no longer wanted: somebody cancelled it while it was built."""


class Progress:
    """How far a build is, for everybody to see at once."""

    def __init__(self, own: BaseDatabaseWrapper, pack_id: UUID) -> None:
        self._own, self._pack_id = own, pack_id
        self.label, self.steps_done, self.rows_done = "", -1, 0

    def step(self, label: str) -> None:
        """The next step begins. Raises Cancelled."""
        self.label, self.rows_done = label[:100], 0
        self.steps_done += 1
        self._write()

    def row(self) -> None:
        """One more row of this step is written. Raises Cancelled."""
        self.rows_done += 1
        if self.rows_done % ROWS_BETWEEN == 0:
            self._write()

    def _write(self) -> None:
        facts = (self.steps_done, self.label, self.rows_done, self._pack_id)
        with self._own.cursor() as cursor:
            cursor.execute(_UPDATE, facts)
            if not cursor.rowcount:
                raise Cancelled


@contextmanager
def held(pack_id: UUID) -> Iterator[Progress | None]:
    """The lease on a pack while the block runs, or None where another worker has it."""
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_number(pack_id)])
            is_ours = bool(cursor.fetchone()[0])
        yield Progress(own, pack_id) if is_ours else None
    finally:
        # A pooled connection would keep the lock beyond close(); a broken one has lost it.
        with suppress(Error), own.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        own.close()


def is_free(pack_id: UUID) -> bool:
    """Whether no worker holds the pack; if so none takes it before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(pack_id)])
        return bool(cursor.fetchone()[0])


def _number(pack_id: UUID) -> int:
    """The random half of the id. Negative, so it is never the sequencer's lock."""
    return int.from_bytes(pack_id.bytes[8:], signed=True)
