"""What tells every process that something which governs calls has changed."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from governance.registry.models import UseCase
from prompts.gateway.cache_models import CachedAnswer
from prompts.gateway.opinion_models import SecondOpinion
from prompts.gateway.restoring_models import RestorableValues
from prompts.gateway.steady_models import (
    AttemptEnd,
    Bucket,
    Circuit,
    CircuitMove,
    Flight,
    Runner,
    UseCaseLimit,
)
from telemetry.ledger.models import Call

ONCE, MANY = "once", "many"
FETCHES = (ONCE, MANY)

__all__ = [
    "FETCHES",
    "MANY",
    "ONCE",
    "AttemptEnd",
    "Bucket",
    "CachedAnswer",
    "Circuit",
    "CircuitMove",
    "Flight",
    "GoverningChange",
    "RestorableValues",
    "ResultFetch",
    "ResultPolicy",
    "Runner",
    "SecondOpinion",
    "UseCaseLimit",
]


class GoverningChange(models.Model):
    """One row per statement that changed what a call asks for, written by triggers (sql.py).

    The rows mean nothing one by one. Their number and range are a generation: what a process
    remembers holds for as long as it sees the same one, so that a switch, a revoked key or an
    ended approval reaches the next call of every process. Inserts wait for nobody, unlike a
    counter in one row. The sweeper deletes old ones.
    """

    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Change {self.pk}"


class ResultPolicy(models.Model):
    """How often answers of a use case's asynchronous calls are given; without a row, many times."""

    use_case = models.OneToOneField(UseCase, models.PROTECT, related_name="result_policy")
    fetches = models.CharField(max_length=4, choices=[(one, one) for one in FETCHES], default=MANY)

    class Meta:
        verbose_name_plural = "result policies"

    def __str__(self) -> str:
        return f"Answers of {self.use_case} are given {self.fetches}"


class ResultFetch(models.Model):
    """How often the answer of one asynchronous call was given, and asked for in vain."""

    call = models.OneToOneField(Call, models.PROTECT, primary_key=True, related_name="result_fetch")
    first_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "result fetches"

    def __str__(self) -> str:
        return f"Answer of {self.call_id}, given {self.count} times"
