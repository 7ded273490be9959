"""Assessments that run out: who is told, when, and how often."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from governance.access.models import User
from governance.config.schedule import BEAT_SCHEDULE
from governance.home.models import Notification
from governance.home.selectors import waiting_for
from governance.kernel.authority import Actor
from governance.registry import assessments, noticing, tasks
from governance.registry.hooks import assessments_due
from governance.registry.models import RiskAssessment, UseCase
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.registry import make_dataset, queries
from tests.factories.stages import at_stage

pytestmark = pytest.mark.django_db


def assess(use_case: UseCase, person: User, now: datetime) -> RiskAssessment:
    return assessments.assess_risk(
        actor=Actor.person(person), use_case=use_case, answers={"harm": True}, now=now
    )


@pytest.mark.parametrize(
    ("days_before", "words"),
    [
        (31, None),
        (30, "runs out in 30 days"),
        (7, "runs out in 7 days"),
        (1, "runs out in 1 day"),
        (0, "ran out"),
        (-3, "ran out"),
    ],
)
def test_the_owner_and_the_assessor_are_told_in_time_and_once(
    use_case: UseCase, owner: User, now: datetime, days_before: int, words: str | None
) -> None:
    officer = make_person("safety")
    made = assess(use_case, officer, now)
    moment = made.ends_at - timedelta(days=days_before)
    assert noticing.give_notices(now=moment) == (1 if words else 0)
    assert noticing.give_notices(now=moment) == 0
    told = Notification.objects.filter(title__contains="Assess the risk")
    assert {one.user_id for one in told} == ({owner.pk, officer.pk} if words else set())
    assert all(one.title.endswith(words or "") for one in told)


def test_each_of_the_three_days_is_told_of(use_case: UseCase, owner: User, now: datetime) -> None:
    ends_at = assess(use_case, owner, now).ends_at
    given = [noticing.give_notices(now=ends_at - timedelta(days=day)) for day in range(40, -5, -1)]
    assert sum(given) == 3


def test_nobody_is_told_of_one_that_was_replaced_or_of_a_retired_use_case(
    use_case: UseCase, owner: User, now: datetime
) -> None:
    first = assess(use_case, owner, now)
    assess(use_case, owner, now + timedelta(days=200))
    assert noticing.give_notices(now=first.ends_at) == 0
    at_stage(use_case, "retired")
    assert noticing.give_notices(now=now + timedelta(days=600)) == 0


def test_one_from_before_runs_out_by_the_same_rule(
    use_case: UseCase, owner: User, now: datetime
) -> None:
    made = assess(use_case, owner, now)
    RiskAssessment.objects.filter(pk=made.pk).update(valid_until=None, facts={})
    assert noticing.give_notices(now=now + timedelta(days=364)) == 1


def test_the_task_is_on_the_clock(use_case: UseCase, owner: User, now: datetime) -> None:
    made = assess(use_case, owner, now)
    RiskAssessment.objects.filter(pk=made.pk).update(valid_until=now + timedelta(days=2))
    assert BEAT_SCHEDULE[tasks.keep_house.name]["task"] == tasks.keep_house.name
    tasks.keep_house()
    assert RiskAssessment.objects.get(pk=made.pk).noticed_days == 7


def test_my_work_names_the_fact_that_changed(use_case: UseCase, owner: User, now: datetime) -> None:
    assess(use_case, owner, now)

    def waits() -> list[str]:
        return [one.detail for one in waiting_for(owner, now) if one.kind == "assessment"]

    assert waits() == []
    use_case.datasets.add(make_dataset("regulated"))
    assert waits() == ["Its data was not named and is regulated."]
    assess(use_case, owner, now + timedelta(seconds=1))
    assert waits() == []


def test_more_use_cases_need_no_more_queries(owner: User, use_case: UseCase, now: datetime) -> None:
    def due_one(one: UseCase) -> None:
        assess(one, owner, now)
        one.datasets.add(make_dataset("regulated"))

    due_one(use_case)
    count = queries(lambda: assessments_due(owner, now))
    team = make_team()
    for _ in range(2):
        due = make_use_case(team, owner=owner)
        RiskAssessment.objects.create(
            use_case=due,
            assessor=owner,
            questionnaire_version=1,
            answers={},
            tier="high",
            fired_rules=[],
            at=now - timedelta(days=400),
        )
    assert queries(lambda: assessments_due(owner, now)) == count
    assert len(assessments_due(owner, now)) == 3
