"""An item goes from hand to hand, and is never lost on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.models import Absence, Notification
from governance.home.selectors import waiting_for
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from governance.kernel.transitions import TransitionTable
from reviews.board.handing import give_back, hand_over, return_untaken
from reviews.board.models import Assignment, HandOver
from reviews.board.rules import HAND_OVER_STATES, LONGEST_NOTE
from reviews.board.services import give_to, move_to
from reviews.board.showing import WITHHELD, shown
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.pulling import claim_anywhere
from reviews.queues.services import claim_item, claim_next, escalate, release_claim, skip
from reviews.queues.upkeep import change_queue
from tests.factories.quality import judge, make_double
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    return make_queue()


def held(queue: Queue, person: User) -> ReviewItem:
    item = make_item(queue, now=timezone.now())
    return claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())


def hand(item: ReviewItem, person: User, to: User, note: str = "You know this law.") -> HandOver:
    return hand_over(
        actor=Actor.person(person), item_id=item.pk, person=to, note=note, now=timezone.now()
    )


def run_out() -> None:
    """As after the eight hours: by the database's clock."""
    past = timezone.now() - timedelta(seconds=1)
    HandOver.objects.update(until=past)
    Assignment.objects.update(until=past)


def test_the_colleague_gets_it_first_and_nobody_else_does(queue: Queue) -> None:
    now = timezone.now()
    ada, ben, other = (make_member(queue) for _ in range(3))
    urgent = make_item(queue, now=now - timedelta(days=1))
    item = held(queue, ada)
    hand(item, ada, ben)
    item.refresh_from_db()
    assert (item.state, item.claimed_by) == ("waiting", None)
    assert claim_next(actor=Actor.person(other), queue=queue, now=now) == urgent
    with pytest.raises(NotAllowed):
        claim_item(actor=Actor.person(other), item_id=item.pk, now=now)
    with pytest.raises(NotAllowed):
        claim_item(actor=Actor.person(ada), item_id=item.pk, now=now)
    assert claim_anywhere(actor=Actor.person(ben), now=now) == item
    assert HandOver.objects.get().state == "taken"


def test_my_work_begins_with_it_and_says_who_and_the_screen_what(queue: Queue) -> None:
    ada, ben = make_member(queue), make_member(queue)
    make_item(queue, now=timezone.now() - timedelta(days=3))
    item = held(queue, ada)
    hand(item, ada, ben, "Look at the second clause.")
    first = waiting_for(ben, timezone.now())[0]
    assert first.url == f"/reviews/items/{item.pk}/" and ada.name in first.title
    notice = Notification.objects.get(user=ben)
    assert "hands you" in notice.title and "clause" not in notice.title
    page = signed_in(ben).get(first.url).content.decode()
    assert "Look at the second clause." in page and "Give it back" in page
    assert "second clause" not in signed_in(make_member(queue)).get(first.url).content.decode()
    events = str(list(AuditEvent.objects.values_list("after", flat=True)))
    assert "second clause" not in events and "note_sha256" in events


def test_given_back_it_is_kept_for_who_handed_it(queue: Queue) -> None:
    now = timezone.now()
    ada, ben = make_member(queue), make_member(queue)
    item = held(queue, ada)
    hand(item, ada, ben)
    done = give_back(actor=Actor.person(ben), item_id=item.pk, reply="Not my law.", now=now)
    assert (done.state, done.reply) == ("given_back", "Not my law.")
    assert claim_next(actor=Actor.person(ben), queue=queue, now=now) is None
    assert claim_next(actor=Actor.person(ada), queue=queue, now=now) == item
    hand(item, ada, ben)
    claim_next(actor=Actor.person(ben), queue=queue, now=now)
    give_back(actor=Actor.person(ben), item_id=item.pk, reply="", now=now)
    item.refresh_from_db()
    assert (item.state, item.assignment.person) == ("waiting", ada)
    with pytest.raises(WrongState):
        give_back(actor=Actor.person(ben), item_id=item.pk, reply="", now=now)
    assert [one.hand_over.state for one in shown(item, ada)] == ["given_back"] * 2


def test_given_back_to_somebody_who_left_it_is_free_for_all(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    item = held(queue, ada)
    hand(item, ada, ben)
    ada.grants.update(revoked_at=timezone.now())
    User.objects.filter(pk=ada.pk).update(is_active=False)
    give_back(actor=Actor.person(ben), item_id=item.pk, reply="", now=timezone.now())
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=timezone.now()) == item


