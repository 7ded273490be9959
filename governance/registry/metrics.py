"""What success is measured by, what was measured, and the checklist."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.web import get_or_404
from governance.registry.models import ChecklistItem, Measurement, SuccessMetric, UseCase
from governance.registry.services import check_can_manage, write_event

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
) -> SuccessMetric:
    check_can_manage(actor, use_case.team)
    name = name.strip()
    if not name:
        raise Invalid("Nothing was saved: name it.", fields={"name": ["What is measured?"]})
    metric = SuccessMetric.objects.create(
        use_case=use_case,
        name=name,
        unit=unit,
        baseline=_checked(baseline, "baseline"),
        target=_checked(target, "target"),
    )
    after = {"metric": name, "baseline": baseline, "target": target}
    write_event(actor, "use_case.metric_added", use_case, now, after=after)
    return metric


@transaction.atomic
def measure(
    *,
    actor: Actor,
    metric: SuccessMetric,
    value: Decimal,
    on: date,
    now: datetime,
    source: str = "",
) -> Measurement:
    check_can_manage(actor, metric.use_case.team)
    if on > now.date() + ONE_DAY:
        raise Invalid("Nothing was saved.", fields={"on": ["It cannot be measured yet."]})
    _checked(value, "value")
    measured = Measurement.objects.create(metric=metric, value=value, on=on, source=source)
    after = {"metric": metric.name, "value": value, "on": on}
    write_event(actor, "use_case.measured", metric.use_case, now, after=after)
    return measured


@transaction.atomic
def tick_item(*, actor: Actor, item_id: int, evidence: str, now: datetime) -> ChecklistItem:
    """Mark a checklist item done, with its evidence."""
    item: ChecklistItem = get_or_404(
        ChecklistItem.objects.select_for_update(of=("self",)).select_related("use_case__team"),
        pk=item_id,
    )
    check_can_manage(actor, item.use_case.team)
    if item.done_at is not None:
        raise WrongState("Nothing was changed: this is done already.")
    item.done_at, item.done_by, item.evidence = now, actor.user, evidence[:300]
    item.save(update_fields=["done_at", "done_by", "evidence"])
    write_event(actor, "use_case.item_done", item.use_case, now, after={"item": item.text})
    return item


def _checked(number: Decimal | None, field: str) -> Decimal | None:
    if number is not None and not (number.is_finite() and abs(number) < LARGEST):
        raise Invalid(
            "Nothing was saved: a number does not fit.",
            fields={field: ["Give a number of at most 14 digits before the point."]},
        )
    return number
