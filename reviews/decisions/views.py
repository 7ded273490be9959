"""The review screen: is this output fit to leave?"""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.decisions import services
from reviews.decisions.rules import Verdict
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from telemetry.ledger import services as ledger


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
        ReviewItem.objects.select_related(
            "queue__sla", "call__use_case", "call__deployment", "claimed_by"
        ).filter(queue__in=Queue.objects.workable_by(user)),
        pk=pk,
    )
    return item


@requires(Permission.REVIEW_WORK)
def item(request: HttpRequest, pk: UUID, error: Invalid | None = None) -> HttpResponse:
    """One item fills the screen; bodies are shown only to the person who holds it."""
    found = _item(request, pk)
    now = timezone.now()
    is_mine = (
        found.state == ItemState.CLAIMED
        and found.claimed_by_id == request.user.pk
        and found.lease_until is not None
        and found.lease_until > now
    )
    context: dict[str, Any] = {
        "item": found,
        "queue": found.queue,
        "is_mine": is_mine,
        "urgency": found.urgency(now),
        "error": error,
        "values": request.POST,
        "waiting": found.queue.items.filter(state=ItemState.WAITING).count(),
    }
    if is_mine:
        output = ledger.held_text(found.call) or ""
        context |= {
            "messages_seen": json.loads(ledger.held_input(found.call) or "[]"),
            "output": _pretty(output),
            "draft": request.POST.get("corrected_text") or _pretty(output),
        }
    return page(request, "reviews/decisions/item.html", context, status=422 if error else 200)


def _pretty(text: str) -> str:
    """JSON with line breaks, everything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


@requires(Permission.REVIEW_WORK)
@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Commit the decision and go to the next item in the same round trip."""
    found = _item(request, pk)
    post, now = request.POST, timezone.now()
    actor, action = actor_of(request), request.POST.get("verdict", "")
    try:
        if action == "skip":
            queues.skip(actor=actor, item_id=pk, reason=post.get("rationale", ""), now=now)
        else:
            services.decide(
                actor=actor,
                item_id=pk,
                verdict=action,
                corrected_text=_as_sent(post.get("corrected_text", ""))
                if action == Verdict.CORRECT
                else None,
                rationale=post.get("rationale", "")[:5000],
                labels=post.getlist("labels"),
                seconds_spent=_seconds(found, now),
                now=now,
            )
    except Invalid as invalid:
        return item(request, pk, error=invalid)
    messages.success(request, f"{action.capitalize()}: done. Here is the next one.")
    return redirect("decisions:next", slug=found.queue.slug)


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
