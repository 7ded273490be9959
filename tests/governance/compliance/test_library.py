"""The policy library: signed versions, acknowledged by role, reminded of every week."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Grant, User
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import end_approval
from governance.audit.models import AuditEvent
from governance.compliance.library import acknowledge, in_force, start_document
from governance.compliance.library_models import (
    Acknowledgement,
    AcknowledgementReminder,
    PolicyDocument,
    PolicyVersion,
)
from governance.compliance.library_reminding import (
    policies_to_acknowledge,
    remind_of_acknowledging,
)
from governance.compliance.tasks import remind_of_acknowledging as task
from governance.config.schedule import BEAT_SCHEDULE
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from tests.factories.approvals import Board, decide, make_board
from tests.factories.ledger import make_person
from tests.factories.library import propose, publish

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    return make_board()


def published(board: Board, *roles: str, document: PolicyDocument | None = None) -> PolicyVersion:
    number = document.versions.count() if document else 0
    return publish(
        board.actor("compliance"),
        board.actor("board"),
        document=document,
        roles=roles,
        body=f"Read **this**, text {number}.",
    )


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_version_holds_once_the_board_signed_it(board: Board) -> None:
    writer, now = board.actor("compliance"), timezone.now()
    document = start_document(actor=writer, title="Acceptable use", now=now)
    assert in_force(document, now) is None
    assert client_of(board.people["owner"]).get("/library/acceptable-use/").status_code == 404
    version = published(board, "board", document=document)
    assert (version.number, version.effective_from) == (1, now.date())
    assert in_force(document, now) == version
    page = client_of(board.people["owner"]).get("/library/acceptable-use/").content.decode()
    assert "<strong>this</strong>" in page and "It is not asked of your roles" in page


def test_only_compliance_writes(board: Board) -> None:
    with pytest.raises(NotAllowed):
        start_document(actor=board.actor("board"), title="Mine", now=timezone.now())
    document = published(board).document
    with pytest.raises(NotAllowed):
        propose(board.actor("board"), document)
    with pytest.raises(Invalid) as refused:
        propose(board.actor("compliance"), document, roles=("king",), body=" ")
    assert set(refused.value.fields) == {"body", "roles"}
    with pytest.raises(Invalid):
        start_document(actor=board.actor("compliance"), title="New", slug="new", now=timezone.now())


def test_a_version_of_another_day_waits_for_it(board: Board) -> None:
    first, now = published(board, "board"), timezone.now()
    later = now.date() + timedelta(days=3)
    second = publish(
        board.actor("compliance"),
        board.actor("board"),
        document=first.document,
        body="Other.",
        effective_from=later,
    )
    assert in_force(first.document, now) == first
    assert in_force(first.document, now + timedelta(days=3)) == second
    page = client_of(board.people["board"]).get("/library/acceptable-use/").content.decode()
    assert "planned" in page


def test_without_its_approval_nothing_is_in_force(board: Board) -> None:
    first = published(board, "board")
    second, now = published(board, "board", document=first.document), timezone.now()
    approval = Approval.objects.get(change=second.change)
    facts = {"actor": board.actor("board"), "approval_id": approval.pk, "now": now}
    end_approval(action="suspend", reason="Wrong.", **facts)
    assert in_force(first.document, now) is None
    assert policies_to_acknowledge(board.people["board"], now) == []
    end_approval(action="resume", reason="Right.", **facts)
    assert in_force(first.document, now) == second


def test_acknowledging_takes_one_click_and_counts_once(board: Board) -> None:
    version, bea = published(board, "board"), board.people["board"]
    (item,) = policies_to_acknowledge(bea, timezone.now())
    assert item.url == "/library/acceptable-use/"
    client = client_of(bea)
    assert "I have read this" in client.get(item.url).content.decode()
    for _ in range(2):
        assert client.post(f"{item.url}acknowledge/", {"version": 1}).status_code == 302
    assert Acknowledgement.objects.filter(version=version).count() == 1
    assert AuditEvent.objects.filter(action="policy_document.acknowledged").count() == 1
    assert policies_to_acknowledge(bea, timezone.now()) == []
    assert "You acknowledged this version" in client.get(item.url).content.decode()


def test_what_is_not_asked_or_not_in_force_is_not_acknowledged(board: Board) -> None:
    version, now = published(board, "board"), timezone.now()
    facts = {"document_id": version.document_id, "now": now}
    with pytest.raises(NotAllowed, match="not asked of any of your roles"):
        acknowledge(actor=board.actor("safety"), number=1, **facts)
    with pytest.raises(NotAllowed):
        acknowledge(actor=Actor.system("tests"), number=1, **facts)
    published(board, "board", document=version.document)
    with pytest.raises(Conflict, match="another version is in force"):
        acknowledge(actor=board.actor("board"), number=1, **facts)
    draft = start_document(actor=board.actor("compliance"), title="Draft", now=now)
    with pytest.raises(WrongState):
        acknowledge(actor=board.actor("board"), document_id=draft.pk, number=1, now=now)


def test_the_next_version_is_asked_again(board: Board) -> None:
    version, bea = published(board, "board"), board.people["board"]
    acknowledge(
        actor=board.actor("board"), document_id=version.document_id, number=1, now=timezone.now()
    )
    published(board, "board", document=version.document)
    (item,) = policies_to_acknowledge(bea, timezone.now())
    assert item.detail.startswith("Version 2")
    page = client_of(bea).get("/library/acceptable-use/versions/2/").content.decode()
    assert "What it changed of version 1" in page and "<ins>" in page


def test_what_was_signed_and_acknowledged_stands(board: Board) -> None:
    version = published(board, "board")
    acknowledge(
        actor=board.actor("board"), document_id=version.document_id, number=1, now=timezone.now()
    )
    for change in (
        lambda: PolicyVersion.objects.update(body="Other."),
        lambda: Acknowledgement.objects.update(at=timezone.now() - timedelta(days=9)),
        lambda: Acknowledgement.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_reminders_come_every_seven_days_and_are_counted(board: Board) -> None:
    version, bea, now = published(board, "board"), board.people["board"], timezone.now()
    told = [remind_of_acknowledging(now=now + timedelta(days=day, hours=1)) for day in range(16)]
    assert [day for day, count in enumerate(told) if count] == [7, 14]
    assert AcknowledgementReminder.objects.get(person=bea, version=version).count == 2
    assert Notification.objects.filter(user=bea, title__startswith="To read and").count() == 2
    acknowledge(actor=board.actor("board"), document_id=version.document_id, number=1, now=now)
    assert remind_of_acknowledging(now=now + timedelta(days=30)) == 0


def test_compliance_sees_who_has_and_who_has_not(board: Board) -> None:
    version, late = published(board, "board"), make_person("board")
    acknowledge(
        actor=board.actor("board"), document_id=version.document_id, number=1, now=timezone.now()
    )
    Grant.objects.filter(user=make_person("board")).update(revoked_at=timezone.now())
    client = client_of(board.people["compliance"])
    answer = client.get("/library/acceptable-use/readers/")
    assert "1 of 2 people" in answer.content.decode()
    assert [one.person for one in answer.context["page"]] == [late, board.people["board"]]
    stranger = client_of(board.people["board"])
    assert stranger.get("/library/acceptable-use/readers/").status_code == 403


def test_lists_cost_the_same_for_many(board: Board) -> None:
    version = published(board, "board")
    client = client_of(board.people["compliance"])

    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    urls = ("/library/", "/library/acceptable-use/readers/", "/api/v1/policy-documents/")
    once = [cost(url) for url in urls]
    for number in range(3):
        make_person("board")
        publish(
            board.actor("compliance"),
            board.actor("board"),
            document=start_document(
                actor=board.actor("compliance"), title=f"Rule {number}", now=timezone.now()
            ),
            roles=("board",),
        )
    assert [cost(url) for url in urls] == once
    assert version.document.versions.count() == 1


def test_pages_begin_and_propose(board: Board) -> None:
    client = client_of(board.people["compliance"])
    assert client.post("/library/new/", {"title": ""}).status_code == 422
    begun = client.post("/library/new/", {"title": "Rules"})
    assert begun["Location"] == "/library/rules/propose/"
    sent = {"body": "Kept text", "roles": ["board"], "effective_from": "2026-01-01", "reason": ""}
    refused = client.post("/library/rules/propose/", sent)
    assert refused.status_code == 422 and "Kept text" in refused.content.decode()
    assert client.post("/library/rules/propose/", sent | {"reason": "Law."}).status_code == 302
    assert "proposed and undecided" in client.get("/library/rules/").content.decode()
    assert "none in force" in client.get("/library/").content.decode()


def test_over_the_api(board: Board) -> None:
    client, bea = client_of(board.people["compliance"]), client_of(board.people["board"])
    path = "/api/v1/policy-documents/"
    made = client.post(path, {"title": "Acceptable use"}, content_type=JSON)
    assert made.status_code == 201 and made.json()["version"] is None, made.content
    assert bea.post(path, {"title": "Mine"}, content_type=JSON).status_code == 403
    assert bea.get(path).json() == []
    document = PolicyDocument.objects.get()
    content = {"body": "Text", "roles": ["board"], "effective_from": "2026-01-01"}
    sent = {"kind": "policy_document", "subject_id": document.pk, "proposal": content}
    opened = client.post("/api/v1/change-requests/", sent | {"reason": "Law."}, content_type=JSON)
    assert opened.status_code == 201, opened.content
    decide(board, "board", ChangeRequest.objects.get(kind="policy_document"))
    (row,) = bea.get(path).json()
    assert (row["is_asked_of_me"], row["is_acknowledged_by_me"]) == (True, False)
    said = bea.post(f"{path}acceptable-use/acknowledge/", {"version": 1}, content_type=JSON)
    assert said.json()["is_acknowledged_by_me"] is True
    (reader,) = client.get(f"{path}acceptable-use/readers/").json()
    assert reader["acknowledged_at"] is not None


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_acknowledge_once() -> None:
    board = make_board()
    version, barrier = published(board, "board"), threading.Barrier(2)

    def click(_: int) -> None:
        barrier.wait()
        try:
            acknowledge(
                actor=board.actor("board"),
                document_id=version.document_id,
                number=1,
                now=timezone.now(),
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(click, range(2)))
    assert Acknowledgement.objects.count() == 1
    assert AuditEvent.objects.filter(action="policy_document.acknowledged").count() == 1


def test_the_beat_runs_it() -> None:
    assert task.name in BEAT_SCHEDULE
    task()


def test_a_version_signed_meanwhile_stands_beside_what_was_typed(board: Board) -> None:
    signatories = (board.actor("compliance"), board.actor("board"))
    document = publish(*signatories, body="First").document
    client = client_of(board.people["compliance"])
    path = f"/library/{document.slug}/propose/"
    form = client.get(path).context["form"]
    mine = {name: form[name].value() for name in form.fields}
    mine |= {"body": "Mine", "reason": "Law.", "effective_from": str(mine["effective_from"])}
    publish(*signatories, document=document, body="Theirs")
    late = client.post(path, mine)
    text = late.content.decode()
    assert late.status_code == 409 and "Theirs" in text and "Mine" in text
    assert not ChangeRequest.objects.filter(subject_id=document.pk, state="open").exists()
    again = late.context["form"]
    assert again["seen"].value() != mine["seen"]
    assert client.post(path, mine | {"seen": again["seen"].value()}).status_code == 302
