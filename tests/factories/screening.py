"""Rules of the screens, signed the way they are."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from governance.approvals.models import ChangeRequest
from governance.approvals.services import decide
from governance.kernel.authority import Actor
from governance.policy.models import RuleSet
from governance.policy.rule_sets import content_in_force, propose_rules
from tests.factories.ledger import make_person

INNOCENT = "Nothing to see here."


def one_rule(
    key: str, pattern: str, *, example: str = "", reads: Any = ("user", "tool"), **more: Any
) -> dict[str, Any]:
    """A proposal of one rule with its tests; the example is what it must find."""
    found = example or pattern.replace(r"\b", "").replace(r"\S+", "x")
    rule = {"key": key, "title": key, "pattern": pattern, "reads": list(reads)} | more
    tests = [
        {"text": one, "rule": name, "reads": reads[0]}
        for one, name in ((found, key), (INNOCENT, ""))
    ]
    return {"rules": [rule], "tests": tests}


def propose(slug: str, proposal: dict[str, Any], actor: Actor | None = None) -> ChangeRequest:
    return propose_rules(
        actor=actor or Actor.person(make_person("safety")),
        rule_set=RuleSet.objects.get(slug=slug),
        proposal=proposal,
        reason="It was seen in a test of ours.",
        now=timezone.now(),
    )


def with_more(slug: str, proposal: dict[str, Any]) -> dict[str, Any]:
    """What is in force, and these rules and tests beside it."""
    _, content = content_in_force(RuleSet.objects.get(slug=slug))
    live = content.as_proposal()
    return {name: [*live[name], *proposal[name]] for name in ("rules", "tests")}


def sign(change: ChangeRequest) -> ChangeRequest:
    """By whoever could sign when it was opened."""
    signed: set[int] = set()
    for slot in change.slots.all():
        person = slot.eligible.exclude(pk__in=signed).order_by("pk")[0]
        signed.add(person.pk)
        decide(
            actor=Actor.person(person),
            change_id=change.pk,
            outcome="approve",
            rationale="Read.",
            digest_seen=change.digest,
            now=timezone.now(),
        )
    change.refresh_from_db()
    return change


def sign_rules(slug: str, proposal: dict[str, Any]) -> ChangeRequest:
    """These rules in the place of those in force."""
    for role in ("board", "compliance"):
        make_person(role)
    change = sign(propose(slug, proposal))
    assert change.state == "applied", change.state
    return change
