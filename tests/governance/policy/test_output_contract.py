"""What the checker takes, refuses, and says about a contract that is wrong itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.output_contract import (
    check,
    problems_of,
    repair_instruction,
    without_fence,
)

SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "schema": {"type": "object", "required": ["spdx"], "properties": {"spdx": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("contract", "text", "ok"),
    [
        ({}, "anything", True),
        ({}, "  ", False),
        ({"type": "text", "max_chars": 3}, "abcd", False),
        ({"type": "text", "max_chars": 4}, "abcd", True),
        ({"type": "labels", "labels": ["yes", "no"]}, " yes\n", True),
        ({"type": "labels", "labels": ["yes", "no"]}, "maybe", False),
        (SCHEMA, '{"spdx": "MIT"}', True),
        (SCHEMA, '{"spdx": 1}', False),
        (SCHEMA, "{}", False),
        (SCHEMA, "no json", False),
    ],
)
def test_check(contract: dict[str, Any], text: str, ok: bool) -> None:
    result = check(contract, text)
    assert result.ok is ok
    assert bool(result.errors) is not ok


@given(st.text())
def test_any_text_gets_an_answer_and_never_an_exception(text: str) -> None:
    assert check(SCHEMA, text).ok == (not check(SCHEMA, text).errors)


@given(st.text(min_size=1))
def test_what_was_written_as_json_comes_back_as_its_value(name: str) -> None:
    assert check(SCHEMA, json.dumps({"spdx": name})).value == {"spdx": name}


def test_a_long_error_is_cut() -> None:
    result = check(SCHEMA, json.dumps({"spdx": list(range(500))}))
    assert len(result.errors[0]) < 220


def test_a_fence_around_everything_is_taken_off() -> None:
    assert without_fence('```json\n{"a": 1}\n```') == '{"a": 1}'
    assert without_fence("plain ``` text") == "plain ``` text"


def test_contracts_that_are_wrong_say_so() -> None:
    assert problems_of({"type": "poem"})
    assert problems_of({"type": "labels", "labels": []})
    assert problems_of({"type": "json_schema", "schema": {"type": "nonsense"}})
    assert not problems_of(SCHEMA)
    assert not problems_of({"type": "labels", "labels": ["a"]})


def test_the_repair_names_the_errors_and_the_form() -> None:
    assert "JSON" in repair_instruction(SCHEMA, ["$.spdx: wrong"])
    text = repair_instruction({"type": "text"}, ["too long"])
    assert "- too long" in text
    assert "JSON" not in text
