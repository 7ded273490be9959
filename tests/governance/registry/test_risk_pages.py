"""The class on the pages, the branches of the questionnaire, and what makes it due again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed
from governance.registry import assessments, services
from governance.registry.models import RiskAssessment, UseCase
from governance.registry.questionnaire import SECOND
from tests.factories.ledger import NOW, make_person

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def page(use_case: UseCase) -> str:
    return f"/use-cases/{use_case.slug}/"


@pytest.fixture
def step(page: str) -> str:
    return f"{page}intake/risk/"


def assess(use_case: UseCase, person: User, **answers: bool) -> RiskAssessment:
    return assessments.assess_risk(
        actor=Actor.person(person), use_case=use_case, answers=answers, now=timezone.now()
    )


def test_the_class_is_shown_beside_the_tier_with_its_answers(
    signed_in: Client, use_case: UseCase, page: str, step: str
) -> None:
    assert signed_in.post(step, {"essential": "yes", "employment": "yes"}).status_code == 302
    kept = use_case.risk_assessments.get()
    assert (kept.tier, kept.act_class, kept.questionnaire_version) == ("high", "high_risk", 2)
    use_case.refresh_from_db()
    assert use_case.act_class == "high_risk"
    shown = text(signed_in.get(page))
    for words in ("High-risk (Art. 6)", "Annex III: employment", "hiring, promoting", "2027-12-02"):
        assert words in shown
    event = AuditEvent.objects.get(action="use_case.assessed")
    assert event.after["act_class"] == "high_risk"


def test_every_question_is_there_with_the_words_that_say_when_it_counts(
    signed_in: Client, step: str
) -> None:
    shown = text(signed_in.get(step))
    assert shown.count("Only if the answer above is yes:") == len(
        [one for one in SECOND if one.only_if]
    )
    assert 'name="employment" value="yes"' in shown


def test_what_does_not_count_is_said_before_and_after_saving(
    signed_in: Client, use_case: UseCase, page: str, step: str
) -> None:
    sent = {"prohibited": "no", "scores_people": "yes"}
    said = "Not counted, because the question before it was answered no: “Does it score people"
    assert said in text(signed_in.post(step, sent | {"look": "yes"}))
    assert not use_case.risk_assessments.exists()
    signed_in.post(step, sent)
    assert said in text(signed_in.get(page))
    assert use_case.risk_assessments.get().tier == "minimal"


def test_an_assessment_by_the_first_version_stays_readable(
    signed_in: Client, use_case: UseCase, owner: User, page: str, step: str
) -> None:
    rule = {"code": "R4", "because": "An Annex III area: law.", "answers": ["prohibited"]}
    RiskAssessment.objects.create(
        use_case=use_case,
        assessor=owner,
        questionnaire_version=1,
        answers={"prohibited": True},
        tier="high",
        fired_rules=[rule],
        at=timezone.now(),
    )
    shown = text(signed_in.get(page))
    assert "by questionnaire 1" in shown
    assert "“Would it manipulate people, score them socially, or infer emotions at" in shown
    assert "assess it again to see its class" in shown
    assert "Not counted" not in shown
    signed_in.post(step, {"prohibited": "yes"})
    assert use_case.risk_assessments.count() == 2


def test_what_is_prohibited_is_approved_by_nobody_and_the_gate_says_so(
    signed_in: Client, use_case: UseCase, owner: User, page: str
) -> None:
    assess(use_case, owner, prohibited=True, scores_people=True)
    shown = text(signed_in.get(page))
    assert "Nobody may approve this use case." in shown
    assert "nobody may approve this one: A prohibited practice" in shown
    for person in (owner, make_person("safety")):
        with pytest.raises(NotAllowed):
            services.propose_stage(
                actor=Actor.person(person),
                use_case=use_case,
                target="assessed",
                reason="Please.",
                now=NOW,
            )
    refused = signed_in.post(f"{page}propose/", {"target": "assessed", "reason": "Please."})
    assert refused.status_code == 403
    assert "cannot be approved by anyone" in text(refused)


def test_a_changed_fact_makes_it_due_and_the_same_answers_settle_it(
    signed_in: Client, use_case: UseCase, owner: User, page: str, step: str
) -> None:
    assess(use_case, owner, harm=True)
    assert "a new risk assessment" not in text(signed_in.get(page))
    data = {"sensitivity": "internal", "oversight": "all", "is_user_facing": "yes"}
    assert signed_in.post(f"{page}intake/data/", data).status_code == 302
    assert 'value="yes" checked> People outside' in text(signed_in.get(f"{page}intake/data/"))
    assert "a new risk assessment: its answers reach people outside." in text(signed_in.get(page))
    signed_in.post(step, {"harm": "yes"})
    assert use_case.risk_assessments.count() == 2
    assert "a new risk assessment" not in text(signed_in.get(page))


def test_one_that_ran_out_is_listed_by_the_gate(
    signed_in: Client, use_case: UseCase, owner: User, page: str
) -> None:
    made = assess(use_case, owner, harm=True)
    day = timezone.now() - timedelta(days=1)
    RiskAssessment.objects.filter(pk=made.pk).update(valid_until=day)
    assert f"a new risk assessment: it ran out on {day:%Y-%m-%d}." in text(signed_in.get(page))
