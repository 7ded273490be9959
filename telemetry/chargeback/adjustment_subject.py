"""A large correction of the ledger as a governed change: another person of finance signs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from telemetry.chargeback import adjusting
from telemetry.chargeback.models import Adjustment


class AdjustmentSubject:
    """One correction. It cannot be an emergency: an entry is not taken back."""

    kind = adjusting.KIND
    label = "Ledger adjustment"

    def find(self, subject_id: int) -> Adjustment:
        asked = Adjustment.objects.select_related("team", "use_case", "deployment", "corrects")
        found: Adjustment = get_or_404(asked, pk=subject_id)
        return found

    def snapshot(self, subject: Adjustment, proposal: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": subject.kind,
            "team": subject.team.slug,
            "use_case": subject.use_case.slug if subject.use_case else None,
            "deployment": subject.deployment.slug if subject.deployment else None,
            "day": subject.day.isoformat(),
            "amount": f"{subject.amount:.9f} {subject.currency}",
            "corrects": subject.corrects_id,
            "reason": subject.reason,
        }

    def base(self, subject: Adjustment, proposal: dict[str, Any]) -> dict[str, Any]:
        """What is left of the entry; when somebody else corrects it first, this is stale."""
        if subject.corrects is None:
            return {}
        left = adjusting.left_of(subject.corrects)
        return {"corrects": subject.corrects_id, "amount": f"{left:.9f} {subject.currency}"}

    def tier(self, subject: Adjustment, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier.LIMITED

    def team(self, subject: Adjustment) -> Team | None:
        return subject.team

    def authors(self, subject: Adjustment, proposal: dict[str, Any]) -> set[int]:
        return {subject.asked_by_id}

    def missing(self, subject: Adjustment, proposal: dict[str, Any]) -> list[str]:
        return ["an adjustment that is not booked yet."] if subject.is_booked else []

    def evidence(self, subject: Adjustment, proposal: dict[str, Any]) -> list[Evidence]:
        entry = subject.corrects
        if entry is None:
            return [Evidence("Entry it corrects", None, note="None: it stands for a day.")]
        url = reverse("ledger:detail", args=[entry.call_id]) if entry.call_id else ""
        left = adjusting.left_of(entry)
        return [
            Evidence("Booked", f"{entry.amount:.9f} {entry.currency}", url=url),
            Evidence("Left with earlier corrections", f"{left:.9f} {entry.currency}"),
            Evidence("Left after this", f"{left + subject.amount:.9f} {entry.currency}"),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        adjusting.book(actor=actor, adjustment_id=change.subject_id, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """An entry stands; another one corrects it."""

    def url(self, subject: Adjustment) -> str:
        return reverse("chargeback:adjustments")

    def check_can_propose(self, actor: Actor, subject: Adjustment) -> None:
        adjusting.check_may_adjust(actor)
