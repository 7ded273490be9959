"""A bundle, and somebody who does something else to it or to a part at the same instant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from governance.approvals import services
from governance.approvals.models import Approval, ChangeRequest
from governance.kernel.errors import Conflict, WrongState
from governance.registry.models import UseCase
from telemetry.chargeback.models import Budget
from tests.factories.approvals import decide, make_board, make_change
from tests.factories.bundles import bundle_up, make_limit_change, make_stage_and_limit
from tests.governance.approvals.test_emergency_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("_", range(3))
def test_the_last_decision_and_an_edit_of_a_parts_subject(_: int) -> None:
    board = make_board()
    whole, budget = make_stage_and_limit(board)
    stage = ChangeRequest.objects.get(pk=whole.proposal["parts"][0])
    decide(board, "board", whole)

    def edit() -> None:
        with transaction.atomic():
            locked = UseCase.objects.select_for_update().get(pk=stage.subject_id)
            locked.outcome = "Another."
            locked.save(update_fields=["outcome"])

    def sign() -> None:
        decide(board, "finance", ChangeRequest.objects.get(pk=whole.pk))

    refused, _edited = at_once(sign, edit)
    whole.refresh_from_db()
    budget.refresh_from_db()
    stage.refresh_from_db()
    use_case = UseCase.objects.get(pk=stage.subject_id)
    # What was decided on is applied and then edited, or it was edited before and nothing is.
    assert use_case.outcome == "Another."
    found = (whole.state, use_case.stage, budget.limit, Approval.objects.count())
    if refused is None:
        assert found == ("applied", "assessed", Decimal(120), 2)
        assert Approval.objects.get(change=stage).digest == stage.digest
        assert stage.snapshot["outcome"] != "Another."
    else:
        assert isinstance(refused, Conflict)
        assert found == ("stale", "proposed", Decimal(100), 0)


@pytest.mark.parametrize("_", range(3))
def test_the_last_decision_and_taking_it_apart(_: int) -> None:
    board = make_board()
    whole, budget = make_stage_and_limit(board)
    decide(board, "board", whole)
    owner = board.actor("owner")

    def sign() -> None:
        decide(board, "finance", ChangeRequest.objects.get(pk=whole.pk))

    def apart() -> None:
        services.withdraw(actor=owner, change_id=whole.pk, reason="", now=timezone.now())

    refused = at_once(sign, apart)
    assert sum(isinstance(one, WrongState) for one in refused) == 1
    whole.refresh_from_db()
    budget.refresh_from_db()
    parts = ChangeRequest.objects.filter(pk__in=whole.proposal["parts"])
    states = {one.state for one in parts}
    assert (whole.state, states, budget.limit) in [
        ("applied", {"applied"}, Decimal(120)),
        ("withdrawn", {"open"}, Decimal(100)),
    ]


def test_a_decision_on_a_part_alone_and_its_bundling() -> None:
    board = make_board()
    stage, (budget, limit) = make_change(board), make_limit_change(board)

    def sign() -> None:
        decide(board, "finance", ChangeRequest.objects.get(pk=limit.pk))

    refused = at_once(sign, lambda: bundle_up(board, stage, limit))
    assert sum(one is not None for one in refused) == 1
    limit.refresh_from_db()
    is_raised = Budget.objects.get(pk=budget.pk).limit == Decimal(120)
    assert (limit.state, is_raised) in {("applied", True), ("bundled", False)}
