"""The exact cache: off unless a release allows it; a hit is governed like any answer, and is free."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import ApiKey
from governance.kernel.authority import Actor
from governance.kernel.terms import RiskTier, Sensitivity
from governance.policy.rules import obligations
from governance.registry.models import UseCase
from prompts.catalogue.content import problems_by_field
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.parameters import SETTABLE, as_sent
from prompts.catalogue.sql import WRITABLE_AGAIN
from prompts.gateway import caching, pipeline
from prompts.gateway.cache_models import CachedAnswer
from prompts.gateway.context import GovernedRequest
from prompts.gateway.reply import GovernedReply
from prompts.gateway.shapes import governing_headers
from prompts.releases.models import Release
from telemetry.chargeback.models import Budget
from telemetry.chargeback.verification import verify
from telemetry.ledger.erasing import request_erasure, run_step
from telemetry.ledger.legal_holds import place_hold
from telemetry.ledger.models import Call, LedgerEntry, Payload
from tests.factories.organisation import GOOD, Provider, World, provider, world

pytestmark = pytest.mark.django_db


def let_cache(seconds: int | None) -> None:
    """As if the version had been released with that parameter."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(WRITABLE_AGAIN)
    parameters = {} if seconds is None else {"cache_seconds": seconds}
    PromptVersion.objects.update(parameters=parameters)


@pytest.fixture
def here() -> World:
    made = world()
    ApiKey.objects.update(requests_per_minute=10_000)
    UseCase.objects.filter(pk=made.use_case.pk).update(oversight="none", tier="minimal")
    made.use_case.refresh_from_db()
    return made


