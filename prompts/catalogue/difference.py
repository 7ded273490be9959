"""What changed between two versions, field by field and word by word. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.approvals.diffing import FieldDiff, field_diffs


def version_diffs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldDiff]:
    """The fields of both contents in reading order; each says whether it is the same."""
    return field_diffs(_readable(before), _readable(after))


def _readable(content: Mapping[str, Any]) -> dict[str, Any]:
    """Messages by number and schemas by property, so that a change stands beside its name."""
    if not content:
        return {}
    messages = {
        f"message {number}": {"role": one["role"], "text": one["content"]}
        for number, one in enumerate(content["messages"], 1)
    }
    contract = dict(content["output_contract"])
    contract["type"] = contract.get("type", "text")
    if isinstance(contract.get("schema"), dict):
        contract["schema"] = _properties(contract["schema"])
    if isinstance(contract.get("tools"), list):
        contract["tools"] = _tools(contract["tools"])
    parts = messages | {
        "variables": _properties(content["variables"]),
        "output contract": contract,
        "parameters": content["parameters"],
        "takes the caller's messages": content["takes_caller_messages"],
    }
    return {name: part for name, part in parts.items() if part != {}}


def _tools(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Every tool under its name, with its arguments under theirs."""
    shown: dict[str, Any] = {}
    for function in (tool["function"] for tool in tools):
        parts = {name: one for name, one in function.items() if name not in ("name", "parameters")}
        shown[function["name"]] = parts | {"arguments": _properties(function.get("parameters", {}))}
    return shown


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema with every property's own rules under its name, and whether it is required."""
    required = set(schema.get("required", []))
    shown: dict[str, Any] = {}
    for name, rules in schema.get("properties", {}).items():
        own = dict(rules) if isinstance(rules, dict) else {"allowed": rules}
        if isinstance(own.get("properties"), dict):
            own = _properties(own)
        shown[name] = own | {"required": name in required}
    others = {key: one for key, one in schema.items() if key not in ("properties", "required")}
    return shown | ({"rules for the whole": others} if others else {})
