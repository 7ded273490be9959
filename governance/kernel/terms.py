"""Words that more than one app decides by. Pure: no Django, no clock."""

from __future__ import annotations

from enum import StrEnum


class Sensitivity(StrEnum):
    """How much harm a disclosure would do, from least to most."""

    PUBLIC = "public"
    INTERNAL = "internal"
    REGULATED = "regulated"

    @property
    def level(self) -> int:
        """0 for public, rising; two sensitivities compare by it."""
        return list(Sensitivity).index(self)

    def permits(self, content: Sensitivity) -> bool:
        """Whether content of that sensitivity may go where this is the ceiling."""
        return content.level <= self.level


def highest(*sensitivities: Sensitivity) -> Sensitivity:
    """The most sensitive of those given; at least one must be given."""
    return max(sensitivities, key=lambda one: one.level)


class RiskTier(StrEnum):
    """What a use case may do to people if it goes wrong."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"
    UNACCEPTABLE = "unacceptable"

    @property
    def level(self) -> int:
        return list(RiskTier).index(self)


class Environment(StrEnum):
    """Where a release serves."""

    STAGING = "staging"
    PRODUCTION = "production"


class Oversight(StrEnum):
    """Which outputs wait for a person before they leave."""

    NONE = "none"
    SAMPLED = "sampled"
    LOW_CONFIDENCE = "low_confidence"
    ON_FINDING = "on_finding"
    ALL = "all"
