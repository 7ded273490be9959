"""Open, claim, hold and hand back review items. `decide` lives in reviews.decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from governance.access.models import User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from governance.kernel.web import get_or_404
from reviews.queues.claim_registries import claim_rules, claimed, limits, offers, opened
from reviews.queues.models import Queue, ReviewItem, Skip
from reviews.queues.qualifying import check_ready
from reviews.queues.registries import Route, routes, written_versions
from reviews.queues.retiming import first_times
from reviews.queues.rights import check_can_work
from reviews.queues.rules import LEASE, REVIEW_ITEM_STATES, ItemState
from reviews.queues.standing import lock, standing_of
from reviews.queues.taking import Taken, take_first, take_plainly
from telemetry.ledger.joining import joins_transaction
from telemetry.ledger.models import Call


def queue_for(call: Call) -> Queue:
    """The queue of the call's use case, else the default one; refuses where there is none."""
    queue = (
        Queue.objects.select_related("sla__calendar")
        .filter(Q(use_cases=call.use_case_id) | Q(is_default=True))
        .order_by("is_default")
        .first()
    )
    if queue is None:
        raise NotFound(
            "No review queue takes answers of this use case, so none can be held for a person. "
            "A review lead must create one before calls can run.",
            code="no_review_queue",
        )
    return queue


@joins_transaction
def open_item(
    *,
    call: Call,
    reason: str,
    output_contract: dict[str, Any],
    now: datetime,
    priority: int = 0,
    queue: Queue | None = None,
    is_after_delivery: bool = False,
) -> ReviewItem:
    """Put a held call before people, once per call, with its due times in business minutes.

    Without `queue` the intake rules choose, then the use case, last the default. After delivery
    what is decided is a judgement, and changes nothing of the call.
    """
    existing = ReviewItem.objects.filter(call=call).first()
    if existing is not None:
        return existing
    route = None if queue else _route(call)
    item = ReviewItem(
        queue=queue or (route.queue if route else queue_for(call)),
        call=call,
        gates=call,
        reason=reason[:300],
        priority=priority + (route.priority if route else 0),
        is_after_delivery=is_after_delivery,
        output_contract=output_contract,
        created_at=now,
    )
    _set_due_times(item, now)
    item.save(force_insert=True)
    if route:
        route.keep(item)
    _record(Actor.system("gateway"), "review.opened", item, now, reason=reason)
    for plan in opened.values():
        plan(item, now)
    return item


def _route(call: Call) -> Route | None:
    found = (route(call) for route in routes.values())
    return next((one for one in found if one is not None), None)


def _set_due_times(item: ReviewItem, now: datetime) -> None:
    item.sla = item.queue.sla
    for name, value in vars(first_times(item.sla, now)).items():
        setattr(item, name, value)


@transaction.atomic
def claim_next(*, actor: Actor, queue: Queue, now: datetime) -> ReviewItem | None:
    """The person's live claim in this queue if there is one, else the most urgent free item.

    `FOR UPDATE SKIP LOCKED`, so two people at the same instant get different items. None
    when nothing is left for this person.
    """
    check_can_work(actor, queue)
    lock(actor.user)
    taken = None
    if not queue.needs_acknowledgement and queue.most_claimed is None:
        taken = take_plainly(queue, actor.user, now)
    return _followed(taken, actor, now) if taken else _claim_after_looking(actor, queue, now)


def _claim_after_looking(actor: Actor, queue: Queue, now: datetime) -> ReviewItem | None:
    """Where something may stand in the way, or comes first; the person is locked."""
    standing = standing_of(actor.user, queue, now)
    for name in standing.offers:
        if (offered := offers[name].make(actor, queue, now)) is not None:
            return offered
    if standing.has_claim:
        mine = ReviewItem.objects.live_claims_of(actor.user, queue, now).first()
        if mine is not None:
            return mine
    if queue.needs_acknowledgement or standing.lacks_training:
        check_ready(actor.user, queue, now)
    if is_full(queue, now):
        return None
    if any(limits[name].why(actor.user, queue, None, now) for name in standing.limits):
        return None
    taken = take_first(queue, actor.user, now)
    return _followed(taken, actor, now) if taken else None


def _followed(taken: Taken, actor: Actor, now: datetime) -> ReviewItem:
    _record(actor, "review.claimed", taken.item, now, team_id=taken.team_id)
    for name in taken.followed_by:
        claimed[name].follow(taken.item, actor, now)
    return taken.item


