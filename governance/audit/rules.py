"""States of a pack. Pure."""

from __future__ import annotations

from enum import StrEnum

from governance.kernel.transitions import Edge, TransitionTable


class PackState(StrEnum):
    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


PACK_STATES = TransitionTable(
    "AuditPack.state",
    PackState.REQUESTED,
    (
        Edge("requested", "build", "building", "the worker"),
        Edge("building", "build", "building", "the worker", "an earlier build was cut off"),
        Edge("building", "finish", "ready", "the worker"),
        Edge("building", "fail", "failed", "the worker", "with the reason"),
        Edge("ready", "expire", "expired", "the housekeeping job"),
    ),
)
