"""The intake, the register and the page of one use case, as their readers meet them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.registry import risk, scoring, services
from governance.registry.models import UseCase
from governance.registry.subjects import StageSubject
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team()


@pytest.fixture
def owner(team: Team) -> User:
    return make_person("owner", team)


@pytest.fixture
def use_case(team: Team, owner: User) -> UseCase:
    return make_use_case(team, owner=owner)


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def score(use_case: UseCase, owner: User, points: int = 4) -> None:
    services.record_score(
        actor=Actor.person(owner),
        use_case=use_case,
        impact=dict.fromkeys(scoring.IMPACT, points),
        effort=dict.fromkeys(scoring.EFFORT, 2),
        rationale="Measured on last year's work.",
        now=NOW,
    )


def test_the_intake_is_saved_at_every_step_and_ends_on_the_page(
    signed_in: Client, team: Team
) -> None:
    begun = signed_in.post("/use-cases/new/", {"title": "Letters", "team": team.pk})
    assert begun["Location"] == "/use-cases/letters/intake/pattern/"
    assert UseCase.objects.get(slug="letters").is_draft
    steps: list[tuple[str, dict[str, Any]]] = [
        ("pattern", {"language": "yes", "real_time": "yes"}),
        ("data", {"sensitivity": "public", "oversight": "all", "fallback_text": "By hand."}),
        ("scores", dict.fromkeys([*scoring.IMPACT, *scoring.EFFORT], 3) | {"rationale": "So."}),
        ("risk", {"public": "yes"}),
    ]
    for step, answers in steps:
        assert signed_in.get(f"/use-cases/letters/intake/{step}/").status_code == 200
        assert signed_in.post(f"/use-cases/letters/intake/{step}/", answers).status_code == 302
    made = UseCase.objects.get(slug="letters")
    assert (made.pattern, made.tier, made.fallback_text) == ("assistant", "limited", "By hand.")
    shown = signed_in.get("/use-cases/letters/").content.decode()
    assert "R8" in shown
    assert "major project" in shown


def test_another_pattern_than_recommended_needs_a_reason(
    signed_in: Client, use_case: UseCase
) -> None:
    url = f"/use-cases/{use_case.slug}/intake/pattern/"
    answers = {"language": "yes", "pattern": "code", "serving": "synchronous"}
    assert signed_in.post(url, answers).status_code == 422
    assert signed_in.post(url, answers | {"override_reason": "It is code."}).status_code == 302


def test_two_people_editing_get_the_difference_and_not_the_loss(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    services.save_step(
        actor=Actor.person(owner), use_case=use_case, version=1, now=NOW, fallback_text="Theirs"
    )
    url = f"/use-cases/{use_case.slug}/intake/data/"
    facts = {"sensitivity": "public", "oversight": "all", "fallback_text": "Mine", "version": 1}
    answer = signed_in.post(url, facts)
    assert answer.status_code == 409
    assert "Theirs" in answer.content.decode()
    assert "Mine" in answer.content.decode()
    use_case.refresh_from_db()
    assert use_case.fallback_text == "Theirs"


def test_a_metric_is_added_and_measured(signed_in: Client, use_case: UseCase) -> None:
    url = f"/use-cases/{use_case.slug}/metrics/"
    signed_in.post(url, {"name": "Hours", "baseline": "10", "target": "4"})
    metric = use_case.metrics.get()
    assert signed_in.post(f"{url}{metric.pk}/", {"value": "6.5"}).status_code == 302
    assert metric.measurements.get().value == Decimal("6.5")
    assert signed_in.post(f"{url}{metric.pk}/", {"value": "many"}).status_code == 400


def test_somebody_elses_use_case_does_not_exist(client: Client, use_case: UseCase) -> None:
    client.force_login(make_person("owner", make_team()))
    for path in ("", "intake/data/"):
        assert client.get(f"/use-cases/{use_case.slug}/{path}").status_code == 404
    assert use_case.title not in client.get("/use-cases/").content.decode()


def test_the_list_filters_downloads_and_says_when_it_is_empty(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    UseCase.objects.filter(pk=use_case.pk).update(title="=1+1")
    assert "=1+1" in signed_in.get("/use-cases/?stage=proposed").content.decode()
    assert "No use case here" in signed_in.get("/use-cases/?stage=pilot").content.decode()
    assert "'=1+1,proposed" in signed_in.get("/use-cases/?format=csv").content.decode()


@pytest.mark.parametrize("url", ["/use-cases/", "/use-cases/map/"])
def test_the_lists_need_as_many_queries_for_three_as_for_one(
    signed_in: Client, team: Team, owner: User, url: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert signed_in.get(url).status_code == 200
        return len(counted)

    score(make_use_case(team, owner=owner), owner)
    signed_in.get(url)
    one = queries()
    for _ in range(2):
        score(make_use_case(team, owner=owner), owner)
    assert queries() == one


def test_a_score_needs_a_reason_and_every_dimension(use_case: UseCase, owner: User) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "now": NOW}
    with pytest.raises(Invalid):
        services.record_score(**facts, impact={}, effort={}, rationale="Because.")
    with pytest.raises(Invalid):
        services.record_score(**facts, impact={}, effort={}, rationale=" ")
    with pytest.raises(NotAllowed):
        score(use_case, make_person("board"))


def test_an_unacceptable_risk_cannot_be_proposed(use_case: UseCase, owner: User) -> None:
    actor = Actor.person(owner)
    services.save_step(
        actor=actor, use_case=use_case, version=1, now=NOW, framework_answers={"language": True}
    )
    score(use_case, owner)
    services.assess_risk(actor=actor, use_case=use_case, answers={"prohibited": True}, now=NOW)
    with pytest.raises(NotAllowed, match="unacceptable"):
        services.propose_stage(
            actor=actor, use_case=use_case, target="assessed", reason="Please.", now=NOW
        )


def test_a_new_score_or_tier_changes_what_is_decided_on(use_case: UseCase, owner: User) -> None:
    def content() -> dict[str, Any]:
        return StageSubject().snapshot(StageSubject().find(use_case.pk), {"target": "assessed"})

    before = content()
    score(use_case, owner)
    scored = content()
    answers = dict.fromkeys(risk.QUESTIONS, False) | {"harm": True}
    services.assess_risk(actor=Actor.person(owner), use_case=use_case, answers=answers, now=NOW)
    assert before != scored != content()


def test_the_kill_switch_is_the_safety_officers_and_goes_both_ways(
    use_case: UseCase, owner: User
) -> None:
    facts: dict[str, Any] = {"use_case_id": use_case.pk, "reason": "It leaks.", "now": NOW}
    with pytest.raises(NotAllowed):
        services.suspend_use_case(actor=Actor.person(owner), **facts)
    safety = Actor.person(make_person("safety"))
    assert services.suspend_use_case(actor=safety, **facts).is_suspended
    with pytest.raises(WrongState):
        services.suspend_use_case(actor=safety, **facts)
    assert not services.resume_use_case(actor=safety, **facts).is_suspended
    assert (
        AuditEvent.objects.filter(action__in=["use_case.suspended", "use_case.resumed"]).count()
        == 2
    )


def test_datasets_are_registered_by_a_steward_and_named_by_the_owner(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    facts: dict[str, Any] = {"name": "Letters", "source": "Archive", "sensitivity": "internal"}
    with pytest.raises(NotAllowed):
        services.register_dataset(actor=Actor.person(owner), now=NOW, **facts)
    steward = Actor.person(make_person("data_steward"))
    dataset = services.register_dataset(actor=steward, now=NOW, **facts)
    answers = {"sensitivity": "internal", "oversight": "all", "datasets": dataset.pk}
    signed_in.post(f"/use-cases/{use_case.slug}/intake/data/", answers)
    assert list(use_case.datasets.all()) == [dataset]


def test_a_late_save_is_refused(use_case: UseCase, owner: User) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "now": NOW}
    services.save_step(**facts, version=1, feature="One")
    with pytest.raises(Conflict):
        services.save_step(**facts, version=1, feature="Two")
