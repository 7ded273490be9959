"""A cheaper model is named only where it passed the very same cases, with what the month would be."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.model_cards.models import Deployment, ModelCard, Price
from prompts.catalogue.models import Prompt
from prompts.evaluation.elsewhere import passed_elsewhere
from prompts.evaluation.models import EvaluationRun, EvaluationSuite
from prompts.evaluation.services import add_case, create_suite
from telemetry.ledger import services as ledger
from telemetry.savings import services
from telemetry.savings.rules import Lever
from tests.factories.ledger import bill, make_call, make_deployment
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def suite(here: World) -> EvaluationSuite:
    engineer = here.people.actor("prompt_engineer")
    made = create_suite(actor=engineer, prompt=Prompt.objects.get(), name="Licences", now=NOW)
    for number in range(4):
        add_case(
            actor=engineer,
            suite=made,
            name=f"Case {number}",
            tags=["golden"],
            asked={"variables": {"licence_text": f"MIT {number}"}, "messages": []},
            expectations=[{"scorer": "contains", "expected": "MIT"}],
            now=NOW,
        )
    return made


def usable(deployment: Deployment) -> Deployment:
    """Callable, under the card that the board approved."""
    card = ModelCard.objects.get(slug="smollm2-135m")
    Deployment.objects.filter(pk=deployment.pk).update(state="callable", card=card)
    return deployment


def ran(
    suite: EvaluationSuite, deployment: Deployment, *states: str, sha256: str = "a", **facts: Any
) -> EvaluationRun:
    run = EvaluationRun.objects.create(
        suite=suite,
        version=suite.prompt.versions.get(number=1),
        deployment=deployment,
        requester=suite.created_by,
        seed=1,
        budget=Decimal(1),
        currency="USD",
        facts={"suite_sha256": sha256},
        **{"state": "finished", "created_at": NOW} | facts,
    )
    for case, state in zip(suite.cases.all(), states, strict=True):
        run.results.create(case=case, state=state)
    return run


PASSED, FAILED, ERROR = "passed", "failed", "error"
MOST = (PASSED, PASSED, PASSED, FAILED)


@pytest.mark.parametrize(
    ("states", "facts", "is_named"),
    [
        ((PASSED,) * 4, {}, True),
        (MOST, {}, True),
        ((PASSED, PASSED, FAILED, FAILED), {}, False),
        ((PASSED, PASSED, PASSED, ERROR), {}, False),
        ((PASSED,) * 4, {"sha256": "other cases"}, False),
        ((PASSED,) * 4, {"state": "cancelled"}, False),
    ],
)
def test_another_deployment_must_do_as_well_in_the_same_cases(
    suite: EvaluationSuite, states: tuple[str, ...], facts: dict[str, Any], is_named: bool
) -> None:
    own, other = usable(make_deployment()), usable(make_deployment())
    ran(suite, own, *MOST)
    run = ran(suite, other, *states, **facts)
    found = [one for one in passed_elsewhere() if one.deployment_id == own.pk]
    assert [one.other_id for one in found] == ([other.pk] if is_named else [])
    if is_named:
        assert found[0].path.endswith(f"/evaluation/runs/{run.pk}/")
        assert (found[0].score, found[0].suite) == ("3 of 4", "Licences")


def test_the_newest_run_counts_and_every_suite_and_only_what_may_be_called(
    here: World, suite: EvaluationSuite
) -> None:
    own, other, retired = (usable(make_deployment()) for _ in range(3))
    Deployment.objects.filter(pk=retired.pk).update(state="retired")
    ran(suite, own, *MOST)
    ran(suite, other, *(PASSED,) * 4, created_at=NOW - timedelta(days=2))
    ran(suite, retired, *(PASSED,) * 4)
    assert [one.other_id for one in passed_elsewhere() if one.deployment_id == own.pk] == [other.pk]
    ran(suite, other, *(FAILED,) * 4, created_at=NOW - timedelta(days=1))
    assert [one for one in passed_elsewhere() if one.deployment_id == own.pk] == []
    ran(suite, other, *(PASSED,) * 4)
    more = create_suite(
        actor=here.people.actor("prompt_engineer"), prompt=suite.prompt, name="More", now=NOW
    )
    run = ran(more, own)
    run.results.create(case=suite.cases.all()[0], state=PASSED)
    assert [one for one in passed_elsewhere() if one.deployment_id == own.pk] == []


def test_what_the_month_would_have_cost_there(here: World, suite: EvaluationSuite) -> None:
    own = usable(make_deployment("10", "20"))
    cheaper, cheapest = usable(make_deployment("5", "20")), usable(make_deployment("1", "2"))
    ran(suite, own, *MOST)
    run = ran(suite, cheaper, *MOST)
    ran(suite, cheapest, *(FAILED,) * 4)
    version = suite.prompt.versions.get(number=1)
    for mode in ("sync", "sync", "internal"):
        call = make_call(here.use_case, now=NOW, mode=mode, prompt_version_id=version.pk)
        ledger.start_call(call=call, now=NOW, deployment=own)
        # 100 tokens in at 10 and 10 out at 20 by the million.
        billed = [bill(own, "0.0012")]
        ledger.settle_call(
            call=call, outcome="fail", now=NOW, billed=billed, refusal_code="provider_failed"
        )
    month = date(NOW.year, NOW.month, 1)
    figures = services.compute(month=month, now=NOW)
    saving = figures.savings.get(lever=Lever.CHEAPER)
    # What an evaluation itself asked is left out; at the other one a call is 0.0007.
    assert (saving.calls, saving.amount) == (2, Decimal("0.001"))
    assert (saving.facts["booked"], saving.facts["would_be"]) == ("0.002400000", "0.001400000")
    assert saving.facts["other"] == cheaper.slug
    client = Client()
    client.force_login(here.people.users["finance"])
    page = client.get(f"/chargeback/savings/?month={month:%Y-%m}").text
    assert f"/evaluation/runs/{run.pk}/" in page
    assert f"target={cheaper.slug}" in page
    asked = {"month": f"{month:%Y-%m}", "deployment": own.slug, "target": cheaper.slug}
    told = client.get("/api/v1/what-if/", asked | {"team": here.use_case.team.slug}).json()
    # What-if prices the evaluation's own call too.
    assert told["would_be"] == "0.002100000"
    Price.objects.filter(deployment=cheaper).delete()
    assert not services.compute(month=month, now=NOW).savings.filter(lever=Lever.CHEAPER).exists()
