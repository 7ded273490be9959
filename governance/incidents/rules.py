"""States of an incident, and the starting playbook. Pure."""

from __future__ import annotations

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
        Edge("reviewed", "close", "closed", "a safety officer", "every step done or skipped"),
        Edge("closed", "reopen", "confirmed", "a safety officer"),
    ),
)


def kinds_to_prepare_for(sensitivity: Sensitivity) -> tuple[str, ...]:
    """Kinds of incident that need a playbook before content of that sensitivity is served."""
    is_regulated = sensitivity == Sensitivity.REGULATED
    return ("safety_breach", "data_leakage") if is_regulated else ("safety_breach",)


SEVERITIES = ("low", "medium", "high", "critical")

SAFETY_BREACH = {
    "slug": "safety-breach",
    "title": "Safety breach",
    "kind": "safety_breach",
    "steps": [
        {"phase": "check", "text": "Read the calls concerned: what left, to whom, since when?"},
        {"phase": "check", "text": "Say whether persons were or could be harmed."},
        {"phase": "contain", "text": "Use the kill switch, or roll the release back."},
        {"phase": "contain", "text": "Keep the system unaltered for evaluation."},
        {"phase": "communicate", "text": "Tell the use case's owner and its users."},
        {"phase": "communicate", "text": "Decide with compliance which authority must be told."},
        {"phase": "recover", "text": "Approve a corrected prompt, model or oversight."},
        {"phase": "recover", "text": "Resume, with every answer held for the first day."},
        {"phase": "learn", "text": "Write the post-mortem and give its actions owners."},
    ],
}
