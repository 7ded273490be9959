"""Declare what an improvement is worth, and set what was saved against what was booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from governance.access.models import User
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid
from governance.registry import returns
from governance.registry.metric_models import PER_CHOICES, MetricWorth
from governance.registry.models import SuccessMetric, UseCase
from governance.registry.registries import ledger_metrics
from governance.registry.selectors import costs_this_month
from governance.registry.services import check_can_manage, write_event

MOST = Decimal(10) ** 9
MONTHS = 3
VOLUME = "calls_per_month"


@transaction.atomic
def declare_worth(
    *,
    actor: Actor,
    metric: SuccessMetric,
    amount: Decimal | None,
    per: str,
    rationale: str,
    now: datetime,
) -> MetricWorth:
    """An estimate with its author and reason; an earlier one stays in the history."""
    check_can_manage(actor, metric.use_case.team)
    problems: dict[str, list[str]] = {}
    if amount is None or not amount.is_finite() or not 0 < amount < MOST:
        problems["amount"] = ["Give an amount above zero, with at most six decimals."]
    elif amount != amount.quantize(Decimal("0.000001")):
        problems["amount"] = ["At most six decimals."]
    if per not in dict(PER_CHOICES):
        problems["per"] = ["Choose per call or per month."]
    if not 0 < len(rationale.strip()) <= 500 or "\x00" in rationale:
        problems["rationale"] = ["Say what the estimate rests on, in at most 500 characters."]
    if problems or amount is None:
        raise Invalid("Nothing was saved: the estimate is not whole.", fields=problems)
    worth = MetricWorth.objects.create(
        metric=metric,
        amount=amount,
        currency=settings.PLACET_CURRENCY,
        per=per,
        rationale=rationale.strip(),
        estimated_by=actor.user,
        at=now,
    )
    after = {"metric": metric.name, "amount": amount, "per": per, "currency": worth.currency}
    write_event(
        actor, "use_case.worth_declared", metric.use_case, now, after=after, reason=rationale
    )
    return worth


@dataclass(frozen=True)
class Valued:
    """A metric, its estimate, and month by month what it saved; empty where it cannot be said."""

    metric: SuccessMetric
    worth: MetricWorth | None
    savings: tuple[returns.Saving, ...]

    @property
    def key(self) -> str:
        """What its form on the page is called by."""
        return str(self.metric.pk)

    @property
    def lacking(self) -> str:
        if self.worth is None:
            return "No worth is declared, so nothing is said of money."
        if self.metric.baseline is None:
            return "It has no baseline to compare with."
        return "" if self.savings else "Nothing was measured in or before these months."


@dataclass(frozen=True)
class Return:
    """Money saved, as estimated, against cost booked, as the ledger has it."""

    metrics: tuple[Valued, ...]
    months: tuple[returns.Month, ...]
    currency: str

    @property
    def is_valued(self) -> bool:
        return any(one.worth for one in self.metrics)


def return_of(use_case: UseCase, now: datetime) -> Return:
    """The last three months; as many queries whatever the number of metrics."""
    spans = returns.months_before(now.astimezone(UTC).date(), MONTHS)
    volumes = {start: _volume(use_case, start, end) for start, end in spans}
    found = use_case.metrics.prefetch_related("measurements", "worths__estimated_by")
    metrics = tuple(_valued(one, spans, volumes) for one in found)
    months = tuple(
        returns.Month(start, _sum(metrics, start), _cost(use_case, start)) for start, _ in spans
    )
    return Return(metrics, months, settings.PLACET_CURRENCY)


def _valued(
    metric: SuccessMetric, spans: list[tuple[date, date]], volumes: dict[date, Decimal]
) -> Valued:
    worth = next(iter(metric.worths.all()), None)
    if worth is None:
        return Valued(metric, None, ())
    values = [(one.on, one.value) for one in metric.measurements.all()]
    savings = (
        returns.saving(
            start,
            end,
            metric.baseline,
            metric.target,
            values,
            volumes[start] if worth.per == "call" else Decimal(1),
            worth.amount,
        )
        for start, end in spans
    )
    return Valued(metric, worth, tuple(one for one in savings if one is not None))


def _sum(metrics: tuple[Valued, ...], month: date) -> Decimal | None:
    saved = [one.saved for valued in metrics for one in valued.savings if one.month == month]
    return sum(saved, Decimal(0)) if saved else None


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _volume(use_case: UseCase, start: date, end: date) -> Decimal:
    if VOLUME not in ledger_metrics:
        return Decimal(0)
    counted = ledger_metrics[VOLUME].measure([use_case.pk], _start(start), _start(end))
    return counted.get(use_case.pk, Decimal(0))


def _cost(use_case: UseCase, month: date) -> Decimal:
    booked = costs_this_month([use_case.pk], _start(month) + timedelta(hours=12))
    return booked.get(use_case.pk, Decimal(0))


def return_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """The panel of the use case's page."""
    return {
        "found": return_of(use_case, now),
        "use_case": use_case,
        "may_manage": user.may(Permission.USE_CASE_MANAGE, use_case.team),
        "per": PER_CHOICES,
    }
