"""Reads of judgement quality that pages, API and CSV share. Constant numbers of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from reviews.decisions.models import ReviewDecision
from reviews.quality.agreement import Figure, cohen_kappa, krippendorff_alpha, share
from reviews.quality.models import (
    Calibration,
    CalibrationAnswer,
    DoubleReview,
    Opinion,
    QualitySettings,
    ReviewCost,
)
from reviews.quality.rules import DoubleState
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import ItemState
from reviews.queues.taking import unconflicted
from telemetry.ledger.models import Call

FEWEST_A_MONTH = 10
"""Answers of one person in one month below which their month says nothing."""


@dataclass(frozen=True)
class Row:
    """One line of a table of agreement: what it is about, and its figure."""

    about: str
    figure: Figure


@dataclass(frozen=True)
class Agreement:
    """How far the people of a queue agree in a period. Alpha over all, per label, kappa per pair."""

    overall: Figure
    whole: Figure
    labels: list[Row]
    pairs: list[Row]

    def rows(self) -> list[tuple[str, str, Figure]]:
        """(what kind of figure, about what, the figure), for CSV and API."""
        found = [("alpha", "verdicts", self.overall), ("share", "same answer", self.whole)]
        found += [("alpha", f"label {row.about}", row.figure) for row in self.labels]
        return found + [("kappa", row.about, row.figure) for row in self.pairs]


def settings_of(queue: Queue) -> QualitySettings:
    """The queue's settings; unsaved defaults where nobody set any."""
    return QualitySettings.objects.filter(queue=queue).first() or QualitySettings(queue=queue)


def agreement_in(queue: Queue, starts: datetime, ends: datetime) -> Agreement:
    """Over the double reviews of the queue whose last slot was filled in that time."""
    opinions = list(
        Opinion.objects.filter(
            item__queue=queue,
            item__double_review__closed_at__gte=starts,
            item__double_review__closed_at__lt=ends,
        )
        .exclude(item__double_review__state=DoubleState.COLLECTING)
        .select_related("person")
        .defer("rationale", "text_sealed")
        .order_by("item_id", "slot")
    )
    items: dict[UUID, list[Opinion]] = defaultdict(list)
    for one in opinions:
        items[one.item_id].append(one)
    units = list(items.values())
    return Agreement(
        overall=krippendorff_alpha([[one.verdict for one in unit] for unit in units]),
        whole=share(sum(_all_same(unit) for unit in units), len(units)),
        labels=[_label(label, units) for label in queue.labels],
        pairs=_pairs(units),
    )


def _all_same(unit: Sequence[Opinion]) -> bool:
    return len({(one.verdict, one.answer_sha256) for one in unit}) == 1


def _label(label: str, units: Iterable[Sequence[Opinion]]) -> Row:
    said = [[label in one.labels for one in unit] for unit in units]
    return Row(label, krippendorff_alpha(said))


def _pairs(units: Iterable[Sequence[Opinion]]) -> list[Row]:
    """Kappa of each two people, in the order of their names."""
    names: dict[int, str] = {}
    judged: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for unit in units:
        names |= {one.person_id: one.person.name for one in unit}
        known = sorted(unit, key=lambda one: one.person_id)
        for first, second in combinations(known, 2):
            judged[first.person_id, second.person_id].append((first.verdict, second.verdict))
    rows = [
        Row(" and ".join(sorted((names[one], names[two]))), cohen_kappa(pairs))
        for (one, two), pairs in judged.items()
    ]
    return sorted(rows, key=lambda row: row.about)


@dataclass(frozen=True)
class Reviewer:
    """How one person judged in a period."""

    person: User
    accuracy: Figure
    agreement: Figure


@dataclass(frozen=True)
class Month:
    """One person's month, with intervals, or that there was too little."""

    month: str
    accuracy: Figure
    agreement: Figure


def reviewers_in(queue: Queue | None, starts: datetime, ends: datetime) -> list[Reviewer]:
    """Everybody who answered a calibration or filled a slot of the queue in that time, by name."""
    right = _tallies(_answers(queue, starts, ends), "exercise__person")
    same = _tallies(_judged(queue, starts, ends), "person")
    people = User.objects.filter(pk__in=right.keys() | same.keys()).order_by("name", "pk")
    return [
        Reviewer(
            one,
            share(*right.get(one.pk, (0, 0)), FEWEST_A_MONTH),
            share(*same.get(one.pk, (0, 0)), FEWEST_A_MONTH),
        )
        for one in people
    ]


