"""What happens to answers that wait too long: breaches, and the steps of their SLA.

None of it releases anything. Each is counted for the queue in which the answer was late.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, QuerySet

from governance.access.models import User
from governance.access.selectors import holders
from governance.audit.services import record
from governance.home.absences import reached
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from reviews.queues.escalation_rules import Act, Step
from reviews.queues.models import Escalation, Queue, ReviewItem, SlaPolicy
from reviews.queues.retiming import moves_of, write_moves
from reviews.queues.rules import ItemState
from telemetry.alerts.services import raise_alert

SYSTEM = Actor.system("reviews")
AT_ONCE = 500
BREACH, FIRST_TOUCH = "breach", "first_touch"
ACT_TITLES = {
    BREACH: "decided too late",
    FIRST_TOUCH: "looked at too late",
    Act.NOTIFY: "leads told",
    Act.NEXT_QUEUE: "moved on",
    "stayed": "nowhere to move on",
}


@transaction.atomic
def mark_breaches(*, now: datetime) -> int:
    """Count, alert and tell of what is past its due time. A breach never releases anything."""
    late = _locked(ReviewItem.objects.overdue(now).filter(breached_at=None))
    told = _Leads(now)
    for item in late:
        item.breached_at = now
        item.priority += 5
        item.save(update_fields=["breached_at", "priority"])
        _count(item, BREACH, 100, now)
        _record("review.breached", item, now)
        _alert(item, "review-sla", "answers wait longer than the SLA allows", now)
        told.tell(item, "is past its due time")
    return len(late)


@transaction.atomic
def mark_untouched(*, now: datetime) -> int:
    """As `mark_breaches`, of what nobody looked at in the time to first touch."""
    untouched = ReviewItem.objects.filter(
        state=ItemState.WAITING,
        first_touched_at=None,
        first_touch_breached_at=None,
        first_touch_due_at__lt=now,
    )
    told = _Leads(now)
    late = _locked(untouched)
    for item in late:
        item.first_touch_breached_at = now
        item.priority += 2
        item.save(update_fields=["first_touch_breached_at", "priority"])
        _count(item, FIRST_TOUCH, 0, now)
        _record("review.untouched", item, now)
        _alert(item, "review-first-touch", "answers wait long until somebody looks", now)
        told.tell(item, "was looked at by nobody in time")
    return len(late)


@transaction.atomic
def take_steps(*, now: datetime) -> int:
    """The next step of every answer whose time for it has come; how many were taken."""
    due = _locked(ReviewItem.objects.running().filter(next_step_at__lte=now))
    slas = SlaPolicy.objects.select_related("calendar").in_bulk({one.sla_id for one in due})
    told = _Leads(now)
    for item in due:
        steps = slas[item.sla_id].escalation() if item.sla_id in slas else []
        if item.steps_done < len(steps):
            _take(item, steps[item.steps_done], told, now)
        item.steps_done += 1
        item.save(update_fields=["steps_done"])
    write_moves(moves_of(due, slas), actor=SYSTEM, reason="Next step", now=now)
    return len(due)


def _take(item: ReviewItem, step: Step, told: _Leads, now: datetime) -> None:
    if step.act == Act.NOTIFY:
        _count(item, step.act, step.share, now)
        told.tell(item, f"has used {step.share} % of its time")
        return
    target = item.queue.escalates_to
    if target is None:
        _count(item, "stayed", step.share, now)
        told.tell(item, f"has used {step.share} % of its time, and its queue has no next one")
        return
    if item.state == ItemState.CLAIMED:
        # Whoever holds it is at work on it; leads of both queues know.
        _count(item, "stayed", step.share, now, "somebody held it")
        told.tell(item, f"has used {step.share} % of its time and is held by {item.claimed_by}")
        return
    _move_on(item, target, step, told, now)


def _move_on(item: ReviewItem, target: Queue, step: Step, told: _Leads, now: datetime) -> None:
    before = {"queue": item.queue.slug}
    _count(item, step.act, step.share, now, f"to {target}")
    told.tell(item, f"goes to {target} after {step.share} % of its time")
    item.queue, item.escalated_at, item.priority = target, now, item.priority + 10
    item.save(update_fields=["queue", "escalated_at", "priority"])
    reason = f"{step.share} % of its time is over"
    _record("review.escalated", item, now, before=before, reason=reason)
    told.tell(item, f"came here after {step.share} % of its time")


def _locked(items: QuerySet[ReviewItem]) -> list[ReviewItem]:
    """Some of them, none that another transaction has just now."""
    related = items.select_related("queue__escalates_to", "call__use_case__team", "claimed_by")
    return list(related.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:AT_ONCE])


class _Leads:
    """Who leads a queue, asked once per queue."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._of: dict[int, list[User]] = {}

    def tell(self, item: ReviewItem, what: str) -> None:
        queue = item.queue
        if queue.pk not in self._of:
            leads = holders(Permission.REVIEW_MANAGE, queue, now=self.now)
            self._of[queue.pk] = reached(
                leads, lambda one: one.may(Permission.REVIEW_MANAGE, queue)
            )
        notify(
            users=self._of[queue.pk],
            title=f"{item} in {queue} {what}",
            url=f"/reviews/{queue.slug}/",
            now=self.now,
        )


def _alert(item: ReviewItem, cause: str, what: str, now: datetime) -> None:
    raise_alert(
        cause=f"{cause}:{item.queue.slug}",
        title=f"{item.queue}: {what}",
        severity="warning",
        now=now,
        url=f"/reviews/{item.queue.slug}/",
        team=item.call.use_case.team,
    )


def _count(item: ReviewItem, act: str, share: int, now: datetime, note: str = "") -> None:
    Escalation.objects.create(
        item=item, queue=item.queue, act=act, share=share, note=note[:300], at=now
    )


def _record(
    action: str,
    item: ReviewItem,
    now: datetime,
    *,
    before: dict[str, str] | None = None,
    reason: str = "",
) -> None:
    record(
        actor=SYSTEM,
        action=action,
        subject=item,
        now=now,
        before=before,
        after={"queue": item.queue.slug, "state": item.state, "call": str(item.call_id)},
        reason=reason,
        team_id=item.call.team_id,
    )


def counted(queue: Queue, now: datetime, days: int = 30) -> list[tuple[str, int]]:
    """What was late or escalated in this queue lately, in words with its count; one query."""
    since = now - timedelta(days=days)
    rows = Escalation.objects.filter(queue=queue, at__gte=since).order_by()
    found = dict(rows.values_list("act").annotate(Count("pk")))
    return [(title, found[act]) for act, title in ACT_TITLES.items() if act in found]
