"""Hand an item to a colleague, with a note; take it, give it back, or let it return by itself.

Everybody locks the item first, then its hand-over, then the person who gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, Q, Value
from django.db.models.functions import Greatest, Least, Now

from governance.access.models import User
from governance.audit.services import record
from governance.home.absences import away_now
from governance.home.models import Absence
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.encryption import encrypt
from governance.kernel.errors import Invalid, NotFound, WrongState
from reviews.board.capacity import check_takes
from reviews.board.models import Assignment, HandOver, note_context
from reviews.board.rules import (
    HAND_OVER_STATES,
    KEPT_HOURS,
    LONGEST_NOTE,
    SHORTEST_KEPT_HOURS,
    HandOverState,
)
from reviews.queues import services as queues
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.qualifying import readiness
from reviews.queues.rules import ItemState
from reviews.queues.taking import unconflicted

SYSTEM = Actor.system("reviews")


def kept_until(item: ReviewItem) -> Any:
    """By the database's clock: until the item is near due, from one to eight hours from now."""

    def hence(hours: int) -> Any:
        return ExpressionWrapper(Now() + Value(timedelta(hours=hours)), DateTimeField())

    near = Value(item.warn_at, DateTimeField())
    return Greatest(Least(near, hence(KEPT_HOURS)), hence(SHORTEST_KEPT_HOURS))


def keep_for(
    item: ReviewItem, person: User, by: User, now: datetime, *, is_handed: bool = False
) -> Assignment:
    """In the caller's transaction, on a locked item: nobody else gets it until then."""
    facts = {"person": person, "given_by": by, "given_at": now, "is_handed": is_handed}
    kept, _ = Assignment.objects.update_or_create(
        item=item, defaults=facts | {"until": kept_until(item)}
    )
    kept.refresh_from_db(fields=["until"])
    return kept


@transaction.atomic
def hand_over(*, actor: Actor, item_id: UUID, person: User, note: str, now: datetime) -> HandOver:
    """The item that the actor holds waits for this colleague, who is told and gets it first.

    Raises Invalid (with fields) for a note or a person that does not fit, Conflict where the claim
    has ended or the person takes no more.
    """
    item = queues.held_item(actor, item_id, now)
    if item.gates_id is None:
        raise NotFound("There is no such item.")
    note = _text(note, "note", "Say why, or what to look at.")
    # What was kept for the actor is no longer.
    Assignment.objects.filter(item=item).delete()
    check_may_receive(actor, item, person, now)
    check_takes(person, item.queue, 1, now)
    queues.put_back(item, "hand")
    kept = keep_for(item, person, actor.user, now, is_handed=True)
    made = HandOver(item=item, by=actor.user, to=person, at=now, until=kept.until)
    made.note_sealed = encrypt(note, context=note_context("note")(made))
    made.save(force_insert=True)
    after = {"person": person.email, "note_sha256": text_digest(note), "until": kept.until}
    _record(actor, "review.handed", item, now, after)
    title = f"{actor.user.name} hands you an answer in {item.queue}"
    notify(users=[person], title=title, url=_url(item), now=now)
    return made


def check_may_receive(actor: Actor, item: ReviewItem, person: User, now: datetime) -> None:
    """Whether this person may judge the item now; raises Invalid with the reason."""
    queue = item.queue
    if person.pk == actor.user.pk:
        words = "That is yourself; choose a colleague."
    elif not person.is_active or not person.may(Permission.REVIEW_WORK, queue):
        words = f"Choose somebody who works in {queue}."
    elif away := away_now([person.pk]):
        words = f"{person.name} is out of office until {away[person.pk].ends_at:%d %b %H:%M} UTC."
    elif not readiness(person, queue, now):
        words = f"{person.name} has yet to read the guideline or to take a training of {queue}."
    elif not unconflicted(ReviewItem.objects.filter(pk=item.pk), person).exists():
        words = f"{person.name} may not judge this answer. Choose somebody else."
    else:
        return
    raise Invalid("Nothing was handed over. Your note was kept.", fields={"to": [words]})


@transaction.atomic
def give_back(*, actor: Actor, item_id: UUID, reply: str, now: datetime) -> HandOver:
    """By the colleague, before or after they claimed it: it is kept for who handed it.

    Where that person is away or works there no more, it is free for all.
    """
    item = queues.locked_item(item_id)
    found = (
        HandOver.objects.select_for_update(of=("self",))
        .filter(item=item, to=actor.user, state__in=(HandOverState.WAITING, HandOverState.TAKEN))
        .select_related("by")
        .first()
    )
    if found is None:
        raise WrongState("Nothing was given back: nobody handed you this answer, or not any more.")
    reply = _text(reply, "reply", "", may_be_empty=True)
    if found.state == HandOverState.TAKEN:
        queues.check_holds(actor, item, now)
        queues.put_back(item, "release")
    _end(found, "give_back", now)
    if reply:
        found.reply_sealed = encrypt(reply, context=note_context("reply")(found))
        found.save(update_fields=["reply_sealed"])
    after = {"person": found.by.email} | ({"reply_sha256": text_digest(reply)} if reply else {})
    _record(actor, "review.given_back", item, now, after)
    if _is_there(found.by, item.queue):
        keep_for(item, found.by, actor.user, now, is_handed=True)
    else:
        Assignment.objects.filter(item=item).delete()
    title = f"{actor.user.name} gives an answer in {item.queue} back to you"
    notify(users=[found.by], title=title, url=_url(item), now=now)
    return found


