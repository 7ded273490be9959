"""What the board shows of a queue. A constant number of queries, whatever waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any

from django.db.models import Count, F, Q, Sum

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.absences import away_now
from governance.home.models import Absence
from governance.kernel.authority import Permission
from reviews.board import work
from reviews.board.capacity import places_in
from reviews.board.forecast import HORIZONS, MOST_WAITING, Clock, Expected, Rates, forecast
from reviews.board.models import Assignment
from reviews.board.rules import Place
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import Verdict
from reviews.quality.agreement import Figure, share
from reviews.quality.models import DoubleReview, ReviewCost
from reviews.quality.rules import DoubleState
from reviews.quality.selectors import agreement_in
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from reviews.queues.sla import Calendar, due_at

PAST = timedelta(days=14)
MONTH = timedelta(days=30)
MOST_LISTED = 50
FEWEST_TIMED = 5
"""Pieces of work below which a median would tell about single answers."""


@dataclass(frozen=True)
class Age:
    """Answers that wait and have used so much of the time from their arrival to when due."""

    label: str
    count: int


@dataclass(frozen=True)
class Load:
    """What one person has and did. No single times: a median of a month, or None for too few."""

    person: User
    claimed: int
    given: int
    decided_today: int
    median_seconds: int | None
    place: Place
    absence: Absence | None

    @property
    def key(self) -> str:
        return str(self.person.pk)


AGES = (("up to a quarter", 0.25), ("up to a half", 0.5), ("up to three quarters", 0.75))
PAST_DUE = "past due"


def ages(queue: Queue, now: datetime) -> list[Age]:
    """What waits or is held, by the share of its time that is used."""
    labels = [*(label for label, _ in AGES), "the last quarter", PAST_DUE]
    counts = dict.fromkeys(labels, 0)
    for created_at, due in queue.items.open().values_list("created_at", "due_at"):
        counts[_age(created_at, due, now)] += 1
    return [Age(label, count) for label, count in counts.items()]


def _age(created_at: datetime, due: datetime, now: datetime) -> str:
    if now >= due:
        return PAST_DUE
    used = (now - created_at) / (due - created_at)
    return next((label for label, edge in AGES if used <= edge), "the last quarter")


def rates_of(queue: Queue, now: datetime, calendar: Calendar) -> Rates:
    """Arrivals and decisions of fourteen days, per business hour of the queue's calendar."""
    since = now - PAST
    spans = takewhile(lambda span: span[0] < now, calendar.spans(since))
    hours = Clock([(begin, min(end, now)) for begin, end in spans]).before[-1]
    counted = queue.items.aggregate(
        arrived=Count("pk", filter=Q(created_at__gte=since)),
        decided=Count("pk", filter=Q(decided_at__gte=since)),
    )
    return Rates(counted["arrived"], counted["decided"], hours)


def expected_breaches(queue: Queue, now: datetime) -> tuple[Rates, list[Expected]]:
    """The rates, and what will pass its due time; nothing where the rates are not known."""
    sla = queue.sla
    calendar = sla.calendar_from(now)
    rates = rates_of(queue, now, calendar)
    if not rates.is_known:
        return rates, []
    end = due_at(now, max(HORIZONS) * 60, calendar)
    clock = Clock(list(takewhile(lambda span: span[0] < end, calendar.spans(now))))
    opened = queue.items.open().filter(due_at__gt=now, due_at__lte=end).order_by("due_at")
    moments = opened.values_list("due_at", flat=True)[:MOST_WAITING]
    # What is late already is worked on first: it takes its time before the others.
    late = min(queue.items.overdue(now).count(), MOST_WAITING)
    dues = [0.0] * late + [max(clock.hours(one), 1e-9) for one in moments]
    found = forecast(dues, rates, sla.decision_minutes / 60)
    # They passed it before, so they are not among those that will.
    return rates, [
        Expected(one.hours, one.median - late, one.low - late, one.high - late) for one in found
    ]


def loads(queue: Queue, now: datetime) -> list[Load]:
    """Everybody who works in the queue, by name."""
    people = list(holders(Permission.REVIEW_WORK, queue, now=now))
    claimed, given = work.held(queue, now), work.kept(queue)
    timed = work.done(queue, now - MONTH)
    places, away = places_in(queue, people, now), away_now()
    return [
        Load(
            one,
            claimed.get(one.pk, 0),
            given.get(one.pk, 0),
            places[one.pk].done,
            _median(timed.get(one.pk)),
            places[one.pk],
            away.get(one.pk),
        )
        for one in people
    ]


def _median(found: tuple[int, float] | None) -> int | None:
    return None if found is None or found[0] < FEWEST_TIMED else round(found[1])


def sla_hit_rate(queue: Queue, now: datetime) -> Figure:
    """Of what was decided in thirty days, what was decided in time."""
    decided = queue.items.filter(decided_at__gte=now - MONTH)
    counted = decided.aggregate(all=Count("pk"), good=Count("pk", Q(decided_at__lte=F("due_at"))))
    return share(counted["good"], counted["all"])


def overruled_rate(queue: Queue, now: datetime) -> Figure:
    """Of the double reviews that ended in thirty days, those that a lead had to decide."""
    ended = DoubleReview.objects.filter(item__queue=queue, closed_at__gte=now - MONTH)
    counted = ended.aggregate(
        all=Count("pk"),
        lead=Count("pk", Q(state__in=[DoubleState.DISPUTED, DoubleState.ADJUDICATED])),
    )
    return share(counted["lead"], counted["all"])


def overturned_rate(queue: Queue, now: datetime) -> Figure:
    """Of the final decisions of thirty days, those that a lead overturned since."""
    final = ReviewDecision.objects.filter(
        item__queue=queue, overturns=None, at__gte=now - MONTH
    ).exclude(verdict=Verdict.ESCALATE)
    counted = final.aggregate(all=Count("pk"), other=Count("pk", Q(overturned_by__isnull=False)))
    return share(counted["other"], counted["all"])


def cost_per_call(queue: Queue, now: datetime) -> Decimal | None:
    """Review time of thirty days by the calls that it went into; None while nothing is booked."""
    booked = ReviewCost.objects.filter(
        Q(decision__item__queue=queue) | Q(opinion__item__queue=queue),
        entry__created_at__gte=now - MONTH,
    ).aggregate(amount=Sum("entry__amount"), calls=Count("entry__call", distinct=True))
    return None if not booked["calls"] else booked["amount"] / booked["calls"]


def listed(queue: Queue) -> list[tuple[ReviewItem, Assignment | None]]:
    """What waits, the next due first, with for whom it is kept."""
    items = queue.items.filter(state=ItemState.WAITING).select_related("call__use_case")
    found = list(items.order_by("due_at", "pk")[:MOST_LISTED])
    kept = Assignment.objects.live().filter(item__in=found).select_related("person")
    by_item = {one.item_id: one for one in kept}
    return [(one, by_item.get(one.pk)) for one in found]


def board(queue: Queue, now: datetime) -> dict[str, Any]:
    """All figures of the board."""
    rates, expected = expected_breaches(queue, now)
    return {
        "ages": ages(queue, now),
        "rates": rates,
        "expected": expected,
        "loads": loads(queue, now),
        "hit_rate": sla_hit_rate(queue, now),
        "overruled": overruled_rate(queue, now),
        "overturned": overturned_rate(queue, now),
        "agreement": agreement_in(queue, now - 3 * MONTH, now).overall,
        "cost_per_call": cost_per_call(queue, now),
    }
