"""Near a limit an attempt that cost nothing makes room for the next one of the same call."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from telemetry.chargeback import holds
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.verification import verify
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_call, make_use_case
from tests.factories.organisation import GOOD, World, provider, world

pytestmark = pytest.mark.django_db
# Every team's budget stands for a whole call once, and not twice.
ENOUGH = Decimal("1.5")


@pytest.fixture
def here() -> World:
    return world()


def call(here: World, settings: Any, *answers: Any, **more: Any) -> GovernedReply:
    with provider(*answers) as model:
        settings.PLACET_MODEL_URL = model.url
        return pipeline.run(
            GovernedRequest(
                model="licence-review",
                presented_key=here.key,
                variables={"licence_text": "MIT License."},
                **more,
            )
        )


def attempts(reply: GovernedReply) -> list[tuple[int, str]]:
    """Of the budget that stops calls."""
    held = Hold.objects.filter(call=reply.call, budget__hard=True).order_by("attempt")
    return [(one.attempt, one.state) for one in held]


def leave_room_for_one(here: World, settings: Any) -> None:
    """What an attempt may cost at most is seen from a call that is made first."""
    first = call(here, settings, GOOD)
    most = Hold.objects.filter(call=first.call, budget__hard=True).get().amount
    Budget.objects.filter(hard=True).update(captured=F("limit") - most * ENOUGH)


def test_a_failed_attempt_makes_room_for_the_next(here: World, settings: Any) -> None:
    leave_room_for_one(here, settings)
    reply = call(here, settings, 500, GOOD)
    assert reply.state == "held"
    assert attempts(reply) == [(1, "released"), (2, "captured")]
    assert not Budget.objects.exclude(reserved=0).exists()
    assert not Budget.objects.exclude(overrun=0).exists()


def test_an_attempt_that_was_billed_does_not(here: World, settings: Any) -> None:
    """Its answer breaks the contract; the repair would need as much again."""
    leave_room_for_one(here, settings)
    reply = call(here, settings, "no JSON at all", GOOD)
    assert attempts(reply) == [(1, "captured")]
    assert not Budget.objects.exclude(reserved=0).exists()


def test_a_worker_keeps_the_first_hold_for_whoever_comes_after_it(
    here: World, settings: Any
) -> None:
    """Were it lost now, another worker would begin at the first attempt again."""
    leave_room_for_one(here, settings)
    with provider(500, GOOD) as model:
        settings.PLACET_MODEL_URL = model.url
        accepted = pipeline.accept(
            GovernedRequest(
                model="licence-review",
                presented_key=here.key,
                variables={"licence_text": "MIT License."},
                mode="async",
            )
        )
        assert accepted.call is not None
        pipeline.carry_on(accepted.call.pk)
    accepted.call.refresh_from_db()
    assert accepted.call.refusal_code == "budget_exceeded"
    assert attempts(accepted) == [(1, "released")]


def test_where_every_attempt_fails_nothing_stays_held(here: World, settings: Any) -> None:
    leave_room_for_one(here, settings)
    reply = call(here, settings, 500)
    assert reply.refusal is not None and reply.refusal.code == "provider_error"
    assert attempts(reply) == [(1, "released"), (2, "released")]
    assert not Budget.objects.exclude(reserved=0).exists()


def test_without_room_for_the_next_the_first_holds_on() -> None:
    use_case = make_use_case()
    budget, failing = make_budget(use_case.team, "1"), make_call(use_case)
    holds.reserve(call=failing, attempt=1, amount=Decimal("0.6"), currency="USD", now=NOW)
    with pytest.raises(holds.BudgetExceeded), transaction.atomic():
        holds.give_back(call=failing, attempts=[1], now=NOW)
        holds.reserve(call=failing, attempt=2, amount=Decimal("1.1"), currency="USD", now=NOW)
    budget.refresh_from_db()
    assert budget.reserved == Decimal("0.6")
    assert [(one.attempt, one.state) for one in Hold.objects.all()] == [(1, "held")]


def test_what_was_given_back_is_there_for_others_at_once() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "1")
    failing, other = make_call(use_case), make_call(use_case)

    def hold(one: Any, attempt: int) -> None:
        holds.reserve(call=one, attempt=attempt, amount=Decimal("0.6"), currency="USD", now=NOW)

    hold(failing, 1)
    with pytest.raises(holds.BudgetExceeded):
        hold(other, 1)
    for _ in range(2):
        holds.give_back(call=failing, attempts=[1], now=NOW)
        budget.refresh_from_db()
        assert budget.reserved == 0
    hold(other, 1)
    with pytest.raises(holds.BudgetExceeded):
        hold(failing, 2)


def test_what_was_captured_is_not_given_back() -> None:
    use_case = make_use_case()
    budget = make_budget(use_case.team, "10")
    paid = make_paid_call(use_case)
    holds.give_back(call=paid, attempts=[1, 2], now=NOW)
    budget.refresh_from_db()
    assert (budget.reserved, budget.captured) == (0, Decimal("0.5"))
    assert [one.state for one in Hold.objects.all()] == ["captured"]
    assert not [one for one in verify() if one.check == "budget sums"]
