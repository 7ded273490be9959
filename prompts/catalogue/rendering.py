"""Templates are messages with `{{name}}`: substitution and nothing else. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

Message = dict[str, str]
ROLES = ("system", "user", "assistant")
_VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")


def names_used(messages: list[Message]) -> set[str]:
    return {name for message in messages for name in _VARIABLE.findall(message["content"])}


def problems_of(messages: list[Message], variables: dict[str, Any]) -> list[str]:
    """What is wrong with a template, in sentences; empty when it can be saved."""
    problems = []
    if not messages:
        problems.append("Write at least one message.")
    if any(message.get("role") not in ROLES for message in messages):
        problems.append(f"A message's role is one of {', '.join(ROLES)}.")
    if any(not message.get("content", "").strip() for message in messages):
        problems.append("A message is empty.")
    if any(_BRACES.search(_VARIABLE.sub("", message["content"])) for message in messages):
        problems.append("Braces are not closed, or hold something else than a variable's name.")
    try:
        Draft202012Validator.check_schema(variables)
    except SchemaError as error:
        return [*problems, f"The variables' schema is not valid: {error.message}"]
    declared, used = set(variables.get("properties", {})), names_used(messages)
    problems += [f"{{{{{name}}}}} is used but not declared." for name in sorted(used - declared)]
    problems += [f"{name} is declared but not used." for name in sorted(declared - used)]
    return problems


def value_problems(variables: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """Why these values do not fit the schema; unknown names are refused too."""
    closed = {"type": "object", "additionalProperties": False} | variables
    errors = Draft202012Validator(closed).iter_errors(values)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def render(messages: list[Message], values: dict[str, Any]) -> list[Message]:
    """The messages with every variable's value in its place, in one pass.

    A value is never looked through for variables again, so content cannot inject one.
    Text goes in as it is, everything else as JSON.
    """
    texts = {name: _text(value) for name, value in values.items()}
    return [
        {
            "role": message["role"],
            "content": _VARIABLE.sub(lambda found: texts.get(found[1], ""), message["content"]),
        }
        for message in messages
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
