"""What all processes know together: buckets, calls in flight, circuits and how attempts ended.

Written by the functions in steady_sql.py and by circuits.py, on the clock of the database.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.gateway.rules import CIRCUIT_STATES

KEY, USE_CASE, DEPLOYMENT = "key", "use_case", "deployment"


class UseCaseLimit(models.Model):
    """How much a use case may ask in a minute, over all its keys; empty: no limit of its own."""

    use_case = models.OneToOneField(UseCase, models.PROTECT, related_name="call_limit")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(requests_per_minute=None) | Q(requests_per_minute__gte=1))
                & (Q(tokens_per_minute=None) | Q(tokens_per_minute__gte=1)),
                name="use_case_limit_from_one",
            )
        ]

    def __str__(self) -> str:
        return f"Limits of {self.use_case}"


class Bucket(models.Model):
    """What is left of a key's, a use case's or a deployment's limits, as of `refilled_at`.

    Empty is full: nothing was taken under that limit yet. Below zero after a call that used
    more than was taken for it.
    """

    subject = models.CharField(max_length=10)
    subject_id = models.BigIntegerField()
    requests_left = models.FloatField(null=True)
    tokens_left = models.FloatField(null=True)
    refilled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "subject_id"], name="one_bucket")]

    def __str__(self) -> str:
        return f"Bucket of {self.subject} {self.subject_id}"


class Flight(models.Model):
    """A call that is at a deployment now.

    What a killed process left ends with its lease at the latest: once it is missed, whoever
    finds no free place takes it away.
    """

    call_id = models.UUIDField(primary_key=True)
    # Written once a call: the check of a foreign key would lock the deployment's row each time.
    deployment = models.ForeignKey(
        Deployment, models.CASCADE, related_name="flights", db_constraint=False
    )
    until = models.DateTimeField()
    runner_id = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"Call {self.call_id} at {self.deployment_id}"


class Runner(models.Model):
    """A process that runs calls, and when it last said that it lives.

    With `holds_lock` it also holds an advisory lock, which ends with it.
    """

    id = models.UUIDField(primary_key=True)
    seen_at = models.DateTimeField()
    holds_lock = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"Process {self.id}"


class Circuit(models.Model):
    """Whether a deployment is asked. `calls` and `failures` count the running window."""

    deployment = models.OneToOneField(
        Deployment, models.CASCADE, primary_key=True, related_name="circuit"
    )
    state = models.CharField(
        max_length=10,
        choices=[(one, one) for one in CIRCUIT_STATES.states],
        default=CIRCUIT_STATES.initial,
        db_default=CIRCUIT_STATES.initial,
    )
    open_until = models.DateTimeField(null=True)
    probe_until = models.DateTimeField(null=True)
    times_opened = models.PositiveIntegerField(default=0, db_default=0)
    window_number = models.BigIntegerField(default=0, db_default=0)
    calls = models.PositiveIntegerField(default=0, db_default=0)
    failures = models.PositiveIntegerField(default=0, db_default=0)
    calls_before = models.PositiveIntegerField(default=0, db_default=0)
    failures_before = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CIRCUIT_STATES.states), name="circuit_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(open_until__isnull=False),
                name="open_circuit_has_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"Circuit of {self.deployment}"


class CircuitMove(models.Model):
    """One transition of a circuit, by the gateway or by a person."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="circuit_moves")
    at = models.DateTimeField()
    action = models.CharField(max_length=10)
    source = models.CharField(max_length=10)
    target = models.CharField(max_length=10)
    by_label = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["deployment", "-at"], name="circuit_move_newest")]

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"


class AttemptEnd(models.Model):
    """How one request to a provider ended: `failure` is empty for an answer. Kept for a day."""

    deployment = models.ForeignKey(
        Deployment,
        models.CASCADE,
        related_name="attempt_ends",
        db_constraint=False,
        db_index=False,  # `attempt_end_newest` begins with it
    )
    at = models.DateTimeField()
    failure = models.CharField(max_length=12, blank=True)
    took_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["deployment", "-at"], name="attempt_end_newest"),
            models.Index(fields=["at"], name="attempt_end_at"),
        ]

    def __str__(self) -> str:
        return self.failure or "answered"
