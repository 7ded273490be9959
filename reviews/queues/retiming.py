"""Due times of open items: worked out, worked out again, and what they were before.

One formula holds everywhere: so many business minutes after the item was opened, by the calendar
as it stands, not counting the pauses. So to do it twice changes nothing, and what a new calendar
moves can be said before it is saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from governance.kernel.authority import Actor
from reviews.queues.models import (
    DueTimeChange,
    Pause,
    ReviewItem,
    ReviewItemQuerySet,
    SlaPolicy,
)
from reviews.queues.rules import ItemState
from reviews.queues.sla import Calendar, due_at, due_with_pauses
from reviews.queues.sla import Pause as Span

AT_ONCE = 1000
OPENING = timedelta(minutes=10)
"""No transaction that opens an item takes longer."""

SYSTEM = Actor.system("reviews")


@dataclass(frozen=True)
class DueTimes:
    """All that follows from a promise; the fields are those of the item."""

    first_touch_due_at: datetime
    warn_at: datetime
    due_at: datetime
    next_step_at: datetime | None


@dataclass(frozen=True)
class Move:
    """An open item and what its due times become."""

    item: ReviewItem
    times: DueTimes

    @property
    def moves(self) -> bool:
        return DueTimes(*(getattr(self.item, one.name) for one in fields(DueTimes))) != self.times

    @property
    def shows(self) -> bool:
        """Whether a due time that people see moves, not only a step."""
        item, times = self.item, self.times
        return (item.due_at, item.warn_at, item.first_touch_due_at) != (
            times.due_at,
            times.warn_at,
            times.first_touch_due_at,
        )


@dataclass(frozen=True)
class Effect:
    """What a change does to open items, in numbers; the same before and after it is saved."""

    open_items: int
    moved: int
    become_overdue: int
    no_longer_overdue: int
    # The job that goes on with it, where there are too many to wait for.
    retiming: int | None = None

    def __str__(self) -> str:
        if self.retiming is not None:
            return f"{self.open_items} open items are being re-timed"
        words = f"{self.moved} of {self.open_items} open items move"
        words += f", {self.become_overdue} become overdue"
        if self.no_longer_overdue:
            words += f", {self.no_longer_overdue} are no longer overdue"
        return words

    def as_plain(self) -> dict[str, int | None]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def first_times(sla: SlaPolicy, now: datetime) -> DueTimes:
    """Of an item that is opened now; lean, because a call waits for it."""
    calendar = sla.calendar_from(now)
    step = next(iter(sla.escalation()), None)
    return DueTimes(
        due_at(now, sla.first_touch_minutes, calendar),
        due_at(now, sla.decision_minutes * sla.warn_share // 100, calendar),
        due_at(now, sla.decision_minutes, calendar),
        due_at(now, sla.decision_minutes * step.share // 100, calendar) if step else None,
    )


def times_of(
    item: ReviewItem, sla: SlaPolicy, calendar: Calendar, pauses: Iterable[Span]
) -> DueTimes:
    """By that promise and calendar, with these ended pauses."""
    spans = list(pauses)

    def after(minutes: int) -> datetime:
        return due_with_pauses(item.created_at, timedelta(minutes=minutes), spans, calendar)

    steps = sla.escalation()[item.steps_done :]
    return DueTimes(
        after(sla.first_touch_minutes),
        after(sla.decision_minutes * sla.warn_share // 100),
        after(sla.decision_minutes),
        after(sla.decision_minutes * steps[0].share // 100) if steps else None,
    )


def moves_of(items: Collection[ReviewItem], slas: Mapping[int, SlaPolicy]) -> list[Move]:
    """What the items' due times become; `slas` is by queue's or item's policy, perhaps unsaved.

    Only items whose `sla_id` is a key of `slas`. One more query, for the pauses.
    """
    ours = [one for one in items if one.sla_id in slas]
    if not ours:
        return []
    pauses = _pauses([one.pk for one in ours])
    calendars = _calendars(slas, ours)
    return [
        Move(one, times_of(one, slas[one.sla_id], calendars[one.sla_id], pauses.get(one.pk, ())))
        for one in ours
        if one.sla_id is not None
    ]


def _calendars(slas: Mapping[int, SlaPolicy], items: Iterable[ReviewItem]) -> dict[int, Calendar]:
    """With the holidays of every year from the oldest item to two beyond the newest."""
    created = [one.created_at.astimezone(UTC).year for one in items]
    years = tuple(range(min(created) - 1, max(created) + 3))
    return {key: sla.calendar.as_calendar(years) for key, sla in slas.items()}


def _pauses(items: list[Any]) -> dict[Any, list[Span]]:
    found: dict[Any, list[Span]] = {}
    rows = Pause.objects.filter(item__in=items, ends_at__isnull=False).order_by("starts_at")
    for item, starts, ends in rows.values_list("item_id", "starts_at", "ends_at"):
        if ends is not None:
            found.setdefault(item, []).append((starts, ends))
    return found


def effect_of(moves: Iterable[Move], now: datetime) -> Effect:
    """Counted over all open items that the change concerns."""
    every = list(moves)
    runs = [one for one in every if one.item.state != ItemState.ASKED]
    return Effect(
        open_items=len(every),
        moved=sum(one.shows for one in every),
        become_overdue=sum(one.item.due_at >= now > one.times.due_at for one in runs),
        no_longer_overdue=sum(one.item.due_at < now <= one.times.due_at for one in runs),
    )


@dataclass(frozen=True)
class Scope:
    """Which open items a change concerns, and by which policies they are due.

    Of a calendar or a policy: everything promised under `slas`. Of a queue that chose another
    policy, the only one of `slas`: what is open in it under the one it `leaves`, which is promised
    the new one now; what came from elsewhere under another promise keeps that.
    """

    slas: Mapping[int, SlaPolicy]
    queue_id: int | None = None
    leaves: int | None = None

    def items(self) -> ReviewItemQuerySet:
        """In a fixed order."""
        every = ReviewItem.objects.open().order_by("pk")
        if self.queue_id is None:
            return every.filter(sla__in=list(self.slas))
        # Chosen back meanwhile: they never left.
        concerned = every.none() if self.leaves in self.slas else every
        return concerned.filter(queue=self.queue_id, sla=self.leaves)

    def locked(self) -> ReviewItemQuerySet:
        return self.items().select_for_update(of=("self",))

    def moves(self, items: Collection[ReviewItem]) -> list[Move]:
        """What becomes of them, under the promise that they get; nothing is written."""
        if self.queue_id is not None:
            for one in items:
                (one.sla_id,), one.steps_done = self.slas, 0
        return moves_of(items, self.slas)

    def write(self, moves: list[Move], *, actor: Actor, reason: str, now: datetime) -> None:
        if self.queue_id is not None:
            (sla_id,) = self.slas
            promised = ReviewItem.objects.filter(pk__in=[one.item.pk for one in moves])
            promised.update(sla=sla_id, steps_done=0)
        write_moves(moves, actor=actor, reason=reason, now=now)


def retime_at_once(
    scope: Scope,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    locked: Collection[ReviewItem] | None = None,
) -> Effect:
    """In the caller's transaction: every open item of the scope, by its policies as they stand.

    `locked`: those, which the caller has locked already.
    """
    moves = scope.moves(list(scope.locked()) if locked is None else locked)
    effect = effect_of(moves, now)
    scope.write(moves, actor=actor, reason=reason, now=now)
    return effect


@transaction.atomic
def catch_up(*, now: datetime) -> int:
    """Items that were opened by the old calendar while a new one was being saved; how many moved.

    Opening an item waits for nobody, so one may be written at that very moment by what stood
    before. Idempotent: items that fit already are left alone.
    """
    moved = 0
    lately = SlaPolicy.objects.filter(retimed_at__gte=now - 2 * OPENING)
    for sla in lately.select_related("calendar").order_by("pk"):
        assert sla.retimed_at is not None  # noqa: S101  # it was asked for
        opened = ReviewItem.objects.open().filter(
            sla=sla,
            created_at__gte=sla.retimed_at - OPENING,
            created_at__lte=sla.retimed_at + OPENING,
        )
        items = list(opened.order_by("pk").select_for_update(of=("self",), skip_locked=True))
        late = [one for one in moves_of(items, {sla.pk: sla}) if one.moves]
        write_moves(late, actor=SYSTEM, reason="Opened while the SLA changed", now=now)
        moved += len(late)
    return moved


def retime_item(item: ReviewItem, *, actor: Actor, reason: str, now: datetime) -> Move | None:
    """This one item, locked by the caller; None for one without a promise."""
    if item.sla_id is None:
        return None
    sla = SlaPolicy.objects.select_related("calendar").get(pk=item.sla_id)
    moves = moves_of([item], {sla.pk: sla})
    write_moves(moves, actor=actor, reason=reason, now=now)
    for one in fields(DueTimes):
        setattr(item, one.name, getattr(moves[0].times, one.name))
    return moves[0]


def write_moves(moves: Iterable[Move], *, actor: Actor, reason: str, now: datetime) -> None:
    """The new due times, and the old ones as history; many rows in few statements."""
    moved = [one for one in moves if one.moves]
    for start in range(0, len(moved), AT_ONCE):
        some = moved[start : start + AT_ONCE]
        _keep_history([one for one in some if one.shows], actor, reason, now)
        _write(some)


def _keep_history(moves: list[Move], actor: Actor, reason: str, now: datetime) -> None:
    DueTimeChange.objects.bulk_create(
        DueTimeChange(
            item=one.item,
            reason=reason[:300],
            by=actor.user,
            by_label=actor.label[:200],
            at=now,
            first_touch_before=one.item.first_touch_due_at,
            first_touch_after=one.times.first_touch_due_at,
            due_before=one.item.due_at,
            due_after=one.times.due_at,
        )
        for one in moves
    )


_UPDATE = """
UPDATE queues_reviewitem AS item SET first_touch_due_at = new.first_touch, warn_at = new.warn,
    due_at = new.due, next_step_at = new.step
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    AS new (id, first_touch, warn, due, step)
WHERE item.id = new.id
"""


def _write(moves: list[Move]) -> None:
    columns = [[getattr(one.times, name.name) for one in moves] for name in fields(DueTimes)]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [[one.item.pk for one in moves], *columns])
