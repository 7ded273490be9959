"""Several requests of one proposer, folded into one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from governance.approvals.bundling import make_bundle
from governance.approvals.models import ChangeRequest
from telemetry.chargeback.models import Budget
from telemetry.chargeback.subjects import propose_limit
from tests.factories.approvals import Board, make_change
from tests.factories.chargeback import make_budget


def make_limit_change(board: Board, limit: str = "120") -> tuple[Budget, ChangeRequest]:
    """The owner of the team asks for a higher limit than 100; finance signs it alone."""
    budget = make_budget(board.team)
    change = propose_limit(
        actor=board.actor("owner"),
        budget=budget,
        limit=Decimal(limit),
        reason="More calls.",
        now=timezone.now(),
    )
    return budget, change


def bundle_up(board: Board, *changes: ChangeRequest, **facts: Any) -> ChangeRequest:
    more: dict[str, Any] = {"title": "Stage and money", "reason": "None helps alone."}
    return make_bundle(
        actor=board.actor("owner"),
        change_ids=[one.pk for one in changes],
        now=timezone.now(),
        **(more | facts),
    )


def make_stage_and_limit(board: Board, tier: str = "minimal") -> tuple[ChangeRequest, Budget]:
    """A stage (the board signs) and a limit (finance signs) as one request."""
    stage = make_change(board, tier=tier)
    budget, limit = make_limit_change(board)
    return bundle_up(board, stage, limit), budget
