"""Measure success from the ledger: yesterday, or the month so far."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction

from governance.kernel.authority import Actor
from governance.registry.models import Measurement, SuccessMetric
from governance.registry.registries import LedgerMetric, ledger_metrics
from governance.registry.rules import Stage
from governance.registry.services import write_event

SYSTEM = Actor.system("ledger")
GRAIN = Decimal("0.0001")


@transaction.atomic
def measure_from_ledger(*, now: datetime) -> int:
    """Write what the ledger says for each metric that takes its value from it; how many.

    Again on the same day writes nothing new, unless a late decision changed the figure.
    """
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    taken = SuccessMetric.objects.exclude(ledger_figure="").exclude(use_case__stage=Stage.RETIRED)
    # Two workers at once wait for each other here.
    locked = taken.select_for_update(of=("self",)).select_related("use_case__team").order_by("pk")
    by_figure: dict[str, list[SuccessMetric]] = {}
    for metric in locked:
        by_figure.setdefault(metric.ledger_figure, []).append(metric)
    return sum(
        _measure(ledger_metrics[key], metrics, yesterday, now)
        for key, metrics in by_figure.items()
        if key in ledger_metrics
    )


def _measure(
    figure: LedgerMetric, metrics: list[SuccessMetric], yesterday: date, now: datetime
) -> int:
    begins = yesterday.replace(day=1) if figure.is_monthly else yesterday
    starts = datetime.combine(begins, time.min, UTC)
    ends = datetime.combine(yesterday + timedelta(days=1), time.min, UTC)
    values = figure.measure(sorted({one.use_case_id for one in metrics}), starts, ends)
    known = {
        one.metric_id: one
        for one in Measurement.objects.filter(
            metric__in=metrics, origin="ledger", on__gte=begins, on__lte=yesterday
        )
    }
    span = f"{begins} to {yesterday}" if figure.is_monthly else f"{yesterday}"
    written = 0
    for metric in metrics:
        value = values.get(metric.use_case_id)
        if value is not None:
            row = known.get(metric.pk) or Measurement(metric=metric, origin="ledger")
            written += _write(row, value.quantize(GRAIN), yesterday, f"ledger, {span}", now)
    return written


def _write(row: Measurement, value: Decimal, on: date, source: str, now: datetime) -> bool:
    if row.pk is not None and (row.value, row.on) == (value, on):
        return False
    row.value, row.on, row.source = value, on, source
    row.save()
    after = {"metric": row.metric.name, "value": value, "on": on, "source": source}
    write_event(SYSTEM, "use_case.measured", row.metric.use_case, now, after=after)
    return True
