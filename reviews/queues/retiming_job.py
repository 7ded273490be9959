"""Re-timing of very many items in the background, some at a time, with progress; resumable.

Each step is one transaction: it locks the job, then the policies with their calendars, then the
items. So a change of a calendar waits for a step and never for the job, and no step writes by a
calendar that has changed meanwhile; that change begins a job of its own, which ends last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from celery import current_app
from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from reviews.queues import retiming
from reviews.queues.models import Retiming, ReviewItem, ReviewItemQuerySet, SlaPolicy
from reviews.queues.retiming import SYSTEM, Effect, Move, effect_of, first_times, moves_of
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
    total = _open(list(slas)).count()
    if total <= HERE_AND_NOW:
        return retiming.retime_policies(slas, actor=actor, reason=reason, now=now)
    for sla in slas.values():
        first_times(sla, now)
    made = Retiming.objects.create(
        policies=sorted(slas),
        reason=reason[:300],
        by=actor.user,
        by_label=actor.label[:200],
        at=now,
        total=total,
    )
    # Without a broker the housekeeping finds it.
    transaction.on_commit(
        lambda: current_app.send_task(RETIME, [made.pk], queue="housekeeping"), robust=True
    )
    return Effect(total, 0, 0, 0, made.pk)


def _open(policies: list[int]) -> ReviewItemQuerySet:
    return ReviewItem.objects.open().filter(sla__in=policies).order_by("pk")


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
    """Some items more; whether any may be left. False as well while somebody else works on it."""
    unfinished = Retiming.objects.filter(pk=retiming_id, finished_at=None)
    job = unfinished.select_for_update(skip_locked=True, of=("self",)).first()
    if job is None:
        return False
    policies = SlaPolicy.objects.select_for_update(no_key=True, of=("self", "calendar"))
    slas = policies.select_related("calendar").order_by("pk").in_bulk(job.policies)
    items = _open(job.policies)
    if job.cursor is not None:
        items = items.filter(pk__gt=job.cursor)
    some = list(items.select_for_update(of=("self",))[: retiming.AT_ONCE])
    done = _moves(some, slas)
    effect = effect_of(done.moves, now)
    actor = Actor.person(job.by) if job.by else SYSTEM
    retiming.write_moves(done.moves, actor=actor, reason=job.reason, now=now)
    job.cursor = some[-1].pk if some else job.cursor
    job.done += len(some)
    job.moved += effect.moved
    job.become_overdue += effect.become_overdue
    job.no_longer_overdue += effect.no_longer_overdue
    job.failed += done.failed
    is_over = len(some) < retiming.AT_ONCE
    if is_over:
        job.finished_at = now
        _record(job, actor, now)
    job.save()
    return not is_over


@dataclass
class _Done:
    moves: list[Move] = field(default_factory=list)
    failed: int = 0


def _moves(items: list[ReviewItem], slas: Mapping[int, SlaPolicy]) -> _Done:
    """Of all of them; one by one where one would never be due, so that it holds nobody up."""
    try:
        return _Done(moves_of(items, slas))
    except NoOpeningHours:
        found = _Done()
    for one in items:
        try:
            found.moves += moves_of([one], slas)
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
