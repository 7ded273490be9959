"""Who may claim: guideline read, training valid, no party to the answer, room in the queue."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.utils import IntegrityError
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, NotAllowed
from reviews.queues.models import GuidelineVersion, Queue, ReviewItem
from reviews.queues.qualifying import NotReady, acknowledge, readiness
from reviews.queues.services import claim_item, claim_next
from reviews.queues.upkeep import change_queue
from telemetry.ledger.models import Call
from tests.factories.ledger import make_person
from tests.factories.prompts import make_prompt, make_version
from tests.factories.reviews import make_item, make_member, make_queue, signed_in
from tests.factories.training import make_training, train

pytestmark = pytest.mark.django_db


def changed(queue: Queue, **facts: Any) -> Queue:
    stands: dict[str, Any] = {
        "name": queue.name,
        "guideline": queue.guideline,
        "labels": queue.labels,
        "use_cases": list(queue.use_cases.all()),
        "is_default": queue.is_default,
        "escalates_to": None,
        "needs_acknowledgement": queue.needs_acknowledgement,
    }
    return change_queue(
        actor=Actor.system("tests"), queue_id=queue.pk, now=timezone.now(), **(stands | facts)
    )


def claims(person: User, queue: Queue) -> ReviewItem | None:
    return claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())


def test_each_version_is_kept_and_read_before_the_next_claim() -> None:
    queue = make_queue(needs_acknowledgement=True)
    person = make_member(queue)
    actor, now = Actor.person(person), timezone.now()
    item = make_item(queue, now=now)
    for claim in (
        lambda: claims(person, queue),
        lambda: claim_item(actor=actor, item_id=item.pk, now=now),
    ):
        with pytest.raises(
            NotReady, match=r"acknowledge guideline 1 .*/reviews/answers/guideline/"
        ):
            claim()
    acknowledge(actor=actor, queue=queue, number=1, now=now)
    acknowledge(actor=actor, queue=queue, number=1, now=now)
    assert AuditEvent.objects.filter(action="queue.guideline_acknowledged").count() == 1
    assert claims(person, queue) == item
    queue = changed(queue, guideline="Say it **kindly**.")
    changed(queue, labels=["new"])
    assert list(queue.guidelines.values_list("number", flat=True)) == [2, 1]
    # What they hold they may finish; the next claim waits for the reading.
    assert claims(person, queue) == item
    ReviewItem.objects.update(state="decided", lease_until=None)
    with pytest.raises(NotReady, match="guideline 2"):
        claims(person, queue)
    with pytest.raises(Conflict):
        acknowledge(actor=actor, queue=queue, number=1, now=now)
    with pytest.raises(IntegrityError, match="written once"):
        GuidelineVersion.objects.update(text="It always said so.")


def test_reading_by_page_leads_on_to_the_work() -> None:
    queue = make_queue(needs_acknowledgement=True, guideline="# Be *kind*")
    changed(queue, guideline="# Be *very* kind <script>")
    person, lead = make_member(queue), make_member(queue, "review_lead")
    client, path = signed_in(person), "/reviews/answers/guideline/"
    assert client.get("/reviews/answers/next/")["Location"] == path
    shown = client.get(path).content.decode()
    assert "<em>very</em> kind &lt;script&gt;" in shown
    assert "What changed since version 1" in shown
    assert "older version" in client.get(f"{path}?version=1").content.decode()
    assert person.name in signed_in(lead).get(path).content.decode()
    assert client.post(path, {"version": "1"}).status_code == 409
    assert client.post(path, {"version": "2"})["Location"] == "/reviews/answers/next/"
    assert client.get("/reviews/answers/next/").status_code == 200
    api = "/api/v1/queues/answers/guidelines/"
    assert [one["readers"] for one in client.get(api).json()["results"]] == [1, 0]
    said = client.post(f"{api}2/acknowledge/").json()
    assert said == {"ready": True, "missing": []}
    assert signed_in(make_person()).get(path).status_code in (403, 404)


def test_required_training_is_asked_for_at_the_claim() -> None:
    queue, training = make_queue(), make_training("Fair judgement")
    queue.trainings.add(training)
    person = make_member(queue)
    make_item(queue)
    with pytest.raises(NotReady, match=r"no valid training “Fair judgement”.*/training/mine/"):
        claims(person, queue)
    train(person, training, days_left=-3)
    assert readiness(person, queue, timezone.now()).trainings == ("Fair judgement",)
    train(person, training, days_left=30)
    assert claims(person, queue) is not None


def test_nobody_reviews_what_came_from_a_prompt_they_wrote() -> None:
    queue = make_queue()
    item = make_item(queue)
    author = make_person("prompt_engineer", item.call.use_case.team)
    version = make_version(author, make_prompt(author, item.call.use_case))
    Call.objects.filter(pk=item.call_id).update(prompt_version_id=version.pk)
    grant = make_member(queue).grants.get()
    grant.pk, grant.user = None, author
    grant.save(force_insert=True)
    author.forget_reaches()
    assert claims(author, queue) is None
    with pytest.raises(NotAllowed, match="prompt they wrote"):
        claim_item(actor=Actor.person(author), item_id=item.pk, now=timezone.now())
    assert claims(make_member(queue), queue) == item


def test_a_full_queue_gives_no_more() -> None:
    queue = make_queue(most_claimed=1)
    first, second = make_item(queue), make_item(queue)
    assert claims(make_member(queue), queue) is not None
    late = make_member(queue)
    assert claims(late, queue) is None
    free = second if ReviewItem.objects.get(pk=first.pk).state == "claimed" else first
    with pytest.raises(Conflict, match="takes no more"):
        claim_item(actor=Actor.person(late), item_id=free.pk, now=timezone.now())
