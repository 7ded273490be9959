"""Afterwards and together: overturning, many alike, like answers, the live check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from reviews.decisions import similar
from reviews.decisions.alike import decide_alike, groups_of, others_like
from reviews.decisions.likeness import likeness, share_alike
from reviews.decisions.models import ReviewDecision
from reviews.decisions.overturning import overturn
from reviews.decisions.services import decide
from reviews.decisions.working_models import AnswerLikeness, ReviewDraft
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import claim_item, claim_next
from telemetry.ledger.models import Call
from telemetry.ledger.services import visible_answer
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.factories.ledger import make_use_case
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db
LONG = "The licence is MIT, so the notice must be kept in every copy of the software. "


@pytest.fixture
def queue() -> Queue:
    return make_queue()


@pytest.fixture
def reviewer(queue: Queue) -> User:
    return make_member(queue)


def claimed(queue: Queue, person: User) -> ReviewItem:
    item = claim_next(actor=Actor.person(person), queue=queue, now=timezone.now())
    assert item is not None
    return item


def decided(queue: Queue, person: User, text: str = "the answer", **more: Any) -> ReviewDecision:
    item = make_item(queue, text)
    claim_item(actor=Actor.person(person), item_id=item.pk, now=timezone.now())
    facts = {"verdict": "approve"} | more
    made = decide(actor=Actor.person(person), item_id=item.pk, now=timezone.now(), **facts)
    assert isinstance(made, ReviewDecision)
    return made


def test_a_lead_overturns_and_the_caller_hears_of_it(queue: Queue, reviewer: User) -> None:
    first = decided(queue, reviewer)
    call = first.item.call
    WebhookEndpoint.objects.create(
        use_case=call.use_case,
        team=call.use_case.team,
        url="https://a.example/",
        events=["call.overturned"],
        created_by=reviewer,
        created_at=timezone.now(),
        secret_sealed=b"",
    )
    lead = make_member(queue, "review_lead")
    client = signed_in(lead)
    path = f"/reviews/decisions/{first.pk}/overturn/"
    assert "cannot be unsaid" in client.get(path).content.decode()
    missing = client.post(path, {"verdict": "reject", "rationale": " "})
    assert missing.status_code == 422
    done = client.post(path, {"verdict": "reject", "rationale": "It named the wrong licence."})
    assert done.status_code == 302
    second = ReviewDecision.objects.get(overturns=first)
    assert (second.person, second.verdict) == (lead, "reject")
    call.refresh_from_db()
    assert call.state == "released" and visible_answer(call) == "the answer"
    told = WebhookDelivery.objects.get()
    assert (told.kind, told.body["data"]["verdict"]) == ("call.overturned", "reject")
    event = AuditEvent.objects.get(action="review.overturned")
    said = text_digest("It named the wrong licence.")
    assert event.after is not None and event.after["rationale_sha256"] == said
    again = client.post(path, {"verdict": "reject", "rationale": "Twice."})
    assert again.status_code == 409
    page = client.get(f"/calls/{call.pk}/").content.decode()
    assert "overturns the decision before" in page and "stays delivered" in page
    third = overturn(
        actor=Actor.person(lead),
        decision_id=second.pk,
        verdict="correct",
        corrected_text="better",
        rationale="Read again.",
        now=timezone.now(),
    )
    assert third.correction.texts() == ("the answer", "better")


def test_overturning_is_for_leads_and_needs_another_verdict(queue: Queue, reviewer: User) -> None:
    first = decided(queue, reviewer)
    facts: dict[str, Any] = {"decision_id": first.pk, "rationale": "So.", "now": timezone.now()}
    with pytest.raises(NotAllowed):
        overturn(actor=Actor.person(reviewer), verdict="reject", **facts)
    lead = Actor.person(make_member(queue, "review_lead"))
    for verdict in ("approve", "escalate"):
        with pytest.raises(Invalid):
            overturn(actor=lead, verdict=verdict, **facts)
    stranger = make_member(make_queue("elsewhere"), "review_lead")
    path = f"reviews/decisions/{first.pk}/overturn/"
    assert signed_in(stranger).get(f"/{path}").status_code == 404
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewDecision.objects.filter(pk=first.pk).update(verdict="reject")


def alike_items(queue: Queue, many: int = 4) -> list[ReviewItem]:
    use_case = make_use_case(tier="minimal")
    queue.use_cases.add(use_case)
    return [make_item(queue, "the very same", use_case=use_case) for _ in range(many)]


def test_many_alike_each_with_its_own_record(queue: Queue, reviewer: User) -> None:
    alike_items(queue)
    client = signed_in(reviewer)
    group = groups_of(queue, reviewer, timezone.now())[0]
    assert group.count == 4
    sent = client.post(f"/reviews/{queue.slug}/alike/", {"response_hash": group.response_hash})
    page = client.get(sent["Location"])
    assert "Approve all 4" in page.content.decode() and "the very same" in page.content.decode()
    others = [str(one.pk) for one in page.context["others"]]
    done = client.post(sent["Location"], {"verdict": "approve", "others": others})
    assert done["Location"] == f"/reviews/{queue.slug}/next/"
    assert ReviewDecision.objects.count() == 4
    assert AuditEvent.objects.filter(action="review.decided").count() == 4
    assert set(Call.objects.values_list("state", flat=True)) == {"released"}


def test_what_is_not_alike_or_not_low_risk_is_refused_whole(queue: Queue, reviewer: User) -> None:
    first, second, third, fourth = alike_items(queue)
    actor, now = Actor.person(reviewer), timezone.now()
    claim_item(actor=actor, item_id=first.pk, now=now)
    other = make_item(queue, "something else", use_case=first.call.use_case)
    Call.objects.filter(pk=third.call_id).update(findings=[{"code": "secret", "detail": "x"}])
    assert set(others_like(first, reviewer, now)) == {second, fourth}

    def together(*items: ReviewItem) -> None:
        decide_alike(
            actor=actor,
            item_id=first.pk,
            others=[one.pk for one in items],
            verdict="approve",
            rationale="",
            now=now,
        )

    for stranger in (other, third):
        with pytest.raises(WrongState, match="identical content"):
            together(second, stranger)
    claim_item(actor=Actor.person(make_member(queue)), item_id=fourth.pk, now=now)
    with pytest.raises(Conflict, match="taken some"):
        together(second, fourth)
    first.call.use_case.tier = "high"
    first.call.use_case.save()
    with pytest.raises(WrongState):
        together(second)
    assert not ReviewDecision.objects.exists()
    assert ReviewItem.objects.get(pk=second.pk).state == "waiting"


def test_like_answers_by_share_and_only_of_this_queue(queue: Queue, reviewer: User) -> None:
    same = decided(queue, reviewer, LONG * 3, labels=["rude"])
    near = decided(
        queue, reviewer, LONG * 3 + "It also asks for thanks.", verdict="reject", rationale="No."
    )
    decided(queue, reviewer, "Bananas grow on tall plants in warm places, one hears.")
    elsewhere = make_queue("elsewhere")
    decided(elsewhere, make_member(elsewhere), LONG * 3)
    item = make_item(queue, LONG * 3)
    found = similar.similar_to(item, LONG * 3, reviewer)
    assert [one.decision for one in found] == [same, near]
    assert found[0].share == 100 and 60 <= found[1].share < 100
    assert similar.similar_to(item, LONG * 3, make_member(elsewhere)) == []


def test_marks_say_nothing_and_go_with_the_texts(queue: Queue, reviewer: User) -> None:
    one = decided(queue, reviewer, "An answer that is kept nowhere else in the clear.")
    marks = AnswerLikeness.objects.get()
    assert likeness("x" * 50, b"k" * 32).sketch != likeness("x" * 50, b"l" * 32).sketch
    assert similar.count_marks(Call.objects.all()) == 1
    assert similar.destroy_due_marks(marks.keep_until - timedelta(seconds=1), 9) == 0
    assert similar.destroy_due_marks(marks.keep_until, 9) == 1
    similar.keep_marks(one.item)
    assert similar.erase_marks([one.item.call_id], None, timezone.now()) == 1  # type: ignore[arg-type]  # not read


@pytest.mark.parametrize("changed", [0, 1, 3, 6])
def test_the_share_estimates_how_much_two_texts_have_in_common(changed: int) -> None:
    words = [f"word{number}" for number in range(60)]
    other = [f"else{number}" if number < changed * 5 else one for number, one in enumerate(words)]
    pieces = [
        {text[at : at + 5] for at in range(len(text) - 4)} for text in map(" ".join, (words, other))
    ]
    true = 100 * len(pieces[0] & pieces[1]) / len(pieces[0] | pieces[1])
    marks = [likeness(" ".join(text), b"k" * 32) for text in (words, other)]
    assert abs(share_alike(marks[0].sketch, marks[1].sketch) - true) <= 18  # three errors
    assert (changed == 0) == (marks[0].exact == marks[1].exact)


def test_the_live_check_writes_nothing(queue: Queue, reviewer: User) -> None:
    contract = {
        "type": "json_schema",
        "schema": {"properties": {"n": {"type": "integer", "maximum": 3}}},
    }
    make_item(queue, '{"n": 1}', contract=contract)
    item = claimed(queue, reviewer)
    client = signed_in(reviewer)
    before = AuditEvent.objects.count()
    form = {"edit_mode": "form", "form_base": '{"n": 1}'}
    path = f"/reviews/items/{item.pk}/check/"
    unfit = client.post(path, form | {"f/n": "9"}).content.decode()
    assert 'data-problem-of="f/n"' in unfit and "seen_sha256" not in unfit
    fit = client.post(path, form | {"f/n": "2"}).content.decode()
    assert "<ins>2</ins>" in fit and 'name="seen_sha256"' in fit
    assert "No change" in client.post(path, form | {"f/n": "1"}).content.decode()
    assert AuditEvent.objects.count() == before and not ReviewDraft.objects.exists()
    other = signed_in(make_member(queue)).post(path, form | {"f/n": "2"})
    assert other.status_code == 409 and "<ins>" not in other.content.decode()


def test_the_form_is_sent_without_javascript(queue: Queue, reviewer: User) -> None:
    contract = {
        "type": "json_schema",
        "schema": {
            "properties": {
                "n": {"type": "number"},
                "l": {"type": "array", "items": {"type": "string"}},
            }
        },
    }
    make_item(queue, '{"n": 1.50, "l": []}', contract=contract)
    item = claimed(queue, reviewer)
    client = signed_in(reviewer)
    form = {"edit_mode": "form", "form_base": '{"n": 1.50, "l": []}', "f/n": "1.50"}
    path = f"/reviews/items/{item.pk}/"
    page = client.post(path + "edit/", form | {"op": "add:/l/-"}).content.decode()
    assert 'name="f/l/0"' in page and "<html" in page
    raw = client.post(path + "edit/", form | {"op": "raw"}).content.decode()
    assert 'name="corrected_text"' in raw and "&quot;n&quot;: 1.50" in raw
    wrong = client.post(path + "decide/", form | {"verdict": "correct", "f/n": "many"})
    assert wrong.status_code == 422 and 'value="many"' in wrong.content.decode()
    sent = form | {"verdict": "correct", "f/n": "1.75"}
    shown = client.post(path + "decide/", sent)
    seen = shown.context["seen_sha256"]
    assert client.post(path + "decide/", sent | {"seen_sha256": seen}).status_code == 302
    assert '"n": 1.75' in (visible_answer(Call.objects.get()) or "")


def test_a_reason_to_begin_with_is_put_below_what_is_there(queue: Queue, reviewer: User) -> None:
    Queue.objects.update(rationale_templates=["It names no licence."])
    make_item(queue)
    item = claimed(queue, reviewer)
    chosen = {"op": "template", "template": "It names no licence.", "rationale": "First"}
    page = signed_in(reviewer).post(f"/reviews/items/{item.pk}/edit/", chosen).content.decode()
    assert "\nFirst\nIt names no licence.</textarea>" in page


def test_the_next_item_comes_in_the_same_answer(queue: Queue, reviewer: User) -> None:
    make_item(queue, "one")
    make_item(queue, "two")
    item = claimed(queue, reviewer)
    client = signed_in(reviewer)
    path = f"/reviews/items/{item.pk}/decide/"
    answer = client.post(path, {"verdict": "approve"}, headers={"HX-Request": "true"})
    other = ReviewItem.objects.exclude(pk=item.pk).get()
    page = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in page and "Approved." in page
    assert answer["HX-Push-Url"] == f"/reviews/items/{other.pk}/"
    assert f'action="/reviews/items/{other.pk}/decide/"' in page
    last = client.post(
        f"/reviews/items/{other.pk}/decide/", {"verdict": "approve"}, headers={"HX-Request": "true"}
    )
    assert "Nothing waits" in last.content.decode()
    assert last["HX-Push-Url"] == f"/reviews/{queue.slug}/next/"
