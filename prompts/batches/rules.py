"""What a batch goes through, and how large one may be. Pure."""

from __future__ import annotations

from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable

MOST_LINES = 20_000
MOST_BYTES = 50_000_000
MOST_LINE_BYTES = 1_000_000
MOST_CALLS_PER_MINUTE = 10_000
MOST_TRIES = 3


class BatchState(StrEnum):
    RECEIVED = "received"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class LineState(StrEnum):
    """Of one line: not sent yet, answered (or held), refused, or never a request at all."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    INVALID = "invalid"


_WORKER = "a worker"
_CALLER = "who uploaded it, or their team"

BATCH_STATES = TransitionTable(
    "Batch.state",
    BatchState.RECEIVED,
    (
        Edge("received", "start", "running", _WORKER, "its first line is due"),
        Edge(
            "running", "pause", "paused", _CALLER, "asked for, or its budget or a switch stops it"
        ),
        Edge("paused", "resume", "running", _CALLER),
        Edge("running", "finish", "finished", _WORKER, "no line waits any more"),
        Edge("received", "cancel", "cancelled", _CALLER),
        Edge("running", "cancel", "cancelled", _CALLER),
        Edge("paused", "cancel", "cancelled", _CALLER),
        Edge("received", "fail", "failed", _WORKER, "its key or its person may call no more"),
        Edge("running", "fail", "failed", _WORKER, "its key or its person may call no more"),
    ),
)

OPEN_STATES = (BatchState.RECEIVED, BatchState.RUNNING)
# Nothing is wrong with the line: the whole batch waits until somebody has looked.
STOPPING = (
    "budget_exceeded",
    "cost_limit_reached",
    "use_case_suspended",
    "approval_not_in_force",
    "no_approved_release",
    "price_unknown",
)
# The next try of the same line may do better.
PASSING = (
    "no_deployment_available",
    "provider_error",
    "provider_timeout",
    "internal_error",
    "lost",
)
