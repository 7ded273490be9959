"""Downloads of statements and of a month's usage; all are streamed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import HttpRequest
from django.utils import timezone

from governance.access.models import Team, User
from governance.audit.tables import csv_lines
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import get_or_404, page, requires
from telemetry.chargeback import dashboard
from telemetry.chargeback.dashboard import View
from telemetry.documents.focus import entries_of, focus_csv
from telemetry.documents.focus_columns import COLUMNS
from telemetry.documents.pdf import statement_pdf
from telemetry.documents.sheets import Sheet, write_book
from telemetry.documents.statement_document import (
    COUNT_HEAD,
    HEAD,
    StatementDocument,
    read_document,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = 64 * 1024
USAGE_HEAD = (
    *("Day", "Team", "Use case", "Model", "Source", "Calls", "Input tokens", "Output tokens"),
    *("Cost", "Cost, exact", "Currency"),
)


def visible_team(user: User, slug: str) -> Team:
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    teams = Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)
    found: Team = get_or_404(teams, slug=slug)
    return found


def _file(lines: Iterable[Any], name: str, kind: str) -> HttpResponse:
    response = StreamingHttpResponse(lines, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


def _book(sheets: Sequence[Sheet], facts: Sequence[tuple[str, Any]], name: str) -> HttpResponse:
    return _file(_pieces(sheets, facts), name, XLSX)


def _pieces(sheets: Sequence[Sheet], facts: Sequence[tuple[str, Any]]) -> Iterator[bytes]:
    """Written to a folder that is gone when the last piece is sent, or the reader leaves."""
    with tempfile.TemporaryDirectory(prefix="placet-book-") as folder:
        path = Path(folder) / "book.xlsx"
        write_book(path, sheets, facts)
        with path.open("rb") as book:
            while piece := book.read(PIECE):
                yield piece


def _as_csv(document: StatementDocument, now: datetime) -> HttpResponse:
    columns = (*(name.lower().replace(" ", "_") for name in (*HEAD, *COUNT_HEAD)), "amount")
    rows = [row[:-1] for row in document.rows()]
    sums = [sum(row[column] for row in rows) for column in range(4, 8)]
    rows.append(["Total", "", "", "", *sums, document.total])
    return _file(csv_lines(columns, rows), f"{document.name}.csv", "text/csv; charset=utf-8")


def _as_xlsx(document: StatementDocument, now: datetime) -> HttpResponse:
    amount = f"Amount in {document.currency}"
    lines = Sheet(
        "Statement",
        (*HEAD, *COUNT_HEAD, amount, "Amount, exact"),
        document.rows(),
        summed=(*COUNT_HEAD, amount),
    )
    shared = Sheet(
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
    sheets = [lines, shared] if document.parts else [lines]
    return _book(sheets, document.facts(now), f"{document.name}.xlsx")


def _as_focus(document: StatementDocument, now: datetime) -> HttpResponse:
    lines = focus_csv(entries_of([document.team.pk], document.period))
    return _file(lines, f"{document.name}-focus-1.2.csv", "text/csv; charset=utf-8")


def _as_pdf(document: StatementDocument, now: datetime) -> HttpResponse:
    return _file([statement_pdf(document, now)], f"{document.name}.pdf", "application/pdf")


STATEMENT_FORMATS: dict[str, Callable[[StatementDocument, datetime], HttpResponse]] = {
    "csv": _as_csv,
    "xlsx": _as_xlsx,
    "focus": _as_focus,
    "pdf": _as_pdf,
}


def statement_response(team: Team, month: date, kind: str) -> HttpResponse:
    """The statement in that format; raises Invalid for one that there is not."""
    if kind not in STATEMENT_FORMATS:
        words = ", ".join(STATEMENT_FORMATS)
        raise Invalid(f"There is no such format. There are: {words}.")
    return STATEMENT_FORMATS[kind](read_document(team, month), timezone.now())


@requires(Permission.CHARGEBACK_VIEW)
def statement(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """A statement in the format that `as` names."""
    found = visible_team(cast(User, request.user), team)
    return statement_response(found, month, request.GET.get("as", "csv"))


@requires(Permission.CHARGEBACK_VIEW)
def usage_xlsx(request: HttpRequest) -> HttpResponse:
    """The chargeback page's month by day, team, use case and model."""
    user, today = cast(User, request.user), timezone.now().date()
    view = View.from_query(request.GET, today)
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


@requires(Permission.CHARGEBACK_VIEW)
def usage_focus(request: HttpRequest) -> HttpResponse:
    """The chargeback page's month as FOCUS 1.2."""
    user, today = cast(User, request.user), timezone.now().date()
    view = View.from_query(request.GET, today)
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    entries = entries_of(None if reach.everywhere else reach.team_ids, view.month)
    if view.team:
        entries = entries.filter(team__slug=view.team)
    if view.use_case:
        entries = entries.filter(use_case__slug=view.use_case)
    name = f"usage-{view.month:%Y-%m}-focus-1.2.csv"
    return _file(focus_csv(entries), name, "text/csv; charset=utf-8")


@requires(Permission.CHARGEBACK_VIEW)
def focus_mapping(request: HttpRequest) -> HttpResponse:
    """Where each FOCUS column comes from."""
    return page(request, "telemetry/documents/focus.html", {"columns": COLUMNS})
