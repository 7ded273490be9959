"""Statements and usage as files: a name, a media type, and the content in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from governance.access.models import Team, User
from governance.audit.tables import csv_lines
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from telemetry.chargeback import dashboard
from telemetry.chargeback.dashboard import View
from telemetry.chargeback.downloads import usage_lines
from telemetry.documents.focus import entries_of, focus_csv
from telemetry.documents.pdf import statement_pdf
from telemetry.documents.sheets import Sheet, write_book
from telemetry.documents.statement_document import (
    COUNT_HEAD,
    HEAD,
    PRICED_HEAD,
    StatementDocument,
    read_document,
)

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF = "application/pdf"
PIECE = 64 * 1024
USAGE_HEAD = (
    *("Day", "Team", "Use case", "Model", "Source", "Calls", "Input tokens", "Output tokens"),
    *("Cost", "Cost, exact", "Currency"),
)


Writer = TypeVar("Writer", bound=Callable[..., object])


@dataclass(frozen=True)
class DocumentFile:
    """What is downloaded or sent. The pieces are read once; nothing is computed before."""

    name: str
    media_type: str
    pieces: Iterable[bytes | str]


def _book(sheets: Sequence[Sheet], facts: Sequence[tuple[str, Any]], name: str) -> DocumentFile:
    return DocumentFile(name, XLSX, _pieces(sheets, facts))


def _pieces(sheets: Sequence[Sheet], facts: Sequence[tuple[str, Any]]) -> Iterator[bytes]:
    """Written to a folder that is gone when the last piece is sent, or the reader leaves."""
    with tempfile.TemporaryDirectory(prefix="placet-book-") as folder:
        path = Path(folder) / "book.xlsx"
        write_book(path, sheets, facts)
        with path.open("rb") as book:
            while piece := book.read(PIECE):
                yield piece


def _as_csv(document: StatementDocument, now: datetime) -> DocumentFile:
    columns = (*(name.lower().replace(" ", "_") for name in (*HEAD, *COUNT_HEAD)), "amount")
    rows = [row[:-1] for row in document.rows()]
    sums = [sum(row[column] for row in rows) for column in range(4, 8)]
    rows.append(["Total", "", "", "", *sums, document.total])
    return DocumentFile(f"{document.name}.csv", CSV, csv_lines(columns, rows))


def _as_xlsx(document: StatementDocument, now: datetime) -> DocumentFile:
    amount = f"Amount in {document.currency}"
    lines = Sheet(
        "Statement",
        (*HEAD, *COUNT_HEAD, amount, "Amount, exact"),
        document.rows(),
        summed=(*COUNT_HEAD, amount),
    )
    sheets = [lines]
    if document.parts:
        sheets.append(_shared_cost(document, amount))
    if document.priced:
        sheets.append(_tiers(document))
    return _book(sheets, document.facts(now), f"{document.name}.xlsx")


def _shared_cost(document: StatementDocument, amount: str) -> Sheet:
    return Sheet(
        "Shared cost",
        ("Rule", "Split", "State", "This team", "Of all", "Share in percent", amount),
        [
            [
                str(part.run.version),
                part.run.version.method_words,
                part.run.state,
                part.basis,
                part.run.basis_total,
                part.share,
                part.amount,
            ]
            for part in document.parts
        ],
    )


def _tiers(document: StatementDocument) -> Sheet:
    """As on the page: what tiers and discounts made of the list prices, model by model."""
    summed = tuple(f"{name} in {document.currency}" for name in PRICED_HEAD)
    return Sheet(
        "Tiers and discounts",
        ("Model", "Agreed", *summed, f"{PRICED_HEAD[-1]}, exact"),
        [
            [
                *(line.deployment.name, "; ".join(line.because)),
                *(line.listed, line.booked, line.reduction, f"{line.reduction:.9f}"),
            ]
            for line in document.priced
        ],
        summed=summed,
    )


def _as_focus(document: StatementDocument, now: datetime) -> DocumentFile:
    lines = focus_csv(entries_of([document.team.pk], document.period))
    return DocumentFile(f"{document.name}-focus-1.2.csv", CSV, lines)


def _as_pdf(document: StatementDocument, now: datetime) -> DocumentFile:
    return DocumentFile(f"{document.name}.pdf", PDF, [statement_pdf(document, now)])


STATEMENT_FORMATS: dict[str, Callable[[StatementDocument, datetime], DocumentFile]] = {
    "csv": _as_csv,
    "xlsx": _as_xlsx,
    "focus": _as_focus,
    "pdf": _as_pdf,
}


def statement_file(team: Team, month: date, kind: str, now: datetime) -> DocumentFile:
    """The statement in that format; raises Invalid for one that there is not."""
    write = _format(STATEMENT_FORMATS, kind)
    return write(read_document(team, month), now)


def _usage_csv(user: User, view: View) -> DocumentFile:
    rows = dashboard.usage_rows(user, view, [view.month])
    return DocumentFile(f"usage-{view.month:%Y-%m}.csv", CSV, usage_lines(rows))


def _usage_xlsx(user: User, view: View) -> DocumentFile:
    rows = (
        [
            *(row.day, row.team_name, row.use_case_title, row.deployment_name, row.source),
            *(row.calls, row.tokens_input, row.tokens_output, row.cost, f"{row.cost:.9f}"),
            settings.PLACET_CURRENCY,
        ]
        for row in dashboard.usage_rows(user, view, [view.month])
    )
    sheet = Sheet(
        "Usage", USAGE_HEAD, rows, summed=("Calls", "Input tokens", "Output tokens", "Cost")
    )
    return _book([sheet], [], f"usage-{view.month:%Y-%m}.xlsx")


def _usage_focus(user: User, view: View) -> DocumentFile:
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    entries = entries_of(None if reach.everywhere else reach.team_ids, view.month)
    if view.team:
        entries = entries.filter(team__slug=view.team)
    if view.use_case:
        entries = entries.filter(use_case__slug=view.use_case)
    return DocumentFile(f"usage-{view.month:%Y-%m}-focus-1.2.csv", CSV, focus_csv(entries))


USAGE_FORMATS: dict[str, Callable[[User, View], DocumentFile]] = {
    "csv": _usage_csv,
    "xlsx": _usage_xlsx,
    "focus": _usage_focus,
}


def usage_file(user: User, view: View, kind: str) -> DocumentFile:
    """A month's usage in the person's reach; raises Invalid for a format that there is not."""
    write = _format(USAGE_FORMATS, kind)
    return write(user, view)


def _format(formats: dict[str, Writer], kind: str) -> Writer:
    if kind not in formats:
        raise Invalid(f"There is no such format. There are: {', '.join(formats)}.")
    return formats[kind]
