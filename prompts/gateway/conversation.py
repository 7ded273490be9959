"""The messages of a call, whoever wrote them: their texts, their size, what is kept of them. Pure.

A message is OpenAI's: a role with a text, with parts (text and images), with the tools that the
model called, or with what a tool answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from governance.policy.tool_calls import arguments_in
from prompts.gateway import images

Message = dict[str, Any]
TOKENS_PER_MESSAGE = 8


def texts(message: Message) -> Iterator[str]:
    """Everything in it that is text, for the screens."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if part["type"] == "text":
            yield part["text"]
    for call in message.get("tool_calls", ()):
        yield from texts_in(arguments_in(call["function"]["arguments"]))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value of JSON, names of fields too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in (*value.keys(), *value.values()):
            yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)


def rewritten(message: Message, change: Callable[[str], str]) -> Message:
    """The message with every text changed; ids and names of tools stay."""
    made = dict(message)
    content = message.get("content")
    if isinstance(content, str):
        made["content"] = change(content)
    elif isinstance(content, list):
        made["content"] = [
            part | {"text": change(part["text"])} if part["type"] == "text" else part
            for part in content
        ]
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [_rewritten_call(call, change) for call in calls]
    return made


def _rewritten_call(call: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    function = call["function"]
    arguments = _changed(arguments_in(function["arguments"]), change)
    changed = {"arguments": json.dumps(arguments, ensure_ascii=False)}
    return call | {"function": function | changed}


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _changed(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_changed(one, change) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A card's number may be sent as a number.
        written = str(value)
        return value if (changed := change(written)) == written else changed
    return value


def image_urls(messages: Iterable[Message]) -> list[str]:
    """The data URLs of every image."""
    return [
        part["image_url"]["url"]
        for message in messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]


def most_tokens(messages: Iterable[Message], *told: Any) -> int:
    """An upper estimate: natural text has more than two characters a token.

    `told` is JSON that the model reads beside the messages: tools, the schema of its answer.
    """
    listed = list(messages)
    total = sum(len(json.dumps(one)) // 2 for one in told if one)
    for message in listed:
        total += TOKENS_PER_MESSAGE + sum(len(text) // 2 for text in texts(message))
        total += TOKENS_PER_MESSAGE * len(message.get("tool_calls", ()))
    return total + images.MOST_TOKENS * len(image_urls(listed))


def kept(message: Message) -> Message:
    """As the payload keeps it: an image is named by its size and hash, and is not there."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [
        part["text"] if part["type"] == "text" else images.described(part["image_url"]["url"])
        for part in content
    ]
    return message | {"content": "\n".join(parts)}
