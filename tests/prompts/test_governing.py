"""What governs a call is remembered only while nothing of it changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import ApiKey
from governance.model_cards.models import Deployment, ModelCard, Price
from governance.registry.models import UseCase
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.governing import forget_changes, generation, governing
from prompts.gateway.models import GoverningChange
from prompts.releases.models import Release
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


def code(here: World) -> str:
    request = GovernedRequest("licence-review", here.key, variables={"licence_text": "MIT License"})
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
def test_a_change_reaches_the_next_call_whoever_made_it(
    here: World, model: Provider, rows: Any, change: dict[str, Any], refusal: str
) -> None:
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
    assert len(statements) == 3
