"""Hold money before an attempt, and take or give it back after it.

Each verb is one statement over every budget above the call, so the limits hold whatever the
concurrency and a budget's row is locked as briefly as can be. Budgets are locked in the order
of their keys, and after the call: one order for everybody. These verbs write no audit event
of their own (the ledger lines they lead to are sealed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.urls import reverse

from governance.kernel.errors import Invalid, PlacetError, WrongState
from governance.kernel.statements import executed
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.renewal import renew_budgets
from telemetry.chargeback.rules import HOLD_STATES, HoldState, crossed, period_starts
from telemetry.chargeback.sql import END_HOLDS, TAKE_HOLDS
from telemetry.ledger.joining import joins_transaction
from telemetry.ledger.models import Call

HOLD_LASTS = timedelta(minutes=30)
CAPTURABLE = sorted(HOLD_STATES.sources("capture"))
RELEASABLE = sorted(HOLD_STATES.sources("release"))


class BudgetExceeded(PlacetError):
    """A budget above the call has no room for what it may cost, or there is none."""

    status = 402
    code = "budget_exceeded"


@joins_transaction
def reserve(
    *,
    call: Call,
    attempt: int,
    amount: Decimal,
    currency: str,
    now: datetime,
    lasts: timedelta = HOLD_LASTS,
) -> None:
    """Hold `amount`, the most that attempt can cost, on every budget above the call.

    Idempotent per call and attempt. Raises BudgetExceeded, with nothing held, where one of
    the budgets has no room or no budget covers the team this month.
    """
    lock_call(call)
    if not Hold.objects.filter(call=call, attempt=attempt).exists():
        reserve_new(
            call=call, attempt=attempt, amount=amount, currency=currency, now=now, lasts=lasts
        )


def reserve_new(
    *,
    call: Call,
    attempt: int,
    amount: Decimal,
    currency: str,
    now: datetime,
    lasts: timedelta = HOLD_LASTS,
) -> None:
    """As `reserve`, for a call that this very transaction wrote: nobody else can hold for it."""
    if amount < 0:
        raise Invalid("Nothing was held: an attempt cannot cost less than nothing.")
    today = now.date()
    facts: dict[str, Any] = {
        "call": call.pk,
        "team": call.team_id,
        "use_case": call.use_case_id,
        "attempt": attempt,
        "amount": amount,
        "currency": currency,
        "now": now,
        "expires_at": now + lasts,
        "state": HOLD_STATES.initial,
        "needs_fresh": True,
        **period_starts(today),
    }
    held, is_fresh = _take(facts)
    if not held and not is_fresh:
        renew_budgets(team_id=call.team_id, day=today, now=now)
        held, _ = _take({**facts, "needs_fresh": False})
    if not held:
        raise _why_not(call, today, amount, currency)


def _take(facts: dict[str, Any]) -> tuple[int, bool]:
    """How many budgets hold it now (all above the call, or none); whether none is to be renewed."""
    with executed(TAKE_HOLDS, facts) as cursor:
        held, is_fresh = cursor.fetchone()
    return int(held), bool(is_fresh)


def _why_not(call: Call, day: date, amount: Decimal, currency: str) -> BudgetExceeded:
    """The refusal in words, read once it is certain that nothing was held."""
    budgets = list(
        Budget.objects.covering(call.team_id, call.use_case_id, day).select_related(
            "team", "use_case"
        )
    )
    if not budgets:
        return BudgetExceeded(
            f"The call was not made: no budget covers {call.team} in {day:%B %Y}. "
            "Finance can make one."
        )
    for budget in budgets:
        if budget.currency != currency:
            return BudgetExceeded(
                f"The call was not made: it is priced in {currency} and the budget of {budget} "
                f"is in {budget.currency}."
            )
    tightest = min(budgets, key=lambda one: (not one.hard, one.left))
    return BudgetExceeded(
        f"The call was not made: it may cost up to {amount.normalize():f} {currency}, and "
        f"the budget of {tightest} has no room for that. Nothing was spent. Ask finance to "
        f"raise the limit, or wait for the next {tightest.period}."
    )


def first_holds(
    calls: Sequence[tuple[Call, Decimal]], currency: str, lasts: timedelta = HOLD_LASTS
) -> dict[str, Any]:
    """What `chargeback_with_room` and `chargeback_hold_first` are asked for the first attempts of
    calls of one use case, admitted in one month."""
    first = calls[0][0]
    return {
        "team": first.team_id,
        "use_case": first.use_case_id,
        "currency": currency,
        "amount": sum(amount for _, amount in calls),
        "state": HOLD_STATES.initial,
        "holds": [
            {
                "call": call.pk,
                "amount": amount,
                "held_at": call.admitted_at,
                "expires_at": call.admitted_at + lasts,
            }
            for call, amount in calls
        ],
        **period_starts(first.admitted_at.date()),
    }


def first_bills(calls: Sequence[tuple[Call, Decimal]], now: datetime) -> dict[str, Any]:
    """What `chargeback_capture_first` is told of calls that were billed once."""
    return {
        "bills": [{"call": call.pk, "amount": amount} for call, amount in calls],
        "capturable": CAPTURABLE,
        "captured": HOLD_STATES.target(HoldState.HELD, "capture"),
        "released": HOLD_STATES.target(HoldState.HELD, "release"),
        "at": now,
    }


@transaction.atomic
def warn(budget_ids: Sequence[int], now: datetime) -> None:
    """For whoever captured in a statement of its own; the next capture tells of it again."""
    for budget_id in budget_ids:
        Budget.objects.select_for_update().only("pk").get(pk=budget_id)
        _warn(budget_id, now)


@transaction.atomic
def capture(*, call: Call, attempt: int, amount: Decimal, now: datetime) -> None:
    """Book what the provider billed against the hold and give the rest back.

    Idempotent. What was billed beyond the hold is captured too, because it was spent; the
    part that no longer fits is shown as the budget's overrun. A bill that comes after the
    hold went to suspense or was released is captured all the same.
    """
    _end(call, {attempt: amount}, now, give_back=[])


@transaction.atomic
def release(*, call: Call, attempt: int, now: datetime) -> None:
    """Give the whole hold back: the attempt cost nothing. Idempotent."""
    if not Hold.objects.filter(call=call, attempt=attempt).exists():
        raise _never_held(call, {attempt})
    _end(call, {}, now, give_back=RELEASABLE, only=attempt)


@joins_transaction
def give_back(*, call: Call, attempts: Sequence[int], now: datetime) -> None:
    """Release the live holds of attempts that cost nothing while the call goes on. Idempotent."""
    lock_call(call)
    for attempt in attempts:
        _end(call, {}, now, give_back=[HoldState.HELD], only=attempt)


@transaction.atomic
def release_open(*, call: Call, now: datetime) -> int:
    """Give back every live hold of a call that ended without a further bill; how many."""
    return _end(call, {}, now, give_back=[HoldState.HELD])


@joins_transaction
def end_holds(*, call: Call, bills: Mapping[int, Decimal], now: datetime) -> int:
    """The end of a call's money: capture each billed attempt, give every other live hold back.

    `bills` is attempt → amount. How many holds changed; idempotent.
    """
    return _end(call, bills, now, give_back=[HoldState.HELD])


def _end(
    call: Call,
    bills: Mapping[int, Decimal],
    now: datetime,
    *,
    give_back: list[Any],
    only: int | None = None,
) -> int:
    facts: dict[str, Any] = {
        "call": call.pk,
        "attempts": list(bills),
        "amounts": list(bills.values()),
        "capturable": CAPTURABLE,
        "give_back": [str(state) for state in give_back],
        "only": only,
        "now": now,
        "captured": HOLD_STATES.target(HoldState.HELD, "capture"),
        "released": HOLD_STATES.target(HoldState.HELD, "release"),
    }
    with executed(END_HOLDS, facts) as cursor:
        held_attempts, ended, to_warn = cursor.fetchone()
    unheld = bills.keys() - set(held_attempts or [])
    if unheld:
        raise _never_held(call, unheld)
    for budget_id in to_warn or []:
        _warn(budget_id, now)
    return int(ended)


def _never_held(call: Call, attempts: set[int]) -> WrongState:
    return WrongState(f"Attempt {min(attempts)} of {call} was never held on a budget.")


def lock_call(call: Call) -> None:
    """Before its budgets and holds: the order in which everybody locks."""
    Call.objects.select_for_update(of=("self",)).only("pk").get(pk=call.pk)


def _warn(budget_id: int, now: datetime) -> None:
    """Raise each soft threshold's alert once; the budget's row is locked by our update."""
    budget = Budget.objects.select_related("team", "use_case").get(pk=budget_id)
    reached = crossed(budget.soft_thresholds, budget.captured, budget.whole)
    new = [mark for mark in reached if mark not in budget.alerted]
    Budget.objects.filter(pk=budget_id).update(alerted=sorted({*budget.alerted, *new}))
    for mark in new:
        raise_alert(
            cause=f"budget:{budget_id}:{mark}",
            title=f"{budget}: {mark} % of the budget is spent",
            severity="warning" if mark < 95 else "critical",
            now=now,
            url=reverse("chargeback:budgets"),
            team=budget.team,
        )
