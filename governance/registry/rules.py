"""Stages of a use case and what each next one needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class Stage(StrEnum):
    PROPOSED = "proposed"
    ASSESSED = "assessed"
    APPROVED = "approved"
    PILOT = "pilot"
    PRODUCTION = "production"
    RETIRED = "retired"


USE_CASE_STAGES = TransitionTable(
    "UseCase.stage",
    Stage.PROPOSED,
    (
        Edge("proposed", "assessed", "assessed", "the approvals engine", "scores and risk are in"),
        Edge("assessed", "approved", "approved", "the approvals engine", "data and oversight set"),
        Edge("approved", "pilot", "pilot", "the approvals engine", "metric, fallback, disclosure"),
        Edge("pilot", "production", "production", "the approvals engine", "measured results"),
        Edge("approved", "retired", "retired", "the approvals engine"),
        Edge("pilot", "retired", "retired", "the approvals engine"),
        Edge("production", "retired", "retired", "the approvals engine"),
    ),
)
SERVING_STAGES = frozenset({Stage.PILOT, Stage.PRODUCTION})

PHASES = (
    "planning",
    "data",
    "model selection",
    "architecture",
    "prompting",
    "evaluation",
    "safety",
    "deployment",
    "operations",
    "governance",
)


@dataclass(frozen=True)
class GateFacts:
    """What a gate looks at."""

    has_framework: bool = False
    scores: int = 0
    is_assessed: bool = False
    sensitivity: str = "internal"
    datasets: int = 0
    has_disclosure: bool = False
    has_fallback: bool = False
    metrics_with_target: int = 0
    metrics_measured: int = 0
    open_items: int = 0


def missing_for(target: str, facts: GateFacts) -> list[str]:
    """What the gate before `target` misses, in words; empty when it may be proposed."""
    if target == Stage.RETIRED:
        return []
    order = list(Stage)
    reached = order[1 : order.index(Stage(target)) + 1]
    return [text for stage in reached for met, text in _GATES[stage](facts) if not met]


def _assessed(facts: GateFacts) -> list[tuple[bool, str]]:
    return [
        (facts.has_framework, "the answers to the decision framework."),
        (facts.scores > 0, "at least one impact and effort score."),
        (facts.is_assessed, "the risk assessment."),
    ]


def _approved(facts: GateFacts) -> list[tuple[bool, str]]:
    needs_data = facts.sensitivity != "public"
    return [(facts.datasets > 0 or not needs_data, "a dataset, because its data is not public.")]


def _pilot(facts: GateFacts) -> list[tuple[bool, str]]:
    return [
        (facts.metrics_with_target > 0, "a success metric with baseline and target."),
        (facts.has_disclosure, "the disclosure text for end users."),
        (facts.has_fallback, "the fallback for when no model answers."),
    ]


def _production(facts: GateFacts) -> list[tuple[bool, str]]:
    return [
        (facts.metrics_measured > 0, "a measured value of a success metric."),
        (facts.open_items == 0, f"{facts.open_items} checklist items that are still open."),
    ]


_GATES = {
    Stage.ASSESSED: _assessed,
    Stage.APPROVED: _approved,
    Stage.PILOT: _pilot,
    Stage.PRODUCTION: _production,
}
