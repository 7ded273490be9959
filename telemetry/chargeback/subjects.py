"""A budget's limit as a governed change: owners ask, finance (and above a size the board) signs."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.approvals.services import open_change
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from telemetry.chargeback import services
from telemetry.chargeback.burning_down import burn_down
from telemetry.chargeback.models import Budget

# A raise by more than half of the limit in force is the board's business too.
BOARD_FROM = Decimal("1.5")


class BudgetSubject:
    """The limit of one month's budget (and of the months it renews into)."""

    kind = "budget"
    label = "Budget"

    def find(self, subject_id: int) -> Budget:
        budgets = Budget.objects.select_related("team", "use_case")
        found: Budget = get_or_404(budgets, pk=subject_id)
        return found

    def snapshot(self, subject: Budget, proposal: dict[str, Any]) -> dict[str, Any]:
        return self._content(subject, proposed_limit(proposal))

    def base(self, subject: Budget, proposal: dict[str, Any]) -> dict[str, Any]:
        return self._content(subject, subject.limit)

    def _content(self, subject: Budget, limit: Decimal) -> dict[str, Any]:
        return {
            "team": subject.team.slug if subject.team else None,
            "use_case": subject.use_case.slug if subject.use_case else None,
            "month": subject.starts_on.isoformat(),
            "limit": f"{limit:.2f}",
            "currency": subject.currency,
        }

    def tier(self, subject: Budget, proposal: dict[str, Any]) -> RiskTier:
        is_big = proposed_limit(proposal) > subject.limit * BOARD_FROM
        return RiskTier.LIMITED if is_big else RiskTier.MINIMAL

    def team(self, subject: Budget) -> Team | None:
        return subject.team

    def authors(self, subject: Budget, proposal: dict[str, Any]) -> set[int]:
        return {subject.use_case.owner_id} if subject.use_case else set()

    def missing(self, subject: Budget, proposal: dict[str, Any]) -> list[str]:
        try:
            limit = proposed_limit(proposal)
        except Invalid:
            return ["a new limit, as an amount with at most two decimals."]
        if limit == subject.limit:
            return ["a limit that differs from the one in force."]
        if subject.hard and limit + subject.rolled < subject.used:
            return ["a limit that is not below what is spent and held already."]
        return []

    def evidence(self, subject: Budget, proposal: dict[str, Any]) -> list[Evidence]:
        url = reverse("chargeback:budget", args=[subject.pk])
        money = f"{{:,.2f}} {subject.currency}"
        return [
            Evidence("Limit", money.format(proposed_limit(proposal)), money.format(subject.limit)),
            Evidence(f"Spent this {subject.period}", money.format(subject.captured), url=url),
            Evidence("Held for running calls", money.format(subject.reserved), url=url),
            Evidence("Used of the limit", f"{subject.share} %", url=url),
            _outlook(subject),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        services.apply_limit(
            actor=actor,
            budget=self.find(change.subject_id),
            limit=proposed_limit(change.proposal),
            change=change,
            now=now,
        )

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: a limit stays until another is decided on."""

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        return {"limit": f"{self.find(change.subject_id).limit:.2f}"}

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        """The earlier limit, or what is used of a hard budget by now if that is more.

        Also of the months that it was renewed into meanwhile.
        """
        first = self.find(change.subject_id)
        later = Budget.objects.filter(
            team=first.team,
            use_case=first.use_case,
            period=first.period,
            starts_on__gte=first.starts_on,
        )
        raised = later.filter(limit=proposed_limit(change.proposal)).order_by("pk")
        for budget in raised.select_for_update(of=("self",)):
            limit = Decimal(remembered["limit"])
            used = budget.used.quantize(Decimal("0.01"), ROUND_UP)
            services.apply_limit(
                actor=actor,
                budget=budget,
                limit=max(limit, used - budget.rolled) if budget.hard else limit,
                change=change,
                now=now,
                reason="The emergency was reverted.",
            )

    def url(self, subject: Budget) -> str:
        return reverse("chargeback:budget", args=[subject.pk])

    def check_can_propose(self, actor: Actor, subject: Budget) -> None:
        may = actor.may(Permission.BUDGET_MANAGE)
        owns = subject.team is not None and actor.may(Permission.USE_CASE_MANAGE, subject.team)
        if not may and not owns:
            raise NotAllowed(
                "Nothing was opened: a product owner of the team, or finance, proposes a budget."
            )

    def read_proposal(self, subject: Budget, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        limit = proposed_limit(given)
        title = f"Budget of {subject}: {limit:,.2f} {subject.currency}"
        return title, {"limit": f"{limit:.2f}"}


def _outlook(budget: Budget) -> Evidence:
    """Where it is going, with the burn-down behind it."""
    burn = burn_down(budget, timezone.now().date())
    url = f"{reverse('chargeback:budget', args=[budget.pk])}#burn-down"
    found = burn.outlook
    if found is None:
        words = f"Too little data: {burn.known_days} of at least {burn.least_days} days."
        return Evidence("Expected by its end", None, url=url, note=words)
    expected = f"{found.expected:,.2f} {budget.currency}"
    note = f"{found.low:,.2f} to {found.high:,.2f}. {found.words}"
    return Evidence("Expected by its end", expected, url=url, note=note)


def proposed_limit(proposal: dict[str, Any]) -> Decimal:
    """The proposal's limit; raises Invalid if it is none."""
    try:
        limit = Decimal(str(proposal.get("limit", "")))
    except InvalidOperation:
        limit = Decimal(-1)
    if not limit.is_finite() or limit < 0 or limit != limit.quantize(Decimal("0.01")):
        raise Invalid(
            "A limit is an amount of at least 0 with at most two decimals.",
            fields={"limit": ["An amount with at most two decimals."]},
        )
    return limit


def propose_limit(
    *, actor: Actor, budget: Budget, limit: Decimal, reason: str, now: datetime
) -> ChangeRequest:
    """Open the change for a new limit."""
    return open_change(
        actor=actor,
        kind="budget",
        subject_id=budget.pk,
        proposal={"limit": f"{limit:.2f}"},
        title=f"Budget of {budget}: {limit:,.2f} {budget.currency}"[:200],
        reason=reason,
        now=now,
    )
