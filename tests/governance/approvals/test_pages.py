"""The page on which a board decides: what it keeps when it refuses."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.access.models import User
from governance.approvals.models import Approval
from governance.audit.models import AuditEvent
from tests.factories.approvals import Board, make_board, make_change

pytestmark = pytest.mark.django_db


@pytest.fixture
def board() -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_refused_decision_keeps_what_was_typed(board: Board) -> None:
    change = make_change(board)
    client, url = signed_in(board.people["board"]), f"/changes/{change.pk}/"
    typed = {
        "digest": change.digest,
        "outcome": "approve_with_conditions",
        "rationale": "Only if trained.",
        "condition": "Train the reviewers.",
        "owner": "nobody",
        "due_on": "",
    }
    refused = client.post(f"{url}decide/", typed)
    shown = refused.content.decode()
    assert refused.status_code == 422
    for words in ("Only if trained.", "Train the reviewers.", "Say by when.", "Choose who"):
        assert words in shown
    assert 'value="approve_with_conditions" required checked' in shown
    rejected = client.post(f"{url}decide/", {"digest": change.digest, "outcome": "reject"})
    assert rejected.status_code == 422 and b"Say why." in rejected.content
    good = typed | {"owner": str(board.people["owner"].pk), "due_on": "2099-01-31"}
    assert client.post(f"{url}decide/", good)["Location"] == url
    approval = Approval.objects.get(change=change)
    shown = client.get(url).content.decode()
    assert f"/approvals/{approval.pk}/" in shown and "Train the reviewers." in shown


def test_an_empty_comment_and_a_revision_without_reason_say_so(board: Board) -> None:
    change = make_change(board)
    client, url = signed_in(board.people["owner"]), f"/changes/{change.pk}/"
    assert client.post(f"{url}comment/", {"text": " "}).status_code == 422
    assert client.post(f"{url}comment/", {"text": "Why late?"}).status_code == 302
    assert client.post(f"{url}revise/", {"reason": ""}).status_code == 422
    assert client.post(f"{url}revise/", {"reason": "Better said."}).status_code == 302
    withdrawn = client.post(f"{url}withdraw/", {"withdraw_reason": "No longer."})
    assert withdrawn.status_code == 302
    assert AuditEvent.objects.filter(action="change.moved", reason="No longer.").exists()
    shown = client.get(url)
    assert not shown.context["can_revise"] and b"Why late?" in shown.content


def test_who_cannot_sign_sees_no_form(board: Board) -> None:
    change = make_change(board)
    url = f"/changes/{change.pk}/"
    assert signed_in(board.people["board"]).get(url).context["seat"]
    for role in ("owner", "compliance", "finance"):
        assert not signed_in(board.people[role]).get(url).context["seat"]
        refused = signed_in(board.people[role]).post(
            f"{url}decide/", {"digest": change.digest, "outcome": "approve"}
        )
        assert refused.status_code == 403
