"""A caller's messages in OpenAI's shape, as the pipeline takes them; refuses what is not taken."""

from __future__ import annotations

import json
from typing import Any

from governance.policy.tool_calls import NAME, arguments_in
from prompts.gateway import images
from prompts.gateway.refusals import InvalidRequest, UnsupportedParameter

ROLES = ("system", "user", "assistant", "developer", "tool")
PARTS = {"role", "content", "tool_calls", "tool_call_id"}
MOST_CALLS = 64


def messages_of(given: list[Any]) -> list[dict[str, Any]]:
    """Each message with what counts of it. Raises InvalidRequest or UnsupportedParameter."""
    taken = [_message(one) for one in given]
    found = sum(part["type"] == "image_url" for one in taken for part in _parts(one))
    if found > images.MOST_IMAGES:
        raise _invalid(f"At most {images.MOST_IMAGES} images; this has {found}.")
    return taken


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _message(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or given.get("role") not in ROLES:
        raise _invalid(f"A message has a role: one of {', '.join(ROLES)}.")
    _check_named(given)
    role, calls = given["role"], given.get("tool_calls") or None
    message: dict[str, Any] = {"role": role, "content": _content(role, given.get("content"), calls)}
    if role == "assistant" and calls is not None:
        message["tool_calls"] = _calls(calls)
    elif calls is not None:
        raise _invalid("“tool_calls” stand in messages of the assistant alone.")
    if role == "tool":
        message["tool_call_id"] = _call_id(given.get("tool_call_id"))
    elif given.get("tool_call_id") is not None:
        raise _invalid("“tool_call_id” stands in messages of the role tool alone.")
    return message


def _check_named(given: dict[str, Any]) -> None:
    """What says something and is not passed on is refused; empty parts are what clients echo."""
    strange = sorted(name for name in given.keys() - PARTS if given[name] not in (None, [], {}))
    if strange:
        raise UnsupportedParameter(
            f"“{strange[0]}” of a message is not supported here; leave it out.", param="messages"
        )


def _content(role: str, content: Any, calls: Any) -> Any:
    """A text; parts that are all text become one; parts with images stay parts."""
    if content is None and role == "assistant" and calls:
        return None
    if isinstance(content, list) and content:
        parts = [_part(role, one) for one in content]
        if all(one["type"] == "text" for one in parts):
            return "\n".join(one["text"] for one in parts)
        return parts
    if not isinstance(content, str):
        raise _invalid("A message has a role and a text as its content.")
    return content


def _part(role: str, part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    image = part.get("image_url") if kind == "image_url" else None
    if role != "user" or not isinstance(image, dict) or not isinstance(image.get("url"), str):
        raise _invalid("A message has texts as its content, and one of the user images too.")
    if problem := images.problem_of(image["url"]):
        raise _invalid(problem)
    if image.get("detail", "auto") not in images.DETAILS:
        raise _invalid(f"An image's detail is one of {', '.join(images.DETAILS)}.")
    detail = {"detail": image["detail"]} if "detail" in image else {}
    return {"type": "image_url", "image_url": {"url": image["url"]} | detail}


def _calls(calls: Any) -> list[dict[str, Any]]:
    if not isinstance(calls, list) or len(calls) > MOST_CALLS:
        raise _invalid(f"“tool_calls” is a list of at most {MOST_CALLS} calls.")
    return [_call(one) for one in calls]


def _call(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("function"), dict):
        raise _invalid("A call has the type function, an id, and a function with its name.")
    function = given["function"]
    name = function.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or given.get("type") != "function":
        raise _invalid("A call has the type function, an id, and a function with its name.")
    arguments = arguments_in(function.get("arguments"))
    if arguments is None:
        raise _invalid(f"The arguments of the call of “{name}” are a JSON object as text.")
    written = json.dumps(arguments, ensure_ascii=False)
    return {
        "id": _call_id(given.get("id")),
        "type": "function",
        "function": {"name": name, "arguments": written},
    }


def _call_id(given: Any) -> str:
    if not isinstance(given, str) or not NAME.fullmatch(given):
        raise _invalid("A call's id is 1 to 64 letters, digits, hyphens and underscores.")
    return given


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages")
