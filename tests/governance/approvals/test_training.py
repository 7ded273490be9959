"""Only who is trained signs; of whom a training is required is itself signed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Grant, Training
from governance.approvals.delegation import delegate_signing
from governance.approvals.last_holders import (
    last_holders_to_follow,
    remind_of_trainings,
    warn_of_last_holders,
)
from governance.approvals.planning import simulate
from governance.approvals.tasks import remind_people
from governance.approvals.training_subject import propose_requirement
from governance.audit.models import AuditEvent
from governance.config.schedule import BEAT_SCHEDULE
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from tests.factories.approvals import Board, decide, make_board, make_change
from tests.factories.ledger import make_person
from tests.factories.training import make_training, train

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    return make_board()


def client_of(board: Board, role: str) -> Client:
    client = Client()
    client.force_login(board.people[role])
    return client


def test_who_is_untrained_is_left_out_at_opening(board: Board) -> None:
    made, second = make_training(roles=("board",)), make_person("board")
    train(second, made)
    change = make_change(board)
    (slot,) = change.slots.all()
    assert list(slot.eligible.all()) == [second]
    page = client_of(board, "owner").get(f"/changes/{change.pk}/").content.decode()
    bea = board.people["board"]
    assert f"Left out as Board member: {bea.name}, no valid training “AI literacy”" in page


def test_without_anybody_trained_nothing_opens_and_it_says_so(board: Board) -> None:
    make_training(roles=("board",))
    with pytest.raises(WrongState, match="Left out: .* no valid training “AI literacy”"):
        make_change(board)


def test_a_training_that_ran_out_since_is_refused_with_what_is_missing(board: Board) -> None:
    change = make_change(board)
    make_training(roles=("board",))
    with pytest.raises(NotAllowed, match="no valid training “AI literacy” of yours.*training/mine"):
        decide(board, "board", change)
    page = client_of(board, "board").get(f"/changes/{change.pk}/").content.decode()
    assert 'href="/training/mine/"' in page and "Your decision</legend>" not in page
    train(board.people["board"], Training.objects.get())
    assert decide(board, "board", change).state == "applied"


def test_a_delegate_needs_the_training_too(board: Board) -> None:
    made, deputy, now = make_training(roles=("board",)), make_person(), timezone.now()
    train(board.people["board"], made)
    board.people["deputy"] = deputy
    delegate_signing(
        actor=board.actor("board"),
        delegate=deputy,
        permission="sign_board",
        starts_at=now,
        ends_at=now + timedelta(days=7),
        reason="Away",
        now=now,
    )
    change = make_change(board)
    with pytest.raises(NotAllowed, match="no valid training"):
        decide(board, "deputy", change)
    train(deputy, made)
    assert decide(board, "deputy", change).state == "applied"


def test_the_simulator_says_who_is_left_out(board: Board) -> None:
    make_training(roles=("board",))
    query = "?kind=use_case_stage&tier=minimal&team=" + str(board.team.pk)
    page = client_of(board, "owner").get("/changes/policies/simulate/" + query).content.decode()
    assert "left out: " in page and "no valid training “AI literacy”" in page
    asked = {"kind": "use_case_stage", "tier": "minimal"}
    answer = client_of(board, "board").post(
        "/api/v1/approval-policies/simulate/", asked, content_type=JSON
    )
    (left_out,) = answer.json()["slots"][0]["untrained"]
    assert left_out["id"] == board.people["board"].pk and "AI literacy" in left_out["why"]


def test_planning_costs_the_same_for_many(board: Board) -> None:
    made = make_training(roles=("board",))

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            simulate(
                kind="use_case_stage",
                tier=RiskTier.MINIMAL,
                team=board.team,
                proposer=board.people["owner"],
                now=timezone.now(),
            )
        return len(captured)

    once = cost()
    for _ in range(3):
        train(make_person("board"), made)
    assert cost() == once


def requirement(board: Board, made: Training, *roles: str) -> object:
    return propose_requirement(
        actor=board.actor("compliance"),
        training=made,
        proposal={"roles": list(roles), "validity_days": 200},
        reason="The law asks for it.",
        now=timezone.now(),
    )


def test_what_is_required_is_signed_by_somebody_else(board: Board) -> None:
    made = make_training()
    train(board.people["board"], made)
    change = requirement(board, made, "board")
    made.refresh_from_db()
    assert made.roles == []
    assert decide(board, "board", change).state == "applied"  # type: ignore[arg-type]  # a request
    made.refresh_from_db()
    assert (made.roles, made.validity_days) == (["board"], 200)
    assert AuditEvent.objects.filter(action="training.required").count() == 1
    with pytest.raises(Invalid, match="differs"):
        requirement(board, made, "board")


def test_it_cannot_be_required_where_nobody_could_sign_any_more(board: Board) -> None:
    with pytest.raises(Invalid, match="can sign as Board member"):
        requirement(board, make_training(), "board")


def test_only_compliance_proposes_it(board: Board) -> None:
    made = make_training()
    train(board.people["board"], made)
    path = f"/changes/training/{made.code}/"
    assert client_of(board, "board").post(path, {}).status_code == 403
    page = client_of(board, "compliance")
    assert page.post(path, {"validity_days": 9}).status_code == 422
    sent = {"roles": ["board"], "validity_days": 9, "reason": "Law."}
    assert page.post(path, sent).status_code == 302
    assert "is proposed and undecided" in page.get(path).content.decode()


def test_over_the_api_roles_are_checked(board: Board) -> None:
    made = make_training()
    sent = {
        "kind": "training_requirement",
        "subject_id": made.pk,
        "proposal": {"roles": ["king"], "validity_days": 3},
        "reason": "x",
    }
    answer = client_of(board, "compliance").post(
        "/api/v1/change-requests/", sent, content_type=JSON
    )
    assert answer.status_code == 400, answer.content


def test_reminders_come_30_7_and_1_days_before_each_once(board: Board) -> None:
    made, bea, now = make_training(roles=("board",)), board.people["board"], timezone.now()
    train(bea, made, days_left=40)
    told = [remind_of_trainings(now=now + timedelta(days=day)) for day in range(45)]
    assert [day for day, count in enumerate(told) if count] == [10, 33, 39]
    titles = Notification.objects.filter(user=bea, title__startswith="Your training runs out")
    assert titles.count() == 3


def test_what_is_not_required_or_taken_again_is_not_reminded_of(board: Board) -> None:
    made = make_training(roles=("board",))
    train(board.people["safety"], made, days_left=5)
    train(board.people["board"], made, days_left=5)
    train(board.people["board"], made, days_left=300)
    assert remind_of_trainings(now=timezone.now()) == 0


def test_administrators_are_warned_of_the_last_who_ends(board: Board) -> None:
    now, bea = timezone.now(), board.people["board"]
    Grant.objects.filter(user=bea).update(ends_at=now + timedelta(days=31))
    assert warn_of_last_holders(now=now) == 0
    soon = now + timedelta(days=2)
    assert (warn_of_last_holders(now=soon), warn_of_last_holders(now=soon)) == (1, 0)
    ada = board.people["administrator"]
    assert Notification.objects.filter(user=ada, title__contains="nobody can sign as").exists()
    assert [one.url for one in last_holders_to_follow(ada, soon)] == [f"/people/{bea.pk}/"]
    assert last_holders_to_follow(bea, soon) == []
    make_person("board")
    assert last_holders_to_follow(ada, soon) == []


def test_the_beat_runs_it() -> None:
    assert remind_people.name in BEAT_SCHEDULE
    remind_people()
