"""Re-timing of very many items in the background, some at a time, with progress; resumable.

It follows a change of a calendar or a policy, and a queue's choice of another policy. Each step
is one transaction: it locks the job, then the calendars and policies, then the items. So a change
of a calendar waits for a step and never for the job, and no step writes by a calendar that has
changed meanwhile; that change begins a job of its own, which ends last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from celery import current_app
from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from reviews.queues import retiming
from reviews.queues.models import BusinessCalendar, Queue, Retiming, ReviewItem, SlaPolicy
from reviews.queues.retiming import (
    OPENING,
    SYSTEM,
    Effect,
    Move,
    Scope,
    effect_of,
    first_times,
)
from reviews.queues.sla import NoOpeningHours

HERE_AND_NOW = 2_000
"""Open items up to which a change re-times them itself; some seconds of work."""

RETIME = "reviews.queues.tasks.retime"
MOST_STEPS = 50
"""Steps of one run of the task, after which others get their turn."""


def retime(slas: Mapping[int, SlaPolicy], *, actor: Actor, reason: str, now: datetime) -> Effect:
    """In the caller's transaction: at once, or by a job where that would take long.

    Raises NoOpeningHours where what is open would never be due; of a job for what is opened now.
    """
    scope = Scope(slas)
    total = scope.items().count()
    if total <= HERE_AND_NOW:
        return retiming.retime_at_once(scope, actor=actor, reason=reason, now=now)
    return _begun(scope, total, actor=actor, reason=reason, now=now)


def retime_queue(
    queue: Queue, leaves: SlaPolicy, *, actor: Actor, reason: str, now: datetime
) -> Effect:
    """As `retime`, of what is open in the queue under the policy that it leaves.

    The caller has locked the queue and saved its choice. The job is kept in either case, so that
    what was opened at that very moment is found.
    """
    scope = Scope(_locked_policies([queue.sla_id]), queue.pk, leaves.pk)
    total = scope.items().count()
    earlier = Retiming.objects.filter(queue=queue, finished_at=None)
    if total > HERE_AND_NOW or earlier.exists():
        return _begun(scope, total, actor=actor, reason=reason, now=now)
    # Who claims holds the item and waits for the queue: to wait for the item would be for ever.
    locked = list(scope.items().select_for_update(skip_locked=True, of=("self",)))
    if len(locked) < total:
        return _begun(scope, total, actor=actor, reason=reason, now=now)
    for sla in scope.slas.values():
        first_times(sla, now)
    effect = retiming.retime_at_once(scope, actor=actor, reason=reason, now=now, locked=locked)
    _made(
        scope,
        actor,
        reason,
        now,
        total=len(locked),
        done=len(locked),
        moved=effect.moved,
        become_overdue=effect.become_overdue,
        no_longer_overdue=effect.no_longer_overdue,
        finished_at=now,
    )
    return effect


def _begun(scope: Scope, total: int, *, actor: Actor, reason: str, now: datetime) -> Effect:
    for sla in scope.slas.values():
        first_times(sla, now)
    made = _made(scope, actor, reason, now, total=total)
    # Without a broker the housekeeping finds it.
    transaction.on_commit(
        lambda: current_app.send_task(RETIME, [made.pk], queue="housekeeping"), robust=True
    )
    return Effect(total, 0, 0, 0, made.pk)


def _made(scope: Scope, actor: Actor, reason: str, now: datetime, **facts: Any) -> Retiming:
    return Retiming.objects.create(
        policies=sorted(scope.slas),
        queue_id=scope.queue_id,
        leaves_id=scope.leaves,
        reason=reason[:300],
        by=actor.user,
        by_label=actor.label[:200],
        at=now,
        **facts,
    )


def _locked_policies(policies: list[int]) -> dict[int, SlaPolicy]:
    """Them and their calendars, as they stand until the transaction ends."""
    # Calendars first: a change of one locks it before it marks its policies.
    counted_by = BusinessCalendar.objects.filter(policies__in=policies).order_by("pk")
    list(counted_by.select_for_update(no_key=True, of=("self",)))
    # Read only then: a joined row that is waited for is lost where its calendar is another now.
    found = SlaPolicy.objects.filter(pk__in=policies).order_by("pk")
    list(found.select_for_update(no_key=True).values_list("pk"))
    return found.select_related("calendar").in_bulk()


def _scope(job: Retiming) -> Scope:
    """By the policies as they stand; of a queue by the one that it has chosen last."""
    if job.queue is None:
        return Scope(_locked_policies(job.policies))
    return Scope(_locked_policies([job.queue.sla_id]), job.queue.pk, job.leaves_id)


def run(*, retiming_id: int, now: datetime) -> int:
    """Steps until it is done or has had its turn; how many."""
    steps = 0
    while steps < MOST_STEPS and step(retiming_id=retiming_id, now=now):
        steps += 1
    return steps


def run_unfinished(*, now: datetime) -> int:
    """Go on with what a crash or a lost message left; how many steps."""
    waiting = Retiming.objects.filter(finished_at=None).order_by("pk")
    return sum(run(retiming_id=pk, now=now) for pk in waiting.values_list("pk", flat=True)[:10])


@transaction.atomic
def step(*, retiming_id: int, now: datetime) -> bool:
    """Some items more; whether any may be left. False as well while somebody else works on it.

    Jobs of one queue end in the order in which they began, so that its last choice stands.
    """
    job = _taken(retiming_id)
    if job is None:
        return False
    scope = _scope(job)
    items = scope.locked()
    if job.cursor is not None:
        items = items.filter(pk__gt=job.cursor)
    some = list(items[: retiming.AT_ONCE])
    done = _moves(some, scope)
    actor = Actor.person(job.by) if job.by else SYSTEM
    scope.write(done.moves, actor=actor, reason=job.reason, now=now)
    _count(job, some, done, now)
    is_over = len(some) < retiming.AT_ONCE
    if is_over:
        job.finished_at = now
        _record(job, actor, now)
    job.save()
    return not is_over


def _taken(retiming_id: int) -> Retiming | None:
    """The locked job, unless it is done, somebody has it, or its queue has an earlier one."""
    unfinished = Retiming.objects.filter(finished_at=None)
    free = unfinished.select_for_update(skip_locked=True, of=("self",))
    job = free.select_related("queue", "by").filter(pk=retiming_id).first()
    if job is None or job.queue is None:
        return job
    return None if unfinished.filter(queue=job.queue, pk__lt=retiming_id).exists() else job


def _count(job: Retiming, some: list[ReviewItem], done: _Done, now: datetime) -> None:
    effect = effect_of(done.moves, now)
    job.cursor = some[-1].pk if some else job.cursor
    job.done += len(some)
    job.moved += effect.moved
    job.become_overdue += effect.become_overdue
    job.no_longer_overdue += effect.no_longer_overdue
    job.failed += done.failed


@transaction.atomic
def catch_up(*, now: datetime) -> int:
    """Items that were opened under the old policy while their queue chose another; how many moved.

    As `retiming.catch_up`, which does it for calendars and policies.
    """
    moved = 0
    lately = Retiming.objects.filter(queue__isnull=False, at__gte=now - 2 * OPENING)
    for job in lately.order_by("pk"):
        locked = Queue.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        job.queue = locked.filter(retimings=job).first()
        if job.queue is None:
            continue
        scope = _scope(job)
        opened = scope.items().filter(
            created_at__range=(job.at - OPENING, job.at + OPENING), escalated_at=None
        )
        opened = opened.select_for_update(skip_locked=True, of=("self",))
        # What the job has yet to come to is its own.
        if not job.is_over:
            opened = opened.filter(pk__lte=job.cursor) if job.cursor else opened.none()
        late = _moves(list(opened), scope).moves
        scope.write(late, actor=SYSTEM, reason="Opened while the SLA changed", now=now)
        moved += len(late)
    return moved


@dataclass
class _Done:
    moves: list[Move] = field(default_factory=list)
    failed: int = 0


def _moves(items: list[ReviewItem], scope: Scope) -> _Done:
    """Of all of them; one by one where one would never be due, so that it holds nobody up."""
    try:
        return _Done(scope.moves(items))
    except NoOpeningHours:
        found = _Done()
    for one in items:
        try:
            found.moves += scope.moves([one])
        except NoOpeningHours:
            found.failed += 1
    return found


def _record(job: Retiming, actor: Actor, now: datetime) -> None:
    after = {
        "done": job.done,
        "moved": job.moved,
        "become_overdue": job.become_overdue,
        "no_longer_overdue": job.no_longer_overdue,
        "failed": job.failed,
    }
    record(actor=actor, action="sla.retimed", subject=job, now=now, after=after, reason=job.reason)