def _is_there(person: User, queue: Queue) -> bool:
    works = person.is_active and person.may(Permission.REVIEW_WORK, queue)
    return works and not away_now([person.pk])


def waits() -> Exists:
    """Whether the item that is OuterRef("pk") was handed to somebody who has yet to take it."""
    return Exists(HandOver.objects.filter(item=OuterRef("pk"), state=HandOverState.WAITING))


def follow_claim(item: ReviewItem, actor: Actor, now: datetime) -> None:
    """A waiting hand-over ends when its item is claimed: taken, or too late for its person."""
    waiting = HandOver.objects.filter(item=item, state=HandOverState.WAITING).first()
    if waiting is not None:
        _end(waiting, "take" if waiting.to_id == actor.user.pk else "return", now)


def replace(items: Iterable[ReviewItem], now: datetime) -> None:
    """A lead gave these locked items to somebody else."""
    for one in HandOver.objects.filter(item__in=items, state=HandOverState.WAITING):
        _end(one, "replace", now)


def return_untaken(*, now: datetime) -> int:
    """Those whose time is over, or whose person is no longer there, are free for all; how many."""
    due = HandOver.objects.filter(_over(), state=HandOverState.WAITING).order_by("until")
    return sum(_return(pk, item, now) for pk, item in due.values_list("pk", "item_id")[:500])


def _over() -> Q:
    away = Absence.objects.live().values("person")
    return Q(until__lte=Now()) | Q(to__in=away) | Q(to__is_active=False)


@transaction.atomic
def _return(hand_over_id: int, item_id: UUID, now: datetime) -> bool:
    item = queues.locked_item(item_id)
    waiting = HandOver.objects.select_for_update(of=("self",)).filter(
        _over(), pk=hand_over_id, state=HandOverState.WAITING
    )
    found = waiting.select_related("by", "to").first()
    if found is None:
        return False
    Assignment.objects.filter(item=item, person=found.to).delete()
    _return_one(found, item, SYSTEM, now)
    return True


def _return_one(found: HandOver, item: ReviewItem, actor: Actor, now: datetime) -> None:
    _end(found, "return", now)
    _record(actor, "review.hand_over_returned", item, now, {"person": found.to.email})
    if item.state == ItemState.WAITING:
        title = f"{found.to.name} did not take the answer that you handed over; it is free for all"
        notify(users=[found.by], title=title, url=f"/reviews/{item.queue.slug}/next/", now=now)


def give_back_all(person: User, actor: Actor, now: datetime, *, but: Iterable[Queue] = ()) -> int:
    """In the caller's transaction: what waits and is kept for this person is free for all.

    What they hold stays with them; their lease returns it. `but`: queues that are left alone.
    """
    kept = ReviewItem.objects.filter(assignment__person=person, state=ItemState.WAITING)
    locked = list(
        kept.exclude(queue__in=[one.pk for one in but])
        .select_for_update(of=("self",))
        .select_related("queue", "call")
        .order_by("pk")
    )
    Assignment.objects.filter(item__in=locked, person=person).delete()
    handed = HandOver.objects.filter(item__in=locked, to=person, state=HandOverState.WAITING)
    by_item = {one.item_id: one for one in handed.select_related("by", "to")}
    for item in locked:
        if item.pk in by_item:
            _return_one(by_item[item.pk], item, actor, now)
        else:
            _record(actor, "review.ungiven", item, now, {"person": person.email})
    return len(locked)


def give_back_of_leaver(person: User, now: datetime) -> None:
    """Of queues in which they work no more."""
    works = list(Queue.objects.workable_by(person)) if person.is_active else []
    give_back_all(person, SYSTEM, now, but=works)


def _end(found: HandOver, action: str, now: datetime) -> None:
    found.state = HAND_OVER_STATES.target(found.state, action)
    found.ended_at = now
    found.save(update_fields=["state", "ended_at"])


def _text(text: str, name: str, empty: str, *, may_be_empty: bool = False) -> str:
    text = text.strip()
    if len(text) > LONGEST_NOTE:
        words = f"At most {LONGEST_NOTE:,} characters."
    elif text or may_be_empty:
        return text
    else:
        words = empty
    raise Invalid("Nothing was handed over. Your note was kept.", fields={name: [words]})


def _url(item: ReviewItem) -> str:
    return f"/reviews/items/{item.pk}/"


def _record(
    actor: Actor, action: str, item: ReviewItem, now: datetime, after: dict[str, Any]
) -> None:
    record(
        actor=actor,
        action=action,
        subject=item,
        now=now,
        after=after | {"call": str(item.call_id), "queue": item.queue.slug, "state": item.state},
        team_id=item.call.team_id,
    )
