"""Choose the next item and claim it in one statement: nobody waits between the two."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from governance.access.models import User
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.rules import LEASE, REVIEW_ITEM_STATES, ItemState

# Materialised, so that it is run once: run again, SKIP LOCKED would choose another row.
TAKE = """
WITH free AS MATERIALIZED ({chosen})
UPDATE queues_reviewitem AS item
SET state = %s, claimed_by_id = %s, claimed_at = %s, lease_until = %s,
    first_touched_at = coalesce(item.first_touched_at, %s)
FROM free WHERE item.id = free.id
RETURNING item.*, (SELECT team_id FROM ledger_call WHERE id = item.call_id) AS team_id
"""


def take_first(
    free: QuerySet[ReviewItem], queue: Queue, user: User, now: datetime
) -> tuple[ReviewItem, int] | None:
    """The first of the free items, claimed by this person, with its team; None if none is left.

    `free` are claimable ones in their order; those that somebody locks are passed over. In the
    caller's transaction, which holds the person's row.
    """
    state = REVIEW_ITEM_STATES.target(ItemState.WAITING, "claim")
    chosen = free.only("pk").select_for_update(skip_locked=True, of=("self",))[:1]
    sql, given = chosen.query.sql_with_params()
    values = [*given, state, user.pk, now, now + LEASE, now]
    taken = next(iter(ReviewItem.everything.raw(TAKE.format(chosen=sql), values)), None)
    if taken is None:
        return None
    taken.queue, taken.claimed_by = queue, user
    return taken, taken.team_id  # type: ignore[attr-defined]  # by the statement
