"""What may stand in a version, how it is rendered, and what changed between two."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from prompts.catalogue.content import problems_by_field
from prompts.catalogue.difference import version_diffs
from prompts.catalogue.parameters import exact_parameters
from prompts.catalogue.rendering import MOST_CHARACTERS, MOST_MESSAGES, render, value_problems
from tests.factories.clients import TICKET, TOOLS
from tests.factories.prompts import CONTENT


def problems(**changes: Any) -> dict[str, list[str]]:
    return problems_by_field(**(CONTENT | changes))


def said(text: str, role: str = "user") -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def test_what_fits_has_no_problem() -> None:
    assert problems() == {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"messages": []}, "messages", "at least one"),
        ({"messages": said(" ")}, "messages", "empty"),
        ({"messages": said("{{letter}}", "robot")}, "messages", "role"),
        ({"messages": said("{{letter}} {{letter.__class__}}")}, "messages", "no attribute"),
        ({"messages": said("{{letter}} {{letter[0]}}")}, "messages", "no index"),
        ({"messages": said("{{letter}} {{ 1 + 1 }}")}, "messages", "no expression"),
        ({"messages": said("{{letter}} {{")}, "messages", "between {{ and }}"),
        ({"messages": said("{% for x in y %}{{letter}}{% endfor %}")}, "messages", "no loops"),
        ({"messages": said("{{letter}}") * (MOST_MESSAGES + 1)}, "messages", "At most 50"),
        ({"messages": said("{{letter}}" + "x" * MOST_CHARACTERS)}, "messages", "At most 100,000"),
        ({"messages": said("{{letter}}\x00")}, "messages", "null character"),
        ({"messages": said("{{letter}}\ud800")}, "messages", "half a character"),
        ({"messages": said("{{letter}} {{name}}")}, "variables", "{{name}} is used but not"),
        ({"messages": said("Hello")}, "variables", "letter is declared but not used"),
        ({"variables": {"type": "array"}}, "variables", "type object"),
        ({"variables": {"type": "object", "properties": []}}, "variables", "not valid"),
        ({"output_contract": {"type": "poem"}}, "output_contract", "type is one of"),
        ({"output_contract": {"type": ["text"]}}, "output_contract", "type is one of"),
        ({"output_contract": {"type": "labels"}}, "output_contract", "names its labels"),
        ({"output_contract": {"type": "labels", "labels": ["a", "a"]}}, "output_contract", "once"),
        ({"output_contract": {"type": "json_schema"}}, "output_contract", "its schema"),
        ({"output_contract": {"type": "text", "max_chars": 0}}, "output_contract", "at least 1"),
        ({"output_contract": {"type": "text", "schema": {}}}, "output_contract", "has no “schema”"),
        ({"parameters": {"logit_bias": 1}}, "parameters", "no parameter"),
        ({"parameters": {"temperature": "hot"}}, "parameters", "0 to 2"),
        ({"parameters": {"temperature": 2.5}}, "parameters", "0 to 2"),
        ({"parameters": {"temperature": "nan"}}, "parameters", "0 to 2"),
        ({"parameters": {"max_tokens": 1.5}}, "parameters", "whole number"),
        ({"parameters": {"seed": True}}, "parameters", "whole number"),
        ({"parameters": {"caller_may_set": ["logit_bias"]}}, "parameters", "Callers may set some"),
        ({"parameters": {"caller_may_set": "seed"}}, "parameters", "Callers may set some"),
        ({"output_contract": {"type": "tools"}}, "output_contract", "at least one tool"),
        (
            {"output_contract": TOOLS | {"labels": ["a"]}},
            "output_contract",
            "has no “labels”",
        ),
    ],
)
def test_what_does_not_fit_is_told_beside_its_field(
    changes: dict[str, Any], field: str, words: str
) -> None:
    found = problems(**changes)
    assert list(found) == [field]
    assert words in " ".join(found[field])


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"$ref": "http://169.254.169.254/latest"}, "not in this schema"),
        ({"$ref": "#/$defs/nothing"}, "not in this schema"),
        ({"type": "number", "minimum": 0.5}, "whole numbers"),
        ({"type": "number", "maximum": 2**70}, "whole numbers"),
        ({"type": "string", "pattern": "("}, "not valid"),
    ],
)
def test_a_schema_points_nowhere_else_and_has_one_spelling(
    rules: dict[str, Any], words: str
) -> None:
    schema = {"type": "object", "properties": {"letter": rules}}
    assert words in " ".join(problems(variables=schema)["variables"])
    contract = {"type": "json_schema", "schema": schema}
    assert words in " ".join(problems(output_contract=contract)["output_contract"])


def test_a_reference_inside_the_schema_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"letter": {"$ref": "#/$defs/text"}},
        "$defs": {"text": {"type": "string", "maxLength": 3}},
    }
    assert problems(variables=schema) == {}
    assert value_problems(schema, {"letter": "long"}) != []


def test_parameters_have_one_spelling() -> None:
    given = {"temperature": 0.2, "top_p": Decimal("0.90"), "max_tokens": "200", "seed": 7.0}
    assert exact_parameters(given) == {
        "temperature": "0.2",
        "top_p": "0.90",
        "max_tokens": 200,
        "seed": 7,
    }


def test_what_callers_may_set_stands_where_it_is_not_the_usual() -> None:
    assert exact_parameters({"caller_may_set": ["max_tokens"]}) == {}
    assert exact_parameters({"caller_may_set": []}) == {"caller_may_set": []}
    given = {"caller_may_set": ["stop", "seed", "seed"]}
    assert exact_parameters(given) == {"caller_may_set": ["seed", "stop"]}


def test_the_arguments_of_a_tool_are_a_schema_like_any_other() -> None:
    outside = {"type": "object", "properties": {"a": {"$ref": "https://other/schema"}}}
    function = TICKET["function"] | {"parameters": outside}
    contract = TOOLS | {"tools": [TICKET | {"function": function}]}
    found = problems(output_contract=contract)["output_contract"]
    assert "open_ticket: “https://other/schema” is not in this schema" in " ".join(found)
    assert problems(output_contract=TOOLS) == {}


def test_a_tool_that_changed_stands_under_its_name() -> None:
    before = CONTENT | {"takes_caller_messages": False, "output_contract": TOOLS}
    function = TICKET["function"] | {"description": "Opens one ticket."}
    changed = TOOLS | {"tools": [TICKET | {"function": function}]}
    fields = version_diffs(before, before | {"output_contract": changed})
    labels = [one.label for one in fields if one.status != "same"]
    assert labels == ["output contract › tools › open ticket › description"]


def test_a_value_is_put_in_and_never_read_for_variables() -> None:
    rendered = render(said("{{ a }} {{b}}"), {"a": "{{b}}", "b": ["x", 1]})
    assert rendered == said('{{b}} ["x", 1]')


def test_a_difference_is_words_in_lines_and_fields_in_schemas() -> None:
    before = CONTENT | {"takes_caller_messages": False}
    after = before | {
        "messages": [
            {"role": "system", "content": "You summarise business letters."},
            CONTENT["messages"][1],
        ],
        "variables": {
            "type": "object",
            "properties": {"letter": {"type": "string", "maxLength": 3000}},
            "required": [],
        },
        "parameters": {"max_tokens": 200},
    }
    changed = {one.label: one for one in version_diffs(before, after) if one.status != "same"}
    assert set(changed) == {
        "message 1 › text",
        "variables › letter › maxLength",
        "variables › letter › required",
        "parameters › temperature",
    }
    pieces = [(one.kind, one.text) for one in changed["message 1 › text"].pieces]
    assert pieces == [
        ("same", "You summarise "),
        ("added", "business "),
        ("same", "letters."),
    ]
    limit = changed["variables › letter › maxLength"].pieces
    assert [(one.kind, one.text) for one in limit] == [("removed", "2000"), ("added", "3000")]
    assert changed["parameters › temperature"].status == "removed"