@pytest.fixture
def cached(here: World) -> World:
    let_cache(600)
    return here


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def call(here: World, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {
        "model": "licence-review",
        "presented_key": here.key,
        "variables": {"licence_text": "MIT License"},
        "sensitivity": "internal",
    }
    return pipeline.run(GovernedRequest(**(facts | more)))


def hits(*replies: GovernedReply) -> list[bool]:
    return [bool(one.call and one.call.is_cached) for one in replies]


def test_it_is_off_unless_the_release_allows_it(here: World, model: Provider) -> None:
    assert hits(call(here), call(here)) == [False, False]
    assert len(model.asked) == 2 and not CachedAnswer.objects.exists()


def test_a_hit_costs_nothing_and_says_so(cached: World, model: Provider) -> None:
    first, second = call(cached), call(cached)
    assert hits(first, second) == [False, True]
    assert first.answer == second.answer == GOOD
    assert len(model.asked) == 1
    assert second.call is not None and second.call.cost == Decimal(0)
    assert not LedgerEntry.objects.filter(call=second.call).exists()
    assert governing_headers(second)["x-call-cache"] == "hit"
    assert "x-call-cache" not in governing_headers(first)
    assert not Budget.objects.exclude(reserved=0).exists()
    assert verify() == []
    # The answer of the second call is its own: kept with it, and destroyed with it.
    assert Payload.objects.get(pk=second.call.pk).open("response") == GOOD
    assert first.call is not None and second.call.response_hash == first.call.response_hash


def test_no_statement_more_where_it_is_off_and_one_select_where_it_is_on(
    here: World, model: Provider
) -> None:
    call(here)

    def counted() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as found:
            call(here, variables={"licence_text": f"Licence {timezone.now().timestamp()}"})
        return [one["sql"] for one in found if "gateway_cachedanswer" in one["sql"]]

    assert counted() == []
    let_cache(600)
    call(here)
    statements = counted()
    assert [one.split()[0] for one in statements] == ["SELECT", "INSERT"]


@pytest.mark.parametrize(
    "other",
    [
        {"variables": {"licence_text": "GPL"}},
        {"parameters": {"max_tokens": 7}},
    ],
)
def test_another_request_is_no_hit(cached: World, model: Provider, other: dict[str, Any]) -> None:
    assert hits(call(cached), call(cached, **other)) == [False, False]


def test_the_key_is_made_after_redaction(cached: World, model: Provider) -> None:
    """Two people with the same question: their addresses never reach the key or the answer."""
    one = call(cached, variables={"licence_text": "MIT. Mail: jane@example.com"})
    two = call(cached, variables={"licence_text": "MIT. Mail: john@example.com"})
    assert hits(one, two) == [False, True]


def test_regulated_content_is_never_cached(cached: World, model: Provider) -> None:
    replies = call(cached, sensitivity="regulated"), call(cached, sensitivity="regulated")
    assert hits(*replies) == [False, False] and not CachedAnswer.objects.exists()
    assert all(obligations(Sensitivity.REGULATED, one).cache_seconds == 0 for one in RiskTier)


def test_it_ends_in_time(cached: World, model: Provider) -> None:
    call(cached)
    CachedAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert hits(call(cached)) == [False]
    assert caching.forget_expired(timezone.now(), 10) == 1
    assert CachedAnswer.objects.count() == 1


def test_a_hit_that_would_be_held_is_held(cached: World, model: Provider) -> None:
    call(cached)
    UseCase.objects.filter(pk=cached.use_case.pk).update(oversight="all")
    second = call(cached)
    assert (second.state, second.answer) == ("held", None)
    assert hits(second) == [True] and len(model.asked) == 1


def test_a_hit_still_passes_the_output_screen(cached: World, model: Provider) -> None:
    first = call(cached)
    kept = CachedAnswer.objects.get()
    text = json.dumps({"spdx": "MIT", "copyleft": False, "obligations": ["sk-" + "a1B2" * 12]})
    kept.text_sealed = caching.encrypt(text, context=caching._bound_to(kept))
    kept.save()
    second = call(cached)
    assert hits(first, second) == [False, True]
    assert second.state == "blocked" and second.answer is None


def test_a_killed_release_and_a_suspended_use_case_answer_nothing(
    cached: World, model: Provider
) -> None:
    call(cached)
    Release.objects.update(ended_at=timezone.now(), end_reason="Rolled back.")
    ended = call(cached)
    assert ended.refusal is not None and ended.refusal.code == "no_approved_release"
    Release.objects.update(ended_at=None, end_reason="")
    UseCase.objects.filter(pk=cached.use_case.pk).update(
        suspended_at=timezone.now(), suspension_reason="Look first."
    )
    stopped = call(cached)
    assert stopped.refusal is not None and stopped.refusal.code == "use_case_suspended"


def test_a_stream_gets_it_at_once(cached: World, model: Provider) -> None:
    call(cached, sensitivity="")
    body = {
        "model": "licence-review",
        "messages": [],
        "variables": {"licence_text": "MIT License"},
        "stream": True,
    }
    reply: Any = Client().post(
        "/v1/chat/completions",
        json.dumps(body),
        content_type="application/json",
        headers={"authorization": f"Bearer {cached.key}"},
    )
    sent = b"".join(reply.streaming_content).decode()
    assert reply.headers["x-call-cache"] == "hit"
    assert (
        json.loads(sent.split("\n\n")[0].removeprefix("data: "))["choices"][0]["delta"]["content"]
        == GOOD
    )
    assert len(model.asked) == 1


def test_an_idempotency_key_keeps_its_own_meaning(cached: World, model: Provider) -> None:
    first = call(cached, idempotency_key="a", body_hash="x")
    again = call(cached, idempotency_key="a", body_hash="x")
    other = call(cached, idempotency_key="b", body_hash="x")
    assert first.call is not None and again.call is not None and other.call is not None
    assert first.call.pk == again.call.pk != other.call.pk
    assert hits(first, again, other) == [False, False, True]


def test_it_follows_retention_legal_hold_and_erasure(cached: World, model: Provider) -> None:
    first = call(cached, end_user="ada")
    second = call(cached, end_user="bob")
    assert first.call is not None and second.call is not None
    compliance, now = cached.people.actor("compliance"), timezone.now()
    kept = CachedAnswer.objects.get()
    assert kept.expires_at <= Payload.objects.get(pk=first.call.pk).keep_until
    place_hold(actor=compliance, name="Case", reason="r", call=second.call, now=now)
    erasure = request_erasure(actor=compliance, end_user="ada", reason="r", now=timezone.now())
    while run_step(erasure_id=erasure.pk, now=timezone.now()):
        pass
    erasure.refresh_from_db()
    assert erasure.erased["Answers in the cache"] == 1
    assert hits(call(cached)) == [False]
    place_hold(actor=compliance, name="All", reason="r", team=cached.use_case.team, now=now)
    assert caching.forget_expired(now + timedelta(days=9), 10) == 0


def test_the_parameter_is_governed_content_and_nobody_elses() -> None:
    assert "cache_seconds" not in SETTABLE
    assert as_sent({"cache_seconds": 60, "temperature": "0.2"}) == {"temperature": 0.2}
    facts: dict[str, Any] = {
        "messages": [{"role": "user", "content": "x"}],
        "variables": {},
        "output_contract": {},
    }
    assert problems_by_field(**facts, parameters={"cache_seconds": "0"})
    assert not problems_by_field(**facts, parameters={"cache_seconds": "60"})
    assert not Call.objects.exists() and Actor.system("x").kind == "system"
