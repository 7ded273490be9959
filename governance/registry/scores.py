"""What the page of a use case shows of its scores and rounds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.kernel.authority import Actor
from governance.registry.assessments import can_assess
from governance.registry.models import Score, UseCase
from governance.registry.round_rules import UNDECIDED
from governance.registry.scoring_content import ModelContent
from governance.registry.scoring_models import contents_of, model_in_force


def scoring_of(use_case: UseCase, actor: Actor, now: datetime) -> dict[str, Any]:
    """Scores, the one that counts first, each with the words of its own version."""
    found = use_case.scores.deciding_first().select_related("assessor")
    scores = list(found)
    contents = contents_of(one.model_version for one in scores)
    version, _ = model_in_force()
    rounds = list(use_case.scoring_rounds.select_related("lead")[:10])
    return {
        "scores": [shown(one, contents[one.model_version], version) for one in scores],
        "rounds": rounds,
        "may_open": can_assess(actor, use_case)
        and not any(one.state in UNDECIDED for one in rounds),
    }


def shown(score: Score, content: ModelContent, version: int) -> dict[str, Any]:
    """A score with its dimensions: word, points, and the sentence if it has one of its own."""
    points = score.points
    return {
        "score": score,
        "is_older": score.model_version != version,
        "dimensions": [
            {
                "side": one.kind,
                "word": one.title,
                "points": points[one.key],
                "means": one.words[points[one.key] - 1],
                "why": score.rationales.get(one.key, ""),
            }
            for one in content.dimensions
            if one.key in points
        ],
    }
