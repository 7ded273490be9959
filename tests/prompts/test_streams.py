"""Answers as server-sent events: live where nothing may keep them back, else at once at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from governance.model_cards.models import Price
from governance.registry.models import UseCase
from prompts.catalogue.models import PromptVersion
from prompts.catalogue.sql import WRITABLE_AGAIN
from prompts.gateway import streaming
from prompts.gateway.context import GovernedRequest
from telemetry.chargeback.models import Budget
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.organisation import GOOD, Provider, Streamed, World, provider, world

pytestmark = pytest.mark.django_db
LONG = "The licence asks for its notice to be kept in every copy of the software. " * 3


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


def streamed(here: World, **more: Any) -> Any:
    body = {
        "model": "licence-review",
        "messages": [],
        "variables": {"licence_text": "MIT License"},
        "stream": True,
    }
    return Client().post(
        "/v1/chat/completions",
        json.dumps(body | more),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )


def events(response: Any) -> list[Any]:
    assert response["content-type"] == "text/event-stream"
    lines = b"".join(response.streaming_content).decode().split("\n\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    return [json.loads(one) for one in data]


def text_of(found: list[Any]) -> str:
    choices = [choice for one in found for choice in one.get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def test_pieces_are_passed_on_and_booked_from_the_providers_count(
    free: World, model: Provider
) -> None:
    model.answers = [Streamed([LONG[:90], LONG[90:180], LONG[180:]])]
    response = streamed(free, stream_options={"include_usage": True})
    found = events(response)
    assert text_of(found) == LONG
    assert len(found) > 4
    assert found[-1] == found[-1] | {
        "choices": [],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    call = Call.objects.get()
    assert (call.state, call.tokens_output) == ("delivered", 20)
    assert response["x-call-id"] == str(call.pk)
    assert LedgerEntry.objects.get().amount == call.cost == Decimal("0.000032")


def test_a_held_answer_is_never_in_its_stream(here: World, model: Provider) -> None:
    found = events(streamed(here))
    assert text_of(found) == ""
    assert GOOD not in json.dumps(found)
    assert found[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert found[-1]["review"]["id"]
    assert "stream" not in model.asked[0]


def test_a_credential_is_seen_before_its_first_character_leaves(
    free: World, model: Provider
) -> None:
    secret = "AKIA" + "A1B2C3D4E5F6G7H8"
    model.answers = [Streamed([LONG, "Use ", secret[:7], secret[7:], " now.", LONG])]
    found = events(streamed(free))
    assert "AKIA" not in json.dumps(found)
    assert found[-1]["error"]["code"] == "content_blocked"
    call = Call.objects.get()
    assert (call.state, call.refusal_code) == ("blocked", "content_blocked")
    assert LedgerEntry.objects.get().tokens_output > 0


def test_a_provider_that_breaks_off_is_booked_and_said(free: World, model: Provider) -> None:
    model.answers = [Streamed([LONG, LONG], breaks_off=True)]
    found = events(streamed(free))
    assert text_of(found).startswith(LONG[:50])
    assert found[-1]["error"]["code"] == "provider_error"
    call = Call.objects.get()
    assert call.state == "failed"
    assert LedgerEntry.objects.get().amount > 0
    assert not Budget.objects.exclude(reserved=0).exists()


def test_what_fails_before_the_first_piece_is_a_real_status(free: World, model: Provider) -> None:
    Price.objects.filter(kind="input").update(amount=Decimal(900_000))
    response = streamed(free)
    assert (response.status_code, response.json()["error"]["code"]) == (402, "budget_exceeded")
    response = streamed(free, model="unknown")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


def test_an_answer_with_a_contract_is_screened_before_it_is_streamed(
    here: World, model: Provider
) -> None:
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="none", tier="minimal")
    model.answers = ["no JSON at all", GOOD]
    assert text_of(events(streamed(here))) == GOOD


def test_a_client_that_leaves_does_not_stop_the_booking(free: World, model: Provider) -> None:
    model.answers = [Streamed([LONG, LONG])]
    request = GovernedRequest("licence-review", free.key, variables={"licence_text": "MIT License"})
    taken: list[streaming.Event] = []
    streaming.stream(request, taken.append)
    assert isinstance(taken[0], streaming.Begun)
    assert Call.objects.get().tokens_output == 20


def test_stream_options_come_with_a_stream(here: World, model: Provider) -> None:
    response = streamed(here, stream=False, stream_options={"include_usage": True})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "stream_options")
