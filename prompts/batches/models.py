"""The batch and its lines. Bodies stand sealed, and only while they are kept."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum

from governance.access.models import ApiKey, Team, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from governance.registry.models import UseCase
from prompts.batches.rules import BatchState, LineState
from telemetry.ledger.models import ZERO, Call, money

BATCH_STATE_CHOICES = [(one.value, one.value) for one in BatchState]
LINE_STATE_CHOICES = [(one.value, one.value) for one in LineState]


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: User) -> BatchQuerySet:
        """Batches of the teams in which this person may try calls."""
        reach = user.reach(Permission.CALL_TRY)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class Batch(models.Model):
    """One uploaded file. `budget` is the most that all its calls together may cost."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="batches")
    team = models.ForeignKey(Team, models.PROTECT, related_name="batches")
    api_key = models.ForeignKey(
        ApiKey, models.PROTECT, null=True, blank=True, related_name="batches"
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="batches"
    )
    model = models.CharField(max_length=200)
    state = models.CharField(
        max_length=10, choices=BATCH_STATE_CHOICES, default=BatchState.RECEIVED
    )
    because = models.CharField(max_length=600, blank=True)
    calls_per_minute = models.PositiveIntegerField()
    budget = money()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_step_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    idempotency_hash = models.CharField(max_length=64, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "batches"
        indexes = [
            models.Index(
                fields=["next_step_at"],
                condition=Q(state__in=["received", "running"]),
                name="batch_due",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="batch_idempotent_by_key",
            ),
            models.UniqueConstraint(
                fields=["requester", "idempotency_key"],
                condition=Q(api_key=None) & ~Q(idempotency_key=""),
                name="batch_idempotent_by_person",
            ),
        ]

    def __str__(self) -> str:
        return f"Batch {self.name}"

    @property
    def is_open(self) -> bool:
        return self.state in (BatchState.RECEIVED, BatchState.RUNNING)

    def tally(self) -> dict[str, int]:
        """How many lines are in each state; `total` of all, `over` of those that wait no more."""
        counted = self.lines.order_by().values_list("state").annotate(Count("pk"))
        tally = {one.value: 0 for one in LineState} | dict(counted)
        total = sum(tally.values())
        return tally | {"total": total, "over": total - tally[LineState.WAITING]}

    def spent(self) -> Decimal:
        """What its calls cost so far."""
        return self.lines.aggregate(spent=Sum("cost"))["spent"] or ZERO


class BatchLine(models.Model):
    """One request of the file. `cost` is of all its tries; `call` is the last one."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    custom_id = models.CharField(max_length=200, blank=True)
    # Of a custom_id that was erased.
    custom_id_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    # SHA-256 of the end user whom the line is about, as its call will carry it.
    end_user_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    body_sealed = SealedField(
        null=True,
        blank=True,
        context=lambda line: f"batches.BatchLine:{line.batch_id}:{line.number}",
    )
    state = models.CharField(max_length=8, choices=LINE_STATE_CHOICES, default=LineState.WAITING)
    fault_code = models.CharField(max_length=60, blank=True)
    fault = models.CharField(max_length=600, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    cost = money(default=ZERO)
    call = models.ForeignKey(
        Call, models.PROTECT, null=True, blank=True, related_name="batch_lines"
    )

    class Meta:
        ordering = ["number"]
        indexes = [
            models.Index(fields=["batch", "state", "number"], name="line_by_state"),
            models.Index(
                fields=["end_user_hash"],
                condition=Q(call=None) & ~Q(end_user_hash=""),
                name="line_not_run_of_end_user",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="line_number_in_batch")
        ]

    def __str__(self) -> str:
        return f"Line {self.number}"

    def seal(self, text: str) -> None:
        self.body_sealed = encrypt(text, context=self._context())

    def body(self) -> str | None:
        """The request's JSON text; None once it is no longer kept."""
        if self.body_sealed is None:
            return None
        return decrypt(bytes(self.body_sealed), context=self._context())

    def _context(self) -> str:
        return f"batches.BatchLine:{self.batch_id}:{self.number}"
