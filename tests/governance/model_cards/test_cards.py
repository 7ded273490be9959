"""Model cards: written, read back before they are saved, decided on, and then fixed."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.approvals import services as approvals
from governance.approvals.models import Approval
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.model_cards import services
from governance.model_cards.models import ModelCard
from governance.model_cards.rules import RESULT_PARTS, result_problem
from governance.model_cards.subjects import CardSubject
from prompts.gateway.demo.organisation import sign
from tests.factories.ledger import NOW, make_person
from tests.factories.organisation import World, world
from tests.governance.model_cards.conftest import CONTENT, make_card, make_deployment, signed_in

pytestmark = pytest.mark.django_db
ROWS = {"results-TOTAL_FORMS": "5", "results-INITIAL_FORMS": "0"}


def typed(**changes: str) -> dict[str, str]:
    content = {name: str(value) for name, value in CONTENT.items()}
    result = {
        "results-0-benchmark": "ARC",
        "results-0-metric": "accuracy",
        "results-0-value": "37.3",
        "results-0-source": "its README",
    }
    return content | ROWS | result | {"slug": "typed"} | changes


def hidden(response: Any) -> dict[str, str]:
    """What the form of a page carries on unseen."""
    found = re.findall(r'<input type="hidden" name="([^"]+)"([^>]*)>', response.content.decode())
    values = {name: re.search(r'value="([^"]*)"', rest) for name, rest in found}
    return {name: unescape(value[1]) if value else "" for name, value in values.items()}


def last_event(card: ModelCard) -> AuditEvent:
    events = AuditEvent.objects.filter(subject_id=str(card.pk), action__startswith="model_card.")
    return events.latest("at", "id")


@pytest.fixture
def here(db: None) -> World:
    return world()


def test_a_card_is_shown_as_it_will_read_and_then_saved(writing: Client) -> None:
    assert writing.get("/models/cards/new/").status_code == 200
    shown = writing.post("/models/cards/new/", typed(step="review"))
    assert shown.status_code == 200
    assert "Reading <strong>licences</strong>." in shown.content.decode()
    assert not ModelCard.objects.exists()
    saved = writing.post("/models/cards/new/", hidden(shown) | {"step": "save"})
    card = ModelCard.objects.get(slug="typed")
    assert saved["Location"] == f"/models/cards/{card.pk}/"
    assert card.evaluation_results == [
        dict(zip(RESULT_PARTS, ("ARC", "accuracy", "37.3", "its README")))
    ]
    assert (card.version, card.state) == (1, "draft")
    assert last_event(card).action == "model_card.created"
    assert "37.3" in writing.get(saved["Location"]).content.decode()


def test_going_back_and_more_rows_keep_what_was_typed(writing: Client) -> None:
    again = writing.post("/models/cards/new/", typed(step="edit", name="", limitations="Half a"))
    body = again.content.decode()
    assert again.status_code == 200
    assert "Half a" in body and "its README" in body
    assert 'name="results-5-benchmark"' in body
    assert "This field is required" not in body


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "This field is required"),
        ({"review_on": "soon"}, "Enter a valid date"),
        ({"results-0-benchmark": ""}, "Row 1: Give the benchmark"),
        ({"results-0-value": ""}, "Row 1: Give the value"),
        ({"slug": "not a slug"}, "valid “slug”"),
    ],
)
def test_what_does_not_fit_is_said_beside_what_was_typed(
    writing: Client, wrong: dict[str, str], message: str
) -> None:
    answer = writing.post("/models/cards/new/", typed(step="save", **wrong))
    body = answer.content.decode()
    assert answer.status_code == 422
    assert message in body and "Reading **licences**." in body
    assert not ModelCard.objects.exists()


def test_a_short_name_that_is_taken_is_refused_beside_it(writing: Client, card: ModelCard) -> None:
    answer = writing.post("/models/cards/new/", typed(step="save", slug=card.slug))
    assert answer.status_code == 422
    assert "Another card has this short name." in answer.content.decode()


def test_a_draft_is_edited_and_the_event_says_what_moved(writing: Client, card: ModelCard) -> None:
    url = f"/models/cards/{card.pk}/edit/"
    seen = card.fingerprint()
    assert seen in writing.get(url).content.decode()
    answer = writing.post(url, typed(step="save", limitations="Very small.", seen=seen))
    card.refresh_from_db()
    assert answer.status_code == 302
    assert card.limitations == "Very small."
    event = last_event(card)
    assert event.action == "model_card.changed"
    assert event.before is not None and event.before["limitations"] == "Small."


def test_two_engineers_editing_lose_nothing(writing: Client, card: ModelCard) -> None:
    url, seen = f"/models/cards/{card.pk}/edit/", card.fingerprint()
    other = Actor.person(make_person("ml_engineer"))
    services.edit_card(actor=other, card_id=card.pk, now=NOW, limitations="Theirs")
    late = writing.post(url, typed(step="save", limitations="Mine", seen=seen))
    body = late.content.decode()
    card.refresh_from_db()
    assert late.status_code == 409 and card.limitations == "Theirs"
    assert "somebody else changed this draft" in body and "Mine" in body
    # The page now names the newer text, so saving again is meant.
    assert card.fingerprint() in body
    writing.post(url, typed(step="save", limitations="Mine", seen=card.fingerprint()))
    card.refresh_from_db()
    assert card.limitations == "Mine"


def test_who_changed_a_draft_does_not_sign_it(card: ModelCard) -> None:
    other = make_person("ml_engineer")
    services.edit_card(actor=Actor.person(other), card_id=card.pk, now=NOW, limitations="Theirs")
    assert CardSubject().authors(card, {}) == {card.author_id, other.pk}


def test_a_long_text_fits_the_log(actor: Actor, card: ModelCard) -> None:
    long = "ä" * 20_000
    services.edit_card(actor=actor, card_id=card.pk, now=NOW, intended_use=long, limitations=long)
    event = last_event(card)
    assert event.after is not None and event.after["limitations"].startswith("sha256:")


def test_a_draft_is_withdrawn_and_stays_readable(writing: Client, card: ModelCard) -> None:
    assert writing.post(f"/models/cards/{card.pk}/withdraw/", {"reason": "Wrong model"})
    card.refresh_from_db()
    assert card.state == "withdrawn"
    assert (last_event(card).action, last_event(card).reason) == (
        "model_card.withdrawn",
        "Wrong model",
    )
    assert writing.get(f"/models/cards/{card.pk}/").status_code == 200
    assert writing.get(f"/models/cards/{card.pk}/edit/").status_code == 409
    again = writing.post(f"/models/cards/{card.pk}/withdraw/", {"reason": "Again"})
    assert again.status_code == 409


def test_a_draft_before_its_signatories_is_not_withdrawn(here: World) -> None:
    author = here.people.actor("ml_engineer")
    card = make_card(author, "waiting")
    services.propose_card(actor=author, card=card, reason="Needed.", now=here.now)
    with pytest.raises(WrongState, match="undecided"):
        services.withdraw_card(actor=author, card_id=card.pk, reason="x", now=NOW)


def test_an_approved_card_is_fixed_and_a_new_version_takes_its_place(
    here: World, client: Client
) -> None:
    author, now = here.people.actor("ml_engineer"), timezone.now()
    client.force_login(here.people.users["ml_engineer"])
    first = ModelCard.objects.get(slug="smollm2-135m")
    with pytest.raises(WrongState, match="does not change"):
        services.edit_card(actor=author, card_id=first.pk, now=now, limitations="None.")
    url = f"/models/cards/{first.pk}/new-version/"
    assert first.limitations[:40] in client.get(url).content.decode()
    made = client.post(url, typed(step="save", limitations="Tested here."))
    second = ModelCard.objects.get(slug="smollm2-135m", version=2)
    assert made["Location"] == f"/models/cards/{second.pk}/"
    assert (second.state, second.limitations) == ("draft", "Tested here.")
    with pytest.raises(WrongState, match="version 2 is a draft"):
        services.add_version(actor=author, card=first, now=now)
    reason = "Measured."
    sign(
        here.people,
        services.propose_card(actor=author, card=second, reason=reason, now=now),
        now,
    )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "approved")
    assert second.deployments.filter(slug="smollm2-local").exists()
    old = Approval.objects.get(kind="model_card", subject_id=first.pk)
    assert old.state == "superseded"


def test_a_card_follows_its_approval_out_and_back(here: World) -> None:
    card, now = ModelCard.objects.get(slug="smollm2-135m"), timezone.now()
    approval = Approval.objects.get(kind="model_card", subject_id=card.pk)
    steps = (("suspend", "withdrawn"), ("resume", "approved"))
    steps += (("suspend", "withdrawn"), ("revoke", "withdrawn"))
    for action, state in steps:
        approvals.end_approval(
            actor=here.people.actor("safety"),
            approval_id=approval.pk,
            action=action,
            reason="drill",
            now=now,
        )
        card.refresh_from_db()
        assert card.state == state


def test_a_card_is_renewed_while_it_stands(here: World) -> None:
    card, now = ModelCard.objects.get(slug="smollm2-135m"), timezone.now()
    author = here.people.actor("ml_engineer")
    change = services.propose_card(actor=author, card=card, reason="Read again.", now=now)
    sign(here.people, change, now)
    card.refresh_from_db()
    assert card.state == "approved"
    states = Approval.objects.filter(kind="model_card", subject_id=card.pk)
    assert sorted(states.values_list("state", flat=True)) == ["in_force", "superseded"]


def test_a_superseded_card_is_not_proposed(actor: Actor, card: ModelCard) -> None:
    ModelCard.objects.filter(pk=card.pk).update(state="superseded")
    card.refresh_from_db()
    with pytest.raises(WrongState, match="superseded"):
        services.propose_card(actor=actor, card=card, reason="Again.", now=NOW)


def test_what_is_missing_is_said_instead_of_the_proposal(writing: Client, actor: Actor) -> None:
    card = make_card(actor, "gaps", licence="", limitations="")
    body = writing.get(f"/models/cards/{card.pk}/").content.decode()
    assert "the card&#x27;s licence." in body and "the card&#x27;s limitations." in body
    assert "/propose/" not in body
    refused = writing.post(f"/models/cards/{card.pk}/propose/", {"reason": "Needed."})
    assert refused.status_code == 400


def test_others_read_and_do_not_write(card: ModelCard) -> None:
    board = signed_in("board")
    assert board.get("/models/").status_code == 200
    body = board.get(f"/models/cards/{card.pk}/").content.decode()
    assert "Edit the draft" not in body and "Withdraw" not in body
    for path in ("new/", f"{card.pk}/edit/", f"{card.pk}/new-version/"):
        assert board.get(f"/models/cards/{path}").status_code == 403
    for path in ("withdraw/", "propose/"):
        assert board.post(f"/models/cards/{card.pk}/{path}", {"reason": "x"}).status_code == 403
    facts: dict[str, Any] = {"actor": Actor.person(make_person("board")), "now": NOW}
    with pytest.raises(NotAllowed):
        services.edit_card(**facts, card_id=card.pk, limitations="x")
    with pytest.raises(NotAllowed):
        services.add_version(**facts, card=card)
    with pytest.raises(NotAllowed):
        services.withdraw_card(**facts, card_id=card.pk, reason="x")
    assert signed_in("reviewer").get("/models/").status_code == 403


@pytest.mark.parametrize(
    "result",
    [{"benchmark": "ARC", "value": "1"}, dict.fromkeys(RESULT_PARTS, "")],
)
def test_a_result_needs_its_parts(actor: Actor, result: dict[str, str]) -> None:
    assert result_problem([result])
    with pytest.raises(Invalid):
        make_card(actor, "results", evaluation_results=[result])


def test_there_is_an_end_to_results() -> None:
    assert "at most 50" in result_problem([dict.fromkeys(RESULT_PARTS, "x")] * 51)


def test_a_moved_draft_is_not_saved_over(actor: Actor, card: ModelCard) -> None:
    with pytest.raises(Conflict):
        services.edit_card(actor=actor, card_id=card.pk, now=NOW, seen="0" * 64, name="Other")


def test_the_list_says_that_it_is_empty(writing: Client) -> None:
    body = writing.get("/models/").content.decode()
    assert "No card yet" in body and "No deployment yet" in body


@pytest.mark.parametrize("url", ["/models/", "/api/v1/model-cards/", "/api/v1/deployments/"])
def test_the_lists_need_as_many_queries_for_three_as_for_one(
    writing: Client, actor: Actor, url: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert writing.get(url).status_code == 200
        return len(counted)

    def add(slug: str) -> None:
        deployment = make_deployment(actor, make_card(actor, slug), slug)
        for kind in ("input", "output"):
            facts = {"kind": kind, "amount": 1, "starts_on": NOW.date(), "source": "x"}
            services.set_price(actor=actor, deployment=deployment, now=NOW, **facts)

    add("one")
    writing.get(url)
    one = queries()
    add("two")
    add("three")
    assert queries() == one
