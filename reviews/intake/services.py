"""Write intake rules. Each change is a new version with a reason; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier, Sensitivity, name_fault
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from reviews.intake.models import IntakeRule, IntakeRuleVersion
from reviews.intake.naming import KEPT, locked_or_new
from reviews.intake.rules import Effect
from reviews.queues.models import Queue
from reviews.queues.upkeep import manages_all_queues
from telemetry.ledger.rules import CallMode

RESERVED = frozenset({"new", "try", "verify"})
KNOWN: dict[str, Iterable[str]] = {
    "tiers": [one.value for one in RiskTier],
    "sensitivities": [one.value for one in Sensitivity],
    "modes": [one.value for one in CallMode],
}
FREE = ("findings", "finding_rules")
MOST_NAMES = 50


@dataclass(frozen=True)
class RuleFacts:
    """What a version says. `conditions` as kept: lists by name, and `confidence_below`."""

    name: str
    queue: Queue
    effect: str
    conditions: Mapping[str, Any] = field(default_factory=dict)
    share: Decimal = Decimal(100)
    priority: int = 0
    position: int = 50


def check_can_write(actor: Actor) -> None:
    if not manages_all_queues(actor):
        raise NotAllowed(
            "Nothing was saved: an intake rule takes answers from other queues, so a safety officer "
            "or a review lead of the whole organisation writes it."
        )


@transaction.atomic
def write_rule(
    *,
    actor: Actor,
    facts: RuleFacts,
    reason: str,
    now: datetime,
    slug: str = "",
    seen: int = 0,
) -> IntakeRuleVersion:
    """A new rule, or the next version of the one at `slug`; it holds for calls admitted from now.

    `seen` is the number of the version that was edited; raises Conflict when a newer one has come.
    """
    check_can_write(actor)
    conditions = _check(facts, reason)
    rule: IntakeRule = locked_or_new(IntakeRule, slug, facts.name, now, reserved=RESERVED)
    last = rule.versions.order_by("-number").first()
    if seen and last is not None and last.number != seen:
        raise Conflict(f"Nothing was overwritten: somebody wrote version {last.number} meanwhile.")
    made = IntakeRuleVersion(
        rule=rule,
        number=last.number + 1 if last else 1,
        is_active=True,
        position=facts.position,
        conditions=conditions,
        effect=facts.effect,
        share=facts.share,
        queue=facts.queue,
        priority=facts.priority,
        reason=reason.strip()[:300],
        by_label=actor.label[:200],
        at=now,
    )
    made.save(force_insert=True)
    _record(actor, "intake.changed" if last else "intake.created", made, last, now)
    return made


@transaction.atomic
def end_rule(*, actor: Actor, slug: str, reason: str, now: datetime) -> IntakeRuleVersion:
    """It takes nothing that is admitted from now on; what it took stays."""
    check_can_write(actor)
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    rule: IntakeRule = get_or_404(IntakeRule.objects.select_for_update(), slug=slug)
    last = rule.versions.order_by("-number").first()
    if last is None or not last.is_active:
        raise WrongState("Nothing was changed: this rule takes nothing already.")
    names = ("position", "conditions", "effect", "share", "queue", "priority")
    made = IntakeRuleVersion(
        rule=rule,
        number=last.number + 1,
        is_active=False,
        reason=reason.strip()[:300],
        by_label=actor.label[:200],
        at=now,
        **{name: getattr(last, name) for name in names},
    )
    made.save(force_insert=True)
    _record(actor, "intake.ended", made, last, now)
    return made


def version_facts(version: IntakeRuleVersion | None) -> dict[str, Any] | None:
    """For the audit log."""
    if version is None:
        return None
    return {
        "version": version.number,
        "active": version.is_active,
        "position": version.position,
        "conditions": version.conditions,
        "effect": version.effect,
        "share": f"{version.share:.3f}",
        "queue": version.queue.slug,
        "priority": version.priority,
    }


def _record(
    actor: Actor,
    action: str,
    made: IntakeRuleVersion,
    last: IntakeRuleVersion | None,
    now: datetime,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=made.rule,
        now=now,
        before=version_facts(last),
        after=version_facts(made),
        reason=made.reason,
    )


def _check(facts: RuleFacts, reason: str) -> dict[str, Any]:
    """The conditions as they are kept. Raises Invalid with fields."""
    problems: dict[str, list[str]] = {}
    fault = name_fault(facts.name.strip())
    if not facts.name.strip() or len(facts.name.strip()) > 100 or fault:
        problems["name"] = [fault or "Give it a name of at most 100 characters."]
    if facts.effect not in set(Effect):
        problems["effect"] = [f"One of {', '.join(Effect)}."]
    if not Decimal(0) < facts.share <= 100 or facts.share != round(facts.share, 3):
        problems["share"] = ["More than 0 and at most 100 percent, with at most three decimals."]
    if not -100 <= facts.priority <= 100:
        problems["priority"] = ["From -100 to 100."]
    if not 0 <= facts.position <= 999:
        problems["position"] = ["From 0 to 999."]
    if not reason.strip():
        problems["reason"] = ["Say why; it stands in the history."]
    conditions = _conditions(facts, problems)
    if problems:
        raise Invalid(KEPT, fields=problems)
    return conditions


def _conditions(facts: RuleFacts, problems: dict[str, list[str]]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    given = dict(facts.conditions)
    slugs = list(given.pop("use_cases", []))
    known = set(UseCase.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    if strangers := [one for one in slugs if one not in known]:
        problems["use_cases"] = [f"There is no use case {', '.join(map(str, strangers))}."]
    kept["use_cases"] = slugs
    for name, words in KNOWN.items():
        kept[name] = list(given.pop(name, []))
        if set(kept[name]) - set(words):
            problems[name] = [f"Some of {', '.join(words)}."]
    for name in FREE:
        kept[name] = [str(one).strip() for one in given.pop(name, []) if str(one).strip()]
        if len(kept[name]) > MOST_NAMES or any(len(one) > 100 for one in kept[name]):
            problems[name] = [f"At most {MOST_NAMES} of at most 100 characters."]
    kept["confidence_below"] = _confidence(given.pop("confidence_below", None), problems)
    if given:
        problems["conditions"] = [f"There is no condition {', '.join(sorted(given))}."]
    if facts.effect == Effect.AFTER and kept["tiers"]:
        problems["tiers"] = [
            "Name use cases instead: a tier can change, and a sample must be derivable later."
        ]
    return {name: value for name, value in kept.items() if value}


def _confidence(value: Any, problems: dict[str, list[str]]) -> str | None:
    if value in (None, ""):
        return None
    try:
        below = Decimal(str(value))
    except InvalidOperation:
        below = Decimal(-1)
    if not (below.is_finite() and 0 < below <= 1):
        problems["confidence_below"] = ["More than 0 and at most 1."]
    return str(below)
