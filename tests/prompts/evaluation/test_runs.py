"""Runs of a suite through the governed gateway, from the case to what the board sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.evaluation import running, services
from prompts.evaluation.models import EvaluationCase, EvaluationRun, EvaluationSuite
from prompts.evaluation.promoting import promote
from prompts.evaluation.selectors import report_of
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.releases.models import Release
from prompts.releases.subjects import ReleaseSubject
from reviews.decisions.services import decide
from reviews.queues.models import ReviewItem
from reviews.queues.services import claim_item
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.keeping import carried_out, make_erasure
from tests.factories.organisation import GOOD, Provider, World, provider, world
from tests.factories.reviews import signed_in

pytestmark = pytest.mark.django_db
GPL = json.dumps({"spdx": "GPL-3.0-only", "copyleft": True, "obligations": []})
MIT = [{"scorer": "json_fields", "expected": '{"spdx": "MIT"}'}]


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture
def prompt(here: World) -> Prompt:
    return Prompt.objects.get()


@pytest.fixture
def engineer(here: World) -> User:
    return here.people.users["prompt_engineer"]


@pytest.fixture
def suite(prompt: Prompt, engineer: User) -> EvaluationSuite:
    return services.create_suite(
        actor=Actor.person(engineer), prompt=prompt, name="Licences", now=timezone.now()
    )


def case(suite: EvaluationSuite, engineer: User, **changes: Any) -> EvaluationCase:
    number = suite.cases.count()
    facts: dict[str, Any] = {
        "name": f"Case {number}",
        "tags": ["golden"],
        "asked": {"variables": {"licence_text": f"MIT License {number}"}, "messages": []},
        "expectations": MIT,
        "now": timezone.now(),
    }
    return services.add_case(actor=Actor.person(engineer), suite=suite, **(facts | changes))


def begun(suite: EvaluationSuite, person: User, number: int = 2, **changes: Any) -> EvaluationRun:
    facts: dict[str, Any] = {
        "version": PromptVersion.objects.get(prompt=suite.prompt, number=number),
        "deployment": Deployment.objects.get(slug="smollm2-local"),
        "budget": Decimal("0.01"),
        "seed": 7,
        "now": timezone.now(),
    }
    return services.begin_run(actor=Actor.person(person), suite=suite, **(facts | changes))


def stepped(run: EvaluationRun) -> EvaluationRun:
    running.run_step(run_id=run.pk, clock=timezone.now)
    run.refresh_from_db()
    return run


def states(run: EvaluationRun) -> list[str]:
    return list(run.results.order_by("pk").values_list("state", flat=True))


def test_a_version_that_nobody_released_is_run_governed_booked_and_seen_by_no_reviewer(
    here: World, model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    case(suite, engineer, tags=["regression"], expectations=[{"scorer": "label", "expected": "x"}])
    run = stepped(begun(suite, engineer))
    assert (run.state, states(run)) == ("finished", ["passed", "failed"])
    call = Call.objects.get(pk=run.results.earliest("pk").call_id)
    assert (call.mode, call.state, call.release_id) == ("internal", "delivered", None)
    assert call.prompt_label == "licence-reader v2"
    assert "for a legal team" in model.asked[0]["messages"][0]["content"]
    assert model.asked[0]["seed"] == 7
    assert LedgerEntry.objects.filter(call=call, team=here.use_case.team).count() == 1
    assert run.spent() == sum(one.cost for one in Call.objects.all())
    assert not ReviewItem.objects.exists()
    assert run.facts["version_sha256"] == run.version.content_hash
    assert (run.facts["seed"], run.facts["scorers"]) == (7, {"json_fields": 1, "label": 1})


def test_beside_production_nothing_of_it_is_answered(
    here: World, model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    """The version that is tried is not released by that: applications get the released one."""
    case(suite, engineer)
    stepped(begun(suite, engineer))
    pipeline.run(
        GovernedRequest(
            model="licence-review", presented_key=here.key, variables={"licence_text": "MIT"}
        )
    )
    assert "for a legal team" not in model.asked[-1]["messages"][0]["content"]
    assert Release.objects.count() == 1


def test_a_suspended_use_case_refuses_and_a_running_one_stops_and_goes_on(
    here: World, model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    run = begun(suite, engineer)
    UseCase.objects.update(suspended_at=timezone.now(), suspension_reason="Look first.")
    stepped(run)
    assert (run.state, states(run), model.asked) == ("stopped", ["waiting"], [])
    assert "suspended" in run.because
    with pytest.raises(WrongState):
        begun(suite, engineer)
    UseCase.objects.update(suspended_at=None, suspension_reason="")
    services.resume_run(actor=Actor.person(engineer), run_id=run.pk, now=timezone.now())
    stepped(run)
    assert (run.state, states(run)) == ("finished", ["passed"])


def test_a_run_stops_before_it_costs_more_than_its_budget(
    model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    run = stepped(begun(suite, engineer, budget=Decimal("0.000000001")))
    assert (run.state, model.asked) == ("stopped", [])
    assert run.because


def test_a_step_that_is_run_again_asks_nothing_twice(
    model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    run = begun(suite, engineer)
    stepped(run)
    # As if the worker had died after the call and before the case was noted.
    run.results.update(state="waiting", cost=0, call=None)
    EvaluationRun.objects.update(state="running", finished_at=None, next_step_at=timezone.now())
    stepped(run)
    assert (run.state, states(run), len(model.asked)) == ("finished", ["passed"], 1)
    assert run.spent() == Call.objects.get().cost


def test_an_answer_out_of_contract_fails_its_case_and_a_provider_that_fails_waits(
    model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    model.answers = ["no JSON"]
    case(suite, engineer)
    run = stepped(begun(suite, engineer))
    assert states(run) == ["failed"]
    assert "output contract failed" in run.results.get().scores[0]["detail"]
    model.answers = [400]
    again = stepped(begun(suite, engineer))
    result = again.results.get()
    assert (again.state, result.state, result.tries) == ("running", "waiting", 1)
    assert again.next_step_at == result.not_before


def test_a_cancelled_run_begins_no_further_case(
    model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    run = begun(suite, engineer)
    services.cancel_run(actor=Actor.person(engineer), run_id=run.pk, now=timezone.now())
    stepped(run)
    assert (run.state, model.asked) == ("cancelled", [])


def test_who_may_not_call_runs_nothing_and_who_may_not_write_writes_nothing(
    here: World, suite: EvaluationSuite, engineer: User
) -> None:
    case(suite, engineer)
    board = here.people.users["board"]
    with pytest.raises(NotAllowed):
        begun(suite, board)
    with pytest.raises(NotAllowed):
        case(suite, board)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tags": []}, "tags"),
        ({"tags": ["mine"]}, "tags"),
        ({"expectations": []}, "expectations"),
        ({"asked": {"variables": {"text": "x"}}}, "asked"),
        ({"asked": {"variables": {"licence_text": "x"}, "more": 1}}, "asked"),
        ({"asked": {"variables": {"licence_text": "x"}, "messages": [{"role": "x"}]}}, "asked"),
        ({"name": " "}, "name"),
    ],
)
def test_a_case_that_does_not_fit_says_where(
    suite: EvaluationSuite, engineer: User, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        case(suite, engineer, **changes)
    assert field in refused.value.fields


def test_the_same_case_is_in_a_suite_once_until_it_is_retired(
    suite: EvaluationSuite, engineer: User
) -> None:
    asked = {"variables": {"licence_text": "x"}, "messages": []}
    made = case(suite, engineer, asked=asked)
    with pytest.raises(Conflict):
        case(suite, engineer, asked=asked)
    services.retire_case(actor=Actor.person(engineer), case_id=made.pk, now=timezone.now())
    case(suite, engineer, asked=asked)


def corrected(here: World, text: str = "MIT License") -> Any:
    reply = pipeline.run(
        GovernedRequest(
            model="licence-review", presented_key=here.key, variables={"licence_text": text}
        )
    )
    assert reply.call is not None and reply.state == "held"
    reviewer = here.people.actor("reviewer")
    item = ReviewItem.objects.get(call=reply.call)
    claim_item(actor=reviewer, item_id=item.pk, now=timezone.now())
    return decide(
        actor=reviewer,
        item_id=item.pk,
        verdict="correct",
        corrected_text=GPL,
        now=timezone.now(),
    )


def test_a_correction_becomes_a_case_in_one_step_and_ends_with_its_call(
    here: World, model: Provider, engineer: User
) -> None:
    decision = corrected(here)
    client = signed_in(engineer)
    assert "Make an evaluation case" in client.get(f"/corrections/{decision.pk}/").content.decode()
    sent = client.post(f"/corrections/{decision.pk}/promote/")
    made = EvaluationCase.objects.get()
    assert sent.headers["location"].endswith(f"/evaluation/suites/{made.suite_id}/")
    assert (made.suite.name, made.tags) == ("Regression", ["regression"])
    opened = made.opened()
    assert opened is not None
    assert opened[0]["variables"] == {"licence_text": "MIT License"}
    assert opened[1] == [{"scorer": "json_fields", "expected": GPL}]
    assert made.keep_until == decision.item.call.payload.keep_until
    assert made.decision_id == decision.pk
    assert client.post(f"/corrections/{decision.pk}/promote/").status_code == 409
    model.answers = [GPL]
    run = stepped(begun(made.suite, engineer))
    assert states(run) == ["passed"]
    carried_out(make_erasure(call=decision.item.call, now=timezone.now()))
    made.refresh_from_db()
    assert made.opened() is None and made.destroyed_at is not None
    with pytest.raises(Invalid):
        begun(made.suite, engineer)


def test_who_may_not_open_the_call_makes_no_case_of_it(here: World, model: Provider) -> None:
    decision = corrected(here)
    with pytest.raises(NotAllowed):
        promote(actor=here.people.actor("owner"), decision=decision, now=timezone.now())


def test_the_board_sees_the_run_of_the_proposed_version_beside_the_live_ones(
    here: World, model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    change = ChangeRequest.objects.get(kind="prompt_release", state="open")
    subject = ReleaseSubject()
    found = subject.find(change.subject_id)

    def score() -> Any:
        every = subject.evidence(found, change.proposal)
        return next(one for one in every if one.key == "evaluation_score")

    assert score().value is None and "No evaluation suite has been run." in score().note
    case(suite, engineer)
    assert "1 waits to be run" in score().note
    case(suite, engineer)
    model.answers = [GOOD, GPL]
    stepped(begun(suite, engineer))
    assert score().value.startswith("50% of 2") and score().live_value is None
    assert "The live version was not run" in score().note
    model.answers = [GOOD]
    stepped(begun(suite, engineer, number=1))
    assert score().live_value.startswith("100% of 2")
    assert (score().note, score().grade) == ("", 500)
    page = signed_in(here.people.users["board"]).get(f"/changes/{change.pk}/").content.decode()
    assert "50% of 2" in page and "100% of 2" in page


def test_the_page_has_failures_first_beside_the_live_version(
    here: World, model: Provider, suite: EvaluationSuite, engineer: User
) -> None:
    first, second = case(suite, engineer), case(suite, engineer, tags=["adversarial"])
    stepped(begun(suite, engineer, number=1))
    model.answers = [GOOD, GPL]
    run = stepped(begun(suite, engineer))
    report = report_of(run)
    assert report.live is not None and report.live.version.number == 1
    assert {one.tag: str(one.rate)[:4] for one in report.tags} == {
        "all": "50% ",
        "golden": "100%",
        "adversarial": "0% o",
    }
    address = f"/prompts/licence-reader/evaluation/runs/{run.pk}/"
    client = signed_in(engineer)
    page = client.get(address).content.decode()
    assert page.index(second.name) < page.index(first.name)
    assert "<strong>new</strong>" in page and "GPL-3.0" not in page
    opened = client.post(address).content.decode()
    assert "GPL-3.0" in opened and "The live version answered" in opened
    assert AuditEvent.objects.filter(action="evaluation_run.texts_opened").count() == 1
    owner = signed_in(here.people.users["owner"])
    assert owner.post(address).status_code == 403


def test_a_suite_is_begun_filled_and_run_from_its_pages(
    here: World, model: Provider, engineer: User
) -> None:
    client = signed_in(engineer)
    base = "/prompts/licence-reader/evaluation/"
    begun_at = client.post(base, {"name": "Letters"}).headers["location"]
    typed = {
        "name": "MIT",
        "tags": ["golden"],
        "variable-licence_text": "MIT License",
        "scorer_1": "json_fields",
        "expected_1": "nothing",
    }
    refused = client.post(f"{begun_at}cases/new/", typed)
    assert refused.status_code == 422 and "MIT License" in refused.content.decode()
    fine = client.post(f"{begun_at}cases/new/", typed | {"expected_1": '{"spdx": "MIT"}'})
    assert fine.headers["location"] == begun_at
    version = PromptVersion.objects.get(number=2)
    sent = client.post(
        begun_at,
        {"version": version.pk, "deployment": "smollm2-local", "budget": "0.01", "seed": "0"},
    )
    run = EvaluationRun.objects.get()
    assert sent.headers["location"] == f"{base}runs/{run.pk}/"
    assert "every 2s" in client.get(sent.headers["location"]).content.decode()
    stepped(run)
    assert "every 2s" not in client.get(sent.headers["location"]).content.decode()
    assert "Letters" in client.get("/prompts/licence-reader/").content.decode()


def test_the_api_writes_runs_and_reads(here: World, model: Provider, engineer: User) -> None:
    client = signed_in(engineer)
    base = "/api/v1/prompts/licence-reader/evaluation-suites/"

    def post(address: str, **body: Any) -> Any:
        return client.post(address, body, content_type="application/json")

    suite = post(base, name="By API").json()["id"]
    written = post(
        f"{base}{suite}/cases/",
        name="MIT",
        tags=["golden"],
        variables={"licence_text": "MIT License"},
        expectations=[{"scorer": "json_fields", "expected": '{"spdx": "MIT"}'}],
    )
    assert written.status_code == 201 and "MIT License" not in written.content.decode()
    made = post(f"{base}{suite}/runs/", version=2, deployment="smollm2-local", budget="0.01")
    assert made.status_code == 201
    stepped(EvaluationRun.objects.get())
    shown = client.get(made.headers["location"]).json()
    assert (shown["state"], shown["cases"]["passed"]) == ("finished", 1)
    (result,) = client.get(f"{made.headers['location']}results/").json()["results"]
    assert result["scores"] == [
        {"scorer": "json_fields", "version": 1, "passed": True, "detail": ""}
    ]
    assert post(f"{made.headers['location']}cancel/").status_code == 409
    case_id = written.json()["id"]
    assert post(f"{base}{suite}/cases/{case_id}/retire/").status_code == 200
    assert client.get(f"{base}{suite}/cases/").json()["results"] == []
