"""Keep budgets, and say what became of holds whose call was lost. Holding is in holds.py."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse

from governance.approvals.models import ChangeRequest
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.holds import capture, lock_call, release
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.renewal import budget_content, write_budget_event
from telemetry.chargeback.rules import HOLD_STATES, HoldState, crossed
from telemetry.ledger.models import ZERO, Call
from telemetry.ledger.rules import Outcome
from telemetry.ledger.services import BilledAttempt, settle_call


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
def apply_limit(
    *,
    actor: Actor,
    budget: Budget,
    limit: Decimal,
    change: ChangeRequest,
    now: datetime,
    reason: str = "",
) -> Budget:
    """What an approved change does: the limit from now on, and in the months it renews into.

    Called by the change engine alone, so no right is checked here. Refuses below what is
    captured and reserved, because that cannot be taken back.
    """
    _check_limit(limit)
    budget = locked_budget(budget.pk)
    if budget.hard and limit + budget.rolled < budget.used:
        raise WrongState(
            f"The limit was not changed: {budget.used.normalize():f} {budget.currency} of it "
            "is spent or held already. Choose a limit that is not below that."
        )
    before = budget_content(budget)
    budget.limit, budget.change = limit, change
    budget.overrun = ZERO if limit + budget.rolled >= budget.used else budget.overrun
    budget.alerted = crossed(budget.alerted, budget.captured, limit + budget.rolled)
    budget.version += 1
    budget.save()
    write_budget_event(
        actor, "budget.limit_changed", budget, now, reason=reason or change.reason, before=before
    )
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
    lock_call(call)
    holds = _in_suspense(call, attempt)
    if not holds:
        raise WrongState("Nothing was changed: this attempt is not in suspense any more.")
    if billed is None:
        release(call=call, attempt=attempt, now=now)
    else:
        _book_lost(call, attempt, billed, reason, now)
        capture(call=call, attempt=attempt, amount=billed, now=now)
    for hold in holds:
        hold.refresh_from_db()
        _record_resolution(actor, hold, reason, now)
    return holds


def _in_suspense(call: Call, attempt: int) -> list[Hold]:
    """Locked, so that two people cannot both resolve them."""
    holds = Hold.objects.select_for_update(of=("self",)).select_related("budget__team")
    return list(
        holds.filter(call=call, attempt=attempt, state=HoldState.SUSPENSE).order_by("budget_id")
    )


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


def _check_limit(limit: Decimal) -> None:
    if limit < 0 or limit >= Decimal(1000000000):
        raise Invalid(
            "Nothing was changed: a limit is at least 0 and below 1,000,000,000.",
            fields={"limit": ["Between 0 and 999,999,999."]},
        )
