"""Hold money before a call, take or give it back after; keep budgets.

Every change of a budget's sums is one conditional UPDATE of its row, so the limit holds
whatever the concurrency. The call's row is locked first and budgets in order of their key:
one order for everybody. Holding, capturing and releasing write no audit event of their own
(the ledger lines they lead to are sealed); what people do to budgets is recorded one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest
from django.urls import reverse

from governance.access.models import Team
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, NotFound, PlacetError, WrongState
from governance.registry.models import UseCase
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.rules import (
    HOLD_STATES,
    HoldState,
    crossed,
    month_of,
)
from telemetry.ledger.models import ZERO, Call
from telemetry.ledger.rules import Outcome
from telemetry.ledger.services import BilledAttempt, settle_call

HOLD_LASTS = timedelta(minutes=30)
NOTHING = Value(ZERO)


class BudgetExceeded(PlacetError):
    """A budget above the call has no room for what it may cost, or there is none."""

    status = 402
    code = "budget_exceeded"


@transaction.atomic
def reserve(
    *,
    call: Call,
    attempt: int,
    amount: Decimal,
    currency: str,
    now: datetime,
    lasts: timedelta = HOLD_LASTS,
) -> list[Hold]:
    """Hold `amount`, the most that attempt can cost, on every budget above the call.

    Idempotent per call and attempt. Raises BudgetExceeded, with nothing held, where one of
    the budgets has no room or no budget covers the team this month.
    """
    if amount < 0:
        raise Invalid("Nothing was held: an attempt cannot cost less than nothing.")
    _lock_call(call)
    existing = list(Hold.objects.filter(call=call, attempt=attempt).order_by("budget_id"))
    if existing:
        return existing
    budgets = _budgets_above(call, now)
    for budget in budgets:
        _take(budget, amount, currency)
    return Hold.objects.bulk_create(
        Hold(
            budget=budget,
            call=call,
            attempt=attempt,
            amount=amount,
            held_at=now,
            expires_at=now + lasts,
        )
        for budget in budgets
    )


@transaction.atomic
def capture(*, call: Call, attempt: int, amount: Decimal, now: datetime) -> list[Hold]:
    """Book what the provider billed against the hold and give the rest back.

    Idempotent. What was billed beyond the hold is captured too, because it was spent; the
    part that no longer fits is shown as the budget's overrun. A bill that comes after the
    hold went to suspense or was released is captured all the same.
    """
    holds = _holds_of(call, attempt)
    for hold in holds:
        if hold.state != HoldState.CAPTURED:
            _capture(hold, amount, now)
    return holds


@transaction.atomic
def release(*, call: Call, attempt: int, now: datetime) -> list[Hold]:
    """Give the whole hold back: the attempt cost nothing. Idempotent."""
    holds = _holds_of(call, attempt)
    for hold in holds:
        if hold.state in (HoldState.HELD, HoldState.SUSPENSE):
            _give_back(hold, now)
    return holds


@transaction.atomic
def release_open(*, call: Call, now: datetime) -> int:
    """Give back every live hold of a call that ended without a further bill; how many."""
    _lock_call(call)
    holds = Hold.objects.select_for_update().filter(call=call, state=HoldState.HELD)
    released = list(holds.order_by("budget_id"))
    for hold in released:
        _give_back(hold, now)
    return len(released)


@transaction.atomic
def expire_holds(*, now: datetime, batch: int = 500) -> int:
    """Move holds that nobody captured or released in time to suspense; how many.

    The money stays reserved until finance says whether the provider billed it.
    """
    late = Hold.objects.select_for_update(skip_locked=True).filter(
        state=HoldState.HELD, expires_at__lt=now
    )
    expired = list(late.order_by("expires_at")[:batch])
    for hold in expired:
        hold.state = HOLD_STATES.target(hold.state, "expire")
        hold.save(update_fields=["state"])
    if expired:
        raise_alert(
            cause="budget-suspense",
            title="Holds of lost calls wait in suspense",
            severity="warning",
            now=now,
            url=reverse("chargeback:budgets"),
        )
    return len(expired)


@transaction.atomic
def create_budget(
    *,
    actor: Actor,
    team: Team,
    limit: Decimal,
    starts_on: date,
    now: datetime,
    use_case: UseCase | None = None,
    hard: bool = True,
    renews: bool = True,
    soft_thresholds: Sequence[int] = (80, 95),
    reason: str = "",
) -> Budget:
    """A month's budget of a team, or of one of its use cases. It begins with nothing used."""
    check_can_manage(actor)
    _check_limit(limit)
    if use_case is not None and use_case.team_id != team.pk:
        raise Invalid(
            f"No budget was made: {use_case} belongs to another team.",
            fields={"use_case": ["Choose a use case of this team."]},
        )
    month = month_of(starts_on)
    if Budget.objects.filter(team=team, use_case=use_case, starts_on=month).exists():
        raise Invalid(
            f"No budget was made: there is one for {use_case or team} in {month:%B %Y} already. "
            "Propose a new limit for it instead.",
            fields={"starts_on": ["There is a budget for this month already."]},
        )
    budget = Budget.objects.create(
        team=team,
        use_case=use_case,
        starts_on=month,
        limit=limit,
        currency=settings.PLACET_CURRENCY,
        soft_thresholds=_thresholds(soft_thresholds),
        hard=hard,
        renews=renews,
        created_at=now,
    )
    _record(actor, "budget.created", budget, now, reason=reason)
    renew_budgets(team_id=team.pk, month=month, now=now)
    return budget


