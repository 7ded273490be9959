"""Choose the next item and claim it in one statement: nobody waits between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, reduce
from operator import or_
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Case, Count, F, Q, QuerySet, When

from governance.access.models import User
from governance.kernel.statements import Compiled, Statement
from reviews.queues.claim_registries import claim_rules, claimed
from reviews.queues.models import Queue, ReviewItem, Skip
from reviews.queues.registries import written_versions
from reviews.queues.rules import LEASE, MOST_SKIPS, REVIEW_ITEM_STATES, ItemState
from reviews.queues.standing import to_ask, utc_day

# Materialised, so that it is run once: run again, SKIP LOCKED would choose another row.
TAKE = """
WITH free AS MATERIALIZED ({chosen})
UPDATE queues_reviewitem AS item
SET state = %s, claimed_by_id = %s, claimed_at = %s, lease_until = %s,
    first_touched_at = coalesce(item.first_touched_at, %s)
FROM free WHERE item.id = free.id
RETURNING {columns}, free.*
"""


@dataclass(frozen=True)
class Taken:
    """A claimed item, the team of its call, and the names of what follows its claim."""

    item: ReviewItem
    team_id: int
    followed_by: tuple[str, ...]


def unconflicted(items: QuerySet[ReviewItem], user: User) -> QuerySet[ReviewItem]:
    """Without what the person asked for, whose prompt they wrote, or what they skipped often."""
    tired_of = (
        Skip.objects.filter(person=user)
        .values("item")
        .annotate(times=Count("pk"))
        .filter(times__gte=MOST_SKIPS)
        .values("item")
    )
    free = items.exclude(call__requester=user).exclude(pk__in=tired_of)
    for versions in written_versions.values():
        free = free.exclude(call__prompt_version_id__in=versions(user))
    for rule in claim_rules.values():
        free = rule.narrow(free, user)
    return free


def take_plainly(queue: Queue, user: User, now: datetime) -> Taken | None:
    """As `take_first`; None as well where anything is to be looked at first (standing.py)."""
    return _taken(_take_plainly(), queue, user, now, today=utc_day(now))


def take_first(queue: Queue, user: User, now: datetime) -> Taken | None:
    """The most urgent item that is free for this person, claimed by them; None if none is left.

    Those that somebody locks are passed over. In the caller's transaction, which holds the
    person's row.
    """
    return _taken(_take(), queue, user, now)


def _taken(
    statement: Statement, queue: Queue, user: User, now: datetime, **more: Any
) -> Taken | None:
    given = {"person": user.pk, "queue": queue.pk, "now": now, "lease_until": now + LEASE}
    rows = statement.run(**given, **more)
    if not rows:
        return None
    names, loaders = _fields()
    values, (_, team_id, *follows) = list(rows[0][: len(names)]), rows[0][len(names) :]
    for place, load in loaders:
        values[place] = load(values[place], None, connection)
    item = ReviewItem.from_db(DEFAULT_DB_ALIAS, names, values)
    item.queue, item.claimed_by = queue, user
    followed_by = tuple(name for name, does in zip(claimed, follows, strict=True) if does)
    return Taken(item, team_id, followed_by)


KINDS = {"person": int, "queue": int, "now": datetime, "lease_until": datetime}


@cache
def _take() -> Statement:
    return Statement(_taking, KINDS)


@cache
def _take_plainly() -> Statement:
    return Statement(_taking, KINDS | {"today": date})


def _taking(
    *, person: int, queue: int, now: datetime, lease_until: datetime, today: date | None = None
) -> Compiled:
    """With a day, of somebody in whose way nothing stands on it."""
    free = ReviewItem.objects.filter(queue=queue).claimable(now)
    if today is not None:
        hurdles = (Q(one) for one in to_ask(User(pk=person), Queue(pk=queue), now, today))
        # In a case, or the planner would join every item with what may stand in the way.
        free = free.filter(Case(When(reduce(or_, hurdles), then=False), default=True))
    follows = {f"follows_{number}": one.applies() for number, one in enumerate(claimed.values())}
    urgent = unconflicted(free, User(pk=person)).most_urgent_first()  # type: ignore[attr-defined]  # our queryset
    named = urgent.only("pk").annotate(team=F("call__team_id"), **follows)
    chosen = named.select_for_update(skip_locked=True, of=("self",))[:1]
    sql, given = chosen.query.sql_with_params()
    fields = ReviewItem._meta.concrete_fields
    columns = ", ".join(f"item.{field.column}" for field in fields)
    state = REVIEW_ITEM_STATES.target(ItemState.WAITING, "claim")
    values = [*given, state, person, now, lease_until, now]
    return TAKE.format(chosen=sql, columns=columns), values


@cache
def _fields() -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """Their names, and the places of those whose values are not what the driver gives."""
    fields = ReviewItem._meta.concrete_fields
    loads = [(place, getattr(one, "from_db_value", None)) for place, one in enumerate(fields)]
    return [one.attname for one in fields], [(place, load) for place, load in loads if load]
