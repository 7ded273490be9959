"""How a person stands in a queue, read in one query before they claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from django.db.models import Exists

from governance.access.models import User
from governance.kernel.statements import Compiled, Statement
from reviews.queues.claim_registries import limits, offers
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.qualifying import lacking


@dataclass(frozen=True)
class Standing:
    """What is to be looked at closer; the names are those of the registries."""

    has_claim: bool
    lacks_training: bool
    offers: tuple[str, ...]
    limits: tuple[str, ...]


def lock(user: User) -> None:
    """The person stays locked until the caller's transaction ends.

    One claim at a time per person: two screens of theirs get the same item. It is a statement of
    its own, for a query sees what was committed before it began and not while it waited.
    """
    _lock().run(person=user.pk)


def standing_of(user: User, queue: Queue, now: datetime) -> Standing:
    """One query."""
    [(has_claim, lacks_training, *others)] = _read().run(
        person=user.pk, queue=queue.pk, now=now, today=utc_day(now)
    )
    names = [name for name, does in zip([*offers, *limits], others, strict=True) if does]
    return Standing(
        has_claim,
        lacks_training,
        tuple(name for name in names if name in offers),
        tuple(name for name in names if name in limits),
    )


@cache
def _lock() -> Statement:
    return Statement(_locking, {"person": int})


def _locking(*, person: int) -> Compiled:
    people = User.objects.select_for_update(no_key=True).filter(pk=person)
    return people.values_list("pk").query.sql_with_params()


@cache
def _read() -> Statement:
    kinds = {"person": int, "queue": int, "now": datetime, "today": date}
    return Statement(_reading, kinds)


def _reading(*, person: int, queue: int, now: datetime, today: date) -> Compiled:
    asked = to_ask(User(pk=person), Queue(pk=queue), now, today)
    return User.objects.filter(pk=person).values_list(*asked).query.sql_with_params()


def utc_day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def to_ask(user: User, place: Queue, now: datetime, today: date) -> list[Exists]:
    """What may stand in the way of the next item: of each, whether there is any."""
    return [
        Exists(ReviewItem.objects.live_claims_of(user, place, now)),
        Exists(lacking(user, place, today)),
        *(one.applies(user, place) for one in offers.values()),
        *(one.applies(user, place) for one in limits.values()),
    ]
