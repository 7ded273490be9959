"""Choose the next item and claim it in one statement: nobody waits between the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Count, F, QuerySet

from governance.access.models import User
from governance.kernel.statements import Compiled, Statement
from reviews.queues.claim_registries import claim_rules, claimed
from reviews.queues.models import Queue, ReviewItem, Skip
from reviews.queues.registries import written_versions
from reviews.queues.rules import LEASE, MOST_SKIPS, REVIEW_ITEM_STATES, ItemState

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


def take_first(queue: Queue, user: User, now: datetime) -> Taken | None:
    """The most urgent item that is free for this person, claimed by them; None if none is left.

    Those that somebody locks are passed over. In the caller's transaction, which holds the
    person's row.
    """
    given = {"person": user.pk, "queue": queue.pk, "now": now, "lease_until": now + LEASE}
    rows = _take().run(**given)
    if not rows:
        return None
    fields = ReviewItem._meta.concrete_fields
    own, (_, team_id, *follows) = rows[0][: len(fields)], rows[0][len(fields) :]
    item = ReviewItem.from_db(
        "default",
        [field.attname for field in fields],
        [_loaded(field, value) for field, value in zip(fields, own, strict=True)],
    )
    item.queue, item.claimed_by = queue, user
    names = tuple(name for name, does in zip(claimed, follows, strict=True) if does)
    return Taken(item, team_id, names)


@cache
def _take() -> Statement:
    kinds = {"person": int, "queue": int, "now": datetime, "lease_until": datetime}
    return Statement(_taking, kinds)


def _taking(*, person: int, queue: int, now: datetime, lease_until: datetime) -> Compiled:
    free = ReviewItem.objects.filter(queue=queue).claimable(now)
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


def _loaded(field: Any, value: Any) -> Any:
    load = getattr(field, "from_db_value", None)
    return value if load is None else load(value, None, connection)
