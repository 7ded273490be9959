"""Providers that are reached by litellm: the same answers, books and failures as any other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.test import Client

from governance.kernel.encryption import encrypt
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from governance.registry.models import UseCase
from prompts.gateway import providers, translated
from prompts.gateway.waiting import in_loop
from telemetry.ledger.models import LedgerEntry
from tests.factories.clients import TICKET, TOOLS, with_clerk
from tests.factories.organisation import (
    GOOD,
    Provider,
    Raw,
    Streamed,
    World,
    provider,
    tool_call,
)
from tests.factories.ways import WAYS, run_by

pytestmark = pytest.mark.django_db
SAID = [{"role": "user", "content": "The printer is broken."}]
CALLED = tool_call("open_ticket", {"title": "Printer", "urgent": False})
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-of-a-test",
    "content": [{"type": "text", "text": "A notice must be kept."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 70, "output_tokens": 8, "cache_read_input_tokens": 30},
}


@pytest.fixture
def here() -> World:
    return with_clerk(TOOLS | {"tools": [TICKET]})


@pytest.fixture
def model(here: World) -> Iterator[Provider]:
    with provider() as scripted:
        Deployment.objects.update(litellm_model="hosted_vllm/scripted", endpoint=scripted.url)
        yield scripted


def ask(here: World, **more: Any) -> Any:
    headers = {"authorization": f"Bearer {here.key}"}
    return Client().post(
        "/v1/chat/completions", json.dumps(more), content_type="application/json", headers=headers
    )


Asked = Callable[..., providers.ProviderResponse]


@pytest.fixture(params=WAYS)
def asked(request: Any) -> Iterator[Asked]:
    """A call with a thread of its own and one in the web server's loop get the same."""
    with run_by(request.param) as run:
        yield lambda *values: run(prepared(*values))


def prepared(
    model: str = "hosted_vllm/scripted",
) -> Callable[[], providers.ProviderResponse]:
    deployment = Deployment.objects.order_by("pk").first()
    assert deployment is not None
    deployment.litellm_model = model
    deployment.secret_sealed = encrypt("a key", context=f"deployment:{deployment.slug}:secret")
    request = providers.ProviderRequest(messages=SAID, max_tokens=50, parameters={})
    return partial(providers.complete, deployment, request)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails where litellm told somebody anything, once all its threads have had their turn."""
    litellm = translated.library()
    from litellm.litellm_core_utils.thread_pool_executor import executor

    told: list[Any] = []
    monkeypatch.setattr(litellm, "success_callback", [lambda *facts: told.append(facts)])
    yield
    for waiting in [executor.submit(list) for _ in range(20)]:
        waiting.result(10)
    assert told == []


@pytest.mark.usefixtures("told")
def test_an_answer_is_booked_and_litellm_tells_nobody_of_it(here: World, model: Provider) -> None:
    UseCase.objects.update(oversight="none", tier="minimal")
    answer = ask(here, model="licence-review/licence-reader", variables={"licence_text": "MIT"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["choices"][0]["message"]["content"] == GOOD
    entry = LedgerEntry.objects.get()
    assert (entry.tokens_input, entry.tokens_output) == (100, 20)


@pytest.mark.usefixtures("told")
def test_a_stream_comes_in_pieces(here: World, model: Provider) -> None:
    model.answers = [Streamed(["The notice ", "must be ", "kept."])]
    heard: list[str] = []
    deployment = Deployment.objects.order_by("pk").first()
    assert deployment is not None
    request = providers.ProviderRequest(messages=SAID, max_tokens=50, parameters={})
    whole = providers.stream(deployment, request, heard.append)
    assert "".join(heard) == whole.text == "The notice must be kept."
    assert len(heard) > 1
    assert (whole.usage.input, whole.usage.output) == (100, 20)


def test_tools_are_called_and_answered(here: World, model: Provider) -> None:
    """The second turn goes litellm's long way: it holds a call that another may have named."""
    model.answers = [CALLED]
    [call] = ask(here, model="licence-review/clerk", messages=SAID).json()["choices"][0]["message"][
        "tool_calls"
    ]
    assert call["function"]["name"] == "open_ticket"
    named = [call | {"id": "call_a1__thought__c2lnbmVk"}]
    turn = {"role": "assistant", "content": None, "tool_calls": named}
    answered = {"role": "tool", "tool_call_id": named[0]["id"], "content": "Ticket 6"}
    reply = ask(here, model="licence-review/clerk", messages=[*SAID, turn, answered])
    assert reply.status_code == 200, reply.content
    *_, sent, result = model.asked[-1]["messages"]
    assert (sent["tool_calls"][0]["id"], result["tool_call_id"]) == ("call_a1", "call_a1")


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (400, "rejected"),
        (401, "rejected"),
        (404, "rejected"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
        (Raw(b"<html>", headers={"content-type": "text/html"}), "garbled"),
        # What has no choices, litellm calls a failure of the server's.
        (Raw(b"{}", headers={"content-type": "application/json"}), "unavailable"),
    ],
)
def test_failures_are_told_in_our_words(
    here: World, model: Provider, answer: Any, failure: str, asked: Asked
) -> None:
    model.answers = [answer]
    with pytest.raises(providers.ProviderError) as found:
        asked()
    assert found.value.failure == failure
    # What cannot be read is paid for.
    assert found.value.came == ("" if failure == "garbled" else None)
    assert len(model.asked) == 1


def test_when_to_ask_again_is_heard(here: World, model: Provider, asked: Asked) -> None:
    model.answers = [Raw(b'{"error": {}}', 429, {"retry-after": "7"})]
    with pytest.raises(providers.ProviderError) as found:
        asked()
    assert found.value.retry_after == 7


def test_another_protocol_is_translated(here: World, model: Provider, asked: Asked) -> None:
    content = json.dumps(CLAUDE).encode()
    model.answers = [Raw(content, headers={"content-type": "application/json"})]
    answer = asked("anthropic/claude-of-a-test")
    assert (answer.text, answer.finish_reason) == ("A notice must be kept.", "stop")
    # What was read from their cache counts as sent.
    assert answer.usage == Usage(100, 30, 8)
    assert model.asked[-1]["messages"][0]["role"] == "user"


def test_it_is_imported_before_the_first_call_where_it_is_asked(here: World) -> None:
    translated.library.cache_clear()
    providers.warm()
    assert translated.library.cache_info().currsize == 0
    Deployment.objects.update(litellm_model="anthropic/claude-of-a-test")
    providers.warm()
    assert translated.library.cache_info().currsize == 1


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("name", sorted(translated.ASKED_IN_LOOP - {"anthropic"}))
def test_who_is_asked_in_the_loop_is_waited_for_there(
    here: World, model: Provider, name: str
) -> None:
    answer = asyncio.run(in_loop(prepared(f"{name}/scripted")))
    assert (answer.text, answer.usage.input) == (GOOD, 100)


@pytest.mark.usefixtures("told")
def test_who_may_have_to_fetch_credentials_has_a_thread(here: World, model: Provider) -> None:
    assert "openai" not in translated.ASKED_IN_LOOP
    answer = asyncio.run(in_loop(prepared("custom_openai/scripted")))
    assert answer.text == GOOD
