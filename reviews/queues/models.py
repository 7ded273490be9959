"""Queues, their calendars and SLAs, and the items that wait in them."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

import holidays
from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import Training, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.registry.models import UseCase
from reviews.queues.escalation_rules import Step, steps_of
from reviews.queues.opening_hours import as_times
from reviews.queues.record_models import (
    DueTimeChange,
    Escalation,
    GuidelineAcknowledgement,
    GuidelineVersion,
    Pause,
    Retiming,
)
from reviews.queues.rules import UNDO_SECONDS, ItemState
from reviews.queues.sla import Calendar
from telemetry.ledger.models import Call

__all__ = [
    "BusinessCalendar",
    "DueTimeChange",
    "Escalation",
    "GuidelineAcknowledgement",
    "GuidelineVersion",
    "Pause",
    "Queue",
    "QueueQuerySet",
    "Retiming",
    "ReviewItem",
    "ReviewItemQuerySet",
    "Skip",
    "SlaPolicy",
]


def office_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, nine to half past five."""
    return {str(weekday): [["09:00", "17:30"]] for weekday in range(5)}


@lru_cache(maxsize=256)
def public_holidays(country: str, subdivision: str, years: tuple[int, ...]) -> frozenset[date]:
    """Days off in those years; raises NotImplementedError for a place that is not known."""
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=years))


class BusinessCalendar(models.Model):
    """When people are there: zone, hours per weekday, public holidays, own closures."""

    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(max_length=50, default="Europe/Amsterdam")
    hours = models.JSONField(default=office_hours)
    holiday_country = models.CharField(max_length=2, blank=True)
    holiday_subdivision = models.CharField(max_length=10, blank=True)
    closures = models.JSONField(default=list, blank=True)
    closure_names = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def as_calendar(self, years: tuple[int, ...]) -> Calendar:
        """The pure calendar, with the public holidays of the given years."""
        closed = {date.fromisoformat(day) for day in self.closures}
        if self.holiday_country:
            closed |= public_holidays(self.holiday_country, self.holiday_subdivision, years)
        hours = {int(weekday): as_times(spans) for weekday, spans in self.hours.items()}
        return Calendar(self.time_zone, hours, frozenset(closed))


class SlaPolicy(models.Model):
    """Targets in business minutes; at `warn_share` percent of the time it is shown as near."""

    name = models.CharField(max_length=100, unique=True)
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, related_name="policies")
    first_touch_minutes = models.PositiveIntegerField(default=60)
    decision_minutes = models.PositiveIntegerField(default=240)
    warn_share = models.PositiveSmallIntegerField(default=75)
    steps: Any = models.JSONField(default=list, blank=True)
    retimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "SLA policy"
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def calendar_from(self, now: datetime) -> Calendar:
        return self.calendar.as_calendar((now.year, now.year + 1))

    def escalation(self) -> list[Step]:
        """What happens at which share of the time to decide, earliest first."""
        return steps_of(self.steps)


class QueueQuerySet(models.QuerySet["Queue"]):
    def visible_to(self, user: User) -> QueueQuerySet:
        """Queues that the person works in, manages, or may look at through a team."""
        reaches = [
            user.reach(permission)
            for permission in (
                Permission.REVIEW_WORK,
                Permission.REVIEW_VIEW,
                Permission.REVIEW_MANAGE,
            )
        ]
        if any(reach.everywhere for reach in reaches):
            return self
        queue_ids = set().union(*(reach.queue_ids for reach in reaches))
        team_ids = set().union(*(reach.team_ids for reach in reaches))
        return self.filter(Q(pk__in=queue_ids) | Q(use_cases__team_id__in=team_ids)).distinct()

    def workable_by(self, user: User) -> QueueQuerySet:
        reach = user.reach(Permission.REVIEW_WORK)
        return self if reach.everywhere else self.filter(pk__in=reach.queue_ids)


