"""Does an output keep its contract? Pure. Used by the gateway and by reviewers' corrections."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from governance.policy import tool_calls

EMBEDDING = "embedding"
TYPES = ("text", "json_schema", "labels", "tools", EMBEDDING)
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)
MOST_ERRORS = 10
_FORMS = {"json_schema": "JSON that matches the schema", "tools": "calls of the allowed tools"}


@dataclass(frozen=True)
class ContractResult:
    """`ok`, the sentences that say what does not fit, and the parsed value if there is one."""

    ok: bool
    errors: list[str] = field(default_factory=list)
    value: Any = None


def check(contract: dict[str, Any], text: str) -> ContractResult:
    """Check `text` against {"type": "text" | "json_schema" | "labels" | "tools" | "embedding", …}.

    {} takes any text; what a call of tools looks like as text: see tool_calls.py.
    """
    kind = contract.get("type", "text")
    if kind == EMBEDDING:
        return ContractResult(False, ["An embedding is a list of numbers; no text keeps it."])
    if kind == "tools":
        problems = tool_calls.answer_problems(contract, text)
        return ContractResult(not problems, problems, tool_calls.answer_in(text) or text)
    if kind == "json_schema":
        return _check_json(contract["schema"], text)
    if kind == "labels":
        return _check_label(contract["labels"], text)
    limit = contract.get("max_chars")
    if limit is not None and len(text) > limit:
        return ContractResult(False, [f"At most {limit} characters; this has {len(text)}."])
    if not text.strip():
        return ContractResult(False, ["The answer is empty."])
    return ContractResult(True, value=text)


def _check_label(labels: list[str], text: str) -> ContractResult:
    if text.strip() in labels:
        return ContractResult(True, value=text.strip())
    return ContractResult(False, [f"Must be one of: {', '.join(labels)}."])


def _check_json(schema: dict[str, Any], text: str) -> ContractResult:
    try:
        value = json.loads(text)
    except ValueError as error:
        return ContractResult(False, [f"Not valid JSON: {error}."])
    problems = sorted(
        Draft202012Validator(schema).iter_errors(value), key=lambda one: one.json_path
    )
    errors = [f"{one.json_path}: {_short(one.message)}" for one in problems[:MOST_ERRORS]]
    return ContractResult(not errors, errors, value)


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:197] + "…"


def without_fence(text: str) -> str:
    """The inside of a Markdown code fence around the whole text, else the text."""
    found = _FENCE.match(text)
    return found.group(1) if found else text


def problems_of(contract: dict[str, Any]) -> list[str]:
    """What is wrong with the contract itself, in sentences."""
    kind = contract.get("type", "text")
    if kind not in TYPES:
        return [f"The contract's type must be one of {', '.join(TYPES)}."]
    if kind == "labels" and not contract.get("labels"):
        return ["A label contract names at least one label."]
    if kind == "tools":
        return tool_calls.definition_problems(contract)
    if kind == "json_schema":
        try:
            Draft202012Validator.check_schema(contract.get("schema") or {})
        except SchemaError as error:
            return [f"The schema is not valid: {error.message}"]
    return []


def repair_instruction(contract: dict[str, Any], errors: list[str]) -> str:
    """What to tell the model in the one repair attempt."""
    listed = "\n".join(f"- {error}" for error in errors)
    form = _FORMS.get(contract.get("type", "text"), "the answer")
    return (
        f"Your last answer does not fit:\n{listed}\n"
        f"Answer again with {form} only, without any other words."
    )
