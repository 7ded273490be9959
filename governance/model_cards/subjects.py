"""How cards and deployments are decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.approvals.standing import supersede_others
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import plain
from governance.kernel.errors import NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.model_cards.models import DECIDED_FACTS, Deployment, ModelCard
from governance.model_cards.pricing import PriceUnknown
from governance.model_cards.rules import CARD_STATES, DEPLOYMENT_STATES
from governance.model_cards.selectors import prices_on
from governance.model_cards.vendor_subject import (
    proposed_vendor,
    vendor_evidence,
    vendor_missing,
)

TIER_BY_CEILING = {
    "public": RiskTier.MINIMAL,
    "internal": RiskTier.LIMITED,
    "regulated": RiskTier.HIGH,
}


def _check_author(actor: Actor) -> None:
    if not actor.may(Permission.MODEL_AUTHOR):
        raise NotAllowed("Nothing was opened: ML engineers propose cards and deployments.")


def _writers(subject: ModelCard | Deployment, *actions: str) -> set[int]:
    """Who wrote any of it, from its own events: none of them signs."""
    events = timeline_for(subject).filter(action__in=actions, actor_kind="person")
    return {subject.author_id, *map(int, events.values_list("actor_id", flat=True))}


class CardSubject:
    """A version of a model card."""

    kind = "model_card"
    label = "Model card"

    def find(self, subject_id: int) -> ModelCard:
        card: ModelCard = get_or_404(ModelCard.objects.select_related("author"), pk=subject_id)
        return card

    def snapshot(self, subject: ModelCard, proposal: dict[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = plain(subject.content())
        return content

    def base(self, subject: ModelCard, proposal: dict[str, Any]) -> dict[str, Any]:
        live = ModelCard.objects.filter(slug=subject.slug, state="approved").first()
        return plain(live.content()) if live else {}

    def tier(self, subject: ModelCard, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier.LIMITED

    def team(self, subject: ModelCard) -> Team | None:
        return None

    def authors(self, subject: ModelCard, proposal: dict[str, Any]) -> set[int]:
        return _writers(subject, "model_card.created", "model_card.changed")

    def missing(self, subject: ModelCard, proposal: dict[str, Any]) -> list[str]:
        needed = ("licence", "intended_use", "out_of_scope_use", "training_data", "limitations")
        return [
            f"the card's {name.replace('_', ' ')}."
            for name in needed
            if not getattr(subject, name).strip()
        ]

    def evidence(self, subject: ModelCard, proposal: dict[str, Any]) -> list[Evidence]:
        results = len(subject.evaluation_results)
        return [
            Evidence("Evaluation results", f"{results} benchmarks" if results else None),
            Evidence("Bias findings", "described" if subject.bias_findings else None),
            Evidence("Source", subject.source_url or None, url=subject.source_url),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        card = self.find(change.subject_id)
        others = ModelCard.objects.filter(slug=card.slug).exclude(pk=card.pk)
        for older in others.filter(state="approved"):
            older.state = CARD_STATES.target(older.state, "supersede")
            older.save(update_fields=["state"])
        supersede_others(approval, list(others.values_list("pk", flat=True)), now)
        Deployment.objects.filter(card__in=others.exclude(state="draft")).update(card=card)
        card.state = CARD_STATES.target(card.state, "approve")
        card.save(update_fields=["state"])

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Withdraw it; a suspended approval that is revoked or runs out finds it withdrawn."""
        card = self.find(approval.subject_id)
        if card.state == "approved":
            card.state = CARD_STATES.target(card.state, "withdraw")
            card.save(update_fields=["state"])

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        """The version in force, and which deployments it will lose to the new one."""
        card = self.find(change.subject_id)
        others = ModelCard.objects.filter(slug=card.slug).exclude(pk=card.pk)
        moved = Deployment.objects.filter(card__in=others.exclude(state="draft"))
        return {
            "in_force": list(others.filter(state="approved").values_list("pk", flat=True)),
            "deployments": [list(pair) for pair in moved.values_list("pk", "card")],
        }

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        """The card is withdrawn; the version before it and its deployments are as they were."""
        self.end(approval, actor, now, "")
        standing = Approval.objects.filter(kind=self.kind, state="in_force")
        earlier = ModelCard.objects.filter(pk__in=remembered["in_force"], state="superseded")
        for card in earlier.filter(pk__in=standing.values("subject_id")):
            card.state = CARD_STATES.target(card.state, "reinstate")
            card.save(update_fields=["state"])
        for deployment, card_id in remembered["deployments"]:
            still = Deployment.objects.filter(pk=deployment, card=change.subject_id)
            still.update(card=card_id)

    def resume(self, approval: Approval, actor: Actor, now: datetime) -> None:
        card = self.find(approval.subject_id)
        card.state = CARD_STATES.target(card.state, "approve")
        card.save(update_fields=["state"])

    def url(self, subject: ModelCard) -> str:
        return reverse("model_cards:card", args=[subject.pk])

    def check_can_propose(self, actor: Actor, subject: ModelCard) -> None:
        _check_author(actor)
        if not CARD_STATES.allows(subject.state, "approve"):
            raise WrongState(
                f"Nothing was opened: {subject} is {subject.state}. Write a new version of it."
            )


