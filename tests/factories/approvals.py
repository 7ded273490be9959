"""Changes and approvals, put together through the engine's own services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals import services
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest
from governance.approvals.services import NewCondition
from governance.kernel.authority import Actor
from governance.registry.models import RiskAssessment, Score, UseCase
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.stages import decided


@dataclass
class Board:
    """A team with its owner, and one person for each role that signs stages."""

    team: Team
    people: dict[str, User] = field(default_factory=dict)

    def actor(self, role: str) -> Actor:
        return Actor.person(User.objects.get(pk=self.people[role].pk))


ROLES = ("board", "compliance", "safety", "finance", "administrator")


def make_board() -> Board:
    services.install_starting_policies(actor=Actor.system("tests"), now=timezone.now())
    board = Board(make_team())
    board.people = {role: make_person(role) for role in ROLES}
    board.people["owner"] = make_person("owner", board.team)
    return board


def ask_two_board_members() -> None:
    """From now on a stage at tier minimal needs two of the board."""
    ask({"permission": "sign_board", "count": 2})


def make_assessable(board: Board, tier: str = "minimal") -> UseCase:
    """A use case that misses nothing before its first stage."""
    owner, now = board.people["owner"], timezone.now()
    answers = {"language": "yes"}
    use_case = make_use_case(board.team, owner=owner, tier=tier, framework_answers=answers)
    totals: dict[str, Any] = {"impact_total": 3, "effort_total": 3, "impact": {}, "effort": {}}
    Score.objects.create(use_case=use_case, assessor=owner, rationale="x", at=now, **totals)
    RiskAssessment.objects.create(
        use_case=use_case,
        assessor=owner,
        questionnaire_version=1,
        answers={},
        tier=tier,
        fired_rules=[],
        at=now,
    )
    return use_case


def make_change(
    board: Board, *, tier: str = "minimal", now: datetime | None = None
) -> ChangeRequest:
    """An open request: one slot at tier minimal, two at limited."""
    use_case = make_assessable(board, tier)
    return services.open_change(
        actor=board.actor("owner"),
        kind="use_case_stage",
        subject_id=use_case.pk,
        proposal={"target": "assessed"},
        title=f"Move {use_case} to assessed",
        reason="It pays.",
        now=now or timezone.now(),
    )


def decide(board: Board, role: str, change: ChangeRequest, **facts: Any) -> ChangeRequest:
    more: dict[str, Any] = {
        "outcome": "approve",
        "rationale": "Read.",
        "digest_seen": change.digest,
        "now": timezone.now(),
    }
    services.decide(actor=board.actor(role), change_id=change.pk, **(more | facts))
    change.refresh_from_db()
    return change


def make_approval(
    board: Board, *, due_on: date | None = None, now: datetime | None = None
) -> Approval:
    """Granted by the board member; under one condition of the owner's if a date is given."""
    now = now or timezone.now()
    change, facts = make_change(board, now=now), {"now": now}
    if due_on is not None:
        condition = NewCondition("Train the reviewers.", board.people["owner"], due_on)
        facts |= {"outcome": "approve_with_conditions", "conditions": [condition]}  # type: ignore[dict-item]  # facts of many types
    decide(board, "board", change, **facts)
    return Approval.objects.get(change=change)


def ask(*sign_offs: dict[str, Any], tier: str = "minimal", veto: Sequence[str] = ()) -> None:
    """From now on a stage at this tier needs these sign-offs."""
    versions = ApprovalPolicy.objects.versions_of("use_case_stage", tier)
    old, asked = versions[0], list(sign_offs)
    proposal = {"sign_offs": asked} | ({"veto": list(veto)} if veto else {})
    versions.filter(active=True).update(active=False)
    ApprovalPolicy.objects.create(
        kind="use_case_stage",
        tier=tier,
        version=old.version + 1,
        change=decided("approval_policy", old.pk, make_person(), proposal=proposal),
        sign_offs=asked,
        veto=list(veto),
        decision_hours=40,
        validity_days=730,
    )