@transaction.atomic
def claim_item(*, actor: Actor, item_id: UUID, now: datetime) -> ReviewItem:
    """Claim this very item; Conflict if somebody else holds it."""
    item = locked_item(item_id)
    check_can_work(actor, item.queue)
    check_is_no_party(actor.user, item)
    if item.is_held_by(actor.user, now):
        return item
    check_ready(actor.user, item.queue, now)
    # The person before the queue, as `claim_next` locks them.
    User.objects.select_for_update(no_key=True).get(pk=actor.user.pk)
    if is_full(item.queue, now):
        raise Conflict(
            f"Nothing was claimed: {item.queue.most_claimed} answers of {item.queue} are with "
            "people already, and it takes no more at a time."
        )
    for rule in claim_rules.values():
        rule.check(item, actor)
    if words := why_no_more(actor.user, item.queue, now, item):
        raise Conflict(f"Nothing was claimed: {words}")
    if item.state == ItemState.CLAIMED and item.lease_until and item.lease_until >= now:
        raise Conflict(f"{item.claimed_by} holds this item until their lease runs out.")
    return _claim(item, actor, now)


def why_no_more(user: User, queue: Queue, now: datetime, item: ReviewItem | None = None) -> str:
    """A sentence where this person has as many of the queue as they take; empty where not.

    What is kept for the person counts already.
    """
    return next(
        (words for one in limits.values() if (words := one.why(user, queue, item, now))), ""
    )


def check_is_no_party(user: User, item: ReviewItem) -> None:
    """Raise NotAllowed for who asked for the answer or wrote the prompt that it came from."""
    if item.call.requester_id == user.pk:
        raise NotAllowed("Nothing was claimed: nobody reviews an answer that they asked for.")
    version = item.call.prompt_version_id
    if version and any(
        versions(user).filter(pk=version).exists() for versions in written_versions.values()
    ):
        raise NotAllowed("Nothing was claimed: nobody reviews an answer of a prompt they wrote.")


def is_full(queue: Queue, now: datetime) -> bool:
    """Whether as many of its answers are with people as it takes at a time; locks the queue."""
    if queue.most_claimed is None:
        return False
    # Two people at the same instant must not both get the last place.
    Queue.objects.select_for_update(no_key=True, of=("self",)).get(pk=queue.pk)
    live = ReviewItem.objects.filter(
        queue=queue, state=ItemState.CLAIMED, lease_until__gte=now
    ).count()
    return live >= queue.most_claimed


def _claim(item: ReviewItem, actor: Actor, now: datetime) -> ReviewItem:
    if item.state == ItemState.CLAIMED:
        item.state = REVIEW_ITEM_STATES.target(item.state, "lease_ran_out")
    item.state = REVIEW_ITEM_STATES.target(item.state, "claim")
    item.claimed_by, item.claimed_at, item.lease_until = actor.user, now, now + LEASE
    item.first_touched_at = item.first_touched_at or now
    item.save()
    _record(actor, "review.claimed", item, now)
    for following in claimed.values():
        following.follow(item, actor, now)
    return item


@transaction.atomic
def renew_lease(*, actor: Actor, item_id: UUID, now: datetime) -> ReviewItem:
    """A sign of life from the person who holds it."""
    item = held_item(actor, item_id, now)
    item.lease_until = now + LEASE
    item.save(update_fields=["lease_until"])
    return item


@transaction.atomic
def release_claim(*, actor: Actor, item_id: UUID, now: datetime) -> ReviewItem:
    """Put it back without a word; it keeps its due time."""
    item = held_item(actor, item_id, now)
    put_back(item, "release")
    _record(actor, "review.released", item, now)
    return item


@transaction.atomic
def skip(*, actor: Actor, item_id: UUID, reason: str, now: datetime) -> ReviewItem:
    """Put it back with a reason; after MOST_SKIPS it is not offered to this person again."""
    reason = reason.strip()
    if not reason:
        raise Invalid(
            "The item stays with you: say in a few words why you skip it.",
            fields={"rationale": ["Say why you skip it."]},
        )
    item = held_item(actor, item_id, now)
    put_back(item, "skip")
    # Behind the others of the same urgency, or the next claim would offer it again at once.
    item.priority -= 1
    item.save(update_fields=["priority"])
    Skip.objects.create(item=item, person=actor.user, reason=reason[:300], at=now)
    _record(actor, "review.skipped", item, now, said=reason)
    return item


