"""Rounds in which several people score, and versions of the scoring model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.registry import rounds
from governance.registry.models import ScoringModel, ScoringRound, UseCase
from governance.registry.scoring_content import STARTING
from governance.registry.scoring_models import install_starting_scoring_model


def make_round(use_case: UseCase, lead: User, *assessors: User, **facts: Any) -> ScoringRound:
    now = timezone.now()
    given: dict[str, Any] = {"due_on": now.date() + timedelta(days=5), "now": now}
    return rounds.open_round(
        actor=Actor.person(lead), use_case=use_case, assessors=assessors, **(given | facts)
    )


def all_points(points: int, **others: int) -> dict[str, int]:
    """The same for every dimension of the starting model, but for those named."""
    return dict.fromkeys(STARTING.keys, points) | others


def reasons(word: str = "Because.") -> dict[str, str]:
    return dict.fromkeys(STARTING.keys, word)


def hand_in(found: ScoringRound, assessor: User, points: int = 3, word: str = "Because.") -> None:
    rounds.hand_in(
        actor=Actor.person(assessor),
        round_id=found.pk,
        points=all_points(points),
        rationales=reasons(word),
        now=timezone.now(),
    )
    found.refresh_from_db()


def agree(found: ScoringRound, lead: User, points: int = 3, **facts: Any) -> Any:
    given: dict[str, Any] = {"points": all_points(points), "rationale": "We talked."}
    return rounds.agree(
        actor=Actor.person(lead), round_id=found.pk, now=timezone.now(), **(given | facts)
    )


def install_model() -> ScoringModel:
    return install_starting_scoring_model(actor=Actor.system("tests"), now=timezone.now())


def other_model(**changes: Any) -> dict[str, Any]:
    """A proposal with two dimensions a side, one of them new."""
    kept = [one.as_facts() for one in STARTING.dimensions if one.key in ("value", "build", "data")]
    new = {
        "key": "trust",
        "title": "Trust of customers",
        "kind": "impact",
        "weight": "1.5",
        "words": ["None", "Some", "Fair", "Much", "All"],
    }
    return {"dimensions": [*kept, new], "threshold": "3.5"} | changes


def replace_model(**changes: Any) -> ScoringModel:
    """The next version in force, without its change request."""
    install_model()
    ScoringModel.objects.filter(active=True).update(active=False)
    version = ScoringModel.objects.order_by("-version")[0].version + 1
    facts = other_model(**changes)
    return ScoringModel.objects.create(version=version, made_at=timezone.now(), **facts)
