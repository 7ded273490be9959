"""The intake, the register and the page of one use case, as their readers meet them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, NotAllowed, WrongState
from governance.registry import assessments, risk, services
from governance.registry.models import UseCase
from governance.registry.subjects import StageSubject
from tests.factories.ledger import NOW, make_person, make_team
from tests.factories.registry import score

pytestmark = pytest.mark.django_db


def test_somebody_elses_use_case_does_not_exist(client: Client, use_case: UseCase) -> None:
    client.force_login(make_person("owner", make_team()))
    for path in ("", "intake/data/"):
        assert client.get(f"/use-cases/{use_case.slug}/{path}").status_code == 404
    assert use_case.title not in client.get("/use-cases/").content.decode()


def test_an_unacceptable_risk_cannot_be_proposed(use_case: UseCase, owner: User) -> None:
    actor = Actor.person(owner)
    services.save_step(
        actor=actor, use_case=use_case, version=1, now=NOW, framework_answers={"language": True}
    )
    score(use_case, owner)
    assessments.assess_risk(actor=actor, use_case=use_case, answers={"prohibited": True}, now=NOW)
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
    assessments.assess_risk(actor=Actor.person(owner), use_case=use_case, answers=answers, now=NOW)
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


def test_a_late_save_is_refused(use_case: UseCase, owner: User) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "now": NOW}
    services.save_step(**facts, version=1, feature="One")
    with pytest.raises(Conflict):
        services.save_step(**facts, version=1, feature="Two")
