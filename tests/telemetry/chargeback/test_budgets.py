"""Reserve, capture, release, expire; budgets made, renewed and changed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from telemetry.alerts.models import Alert
from telemetry.chargeback import holds, services
from telemetry.chargeback.holds import BudgetExceeded
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import Call
from telemetry.ledger.services import settle_call, start_call
from tests.factories.chargeback import limit_change, make_budget, make_paid_call
from tests.factories.ledger import NOW, make_call, make_deployment, make_person, make_use_case

pytestmark = pytest.mark.django_db


def hold(call: Call, amount: str, attempt: int = 1) -> None:
    holds.reserve(call=call, attempt=attempt, amount=Decimal(amount), currency="USD", now=NOW)


def sums(budget: Budget) -> tuple[Decimal, Decimal, Decimal]:
    budget.refresh_from_db()
    return budget.reserved, budget.captured, budget.overrun


def test_every_budget_above_the_call_is_held_and_captured() -> None:
    use_case = make_use_case()
    team, own = make_budget(use_case.team), make_budget(use_case.team, "10", use_case)
    call = make_call(use_case)
    hold(call, "2")
    assert sums(team) == sums(own) == (2, 0, 0)
    holds.capture(call=call, attempt=1, amount=Decimal("0.5"), now=NOW)
    holds.capture(call=call, attempt=1, amount=Decimal("0.5"), now=NOW)
    assert sums(team) == sums(own) == (0, Decimal("0.5"), 0)


def test_what_does_not_fit_one_budget_is_held_on_none() -> None:
    use_case = make_use_case()
    team, own = make_budget(use_case.team), make_budget(use_case.team, "1", use_case)
    with pytest.raises(BudgetExceeded):
        hold(make_call(use_case), "1.000000001")
    assert sums(team) == sums(own) == (0, 0, 0)
    assert not Hold.objects.exists()


def test_without_a_budget_there_is_no_call() -> None:
    with pytest.raises(BudgetExceeded, match="no budget covers"):
        hold(make_call(), "1")


def test_another_currency_is_refused() -> None:
    use_case = make_use_case()
    make_budget(use_case.team)
    with pytest.raises(BudgetExceeded):
        holds.reserve(
            call=make_call(use_case), attempt=1, amount=Decimal(1), currency="GBP", now=NOW
        )


def test_a_release_gives_everything_back_once() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team)
    call = make_call(use_case)
    hold(call, "2")
    hold(call, "3", attempt=2)
    holds.release(call=call, attempt=1, now=NOW)
    holds.release(call=call, attempt=1, now=NOW)
    assert sums(budget) == (3, 0, 0)
    assert holds.release_open(call=call, now=NOW) == 1
    assert sums(budget) == (0, 0, 0)


def test_a_bill_beyond_the_hold_is_captured_and_what_does_not_fit_is_shown() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1")
    call = make_call(use_case)
    hold(call, "1")
    holds.capture(call=call, attempt=1, amount=Decimal("1.25"), now=NOW)
    assert sums(budget) == (0, Decimal("1.25"), Decimal("0.25"))
    with pytest.raises(BudgetExceeded):
        hold(make_call(use_case), "0.01")


def test_a_soft_budget_lets_calls_through() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1", hard=False)
    hold(make_call(use_case), "5")
    assert sums(budget) == (5, 0, 0)


def test_a_bill_after_a_release_is_captured_all_the_same() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team)
    call = make_call(use_case)
    hold(call, "2")
    holds.release(call=call, attempt=1, now=NOW)
    holds.capture(call=call, attempt=1, amount=Decimal(1), now=NOW)
    assert sums(budget) == (0, 1, 0)


def test_an_attempt_that_was_never_held_cannot_be_captured() -> None:
    with pytest.raises(WrongState):
        holds.capture(call=make_call(), attempt=1, amount=Decimal(1), now=NOW)


def test_each_threshold_alerts_once() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1")
    for _ in range(9):
        make_paid_call(use_case, amount="0.1", held="0.1")
    assert Alert.objects.get().cause == f"budget:{budget.pk}:80"
    make_paid_call(use_case, amount="0.1", held="0.1")
    assert Alert.objects.filter(count=1).count() == 2
    assert verify() == []


def test_a_lost_hold_waits_in_suspense_until_finance_says_what_it_cost() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team)
    call = make_call(use_case)
    hold(call, "2")
    start_call(call=call, now=NOW, deployment=make_deployment())
    settle_call(call=call, outcome="fail", now=NOW, refusal_code="lost")
    later = NOW + timedelta(hours=1)
    assert services.expire_holds(now=later) == 1
    assert services.expire_holds(now=later) == 0
    assert sums(budget) == (2, 0, 0)
    finance = Actor.person(make_person("finance"))
    call.refresh_from_db()
    services.resolve_suspense(
        actor=finance, call=call, attempt=1, billed=Decimal("0.7"), reason="Invoice 7", now=later
    )
    assert sums(budget) == (0, Decimal("0.7"), 0)
    call.refresh_from_db()
    assert call.cost == Decimal("0.7")
    assert verify() == []
    with pytest.raises(WrongState):
        services.resolve_suspense(
            actor=finance, call=call, attempt=1, billed=None, reason="again", now=later
        )


def test_suspense_can_end_in_nothing_but_not_without_a_reason() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team)
    call = make_call(use_case)
    hold(call, "2")
    services.expire_holds(now=NOW + timedelta(hours=1))
    finance = Actor.person(make_person("finance"))
    with pytest.raises(Invalid):
        services.resolve_suspense(
            actor=finance, call=call, attempt=1, billed=None, reason=" ", now=NOW
        )
    services.resolve_suspense(
        actor=finance, call=call, attempt=1, billed=None, reason="not on the invoice", now=NOW
    )
    assert sums(budget) == (0, 0, 0)


def test_a_budget_renews_with_the_month() -> None:
    use_case = make_use_case()
    make_budget(use_case.team, "7", starts_on=date(2026, 10, 1))
    make_budget(use_case.team, "3", use_case, starts_on=date(2026, 9, 1))
    hold(make_call(use_case), "1")
    renewed = Budget.objects.filter(starts_on=date(2026, 11, 1)).order_by("limit")
    assert [(one.limit, one.reserved) for one in renewed] == [(3, 1), (7, 1)]
    assert AuditEvent.objects.filter(action="budget.renewed").count() == 2


def test_a_budget_that_does_not_renew_ends_with_its_month() -> None:
    use_case = make_use_case()
    make_budget(use_case.team, starts_on=date(2026, 10, 1), renews=False)
    with pytest.raises(BudgetExceeded):
        hold(make_call(use_case), "1")


def test_a_limit_is_not_lowered_below_what_is_used() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team)
    hold(make_call(use_case), "9")
    actor = Actor.system("test")
    change = limit_change(budget, "9")
    facts = {"actor": actor, "budget": budget, "change": change, "now": NOW}
    with pytest.raises(WrongState):
        services.apply_limit(limit=Decimal("8.99"), **facts)
    services.apply_limit(limit=Decimal(9), **facts)
    budget.refresh_from_db()
    assert (budget.limit, budget.version) == (9, 2)
