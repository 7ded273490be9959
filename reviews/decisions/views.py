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
from django_htmx.http import HttpResponseClientRedirect

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, WrongState
from governance.kernel.web import actor_of, get_or_404, requires
from reviews.decisions import editing, services, undoing
from reviews.decisions.editing import Edited
from reviews.decisions.registries import Kept
from reviews.decisions.rules import Verdict, readable
from reviews.decisions.screen import item_or_404, nothing_waits, screen, what_comes_next
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.qualifying import readiness
from telemetry.ledger import services as ledger

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
    if not readiness(user, queue, timezone.now()):
        return redirect("queues:guideline", slug=slug)
    item = queues.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
    if item is None:
        return nothing_waits(request, queue)
    return redirect("decisions:item", pk=item.pk)


@requires(Permission.REVIEW_WORK)
def item(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One item fills the screen; bodies are shown only to the person who holds it."""
    return screen(request, pk)


@requires(Permission.REVIEW_WORK)
@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Commit the decision and have the next item claimed in the same round trip.

    A correction is sent only after its difference from the model's text was shown: where the
    text changed since, the answer is the screen with the difference.
    """
    found, now = item_or_404(request, pk), timezone.now()
    verdict = request.POST.get("verdict", "")
    edited = as_edited(request, found)
    is_correction = verdict == Verdict.CORRECT
    kept = None
    try:
        if is_correction:
            check_typed(edited)
        if is_correction and request.POST.get("seen_sha256") != text_digest(edited.text):
            services.check_can_correct(
                actor=actor_of(request), item=found, text=edited.text, now=now
            )
            return screen(request, pk, now_edited=edited, shows_change=True)
        kept = _carry_out(request, found, verdict, edited.text, now)
    except (Invalid, Conflict, WrongState) as refused:
        return screen(request, pk, error=refused, now_edited=edited, shows_change=is_correction)
    is_htmx = request.htmx  # type: ignore[attr-defined]  # by its middleware
    if kept is not None and kept.url:
        return HttpResponseClientRedirect(kept.url) if is_htmx else redirect(kept.url)
    messages.success(request, kept.sentence if kept else DONE[verdict])
    if is_htmx:
        return what_comes_next(request, found.queue)
    return _after(request, found.queue)


def as_edited(request: HttpRequest, item: ReviewItem) -> Edited:
    """What the editor holds; where nothing was sent, the model's text."""
    text = ""
    if "corrected_text" not in request.POST:
        text = readable(ledger.held_text(item.call) or "")
    return editing.edited(item.output_contract, request.POST, text)


def check_typed(edited: Edited) -> None:
    if edited.sentences:
        raise Invalid(
            "Nothing was decided: a field holds what it cannot. Your text was kept. "
            + " ".join(edited.sentences),
            fields={"corrected_text": edited.sentences},
        )


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
        seconds_spent=seconds_at(found, now),
        now=now,
    )
    return made if isinstance(made, Kept) else None


def _after(request: HttpRequest, queue: Queue) -> HttpResponse:
    if not readiness(cast(User, request.user), queue, timezone.now()):
        return redirect("queues:guideline", slug=queue.slug)
    following = queues.claim_next(actor=actor_of(request), queue=queue, now=timezone.now())
    if following is None:
        return redirect("decisions:next", slug=queue.slug)
    return redirect("decisions:item", pk=following.pk)


def seconds_at(item: ReviewItem, now: Any) -> int:
    return int((now - item.claimed_at).total_seconds()) if item.claimed_at else 0


@requires(Permission.REVIEW_WORK)
@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the decision back while it can be; the item is on the screen again."""
    item_or_404(request, pk)
    undoing.undo(actor=actor_of(request), item_id=pk, now=timezone.now())
    messages.success(request, "Taken back. Nothing left; decide again.")
    if request.htmx:  # type: ignore[attr-defined]  # by its middleware
        return screen(request, pk)
    return redirect("decisions:item", pk=pk)


@requires(Permission.REVIEW_WORK)
@require_POST
def renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A sign of life while somebody reads or types."""
    queues.renew_lease(actor=actor_of(request), item_id=pk, now=timezone.now())
    return HttpResponse(status=204)


@requires(Permission.REVIEW_WORK)
@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    item_or_404(request, pk)
    queues.release_claim(actor=actor_of(request), item_id=pk, now=timezone.now())
    messages.success(request, "Put back into the queue.")
    return redirect("queues:list")


@requires(Permission.REVIEW_WORK)
@require_POST
def claim(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Claim this very item, from the board or after a lease ran out."""
    item_or_404(request, pk)
    queues.claim_item(actor=actor_of(request), item_id=pk, now=timezone.now())
    return redirect("decisions:item", pk=pk)
