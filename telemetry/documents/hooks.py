"""What documents plug into packs: the statements that were closed, as PDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.audit.registries import EvidenceSection, PackScope, evidence_sections
from telemetry.chargeback.models import StatementVersion
from telemetry.chargeback.seal_evidence import not_as_sealed, seals_of
from telemetry.documents.pdf import statement_pdf
from telemetry.documents.statement_document import read_document

COLUMNS = ("team", "period", "sha256", "file")


def _standing(scope: PackScope) -> Iterator[tuple[StatementVersion, str]]:
    """The seals that are in force; a month that was opened again has no document now."""
    for seal in seals_of(scope):
        statement = seal.statement
        if statement.sha256 == seal.sha256 and statement.state == "closed":
            yield seal, f"statements/{statement.team.slug}-{statement.period:%Y-%m}.pdf"


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    for seal, file in _standing(scope):
        statement = seal.statement
        yield {
            "team": statement.team.slug,
            "period": statement.period,
            "sha256": seal.sha256,
            "file": f"documents/{file}",
        }


def _files(scope: PackScope) -> Iterator[tuple[str, bytes]]:
    for seal, file in _standing(scope):
        document = read_document(seal.statement.team, seal.statement.period)
        if (document.lines, document.total) != (seal.lines, seal.total):
            raise not_as_sealed(seal)
        yield file, statement_pdf(document, seal.closed_at)


evidence_sections.add(
    "statement_documents",
    EvidenceSection(
        "statement_documents", "Statements as PDF", COLUMNS, _rows, ("team",), files=_files
    ),
)
