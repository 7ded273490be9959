"""The health of deployments on pages and over the API; circuits and limits by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import ApiKey, User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed
from governance.model_cards.models import Deployment
from prompts.gateway.circuits import move_by_hand
from prompts.gateway.health import health_of
from prompts.gateway.limits import set_use_case_limits
from prompts.gateway.models import (
    AttemptEnd,
    Bucket,
    Circuit,
    CircuitMove,
    Flight,
    GoverningChange,
    UseCaseLimit,
)
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case
from tests.factories.registry import queries
from tests.factories.reviews import signed_in
from tests.governance.access.test_keys import make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def local() -> Deployment:
    return make_deployment()


@pytest.fixture
def engineer() -> User:
    return make_person("ml_engineer", make_team())


@pytest.fixture
def hers(engineer: User) -> Client:
    return signed_in(engineer)


def happen(deployment: Deployment, *ends: tuple[str, int]) -> None:
    for failure, took in ends:
        AttemptEnd.objects.create(
            deployment=deployment, at=timezone.now(), failure=failure, took_ms=took
        )


def test_health_counts_the_last_hour_and_what_is_left(local: Deployment) -> None:
    local.requests_per_minute, local.tokens_per_minute = 60, 1000
    now = timezone.now()
    happen(local, ("", 100), ("", 200), ("", 300), ("timeout", 900), ("timeout", 900))
    AttemptEnd.objects.create(
        deployment=local, at=now - timedelta(hours=2), failure="garbled", took_ms=1
    )
    Flight.objects.create(call_id=uuid4(), deployment=local, until=now + timedelta(minutes=1))
    Flight.objects.create(call_id=uuid4(), deployment=local, until=now - timedelta(minutes=1))
    Bucket.objects.create(
        subject="deployment", subject_id=local.pk, requests_left=0, refilled_at=now
    )
    (found,) = health_of([local], now + timedelta(seconds=30))
    assert (found.answers, found.p50_ms, found.p95_ms, found.failed) == (3, 200, 290, 2)
    assert [(one.failure, one.count) for one in found.failures] == [("timeout", 2)]
    assert found.in_flight == 1
    assert found.requests is not None and found.requests.used == 30
    assert found.tokens is not None and found.tokens.used == 0
    assert found.state == "closed"


def test_the_list_needs_as_many_queries_for_three_as_for_one(
    local: Deployment, hers: Client
) -> None:
    happen(local, ("", 5), ("garbled", 5))
    one = queries(lambda: hers.get("/models/health/"))
    over_api = queries(lambda: hers.get("/api/v1/deployment-health/"))
    for _ in range(2):
        happen(make_deployment(), ("", 5), ("timeout", 5))
    assert queries(lambda: hers.get("/models/health/")) == one
    assert queries(lambda: hers.get("/api/v1/deployment-health/")) == over_api
    listed = hers.get("/api/v1/deployment-health/").json()["results"]
    assert [row["answers"] for row in listed] == [1, 1, 1]


def test_an_empty_list_says_so(hers: Client) -> None:
    assert "No deployment yet" in hers.get("/models/health/").content.decode()


def test_a_circuit_is_held_open_and_closed_by_hand_with_a_reason(
    local: Deployment, hers: Client, engineer: User
) -> None:
    page = f"/models/deployments/{local.slug}/health/"
    url = f"/models/deployments/{local.slug}/circuit/"
    assert "It has never opened" in hers.get(page).content.decode()
    assert hers.get(f"/models/deployments/{local.slug}/").content.decode().count(page) == 1
    silent = hers.post(url, {"action": "hold_open", "reason": " "})
    assert silent.status_code == 422 and "say why" in silent.content.decode()
    assert hers.post(url, {"action": "hold_open", "reason": "It lies."}).status_code == 302
    assert Circuit.objects.get().state == "held_open"
    body = hers.get(page).content.decode()
    assert "It lies." in body and str(engineer) in body
    late = hers.post(url, {"action": "hold_open", "reason": "Again."})
    assert late.status_code == 409 and "Again." in late.content.decode()
    answer = hers.post(
        f"/api/v1/deployments/{local.slug}/circuit/",
        {"action": "close", "reason": "Mended."},
        content_type="application/json",
    )
    assert (answer.status_code, answer.json()["circuit"]) == (200, "closed")
    assert [one["action"] for one in answer.json()["moves"]] == ["close", "hold_open"]
    written = AuditEvent.objects.filter(action__startswith="circuit.").order_by("pk")
    assert [(one.action, one.reason) for one in written] == [
        ("circuit.hold_open", "It lies."),
        ("circuit.close", "Mended."),
    ]


def test_who_may_not_move_a_circuit_moves_none(local: Deployment) -> None:
    finance = make_person("finance")
    with pytest.raises(NotAllowed):
        move_by_hand(
            actor=Actor.person(finance),
            deployment=local,
            action="hold_open",
            reason="x",
            now=timezone.now(),
        )
    page = signed_in(finance).get(f"/models/deployments/{local.slug}/health/")
    assert page.status_code == 200 and "Keep calls away" not in page.content.decode()
    assert not CircuitMove.objects.exists()


def test_a_use_cases_limits_are_its_owners_and_reach_every_process() -> None:
    team = make_team()
    use_case, owner = make_use_case(team), make_person("owner", team)
    client, url = signed_in(owner), f"/use-cases/{use_case.slug}/limits/"
    changes = GoverningChange.objects.count()
    wrong = client.post(url, {"requests_per_minute": "many", "tokens_per_minute": "77"})
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.content.decode() and 'value="77"' in wrong.content.decode()
    right = client.post(url, {"requests_per_minute": "5", "tokens_per_minute": ""})
    assert right.status_code == 302
    assert GoverningChange.objects.count() > changes
    limits = UseCaseLimit.objects.get()
    assert (limits.requests_per_minute, limits.tokens_per_minute) == (5, None)
    event = AuditEvent.objects.get(action="use_case.limits_changed")
    assert event.after == {"requests_per_minute": 5, "tokens_per_minute": None}
    api = f"/api/v1/use-cases/{use_case.slug}/limits/"
    sent = {"requests_per_minute": None, "tokens_per_minute": 9}
    assert client.put(api, sent, content_type="application/json").json() == sent
    assert client.get(api).json() == sent
    with pytest.raises(NotAllowed):
        set_use_case_limits(
            actor=Actor.person(make_person("ml_engineer", team)),
            use_case=use_case,
            requests_per_minute=None,
            tokens_per_minute=None,
            now=timezone.now(),
        )


@pytest.fixture
def key_and_client() -> tuple[ApiKey, Client]:
    team = make_team()
    owner = make_person("owner", team)
    key, _ = make_key(team, owner)
    return key, signed_in(owner)


def test_a_keys_limits_are_changed_with_a_line_in_the_log(
    key_and_client: tuple[ApiKey, Client],
) -> None:
    key, client = key_and_client
    changes = GoverningChange.objects.count()
    typed = {"requests_per_minute": "90", "tokens_per_minute": "5000"}
    assert client.post(f"/keys/{key.pk}/limits/", typed).status_code == 302
    key.refresh_from_db()
    assert (key.requests_per_minute, key.tokens_per_minute) == (90, 5000)
    assert GoverningChange.objects.count() > changes
    event = AuditEvent.objects.get(action="api_key.limited")
    assert event.before == {"requests_per_minute": 60, "tokens_per_minute": None}
    answer = client.put(
        f"/api/v1/keys/{key.pk}/limits/",
        {"requests_per_minute": 10},
        content_type="application/json",
    )
    assert (answer.json()["requests_per_minute"], answer.json()["tokens_per_minute"]) == (10, None)


@pytest.mark.parametrize(
    "typed", [{"requests_per_minute": "0"}, {"requests_per_minute": "5", "tokens_per_minute": "0"}]
)
def test_a_limit_that_does_not_fit_is_kept_on_the_page(
    key_and_client: tuple[ApiKey, Client], typed: dict[str, Any]
) -> None:
    key, client = key_and_client
    page = client.post(f"/keys/{key.pk}/limits/", typed)
    assert page.status_code == 422 and 'value="0"' in page.content.decode()
    assert ApiKey.objects.get().requests_per_minute == 60
