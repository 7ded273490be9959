"""How often reviewers changed what a prompt's versions said, and how much of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

LEAST = 20
"""Decisions below which a rate is not said to be high or low."""


@dataclass(frozen=True)
class Thumbs:
    """What end users said of answers of a version."""

    up: int = 0
    down: int = 0

    @property
    def total(self) -> int:
        return self.up + self.down

    def says(self, least: int = LEAST) -> str:
        """The share that is up; with too few that they are too few."""
        if not self.total:
            return "nobody said anything"
        if self.total < least:
            return f"too few to tell: {self.up} of {self.total} up"
        return f"{self.up / self.total:.0%} of {self.total:,} up"


@dataclass(frozen=True)
class VersionFigures:
    """Of one version: final decisions, how many corrected it, and by how many characters."""

    number: int
    label: str
    decisions: int
    corrected: int
    characters: float | None
    low: float = 0.0
    high: float = 1.0
    # Mean share of the answer that a correction changed, 0 to 1, and over how many corrections.
    distance: float | None = None
    measured: int = 0
    thumbs: Thumbs = field(default_factory=Thumbs)

    @property
    def rate(self) -> float | None:
        return self.corrected / self.decisions if self.decisions else None

    def is_enough(self, least: int = LEAST) -> bool:
        return self.decisions >= least

    def says(self, least: int = LEAST) -> str:
        """The rate in words: with too few decisions that they are too few, never that all is well."""
        if self.rate is None:
            return "no decision yet"
        if not self.is_enough(least):
            return f"too few decisions to tell: {self.corrected} of {self.decisions} corrected"
        return f"{self.rate:.0%} corrected ({self.low:.0%} to {self.high:.0%})"

    def asks_for_revision(self, percent: int, least: int) -> bool:
        """Whether the share of corrections has reached the threshold, on enough decisions."""
        return self.is_enough(least) and self.corrected * 100 >= percent * self.decisions