def months_of(person: User, starts: datetime, ends: datetime) -> list[Month]:
    """Accuracy on calibrations and agreement with the others, month by month, oldest first."""
    right = _tallies(_answers(None, starts, ends).filter(exercise__person=person), "at")
    same = _tallies(_judged(None, starts, ends).filter(person=person), "at")
    months, month = [], starts.replace(day=1)
    while month < ends:
        key = f"{month:%Y-%m}"
        months.append(
            Month(
                key,
                share(*right.get(key, (0, 0)), FEWEST_A_MONTH),
                share(*same.get(key, (0, 0)), FEWEST_A_MONTH),
            )
        )
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return months


def has_drifted(months: Sequence[Month]) -> str:
    """Whether the last measured month lies apart from the first, in a sentence."""
    known = [one for one in months if one.accuracy.is_measured]
    if len(known) < 2:
        return f"Too few months with {FEWEST_A_MONTH} calibration answers to see a drift."
    first, last = known[0].accuracy, known[-1].accuracy
    if last.high < first.low:  # type: ignore[operator]  # measured
        return f"Accuracy fell from {first.value:.0%} to {last.value:.0%}; the intervals lie apart."
    if last.low > first.high:  # type: ignore[operator]  # measured
        return f"Accuracy rose from {first.value:.0%} to {last.value:.0%}; the intervals lie apart."
    return f"Accuracy went from {first.value:.0%} to {last.value:.0%}, which may be chance."


def _answers(queue: Queue | None, starts: datetime, ends: datetime) -> QuerySet[Any]:
    """Calibration answers that count, each with whether it `hit`."""
    found = CalibrationAnswer.objects.filter(at__gte=starts, at__lt=ends, is_right__isnull=False)
    if queue is not None:
        found = found.filter(exercise__item__queue=queue)
    return found.annotate(hit=Q(is_right=True))


def _judged(queue: Queue | None, starts: datetime, ends: datetime) -> QuerySet[Any]:
    """Opinions on full double reviews; a `hit` says what all the others of the item said."""
    differs = Opinion.objects.filter(item=OuterRef("item")).exclude(
        verdict=OuterRef("verdict"), answer_sha256=OuterRef("answer_sha256")
    )
    found = Opinion.objects.filter(at__gte=starts, at__lt=ends).exclude(
        item__double_review__state=DoubleState.COLLECTING
    )
    if queue is not None:
        found = found.filter(item__queue=queue)
    return found.annotate(hit=~Exists(differs))


def _tallies(rows: QuerySet[Any], by: str) -> dict[Any, tuple[int, int]]:
    """(hits, all) per person, or per month where `by` is "at"."""
    counted: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for key, hit in rows.order_by().values_list(by, "hit"):
        tally = counted[f"{key:%Y-%m}" if by == "at" else key]
        tally[0] += bool(hit)
        tally[1] += 1
    return {key: (hits, total) for key, (hits, total) in counted.items()}


def disputes_for(user: User) -> QuerySet[DoubleReview]:
    """What this lead may adjudicate: full, undecided, of a queue of theirs, no slot their own."""
    manages, works = user.reach(Permission.REVIEW_MANAGE), user.reach(Permission.REVIEW_WORK)
    found = (
        DoubleReview.objects.exclude(state=DoubleState.COLLECTING)
        .exclude(item__state=ItemState.DECIDED)
        .exclude(item__opinions__person=user)
    )
    for reach in (manages, works):
        if not reach.everywhere:
            found = found.filter(item__queue_id__in=reach.queue_ids)
    return found.select_related("item__queue", "item__call__use_case").order_by("item__due_at")


def calibrations_of(queue: Queue) -> QuerySet[Calibration]:
    """Newest first, each with how many answered and how many of them were right."""
    return (
        queue.calibrations.select_related("made_by", "source__call__use_case")
        .annotate(
            answered=Count("exercises__answer"),
            right=Count("exercises__answer", filter=Q(exercises__answer__is_right=True)),
        )
        .order_by("-made_at", "-pk")
    )


