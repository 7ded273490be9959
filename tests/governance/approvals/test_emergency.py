"""An emergency: two let it through at once, others ratify it in time, or it is reverted."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services
from governance.approvals.emergencies import ask_emergency, let_through, ratify_by
from governance.approvals.emergency_selectors import emergencies_waiting, emergency_figures
from governance.approvals.models import Approval, ApprovalPolicy, ChangeRequest, Decision
from governance.approvals.ratifying import revert_overdue
from governance.approvals.rules import Slot, can_be_ratified
from governance.approvals.services import keep_house
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from tests.factories.approvals import Board, decide, make_board, make_change
from tests.factories.emergencies import (
    WHY,
    make_emergency,
    make_full_board,
    make_provisional,
    speak_for,
)

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    return make_full_board()


def stage_of(change: ChangeRequest) -> str:
    return UseCase.objects.get(pk=change.subject_id).stage


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_second_voice_applies_it_until_it_is_to_be_ratified(board: Board) -> None:
    change = make_emergency(board)
    speak_for(change, board.people["board 2"])
    assert (change.state, stage_of(change)) == ("open", "proposed")
    now = timezone.now()
    speak_for(change, board.people["compliance 2"], now=now)
    assert (change.state, stage_of(change)) == ("provisional", "assessed")
    approval = Approval.objects.get(change=change)
    assert (approval.state, approval.digest) == ("in_force", change.digest)
    assert approval.valid_until == change.emergency.ratify_by == change.due_at
    # Not 40 working hours as its policy has it: never more than three working days.
    assert approval.valid_until == ratify_by(change, now) <= now + timedelta(days=5)
    told = Notification.objects.filter(title__startswith="Applied as an emergency")
    names = ("board", "board 2", "board 3", "compliance 2")
    assert {one.user_id for one in told} == {board.people[name].pk for name in names}


def test_others_ratify_it_and_then_it_holds_as_long_as_its_policy_says(board: Board) -> None:
    change = make_provisional(board)
    with pytest.raises(NotAllowed):
        decide(board, "board 2", change)
    assert decide(board, "board", change).state == "provisional"
    assert decide(board, "compliance", change).state == "applied"
    approval = Approval.objects.get(change=change)
    assert approval.valid_until - approval.valid_from == timedelta(days=change.policy.validity_days)
    assert change.closed_at is not None
    assert AuditEvent.objects.filter(action="emergency.ratified").count() == 1
    keep_house(now=timezone.now() + timedelta(days=9))
    change.refresh_from_db()
    assert (change.state, stage_of(change)) == ("applied", "assessed")


def test_unratified_in_time_it_is_reverted_and_all_are_told(board: Board) -> None:
    change = make_provisional(board)
    deadline: datetime = change.emergency.ratify_by
    keep_house(now=deadline - timedelta(seconds=1))
    change.refresh_from_db()
    assert change.state == "provisional"
    Notification.objects.all().delete()
    keep_house(now=deadline)
    change.refresh_from_db()
    assert (change.state, stage_of(change)) == ("reverted", "proposed")
    approval = Approval.objects.get(change=change)
    assert (approval.state, approval.end_reason) == ("revoked", "It was not ratified in time.")
    event = AuditEvent.objects.get(action="emergency.reverted")
    assert (event.actor_kind, event.reason) == ("system", "It was not ratified in time.")
    told = set(Notification.objects.values_list("user_id", flat=True))
    names = ("owner", "board", "board 2", "board 3")
    assert told == {board.people[name].pk for name in names}
    assert revert_overdue(now=deadline) == 0


def test_a_rejection_reverts_it_at_once(board: Board) -> None:
    change = make_provisional(board)
    with pytest.raises(WrongState):
        decide(board, "board", change, outcome="request_changes")
    decide(board, "board", change, outcome="reject", rationale="Nobody was harmed.")
    assert (change.state, stage_of(change)) == ("reverted", "proposed")
    again = services.open_change(
        actor=board.actor("owner"),
        kind=change.kind,
        subject_id=change.subject_id,
        proposal=change.proposal,
        title="Again",
        reason="In time.",
        now=timezone.now(),
    )
    assert again.state == "open"


def test_no_other_change_of_it_opens_while_it_is_to_be_ratified(board: Board) -> None:
    change = make_provisional(board)
    UseCase.objects.filter(pk=change.subject_id).update(sensitivity="public")
    with pytest.raises(WrongState, match="still undecided"):
        services.open_change(
            actor=board.actor("owner"),
            kind=change.kind,
            subject_id=change.subject_id,
            proposal={"target": "approved"},
            title="Next",
            reason="Next.",
            now=timezone.now(),
        )
    for act in (services.revise, services.withdraw):
        with pytest.raises(WrongState):
            act(actor=board.actor("owner"), change_id=change.pk, reason="x", now=timezone.now())


def test_the_approval_it_replaced_stands_again(board: Board) -> None:
    first = decide(board, "board", make_change(board))
    earlier = Approval.objects.get(change=first)
    UseCase.objects.filter(pk=first.subject_id).update(sensitivity="public")
    change = services.open_change(
        actor=board.actor("owner"),
        kind="use_case_stage",
        subject_id=first.subject_id,
        proposal={"target": "approved"},
        title="On",
        reason="On.",
        now=timezone.now(),
    )
    now = timezone.now()
    ask_emergency(actor=board.actor("owner"), change_id=change.pk, why_now=WHY, now=now)
    for name in ("board 2", "board 3"):
        speak_for(change, board.people[name])
    earlier.refresh_from_db()
    assert earlier.state == "superseded"
    keep_house(now=change.due_at)
    earlier.refresh_from_db()
    assert (earlier.state, stage_of(change)) == ("in_force", "assessed")


def test_a_revoked_one_cannot_be_ratified(board: Board) -> None:
    change = make_provisional(board)
    services.end_approval(
        actor=board.actor("board"),
        approval_id=change.approval.pk,
        action="revoke",
        reason="Harmful.",
        now=timezone.now(),
    )
    with pytest.raises(WrongState, match="revoked already"):
        decide(board, "compliance", change)
    keep_house(now=change.due_at)
    change.refresh_from_db()
    assert (change.state, stage_of(change)) == ("reverted", "proposed")


def test_a_suspended_one_that_is_not_ratified_is_revoked(board: Board) -> None:
    change = make_provisional(board)
    actor, pk = board.actor("board"), change.approval.pk
    services.end_approval(
        actor=actor, approval_id=pk, action="suspend", reason="Look.", now=timezone.now()
    )
    keep_house(now=change.due_at + timedelta(days=9))
    assert Approval.objects.get(pk=pk).state == "revoked"
    assert stage_of(change) == "proposed"


@pytest.mark.parametrize("name", ["owner", "finance", "safety"])
def test_who_cannot_let_it_through(board: Board, name: str) -> None:
    with pytest.raises(NotAllowed):
        speak_for(make_emergency(board), board.people[name])


def test_one_person_is_one_voice_and_a_lost_role_none(board: Board) -> None:
    change = make_emergency(board)
    speak_for(change, board.people["board 2"])
    with pytest.raises(NotAllowed):
        speak_for(change, board.people["board 2"])
    board.people["board 3"].grants.update(revoked_at=timezone.now())
    with pytest.raises(NotAllowed):
        speak_for(change, board.people["board 3"])
    with pytest.raises(NotAllowed):
        decide(board, "board 2", change)


def test_a_voice_without_which_nobody_could_ratify_does_not_count(board: Board) -> None:
    change = make_emergency(board)
    speak_for(change, board.people["compliance"])
    with pytest.raises(WrongState, match="nobody would be left"):
        speak_for(change, board.people["compliance 2"])


def test_a_voice_counts_for_what_was_seen_with_a_reason_and_while_open(board: Board) -> None:
    change, person = make_emergency(board), board.people["board 2"]
    with pytest.raises(Conflict):
        speak_for(change, person, digest_seen="0" * 64)
    with pytest.raises(Invalid):
        speak_for(change, person, rationale=" ")
    with pytest.raises(WrongState):
        speak_for(change, person, now=change.expires_at)
    system = Actor.system("tests")
    seen = {"change_id": change.pk, "rationale": "x", "digest_seen": change.digest}
    with pytest.raises(NotAllowed):
        let_through(actor=system, now=timezone.now(), **seen)
    with pytest.raises(WrongState):
        speak_for(make_change(board, tier="limited"), person)
    assert not Decision.objects.exists()


def test_a_moved_subject_makes_it_stale_and_a_revision_voids_the_voices(board: Board) -> None:
    change = make_emergency(board)
    speak_for(change, board.people["board 2"])
    UseCase.objects.filter(pk=change.subject_id).update(outcome="Another.")
    with pytest.raises(Conflict):
        speak_for(change, board.people["board 3"])
    change.refresh_from_db()
    assert (change.state, stage_of(change)) == ("stale", "proposed")
    owner, now = board.actor("owner"), timezone.now()
    services.revise(actor=owner, change_id=change.pk, reason="New.", now=now)
    change.refresh_from_db()
    assert speak_for(change, board.people["board 3"]).state == "open"
    assert speak_for(change, board.people["board 2"]).state == "provisional"


def test_the_gate_is_not_lifted(board: Board) -> None:
    """What is missing by now is refused at the second voice; both can speak when it is there."""
    change = make_emergency(board)
    speak_for(change, board.people["board 2"])
    use_case = UseCase.objects.get(pk=change.subject_id)
    use_case.risk_assessments.all().delete()
    with pytest.raises(WrongState, match="lifts the quorum, not the gate"):
        speak_for(change, board.people["board 3"])
    change.refresh_from_db()
    assert (change.state, stage_of(change)) == ("open", "proposed")
    assert change.decisions.count() == 1


def test_only_the_proposer_asks_once_with_a_reason_for_an_open_one(board: Board) -> None:
    change, now = make_change(board, tier="limited"), timezone.now()
    with pytest.raises(NotAllowed):
        ask_emergency(actor=board.actor("board"), change_id=change.pk, why_now=WHY, now=now)
    owner = board.actor("owner")
    with pytest.raises(Invalid):
        ask_emergency(actor=owner, change_id=change.pk, why_now=" ", now=now)
    ask_emergency(actor=owner, change_id=change.pk, why_now=WHY, now=now)
    with pytest.raises(WrongState, match="already"):
        ask_emergency(actor=owner, change_id=change.pk, why_now=WHY, now=now)
    services.withdraw(actor=owner, change_id=change.pk, reason="", now=now)
    with pytest.raises(WrongState, match="only an open"):
        ask_emergency(actor=owner, change_id=change.pk, why_now=WHY, now=now)


def test_too_few_people_and_what_cannot_be_taken_back_are_refused() -> None:
    board, now = make_board(), timezone.now()
    change = make_change(board, tier="limited")
    with pytest.raises(WrongState, match="too few"):
        ask_emergency(actor=board.actor("owner"), change_id=change.pk, why_now=WHY, now=now)
    policy = ApprovalPolicy.objects.get(kind="budget", tier="minimal")
    proposal = {
        "sign_offs": [{"permission": "sign_budget", "count": 1}],
        "decision_hours": 16,
        "validity_days": 99,
    }
    of_policy = services.open_change(
        actor=board.actor("administrator"),
        kind="approval_policy",
        subject_id=policy.pk,
        proposal=proposal,
        title="Faster",
        reason="Faster.",
        now=now,
    )
    asker = board.actor("administrator")
    with pytest.raises(WrongState, match="cannot be taken back"):
        ask_emergency(actor=asker, change_id=of_policy.pk, why_now=WHY, now=now)


@pytest.mark.parametrize(
    ("eligible", "voices", "able"),
    [
        ([{1, 2, 3}], 2, True),
        ([{1, 2}], 2, False),
        ([{1, 2}, {3, 4}], 2, True),
        ([{1}, {2, 3}], 2, False),
        ([{1}, {2, 3}], 1, True),
        ([{1, 2, 3}, {1, 2, 3}], 2, False),
        ([{1, 2, 3, 4}, {1, 2, 3, 4}], 2, True),
        ([{1}], 0, True),
    ],
)
def test_whether_enough_are_there_to_speak_and_to_ratify(
    eligible: list[set[int]], voices: int, able: bool
) -> None:
    slots = [Slot(number, frozenset(one)) for number, one in enumerate(eligible)]
    assert can_be_ratified(slots, frozenset(), voices) is able


def test_the_page_asks_lets_through_and_shows_the_deadline(board: Board) -> None:
    change = make_change(board, tier="limited")
    url, owner = f"/changes/{change.pk}/", signed_in(board.people["owner"])
    assert "Make it an emergency" in owner.get(url).content.decode()
    refused = owner.post(f"{url}emergency/", {"why_now": " "})
    assert refused.status_code == 422 and b"Say why it cannot wait." in refused.content
    assert owner.post(f"{url}emergency/", {"why_now": WHY})["Location"] == url
    first, second = (signed_in(board.people[name]) for name in ("board 2", "board 3"))
    assert "Let it through" in first.get(url).content.decode()
    assert "Let it through" not in owner.get(url).content.decode()
    seen = {"digest": change.digest, "voice": ""}
    assert first.post(f"{url}let-through/", seen).status_code == 422
    for client in (first, second):
        assert client.post(f"{url}let-through/", seen | {"voice": "Harm."})["Location"] == url
    shown = signed_in(board.people["board"]).get(url).content.decode()
    assert "or it is reverted by itself" in shown and 'value="request_changes"' not in shown
    assert 'value="reject"' in shown
    listed = first.get("/changes/?show=emergency").content.decode()
    assert change.title in listed and "Emergency changes in 90 days: 1" in listed
    assert "Emergency changes" in signed_in(board.people["board"]).get("/changes/").content.decode()


def test_the_board_sees_what_waits_and_how_often_it_happened(board: Board) -> None:
    change, now = make_provisional(board), timezone.now()
    spoke, other = board.people["board 2"], board.people["finance"]
    waiting = emergencies_waiting(User.objects.get(pk=spoke.pk), now)
    assert [(one.title, one.due_at) for one in waiting] == [(change.title, change.due_at)]
    assert emergencies_waiting(User.objects.get(pk=other.pk), now) == []
    # Who can still ratify finds it among the decisions asked for, not twice.
    free = User.objects.get(pk=board.people["board"].pk)
    assert emergencies_waiting(free, now) == []
    assert list(ChangeRequest.objects.waiting_for(free)) == [change]
    for name in ("board", "compliance"):
        decide(board, name, change)
    make_provisional(board, now=now - timedelta(days=20))
    keep_house(now=now)
    make_provisional(board, now=now)
    make_provisional(board, now=now - timedelta(days=91))
    figures = emergency_figures(ChangeRequest.objects.all(), now)
    assert (figures.applied, figures.ratified, figures.reverted, figures.waiting) == (3, 1, 1, 1)


def test_the_list_asks_the_same_number_of_times(board: Board) -> None:
    client = signed_in(board.people["board"])
    counted = []
    for _ in range(2):
        make_emergency(board)
        with CaptureQueriesContext(connection) as queries:
            client.get("/changes/")
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_the_api_asks_and_lets_through(board: Board) -> None:
    change = make_change(board, tier="limited")
    url = f"/api/v1/change-requests/{change.pk}/"
    owner = signed_in(board.people["owner"])
    assert owner.get(url).json()["emergency"] is None
    asked = owner.post(f"{url}emergency/", {"why_now": WHY}, JSON)
    assert asked.status_code == 201 and asked.json()["emergency"]["why_now"] == WHY
    voice = {"rationale": "Harm.", "digest_seen": change.digest}
    for name, state in (("board 2", "open"), ("board 3", "provisional")):
        answer = signed_in(board.people[name]).post(f"{url}let-through/", voice, JSON)
        assert (answer.status_code, answer.json()["state"]) == (201, state)
    assert answer.json()["emergency"]["ratify_by"] is not None
    ordinary = {"outcome": "emergency", "digest_seen": change.digest}
    refused = signed_in(board.people["board"]).post(f"{url}decisions/", ordinary, JSON)
    assert refused.status_code == 400
    with pytest.raises(Invalid):
        decide(board, "board", change, outcome="emergency")
