"""A request goes stale when its content, what it replaces or its evidence gets worse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.approvals import services
from governance.approvals.evidence_rules import Worse, frozen, worsened
from governance.approvals.models import ChangeRequest
from governance.approvals.services import StaleChange
from governance.home.models import Notification
from governance.incidents import services as incidents
from governance.incidents.models import Incident
from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from tests.factories.approvals import Board, decide, make_board, make_change


@pytest.fixture
def board(db: None) -> Board:
    return make_board()


def limited(board: Board) -> ChangeRequest:
    """Two sign at this tier, so one decision leaves it open."""
    return make_change(board, tier="limited")


def use_case_of(change: ChangeRequest) -> UseCase:
    return UseCase.objects.get(pk=change.subject_id)


def declare(board: Board, change: ChangeRequest, severity: str = "high") -> Incident:
    playbook, *_ = incidents.install_starting_playbooks(
        actor=Actor.system("tests"), now=timezone.now()
    )
    return incidents.declare(
        actor=board.actor("safety"),
        playbook=playbook,
        title="Secret title",
        description="Seen twice.",
        severity=severity,
        use_case=use_case_of(change),
        now=timezone.now(),
    )


def test_a_new_incident_marks_it_says_why_and_what_is_void(board: Board) -> None:
    change = limited(board)
    decide(board, "compliance", change)
    Notification.objects.all().delete()
    incident = declare(board, change)
    services.keep_house(now=timezone.now())
    change.refresh_from_db()
    because = f"Open incidents: from “none” to “incident {incident.pk} (high)”."
    assert (change.state, change.stale_because) == ("stale", [because])
    assert change.stale_voids == [board.people["compliance"].name]
    assert change.decisions.get().is_void
    told = Notification.objects.filter(title__startswith="Went stale")
    assert {one.user for one in told} >= {board.people["owner"], board.people["compliance"]}
    client = Client()
    client.force_login(board.people["safety"])
    shown = client.get(f"/changes/{change.pk}/").content.decode()
    assert because in shown and "No longer counts: the decision of" in shown
    assert "Secret title" not in shown
    read = client.get(f"/api/v1/change-requests/{change.pk}/").json()
    assert (read["stale_because"], len(read["stale_voids"])) == ([because], 1)


def test_a_decision_is_refused_and_a_revision_takes_the_evidence_in(board: Board) -> None:
    change = limited(board)
    declare(board, change)
    with pytest.raises(StaleChange):
        decide(board, "compliance", change)
    services.revise(
        actor=board.actor("owner"), change_id=change.pk, reason="Known.", now=timezone.now()
    )
    change.refresh_from_db()
    assert (change.state, change.stale_because, change.stale_voids) == ("open", [], [])
    decide(board, "compliance", change)
    Incident.objects.update(severity="low")
    services.keep_house(now=timezone.now())
    change.refresh_from_db()
    assert change.state == "open"
    Incident.objects.update(severity="critical")
    services.keep_house(now=timezone.now())
    change.refresh_from_db()
    assert change.state == "stale"


def test_what_moved_is_said_field_by_field(board: Board) -> None:
    change = make_change(board)
    before = change.snapshot["title"]
    UseCase.objects.filter(pk=change.subject_id).update(title="Another title")
    assert services.mark_stale(change_id=change.pk, now=timezone.now())
    change.refresh_from_db()
    said = f"What is proposed, title: from “{before}” to “Another title”."
    assert change.stale_because == [said] and change.stale_voids == []


def test_a_request_from_before_evidence_was_kept_stays_open(board: Board) -> None:
    change = limited(board)
    ChangeRequest.objects.update(evidence={})
    declare(board, change)
    assert not services.mark_stale(change_id=change.pk, now=timezone.now())


def piece(worse: Worse, grade: Any = None, value: str = "x", members: Any = ()) -> dict[str, Any]:
    return {"key": frozen(label="It", value=value, worse=worse, grade=grade, members=list(members))}


@pytest.mark.parametrize(
    ("before", "after", "is_worse"),
    [
        (piece(Worse.LOWER, Decimal("0.9")), piece(Worse.LOWER, Decimal("0.8"), "y"), True),
        (piece(Worse.LOWER, Decimal("0.8")), piece(Worse.LOWER, Decimal("0.9"), "y"), False),
        (piece(Worse.LOWER, Decimal("0.8")), piece(Worse.LOWER, None, "y"), True),
        (piece(Worse.LOWER), piece(Worse.LOWER, Decimal("0.1"), "y"), False),
        (piece(Worse.HIGHER, 1), piece(Worse.HIGHER, 2), True),
        (piece(Worse.HIGHER, 2), piece(Worse.HIGHER, 1), False),
        (piece(Worse.HIGHER, 1, members="a"), piece(Worse.HIGHER, 1, members="b"), True),
        (piece(Worse.HIGHER, 1, members="ab"), piece(Worse.HIGHER, 1, members="a"), False),
        (piece(Worse.OTHER), piece(Worse.OTHER, value="y"), True),
        (piece(Worse.OTHER, 1), piece(Worse.OTHER, 2), True),
        (piece(Worse.OTHER), {}, False),
        ({}, piece(Worse.HIGHER, 9), False),
    ],
)
def test_which_movement_is_worse(before: Any, after: Any, is_worse: bool) -> None:
    assert bool(worsened(before, after)) == is_worse
