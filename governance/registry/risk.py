"""The risk questionnaire and its rules: the tier with every rule that gave it. Pure.

Areas follow EU AI Act Annex III and Articles 5 and 50 in our own words.
"""

from __future__ import annotations

from dataclasses import dataclass

from governance.kernel.terms import RiskTier

VERSION = 1

QUESTIONS: dict[str, str] = {
    "prohibited": "Would it manipulate people, score them socially, or infer emotions at work or school?",
    "essential": "Does it influence access to jobs, education, credit, insurance or benefits?",
    "biometric": "Does it identify or categorise people by their body or voice?",
    "justice": "Is it used in policing, migration, courts or democratic processes?",
    "infrastructure": "Is it a safety part of critical infrastructure or of a regulated product?",
    "decides": "Does it decide about a person without another person looking first?",
    "harm": "Could a wrong answer harm somebody's health, rights or livelihood?",
    "public": "Do people outside the organisation see its answers?",
    "personal": "Does it process personal data?",
    "acts": "Can it act in other systems by itself?",
}


@dataclass(frozen=True)
class Rule:
    """If all these answers are yes, the tier is at least that."""

    code: str
    needs: tuple[str, ...]
    tier: RiskTier
    because: str


RULES: tuple[Rule, ...] = (
    Rule("R1", ("prohibited",), RiskTier.UNACCEPTABLE, "A prohibited practice (AI Act, Art. 5)."),
    Rule("R2", ("essential",), RiskTier.HIGH, "An Annex III area: access to essential services."),
    Rule("R3", ("biometric",), RiskTier.HIGH, "An Annex III area: biometrics."),
    Rule("R4", ("justice",), RiskTier.HIGH, "An Annex III area: law, migration or justice."),
    Rule("R5", ("infrastructure",), RiskTier.HIGH, "A safety component (AI Act, Art. 6)."),
    Rule("R6", ("harm", "decides"), RiskTier.HIGH, "Harm is possible and nobody looks first."),
    Rule("R7", ("harm",), RiskTier.LIMITED, "A wrong answer could harm somebody."),
    Rule("R8", ("public",), RiskTier.LIMITED, "People must be told (AI Act, Art. 50)."),
    Rule("R9", ("personal",), RiskTier.LIMITED, "Personal data is processed."),
    Rule("R10", ("acts",), RiskTier.LIMITED, "It acts in other systems."),
)


@dataclass(frozen=True)
class Assessed:
    """The tier and all rules that fired, the strictest first."""

    tier: RiskTier
    fired: tuple[Rule, ...]


def assess(answers: dict[str, bool]) -> Assessed:
    """The strictest tier of all rules whose answers are yes; none fired is minimal."""
    fired = [rule for rule in RULES if all(answers.get(one) for one in rule.needs)]
    fired.sort(key=lambda rule: -rule.tier.level)
    return Assessed(fired[0].tier if fired else RiskTier.MINIMAL, tuple(fired))
