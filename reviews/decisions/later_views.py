"""Many alike at once, and a decision overturned afterwards."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, PlacetError, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.decisions import alike, overturning
from reviews.decisions.layout import laid_out
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import readable
from reviews.decisions.screen import item_or_404
from reviews.decisions.selectors import with_findings
from reviews.decisions.views import DONE, seconds_at
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger import services as ledger
from telemetry.ledger.bodies import can_open_bodies


@requires(Permission.REVIEW_WORK)
def groups(request: HttpRequest, slug: str) -> HttpResponse:
    """Which waiting answers say the same; a POST claims one of a group, to read it."""
    user, now = cast(User, request.user), timezone.now()
    queue: Queue = get_or_404(Queue.objects.workable_by(user), slug=slug)
    if request.method == "POST":
        claimed = alike.claim_one_of(
            actor=actor_of(request),
            queue=queue,
            response_hash=request.POST.get("response_hash", ""),
            now=now,
        )
        return redirect("decisions:alike", pk=claimed.pk)
    context = {"queue": queue, "groups": alike.groups_of(queue, user, now)}
    return page(request, "reviews/decisions/groups.html", context)


@requires(Permission.REVIEW_WORK)
def decide_alike(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What they all say and how many they are; a POST decides on all that were shown."""
    found, now = item_or_404(request, pk), timezone.now()
    actor, error = actor_of(request), None
    if request.method == "POST":
        try:
            made = alike.decide_alike(
                actor=actor,
                item_id=pk,
                others=_ids(request.POST.getlist("others")),
                verdict=request.POST.get("verdict", ""),
                rationale=request.POST.get("rationale", ""),
                labels=request.POST.getlist("labels"),
                seconds_spent=seconds_at(found, now),
                now=now,
            )
        except (Invalid, Conflict, WrongState) as refused:
            error = refused
        else:
            said = DONE[request.POST["verdict"]]
            messages.success(request, f"{said} {len(made)} answers, each with its own record.")
            return redirect("decisions:next", slug=found.queue.slug)
    return _alike_page(request, found, error)


def _ids(sent: list[str]) -> list[UUID]:
    try:
        return [UUID(one) for one in sent]
    except ValueError:
        raise Invalid("Nothing was decided: choose from the list.") from None


def _alike_page(request: HttpRequest, found: ReviewItem, error: PlacetError | None) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    if not found.is_held_by(user, now):
        return redirect("decisions:item", pk=found.pk)
    others = list(alike.others_like(found, user, now)[: alike.MOST_AT_ONCE])
    output = readable(ledger.held_text(found.call) or "")
    context = {
        "item": found,
        "queue": found.queue,
        "others": others,
        "total": len(others) + 1,
        "windows": laid_out(with_findings(output)),
        "error": error,
        "values": request.POST,
        "ticked": request.POST.getlist("labels"),
    }
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/decisions/alike.html", context, status=status)


@requires(Permission.REVIEW_MANAGE)
def overturn(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide otherwise afterwards. Says what can and cannot be changed by it."""
    user, now = cast(User, request.user), timezone.now()
    queues = Queue.objects.filter(pk__in=user.reach(Permission.REVIEW_MANAGE).queue_ids)
    if user.reach(Permission.REVIEW_MANAGE).everywhere:
        queues = Queue.objects.all()
    found: ReviewDecision = get_or_404(
        ReviewDecision.objects.select_related(
            "item__queue", "item__call__use_case", "item__call__payload", "person"
        ).filter(item__queue__in=queues),
        pk=pk,
    )
    actor, error = actor_of(request), None
    if request.method == "POST":
        verdict = request.POST.get("verdict", "")
        text = request.POST.get("corrected_text", "").replace("\r\n", "\n")
        try:
            overturning.overturn(
                actor=actor,
                decision_id=pk,
                verdict=verdict,
                rationale=request.POST.get("rationale", ""),
                corrected_text=text if verdict == "correct" else None,
                now=now,
            )
        except (Invalid, Conflict, WrongState) as refused:
            error = refused
        else:
            messages.success(request, "Overturned. Whoever called is told; both decisions stay.")
            return redirect("ledger:detail", pk=found.item.call_id)
    overturning.check_can_overturn(actor, found, found.item)
    return _overturn_page(request, found, error)


def _overturn_page(
    request: HttpRequest, found: ReviewDecision, error: PlacetError | None
) -> HttpResponse:
    call = found.item.call
    output = (
        readable(ledger.held_text(call) or "") if can_open_bodies(actor_of(request), call) else ""
    )
    context: dict[str, Any] = {
        "decision": found,
        "verdicts": ("approve", "correct", "reject"),
        "call": call,
        "queue": found.item.queue,
        "windows": laid_out(with_findings(output)),
        "draft": request.POST.get("corrected_text") or output,
        "error": error,
        "values": request.POST,
    }
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/decisions/overturn.html", context, status=status)
