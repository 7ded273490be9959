"""Queue settings: by page, kept text, who may, shared SLAs, promises that stand."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from reviews.queues import opening_hours
from reviews.queues.forms import form_values, new_values
from reviews.queues.models import DueTimeChange, Queue, ReviewItem, SlaPolicy
from reviews.queues.services import queue_for
from reviews.queues.upkeep import change_queue, standard_sla
from tests.factories.ledger import make_call, make_person, make_use_case
from tests.factories.reviews import make_item, make_member, make_queue, signed_in
from tests.factories.training import make_training

pytestmark = pytest.mark.django_db


def filled(**changes: Any) -> dict[str, Any]:
    new = new_values() | {"sla": standard_sla().pk, "needs_acknowledgement": "on"}
    return new | {"name": "Licence answers", "guideline": "# Be *kind*"} | changes


def of(queue: Queue, **changes: Any) -> dict[str, Any]:
    """What the browser sends back of a queue's own form."""
    values = form_values(queue) | {"use_cases": [one.pk for one in queue.use_cases.all()]}
    values["is_default"] = "on" if queue.is_default else ""
    values["escalates_to"] = queue.escalates_to_id or ""
    values["sla"], values["most_claimed"] = queue.sla_id, queue.most_claimed or ""
    values["needs_acknowledgement"] = "on" if queue.needs_acknowledgement else ""
    values["trainings"] = [one.pk for one in queue.trainings.all()]
    return values | changes


def test_a_safety_officer_makes_a_queue_by_page() -> None:
    client = signed_in(make_person("safety"))
    use_case, training = make_use_case(), make_training()
    assert client.get("/reviews/new/").status_code == 200
    sent = filled(
        labels="wrong\nrude, wrong",
        use_cases=[use_case.pk],
        trainings=[training.pk],
        most_claimed="9",
    )
    made = client.post("/reviews/new/", sent)
    assert (made.status_code, made["Location"]) == (302, "/reviews/licence-answers/")
    queue = Queue.objects.get()
    assert (queue.labels, list(queue.use_cases.all())) == (["wrong", "rude"], [use_case])
    assert (list(queue.trainings.all()), queue.most_claimed) == ([training], 9)
    assert queue.needs_acknowledgement
    assert AuditEvent.objects.get(action="queue.created").after["sla"] == "Standard"
    assert client.get("/reviews/licence-answers/").status_code == 200


