"""What may stand in a version, as problems by field; and its sampling parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from governance.kernel.canonical import canonical_bytes
from governance.policy import output_contract as contracts
from prompts.catalogue.rendering import Message, message_problems, variable_problems

CONTRACT_KEYS = {
    "text": {"type", "max_chars"},
    "labels": {"type", "labels"},
    "json_schema": {"type", "schema"},
}


@dataclass(frozen=True)
class Parameter:
    """A sampling parameter and the values that it takes."""

    name: str
    label: str
    least: Decimal
    most: Decimal
    is_whole: bool
    hint: str


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("temperature", "Temperature", Decimal(0), Decimal(2), False, "0 varies least."),
    Parameter("top_p", "Top p", Decimal(0), Decimal(1), False, "Change this or temperature."),
    Parameter(
        "max_tokens", "Most tokens", Decimal(1), Decimal(100_000), True, "Empty: 512 an answer."
    ),
    Parameter(
        "seed", "Seed", Decimal(0), Decimal(2**31 - 1), True, "Where a provider can repeat itself."
    ),
)


def problems_by_field(
    *,
    messages: list[Message],
    variables: dict[str, Any],
    output_contract: dict[str, Any],
    parameters: Mapping[str, Any],
) -> dict[str, list[str]]:
    """Every problem in a sentence, beside the field that it is about; {} when it can be saved."""
    in_messages = message_problems(messages) + _unwritable(messages)
    found = {
        "messages": in_messages,
        # Which names are used cannot be said of a text that is wrong itself.
        "variables": _problems_of_variables(None if in_messages else messages, variables),
        "output_contract": _problems_of_contract(output_contract),
        "parameters": parameter_problems(parameters),
    }
    return {name: problems for name, problems in found.items() if problems}


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
    if kind == "text" and not _is_length(contract.get("max_chars", 1)):
        return ["The most characters are a whole number of at least 1."]
    return contracts.problems_of(contract) or schema_problems(contract.get("schema", {}))


def _are_labels(labels: Any) -> bool:
    is_text = isinstance(labels, list) and all(isinstance(one, str) for one in labels)
    return is_text and bool(labels) and all(labels) and len(set(labels)) == len(labels)


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


def parameter_problems(given: Mapping[str, Any]) -> list[str]:
    known = {one.name: one for one in PARAMETERS}
    problems = [f"{name} is no parameter." for name in sorted(given.keys() - known.keys())]
    for name in sorted(given.keys() & known.keys()):
        one, value = known[name], _number(given[name])
        fits = value is not None and one.least <= value <= one.most
        if not fits or (one.is_whole and value is not None and value % 1):
            kind = "a whole number" if one.is_whole else "a number"
            problems.append(f"{name} is {kind} from {one.least} to {one.most}.")
    return problems


def exact_parameters(given: Mapping[str, Any]) -> dict[str, int | str]:
    """Parameters as they are hashed: whole ones as integers, others as decimal text."""
    whole = {one.name for one in PARAMETERS if one.is_whole}
    exact: dict[str, int | str] = {}
    for name, value in given.items():
        number = _number(value) or Decimal(0)
        exact[name] = int(number) if name in whole else format(number, "f")
    return exact


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