@transaction.atomic
def apply_limit(
    *, actor: Actor, budget: Budget, limit: Decimal, now: datetime, reason: str
) -> Budget:
    """What an approved change does: the limit from now on, and in the months it renews into.

    Called by the change engine alone, so no right is checked here. Refuses below what is
    captured and reserved, because that cannot be taken back.
    """
    _check_limit(limit)
    budget = locked_budget(budget.pk)
    if budget.hard and limit < budget.used:
        raise WrongState(
            f"The limit was not changed: {budget.used.normalize():f} {budget.currency} of it "
            "is spent or held already. Choose a limit that is not below that."
        )
    before = _content(budget)
    budget.limit = limit
    budget.overrun = ZERO if limit >= budget.used else budget.overrun
    budget.alerted = crossed(budget.alerted, budget.captured, limit)
    budget.version += 1
    budget.save()
    _record(actor, "budget.limit_changed", budget, now, reason=reason, before=before)
    return budget


@transaction.atomic
def resolve_suspense(
    *, actor: Actor, call: Call, attempt: int, billed: Decimal | None, reason: str, now: datetime
) -> list[Hold]:
    """Finance says what a lost attempt cost: None for nothing; an amount is captured and booked.

    Booked without tokens, because only the provider's bill knows of the attempt.
    """
    check_can_manage(actor)
    _check_resolution(billed, reason)
    holds = [hold for hold in _holds_of(call, attempt) if hold.state == HoldState.SUSPENSE]
    if not holds:
        raise WrongState("Nothing was changed: this attempt is not in suspense any more.")
    if billed is not None:
        _book_lost(call, attempt, billed, reason, now)
    for hold in holds:
        if billed is None:
            _give_back(hold, now)
        else:
            _capture(hold, billed, now)
        _record_resolution(actor, hold, reason, now)
    return holds


def _check_resolution(billed: Decimal | None, reason: str) -> None:
    if not reason.strip():
        raise Invalid(
            "The hold stays in suspense: say how you know what the provider billed.",
            fields={"reason": ["Say how you know."]},
        )
    if billed is not None and (billed < 0 or not billed.is_finite()):
        raise Invalid(
            "The hold stays in suspense: a bill is an amount of at least 0.",
            fields={"billed": ["At least 0."]},
        )


def _book_lost(call: Call, attempt: int, billed: Decimal, reason: str, now: datetime) -> None:
    if call.deployment is None:
        raise WrongState("The hold stays in suspense: the call never reached a deployment.")
    bill = BilledAttempt(
        attempt=attempt,
        deployment=call.deployment,
        tokens_input=0,
        tokens_output=0,
        amount=billed,
        description=f"Lost attempt, from the provider's bill: {reason}",
    )
    settle_call(
        call=call,
        outcome=Outcome.FAIL,
        now=now,
        billed=[bill],
        refusal_code="call_lost",
        refusal_message="The call was lost on its way; its cost was booked from the bill.",
    )


def _record_resolution(actor: Actor, hold: Hold, reason: str, now: datetime) -> None:
    after = {
        "call": hold.call_id,
        "attempt": hold.attempt,
        "state": hold.state,
        "captured": hold.captured_amount,
    }
    record(
        actor=actor,
        action="budget.suspense_resolved",
        subject=hold.budget,
        now=now,
        after=after,
        reason=reason,
        team_id=hold.budget.team_id,
    )


def check_can_manage(actor: Actor) -> None:
    if not actor.may(Permission.BUDGET_MANAGE):
        raise NotAllowed("Nothing was changed: budgets are kept by finance.")


def locked_budget(budget_id: int) -> Budget:
    budgets = Budget.objects.select_for_update(of=("self",)).select_related("team", "use_case")
    budget = budgets.filter(pk=budget_id).first()
    if budget is None:
        raise NotFound("There is no such budget.")
    return budget


def _lock_call(call: Call) -> None:
    Call.objects.select_for_update(of=("self",)).only("pk").get(pk=call.pk)


def _budgets_above(call: Call, now: datetime) -> list[Budget]:
    """This month's budgets over the call, renewed from last month's where they renew."""
    month = month_of(now.date())
    found = list(Budget.objects.covering(call.team_id, call.use_case_id, month))
    has_team_budget = any(budget.use_case_id is None for budget in found)
    if not has_team_budget and renew_budgets(team_id=call.team_id, month=month, now=now):
        found = list(Budget.objects.covering(call.team_id, call.use_case_id, month))
    if not found:
        raise BudgetExceeded(
            f"The call was not made: no budget covers {call.team} in {month:%B %Y}. "
            "Finance can make one."
        )
    return sorted(found, key=lambda budget: budget.pk)


