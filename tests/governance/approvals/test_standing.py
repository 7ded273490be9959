"""Approvals that stand: suspended, resumed, revoked, run out, told of, and seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services
from governance.approvals.hooks import conditions_to_meet
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.rules import APPROVAL_STATES
from governance.approvals.standing import BY_PEOPLE, SYSTEM, give_notices
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.approvals import Board, decide, make_approval, make_board, make_change
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def board() -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def end(board: Board, approval: Approval, action: str, role: str = "board", **more: str) -> None:
    services.end_approval(
        actor=board.actor(role),
        approval_id=approval.pk,
        action=action,
        reason=more.get("reason", "Complaints."),
        now=timezone.now(),
    )
    approval.refresh_from_db()


@pytest.mark.parametrize("state", APPROVAL_STATES.states)
@pytest.mark.parametrize("action", BY_PEOPLE)
def test_people_take_the_arrows_there_are_and_no_other(
    board: Board, state: str, action: str
) -> None:
    approval = make_approval(board)
    Approval.objects.update(state=state)
    if not APPROVAL_STATES.allows(state, action):
        with pytest.raises(WrongState):
            end(board, approval, action)
        return
    end(board, approval, action)
    assert approval.state == APPROVAL_STATES.target(state, action)
    assert (approval.ended_at is None) == (action == "resume")
    event = AuditEvent.objects.get(action=f"approval.{action}")
    assert (event.reason, event.subject_id) == ("Complaints.", str(approval.change_id))
    told = Notification.objects.filter(user=board.people["owner"], title__startswith="Approval ")
    assert told.count() == 1


@pytest.mark.parametrize(
    ("role", "action", "may"),
    [
        ("board", "suspend", True),
        ("safety", "suspend", True),
        ("safety", "revoke", False),
        ("finance", "suspend", False),
        ("compliance", "suspend", False),
        ("owner", "suspend", False),
        ("administrator", "revoke", False),
    ],
)
def test_signatories_of_the_kind_end_it_and_commanders_suspend(
    board: Board, role: str, action: str, may: bool
) -> None:
    approval = make_approval(board)
    if may:
        end(board, approval, action, role)
    else:
        with pytest.raises(NotAllowed):
            end(board, approval, action, role)
    assert (approval.state == "in_force") != may


@pytest.mark.parametrize("action", ["expire", "supersede", "reinstate"])
def test_nobody_does_what_only_the_engine_does(board: Board, action: str) -> None:
    with pytest.raises(NotAllowed):
        end(board, make_approval(board), action)


def test_a_reason_is_needed(board: Board) -> None:
    with pytest.raises(Invalid):
        end(board, make_approval(board), "suspend", reason=" ")


def test_nobody_resumes_what_benefits_them(board: Board) -> None:
    approval = make_approval(board)
    end(board, approval, "suspend")
    ChangeRequest.objects.update(conflicted=[board.people["board"].pk])
    with pytest.raises(NotAllowed, match="Somebody else"):
        end(board, approval, "resume")


def test_an_overdue_condition_suspends_until_it_is_met(board: Board) -> None:
    today = timezone.now().date()
    approval = make_approval(board, due_on=today - timedelta(days=1))
    services.keep_house(now=timezone.now())
    approval.refresh_from_db()
    assert (approval.state, approval.end_reason) == ("suspended", "A condition is overdue.")
    with pytest.raises(WrongState, match="overdue"):
        end(board, approval, "resume")
    condition = approval.change.conditions.get()
    for role, evidence, refusal in (("board", "x", NotAllowed), ("owner", " ", Invalid)):
        with pytest.raises(refusal):
            services.meet_condition(
                actor=board.actor(role),
                condition_id=condition.pk,
                evidence=evidence,
                now=timezone.now(),
            )
    services.meet_condition(
        actor=board.actor("owner"), condition_id=condition.pk, evidence="Done", now=timezone.now()
    )
    end(board, approval, "resume")
    assert approval.state == "in_force"


def test_a_condition_due_today_is_not_overdue(board: Board) -> None:
    now = timezone.now()
    make_approval(board, due_on=now.date())
    services.keep_house(now=now)
    assert Approval.objects.get().state == "in_force"


def test_what_ran_out_expires_and_does_not_come_back(board: Board) -> None:
    approval = make_approval(board)
    services.keep_house(now=approval.valid_until)
    approval.refresh_from_db()
    assert approval.state == "expired"
    Approval.objects.update(state="suspended")
    with pytest.raises(WrongState, match="ran out"):
        services.end_approval(
            actor=board.actor("board"),
            approval_id=approval.pk,
            action="resume",
            reason="x",
            now=approval.valid_until,
        )


def test_notice_is_given_once_at_30_7_and_1_days(board: Board) -> None:
    approval = make_approval(board)
    told = Notification.objects.filter(title__startswith="Runs out")
    for days_left, given in ((31, 0), (30, 1), (30, 0), (8, 0), (7, 1), (1, 1), (0.5, 0)):
        now = approval.valid_until - timedelta(days=days_left)
        assert give_notices(now=now) == given, days_left
    owner, board_member = board.people["owner"], board.people["board"]
    assert told.filter(user=owner).count() == told.filter(user=board_member).count() == 3
    assert told.filter(user=board.people["compliance"]).count() == 0
    assert told.latest("pk").title == f"Runs out in 1 day: {approval.change.title}"


def test_the_owner_is_told_although_somebody_else_proposed(board: Board) -> None:
    colleague = make_person("owner", board.team)
    approval = make_approval(board)
    ChangeRequest.objects.update(proposer=colleague)
    give_notices(now=approval.valid_until - timedelta(days=7))
    told = Notification.objects.filter(title__startswith="Runs out")
    assert told.filter(user=board.people["owner"]).exists()
    assert told.filter(user=colleague).exists()


def test_the_system_suspends_only_by_itself(board: Board) -> None:
    approval = make_approval(board)
    services.end_approval(
        actor=SYSTEM, approval_id=approval.pk, action="suspend", reason="x", now=timezone.now()
    )
    assert AuditEvent.objects.get(action="approval.suspend").actor_kind == "system"


def test_an_owner_finds_the_condition_in_their_work(board: Board) -> None:
    approval = make_approval(board, due_on=timezone.now().date())
    owner, now = board.people["owner"], timezone.now()
    assert [one.title for one in conditions_to_meet(owner, now)] == ["Train the reviewers."]
    assert conditions_to_meet(board.people["board"], now) == []
    approval.change.conditions.update(met_at=now)
    assert conditions_to_meet(owner, now) == []


def test_a_condition_of_a_refused_change_binds_nobody(board: Board) -> None:
    change = make_change(board, tier="limited")
    condition = services.NewCondition("x", board.people["owner"], timezone.now().date())
    decide(board, "board", change, outcome="approve_with_conditions", conditions=[condition])
    decide(board, "compliance", change, outcome="reject")
    assert conditions_to_meet(board.people["owner"], timezone.now()) == []


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "url",
    [
        "/approvals/?state=all",
        "/approvals/conditions/?show=all",
        "/changes/?show=all",
        "/api/v1/approvals/?state=all",
        "/api/v1/conditions/",
        "/api/v1/change-requests/",
    ],
)
def test_a_list_asks_the_same_number_of_queries_for_one_and_three(board: Board, url: str) -> None:
    client, today = signed_in(board.people["board"]), timezone.now().date()
    make_approval(board, due_on=today)
    once = queries(client, url)
    for _ in range(2):
        make_approval(board, due_on=today)
    assert queries(client, url) == once <= 12


@pytest.mark.parametrize("url", ["/approvals/", "/approvals/conditions/"])
def test_an_empty_list_says_what_it_is_for(board: Board, url: str) -> None:
    assert b'class="empty"' in signed_in(board.people["board"]).get(url).content


def test_the_list_is_narrowed_and_names_the_change(board: Board) -> None:
    first, second = make_approval(board), make_approval(board)
    end(board, first, "revoke")
    Approval.objects.filter(pk=second.pk).update(valid_until=timezone.now() + timedelta(days=9))
    client = signed_in(board.people["board"])

    def listed(query: str) -> list[int]:
        return [one.pk for one in client.get(f"/approvals/?{query}").context["page"]]

    assert listed("") == [second.pk]
    assert listed("state=all") == [second.pk, first.pk]
    assert listed("state=revoked") == [first.pk]
    assert listed("state=all&soon=on") == [second.pk]
    assert listed("kind=model_card&state=all") == []
    assert f"/changes/{second.change_id}/" in client.get("/approvals/").content.decode()
    assert b"Select a valid choice" in client.get("/approvals/?state=nonsense").content


def test_an_approval_out_of_reach_is_not_there(board: Board) -> None:
    approval = make_approval(board)
    stranger = signed_in(make_person("owner", make_team()))
    assert stranger.get(f"/approvals/{approval.pk}/").status_code == 404
    ended = stranger.post(f"/approvals/{approval.pk}/suspend/", {"reason": "x"})
    assert ended.status_code == 404
    assert signed_in(board.people["owner"]).get(f"/approvals/{approval.pk}/").status_code == 200
    assert signed_in(make_person("reviewer", board.team)).get("/approvals/").status_code == 403


def test_the_page_says_in_numbers_what_stops_and_takes_a_reason(board: Board) -> None:
    approval = make_approval(board)
    client, url = signed_in(board.people["board"]), f"/approvals/{approval.pk}/"
    shown = client.get(url)
    labels = {one.label: one.count for one in shown.context["consequences"]}
    assert labels == {"running releases": 0, "calls in the last 7 days": 0}
    assert [one["action"] for one in shown.context["actions"]] == ["suspend", "revoke"]
    refused = client.post(f"{url}suspend/", {"reason": ""})
    assert refused.status_code == 422 and b"This field is required" in refused.content
    assert client.post(f"{url}expire/", {"reason": "x"}).status_code == 404
    assert client.post(f"{url}suspend/", {"reason": "Complaints."})["Location"] == url
    assert b"Complaints." in client.get(url).content
    assert client.post(f"{url}suspend/", {"reason": "again"}).status_code == 409
    assert client.post(f"{url}resume/", {"reason": "Solved."}).status_code == 302


def test_who_may_not_end_it_sees_no_form(board: Board) -> None:
    approval = make_approval(board)
    client = signed_in(board.people["finance"])
    assert client.get(f"/approvals/{approval.pk}/").context["actions"] == []
    ended = client.post(f"/approvals/{approval.pk}/revoke/", {"reason": "x"})
    assert ended.status_code == 403


def test_a_condition_is_met_on_its_page_by_its_owner(board: Board) -> None:
    approval = make_approval(board, due_on=timezone.now().date() - timedelta(days=2))
    condition = approval.change.conditions.get()
    url = f"/approvals/conditions/{condition.pk}/meet/"
    owner = signed_in(board.people["owner"])
    assert b"It is met" in owner.get("/approvals/conditions/?show=overdue").content
    refused = owner.post(url, {"evidence": " "})
    assert refused.status_code == 422 and b"This field is required" in refused.content
    assert signed_in(board.people["board"]).post(url, {"evidence": "x"}).status_code == 403
    assert signed_in(make_person("owner", make_team())).post(url).status_code == 404
    assert owner.post(url, {"evidence": "Protocol 12"}).status_code == 302
    assert owner.post(url, {"evidence": "Protocol 13"}).status_code == 409
    condition.refresh_from_db()
    assert condition.evidence == "Protocol 12"
    assert AuditEvent.objects.filter(action="condition.met", reason="Protocol 12").count() == 1
    assert b"Protocol 12" in owner.get("/approvals/conditions/?show=met").content


def test_the_owner_of_a_condition_sees_the_change_without_a_role(board: Board) -> None:
    approval = make_approval(board, due_on=timezone.now().date())
    nobody = make_person()
    assert signed_in(nobody).get(f"/changes/{approval.change_id}/").status_code == 404
    approval.change.conditions.update(owner=nobody)
    assert signed_in(nobody).get(f"/changes/{approval.change_id}/").status_code == 200
