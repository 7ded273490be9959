"""Tool calls as a contract: what an allow-list may say, how calls are kept, and what fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.policy.output_contract import check, problems_of, repair_instruction
from governance.policy.tool_calls import answer_in, message_parts, without_ids, written
from tests.factories.clients import TICKET, TOOLS

FITS = {"title": "Printer", "urgent": False}
FREE = TOOLS | {"text_allowed": True}


def tool(**changes: Any) -> dict[str, Any]:
    return {"type": "function", "function": TICKET["function"] | changes}


def kept(**changes: Any) -> str:
    call = {"id": "call_1", "name": "open_ticket", "arguments": FITS} | changes
    return json.dumps({"tool_calls": [call]})


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        (None, "at least one tool"),
        ([], "at least one tool"),
        ([TICKET] * 65, "At most 64"),
        (["open_ticket"], "Tool 1: write"),
        ([TICKET | {"more": 1}], "Tool 1: write"),
        ([tool(examples=[])], "no “examples”"),
        ([tool(name="open ticket")], "its name"),
        ([tool(description=7)], "its description"),
        ([tool(strict="yes")], "true or false"),
        ([tool(parameters={"type": "array"})], "of type object"),
        ([TICKET, TICKET], "named twice"),
    ],
)
def test_an_allow_list_that_cannot_be_is_told(tools: Any, words: str) -> None:
    assert words in " ".join(problems_of({"type": "tools", "tools": tools}))


def test_an_allow_list_that_can_be() -> None:
    assert problems_of(TOOLS) == problems_of(FREE) == []
    assert problems_of(TOOLS | {"text_allowed": "yes"}) != []


@pytest.mark.parametrize(
    ("contract", "text", "words"),
    [
        (TOOLS, kept(), ""),
        (TOOLS, "Hello", "must call a tool"),
        (TOOLS, "", "must call a tool"),
        (TOOLS, '{"tool_calls": []}', "must call a tool"),
        (FREE, "Hello", ""),
        (FREE, " ", "empty"),
        (TOOLS, kept(name="delete_all"), "the tool is one of open_ticket"),
        (TOOLS, kept(arguments={"title": "Printer"}), "'urgent' is a required property"),
        (TOOLS, kept(arguments=FITS | {"more": 1}), "more"),
        (TOOLS, kept(arguments="{"), "a JSON object"),
        (TOOLS, kept(id="no id"), "its id"),
        (TOOLS, kept(type="function"), "and nothing else"),
        (TOOLS, json.dumps(json.loads(kept()) | {"content": "Hi"}), "no “content”"),
        (FREE, json.dumps(json.loads(kept()) | {"content": "Hi"}), ""),
        (FREE, json.dumps(json.loads(kept()) | {"content": 7}), "is a text"),
        (TOOLS, json.dumps({"tool_calls": json.loads(kept())["tool_calls"] * 2}), "Call 2: its id"),
    ],
)
def test_an_answer_keeps_the_contract_or_is_told_why(
    contract: dict[str, Any], text: str, words: str
) -> None:
    result = check(contract, text)
    assert result.ok is (words == "")
    assert words in " ".join(result.errors)


def openai_call(arguments: str, call_id: str = "call_9") -> dict[str, Any]:
    function = {"name": "open_ticket", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def test_calls_are_kept_as_text_that_a_person_can_read() -> None:
    text = written(TOOLS, "I do it now.", [openai_call(json.dumps(FITS))])
    answer = {"tool_calls": [{"id": "call_9", "name": "open_ticket", "arguments": FITS}]}
    assert json.loads(text) == answer
    assert '\n      "name": "open_ticket"' in text
    assert json.loads(written(FREE, "Now.", [openai_call("{}")]))["content"] == "Now."
    assert written(FREE, "Only words.", []) == "Only words."
    parts = message_parts(answer)
    assert parts["content"] is None
    assert json.loads(parts["tool_calls"][0]["function"]["arguments"]) == FITS


def test_ids_are_ours_where_theirs_are_no_names_and_no_screen_reads_them() -> None:
    text = written(TOOLS, "", [openai_call("{}", "a b")])
    assert json.loads(text)["tool_calls"][0]["id"] == "call_1"
    assert "call_1" not in without_ids(text)
    assert "open_ticket" in without_ids(text)
    assert without_ids("Hello") == "Hello"


@pytest.mark.parametrize("arguments", ["{", "[]", '{"a": NaN}', ""])
def test_arguments_that_are_no_object(arguments: str) -> None:
    text = written(TOOLS, "", [openai_call(arguments)])
    assert check(TOOLS, text).ok is False


def test_a_text_that_is_other_json_calls_nothing() -> None:
    assert answer_in('{"tool_calls": "all"}') is None
    assert answer_in("[1]") is None


def test_the_repair_asks_for_calls() -> None:
    assert "calls of the allowed tools" in repair_instruction(TOOLS, ["x"])
