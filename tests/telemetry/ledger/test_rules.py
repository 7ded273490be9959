"""Every arrow of the call, and every arrow that is not there."""

from __future__ import annotations

import pytest

from governance.kernel.errors import WrongState
from telemetry.ledger.rules import CALL_STATES, VERDICT_ACTIONS

EDGES = {(edge.source, edge.action): edge.target for edge in CALL_STATES.edges}
ACTIONS = sorted({action for _, action in EDGES})


@pytest.mark.parametrize(("source", "action"), sorted(EDGES))
def test_an_arrow_leads_to_its_state(source: str, action: str) -> None:
    assert CALL_STATES.target(source, action) == EDGES[(source, action)]


@pytest.mark.parametrize(
    ("source", "action"),
    [(s, a) for s in CALL_STATES.states for a in ACTIONS if (s, a) not in EDGES],
)
def test_what_is_no_arrow_is_refused(source: str, action: str) -> None:
    with pytest.raises(WrongState):
        CALL_STATES.target(source, action)


def test_every_end_is_final() -> None:
    finals = {
        "delivered",
        "blocked",
        "failed",
        "released",
        "corrected",
        "rejected",
        "expired",
        "degraded",
    }
    assert set(CALL_STATES.final_states) == finals


def test_each_verdict_is_the_state_its_arrow_leads_to() -> None:
    assert all(CALL_STATES.target("held", a) == v for v, a in VERDICT_ACTIONS.items())
