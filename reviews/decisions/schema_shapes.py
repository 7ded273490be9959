"""What a JSON Schema says about one place: its kind, its bounds, what may be added. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.policy import tool_calls
from reviews.decisions.exact_json import Number, exactly

OBJECT, ARRAY, TEXT, NUMBER, CHOICE, RAW = "object", "array", "text", "number", "choice", "raw"
MOST_STEPS = 20
Schema = dict[str, Any]


def shape_of(contract: Schema, value: Any) -> Schema:
    """The schema by which this answer is a form; {} where the contract names none."""
    if contract.get("type") == "json_schema":
        schema = contract.get("schema")
        return schema if isinstance(schema, dict) else {}
    if contract.get("type") == "labels":
        return {"title": "Label", "enum": list(contract["labels"])}
    if contract.get("type") == "tools":
        return _shape_of_calls(contract, value)
    return {}


def _shape_of_calls(contract: Schema, value: Any) -> Schema:
    allowed = tool_calls.argument_schemas(contract)
    made = value.get("tool_calls") if isinstance(value, dict) else None
    calls = [
        _shape_of_call(allowed, one.get("name") if isinstance(one, dict) else None)
        for one in (made if isinstance(made, list) else [])
    ]
    listed = {
        "type": "array",
        "title": "Tool calls",
        "prefixItems": calls,
        "items": _shape_of_call(allowed, next(iter(allowed), None)),
    }
    parts: Schema = {"tool_calls": listed}
    if contract.get("text_allowed"):
        parts["content"] = {"type": "string", "title": "Text beside the calls"}
    return {"type": "object", "required": ["tool_calls"], "properties": parts}


def _shape_of_call(allowed: dict[str, Schema], name: Any) -> Schema:
    arguments = allowed.get(name, {}) if isinstance(name, str) else {}
    return {
        "type": "object",
        "required": ["id", "name", "arguments"],
        "properties": {
            "id": {"type": "string", "title": "Id"},
            "name": {"enum": list(allowed), "title": "Tool"},
            "arguments": {"title": "Arguments", **arguments},
        },
    }


def settled(schema: Any, root: Schema) -> tuple[Schema, bool]:
    """(the schema with its references followed, whether null is allowed beside it)."""
    is_nullable = False
    for _ in range(MOST_STEPS):
        if not isinstance(schema, dict):
            return {}, is_nullable
        if "$ref" in schema:
            beside = {key: one for key, one in schema.items() if key != "$ref"}
            target = _followed(schema["$ref"], root)
            schema = target | beside if isinstance(target, dict) else beside
            continue
        only = _only_branch(schema)
        if only is None:
            break
        schema, null_too = only
        is_nullable = is_nullable or null_too
    kinds = schema.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        rest = [one for one in kinds if one != "null"]
        schema, is_nullable = schema | {"type": rest[0] if len(rest) == 1 else rest}, True
    return schema, is_nullable


def _followed(reference: Any, root: Schema) -> Any:
    """What a reference inside this schema points to; nothing is fetched."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: Any = root
    for part in reference[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _only_branch(schema: Schema) -> tuple[Schema, bool] | None:
    """The one schema that is left of anyOf, oneOf or allOf, and whether null went."""
    for word in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(word)
        if not isinstance(branches, list):
            continue
        rest = [one for one in branches if one != {"type": "null"}]
        if len(rest) != 1 or not isinstance(rest[0], dict):
            continue
        beside = {key: one for key, one in schema.items() if key != word}
        return beside | rest[0], len(rest) != len(branches) and word != "allOf"
    return None


def kind_of(schema: Schema, value: Any) -> str:
    """As what a value is edited; raw where the schema and the value do not meet."""
    if any(word in schema for word in ("anyOf", "oneOf", "allOf", "not", "if")):
        return RAW
    if "enum" in schema or "const" in schema:
        return CHOICE
    said = schema.get("type")
    if said == "object" or (said is None and "properties" in schema):
        return OBJECT if isinstance(value, dict) else RAW
    if said == "array" or (said is None and "items" in schema):
        return ARRAY if isinstance(value, list) else RAW
    if isinstance(value, bool) and said in ("boolean", None):
        return CHOICE
    if isinstance(value, str) and said in ("string", None):
        return TEXT
    if isinstance(value, Number) and said in ("number", "integer", None):
        return NUMBER
    return RAW


def offered(schema: Schema, value: Any) -> list[Any]:
    """The values to choose from; the present one stands among them even if it does not fit."""
    if "const" in schema:
        values = [exactly(schema["const"])]
    elif "enum" in schema:
        values = [exactly(one) for one in schema["enum"]]
    else:
        values = [True, False]
    found = any(_is_same(one, value) for one in values)
    return values if found else [value, *values]


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def part_of(schema: Schema, key: str | int) -> Any:
    """The schema of a property or an element; {} where nothing is said."""
    if isinstance(key, int):
        first = schema.get("prefixItems")
        first = first if isinstance(first, list) else []
        return first[key] if key < len(first) else schema.get("items", {})
    properties = schema.get("properties")
    if isinstance(properties, dict) and key in properties:
        return properties[key]
    return schema.get("additionalProperties", {})


def required_of(schema: Schema) -> list[str]:
    named = schema.get("required")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def absent_of(schema: Schema, value: dict[str, Any]) -> Iterator[str]:
    """Properties that the schema knows and the value has not."""
    properties = schema.get("properties")
    return (key for key in (properties if isinstance(properties, dict) else ()) if key not in value)


def blank(schema: Any, root: Schema, depth: int = 0) -> Any:
    """What is put where something is added: the default, the first choice, else the emptiest."""
    schema, is_nullable = settled(schema, root)
    if "default" in schema:
        return exactly(schema["default"])
    if "const" in schema or schema.get("enum"):
        return exactly(schema["const"] if "const" in schema else schema["enum"][0])
    kind = schema.get("type")
    if is_nullable or depth > MOST_STEPS:
        return None
    if kind == "object" or (kind is None and "properties" in schema):
        named = required_of(schema)
        return {key: blank(part_of(schema, key), root, depth + 1) for key in named}
    if kind == "array" or (kind is None and "items" in schema):
        return []
    if kind in ("number", "integer"):
        return exactly(schema.get("minimum", 0))
    return {"boolean": False, "string": ""}.get(kind if isinstance(kind, str) else "", "")