@transaction.atomic
def escalate(*, actor: Actor, item_id: UUID, reason: str, now: datetime) -> ReviewItem:
    """Hand it to the queue that this one escalates to, with its due time kept."""
    item = locked_item(item_id)
    if item.state == ItemState.CLAIMED:
        check_holds(actor, item, now)
    elif not actor.may(Permission.REVIEW_MANAGE, item.queue):
        raise NotAllowed("Nothing was moved: a review lead escalates what nobody has claimed.")
    target = item.queue.escalates_to
    if target is None:
        raise WrongState(
            f"Nothing was moved: {item.queue} escalates to no other queue. "
            "Decide here, or ask a review lead to set one."
        )
    before = {"queue": item.queue.slug}
    put_back(item, "escalate")
    item.queue, item.escalated_at, item.priority = target, now, item.priority + 10
    item.save(update_fields=["queue", "escalated_at", "priority"])
    _record(actor, "review.escalated", item, now, said=reason, before=before)
    return item


def put_back(item: ReviewItem, action: str) -> None:
    item.state = REVIEW_ITEM_STATES.target(item.state, action)
    item.claimed_by, item.claimed_at, item.lease_until = None, None, None
    item.save(update_fields=["state", "claimed_by", "claimed_at", "lease_until"])


def open_and_claim(item: ReviewItem, actor: Actor, now: datetime) -> ReviewItem:
    """Save an unsaved item of one person, due as if opened now, and give it to them."""
    _set_due_times(item, now)
    item.save(force_insert=True)
    return _claim(item, actor, now)


def claim_locked(item: ReviewItem, actor: Actor, now: datetime) -> ReviewItem:
    """Claim a locked item that nobody holds under a live lease, in the caller's transaction."""
    return _claim(item, actor, now)


@transaction.atomic
def return_expired(*, now: datetime) -> int:
    """Give back what is claimed under a lease that ran out; how many."""
    expired = ReviewItem.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        state=ItemState.CLAIMED, lease_until__lt=now
    )
    returned = 0
    for item in expired:
        put_back(item, "lease_ran_out")
        _record(Actor.system("reviews"), "review.lease_ran_out", item, now)
        returned += 1
    return returned


def locked_item(item_id: UUID) -> ReviewItem:
    items = ReviewItem.everything.select_for_update(of=("self",)).select_related(
        "queue__escalates_to", "queue__sla__calendar", "call__use_case"
    )
    item: ReviewItem = get_or_404(items, pk=item_id)
    return item


def held_item(actor: Actor, item_id: UUID, now: datetime) -> ReviewItem:
    """The locked item, if this person holds it under a live lease."""
    item = locked_item(item_id)
    check_holds(actor, item, now)
    return item


def check_holds(actor: Actor, item: ReviewItem, now: datetime) -> None:
    check_can_work(actor, item.queue)
    if item.state == ItemState.DECIDED:
        raise WrongState("Nothing was changed: this item has been decided already.")
    if item.state == ItemState.PENDING:
        raise WrongState("Nothing was changed: this item is decided; it can still be undone.")
    if item.claimed_by_id != actor.user.pk:
        holder = f"{item.claimed_by} holds it now" if item.claimed_by_id else "nobody holds it now"
        raise Conflict(f"Your claim has ended and {holder}. Your text is still on the page.")
    if item.lease_until is None or item.lease_until < now:
        raise Conflict("Your lease ran out. Claim the item again; your text is still on the page.")


def _record(
    actor: Actor,
    action: str,
    item: ReviewItem,
    now: datetime,
    *,
    reason: str = "",
    said: str = "",
    before: dict[str, Any] | None = None,
    team_id: int | None = None,
) -> None:
    """`said` are a person's words on the answer, which may be erased: the log has their hash."""
    after = {"queue": item.queue.slug, "state": item.state, "call": str(item.call_id)}
    record(
        actor=actor,
        action=action,
        subject=item,
        now=now,
        before=before,
        after=after | ({"reason_sha256": text_digest(said)} if said else {}),
        reason=reason,
        team_id=item.call.team_id if team_id is None else team_id,
    )
