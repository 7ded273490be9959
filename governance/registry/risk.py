"""The rules of risk: the tier and the EU AI Act class, each with every rule that gave it. Pure.

The tier is ours and says how strictly we treat a use case; the class is the law's (Regulation (EU)
2024/1689 as amended by 2026/1744, in our own words, to be confirmed against the Official Journal).
The two go together one way only: a class asks for at least its tier (`FLOOR`), while a tier may
be higher for reasons that the law does not name. The exceptions of Art. 6(3) are not offered:
they lower a class by one more answer, and that is a lawyer's judgement, not a form's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from governance.kernel.terms import RiskTier
from governance.registry import questionnaire

VERSION = questionnaire.VERSION
QUESTIONS = questionnaire.texts_of(VERSION)


class ActClass(StrEnum):
    """What the AI Act calls a use case, from least to most."""

    MINIMAL = "minimal"
    TRANSPARENCY = "transparency"
    HIGH_RISK = "high_risk"
    PROHIBITED = "prohibited"

    @property
    def level(self) -> int:
        return list(ActClass).index(self)


# The tier that a class asks for at least.
FLOOR: dict[ActClass, RiskTier] = {
    ActClass.MINIMAL: RiskTier.MINIMAL,
    ActClass.TRANSPARENCY: RiskTier.LIMITED,
    ActClass.HIGH_RISK: RiskTier.HIGH,
    ActClass.PROHIBITED: RiskTier.UNACCEPTABLE,
}
CLASS_WORDS: dict[ActClass, str] = {
    ActClass.MINIMAL: "Minimal: the AI Act asks for nothing but AI literacy (Art. 4)",
    ActClass.TRANSPARENCY: "Transparency duties (Art. 50)",
    ActClass.HIGH_RISK: "High-risk (Art. 6)",
    ActClass.PROHIBITED: "Prohibited practice (Art. 5)",
}
# When the duties of a basis begin; the product shows them as to be confirmed.
APPLIES_FROM: dict[str, date] = {
    "Art. 5": date(2025, 2, 2),
    "Art. 5, as amended": date(2026, 12, 2),
    "Art. 50": date(2026, 8, 2),
    "Annex III": date(2027, 12, 2),
    "Annex I": date(2028, 8, 2),
}


@dataclass(frozen=True)
class Rule:
    """If all these answers are yes, tier and class are at least those."""

    code: str
    needs: tuple[str, ...]
    tier: RiskTier
    because: str
    act_class: ActClass = ActClass.MINIMAL
    basis: str = ""
    area: str = ""

    @property
    def applies_from(self) -> date | None:
        return APPLIES_FROM.get(self.basis)


def _prohibited(code: str, practice: str, why: str, basis: str = "Art. 5") -> Rule:
    needs = ("prohibited", practice) if practice else ("prohibited",)
    because = f"A prohibited practice (AI Act, Art. 5){why}."
    return Rule(code, needs, RiskTier.UNACCEPTABLE, because, ActClass.PROHIBITED, basis)


def _area(code: str, needs: tuple[str, ...], area: str) -> Rule:
    because = f"An Annex III area: {area}."
    return Rule(code, needs, RiskTier.HIGH, because, ActClass.HIGH_RISK, "Annex III", area)


def _told(code: str, needs: tuple[str, ...], because: str) -> Rule:
    return Rule(code, needs, RiskTier.LIMITED, because, ActClass.TRANSPARENCY, "Art. 50")


RULES: tuple[Rule, ...] = (
    _prohibited("R1", "", ""),
    _prohibited("R1.1", "manipulates", ": manipulation"),
    _prohibited("R1.2", "exploits", ": use of a weakness"),
    _prohibited("R1.3", "scores_people", ": social scoring"),
    _prohibited("R1.4", "predicts_crime", ": crime predicted from a profile"),
    _prohibited("R1.5", "scrapes_faces", ": faces scraped"),
    _prohibited("R1.6", "infers_emotions", ": emotions at work or school"),
    _prohibited("R1.7", "sorts_by_body", ": sensitive traits from bodies"),
    _prohibited("R1.8", "identifies_live", ": live identification in public"),
    _prohibited("R1.9", "abuses_images", ": abusive pictures", "Art. 5, as amended"),
    _area("R2", ("essential",), "access to jobs, education or essential services"),
    _area("R2.1", ("essential", "employment"), "employment"),
    _area("R2.2", ("essential", "education"), "education"),
    _area("R2.3", ("essential", "services"), "essential services"),
    _area("R3", ("biometric",), "biometrics"),
    _area("R4", ("justice",), "law, migration or justice"),
    _area("R4.1", ("justice", "law_enforcement"), "law enforcement"),
    _area("R4.2", ("justice", "migration"), "migration, asylum and border"),
    _area("R4.3", ("justice", "courts"), "justice and democratic processes"),
    Rule(
        "R5",
        ("infrastructure",),
        RiskTier.HIGH,
        "A safety component (AI Act, Art. 6).",
        ActClass.HIGH_RISK,
        "Annex III",
        "critical infrastructure or a regulated product",
    ),
    _area("R5.1", ("infrastructure", "critical"), "critical infrastructure"),
    Rule(
        "R5.2",
        ("infrastructure", "product"),
        RiskTier.HIGH,
        "A product of Annex I, or a safety part of one.",
        ActClass.HIGH_RISK,
        "Annex I",
        "a regulated product",
    ),
    Rule("R6", ("harm", "decides"), RiskTier.HIGH, "Harm is possible and nobody looks first."),
    Rule("R7", ("harm",), RiskTier.LIMITED, "A wrong answer could harm somebody."),
    _told("R8", ("public",), "People must be told (AI Act, Art. 50)."),
    _told("R8.1", ("public", "published"), "What is published is marked (AI Act, Art. 50)."),
    _told("R8.2", ("interacts",), "Who talks with it is told that it is a machine (Art. 50)."),
    _told("R8.3", ("biometric", "emotions"), "Who is sorted or read is told (Art. 50)."),
    Rule("R9", ("personal",), RiskTier.LIMITED, "Personal data is processed."),
    Rule("R9.1", ("personal", "special"), RiskTier.LIMITED, "Special categories (GDPR, Art. 9)."),
    Rule(
        "R9.2",
        ("personal", "special", "harm"),
        RiskTier.HIGH,
        "Special categories of personal data, and a wrong answer could harm.",
    ),
    Rule("R10", ("acts",), RiskTier.LIMITED, "It acts in other systems."),
    Rule("R10.1", ("acts", "irreversible"), RiskTier.HIGH, "What it does cannot be undone."),
)


@dataclass(frozen=True)
class Assessed:
    """Tier and class, all rules that fired (the strictest first), and what was not counted."""

    tier: RiskTier
    act_class: ActClass
    fired: tuple[Rule, ...]
    ignored: tuple[str, ...]

    @property
    def areas(self) -> tuple[str, ...]:
        """The Annex III areas and products by name."""
        return tuple(rule.area for rule in self.fired if rule.area)


def assess(answers: Mapping[str, bool]) -> Assessed:
    """The strictest of all rules whose answers are yes and were asked; none fired is minimal."""
    yes = questionnaire.relevant_yes(answers)
    hit = [rule for rule in RULES if yes.issuperset(rule.needs)]
    fired = [rule for rule in hit if not any(_says_more(other, rule) for other in hit)]
    fired.sort(key=lambda rule: (-rule.tier.level, -rule.act_class.level))
    return Assessed(
        tier=max((rule.tier for rule in fired), key=_level, default=RiskTier.MINIMAL),
        act_class=max((rule.act_class for rule in fired), key=_level, default=ActClass.MINIMAL),
        fired=tuple(fired),
        ignored=questionnaire.ignored(answers),
    )


def _says_more(other: Rule, rule: Rule) -> bool:
    """Whether the other gives the same for the same reason and more: the practice, the area."""
    is_narrower = set(other.needs) > set(rule.needs)
    return is_narrower and (other.tier, other.act_class) == (rule.tier, rule.act_class)


def _level(word: RiskTier | ActClass) -> int:
    return word.level
