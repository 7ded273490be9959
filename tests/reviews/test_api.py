"""Queues and items over the API: reach, bodies, claim, renew, skip, decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.keys import create_api_key
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import Call
from telemetry.ledger.services import visible_answer
from tests.factories.ledger import make_person, make_use_case
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
ITEMS = "/api/v1/review-items/"


@pytest.fixture
def queue() -> Queue:
    return make_queue()


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, "application/json")


def claim(client: Client, queue: Queue) -> dict[str, Any]:
    answer = post(client, f"queues/{queue.slug}/claim/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_queues_are_listed_within_reach(queue: Queue) -> None:
    make_queue("other")
    make_item(queue)
    client = signed_in(make_member(queue))
    listed = client.get("/api/v1/queues/").json()["results"]
    assert [(one["slug"], one["waiting"], one["decision_minutes"]) for one in listed] == [
        ("answers", 1, 240)
    ]
    assert client.get("/api/v1/queues/answers/").json()["labels"] == ["wrong", "rude"]
    assert client.get("/api/v1/queues/other/").status_code == 404
    assert signed_in(make_person("finance")).get("/api/v1/queues/").status_code == 403
    assert Client().get("/api/v1/queues/").status_code in (401, 403)


def test_a_claim_brings_the_body_to_its_holder_alone(queue: Queue) -> None:
    item = make_item(queue, "secret answer")
    client = signed_in(make_member(queue))
    unclaimed = client.get(f"{ITEMS}{item.pk}/").json()
    assert (unclaimed["state"], unclaimed["body"]) == ("waiting", None)
    held = claim(client, queue)
    assert held["id"] == str(item.pk)
    assert held["body"]["output"] == "secret answer"
    assert claim(client, queue)["id"] == str(item.pk)
    for person in (make_member(queue), make_member(queue, "review_lead"), make_person("board")):
        seen = signed_in(person).get(f"{ITEMS}{item.pk}/")
        assert (seen.status_code, seen.json()["body"]) == (200, None)
        assert "secret answer" not in seen.content.decode()
    ReviewItem.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert client.get(f"{ITEMS}{item.pk}/").json()["body"] is None
    assert AuditEvent.objects.filter(action="review.claimed").count() == 1


def test_nothing_to_claim_is_no_content_and_a_foreign_queue_is_not_there(queue: Queue) -> None:
    client = signed_in(make_member(queue))
    assert post(client, "queues/answers/claim/").status_code == 204
    other = make_queue("other")
    make_item(other)
    assert post(client, "queues/other/claim/").status_code == 404
    assert post(signed_in(make_person("board")), "queues/other/claim/").status_code == 403


def test_items_are_listed_by_queue_and_state_without_bodies(queue: Queue) -> None:
    other = make_queue("other")
    waiting, elsewhere = make_item(queue), make_item(other)
    client = signed_in(make_person("board"))

    def ids(question: str) -> list[str]:
        answer = client.get(f"{ITEMS}{question}").json()["results"]
        assert all("body" not in one for one in answer)
        return [one["id"] for one in answer]

    assert sorted(ids("")) == sorted([str(waiting.pk), str(elsewhere.pk)])
    assert ids("?queue=answers&state=waiting") == [str(waiting.pk)]
    assert ids("?queue=answers&state=decided") == []
    assert client.get(f"{ITEMS}?state=lost").status_code == 400


def test_a_team_sees_its_own_items_only() -> None:
    mine, theirs = make_use_case(), make_use_case()
    queue = make_queue(use_cases=[mine, theirs])
    own, foreign = make_item(queue, use_case=mine), make_item(queue, use_case=theirs)
    client = signed_in(make_person("owner", mine.team))
    listed = client.get(ITEMS).json()["results"]
    assert [one["id"] for one in listed] == [str(own.pk)]
    assert client.get(f"{ITEMS}{foreign.pk}/").status_code == 404


def test_renew_and_skip(queue: Queue) -> None:
    make_item(queue)
    client, other = signed_in(make_member(queue)), signed_in(make_member(queue))
    held = claim(client, queue)
    path = f"review-items/{held['id']}"
    assert post(other, f"{path}/renew/").status_code == 409
    assert post(client, f"{path}/renew/").json()["lease_until"] >= held["lease_until"]
    missing = post(client, f"{path}/skip/")
    assert (missing.status_code, list(missing.json()["errors"])) == (400, ["reason"])
    skipped = post(client, f"{path}/skip/", {"reason": "I know the author"}).json()
    assert (skipped["state"], skipped["body"]) == ("waiting", None)
    event = AuditEvent.objects.get(action="review.skipped")
    assert event.after is not None and event.after["reason_sha256"] == text_digest(
        "I know the author"
    )


def test_every_verdict_by_api() -> None:
    target = make_queue("experts")
    queue = make_queue(escalates_to=target)
    client = signed_in(make_member(queue))
    outcomes = {}
    for verdict, more in {
        "approve": {"labels": ["rude"], "seconds_spent": 42},
        "correct": {"corrected_text": " mended "},
        "reject": {"rationale": "Wrong."},
        "escalate": {"rationale": "Beyond me."},
    }.items():
        item = make_item(queue)
        claim(client, queue)
        made = post(client, f"review-items/{item.pk}/decide/", {"verdict": verdict} | more)
        assert made.status_code == 201, made.content
        call = Call.objects.get(pk=item.call_id)
        outcomes[verdict] = (made.json()["item_state"], made.json()["queue"], visible_answer(call))
    assert outcomes == {
        "approve": ("decided", "answers", "the answer"),
        "correct": ("decided", "answers", " mended "),
        "reject": ("decided", "answers", None),
        "escalate": ("waiting", "experts", None),
    }
    assert AuditEvent.objects.filter(action="review.decided").count() == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "reject"}, "rationale"),
        ({"verdict": "escalate", "rationale": " "}, "rationale"),
        ({"verdict": "correct"}, "corrected_text"),
        ({"verdict": "correct", "corrected_text": "the answer"}, "corrected_text"),
        ({"verdict": "approve", "labels": ["unknown"]}, "labels"),
        ({"verdict": "approve", "seconds_spent": -1}, "seconds_spent"),
    ],
)
def test_what_does_not_fit_names_its_field(queue: Queue, body: dict[str, Any], field: str) -> None:
    item = make_item(queue)
    client = signed_in(make_member(queue))
    claim(client, queue)
    refused = post(client, f"review-items/{item.pk}/decide/", body)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [field])
    item.refresh_from_db()
    assert item.state == "claimed"


def test_only_the_holder_decides_and_only_once(queue: Queue) -> None:
    item = make_item(queue)
    client = signed_in(make_member(queue))
    path = f"review-items/{item.pk}/decide/"
    assert post(client, path, {"verdict": "approve"}).status_code == 409
    claim(client, queue)
    assert post(signed_in(make_member(queue)), path, {"verdict": "approve"}).status_code == 409
    assert post(signed_in(make_person("board")), path, {"verdict": "approve"}).status_code == 403
    outsider = signed_in(make_member(make_queue("other")))
    assert post(outsider, path, {"verdict": "approve"}).status_code == 404
    assert post(client, path, {"verdict": "approve"}).status_code == 201
    again = post(client, path, {"verdict": "reject", "rationale": "No."})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_an_applications_key_reviews_nothing(queue: Queue) -> None:
    item = make_item(queue)
    use_case = queue.use_cases.get()
    _, secret = create_api_key(
        actor=Actor.person(make_person("owner", use_case.team)),
        use_case_id=use_case.pk,
        use_case_slug=use_case.slug,
        team=use_case.team,
        name="App",
        now=timezone.now(),
    )
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for path in ("queues/answers/claim/", f"review-items/{item.pk}/decide/"):
        assert post(client, path, {"verdict": "approve"}).status_code == 403
