"""Calls over their limits, providers that fail in every way, and the text for when none answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access.models import ApiKey
from governance.approvals.models import Approval, ChangeRequest
from governance.model_cards.models import Deployment, Price
from governance.registry.models import UseCase
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.sql import WRITABLE_AGAIN
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.models import AttemptEnd, Bucket, Circuit, Flight
from prompts.gateway.reply import GovernedReply
from prompts.gateway.tasks import sweep
from prompts.releases.models import Release
from telemetry.chargeback.models import Budget, Hold
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.chargeback import limit_to
from tests.factories.organisation import GOOD, Provider, Raw, Streamed, World, provider, world

pytestmark = pytest.mark.django_db
FALLBACK = "The legal team reads the licence by hand within two working days."


@pytest.fixture
def here() -> World:
    return world()


@pytest.fixture
def free(here: World) -> World:
    """Nobody looks at its answers, and they may be any text."""
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="none", tier="minimal")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(WRITABLE_AGAIN)
    PromptVersion.objects.update(output_contract={"type": "text"})
    return here


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited for, without waiting for it."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def call(here: World, **more: Any) -> GovernedReply:
    facts: dict[str, Any] = {
        "model": "licence-review",
        "presented_key": here.key,
        "variables": {"licence_text": "MIT License"},
    }
    return pipeline.run(GovernedRequest(**(facts | more)))


def post(here: World, **more: Any) -> Any:
    body = {"model": "licence-review", "messages": [], "variables": {"licence_text": "MIT"}}
    return Client().post(
        "/v1/chat/completions",
        json.dumps(body | more),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )


def code_of(reply: GovernedReply) -> str:
    return reply.refusal.code if reply.refusal else ""


def second(here: World, url: str) -> Deployment:
    """Another deployment, at an address of its own, behind the first in every release."""
    first = Deployment.objects.get(slug="smollm2-local")
    prices = list(first.prices.all())
    other = Deployment.objects.get(pk=first.pk)
    other.pk, other.slug, other.name, other.endpoint = None, "second", "Second", url
    other.save(force_insert=True)
    for one in prices:
        one.pk, one.deployment = None, other
        Price.objects.bulk_create([one])
    Release.objects.update(deployment_ids=[first.pk, other.pk])
    return other


def test_a_limit_refuses_with_when_to_come_again_and_every_reply_says_what_is_left(
    here: World, model: Provider
) -> None:
    ApiKey.objects.update(requests_per_minute=2)
    first, again, refused = post(here), post(here), post(here)
    assert [one.status_code for one in (first, again, refused)] == [200, 200, 429]
    assert first["x-ratelimit-limit-requests"] == "2"
    assert [first["x-ratelimit-remaining-requests"], again["x-ratelimit-remaining-requests"]] == [
        "1",
        "0",
    ]
    assert first["x-ratelimit-reset-requests"].endswith("s")
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused["retry-after"]) <= 120
    assert refused["x-ratelimit-remaining-requests"] == "0"
    assert len(model.asked) == 2
    assert Hold.objects.filter(state="held").count() == 0


def test_tokens_are_taken_by_estimate_and_settled_by_use(here: World, model: Provider) -> None:
    ApiKey.objects.update(tokens_per_minute=5_000)
    reply = post(here)
    assert int(reply["x-ratelimit-remaining-tokens"]) < 4_880
    bucket = Bucket.objects.get(subject="key")
    # The scripted provider says 100 in, 20 out; what time refills only makes it more.
    assert bucket.tokens_left is not None and bucket.tokens_left == pytest.approx(4_880, abs=1)


def test_a_call_larger_than_the_limit_is_told_so_at_once(here: World, model: Provider) -> None:
    ApiKey.objects.update(tokens_per_minute=10)
    reply = call(here)
    assert code_of(reply) == "request_too_large"
    assert not reply.refusal or not reply.refusal.retry_helps
    assert model.asked == []


def test_a_call_that_its_budget_refuses_gives_its_tokens_and_place_back(
    here: World, model: Provider
) -> None:
    ApiKey.objects.update(tokens_per_minute=5_000)
    for budget in Budget.objects.filter(hard=True):
        limit_to(budget, "0.00")
    assert code_of(call(here)) == "budget_exceeded"
    assert Bucket.objects.get(subject="key").tokens_left == pytest.approx(5_000, abs=1)
    assert not Flight.objects.exists()


def test_a_busy_deployment_is_passed_over_and_alone_refuses(
    here: World, model: Provider, settings: Any
) -> None:
    Deployment.objects.update(concurrency_limit=1)
    local = Deployment.objects.get(slug="smollm2-local")
    later = timezone.now() + timedelta(minutes=5)
    Flight.objects.create(call_id=uuid4(), deployment=local, until=later)
    reply = call(here)
    assert code_of(reply) == "no_deployment_available"
    assert reply.refusal is not None and reply.refusal.retry_after_seconds == 1
    with provider() as other:
        second(here, other.url)
        reply = call(here)
        assert reply.state == "held" and len(other.asked) == 1
    assert model.asked == []


def garbled_with_usage() -> Raw:
    body = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    return Raw(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("answer", "failure", "times", "is_billed"),
    [
        (500, "unavailable", 2, False),
        (429, "rate_limited", 2, False),
        (404, "rejected", 1, False),
        (Raw(b"<html>"), "garbled", 1, True),
        (garbled_with_usage(), "garbled", 1, True),
        (Raw(b'{"error": {"message": "busy"}}'), "unavailable", 2, False),
        (Raw(b'{"choices": [', announced=500), "broken_off", 1, True),
        (Raw(b" " * 10_000_000), "too_large", 1, True),
    ],
)
def test_a_failure_is_classed_asked_again_only_where_safe_booked_and_fallen_back_from(
    here: World, settings: Any, answer: Any, failure: str, times: int, is_billed: bool
) -> None:
    with provider(answer) as bad, provider(GOOD) as good:
        settings.PLACET_MODEL_URL = bad.url
        second(here, good.url)
        reply = call(here)
        assert (len(bad.asked), len(good.asked)) == (times, 1)
    assert reply.state == "held" and reply.call is not None
    assert reply.call.deployment is not None and reply.call.deployment.slug == "second"
    ends = list(AttemptEnd.objects.order_by("pk").values_list("failure", flat=True))
    assert ends == [failure] * times + [""]
    billed = LedgerEntry.objects.filter(call=reply.call)
    assert billed.count() == 1 + is_billed
    assert sum(one.amount for one in billed) == reply.call.cost
    assert not Budget.objects.exclude(reserved=0).exists()
    assert not Flight.objects.exists()


def test_what_a_useless_answer_used_is_booked_as_its_provider_says(
    here: World, settings: Any
) -> None:
    with provider(garbled_with_usage()) as bad:
        settings.PLACET_MODEL_URL = bad.url
        assert code_of(call(here)) == "provider_error"
    entry = LedgerEntry.objects.get()
    assert (entry.tokens_input, entry.tokens_output) == (7, 3)


def test_a_time_out_is_not_asked_again_and_no_attempt_gets_more_than_is_left(
    here: World, settings: Any
) -> None:
    ends = threading.Event()
    Deployment.objects.update(timeout_seconds=60, total_seconds=1)
    with provider(lambda: (ends.wait(10), GOOD)[1]) as slow:
        settings.PLACET_MODEL_URL = slow.url
        assert code_of(call(here)) == "provider_timeout"
        assert len(slow.asked) == 1
        ends.set()
    assert AttemptEnd.objects.get().failure == "timeout"


@pytest.mark.parametrize(("told", "asked"), [("3", 2), ("100000", 1)])
def test_a_providers_retry_after_is_kept_within_the_calls_time(
    here: World, settings: Any, short_pauses: list[float], told: str, asked: int
) -> None:
    limited = Raw(b"{}", 429, {"retry-after": told})
    with provider(limited, GOOD) as model:
        settings.PLACET_MODEL_URL = model.url
        reply = call(here)
        assert len(model.asked) == asked
    assert reply.state == ("held" if asked == 2 else "failed")
    assert [one >= 3 for one in short_pauses] == [True] * (asked - 1)


def test_a_wait_longer_than_short_goes_to_the_next_deployment_instead(
    here: World, settings: Any, short_pauses: list[float]
) -> None:
    with provider(Raw(b"{}", 429, {"retry-after": "20"})) as limited, provider() as good:
        settings.PLACET_MODEL_URL = limited.url
        second(here, good.url)
        assert call(here).state == "held"
    assert (len(limited.asked), len(good.asked), short_pauses) == (1, 1, [])


def test_half_a_stream_that_nobody_heard_falls_back_and_half_a_heard_one_is_booked(
    free: World, settings: Any
) -> None:
    half = Streamed(["The licence asks for its notice to be kept. " * 4], breaks_off=True)
    with provider(Streamed([], breaks_off=True)) as silent, provider(half) as broken:
        settings.PLACET_MODEL_URL = silent.url
        second(free, broken.url)
        reply = post(free, stream=True)
        content = b"".join(reply.streaming_content)
    assert b'"error"' in content and FALLBACK.encode() not in content
    ends = list(AttemptEnd.objects.order_by("pk").values_list("failure", flat=True))
    assert ends == ["broken_off", "broken_off"]
    assert LedgerEntry.objects.get().tokens_output > 0


def test_what_fails_is_left_alone_and_the_health_of_it_is_shared(
    here: World, settings: Any
) -> None:
    with provider(500) as bad, provider() as good:
        settings.PLACET_MODEL_URL = bad.url
        second(here, good.url)
        replies = [call(here) for _ in range(4)]
        asked = len(bad.asked)
    assert {one.state for one in replies} == {"held"}
    assert Circuit.objects.get(deployment__slug="smollm2-local").state == "open"
    assert asked == 6  # twice for each of three calls; the fourth went past it
    last = replies[-1].call
    assert last is not None
    notes = {one["stage"]: one["note"] for one in last.stage_trail}
    assert "fails and is left alone" in notes["limits"]


def test_where_all_are_left_alone_it_is_refused_with_when_to_come_again(
    here: World, model: Provider
) -> None:
    local = Deployment.objects.get(slug="smollm2-local")
    Circuit.objects.create(deployment=local, state="held_open")
    reply = post(here)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "no_deployment_available")
    assert reply["retry-after"] == "60"
    assert model.asked == []


def test_the_approved_text_is_delivered_when_no_model_answers(free: World, settings: Any) -> None:
    with provider(500) as down:
        settings.PLACET_MODEL_URL = down.url
        reply = post(free)
    body = reply.json()
    assert (reply.status_code, reply["x-call-state"]) == (200, "degraded")
    assert body["choices"][0]["message"]["content"] == FALLBACK
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["degraded"] is True
    assert body["usage"]["total_tokens"] == 0
    call_row = Call.objects.get()
    assert (call_row.state, call_row.cost, call_row.refusal_code) == ("degraded", Decimal(0), "")
    assert not LedgerEntry.objects.exists()
    assert not Budget.objects.exclude(reserved=0).exists()
    assert call_row.stage_trail[-1]["note"].endswith("because: provider error")


def test_it_is_delivered_too_where_no_deployment_may_be_asked_and_as_a_stream(
    free: World, model: Provider
) -> None:
    local = Deployment.objects.get(slug="smollm2-local")
    Circuit.objects.create(deployment=local, state="held_open")
    reply = post(free, stream=True)
    content = b"".join(reply.streaming_content).decode()
    assert reply["x-call-state"] == "degraded"
    assert FALLBACK in content and '"degraded": true' in content
    assert Call.objects.get().state == "degraded"
    assert model.asked == []


def test_the_same_request_again_gets_the_same_text(free: World, settings: Any) -> None:
    with provider(500) as down:
        settings.PLACET_MODEL_URL = down.url
        first = call(free, idempotency_key="k", body_hash="a")
        again = call(free, idempotency_key="k", body_hash="a")
    assert first.answer == again.answer == FALLBACK
    assert first.call == again.call


def test_another_text_waits_for_its_approval(free: World, settings: Any) -> None:
    UseCase.objects.update(fallback_text="Anything.")
    with provider(500) as down:
        settings.PLACET_MODEL_URL = down.url
        assert call(free).answer == FALLBACK


def test_without_an_approved_text_or_inside_placet_it_is_refused(
    free: World, settings: Any
) -> None:
    with provider(500) as down:
        settings.PLACET_MODEL_URL = down.url
        inside = call(free, presented_key="", person=free.people.users["owner"], mode="internal")
        change = Approval.objects.filter(kind="use_case_stage", state="in_force").latest("pk")
        assert code_of(inside) == "provider_error"
        snapshot = change.change.snapshot | {"fallback_text": ""}
        ChangeRequest.objects.filter(pk=change.change_id).update(snapshot=snapshot)
        Approval.objects.filter(pk=change.pk).update(end_reason="")  # it is read anew
        assert code_of(call(free)) == "provider_error"


def test_a_worker_takes_its_place_when_it_runs(here: World, model: Provider) -> None:
    accepted = pipeline.accept(
        GovernedRequest(
            model="licence-review",
            presented_key=here.key,
            variables={"licence_text": "MIT"},
            mode="async",
        )
    )
    assert accepted.call is not None and not Flight.objects.exists()
    assert Bucket.objects.get(subject="key").requests_left == 599
    pipeline.carry_on(accepted.call.pk)
    assert Call.objects.get().state == "held" and not Flight.objects.exists()
    assert Bucket.objects.get(subject="key").requests_left == 599


def test_how_attempts_ended_is_forgotten_after_a_day(here: World, model: Provider) -> None:
    call(here)
    sweep()
    assert AttemptEnd.objects.count() == 1
    AttemptEnd.objects.update(at=AttemptEnd.objects.get().at - timedelta(days=2))
    sweep()
    assert not AttemptEnd.objects.exists()
