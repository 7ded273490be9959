"""The portfolio: map, table, file, and what other weights would change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import teams_for
from governance.audit.tables import csv_lines
from governance.home.charts import figure_data
from governance.kernel.authority import Permission
from governance.kernel.terms import RiskTier
from governance.kernel.web import page, requires
from governance.registry import charts
from governance.registry.portfolio import FILTERS, Portfolio, Row, Summary
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.scoring_content import KINDS, ModelContent
from governance.registry.scoring_models import model_in_force
from governance.registry.what_if import read_weights

# More bubbles than this cover each other: the map counts them by half points instead.
MOST_BUBBLES = 150
PREFIX = "w-"
COLUMNS = (
    ("title", "Use case"),
    ("rank", "Rank"),
    ("quadrant", "Priority"),
    ("impact", "Impact"),
    ("effort", "Effort"),
    ("tier", "Risk"),
    ("stage", "Stage"),
    ("team", "Team"),
    ("cost", "Cost this month"),
)
NUMBERS = frozenset({"rank", "impact", "effort", "cost", "then"})
HEAD = (
    *("title", "stage", "tier", "owner", "team", "rank", "quadrant", "impact", "effort"),
    *("scored by", "scoring model", "cost this month", "currency"),
)
HEAD_THEN = ("what-if rank", "what-if quadrant", "what-if impact", "what-if effort", "movement")


@requires(Permission.USE_CASE_VIEW)
def portfolio(request: HttpRequest) -> HttpResponseBase:
    """Where should we put effort? And with other weights? Nothing is saved."""
    user = cast(User, request.user)
    version, content = model_in_force()
    given = request.GET.dict()
    typed = {one.key: given.get(f"{PREFIX}{one.key}", "") for one in content.dimensions}
    weights, problems = read_weights(content, typed)
    # The form sends the weights in force too: only others are a question.
    asked = not problems and any(weights[one.key] != one.weight for one in content.dimensions)
    found = Portfolio(user, given, version, content, weights if asked else None, timezone.now())
    wanted = given.get("sort", "then" if asked else "rank")
    if given.get("format") == "csv" and not problems:
        return _csv(found, wanted, asked)
    summary = found.summary()
    pages = Paginator(found.rows(wanted), 50)
    pages.count = summary.count  # known already: not asked again
    listed = pages.get_page(given.get("page"))
    context = {
        "page": listed,
        "rows": [found.row(one) for one in listed],
        "count": summary.count,
        "figure": _figure(found, summary, content),
        "is_grouped": summary.count > MOST_BUBBLES,
        "incomparable": summary.incomparable,
        "older": summary.older,
        "version": version,
        "columns": [_column(key, label, wanted) for key, label in _columns(asked)],
        "sides": _sides(content, typed, problems),
        "problems": problems,
        "is_what_if": asked,
        "is_filtered": any(given.get(name) for name in FILTERS),
        "stages": USE_CASE_STAGES.states,
        "tiers": list(RiskTier),
        "teams": teams_for(user, Permission.USE_CASE_VIEW),
        "currency": settings.PLACET_CURRENCY,
    }
    status = 422 if problems else 200
    return page(request, "governance/registry/map.html", context, status=status)


def _columns(asked: bool) -> list[tuple[str, str]]:
    return [*COLUMNS, ("then", "With these weights")] if asked else list(COLUMNS)


def _column(key: str, label: str, wanted: str) -> dict[str, Any]:
    """A head that sorts by its column, and turns round when it does so already."""
    order = {key: "ascending", f"-{key}": "descending"}.get(wanted, "")
    sort = f"-{key}" if order == "ascending" else key
    return {"label": label, "order": order, "sort": sort, "is_number": key in NUMBERS}


def _sides(
    content: ModelContent, typed: dict[str, str], problems: dict[str, list[str]]
) -> list[dict[str, Any]]:
    return [
        {
            "title": kind.capitalize(),
            "fields": [
                {
                    "name": f"{PREFIX}{one.key}",
                    "title": one.title,
                    "value": typed[one.key] or one.weight,
                    "errors": problems.get(one.key, []),
                }
                for one in content.of(kind)
            ],
        }
        for kind in KINDS
    ]


def _figure(found: Portfolio, summary: Summary, content: ModelContent) -> dict[str, Any] | None:
    """One bubble each, or one per half point and tier when there are too many to tell apart."""
    if not summary.count:
        return None
    if summary.count > MOST_BUBBLES:
        shown = found.grouped(summary)
    else:
        shown = [found.row(one).as_bubble() for one in found.rows("rank")]
    finding = f"{summary.wins} of {summary.count} scored use cases are quick wins"
    currency, threshold = settings.PLACET_CURRENCY, content.threshold
    return figure_data(charts.portfolio(shown, currency, finding, threshold))


def _csv(found: Portfolio, wanted: str, asked: bool) -> StreamingHttpResponse:
    """All rows, not just the page, as a file that is safe to open in a spreadsheet."""
    rows = found.rows(wanted).iterator(chunk_size=2000)
    return StreamingHttpResponse(
        csv_lines(
            [*HEAD, *(HEAD_THEN if asked else ())],
            (_cells(found.row(one), asked) for one in rows),
        ),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="portfolio.csv"'},
    )


def _cells(row: Row, asked: bool) -> list[str | int | Decimal]:
    one, deciding = row.use_case, row.deciding
    cells: list[str | int | Decimal] = [one.title, one.stage, one.tier, one.owner.name]
    cells += [one.team.name, deciding.rank, deciding.quadrant, deciding.impact, deciding.effort]
    cells += [row.score.made_by, deciding.model_version, deciding.cost, settings.PLACET_CURRENCY]
    if not asked:
        return cells
    then = row.outcome
    if then is None:
        return [*cells, "", "", "", "", "not comparable"]
    return [*cells, then.rank, then.quadrant, then.impact, then.effort, then.movement]