def test_what_nobody_took_returns_by_the_databases_clock(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    item = held(queue, ada)
    made = hand(item, ada, ben)
    assert made.until == item.assignment.until
    # A worker whose clock is a day ahead returns nothing before its time.
    assert return_untaken(now=timezone.now() + timedelta(days=1)) == 0
    run_out()
    # Free at once, also before the sweeper came.
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=timezone.now()) == item
    assert HandOver.objects.get().state == "returned"


def test_the_sweeper_returns_it_and_tells_who_handed_it(queue: Queue) -> None:
    ada, ben = make_member(queue), make_member(queue)
    item = held(queue, ada)
    hand(item, ada, ben)
    run_out()
    assert return_untaken(now=timezone.now()) == 1
    assert return_untaken(now=timezone.now()) == 0
    assert not Assignment.objects.exists()
    assert "did not take" in Notification.objects.get(user=ada).title
    item.refresh_from_db()
    assert item.state == "waiting"
    assert AuditEvent.objects.filter(action="review.hand_over_returned").count() == 1


def test_it_is_kept_until_near_due_from_one_to_eight_hours(queue: Queue) -> None:
    ada, ben = make_member(queue), make_member(queue)
    for warn, least, most in (("-1", 0.9, 1.1), ("3", 2.9, 3.1), ("99", 7.9, 8.1)):
        item = held(queue, ada)
        near = timezone.now() + timedelta(hours=float(warn))
        ReviewItem.objects.filter(pk=item.pk).update(warn_at=near)
        kept = hand(item, ada, ben).until - timezone.now()
        assert least < kept / timedelta(hours=1) < most


def test_only_who_holds_it_hands_it_and_only_to_who_may_judge_it(queue: Queue) -> None:
    ada, ben = make_member(queue), make_member(queue)
    stranger = make_member(make_queue("other"))
    item = held(queue, ada)
    with pytest.raises(Conflict):
        hand(item, ben, ada)
    with pytest.raises(NotFound):
        hand(item, stranger, ada)
    for to, note, field in (
        (ada, "x", "to"),
        (stranger, "x", "to"),
        (ben, " ", "note"),
        (ben, "x" * (LONGEST_NOTE + 1), "note"),
    ):
        with pytest.raises(Invalid) as refused:
            hand(item, ada, to, note)
        assert list(refused.value.fields) == [field]
    type(item.call).objects.filter(pk=item.call_id).update(requester=ben)
    with pytest.raises(Invalid) as refused:
        hand(item, ada, ben)
    assert "may not judge" in refused.value.fields["to"][0]
    item.refresh_from_db()
    assert item.claimed_by == ada and not HandOver.objects.exists()


def test_nobody_who_has_yet_to_read_the_guideline_gets_it(queue: Queue) -> None:
    ada, ben = make_member(queue), make_member(queue)
    item = held(queue, ada)
    change_queue(
        actor=Actor.system("tests"),
        queue_id=queue.pk,
        name=queue.name,
        guideline="Another one.",
        labels=[],
        use_cases=list(queue.use_cases.all()),
        is_default=False,
        escalates_to=None,
        needs_acknowledgement=True,
        now=timezone.now(),
    )
    with pytest.raises(Invalid, match="note was kept") as refused:
        hand(item, ada, ben)
    assert "guideline" in refused.value.fields["to"][0]


def test_blind_notes_are_withheld_until_all_have_judged() -> None:
    queue, now = make_double(), timezone.now()
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    lead = make_member(queue, "review_lead")
    item = held(queue, ada)
    hand(item, ada, ben, "I think it is wrong.")
    assert [one.note for one in shown(item, ben)] == [WITHHELD]
    assert [one.note for one in shown(item, lead)] == [WITHHELD]
    assert [one.note for one in shown(item, ada)] == ["I think it is wrong."]
    page = signed_in(ben).get(f"/reviews/items/{item.pk}/").content.decode()
    assert "I think it is wrong." not in page
    judge(ben, item, now=now)
    claim_item(actor=Actor.person(cleo), item_id=item.pk, now=now)
    with pytest.raises(Invalid):  # who filled a slot fills no second one
        hand(item, cleo, ben)
    judge(cleo, item, now=now)
    assert [one.note for one in shown(item, ben)] == ["I think it is wrong."]


def test_a_lead_gives_what_was_handed_to_somebody_else_or_elsewhere(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    lead = Actor.person(make_member(queue, "review_lead"))
    item, now = held(queue, ada), timezone.now()
    hand(item, ada, ben)
    give_to(actor=lead, queue=queue, item_ids=[item.pk], person=cleo, now=now)
    assert HandOver.objects.get().state == "replaced"
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=now) == item
    hand(item, cleo, ben)
    anywhere = Actor.system("tests")
    move_to(actor=anywhere, queue=queue, item_ids=[item.pk], target=make_queue("far"), now=now)
    assert not HandOver.objects.filter(state="waiting").exists()
    assert not Assignment.objects.exists()