@transaction.atomic
def renew_budgets(*, team_id: int, month: date, now: datetime) -> int:
    """Make a team's rows of `month` from its latest earlier ones that renew; how many are new."""
    earlier = Budget.objects.filter(team_id=team_id, starts_on__lt=month)
    latest = earlier.order_by("use_case_id", "-starts_on").distinct("use_case_id")
    made = 0
    for old in latest.select_related("team", "use_case"):
        if not old.renews:
            continue
        copied = {
            "limit": old.limit,
            "currency": old.currency,
            "soft_thresholds": old.soft_thresholds,
            "hard": old.hard,
            "renews": True,
            "created_at": now,
        }
        budget, is_new = Budget.objects.get_or_create(
            team=old.team, use_case=old.use_case, starts_on=month, defaults=copied
        )
        if is_new:
            made += 1
            _record(Actor.system("budgets"), "budget.renewed", budget, now)
    return made


def _take(budget: Budget, amount: Decimal, currency: str) -> None:
    """Reserve on one budget if it fits, in one statement; refuses otherwise."""
    if budget.currency != currency:
        raise BudgetExceeded(
            f"The call was not made: it is priced in {currency} and the budget of {budget} is "
            f"in {budget.currency}."
        )
    fits = Q(hard=False) | Q(limit__gte=F("captured") + F("reserved") + amount)
    taken = Budget.objects.filter(fits, pk=budget.pk).update(reserved=F("reserved") + amount)
    if not taken:
        raise BudgetExceeded(
            f"The call was not made: it may cost up to {amount.normalize():f} {currency}, and "
            f"the budget of {budget} has no room for that. Nothing was spent. Ask finance to "
            "raise the limit, or wait for the next month."
        )


def _holds_of(call: Call, attempt: int) -> list[Hold]:
    _lock_call(call)
    holds = Hold.objects.select_for_update(of=("self",)).select_related("budget__team")
    found = list(holds.filter(call=call, attempt=attempt).order_by("budget_id"))
    if not found:
        raise WrongState(f"Attempt {attempt} of {call} was never held on a budget.")
    return found


def _capture(hold: Hold, amount: Decimal, now: datetime) -> None:
    held = ZERO if hold.state == HoldState.RELEASED else hold.amount
    used = F("captured") + amount + F("reserved") - held
    beyond = Case(When(hard=True, then=Greatest(F("overrun"), used - F("limit"))), default=NOTHING)
    Budget.objects.filter(pk=hold.budget_id).update(
        reserved=F("reserved") - held, captured=F("captured") + amount, overrun=beyond
    )
    hold.state = HOLD_STATES.target(hold.state, "capture")
    hold.captured_amount, hold.ended_at = amount, now
    hold.save(update_fields=["state", "captured_amount", "ended_at"])
    _warn(hold.budget_id, now)


def _give_back(hold: Hold, now: datetime) -> None:
    Budget.objects.filter(pk=hold.budget_id).update(reserved=F("reserved") - hold.amount)
    hold.state = HOLD_STATES.target(hold.state, "release")
    hold.ended_at = now
    hold.save(update_fields=["state", "ended_at"])


def _warn(budget_id: int, now: datetime) -> None:
    """Raise each soft threshold's alert once; the budget's row is locked by our update."""
    budget = Budget.objects.select_related("team", "use_case").get(pk=budget_id)
    reached = crossed(budget.soft_thresholds, budget.captured, budget.limit)
    new = [mark for mark in reached if mark not in budget.alerted]
    if not new:
        return
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


def _check_limit(limit: Decimal) -> None:
    if limit < 0 or limit >= Decimal(1000000000):
        raise Invalid(
            "Nothing was changed: a limit is at least 0 and below 1,000,000,000.",
            fields={"limit": ["Between 0 and 999,999,999."]},
        )


def _thresholds(marks: Sequence[int]) -> list[int]:
    if any(not 1 <= mark <= 100 for mark in marks):
        raise Invalid(
            "Nothing was changed: a threshold is a percentage of the limit, 1 to 100.",
            fields={"soft_thresholds": ["Each from 1 to 100."]},
        )
    return sorted(set(marks))


def _content(budget: Budget) -> dict[str, Any]:
    return {
        "team": budget.team.slug,
        "use_case": budget.use_case.slug if budget.use_case else None,
        "month": budget.starts_on,
        "limit": budget.limit,
        "currency": budget.currency,
        "hard": budget.hard,
        "soft_thresholds": budget.soft_thresholds,
    }


def _record(
    actor: Actor,
    action: str,
    budget: Budget,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=budget,
        now=now,
        before=before,
        after=_content(budget),
        reason=reason,
        team_id=budget.team_id,
    )
