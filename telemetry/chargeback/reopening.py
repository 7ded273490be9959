"""A closed month opened again: an emergency change, and the earlier seal stays readable."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.approvals.services import open_change
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import StatementState
from telemetry.chargeback.statements import seal_again, unseal_statement

KIND = "statement_reopening"


class ReopeningSubject:
    """One closed statement. Finance asks; the board and compliance sign, or two of them let it
    through at once and others ratify it."""

    kind = KIND
    label = "Re-opening of a month"

    def find(self, subject_id: int) -> Statement:
        found: Statement = get_or_404(Statement.objects.select_related("team"), pk=subject_id)
        return found

    def snapshot(self, subject: Statement, proposal: dict[str, Any]) -> dict[str, Any]:
        return self._place(subject) | read_seal(proposal) | {"state": "open"}

    def base(self, subject: Statement, proposal: dict[str, Any]) -> dict[str, Any]:
        return self._place(subject) | seal_of(subject) | {"state": subject.state}

    def _place(self, subject: Statement) -> dict[str, Any]:
        return {"team": subject.team.slug, "month": subject.period.isoformat()}

    def tier(self, subject: Statement, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier.HIGH

    def team(self, subject: Statement) -> Team | None:
        return subject.team

    def authors(self, subject: Statement, proposal: dict[str, Any]) -> set[int]:
        """Who closed it does not decide that it is opened."""
        return {subject.closed_by_id} if subject.closed_by_id else set()

    def missing(self, subject: Statement, proposal: dict[str, Any]) -> list[str]:
        if subject.state != StatementState.CLOSED:
            return ["a closed month; this one is open."]
        try:
            if read_seal(proposal) != seal_of(subject):
                return ["the month's last seal; it has been closed again since."]
        except Invalid as refused:
            return [refused.message]
        return []

    def evidence(self, subject: Statement, proposal: dict[str, Any]) -> list[Evidence]:
        url = self.url(subject)
        total = f"{subject.total:,.9f} {subject.currency}"
        return [
            Evidence("Total under the seal", total, url=url),
            Evidence("Ledger entries", str(subject.entry_count), url=url),
            Evidence("Seals so far", str(subject.versions.count()), url=url),
            Evidence(
                "The other way",
                "An adjustment in the next open month",
                note="It corrects an error and opens nothing.",
            ),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        unseal_statement(actor=actor, statement_id=change.subject_id, change=change, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: the month stays open until finance closes it."""

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        return seal_of(self.find(change.subject_id))

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        """Closed again as it is now; what was booked meanwhile is in the new seal, not hidden."""
        seal_again(actor=actor, statement_id=change.subject_id, now=now)

    def url(self, subject: Statement) -> str:
        return reverse("chargeback:statement", args=[subject.team.slug, f"{subject.period:%Y-%m}"])

    def check_can_propose(self, actor: Actor, subject: Statement) -> None:
        if not actor.may(Permission.STATEMENT_CLOSE):
            raise NotAllowed("Nothing was opened: finance asks for a month to be opened again.")

    def read_proposal(
        self, subject: Statement, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return _title(subject), read_seal(given)


def seal_of(statement: Statement) -> dict[str, Any]:
    return {"sha256": statement.sha256, "version": statement.versions.count()}


def read_seal(given: dict[str, Any]) -> dict[str, Any]:
    """The seal that is to be broken; raises Invalid if it names none."""
    sha256, version = given.get("sha256"), given.get("version")
    if not isinstance(sha256, str) or type(version) is not int:
        raise Invalid(
            "Nothing was opened: name the seal by its SHA-256 and number.",
            fields={"sha256": ["The SHA-256 of the month's last seal."]},
        )
    return {"sha256": sha256, "version": version}


def _title(statement: Statement) -> str:
    return f"Open {statement.period:%B %Y} of {statement.team} again"[:200]


def propose_reopening(
    *, actor: Actor, statement: Statement, reason: str, now: datetime
) -> ChangeRequest:
    """Open the change; it can be made an emergency where all other changes can."""
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=statement.pk,
        proposal=seal_of(statement),
        title=_title(statement),
        reason=reason,
        now=now,
    )
