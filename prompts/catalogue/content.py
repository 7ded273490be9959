"""What may stand in a version, as problems by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from governance.kernel.canonical import canonical_bytes
from governance.policy import output_contract as contracts
from governance.policy import tool_calls
from prompts.catalogue.parameters import CALLER_MAY_SET, parameter_problems
from prompts.catalogue.rendering import Message, message_problems, variable_problems

CONTRACT_KEYS = {
    "text": {"type", "max_chars"},
    "labels": {"type", "labels"},
    "json_schema": {"type", "schema"},
    "tools": {"type", "tools", "text_allowed"},
    contracts.EMBEDDING: {"type", "dimensions"},
}
MOST_DIMENSIONS = 16_384


def problems_by_field(
    *,
    messages: list[Message],
    variables: dict[str, Any],
    output_contract: dict[str, Any],
    parameters: Mapping[str, Any],
) -> dict[str, list[str]]:
    """Every problem in a sentence, beside the field that it is about; {} when it can be saved."""
    is_embedding = output_contract.get("type") == contracts.EMBEDDING
    in_messages = _no_messages(messages) if is_embedding else message_problems(messages)
    in_messages += _unwritable(messages)
    found = {
        "messages": in_messages,
        # Which names are used cannot be said of a text that is wrong itself.
        "variables": _problems_of_variables(None if in_messages else messages, variables),
        "output_contract": _problems_of_contract(output_contract),
        "parameters": _no_sampling(parameters) if is_embedding else parameter_problems(parameters),
    }
    return {name: problems for name, problems in found.items() if problems}


def _no_messages(messages: list[Message]) -> list[str]:
    """What becomes an embedding is the caller's text as it is."""
    return ["An embedding has no messages: the caller's texts are its input."] if messages else []


def _no_sampling(parameters: Mapping[str, Any]) -> list[str]:
    given = sorted(parameters.keys() - {CALLER_MAY_SET})
    return [f"An embedding takes no {given[0]}."] if given else []


def _problems_of_variables(messages: list[Message] | None, variables: dict[str, Any]) -> list[str]:
    if variables.get("type", "object") != "object":
        return ["Variables are a JSON Schema of type object, with a property for each."]
    found = schema_problems(variables)
    return found or (variable_problems(messages, variables) if messages else [])


def _problems_of_contract(contract: dict[str, Any]) -> list[str]:
    kind = contract.get("type", "text")
    allowed = CONTRACT_KEYS.get(kind) if isinstance(kind, str) else None
    if allowed is None:
        return [f"The contract's type is one of {', '.join(CONTRACT_KEYS)}."]
    unknown = sorted(contract.keys() - allowed)
    if unknown:
        return [f"A contract of type {kind} has no “{unknown[0]}”."]
    if kind == "json_schema" and not isinstance(contract.get("schema"), dict):
        return ["A JSON contract has its schema, as a JSON object."]
    if kind == "labels" and not _are_labels(contract.get("labels")):
        return ["A label contract names its labels, each once and none empty."]
    if kind == contracts.EMBEDDING and not _are_dimensions(contract.get("dimensions", [1])):
        return [f"The dimensions are one or more whole numbers from 1 to {MOST_DIMENSIONS:,}."]
    if kind == "text" and not _is_length(contract.get("max_chars", 1)):
        return ["The most characters are a whole number of at least 1."]
    problems = contracts.problems_of(contract) or schema_problems(contract.get("schema", {}))
    return problems or (_problems_of_tools(contract) if kind == "tools" else [])


def _problems_of_tools(contract: dict[str, Any]) -> list[str]:
    """Of the schemas of their arguments."""
    schemas = tool_calls.argument_schemas(contract).items()
    found = [f"{name}: {one}" for name, schema in schemas for one in schema_problems(schema)]
    return found or _unwritable(contract)


def _are_labels(labels: Any) -> bool:
    is_text = isinstance(labels, list) and all(isinstance(one, str) for one in labels)
    return is_text and bool(labels) and all(labels) and len(set(labels)) == len(labels)


def _are_dimensions(value: Any) -> bool:
    is_listed = isinstance(value, list) and bool(value)
    return is_listed and all(_is_length(one) and one <= MOST_DIMENSIONS for one in value)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def schema_problems(schema: dict[str, Any]) -> list[str]:
    """Not a JSON Schema, pointing outside itself, or with numbers that have no one spelling."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"The schema is not valid at {error.json_path}: {error.message[:200]}"]
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in _references(schema):
        try:
            # A reference to an address would be fetched while a call is checked.
            resolver.lookup(reference)
        except Unresolvable:
            return [f"“{reference}” is not in this schema; a reference begins with #/."]
    return _unwritable(schema)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(item, str):
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _unwritable(value: Any) -> list[str]:
    """What the hash or the database cannot hold."""
    if any("\x00" in text for text in _texts(value)):
        return ["There is a null character in it."]
    try:
        canonical_bytes(value)
    except (TypeError, ValueError):
        return [
            "It holds a number with a decimal point, a number over 2⁵³ or half a character, "
            "which two machines may write differently: use whole numbers."
        ]
    return []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
