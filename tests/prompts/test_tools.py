"""Tools that a model calls: the release lists them, and a call passes every screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.kernel.errors import Invalid
from governance.registry.models import UseCase
from reviews.decisions import services as decisions
from reviews.queues import services as queues
from reviews.queues.models import Queue
from telemetry.ledger.models import Call
from telemetry.ledger.services import held_input, held_text
from tests.clients import openai_client
from tests.factories.clients import TICKET, TOOLS, with_clerk
from tests.factories.organisation import Provider, World, provider, tool_call

pytestmark = pytest.mark.django_db
FITS = {"title": "Printer", "urgent": False}
SAID = [{"role": "user", "content": "The printer is broken."}]
TURN: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_a0",
            "type": "function",
            "function": {"name": "open_ticket", "arguments": '{"title": "Lamp", "urgent": true}'},
        }
    ],
}
ANSWERED = {"role": "tool", "tool_call_id": "call_a0", "content": "Ticket 6"}
CLOSE: dict[str, Any] = {"type": "function", "function": {"name": "close_ticket"}}


@pytest.fixture
def here() -> World:
    return with_clerk(TOOLS | {"tools": [TICKET, CLOSE]})


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider(tool_call("open_ticket", FITS)) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def ask(here: World, path: str = "/v1/chat/completions", **more: Any) -> Any:
    body = {"model": "licence-review/clerk", "messages": SAID} | more
    headers = {"authorization": f"Bearer {here.key}"} | more.pop("headers", {})
    body.pop("headers", None)
    return Client().post(path, json.dumps(body), content_type="application/json", headers=headers)


def refusal(here: World, **more: Any) -> tuple[int, str, str]:
    answer = ask(here, **more)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def test_a_call_is_delivered_as_openai_writes_it(here: World, model: Provider) -> None:
    choice = ask(here).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (called,) = choice["message"]["tool_calls"]
    assert (called["id"], called["type"]) == ("call_a1", "function")
    assert json.loads(called["function"]["arguments"]) == FITS
    assert model.asked[0]["tools"] == [TICKET, CLOSE]
    assert model.asked[0]["tool_choice"] == "required"
    assert json.loads(held_text(Call.objects.get()) or "")["tool_calls"][0]["name"] == "open_ticket"


def test_a_stream_brings_the_calls_at_once(here: World, model: Provider) -> None:
    answer = ask(here, stream=True)
    lines = b"".join(answer.streaming_content).decode().split("\n\n")
    events = [json.loads(one.removeprefix("data: ")) for one in lines if one.startswith("data: {")]
    delta = events[0]["choices"][0]["delta"]
    assert (delta["tool_calls"][0]["index"], delta["tool_calls"][0]["id"]) == (0, "call_a1")
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert "stream" not in model.asked[0]


@pytest.mark.parametrize(
    "first",
    [
        tool_call("delete_everything", {}),
        tool_call("open_ticket", {"title": "Printer"}),
        tool_call("open_ticket", "{not json"),
        "I would rather talk.",
    ],
)
def test_what_is_not_allowed_is_asked_again_once(here: World, model: Provider, first: Any) -> None:
    model.answers = [first, tool_call("open_ticket", FITS)]
    assert ask(here).json()["choices"][0]["finish_reason"] == "tool_calls"
    assert "calls of the allowed tools" in model.asked[1]["messages"][-1]["content"]
    assert Call.objects.get().findings[0]["code"] == "repaired_output"
    model.answers = [first]
    failed = ask(here)
    assert (failed.status_code, failed.json()["error"]["code"]) == (422, "output_contract_failed")
    assert "tool_calls" not in failed.content.decode()


def test_held_calls_are_not_shown_and_a_correction_keeps_the_contract(
    here: World, model: Provider
) -> None:
    UseCase.objects.filter(pk=here.use_case.pk).update(oversight="all")
    key = {"idempotency-key": "once"}
    asked: dict[str, Any] = {"headers": key, "messages": [*SAID, TURN, ANSWERED]}
    held = ask(here, **asked)
    choice = held.json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", None)
    assert "tool_calls" not in held.content.decode() and "Printer" not in held.content.decode()
    reviewer, now = here.people.actor("reviewer"), timezone.now()
    here.people.users["reviewer"].forget_reaches()
    item = queues.claim_next(actor=reviewer, queue=Queue.objects.get(), now=now)
    assert item is not None
    reading = Client()
    reading.force_login(here.people.users["reviewer"])
    page = reading.get(f"/reviews/items/{item.pk}/").content.decode()
    assert "&quot;name&quot;: &quot;open_ticket&quot;" in page
    assert (
        '<strong>open_ticket</strong> <code dir="ltr">{&quot;title&quot;: &quot;Lamp&quot;' in page
        and "Ticket 6" in page
    )
    written = json.loads(held_text(item.call) or "")
    for wrong in ("Hello", json.dumps(written).replace("open_ticket", "delete_everything")):
        with pytest.raises(Invalid):
            decisions.decide(
                actor=reviewer, item_id=item.pk, verdict="correct", corrected_text=wrong, now=now
            )
    right = json.dumps(written).replace("false", "true")
    decisions.decide(
        actor=reviewer, item_id=item.pk, verdict="correct", corrected_text=right, now=now
    )
    (called,) = ask(here, **asked).json()["choices"][0]["message"]["tool_calls"]
    assert json.loads(called["function"]["arguments"]) == FITS | {"urgent": True}
    assert len(model.asked) == 1


def test_the_caller_may_name_fewer_tools_and_no_others(here: World, model: Provider) -> None:
    assert ask(here, tools=[TICKET]).status_code == 200
    assert model.asked[-1]["tools"] == [TICKET]
    model.answers = [tool_call("close_ticket", {})]
    assert ask(here, tools=[TICKET]).status_code == 422
    other = {"type": "function", "function": {"name": "open_ticket", "parameters": {}}}
    for wrong in ([other], [CLOSE | {"function": {"name": "delete"}}], ["open_ticket"]):
        assert refusal(here, tools=wrong) == (400, "unsupported_parameter", "tools")


def test_how_tools_are_chosen_is_passed_on_where_it_may_be(here: World, model: Provider) -> None:
    named = {"type": "function", "function": {"name": "open_ticket"}}
    ask(here, tool_choice=named, parallel_tool_calls=False)
    assert model.asked[-1]["tool_choice"] == named
    assert model.asked[-1]["parallel_tool_calls"] is False
    for wrong in ("none", "any", {"type": "function", "function": {"name": "delete"}}, 7):
        assert refusal(here, tool_choice=wrong)[1:] == ("unsupported_parameter", "tool_choice")
    assert refusal(here, parallel_tool_calls="x")[2] == "parallel_tool_calls"
    facts: dict[str, Any] = {"model": openai_client.READER, "messages": []}
    facts |= openai_client.VARIABLES
    assert refusal(here, **facts, tools=[TICKET])[2] == "tools"
    assert refusal(here, **facts, tool_choice="required")[2] == "tool_choice"


def test_a_turn_with_tools_is_redacted_like_any_other(here: World, model: Provider) -> None:
    arguments = json.dumps({"title": "Card 4111111111111111", "number": 4111111111111111})
    call = {
        "id": "call_a1",
        "type": "function",
        "function": {"name": "open_ticket", "arguments": arguments},
    }
    turns = [
        *SAID,
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_a1", "content": "Card 4111 1111 1111 1111"},
    ]
    assert ask(here, messages=turns).status_code == 200
    sent = model.asked[0]["messages"]
    assert "1111" not in json.dumps(sent)
    assert sent[-1]["tool_call_id"] == sent[-2]["tool_calls"][0]["id"] == "call_a1"
    kept = held_input(Call.objects.get()) or ""
    assert "1111" not in kept and "<CREDIT_CARD_1>" in kept


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "tool", "content": "7"},
        {"role": "tool", "content": "7", "tool_call_id": "no id"},
        {"role": "user", "content": "7", "tool_call_id": "call_1"},
        {"role": "user", "content": "7", "tool_calls": [{}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
        {"role": "assistant", "content": None, "tool_calls": {"id": "a"}},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "x", "arguments": "["}}
            ],
        },
        {"role": "assistant", "content": None},
        {"role": "user", "content": "Hi", "name": "jane"},
        {"role": "robot", "content": "Hi"},
    ],
)
def test_a_turn_that_is_none_is_refused(here: World, model: Provider, turn: Any) -> None:
    status, _, param = refusal(here, messages=[turn])
    assert (status, param) == (400, "messages")
    assert model.asked == []


def test_a_worker_is_not_asked_for_what_was_not_kept(here: World, model: Provider) -> None:
    facts: dict[str, Any] = {"path": "/api/v1/calls/", "headers": {"prefer": "respond-async"}}
    assert ask(here, **facts, tools=[TICKET]).json()["code"] == "unsupported_parameter"
    assert ask(here, **facts, max_tokens=7).status_code == 400
    assert ask(here, **facts, tools=[TICKET, CLOSE], max_tokens=512).status_code == 202