def test_who_skips_or_escalates_it_keeps_it_from_nobody(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    experts = make_queue("experts")
    dan = make_member(experts)
    Queue.objects.filter(pk=queue.pk).update(escalates_to=experts)
    item = held(queue, ada)
    hand(item, ada, ben)
    claim_next(actor=Actor.person(ben), queue=queue, now=timezone.now())
    skip(actor=Actor.person(ben), item_id=item.pk, reason="Later.", now=timezone.now())
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=timezone.now()) == item
    hand(item, cleo, ada)
    claim_next(actor=Actor.person(ada), queue=queue, now=timezone.now())
    escalate(actor=Actor.person(ada), item_id=item.pk, reason="Above me.", now=timezone.now())
    assert claim_next(actor=Actor.person(dan), queue=experts, now=timezone.now()) == item


def test_handed_on_from_hand_to_hand(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    item, now = held(queue, ada), timezone.now()
    for by, to in ((ada, ben), (ben, cleo), (cleo, ada)):
        hand(item, by, to)
        assert claim_next(actor=Actor.person(to), queue=queue, now=now) == item
    assert HandOver.objects.filter(state="taken").count() == 3
    release_claim(actor=Actor.person(ada), item_id=item.pk, now=now)


@pytest.mark.parametrize("state", HAND_OVER_STATES.states)
def test_a_hand_over_ends_once(queue: Queue, state: str) -> None:
    table: TransitionTable = HAND_OVER_STATES
    ends = {edge.action for edge in table.edges if edge.source == state}
    assert ends == {
        "waiting": {"take", "give_back", "return", "replace"},
        "taken": {"give_back"},
    }.get(state, set())


def test_pages_say_what_was_kept_and_the_api_does_the_same(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    item, client = held(queue, ada), signed_in(ada)
    path = f"/reviews/items/{item.pk}/hand/"
    assert (
        f'href="{path}" data-key="h"' in client.get(f"/reviews/items/{item.pk}/").content.decode()
    )
    page = client.post(path, {"to": "", "note": "Kept words."})
    assert page.status_code == 422 and "Kept words." in page.content.decode()
    assert client.post(path, {"to": "9" * 30, "note": "x"}).status_code == 422
    assert client.post(path, {"to": str(ben.pk), "note": "Yours."}).status_code == 302
    assert signed_in(ben).post(path.replace("hand", "give-back"), {"reply": ""}).status_code == 302
    claim_next(actor=Actor.person(ada), queue=queue, now=timezone.now())
    api = f"/api/v1/review-items/{item.pk}/"
    offered = client.get(f"{api}hand/").json()
    assert {one["name"] for one in offered["colleagues"]} == {ben.name, cleo.name}
    sent = {"to": cleo.pk, "note": "And yours."}
    assert client.post(f"{api}hand/", sent, "application/json").status_code == 201
    assert client.post(f"{api}hand/", sent, "application/json").status_code == 409
    back = signed_in(cleo).post(f"{api}give-back/", {"reply": "No."}, "application/json")
    assert [one["state"] for one in back.json()["hand_overs"]] == ["given_back", "given_back"]
    assert signed_in(make_member(make_queue("far"))).get(f"{api}hand/").status_code == 404


def test_as_many_queries_for_many_colleagues(queue: Queue) -> None:
    ada = make_member(queue)
    item, client = held(queue, ada), signed_in(ada)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/reviews/items/{item.pk}/hand/").status_code == 200
        return len(captured)

    make_member(queue)
    few = count()
    for _ in range(4):
        make_member(queue)
    assert count() == few


def test_a_colleague_who_goes_away_keeps_nothing(queue: Queue) -> None:
    ada, ben, cleo = (make_member(queue) for _ in range(3))
    item, now = held(queue, ada), timezone.now()
    hand(item, ada, ben)
    Absence.objects.create(
        person=ben, starts_at=now, ends_at=now + timedelta(days=1), made_at=now, made_by_label="t"
    )
    assert claim_next(actor=Actor.person(cleo), queue=queue, now=now) == item
    with pytest.raises(Invalid) as refused:
        hand(item, cleo, ben)
    assert "out of office" in refused.value.fields["to"][0]
    Absence.objects.update(ends_at=F("starts_at"))
    hand(item, cleo, ben)
