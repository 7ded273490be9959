"""A structured answer as a form, and the form as JSON again, exactly. Pure.

A field's name is `f` and the JSON Pointer of its place. What a field was not changed in stays
as it was written, unknown keys and digits included. What was typed and is no value of its
field's kind changes nothing and is said as a problem there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reviews.decisions import exact_json
from reviews.decisions import schema_shapes as shapes
from reviews.decisions.exact_json import NotExact, Number
from reviews.decisions.schema_shapes import Schema

MOST_FIELDS = 400
MOST_DEPTH = 12
LONG_TEXT = 60
BOUNDS = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}


class TooManyFields(Exception):
    """The answer has more fields than a form should; it is edited as JSON."""


@dataclass(frozen=True)
class Option:
    """One choice: what is sent, and what people read."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Node:
    """One place of the answer, with all that its field shows."""

    kind: str
    pointer: str
    number: int
    label: str
    description: str = ""
    is_required: bool = False
    is_nullable: bool = False
    is_null: bool = False
    value: str = ""
    is_long: bool = False
    options: tuple[Option, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    addable: tuple[tuple[str, str], ...] = ()
    is_removable: bool = False
    errors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "f" + self.pointer


@dataclass(frozen=True)
class Typed:
    """What the fields say: the value, and per pointer (what was typed, what is wrong with it)."""

    value: Any
    problems: Mapping[str, tuple[str, str]]


def escaped(key: str | int) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def tree(
    schema: Schema, value: Any, problems: Mapping[str, list[str]], typed: Typed | None = None
) -> Node:
    """The form of this value. Raises TooManyFields."""
    return _Form(schema, problems, typed.problems if typed else {}).node(
        value, schema, "", "Answer"
    )


class _Form:
    """One form being made; counts its fields."""

    def __init__(
        self,
        root: Schema,
        problems: Mapping[str, list[str]],
        typed: Mapping[str, tuple[str, str]],
    ) -> None:
        self.root, self.problems, self.typed, self.count = root, problems, typed, 0

    def node(
        self,
        value: Any,
        schema: Any,
        pointer: str,
        label: str,
        is_required: bool = True,
        is_removable: bool = False,
    ) -> Node:
        self.count += 1
        if self.count > MOST_FIELDS:
            raise TooManyFields
        number = self.count
        said, is_nullable = shapes.settled(schema, self.root)
        kind = kind_at(said, is_nullable, value, pointer)
        facts: dict[str, Any] = self._inside(kind, said, value, pointer)
        own = [self.typed[pointer][1]] if pointer in self.typed else []
        if pointer in self.typed:
            facts["value"] = self.typed[pointer][0]
        return Node(
            kind=kind,
            pointer=pointer,
            number=number,
            label=str(said.get("title") or label),
            description=str(said.get("description") or ""),
            is_required=is_required,
            is_nullable=is_nullable and kind in (shapes.TEXT, shapes.NUMBER),
            is_null=value is None,
            attributes=_attributes(said, kind),
            is_removable=is_removable,
            errors=(*own, *self.problems.get(pointer, ())),
            **facts,
        )

    def _inside(self, kind: str, schema: Schema, value: Any, pointer: str) -> dict[str, Any]:
        if kind == shapes.OBJECT:
            return self._object(schema, value, pointer)
        if kind == shapes.ARRAY:
            return self._array(schema, value, pointer)
        if kind == shapes.CHOICE:
            return {"options": tuple(_options(schema, value))}
        text = shown(value, kind)
        return {"value": text, "is_long": len(text) > LONG_TEXT or bool({*"\n\r"} & {*text})}

    def _object(self, schema: Schema, value: dict[str, Any], pointer: str) -> dict[str, Any]:
        required = shapes.required_of(schema)
        children = [
            self.node(
                one,
                shapes.part_of(schema, key),
                f"{pointer}/{escaped(key)}",
                key,
                key in required,
                key not in required,
            )
            for key, one in value.items()
        ]
        absent = [(f"{pointer}/{escaped(key)}", key) for key in shapes.absent_of(schema, value)]
        return {"children": tuple(children), "addable": tuple(absent)}

    def _array(self, schema: Schema, value: list[Any], pointer: str) -> dict[str, Any]:
        children = [
            self.node(one, shapes.part_of(schema, at), f"{pointer}/{at}", f"{at + 1}", False, True)
            for at, one in enumerate(value)
        ]
        most = schema.get("maxItems")
        is_full = isinstance(most, int) and len(value) >= most
        return {
            "children": tuple(children),
            "addable": () if is_full else ((f"{pointer}/-", "one more"),),
        }


def kind_at(schema: Schema, is_nullable: bool, value: Any, pointer: str) -> str:
    """The kind of a place; a null that may be there is edited as what else it may be."""
    if pointer.count("/") > MOST_DEPTH:
        return shapes.RAW
    if value is None and is_nullable and "enum" not in schema:
        kind = shapes.kind_of(schema, {"string": "", "number": Number("0")}.get(_family(schema)))
        return kind if kind in (shapes.TEXT, shapes.NUMBER) else shapes.RAW
    return shapes.kind_of(schema, value)


def _family(schema: Schema) -> str:
    said = schema.get("type")
    return "number" if said in ("number", "integer") else str(said)


def shown(value: Any, kind: str) -> str:
    """A value as its field holds it."""
    if value is None and kind != shapes.RAW:
        return ""
    if kind == shapes.NUMBER:
        return str(value.digits)
    return value if kind == shapes.TEXT else exact_json.dumps(value)


def _options(schema: Schema, value: Any) -> list[Option]:
    return [
        Option(exact_json.dumps(one), _in_words(one), type(one) is type(value) and one == value)
        for one in shapes.offered(schema, value)
    ]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else exact_json.dumps(value)


def _attributes(schema: Schema, kind: str) -> dict[str, str]:
    if kind not in (shapes.TEXT, shapes.NUMBER):
        return {}
    found = {
        attribute: str(schema[word])
        for word, attribute in BOUNDS.items()
        if isinstance(schema.get(word), int | float)
    }
    if kind == shapes.NUMBER:
        found["step"] = "1" if schema.get("type") == "integer" else "any"
    return found


def rebuilt(schema: Schema, value: Any, sent: Mapping[str, str]) -> Typed:
    """The value with what the fields say. A field that was not sent changes nothing."""
    problems: dict[str, tuple[str, str]] = {}
    return Typed(_Reading(schema, sent, problems).of(value, schema, ""), problems)


@dataclass(frozen=True)
class _Reading:
    """One form being read."""

    root: Schema
    sent: Mapping[str, str]
    problems: dict[str, tuple[str, str]]

    def of(self, value: Any, schema: Any, pointer: str) -> Any:
        said, is_nullable = shapes.settled(schema, self.root)
        kind = kind_at(said, is_nullable, value, pointer)
        if kind == shapes.OBJECT:
            return {
                key: self.of(one, shapes.part_of(said, key), f"{pointer}/{escaped(key)}")
                for key, one in value.items()
            }
        if kind == shapes.ARRAY:
            return [
                self.of(one, shapes.part_of(said, at), f"{pointer}/{at}")
                for at, one in enumerate(value)
            ]
        return self._leaf(value, kind, pointer, is_nullable)

    def _leaf(self, value: Any, kind: str, pointer: str, is_nullable: bool) -> Any:
        text = self.sent.get("f" + pointer)
        if text is None:
            return value
        text = _plain(text)
        if is_nullable and kind in (shapes.TEXT, shapes.NUMBER):
            if "n" + pointer in self.sent:
                return None
        elif text == _plain(shown(value, kind)):
            return value
        if kind == shapes.TEXT:
            return value if value is not None and text == _plain(value) else text
        return self._parsed(value, kind, pointer, text)

    def _parsed(self, value: Any, kind: str, pointer: str, text: str) -> Any:
        if kind == shapes.NUMBER:
            found = exact_json.number(text)
            if found is None:
                self.problems[pointer] = (text, "Write a number, such as 12 or 1.50.")
            return value if found is None else found
        try:
            return exact_json.loads(text)
        except NotExact as broken:
            self.problems[pointer] = (text, f"Not valid JSON: {broken}")
            return value


def _plain(text: str) -> str:
    """Browsers send every line end as CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_added(schema: Schema, value: Any, pointer: str) -> Any:
    """The value with a blank one at that place, as far as the place is there."""
    return _changed(schema, schema, value, _parts(pointer), adds=True)


def without(schema: Schema, value: Any, pointer: str) -> Any:
    """The value without what stands at that place."""
    return _changed(schema, schema, value, _parts(pointer), adds=False)


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _changed(root: Schema, schema: Any, value: Any, parts: list[str], *, adds: bool) -> Any:
    if not parts:
        return value
    said, _ = shapes.settled(schema, root)
    key, rest = parts[0], parts[1:]
    if isinstance(value, list):
        if adds and not rest and key == "-":
            return [*value, shapes.blank(shapes.part_of(said, len(value)), root)]
        at = int(key) if key.isdecimal() and int(key) < len(value) else None
        if at is None:
            return value
        if not adds and not rest:
            return value[:at] + value[at + 1 :]
        changed = _changed(root, shapes.part_of(said, at), value[at], rest, adds=adds)
        return [*value[:at], changed, *value[at + 1 :]]
    if not isinstance(value, dict):
        return value
    if not rest and adds:
        fresh = shapes.blank(shapes.part_of(said, key), root)
        return value if key in value else value | {key: fresh}
    if not rest:
        return {name: one for name, one in value.items() if name != key}
    if key not in value:
        return value
    part = shapes.part_of(said, key)
    return value | {key: _changed(root, part, value[key], rest, adds=adds)}
