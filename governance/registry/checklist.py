"""What is asked for in the ten phases, which gate needs it, and where an item stands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from governance.registry.rules import PHASES, Stage

LONGEST_WAIVER = timedelta(days=180)


@dataclass(frozen=True)
class Asked:
    """One thing to do: the gate to `stage` needs it. Some of it nobody can waive."""

    key: str
    phase: str
    text: str
    stage: Stage
    is_waivable: bool = True


ASKED = (
    Asked("outcome", "planning", "Outcome and owner agreed", Stage.APPROVED),
    Asked("concerned", "planning", "Those concerned named and asked", Stage.APPROVED),
    Asked("alternatives", "planning", "Ways without a model compared", Stage.APPROVED),
    Asked("lawful-basis", "data", "Data named, with its lawful basis", Stage.APPROVED),
    Asked("least-data", "data", "Only the data that the task needs is sent", Stage.PILOT),
    Asked("retention", "data", "How long calls are kept agreed", Stage.PILOT),
    Asked("model", "model selection", "Model chosen from approved cards", Stage.PILOT),
    Asked(
        "terms", "model selection", "Provider's terms read: training, region, keeping", Stage.PILOT
    ),
    Asked("fit", "architecture", "Pattern and serving fit latency and load", Stage.PILOT),
    Asked("outage", "architecture", "Tried with the model away", Stage.PRODUCTION),
    Asked("prompt", "prompting", "Prompt written and approved", Stage.PRODUCTION),
    Asked("injection", "prompting", "Orders hidden in inputs tried", Stage.PRODUCTION),
    Asked(
        "evaluation",
        "evaluation",
        "Evaluated on real examples, with the result",
        Stage.PRODUCTION,
        is_waivable=False,
    ),
    Asked("fairness", "evaluation", "Results compared between groups", Stage.PRODUCTION),
    Asked("oversight", "safety", "Human oversight set", Stage.PILOT),
    Asked("abuse", "safety", "Abuse cases tried", Stage.PILOT),
    Asked("reviewers", "safety", "Reviewers know the guideline and when to say no", Stage.PILOT),
    Asked("limits", "deployment", "Budget and rate limits set", Stage.PILOT),
    Asked("roll-back", "deployment", "Roll-back tried", Stage.PRODUCTION),
    Asked("fallback", "operations", "Fallback described", Stage.PILOT),
    Asked("on-call", "operations", "Who is on call known", Stage.PRODUCTION),
    Asked("drift", "operations", "Drift and quality watched against thresholds", Stage.PRODUCTION),
    Asked("told", "governance", "Users told that a model answers", Stage.PILOT),
    Asked("playbooks", "governance", "Playbooks read by the team", Stage.PRODUCTION),
)
BY_KEY = {one.key: one for one in ASKED}
EVALUATION = "evaluation"


class ItemState(StrEnum):
    """Where an item stands; only done and waived let a gate pass."""

    OPEN = "open"
    DONE = "done"
    WAIVED = "waived"
    RAN_OUT = "waiver ran out"


SETTLED = frozenset({ItemState.DONE, ItemState.WAIVED})


def state_of(*, is_done: bool, waived_until: date | None, today: date) -> ItemState:
    """Done stays done; a waiver holds to the end of its last day."""
    if is_done:
        return ItemState.DONE
    if waived_until is None:
        return ItemState.OPEN
    return ItemState.WAIVED if today <= waived_until else ItemState.RAN_OUT


def is_waivable(key: str) -> bool:
    """What is not asked by us, but was written for one use case, can be waived."""
    return BY_KEY[key].is_waivable if key in BY_KEY else True


def in_order(phase: str) -> int:
    """The place of a phase, for sorting; an unknown one comes last."""
    return PHASES.index(phase) if phase in PHASES else len(PHASES)


def is_link(text: str) -> bool:
    """Whether it leads to a page of this product or to an address under https."""
    if any(one.isspace() or one in "\\<>\"'" or not one.isprintable() for one in text):
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def last_waiver_day(today: date) -> date:
    return today + LONGEST_WAIVER
