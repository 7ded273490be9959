"""Unmodified clients against the gateway behind a real web server, at their own defaults."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients import openai_client
from tests.factories.clients import listening, with_clerk, with_embedder
from tests.factories.organisation import Provider, World, provider, tool_call

pytestmark = pytest.mark.django_db(transaction=True)
# Pairs “python=script”, put there by .ci/clients: environments with one client each.
ELSEWHERE = os.environ.get("PLACET_TEST_CLIENTS", "").split()


@pytest.fixture
def here() -> World:
    return with_embedder(with_clerk())


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        scripted.tool_answer = tool_call("open_ticket", {"title": "Printer", "urgent": False})
        yield scripted


def test_openais_client(here: World, model: Provider) -> None:
    with listening() as address:
        openai_client.run(address, here.key)
    # Eleven answers, each asked for once: nothing that was refused was sent on or sent again.
    assert len(model.asked) == 11
    assert model.asked[-6]["tools"][0]["function"]["name"] == "open_ticket"


def test_litellm_as_a_client(here: World, model: Provider) -> None:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    with listening() as address:
        facts: dict[str, Any] = {"api_base": address, "api_key": here.key}
        reply = litellm.completion(
            model=f"openai/{openai_client.READER}",
            messages=[],
            extra_body=openai_client.VARIABLES,
            **facts,
        )
        said = [{"role": "user", "content": "The printer is broken."}]
        called = litellm.completion(model=f"openai/{openai_client.CLERK}", messages=said, **facts)
        pieces = litellm.completion(
            model=f"openai/{openai_client.READER}",
            messages=[],
            extra_body=openai_client.VARIABLES,
            stream=True,
            **facts,
        )
        text = "".join(one.choices[0].delta.content or "" for one in pieces)
    assert json.loads(reply.choices[0].message.content)["spdx"] == "MIT"
    assert called.choices[0].message.tool_calls[0].function.name == "open_ticket"
    assert json.loads(text)["spdx"] == "MIT"


def curl(address: str, key: str, *more: str) -> str:
    command = ["curl", "-s", "-w", "\n%{http_code}", *more, "-H", f"authorization: Bearer {key}"]
    return subprocess.run(
        [*command, address], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_curl(here: World, model: Provider) -> None:
    body = {"model": openai_client.READER} | openai_client.VARIABLES
    with listening() as address:
        chat = f"{address}/chat/completions"
        asked = curl(chat, here.key, "-d", json.dumps(body))
        streamed = curl(chat, here.key, "-N", "-d", json.dumps(body | {"stream": True}))
        unknown = curl(f"{address}/assistants", here.key)
        method = curl(chat, here.key, "-X", "PUT")
    content, status = asked.rsplit("\n", 1)
    assert (status, json.loads(content)["object"]) == ("200", "chat.completion")
    assert "data: [DONE]" in streamed
    for refused, code in ((unknown, "unknown_url"), (method, "method_not_allowed")):
        assert json.loads(refused.rsplit("\n", 1)[0])["error"]["code"] == code


@pytest.mark.skipif(not ELSEWHERE, reason="PLACET_TEST_CLIENTS names no other clients")
@pytest.mark.parametrize("pair", ELSEWHERE or ["none"])
def test_clients_of_other_versions(here: World, model: Provider, pair: str) -> None:
    python, _, script = pair.partition("=")
    with listening() as address:
        ran = subprocess.run(
            [python, script, address, here.key], capture_output=True, text=True, timeout=120
        )
    assert ran.returncode == 0, ran.stderr
    assert "all is well" in ran.stdout
