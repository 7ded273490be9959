"""A scoring round: invite, hand in, see the spread, agree."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, NotFound
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import rounds
from governance.registry.assessments import check_can_assess
from governance.registry.intake import scores_sent
from governance.registry.models import RoundSeat, Score, ScoringRound, UseCase
from governance.registry.round_rules import MOST_ASSESSORS, SHOWN
from governance.registry.scores import shown
from governance.registry.scoring_content import KINDS, ModelContent
from governance.registry.selectors import use_cases_visible_to
from governance.registry.spread import Spread, spreads
from governance.registry.views import day_of, error_status


def _use_case(request: HttpRequest, slug: str) -> UseCase:
    found: UseCase = get_or_404(use_cases_visible_to(cast(User, request.user)), slug=slug)
    return found


@requires(Permission.USE_CASE_MANAGE, Permission.USE_CASE_ASSESS)
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Whom to ask, and until when?"""
    use_case, now = _use_case(request, slug), timezone.now()
    check_can_assess(actor_of(request), use_case)
    people = rounds.assessors_for(use_case, now)
    chosen = {int(one) for one in request.POST.getlist("assessors") if one.isdecimal()}
    error: Invalid | None = None
    if request.method == "POST":
        try:
            due_on = day_of(request, "due_on")
            asked = list(people.filter(pk__in=chosen))
            found = rounds.open_round(
                actor=actor_of(request), use_case=use_case, assessors=asked, due_on=due_on, now=now
            )
            messages.success(request, "Asked. Nobody sees a score before all are in.")
            return redirect("registry:round", slug=slug, pk=found.pk)
        except Invalid as refused:
            error = refused
    context = {
        "use_case": use_case,
        "people": people,
        "chosen": chosen,
        "most": MOST_ASSESSORS,
        "error": error,
        "values": request.POST,
    }
    status = error_status(error)
    return page(request, "governance/registry/round_new.html", context, status=status)


@requires(Permission.USE_CASE_VIEW)
def detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Who is in, one's own score, and when it is shown the spread and the consensus."""
    use_case = _use_case(request, slug)
    rows = ScoringRound.objects.select_related(
        "use_case__team", "use_case__owner", "lead"
    ).prefetch_related("seats__assessor")
    found: ScoringRound = get_or_404(rows.filter(use_case=use_case), pk=pk)
    error: Invalid | None = None
    action = request.POST.get("action", "") if request.method == "POST" else ""
    if action and action not in _ACTIONS:
        raise NotFound("A round knows no such action.")
    if action:
        try:
            _ACTIONS[action](request, found)
            messages.success(request, "Saved.")
            return redirect("registry:round", slug=slug, pk=pk)
        except Invalid as refused:
            error = refused
    context = _context(request, found, error, action)
    status = error_status(error)
    return page(request, "governance/registry/round.html", context, status=status)


def _hand_in(request: HttpRequest, found: ScoringRound) -> None:
    points, rationales = scores_sent(request, rounds.content_of(found).keys)
    rounds.hand_in(
        actor=actor_of(request),
        round_id=found.pk,
        points=points,
        rationales=rationales,
        now=timezone.now(),
    )


def _agree(request: HttpRequest, found: ScoringRound) -> None:
    points, _ = scores_sent(request, rounds.content_of(found).keys)
    rounds.agree(
        actor=actor_of(request),
        round_id=found.pk,
        points=points,
        rationale=request.POST.get("rationale", ""),
        now=timezone.now(),
    )


def _close(request: HttpRequest, found: ScoringRound) -> None:
    reason, now = request.POST.get("reason", ""), timezone.now()
    rounds.close_early(actor=actor_of(request), round_id=found.pk, reason=reason, now=now)


def _give_up(request: HttpRequest, found: ScoringRound) -> None:
    reason, now = request.POST.get("reason", ""), timezone.now()
    rounds.give_up(actor=actor_of(request), round_id=found.pk, reason=reason, now=now)


_ACTIONS = {"hand_in": _hand_in, "agree": _agree, "close": _close, "give_up": _give_up}


def _context(
    request: HttpRequest, found: ScoringRound, error: Invalid | None, action: str
) -> dict[str, Any]:
    user = cast(User, request.user)
    content = rounds.content_of(found)
    seats = rounds.seats_as_read_by(found, user)
    mine = next((one for one in seats if one.assessor_id == user.pk), None)
    in_seats = [one for one in seats if one.submitted_at]
    is_shown = found.state in SHOWN
    spread = spreads(content.keys, [one.points for one in in_seats]) if is_shown else []
    may_lead = rounds.leads(actor_of(request), found)
    consensus = Score.objects.filter(round=found).select_related("assessor").first()
    return {
        "use_case": found.use_case,
        "round": found,
        "seats": seats,
        "absent": [one for one in seats if not one.submitted_at],
        "is_shown": is_shown,
        "spread": _spread_rows(content, spread, in_seats),
        "consensus": shown(consensus, content, found.model_version) if consensus else None,
        "may_hand_in": mine is not None and found.state == "open",
        "is_in": mine is not None and mine.submitted_at is not None,
        "may_lead": may_lead,
        "may_agree": may_lead and found.state == "revealed",
        "may_close": may_lead and found.state == "open" and bool(in_seats),
        "may_give_up": may_lead and found.state in ("open", "revealed"),
        "sides": [{"title": kind.capitalize(), "dimensions": content.of(kind)} for kind in KINDS],
        "error": error,
        "action": action,
        "values": request.POST if action else _stored(found, mine, spread),
    }


def _stored(found: ScoringRound, mine: RoundSeat | None, spread: list[Spread]) -> dict[str, Any]:
    """One's own score while it is open; the medians as a start for the consensus after."""
    if found.state == "revealed":
        return {one.key: str(one.suggested) for one in spread}
    if mine is None or not mine.submitted_at:
        return {}
    whys = {f"{key}_why": text for key, text in mine.rationales.items()}
    return {key: str(value) for key, value in mine.points.items()} | whys


def _spread_rows(
    content: ModelContent, spread: list[Spread], seats: list[RoundSeat]
) -> list[dict[str, Any]]:
    """Per dimension the figures, a bar per point, and who said what and why."""
    by_key = {one.key: one for one in content.dimensions}
    return [
        {
            "dimension": by_key[one.key],
            "spread": one,
            "bars": [
                {"point": point, "count": count, "share": count * 100 // len(seats)}
                for point, count in enumerate(one.counts, 1)
            ],
            "said": [
                {
                    "assessor": seat.assessor,
                    "points": seat.points[one.key],
                    "why": seat.rationales.get(one.key, ""),
                }
                for seat in seats
            ],
        }
        for one in spread
    ]
