"""Standing orders for documents, and every time that one was carried out."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from telemetry.deliveries.rules import (
    FORMAT_WORDS,
    OCCASION_WORDS,
    WEEKDAYS,
    DeliveryState,
    Occasion,
)
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint

STATE_CHOICES = [(one.value, one.value) for one in DeliveryState]


class DeliveryScheduleQuerySet(models.QuerySet["DeliverySchedule"]):
    def visible_to(self, user: User) -> DeliveryScheduleQuerySet:
        """Of the teams whose statements the person sees; of everything, who sees everything."""
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class DeliverySchedule(models.Model):
    """A team's statement, or the organisation's usage (no team): how, when, to whom.

    Either a person gets it by mail or a webhook is told where it is. `since` is when it was
    turned on last: months that were closed before are not sent.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    format = models.CharField(max_length=10, choices=list(FORMAT_WORDS.items()))
    occasion = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Occasion])
    day = models.PositiveSmallIntegerField(null=True, blank=True)
    time_zone = models.CharField(max_length=50)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    since = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)
    form_token = models.UUIDField(null=True, blank=True, unique=True)

    objects = DeliveryScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recipient=None) ^ Q(endpoint=None), name="one_receiver_of_a_schedule"
            ),
            models.CheckConstraint(
                condition=Q(occasion="close", day=None)
                | Q(occasion="monthly", day__range=(1, 28))
                | Q(occasion="weekly", day__range=(1, 7)),
                name="schedule_day_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} to {self.receiver}"

    @property
    def document(self) -> str:
        return f"Statement of {self.team}" if self.team else "Usage of the organisation"

    @property
    def receiver(self) -> str:
        return str(self.endpoint or self.recipient)

    @property
    def format_words(self) -> str:
        return FORMAT_WORDS[self.format]

    @property
    def when_words(self) -> str:
        if self.occasion == Occasion.CLOSE or self.day is None:
            return OCCASION_WORDS[Occasion.CLOSE]
        if self.occasion == Occasion.WEEKLY:
            return f"Every {WEEKDAYS[self.day - 1]} at 6:00 in {self.time_zone}"
        return f"Every month on day {self.day} at 6:00 in {self.time_zone}"


class DocumentDelivery(models.Model):
    """One document for one occasion; the file is the same at every try.

    `key` names the occasion, so that it is delivered once. `message` is the webhook's, whose
    tries stand on the page of the webhook.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    schedule = models.ForeignKey(DeliverySchedule, models.PROTECT, related_name="deliveries")
    key = models.CharField(max_length=60)
    period = models.DateField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=STATE_CHOICES, default=DeliveryState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=300, blank=True)
    file_name = models.CharField(max_length=150, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    has_file = models.BooleanField(default=False)
    was_attached = models.BooleanField(default=False)
    message = models.ForeignKey(
        WebhookDelivery, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "document deliveries"
        constraints = [
            models.UniqueConstraint(fields=["schedule", "key"], name="one_delivery_an_occasion"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="document_due"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule}, {self.period:%B %Y}"
