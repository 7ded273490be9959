"""A new budget as a governed change: finance signs, and the board too where it is much more."""

from __future__ import annotations

from datetime import datetime
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
from telemetry.chargeback.models import Budget, BudgetProposal, BudgetQuerySet
from telemetry.chargeback.proposals import KIND, check_can_propose, make_budget, read_facts
from telemetry.chargeback.rules import period_words
from telemetry.chargeback.subjects import BOARD_FROM


class NewBudgetSubject:
    """The first budget of a month. What renews after it needs no decision of its own.

    It cannot be an emergency: calls may be running on a budget, so it is never taken away.
    """

    kind = KIND
    label = "New budget"

    def find(self, subject_id: int) -> BudgetProposal:
        asked = BudgetProposal.objects.select_related("team", "use_case")
        found: BudgetProposal = get_or_404(asked, pk=subject_id)
        return found

    def snapshot(self, subject: BudgetProposal, proposal: dict[str, Any]) -> dict[str, Any]:
        return self._place(subject) | read_facts(proposal)

    def base(self, subject: BudgetProposal, proposal: dict[str, Any]) -> dict[str, Any]:
        """Nothing, until there is a budget by another way, as by renewal: then this is stale."""
        budget = self._made(subject)
        if budget is None:
            return {}
        return self._place(subject) | {"limit": f"{budget.limit:.2f}", "currency": budget.currency}

    def _place(self, subject: BudgetProposal) -> dict[str, Any]:
        place = {
            "team": subject.team.slug if subject.team else None,
            "use_case": subject.use_case.slug if subject.use_case else None,
            "month": subject.starts_on.isoformat(),
        }
        return place if subject.period == "month" else place | {"period": subject.period}

    def _made(self, subject: BudgetProposal) -> Budget | None:
        return self._same_place(subject).filter(starts_on=subject.starts_on).first()

    def _before(self, subject: BudgetProposal) -> Budget | None:
        place = self._same_place(subject)
        return place.filter(starts_on__lt=subject.starts_on).order_by("-starts_on").first()

    def _same_place(self, subject: BudgetProposal) -> BudgetQuerySet:
        return Budget.objects.filter(
            team=subject.team, use_case=subject.use_case, period=subject.period
        )

    def tier(self, subject: BudgetProposal, proposal: dict[str, Any]) -> RiskTier:
        """Of a team, one that stops nothing, or is much more than it had, is high.

        Nobody gets around the board by asking for a new budget instead of a higher limit.
        """
        facts, before = read_facts(proposal), self._before(subject)
        if before is not None and Decimal(facts["limit"]) > before.limit * BOARD_FROM:
            return RiskTier.HIGH
        if subject.use_case is not None:
            return RiskTier.MINIMAL  # it only narrows what the team may spend
        return RiskTier.LIMITED if facts["hard"] else RiskTier.HIGH

    def team(self, subject: BudgetProposal) -> Team | None:
        return subject.team

    def authors(self, subject: BudgetProposal, proposal: dict[str, Any]) -> set[int]:
        return {subject.use_case.owner_id} if subject.use_case else set()

    def missing(self, subject: BudgetProposal, proposal: dict[str, Any]) -> list[str]:
        try:
            read_facts(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        if self._made(subject) is not None:
            return ["a month that has no budget yet; propose a new limit for the one there is."]
        return []

    def evidence(self, subject: BudgetProposal, proposal: dict[str, Any]) -> list[Evidence]:
        facts, before = read_facts(proposal), self._before(subject)
        url = reverse("chargeback:overview")
        if subject.team is not None:
            url += f"?team={subject.team.slug}"
        limit = f"{Decimal(facts['limit']):,} {facts['currency']}"
        earlier = spent = None
        if before is not None:
            earlier = f"{before.limit:,.2f} {before.currency}"
            spent = f"{before.captured:,.2f} {before.currency}"
        when = "There was no budget before."
        if before is not None:
            when = f"in {period_words(before.period, before.starts_on)}"
        return [
            Evidence("Limit", limit, earlier, note=when),
            Evidence("Spent of the budget before", spent, url=url, note=when),
            Evidence("Stops calls that do not fit", "yes" if facts["hard"] else "no"),
            Evidence(f"Renews every {subject.period}", "yes" if facts["renews"] else "no"),
            Evidence(
                "Goes over when unused", f"up to {facts.get('carry_percent', 0)} % of the limit"
            ),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        make_budget(actor=actor, change=change, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: a budget stays as it is until another limit is decided on."""

    def url(self, subject: BudgetProposal) -> str:
        budget = self._made(subject)
        if budget is None:
            return reverse("chargeback:budgets")
        return reverse("chargeback:budget", args=[budget.pk])

    def check_can_propose(self, actor: Actor, subject: BudgetProposal) -> None:
        check_can_propose(actor, subject.team)
