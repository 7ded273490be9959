"""A bundle as a change of its own: its parts are looked at, decided on and applied together.

The request of the bundle has no approval: each part gets one of exactly its content, as if it
had been granted alone, so whoever asks for an approval finds it where it always was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse

from governance.access.models import Team
from governance.approvals.bundle_models import Bundle
from governance.approvals.bundle_rules import strictest
from governance.approvals.deciding import put_in_force
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.moving import (
    locked_subject,
    move,
    tell_proposer,
    tell_signatories,
    write_event,
)
from governance.approvals.planning import policy_for
from governance.approvals.registries import ChangeSubject, Evidence, PartRefused, change_subjects
from governance.approvals.staleness import evidence_of
from governance.kernel.authority import Actor
from governance.kernel.canonical import digest
from governance.kernel.errors import PlacetError, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404

# What becomes of the parts when the request of their bundle closes without being granted.
PARTS_FOLLOW = {"withdraw": "unbundle", "reject": "reject", "expire": "expire"}
SYSTEM = Actor.system("approvals")


class BundleSubject:
    """Several requests of one proposer, applied all or none."""

    kind = "bundle"
    label = "Bundle"

    def find(self, subject_id: int) -> Bundle:
        found: Bundle = get_or_404(Bundle.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: Bundle, proposal: dict[str, Any]) -> dict[str, Any]:
        """What every part proposes, by the part's number, and in which order they are applied."""
        parts = {
            str(part.pk): kind.snapshot(thing, part.proposal)
            for part, kind, thing in _all(proposal)
        }
        return {"order": list(proposal["parts"]), "parts": parts}

    def base(self, subject: Bundle, proposal: dict[str, Any]) -> dict[str, Any]:
        parts = {
            str(part.pk): kind.base(thing, part.proposal) for part, kind, thing in _all(proposal)
        }
        return {"parts": parts}

    def tier(self, subject: Bundle, proposal: dict[str, Any]) -> RiskTier:
        tiers = [kind.tier(thing, part.proposal) for part, kind, thing in _all(proposal)]
        return max(tiers, key=lambda one: one.level)

    def team(self, subject: Bundle) -> Team | None:
        """The team that all parts are of; none signs for a part that is another's."""
        parts = subject.parts.select_related("team")
        teams = {part.team for part in parts}
        return teams.pop() if len(teams) == 1 else None

    def authors(self, subject: Bundle, proposal: dict[str, Any]) -> set[int]:
        """Who is in conflict with one part is with all of them."""
        return set().union(
            *(kind.authors(thing, part.proposal) for part, kind, thing in _all(proposal))
        )

    def missing(self, subject: Bundle, proposal: dict[str, Any]) -> list[str]:
        return [
            f"for “{part.title}”: {one}"
            for part, kind, thing in _all(proposal)
            for one in kind.missing(thing, part.proposal)
        ]

    def evidence(self, subject: Bundle, proposal: dict[str, Any]) -> list[Evidence]:
        return [
            replace(
                one,
                label=f"{number}. {one.label}",
                key=f"{part.pk}:{one.key}" if one.key else "",
            )
            for number, (part, kind, thing) in enumerate(_all(proposal), 1)
            for one in evidence_of(kind, thing, part.proposal)
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        """Nothing of its own: `apply_parts` does it."""

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing of its own: each part's approval ends by itself."""

    def url(self, subject: Bundle) -> str:
        return reverse("approvals:detail", args=[subject.change_id])

    def check_can_propose(self, actor: Actor, subject: Bundle) -> None:
        for part in subject.parts.order_by("pk"):
            kind = change_subjects[part.kind]
            kind.check_can_propose(actor, kind.find(part.subject_id))

    def policy(self, subject: Bundle, proposal: dict[str, Any], tier: RiskTier) -> ApprovalPolicy:
        """The strictest of the parts' policies, written down as one that nobody else uses."""
        policies = [
            policy_for(part.kind, kind.tier(thing, part.proposal))
            for part, kind, thing in _all(proposal)
        ]
        return _made_of(policies, tier)

    def lock_parts(self, change: ChangeRequest) -> None:
        """Their subjects, always in the same order."""
        for part in _parts(change).order_by("kind", "subject_id"):
            locked_subject(part)

    def apply_parts(self, change: ChangeRequest, actor: Actor, now: datetime) -> None:
        """Each under an approval of its own; raises PartRefused, and then none is applied."""
        locked = {part.pk: part for part in _parts(change).select_for_update(of=("self",))}
        for number, pk in enumerate(change.proposal["parts"], 1):
            try:
                _apply_part(locked[pk], change, actor, now)
            except (PlacetError, IntegrityError) as refused:
                why = refused.message if isinstance(refused, PlacetError) else str(refused)
                raise PartRefused(number, locked[pk].title, why) from refused

    def close_parts(self, change: ChangeRequest, action: str, actor: Actor, now: datetime) -> None:
        """Refused and expired with their bundle; free again when the proposer takes it apart."""
        for part in _parts(change).select_for_update(of=("self",)).order_by("pk"):
            if PARTS_FOLLOW[action] == "unbundle":
                _free(part, change, actor, now)
                continue
            part.closed_at = now
            move(part, PARTS_FOLLOW[action], actor, now, reason="With its bundle.")

    def write_refusal(self, change_id: int, refused: PartRefused, now: datetime) -> None:
        """On the request, after the transaction in which nothing was applied."""
        with transaction.atomic():
            bundle = Bundle.objects.select_for_update(of=("self",)).get(change=change_id)
            bundle.not_applied_because, bundle.not_applied_at = refused.message[:1000], now
            bundle.save(update_fields=["not_applied_because", "not_applied_at"])
            change = ChangeRequest.objects.select_related("proposer").get(pk=change_id)
            write_event(SYSTEM, "bundle.not_applied", change, now, reason=refused.message)
            tell_proposer(change, f"Could not be applied: {change.title}", now)


def _parts(change: ChangeRequest) -> Any:
    parts = ChangeRequest.objects.filter(bundle=change.subject_id, state="bundled")
    return parts.select_related("policy", "proposer", "team")


def _all(proposal: dict[str, Any]) -> Iterator[tuple[ChangeRequest, ChangeSubject, Any]]:
    """The parts in their order, each with its kind and its subject."""
    found = ChangeRequest.objects.in_bulk(proposal["parts"])
    for pk in proposal["parts"]:
        kind = change_subjects[found[pk].kind]
        yield found[pk], kind, kind.find(found[pk].subject_id)


def _apply_part(part: ChangeRequest, whole: ChangeRequest, actor: Actor, now: datetime) -> None:
    """Exactly what was decided on with the bundle, which may be newer than the part's opening."""
    kind = change_subjects[part.kind]
    missing = kind.missing(kind.find(part.subject_id), part.proposal)
    if missing:
        raise WrongState("Still missing: " + " ".join(missing))
    part.snapshot = whole.snapshot["parts"][str(part.pk)]
    part.base = whole.base["parts"][str(part.pk)]
    part.digest, part.base_digest = digest(part.snapshot), digest(part.base)
    part.closed_at = now
    part.save()
    move(part, "apply", actor, now)
    put_in_force(part, actor, now, until=now + timedelta(days=part.policy.validity_days))


def _free(part: ChangeRequest, whole: ChangeRequest, actor: Actor, now: datetime) -> None:
    """Open again; the time it spent in the bundle does not count."""
    spent = now - whole.opened_at
    part.due_at, part.expires_at, part.bundle = part.due_at + spent, part.expires_at + spent, None
    move(part, "unbundle", actor, now)
    part.save(update_fields=["due_at", "expires_at", "bundle"])
    tell_signatories(part, now)


def _made_of(policies: list[ApprovalPolicy], tier: RiskTier) -> ApprovalPolicy:
    """One of the same content if there is one. Never active: nobody opens anything under it."""
    asked = strictest((one.sign_offs, one.decision_hours, one.validity_days) for one in policies)
    content = {
        "sign_offs": asked.sign_offs,
        "decision_hours": asked.decision_hours,
        "validity_days": asked.validity_days,
        "veto": sorted({role for one in policies for role in one.veto}),
    }
    versions = ApprovalPolicy.objects.versions_of(BundleSubject.kind, tier)
    same = versions.filter(**content).first()
    if same is not None:
        return same
    latest: int = versions.aggregate(Max("version"))["version__max"] or 0
    facts = {"kind": BundleSubject.kind, "tier": tier, "version": latest + 1, "active": False}
    try:
        with transaction.atomic():
            return ApprovalPolicy.objects.create(**facts, **content)
    except IntegrityError:
        raise WrongState(
            "Nothing was opened: another bundle was being made at the same time. Try again."
        ) from None
