"""How the prices of a deployment in use are decided on: finance signs, and not who proposed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment, Price
from governance.model_cards.price_changes import (
    KIND,
    apply_prices,
    check_may_propose,
    in_words,
    label,
    read_proposal,
    shown,
)
from governance.model_cards.price_table import figures_of


class PriceSubject:
    """The prices of one deployment from one day on.

    It cannot be an emergency: calls are billed at a price at once, and a bill is not taken back.
    """

    kind = KIND
    label = "Prices"

    def find(self, subject_id: int) -> Deployment:
        found: Deployment = get_or_404(Deployment.objects.prefetch_related("prices"), pk=subject_id)
        return found

    def snapshot(self, subject: Deployment, proposal: dict[str, Any]) -> dict[str, Any]:
        """Every price that will hold that day, so that the difference is by field."""
        facts = read_proposal(proposal)
        held = shown(_in_force(subject, facts))
        for one in facts["prices"]:
            name = label(one["kind"], one["from_tokens"])
            held.pop(name, None)
            if one["amount"] is not None:
                held[name] = in_words(one["kind"], one["amount"], facts["currency"])
        held |= {"deployment": subject.slug, "from": facts["starts_on"]}
        if facts["commitment"]:
            promised = facts["commitment"]
            amount = f"{Decimal(promised['amount']):,.2f} {facts['currency']}"
            held["committed spend"] = f"{amount} until {promised['ends_on']}"
        return held

    def base(self, subject: Deployment, proposal: dict[str, Any]) -> dict[str, Any]:
        return shown(_in_force(subject, read_proposal(proposal))) | {"deployment": subject.slug}

    def tier(self, subject: Deployment, proposal: dict[str, Any]) -> RiskTier:
        """Limited where something becomes dearer, changes its currency or is promised."""
        facts = read_proposal(proposal)
        now = {(one.kind, one.from_tokens): one for one in _in_force(subject, facts)}
        if facts["commitment"]:
            return RiskTier.LIMITED
        for one in facts["prices"]:
            earlier = now.get((one["kind"], one["from_tokens"]))
            if earlier is None or one["amount"] is None or earlier.currency != facts["currency"]:
                return RiskTier.LIMITED
            rises = Decimal(one["amount"]) > earlier.amount
            if rises != (one["kind"] == "discount"):
                return RiskTier.LIMITED
        return RiskTier.MINIMAL

    def team(self, subject: Deployment) -> Team | None:
        return None

    def authors(self, subject: Deployment, proposal: dict[str, Any]) -> set[int]:
        return set()

    def missing(self, subject: Deployment, proposal: dict[str, Any]) -> list[str]:
        try:
            facts = read_proposal(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        day = date.fromisoformat(facts["starts_on"])
        for one in facts["prices"]:
            rows = [
                price
                for price in subject.prices.all()
                if (price.kind, price.from_tokens) == (one["kind"], one["from_tokens"])
            ]
            if any(price.starts_on >= day for price in rows):
                return [f"a later day: {label(one['kind'], one['from_tokens'])} has a price then."]
            if one["amount"] is None and not any(price.is_in_force(day) for price in rows):
                return [f"a price of {label(one['kind'], one['from_tokens'])} that could end."]
        return []

    def evidence(self, subject: Deployment, proposal: dict[str, Any]) -> list[Evidence]:
        facts = read_proposal(proposal)
        url = reverse("model_cards:price-table", args=[subject.slug])
        figures = figures_of(subject.litellm_model)
        found = [Evidence("Source", facts["source"])]
        for one in facts["prices"]:
            if one["amount"] is None or one["from_tokens"]:
                continue
            told = figures.amounts.get(one["kind"]) if figures else None
            words = in_words(one["kind"], told, "USD") if told is not None else None
            proposed = in_words(one["kind"], one["amount"], facts["currency"])
            name = f"{one['kind'].replace('_', ' ').capitalize()} beside litellm's table"
            found.append(Evidence(name, proposed, words, url=url))
        return found

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        apply_prices(actor=actor, change=change, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: a price holds until another is decided on."""

    def url(self, subject: Deployment) -> str:
        return reverse("model_cards:prices", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: Deployment) -> None:
        check_may_propose(actor)

    def read_proposal(
        self, subject: Deployment, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        proposal = read_proposal(given)
        return f"Prices of {subject} from {proposal['starts_on']}", proposal


def _in_force(subject: Deployment, facts: dict[str, Any]) -> list[Price]:
    """On the day from which the proposed ones would hold: what they replace, and what stays."""
    day = date.fromisoformat(facts["starts_on"])
    return [one for one in subject.prices.all() if one.is_in_force(day)]
