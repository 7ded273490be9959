"""Every list and the item page ask as much of the database for three as for one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.kernel.authority import Actor
from reviews.decisions.services import decide
from reviews.queues.models import Queue
from reviews.queues.services import claim_item, claim_next
from tests.factories.ledger import make_person, make_use_case
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
MOST_QUERIES = 20


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def fill(queue: Queue) -> None:
    """One more waiting, one held and one decided item, and one more queue with one."""
    for _ in range(3):
        use_case = make_use_case()
        queue.use_cases.add(use_case)
        make_item(queue, use_case=use_case)
    person = make_member(queue)
    now = timezone.now()
    first = claim_next(actor=Actor.person(person), queue=queue, now=now)
    assert first is not None
    decide(actor=Actor.person(person), item_id=first.pk, verdict="approve", now=now)
    claim_next(actor=Actor.person(person), queue=queue, now=now)
    make_item(make_queue(f"more-{Queue.objects.count()}", escalates_to=queue))


@pytest.mark.parametrize(
    "path",
    [
        "/reviews/",
        "/reviews/answers/",
        "/reviews/answers/?show=all",
        "/api/v1/queues/",
        "/api/v1/queues/answers/",
        "/api/v1/review-items/",
        "/api/v1/review-items/?queue=answers",
    ],
)
def test_lists(path: str) -> None:
    queue = make_queue()
    client = signed_in(make_person("safety"))
    fill(queue)
    once = queries(client, path)
    fill(queue)
    fill(queue)
    assert queries(client, path) == once <= MOST_QUERIES


@pytest.mark.parametrize("path", ["/reviews/items/{}/", "/api/v1/review-items/{}/"])
def test_one_item_however_much_was_decided_before(path: str) -> None:
    queue = make_queue()
    use_case = make_use_case()
    queue.use_cases.add(use_case)
    reviewer = make_member(queue)
    actor, now = Actor.person(reviewer), timezone.now()

    def decided_before() -> None:
        item = make_item(queue, use_case=use_case)
        claim_item(actor=actor, item_id=item.pk, now=now)
        decide(actor=actor, item_id=item.pk, verdict="approve", labels=["rude"], now=now)

    decided_before()
    item = make_item(queue, "mail jane@example.com", use_case=use_case)
    claim_item(actor=actor, item_id=item.pk, now=now)
    client = signed_in(reviewer)
    once = queries(client, path.format(item.pk))
    decided_before()
    decided_before()
    assert queries(client, path.format(item.pk)) == once <= MOST_QUERIES


def test_the_settings_page() -> None:
    queue = make_queue()
    client = signed_in(make_person("safety"))
    fill(queue)
    once = queries(client, "/reviews/answers/settings/")
    fill(queue)
    fill(queue)
    # Four more than a list: the choices of SLAs and trainings, and what is chosen of both.
    assert queries(client, "/reviews/answers/settings/") == once <= MOST_QUERIES + 4
