"""A reviewer asks, the clock stands, somebody answers, the due time moves by what was left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from reviews.questions import keeping
from reviews.questions.hooks import questions_waiting
from reviews.questions.models import Question
from reviews.questions.services import answer, ask, withdraw
from reviews.queues.escalating import mark_breaches, take_steps
from reviews.queues.models import Pause, Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next
from telemetry.ledger.models import Call, Payload
from tests.factories.ledger import make_person
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
# A Friday morning.
OPENED = datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Amsterdam"))


class Held:
    """An item that a reviewer holds, on a Friday."""

    def __init__(self, *, now: datetime = OPENED) -> None:
        self.queue: Queue = make_queue()
        self.item = make_item(self.queue, now=now)
        self.reviewer = make_member(self.queue)
        self.actor = Actor.person(self.reviewer)
        self.owner: User = self.item.call.use_case.owner
        claim_item(actor=self.actor, item_id=self.item.pk, now=now)

    def ask(self, now: datetime, **facts: Any) -> Question:
        given = {"whom": "owner", "text": "Is this for <b>Jane</b>?"} | facts
        return ask(actor=self.actor, item_id=self.item.pk, now=now, **given)


def test_the_due_time_moves_by_exactly_what_the_clock_stood() -> None:
    held = Held()
    due = held.item.due_at
    assert due == OPENED + timedelta(hours=4)
    question = held.ask(OPENED + timedelta(minutes=5))
    held.item.refresh_from_db()
    assert (held.item.state, held.item.claimed_by, held.item.due_at) == ("asked", None, due)
    assert held.item.urgency(OPENED + timedelta(days=9)) == "paused"
    # Asked with 3 h 55 min left; answered on Sunday, so the rest runs from Monday at nine.
    sunday = OPENED + timedelta(days=2)
    answer(actor=Actor.person(held.owner), question_id=question.pk, text="Yes.", now=sunday)
    held.item.refresh_from_db()
    assert held.item.state == "waiting"
    assert held.item.due_at == datetime(2026, 11, 23, 12, 55, tzinfo=OPENED.tzinfo)
    moved = held.item.due_changes.get()
    assert (moved.due_before, moved.reason) == (due, "The question was answered")
    assert Question.objects.get().answer == "Yes."
    assert Notification.objects.filter(user=held.reviewer, title__contains="answered").exists()
    actions = AuditEvent.objects.filter(subject_id=str(held.item.pk)).values_list(
        "action", flat=True
    )
    assert {"review.asked", "review.answered"} <= set(actions)


def test_nobody_claims_and_nothing_breaches_while_it_stands() -> None:
    held = Held()
    held.ask(OPENED)
    later = OPENED + timedelta(days=30)
    assert mark_breaches(now=later) == take_steps(now=later) == 0
    other = Actor.person(make_member(held.queue))
    assert claim_next(actor=other, queue=held.queue, now=later) is None
    with pytest.raises(WrongState):
        claim_item(actor=other, item_id=held.item.pk, now=later)
    with pytest.raises(Conflict):
        held.ask(later)


def test_what_was_late_before_the_question_stays_late() -> None:
    held = Held()
    late = OPENED + timedelta(hours=5)
    claim_item(actor=held.actor, item_id=held.item.pk, now=late)
    question = held.ask(late)
    withdraw(actor=held.actor, question_id=question.pk, now=late + timedelta(days=5))
    before = held.item.due_at
    held.item.refresh_from_db()
    assert (held.item.due_at, held.item.state) == (before, "waiting")
    assert Pause.objects.get().ends_at == late + timedelta(days=5)


def test_who_may_ask_answer_and_withdraw() -> None:
    held = Held()
    stranger = Actor.person(make_person())
    for refused in ({"text": " "}, {"whom": "requester"}, {"whom": "everybody"}):
        with pytest.raises(Invalid):
            held.ask(OPENED, **refused)
    with pytest.raises(Conflict):
        ask(
            actor=Actor.person(make_member(held.queue)),
            item_id=held.item.pk,
            whom="owner",
            text="?",
            now=OPENED,
        )
    question = held.ask(OPENED)
    for nobody in (stranger, held.actor):
        with pytest.raises(NotAllowed):
            answer(actor=nobody, question_id=question.pk, text="Yes.", now=OPENED)
    with pytest.raises(NotAllowed):
        withdraw(actor=stranger, question_id=question.pk, now=OPENED)
    lead = Actor.person(make_member(held.queue, "review_lead"))
    withdraw(actor=lead, question_id=question.pk, now=OPENED)
    with pytest.raises(WrongState):
        answer(actor=Actor.person(held.owner), question_id=question.pk, text="Yes.", now=OPENED)


def test_the_requester_is_asked_where_there_is_one() -> None:
    held = Held()
    requester = make_person()
    Call.objects.filter(pk=held.item.call_id).update(requester=requester)
    assert held.ask(OPENED, whom="requester").asked == requester


def test_by_page_from_the_item_to_the_reply() -> None:
    held = Held(now=timezone.now())
    client = signed_in(held.reviewer)
    path = f"/reviews/items/{held.item.pk}/"
    assert f"{path}ask/" in client.get(path).content.decode()
    assert client.get(f"{path}ask/").status_code == 200
    empty = client.post(f"{path}ask/", {"whom": "owner", "text": ""})
    assert (empty.status_code, "Say what you want" in empty.content.decode()) == (422, True)
    asked = client.post(f"{path}ask/", {"whom": "owner", "text": "For <b>Jane</b>?"})
    question = Question.objects.get()
    assert asked["Location"] == f"/reviews/questions/{question.pk}/"
    waiting = questions_waiting(held.owner, timezone.now())
    assert [one.url for one in waiting] == [f"/reviews/questions/{question.pk}/"]
    owner = signed_in(held.owner)
    shown = owner.get(waiting[0].url).content.decode()
    assert "For &lt;b&gt;Jane&lt;/b&gt;?" in shown
    assert "Withdraw" not in shown
    assert signed_in(make_person()).get(waiting[0].url).status_code == 404
    assert owner.post(waiting[0].url, {"answer": "Yes."}).status_code == 302
    assert questions_waiting(held.owner, timezone.now()) == []
    assert "Yes." in client.get(waiting[0].url).content.decode()
    assert owner.get("/reviews/questions/?show=mine").status_code == 200


def test_over_the_api() -> None:
    held = Held(now=timezone.now())
    client, owner = signed_in(held.reviewer), signed_in(held.owner)
    made = client.post(
        f"/api/v1/review-items/{held.item.pk}/ask/",
        {"whom": "owner", "text": "For whom?"},
        "application/json",
    )
    assert (made.status_code, made.json()["item_state"]) == (201, "asked")
    path = f"/api/v1/review-questions/{made.json()['id']}/"
    assert signed_in(make_person()).get(path).status_code == 404
    replied = owner.post(f"{path}answer/", {"text": "For all."}, "application/json")
    assert (replied.json()["answer"], replied.json()["item_state"]) == ("For all.", "waiting")
    assert client.post(f"{path}withdraw/").status_code == 409
    assert client.get("/api/v1/review-questions/").json()["results"][0]["state"] == "answered"


def test_its_texts_go_with_those_of_the_call() -> None:
    held = Held()
    held.ask(OPENED)
    calls = Call.objects.filter(pk=held.item.call_id)
    assert keeping.count_questions(calls) == 1
    keep_until = OPENED + timedelta(days=30)
    Payload.objects.update(keep_until=keep_until)
    assert keeping.destroy_due(keep_until - timedelta(seconds=1), 10) == 0
    assert keeping.destroy_due(keep_until, 10) == 1
    question = Question.objects.get()
    assert (question.text, question.state) == (None, "lapsed")
    assert ReviewItem.objects.get().state == "asked"  # its own store closes it
