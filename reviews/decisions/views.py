"""The review screen: is this output fit to leave?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, PlacetError, WrongState
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.decisions import services
from reviews.decisions.registries import Kept
from reviews.decisions.rules import Verdict
from reviews.decisions.selectors import change_shown, screen_of
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem

DONE = {
    "approve": "Approved.",
    "correct": "Sent as corrected.",
    "reject": "Rejected.",
    "escalate": "Escalated.",
    "skip": "Skipped.",
}


@requires(Permission.REVIEW_WORK)
def next_item(request: HttpRequest, slug: str) -> HttpResponse:
    """Claim the most urgent item that is free and show it; or say that all is done."""
    user = cast(User, request.user)
    queue: Queue = get_or_404(Queue.objects.workable_by(user), slug=slug)
    item = queues.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
    if item is None:
        return page(request, "reviews/decisions/empty.html", {"queue": queue})
    return redirect("decisions:item", pk=item.pk)


def _item(request: HttpRequest, pk: UUID) -> ReviewItem:
    user = cast(User, request.user)
    item: ReviewItem = get_or_404(
        ReviewItem.everything.with_exercises_of(user)
        .select_related(
            "queue__sla", "queue__escalates_to", "call__use_case", "call__payload", "claimed_by"
        )
        .filter(queue__in=Queue.objects.workable_by(user)),
        pk=pk,
    )
    return item


@requires(Permission.REVIEW_WORK)
def item(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One item fills the screen; bodies are shown only to the person who holds it."""
    return _screen(request, pk)


def _screen(
    request: HttpRequest, pk: UUID, *, error: PlacetError | None = None, shows_change: bool = False
) -> HttpResponse:
    """The screen, with what was typed on it; a refusal leaves nothing of that lost."""
    found, now = _item(request, pk), timezone.now()
    context = screen_of(found, cast(User, request.user), now)
    typed = request.POST.get("corrected_text") or context.get("output", "")
    context |= {
        "error": error,
        "values": request.POST,
        "ticked": request.POST.getlist("labels"),
        "draft": typed,
    }
    if shows_change and context["is_mine"]:
        context |= change_shown(found, _as_sent(typed))
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/decisions/item.html", context, status=status)


@requires(Permission.REVIEW_WORK)
@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Commit the decision and have the next item claimed in the same round trip.

    A correction is sent only after its difference from the model's text was shown: the first
    time, and whenever the text changed since, the answer is the screen with the difference.
    """
    found, now = _item(request, pk), timezone.now()
    verdict = request.POST.get("verdict", "")
    text = _as_sent(request.POST.get("corrected_text", ""))
    kept = None
    try:
        if verdict == Verdict.CORRECT and request.POST.get("seen_sha256") != text_digest(text):
            services.check_can_correct(actor=actor_of(request), item=found, text=text, now=now)
            return _screen(request, pk, shows_change=True)
        kept = _carry_out(request, found, verdict, text, now)
    except (Invalid, Conflict, WrongState) as refused:
        return _screen(request, pk, error=refused, shows_change=verdict == Verdict.CORRECT)
    if kept is not None and kept.url:
        return redirect(kept.url)
    messages.success(request, f"{DONE[verdict]} Here is what comes next.")
    return _after(request, found.queue)


def _carry_out(
    request: HttpRequest, found: ReviewItem, verdict: str, text: str, now: datetime
) -> Kept | None:
    actor, post = actor_of(request), request.POST
    if verdict == "skip":
        queues.skip(actor=actor, item_id=found.pk, reason=post.get("rationale", ""), now=now)
        return None
    made = services.decide(
        actor=actor,
        item_id=found.pk,
        verdict=verdict,
        corrected_text=text if verdict == Verdict.CORRECT else None,
        rationale=post.get("rationale", ""),
        labels=post.getlist("labels"),
        seconds_spent=_seconds(found, now),
        now=now,
    )
    return made if isinstance(made, Kept) else None


def _after(request: HttpRequest, queue: Queue) -> HttpResponse:
    following = queues.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
    if following is None:
        return redirect("decisions:next", slug=queue.slug)
    return redirect("decisions:item", pk=following.pk)


def _as_sent(text: str) -> str:
    """Browsers send line ends as CRLF; the answer keeps the plain ones."""
    return text.replace("\r\n", "\n")


def _seconds(item: ReviewItem, now: Any) -> int:
    return int((now - item.claimed_at).total_seconds()) if item.claimed_at else 0


@requires(Permission.REVIEW_WORK)
@require_POST
def renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A sign of life while somebody reads or types."""
    queues.renew_lease(actor=actor_of(request), item_id=pk, now=timezone.now())
    return HttpResponse(status=204)


@requires(Permission.REVIEW_WORK)
@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    _item(request, pk)
    queues.release_claim(actor=actor_of(request), item_id=pk, now=timezone.now())
    messages.success(request, "Put back into the queue.")
    return redirect("queues:list")


@requires(Permission.REVIEW_WORK)
@require_POST
def claim(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Claim this very item, from the board or after a lease ran out."""
    _item(request, pk)
    queues.claim_item(actor=actor_of(request), item_id=pk, now=timezone.now())
    return redirect("decisions:item", pk=pk)
