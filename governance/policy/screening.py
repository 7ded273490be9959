"""The screening in force, and what it would do to a text that somebody tries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache, lru_cache

from governance.kernel.canonical import canonical_bytes
from governance.kernel.terms import RiskTier, Sensitivity, highest
from governance.policy.matching import NamedSet, RuleMatch, Screening, raised
from governance.policy.models import RuleSet, RuleSetVersion
from governance.policy.personal_data import Redactor
from governance.policy.rule_content import read_content
from governance.policy.rules import obligations
from governance.policy.starting_rules import STARTING_SETS


@cache
def starting_screening() -> Screening:
    """What holds where nothing was installed: never no rules at all."""
    return Screening(NamedSet(one.slug, 1, one.screen, one.content) for one in STARTING_SETS)


def screening_in_force() -> Screening:
    """Every active version, made ready; the starting sets stand in for those not installed.

    Making rules ready takes half a second: the same rules are made ready once in a process.
    """
    known = {*RuleSet.objects.values_list("slug", flat=True)}
    if not known:
        return starting_screening()
    found = RuleSetVersion.objects.in_force().select_related("rule_set")
    starting = (one for one in starting_screening().sets if one.slug not in known)
    return _made_ready((*map(_named, found), *starting))


def _named(one: RuleSetVersion) -> NamedSet:
    said = canonical_bytes({"rules": one.rules, "tests": one.tests})
    return _read(one.rule_set.slug, one.version, one.rule_set.screen, said)


@lru_cache(maxsize=64)
def _read(slug: str, version: int, screen: str, said: bytes) -> NamedSet:
    return NamedSet(slug, version, screen, read_content(json.loads(said)))


@lru_cache(maxsize=4)
def _made_ready(sets: tuple[NamedSet, ...]) -> Screening:
    return Screening(sets)


@dataclass(frozen=True)
class Shown:
    """What a text becomes: what a model would see, what was replaced, which rules matched."""

    texts: tuple[str, ...]
    sensitivity: Sensitivity
    redactor: Redactor
    matches: tuple[RuleMatch, ...] = field(default=())


def replaced(
    screening: Screening, texts: list[str], sensitivity: Sensitivity, tier: RiskTier
) -> Shown:
    """Replace personal data as the sensitivity obliges that the texts themselves show.

    What is found may raise the sensitivity, and a higher one may oblige to look for more: it is
    asked again until it stays, which is at most once for each step of the scale.
    """
    while True:
        obliged = obligations(sensitivity, tier).redact
        redactor = Redactor(obliged, screening)
        seen = tuple(redactor.redact(text) for text in texts)
        shows = highest(sensitivity, *(screening.raises_to(one) for one in redactor.counts))
        if obligations(shows, tier).redact == obliged:
            return Shown(seen, shows, redactor)
        sensitivity = shows


def tried(screening: Screening, text: str, source: str, sensitivity: Sensitivity) -> Shown:
    """What would happen to one text from that source; nothing is kept."""
    matches = tuple(screening.scan(text, source))
    shown = replaced(screening, [text], raised(matches, sensitivity), RiskTier.HIGH)
    return Shown(shown.texts, shown.sensitivity, shown.redactor, matches)
