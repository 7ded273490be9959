"""What people see of hand-overs: in My work, on the screen, on the page of the call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.absences import away_now
from governance.home.registries import InboxItem
from governance.kernel.authority import Permission
from reviews.board.capacity import places_in
from reviews.board.models import Assignment, HandOver
from reviews.board.rules import HandOverState, Place
from reviews.quality.models import DoubleReview
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from telemetry.ledger.models import Call

MOST_LISTED = 50
WITHHELD = "It is shown once all who judge this answer have done so."


@dataclass(frozen=True)
class Shown:
    """A hand-over as this person may see it; the texts are empty where they may not."""

    hand_over: HandOver
    note: str
    reply: str


@dataclass(frozen=True)
class Colleague:
    """Somebody to hand an item to, and how many more they take; `why_not` where none."""

    person: User
    place: Place
    why_not: str


def shown(item: ReviewItem, user: User) -> list[Shown]:
    """The hand-overs of an item, newest first; notes to both sides and the leads of the queue.

    While several judge it blind, a note is withheld from whom it could sway.
    """
    found = list(item.hand_overs.select_related("by", "to"))
    if not found:
        return []
    review = DoubleReview.objects.filter(item=item).first()
    is_blind = review is not None and review.is_blind and not review.is_full
    leads = user.may(Permission.REVIEW_MANAGE, item.queue)
    return [_shown(one, user, leads, is_blind) for one in found]


def _shown(one: HandOver, user: User, leads: bool, is_blind: bool) -> Shown:
    reads = leads or user.pk in (one.by_id, one.to_id)
    wrote_note, wrote_reply = one.by_id == user.pk, one.to_id == user.pk
    if not reads:
        return Shown(one, "", "")
    note = WITHHELD if is_blind and not wrote_note else one.note or ""
    reply = WITHHELD if is_blind and one.reply and not wrote_reply else one.reply or ""
    return Shown(one, note, reply)


def item_panel(item: ReviewItem) -> dict[str, Any]:
    """Beside the item, for the person who holds it."""
    rows = shown(item, item.claimed_by) if item.claimed_by else []
    return {"rows": rows, "item": item} if rows else {}


def waiting_panel(item: ReviewItem, user: User, now: datetime) -> dict[str, Any]:
    """On an item that waits: for whom it is kept, and what was said with it."""
    if item.state != ItemState.WAITING:
        return {}
    kept = Assignment.objects.live().filter(item=item).select_related("person").first()
    if kept is None:
        return {}
    waits = item.hand_overs.filter(to=user, state=HandOverState.WAITING).exists()
    return {"kept": kept, "rows": shown(item, user), "item": item, "may_give_back": waits}


def kept_for(user: User, now: datetime) -> list[InboxItem]:
    """A line for each item that was handed to this person, and one a queue for what was given."""
    kept = (
        Assignment.objects.live()
        .filter(person=user, item__state=ItemState.WAITING)
        .filter(item__queue__in=Queue.objects.workable_by(user))
        .select_related("item__queue", "item__call__use_case", "given_by")
        .order_by("-is_handed", "item__due_at", "pk")[:MOST_LISTED]
    )
    found: list[InboxItem] = []
    given: dict[Queue, list[Assignment]] = {}
    for one in kept:
        if one.is_handed:
            found.append(_handed(one))
        else:
            given.setdefault(one.item.queue, []).append(one)
    return found + [_given(queue, some) for queue, some in given.items()]


def _handed(one: Assignment) -> InboxItem:
    return InboxItem(
        title=f"{one.given_by.name} hands you an answer of {one.item.call.use_case.title}",
        detail=f"In {one.item.queue.name}, with a note. Free for all from {timezone.localtime(one.until):%d %b %H:%M}.",
        url=reverse("decisions:item", args=[one.item_id]),
        due_at=one.item.due_at,
        kind="review",
        is_personal=True,
    )


def _given(queue: Queue, some: list[Assignment]) -> InboxItem:
    return InboxItem(
        title=f"{queue.name}: {len(some)} answer{'' if len(some) == 1 else 's'} kept for you",
        detail="A review lead gave them to you; they come first.",
        url=reverse("decisions:next", args=[queue.slug]),
        due_at=some[0].item.due_at,
        kind="review",
        count=len(some),
        is_personal=True,
    )


def call_panel(call: Call, user: User, now: datetime) -> dict[str, Any]:
    item = ReviewItem.objects.filter(call=call).select_related("queue").first()
    rows = shown(item, user) if item else []
    return {"rows": rows} if rows else {}


def colleagues(item: ReviewItem, user: User, now: datetime) -> list[Colleague]:
    """Everybody else who works in the queue, by name, and whether they are there and take more.

    Whether they may judge this very answer is checked when it is handed over.
    """
    everybody = holders(Permission.REVIEW_WORK, item.queue, now=now)
    people = list(everybody.exclude(pk=user.pk)[: MOST_LISTED * 10])
    away, places = away_now(), places_in(item.queue, people, now)
    found = []
    for one in people:
        ends = timezone.localtime(away[one.pk].ends_at) if one.pk in away else None
        why = f"out of office until {ends:%d %b %H:%M}" if ends else ""
        found.append(Colleague(one, places[one.pk], why or places[one.pk].full_words))
    return found


def members_led_by(user: User, now: datetime) -> QuerySet[User]:
    """Those who work in a queue that this person leads."""
    reach = user.reach(Permission.REVIEW_MANAGE)
    if not reach:
        return User.objects.none()
    queues = (
        Queue.objects.all() if reach.everywhere else Queue.objects.filter(pk__in=reach.queue_ids)
    )
    people: set[int] = set()
    for queue in queues:
        people.update(holders(Permission.REVIEW_WORK, queue, now=now).values_list("pk", flat=True))
    return User.objects.filter(pk__in=people)
