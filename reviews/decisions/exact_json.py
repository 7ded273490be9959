"""JSON read and written without losing a digit: 1.50 stays 1.50, large integers stay whole. Pure.

Values are dict, list, str, bool, None, and `Number` with the digits as they were written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class NotExact(ValueError):
    """This text is no JSON whose every part could be kept: broken, NaN, or a key twice."""


@dataclass(frozen=True)
class Number:
    """A number by its digits."""

    digits: str


def number(text: str) -> Number | None:
    """The number that these digits are in JSON, or None."""
    text = text.strip()
    return Number(text) if _NUMBER.fullmatch(text) else None


def loads(text: str) -> Any:
    """Raises NotExact."""
    try:
        return json.loads(
            text,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refused,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        raise NotExact(str(error)) from None


def _refused(name: str) -> Any:
    raise NotExact(f"{name} is no number in JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotExact("A key stands twice in one object.")
    return made


def dumps(value: Any, indent: str = "  ") -> str:
    """As `json.dumps(value, indent=2, ensure_ascii=False)` writes it, with the digits kept."""
    return _written(value, indent, "\n")


def _written(value: Any, indent: str, line: str) -> str:
    if isinstance(value, Number):
        return value.digits
    if not value or not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    inner = line + indent
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {_written(one, indent, inner)}"
            for key, one in value.items()
        ]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    return (
        "[" + inner + ("," + inner).join(_written(one, indent, inner) for one in value) + line + "]"
    )


def exactly(value: Any) -> Any:
    """Plain Python JSON (of a schema) with its numbers as `Number`."""
    return loads(json.dumps(value, ensure_ascii=False))
