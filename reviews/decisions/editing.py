"""The correction editor: an answer as a form or as text, one of them at a time. Pure.

The page carries the text that its form was made of (`form_base`), so the server needs nothing
kept to read the form back, with or without JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from governance.policy import output_contract, tool_calls
from reviews.decisions import answer_form, exact_json, schema_shapes
from reviews.decisions.answer_form import Node, TooManyFields, Typed
from reviews.decisions.exact_json import NotExact
from reviews.decisions.rules import readable

FORM, RAW = "form", "raw"
MOST_PROBLEMS = 20
SHORT = 200


@dataclass(frozen=True)
class Edited:
    """The text as it stands in the editor, as what it is edited, and what is not typed right."""

    text: str
    mode: str
    typed: Typed | None = None

    @property
    def sentences(self) -> list[str]:
        problems = self.typed.problems if self.typed else {}
        return [f"{pointer or 'Answer'}: {problem}" for pointer, (_, problem) in problems.items()]


@dataclass(frozen=True)
class Editor:
    """What the editor shows: its form, or the text alone."""

    text: str
    mode: str
    form: Node | None
    problems: tuple[tuple[str, str], ...] = field(default=())

    @property
    def is_form(self) -> bool:
        return self.form is not None and self.mode == FORM


def plain(text: str) -> str:
    """Browsers send line ends as CRLF; the answer keeps the plain ones."""
    return text.replace("\r\n", "\n")


def edited(contract: dict[str, Any], sent: Mapping[str, str], text: str) -> Edited:
    """What was sent from the editor; `text` where nothing was."""
    if sent.get("edit_mode") == FORM:
        found = _value_of(contract, plain(sent.get("form_base", text)))
        if found is not None:
            schema = schema_shapes.shape_of(contract, found)
            typed = answer_form.rebuilt(schema, found, sent)
            return Edited(_text_of(contract, typed.value), FORM, typed)
    mode = RAW if sent.get("edit_mode") == RAW else FORM
    return Edited(plain(sent["corrected_text"]) if "corrected_text" in sent else text, mode)


def after(contract: dict[str, Any], now: Edited, operation: str) -> Edited:
    """The editor after one of its buttons: raw, form, add:/place or remove:/place."""
    if operation in (FORM, RAW):
        return Edited(now.text, operation, now.typed if operation == FORM else None)
    act, _, pointer = operation.partition(":")
    value = _value_of(contract, now.text)
    if value is None or act not in ("add", "remove"):
        return now
    change = answer_form.with_added if act == "add" else answer_form.without
    changed = change(schema_shapes.shape_of(contract, value), value, pointer)
    return Edited(_text_of(contract, changed), FORM)


def editor(contract: dict[str, Any], now: Edited, *, checks: bool = True) -> Editor:
    """The editor of this text, with what does not fit said beside its place."""
    problems = by_place(contract, now.text) if checks else {}
    value = _value_of(contract, now.text)
    form = None
    if value is not None:
        try:
            schema = schema_shapes.shape_of(contract, value)
            form = answer_form.tree(schema, value, problems, now.typed)
        except TooManyFields:
            form = None
    return Editor(now.text, now.mode, form, tuple(_listed(problems)))


def _listed(problems: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    return ((pointer, one) for pointer, found in problems.items() for one in found)


def _value_of(contract: dict[str, Any], text: str) -> Any:
    """The value that the form is made of; None where this text has no form."""
    kind = contract.get("type", "text")
    if kind == "labels":
        return text.strip()
    if kind == "tools" and tool_calls.answer_in(text) is None:
        return None
    if kind not in ("json_schema", "tools"):
        return None
    try:
        value = exact_json.loads(text)
    except NotExact:
        return None
    return value if schema_shapes.shape_of(contract, value) else None


def _text_of(contract: dict[str, Any], value: Any) -> str:
    if contract.get("type") == "labels":
        return str(value)
    return readable(exact_json.dumps(value))


def by_place(contract: dict[str, Any], text: str) -> dict[str, list[str]]:
    """What of the contract the text does not keep: JSON Pointer to sentences."""
    kind = contract.get("type", "text")
    found: dict[str, list[str]] = {}
    if kind == "json_schema" and (value := _plain_value(text)) is not None:
        found = _problems(contract["schema"], value[0], "")
    elif kind == "tools" and (answer := tool_calls.answer_in(text)) is not None:
        found = _problems_of_calls(contract, answer)
    if found:
        return found
    left = output_contract.check(contract, text).errors
    return {"": left} if left else {}


def _plain_value(text: str) -> tuple[Any] | None:
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _problems_of_calls(contract: dict[str, Any], answer: dict[str, Any]) -> dict[str, list[str]]:
    allowed = tool_calls.argument_schemas(contract)
    found: dict[str, list[str]] = {}
    for at, call in enumerate(answer["tool_calls"]):
        name = call.get("name") if isinstance(call, dict) else None
        if isinstance(name, str) and name in allowed and isinstance(call.get("arguments"), dict):
            place = f"/tool_calls/{at}/arguments"
            found |= _problems(allowed[name], call["arguments"], place)
    return found


def _problems(schema: dict[str, Any], value: Any, below: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda one: one.json_path)
    for error in errors[:MOST_PROBLEMS]:
        found.setdefault(below + _pointer(error), []).append(_short(error.message))
    return found


def _pointer(error: ValidationError) -> str:
    return "".join(f"/{answer_form.escaped(part)}" for part in error.absolute_path)


def _short(message: str) -> str:
    return message if len(message) <= SHORT else message[: SHORT - 1] + "…"
