"""Pages of handing over: to whom, with what note; and giving back."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid, PlacetError
from governance.kernel.web import actor_of, get_or_404, page, requires
from reviews.board import handing, showing
from reviews.board.rules import LONGEST_NOTE, HandOverState
from reviews.queues.models import Queue, ReviewItem


def item_of(user: User, pk: UUID) -> ReviewItem:
    """An item of a queue in which the person works; NotFound else."""
    item: ReviewItem = get_or_404(
        ReviewItem.objects.filter(queue__in=Queue.objects.workable_by(user)).select_related(
            "queue__sla__calendar", "call__use_case"
        ),
        pk=pk,
    )
    return item


@requires(Permission.REVIEW_WORK)
def hand(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form, for the person who holds the item."""
    item = item_of(cast(User, request.user), pk)
    if request.method != "POST":
        return _page(request, item)
    chosen = request.POST.get("to", "")
    try:
        person = person_of(item, chosen)
        handing.hand_over(
            actor=actor_of(request),
            item_id=pk,
            person=person,
            note=request.POST.get("note", ""),
            now=timezone.now(),
        )
    except (Invalid, Conflict) as refused:
        return _page(request, item, refused)
    messages.success(request, f"Handed to {person.name}, who is told.")
    return redirect("decisions:next", slug=item.queue.slug)


def person_of(item: ReviewItem, chosen: str | int) -> User:
    """A person by their id, as it was sent; raises Invalid for none."""
    word = str(chosen)
    found = User.objects.filter(pk=int(word)) if word.isdecimal() and len(word) < 19 else None
    person = found.first() if found is not None else None
    if person is None:
        words = f"Choose somebody who works in {item.queue}."
        raise Invalid("Nothing was handed over. Your note was kept.", fields={"to": [words]})
    return person


@requires(Permission.REVIEW_WORK)
@require_POST
def give_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """By the colleague: to who handed it over."""
    item = item_of(cast(User, request.user), pk)
    reply = request.POST.get("reply", "")
    try:
        given = handing.give_back(
            actor=actor_of(request), item_id=pk, reply=reply, now=timezone.now()
        )
    except Invalid as refused:
        return _page(request, item, refused)
    messages.success(request, f"Given back to {given.by.name}, who is told.")
    return redirect("decisions:next", slug=item.queue.slug)


def _page(request: HttpRequest, item: ReviewItem, error: PlacetError | None = None) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    is_mine = item.is_held_by(user, now)
    handed = item.hand_overs.select_related("by").filter(to=user).first()
    colleagues = showing.colleagues(item, user, now) if is_mine else []
    context: dict[str, Any] = {
        "item": item,
        "urgency": item.urgency(now),
        "is_mine": is_mine,
        "colleagues": colleagues,
        "may_choose": any(not one.why_not for one in colleagues),
        "handed": handed,
        "may_give_back": handed is not None
        and (
            handed.state == HandOverState.WAITING
            or (handed.state == HandOverState.TAKEN and is_mine)
        ),
        "rows": showing.shown(item, user),
        "error": error,
        "values": request.POST,
        "longest": LONGEST_NOTE,
    }
    status = 200 if error is None else 422 if isinstance(error, Invalid) else error.status
    return page(request, "reviews/board/hand.html", context, status=status)
