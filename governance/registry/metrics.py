"""What success is measured by, and what was measured."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from governance.registry.models import Measurement, SuccessMetric, UseCase
from governance.registry.registries import ledger_metrics
from governance.registry.services import check_can_manage, text_problems, write_event

ONE_DAY = timedelta(days=1)  # somewhere it is tomorrow already
LARGEST = Decimal(10) ** 14  # what numeric(18, 4) holds


@transaction.atomic
def add_metric(
    *,
    actor: Actor,
    use_case: UseCase,
    name: str,
    unit: str,
    baseline: Decimal | None,
    target: Decimal | None,
    now: datetime,
    ledger_figure: str = "",
) -> SuccessMetric:
    """One of `ledger_metrics` measures itself from then on, in its own unit."""
    check_can_manage(actor, use_case.team)
    name, unit = _named(name.strip(), unit, ledger_figure)
    if not name:
        raise Invalid("Nothing was saved: name it.", fields={"name": ["What is measured?"]})
    if problems := text_problems(SuccessMetric, {"name": name, "unit": unit}):
        raise Invalid("Nothing was saved: a text does not fit.", fields=problems)
    metric = SuccessMetric.objects.create(
        use_case=use_case,
        name=name,
        unit=unit,
        ledger_figure=ledger_figure,
        baseline=_checked(baseline, "baseline"),
        target=_checked(target, "target"),
    )
    after = {"metric": name, "baseline": baseline, "target": target}
    write_event(actor, "use_case.metric_added", use_case, now, after=after)
    return metric


def _named(name: str, unit: str, figure: str) -> tuple[str, str]:
    if not figure:
        return name, unit
    if figure not in ledger_metrics:
        raise Invalid(
            "Nothing was saved: the ledger has no such figure.",
            fields={"ledger_figure": [f"One of {', '.join(ledger_metrics)}."]},
        )
    return name or ledger_metrics[figure].label, ledger_metrics[figure].unit


@transaction.atomic
def measure(
    *,
    actor: Actor,
    metric: SuccessMetric,
    value: Decimal,
    on: date,
    now: datetime,
    source: str = "",
    origin: str = "hand",
) -> Measurement:
    check_can_manage(actor, metric.use_case.team)
    if metric.ledger_figure:
        raise WrongState("Nothing was saved: this is measured from the ledger, every day.")
    if on > now.date() + ONE_DAY:
        raise Invalid("Nothing was saved.", fields={"on": ["It cannot be measured yet."]})
    _checked(value, "value")
    measured = Measurement.objects.create(
        metric=metric, value=value, on=on, source=source, origin=origin
    )
    after = {"metric": metric.name, "value": value, "on": on}
    write_event(actor, "use_case.measured", metric.use_case, now, after=after)
    return measured


def _checked(number: Decimal | None, field: str) -> Decimal | None:
    if number is not None and not (number.is_finite() and abs(number) < LARGEST):
        raise Invalid(
            "Nothing was saved: a number does not fit.",
            fields={field: ["Give a number of at most 14 digits before the point."]},
        )
    return number
