"""The pages, files and API of judgement quality: the same figures, for who may see them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from reviews.decisions.models import ReviewDecision
from reviews.quality import selectors
from reviews.quality.models import Calibration, DoubleReview, Opinion, QualitySettings
from reviews.queues.models import Queue
from tests.factories.ledger import make_person
from tests.factories.quality import judge, make_double
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    """One answer that two people judged alike, and one that they did not."""
    queue, now = make_double(), timezone.now()
    people = [make_member(queue) for _ in range(2)]
    for second in ("approve", "reject"):
        item = make_item(queue)
        judge(people[0], item, "approve", now=now)
        judge(people[1], item, second, now=now)
    return queue


@pytest.fixture
def thirty() -> Queue:
    """Thirty answers that two people judged: twenty-four alike, six not."""
    queue, now = make_queue(), timezone.now()
    people = [make_member(queue) for _ in range(2)]
    for number in range(30):
        item = make_item(queue)
        DoubleReview.objects.create(
            item=item, slots=2, share=100, is_blind=True, state="agreed", closed_at=now
        )
        first = "reject" if number % 3 == 0 else "approve"
        second = first if number % 5 else ("approve" if first == "reject" else "reject")
        labels = ["wrong"] if number % 2 else []
        for slot, verdict in enumerate((first, second)):
            Opinion.objects.create(
                item=item,
                slot=slot + 1,
                person=people[slot],
                verdict=verdict,
                labels=labels,
                at=now,
            )
    return queue


def test_page_file_and_api_say_the_same(thirty: Queue) -> None:
    queue = thirty
    now = timezone.now()
    found = selectors.agreement_in(queue, now - timedelta(days=1), now + timedelta(days=1))
    assert found.overall.count == 30 and found.overall.value is not None
    assert found.whole.value == pytest.approx(0.8)
    assert [(row.about, row.figure.value) for row in found.labels][0] == ("wrong", 1.0)
    assert found.labels[1].figure.text == "no figure: everybody said the same on all 30"
    (pair,) = found.pairs
    assert pair.figure.value is not None and 0.4 < pair.figure.value < 0.7
    lead = signed_in(make_member(queue, "review_lead"))
    page = lead.get(f"/reviews/{queue.slug}/quality/").content.decode()
    assert pair.about in page and f"{pair.figure.value:.2f}" in page
    sent = lead.get(f"/reviews/{queue.slug}/quality.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode())))  # type: ignore[attr-defined]  # streamed
    kappa = next(row for row in rows if row["figure"] == "kappa")
    assert kappa["value"] == f"{pair.figure.value:.6f}"
    api = lead.get(f"/api/v1/queues/{queue.slug}/quality/").json()["figures"]
    assert [one["value"] for one in api if one["kind"] == "kappa"] == [pair.figure.value]
    before = lead.get(f"/reviews/{queue.slug}/quality/?since=2026-01-01&until=2026-01-31")
    assert "too few: 0 of 30" in before.content.decode()
    assert lead.get(f"/reviews/{queue.slug}/quality/?since=never").status_code == 400


def test_reviewers_do_not_see_the_figures_of_others(queue: Queue) -> None:
    reviewer = signed_in(make_member(queue))
    for path in (f"/reviews/{queue.slug}/quality/", f"/reviews/{queue.slug}/board/"):
        assert reviewer.get(path).status_code == 403
    assert reviewer.get("/reviews/mine/").status_code == 200
    other = signed_in(make_member(make_double(slug="other"), "review_lead"))
    assert other.get(f"/reviews/{queue.slug}/quality/").status_code == 404


def test_a_lead_takes_a_dispute_sees_both_and_decides(queue: Queue) -> None:
    lead = make_member(queue, "review_lead")
    client = signed_in(lead)
    listed = client.get("/reviews/adjudications/").content.decode()
    assert "/reviews/adjudications/" in listed
    dispute = selectors.disputes_for(lead)[0]
    path = f"/reviews/adjudications/{dispute.pk}/"
    names = [one.person.name for one in dispute.item.opinions.all()]
    assert all(name not in client.get(path).content.decode() for name in names)
    assert client.post(path, {"slot": "1"}).status_code == 409
    assert client.post(path, {"action": "take"}).status_code == 302
    shown = client.get(path).content.decode()
    assert all(name in shown for name in names) and "the answer" in shown
    assert client.post(path, {"slot": "9"}).status_code == 404
    assert client.post(path, {"slot": "2", "why": "Look again."}).status_code == 302
    final = ReviewDecision.objects.get(item=dispute.item)
    assert (final.person, final.rationale) == (lead, "Look again.")
    assert final.verdict == dispute.item.opinions.get(slot=2).verdict
    assert client.get(path).status_code == 404
    judged = signed_in(dispute.item.opinions.get(slot=1).person)
    assert "Decided otherwise by a lead" in judged.get("/reviews/mine/").content.decode()


def test_settings_and_calibrations_by_form_and_api(queue: Queue) -> None:
    lead = make_member(queue, "review_lead")
    client, path = signed_in(lead), f"/reviews/{queue.slug}/quality/settings/"
    sent = {"double_share": 20, "slots": 3, "calibration_share": 5}
    assert client.post(path, sent | {"slots": 9}).status_code == 422
    assert client.post(path, sent).status_code == 302
    saved = QualitySettings.objects.get()
    assert (saved.double_share, saved.slots, saved.is_blind) == (20, 3, False)
    api = f"/api/v1/queues/{queue.slug}/quality/settings/"
    assert signed_in(make_person("safety")).get(api).status_code == 200
    put = client.put(api, sent | {"is_blind": True}, "application/json")
    assert put.json() == sent | {"is_blind": True}
    QualitySettings.objects.update(double_share=0)
    judge(lead, make_item(queue), now=timezone.now())
    decided = ReviewDecision.objects.filter(item__queue=queue)[:2]
    path = f"/reviews/{queue.slug}/calibration/"
    why = {"verdict": "reject", "why": "The clause is missing."}
    assert client.post(path, {"item": str(decided[0].item_id), "why": ""}).status_code == 422
    assert client.post(path, why | {"item": str(decided[0].item_id)}).status_code == 302
    body = why | {"item": str(decided[1].item_id)}
    api = f"/api/v1/queues/{queue.slug}/calibrations/"
    assert client.post(api, body, "application/json").status_code == 201
    assert client.post(api, body, "application/json").status_code == 409
    assert "The clause is missing." in client.get(path).content.decode()
    first = Calibration.objects.earliest("pk")
    assert client.post(f"{path}{first.pk}/retire/").status_code == 302
    assert client.post(f"{api}{first.pk}/retire/").status_code == 409
