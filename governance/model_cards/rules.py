"""States of cards and deployments. Pure."""

from __future__ import annotations

from governance.kernel.transitions import Edge, TransitionTable

CARD_STATES = TransitionTable(
    "ModelCard.state",
    "draft",
    (
        Edge("draft", "approve", "approved", "the approvals engine"),
        Edge("approved", "supersede", "superseded", "the engine", "a newer version is approved"),
        Edge("approved", "withdraw", "withdrawn", "the engine", "its approval has ended"),
        Edge("withdrawn", "approve", "approved", "the approvals engine"),
    ),
)

DEPLOYMENT_STATES = TransitionTable(
    "Deployment.state",
    "proposed",
    (
        Edge("proposed", "approve", "callable", "the approvals engine", "its card is approved"),
        Edge("callable", "approve", "callable", "the approvals engine", "a changed deployment"),
        Edge("callable", "suspend", "suspended", "whoever commands incidents, or the engine"),
        Edge("suspended", "resume", "callable", "whoever commands incidents"),
        Edge("suspended", "approve", "callable", "the approvals engine"),
        Edge("callable", "retire", "retired", "an ML engineer"),
        Edge("suspended", "retire", "retired", "an ML engineer"),
    ),
)

HOSTING = ("hosted", "private", "embedded")
PRICE_KINDS = ("input", "cached_input", "output", "per_call")
