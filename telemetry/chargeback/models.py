"""Budgets, the holds on them, daily usage, and statements."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.chargeback.adjustment_models import Adjustment
from telemetry.chargeback.closing_models import ClosingRun as ClosingRun
from telemetry.chargeback.closing_models import StatementVersion as StatementVersion
from telemetry.chargeback.forecast_models import Forecast as Forecast
from telemetry.chargeback.rules import (
    BudgetPeriod,
    HoldState,
    StatementState,
    next_month,
    period_end,
    period_starts,
    period_words,
    share,
)
from telemetry.ledger.models import ZERO, Call, money
from telemetry.ledger.rules import EntrySource

__all__ = [
    "Adjustment",
    "Budget",
    "BudgetProposal",
    "DailyUsage",
    "Hold",
    "Statement",
]


def default_thresholds() -> list[int]:
    """Percent of the limit at which an alert is raised, once each."""
    return [80, 95]


def whose(budget: Budget | BudgetProposal) -> str:
    """Who spends it, in words."""
    if budget.use_case is not None:
        return str(budget.use_case.title)
    return str(budget.team.name) if budget.team else "The organisation"


class BudgetQuerySet(models.QuerySet["Budget"]):
    def visible_to(self, user: User) -> BudgetQuerySet:
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)

    def running(self, day: date) -> BudgetQuerySet:
        """Of every period that the day is in."""
        current = Q()
        for period, starts_on in period_starts(day).items():
            current |= Q(period=period, starts_on=starts_on)
        return self.filter(current)

    def covering(self, team_id: int, use_case_id: int, day: date) -> BudgetQuerySet:
        """The use case's own budgets, its team's and the organisation's, of that day."""
        above = Q(team=None) | Q(team_id=team_id)
        own = Q(use_case=None) | Q(use_case_id=use_case_id)
        return self.running(day).filter(above).filter(own)


class Budget(models.Model):
    """What the organisation, a team or one of its use cases may spend in a period.

    `limit` is what was decided, `rolled` what was carried over from the period before it: the
    unused, up to `carry_percent` of the limit. `renewed` says that the next one was made.
    `reserved` is held for running attempts, `captured` was billed. `overrun` is what providers
    billed beyond a hold that no longer fitted: shown, never hidden, and zero otherwise.
    """

    # Without a team it is the organisation's.
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="budgets")
    use_case = models.ForeignKey(
        UseCase, models.PROTECT, null=True, blank=True, related_name="budgets"
    )
    period = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in BudgetPeriod], default="month"
    )
    starts_on = models.DateField()
    limit = money()
    currency = models.CharField(max_length=3)
    soft_thresholds: Any = models.JSONField(default=default_thresholds)
    hard = models.BooleanField(default=True)
    renews = models.BooleanField(default=True)
    renewed = models.BooleanField(default=False, db_default=False)
    carry_percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    rolled = money(default=ZERO, db_default=ZERO)
    reserved = money(default=ZERO)
    captured = money(default=ZERO)
    overrun = money(default=ZERO)
    alerted: Any = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)
    # The change that made it or set its limit; what was renewed has that of the month before it.
    change = models.ForeignKey(
        ChangeRequest, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    objects = BudgetQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "team__name", "use_case__title", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "use_case", "period", "starts_on"],
                nulls_distinct=False,
                name="one_budget_a_period",
            ),
            models.CheckConstraint(
                condition=Q(hard=False)
                | Q(limit__gte=F("captured") + F("reserved") - F("overrun") - F("rolled")),
                name="hard_limit_holds",
            ),
            models.CheckConstraint(
                condition=Q(rolled__gte=0, carry_percent__lte=100), name="carried_over_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=False) | Q(use_case=None), name="a_use_case_has_its_team"
            ),
            models.CheckConstraint(
                condition=Q(period="month")
                | Q(period="quarter", starts_on__month__in=[1, 4, 7, 10])
                | Q(period="year", starts_on__month=1),
                name="budget_starts_its_period",
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, captured__gte=0, overrun__gte=0, limit__gte=0),
                name="budget_is_not_negative",
            ),
            models.CheckConstraint(condition=Q(starts_on__day=1), name="budget_starts_a_month"),
        ]

    def __str__(self) -> str:
        return f"{whose(self)}, {period_words(self.period, self.starts_on)}"

    @property
    def whole(self) -> Decimal:
        """The limit with what was carried over."""
        whole: Decimal = self.limit + self.rolled
        return whole

    @property
    def ends_on(self) -> date:
        """The first day after its period."""
        return period_end(self.period, self.starts_on)

    @property
    def used(self) -> Decimal:
        """Captured and reserved: what no longer can be spent."""
        used: Decimal = self.captured + self.reserved
        return used

    @property
    def left(self) -> Decimal:
        return max(self.whole - self.used, ZERO)

    @property
    def share(self) -> int:
        """Whole percent of the limit that is used."""
        return share(self.used, self.whole)


