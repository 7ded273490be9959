"""States of an incident, the facts that start legal clocks, and what they start. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.kernel.terms import Sensitivity
from governance.kernel.transitions import Edge, TransitionTable

INCIDENT_STATES = TransitionTable(
    "Incident.state",
    "reported",
    (
        Edge("reported", "confirm", "confirmed", "a safety officer"),
        Edge("reported", "dismiss", "not_incident", "a safety officer", "with a reason"),
        Edge("confirmed", "contain", "contained", "a safety officer", "a containment acted"),
        Edge("contained", "resolve", "resolved", "a safety officer", "the cause is gone"),
        Edge("resolved", "review", "reviewed", "a safety officer", "with a post-mortem"),
        Edge(
            "reviewed",
            "close",
            "closed",
            "a safety officer",
            "steps dealt with, no clock runs, every action has an owner",
        ),
        Edge("closed", "reopen", "confirmed", "a safety officer", "with a reason"),
    ),
)
OVER = frozenset({"closed", "not_incident"})


def kinds_to_prepare_for(sensitivity: Sensitivity) -> tuple[str, ...]:
    """Kinds of incident that need a playbook before content of that sensitivity is served."""
    is_regulated = sensitivity == Sensitivity.REGULATED
    return ("safety_breach", "data_leakage") if is_regulated else ("safety_breach",)


SEVERITIES = ("low", "medium", "high", "critical")
STEP_OUTCOMES = ("done", "skipped")

FACTS: Mapping[str, str] = {
    "personal_data": "Personal data was breached",
    "serious": "Somebody's health, rights or property was seriously harmed",
    "widespread": "Many people's rights, or critical infrastructure, were hit",
    "death": "A person died",
}


@dataclass(frozen=True)
class ClockToStart:
    """A deadline that an incident starts."""

    code: str
    name: str
    legal_basis: str
    due_at: datetime


def clocks_to_start(
    definitions: Sequence[Mapping[str, Any]],
    facts: Collection[str],
    started: Collection[str],
    aware_at: datetime,
) -> list[ClockToStart]:
    """The clocks that these facts start and that do not run yet.

    Each counts calendar hours from the original awareness, also when a fact is found later.
    """
    return [
        ClockToStart(
            one["code"],
            one["name"],
            one["legal_basis"],
            aware_at + timedelta(hours=one["hours"]),
        )
        for one in definitions
        if one["code"] not in started and (not one["when"] or one["when"] in facts)
    ]


CLOCK_STATES = ("running", "overdue", "met", "met late", "not applicable")


def clock_state(
    due_at: datetime, met_at: datetime | None, waived_at: datetime | None, now: datetime
) -> str:
    """One of CLOCK_STATES."""
    if met_at is not None:
        return "met" if met_at <= due_at else "met late"
    if waived_at is not None:
        return "not applicable"
    return "overdue" if due_at < now else "running"
