"""A retired use case asks for no more money. Its budget stays: what is booked, is booked."""

from __future__ import annotations

from datetime import datetime

from governance.approvals.models import ChangeRequest
from governance.approvals.registries import Consequence
from governance.approvals.withdrawing import withdraw_undecided
from governance.registry.models import UseCase
from governance.registry.registries import Retirement
from telemetry.chargeback.models import BudgetProposal


def _subjects(use_case: UseCase) -> dict[str, list[int]]:
    """By kind of change: its budgets, and those that are asked for."""
    asked = BudgetProposal.objects.filter(use_case=use_case)
    return {
        "budget": list(use_case.budgets.values_list("pk", flat=True)),
        "new_budget": list(asked.values_list("pk", flat=True)),
    }


def count(use_case: UseCase, now: datetime) -> list[Consequence]:
    undecided = ChangeRequest.objects.undecided()
    open_ones = sum(
        undecided.filter(kind=kind, subject_id__in=subjects).count()
        for kind, subjects in _subjects(use_case).items()
    )
    return [Consequence("open change", open_ones)]


def carry_out(use_case: UseCase, reason: str, now: datetime) -> None:
    for kind, subjects in _subjects(use_case).items():
        withdraw_undecided(kind=kind, subject_ids=subjects, reason=reason, now=now)


BUDGETS = Retirement(count, carry_out)
