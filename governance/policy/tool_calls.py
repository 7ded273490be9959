"""Tool calls as an output contract: what may be called with what, and what was called. Pure.

The allow-list is `{"type": "tools", "tools": [OpenAI's function definitions], "text_allowed"}`.
An answer that calls tools is kept as JSON text that a person can read and correct:
`{"tool_calls": [{"id", "name", "arguments"}], "content"}`, the content only where text is allowed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

MOST_TOOLS = 64
MOST_DESCRIPTION = 4_000
MOST_ERRORS = 10
FUNCTION_KEYS = {"name", "description", "parameters", "strict"}
NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def definition_problems(contract: Mapping[str, Any]) -> list[str]:
    """What is wrong with the allow-list itself, in sentences; the argument schemas are not read."""
    tools = contract.get("tools")
    if not isinstance(tools, list) or not tools:
        return ["A contract of tool calls names at least one tool."]
    if len(tools) > MOST_TOOLS:
        return [f"At most {MOST_TOOLS} tools; this has {len(tools)}."]
    if not isinstance(contract.get("text_allowed", False), bool):
        return ["“text_allowed” is true or false."]
    problems = [
        f"Tool {number}: {problem}"
        for number, tool in enumerate(tools, 1)
        if (problem := _problem_of_tool(tool))
    ]
    names = [] if problems else [tool["function"]["name"] for tool in tools]
    return problems or [f"“{name}” is named twice." for name in {*names} if names.count(name) > 1]


def _problem_of_tool(tool: Any) -> str:
    is_function = isinstance(tool, dict) and tool.keys() == {"type", "function"}
    if not is_function or tool["type"] != "function" or not isinstance(tool["function"], dict):
        return 'write {"type": "function", "function": {"name": …, "parameters": …}}.'
    function = tool["function"]
    if unknown := sorted(function.keys() - FUNCTION_KEYS):
        return f"a function has no “{unknown[0]}”."
    name, text = function.get("name"), function.get("description", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "its name has 1 to 64 letters, digits, hyphens and underscores."
    if not isinstance(text, str) or len(text) > MOST_DESCRIPTION:
        return f"its description is a text of at most {MOST_DESCRIPTION:,} characters."
    if not isinstance(function.get("strict", False), bool):
        return "“strict” is true or false."
    parameters = function.get("parameters", NO_ARGUMENTS)
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return "its parameters are a JSON Schema of type object."
    return ""


def argument_schemas(contract: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every allowed tool's name with the schema of its arguments."""
    functions = [tool["function"] for tool in contract["tools"]]
    return {one["name"]: one.get("parameters", NO_ARGUMENTS) for one in functions}


def written(contract: Mapping[str, Any], text: str, calls: list[Any]) -> str:
    """The answer to keep: calls as OpenAI writes them as readable JSON, else the text."""
    if not calls:
        return text
    answer: dict[str, Any] = {
        "tool_calls": [_plain(call, number) for number, call in enumerate(calls, 1)]
    }
    if text.strip() and contract.get("text_allowed"):
        answer["content"] = text
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _plain(call: Any, number: int) -> dict[str, Any]:
    given = call if isinstance(call, dict) else {}
    function = given.get("function") or {}
    made, arguments = str(given.get("id") or ""), function.get("arguments") or "{}"
    read = arguments_in(arguments)
    return {
        "id": made if NAME.fullmatch(made) else f"call_{number}",
        "name": str(function.get("name") or ""),
        # Arguments that are no object stay as they came, for the check to say so.
        "arguments": arguments if read is None else read,
    }


def arguments_in(text: Any) -> dict[str, Any] | None:
    """The object that a call's arguments are, or None."""
    try:
        value = json.loads(text, parse_constant=_no_number) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(name)


def answer_in(text: str) -> dict[str, Any] | None:
    """The kept answer if it calls tools, or None when it is a text."""
    value = arguments_in(text)
    calls = value.get("tool_calls") if value else None
    return value if value and isinstance(calls, list) and calls else None


def without_ids(text: str) -> str:
    """The kept answer as the screens read it: what the model wrote, not how calls are numbered."""
    answer = answer_in(text)
    if answer is None:
        return text
    calls = [
        {name: part for name, part in one.items() if name != "id"}
        for one in answer["tool_calls"]
        if isinstance(one, dict)
    ]
    return json.dumps(answer | {"tool_calls": calls}, indent=2, ensure_ascii=False)


def answer_problems(contract: Mapping[str, Any], text: str) -> list[str]:
    """Why this answer does not keep the contract, in sentences; nothing when it does."""
    answer, allowed = answer_in(text), argument_schemas(contract)
    if answer is None:
        if not contract.get("text_allowed"):
            return [f"The answer must call a tool: {', '.join(allowed)}."]
        return [] if text.strip() else ["The answer is empty."]
    problems = [f"There is no “{name}”." for name in sorted(answer.keys() - _parts(contract))]
    if not isinstance(answer.get("content", ""), str):
        problems.append("The content is a text.")
    seen: set[Any] = set()
    for number, call in enumerate(answer["tool_calls"], 1):
        problems += [f"Call {number}: {one}" for one in _problems_of_call(allowed, call, seen)]
    return problems[:MOST_ERRORS]


def _parts(contract: Mapping[str, Any]) -> set[str]:
    return {"tool_calls", "content"} if contract.get("text_allowed") else {"tool_calls"}


def _problems_of_call(
    allowed: Mapping[str, dict[str, Any]], call: Any, seen: set[Any]
) -> list[str]:
    if not isinstance(call, dict) or call.keys() != {"id", "name", "arguments"}:
        return ["it has an id, a name and arguments, and nothing else."]
    if not isinstance(call["id"], str) or not NAME.fullmatch(call["id"]) or call["id"] in seen:
        return ["its id is its own: letters, digits, hyphens and underscores."]
    seen.add(call["id"])
    if not isinstance(call["name"], str) or call["name"] not in allowed:
        return [f"the tool is one of {', '.join(allowed)}."]
    if not isinstance(call["arguments"], dict):
        return [f"the arguments of {call['name']} are a JSON object."]
    errors = Draft202012Validator(allowed[call["name"]]).iter_errors(call["arguments"])
    return [f"{one.json_path} of {call['name']}: {one.message[:200]}" for one in errors]


def message_parts(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A kept answer as the parts of OpenAI's message."""
    return {
        "content": answer.get("content"),
        "tool_calls": [
            {
                "id": one["id"],
                "type": "function",
                "function": {
                    "name": one["name"],
                    "arguments": json.dumps(one["arguments"], ensure_ascii=False),
                },
            }
            for one in answer["tool_calls"]
        ],
    }
