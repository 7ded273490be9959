"""Seals of closed months for packs, with all that each covers, so that it can be proved offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.audit.models import AuditEvent
from governance.audit.registries import EvidenceSection, PackScope
from governance.kernel.canonical import canonical_bytes
from telemetry.chargeback.models import StatementVersion
from telemetry.chargeback.statements import statement_content

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


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """`content` is what the seal is the SHA-256 of, read from the ledger as it stands now."""
    for seal in seals_of(scope):
        statement = seal.statement
        content = statement_content(statement, up_to=seal.last_entry)
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