def test_the_preview_renders_markdown_and_saves_nothing() -> None:
    client = signed_in(make_person("safety"))
    shown = client.post("/reviews/new/", filled(action="preview", guideline="# Be <b>*kind*</b>"))
    assert shown.status_code == 200
    assert "<h1>Be &lt;b&gt;<em>kind</em>&lt;/b&gt;</h1>" in shown.content.decode()
    assert "# Be &lt;b&gt;*kind*&lt;/b&gt;" in shown.content.decode()
    assert not Queue.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "New"}, "name"),
        ({"labels": "x" * 41}, "labels"),
        ({"sla": "0"}, "sla"),
        ({"most_claimed": "0"}, "most_claimed"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(change: dict[str, Any], field: str) -> None:
    client = signed_in(make_person("safety"))
    refused = client.post("/reviews/new/", filled(**change))
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == [field]
    assert "# Be *kind*" in refused.content.decode()
    assert not Queue.objects.exists()


def test_a_lead_changes_their_own_queue_and_no_other() -> None:
    mine, other = make_queue("ours"), make_queue("other")
    client = signed_in(make_member(mine, "review_lead"))
    assert client.get("/reviews/ours/settings/").status_code == 200
    saved = client.post("/reviews/ours/settings/", of(mine, guideline="Anew", is_default="on"))
    assert saved.status_code == 302
    mine.refresh_from_db()
    # Which queue is the default is not for the lead of one queue.
    assert (mine.guideline, mine.is_default) == ("Anew", False)
    event = AuditEvent.objects.get(action="queue.changed")
    assert event.before["guideline_sha256"] != event.after["guideline_sha256"]
    assert client.get("/reviews/other/settings/").status_code == 404
    assert client.post("/reviews/other/settings/", of(other)).status_code == 404
    assert client.get("/reviews/new/").status_code == 403


@pytest.mark.parametrize("role", ["administrator", "board"])
def test_who_may_look_may_not_change(role: str) -> None:
    queue = make_queue()
    client = signed_in(make_person(role))
    assert client.get("/reviews/answers/").status_code == 200
    assert client.get("/reviews/answers/settings/").status_code == 403
    assert client.post("/reviews/answers/settings/", of(queue)).status_code == 403
    assert signed_in(make_member(queue)).get("/reviews/answers/settings/").status_code == 403


def test_saving_what_stands_records_nothing() -> None:
    queue = make_queue()
    client = signed_in(make_person("safety"))
    assert client.post("/reviews/answers/settings/", of(queue)).status_code == 302
    assert not AuditEvent.objects.filter(action="queue.changed").exists()
    queue.refresh_from_db()
    assert queue.sla.name == "Standard"


def test_another_sla_moves_what_is_open_here_and_in_no_other_queue() -> None:
    queue, neighbour = make_queue(), make_queue("neighbour")
    item, other = make_item(queue), make_item(neighbour)
    longer = SlaPolicy.objects.create(
        name="Two days", calendar=queue.sla.calendar, decision_minutes=1020
    )
    client = signed_in(make_member(queue, "review_lead"))
    shown = client.get("/reviews/answers/settings/").content.decode()
    assert "1 answer now" in shown
    assert "also holds for Neighbour" in shown
    sent = of(queue, sla=longer.pk)
    assert client.post("/reviews/answers/settings/", sent).status_code == 302
    before, elsewhere = item.due_at, other.due_at
    item.refresh_from_db()
    other.refresh_from_db()
    assert item.due_at > before
    assert (item.sla, other.due_at) == (longer, elsewhere)
    moved = DueTimeChange.objects.get()
    assert (moved.item, moved.due_before, moved.due_after) == (item, before, item.due_at)
    assert "chose the SLA Two days" in moved.reason
    event = AuditEvent.objects.get(action="queue.changed")
    assert (event.before["sla"], event.after["sla"]) == ("Standard", "Two days")


def test_a_use_case_stands_in_one_queue() -> None:
    use_case = make_use_case(title="Letters")
    make_queue("first", use_cases=[use_case])
    client = signed_in(make_person("safety"))
    refused = client.post("/reviews/new/", filled(use_cases=[use_case.pk]))
    assert refused.context["form"].errors["use_cases"] == [
        "Letters goes to First already; take it out there first."
    ]


def test_the_default_is_taken_over_and_never_given_up() -> None:
    old = make_queue("old", is_default=True)
    client = signed_in(make_person("safety"))
    assert client.post("/reviews/old/settings/", of(old, is_default="")).status_code == 422
    assert client.post("/reviews/new/", filled(is_default="on")).status_code == 302
    assert [one.slug for one in Queue.objects.filter(is_default=True)] == ["licence-answers"]
    assert queue_for(make_call()).slug == "licence-answers"
    assert AuditEvent.objects.get(action="queue.changed").subject_id == str(old.pk)


def test_escalation_never_leads_back() -> None:
    last = make_queue("last")
    first = make_queue("first", escalates_to=last)
    with pytest.raises(Invalid) as refused:
        change_queue(
            actor=Actor.person(make_member(last, "review_lead")),
            queue_id=last.pk,
            name=last.name,
            guideline="",
            labels=[],
            use_cases=[],
            is_default=False,
            escalates_to=first,
            now=timezone.now(),
        )
    assert list(refused.value.fields) == ["escalates_to"]


def test_the_service_asks_for_the_permission_itself() -> None:
    queue = make_queue()
    with pytest.raises(NotAllowed):
        change_queue(
            actor=Actor.person(make_member(queue)),
            queue_id=queue.pk,
            name="Mine",
            guideline="",
            labels=[],
            use_cases=[],
            is_default=False,
            escalates_to=None,
            now=timezone.now(),
        )
    assert ReviewItem.objects.count() == 0


def test_members_are_shown_with_the_way_to_grant_more() -> None:
    queue = make_queue()
    reviewer = make_member(queue)
    lead = signed_in(make_member(queue, "review_lead")).get("/reviews/answers/settings/")
    assert reviewer.name in lead.content.decode()
    assert "An administrator grants" in lead.content.decode()


def test_a_team_sees_its_own_items_of_a_shared_queue() -> None:
    mine, theirs = make_use_case(), make_use_case(title="Secret plans")
    queue = make_queue(use_cases=[mine, theirs])
    own, other = make_item(queue, use_case=mine), make_item(queue, use_case=theirs)
    shown = signed_in(make_person("owner", mine.team)).get("/reviews/answers/").content.decode()
    assert str(own.call_id) in shown
    assert str(other.call_id) not in shown and "Secret plans" not in shown


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9:00-17:30", [["09:00", "17:30"]]),
        ("09:00 – 12:00 , 12:00-24:00", [["09:00", "12:00"], ["12:00", "00:00"]]),
        ("00:00-24:00", [["00:00", "00:00"]]),
    ],
)
def test_hours_are_read_as_written(text: str, spans: list[list[str]]) -> None:
    assert opening_hours.parse_hours(text) == spans
    assert opening_hours.parse_hours(opening_hours.hours_as_text(spans)) == spans


@pytest.mark.parametrize(
    "text", ["9-17", "09:00-08:00", "09:00-09:00", "09:00-12:00, 11:00-13:00", "25:00-26:00", "x"]
)
def test_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(opening_hours.NotOpeningHours):
        opening_hours.parse_hours(text)