def could_calibrate(queue: Queue) -> QuerySet[ReviewDecision]:
    """Final decisions of the queue whose text is kept and of which there is no calibration."""
    return (
        ReviewDecision.objects.filter(
            item__queue=queue, item__calibration=None, item__call__payload__destroyed_at=None
        )
        .exclude(verdict="escalate")
        .select_related("item__call__use_case", "person")
        .order_by("-at", "-pk")
    )


def call_panel(item: ReviewItem | None, call: Call) -> dict[str, Any]:
    """For the call's page, once it is decided: the slots, and what reviewing it cost.

    Before, nothing: whoever still judges it must not learn that somebody has.
    """
    if item is None or item.state != ItemState.DECIDED:
        return {}
    review = DoubleReview.objects.filter(item=item).first()
    of_this = Q(decision__item=item) | Q(opinion__item=item)
    cost = ReviewCost.objects.filter(of_this).aggregate(
        amount=Sum("entry__amount"), seconds=Sum("seconds"), lines=Count("pk")
    )
    if review is None and not cost["lines"]:
        return {}
    return {
        "review": review,
        "opinions": item.opinions.select_related("person") if review else [],
        "cost": cost,
        "currency": call.currency,
    }


def other_opinions(item: ReviewItem) -> dict[str, Any]:
    """What others said on an item, beside it: where it is not blind, or once all are in."""
    review = DoubleReview.objects.filter(item=item).first()
    if review is None or (review.is_blind and not review.is_full):
        return {}
    opinions = list(item.opinions.select_related("person"))
    return {"review": review, "opinions": opinions} if opinions else {}


def mine(user: User, now: datetime) -> dict[str, Any]:
    """What a reviewer's own page shows: today in their time zone, what waits, how they judge."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    decisions, opinions = user.review_decisions.all(), user.opinions.all()
    waiting = unconflicted(
        ReviewItem.objects.filter(queue__in=Queue.objects.workable_by(user)).claimable(now), user
    )
    year = now - timedelta(days=365)
    right = _tallies(_answers(None, year, now).filter(exercise__person=user), "exercise__person")
    same = _tallies(_judged(None, year, now).filter(person=user), "person")
    return {
        "decided_today": decided_since(user, midnight),
        "waiting": waiting.count(),
        "due_next": waiting.select_related("queue", "call__use_case").order_by("due_at", "pk")[:5],
        "holds": user.claims.filter(state=ItemState.CLAIMED, lease_until__gte=now).select_related(
            "queue", "call__use_case"
        ),
        "accuracy": share(*right.get(user.pk, (0, 0)), FEWEST_A_MONTH),
        "agreement": share(*same.get(user.pk, (0, 0)), FEWEST_A_MONTH),
        "answers": CalibrationAnswer.objects.filter(exercise__person=user)
        .select_related("exercise__calibration", "exercise__item__queue")
        .order_by("-at")[:10],
        "overruled": overruled(user)[:10],
        "decisions": decisions.select_related("item__queue", "item__call__use_case")[:20],
        "opinions": opinions.exclude(item__double_review__state=DoubleState.COLLECTING)
        .select_related("item__queue", "item__double_review")
        .order_by("-at")[:10],
    }


def decided_since(user: User, since: datetime) -> int:
    """Pieces of work of a person: decisions and slots, the last slot and its decision once."""
    own_slot = Opinion.objects.filter(item=OuterRef("item"), person=user)
    decided = user.review_decisions.filter(at__gte=since).exclude(Exists(own_slot)).count()
    return decided + user.opinions.filter(at__gte=since).count()


def overruled(user: User) -> QuerySet[ReviewDecision]:
    """Final decisions of others, on items of which this person filled a slot otherwise.

    Each has `mine`, the verdict of that slot.
    """
    slot = Opinion.objects.filter(item=OuterRef("item"), person=user)
    return (
        ReviewDecision.objects.filter(item__opinions__person=user)
        .exclude(person=user)
        .exclude(verdict="escalate")
        .annotate(mine=Subquery(slot.values("verdict")[:1]))
        .exclude(verdict=F("mine"))
        .select_related("item__queue", "person")
        .order_by("-at", "-pk")
    )
