"""How often versions are corrected, and when their team is asked to revise them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from prompts.catalogue.models import Prompt
from prompts.corrections import revising
from prompts.corrections.figures import VersionFigures
from prompts.corrections.revising import ask_for_revisions, figures_of, set_rule
from reviews.decisions.services import decide
from reviews.queues.models import Queue
from reviews.queues.services import claim_item
from telemetry.alerts.models import Alert
from telemetry.alerts.services import resolve_alert
from tests.factories.ledger import NOW, make_person, make_team, make_use_case
from tests.factories.prompts import make_prompt, make_version
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def engineer() -> User:
    return make_person("prompt_engineer", make_team("revising"))


@pytest.fixture
def prompt(engineer: User) -> Prompt:
    use_case = make_use_case(make_team("revising"))
    made = make_prompt(engineer, use_case)
    make_version(engineer, made)
    make_version(engineer, made, changelog="Second", parameters={})
    return made


@pytest.fixture
def queue(prompt: Prompt) -> Queue:
    return make_queue(use_cases=[prompt.use_case], escalates_to=make_queue("experts"))


def decided(queue: Queue, prompt: Prompt, number: int, verdicts: list[str]) -> None:
    version = prompt.versions.get(number=number)
    reviewer = Actor.person(make_member(queue))
    for verdict in verdicts:
        item = make_item(queue, prompt_version_id=version.pk, prompt_label=str(version))
        claim_item(actor=reviewer, item_id=item.pk, now=NOW)
        more: dict[str, Any] = {"corrected_text": "an answer"} if verdict == "correct" else {}
        decide(actor=reviewer, item_id=item.pk, verdict=verdict, rationale="So.", now=NOW, **more)


@pytest.mark.parametrize(
    ("decisions", "corrected", "says", "asks"),
    [
        (0, 0, "no decision yet", False),
        (19, 19, "too few decisions to tell: 19 of 19 corrected", False),
        (20, 6, "30% corrected (", True),
        (20, 5, "25% corrected (", False),
    ],
)
def test_too_few_decisions_say_nothing_and_ask_for_nothing(
    decisions: int, corrected: int, says: str, asks: bool
) -> None:
    figures = VersionFigures(1, "a v1", decisions, corrected, None)
    assert figures.says().startswith(says)
    assert figures.asks_for_revision(30, 20) is asks


def test_figures_are_of_each_version_alone(prompt: Prompt, queue: Queue) -> None:
    decided(queue, prompt, 1, ["correct", "approve", "reject", "escalate"])
    second, first = figures_of(prompt)
    assert (first.decisions, first.corrected, first.characters) == (3, 1, 3.0)
    assert (second.decisions, second.characters) == (0, None)


def test_a_version_that_answers_asks_once_however_often_it_is_looked_at(
    prompt: Prompt, queue: Queue, engineer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(queue, prompt, 1, ["correct"] * 3 + ["approve"] * 2)
    decided(queue, prompt, 2, ["correct"] * 5)
    set_rule(actor=Actor.person(engineer), prompt=prompt, percent=60, least=5, now=NOW)
    assert ask_for_revisions(NOW) == []  # neither version answers anywhere
    live = {(prompt.pk, 1)}
    monkeypatch.setattr(revising, "live_versions", lambda ids: live)
    (alert,) = ask_for_revisions(NOW)
    assert "corrected 3 of 5 answers" in alert.title and alert.team == prompt.use_case.team
    assert ask_for_revisions(NOW) == []
    found = signed_in(make_person("data_steward")).get(alert.url).content.decode()
    assert "3 decisions." in found
    resolve_alert(actor=Actor.person(make_person("safety")), alert_id=alert.pk, now=NOW)
    assert ask_for_revisions(NOW) == []
    live.add((prompt.pk, 2))
    assert [one.cause for one in ask_for_revisions(NOW)] == [f"revise:{prompt.slug} v2"]
    assert Alert.objects.count() == 2


def test_who_writes_the_prompt_sets_its_threshold(prompt: Prompt, engineer: User) -> None:
    with pytest.raises(NotAllowed):
        set_rule(actor=Actor.person(make_person("board")), prompt=prompt, percent=9, now=NOW)
    for facts in ({"percent": 0}, {"percent": 101}, {"percent": 9, "least": 1}):
        with pytest.raises(Invalid):
            set_rule(actor=Actor.person(engineer), prompt=prompt, now=NOW, **facts)
    client = signed_in(engineer)
    client.post(f"/prompts/{prompt.slug}/revision-rule/", {"percent": "40", "least": "25"})
    page = client.get(f"/prompts/{prompt.slug}/").content.decode()
    assert "From <strong>40 %</strong> of at least 25 decisions on" in page
    refused = client.post(
        f"/prompts/{prompt.slug}/revision-rule/", {"percent": "x", "least": "25"}, follow=True
    )
    assert "From 1 to 100 percent." in refused.content.decode()


def test_the_page_and_the_api_say_the_same(prompt: Prompt, queue: Queue, engineer: User) -> None:
    decided(queue, prompt, 1, ["correct", "approve"])
    client = signed_in(engineer)
    page = client.get(f"/prompts/{prompt.slug}/").content.decode()
    shown = client.get(f"/api/v1/prompts/{prompt.slug}/corrections/").json()
    assert shown[1]["says"] == "too few decisions to tell: 1 of 2 corrected"
    assert shown[1]["says"] in page
