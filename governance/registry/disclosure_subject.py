"""How a notice for end users is decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.registry import disclosures
from governance.registry.disclosure_models import Disclosure
from governance.registry.services import check_can_manage


class DisclosureSubject:
    """A version of a notice in one language; granted, it is in force from its day on."""

    kind = disclosures.KIND
    label = "Notice for end users"

    def find(self, subject_id: int) -> Disclosure:
        found: Disclosure = get_or_404(
            Disclosure.objects.select_related("use_case__team", "use_case__owner"), pk=subject_id
        )
        return found

    def snapshot(self, subject: Disclosure, proposal: dict[str, Any]) -> dict[str, Any]:
        return _content(subject)

    def base(self, subject: Disclosure, proposal: dict[str, Any]) -> dict[str, Any]:
        before = (
            Disclosure.objects.filter(
                use_case=subject.use_case_id, language=subject.language, state="approved"
            )
            .exclude(pk=subject.pk)
            .select_related("use_case")
            .first()
        )
        return _content(before) if before else {}

    def tier(self, subject: Disclosure, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier(subject.use_case.tier or RiskTier.HIGH)

    def team(self, subject: Disclosure) -> Team | None:
        return subject.use_case.team

    def authors(self, subject: Disclosure, proposal: dict[str, Any]) -> set[int]:
        return {subject.use_case.owner_id} | ({subject.author_id} if subject.author_id else set())

    def missing(self, subject: Disclosure, proposal: dict[str, Any]) -> list[str]:
        needed = {"text": subject.text.strip(), "place where it is shown": subject.place.strip()}
        return [f"the {name}." for name, given in needed.items() if not given]

    def evidence(self, subject: Disclosure, proposal: dict[str, Any]) -> list[Evidence]:
        before = subject.use_case.disclosures.filter(language=subject.language, state="approved")
        live = before.exclude(pk=subject.pk).first()
        shown = f"{live.fetched_at:%Y-%m-%d %H:%M} UTC" if live and live.fetched_at else None
        meets = "people outside" if subject.use_case.is_user_facing else "people inside"
        return [
            Evidence("Read by", meets),
            Evidence("Characters", str(len(subject.text)), str(len(live.text)) if live else None),
            Evidence("Last asked for by the application", None, shown),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        disclosures.apply_disclosure(disclosure_id=change.subject_id, approval=approval, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        disclosures.change_state(disclosure_id=approval.subject_id, action="withdraw")

    def resume(self, approval: Approval, actor: Actor, now: datetime) -> None:
        disclosures.change_state(disclosure_id=approval.subject_id, action="approve")

    def url(self, subject: Disclosure) -> str:
        return reverse("registry:disclosures-of", args=[subject.use_case.slug])

    def check_can_propose(self, actor: Actor, subject: Disclosure) -> None:
        check_can_manage(actor, subject.use_case.team)
        if subject.state != "draft":
            raise WrongState(f"Nothing was opened: {subject} is {subject.state}. Write a new one.")


def _content(notice: Disclosure) -> dict[str, Any]:
    begins = notice.effective_from
    return {
        "use_case": notice.use_case.slug,
        "language": notice.language,
        "text": notice.text,
        "place": notice.place,
        "effective_from": begins.isoformat() if begins else "",
    }
