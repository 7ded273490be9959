"""A run shows what the release's second model says of each answer, booked as every attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.kernel.authority import Actor
from prompts.catalogue.models import Prompt
from prompts.evaluation import services
from prompts.evaluation.models import EvaluationRun, EvaluationSuite
from prompts.evaluation.selectors import report_of, results_of
from prompts.gateway.models import SecondOpinion
from prompts.releases.models import Release
from reviews.queues.models import ReviewItem
from telemetry.ledger.models import LedgerEntry
from tests.factories.judging import judged_world, release_with, says
from tests.factories.organisation import Provider, World, provider
from tests.prompts.evaluation.test_runs import begun, stepped

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider("The notice must be kept.") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture
def judge() -> Iterator[Provider]:
    with provider(says("pass")) as scripted:
        yield scripted


def suite_of(here: World, cases: int) -> EvaluationSuite:
    actor, now = Actor.person(here.people.users["prompt_engineer"]), timezone.now()
    prompt = Prompt.objects.get(slug="clerk")
    suite = services.create_suite(actor=actor, prompt=prompt, name="Clerk", now=now)
    for number in range(cases):
        services.add_case(
            actor=actor,
            suite=suite,
            name=f"Case {number}",
            tags=["golden"],
            asked={"variables": {}, "messages": [{"role": "user", "content": f"Ask {number}"}]},
            expectations=[{"scorer": "contains", "expected": "notice"}],
            now=now,
        )
    return suite


def run_of(here: World, suite: EvaluationSuite) -> EvaluationRun:
    return stepped(begun(suite, here.people.users["prompt_engineer"], number=1))


def test_answers_are_judged_as_the_release_asks_and_scored_all_the_same(
    model: Provider, judge: Provider
) -> None:
    here = judged_world(judge.url, judge_on_fail="block")
    judge.answers = [says("pass"), says("doubt"), says("fail")]
    run = run_of(here, suite_of(here, 3))
    assert [one.state for one in run.results.all()] == ["passed"] * 3
    assert report_of(run).verdicts == {"pass": 1, "doubt": 1, "fail": 1}
    assert not ReviewItem.objects.exists(), "nobody waits for it"
    lines = LedgerEntry.objects.all()
    assert sorted(one.description for one in lines) == ["", "", "", "verdict", "verdict", "verdict"]
    assert run.spent() == sum(one.amount for one in lines)


def test_the_page_and_the_api_say_what_was_said(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    judge.answers = [says("fail")]
    run = run_of(here, suite_of(here, 1))
    client = Client()
    client.force_login(here.people.users["prompt_engineer"])
    shown = client.get(reverse("evaluation:run", args=["clerk", run.pk])).content.decode()
    assert "<dt>Second model</dt><dd>1 fail</dd>" in shown
    assert "Second model: fail" in shown
    path = f"/api/v1/prompts/clerk/evaluation-runs/{run.pk}/results/"
    assert [one["verdict"] for one in client.get(path).json()["results"]] == ["fail"]


def test_where_no_release_asks_a_second_model_the_page_says_so(
    model: Provider, judge: Provider
) -> None:
    here = judged_world(judge.url)
    release_with(here, {})
    run = run_of(here, suite_of(here, 1))
    assert (judge.asked, report_of(run).verdicts) == ([], {})
    client = Client()
    client.force_login(here.people.users["prompt_engineer"])
    assert b"Nobody judged" in client.get(reverse("evaluation:run", args=["clerk", run.pk])).content


def test_a_judge_that_cannot_be_asked_gives_no_verdict(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)
    judge.answers = [500]
    run = run_of(here, suite_of(here, 1))
    assert [one.state for one in run.results.all()] == ["passed"]
    assert report_of(run).verdicts == {"none": 1}
    assert SecondOpinion.objects.get().action == "hold"
    assert Release.objects.filter(ended_at=None).exists()


def test_results_are_read_in_one_query_however_many(model: Provider, judge: Provider) -> None:
    here = judged_world(judge.url)

    def queries(cases: int) -> int:
        run = run_of(here, suite_named(here, cases))
        with CaptureQueriesContext(connection) as found:
            assert [one.call.second_opinion.verdict for one in results_of(run)] == ["pass"] * cases
        return len(found)

    assert queries(1) == queries(3)


def suite_named(here: World, cases: int) -> EvaluationSuite:
    suite = suite_of(here, cases)
    EvaluationSuite.objects.filter(pk=suite.pk).update(name=f"Clerk {cases}")
    return suite
