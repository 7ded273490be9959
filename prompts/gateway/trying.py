"""The page on which developers try a call: its fields from a schema, and the same call as code.

Pure: what a prompt's variables may be is said by its JSON Schema.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST = 100_000
"""Characters of one field; the gateway's own limits come after."""
MESSAGE = "message"
_NUMBER = "That is no number."


@dataclass(frozen=True)
class TryField:
    """One variable as a field: `kind` is text, number, whole, choice or json."""

    name: str
    kind: str
    typed: str
    is_required: bool
    says: str = ""
    choices: tuple[str, ...] = ()
    error: str = ""

    @property
    def key(self) -> str:
        return f"variable-{self.name}"


@dataclass(frozen=True)
class Filled:
    """The fields as they were typed, and the values of those that could be read."""

    fields: list[TryField]
    values: dict[str, Any]

    @property
    def is_valid(self) -> bool:
        return not any(field.error for field in self.fields)


def filled(schema: Mapping[str, Any], typed: Mapping[str, str] | None) -> Filled:
    """A field for each variable; with what was typed, its value or what is wrong with it.

    A field that was left empty is left out where it need not be there.
    """
    required = set(schema.get("required", ()))
    fields, values = [], {}
    for name, described in schema.get("properties", {}).items():
        text = typed.get(f"variable-{name}", "")[:LONGEST] if typed is not None else ""
        field = _field(name, described, text, name in required)
        if typed is not None and (text or field.is_required):
            value, error = _read(field, described)
            if error:
                field = _field(name, described, text, name in required, error)
            else:
                values[name] = value
        fields.append(field)
    return Filled(fields, values)


def _field(
    name: str, described: Mapping[str, Any], typed: str, is_required: bool, error: str = ""
) -> TryField:
    kind, choices = _kind(described)
    says = str(described.get("description") or described.get("title") or "")
    return TryField(name, kind, typed, is_required, says, choices, error)


def _kind(described: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    options = described.get("enum")
    if isinstance(options, list) and options and all(isinstance(one, str) for one in options):
        return "choice", tuple(options)
    kind = described.get("type", "string")
    if kind == "boolean":
        return "choice", ("true", "false")
    known = {"string": "text", "number": "number", "integer": "whole"}
    return (known.get(kind, "json") if isinstance(kind, str) else "json"), ()


def _read(field: TryField, described: Mapping[str, Any]) -> tuple[Any, str]:
    """The value, and a sentence where there is none."""
    if field.kind == "choice":
        is_boolean = described.get("type") == "boolean"
        if field.typed not in field.choices:
            return None, "Choose one."
        return (field.typed == "true" if is_boolean else field.typed), ""
    if field.kind in ("number", "whole"):
        return _number(field)
    if field.kind == "json":
        try:
            return json.loads(field.typed), ""
        except (ValueError, RecursionError):
            return None, 'Write it as JSON, as ["one", "two"] or {"name": "value"}.'
    return field.typed, ""


def _number(field: TryField) -> tuple[Any, str]:
    try:
        number = Decimal(field.typed[:40])
    except InvalidOperation:
        return None, _NUMBER
    if not number.is_finite() or abs(number) > 10**15:
        return None, _NUMBER
    if number == int(number):
        return int(number), ""
    return (None, "A whole number.") if field.kind == "whole" else (float(number), "")


def body_of(
    model: str, values: Mapping[str, Any], message: str, environment: str
) -> dict[str, Any]:
    """The request's JSON as an application would send it."""
    messages = [{"role": "user", "content": message}] if message else []
    body: dict[str, Any] = {"model": model, "messages": messages}
    if values:
        body["variables"] = dict(values)
    if environment != "production":
        body["metadata"] = {"environment": environment}
    return body


def as_curl(address: str, key: str, body: Mapping[str, Any]) -> str:
    """For a shell; what was typed is quoted."""
    sent = json.dumps(body, ensure_ascii=False, indent=2)
    return (
        f"curl {shlex.quote(address)}/chat/completions \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(sent)}"
    )


def as_python(address: str, key: str, body: Mapping[str, Any]) -> str:
    """With OpenAI's own client."""
    extra = {name: one for name, one in body.items() if name in ("variables", "metadata")}
    lines = [
        "from openai import OpenAI",
        "",
        f'client = OpenAI(base_url="{address}", api_key="{key}")',
        "reply = client.chat.completions.create(",
        f"    model={body['model']!r},",
        f"    messages={body['messages']!r},",
        *([f"    extra_body={extra!r},"] if extra else []),
        ")",
        "print(reply.choices[0].message.content)",
    ]
    return "\n".join(lines)
