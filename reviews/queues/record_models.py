"""What happened to queues and items: rows that are written once, pauses and re-timings."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class DueTimeChange(models.Model):
    """The due times of an item moved: from what, to what, why and by whom. Insert only."""

    item = models.ForeignKey("queues.ReviewItem", models.PROTECT, related_name="due_changes")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    by_label = models.CharField(max_length=200)
    at = models.DateTimeField()
    first_touch_before = models.DateTimeField()
    first_touch_after = models.DateTimeField()
    due_before = models.DateTimeField()
    due_after = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.item}: due {self.due_before:%F %H:%M} to {self.due_after:%F %H:%M} UTC"


class Pause(models.Model):
    """The clock of an item stands still while somebody outside the queue is asked."""

    item = models.ForeignKey("queues.ReviewItem", models.PROTECT, related_name="pauses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=Q(ends_at=None), name="one_pause_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="pause_ends_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} paused"


class Escalation(models.Model):
    """A step of the SLA that was taken, counted for the queue where it was late. Insert only."""

    item = models.ForeignKey("queues.ReviewItem", models.PROTECT, related_name="escalations")
    queue = models.ForeignKey("queues.Queue", models.PROTECT, related_name="escalations")
    act = models.CharField(max_length=20)
    share = models.PositiveSmallIntegerField()
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["queue", "-at"], name="escalation_of_queue")]

    def __str__(self) -> str:
        return f"{self.item}: {self.act} at {self.share} %"


class GuidelineVersion(models.Model):
    """What a queue judged by from `at` on. Insert only."""

    queue = models.ForeignKey("queues.Queue", models.PROTECT, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    by_label = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["queue", "number"], name="one_guideline_of_a_number")
        ]

    def __str__(self) -> str:
        return f"Guideline {self.number} of {self.queue}"


class GuidelineAcknowledgement(models.Model):
    """A person says that they read this version. Insert only."""

    version = models.ForeignKey(GuidelineVersion, models.PROTECT, related_name="acknowledgements")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "person"], name="one_acknowledgement_of_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} read {self.version}"


class Retiming(models.Model):
    """Very many due times are worked out again, some at a time; `cursor` is the last item done.

    It goes on after a crash where it was. Done twice, nothing changes. Either of everything under
    `policies`, or of a `queue`: what it has under the policy that it `leaves` takes its new one.
    """

    policies = models.JSONField(default=list)
    queue = models.ForeignKey(
        "queues.Queue", models.PROTECT, null=True, blank=True, related_name="retimings"
    )
    leaves = models.ForeignKey(
        "queues.SlaPolicy", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    by_label = models.CharField(max_length=200)
    at = models.DateTimeField()
    total = models.PositiveIntegerField()
    cursor = models.UUIDField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    become_overdue = models.PositiveIntegerField(default=0)
    no_longer_overdue = models.PositiveIntegerField(default=0)
    # Left as they were, because by the new hours they would never be due.
    failed = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["id"], condition=Q(finished_at=None), name="retiming_unfinished")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(queue=None, leaves=None) | Q(queue__isnull=False, leaves__isnull=False),
                name="retiming_of_a_queue_leaves",
            )
        ]

    def __str__(self) -> str:
        return f"Re-timing: {self.reason}"

    @property
    def is_over(self) -> bool:
        return self.finished_at is not None
