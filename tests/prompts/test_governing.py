"""What governs a call is remembered only while nothing of it changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import ApiKey
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment, ModelCard, Price
from governance.policy.models import RuleSetVersion
from governance.policy.rule_sets import install_starting_rule_sets
from governance.registry.models import UseCase
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.governing import Memory, forget_changes, generation, governing, screening
from prompts.gateway.models import GoverningChange
from prompts.releases.models import Release
from telemetry.ledger.models import Call
from tests.factories.organisation import Provider, World, provider, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def code(here: World, **more: Any) -> str:
    variables = {"licence_text": "MIT License"}
    request = GovernedRequest("licence-review", here.key, variables=variables, **more)
    reply = pipeline.run(request)
    return reply.refusal.code if reply.refusal else reply.state


@pytest.mark.parametrize(
    ("rows", "change", "refusal"),
    [
        (ApiKey, {"revoked_at": timezone.now()}, "invalid_api_key"),
        (UseCase, {"suspended_at": timezone.now()}, "use_case_suspended"),
        (Release, {"ended_at": timezone.now()}, "no_approved_release"),
        (Deployment, {"state": "suspended"}, "no_deployment_available"),
        (ModelCard, {"state": "superseded"}, "no_deployment_available"),
        (Price, {"ends_on": timezone.now().date() - timedelta(days=1)}, "price_unknown"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_change_reaches_the_next_call_whoever_made_it(
    here: World,
    model: Provider,
    rows: Any,
    change: dict[str, Any],
    refusal: str,
    together: bool,
    settings: Any,
) -> None:
    settings.PLACET_TOGETHER = together
    assert code(here) == "held"
    if rows is Price:
        Price.objects.update(starts_on=timezone.now().date() - timedelta(days=9))
    rows.objects.update(**change)
    assert code(here) == refusal


def test_nothing_is_read_again_while_nothing_changes(here: World, model: Provider) -> None:
    seen = generation()
    first = governing("licence-review", seen)
    with CaptureQueriesContext(connection) as queries:
        assert governing("licence-review", seen) is first
    assert not queries.captured_queries
    assert governing("nothing", seen) is None


def test_what_many_calls_ask_for_at_once_is_read_once() -> None:
    memory, go, reads = Memory(), threading.Event(), []

    def read() -> object:
        reads.append(1)
        go.wait(30)
        return object()

    def recalled() -> Any:
        return memory.recall("use case", "one", (1, 1, 1), read)

    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(recalled)
        while not reads:
            pass
        rest = [threads.submit(recalled) for _ in range(5)]
        while len(memory._readings._queues[("use case", "one", (1, 1, 1))]) < len(rest):
            pass
        go.set()
        assert {one.result(30) for one in rest} == {first.result(30)}
    assert len(reads) == 1


def test_the_rules_of_the_screens_are_made_ready_once_whatever_else_changes(here: World) -> None:
    install_starting_rule_sets(actor=Actor.system("tests"), now=timezone.now())
    before, ready = generation(), screening(generation())
    Deployment.objects.update(state="suspended")
    assert generation() != before
    assert screening(generation()) is ready
    RuleSetVersion.objects.filter(rule_set__slug="leakage").update(active=False)
    assert "leakage" not in {one.slug for one in screening(generation()).sets}


def test_a_call_writes_nothing_that_governs(here: World, model: Provider) -> None:
    code(here)
    before = generation()
    code(here)
    assert generation() == before


def test_old_changes_are_forgotten_and_that_is_a_change(here: World) -> None:
    GoverningChange.objects.update(at=timezone.now() - timedelta(hours=1))
    before = generation()
    forget_changes(timezone.now())
    assert generation() != before
    assert not GoverningChange.objects.exists()


def test_a_call_asks_the_database_this_often(here: World, model: Provider, settings: Any) -> None:
    """Each statement more is paid by every call: look twice before raising the figure."""
    settings.PLACET_TOGETHER = True
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="none", tier="minimal")
    assert code(here) == "delivered"
    with CaptureQueriesContext(connection) as queries:
        assert code(here) == "delivered"
    statements = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(statements) == 2


def test_what_it_was_refused_for_is_looked_at_again_before(
    here: World, model: Provider, settings: Any
) -> None:
    settings.PLACET_TOGETHER = True
    UseCase.objects.filter(pk=here.use_case.pk).update(suspended_at=timezone.now())
    assert code(here) == "use_case_suspended"
    UseCase.objects.filter(pk=here.use_case.pk).update(suspended_at=None)
    assert code(here) == "held"


def test_a_key_that_was_just_revoked_gets_nothing_again(
    here: World, model: Provider, settings: Any
) -> None:
    settings.PLACET_TOGETHER = True
    once = {"idempotency_key": "once", "body_hash": "a" * 64}
    assert code(here, **once) == "held" == code(here, **once)
    ApiKey.objects.update(revoked_at=timezone.now())
    assert code(here, **once) == "invalid_api_key"


def test_a_call_that_begins_anew_is_let_in_once_and_at_what_holds_now(
    here: World, model: Provider, settings: Any
) -> None:
    settings.PLACET_TOGETHER = True
    assert code(here) == "held"
    Price.objects.filter(kind="output").update(amount=Decimal("7"))
    with CaptureQueriesContext(connection) as queries:
        assert code(here) == "held"
    asked = [one["sql"] for one in queries if "gateway_admit" in one["sql"]]
    assert len(asked) == 2
    first, second = Call.objects.order_by("admitted_at")
    assert second.price_snapshot["output"] == "7.000000000"
    trails = [[stage["stage"] for stage in one.stage_trail] for one in (first, second)]
    assert trails[0] == trails[1]
