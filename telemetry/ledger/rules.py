"""What a call goes through, and the kinds of money line. Pure."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class CallState(StrEnum):
    ADMITTED = "admitted"
    RUNNING = "running"
    DELIVERED = "delivered"
    HELD = "held"
    BLOCKED = "blocked"
    FAILED = "failed"
    RELEASED = "released"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    EXPIRED = "expired"
    # No model answered, and the use case's approved text for that was delivered.
    DEGRADED = "degraded"


# The geometric mean of the answer's token probabilities; a second model's own figure.
CONFIDENCE_METHODS = ("token_probability", "judge")


class CallMode(StrEnum):
    """How the caller waits: for the answer, for a worker, not at all (history), or inside Placet."""

    SYNC = "sync"
    ASYNC = "async"
    REPLAY = "replay"
    INTERNAL = "internal"


class CallSource(StrEnum):
    """Whether the call was made here, or is history from somewhere else."""

    LIVE = "live"
    REPLAYED = "replayed"


class EntrySource(StrEnum):
    """Where a money line comes from: a call made here, loaded history, or a person's time."""

    LIVE = "live"
    REPLAYED = "replayed"
    REVIEW = "review"


class Outcome(StrEnum):
    """What the gateway settles a call with."""

    DELIVER = "deliver"
    HOLD = "hold"
    BLOCK = "block"
    FAIL = "fail"
    DEGRADE = "degrade"


class EntryKind(StrEnum):
    USAGE = "usage"
    ALLOCATION = "allocation"
    ADJUSTMENT = "adjustment"
    CREDIT = "credit"
    REVIEW = "review"


OPEN_STATES = (CallState.ADMITTED, CallState.RUNNING)
# The only states in which anybody outside may read the answer (invariant 3).
ANSWERED_STATES = (
    CallState.DELIVERED,
    CallState.RELEASED,
    CallState.CORRECTED,
    CallState.DEGRADED,
)
# What the model wrote left as it was.
ACCEPTED_STATES = (CallState.DELIVERED, CallState.RELEASED)

_GATEWAY = "the gateway"
_PERSON = "a reviewer"

# Domain draws admitted → running → …; a call refused while it is admitted (switch, budget,
# input screen) or lost before it started never runs, hence block and fail from admitted. A
# worker that is lost leaves a running call that another takes over: resume.
CALL_STATES = TransitionTable(
    "Call.state",
    CallState.ADMITTED,
    (
        Edge("admitted", "start", "running", _GATEWAY, "its budget is held"),
        Edge("admitted", "block", "blocked", _GATEWAY, "a rule refuses it before it runs"),
        Edge("admitted", "fail", "failed", _GATEWAY, "it cannot run, or its lease ran out"),
        Edge("running", "resume", "running", "the sweeper", "the lease of its worker ran out"),
        Edge("running", "deliver", "delivered", _GATEWAY, "every screen passed, nothing holds it"),
        Edge("running", "hold", "held", _GATEWAY, "a person must look first"),
        Edge("running", "block", "blocked", _GATEWAY, "a rule refuses the output"),
        Edge("running", "fail", "failed", _GATEWAY, "no provider answered"),
        Edge("admitted", "degrade", "degraded", _GATEWAY, "no deployment may be asked now"),
        Edge(
            "running", "degrade", "degraded", _GATEWAY, "no provider answered; a text is approved"
        ),
        Edge("held", "release", "released", _PERSON, "it may leave as it is"),
        Edge("held", "correct", "corrected", _PERSON, "their own text leaves instead"),
        Edge("held", "reject", "rejected", _PERSON, "nothing leaves"),
        Edge("held", "expire", "expired", "retention", "nobody decided while it was kept"),
    ),
)

# What a reviewer's verdict is called, and the arrow it takes.
VERDICT_ACTIONS = {
    "released": "release",
    "corrected": "correct",
    "rejected": "reject",
    "expired": "expire",
}


# What a call's digest is taken over, as calls that are settled now have it; see digests.py.
DIGEST_VERSION = 2


class ErasureState(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    FINISHED = "finished"


ERASURE_STATES = TransitionTable(
    "Erasure.state",
    ErasureState.REQUESTED,
    (
        Edge("requested", "run", "running", "a worker"),
        Edge("running", "run", "running", "a worker", "the next calls"),
        Edge("running", "finish", "finished", "a worker", "no call of it is left"),
    ),
)


def end_user_hash(end_user: str) -> str:
    """An end user's identifier as calls carry it; empty for none."""
    return hashlib.sha256(end_user.encode()).hexdigest() if end_user else ""
