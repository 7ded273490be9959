"""How far an accepted call is: which stages it has passed, and what it waits for."""

from __future__ import annotations

from typing import Any

from telemetry.ledger.models import Call

# A place in the line is not promised: retries, holds and leases make any number a guess.
WAITS_FOR = {
    "admitted": "a worker",
    "running": "the model",
    "held": "a person's decision",
}


def progress_of(call: Call) -> dict[str, Any]:
    """The stage reached, what is waited for, and the trail without its notes."""
    trail = [{"stage": one["stage"], "outcome": one["outcome"]} for one in call.stage_trail]
    return {
        "reached": trail[-1]["stage"] if trail else None,
        "waits_for": WAITS_FOR.get(call.state),
        "is_over": call.state not in WAITS_FOR,
        "stages": trail,
    }