class DeploymentSubject:
    """A place to call a model."""

    kind = "deployment"
    label = "Deployment"

    def find(self, subject_id: int) -> Deployment:
        found: Deployment = get_or_404(
            Deployment.objects.select_related("card", "author", "vendor"), pk=subject_id
        )
        return found

    def snapshot(self, subject: Deployment, proposal: dict[str, Any]) -> dict[str, Any]:
        facts, vendor = proposed_facts(subject, proposal), proposed_vendor(subject, proposal)
        named: dict[str, Any] = {"vendor": vendor.slug} if vendor else {}
        if facts["takes_images"]:
            # Named only where it is so: what was decided before there were images stays as it is.
            named["takes_images"] = True
        return named | {
            "name": facts["name"],
            "model_card": subject.card.slug,
            "model": facts["litellm_model"],
            "endpoint": facts["endpoint"],
            "region": facts["region"],
            "hosting": facts["hosting"],
            "sensitivity_ceiling": facts["sensitivity_ceiling"],
            "context_tokens": facts["context_tokens"],
            "replay_only": facts["replay_only"],
        }

    def base(self, subject: Deployment, proposal: dict[str, Any]) -> dict[str, Any]:
        standing = Approval.objects.filter(
            kind=self.kind, subject_id=subject.pk, state="in_force"
        ).first()
        return dict(standing.change.snapshot) if standing else {}

    def tier(self, subject: Deployment, proposal: dict[str, Any]) -> RiskTier:
        return TIER_BY_CEILING[proposed_facts(subject, proposal)["sensitivity_ceiling"]]

    def team(self, subject: Deployment) -> Team | None:
        return None

    def authors(self, subject: Deployment, proposal: dict[str, Any]) -> set[int]:
        return _writers(subject, "deployment.created", "deployment.changed")

    def missing(self, subject: Deployment, proposal: dict[str, Any]) -> list[str]:
        missing = []
        if subject.card.state != "approved":
            missing.append("an approved model card.")
        if not subject.prices.exists():
            missing.append("a price: an unknown price is not free.")
        hosting = proposed_facts(subject, proposal)["hosting"]
        vendor = proposed_vendor(subject, proposal)
        return missing + vendor_missing(vendor, hosting, timezone.now().date())

    def evidence(self, subject: Deployment, proposal: dict[str, Any]) -> list[Evidence]:
        facts, live = proposed_facts(subject, proposal), self.base(subject, proposal)
        return [
            Evidence(
                "Sensitivity ceiling", facts["sensitivity_ceiling"], live.get("sensitivity_ceiling")
            ),
            Evidence("Hosting", _hosting_words(facts), _hosting_words(live) or None),
            Evidence("Price per million tokens", _price_words(subject)),
            *vendor_evidence(proposed_vendor(subject, proposal)),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        deployment = self.find(change.subject_id)
        for name, value in proposed_facts(deployment, change.proposal).items():
            setattr(deployment, name, value)
        deployment.vendor = proposed_vendor(deployment, change.proposal)
        deployment.state = DEPLOYMENT_STATES.target(deployment.state, "approve")
        deployment.save(update_fields=["state", "vendor", *DECIDED_FACTS])

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        deployment = self.find(approval.subject_id)
        if DEPLOYMENT_STATES.allows(deployment.state, "suspend"):
            deployment.state = DEPLOYMENT_STATES.target(deployment.state, "suspend")
            deployment.save(update_fields=["state"])

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        deployment = self.find(change.subject_id)
        facts = plain({name: getattr(deployment, name) for name in DECIDED_FACTS})
        return {"state": deployment.state, "facts": facts}

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        """Its earlier facts; one that could not be called before cannot be called now."""
        deployment = self.find(change.subject_id)
        if deployment.state == "retired":
            return
        for name, value in remembered["facts"].items():
            setattr(deployment, name, value)
        could_be_called = remembered["state"] == "callable"
        if not could_be_called and DEPLOYMENT_STATES.allows(deployment.state, "suspend"):
            deployment.state = DEPLOYMENT_STATES.target(deployment.state, "suspend")
        deployment.save(update_fields=["state", *DECIDED_FACTS])

    def url(self, subject: Deployment) -> str:
        return reverse("model_cards:deployment", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: Deployment) -> None:
        _check_author(actor)
        if not DEPLOYMENT_STATES.allows(subject.state, "approve"):
            raise WrongState(f"Nothing was opened: {subject} is {subject.state}.")


def proposed_facts(deployment: Deployment, proposal: dict[str, Any]) -> dict[str, Any]:
    """What is decided on: the facts as they stand, under those that the proposal changes."""
    return {name: proposal.get(name, getattr(deployment, name)) for name in DECIDED_FACTS}


def _hosting_words(facts: dict[str, Any]) -> str:
    return f"{facts.get('hosting', '')} {facts.get('region', '')}".strip()


def _price_words(deployment: Deployment) -> str | None:
    try:
        prices = prices_on(deployment, timezone.now().date())
    except PriceUnknown:
        return None
    parts = [f"{kind} {amount.normalize():f}" for kind, amount in prices.per_million.items()]
    return f"{', '.join(parts)} {prices.currency}"
