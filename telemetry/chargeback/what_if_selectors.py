"""What is priced anew: the rollup of a month in a person's reach, and the prices it is put to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.model_cards.models import Deployment, ExchangeRate, Price
from governance.model_cards.pricing import TOKEN_KINDS, PriceList, PriceUnknown, Usage
from governance.model_cards.selectors import price_list, rates_in_force, with_rate
from telemetry.chargeback.models import Adjustment, DailyUsage
from telemetry.chargeback.rules import month_of
from telemetry.chargeback.what_if import Outcome, Used, what_if

_COUNTS = ("calls", "tokens_input", "tokens_cached", "tokens_output", "tokens_reasoning", "images")
ALWAYS = (
    "The same tokens are priced: another model counts, caches and writes them differently.",
    "A price per call counts each call once; repeated attempts of a call are not priced again.",
    "A tier is taken as the month's tokens had reached it when the day began, with those that are "
    "moved to another deployment; within a day the price does not change.",
)


@dataclass(frozen=True)
class Asked:
    """A month, what of it, and what it is put to: another deployment, or other amounts.

    `amounts` replace those of each deployment; without a `target` its own prices of the day.
    """

    month: date
    deployment: str = ""
    team: str = ""
    target: str = ""
    amounts: Mapping[str, Decimal] | None = None


def compare_month(user: User, asked: Asked) -> Outcome:
    """Of what the person sees, live and replayed; six queries at most however much there is."""
    return put_to(_used(user, asked), asked)


def put_to(rows: Sequence[Used], asked: Asked) -> Outcome:
    """The rows at the prices that are asked for, whatever else `asked` narrows."""
    names = {row.deployment for row in rows} | ({asked.target} if asked.target else set())
    return what_if(rows, _prices_of(asked, names, rows))


def _used(user: User, asked: Asked) -> list[Used]:
    usage = DailyUsage.objects.filter(period=asked.month)
    corrected = Adjustment.objects.filter(entry__period=asked.month)
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    if not reach.everywhere:
        usage = usage.filter(team_id__in=reach.team_ids)
    if asked.team:
        usage = usage.filter(team__slug=asked.team)
    if asked.deployment:
        usage = usage.filter(deployment__slug=asked.deployment)
    place = ("team__slug", "use_case__slug", "deployment__slug", "day")
    sums = usage.exclude(deployment=None).order_by(*place).values(*place)
    summed = sums.annotate(**{f"sum_{name}": Sum(name) for name in (*_COUNTS, "cost")})
    # What was corrected by hand has no tokens: it is taken out, to compare what calls cost.
    by_hand = corrected.order_by().values_list(*place).annotate(Sum("amount"))
    corrections = {tuple(found): amount for *found, amount in by_hand}
    return [_row(one, corrections) for one in summed]


def _row(one: dict[str, Any], corrections: Mapping[tuple[Any, ...], Decimal]) -> Used:
    place = (one["team__slug"], one["use_case__slug"], one["deployment__slug"], one["day"])
    return Used(
        team=one["team__slug"],
        use_case=one["use_case__slug"] or "",
        deployment=one["deployment__slug"],
        day=one["day"],
        calls=one["sum_calls"],
        usage=Usage(
            one["sum_tokens_input"],
            one["sum_tokens_cached"],
            one["sum_tokens_output"],
            one["sum_tokens_reasoning"],
            one["sum_images"],
        ),
        booked=one["sum_cost"] - corrections.get(place, Decimal(0)),
    )


def _prices_of(
    asked: Asked, names: set[str], rows: Sequence[Used]
) -> Callable[[str, date], PriceList]:
    deployments = {one.slug: one for one in Deployment.objects.filter(slug__in=names)}
    prices: dict[int, list[Price]] = {}
    for price in Price.objects.filter(deployment__slug__in=names):
        prices.setdefault(price.deployment_id, []).append(price)
    rates: list[ExchangeRate] = list(rates_in_force())
    tiered = {
        slug
        for slug, one in deployments.items()
        if any(price.from_tokens for price in prices.get(one.pk, ()))
    }
    volume_of = _volumes(tiered, asked.target, rows)

    def prices_of(slug: str, day: date) -> PriceList:
        if asked.amounts is not None and not asked.target:
            return _typed(asked.amounts)
        name = asked.target or slug
        deployment = deployments.get(name)
        if deployment is None:
            raise PriceUnknown(f"There is no deployment {name}.")
        volume = volume_of(name, day)
        found = price_list(deployment, prices.get(deployment.pk, ()), day, volume=volume)
        return with_rate(found, rates, day)

    return prices_of


def _volumes(tiered: set[str], target: str, rows: Sequence[Used]) -> Callable[[str, date], int]:
    """Tokens of a deployment in the calendar month before a day, with those that would be moved
    to it. One query, and none where no price has tiers."""
    daily: dict[str, dict[date, int]] = {slug: {} for slug in tiered}
    if tiered and rows:
        first, last = min(row.day for row in rows), max(row.day for row in rows)
        booked = DailyUsage.objects.filter(
            deployment__slug__in=tiered, source="live", day__range=(month_of(first), last)
        )
        sums = booked.order_by().values_list("deployment__slug", "day")
        for slug, day, sent, written in sums.annotate(Sum("tokens_input"), Sum("tokens_output")):
            daily[slug][day] = int(sent) + int(written)
    for row in rows:
        if target in tiered and row.deployment != target:
            moved = daily[target]
            moved[row.day] = moved.get(row.day, 0) + row.usage.input + row.usage.output

    def volume(slug: str, day: date) -> int:
        found = daily.get(slug, {})
        return sum(tokens for one, tokens in found.items() if month_of(day) <= one < day)

    return volume


def _typed(amounts: Mapping[str, Decimal]) -> PriceList:
    """In the ledger's currency."""
    return PriceList(
        settings.PLACET_CURRENCY,
        {kind: amounts[kind] for kind in TOKEN_KINDS if kind in amounts},
        amounts.get("per_call", Decimal(0)),
        amounts.get("image"),
        amounts.get("discount", Decimal(0)),
    )
