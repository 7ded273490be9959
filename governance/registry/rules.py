"""Stages of a use case and what each next one needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class Stage(StrEnum):
    PROPOSED = "proposed"
    ASSESSED = "assessed"
    APPROVED = "approved"
    PILOT = "pilot"
    PRODUCTION = "production"
    RETIRED = "retired"


_ENDS = "releases, keys and open changes end with it, for good"
USE_CASE_STAGES = TransitionTable(
    "UseCase.stage",
    Stage.PROPOSED,
    (
        Edge("proposed", "assessed", "assessed", "the approvals engine", "scores and risk are in"),
        Edge(
            "assessed", "approved", "approved", "the approvals engine", "data named, none above it"
        ),
        Edge(
            "approved",
            "pilot",
            "pilot",
            "the approvals engine",
            "metric with target, deployment, oversight, disclosure, fallback, its length",
        ),
        Edge(
            "pilot",
            "production",
            "production",
            "the approvals engine",
            "the declared pilot passed, measured results, evaluation, playbook, release in force",
        ),
        Edge("approved", "retired", "retired", "the approvals engine", _ENDS),
        Edge("pilot", "retired", "retired", "the approvals engine", _ENDS),
        Edge("production", "retired", "retired", "the approvals engine", _ENDS),
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


# What apps above answer for the gates; each fills one entry of `gate_evidence`.
EVIDENCE = ("oversight", "playbook", "release", "evaluation")


@dataclass(frozen=True)
class MissingItem:
    """A checklist item that is neither done nor waived now; the gate to `stage` needs it."""

    identifier: int
    phase: str
    text: str
    stage: str
    has_run_out: bool = False


@dataclass(frozen=True)
class GateFacts:
    """What a gate looks at. `gaps` has a sentence per kind of EVIDENCE, empty when it is there.

    `reassess` says why the assessment no longer holds, `prohibited` why nobody may approve it.
    """

    has_framework: bool = False
    scores: int = 0
    is_assessed: bool = False
    reassess: tuple[str, ...] = ()
    prohibited: tuple[str, ...] = ()
    sensitivity: str = "internal"
    datasets: int = 0
    datasets_above: tuple[str, ...] = ()
    has_deployment: bool = False
    has_disclosure: bool = False
    has_notice: bool = False
    has_fallback: bool = False
    metrics_with_target: int = 0
    metrics_measured: int = 0
    items_missing: tuple[MissingItem, ...] = ()
    # None until it has begun a pilot.
    pilot_days: int | None = None
    pilot_days_left: int = 0
    gaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Requirement:
    """One thing a gate asks for; `code` says where it is mended."""

    code: str
    is_met: bool
    text: str


def requirements_for(target: str, facts: GateFacts) -> list[Requirement]:
    """Everything that the gates up to `target` ask for; retiring asks for nothing."""
    if target == Stage.RETIRED:
        return []
    order = list(Stage)
    reached = order[1 : order.index(Stage(target)) + 1]
    return [one for stage in reached for one in _asked(stage, facts)]


def _asked(stage: Stage, facts: GateFacts) -> list[Requirement]:
    items = _checklist(stage, facts) if stage in ITEMS_FROM else []
    return _GATES[stage](facts) + items


def missing_for(target: str, facts: GateFacts) -> list[str]:
    """What the gate before `target` misses, in words; empty when it may be proposed."""
    return [one.text for one in requirements_for(target, facts) if not one.is_met]


def _assessed(facts: GateFacts) -> list[Requirement]:
    return [
        Requirement("pattern", facts.has_framework, "the answers to the decision framework."),
        Requirement("scores", facts.scores > 0, "at least one impact and effort score."),
        Requirement("risk", facts.is_assessed, "the risk assessment."),
        *_holding(facts),
    ]


def _holding(facts: GateFacts) -> list[Requirement]:
    """Of what was assessed: that it holds, and that the law does not prohibit it."""
    if not facts.is_assessed:
        return []
    again = f"a new risk assessment: {'; '.join(facts.reassess)}."
    forbidden = f"a use that is allowed; nobody may approve this one: {' '.join(facts.prohibited)}"
    return [
        Requirement(
            "risk", not facts.reassess, again if facts.reassess else "an assessment that holds."
        ),
        Requirement(
            "risk",
            not facts.prohibited,
            forbidden if facts.prohibited else "no practice that the AI Act prohibits.",
        ),
    ]


def _approved(facts: GateFacts) -> list[Requirement]:
    named = facts.datasets > 0 or facts.sensitivity == "public"
    above = facts.datasets_above
    text = (
        f"data within its sensitivity: {', '.join(above)} is above {facts.sensitivity}."
        if above
        else f"no dataset above its sensitivity, {facts.sensitivity}."
    )
    return [
        Requirement("data", named, "a dataset, because its data is not public."),
        Requirement("data", not above, text),
    ]


def _pilot(facts: GateFacts) -> list[Requirement]:
    deployment = f"an approved deployment that may see {facts.sensitivity} content."
    return [
        Requirement(
            "metrics", facts.metrics_with_target > 0, "a success metric with baseline and target."
        ),
        Requirement("deployment", facts.has_deployment, deployment),
        _evidence(facts, "oversight", "the oversight that its risk tier asks for."),
        Requirement("telemetry", True, "telemetry: every governed call is recorded and billed."),
        Requirement("data", facts.has_disclosure, "the disclosure text for end users."),
        Requirement("data", facts.has_fallback, "the fallback for when no model answers."),
    ]


def _production(facts: GateFacts) -> list[Requirement]:
    measured = facts.metrics_measured > 0
    return [
        _lasted(facts),
        Requirement("metrics", measured, "a value of a success metric, measured in the pilot."),
        _evidence(facts, "evaluation", "an evaluation with its result."),
        Requirement(
            "disclosure", facts.has_notice, "an approved notice in force for its end users."
        ),
        _evidence(facts, "playbook", "the playbooks for what may go wrong with it."),
        _evidence(facts, "release", "a release in force."),
    ]


def _lasted(facts: GateFacts) -> Requirement:
    """The pilot ran as long as its proposal said."""
    if facts.pilot_days is None:
        return Requirement("pilot", False, "a pilot that was decided on.")
    days, left = facts.pilot_days, facts.pilot_days_left
    if left:
        text = f"the whole pilot: {left} of its {days} days {'is' if left == 1 else 'are'} left."
        return Requirement("pilot", False, text)
    return Requirement("pilot", True, f"a pilot of its declared length, {days} days.")


def _checklist(stage: Stage, facts: GateFacts) -> list[Requirement]:
    """Each item that this gate needs and does not have, or one line that nothing is missing."""
    missing = [one for one in facts.items_missing if one.stage == stage]
    lines = [
        Requirement(
            f"item-{one.identifier}",
            False,
            f"{one.text} ({one.phase}{'; its waiver ran out' if one.has_run_out else ''}).",
        )
        for one in missing
    ]
    return lines or [Requirement("checklist", True, _ALL_DONE)]


_ALL_DONE = "its part of the checklist."
ITEMS_FROM = frozenset({Stage.APPROVED, Stage.PILOT, Stage.PRODUCTION})


def _evidence(facts: GateFacts, code: str, met: str) -> Requirement:
    gap = facts.gaps[code]
    return Requirement(code, not gap, gap or met)


_GATES: dict[Stage, Callable[[GateFacts], list[Requirement]]] = {
    Stage.ASSESSED: _assessed,
    Stage.APPROVED: _approved,
    Stage.PILOT: _pilot,
    Stage.PRODUCTION: _production,
}
