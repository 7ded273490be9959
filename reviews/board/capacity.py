"""How much each person takes: set by leads, respected by claiming, giving out and handing over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists

from governance.access.models import User
from governance.access.selectors import holders
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from reviews.board import work
from reviews.board.models import Assignment, Capacity
from reviews.board.rules import Place
from reviews.queues.models import Queue, ReviewItem

MOST = 1_000
MOST_PEOPLE = 500


@dataclass(frozen=True)
class Limits:
    """At a time and a day; None for any number. Of `person`, or of everybody else."""

    person: int | None
    at_once: int | None
    a_day: int | None

    def __bool__(self) -> bool:
        return self.at_once is not None or self.a_day is not None


def limits_in(queue: Queue) -> dict[int | None, Limits]:
    """By person; None is everybody who has none of their own. One query."""
    rows = Capacity.objects.filter(queue=queue).values_list("person", "at_once", "a_day")
    return {person: Limits(person, at_once, a_day) for person, at_once, a_day in rows}


def place_of(user: User, queue: Queue, now: datetime) -> Place:
    """One person's; one query where no limit is set."""
    limits = limits_in(queue)
    own = limits.get(user.pk) or limits.get(None)
    if not own:
        return Place(None, None, 0, 0)
    has = work.held(queue, now).get(user.pk, 0) + work.kept(queue).get(user.pk, 0)
    today = work.done(queue, work.midnight(queue, now), person=user)
    return Place(own.at_once, own.a_day, has, today.get(user.pk, (0, 0.0))[0])


def places_in(queue: Queue, people: Sequence[User], now: datetime) -> dict[int, Place]:
    """Of all these people; a constant number of queries."""
    limits, held, kept = limits_in(queue), work.held(queue, now), work.kept(queue)
    today = work.done(queue, work.midnight(queue, now))
    found = {}
    for one in people:
        own = limits.get(one.pk) or limits.get(None) or Limits(None, None, None)
        has = held.get(one.pk, 0) + kept.get(one.pk, 0)
        found[one.pk] = Place(own.at_once, own.a_day, has, today.get(one.pk, (0, 0.0))[0])
    return found


def is_set(user: User, queue: Queue) -> Exists:
    """Whether anybody's number is limited in the queue."""
    return Exists(Capacity.objects.filter(queue=queue))


def why_full(user: User, queue: Queue, item: ReviewItem | None, now: datetime) -> str:
    """For claiming: a sentence where the person takes no more here now, else empty.

    What is kept for them counts already, so they always get it.
    """
    if item and Assignment.objects.live().filter(item=item, person=user).exists():
        return ""
    words = place_of(user, queue, now).full_words
    return f"{user.name} {words} in {queue}; a review lead sets how many." if words else ""


def check_takes(person: User, queue: Queue, count: int, now: datetime) -> None:
    """Raise Conflict where so many more are too many. Locks the person: nobody else fills them up."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    place = place_of(person, queue, now)
    if not place.takes(count):
        words = place.full_words or f"takes {place.free} more in {queue} now"
        raise Conflict(f"Nothing was given: {person.name} {words}. Choose somebody else, or fewer.")


def check_can_set(actor: Actor, queue: Queue) -> None:
    if not actor.may(Permission.REVIEW_MANAGE, queue):
        raise NotAllowed(f"Nothing was changed: the review leads of {queue} set how many.")


@transaction.atomic
def set_capacities(
    *, actor: Actor, queue: Queue, wanted: Sequence[Limits], now: datetime
) -> dict[int | None, Limits]:
    """All limits of the queue at once; who is not among them takes what holds for everybody.

    Raises Invalid for a number below 1, or somebody who does not work in the queue. What people
    have in hand already stays with them.
    """
    check_can_set(actor, queue)
    Queue.objects.select_for_update(no_key=True, of=("self",)).get(pk=queue.pk)
    _check(queue, wanted, now)
    before = limits_in(queue)
    after = {one.person: one for one in wanted if one}
    if after == before:
        return after
    Capacity.objects.filter(queue=queue).delete()
    Capacity.objects.bulk_create(
        Capacity(queue=queue, person_id=one.person, at_once=one.at_once, a_day=one.a_day)
        for one in after.values()
    )
    record(
        actor=actor,
        action="queue.capacities_set",
        subject=queue,
        now=now,
        before=_facts(before),
        after=_facts(after),
    )
    return after


def _check(queue: Queue, wanted: Sequence[Limits], now: datetime) -> None:
    people = [one.person for one in wanted]
    members = set(holders(Permission.REVIEW_WORK, queue, now=now).values_list("pk", flat=True))
    numbers = [n for one in wanted for n in (one.at_once, one.a_day) if n is not None]
    problems: dict[str, list[str]] = {}
    if len(people) > MOST_PEOPLE or len(set(people)) != len(people):
        problems["people"] = [f"Each person once, at most {MOST_PEOPLE}."]
    if {one for one in people if one is not None} - members:
        problems["people"] = [f"Choose from those who work in {queue}."]
    if any(not 1 <= one <= MOST for one in numbers):
        problems["numbers"] = [f"From 1 to {MOST:,}, or nothing for any number."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is still here.", fields=problems)


def _facts(limits: dict[int | None, Limits]) -> dict[str, Any]:
    emails = dict(
        User.objects.filter(pk__in=[one for one in limits if one]).values_list("pk", "email")
    )
    named = {emails.get(pk, "everybody") if pk else "everybody": one for pk, one in limits.items()}
    return {name: {"at_once": one.at_once, "a_day": one.a_day} for name, one in named.items()}