class Queue(models.Model):
    """Where items of one kind of work wait, for the people who are granted it."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    guideline = models.TextField(blank=True)
    labels = models.JSONField(default=list, blank=True)
    sla = models.ForeignKey(SlaPolicy, models.PROTECT, related_name="queues")
    escalates_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="escalated_from"
    )
    use_cases = models.ManyToManyField(UseCase, blank=True, related_name="review_queues")
    is_default = models.BooleanField(default=False)
    undo_seconds = models.PositiveSmallIntegerField(default=UNDO_SECONDS)
    rationale_templates = models.JSONField(default=list, blank=True)
    needs_acknowledgement = models.BooleanField(default=False)
    trainings = models.ManyToManyField(Training, blank=True, related_name="review_queues")
    most_claimed = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [(p.value, p.value.replace("_", " ")) for p in Permission]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_queue"
            )
        ]

    def __str__(self) -> str:
        return self.name


ITEM_STATES = [(state.value, state.value) for state in ItemState]


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def visible_to(self, user: User) -> ReviewItemQuerySet:
        """Items of queues the person works in or manages, and of teams they look after."""
        work, manage, view = (
            user.reach(permission)
            for permission in (
                Permission.REVIEW_WORK,
                Permission.REVIEW_MANAGE,
                Permission.REVIEW_VIEW,
            )
        )
        if work.everywhere or manage.everywhere or view.everywhere:
            return self
        queue_ids = work.queue_ids | manage.queue_ids | view.queue_ids
        return self.filter(Q(queue_id__in=queue_ids) | Q(call__team_id__in=view.team_ids))

    def with_exercises_of(self, user: User) -> ReviewItemQuerySet:
        """Of `everything`: what gates an answer, and this person's own calibration items."""
        return self.filter(Q(gates__isnull=False) | Q(claimed_by=user))

    def open(self) -> ReviewItemQuerySet:
        return self.exclude(state=ItemState.DECIDED)

    def running(self) -> ReviewItemQuerySet:
        """Open, and its clock runs: nobody outside is asked."""
        return self.filter(state__in=(ItemState.WAITING, ItemState.CLAIMED))

    def overdue(self, now: datetime) -> ReviewItemQuerySet:
        return self.running().filter(due_at__lt=now)

    def claimable(self, now: datetime) -> ReviewItemQuerySet:
        """Waiting, or claimed by somebody whose lease ran out."""
        return self.filter(
            Q(state=ItemState.WAITING) | Q(state=ItemState.CLAIMED, lease_until__lt=now)
        )

    def live_claims_of(self, user: User, queue: Queue, now: datetime) -> ReviewItemQuerySet:
        """What this person holds of the queue under a live lease."""
        theirs = self.filter(queue=queue, claimed_by=user, state=ItemState.CLAIMED)
        return theirs.filter(lease_until__gte=now)

    def most_urgent_first(self) -> ReviewItemQuerySet:
        return self.order_by("-priority", "due_at", "pk")


class _GatedManager(models.Manager["ReviewItem"]):
    """The items whose decision lets an answer go: what waits, what is late, what was decided."""

    def get_queryset(self) -> ReviewItemQuerySet:
        return ReviewItemQuerySet(self.model, using=self._db).filter(gates__isnull=False)


GatedManager = _GatedManager.from_queryset(ReviewItemQuerySet)


class ReviewItem(models.Model):
    """A held or sampled output that a person must look at.

    `call` is what is shown, `gates` the call whose answer leaves by the decision. They are the
    same, but for a calibration item, which gates nothing: `objects` leaves those out, so that no
    list and no figure counts them; `everything` has them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="items")
    call = models.ForeignKey(Call, models.PROTECT, related_name="review_items")
    gates = models.OneToOneField(Call, models.PROTECT, null=True, related_name="review_item")
    # Its promise, wherever it goes; null for what was decided before promises had a name.
    sla = models.ForeignKey(SlaPolicy, models.PROTECT, null=True, related_name="items")
    reason = models.CharField(max_length=300)
    priority = models.SmallIntegerField(default=0)
    state = models.CharField(
        max_length=10,
        choices=ITEM_STATES,
        default=ItemState.WAITING,
    )
    output_contract: Any = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    first_touch_due_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    first_touched_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    first_touch_breached_at = models.DateTimeField(null=True, blank=True)
    steps_done = models.PositiveSmallIntegerField(default=0)
    next_step_at = models.DateTimeField(null=True, blank=True)
    # It was delivered already; what is decided is a judgement and changes nothing of the call.
    is_after_delivery = models.BooleanField(default=False)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="claims"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = GatedManager()
    everything = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "pk"]
        indexes = [
            models.Index(
                fields=["queue", "-priority", "due_at", "id"],
                condition=~Q(state="decided"),
                name="review_item_next",
            ),
            # What a person holds now, however much they decided before.
            models.Index(
                fields=["claimed_by", "queue"],
                condition=Q(state="claimed"),
                name="review_item_held",
            ),
            models.Index(
                fields=["next_step_at"],
                condition=Q(next_step_at__isnull=False) & ~Q(state="decided"),
                name="review_item_next_step",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="claimed", claimed_by__isnull=False, lease_until__isnull=False)
                | (~Q(state="claimed") & Q(lease_until__isnull=True)),
                name="claimed_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(gates=None) | Q(gates=models.F("call")), name="gates_what_is_shown"
            ),
        ]

    def __str__(self) -> str:
        # The end: identifiers begin with their time, so neighbours begin alike.
        return f"Review of call {str(self.call_id)[-8:]}"

    def is_held_by(self, user: User, now: datetime) -> bool:
        """Whether this person has it under a live lease; they alone read its bodies."""
        return (
            self.state == ItemState.CLAIMED
            and self.claimed_by_id == user.pk
            and self.lease_until is not None
            and self.lease_until >= now
        )

    def urgency(self, now: datetime) -> str:
        """ "overdue", "near" (past the warning share), "paused" or "on time"."""
        if self.state == ItemState.ASKED:
            return "paused"
        if now >= self.due_at:
            return "overdue"
        return "near" if now >= self.warn_at else "on time"


class Skip(models.Model):
    """Somebody put an item back, and why. Append-only by use."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="skips")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person} skipped {self.item}"
