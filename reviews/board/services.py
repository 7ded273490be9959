"""Rebalance: give items that wait to a person, or move them to another queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from governance.access.models import User
from governance.audit.services import record
from governance.home.absences import is_away
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from reviews.board import handing
from reviews.board.capacity import check_takes
from reviews.board.models import Assignment
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import REVIEW_ITEM_STATES, ItemState
from reviews.queues.services import claim_locked
from reviews.queues.taking import unconflicted

MOST_AT_ONCE = 200


def check_can_rebalance(actor: Actor, queue: Queue) -> None:
    if not actor.may(Permission.REVIEW_MANAGE, queue):
        raise NotAllowed(f"Nothing was moved: the review leads of {queue} give out its items.")


@transaction.atomic
def give_to(
    *, actor: Actor, queue: Queue, item_ids: Sequence[UUID], person: User, now: datetime
) -> int:
    """Keep these waiting items for the person; how many. All of them or none.

    Raises Invalid where the person does not work in the queue or is away, Conflict where an item
    is not theirs to judge, waits no more, or is more than they take.
    """
    check_can_rebalance(actor, queue)
    if not person.is_active or not person.may(Permission.REVIEW_WORK, queue):
        raise Invalid(
            f"Nothing was given: {person.name} does not work in {queue}.",
            fields={"to": ["Choose somebody who works in this queue."]},
        )
    if is_away(person):
        raise Invalid(
            f"Nothing was given: {person.name} is out of office.",
            fields={"to": ["Choose somebody who is there."]},
        )
    items = _locked(queue, item_ids)
    fit = unconflicted(ReviewItem.objects.filter(pk__in=[one.pk for one in items]), person)
    strange = {one.pk for one in items} - set(fit.values_list("pk", flat=True))
    strange -= set(_given_to_others(items, person))
    if strange:
        raise Conflict(
            f"Nothing was given: {len(strange)} of these {person.name} may not judge, for they "
            "asked for it or have judged it already."
        )
    theirs = Assignment.objects.live().filter(item__in=items, person=person).count()
    check_takes(person, queue, len(items) - theirs, now)
    handing.replace(items, now)
    for item in items:
        handing.keep_for(item, person, actor.user, now)
        _record(actor, "review.given", item, now, {"person": person.email})
    _tell(person, queue, len(items), now)
    return len(items)


def _given_to_others(items: Iterable[ReviewItem], person: User) -> list[UUID]:
    """What only an earlier gift keeps from the person: giving it anew replaces that."""
    given = Assignment.objects.filter(item__in=items).exclude(person=person)
    return list(given.values_list("item_id", flat=True))


def _tell(person: User, queue: Queue, count: int, now: datetime) -> None:
    title = f"{count} answer{'' if count == 1 else 's'} in {queue} given to you"
    notify(users=User.objects.filter(pk=person.pk), title=title, url="/reviews/mine/", now=now)


@transaction.atomic
def move_to(
    *, actor: Actor, queue: Queue, item_ids: Sequence[UUID], target: Queue, now: datetime
) -> int:
    """Into another queue of the lead's, with their due times kept; how many. All or none."""
    check_can_rebalance(actor, queue)
    check_can_rebalance(actor, target)
    if target == queue:
        raise Invalid(
            "Nothing was moved: they are in that queue already.",
            fields={"to": ["Choose another queue."]},
        )
    items = _locked(queue, item_ids)
    for item in items:
        item.state = REVIEW_ITEM_STATES.target(item.state, "move")
        item.queue = target
        item.save(update_fields=["state", "queue"])
        _record(actor, "review.moved", item, now, {"queue": target.slug}, {"queue": queue.slug})
    handing.replace(items, now)
    Assignment.objects.filter(item__in=items).delete()
    return len(items)


def _locked(queue: Queue, item_ids: Sequence[UUID]) -> list[ReviewItem]:
    wanted = set(item_ids)
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid(
            "Nothing was moved.", fields={"chosen": [f"Choose from 1 to {MOST_AT_ONCE} answers."]}
        )
    items = list(
        ReviewItem.objects.select_for_update(of=("self",))
        .filter(queue=queue, pk__in=wanted, state=ItemState.WAITING)
        .select_related("call", "queue")
        .order_by("pk")
    )
    if len(items) != len(wanted):
        gone = len(wanted) - len(items)
        raise Conflict(
            f"Nothing was moved: {gone} of these {'waits' if gone == 1 else 'wait'} no more. "
            "Somebody took or decided it meanwhile; choose again."
        )
    return items


def without_gifts_to_others(items: QuerySet[ReviewItem], user: User) -> QuerySet[ReviewItem]:
    """For the pull: nothing that is kept for somebody else."""
    kept = Assignment.objects.live().filter(item=OuterRef("pk")).exclude(person=user)
    return items.exclude(Exists(kept))


def check_not_given(item: ReviewItem, actor: Actor) -> None:
    """A lead may take what they gave away; others wait until it is free again."""
    kept = Assignment.objects.live().filter(item=item).exclude(person=actor.user)
    if not actor.may(Permission.REVIEW_MANAGE, item.queue) and kept.exists():
        raise NotAllowed("Nothing was claimed: this answer is kept for somebody else.")


def has_gift(user: User, queue: Queue) -> Exists:
    """Whether something of the queue is kept for this person."""
    return Exists(Assignment.objects.live().filter(item__queue=queue, person=user))


def offer_gift(actor: Actor, queue: Queue, now: datetime) -> ReviewItem | None:
    """What was handed to this person comes first, then what a lead gave. The caller locked them."""
    holds = ReviewItem.objects.filter(queue=queue, claimed_by=actor.user, lease_until__gte=now)
    given = ReviewItem.objects.filter(
        queue=queue, assignment__in=Assignment.objects.live().filter(person=actor.user)
    ).claimable(now)
    if not given.exists() or holds.filter(state=ItemState.CLAIMED).exists():
        return None
    item = (
        unconflicted(given, actor.user)
        .order_by("-assignment__is_handed", "due_at", "pk")
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )
    # Asked anew under the lock: it may have been given back in the moment before.
    theirs = Assignment.objects.live().filter(item=item, person=actor.user)
    return claim_locked(item, actor, now) if item and theirs.exists() else None


def _record(
    actor: Actor,
    action: str,
    item: ReviewItem,
    now: datetime,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=item,
        now=now,
        before=before,
        after=after | {"call": str(item.call_id)},
        team_id=item.call.team_id,
    )
