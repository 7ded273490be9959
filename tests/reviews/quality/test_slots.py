"""Double review: independent until all are in, and nothing leaves before they agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.registries import Kept
from reviews.decisions.services import decide
from reviews.quality import keeping, selectors
from reviews.quality.models import DoubleReview, Opinion, QualitySettings
from reviews.quality.rules import agree, is_double, normalised
from reviews.quality.slots import adopt
from reviews.queues.models import ReviewItem
from reviews.queues.services import claim_item, claim_next
from telemetry.ledger.models import Call
from telemetry.ledger.services import visible_answer
from tests.factories.quality import judge as judged
from tests.factories.quality import make_double
from tests.factories.reviews import make_item, make_member, make_queue, signed_in
from tests.reviews.test_races import at_once

pytestmark = pytest.mark.django_db


def judge(person: User, item: ReviewItem, verdict: str = "approve", **more: Any) -> Any:
    return judged(person, item, verdict, now=timezone.now(), **more)


def call_of(item: ReviewItem) -> Call:
    return Call.objects.get(pk=item.call_id)


def test_the_answer_leaves_when_all_slots_agree() -> None:
    queue = make_double(3)
    item = make_item(queue)
    people = [make_member(queue) for _ in range(3)]
    for person in people[:2]:
        assert isinstance(judge(person, item), Kept)
        assert call_of(item).state == "held"
    made = judge(people[2], item)
    assert isinstance(made, ReviewDecision) and made.person == people[2]
    assert call_of(item).state == "released"
    assert [one.slot for one in item.opinions.all()] == [1, 2, 3]
    assert DoubleReview.objects.get().state == "agreed"


def test_nobody_fills_two_slots() -> None:
    queue = make_double()
    item = make_item(queue)
    person = make_member(queue)
    judge(person, item)
    actor, now = Actor.person(person), timezone.now()
    assert claim_next(actor=actor, queue=queue, now=now) is None
    with pytest.raises(NotAllowed):
        claim_item(actor=actor, item_id=item.pk, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.create(item=item, slot=2, person=person, verdict="approve", at=now)


def test_a_disagreement_waits_for_a_lead_who_was_neither() -> None:
    queue = make_double()
    item = make_item(queue)
    lead, judging_lead = make_member(queue, "review_lead"), make_member(queue, "review_lead")
    judge(make_member(queue), item, "approve")
    judge(judging_lead, item, "reject")
    assert call_of(item).state == "held"
    assert ReviewDecision.objects.count() == 0
    bystander = make_member(queue)
    for person in (bystander, judging_lead):
        assert claim_next(actor=Actor.person(person), queue=queue, now=timezone.now()) is None
        with pytest.raises(NotAllowed):
            claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())
        assert list(selectors.disputes_for(person)) == []
    assert [one.item for one in selectors.disputes_for(lead)] == [item]
    judge(lead, item, "reject", rationale="The clause is not there.")
    assert call_of(item).state == "rejected"
    assert ReviewDecision.objects.get().person == lead
    assert DoubleReview.objects.get().state == "adjudicated"


def test_corrections_agree_by_their_text_and_not_by_their_spelling() -> None:
    queue = make_double()
    same, other = make_item(queue), make_item(queue)
    first, second = make_member(queue), make_member(queue)
    judge(first, same, "correct", corrected_text="the  right\nanswer")
    judge(second, same, "correct", corrected_text="the right answer")
    assert call_of(same).state == "corrected"
    assert visible_answer(call_of(same)) == "the right answer"
    judge(first, other, "correct", corrected_text="one")
    judge(second, other, "correct", corrected_text="two")
    assert call_of(other).state == "held"
    assert DoubleReview.objects.get(item=other).state == "disputed"


def test_a_lead_adopts_one_of_the_two() -> None:
    queue = make_double()
    item = make_item(queue)
    judge(make_member(queue), item, "approve")
    judge(make_member(queue), item, "correct", corrected_text="better", labels=["rude"])
    lead = make_member(queue, "review_lead")
    held = claim_item(actor=Actor.person(lead), item_id=item.pk, now=timezone.now())
    adopt(actor=Actor.person(lead), item=held, slot=2, why="It is better.", now=timezone.now())
    final = ReviewDecision.objects.get()
    assert (final.person, final.verdict, final.labels) == (lead, "correct", ["rude"])
    assert visible_answer(call_of(item)) == "better"
    assert Correction.objects.count() == 1


def test_escalating_fills_no_slot() -> None:
    other = make_queue("other")
    queue = make_double(escalates_to=other)
    item = make_item(queue)
    judge(make_member(queue), item, "escalate", rationale="Too hard.")
    assert Opinion.objects.count() == 0
    item.refresh_from_db()
    assert (item.queue, item.state) == (other, "waiting")


def test_the_second_reviewer_sees_nothing_of_the_first() -> None:
    queue = make_double()
    item = make_item(queue)
    first, second = make_member(queue), make_member(queue)
    judge(first, item, "reject", rationale="Unspeakably wrong.", labels=["rude"])
    client = signed_in(second)
    claim_item(actor=Actor.person(second), item_id=item.pk, now=timezone.now())
    pages = [f"/reviews/items/{item.pk}/", "/reviews/", f"/api/v1/review-items/{item.pk}/"]
    for path in [*pages, "/api/v1/review-items/"]:
        shown = client.get(path).content.decode()
        assert "Unspeakably" not in shown and first.name not in shown and "slot" not in shown
    for path in (f"/reviews/adjudications/{item.pk}/", f"/api/v1/adjudications/{item.pk}/"):
        assert client.get(path).status_code in (403, 404)


def test_where_it_is_not_blind_the_others_are_shown() -> None:
    queue = make_double(is_blind=False)
    item = make_item(queue)
    first, second = make_member(queue), make_member(queue)
    judge(first, item, "reject", rationale="Quite wrong.")
    claim_item(actor=Actor.person(second), item_id=item.pk, now=timezone.now())
    shown = signed_in(second).get(f"/reviews/items/{item.pk}/").content.decode()
    assert "Quite wrong." in shown and first.name in shown


def test_opinions_stand_and_only_their_text_is_emptied() -> None:
    queue = make_double()
    item = make_item(queue)
    judge(make_member(queue), item, "correct", corrected_text="better")
    one = Opinion.objects.get()
    assert one.text() == "better"
    for change in ({"verdict": "approve"}, {"slot": 5}, {"answer_sha256": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Opinion.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.all().delete()
    calls = Call.objects.filter(pk=item.call_id)
    assert keeping.count_opinions(calls) == 1
    assert keeping.destroy_due(one.keep_until + timedelta(days=1), 100) == 1  # type: ignore[operator]  # it has a text
    one.refresh_from_db()
    assert one.text() is None and one.answer_sha256 and one.destroyed_at


def test_the_choice_of_items_follows_from_the_call_and_the_share() -> None:
    queue = make_queue()
    QualitySettings.objects.create(queue=queue, double_share=40)
    items = [make_item(queue) for _ in range(8)]
    chosen = set(DoubleReview.objects.values_list("item_id", flat=True))
    assert chosen == {item.pk for item in items if is_double(item.call_id, 40)}


@given(st.uuids(), st.integers(0, 100))
def test_a_larger_share_keeps_what_a_smaller_one_chose(call_id: UUID, share: int) -> None:
    assert not is_double(call_id, 0) and is_double(call_id, 100)
    if is_double(call_id, share):
        assert all(is_double(call_id, more) for more in range(share, 101, 10))


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ("caf\u00e9", "cafe\u0301", True),
        ("a b", " a\n\tb ", True),
        ("a b", "ab", False),
        ('{"a": 1}', '{"a": 2}', False),
    ],
)
def test_what_counts_as_the_same_text(one: str, two: str, same: bool) -> None:
    answers = [("correct", normalised(one)), ("correct", normalised(two))]
    assert agree(answers) == same


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_each_slot_is_filled_once_whoever_comes(self) -> None:
        queue = make_double(3)
        items = [make_item(queue) for _ in range(4)]
        people = [make_member(queue) for _ in range(5)]

        def work(person: User) -> None:
            actor = Actor.person(person)
            for _ in range(len(items) * 3):
                item = claim_next(actor=actor, queue=queue, now=timezone.now())
                if item is not None:
                    decide(actor=actor, item_id=item.pk, verdict="approve", now=timezone.now())

        at_once(work, people)
        # Whoever came too early to a busy queue comes again.
        for person in people:
            work(person)
        for item in items:
            slots = Opinion.objects.filter(item=item)
            assert sorted(slots.values_list("slot", flat=True)) == [1, 2, 3]
            assert slots.values("person").distinct().count() == 3
            assert call_of(item).state == "released"
        assert ReviewDecision.objects.count() == len(items)
        connection.close()

    def test_the_same_person_on_two_screens_fills_one_slot(self) -> None:
        queue = make_double()
        item = make_item(queue)
        person = make_member(queue)
        claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())

        def send(verdict: str) -> int:
            path = f"/api/v1/review-items/{item.pk}/decide/"
            body = {"verdict": verdict, "rationale": "Seen."}
            return signed_in(person).post(path, body, "application/json").status_code

        assert sorted(at_once(send, ["approve", "reject"])) == [202, 409]
        assert Opinion.objects.count() == 1
        assert call_of(item).state == "held"

    def test_two_leads_adjudicate_once(self) -> None:
        queue = make_double()
        item = make_item(queue)
        judge(make_member(queue), item, "approve")
        judge(make_member(queue), item, "reject")
        leads = [make_member(queue, "review_lead") for _ in range(2)]

        def adjudicate(lead: User) -> int:
            path = f"/api/v1/adjudications/{item.pk}/"
            return signed_in(lead).post(path, {"slot": 1}, "application/json").status_code

        assert sorted(at_once(adjudicate, leads)) in ([201, 404], [201, 409])
        assert ReviewDecision.objects.count() == 1
