"""Scores, datasets, and answers of the intake."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.registry import assessments, scoring
from governance.registry.models import Dataset, Score, UseCase
from governance.registry.scoring_content import STARTING
from tests.factories.ledger import NOW, make_person

_numbers = count(1)


def score(use_case: UseCase, owner: User, impact: int = 4, effort: int = 2) -> Score:
    return assessments.record_score(
        actor=Actor.person(owner),
        use_case=use_case,
        impact=dict.fromkeys(scoring.IMPACT, impact),
        effort=dict.fromkeys(scoring.EFFORT, effort),
        rationales=dict.fromkeys(STARTING.keys, "Measured on last year's work."),
        now=NOW,
    )


def score_answers(points: int = 3) -> dict[str, Any]:
    """What the scores' form sends."""
    whys = {f"{key}_why": f"Why {key}." for key in STARTING.keys}
    return dict.fromkeys(STARTING.keys, points) | whys


def make_dataset(sensitivity: str = "internal", **facts: Any) -> Dataset:
    given = {"name": f"Dataset {next(_numbers)}", "source": "Archive", "sensitivity": sensitivity}
    if "owner" not in facts:
        facts["owner"] = make_person()
    return Dataset.objects.create(**(given | facts))


def queries(act: Callable[[], object]) -> int:
    """How many queries `act` needs."""
    with CaptureQueriesContext(connection) as counted:
        act()
    return len(counted)


def tier_of(use_case: UseCase) -> str:
    """The tier that decides, as it is stored."""
    return UseCase.objects.get(pk=use_case.pk).tier
