"""Rules that split shared cost, their signed versions, and what was booked by them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import Team
from governance.approvals.models import ChangeRequest
from telemetry.allocation.rules import METHOD_WORDS, Method, RunState, share_percent
from telemetry.ledger.models import LedgerEntry, money


class AllocationRule(models.Model):
    """One shared pool of cost. What it is and how it is split stands in its versions.

    A rule whose first version is not signed yet has none, and nothing is booked by it.
    """

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=100)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class AllocationVersion(models.Model):
    """What a decided change said, inserted and never changed; it holds from its first month on.

    The pool is `amount` a month, or where there is a `source`, its quantity times `rate`.
    `figures` are shares or measures by a team's slug, as decimals in strings.
    """

    rule = models.ForeignKey(AllocationRule, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    change = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=40, blank=True)
    amount = money()
    rate = money()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=10, choices=[(m.value, m.value) for m in Method])
    figures: Any = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=300, blank=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_allocation_version"),
            models.CheckConstraint(condition=Q(starts_on__day=1), name="allocation_starts_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.rule}, version {self.number}"

    @property
    def method_words(self) -> str:
        return METHOD_WORDS[Method(self.method)]

    def covers(self, period: date) -> bool:
        return self.starts_on <= period and (self.ends_on is None or period <= self.ends_on)


class AllocationRun(models.Model):
    """A rule booked for a month: once, until it is reversed."""

    rule = models.ForeignKey(AllocationRule, models.PROTECT, related_name="runs")
    version = models.ForeignKey(AllocationVersion, models.PROTECT, related_name="runs")
    period = models.DateField()
    whole = money()
    currency = models.CharField(max_length=3)
    basis_total = models.DecimalField(max_digits=30, decimal_places=9)
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in RunState], default=RunState.BOOKED
    )
    booked_at = models.DateTimeField()
    booked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reversed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-period", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "period"],
                condition=Q(state="booked"),
                name="one_allocation_a_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}, {self.period:%B %Y}"


class AllocationPart(models.Model):
    """A team's part of a run with the figures it follows from, inserted and never changed."""

    run = models.ForeignKey(AllocationRun, models.PROTECT, related_name="parts")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    basis = models.DecimalField(max_digits=30, decimal_places=9)
    amount = money()
    entry = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="allocation_part")

    class Meta:
        ordering = ["team__name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "team"], name="one_part_a_team"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:f} of {self.run} for {self.team}"

    @property
    def share(self) -> Decimal:
        return share_percent(self.basis, self.run.basis_total)
