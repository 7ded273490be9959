"""A structured answer as a form and back: nothing is lost that was not changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviews.decisions import editing, exact_json
from reviews.decisions.answer_form import MOST_FIELDS, Node
from reviews.decisions.editing import Edited

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "count"],
    "$defs": {
        "part": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    },
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "As written."},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "price": {"type": "number"},
        "sure": {"type": "boolean"},
        "kind": {"enum": ["a", "b", 3]},
        "note": {"type": ["string", "null"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "maxItems": 3},
        "odd": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
CONTRACT = {"type": "json_schema", "schema": SCHEMA}
ANSWER = """{
  "name": "two\\nlines",
  "count": 12345678901234567890,
  "price": 1.50,
  "sure": false,
  "kind": 3,
  "note": null,
  "parts": [
    {
      "id": "x",
      "extra": [1.0, {"deep": 2e5}]
    }
  ],
  "odd": 7,
  "unknown": {
    "a/b~c": "ключ"
  }
}"""


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def form_of(contract: dict[str, Any], text: str) -> Node:
    form = editing.editor(contract, Edited(text, editing.FORM)).form
    assert form is not None
    return form


def sent_by(form: Node, base: str) -> dict[str, str]:
    """What a browser sends of this form, untouched."""
    sent = {"edit_mode": "form", "form_base": base.replace("\n", "\r\n")}
    for node in nodes(form):
        if node.kind == "choice":
            sent[node.name] = next(one.value for one in node.options if one.is_chosen)
        elif node.kind not in ("object", "array"):
            sent[node.name] = node.value.replace("\n", "\r\n")
            if node.is_nullable and node.is_null:
                sent["n" + node.pointer] = "on"
    return sent


def test_an_untouched_form_gives_the_same_text_to_the_last_digit() -> None:
    exact = exact_json.dumps(exact_json.loads(ANSWER))
    sent = sent_by(form_of(CONTRACT, ANSWER), ANSWER)
    assert editing.edited(CONTRACT, sent, "").text == exact
    assert "1.50" in exact and "12345678901234567890" in exact and "2e5" in exact


NUMBERS = ["0", "-0", "1.50", "12345678901234567890123", "2e5", "-1.0E-7", "1.000"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS).map(exact_json.number) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(value=json_values, schema=st.sampled_from([SCHEMA, {"type": "object"}, {"type": "array"}]))
def test_any_answer_comes_back_as_it_was(value: Any, schema: dict[str, Any]) -> None:
    contract = {"type": "json_schema", "schema": schema}
    text = exact_json.dumps(["first", value] if schema.get("type") == "array" else {"name": value})
    sent = sent_by(form_of(contract, text), text)
    assert editing.edited(contract, sent, "").text == text


@pytest.mark.parametrize(
    ("field", "typed", "line"),
    [
        ("f/count", "3", '"count": 3,'),
        ("f/price", "0.10", '"price": 0.10,'),
        ("f/name", "a\r\nb", '"name": "a\\nb",'),
        ("f/sure", "true", '"sure": true,'),
        ("f/kind", '"b"', '"kind": "b",'),
        ("f/odd", '"seven"', '"odd": "seven",'),
        ("f/parts/0/id", "y", '"id": "y",'),
    ],
)
def test_one_field_changes_one_line(field: str, typed: str, line: str) -> None:
    sent = sent_by(form_of(CONTRACT, ANSWER), ANSWER)
    assert field in sent
    before = editing.edited(CONTRACT, sent, "").text.splitlines()
    after = editing.edited(CONTRACT, sent | {field: typed}, "").text.splitlines()
    changed = [new.strip() for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [line]


def test_a_null_is_a_tick_and_its_field_a_text() -> None:
    sent = sent_by(form_of(CONTRACT, ANSWER), ANSWER)
    del sent["n/note"]
    assert '"note": "",' in editing.edited(CONTRACT, sent, "").text
    assert '"note": "x",' in editing.edited(CONTRACT, sent | {"f/note": "x"}, "").text
    named = ANSWER.replace("null", '"here"')
    again = sent_by(form_of(CONTRACT, named), named) | {"n/note": "on"}
    assert '"note": null,' in editing.edited(CONTRACT, again, "").text


def test_what_is_no_number_is_kept_and_said() -> None:
    sent = sent_by(form_of(CONTRACT, ANSWER), ANSWER) | {"f/price": "1,5", "f/odd": "{"}
    found = editing.edited(CONTRACT, sent, "")
    assert [one.split(":")[0] for one in found.sentences] == ["/price", "/odd"]
    assert '"price": 1.50,' in found.text
    price = next(
        one
        for one in nodes(editing.editor(CONTRACT, found).form or form_of(CONTRACT, ANSWER))
        if one.pointer == "/price"
    )
    assert (price.value, price.errors[0]) == ("1,5", "Write a number, such as 12 or 1.50.")


def test_lists_grow_and_shrink_and_absent_fields_can_be_added() -> None:
    now = Edited('{"name": "n", "count": 1, "parts": []}', editing.FORM)
    for operation in ("add:/parts/-", "add:/parts/-", "add:/sure", "remove:/parts/0"):
        now = editing.after(CONTRACT, now, operation)
    assert exact_json.loads(now.text) == exact_json.loads(
        '{"name": "n", "count": 1, "parts": [{"id": ""}], "sure": false}'
    )
    form = form_of(CONTRACT, now.text)
    assert ("/price", "price") in form.addable
    by_place = {one.pointer: one for one in nodes(form)}
    assert by_place["/sure"].is_removable and not by_place["/name"].is_removable
    for operation in ("remove:/nothing/7", "add:/parts/x/y", "add:", "turn:/name"):
        assert editing.after(CONTRACT, now, operation).text == now.text


def test_fields_say_bounds_titles_and_what_is_wrong_beside_them() -> None:
    by_place = {one.pointer: one for one in nodes(form_of(CONTRACT, ANSWER))}
    count, name = by_place["/count"], by_place["/name"]
    assert count.attributes == {"min": "1", "max": "9", "step": "1"}
    assert "maximum of 9" in count.errors[0]
    assert (name.label, name.description, name.is_required) == ("Name", "As written.", True)
    assert by_place["/odd"].kind == "raw" and by_place["/unknown"].kind == "raw"


def test_labels_are_one_choice() -> None:
    contract = {"type": "labels", "labels": ["spam", "ham"]}
    form = form_of(contract, "spam\n")
    assert [one.label for one in form.options] == ["spam", "ham"]
    sent = sent_by(form, "spam\n") | {"f": '"ham"'}
    assert editing.edited(contract, sent, "").text == "ham"


def test_calls_of_tools_are_fields_of_their_own_schema() -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "book",
            "parameters": {
                "type": "object",
                "properties": {"seats": {"type": "integer", "maximum": 4}},
            },
        },
    }
    contract = {"type": "tools", "tools": [tool]}
    text = '{"tool_calls": [{"id": "call_1", "name": "book", "arguments": {"seats": 9}}]}'
    by_place = {one.pointer: one for one in nodes(form_of(contract, text))}
    seats = by_place["/tool_calls/0/arguments/seats"]
    assert seats.attributes["max"] == "4" and "maximum of 4" in seats.errors[0]
    sent = sent_by(form_of(contract, text), text) | {seats.name: "2"}
    assert '"seats": 2' in editing.edited(contract, sent, "").text
    assert editing.editor(contract, Edited("plain words", editing.FORM)).form is None


@pytest.mark.parametrize("text", ["no JSON", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_what_cannot_be_kept_exactly_is_edited_as_text(text: str) -> None:
    assert editing.editor(CONTRACT, Edited(text, editing.FORM)).form is None


def test_a_huge_answer_is_edited_as_text() -> None:
    text = exact_json.dumps(["x"] * (MOST_FIELDS + 1))
    contract = {"type": "json_schema", "schema": {"type": "array", "items": {"type": "string"}}}
    assert editing.editor(contract, Edited(text, editing.FORM)).form is None
