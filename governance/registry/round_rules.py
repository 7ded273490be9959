"""How a scoring round moves. Pure."""

from __future__ import annotations

from governance.kernel.transitions import Edge, TransitionTable

MOST_ASSESSORS = 7
SCORING_ROUNDS = TransitionTable(
    "ScoringRound.state",
    "open",
    (
        Edge("open", "reveal", "revealed", "Placet", "the last score is in"),
        Edge("open", "close_early", "revealed", "its lead", "with a reason, one score is in"),
        Edge("revealed", "agree", "agreed", "its lead", "with values and their rationale"),
        Edge("open", "give_up", "given_up", "its lead", "with a reason"),
        Edge("revealed", "give_up", "given_up", "its lead", "with a reason"),
    ),
)
UNDECIDED = ("open", "revealed")
# In these everybody who sees the use case reads what each assessor said.
SHOWN = ("revealed", "agreed")
