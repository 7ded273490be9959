"""Ask for a month's figures, and compute them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import connection, transaction

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import MILLION, NINE_PLACES, PriceUnknown
from governance.model_cards.selectors import prices_on
from telemetry.chargeback.rules import month_of, next_month, previous_month
from telemetry.savings import sql
from telemetry.savings.cheaper import add_cheaper_models
from telemetry.savings.models import MonthFigures, Saving
from telemetry.savings.rules import (
    IDLE_TIMES,
    LEAST_CALLS,
    Lever,
    Longer,
    VersionUse,
    longer_than_before,
)


@transaction.atomic
def ask_for_figures(*, actor: Actor, month: date, now: datetime) -> MonthFigures:
    """Have a worker compute the month again; asked for twice, it is computed once."""
    if not actor.may(Permission.BUDGET_MANAGE):
        raise NotAllowed("Nothing was asked for: finance has the figures computed.")
    if month.day != 1 or month > month_of(now.date()):
        raise Invalid("Nothing was asked for: choose this month or one before it.")
    figures, is_new = _locked(month, now)
    if not is_new and figures.is_waiting:
        return figures
    figures.asked_at = now
    figures.save(update_fields=["asked_at"])
    record(actor=actor, action="savings.asked", subject=figures, now=now)
    return figures


@transaction.atomic
def compute(*, month: date, now: datetime) -> MonthFigures:
    """The month's figures from its calls and its ledger, in the place of those before.

    One reader's snapshot for all of them; nobody sees half of a month's.
    """
    figures, _ = _locked(month, now)
    figures.savings.all().delete()
    figures.units.all().delete()
    asked: dict[str, Any] = {
        "figures": figures.pk,
        "month": month,
        "since": datetime.combine(month, time(), UTC),
        "until": datetime.combine(next_month(month), time(), UTC),
        "earlier": datetime.combine(previous_month(previous_month(month)), time(), UTC),
        "least_calls": LEAST_CALLS,
        "idle_times": IDLE_TIMES,
    }
    with connection.cursor() as cursor:
        for statement in (sql.REPEATED, sql.UNUSED, sql.IDLE, sql.UNITS):
            cursor.execute(statement, asked)
    _add_longer_prompts(figures, asked)
    add_cheaper_models(figures)
    figures.computed_at = max(now, figures.asked_at)
    figures.save(update_fields=["computed_at"])
    return figures


def months_due(now: datetime) -> list[date]:
    """This month and the one before it, because it may still be booked to."""
    this = month_of(now.astimezone(UTC).date())
    return [this, previous_month(this)]


def _locked(month: date, now: datetime) -> tuple[MonthFigures, bool]:
    rows = MonthFigures.objects.select_for_update()
    return rows.get_or_create(month=month, defaults={"asked_at": now})


def _add_longer_prompts(figures: MonthFigures, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.VERSIONS, asked)
        rows = cursor.fetchall()
    uses: dict[tuple[int, int, int, str], list[VersionUse]] = defaultdict(list)
    in_month: dict[tuple[int, int], int] = {}
    for team, use_case, deployment, version, label, now_calls, calls, mean in rows:
        prompt = label.rpartition(" v")[0]
        uses[team, use_case, deployment, prompt].append(VersionUse(version, label, calls, mean))
        in_month[version, deployment] = now_calls
    deployments = Deployment.objects.in_bulk({key[2] for key in uses})
    for (team, use_case, deployment, _), versions in uses.items():
        found = longer_than_before(versions)
        if found is None or not (calls := in_month[found.newest.version, deployment]):
            continue
        found = replace(found, newest=replace(found.newest, calls=calls))
        price = _input_price(deployments[deployment], figures.month)
        if price:
            _save_longer(figures, (team, use_case, deployment), found, price)


def _input_price(deployment: Deployment, month: date) -> Decimal:
    """Per million tokens at the month's end; nothing where it is not known."""
    try:
        return prices_on(deployment, next_month(month)).per_million.get("input", Decimal(0))
    except PriceUnknown:
        return Decimal(0)


def _save_longer(
    figures: MonthFigures, whose: tuple[int, int, int], found: Longer, price: Decimal
) -> None:
    team, use_case, deployment = whose
    amount = (found.tokens * price / MILLION).quantize(NINE_PLACES, ROUND_HALF_EVEN)
    if amount <= 0:
        return
    Saving.objects.create(
        figures=figures,
        lever=Lever.LONGER,
        team_id=team,
        use_case_id=use_case,
        deployment_id=deployment,
        calls=found.newest.calls,
        amount=amount,
        facts={
            "newest": found.newest.label,
            "earlier": found.earlier.label,
            "tokens_newest": f"{found.newest.mean_input:.0f}",
            "tokens_earlier": f"{found.earlier.mean_input:.0f}",
        },
    )
