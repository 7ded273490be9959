"""Many use cases and change requests by bulk_create: their content is alike, their number real."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.load import satellites

TEAMS, OWNERS, BATCH = 40, 400, 2000

MOVE = """
UPDATE registry_usecase SET stage = change.proposal->>'target', stage_change_id = change.id
FROM approvals_changerequest AS change
WHERE change.kind = 'use_case_stage' AND change.state = 'applied'
    AND change.subject_id = registry_usecase.id AND registry_usecase.id = ANY(%s)
"""


def fill(here: Any, *, use_cases: int, changes: int) -> None:
    """Each use case with its stage's change, a score, an assessment and what hangs on it.

    Beside those, `changes` more, each with its slots and decisions.
    """
    teams = _teams(here)
    made = _use_cases(here, teams, use_cases)
    _move(here, made)
    _scores(here, made)
    _changes(here, made[:changes])
    satellites.fill(here, made)
    _analyse()
    _keep_evidence()


def _teams(here: Any) -> list[Any]:
    from governance.access.models import Team

    names = (f"Team {number:02}" for number in range(TEAMS))
    return [
        Team.objects.get_or_create(
            slug=name.lower().replace(" ", "-"), defaults={"name": name, "code": name[-7:]}
        )[0]
        for name in names
    ]


def _owners() -> list[Any]:
    from governance.access.models import User

    if not User.objects.filter(email__startswith="owner-").exists():
        User.objects.bulk_create(
            User(email=f"owner-{number}@placet.example", name=f"Owner {number:03}", password="!")
            for number in range(OWNERS)
        )
    return list(User.objects.filter(email__startswith="owner-"))


def _use_cases(here: Any, teams: list[Any], count: int) -> list[Any]:
    from governance.kernel.terms import RiskTier, Sensitivity
    from governance.registry.models import UseCase

    begun = UseCase.objects.count()
    owners = _owners()
    tiers, levels = list(RiskTier), list(Sensitivity)
    rows = (
        UseCase(
            title=f"Use case {number:05}",
            slug=f"use-case-{number:05}",
            team=teams[number % len(teams)],
            owner=owners[number % len(owners)],
            feature="Reads what people send and answers from what is known. " * 4,
            tier=tiers[number % len(tiers)],
            sensitivity=levels[number % len(levels)],
            framework_answers={"language": True},
            created_at=here.now,
        )
        for number in range(begun, begun + count)
    )
    return list(UseCase.objects.bulk_create(rows, batch_size=BATCH))


def _move(here: Any, use_cases: list[Any]) -> None:
    """Spread them over the stages: the database asks for a decided change behind each move."""
    from django.db import connection

    from governance.approvals.models import ApprovalPolicy, ChangeRequest
    from governance.registry.rules import USE_CASE_STAGES

    policy = ApprovalPolicy.objects.filter(kind="use_case_stage", active=True).first()
    stages = list(USE_CASE_STAGES.states)
    for number, one in enumerate(use_cases):
        one.stage = stages[number % len(stages)]
    moved = [one for one in use_cases if one.stage != USE_CASE_STAGES.initial]
    ChangeRequest.objects.bulk_create(
        (
            ChangeRequest(
                kind="use_case_stage",
                subject_id=one.pk,
                subject_label=one.title,
                title=f"Move {one.title} to {one.stage}",
                reason="It is ready.",
                proposal={"target": one.stage},
                base={"stage": USE_CASE_STAGES.initial},
                snapshot={"target": one.stage},
                digest="0" * 64,
                base_digest="0" * 64,
                tier=one.tier,
                team_id=one.team_id,
                proposer_id=one.owner_id,
                state="applied",
                policy=policy,
                opened_at=here.now - timedelta(days=20, minutes=number),
                due_at=here.now - timedelta(days=15),
                expires_at=here.now + timedelta(days=40),
                closed_at=here.now - timedelta(days=10),
            )
            for number, one in enumerate(moved)
        ),
        batch_size=BATCH,
    )
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [[one.pk for one in moved]])


def _scores(here: Any, use_cases: list[Any]) -> None:
    from governance.registry import scoring
    from governance.registry.models import RiskAssessment, Score

    assessor = here.people.users["safety"]
    Score.objects.bulk_create(
        (
            Score(
                use_case=one,
                assessor=assessor,
                impact=dict.fromkeys(scoring.IMPACT, 1 + number % 5),
                effort=dict.fromkeys(scoring.EFFORT, 1 + number // 5 % 5),
                impact_total=Decimal(1 + number % 5),
                effort_total=Decimal(1 + number // 5 % 5),
                at=here.now,
            )
            for number, one in enumerate(use_cases)
        ),
        batch_size=BATCH,
    )
    RiskAssessment.objects.bulk_create(
        (
            RiskAssessment(
                use_case=one,
                assessor=assessor,
                questionnaire_version=2,
                answers={},
                tier=one.tier,
                fired_rules=[],
                valid_until=here.now + timedelta(days=200),
                at=here.now,
            )
            for one in use_cases
        ),
        batch_size=BATCH,
    )


def _changes(here: Any, use_cases: list[Any]) -> None:
    from governance.approvals.models import ApprovalPolicy, ChangeRequest

    policy = ApprovalPolicy.objects.filter(kind="use_case_stage", active=True).first()
    states = ("open", "applied", "rejected")
    changes = ChangeRequest.objects.bulk_create(
        (
            ChangeRequest(
                kind="use_case_stage",
                subject_id=one.pk,
                subject_label=one.title,
                title=f"Move {one.title} to assessed",
                reason="It is ready.",
                proposal={"target": "assessed"},
                snapshot={"target": "assessed"},
                digest="0" * 64,
                base_digest="0" * 64,
                tier=one.tier or "minimal",
                team_id=one.team_id,
                proposer_id=one.owner_id,
                state=states[number % len(states)],
                policy=policy,
                opened_at=here.now - timedelta(minutes=number),
                due_at=here.now + timedelta(hours=number % 200 - 50),
                expires_at=here.now + timedelta(days=60),
            )
            for number, one in enumerate(use_cases)
        ),
        batch_size=BATCH,
    )
    _slots(here, changes)
    _approvals(here, changes)


def _slots(here: Any, changes: list[Any]) -> None:
    from governance.approvals.models import Decision, SignOffSlot

    board, compliance = here.people.users["board"], here.people.users["compliance"]
    slots = SignOffSlot.objects.bulk_create(
        (
            SignOffSlot(
                change=change,
                permission=f"sign_{name}",
                position=position,
                filled_by=None if change.state == "open" else person,
            )
            for change in changes
            for position, (name, person) in enumerate(
                (("board", board), ("compliance", compliance))
            )
        ),
        batch_size=BATCH,
    )
    through = SignOffSlot.eligible.through
    through.objects.bulk_create(
        through(signoffslot_id=slot.pk, user_id=(board, compliance)[slot.position].pk)
        for slot in slots
    )
    Decision.objects.bulk_create(
        (
            Decision(
                change_id=slot.change_id,
                revision=1,
                slot=slot,
                person_id=slot.filled_by_id,
                outcome="approve",
                digest_seen="0" * 64,
                at=here.now,
            )
            for slot in slots
            if slot.filled_by_id
        ),
        batch_size=BATCH,
    )


def _approvals(here: Any, changes: list[Any]) -> None:
    from governance.approvals.models import Approval, Condition

    applied = [one for one in changes if one.state == "applied"]
    Approval.objects.bulk_create(
        Approval(
            change=one,
            kind=one.kind,
            subject_id=one.subject_id,
            digest=one.digest,
            valid_from=here.now,
            valid_until=here.now + timedelta(days=300),
        )
        for one in applied
    )
    Condition.objects.bulk_create(
        Condition(
            change=one,
            text="Look at the first hundred answers.",
            owner_id=one.proposer_id,
            due_on=(here.now + timedelta(days=number % 90)).date(),
        )
        for number, one in enumerate(applied)
    )


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _keep_evidence() -> None:
    """As the beat does every few minutes: pages show what it kept."""
    from django.utils import timezone

    from governance.compliance.keeping import keep_evidence

    keep_evidence(now=timezone.now())
