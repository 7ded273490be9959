"""OpenAI's own client at its defaults, of any major version: `openai_client.py ADDRESS KEY`.

It imports nothing of the project, because it also runs where there is only the client.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import openai
from pydantic import BaseModel, Field

READER, CLERK = "licence-review/licence-reader", "licence-review/clerk"
EMBEDDER = "licence-review/embedder"
VARIABLES = {"variables": {"licence_text": "MIT License"}}


class Licence(BaseModel):
    """The reader's output contract, as an application writes it."""

    spdx: str = Field(max_length=60)
    copyleft: bool
    obligations: list[Annotated[str, Field(max_length=160)]] = Field(max_length=5)


class OpenTicket(BaseModel):
    """The arguments of the clerk's tool."""

    title: str
    urgent: bool


def names_its_models(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == [CLERK, EMBEDDER, READER]


def asks(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=READER, messages=[], extra_body=VARIABLES)
    assert Licence.model_validate_json(reply.choices[0].message.content or "").spdx == "MIT"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None and reply.usage.total_tokens == 120


def streams(client: openai.OpenAI) -> None:
    pieces = client.chat.completions.create(
        model=READER, messages=[], extra_body=VARIABLES, stream=True
    )
    text = "".join(choice.delta.content or "" for one in pieces for choice in one.choices)
    assert Licence.model_validate_json(text).copyleft is False


def parses(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(
        model=READER, messages=[], extra_body=VARIABLES, response_format=Licence
    )
    assert reply.choices[0].message.parsed == Licence(
        spdx="MIT", copyleft=False, obligations=["Keep the notice."]
    )


def calls_a_tool(client: openai.OpenAI) -> None:
    """Both halves: the call, and the turn that brings what the tool answered."""
    tools = [openai.pydantic_function_tool(OpenTicket, name="open_ticket")]
    said: list[Any] = [{"role": "user", "content": "The printer is broken."}]
    reply = client.chat.completions.parse(model=CLERK, messages=said, tools=tools)
    choice = reply.choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.function.parsed_arguments == OpenTicket(title="Printer", urgent=False)
    said += [
        choice.message.model_dump(),
        {"role": "tool", "tool_call_id": call.id, "content": "Ticket 7"},
    ]
    again = client.chat.completions.create(model=CLERK, messages=said)
    assert again.choices[0].finish_reason == "tool_calls"


def streams_a_tool_call(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=CLERK, messages=[{"role": "user", "content": "The printer is broken."}]
    ) as stream:
        last = stream.get_final_completion().choices[0]
    assert last.finish_reason == "tool_calls"
    assert last.message.tool_calls is not None
    assert last.message.tool_calls[0].function.name == "open_ticket"


def embeds(client: openai.OpenAI) -> None:
    """In base64, which the client asks for by itself, and in numbers."""
    packed = client.embeddings.create(model=EMBEDDER, input=["MIT", "Apache-2.0"])
    assert [one.embedding for one in packed.data] == [[0.5, 3.0] * 2, [0.5, 10.0] * 2]
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == 18
    plain = client.embeddings.create(
        model=EMBEDDER, input="MIT", dimensions=2, encoding_format="float"
    )
    assert [one.embedding for one in plain.data] == [[0.5, 3.0]]


def is_refused_by_name(client: openai.OpenAI) -> None:
    """By a status that the client does not send again by itself."""
    for more in ({"temperature": 0.9}, {"logit_bias": {"1": 1}}, {"tools": [{"type": "x"}]}):
        try:
            client.chat.completions.create(model=READER, messages=[], extra_body=VARIABLES | more)
        except openai.BadRequestError as refused:
            assert (refused.code, refused.param) == ("unsupported_parameter", *more)
        else:
            raise AssertionError(f"{more} was taken.")


async def asks_and_streams(client: openai.AsyncOpenAI) -> None:
    async with client:
        packed = await client.embeddings.create(model=EMBEDDER, input="MIT")
        assert packed.data[0].embedding == [0.5, 3.0] * 2
        reply = await client.chat.completions.create(
            model=READER, messages=[], extra_body=VARIABLES
        )
        assert "MIT" in (reply.choices[0].message.content or "")
        text = ""
        async for piece in await client.chat.completions.create(
            model=READER, messages=[], extra_body=VARIABLES, stream=True
        ):
            text += piece.choices[0].delta.content or ""
        assert "MIT" in text


STEPS = (
    names_its_models,
    asks,
    streams,
    parses,
    calls_a_tool,
    streams_a_tool_call,
    embeds,
    is_refused_by_name,
)


def run(address: str, key: str) -> None:
    with openai.OpenAI(base_url=address, api_key=key) as client:
        for step in STEPS:
            step(client)
    asyncio.run(asks_and_streams(openai.AsyncOpenAI(base_url=address, api_key=key)))


if __name__ == "__main__":
    run(*sys.argv[1:])
    print(f"openai {openai.__version__}: all is well")
