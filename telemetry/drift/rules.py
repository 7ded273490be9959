"""What is watched, what a check goes through, and which settings make sense. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from governance.kernel.transitions import Edge, TransitionTable


class Measure(StrEnum):
    OUTPUT_LENGTH = "output_length"
    VALIDATION_FAILURES = "validation_failures"
    CORRECTED_SHARE = "corrected_share"
    EDIT_DISTANCE = "edit_distance"

    @property
    def label(self) -> str:
        return _LABELS.get(self.value) or self.value.replace("_", " ").capitalize()

    @property
    def counted(self) -> str:
        """What a window holds."""
        return _COUNTED.get(self.value, "calls")

    @property
    def is_distribution(self) -> bool:
        """Whole numbers against each other; otherwise two shares."""
        return self.value in ("output_length", "edit_distance")


_LABELS = {
    "corrected_share": "Share of decided answers corrected",
    "edit_distance": "Edit distance of corrections",
}
_COUNTED = {"corrected_share": "decisions", "edit_distance": "corrections"}


class CheckState(StrEnum):
    DUE = "due"
    RUNNING = "running"
    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    INSUFFICIENT_DATA = "insufficient_data"
    FAILED = "failed"


OPEN_STATES = (CheckState.DUE, CheckState.RUNNING)
FINAL_STATES = tuple(state for state in CheckState if state not in OPEN_STATES)

_WORKER = "the worker that runs it"

DRIFT_CHECK_STATES = TransitionTable(
    "DriftCheck.state",
    CheckState.DUE,
    (
        Edge("due", "start", "running", "a worker", "no other worker has taken it"),
        Edge("running", "report_stable", "stable", _WORKER, "no difference that matters is there"),
        Edge("running", "report_warning", "warning", _WORKER, "half the threshold is reached"),
        Edge(
            "running", "report_drift", "drift", _WORKER, "the threshold is reached, not by chance"
        ),
        Edge(
            "running",
            "report_insufficient_data",
            "insufficient_data",
            _WORKER,
            "a window holds too few calls to tell",
        ),
        Edge(
            "running", "fail", "failed", "a worker", "the calls could not be read, or it was lost"
        ),
    ),
)

# The smallest differences that count unless a monitor says otherwise; detectors.py has sources.
DEFAULT_THRESHOLDS = {
    Measure.OUTPUT_LENGTH: Decimal("0.1"),
    Measure.VALIDATION_FAILURES: Decimal("0.05"),
    # Ten more of a hundred answers that people change; a fifth of the corrections moved.
    Measure.CORRECTED_SHARE: Decimal("0.1"),
    Measure.EDIT_DISTANCE: Decimal("0.2"),
}

# Setting → lowest and highest value, and its unit in words.
BOUNDS: dict[str, tuple[Decimal, Decimal, str]] = {
    "reference_days": (Decimal(1), Decimal(366), "days"),
    "current_days": (Decimal(1), Decimal(90), "days"),
    "minimum_sample": (Decimal(20), Decimal(1_000_000), "calls"),
    "threshold": (Decimal("0.01"), Decimal(1), ""),
    "interval_minutes": (Decimal(5), Decimal(43_200), "minutes"),
}


def out_of_bounds(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Setting → what is wrong with it, in a sentence; empty if all fit."""
    wrong = {}
    for name, (lowest, highest, unit) in BOUNDS.items():
        if name in settings and not lowest <= settings[name] <= highest:
            wrong[name] = [f"From {lowest} to {highest} {unit}".rstrip() + "."]
    return wrong


@dataclass(frozen=True)
class Span:
    """From (inclusive) until (exclusive)."""

    starts_at: datetime
    ends_at: datetime


def windows(now: datetime, reference_days: int, current_days: int) -> tuple[Span, Span]:
    """The reference window and the current one that follows it up to now, without overlap."""
    between = now - timedelta(days=current_days)
    return Span(between - timedelta(days=reference_days), between), Span(between, now)
