"""Real threads on real connections: an item goes one way, to one person, within what they take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.absences import state_absence
from governance.kernel.authority import Actor
from governance.kernel.errors import PlacetError
from reviews.board.capacity import Limits, set_capacities
from reviews.board.handing import give_back, hand_over, return_untaken
from reviews.board.models import Assignment, HandOver
from reviews.board.services import give_to
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next, escalate, skip
from tests.factories.reviews import make_item, make_member, make_queue
from tests.reviews.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4
Act = Callable[[], Any]


@pytest.fixture
def queue() -> Queue:
    return make_queue()


def together(*acts: Act) -> list[Any]:
    """What each gave, or the error by which the product refused it; any other error fails."""

    def run(act: Act) -> Any:
        try:
            return act()
        except PlacetError as refused:
            return refused

    return at_once(run, list(acts))


def refusals(outcomes: list[Any]) -> int:
    return sum(isinstance(one, PlacetError) for one in outcomes)


def held(queue: Queue, person: User) -> ReviewItem:
    item = make_item(queue, now=timezone.now())
    return claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())


def handing(item: ReviewItem, person: User, to: User, late: timedelta = timedelta()) -> Act:
    def act() -> HandOver:
        return hand_over(
            actor=Actor.person(person),
            item_id=item.pk,
            person=User.objects.get(pk=to.pk),
            note="You know this law.",
            now=timezone.now() + late,
        )

    return act


def next_of(queue: Queue, person: User, late: timedelta = timedelta()) -> Act:
    def act() -> ReviewItem | None:
        return claim_next(actor=Actor.person(person), queue=queue, now=timezone.now() + late)

    return act


def this_one(item: ReviewItem, person: User, late: timedelta = timedelta()) -> Act:
    def act() -> ReviewItem:
        return claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now() + late)

    return act


def take_at_most(queue: Queue, at_once: int) -> None:
    lead = Actor.person(make_member(queue, "review_lead"))
    wanted = [Limits(None, at_once, None)]
    set_capacities(actor=lead, queue=queue, wanted=wanted, now=timezone.now())


def test_who_hands_from_two_screens_hands_to_one(queue: Queue) -> None:
    for _ in range(ROUNDS):
        ada, ben, cleo = (make_member(queue) for _ in range(3))
        item = held(queue, ada)
        outcomes = together(handing(item, ada, ben), handing(item, ada, cleo))
        assert refusals(outcomes) == 1
        [made] = HandOver.objects.filter(item=item)
        assert Assignment.objects.get(item=item).person == made.to
        item.refresh_from_db()
        assert (item.state, item.claimed_by) == ("waiting", None)
        handed = AuditEvent.objects.filter(action="review.handed", subject_id=str(item.pk))
        assert handed.count() == 1


@pytest.mark.parametrize("comes", ["next", "this"])
def test_a_hand_over_in_the_moment_in_which_the_lease_runs_out(queue: Queue, comes: str) -> None:
    for _ in range(ROUNDS):
        ada, ben, cleo = (make_member(queue) for _ in range(3))
        item = held(queue, ada)
        soon = timezone.now() + timedelta(seconds=30)
        ReviewItem.objects.filter(pk=item.pk).update(lease_until=soon)
        # By the clock of who hands it lives still, by that of who comes it is over.
        late = timedelta(minutes=1)
        come = next_of(queue, cleo, late) if comes == "next" else this_one(item, cleo, late)
        handed, came = together(handing(item, ada, ben), come)
        item.refresh_from_db()
        if isinstance(handed, HandOver) and item.claimed_by is None:
            assert item.state == "waiting" and (came is None or refusals([came]))
            assert Assignment.objects.get(item=item).person == ben
            assert handed.state == "waiting"
        else:
            # Who comes has it; what was handed in the same moment came too late and says so.
            assert (item.state, item.claimed_by) == ("claimed", cleo)
            states = set(HandOver.objects.filter(item=item).values_list("state", flat=True))
            assert states <= {"returned"}
        ReviewItem.objects.filter(pk=item.pk).update(
            state="decided", lease_until=None, decided_at=timezone.now()
        )


def test_two_leads_give_the_same_to_two_people(queue: Queue) -> None:
    leads = [make_member(queue, "review_lead") for _ in range(2)]
    take_at_most(queue, ROUNDS)
    ada, ben = make_member(queue), make_member(queue)

    def giving(items: list[ReviewItem], lead: User, to: User) -> Act:
        ids = [one.pk for one in items]
        return lambda: give_to(
            actor=Actor.person(lead),
            queue=queue,
            item_ids=ids,
            person=User.objects.get(pk=to.pk),
            now=timezone.now(),
        )

    for number in range(ROUNDS):
        items = [make_item(queue, now=timezone.now()) for _ in range(2)]
        together(giving(items, leads[0], ada), giving(items[::-1], leads[1], ben))
        given = Assignment.objects.filter(item__in=items)
        # All or none: the one who gives last gives both.
        assert len(set(given.values_list("person", flat=True))) == 1
        assert given.count() == 2
        counted = [Assignment.objects.filter(person=one).count() for one in (ada, ben)]
        assert sum(counted) == 2 * (number + 1) and max(counted) <= ROUNDS


def test_two_hand_to_one_who_takes_one(queue: Queue) -> None:
    for _ in range(ROUNDS):
        take_at_most(queue, 1)
        ada, ben, cleo = (make_member(queue) for _ in range(3))
        items = [held(queue, ada), held(queue, cleo)]
        outcomes = together(handing(items[0], ada, ben), handing(items[1], cleo, ben))
        assert refusals(outcomes) == 1
        [kept] = Assignment.objects.filter(person=ben)
        [stays] = {one.pk for one in items} - {kept.item_id}
        # Who was refused has theirs still.
        assert ReviewItem.objects.get(pk=stays).state == "claimed"


def test_what_is_handed_to_somebody_who_takes_one_meanwhile(queue: Queue) -> None:
    take_at_most(queue, 1)
    for _ in range(ROUNDS):
        ada, ben = make_member(queue), make_member(queue)
        item = held(queue, ada)
        other = make_item(queue, now=timezone.now())
        handed, came = together(handing(item, ada, ben), this_one(other, ben))
        assert refusals([handed, came]) == 1
        has = ReviewItem.objects.filter(claimed_by=ben, state="claimed").count()
        assert has + Assignment.objects.filter(person=ben).count() == 1
        ReviewItem.objects.exclude(state="decided").update(
            state="decided", lease_until=None, claimed_by=None, decided_at=timezone.now()
        )


def test_two_screens_of_one_person_who_takes_one(queue: Queue) -> None:
    take_at_most(queue, 1)
    for _ in range(ROUNDS):
        person = make_member(queue)
        items = [make_item(queue, now=timezone.now()) for _ in range(2)]
        screens = [User.objects.get(pk=person.pk) for _ in range(3)]
        acts = [this_one(item, one) for item, one in zip(items, screens, strict=False)]
        together(*acts, next_of(queue, screens[2]))
        assert ReviewItem.objects.filter(claimed_by=person, state="claimed").count() == 1
        ReviewItem.objects.filter(claimed_by=person).update(
            state="decided", lease_until=None, decided_at=timezone.now()
        )


def test_who_leaves_for_a_while_when_something_is_handed_to_them(queue: Queue) -> None:
    for _ in range(ROUNDS):
        ada, ben, cleo = (make_member(queue) for _ in range(3))
        item = held(queue, ada)

        def leave(ben: User = ben) -> Any:
            now = timezone.now()
            return state_absence(
                actor=Actor.person(ben),
                person=ben,
                starts_at=now,
                ends_at=now + timedelta(days=1),
                now=now,
            )

        handed, _ = together(handing(item, ada, ben), leave)
        return_untaken(now=timezone.now())
        assert not HandOver.objects.filter(item=item, state="waiting").exists()
        item.refresh_from_db()
        if isinstance(handed, HandOver):
            # It is free again, whichever was first.
            assert claim_next(actor=Actor.person(cleo), queue=queue, now=timezone.now()) == item
        else:
            assert (item.state, item.claimed_by) == ("claimed", ada)
        ReviewItem.objects.filter(pk=item.pk).update(
            state="decided", lease_until=None, decided_at=timezone.now()
        )


def test_it_is_given_back_and_taken_in_one_moment(queue: Queue) -> None:
    for _ in range(ROUNDS):
        ada, ben = make_member(queue), make_member(queue)
        item = held(queue, ada)
        handing(item, ada, ben)()

        def give(ben: User = ben, item: ReviewItem = item) -> Any:
            return give_back(
                actor=Actor.person(ben), item_id=item.pk, reply="No.", now=timezone.now()
            )

        together(give, next_of(queue, User.objects.get(pk=ben.pk)))
        item.refresh_from_db()
        [found] = HandOver.objects.filter(item=item)
        # Taken and then given back, or given back at once: it waits for who handed it.
        assert (found.state, item.state) == ("given_back", "waiting")
        assert Assignment.objects.get(item=item).person == ada
        ReviewItem.objects.filter(pk=item.pk).update(state="decided", decided_at=timezone.now())


@pytest.mark.parametrize("comes", ["next", "this", "both"])
def test_a_queue_that_takes_few_at_a_time_and_many_people(queue: Queue, comes: str) -> None:
    Queue.objects.filter(pk=queue.pk).update(most_claimed=2)
    queue.refresh_from_db()
    items = [make_item(queue, now=timezone.now()) for _ in range(6)]
    people = [make_member(queue) for _ in range(6)]
    acts = []
    for place, (item, person) in enumerate(zip(items, people, strict=True)):
        is_next = comes == "next" or (comes == "both" and place % 2)
        acts.append(next_of(queue, person) if is_next else this_one(item, person))
    got = [one for one in together(*acts) if isinstance(one, ReviewItem)]
    assert len({one.pk for one in got}) == len(got) == 2
    assert ReviewItem.objects.filter(state="claimed").count() == 2


def test_one_person_on_two_screens_in_a_queue_that_takes_one_at_a_time(queue: Queue) -> None:
    Queue.objects.filter(pk=queue.pk).update(most_claimed=1)
    queue.refresh_from_db()
    for _ in range(2 * ROUNDS):
        person = make_member(queue)
        item, _ = (make_item(queue, now=timezone.now()) for _ in range(2))
        one, two = (User.objects.get(pk=person.pk) for _ in range(2))
        together(this_one(item, one), next_of(queue, two))
        assert ReviewItem.objects.filter(claimed_by=person, state="claimed").count() == 1
        ReviewItem.objects.exclude(state="decided").update(
            state="decided", lease_until=None, decided_at=timezone.now()
        )


def test_an_item_that_is_escalated_while_it_is_waited_for_is_still_found(queue: Queue) -> None:
    lead_queue = make_queue("leads")
    Queue.objects.filter(pk=queue.pk).update(escalates_to=lead_queue)
    for _ in range(2 * ROUNDS):
        ada = make_member(queue)
        item = held(queue, ada)

        def move(item: ReviewItem = item, ada: User = ada) -> Any:
            return escalate(
                actor=Actor.person(ada), item_id=item.pk, reason="A hard one.", now=timezone.now()
            )

        def put_off(item: ReviewItem = item, ada: User = ada) -> Any:
            return skip(
                actor=Actor.person(ada), item_id=item.pk, reason="Not mine.", now=timezone.now()
            )

        outcomes = together(move, put_off)
        refused = [one for one in outcomes if isinstance(one, PlacetError)]
        assert len(refused) == 1
        # Said by who looked at the item, not by who could not find it.
        assert "There is no such review item" not in str(refused[0])
