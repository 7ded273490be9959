"""Do two JSON Schemas ask for the same? Titles and descriptions apart. Pure.

Clients make their schemas from classes and title every field; a release's schema is written by
hand. What only names or explains is left out of the comparison, and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

_ONLY_SAID = {"title", "description", "$schema", "examples"}
_BY_NAME = {"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"}
_AS_IT_IS = {"const", "enum", "default"}


def same_schema(one: Any, other: Any) -> bool:
    return _plain(one) == _plain(other)


def _plain(schema: Any) -> str:
    # As text, because True == 1 and 1 == 1.0 in Python.
    return json.dumps(_bare(schema), sort_keys=True)


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _bare_part(key, value) for key, value in schema.items() if key not in _ONLY_SAID}


def _bare_part(key: str, value: Any) -> Any:
    if key in _AS_IT_IS:
        return value
    if key in _BY_NAME and isinstance(value, dict):
        return {name: _bare(rules) for name, rules in value.items()}
    if key == "required" and isinstance(value, list):
        return sorted(map(str, value))
    return _bare(value)
