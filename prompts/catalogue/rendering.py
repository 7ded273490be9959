"""Templates are messages with `{{name}}`: substitution and nothing else. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

Message = dict[str, str]
ROLES = ("system", "user", "assistant")
MOST_MESSAGES = 50
MOST_CHARACTERS = 100_000
_VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_STATEMENT = re.compile(r"\{%|%\}")


def names_used(messages: list[Message]) -> set[str]:
    return {name for message in messages for name in _VARIABLE.findall(message["content"])}


def message_problems(messages: list[Message]) -> list[str]:
    """What is wrong with the texts, in sentences that say in which message."""
    if not messages:
        return ["Write at least one message."]
    problems = []
    if len(messages) > MOST_MESSAGES:
        problems.append(f"At most {MOST_MESSAGES} messages; this has {len(messages)}.")
    size = sum(len(message["content"]) for message in messages)
    if size > MOST_CHARACTERS:
        problems.append(f"At most {MOST_CHARACTERS:,} characters; this has {size:,}.")
    for number, message in enumerate(messages, 1):
        problems += [f"Message {number}: {problem}" for problem in _problems_of_one(message)]
    return problems


def _problems_of_one(message: Message) -> list[str]:
    text, problems = message["content"], []
    if message["role"] not in ROLES:
        problems.append(f"its role is one of {', '.join(ROLES)}.")
    if not text.strip():
        problems.append("it is empty.")
    if _BRACES.search(_VARIABLE.sub("", text)):
        problems.append(
            "between {{ and }} stands a declared name in lower case and nothing else: "
            "no attribute, no index, no expression."
        )
    if _STATEMENT.search(text):
        problems.append(
            "{% … %} does nothing here: a template has no loops and no conditions. "
            "Put the list into a variable."
        )
    return problems


def variable_problems(messages: list[Message], variables: Mapping[str, Any]) -> list[str]:
    """Every variable that is used is declared, and every one that is declared is used."""
    declared, used = set(variables.get("properties", {})), names_used(messages)
    problems = [f"{{{{{name}}}}} is used but not declared." for name in sorted(used - declared)]
    return problems + [f"{name} is declared but not used." for name in sorted(declared - used)]


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