class BudgetProposalQuerySet(models.QuerySet["BudgetProposal"]):
    def visible_to(self, user: User) -> BudgetProposalQuerySet:
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class BudgetProposal(models.Model):
    """Where a budget is asked for: a period of the organisation, a team or a use case.

    The change is about this row and says how much. It has no state of its own, the change has
    one, and there is no budget before the decision: whatever sums, locks or shows budgets never
    has to leave drafts out, so a proposal can neither let a call through nor stop one.
    """

    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    use_case = models.ForeignKey(UseCase, models.PROTECT, null=True, blank=True, related_name="+")
    period = models.CharField(max_length=10, default="month", db_default="month")
    starts_on = models.DateField()
    created_at = models.DateTimeField()

    objects = BudgetProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "use_case", "period", "starts_on"],
                nulls_distinct=False,
                name="one_budget_proposal_a_period",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__day=1), name="budget_proposal_starts_a_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{whose(self)}, {period_words(self.period, self.starts_on)}"


class Hold(models.Model):
    """What one attempt may cost at most, held on one budget until the bill is known."""

    # Found by `one_hold_per_attempt`.
    budget = models.ForeignKey(Budget, models.PROTECT, related_name="holds", db_index=False)
    call = models.ForeignKey(Call, models.PROTECT, related_name="holds")
    attempt = models.PositiveSmallIntegerField()
    amount = money()
    captured_amount = money(default=ZERO)
    state = models.CharField(
        max_length=10,
        choices=[(s.value, s.value) for s in HoldState],
        default=HoldState.HELD,
    )
    held_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="held"), name="hold_expires"),
            models.Index(
                fields=["held_at"], condition=Q(state="suspense"), name="hold_in_suspense"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "call", "attempt"], name="one_hold_per_attempt"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="hold_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"Hold of {self.amount} for attempt {self.attempt} of {self.call_id}"


class DailyUsage(models.Model):
    """The ledger by day, kept exactly by a trigger in the transaction that books the line."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    use_case = models.ForeignKey(UseCase, models.PROTECT, null=True, related_name="+")
    deployment = models.ForeignKey(Deployment, models.PROTECT, null=True, related_name="+")
    period = models.DateField()
    day = models.DateField()
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in EntrySource])
    currency = models.CharField(max_length=3)
    calls = models.BigIntegerField()
    tokens_input = models.BigIntegerField()
    tokens_cached = models.BigIntegerField()
    tokens_output = models.BigIntegerField()
    tokens_reasoning = models.BigIntegerField(default=0, db_default=0)
    images = models.BigIntegerField(default=0, db_default=0)
    cost = money()

    class Meta:
        ordering = ["day", "pk"]
        verbose_name_plural = "daily usage"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "period",
                    "day",
                    "team",
                    "use_case",
                    "deployment",
                    "source",
                    "currency",
                ],
                nulls_distinct=False,
                name="one_row_of_daily_usage",
            )
        ]

    def __str__(self) -> str:
        return f"{self.cost} {self.currency} on {self.day}"


class StatementQuerySet(models.QuerySet["Statement"]):
    def visible_to(self, user: User) -> StatementQuerySet:
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class Statement(models.Model):
    """A team's month. Once closed it never changes; the database refuses it."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="statements")
    period = models.DateField()
    state = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in StatementState],
        default=StatementState.OPEN,
    )
    currency = models.CharField(max_length=3)
    total = money(default=ZERO)
    entry_count = models.PositiveIntegerField(default=0)
    lines: Any = models.JSONField(default=list, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The change that opened it again last.
    unsealed_by = models.ForeignKey(
        ChangeRequest, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = StatementQuerySet.as_manager()

    class Meta:
        ordering = ["-period", "team__name"]
        constraints = [
            models.UniqueConstraint(fields=["team", "period"], name="one_statement_a_month"),
            models.CheckConstraint(condition=Q(period__day=1), name="statement_is_a_month"),
            models.CheckConstraint(
                condition=~Q(state="closed") | (~Q(sha256="") & Q(closed_at__isnull=False)),
                name="closed_is_sealed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team}, {self.period:%B %Y}"

    def has_ended(self, now: datetime) -> bool:
        """Whether its month is over."""
        return now.date() >= next_month(self.period)
