"""The intake, step by step, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals import services as approvals
from governance.audit.models import AuditEvent
from governance.home.selectors import waiting_for
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.registry import assessments, scoring, services
from governance.registry.models import Score, UseCase
from governance.registry.scoring_content import STARTING
from tests.factories.ledger import NOW, make_person, make_team
from tests.factories.registry import make_dataset, score, score_answers

HTMX = {"HX-Request": "true"}


def text(answer: Any) -> str:
    return str(answer.content.decode())


def url(use_case: UseCase, step: str) -> str:
    return f"/use-cases/{use_case.slug}/intake/{step}/"


def steps(dataset_id: int) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("what", {"title": "Letters", "feature": "Answers letters.", "outcome": "Faster."}),
        ("pattern", {"language": "yes", "real_time": "yes"}),
        (
            "data",
            {
                "sensitivity": "internal",
                "oversight": "all",
                "fallback_text": "By hand.",
                "datasets": dataset_id,
            },
        ),
        ("scores", score_answers()),
        ("risk", {"public": "yes"}),
    ]


def test_the_intake_is_saved_at_every_step_and_going_back_keeps_everything(
    signed_in: Client, team: Team
) -> None:
    begun = signed_in.post("/use-cases/new/", {"title": "Letter", "team": team.pk})
    assert begun["Location"] == "/use-cases/letter/intake/pattern/"
    dataset = make_dataset()
    for step, answers in steps(dataset.pk):
        assert signed_in.get(f"/use-cases/letter/intake/{step}/").status_code == 200
        assert signed_in.post(f"/use-cases/letter/intake/{step}/", answers).status_code == 302
    for step in ("risk", "scores", "data", "pattern", "what", "summary"):
        assert signed_in.get(f"/use-cases/letter/intake/{step}/").status_code == 200
    made = UseCase.objects.get(slug="letter")
    assert made.is_draft
    assert (made.title, made.feature, made.outcome) == ("Letters", "Answers letters.", "Faster.")
    assert (made.pattern, made.tier, made.fallback_text) == ("assistant", "limited", "By hand.")
    assert list(made.datasets.all()) == [dataset]
    page = text(signed_in.get("/use-cases/letter/"))
    assert "R8" in page
    assert "major project" in page
    assert "Why reach." in page


def test_a_step_shows_what_was_saved_in_it(signed_in: Client, use_case: UseCase) -> None:
    for step, answers in steps(make_dataset().pk):
        signed_in.post(url(use_case, step), answers)
    assert 'value="Letters"' in text(signed_in.get(url(use_case, "what")))
    pattern = text(signed_in.get(url(use_case, "pattern")))
    assert 'name="real_time" value="yes" checked' in pattern
    assert "Recommended: assistant" in pattern
    assert "By hand." in text(signed_in.get(url(use_case, "data")))
    scores = text(signed_in.get(url(use_case, "scores")))
    assert 'name="reach" value="3" checked' in scores
    assert 'value="Why reach."' in scores
    assert 'name="public" value="yes" checked' in text(signed_in.get(url(use_case, "risk")))


def test_passing_through_again_makes_no_second_assessment(
    signed_in: Client, use_case: UseCase
) -> None:
    dataset = make_dataset()
    for step, answers in steps(dataset.pk) * 2:
        signed_in.post(url(use_case, step), answers)
    assert use_case.scores.count() == 1
    assert use_case.risk_assessments.count() == 1
    assert AuditEvent.objects.filter(action="use_case.scored").count() == 1


def test_what_it_is_can_be_changed_and_a_late_change_gets_the_difference(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    sent = {"title": "Mine", "feature": "My words", "version": use_case.version}
    services.save_step(
        actor=Actor.person(owner), use_case=use_case, version=1, now=NOW, feature="Their words"
    )
    late = signed_in.post(url(use_case, "what"), sent)
    assert late.status_code == 409
    assert "Their words" in text(late)
    assert "My words</textarea>" in text(late)
    use_case.refresh_from_db()
    assert use_case.feature == "Their words"
    again = sent | {"version": use_case.version}
    assert signed_in.post(url(use_case, "what"), again).status_code == 302
    use_case.refresh_from_db()
    assert (use_case.title, use_case.feature) == ("Mine", "My words")
    assert AuditEvent.objects.filter(action="use_case.changed").count() == 2


@pytest.mark.parametrize(
    ("step", "sent", "kept", "said"),
    [
        ("what", {"title": " ", "feature": "Kept words"}, "Kept words", "Give a title."),
        ("what", {"title": "T", "stakeholders": "x" * 301}, "x" * 301, "At most 300 characters"),
        ("what", {"title": "T", "feature": "a\x00b"}, "T", "cannot be kept"),
        ("pattern", {"language": "yes", "pattern": "code"}, 'value="code" selected', "Say why"),
        (
            "data",
            {"sensitivity": "internal", "oversight": "all", "sample_share": "many"},
            "many",
            "Give a number.",
        ),
        (
            "data",
            {"sensitivity": "internal", "oversight": "all", "sample_share": "NaN"},
            "NaN",
            "between 0 and 100",
        ),
        (
            "data",
            {"sensitivity": "secret", "oversight": "all", "fallback_text": "Kept"},
            "Kept",
            "Choose one of public",
        ),
        ("scores", {"value": 4, "value_why": "Kept"}, "Kept", "Choose 1 to 5."),
        ("scores", score_answers() | {"reach_why": " "}, "Why value.", "Say why, in a sentence."),
        ("scores", score_answers() | {"reach_why": "x" * 501}, "x" * 501, "At most 500"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_kept(
    signed_in: Client, use_case: UseCase, step: str, sent: dict[str, Any], kept: str, said: str
) -> None:
    answer = signed_in.post(url(use_case, step), sent)
    assert answer.status_code == 422
    assert kept in text(answer)
    assert said in text(answer)
    use_case.refresh_from_db()
    assert use_case.version == 1
    assert not use_case.scores.exists()


def test_another_pattern_than_recommended_needs_a_reason(
    signed_in: Client, use_case: UseCase
) -> None:
    answers = {"language": "yes", "pattern": "code", "serving": "synchronous"}
    assert signed_in.post(url(use_case, "pattern"), answers).status_code == 422
    answers["override_reason"] = "It is code."
    assert signed_in.post(url(use_case, "pattern"), answers).status_code == 302


def test_other_answers_bring_another_recommendation(signed_in: Client, use_case: UseCase) -> None:
    signed_in.post(url(use_case, "pattern"), {"language": "yes", "real_time": "yes"})
    signed_in.post(url(use_case, "pattern"), {"language": "yes", "grounding": "yes"})
    use_case.refresh_from_db()
    assert (use_case.pattern, use_case.serving) == ("rag", "asynchronous")


def test_the_tier_and_its_rules_are_shown_before_saving(
    signed_in: Client, use_case: UseCase
) -> None:
    sent = {"essential": "yes", "look": "yes"}
    looked = signed_in.post(url(use_case, "risk"), sent)
    assert looked.status_code == 200
    assert "not saved yet" in text(looked)
    assert "R2" in text(looked)
    assert "Does it influence access to jobs" in text(looked)
    assert 'name="essential" value="yes" checked' in text(looked)
    assert not use_case.risk_assessments.exists()
    fragment = text(signed_in.post(url(use_case, "risk"), sent, headers=HTMX))
    assert "R2" in fragment
    assert "<html" not in fragment


def test_the_recommendation_is_shown_before_saving(signed_in: Client, use_case: UseCase) -> None:
    looked = signed_in.post(url(use_case, "pattern"), {"language": "yes", "look": "yes"})
    assert "Recommended: extraction" in text(looked)
    use_case.refresh_from_db()
    assert use_case.pattern == ""


def test_the_tier_and_its_rules_are_shown_after_saving(
    signed_in: Client, use_case: UseCase
) -> None:
    signed_in.post(url(use_case, "risk"), {"harm": "yes", "decides": "yes"})
    for path in (url(use_case, "risk"), url(use_case, "summary"), f"/use-cases/{use_case.slug}/"):
        shown = text(signed_in.get(path))
        assert "R6" in shown
        assert "without another person looking first?” yes." in shown
        assert "not saved yet" not in shown


def test_the_summary_lists_what_is_missing_with_its_place(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    shown = text(signed_in.get(url(use_case, "summary")))
    for step in ("pattern", "scores", "risk"):
        assert f'href="{url(use_case, step)}"' in shown
    assert "Still missing for assessed" in shown
    assert "What it does, Outcome for whom" in shown
    for step, answers in steps(make_dataset().pk):
        signed_in.post(url(use_case, step), answers)
    assert "Nothing is missing for assessed" in text(signed_in.get(url(use_case, "summary")))


def test_my_work_lists_a_draft_until_it_is_proposed(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    UseCase.objects.filter(pk=use_case.pk).update(is_draft=True)
    shown = text(signed_in.get("/"))
    assert f"Continue the intake of {use_case}" in shown
    assert url(use_case, "summary") in shown
    for step, answers in steps(make_dataset().pk):
        signed_in.post(url(use_case, step), answers)
    for role in ("board", "safety", "compliance", "data_steward", "ml_engineer"):
        make_person(role)
    now = timezone.now()
    approvals.install_starting_policies(actor=Actor.system("tests"), now=now)
    use_case.refresh_from_db()
    services.propose_stage(
        actor=Actor.person(owner), use_case=use_case, target="assessed", reason="Go.", now=now
    )
    assert [one for one in waiting_for(owner, now) if one.kind == "draft"] == []


def test_a_safety_officer_scores_and_assesses_and_changes_nothing_else(
    client: Client, use_case: UseCase, owner: User
) -> None:
    assessments.assess_risk(
        actor=Actor.person(owner), use_case=use_case, answers={"harm": True}, now=NOW
    )
    client.force_login(make_person("safety"))
    assert client.get(url(use_case, "what")).status_code == 403
    assert client.post(url(use_case, "data"), {"sensitivity": "public"}).status_code == 403
    answer = client.post(url(use_case, "risk"), {"harm": "yes"})
    assert answer["Location"] == f"/use-cases/{use_case.slug}/"
    assert use_case.risk_assessments.count() == 2


def test_others_may_look_at_a_use_case_and_not_at_its_intake(
    client: Client, use_case: UseCase
) -> None:
    client.force_login(make_person("board"))
    assert client.get(url(use_case, "scores")).status_code == 403
    client.force_login(make_person("owner", make_team()))
    assert client.get(url(use_case, "scores")).status_code == 404


def test_there_are_no_other_steps(signed_in: Client, use_case: UseCase) -> None:
    assert signed_in.get(url(use_case, "nonsense")).status_code == 404


def test_a_new_one_without_a_title_or_team_is_said_beside_the_fields(
    signed_in: Client, team: Team
) -> None:
    untitled = signed_in.post("/use-cases/new/", {"team": team.pk, "feature": "Kept words"})
    assert untitled.status_code == 422
    assert "Give a title." in text(untitled)
    assert "Kept words" in text(untitled)
    foreign = signed_in.post("/use-cases/new/", {"title": "T", "team": make_team().pk})
    assert foreign.status_code == 422
    assert "Choose your team." in text(foreign)
    assert not UseCase.objects.exists()


def test_a_use_case_called_like_a_page_gets_an_address_of_its_own(
    signed_in: Client, team: Team
) -> None:
    signed_in.post("/use-cases/new/", {"title": "Map", "team": team.pk})
    assert UseCase.objects.get().slug == "map-2"


def test_a_score_needs_every_dimension_and_its_reason(use_case: UseCase, owner: User) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "now": NOW}
    whole: dict[str, Any] = {
        "impact": dict.fromkeys(scoring.IMPACT, 3),
        "effort": dict.fromkeys(scoring.EFFORT, 3),
    }
    with pytest.raises(Invalid) as refused:
        assessments.record_score(**facts, impact={}, effort={}, rationales={})
    assert set(refused.value.fields) == {
        *STARTING.keys,
        *(f"{key}_why" for key in STARTING.keys),
    }
    with pytest.raises(Invalid):
        assessments.record_score(**facts, **whole, rationales={"reach": "Only one."})
    with pytest.raises(NotAllowed):
        score(use_case, make_person("board"))


def test_an_old_score_with_one_rationale_is_still_shown(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    Score.objects.create(
        use_case=use_case,
        assessor=owner,
        impact=dict.fromkeys(scoring.IMPACT, 4),
        effort=dict.fromkeys(scoring.EFFORT, 2),
        rationale="One reason for all.",
        impact_total=4,
        effort_total=2,
        at=NOW,
    )
    assert "One reason for all." in text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    assert "One reason for all." in text(signed_in.get(url(use_case, "scores")))


def test_a_long_text_stands_in_the_audit_log_by_its_digest(use_case: UseCase, owner: User) -> None:
    long = "字" * 5000
    facts = {"feature": long, "outcome": long, "benefit": long}
    actor = Actor.person(owner)
    services.save_step(actor=actor, use_case=use_case, version=1, now=NOW, **facts)
    event = AuditEvent.objects.get(action="use_case.changed")
    assert event.after["feature"]["characters"] == 5000


def test_saving_what_stands_writes_nothing(use_case: UseCase, owner: User) -> None:
    facts: dict[str, Any] = {"actor": Actor.person(owner), "use_case": use_case, "now": NOW}
    saved = services.save_step(**facts, version=1, title=use_case.title)
    assert saved.version == 1
    assert not AuditEvent.objects.filter(action="use_case.changed").exists()
    with pytest.raises(Conflict):
        services.save_step(**facts, version=2, title="Other")
