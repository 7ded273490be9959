"""How a version of a policy document is decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.compliance.library import KIND, apply_version, check_can_write, read_version
from governance.compliance.library_models import PolicyDocument, PolicyVersion
from governance.compliance.library_selectors import people_asked
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404


class DocumentSubject:
    """A document; a granted change makes its next version."""

    kind = KIND
    label = "Policy document"

    def find(self, subject_id: int) -> PolicyDocument:
        found: PolicyDocument = get_or_404(PolicyDocument.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: PolicyDocument, proposal: dict[str, Any]) -> dict[str, Any]:
        newest = self._newest(subject)
        number = newest.number + 1 if newest else 1
        return {"title": subject.title, "version": number, **read_version(proposal)}

    def base(self, subject: PolicyDocument, proposal: dict[str, Any]) -> dict[str, Any]:
        newest = self._newest(subject)
        if newest is None:
            return {}
        return {"title": subject.title, "version": newest.number, **newest.content()}

    def _newest(self, subject: PolicyDocument) -> PolicyVersion | None:
        return subject.versions.order_by("-number").first()

    def tier(self, subject: PolicyDocument, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier.LIMITED

    def team(self, subject: PolicyDocument) -> Team | None:
        return None

    def authors(self, subject: PolicyDocument, proposal: dict[str, Any]) -> set[int]:
        """The proposer writes all of it, and is in conflict anyway."""
        return set()

    def missing(self, subject: PolicyDocument, proposal: dict[str, Any]) -> list[str]:
        try:
            wanted = read_version(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        newest = self._newest(subject)
        if newest is not None and newest.ended_at is None and wanted == newest.content():
            return ["a text that differs from the one that stands."]
        return []

    def evidence(self, subject: PolicyDocument, proposal: dict[str, Any]) -> list[Evidence]:
        now, newest = timezone.now(), self._newest(subject)
        proposed = len(people_asked(read_version(proposal)["roles"], now))
        live = str(len(people_asked(newest.roles, now))) if newest else None
        note = "They find it under “My work” until they have acknowledged it."
        return [Evidence("People asked to acknowledge it", str(proposed), live, note=note)]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        apply_version(change=change, approval=approval, actor=actor, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """The version holds no longer, and nobody is asked to acknowledge it."""
        PolicyVersion.objects.filter(change=approval.change, ended_at=None).update(ended_at=now)

    def resume(self, approval: Approval, actor: Actor, now: datetime) -> None:
        PolicyVersion.objects.filter(change=approval.change).update(ended_at=None)

    def url(self, subject: PolicyDocument) -> str:
        return reverse("compliance:document", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: PolicyDocument) -> None:
        check_can_write(actor)

    def read_proposal(
        self, subject: PolicyDocument, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return f"The next version of {subject.title}"[:200], read_version(given)
