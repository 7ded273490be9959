"""Find what is due and write it down; a worker hears of it after the commit."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Max

from telemetry.chargeback.models import DailyUsage, Statement, StatementVersion
from telemetry.chargeback.rules import StatementState
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.deliveries.rules import DeliveryState, Occasion, month_on, next_at

DELIVER = "telemetry.deliveries.tasks.deliver"


@transaction.atomic
def order_due(*, now: datetime) -> int:
    """Deliveries for each schedule whose day has come, or whose month was closed; how many."""
    active = DeliverySchedule.objects.filter(is_active=True).select_for_update(
        skip_locked=True, of=("self",)
    )
    made = [_order_dated(one, now) for one in active.filter(next_at__lte=now).order_by("pk")]
    seals: dict[int | None, list[tuple[str, date, datetime]]] = {}
    for one in active.filter(occasion=Occasion.CLOSE).order_by("pk"):
        if one.team_id not in seals:
            seals[one.team_id] = _seals_of(one.team_id)
        made += [
            order(one, key, period, now) for key, period, at in seals[one.team_id] if at > one.since
        ]
    return sum(1 for one in made if one is not None)


def _order_dated(schedule: DeliverySchedule, now: datetime) -> DocumentDelivery | None:
    """Days that nobody was there for are made up by one delivery."""
    due = schedule.next_at or now
    schedule.next_at = next_at(schedule.occasion, schedule.day, schedule.time_zone, now)
    schedule.save(update_fields=["next_at"])
    period = month_on(schedule.occasion, schedule.time_zone, due)
    return order(schedule, f"{schedule.occasion}:{due:%Y-%m-%d}", period, now)


def _seals_of(team_id: int | None) -> list[tuple[str, date, datetime]]:
    """The newest seals of the last months: of a team, or of months whose teams are all sealed."""
    closed = StatementVersion.objects.filter(statement__state=StatementState.CLOSED)
    if team_id is not None:
        closed = closed.filter(statement__team_id=team_id)
    found = (
        closed.values_list("statement__period")
        .annotate(newest=Max("pk"), at=Max("closed_at"))
        .order_by("-statement__period")[:24]
    )
    open_months = set() if team_id is not None else _months_not_closed()
    return [(f"seal:{pk}", period, at) for period, pk, at in found if period not in open_months]


def _months_not_closed() -> set[date]:
    """Months in which a team has something booked and no seal."""
    closed = set(
        Statement.objects.filter(state=StatementState.CLOSED).values_list("team_id", "period")
    )
    booked = DailyUsage.objects.order_by().values_list("team_id", "period").distinct()
    return {period for team_id, period in booked if (team_id, period) not in closed}


def order(
    schedule: DeliverySchedule, key: str, period: date, now: datetime
) -> DocumentDelivery | None:
    """The row, and the hint; None where this occasion has one already."""
    delivery, is_new = DocumentDelivery.objects.get_or_create(
        schedule=schedule,
        key=key,
        defaults={"period": period, "created_at": now, "next_try_at": now},
    )
    if not is_new:
        return None
    hint(delivery.pk)
    return delivery


def hint(delivery_id: UUID) -> None:
    """Tell a worker; without a broker what is due is found every minute."""
    name = str(delivery_id)
    transaction.on_commit(
        lambda: current_app.send_task(DELIVER, [name], queue="housekeeping"), robust=True
    )


def due(now: datetime, limit: int = 200) -> list[UUID]:
    """Waiting deliveries whose time has come, the longest waiting first."""
    waiting = DocumentDelivery.objects.filter(state=DeliveryState.WAITING, next_try_at__lte=now)
    return list(waiting.order_by("next_try_at").values_list("pk", flat=True)[:limit])
