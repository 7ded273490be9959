"""Seals of closed months for packs, with every line that each covers, so that it can be proved offline.

What is written is what was sealed: it is hashed on its way, and a difference ends the pack.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from governance.audit.models import AuditEvent
from governance.audit.registries import EvidenceSection, PackScope
from governance.kernel.canonical import canonical_bytes, digest
from governance.kernel.errors import Conflict
from telemetry.chargeback.models import StatementVersion
from telemetry.chargeback.statements import (
    ENTRY_FIELDS,
    entry_line,
    sealed_entries,
    version_content,
    version_content_of,
)

COLUMNS = (
    *("statement", "team", "period", "number", "total", "currency", "entry_count", "sha256"),
    *("closed_at", "closed_by", "content"),
)


def seals_of(scope: PackScope) -> list[StatementVersion]:
    """Made in the period, and their closing is under the signed log; a later pack has the rest."""
    closings = AuditEvent.objects.filter(
        action="statement.closed",
        at__gte=scope.starts_at,
        at__lt=scope.ends_at,
        leaf__isnull=False,
    )
    if scope.team_id is not None:
        closings = closings.filter(team_id=scope.team_id)
    logged = {
        (str(subject), (after or {}).get("sha256"))
        for subject, after in closings.values_list("subject_id", "after")
    }
    made = StatementVersion.objects.filter(sha256__in={sha256 for _, sha256 in logged})
    related = made.select_related("statement__team", "closed_by").order_by(
        "statement__period", "pk"
    )
    return [one for one in related if (str(one.statement_id), one.sha256) in logged]


def check_sealed(seal: StatementVersion, content: Mapping[str, Any]) -> None:
    """Raise Conflict unless the content is what was sealed, and the kept lines with it."""
    if digest(content) != seal.sha256 or content["lines"] != seal.lines:
        raise not_as_sealed(seal)


def not_as_sealed(seal: StatementVersion) -> Conflict:
    """What ends a pack whose month is not the sealed one, for the person who asked for it."""
    return Conflict(
        f"The pack was not built: the ledger's lines of {seal.statement} are not those that seal "
        f"{seal.number} fixed (SHA-256 {seal.sha256[:16]}…). Nothing was changed. Run "
        "`manage.py verify_ledger`, and keep the database and its backups as they are until it "
        "is known why."
    )


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """`content` is what the seal is the SHA-256 of, read from the ledger."""
    for seal in seals_of(scope):
        statement = seal.statement
        content = version_content(seal)
        check_sealed(seal, content)
        yield {
            "statement": statement.pk,
            "team": statement.team.slug,
            "period": statement.period,
            "number": seal.number,
            "total": seal.total,
            "currency": seal.currency,
            "entry_count": seal.entry_count,
            "sha256": seal.sha256,
            "closed_at": seal.closed_at,
            "closed_by": str(seal.closed_by) if seal.closed_by else None,
            "content": canonical_bytes(content).decode(),
        }


SEALS = EvidenceSection(
    "statement_seals", "Seals of closed months", COLUMNS, _rows, counted_by=("team",)
)


def _lines(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Every entry under every seal, seal by seal in the order in which it was hashed."""
    for seal in seals_of(scope):
        running, count = hashlib.sha256(), 0
        for row in sealed_entries(seal):
            running.update(entry_line(row))
            count += 1
            yield {"statement": seal.statement_id, "number": seal.number} | row
        check_sealed(seal, version_content_of(seal, count, running.hexdigest()))


LINES = EvidenceSection(
    "sealed_lines",
    "Ledger entries of closed months",
    ("statement", "number", *ENTRY_FIELDS),
    _lines,
    summed="amount",
    summed_by=("statement", "number", "currency"),
    # The ledger's own section is there for spreadsheets; this one is to be hashed.
    has_tables=False,
)
