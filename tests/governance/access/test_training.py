"""Trainings, records and the register."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Training, TrainingRecord, User
from governance.access.training import (
    define_training,
    install_starting_trainings,
    record_training,
    revoke_training_record,
)
from governance.access.training_rules import training_state, training_words
from governance.access.training_selectors import register, trainings_of, why_untrained
from governance.audit.models import AuditEvent
from governance.home.training import training_due
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.ledger import make_person, make_team
from tests.factories.training import SYSTEM, make_training, train
from tests.governance.access.conftest import assert_constant, signed_in

pytestmark = pytest.mark.django_db
BOARD = Permission.SIGN_BOARD
JSON = "application/json"


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (31, "valid", "valid until"),
        (30, "runs_out_soon", "runs out in 30 days"),
        (1, "runs_out_soon", "runs out in 1 day"),
        (0, "runs_out_soon", "runs out today"),
        (-1, "run_out", "ran out on"),
    ],
)
def test_how_a_training_stands(days: int, state: str, words: str) -> None:
    today = timezone.now().date()
    until = today + timedelta(days=days)
    assert training_state(until, today) == state
    assert training_words(until, today).startswith(words)


def test_without_a_record_it_is_missing() -> None:
    assert training_state(None, timezone.now().date()) == "missing"


def test_the_starting_trainings_are_required_for_nobody_and_installed_once() -> None:
    assert install_starting_trainings(actor=SYSTEM, now=timezone.now()) == 3
    assert install_starting_trainings(actor=SYSTEM, now=timezone.now()) == 0
    assert [one.roles for one in Training.objects.all()] == [[], [], []]


def test_compliance_defines_and_nobody_else() -> None:
    facts = {"title": "T", "covers": "C", "validity_days": 30, "now": timezone.now()}
    with pytest.raises(NotAllowed):
        define_training(actor=Actor.person(make_person("administrator")), **facts)
    made = define_training(actor=Actor.person(make_person("compliance")), **facts)
    assert (made.code, made.roles) == ("t", [])
    with pytest.raises(Invalid) as refused:
        define_training(actor=SYSTEM, **facts)
    assert "code" in refused.value.fields
    with pytest.raises(Invalid) as refused:
        define_training(actor=SYSTEM, **(facts | {"validity_days": 0, "link": "nowhere"}))
    assert set(refused.value.fields) == {"validity_days", "link"}


def test_nobody_records_or_revokes_their_own() -> None:
    made, ada, cora = make_training(), make_person("administrator"), make_person("compliance")
    today, now = timezone.now().date(), timezone.now()
    facts = {"training": made, "completed_on": today, "evidence": "Seen.", "now": now}
    with pytest.raises(NotAllowed, match="their own"):
        record_training(actor=Actor.person(ada), person=ada, **facts)
    with pytest.raises(NotAllowed):
        record_training(actor=Actor.person(make_person("board")), person=ada, **facts)
    written = record_training(actor=Actor.person(cora), person=ada, **facts)
    assert written.valid_until == today + timedelta(days=365)
    with pytest.raises(NotAllowed, match="their own"):
        revoke_training_record(actor=Actor.person(ada), record_id=written.pk, reason="x", now=now)
    with pytest.raises(Invalid):  # the same completion twice
        record_training(actor=Actor.person(cora), person=ada, **facts)
    with pytest.raises(Invalid) as refused:
        tomorrow = today + timedelta(days=1)
        record_training(
            actor=SYSTEM, person=ada, **(facts | {"completed_on": tomorrow, "evidence": " "})
        )
    assert set(refused.value.fields) == {"completed_on", "evidence"}


def test_a_record_is_written_once() -> None:
    written = train(make_person("board"), make_training())
    for change in (
        lambda: TrainingRecord.objects.update(evidence="other"),
        lambda: TrainingRecord.objects.filter(pk=written.pk).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    now = timezone.now()
    with pytest.raises(Invalid):
        revoke_training_record(actor=SYSTEM, record_id=written.pk, reason=" ", now=now)
    revoke_training_record(actor=SYSTEM, record_id=written.pk, reason="Forged.", now=now)
    with pytest.raises(WrongState):
        revoke_training_record(actor=SYSTEM, record_id=written.pk, reason="Again.", now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRecord.objects.update(revoked_at=None)
    actions = AuditEvent.objects.filter(action__startswith="training.").order_by("at", "id")
    assert {one.action for one in actions} == {
        "training.defined",
        "training.recorded",
        "training.revoked",
    }


def test_who_is_untrained_and_why() -> None:
    bea, now = make_person("board"), timezone.now()
    assert why_untrained(bea, BOARD, now) == ""
    made = make_training(roles=("board",))
    assert why_untrained(bea, BOARD, now) == "no valid training “AI literacy”"
    assert why_untrained(bea, Permission.SIGN_SAFETY, now) == ""
    train(bea, made, days_left=-1)
    assert "it ran out on" in why_untrained(bea, BOARD, now)
    written = train(bea, made, days_left=0)
    assert why_untrained(bea, BOARD, now) == ""
    revoke_training_record(actor=SYSTEM, record_id=written.pk, reason="Forged.", now=now)
    assert "ran out" in why_untrained(bea, BOARD, now)


def test_a_reviewer_needs_the_training_of_one_role_they_hold() -> None:
    made, now = make_training(roles=("reviewer",)), timezone.now()
    rosa, leo = make_person("reviewer"), make_person("review_lead")
    assert why_untrained(rosa, Permission.REVIEW_WORK, now)
    assert why_untrained(leo, Permission.REVIEW_WORK, now) == ""
    train(rosa, made)
    assert why_untrained(rosa, Permission.REVIEW_WORK, now) == ""


def test_the_register_shows_roles_and_how_each_training_stands(admin: Client) -> None:
    made = make_training(roles=("board", "compliance"))
    bea, cora = make_person("board"), make_person("compliance")
    train(bea, made, days_left=12)
    page = admin.get("/training/").content.decode()
    assert "runs out in 12 days" in page and "missing" in page
    rows = register(timezone.now(), state="missing")
    assert [row.grant.user for row in rows] == [cora]
    assert [row.grant.user for row in register(timezone.now(), role="board")] == [bea]
    lines = admin.get("/training/?format=csv&role=board").content.decode().splitlines()
    assert len(lines) == 2 and "runs out soon" in lines[1] and bea.email in lines[1]
    assert "No role is like that" in admin.get("/training/?state=run_out").content.decode()


def test_the_register_costs_the_same_for_many(admin: Client) -> None:
    made = make_training(roles=("board",))
    assert_constant(admin, "/training/", lambda: train(make_person("board"), made))


def test_the_question_costs_the_same_for_many(db: None) -> None:
    from governance.access.training_selectors import why_untrained_each

    make_training(roles=("reviewer", "review_lead"))
    people = [make_person("reviewer") for _ in range(3)]
    for asked in (people[:1], people):
        with CaptureQueriesContext(connection) as captured:
            found = why_untrained_each(asked, Permission.REVIEW_WORK, timezone.now())
        assert (len(found), len(captured)) == (len(asked), 3)


def test_my_work_tells_what_is_missing_and_what_runs_out() -> None:
    made, second = make_training(roles=("board",)), make_training("Duties", roles=("board",))
    bea, now = make_person("board"), timezone.now()
    assert {one.title for one in training_due(bea, now)} == {
        "Training: AI literacy",
        "Training: Duties",
    }
    train(bea, made, days_left=31)
    train(bea, second, days_left=7)
    (due,) = training_due(bea, now)
    assert due.title == "Training: Duties" and "in 7 days" in due.detail
    assert due.due_at is not None
    assert training_due(make_person("owner", make_team()), now) == []
    assert [one.state for one in trainings_of(bea, now)] == ["valid", "runs_out_soon"]


def test_pages_record_and_revoke(admin: Client, ada: User) -> None:
    made, bea = make_training(roles=("board",)), make_person("board")
    page = admin.get(f"/training/record/?person={bea.pk}").content.decode()
    assert f'value="{bea.pk}" selected' in page
    assert f'value="{ada.pk}"' not in page
    facts = {"person": bea.pk, "training": made.pk, "completed_on": "2026-11-01", "evidence": ""}
    refused = admin.post("/training/record/", facts)
    assert refused.status_code == 422 and "2026-11-01" in refused.content.decode()
    assert admin.post("/training/record/", facts | {"evidence": "Here."}).status_code == 302
    (written,) = TrainingRecord.objects.all()
    assert "Here." in admin.get(f"/people/{bea.pk}/").content.decode()
    mine = signed_in(bea).get("/training/mine/").content.decode()
    assert "Here." in mine and "AI literacy" in mine
    assert admin.post(f"/training/records/{written.pk}/revoke/", {"reason": ""}).status_code == 400
    assert (
        admin.post(f"/training/records/{written.pk}/revoke/", {"reason": "No"}).status_code == 302
    )
    assert "revoked" in admin.get(f"/people/{bea.pk}/").content.decode()


def test_compliance_defines_on_the_page() -> None:
    client = signed_in(make_person("compliance"))
    assert client.post("/training/new/", {"title": "T"}).status_code == 422
    made = client.post("/training/new/", {"title": "T", "covers": "C", "validity_days": 9})
    assert made["Location"] == "/changes/training/t/"
    assert client.get("/changes/training/t/").status_code == 200


def test_over_the_api(admin: Client) -> None:
    cora, bea = make_person("compliance"), make_person("board")
    client = signed_in(cora)
    sent = {"title": "Duties", "covers": "C", "validity_days": 30}
    assert admin.post("/api/v1/trainings/", sent, content_type=JSON).status_code == 403
    made = client.post("/api/v1/trainings/", sent, content_type=JSON)
    assert made.status_code == 201, made.content
    Training.objects.update(roles=["board"])
    sent = {"person": bea.pk, "training": "duties", "completed_on": "2026-11-01", "evidence": "E"}
    written = client.post("/api/v1/training-records/", sent, content_type=JSON)
    assert written.status_code == 201, written.content
    listed = admin.get(f"/api/v1/training-records/?person={bea.pk}").json()["results"]
    assert [one["training"] for one in listed] == ["duties"]
    assert admin.get("/api/v1/training-records/?person=x").status_code == 400
    (row,) = admin.get("/api/v1/trainings/register/?role=board").json()
    assert row["trainings"][0]["training"] == "duties"
    assert admin.get("/api/v1/trainings/register/?role=nobody").status_code == 400
    assert len(signed_in(bea).get("/api/v1/trainings/mine/").json()) == 1
    path = f"/api/v1/training-records/{written.json()['id']}/revoke/"
    revoked = client.post(path, {"reason": "Forged"}, content_type=JSON)
    assert revoked.json()["revoke_reason"] == "Forged"
