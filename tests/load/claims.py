"""Fifty reviewers on 10,000 items: claims per second beside a bare `SKIP LOCKED` queue.

The peer is the same table claimed by two statements in a transaction (select one row for update,
skip locked; update it), over the same connections and threads, with no rights, no conflict check,
no lease and no audit event. Both run in one process, by turns; every item must be claimed once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

REVIEWERS, ITEMS, TURNS = 50, 10_000, 2
ENOUGH = 0.5
"""Of the bare queue's claims per second."""


def measure(here: Any, server: str) -> dict[str, Any]:
    """Claims per second of both, the ratio, and what was claimed twice or never."""
    from tests.load.beginning import leave_the_pool

    leave_the_pool()
    queue, people = _filled(here)
    ours, bare = [], []
    doubles = left = 0
    for _ in range(TURNS):
        _free(queue)
        bare.append(_rate(lambda person: _bare_claim(queue), people))
        _free(queue)
        seen: Counter[Any] = Counter()
        ours.append(_rate(lambda person, seen=seen: _claim(person, queue, seen), people))  # type: ignore[misc]  # bound now
        doubles += sum(count - 1 for count in seen.values())
        left += ITEMS - len(seen)
    figures = {
        "reviewers": REVIEWERS,
        "items": ITEMS,
        "claims_per_second": round(max(ours)),
        "bare_claims_per_second": round(max(bare)),
        "ratio": round(max(ours) / max(bare), 2),
        "target": ENOUGH,
        "claimed_twice": doubles,
        "never_claimed": left,
    }
    print("claims: fifty reviewers on 10,000 items")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):24} {value}")
    return figures


def _filled(here: Any) -> tuple[Any, list[Any]]:
    """The queue with its items, and the people who hold the reviewer's role on it."""
    from django.utils import timezone

    from governance.kernel.canonical import uuid7
    from reviews.queues.models import ReviewItem
    from reviews.queues.retiming import first_times
    from telemetry.ledger.models import Call
    from tests.factories.reviews import make_member, make_queue

    now = timezone.now()
    queue = make_queue("load", use_cases=[])
    people = [make_member(queue) for _ in range(REVIEWERS)]
    calls = [
        Call(
            id=uuid7(),
            use_case=here.use_case,
            team=here.use_case.team,
            sensitivity="internal",
            mode="sync",
            state="held",
            admitted_at=now - timedelta(minutes=number % 240),
            currency="EUR",
        )
        for number in range(ITEMS)
    ]
    Call.objects.bulk_create(calls, 1000)
    times = vars(first_times(queue.sla, now))
    ReviewItem.objects.bulk_create(
        (
            ReviewItem(
                queue=queue,
                call=one,
                gates=one,
                sla=queue.sla,
                reason="Load.",
                created_at=now,
                **times,
            )
            for one in calls
        ),
        1000,
    )
    return queue, people


def _free(queue: Any) -> None:
    from django.db import connection

    queue.items.update(state="waiting", claimed_by=None, claimed_at=None, lease_until=None)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE queues_reviewitem")
        # As it is in an installation some time after so many calls.
        cursor.execute("ANALYZE ledger_call")


def _claim(person: Any, queue: Any, seen: Counter[Any]) -> bool:
    """One claim; the item is decided at once, so that the next is another one."""
    from django.utils import timezone

    from governance.kernel.authority import Actor
    from reviews.queues.services import claim_next

    item = claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())
    if item is None:
        return False
    seen[item.pk] += 1
    _decide(item.pk)
    return True


def _decide(item_id: Any) -> None:
    """Out of the way, for both alike."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE queues_reviewitem SET state = 'decided', lease_until = NULL WHERE id = %s",
            [item_id],
        )


def _bare_claim(queue: Any) -> bool:
    """The peer; it too writes the row a second time, so that both do what is beside the claim."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM queues_reviewitem WHERE queue_id = %s AND state = 'waiting' "
            "ORDER BY priority DESC, due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
            [queue.pk],
        )
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(
            "UPDATE queues_reviewitem SET state = 'claimed', claimed_by_id = %s, "
            "lease_until = now() + interval '10 minutes' WHERE id = %s",
            [_anybody(), row[0]],
        )
    _decide(row[0])
    return True


_known: list[int] = []


def _anybody() -> int:
    from governance.access.models import User

    if not _known:
        _known.append(User.objects.values_list("pk", flat=True)[0])
    return _known[0]


def _rate(claim: Callable[[Any], bool], people: list[Any]) -> float:
    """Claims per second of all people at once, until none is left."""
    from django.db import connection

    counts: list[int] = []
    ready = threading.Barrier(len(people) + 1)

    def work(person: Any) -> None:
        made = 0
        ready.wait()
        try:
            while claim(person):
                made += 1
        finally:
            counts.append(made)
            connection.close()

    threads = [threading.Thread(target=work, args=(one,)) for one in people]
    for one in threads:
        one.start()
    ready.wait()
    began = time.perf_counter()
    for one in threads:
        one.join()
    return sum(counts) / (time.perf_counter() - began)
