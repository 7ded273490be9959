"""What was promised to a provider and not used: a shared cost, in the promise's own currency.

Allocation books it; this says how much it is, for the month in which a promise ends, and how
far those that run have come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from governance.kernel.errors import WrongState
from governance.model_cards.models import Commitment, ExchangeRate
from governance.model_cards.pricing import EXACT, NINE_PLACES
from governance.model_cards.selectors import rate_on, rates_in_force
from telemetry.chargeback.forecast import LOOK_BACK, Outlook
from telemetry.chargeback.forecasting import simple
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import month_of, next_month
from telemetry.ledger.models import ZERO, LedgerEntry


@dataclass(frozen=True)
class Promise:
    """A commitment, and what live calls were priced at in its days until now."""

    commitment: Commitment
    spent: Decimal

    @property
    def unused(self) -> Decimal:
        left: Decimal = self.commitment.amount - self.spent
        return max(left, ZERO)


def promise(commitment: Commitment) -> Promise:
    return Promise(commitment, _spent(commitment))


def promises_ending_in(month: date) -> list[Promise]:
    """Those whose last day is in that month, with what is unused: for the allocation of it."""
    month = month_of(month)
    ending = Commitment.objects.filter(ends_on__gte=month, ends_on__lt=next_month(month))
    listed = ending.select_related("deployment").order_by("deployment__slug", "pk")
    return [promise(one) for one in listed]


def unused_in(month: date) -> Decimal:
    """All that is unused of promises ending in that month, in the ledger's currency.

    Each at the rate of its last day; raises WrongState where none holds, because an amount is
    never booked at a guessed one.
    """
    ending = [one for one in promises_ending_in(month) if one.unused]
    rates = list(rates_in_force()) if ending else []
    return sum((_converted(one, rates) for one in ending), ZERO)


def unused_in_words(month: date) -> str:
    """What `unused_in` is made of."""
    parts = [
        f"{one.commitment.deployment}: {one.unused.normalize():f} of "
        f"{one.commitment.amount.normalize():f} {one.commitment.currency} unused "
        f"until {one.commitment.ends_on}"
        for one in promises_ending_in(month)
        if one.unused
    ]
    return "; ".join(parts)


def _converted(one: Promise, rates: Iterable[ExchangeRate]) -> Decimal:
    promised = one.commitment
    if promised.currency == settings.PLACET_CURRENCY:
        return one.unused
    rate = rate_on(rates, promised.currency, promised.ends_on)
    if rate is None:
        raise WrongState(
            f"Nothing was booked: no exchange rate from {promised.currency} holds on "
            f"{promised.ends_on}. Enter one first."
        )
    return EXACT.quantize(EXACT.multiply(one.unused, rate.rate), NINE_PLACES)


@dataclass(frozen=True)
class CommitmentUse:
    """How far a promise has come. Nothing is forecast of one that is over or has not begun."""

    commitment: Commitment
    spent: Decimal
    forecast: Outlook | None
    state: str

    @property
    def share(self) -> int:
        return int(self.spent * 100 / self.commitment.amount)

    @property
    def left(self) -> Decimal:
        return max(self.commitment.amount - self.spent, ZERO)

    @property
    def shortfall(self) -> Decimal | None:
        """What will be unused: known at the end, expected before it where there is a forecast."""
        if self.state == "ended":
            return self.left
        if self.forecast is None:
            return None
        return max(self.commitment.amount - self.forecast.expected, ZERO)


def uses(commitments: Sequence[Commitment], today: date) -> list[CommitmentUse]:
    """In their order; two queries however many there are."""
    daily = _daily(commitments, today)
    return [_use(one, daily[one.deployment_id, one.currency], today) for one in commitments]


def _use(commitment: Commitment, daily: Mapping[date, Decimal], today: date) -> CommitmentUse:
    first, last = commitment.starts_on, commitment.ends_on
    spent = sum((cost for day, cost in daily.items() if first <= day <= last), ZERO)
    if last < today:
        return CommitmentUse(commitment, spent, None, "ended")
    if first > today:
        return CommitmentUse(commitment, spent, None, "ahead")
    expected = simple(daily, spent, today, last + timedelta(days=1))
    return CommitmentUse(commitment, spent, expected, "running")


def _daily(
    commitments: Sequence[Commitment], today: date
) -> dict[tuple[int, str], dict[date, Decimal]]:
    """By deployment and currency what each day was priced at, from four weeks ago at the latest."""
    daily: dict[tuple[int, str], dict[date, Decimal]] = defaultdict(dict)
    if not commitments:
        return daily
    since = min([one.starts_on for one in commitments] + [today - timedelta(days=LOOK_BACK)])
    facts = {
        "deployment__in": {one.deployment_id for one in commitments},
        "day__gte": since,
        "source": "live",
    }
    ours = settings.PLACET_CURRENCY
    booked = DailyUsage.objects.filter(**facts).order_by().values_list("deployment", "day")
    for deployment, day, cost in booked.annotate(Sum("cost")):
        daily[deployment, ours][day] = cost
    theirs = {one.currency for one in commitments} - {ours}
    priced = LedgerEntry.objects.filter(**facts, priced_currency__in=theirs).order_by()
    rows = priced.values_list("deployment", "priced_currency", "day")
    for deployment, currency, day, cost in rows.annotate(Sum("priced_amount")):
        daily[deployment, currency][day] = cost
    return daily


def _spent(commitment: Commitment) -> Decimal:
    """Without tiers or rates of its own: what the ledger says these days' calls were priced at."""
    days = (commitment.starts_on, commitment.ends_on)
    facts = {"deployment": commitment.deployment_id, "day__range": days, "source": "live"}
    if commitment.currency == settings.PLACET_CURRENCY:
        found = DailyUsage.objects.filter(**facts).aggregate(sum=Sum("cost"))["sum"]
    else:
        priced = LedgerEntry.objects.filter(**facts, priced_currency=commitment.currency)
        found = priced.aggregate(sum=Sum("priced_amount"))["sum"]
    spent: Decimal = found or ZERO
    return spent
