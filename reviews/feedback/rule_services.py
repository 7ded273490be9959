"""Write feedback rules. Each change is a new version with a reason; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.kernel.terms import name_fault
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from reviews.feedback.models import FeedbackRule, FeedbackRuleVersion
from reviews.feedback.rules import Thumb
from reviews.intake.naming import KEPT, locked_or_new
from reviews.queues.models import Queue
from reviews.queues.upkeep import manages_all_queues

RESERVED = frozenset({"new"})
MOST_NAMES = 50
MOST_OPEN = 10_000


@dataclass(frozen=True)
class RuleFacts:
    """What a version says; without thumbs or use cases it is about all of them."""

    name: str
    queue: Queue
    use_cases: Sequence[str] = ()
    thumbs: Sequence[str] = (Thumb.DOWN,)
    with_text: bool = False
    with_correction: bool = False
    share: Decimal = Decimal(100)
    most_open: int = 50
    priority: int = 0
    position: int = 50


def check_can_write(actor: Actor) -> None:
    if not manages_all_queues(actor):
        raise NotAllowed(
            "Nothing was saved: a feedback rule takes reviewers' time from other answers, so a "
            "safety officer or a review lead of the whole organisation writes it."
        )


@transaction.atomic
def write_rule(
    *, actor: Actor, facts: RuleFacts, reason: str, now: datetime, slug: str = "", seen: int = 0
) -> FeedbackRuleVersion:
    """A new rule, or the next version of the one at `slug`; it holds for feedback from now on.

    `seen` is the number of the version that was edited; raises Conflict when a newer one has come.
    """
    check_can_write(actor)
    conditions = _check(facts, reason)
    rule: FeedbackRule = locked_or_new(FeedbackRule, slug, facts.name, now, reserved=RESERVED)
    last = rule.versions.order_by("-number").first()
    if seen and last is not None and last.number != seen:
        raise Conflict(f"Nothing was overwritten: somebody wrote version {last.number} meanwhile.")
    made = FeedbackRuleVersion(
        rule=rule,
        number=last.number + 1 if last else 1,
        is_active=True,
        conditions=conditions,
        reason=reason.strip()[:300],
        by_label=actor.label[:200],
        at=now,
        **{name: getattr(facts, name) for name in _PLAIN},
    )
    made.save(force_insert=True)
    _record(actor, "feedback_rule.changed" if last else "feedback_rule.created", made, last, now)
    return made


_PLAIN = ("position", "share", "most_open", "queue", "priority")


@transaction.atomic
def end_rule(*, actor: Actor, slug: str, reason: str, now: datetime) -> FeedbackRuleVersion:
    """It takes nothing that is given from now on; what it took stays with its reviewers."""
    check_can_write(actor)
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    rule: FeedbackRule = get_or_404(FeedbackRule.objects.select_for_update(), slug=slug)
    last = rule.versions.order_by("-number").first()
    if last is None or not last.is_active:
        raise WrongState("Nothing was changed: this rule takes nothing already.")
    made = FeedbackRuleVersion(
        rule=rule,
        number=last.number + 1,
        is_active=False,
        reason=reason.strip()[:300],
        by_label=actor.label[:200],
        at=now,
        **{name: getattr(last, name) for name in (*_PLAIN, "conditions")},
    )
    made.save(force_insert=True)
    _record(actor, "feedback_rule.ended", made, last, now)
    return made


def _facts(version: FeedbackRuleVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "version": version.number,
        "active": version.is_active,
        "position": version.position,
        "conditions": version.conditions,
        "share": f"{version.share:.3f}",
        "most_open": version.most_open,
        "queue": version.queue.slug,
        "priority": version.priority,
    }


def _record(
    actor: Actor,
    action: str,
    made: FeedbackRuleVersion,
    last: FeedbackRuleVersion | None,
    now: datetime,
) -> None:
    record(
        actor=actor,
        action=action,
        subject=made.rule,
        now=now,
        before=_facts(last),
        after=_facts(made),
        reason=made.reason,
    )


def _check(facts: RuleFacts, reason: str) -> dict[str, Any]:
    """The conditions as they are kept. Raises Invalid with fields."""
    problems: dict[str, list[str]] = {}
    name = facts.name.strip()
    fault = name_fault(name)
    if not name or len(name) > 100 or fault:
        problems["name"] = [fault or "Give it a name of at most 100 characters."]
    if not Decimal(0) < facts.share <= 100 or facts.share != round(facts.share, 3):
        problems["share"] = ["More than 0 and at most 100 percent, with at most three decimals."]
    for field, low, high in (
        ("most_open", 1, MOST_OPEN),
        ("priority", -100, 100),
        ("position", 0, 999),
    ):
        if not low <= getattr(facts, field) <= high:
            problems[field] = [f"From {low:,} to {high:,}."]
    if not reason.strip():
        problems["reason"] = ["Say why; it stands in the history."]
    if set(facts.thumbs) - set(Thumb):
        problems["thumbs"] = ["“up”, “down” or both."]
    if len(facts.use_cases) > MOST_NAMES:
        problems["use_cases"] = [f"At most {MOST_NAMES}."]
    known = set(UseCase.objects.filter(slug__in=facts.use_cases).values_list("slug", flat=True))
    if strangers := [one for one in facts.use_cases if one not in known]:
        problems["use_cases"] = [f"There is no use case {', '.join(map(str, strangers))}."]
    if problems:
        raise Invalid(KEPT, fields=problems)
    kept = {
        "use_cases": list(facts.use_cases),
        "thumbs": sorted(facts.thumbs),
        "with_text": facts.with_text,
        "with_correction": facts.with_correction,
    }
    return {name: value for name, value in kept.items() if value}
