"""What use cases are scored by: in force, before, and proposed."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.approvals.selectors import open_change_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, page, requires
from governance.registry.models import ScoringModel
from governance.registry.scoring_content import (
    KINDS,
    LONGEST_TITLE,
    LONGEST_WORDS,
    MOST_OF_A_KIND,
    ModelContent,
)
from governance.registry.scoring_models import (
    PROPOSE,
    ScoringModelSubject,
    model_in_force,
    propose_scoring_model,
)
from governance.registry.views import error_status

SPARE_ROWS = 2
PLACES = range(2 * MOST_OF_A_KIND)
POINTS = range(1, 6)


@requires(Permission.USE_CASE_VIEW)
def scoring_model(request: HttpRequest) -> HttpResponse:
    """By what, since when, what was it before, and what should it be?"""
    user = cast(User, request.user)
    version, content = model_in_force()
    found = ScoringModel.objects.filter(active=True).first()
    may_propose = found is not None and any(user.may(one) for one in PROPOSE)
    error: Invalid | None = None
    if request.method == "POST":
        try:
            change = propose_scoring_model(
                actor=actor_of(request),
                proposal=_sent(request),
                reason=request.POST.get("reason", "")[:2000],
                now=timezone.now(),
            )
            messages.success(request, "Proposed. The version in force stays until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
        except Invalid as refused:
            error = refused
    versions = ScoringModel.objects.newest_first().select_related("change__proposer")
    context = {
        "version": version,
        "threshold": content.threshold,
        "sides": _sides(content),
        "may_propose": may_propose,
        "open_change": open_change_for(ScoringModelSubject.kind, found.pk) if found else None,
        "rows": _typed_rows(request) if error else _rows(content),
        "typed_threshold": request.POST.get("threshold", "") if error else content.threshold,
        "reason": request.POST.get("reason", ""),
        "kinds": KINDS,
        "longest_title": LONGEST_TITLE,
        "longest_words": LONGEST_WORDS,
        "error": error,
        "page": Paginator(versions, 20).get_page(request.GET.get("page")),
    }
    status = error_status(error)
    return page(request, "governance/registry/scoring_model.html", context, status=status)


def _sides(content: ModelContent) -> list[dict[str, Any]]:
    return [
        {
            "title": kind.capitalize(),
            "rows": [{"dimension": one, "share": content.share(one)} for one in content.of(kind)],
        }
        for kind in KINDS
    ]


def _sent(request: HttpRequest) -> dict[str, Any]:
    """The proposal as typed. A row without key, title and weight was left empty or taken out."""
    rows = [row for row in _typed_rows(request) if row["is_filled"]]
    dimensions = [
        {name: row[name] for name in ("key", "title", "kind", "weight")}
        | {"words": [one["value"] for one in row["words"]]}
        for row in rows
    ]
    return {"dimensions": dimensions, "threshold": request.POST.get("threshold", "")}


def _typed_rows(request: HttpRequest) -> list[dict[str, Any]]:
    """Every row of the form; filled ones stand first, so that errors find their place again."""
    read = [_typed_row(request, place) for place in PLACES if f"d{place}-kind" in request.POST]
    filled = [row for row in read if row["is_filled"]]
    empty = [row for row in read if not row["is_filled"]]
    return [_placed(row, place) for place, row in enumerate([*filled, *empty])]


def _typed_row(request: HttpRequest, place: int) -> dict[str, Any]:
    def typed(name: str) -> str:
        return request.POST.get(f"d{place}-{name}", "").strip()[:200]

    row: dict[str, Any] = {name: typed(name) for name in ("key", "title", "kind", "weight")}
    row["words"] = [{"point": point, "value": typed(str(point))} for point in POINTS]
    row["is_filled"] = bool(row["key"] or row["title"] or row["weight"])
    return row


def _rows(content: ModelContent) -> list[dict[str, Any]]:
    """What is in force, and some empty rows on each side while there is room."""
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        side = content.of(kind)
        rows += [
            {
                "key": one.key,
                "title": one.title,
                "kind": kind,
                "weight": str(one.weight),
                "words": [{"point": point, "value": words} for point, words in one.scale],
                "is_filled": True,
            }
            for one in side
        ]
        blank = {"key": "", "title": "", "kind": kind, "weight": "", "is_filled": False}
        words = [{"point": str(point), "value": ""} for point in POINTS]
        spare = min(SPARE_ROWS, MOST_OF_A_KIND - len(side))
        rows += [blank | {"words": words} for _ in range(spare)]
    return [_placed(row, place) for place, row in enumerate(rows)]


def _placed(row: dict[str, Any], place: int) -> dict[str, Any]:
    """With the name of its inputs, and of its errors for each of them."""
    errors = {
        f"{name}_error": f"dimensions-{place}-{name}"
        for name in ("key", "title", "kind", "weight", "words")
    }
    return row | errors | {"name": f"d{place}"}
