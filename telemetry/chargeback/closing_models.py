"""The seals a month has had, and the closing of a month for all its teams."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from telemetry.chargeback.rules import RunState
from telemetry.ledger.models import ZERO, money

RUN_STATE_CHOICES = [(s.value, s.value) for s in RunState]


class StatementVersion(models.Model):
    """One seal of a month as it was made, inserted and never changed.

    A month that is opened again by an emergency change gets its next seal when it is closed
    again. `last_entry` is the highest ledger entry that this seal covers (0: none), so that the
    same SHA-256 can be computed later, whatever was booked to the month since.
    """

    statement = models.ForeignKey("chargeback.Statement", models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    total = money(default=ZERO)
    currency = models.CharField(max_length=3)
    entry_count = models.PositiveIntegerField(default=0)
    last_entry = models.BigIntegerField(default=0)
    lines: Any = models.JSONField(default=list, blank=True)
    sha256 = models.CharField(max_length=64)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "number"], name="one_seal_of_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.statement}, seal {self.number}"


class ClosingRun(models.Model):
    """A month closed for several teams by a worker. `totals` is what finance confirmed, by
    statement; `failures` the sentences of those that were not closed."""

    period = models.DateField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(
        max_length=10,
        choices=RUN_STATE_CHOICES,
        default=RunState.REQUESTED,
    )
    totals: Any = models.JSONField(default=dict)
    failures: Any = models.JSONField(default=dict, blank=True)
    done = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Closing of {self.period:%B %Y}"

    @property
    def teams(self) -> int:
        return len(self.totals)

    @property
    def is_over(self) -> bool:
        return self.state == RunState.FINISHED
