"""Which rule takes a call, and which calls its sample draws. Pure.

Rules are asked in their order; the first that matches, and whose share draws the call, takes it.
A draw is the SHA-256 of the call's id and the rule's version, so anybody can derive it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Effect(StrEnum):
    ROUTE = "route"
    HOLD = "hold"
    AFTER = "after"


EFFECT_WORDS = {
    Effect.ROUTE: "what is held anyway comes to this queue",
    Effect.HOLD: "it is held, and comes to this queue",
    Effect.AFTER: "it is delivered, and judged afterwards in this queue",
}


@dataclass(frozen=True)
class CallFacts:
    """What the rules may ask of a call; `findings` are (code, rule or empty)."""

    call_id: UUID
    use_case: str
    tier: str
    sensitivity: str
    mode: str
    findings: tuple[tuple[str, str], ...] = ()
    confidence: Decimal | None = None


@dataclass(frozen=True)
class Conditions:
    """All that are named must hold; an empty one is no condition.

    `confidence_below` also holds where the confidence is not known.
    """

    use_cases: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    sensitivities: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    finding_rules: tuple[str, ...] = ()
    confidence_below: Decimal | None = None

    def misses(self, call: CallFacts) -> list[str]:
        """The names of the conditions that this call does not meet."""
        found = [
            name
            for name, wanted, has in (
                ("use_cases", self.use_cases, {call.use_case}),
                ("tiers", self.tiers, {call.tier}),
                ("sensitivities", self.sensitivities, {call.sensitivity}),
                ("modes", self.modes, {call.mode}),
                ("findings", self.findings, {code for code, _ in call.findings}),
                ("finding_rules", self.finding_rules, {rule for _, rule in call.findings}),
            )
            if wanted and not has & set(wanted)
        ]
        below, is_known = self.confidence_below, call.confidence is not None
        if below is not None and is_known and call.confidence >= below:  # type: ignore[operator]  # known
            found.append("confidence_below")
        return found


@dataclass(frozen=True)
class Rule:
    """One version of one rule, as it was in force. `share` in percent; `queue` is its id."""

    slug: str
    number: int
    position: int
    conditions: Conditions
    effect: str
    share: Decimal
    queue: int
    priority: int = 0

    @property
    def name(self) -> str:
        return f"{self.slug}@{self.number}"

    def draws(self, call_id: UUID) -> bool:
        return point_of(call_id, self.name) < self.share / 100

    def takes(self, call: CallFacts) -> bool:
        return not self.conditions.misses(call) and self.draws(call.call_id)


def point_of(call_id: UUID, name: str) -> Decimal:
    """Where the call falls between 0 and 1 (never 1) for that version of the rule."""
    first = hashlib.sha256(f"{call_id}:{name}".encode()).digest()[:8]
    return Decimal(int.from_bytes(first, "big")) / 2**64


def taking(rules: Iterable[Rule], call: CallFacts, *effects: Effect) -> Rule | None:
    """The first rule with one of these effects that takes the call."""
    ordered = sorted(rules, key=lambda one: (one.position, one.slug))
    return next((one for one in ordered if one.effect in effects and one.takes(call)), None)
