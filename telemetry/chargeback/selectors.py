"""Reads of budgets and statements that pages, API and inbox share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, QuerySet, Sum

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from telemetry.chargeback.models import Budget, BudgetProposal, DailyUsage, Hold, Statement
from telemetry.chargeback.rules import (
    HoldState,
    StatementState,
    month_of,
    next_month,
    share,
)
from telemetry.ledger.models import ZERO, LedgerEntry

NEAR_SHARE = 80


def tokens_of_month(deployment_id: int, day: date) -> int:
    """Tokens in and out that were booked of live calls in that day's calendar month, until now."""
    month = month_of(day)
    booked = DailyUsage.objects.filter(
        deployment=deployment_id, source="live", day__gte=month, day__lt=next_month(month)
    )
    sums = booked.aggregate(sent=Sum("tokens_input"), written=Sum("tokens_output"))
    return int(sums["sent"] or 0) + int(sums["written"] or 0)


@dataclass(frozen=True)
class Meter:
    """A budget against what its period's ledger says, replayed history shown apart.

    The hard stop counts captured and reserved only; replayed calls were not made here.
    """

    budget: Budget
    replayed: Decimal

    @property
    def spent(self) -> Decimal:
        """Captured, reserved and replayed: what the month is charged."""
        return self.budget.used + self.replayed

    @property
    def share(self) -> int:
        return share(self.spent, self.budget.whole)

    @property
    def word(self) -> str:
        """ "full", "near" or "fits"."""
        return "full" if self.share >= 100 else "near" if self.share >= NEAR_SHARE else "fits"


def meters(budgets: Iterable[Budget]) -> list[Meter]:
    """Each budget with the replayed cost of its month and scope; one query for all."""
    listed = list(budgets)
    if not listed:
        return []
    usage = DailyUsage.objects.filter(
        source="replayed",
        period__gte=min(budget.starts_on for budget in listed),
        period__lt=max(budget.ends_on for budget in listed),
    )
    if all(budget.team_id for budget in listed):
        usage = usage.filter(team_id__in={budget.team_id for budget in listed})
    summed = usage.order_by().values_list("team_id", "use_case_id", "period")
    costs = {(team, case, month): cost for team, case, month, cost in summed.annotate(Sum("cost"))}
    return [Meter(budget, _replayed(budget, costs)) for budget in listed]


def _replayed(budget: Budget, costs: dict[tuple[int, int | None, date], Decimal]) -> Decimal:
    return sum(
        (
            cost
            for (team_id, use_case_id, month), cost in costs.items()
            if budget.team_id in (None, team_id)
            and budget.starts_on <= month < budget.ends_on
            and budget.use_case_id in (None, use_case_id)
        ),
        ZERO,
    )


def budgets_of_month(user: User, month: date, team: str = "") -> list[Meter]:
    """The budgets that run in that month, in the person's reach."""
    budgets = Budget.objects.visible_to(user).running(month)
    if team:
        budgets = budgets.filter(team__slug=team)
    return meters(budgets.select_related("team", "use_case"))


def proposable_teams(user: User) -> QuerySet[Team]:
    """Teams that the person may propose a budget for: all for finance, else those they manage."""
    reach = user.reach(Permission.USE_CASE_MANAGE)
    if reach.everywhere or user.may(Permission.BUDGET_MANAGE):
        return Team.objects.all()
    return Team.objects.filter(pk__in=reach.team_ids)


def proposed_budgets(user: User) -> QuerySet[ChangeRequest]:
    """Undecided requests for a new budget, in the person's reach."""
    asked = BudgetProposal.objects.visible_to(user).values("pk")
    undecided = ChangeRequest.objects.visible_to(user).undecided()
    return undecided.filter(kind="new_budget", subject_id__in=asked).select_related("proposer")


@dataclass(frozen=True)
class StatementRow:
    """A team's month in a list: its statement if there is a row, and what is booked to it."""

    team: Team
    period: date
    total: Decimal
    currency: str
    state: str

    @property
    def month(self) -> str:
        return f"{self.period:%Y-%m}"


def statement_rows(user: User, limit: int = 200) -> list[StatementRow]:
    """Every month that has something booked or a statement, newest first; two queries and teams."""
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    usage = DailyUsage.objects.all()
    if not reach.everywhere:
        usage = usage.filter(team_id__in=reach.team_ids)
    booked = usage.order_by().values_list("team_id", "period").annotate(Sum("cost"))
    totals = {(team_id, period): cost for team_id, period, cost in booked}
    kept = {(one.team_id, one.period): one for one in Statement.objects.visible_to(user)}
    keys = sorted(totals.keys() | kept.keys(), key=lambda key: (key[1], -key[0]), reverse=True)
    teams = Team.objects.in_bulk({team_id for team_id, _ in keys[:limit]})
    return [_statement_row(key, teams[key[0]], totals, kept) for key in keys[:limit]]


def _statement_row(
    key: tuple[int, date],
    team: Team,
    totals: dict[tuple[int, date], Decimal],
    kept: dict[tuple[int, date], Statement],
) -> StatementRow:
    statement = kept.get(key)
    is_closed = statement is not None and statement.state == StatementState.CLOSED
    total = statement.total if statement and is_closed else totals.get(key, ZERO)
    return StatementRow(
        team=team,
        period=key[1],
        total=total,
        currency=statement.currency if statement else settings.PLACET_CURRENCY,
        state=statement.state if statement else StatementState.OPEN,
    )


def statements_to_close(user: User, now: datetime) -> list[StatementRow]:
    """Ended months with something booked that are not closed yet."""
    this_month = month_of(now.date())
    return [
        row
        for row in statement_rows(user)
        if row.period < this_month and row.state != StatementState.CLOSED
    ]


def holds_in_suspense() -> list[Hold]:
    """Holds of lost calls that finance must resolve, oldest first; one per attempt."""
    holds = Hold.objects.filter(state=HoldState.SUSPENSE).select_related(
        "call__use_case", "budget__team"
    )
    by_attempt = {(hold.call_id, hold.attempt): hold for hold in holds.order_by("held_at")[:200]}
    return list(by_attempt.values())


@dataclass(frozen=True)
class LinkedMonth:
    """Entries of one month that correct, or were meant for, another of the same team.

    `period` is the other month; `how` says which way it goes.
    """

    period: date
    how: str
    entries: int
    amount: Decimal

    @property
    def month(self) -> str:
        return f"{self.period:%Y-%m}"


def linked_months(team_id: int, period: date) -> list[LinkedMonth]:
    """What this month corrects of others, and what others correct of it; two queries."""
    own = LedgerEntry.objects.filter(team_id=team_id).order_by()
    backward = own.filter(period=period, corrects__isnull=False).exclude(corrects__period=period)
    forward = own.filter(corrects__team_id=team_id, corrects__period=period)
    forward = forward.exclude(period=period)
    links = [
        LinkedMonth(other, "corrects", entries, amount)
        for other, entries, amount in backward.values_list("corrects__period").annotate(
            Count("pk"), Sum("amount")
        )
    ]
    links += [
        LinkedMonth(other, "is corrected in", entries, amount)
        for other, entries, amount in forward.values_list("period").annotate(
            Count("pk"), Sum("amount")
        )
    ]
    return sorted(links, key=lambda one: (one.how, one.period))
