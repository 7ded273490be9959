"""A statement as a tagged PDF (PDF/UA-1), set by typst. Data goes in as an input, never as text."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typst

from telemetry.chargeback.list_prices import priced_total
from telemetry.documents.statement_document import (
    COUNT_HEAD,
    COUNTS,
    HEAD,
    NAMES,
    PRICED_HEAD,
    StatementDocument,
)

TEMPLATE = Path(__file__).with_name("statement.typ")


def statement_pdf(document: StatementDocument, now: datetime) -> bytes:
    """The whole file; a statement has a line per use case and model, so it is small."""
    data = json.dumps(as_plain(document, now), ensure_ascii=False)
    written = typst.compile(
        TEMPLATE.read_bytes(), format="pdf", sys_inputs={"data": data}, pdf_standards=["ua-1"]
    )
    if not isinstance(written, bytes):
        raise TypeError("One document was asked for, and typst wrote several.")
    return written


def as_plain(document: StatementDocument, now: datetime) -> dict[str, Any]:
    """All that the template shows, as strings."""
    return {
        "title": f"Statement of {document.team.name}, {document.period:%B %Y}",
        "facts": [list(fact) for fact in document.facts(now)],
        "head": [*HEAD, *COUNT_HEAD, f"Amount in {document.currency}"],
        "lines": [
            [
                *(str(line[name]) for name in NAMES),
                *(f"{line[name]:,}" for name in COUNTS),
                _money(Decimal(line["amount"])),
            ]
            for line in document.lines
        ],
        "total": _money(document.total),
        "currency": document.currency,
        "parts": [
            [
                f"{part.run.version}{' (reversed)' if part.run.state == 'reversed' else ''}",
                part.run.version.method_words,
                f"{part.basis.normalize():f} of {part.run.basis_total.normalize():f}",
                f"{part.share.normalize():f} %",
                _money(part.amount),
            ]
            for part in document.parts
        ],
        "priced_head": ["Model", "Agreed", *PRICED_HEAD],
        "priced": [
            [
                *(line.deployment.name, "\n".join(line.because)),
                *(_money(one) for one in (line.listed, line.booked, line.reduction)),
            ]
            for line in document.priced
        ],
        "priced_sums": [_money(one) for one in priced_total(document.priced)],
        "links": [
            f"{link.how.capitalize()} {link.period:%B %Y}: {link.entries} entries, "
            f"{_money(link.amount)} {document.currency}"
            for link in document.links
        ],
    }


def _money(amount: Decimal) -> str:
    return f"{amount:,.9f}"
