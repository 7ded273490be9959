"""What chargeback itself knows that should be looked at before a month is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.db.models import Count, Q, Sum
from django.urls import reverse

from governance.approvals.models import ChangeRequest
from telemetry.chargeback.models import Hold
from telemetry.chargeback.registries import ClosingCheck, Finding
from telemetry.chargeback.rules import HoldState, next_month
from telemetry.ledger.models import Call, LedgerEntry

# Changes that decide what a month costs, or may cost.
MONEY_KINDS = ("budget", "new_budget", "deployment", "price", "allocation_rule")


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def late_entries(period: date, now: datetime) -> list[Finding]:
    """Booked to this month from an earlier one, or after its end: told, because they are right."""
    late = Q(day__lt=period) | Q(created_at__gte=_start(next_month(period)))
    found = LedgerEntry.objects.filter(late, period=period).order_by()
    rows = found.values_list("team_id").annotate(Count("pk"), Sum("amount"))
    return [
        Finding("Late entries", count, amount, team_id, warns=False)
        for team_id, count, amount in rows
    ]


def moved_on(period: date, now: datetime) -> list[Finding]:
    """Of days of this month but booked to a later one, because it was closed then."""
    last = next_month(period)
    moved = LedgerEntry.objects.filter(day__gte=period, day__lt=last, period__gte=last)
    rows = moved.order_by().values_list("team_id")
    return [
        Finding("Booked to a later month", count, amount, team_id, warns=False)
        for team_id, count, amount in rows.annotate(Count("pk"), Sum("amount"))
    ]


def suspense(period: date, now: datetime) -> list[Finding]:
    """Attempts whose call was lost: nobody has said yet whether the provider billed them."""
    holds = Hold.objects.filter(budget__starts_on=period, state=HoldState.SUSPENSE).order_by()
    rows = holds.values_list("budget__team_id").annotate(
        Count("call_id", distinct=True), Sum("amount")
    )
    url = reverse("chargeback:budgets")
    return [
        Finding("Holds in suspense", count, amount, team_id, url) for team_id, count, amount in rows
    ]


def running_calls(period: date, now: datetime) -> list[Finding]:
    """Admitted in the month and not settled: what they cost is not known yet."""
    calls = Call.objects.open().filter(
        admitted_at__gte=_start(period), admitted_at__lt=_start(next_month(period))
    )
    rows = calls.order_by().values_list("team_id").annotate(Count("pk"))
    return [Finding("Calls not settled", count, None, team_id) for team_id, count in rows]


def undecided_changes(period: date, now: datetime) -> list[Finding]:
    """Requests about money that were opened before the month's end and are not decided."""
    undecided = ChangeRequest.objects.undecided().filter(
        kind__in=MONEY_KINDS, opened_at__lt=_start(next_month(period))
    )
    rows = undecided.order_by().values_list("team_id").annotate(Count("pk"))
    url = reverse("approvals:list")
    return [Finding("Undecided changes", count, None, team_id, url) for team_id, count in rows]


CHECKS: dict[str, ClosingCheck] = {
    "late entries": late_entries,
    "moved on": moved_on,
    "suspense": suspense,
    "running calls": running_calls,
    "undecided changes": undecided_changes,
}
