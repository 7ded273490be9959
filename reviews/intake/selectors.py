"""Rules in force now and then, and what they ask of calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from django.db.models import OuterRef, QuerySet, Subquery

from reviews.intake.models import IntakeRuleVersion
from reviews.intake.rules import CallFacts, Rule
from telemetry.ledger.models import Call


def newest_versions() -> QuerySet[IntakeRuleVersion]:
    """The last version of every rule, active or not, in the order in which they are asked."""
    last = IntakeRuleVersion.objects.filter(rule=OuterRef("rule")).order_by("-number")
    found = IntakeRuleVersion.objects.filter(pk=Subquery(last.values("pk")[:1]))
    return found.select_related("rule", "queue").order_by("position", "rule__slug")


def active_versions() -> QuerySet[IntakeRuleVersion]:
    return newest_versions().filter(is_active=True)


def rules_in_force() -> tuple[Rule, ...]:
    """One query."""
    return tuple(one.as_rule() for one in active_versions())


@dataclass(frozen=True)
class Standing:
    """A version with the time in which it was in force; `until` is None for the newest."""

    version: IntakeRuleVersion
    rule: Rule
    since: datetime
    until: datetime | None

    def holds_at(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


def standings() -> list[Standing]:
    """Every active version there ever was, with its time; one query."""
    versions = IntakeRuleVersion.objects.select_related("rule", "queue").order_by("rule", "number")
    every = list(versions)
    found = []
    for one, following in zip_longest(every, every[1:]):
        follows = following is not None and following.rule_id == one.rule_id
        until = following.at if follows and following is not None else None
        if one.is_active:
            found.append(Standing(one, one.as_rule(), one.at, until))
    return found


def rules_at(every: Iterable[Standing], moment: datetime) -> list[Standing]:
    return [one for one in every if one.holds_at(moment)]


def facts_of(call: Call) -> CallFacts:
    """Of a call whose use case is read already."""
    return CallFacts(
        call_id=call.pk,
        use_case=call.use_case.slug,
        tier=call.use_case.tier or "high",
        sensitivity=call.sensitivity,
        mode=call.mode,
        findings=findings_of(call.findings),
        confidence=call.confidence,
    )


def findings_of(findings: Iterable[dict[str, object]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one.get("code", "")), str(one.get("rule", ""))) for one in findings)
