"""An allocation rule as a governed change: finance proposes, the board signs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from telemetry.allocation.content import RuleContent, content_of, read_content
from telemetry.allocation.models import AllocationRule, AllocationVersion
from telemetry.allocation.rules import METHOD_WORDS
from telemetry.allocation.selectors import preview
from telemetry.allocation.services import KIND, check_can_propose, make_version
from telemetry.chargeback.rules import month_of, previous_month

# A pool that grows by more than half is for compliance to sign too, by the starting policies.
GROWS_FROM = Decimal("1.5")
SHOWN_TEAMS = 12


class AllocationSubject:
    """One rule; a granted change makes its next version, for months from its first one on."""

    kind = KIND
    label = "Allocation rule"

    def find(self, subject_id: int) -> AllocationRule:
        found: AllocationRule = get_or_404(AllocationRule.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: AllocationRule, proposal: dict[str, Any]) -> dict[str, Any]:
        last = self._last(subject)
        number = last.number + 1 if last else 1
        return {"rule": subject.slug, "version": number} | read_content(proposal).as_proposal()

    def base(self, subject: AllocationRule, proposal: dict[str, Any]) -> dict[str, Any]:
        last = self._last(subject)
        if last is None:
            return {}
        return {"rule": subject.slug, "version": last.number} | content_of(last).as_proposal()

    def _last(self, subject: AllocationRule) -> AllocationVersion | None:
        return subject.versions.order_by("-number").first()

    def tier(self, subject: AllocationRule, proposal: dict[str, Any]) -> RiskTier:
        content, last = read_content(proposal), self._last(subject)
        if last is None:
            return RiskTier.LIMITED
        grows = content.amount > last.amount * GROWS_FROM or content.rate > last.rate * GROWS_FROM
        return RiskTier.HIGH if grows else RiskTier.MINIMAL

    def team(self, subject: AllocationRule) -> Team | None:
        return None

    def authors(self, subject: AllocationRule, proposal: dict[str, Any]) -> set[int]:
        return set()

    def missing(self, subject: AllocationRule, proposal: dict[str, Any]) -> list[str]:
        try:
            content = read_content(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        last = self._last(subject)
        if last is not None and content == content_of(last):
            return ["a rule that differs from the one in force."]
        return []

    def evidence(self, subject: AllocationRule, proposal: dict[str, Any]) -> list[Evidence]:
        content, last = read_content(proposal), self._last(subject)
        live = content_of(last) if last else None
        lines = [
            Evidence("Pool", _pool_words(content), _pool_words(live) if live else None),
            Evidence(
                "Split", METHOD_WORDS[content.method], METHOD_WORDS[live.method] if live else None
            ),
            Evidence(
                "From", f"{content.starts_on:%B %Y}", f"{live.starts_on:%B %Y}" if live else None
            ),
        ]
        month = previous_month(month_of(timezone.now().date()))
        return lines + _parts(content, live, month)

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        make_version(actor=actor, change=change, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: a version holds until another is decided on."""

    def url(self, subject: AllocationRule) -> str:
        return reverse("allocation:rule", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: AllocationRule) -> None:
        check_can_propose(actor)

    def read_proposal(
        self, subject: AllocationRule, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return f"Allocation of {subject}"[:200], read_content(given).as_proposal()


def _pool_words(content: RuleContent) -> str:
    if content.source:
        return f"{content.rate.normalize():f} {settings.PLACET_CURRENCY} × {content.source}"
    return f"{content.amount:,.2f} {settings.PLACET_CURRENCY} a month"


def _parts(content: RuleContent, live: RuleContent | None, month: date) -> list[Evidence]:
    """What the last ended month would have been, team by team, beside the live version."""
    proposed, today = _amounts(content, month), _amounts(live, month) if live else {}
    names = sorted(set(proposed) | set(today))
    lines = [
        Evidence(f"{name} in {month:%B %Y}", proposed.get(name, "0.00"), today.get(name))
        for name in names[:SHOWN_TEAMS]
    ]
    if len(names) > SHOWN_TEAMS:
        lines.append(Evidence("Other teams", str(len(names) - SHOWN_TEAMS)))
    return lines


def _amounts(content: RuleContent, month: date) -> dict[str, str]:
    try:
        found = preview(content, month)
    except WrongState:
        return {}
    return {part.team.name: f"{part.amount:,.2f} {found.currency}" for part in found.parts}
