"""For which roles a training is required, as a governed change: it decides who may sign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team, Training, User
from governance.access.selectors import holders
from governance.access.training_rules import MOST_VALIDITY_DAYS
from governance.access.training_selectors import register
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.approvals.rules import SIGNING
from governance.approvals.services import open_change
from governance.approvals.standing import supersede_others
from governance.audit.services import record
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404


class TrainingSubject:
    """The roles that a training is required for, and for how long a new record holds."""

    kind = "training_requirement"
    label = "Training requirement"

    def find(self, subject_id: int) -> Training:
        found: Training = get_or_404(Training.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: Training, proposal: dict[str, Any]) -> dict[str, Any]:
        return {"training": subject.title, **read_requirement(proposal)}

    def base(self, subject: Training, proposal: dict[str, Any]) -> dict[str, Any]:
        return {"training": subject.title, **content_of(subject)}

    def tier(self, subject: Training, proposal: dict[str, Any]) -> RiskTier:
        return RiskTier.LIMITED

    def team(self, subject: Training) -> Team | None:
        return None

    def authors(self, subject: Training, proposal: dict[str, Any]) -> set[int]:
        """The proposer writes all of it, and is in conflict anyway."""
        return set()

    def missing(self, subject: Training, proposal: dict[str, Any]) -> list[str]:
        try:
            wanted = read_requirement(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        if wanted == content_of(subject):
            return ["a requirement that differs from the one in force."]
        if nobody := roles_nobody_trained(subject, wanted["roles"], timezone.now()):
            return [_nobody_words(nobody)]
        return []

    def evidence(self, subject: Training, proposal: dict[str, Any]) -> list[Evidence]:
        roles = read_requirement(proposal)["roles"]
        concerned = {
            row.grant.user_id for row in register(timezone.now()) if row.grant.role in roles
        }
        holding = subject.records.valid_on(timezone.now().date())
        trained = concerned & set(holding.values_list("person_id", flat=True))
        url = reverse("access:training-register")
        return [
            Evidence("People it is required of", str(len(concerned)), url=url),
            Evidence(
                "Of them trained today",
                str(len(trained)),
                note="The others can sign nothing in these roles until it is recorded.",
            ),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        training = Training.objects.select_for_update(no_key=True).get(pk=change.subject_id)
        wanted = read_requirement(change.proposal)
        if nobody := roles_nobody_trained(training, wanted["roles"], now):
            raise Invalid(f"Nothing was changed. Still missing: {_nobody_words(nobody)}")
        before = content_of(training)
        training.roles, training.validity_days = wanted["roles"], wanted["validity_days"]
        training.save(update_fields=["roles", "validity_days"])
        supersede_others(approval, [training.pk], now)
        record(
            actor=actor,
            action="training.required",
            subject=training,
            now=now,
            before=before,
            after=wanted,
            reason=change.reason,
        )

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops by itself: what is required changes by the next request alone."""

    def url(self, subject: Training) -> str:
        return reverse("approvals:training", args=[subject.code])

    def check_can_propose(self, actor: Actor, subject: Training) -> None:
        if not actor.may(Permission.SIGN_COMPLIANCE):
            raise NotAllowed(
                "Nothing was opened: compliance proposes for which roles a training is required."
            )

    def read_proposal(self, subject: Training, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return _title(subject), read_requirement(given)


def content_of(training: Training) -> dict[str, Any]:
    return {"roles": sorted(training.roles), "validity_days": training.validity_days}


def read_requirement(given: Mapping[str, Any]) -> dict[str, Any]:
    """The requirement from facts that are not trusted; raises Invalid with all that is wrong."""
    problems = {}
    roles, days = given.get("roles"), given.get("validity_days")
    if not isinstance(roles, list) or not all(isinstance(one, str) for one in roles):
        problems["roles"] = ["A list of roles, or an empty one."]
    elif unknown := [one for one in roles if one not in ROLES]:
        problems["roles"] = [f"There is no role {unknown[0][:40]}."]
    if type(days) is not int or not 1 <= days <= MOST_VALIDITY_DAYS:
        problems["validity_days"] = [f"A whole number from 1 to {MOST_VALIDITY_DAYS}."]
    if problems:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return {"roles": sorted(set(roles or [])), "validity_days": days}


def roles_nobody_trained(training: Training, roles: list[str], now: datetime) -> list[str]:
    """Titles of roles that sign and would lose everybody who can, if it was required of them.

    Without this nothing could be opened any more, not even the way back.
    """
    trained = set(training.records.valid_on(now.date()).values_list("person_id", flat=True))
    newly = [ROLES[one] for one in roles if one not in training.roles]
    found = []
    for role in newly:
        for permission in sorted(role.permissions & set(SIGNING)):
            people: list[User] = list(holders(permission, now=now))
            if people and not any(one.pk in trained for one in people):
                found.append(role.title)
    return list(dict.fromkeys(found))


def _nobody_words(titles: list[str]) -> str:
    return (
        f"somebody with this training who can sign as {', '.join(titles)}. Record it first, or "
        "nothing could be signed any more."
    )


def _title(training: Training) -> str:
    return f"Who needs the training {training.title}"[:200]


def propose_requirement(
    *, actor: Actor, training: Training, proposal: dict[str, Any], reason: str, now: datetime
) -> ChangeRequest:
    """Open the change of what is required; `proposal` is not trusted."""
    TrainingSubject().check_can_propose(actor, training)
    return open_change(
        actor=actor,
        kind=TrainingSubject.kind,
        subject_id=training.pk,
        proposal=read_requirement(proposal),
        title=_title(training),
        reason=reason,
        now=now,
    )
