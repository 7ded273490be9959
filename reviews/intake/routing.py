"""Where a held answer goes, and whether a rule holds one that would leave."""

from __future__ import annotations

from collections.abc import Iterable

from reviews.intake.models import Intake
from reviews.intake.rules import CallFacts, Effect, Rule, taking
from reviews.intake.selectors import active_versions, facts_of
from reviews.queues.models import ReviewItem
from reviews.queues.registries import Route
from telemetry.ledger.models import Call


def route(call: Call) -> Route | None:
    """The queue of the first rule that takes this held call; None where none does."""
    versions = {
        one.as_rule().name: one
        for one in active_versions().select_related("queue__sla__calendar", "rule")
    }
    facts = facts_of(call)
    rule = taking([one.as_rule() for one in versions.values()], facts, Effect.ROUTE, Effect.HOLD)
    if rule is None:
        return None
    version = versions[rule.name]

    def keep(item: ReviewItem) -> None:
        Intake.objects.create(item=item, version=version)

    return Route(version.queue, version.priority, keep)


def why_held(rules: Iterable[Rule], facts: CallFacts) -> str:
    """The reason, if a rule holds it; else empty. `rules` are those in force."""
    rule = taking(rules, facts, Effect.HOLD)
    return f"The intake rule “{rule.slug}”, version {rule.number}, holds it." if rule else ""
