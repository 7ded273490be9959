"""An answer that the model could not finish is said to be one, and never read as a whole one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from prompts.gateway.providers import ProviderRequest, estimated_usage
from telemetry.chargeback.models import Hold
from telemetry.ledger.models import Call, LedgerEntry
from tests.factories.clients import TOOLS, with_clerk
from tests.factories.organisation import GOOD, Provider, Streamed, provider, world

pytestmark = pytest.mark.django_db
CUT = {"content": "The licence asks", "finish_reason": "length"}
# Cut where it happens to be whole JSON that keeps the contract.
CUT_WHOLE = {"content": GOOD, "finish_reason": "length"}


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def asked(key: str, model: str = "licence-review/clerk", **more: Any) -> Any:
    said = {"variables": {"licence_text": "MIT"}} if model == "licence-review" else {}
    body = {"model": model, "messages": []} | said | more
    headers = {"authorization": f"Bearer {key}"} | more.pop("headers", {})
    return Client().post(
        "/v1/chat/completions", json.dumps(body), content_type="application/json", headers=headers
    )


def test_a_text_is_delivered_as_cut_off(model: Provider) -> None:
    here = with_clerk({"type": "text"})
    model.answers[:] = [CUT]
    choice = asked(here.key).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", CUT["content"])
    assert [one["code"] for one in Call.objects.get().findings] == ["cut_off"]


def test_the_same_request_again_says_so_too(model: Provider) -> None:
    here = with_clerk({"type": "text"})
    model.answers[:] = [CUT]
    body = {"model": "licence-review/clerk", "messages": []}
    headers = {"authorization": f"Bearer {here.key}", "idempotency-key": "one"}
    reasons = [
        Client()
        .post("/v1/chat/completions", body, content_type="application/json", headers=headers)
        .json()["choices"][0]["finish_reason"]
        for _ in range(2)
    ]
    assert reasons == ["length", "length"] and len(model.asked) == 1


def test_a_stream_ends_as_cut_off(model: Provider) -> None:
    here = with_clerk({"type": "text"})
    model.answers[:] = [Streamed(["The licence asks", " for its"], finish_reason="length")]
    answer = b"".join(asked(here.key, stream=True).streaming_content).decode()
    last = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")][-1]
    assert last["choices"][0]["finish_reason"] == "length"


def test_half_of_a_json_answer_is_mended_once_by_a_shorter_one(model: Provider) -> None:
    here = world()
    model.answers[:] = [CUT_WHOLE, GOOD]
    answer = asked(here.key, "licence-review")
    assert (answer.status_code, answer.headers["x-call-state"]) == (200, "held")
    assert "cut off" in model.asked[1]["messages"][-1]["content"]
    assert [one["code"] for one in Call.objects.get().findings] == ["repaired_output"]


def test_a_contract_that_is_cut_twice_fails_and_says_so(model: Provider) -> None:
    here = world()
    model.answers[:] = [CUT_WHOLE]
    answer = asked(here.key, "licence-review")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "output_contract_failed")
    assert "cut off" in answer.json()["error"]["message"]
    assert LedgerEntry.objects.count() == 2


def test_calls_of_tools_that_were_cut_are_not_made(model: Provider) -> None:
    here = with_clerk(TOOLS)
    model.answers[:] = [{"content": "I will", "finish_reason": "length"}]
    assert asked(here.key).json()["error"]["code"] == "output_contract_failed"


def test_the_schema_of_the_answer_is_held_for(model: Provider) -> None:
    """The model is sent it, so it costs; and a repair sends the answer back besides."""
    schema = {"type": "object", "description": "word " * 2000}
    big, small = with_clerk({"type": "json_schema", "schema": schema}), "licence-review"
    model.answers[:] = ["{", "{}"]
    assert asked(big.key).status_code == 200
    first, second = Hold.objects.filter(call=Call.objects.get()).order_by("attempt")[::2]
    # 10,000 characters are held for as 5,000 tokens at 0.20 a million.
    assert first.amount > 5_000 * 2 / 10_000_000
    assert second.amount > first.amount, small


def test_what_a_provider_does_not_tell_is_estimated_with_the_schema() -> None:
    request = ProviderRequest([], 10, {}, {"schema": "x" * 1000})
    assert estimated_usage(request, "").input > 500
